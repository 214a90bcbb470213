"""Suite `ablation_attention`: forms of attention, sharing, interaction and schedule beside the default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, r2_score

from benchmarks import growth, mtr, records
from benchmarks.apart import apart, peak_of_a_small_fit
from benchmarks.cases import FOLDS, Case, fill, folds
from benchmarks.records import Record
from benchmarks.tables import complete, machines, markdown
from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor
from sklearn_mtl.attention import AttentionPooling, SelfAttentionEncoder
from sklearn_mtl.datasets import make_multitask
from sklearn_mtl.regularization import Regularization
from sklearn_mtl.schedules import SequentialSchedule

SUITE = "ablation_attention"
DEFAULT, ALONE, CONFLICT = "default", "alone", "conflict"
OPTIONS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    **{name: {"attention": name} for name in ("uniform", "sigmoid", "sparsemax", "entmax15", "born")},
    **{
        f"temperature {temperature}": {"attention": AttentionPooling(temperature=temperature)}
        for temperature in (0.5, 2.0)
    },
    **{
        f"sparsemax, temperature {temperature}": {
            "attention": AttentionPooling(function="sparsemax", temperature=temperature)
        }
        for temperature in (1.0,)
    },
    **{
        f"query {query}": {"attention": AttentionPooling(query=query)}
        for query in ("context", "multihead", "task")
    },
    "encoder": {"attention": AttentionPooling(encoder=SelfAttentionEncoder())},
    **{f"sharing {sharing}": {"attention_sharing": sharing} for sharing in ("shared", "gated", "superposed")},
    **{f"interaction {kind}": {"task_interaction": kind} for kind in ("residual", "attention")},
    "alternating": {"schedule": "alternating"},
    "sequential": {"schedule": "sequential"},
    "sequential by affinity": {"schedule": SequentialSchedule(order="affinity")},
    "sequential, not frozen": {"schedule": SequentialSchedule(frozen=False)},
    **{
        name: {"regularization": Regularization(**asked)}
        for name, asked in {
            "token dropout 0.1": {"token_dropout": 0.1},
            "attention dropout 0.1": {"attention_dropout": 0.1},
            "mixup 0.2": {"mixup": 0.2},
            "fgm": {"adversarial": "fgm"},
            "vat": {"adversarial": "vat"},
            "attention entropy 0.1": {"attention_entropy": 0.1},
            "attention entropy -0.1": {"attention_entropy": -0.1},
        }.items()
    },
    # preset="fast" has one view, so that orthogonal ones are to be compared with two.
    "2 views": {"n_views": 2},
    "2 views, orthogonality 0.1": {"n_views": 2, "regularization": Regularization(view_orthogonality=0.1)},
}
# What is measured on drawn tasks alone: of these it is known which are related, and how.
_RELATED_BY_SIGN = [("task_0", "task_1"), ("task_0", "task_2", -1), ("task_1", "task_2", -1)]
ON_DRAWN: dict[str, dict[str, Any]] = {
    **{f"sharing={which!r}": {"sharing": which} for which in ("auto", "each")},
    **{
        f"task graph, coupling {coupling}": {
            "regularization": Regularization(task_graph=_RELATED_BY_SIGN, coupling=coupling)
        }
        for coupling in (0.01, 0.1)
    },
}
WITHOUT = "vat, labelled rows alone"
METHODS = (*OPTIONS, *ON_DRAWN, WITHOUT, ALONE)
TABLES = ("jura", "sf2", "wq", "andro", "emotions", "enb", "scpf", "yeast", "oes10")
SIZES = {f"T={n_tasks}": n_tasks for n_tasks in (3, 16, 64)}
_N_LABELLED = 60
# The same tables, with labels in so many rows of each fold's training rows.
FEW = {f"{name}, {_N_LABELLED} labelled rows": name for name in ("jura", "scpf", "wq")}
WITH_FEW = (DEFAULT, "vat", WITHOUT)
DATASETS = (*TABLES, *FEW, CONFLICT, *SIZES)


_N_SEEDS, _N_ROWS, _N_TEST_ROWS = 10, 400, 2_000
# Three tasks of one function, the third turned around, and few labels; two of functions of their own; noise.
_TASKS: dict[str, Any] = {
    "groups": list("aaabcd"),
    "relatedness": [1, 1, -1, 1, 1, 1],
    "noise": [0.2, 0.2, 0.2, 0.2, 0.2, 1],
    "missing_labels": [0.6, 0.6, 0.6, 0, 0, 0],
}
_RELATED, _ON_THEIR_OWN = ["task_0", "task_1", "task_2"], ["task_3", "task_4"]
_LOSS = (
    "Loss of test rows in percent of that of the default, less 100: mean and standard error of the paired "
    'differences over 5 folds, `preset="fast"`; below 0 is better than the default. aRRMSE; of emotions the '
    "mean log loss."
)
_FEW = (
    f"In each fold, {_N_LABELLED} of the training rows have labels; `{WITHOUT}` does without the other rows."
)
_R2 = (
    f"Drawn tasks that conflict, {_N_ROWS} rows of 12 columns, {_N_SEEDS} seeds: three tasks of one "
    "function, one of them turned around, with 60 % of their labels missing; two of functions of their own; "
    "one of nothing but noise. R² on other rows, less that of the task learned alone with the same "
    "parameters, and the standard error; last, the least share of the R² alone that a task keeps."
)

_COST = (
    "Seconds of the processor an epoch, and peak memory less that of a fit of 40 rows, of networks alone, "
    "each divided by the default's; 1,000 rows of 20 columns, three epochs (T=16: six), by tasks."
)


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    tables = (mtr.load(name, folder=folder) for name in datasets if name in TABLES)
    fill(
        SUITE,
        folds(tables, {name: partial(dict, OPTIONS[name]) for name in methods if name in OPTIONS}, _measure),
    )
    few = ((given, *mtr.load(name, folder=folder)[1:]) for given, name in FEW.items() if given in datasets)
    makers = {name: partial(_with_few, name) for name in methods if name in WITH_FEW}
    fill(SUITE, folds(few, makers, _measure_few))
    if CONFLICT in datasets:
        fill(SUITE, _drawn(methods))
    costs = ({"dataset": size, "method": name} for size in SIZES if size in datasets for name in methods)
    fill(
        SUITE,
        ((key, partial(apart, measure_cost, *key.values())) for key in costs if key["method"] in OPTIONS),
    )


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    parts = []
    for names, note in ((TABLES, _LOSS), (FEW, f"{_LOSS} {_FEW}")):
        real = complete(measured[measured["dataset"].isin(names)], n_folds=FOLDS.get_n_splits())
        if len(real):
            parts += [
                markdown(_differences(real, of, names), caption=f"{what} {note}")
                for of, what in (
                    ("loss", "Network, linear view and forest."),
                    ("network_loss", "Network alone."),
                )
            ]
    drawn = measured[measured["dataset"] == CONFLICT]
    if ALONE in set(drawn["method"]):
        parts += [
            markdown(_gains(drawn, of), caption=f"{what} {_R2}")
            for of, what in (("r2", "Network, linear view and forest."), ("network_r2", "Network alone."))
        ]
    sized = measured[measured["dataset"].isin(SIZES)]
    if len(sized):
        parts.append(markdown(_costs(sized), caption=_COST))
    return "\n\n".join([*parts, machines(measured)])


def _costs(sized: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame()
    for what in ("epoch_seconds", "fit_mb"):
        values = sized.pivot_table(what, "method", "dataset")
        for size in (size for size in SIZES if size in values):
            name = {"epoch_seconds": "time", "fit_mb": "memory"}[what]
            table[f"{name}, {size}"] = values[size] / values.loc[DEFAULT, size]
    return _ordered(table).drop(index=DEFAULT)


def _differences(measured: pd.DataFrame, of: str, names: Iterable[str]) -> pd.DataFrame:
    """Compare losses with those of the default, fold by fold; mean and standard error side by side."""
    loss = measured.pivot_table(of, ["dataset", "fold"], "method")
    percent = 100 * loss.div(loss[DEFAULT], axis="index") - 100
    by_set = percent.groupby("dataset")
    table = pd.DataFrame()
    for name in (name for name in names if name in by_set.groups):
        table[name], table[f"{name}, error"] = by_set.mean().loc[name], by_set.sem().loc[name]
    table["mean"] = by_set.mean().mean(skipna=False)  # of the methods that all sets have
    return _ordered(table).drop(index=DEFAULT)


def _gains(drawn: pd.DataFrame, of: str) -> pd.DataFrame:
    """Compare the scores of each task with those of the task alone, seed by seed."""
    scores = pd.DataFrame(drawn[of].tolist(), index=pd.MultiIndex.from_frame(drawn[["method", "fold"]]))
    alone = scores.loc[ALONE].reindex(scores.index, level="fold")  # of the same seeds
    table = pd.DataFrame(index=scores.index.unique("method"))
    for name, tasks in (("related", _RELATED), ("on their own", _ON_THEIR_OWN)):
        gain = (scores - alone)[tasks].mean(axis="columns").groupby("method")
        table[name], table[f"{name}, error"] = gain.mean(), gain.sem()
    kept = scores.groupby("method").mean() / alone.groupby("method").mean()
    table["least share kept"] = kept[[*_RELATED, *_ON_THEIR_OWN]].min(axis="columns")
    table["seeds"] = scores.groupby("method").size().astype(float)
    return _ordered(table).drop(index=ALONE)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[[method for method in METHODS if method in table.index]]


def _measure(
    make: Callable[[], dict[str, Any]],
    X: pd.DataFrame,
    y: pd.DataFrame,
    X_test: pd.DataFrame,
    y_test: pd.DataFrame,
) -> Record:
    """Fit, and give the loss of all views and of the network alone."""
    is_classes = not pd.api.types.is_float_dtype(y.dtypes.iloc[0])
    estimator = MultiTaskAttentionClassifier if is_classes else MultiTaskAttentionRegressor
    model = estimator(preset="fast", sharing="joint", random_state=0, **make()).fit(X, y)
    loss = _log_loss if is_classes else _arrmse
    both = loss(model, y, X_test, y_test)
    _leave_the_network_alone(model)
    return {"loss": both, "network_loss": loss(model, y, X_test, y_test)}


def _with_few(method: str) -> tuple[bool, dict[str, Any]]:
    """Say whether rows without labels are left out, and give the parameters."""
    return method == WITHOUT, OPTIONS["vat" if method == WITHOUT else method]


def _measure_few(
    make: Callable[[], tuple[bool, dict[str, Any]]],
    X: pd.DataFrame,
    y: pd.DataFrame,
    X_test: pd.DataFrame,
    y_test: pd.DataFrame,
) -> Record:
    """Measure with the labels of a few rows alone; the others have none."""
    leaves_out, options = make()
    labelled = np.random.default_rng(0).choice(len(y), _N_LABELLED, replace=False)
    is_labelled = np.isin(np.arange(len(y)), labelled)[:, None]
    few = y.where(np.broadcast_to(is_labelled, y.shape))
    if leaves_out:
        X, few = X.iloc[labelled], few.iloc[labelled]
    return _measure(lambda: options, X, few, X_test, y_test)


def _leave_the_network_alone(model: Any) -> None:
    model._ensemble.shares[:] = np.array([[1.0], [0.0], [0.0]])


def _arrmse(model: Any, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame) -> float:
    sse, of_mean = (
        np.array(mtr.squared_errors(y_test, predicted))
        for predicted in (model.predict(X_test), y.mean().to_numpy())
    )
    return float(np.sqrt(sse / of_mean).mean())


def _log_loss(model: Any, y: pd.DataFrame, X_test: pd.DataFrame, y_test: pd.DataFrame) -> float:
    del y
    pairs = zip(y_test.to_numpy().T, model.predict_proba(X_test), model.classes_, strict=True)
    return float(
        np.mean([log_loss(true == classes[1], proba[:, 1], labels=[0, 1]) for true, proba, classes in pairs])
    )


def _drawn(methods: Sequence[str]) -> Iterator[Case]:
    for seed in range(_N_SEEDS):
        for method in methods:
            yield {"dataset": CONFLICT, "method": method, "fold": seed}, partial(_measure_drawn, method, seed)


def _measure_drawn(method: str, seed: int) -> Record:
    X, y = make_multitask(_N_ROWS + _N_TEST_ROWS, 12, 6, **_TASKS, random_state=seed, return_X_y=True)
    # Test rows are complete, as holes are drawn last.
    complete_y = make_multitask(
        _N_ROWS + _N_TEST_ROWS, 12, 6, **{**_TASKS, "missing_labels": 0}, random_state=seed, return_X_y=True
    )[1]
    train, test = slice(0, _N_ROWS), slice(_N_ROWS, None)
    record: Record = {"r2": {}, "network_r2": {}}
    fast = {"preset": "fast", "sharing": "joint", "random_state": seed}
    options = fast | (OPTIONS | ON_DRAWN).get(method, {})
    for names in [[name] for name in y] if method == ALONE else [list(y)]:
        seen = y[names].iloc[train].dropna(how="all")
        for of, without in (("r2", {}), ("network_r2", {"linear_view": False, "n_trees": 0})):
            model = MultiTaskAttentionRegressor(**options, **without).fit(X.loc[seen.index], seen)
            record[of] |= _r2(model, X.iloc[test], complete_y[names].iloc[test])
    return record


def _r2(model: Any, X: pd.DataFrame, y: pd.DataFrame) -> dict[str, float]:
    return dict(zip(y, map(float, r2_score(y, model.predict(X), multioutput="raw_values")), strict=True))


def measure_cost(dataset: str, method: str) -> Record:
    """Measure seconds and memory of a fit of networks alone, in this process."""
    X, y = growth.draw(1_000, 20, SIZES[dataset])
    before = peak_of_a_small_fit()
    n_epochs = max(3, SIZES[dataset]) if method.startswith("sequential") else 3
    networks = {"sharing": "joint", "linear_view": False, "n_trees": 0}
    parameters = {"max_epochs": n_epochs, "random_state": 0, **networks}
    model = MultiTaskAttentionRegressor(**parameters, **OPTIONS[method])
    start = process_time()
    model.fit(X, y)
    return {
        "epoch_seconds": (process_time() - start) / len(model.history_),
        "fit_mb": growth.peak_mb() - before,
    }
