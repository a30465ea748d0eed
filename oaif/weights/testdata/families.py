"""Writes tiny random models of every family, and what transformers computes with them, into
oaif/model/testdata/families.

    pip install safetensors==0.8.0 transformers==5.24.0 torch==2.11.0
    python3 families.py [NAME...]

Each folder holds config.json and model.safetensors (bfloat16), and
  golden.json         log-probs of completions, and greedy continuations
  grads.safetensors   the gradient of L = sum over sequences of seed * sum(logprobs)
Everything is computed in float64, also where transformers' code says float32: norms, softmax and
rotary angles.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "bench/parity"))
from double import double  # noqa: E402  lies there

OUT = pathlib.Path(__file__).resolve().parents[2] / "model/testdata/families"
VOCAB, END = 40, 2
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
LINEAR = {"rope_type": "linear", "factor": 4.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
SLIDING, FULL = "sliding_attention", "full_attention"
# rope is the flat rope_parameters, or one for each type of layer. old asks for the spelling of
# transformers 4; entries in it replace what was written.
CASES = {
    "llama": dict(num_attention_heads=4, head_dim=8, rope=LLAMA3, tie_word_embeddings=True),
    "llama-bias": dict(attention_bias=True, mlp_bias=True, hidden_act="gelu", head_dim=6,
                       rope=LINEAR, old={}),
    "mistral": dict(head_dim=6, sliding_window=5),
    "mistral-yarn": dict(sliding_window=None, hidden_act="gelu_pytorch_tanh",
                         rope={**YARN, "mscale": 0.8, "mscale_all_dim": 0.4, "beta_fast": 8,
                               "beta_slow": 0.5, "truncate": False}),
    "qwen2": dict(rope={**YARN, "rope_theta": 1e6}, tie_word_embeddings=True, old={}),
    "qwen2-window": dict(num_hidden_layers=3, use_sliding_window=True, sliding_window=4,
                         max_window_layers=1, num_key_value_heads=1),
    "qwen3": dict(head_dim=10, rope={"rope_type": "default", "rope_theta": 1e6},
                  tie_word_embeddings=True),
    "qwen3-bias": dict(num_hidden_layers=3, attention_bias=True, use_sliding_window=True,
                       sliding_window=6, layer_types=[SLIDING, FULL, SLIDING],
                       rope={**YARN, "attention_factor": 1.3}),
    "gemma2": dict(num_hidden_layers=3, sliding_window=5, query_pre_attn_scalar=24,
                   attn_logit_softcapping=2.0, final_logit_softcapping=4.0),
    "gemma2-plain": dict(sliding_window=4, query_pre_attn_scalar=8, attn_logit_softcapping=None,
                         final_logit_softcapping=None, attention_bias=True, head_dim=6,
                         tie_word_embeddings=False, layer_types=[FULL, SLIDING], old={}),
    "gemma3": dict(draw=202, num_hidden_layers=4, sliding_window=6, query_pre_attn_scalar=12,
                   layer_types=[SLIDING, SLIDING, FULL, SLIDING],
                   rope={FULL: {**LINEAR, "factor": 8.0, "rope_theta": 1e6},
                         SLIDING: {"rope_type": "default", "rope_theta": 5e3}},
                   old=dict(layer_types=None, sliding_window_pattern=3)),
    "gemma3-cap": dict(num_hidden_layers=2, head_dim=6, sliding_window=4, attention_bias=True,
                       final_logit_softcapping=5.0, query_pre_attn_scalar=6,
                       layer_types=[SLIDING, FULL], num_key_value_heads=1,
                       rope={FULL: {**LLAMA3, "rope_theta": 1e6},
                             SLIDING: {"rope_type": "default", "rope_theta": 1e4}}),
    "gpt_neox": dict(rope={"rope_type": "default", "partial_rotary_factor": 0.5},
                     old={}),
    "gpt_neox-serial": dict(use_parallel_residual=False, hidden_act="gelu_new",
                            tie_word_embeddings=True,
                            rope={**LINEAR, "partial_rotary_factor": 1.0}),
}


def config_of(name, case):
    kind = name.split("-")[0]
    settings = dict(
        vocab_size=VOCAB, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=END,
        pad_token_id=None)
    if kind == "gpt_neox":
        settings["layer_norm_eps"] = 1e-5
    else:
        settings.update(rms_norm_eps=1e-5, num_key_value_heads=2, head_dim=8)
        if "num_key_value_heads" not in case and name != "mistral-yarn":
            settings["num_attention_heads"] = 4
    settings.update(case)
    for key in ("old", "draw"):
        settings.pop(key, None)
    rope = settings.pop("rope", None)
    if rope and FULL not in rope:
        rope = {"rope_theta": 10000.0, **rope}
    if rope:
        settings["rope_parameters"] = json.loads(json.dumps(rope))  # it is written into
    return transformers.AutoConfig.for_model("gemma3_text" if kind == "gemma3" else kind,
                                             **settings)


def randomize(model, generator):
    """Draws weights that are far from their usual start, so that a mistake shows."""
    gemma = model.config.model_type.startswith("gemma")
    embedding = 0.15 if gemma or model.config.tie_word_embeddings else 1.0
    for name, w in model.named_parameters():
        draw = torch.randn(w.shape, generator=generator)
        if w.dim() == 2:
            w.data = draw * (embedding if "embed" in name else 1.2 * w.shape[1] ** -0.5)
        elif name.endswith("bias"):
            w.data = draw * 0.3
        else:
            w.data = draw * 0.3 + (0 if gemma else 1)


def logprobs(model, prompt, completion):
    ids = torch.tensor([prompt + completion])
    lp = torch.log_softmax(model(ids, use_cache=False).logits[0], -1)
    assert lp.dtype == torch.float64
    rows = torch.arange(len(prompt) - 1, ids.shape[1] - 1)
    return lp[rows, torch.tensor(completion)]


def greedy(model, prompt, n):
    """Continues prompt by n ids; None if two candidates are too close, the text ends, or it
    repeats itself."""
    ids = list(prompt)
    for _ in range(n):
        with torch.no_grad():
            logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        best = torch.topk(torch.log_softmax(logits, -1), 2)
        if best.values[0] - best.values[1] < 5e-3 or best.indices[0] == END:
            return None
        ids.append(best.indices[0].item())
    return ids[len(prompt):] if len(set(ids[len(prompt):])) > 3 else None


def to_transformers_4(path, case):
    """Rewrites config.json in the spelling of transformers 4."""
    config = json.loads(path.read_text())
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.51.0"
    rope = config.pop("rope_parameters")
    if config["model_type"] == "gpt_neox":
        config["rotary_emb_base"] = rope.pop("rope_theta")
        config["rotary_pct"] = rope.pop("partial_rotary_factor")
    elif FULL in rope:
        config["rope_local_base_freq"] = rope[SLIDING]["rope_theta"]
        rope = rope[FULL]
        config["rope_theta"] = rope.pop("rope_theta")
    else:
        config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope if rope["rope_type"] != "default" else None
    config.pop("_sliding_window_pattern", None)
    config.update(case["old"])
    config = {key: value for key, value in config.items()
              if value is not None or key not in case["old"]}
    path.write_text(json.dumps(config, indent=2) + "\n")


def load(folder):
    """Loads the folder's model in float64, with weights as stored."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with double():
        copy = type(model)._from_config(model.config, attn_implementation="eager",
                                        dtype=torch.float64)
    copy.load_state_dict({name: w.double() for name, w in model.state_dict().items()})
    return copy.eval()


def judge(folder, generator):
    model = load(folder)

    def draw(n):
        return torch.randint(3, VOCAB, (n,), generator=generator).tolist()

    with double():
        shared = draw(9)
        sequences = []
        for i, (prompt, n) in enumerate([(draw(1), 1), (draw(1), 7), (draw(1), 20), (shared, 12),
                                         (shared, 5)]):
            sequences.append(dict(prompt=prompt, completion=draw(n), seed=(-1) ** i * (2 + i) / 4))
        loss = 0
        for s in sequences:
            lp = logprobs(model, s["prompt"], s["completion"])
            s["logprobs"] = [round(x, 10) for x in lp.tolist()]
            loss = loss + s["seed"] * lp.sum()
        loss.backward()
        continued = []
        for n in 3, 13:
            for _ in range(2000):
                prompt = draw(n)
                if ids := greedy(model, prompt, 8):
                    continued.append(dict(prompt=prompt, ids=ids))
                    break
            else:
                raise SystemExit(f"{folder.name}: no prompt of {n} ids is decided clearly")
    grads = {name: w.grad for name, w in model.named_parameters()}
    assert all(g.abs().max() > 1e-4 for g in grads.values())
    stored = load_file(folder / "model.safetensors")
    grads = {name if name in stored else "embed_out.weight": g.to(torch.float32)
             for name, g in grads.items()}  # transformers 5 renames the head of gpt_neox
    assert grads.keys() == stored.keys()
    save_file(grads, folder / "grads.safetensors")
    lines = [f'"{key}": [\n  ' + ",\n  ".join(json.dumps(e) for e in entries) + "\n]"
             for key, entries in dict(sequences=sequences, greedy=continued).items()]
    (folder / "golden.json").write_text("{" + ",\n".join(lines) + "}\n")
    worst = max(s["logprobs"][-1] for s in sequences)
    print(f"{folder.name}: {sum(f.stat().st_size for f in folder.iterdir())} bytes, "
          f"logprobs {sequences[2]['logprobs'][:3]}, {worst:.2f}, greedy {continued[1]['ids']}")


def main():
    torch.set_num_threads(1)  # one order of sums
    for number, (name, case) in enumerate(CASES.items()):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        generator = torch.Generator().manual_seed(case.get("draw", 100 + number))
        folder = OUT / name
        shutil.rmtree(folder, ignore_errors=True)
        model = transformers.AutoModelForCausalLM.from_config(config_of(name, case))
        randomize(model, generator)
        model.to(torch.bfloat16).save_pretrained(folder)
        (folder / "generation_config.json").unlink()
        if "old" in case:
            to_transformers_4(folder / "config.json", case)
        judge(folder, generator)


main()
