"""What a reader of the page should look at first."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from ..estimators import named, notes_of_fit
from ..inspection import CalibrationDisplay

_COVERAGE = 0.9
_GAP = 0.15  # between the score of these rows and that out of fold
_CALIBRATION_ERROR = 0.05
_MOST_ATTENTION = 0.9
_ROC_AUC = 0.6
_LEAST_FACTOR = 5.0  # of uniform attention, for that to be much


def warnings_of(
    estimator: Any,
    *,
    scores: pd.DataFrame,
    attention: pd.DataFrame,
    transfer: pd.DataFrame | None,
    coverage: pd.DataFrame,
    calibration: CalibrationDisplay | None,
) -> list[str]:
    """Find what is worth a look.

    Parameters
    ----------
    estimator : estimator
        One of this package, fitted.
    scores : DataFrame
        As of `multitask_report`.
    attention : DataFrame of shape (T, C)
        Mean attention.
    transfer : DataFrame or None
        As of `transfer_report`.
    coverage : DataFrame
        A row a task, with ``labels`` and the share that is ``inside``.
    calibration : CalibrationDisplay or None

    Returns
    -------
    list of str
        HTML of list items.
    """
    found = [*_of_scores(scores), *notes_of_fit(estimator), *_of_attention(attention)]
    found += _of_transfer(transfer)
    found += _of_sureness(estimator, coverage, calibration)
    return [f"<li><strong>{escape(title)}</strong> {escape(text)}</li>" for title, text in found]


def _of_scores(scores: pd.DataFrame) -> Iterator[tuple[str, str]]:
    is_lost = scores["gain"] <= 0
    ranks = is_lost & (scores["roc_auc"] > _ROC_AUC if "roc_auc" in scores else False)
    if names := named(scores.index[is_lost & ~ranks]):
        yield (
            f"No better than a constant: {names}.",
            "These rows are predicted as well by their baseline. More labels or other columns may help; if "
            "not, leave the task out.",
        )
    if names := named(scores.index[ranks]):
        yield (
            f"Ranks rows, but decides no better than the most frequent class: {names}.",
            "One class is rare. Use probabilities, or let thresholds='f1' or 'balanced_accuracy' decide.",
        )
    score = scores["baseline"] + scores["gain"]
    gap = score - scores["oof_score"]
    if names := named(scores.index[gap > _GAP]):
        yield (
            f"Much better here than out of fold: {names}.",
            "Rows of fit look like that. If these were not in fit, they are easier than those.",
        )
    if names := named(scores.index[gap < -_GAP]):
        yield (
            f"Much worse here than out of fold: {names}.",
            "There are few labels here, or these rows are unlike those of fit: from another time or "
            "place, say.",
        )


def _of_attention(attention: pd.DataFrame) -> Iterator[tuple[str, str]]:
    if attention.shape[1] < _LEAST_FACTOR:
        return
    strong = [
        f"{task} at {row.idxmax()}" for task, row in attention.iterrows() if row.max() > _MOST_ATTENTION
    ]
    if names := named(strong):
        yield (
            f"Looks at one column only: {names}.",
            "Is that column known when a prediction is needed, or does it give the label away?",
        )


def _of_transfer(transfer: pd.DataFrame | None) -> Iterator[tuple[str, str]]:
    if transfer is not None and (names := named(transfer.index[transfer["verdict"] == "hurt"])):
        yield (
            f"Worse together than alone: {names}.",
            "With sharing='auto' or 'each', views of their own serve such tasks as far as view_shares_ says.",
        )


def _of_sureness(
    estimator: Any, coverage: pd.DataFrame, calibration: CalibrationDisplay | None
) -> Iterator[tuple[str, str]]:
    far = 3 * np.sqrt(_COVERAGE * (1 - _COVERAGE) / coverage["labels"].astype(float)) + 0.02
    inside = coverage["inside"].astype(float)
    if names := named(coverage.index[inside < _COVERAGE - far]):
        yield (
            f"Intervals or sets that hold too few labels: {names}.",
            "These rows are unlike those of fit, or in groups that fit did not hold out together.",
        )
    if calibration is None:
        return
    errors = calibration.errors["error"]
    is_off = (errors > _CALIBRATION_ERROR) & (estimator.temperature_.reindex(errors.index) == 1)
    n_labels = pd.Series({task: curve.counts.sum() for task, curve in calibration.curves.items()})
    if names := named(errors.index[is_off & (n_labels >= 10 / _CALIBRATION_ERROR**2 / 4)]):
        yield f"Probabilities that are off: {names}.", "calibrate=True may mend them."
