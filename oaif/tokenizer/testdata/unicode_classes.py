"""Print the character classes of the Hugging Face tokenizers library, one range a line: class first
last.

    pip install tokenizers
    python3 unicode_classes.py | go run ./unicode_tables > ../gen_unicode.go

letter and number are \\p{L} and \\p{N} of its split patterns, numeric is what its Digits step takes
(it follows a newer Unicode than the patterns), word is the \\w that single_word tokens ask for.
"""
from itertools import count, groupby

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

CHARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def matching(regex):
    rest = pre_tokenizers.Split(Regex(f"[^{regex}]+"), "removed")
    found = []
    for i in range(0, len(CHARS), 50_000):
        text = "".join(map(chr, CHARS[i : i + 50_000]))
        found += [ord(c) for piece, _ in rest.pre_tokenize_str(text) for c in piece]
    return found


def numeric():
    """Digits isolates each of its characters."""
    digits = pre_tokenizers.Digits(individual_digits=True)
    found = []
    for i in range(0, len(CHARS), 50_000):
        text = "".join(f"a{chr(c)}a" for c in CHARS[i : i + 50_000])
        found += [ord(p) for p, _ in digits.pre_tokenize_str(text) if len(p) == 1 and p != "a"]
    return found


def word():
    """A single_word token is not found right after a word character."""
    mark = "\ue000"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.add_tokens([AddedToken(mark, single_word=True, normalized=False)])
    found = []
    for i in range(0, len(CHARS), 50_000):
        part = CHARS[i : i + 50_000]
        out = tokenizer.encode_batch([chr(c) + mark for c in part])
        found += [c for c, e in zip(part, out) if not e.ids]
    return found


CLASSES = {"letter": matching(r"\p{L}"), "number": matching(r"\p{N}"), "numeric": numeric(),
           "word": word()}
for name, chars in CLASSES.items():
    for _, run in groupby(chars, key=lambda c, n=count(): c - next(n)):
        run = list(run)
        print(name, f"{run[0]:x} {run[-1]:x}")
