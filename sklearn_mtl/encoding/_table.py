"""The container of ``X``: an array or a DataFrame of the right shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array

Table = NDArray[Any] | pd.DataFrame
Values = NDArray[Any] | pd.api.extensions.ExtensionArray


def check_table(X: Any, *, owner: str) -> Table:
    """Make ``X`` a DataFrame or a 2-D array, or say what is wrong with its shape.

    Values are not looked at. Call it before anything that asks ``X`` for its number of columns.

    Parameters
    ----------
    X : DataFrame, array-like of shape (B, C)
        Anything that :func:`numpy.asarray` reads as a table.
    owner : str
        The estimator's class name, for error messages.

    Returns
    -------
    ndarray of shape (B, C), or DataFrame
        ``X`` itself where it is one already.

    Raises
    ------
    TypeError
        For a sparse ``X``.
    ValueError
        For an ``X`` that is not 2-D, has no row, no column, or two columns of one name.

    Examples
    --------
    >>> check_table([[1, "red"], [2, "blue"]], owner="MultiTaskAttentionRegressor")
    array([[1, 'red'],
           [2, 'blue']], dtype=object)
    """
    if issparse(X):
        raise TypeError(
            f"{owner}: Sparse data was passed for X, but dense data is required. "
            "Use X.toarray() to convert it to a dense numpy array."
        )
    table = X if isinstance(X, pd.DataFrame) else _as_array(X, owner=owner)
    if table.ndim != 2 or 0 in table.shape:
        _raise_for_shape(table, owner=owner)
    if isinstance(table, pd.DataFrame) and not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()].unique().tolist()
        raise ValueError(f"{owner}: X has several columns named {twice}; rename or drop all but one of each.")
    return table


def column_names(table: Table) -> list[str]:
    """Name the columns as a user knows them; ``"x0"``, ``"x1"``, ... for an array."""
    if isinstance(table, pd.DataFrame):
        return [str(name) for name in table.columns]
    return [f"x{index}" for index in range(table.shape[1])]


def column_values(table: Table) -> Iterator[Values]:
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


def _raise_for_shape(table: Table, *, owner: str) -> None:
    """Let scikit-learn find the words."""
    array = np.empty(table.shape) if isinstance(table, pd.DataFrame) else table
    try:
        check_array(array, dtype=None, ensure_all_finite=False, estimator=owner, input_name="X")
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from error
