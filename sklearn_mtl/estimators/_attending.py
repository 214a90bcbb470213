"""What fitted estimators say of attention: to columns, to words, to steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from .._validation import as_pandas, as_table
from ..encoding import ColumnReader, Columns, to_texts
from ..pretrained import LoadedEncoder
from ..tasks import TaskSet
from ..training import Ensemble, FoldNet, torch_threads
from ._words import of_pieces, of_terms, step_table, word_table

_ROWS_AT_ONCE = 256
_MOST_COLUMNS_NAMED = 10_000


class AttentionMethods:
    """Attention of a fitted estimator."""

    n_threads: int
    net_: FoldNet
    _ensemble: Ensemble
    _reader: ColumnReader
    _task_set: TaskSet

    def _read_columns(self, X: Any) -> Columns:
        """Read rows with the columns of ``fit``."""
        raise NotImplementedError

    def attention_weights(self, X: Any, *, per_view: bool = False) -> NDArray[np.float64] | list[csr_array]:
        """Say which columns each task attends to, row by row.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.
        per_view : bool, default=False
            Keep the views of all folds apart, instead of their mean.

        Returns
        -------
        ndarray of shape (B, T, C), or (B, ``n_folds_ * n_views_``, T, C), or list of T csr_array (B, C)
            In the order of the columns of `X`; sums to 1 over C. With ``attention="sigmoid"`` it does not:
            each column has a weight from 0 to 1 of its own, 1 / C where its score is 0. A column that never
            varied in ``fit`` has weight 0. Linear view and forest have no attention. Sparse arrays, one a
            task, where more than 512 columns are mostly 0: of these only values other than 0 have a weight,
            and a row in which they are all 0 sums to less than 1.

        Raises
        ------
        ValueError
            Views are to be kept apart, but attention is sparse.
        """
        columns = self._read_columns(X)
        with torch_threads(self.n_threads):
            return self._attention(columns, per_view=per_view)

    def word_attention(self, X: Any) -> pd.DataFrame:
        """Say which words of texts each task attends to.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``; a few, as there is a row for each of their words and each task.

        Returns
        -------
        DataFrame
            ``row`` (by the index of `X`, or its number), ``column``, ``task``, ``word``, ``position`` from 0
            among the words of the text that are known from ``fit``, and ``weight``: the mean over folds and
            views; the weights of a row, column and task sum to 1. Missing texts, and those without a known
            word, have no row. With a pretrained encoder there is a column ``source``: ``"terms"`` for these
            words, and ``"encoder"`` for those of the encoder (all words, with pieces joined and marks such as
            ``[CLS]`` by themselves, at positions of their own); the weights of both sum to 1.

        Raises
        ------
        ValueError
            No column was read as text in ``fit``.
        """
        columns = self._read_columns(X)
        texts = self._reader.texts
        if not texts:
            raise ValueError(
                f"{type(self).__name__}: no column was read as text in fit; columns_ says as what each was "
                "read, and text=TextColumns(columns=[...]) names texts."
            )
        with torch_threads(self.n_threads):
            attention = self._ensemble.entry_attention(columns)
        frame = pd.DataFrame(as_pandas(X))
        encoder, n_sequences, n_bags = self._reader.encoder, len(columns.sequences), len(columns.bags)
        parts = []
        for text, (place, terms) in enumerate(texts.items()):
            values, column = frame.iloc[:, place].array, self._reader.names()[place]
            of_bag = attention[n_sequences + text]
            sources = [of_terms(columns.bags[text], of_bag, terms.words(values))]
            if isinstance(encoder, LoadedEncoder):
                of_vectors = attention[n_sequences + n_bags + text]
                sources.append(of_pieces(encoder.words(to_texts(values)), of_vectors))
            parts.append(word_table(sources, rows=frame.index, column=column, tasks=self._task_set.names))
        return pd.concat(parts, ignore_index=True)

    def step_attention(self, X: Any) -> pd.DataFrame:
        """Say which steps of sequences each task attends to.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C), or ndarray of shape (B, L, channels)
            Rows with the columns of ``fit``; a few, as there is a row for each of their steps and each task.

        Returns
        -------
        DataFrame
            ``row`` (by the index of `X`, or its number), ``column``, ``task``, ``step`` (-1 is the last one
            there), and ``weight``: the mean over folds and views, after the encoder, if there is one; the
            weights of a row, column and task sum to 1. Missing sequences have no row.

        Raises
        ------
        ValueError
            No column was read as a sequence in ``fit``.
        """
        columns = self._read_columns(X)
        places = list(self._reader.sequences)
        if not places:
            raise ValueError(
                f"{type(self).__name__}: no column was read as a sequence in fit; columns_ says as what each "
                "was read."
            )
        with torch_threads(self.n_threads):
            attention = self._ensemble.entry_attention(columns)
        options: dict[str, Any] = {"rows": pd.DataFrame(as_table(X)).index, "tasks": self._task_set.names}
        names = self._reader.names()
        parts = [
            step_table(sequences.lengths, of_steps, column=names[place], **options)
            for place, sequences, of_steps in zip(places, columns.sequences, attention, strict=False)
        ]
        return pd.concat(parts, ignore_index=True)

    def _attention(
        self, columns: Columns, *, per_view: bool = False
    ) -> NDArray[np.float64] | list[csr_array]:
        is_sparse = len(self._reader.terms_) > 0
        if is_sparse and per_view:
            raise ValueError(
                f"{type(self).__name__}: per_view=True, but attention to more than 512 columns that are "
                "mostly 0 is sparse and the mean over views; leave per_view=False."
            )
        of_active = self._ensemble.attention(columns, per_view=per_view)
        return self._sparse_attention(columns, of_active) if is_sparse else self._of_all_columns(of_active)

    def _of_all_columns(self, of_active: NDArray[np.float64]) -> NDArray[np.float64]:
        """Put 0 in the place of columns that never varied, and add up parts of dates; along the last axis."""
        of_all = np.zeros((*of_active.shape[:-1], self._reader.n_columns_))
        for place, of_part in zip(self._active_columns(), np.moveaxis(of_active, -1, 0), strict=True):
            of_all[..., place] += of_part
        return of_all

    def _active_columns(self) -> NDArray[np.intp]:
        """Say which columns of X the numbers and categories that vary are, the sequences and the texts."""
        preparation, infos = self._ensemble.preparation, self._reader.columns_
        numbers = np.array([info.index for info in infos for _ in range(info.n_numbers)], dtype=np.intp)
        categories = np.array([info.index for info in infos if info.kind == "category"], dtype=np.intp)
        sequences, texts = (
            np.array([info.index for info in infos if info.kind == kind], dtype=np.intp)
            for kind in ("sequence", "text")
        )
        active = numbers[preparation.active_numbers], categories[preparation.active_categories]
        return np.concatenate([*active, sequences, texts])

    def _sparse_attention(self, columns: Columns, of_columns: NDArray[np.float64]) -> list[csr_array]:
        """Put what tasks give to the terms of the bag beside what they give to columns of their own."""
        place = len(columns.sequences) + len(columns.bags) - 1
        bag, of_entries = columns.bags[-1], self._ensemble.entry_attention(columns)[place]
        active = self._active_columns()
        of_columns = of_columns[:, :, : len(active)]  # without the bag, which comes last
        each = np.arange(columns.n_rows)
        rows = np.concatenate([np.repeat(each, np.diff(bag.indptr)), np.repeat(each, len(active))])
        of_terms = self._reader.terms_[bag.indices]
        places = np.concatenate([of_terms, np.tile(active, columns.n_rows)])
        shape = columns.n_rows, self._reader.n_columns_
        weights = [
            np.concatenate([of_entries[:, task], of_columns[:, task].ravel()])
            for task in range(len(self._task_set.names))
        ]
        return [csr_array((of_task, (rows, places)), shape=shape) for of_task in weights]

    def _token_counts(self) -> NDArray[np.int64]:
        """Count the tokens of each of the reader's columns."""
        infos = self._reader.columns_
        n_tokens = np.bincount(self._active_columns(), minlength=self._reader.n_columns_)
        counts = np.array([n_tokens[info.index] for info in infos])
        are_bags = np.array([info.n_terms > 0 for info in infos])
        n_sequences, widths = len(self._reader.sequences), self.net_.module_.bag_widths
        of_sequences, others = np.array(widths[:n_sequences], np.int64), widths[n_sequences:]
        counts[are_bags] = others[: are_bags.sum()]
        counts[[info.kind == "text" for info in infos]] += sum(others[are_bags.sum() :][:1])
        counts[[info.kind == "sequence" for info in infos]] += of_sequences - 1
        texts = np.flatnonzero([info.kind == "text" for info in infos])
        preparation = self._ensemble.preparation
        for bag, n_words in zip(preparation.word_bags, self.net_.module_.word_widths, strict=True):
            counts[texts[bag]] += n_words
        return counts

    def _set_feature_attention(
        self, columns: Columns, rows: NDArray[np.int64], *, weights: NDArray[np.float64]
    ) -> None:
        total: Any = 0
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            block = slice(start, start + _ROWS_AT_ONCE)
            attention = self._attention(columns.take(rows[block]))
            if isinstance(attention, list):
                total = total + vstack([csr_array(weights[None, block]) @ of_task for of_task in attention])
            else:
                total = total + np.tensordot(weights[block], attention, axes=1)
        mean = total / weights.sum()
        self.feature_attention_: pd.DataFrame | csr_array
        is_sparse = len(self._reader.terms_) > 0
        if self._reader.n_columns_ > _MOST_COLUMNS_NAMED and is_sparse:
            self.feature_attention_ = csr_array(mean)
            return
        self.feature_attention_ = pd.DataFrame(
            mean.toarray() if is_sparse else mean, index=self._task_set.names, columns=self._reader.names()
        )
