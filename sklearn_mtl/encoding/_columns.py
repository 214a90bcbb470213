"""What is known of the columns of ``X``, and their values as arrays."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MISSING = 0
UNSEEN = 1
FIRST_LEVEL = 2


@dataclass(frozen=True)
class ColumnInfo:
    """One column of ``X`` as it was seen in ``fit``.

    Attributes
    ----------
    name : str
        The column's name in a DataFrame, ``"x0"``, ``"x1"``, ... in an array.
    kind : {"number", "category"}
        How the column is read.
    index : int
        Its place in ``X``.
    levels : tuple of hashable, default=()
        The values of a category column that have a code of their own: ``levels[i]`` has code
        ``i + 2``. Empty for numbers.

    Examples
    --------
    >>> ColumnInfo("colour", kind="category", index=0, levels=("blue", "red")).n_codes
    4
    """

    name: str
    kind: Literal["number", "category"]
    index: int
    levels: tuple[Hashable, ...] = ()

    @property
    def n_codes(self) -> int:
        """How many codes a category column has, with those of missing and unseen values."""
        return FIRST_LEVEL + len(self.levels)


@dataclass(frozen=True, eq=False)
class Columns:
    """The values of ``X``, numbers and categories apart, each in the order of ``X``.

    Attributes
    ----------
    numbers : ndarray of shape (B, N), float64
        Number columns; NaN is missing. May share memory with the user's ``X``: never write to it.
    categories : ndarray of shape (B, M), int64
        Category columns as codes: 0 is missing, 1 is a rare or never seen value, 2 and up are levels.

    Examples
    --------
    >>> import numpy as np
    >>> columns = Columns(np.array([[0.5], [np.nan]]), np.array([[2], [1]]))
    >>> columns.take([1]).categories.tolist()
    [[1]]
    """

    numbers: NDArray[np.float64]
    categories: NDArray[np.int64]

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self.numbers.shape[0])

    def take(self, rows: Any) -> Columns:
        """Return the given rows (indices, a mask or a slice)."""
        return Columns(self.numbers[rows], self.categories[rows])


def active_columns(columns: Columns) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which columns vary, so that something can be learned from them.

    A number column is idle when it is missing everywhere, or has one value and no hole; a category
    column when all rows have the same code.

    Parameters
    ----------
    columns : Columns
        At least one row.

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
    low = np.fmin.reduce(columns.numbers, axis=0)  # (N,), NaN where all are missing
    high = np.fmax.reduce(columns.numbers, axis=0)  # (N,)
    has_hole = np.isnan(np.minimum.reduce(columns.numbers, axis=0))  # (N,)
    codes = columns.categories
    return ~np.isnan(low) & (has_hole | (low < high)), codes.min(axis=0) != codes.max(axis=0)
