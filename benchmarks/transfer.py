"""Suite `transfer`: what learning tasks together gains or costs each of them, and who sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.base import is_classifier
from sklearn.metrics import log_loss, r2_score

from benchmarks import mtr, records
from benchmarks.cases import FOLDS, Case, fill
from benchmarks.records import Record
from benchmarks.tables import machines, markdown
from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor
from sklearn_mtl.datasets import make_multitask
from sklearn_mtl.inspection import transfer_report

SUITE = "transfer"
PLANTED: dict[str, dict[str, Any]] = {
    "helpful": {"n_tasks": 2, "relatedness": 1, "noise": 0.3},
    "unrelated": {"n_tasks": 2, "relatedness": 0, "noise": 0.3},
    "harmful": {"n_tasks": 4, "relatedness": 0, "noise": [0.3, 1, 1, 1]},
}
REAL = ("jura", "sf2", "wq", "yeast")
DATASETS = (*PLANTED, *REAL)
REPORTS = ("quick", "full")
WAYS = ("alone", "joint", "auto", "each")
METHODS = (*REPORTS, *WAYS)

_N_SEEDS = 20
_N_ROWS, _N_TEST_ROWS, _N_FEW_LABELS = 300, 2_000, 60
_PLANTED_CAPTION = (
    f"Share of drawn tables ({_N_SEEDS}, of {_N_ROWS} rows and 15 columns) in which `transfer_report` says "
    "of the first task that joint training has helped or hurt it; what it did on 2,000 other rows, joint "
    "less alone, mean and standard error over tables; share in which the report's difference has the sign of "
    "that one where the report is sure. helpful: 60 labels, and a task of the same signal with 300; "
    "unrelated: two tasks of 300 labels; harmful: three tasks of noise beside one. preset='fast', "
    "sharing='joint'."
)
_SECONDS_CAPTION = "Seconds of a report / seconds of one fit, median over tables."
_CURE_CAPTION = (
    "The same tables: score of the first task on the other rows, less that of the task alone; mean and "
    "standard error over tables."
)
_REAL_CAPTION = (
    "Tasks of real tables that are better or worse than alone by 95 % intervals (five folds, corrected "
    "resampled t-test), mean difference of the score over tasks, least and greatest. Score: R², or for yeast "
    "the share of the base rates' log loss that is explained. preset='fast'."
)
_TASK_CAPTION = (
    "The same by task: mean score alone, and what learning together (joint), or with sharing='auto' or "
    "'each', adds to it, with 95 % intervals. Where all tasks have as many labels, 'auto' learns none "
    "alone, and is joint."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    fill(SUITE, _planted(datasets, methods))
    fill(SUITE, _real(datasets, methods, folder))


def _planted(datasets: Sequence[str], methods: Sequence[str]) -> Iterator[Case]:
    for seed, name, method in product(range(_N_SEEDS), PLANTED, METHODS):
        if name in datasets and method in methods:
            measure = _measure_report if method in REPORTS else _measure_way
            yield {"dataset": name, "method": method, "seed": seed}, partial(measure, name, method, seed)


def _real(datasets: Sequence[str], methods: Sequence[str], folder: Path) -> Iterator[Case]:
    for name in datasets:
        if name in PLANTED:
            continue
        _, X, y = mtr.load(name, folder=folder)
        for fold, (train, test) in enumerate(FOLDS.split(X)):
            for method in WAYS:
                if method in methods:
                    tables = X.iloc[train], y.iloc[train], X.iloc[test], y.iloc[test]
                    key = {"dataset": name, "method": method, "fold": fold}
                    yield key, partial(_measure_fold, method, *tables)


def draw(name: str, seed: int) -> tuple[pd.DataFrame, ...]:
    """Return training inputs and targets, and those of other rows."""
    X, y = make_multitask(
        _N_ROWS + _N_TEST_ROWS, 15, roughness=0.7, **PLANTED[name], return_X_y=True, random_state=seed
    )
    train, test = slice(_N_ROWS), slice(_N_ROWS, None)
    labels = y[train].copy()
    if name == "helpful":
        labels.iloc[_N_FEW_LABELS:, 0] = np.nan
    return X[train], labels, X[test], y[test]


def _model(y: pd.DataFrame, sharing: str) -> Any:
    is_number = all(dtype.kind == "f" for dtype in y.dtypes)
    make = MultiTaskAttentionRegressor if is_number else MultiTaskAttentionClassifier
    return make(preset="fast", sharing=sharing, random_state=0)


def _measure_report(name: str, method: str, seed: int) -> Record:
    X, y, _, _ = draw(name, seed)
    start = perf_counter()
    report = transfer_report(_model(y, "joint"), X, y, cv="quick" if method == "quick" else 5)
    first = report.iloc[0]
    return {
        "seconds": perf_counter() - start,
        "difference": float(first["difference"]),
        "standard_error": float(first["standard_error"]),
        "verdict": first["verdict"],
    }


def _measure_way(name: str, method: str, seed: int) -> Record:
    X, y, X_test, y_test = draw(name, seed)
    if method == "alone":
        y = y.iloc[:, [0]].dropna()
        X = X.loc[y.index]
    start = perf_counter()
    model = _model(y, "joint" if method == "alone" else method).fit(X, y)
    seconds = perf_counter() - start
    return {"fit_seconds": seconds, "score": float(r2_score(y_test.iloc[:, 0], model.predict(X_test)[:, 0]))}


def _measure_fold(
    method: str, X: pd.DataFrame, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame
) -> Record:
    start = perf_counter()
    if method == "alone":
        fits = [_model(y[[task]], "joint").fit(X, y[[task]]) for task in y]
    else:
        fits = [_model(y, method).fit(X, y)]
    seconds = perf_counter() - start
    scores = np.concatenate([_scores(model, y, X_test, y_test[model.task_names_]) for model in fits])
    tasks = [task for model in fits for task in model.task_names_]
    return {"fit_seconds": seconds, "tasks": tasks, "scores": scores.tolist(), "score": float(scores.mean())}


def _scores(model: Any, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame) -> np.ndarray:
    """Score each task: 1 less the loss relative to that of the training mean or base rates."""
    train, true = (labels[model.task_names_].to_numpy(dtype=float) for labels in (y, y_test))
    if not is_classifier(model):
        errors = ((true - model.predict(X_test)) ** 2).sum(axis=0)
        return np.asarray(1 - errors / ((true - train.mean(axis=0)) ** 2).sum(axis=0))
    scores = []
    for task, probabilities in enumerate(model.predict_proba(X_test)):
        rate = (train[:, task].sum() + 0.5) / (len(train) + 1)
        base = log_loss(true[:, task], np.tile([1 - rate, rate], (len(true), 1)), labels=[0, 1])
        scores.append(1 - log_loss(true[:, task], probabilities, labels=[0, 1]) / base)
    return np.array(scores)


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    planted = measured[measured["dataset"].isin(PLANTED)]
    tables = [*_planted_tables(planted)] if len(planted) else []
    real = measured[~measured["dataset"].isin(PLANTED)]
    if len(real):
        tables.append(markdown(_real_table(real), caption=_REAL_CAPTION))
        tables.append(markdown(_task_table(real), caption=_TASK_CAPTION))
    return "\n\n".join([*tables, machines(measured)])


def _planted_tables(planted: pd.DataFrame) -> Iterator[str]:
    by_way = planted[planted["method"].isin(WAYS)].pivot_table(
        index=["dataset", "seed"], columns="method", values="score"
    )
    truth = by_way["joint"] - by_way["alone"]
    found, seconds = {}, {}
    of_fit = planted[planted["method"] == "joint"].set_index(["dataset", "seed"])["fit_seconds"]
    names = [name for name in PLANTED if name in set(planted["dataset"])]
    for name, method in product(names, REPORTS):
        rows = planted[(planted["dataset"] == name) & (planted["method"] == method)]
        if rows.empty:
            continue
        rows = rows.set_index(["dataset", "seed"])
        is_sure = (rows["verdict"] != "no difference") & truth.reindex(rows.index).notna()
        same_sign = (np.sign(rows["difference"]) == np.sign(truth.reindex(rows.index)))[is_sure]
        found[f"{name}, {method}"] = {
            "tables": len(rows),
            "helped": (rows["verdict"] == "helped").mean(),
            "hurt": (rows["verdict"] == "hurt").mean(),
            "reported": rows["difference"].mean(),
            "other rows": truth[name].mean(),
            "tables with other rows": truth[name].count(),
            "standard error": truth[name].sem(),
            "same sign": same_sign.mean() if len(same_sign) else np.nan,
        }
        seconds.setdefault(name, {})[method] = (rows["seconds"] / of_fit.reindex(rows.index)).median()
    yield markdown(pd.DataFrame(found).T, caption=_PLANTED_CAPTION)
    yield markdown(pd.DataFrame(seconds).T, caption=_SECONDS_CAPTION)
    cured = {}
    for way in WAYS[1:]:
        difference = (by_way[way] - by_way["alone"]).groupby("dataset")
        cured |= {way: difference.mean(), f"standard error of {way}": difference.sem()}
    yield markdown(pd.DataFrame(cured).loc[names], caption=_CURE_CAPTION)


def _real_table(real: pd.DataFrame) -> pd.DataFrame:
    """Count tasks that are better and worse than alone."""
    rows = {}
    for name, way in product(REAL, WAYS[1:]):
        both = _scores_of_folds(real, name, way)
        if both is None:
            continue
        mean, half = _difference(*both)
        rows[f"{name}, {way}"] = {
            "folds": len(both[0]),
            "tasks": len(mean),
            "better": np.count_nonzero(mean - half > 0),
            "worse": np.count_nonzero(mean + half < 0),
            "mean": mean.mean(),
            "least": mean.min(),
            "greatest": mean.max(),
        }
    return pd.DataFrame(rows).T


def _task_table(real: pd.DataFrame) -> pd.DataFrame:
    """Give each task's score alone, and what ways of learning it with others add."""
    rows: dict[str, dict[str, float]] = {}
    for name, way in product(REAL, WAYS[1:]):
        both = _scores_of_folds(real, name, way)
        if both is None:
            continue
        tasks = real.loc[real["dataset"] == name, "tasks"].iloc[0]
        mean, half = _difference(*both)
        for task, alone, difference, of_half in zip(tasks, both[1].mean(axis=0), mean, half, strict=True):
            row = rows.setdefault(f"{name}, {task}", {"alone": alone})
            row |= {way: difference, f"{way} low": difference - of_half, f"{way} high": difference + of_half}
    return pd.DataFrame(rows).T


def _scores_of_folds(real: pd.DataFrame, name: str, way: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Give the scores of a way and of learning alone on folds that have both; (K, T) each."""
    of_set = real[real["dataset"] == name].set_index(["method", "fold"])["scores"]
    if not {way, "alone"} <= set(of_set.index.get_level_values("method")):
        return None
    both = pd.DataFrame({"way": of_set[way], "alone": of_set["alone"]}).dropna()
    return (np.array(both["way"].tolist()), np.array(both["alone"].tolist())) if len(both) > 1 else None


def _difference(scores: np.ndarray, alone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give mean differences over folds, and half of their intervals; (T,) each."""
    differences, n_folds = scores - alone, len(scores)
    error = differences.std(axis=0, ddof=1) * np.sqrt(1 / n_folds + 1 / (FOLDS.get_n_splits() - 1))
    return differences.mean(axis=0), t.ppf(0.975, n_folds - 1) * error
