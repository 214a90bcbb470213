"""Suite `holes`: what scores lose when labels are removed from the training rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import classifiers, mtr, multilabel, peers, per_task, records
from benchmarks.cases import FOLDS, Case, fill, fit_and_predict, folds
from benchmarks.classifiers import Varying
from benchmarks.peers import OURS, importable
from benchmarks.records import Record
from benchmarks.tables import machines, markdown

SUITE = "holes"
DATASETS = ("wq", "yeast")
METHODS = (OURS, *per_task.METHODS)
SHARES = (0.0, 0.3, 0.6, 0.9)

_SCORES = {
    "wq": "wq: aRRMSE as in `mtr`, lower is better, by the share of training labels that are removed.",
    "yeast": (
        "yeast: ROC-AUC as in `multilabel`, higher is better, by the share of training labels that are "
        "removed."
    ),
}
_LOSSES = "{name}: what the score loses against that with all labels; lower is better."


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    fill(SUITE, chain.from_iterable(_cases(name, methods, folder) for name in datasets))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    tables = [table for name in DATASETS if (table := _tables(measured[measured["dataset"] == name], name))]
    return "\n\n".join([*tables, machines(measured)]) if tables else "Nothing is measured at all shares yet."


def hide(y: pd.DataFrame, share: float, *, n_samples: int) -> pd.DataFrame:
    """
    Remove a share of the labels at random; a greater share removes what a smaller one does, and more.

    Parameters
    ----------
    y : DataFrame of shape (B, T)
        Some rows of a table; the index says which.
    share : float
        Of labels.
    n_samples : int
        Rows of the whole table.
    """
    draws = np.random.default_rng(0).random((n_samples, y.shape[1]))[y.index]
    typed = y.astype("boolean") if _has_labels(y) else y
    return typed.mask(draws < share)


def _cases(name: str, methods: Sequence[str], folder: Path) -> Iterator[Case]:
    table = mtr.load(name, folder=folder)
    has_labels = _has_labels(table[2])
    ours = classifiers.sklearn_mtl if has_labels else peers.sklearn_mtl
    makers = importable(methods, {OURS: ours} | per_task.METHODS)
    measure = _measure_labels if has_labels else _measure_numbers
    for share in SHARES:
        for key, measured in folds([table], makers, partial(measure, share)):
            yield key | {"share": share}, measured


def _has_labels(y: pd.DataFrame) -> bool:
    return all(pd.api.types.is_integer_dtype(kind) for kind in y.dtypes)


def _measure_numbers(share: float, make: Callable[[], Any], *rows: pd.DataFrame) -> Record:
    X, y, X_test, y_test = rows
    holed = hide(y, share, n_samples=len(y) + len(y_test))
    predicted, record = fit_and_predict(make(), X, holed, X_test, lambda model, X: model.predict(X))
    # All shares are measured against the mean of all training labels.
    return record | {
        "sse": mtr.squared_errors(y_test, predicted),
        "sse_of_mean": mtr.squared_errors(y_test, y.mean().to_numpy()),
    }


def _measure_labels(share: float, make: Callable[[], Any], *rows: pd.DataFrame) -> Record:
    X, y, X_test, y_test = rows
    holed = hide(y, share, n_samples=len(y) + len(y_test))
    return multilabel.measure(lambda: Varying(make()), X, holed, X_test, y_test)


def _tables(measured: pd.DataFrame, name: str) -> str:
    """Return a table of scores and one of losses of a set."""
    whole = _with_all_shares(measured)
    if whole.empty:
        return ""
    score = _roc_auc if name == "yeast" else mtr.arrmse
    scores = whole.groupby(["share", "method"]).apply(score).unstack("method")  # (shares, methods)
    scores = scores[[method for method in METHODS if method in scores]].rename("{:.0%}".format)
    n_folds = f" {whole['fold'].nunique()} of {FOLDS.get_n_splits()} folds."
    captions = _SCORES[name] + n_folds, _LOSSES.format(name=name)
    worse = scores.loc["0%"] - scores if name == "yeast" else scores - scores.loc["0%"]
    return "\n\n".join(
        markdown(table, caption=caption) for table, caption in zip((scores, worse), captions, strict=True)
    )


def _with_all_shares(measured: pd.DataFrame) -> pd.DataFrame:
    """Keep the methods that are measured at all shares, on the folds where all of them are."""
    n_shares = measured.groupby(["fold", "method"])["share"].nunique().unstack("method")
    is_whole = n_shares == len(SHARES)  # (folds, methods)
    is_whole = is_whole.loc[:, is_whole.any()]
    kept = is_whole.index[is_whole.all(axis="columns")]
    return measured[measured["method"].isin(is_whole.columns) & measured["fold"].isin(kept)]


def _roc_auc(records_of_folds: pd.DataFrame) -> float:
    return float(pd.DataFrame(records_of_folds["roc_auc"].tolist(), dtype=float).mean().mean())
