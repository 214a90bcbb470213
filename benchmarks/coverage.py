"""Suite `coverage`: how many new labels 90 % intervals and sets hold, and how wide they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from benchmarks import classifiers, mtr, peers, records
from benchmarks.cases import FOLDS, fill, folds
from benchmarks.peers import OURS
from benchmarks.records import Record
from benchmarks.tables import compare, complete, lay_out, machines, markdown

SUITE = "coverage"
OF_CLASSES = ("yeast",)
DATASETS = ("enb", "jura", "sf2", "wq", "scpf", "atp1d", "oes10", "rf1", *OF_CLASSES)
LEVEL = 0.9

_COVERED = "Share of test labels inside, at a nominal 0.9: mean over targets and folds."
_LEAST = "The same for the target on which it is least, mean over folds."
_WIDTH = (
    "Mean width of intervals in standard deviations of the training labels, of sets in classes; lower is "
    "better: mean over targets and folds. rf_split: split conformal around a forest of 200 trees, a quarter "
    "of the training rows held out for it."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    for name in datasets:
        makers, measure = (SETS, measure_sets) if name in OF_CLASSES else (METHODS, measure_intervals)
        chosen = {method: makers[method] for method in methods}
        fill(SUITE, folds([mtr.load(name, folder=folder)], chosen, measure))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = complete(pd.DataFrame(records.read(SUITE)), n_folds=FOLDS.get_n_splits())
    if measured.empty:
        return "No set is measured on all folds yet."
    groups = measured.groupby(["dataset", "method"])
    means = {
        name: groups[name].apply(lambda of_folds: np.mean(of_folds.tolist())) for name in ("covered", "width")
    }
    least = groups["covered"].apply(lambda of_folds: np.mean(of_folds.tolist(), axis=0).min())
    covered, its_least, width = (
        lay_out(values, datasets=DATASETS, methods=METHODS)
        for values in (means["covered"], least, means["width"])
    )
    width = compare(width, ours=OURS, ranked=False)
    tables = [(covered, _COVERED), (its_least, _LEAST), (width, _WIDTH)]
    return "\n\n".join([*(markdown(table, caption=caption) for table, caption in tables), machines(measured)])


class SplitForest:
    """Split conformal prediction around a forest for all targets; the same width for all rows."""

    def fit(self, X: pd.DataFrame, y: pd.DataFrame) -> SplitForest:
        """Fit on three quarters of the rows, measure errors on the others."""
        X, X_held, y, y_held = train_test_split(X, y, test_size=0.25, random_state=0)
        self.forest = self.make().fit(X, y)
        k = ceil(round(LEVEL * (len(X_held) + 1), 9))
        self.margin = np.sort(self.errors(X_held, y_held), axis=0)[k - 1]  # (T,)
        return self


class SplitRegressor(SplitForest):
    """The same for numbers."""

    make = staticmethod(peers.rf)

    def errors(self, X: pd.DataFrame, y: pd.DataFrame) -> np.ndarray:
        """Give absolute errors, (B, T)."""
        return np.abs(self.forest.predict(X) - y.to_numpy())

    def predict_interval(self, X: pd.DataFrame, coverage: float) -> np.ndarray:  # noqa: ARG002  as ours takes it
        """Give bounds, (B, T, 2)."""
        predicted = self.forest.predict(X)
        return np.stack([predicted - self.margin, predicted + self.margin], axis=2)


class SplitClassifier(SplitForest):
    """The same for flags."""

    make = staticmethod(classifiers.rf)

    def errors(self, X: pd.DataFrame, y: pd.DataFrame) -> np.ndarray:
        """Give what the probabilities of labels lack to 1, (B, T)."""
        return 1 - _of_label(np.stack(self.forest.predict_proba(X), axis=1), y)

    def predict_set(self, X: pd.DataFrame, coverage: float) -> list[np.ndarray]:  # noqa: ARG002  as ours takes it
        """Tell which classes are in the sets of rows, (B, 2) for each task."""
        return [
            (1 - proba <= margin) | (proba == proba.max(axis=1, keepdims=True))
            for proba, margin in zip(self.forest.predict_proba(X), self.margin, strict=True)
        ]


def measure_intervals(
    make: Callable[[], Any], X: pd.DataFrame, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame
) -> Record:
    """Count the test labels in intervals, whose width is in deviations of the training labels."""
    model, record = _fitted(make, X, y)
    bounds, labels = model.predict_interval(X_test, coverage=LEVEL), y_test.to_numpy()
    covered = (bounds[..., 0] <= labels) & (labels <= bounds[..., 1])  # (B, T)
    width = (bounds[..., 1] - bounds[..., 0]) / y.to_numpy().std(axis=0)
    return record | {"covered": covered.mean(axis=0).tolist(), "width": width.mean(axis=0).tolist()}


def measure_sets(
    make: Callable[[], Any], X: pd.DataFrame, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame
) -> Record:
    """Count the test labels in sets, whose width is the number of their classes."""
    model, record = _fitted(make, X, y)
    sets = np.stack(model.predict_set(X_test, coverage=LEVEL), axis=1)  # (B, T, 2)
    covered = _of_label(sets, y_test)
    width = sets.sum(axis=2)
    return record | {"covered": covered.mean(axis=0).tolist(), "width": width.mean(axis=0).tolist()}


def _fitted(make: Callable[[], Any], X: pd.DataFrame, y: pd.DataFrame) -> tuple[Any, Record]:
    start = perf_counter()
    model = make().fit(X, y)
    return model, {"fit_seconds": perf_counter() - start}


def _of_label(by_class: np.ndarray, y: pd.DataFrame) -> np.ndarray:
    """Take from an array (B, T, 2) what it says of the labels, 0 or 1; (B, T)."""
    return np.take_along_axis(by_class, y.to_numpy(int)[:, :, None], axis=2)[:, :, 0]


METHODS: dict[str, Callable[[], Any]] = {
    OURS: peers.sklearn_mtl,
    f"{OURS}_fast": peers.sklearn_mtl_fast,
    "rf_split": SplitRegressor,
}
SETS: dict[str, Callable[[], Any]] = {
    OURS: classifiers.sklearn_mtl,
    f"{OURS}_fast": lambda: classifiers.sklearn_mtl().set_params(preset="fast"),
    "rf_split": SplitClassifier,
}
