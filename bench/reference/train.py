"""Trains as `oaif train` does, in plain PyTorch and transformers, and says where the time goes.

    bench/parity/python.sh bench/reference/train.py CONFIG [--steps N] [--device cpu|cuda]
                                                    [--dtype TYPE] [--json FILE]

CONFIG and the annotator's file that it names are those of oaif. There is no evaluation, and nothing
is written but what --json asks for. The step itself is step.py.
"""

import argparse
import json
import os
import random

import torch

import report
import settings
from policy import Policy
from scoring import open_model
from step import STAGES, Trainer


def device_and_dtype(model):
    """What "auto" stands for: CUDA if there is one; bf16 where the processor computes in it."""
    device = model["device"]
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = model["dtype"]
    if dtype == "auto":
        fast = device != "cpu" or "bf16" in report.machine.processor()
        dtype = "bfloat16" if fast else "float32"
    return torch.device(device), getattr(torch, dtype)


def build(s, device, dtype):
    """A Trainer with all models loaded."""
    if s["sampler"]["top_k"] or s["sampler"]["top_p"] != 1:
        raise SystemExit("the reference samples from the whole distribution only")
    language = open_model(s["model"]["path"])
    language.eos = sorted({*language.eos, *s["model"]["eos"]})
    frozen = lambda path: open_model(path).model.to(device, dtype).requires_grad_(False)
    spec = settings.load_annotator(s["annotator"]["file"])
    reference = frozen(s["model"]["reference"])
    judge_path = spec["model"] or s["model"]["reference"]
    judge = frozen(judge_path) if spec["model"] else reference
    judge_language = language if judge_path == s["model"]["path"] else open_model(judge_path)
    policy = Policy(language.model, dtype, device, s, fused=True)
    return Trainer(policy, language, reference, judge, judge_language, spec)


def read_prompt(record, data, language):
    """A line of a prompt file as (fields that annotators may show, ids)."""
    fields = {key: value for key, value in record.items() if isinstance(value, str)}
    if "messages" in record:
        fields["prompt"] = transcript(record["messages"])
    if data["chat"]:
        chat = record.get("messages") or [{"role": "user", "content": record["prompt"]}]
        return fields, language.encode(language.render(chat))
    text = (data["template"] or "{prompt}").replace("{prompt}", record["prompt"])
    return fields, language.tokenizer(text).input_ids


def transcript(messages):
    """What an annotator sees of a chat."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return messages[0]["content"]
    return "\n\n".join(m["role"][0].upper() + m["role"][1:] + ": " + m["content"]
                       for m in messages)


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
    with open(s["data"]["train"], encoding="utf-8") as file:
        prompts = [read_prompt(json.loads(line), s["data"], trainer.language) for line in file]
    order = endless(prompts, s["train"]["seed"])
    for n in range(1, s["train"]["steps"] + 1):
        yield trainer.step(n, [next(order) for _ in range(s["train"]["prompts_per_step"])])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("config", help="a run's TOML file")
    parser.add_argument("--steps", type=int, help="instead of train.steps")
    parser.add_argument("--device", help="instead of model.device")
    parser.add_argument("--dtype", help="instead of model.dtype")
    parser.add_argument("--json", help="file that a row is added to, one JSON object a line")
    args = parser.parse_args()
    s = settings.load(args.config)
    s["train"]["steps"] = args.steps or s["train"]["steps"]
    s["model"] |= {k: v for k in ("device", "dtype") if (v := getattr(args, k))}
    device, dtype = device_and_dtype(s["model"])
    done = []
    for row in train(s, device, dtype):
        done.append(row)
        print(f"step {row['step']}/{s['train']['steps']}: loss {row['loss']:.4f}, "
              f"{row['kept']} pairs kept, {sum(row['seconds'].values()):.2f} s", flush=True)
    summarize(done, args, device, dtype)


def summarize(done, args, device, dtype):
    """Mean seconds of the steps after the first, which warms up; of the first if it is alone."""
    timed = done[1:] or done
    mean = {stage: sum(r["seconds"][stage] for r in timed) / len(timed) for stage in STAGES}
    total = sum(mean.values())
    row = {"kind": "speed", "program": "PyTorch", "config": args.config, "device": str(device),
           "dtype": str(dtype).removeprefix("torch."), "steps": len(timed),
           "tokens_per_second": round(sum(r["tokens"] for r in timed) / len(timed) / total, 1),
           "seconds": round(total, 3), **{k: round(v, 3) for k, v in mean.items()}}
    columns = [(key, key) for key in ("config", "device", "dtype", *STAGES)]
    columns += [("seconds a step", "seconds"), ("tokens a second", "tokens_per_second")]
    print(f"\n{report.machine.line()}\n\n{report.markdown(columns, [row])}")
    if args.json:
        report.write([row], args.json)


if __name__ == "__main__":
    main()
