"""Suite `kinds`: what other losses than the squared one, and the order of classes, bring to our own fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import xlogy

from benchmarks import mtr, records
from benchmarks.cases import FOLDS, fill, fit_and_predict, folds
from benchmarks.records import Record
from benchmarks.tables import complete, machines, markdown
from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor
from sklearn_mtl.metrics import multitask_score

SUITE = "kinds"
DATASETS = ("wq", "sf2", "scpf", "jura", "jura_outliers")
NUMBERS = ("squared_error", "absolute_error", "huber", "poisson")
CLASSES = ("multiclass", "ordinal")
METHODS = (*NUMBERS, *CLASSES)

_KINDS = {"wq": CLASSES, "jura_outliers": NUMBERS[:3]}  # outliers may be negative, which are no rates
_OUTLIERS = 0.05
_CLASS_METRICS = ("kappa", "accuracy", "log_loss")
_LEAST_RATE = 0.01
_CAPTIONS = {
    "wq": "wq: the abundances 0, 1, 3 and 5 of 14 species as classes; means over tasks and folds. `kappa` "
    "has quadratic weights.",
    "sf2": "sf2: counts of solar flares, three tasks.",
    "scpf": "scpf: views, votes and comments, heavy tails.",
    "jura": "jura: concentrations of three metals.",
    "jura_outliers": f"jura_outliers: the same, {_OUTLIERS:.0%} of the training labels moved up or down by "
    "ten standard deviations; test rows are as they were.",
}
_OF_NUMBERS = (
    "Ours with preset fast and other losses. Scores of numbers are the part of the loss of the best constant "
    "of the training rows that is done away with, in the mean over tasks; R² and D² are higher, the better. "
    "Not positive: share of such predictions; for the Poisson deviance, the least prediction is "
    f"{_LEAST_RATE} times the mean."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    for name in datasets:
        makers = {kind: _maker(kind) for kind in _KINDS.get(name, NUMBERS) if kind in methods}
        fill(SUITE, folds([load(name, folder=folder)], makers, _measure_of(name)))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = complete(pd.DataFrame(records.read(SUITE)), n_folds=FOLDS.get_n_splits())
    if measured.empty:
        return "No set is measured on all folds yet."
    tables = [
        _table(measured[measured["dataset"] == name], name)
        for name in DATASETS
        if name in set(measured["dataset"])
    ]
    return "\n\n".join([_OF_NUMBERS, *tables, machines(measured)])


def load(name: str, *, folder: Path) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """Read a table; abundances are classes, all other targets are numbers."""
    _, X, y = mtr.load(name.removesuffix("_outliers"), folder=folder)
    return name, X, y.astype(int if name == "wq" else float)


def spoil(y: pd.DataFrame) -> pd.DataFrame:
    """Move some of the labels up or down by ten standard deviations, the same rows in every fold."""
    shape = (y.index.max() + 1, y.shape[1])
    draws = np.random.default_rng(0).random(shape)[y.index]  # (B, T)
    sign = np.select([draws < _OUTLIERS / 2, draws < _OUTLIERS], [-1.0, 1.0])
    return y + 10 * y.std().to_numpy() * sign


def _maker(kind: str) -> Callable[[], Any]:
    if kind in CLASSES:
        return lambda: MultiTaskAttentionClassifier(task_types=kind, preset="fast", random_state=0)
    return lambda: MultiTaskAttentionRegressor(loss=kind, preset="fast", random_state=0)


def _measure_of(name: str) -> Callable[..., Record]:
    def measure(make: Callable[[], Any], *rows: pd.DataFrame) -> Record:
        X, y, X_test, y_test = rows
        if name == "jura_outliers":
            y = spoil(y)
        model = make()
        predicted, record = fit_and_predict(model, X, y, X_test, lambda model, X: model.predict(X))
        if name == "wq":
            return record | _class_scores(model, X_test, y_test, predicted)
        return record | _losses(y_test.to_numpy(), predicted, y.to_numpy())

    return measure


def _class_scores(model: Any, X: pd.DataFrame, y: pd.DataFrame, predicted: np.ndarray) -> Record:
    given = {"log_loss": model.predict_proba(X)}
    return {
        metric: float(multitask_score(y, given.get(metric, predicted), metric=metric, classes=model.classes_))
        for metric in _CLASS_METRICS
    }


def _losses(y: np.ndarray, predicted: np.ndarray, y_train: np.ndarray) -> Record:
    """Sum the losses of predictions and of constants over the rows, a sum a task."""
    mean, median = y_train.mean(axis=0), np.median(y_train, axis=0)  # (T,)
    pairs = {
        "R²": ((y - predicted) ** 2, (y - mean) ** 2),
        "D² absolute error": (np.abs(y - predicted), np.abs(y - median)),
        "D² Poisson": (_deviance(y, np.maximum(predicted, _LEAST_RATE * mean)), _deviance(y, mean)),
    }
    sums = {name: [loss.sum(axis=0).tolist() for loss in pair] for name, pair in pairs.items()}  # (2, T) each
    return sums | {"not_positive": float((predicted <= 0).mean())}


def _deviance(y: np.ndarray, rate: np.ndarray) -> np.ndarray:
    return np.asarray(2 * (xlogy(y, y / rate) - y + rate))


def _table(measured: pd.DataFrame, name: str) -> str:
    groups = measured.groupby("method")
    if name == "wq":
        table = groups[[*_CLASS_METRICS]].mean()
    else:
        table = pd.DataFrame(
            {
                metric: groups[metric].apply(_part_done_away_with)
                for metric in ("R²", "D² absolute error", "D² Poisson")
            }
        ).assign(**{"not positive": groups["not_positive"].mean()})
    return markdown(table.loc[[kind for kind in METHODS if kind in table.index]], caption=_CAPTIONS[name])


def _part_done_away_with(pairs: pd.Series) -> float:
    losses, of_constants = np.sum(pairs.tolist(), axis=0)  # (T,) each
    return float((1 - losses / of_constants).mean())
