"""The sections of the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._multitask_report import multitask_report
from ..estimators import column_table, named
from ..inspection import (
    AttentionDisplay,
    CalibrationDisplay,
    LearningCurveDisplay,
    TaskAffinityDisplay,
    TransferDisplay,
    global_importance,
    task_affinity,
    task_groups,
    transfer_report,
)
from ..metrics import METRICS
from ..tasks import Targets
from ._page import details, page, paragraph, picture, table
from ._warnings import warnings_of

_OWNER = "report"
_COVERAGE = 0.9
_MOST_ROWS = 20  # of a table that is not folded away
_MOST_ROWS_FOLDED = 1_000
_MOST_COLUMNS_NAMED = 5
_MOST_GROUPS_NAMED = 6


def report(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    path: str | Path = "report.html",
    title: str | None = None,
    transfer: pd.DataFrame | None = None,
) -> Path:
    """Write a page about a fitted estimator: data, scores, learning, attention, tasks, calibration, coverage.

    The page is one file that needs nothing from elsewhere: open it in any browser, send it, print it.

    Parameters
    ----------
    estimator : estimator
        One of this package, fitted.
    X : DataFrame, array-like or sparse array of shape (B, C)
        Rows to score and to look at; better rows that were not in ``fit``, as scores of those that were are
        too good. (Out-of-fold scores are shown beside them, whatever the rows.)
    y : DataFrame, Series or array-like of shape (B,) or (B, T)
        Their labels; missing ones do not count.
    path : str or Path, default="report.html"
        Where to write; what is there is replaced.
    title : str, optional
        Of the page. Default: the class of the estimator and its number of tasks.
    transfer : DataFrame, optional
        As `inspection.transfer_report` gives it. Default: what the fit knows of tasks that it has learned
        alone, too.

    Returns
    -------
    Path
        Where the page is.

    Raises
    ------
    ValueError
        Labels are not those of the estimator's tasks, or not one for each row of `X`; a task has tags of
        words.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import sklearn_mtl
    >>> from sklearn_mtl.datasets import make_multitask
    >>> X, y = make_multitask(300, 8, 2, return_X_y=True, n_informative=2, random_state=0)
    >>> regressor = sklearn_mtl.MultiTaskAttentionRegressor(preset="fast", random_state=0)
    >>> regressor = regressor.fit(X[:200], y[:200])
    >>> with TemporaryDirectory() as folder:
    ...     path = sklearn_mtl.report(regressor, X[200:], y[200:], path=Path(folder) / "report.html")
    ...     path.read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    check_is_fitted(estimator, "net_")
    if estimator._tags:
        names = [task.name for task, _ in estimator._tags]
        raise ValueError(
            f"{_OWNER}: tasks of tags, such as {names}, cannot be shown on a page; multitask_report has "
            "their scores."
        )
    from matplotlib import style

    facts = Facts(estimator, X, y, transfer)
    # Figures are those of matplotlib's own style, whatever the user's, and the same bits each time.
    with style.context(["default", {"svg.hashsalt": "sklearn_mtl"}]):
        sections = [(name, html) for name, write in SECTIONS.items() if (html := write(facts))]
    n_tasks = len(estimator._task_set.names)
    title = title or f"{type(estimator).__name__}: {n_tasks} task{'s' * (n_tasks > 1)}"
    path = Path(path)
    path.write_text(page(title, _lead(facts), sections), encoding="utf-8")
    return path


@dataclass(frozen=True, eq=False)
class Facts:
    """An estimator and rows, and what several sections need of them."""

    estimator: Any
    X: Any
    y: Any
    given_transfer: pd.DataFrame | None

    @cached_property
    def transfer(self) -> pd.DataFrame | None:
        """What learning together did to each task, if that is known of some."""
        known = transfer_report(self.estimator) if self.given_transfer is None else self.given_transfer
        is_known = known["verdict"] != "not compared"
        return known[is_known] if is_known.any() else None

    @cached_property
    def attention(self) -> pd.DataFrame:
        """Mean attention on these rows."""
        return global_importance(self.estimator, self.X)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """What `multitask_report` says."""
        return multitask_report(self.estimator, self.X, self.y)

    @cached_property
    def targets(self) -> Targets:
        """The labels."""
        targets: Targets = self.estimator._task_set.encode(self.y, owner=_OWNER)
        return targets

    @cached_property
    def calibration(self) -> CalibrationDisplay | None:
        """Reliability on these rows, if there are classes that have labels."""
        observed = dict(zip(self.estimator._task_set.names, self.targets.observed.T, strict=True))
        tasks = [name for name in self.estimator._task_set.classes if observed[name].any()]
        if not tasks:
            return None
        return CalibrationDisplay.from_estimator(self.estimator, self.X, self.y, tasks=tasks)

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """A row a task: labels, share inside of 90 % intervals or sets, and their mean width.

        Empty where a task has too few labels for that.
        """
        estimator = self.estimator
        try:
            bounds = estimator._bounds(self.X, _COVERAGE) if estimator._intervals_by_task else {}
            sets = estimator._sets(self.X, _COVERAGE) if estimator._scores_of_classes else {}
        except ValueError:
            return pd.DataFrame(columns=["labels", "inside", "width"])
        rows = {}
        for place, name in enumerate(estimator._task_set.names):
            seen = self.targets.observed[:, place]
            labels = self.targets.values[seen, place]
            if name in bounds:
                low, high = bounds[name][seen].T
                inside, width = (low <= labels) & (labels <= high), high - low
            else:
                codes, of_rows = labels.astype(np.intp), sets[name][seen]
                inside, width = of_rows[np.arange(len(codes)), codes] & (codes >= 0), of_rows.sum(axis=1)
            rows[name] = {
                "labels": int(seen.sum()),
                "inside": float(inside.mean()) if len(labels) else np.nan,
                "width": float(width.mean()) if len(labels) else np.nan,
            }
        return pd.DataFrame.from_dict(rows, orient="index")


def _lead(facts: Facts) -> str:
    estimator = facts.estimator
    n_rows, n_columns = len(estimator.oof_prediction_), estimator.n_features_in_
    return paragraph(
        f"Fitted to {n_rows:,} rows of {n_columns:,} columns: {estimator.n_folds_} folds of "
        f"{estimator.n_views_} "
        f"view{'s' * (estimator.n_views_ > 1)}, {estimator.n_trees_} trees, epoch {estimator.best_epoch_} of "
        f"{estimator.n_iter_} kept. Scored here on {len(facts.targets.values):,} rows.",
        soft=True,
    )


def _warnings(facts: Facts) -> str:
    found = warnings_of(
        facts.estimator,
        scores=facts.scores,
        attention=facts.attention,
        transfer=facts.transfer,
        coverage=facts.coverage,
        calibration=facts.calibration,
    )
    if not found:
        return paragraph("Nothing stands out.")
    return '<ul class="warnings">' + "".join(found) + "</ul>"


def _scores(facts: Facts) -> str:
    scores = facts.scores.copy()
    first = {kind: METRICS[kind][0] for kind in scores["kind"]}
    scores.insert(2, "score", scores["baseline"] + scores["gain"])
    head = ["kind", "n_labelled", "score", "baseline", "gain", "oof_score"]
    measured = ", ".join(f"{metric} of {kind} tasks" for kind, metric in first.items())
    text = (
        f"Of these rows. score: {measured}; baseline: that of the best constant or the most frequent class; "
        "gain: the difference; oof_score: the score of the training rows by folds that had not seen them."
    )
    shares = "What networks, linear view and forest contribute to the predictions of each task."
    return (
        paragraph(text)
        + _folded(scores[[*head, *scores.columns.difference([*head, *first.values()], sort=False)]])
        + details(shares, table(facts.estimator.view_shares_))
    )


def _data(facts: Facts) -> str:
    estimator = facts.estimator
    tasks = estimator.tasks_.copy()
    tasks["baseline"] = [value if isinstance(value, float) else str(value) for value in tasks["baseline"]]
    text = "How targets were understood; baseline: the best constant or the most frequent class in training."
    return (
        paragraph(text)
        + _folded(tasks)
        + paragraph(
            "How columns were understood. cardinality: different values, levels or terms in training; "
            "missing: the share there, and missing_here in the rows of this page; tokens: 0 if it never "
            "varied, and is not used."
        )
        + _folded(_columns(facts))
    )


def _columns(facts: Facts) -> pd.DataFrame:
    estimator = facts.estimator
    here = column_table(estimator._read_columns(facts.X), estimator._reader.columns_)
    columns: pd.DataFrame = estimator.columns_.copy()
    columns.insert(3, "missing_here", here["missing"].to_numpy())
    return columns


def _learning(facts: Facts) -> str:
    text = (
        "Loss of each task on held-out rows, relative to the best constant or the base rate. Learning "
        "rate and dropout "
        "go in cycles, which makes the waves; one epoch is kept for all tasks."
    )
    return paragraph(text) + picture(LearningCurveDisplay.from_estimator(facts.estimator))


def _attention(facts: Facts) -> str:
    display = AttentionDisplay(facts.attention).plot()
    relative = display.attention * display.attention.shape[1]
    first = pd.DataFrame(
        [
            [f"{name} ({value:.1f})" for name, value in row.nlargest(_MOST_COLUMNS_NAMED).items()]
            for _, row in relative.iterrows()
        ],
        index=relative.index,
    )
    first.columns = [f"{place}." for place in range(1, first.shape[1] + 1)]
    text = (
        "Mean attention of the networks over these rows: where they look, which need not be what a "
        "prediction "
        "depends on; permutation (sklearn_mtl.inspection.global_importance) tells that. 1 is as much as "
        "every other column."
    )
    return paragraph(text) + picture(display) + details("The first columns of each task", table(first))


def _in_common(facts: Facts) -> str:
    names = facts.estimator.task_names_
    if len(names) == 1:
        return ""
    affinity = task_affinity(facts.estimator, facts.X, facts.y, method="test_residuals")
    if affinity.isna().to_numpy()[~np.eye(len(names), dtype=bool)].all():
        return paragraph("No two tasks have three rows here with labels of both.")
    text = (
        "Correlation of the errors of each two tasks on these rows. Tasks whose errors go together share "
        "causes that the columns do not have, or that were not learned; whether learning them together pays "
        "is another question."
    )
    groups = [group for group in task_groups(affinity) if len(group) > 1]
    said = "; ".join(named(group) for group in groups[:_MOST_GROUPS_NAMED])
    more = f"; and {len(groups) - _MOST_GROUPS_NAMED} more groups" if len(groups) > _MOST_GROUPS_NAMED else ""
    alike = f"Groups whose errors correlate by 0.25 or more in the mean: {said}{more}." if groups else ""
    parts = [paragraph(text), *([paragraph(alike)] if alike else [])]
    return "".join(parts) + picture(TaskAffinityDisplay.from_affinity(affinity))


def _together_or_alone(facts: Facts) -> str:
    if len(facts.estimator.task_names_) == 1:
        return ""
    if facts.transfer is None:
        return paragraph(
            "The fit has learned no task alone, so it does not know what learning together did to each. "
            "sharing='each' learns all of them alone, too; sklearn_mtl.inspection.transfer_report compares "
            "without that, and its table can be given to this page as transfer=."
        )
    text = (
        "What learning all tasks together did to each, by the training rows: 1 less the loss relative to the "
        "best constant or the base rates, together (joint) and alone, on rows that were not learned. The "
        "verdict is one where the interval of the difference, from low to high, is on one side of 0."
    )
    columns = ["joint", "alone", "difference", "low", "high", "verdict"]
    return (
        paragraph(text)
        + picture(TransferDisplay.from_report(facts.transfer))
        + details("Scores and intervals", table(facts.transfer[columns]))
    )


def _sureness(facts: Facts) -> str:
    text = (
        "Share of the labels of these rows inside of their 90 % intervals, or whose class is in its 90 % "
        "set, and the mean "
        "width of the intervals or number of classes in the sets."
    )
    if facts.coverage.empty:
        parts = [paragraph("A task has too few labels for intervals or sets of a coverage of 90 %.")]
    else:
        parts = [paragraph(text), _folded(facts.coverage)]
    if facts.calibration is not None:
        explanation = (
            "Probabilities and what happened: on the diagonal they are right. The calibration error is the "
            "mean distance."
        )
        parts += [paragraph(explanation), picture(facts.calibration)]
    return "".join(parts)


def _folded(frame: pd.DataFrame) -> str:
    """Write a table; the rest of a long one is folded away, and that of a very long one left out."""
    if len(frame) <= _MOST_ROWS:
        return table(frame)
    rest = frame[_MOST_ROWS:_MOST_ROWS_FOLDED]
    left_out = len(frame) - _MOST_ROWS - len(rest)
    summary = f"{len(rest):,} more" + (f", and {left_out:,} that are left out" if left_out else "")
    return table(frame[:_MOST_ROWS]) + details(summary, table(rest))


# In the order of the page; what returns nothing is left out. Another section is another function.
SECTIONS: dict[str, Callable[[Facts], str]] = {
    "Worth a look": _warnings,
    "Scores": _scores,
    "Data": _data,
    "Learning": _learning,
    "Attention": _attention,
    "What tasks have in common": _in_common,
    "Together or alone": _together_or_alone,
    "How sure": _sureness,
}
