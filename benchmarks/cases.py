"""What is measured: the loop over what has no record yet, and the cases of a table's folds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit, KFold

from benchmarks import records
from benchmarks.records import Record

Case = tuple[Record, Callable[[], Record]]
Table = tuple[str, pd.DataFrame, pd.DataFrame]

FOLDS = KFold(5, shuffle=True, random_state=0)


def fill(suite: str, cases: Iterable[Case]) -> None:
    """
    Measure the cases that have no record yet, and write each down as soon as it is measured.

    Parameters
    ----------
    suite : str
        Whose records.
    cases : iterable of (dict, callable)
        The fields that tell a case from the others, and the function that measures the rest of its record.
    """
    done = records.read(suite)
    for key, measure in cases:
        if any(key.items() <= record.items() for record in done):
            continue
        measured = measure()
        records.append(suite, key | measured)
        shown = (f"{name} {value:.3f}" for name, value in measured.items() if isinstance(value, float))
        print(*key.values(), *shown, sep="  ", flush=True)


def folds(
    tables: Iterable[Table],
    makers: Mapping[str, Callable[[], Any]],
    measure: Callable[..., Record],
    *,
    splitter: BaseCrossValidator | BaseShuffleSplit = FOLDS,
    n_folds: int | None = None,
) -> Iterator[Case]:
    """
    Give a case for each table, fold and method; the methods take turns on a fold.

    Parameters
    ----------
    tables : iterable of (str, DataFrame, DataFrame)
        Name, inputs and targets.
    makers : dict of callables
        What makes an estimator, by method.
    measure : callable
        Called with the maker, the inputs and targets of the training rows, and those of the test rows.
    splitter : splitter, default=KFold(5, shuffle=True, random_state=0)
        Of rows.
    n_folds : int or None, default=None
        Only that many of the folds.
    """
    for dataset, X, y in tables:
        for fold, (train, test) in enumerate(islice(splitter.split(X), n_folds)):
            for method, make in makers.items():
                key = {"dataset": dataset, "method": method, "fold": fold}
                yield key, partial(measure, make, X.iloc[train], y.iloc[train], X.iloc[test], y.iloc[test])


def fit_and_predict(
    model: Any, X: Any, y: Any, X_test: Any, predict: Callable[[Any, Any], np.ndarray]
) -> tuple[np.ndarray, Record]:
    """Return ``predict(model, X_test)`` after a fit, and the seconds that both took."""
    start = perf_counter()
    model.fit(X, y)
    fitted = perf_counter()
    predicted = predict(model, X_test)
    return predicted, {"fit_seconds": fitted - start, "predict_seconds": perf_counter() - fitted}
