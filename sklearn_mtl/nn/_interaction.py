"""What the representations of tasks take from each other before the heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import normal, zeros


class ResidualInteraction(nn.Module):
    r"""Add to each slot's units what it takes from those of all, in learned shares [1]_.

    .. math:: h_t \leftarrow h_t + \sum_s \alpha_{ts}\, h_s W

    The shares start at 0.

    Parameters
    ----------
    n_folds, n_slots, d_slot : int
        G, S, K.
    generator : torch.Generator
        Draws the initial values.

    References
    ----------
    .. [1] Misra, Shrivastava, Gupta, Hebert (2016). Cross-stitch networks for multi-task learning.
       arXiv:1604.03539. (Stitched once, and around the identity.)

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> interaction = ResidualInteraction(n_folds=2, n_slots=3, d_slot=4, generator=generator)
    >>> interaction(torch.randn(2, 5, 7, 3, 4)).shape
    torch.Size([2, 5, 7, 3, 4])
    """

    def __init__(self, *, n_folds: int, n_slots: int, d_slot: int, generator: torch.Generator) -> None:
        super().__init__()
        self.share = zeros(n_folds, 1, 1, n_slots, n_slots)
        self.weight = normal(n_folds, d_slot, d_slot, std=d_slot**-0.5, generator=generator)

    def forward(self, own: Tensor) -> Tensor:
        """Let slots take from each other.

        Parameters
        ----------
        own : Tensor of shape (G, V, B, S, K)

        Returns
        -------
        Tensor of shape (G, V, B, S, K)
        """
        taken = (self.share @ own).flatten(1, 3) @ self.weight
        return own + taken.view_as(own)


class AttentionInteraction(nn.Module):
    r"""Add to each slot's units what it takes from those of all by attention.

    .. math:: h_t \leftarrow h_t + \sum_s
              \mathrm{softmax}_s(\langle h_t Q + b_t, h_s K \rangle / \sqrt{d})\, h_s W

    W and b start at 0.

    Parameters
    ----------
    n_folds, n_slots, d_slot : int
        G, S, K; the width d is K.
    generator : torch.Generator
        Draws the initial values.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> interaction = AttentionInteraction(n_folds=2, n_slots=3, d_slot=4, generator=generator)
    >>> interaction(torch.randn(2, 5, 7, 3, 4)).shape
    torch.Size([2, 5, 7, 3, 4])
    """

    def __init__(self, *, n_folds: int, n_slots: int, d_slot: int, generator: torch.Generator) -> None:
        super().__init__()
        std = d_slot**-0.5
        self.query = normal(n_folds, d_slot, d_slot, std=std, generator=generator)
        self.query_bias = zeros(n_folds, 1, 1, n_slots, d_slot)
        self.key = normal(n_folds, d_slot, d_slot, std=std, generator=generator)
        self.value = zeros(n_folds, d_slot, d_slot)

    def forward(self, own: Tensor) -> Tensor:
        """Let slots take from each other.

        Parameters
        ----------
        own : Tensor of shape (G, V, B, S, K)

        Returns
        -------
        Tensor of shape (G, V, B, S, K)
        """
        rows = own.flatten(1, 3)  # (G, V B S, K)
        queries, keys, values = (
            (rows @ weight).view_as(own) for weight in (self.query, self.key, self.value)
        )
        parts = ((queries + self.query_bias).flatten(1, 2), keys.flatten(1, 2), values.flatten(1, 2))
        return own + functional.scaled_dot_product_attention(*parts).view_as(own)
