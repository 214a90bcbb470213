"""Attention over columns: one for each view, and one for each view and slot."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._functions import AttentionFunction, softmax
from ._initial import dropout_mask, normal, signs
from ._queries import Queries


class ColumnAttention(nn.Module):
    r"""Pool the tokens of a row, by the attention of each view v and by that of each slot t.

    .. math:: a_v = \mathrm{softmax}_j\, s_{vj}, \qquad a_{vt} = \mathrm{softmax}_j\, s_{vtj}

    .. math:: z_v = \sum_j C\, a_{vj}\, e_j W_j, \qquad q_{vt} = \sqrt{C} \sum_j a_{vtj}\, e_j U

    with scores s of some kind of queries, and softmax or another function.
    With uniform attention z is the first layer of a perceptron on the concatenated tokens: what
    attention adds is learned on top of that. A slot pools the tokens themselves, so it costs C + K products
    a token's width where a view costs C H. Views and slots of a fold share :math:`W` and :math:`U`.

    Of several heads, each gives an equal part of the units of z; for a slot, U takes what its heads have
    pooled side by side.

    Parameters
    ----------
    queries : Queries
        Gives the scores; says how many folds, views, slots and heads there are.
    n_columns : int
        C.
    d_token, d_hidden, d_slot : int
        D, H, K; H is a multiple of the number of heads.
    generator : torch.Generator
        Draws the initial values.
    function : callable, default=softmax
        Turns scores into weights, along an axis.
    superposed : bool, default=False
        The U of slots are superposed in one [1]_: slot t has :math:`p_t (U \circ r_t)`, with
        vectors that are random signs first, and learned then.

    References
    ----------
    .. [1] Cheung, Terekhov, Chen, Agrawal, Olshausen (2019). Superposition of many models into one.
       arXiv:1902.05522.

    Examples
    --------
    >>> from sklearn_mtl.nn import TokenQueries
    >>> generator = torch.Generator().manual_seed(0)
    >>> columns = dict(n_columns=5, d_token=8, generator=generator)
    >>> queries = TokenQueries(n_folds=2, n_views=3, n_slots=4, **columns)
    >>> attention = ColumnAttention(queries, d_hidden=16, d_slot=4, **columns)
    >>> tokens = torch.randn(2, 5, 7, 8)
    >>> of_views, of_slots = attention(tokens)
    >>> of_views.shape, of_slots.shape
    (torch.Size([2, 3, 7, 16]), torch.Size([2, 3, 7, 4, 4]))
    >>> bool((attention.weights(tokens).sum(-1) - 1).abs().max() < 1e-6)
    True
    """

    def __init__(
        self,
        queries: Queries,
        *,
        n_columns: int,
        d_token: int,
        d_hidden: int,
        d_slot: int,
        generator: torch.Generator,
        function: AttentionFunction = softmax,
        superposed: bool = False,
    ) -> None:
        super().__init__()
        self.queries, self.function, self.dropout = queries, function, 0.0
        n_folds, _, n_slots = queries.sizes
        std = (2 / (n_columns * d_token)) ** 0.5
        self.value = normal(n_folds, n_columns, d_token, d_hidden, std=std, generator=generator)
        d_pooled = queries.n_heads * d_token
        self.slot_value = normal(n_folds, d_pooled, d_slot, std=d_pooled**-0.5, generator=generator)
        self.slot_in: nn.Parameter | None = None
        self.slot_out: nn.Parameter | None = None
        if superposed:
            self.slot_in = signs(n_folds, 1, 1, n_slots, d_pooled, generator=generator)
            self.slot_out = signs(n_folds, 1, 1, n_slots, d_slot, generator=generator)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """G, V, S."""
        return self.queries.sizes

    @property
    def n_heads(self) -> int:
        """N."""
        return self.queries.n_heads

    def parameters_of_slots(self) -> list[nn.Parameter]:
        """Give the parameters of which each slot has a part of its own."""
        names = [f"queries.{name}" for name in self.queries.of_slots]
        own = [self.get_parameter(name) for name in names]
        return own + [each for each in (self.slot_in, self.slot_out) if each is not None]

    def weights(self, tokens: Tensor) -> Tensor:
        """Give the slots' attention over columns, the mean over heads.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, B, V, S, C)
            Sums to 1 over C, but for functions whose weights do not.
        """
        _, n_views, n_slots = self.sizes
        _, of_slots = self._attend(tokens)
        by_slot = of_slots.reshape(*of_slots.shape[:3], self.n_heads, n_views, n_slots).mean(3)
        return by_slot.permute(0, 2, 3, 4, 1)

    def view_weights(self, tokens: Tensor) -> Tensor:
        """Give the attention of views over columns, that of each head by itself.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, B, N V, C)
        """
        return self._attend(tokens)[0].permute(0, 2, 3, 1)

    def forward(
        self, tokens: Tensor, dropout_generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Pool.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)
        dropout_generator : torch.Generator, optional
            Draws the weights that are dropped in a training step, `dropout` of them; without it none is.

        Returns
        -------
        of_views : Tensor of shape (G, V, B, H)
        of_slots : Tensor of shape (G, V, B, S, K)
        """
        of_views, of_slots = (self._dropped(each, dropout_generator) for each in self._attend(tokens))
        by_row = tokens.transpose(1, 2).contiguous()  # (G, B, C, D)
        return self._pool_for_views(by_row, of_views), self._pool_for_slots(by_row, of_slots)

    def _dropped(self, weights: Tensor, generator: torch.Generator | None) -> Tensor:
        """Drop weights (G, C, B, ·), the same ones for all folds."""
        if generator is None or self.dropout == 0:
            return weights
        return weights * dropout_mask(1, *weights.shape[1:], rate=self.dropout, generator=generator)

    def _pool_for_views(self, by_row: Tensor, of_views: Tensor) -> Tensor:
        """Pool values (G, C, D, H) by the attention of views (G, C, B, N V); (G, V, B, H)."""
        n_folds, n_rows, n_columns, d_token = by_row.shape
        n_heads, n_views = self.n_heads, self.sizes[1]
        factors = (n_columns * of_views).permute(0, 3, 2, 1).contiguous()  # (G, N V, B, C)
        weighted = by_row.unsqueeze(1) * factors.unsqueeze(4)  # (G, N V, B, C, D)
        value = self.value.flatten(1, 2)
        if n_heads > 1:
            value = value.view(*value.shape[:2], n_heads, -1).transpose(1, 2).flatten(0, 1)
        pooled = weighted.view(n_folds * n_heads, n_views * n_rows, n_columns * d_token) @ value
        if n_heads == 1:
            return pooled.view(n_folds, n_views, n_rows, -1)
        pooled = pooled.view(n_folds, n_heads, n_views, n_rows, -1)
        return pooled.permute(0, 2, 3, 1, 4).flatten(3)

    def _pool_for_slots(self, by_row: Tensor, of_slots: Tensor) -> Tensor:
        """Pool tokens by the attention of slots (G, C, B, N V S); (G, V, B, S, K)."""
        n_folds, n_rows, n_columns, d_token = by_row.shape
        _, n_views, n_slots = self.sizes
        shares = of_slots.permute(0, 2, 3, 1)  # (G, B, N V S, C)
        slots = shares @ by_row  # (G, B, N V S, D)
        slots = slots.view(n_folds, n_rows, self.n_heads, n_views, n_slots, d_token)
        slots = slots.permute(0, 3, 1, 4, 2, 5)  # (G, V, B, S, N, D)
        if self.slot_in is not None:
            slots = slots * self.slot_in.view(n_folds, 1, 1, n_slots, self.n_heads, d_token)
        slots = slots.reshape(n_folds, -1, self.n_heads * d_token) @ (n_columns**0.5 * self.slot_value)
        slots = slots.view(n_folds, n_views, n_rows, n_slots, -1)
        return slots if self.slot_out is None else torch.mul(slots, self.slot_out)

    def _attend(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Give the attention of views (G, C, B, N V) and of slots (G, C, B, N V S)."""
        n_of_views = self.n_heads * self.sizes[1]
        scores: Tensor = self.queries(tokens)
        weights = self.function(scores, 1)
        of_views, of_slots = torch.split(weights, [n_of_views, scores.shape[3] - n_of_views], dim=3)
        return of_views, of_slots
