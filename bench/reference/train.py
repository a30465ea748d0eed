"""Trains as `oaif train` does, in plain PyTorch and transformers, and says where the time goes.

    bench/parity/python.sh bench/reference/train.py CONFIG [--steps N] [--device cpu|cuda]
                                                    [--dtype TYPE] [--json FILE]

CONFIG and the annotator's file that it names are those of oaif. There is no evaluation, and nothing
is written but what --json asks for. The step itself is step.py.
"""

import os
import random

import torch

import settings
import timing
from annotator import open_annotator
from policy import Policy
from scoring import open_frozen, open_model
from step import Trainer


def build(s, device, dtype):
    """A Trainer with all models loaded."""
    if s["sampler"]["top_k"] or s["sampler"]["top_p"] != 1:
        raise SystemExit("the reference samples from the whole distribution only")
    language = open_model(s["model"]["path"])
    language.eos = sorted({*language.eos, *s["model"]["eos"]})
    reference = open_frozen(s["model"]["reference"], device, dtype)
    annotator = open_annotator(settings.load_annotator(s["annotator"]["file"]), language, reference,
                               device, dtype)
    policy = Policy(language.model, dtype, device, s, fused=True)
    return Trainer(policy, language, reference, annotator)


def read_prompt(record, data, language):
    """A line of a prompt file as (fields that annotators may show, ids)."""
    fields, prompt = timing.shown(record), timing.prompt(record, data)
    if data["chat"]:
        return fields, language.encode(language.render(prompt))
    return fields, language.tokenizer(prompt).input_ids


def endless(items, seed):
    """Epoch after epoch, each in another seeded order."""
    draw = random.Random(seed)
    while True:
        yield from draw.sample(items, len(items))


def train(s, device, dtype):
    """Yields what each step came to."""
    torch.manual_seed(s["train"]["seed"])
    torch.set_num_threads(s["train"]["threads"] or os.cpu_count())
    trainer = build(s, device, dtype)
    prompts = [read_prompt(record, s["data"], trainer.language)
               for record in timing.records(s["data"]["train"])]
    order = endless(prompts, s["train"]["seed"])
    for n in range(1, s["train"]["steps"] + 1):
        yield trainer.step(n, [next(order) for _ in range(s["train"]["prompts_per_step"])])


def main():
    args, s, device, dtype = timing.read(timing.parser(__doc__))
    done = []
    for row in train(s, device, dtype):
        done.append(row)
        print(f"{timing.line(row, s['train']['steps'])}, loss {row['loss']:.4f}, "
              f"{row['kept']} pairs kept", flush=True)
    timing.summarize("PyTorch", done, args, device, dtype)


if __name__ == "__main__":
    main()
