"""Suite `loop`: what training and predicting cost beyond the arithmetic of the module itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from skorch.callbacks import Callback

from benchmarks import records
from benchmarks.cases import fill
from benchmarks.peers import OURS
from benchmarks.records import Record
from benchmarks.tables import markdown
from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.datasets import load_mulan
from sklearn_mtl.training import FoldBatches, FoldDataset, FoldNet

SUITE = "loop"
DATASETS = ("jura", "enb", "sf2", "wq")
METHODS = (OURS,)
N_EPOCHS = 12
N_ROUNDS = 5
N_CALLS = 200

_EPOCH = (
    "Milliseconds of one epoch with its measurement on held-out rows, against a bare torch loop, in medians."
)
_ONE_ROW = (
    f"Milliseconds of predicting one row, against a bare `module(x)`, in medians of {N_CALLS} calls; "
    "the row is an array, or a frame where the set has categories (sf2)."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    keys = ({"dataset": dataset, "method": method} for dataset in datasets for method in methods)
    fill(SUITE, ((key, partial(_measure, key["dataset"], folder)) for key in keys))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    table = pd.DataFrame(records.read(SUITE)).set_index("dataset")
    return "\n\n".join([_ratios(table, "epoch", _EPOCH), _ratios(table, "one_row", _ONE_ROW)])


def _ratios(table: pd.DataFrame, name: str, caption: str) -> str:
    times = table[[f"{name}_ms", f"bare_{name}_ms"]].set_axis([OURS, "bare"], axis="columns")
    return markdown(times.assign(ratio=times[OURS] / times["bare"]), caption=caption)


def _measure(dataset: str, folder: Path) -> Record:
    X, y = load_mulan(dataset, folder=folder, return_X_y=True)
    return _measure_epochs(X, y) | _measure_one_row(X, y)


class Capture(Callback):
    """Keeps what a net trains on, and its module as it was before the first step."""

    def on_train_begin(self, net: FoldNet, X: FoldDataset, **_: Any) -> None:
        """Keep them."""
        self.dataset, self.module, self.criterion = X, copy.deepcopy(net.module_), net.criterion_


def _measure_epochs(X: pd.DataFrame, y: pd.DataFrame) -> Record:
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(N_ROUNDS):  # in turns, so that both see the same weather
        capture = Capture()
        model = MultiTaskAttentionRegressor(random_state=0, max_epochs=N_EPOCHS, callbacks=[capture]).fit(
            X, y
        )
        ours += model.history_["seconds"].tolist()
        bare += _bare_epochs(capture, model)
    return {"epoch_ms": 1e3 * median(ours), "bare_epoch_ms": 1e3 * median(bare)}


def _bare_epochs(capture: Capture, model: MultiTaskAttentionRegressor) -> list[float]:
    """Train the same module on the same batches, and measure it on held-out rows, in plain torch."""
    torch.set_num_threads(model.n_threads)
    dataset, module, criterion = capture.dataset, capture.module, capture.criterion
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=model.learning_rate, weight_decay=model.weight_decay, fused=True
    )
    dropout = torch.Generator().manual_seed(0)
    batches = FoldBatches(dataset, batch_size=model.batch_size_, rng=np.random.default_rng(0))
    held_out = torch.from_numpy(
        np.stack([np.resize(rows, len(dataset.held_out[0])) for rows in dataset.held_out])
    )
    seconds = []
    for _ in range(N_EPOCHS):
        start = perf_counter()
        for (numbers, categories, *_), (targets, weights) in batches:
            optimizer.zero_grad()
            loss, _ = criterion(module(numbers, categories, dropout), targets, weights)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            (numbers, categories, *_), (targets, weights) = dataset[held_out]
            criterion(module(numbers, categories), targets, weights)
        seconds.append(perf_counter() - start)
    return seconds


def _measure_one_row(X: pd.DataFrame, y: pd.DataFrame) -> Record:
    capture = Capture()
    is_numeric = len(X.select_dtypes("number").columns) == X.shape[1]
    inputs = X.to_numpy() if is_numeric else X
    # The network alone: other views could have all the share of a network of one epoch, and none of its cost.
    model = MultiTaskAttentionRegressor(
        random_state=0, max_epochs=1, linear_view=False, n_trees=0, callbacks=[capture]
    ).fit(inputs, y)
    module, row = model.net_.module_, inputs[:1]
    tensors = capture.dataset.numbers[None, :1], capture.dataset.categories[None, :1]
    with torch.inference_mode():
        bare = _milliseconds(lambda: module(*tensors))
    return {"one_row_ms": _milliseconds(lambda: model.predict(row)), "bare_one_row_ms": bare}


def _milliseconds(call: Callable[[], Any]) -> float:
    call()
    seconds = []
    for _ in range(N_CALLS):
        start = perf_counter()
        call()
        seconds.append(perf_counter() - start)
    return 1e3 * median(seconds)
