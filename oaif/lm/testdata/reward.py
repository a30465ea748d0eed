"""Writes tiny random reward models, and what transformers computes with them, into reward/.

    pip install safetensors==0.8.0 transformers==5.24.0 torch==2.11.0
    python3 reward.py

Each folder holds config.json, model.safetensors (bfloat16), a tokenizer of bytes with its chat
template, and golden.json: texts and chats, their ids and their scores. Everything is computed in
float64, also where transformers' code says float32.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "bench/parity"))
from double import double  # noqa: E402  lies there

OUT = pathlib.Path(__file__).resolve().parent / "reward"
BEGIN, END, PAD = "<s>", "</s>", "<pad>"
TURNS = ("{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}"
         "{% if add_generation_prompt %}<assistant>{% endif %}")
# begin: whether the tokenizer puts <s> before a text. pad: the padding token of config.json. With
# that of qwen3 every chat ends in padding, and the score is that of the token before it.
CASES = {
    "llama": dict(begin=True, pad=PAD, turns="{{ bos_token }}" + TURNS),
    "mistral": dict(begin=True, pad=None, turns="{{ bos_token }}" + TURNS, sliding_window=5),
    "qwen2": dict(begin=False, pad=PAD, turns=TURNS, tie_word_embeddings=True),
    "qwen3": dict(begin=False, pad=END, turns=TURNS),
}
TEXTS = ["A film.", "A film that is good, and then some more of it.", "é 日本\n\n", "x",
         "Aye <pad>", "<pad><pad>", "It ends.</s>"]
CHATS = [("", "Which?", "This one."), ("Be brief.", "Which?", "That one"), ("", "Hi", "")]


def tokenizer_of(case):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    t = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([BEGIN, END, PAD])
    if case["begin"]:
        t.post_processor = processors.TemplateProcessing(
            single=f"{BEGIN} $A", special_tokens=[(BEGIN, t.token_to_id(BEGIN))])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=t, bos_token=BEGIN, eos_token=END, pad_token=PAD,
        chat_template=case["turns"])


def model_of(name, case, tokenizer, generator):
    settings = {key: v for key, v in case.items() if key not in ("begin", "pad", "turns")}
    pad = case["pad"] and tokenizer.convert_tokens_to_ids(case["pad"])
    config = transformers.AutoConfig.for_model(
        name, vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        max_position_embeddings=128, rms_norm_eps=1e-5, num_labels=1, pad_token_id=pad,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, **settings)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    for weight, w in model.named_parameters():
        draw = torch.randn(w.shape, generator=generator)
        if w.dim() == 2:
            w.data = draw * (1 if "embed" in weight else 1.2 * w.shape[1] ** -0.5)
        else:
            w.data = draw * 0.3 + (0 if weight.endswith("bias") else 1)
    return model.to(torch.bfloat16)


def load(folder):
    """Loads the folder's model in float64, with weights as stored."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32)
    with double():
        copy = type(model)._from_config(model.config, attn_implementation="eager",
                                        dtype=torch.float64)
    copy.load_state_dict({name: w.double() for name, w in model.state_dict().items()})
    return copy.eval()


def judge(folder):
    model, tokenizer = load(folder), transformers.AutoTokenizer.from_pretrained(folder)

    def score(ids):
        with torch.no_grad(), double():
            logits = model(torch.tensor([ids])).logits
        assert logits.shape == (1, 1) and logits.dtype == torch.float64
        return dict(ids=ids, score=round(logits.item(), 10))

    texts = [dict(text=t, **score(tokenizer(t).input_ids)) for t in TEXTS]
    chats = []
    for system, user, answer in CHATS:
        turns = [dict(role="system", content=system)] if system else []
        turns += [dict(role="user", content=user), dict(role="assistant", content=answer)]
        ids = tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False)
        chats.append(dict(system=system, user=user, answer=answer,
                          text=tokenizer.apply_chat_template(turns, tokenize=False), **score(ids)))
    lines = [f'"{key}": [\n  ' + ",\n  ".join(json.dumps(e) for e in entries) + "\n]"
             for key, entries in dict(texts=texts, chats=chats).items()]
    (folder / "golden.json").write_text("{" + ",\n".join(lines) + "}\n")
    print(f"{folder.name}: scores {[round(t['score'], 3) for t in texts + chats]}")


def main():
    torch.set_num_threads(1)  # one order of sums
    shutil.rmtree(OUT, ignore_errors=True)
    for number, (name, case) in enumerate(CASES.items()):
        tokenizer = tokenizer_of(case)
        generator = torch.Generator().manual_seed(300 + number)
        model_of(name, case, tokenizer, generator).save_pretrained(OUT / name)
        tokenizer.save_pretrained(OUT / name)
        (OUT / name / "generation_config.json").unlink(missing_ok=True)
        judge(OUT / name)


main()
