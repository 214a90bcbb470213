"""What a fit says of its tasks: how they were understood, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..encoding import MISSING, MISSING_TEXT, ColumnInfo, Columns, SequenceReader, TextTerms
from ..metrics import METRICS, multitask_score
from ..tasks import Targets, TaskSet
from ._fit import FitInput, best_number

_MOST_ROWS_COUNTED = 100_000
_MOSTLY_MISSING = 0.99
_LEAST_IDENTIFIERS = 20


def task_table(read: FitInput) -> pd.DataFrame:
    """Describe what was understood of ``y``.

    Parameters
    ----------
    read : FitInput

    Returns
    -------
    DataFrame
        One row a task: ``kind``, ``n_classes``, ``n_labelled``, ``missing``, ``baseline``, and what it
        ``continues`` if any does.
    """
    tasks, n_rows = read.task_set.tasks, len(read.targets.observed)
    n_classes = [pd.NA if task.classes is None else len(task.classes) for task in tasks]
    n_classes += [len(of.task.tags) for of in read.tags]
    n_labelled = [*read.targets.observed.sum(axis=0), *(np.count_nonzero(of.weights) for of in read.tags)]
    table = pd.DataFrame(
        {
            "kind": [*(task.kind for task in tasks), *("tagging" for _ in read.tags)],
            "n_classes": pd.array(n_classes, dtype="Int64"),
            "n_labelled": n_labelled,
            "missing": 1 - np.array(n_labelled) / n_rows,
            "baseline": pd.Series(_baselines(read), dtype=object).to_numpy(),
        },
        index=read.training_names,
    )
    if read.continuation is not None:
        continued = pd.Series(read.continuation.names(read.reader.columns_)).to_numpy()
        table.loc[read.task_set.names, "continues"] = continued
    return table.loc[read.names]


def column_table(columns: Columns, infos: Sequence[ColumnInfo]) -> pd.DataFrame:
    """Describe what was understood of ``X``.

    Parameters
    ----------
    columns : Columns
    infos : sequence of ColumnInfo
        Of the reader that read them.

    Returns
    -------
    DataFrame
        One row a column: ``kind``, ``cardinality``, ``missing``, and ``channels`` if there is a sequence.
    """
    step = -(-columns.n_rows // _MOST_ROWS_COUNTED)
    categories, bags = iter(columns.categories.T), iter(columns.bags)
    cardinality: list[int] = []
    missing: list[int] = []
    end = 0
    for info in infos:
        end += info.n_numbers
        if info.kind == "sequence":  # its last number is its length
            cardinality.append(info.cardinality)
            missing.append(int(np.count_nonzero(np.isnan(columns.numbers[:, end - 1]))))
        elif info.n_numbers:  # of a date the last one, which all others follow from
            values = columns.numbers[:, end - 1]
            cardinality.append(pd.Series(values[::step]).nunique())
            missing.append(int(np.count_nonzero(np.isnan(values))))
        elif info.kind == "category":
            cardinality.append(info.cardinality)
            missing.append(int(np.count_nonzero(next(categories) == MISSING)))
        else:
            bag = next(bags)
            cardinality.append(info.cardinality)
            is_hole = bag.indices == MISSING_TEXT
            missing.append(int(np.count_nonzero(is_hole)) if info.kind == "text" else 0)
    table = pd.DataFrame(
        {
            "kind": [info.kind for info in infos],
            "cardinality": cardinality,
            "missing": np.array(missing) / columns.n_rows,
        },
        index=[info.name for info in infos],
    )
    if columns.sequences:
        table["channels"] = [info.n_channels for info in infos]
    return table


def surprises_of(read: FitInput, columns: pd.DataFrame) -> list[tuple[str, str]]:
    """Find columns of which a user may not know what they are.

    Parameters
    ----------
    read : FitInput
    columns : DataFrame
        As `column_table` gives it.

    Returns
    -------
    list of (str, str)
        The column's name, and what it is.
    """
    infos = read.reader.columns_
    last_number = np.cumsum([info.n_numbers for info in infos]) - 1
    surprises = []
    for place, (name, column) in enumerate(columns.iterrows()):
        surprise = _surprise(column, read.columns.n_rows)
        if surprise is None and column["kind"] == "number":
            surprise = _identifier(read.columns.numbers[:, last_number[place]])
        if surprise is None and column["kind"] == "text":
            surprise = _shared_terms(read.reader.texts[infos[place].index])
        if surprise is None and column["kind"] == "sequence":
            surprise = _cut(read.reader.sequences[infos[place].index])
        if surprise is not None:
            surprises.append((str(name), surprise))
    return surprises


def _identifier(values: NDArray[np.floating]) -> str | None:
    """Tell whole numbers without a gap, each of which is there once, in any order."""
    n_rows, low, high = len(values), values.min(), values.max()
    if n_rows < _LEAST_IDENTIFIERS or high - low != n_rows - 1 or len(np.unique(values)) < n_rows:
        return None
    return f"numbers the rows from {low:.0f} to {high:.0f}, like an identifier; drop it if it is one."


def _cut(reader: SequenceReader) -> str | None:
    if not reader.is_cut:
        return None
    return f"has longer sequences; of these the last {reader.length} steps are read."


def _shared_terms(terms: TextTerms) -> str | None:
    if not terms.n_shared:
        return None
    return (
        f"has {terms.n_distinct} terms; the {terms.n_terms} most frequent have codes of their own, the "
        f"others share {terms.n_shared}."
    )


def _surprise(column: pd.Series, n_rows: int) -> str | None:
    n_present = round((1 - column["missing"]) * n_rows)
    if n_present == 0:
        return "is missing everywhere; nothing is learned from it."
    if column["cardinality"] <= 1 and n_present == n_rows and column["kind"] != "sequence":
        return "has the same value in all rows; nothing is learned from it."
    if column["missing"] >= _MOSTLY_MISSING:
        return f"is missing in {column['missing']:.1%} of {n_rows} rows."
    if column["kind"] == "category" and column["cardinality"] == n_present >= _LEAST_IDENTIFIERS:
        return (
            f"is a category with {n_present} different values in as many rows, like an identifier; nothing "
            "is learned from values that occur once."
        )
    return None


def _baselines(read: FitInput) -> list[Any]:
    """Find the best constant or the most frequent class of each task."""
    baselines: list[Any] = []
    columns = zip(read.task_set.tasks, read.targets.values.T, read.sample_weight.T, strict=True)
    for task, value, weight in columns:
        if task.classes is None:
            baselines.append(best_number(task, value, weight))
        else:
            counts = np.bincount(value.astype(np.intp), weights=weight, minlength=len(task.classes))
            baselines.append(task.classes.tolist()[counts.argmax()])
    for of in read.tags:
        weight = np.repeat(of.weights, np.diff(read.columns.words[of.column].starts))
        counts = np.bincount(of.codes[of.codes >= 0], weights=weight[of.codes >= 0])
        baselines.append(of.task.tags[counts.argmax()])
    return baselines


def task_scores(
    task_set: TaskSet,
    targets: Targets,
    predicted: NDArray[np.float64],
    *,
    sample_weight: NDArray[np.float64],
) -> pd.Series:
    """Score each task by the first metric of its kind, on the labels that are there.

    Parameters
    ----------
    task_set : TaskSet
    targets : Targets
        Labels of the same tasks.
    predicted : ndarray of shape (B, T)
        Numbers and classes' indices.
    sample_weight : ndarray of shape (B, T) or (B, 1)
        Weights of labels.

    Returns
    -------
    Series of shape (T,)
        NaN where a score is not defined; the name is that of the metric if there is one only.
    """
    weights = np.broadcast_to(sample_weight, predicted.shape)
    metrics = [METRICS[task.kind][0] for task in task_set.tasks]
    scores = [
        multitask_score(
            true[seen],
            values[seen],
            metric=metric,
            sample_weight=weight[seen],
            quantile=task.level,
            classes=None if task.classes is None else np.arange(-1, len(task.classes)),
        )
        if weight[seen].any()
        else np.nan
        for task, metric, true, seen, values, weight in zip(
            task_set.tasks,
            metrics,
            targets.values.T,
            targets.observed.T,
            predicted.T,
            weights.T,
            strict=True,
        )
    ]
    name = metrics[0] if len(set(metrics)) == 1 else "score"
    return pd.Series(scores, index=task_set.names, name=name, dtype=np.float64)
