"""Texts knotted from what tells tokenizers apart: contractions in every case, letters of every kind
of case, marks in long runs, spaces of every kind, what looks like a token, any character."""
import random

ATOMS = """
's 'S 't 'T 're 'RE 'rE 've 'vE 'VE 'm 'M 'll 'LL 'lL 'd 'D 'ſ 'ſs ' '' ’s ſ S s K k ʼn
ǅ ǈ ǲ ᾈ ʰ ˈ ª º ـ ー 々 ا ב 中 한 ㄱ क्षि a b A B aB Ab ABc é É e\u0301 E\u0301 \u0301 \u0308 \u0323
\u093f \u0bcd \u20dd \ufe0f \u200d 1 12 123 1234 ٣ Ⅷ ² ½ ㊿ 𝟙 . , ! / // \\ - _ + = $ € ^ ` ~ | < >
( ) \u00ad \u200b \ufeff \u2060 😀 👍🏽 👩‍👩‍👧 \U0010ffff \ufffd \ue000 \x00 \x1b \x7f \u0085 Σ ς ß ẞ ﬁ
ffi \u1e9e \u212a \u212b \u0130 \u0131 ǰ \U00010400 \U00010428 \U0001e900 \U0001e922 \u1c89 \ua7cb
\U00010d50 \U00011935\U00011930 \U00013460 \U0001cc00 \u0897 \u08ca \u1100\u1161\u11a8 ▁ ▁▁ Ġ Ċ
<0x0A> <0xE2> <0xff> <unk> the The THE of and in== x=>y
""".split()
SPACES = [" ", "  ", "   ", "       ", "\n", "\n\n", "\r\n", "\r", "\t", "\u00a0", "\u3000",
          "\u2028", "\u1680", "\x0b", "\x0c", "\x1c", "\x1d", "\x1f", "\u180e", "\u202f"]


def anything(rng):
    c = rng.randrange(rng.choice([0x600, 0x3100, 0x10000, 0x20000, 0x110000]))
    return "" if 0xD800 <= c < 0xE000 else chr(c)


def knot(rng, specials):
    out = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        if kind < 0.54:
            out.append(rng.choice(ATOMS))
        elif kind < 0.8:
            out.append(rng.choice(SPACES))
        elif kind < 0.87:
            out.append(rng.choice(specials))
        elif kind < 0.89:
            out.append(rng.choice(ATOMS) * rng.randint(2, 40))
        else:
            out.append(anything(rng))
    return "".join(out)


def texts(seed, count, specials):
    rng = random.Random(seed)
    return [knot(rng, specials) for _ in range(count)]
