"""How much of a label all classes of its task have alike."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from ._columns import check_known_tasks
from ._task_set import TaskSet


def smoothing_of_each(task_set: TaskSet, label_smoothing: Any, *, owner: str) -> list[float] | None:
    """Read ``label_smoothing`` as one share a task.

    Parameters
    ----------
    task_set : TaskSet
        The tasks.
    label_smoothing : float, or mapping from task name to float
        A float is for all tasks of classes; a task that a mapping leaves out has none.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    list of float, length T, or None
        None if all are 0.

    Raises
    ------
    ValueError
        A share is not at least 0 and below 1; a task is unknown, or has no classes.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_tasks, smoothing_of_each
    >>> task_set, _ = read_tasks([[1.5, "a"], [2.5, "b"]], kind=None, owner="Example")
    >>> smoothing_of_each(task_set, 0.1, owner="Example")
    [0.0, 0.1]
    """
    if isinstance(label_smoothing, Mapping):
        check_known_tasks(label_smoothing, task_set.names, argument="label_smoothing", owner=owner)
        given = [label_smoothing.get(name, 0.0) for name in task_set.names]
    else:
        given = [0.0 if task.classes is None else label_smoothing for task in task_set.tasks]
    for task, share in zip(task_set.tasks, given, strict=True):
        if not isinstance(share, Real) or not 0 <= float(share) < 1:
            raise ValueError(
                f"{owner}: label_smoothing of task {task.name!r} is {share!r}, expected a number from 0 to "
                "below 1."
            )
        if share and task.classes is None:
            raise ValueError(
                f"{owner}: label_smoothing gives {share!r} to task {task.name!r}, which is {task.kind} "
                "and has no classes; leave it out."
            )
    return [float(share) for share in given] if any(given) else None
