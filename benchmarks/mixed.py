"""Suite `mixed`: numbers, classes and flags of films, all in one fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.model_selection import KFold

from benchmarks import per_task, records
from benchmarks.cases import fill, folds
from benchmarks.peers import OURS, importable
from sklearn_mtl import MultiTaskAttentionEstimator
from sklearn_mtl.datasets import load_movies

SUITE = "mixed"
DATASETS = ("movies",)

_SPLITTER = KFold(3, shuffle=True, random_state=0)
_CAPTION = (
    "R² of `critics_meter`, `metacritic` and `log10_box_office`, ROC-AUC of the others, of `mpaa_rating` "
    "each class against the rest; higher is better: mean over folds, on observed labels."
)


def sklearn_mtl() -> Any:
    """Make ours."""
    return MultiTaskAttentionEstimator(random_state=0)


METHODS = {
    OURS: sklearn_mtl,
    "rf_per_task": per_task.rf_per_task,
    "hgb_per_task": per_task.hgb_per_task,
}


def run(*, datasets: Sequence[str], methods: Sequence[str], **_: Any) -> None:
    """Measure what has no record yet."""
    tables = ((name, *load_movies(tasks="all", return_X_y=True)) for name in datasets)
    fill(SUITE, folds(tables, importable(methods, METHODS), per_task.measure, splitter=_SPLITTER))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    return per_task.task_tables(
        records.read(SUITE),
        caption=_CAPTION,
        n_folds=_SPLITTER.get_n_splits(),
        methods=list(METHODS),
        mean=False,
    )
