"""What a reader of the page should look at first."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from ..inspection import CalibrationDisplay

_COVERAGE = 0.9
_FEW_LABELS = 50
_FEW_OF_A_CLASS = 10
_GAP = 0.15  # between the score of these rows and that out of fold
_CALIBRATION_ERROR = 0.05
_MOST_ATTENTION = 0.9
_ROC_AUC = 0.6
_LEAST_FACTOR = 5.0  # of uniform attention, for that to be much
_MOST_NAMED = 6


def warnings_of(
    estimator: Any, scores: pd.DataFrame, coverage: pd.DataFrame, calibration: CalibrationDisplay | None
) -> list[str]:
    """Find what is worth a look.

    Parameters
    ----------
    estimator : estimator
        One of this package, fitted.
    scores : DataFrame
        As of `multitask_report`.
    coverage : DataFrame
        A row a task, with ``labels`` and the share that is ``inside``.
    calibration : CalibrationDisplay or None

    Returns
    -------
    list of str
        HTML of list items.
    """
    found = [*_of_scores(scores), *_of_labels(estimator), *_of_training(estimator), *_of_columns(estimator)]
    found += _of_sureness(estimator, coverage, calibration)
    return [f"<li><strong>{escape(title)}</strong> {escape(text)}</li>" for title, text in found]


def _of_scores(scores: pd.DataFrame) -> Iterator[tuple[str, str]]:
    is_lost = scores["gain"] <= 0
    ranks = is_lost & (scores["roc_auc"] > _ROC_AUC if "roc_auc" in scores else False)
    if names := _named(scores.index[is_lost & ~ranks]):
        yield (
            f"No better than a constant: {names}.",
            "These rows are predicted as well by their baseline. More labels or other columns may help; if "
            "not, leave the task out.",
        )
    if names := _named(scores.index[ranks]):
        yield (
            f"Ranks rows, but decides no better than the most frequent class: {names}.",
            "One class is rare. Use probabilities, or let thresholds='f1' or 'balanced_accuracy' decide.",
        )
    score = scores["baseline"] + scores["gain"]
    gap = score - scores["oof_score"]
    if names := _named(scores.index[gap > _GAP]):
        yield (
            f"Much better here than out of fold: {names}.",
            "Rows of fit look like that. If these were not in fit, they are easier than those.",
        )
    if names := _named(scores.index[gap < -_GAP]):
        yield (
            f"Much worse here than out of fold: {names}.",
            "There are few labels here, or these rows are unlike those of fit: from another time or "
            "place, say.",
        )


def _of_labels(estimator: Any) -> Iterator[tuple[str, str]]:
    tasks = estimator.tasks_
    if names := _named(tasks.index[tasks["n_labelled"] < _FEW_LABELS]):
        yield (
            f"Less than {_FEW_LABELS} labels: {names}.",
            "Scores, shares and temperatures of such tasks are rough estimates.",
        )
    rare = [
        f"{name} ({scores.values.shape[0]} labels)"
        for name, scores in estimator._scores_of_classes.items()
        if len(scores.values) < _FEW_OF_A_CLASS * len(estimator._task_set.classes[name])
    ]
    if names := _named(rare):
        yield (
            f"Less than {_FEW_OF_A_CLASS} labels a class: {names}.",
            "Rare classes are hardly learned; put some of them together.",
        )


def _of_training(estimator: Any) -> Iterator[tuple[str, str]]:
    if estimator.net_.was_interrupted_:
        yield "Training was interrupted.", f"Epoch {estimator.best_epoch_}, the best so far, was kept."
    elif estimator.best_epoch_ == estimator.max_epochs_:
        yield (
            "The last epoch was the best.",
            "Longer training may help: raise max_epochs, or take preset='best'.",
        )


def _of_columns(estimator: Any) -> Iterator[tuple[str, str]]:
    attention = estimator.feature_attention_
    never = [name for name, value in attention.max().items() if value == 0]
    if names := _named(never):
        yield f"Columns that never vary: {names}.", "They are ignored."
    if attention.shape[1] < _LEAST_FACTOR:
        return
    strong = [
        f"{task} at {row.idxmax()}" for task, row in attention.iterrows() if row.max() > _MOST_ATTENTION
    ]
    if names := _named(strong):
        yield (
            f"Looks at one column only: {names}.",
            "Is that column known when a prediction is needed, or does it give the label away?",
        )


def _of_sureness(
    estimator: Any, coverage: pd.DataFrame, calibration: CalibrationDisplay | None
) -> Iterator[tuple[str, str]]:
    far = 3 * np.sqrt(_COVERAGE * (1 - _COVERAGE) / coverage["labels"].astype(float)) + 0.02
    inside = coverage["inside"].astype(float)
    if names := _named(coverage.index[inside < _COVERAGE - far]):
        yield (
            f"Intervals or sets that hold too few labels: {names}.",
            "These rows are unlike those of fit, or in groups that fit did not hold out together.",
        )
    if calibration is None:
        return
    errors = calibration.errors["error"]
    is_off = (errors > _CALIBRATION_ERROR) & (estimator.temperature_.reindex(errors.index) == 1)
    n_labels = pd.Series({task: curve.counts.sum() for task, curve in calibration.curves.items()})
    if names := _named(errors.index[is_off & (n_labels >= 10 / _CALIBRATION_ERROR**2 / 4)]):
        yield f"Probabilities that are off: {names}.", "calibrate=True may mend them."


def _named(names: Any) -> str:
    names = [str(name) for name in names]
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
