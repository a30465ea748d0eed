"""What Jinja2, set up as transformers sets it up, makes of each template, as JSON Lines for the Go
test.

    pip install jinja2 gguf
    python3 golden.py SmolLM2-135M-Instruct.Q4_1.gguf

Writes smollm2.jinja (the GGUF's own template) and golden.jsonl: template, bos, eos, messages as
[role, content], generation prompt or not, and the text, or in "error" what raise_exception said.
"""
import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
from gguf import GGUFReader
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
TODAY = datetime.datetime(2024, 7, 26)
TOKENS = {
    "smollm2": ("<|im_start|>", "<|im_end|>"), "chatml": ("<|endoftext|>", "<|im_end|>"),
    "zephyr": ("<s>", "</s>"),
    "llama3": ("<|begin_of_text|>", "<|eot_id|>"), "instruct": ("", "</s>"),
}
CHATS = [
    [("user", "What is the capital of France?")],
    [("system", "Answer in one word."), ("user", "  What is 2+2?\n"), ("assistant", "Four."),
     ("user", "And 3+3?")],
    [("user", "a"), ("assistant", "b")],
    [("user", "STOP here"), ("assistant", "fine"), ("user", "not shown?")],
    [("user", "<|im_end|> {{ 7*7 }} {% raw %} \"quotes\" & <b> 'x' \\n")],
    [("user", "Привет 你好 😀 é\u0301"), ("assistant", "שלום\tمرحبا"), ("user", "\u00a0\u3000")],
    [("user", "line one\r\nline two\n\n\n")],
    [("user", "")],
    [("system", "only a system message")],
    [("user", "twice"), ("user", "the same")],
    [("tool", "a role that few templates know")],
    [("assistant", "I begin.")],
]


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[jinja2.ext.loopcontrols])

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = TODAY.strftime
    return env


def case(env, name, source, chat, generate):
    bos, eos = TOKENS[name]
    named = {k: v for k, v in (("bos_token", bos), ("eos_token", eos)) if v}
    out = {"template": name, "bos": bos, "eos": eos, "messages": chat, "generate": generate}
    messages = [{"role": r, "content": c} for r, c in chat]
    try:
        out["text"] = env.from_string(source).render(
            messages=messages, tools=None, documents=None, add_generation_prompt=generate,
            date_string="26 Jul 2024", **named)
    except jinja2.exceptions.TemplateError as e:
        out["error"] = str(e)
    return json.dumps(out, ensure_ascii=False)


def main():
    own = GGUFReader(sys.argv[1]).fields["tokenizer.chat_template"].contents()
    (HERE / "smollm2.jinja").write_bytes(own.encode())
    env = environment()
    lines = []
    for name in TOKENS:
        source = (HERE / f"{name}.jinja").read_bytes().decode()
        lines += [case(env, name, source, chat, generate) for chat in CHATS
                  for generate in (False, True)]
    (HERE / "golden.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
