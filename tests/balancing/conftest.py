import numpy as np
import pytest

from sklearn_mtl.nn import OutputLayout


@pytest.fixture
def make_gradients():
    """Give the gradients of tasks in folds, some of which conflict; (G, T, P)."""

    def make(n_tasks=4, *, n_folds=3, n_parameters=9, seed=0):
        rng = np.random.default_rng(seed)
        return rng.normal(size=(n_folds, n_tasks, n_parameters)) * rng.uniform(0.3, 3, (n_folds, n_tasks, 1))

    return make


@pytest.fixture
def make_layout():
    """Give a number, a binary task and one of three classes."""
    return lambda: OutputLayout(["regression", "binary", "multiclass"], [1, 1, 3])
