"""How much each column matters to each task."""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance
from sklearn.utils.validation import check_is_fitted

from .._validation import as_table
from ..metrics import Metric, multitask_score
from ..tasks import Kind

_OWNER = "global_importance"
_MOST_ROWS = 512  # whose gradients are computed
_ATTENDED_AT_ONCE = 1024
# What permutation is scored by; greater is better.
_METRICS: dict[Kind, Metric] = {
    "regression": "r2",
    "absolute_error": "d2_absolute_error",
    "huber": "d2_absolute_error",
    "quantile": "d2_pinball",
    "poisson": "d2_poisson",
}


def global_importance(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    method: Literal["attention", "permutation", "gradient"] = "attention",
    n_repeats: int = 5,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    """Say how much each column matters to each task, over all rows.

    Parameters
    ----------
    estimator : estimator
        One of this package, fitted.
    X : DataFrame or array-like of shape (B, C)
        Rows with the columns of ``fit``; better those of a test than those of ``fit``.
    y : DataFrame, Series or array-like of shape (B,) or (B, T), optional
        Labels, for ``method="permutation"``; missing ones do not count.
    method : {"attention", "permutation", "gradient"}, default="attention"
        What is measured:

        - ``"attention"``: the mean attention of the networks [1]_; sums to 1 for each task. It says where the
          networks look, not what would change without a column. Linear view and forest have no part in it.
        - ``"permutation"``: what the score of a task loses when the column is shuffled [2]_: R² or D² of
          numbers, the log loss of classes. It is about the whole estimator, and takes `n_repeats` predictions
          a column. Of columns that say the same, none seems to matter.
        - ``"gradient"``: how far the outputs of the networks would move, to first order, if the column were
          what it is in the mean: numbers in deviations of the labels, classes in logits. Of at most 512 rows,
          evenly spaced.
    n_repeats : int, default=5
        Shuffles of each column.
    random_state : int, RandomState or None, default=None
        Of the shuffles.

    Returns
    -------
    DataFrame of shape (T, C)
        Tasks by columns. NaN where the score of a task is not defined on these rows.

    Raises
    ------
    ValueError
        The method is unknown, or has no labels.

    References
    ----------
    .. [1] Jain, Wallace (2019). Attention is not explanation. NAACL. arXiv:1902.10186.
    .. [2] Breiman (2001). Random forests. Machine Learning 45, 5-32.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.datasets import make_multitask
    >>> from sklearn_mtl.inspection import global_importance
    >>> X, y = make_multitask(300, 6, 2, groups=["a", "b"], relatedness=1, return_X_y=True, random_state=0)
    >>> estimator = MultiTaskAttentionRegressor(preset="fast", random_state=0).fit(X, y)
    >>> importance = global_importance(estimator, X, y, method="permutation", n_repeats=1, random_state=0)
    >>> importance.shape
    (2, 6)
    """
    check_is_fitted(estimator, "net_")
    if method not in ("attention", "permutation", "gradient"):
        raise ValueError(
            f"{_OWNER}: method is {method!r}, expected 'attention', 'permutation' or 'gradient'."
        )
    if method == "permutation":
        if y is None:
            raise ValueError(f"{_OWNER}: y is None; method='permutation' scores predictions of labels.")
        values = _permutation(estimator, X, y, n_repeats, random_state)
    else:
        values = (_attention if method == "attention" else _gradient)(estimator, X)
    return pd.DataFrame(values, index=estimator._task_set.names, columns=estimator._reader.names())


def _attention(estimator: Any, X: Any) -> NDArray[np.float64]:
    columns = estimator._read_columns(X)
    total: NDArray[np.float64] = np.zeros((len(estimator._task_set.names), estimator._reader.n_columns_))
    for start in range(0, columns.n_rows, _ATTENDED_AT_ONCE):
        attention = estimator._attention(columns.take(slice(start, start + _ATTENDED_AT_ONCE)))
        if isinstance(attention, list):  # a sparse array each task
            total += np.stack([of_task.sum(axis=0) for of_task in attention])
        else:
            total += attention.sum(axis=0)
    return np.asarray(total / columns.n_rows)


def _gradient(estimator: Any, X: Any) -> NDArray[np.float64]:
    columns = estimator._read_columns(X)
    if columns.bags:
        raise ValueError(
            f"{_OWNER}: method='gradient', but texts, and more than 512 columns that are mostly 0, are bags "
            "of terms, which have no gradient; use 'attention' or 'permutation'."
        )
    if columns.sequences:
        raise ValueError(
            f"{_OWNER}: method='gradient' is for numbers and categories, and there are sequences; use "
            "'attention' or 'permutation'."
        )
    rows = np.unique(np.linspace(0, columns.n_rows - 1, _MOST_ROWS).round().astype(np.intp))
    effects = estimator._of_all_columns(estimator._ensemble.column_effects(columns.take(rows)))
    of_outputs = effects.mean(axis=0)  # (O, C)
    return np.stack([of_outputs[place].mean(axis=0) for place in estimator._ensemble.layout.slices])


def _permutation(
    estimator: Any, X: Any, y: Any, n_repeats: int, random_state: int | np.random.RandomState | None
) -> NDArray[np.float64]:
    results = permutation_importance(
        estimator, as_table(X), y, scoring=_score_of_each, n_repeats=n_repeats, random_state=random_state
    )
    return np.stack([results[name]["importances_mean"] for name in estimator._task_set.names])


def _score_of_each(estimator: Any, X: Any, y: Any) -> dict[str, float]:
    """Score each task; greater is better."""
    table = pd.DataFrame(y)
    predicted = pd.DataFrame(estimator.predict(X))
    probabilities = _probabilities(estimator, X)
    by_name = estimator._task_set.is_frame and isinstance(y, pd.DataFrame)
    scores = {}
    for place, task in enumerate(estimator._task_set.tasks):
        labels = table[task.name] if by_name else table.iloc[:, place]
        if task.classes is None:
            guess = predicted.iloc[:, place]
            score = multitask_score(labels, guess, metric=_METRICS[task.kind], quantile=task.level)
        else:
            score = -multitask_score(
                labels, probabilities[task.name], metric="log_loss", classes=[task.classes]
            )
        scores[task.name] = cast("float", score)
    return scores


def _probabilities(estimator: Any, X: Any) -> dict[str, NDArray[np.float64]]:
    if not estimator._task_set.classes:
        return {}
    probabilities: dict[str, NDArray[np.float64]]
    probabilities = estimator._task_set.probabilities(estimator._predict_outputs(X))
    return probabilities
