"""What the Hugging Face tokenizers library answers, as JSON Lines for the Go tests.

    pip install tokenizers gguf
    python3 golden.py SmolLM2-135M-Instruct.Q4_1.gguf    (needs Go too)

Writes smollm2.jsonl, words.jsonl, the files of the small tokenizers (tiny.py) and golden.jsonl in
each of their folders. A line has "text" and its "ids"; "special", the ids with add_special_tokens,
where they differ; "full" and "plain", what decodes with and without special tokens, where it is not
the text. A line without "text" tests decoding alone.
"""
import json
import pathlib
import random
import subprocess
import sys

import corpus
import tiny
from gguf import GGUFReader
from tokenizers import Regex, Tokenizer, pre_tokenizers

HERE = pathlib.Path(__file__).parent


def smollm2(path):
    """The GGUF's vocabulary with SmolLM2's pre-tokenizer: digits one by one, then GPT-2's words."""
    fields = GGUFReader(path).fields
    get = lambda key: fields["tokenizer.ggml." + key].contents()
    tokens, types = get("tokens"), get("token_type")
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    spec = {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None,
        "post_processor": None,
        "added_tokens": [tiny.added(i, tokens[i], special=True)
                         for i, t in enumerate(types) if t == 3],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(tokens)},
                  "merges": get("merges")},
    }
    return Tokenizer.from_str(json.dumps(spec))


def line(tokenizer, text, ids=None):
    out = {}
    if text is not None:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        out = {"text": text, "ids": ids}
        special = tokenizer.encode(text, add_special_tokens=True).ids
        if special != ids:
            out["special"] = special
    else:
        out = {"ids": ids}
    for key, skip in ("full", False), ("plain", True):
        decoded = tokenizer.decode(ids, skip_special_tokens=skip)
        if decoded != text:
            out[key] = decoded
    return json.dumps(out, ensure_ascii=False, separators=(",", ":"))


def write(path, tokenizer, texts, seed, cuts):
    """cuts lines are ids drawn at random: characters cut in half, special tokens anywhere."""
    rng = random.Random(seed)
    known = sorted(tokenizer.get_vocab().values())
    lines = [line(tokenizer, t) for t in texts]
    lines += [line(tokenizer, None, rng.choices(known, k=rng.randint(1, 9))) for _ in range(cuts)]
    path.write_text("\n".join(lines) + "\n")


def write_words(path, texts):
    """words.jsonl: the lengths, in bytes, of the words that each split pattern makes of a text."""
    lines = []
    for text in texts:
        out = {"text": text}
        for name, pattern in ("gpt2", tiny.GPT2), ("llama3", tiny.LLAMA3), ("qwen2", tiny.QWEN2):
            words = pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str(text)
            out[name] = [len(w.encode()) for w, _ in words]
        if out["qwen2"] == out["llama3"]:
            del out["qwen2"]
        lines.append(json.dumps(out, ensure_ascii=False, separators=(",", ":")))
    path.write_text("\n".join(lines) + "\n")


def main():
    tokenizer = smollm2(sys.argv[1])
    specials = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>"]
    write(HERE / "smollm2.jsonl", tokenizer, corpus.texts(1, 220, specials), 1, 60)
    write_words(HERE / "words.jsonl", [t for t in corpus.texts(3, 60) if 0 < len(t) < 90])
    made = tiny.all()
    for name, spec, _ in made:
        (HERE / name).mkdir(exist_ok=True)
        if spec is not None:
            text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
            (HERE / name / "tokenizer.json").write_text(text + "\n")
    # What Go writes for a GGUF with the vocabulary just made is for the library to read.
    subprocess.run(["go", "test", "-run", "GGUFIsWritten", ".", "-update"], cwd=HERE.parent,
                   check=True)
    for name, spec, specials in made:
        folder = HERE / name
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        texts = corpus.texts(2, 60, specials)
        step = 5 if spec else 10  # a part is enough for the pipelines that other folders test too
        texts = [t for i, t in enumerate(texts) if len(t) < 32
                 and (i % step == 0 or any(s in t for s in specials))]
        write(folder / "golden.jsonl", tokenizer, texts, 2, 12)


if __name__ == "__main__":
    main()
