"""Reads the same TOML files as oaif: a run's configuration and an annotator's."""

import pathlib
import tomllib

# What a key that is left out means.
DEFAULTS = {
    "model": {"reference": "", "device": "auto", "dtype": "auto", "eos": []},
    "data": {"template": "", "chat": False},
    "sampler": {"temperature": 0.9, "top_k": 0, "top_p": 1.0, "min_new_tokens": 0,
                "max_new_tokens": 64},
    "annotator": {},
    "loss": {"kind": "dpo", "beta": 0.0},
    "optimizer": {"learning_rate": 1e-5, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.0,
                  "clip_norm": 1.0, "warmup_steps": 0, "schedule": "constant"},
    "train": {"steps": 100, "prompts_per_step": 16, "micro_batch": 0, "checkpoint_every": 10,
              "seed": 1, "threads": 0, "recompute": False},
    "eval": {"every": 0, "prompts": 0, "live_prompts": 64},
    "run": {},
}
REQUIRED = {"model": {"path"}, "data": {"train", "heldout"}, "annotator": {"file"}, "run": {"out"}}
PAPER_BETA = {"dpo": 0.1, "ipo": 1.0, "slic": 0.002}  # arXiv 2402.04792


def load(path, sets=()):
    """Returns {table: {key: value}}; sets are as of oaif's --set, "table.key=value". A key that is
    not known here is refused: whoever passes over it does other work than oaif does."""
    given = tomllib.loads(pathlib.Path(path).read_text())
    for item in sets:
        name, _, text = item.partition("=")
        table, _, key = name.partition(".")
        given.setdefault(table, {})[key] = value_of(text)
    for table, keys in given.items():
        extra = keys.keys() - DEFAULTS[table].keys() - REQUIRED.get(table, set())
        if extra:
            raise SystemExit(f"{path}: {table} has keys that are not known here: {sorted(extra)}")
    settings = {table: keys | given.get(table, {}) for table, keys in DEFAULTS.items()}
    settings["model"]["reference"] = settings["model"]["reference"] or settings["model"]["path"]
    loss = settings["loss"]
    loss["beta"] = loss["beta"] or PAPER_BETA[loss["kind"]]
    return settings


def value_of(text):
    """A TOML value; what is none is a string without its quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def load_annotator(path):
    """Returns a pointwise annotator's keys."""
    keys = {"model": "", "chat": False, "system": "", "positive": " positive",
            "negative": " negative", "tie_margin": 0.0}
    keys |= tomllib.loads(pathlib.Path(path).read_text())
    if keys["kind"] != "pointwise":
        raise SystemExit(f"{path}: the reference scores with pointwise annotators only")
    return keys
