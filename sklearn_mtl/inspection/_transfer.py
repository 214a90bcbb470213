"""Whether learning tasks together has paid, task by task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import norm, t
from sklearn.base import clone
from sklearn.model_selection import KFold, check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from ..estimators import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)
from ..nn import prediction_losses
from ..regularization import Regularization, for_tasks
from ..tasks import read_labels
from ..training import best_constants
from ._affinity import task_affinity, task_groups

Floats = NDArray[np.float64]
_OURS = (MultiTaskAttentionClassifier, MultiTaskAttentionEstimator, MultiTaskAttentionRegressor)
_OWNER = "transfer_report"
# Parameters that may be lists with an entry for each task.
_IN_TASK_ORDER = ("task_types", "loss", "task_weight", "calibrate", "thresholds")
_QUICK = {
    "sharing": "each",
    "n_folds": 2,
    "n_views": 1,
    "d_hidden": 32,
    "n_trees": 8,
    "max_epochs": 4,
    "callbacks": None,
    "verbose": 0,
}


def transfer_report(
    estimator: Any,
    X: Any = None,
    y: Any = None,
    *,
    cv: Any = 5,
    groups: Literal["auto"] | Sequence[Sequence[str]] | None = None,
    coverage: float = 0.95,
) -> pd.DataFrame:
    """Compare learning tasks together with learning each alone, task by task.

    A score is 1 less the loss on rows that were not learned, relative to that of the best constant or the
    base rates: R² for a squared error, the share of the log loss that is explained for classes. There are
    three ways, from the dear to the cheap:

    - ``transfer_report(estimator, X, y, cv=5)``: in each split of `cv`, a clone of `estimator` learns all
      tasks, and one learns each task alone, on its labelled rows and with the same parameters. Intervals are
      those of the corrected resampled t-test [1]_: differences of splits, whose training rows overlap, vary
      more among new tables than among each other.
    - ``transfer_report(estimator, X, y, cv="quick")``: one fit with small networks (2 folds, 1 view, 32
      hidden units, at most 4 epochs, 8 trees) of all tasks and of each task alone, compared by out-of-fold
      predictions. It tells clear gains from clear harm; what only larger networks learn, together or alone,
      it does not see. It takes a quarter of the time of a fit of three tasks (jura: 0.24), and half of that
      of one of fourteen (wq: 0.54), as every task is a fit of its own.
    - ``transfer_report(estimator)``: what a fit with ``sharing="each"`` or ``"auto"`` knows already, for the
      tasks that it learned alone, too.

    The last two have one model each: their standard errors are those of other rows, paired, without those of
    other training rows, so that their intervals are narrower than those of the first.

    Parameters
    ----------
    estimator : estimator
        One of this package; fitted, if `X` and `y` are left out.
    X, y : array-like of shape (B, C) and (B, T), optional
        As for ``fit``.
    cv : int, splitter, iterable or "quick", default=5
        Splits, as for :func:`sklearn.model_selection.cross_validate`; an int is shuffled folds. For tasks
        with few labels, `MultiTaskKFold` gives each fold its share of them.
    groups : "auto", list of list of str or None, default=None
        Learn in groups, too, with `cv` being splits: these, or those which `task_groups` finds by the
        out-of-fold residuals of the joint fit of each split. A task that is left out is in a group by itself.
    coverage : float, default=0.95
        Of the intervals.

    Returns
    -------
    DataFrame
        One row a task:

        - ``joint``, ``alone``: mean scores, and ``in_groups``, if there are groups;
        - ``difference``: joint less alone, with its ``standard_error`` and the interval from ``low`` to
          ``high``;
        - ``verdict``: joint training has ``"helped"`` or ``"hurt"`` if the interval is on one side of 0, else
          ``"no difference"``; ``"not compared"`` for tasks that a fit has not learned alone;
        - ``joint_seconds``, of all tasks together, and ``alone_seconds``, means of one fit, and
          ``in_groups_seconds``, of all groups together; of a fit that is asked what it knows,
          ``joint_seconds`` are those of its networks.

    Raises
    ------
    TypeError
        `estimator` is none of this package.
    ValueError
        There is only one task, or a split has no label of some task.

    References
    ----------
    .. [1] Nadeau, Bengio (2003). Inference for the generalization error. Machine Learning 52, 239-281.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.datasets import make_multitask
    >>> from sklearn_mtl.inspection import transfer_report
    >>> X, y = make_multitask(200, 6, 2, relatedness=1, noise=0.5, return_X_y=True, random_state=0)
    >>> y.iloc[40:, 0] = float("nan")  # 40 labels beside 200 of the same signal
    >>> estimator = MultiTaskAttentionRegressor(preset="fast", random_state=0)
    >>> report = transfer_report(estimator, X, y, cv="quick")
    >>> report.index.tolist()
    ['task_0', 'task_1']
    >>> bool(report.loc["task_0", "difference"] > report.loc["task_1", "difference"])
    True
    """
    if not isinstance(estimator, _OURS):
        raise TypeError(f"{_OWNER}: expected an estimator of sklearn_mtl; got {type(estimator).__name__}.")
    if X is None:
        return _of_one_fit(estimator, coverage)
    names = _task_names(y)
    if isinstance(cv, str):
        if cv != "quick":
            raise ValueError(f'{_OWNER}: cv={cv!r}; expected "quick", a number of folds or a splitter.')
        return _of_one_fit(clone(estimator).set_params(**_QUICK).fit(X, y), coverage)
    splitter = KFold(cv, shuffle=True, random_state=0) if isinstance(cv, int) else check_cv(cv)
    splits = [_Split(estimator, X, y, names, groups, *rows) for rows in splitter.split(X, y)]
    return _summary(splits, names, coverage)


def _task_names(y: Any) -> list[str]:
    names: list[str] = read_labels(y, owner=_OWNER).names
    if len(names) < 2:
        raise ValueError(f"{_OWNER}: y has one task only; there is nothing to learn together.")
    return names


def _of_one_fit(fitted: Any, coverage: float) -> pd.DataFrame:
    """Read what a fit knows."""
    check_is_fitted(fitted, "net_")
    known = fitted.transfer_
    report = _with_intervals(
        known[["joint", "alone"]], known["difference"], known["standard_error"], norm, coverage
    )
    report["joint_seconds"] = fitted.history_["seconds"].sum()
    report["alone_seconds"] = known["seconds"]
    return report


def _with_intervals(
    scores: pd.DataFrame, difference: pd.Series, error: pd.Series, distribution: Any, coverage: float
) -> pd.DataFrame:
    """Add interval and verdict to scores."""
    half = distribution.ppf((1 + coverage) / 2) * error
    low, high = difference - half, difference + half
    verdict = np.select(
        [difference.isna(), low > 0, high < 0], ["not compared", "helped", "hurt"], "no difference"
    )
    return scores.assign(difference=difference, standard_error=error, low=low, high=high, verdict=verdict)


def _summary(splits: Sequence[_Split], names: Sequence[str], coverage: float) -> pd.DataFrame:
    """Average splits, and correct the errors of the differences."""
    columns = list(splits[0].scores)
    means = {way: np.mean([split.scores[way] for split in splits], axis=0) for way in columns}
    scores = pd.DataFrame(means, index=list(names))
    differences = np.stack([split.scores["joint"] - split.scores["alone"] for split in splits])  # (K, T)
    n_splits = len(splits)
    ratio = np.mean([split.n_test / split.n_train for split in splits])
    error = np.sqrt((1 / n_splits + ratio) * differences.var(axis=0, ddof=1))
    difference, error = (
        pd.Series(of_tasks, index=scores.index) for of_tasks in (differences.mean(axis=0), error)
    )
    report = _with_intervals(scores, difference, error, t(n_splits - 1), coverage)
    for way in columns:
        report[f"{way}_seconds"] = np.mean([split.seconds[way] for split in splits], axis=0)
    return report


class _Split:
    """Scores and seconds of the ways to learn tasks, on one split of the rows.

    Attributes
    ----------
    scores, seconds : dict from str to ndarray of shape (T,)
        By way: "joint", "alone" and perhaps "in_groups".
    n_train, n_test : int
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, names: list[str], groups: Any, train: Any, test: Any
    ) -> None:
        self._estimator, self._names = estimator, names
        self._X, self._X_test = _safe_indexing(X, train), _safe_indexing(X, test)
        self._y, self._y_test = _safe_indexing(y, train), _safe_indexing(y, test)
        self._observed = np.column_stack(
            [column.observed for column in read_labels(self._y, owner=_OWNER).columns]
        )
        self.n_train, self.n_test = len(self._observed), len(test)
        everything = list(range(len(names)))
        self._fits: dict[tuple[int, ...], tuple[Floats, float]] = {}
        joint = self._fit(everything)  # of all rows, as task_affinity expects
        ways = {"joint": [everything], "alone": [[task] for task in everything]}
        if groups is not None:
            ways["in_groups"] = list(self._groups(groups, joint))
        del joint
        self.scores, self.seconds = {}, {}
        for way, of_way in ways.items():
            self.scores[way], self.seconds[way] = np.empty((2, len(names)))
            for group in of_way:
                self.scores[way][group], self.seconds[way][group] = self._measured(group)
        if groups is not None:
            self.seconds["in_groups"][:] = sum(self._measured(group)[1] for group in ways["in_groups"])

    def _groups(self, groups: Any, joint: Any) -> Iterator[list[int]]:
        """Give groups as places of tasks."""
        if isinstance(groups, str):
            groups = task_groups(task_affinity(joint, y=self._y))
        places = [[self._names.index(name) for name in group] for group in groups]
        yield from map(sorted, places)
        yield from ([task] for task in range(len(self._names)) if not any(task in group for group in places))

    def _measured(self, tasks: list[int]) -> tuple[Floats, float]:
        if tuple(tasks) not in self._fits:
            self._fit(tasks)
        return self._fits[tuple(tasks)]

    def _fit(self, tasks: list[int]) -> Any:
        """Learn some tasks together, and score them on the test rows."""
        is_used = self._observed[:, tasks].any(axis=1) | (len(tasks) == len(self._names))
        rows = np.flatnonzero(is_used)
        y = _tasks_of(_safe_indexing(self._y, rows), tasks, len(self._names))
        start = perf_counter()
        model = _for_tasks(self._estimator, self._names, tasks).fit(_safe_indexing(self._X, rows), y)
        seconds = perf_counter() - start
        y_test = _tasks_of(self._y_test, tasks, len(self._names))
        self._fits[tuple(tasks)] = _scores(model, y, self._X_test, y_test), seconds
        return model


def _for_tasks(estimator: Any, names: list[str], tasks: list[int]) -> Any:
    """Clone an estimator for some tasks, with what its parameters say of these."""
    cloned = clone(estimator)
    if len(tasks) == len(names):
        return cloned
    chosen = {names[task] for task in tasks}
    changed: dict[str, Any] = {}
    for name, given in cloned.get_params(deep=False).items():
        if isinstance(given, dict | pd.Series) and len(given) and set(given.keys()) <= set(names):
            of_tasks = {task: value for task, value in given.items() if task in chosen}
            changed[name] = of_tasks or type(estimator)().get_params()[name]
        elif name in _IN_TASK_ORDER and not isinstance(given, str) and np.ndim(given) == 1:
            changed[name] = [given[task] for task in tasks]
        elif isinstance(given, Regularization):
            changed[name] = for_tasks(given, names=names, tasks=tasks, owner=_OWNER)
    return cloned.set_params(**changed)


def _tasks_of(y: Any, tasks: list[int], n_tasks: int) -> Any:
    """Take some columns of labels."""
    return y if len(tasks) == n_tasks else _safe_indexing(y, tasks, axis=1)


def _scores(model: Any, y: Any, X_test: Any, y_test: Any) -> Floats:
    """Score each task of a model on the labels of test rows; (T,)."""
    task_set, layout = model._task_set, model._ensemble.layout
    train, test = (task_set.encode(labels, owner=_OWNER) for labels in (y, y_test))
    outputs = model._predict_outputs(X_test)
    scores = []
    for place, task in enumerate(task_set.tasks):
        alone, seen = layout.of([place]), test.observed[:, place]
        if not seen.any():
            raise ValueError(
                f"{_OWNER}: task {task.name!r} has no label in the test rows of a split; give fewer splits, "
                "or a splitter that gives each its share, such as MultiTaskKFold."
            )
        learned = task.forward(train.values[train.observed[:, place], place])
        values = torch.from_numpy(task.forward(test.values[seen, place]))[:, None]
        constant = np.broadcast_to(_constant(alone, learned, task), (len(values), alone.n_outputs))
        loss, base = (
            float(prediction_losses(torch.from_numpy(np.ascontiguousarray(given)), values, alone).mean())
            for given in (outputs[seen, layout.slices[place]], constant)
        )
        scores.append(1 - loss / base if base > 0 else np.nan)
    return np.array(scores)


def _constant(layout: Any, values: Floats, task: Any) -> Floats:
    """Find the best constant or the base rates."""
    if task.classes is None:
        return best_constants(layout, values, np.ones(len(values)))
    rates = np.bincount(values.astype(np.intp), minlength=len(task.classes)) + 0.5
    rates = rates / rates.sum()
    return np.asarray(rates[1:] if task.kind == "binary" else rates)
