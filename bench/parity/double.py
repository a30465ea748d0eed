"""Float64 all the way in transformers, which asks for float32 in norms, softmax and angles."""

import contextlib

import torch


@contextlib.contextmanager
def double():
    """Gives float64 to code that asks for float32: models are to be made in it and run in it."""
    kept = torch.float32, torch.float, torch.Tensor.float
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = kept
        torch.set_default_dtype(torch.float32)
