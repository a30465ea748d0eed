"""Starts the programs that are compared, one at a time, and reads what their steps took.

Each is a process of its own. All take the same configuration file and the same changes to it; all
report the same stages. Seconds are each program's own, between the begin and the end of a step;
the peak of memory is the kernel's, of the whole process. Knows no model.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench/reference"))
from report import STAGES  # noqa: E402  lies in the folder beside

PYTHON = "bench/parity/python.sh"
# What oaif sets for itself; all get it. Threads that spin (OMP_WAIT_POLICY=active) would decode a
# tenth faster in PyTorch, where nothing else runs.
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000",
               "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64", "LRU_CACHE_CAPACITY": "64"}
# What is left out of a timed run of oaif: evaluation but for one prompt, and checkpoints but one.
BARE = {"eval.every": 0, "eval.prompts": 1, "train.checkpoint_every": 0}


class Work:
    """A configuration and the changes to it: {"table.key": value}."""

    def __init__(self, name, config, sets=()):
        self.name, self.config, self.sets = name, config, dict(sets)

    def change(self, sets):
        """The same work with other settings."""
        return Work(self.name, self.config, self.sets | sets)

    def flags(self, more=()):
        """For --set; JSON writes strings, numbers and truth values as TOML does."""
        sets = self.sets | dict(more)
        return [word for key, value in sets.items()
                for word in ("--set", f"{key}={json.dumps(value)}")]


def start(command):
    """Runs command in the repository's root and returns the most memory it had, in bytes."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
                                 env=os.environ | ENVIRONMENT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-3000:])
            raise SystemExit(f"speed: {' '.join(command)} ended with {child.returncode}")
    return usage.ru_maxrss * 1024


def row(program, work, steps, peak, device_peak=None):
    return {"program": program, "work": work.name, "steps": steps, "peak_bytes": peak,
            "device_peak_bytes": device_peak}


def steps_of(run):
    """The lines of system.jsonl of a run's training steps."""
    lines = (run / "system.jsonl").read_text().splitlines()
    return [r for r in map(json.loads, lines) if "sample" in r["stage_seconds"]]


def stage_seconds(record, stage):
    """Of an annotator beside the device only the wait for it is in a step."""
    seconds = record["stage_seconds"]
    return seconds["wait" if stage == "annotate" and "wait" in seconds else stage]


def oaif(work, steps, device, dtype, keep=None):
    """keep: a folder that the run is left in, for what else is to be learned from it."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(keep or pathlib.Path(folder, "run"))
        peak = start(["bin/oaif", "train", work.config, "--out", str(out), "--device", device,
                      "--dtype", dtype, *work.flags(BARE | {"train.steps": steps})])
        records = steps_of(out)
    done = [{"seconds": record["seconds"], "tokens": record["tokens"],
             "stages": {stage: stage_seconds(record, stage) for stage in STAGES}}
            for record in records]
    on_device = max(record.get("device_peak_bytes", 0) for record in records) or None
    return row("oaif", work, done, peak, on_device)


def in_python(program, script, *flags):
    """A program of bench/ as a function like oaif."""
    def run(work, steps, device, dtype):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "row.json")
            peak = start([PYTHON, script, work.config, "--steps", str(steps), "--device", device,
                          "--dtype", dtype, "--json", str(out), *flags, *work.flags()])
            found = json.loads(out.read_text())
        done = [{"seconds": sum(step["stages"].values()), **step} for step in found["each"]]
        on_device = round(found["peak_gb"] * 1e9) if device.startswith("cuda") else None
        return row(program, work, done, peak, on_device)
    return run


reference = in_python("reference", "bench/reference/train.py")
trl = in_python("TRL", "bench/trl/train.py")
trl_defaults = in_python("TRL, defaults", "bench/trl/train.py", "--defaults")
