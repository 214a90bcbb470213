"""Tasks that continue a series of ``X``: learned relative to its last value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._columns import ColumnInfo, Columns

_MOST_LEFT = 0.5  # of a task's variance, when the last value is taken off
_NONE = -1


@dataclass(frozen=True, eq=False)
class Continuation:
    """Which tasks continue a channel of a sequence column.

    A task that is a later value of a channel, as in forecasting, has the channel's level, which drifts; what
    is learned from one level says little of another one. So it is learned relative to the last value.

    Attributes
    ----------
    places : ndarray of int64, shape (T,)
        Of the last values among the numbers of :class:`Columns`; -1 for a task that continues nothing.
    otherwise : ndarray of shape (T,)
        What stands for the last value of a missing sequence.

    Examples
    --------
    >>> continuation = Continuation(np.array([1, -1]), np.array([0.5, 0.0]))
    >>> columns = Columns(np.array([[7.0, 2.0], [7.0, np.nan]]), np.empty((2, 0), dtype=np.int64))
    >>> continuation.offsets(columns).tolist()
    [[2.0, 0.0], [0.5, 0.0]]
    """

    places: NDArray[np.int64]
    otherwise: NDArray[np.float64]

    def __bool__(self) -> bool:
        return bool((self.places != _NONE).any())

    def offsets(self, columns: Columns) -> NDArray[np.float64]:
        """Give what each task is relative to.

        Parameters
        ----------
        columns : Columns
            B rows.

        Returns
        -------
        ndarray of shape (B, T)
        """
        offsets = np.zeros((columns.n_rows, len(self.places)))
        for task in np.flatnonzero(self.places != _NONE):
            last = columns.numbers[:, self.places[task]]
            offsets[:, task] = np.where(np.isnan(last), self.otherwise[task], last)
        return offsets

    def of(self, tasks: Sequence[int]) -> Continuation:
        """Give what some tasks continue.

        Parameters
        ----------
        tasks : sequence of int

        Returns
        -------
        Continuation
        """
        return Continuation(self.places[list(tasks)], self.otherwise[list(tasks)])

    def columns(self, infos: Iterable[ColumnInfo]) -> list[int]:
        """Give the places in ``X`` of the columns that some task continues."""
        parts = _parts(infos)
        return sorted({parts[place][0].index for place in self.places if place != _NONE})

    def names(self, infos: Iterable[ColumnInfo]) -> list[str | None]:
        """Name what each task continues: its column, and the channel if it has several; None for nothing."""
        parts = _parts(infos)
        return [None if place == _NONE else _channel_name(*parts[place]) for place in self.places]


def find_continuation(
    infos: Iterable[ColumnInfo], columns: Columns, labels: NDArray[np.float64], weights: NDArray[np.float64]
) -> Continuation:
    """Find the channel that each task continues, if there is one.

    It is the one whose last value is nearest to the labels, if less than half of their variance is left.

    Parameters
    ----------
    infos : iterable of ColumnInfo
        Of the columns.
    columns : Columns
        B rows.
    labels : ndarray of shape (B, T)
    weights : ndarray of shape (B, T)
        Of labels; 0 where missing. A task without any continues nothing.

    Returns
    -------
    Continuation

    Examples
    --------
    >>> last = np.array([[1.0], [5.0], [9.0]])
    >>> info = ColumnInfo("load", "sequence", 0, parts=("last",), n_channels=1)
    >>> columns = Columns(last, np.empty((3, 0), dtype=np.int64))
    >>> labels = np.hstack([last + 0.5, [[1.0], [0.0], [1.0]]])
    >>> find_continuation([info], columns, labels, np.ones_like(labels)).names([info])
    ['load', None]
    """
    lasts = [
        place
        for place, (info, part) in enumerate(_parts(infos))
        if info.kind == "sequence" and part.partition(" ")[0] == "last"
    ]
    n_tasks = labels.shape[1]
    places, otherwise = np.full(n_tasks, _NONE, dtype=np.int64), np.zeros(n_tasks)
    for task, (label, weight) in enumerate(zip(labels.T, weights.T, strict=True)):
        left = [_left(label, columns.numbers[:, place], weight) for place in lasts]
        if left and min(left) < _MOST_LEFT:
            places[task] = lasts[int(np.argmin(left))]
            seen = columns.numbers[weight > 0, places[task]]
            otherwise[task] = float(np.median(np.unique(seen[~np.isnan(seen)])))
    return Continuation(places, otherwise)


def _left(label: NDArray[np.float64], last: NDArray[np.floating], weight: NDArray[np.float64]) -> float:
    """Give the share of a task's variance that is left without the last value; infinite for a constant."""
    counts = (weight > 0) & ~np.isnan(last)
    if not counts.any():
        return np.inf
    label, last, weight = label[counts], last[counts], weight[counts]
    variance = np.average((label - np.average(label, weights=weight)) ** 2, weights=weight)
    return float(np.average((label - last) ** 2, weights=weight) / variance) if variance > 0 else np.inf


def _parts(infos: Iterable[ColumnInfo]) -> list[tuple[ColumnInfo, str]]:
    """List the numbers of all columns, each with its column."""
    return [(info, part) for info in infos for part in info.parts or [""] * info.n_numbers]


def _channel_name(info: ColumnInfo, part: str) -> str:
    channel = part.partition(" ")[2]
    return f"{info.name}[{channel}]" if channel else info.name
