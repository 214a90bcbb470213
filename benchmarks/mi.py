"""Suite `mi`: complications of myocardial infarction, eleven binary tasks and one of eight classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import classifiers, per_task, records
from benchmarks.cases import FOLDS, fill, folds
from benchmarks.peers import OURS, importable
from sklearn_mtl.datasets import load_myocardial_infarction

SUITE = "mi"
DATASETS = ("mi",)
METHODS = {
    OURS: classifiers.sklearn_mtl,
    "rf_per_task": per_task.rf_per_task,
    "hgb_per_task": per_task.hgb_per_task,
}

_CAPTION = (
    "ROC-AUC, higher is better: mean over folds; `LET_IS` has eight classes, each against the rest, and "
    "folds whose test rows lack one of them leave it out."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    tables = ((name, *load_myocardial_infarction(folder=folder, return_X_y=True)) for name in datasets)
    fill(SUITE, folds(tables, importable(methods, METHODS), per_task.measure))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    return per_task.task_tables(
        records.read(SUITE), caption=_CAPTION, n_folds=FOLDS.get_n_splits(), methods=list(METHODS), mean=True
    )
