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


def bounded(found, work):
    """oaif's first process alone: the one whose steps the bounds were made for."""
    rows = [r for r in found["rows"] if r["work"] == work and r["program"] == "oaif"]
    return Program("oaif", rows[:1], found["warm_up"])


def sweep(found, name):
    """[(value, {program: Program})] along a sweep."""
    values = {}
    for row in found["sweeps"][name]:
        values.setdefault(row["value"], []).append(row)
    return [(value, {r["program"]: Program(r["program"], [r], found["warm_up"]) for r in rows})
            for value, rows in values.items()]
