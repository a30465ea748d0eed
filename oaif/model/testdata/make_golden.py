"""Writes the golden data of this folder with transformers as the judge.

    python3 make_golden.py tiny                 tiny-untied/, tiny-tied/ and their golden.json
    python3 make_golden.py smollm2 MODEL.gguf   smollm2.json

Needs torch and transformers (and gguf for smollm2). The tiny models are judged in float64,
SmolLM2 in float32.
"""

import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
TINY = {
    # Grouped queries, a head of its own.
    "tiny-untied": dict(tie_word_embeddings=False, num_key_value_heads=2, rope_theta=10000.0),
    # Every head with keys of its own, llama3 rope scaling, the embedding as the head.
    "tiny-tied": dict(
        tie_word_embeddings=True,
        num_key_value_heads=4,
        rope_theta=10000.0,
        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=32),
    ),
}


def token_logprobs(model, prompt, completion):
    ids = torch.tensor([prompt + completion])
    logits = model(ids).logits[0]
    lp = torch.log_softmax(logits, -1)
    rows = torch.arange(len(prompt) - 1, ids.shape[1] - 1)
    return logits, lp[rows, torch.tensor(completion)], -(lp.exp() * lp).sum(-1)[rows]


def tiny(name, settings):
    torch.manual_seed(len(name))
    config = LlamaConfig(
        vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4,
        head_dim=8, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
        initializer_range=0.25, **settings)
    model = LlamaForCausalLM(config)
    for p in model.parameters():
        if p.dim() == 1:  # norms start at one: make them tell
            p.data.uniform_(0.5, 1.5)
    folder = os.path.join(HERE, name)
    model.save_pretrained(folder)
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).double()

    g = torch.Generator().manual_seed(7)
    draw = lambda n: torch.randint(0, 96, (n,), generator=g).tolist()
    shared = draw(9)
    cases = [dict(prompt=p, completion=c) for p, c in
             [(shared, draw(5)), (shared, draw(7)), (shared[:4], draw(1)), (draw(80), draw(30)),
              ([5], draw(3))]]
    loss = 0
    for i, c in enumerate(cases):
        logits, lp, ent = token_logprobs(model, c["prompt"], c["completion"])
        c.update(seed=(-1) ** i * (1 + i) / 4, logprobs=lp.tolist(), entropy=ent.tolist(),
                 last_logits=logits[-1].tolist())
        loss = loss + c["seed"] * lp.sum()
    loss.backward()
    grads = {}
    for n, p in model.named_parameters():
        flat = p.grad.flatten()
        step = max(1, flat.numel() // 12)
        grads[n] = dict(norm=flat.norm().item(), step=step, values=flat[::step].tolist())
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(dict(cases=cases, gradients=grads), f)


FILM = [
    "I went in expecting very little, but", "The second half of this thriller",
    "My grandmother loved this musical, and", "Shot in a single winter, the film",
    "The lead actor carries every scene", "As a remake, this one",
    "Ten minutes in, I realised", "What the director understands about grief",
    "The dialogue is so", "For a low-budget horror movie,",
    "Nothing prepared me for the ending, which", "The soundtrack alone",
]
CHAT = [
    "What is the capital of Portugal?", "Name three things that float on water.",
    "How long should I boil an egg?", "Write one sentence about the sea.",
    "Why is the sky blue?", "Is seven a prime number?",
]


def smollm2(path):
    where = dict(pretrained_model_name_or_path=os.path.dirname(path),
                 gguf_file=os.path.basename(path))
    tokenizer = AutoTokenizer.from_pretrained(**where)
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).eval()
    torch.manual_seed(1)
    cases = []
    for kind, texts, n in ("film", FILM, 24), ("chat", CHAT, 64):
        for text in texts:
            if kind == "film":
                text = "A short movie review.\n\n" + text
            else:
                text = tokenizer.apply_chat_template([dict(role="user", content=text)],
                                                     tokenize=False,
                                                     add_generation_prompt=True)
            prompt = tokenizer(text, add_special_tokens=False).input_ids
            with torch.no_grad():
                out = model.generate(torch.tensor([prompt]), do_sample=True, temperature=0.9,
                                     top_k=0,
                                     top_p=1.0, max_new_tokens=n)[0].tolist()
                completion = out[len(prompt):]
                _, lp, ent = token_logprobs(model, prompt, completion)
            cases.append(dict(kind=kind, prompt=prompt, completion=completion,
                              logprobs=[round(x, 6) for x in lp.tolist()],
                              entropy=[round(x, 6) for x in ent.tolist()]))
    with open(os.path.join(HERE, "smollm2.json"), "w") as f:
        json.dump(dict(cases=cases), f)


if __name__ == "__main__":
    if sys.argv[1] == "tiny":
        for name, settings in TINY.items():
            tiny(name, settings)
    else:
        smollm2(sys.argv[2])
