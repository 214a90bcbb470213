"""Intervals and sets that hold a label with a given probability, from out-of-fold errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tasks import Task
from ._fit import FitInput

# Of the squared width: what grows with the spread. Never all of it, as a spread may be 0.
SHARES_OF_SPREAD = np.linspace(0.0, 0.95, 20)
_COMPARED_COVERAGE = 0.9
_MOST_COMPARED = 100_000  # labels
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Scores:
    """How far off out-of-fold predictions of a task are.

    Attributes
    ----------
    name : str
        Of the task.
    values : ndarray of shape (n,)
        From small to great.
    shares : ndarray of shape (n,)
        Of the weight of labels, summed up to each of them.
    n_labels : float
        So many labels of equal weight would say as much.
    """

    name: str
    values: NDArray[np.float64]
    shares: NDArray[np.float64]
    n_labels: float

    @classmethod
    def of(cls, name: str, values: NDArray[np.float64], weights: NDArray[np.float64]) -> Scores:
        """Put scores in order; `values` and `weights` have shape (n,)."""
        order = np.argsort(values, kind="stable")
        shares = np.cumsum(weights[order])
        total = shares[-1] if len(shares) else 1.0
        n_labels = float(total**2 / np.square(weights).sum()) if len(shares) else 0.0
        return cls(name, values[order], shares / total, n_labels)

    def quantile(self, coverage: float, *, owner: str) -> float:
        """Give what a new score is not above with a given probability.

        Of n labels of equal weight it is the k-th score, k = ceil(coverage · (n + 1)): if all n + 1 scores
        are as likely to come in any order, the new one is among the k least with probability k / (n + 1).

        Parameters
        ----------
        coverage : float
        owner : str
            Who asks; errors start with it.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            There are too few labels.
        """
        level = coverage * (1 + 1 / self.n_labels) if self.n_labels else np.inf
        if level > 1 + _ROUNDING:
            needed = ceil(coverage / (1 - coverage) - _ROUNDING)
            most = self.n_labels / (self.n_labels + 1)
            raise ValueError(
                f"{owner}: task {self.name!r} has {self.n_labels:.4g} labels, counted by their weights, and "
                f"a coverage of {coverage:g} needs {needed}; label more rows, or ask for at most {most:.3f}."
            )
        place = int(np.searchsorted(self.shares, level - _ROUNDING))
        return float(self.values[min(place, len(self.values) - 1)])


@dataclass(frozen=True, eq=False)
class Interval:
    """The intervals of a task of numbers.

    Attributes
    ----------
    task : Task
    scores : Scores
        Errors in units of the width.
    share : float
        Of the squared width that grows with the spread.
    mean_square : float
        Of the spread out of fold.
    """

    task: Task
    scores: Scores
    share: float
    mean_square: float

    def bounds(
        self, outputs: NDArray[np.float64], spread: NDArray[np.float64], coverage: float, *, owner: str
    ) -> NDArray[np.float64]:
        """Give lower and upper bounds.

        Parameters
        ----------
        outputs : ndarray of shape (B, O)
            Of this task, on the scale that is learned.
        spread : ndarray of shape (B,)
        coverage : float
        owner : str
            Who asks; errors start with it.

        Returns
        -------
        ndarray of shape (B, 2)
            On the scale of the labels.
        """
        factor = self.scores.quantile(coverage, owner=owner)
        margin = factor * widths(spread, self.share, self.mean_square)  # (B,)
        low, high = outputs[:, 0] - margin, outputs[:, -1] + margin
        if factor < 0:  # quantiles that are too wide; they may be moved up to each other, not across
            middle = (low + high) / 2
            low, high = np.minimum(low, middle), np.maximum(high, middle)
        if self.task.kind == "poisson":  # which are never negative
            low = np.maximum(low, 0.0)
        return self.task.numbers(np.stack([low, high], axis=1))


def widths(spread: NDArray[np.float64], share: float, mean_square: float) -> NDArray[np.float64]:
    """Give the width that an error is measured by: sqrt(1 - share + share · spread² / mean_square).

    Parameters
    ----------
    spread : ndarray of shape (B,)
    share : float
        From 0, the same width for all, to below 1.
    mean_square : float
        Of the spread out of fold.

    Returns
    -------
    ndarray of shape (B,)
    """
    return np.sqrt(1 - share + share * np.square(spread) / mean_square)


def fit_intervals(
    read: FitInput, outputs: NDArray[np.float64], spread: NDArray[np.float64], *, is_used: NDArray[np.bool_]
) -> dict[str, Interval]:
    """Measure the errors of tasks of numbers out of fold.

    The error of a label is how far it is above or below the prediction, or the outermost quantiles, in units
    of `widths`. The share of the spread in them is that of the least interval score [1]_ at a coverage of
    0.9, the mean over labels (100,000 or less) of width + 20 · (what a label is outside).

    Parameters
    ----------
    read : FitInput
    outputs, spread : ndarray of shape (B, O)
        Out of fold.
    is_used : ndarray of bool, shape (B,)
        Rows with a prediction out of fold.

    Returns
    -------
    dict from str to Interval
        By the names of the tasks that are numbers.

    References
    ----------
    .. [1] Gneiting, Raftery (2007). Strictly proper scoring rules, prediction, and estimation. JASA 102.
    """
    intervals = {}
    for task, place, seen, weights in _labelled(read, is_used):
        if task.classes is not None:
            continue
        labels = task.forward(read.targets.values[seen, place.task])
        low, high = outputs[seen, place.first], outputs[seen, place.last]
        errors = np.maximum(low - labels, labels - high)
        its_spread = spread[seen, place.middle]
        mean_square = float(np.average(np.square(its_spread), weights=weights)) if len(labels) else 0.0
        share = 0.0
        if mean_square > 0:
            some = slice(None, None, -(-len(labels) // _MOST_COMPARED))
            share = _best_share(
                errors[some], (high - low)[some], its_spread[some], mean_square, weights[some]
            )
        scores = errors / widths(its_spread, share, mean_square or 1.0)
        intervals[task.name] = Interval(
            task, Scores.of(task.name, scores, weights), share, mean_square or 1.0
        )
    return intervals


def fit_sets(
    read: FitInput, probabilities: dict[str, NDArray[np.float64]], *, is_used: NDArray[np.bool_]
) -> dict[str, Scores]:
    """Measure what the classes of labels lack to a probability of 1 out of fold.

    Parameters
    ----------
    read : FitInput
    probabilities : dict from str to ndarray of shape (B, K)
        Out of fold.
    is_used : ndarray of bool, shape (B,)
        Rows with a prediction out of fold.

    Returns
    -------
    dict from str to Scores
        By the names of the tasks that have classes.
    """
    scores = {}
    for task, place, seen, weights in _labelled(read, is_used):
        if task.classes is not None:
            codes = read.targets.values[seen, place.task].astype(np.intp)
            lacking = 1 - probabilities[task.name][seen, codes]
            scores[task.name] = Scores.of(task.name, lacking, weights)
    return scores


def likely_classes(
    probabilities: NDArray[np.float64], scores: Scores, coverage: float, *, owner: str
) -> NDArray[np.bool_]:
    """Tell the classes in the set of each row.

    Parameters
    ----------
    probabilities : ndarray of shape (B, K)
    scores : Scores
        Of the same task.
    coverage : float
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of bool, shape (B, K)
    """
    most = scores.quantile(coverage, owner=owner)
    greatest = probabilities.max(axis=1, keepdims=True)
    return np.asarray((1 - probabilities <= most) | (probabilities == greatest))


def check_coverage(coverage: Any, *, owner: str) -> None:
    """Refuse what is no probability.

    Parameters
    ----------
    coverage : object
        As the user gave it.
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    ValueError
        It is not a number between 0 and 1.
    """
    if not isinstance(coverage, float | np.floating) or not 0 < coverage < 1:
        raise ValueError(
            f"{owner}: coverage is {coverage!r}, expected a number between 0 and 1, such as 0.9."
        )


@dataclass(frozen=True)
class _Place:
    """Where a task stands in y and its outputs among all outputs."""

    task: int
    first: int
    last: int
    middle: int


def _labelled(
    read: FitInput, is_used: NDArray[np.bool_]
) -> Iterator[tuple[Task, _Place, NDArray[np.intp], NDArray[np.float64]]]:
    """Give each task, its place, the rows of its labels and their weights."""
    first = 0
    for number, task in enumerate(read.task_set.tasks):
        seen = np.flatnonzero(is_used & (read.sample_weight[:, number] > 0))
        last = first + task.n_outputs - 1
        yield task, _Place(number, first, last, first + task.middle), seen, read.sample_weight[seen, number]
        first = last + 1


def _best_share(
    errors: NDArray[np.float64],
    inner: NDArray[np.float64],
    spread: NDArray[np.float64],
    mean_square: float,
    weights: NDArray[np.float64],
) -> float:
    """Find the share of the spread whose intervals have the least score."""
    penalty = 2 / (1 - _COMPARED_COVERAGE)
    losses = []
    for share in SHARES_OF_SPREAD:
        width = widths(spread, share, mean_square)
        ordered = Scores.of("", errors / width, weights)
        place = np.searchsorted(ordered.shares, _COMPARED_COVERAGE - _ROUNDING)
        margin = ordered.values[place] * width
        length = np.maximum(inner + 2 * margin, 0.0)
        losses.append(np.average(length + penalty * np.maximum(errors - margin, 0.0), weights=weights))
    return float(SHARES_OF_SPREAD[int(np.argmin(losses))])
