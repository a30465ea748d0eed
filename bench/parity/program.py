"""Runs bin/oaif on JSON Lines: records in, records out, on a device. Knows no model."""

import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Program:
    """A built oaif."""

    def __init__(self, path, device="cpu"):
        self.path, self.device = str(path), device

    def lines(self, command, model, records, *flags, dtype="float32"):
        """Returns the output record of every input record."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder, "in.jsonl"), pathlib.Path(folder, "out.jsonl")
            source.write_text("".join(json.dumps(r) + "\n" for r in records))
            self.run(command, "--model", str(model), "--in", str(source), "--out", str(target),
                     "--device", self.device, "--dtype", dtype, *flags)
            return [json.loads(line) for line in target.read_text().splitlines()]

    def run(self, *args):
        done = subprocess.run([self.path, *args], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"parity: {' '.join(args)}: {done.stderr.strip()}")

    def tokenize(self, model, records):
        return self.lines("tokenize", model, records)

    def sample(self, model, records, temperature, max_new_tokens):
        """One completion of every record: {"text", "ids", "logprob", "finish"}."""
        out = self.lines("sample", model, records, "--temperature", str(temperature),
                         "--max-new-tokens", str(max_new_tokens), "--seed", "1")
        return [line["completions"][0] for line in out]

    def score(self, model, prompts, completions, dtype="float32"):
        """The log-probs of every completion's tokens in nats; both given as ids."""
        records = [{"prompt_ids": p, "completion_ids": c} for p, c in zip(prompts, completions)]
        lines = self.lines("score", model, records, dtype=dtype)
        return [line["token_logprobs"] for line in lines]
