"""The UCI Sentiment Labelled Sentences as labelled pairs, and the program that judges them."""

import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PACKAGE = "sentiment@5.0.2"
FOLDER = ROOT / "third_party/sentiment/dist"
# What the package holds of each site: 500 sentences of each class, "class" 1 for positive.
SHA256 = {
    "amazon": "bc5eb0cac49fc45987301f1dc2d02cf5ca356ba6c882be179dce77d74e666ed9",
    "imdb": "44a7b9082ed732ee2de3c858ea5ee2e99aca34f239a1c4359d3a300bf099bdb5",
    "yelp": "9f3f47983f21eeb819380767b74bfa648eca208f156241111454b3e122773ff7",
}


def fetch():
    """Puts the sentences below third_party/, once, and checks what came."""
    if all((FOLDER / f"{site}.json").exists() for site in SHA256):
        return
    if not shutil.which("npm"):
        raise SystemExit(f"sentences: npm is missing: it gets the labelled sentences of {PACKAGE}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        with tarfile.open(next(pathlib.Path(folder).glob("*.tgz"))) as tar:
            for site, digest in SHA256.items():
                data = tar.extractfile(f"package/test/fixtures/{site}.json").read()
                if hashlib.sha256(data).hexdigest() != digest:
                    raise SystemExit(f"sentences: {site}.json of {PACKAGE} is not the file that "
                                     "was measured with")
                partial = FOLDER / f"{site}.tmp"
                partial.write_bytes(data)
                partial.rename(FOLDER / f"{site}.json")


def load(site):
    """The positive and the negative sentences of a site, in file order."""
    texts = json.loads((FOLDER / f"{site}.json").read_text())
    return [[t["text"] for t in texts if t["class"] == c] for c in (1, 0)]


def pair(good, bad, good_first):
    """A question without opening words: {prompt} is empty, so that a sentence is shown alone."""
    a, b, label = (good, bad, "a") if good_first else (bad, good, "b")
    return {"prompt": "", "a": a, "b": b, "label": label}


def draw(count, seed):
    """So many pairs, about as many of each site; no sentence is in two. In half of the pairs the
    positive one is a. Sentences are without the spaces around them."""
    rng = random.Random(seed)
    drawn = []
    for i, site in enumerate(sorted(SHA256)):
        share = count // len(SHA256) + (i < count % len(SHA256))
        drawn += zip(*(rng.sample(texts, share) for texts in load(site)))
    rng.shuffle(drawn)
    return [pair(good.strip(), bad.strip(), i % 2 == 0) for i, (good, bad) in enumerate(drawn)]


def annotate(program, annotator, questions, *flags):
    """The report of oaif annotate, run in the repository's root."""
    with tempfile.TemporaryDirectory() as folder:
        source, report = pathlib.Path(folder, "in.jsonl"), pathlib.Path(folder, "report.json")
        source.write_text("".join(json.dumps(q) + "\n" for q in questions))
        done = subprocess.run(
            [program, "annotate", "--annotator", annotator, "--in", source, "--report", report,
             *flags],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{annotator}: oaif annotate: {done.stderr.strip()}")
        return json.loads(report.read_text())
