"""A step of online AI feedback (arXiv 2402.04792, Algorithm 1) in plain PyTorch and transformers.

What oaif does, with the same settings and its departures from the paper: pairs without a verdict
are skipped, and the optimizer is AdamW. Tokens are drawn by torch's generator, so they are others
than oaif's. Sampling runs a prompt once for both answers and keeps its keys and values, and answers
that have ended leave the batch. The head is run where a next token is wanted, and only the policy's
log-probs have a graph.
"""

import torch
from transformers import DynamicCache

from losses import LOSSES, log_ratio
from scoring import head, pad_left, pair_logprobs, positions
from timing import Watch


class Trainer:
    """policy: a Policy. language: a Reference with its tokenizer and end ids. reference: a frozen
    model. annotator: an Annotator."""

    def __init__(self, policy, language, reference, annotator):
        self.policy, self.language, self.reference = policy, language, reference
        self.annotator = annotator
        self.settings, self.device = policy.settings, policy.model.device

    def step(self, n, prompts):
        """Takes step n, from 1, on prompts of (fields, ids); returns what it came to."""
        watch = Watch(self.device)
        answers = self.sample([ids for _, ids in prompts])
        watch.lap("sample")
        verdicts = self.annotate([fields for fields, _ in prompts], answers)
        watch.lap("annotate")
        kept = [(ids, *(pair if verdict == "a" else pair[::-1]))
                for (_, ids), pair, verdict in zip(prompts, answers, verdicts) if verdict]
        parts = split(kept, self.settings["train"]["micro_batch"])
        with torch.inference_mode():
            frozen = [pair_logprobs(self.reference, part) for part in parts]
        watch.lap("reference")
        loss = 0.0
        for part, of_reference in zip(parts, frozen):
            h = log_ratio(*pair_logprobs(self.policy.model, part), *of_reference)
            s = self.settings["loss"]
            share = LOSSES[s["kind"]](h, s["beta"]).sum() / len(kept)
            share.backward()
            loss += share.item()
        watch.lap("train")
        norm = self.policy.update(n)[0] if kept else 0.0
        watch.lap("optimize")
        return {"step": n, "loss": loss, "kept": len(kept), "grad_norm": norm,
                "tokens": sum(len(a) for pair in answers for a in pair),
                "seconds": watch.seconds}

    @torch.inference_mode()
    def sample(self, prompts):
        """Two answers to each prompt, ids with the end id that stopped them."""
        s, model = self.settings["sampler"], self.policy.model
        ends = torch.tensor(self.language.eos, device=self.device)
        ids, mask = pad_left(prompts, self.device)
        position = mask.sum(1, keepdim=True)
        cache = DynamicCache(config=model.config)
        states = model.base_model(ids, attention_mask=mask, position_ids=positions(mask),
                                  cache=cache, use_cache=True).last_hidden_state
        cache.batch_repeat_interleave(2)
        logits = head(model, states[:, -1])
        logits, mask, position = (x.repeat_interleave(2, 0) for x in (logits, mask, position))
        answers = [[] for _ in range(2 * len(prompts))]
        rows = list(range(len(answers)))  # of answers, by row of the batch
        for t in range(s["max_new_tokens"]):
            logits = logits.float() / s["temperature"]
            if t < s["min_new_tokens"]:
                logits[:, ends] = -torch.inf
            token = draw(logits)
            for row, value in zip(rows, token[:, 0].tolist()):
                answers[row].append(value)
            going = ~torch.isin(token[:, 0], ends)
            if t + 1 == s["max_new_tokens"] or not going.any():
                break
            if not going.all():
                token, mask, position = token[going], mask[going], position[going]
                rows = [row for row, on in zip(rows, going.tolist()) if on]
                cache.batch_select_indices(going.nonzero()[:, 0])
            mask = torch.cat([mask, torch.ones_like(token)], 1)
            states = model.base_model(token, attention_mask=mask, position_ids=position,
                                      cache=cache, use_cache=True).last_hidden_state
            logits = head(model, states[:, -1])
            position = position + 1
        return list(zip(answers[::2], answers[1::2]))

    def annotate(self, fields, answers):
        """Which answer of each pair is better: "a", "b", or None where there is no verdict."""
        texts = [[self.language.decode(a) for a in pair] for pair in answers]
        asked = [i for i, (a, b) in enumerate(texts) if a != b]
        out = [None] * len(answers)
        if not asked:
            return out
        scores = self.annotator.scores([fields[i] for i in asked for _ in range(2)],
                                       [text for i in asked for text in texts[i]]).view(-1, 2)
        for i, p in zip(asked, torch.sigmoid(scores[:, 0] - scores[:, 1]).tolist()):
            if abs(p - .5) > self.annotator.spec["tie_margin"]:
                out[i] = "a" if p > .5 else "b"
        return out


def draw(logits):
    """An id [N,1] from each row's softmax. torch.multinomial would draw a number for every id of
    the vocabulary, which takes as long as the head."""
    sums = logits.softmax(-1).cumsum(-1)
    at = torch.rand(len(sums), 1, device=sums.device) * sums[:, -1:]
    return torch.searchsorted(sums, at, right=True).clamp(max=logits.shape[1] - 1)


def split(items, size):
    """Parts of at most size items; 0 means one part."""
    size = size or max(1, len(items))
    return [items[at:at + size] for at in range(0, len(items), size)]
