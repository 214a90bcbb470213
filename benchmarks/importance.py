"""Suite `importance`: whether attention, gradients and permutation find the columns that matter to a task."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.metrics import average_precision_score, r2_score

from benchmarks import peers, records
from benchmarks.cases import fill
from benchmarks.peers import OURS
from benchmarks.records import Record
from benchmarks.tables import machines, markdown
from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.datasets import make_multitask
from sklearn_mtl.inspection import global_importance

SUITE = "importance"
N_SEEDS = 3
N_NEW_ROWS = 2000
N_MEASURED = 300  # rows
N_REPEATS = 2  # of permutation
# Each of 800 rows and four tasks; three columns a function; those of a pair of tasks share one.
CASES: dict[str, dict[str, Any]] = {
    "easy": {"n_features": 12, "groups": list("aabb"), "relatedness": 1, "noise": 0.1},
    "own columns": {"n_features": 30, "groups": list("aabb"), "relatedness": 0.6, "noise": 0.1},
    "noise": {"n_features": 12, "groups": list("aabb"), "relatedness": 1, "noise": 0.6},
    "rough": {"n_features": 12, "groups": list("aabb"), "relatedness": 1, "noise": 0.1, "roughness": 2.5},
    "wide": {"n_features": 100, "groups": list("aabb"), "relatedness": 1, "noise": 0.1},
    "few rows": {"n_samples": 120, "n_features": 12, "groups": list("aabb"), "relatedness": 1, "noise": 0.1},
}
DATASETS = tuple(CASES)
METHODS = (OURS, "rf")
MEASURES = ("attention", "gradient", "permutation")

_PRECISION = (
    "Average precision at finding the columns that a task depends on, 1 is best: mean over four tasks and "
    "three seeds; chance is the share of such columns. Of sklearn_mtl, by its three measures; rf: "
    "permutation of a forest of 100 trees a task. Drawn by `make_multitask`: 800 rows, pairs of tasks that "
    "share a function of three columns; easy: 12 columns, a tenth of the variance is noise; own columns: "
    "each task has a function of its own, too (relatedness 0.6, 30 columns); noise: 0.6 of the variance; "
    "rough: roughness 2.5; wide: 100 columns; few rows: 120."
)
_DELETED = (
    "What is left of R² on 2,000 new rows where all columns are shuffled but those that rank first, as many "
    "as matter to the task: mean over tasks and seeds; all: no column is shuffled."
)
_SECONDS = "Seconds of the measure on 300 rows (permutation with two repeats), and of the fit."


def run(*, datasets: Sequence[str], methods: Sequence[str], **_: Any) -> None:
    """Measure the cases that have no record yet."""
    measures = {OURS: _measure, "rf": _measure_forests}
    cases = [
        ({"dataset": case, "method": method, "seed": seed}, partial(measures[method], case, seed))
        for seed in range(N_SEEDS)
        for case in datasets
        for method in methods
    ]
    fill(SUITE, cases)


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    ours, forests = (measured[measured["method"] == method].set_index("dataset") for method in METHODS)
    order = [case for case in DATASETS if case in ours.index]
    columns = {measure: _mean(ours[f"{measure}_precision"])[order] for measure in MEASURES}
    columns["rf permutation"] = _mean(forests["precision"]).reindex(order)
    columns["chance"] = _mean(ours["chance"])[order]
    kept = {"all": _mean(ours["r2"])[order]}
    kept |= {measure: _mean(ours[f"{measure}_kept"])[order] for measure in MEASURES}
    seconds = {"fit": _mean(ours["fit_seconds"])[order]}
    seconds |= {measure: _mean(ours[f"{measure}_seconds"])[order] for measure in MEASURES}
    tables = [(columns, _PRECISION), (kept, _DELETED), (seconds, _SECONDS)]
    made = [markdown(pd.DataFrame(table), caption=caption) for table, caption in tables]
    return "\n\n".join([*made, machines(measured)])


def _mean(values: pd.Series) -> pd.Series:
    return values.groupby(level=0).apply(lambda rows: float(np.mean(rows.tolist())))


def _draw(case: str, seed: int) -> tuple[Any, pd.DataFrame, np.ndarray]:
    """Give a table, and new inputs with what can be known of their labels."""
    options = {"n_samples": 800, "n_tasks": 4, "random_state": seed} | CASES[case]
    table = make_multitask(**options)
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.standard_normal((N_NEW_ROWS, options["n_features"])), columns=table.data.columns)
    return table, X, table.signal(X)


def _measure(case: str, seed: int) -> Record:
    table, new_X, signal = _draw(case, seed)
    start = perf_counter()
    model = MultiTaskAttentionRegressor(random_state=seed).fit(table.data, table.target)
    record: Record = {"fit_seconds": perf_counter() - start}
    record["r2"] = _scores(model, new_X, signal)
    record["chance"] = float(table.relevant.to_numpy().mean())
    new_y = pd.DataFrame(signal[:N_MEASURED], columns=table.target.columns)
    for measure in MEASURES:
        start = perf_counter()
        importance = global_importance(
            model, new_X[:N_MEASURED], new_y, method=measure, n_repeats=N_REPEATS, random_state=0
        )
        record[f"{measure}_seconds"] = perf_counter() - start
        record[f"{measure}_precision"] = _precision(table.relevant, importance)
        record[f"{measure}_kept"] = _kept(model, new_X, signal, importance, table.relevant)
    return record


def _measure_forests(case: str, seed: int) -> Record:
    table, new_X, signal = _draw(case, seed)
    importance = []
    start = perf_counter()
    for task, values in zip(table.target, signal.T, strict=True):
        forest = RandomForestRegressor(100, n_jobs=peers.N_THREADS, random_state=seed)
        forest.fit(table.data, table.target[task])
        result = permutation_importance(
            forest, new_X[:N_MEASURED], values[:N_MEASURED], n_repeats=N_REPEATS, random_state=0
        )
        importance.append(result["importances_mean"])
    frame = pd.DataFrame(importance, index=table.target.columns, columns=table.data.columns)
    return {"seconds": perf_counter() - start, "precision": _precision(table.relevant, frame)}


def _precision(relevant: pd.DataFrame, importance: pd.DataFrame) -> list[float]:
    return [
        float(average_precision_score(true, found))
        for true, found in zip(relevant.to_numpy(), importance.to_numpy(), strict=True)
    ]


def _scores(model: Any, X: pd.DataFrame, signal: np.ndarray) -> list[float]:
    predicted = model.predict(X)
    return [float(r2_score(true, given)) for true, given in zip(signal.T, predicted.T, strict=True)]


def _kept(
    model: Any, X: pd.DataFrame, signal: np.ndarray, importance: pd.DataFrame, relevant: pd.DataFrame
) -> list[float]:
    """Score each task with all columns shuffled but those that rank first, as many as matter."""
    rng, scores = np.random.default_rng(0), []
    for place, (values, matters) in enumerate(zip(importance.to_numpy(), relevant.to_numpy(), strict=True)):
        shuffled = pd.DataFrame(rng.permuted(X.to_numpy(), axis=0), columns=X.columns)
        first = X.columns[np.argsort(-values)[: matters.sum()]]
        shuffled[first] = X[first]
        scores.append(_scores(model, shuffled, signal)[place])
    return scores
