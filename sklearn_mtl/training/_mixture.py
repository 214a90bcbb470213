"""How much of each task every view says: the network, the linear view, the forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..nn import prediction_losses
from ._rows import TargetScales, TrainingRows

_STEPS = 20
_MOST_LABELS = 500_000
_VALUES_AT_ONCE = 2**19
_FEW_LABELS = 200
# Of the loss of the base rate: what one task gains below it does not count for the others.
_SMALL_LOSS = 0.05
# What views of a task alone have to gain, in units of the loss of one label.
_LEAST_GAIN = 2.0


def view_shares(
    views: Sequence[NDArray[np.float64]], rows: TrainingRows, scales: TargetScales
) -> NDArray[np.float64]:
    """Find the share of each view in each task's prediction by their out-of-fold losses.

    A task's share has the least product of its own loss and the geometric mean of all tasks' losses, the
    latter to the power of 200 / (200 + n), n its labels: few labels cannot tell similar views apart, many
    can. Losses, relative to the base rate, are raised by 1 / n²: a perfect fit of few labels is worth little.

    Parameters
    ----------
    views : sequence of ndarray of shape (R, O), length M
        Out-of-fold numbers and probabilities. Of views that serve equally well, earlier ones are preferred.
    rows : TrainingRows
        The labels; at most so many rows that they have 500,000 of them are looked at.
    scales : TargetScales
        Of the same rows.

    Returns
    -------
    ndarray of shape (M, T)
        From 0 to 1, in steps of a twentieth; sums to 1 over M.
    """
    return _best_mixture(views, rows, scales)[0]


def mixture_loss(
    views: Sequence[NDArray[np.float64]],
    rows: TrainingRows,
    scales: TargetScales,
    *,
    tag_loss: NDArray[np.float64] | tuple[()] = (),
) -> float:
    """Measure the out-of-fold loss of views that are mixed in the shares of `view_shares`.

    Parameters
    ----------
    views, rows, scales
        As of `view_shares`.
    tag_loss : ndarray of shape (T',), default=()
        Out-of-fold losses of tasks of tags, which the network alone learns.

    Returns
    -------
    float
        In units of the loss of the base rate, the mean over tasks.
    """
    losses = np.append(_best_mixture(views, rows, scales)[1], tag_loss)
    return float(
        np.average(losses, weights=np.append(rows.task_weight, [of.task_weight for of in rows.tags]))
    )


def _best_mixture(
    views: Sequence[NDArray[np.float64]], rows: TrainingRows, scales: TargetScales
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the shares (M, T), and each task's loss relative to the base rate (T,)."""
    if not rows.layout.kinds:  # all tasks are of tags
        return np.empty((len(views), 0)), np.empty(0)
    step = -(-rows.values.size // _MOST_LABELS)
    seen = replace(rows, values=rows.values[::step], weights=rows.weights[::step])
    candidates = _simplex(len(views))
    losses = np.stack(
        [
            mean_losses(sum(share * view[::step] for share, view in zip(shares, views, strict=True)), seen)
            for shares in candidates
        ]
    )  # (A, T)
    relative = losses / np.where(scales.base_loss > 0, scales.base_loss, 1.0)
    common = np.average(np.log(relative + _SMALL_LOSS), axis=1, weights=rows.task_weight)  # (A,)
    n_labels = np.count_nonzero(rows.weights, axis=0)  # (T,)
    power = _FEW_LABELS / (_FEW_LABELS + n_labels)
    own = relative + 1 / np.maximum(n_labels, 1) ** 2
    best = last_least(own * np.exp(np.outer(common, power)))  # (T,)
    return candidates[best].T, relative[best, np.arange(len(best))]


def share_alone(
    joint: NDArray[np.float64],
    alone: NDArray[np.float64],
    rows: TrainingRows,
    scales: TargetScales,
) -> float:
    """Find the share of views that were trained for one task alone, by the out-of-fold loss of the mixture.

    Views that were trained for all tasks keep everything unless the mixture of the least loss takes more
    than 2 / n, for n labels, off the logarithm of their loss: what Akaike's criterion wants of one parameter.

    Parameters
    ----------
    joint, alone : ndarray of shape (R, O)
        Out-of-fold numbers and probabilities.
    rows : TrainingRows
        The labels of this task; as in `view_shares`, at most 500,000 of them are looked at.
    scales : TargetScales
        Of the same rows.

    Returns
    -------
    float
        From 0 to 1, in steps of a twentieth.
    """
    step = -(-rows.values.size // _MOST_LABELS)
    seen = replace(rows, values=rows.values[::step], weights=rows.weights[::step])
    shares = np.arange(_STEPS + 1) / _STEPS
    losses = np.array(
        [mean_losses((1 - share) * joint[::step] + share * alone[::step], seen)[0] for share in shares]
    )
    n_labels = max(int(np.count_nonzero(rows.weights)), 1)
    logs = np.log(losses / (scales.base_loss[0] or 1.0) + 1 / n_labels**2)
    best = int(np.argmin(logs))
    return float(shares[best]) if logs[best] < logs[0] - _LEAST_GAIN / n_labels else 0.0


@dataclass(frozen=True)
class Comparison:
    """Out-of-fold losses of one task, of views for all tasks and of views for this task alone.

    Attributes
    ----------
    joint, alone : float
        Mean losses, relative to the base rate.
    standard_error : float
        Of their difference, paired over rows, clustered by group.
    """

    joint: float
    alone: float
    standard_error: float


def compare(
    joint: NDArray[np.float64],
    alone: NDArray[np.float64],
    rows: TrainingRows,
    scales: TargetScales,
    *,
    groups: NDArray[np.int64],
) -> Comparison:
    """Compare views for all tasks with those for one task alone.

    Parameters
    ----------
    joint, alone : ndarray of shape (R, O)
        Out-of-fold numbers and probabilities.
    rows : TrainingRows
        The labels of this task.
    scales : TargetScales
        Of the same rows.
    groups : ndarray of int64, shape (R,)
        Rows of one group do not count as independent.

    Returns
    -------
    Comparison
    """
    targets, base = torch.from_numpy(rows.values), scales.base_loss[0] or 1.0
    of_joint, of_alone = (
        prediction_losses(torch.from_numpy(outputs), targets, rows.layout).numpy()[:, 0] / base
        for outputs in (joint, alone)
    )  # (R,)
    shares = rows.weights[:, 0] / rows.weights[:, 0].sum()
    difference = of_alone - of_joint
    mean = float(shares @ difference)
    by_group = np.bincount(groups, weights=shares * (difference - mean))
    n_groups = len(np.unique(groups))
    error = np.sqrt(by_group @ by_group * n_groups / max(n_groups - 1, 1))
    return Comparison(float(shares @ of_joint), float(shares @ of_alone), float(error))


def _simplex(n_views: int) -> NDArray[np.float64]:
    """List all shares in steps of a twentieth, (A, M); the first view's ascend."""
    if n_views == 1:
        return np.ones((1, 1))
    counts = np.stack(np.meshgrid(*[np.arange(_STEPS + 1)] * (n_views - 1), indexing="ij"), axis=-1)
    counts = counts.reshape(-1, n_views - 1)
    counts = counts[counts.sum(axis=1) <= _STEPS]
    return np.asarray(np.column_stack([counts, _STEPS - counts.sum(axis=1)]) / _STEPS)


def last_least(losses: NDArray[np.float64]) -> NDArray[np.intp]:
    """Find the last of the rows whose loss is least but for rounding, column by column.

    Parameters
    ----------
    losses : ndarray of shape (A, T)
        Not negative.

    Returns
    -------
    ndarray of shape (T,)
    """
    is_least = losses <= losses.min(axis=0) * (1 + 1e-9)
    return np.asarray(len(losses) - 1 - is_least[::-1].argmax(axis=0))


def mean_losses(predictions: NDArray[np.float64], rows: TrainingRows) -> NDArray[np.float64]:
    """Average each task's loss over its observed labels.

    Parameters
    ----------
    predictions : ndarray of shape (R, O)
        Numbers and probabilities.
    rows : TrainingRows
        The labels.

    Returns
    -------
    ndarray of shape (T,)
        0 for a task without weight.
    """
    sums = np.zeros(len(rows.task_weight))
    step = max(1, _VALUES_AT_ONCE // max(1, rows.values.shape[1]))
    for start in range(0, len(rows.values), step):
        block = slice(start, start + step)
        targets = torch.from_numpy(rows.values[block])
        losses = prediction_losses(torch.from_numpy(predictions[block]), targets, rows.layout)
        sums += (rows.weights[block] * losses.numpy()).sum(axis=0)
    totals = rows.weights.sum(axis=0)
    return np.asarray(sums / np.where(totals > 0, totals, 1.0))
