"""SentencePiece models as GGUF metadata has them, and what the sentencepiece library answers.

    pip install sentencepiece tokenizers
    python3 spm.py    (after families.py; needs Go too)

Trains spm/llama (a space before the text) and spm/gemma (none; runs of newlines and spaces are
user-defined) and writes for each metadata.json, tokenizer.json (which Go makes of that) and
digests.txt: for each of families/texts.jsonl, three hexadecimal digits of the SHA-256 of the ids
and the text that they decode to, or --- where the text holds a control token: GGUF's tokenizers
recognise those and sentencepiece does not. The tokenizers library must give the same ids.
"""
import hashlib
import io
import json
import pathlib
import subprocess

import corpus
import families
import sentencepiece
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).parent
RUNS = ["\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁", "▁▁▁▁", "<table>"]
CONTROL = ["<unk>", "<s>", "</s>"]


def train(prefix, defined):
    model = io.BytesIO()
    lines = [t.replace("\n", " ").replace("\0", "") for t in corpus.texts(0, 300)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([t for t in lines if t.strip()]), model_writer=model,
        vocab_size=1400, model_type="bpe", byte_fallback=True, add_dummy_prefix=prefix,
        normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
        user_defined_symbols=defined, allow_whitespace_only_pieces=True, hard_vocab_limit=False,
        character_coverage=0.98, minloglevel=2)
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def metadata(model, prefix, defined):
    """As conversions to GGUF write it; they put spaces into what is user-defined."""
    def kind(i):
        if model.id_to_piece(i) in defined:
            return 4
        return (2 if model.is_unknown(i) else 3 if model.is_control(i) else
                6 if model.is_byte(i) else 1)

    ids = range(model.get_piece_size())
    kinds = [kind(i) for i in ids]
    pieces = [model.id_to_piece(i) for i in ids]
    return {"tokens": [p.replace("▁", " ") if k == 4 else p for p, k in zip(pieces, kinds)],
            "scores": [model.get_score(i) for i in ids], "types": kinds, "prefix": prefix}


def digest(model, text):
    if any(c in text for c in CONTROL):
        return "---"
    ids = model.encode(text)
    answer = " ".join(map(str, ids)) + "\n" + model.decode(ids)
    return hashlib.sha256(answer.encode()).hexdigest()[:3]


def main():
    texts = [json.loads(line)
             for line in (HERE / "families/texts.jsonl").read_text().split("\n") if line]
    models = {}
    for name, prefix, defined in ("llama", True, []), ("gemma", False, RUNS):
        folder = HERE / "spm" / name
        folder.mkdir(parents=True, exist_ok=True)
        models[folder] = model = train(prefix, defined)
        text = json.dumps(metadata(model, prefix, defined), ensure_ascii=False,
                          separators=(",", ":"))
        (folder / "metadata.json").write_text(text + "\n")
        families.write_lines(folder / "digests.txt", [digest(model, t) for t in texts])
    subprocess.run(["go", "test", "-run", "SentencePiece", ".", "-update"], cwd=HERE.parent,
                   check=True)
    for folder, model in models.items():
        fast = Tokenizer.from_file(str(folder / "tokenizer.json"))
        for t in texts:
            ids = fast.encode(t, add_special_tokens=False).ids
            assert any(c in t for c in CONTROL) or ids == model.encode(t), (folder, t)


if __name__ == "__main__":
    main()
