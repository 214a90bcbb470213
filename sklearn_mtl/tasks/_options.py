"""Options that each task may have of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from ._columns import check_known_tasks
from ._task_set import Task, TaskSet

Option = TypeVar("Option")


def options_by_task(
    given: Any,
    task_set: TaskSet,
    *,
    read: Callable[[Any], Option],
    off: Option,
    kinds: Collection[str],
    argument: str,
    owner: str,
) -> list[Option]:
    """Read an option that tasks of some kinds have.

    Parameters
    ----------
    given : object, mapping from task name to object, or sequence of length T
        One for all tasks of these kinds; by name, `off` for tasks not named; or in task order.
    task_set : TaskSet
        The tasks.
    read : callable
        Turns what is given for a task into the option; raises a ValueError that says what it expected.
    off : object
        The option of a task that has none.
    kinds : collection of str
        The others have none.
    argument : str
        What the option is called in errors.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    list of length T

    Raises
    ------
    ValueError
        A task is unknown, or gets what it cannot have; no task is of these kinds.

    Examples
    --------
    >>> from sklearn_mtl.tasks import options_by_task, read_tasks
    >>> task_set, _ = read_tasks([[0, "a"], [1, "b"], [0, "c"]], kind="classification", owner="Example")
    >>> given = {"task_0": 0.3}
    >>> options_by_task(
    ...     given, task_set, read=float, off=0.5, kinds=["binary"], argument="thresholds", owner="Example"
    ... )
    [0.3, 0.5]
    """
    tasks = task_set.tasks
    if isinstance(given, Mapping):
        check_known_tasks(given, task_set.names, argument=argument, owner=owner)
        per_task = [given.get(task.name, off) for task in tasks]
    elif isinstance(given, list | tuple):
        if len(given) != len(tasks):
            raise ValueError(
                f"{owner}: {argument} has {len(given)} items, expected {len(tasks)}, one for each of the "
                f"tasks {task_set.names}; or give a dict by task name."
            )
        per_task = list(given)
    else:
        per_task = [given if task.kind in kinds else off for task in tasks]
        if given != off and not any(task.kind in kinds for task in tasks):
            raise ValueError(
                f"{owner}: {argument} is {given!r}, but none of the tasks {task_set.names} is "
                f"{' or '.join(kinds)}; leave it out."
            )
    return [
        _read_one(value, task, read=read, off=off, kinds=kinds, argument=argument, owner=owner)
        for value, task in zip(per_task, tasks, strict=True)
    ]


def _read_one(
    value: Any,
    task: Task,
    *,
    read: Callable[[Any], Option],
    off: Option,
    kinds: Collection[str],
    argument: str,
    owner: str,
) -> Option:
    try:
        option = read(value)
    except ValueError as error:
        reason = f"{argument} of task {task.name!r} is {value!r}, expected {error}"
        raise ValueError(f"{owner}: {reason}.") from error
    if option != off and task.kind not in kinds:
        raise ValueError(
            f"{owner}: {argument} gives {value!r} to task {task.name!r}, which is {task.kind}; only tasks "
            f"that are {' or '.join(kinds)} can have it. Leave the task out."
        )
    return option
