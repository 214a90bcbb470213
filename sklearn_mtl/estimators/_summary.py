"""What a fit says of its tasks: how they were understood, and their scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..metrics import METRICS, multitask_score
from ..tasks import Targets, TaskSet
from ._fit import FitInput, best_number


def task_table(read: FitInput) -> pd.DataFrame:
    """Describe what was understood of ``y``.

    Parameters
    ----------
    read : FitInput

    Returns
    -------
    DataFrame
        One row a task: ``kind``, ``n_classes``, ``n_labelled``, ``missing``, ``baseline``.
    """
    tasks, n_labelled = read.task_set.tasks, read.targets.observed.sum(axis=0)
    n_classes = [pd.NA if task.classes is None else len(task.classes) for task in tasks]
    return pd.DataFrame(
        {
            "kind": [task.kind for task in tasks],
            "n_classes": pd.array(n_classes, dtype="Int64"),
            "n_labelled": n_labelled,
            "missing": 1 - n_labelled / len(read.targets.observed),
            "baseline": pd.Series(_baselines(read), dtype=object).to_numpy(),
        },
        index=read.task_set.names,
    )


def _baselines(read: FitInput) -> list[Any]:
    """Find the best constant or the most frequent class of each task."""
    baselines: list[Any] = []
    columns = zip(read.task_set.tasks, read.targets.values.T, read.sample_weight.T, strict=True)
    for task, value, weight in columns:
        if task.classes is None:
            baselines.append(best_number(task, value, weight))
        else:
            counts = np.bincount(value.astype(np.intp), weights=weight, minlength=len(task.classes))
            baselines.append(task.classes.tolist()[counts.argmax()])
    return baselines


def task_scores(
    task_set: TaskSet,
    targets: Targets,
    predicted: NDArray[np.float64],
    *,
    sample_weight: NDArray[np.float64],
) -> pd.Series:
    """Score each task by the first metric of its kind, on the labels that are there.

    Parameters
    ----------
    task_set : TaskSet
    targets : Targets
        Labels of the same tasks.
    predicted : ndarray of shape (B, T)
        Numbers and classes' indices.
    sample_weight : ndarray of shape (B, T) or (B, 1)
        Weights of labels.

    Returns
    -------
    Series of shape (T,)
        NaN where a score is not defined; the name is that of the metric if there is one only.
    """
    weights = np.broadcast_to(sample_weight, predicted.shape)
    metrics = [METRICS[task.kind][0] for task in task_set.tasks]
    scores = [
        multitask_score(
            true[seen],
            values[seen],
            metric=metric,
            sample_weight=weight[seen],
            quantile=task.level,
            classes=None if task.classes is None else np.arange(-1, len(task.classes)),
        )
        if weight[seen].any()
        else np.nan
        for task, metric, true, seen, values, weight in zip(
            task_set.tasks,
            metrics,
            targets.values.T,
            targets.observed.T,
            predicted.T,
            weights.T,
            strict=True,
        )
    ]
    name = metrics[0] if len(set(metrics)) == 1 else "score"
    return pd.Series(scores, index=task_set.names, name=name, dtype=np.float64)
