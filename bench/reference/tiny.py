"""Makes a folder in which `oaif train` has all it needs: a tiny random llama with a tokenizer of
bytes, prompts, an annotator and a configuration.

    bench/parity/python.sh bench/reference/tiny.py FOLDER
"""

import json
import pathlib
import random
import sys

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

END = 256  # the id that ends an answer, after those of the bytes

# The schedule, the decay and the margin are there to be computed too: about a tenth of the pairs
# are ties and skipped.
CONFIG = """
[model]
path = "{folder}/tiny-llama"
device = "cpu"
dtype = "float32"
[data]
train = "{folder}/train.jsonl"
heldout = "{folder}/heldout.jsonl"
template = "Say: {{prompt}}"
[sampler]
max_new_tokens = 20
[annotator]
file = "{folder}/annotator.toml"
[optimizer]
learning_rate = 1e-3
weight_decay = 0.1
warmup_steps = 4
schedule = "cosine"
[train]
steps = 20
prompts_per_step = 6
checkpoint_every = 1
[run]
out = "{folder}/run"
"""
ANNOTATOR = """
kind = "pointwise"
prompt = "{prompt}{response}"
positive = "a"
negative = "b"
tie_margin = 0.03
"""


def tokenizer():
    """Every byte is a token: byte-level BPE without merges."""
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    t = Tokenizer(models.BPE({s: i for i, s in enumerate(symbols)}, []))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken("<|end|>", special=True, normalized=False)])
    return PreTrainedTokenizerFast(tokenizer_object=t, eos_token="<|end|>")


def model():
    """Grouped queries and a tied head, as the demo's model has them. Weights are drawn wider than
    usual, so that a next token is no even guess and attention matters."""
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=END + 1, hidden_size=64, intermediate_size=160, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
        initializer_range=0.15, tie_word_embeddings=True, rms_norm_eps=1e-5,
        bos_token_id=None, eos_token_id=END, pad_token_id=None))


def write(folder):
    """Writes it all and returns the configuration's path."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model().save_pretrained(folder / "tiny-llama")
    tokenizer().save_pretrained(folder / "tiny-llama")
    draw = random.Random(1)
    for name, size in ("train", 50), ("heldout", 4):
        words = ["".join(draw.choices("aeionrst", k=draw.randint(2, 12))) for _ in range(size)]
        (folder / f"{name}.jsonl").write_text(
            "".join(json.dumps({"prompt": word}) + "\n" for word in words))
    (folder / "annotator.toml").write_text(ANNOTATOR)
    (folder / "run.toml").write_text(CONFIG.format(folder=folder))
    return folder / "run.toml"


if __name__ == "__main__":
    print(write(sys.argv[1]))
