"""Suite `tox21`: twelve binary labels of molecules, a sixth of them missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import ShuffleSplit

from benchmarks import classifiers, records
from benchmarks.cases import Table, fill, folds
from benchmarks.multilabel import label_tables, measure
from benchmarks.peers import importable
from benchmarks.records import Record
from benchmarks.tables import complete

SUITE = "tox21"
DATASETS = ("tox21",)
METHODS = classifiers.METHODS_WITH_HOLES

_N_BITS = 2048
_RADIUS = 2
_SPLITTER = ShuffleSplit(3, test_size=0.2, random_state=0)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    tables = (_load(name, folder=folder) for name in datasets)
    fill(SUITE, folds(tables, importable(methods, METHODS), _measure, splitter=_SPLITTER))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = complete(pd.DataFrame(records.read(SUITE)), n_folds=_SPLITTER.get_n_splits())
    return label_tables(measured, metrics=["roc_auc"], datasets=DATASETS, methods=METHODS)


def _load(name: str, *, folder: Path) -> Table:
    """Read molecules as counts of Morgan fingerprints; those that rdkit cannot read are left out."""
    from rdkit import Chem, RDLogger
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    RDLogger.DisableLog("rdApp.*")
    frame = pd.read_csv(next(folder.rglob(f"{name}.csv")))
    molecules = frame["smiles"].map(Chem.MolFromSmiles).dropna()
    generator = GetMorganGenerator(radius=_RADIUS, fpSize=_N_BITS)
    counts = np.array([generator.GetCountFingerprintAsNumPy(molecule) for molecule in molecules])
    y = frame.loc[molecules.index].drop(columns=["mol_id", "smiles"])
    return name, pd.DataFrame(counts.astype(np.float32)), y


def _measure(
    make: Callable[[], Any], X: pd.DataFrame, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame
) -> Record:
    # Ours makes a token of each of the 2048 columns, and is slow here.
    return measure(make, X.to_numpy(), y, X_test.to_numpy(), y_test)
