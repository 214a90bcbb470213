"""``sharing``: which tasks are learned alone as well, and the share that this earns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..encoding import MergedRows
from ..exceptions import FitInterruptedWarning
from ..tasks import Targets
from ..training import Comparison, Ensemble, TargetScales, TrainingRows, compare, share_alone
from ._fit import FitInput

Sharing = Literal["joint", "auto", "each"]

# Of fewer labels it cannot be seen whether a task is better alone.
_LEAST_LABELS = 20
# A fit takes about as long as its rows and so many more would take without what all fits have in common.
_ROWS_OF_ANY_FIT = 300
_MOST_OF_JOINT = 0.5
_ROWS_AT_ONCE = 65_536


def tasks_to_try(read: FitInput, merged: MergedRows, sharing: Sharing) -> list[int]:
    """Choose the tasks that are learned alone as well.

    Parameters
    ----------
    read : FitInput
    merged : MergedRows
        Of the same input.
    sharing : {"joint", "auto", "each"}
        None; those with the fewest labels, for as long as all of them take half of the time of the joint fit
        or less; all.

    Returns
    -------
    list of int
        In the order of the tasks. Those of weight 0, with less than 20 labels, with one label value only or
        in one group only are left out, and a task that has no other beside it.
    """
    if sharing == "joint" or np.count_nonzero(read.task_weight) + len(read.tags) < 2:
        return []
    is_labelled, values = merged.weights > 0, read.targets.values[merged.first]  # (R, T)
    n_labels = np.count_nonzero(is_labelled, axis=0)  # (T,)
    can_be = (read.task_weight > 0) & (n_labels >= _LEAST_LABELS) & _varies(values, is_labelled)
    if read.groups is not None:
        can_be &= _varies(merged.group[:, None], is_labelled)
    if sharing == "auto":
        order = np.argsort(n_labels, kind="stable")
        cost = np.cumsum(np.where(can_be, n_labels + _ROWS_OF_ANY_FIT, 0)[order])
        can_be[order] &= cost <= _MOST_OF_JOINT * (len(values) + _ROWS_OF_ANY_FIT)
    return np.flatnonzero(can_be).tolist()


def _varies(values: NDArray[Any], is_labelled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say in which tasks labelled rows have different values; (R, T) and (R, T) to (T,)."""
    values = np.broadcast_to(values.astype(np.float64), is_labelled.shape)
    least, greatest = (
        of(values, axis=0, where=is_labelled, initial=initial)
        for of, initial in ((np.min, np.inf), (np.max, -np.inf))
    )
    return np.asarray(least < greatest)


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """The rows with labels of one task, as if there were no other task.

    Attributes
    ----------
    read : FitInput
        Of these rows and this task.
    rows : ndarray of int64, shape (B,)
        Which rows of the table these are.
    """

    read: FitInput
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, read: FitInput, task: int) -> LabelledRows:
        """Take those of one task."""
        rows = np.flatnonzero(read.weights[:, task] > 0)
        chosen = np.ix_(rows, np.array([task]))
        smoothing = read.label_smoothing
        of_task = replace(
            read,
            columns=read.columns.take(rows),
            task_set=replace(read.task_set, tasks=(read.task_set.tasks[task],)),
            targets=Targets(read.targets.values[chosen], read.targets.observed[chosen]),
            weights=read.weights[chosen],
            task_weight=np.ones(1),
            sample_weight=read.sample_weight[chosen],
            index=None,
            is_calibrated=read.is_calibrated[task : task + 1],
            thresholds=[read.thresholds[task]],
            label_smoothing=None if smoothing is None else [smoothing[task]],
            groups=None if read.groups is None else read.groups[rows],
            continuation=None if read.continuation is None else read.continuation.of([task]),
            names=[read.task_set.names[task]],
            tags=(),
        )
        return cls(of_task, rows)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit of some tasks.

    Attributes
    ----------
    merged : MergedRows
        Of which `rows` were made.
    rows : TrainingRows
    scales : TargetScales
    ensemble : Ensemble
    out_of_fold : ndarray of shape (R, O)
        Numbers and probabilities.
    """

    merged: MergedRows
    rows: TrainingRows
    scales: TargetScales
    ensemble: Ensemble
    out_of_fold: NDArray[np.float64]


def serve_tasks_alone(
    ensemble: Ensemble,
    out_of_fold: NDArray[np.float64],
    read: FitInput,
    *,
    tasks: Sequence[int],
    first: NDArray[np.int64],
    inverse: NDArray[np.int64],
    fit: Callable[[FitInput], Fitted],
    owner: str,
) -> dict[int, tuple[Comparison, float]]:
    """Learn tasks alone, and give these views the shares that they earn; changes the first two arguments.

    Parameters
    ----------
    ensemble : Ensemble
        Of all tasks.
    out_of_fold : ndarray of shape (R, O)
        Its numbers and probabilities.
    read : FitInput
        Of all tasks.
    tasks : sequence of int
        Which tasks.
    first, inverse : ndarray of int64, shape (R,), (B,)
        As those of the `MergedRows` of all tasks.
    fit : callable
        Fits one task.
    owner : str
        Who asks; warnings start with it.

    Returns
    -------
    dict from int to (Comparison, float)
        How both fare out of fold, and the seconds that learning alone took, of each task.

    Warns
    -----
    FitInterruptedWarning
        The user interrupted; what had been served until then is kept.
    """
    compared: dict[int, tuple[Comparison, float]] = {}
    for task in tasks:
        start = perf_counter()
        labelled = LabelledRows.of(read, task)
        try:
            alone = fit(labelled.read)
        except KeyboardInterrupt:
            warnings.warn(
                f"{owner}: fit was interrupted while it learned tasks alone, after {len(compared)} of "
                f"{len(tasks)}; the others are served by the joint views.",
                FitInterruptedWarning,
                stacklevel=5,
            )
            break
        outputs = ensemble.layout.slices[task]
        joint = out_of_fold[inverse[labelled.rows[alone.merged.first]], outputs]
        of_both = joint, alone.out_of_fold, alone.rows, alone.scales
        compared[task] = compare(*of_both, groups=alone.merged.group), perf_counter() - start
        share = share_alone(*of_both)
        if share:
            of_rows = _out_of_fold(alone, labelled, read, first=first)
            out_of_fold[:, outputs] = (1 - share) * out_of_fold[:, outputs] + share * of_rows
            ensemble.serve(task, alone.ensemble, share)
    return compared


def _out_of_fold(
    alone: Fitted, labelled: LabelledRows, read: FitInput, *, first: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Predict the rows of all tasks by folds of one task that have not seen them; (R, O) of the task."""
    place = np.full(len(read.weights), -1)
    place[labelled.rows] = alone.merged.inverse
    place = place[first]  # (R,)
    unseen = np.flatnonzero(place < 0)  # no fold has a label of these
    outputs = alone.out_of_fold[place]
    for start in range(0, len(unseen), _ROWS_AT_ONCE):
        block = unseen[start : start + _ROWS_AT_ONCE]
        outputs[block] = alone.ensemble.predict(read.columns.take(first[block]))
    return np.asarray(outputs)


def transfer_table(compared: Mapping[int, tuple[Comparison, float]], names: Sequence[str]) -> pd.DataFrame:
    """Lay out what fit knows of learning tasks jointly and alone.

    Parameters
    ----------
    compared : mapping from int to (Comparison, float)
        As `serve_tasks_alone` gives it.
    names : sequence of str, length T

    Returns
    -------
    DataFrame
        One row a task, NaN for those that were not learned alone: ``joint`` and ``alone``, 1 less the loss
        relative to the base rate, ``difference``, its ``standard_error``, and ``seconds``.
    """
    columns = ["joint", "alone", "difference", "standard_error", "seconds"]
    table = pd.DataFrame(np.nan, index=list(names), columns=columns)
    for task, (losses, seconds) in compared.items():
        joint, alone = 1 - losses.joint, 1 - losses.alone
        table.iloc[task] = joint, alone, joint - alone, losses.standard_error, seconds
    return table
