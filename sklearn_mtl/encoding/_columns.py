"""What is known of the columns of ``X``, and their values as arrays."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ._vectors import TextVectors

MISSING = 0
UNSEEN = 1
FIRST_LEVEL = 2
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class ColumnInfo:
    """One column of ``X`` as it was seen in ``fit``.

    Attributes
    ----------
    name : str
        The column's name in a DataFrame, ``"x0"``, ``"x1"``, ... in an array.
    kind : {"number", "category", "text", "sparse", "date", "duration", "sequence"}
        How the column is read. ``"text"`` and ``"sparse"`` are bags of terms; the latter stands for many
        columns of ``X``.
    index : int
        Its place in ``X``; that of the first of its columns for ``"sparse"``.
    levels : tuple of hashable, default=()
        The values of a category column that have a code of their own: ``levels[i]`` has code
        ``i + 2``. Empty for other kinds.
    n_terms : int, default=0
        How many terms a bag column has.
    parts : tuple of str, default=()
        The numbers that a date is read as, and those that sum up a sequence.
    cardinality : int, default=0
        Different values of a category column, terms of a text column, and most steps of a sequence column;
        not counted for others.
    n_channels : int, default=0
        Of a sequence column.

    Examples
    --------
    >>> ColumnInfo("colour", kind="category", index=0, levels=("blue", "red")).n_codes
    4
    """

    name: str
    kind: Literal["number", "category", "text", "sparse", "date", "duration", "sequence"]
    index: int
    levels: tuple[Hashable, ...] = ()
    n_terms: int = 0
    parts: tuple[str, ...] = ()
    cardinality: int = 0
    n_channels: int = 0

    @property
    def n_numbers(self) -> int:
        """How many of the numbers of :class:`Columns` it has."""
        return len(self.parts) + (self.kind in ("number", "duration"))

    @property
    def n_codes(self) -> int:
        """How many codes a category column has, with those of missing and unseen values."""
        return FIRST_LEVEL + len(self.levels)


@dataclass(frozen=True, eq=False)
class Sequences:
    """A sequence column: the steps of all rows one after the other, in the order of time.

    Attributes
    ----------
    values : ndarray of shape (S, C), float64 or float32
        The steps, of C channels; NaN is missing. There may be more than those of the rows.
    starts, lengths : ndarray of shape (B,), int64
        Where the steps of each row start, and how many there are; none of a missing sequence.

    Examples
    --------
    >>> import numpy as np
    >>> sequences = Sequences(np.array([[1.0], [2.0], [3.0]]), np.array([0, 2]), np.array([2, 1]))
    >>> sequences[[1, 0]].padded(2)[:, :, 0].tolist()
    [[nan, 3.0], [1.0, 2.0]]
    """

    values: NDArray[np.float64] | NDArray[np.float32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: Any) -> Sequences:
        """Return the given rows (indices, a mask or a slice), with the same steps behind them."""
        return Sequences(self.values, self.starts[rows], self.lengths[rows])

    def last(self, n_steps: int) -> Sequences:
        """Return the last steps of each row, at most so many."""
        lengths = np.minimum(self.lengths, n_steps)
        return Sequences(self.values, self.starts + self.lengths - lengths, lengths)

    def gathered(self) -> Sequences:
        """Copy the steps of these rows, one row after the other, and nothing else."""
        ends = np.cumsum(self.lengths)
        starts = ends - self.lengths
        steps = np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.starts - starts, self.lengths)
        return Sequences(self.values[steps], starts, self.lengths)

    def padded(self, n_steps: int) -> NDArray[np.floating]:
        """Give rows of at most so many steps as an array that ends with the last of them; (B, L, C).

        NaN comes before them where there are fewer.
        """
        places = np.arange(-n_steps, 0)
        steps = (self.starts + self.lengths)[:, None] + places  # (B, L)
        is_there = -places <= self.lengths[:, None]
        padded = np.full((*steps.shape, self.values.shape[1]), np.nan, dtype=self.values.dtype)
        padded[is_there] = self.values[steps[is_there]]
        return padded


@dataclass(frozen=True, eq=False)
class Words:
    """The words of some texts.

    Attributes
    ----------
    features : ndarray of shape (E, F), int32
        Codes of what is known of each word, row after row; 0 for nothing.
    starts : ndarray of shape (B + 1,), int64
        Where the words of each row start, and where those of the last one end.

    Examples
    --------
    >>> words = Words(np.array([[1, 2], [3, 0], [1, 2]], dtype=np.int32), np.array([0, 1, 3]))
    >>> words.take([1]).features.tolist()
    [[3, 0], [1, 2]]
    """

    features: NDArray[np.int32]
    starts: NDArray[np.int64]

    def take(self, rows: Any) -> Words:
        """Return the given rows (indices, a mask or a slice)."""
        entries, starts = entries_of(self.starts, rows)
        return Words(self.features[entries], starts)


def entries_of(starts: NDArray[np.int64], rows: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the entries of some rows.

    Parameters
    ----------
    starts : ndarray of int64, shape (B + 1,)
        Where the entries of each row start.
    rows : slice, or ndarray of int or bool
        Which rows.

    Returns
    -------
    entries : ndarray of int64
        Row after row.
    starts : ndarray of int64
        Where the entries of each of these rows start among them.
    """
    first, n_entries = starts[:-1][rows], np.diff(starts)[rows]
    ends = np.cumsum(n_entries, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(first - ends + n_entries, n_entries), np.append(0, ends)


@dataclass(frozen=True, eq=False)
class Columns:
    """The values of ``X``, numbers, categories, bags and sequences apart, each in the order of ``X``.

    Attributes
    ----------
    numbers : ndarray of shape (B, N), float64 or float32
        Number columns; NaN is missing. May share memory with the user's ``X``: never write to it.
    categories : ndarray of shape (B, M), int64
        Category columns as codes: 0 is missing, 1 is a rare or never seen value, 2 and up are levels.
    bags : tuple of csr_array of shape (B, n_terms), float64 or float32, default=()
        Bag columns: the terms of a row are its entries, in an order that may carry meaning, each with its
        value. A term may be there more than once. May share memory with the user's ``X``: never write to it.
    sequences : tuple of Sequences, default=()
        Sequence columns.
    vectors : tuple of TextVectors, default=()
        Of each text column, where there is a pretrained encoder; the bags of text columns are the first ones.
    words : tuple of Words, default=()
        Of the text columns whose words have tags.

    Examples
    --------
    >>> import numpy as np
    >>> columns = Columns(np.array([[0.5], [np.nan]]), np.array([[2], [1]]))
    >>> columns.take([1]).categories.tolist()
    [[1]]
    """

    numbers: NDArray[np.float64] | NDArray[np.float32]
    categories: NDArray[np.int64]
    bags: tuple[csr_array, ...] = ()
    sequences: tuple[Sequences, ...] = ()
    vectors: tuple[TextVectors, ...] = ()
    words: tuple[Words, ...] = ()

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self.numbers.shape[0])

    def take(self, rows: Any) -> Columns:
        """Return the given rows (indices, a mask or a slice)."""
        return Columns(
            self.numbers[rows],
            self.categories[rows],
            tuple(bag[rows] for bag in self.bags),
            tuple(each[rows] for each in self.sequences),
            tuple(each[rows] for each in self.vectors),
            tuple(words.take(rows) for words in self.words),
        )


def active_columns(
    columns: Columns, *, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which numbers and categories vary, so that something can be learned from them.

    A number column is idle when it is missing everywhere, or has one value and no hole; a category
    column when all rows have the same code.

    Parameters
    ----------
    columns : Columns
        At least one row.
    rows : ndarray of int64, default=None
        Look at these rows alone; at all by default.

    Returns
    -------
    numbers : ndarray of shape (N,), bool
        True for number columns that vary.
    categories : ndarray of shape (M,), bool
        True for category columns that vary.

    Examples
    --------
    >>> import numpy as np
    >>> numbers = np.array([[1.0, 7.0, 7.0], [2.0, 7.0, np.nan]])
    >>> active_columns(Columns(numbers, np.array([[2], [2]])))
    (array([ True, False,  True]), array([False]))
    """
    parts = []
    for start in range(0, columns.n_rows if rows is None else len(rows), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        these = block if rows is None else rows[block]
        numbers, categories = columns.numbers[these], columns.categories[these]
        parts.append((*_range_of_numbers(numbers), *_range_of_codes(categories)))
    lows, highs, least, lowest, highest = map(np.array, zip(*parts, strict=True))
    low, high = np.fmin.reduce(lows, axis=0), np.fmax.reduce(highs, axis=0)  # (N,), NaN if all are missing
    has_hole = np.isnan(least).any(axis=0)  # (N,)
    return ~np.isnan(low) & (has_hole | (low < high)), lowest.min(axis=0) != highest.max(axis=0)


def _range_of_numbers(numbers: NDArray[np.floating]) -> tuple[NDArray[np.floating], ...]:
    """Return least and greatest values without holes, and least values that are NaN with a hole; (N,)."""
    return np.fmin.reduce(numbers), np.fmax.reduce(numbers), np.minimum.reduce(numbers)


def _range_of_codes(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    return codes.min(axis=0), codes.max(axis=0)
