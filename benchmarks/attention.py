"""Suite `attention`: whether each task attends to the columns that it is made of, and gains by that."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import records
from benchmarks.cases import fill
from benchmarks.peers import OURS
from benchmarks.records import Record
from benchmarks.tables import markdown
from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.metrics import multitask_score

SUITE = "attention"
DATASETS = tuple(str(seed) for seed in range(10))
METHODS = (OURS,)
TRUE_COLUMNS = np.array([[0, 1], [0, 1], [5, 6]])  # of each task

_WEIGHTS = (
    "800 rows of 12 normal columns; y0 = x0 + x1, y1 = x0 − x1, y2 = x5 · x6, each with noise of deviation "
    "0.1. Mean attention on training rows, 1 = uniform; found: share of seeds where the two true columns "
    "have the two largest weights."
)
_SCORES = "R² of y2 on 800 other rows, with attention of its own and with one attention for all tasks."


def run(*, datasets: Sequence[str], methods: Sequence[str], **_: Any) -> None:
    """Measure the seeds that have no record yet."""
    keys = ({"dataset": seed, "method": method} for seed in datasets for method in methods)
    fill(SUITE, ((key, partial(_measure, int(key["dataset"]))) for key in keys))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    table = pd.DataFrame(records.read(SUITE)).set_index("dataset").sort_index().rename("seed {}".format)
    true, other = np.stack(table["true"]), np.stack(table["greatest_other"])  # (seeds, T, 2), (seeds, T)
    weights = {
        "found": (true.min(axis=2) > other).mean(axis=0),
        "true columns, mean": true.mean(axis=(0, 2)),
        "least": true.min(axis=(0, 2)),
        "greatest other, mean": other.mean(axis=0),
        "greatest": other.max(axis=0),
    }
    scores = table[["own", "shared"]].assign(difference=table["own"] - table["shared"])
    scores = pd.concat([scores, scores.agg(["mean", "sem"]).rename({"sem": "standard error"})])
    weights = pd.DataFrame(weights, index=["y0", "y1", "y2"])
    return "\n\n".join([markdown(weights, caption=_WEIGHTS), markdown(scores, caption=_SCORES)])


def _measure(seed: int) -> Record:
    rng = np.random.default_rng(seed)
    (X, y), (new_X, new_y) = _draw(rng), _draw(rng)
    own, shared = (
        MultiTaskAttentionRegressor(n_slots=slots, random_state=seed).fit(X, y) for slots in ("auto", 1)
    )
    weights = own.feature_attention_.to_numpy() * X.shape[1]  # (T, C)
    true = np.take_along_axis(weights, TRUE_COLUMNS, axis=1)
    np.put_along_axis(weights, TRUE_COLUMNS, 0, axis=1)
    r2 = [multitask_score(new_y[:, 2], model.predict(new_X)[:, 2], metric="r2") for model in (own, shared)]
    greatest = weights.max(axis=1).tolist()
    return {"true": true.tolist(), "greatest_other": greatest, "own": r2[0], "shared": r2[1]}


def _draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(800, 12))
    signal = np.stack([X[:, 0] + X[:, 1], X[:, 0] - X[:, 1], X[:, 5] * X[:, 6]], axis=1)
    return X, signal + 0.1 * rng.normal(size=signal.shape)
