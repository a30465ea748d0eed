"""The demo with its annotator behind `oaif serve`, on the same machine: the run must come to what
the demo does. Then the same server is shown both answers of every held-out prompt at once, where a
model of this size answers by position, and it must be said.

    bench/serve/run.sh bench/serve/demo.py [--out runs/served]

Ends with status 1 if a target of the demo is missed, or if the position is not called out.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import server

REMOTE = '\n[remote]\nurl = "{}"\nmodel = "judge"\nconcurrency = 64\n'
ANNOTATORS = server.ROOT / "configs/annotators"


def behind(url, name, folder):
    """An annotator of configs/annotators, asked at url."""
    lines = (ANNOTATORS / f"{name}.toml").read_text().split("\n[remote]")[0].splitlines()
    kept = [line for line in lines if not line.startswith("model =")]
    path = folder / f"{name}.toml"
    path.write_text("\n".join(kept) + REMOTE.format(url))
    return path


def pairs(run, path):
    """Writes the answers of the last evaluation as lines for `oaif annotate`."""
    last = max((run / "eval").glob("step-*.jsonl"), key=lambda p: int(p.stem.split("-")[1]))
    with path.open("w") as out:
        for item in map(json.loads, last.read_text().splitlines()):
            out.write(json.dumps({"prompt": item["prompt"], "a": item["answer"],
                                  "b": item["baseline"]}) + "\n")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    server.options(parser)
    parser.add_argument("--out", default=server.ROOT / "runs/served", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, server.serving(args, "--name", "judge") as at:
        folder = pathlib.Path(name)
        subprocess.run([args.program, "train", "configs/demo.toml", "--out", args.out, "--set",
                        f"annotator.file={behind(at.url, 'positive-remote', folder)}"],
                       cwd=server.ROOT, check=True)
        shown = subprocess.run(
            [args.program, "annotate", "--annotator",
             behind(at.url, "pairwise-sentiment", folder), "--in",
             pairs(args.out, folder / "pairs.jsonl"), "--out", folder / "verdicts.jsonl"],
            cwd=server.ROOT, check=True, stderr=subprocess.PIPE, text=True).stderr
    print(shown)
    if "answers by position" not in shown:
        raise SystemExit("demo: it was not said that the annotator answers by position")
    table = subprocess.run([sys.executable, server.ROOT / "bench/summary.py", args.out])
    sys.exit(table.returncode)


if __name__ == "__main__":
    main()
