"""Suite `balancing_cost`: time and memory of every way of balancing, as multiples of the mean's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from skorch.callbacks import Callback

from benchmarks import records
from benchmarks.ablation import BALANCING
from benchmarks.apart import apart, peak_of_a_small_fit
from benchmarks.cases import fill
from benchmarks.growth import peak_mb
from benchmarks.records import Record
from benchmarks.tables import machines, markdown
from sklearn_mtl import MultiTaskAttentionRegressor

SUITE = "balancing_cost"
SIZES = {f"T={n}": n for n in (3, 16, 64)}
DATASETS = tuple(SIZES)
METHODS = tuple(BALANCING)
N_EPOCHS = 3

_SECONDS = (
    "Seconds of the processor for an epoch, measuring held-out rows included, divided by those of the "
    f"mean; each the least of {N_EPOCHS}. 1,000 rows of 16 columns, default sizes."
)
_MEMORY = (
    "Peak memory of a process that trains such epochs, less that of a fit of 40 rows, divided by that of the "
    "mean."
)


def run(*, datasets: Sequence[str], methods: Sequence[str], **_: Any) -> None:
    """Measure what has no record yet."""
    keys = ({"dataset": dataset, "method": method} for dataset in datasets for method in methods)
    fill(SUITE, ((key, partial(apart, measure, *key.values())) for key in keys))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    by_size = measured.set_index(["method", "dataset"])
    sizes = [name for name in DATASETS if name in set(measured["dataset"])]
    ratios, megabytes = (
        by_size[value].unstack("dataset").reindex([m for m in METHODS if m in set(measured["method"])])[sizes]
        for value in ("ratio", "fit_mb")
    )
    memory = megabytes / megabytes.loc["mean"]
    tables = [markdown(each, caption=of, n_digits=2) for each, of in ((ratios, _SECONDS), (memory, _MEMORY))]
    return "\n\n".join([*tables, machines(measured)])


def measure(dataset: str, method: str) -> Record:
    """Measure seconds and memory of a few epochs, in this process."""
    before = peak_of_a_small_fit()
    seconds = epoch_seconds(dataset, method)
    memory = peak_mb() - before
    return {"ratio": seconds / epoch_seconds(dataset, "mean"), "fit_mb": memory}


def epoch_seconds(dataset: str, method: str) -> float:
    """Return the seconds of the processor for the fastest epoch of a fit."""
    rng, n_tasks = np.random.default_rng(0), SIZES[dataset]
    X = rng.normal(size=(1000, 16))
    y = np.tanh(X[:, :8] @ rng.normal(size=(8, n_tasks))) + 0.3 * rng.normal(size=(1000, n_tasks))
    clock = Clock()
    options = {"linear_view": False, "n_trees": 0, "max_epochs": N_EPOCHS, "random_state": 0}
    MultiTaskAttentionRegressor(**options, balancing=BALANCING[method], callbacks=[clock]).fit(X, y)
    return min(clock.seconds_)


class Clock(Callback):
    """Notes the processor's seconds of each epoch: other programs on the machine do not count."""

    def on_train_begin(self, net: Any, **_: Any) -> None:  # noqa: ARG002  skorch calls it so
        """Start with nothing."""
        self.seconds_: list[float] = []

    def on_epoch_begin(self, net: Any, **_: Any) -> None:  # noqa: ARG002  skorch calls it so
        """Start the clock."""
        self.start_ = process_time()

    def on_epoch_end(self, net: Any, **_: Any) -> None:  # noqa: ARG002  skorch calls it so
        """Stop it."""
        self.seconds_.append(process_time() - self.start_)
