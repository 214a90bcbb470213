"""Scores of every task, each in the metrics of its kind, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from .metrics import (
    METRICS,
    Metric,
    are_spans,
    classes_by_task,
    multitask_score,
    probabilities_by_task,
    tag_score,
)
from .tasks import LabelColumn, LabelTable, match_columns, read_labels, sample_weight_table

__all__ = ["multitask_report"]

_OWNER = "multitask_report"
_OF_TAGS = ("accuracy", "span_f1")
_OF_PROBABILITIES = {"roc_auc", "log_loss", "brier"}


def multitask_report(estimator: Any, X: Any, y: Any, *, sample_weight: Any = None) -> pd.DataFrame:
    """Score every task of a fitted estimator on the labels that are there, beside its baseline.

    Parameters
    ----------
    estimator : estimator
        Fitted: one of this package, or any classifier or regressor of scikit-learn; itself, as the last step
        of a ``Pipeline``, or found by a search.
    X : array-like of shape (B, C)
        Inputs.
    y : DataFrame, Series or array-like of shape (B,) or (B, T)
        Labels; missing ones do not count.
    sample_weight : array-like of shape (B,) or (B, T), default=None
        Weights of rows, or of labels.

    Returns
    -------
    DataFrame
        One row a task, NaN where a column does not apply:

        - ``kind``: ``"regression"``, ``"binary"``, ``"multiclass"``, or a kind with a loss of its own;
        - ``n_labelled``: labels in `y`;
        - ``r2``, ``rmse``, ``mae`` of numbers, in place of ``r2`` the one of ``d2_absolute_error``,
          ``d2_poisson`` and ``d2_pinball`` that fits to another loss; ``kappa`` of ordered classes;
          ``accuracy``, ``balanced_accuracy``, ``roc_auc`` and ``log_loss`` of classes; all as in
          `multitask_score`; those of a kind that no task has are left out;
        - ``accuracy`` of the tags of words, and ``span_f1``, if they mark spans, as in `tag_score`;
        - ``coverage``, if there are quantiles: the share of labels between the least and the greatest one;
        - ``baseline``: the first of these metrics for predicting the best constant for the training labels,
          for R² their mean, or the most frequent class among them (of the labels in `y`, if the estimator
          has no ``tasks_``);
        - ``gain``: the first metric less that of the baseline;
        - ``oof_score``: that of the out-of-fold predictions in ``fit``, if the estimator has them.

    Raises
    ------
    ValueError
        Labels are not those of the estimator's tasks, or not one for each row of `X`.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_mtl import MultiTaskAttentionEstimator, multitask_report
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> Y = pd.DataFrame({"rating": X[:, 0] + X[:, 1], "sold": X[:, 2] > 0})
    >>> estimator = MultiTaskAttentionEstimator(preset="fast", random_state=0).fit(X[:150], Y[:150])
    >>> report = multitask_report(estimator, X[150:], Y[150:])
    >>> report[["kind", "n_labelled", "r2", "accuracy"]].round(1)
                  kind  n_labelled   r2  accuracy
    rating  regression          50  1.0       NaN
    sold        binary          50  NaN       1.0
    >>> bool((report["gain"] > 0.3).all())
    True
    """
    predicted = read_labels(estimator.predict(X), owner=_OWNER, argument="the prediction")
    final = _final_estimator(estimator)
    table = _labels_of_tasks(final, y, len(predicted.columns))
    if table.n_rows != predicted.n_rows:
        raise ValueError(
            f"{_OWNER}: X has {predicted.n_rows} rows and y has {table.n_rows}; both must have one row for "
            "each sample."
        )
    weights = sample_weight_table(
        sample_weight, n_rows=table.n_rows, names=table.names, is_named=table.is_named, owner=_OWNER
    )
    weights = np.broadcast_to(weights, (table.n_rows, len(table.columns)))  # (B, T)
    tasks = final.tasks_ if hasattr(final, "tasks_") else _describe(final, table, weights)
    oof_scores = getattr(final, "oof_task_scores_", pd.Series(np.nan, index=table.names))
    probabilities = _probabilities(estimator, X, tasks)
    quantiles = _quantiles(estimator, X, tasks)
    columns = zip(table.columns, predicted.columns, probabilities, quantiles, weights.T, strict=True)
    rows = [
        _tag_row(true, guess, weight, task)
        if task.kind == "tagging"
        else _row(true, guess.labels, probability, its_quantiles, weight, task)
        for (true, guess, probability, its_quantiles, weight), task in zip(
            columns, tasks.itertuples(), strict=True
        )
    ]
    present = set(tasks["kind"])
    metrics: dict[str, None] = dict.fromkeys(
        metric
        for kind, its_metrics in [*METRICS.items(), ("tagging", _OF_TAGS)]
        if kind in present
        for metric in its_metrics
    )
    metrics |= {"coverage": None} if "quantile" in present else {}
    report = pd.DataFrame(rows, index=table.names)
    report["oof_score"] = oof_scores
    return report[["kind", "n_labelled", *metrics, "baseline", "gain", "oof_score"]]


def _final_estimator(estimator: Any) -> Any:
    """Find the estimator that predicts, behind searches and pipelines."""
    if hasattr(estimator, "best_estimator_"):
        return _final_estimator(estimator.best_estimator_)
    return _final_estimator(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def _labels_of_tasks(final: Any, y: Any, n_tasks: int) -> LabelTable:
    """Read labels, in the order of the tasks of one of our estimators."""
    table = read_labels(y, owner=_OWNER)
    task_set = getattr(final, "_task_set", None)
    if task_set is not None:
        names = final.task_names_
        table = match_columns(table, names, by_name=task_set.is_named, owner=_OWNER)
        columns = tuple(replace(column, name=name) for name, column in zip(names, table.columns, strict=True))
        return replace(table, columns=columns)
    if len(table.columns) != n_tasks:
        raise ValueError(f"{_OWNER}: y has {len(table.columns)} column(s), predictions have {n_tasks}.")
    return table


def _describe(final: Any, table: LabelTable, weights: np.ndarray) -> pd.DataFrame:
    """Describe the tasks of an estimator that does not do so itself, as ``tasks_`` does."""
    if not is_classifier(final):
        kinds = ["regression"] * len(table.columns)
    else:
        classes = _classes(final, table.names)
        kinds = ["binary" if len(of_task) == 2 else "multiclass" for of_task in classes]
    baselines = [
        _constant(column, kind, weight)
        for column, kind, weight in zip(table.columns, kinds, weights.T, strict=True)
    ]
    return pd.DataFrame(
        {"kind": kinds, "baseline": pd.Series(baselines, dtype=object).to_numpy()}, index=table.names
    )


def _constant(column: LabelColumn, kind: str, weight: np.ndarray) -> Any:
    """Find the mean or the most frequent class."""
    weight = weight[column.observed]
    if not weight.any():
        return None
    if kind == "regression":
        return float(np.average(column.labels.astype(np.float64), weights=weight))
    codes, classes = pd.factorize(column.labels)
    return classes.tolist()[np.bincount(codes, weights=weight).argmax()]


def _classes(final: Any, names: Sequence[str]) -> Sequence[Any]:
    if isinstance(final.classes_, np.ndarray) and len(names) > 1:  # the columns of an indicator
        return [np.array([0, 1])] * len(names)
    return classes_by_task(final.classes_, names)


def _probabilities(estimator: Any, X: Any, tasks: pd.DataFrame) -> Sequence[Any]:
    """Give the probabilities of each task and what their columns stand for; None where there are none."""
    if (tasks["kind"] == "regression").all() or not hasattr(estimator, "predict_proba"):
        return [None] * len(tasks)
    of_rows = tasks["kind"] != "tagging"
    if not of_rows.all():
        given = estimator.predict_proba(X) if of_rows.any() else {}
        classes = _final_estimator(estimator).classes_
        return [
            (given[name], classes[name]) if of_rows[name] and name in given else None for name in tasks.index
        ]
    given = probabilities_by_task(estimator.predict_proba(X), tasks.index.tolist())
    classes = _classes(_final_estimator(estimator), tasks.index.tolist())
    return [
        None if array is None else (array, of_task) for array, of_task in zip(given, classes, strict=True)
    ]


def _quantiles(estimator: Any, X: Any, tasks: pd.DataFrame) -> Sequence[Any]:
    """Give the quantiles of each task and the level that is predicted; None where there are none."""
    if not (tasks["kind"] == "quantile").any():
        return [None] * len(tasks)
    while not hasattr(estimator, "predict_quantiles"):  # searches and pipelines pass on scikit-learn's own
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            estimator, X = estimator.steps[-1][1], estimator[:-1].transform(X)
    given, names = estimator.predict_quantiles(X), tasks.index.tolist()
    if isinstance(given, np.ndarray):
        given = dict(zip(names, [given] if given.ndim == 2 else given.swapaxes(0, 1), strict=True))
    levels = {task.name: task.level for task in estimator._task_set.tasks}
    return [(given[name], levels[name]) if name in given else None for name in names]


def _row(
    true: LabelColumn,
    guess: np.ndarray,
    probability: Any,
    quantiles: Any,
    weight: np.ndarray,
    task: Any,
) -> dict[str, Any]:
    """Score one task."""
    options: dict[str, Any] = {} if quantiles is None else {"quantile": quantiles[1]}
    if probability is not None and task.kind == "ordinal":
        options["classes"] = [probability[1]]
    row: dict[str, Any] = {"kind": task.kind, "n_labelled": int(true.observed.sum())}
    for metric in METRICS[task.kind]:
        if metric not in _OF_PROBABILITIES:
            row[metric] = _score(true, guess, weight, metric, **options)
        elif probability is not None:
            row[metric] = _score(true, probability[0], weight, metric, classes=[probability[1]])
        else:
            row[metric] = np.nan
    main = METRICS[task.kind][0]
    constant = pd.Series([task.baseline] * len(true.observed)).to_numpy()
    row["baseline"] = _score(true, constant, weight, main, **options)
    if quantiles is not None:
        row["coverage"] = _coverage(true, quantiles[0], weight)
    return row | {"gain": row[main] - row["baseline"]}


def _tag_row(true: LabelColumn, guess: LabelColumn, weight: np.ndarray, task: Any) -> dict[str, Any]:
    """Score the tags of words."""
    tags = pd.Series(true.labels, dtype=object)
    predicted = pd.Series(guess.labels[true.observed[guess.observed]], dtype=object)
    constant = pd.Series([[task.baseline] * len(row) for row in predicted], dtype=object)
    weights = weight[true.observed]
    row: dict[str, Any] = {"kind": "tagging", "n_labelled": int(true.observed.sum())}
    scored = len(tags) > 0 and bool(weights.any())
    row["accuracy"] = tag_score(tags, predicted, sample_weight=weights) if scored else np.nan
    row["baseline"] = tag_score(tags, constant, sample_weight=weights) if scored else np.nan
    found = {tag for cells in predicted for tag in cells} | {task.baseline}
    row["span_f1"] = np.nan
    if scored and are_spans(sorted(found)):
        row["span_f1"] = tag_score(tags, predicted, metric="span_f1", sample_weight=weights)
    return row | {"gain": row["accuracy"] - row["baseline"]}


def _coverage(true: LabelColumn, quantiles: np.ndarray, weight: np.ndarray) -> float:
    """Give the share of labels from the least to the greatest quantile; NaN for one level."""
    weight, quantiles = weight[true.observed], quantiles[true.observed]
    if quantiles.shape[1] < 2 or not weight.any():
        return float("nan")
    labels = true.labels.astype(np.float64)
    is_inside = (quantiles[:, 0] <= labels) & (labels <= quantiles[:, -1])
    return float(np.average(is_inside, weights=weight))


def _score(
    true: LabelColumn, predicted: np.ndarray, weight: np.ndarray, metric: Metric, **options: Any
) -> float:
    weight = weight[true.observed]
    if not weight.any():
        return float("nan")
    labels = pd.Series(true.labels, name=true.name)  # errors name the task
    score = multitask_score(labels, predicted[true.observed], metric=metric, sample_weight=weight, **options)
    return cast("float", score)
