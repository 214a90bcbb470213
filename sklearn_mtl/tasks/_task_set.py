"""What was understood of ``y``: tasks, their targets, and the way back to labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ._columns import LabelColumn, match_columns, read_labels
from ._labels import check_comparable, class_labels, codes_of, real_numbers

Kind = Literal["regression", "binary", "multiclass"]


@dataclass(frozen=True, eq=False)
class Task:
    """One column of ``y``.

    Parameters
    ----------
    name : str
        The column's name.
    kind : {"regression", "binary", "multiclass"}
        What is predicted.
    classes : ndarray of shape (K,), optional
        Sorted, in the dtype that predictions of this task have; None for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.tasks import Task
    >>> Task("animal", "multiclass", np.array(["bee", "cat", "dog"])).n_outputs
    3
    """

    name: str
    kind: Kind
    classes: np.ndarray | None = None

    @property
    def n_outputs(self) -> int:
        """Width of the task's head: 1 for a number and for two classes, else K."""
        return len(self.classes) if self.kind == "multiclass" and self.classes is not None else 1


@dataclass(frozen=True, eq=False)
class Targets:
    """The labels as numbers.

    Parameters
    ----------
    values : ndarray of float64, shape (B, T)
        The number, or the index of the class in `Task.classes`; 0 where missing, -1 for a class that
        fit has not seen.
    observed : ndarray of bool, shape (B, T)
        Which labels are there.
    """

    values: np.ndarray
    observed: np.ndarray


@dataclass(frozen=True, eq=False)
class TaskSet:
    """What was understood of ``y``.

    Parameters
    ----------
    tasks : tuple of Task
        One a column.
    is_1d : bool
        ``y`` had one axis; predictions will, too.
    is_named : bool
        The names are the user's own.
    dtype : dtype
        Of the arrays that `decode` returns: float64 for numbers; for classes the dtype that all tasks
        share, object if they share none.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_tasks
    >>> y = [["cat", 1], ["dog", None], ["bee", 0]]
    >>> task_set, targets = read_tasks(y, kind="classification", owner="Example")
    >>> task_set.n_outputs
    (3, 1)
    >>> task_set.decode(targets.values).tolist()
    [['cat', 1], ['dog', 0], ['bee', 0]]
    """

    tasks: tuple[Task, ...]
    is_1d: bool
    is_named: bool
    dtype: np.dtype[Any]

    @property
    def names(self) -> list[str]:
        """The tasks' names, in column order."""
        return [task.name for task in self.tasks]

    @property
    def n_outputs(self) -> tuple[int, ...]:
        """Width of each task's head."""
        return tuple(task.n_outputs for task in self.tasks)

    def decode(self, values: np.ndarray) -> np.ndarray:
        """Turn numbers and class indices into labels.

        Parameters
        ----------
        values : ndarray of shape (B, T)
            A number for a regression task, the index of a class for the others.

        Returns
        -------
        ndarray of shape (B, T), or (B,) if ``y`` had one axis
        """
        labels = np.empty(values.shape, dtype=self.dtype)  # (B, T)
        for position, task in enumerate(self.tasks):
            column = values[:, position]
            labels[:, position] = column if task.classes is None else task.classes[column.astype(np.intp)]
        return labels[:, 0] if self.is_1d else labels

    def encode(self, y: Any, *, owner: str) -> Targets:
        """Read labels of the same tasks again, say of held-out rows.

        Parameters
        ----------
        y : array-like of shape (B,) or (B, T)
            Columns of a DataFrame are matched by name, of anything else by position. A task may be all
            missing here.
        owner : str
            Who asks; errors start with it.

        Returns
        -------
        Targets
            A class that was not there in fit is -1.
        """
        table = match_columns(read_labels(y, owner=owner), self.names, by_name=self.is_named, owner=owner)
        values = np.zeros((table.n_rows, len(self.tasks)))
        observed = np.zeros(values.shape, dtype=bool)
        for position, (task, column) in enumerate(zip(self.tasks, table.columns, strict=True)):
            observed[:, position] = column.observed
            values[column.observed, position] = _encode_column(task, column, owner)
        return Targets(values, observed)


def _encode_column(task: Task, column: LabelColumn, owner: str) -> np.ndarray:
    if task.classes is None:
        return real_numbers(column, owner=owner)
    labels = class_labels(column, owner=owner)
    check_comparable(labels, task.classes, name=task.name, owner=owner)
    return codes_of(labels, task.classes).astype(np.float64)
