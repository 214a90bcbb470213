"""Initial values of parameters, drawn from a generator of the caller's own."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def normal(*shape: int, std: float, generator: torch.Generator) -> nn.Parameter:
    """Draw a parameter from a normal distribution of mean 0."""
    return nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float32) * std)


def zeros(*shape: int) -> nn.Parameter:
    """Make a parameter of zeros."""
    return nn.Parameter(torch.zeros(*shape, dtype=torch.float32))


def ones(*shape: int) -> nn.Parameter:
    """Make a parameter of ones."""
    return nn.Parameter(torch.ones(*shape, dtype=torch.float32))


def signs(*shape: int, generator: torch.Generator) -> nn.Parameter:
    """Draw a parameter of 1 and -1, each as often as the other."""
    drawn = torch.randint(2, shape, generator=generator)
    return nn.Parameter((2 * drawn - 1).to(torch.float32))


def dropout_mask(*shape: int, rate: float, generator: torch.Generator) -> Tensor:
    """Draw 0 with probability `rate`, to the next 256th, else 1 / (1 - rate), on the generator's device.

    Eight bytes of one random integer decide over eight places: the draw is a quarter of the time of a small
    network's step otherwise.
    """
    least = min(255, round(256 * rate))
    size = math.prod(shape)
    integers = torch.empty((size + 7) // 8, dtype=torch.int64, device=generator.device)
    # Without bounds the sign bit would stay 0, and with it one bit of each eighth byte.
    drawn = integers.random_(-(2**63), None, generator=generator).view(torch.uint8)[:size]
    return (drawn >= least).view(shape).to(torch.float32).mul_(256 / (256 - least))
