"""Small tokenizers built like those of the model families, and what the Hugging Face tokenizers
library makes of thousands of texts with each.

    pip install tokenizers
    python3 families.py              writes families/
    python3 families.py FOLDER...    writes digests.txt beside the tokenizer.json of each folder

families/texts.jsonl has the texts. digests.txt has three hexadecimal digits for each, 32 texts a
line: the beginning of the SHA-256 of the ids, the ids with add_special_tokens, the text of the ids
with and without special tokens, and the text of the ids in reverse, in which most characters are
broken.
"""
import collections
import hashlib
import json
import pathlib
import sys

import corpus
import knots
import tiny
from tiny import added, byte_level, sequence, spec, split, template
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent / "families"
SPECIALS = ["<s>", "</s>", "<unk>", "<bos>", "<eos>", "<start_of_turn>", "<table>", "[INST]",
            "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "<|eot_id|>", "    ",
            "\n\n\n", "<|begin_of_text|>", "<|padding|>"]
CAPITALS, SMALLS = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ENDINGS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
FIRST = r"[^\r\n\p{L}\p{N}]?"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (f"{FIRST}{CAPITALS}*{SMALLS}+{ENDINGS}?|{FIRST}{CAPITALS}+{SMALLS}*{ENDINGS}?"
         r"|\p{N}{1,3}" + REST)
TEKKEN = rf"{FIRST}{CAPITALS}*{SMALLS}+|{FIRST}{CAPITALS}+{SMALLS}*|\p{{N}}" + REST
# No family of ours, but one whose patterns have no scanner: \p{P} and \p{S}, classes of characters.
DEEPSEEK = (r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
            "[A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*"
            "|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")
SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
BACK = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
        {"type": "Fuse"}]
STRIP = {"type": "Strip", "content": " ", "start": 1, "stop": 0}


def in_pieces(specials, size=560):
    """A SentencePiece-like vocabulary: special tokens, bytes, then pieces with ▁ for a space."""
    known = specials + [f"<0x{b:02X}>" for b in range(256)]
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    counts = collections.Counter("".join(corpus.texts(0, 0)).replace(" ", "▁"))
    alphabet = sorted(counts, key=lambda c: (-counts[c], c))[:130]
    t.train_from_iterator(corpus.texts(0, 0), trainers.BpeTrainer(
        vocab_size=size, special_tokens=known, initial_alphabet=alphabet, limit_alphabet=130,
        show_progress=False))
    model = json.loads(t.to_str())["model"]
    return model["vocab"], model["merges"]


def of_bytes(pre, tokens, post=None, normalizer=None, vocab=None, **model):
    """A byte-level tokenizer whose added tokens follow the vocabulary."""
    vocab, merges = vocab or tiny.in_bytes(400)
    n = len(vocab)
    ids = {t: n + i for i, t in enumerate(tokens)}
    listed = [added(i, t, special=t.startswith("<|")) for t, i in ids.items()]
    return spec(vocab, merges, pre, byte_level(), listed, normalizer,
                template(*post, ids) if post else None, **model)


def by_pattern(*patterns, behavior="Isolated", invert=False):
    parts = [split(p, behavior, invert) for p in patterns]
    return sequence("pretokenizers", *parts, byte_level(regex=False))


def llama(pre, normalizer):
    vocab, merges = in_pieces(["<unk>", "<s>", "</s>"])
    listed = [added(i, t, special=True) for i, t in enumerate(["<unk>", "<s>", "</s>"])]
    return spec(vocab, merges, pre, sequence("decoders", *BACK, STRIP), listed, normalizer,
                template(["<s>"], [], vocab), unk_token="<unk>", fuse_unk=True, byte_fallback=True)


def gemma():
    """Runs of newlines and spaces are added tokens, and merges too."""
    runs = ["\n" * n for n in range(1, 5)] + ["▁" * n for n in range(2, 6)]
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>"]
    vocab, merges = in_pieces(special + ["<table>"] + runs)
    merges = [m for m in merges if "".join(m) not in runs]
    first = [[r[:n], r[n:]] for r in runs[::-1] for n in range(1, len(r))
             if r[:n] in vocab and r[n:] in vocab]
    listed = [added(vocab[t], t, special=t in special) for t in special + ["<table>"] + runs]
    return spec(vocab, first + merges, split(" ", "MergedWithPrevious", kind="String"),
                sequence("decoders", *BACK), listed, SPACES, template(["<bos>"], [], vocab),
                unk_token="<unk>", fuse_unk=True, byte_fallback=True)


def neox():
    """Pythia: runs of spaces are added tokens, looked for in normalized text."""
    s = of_bytes(byte_level(), ["<|endoftext|>", "<|padding|>"], normalizer={"type": "NFC"})
    n = len(s["model"]["vocab"]) + 2
    s["added_tokens"] += [added(n + i, " " * (8 - i), normalized=True) for i in range(7)]
    return s


def llama3():
    vocab, merges = tiny.in_bytes(400)
    for word in "Ġquick", "Hello", "ĠÐ¼Ð¸ÑĢ", "123", "ĊĊ":
        vocab.setdefault(word, len(vocab))
    begin = ["<|begin_of_text|>"]
    return of_bytes(by_pattern(tiny.LLAMA3), begin + ["<|eot_id|>"], (begin, []),
                    vocab=(vocab, merges), ignore_merges=True)


def all():
    digits = {"type": "Digits", "individual_digits": True}
    chatml = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    prepend = sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, SPACES)
    first = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    return {
        "llama2": llama(None, prepend), "mistral": llama(first, None), "gemma3": gemma(),
        "llama3": llama3(), "pythia": neox(), "gpt2": of_bytes(byte_level(), chatml[:1]),
        "qwen3": of_bytes(by_pattern(tiny.QWEN2), chatml + ["<think>"], None, {"type": "NFC"}),
        "smollm2": of_bytes(sequence("pretokenizers", digits, byte_level()), chatml),
        "gpt4o": of_bytes(by_pattern(O200K, behavior="Removed", invert=True), chatml[:1]),
        "tekken": of_bytes(by_pattern(TEKKEN), ["[INST]", "</s>"], None, ignore_merges=True),
        "deepseek": of_bytes(by_pattern(*DEEPSEEK), chatml[:1], None,
                             sequence("normalizers")),
    }


def digest(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    special = tokenizer.encode(text, add_special_tokens=True).ids
    decode = lambda ids, skip: tokenizer.decode(ids, skip_special_tokens=skip)
    answer = [" ".join(map(str, ids)), " ".join(map(str, special)), decode(ids, False),
              decode(ids, True), decode(ids[::-1], False)]
    return hashlib.sha256("\n".join(answer).encode()).hexdigest()[:3]


def write_digests(folder, texts):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    write_lines(folder / "digests.txt", [digest(tokenizer, t) for t in texts])


def write_lines(path, digests):
    lines = ["".join(digests[i:i + 32]) for i in range(0, len(digests), 32)]
    path.write_text("\n".join(lines) + "\n")


def main():
    path = HERE / "texts.jsonl"
    if sys.argv[1:]:
        texts = [json.loads(line) for line in path.read_text().split("\n") if line]
        for folder in sys.argv[1:]:
            write_digests(pathlib.Path(folder), texts)
        return
    texts = corpus.texts(21, 1700, SPECIALS) + knots.texts(22, 1900, SPECIALS)
    HERE.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(t, ensure_ascii=False) + "\n" for t in texts))
    for name, made in all().items():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        text = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
        (folder / "tokenizer.json").write_text(text + "\n")
        write_digests(folder, texts)


if __name__ == "__main__":
    main()
