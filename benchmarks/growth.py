"""Suite `growth`: seconds and memory of a fit by tasks, rows and columns, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import records
from benchmarks.cases import fill
from benchmarks.peers import OURS
from benchmarks.records import Record
from benchmarks.tables import machines, markdown
from sklearn_mtl import MultiTaskAttentionRegressor

SUITE = "growth"
SHARED, PER_TASK = "one_attention", "one_model_per_task"

# A set is named by what it varies, and that many rows, columns and tasks.
SIZES: dict[str, tuple[int, int, int]] = {
    **{f"T={n}": (10_000, 50, n) for n in (1, 4, 16, 64, 256)},
    **{f"n={n}": (n, 50, 4) for n in (1_000, 10_000, 100_000, 1_000_000)},
    **{f"C={n}": (1_000, n, 4) for n in (10, 100, 1_000, 10_000)},
}
DATASETS = tuple(SIZES)
METHODS = (OURS, SHARED, PER_TASK)
N_EPOCHS = 5
MILLION = "n=1000000"

_SLOPES = "Slope: of a line through logarithms, least squares."
_TASKS = (
    f"{N_EPOCHS} epochs, 10,000 rows of 50 columns, by tasks. Seconds are of the whole fit, linear view and "
    "forest included; an epoch: seconds of one."
)
_PER_TASK = (
    "Seconds of a fit of all tasks / of one model per task: computed as T times the seconds of T=1, and "
    "measured at T=4."
)
_ROWS = (
    f"{OURS}, {N_EPOCHS} epochs, 50 columns, 4 tasks, by rows; n=1000000: one epoch. Where there are fewer "
    "folds, and no forest, sizes change with the rows."
)
_COLUMNS = f"{OURS}, {N_EPOCHS} epochs, 1,000 rows, 4 tasks, by columns."
_MEMORY = (
    "Peak memory of a process that makes 1,000,000 × 50 float32 numbers and fits one epoch, and its bound: "
    "3 times the input and 500 MB."
)


def run(*, datasets: Sequence[str], methods: Sequence[str], **_: Any) -> None:
    """Measure what has no record yet: all of ours, and the others where they are compared."""
    compared = {SHARED: [name for name in SIZES if name.startswith("T=")], PER_TASK: ["T=4"]}
    keys = (
        {"dataset": dataset, "method": method}
        for dataset in datasets
        for method in methods
        if dataset in compared.get(method, SIZES)
    )
    fill(SUITE, ((key, partial(_measure_apart, **key)) for key in keys))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    parts = [
        (_growth(measured, "T", method=OURS), f"{OURS} {_TASKS}"),
        (
            _growth(measured, "T", method=SHARED),
            f"{OURS} with n_slots=1, one attention for all tasks, {_TASKS}",
        ),
        (_against_one_per_task(measured), _PER_TASK),
        (_growth(measured, "n", method=OURS), _ROWS),
        (_growth(measured, "C", method=OURS), _COLUMNS),
        (_memory(measured), _MEMORY),
    ]
    tables = [markdown(table, caption=caption) for table, caption in parts if len(table)]
    return "\n\n".join([*tables, _SLOPES, machines(measured)])


def _by_size(measured: pd.DataFrame, letter: str, *, method: str) -> pd.DataFrame:
    """Take the records that vary one size, in the order of it."""
    table = measured[measured["method"] == method].set_index("dataset")
    table = table.loc[[name for name in SIZES if name.startswith(f"{letter}=") and name in table.index]]
    return table.rename(columns={"fit_seconds": "seconds", "n_epochs": "epochs", "epoch_seconds": "an epoch"})


def _growth(measured: pd.DataFrame, letter: str, *, method: str) -> pd.DataFrame:
    table = _by_size(measured, letter, method=method)
    table = table[["seconds", "epochs", "an epoch", "peak_mb", "imports_mb"]].astype(float)
    if table.empty:
        return table
    scaled = ["seconds", "an epoch"]
    for name in scaled:
        table[f"{name} / first"] = table[name] / table[name].iloc[0]
    sizes = [float(name.removeprefix(f"{letter}=")) for name in table.index]
    if len(sizes) > 1:
        for name in (*scaled, "peak_mb"):
            table.loc["slope", name] = np.polyfit(np.log(sizes), np.log(table[name].iloc[: len(sizes)]), 1)[0]
    return table.rename(columns={"peak_mb": "peak MB", "imports_mb": "MB after imports"})


def _against_one_per_task(measured: pd.DataFrame) -> pd.DataFrame:
    together, shared, apart = (_by_size(measured, "T", method=method)["seconds"] for method in METHODS)
    if "T=1" not in together:
        return pd.DataFrame()
    computed = together["T=1"] * pd.Series({name: SIZES[name][2] for name in together.index})
    return pd.DataFrame(
        {
            "own attention / computed": together / computed,
            "one attention / computed": shared / computed,
            "own attention / measured": together / apart,
            "one attention / measured": shared / apart,
        }
    ).loc[together.index]


def _memory(measured: pd.DataFrame) -> pd.DataFrame:
    table = measured[(measured["dataset"] == MILLION) & (measured["method"] == OURS)].set_index("dataset")
    bound = 3 * table["input_mb"] + 500
    return pd.DataFrame(
        {"input MB": table["input_mb"], "peak MB": table["peak_mb"], "bound MB": bound}
    ).assign(ratio=table["peak_mb"] / bound)


def _measure_apart(*, dataset: str, method: str) -> Record:
    """Measure in a new process, whose peak of memory is its own."""
    command = [sys.executable, "-m", "benchmarks.growth", dataset, method]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _measure(dataset: str, method: str) -> Record:
    imports = peak_mb()
    X, y = draw(*SIZES[dataset])
    parameters = {"max_epochs": 1 if dataset == MILLION else N_EPOCHS}
    if method == SHARED:
        parameters["n_slots"] = 1
    targets = [y[:, [task]] for task in range(y.shape[1])] if method == PER_TASK else [y]
    start = perf_counter()
    models = [MultiTaskAttentionRegressor(random_state=0, **parameters).fit(X, part) for part in targets]
    seconds = perf_counter() - start
    history = pd.concat([model.history_ for model in models])
    return {
        "fit_seconds": seconds,
        "n_epochs": len(history),
        "epoch_seconds": float(history["seconds"].median()),
        "peak_mb": peak_mb(),
        "imports_mb": imports,
        "input_mb": X.nbytes / 1e6,
    }


def draw(n_rows: int, n_columns: int, n_tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """Make tasks that are mixtures of eight bends of the first ten columns, with noise; float32."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_columns), dtype=np.float32)
    bends = np.tanh(X[:, :10] @ rng.standard_normal((10, 8), dtype=np.float32))
    y = bends @ rng.standard_normal((8, n_tasks), dtype=np.float32)
    y += 0.1 * rng.standard_normal(y.shape, dtype=np.float32)
    return X, y


def peak_mb() -> float:
    """Return the peak of this process's resident memory in 10⁶ bytes.

    Not by `resource.getrusage`: there Linux lets a process begin with the peak of the one that started it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(_measure(*sys.argv[1:])))
