"""How much memory a fit takes beside the table itself."""

import tracemalloc

import numpy as np
import pytest

from sklearn_mtl.encoding import _linear as design
from sklearn_mtl.estimators._fit import distinct_rows, prepare, read_fit_input, training_rows
from sklearn_mtl.training import _linear as linear
from sklearn_mtl.training import fit_linear_view, target_scales

WEIGHTS = {"sample_weight": None, "class_weight": None, "task_weight": None}
OPTIONS = {**WEIGHTS, "calibrate": False, "thresholds": None, "owner": "Example"}


def peak_of(compute):
    """Bytes that a computation holds at most, and its result."""
    tracemalloc.start()
    try:
        result = compute()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_all_before_the_network_takes_one_copy_of_the_table_and_some_numbers_a_row(kind, monkeypatch):
    monkeypatch.setattr(design, "_MOST_FLOATS_KEPT", 0)  # as of a table that is much larger
    monkeypatch.setattr(linear, "_BLOCK_FLOATS", 2**16)
    monkeypatch.setattr(linear, "_MOST_LOGISTIC_ROWS", 2000)
    monkeypatch.setattr(linear, "_LEAST_LOGISTIC_ROWS", 2000)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 80), dtype=np.float32)
    y = X[:, 0] + rng.standard_normal(len(X))
    y = y if kind == "regression" else (y > 0).astype(float)

    def prepared():
        read = read_fit_input(X, y, kind=kind, **OPTIONS)
        merged = distinct_rows(read, owner="Example")
        preparation = prepare(read, merged.first)
        rows = training_rows(read, merged, preparation, n_folds=4, seed=0)
        target_scales(rows)
        return read, merged, rows

    held, (_, _, rows) = peak_of(prepared)
    assert held < 2.5 * X.nbytes
    fit_linear_view(rows)  # torch imports parts of itself only now
    held, _ = peak_of(lambda: fit_linear_view(rows))
    assert held < 0.5 * X.nbytes


FIT = """
import sys
import numpy as np
from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor

def kilobytes(name):
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])

rng = np.random.default_rng(0)
small = dict(n_folds=2, n_views=1, n_slots=1, n_bins=2, d_token=2, d_hidden=4, max_epochs=1, random_state=0)

def fit(n_rows):
    X = rng.standard_normal((n_rows, 50), dtype=np.float32)
    y = X[:, 0] + rng.standard_normal((n_rows, 4), dtype=np.float32).T
    if sys.argv[1] == "classifier":
        return MultiTaskAttentionClassifier(**small).fit(X, y[0] > 0), X
    return MultiTaskAttentionRegressor(**small).fit(X, y.T), X

fit(5000)  # torch takes memory of its own
before = kilobytes("VmRSS")
_, X = fit(600_000)
print((kilobytes("VmHWM") - before) * 1024 / X.nbytes)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regressor", "classifier"])
def test_a_fit_takes_no_more_than_five_times_the_memory_of_its_table(name, run_python):
    assert float(run_python(FIT, name, OMP_NUM_THREADS="1")) < 5
