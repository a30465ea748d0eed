"""Writes the small model files of this folder and golden.json, what public libraries read out of
them.

    pip install gguf==0.19.0 safetensors==0.8.0 transformers==5.24.0 accelerate torch==2.11.0
    python3 generate.py [SmolLM2-135M-Instruct.Q4_1.gguf]

golden.json holds, for each file, the SHA-256 of every tensor as row-major little-endian float32
under its Hugging Face name. GGUF tensors go through gguf.quants.dequantize, and then through the
row order of transformers.
"""
import hashlib
import json
import pathlib
import shutil
import sys

import gguf
import numpy as np
import safetensors.torch
import torch
import transformers
from gguf import GGMLQuantizationType as T
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

HERE = pathlib.Path(__file__).resolve().parent
LAYERS, HIDDEN, HEADS, KV, HEAD, FFN, VOCAB = 2, 64, 4, 2, 16, 96, 24
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array, "<f4").tobytes()).hexdigest()


def unpermute(w, heads):
    """As transformers' LlamaTensorProcessor._reverse_permute_weights."""
    half = w.shape[0] // heads // 2
    return w.reshape(heads, half, 2, *w.shape[1:]).swapaxes(2, 1).reshape(w.shape)


def rope_factors(theta, head, scaling):
    config = transformers.LlamaConfig(
        hidden_size=head, num_attention_heads=1, max_position_embeddings=1 << 17,
        rope_parameters={**scaling, "rope_theta": theta})
    plain = 1.0 / (theta ** (torch.arange(0, head, 2).float() / head))
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    return (plain.double() / scaled.double()).float().numpy()


def write_gguf(path):
    rng = np.random.default_rng(1)
    out = gguf.GGUFWriter(path, "llama")
    out.add_block_count(LAYERS)
    out.add_embedding_length(HIDDEN)
    out.add_feed_forward_length(FFN)
    out.add_head_count(HEADS)
    out.add_head_count_kv(KV)
    out.add_context_length(256)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_freq_base(500000.0)
    out.add_rope_dimension_count(HEAD)
    out.add_vocab_size(VOCAB)
    out.add_token_list([f"t{i}" for i in range(VOCAB)])
    out.add_token_types([3, 3] + [1] * (VOCAB - 2))
    out.add_bos_token_id(1)
    out.add_eos_token_id(7)
    out.add_eot_token_id(3)
    out.add_add_bos_token(True)
    out.add_chat_template("{{ messages[0]['content'] }}")
    for kind, value in [("uint8", 200), ("int8", -100), ("uint16", 60000), ("int16", -30000),
                        ("int32", -5),
                        ("uint64", 2**40), ("int64", -2**40), ("float64", 0.1)]:
        getattr(out, f"add_{kind}")(f"test.{kind}", value)
    out.add_array("test.floats", [0.5, -2.0])
    out.add_array("test.bools", [True, False])
    out.add_array("test.empty", [])

    golden = {}

    def add(name, hf, kind, *shape, heads=0, spread=0.1, mean=0.0):
        w = rng.normal(mean, spread, shape).astype(np.float32)
        data = gguf.quants.quantize(w, kind)
        if kind == T.F16:
            out.add_tensor(name, data)
        else:
            out.add_tensor(name, data, raw_dtype=kind)
        w = gguf.quants.dequantize(data, kind)
        golden[hf] = sha(unpermute(w, heads) if heads else w)

    add("token_embd.weight", "model.embed_tokens.weight", T.Q8_0, VOCAB, HIDDEN)
    add("output_norm.weight", "model.norm.weight", T.F32, HIDDEN, mean=1)
    add("output.weight", "lm_head.weight", T.BF16, VOCAB, HIDDEN)
    factors = rope_factors(500000.0, HEAD, LLAMA3)
    out.add_tensor("rope_freqs.weight", factors)
    for i in range(LAYERS):
        # Every storage type is used for a matrix, and for a permuted one.
        types = [[T.Q4_1, T.Q8_0, T.Q4_0, T.F16, T.BF16, T.F32, T.Q4_1],
                 [T.F32, T.Q4_0, T.Q4_1, T.Q8_0, T.F16, T.Q4_0, T.BF16]][i]
        blk, hf = f"blk.{i}.", f"model.layers.{i}."
        add(blk + "attn_norm.weight", hf + "input_layernorm.weight", T.F32, HIDDEN, mean=1)
        add(blk + "attn_q.weight", hf + "self_attn.q_proj.weight", types[0], HEADS * HEAD, HIDDEN,
            heads=HEADS)
        add(blk + "attn_k.weight", hf + "self_attn.k_proj.weight", types[1], KV * HEAD, HIDDEN,
            heads=KV)
        add(blk + "attn_v.weight", hf + "self_attn.v_proj.weight", types[2], KV * HEAD, HIDDEN)
        add(blk + "attn_output.weight", hf + "self_attn.o_proj.weight", types[3], HIDDEN,
            HEADS * HEAD)
        add(blk + "ffn_norm.weight", hf + "post_attention_layernorm.weight", T.F32, HIDDEN, mean=1)
        add(blk + "ffn_gate.weight", hf + "mlp.gate_proj.weight", types[4], FFN, HIDDEN)
        add(blk + "ffn_up.weight", hf + "mlp.up_proj.weight", types[5], FFN, HIDDEN)
        add(blk + "ffn_down.weight", hf + "mlp.down_proj.weight", types[6], HIDDEN, FFN)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return golden


def read_gguf(path):
    """All tensors of a GGUF file as transformers reads them."""
    path = pathlib.Path(path)
    model = transformers.LlamaForCausalLM.from_pretrained(path.parent, gguf_file=path.name,
                                                          dtype=torch.float32)
    names = dict(model.named_parameters())  # tied weights once
    return {name: w.detach().numpy() for name, w in names.items()}


def write_folder(folder, dtype, shards, scaling, seed):
    torch.manual_seed(seed)
    shutil.rmtree(folder, ignore_errors=True)
    config = transformers.LlamaConfig(
        vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=128, rms_norm_eps=1e-5,
        tie_word_embeddings=shards, bos_token_id=1, eos_token_id=[2, 9] if shards else 2,
        rope_parameters={**scaling, "rope_theta": 20000.0})
    model = transformers.LlamaForCausalLM(config).to(dtype)
    if shards:
        model.generation_config.eos_token_id = 5
    model.save_pretrained(folder, max_shard_size="12KB" if shards else "1GB")
    return {name: sha(w.detach().float().numpy()) for name, w in model.named_parameters()}


def to_transformers_4(folder):
    """Rewrites config.json in the spelling of transformers 4, and drops generation_config.json."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.44.0"
    path.write_text(json.dumps(config, indent=2) + "\n")
    (folder / "generation_config.json").unlink()


def main():
    golden = {"tiny.gguf": write_gguf(HERE / "tiny.gguf")}
    golden["hf5"] = write_folder(HERE / "hf5", torch.bfloat16, True, {"rope_type": "default"}, 2)
    golden["hf4"] = write_folder(HERE / "hf4", torch.float16, False,
                                 {**LLAMA3, "original_max_position_embeddings": 64}, 3)
    to_transformers_4(HERE / "hf4")
    golden["hf4 rope factors"] = rope_factors(
        20000.0, 16, {**LLAMA3, "original_max_position_embeddings": 64}).tolist()
    golden["tiny.gguf rope factors"] = rope_factors(500000.0, HEAD, LLAMA3).tolist()

    tensors = {name: torch.from_numpy(w) for name, w in read_gguf(HERE / "tiny.gguf").items()}
    assert {name: sha(w) for name, w in tensors.items()} == golden["tiny.gguf"]
    saved = safetensors.torch.save(tensors, {"format": "pt"})
    golden["tiny.gguf as model.safetensors"] = hashlib.sha256(saved).hexdigest()

    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    golden["finite halves"] = sha(halves[np.isfinite(halves)])

    path = HERE / "golden.json"
    if len(sys.argv) > 1:
        all_tensors = hashlib.sha256()
        for _, w in sorted(read_gguf(sys.argv[1]).items()):
            all_tensors.update(w.astype("<f4").tobytes())
        golden["demo"] = all_tensors.hexdigest()
    elif path.exists():
        golden["demo"] = json.loads(path.read_text())["demo"]
    path.write_text(json.dumps(golden, indent=1) + "\n")


main()
