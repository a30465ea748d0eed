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
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import machine  # noqa: E402  lies in the folder above

PACKAGE, MEMBER = "sentiment@5.0.2", "package/test/fixtures/imdb.json"
SHA256 = "44a7b9082ed732ee2de3c858ea5ee2e99aca34f239a1c4359d3a300bf099bdb5"
FIXTURE = ROOT / "third_party/sentiment/dist/imdb.json"
POINTWISE = "configs/annotators/positive.toml"  # the one that the demo trains with
PAIRWISE = "configs/annotators/pairwise-sentiment.toml"
RIGHT = .9


def fetch():
    """Puts the sentences below third_party/, once, and checks what came."""
    if FIXTURE.exists():
        return
    if not shutil.which("npm"):
        raise SystemExit(f"imdb: npm is missing: it gets the labelled sentences of {PACKAGE}")
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        with tarfile.open(next(pathlib.Path(folder).glob("*.tgz"))) as tar:
            data = tar.extractfile(MEMBER).read()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"imdb: {MEMBER} of {PACKAGE} is not the file that was measured with")
    partial = FIXTURE.with_suffix(".tmp")
    partial.write_bytes(data)
    partial.rename(FIXTURE)


def pairs(count, strip):
    """Questions without opening words: {prompt} is empty, so that a sentence is shown alone."""
    texts = json.loads(FIXTURE.read_text())
    shown = str.strip if strip else str
    good = [shown(t["text"]) for t in texts if t["class"] == 1][:count]
    bad = [shown(t["text"]) for t in texts if t["class"] == 0][:count]
    for i, (g, b) in enumerate(zip(good, bad)):
        a, b, label = (g, b, "a") if i % 2 == 0 else (b, g, "b")
        yield {"prompt": "", "a": a, "b": b, "label": label}


def annotate(program, model, annotator, questions):
    """Returns the program's verdicts and its summary, which goes to standard error."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.jsonl"), pathlib.Path(folder, "out.jsonl")
        source.write_text("".join(json.dumps(q) + "\n" for q in questions))
        done = subprocess.run(
            [program, "annotate", "--annotator", annotator, "--model", model, "--in", source,
             "--out", target],
            cwd=ROOT, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"imdb: oaif annotate: {done.stderr.strip()}")
        return [json.loads(line) for line in target.read_text().splitlines()], done.stderr


def row(annotator, verdicts, questions, summary):
    """One line of the table, and the share of all pairs that is right."""
    right = sum(v["verdict"] == q["label"] for v, q in zip(verdicts, questions)) / len(questions)
    undecided = sum(v["verdict"] not in ("a", "b") for v in verdicts)
    same = re.search(r"same slot preferred in both orders: (.*)", summary)
    warned = "yes" if "answers by position" in summary else "no"
    name = pathlib.Path(annotator).name
    slot = same.group(1) if same else "-"
    return right, f"| {name} | {right:.1%} | {undecided} | {slot} | {warned} |"


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
    fetch()
    questions, rows, summaries, good = list(pairs(args.pairs, args.strip)), [], [], True
    for annotator in POINTWISE, PAIRWISE:
        verdicts, summary = annotate(args.program.resolve(), args.model, annotator, questions)
        right, text = row(annotator, verdicts, questions, summary)
        good = good and (right >= RIGHT if annotator == POINTWISE
                         else "answers by position" in summary)
        rows.append(text)
        summaries.append(f"{annotator}\n{summary.strip()}")
    as_is = "without" if args.strip else "with"
    print(f"{len(questions)} pairs of IMDb sentences, {as_is} their last spaces; "
          f"{machine.line()}\n")
    print("| annotator | right | undecided | same slot in both orders "
          "| said to answer by position |")
    print("|---|---|---|---|---|\n" + "\n".join(rows))
    print("\n" + "\n\n".join(summaries), file=sys.stderr)
    if not good:
        print(f"imdb: a bound is broken: pointwise >= {RIGHT:.0%} right, pairwise called out",
              file=sys.stderr)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
