"""What every given annotator makes of the same labelled pairs: `oaif annotate --report`, as tables.

    python3 bench/annotator/compare.py [--pairs 300] [--seed 1] [--model FILE] [--dtype auto]
                                       [--into docs/annotators.md] [ANNOTATOR.toml ...]

Each pair is one positive and one negative sentence of the same site, out of the UCI Sentiment
Labelled Sentences (amazon, imdb, yelp), and the label is the positive one; which of the two is "a"
alternates. --model is asked by annotators that name no model. --into puts the tables between the
two marks in that file, so that no figure there is typed by hand. Needs npm (once) and a built
program. Without names, those of the shipped annotators are asked that say something about such
sentences and need nothing that is not here.
"""

import argparse
import os
import pathlib
import sys

import sentences  # of this folder

ROOT = sentences.ROOT
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench/reference")]
import machine  # noqa: E402  lies in the folder above
from report import table  # noqa: E402  of the folder beside
from summary import put  # noqa: E402

BEGIN, END = "<!-- results of bench/annotator/compare.py -->", "<!-- end of annotators -->"
SHIPPED = [f"configs/annotators/{name}.toml"
           for name in ("positive", "cheerful", "pairwise-sentiment", "lexicon", "shorter", "regex",
                        "command")]
HEAD = ["annotator", "kind", "agreement (95 %)", "undecided",
        "same slot in both orders (1st, 2nd)", "agreement in one order, better one 1st / 2nd",
        "Brier (n)", "seconds a call, median (p95)", "pairs/s",
        "LM prompts", "tokens in / out", "cost"]


def share(s):
    if s["rate"] is None:
        return "-"
    return f"{s['rate']:.1%} ({s['ci95'][0]:.1%} to {s['ci95'][1]:.1%})"


def rate(s):
    return "-" if s["rate"] is None else f"{s['rate']:.1%}"


def seconds(value):
    return f"{value:.2g}" if value >= .001 else "< .001"


def undecided(r):
    """How many labelled pairs have no verdict, and why."""
    why = [f"{r[key]['k']} {word}" for key, word in
           (("tie", "ties"), ("identical", "identical"), ("invalid", "invalid")) if r[key]["k"]]
    return ", ".join(why) or "0"


def row(name, r):
    """One annotator's line of the table."""
    position, calibration, latency, used = (r[key] for key in
                                            ("position", "calibration", "latency", "usage"))
    slots = better = brier = tokens = cost = "-"
    if position:
        slots = (f"{rate(position['same_slot'])} ({position['first_slot']['k']}, "
                 f"{position['second_slot']['k']} of {position['same_slot']['n']})")
        better = f"{rate(position['better_first'])} / {rate(position['better_second'])}"
    if calibration:
        brier = f"{calibration['brier']:.3f} ({calibration['n']})"
    if used:
        tokens = f"{used['prompt_tokens']} / {used['completion_tokens']}"
        cost = f"{used['cost']:.4f}"
    return [f"`{name}`", r["kind"], share(r["agreement"]), undecided(r), slots, better, brier,
            f"{seconds(latency['median_seconds'])} ({seconds(latency['p95_seconds'])})",
            f"{latency['pairs_per_second']:,.{1 if latency['pairs_per_second'] < 100 else 0}f}",
            r["lm_prompts"], tokens, cost]


def reliability(reports):
    """How often a is the label, by bin of P(a): the rate, and of how many pairs."""
    measured = {name: r["calibration"]["bins"] for name, r in reports.items() if r["calibration"]}
    if not measured:
        return ""
    rows = []
    for same in zip(*measured.values()):
        cells = [f"{rate(b['happened'])} of {b['happened']['n']}" if b["mean_p"] is not None else ""
                 for b in same]
        rows.append([f"{same[0]['from']:.1f} to {same[0]['to']:.1f}", *cells])
    return table(["P(a)", *(f"`{name}`" for name in measured)], rows)


def render(reports, pairs, args):
    calls = next(iter(reports.values()))["latency"]
    lines = [  # the load says what the seconds are worth
        f"{len(pairs)} pairs of one positive and one negative sentence, seed {args.seed}; "
        f"local annotators ask {pathlib.Path(args.model).stem}, dtype {args.dtype}; a call judges "
        f"{calls['pairs_per_call']:.0f} pairs in the mean; load average {os.getloadavg()[1]:.1f}; "
        f"{machine.line()}.", "",
        table(HEAD, [row(name, r) for name, r in reports.items()]), "",
        "How often a is the label, by the probability that the annotator gave it. A calibrated one "
        "has about 5 % in the first line and 95 % in the last.", "", reliability(reports)]
    warnings = [f"`{name}`: {r['warning']}." for name, r in reports.items() if r.get("warning")]
    return "\n".join(lines + ["", *warnings] if warnings else lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("annotators", nargs="*", default=SHIPPED)
    parser.add_argument("--pairs", default=300, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--model",
                        default=ROOT / "third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--program", default=ROOT / "bin/oaif", type=pathlib.Path)
    parser.add_argument("--into", type=pathlib.Path)
    args = parser.parse_args()
    if not args.program.exists():
        parser.error(f"{args.program} is not there; `make build model` makes program and model")
    sentences.fetch()
    pairs, reports = sentences.draw(args.pairs, args.seed), {}
    for annotator in args.annotators:
        reports[pathlib.Path(annotator).name] = sentences.annotate(
            args.program.resolve(), annotator, pairs, "--model", args.model, "--dtype", args.dtype)
    text = render(reports, pairs, args)
    if args.into:
        put(args.into, text, BEGIN, END)
    else:
        print(text)


if __name__ == "__main__":
    main()
