"""Containers that scikit-learn accepts and this package reads as those of pandas."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd


def as_pandas(table: Any) -> Any:
    """Make a pandas DataFrame or Series of one of polars, and leave all else as it is.

    Polars needs not be installed, and pyarrow neither. Strings become objects, categoricals and enums
    categoricals, and numbers with holes floats.

    Parameters
    ----------
    table : object
        DataFrame or Series of polars, or anything else.

    Returns
    -------
    object
        A DataFrame or Series with a new index, or `table` itself.

    Examples
    --------
    >>> as_pandas([1, 2])
    [1, 2]
    """
    polars = sys.modules.get("polars")
    if polars is None:
        return table
    if isinstance(table, polars.Series):
        return pd.Series(_values(table), name=table.name or None)
    if isinstance(table, polars.DataFrame):
        columns = {series.name: _values(series) for series in table.get_columns()}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(table)))
    return table


def as_table(X: Any) -> Any:
    """Make an array of three axes an array of one column, whose cells are sequences; else as `as_pandas`.

    Parameters
    ----------
    X : object
        ``X`` as a user gives it.

    Returns
    -------
    object

    Examples
    --------
    >>> import numpy as np
    >>> as_table(np.zeros((5, 20, 3))).shape
    (5, 1)
    """
    X = as_pandas(X)
    if not isinstance(X, np.ndarray) or X.ndim != 3 or not len(X):
        return X
    return np.fromiter(X, dtype=object, count=len(X))[:, None]


def _values(series: Any) -> Any:
    kind = str(series.dtype).partition("(")[0]
    if kind == "Categorical":
        return pd.Categorical(series.to_numpy())
    if kind == "Enum":
        return pd.Categorical(series.to_numpy(), categories=series.dtype.categories.to_list())
    if kind == "Boolean":
        return pd.array(series.to_list(), dtype="boolean")
    if kind == "Datetime" and series.dtype.time_zone is not None:
        utc = pd.DatetimeIndex(series.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy())
        return utc.tz_localize("UTC").tz_convert(series.dtype.time_zone)
    return series.to_numpy()
