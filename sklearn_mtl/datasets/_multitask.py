"""Drawn tables of which it is known what each task depends on, and what the tasks have in common."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ._bunch import make_bunch

_TASK_TYPES = ("regression", "binary", "multiclass", "ordinal")
_N_WAVES = 32
_PULL = 2.0  # of a label's value on whether it is missing

_DESCRIPTION = """\
Drawn by make_multitask: {n_samples} rows; {n_features} inputs, of which {n_relevant} matter for some task;
tasks: {task_types}.
"""

Floats = NDArray[np.float64]


@validate_params(  # type: ignore[untyped-decorator]  # scikit-learn has no types
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_tasks": [Interval(Integral, 1, None, closed="left")],
        "task_types": [StrOptions(set(_TASK_TYPES)), "array-like"],
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "n_informative": [Interval(Integral, 1, None, closed="left")],
        "groups": ["array-like", None],
        "relatedness": [Interval(Real, -1, 1, closed="both"), "array-like"],
        "roughness": [Interval(Real, 0.01, None, closed="left")],
        "noise": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "missing_labels": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "missing": [StrOptions({"random", "not at random"})],
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_multitask(
    n_samples: int = 1000,
    n_features: int = 20,
    n_tasks: int = 4,
    *,
    task_types: str | Sequence[str] = "regression",
    n_classes: int = 3,
    n_informative: int = 3,
    groups: Sequence[Hashable] | None = None,
    relatedness: float | Sequence[float] = 0.8,
    roughness: float = 1.0,
    noise: float | Sequence[float] = 0.1,
    missing_labels: float | Sequence[float] = 0.0,
    missing: str = "random",
    as_frame: bool = True,
    return_X_y: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch | tuple[Any, Any]:
    """
    Draw a table with several tasks, chosen relatedness between them and known truth.

    The inputs are independent standard normal numbers. Behind task t of group k stands the score ::

        s_t(x) = sign(r_t) sqrt(|r_t|) g_k(x) + sqrt(1 - |r_t|) h_t(x)
        z_t    = sqrt(1 - noise_t) s_t(x) + sqrt(noise_t) e_t,    e_t standard normal

    where g_k is a function that the tasks of the group share and h_t one of the task's own. Each function
    reads ``n_informative`` columns that no other one reads and is a random sum of waves [1]_, ::

        (sum_m a_m cos(<w_m, x> + b_m) - mean) / deviation,    m = 1 ... 32,

    a_m standard normal, w_m normal with variance roughness² / n_informative, b_m uniform on [0, 2π], mean
    and deviation those over all inputs. So s_t and z_t have mean 0 and variance 1, the correlation of s_t and
    s_u is ``sqrt(|r_t r_u|)`` inside a group, negative if one of the two r is, and 0 between groups; and no
    model's R² on a regression task can be expected above 1 - noise_t. Regression tasks are z_t; the others
    are z_t cut into classes of equal numbers of rows.

    Parameters
    ----------
    n_samples : int, default=1000
        Rows.
    n_features : int, default=20
        Input columns. Those that no function reads are irrelevant for all tasks.
    n_tasks : int, default=4
        Tasks.
    task_types : {"regression", "binary", "multiclass", "ordinal"} or list of them, default="regression"
        Kind of all tasks or of each. The classes of multiclass tasks are in random order, those of ordinal
        and binary tasks ascend with the score.
    n_classes : int, default=3
        Classes of every multiclass and ordinal task.
    n_informative : int, default=3
        Columns of each function. There is one function a group with some r other than 0, and one a task
        with r other than 1 and -1.
    groups : sequence of shape (T,) or None, default=None
        The group of each task; tasks of different groups have nothing in common. None: all in one.
    relatedness : float or sequence of shape (T,), default=0.8
        The r_t, from -1 to 1. 1 for two tasks: they are the same function of the inputs; 0: each task is on
        its own. A negative one turns the shared function around, which conflicts wherever tasks share their
        output, and helps as much as a positive one wherever each has a head of its own.
    roughness : float, default=1.0
        How fast the functions vary. Towards 0 they become planes; at 1 about half of their variance is
        linear with the default ``n_informative``; from 3 on they are hard to learn.
    noise : float or sequence of shape (T,), default=0.1
        The share of noise in the variance of z_t, from 0 to 1. A task of 1 says nothing, and can only harm
        others.
    missing_labels : float or sequence of shape (T,), default=0.0
        Share of missing labels of each task, from 0 to below 1, met to the row.
    missing : {"random", "not at random"}, default="random"
        Which labels are missing: any; or rather the great ones, drawn with weights exp(2 z_t) without
        replacement.
    as_frame : bool, default=True
        Return DataFrames. Otherwise arrays of floats, where classes are numbers from 0 on.
    return_X_y : bool, default=False
        Return ``(X, y)`` instead of a bunch.
    random_state : int, RandomState or None, default=None
        Holes are drawn last, and each of inputs, functions, noise and holes by a generator of its own: other
        ``missing_labels`` leave all labels that remain as they were.

    Returns
    -------
    Bunch or (X, y)
        ``data`` of shape (B, C) and ``target`` of shape (B, T), numbers as float64, binary tasks as
        ``boolean``, the others as ``category``; ``frame``, ``feature_names``, ``target_names``, ``DESCR``;
        and the truth:

        complete_target : DataFrame or ndarray of shape (B, T)
            The target without holes.
        relevant : DataFrame or ndarray of bool of shape (T, C)
            Which columns the target of each task depends on.
        signal : callable
            Takes inputs of shape (B, C), these or others, and returns sqrt(1 - noise_t) s_t, an array of
            shape (B, T): the best prediction that there is of regression tasks.
        relatedness : DataFrame or ndarray of shape (T, T)
            Correlation of the s_t; 0 for tasks of nothing but noise.

    Raises
    ------
    ValueError
        If there are too few columns for the functions, a value is out of its range, a sequence does not
        have an entry for each task, or a task would be left without a label.

    References
    ----------
    .. [1] Rahimi, Recht, "Random Features for Large-Scale Kernel Machines", NeurIPS 2007.

    Examples
    --------
    Two tasks that help each other, one that has nothing to do with them, and one of noise:

    >>> from sklearn_mtl.datasets import make_multitask
    >>> table = make_multitask(
    ...     200, 12, 4, groups=["a", "a", "b", "b"], relatedness=[1, 1, 1, 0], noise=[0.1, 0.1, 0.1, 1],
    ...     missing_labels=[0.5, 0, 0, 0], random_state=0,
    ... )
    >>> table.relatedness.round(2).to_numpy().tolist()
    [[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    >>> table.relevant.sum(axis="columns").to_dict()
    {'task_0': 3, 'task_1': 3, 'task_2': 3, 'task_3': 0}
    >>> table.target.notna().sum().to_dict()
    {'task_0': 100, 'task_1': 200, 'task_2': 200, 'task_3': 200}
    """
    tasks = _read_tasks(n_tasks, task_types, groups, relatedness, noise, missing_labels)
    n_missing = tasks.count_missing(n_samples)
    _check_classes(tasks.types, n_classes, n_samples)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=4)
    of_inputs, of_signal, of_noise, of_holes = (np.random.default_rng(seed) for seed in seeds)

    X = of_inputs.standard_normal((n_samples, n_features))  # (B, C)
    signal = _draw_signal(tasks.weights, n_features, n_informative, roughness, of_signal)
    scores = signal(X) + np.sqrt(tasks.noise) * of_noise.standard_normal((n_samples, n_tasks))  # (B, T)
    labels = _label(scores, tasks.types, n_classes, of_signal)
    holes = _draw_holes(scores, n_missing, _PULL if missing == "not at random" else 0.0, of_holes)
    table = _bunch(X, labels, holes, tasks, signal, n_classes)
    if not as_frame:
        table.update(_arrays(table, labels, holes))
    return (table.data, table.target) if return_X_y else table


@dataclass(frozen=True)
class _Latent:
    """A random function of some columns, of mean 0 and variance 1 where they are standard normal."""

    columns: NDArray[np.intp]  # (d,)
    frequencies: Floats  # (M, d)
    phases: Floats  # (M,)
    amplitudes: Floats  # (M,)

    def __call__(self, X: Floats) -> Floats:
        waves = np.cos(X[:, self.columns] @ self.frequencies.T + self.phases)  # (B, M)
        mean, covariance = self._moments()
        deviation = np.sqrt(self.amplitudes @ covariance @ self.amplitudes)
        values: Floats = (waves - mean) @ self.amplitudes / deviation
        return values  # (B,)

    def _moments(self) -> tuple[Floats, Floats]:
        """Give mean (M,) and covariance (M, M) of the waves; 2 cos(u) cos(v) is cos(u + v) + cos(u - v)."""
        w, b = self.frequencies, self.phases
        mean = _mean_of_wave(w, b)
        sums, differences = (_mean_of_wave(w[:, None] + s * w, b[:, None] + s * b) for s in (1, -1))
        return mean, (sums + differences) / 2 - np.outer(mean, mean)


def _mean_of_wave(frequencies: Floats, phases: Floats) -> Floats:
    """Give the mean of cos(<w, x> + b) over standard normal x."""
    mean: Floats = np.cos(phases) * np.exp(-(frequencies**2).sum(axis=-1) / 2)
    return mean


@dataclass(frozen=True)
class _Signal:
    """What the inputs say of each task: a weighted sum of latent functions."""

    latents: tuple[_Latent, ...]
    weights: Floats  # (T, F)

    def __call__(self, X: ArrayLike) -> Floats:
        table = np.asarray(X, dtype=np.float64)  # (B, C)
        values = np.zeros((len(table), len(self.latents)))
        for f, latent in enumerate(self.latents):
            values[:, f] = latent(table)
        signal: Floats = values @ self.weights.T
        return signal  # (B, T)

    def relevant(self, n_features: int) -> NDArray[np.bool_]:
        """Tell which columns each task depends on; (T, C)."""
        relevant = np.zeros((len(self.weights), n_features), dtype=bool)
        for latent, weights in zip(self.latents, self.weights.T, strict=True):
            relevant[np.ix_(weights != 0, latent.columns)] = True
        return relevant

    def correlation(self) -> Floats:
        """Correlate the signals of all tasks; (T, T), 0 for those without any."""
        covariance = self.weights @ self.weights.T
        deviation = np.sqrt(np.diag(covariance))
        product = np.outer(deviation, deviation)
        correlation: Floats = np.divide(covariance, product, out=np.zeros_like(product), where=product > 0)
        return correlation


@dataclass(frozen=True)
class _Tasks:
    """What was asked for, with one entry a task."""

    types: list[str]
    groups: NDArray[np.intp]  # (T,)
    relatedness: Floats  # (T,)
    noise: Floats  # (T,)
    missing: Floats  # (T,)

    @property
    def names(self) -> list[str]:
        return [f"task_{t}" for t in range(len(self.types))]

    @property
    def weights(self) -> Floats:
        """Weights of the functions of the groups and, behind them, of the tasks' own; (T, F)."""
        shared = np.sign(self.relatedness) * np.sqrt(np.abs(self.relatedness))
        of_groups = shared[:, None] * (self.groups[:, None] == np.unique(self.groups))
        own = np.diag(np.sqrt(1 - np.abs(self.relatedness)))
        weights: Floats = np.hstack([of_groups, own]) * np.sqrt(1 - self.noise)[:, None]
        return weights

    def count_missing(self, n_samples: int) -> list[int]:
        counts = [round(share * n_samples) for share in self.missing]
        for name, share, count in zip(self.names, self.missing, counts, strict=True):
            if count == n_samples:
                raise ValueError(
                    f"make_multitask: missing_labels={share:g} leaves task {name!r} none of {n_samples} "
                    "labels; take a smaller share or more samples."
                )
        return counts


def _read_tasks(
    n_tasks: int,
    task_types: str | Sequence[str],
    groups: Sequence[Hashable] | None,
    relatedness: float | Sequence[float],
    noise: float | Sequence[float],
    missing_labels: float | Sequence[float],
) -> _Tasks:
    types = list(_one_a_task(task_types, "task_types", n_tasks))
    if unknown := sorted(set(types) - set(_TASK_TYPES)):
        raise ValueError(f"make_multitask: task_types must be among {_TASK_TYPES}, got {unknown}.")
    groups_ = _one_a_task(0 if groups is None else groups, "groups", n_tasks)
    return _Tasks(
        types,
        pd.factorize(pd.Series(groups_, dtype=object))[0],
        _shares(relatedness, "relatedness", n_tasks, "from -1 to 1", lambda r: np.abs(r) <= 1),
        _shares(noise, "noise", n_tasks, "from 0 to 1", lambda share: (share >= 0) & (share <= 1)),
        _shares(missing_labels, "missing_labels", n_tasks, "from 0 to below 1", lambda m: (m >= 0) & (m < 1)),
    )


def _check_classes(types: Sequence[str], n_classes: int, n_samples: int) -> None:
    needed = max({"regression": 1, "binary": 2}.get(kind, n_classes) for kind in types)
    if n_samples < needed:
        raise ValueError(
            f"make_multitask: n_samples must be at least {needed} for tasks of {needed} classes, "
            f"got {n_samples}."
        )


def _one_a_task(value: Any, parameter: str, n_tasks: int) -> list[Any]:
    if isinstance(value, str) or np.ndim(value) == 0:
        return [value] * n_tasks
    if len(value) != n_tasks:
        raise ValueError(
            f"make_multitask: {parameter} must have one entry for each of the {n_tasks} tasks, "
            f"got {len(value)}."
        )
    return list(value)


def _shares(
    value: Any, parameter: str, n_tasks: int, expected: str, holds: Callable[[Floats], NDArray[np.bool_]]
) -> Floats:
    shares = np.array(_one_a_task(value, parameter, n_tasks), dtype=np.float64)  # (T,)
    if not holds(shares).all():
        raise ValueError(f"make_multitask: {parameter} must be {expected}, got {shares.tolist()}.")
    return shares


def _draw_signal(
    weights: Floats, n_features: int, n_informative: int, roughness: float, rng: np.random.Generator
) -> _Signal:
    """Draw all functions, so that each is the same whichever others count, and deal columns to these."""
    used = (weights != 0).any(axis=0)  # (F,)
    if used.sum() * n_informative > n_features:
        raise ValueError(
            f"make_multitask: {used.sum()} functions of {n_informative} columns each need "
            f"{used.sum() * n_informative} features, got n_features={n_features}; take more of them, "
            "a smaller n_informative, or relatedness=1."
        )
    free = iter(rng.permutation(n_features)[: used.sum() * n_informative].reshape(-1, n_informative))
    latents = []
    for counts in used:
        frequencies = rng.normal(0, roughness / np.sqrt(n_informative), (_N_WAVES, n_informative))
        phases, amplitudes = rng.uniform(0, 2 * np.pi, _N_WAVES), rng.standard_normal(_N_WAVES)
        if counts:
            latents.append(_Latent(next(free), frequencies, phases, amplitudes))
    return _Signal(tuple(latents), weights[:, used])


def _label(scores: Floats, types: Sequence[str], n_classes: int, rng: np.random.Generator) -> Floats:
    """Cut the scores of classification tasks into equal parts; classes are numbers from 0 on."""
    labels = scores.copy()  # (B, T)
    for t, kind in enumerate(types):
        order = rng.permutation(n_classes)
        if kind == "regression":
            continue
        k = 2 if kind == "binary" else n_classes
        codes = scores[:, t].argsort().argsort() * k // len(scores)
        labels[:, t] = order[codes] if kind == "multiclass" else codes
    return labels


def _draw_holes(
    scores: Floats, n_missing: Sequence[int], pull: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw rows without replacement, with weights exp(pull score): those of the greatest Gumbel keys."""
    keys = pull * scores + rng.gumbel(size=scores.shape)  # (B, T)
    ranks = (-keys).argsort(axis=0).argsort(axis=0)
    return ranks < np.asarray(n_missing)


def _bunch(
    X: Floats, labels: Floats, holes: NDArray[np.bool_], tasks: _Tasks, signal: _Signal, n_classes: int
) -> Bunch:
    inputs = pd.DataFrame(X, columns=[f"x{c}" for c in range(X.shape[1])])
    relevant = pd.DataFrame(signal.relevant(X.shape[1]), index=tasks.names, columns=inputs.columns)
    description = _DESCRIPTION.format(
        n_samples=len(X),
        n_features=X.shape[1],
        n_relevant=relevant.any().sum(),
        task_types=", ".join(tasks.types),
    )
    complete, target = (
        _typed_frame(values, tasks, n_classes) for values in (labels, np.where(holes, np.nan, labels))
    )
    table = make_bunch(inputs, target, description=description)
    table.update(
        complete_target=complete,
        relevant=relevant,
        signal=signal,
        relatedness=pd.DataFrame(signal.correlation(), index=tasks.names, columns=tasks.names),
    )
    return table


def _typed_frame(labels: Floats, tasks: _Tasks, n_classes: int) -> pd.DataFrame:
    """Give the labels of each task the dtype of its kind."""
    classes = list(range(n_classes))
    dtypes: dict[str, Any] = {
        "regression": "float64",
        "binary": "boolean",
        "multiclass": pd.CategoricalDtype(classes),
        "ordinal": pd.CategoricalDtype(classes, ordered=True),
    }
    frame = pd.DataFrame(labels, columns=tasks.names)
    return frame.astype({name: dtypes[kind] for name, kind in zip(tasks.names, tasks.types, strict=True)})


def _arrays(table: Bunch, labels: Floats, holes: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "data": table.data.to_numpy(),
        "target": np.where(holes, np.nan, labels),
        "frame": None,
        "complete_target": labels,
        "relevant": table.relevant.to_numpy(),
        "relatedness": table.relatedness.to_numpy(),
    }
