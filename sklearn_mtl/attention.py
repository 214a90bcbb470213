"""Options of attention: how columns are weighed, and what their tokens take from each other before."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, Literal

import torch
from sklearn.base import BaseEstimator

from .nn import ATTENTION_FUNCTIONS, AttentionFunction, with_temperature
from .training import ModelDesign

__all__ = ["AttentionPooling", "SelfAttentionEncoder"]

FUNCTIONS = tuple(ATTENTION_FUNCTIONS)
QUERIES = ("token", "context", "multihead", "task")
SHARINGS = ("own", "shared", "gated", "superposed")
INTERACTIONS = ("residual", "attention")

_WITH_HEADS = ("multihead", "task")
_DEFAULT_HEADS = 4
# What a temperature cannot change.
_WITHOUT_TEMPERATURE = ("born", "uniform")


class SelfAttentionEncoder(BaseEstimator):
    """Layers of self-attention between the columns of a row, before they are pooled.

    Each layer is softmax attention in several heads and a feed-forward network, each after a layer norm and
    around a residual connection, as in the FT-Transformer [1]_.

    Parameters
    ----------
    n_layers : int, default=1
        Layers, from 1 on.
    n_heads : int, default=2
        Heads of each.

    References
    ----------
    .. [1] Gorishniy, Rubachev, Khrulkov, Babenko (2021). Revisiting deep learning models for tabular data.
       arXiv:2106.11959.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.attention import AttentionPooling, SelfAttentionEncoder
    >>> encoder = SelfAttentionEncoder(n_layers=2)
    >>> model = MultiTaskAttentionRegressor(attention=AttentionPooling(encoder=encoder))
    """

    def __init__(self, *, n_layers: int = 1, n_heads: int = 2) -> None:
        self.n_layers = n_layers
        self.n_heads = n_heads


class AttentionPooling(BaseEstimator):
    """How the tokens of columns are pooled: what may stand for ``attention`` in place of a name.

    Parameters
    ----------
    function : str or callable, default="softmax"
        Turns the scores of columns into their weights:

        - ``"softmax"``: every column gets some weight;
        - ``"sigmoid"``: each column by itself; weights are from 0 to 1 and do not sum to 1 [1]_;
        - ``"sparsemax"``: columns far below the others get none at all [2]_;
        - ``"entmax15"``: between softmax and sparsemax [3]_;
        - ``"born"``: squares of the scores, by their sum, as if they were amplitudes;
        - ``"uniform"``: all alike, which switches attention off;
        - a callable of a tensor of scores and the axis of columns, which returns a tensor of weights of the
          same shape. A fitted estimator can be pickled if the callable can.
    temperature : float or "auto", default="auto"
        What scores are divided by: a smaller one makes attention sharper. ``"auto"`` is 1, but for
        ``"sparsemax"`` the number of columns and for ``"entmax15"`` its root: at equal scores these functions
        then change with them as softmax does, and do not shut out most columns before anything is learned.
        ``"born"`` and ``"uniform"`` have none, as it would leave them as they are.
    query : {"token", "context", "multihead", "task"}, default="token"
        How a column's score comes about:

        - ``"token"``: its token is compared with a query of this column's own;
        - ``"context"``: with that and one that the row makes, from the mean of its tokens;
        - ``"multihead"``: scaled dot products of keys and of queries that the row makes, in several heads
          [4]_;
        - ``"task"``: scaled dot products of keys and of task embeddings, in several heads [5]_.
    n_heads : int or None, default=None
        Heads of ``"multihead"`` and ``"task"``, of which ``d_hidden`` is a multiple; None is 4 of them.
    encoder : SelfAttentionEncoder or None, default=None
        Self-attention between columns before they are pooled. What is pooled then, and so attention, is no
        longer of single columns alone.

    References
    ----------
    .. [1] Ramapuram et al. (2024). Theory, analysis, and best practices for sigmoid self-attention.
       arXiv:2409.04431.
    .. [2] Martins, Astudillo (2016). From softmax to sparsemax: a sparse model of attention and multi-label
       classification. arXiv:1602.02068.
    .. [3] Peters, Niculae, Martins (2019). Sparse sequence-to-sequence models. arXiv:1905.05702.
    .. [4] Vaswani et al. (2017). Attention is all you need. arXiv:1706.03762.
    .. [5] Lee, Lee, Kim, Kosiorek, Choi, Teh (2019). Set transformer. arXiv:1810.00825.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.attention import AttentionPooling
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> attention = AttentionPooling(function="sparsemax", temperature=1)
    >>> model = MultiTaskAttentionRegressor(attention=attention, preset="fast", max_epochs=5, random_state=0)
    >>> bool((model.fit(X, X[:, :2]).attention_weights(X) == 0).any())
    True
    """

    def __init__(
        self,
        *,
        function: Any = "softmax",
        temperature: float | Literal["auto"] = "auto",
        query: str = "token",
        n_heads: int | None = None,
        encoder: SelfAttentionEncoder | None = None,
    ) -> None:
        self.function = function
        self.temperature = temperature
        self.query = query
        self.n_heads = n_heads
        self.encoder = encoder


def read_design(
    attention: Any, *, sharing: Any, interaction: Any, n_slots: Any, d_hidden: int, owner: str
) -> ModelDesign:
    """Read the options of attention, and check that they go together.

    Parameters
    ----------
    attention, sharing, interaction, n_slots : object
        The parameters ``attention``, ``attention_sharing``, ``task_interaction`` and ``n_slots``.
    d_hidden : int
        H.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ModelDesign

    Raises
    ------
    ValueError, TypeError
        One of them is nothing that is known, or two of them do not go together.
    """
    options = attention if isinstance(attention, AttentionPooling) else AttentionPooling(function=attention)
    at = "attention." if options is attention else ""
    _check_choice(f"{at}query", options.query, QUERIES, owner)
    _check_choice("attention_sharing", sharing, SHARINGS, owner)
    if interaction is not None:
        _check_choice("task_interaction", interaction, INTERACTIONS, owner, otherwise="None")
    _check_pairs(options.query, sharing, interaction, n_slots, owner)
    encoder = _read_encoder(options.encoder, owner)
    return ModelDesign(
        function=_read_function(options, f"{at}function" if at else "attention", owner),
        query=options.query,
        n_heads=_read_heads(options, d_hidden, owner),
        n_encoder_layers=encoder[0],
        n_encoder_heads=encoder[1],
        sharing=sharing,
        interaction=interaction,
    )


def _read_function(options: AttentionPooling, argument: str, owner: str) -> AttentionFunction:
    function, temperature = options.function, _read_temperature(options.temperature, owner)
    if not callable(function):
        otherwise = "a callable of scores and an axis, or an AttentionPooling"
        _check_choice(argument, function, FUNCTIONS, owner, otherwise=otherwise)
    if isinstance(function, str) and function in _WITHOUT_TEMPERATURE and temperature is not None:
        raise ValueError(
            f"{owner}: attention.temperature={temperature!r} changes nothing with "
            f"attention.function={function!r}; leave it out, or choose another function."
        )
    known: AttentionFunction = function if callable(function) else ATTENTION_FUNCTIONS[function]
    if callable(function):
        _try_function(known, argument, owner)
    return with_temperature(known, temperature)


def _read_temperature(temperature: Any, owner: str) -> float | None:
    if isinstance(temperature, str) and temperature == "auto":
        return None
    is_number = not isinstance(temperature, bool) and isinstance(temperature, Real)
    if not is_number or not 0 < temperature < float("inf"):
        raise ValueError(
            f"{owner}: attention.temperature is {temperature!r}, expected 'auto' or a finite number above 0."
        )
    return float(temperature)


def _try_function(function: AttentionFunction, argument: str, owner: str) -> None:
    """Call a function of the user's with some scores, and look at what it returns."""
    scores = torch.linspace(-1, 1, 24).view(2, 3, 4)
    try:
        weights = function(scores, 1)
    except Exception as error:
        raise ValueError(
            f"{owner}: {argument}={function!r} failed on scores of shape (2, 3, 4) and axis 1: {error}"
        ) from error
    is_tensor = isinstance(weights, torch.Tensor)
    if not is_tensor or weights.shape != scores.shape or not (weights >= 0).all():
        got = f"a tensor of shape {tuple(weights.shape)}" if is_tensor else type(weights).__name__
        raise ValueError(
            f"{owner}: {argument}={function!r} must return a tensor of weights of the shape of the scores, "
            f"none of them negative or NaN; for scores of shape (2, 3, 4) and axis 1 it returned {got}"
            f"{' with others' if is_tensor and weights.shape == scores.shape else ''}."
        )


def _read_heads(options: AttentionPooling, d_hidden: int, owner: str) -> int:
    n_heads, query = options.n_heads, options.query
    if n_heads is not None and query not in _WITH_HEADS:
        raise ValueError(
            f"{owner}: attention.n_heads={n_heads!r} is of no use with attention.query={query!r}, which has "
            f"one head; leave it out, or choose a query from {_listed(_WITH_HEADS)}."
        )
    if query not in _WITH_HEADS:
        return 1
    n_heads = _DEFAULT_HEADS if n_heads is None else _positive("attention.n_heads", n_heads, owner)
    if d_hidden % n_heads:
        raise ValueError(
            f"{owner}: d_hidden={d_hidden} is not a multiple of attention.n_heads={n_heads}; "
            f"choose d_hidden={-(-d_hidden // n_heads) * n_heads}, or another number of heads."
        )
    return n_heads


def _read_encoder(encoder: Any, owner: str) -> tuple[int, int]:
    """Give layers and heads; no layers for None."""
    if encoder is None:
        return 0, 1
    if not isinstance(encoder, SelfAttentionEncoder):
        raise TypeError(
            f"{owner}: attention.encoder is {encoder!r}; expected a SelfAttentionEncoder or None."
        )
    return (
        _positive("attention.encoder.n_layers", encoder.n_layers, owner),
        _positive("attention.encoder.n_heads", encoder.n_heads, owner),
    )


def _check_pairs(query: str, sharing: str, interaction: str | None, n_slots: Any, owner: str) -> None:
    """Refuse two options that do not go together."""
    said = f"attention_sharing={sharing!r}"
    if sharing == "shared" and n_slots not in ("auto", 1):
        raise ValueError(
            f"{owner}: {said} is one attention for all tasks, n_slots={n_slots!r} asks for more; leave one "
            "of them out."
        )
    is_one = sharing == "shared" or n_slots == 1
    one = said if sharing == "shared" else "n_slots=1"
    if interaction is not None and is_one:
        raise ValueError(
            f"{owner}: task_interaction={interaction!r} is between tasks with parts of their own, which "
            f"{one} does not leave; leave one of them out."
        )
    if query == "task" and is_one:
        raise ValueError(
            f"{owner}: attention.query='task' asks once for each task, {one} for all at once; change one "
            "of them."
        )
    if sharing == "superposed" and query != "token":
        raise ValueError(
            f"{owner}: {said} superposes the queries of columns, and attention.query={query!r} has others; "
            "set attention.query='token', or another attention_sharing."
        )


def _check_choice(
    argument: str, value: Any, choices: Iterable[str], owner: str, *, otherwise: str | None = None
) -> None:
    if not (isinstance(value, str) and value in choices):
        rest = f", or {otherwise}" if otherwise else ""
        raise ValueError(f"{owner}: {argument} is {value!r}; choose from {_listed(choices)}{rest}.")


def _positive(argument: str, value: Any, owner: str) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{owner}: {argument} is {value!r}, expected a whole number from 1 on.")
    return int(value)


def _listed(choices: Iterable[str]) -> str:
    return ", ".join(repr(choice) for choice in choices)
