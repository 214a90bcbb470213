"""Suite `mtr`: multi-target regression on Mulan's tables, all methods side by side on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from benchmarks import records
from benchmarks.peers import METHODS, importable
from benchmarks.records import Record
from benchmarks.tables import compare, markdown
from sklearn_mtl.datasets import load_mulan

SUITE = "mtr"
DATASETS = ("enb", "jura", "wq", "sf2", "scpf", "atp1d", "oes10", "andro", "rf1")
OURS = "sklearn_mtl"
N_FOLDS = 5

_SCORES = (
    "aRRMSE, lower is better: mean over targets of sqrt(SSE / SSE of the training mean), both over all folds."
)
_SECONDS = "Seconds of one fit, mean over 5 folds."
_OUT_OF_FOLD = (
    "aRRMSE of sklearn_mtl on test rows, and by its own out-of-fold predictions of the training rows."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    methods = importable(methods)
    done = {(r["dataset"], r["method"], r["fold"]) for r in records.read(SUITE)}
    for dataset in datasets:
        X, y = load_mulan(dataset, folder=folder, return_X_y=True)
        for fold, (train, test) in enumerate(KFold(N_FOLDS, shuffle=True, random_state=0).split(X)):
            for method in methods:
                if (dataset, method, fold) in done:
                    continue
                record = _measure(METHODS[method](), X.iloc[train], y.iloc[train], X.iloc[test], y.iloc[test])
                records.append(SUITE, {"dataset": dataset, "method": method, "fold": fold} | record)
                print(f"{dataset:8} fold {fold}  {method:12} fit {record['fit_seconds']:8.2f} s", flush=True)


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    complete = measured.groupby(["dataset", "method"]).filter(lambda folds: len(folds) == N_FOLDS)
    if complete.empty:
        return "No set is measured on all folds yet."
    groups = complete.groupby(["dataset", "method"])
    scores = _table(groups.apply(_arrmse))
    seconds = _table(groups["fit_seconds"].mean())
    tables = [
        markdown(compare(scores, ours=OURS), caption=_SCORES),
        markdown(compare(seconds, ours=OURS, ranked=False), caption=_SECONDS),
    ]
    if "oof_sse" in complete:
        ours = complete[complete["method"] == OURS].groupby("dataset")
        out_of_fold = pd.DataFrame({"test": scores[OURS], "out of fold": ours.apply(_arrmse, prefix="oof_")})
        out_of_fold["ratio"] = out_of_fold["out of fold"] / out_of_fold["test"]
        tables.append(markdown(out_of_fold.loc[scores.index].dropna(), caption=_OUT_OF_FOLD))
    return "\n\n".join([*tables, _machines(complete)])


def _table(values: pd.Series) -> pd.DataFrame:
    """Lay out values by set and method, both in the order in which they are declared."""
    table = values.unstack("method")
    sets = sorted(table.index, key=lambda name: (name not in DATASETS, (*DATASETS, name).index(name), name))
    return table.loc[sets, [method for method in METHODS if method in table]]


def _machines(measured: pd.DataFrame) -> str:
    machines = {f"{m['cpu']} ({m['cores']} cores, {m['threads']} threads used)" for m in measured["machine"]}
    return f"Measured on {' and '.join(sorted(machines))}; versions are in the records."


def _arrmse(folds: pd.DataFrame, prefix: str = "") -> float:
    """Mean over targets of sqrt(SSE / SSE of the training mean), each summed over the folds."""
    sse, sse_of_mean = (
        np.sum(folds[prefix + name].tolist(), axis=0) for name in ("sse", "sse_of_mean")
    )  # (T,)
    return float(np.sqrt(sse / sse_of_mean).mean())


def _measure(
    model: Any, X: pd.DataFrame, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame
) -> Record:
    start = perf_counter()
    model.fit(X, y)
    fitted = perf_counter()
    predicted = model.predict(X_test)
    end = perf_counter()
    record = {
        "fit_seconds": fitted - start,
        "predict_seconds": end - fitted,
        "sse": _sse(y_test, predicted),
        "sse_of_mean": _sse(y_test, y.mean().to_numpy()),
    }
    if hasattr(model, "oof_prediction_"):
        record |= {
            "oof_score": float(np.mean(model.oof_score_)),
            "oof_sse": _sse(y, model.oof_prediction_),
            "oof_sse_of_mean": _sse(y, y.mean().to_numpy()),
        }
    return record


def _sse(y: pd.DataFrame, predicted: Any) -> list[float]:
    return [float(sse) for sse in ((y.to_numpy() - np.asarray(predicted)) ** 2).sum(axis=0)]  # (T,)
