"""What a file of compare.py says: medians over the timed steps of all processes of a program."""

import json
import pathlib
import statistics

import programs
from report import STAGES  # of the folder beside, which programs has found


class Program:
    """One program's steps on one workload."""

    def __init__(self, name, rows, warm_up):
        self.name = name
        steps = [step for row in rows for step in row["steps"][warm_up:]]
        self.timed = len(steps)
        self.seconds = statistics.median(s["seconds"] for s in steps)
        self.least = min(s["seconds"] for s in steps)
        self.most = max(s["seconds"] for s in steps)
        self.stages = {stage: statistics.median(s["stages"][stage] for s in steps)
                       for stage in STAGES}
        self.stages["other"] = statistics.median(
            s["seconds"] - sum(s["stages"].values()) for s in steps)
        self.rate = sum(s["tokens"] for s in steps) / sum(s["seconds"] for s in steps)
        # Of a device its own memory, else the process's.
        self.peak = max(row["device_peak_bytes"] or row["peak_bytes"] for row in rows)


def load(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def programs(found, work):
    """{name: Program} of a workload, in the order in which they ran."""
    by = {}
    for row in found["rows"]:
        if row["work"] == work:
            by.setdefault(row["program"], []).append(row)
    return {name: Program(name, rows, found["warm_up"]) for name, rows in by.items()}


def bounds(found, work):
    """What the machine could do beside each process of oaif: bounds.py's, medians over them all."""
    of = found["bounds"][work]
    return {
        "dtype": of[0]["dtype"],
        **{rate: statistics.median(b[rate] for b in of)
           for rate in ("operations_per_second", "copied_bytes_per_second")},
        "seconds": {stage: statistics.median(b["seconds"][stage] for b in of)
                    for stage in of[0]["seconds"]},
    }


def sweep(found, name):
    """[(value, {program: Program})] along a sweep."""
    values = {}
    for row in found["sweeps"][name]:
        values.setdefault(row["value"], []).append(row)
    return [(value, {r["program"]: Program(r["program"], [r], found["warm_up"]) for r in rows})
            for value, rows in values.items()]
