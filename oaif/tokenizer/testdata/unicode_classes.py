"""Print the character classes of the Hugging Face tokenizers library, one range a line: class first
last.

    pip install tokenizers
    python3 unicode_classes.py | go run ./unicode_tables > ../gen_unicode.go

Each general category, such as Lu, is \\p{Lu} of its split patterns; Han is taken out of Lo. numeric
is what its Digits step takes (it follows a newer Unicode than the patterns), word is the \\w that
single_word tokens ask for. mark and composite are what its normalizers, which follow an older
Unicode, put in order and take apart.
"""
from itertools import count, groupby

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

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


def mark():
    """The overlay U+0334 has combining class 1, the lowest, and the acute U+0301 has 230."""
    order = normalizers.NFD().normalize_str
    return [c for c in CHARS if order(t := f"a{chr(c)}\u0334") != t and order(t)[1] == "\u0334"
            or order(t := f"a\u0301{chr(c)}") != t and order(t)[1] == chr(c)]


CATEGORIES = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co"
              ).split()
CLASSES = {name: matching(rf"\p{{{name}}}") for name in CATEGORIES}
CLASSES["Han"] = sorted(set(matching(r"\p{Han}")) & set(CLASSES["Lo"]))
CLASSES["Lo"] = sorted(set(CLASSES["Lo"]) - set(CLASSES["Han"]))
CLASSES |= {"numeric": numeric(), "word": word(), "mark": mark(),
            "composite": [c for c in CHARS if normalizers.NFKD().normalize_str(chr(c)) != chr(c)]}
CLASSES["mark"] = sorted(set(CLASSES["mark"]) - set(CLASSES["composite"]))
for name, chars in CLASSES.items():
    for _, run in groupby(chars, key=lambda c, n=count(): c - next(n)):
        run = list(run)
        print(name, f"{run[0]:x} {run[-1]:x}")
