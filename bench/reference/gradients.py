"""Compares the gradients of a run with PyTorch's autograd in float64, tensor by tensor.

    bench/parity/python.sh bench/reference/gradients.py RUN [--json FILE]

A checkpoint keeps AdamW's first moment, m_n = beta1 m_(n-1) + (1 - beta1) g_n (arXiv 1412.6980,
Algorithm 1), so that two that follow each other tell the clipped gradient of the step between them,
at weights that the first one holds; the first step needs but one. It is computed again at these
very weights, of a run in bfloat16 as they are when rounded to it. An error is the norm of the
difference over the norm of the tensor's gradient, of the worst tensor. PyTorch in the run's dtype
is measured beside it at each step, and oaif may be twice as far off. Exit status 1 when a bound is
broken.
"""

import argparse

import torch

import replay
import report
from policy import clip
from recorded import Run
from scoring import cast, in_dtype, open_model, precision

# Or replay.FACTOR times what PyTorch is off at the same step. ipo's gradient is 2 h - 1/beta times
# that of h, and fp32 tells h, of sums of 100 nats, to 1e-5. PyTorch is nearer at the first step
# alone: policy and reference are one function of the same weights there, and their errors cancel.
BOUNDS = {"dpo": 1e-5, "slic": 1e-5, "ipo": 2e-5}


def steps_told(run):
    """The steps whose gradients the checkpoints of run tell."""
    there = {int(p.name.removeprefix("step-")) for p in (run.path / "checkpoints").iterdir()}
    return sorted(n for n in there if n == 1 or n - 1 in there)


def recorded_gradients(run, step, places):
    """The clipped gradients of step by name: what its moments say."""
    beta = run.settings["optimizer"]["betas"][0]
    first = lambda n: run.checkpoint(n, "optimizer").reshape(2, -1)[0].astype("float64")
    moment = first(step) - (beta * first(step - 1) if step > 1 else 0)
    return run.tensors(moment / (1 - beta), places)


def autograd_gradients(run, step, places, dtype):
    """The same by autograd in dtype."""
    s, own = run.settings, getattr(torch, run.settings["model"]["dtype"])
    rounded = lambda which: in_dtype(cast(open_model(s["model"][which]).model, own), dtype)
    policy, reference = rounded("path"), rounded("reference")
    params = dict(policy.named_parameters())
    if step > 1:
        flat = run.checkpoint(step - 1, "weights")
        for name, value in run.tensors(flat, places).items():
            params[name].data.copy_(value.to(own))
    with precision(dtype):
        replay.backward(policy, reference, run.kept(step), s["loss"])
    clip(params.values(), s["optimizer"]["clip_norm"])
    return {name: p.grad.double() for name, p in params.items()}


def worst(gradients, exact):
    """The largest error of a tensor."""
    return max(((gradients[n] - g).norm() / g.norm()).item() for n, g in exact.items())


def compare(path, variant=""):
    """Returns a row for each step that the checkpoints of a run tell of."""
    run, rows = Run(path), []
    kind, own = run.settings["loss"]["kind"], run.settings["model"]["dtype"]
    places = run.places()
    for step in steps_told(run):
        exact = autograd_gradients(run, step, places, torch.float64)
        error = worst(recorded_gradients(run, step, places), exact)
        pytorch = worst(autograd_gradients(run, step, places, getattr(torch, own)), exact)
        bound = max(BOUNDS[kind], replay.FACTOR * pytorch)
        rows.append({"kind": "gradient", "model": run.model, "loss": kind, "dtype": own,
                     "variant": variant, "step": step, "tensors": len(exact), "error": error,
                     "bound": bound, "pytorch_error": pytorch, "holds": error <= bound})
    if not rows:
        raise SystemExit(f"{path}: no two checkpoints that follow each other; "
                         "train with train.checkpoint_every = 1")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("--json", help="file that the rows are added to, one JSON object a line")
    args = parser.parse_args()
    rows = compare(args.run)
    print(report.markdown(report.GRADIENTS, rows))
    report.finish(rows, args.json)


if __name__ == "__main__":
    main()
