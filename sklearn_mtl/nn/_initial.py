"""Initial values of parameters, drawn from a generator of the caller's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def normal(*shape: int, std: float, generator: torch.Generator) -> nn.Parameter:
    """Draw a parameter from a normal distribution of mean 0."""
    return nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float32) * std)


def signs(*shape: int, generator: torch.Generator) -> nn.Parameter:
    """Draw a parameter of -1 and 1."""
    return nn.Parameter(torch.randint(0, 2, shape, generator=generator).float() * 2.0 - 1.0)


def zeros(*shape: int) -> nn.Parameter:
    """Make a parameter of zeros."""
    return nn.Parameter(torch.zeros(*shape, dtype=torch.float32))


def dropout_mask(*shape: int, rate: float, generator: torch.Generator) -> Tensor:
    """Draw 0 with probability `rate`, else 1 / (1 - rate), on the generator's device."""
    mask = torch.empty(*shape, device=generator.device, dtype=torch.float32)
    return mask.bernoulli_(1 - rate, generator=generator).div_(1 - rate)
