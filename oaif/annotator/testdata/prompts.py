"""Renders the prompts of the shipped annotators for the question beside this script, into prompts/,
by Python's own reading of TOML and of braces. Standard library only.

    python3 oaif/annotator/testdata/prompts.py
"""

import json
import pathlib
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
SHIPPED = HERE.parent.parent.parent / "configs/annotators"


def presentations(kind, question):
    """(where, fields) of the two prompts that are made of a question."""
    a, b = question["a"], question["b"]
    if kind == "pairwise":
        return ("a shown first", {"a": a, "b": b}), ("b shown first", {"a": b, "b": a})
    return ("answer a", {"response": a}), ("answer b", {"response": b})


def render(spec, question):
    for where, answers in presentations(spec["kind"], question):
        fields = {"prompt": question["prompt"], **answers}
        yield f"=== {where}, system\n{spec.get('system', '').format_map(fields)}\n"
        yield f"=== {where}, {'user' if spec.get('chat') else 'text'}\n"
        yield spec["prompt"].format_map(fields) + "\n"


def main():
    question = json.loads((HERE / "question.json").read_text(encoding="utf-8"))
    for old in (HERE / "prompts").glob("*.txt"):
        path = SHIPPED / f"{old.stem}.toml"
        spec = tomllib.loads(path.read_text(encoding="utf-8"))
        old.write_text("".join(render(spec, question)), encoding="utf-8")


if __name__ == "__main__":
    main()
