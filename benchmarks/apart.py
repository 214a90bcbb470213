"""A process of its own for what is measured, whose peak of memory then is its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.growth import peak_mb
from sklearn_mtl import MultiTaskAttentionRegressor

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])  # imports are made once


def apart(measure: Callable[..., Any], *args: Any) -> Any:
    """Call a function of a module in a new process, and give what it returns."""
    with _CONTEXT.Pool(1) as pool:
        return pool.apply(measure, args)


def peak_of_a_small_fit() -> float:
    """Return the peak of memory of this process after a fit that needs next to nothing, in 10⁶ bytes."""
    X = np.random.default_rng(0).normal(size=(40, 2))
    MultiTaskAttentionRegressor(preset="fast", n_trees=0, max_epochs=1, random_state=0).fit(X, X)
    return peak_mb()
