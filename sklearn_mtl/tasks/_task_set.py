"""What was understood of ``y``: tasks, their targets, and the way back to labels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..exceptions import UnknownClassWarning
from ._columns import LabelColumn, LabelTable, match_columns, read_labels
from ._labels import check_comparable, class_labels, codes_of, real_numbers
from ._transform import LabelTransform

Kind = Literal[
    "regression", "absolute_error", "huber", "quantile", "poisson", "binary", "multiclass", "ordinal"
]


@dataclass(frozen=True, eq=False)
class Task:
    """One column of ``y``.

    Parameters
    ----------
    name : str
        The column's name.
    kind : {"regression", "absolute_error", "huber", "quantile", "poisson", "binary", "multiclass", "ordinal"}
        What is predicted, and with which loss; "regression" is a number with a squared error.
    classes : ndarray of shape (K,), optional
        Sorted, for an ordinal task in their order, in the dtype that predictions of this task have; None for
        numbers.
    dtype : dtype, optional
        Of predictions in a DataFrame: that of the column of ``y``, float64 for numbers.
    levels : tuple of float, length Q, default=()
        Of a quantile task, ascending.
    transform : LabelTransform, optional
        The scale on which numbers are learned.

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
    dtype: Any = None
    levels: tuple[float, ...] = ()
    transform: LabelTransform | None = None

    @property
    def n_outputs(self) -> int:
        """Width of the task's head: 1 for a number and for two classes, Q for quantiles, else K."""
        if self.classes is not None:
            return 1 if self.kind == "binary" else len(self.classes)
        return max(1, len(self.levels))

    @property
    def middle(self) -> int:
        """The level that ``predict`` gives: that nearest to 0.5."""
        return int(np.abs(np.subtract(self.levels or (0.5,), 0.5)).argmin())

    @property
    def level(self) -> float:
        """Which quantile ``predict`` gives: that of the middle level, the median of all other numbers."""
        return self.levels[self.middle] if self.levels else 0.5

    def forward(self, labels: np.ndarray) -> np.ndarray:
        """Bring labels to the scale on which they are learned."""
        return labels if self.transform is None else self.transform.forward(labels)

    def numbers(self, outputs: np.ndarray) -> np.ndarray:
        """Bring predicted numbers back to the scale of the labels."""
        return outputs if self.transform is None else self.transform.inverse(outputs)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Give the probability of every class.

        Parameters
        ----------
        outputs : ndarray of shape (B, O)
            Of this task; for two classes the probability of the second alone.

        Returns
        -------
        ndarray of shape (B, K)
        """
        return np.hstack([1 - outputs, outputs]) if self.kind == "binary" else outputs

    def decide(self, outputs: np.ndarray, *, threshold: float) -> np.ndarray:
        """Give the number, or the index of a class.

        Parameters
        ----------
        outputs : ndarray of shape (B, O)
            Of this task; for two classes the probability of the second alone.
        threshold : float
            Above it, the second of two classes is predicted.

        Returns
        -------
        ndarray of shape (B,)
        """
        if self.classes is None:
            return self.numbers(outputs[:, self.middle])
        return np.asarray(outputs[:, 0] > threshold if self.kind == "binary" else outputs.argmax(axis=1))

    def decode(self, values: np.ndarray) -> np.ndarray:
        """Turn class indices into classes; numbers stay what they are.

        Parameters
        ----------
        values : ndarray of shape (B,)
            A number, or the index of a class.

        Returns
        -------
        ndarray of shape (B,)
        """
        return values if self.classes is None else self.classes[values.astype(np.intp)]


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

    @property
    def is_frame(self) -> bool:
        """``y`` was a DataFrame."""
        return self.is_named and not self.is_1d

    @property
    def classes(self) -> dict[str, np.ndarray]:
        """The classes of each classification task, by its name."""
        return {task.name: task.classes for task in self.tasks if task.classes is not None}

    def probabilities(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Give the probability of every class of each classification task, by its name.

        Parameters
        ----------
        outputs : ndarray of shape (B, O)
            Numbers and probabilities, for a binary task that of its second class alone.

        Returns
        -------
        dict from str to ndarray of shape (B, K)
        """
        parts = self._parts(outputs)
        return {
            task.name: task.probabilities(part)
            for task, part in zip(self.tasks, parts, strict=True)
            if task.classes is not None
        }

    def decide(self, outputs: np.ndarray, *, thresholds: np.ndarray | None = None) -> np.ndarray:
        """Predict numbers and the index of a class for each task.

        Parameters
        ----------
        outputs : ndarray of shape (B, O)
            Numbers and probabilities, for a binary task that of its second class alone.
        thresholds : ndarray of shape (T,), optional
            The second class of a binary task is predicted above its threshold; those of other tasks do not
            count, their most probable class is predicted. Default: 0.5.

        Returns
        -------
        ndarray of float64, shape (B, T)

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mtl.tasks import read_tasks
        >>> task_set, _ = read_tasks([["no"], ["yes"]], kind="classification", owner="Example")
        >>> task_set.decide(np.array([[0.4], [0.6]]), thresholds=np.array([0.3])).ravel().tolist()
        [1.0, 1.0]
        """
        if all(task.kind == "regression" and task.transform is None for task in self.tasks):
            return outputs
        if thresholds is None:
            thresholds = np.full(len(self.tasks), 0.5)
        values = np.empty((len(outputs), len(self.tasks)))  # (B, T)
        for position, (task, part) in enumerate(zip(self.tasks, self._parts(outputs), strict=True)):
            values[:, position] = task.decide(part, threshold=thresholds[position])
        return values

    def quantiles(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Give the quantiles of each quantile task, by its name.

        Parameters
        ----------
        outputs : ndarray of shape (B, O)
            Numbers and probabilities.

        Returns
        -------
        dict from str to ndarray of shape (B, Q)
        """
        parts = self._parts(outputs)
        return {
            task.name: task.numbers(part)
            for task, part in zip(self.tasks, parts, strict=True)
            if task.kind == "quantile"
        }

    def _parts(self, outputs: np.ndarray) -> list[np.ndarray]:
        """Cut outputs into those of each task."""
        ends = np.cumsum(self.n_outputs, dtype=np.int64)
        return [outputs[:, end - width : end] for end, width in zip(ends, self.n_outputs, strict=True)]

    def decode(self, values: np.ndarray) -> np.ndarray:
        """Turn numbers and class indices into labels.

        Parameters
        ----------
        values : ndarray of shape (B, T)
            A number, or the index of a class.

        Returns
        -------
        ndarray of shape (B, T), or (B,) if ``y`` had one axis
        """
        labels = np.empty(values.shape, dtype=self.dtype)  # (B, T)
        for position, task in enumerate(self.tasks):
            labels[:, position] = task.decode(values[:, position])
        return labels[:, 0] if self.is_1d else labels

    def decode_frame(self, values: np.ndarray, *, index: pd.Index | None = None) -> pd.DataFrame:
        """Turn numbers and class indices into labels in the dtypes of the columns of ``y``.

        Parameters
        ----------
        values : ndarray of shape (B, T)
            A number, or the index of a class.
        index : Index of length B, optional
            Of the rows.

        Returns
        -------
        DataFrame of shape (B, T)

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn_mtl.tasks import read_tasks
        >>> y = pd.DataFrame({"size": pd.Categorical(["S", "M", None]), "weight": [1.5, 2.0, 3.0]})
        >>> task_set, targets = read_tasks(y, kind=None, owner="Example")
        >>> task_set.decode_frame(targets.values[:2])
          size  weight
        0    S     1.5
        1    M     2.0
        """
        columns = {
            task.name: pd.Series(task.decode(values[:, position]), index=index).astype(task.dtype)
            for position, task in enumerate(self.tasks)
        }
        return pd.DataFrame(columns, index=pd.RangeIndex(len(values)) if index is None else index)

    def encode(self, y: Any, *, owner: str) -> Targets:
        """Read labels of the same tasks again, say of held-out rows.

        Parameters
        ----------
        y : array-like of shape (B,) or (B, T), or LabelTable
            Columns of a DataFrame are matched by name, of anything else by position. A task may be all
            missing here.
        owner : str
            Who asks; errors start with it.

        Returns
        -------
        Targets
            A class that was not there in fit is -1.

        Warns
        -----
        UnknownClassWarning
            There are such classes.
        """
        table = y if isinstance(y, LabelTable) else read_labels(y, owner=owner)
        table = match_columns(table, self.names, by_name=self.is_named, owner=owner)
        values = np.zeros((table.n_rows, len(self.tasks)))
        observed = np.zeros(values.shape, dtype=bool)
        for position, (task, column) in enumerate(zip(self.tasks, table.columns, strict=True)):
            observed[:, position] = column.observed
            values[column.observed, position] = _encode_column(task, column, owner)
        self._warn_of_unknown_classes(table, values, owner)
        return Targets(values, observed)

    def _warn_of_unknown_classes(self, table: LabelTable, values: np.ndarray, owner: str) -> None:
        unknown = {
            task.name: pd.unique(column.labels[values[column.observed, position] < 0]).tolist()
            for position, (task, column) in enumerate(zip(self.tasks, table.columns, strict=True))
            if task.classes is not None and (values[:, position] < 0).any()
        }
        if unknown:
            warnings.warn(
                f"{owner}: y has classes that were not there in fit, so that every prediction of them is "
                f"wrong: {unknown}, by task; mark them as missing to leave them out.",
                UnknownClassWarning,
                stacklevel=4,  # where score was called
            )


def _encode_column(task: Task, column: LabelColumn, owner: str) -> np.ndarray:
    if task.classes is None:
        return real_numbers(column, owner=owner)
    labels = class_labels(column, owner=owner)
    check_comparable(labels, task.classes, name=task.name, owner=owner)
    return codes_of(labels, task.classes).astype(np.float64)
