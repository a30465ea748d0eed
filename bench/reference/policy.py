"""A model that learns: its weights in fp32 or better, whatever type it computes in, and AdamW."""

import torch

from losses import learning_rate
from scoring import in_dtype


def clip(params, most):
    """Scales gradients down to a global norm of most, 0 for never; returns the norm before.
    PyTorch's own clip_grad_norm_ adds squares up in fp32: of 28 million it loses a thousandth."""
    grads = [p.grad for p in params]
    norms = [torch.linalg.vector_norm(g, dtype=torch.float64) for g in grads]
    norm = torch.stack(norms).norm().item()
    if most and norm > most:
        torch._foreach_mul_(grads, most / (norm + 1e-6))
    return norm


class Policy:
    """model computes in dtype. Of bfloat16 there are fp32 masters, which gradients are added to and
    the optimizer works on, as each backward pass ends in bf16; else the model's are the masters."""

    def __init__(self, model, dtype, device, settings, fused):
        self.settings = settings
        model.to(device)
        if dtype == torch.bfloat16:
            self.masters = {name: p.detach().clone().requires_grad_()
                            for name, p in model.named_parameters()}
            self.model = in_dtype(model, dtype)
            for name, p in self.model.named_parameters():
                p.register_post_accumulate_grad_hook(self.add_to(self.masters[name]))
        else:
            self.model = in_dtype(model, dtype)
            self.masters = dict(self.model.named_parameters())
        o = settings["optimizer"]
        self.optimizer = torch.optim.AdamW(
            self.masters.values(), betas=o["betas"], eps=o["eps"],
            weight_decay=o["weight_decay"], fused=fused, foreach=False)

    @staticmethod
    def add_to(master):
        def hook(p):
            grad = p.grad.float()
            master.grad = grad if master.grad is None else master.grad.add_(grad)
            p.grad = None
        return hook

    def update(self, step):
        """Clips the gradients, takes step, from 1, and returns (gradient norm, learning rate)."""
        o = self.settings["optimizer"]
        rate = learning_rate(step, o, self.settings["train"]["steps"])
        norm = clip(self.masters.values(), o["clip_norm"])
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.copy_masters()
        return norm, rate

    @torch.no_grad()
    def copy_masters(self):
        for name, p in self.model.named_parameters():
            if p is not self.masters[name]:
                p.copy_(self.masters[name])
