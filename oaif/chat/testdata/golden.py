"""What transformers' apply_chat_template makes of chat templates, for the Go tests.

    pip install transformers tokenizers jinja2 gguf
    python3 golden.py SmolLM2-135M-Instruct.Q4_1.gguf
    python3 golden.py --known FOLDER    (a folder of models' templates, NAME.jinja)

The first writes smollm2.jinja (the GGUF's own template) and golden.jsonl: template, bos, eos,
messages as [role, content], generation prompt or not, and the text, or in "error" what
raise_exception said. The second writes ../known.txt: for each template the SHA-256 of its text as
Jinja reads it, that of what it makes of all chats, and its name. In both, it is 26 July 2024.
"""
import datetime
import hashlib
import json
import pathlib
import sys

import jinja2
import transformers.utils.chat_template_utils as chat_template_utils
from gguf import GGUFReader
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
TOKENS = {
    "smollm2": ("<|im_start|>", "<|im_end|>"), "chatml": ("<|endoftext|>", "<|im_end|>"),
    "zephyr": ("<s>", "</s>"), "llama2": ("<s>", "</s>"), "mistral": ("<s>", "</s>"),
    "gemma": ("<bos>", "<eos>"), "thinking": ("", "<|im_end|>"),
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
    [("system", "Think."), ("user", "17*3?"),
     ("assistant", "<think>\nThree times 17.\n</think>\n\n51"), ("user", "and 4?"),
     ("assistant", "<think>\n\n</think>\n\n68"), ("user", "thanks\n")],
    [("system", "\nспасибо 🙏 "), ("user", "α\u2028β"), ("assistant", " γ "), ("user", "δ"),
     ("assistant", ""), ("user", "[INST] ε [/INST] <<SYS>>")],
]


class Summer(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, tzinfo=tz)


def case(name, source, chat, generate, bos, eos):
    named = {k: v for k, v in (("bos_token", bos), ("eos_token", eos)) if v}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **named)
    out = {"template": name, "bos": bos, "eos": eos, "messages": chat, "generate": generate}
    messages = [{"role": r, "content": c} for r, c in chat]
    try:
        out["text"] = tokenizer.apply_chat_template(
            messages, chat_template=source, tokenize=False, add_generation_prompt=generate,
            date_string="26 Jul 2024")
    except (jinja2.exceptions.TemplateError, TypeError) as e:
        out["error"] = str(e)
    return out


def write_goldens(gguf):
    own = GGUFReader(gguf).fields["tokenizer.chat_template"].contents()
    (HERE / "smollm2.jinja").write_bytes(own.encode())
    lines = []
    for name, (bos, eos) in TOKENS.items():
        source = (HERE / f"{name}.jinja").read_bytes().decode()
        lines += [json.dumps(case(name, source, chat, generate, bos, eos), ensure_ascii=False)
                  for chat in CHATS for generate in (False, True)]
    (HERE / "golden.jsonl").write_text("\n".join(lines) + "\n")


def write_known(folder):
    """A refusal counts as the text "refused"."""
    lines = []
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        source = path.read_bytes().decode()
        texts = [case("", source, chat, generate, "<bos>", "<eos>").get("text", "refused")
                 for chat in CHATS for generate in (False, True)]
        text = source.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
        lines.append(" ".join([hashlib.sha256(text.encode()).hexdigest(),
                               hashlib.sha256("\0".join(texts).encode()).hexdigest(), path.stem]))
    (HERE.parent / "known.txt").write_text("\n".join(lines) + "\n")


def main():
    chat_template_utils.datetime = Summer
    if sys.argv[1] == "--known":
        write_known(sys.argv[2])
    else:
        write_goldens(sys.argv[1])


if __name__ == "__main__":
    main()
