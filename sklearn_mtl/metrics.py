"""Scores that know several tasks and missing labels, and scorers for scikit-learn's search.

Each score is scikit-learn's own, taken per task over the labels that are there, then averaged over tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    cohen_kappa_score,
    d2_absolute_error_score,
    d2_pinball_score,
    d2_tweedie_score,
    f1_score,
    mean_absolute_error,
    r2_score,
    recall_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.utils.metadata_routing import UNUSED

from .tasks import (
    Kind,
    LabelColumn,
    LabelTable,
    Tags,
    check_comparable,
    check_known_tasks,
    class_labels,
    codes_of,
    match_columns,
    named_weights,
    read_labels,
    read_tag_cells,
    real_numbers,
    sample_weight_table,
)

__all__ = ["make_multitask_scorer", "multitask_score", "tag_score"]

Metric = Literal[
    "r2",
    "rmse",
    "arrmse",
    "mae",
    "d2_absolute_error",
    "d2_pinball",
    "d2_poisson",
    "accuracy",
    "kappa",
    "balanced_accuracy",
    "f1",
    "log_loss",
    "brier",
    "roc_auc",
    "average_precision",
]
Average = Literal["macro", "weighted"]
# What tasks of each kind are measured by; the first is their score.
METRICS: dict[Kind, tuple[Metric, ...]] = {
    "regression": ("r2", "rmse", "mae"),
    "absolute_error": ("d2_absolute_error", "rmse", "mae"),
    "huber": ("d2_absolute_error", "rmse", "mae"),
    "quantile": ("d2_pinball", "rmse", "mae"),
    "poisson": ("d2_poisson", "rmse", "mae"),
    "binary": ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier"),
    "multiclass": ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier"),
    "ordinal": ("kappa", "accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier"),
}
_Score = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
_OWNER = "multitask_score"
_OF_SPANS = ("B-", "I-", "E-", "S-")


def multitask_score(
    y_true: Any,
    y_pred: Any,
    *,
    metric: Metric,
    average: Average | None = "macro",
    task_weight: Any = None,
    sample_weight: Any = None,
    classes: Any = None,
    baseline: Any = None,
    quantile: Any = 0.5,
) -> float | pd.Series:
    """Score predictions of several tasks on the labels that are there.

    Parameters
    ----------
    y_true : array-like of shape (B,) or (B, T)
        Labels; NaN, None, ``pd.NA`` and NaT are missing.
    y_pred : array-like of shape (B,) or (B, T), or list of T arrays of shape (B, K), or dict of such arrays
        Numbers or classes, as ``predict`` gives them; for ``"log_loss"``, ``"brier"``, ``"roc_auc"`` and
        ``"average_precision"`` probabilities as ``predict_proba`` gives them: one array of shape (B, K) for
        one task, a list of them for several, a dict by task name where some tasks have none, or shape (B, T)
        with the probability of the greater of two classes.
    metric : str
        For numbers ``"r2"``, ``"rmse"``, ``"mae"`` and ``"arrmse"`` (root of the squared error relative to
        that of a constant prediction), and what R² is for other losses, the part of the loss of the best
        constant that is done away with: ``"d2_absolute_error"``, ``"d2_poisson"`` (deviance) and
        ``"d2_pinball"``; for classes ``"accuracy"``, ``"balanced_accuracy"``, ``"f1"`` (mean over classes)
        and ``"kappa"`` (Cohen's, with quadratic weights, for classes with an order); for probabilities
        ``"log_loss"``, ``"brier"`` (the squared error, halved for two classes), ``"roc_auc"``,
        ``"average_precision"`` (with more than two classes the mean over each class against the rest).
    average : {"macro", "weighted"} or None, default="macro"
        Mean over tasks, mean weighted by ``task_weight``, or None for a score per task.
    task_weight : mapping from task name to weight, or sequence of shape (T,), optional
        For ``average="weighted"``.
    sample_weight : array-like of shape (B,) or (B, T), optional
        Weights of rows, or of labels.
    classes : array, list of T arrays or dict of arrays, optional
        What the columns of the probabilities stand for, as in ``classes_``; for ``"kappa"`` the order of the
        classes. Default: the sorted classes in ``y_true``.
    baseline : mapping from task name to number, or sequence of shape (T,), optional
        The constant prediction of ``"arrmse"``, such as the training mean. Default: the mean of ``y_true``.
    quantile : float, or mapping from task name to float, default=0.5
        The level that ``"d2_pinball"`` takes the predictions for.

    Returns
    -------
    float or Series
        The mean, or the score of each task by name. A task on which the score is not defined (no observed
        label, one class only for ``"roc_auc"``, a constant for ``"arrmse"``, no probabilities in a dict) is
        NaN and left out of the mean; the mean of no task is NaN.

    Raises
    ------
    ValueError
        Predictions are missing, or do not fit to the labels.

    Examples
    --------
    >>> from sklearn_mtl.metrics import multitask_score
    >>> y_true = [["cat", 1], ["dog", None], ["dog", 0]]
    >>> y_pred = [["cat", 1], ["cat", 1], ["dog", 1]]
    >>> multitask_score(y_true, y_pred, metric="accuracy", average=None).round(2).to_dict()
    {'task_0': 0.67, 'task_1': 0.5}
    """
    spec = _look_up(metric, average, task_weight)
    table = read_labels(y_true, owner=_OWNER, argument="y_true")
    weights = _label_weights(sample_weight, table)  # (B, T)
    baselines = _baselines(baseline, table.names)
    scores = []
    for position, pair in enumerate(spec.pairs(table, y_pred, classes)):
        if pair is None:
            scores.append(np.nan)
            continue
        true, pred = pair
        weight = weights[table.columns[position].observed, position]
        score = spec.score
        if metric == "arrmse":
            score = partial(_relative_rmse, baseline=baselines[position])
        if metric == "d2_pinball":
            score = partial(_d2_pinball, level=_level(quantile, table.names[position]))
        counted = weight > 0
        defined = counted.any()
        scores.append(score(true[counted], pred[counted], weight[counted]) if defined else np.nan)
    per_task = pd.Series(scores, index=table.names, name=metric, dtype=np.float64)
    return (
        per_task
        if average is None
        else _mean(per_task, named_weights(table.names, task_weight, owner=_OWNER))
    )


class MultitaskScorer(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A scorer for ``scoring=``; `make_multitask_scorer` makes it.

    Parameters
    ----------
    metric : str
        As in `multitask_score`.
    average : {"macro", "weighted"}, default="macro"
        Mean over tasks, or mean weighted by ``task_weight``.
    task_weight : mapping from task name to weight, or sequence of shape (T,), optional
        For ``average="weighted"``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_mtl.metrics import MultitaskScorer
    >>> X, y = np.arange(6.0).reshape(-1, 1), np.arange(12.0).reshape(-1, 2)
    >>> round(MultitaskScorer("r2")(Ridge(alpha=1e-6).fit(X, y), X, y), 3)
    1.0
    """

    __metadata_request__score = {"estimator": UNUSED}  # noqa: RUF012  scikit-learn's protocol

    def __init__(self, metric: Metric, *, average: Average = "macro", task_weight: Any = None) -> None:
        self.metric = metric
        self.average = average
        self.task_weight = task_weight

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Call `score`."""
        return self.score(estimator, X, y, sample_weight=sample_weight)

    def score(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score a fitted estimator, with the sign flipped for losses: greater is better.

        Parameters
        ----------
        estimator : estimator
            Has ``predict``, or ``predict_proba`` and ``classes_`` where the metric reads probabilities.
        X : array-like of shape (B, C)
            Inputs.
        y : array-like of shape (B,) or (B, T)
            Labels; missing ones do not count.
        sample_weight : array-like of shape (B,) or (B, T), optional
            Weights of rows, or of labels.

        Returns
        -------
        float
        """
        spec = _look_up(self.metric, self.average, self.task_weight)
        reads_probabilities = spec.pairs is _probability_pairs
        score = multitask_score(
            y,
            estimator.predict_proba(X) if reads_probabilities else estimator.predict(X),
            metric=self.metric,
            average=self.average,
            task_weight=self.task_weight,
            sample_weight=sample_weight,
            classes=estimator.classes_ if reads_probabilities or self.metric == "kappa" else None,
        )
        return spec.sign * cast("float", score)


def tag_score(
    y_true: Any,
    y_pred: Any,
    *,
    metric: Literal["accuracy", "span_f1"] = "accuracy",
    sample_weight: Any = None,
) -> float:
    """Score predicted tags of words.

    Parameters
    ----------
    y_true : Series or array-like of shape (B,)
        Lists of tags, or texts of tags with spaces between them; missing rows, and None in a list, do not
        count.
    y_pred : Series or array-like of shape (B,)
        As many tags in each row.
    metric : {"accuracy", "span_f1"}, default="accuracy"
        The share of words whose tag is right; or the harmonic mean of precision and recall of spans, each of
        which has to be predicted with its first word, its last word and its type, as the evaluation of the
        shared task of CoNLL-2000 counts them [1]_. For it, tags are ``"O"``, or a type behind ``"B-"`` (first
        word), ``"I-"``, ``"E-"`` (last word) or ``"S-"`` (only word).
    sample_weight : array-like of shape (B,), optional
        Weights of rows.

    Returns
    -------
    float
        NaN without any label; 0 for ``"span_f1"`` without any span that is right.

    Raises
    ------
    ValueError
        Rows differ in number or length, or tags are not those of spans.

    References
    ----------
    .. [1] Tjong Kim Sang, Buchholz (2000). Introduction to the CoNLL-2000 shared task: chunking. CoNLL.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_mtl.metrics import tag_score
    >>> true = pd.Series([["O", "B-city", "I-city"], ["B-day", "O"]])
    >>> predicted = pd.Series([["O", "B-city", "O"], ["B-day", "O"]])
    >>> tag_score(true, predicted), tag_score(true, predicted, metric="span_f1")
    (0.8, 0.5)
    """
    pairs = _tag_pairs(y_true, y_pred)
    weights = np.ones(len(pairs)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    _check_rows(len(weights), len(pairs))
    if metric == "accuracy":
        right = np.array([sum(a == b for a, b in zip(*pair, strict=True)) for pair in pairs])
        total = weights @ np.array([len(true) for true, _ in pairs])
        return float(weights @ right / total) if total > 0 else float("nan")
    if not any(true for true, _ in pairs):
        return float("nan")
    true, predicted = ([_spans(pair[place]) for pair in pairs] for place in (0, 1))
    right = np.array([len(a & b) for a, b in zip(true, predicted, strict=True)])
    total = weights @ np.array([len(a) + len(b) for a, b in zip(true, predicted, strict=True)])
    return float(2 * (weights @ right) / total) if total > 0 else 0.0


def make_multitask_scorer(
    metric: Metric, *, average: Average = "macro", task_weight: Any = None
) -> MultitaskScorer:
    """Make a scorer for ``scoring=`` of ``GridSearchCV`` or ``cross_validate``, for any estimator.

    Parameters
    ----------
    metric : str
        As in `multitask_score`. Losses (``"rmse"``, ``"arrmse"``, ``"mae"``, ``"log_loss"``, ``"brier"``)
        change sign.
    average : {"macro", "weighted"}, default="macro"
        Mean over tasks, or mean weighted by ``task_weight``.
    task_weight : mapping from task name to weight, or sequence of shape (T,), optional
        For ``average="weighted"``.

    Returns
    -------
    MultitaskScorer
        A callable of ``(estimator, X, y, sample_weight=None)``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_mtl.metrics import make_multitask_scorer
    >>> X, y = np.arange(20.0).reshape(-1, 1), np.arange(40.0).reshape(-1, 2)
    >>> search = GridSearchCV(Ridge(), {"alpha": [0.1, 100]}, scoring=make_multitask_scorer("rmse"))
    >>> search.fit(X, y).best_params_
    {'alpha': 0.1}
    """
    if average is None:
        raise ValueError("make_multitask_scorer: average is None, a scorer gives one number; use 'macro'.")
    _look_up(metric, average, task_weight)
    return MultitaskScorer(metric, average=average, task_weight=task_weight)


@dataclass(frozen=True)
class _Spec:
    """How a metric reads predictions, what it computes for one task, and whether greater is better."""

    pairs: Callable[[LabelTable, Any, Any], Iterator[tuple[np.ndarray, np.ndarray] | None]]
    score: _Score
    sign: int = 1


def _look_up(metric: str, average: str | None, task_weight: Any) -> _Spec:
    if metric not in _SPECS:
        raise ValueError(f"{_OWNER}: unknown metric {metric!r}; expected one of {sorted(_SPECS)}.")
    if average not in ("macro", "weighted", None):
        raise ValueError(f"{_OWNER}: average is {average!r}, expected 'macro', 'weighted' or None.")
    if task_weight is not None and average != "weighted":
        raise ValueError(f"{_OWNER}: task_weight counts with average='weighted' only, got {average!r}.")
    return _SPECS[metric]


def _label_weights(sample_weight: Any, table: LabelTable) -> np.ndarray:
    weights = sample_weight_table(
        sample_weight, n_rows=table.n_rows, names=table.names, is_named=table.is_named, owner=_OWNER
    )
    return np.broadcast_to(weights, (table.n_rows, len(table.columns)))


def _baselines(baseline: Any, names: Sequence[str]) -> list[float | None]:
    if baseline is None:
        return [None] * len(names)
    values: list[Any] = (
        [baseline.get(name) for name in names] if isinstance(baseline, Mapping) else list(baseline)
    )
    if len(values) != len(names) or any(value is None for value in values):
        raise ValueError(
            f"{_OWNER}: baseline is {baseline!r}, expected one number for each task {list(names)}."
        )
    return [float(value) for value in values]


def _level(quantile: Any, name: str) -> float:
    level = quantile.get(name, 0.5) if isinstance(quantile, Mapping) else quantile
    if not 0 < level < 1:
        raise ValueError(
            f"{_OWNER}: quantile of task {name!r} is {level!r}, expected a level between 0 and 1."
        )
    return float(level)


def _mean(per_task: pd.Series, weights: np.ndarray) -> float:
    defined = per_task.notna().to_numpy() & (weights > 0)
    return float(np.average(per_task[defined], weights=weights[defined])) if defined.any() else float("nan")


def _number_pairs(table: LabelTable, y_pred: Any, _: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for true, pred in _matched(table, y_pred):
        yield real_numbers(true, owner=_OWNER), real_numbers(pred, owner=_OWNER)


def _class_pairs(table: LabelTable, y_pred: Any, _: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for true, pred in _matched(table, y_pred):
        expected, given = class_labels(true, owner=_OWNER), class_labels(pred, owner=_OWNER)
        check_comparable(given, expected, name=true.name, owner=_OWNER)
        codes, _uniques = pd.factorize(np.concatenate([expected, given]))
        yield codes[: len(expected)], codes[len(expected) :]


def _rank_pairs(
    table: LabelTable, y_pred: Any, classes: Any
) -> Iterator[tuple[np.ndarray, np.ndarray] | None]:
    known = classes_by_task(classes, table.names)
    for (true, pred), order in zip(_matched(table, y_pred), known, strict=True):
        expected, given = class_labels(true, owner=_OWNER), class_labels(pred, owner=_OWNER)
        check_comparable(given, expected, name=true.name, owner=_OWNER)
        order = np.unique(np.concatenate([expected, given])) if order is None else np.asarray(order)
        yield codes_of(expected, order), codes_of(given, order)


def _matched(table: LabelTable, y_pred: Any) -> Iterator[tuple[LabelColumn, LabelColumn]]:
    """Yield each task's labels and the predictions of the same rows."""
    predicted = read_labels(y_pred, owner=_OWNER, argument="y_pred")
    predicted = match_columns(predicted, table.names, by_name=table.is_named, owner=_OWNER, argument="y_pred")
    _check_rows(predicted.n_rows, table.n_rows)
    for true, pred in zip(table.columns, predicted.columns, strict=True):
        missing = np.flatnonzero(true.observed & ~pred.observed)
        if len(missing):
            raise ValueError(f"{_OWNER}: y_pred has no value for task {true.name!r} in row {missing[0]}.")
        wanted = true.observed[pred.observed]
        yield true, replace(pred, name=true.name, labels=pred.labels[wanted], observed=true.observed)


def _probability_pairs(
    table: LabelTable, y_pred: Any, classes: Any
) -> Iterator[tuple[np.ndarray, np.ndarray] | None]:
    per_task = probabilities_by_task(y_pred, table.names)
    classes = classes_by_task(classes, table.names)
    for column, given, known in zip(table.columns, per_task, classes, strict=True):
        if given is None:
            yield None
            continue
        labels = class_labels(column, owner=_OWNER)
        known = np.unique(labels) if known is None else np.asarray(known)
        check_comparable(labels, known, name=column.name, owner=_OWNER)
        probabilities = _one_column_a_class(given)
        _check_rows(len(probabilities), table.n_rows)
        if len(labels) and probabilities.shape[1] != len(known):
            raise ValueError(
                f"{_OWNER}: y_pred has {probabilities.shape[1]} columns for task {column.name!r}, expected "
                f"one for each class {known.tolist()}; give classes=estimator.classes_."
            )
        yield codes_of(labels, known), probabilities[column.observed]


def classes_by_task(classes: Any, names: Sequence[str]) -> Sequence[Any]:
    """Cut the ``classes_`` of an estimator into one array a task.

    Parameters
    ----------
    classes : array, list of T arrays, dict of arrays, or None
        As in `multitask_score`.
    names : sequence of str, length T
        The tasks.

    Returns
    -------
    sequence of T arrays
        None where they are not given.
    """
    if classes is None:
        return [None] * len(names)
    if isinstance(classes, Mapping):
        return [classes.get(name) for name in names]
    return [classes] if len(names) == 1 and np.ndim(classes[0]) == 0 else list(classes)


def probabilities_by_task(y_pred: Any, names: Sequence[str]) -> Sequence[np.ndarray | None]:
    """Cut what ``predict_proba`` gives into one array a task.

    Parameters
    ----------
    y_pred : array, list of T arrays or dict of arrays
        As in `multitask_score`.
    names : sequence of str, length T
        The tasks.

    Returns
    -------
    sequence of T arrays of shape (B, K) or (B,)
        None for a task that is not in a dict.

    Raises
    ------
    ValueError
        There is no reading them as those of these tasks.
    """
    n_tasks = len(names)
    if isinstance(y_pred, Mapping):
        check_known_tasks(y_pred, names, argument="y_pred", owner=_OWNER)
        return [y_pred.get(name) for name in names]
    if isinstance(y_pred, list | tuple) and len(y_pred) == n_tasks and np.ndim(y_pred[0]) > 0:
        return [np.asarray(probabilities, dtype=np.float64) for probabilities in y_pred]
    probabilities = np.asarray(y_pred, dtype=np.float64)
    if n_tasks == 1:
        return [probabilities]
    if probabilities.ndim == 3 and len(probabilities) == n_tasks:
        return list(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != n_tasks:
        raise ValueError(
            f"{_OWNER}: y_pred has shape {probabilities.shape}, expected a list of {n_tasks} arrays of "
            f"probabilities, or one column a task with two classes each."
        )
    return list(probabilities.T)


def _one_column_a_class(probabilities: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - probabilities, probabilities]) if probabilities.ndim == 1 else probabilities


def _check_rows(n_predicted: int, n_rows: int) -> None:
    if n_predicted != n_rows:
        raise ValueError(
            f"{_OWNER}: y_pred has {n_predicted} rows, y_true has {n_rows}; they must be the same."
        )


def _r2(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    return float(r2_score(true, pred, sample_weight=weight)) if len(true) > 1 else float("nan")


def _rmse(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    return float(root_mean_squared_error(true, pred, sample_weight=weight))


def _relative_rmse(
    true: np.ndarray, pred: np.ndarray, weight: np.ndarray, *, baseline: float | None = None
) -> float:
    constant = np.average(true, weights=weight) if baseline is None else baseline
    squares = np.sum(weight * (true - constant) ** 2)
    return float(np.sqrt(np.sum(weight * (true - pred) ** 2) / squares)) if squares > 0 else float("nan")


def _mae(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    return float(mean_absolute_error(true, pred, sample_weight=weight))


def _d2_absolute_error(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    return _d2_pinball(true, pred, weight, level=0.5)


def _d2_pinball(true: np.ndarray, pred: np.ndarray, weight: np.ndarray, *, level: float = 0.5) -> float:
    if len(true) < 2:
        return float("nan")
    if level == 0.5:
        return float(d2_absolute_error_score(true, pred, sample_weight=weight))
    return float(d2_pinball_score(true, pred, sample_weight=weight, alpha=level))


def _d2_poisson(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    if len(true) < 2 or not true.any() or (true == true[0]).all():
        return float("nan")
    least = np.finfo(np.float64).tiny  # a rate of 0 is infinitely wrong where something was counted
    return float(d2_tweedie_score(true, np.maximum(pred, least), sample_weight=weight, power=1))


def _kappa(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    """Compute Cohen's kappa with quadratic weights; unknown classes, which are -1, are below all others."""
    if len(np.unique(np.concatenate([true, pred]))) < 2:
        return float("nan")
    labels = np.arange(min(true.min(), pred.min()), max(true.max(), pred.max()) + 1)
    return float(cohen_kappa_score(true, pred, labels=labels, weights="quadratic", sample_weight=weight))


def _accuracy(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    return float(accuracy_score(true, pred, sample_weight=weight))


def _balanced_accuracy(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    # scikit-learn's balanced_accuracy_score warns of predicted classes that are not among the labels.
    return float(recall_score(true, pred, labels=np.unique(true), average="macro", sample_weight=weight))


def _f1(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    return float(f1_score(true, pred, average="macro", sample_weight=weight, zero_division=0))


def _log_loss(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    # A class that the estimator does not know has probability 0; scikit-learn's log_loss refuses it.
    given = np.where(true >= 0, pred[np.arange(len(true)), true], 0.0)
    eps = np.finfo(np.float64).eps
    return float(np.average(-np.log(np.clip(given, eps, 1 - eps)), weights=weight))


def _brier(true: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    # scikit-learn's brier_score_loss refuses classes that the estimator does not know.
    squares = np.square(pred - (true[:, None] == np.arange(pred.shape[1]))).sum(axis=1)
    return float(np.average(squares, weights=weight)) / (2 if pred.shape[1] == 2 else 1)


def _one_against_rest(
    true: np.ndarray, pred: np.ndarray, weight: np.ndarray, *, score: Callable[..., float]
) -> float:
    n_classes = pred.shape[1]
    of_interest = [1] if n_classes == 2 else range(n_classes)
    scores = [
        score(true == label, pred[:, label], sample_weight=weight)
        for label in of_interest
        if 0 < np.count_nonzero(true == label) < len(true)
    ]
    return float(np.mean(scores)) if scores else float("nan")


_SPECS = {
    "r2": _Spec(_number_pairs, _r2),
    "rmse": _Spec(_number_pairs, _rmse, sign=-1),
    "arrmse": _Spec(_number_pairs, _relative_rmse, sign=-1),
    "mae": _Spec(_number_pairs, _mae, sign=-1),
    "d2_absolute_error": _Spec(_number_pairs, _d2_absolute_error),
    "d2_pinball": _Spec(_number_pairs, _d2_pinball),
    "d2_poisson": _Spec(_number_pairs, _d2_poisson),
    "accuracy": _Spec(_class_pairs, _accuracy),
    "kappa": _Spec(_rank_pairs, _kappa),
    "balanced_accuracy": _Spec(_class_pairs, _balanced_accuracy),
    "f1": _Spec(_class_pairs, _f1),
    "log_loss": _Spec(_probability_pairs, _log_loss, sign=-1),
    "brier": _Spec(_probability_pairs, _brier, sign=-1),
    "roc_auc": _Spec(_probability_pairs, partial(_one_against_rest, score=roc_auc_score)),
    "average_precision": _Spec(_probability_pairs, partial(_one_against_rest, score=average_precision_score)),
}


def are_spans(tags: Sequence[str]) -> bool:
    """Say whether tags are those of spans, as `tag_score` reads them.

    Parameters
    ----------
    tags : sequence of str

    Returns
    -------
    bool
    """
    return all(tag == "O" or (tag[:2] in _OF_SPANS and len(tag) > 2) for tag in tags)


def _tag_pairs(y_true: Any, y_pred: Any) -> list[tuple[list[str], list[str]]]:
    """Give the tags of each row's words that have one, true and predicted."""
    true, predicted = _tag_cells(y_true), _tag_cells(y_pred)
    _check_rows(len(predicted), len(true))
    pairs: list[tuple[list[str], list[str]]] = []
    for row, (cell, guess) in enumerate(zip(true, predicted, strict=True)):
        if cell is None:
            pairs.append(([], []))
            continue
        if guess is None or len(guess) != len(cell):
            n_predicted = 0 if guess is None else len(guess)
            raise ValueError(
                f"tag_score: row {row} has {len(cell)} tags in y_true and {n_predicted} in y_pred."
            )
        kept = [(tag, str(given)) for tag, given in zip(cell, guess, strict=True) if tag is not None]
        pairs.append(([tag for tag, _ in kept], [given for _, given in kept]))
    return pairs


def _tag_cells(y: Any) -> list[Tags | None]:
    column = read_labels(y, owner="tag_score").columns
    if len(column) > 1:
        raise ValueError(
            f"tag_score: labels have {len(column)} columns, expected one; score each task by itself."
        )
    return read_tag_cells(column[0], owner="tag_score")


def _spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Find first word, last word and type of each span."""
    if not are_spans(tags):
        raise ValueError(
            f"tag_score: {sorted({tag for tag in tags if not are_spans([tag])})} are no tags of spans; these "
            "are 'O', and 'B-', 'I-', 'E-' or 'S-' before a type; use metric='accuracy'."
        )
    spans, first = set(), 0
    for place, (before, tag) in enumerate(pairwise(["O", *tags, "O"])):
        is_new = tag[:2] in ("B-", "S-") or before[:2] in ("E-", "S-") or before[2:] != tag[2:]
        if before != "O" and (tag == "O" or is_new):
            spans.add((first, place - 1, before[2:]))
        if tag != "O" and (before == "O" or is_new):
            first = place
    return spans
