"""How the scores of tokens come about, of which attention is made: what views and slots ask for."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from ._initial import normal, signs, zeros


class Queries(Protocol):
    """What gives the scores of all tokens for all views and slots.

    Attributes
    ----------
    sizes : tuple of int
        G, V, S.
    n_heads : int
        N, attentions of each view and of each slot.
    of_slots : tuple of str
        Names of the parameters of which each slot has a part of its own.
    """

    sizes: tuple[int, int, int]
    n_heads: int
    of_slots: tuple[str, ...]

    def __call__(self, tokens: Tensor) -> Tensor:
        """Score tokens (G, C, B, D); (G, C, B, N V + N V S), heads before views before slots."""


class TokenQueries(nn.Module):
    r"""Score each column by its own query, of the view and of the slot.

    .. math:: s_{vj} = \langle u_{vj}, e_j \rangle + c_{vj}, \qquad
              s_{vtj} = \langle u_{vj} + u_{tj}, e_j \rangle + c_{vj} + c_{tj}

    The parts of the slots start at 0, those of the views at random, which makes the views differ.

    Parameters
    ----------
    n_folds, n_views, n_slots, n_columns : int
        G, V, S, C.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, n_slots=4, n_columns=5, d_token=8)
    >>> TokenQueries(**sizes, generator=generator)(torch.randn(2, 5, 7, 8)).shape
    torch.Size([2, 5, 7, 15])
    """

    n_heads = 1
    of_slots: tuple[str, ...] = ("slot_query", "slot_bias")

    def __init__(
        self,
        *,
        n_folds: int,
        n_views: int,
        n_slots: int,
        n_columns: int,
        d_token: int,
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

    def forward(self, tokens: Tensor) -> Tensor:
        """Score.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, C, B, V + V S)
        """
        query = [self.view_query.flatten(3), (self.view_query + self.slot_query).flatten(3)]
        bias = [self.view_bias.flatten(3), (self.view_bias + self.slot_bias).flatten(3)]
        return tokens @ torch.cat(query, dim=3) + torch.cat(bias, dim=3)


class SuperposedQueries(nn.Module):
    r"""Score by one matrix of queries a view, in which those of all slots are superposed [1]_.

    .. math:: s_{vj} = \langle u_{vj}, e_j \rangle + c_{vj}, \qquad
              s_{vtj} = r_{tj} (\langle p_t \circ u_{vj}, e_j \rangle + c_{vj})

    A slot has C + D parameters :math:`r_t, p_t` in place of (D + 1) C.

    Parameters
    ----------
    n_folds, n_views, n_slots, n_columns : int
        G, V, S, C.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.

    References
    ----------
    .. [1] Cheung, Terekhov, Chen, Agrawal, Olshausen (2019). Superposition of many models into one.
       arXiv:1902.05522.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, n_slots=4, n_columns=5, d_token=8)
    >>> SuperposedQueries(**sizes, generator=generator)(torch.randn(2, 5, 7, 8)).shape
    torch.Size([2, 5, 7, 15])
    """

    n_heads = 1
    of_slots: tuple[str, ...] = ("slot_of_column", "slot_of_token")

    def __init__(
        self,
        *,
        n_folds: int,
        n_views: int,
        n_slots: int,
        n_columns: int,
        d_token: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.sizes = n_folds, n_views, n_slots
        self.view_query = normal(
            n_folds, n_columns, d_token, n_views, 1, std=0.5 / d_token**0.5, generator=generator
        )
        self.view_bias = normal(n_folds, n_columns, 1, n_views, 1, std=0.5, generator=generator)
        # DIFFERS [1]_: the signs of a task are where its adapter starts; it is learned from there.
        self.slot_of_column = signs(n_folds, n_columns, 1, 1, n_slots, generator=generator)
        self.slot_of_token = signs(n_folds, 1, d_token, 1, n_slots, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        """Score.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, C, B, V + V S)
        """
        slot_query = self.view_query * self.slot_of_token * self.slot_of_column  # (G, C, D, V, S)
        slot_bias = self.view_bias * self.slot_of_column
        query = [self.view_query.flatten(3), slot_query.flatten(3)]
        bias = [self.view_bias.flatten(3), slot_bias.flatten(3)]
        return tokens @ torch.cat(query, dim=3) + torch.cat(bias, dim=3)


class ContextQueries(nn.Module):
    r"""Score each column by its own query and by one that the whole row makes, from its mean token m.

    .. math:: s_{vtj} = \langle u_{vj} + u_{tj} + (M_v + M_t)^\top m, e_j \rangle + c_{vj} + c_{tj}

    Views have no part of slots. The parts of the slots start at 0.

    Parameters
    ----------
    n_folds, n_views, n_slots, n_columns : int
        G, V, S, C.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, n_slots=4, n_columns=5, d_token=8)
    >>> ContextQueries(**sizes, generator=generator)(torch.randn(2, 5, 7, 8)).shape
    torch.Size([2, 5, 7, 15])
    """

    n_heads = 1
    of_slots: tuple[str, ...] = ("own.slot_query", "own.slot_bias", "slot_map")

    def __init__(
        self,
        *,
        n_folds: int,
        n_views: int,
        n_slots: int,
        n_columns: int,
        d_token: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.sizes = n_folds, n_views, n_slots
        self.own = TokenQueries(
            n_folds=n_folds,
            n_views=n_views,
            n_slots=n_slots,
            n_columns=n_columns,
            d_token=d_token,
            generator=generator,
        )
        self.view_map = normal(
            n_folds, d_token, d_token, n_views, 1, std=0.5 / d_token**0.5, generator=generator
        )
        self.slot_map = zeros(n_folds, d_token, d_token, 1, n_slots)

    def forward(self, tokens: Tensor) -> Tensor:
        """Score.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, C, B, V + V S)
        """
        n_folds, _, n_rows, d_token = tokens.shape
        maps = [self.view_map.flatten(3), (self.view_map + self.slot_map).flatten(3)]
        context = tokens.mean(1) @ torch.cat(maps, dim=3).flatten(2)  # (G, B, D (V + V S))
        scores = tokens.transpose(1, 2) @ context.view(n_folds, n_rows, d_token, -1)  # (G, B, C, V + V S)
        own: Tensor = self.own(tokens)
        return own + scores.transpose(1, 2)


class MultiHeadQueries(nn.Module):
    r"""Score by scaled dot products of keys and of queries that the whole row makes, in several heads [1]_.

    .. math:: s_{hvtj} = \langle (m Q)_h + q_{hv} + q_{ht}, (e_j K)_h \rangle / \sqrt{d}

    with the mean token m. Views have no part of slots; the parts of the slots start at 0.

    Parameters
    ----------
    n_folds, n_views, n_slots : int
        G, V, S.
    d_token, n_heads : int
        D, N; a head's width d is D / N, rounded up.
    generator : torch.Generator
        Draws the initial values.

    References
    ----------
    .. [1] Vaswani et al. (2017). Attention is all you need. arXiv:1706.03762.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, n_slots=4, d_token=8, n_heads=2)
    >>> MultiHeadQueries(**sizes, generator=generator)(torch.randn(2, 5, 7, 8)).shape
    torch.Size([2, 5, 7, 30])
    """

    of_slots: tuple[str, ...] = ("slot_query",)

    def __init__(
        self,
        *,
        n_folds: int,
        n_views: int,
        n_slots: int,
        d_token: int,
        n_heads: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.sizes, self.n_heads = (n_folds, n_views, n_slots), n_heads
        d_head, std = -(-d_token // n_heads), d_token**-0.5
        self.of_context = normal(n_folds, n_heads, d_token, d_head, std=std, generator=generator)
        self.key = normal(n_folds, n_heads, d_token, d_head, std=std, generator=generator)
        self.view_query = normal(n_folds, n_heads, d_head, n_views, 1, std=0.5, generator=generator)
        self.slot_query = zeros(n_folds, n_heads, d_head, 1, n_slots)

    def forward(self, tokens: Tensor) -> Tensor:
        """Score.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, C, B, N V + N V S)
        """
        queries = [self.view_query.flatten(3), (self.view_query + self.slot_query).flatten(3)]
        scores = _scaled_products(tokens, self.key, queries)
        folded = self.of_context @ self.key.transpose(2, 3)  # (G, N, D, D): queries meet tokens
        mean = tokens.mean(1).unsqueeze(1) @ folded / self.key.shape[3] ** 0.5  # (G, N, B, D)
        by_context = torch.einsum("gnbd,gcbd->gcbn", mean, tokens)
        n_views, n_slots = self.sizes[1:]
        repeats = [by_context.repeat_interleave(times, dim=3) for times in (n_views, n_views * n_slots)]
        return scores + torch.cat(repeats, dim=3)


class TaskQueries(nn.Module):
    r"""Score by scaled dot products of keys and of embedded views and slots: cross-attention of tasks.

    .. math:: s_{hvtj} = \langle ((E_v + E_t) Q)_h, (e_j K)_h \rangle / \sqrt{d}

    Views have no part of slots; the embeddings of slots start at 0. With a slot for each task, these are task
    embeddings, and the query is the same for all rows and columns, as in pooling by learned seeds [1]_.

    Parameters
    ----------
    n_folds, n_views, n_slots : int
        G, V, S.
    d_token, n_heads : int
        D, N; a head's width d is D / N, rounded up.
    generator : torch.Generator
        Draws the initial values.

    References
    ----------
    .. [1] Lee, Lee, Kim, Kosiorek, Choi, Teh (2019). Set transformer. arXiv:1810.00825.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, n_slots=4, d_token=8, n_heads=2)
    >>> TaskQueries(**sizes, generator=generator)(torch.randn(2, 5, 7, 8)).shape
    torch.Size([2, 5, 7, 30])
    """

    of_slots: tuple[str, ...] = ("slot_embedding",)

    def __init__(
        self,
        *,
        n_folds: int,
        n_views: int,
        n_slots: int,
        d_token: int,
        n_heads: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.sizes, self.n_heads = (n_folds, n_views, n_slots), n_heads
        d_head, std = -(-d_token // n_heads), d_token**-0.5
        self.query = normal(n_folds, n_heads, d_head, d_token, std=std, generator=generator)
        self.key = normal(n_folds, n_heads, d_token, d_head, std=std, generator=generator)
        self.view_embedding = normal(n_folds, 1, d_token, n_views, 1, std=0.5, generator=generator)
        self.slot_embedding = zeros(n_folds, 1, d_token, 1, n_slots)

    def forward(self, tokens: Tensor) -> Tensor:
        """Score.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, C, B, N V + N V S)
        """
        embeddings = [self.view_embedding.flatten(3), (self.view_embedding + self.slot_embedding).flatten(3)]
        return _scaled_products(tokens, self.key, [self.query @ each for each in embeddings])


def _scaled_products(tokens: Tensor, key: Tensor, queries: list[Tensor]) -> Tensor:
    """Score by queries (G, N, d, Q) that are the same for all rows, folded into keys (G, N, D, d)."""
    scale = key.shape[3] ** -0.5
    folded = [(key @ query * scale).transpose(1, 2).flatten(2) for query in queries]  # (G, D, N Q)
    return tokens @ torch.cat(folded, dim=2).unsqueeze(1)
