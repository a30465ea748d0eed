"""Writes vader.jsonl: texts with the compound score of Python's vaderSentiment 3.3.2.

    pip install --target /some/folder vaderSentiment==3.3.2
    PYTHONPATH=/some/folder python3 make_vader.py

The hand-written texts reach each rule once; the rest is words of the tables in random order, so
that rules meet.
"""
import json
import pathlib
import random

from vaderSentiment import vaderSentiment as vader

HAND = [
    "", " ", "!!!", "...", "The film ends after two hours.", "The film was good.",
    "The film was GOOD.", "THE FILM WAS GOOD.", "the film was good!!!!!!", "Was it good??",
    "Was it good????", "Good film? Good cast?!", "It is not good.", "It isn't very good.",
    "Never so good a film.", "Without a doubt a great film.", "Without doubt great.",
    "I can't say it is bad.", "It was so boring that I left.", "We watched this great film.",
    "I would watch this sad film, not that one.", "Not for this lovely cast.", "It has heart.",
    "Two hearts and a beating heart of gold.", "He waits at a bus stop, happy.",
    "No good comes of it.", "There is no fun or joy here.", "No.", "No fun", "least funny",
    "At least funny enough", "The very least charming of them",
    "It is the least interesting story.", "Kind of good, sort of bad.", "It was only kind of good.",
    "It was a kind of awful mess", "just enough warmth", "The villain is the shit!",
    "He gets the kiss of death.", "A cake to die for tonight", "Yeah right, a masterpiece.",
    "That is a bad ass hero.", "Good start but bad end.", "But it was fun.",
    "Fun, but not fun, fun and good fun.", "good good but good good",
    "Bad film BUT a good, good song and a bad bad end", "Great Great cast and Awful awful plot",
    "ABSOLUTELY lovely film", "a VERY dull film", "An INCREDIBLY sweet, mildly odd ending",
    ":) :D :( ;-) <3", "A smile :) at last :D!", "I ❤ it", "😁😁 what a film 💋",
    "cinéma vérité, très good", "É good", "ÉTÉ was LOVELY indeed", "\u201cGreat\u201d film",
    "it\u2019s great", "line one good\nline two bad\tthree\u00a0fine\u2003nice",
    "a\x1cgood\x1dbad b", "Straße GREAT", "don't hate, DON'T hate", "hardly any love",
    "rarely dull, seldom sad", "nor good nor bad", "uh-uh good", "'good' \"bad\" (nice) [ugly]",
    "no no no good", "He said no, neither fun nor charm", "x y no a or happy",
    "The film, to be fair, is a delight: warm, wise; funny.",
]
OTHERS = (
    "the a film story actor scene and it was is of with but BUT so this never without doubt no No "
    "or nor least at very kind of sort not isn't can't Heart heart hearts bus stop to die for yeah "
    "right ! !! ? ??? . , I He").split()


def main():
    analyzer = vader.SentimentIntensityAnalyzer()
    rng = random.Random(20240204)
    lexicon = sorted(w for w in analyzer.lexicon if w.isascii())
    boosters = sorted(vader.BOOSTER_DICT)
    emoji = sorted(analyzer.emojis)
    texts = list(HAND)
    for _ in range(600):
        words = []
        for _ in range(rng.randint(3, 24)):
            w = rng.choice(rng.choice(
                [OTHERS, OTHERS, OTHERS, lexicon, boosters, vader.NEGATE, vader.NEGATE, emoji]
                                      if rng.random() < 0.5 else [OTHERS, lexicon]))
            w = rng.choice([w, w, w, w.upper(), w.capitalize(), w + rng.choice(list("!?.,;:-'"))])
            words.append(w)
        texts.append("".join(w + rng.choice([" "] * 12 + ["\n", "  "]) for w in words))
    with open(pathlib.Path(__file__).with_name("vader.jsonl"), "w", encoding="utf-8") as f:
        for text in texts:
            score = analyzer.polarity_scores(text)["compound"]
            f.write(json.dumps({"text": text, "compound": score}) + "\n")


main()
