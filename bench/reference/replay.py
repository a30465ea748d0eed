"""Computes every step of a finished run again, in PyTorch with autograd, and compares.

    bench/parity/python.sh bench/reference/replay.py RUN [--dtype float32] [--json FILE]

From the run come the settings, the starting weights, and of each step the sampled ids and which
answer was chosen. Log-probs of policy and frozen reference, loss, gradient, clipping, schedule and
AdamW are computed here, without a look at the run's own: an error of one step is carried into the
next. A loss's error is |oaif's - ours| over |ours|, or over the loss of a policy that is its
reference, where that is larger: ipo's loss passes through 0. The worst step counts; in bfloat16,
where single steps say little, it is the root of the steps' mean square. So it is of the gradients'
norms, which tell of factors that AdamW divides out again. The weights' error is
||oaif's - ours|| over ||ours - start||, over all weights after the last step. Exit status 1 when a
bound is broken.

What is compared with is computed in float64, or in float32, which takes a third of the time. Where
the run's own dtype is another one, it is replayed in that too: that says how far from exact PyTorch
itself is, and oaif may be twice as far where that is more than the bound. In float32 what PyTorch
is off counts against oaif; for ipo, whose loss fp32 tells so badly, float64 is needed.
"""

import argparse
import dataclasses

import torch

import report
from losses import LOSSES, log_ratio
from policy import Policy
from recorded import Run
from scoring import in_dtype, open_model, pair_logprobs, precision

# How far a run may be off, and else how many times as far as PyTorch in the run's dtype. bfloat16
# needs the second, and ipo in fp32: it tells a log-prob sum of 100 nats to 1e-5 at best, which is
# 1e-6 of a dpo loss of 0.7 and nothing of a slic loss of 1, but 4e-5 of an ipo loss of 0.25, whose
# slope is 1 a nat there.
BOUNDS = {"loss": 1e-5, "weight": 1e-4, "norm": 1e-5}
FACTOR = 2


@dataclasses.dataclass
class Outcome:
    """What training came to: losses and gradient norms of its steps, and the last weights."""
    losses: list
    norms: list
    weights: dict

    def loss_errors(self, exact, kind, beta):
        """By step."""
        least = LOSSES[kind](torch.zeros(()), beta).item()
        return [abs(a - b) / max(abs(b), least) for a, b in zip(self.losses, exact.losses)]

    def norm_errors(self, exact):
        """By step, of those that have a gradient."""
        return [abs(a / b - 1) for a, b in zip(self.norms, exact.norms) if b]

    def weight_error(self, exact, start):
        if self.weights.keys() != exact.weights.keys():
            raise SystemExit("other tensors: "
                             f"{sorted(self.weights.keys() ^ exact.weights.keys())}")
        square = lambda a, b: sum((a[n].double() - b[n].double()).square().sum().item() for n in a)
        return (square(self.weights, exact.weights) / square(exact.weights, start)) ** .5


def backward(policy, reference, pairs, loss):
    """Adds up the gradient of a step's mean loss and returns that loss. One pair at a time is slow,
    but there is no padding between prompts whose treatment could be wrong."""
    total = 0.0
    for pair in pairs:
        with torch.no_grad():
            frozen = pair_logprobs(reference, [pair], torch.float64)
        h = log_ratio(*pair_logprobs(policy, [pair], torch.float64), *frozen)
        share = LOSSES[loss["kind"]](h, loss["beta"]).sum() / len(pairs)
        share.backward()
        total += share.item()
    return total


def retrain(run, dtype):
    """Trains as run did, in dtype; returns the Outcome and the starting weights."""
    s = run.settings
    reference = in_dtype(open_model(s["model"]["reference"]).model, dtype)
    policy = Policy(open_model(s["model"]["path"]).model, dtype, "cpu", s, fused=False)
    copy = lambda: {name: p.detach().clone() for name, p in policy.masters.items()}
    start, out = copy(), Outcome([], [], {})
    for line in run.metrics:
        pairs, loss, norm = run.kept(line["step"]), 0.0, 0.0
        if pairs:  # else the step is none, for AdamW's count too
            with precision(dtype):
                loss = backward(policy.model, reference, pairs, s["loss"])
            norm, _ = policy.update(line["step"])
        out.losses.append(loss)
        out.norms.append(norm)
    out.weights = copy()
    return out, start


def root_mean_square(errors):
    return (sum(e * e for e in errors) / len(errors)) ** .5


def compare(path, dtype="float64", variant=""):
    """Replays the run in a folder in dtype; returns its row and the rows of its steps."""
    run = Run(path)
    loss, own = run.settings["loss"], run.settings["model"]["dtype"]
    exact, start = retrain(run, getattr(torch, dtype))
    oaif = Outcome([m["loss"] for m in run.metrics], [m["grad_norm"] for m in run.metrics],
                   run.weights())
    of_steps = root_mean_square if own == "bfloat16" else max
    errors = lambda outcome: {
        "loss": of_steps(outcome.loss_errors(exact, **loss)),
        "weight": outcome.weight_error(exact, start),
        "norm": of_steps(outcome.norm_errors(exact) or [0.0])}
    off, pytorch, bounds = errors(oaif), dict.fromkeys(BOUNDS), BOUNDS
    if own != dtype:
        pytorch = errors(retrain(run, getattr(torch, own))[0])
        bounds = {what: max(b, FACTOR * pytorch[what]) for what, b in BOUNDS.items()}
    row = {"kind": "replay", "model": run.model, "variant": variant,
           "loss": loss["kind"], "dtype": own, "steps": len(run.metrics),
           "pairs": sum(m["kept"] for m in run.metrics),
           "skipped": sum(m["pairs"] - m["kept"] for m in run.metrics),
           **{f"{what}_error": off[what] for what in BOUNDS},
           **{f"{what}_bound": bounds[what] for what in BOUNDS},
           **{f"torch_{what}_error": pytorch[what] for what in BOUNDS},
           "holds": all(off[what] <= bounds[what] for what in BOUNDS)}
    steps = [{"step": m["step"], "pairs": m["kept"], "recorded": m["loss"], "replayed": again,
              "off": off, "recorded_norm": m["grad_norm"], "replayed_norm": norm}
             for m, again, norm, off in zip(run.metrics, exact.losses, exact.norms,
                                           oaif.loss_errors(exact, **loss))]
    return row, steps


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float64",
                        help="what to compute in")
    parser.add_argument("--json", help="file that the row is added to, one JSON object a line")
    args = parser.parse_args()
    row, steps = compare(args.run, args.dtype)
    print(f"{report.markdown(report.STEPS, steps)}\n\n{report.markdown(report.REPLAYS, [row])}")
    report.finish([row], args.json)


if __name__ == "__main__":
    main()
