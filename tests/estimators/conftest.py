"""Small estimators, small tables, and processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sklearn_mtl
from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)

# As much as is needed for all parts to be there, and fit in some hundredths of a second.
SMALL = {
    "n_folds": 2,
    "n_views": 2,
    "n_bins": 4,
    "d_token": 4,
    "d_hidden": 8,
    "max_epochs": 6,
    "n_trees": 8,
    "learning_rate": 0.05,
    "random_state": 0,
}


@dataclass(frozen=True)
class Kind:
    """One of the estimators, small, and how it likes its labels."""

    estimator: type
    labels: Callable[[np.ndarray], np.ndarray]

    def __call__(self, **options: Any) -> Any:
        return self.estimator(**{**SMALL, **options})


def outputs(model: Any, X: Any) -> np.ndarray:
    """Numbers and the probabilities of all tasks side by side."""
    if isinstance(model, MultiTaskAttentionRegressor):
        return model.predict(X)
    probabilities = model.predict_proba(X)
    if isinstance(model, MultiTaskAttentionClassifier):
        return np.hstack(probabilities)
    return np.hstack([model.predict(X).astype(float), *probabilities.values()])


def as_classes(numbers: np.ndarray) -> np.ndarray:
    """Cut the first task into three classes and the others into two; NaN stays NaN."""
    classes = (numbers > 0).astype(float)
    classes[:, 0] = np.digitize(numbers[:, 0], [-0.5, 0.5])
    return np.where(np.isnan(numbers), np.nan, classes)


def first_as_classes(numbers: np.ndarray) -> np.ndarray:
    """Cut the first task into two classes, which is guessed from them; NaN stays NaN."""
    return np.column_stack([np.where(np.isnan(numbers), np.nan, numbers > 0)[:, :1], numbers[:, 1:]])


REGRESSOR = Kind(MultiTaskAttentionRegressor, np.copy)
CLASSIFIER = Kind(MultiTaskAttentionClassifier, as_classes)
MIXED = Kind(MultiTaskAttentionEstimator, first_as_classes)


@pytest.fixture
def regressor():
    return REGRESSOR


@pytest.fixture
def classifier():
    return CLASSIFIER


GUESSES = pytest.mark.filterwarnings("ignore::sklearn_mtl.exceptions.TaskTypeWarning")


@pytest.fixture(params=["regressor", "classifier", pytest.param("both", marks=GUESSES)])
def kind(request):
    return {"regressor": REGRESSOR, "classifier": CLASSIFIER, "both": MIXED}[request.param]


@pytest.fixture
def both():
    return MIXED


def _signal(X, rng):
    """What neither the linear view nor the network can leave to the other."""
    clean = np.stack([3 * np.abs(X[:, 0]), X[:, 0] + 2 * X[:, 1] ** 2, 3 * np.cos(2 * X[:, 2])], axis=1)
    return clean - clean.mean(axis=0) + 0.1 * rng.normal(size=clean.shape)


@pytest.fixture
def numbers():
    """60 rows of three number columns, and three tasks with a hole in a third of their labels."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = _signal(X, rng)
    y[rng.random(y.shape) < 1 / 3] = np.nan
    return X, y


@pytest.fixture
def mixed(numbers):
    """The same with category columns and holes: one with few levels, one with many that are rare."""
    X, y = numbers
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame.insert(1, "colour", pd.Categorical(rng.choice(["red", "green", "blue"], size=len(X))))
    frame["city"] = rng.permutation([f"city {row // 2}" for row in range(len(X))])
    frame.loc[frame.index % 7 == 3, "b"] = np.nan
    frame.loc[frame.index % 9 == 4, "colour"] = None
    return frame, y


@pytest.fixture
def run_python():
    """Run code in a Python process of its own, with arguments in ``sys.argv``; return what it printed."""

    def run(code: str, *arguments: Any, **environment: str) -> str:
        package = str(Path(sklearn_mtl.__file__).parents[1])
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": package, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
