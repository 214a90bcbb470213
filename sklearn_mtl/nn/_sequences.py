"""Tokens of sequences: columns whose cells hold any number of steps, of several features each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ._initial import normal
from ._steps import StepPooling, StepPositions, build_step_encoder, product


@dataclass(frozen=True, eq=False)
class StepBatch:
    """The steps of a sequence column in some rows, padded to one length.

    Attributes
    ----------
    values : Tensor of shape (G, B, L, F) or (1, B, L, F)
        Features of each step, 0 where none is. With 1 in front, all folds get the same rows.
    mask : Tensor of bool, shape (G, B, L) or (1, B, L)
        True where a step is.
    """

    values: Tensor
    mask: Tensor

    def __len__(self) -> int:
        """G, or 1; the length of each part of a batch."""
        return len(self.mask)

    def row_of_entry(self) -> Tensor:
        """Say which row each step that is there is of, counted through all folds; (E,)."""
        return self.mask.flatten(0, 1).nonzero()[:, 0]


@dataclass(frozen=True)
class StepDesign:
    """How steps become tokens.

    Attributes
    ----------
    encoder : {"none", "self_attention", "convolution", "recurrent"}, default="none"
    n_layers : int, default=1
        Of the encoder.
    window : int or None, default=None
        Of the encoder, as in `build_step_encoder`.
    pooling : {"attention", "top_k", "mean", "max", "strides", "hybrid"}, default="attention"
    n_tokens : int, default=8
        P.
    top_k : int, default=8
        Steps of each token of ``"top_k"``.
    """

    encoder: str = "none"
    n_layers: int = 1
    window: int | None = None
    pooling: str = "attention"
    n_tokens: int = 8
    top_k: int = 8


class StepTokens(nn.Module):
    r"""Pool the steps of a sequence into a few tokens, with tables of each fold's own.

    A step with features x at the place i is :math:`x W + b + p_i`; steps go through an encoder, if there is
    one, and are pooled.

    Parameters
    ----------
    n_features : int
        F.
    n_folds : int
        G.
    d_step : int
        Width of a step.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.
    design : StepDesign, optional
        Without one, attention without an encoder.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> tokens = StepTokens(3, n_folds=2, d_step=16, d_token=8, generator=generator)
    >>> batch = StepBatch(torch.randn(1, 5, 7, 3), torch.ones(1, 5, 7, dtype=torch.bool))
    >>> tokens(batch).shape
    torch.Size([2, 8, 5, 8])
    """

    def __init__(
        self,
        n_features: int,
        *,
        n_folds: int,
        d_step: int,
        d_token: int,
        generator: torch.Generator,
        design: StepDesign | None = None,
    ) -> None:
        super().__init__()
        design = design or StepDesign()
        self.n_heads, self.d_step = design.n_tokens, d_step
        shared: dict[str, Any] = {"n_folds": n_folds, "generator": generator}
        self.weight = normal(n_folds, n_features, d_step, std=n_features**-0.5, generator=generator)
        self.positions = StepPositions(d_token=d_step, **shared)
        self.encoder = build_step_encoder(
            design.encoder, d_token=d_step, n_layers=design.n_layers, window=design.window, **shared
        )
        self.pooling = StepPooling(
            design.pooling, n_tokens=design.n_tokens, k=design.top_k, d_token=d_step, d_out=d_token, **shared
        )

    def forward(self, batch: StepBatch, dropout_generator: torch.Generator | None = None) -> Tensor:  # noqa: ARG002  nothing is dropped
        """Pool.

        Parameters
        ----------
        batch : StepBatch
            Of B rows.
        dropout_generator : torch.Generator, optional
            As modules of bags have it.

        Returns
        -------
        Tensor of shape (G, P, B, D)
        """
        pooled: Tensor = self.pooling(self._steps(batch), batch.mask)
        return pooled

    def weights(self, batch: StepBatch) -> Tensor:
        """Give each step's share of each token.

        Parameters
        ----------
        batch : StepBatch
            The same rows for all folds, E steps in all.

        Returns
        -------
        Tensor of shape (G, E, P)
            Sums to 1 over the steps of a row.
        """
        shares: Tensor = self.pooling.weights(self._steps(batch), batch.mask)  # (G, B, P, L)
        return shares.transpose(2, 3)[:, batch.mask[0]]

    def floats(self, n_steps: int) -> int:
        """Count the numbers of a row's greatest tensor."""
        n_folds, of_pooling = len(self.weight), max(2 * self.d_step, self.n_heads)
        of_attention = 2 * n_steps if self.encoder is not None else 0
        return n_folds * n_steps * max(of_pooling, of_attention)

    def _steps(self, batch: StepBatch) -> Tensor:
        steps: Tensor = product(batch.values, self.weight) + self.positions(batch.mask)
        return steps if self.encoder is None else self.encoder(steps, batch.mask)
