"""The program of configs/annotators/command.toml: of two answers the one that repeats fewer of its
words is better. Standard library only; a start for a judge of your own.

Each line of standard input is a question, {"id", "prompt", "a", "b", "fields"}; for each a line is
written, here {"id", "score_a", "score_b"}. What is to be said besides goes to standard error.
"""

import json
import sys


def score(text):
    """Ten times the share of different words; an answer without words has 0."""
    words = text.lower().split()
    return 10 * len(set(words)) / len(words) if words else 0


for line in sys.stdin:
    question = json.loads(line)
    reply = {"id": question["id"], "score_a": score(question["a"]),
             "score_b": score(question["b"])}
    print(json.dumps(reply), flush=True)  # a reply that waits in a buffer is none
