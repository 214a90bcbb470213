"""From any table to arrays of numbers and category codes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse, vstack

from ._columns import ColumnInfo, Columns
from ._rows import hash_bag, hash_rows
from ._table import DenseTable, Values, check_table, column_names, column_values, is_number_array
from ._values import LevelCodes, is_number, to_levels, to_numbers

_ROWS_AT_ONCE = 8192

_FLOAT64 = np.dtype(np.float64)
_LEAST_ROWS = 2  # of a level with a code of its own
_MOST_SPARSE_NUMBERS = 512  # more columns that are mostly 0 become one bag


class ColumnReader:
    """Read ``X``, whatever its container, into :class:`Columns`.

    Numbers, booleans and their nullable kinds are numbers; categoricals and text are categories. An
    object column is a number if all of its values are. In an array, which has one dtype for all of
    its columns, text that reads as a number is one too. Any of NaN, None and pd.NA is a hole.

    A category's level gets a code of its own when it occurs in at least two rows, whatever they
    weigh: weights may depend on labels, and the codes must not. The rarer ones share a code with the
    values never seen in ``fit``: that code is trained by them.

    Number columns that are 0 in more than half of the distinct rows, and nowhere missing, become one bag of
    terms if there are more than 512 of them, whether ``X`` is sparse or dense: both forms of a table are
    read alike. All other columns of a sparse ``X`` are few or hold much, and become dense.

    Attributes
    ----------
    columns_ : tuple of ColumnInfo
        The columns in the order of ``X``; the bag that stands for many is the last.
    n_columns_ : int
        C.
    terms_ : ndarray of int64
        The columns of ``X`` that this bag stands for, ascending; empty without one.

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
        X : DataFrame, array-like or sparse array of shape (B, C)
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
        present = np.ones(table.shape[0], bool) if is_present is None else np.asarray(is_present, bool)
        self.n_columns_, self._is_term, self.terms_ = table.shape[1], None, np.empty(0, dtype=np.int64)
        self._infos = None if issparse(table) else _describe_all(table, present, owner)
        of_numbers = np.arange(self.n_columns_)
        if self._infos is not None:
            of_numbers = np.array(
                [info.index for info in self._infos if info.kind == "number"], dtype=np.int64
            )
        self._codes = {
            info.index: LevelCodes(info.levels) for info in self._infos or () if info.kind == "category"
        }
        if len(of_numbers) > _MOST_SPARSE_NUMBERS:
            numbers = table if issparse(table) else self._read_dense(table, owner).numbers
            is_term = _is_mostly_zero(numbers, present)
            if is_term.sum() > _MOST_SPARSE_NUMBERS:
                self._is_term, self.terms_ = is_term, of_numbers[is_term]
        stand_alone = np.setdiff1d(np.arange(self.n_columns_), self.terms_, assume_unique=True)
        self.columns_ = tuple(self._column(index) for index in stand_alone.tolist())
        if len(self.terms_):
            first, last = (self._column(int(index)).name for index in self.terms_[[0, -1]])
            bag = ColumnInfo(f"{first}..{last}", "sparse", int(self.terms_[0]), n_terms=len(self.terms_))
            self.columns_ = (*self.columns_, bag)
        return self

    def names(self) -> list[str]:
        """Name all columns of ``X``, those that a bag stands for, too."""
        return [info.name for info in self._all_columns()]

    def _all_columns(self) -> Iterable[ColumnInfo]:
        return self._infos or map(self._column, range(self.n_columns_))

    def _column(self, index: int) -> ColumnInfo:
        """Describe a column of ``X``; the names of a million columns are not kept."""
        return self._infos[index] if self._infos else ColumnInfo(f"x{index}", "number", index)

    def read(self, X: Any, *, owner: str) -> Columns:
        """Read a table with the columns of ``fit``.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
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
        if table.shape[1] != self.n_columns_:
            raise ValueError(
                f"X has {table.shape[1]} features, but {owner} is expecting "
                f"{self.n_columns_} features as input."
            )
        if isinstance(table, csr_array):
            return self._read_sparse(table, owner)
        columns = self._read_dense(table, owner)
        if self._is_term is None:
            return columns
        bag = _to_bag(columns.numbers, self._is_term)
        return Columns(columns.numbers[:, ~self._is_term], columns.categories, (bag,))

    def _read_sparse(self, table: csr_array, owner: str) -> Columns:
        if self._codes:
            name = self._column(min(self._codes)).name
            raise TypeError(
                f"{owner}: X is sparse, but column {name!r} held categories in fit; give the same kind of "
                "table as there."
            )
        if not np.isfinite(table.data).all():
            place = int(np.argmin(np.isfinite(table.data)))
            row = int(np.searchsorted(table.indptr, place, side="right")) - 1
            name = self._column(int(table.indices[place])).name
            raise ValueError(
                f"{owner}: Input X contains NaN or infinity: column {name!r} of the sparse X has "
                f"{table.data[place]} in row {row}; leave the entry out, which means 0, or pass a dense X, "
                "in which NaN means missing."
            )
        table = table.astype(_number_dtype([table.dtype]), copy=False)
        no_categories = np.empty((table.shape[0], 0), dtype=np.int64)
        if self._is_term is None:
            return Columns(table.toarray(), no_categories)
        if self._is_term.all():
            return Columns(np.empty((table.shape[0], 0), dtype=table.dtype), no_categories, (table,))
        stand_alone = csr_array(table[:, np.flatnonzero(~self._is_term)])
        bag = csr_array(table[:, np.flatnonzero(self._is_term)])
        return Columns(stand_alone.toarray(), no_categories, (bag,))

    def _read_dense(self, table: DenseTable, owner: str) -> Columns:
        """Read numbers, those that a bag stands for, too, and categories."""
        with np.errstate(over="ignore"):  # what becomes infinite is refused below
            columns = None if self._codes else _whole_table(table)
            if columns is None:
                columns = self._read_one_by_one(table, owner)
        self._check_finite(columns.numbers, owner)
        return columns

    def _read_one_by_one(self, table: DenseTable, owner: str) -> Columns:
        n_rows, n_columns = table.shape
        infos = list(self._all_columns())
        given = list(column_values(table))
        dtype = _number_dtype({given[info.index].dtype for info in infos if info.kind == "number"})
        numbers = np.empty((n_rows, n_columns - len(self._codes)), dtype=dtype)  # (B, N)
        categories = np.empty((n_rows, len(self._codes)), dtype=np.int64)  # (B, M)
        of_numbers, of_categories = iter(numbers.T), iter(categories.T)
        for info, values in zip(infos, given, strict=True):
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
                name = [info.name for info in self._all_columns() if info.kind == "number"][place]
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


def _describe_all(table: DenseTable, is_present: NDArray[np.bool_], owner: str) -> tuple[ColumnInfo, ...]:
    names = column_names(table)
    if is_number_array(table):
        return tuple(ColumnInfo(name, "number", index) for index, name in enumerate(names))
    parse_text = not isinstance(table, pd.DataFrame)
    infos = []
    for index, (name, values) in enumerate(zip(names, column_values(table), strict=True)):
        with _ColumnContext(owner, name):
            infos.append(_describe(values, name, index, is_present, parse_text))
    return tuple(infos)


def _is_mostly_zero(
    numbers: NDArray[np.floating] | csr_array, is_present: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Say which columns are 0 in more than half of the distinct present rows, and never missing; (N,).

    Equal rows count once, as a row of weight 2 is the same as the row twice.
    """
    hashes = hash_bag(numbers, seed=0) if isinstance(numbers, csr_array) else hash_rows(numbers, seed=0)
    present = np.flatnonzero(is_present)
    rows = np.sort(present[np.unique(hashes[present], return_index=True)[1]])
    n_filled, has_hole = np.zeros(numbers.shape[1], np.int64), np.zeros(numbers.shape[1], bool)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        these = rows[start : start + _ROWS_AT_ONCE]
        if isinstance(numbers, csr_array):
            n_filled += np.bincount(numbers[these].indices, minlength=numbers.shape[1])
        else:
            block = numbers[these]
            n_filled += np.count_nonzero(block, axis=0)
            has_hole |= np.isnan(block).any(axis=0)
    return np.asarray((2 * n_filled < len(rows)) & ~has_hole)


def _to_bag(numbers: NDArray[np.floating], is_term: NDArray[np.bool_]) -> csr_array:
    """Take columns as a bag; what is missing, though nothing was in fit, counts as 0."""
    blocks = []
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        block = numbers[start : start + _ROWS_AT_ONCE, is_term]
        blocks.append(csr_array(np.where(np.isnan(block), 0, block)))
    return csr_array(vstack(blocks, format="csr"))


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


def _whole_table(table: DenseTable) -> Columns | None:
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
