"""Where the time of training steps goes: command line, clock and summary of what is timed beside
oaif."""

import argparse
import json
import resource
import statistics
import time

import torch

import report
import settings
from report import STAGES, WARM_UP


class Watch:
    """Seconds by stage; a stage may be entered more than once."""

    def __init__(self, device):
        self.device, self.seconds = device, dict.fromkeys(STAGES, 0.0)
        self.start = self.now()

    def now(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def lap(self, stage):
        """Ends a piece of stage, which began where the one before it ended."""
        now = self.now()
        self.seconds[stage] += now - self.start
        self.start = now


def shown(record):
    """What of a line of a prompt file annotators may show, by name."""
    fields = {key: value for key, value in record.items() if isinstance(value, str)}
    if "messages" in record:
        fields["prompt"] = transcript(record["messages"])
    return fields


def prompt(record, data):
    """What of a line of a prompt file the policy answers, as oaif's data table says: messages or a
    text."""
    if data["chat"]:
        return record.get("messages") or [{"role": "user", "content": record["prompt"]}]
    return (data["template"] or "{prompt}").replace("{prompt}", record["prompt"])


def records(path):
    """The lines of a prompt file."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def transcript(messages):
    """What an annotator sees of a chat."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return messages[0]["content"]
    return "\n\n".join(m["role"][0].upper() + m["role"][1:] + ": " + m["content"]
                       for m in messages)


def parser(text):
    """The arguments that every timed program takes."""
    out = argparse.ArgumentParser(description=text, formatter_class=argparse.RawTextHelpFormatter)
    out.add_argument("config", help="a run's TOML file")
    out.add_argument("--set", action="append", default=[], help="table.key=value, as oaif has it")
    out.add_argument("--steps", type=int, help="instead of train.steps")
    out.add_argument("--device", help="instead of model.device")
    out.add_argument("--dtype", help="instead of model.dtype")
    out.add_argument("--json", help="file that a row is added to, one JSON object a line")
    return out


def read(of):
    """Returns (arguments, settings, device, dtype) for a parser."""
    args = of.parse_args()
    s = settings.load(args.config, args.set)
    s["train"]["steps"] = args.steps or s["train"]["steps"]
    if s["train"]["steps"] <= WARM_UP:
        raise SystemExit(f"the first {WARM_UP} steps are not counted: --steps must be more")
    s["model"] |= {k: v for k in ("device", "dtype") if (v := getattr(args, k))}
    return args, s, *device_and_dtype(s["model"])


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


def line(row, steps):
    return (f"step {row['step']}/{steps}: {row['tokens']} tokens, "
            f"{sum(row['seconds'].values()):.2f} s")


def summarize(program, done, args, device, dtype):
    """Prints medians over the steps after the warm-up."""
    timed = done[WARM_UP:]
    totals = [sum(r["seconds"].values()) for r in timed]
    middle = {stage: statistics.median(r["seconds"][stage] for r in timed) for stage in STAGES}
    row = {"kind": "speed", "program": program, "config": args.config, "device": str(device),
           "dtype": str(dtype).removeprefix("torch."), "steps": len(timed),
           "seconds": round(statistics.median(totals), 3),
           "least": round(min(totals), 3), "most": round(max(totals), 3),
           **{k: round(v, 3) for k, v in middle.items()},
           "tokens_per_second": round(sum(r["tokens"] for r in timed) / sum(totals), 1),
           "peak_gb": round(peak_bytes(device) / 1e9, 2)}
    columns = [(key, key) for key in ("program", "config", "device", "dtype", *STAGES)]
    columns += [("a step", "seconds"), ("tokens a second", "tokens_per_second"),
                ("peak GB", "peak_gb")]
    print(f"\n{report.machine.line()}\n\n{report.markdown(columns, [row])}")
    if args.json:
        each = [{"stages": r["seconds"], "tokens": r["tokens"]} for r in done]
        report.write([row | {"each": each}], args.json)


def peak_bytes(device):
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
