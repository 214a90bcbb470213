"""Groups of rows that are held out together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..encoding import MergedRows


def read_groups(groups: Any, *, n_rows: int, owner: str) -> NDArray[np.int64]:
    """Read groups as numbers.

    Parameters
    ----------
    groups : array-like of shape (B,)
        Anything that can be compared for equality.
    n_rows : int
        B.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of int64, shape (B,)
        From 0 without gaps.

    Raises
    ------
    ValueError
        It has another shape, or some groups are missing.
    """
    values = groups if isinstance(groups, pd.Series) else np.asarray(groups)
    if values.shape != (n_rows,):
        raise ValueError(
            f"{owner}: groups has the shape {values.shape}; expected one group a row, ({n_rows},)."
        )
    numbers, _ = pd.factorize(values)
    if (numbers < 0).any():
        raise ValueError(
            f"{owner}: groups is missing in row {int(np.argmin(numbers))}; name the group of each row."
        )
    return numbers.astype(np.int64)


def joined_groups(merged: MergedRows, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join the user's groups that have a row with the same X.

    Parameters
    ----------
    merged : MergedRows
    groups : ndarray of int64, shape (B,)
        Of the rows from which it was made.

    Returns
    -------
    ndarray of int64, shape (R,)
        From 0 without gaps, in the order of the distinct rows, whatever the groups' names.
    """
    rows = np.flatnonzero(merged.inverse >= 0)
    of_x = merged.group[merged.inverse[rows]]
    n_of_x = int(merged.group.max()) + 1
    nodes = n_of_x + int(groups.max()) + 1
    edges = coo_array((np.ones(len(rows), dtype=bool), (of_x, n_of_x + groups[rows])), shape=(nodes, nodes))
    _, component = connected_components(edges, directed=False)
    return pd.factorize(component[merged.group])[0].astype(np.int64)
