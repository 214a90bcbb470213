"""The words of texts, and how much each task attends to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..encoding import MISSING_TEXT


def word_table(
    bag: csr_array,
    attention: NDArray[np.float64],
    words: Sequence[str | None],
    *,
    rows: pd.Index,
    column: str,
    tasks: Sequence[str],
) -> pd.DataFrame:
    """Lay out attention to the entries of one text column, one row a task and word.

    Parameters
    ----------
    bag : csr_array of shape (B, N)
    attention : ndarray of shape (E, T)
        To its entries, in their order.
    words : sequence of str or None, length E
        What the entries are.
    rows : Index of length B
        What the rows are called.
    column : str
        The column's name.
    tasks : sequence of str, length T

    Returns
    -------
    DataFrame
        ``row``, ``column``, ``task``, ``word``, ``position`` and ``weight``; the weights of a row and task
        sum to 1. Missing texts are left out.
    """
    n_entries, n_tasks = attention.shape
    row = np.repeat(np.arange(bag.shape[0]), np.diff(bag.indptr))  # (E,)
    totals = np.zeros((bag.shape[0], n_tasks))
    np.add.at(totals, row, attention)
    share = np.divide(attention, totals[row], out=np.zeros_like(attention), where=totals[row] > 0)
    kept = np.flatnonzero(bag.indices != MISSING_TEXT)
    return pd.DataFrame(
        {
            "row": rows.take(np.repeat(row[kept], n_tasks)),
            "column": column,
            "task": np.tile(np.array(tasks, dtype=object), len(kept)),
            "word": np.repeat(np.array(words, dtype=object)[kept], n_tasks),
            "position": np.repeat((np.arange(n_entries) - bag.indptr[row])[kept], n_tasks),
            "weight": share[kept].ravel(),
        }
    )
