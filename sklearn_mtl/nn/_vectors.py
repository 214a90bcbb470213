"""Tokens of texts that come as vectors: pretrained ones, of which each task needs other parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import dropout_mask, normal

_MOST_SCORE = 20.0


@dataclass(frozen=True, eq=False)
class VectorBatch:
    """The vectors of a text column's tokens in some rows, one after the other, without padding.

    Attributes
    ----------
    vectors : Tensor of shape (E, d)
    starts : Tensor of int64, shape (G, B + 1) or (1, B + 1)
        As those of a `BagBatch`.

    Examples
    --------
    >>> batch = VectorBatch(torch.ones(3, 2), torch.tensor([[0, 2, 2, 3]]))
    >>> batch.row_of_entry().tolist()
    [0, 0, 2]
    """

    vectors: Tensor
    starts: Tensor

    def __len__(self) -> int:
        """G, or 1; the length of each part of a batch."""
        return len(self.starts)

    @property
    def n_entries(self) -> Tensor:
        """How many vectors each row has; (G, B) or (1, B)."""
        return self.starts.diff(dim=1)

    def row_of_entry(self) -> Tensor:
        """Say which row each vector is of, counted through all folds.

        Returns
        -------
        Tensor of int64, shape (E,)
        """
        n_entries = self.n_entries.flatten()
        rows = torch.arange(len(n_entries), device=n_entries.device)
        return torch.repeat_interleave(rows, n_entries, output_size=len(self.vectors))


class VectorTokens(nn.Module):
    r"""Pool the vectors of a text into a few tokens, by one attention each, with each fold's own parameters.

    The token of head p in a row with vectors h is

    .. math:: a_{pt} = \mathrm{softmax}_t \langle k_p, \tilde h_t \rangle, \qquad
              e_p = W_p \sum_t a_{pt} \tilde h_t + b_p

    where :math:`\tilde h` are standardised vectors. As pooling is linear, vectors are pooled first and then
    standardised and projected: once a row, not once a token. A text without vectors has learned tokens.
    Scores stay between -20 and 20.

    Parameters
    ----------
    mean, deviation : Tensor of shape (d,)
        Of the vectors.
    n_folds : int
        G.
    n_heads : int
        P, tokens of the text.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.
    dropout : float, default=0.0
        Share of vectors, and of the numbers of what heads have pooled, that is dropped in each training step.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> mean, deviation = torch.zeros(2), torch.ones(2)
    >>> tokens = VectorTokens(mean, deviation, n_folds=2, n_heads=3, d_token=8, generator=generator)
    >>> batch = VectorBatch(torch.ones(3, 2), torch.tensor([[0, 2, 2, 3]]))
    >>> tokens(batch).shape
    torch.Size([2, 3, 3, 8])
    >>> tokens.weights(batch)[:, 0].tolist()
    [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        mean: Tensor,
        deviation: Tensor,
        *,
        n_folds: int,
        n_heads: int,
        d_token: int,
        generator: torch.Generator,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_folds, self.n_heads, self.dropout = n_folds, n_heads, dropout
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        std = 1 / math.sqrt(len(mean))
        self.key = normal(n_folds, len(mean), n_heads, std=0.5 * std, generator=generator)
        self.value = normal(n_folds, n_heads, len(mean), d_token, std=std, generator=generator)
        self.bias = normal(n_folds, n_heads, 1, d_token, std=0.1, generator=generator)
        self.empty = normal(n_folds, n_heads, 1, d_token, std=0.5, generator=generator)

    def forward(self, batch: VectorBatch, dropout_generator: torch.Generator | None = None) -> Tensor:
        """Pool.

        Parameters
        ----------
        batch : VectorBatch
            Of B rows.
        dropout_generator : torch.Generator, optional
            Draws what is dropped in a training step; without it nothing is. All folds drop the same numbers.

        Returns
        -------
        Tensor of shape (G, P, B, D)
        """
        factor = self._dropped(self._factors(batch), dropout_generator)  # (P, G E')
        total = self._sums(factor, batch, torch.ones_like(batch.vectors[:, :1]))  # (P, G B, 1)
        is_empty = total == 0
        pooled = self._sums(factor, batch, batch.vectors) / total.masked_fill(is_empty, 1.0)  # (P, G B, d)
        standard = (pooled - self.mean) / self.deviation
        of_folds = self._by_fold(standard).transpose(0, 1)  # (G, P, B, d)
        kept = self._dropped(of_folds, dropout_generator)
        tokens = torch.matmul(kept, self.value) + self.bias
        is_empty = self._by_fold(is_empty).transpose(0, 1)  # (G, P, B, 1)
        return torch.where(is_empty, self.empty, tokens)

    def weights(self, batch: VectorBatch) -> Tensor:
        """Give each vector's share of the attention of each head.

        Parameters
        ----------
        batch : VectorBatch
            The same rows for all folds, E vectors in all.

        Returns
        -------
        Tensor of shape (G, E, P)
            Sums to 1 over the vectors of a row.
        """
        factor = self._factors(batch)  # (P, G E)
        total = self._sums(factor, batch, torch.ones_like(batch.vectors[:, :1]))  # (P, G B, 1)
        of_rows = self._by_fold(total.squeeze(2))[:, :, batch.row_of_entry()]  # (P, G, E)
        return (self._by_fold(factor) / of_rows).permute(1, 2, 0)

    def _by_fold(self, values: Tensor) -> Tensor:
        """Give folds an axis of their own; (P, G n, ...) to (P, G, n, ...)."""
        n_heads, n_rows, *others = values.shape
        return values.reshape(n_heads, self.n_folds, n_rows // self.n_folds, *others)

    def _dropped(self, values: Tensor, generator: torch.Generator | None) -> Tensor:
        """Drop some in a training step, the same ones along the first axis."""
        if generator is None or self.dropout == 0:
            return values
        mask = dropout_mask(*values.shape[1:], rate=self.dropout, generator=generator)
        return values * mask.to(values.dtype)

    def _factors(self, batch: VectorBatch) -> Tensor:
        """Give exponentials of scores of all vectors, once a fold where folds share rows; (P, G E')."""
        key = self.key / self.deviation[:, None]
        centre = self.mean @ key  # (G, P)
        if len(batch) < self.n_folds:
            scores = (torch.matmul(batch.vectors, key) - centre[:, None]).flatten(0, 1)
        else:
            n_entries = (batch.starts[:, -1] - batch.starts[:, 0]).tolist()
            of_folds = zip(torch.split(batch.vectors, n_entries), key, centre, strict=True)
            scores = torch.cat([vectors @ of_fold - middle for vectors, of_fold, middle in of_folds])
        return (_MOST_SCORE * torch.tanh(scores.T / _MOST_SCORE)).exp()

    def _sums(self, factor: Tensor, batch: VectorBatch, table: Tensor) -> Tensor:
        """Add up, row by row, the table's rows times their factors, by each head; (P, G B, ·)."""
        n_heads, n_entries = factor.shape
        entries = torch.arange(n_entries, device=table.device) % max(1, len(table))
        first = batch.starts[:, :-1]  # (G, B) or (1, B)
        if len(batch) < self.n_folds:
            first = first + len(table) * torch.arange(self.n_folds, device=table.device)[:, None]
        of_heads = n_entries * torch.arange(n_heads, device=table.device)[:, None]
        sums = functional.embedding_bag(
            entries.repeat(n_heads),
            table,
            (first.flatten() + of_heads).flatten(),
            mode="sum",
            per_sample_weights=factor.flatten(),
        )
        return sums.view(n_heads, len(sums) // n_heads, sums.shape[1])
