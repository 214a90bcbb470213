"""Calibration: one temperature a task, fitted on out-of-fold probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, logit, softmax

from ..nn import OutputLayout
from ._rows import TrainingRows

_MOST = np.log(10.0)
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
# Of log T: what it may move for each nat of likelihood that is gained. Some dozens of labels gain too little.
_STEP_PER_NAT = 0.15


def fit_temperatures(
    out_of_fold: NDArray[np.float64], rows: TrainingRows, *, is_calibrated: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Fit the temperature of each task [1]_ on its out-of-fold probabilities.

    It has the least negative log likelihood, labels counted by their weights, plus a penalty on leaving 1,
    which some dozens of labels rarely pay for.

    Parameters
    ----------
    out_of_fold : ndarray of shape (R, O)
        Numbers and probabilities.
    rows : TrainingRows
        The labels.
    is_calibrated : ndarray of bool, shape (T,)
        Tasks that get a temperature; none of them is a regression.

    Returns
    -------
    ndarray of shape (T,)
        Above 1 where probabilities were too near to 0 and 1; 1 for the other tasks, and for those without
        weight.

    References
    ----------
    .. [1] Guo, Pleiss, Sun, Weinberger (2017). On calibration of modern neural networks. arXiv:1706.04599.
    """
    temperatures = np.ones(len(is_calibrated))
    for task in np.flatnonzero(is_calibrated & (rows.task_weight > 0)):
        seen = rows.weights[:, task] > 0
        labels, weights = rows.values[seen, task].astype(np.intp), rows.weights[seen, task]
        outputs = out_of_fold[seen, rows.layout.slices[task]]
        log_likelihood = _binary if rows.layout.kinds[task] == "binary" else _multiclass
        temperatures[task] = _fit(log_likelihood(outputs, labels), weights)
    return temperatures


def temper(
    outputs: NDArray[np.float64], temperatures: NDArray[np.float64], layout: OutputLayout
) -> NDArray[np.float64]:
    """Divide the logits of each task by its temperature.

    The order of a row's probabilities, and so its most probable class, stays what it is.

    Parameters
    ----------
    outputs : ndarray of shape (B, O)
        Numbers and probabilities.
    temperatures : ndarray of shape (T,)
        Those of tasks whose temperature is 1 are not touched.
    layout : OutputLayout
        The tasks.

    Returns
    -------
    ndarray of shape (B, O)
        `outputs` itself if all temperatures are 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.nn import OutputLayout
    >>> from sklearn_mtl.training import temper
    >>> layout = OutputLayout(["binary", "multiclass"], [1, 2])
    >>> temper(np.array([[0.8, 0.8, 0.2]]), np.array([2.0, 1.0]), layout).round(3)
    array([[0.667, 0.8  , 0.2  ]])
    """
    changed = np.flatnonzero(temperatures != 1)
    if not len(changed):
        return outputs
    tempered = outputs.copy()
    for task in changed:
        place, temperature = layout.slices[task], temperatures[task]
        if layout.kinds[task] == "binary":
            tempered[:, place] = expit(_logits(outputs[:, place]) / temperature)
        else:
            tempered[:, place] = softmax(_logs(outputs[:, place]) / temperature, axis=1)
    return tempered


_LogLikelihood = Callable[[float], NDArray[np.float64]]


def _fit(log_likelihood: _LogLikelihood, weights: NDArray[np.float64]) -> float:
    """Find the temperature of one task.

    # DIFFERS [1]_: log T has a Laplace prior around 0, so that few labels leave the temperature at 1.
    """
    shares = weights / weights.sum()
    n_labels = 1 / np.square(shares).sum()  # as many of equal weight say as much

    def loss(log_temperature: float) -> float:
        likelihood = n_labels * float(shares @ log_likelihood(np.exp(-log_temperature)))
        return float(abs(log_temperature) / _STEP_PER_NAT - likelihood)

    found = minimize_scalar(loss, bounds=(-_MOST, _MOST), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def _binary(outputs: NDArray[np.float64], labels: NDArray[np.intp]) -> _LogLikelihood:
    margins = _logits(outputs[:, 0]) * np.where(labels == 1, 1.0, -1.0)  # (R,)
    return lambda scale: np.asarray(log_expit(margins * scale))


def _multiclass(outputs: NDArray[np.float64], labels: NDArray[np.intp]) -> _LogLikelihood:
    logs, rows = _logs(outputs), np.arange(len(labels))
    return lambda scale: np.asarray(log_softmax(logs * scale, axis=1)[rows, labels])


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(probabilities, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)))


def _logs(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(probabilities, _LEAST_PROBABILITY)))
