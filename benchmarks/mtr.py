"""Suite `mtr`: multi-target regression on Mulan's tables, all methods side by side on the same folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import peers, records
from benchmarks.cases import FOLDS, Table, fill, fit_and_predict, folds
from benchmarks.peers import OURS, importable
from benchmarks.records import Record
from benchmarks.tables import compare, complete, explain_ranks, lay_out, machines, markdown
from sklearn_mtl.datasets import load_mulan

SUITE = "mtr"
DATASETS = ("enb", "jura", "wq", "sf2", "scpf", "atp1d", "oes10", "andro", "rf1")
METHODS = peers.METHODS

_SCORES = (
    "aRRMSE, lower is better: mean over targets of sqrt(SSE / SSE of the training mean), both over all folds."
)
_SECONDS = "Seconds of one fit, mean over 5 folds."
_OUT_OF_FOLD = (
    "aRRMSE of sklearn_mtl on test rows, and by its own out-of-fold predictions of the training rows; "
    "the last column is |out of fold − test| / test."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    tables = (load(name, folder=folder) for name in datasets)
    fill(SUITE, folds(tables, importable(methods), measure))


def load(name: str, *, folder: Path) -> Table:
    """Read one of Mulan's tables."""
    return name, *load_mulan(name, folder=folder, return_X_y=True)


def report() -> str:
    """Return the tables of all records, in Markdown."""
    return score_tables(records.read(SUITE), datasets=DATASETS)


def score_tables(measured: list[Record], *, datasets: Sequence[str]) -> str:
    """Return tables of scores, seconds and out-of-fold scores, in Markdown."""
    measured = complete(pd.DataFrame(measured), n_folds=FOLDS.get_n_splits())
    if measured.empty:
        return "No set is measured on all folds yet."
    groups = measured.groupby(["dataset", "method"])
    scores = lay_out(groups.apply(arrmse), datasets=datasets, methods=METHODS)
    seconds = lay_out(groups["fit_seconds"].mean(), datasets=datasets, methods=METHODS)
    caption = f"{_SCORES} {explain_ranks(scores, ours=OURS)}"
    tables = [
        markdown(compare(scores, ours=OURS), caption=caption),
        markdown(compare(seconds, ours=OURS, ranked=False), caption=_SECONDS),
    ]
    if "oof_sse" in measured and OURS in scores:
        ours = measured[measured["method"] == OURS].groupby("dataset").apply(arrmse, prefix="oof_")
        out_of_fold = pd.DataFrame({"test": scores[OURS], "out of fold": ours}).loc[scores.index].dropna()
        tables.append(markdown(_honesty(out_of_fold), caption=_OUT_OF_FOLD))
    return "\n\n".join([*tables, machines(measured)])


def _honesty(out_of_fold: pd.DataFrame) -> pd.DataFrame:
    """Add how far out-of-fold scores are from those on test rows, and the mean of that."""
    difference = (out_of_fold["out of fold"] - out_of_fold["test"]).abs()
    table = out_of_fold.assign(difference=difference / out_of_fold["test"])
    table.loc["mean", "difference"] = table["difference"].mean()
    return table


def arrmse(records_of_folds: pd.DataFrame, prefix: str = "") -> float:
    """Return the mean over targets of sqrt(SSE / SSE of the training mean), each summed over the folds."""
    sse, sse_of_mean = (
        np.sum(records_of_folds[prefix + name].tolist(), axis=0) for name in ("sse", "sse_of_mean")
    )  # (T,)
    return float(np.sqrt(sse / sse_of_mean).mean())


def measure(
    make: Callable[[], Any], X: pd.DataFrame, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame
) -> Record:
    """Fit on the training rows, predict the test rows."""
    model = make()
    predicted, seconds = fit_and_predict(model, X, y, X_test, lambda model, X: model.predict(X))
    record = seconds | {
        "sse": squared_errors(y_test, predicted),
        "sse_of_mean": squared_errors(y_test, y.mean().to_numpy()),
    }
    if hasattr(model, "oof_prediction_"):
        record |= {
            "oof_score": float(np.mean(model.oof_score_)),
            "oof_sse": squared_errors(y, model.oof_prediction_),
            "oof_sse_of_mean": squared_errors(y, y.mean().to_numpy()),
        }
    return record


def squared_errors(y: pd.DataFrame, predicted: Any) -> list[float]:
    """Return the squared errors of each target, summed over rows."""
    return [float(sse) for sse in ((y.to_numpy() - np.asarray(predicted)) ** 2).sum(axis=0)]  # (T,)
