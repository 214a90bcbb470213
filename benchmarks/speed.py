"""Suite `speed`: seconds of a fit side by side in one go, with the errors that they buy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import mtr, records
from benchmarks.cases import fill, folds
from benchmarks.peers import OURS, importable
from benchmarks.records import Record
from benchmarks.tables import compare, geometric_mean, lay_out, machines, markdown

SUITE = "speed"
DATASETS = mtr.DATASETS
METHODS = ("sklearn_mtl", "sklearn_mtl_fast", "catboost_500", "realmlp", "tabm")

_SECONDS = "Seconds of one fit on fold 0."
_SCORES = "aRRMSE on fold 0, lower is better."


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    tables = (mtr.load(name, folder=folder) for name in datasets)
    fill(SUITE, folds(tables, importable(methods), _measure, n_folds=1))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    groups = measured.groupby(["dataset", "method"])
    scores = lay_out(groups.apply(mtr.arrmse), datasets=DATASETS, methods=METHODS)
    seconds = lay_out(groups["fit_seconds"].mean(), datasets=DATASETS, methods=METHODS)
    tables = [markdown(seconds, caption=_SECONDS)]
    tables += [_ratios(seconds, ours) for ours in (OURS, f"{OURS}_fast") if ours in seconds]
    tables.append(markdown(compare(scores, ours=OURS, ranked=False), caption=_SCORES))
    return "\n\n".join([*tables, machines(measured)])


def _ratios(seconds: pd.DataFrame, ours: str) -> str:
    ratios = seconds.drop(columns=ours).rdiv(seconds[ours], axis="index")
    table = ratios.copy()
    table.loc["geometric mean"], table.loc["worst set"] = geometric_mean(ratios), ratios.max()
    return markdown(table, caption=f"Seconds of {ours} / seconds of each.")


def _measure(make: Callable[[], Any], *rows: pd.DataFrame) -> Record:
    _warm_up(make)
    return mtr.measure(make, *rows)


@cache
def _warm_up(make: Callable[[], Any]) -> None:
    """Fit once what is not measured: a package's first fit loads what the others find loaded."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc"))
    make().fit(X, X[["a", "b"]])
