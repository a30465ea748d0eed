"""Compares bin/oaif with transformers on the same files, in fp32 and log-probs in bf16 too; exit
status 1 if a bound is broken.

    bench/parity/run.sh [--model FILE.gguf] [--run RUN] [--device cuda]

Two workloads: film (openings of film reviews, 24 new tokens, as configs/demo.toml has them) and
chat (short questions through the chat template, up to 96). RUN is the folder of a finished run
whose model/ is compared as well; without it a one-step run is made for the purpose.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import tomllib

from program import ROOT, Program
from reference import Reference

sys.path.insert(0, str(ROOT / "bench"))
import machine  # noqa: E402  lies in the folder above

# Nats a token: how far a log-prob may be off, and how far all of them to one side.
MOST, LEANING = 1e-4, 5e-6
FACTOR = 2  # how many times as far from fp32 as transformers' bf16 ours may be
GREEDY = 20  # prompts of each workload


class Workload:
    """Prompts of one configuration: the records that oaif reads and the texts they become."""

    def __init__(self, name, config, scored):
        self.name, self.scored = name, scored
        settings = tomllib.loads((ROOT / config).read_text())
        self.template = settings["data"].get("template", "{prompt}")
        self.temperature = settings["sampler"]["temperature"]
        self.length = settings["sampler"]["max_new_tokens"]
        text = (ROOT / settings["data"]["heldout"]).read_text()
        self.records = [json.loads(line) for line in text.splitlines()]
        self.chat = "messages" in self.records[0]
        if not self.chat:
            self.records = [{"prompt": self.template.replace("{prompt}", r["prompt"])}
                            for r in self.records]

    def texts(self, ref):
        return [ref.render(r["messages"]) if self.chat else r["prompt"] for r in self.records]


class Table:
    """The rows of what was found; ok says whether every bound held."""

    def __init__(self):
        self.rows, self.ok = [], True

    def add(self, name, where, size, found, bound, good):
        self.ok = self.ok and good
        self.rows.append((name, where, size, found, bound, "yes" if good else "**NO**"))
        print(f"  {name}, {where}: {found}", file=sys.stderr)

    def __str__(self):
        head = ("compared", "workload", "size", "found", "bound", "holds")
        return "\n".join("| " + " | ".join(r) + " |" for r in [head, ("---",) * 6, *self.rows])


def check_tokens(table, oaif, model, ref, w, name):
    """Same text from the chat template, same ids, same text back."""
    texts = w.texts(ref)
    got = oaif.tokenize(model, w.records if w.chat else [{"text": t} for t in texts])
    wrong = 0
    for text, line in zip(texts, got):
        same = line["text"] == text if w.chat else line["decoded"] == text
        wrong += not (same and line["ids"] == ref.encode(text))
    table.add(name, w.name, f"{len(texts)} prompts", f"{wrong} differ", "0", wrong == 0)
    return [ref.encode(t) for t in texts]


def check_greedy(table, oaif, model, ref, w, prompts):
    """T = 0 against transformers' own generate, ids and text."""
    got = oaif.sample(model, w.records[:GREEDY], 0, w.length)
    wrong = tokens = 0
    for prompt, mine in zip(prompts, got):
        want = ref.greedy(prompt, w.length)
        tokens += len(want)
        same = mine["ids"] == want and mine["text"] == ref.decode(want)
        wrong += not same
        if not same:
            print(f"  differs: {mine['text']!r}\n  wanted:  {ref.decode(want)!r}", file=sys.stderr)
    table.add("greedy ids and text", w.name, f"{len(got)} prompts, {tokens} tokens",
              f"{wrong} differ", "0",
              wrong == 0)


def check_logprobs(table, oaif, model, ref, w, prompts, samples, name):
    """`oaif score` on sampled answers, token by token."""
    prompts, ids = prompts[:w.scored], [s["ids"] for s in samples[:w.scored]]
    mine = oaif.score(model, prompts, ids)
    theirs = [ref.logprobs(p, c) for p, c in zip(prompts, ids)]
    gaps = [a - b for m, t in zip(mine, theirs) for a, b in zip(m, t)]
    add_gaps(table, name, w, f"{len(gaps)} tokens", gaps)
    return theirs


def add_gaps(table, name, w, size, gaps):
    most, leaning = max(map(abs, gaps)), statistics.mean(gaps)
    table.add(name, w.name, size, f"max {most:.1e}, mean {leaning:+.1e}",
              f"max {MOST:.0e}, mean {LEANING:.0e}", most <= MOST and abs(leaning) <= LEANING)


def check_bf16(table, oaif, model, bf16, w, prompts, samples, exact):
    """The same in bf16: how far from transformers' fp32 we and transformers' own bf16 are."""
    prompts, ids = prompts[:w.scored], [s["ids"] for s in samples[:w.scored]]
    mine = oaif.score(model, prompts, ids, "bfloat16")
    theirs = [bf16.logprobs(p, c) for p, c in zip(prompts, ids)]
    off = lambda rows: [abs(a - b) for m, t in zip(rows, exact) for a, b in zip(m, t)]
    found, allowed = ((statistics.mean(g), max(g)) for g in (off(mine), off(theirs)))
    table.add("log-probs in bf16", w.name, f"{len(off(mine))} tokens",
              f"mean {found[0]:.3f}, max {found[1]:.2f}",
              f"{FACTOR} times transformers' bf16: mean {allowed[0]:.3f}, max {allowed[1]:.2f}",
              all(f <= FACTOR * a for f, a in zip(found, allowed)))


def check_sampler(table, w, samples, theirs):
    """The log-probs that the sampler itself reports, from its KV cache: sums over an answer."""
    gaps = [(s["logprob"] - sum(t)) / len(t) for s, t in zip(samples, theirs)]
    add_gaps(table, "log-prob told by `sample`, per token", w, f"{len(gaps)} answers", gaps)


def check_ends(table, w, samples):
    """Chat answers have to end by themselves often enough to test the end token, and not always."""
    share = sum(s["finish"] == "eos" for s in samples) / len(samples)
    table.add("answers that end by themselves", w.name, f"{len(samples)} answers", f"{share:.0%}",
              "30 to 90 %",
              .3 <= share <= .9)


def check_run(table, oaif, folder, base, workloads):
    """The model/ of a run, in transformers and in oaif."""
    ref = Reference.from_folder(folder)
    table.add("model/: end ids", "both", f"{len(ref.eos)} ids", str(ref.eos),
              f"{base.eos} of the start",
              ref.eos == base.eos)
    for w in workloads:
        prompts = check_tokens(table, oaif, folder, ref, w, "model/: token ids")
        samples = oaif.sample(folder, w.records[:w.scored], w.temperature, w.length)
        check_logprobs(table, oaif, folder, ref, w, prompts, samples, "model/: log-probs")


def one_step(oaif, model, out):
    """A finished run of one step, far enough from the start to tell the two apart."""
    sets = [f"model.path={model}", "train.steps=1", "train.prompts_per_step=4",
            "optimizer.warmup_steps=0",
            "eval.prompts=8", "eval.live_prompts=8", f"model.device={oaif.device}"]
    oaif.run("train", "configs/demo.toml", "--out", str(out),
             *[a for s in sets for a in ("--set", s)])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path,
                        default=ROOT / "third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--run", type=pathlib.Path,
                        help="folder of a finished run, such as runs/demo")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "bin/oaif")
    parser.add_argument("--device", default="cpu",
                        help="of oaif, cpu or cuda; transformers is on the CPU")
    args = parser.parse_args()
    for needed in args.model, args.program, *([args.run / "model"] if args.run else []):
        if not needed.exists():
            parser.error(f"{needed} is not there; `make build model` makes program and model")

    oaif, table = Program(args.program.resolve(), args.device), Table()
    workloads = [Workload("film", "configs/demo.toml", 40),
                 Workload("chat", "configs/chat.toml", 20)]
    base = Reference.from_gguf(args.model.resolve())
    for w in workloads:
        prompts = check_tokens(table, oaif, args.model.resolve(), base, w, "token ids and text")
        check_greedy(table, oaif, args.model.resolve(), base, w, prompts)
        samples = oaif.sample(args.model.resolve(), w.records[:64], w.temperature, w.length)
        theirs = check_logprobs(table, oaif, args.model.resolve(), base, w, prompts, samples,
                                "log-probs of sampled tokens")
        check_sampler(table, w, samples, theirs)
        check_bf16(table, oaif, args.model.resolve(), base.bfloat16(), w, prompts, samples, theirs)
        if w.chat:
            check_ends(table, w, samples)
    with tempfile.TemporaryDirectory() as folder:
        run = args.run or pathlib.Path(folder, "run")
        if not args.run:
            one_step(oaif, args.model.resolve(), run)
        check_run(table, oaif, (run / "model").resolve(), base, workloads)
    print(f"transformers, fp32, end ids {base.eos}; {machine.line()}\n\n{table}")
    sys.exit(0 if table.ok else 1)


if __name__ == "__main__":
    main()
