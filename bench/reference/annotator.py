"""A pointwise annotator: a frozen model says of each answer alone how good it is."""

import re

import torch

from scoring import head, hidden, in_dtype, open_model


class Annotator:
    """judge: a frozen model. language: its Reference. spec: the annotator file's keys."""

    def __init__(self, judge, language, spec):
        self.judge, self.language, self.spec = judge, language, spec
        self.candidates = [self.candidate(spec[key]) for key in ("positive", "negative")]

    @torch.inference_mode()
    def scores(self, fields, texts):
        """log P(positive) - log P(negative) as the next token after each answer's question [texts],
        in fp64. fields are what the annotator is shown of an answer's prompt, by name."""
        rows = [self.question(of, text) for of, text in zip(fields, texts)]
        last = torch.tensor([len(row) - 1 for row in rows], device=self.judge.device)
        states = hidden(self.judge, rows)[torch.arange(len(rows), device=last.device), last]
        yes, no = head(self.judge, states, self.candidates).double().T
        return yes - no

    def question(self, fields, answer):
        """The ids of the annotator's prompt."""
        of = fields | {"response": answer}
        if not self.spec["chat"]:
            return self.language.tokenizer(fill(self.spec["prompt"], of)).input_ids
        turns = [("system", self.spec["system"])] if self.spec["system"] else []
        turns.append(("user", self.spec["prompt"]))
        return self.language.encode(self.language.render(
            [{"role": role, "content": fill(text, of)} for role, text in turns]))

    def candidate(self, text):
        ids = self.language.encode(text)
        if len(ids) != 1:
            raise SystemExit(f"the candidate {text!r} has {len(ids)} tokens, wants exactly one")
        return ids[0]


def fill(template, fields):
    """Puts {field}s in; "{{" and "}}" stand for single braces."""
    one = lambda m: fields[m[1]] if m[1] else m[0][0]
    return re.sub(r"\{\{|\}\}|\{([^{}\n]+)\}", one, template)


def open_annotator(spec, language, reference, device, dtype):
    """The annotator of spec. Where it names no model it is the run's reference, a frozen model, and
    language is the policy's Reference, which encodes for it."""
    if not spec["model"]:
        return Annotator(reference, language, spec)
    language = open_model(spec["model"])
    judge = in_dtype(language.model.to(device), dtype).requires_grad_(False)
    return Annotator(judge, language, spec)
