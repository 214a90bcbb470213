"""``y`` as it comes, cut into one array of observed labels per column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._validation import as_pandas


@dataclass(frozen=True, eq=False)
class LabelColumn:
    """One column of ``y``, not yet read as numbers or as classes.

    Parameters
    ----------
    name : str
        The task's name.
    labels : ndarray of shape (n_observed,)
        The labels that are there, in row order and in their own dtype (never pandas').
    observed : ndarray of bool, shape (B,)
        Which rows they belong to.
    dtype : dtype
        Of the column as it came, pandas' own where it was one of those.
    """

    name: str
    labels: np.ndarray
    observed: np.ndarray
    dtype: Any


@dataclass(frozen=True, eq=False)
class LabelTable:
    """All columns of ``y``.

    Parameters
    ----------
    columns : tuple of LabelColumn
        One a task.
    n_rows : int
        B.
    is_1d : bool
        ``y`` had one axis.
    is_named : bool
        The names are the user's own: from a DataFrame, or from a Series that has a name.
    """

    columns: tuple[LabelColumn, ...]
    n_rows: int
    is_1d: bool
    is_named: bool

    @property
    def names(self) -> list[str]:
        """The tasks' names, in column order."""
        return [column.name for column in self.columns]


def read_labels(y: Any, *, owner: str, argument: str = "y") -> LabelTable:
    """Cut ``y`` into columns and drop what is missing (NaN, None, ``pd.NA``, NaT).

    Parameters
    ----------
    y : array-like or sparse array of shape (B,) or (B, T)
        Array, masked array, list, Series or DataFrame (of pandas or polars) of any label type, or a sparse
        indicator of 0 and 1.
    owner : str
        Who asks; errors start with it.
    argument : str, default="y"
        What ``y`` is called in errors.

    Returns
    -------
    LabelTable

    Raises
    ------
    ValueError
        ``y`` is None, is not 1-D or 2-D, has no column, or has two columns of one name; it is sparse and
        stores anything but 0 and 1.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_labels
    >>> table = read_labels([["cat", 1.5], [None, 2.5]], owner="Example")
    >>> [(column.name, column.labels.tolist()) for column in table.columns]
    [('task_0', ['cat']), ('task_1', [1.5, 2.5])]
    """
    if y is None:
        raise ValueError(f"{owner} requires {argument} to be passed, but the target {argument} is None.")
    columns, names, is_1d, is_named = _cut(y, owner=owner, argument=argument)
    _check_names(names, owner=owner, argument=argument)
    label_columns = tuple(
        LabelColumn(name, *_observed_labels(column), column.dtype)
        for name, column in zip(names, columns, strict=True)
    )
    return LabelTable(label_columns, len(columns[0]), is_1d, is_named)


def match_columns(
    table: LabelTable, names: Sequence[str], *, by_name: bool, owner: str, argument: str = "y"
) -> LabelTable:
    """Check that a table's columns are the tasks, and put them into the tasks' order.

    Parameters
    ----------
    table : LabelTable
        What came.
    names : sequence of str
        The tasks.
    by_name : bool
        Match by name where the table has names of its own (more than one axis, that is); else by position.
    owner : str
        Who asks; errors start with it.
    argument : str, default="y"
        What the table is called in errors.

    Returns
    -------
    LabelTable

    Raises
    ------
    ValueError
        A task is missing, or there are more columns than tasks.
    """
    by_name = by_name and table.is_named and not table.is_1d
    if by_name and set(table.names) != set(names):
        missing = [name for name in names if name not in table.names]
        unexpected = [name for name in table.names if name not in names]
        raise ValueError(
            f"{owner}: the columns of {argument} are not the tasks: missing {missing}, unexpected "
            f"{unexpected}; expected {list(names)}."
        )
    if len(table.columns) != len(names):
        raise ValueError(
            f"{owner}: {argument} has {len(table.columns)} column(s), expected {len(names)}, "
            f"one for each of the tasks {list(names)}."
        )
    if not by_name:
        return table
    columns = dict(zip(table.names, table.columns, strict=True))
    return replace(table, columns=tuple(columns[name] for name in names))


def check_known_tasks(names: Iterable[Any], known: Sequence[str], *, argument: str, owner: str) -> None:
    """Refuse names of tasks that there are not.

    Parameters
    ----------
    names : iterable
        As given by the user.
    known : sequence of str
        The tasks.
    argument : str
        Where the names stand.
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    ValueError
        Some of them are not among the tasks.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{owner}: {argument} names unknown tasks {unknown}; the tasks are {list(known)}.")


def _cut(y: Any, *, owner: str, argument: str) -> tuple[list[Any], list[str], bool, bool]:
    y = as_pandas(y)
    if isinstance(y, pd.DataFrame):
        columns = [y.iloc[:, position] for position in range(y.shape[1])]
        return _not_empty(columns, y.shape, owner, argument), [str(name) for name in y.columns], False, True
    if isinstance(y, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        series = pd.Series(y)
        return [series], ["y" if series.name is None else str(series.name)], True, series.name is not None
    array = _as_array(y, owner=owner, argument=argument)
    if array.ndim == 1:
        return [array], ["y"], True, False
    if array.ndim != 2:
        raise ValueError(
            f"{owner}: {argument} has {array.ndim} axes, shape {array.shape}; expected (n_rows,) or "
            f"(n_rows, n_tasks); reshape your data."
        )
    columns = _not_empty(list(array.T), array.shape, owner, argument)
    return columns, [f"task_{position}" for position in range(len(columns))], False, False


def _not_empty(columns: list[Any], shape: tuple[int, ...], owner: str, argument: str) -> list[Any]:
    if not columns:
        raise ValueError(
            f"{owner}: {argument} has no column (shape {shape}); give at least one task to learn."
        )
    return columns


def _as_array(y: Any, *, owner: str, argument: str) -> np.ndarray:
    if isinstance(y, np.ma.MaskedArray):
        objects = np.array(np.ma.getdata(y), dtype=object)
        objects[np.ma.getmaskarray(y)] = None
        return objects
    if sparse.issparse(y):
        return _dense_indicator(y, owner=owner, argument=argument)
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"{owner}: {argument} is not a table of labels: {error}") from error
    if array.dtype.kind == "T":
        return array.astype(object)
    if array.dtype.kind in "US" and not isinstance(y, np.ndarray):
        # numpy turns the NaN of ["a", nan] and the 1 of ["a", 1] into text; keep them as they are.
        objects = np.array(y, dtype=object)
        return array if all(isinstance(label, str) for label in objects.flat) else objects
    return array


def _dense_indicator(y: Any, *, owner: str, argument: str) -> np.ndarray:
    array: np.ndarray = y.toarray()
    unusable = array != array.astype(bool)
    if not unusable.any():
        return array
    place = tuple(int(index[0]) for index in np.nonzero(unusable))
    column = place[1] if array.ndim == 2 else 0
    raise ValueError(
        f"{owner}: {argument} is sparse and has {array[place].item()!r} in row {place[0]}, column {column}; "
        f"a sparse {argument} holds 0 and 1 only, and what it does not store is 0. For missing labels or "
        f"other classes give {argument} dense, with NaN where a label is missing; {argument}.toarray() keeps "
        "the NaN that are stored."
    )


def _check_names(names: Sequence[str], *, owner: str, argument: str) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{owner}: the columns of {argument} name these tasks more than once: {repeated}; "
            f"give every task a name of its own."
        )


def _observed_labels(column: Any) -> tuple[np.ndarray, np.ndarray]:
    observed = ~np.asarray(pd.isna(column), dtype=bool)
    labels = np.asarray(column if observed.all() else column[observed])
    if labels.dtype == object:
        labels = np.asarray(pd.Series(labels, dtype=object).infer_objects())
    if labels.dtype.kind == "f" and np.isnan(labels).any():  # NaN that is not NA, in pandas 2's Float64
        present = ~np.isnan(labels)
        observed[observed] = present
        labels = labels[present]
    return labels, observed
