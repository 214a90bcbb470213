"""Options of the order in which tasks are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator

from .training import Schedule, TrainingRows, by_affinity, label_affinity, one_by_one, together

__all__ = ["SequentialSchedule"]

SCHEDULES = ("joint", "sequential", "alternating")


class SequentialSchedule(BaseEstimator):
    """One task after the other: what may stand for ``schedule`` in place of ``"sequential"``.

    The first task trains all of the networks; each later one goes on from there. All have the same number
    of epochs, ``max_epochs`` together, and each stage keeps the epoch with the least loss on held-out rows of
    the tasks that have been trained so far. What tasks have of their own is trained with their task alone.

    Parameters
    ----------
    order : {"affinity"}, sequence of str or None, default=None
        Names of all tasks whose weight is not 0. None is their order in y. ``"affinity"`` begins with the
        task whose labels say most of the others', and goes on with that whose labels are nearest to those
        before, by the RV coefficient of labels: the squared correlation of two numbers.
    frozen : bool, default=True
        What tasks share stays as the first task has left it. Otherwise each task goes on training it, and
        those before may be forgotten.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.schedules import SequentialSchedule
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> schedule = SequentialSchedule(order=["task_1", "task_0"])
    >>> model = MultiTaskAttentionRegressor(schedule=schedule, preset="fast", max_epochs=6, random_state=0)
    >>> model.fit(X, X[:, :2]).task_order_
    ['task_1', 'task_0']
    """

    def __init__(self, *, order: Any = None, frozen: bool = True) -> None:
        self.order = order
        self.frozen = frozen


def check_schedule(schedule: Any, *, owner: str) -> None:
    """Refuse what is no schedule.

    Parameters
    ----------
    schedule : object
        The parameter.
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    ValueError
        It is nothing that is known.
    """
    if isinstance(schedule, SequentialSchedule):
        if not isinstance(schedule.frozen, bool):
            raise ValueError(f"{owner}: schedule.frozen is {schedule.frozen!r}, expected True or False.")
        if isinstance(schedule.order, str) and schedule.order != "affinity":
            raise ValueError(
                f"{owner}: schedule.order is {schedule.order!r}; choose from 'affinity', a list of task "
                "names, or None."
            )
    elif not (isinstance(schedule, str) and schedule in SCHEDULES):
        listed = ", ".join(repr(choice) for choice in SCHEDULES)
        raise ValueError(f"{owner}: schedule is {schedule!r}; choose from {listed}, or a SequentialSchedule.")


def read_schedule(
    schedule: Any, rows: TrainingRows, *, names: Sequence[str], max_epochs: int, owner: str
) -> Schedule:
    """Make the stages of training.

    Parameters
    ----------
    schedule : object
        The parameter, checked.
    rows : TrainingRows
    names : sequence of str, length T
        Of the tasks.
    max_epochs : int
        Of all stages.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        The order does not name each task once, or there are less epochs than tasks.
    """
    learned = [task for task, weight in enumerate(rows.task_weight) if weight > 0]
    if schedule == "joint" or len(learned) == 1:
        return together(range(len(names)), max_epochs=max_epochs)
    if schedule == "alternating":
        return together(learned, max_epochs=max_epochs, alternates=True)
    options = SequentialSchedule() if schedule == "sequential" else schedule
    if max_epochs < len(learned):
        raise ValueError(
            f"{owner}: max_epochs is {max_epochs}, but a sequential schedule needs an epoch for each of the "
            f"{len(learned)} tasks; choose max_epochs={len(learned)} or more, or another schedule."
        )
    order = _order(options.order, rows, learned, names, owner)
    return one_by_one(order, max_epochs=max_epochs, frozen=options.frozen)


def _order(
    order: Any, rows: TrainingRows, learned: Sequence[int], names: Sequence[str], owner: str
) -> list[int]:
    if order is None:
        return list(learned)
    if isinstance(order, str):
        return by_affinity(label_affinity(rows), learned)
    expected = [names[task] for task in learned]
    if sorted(map(str, order)) != sorted(expected):
        raise ValueError(
            f"{owner}: schedule.order is {list(order)!r}; expected each of the tasks {expected} once."
        )
    return [names.index(name) for name in order]
