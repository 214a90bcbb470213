"""Tokens of bags: columns that hold any number of weighted terms a row, such as words."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import dropout_mask, normal

_MOST_SCORE = 20.0


@dataclass(frozen=True, eq=False)
class BagBatch:
    """The entries of a bag column in some rows, one after the other, without padding.

    Attributes
    ----------
    terms : Tensor of int64, shape (E,)
        Which term each entry is.
    values : Tensor of shape (E,)
        Its value, not 0.
    starts : Tensor of int64, shape (G, B + 1) or (1, B + 1)
        Where the entries of each row start, and where those of the fold's last one end; those of a fold
        follow those of the one before. With 1 in front, all folds get the same rows.

    Examples
    --------
    >>> batch = BagBatch(torch.tensor([3, 1, 0]), torch.ones(3), torch.tensor([[0, 2, 2, 3]]))
    >>> batch.row_of_entry().tolist()
    [0, 0, 2]
    """

    terms: Tensor
    values: Tensor
    starts: Tensor

    def __len__(self) -> int:
        """G, or 1; the length of each part of a batch."""
        return len(self.starts)

    def row_of_entry(self) -> Tensor:
        """Say which row each entry is of, counted through all folds.

        Returns
        -------
        Tensor of int64, shape (E,)
        """
        n_entries = self.starts.diff(dim=1).flatten()
        rows = torch.arange(len(n_entries), device=n_entries.device)
        return torch.repeat_interleave(rows, n_entries, output_size=len(self.terms))

    def of_folds(self, n_folds: int, *, n_terms: int) -> BagBatch:
        """Give the terms of each fold numbers of their own, for the tables of all folds in one.

        Parameters
        ----------
        n_folds : int
            G; where all folds get the same rows, their entries are repeated.
        n_terms : int
            N.

        Returns
        -------
        BagBatch
            With terms below G N and G folds.
        """
        folds = torch.arange(n_folds, device=self.terms.device)
        if len(self.starts) == n_folds:
            n_entries = self.starts[:, -1] - self.starts[:, 0]
            of_entry = torch.repeat_interleave(folds, n_entries, output_size=len(self.terms))
            return BagBatch(self.terms + n_terms * of_entry, self.values, self.starts)
        terms = (self.terms + n_terms * folds[:, None]).flatten()
        starts = self.starts + len(self.terms) * folds[:, None]
        return BagBatch(terms, self.values.repeat(n_folds), starts)


class BagTokens(nn.Module):
    r"""Pool the entries of a bag into a few tokens, by one attention each, with tables of each fold's own.

    The token of head p in a row with terms t and values x is

    .. math:: a_{pt} = \frac{|x_t| \exp s_{pt}}{\sum_k |x_k| \exp s_{pk}}, \qquad
              e_p = \frac{\sum_k |x_k|}{c} \sum_t a_{pt} \, \mathrm{sign}(x_t) \, E_{pt}

    With uniform scores s it is :math:`\sum_t x_t E_{pt} / c`, the first layer of a perceptron on the sparse
    row: attention is learned on top of that. A bag without entries has learned tokens. Time and memory depend
    on the entries alone: numerator and denominator are each a product of the sparse rows and a table. Scores
    stay between -20 and 20, so that neither leaves the range of float32.

    Parameters
    ----------
    n_terms : int
        N.
    n_folds : int
        G.
    n_heads : int
        P, tokens of the bag.
    d_token : int
        D.
    scale : float
        c, the root mean square of the rows' Euclidean norms: tokens of all rows then are of one size.
    generator : torch.Generator
        Draws the initial values.
    dropout : float, default=0.0
        Share of entries that is dropped in each training step.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> tokens = BagTokens(4, n_folds=2, n_heads=3, d_token=8, scale=1.0, generator=generator)
    >>> batch = BagBatch(torch.tensor([3, 1, 0]), torch.ones(3), torch.tensor([[0, 2, 2, 3]]))
    >>> tokens(batch).shape
    torch.Size([2, 3, 3, 8])
    >>> tokens.weights(batch)[:, 2].tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    def __init__(
        self,
        n_terms: int,
        *,
        n_folds: int,
        n_heads: int,
        d_token: int,
        scale: float,
        generator: torch.Generator,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_terms, self.scale, self.dropout = n_terms, scale, dropout
        self.n_folds, self.n_heads, self.d_token = n_folds, n_heads, d_token
        self.score = normal(n_folds * n_terms, n_heads, std=0.5, generator=generator)
        self.value = normal(n_folds * n_terms, n_heads * d_token, std=0.1, generator=generator)
        self.empty = normal(n_folds, n_heads, 1, d_token, std=0.5, generator=generator)

    def forward(self, batch: BagBatch, dropout_generator: torch.Generator | None = None) -> Tensor:
        """Pool.

        Parameters
        ----------
        batch : BagBatch
            Of B rows.
        dropout_generator : torch.Generator, optional
            Draws the entries that are dropped in a training step; without it none is.

        Returns
        -------
        Tensor of shape (G, P, B, D)
        """
        batch = batch.of_folds(self.n_folds, n_terms=self.n_terms)
        if dropout_generator is not None and self.dropout > 0:
            mask = dropout_mask(len(batch.terms), rate=self.dropout, generator=dropout_generator)
            batch = BagBatch(batch.terms, batch.values * mask.to(batch.values.dtype), batch.starts)
        batch, factor, value = self._used(batch)
        table = value.view(-1, self.n_heads, self.d_token) * factor.unsqueeze(2)
        numerator = _sum_of_rows(table.flatten(1), batch, batch.values)  # (G B, P D)
        mass = batch.values.abs()
        denominator = _sum_of_rows(torch.cat([factor, torch.ones_like(factor[:, :1])], dim=1), batch, mass)
        is_empty = denominator[:, -1:] == 0  # (G B, 1)
        share, total = denominator[:, :-1].masked_fill(is_empty, 1.0), denominator[:, -1:]
        pooled = numerator.view(-1, self.n_heads, self.d_token) * (total / (self.scale * share)).unsqueeze(2)
        pooled = pooled.view(self.n_folds, -1, self.n_heads, self.d_token).transpose(1, 2)  # (G, P, B, D)
        return torch.where(is_empty.view(self.n_folds, 1, -1, 1), self.empty, pooled)

    def weights(self, batch: BagBatch) -> Tensor:
        """Give each entry's share of the attention of each head.

        Parameters
        ----------
        batch : BagBatch
            The same rows for all folds, E entries in all.

        Returns
        -------
        Tensor of shape (G, E, P)
            Sums to 1 over the entries of a row.
        """
        of_folds, factor, _ = self._used(batch.of_folds(self.n_folds, n_terms=self.n_terms))
        mass = of_folds.values.abs()
        share = functional.embedding(of_folds.terms, factor) * mass.unsqueeze(1)  # (G E, P)
        totals = _sum_of_rows(factor, of_folds, mass)  # (G B, P)
        return (share / totals[of_folds.row_of_entry()]).view(self.n_folds, -1, self.n_heads)

    def _used(self, batch: BagBatch) -> tuple[BagBatch, Tensor, Tensor]:
        """Give exponentials of scores, (·, P), and values, (·, P D), of the terms there, if they are few."""
        score: Tensor = self.score
        value: Tensor = self.value
        if len(batch.terms) < len(score):
            used, terms = torch.unique(batch.terms, return_inverse=True)
            score, value = score[used], value[used]
            batch = BagBatch(terms, batch.values, batch.starts)
        return batch, (_MOST_SCORE * torch.tanh(score / _MOST_SCORE)).exp(), value


def _sum_of_rows(table: Tensor, batch: BagBatch, values: Tensor) -> Tensor:
    """Add up, row by row, the table's rows of the entries' terms times their values; (G B, ·)."""
    offsets = torch.cat([batch.starts[:, :-1].flatten(), batch.starts[-1, -1:]])
    return functional.embedding_bag(
        batch.terms, table, offsets, mode="sum", per_sample_weights=values, include_last_offset=True
    )
