"""Makes docs/parity.md of the rows that tests and scripts have collected.

    python3 bench/parity/table.py ROWS.jsonl [SMOLLM2.md] > docs/parity.md

ROWS.jsonl has an object a line: those of oaif/paritytest and those of bench/reference/report.py.
SMOLLM2.md is what parity.py printed. `make parity` calls this.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import machine  # noqa: E402  these lie in the folders above and beside
from report import table  # noqa: E402

# Which of the tokenizers and templates of the tests a family's models come with.
TOKENIZERS = {
    "llama": (["llama2", "llama3", "smollm2"], ["llama2", "llama3", "smollm2"]),
    "mistral": (["mistral", "tekken"], ["mistral", "instruct"]),
    "qwen2": (["qwen3"], ["chatml"]),
    "qwen3": (["qwen3"], ["chatml", "thinking"]),
    "gemma2": (["gemma3"], ["gemma"]),
    "gemma3": (["gemma3"], ["gemma"]),
    "gpt_neox": (["pythia"], ["zephyr"]),
}


def wrong_of(rows, names, n):
    """Sums of the rows of these names: 'wrong of n'."""
    some = [rows[name] for name in names]
    return f"{sum(r['wrong'] for r in some)} of {sum(r[n] for r in some)}"


def families(rows):
    models = {r["family"]: r for r in rows if "family" in r}
    half = {r["bfloat16"]: r["logprob_error"] for r in rows if "bfloat16" in r}
    tokens = {r["tokenizer"]: r for r in rows if "tokenizer" in r}
    chats = {r["template"]: r for r in rows if "template" in r}
    body = []
    for name, (tokenizers, templates) in TOKENIZERS.items():
        some = [m for m in models if m.split("-")[0] == name]
        body.append([
            f"{name} ({len(some)})",
            f"{max(models[m]['logprob_error'] for m in some):.1e}",
            f"{max(models[m]['gradient_error'] for m in some):.1e}",
            "yes" if all(models[m]["greedy_equal"] for m in some) else "**NO**",
            f"{max(half[m] for m in some):.3f}",
            wrong_of(tokens, tokenizers, "texts"), wrong_of(chats, templates, "chats")])
    others = sorted(set(tokens) - {t for names, _ in TOKENIZERS.values() for t in names})
    return table(["family (tiny models)", "log-prob off, nats", "gradient off", "greedy equal",
                  "bf16 log-prob off", "texts wrong", "chats wrong"], body), ", ".join(
        f"{t} ({wrong_of(tokens, [t], 'texts')})" for t in others)


def replays(rows):
    body = [[r["model"], r["loss"], r["dtype"], r["variant"], r["steps"], r["pairs"],
             *(cell for what in ("loss", "weight", "norm") for cell in (
                 f"{r[what + '_error']:.1e} ({r[what + '_bound']:.1e})",
                 "-" if r[f"torch_{what}_error"] is None else f"{r[f'torch_{what}_error']:.1e}")),
             "yes" if r["holds"] else "**NO**"]
            for r in rows if "weight_error" in r]
    return table(["model", "loss", "dtype", "run", "steps", "pairs", "loss off (bound)",
                  "PyTorch's own", "weights off (bound)", "PyTorch's own",
                  "gradient norms off (bound)", "PyTorch's own", "holds"], body)


def gradients(rows):
    body = [[r["model"], r["loss"], r["dtype"], r["variant"], r["step"], r["tensors"],
             f"{r['error']:.1e} ({r['bound']:.1e})", f"{r['pytorch_error']:.1e}",
             "yes" if r["holds"] else "**NO**"]
            for r in rows if "pytorch_error" in r]
    return table(["model", "loss", "dtype", "run", "step", "tensors", "worst tensor off (bound)",
                  "PyTorch's own", "holds"], body)


def main():
    rows = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    smollm2 = pathlib.Path(sys.argv[2]).read_text().strip() if len(sys.argv) > 2 else ""
    by_family, others = families(rows)
    print(f"""# Parity

Made by `make parity`: {machine.line()}

## Families

Tiny random models of each family and its variants against transformers, log-probs and gradients in
float64 there and in fp32 here, with every size of segment, on the CPU's own kernels and on the
portable ones that CUDA uses; the worst of all is shown. Bounds: log-probs 1e-4, gradients 1e-5 of
their tensor's norm, bf16 0.1 nats. Tokenizers of the families' structure are compared with the
reference library on adversarial texts, ids and decoded text; templates of the families' structure
with transformers. The same runs in `make test`, without Python, from the numbers committed in
`testdata` folders.

{by_family}

Other tokenizers: {others}.
Families' own chat templates, which are not this project's to distribute, are compared when they are
at hand and known by their hash: see `oaif/chat/known.txt`.

## Training, replayed in PyTorch

`bench/reference/replay.py` computes each step of a run again, with autograd, from the ids and
verdicts that the run recorded: the tiny model's in fp64, the other's in fp32. What PyTorch itself
is off, in the run's type, stands beside it where that is another. Bounds: 1e-5 of the loss, of the
gradient's norm and of each tensor's gradient (of ipo 2e-5), 1e-4 of the way of
the weights; or twice what PyTorch itself is off, where that is more. Loss and norm count at the
worst step; in bf16, where a single step is noise, it is the root mean square of all. A tensor's
gradient is compared at the recorded weights of its step, so that nothing adds up there.

{replays(rows)}

{gradients(rows)}

What is compared, and why fp32 tells so little of ipo's loss, stands in
[bench/reference/README.md](../bench/reference/README.md).

## SmolLM2-135M-Instruct against transformers

{smollm2}

## Parsers

Fuzz targets, executions and findings: [fuzz.md](fuzz.md).""")


main()
