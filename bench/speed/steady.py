"""Whether a long run stays as it began, and how long a start takes; exit status 1 if not so.

    bench/parity/python.sh bench/speed/steady.py [--steps 300] [--json FILE]

Trains a tiny random model and compares resident memory, live handles and tokens a second of the
last hundred steps with those of an early hundred. Then starts `oaif sample` on the demo's model for
one token of one prompt, several times: the seconds are those of the whole process.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import programs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import report  # noqa: E402  these lie in the folder beside
import tiny  # noqa: E402
from workloads import MODEL  # noqa: E402

WINDOW = 100
COLUMNS = [("", "what"), ("early", "early"), ("late", "late"), ("target", "target"),
           ("holds", "holds")]


def late_against_early(steps):
    """Rows of what must be flat: medians of the window behind 50 steps and of the last one."""
    early, late = steps[50:50 + WINDOW], steps[-WINDOW:]
    for key, what, most in (("rss_bytes", "resident memory, bytes", 1.02),
                            ("live_handles", "live handles", 1.0),
                            ("seconds", "seconds a step", 1.1)):
        a, b = (statistics.median(r[key] for r in w) for w in (early, late))
        yield {"what": what, "early": a, "late": b, "target": f"at most {most} times",
               "holds": b <= most * a}


def train(steps, folder):
    """system.jsonl's lines of training steps."""
    work, out = programs.Work("tiny", str(tiny.write(folder / "tiny"))), folder / "run"
    programs.oaif(work, steps, "cpu", "float32", keep=out)
    return programs.steps_of(out)


def first_token(folder, times=5):
    """Median seconds from the start of the program to the end of one that samples one token."""
    prompt, found = folder / "prompt.jsonl", []
    prompt.write_text(json.dumps({"prompt": "The film was"}) + "\n")
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run(["bin/oaif", "sample", "--model", MODEL, "--in", str(prompt), "--out", "-",
                        "--max-new-tokens", "1"], cwd=programs.ROOT, check=True,
                       stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - begun)
    seconds = statistics.median(found)
    return {"what": "start to first token, seconds", "early": None, "late": seconds,
            "target": "at most 2", "holds": seconds <= 2}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--json", help="file that the rows are added to, one JSON object a line")
    args = parser.parse_args()
    if args.steps < 50 + 2 * WINDOW:
        parser.error(f"--steps must be at least {50 + 2 * WINDOW}")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        rows = [*late_against_early(train(args.steps, folder)), first_token(folder)]
    print(f"{report.machine.line()}\n\n{report.markdown(COLUMNS, rows)}")
    report.finish(rows, args.json)


if __name__ == "__main__":
    main()
