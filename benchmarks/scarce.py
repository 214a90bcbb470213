"""Suite `scarce`: a task with 50 labels, learnt beside tasks with all of theirs and alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import ShuffleSplit

from benchmarks import classifiers, mtr, peers, per_task, records
from benchmarks.cases import fill, fit_and_predict
from benchmarks.peers import OURS
from benchmarks.records import Record
from benchmarks.tables import machines, markdown
from sklearn_mtl.datasets import make_multitask

SUITE = "scarce"
DRAWN: dict[str, dict[str, Any]] = {
    "related": {"relatedness": 0.9},
    "unrelated": {"relatedness": 0},
    "noise": {"relatedness": 0, "noise": [0.1, 1, 1, 1]},
}
DATASETS = (*DRAWN, "enb", "jura", "wq", "scpf", "yeast", "rf1")
METHODS = (OURS, f"{OURS}_alone", "rf_alone")
N_LABELS = 50
N_ROWS = 20_000

_OF_FLAGS = ("yeast",)
_N_SEEDS = 5
_N_TEST_ROWS = 2_000
_CAPTION = (
    f"R², for yeast ROC-AUC, of a task with {N_LABELS} labels, higher is better: mean over seeds, and mean "
    f"and standard error of the difference. {OURS}: all tasks; alone: this task only, on its labelled rows. "
    f"Of the drawn sets, four tasks of 15 columns and {N_ROWS:,} training rows, `related` has related tasks "
    "(correlation 0.9), `unrelated` has tasks that share nothing, in `noise` the three others are noise. In "
    "the real sets each seed takes the next target, another fifth of the rows for the test and other labels."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    cases = (
        ({"dataset": name, "method": method, "seed": seed}, partial(_measure, name, method, seed, folder))
        for name in datasets
        for seed in range(_N_SEEDS)
        for method in methods
    )
    fill(SUITE, cases)


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    measured["score"] = measured["r2"].fillna(measured.get("roc_auc", np.nan))
    scores = measured.set_index(["dataset", "seed", "method"])["score"].unstack("method")
    scores = scores[[method for method in METHODS if method in scores]]
    names = [name for name in DATASETS if name in scores.index.get_level_values("dataset")]
    table = scores.groupby("dataset").mean().loc[names]
    for other in scores.columns.drop(OURS, errors="ignore") if OURS in scores else []:
        difference = (scores[OURS] - scores[other]).groupby("dataset")
        table[f"{OURS} − {other}"] = difference.mean()
        table[f"standard error against {other}"] = difference.sem()
    return "\n\n".join([markdown(table, caption=_CAPTION), machines(measured)])


def draw(name: str, seed: int, *, folder: Path) -> tuple[pd.DataFrame, ...]:
    """Return training inputs and targets, and those of test rows; the first target has few labels."""
    if name in DRAWN:
        X, y = make_multitask(N_ROWS + _N_TEST_ROWS, 15, 4, **DRAWN[name], return_X_y=True, random_state=seed)
        train, test = np.arange(N_ROWS), np.arange(N_ROWS, len(X))
    else:
        _, X, y = mtr.load(name, folder=folder)
        y = y[np.roll(y.columns, -seed)].astype("boolean" if name in _OF_FLAGS else float)
        train, test = next(ShuffleSplit(1, test_size=0.2, random_state=seed).split(X))
    return X.iloc[train], _keep(y.iloc[train], seed), X.iloc[test], y.iloc[test]


def _keep(y: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Keep few labels of the first task."""
    kept = np.random.default_rng(seed).permutation(len(y)) < N_LABELS
    return y.assign(**{y.columns[0]: y.iloc[:, 0].where(kept)})


def _measure(name: str, method: str, seed: int, folder: Path) -> Record:
    X, y, X_test, y_test = draw(name, seed, folder=folder)
    if method != OURS:
        y = y.iloc[:, [0]].dropna()
        X = X.loc[y.index]
    if name in _OF_FLAGS:
        make = per_task.rf_per_task if method == "rf_alone" else classifiers.sklearn_mtl
        predicted, record = fit_and_predict(make(), X, y, X_test, classifiers.positive)
        return record | {"roc_auc": float(roc_auc_score(y_test.iloc[:, 0].astype(int), predicted[:, 0]))}
    make = per_task.rf_per_task if method == "rf_alone" else peers.sklearn_mtl
    predicted, record = fit_and_predict(make(), X, y, X_test, lambda model, X: model.predict(X))
    return record | {"r2": float(r2_score(y_test.iloc[:, 0], np.asarray(predicted)[:, 0]))}
