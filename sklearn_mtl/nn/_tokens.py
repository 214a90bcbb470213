"""Tokens: one vector for each column of a row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import normal


class ColumnTokens(nn.Module):
    r"""Turn numbers and category codes into tokens, with tables of its own for each fold.

    A number becomes [1]_

    .. math:: e_j = \mathrm{PLE}_j(x_j) E_j + x_j w_j + b_j,

    a piecewise-linear encoding beside a linear part; where it is missing, a learned vector stands in
    for both. A category becomes a row of an embedding.

    Parameters
    ----------
    left, width : Tensor of shape (N, n_bins)
        Bins of each number column; a bin of width 0 is not used.
    cardinalities : sequence of int, length M
        How many codes each category column has.
    n_folds : int
        G.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.

    References
    ----------
    .. [1] Gorishniy, Rubachev, Babenko (2022). On embeddings for numerical features in tabular deep
       learning. arXiv:2203.05556. (The encoding's "version B".)

    Examples
    --------
    >>> left, width = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 1.0]])
    >>> generator = torch.Generator().manual_seed(0)
    >>> tokens = ColumnTokens(left, width, [4], n_folds=3, d_token=8, generator=generator)
    >>> numbers, codes = torch.rand(1, 5, 1), torch.zeros(1, 5, 1, dtype=torch.long)
    >>> tokens(numbers, codes).shape
    torch.Size([3, 2, 5, 8])
    """

    left: Tensor
    inverse_width: Tensor
    offsets: Tensor

    def __init__(
        self,
        left: Tensor,
        width: Tensor,
        cardinalities: Sequence[int],
        *,
        n_folds: int,
        d_token: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.n_folds, self.n_codes = n_folds, sum(cardinalities)
        n_numbers, n_bins = left.shape
        used = width > 0
        self.register_buffer("left", left)
        self.register_buffer("inverse_width", torch.where(used, 1 / width.where(used, 1.0), 0.0))
        sizes = torch.tensor([0, *cardinalities])
        self.register_buffer("offsets", sizes.cumsum(0)[:-1])
        self.number_weight = normal(n_folds, n_numbers, n_bins + 2, d_token, std=1.0, generator=generator)
        with torch.no_grad():  # the bins of one column together weigh as much as its linear part
            self.number_weight[:, :, :n_bins] /= used.sum(1).clamp_min(1).float().sqrt()[:, None, None]
        self.number_bias = normal(n_folds, n_numbers, 1, d_token, std=0.5, generator=generator)
        self.category_weight = normal(n_folds * self.n_codes, d_token, std=1.0, generator=generator)

    @property
    def n_columns(self) -> int:
        """C, the numbers and then the categories."""
        return self.left.shape[0] + self.offsets.shape[0]

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Look up the tokens.

        Parameters
        ----------
        numbers : Tensor of shape (G, B, N) or (1, B, N)
            Scaled numbers, NaN where missing; with 1 in front, all folds get the same rows. With one more
            axis, what `encode` has made of them.
        categories : Tensor of int64, shape (G, B, M) or (1, B, M)
            Codes.

        Returns
        -------
        Tensor of shape (G, C, B, D)
        """
        parts = []
        if numbers.shape[2]:
            encoded = numbers if numbers.ndim == 4 else self.encode(numbers)
            parts.append(self._number_tokens(encoded))
        if categories.shape[2]:
            parts.append(self._category_tokens(categories))
        if not parts:  # a table of bags alone
            weight = self.number_weight
            return weight.new_empty(self.n_folds, 0, numbers.shape[1], weight.shape[3])
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def encode(self, numbers: Tensor) -> Tensor:
        """Encode numbers piecewise linearly, without anything that is learned.

        Parameters
        ----------
        numbers : Tensor of shape (..., N)
            Scaled numbers, NaN where missing.

        Returns
        -------
        Tensor of shape (..., N, n_bins + 2)
            The bins, the number itself, and 1 where it is missing and the others are 0.
        """
        values = numbers.unsqueeze(-1)
        missing = values.isnan()
        values = values.masked_fill(missing, 0.0)
        # DIFFERS [1]_: the outer bins end, so that a value out of range is encoded as the nearest in range.
        bins = ((values - self.left) * self.inverse_width).clamp(0.0, 1.0).masked_fill(missing, 0.0)
        return torch.cat([bins, values, missing.to(values.dtype)], dim=-1)

    def _number_tokens(self, encoded: Tensor) -> Tensor:
        if encoded.shape[0] == self.n_folds:
            return encoded.transpose(1, 2) @ self.number_weight + self.number_bias
        return torch.einsum("bnp,gnpd->gnbd", encoded[0], self.number_weight) + self.number_bias

    def _category_tokens(self, categories: Tensor) -> Tensor:
        folds = torch.arange(self.n_folds, device=categories.device)[:, None, None] * self.n_codes
        rows = (categories + self.offsets).transpose(1, 2) + folds  # (G, M, B)
        return functional.embedding(rows, self.category_weight)
