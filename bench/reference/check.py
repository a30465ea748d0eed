"""Trains with bin/oaif and replays it in PyTorch; exit status 1 when a bound is broken.

    bench/parity/python.sh bench/reference/check.py [--tiny] [--json FILE]

A tiny random llama is trained for 20 steps with each loss: in one batch, in micro-batches, with the
activations computed again, and in bfloat16. Then the demo's model is, on film reviews and on chats:
twenty steps in fp32, and five in bf16, which is noise soon after. Each run is replayed (replay.py),
the tiny ones in fp64 and the others, which are large, in fp32; the tiny model's gradients are
compared by themselves, in both types (gradients.py).
"""

import argparse
import pathlib
import sys
import tempfile

import torch

import gradients
import replay
import report
import scoring
import settings
import tiny
from program import ROOT, Program  # of the folder beside, which scoring has found

# Between them the losses see every schedule.
LOSSES = {"dpo": "cosine", "ipo": "linear", "slic": "constant"}
VARIANTS = {
    "one batch": [],
    "micro-batches of 2": ["train.micro_batch=2"],
    "recompute": ["train.recompute=true", "train.micro_batch=4"],
    "one batch, bf16": ["model.dtype=bfloat16"],
}
FIRST_STEPS = ["train.steps=2", "optimizer.warmup_steps=0"]
SHORT = ["model.device=cpu", "eval.every=0", "eval.prompts=1", "optimizer.warmup_steps=1"]
# A configuration of the demo's model and what is changed so that it takes some minutes.
WORKLOADS = {
    "film": ("configs/demo.toml", ["train.prompts_per_step=4"]),
    "chat": ("configs/chat.toml", ["train.prompts_per_step=4"]),
}
STEPS = {"float32": 20, "bfloat16": 5}


class Check:
    """Trains into a folder and collects rows."""

    def __init__(self, folder):
        self.folder, self.oaif = pathlib.Path(folder), Program(ROOT / "bin/oaif")
        self.replays, self.gradients = [], []

    def train(self, name, config, sets):
        out = self.folder / name.replace(" ", "-")
        self.oaif.run("train", str(config), "--out", str(out),
                      *[word for s in sets for word in ("--set", s)])
        return out

    def replay(self, out, variant, dtype="float64"):
        row, _ = replay.compare(out, dtype, variant)
        self.replays.append(row)
        print(f"  {row['model']}, {row['loss']}, {variant}: loss off {row['loss_error']:.1e}, "
              f"weights {row['weight_error']:.1e}", file=sys.stderr)

    def tiny(self):
        config = tiny.write(self.folder / "tiny")
        for loss, schedule in LOSSES.items():
            sets = [f"loss.kind={loss}", f"optimizer.schedule={schedule}"]
            for variant, more in VARIANTS.items():
                out = self.train(f"{loss} {variant}", config, sets + more)
                self.replay(out, variant)
                self.gradients += gradients.compare(out, variant)
            for dtype in STEPS:
                self.gradients += gradients.compare(
                    self.train(f"{loss} start {dtype}", config,
                               [*sets[:1], *FIRST_STEPS, f"model.dtype={dtype}"]), "one batch")
        same_defaults(config, self.train("defaults", config, ["train.steps=5"]))

    def workloads(self):
        for name, (config, sets) in WORKLOADS.items():
            for dtype, steps in STEPS.items():
                out = self.train(f"{name} {dtype}", config,
                                 [*SHORT, *sets, f"model.dtype={dtype}", f"train.steps={steps}"])
                self.replay(out, name, "float32")


def exact():
    """What is called float64 must not go through float32 anywhere: then a log-prob of a tiny model
    would not be one of a model whose weights moved by less than float32 can tell."""
    ids, dtype = ([1, 2, 3], [4, 5]), torch.float64
    with scoring.precision(dtype):
        model = scoring.in_dtype(tiny.model(), dtype)
        before = scoring.answer_logprobs(model, [ids], dtype)[0].sum()
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(1 + 1e-11)
        off = (scoring.answer_logprobs(model, [ids], dtype)[0].sum() / before - 1).abs()
    if not 0 < off < 1e-9:
        raise SystemExit(f"float64 is not kept: a factor of 1 + 1e-11 changes log-probs by {off}")


def same_defaults(config, out):
    """What a key means that is left out is written here once more: it must not come to differ."""
    ours, theirs = settings.load(config), settings.load(out / "config.toml")
    resolved = {("train", "steps"), ("train", "threads"), ("eval", "live_prompts"), ("run", "out")}
    wrong = [f"{table}.{key}" for table, keys in ours.items() for key, value in keys.items()
             if (table, key) not in resolved and theirs[table][key] != value]
    if wrong:
        raise SystemExit(f"settings.py has other defaults than oaif: {wrong}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="leave the demo's model out")
    parser.add_argument("--json", help="file that the rows are added to, one JSON object a line")
    args = parser.parse_args()
    exact()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(folder)
        check.tiny()
        if not args.tiny:
            check.workloads()
    print(f"PyTorch, autograd; {report.machine.line()}\n\n"
          f"{report.markdown(report.REPLAYS, check.replays)}\n\n"
          f"{report.markdown(report.GRADIENTS, check.gradients)}")
    report.finish(check.replays + check.gradients, args.json)


if __name__ == "__main__":
    main()
