"""Predictions that are the same for all rows, and of them those of the least loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..nn import HUBER_DELTA, OutputLayout, ordinal_outputs, prediction_losses

_DELTA = 1.35
_HALVINGS = 60
_OF_NORMAL_MEDIAN, _OF_NORMAL_MEAN = 1.4826, 1.2533  # from absolute errors to a standard deviation


def best_constants(
    layout: OutputLayout, values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find the prediction of the least loss for a task of numbers.

    Parameters
    ----------
    layout : OutputLayout
        Of this task alone.
    values, weights : ndarray of shape (n,)
        Labels and their weights, not all 0.

    Returns
    -------
    ndarray of shape (O,)
        The mean, for an absolute error the median, for Huber's loss what lies between them, for quantiles
        the weighted quantiles.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.nn import OutputLayout
    >>> from sklearn_mtl.training import best_constants
    >>> layout = OutputLayout(["quantile"], [2], levels={0: (0.1, 0.5)})
    >>> best_constants(layout, np.array([0.0, 1.0, 2.0, 3.0, 94.0]), np.ones(5))
    array([0., 2.])
    """
    kind = layout.kinds[0]
    if kind in ("regression", "poisson"):
        return np.array([np.average(values, weights=weights)])
    if kind == "huber":
        return np.array([_huber_location(values, weights, HUBER_DELTA * layout.units.get(0, 1.0))])
    return weighted_quantiles(values, weights, layout.levels.get(0, (0.5,)))


def loss_of_constants(
    constants: NDArray[np.float64],
    layout: OutputLayout,
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    """Average the loss of one prediction for all rows of a task.

    Parameters
    ----------
    constants : ndarray of shape (O,)
        The prediction.
    layout, values, weights
        As in `best_constants`.

    Returns
    -------
    float
    """
    predictions = torch.from_numpy(constants).expand(len(values), -1)
    losses = prediction_losses(predictions, torch.from_numpy(values)[:, None], layout)
    return float(np.average(losses[:, 0].numpy(), weights=weights))


def weighted_quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], levels: Sequence[float]
) -> NDArray[np.float64]:
    """Find the least values that at least such shares of the weight do not exceed.

    Parameters
    ----------
    values, weights : ndarray of shape (n,)
        Weights are not all 0.
    levels : sequence of float
        Shares.

    Returns
    -------
    ndarray of shape (Q,)
    """
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    total = np.cumsum(weights[order])
    # Shares that are met but for rounding are met: weight 2 is the same as the row twice.
    places = np.searchsorted(total, np.asarray(levels) * total[-1] * (1 - 1e-12))
    return np.asarray(values[order[np.minimum(places, len(order) - 1)]])


def spread(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """Measure labels in a way that few extreme ones do not change.

    Parameters
    ----------
    values, weights : ndarray of shape (n,)
        Weights are not all 0.

    Returns
    -------
    median : float
    spread : float
        What would be the standard deviation of normal labels, from the median absolute deviation; from the
        mean one where that is 0; 1 where all labels are the same.
    """
    median = float(weighted_quantiles(values, weights, (0.5,))[0])
    errors = np.abs(values - median)
    unit = _OF_NORMAL_MEDIAN * float(weighted_quantiles(errors, weights, (0.5,))[0])
    least = 1e-12 * abs(median)
    if unit <= least:
        unit = _OF_NORMAL_MEAN * float(np.average(errors, weights=weights))
    return median, unit if unit > least else 1.0


def class_outputs(kind: str, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the outputs that predict given rates of classes.

    Parameters
    ----------
    kind : {"binary", "multiclass", "ordinal"}
    rates : ndarray of shape (..., K)
        Above 0; they sum to 1.

    Returns
    -------
    ndarray of shape (..., O)
    """
    if kind == "ordinal":
        return np.asarray(ordinal_outputs(torch.from_numpy(rates)).numpy())
    log_rates = np.log(rates)
    return np.asarray(log_rates if kind == "multiclass" else log_rates[..., 1:] - log_rates[..., :1])


def _huber_location(values: NDArray[np.float64], weights: NDArray[np.float64], delta: float) -> float:
    """Halve the interval in which the sum of clipped errors changes its sign."""
    is_weighed = weights > 0
    values, weights = values[is_weighed], weights[is_weighed]
    low, high = float(values.min()), float(values.max())
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        if (weights * np.clip(values - middle, -delta, delta)).sum() > 0:
            low = middle
        else:
            high = middle
    return low + (high - low) / 2
