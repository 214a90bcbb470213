"""Attention over columns, one for each view and slot."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._initial import normal, zeros


class ColumnAttention(nn.Module):
    r"""Pool the tokens of a row by attention, once for each view v and slot t.

    .. math:: a_{vt} = \mathrm{softmax}_j(\langle u_{vj} + u_{tj}, e_j \rangle + c_{vj} + c_{tj}),
              \qquad z_{vt} = \sum_j C\, a_{vtj}\, e_j W_j

    With uniform attention this is the first layer of a perceptron on the concatenated tokens: what
    attention adds is learned on top of that. The parts of the slots start at 0, those of the views at
    random, which makes the views differ. Views and slots of a fold share :math:`W`.

    Parameters
    ----------
    n_folds, n_views, n_slots, n_columns : int
        G, V, S, C.
    d_token, d_hidden : int
        D, H.
    generator : torch.Generator
        Draws the initial values.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, n_slots=1, n_columns=5, d_token=8, d_hidden=16)
    >>> attention = ColumnAttention(**sizes, generator=generator)
    >>> tokens = torch.randn(2, 5, 7, 8)
    >>> attention(tokens).shape
    torch.Size([2, 7, 3, 1, 16])
    >>> bool((attention.weights(tokens).sum(-1) - 1).abs().max() < 1e-6)
    True
    """

    def __init__(
        self,
        *,
        n_folds: int,
        n_views: int,
        n_slots: int,
        n_columns: int,
        d_token: int,
        d_hidden: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.sizes = n_folds, n_views, n_slots
        self.view_query = normal(
            n_folds, n_columns, d_token, n_views, 1, std=0.5 / d_token**0.5, generator=generator
        )
        self.view_bias = normal(n_folds, n_columns, 1, n_views, 1, std=0.5, generator=generator)
        self.slot_query = zeros(n_folds, n_columns, d_token, 1, n_slots)
        self.slot_bias = zeros(n_folds, n_columns, 1, 1, n_slots)
        std = (2 / (n_columns * d_token)) ** 0.5
        self.value = normal(n_folds, n_columns, d_token, d_hidden, std=std, generator=generator)

    def weights(self, tokens: Tensor) -> Tensor:
        """Give the attention over columns.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, B, V, S, C)
            Sums to 1 over C.
        """
        query = (self.view_query + self.slot_query).flatten(3)  # (G, C, D, V S)
        bias = (self.view_bias + self.slot_bias).flatten(3)  # (G, C, 1, V S)
        scores = (tokens @ query + bias).permute(0, 2, 3, 1)  # (G, B, V S, C)
        return torch.softmax(scores, dim=3).reshape(*scores.shape[:2], *self.sizes[1:], -1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pool.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, B, V, S, H)
        """
        n_columns = tokens.shape[1]
        values = (tokens @ self.value).transpose(1, 2)  # (G, B, C, H)
        weights = self.weights(tokens).flatten(2, 3)  # (G, B, V S, C)
        pooled = torch.matmul(weights * n_columns, values)  # (G, B, V S, H)
        return pooled.reshape(*pooled.shape[:2], *self.sizes[1:], -1)
