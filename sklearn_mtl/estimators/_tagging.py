"""Tasks with a tag for each word of a text: what they read, what they learn from, and what they predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..encoding import ColumnReader, Columns, MergedRows, TextColumns, entries_of, string_columns
from ..tasks import (
    UNLABELLED,
    TagColumn,
    Tags,
    TagTask,
    TaskSet,
    match_columns,
    named_weights,
    read_labels,
    read_tag_cells,
    sample_weight_table,
)
from ..training import TagRows


@dataclass(frozen=True, eq=False)
class TagInput:
    """A task of tags, read and checked.

    Attributes
    ----------
    task : TagTask
    column : int
        Which of the text columns with tags it is of.
    codes : ndarray of int64, shape (E,)
        The tag of each word of that column, row after row; -1 where it has none.
    sequence : ndarray of shape (B,)
        The same number for rows with the same tags.
    weights : ndarray of shape (B,)
        Of rows; 0 where there is no tag.
    task_weight : float
    """

    task: TagTask
    column: int
    codes: NDArray[np.int64]
    sequence: NDArray[np.float64]
    weights: NDArray[np.float64]
    task_weight: float


def names_in_order(task_set: TaskSet, tags: Sequence[TagColumn]) -> list[str]:
    """Name all tasks in the order of the columns of y."""
    names = task_set.names
    for of in tags:  # in order themselves
        names.insert(of.task.place, of.task.name)
    return names


def split_sample_weight(
    sample_weight: Any,
    tags: Sequence[TagColumn],
    *,
    n_rows: int,
    names: list[str],
    is_named: bool,
    owner: str,
) -> tuple[Any, NDArray[np.float64]]:
    """Tell the weights of tags, (B, T'), from those of all other labels, which `row_weights` reads."""
    table = sample_weight_table(sample_weight, n_rows=n_rows, names=names, is_named=is_named, owner=owner)
    places = [of.task.place for of in tags]
    if table.shape[1] == 1:
        weights = np.broadcast_to(table, (n_rows, len(names)))
        return sample_weight if len(names) > len(tags) else None, weights[:, places]
    return np.delete(table, places, axis=1), table[:, places]


def split_task_weight(
    task_weight: Any, tags: Sequence[TagColumn], *, names: list[str], owner: str
) -> tuple[Any, list[float]]:
    """Tell the weights of tasks of tags from those of all others."""
    weights = named_weights(names, task_weight, owner=owner)
    for of in tags:
        if weights[of.task.place] == 0:
            raise ValueError(
                f"{owner}: task_weight of task {of.task.name!r} is 0, but tags cannot be left unlearned; "
                "drop the column."
            )
    places = [of.task.place for of in tags]
    return np.delete(weights, places), weights[places].tolist()


def tagged_columns(
    table: Any, tags: Sequence[TagColumn], *, text: TextColumns | None, owner: str
) -> list[str]:
    """Find the columns that are texts because their words have tags.

    Parameters
    ----------
    table : DataFrame, ndarray or csr_array
        X.
    tags : sequence of TagColumn
    text : TextColumns or None
        What the user says of texts.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    list of str
        Those that tasks name; and if a task names none, the only column of strings, if no other is named as
        a text.

    Raises
    ------
    ValueError
        There are tags, but no column of strings, or a column that is named is none.
    """
    if not tags:
        return []
    strings = string_columns(table)
    named = {of.task.column: of.task.name for of in tags if of.task.column is not None}
    for column, task in named.items():
        if column not in strings:
            raise ValueError(
                f"{owner}: task_types gives task {task!r} the tags of the words of column {column!r}, but "
                f"the columns of X with texts are {strings}."
            )
    if not strings:
        raise ValueError(
            f"{owner}: task {tags[0].task.name!r} has a tag for each word, but X has no column of texts; "
            "pass a DataFrame with a column of texts or of lists of words."
        )
    is_one = len(strings) == 1 and (text is None or text.columns is None)
    return sorted({*named, *(strings if is_one and len(named) < len(tags) else ())})


def place_of_words(reader: ColumnReader, task: TagTask, *, owner: str) -> int:
    """Find the column of ``X`` whose words have a task's tags.

    Parameters
    ----------
    reader : ColumnReader
        Fitted.
    task : TagTask
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        It is not named, and there is not just one text column.
    """
    names = reader.names()
    texts = [names[place] for place in reader.texts]
    if task.column is None and len(texts) != 1:
        raise ValueError(
            f"{owner}: task {task.name!r} has a tag for each word of a text, and the columns that were read "
            f"as text are {texts}; name the one it is of by task_types={{{task.name!r}: ('tagging', "
            "{'column': ...})}."
        )
    return names.index(texts[0] if task.column is None else task.column)


def read_tags(
    tags: Sequence[TagColumn],
    columns: Columns,
    *,
    places: Sequence[int],
    weights: NDArray[np.float64],
    task_weights: Sequence[float],
    owner: str,
) -> tuple[TagInput, ...]:
    """Put tags beside the words that they are of.

    Parameters
    ----------
    tags : sequence of TagColumn
    columns : Columns
    places : sequence of int
        Which of the text columns with tags each task is of.
    weights : ndarray of shape (B, T')
        Of rows, in each of these tasks.
    task_weights : sequence of float
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    tuple of TagInput

    Raises
    ------
    ValueError
        A row has more or fewer tags than words, or nothing of a task has weight.
    """
    read = []
    for of, place, weight, task_weight in zip(tags, places, weights.T, task_weights, strict=True):
        n_words = np.diff(columns.words[place].starts)
        codes = of.task.codes(of.cells, n_words, owner=owner)
        n_tagged = np.bincount(
            np.repeat(np.arange(len(n_words)), n_words)[codes >= 0], minlength=len(n_words)
        )
        weight = np.where(n_tagged > 0, weight, 0.0)
        if not weight.any():
            raise ValueError(
                f"{owner}: all rows with tags of task {of.task.name!r} have sample_weight 0; drop the task "
                "or give one of them a weight above 0."
            )
        read.append(TagInput(of.task, place, codes, of.sequence_codes(), weight, float(task_weight)))
    return tuple(read)


def tag_rows(tags: Sequence[TagInput], columns: Columns, merged: MergedRows) -> tuple[TagRows, ...]:
    """Gather the tags of the distinct rows.

    Parameters
    ----------
    tags : sequence of TagInput
    columns : Columns
    merged : MergedRows

    Returns
    -------
    tuple of TagRows
    """
    gathered = []
    for of, weights in zip(tags, merged.tag_weights.T, strict=True):
        entries, _ = entries_of(columns.words[of.column].starts, merged.first)
        scaled = np.ldexp(weights, -np.frexp(weights.max())[1])  # to below 1: float32 holds them
        gathered.append(TagRows(of.column, of.codes[entries], scaled, len(of.task.tags), of.task_weight))
    return tuple(gathered)


@dataclass(frozen=True, eq=False)
class TagPrediction:
    """What is predicted of the words of some rows, for one task.

    Attributes
    ----------
    task : TagTask
    proba : ndarray of shape (E, K)
        Of the tags of each word, row after row.
    starts : ndarray of shape (B + 1,)
        Where the words of each row start.
    """

    task: TagTask
    proba: NDArray[Any]
    starts: NDArray[np.int64]

    def tags(self) -> NDArray[Any]:
        """Give lists of the most probable tags; (B,)."""
        return self.task.decode(self.proba.argmax(axis=1), self.starts)

    def by_row(self) -> list[NDArray[Any]]:
        """Give an array (L, K) for each row."""
        return [self.proba[start:end] for start, end in zip(self.starts[:-1], self.starts[1:], strict=True)]


def tag_predictions(
    tags: Sequence[tuple[TagTask, int]], proba: Sequence[NDArray[Any]], columns: Columns
) -> list[TagPrediction]:
    """Put probabilities (E, K) of all words of `columns` beside their tasks, each with its text column."""
    return [
        TagPrediction(task, its_proba, columns.words[column].starts)
        for (task, column), its_proba in zip(tags, proba, strict=True)
    ]


def out_of_fold_tags(
    tags: Sequence[TagInput],
    proba: Sequence[NDArray[Any]],
    columns: Columns,
    *,
    first: NDArray[np.int64],
    inverse: NDArray[np.int64],
    predict: Callable[[Columns], list[NDArray[np.float64]]],
) -> list[TagPrediction]:
    """Bring out-of-fold probabilities of distinct rows to all rows.

    Parameters
    ----------
    tags : sequence of TagInput
    proba : sequence of ndarray of shape (E, K)
        Of the words of distinct rows, for each task.
    columns : Columns
        B rows.
    first, inverse : ndarray of int64, shape (R,), (B,)
        As those of `MergedRows`.
    predict : callable
        Predicts the rows without labels, which no fold has trained on.

    Returns
    -------
    list of TagPrediction
    """
    if not tags:
        return []
    seen, unseen = np.flatnonzero(inverse >= 0), np.flatnonzero(inverse < 0)
    of_unseen = predict(columns.take(unseen)) if len(unseen) else [None] * len(tags)
    of_all = []
    for of, its_proba, new in zip(tags, proba, of_unseen, strict=True):
        starts = columns.words[of.column].starts
        _, of_distinct = entries_of(starts, first)
        filled = np.empty((starts[-1], its_proba.shape[1]), dtype=np.float64)
        filled[entries_of(starts, seen)[0]] = its_proba[entries_of(of_distinct, inverse[seen])[0]]
        if new is not None:
            filled[entries_of(starts, unseen)[0]] = new
        of_all.append(filled)
    return tag_predictions([(of.task, of.column) for of in tags], of_all, columns)


def with_tag_scores(
    scores: pd.Series, predictions: Sequence[TagPrediction], tags: Sequence[TagInput], *, names: list[str]
) -> pd.Series:
    """Put the accuracy of out-of-fold tags among the scores of all other tasks, in the order of y."""
    if not tags:
        return scores
    of_tags = {
        of.task.name: _accuracy(prediction, of.codes, of.weights)
        for prediction, of in zip(predictions, tags, strict=True)
    }
    name = scores.name if scores.name == "accuracy" or not len(scores) else "score"
    joined = dict(zip(scores.index, scores, strict=True)) | of_tags
    return pd.Series([joined[task] for task in names], index=names, name=name, dtype=np.float64)


def split_known_tags(
    y: Any, tags: Sequence[tuple[TagTask, int]], *, names: list[str], task_set: TaskSet, owner: str
) -> tuple[Any, list[list[Tags | None]]]:
    """Take the cells of tags out of labels of the tasks of fit.

    Parameters
    ----------
    y : array-like of shape (B,) or (B, T)
    tags : sequence of pairs of TagTask and int
    names : list of str
        All tasks in the order of y.
    task_set : TaskSet
        Those without tags.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    LabelTable, or `y` itself without tags
    list of list of length B
        The cells of each task of tags.
    """
    if not tags:
        return y, []
    table = match_columns(read_labels(y, owner=owner), names, by_name=task_set.is_named, owner=owner)
    columns = dict(zip(names, table.columns, strict=True))
    cells = [read_tag_cells(replace(columns.pop(task.name), name=task.name), owner=owner) for task, _ in tags]
    return replace(table, columns=tuple(columns.values())), cells


def score_tags(
    predictions: Sequence[TagPrediction],
    cells: Sequence[Sequence[Tags | None]],
    *,
    weights: NDArray[np.float64],
    owner: str,
) -> dict[str, float]:
    """Give the share of words whose tag is right, by task.

    Parameters
    ----------
    predictions : sequence of TagPrediction
    cells : sequence of sequences of length B
        The tags of each task.
    weights : ndarray of shape (B, T')
        Of rows.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    dict from str to float
        NaN without any tag.
    """
    return {
        of.task.name: _accuracy(of, of.task.codes(rows, np.diff(of.starts), owner=owner), weight)
        for of, rows, weight in zip(predictions, cells, weights.T, strict=True)
    }


def _accuracy(of: TagPrediction, codes: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    """Give the share of words with a tag whose tag is right; codes (E,), weights of rows (B,)."""
    of_words = np.repeat(weights, np.diff(of.starts)) * (codes != UNLABELLED)
    total = of_words.sum()
    return float(of_words @ (codes == of.proba.argmax(axis=1)) / total) if total > 0 else float("nan")


def insert_tags(labels: Any, predictions: Sequence[TagPrediction]) -> Any:
    """Put lists of tags into their places among the labels of all other tasks.

    Parameters
    ----------
    labels : DataFrame or ndarray of shape (B, T)
        Of tasks without tags; changed, if it is a DataFrame.
    predictions : sequence of TagPrediction

    Returns
    -------
    DataFrame or ndarray of shape (B, T + T')
    """
    if not predictions:
        return labels
    if isinstance(labels, pd.DataFrame):
        for of in predictions:
            labels.insert(of.task.place, of.task.name, pd.Series(of.tags(), index=labels.index, dtype=object))
        return labels
    columns = [*labels.T.astype(object)]
    for of in predictions:
        columns.insert(of.task.place, of.tags())
    table = np.empty((len(labels), len(columns)), dtype=object)
    for place, column in enumerate(columns):
        table[:, place] = column
    return table
