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
from benchmarks.cases import Table, fill, fit_and_predict, folds
from benchmarks.classifiers import positive
from benchmarks.records import Record
from benchmarks.tables import markdown
from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor
from sklearn_mtl.balancing import GradientBalancing
from sklearn_mtl.datasets import make_multitask

SUITE = "ablation"
DEFAULT = "default"
# What each method changes in the default.
OPTIONS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    **{
        f"balancing={name}": {"balancing": name}
        for name in (
            "uncertainty", "dwa", "geometric", "imtl_l", "famo", "random", "stch",
            "pcgrad", "gradvac", "cagrad", "mgda", "aligned", "imtl_g", "upgrad", "nash", "gradnorm",
        )
    },
    **{
        f"balancing={name}, on={on}": {"balancing": GradientBalancing(name, on=on)}
        for on in ("pooled", "parameters")
        for name in ("cagrad", "upgrad")
    },
}  # fmt: skip
METHODS = tuple(OPTIONS)
# Six tasks: four that are one function of the inputs up to its sign, one of its own, and one that is noise.
CONFLICTING = "conflicting"
_DRAWN: dict[str, Any] = {
    "n_tasks": 6,
    "relatedness": [0.9, 0.9, -0.9, -0.9, 0, 0],
    "noise": [0.1, 0.3, 0.1, 0.3, 0.1, 1],
}
BINARY = ("yeast",)
DATASETS = ("wq", "yeast", CONFLICTING)

_CAPTION = (
    'preset="fast". Mean over tasks of the error on test rows, relative to the mean or the base rates of the '
    "training rows, lower is better; mean over five folds. Of the others the difference from the default on "
    "the same folds, in percent of it, with its standard error. The errors are root mean squared, log losses "
    f"for {', '.join(BINARY)}; networks: of the networks alone, without the linear view and the forest."
)
_SECONDS = "Seconds of one fit divided by those of the default, mean over folds."


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
    """Fit with the option, once with all views and once with the networks alone."""
    is_binary = y.apply(lambda column: column.dropna().isin([0, 1]).all()).all()
    estimator = MultiTaskAttentionClassifier if is_binary else MultiTaskAttentionRegressor
    record: Record = {}
    for part, others in (("all", {}), ("networks", {"linear_view": False, "n_trees": 0})):
        model = estimator(preset="fast", random_state=0, **make(), **others)
        if is_binary:
            predicted, seconds = fit_and_predict(model, X, y, X_test, positive)
        else:
            predicted, seconds = fit_and_predict(model, X, y, X_test, lambda model, X: model.predict(X))
        error = relative_log_losses if is_binary else relative_errors
        record[part] = error(y, y_test, np.asarray(predicted))
        record[f"{part}_seconds"] = seconds["fit_seconds"]
    return record


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
    measured = pd.DataFrame(records.read(SUITE)).set_index(["dataset", "fold", "method"])
    parts = {part: measured[part].map(np.mean).unstack("method") for part in ("all", "networks")}
    tables = {
        f"{dataset}, {part}": _differences(scores.xs(dataset))
        for dataset in DATASETS
        for part, scores in parts.items()
        if dataset in scores.index.get_level_values("dataset")
    }
    columns = {f"{name}{suffix}": table[key] for name, table in tables.items() for key, suffix in
               (("difference", ""), ("error", " ±"))}  # fmt: skip
    seconds = measured["networks_seconds"].unstack("method")
    ratios = seconds.div(seconds[DEFAULT], axis="index").groupby("dataset").mean().T
    order = [method for method in METHODS if method in ratios.index]
    return "\n\n".join(
        [
            markdown(pd.DataFrame(columns).loc[order], caption=_CAPTION, n_digits=2),
            markdown(ratios.loc[order], caption=_SECONDS, n_digits=2),
        ]
    )


def _differences(scores: pd.DataFrame) -> pd.DataFrame:
    """Give the default's mean, and of each other method the difference from it in percent.

    From scores of shape (folds, methods).
    """
    scores = scores.dropna(axis="columns")
    base = scores[DEFAULT]
    relative = 100 * scores.sub(base, axis="index") / base.mean()
    table = pd.DataFrame({"difference": relative.mean(), "error": relative.sem()})
    table.loc[DEFAULT] = [base.mean(), np.nan]
    return table
