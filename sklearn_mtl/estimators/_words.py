"""The words of texts and the steps of sequences, and how much each task attends to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..pretrained import PieceWords


@dataclass(frozen=True, eq=False)
class AttendedWords:
    """The words of a text column in some rows, one after the other, from one source.

    Attributes
    ----------
    words : ndarray of shape (E,), object
        None for a missing text.
    starts : ndarray of shape (B + 1,), int64
        Where those of each row start.
    attention : ndarray of shape (E, T)
        Of each task to each of them.
    """

    words: NDArray[np.object_]
    starts: NDArray[np.int64]
    attention: NDArray[np.float64]

    @property
    def row(self) -> NDArray[np.int64]:
        """Say which row each word is of; (E,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def totals(self) -> NDArray[np.float64]:
        """Add up the attention in each row; (B, T)."""
        totals = np.zeros((len(self.starts) - 1, self.attention.shape[1]))
        np.add.at(totals, self.row, self.attention)
        return totals


def of_terms(bag: csr_array, attention: NDArray[np.float64], words: Sequence[str | None]) -> AttendedWords:
    """Take the entries of a bag for words.

    Parameters
    ----------
    bag : csr_array of shape (B, N)
    attention : ndarray of shape (E, T)
        To its entries, in their order.
    words : sequence of str or None, length E
        What the entries are; None is a missing text.

    Returns
    -------
    AttendedWords
    """
    return AttendedWords(np.array(words, dtype=object), bag.indptr.astype(np.int64), attention)


def of_pieces(pieces: PieceWords, attention: NDArray[np.float64]) -> AttendedWords:
    """Take an encoder's words, with the attention to all pieces of each.

    Parameters
    ----------
    pieces : PieceWords
    attention : ndarray of shape (E, T)
        To each piece.

    Returns
    -------
    AttendedWords
    """
    of_words = np.zeros((len(pieces.words), attention.shape[1]))
    np.add.at(of_words, pieces.word_of_token, attention)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(pieces.n_words)])
    return AttendedWords(np.array(pieces.words, dtype=object), starts, of_words)


def word_table(
    sources: Sequence[AttendedWords], *, rows: pd.Index, column: str, tasks: Sequence[str]
) -> pd.DataFrame:
    """Lay out attention to the words of one text column, one row a task and word.

    Parameters
    ----------
    sources : sequence of AttendedWords
        The known terms; then the words of an encoder, if there is one.
    rows : Index of length B
        What the rows are called.
    column : str
        The column's name.
    tasks : sequence of str, length T

    Returns
    -------
    DataFrame
        ``row``, ``column``, ``task``, ``word``, ``position`` and ``weight``, and ``source`` if there are two;
        the weights of a row and task sum to 1. Missing texts are left out.
    """
    totals = np.sum([source.totals() for source in sources], axis=0)  # (B, T)
    tables = [_table(source, totals, rows, column, tasks) for source in sources]
    if len(sources) == 1:
        return tables[0]
    named = [table.assign(source=name) for table, name in zip(tables, ("terms", "encoder"), strict=True)]
    return pd.concat(named, ignore_index=True)


def _table(
    source: AttendedWords, totals: NDArray[np.float64], rows: pd.Index, column: str, tasks: Sequence[str]
) -> pd.DataFrame:
    row, attention = source.row, source.attention
    n_entries, n_tasks = attention.shape
    share = np.divide(attention, totals[row], out=np.zeros_like(attention), where=totals[row] > 0)
    kept = np.flatnonzero(~pd.isna(source.words))
    return pd.DataFrame(
        {
            "row": rows.take(np.repeat(row[kept], n_tasks)),
            "column": column,
            "task": np.tile(np.array(tasks, dtype=object), len(kept)),
            "word": np.repeat(source.words[kept], n_tasks),
            "position": np.repeat((np.arange(n_entries) - source.starts[row])[kept], n_tasks),
            "weight": share[kept].ravel(),
        }
    )


def step_table(
    lengths: NDArray[np.int64],
    attention: NDArray[np.float64],
    *,
    rows: pd.Index,
    column: str,
    tasks: Sequence[str],
) -> pd.DataFrame:
    """Lay out attention to the steps of one sequence column, one row a task and step.

    Parameters
    ----------
    lengths : ndarray of shape (B,), int64
        How many steps each row has.
    attention : ndarray of shape (E, T)
        To the steps of all rows, one after the other.
    rows : Index of length B
        What the rows are called.
    column : str
        The column's name.
    tasks : sequence of str, length T

    Returns
    -------
    DataFrame
        ``row``, ``column``, ``task``, ``step``, from -1, the last, backwards, and ``weight``; the weights of
        a row and task sum to 1.
    """
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    steps = np.arange(len(attention)) - np.repeat(starts[1:], lengths)
    entries = AttendedWords(steps.astype(object), starts, attention)
    table = word_table([entries], rows=rows, column=column, tasks=tasks)
    return table.drop(columns="position").rename(columns={"word": "step"}).astype({"step": np.int64})
