"""Decision thresholds of binary tasks, chosen on out-of-fold probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import Targets, TaskSet

Threshold = float | str

UNCHANGED = 0.5
# Of scores: what differs by less is equal, as sums of weights round.
_TOLERANCE = 1e-12

_Counts = NDArray[np.float64]


def read_threshold(given: Any) -> Threshold | None:
    """Check what is asked for a task.

    Parameters
    ----------
    given : object
        As the user gave it.

    Returns
    -------
    float, str or None

    Raises
    ------
    ValueError
        It is neither a number from 0 to 1 nor the name of a metric; says what was expected.
    """
    if given is None or (isinstance(given, str) and given in METRICS_OF_COUNTS):
        return given
    is_number = isinstance(given, Real) and not isinstance(given, bool | np.bool_)
    if is_number and 0 <= (threshold := float(given)) <= 1:
        return threshold
    raise ValueError(f"a number from 0 to 1, or one of {sorted(METRICS_OF_COUNTS)}")


def choose_thresholds(
    asked: Sequence[Threshold | None],
    probabilities: Mapping[str, NDArray[np.float64]],
    task_set: TaskSet,
    targets: Targets,
    *,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Take the thresholds that are given, and choose others by their metrics.

    Parameters
    ----------
    asked : sequence of float, str or None, length T
    probabilities : mapping from str to ndarray of shape (B, K)
        Out-of-fold probabilities by task.
    task_set : TaskSet
        The tasks.
    targets : Targets
        Their labels.
    weights : ndarray of shape (B, T)
        Of labels; 0 where missing.

    Returns
    -------
    ndarray of shape (T,)
        0.5 where nothing is asked; NaN for tasks that are not binary.
    """
    thresholds = np.full(len(asked), np.nan)
    for place, (task, wanted) in enumerate(zip(task_set.tasks, asked, strict=True)):
        if isinstance(wanted, str):
            probability, is_second = probabilities[task.name][:, 1], targets.values[:, place] == 1
            thresholds[place] = best_threshold(probability, is_second, weights[:, place], metric=wanted)
        elif task.kind == "binary":
            thresholds[place] = UNCHANGED if wanted is None else wanted
    return thresholds


def best_threshold(
    probability: NDArray[np.float64],
    is_second: NDArray[np.bool_],
    weight: NDArray[np.float64],
    *,
    metric: str,
) -> float:
    """Find the threshold of the best score, over all that divide the rows differently.

    Parameters
    ----------
    probability : ndarray of shape (B,)
        Of the second class; it is predicted above the threshold.
    is_second : ndarray of bool, shape (B,)
        The labels.
    weight : ndarray of shape (B,)
        Of the labels.
    metric : {"accuracy", "balanced_accuracy", "f1", "f1_second"}
        What is to be great.

    Returns
    -------
    float
        Midway between two probabilities; of equal scores the nearest to 0.5. It is 0.5 if all probabilities
        are the same, or all labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.estimators._thresholds import best_threshold
    >>> probability, is_second = np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, False, True, True])
    >>> best_threshold(probability, is_second, np.ones(4), metric="accuracy")
    0.25
    """
    counts = weight > 0
    probability, is_second, weight = probability[counts], is_second[counts], weight[counts]
    values, place = np.unique(probability, return_inverse=True)
    if len(values) < 2 or is_second.all() or not is_second.any():
        return UNCHANGED
    missed = _below(values, place, weight * is_second)  # of the second class, (C,)
    rejected = _below(values, place, weight * ~is_second)  # of the first
    cuts = _midpoints(values)
    scores = METRICS_OF_COUNTS[metric](missed[-1] - missed, missed, rejected[-1] - rejected, rejected)
    if values[0] == 0:  # no threshold is below it
        cuts, scores = cuts[1:], scores[1:]
    best = cuts[scores >= scores.max() - _TOLERANCE]
    return float(best[np.abs(best - UNCHANGED).argmin()])


def _below(
    values: NDArray[np.float64], place: NDArray[np.intp], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weight below each cut, from below all values to above all; (C,)."""
    return np.concatenate([[0.0], np.cumsum(np.bincount(place, weights=weight, minlength=len(values)))])


def _midpoints(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cuts between neighbours, and between the outer ones and 0 and 1; (C,)."""
    lower, upper = np.concatenate([[0.0], values]), np.concatenate([values, [1.0]])
    middle = (lower + upper) / 2
    return np.where(middle < upper, middle, lower)  # neighbours may have nothing between them


def _recall(found: _Counts, missed: _Counts) -> _Counts:
    return found / (found + missed)


def _f1(found: _Counts, missed: _Counts, wrong: _Counts) -> _Counts:
    return 2 * found / (2 * found + missed + wrong)


# Of weights at each cut: of the second class found and missed, of the first taken for the second and not.
METRICS_OF_COUNTS: dict[str, Callable[[_Counts, _Counts, _Counts, _Counts], _Counts]] = {
    "accuracy": lambda found, missed, wrong, right: (found + right) / (found + missed + wrong + right),
    "balanced_accuracy": lambda found, missed, wrong, right: (
        (_recall(found, missed) + _recall(right, wrong)) / 2
    ),
    "f1": lambda found, missed, wrong, right: (_f1(found, missed, wrong) + _f1(right, wrong, missed)) / 2,
    "f1_second": lambda found, missed, wrong, _: _f1(found, missed, wrong),
}
