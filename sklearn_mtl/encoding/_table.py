"""The container of ``X``: an array, a DataFrame or sparse rows, of the right shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array

from .._validation import as_table

DenseTable = NDArray[Any] | pd.DataFrame
Table = DenseTable | csr_array
Values = NDArray[Any] | pd.api.extensions.ExtensionArray


def check_table(X: Any, *, owner: str) -> Table:
    """Make ``X`` a DataFrame, a 2-D array or sparse rows, or say what is wrong with its shape.

    Values are not looked at, but for zeros that sparse rows store: they are left out. Call it before anything
    that asks ``X`` for its number of columns.

    Parameters
    ----------
    X : DataFrame, array-like or sparse array of shape (B, C), or ndarray of shape (B, L, channels)
        A frame of pandas or polars, anything that :func:`numpy.asarray` reads as a table, any sparse array or
        matrix, or an array of sequences.
    owner : str
        The estimator's class name, for error messages.

    Returns
    -------
    ndarray or csr_array of shape (B, C), or DataFrame
        ``X`` itself where it is one already. Entries of sparse rows are sorted by column, and each is there
        once. An array of sequences is a single column of objects.

    Raises
    ------
    ValueError
        For an ``X`` that is no table, has no row, no column, or two columns of one name.

    Examples
    --------
    >>> check_table([[1, "red"], [2, "blue"]], owner="MultiTaskAttentionRegressor")
    array([[1, 'red'],
           [2, 'blue']], dtype=object)
    """
    X, is_sparse = as_table(X), issparse(X)
    table: Any = X if isinstance(X, pd.DataFrame) or is_sparse else _as_array(X, owner=owner)
    if table.ndim != 2 or 0 in table.shape:
        _raise_for_shape(table, owner=owner)
    if is_sparse:
        return _as_sparse_rows(table, owner=owner)
    if isinstance(table, pd.DataFrame) and not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()].unique().tolist()
        raise ValueError(f"{owner}: X has several columns named {twice}; rename or drop all but one of each.")
    given: DenseTable = table
    return given


def column_names(table: DenseTable) -> list[str]:
    """Name the columns as a user knows them; ``"x0"``, ``"x1"``, ... for an array."""
    if isinstance(table, pd.DataFrame):
        return [str(name) for name in table.columns]
    return [f"x{index}" for index in range(table.shape[1])]


def column_values(table: DenseTable) -> Iterator[Values]:
    """Yield the values of each column, not copied; arrays of pandas only for dtypes that numpy lacks."""
    if isinstance(table, pd.DataFrame):
        # For a frame of one row, `iloc[:, index]` would take longer than all the rest of reading it.
        for _, series in table.items():  # noqa: PERF102  a frame has no values()
            values = series.array
            yield values.to_numpy() if isinstance(values, pd.arrays.NumpyExtensionArray) else values
    else:
        yield from table.T


def is_number_array(table: Table) -> bool:
    """Say whether all values are of one real numpy dtype."""
    return isinstance(table, np.ndarray) and table.dtype.kind in "biuf"


def _as_sparse_rows(X: Any, *, owner: str) -> csr_array:
    """Convert to CSR in canonical form, without a copy where ``X`` has it."""
    if X.dtype.kind not in "biuf":
        raise ValueError(
            f"{owner}: X is sparse with dtype {X.dtype}, expected numbers"
            + (": Complex data not supported." if X.dtype.kind == "c" else ".")
        )
    rows: csr_array = csr_array(X)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if not rows.data.all():
        rows = rows.copy()
        rows.eliminate_zeros()
    return rows


def _as_array(X: Any, *, owner: str) -> NDArray[Any]:
    if isinstance(X, np.ma.MaskedArray):
        X = np.where(np.ma.getmaskarray(X), np.array(None), X.data)
    try:
        array = np.asarray(X)
        if array.dtype.kind in "US" and not hasattr(X, "__array__"):
            array = np.asarray(X, dtype=object)  # numbers beside text stay numbers
    except ValueError as error:
        raise ValueError(f"{owner}: X is not a table: {error}") from error
    return array.astype(object) if array.dtype.kind in "UST" else array


def _raise_for_shape(table: Any, *, owner: str) -> None:
    """Let scikit-learn find the words, but where it knows nothing of sequences."""
    if table.ndim > 2:
        raise ValueError(
            f"{owner}: X has {table.ndim} axes, of shape {table.shape}; expected rows and columns, or, "
            "for sequences, an array of rows, steps and channels."
        )
    array = table if isinstance(table, np.ndarray) else np.empty(table.shape)
    try:
        check_array(array, dtype=None, ensure_all_finite=False, estimator=owner, input_name="X")
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from error
