"""The three losses of online AI feedback (arXiv 2402.04792) and the course of the learning rate.

Log-probs are in nats, summed over an answer's tokens at temperature 1, [pairs] each.
"""

import math

import torch.nn.functional as F


def log_ratio(policy_chosen, policy_rejected, reference_chosen, reference_rejected):
    """h: how much more likely the chosen answer became than the rejected one, in nats."""
    return (policy_chosen - reference_chosen) - (policy_rejected - reference_rejected)


def dpo(h, beta):
    """arXiv 2305.18290, equation 7."""
    return -F.logsigmoid(beta * h)


def ipo(h, beta):
    """arXiv 2310.12036, equation 17; its tau is beta here."""
    return (h - 1 / (2 * beta)) ** 2


def slic(h, beta):
    """arXiv 2305.10425, the hinge alone and relative to the reference, as arXiv 2402.04792 has
    it."""
    return F.relu(1 - beta * h)


LOSSES = {"dpo": dpo, "ipo": ipo, "slic": slic}


def learning_rate(step, optimizer, steps):
    """The rate of step, from 1: a linear rise over the warm-up steps, then the schedule."""
    top, rise = optimizer["learning_rate"], optimizer["warmup_steps"]
    if step <= rise:
        return top * step / rise
    done = (step - rise) / max(1, steps - rise)
    return top * {"constant": 1.0, "linear": 1 - done,
                  "cosine": (1 + math.cos(math.pi * done)) / 2}[optimizer["schedule"]]
