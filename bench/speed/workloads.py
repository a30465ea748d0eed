"""What is timed: two workloads, and how their cost grows along four sweeps."""

from programs import Work

MODEL = "third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf"

FILM = Work("film", "configs/demo.toml")
CHAT = Work("chat", "configs/chat.toml")
# Timed steps of a process, after the warm-up, and how many processes of each program there are.
TIMED = {"film": (4, 3), "chat": (3, 2)}

PROMPTS = 4, 8, 16, 32, 64
RESPONSE_TOKENS = 16, 32, 64, 128
PROMPT_TOKENS = 16, 64, 128, 256
# hidden size, layers, heads, heads of keys, inner size; the demo's model is 576, 30, 9, 3, 1536.
SHAPES = {
    "tiny": (64, 4, 4, 2, 192),
    "half": (288, 15, 9, 3, 768),
    "doubled": (1152, 30, 18, 6, 3072),
}


def length(tokens):
    return {"sampler.max_new_tokens": tokens, "sampler.min_new_tokens": tokens}


def sweeps(folder):
    """{name: [(value, Work)]}; folder is what made.py made."""
    made = lambda name: str(folder / name)
    file = lambda n: {"data.train": made(f"prompts-{n}.jsonl"), "data.template": "{prompt}"}
    points = {
        "prompts a step": {n: {"train.prompts_per_step": n} for n in PROMPTS},
        "response tokens": {n: length(n) for n in RESPONSE_TOKENS},
        "prompt tokens": {n: file(n) for n in PROMPT_TOKENS},
        "model": {name: {"model.path": made(name)} for name in SHAPES},
    }
    return {name: [(value, Work(f"{name}: {value}", FILM.config, sets))
                   for value, sets in of.items()]
            for name, of in points.items()}
