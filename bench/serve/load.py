"""How many tokens a second `oaif serve` draws for one client and for several, beside `oaif sample`
with as many prompts at once, and how many verdicts of a judge it gives.

    bench/serve/run.sh bench/serve/load.py [--clients 16] [--tokens 96] [--rounds 3] [--check]

Prints a Markdown table below a line that names processor, date and commit; with --check, exit
status 1 where 16 clients get less than 4 times what one gets, or less than .6 times what
`oaif sample` draws. Nothing else should run meanwhile.
"""

import argparse
import asyncio
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import server
import wire

sys.path.insert(0, str(server.ROOT / "bench"))
import machine  # noqa: E402  lies in the folder above

OPENINGS = ["The film begins in a small town where", "I remember the day when my sister",
            "In the second half of the match, the", "Nobody in the office knew that the"]
REVIEW = "Review: {}\nSentiment:"


def prompt(i):
    return f"{OPENINGS[i % len(OPENINGS)]} number {i}"


async def together(at, bodies, path="/v1/completions"):
    """Posts every body from a client of its own; returns the answers and the seconds."""
    connections = [wire.Connection(at.host, at.port) for _ in bodies]
    begun = time.monotonic()
    answers = await asyncio.gather(*(c.post(path, b) for c, b in zip(connections, bodies)))
    took = time.monotonic() - begun
    for connection in connections:
        connection.close()
    for status, body in answers:
        if status != 200:
            raise SystemExit(f"load: status {status}: {body.decode()}")
    return [json.loads(body) for _, body in answers], took


def drawn_per_second(at, clients, tokens, rounds):
    """The median over rounds of the tokens a second of all clients together."""
    rates = []
    for r in range(rounds):
        bodies = [{"prompt": prompt(i), "max_tokens": tokens, "min_tokens": tokens, "seed": r}
                  for i in range(clients)]
        answers, took = asyncio.run(together(at, bodies))
        rates.append(sum(a["usage"]["completion_tokens"] for a in answers) / took)
    return statistics.median(rates)


def verdicts_per_second(at, clients, rounds):
    """One-token requests with top_logprobs, as a pointwise judge asks them."""
    rates = []
    for r in range(rounds):
        bodies = [{"prompt": REVIEW.format(f"{prompt(i)} {r}, and all of it was a delight to see "
                                           "from the first minute to the last"),
                   "max_tokens": 1, "temperature": 0, "logprobs": 20} for i in range(clients)]
        _, took = asyncio.run(together(at, bodies))
        rates.append(clients / took)
    return statistics.median(rates)


def sample_per_second(options, prompts, tokens, rounds):
    """Tokens a second of `oaif sample`: what more tokens take than few, so that the start is not
    counted."""
    def seconds(n):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "in.jsonl")
            source.write_text("".join(json.dumps({"prompt": prompt(i)}) + "\n"
                                      for i in range(prompts)))
            begun = time.monotonic()
            subprocess.run([options.program, "sample", "--model", options.model, "--in", source,
                            "--device", options.device, "--dtype", options.dtype,
                            "--max-new-tokens", str(n), "--min-new-tokens", str(n)],
                           check=True, stdout=subprocess.DEVNULL)
            return time.monotonic() - begun
    few, many = 8, tokens + 8
    return statistics.median(prompts * tokens / (seconds(many) - seconds(few))
                             for _ in range(rounds))


def table(options):
    with server.serving(options) as at:
        drawn_per_second(at, options.clients, 8, 1)  # makes the cache's memory present
        one = drawn_per_second(at, 1, options.tokens, options.rounds)
        many = drawn_per_second(at, options.clients, options.tokens, options.rounds)
        judged = verdicts_per_second(at, 64, options.rounds)
    sampled = sample_per_second(options, options.clients, options.tokens, options.rounds)
    print(f"{machine.line()}; {options.dtype}, {options.tokens} tokens an answer\n")
    print("| | tokens a second | |\n|---|---|---|")
    print(f"| one client | {one:.0f} | |")
    print(f"| {options.clients} clients | {many:.0f} | {many / one:.1f} x one, target >= 4 |")
    print(f"| `oaif sample`, {options.clients} prompts | {sampled:.0f} | "
          f"{many / sampled:.2f} of it is served, target >= .6 |")
    print(f"| 64 judges, one token with logprobs 20 | {judged:.0f} verdicts a second | |")
    return many >= 4 * one and many >= .6 * sampled


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
server.options(parser)
parser.add_argument("--clients", type=int, default=16)
parser.add_argument("--tokens", type=int, default=96)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--check", action="store_true")
given = parser.parse_args()
met = table(given)
sys.exit(given.check and not met)
