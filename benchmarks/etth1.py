"""Suite `etth1`: a day of a transformer's oil temperature, a task an hour, from four days of seven series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks import records
from benchmarks.cases import Case, fill, fit_and_predict
from benchmarks.peers import OURS
from benchmarks.records import Record
from benchmarks.tables import machines, markdown
from sklearn_mtl import MultiTaskAttentionRegressor, SequenceColumns

SUITE = "etth1"
DATASETS = ("etth1",)

_LENGTH, _HORIZON = 96, 24
_TRAIN, _VALID = 0.6, 0.2  # of the hours; the rest is for the test
_BLOCK = 480  # rows that are held out together: four windows
_CAPTION = (
    "Mean squared error over 24 hours, in standard deviations of the training hours; lower is better. "
    "Windows of 96 hours: to learn from, all that lie within the first 60 % of the hours; to be tested, all "
    "whose labels lie in the last 20 %; the 20 % between are not used."
)


def sklearn_mtl() -> Any:
    """Make ours; windows overlap, so consecutive ones are held out together."""
    return _InBlocks(MultiTaskAttentionRegressor(random_state=0))


def ridge() -> Any:
    """Make a ridge regression on the flattened window."""
    return make_pipeline(FunctionTransformer(_flat), StandardScaler(), Ridge())


def repeat_last() -> Any:
    """Make what takes tomorrow for the last hour."""
    return _RepeatLast()


def _with(**options: Any) -> Any:
    """Make ours with other ways from steps to tokens."""
    return _InBlocks(MultiTaskAttentionRegressor(sequences=SequenceColumns(**options), random_state=0))


METHODS: dict[str, Callable[[], Any]] = {
    make.__name__: make for make in (sklearn_mtl, ridge, repeat_last)
} | {
    f"{OURS}_convolution": partial(_with, encoder="convolution"),
    f"{OURS}_self_attention": partial(_with, encoder="self_attention", window=8),
    f"{OURS}_hybrid": partial(_with, pooling="hybrid"),
}


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    fill(SUITE, (case for name in datasets for case in _cases(name, folder=folder, methods=methods)))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    table = measured.set_index("method")[["mse", "first_hour", "last_hour", "fit_seconds"]]
    table = table.loc[[method for method in METHODS if method in table.index]]
    parts = [markdown(table, caption=_CAPTION)]
    others = table["mse"][[not method.startswith(OURS) for method in table.index]]
    if OURS in table.index and len(others):
        best = others.min()
        parts.append(f"{OURS} / best other: {table.loc[OURS, 'mse'] / best:.3f}.")
    return "\n\n".join([*parts, machines(measured)])


def _cases(name: str, *, folder: Path, methods: Sequence[str]) -> Iterator[Case]:
    windows = _windows(folder)
    for method in methods:
        yield {"dataset": name, "method": method, "fold": 0}, partial(_measure, METHODS[method], *windows)


def _measure(
    make: Callable[[], Any], X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray
) -> Record:
    predicted, record = fit_and_predict(make(), X, y, X_test, lambda model, rows: model.predict(rows))
    errors = ((predicted - y_test) ** 2).mean(axis=0)  # (T,)
    scores = {"mse": errors.mean(), "first_hour": errors[0], "last_hour": errors[-1]}
    return record | {score: float(value) for score, value in scores.items()}


def _windows(folder: Path) -> tuple[np.ndarray, ...]:
    """Cut windows and what follows them; training rows, (B, 96, 7) and (B, 24), then test rows."""
    hours = pd.read_csv(next(folder.rglob("ETTh1.csv"))).drop(columns="date").to_numpy()
    n_train, n_before_test = int(_TRAIN * len(hours)), int((_TRAIN + _VALID) * len(hours))
    training = hours[:n_train]
    standard = (hours - training.mean(axis=0)) / training.std(axis=0)
    windows = sliding_window_view(standard, _LENGTH + _HORIZON, axis=0).transpose(0, 2, 1)
    first_label = np.arange(len(windows)) + _LENGTH
    X, y = windows[:, :_LENGTH], windows[:, _LENGTH:, -1]
    train, test = first_label + _HORIZON <= n_train, first_label >= n_before_test
    return X[train], y[train], X[test], y[test]


def _flat(X: np.ndarray) -> np.ndarray:
    return X.reshape(len(X), -1)


class _InBlocks(BaseEstimator):
    """Pass rows on in groups of consecutive ones."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: np.ndarray, y: np.ndarray) -> _InBlocks:
        self.model.fit(X, y, groups=np.arange(len(X)) // _BLOCK)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        predicted: np.ndarray = self.model.predict(X)
        return predicted


class _RepeatLast(RegressorMixin, BaseEstimator):
    """Predict the last value of the last channel for all tasks."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> _RepeatLast:  # noqa: ARG002  nothing is learned
        self.n_tasks_ = y.shape[1]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.repeat(X[:, -1:, -1], self.n_tasks_, axis=1)
