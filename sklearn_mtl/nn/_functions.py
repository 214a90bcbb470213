"""Functions that turn the scores of tokens into their attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor

AttentionFunction = Callable[[Tensor, int], Tensor]

_LEAST_SQUARE = 1e-12  # amplitudes that are all 0 get equal shares


def softmax(scores: Tensor, dim: int) -> Tensor:
    r"""Weigh by :math:`a_j = e^{s_j} / \sum_i e^{s_i}`.

    Parameters
    ----------
    scores : Tensor
        Of any shape.
    dim : int
        The axis over which weights sum to 1.

    Returns
    -------
    Tensor of the same shape

    Examples
    --------
    >>> softmax(torch.zeros(2), 0)
    tensor([0.5000, 0.5000])
    """
    return torch.softmax(scores, dim=dim)


def sigmoid(scores: Tensor, dim: int) -> Tensor:
    r"""Weigh each token by itself: :math:`a_j = \sigma(s_j - \log(n - 1))` of n tokens [1]_.

    A score of 0 gives 1 / n, as every other function does where all scores are 0. Weights are from 0 to 1,
    but their sum may be anything up to n.

    Parameters
    ----------
    scores : Tensor
        Of any shape.
    dim : int
        The axis of tokens.

    Returns
    -------
    Tensor of the same shape

    References
    ----------
    .. [1] Ramapuram et al. (2024). Theory, analysis, and best practices for sigmoid self-attention.
       arXiv:2409.04431.

    Examples
    --------
    >>> sigmoid(torch.zeros(4), 0)
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    # DIFFERS [1]_: n - 1 in place of n, so that equal scores of 0 are the mean; one token alone is a gate.
    return torch.sigmoid(scores - math.log(max(scores.shape[dim] - 1, 1)))


def sparsemax(scores: Tensor, dim: int) -> Tensor:
    r"""Weigh by the nearest point of the simplex, :math:`a_j = [s_j - \tau]_+` [1]_.

    Scores that are 1 below the greatest, or more, get no weight at all.

    Parameters
    ----------
    scores : Tensor
        Of any shape.
    dim : int
        The axis over which weights sum to 1.

    Returns
    -------
    Tensor of the same shape
        Can be differentiated once.

    References
    ----------
    .. [1] Martins, Astudillo (2016). From softmax to sparsemax: a sparse model of attention and multi-label
       classification. arXiv:1602.02068.

    Examples
    --------
    >>> sparsemax(torch.tensor([1.0, 0.5, -1.0]), 0)
    tensor([0.7500, 0.2500, 0.0000])
    """
    with torch.no_grad():
        descending, ranks = _descending(scores, dim)
        sums = descending.cumsum(dim)
        n_chosen = (1 + ranks * descending > sums).sum(dim, keepdim=True)
        threshold = (sums.gather(dim, n_chosen - 1) - 1) / n_chosen
        chosen = (scores > threshold).to(scores.dtype)
        pull = chosen / chosen.sum(dim, keepdim=True)
    return (scores - _moving(threshold, scores, pull, dim)).clamp_min(0)


def entmax15(scores: Tensor, dim: int) -> Tensor:
    r"""Weigh by 1.5-entmax, :math:`a_j = [s_j / 2 - \tau]_+^2` [1]_, between softmax and sparsemax.

    Computed exactly, by sorting. Scores that are 2 below the greatest, or more, get no weight at all.

    Parameters
    ----------
    scores : Tensor
        Of any shape.
    dim : int
        The axis over which weights sum to 1.

    Returns
    -------
    Tensor of the same shape
        Can be differentiated once.

    References
    ----------
    .. [1] Peters, Niculae, Martins (2019). Sparse sequence-to-sequence models. arXiv:1905.05702.

    Examples
    --------
    >>> entmax15(torch.tensor([1.0, 1.0, -1.0]), 0)
    tensor([0.5000, 0.5000, 0.0000])
    """
    half = (scores - scores.detach().amax(dim, keepdim=True)) / 2
    with torch.no_grad():
        descending, ranks = _descending(half, dim)
        mean = descending.cumsum(dim) / ranks
        spread = descending.square().cumsum(dim) - ranks * mean.square()
        thresholds = mean - ((1 - spread) / ranks).clamp_min(0).sqrt()
        n_chosen = (thresholds <= descending).sum(dim, keepdim=True)
        threshold = thresholds.gather(dim, n_chosen - 1)
        root = (half - threshold).clamp_min(0)
        pull = root / root.sum(dim, keepdim=True)
    return (half - _moving(threshold, half, pull, dim)).clamp_min(0).square()


def born(scores: Tensor, dim: int) -> Tensor:
    r"""Weigh by squared amplitudes, :math:`a_j = s_j^2 / \sum_i s_i^2`.

    This is the form of Born's rule with real amplitudes; nothing about it is quantum mechanical. The sign of
    a score, and what all scores are multiplied by, do not matter; a score of 0 gets no weight.

    Parameters
    ----------
    scores : Tensor
        Of any shape.
    dim : int
        The axis over which weights sum to 1.

    Returns
    -------
    Tensor of the same shape

    Examples
    --------
    >>> born(torch.tensor([1.0, -2.0]), 0)
    tensor([0.2000, 0.8000])
    """
    squares = scores.square() + _LEAST_SQUARE
    return squares / squares.sum(dim, keepdim=True)


def uniform(scores: Tensor, dim: int) -> Tensor:
    """Weigh all tokens alike, whatever their scores: mean pooling, attention switched off.

    Parameters
    ----------
    scores : Tensor
        Of any shape.
    dim : int
        The axis over which weights sum to 1.

    Returns
    -------
    Tensor of the same shape

    Examples
    --------
    >>> uniform(torch.tensor([5.0, 1.0]), 0)
    tensor([0.5000, 0.5000])
    """
    return torch.full_like(scores, 1 / scores.shape[dim])


ATTENTION_FUNCTIONS: Mapping[str, AttentionFunction] = MappingProxyType(
    {each.__name__: each for each in (softmax, sigmoid, sparsemax, entmax15, born, uniform)}
)


# By which power of the number of tokens n scores are divided, so that weights change with them at equal
# scores as those of softmax do, by 1 / n: without it most tokens start without weight, and are never learned.
_POWERS = {sparsemax: 1.0, entmax15: 0.5}


def with_temperature(function: AttentionFunction, temperature: float | None = None) -> AttentionFunction:
    """Divide scores by a temperature: with a greater one attention is spread, with a smaller one it is sharp.

    Parameters
    ----------
    function : callable
        Of scores and an axis.
    temperature : float, optional
        Above 0. By default the number of tokens for `sparsemax`, its root for `entmax15`, and 1 for others.

    Returns
    -------
    callable
        Of scores and an axis.

    Examples
    --------
    >>> scores = torch.tensor([1.0, 0.0])
    >>> with_temperature(sparsemax, 1.0)(scores, 0), with_temperature(sparsemax)(scores, 0)
    (tensor([1., 0.]), tensor([0.7500, 0.2500]))
    """
    if temperature is None:
        return partial(_spread, function, _POWERS[function]) if function in _POWERS else function
    return function if temperature == 1 else partial(_tempered, function, temperature)


def _tempered(function: AttentionFunction, temperature: float, scores: Tensor, dim: int) -> Tensor:
    return function(scores / temperature, dim)


def _spread(function: AttentionFunction, power: float, scores: Tensor, dim: int) -> Tensor:
    return function(scores / scores.shape[dim] ** power, dim)


def _descending(scores: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Sort along an axis; give the ranks from 1 on, too, which broadcast against the scores."""
    descending = scores.sort(dim, descending=True).values
    shape = [1] * scores.ndim
    shape[dim] = -1
    return descending, torch.arange(1, scores.shape[dim] + 1, device=scores.device).view(shape)


def _moving(threshold: Tensor, scores: Tensor, pull: Tensor, dim: int) -> Tensor:
    """Give a threshold that moves with the scores as if it had been differentiated: by `pull`."""
    return threshold + (pull * (scores - scores.detach())).sum(dim, keepdim=True)
