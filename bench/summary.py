"""The results table of a finished demo, out of the run's own files; exit status 1 if a target is
missed.

    python3 bench/summary.py RUN [--negative RUN2] [--into README.md]

RUN is a run folder of configs/demo.toml, RUN2 one of configs/negative.toml. --into puts the table
between the two marks in that file, so that no figure there is typed by hand. The line above the
table names the machine and the commit of now: make it where and when the run was made.
"""

import argparse
import json
import pathlib
import sys
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import machine  # noqa: E402  lies in this folder

BEGIN, END = "<!-- results of bench/summary.py -->", "<!-- end of results -->"


class Run:
    """A run folder's summary, configuration and times."""

    def __init__(self, folder):
        path = folder / "summary.json"
        if not path.exists():
            raise SystemExit(f"summary: {path} is not there: the run is not finished")
        self.summary = json.loads(path.read_text())
        self.config = tomllib.loads((folder / "config.toml").read_text())
        self.judges = {e["judge"]: e for e in self.summary["evals"]}
        # A step that was repeated after a resume counts once, as it was done last.
        self.steps = {}
        for line in (folder / "system.jsonl").read_text().splitlines():
            record = json.loads(line)
            if "sample" in record["stage_seconds"]:
                self.steps[record["step"]] = record

    def step_seconds(self):
        return sum(r["seconds"] for r in self.steps.values())

    def stage_seconds(self, stage):
        return sum(r["stage_seconds"].get(stage, 0) for r in self.steps.values())


def rate(e):
    return f"{e['win_rate']:.3f} ({e['ci95'][0]:.3f} to {e['ci95'][1]:.3f}, n = {e['n']})"


def rows(run):
    """(what, found, target, whether the target is met; None without a target)."""
    s, checks = run.summary, run.summary["checks"]
    annotator, vader, lexicon = run.judges["annotator"], run.judges["vader"], checks["lexicon"]
    ratio = checks["distinct2"] / max(checks["baseline_distinct2"], 1e-9)
    share, seconds, peak = checks["concentration"]["share"], run.step_seconds(), s["peak_rss_bytes"]
    shape = run.config["train"], run.config["sampler"]
    yield ("win rate by the annotator", rate(annotator), ">= .75", annotator["win_rate"] >= .75)
    yield ("win rate by VADER, which never trains", rate(vader), ">= .62", vader["win_rate"] >= .62)
    yield (f"win rate by VADER without {', '.join(lexicon['words'])}", rate(lexicon), ">= .60",
           lexicon["win_rate"] >= .6)
    yield ("KL from the start, nats an answer", f"{s['kl_nats']:.2f}", "<= 12", s["kl_nats"] <= 12)
    yield ("distinct bigrams, after / before", f"{ratio:.3f}", ">= .9", ratio >= .9)
    yield ("answers that are distinct", f"{checks['distinct_answers']:.1%}", ">= 95 %",
           checks["distinct_answers"] >= .95)
    yield ("most answers with one token at one place", f"{share:.1%}", "<= 25 %", share <= .25)
    yield (f"{len(run.steps)} steps of {shape[0]['prompts_per_step']} x 2 answers of "
           f"{shape[1]['max_new_tokens']} tokens, {run.config['model']['dtype']}",
           f"{seconds:.0f} s", "< 240 s", seconds < 240)
    yield ("all work, with evaluation and checkpoints", f"{s['seconds']:.0f} s", "", None)
    yield ("peak memory", f"{peak / 1e9:.2f} GB", "< 4 GB", peak < 4e9)


def stages(run):
    """Where the steps' time went, for the line below the table."""
    names = [n for n in ("sample", "annotate", "wait", "reference", "train", "optimize")
             if run.stage_seconds(n) > 0]  # an annotator beside the device has no annotate
    return ", ".join(f"{n} {run.stage_seconds(n) / max(len(run.steps), 1):.2f}" for n in names)


def render(run, negative):
    found = list(rows(run))
    if negative:
        vader = negative.judges["vader"]
        found.append(("asked for negative instead: win rate by VADER", rate(vader), "<= .40",
                      vader["win_rate"] <= .4))
    lines = [f"{machine.line()}.", "", "| demo, held-out prompts | found | target | |",
             "|---|---|---|---|"]
    verdict = {None: "", True: "met", False: "**missed**"}
    lines += [f"| {what} | {value} | {target} | {verdict[ok]} |"
              for what, value, target, ok in found]
    lines += ["", f"Seconds a step: {stages(run)}."]
    return "\n".join(lines), all(ok is not False for *_, ok in found)


def put(path, text, begin=BEGIN, end=END):
    """Replaces what stands between the marks."""
    old = path.read_text()
    if old.count(begin) != 1 or old.count(end) != 1:
        raise SystemExit(f"{path} wants one line {begin} and one line {end}")
    before, rest = old.split(begin)
    path.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--negative", type=pathlib.Path)
    parser.add_argument("--into", type=pathlib.Path)
    args = parser.parse_args()
    text, good = render(Run(args.run), Run(args.negative) if args.negative else None)
    if args.into:
        put(args.into, text)
    else:
        print(text)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
