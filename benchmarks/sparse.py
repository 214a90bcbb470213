"""Suite `sparse`: sparse X against the same table dense, and a million columns; each in its own process."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from benchmarks import mtr, records
from benchmarks.cases import FOLDS, fill
from benchmarks.peers import OURS
from benchmarks.records import Record
from benchmarks.tables import machines, markdown
from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor

SUITE = "sparse"
LOGISTIC = "logistic"
DATASETS = ("medical", "synthetic")
METHODS = (OURS, f"{OURS}_dense", LOGISTIC)

_N_ROWS, _N_COLUMNS, _N_TERMS = 100_000, 1_000_000, 100
_MEDICAL = (
    "medical, 1,449 words and 45 labels, the first of five folds: average precision, the mean over labels "
    "with both classes in training and test rows; seconds of a fit; the greatest difference of a probability "
    "from that of the sparse form."
)
_SYNTHETIC = (
    "synthetic, 100,000 rows and 1,000,000 columns with 100 values a row, two tasks, one epoch, the network "
    "alone: seconds of a fit, rows trained on in a second (of all folds together), rows "
    "predicted in a second, and memory beside that of X and all imports."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    pairs = [(name, method) for name in datasets for method in methods if name == "medical" or method == OURS]
    keys = ({"dataset": name, "method": method} for name, method in pairs)
    fill(SUITE, ((key, partial(_measure_apart, folder, **key)) for key in keys))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    medical = measured[measured["dataset"] == "medical"].set_index("method")
    synthetic = measured[measured["dataset"] == "synthetic"].set_index("method")
    columns = [
        (medical, ["average_precision", "fit_seconds", "difference"], _MEDICAL),
        (
            synthetic,
            ["fit_seconds", "rows_per_second", "predicted_per_second", "peak_mb", "x_mb"],
            _SYNTHETIC,
        ),
    ]
    tables = [markdown(table[names], caption=caption) for table, names, caption in columns if len(table)]
    return "\n\n".join([*tables, machines(measured)])


def _measure_apart(folder: Path, *, dataset: str, method: str) -> Record:
    command = [sys.executable, "-m", "benchmarks.sparse", str(folder), dataset, method]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    record: Record = json.loads(printed.splitlines()[-1])
    return record


def _medical(folder: Path, method: str) -> Record:
    _, X, y = mtr.load("medical", folder=folder)
    words, flags = (frame.astype(str).astype(float).to_numpy() for frame in (X, y))
    train, test = next(iter(FOLDS.split(words)))
    varies = [all(len(np.unique(labels[rows])) == 2 for rows in (train, test)) for labels in flags.T]
    flags = flags[:, varies]
    start = perf_counter()
    if method == LOGISTIC:
        models = [LogisticRegression(max_iter=1000).fit(csr_array(words[train]), of) for of in flags[train].T]
        record: Record = {"fit_seconds": perf_counter() - start}
        predicted = np.stack([model.predict_proba(words[test])[:, 1] for model in models], axis=1)
    else:
        form = csr_array if method == OURS else np.asarray
        model = MultiTaskAttentionClassifier(random_state=0).fit(form(words[train]), flags[train])
        record = {"fit_seconds": perf_counter() - start}
        predicted = _probabilities(model, form(words[test]))
        if method != OURS:
            of_sparse = MultiTaskAttentionClassifier(random_state=0).fit(
                csr_array(words[train]), flags[train]
            )
            record["difference"] = float(np.abs(predicted - _probabilities(of_sparse, words[test])).max())
    return record | {"average_precision": float(average_precision_score(flags[test], predicted))}


def _probabilities(model: MultiTaskAttentionClassifier, X: Any) -> np.ndarray:
    return np.stack([of_task[:, 1] for of_task in model.predict_proba(X)], axis=1)


def _synthetic(_: Path, __: str) -> Record:
    rng = np.random.default_rng(0)
    places = np.sort(rng.integers(0, _N_COLUMNS, (_N_ROWS, _N_TERMS), dtype=np.int32), axis=1).ravel()
    values = rng.random(len(places), dtype=np.float32) + 0.5
    starts = np.arange(0, len(places) + 1, _N_TERMS, dtype=np.int32)
    X = csr_array((values, places, starts), shape=(_N_ROWS, _N_COLUMNS))
    X.sum_duplicates()
    y = X @ rng.standard_normal((_N_COLUMNS, 2), dtype=np.float32)
    before, start = _peak_mb(), perf_counter()
    model = MultiTaskAttentionRegressor(max_epochs=1, linear_view=False, n_trees=0, random_state=0).fit(X, y)
    record: Record = {"fit_seconds": perf_counter() - start, "peak_mb": _peak_mb() - before}
    n_trained = _N_ROWS * (model.n_folds_ - 1)
    record["rows_per_second"] = n_trained / float(model.history_["seconds"].iloc[0])
    start = perf_counter()
    model.predict(X[:10_000])
    record["predicted_per_second"] = 10_000 / (perf_counter() - start)
    return record | {"x_mb": (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 1e6}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    measure = {"medical": _medical, "synthetic": _synthetic}[sys.argv[2]]
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[3])))
