"""Suite `ablation`: every option against the default on the same folds, by paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, mean_squared_error

from benchmarks import mtr, records
from benchmarks.cases import FOLDS, Table, fill, fit_and_predict, folds
from benchmarks.classifiers import positive
from benchmarks.records import Record
from benchmarks.tables import complete, markdown
from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor
from sklearn_mtl.balancing import GradientBalancing
from sklearn_mtl.datasets import make_multitask

SUITE = "ablation"
DEFAULT = "default"
BALANCING: dict[str, Any] = {
    name: name
    for name in (
        "mean", "uncertainty", "dwa", "geometric", "famo", "random", "stch",
        "pcgrad", "gradvac", "cagrad", "mgda", "aligned", "imtl_g", "upgrad", "nash", "gradnorm",
    )
}  # fmt: skip
# imtl_l is left out: its updates are those of uncertainty.
BALANCING |= {f"cagrad, on={on}": GradientBalancing("cagrad", on=on) for on in ("pooled", "parameters")}
# What each method changes in the default.
OPTIONS: dict[str, dict[str, Any]] = {DEFAULT: {}} | {
    f"balancing={name}": {"balancing": value} for name, value in BALANCING.items() if name != "mean"
}
METHODS = tuple(OPTIONS)
# Six tasks: four that are one function of the inputs up to its sign, one of its own, and one that is noise.
CONFLICTING = "conflicting"
_DRAWN: dict[str, Any] = {
    "n_tasks": 6,
    "relatedness": [0.9, 0.9, -0.9, -0.9, 0, 0],
    "noise": [0.1, 0.3, 0.1, 0.3, 0.1, 1],
}
BINARY = ("yeast",)
DATASETS = (CONFLICTING, "wq", "oes10", "yeast")

_CAPTION = (
    'Networks alone, preset="fast". First line: error on test rows, the mean over tasks of the root mean '
    f"squared error (log loss for {', '.join(BINARY)}) relative to that of the training rows' mean or base "
    "rate, mean over five folds. Others: the difference from it on the same folds, in percent, with its "
    "standard error; lower is better. Sets and methods that lack a fold are left out."
)
_SECONDS = "Seconds of a fit divided by those of the default, median over folds."


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    tables = (load(name, folder=folder) for name in datasets)
    makers = {name: partial(dict, OPTIONS[name]) for name in methods}
    fill(SUITE, folds(tables, makers, measure))


def load(name: str, *, folder: Path) -> Table:
    """Read or draw a table."""
    if name == CONFLICTING:
        return name, *make_multitask(1000, 20, random_state=0, return_X_y=True, **_DRAWN)
    return mtr.load(name, folder=folder)


def measure(
    make: partial[dict[str, Any]],
    X: pd.DataFrame,
    y: pd.DataFrame,
    X_test: pd.DataFrame,
    y_test: pd.DataFrame,
) -> Record:
    """Fit the networks with the option, without what stands beside them and knows no options."""
    options = {"preset": "fast", "linear_view": False, "n_trees": 0, "random_state": 0, **make()}
    if y.isin([0, 1]).all(axis=None):
        model = MultiTaskAttentionClassifier(**options)
        predicted, seconds = fit_and_predict(model, X, y, X_test, positive)
        errors = relative_log_losses(y, y_test, predicted)
    else:
        model = MultiTaskAttentionRegressor(**options)
        predicted, seconds = fit_and_predict(model, X, y, X_test, lambda model, X: model.predict(X))
        errors = relative_errors(y, y_test, predicted)
    return seconds | {"errors": errors}


def relative_errors(y: pd.DataFrame, y_test: pd.DataFrame, predicted: np.ndarray) -> list[float]:
    """Return the root mean squared error of each task, relative to that of the training mean."""
    mean = np.broadcast_to(y.mean().to_numpy(), predicted.shape)
    error, of_mean = (
        mean_squared_error(y_test, values, multioutput="raw_values") for values in (predicted, mean)
    )
    return np.sqrt(error / of_mean).tolist()


def relative_log_losses(y: pd.DataFrame, y_test: pd.DataFrame, predicted: np.ndarray) -> list[float]:
    """Return the log loss of each task, relative to that of the training rows' base rate."""
    truth, rates = y_test.to_numpy(float), y.mean().to_numpy(float)
    losses = [
        log_loss(of_task, p, labels=[0, 1]) / log_loss(of_task, np.full(len(p), rate), labels=[0, 1])
        for of_task, p, rate in zip(truth.T, predicted.T, rates, strict=True)
    ]
    return [float(loss) for loss in losses]


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = complete(pd.DataFrame(records.read(SUITE)), n_folds=FOLDS.get_n_splits())
    if measured.empty:
        return "No set is measured on all folds yet."
    measured = measured.set_index(["dataset", "fold", "method"])
    scores, seconds = (
        values.unstack("method") for values in (measured["errors"].map(np.mean), measured["fit_seconds"])
    )
    measured_sets = [name for name in DATASETS if name in scores.index.get_level_values("dataset")]
    tables = {name: _differences(scores.xs(name)) for name in measured_sets}
    columns = {
        f"{name}{suffix}": table[key]
        for name, table in tables.items()
        for key, suffix in (("difference", ""), ("error", " ±"))
    }
    ratios = seconds.div(seconds[DEFAULT], axis="index").groupby("dataset").median().T
    order = [method for method in METHODS if method in ratios.index]
    return "\n\n".join(
        [
            markdown(pd.DataFrame(columns).reindex(order), caption=_CAPTION, n_digits=2),
            markdown(ratios.loc[order, measured_sets], caption=_SECONDS, n_digits=2),
        ]
    )


def _differences(scores: pd.DataFrame) -> pd.DataFrame:
    """Give the default's mean, and of each other method the difference from it in percent.

    From scores of shape (folds, methods).
    """
    scores = scores.dropna(axis="columns")  # methods that are measured on all folds
    base = scores[DEFAULT]
    relative = 100 * scores.sub(base, axis="index") / base.mean()
    table = pd.DataFrame({"difference": relative.mean(), "error": relative.sem()})
    table.loc[DEFAULT] = [base.mean(), np.nan]
    return table
