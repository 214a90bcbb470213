"""One model per task, which is usual where labels have holes or tasks differ in kind; scores of each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from benchmarks.cases import fit_and_predict
from benchmarks.peers import CATEGORIES, OURS, codes, dense
from benchmarks.records import Record
from benchmarks.tables import compare, complete, lay_out, machines, markdown
from sklearn_mtl.metrics import multitask_score

_N_CATEGORIES = 254  # boosted trees have bins for no more of them, and one for missing ones
_SECONDS = "Seconds of the fit of all tasks, mean over folds."


class PerTask(BaseEstimator):
    """One model per task, each of the rows where the task is observed.

    ``predict`` returns a frame, ``predict_proba`` and ``classes_`` dicts by the names of the classifications.
    With both kinds of model, tasks of floats are regressions.
    """

    def __init__(self, *, classifier: Any = None, regressor: Any = None) -> None:
        self.classifier = classifier
        self.regressor = regressor

    def fit(self, X: Any, y: pd.DataFrame) -> PerTask:
        """Learn from labels of shape (B, T)."""
        self.models_ = {name: self._fit_one(X, labels) for name, labels in y.items()}
        self.classes_ = {name: m.classes_ for name, m in self.models_.items() if is_classifier(m)}
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """Predict all tasks."""
        return pd.DataFrame({name: model.predict(X) for name, model in self.models_.items()})

    def predict_proba(self, X: Any) -> dict[str, np.ndarray]:
        """Predict the probabilities of the classes of each classification."""
        return {name: self.models_[name].predict_proba(X) for name in self.classes_}

    def _fit_one(self, X: Any, labels: pd.Series) -> Any:
        is_number = pd.api.types.is_float_dtype(labels) or self.classifier is None
        model = self.regressor if is_number and self.regressor is not None else self.classifier
        seen = labels.notna().to_numpy()
        return clone(model).fit(X[seen], np.array(labels[seen].tolist()))


def rf_per_task() -> PerTask:
    """Make a forest per task."""
    return PerTask(
        classifier=make_pipeline(codes(), RandomForestClassifier(200, random_state=0)),
        regressor=make_pipeline(codes(), RandomForestRegressor(200, random_state=0)),
    )


def et_per_task() -> PerTask:
    """Make a forest of extremely randomised trees per task."""
    return PerTask(
        classifier=make_pipeline(codes(), ExtraTreesClassifier(200, random_state=0)),
        regressor=make_pipeline(codes(), ExtraTreesRegressor(200, random_state=0)),
    )


def hgb_per_task() -> PerTask:
    """Make boosted trees per task, which split on the categories themselves."""
    return PerTask(
        classifier=make_pipeline(_few_categories(), HistGradientBoostingClassifier(random_state=0)),
        regressor=make_pipeline(_few_categories(), HistGradientBoostingRegressor(random_state=0)),
    )


def linear_per_task() -> PerTask:
    """Make a logistic or ridge regression per task."""
    return PerTask(
        classifier=make_pipeline(dense(), LogisticRegression(max_iter=2000)),  # 100 do not converge
        regressor=make_pipeline(dense(), RidgeCV(np.logspace(-3, 3, 13))),
    )


METHODS: dict[str, Callable[[], Any]] = {
    make.__name__: make for make in (rf_per_task, et_per_task, hgb_per_task, linear_per_task)
}


def measure(
    make: Callable[[], Any], X: pd.DataFrame, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame
) -> Record:
    """Fit on the training rows, and score each task on the observed labels of the test rows."""
    model = make()
    (numbers, probabilities), record = fit_and_predict(model, X, y, X_test, _predict)
    classes = _by_task(model, model.classes_)
    scores = {
        name: multitask_score(labels, probabilities[name], metric="roc_auc", classes=[classes[name]])
        if name in probabilities
        else multitask_score(labels, numbers[name], metric="r2")
        for name, labels in y_test.items()
    }
    return record | {"scores": {name: None if np.isnan(score) else score for name, score in scores.items()}}


def task_scores(measured: pd.DataFrame, *, tasks: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Lay out the mean over folds of each task's scores; (T, methods)."""
    scores = (
        pd.DataFrame(measured["scores"].tolist(), dtype=float).groupby(measured["method"].to_numpy()).mean()
    )
    return scores.T.loc[[*tasks], [method for method in methods if method in scores.index]]


def task_tables(
    measured: list[Record], *, caption: str, n_folds: int, methods: Sequence[str], mean: bool
) -> str:
    """Return a table of the scores of each task and one of seconds, in Markdown."""
    whole = complete(pd.DataFrame(measured), n_folds=n_folds)
    if whole.empty:
        return "No method is measured on all folds yet."
    whole = whole.reset_index(drop=True)
    scores = task_scores(whole, tasks=list(whole["scores"][0]), methods=methods)
    table = compare(scores, ours=OURS, ranked=False, higher_is_better=True)
    if mean:
        table.loc["mean"] = scores.mean()
    seconds = lay_out(
        whole.groupby(["dataset", "method"])["fit_seconds"].mean(),
        datasets=whole["dataset"].unique(),
        methods=methods,
    )
    tables = [
        markdown(table, caption=f"{caption} {_standing(table)}".strip()),
        markdown(compare(seconds, ours=OURS, ranked=False), caption=_SECONDS),
    ]
    return "\n\n".join([*tables, machines(whole)])


def _standing(table: pd.DataFrame) -> str:
    """Say on how many tasks ours is ahead."""
    best = f"{OURS} − best other"
    if best not in table:
        return ""
    ahead = table[best].drop(index=[f"{OURS} − it", "mean"], errors="ignore").dropna()
    return (
        f"{OURS} is ahead of the best other on {(ahead > 0).sum()} of {len(ahead)} tasks; its least "
        f"difference is {ahead.min():.3f}."
    )


def _predict(model: Any, X: pd.DataFrame) -> tuple[Any, Mapping[str, np.ndarray]]:
    return model.predict(X), _by_task(model, model.predict_proba(X))


def _by_task(model: Any, values: Any) -> Mapping[str, Any]:
    """Name what our classifier gives as lists."""
    return values if isinstance(values, Mapping) else dict(zip(model.task_names_, values, strict=True))


def _few_categories() -> Any:
    """Make numbers as they are, and categories of which the rarer ones are one."""
    few = make_pipeline(
        OrdinalEncoder(
            max_categories=_N_CATEGORIES, handle_unknown="use_encoded_value", unknown_value=np.nan
        ).set_output(transform="pandas"),
        FunctionTransformer(_as_categories),
    )
    return make_column_transformer(
        (few, CATEGORIES), remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")


def _as_categories(numbers: pd.DataFrame) -> pd.DataFrame:
    return numbers.astype(pd.CategoricalDtype(range(_N_CATEGORIES)))
