"""Attention over columns: one for each view, and one for each view and slot."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._initial import normal, zeros


class ColumnAttention(nn.Module):
    r"""Pool the tokens of a row, by the attention of each view v and by that of each slot t.

    .. math:: a_v = \mathrm{softmax}_j(\langle u_{vj}, e_j \rangle + c_{vj}), \qquad
              a_{vt} = \mathrm{softmax}_j(\langle u_{vj} + u_{tj}, e_j \rangle + c_{vj} + c_{tj})

    .. math:: z_v = \sum_j C\, a_{vj}\, e_j W_j, \qquad q_{vt} = \sqrt{C} \sum_j a_{vtj}\, e_j U

    With uniform attention z is the first layer of a perceptron on the concatenated tokens: what
    attention adds is learned on top of that. A slot pools the tokens themselves, so it costs C + K products
    a token's width where a view costs C H. The parts of the slots start at 0, those of the views at random,
    which makes the views differ. Views and slots of a fold share :math:`W` and :math:`U`.

    Parameters
    ----------
    n_folds, n_views, n_slots, n_columns : int
        G, V, S, C.
    d_token, d_hidden, d_slot : int
        D, H, K.
    generator : torch.Generator
        Draws the initial values.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, n_slots=4, n_columns=5, d_token=8, d_hidden=16, d_slot=4)
    >>> attention = ColumnAttention(**sizes, generator=generator)
    >>> tokens = torch.randn(2, 5, 7, 8)
    >>> of_views, of_slots = attention(tokens)
    >>> of_views.shape, of_slots.shape
    (torch.Size([2, 3, 7, 16]), torch.Size([2, 3, 7, 4, 4]))
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
        d_slot: int,
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
        self.slot_value = normal(n_folds, d_token, d_slot, std=d_token**-0.5, generator=generator)

    def weights(self, tokens: Tensor) -> Tensor:
        """Give the slots' attention over columns.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, B, V, S, C)
            Sums to 1 over C.
        """
        _, n_views, n_slots = self.sizes
        _, of_slots = self._attend(tokens)
        by_slot = of_slots.reshape(*of_slots.shape[:3], n_views, n_slots)
        return by_slot.permute(0, 2, 3, 4, 1)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Pool.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        of_views : Tensor of shape (G, V, B, H)
        of_slots : Tensor of shape (G, V, B, S, K)
        """
        n_folds, n_columns, n_rows, d_token = tokens.shape
        _, n_views, n_slots = self.sizes
        of_views, of_slots = self._attend(tokens)
        by_row = tokens.transpose(1, 2).contiguous()  # (G, B, C, D)
        factors = (n_columns * of_views).permute(0, 3, 2, 1).contiguous()  # (G, V, B, C)
        weighted = by_row.unsqueeze(1) * factors.unsqueeze(4)  # (G, V, B, C, D)
        pooled = weighted.view(n_folds, n_views * n_rows, n_columns * d_token) @ self.value.flatten(1, 2)
        shares = of_slots.permute(0, 2, 3, 1)  # (G, B, V S, C)
        slots = shares @ by_row  # (G, B, V S, D)
        slots = slots.view(n_folds, n_rows, n_views, -1).transpose(1, 2)  # (G, V, B, S D)
        slots = slots.reshape(n_folds, -1, d_token) @ (n_columns**0.5 * self.slot_value)
        return (
            pooled.view(n_folds, n_views, n_rows, -1),
            slots.view(n_folds, n_views, n_rows, n_slots, -1),
        )

    def _attend(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Give the attention of views (G, C, B, V) and of slots (G, C, B, V S); both sum to 1 over C."""
        n_views = self.sizes[1]
        query = [self.view_query.flatten(3), (self.view_query + self.slot_query).flatten(3)]
        bias = [self.view_bias.flatten(3), (self.view_bias + self.slot_bias).flatten(3)]
        scores = tokens @ torch.cat(query, dim=3) + torch.cat(bias, dim=3)  # (G, C, B, V + V S)
        weights = torch.softmax(scores, dim=1)
        of_views, of_slots = torch.split(weights, [n_views, scores.shape[3] - n_views], dim=3)
        return of_views, of_slots
