"""OpenAI's own Python client against `oaif serve`; exit status 1 where the two do not go together.

    bench/serve/run.sh bench/serve/client.py [--program bin/oaif] [--model FILE] [--dtype TYPE]
    bench/serve/run.sh bench/serve/client.py --url http://127.0.0.1:8000/v1 --name MODEL

Without --url it starts a server of the model with a token, and compares the log-probs of given text
with those of `oaif score`.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import openai

import server

MESSAGES = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Name a bird."}]
PROMPT = "The sky over the harbour is"
TOLERANCE = {"float32": 1e-4, "bfloat16": .1, "auto": .1}  # nats; batches round in their own ways
failures = []


def expect(what, condition, seen=""):
    if not condition:
        failures.append(what)
        print(f"not so: {what} {seen}", file=sys.stderr)


def chats(client, name):
    ask = dict(model=name, messages=MESSAGES, max_tokens=12, seed=3)
    first, again = (client.chat.completions.create(**ask) for _ in range(2))
    expect("a seed gives one answer", first.choices[0].message.content ==
           again.choices[0].message.content)
    expect("an answer is counted", 0 < first.usage.completion_tokens <= 12 and
           first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens)
    expect("an answer says why it ended", first.choices[0].finish_reason in ("stop", "length"))
    three = client.chat.completions.create(**ask, n=3)
    expect("n choices", [c.index for c in three.choices] == [0, 1, 2] and
           three.choices[0].message.content == first.choices[0].message.content)
    chunks = list(client.chat.completions.create(**ask, stream=True,
                                                 stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    expect("a stream is the answer", text == first.choices[0].message.content, text)
    expect("a stream is counted", chunks[-1].usage == first.usage)
    greedy = client.chat.completions.create(
        model=name, messages=MESSAGES, max_completion_tokens=4, temperature=0, logprobs=True,
        top_logprobs=5)
    for token in greedy.choices[0].logprobs.content:
        expect("the greedy token is the likeliest", token.top_logprobs[0].token == token.token
               and len(token.top_logprobs) == 5, token)
        expect("a token has its bytes", bytes(token.bytes).decode(errors="ignore") in token.token
               or token.token.startswith("bytes:"), token)


def completions(client, name):
    ask = dict(model=name, prompt=PROMPT, max_tokens=24, temperature=0)
    whole = client.completions.create(**ask).choices[0]
    stop = whole.text[len(whole.text) // 2:][:3]
    cut = client.completions.create(**ask, stop=[stop]).choices[0]
    expect("a stop string ends the text", cut.text == whole.text.partition(stop)[0] and
           cut.finish_reason == "stop", cut)
    text = "".join(c.choices[0].text for c in client.completions.create(
        **ask, stop=[stop], stream=True))
    expect("so it does in a stream", text == cut.text, text)
    two = client.completions.create(**{**ask, "prompt": [PROMPT, "Once"]})
    expect("each prompt of a list is answered", len(two.choices) == 2)
    echo = client.completions.create(**ask, echo=True, logprobs=2).choices[0]
    expect("echo begins with the prompt", echo.text.startswith(PROMPT))
    for at, token in zip(echo.logprobs.text_offset, echo.logprobs.tokens):
        expect("a token stands where it says", echo.text[at:].startswith(token) or
               token.startswith(("bytes:", "<|")), (at, token))
    return echo


def refusals(client, name):
    for what, error, ask in [
        ("another model", openai.NotFoundError, {"model": "another"}),
        ("a bad temperature", openai.BadRequestError, {"temperature": -1}),
        ("an unknown key", openai.BadRequestError, {"extra_body": {"penalty": 1}}),
        ("too many tokens", openai.BadRequestError, {"max_tokens": 1 << 20}),
    ]:
        try:
            client.chat.completions.create(**{"model": name, "messages": MESSAGES, **ask})
            expect(f"{what} is refused", False)
        except error as refused:
            expect(f"{what} is refused in words", refused.body["message"])


def scores(client, name, options):
    """The log-probs of given text are those of `oaif score`."""
    pairs = [(PROMPT, " a deep and quiet blue."), ("Two and two is", " four"), ("x", " = 3;")]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "in.jsonl")
        source.write_text("".join(json.dumps({"prompt": p, "completion": c}) + "\n"
                                  for p, c in pairs))
        done = subprocess.run(
            [options.program, "score", "--model", options.model, "--in", source,
             "--device", options.device, "--dtype", options.dtype],
            capture_output=True, text=True, check=True)
    worst = 0
    for (prompt, completion), line in zip(pairs, done.stdout.splitlines()):
        want = json.loads(line)["token_logprobs"]
        got = client.completions.create(model=name, prompt=prompt + completion, echo=True,
                                        logprobs=1, max_tokens=0).choices[0].logprobs
        got = got.token_logprobs[-len(want):]
        worst = max(worst, *(abs(a - b) for a, b in zip(got, want)))
    expect("log-probs are those of oaif score", worst <= TOLERANCE[options.dtype], worst)
    print(f"largest difference from oaif score: {worst:.2g} nats")


def check(url, name, token, options=None):
    client = openai.OpenAI(base_url=url, api_key=token, max_retries=0)
    expect("the model is listed", name in [m.id for m in client.models.list()])
    expect("the model can be asked for", client.models.retrieve(name).id == name)
    chats(client, name)
    completions(client, name)
    refusals(client, name)
    if options:
        scores(client, name, options)
        try:
            openai.OpenAI(base_url=url, api_key="wrong", max_retries=0).models.list()
            expect("another token is refused", False)
        except openai.AuthenticationError:
            pass


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
server.options(parser)
parser.add_argument("--url")
parser.add_argument("--name")
given = parser.parse_args()
if given.url:
    check(given.url, given.name, "none")
else:
    with server.serving(given, "--token-env", "OAIF_TOKEN", OAIF_TOKEN="a secret") as running:
        check(running.url, running.name, "a secret", given)
print(f"openai {openai.__version__}: {len(failures)} expectations failed")
sys.exit(bool(failures))
