"""Suite `rows`: many rows, measured as in `mtr`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import mtr, records
from benchmarks.cases import Table, fill, folds
from benchmarks.peers import importable
from sklearn_mtl.datasets import load_openml

SUITE = "rows"
DATASETS = ("gas_turbine_2011", "rf1")
METHODS = ("sklearn_mtl", "sklearn_mtl_fast", "rf", "et", "xgb", "catboost", "realmlp")

_TARGETS = {"gas_turbine_2011": ["CO", "NOX"]}


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    tables = (_load(name, folder=folder) for name in datasets)
    fill(SUITE, folds(tables, importable(methods), mtr.measure))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    return mtr.score_tables(records.read(SUITE), datasets=DATASETS)


def _load(name: str, *, folder: Path) -> Table:
    if name not in _TARGETS:
        return mtr.load(name, folder=folder)
    return name, *load_openml(name, target=_TARGETS[name], folder=folder, return_X_y=True)
