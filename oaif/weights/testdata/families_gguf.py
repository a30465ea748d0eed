"""Writes GGUF files of tiny models in oaif/model/testdata/families, which hold the same weights
under the names and in the form that llama.cpp's converter gives them.

    pip install gguf==0.19.0 safetensors==0.8.0 torch==2.11.0
    python3 families_gguf.py
"""
import json
import pathlib

import gguf
from gguf import GGMLQuantizationType as T
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = HERE.parents[1] / "model/testdata/families"
ARCH = {"llama-bias": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3", "gemma3": "GEMMA3"}


def permute(w, heads):
    """Interleaves the halves of each head's rows."""
    half = w.shape[0] // heads // 2
    return w.reshape(heads, 2, half, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def settings(out, c):
    out.add_block_count(c["num_hidden_layers"])
    out.add_embedding_length(c["hidden_size"])
    out.add_feed_forward_length(c["intermediate_size"])
    out.add_head_count(c["num_attention_heads"])
    out.add_head_count_kv(c["num_key_value_heads"])
    out.add_key_length(c["head_dim"])
    out.add_value_length(c["head_dim"])
    out.add_context_length(c["max_position_embeddings"])
    out.add_layer_norm_rms_eps(c["rms_norm_eps"])
    out.add_vocab_size(c["vocab_size"])
    out.add_bos_token_id(c["bos_token_id"])
    out.add_eos_token_id(c["eos_token_id"])
    out.add_rope_freq_base(c.get("rope_theta") or c["rope_parameters"]["rope_theta"])
    rope = c.get("rope_scaling")
    if rope:
        out.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
        out.add_rope_scaling_factor(rope["factor"])
        if rope["rope_type"] == "yarn":
            out.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if c["model_type"] == "gemma3_text":
        out.add_sliding_window(c["sliding_window"])
        out.add_uint32("gemma3.attention.sliding_window_pattern", c["sliding_window_pattern"])
        out.add_float32("gemma3.rope.freq_base_swa", c["rope_local_base_freq"])


def write(name, arch):
    c = json.loads((FAMILIES / name / "config.json").read_text())
    names = gguf.get_tensor_name_map(getattr(gguf.MODEL_ARCH, arch), c["num_hidden_layers"])
    out = gguf.GGUFWriter(HERE / f"{name}.gguf", arch.lower())
    settings(out, c)
    for hf, w in load_file(FAMILIES / name / "model.safetensors").items():
        w = w.float().numpy()
        if arch == "LLAMA" and ".q_proj." in hf:
            w = permute(w, c["num_attention_heads"])
        if arch == "LLAMA" and ".k_proj." in hf:
            w = permute(w, c["num_key_value_heads"])
        if arch == "GEMMA3" and hf.endswith("norm.weight"):
            w = w + 1
        target = names.get_name(hf, try_suffixes=(".weight", ".bias"))
        if w.ndim == 1:
            out.add_tensor(target, w)
        else:
            out.add_tensor(target, gguf.quants.quantize(w, T.BF16), raw_dtype=T.BF16)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


for name, arch in ARCH.items():
    write(name, arch)
