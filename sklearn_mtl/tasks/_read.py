"""From ``y`` as it comes to tasks and their targets."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..exceptions import TaskTypeWarning
from ._columns import LabelColumn, check_known_tasks, read_labels
from ._infer import infer_kind
from ._labels import class_labels, real_numbers
from ._task_set import Targets, Task, TaskSet


def read_tasks(
    y: Any, *, kind: str | Mapping[str, str | None] | Sequence[str | None] | None, owner: str
) -> tuple[TaskSet, Targets]:
    """Read ``y``: one task a column, with labels missing anywhere.

    Parameters
    ----------
    y : array-like or sparse array of shape (B,) or (B, T)
        Array, list, Series or DataFrame; NaN, None, ``pd.NA`` and NaT are missing labels. Classes may be
        text, booleans, whole numbers or categoricals, and each task may have its own type; flags may be a
        sparse indicator of 0 and 1.
    kind : {"regression", "classification", "binary", "multiclass"}, mapping, sequence or None
        How all columns are read, or each of them by its name or in order; "classification" is binary or
        multiclass by the number of classes. None, and a name that a mapping leaves out, is inferred; see
        `infer_kind`.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    TaskSet
        Names, kinds and classes.
    Targets
        The labels as numbers.

    Warns
    -----
    TaskTypeWarning
        Kinds were guessed.

    Raises
    ------
    ValueError
        A task has no observed label, or one class only; labels are not finite, or not of the kind asked
        for; two tasks have one name; ``y`` is None or not a table; a kind or a task is unknown.
    TypeError
        ``y`` is sparse and its columns are to be numbers.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_tasks
    >>> task_set, targets = read_tasks([[1.5, None], [2.5, "a"], [0.5, "b"]], kind=None, owner="Example")
    >>> [task.kind for task in task_set.tasks]
    ['regression', 'binary']
    >>> targets.values.tolist()
    [[1.5, 0.0], [2.5, 0.0], [0.5, 1.0]]
    """
    if kind == "regression" and sparse.issparse(y):
        raise TypeError(
            f"{owner}: y is sparse, a dense table of numbers is expected; use y.toarray() if what is not "
            "stored is 0, and NaN in a dense table if it is missing."
        )
    table = read_labels(y, owner=owner)
    kinds = _kind_of_each(kind, table.names, owner)
    values = np.zeros((table.n_rows, len(table.columns)))  # (B, T)
    observed = np.zeros(values.shape, dtype=bool)  # (B, T)
    tasks, guesses = [], {}
    for position, (column, its_kind) in enumerate(zip(table.columns, kinds, strict=True)):
        if not len(column.labels):
            raise ValueError(
                f"{owner}: task {column.name!r} has no observed label in {table.n_rows} rows; "
                f"drop the column or label at least one row."
            )
        kind_read, doubt = infer_kind(column, owner=owner) if its_kind is None else (its_kind, None)
        task, numbers = _READERS[kind_read](column, owner)
        tasks.append(task)
        observed[:, position] = column.observed
        values[column.observed, position] = numbers
        if doubt is not None:
            guesses[task.name] = task.kind, doubt
    if guesses:
        _warn_of_guesses(guesses, owner)
    task_set = TaskSet(tuple(tasks), table.is_1d, table.is_named, _label_dtype(tasks))
    return task_set, Targets(values, observed)


def _kind_of_each(kind: Any, names: Sequence[str], owner: str) -> list[str | None]:
    if isinstance(kind, Mapping):
        check_known_tasks(kind, names, argument="task_types", owner=owner)
        kinds = [kind.get(name) for name in names]
    else:
        kinds = [kind] * len(names) if kind is None or isinstance(kind, str) else list(kind)
    if len(kinds) != len(names):
        raise ValueError(
            f"{owner}: task_types has {len(kinds)} items, expected {len(names)}, one for each of the tasks "
            f"{list(names)}; or give a dict by task name."
        )
    for name, its_kind in zip(names, kinds, strict=True):
        if its_kind is not None and its_kind not in list(_READERS):
            raise ValueError(
                f"{owner}: task_types says that task {name!r} is {its_kind!r}, expected one of "
                f"{list(_READERS)}, or None to infer it."
            )
    return kinds


def _regression_task(column: LabelColumn, owner: str) -> tuple[Task, np.ndarray]:
    return Task(column.name, "regression", dtype=np.dtype(np.float64)), real_numbers(column, owner=owner)


def _class_task(column: LabelColumn, owner: str) -> tuple[Task, np.ndarray]:
    labels = class_labels(column, owner=owner)
    codes, uniques = pd.factorize(labels, sort=True)
    classes = np.asarray(uniques).astype(labels.dtype, copy=False)
    if len(classes) < 2:
        raise ValueError(
            f"{owner}: task {column.name!r} has only one class, {classes.tolist()[0]!r}, in {len(labels)} "
            f"observed labels; a classifier needs two, so drop the column or label rows of another class."
        )
    return Task(column.name, "binary" if len(classes) == 2 else "multiclass", classes, column.dtype), codes


def _binary_task(column: LabelColumn, owner: str) -> tuple[Task, np.ndarray]:
    task, codes = _class_task(column, owner)
    if task.kind != "binary":
        classes = [] if task.classes is None else task.classes.tolist()
        raise ValueError(
            f"{owner}: task_types says that task {task.name!r} is 'binary', but it has {len(classes)} "
            f"classes, {classes[:5]}{' and more' * (len(classes) > 5)}; use 'multiclass' or 'classification'."
        )
    return task, codes


# How the labels of each kind are read. A multiclass task of which two classes occur is a binary one.
_READERS: dict[str, Callable[[LabelColumn, str], tuple[Task, np.ndarray]]] = {
    "regression": _regression_task,
    "classification": _class_task,
    "binary": _binary_task,
    "multiclass": _class_task,
}


def _warn_of_guesses(guesses: Mapping[str, tuple[str, str]], owner: str) -> None:
    said = "; ".join(f"task {name!r} as {kind} ({doubt})" for name, (kind, doubt) in guesses.items())
    explicit = {name: kind for name, (kind, _) in guesses.items()}
    warnings.warn(
        f"{owner}: y is read as follows, which is a guess: {said}. Say what is meant, 'regression' or "
        f"'classification', by task_types={explicit}.",
        TaskTypeWarning,
        stacklevel=5,  # where fit was called
    )


def _label_dtype(tasks: list[Task]) -> np.dtype[Any]:
    dtypes = [np.dtype(np.float64) if task.classes is None else task.classes.dtype for task in tasks]
    if len(set(dtypes)) == 1:
        return dtypes[0]
    kinds = {dtype.kind for dtype in dtypes}
    share_a_kind = kinds <= set("iuf") or kinds == {"U"}
    return np.result_type(*dtypes) if share_a_kind else np.dtype(object)
