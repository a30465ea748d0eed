"""Texts that tokenizers tend to get wrong: many scripts, odd spaces, digits, contractions, seeded
noise.

⏎ stands for a newline in the sentences.
"""
import random
import unicodedata

SENTENCES = """
The quick brown fox jumps over the lazy dog.
It's we'll they've I'd you're he'm DON'T CAN'T I'LL WE'VE they'Re 'tis ‘quoted’ rock'n'roll
O'Neill said: "that's 's 't 're 've 'm 'll 'd" and left; it'ſ odd, IT'ſ odder
In 1984 there were 1,234,567.89 reasons; call +1 (555) 010-9999 or 0xDEADBEEF, v2.0.1-rc3
Привет, мир! Как дела? Ёлка, съёмка, 2024 год.
Γειά σου Κόσμε, τι κάνεις; ΟΔΥΣΣΕΥΣ
שלום עולם, מה שלומך? שָׁלוֹם
مرحبا بالعالم، كيف حالك؟ السَّلَامُ عَلَيْكُمْ ١٢٣٤
नमस्ते दुनिया, आप कैसे हैं? क्षत्रिय १२३
বাংলা ভাষা খুব সুন্দর।
ਸਤ ਸ੍ਰੀ ਅਕਾਲ ਗੁਜરાતી
வணக்கம் உலகம் தமிழ்
తెలుగు భాష ಕನ್ನಡ മലയാളം සිංහල
สวัสดีชาวโลก วันนี้อากาศดี ๑๒๓
ສະບາຍດີ ជំរាបសួរ မင်္ဂလာပါ བཀྲ་ཤིས
გამარჯობა მსოფლიო Բարեւ աշխարհ ሰላም ዓለም
你好，世界！今天天气怎么样？我有３个苹果和２０元。
こんにちは世界。カタカナとひらがな、漢字ー々〆
안녕하세요 세계! 한국어 조선말 ㄱㄴㄷ
Xin chào thế giới, Tiếng Việt rất đẹp
Çok güzel İstanbul ışığı, ÇĞİÖŞÜ
Ḧéllö Wörld ñandú façade naïve œuvre ﬁne ﬂow ßẞ
𝕳𝖊𝖑𝖑𝖔 𝟙𝟚𝟛 Ⅷ ⅷ ½ ² ³ ¼ ① ⑳ ㊿ 〇
😀 😃😄 👩‍👩‍👧‍👦 👍🏽 🇫🇷🇩🇪 ❤️ ☃︎ ☃️
e\u0301 é a\u0308\u0323 ạ̈ \u1e9b\u0323 \ufb01 Å Å \u212b
zero\u200bwidth\u200cnon\u200djoin\ufeffbom soft\u00adhyphen word\u2060joiner
func main() { fmt.Println("hi", 42) } // done
def f(x: int) -> str:⏎    return f"{x!r:>10}"⏎⏎⏎class A:⏎\tpass
<html><body class="a b">&amp; &lt;x&gt;</body></html>
{"key": [1, 2.5e-3, null, true], "s": "a\\n\\u00e9"}
https://example.org/a/b?c=d&e=%20#frag user@example.com C:\\Users\\x ~/.bashrc
$E = mc^2$, \\frac{1}{2} ∑∫√∞≈≠ ←→ ×÷± αβγ
a+b==c&&d||!e; x<<=2; y->z::w; #!/bin/sh; `code` ***bold*** ___ --- ... ?!?!
| a | b |⏎|---|---|⏎| 1 | 2 |
ALLCAPS MixedCase camelCase PascalCase snake_case kebab-case SCREAMING_CASE iPhone eBay
don’t can’t it’s l’été aujourd’hui
"""

EDGES = [
    "", " ", "  ", "   ", "\n", "\n\n", " \n", "\n ", " \n ", "\r\n", "\r", "\r\n\r\n  x", "\t",
    "\t\t x", "a ", " a", " a ", "  a  b   c    ", "a\n", "a\n\n", "a \n b", "a  \n  b", "a\n\n\nb",
    "x \t\n y", "\u00a0x", "x\u00a0 y", "\u3000全角\u3000", "\u2003em\u2003space", "\u0085next",
    "\u2028line\u2029para", "x\u1680y", "\u202fz", "\x00", "a\x00b", "\x1b[31mred\x1b[0m", "\x7f",
    "'", "''", "'s", "'S", "s'", " 's", "'l", "'ll", "'LL", "'re'", "x's's", "'ſ", "'ſa 'Sa 'sa",
    "'r", "'v", "'ve", "'vE", "0", "00", "000", "0000", "00000", "1234567890", "1 2 3", "12a34",
    "a1b2c3", " 1", "  12", "3.14", "１２３", "x²y", "½cup", "٣٤٥", "a_b", "_", "__init__", "-", "--",
    " -", "- ", "!", " !", "!\n", "!\n\n", "?!\r\n", " ?!\n x", ".a", "a.b", "..", "...", "\u0301",
    "a\u0301", " \u0301", "\u0301a", "\u200d", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\ue000",
    "𝒳", "𐍈𐍉", "\U0001e030", "\u1c89ꟍ", "\U000105c0a", "\U00010d40", "\U00011de0 1", "\u0e33", "ㅤ",
    "a" * 60, "ab" * 50, "the " * 20, " " * 70, "\n" * 40, "!" * 50, "1" * 45,
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    "pneumonoultramicroscopicsilicovolcanoconiosis", "supercalifragilisticexpialidocious" * 3,
]

POOLS = [
    "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", " ", " \t\n\r", "'",
    "'’.,;:!?-_/\\|()[]{}<>@#$%^&*+=~`\"", "éèêëàâäôöüßñçøåæœ",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВ", "αβγδεζηθικλμνξοπρστυφχψω", "אבגדהוזחטיכלמנ",
    "ابتثجحخدذرزسش", "अआइईउऊएऐकखगघचछजक्षि", "กขคงจฉชซ่้", "的一是不了人我在有他这为之大来以个中上们", "あいうえおカキクケコ",
    "가나다라마바사아자차카", "😀😂🥲👍🏽❤️🇩🇪", "\u0300\u0301\u0308\u0327\u0323", "²³½Ⅷ①٣४",
    "\u00a0\u2003\u3000\u200b\u200d\u0085\u2028",
]


def noise(rng, specials):
    """A text of short runs, each from one pool, now and then any character or a special token."""
    out = []
    for _ in range(rng.randint(1, 9)):
        kind = rng.random()
        if kind < 0.12 and specials:
            out.append(rng.choice(specials))
        elif kind < 0.2:
            c = rng.choice([rng.randrange(0x250), rng.randrange(0x3000), rng.randrange(0x10FFFF)])
            out.append(chr(c) if not 0xD800 <= c < 0xE000 else "x")
        else:
            pool = rng.choice(POOLS)
            out.append("".join(rng.choice(pool) for _ in range(rng.randint(1, 6))))
    return "".join(out)


def texts(seed, count, specials=()):
    """The fixed texts, those around each special token, then count texts of noise."""
    fixed = [s.replace("⏎", "\n") for s in SENTENCES.strip().split("\n")]
    fixed += [unicodedata.normalize("NFD", s)
              for s in fixed if s != unicodedata.normalize("NFD", s)][:8]
    for s in specials:
        fixed += [s, f"a{s}b", f" {s} ", f"a {s} b", f"{s}{s}", f"\n{s}\n", f"_{s}", f"{s}.",
                  s[:-1], s.upper(), f"é{s}é", f"{s}1"]
    rng = random.Random(seed)
    return EDGES + fixed + [noise(rng, list(specials)) for _ in range(count)]
