"""Loads models into transformers, and log-probs of answers under them."""

import contextlib
import pathlib
import sys

import torch
from torch.nn.utils.rnn import pad_sequence

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "parity"))
from double import double  # noqa: E402  these lie in the folder beside
from reference import Reference, cast  # noqa: E402


def open_model(path):
    """A GGUF file or Hugging Face folder as a Reference: model (fp32), tokenizer, end ids."""
    path = pathlib.Path(path).resolve()
    out = Reference.from_folder(path) if path.is_dir() else Reference.from_gguf(path)
    # transformers takes every token that has the id of padding for padding and gives its embedding
    # no gradient; where that is the end token, chats are full of it and nothing is padding.
    out.model.get_input_embeddings().padding_idx = None
    return out


def open_frozen(path, device, dtype):
    """A model that is not trained."""
    return in_dtype(open_model(path).model.to(device), dtype).requires_grad_(False)


def in_dtype(model, dtype):
    """model in dtype. In float64 it is another one, which has to be run in precision(dtype)."""
    if dtype != torch.float64:
        return cast(model, dtype)
    with double():  # its rotary frequencies too
        exact = type(model)(model.config).eval()
    exact.load_state_dict({name: w.double() for name, w in model.state_dict().items()})
    return exact


def precision(dtype):
    """The context in which a model of dtype computes in dtype alone."""
    return double() if dtype == torch.float64 else contextlib.nullcontext()


def pad_left(rows, device):
    """[rows,T] ids and mask: texts of unequal lengths end in the same column."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(r)) + r for r in rows], device=device)
    mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows], device=device)
    return ids, mask


def positions(mask):
    return (mask.cumsum(1) - 1).clamp(min=0)


def hidden(model, rows):
    """[rows,T,H] last hidden states of rows of ids. The batch is padded on the right, which causal
    attention never looks at, so that it needs no mask and takes its fast path."""
    ids = pad_sequence([torch.tensor(r) for r in rows], batch_first=True)
    return model.base_model(ids.to(model.device), use_cache=False).last_hidden_state


def head(model, states, columns=None):
    """Logits [N,vocabulary], or of some columns, for hidden states [N,H]. Two dimensions matter: of
    a slice of three, PyTorch's product copies the weights for every row."""
    layer = model.get_output_embeddings()
    weight = layer.weight if columns is None else layer.weight[columns]
    logits = torch.nn.functional.linear(states, weight)
    cap = getattr(model.config, "final_logit_softcapping", None)
    return logits if not cap else torch.tanh(logits / cap) * cap


def answer_logprobs(model, sequences, dtype=torch.float32):
    """Log-probs of answers' tokens, [sequences] of [tokens] in nats.

    sequences are (prompt ids, answer ids). The head is run on the positions that predict answers
    only. dtype is the softmax's: in fp32 PyTorch's is off by 2e-5 nats a token with a vocabulary of
    50,000, always to the same side.
    """
    states = hidden(model, [p + a[:-1] for p, a in sequences])
    rows = [row[len(p) - 1:len(p) + len(a) - 1] for row, (p, a) in zip(states, sequences)]
    targets = torch.tensor([t for _, a in sequences for t in a], device=states.device)
    logprobs = head(model, torch.cat(rows)).to(dtype).log_softmax(-1)
    picked = logprobs.gather(1, targets[:, None])[:, 0]
    return picked.split([len(a) for _, a in sequences])


def pair_logprobs(model, pairs, dtype=torch.float32):
    """Log-probs of (prompt, chosen, rejected) ids: [2,pairs] in nats, the chosen answers' first."""
    rows = answer_logprobs(model, [(prompt, a) for prompt, *both in pairs for a in both], dtype)
    return torch.stack([row.sum() for row in rows]).view(-1, 2).T
