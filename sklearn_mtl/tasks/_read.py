"""From ``y`` as it comes to tasks and their targets."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from ._columns import LabelColumn, read_labels
from ._labels import class_labels, real_numbers
from ._task_set import Targets, Task, TaskSet


def read_tasks(
    y: Any, *, kind: Literal["regression", "classification"], owner: str
) -> tuple[TaskSet, Targets]:
    """Read ``y``: one task a column, with labels missing anywhere.

    Parameters
    ----------
    y : array-like or sparse array of shape (B,) or (B, T)
        Array, list, Series or DataFrame; NaN, None, ``pd.NA`` and NaT are missing labels. Classes may be
        text, booleans, whole numbers or categoricals, and each task may have its own type; flags may be a
        sparse indicator of 0 and 1.
    kind : {"regression", "classification"}
        How all columns are read.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    TaskSet
        Names, kinds and classes.
    Targets
        The labels as numbers.

    Raises
    ------
    ValueError
        A task has no observed label, or one class only; labels are not finite, or not of the kind asked
        for; two tasks have one name; ``y`` is None or not a table.
    TypeError
        ``y`` is sparse and its columns are to be numbers.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_tasks
    >>> task_set, targets = read_tasks([[1.5, None], [2.5, 7.0]], kind="regression", owner="Example")
    >>> targets.values.tolist(), targets.observed.tolist()
    ([[1.5, 0.0], [2.5, 7.0]], [[True, False], [True, True]])
    """
    if kind == "regression" and sparse.issparse(y):
        raise TypeError(
            f"{owner}: y is sparse, a dense table of numbers is expected; use y.toarray() if what is not "
            "stored is 0, and NaN in a dense table if it is missing."
        )
    table = read_labels(y, owner=owner)
    read = _regression_task if kind == "regression" else _class_task
    values = np.zeros((table.n_rows, len(table.columns)))  # (B, T)
    observed = np.zeros(values.shape, dtype=bool)  # (B, T)
    tasks = []
    for position, column in enumerate(table.columns):
        if not len(column.labels):
            raise ValueError(
                f"{owner}: task {column.name!r} has no observed label in {table.n_rows} rows; "
                f"drop the column or label at least one row."
            )
        task, numbers = read(column, owner)
        tasks.append(task)
        observed[:, position] = column.observed
        values[column.observed, position] = numbers
    task_set = TaskSet(tuple(tasks), table.is_1d, table.is_named, _label_dtype(tasks))
    return task_set, Targets(values, observed)


def _regression_task(column: LabelColumn, owner: str) -> tuple[Task, np.ndarray]:
    return Task(column.name, "regression"), real_numbers(column, owner=owner)


def _class_task(column: LabelColumn, owner: str) -> tuple[Task, np.ndarray]:
    labels = class_labels(column, owner=owner)
    codes, uniques = pd.factorize(labels, sort=True)
    classes = np.asarray(uniques).astype(labels.dtype, copy=False)
    if len(classes) < 2:
        raise ValueError(
            f"{owner}: task {column.name!r} has only one class, {classes.tolist()[0]!r}, in {len(labels)} "
            f"observed labels; a classifier needs two, so drop the column or label rows of another class."
        )
    return Task(column.name, "binary" if len(classes) == 2 else "multiclass", classes), codes


def _label_dtype(tasks: list[Task]) -> np.dtype[Any]:
    dtypes = [np.dtype(np.float64) if task.classes is None else task.classes.dtype for task in tasks]
    if len(set(dtypes)) == 1:
        return dtypes[0]
    kinds = {dtype.kind for dtype in dtypes}
    share_a_kind = kinds <= set("iuf") or kinds == {"U"}
    return np.result_type(*dtypes) if share_a_kind else np.dtype(object)
