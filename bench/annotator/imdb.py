"""How often the shipped annotators are right on labelled film reviews; exit status 1 below the
bounds.

    python3 bench/annotator/imdb.py [--model FILE] [--pairs 64] [--strip]

The texts are the IMDb part of the UCI Sentiment Labelled Sentences, out of the npm package
sentiment 5.0.2, in file order: the i-th positive sentence against the i-th negative one. They end
in two spaces there, and are shown as they are; --strip takes the spaces off. Which of the two is
"a" alternates, so that an annotator that always says "a" is right half of the time. Needs npm
(once) and a built program.
"""

import argparse
import pathlib
import sys

import sentences  # of this folder

ROOT = sentences.ROOT
sys.path.insert(0, str(ROOT / "bench"))
import machine  # noqa: E402  lies in the folder above

POINTWISE = "configs/annotators/positive.toml"  # the one that the demo trains with
PAIRWISE = "configs/annotators/pairwise-sentiment.toml"
RIGHT = .9


def pairs(count, strip):
    shown = str.strip if strip else str
    for i, (good, bad) in enumerate(list(zip(*sentences.load("imdb")))[:count]):
        yield sentences.pair(shown(good), shown(bad), i % 2 == 0)


def row(annotator, report):
    """One line of the table."""
    found, position = report["agreement"], report["position"]
    slot = f"{position['same_slot']['rate']:.1%}" if position else "-"
    return (f"| {pathlib.Path(annotator).name} | {found['k'] / report['pairs']:.1%} "
            f"| {report['pairs'] - found['n']} | {slot} | {'yes' if warned(report) else 'no'} |")


def warned(report):
    return "answers by position" in report.get("warning", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model",
                        default=ROOT / "third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--program", default=ROOT / "bin/oaif", type=pathlib.Path)
    parser.add_argument("--pairs", default=64, type=int)
    parser.add_argument("--strip", action="store_true")
    args = parser.parse_args()
    if not args.program.exists():
        parser.error(f"{args.program} is not there; `make build model` makes program and model")
    sentences.fetch()
    questions = list(pairs(args.pairs, args.strip))
    reports = {annotator: sentences.annotate(args.program.resolve(), annotator, questions,
                                             "--model", args.model)
               for annotator in (POINTWISE, PAIRWISE)}
    good = (reports[POINTWISE]["agreement"]["k"] >= RIGHT * len(questions)
            and warned(reports[PAIRWISE]))
    as_is = "without" if args.strip else "with"
    print(f"{len(questions)} pairs of IMDb sentences, {as_is} their last spaces; "
          f"{machine.line()}\n")
    print("| annotator | right | undecided | same slot in both orders "
          "| said to answer by position |\n|---|---|---|---|---|")
    print("\n".join(row(annotator, report) for annotator, report in reports.items()))
    if not good:
        print(f"imdb: a bound is broken: pointwise >= {RIGHT:.0%} right, pairwise called out",
              file=sys.stderr)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
