"""From any table to arrays of numbers and category codes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite

from ._columns import FIRST_LEVEL, MISSING, UNSEEN, ColumnInfo, Columns
from ._table import Table, check_table, column_names, is_number_array
from ._values import Values, is_number, to_levels, to_numbers


class ColumnReader:
    """Read ``X``, whatever its container, into :class:`Columns`.

    Numbers, booleans and their nullable kinds are numbers; categoricals and text are categories. An
    object column is a number if all of its values are. In an array, which has one dtype for all of
    its columns, text that reads as a number is one too. Any of NaN, None and pd.NA is a hole.

    A category's level gets a code of its own when it occurs in at least two rows (with weights:
    when its rows weigh at least twice as much as the lightest row, so that weight 2 is the same as
    having the row twice). The rarer ones share a code with the values never seen in ``fit``: that
    code is trained by them.

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

    def fit(self, X: Any, *, owner: str, row_weight: ArrayLike | None = None) -> ColumnReader:
        """Learn the kind of each column and the levels of categories.

        Parameters
        ----------
        X : DataFrame, array-like of shape (B, C)
            The training table.
        owner : str
            The estimator's class name, for error messages.
        row_weight : array-like of shape (B,), default=None
            Weight of each row, for the counts of levels; ones by default. Rows of weight 0 count as
            absent.

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
            weight = None if row_weight is None else np.asarray(row_weight, dtype=np.float64)
            parse_text = not isinstance(table, pd.DataFrame)
            infos = []
            for index, name in enumerate(names):
                with _ColumnContext(owner, name):
                    infos.append(_describe(_column(table, index), name, index, weight, parse_text))
        self.columns_ = tuple(infos)
        self._codes: dict[int, dict[Hashable, int]] = {
            info.index: {level: code for code, level in enumerate(info.levels, FIRST_LEVEL)}
            for info in infos
            if info.kind == "category"
        }
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
            B rows. Its numbers are ``X`` itself where that is float64 already.

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
            numbers = _whole_table(table) if not self._codes else None
            if numbers is None:
                numbers = self._read_numbers(table, owner)
        self._check_finite(numbers, owner)
        return Columns(numbers, self._read_categories(table, owner))

    def _of_kind(self, kind: str) -> Iterator[ColumnInfo]:
        return (info for info in self.columns_ if info.kind == kind)

    def _read_numbers(self, table: Table, owner: str) -> NDArray[np.float64]:
        infos = list(self._of_kind("number"))
        numbers = np.empty((table.shape[0], len(infos)))  # (B, N)
        for place, info in enumerate(infos):
            with _ColumnContext(owner, info.name):
                numbers[:, place] = to_numbers(_column(table, info.index))
        return numbers

    def _read_categories(self, table: Table, owner: str) -> NDArray[np.int64]:
        codes = np.empty((table.shape[0], len(self._codes)), dtype=np.int64)  # (B, M)
        for place, (index, code_of) in enumerate(self._codes.items()):
            with _ColumnContext(owner, self.columns_[index].name):
                found, levels = to_levels(_column(table, index))
            codes[:, place] = _recode(found, levels, code_of)
        return codes

    def _check_finite(self, numbers: NDArray[np.float64], owner: str) -> None:
        try:
            assert_all_finite(numbers, allow_nan=True)
        except ValueError as error:
            row, place = np.argwhere(np.isinf(numbers))[0]
            name = list(self._of_kind("number"))[place].name
            raise ValueError(
                f"{owner}: Input X contains infinity or a value too large for dtype('float64'): column "
                f"{name!r} has {numbers[row, place]} in row {row}; replace it by NaN, which means "
                "missing, or by a finite number."
            ) from error


class _ColumnContext:
    """Put the owner and the column's name before an error's message."""

    def __init__(self, owner: str, name: str) -> None:
        self.where = f"{owner}: column {name!r}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (TypeError, ValueError)):
            raise type(error)(f"{self.where} {error}") from error


def _column(table: Table, index: int) -> Values:
    return table.iloc[:, index] if isinstance(table, pd.DataFrame) else table[:, index]


def _describe(
    values: Values, name: str, index: int, weight: NDArray[np.float64] | None, parse_text: bool
) -> ColumnInfo:
    if is_number(values, parse_text=parse_text):
        return ColumnInfo(name, "number", index)
    codes, levels = to_levels(values)
    weight = np.ones(len(codes)) if weight is None else weight
    present = codes >= 0
    totals = np.bincount(codes[present], weights=weight[present], minlength=len(levels))
    lightest = weight[weight > 0].min(initial=np.inf)
    kept = totals >= 2 * lightest
    return ColumnInfo(name, "category", index, tuple(compress(levels, kept)))


def _recode(
    found: NDArray[np.int64], levels: list[Hashable], code_of: dict[Hashable, int]
) -> NDArray[np.int64]:
    codes = np.full(len(levels) + 1, UNSEEN)
    codes[-1] = MISSING  # where found is -1
    occurring = range(len(levels)) if len(found) > len(levels) else np.unique(found[found >= 0])
    for index in occurring:
        codes[index] = code_of.get(levels[index], UNSEEN)
    return codes[found]


def _whole_table(table: Table) -> NDArray[np.float64] | None:
    """Read a table of numbers at once; None if its columns need to be looked at one by one."""
    if isinstance(table, pd.DataFrame):
        if not all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in table.dtypes):
            return None
        return np.ascontiguousarray(table.to_numpy(dtype=np.float64))
    return table.astype(np.float64, copy=False) if is_number_array(table) else None
