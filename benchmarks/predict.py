"""Suite `predict`: one row and many rows, against peers and the module itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import RandomForestRegressor

from benchmarks import records
from benchmarks.cases import fill
from benchmarks.loop import Capture
from benchmarks.peers import OURS, catboost_model, importable
from benchmarks.records import Record
from benchmarks.tables import lay_out, machines, markdown
from sklearn_mtl import MultiTaskAttentionRegressor

SUITE = "predict"
DATASETS = ("one_row", "100k_rows")
N_ROWS = {"one_row": 1, "100k_rows": 100_000}
N_CALLS = {"one_row": 200, "100k_rows": 3}

_N_TRAINING_ROWS, _N_COLUMNS, _N_TASKS = 1000, 50, 4
_ROWS_AT_ONCE = 512
_SECONDS = (
    f"Milliseconds of predicting one row (median of {N_CALLS['one_row']} calls) and 100,000 rows (median of "
    f"{N_CALLS['100k_rows']}), arrays of {_N_COLUMNS} columns, {_N_TASKS} targets; bare: `module(x)` on "
    f"rows that are prepared already, {_ROWS_AT_ONCE} at once. A view without any share costs ours nothing; "
    "the records have the shares of all three."
)


class _Bare:
    """Ours, without all that stands around its module."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> _Bare:
        capture = Capture()
        model = MultiTaskAttentionRegressor(random_state=0, max_epochs=1, callbacks=[capture]).fit(X, y)
        self.module_, dataset = model.net_.module_, capture.dataset
        rows = torch.arange(N_ROWS["100k_rows"]) % len(dataset)
        self.rows_ = dataset.numbers[rows][None], dataset.categories[rows][None]  # (1, B, N), (1, B, M)
        return self

    def predict(self, X: np.ndarray) -> None:
        with torch.inference_mode():
            for start in range(0, len(X), _ROWS_AT_ONCE):
                block = slice(start, min(start + _ROWS_AT_ONCE, len(X)))
                self.module_(*(part[:, block] for part in self.rows_))


METHODS: dict[str, Callable[[], Any]] = {
    OURS: partial(MultiTaskAttentionRegressor, random_state=0),
    f"{OURS}_fast": lambda: MultiTaskAttentionRegressor(preset="fast", random_state=0),
    "bare": _Bare,
    "rf": partial(RandomForestRegressor, 200, random_state=0),
    "catboost_500": partial(catboost_model, n_trees=500),
}


def run(*, datasets: Sequence[str], methods: Sequence[str], **_: Any) -> None:
    """Measure what has no record yet."""
    makers = importable(methods, METHODS)
    keys = ({"dataset": dataset, "method": method} for dataset in datasets for method in makers)
    fill(SUITE, ((key, partial(_measure, makers[key["method"]], key["dataset"])) for key in keys))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    values = measured.set_index(["dataset", "method"])["milliseconds"]
    table = lay_out(values, datasets=DATASETS, methods=METHODS)
    tables = [markdown(table, caption=_SECONDS)]
    tables += [
        markdown(
            table.drop(columns=ours).rdiv(table[ours], axis="index"),
            caption=f"Time of {ours} / time of each.",
        )
        for ours in (OURS, f"{OURS}_fast")
        if ours in table
    ]
    return "\n\n".join([*tables, machines(measured)])


def _measure(make: Callable[[], Any], dataset: str) -> Record:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(_N_TRAINING_ROWS, _N_COLUMNS))
    model = make().fit(X, _targets(X))
    new = rng.normal(size=(N_ROWS[dataset], _N_COLUMNS))
    model.predict(new)
    seconds = []
    for _ in range(N_CALLS[dataset]):
        start = perf_counter()
        model.predict(new)
        seconds.append(perf_counter() - start)
    shares = {"shares": model.view_shares_.mean().to_dict()} if hasattr(model, "view_shares_") else {}
    return {"milliseconds": 1e3 * median(seconds)} | shares


def _targets(X: np.ndarray) -> np.ndarray:
    """Make each target of two columns and their product."""
    a, b = X[:, :_N_TASKS], X[:, 1 : _N_TASKS + 1]
    return a + b + a * b
