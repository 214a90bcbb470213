"""Equal rows made one, in an order that does not depend on the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ._columns import Columns, Sequences, Words

_VALUES_AT_ONCE = 65536
_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True, eq=False)
class MergedRows:
    """Distinct rows of a table, R out of B.

    Attributes
    ----------
    first : ndarray of shape (R,), int64
        A row of the table for each distinct row, in canonical order.
    inverse : ndarray of shape (B,), int64
        The distinct row of each row of the table; -1 for rows without any weight.
    group : ndarray of shape (R,), int64
        The same number for distinct rows that have the same X, from 0 without gaps.
    weights : ndarray of shape (R, T), float64
        Summed weights.
    tag_weights : ndarray of shape (R, T'), float64
        Those of tasks of tags, if there are any.
    """

    first: NDArray[np.int64]
    inverse: NDArray[np.int64]
    group: NDArray[np.int64]
    weights: NDArray[np.float64]
    tag_weights: NDArray[np.float64]


def merge_rows(
    columns: Columns,
    targets_values: NDArray[np.float64],
    targets_observed: NDArray[np.bool_],
    weights: NDArray[np.float64],
    *,
    n_tags: int = 0,
) -> MergedRows:
    """Make rows with the same X and the same labels one row with the sum of their weights.

    Whatever is fitted on the merged rows cannot depend on the order of the rows, and takes a row of
    weight 2 and the same row twice as exactly the same thing. A label of weight 0 is as good as
    missing, and a row without any weight as good as absent.

    Rows are compared and ordered by a 64-bit hash of their values, the same in every process; -0.0
    equals 0.0, and NaN equals NaN. Two different rows among n have the same hash with a probability
    of about n² / 4e19.

    Parameters
    ----------
    columns : Columns
        The inputs, B rows.
    targets_values : ndarray of shape (B, T)
        The labels.
    targets_observed : ndarray of shape (B, T)
        Which labels are there.
    weights : ndarray of shape (B, T)
        Weight of each label, not negative; 0 where it is missing.
    n_tags : int, default=0
        How many of the tasks, the last ones, have tags.

    Returns
    -------
    MergedRows

    Examples
    --------
    >>> import numpy as np
    >>> columns = Columns(np.array([[1.0], [1.0], [1.0]]), np.empty((3, 0), dtype=np.int64))
    >>> y = np.array([[3.0], [3.0], [4.0]])
    >>> merged = merge_rows(columns, y, np.ones_like(y, dtype=bool), np.ones_like(y))
    >>> sorted(merged.weights.ravel().tolist()), merged.group.tolist()
    ([1.0, 2.0], [0, 0])
    """
    counts = targets_observed & (weights > 0)  # (B, T)
    kept = np.flatnonzero(counts.any(axis=1))
    x_hash = hash_rows(columns.numbers, seed=1) + hash_rows(columns.categories, seed=2)
    for place, bag in enumerate(columns.bags):
        x_hash += hash_bag(bag, seed=4 + place)
    for place, sequences in enumerate(columns.sequences):
        x_hash += hash_sequences(sequences, seed=4 + len(columns.bags) + place)
    n_others = len(columns.bags) + len(columns.sequences)
    for place, vectors in enumerate(columns.vectors):
        x_hash += hash_rows(vectors.hashes[vectors.texts, None], seed=4 + n_others + place)
    n_others += len(columns.vectors)
    for place, words in enumerate(columns.words):
        x_hash += hash_words(words, seed=4 + n_others + place)
    y_hash = hash_rows(targets_values, seed=3, is_there=counts)
    x_hash, y_hash = x_hash[kept], y_hash[kept]
    order = np.lexsort((y_hash, x_hash))
    new_x = _starts(x_hash[order])
    new_row = new_x | _starts(y_hash[order])
    inverse = np.full(columns.n_rows, -1, dtype=np.int64)
    inverse[kept[order]] = np.cumsum(new_row) - 1
    summed = _sum_weights(weights[kept], inverse[kept], int(new_row.sum()))
    n_others = weights.shape[1] - n_tags
    return MergedRows(
        first=kept[order[new_row]],
        inverse=inverse,
        group=np.cumsum(new_x)[new_row] - 1,
        weights=summed[:, :n_others],
        tag_weights=summed[:, n_others:],
    )


def hash_rows(
    values: NDArray[Any], *, seed: int, is_there: NDArray[np.bool_] | None = None
) -> NDArray[np.uint64]:
    """Hash each row, as the sum of its values' hashes times an odd number of each column.

    A value that is not there counts as NaN. float32 and float64 of the same value have the same hash.

    Parameters
    ----------
    values : ndarray of shape (B, C)
    seed : int
        Of tables with different seeds, equal rows have different hashes.
    is_there : ndarray of bool, shape (B, C), optional

    Returns
    -------
    ndarray of shape (B,), uint64
    """
    n_rows, n_columns = values.shape
    places = np.arange(1, n_columns + 1, dtype=np.uint64) * np.uint64(_GOLDEN) + np.uint64(seed)
    factors = pd.util.hash_array(places) | np.uint64(1)  # (C,)
    hashes = np.empty(n_rows, dtype=np.uint64)
    step = max(1, _VALUES_AT_ONCE // max(1, n_columns))
    for start in range(0, n_rows, step):
        block = values[start : start + step]
        if block.dtype.kind == "f":
            block = np.add(block, 0, dtype=np.float64)  # a copy, -0.0 is 0.0: pandas < 3.1 hashes bits
            block[np.isnan(block)] = np.nan  # NaN has many bit patterns
        if is_there is not None:
            block[~is_there[start : start + step]] = np.nan
        hashed = pd.util.hash_array(block.ravel()).reshape(block.shape)
        hashes[start : start + step] = hashed @ factors
    return hashes


def hash_bag(bag: csr_array, *, seed: int) -> NDArray[np.uint64]:
    """Hash each row of a bag, as the sum of its entries' hashes: of their terms, values and order.

    Parameters
    ----------
    bag : csr_array of shape (B, n_terms)
    seed : int
        Of bags with different seeds, equal rows have different hashes.

    Returns
    -------
    ndarray of shape (B,), uint64
    """
    hashes = np.empty(bag.shape[0], dtype=np.uint64)
    step = max(1, _VALUES_AT_ONCE * bag.shape[0] // max(1, bag.nnz))
    for start in range(0, bag.shape[0], step):
        bounds = bag.indptr[start : start + step + 1].astype(np.int64)
        entries = slice(bounds[0], bounds[-1])
        order = np.arange(bounds[-1] - bounds[0]) - np.repeat(bounds[:-1] - bounds[0], np.diff(bounds))
        places = (order.astype(np.uint64) << np.uint64(32)) + bag.indices[entries].astype(np.uint64)
        factors = pd.util.hash_array(places * np.uint64(_GOLDEN) + np.uint64(seed)) | np.uint64(1)
        values = pd.util.hash_array(np.add(bag.data[entries], 0, dtype=np.float64))
        running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values * factors)])
        hashes[start : start + step] = np.diff(running[bounds - bounds[0]])
    return hashes


def hash_sequences(sequences: Sequences, *, seed: int) -> NDArray[np.uint64]:
    """Hash each row of a sequence column, as the sum of its steps' hashes: of their values and order.

    Parameters
    ----------
    sequences : Sequences
        B rows.
    seed : int
        Of columns with different seeds, equal rows have different hashes.

    Returns
    -------
    ndarray of shape (B,), uint64
    """
    hashes = np.empty(len(sequences), dtype=np.uint64)
    n_steps = max(1, int(sequences.lengths.max(initial=0)))
    step = max(1, _VALUES_AT_ONCE // n_steps)
    for start in range(0, len(sequences), step):
        block = sequences[start : start + step].gathered()
        order = np.arange(len(block.values)) - np.repeat(block.starts, block.lengths)
        places = (order.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN) + np.uint64(seed)
        of_steps = hash_rows(block.values, seed=seed) * (pd.util.hash_array(places) | np.uint64(1))
        running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(of_steps)])
        hashes[start : start + step] = running[block.starts + block.lengths] - running[block.starts]
    return hashes


def hash_words(words: Words, *, seed: int) -> NDArray[np.uint64]:
    """Hash each row of words, as the sum of the hashes of what is known of them, and of their order.

    Parameters
    ----------
    words : Words
        B rows.
    seed : int
        Of columns with different seeds, equal rows have different hashes.

    Returns
    -------
    ndarray of shape (B,), uint64
    """
    of_words = (hash_rows(words.features, seed=seed) >> np.uint64(33)).astype(np.int64)
    shape = len(words.starts) - 1, 2**31
    return hash_bag(csr_array((np.ones(len(of_words)), of_words, words.starts), shape=shape), seed=seed)


def _starts(ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Mark each element that differs from the one before it."""
    return np.concatenate([np.ones(min(1, len(ordered)), dtype=bool), ordered[1:] != ordered[:-1]])


def _sum_weights(
    weights: NDArray[np.float64], inverse: NDArray[np.int64], n_distinct: int
) -> NDArray[np.float64]:
    """Add up the weights of each distinct row, from small to large: sums round."""
    summed = np.empty((n_distinct, weights.shape[1]))
    summed[inverse] = weights
    repeated = np.bincount(inverse, minlength=n_distinct) > 1  # (R,)
    rows = np.flatnonzero(repeated[inverse])
    for task, column in enumerate(weights[rows].T):
        order = np.argsort(column, kind="stable")
        totals = np.bincount(inverse[rows[order]], weights=column[order], minlength=n_distinct)
        summed[repeated, task] = totals[repeated]
    return summed
