"""Writes rope.json: what transformers makes of settings of rotary scaling.

    pip install transformers==5.24.0 torch==2.11.0
    python3 rope.py

Each entry holds the settings, the divisors of the plain rotary frequencies, and the factor that
rotated queries and keys are multiplied by.
"""
import json
import pathlib

import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LLAMA3 = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
CASES = [  # theta, head size, context, settings
    (500000.0, 64, 131072, LLAMA3),
    (10000.0, 10, 128, {**LLAMA3, "factor": 2.5, "original_max_position_embeddings": 20}),
    (10000.0, 128, 2048, {"rope_type": "linear", "factor": 3.0}),
    (10000.0, 64, 2048, {"rope_type": "dynamic", "factor": 2.0}),
    (1000000.0, 128, 131072, YARN),
    (1000000.0, 128, 131072, {**YARN, "truncate": False}),
    (10000.0, 64, 163840, {**YARN, "factor": 40.0, "mscale": 1.0, "mscale_all_dim": 0.707,
                           "original_max_position_embeddings": 4096}),
    (10000.0, 64, 163840, {**YARN, "factor": 40.0, "mscale": 0.5}),
    (10000.0, 64, 4096, {**YARN, "attention_factor": 1.25, "beta_fast": 16.0, "beta_slow": 2.0}),
    (150000.0, 64, 131072, {**YARN, "factor": None, "original_max_position_embeddings": 4096}),
    (10000.0, 8, 128, {**YARN, "factor": 1.0, "original_max_position_embeddings": 100}),
    (10000.0, 8, 128, {**YARN, "original_max_position_embeddings": 4}),  # equal bounds
    (10000.0, 8, 256, {"rope_type": "yarn", "factor": 2.0}),  # the context is the original one
]


def main():
    out = []
    for theta, head, context, settings in CASES:
        config = transformers.LlamaConfig(
            hidden_size=head, num_attention_heads=1, max_position_embeddings=context,
            rope_parameters={**settings, "rope_theta": theta})
        scaled, magnitude = ROPE_INIT_FUNCTIONS[settings["rope_type"]](config, "cpu")
        plain = 1.0 / (theta ** (torch.arange(0, head, 2).float() / head))
        out.append(dict(
            config={"rope_theta": theta, "rope_scaling": settings}, head=head, context=context,
            factors=(plain.double() / scaled.double()).tolist(), magnitude=magnitude))
    path = pathlib.Path(__file__).resolve().parent / "rope.json"
    path.write_text("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")


main()
