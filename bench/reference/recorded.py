"""Reads what `oaif train` left in a run folder: settings, pairs, metrics, weights, moments."""

import collections
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import load_file

import settings


class Run:
    """A run folder. Nothing of it is changed."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.settings = settings.load(self.path / "config.toml")
        self.model = pathlib.Path(self.settings["model"]["path"]).stem
        self.metrics = [m for m in self.lines("metrics.jsonl") if "loss" in m]
        self.pairs = collections.defaultdict(list)  # by step
        for pair in self.lines("pairs.jsonl"):
            self.pairs[pair["step"]].append(pair)

    def lines(self, name):
        return [json.loads(line) for line in (self.path / name).read_text().splitlines()]

    def kept(self, step):
        """The pairs that step trained on, each as (prompt ids, chosen, rejected ids)."""
        other = {"a": "b", "b": "a"}
        return [(p["prompt_ids"], p[p["chosen"]]["ids"], p[other[p["chosen"]]]["ids"])
                for p in self.pairs[step] if p["chosen"]]

    def weights(self):
        """The trained weights by their Hugging Face names, fp32."""
        return load_file(self.path / "model/model.safetensors")

    def checkpoint(self, step, blob):
        """A checkpoint's flat fp32 values: blob is "weights" or "optimizer"."""
        data = (self.path / f"checkpoints/step-{step}" / blob).read_bytes()
        return np.frombuffer(data, dtype="<f4")

    def places(self):
        """Where each tensor lies in a checkpoint's weights, and so in each moment: {name: slice}.

        Nothing is taken for granted of the order: model/ holds the last checkpoint's weights, and
        each tensor is looked for by its bytes.
        """
        blob = self.checkpoint(self.metrics[-1]["step"], "weights").tobytes()
        out, end = {}, 0
        for name, tensor in self.weights().items():
            at = blob.find(tensor.numpy().tobytes()) // 4
            out[name] = slice(at, at + tensor.numel())
        for name, at in sorted(out.items(), key=lambda item: item[1].start):
            if at.start != end:  # not found, found within another, or the same as another
                raise SystemExit(f"{self.path}: {name} has no place in the checkpoint's weights")
            end = at.stop
        if end * 4 != len(blob):
            raise SystemExit(f"{self.path}: the checkpoint holds more than model/ does")
        return out

    def tensors(self, flat, places):
        """Cuts flat values into tensors by name, each in the shape of its weight."""
        shapes = {name: t.shape for name, t in self.weights().items()}
        return {name: torch.from_numpy(flat[at].copy()).view(shapes[name])
                for name, at in places.items()}
