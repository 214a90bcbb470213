"""The methods for binary labels: each function makes one estimator, with its defaults, as in `peers`.

``fit(X, y)`` takes labels of shape (B, T), ``positive(model, X)`` returns their probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from benchmarks.peers import N_THREADS, codes, dense
from benchmarks.per_task import PerTask
from sklearn_mtl import MultiTaskAttentionClassifier


def sklearn_mtl() -> Any:
    """Make ours."""
    return MultiTaskAttentionClassifier(random_state=0)


def rf() -> Any:
    """Make one forest for all labels."""
    return make_pipeline(codes(), RandomForestClassifier(200, random_state=0))


def et() -> Any:
    """Make one forest of extremely randomised trees for all labels."""
    return make_pipeline(codes(), ExtraTreesClassifier(200, random_state=0))


def logistic() -> Any:
    """Make one logistic regression per label."""
    return make_pipeline(dense(), MultiOutputClassifier(_logistic()))


def chain() -> Any:
    """Make a chain of logistic regressions."""
    return make_pipeline(dense(), ClassifierChain(_logistic()))


def mlp() -> Any:
    """Make two layers of 256 with early stopping, as in `peers`."""
    model = MLPClassifier(
        hidden_layer_sizes=(256, 256), early_stopping=True, n_iter_no_change=30, max_iter=2000, random_state=0
    )
    return make_pipeline(dense(), model)


def xgb() -> Any:
    """Make boosted trees, a set of them per label."""
    return make_pipeline(codes(), _xgb())


def catboost(n_trees: int = 1000) -> Any:
    """Make boosted oblivious trees for all labels at once."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        iterations=n_trees, loss_function="MultiLogloss", thread_count=N_THREADS, random_seed=0,
        verbose=0, allow_writing_files=False,
    )  # fmt: skip
    return make_pipeline(codes(), model)


def catboost_500() -> Any:
    """Make half as many trees as is CatBoost's default, for its speed."""
    return catboost(n_trees=500)


def rf_per_task() -> Any:
    """Make a forest per label, of the rows where it is observed."""
    return PerTask(classifier=RandomForestClassifier(200, random_state=0))


def et_per_task() -> Any:
    """Make a forest of extremely randomised trees per label, of the rows where it is observed."""
    return PerTask(classifier=ExtraTreesClassifier(200, random_state=0))


def logistic_per_task() -> Any:
    """Make a logistic regression per label, on log(1 + count): all columns have one unit as they are."""
    return PerTask(classifier=make_pipeline(FunctionTransformer(np.log1p), _logistic()))


def xgb_per_task() -> Any:
    """Make boosted trees per label, of the rows where it is observed."""
    return PerTask(classifier=_xgb())


METHODS: dict[str, Callable[[], Any]] = {
    make.__name__: make for make in (sklearn_mtl, logistic, chain, rf, et, mlp, xgb, catboost, catboost_500)
}
METHODS_WITH_HOLES: dict[str, Callable[[], Any]] = {
    make.__name__: make for make in (sklearn_mtl, logistic_per_task, rf_per_task, et_per_task, xgb_per_task)
}


def positive(model: Any, X: Any) -> np.ndarray:
    """Return the probabilities that labels are 1, (B, T); methods give them in three forms."""
    probabilities = model.predict_proba(X)
    if isinstance(probabilities, np.ndarray):
        return probabilities
    arrays = probabilities.values() if isinstance(probabilities, dict) else probabilities
    return np.stack([columns[:, 1] for columns in arrays], axis=1)


def _logistic() -> Any:
    return LogisticRegression(max_iter=2000)  # 100 do not converge


def _xgb() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(tree_method="hist", n_jobs=N_THREADS, random_state=0)


class Varying(ClassifierMixin, BaseEstimator):
    """Models the labels that vary in the training rows; most methods refuse the others."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: pd.DataFrame, y: pd.DataFrame) -> Varying:
        """Learn from labels of shape (B, T)."""
        self.frequency_ = y.mean().to_numpy()
        self.varies_ = (self.frequency_ > 0) & (self.frequency_ < 1)
        self.model_ = clone(self.model).fit(X, y.loc[:, self.varies_])
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the probabilities that labels are 1, (B, T)."""
        probabilities = np.tile(self.frequency_, (len(X), 1))
        probabilities[:, self.varies_] = positive(self.model_, X)
        return probabilities
