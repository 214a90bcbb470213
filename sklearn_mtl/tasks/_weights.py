"""Weights of rows, classes and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ._columns import check_known_tasks
from ._task_set import Targets, Task, TaskSet

ClassWeight = Mapping[Any, float] | str | None


def row_weights(
    task_set: TaskSet, targets: Targets, *, sample_weight: Any = None, class_weight: Any = None, owner: str
) -> np.ndarray:
    """Weight of every label in its task's loss.

    Parameters
    ----------
    task_set : TaskSet
        The tasks.
    targets : Targets
        Their labels.
    sample_weight : array-like of shape (B,) or (B, T), optional
        Weights of rows, or of labels; columns of a DataFrame are matched by name. None is 1.
    class_weight : None, "balanced", mapping, or sequence of these, optional
        ``"balanced"`` gives class k of a task ``n / (K n_k)``, counted in sample weights. A mapping from
        class to weight serves every task that has all its classes; other classes weigh 1. A mapping from
        task name, or a sequence in task order, gives each task its own.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of float64, shape (B, T)
        0 where no label is observed.

    Raises
    ------
    ValueError
        Weights are negative, not finite, of the wrong shape, or leave a task without label or with one
        class only; a class or a task is unknown; a task of numbers has weights of classes.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_tasks, row_weights
    >>> y = ["cat", "cat", "cat", "dog", None]
    >>> task_set, targets = read_tasks(y, kind="classification", owner="Example")
    >>> row_weights(task_set, targets, class_weight="balanced", owner="Example").ravel().round(2)
    array([0.67, 0.67, 0.67, 2.  , 0.  ])
    """
    weights = targets.observed.astype(np.float64)  # (B, T)
    weights *= sample_weight_table(
        sample_weight, n_rows=len(weights), names=task_set.names, is_named=task_set.is_named, owner=owner
    )
    per_task = _class_weight_per_task(class_weight, task_set, owner)
    _check_numbers_have_none(class_weight, per_task, task_set, owner)
    for position, (task, class_weights) in enumerate(zip(task_set.tasks, per_task, strict=True)):
        is_class = task.classes is not None  # numbers may be too great for an integer
        codes = targets.values[:, position].astype(np.intp) if is_class else np.zeros(len(weights), np.intp)
        column = weights[:, position]  # (B,), a view
        if task.classes is not None and class_weights is not None:
            classes = task.classes.tolist()
            column *= _weight_of_classes(class_weights, task.name, classes, codes, column, owner)[codes]
        _check_something_left(task, codes[column > 0], owner)
    return weights


def sample_weight_table(
    sample_weight: Any, *, n_rows: int, names: Sequence[str], is_named: bool, owner: str
) -> np.ndarray:
    """Read ``sample_weight`` as one weight a label.

    Parameters
    ----------
    sample_weight : array-like of shape (B,) or (B, T), or None
        Finite, not negative, not all zero. None is 1.
    n_rows : int
        B.
    names : sequence of str
        The tasks.
    is_named : bool
        The names are the user's own: columns of a DataFrame are then matched by name.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of float64, shape (B, 1) or (B, T)

    Raises
    ------
    ValueError
        Anything else came.

    Examples
    --------
    >>> from sklearn_mtl.tasks import sample_weight_table
    >>> sample_weight_table([1, 2], n_rows=2, names=["a", "b"], is_named=False, owner="Example")
    array([[1.],
           [2.]])
    """
    if sample_weight is None:
        return np.ones((n_rows, 1))
    if isinstance(sample_weight, pd.DataFrame) and is_named:
        sample_weight = _columns_by_name(sample_weight, names, owner)
    weights = _finite_weights(sample_weight, "sample_weight", owner)
    if weights.shape not in ((n_rows,), (n_rows, len(names))):
        raise ValueError(
            f"{owner}: sample_weight has shape {weights.shape}, expected ({n_rows},), or ({n_rows}, "
            f"{len(names)}) for one weight a label."
        )
    if not weights.any():
        raise ValueError(f"{owner}: sample_weight is zero in all {n_rows} rows; some must weigh more.")
    return weights.reshape(n_rows, -1)


def task_weights(task_set: TaskSet, task_weight: Any, *, owner: str) -> np.ndarray:
    """Weight of every task in the loss, as the user gave them.

    Parameters
    ----------
    task_set : TaskSet
        The tasks.
    task_weight : None, mapping from task name to weight, or sequence of shape (T,)
        None is 1 for all; a task that a mapping leaves out weighs 1.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of float64, shape (T,)

    Raises
    ------
    ValueError
        A task is unknown; weights are negative, not finite, all zero, or not as many as tasks.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_tasks, task_weights
    >>> task_set, _ = read_tasks([[1, 2], [3, 4]], kind="regression", owner="Example")
    >>> task_weights(task_set, {"task_1": 3}, owner="Example")
    array([1., 3.])
    """
    return named_weights(task_set.names, task_weight, owner=owner)


def named_weights(names: Sequence[str], task_weight: Any, *, owner: str) -> np.ndarray:
    """Read weights of tasks of which only the names are known; see `task_weights`.

    Parameters
    ----------
    names : sequence of str
        The tasks.
    task_weight : None, mapping from task name to weight, or sequence of shape (T,)
        As in `task_weights`.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of float64, shape (T,)
    """
    names = list(names)
    if task_weight is None:
        return np.ones(len(names))
    if isinstance(task_weight, pd.Series) and not isinstance(task_weight.index, pd.RangeIndex):
        task_weight = task_weight.to_dict()
    if isinstance(task_weight, Mapping):
        check_known_tasks(task_weight, names, argument="task_weight", owner=owner)
        task_weight = [task_weight.get(name, 1.0) for name in names]
    weights = _finite_weights(task_weight, "task_weight", owner)
    if weights.shape != (len(names),):
        raise ValueError(
            f"{owner}: task_weight has shape {weights.shape}, expected ({len(names)},), one for each of the "
            f"tasks {names}; or give a dict by task name."
        )
    if not weights.any():
        raise ValueError(f"{owner}: task_weight is zero for all tasks {names}; some must weigh more.")
    return weights


def _finite_weights(weights: Any, argument: str, owner: str) -> np.ndarray:
    try:
        array = np.array(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{owner}: {argument} must hold numbers: {error}.") from error
    if not np.isfinite(array).all():
        raise ValueError(f"{owner}: {argument} contains NaN or infinity; every weight must be finite.")
    if (array < 0).any():
        raise ValueError(f"{owner}: {argument} contains {array.min():g}; weights must not be negative.")
    return array


def _columns_by_name(frame: pd.DataFrame, names: Sequence[str], owner: str) -> pd.DataFrame:
    columns = [str(name) for name in frame.columns]
    if sorted(columns) != sorted(names):
        raise ValueError(
            f"{owner}: the columns of sample_weight are {columns}, expected the tasks {list(names)}; "
            f"give one column a task, or one weight a row."
        )
    return frame.iloc[:, [columns.index(name) for name in names]]


def _class_weight_per_task(class_weight: Any, task_set: TaskSet, owner: str) -> list[ClassWeight]:
    names = task_set.names
    if class_weight is None or isinstance(class_weight, str):
        return [class_weight] * len(names)
    if not isinstance(class_weight, Mapping):
        if len(class_weight) != len(names):
            raise ValueError(
                f"{owner}: class_weight has {len(class_weight)} items, expected {len(names)}, "
                f"one for each of the tasks {names}."
            )
        return list(class_weight)
    if any(weight is None or isinstance(weight, str | Mapping) for weight in class_weight.values()):
        check_known_tasks(class_weight, names, argument="class_weight", owner=owner)
        return [class_weight.get(name) for name in names]
    return _where_classes_are_known(class_weight, task_set, owner)


def _check_numbers_have_none(
    class_weight: Any, per_task: Sequence[ClassWeight], task_set: TaskSet, owner: str
) -> None:
    if isinstance(class_weight, str):  # for all tasks that have classes
        return
    for task, weight in zip(task_set.tasks, per_task, strict=True):
        if task.classes is None and weight is not None:
            raise ValueError(
                f"{owner}: class_weight gives {weight!r} to task {task.name!r}, which is {task.kind} and has "
                "no classes; leave it out, or give it None."
            )


def _where_classes_are_known(
    class_weight: Mapping[Any, float], task_set: TaskSet, owner: str
) -> list[ClassWeight]:
    per_task: list[ClassWeight] = [
        class_weight if task.classes is not None and set(class_weight) <= set(task.classes.tolist()) else None
        for task in task_set.tasks
    ]
    if not any(weights is not None for weights in per_task):
        known = {task.name: task.classes.tolist() for task in task_set.tasks if task.classes is not None}
        raise ValueError(
            f"{owner}: class_weight names the classes {list(class_weight)}, and no task has all of them; "
            f"the classes are {known}. A dict by task name gives every task its own."
        )
    return per_task


def _weight_of_classes(
    class_weight: ClassWeight,
    name: str,
    classes: list[Any],
    codes: np.ndarray,
    weights: np.ndarray,
    owner: str,
) -> np.ndarray:
    if class_weight == "balanced":
        counts = np.bincount(codes, weights=weights, minlength=len(classes))  # (K,)
        return np.asarray(counts.sum() / (len(classes) * np.where(counts > 0, counts, np.inf)))
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"{owner}: class_weight of task {name!r} is {class_weight!r}, "
            f"expected 'balanced', None or a dict from class to weight."
        )
    unknown = [label for label in class_weight if label not in classes]
    if unknown:
        raise ValueError(
            f"{owner}: class_weight names classes {unknown} that task {name!r} does not have; "
            f"its classes are {classes}."
        )
    given = [class_weight.get(label, 1.0) for label in classes]
    return _finite_weights(given, f"class_weight of task {name!r}", owner)


def _check_something_left(task: Task, codes: np.ndarray, owner: str) -> None:
    if not len(codes):
        raise ValueError(
            f"{owner}: all observed labels of task {task.name!r} have sample_weight zero; "
            f"drop the task or give one of its labels a weight above 0."
        )
    if task.classes is not None and (codes == codes[0]).all():
        raise ValueError(
            f"{owner}: task {task.name!r} has only one class, {task.classes.tolist()[codes[0]]!r}, with a "
            f"sample_weight above 0; a classifier needs two."
        )
