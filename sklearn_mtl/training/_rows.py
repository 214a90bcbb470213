"""The training rows as arrays, and what each fold makes of their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..nn import OutputLayout


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Everything that training reads.

    Attributes
    ----------
    numbers : ndarray of shape (R, N), float32
        Scaled numbers, NaN where missing.
    categories : ndarray of shape (R, M), int64
        Codes.
    design : ndarray of shape (R, P), float64
        Columns of the linear view.
    values : ndarray of shape (R, T), float64
        Numbers and class indices; 0 where missing.
    weights : ndarray of shape (R, T), float64
        Weight of each label; 0 where it is missing.
    task_weight : ndarray of shape (T,), float64
        Weight of each task, not all 0.
    fold : ndarray of shape (R,), int64
        The fold that never trains on the row.
    layout : OutputLayout
        The tasks.
    """

    numbers: NDArray[np.float32]
    categories: NDArray[np.int64]
    design: NDArray[np.float64]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    task_weight: NDArray[np.float64]
    fold: NDArray[np.int64]
    layout: OutputLayout

    @property
    def n_folds(self) -> int:
        """G."""
        return int(self.fold.max()) + 1

    def held_out(self, fold: int) -> NDArray[np.int64]:
        """Rows that a fold never trains on."""
        return np.flatnonzero(self.fold == fold)

    def trained_on(self, fold: int) -> NDArray[np.int64]:
        """Rows that a fold trains on."""
        return np.flatnonzero(self.fold != fold)


@dataclass(frozen=True, eq=False)
class TargetScales:
    """How each fold standardises labels, from the rows it trains on alone.

    Attributes
    ----------
    mean, deviation : ndarray of shape (G, O)
        Of numbers; 0 and 1 for the outputs of classes.
    prior : ndarray of shape (G, O)
        Outputs that predict the base rates: the initial biases of the heads.
    fold_loss : ndarray of shape (G, T)
        Loss of the base rate over the rows of each fold; 1 for numbers, which are standardised.
    base_loss : ndarray of shape (T,)
        Loss of predicting the mean or the base rate, over all rows: dividing by it makes tasks comparable.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    prior: NDArray[np.float64]
    fold_loss: NDArray[np.float64]
    base_loss: NDArray[np.float64]


def target_scales(rows: TrainingRows) -> TargetScales:
    """Measure labels, fold by fold.

    Parameters
    ----------
    rows : TrainingRows

    Returns
    -------
    TargetScales
    """
    n_folds, layout = rows.n_folds, rows.layout
    mean = np.zeros((n_folds, layout.n_outputs))
    deviation = np.ones_like(mean)
    prior = np.zeros_like(mean)
    fold_loss = np.ones((n_folds, len(layout.kinds)))
    base_loss = np.ones(len(layout.kinds))
    for task, (kind, outputs) in enumerate(zip(layout.kinds, layout.slices, strict=True)):
        value = rows.values[:, task]
        in_fold = rows.weights[:, task] * (rows.fold != np.arange(n_folds)[:, None])  # (G, R)
        if kind == "regression":
            overall, spread = _moments(value, rows.weights[None, :, task])
            # A fold may hold out all labels of a scarce task.
            has_labels = in_fold.any(axis=1, keepdims=True)
            fold_mean, fold_deviation = _moments(value, in_fold)
            mean[:, outputs] = np.where(has_labels, fold_mean, overall)
            deviation[:, outputs] = fold_deviation
            base_loss[task] = spread.item() ** 2
            continue
        n_classes = max(2, outputs.stop - outputs.start)
        is_class = value[:, None] == np.arange(n_classes)  # (R, K)
        rates = _base_rates(in_fold, is_class)  # (G, K)
        log_rates = np.log(rates)
        prior[:, outputs] = log_rates if kind == "multiclass" else log_rates[:, 1:] - log_rates[:, :1]
        fold_loss[:, task] = -(rates * log_rates).sum(axis=1)
        base_rates = _base_rates(rows.weights[None, :, task], is_class)[0]
        base_loss[task] = -(base_rates * np.log(base_rates)).sum()
    return TargetScales(mean, deviation, prior, fold_loss, base_loss)


def _moments(
    value: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    total = weights.sum(axis=1, keepdims=True)  # (G, 1)
    shares = weights / np.where(total > 0, total, 1.0)
    mean = (shares * value).sum(axis=1, keepdims=True)
    deviation = np.sqrt((shares * (value - mean) ** 2).sum(axis=1, keepdims=True))
    noise = 1e-12 * np.abs(mean)
    return mean, np.where(deviation > noise, deviation, 1.0)


def _base_rates(weights: NDArray[np.float64], is_class: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each class, (G, K); as if half of a mean row of each had been seen before."""
    counts = weights @ is_class.astype(np.float64)
    counts += 0.5 * weights.sum(axis=1, keepdims=True) / np.maximum((weights > 0).sum(axis=1), 1)[:, None]
    # A fold may hold out all labels of a scarce task: all classes are then alike.
    counts[~(counts > 0).any(axis=1)] = 1.0
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
