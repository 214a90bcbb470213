"""``task_weight="cv"``: weights of tasks by out-of-fold losses."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..exceptions import FitInterruptedWarning
from ..training import Ensemble, TargetScales, TrainingRows, mean_losses

Fit = Callable[[TrainingRows], tuple[Ensemble, NDArray[np.float64]]]

# A task that gains nothing still weighs a tenth of what one weighs that gains all.
_LEAST_WEIGHT = 0.1


def fit_equal_or_by_gain(
    fit: Fit, rows: TrainingRows, scales: TargetScales, *, owner: str
) -> tuple[TrainingRows, Ensemble, NDArray[np.float64]]:
    """Fit with equal weights and with weights by gain; keep the better by the mean out-of-fold loss.

    Both see the same folds, and the mean counts every task alike.

    Parameters
    ----------
    fit : callable
        Fits an ensemble to rows, and gives its out-of-fold numbers and probabilities, too.
    rows : TrainingRows
        With equal task weights.
    scales : TargetScales
        Of the same rows.
    owner : str
        Who asks; warnings start with it.

    Returns
    -------
    TrainingRows
        With the weights that were kept; of mean 1.
    Ensemble
    ndarray of shape (R, O)
        Out-of-fold numbers and probabilities.
    """
    equal = rows, *fit(rows)
    if len(rows.task_weight) == 1 or equal[1].net.was_interrupted_:
        return equal
    losses = _relative_losses(equal[2], rows, scales)
    weighted = replace(rows, task_weight=weights_by_gain(losses))
    try:
        by_gain = weighted, *fit(weighted)
        was_interrupted = by_gain[1].net.was_interrupted_
    except KeyboardInterrupt:
        was_interrupted = True
    if was_interrupted:
        warnings.warn(
            f"{owner}: fit was interrupted while it tried other task weights; the fit with equal weights "
            "is kept.",
            FitInterruptedWarning,
            stacklevel=5,
        )
        return equal
    is_better = _relative_losses(by_gain[2], rows, scales).mean() < losses.mean()
    return by_gain if is_better else equal


def weights_by_gain(relative_losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weigh tasks by what they gain over predicting the mean or the base rate, and a tenth more.

    Parameters
    ----------
    relative_losses : ndarray of shape (T,)
        Out-of-fold losses, 1 for the mean or the base rate.

    Returns
    -------
    ndarray of shape (T,)
        Of mean 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.estimators._task_weight import weights_by_gain
    >>> weights_by_gain(np.array([0.1, 0.8, 1.2]))
    array([2.14285714, 0.64285714, 0.21428571])
    """
    weights = _LEAST_WEIGHT + np.clip(1 - relative_losses, 0, 1)
    return np.asarray(weights / weights.mean())


def _relative_losses(
    out_of_fold: NDArray[np.float64], rows: TrainingRows, scales: TargetScales
) -> NDArray[np.float64]:
    """Out-of-fold losses in units of the loss of the mean or the base rate; (T,)."""
    base = np.where(scales.base_loss > 0, scales.base_loss, 1.0)
    return np.asarray(mean_losses(out_of_fold, rows) / base)
