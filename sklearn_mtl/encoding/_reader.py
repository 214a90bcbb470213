"""From any table to arrays of numbers and category codes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ._columns import ColumnInfo, Columns
from ._table import Table, Values, check_table, column_names, column_values, is_number_array
from ._values import LevelCodes, is_number, to_levels, to_numbers

_ROWS_AT_ONCE = 8192

_FLOAT64 = np.dtype(np.float64)
_LEAST_ROWS = 2  # of a level with a code of its own


class ColumnReader:
    """Read ``X``, whatever its container, into :class:`Columns`.

    Numbers, booleans and their nullable kinds are numbers; categoricals and text are categories. An
    object column is a number if all of its values are. In an array, which has one dtype for all of
    its columns, text that reads as a number is one too. Any of NaN, None and pd.NA is a hole.

    A category's level gets a code of its own when it occurs in at least two rows, whatever they
    weigh: weights may depend on labels, and the codes must not. The rarer ones share a code with the
    values never seen in ``fit``: that code is trained by them.

    Attributes
    ----------
    columns_ : tuple of ColumnInfo
        The columns in the order of ``X``.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"size": [1.5, None, 3.0, 2.0], "colour": ["red", "red", "blue", None]})
    >>> reader = ColumnReader().fit(X, owner="MultiTaskAttentionRegressor")
    >>> reader.columns_[1].levels
    ('red',)
    >>> columns = reader.read(X, owner="MultiTaskAttentionRegressor")
    >>> columns.categories.ravel().tolist()
    [2, 2, 1, 0]
    """

    columns_: tuple[ColumnInfo, ...]

    def fit(self, X: Any, *, owner: str, is_present: ArrayLike | None = None) -> ColumnReader:
        """Learn the kind of each column and the levels of categories.

        Parameters
        ----------
        X : DataFrame, array-like of shape (B, C)
            The training table.
        owner : str
            The estimator's class name, for error messages.
        is_present : array-like of bool, shape (B,), default=None
            Rows that count as present where levels are counted; all by default.

        Returns
        -------
        ColumnReader
            Itself.

        Raises
        ------
        TypeError, ValueError
            For what cannot be read; the message names the column.
        """
        table = check_table(X, owner=owner)
        names = column_names(table)
        if is_number_array(table):
            infos = [ColumnInfo(name, "number", index) for index, name in enumerate(names)]
        else:
            present = np.ones(len(table), bool) if is_present is None else np.asarray(is_present, bool)
            parse_text = not isinstance(table, pd.DataFrame)
            infos = []
            for index, (name, values) in enumerate(zip(names, column_values(table), strict=True)):
                with _ColumnContext(owner, name):
                    infos.append(_describe(values, name, index, present, parse_text))
        self.columns_ = tuple(infos)
        self._codes = {info.index: LevelCodes(info.levels) for info in infos if info.kind == "category"}
        return self

    def read(self, X: Any, *, owner: str) -> Columns:
        """Read a table with the columns of ``fit``.

        Parameters
        ----------
        X : DataFrame, array-like of shape (B, C)
            The table.
        owner : str
            The estimator's class name, for error messages.

        Returns
        -------
        Columns
            B rows. Its numbers are ``X`` itself where that is an array of float64 or float32; they are
            float32 where that holds all values of the number columns' dtypes, else float64.

        Raises
        ------
        TypeError, ValueError
            For a value that its column cannot hold; the message names column and value.
        """
        table = check_table(X, owner=owner)
        if table.shape[1] != len(self.columns_):
            raise ValueError(
                f"X has {table.shape[1]} features, but {owner} is expecting "
                f"{len(self.columns_)} features as input."
            )
        with np.errstate(over="ignore"):  # what becomes infinite is refused below
            columns = None if self._codes else _whole_table(table)
            if columns is None:
                columns = self._read_one_by_one(table, owner)
        self._check_finite(columns.numbers, owner)
        return columns

    def _read_one_by_one(self, table: Table, owner: str) -> Columns:
        n_rows, n_columns = table.shape
        given = list(column_values(table))
        dtype = _number_dtype({given[info.index].dtype for info in self.columns_ if info.kind == "number"})
        numbers = np.empty((n_rows, n_columns - len(self._codes)), dtype=dtype)  # (B, N)
        categories = np.empty((n_rows, len(self._codes)), dtype=np.int64)  # (B, M)
        of_numbers, of_categories = iter(numbers.T), iter(categories.T)
        for info, values in zip(self.columns_, given, strict=True):
            with _ColumnContext(owner, info.name):
                if info.kind == "number":
                    next(of_numbers)[:] = to_numbers(values)
                else:
                    next(of_categories)[:] = self._codes[info.index].read(values)
        return Columns(numbers, categories)

    def _check_finite(self, numbers: NDArray[np.floating], owner: str) -> None:
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            infinite = np.isinf(numbers[start : start + _ROWS_AT_ONCE])
            if infinite.any():
                row, place = np.argwhere(infinite)[0]
                name = [info.name for info in self.columns_ if info.kind == "number"][place]
                raise ValueError(
                    f"{owner}: Input X contains infinity or a value too large for dtype('float64'): column "
                    f"{name!r} has {numbers[start + row, place]} in row {start + row}; replace it by NaN, "
                    "which means missing, or by a finite number."
                )


class _ColumnContext:
    """Put the owner and the column's name before an error's message."""

    def __init__(self, owner: str, name: str) -> None:
        self.where = f"{owner}: column {name!r}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (TypeError, ValueError)):
            raise type(error)(f"{self.where} {error}") from error


def _describe(
    values: Values, name: str, index: int, is_present: NDArray[np.bool_], parse_text: bool
) -> ColumnInfo:
    if is_number(values, parse_text=parse_text):
        return ColumnInfo(name, "number", index)
    codes, levels = to_levels(values)
    counts = np.bincount(codes[is_present & (codes >= 0)], minlength=len(levels))
    kept = counts >= _LEAST_ROWS
    return ColumnInfo(name, "category", index, tuple(compress(levels, kept)))


def _number_dtype(dtypes: Iterable[Any]) -> np.dtype[Any]:
    """Choose float32 where it holds all values of the columns' dtypes, else float64."""
    known = [dtype if isinstance(dtype, np.dtype) and dtype.kind in "biuf" else _FLOAT64 for dtype in dtypes]
    return np.dtype(np.float32) if np.result_type(np.float32, *known) == np.float32 else _FLOAT64


def _whole_table(table: Table) -> Columns | None:
    """Read a table of numbers at once; None if its columns need to be looked at one by one."""
    if isinstance(table, pd.DataFrame):
        if not all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in table.dtypes):
            return None
        numbers = np.ascontiguousarray(table.to_numpy(dtype=_number_dtype(table.dtypes)))
    elif is_number_array(table):
        numbers = table.astype(_number_dtype([table.dtype]), copy=False)
    else:
        return None
    return Columns(numbers, np.empty((len(numbers), 0), dtype=np.int64))
