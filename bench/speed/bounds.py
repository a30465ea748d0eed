"""How fast the stages of a run's steps could be on this machine, from what the machine was measured
to do and from what the steps had to compute.

    bench/parity/python.sh bench/speed/bounds.py RUN [--device cpu|cuda] [--json FILE]

RUN is the folder of a run of oaif. Its pairs say which tokens there were. Counted is what cannot
be left out: what texts of a step begin with in common once, no answer's last token, the head where
a next token is wanted, a product's two operations per weight and row; attention, norms and softmax
are not counted. The machine does as many
operations a second as its best product of large matrices, and its best copy reads and writes so
many bytes a second; a decode step's products take what they took when measured at that number of
rows, or as long as their weights take to be read, whichever is more.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import numpy
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import report  # noqa: E402  these lie in the folder beside
import settings  # noqa: E402
import timing  # noqa: E402
from annotator import open_annotator  # noqa: E402
from recorded import Run  # noqa: E402
from scoring import open_model  # noqa: E402

ROWS = 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128
MERGED = ("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj")  # read the same input
OPTIMIZER_BYTES = 7 * 4  # of a weight: gradient, master and moments read, three of them written


class Machine:
    """Ceilings of one device in one type."""

    def __init__(self, device, dtype):
        self.device, self.dtype = device, dtype
        sides = (1024, 2048) if device.type == "cpu" else (4096, 8192)
        self.operations = max(2 * side ** 3 / self.product(side, side, side) for side in sides)
        self.copied = self.copy(2 ** 28 if device.type == "cpu" else 2 ** 31)

    def best(self, call, times=5, least=0.05):
        """The fewest seconds that call took, of times lots that take least seconds each."""
        def lot(n):
            self.wait()
            begun = time.perf_counter()
            for _ in range(n):
                call()
            self.wait()
            return time.perf_counter() - begun
        lot(1)
        n = max(1, round(least / max(lot(1), 1e-6)))
        return min(lot(n) for _ in range(times)) / n

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    @torch.inference_mode()
    def product(self, rows, depth, columns):
        """Seconds of x w^T, the fastest of what libtorch has."""
        x = torch.randn(rows, depth, device=self.device).to(self.dtype)
        w = torch.randn(columns, depth, device=self.device).to(self.dtype)
        seconds = self.best(lambda: F.linear(x, w))
        if self.device.type == "cpu":  # with the weights in blocks, as oneDNN would have them
            blocks = torch.ops.mkldnn._reorder_linear_weight(w, rows)
            linear = torch.ops.mkldnn._linear_pointwise
            seconds = min(seconds, self.best(lambda: linear(x, blocks, None, "none", [], "")))
        return seconds

    def copy(self, size):
        """Bytes read and written a second."""
        a = torch.zeros(size, dtype=torch.uint8, device=self.device)
        b = torch.ones_like(a)
        return 2 * size / self.best(lambda: b.copy_(a))


class Model:
    """The products of a transformers model, by their shape."""

    def __init__(self, model):
        self.head = tuple(model.get_output_embeddings().weight.shape)
        merged, self.shapes = {}, []
        for name, module in model.named_modules():
            if not isinstance(module, torch.nn.Linear) or module is model.get_output_embeddings():
                continue
            parent, _, leaf = name.rpartition(".")
            group = next((g for g in MERGED if leaf in g), leaf)
            merged.setdefault((parent, group), []).append(module.weight.shape)
        for shapes in merged.values():
            self.shapes.append((sum(s[0] for s in shapes), shapes[0][1]))
        self.body = sum(a * b for a, b in self.shapes)
        self.vocabulary = self.head[0] * self.head[1]
        self.weights = sum(p.numel() for p in model.parameters())


class Bounds:
    """Seconds by stage of one step of a run."""

    def __init__(self, machine, model):
        self.machine, self.model = machine, model
        self.shapes = {s: (model.shapes + [model.head]).count(s)
                       for s in {*model.shapes, model.head}}
        self.at = {rows: {s: machine.product(rows, s[1], s[0]) for s in self.shapes}
                   for rows in ROWS}

    def seconds(self, tokens, heads, operations):
        """Of a pass of operations per weight: tokens through the layers, heads through the head."""
        work = tokens * self.model.body + heads * self.model.vocabulary
        return operations * work / self.machine.operations

    def decode(self, rows):
        """Of one decode step of rows sequences."""
        total = 0.0
        for shape, times in self.shapes.items():
            read = shape[0] * shape[1] * self.machine.dtype.itemsize / self.machine.copied
            total += times * max(read, self.product(shape, rows))
        return total

    def product(self, shape, rows):
        """Between the numbers of rows that were measured, in proportion."""
        if rows > ROWS[-1]:
            raise SystemExit(f"products of {rows} rows were not measured")
        return float(numpy.interp(rows, ROWS, [self.at[r][shape] for r in ROWS]))

    def step(self, pairs, questions):
        """pairs: lines of pairs.jsonl of one step. questions: token ids, two a pair."""
        tokens, heads = needed(pairs)
        kept, kept_heads = needed([p for p in pairs if not p["skipped"]])
        lengths = [len(p[x]["ids"]) for p in pairs for x in "ab"]
        prompts = distinct(p["prompt_ids"] for p in pairs)
        decode = sum(self.decode(sum(n > t for n in lengths)) for t in range(1, max(lengths)))
        return {
            "sample": self.seconds(prompts, len(pairs), 2) + decode,
            "annotate": self.seconds(distinct(questions), 0, 2),
            "reference": self.seconds(tokens, heads, 2),
            "train": self.seconds(kept, kept_heads, 6),
            "optimize": self.model.weights * OPTIMIZER_BYTES / self.machine.copied,
        }


def needed(pairs):
    """(tokens that the layers see, positions that the head is run at)"""
    answers = [(p["prompt_ids"], p[x]["ids"]) for p in pairs for x in "ab"]
    return distinct(p + a[:-1] for p, a in answers), sum(len(a) for _, a in answers)


def distinct(texts):
    """Tokens of texts, what they begin with in common counted once."""
    return len({tuple(ids[:n]) for ids in texts for n in range(1, len(ids) + 1)})


def of_run(folder, device):
    """The ceilings and, by stage, the median over the run's steps but the first few."""
    run = Run(folder)
    s = run.settings
    _, dtype = timing.device_and_dtype(s["model"])
    language = open_model(s["model"]["path"])
    annotator = open_annotator(settings.load_annotator(s["annotator"]["file"]), language,
                               language.model, "cpu", torch.float32)
    shown = [timing.shown(record) for record in timing.records(s["data"]["train"])]
    machine = Machine(device, dtype)
    bounds = Bounds(machine, Model(language.model))
    found = []
    for pairs in list(run.pairs.values())[report.WARM_UP:]:
        questions = [annotator.question(shown[p["index"]], p[x]["text"])
                     for p in pairs for x in "ab"]
        found.append(bounds.step(pairs, questions))
    return {
        "dtype": str(dtype).removeprefix("torch."), "operations_per_second": machine.operations,
        "copied_bytes_per_second": machine.copied, "weights": bounds.model.weights,
        "seconds": {stage: statistics.median(f[stage] for f in found) for stage in found[0]},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="the folder of a run of oaif")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--json", type=pathlib.Path, help="file to write")
    args = parser.parse_args()
    result = json.dumps(of_run(args.run, torch.device(args.device)), indent=1)
    print(result)
    if args.json:
        args.json.write_text(result + "\n")


if __name__ == "__main__":
    main()
