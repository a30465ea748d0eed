"""Makes what the sweeps need and no file has: models of other sizes, prompts of given lengths.

    bench/parity/python.sh bench/speed/made.py FOLDER

FOLDER gets llamas with random weights and the tokenizer of the demo's model, and files of prompts
that are film openings one after another, cut at so many tokens.
"""

import json
import pathlib
import random
import sys

import torch
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
from scoring import open_model  # noqa: E402  lies in the folder beside
from workloads import MODEL, PROMPT_TOKENS, SHAPES  # noqa: E402

OPENINGS = "configs/prompts/film-train.jsonl"
PROMPTS = 256  # a file; a step of a sweep takes at most 64


def model(shape, base):
    """A random llama with the vocabulary and the heads of the model base, in another shape."""
    torch.manual_seed(1)
    keys = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "intermediate_size")
    c = base.model.config
    return LlamaForCausalLM(LlamaConfig(
        **dict(zip(keys, shape)), vocab_size=c.vocab_size, tie_word_embeddings=True,
        max_position_embeddings=2048, rms_norm_eps=1e-5, bos_token_id=base.eos[0],
        eos_token_id=base.eos, pad_token_id=None))


def prompts(tokens, base, draw):
    """Records whose prompts have so many tokens, or one or two less or more where a cut text is
    read otherwise."""
    lines = pathlib.Path(OPENINGS).read_text(encoding="utf-8").splitlines()
    openings = [json.loads(line)["prompt"] for line in lines]
    for _ in range(PROMPTS):
        ids = []
        while len(ids) < tokens:
            ids += base.encode(draw.choice(openings) + " it was. ")
        yield {"prompt": base.decode(ids[:tokens]).strip()}


def main():
    folder = pathlib.Path(sys.argv[1])
    base = open_model(MODEL)
    for name, shape in SHAPES.items():
        model(shape, base).save_pretrained(folder / name)
        base.tokenizer.save_pretrained(folder / name)
    for tokens in PROMPT_TOKENS:
        records = prompts(tokens, base, random.Random(tokens))
        (folder / f"prompts-{tokens}.jsonl").write_text(
            "".join(json.dumps(r) + "\n" for r in records))


if __name__ == "__main__":
    main()
