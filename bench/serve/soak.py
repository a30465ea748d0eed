"""Hundreds of clients that ask `oaif serve` for all it has, badly too, and often go away; exit
status 1 where one gets anything but an answer or a clean refusal, or where the server's memory
grows.

    bench/serve/run.sh bench/serve/soak.py [--clients 200] [--seconds 300] [--growth 0.1]

Memory is read every second. It may grow while the first answers are written (the cache of keys
and values is touched for the first time); after a fifth of the time it must stay within --growth.
"""

import argparse
import asyncio
import collections
import json
import random
import sys
import time

import server
import wire

CLEAN = {200, 400, 401, 404, 408, 413, 415, 429, 503}
SETTLED = .2  # of the time, after which memory is flat


def request(rng):
    """A path and a body of some kind, some of them bad."""
    text = "".join(rng.choice("abcdefgh ijklm nopq. \n") for _ in range(rng.randint(1, 400)))
    plain = {"prompt": text, "max_tokens": rng.choice([1, 1, 1, 8, 40]),
             "temperature": rng.choice([0, 1, 1.3])}
    chat = {"messages": [{"role": "user", "content": text}], "max_tokens": rng.choice([1, 12, 30])}
    return rng.choice([
        ("/v1/completions", plain),
        ("/v1/completions", {**plain, "logprobs": rng.randint(0, 20)}),
        ("/v1/completions", {**plain, "logprobs": 1, "echo": True, "max_tokens": 1}),
        ("/v1/completions", {**plain, "n": 3, "stop": ["a", ". "]}),
        ("/v1/completions", {**plain, "stream": True}),
        ("/v1/completions", {**plain, "top_p": .8, "seed": rng.randint(0, 9)}),
        ("/v1/completions", {**plain, "temperature": -1}),
        ("/v1/completions", {**plain, "prompt": "x " * 9000}),
        ("/v1/completions", {**plain, "prompt": "y" * (2 << 20)}),
        ("/v1/chat/completions", chat),
        ("/v1/chat/completions", {**chat, "logprobs": True, "top_logprobs": 20}),
        ("/v1/chat/completions", {**chat, "stream": True, "n": 2}),
        ("/v1/chat/completions", {**chat, "tools": [{}]}),
        ("/v1/nothing", {}),
    ])


class Crowd:
    """What the clients saw."""

    def __init__(self, at, seconds):
        self.at, self.end = at, time.monotonic() + seconds
        self.statuses, self.wrong, self.resident = collections.Counter(), [], []

    async def client(self, i):
        rng, connection = random.Random(i), wire.Connection(self.at.host, self.at.port)
        while time.monotonic() < self.end:
            path, body = request(rng)
            if rng.random() < .05:  # goes away in the middle
                try:
                    await asyncio.wait_for(connection.post(path, body), rng.random())
                except (asyncio.TimeoutError, OSError, asyncio.IncompleteReadError):
                    self.statuses["gone"] += 1
                connection.close()
                continue
            await self.ask(connection, path, body, rng)
        connection.close()

    async def ask(self, connection, path, body, rng):
        try:
            status, answer = await connection.post(path, body)
        except (OSError, asyncio.IncompleteReadError) as error:
            connection.close()
            # A server may close a connection whose body it does not want to read to its end.
            kind = "large" if len(json.dumps(body)) > 1 << 20 else "broken"
            self.statuses[kind] += 1
            if kind == "broken":
                self.wrong.append(f"{path}: {error!r}")
            return
        self.statuses[status] += 1
        if status not in CLEAN or not self.sound(status, body, answer):
            self.wrong.append(f"{path}: status {status}: {answer[:200]!r}")
        if status == 503:
            await asyncio.sleep(rng.random())

    @staticmethod
    def sound(status, body, answer):
        """Whether an answer is whole: JSON, or a stream that says that it is done."""
        if status == 200 and body.get("stream"):
            return answer.endswith(b"data: [DONE]\n\n") or b'"code":"timeout"' in answer
        try:
            read = json.loads(answer)
        except ValueError:
            return False
        return "choices" in read if status == 200 else "message" in read["error"]

    async def watch(self):
        while time.monotonic() < self.end:
            self.resident.append(self.at.resident())
            await asyncio.sleep(1)

    async def run(self, clients):
        await asyncio.gather(self.watch(), *(self.client(i) for i in range(clients)))


def growth(resident):
    """How much the last fifth holds more than the fifth behind the settling, as a share."""
    n = len(resident)
    part = max(1, n // 5)
    begun = resident[int(n * SETTLED):][:part]
    return max(resident[-part:]) / max(begun) - 1


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
server.options(parser)
parser.add_argument("--clients", type=int, default=200)
parser.add_argument("--seconds", type=float, default=300)
parser.add_argument("--growth", type=float, default=.1)
given = parser.parse_args()
with server.serving(given) as running:
    crowd = Crowd(running, given.seconds)
    asyncio.run(crowd.run(given.clients))
print(f"{given.clients} clients, {given.seconds:.0f} s:",
      ", ".join(f"{k}: {n}" for k, n in sorted(crowd.statuses.items(), key=str)))
grown = growth(crowd.resident)
print(f"memory {min(crowd.resident) / 1e9:.2f} to {max(crowd.resident) / 1e9:.2f} GB, "
      f"{100 * grown:+.1f} % after a fifth of the time")
for line in crowd.wrong[:10]:
    print(f"soak: {line}", file=sys.stderr)
if crowd.wrong or grown > given.growth or crowd.statuses[200] == 0:
    sys.exit(1)
