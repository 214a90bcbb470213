"""Suite `multilabel`: many binary labels a row, all methods side by side on the same folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from benchmarks import classifiers, mtr, records
from benchmarks.cases import FOLDS, fill, fit_and_predict, folds
from benchmarks.classifiers import Varying, positive
from benchmarks.peers import OURS, importable
from benchmarks.records import Record
from benchmarks.tables import compare, complete, explain_ranks, lay_out, machines, markdown

SUITE = "multilabel"
DATASETS = ("yeast", "emotions", "medical")
METHODS = classifiers.METHODS

_CLIP = 1e-7
_MEAN = (
    "mean over labels of the mean over folds; folds whose test rows do not have both classes of a label do "
    "not count for it"
)
_METRICS = {
    "roc_auc": f"ROC-AUC, higher is better: {_MEAN}.",
    "average_precision": f"Average precision, higher is better: {_MEAN}.",
    "log_loss": f"Log loss, lower is better: mean over labels and folds; probabilities clipped at {_CLIP}.",
}
_SECONDS = "Seconds of one fit, mean over folds."


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    tables = (mtr.load(name, folder=folder) for name in datasets)
    fill(SUITE, folds(tables, importable(methods, METHODS), _measure))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = complete(pd.DataFrame(records.read(SUITE)), n_folds=FOLDS.get_n_splits())
    return label_tables(measured, metrics=_METRICS, datasets=DATASETS, methods=METHODS)


def label_tables(
    measured: pd.DataFrame, *, metrics: Sequence[str], datasets: Sequence[str], methods: Sequence[str]
) -> str:
    """Return a table of each metric and one of seconds, in Markdown."""
    if measured.empty:
        return "No set is measured on all folds yet."
    groups = measured.groupby(["dataset", "method"])
    tables = []
    for metric in metrics:
        means = groups[metric].apply(lambda labels: pd.DataFrame(labels.tolist(), dtype=float).mean().mean())
        values = lay_out(means, datasets=datasets, methods=methods)
        table = compare(values, ours=OURS, higher_is_better=metric != "log_loss")
        tables.append(markdown(table, caption=f"{_METRICS[metric]} {explain_ranks(values, ours=OURS)}"))
    seconds = lay_out(groups["fit_seconds"].mean(), datasets=datasets, methods=methods)
    tables.append(markdown(compare(seconds, ours=OURS, ranked=False), caption=_SECONDS))
    return "\n\n".join([*tables, machines(measured)])


def measure(make: Callable[[], Any], X: Any, y: pd.DataFrame, X_test: Any, y_test: pd.DataFrame) -> Record:
    """Fit on the training rows, score the observed labels of the test rows."""
    model = make()
    probabilities, record = fit_and_predict(model, X, y, X_test, positive)
    record |= _score(y_test.to_numpy(float), probabilities)
    if hasattr(model, "oof_score_"):
        record["oof_score"] = float(model.oof_score_)
    return record


def _measure(make: Callable[[], Any], *rows: pd.DataFrame) -> Record:
    return measure(lambda: Varying(make()), *rows)


def _score(y: np.ndarray, probabilities: np.ndarray) -> Record:
    """Score every label where it is observed; None where the label does not have both classes."""
    scores: Record = {metric: [] for metric in _METRICS}
    for labels, predicted in zip(y.T, probabilities.T, strict=True):
        seen = ~np.isnan(labels)
        true, p = labels[seen], np.clip(predicted[seen], _CLIP, 1 - _CLIP)
        varies = len(np.unique(true)) == 2
        scores["roc_auc"].append(float(roc_auc_score(true, predicted[seen])) if varies else None)
        average_precision = float(average_precision_score(true, predicted[seen])) if varies else None
        scores["average_precision"].append(average_precision)
        scores["log_loss"].append(float(log_loss(true, p, labels=[0, 1])))
    return scores
