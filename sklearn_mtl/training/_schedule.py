"""Which tasks are trained when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._rows import TrainingRows


@dataclass(frozen=True)
class Stage:
    """A part of training.

    Attributes
    ----------
    tasks : tuple of int
        Whose loss is minimised.
    scored : tuple of int
        Whose loss on held-out rows chooses the epoch that is kept: all that have been trained so far.
    n_epochs : int
        At most.
    trains_trunk : bool
        What tasks share is trained, too.
    """

    tasks: tuple[int, ...]
    scored: tuple[int, ...]
    n_epochs: int
    trains_trunk: bool


@dataclass(frozen=True)
class Schedule:
    """The stages of training.

    Attributes
    ----------
    stages : tuple of Stage
        Each with cycles of its own.
    alternates : bool, default=False
        Each step minimises the loss of one task, in turn.
    """

    stages: tuple[Stage, ...]
    alternates: bool = False


def together(tasks: Sequence[int], *, max_epochs: int, alternates: bool = False) -> Schedule:
    """Train all tasks in one stage.

    Parameters
    ----------
    tasks : sequence of int
        All of them.
    max_epochs : int
    alternates : bool, default=False
        Each step minimises the loss of one task, in turn.

    Returns
    -------
    Schedule
    """
    stage = Stage(tuple(tasks), tuple(tasks), max_epochs, trains_trunk=True)
    return Schedule((stage,), alternates)


def one_by_one(order: Sequence[int], *, max_epochs: int, frozen: bool) -> Schedule:
    """Train task after task, each for its part of the epochs.

    Parameters
    ----------
    order : sequence of int
        At most as many tasks as epochs.
    max_epochs : int
        Of all tasks.
    frozen : bool
        Only the first task trains the trunk.

    Returns
    -------
    Schedule

    Examples
    --------
    >>> [(stage.tasks, stage.n_epochs) for stage in one_by_one([2, 0, 1], max_epochs=10, frozen=True).stages]
    [((2,), 3), ((0,), 4), ((1,), 3)]
    """
    ends = [round(max_epochs * place / len(order)) for place in range(len(order) + 1)]
    return Schedule(
        tuple(
            Stage((task,), tuple(order[: place + 1]), ends[place + 1] - ends[place], not frozen or place == 0)
            for place, task in enumerate(order)
        )
    )


def label_affinity(rows: TrainingRows) -> NDArray[np.float64]:
    r"""Measure how much the labels of two tasks say of each other, on rows that have both.

    It is the RV coefficient [1]_ :math:`\|A^\top B\|^2 / (\|A^\top A\| \|B^\top B\|)` of numbers and of
    indicators of classes, less their means: the squared correlation of two numbers.

    Parameters
    ----------
    rows : TrainingRows

    Returns
    -------
    ndarray of shape (T, T)
        From 0 to 1; 0 where less than three rows have both labels.

    References
    ----------
    .. [1] Escoufier (1973). Le traitement des variables vectorielles. Biometrics 29, 751-760.
    """
    indicators = [_indicators(rows, task) for task in range(rows.weights.shape[1])]
    seen = rows.weights > 0
    affinity = np.eye(len(indicators))
    for one in range(len(indicators)):
        for other in range(one):
            both = seen[:, one] & seen[:, other]
            if both.sum() > 2:
                value = _rv_coefficient(indicators[one][both], indicators[other][both])
                affinity[one, other] = affinity[other, one] = value
    return affinity


def _indicators(rows: TrainingRows, task: int) -> NDArray[np.float64]:
    """Give a number's values, or a column for each of a task's classes."""
    value = rows.values[:, task]
    if task in rows.layout.classes:
        return np.asarray(value[:, None] == np.unique(value), dtype=np.float64)
    return value[:, None]


def _rv_coefficient(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    size = np.linalg.norm(one.T @ one) * np.linalg.norm(other.T @ other)
    return float(np.linalg.norm(one.T @ other) ** 2 / size) if size > 0 else 0.0


def by_affinity(affinity: NDArray[np.float64], tasks: Sequence[int]) -> list[int]:
    """Order tasks: first the one with the most affinity to the others, then the one nearest to those before.

    Parameters
    ----------
    affinity : ndarray of shape (T, T)
    tasks : sequence of int
        Which of them.

    Returns
    -------
    list of int
        Of tasks that are equally near, the one that comes first in y.

    Examples
    --------
    >>> import numpy as np
    >>> by_affinity(np.array([[1.0, 0.1, 0.2], [0.1, 1.0, 0.9], [0.2, 0.9, 1.0]]), [0, 1, 2])
    [2, 1, 0]
    """
    left, order = list(tasks), list[int]()
    while left:
        near = affinity[left][:, order or left].mean(axis=1)
        order.append(left.pop(int(near.argmax())))
    return order
