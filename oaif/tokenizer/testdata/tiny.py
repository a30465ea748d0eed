"""Small tokenizers for the tests: hand-written pipelines over vocabularies of a few hundred tokens.

The merges are learned from the corpus by the library's trainer, so that real words join.
"""
import json

import corpus
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")


def added(id, content, special=False, **flags):
    token = {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False}
    return token | {"special": special} | flags


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True,
            "use_regex": regex}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def sequence(key, *parts):
    return {"type": "Sequence", key: list(parts)}


def learn(pre, size, alphabet):
    """Vocabulary and merges, learned with the given pre-tokenizer."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre
    t.train_from_iterator(corpus.texts(0, 0), trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, show_progress=False))
    model = json.loads(t.to_str())["model"]
    return model["vocab"], model["merges"]


def in_bytes(size=350):
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return learn(pre_tokenizers.ByteLevel(add_prefix_space=False), size, sorted(alphabet))


def in_chars(size=200):
    """Only a part of the characters is known: the others fall back to bytes, or to unk."""
    pre = pre_tokenizers.Metaspace(prepend_scheme="always")
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre
    english = [s for s in corpus.texts(0, 0) if s.isascii()] + ["Привет мир"]
    t.train_from_iterator(english, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False))
    model = json.loads(t.to_str())["model"]
    return model["vocab"], model["merges"]


def spec(vocab, merges, pre, decoder, added_tokens=(), normalizer=None, post=None, **model):
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added_tokens),
        "normalizer": normalizer,
        "pre_tokenizer": pre, "post_processor": post, "decoder": decoder,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                  "byte_fallback": False, "ignore_merges": False}
        | model | {"vocab": vocab, "merges": merges},
    }


def template(before, after, ids):
    def parts(sequence, kind):
        token = lambda t: {"SpecialToken": {"id": t, "type_id": kind}}
        middle = {"Sequence": {"id": sequence, "type_id": kind}}
        return [token(t) for t in before] + [middle] + [token(t) for t in after]

    special = {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in before + after}
    return {"type": "TemplateProcessing", "single": parts("A", 0),
            "pair": parts("A", 0) + parts("B", 1), "special_tokens": special}


def llama3():
    """ignore_merges with words that no merge makes, merges as pairs, begin token by template."""
    vocab, merges = in_bytes()
    for word in "Ġquick", "Hello", "ĠÐ¼Ð¸ÑĢ", "123", "ĊĊ":
        vocab.setdefault(word, len(vocab))
    n = len(vocab)
    tokens = [added(n, "<|begin_of_text|>", True), added(n + 1, "<|eot_id|>", True)]
    pre = sequence("pretokenizers", split(LLAMA3), byte_level(regex=False))
    post = sequence("processors", byte_level(),
                    template(["<|begin_of_text|>"], [], {"<|begin_of_text|>": n}))
    return (spec(vocab, merges, pre, byte_level(), tokens, post=post, ignore_merges=True),
            ["<|eot_id|>", "Hello", " quick", " мир", "123"])


def qwen2():
    """NFC, digits one by one, an added token that is not special, begin and end tokens, merges as
    strings."""
    vocab, merges = in_bytes()
    n = len(vocab)
    tokens = [added(n, "<|im_end|>", True), added(n + 1, "<think>"), added(n + 2, "é!")]
    pre = sequence("pretokenizers", split(QWEN2), byte_level(regex=False))
    post = template(["<|im_end|>"], ["<|im_end|>"], {"<|im_end|>": n})
    merges = [" ".join(m) for m in merges]
    return (spec(vocab, merges, pre, byte_level(), tokens, {"type": "NFC"}, post),
            ["<|im_end|>", "<think>", "e\u0301!"])


def gpt2():
    """A space is put before the text; one byte is unknown."""
    vocab, merges = in_bytes()
    vocab = {t: i for t, i in vocab.items() if t != "À"} | {"<unk>": vocab["À"]}
    return spec(vocab, merges, byte_level(prefix=True), byte_level(), unk_token="<unk>"), []


def strip():
    """Added tokens that take spaces with them, stand alone, overlap, or are looked for after
    normalizing."""
    vocab, merges = in_bytes(300)
    n = len(vocab)
    tokens = [
        added(n, "<mask>", True, lstrip=True), added(n + 1, "<sep>", True, rstrip=True),
        added(n + 2, "<both>", lstrip=True, rstrip=True), added(n + 3, "word", single_word=True),
        added(n + 4, "<mask><sep>"), added(n + 5, "o\u0308x", normalized=True),
        added(n + 6, "wordy", single_word=True, normalized=True),
        added(n + 7, "  gap", rstrip=True), added(n + 8, "ab c"),
    ]
    contents = [t["content"] for t in tokens] + ["<mask> <sep>", "<sep>   gap", "wordword", "öx",
                                                 "word wordy", "<both>  <both>"]
    return spec(vocab, merges, byte_level(), byte_level(), tokens, {"type": "NFC"}), contents


def llama2():
    """Spaces become ▁ in the normalizer; unknown characters fall back to bytes."""
    vocab, merges = in_chars()
    for b in range(256):
        vocab.setdefault(f"<0x{b:02X}>", len(vocab))
    space = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    norm = sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, space)
    decoder = sequence("decoders", {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                       {"type": "ByteFallback"}, {"type": "Fuse"},
                       {"type": "Strip", "content": " ", "start": 1, "stop": 0})
    tokens = [added(i, t, True) for i, t in enumerate(["<unk>", "<s>", "</s>"])]
    post = template(["<s>"], [], {"<s>": 1})
    return spec(vocab, merges, None, decoder, tokens, norm, post, unk_token="<unk>", fuse_unk=True,
                byte_fallback=True), ["</s>"]


def metaspace(scheme, cut, fuse):
    vocab, merges = in_chars()
    if not fuse:  # some bytes only: é falls back, 界 does not
        for b in 0xC3, 0xA9:
            vocab.setdefault(f"<0x{b:02X}>", len(vocab))
    meta = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}
    tokens = [added(i, t, True) for i, t in enumerate(["<unk>", "<s>", "</s>"])]
    return spec(vocab, merges, meta, meta, tokens, unk_token="<unk>", fuse_unk=fuse,
                byte_fallback=not fuse), ["</s>"]


def splits():
    """Every behavior, inverted and not, over patterns that have no scanner of their own."""
    vocab, merges = in_bytes(300)
    pre = sequence(
        "pretokenizers", split(r"\n", "MergedWithPrevious"), split("  ", "Removed", kind="String"),
        split(r"[.!?]", "MergedWithNext"),
        split(r"[a-zA-Z]\p{L}*", "Contiguous"), split(r"\d{2}", "Isolated", True),
        split(r"\d", "MergedWithNext", True), split(r"\S+", "MergedWithPrevious", True),
        {"type": "Digits", "individual_digits": False}, byte_level(regex=False))
    return spec(vocab, merges, pre, byte_level()), []


def removed():
    vocab, merges = in_bytes(300)
    return spec(vocab, merges, sequence("pretokenizers", split(GPT2, "Removed", True),
                                        byte_level(regex=False)), None), []


def all():
    """Name, specification (None: Go writes the file) and tokens to put into texts."""
    made = {"llama3": llama3(), "qwen2": qwen2(), "gpt2": gpt2(), "strip": strip(),
            "llama2": llama2(), "splits": splits(), "removed": removed(),
            "metaspace_first": metaspace("first", False, False),
            "metaspace_split": metaspace("always", True, True)}
    written = {f"gguf_{pre}": (None, ["<|begin|>", "<tool>"])
               for pre in ("gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "tekken")}
    return [(name, s, tokens) for name, (s, tokens) in (made | written).items()]
