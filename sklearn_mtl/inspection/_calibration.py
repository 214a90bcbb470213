"""Whether probabilities are right, as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ..metrics import classes_by_task, probabilities_by_task
from ..nn import OutputLayout
from ..tasks import class_labels, codes_of, match_columns, read_labels
from ..training import temper
from ._draw import axes_of, chosen_tasks, draw_lines, note_of_others

_OWNER = "CalibrationDisplay"
_N_BINS = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """Probabilities of one task beside what happened, in bins of as many rows.

    Attributes
    ----------
    predicted, observed : ndarray of shape (bins,)
        Mean probability, and share of labels.
    counts : ndarray of shape (bins,)
        Labels.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance between the two, by labels."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.counts))


class CalibrationDisplay:
    """Reliability of the probabilities of each classification task.

    Of two classes, the probability of the second is compared with its share among the labels; of more, the
    probability of the most probable class with the share of labels that are of it. Each of ten bins has as
    many labels. The calibration error is the mean distance [1]_.

    Parameters
    ----------
    curves : dict from str to Reliability
        By task.
    uncalibrated : dict from str to Reliability, optional
        What they would be without the temperatures of the estimator.

    Attributes
    ----------
    errors : DataFrame
        A row a task: ``error``, and ``uncalibrated`` if there are temperatures.
    ax_ : matplotlib Axes
        With the picture.
    figure_ : matplotlib Figure
        Of the axes.

    References
    ----------
    .. [1] Guo, Pleiss, Sun, Weinberger (2017). On calibration of modern neural networks. arXiv:1706.04599.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionClassifier
    >>> from sklearn_mtl.datasets import make_multitask
    >>> from sklearn_mtl.inspection import CalibrationDisplay
    >>> X, y = make_multitask(300, 12, 2, task_types="binary", return_X_y=True, random_state=0)
    >>> classifier = MultiTaskAttentionClassifier(preset="fast", calibrate=True, random_state=0).fit(X, y)
    >>> display = CalibrationDisplay.from_estimator(classifier, y=y)  # out of fold
    >>> display.errors.columns.tolist()
    ['error', 'uncalibrated']
    """

    def __init__(
        self, curves: dict[str, Reliability], uncalibrated: dict[str, Reliability] | None = None
    ) -> None:
        self.curves = curves
        self.uncalibrated = uncalibrated or {}
        self.errors = pd.DataFrame({"error": pd.Series({task: c.error for task, c in curves.items()})})
        if self.uncalibrated:
            self.errors["uncalibrated"] = pd.Series({task: c.error for task, c in self.uncalibrated.items()})

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, tasks: Any = None, ax: Any = None
    ) -> Self:
        """Draw the reliability of an estimator.

        Parameters
        ----------
        estimator : estimator
            One of this package, fitted, with classes.
        X : DataFrame or array-like of shape (B, C), optional
            Rows. Default: the training rows, by the folds that have not seen them.
        y : DataFrame, Series or array-like of shape (B,) or (B, T)
            Their labels; missing ones do not count.
        tasks : str or list of str, optional
            Only these.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        ValueError
            There are no labels, or no task has classes.
        """
        check_is_fitted(estimator, "net_")
        if y is None:
            raise ValueError(f"{_OWNER}: y is None; give the labels of X, or those of fit without X.")
        if not estimator._task_set.classes:
            raise ValueError(f"{_OWNER}: none of the tasks {estimator.task_names_} has classes.")
        probabilities = _by_name(estimator.oof_proba_ if X is None else estimator.predict_proba(X), estimator)
        labels = _codes(y, estimator)
        chosen = chosen_tasks(tasks, list(probabilities), owner=_OWNER)
        curves = {task: reliability(*labels[task], probabilities[task]) for task in chosen}
        temperatures = estimator.temperature_[chosen]
        untempered = {
            task: reliability(*labels[task], _without(probabilities[task], temperatures[task]))
            for task in chosen
            if (temperatures != 1).any()
        }
        return cls(curves, untempered).plot(ax=ax)

    @classmethod
    def from_predictions(cls, y_true: Any, y_proba: Any, *, classes: Any = None, ax: Any = None) -> Self:
        """Draw the reliability of probabilities.

        Parameters
        ----------
        y_true : DataFrame, Series or array-like of shape (B,) or (B, T)
            Labels; missing ones do not count.
        y_proba : array of shape (B, K), list of them, or dict of them
            As ``predict_proba`` gives them.
        classes : array, list of T arrays or dict of arrays, optional
            What the columns of the probabilities stand for. Default: the sorted labels.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.

        Returns
        -------
        CalibrationDisplay
        """
        table = read_labels(y_true, owner=_OWNER, argument="y_true")
        given, known = probabilities_by_task(y_proba, table.names), classes_by_task(classes, table.names)
        curves = {}
        for column, proba, its_classes in zip(table.columns, given, known, strict=True):
            if proba is None:
                continue
            labels = class_labels(column, owner=_OWNER)
            codes = codes_of(labels, np.unique(labels) if its_classes is None else np.asarray(its_classes))
            curves[column.name] = reliability(codes, column.observed, np.asarray(proba))
        return cls(curves).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw; of more than 8 tasks, the two with the greatest errors are named.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.

        Returns
        -------
        CalibrationDisplay
            This one, with `ax_` and `figure_`.
        """
        self.figure_, self.ax_ = axes_of(ax, size=(7.0, 4.2))
        self.ax_.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle=":")
        worst = self.errors["error"].nlargest(2).index.tolist()
        lines = {
            f"{task} ({self._said(task)})": (curve.predicted, curve.observed)
            for task, curve in self.curves.items()
        }
        edges = [f"{task} ({self._said(task)})" for task in worst]
        style: dict[str, Any] = {
            "longest_name": 48,
            "marker": "o",
            "markersize": 3,
        }  # with the errors behind the names
        colours = draw_lines(self.ax_, lines, at_the_edges=edges, **style)
        if len(self.curves) <= 3:
            for (task, curve), colour in zip(self.uncalibrated.items(), colours.values(), strict=False):
                label = None if task != next(iter(self.curves)) else "dashed: uncalibrated"
                self.ax_.plot(
                    curve.predicted, curve.observed, color=colour, ls="--", lw=0.9, alpha=0.7, label=label
                )
        note = note_of_others(2, len(lines), "tasks named, those with the greatest error")
        self.ax_.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="share of labels")
        self.ax_.set_xlabel("probability" + (f"\n{note}" if len(lines) > 8 else ""))
        self.ax_.legend(
            title="calibration error",
            fontsize="small",
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(1, 1),
        )
        for side in ("top", "right"):
            self.ax_.spines[side].set_visible(False)
        return self

    def _said(self, task: str) -> str:
        after = f"{self.curves[task].error:.3f}"
        return f"{self.uncalibrated[task].error:.3f} → {after}" if task in self.uncalibrated else after


def reliability(
    codes: NDArray[np.integer], observed: NDArray[np.bool_], probabilities: NDArray[np.float64]
) -> Reliability:
    """Compare probabilities with labels.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Classes of the labels that are there; -1 for one that fit has not seen.
    observed : ndarray of bool, shape (B,)
        Which rows they belong to.
    probabilities : ndarray of shape (B, K)

    Returns
    -------
    Reliability
    """
    seen = probabilities[observed]
    if seen.shape[1] == 2:
        predicted, happened = seen[:, 1], codes == 1
    else:
        predicted, happened = seen.max(axis=1), codes == seen.argmax(axis=1)
    order = np.argsort(predicted, kind="stable")
    bins = [part for part in np.array_split(order, _N_BINS) if len(part)]
    return Reliability(
        np.array([predicted[part].mean() for part in bins]),
        np.array([happened[part].mean() for part in bins]),
        np.array([len(part) for part in bins]),
    )


def _by_name(probabilities: Any, estimator: Any) -> dict[str, NDArray[np.float64]]:
    if isinstance(probabilities, dict):
        return probabilities
    names = list(estimator._task_set.classes)
    arrays = [probabilities] if isinstance(probabilities, np.ndarray) else probabilities
    return dict(zip(names, arrays, strict=True))


def _codes(y: Any, estimator: Any) -> dict[str, tuple[NDArray[np.integer], NDArray[np.bool_]]]:
    """Give the classes of labels and which rows have them, by task."""
    task_set = estimator._task_set
    table = match_columns(
        read_labels(y, owner=_OWNER), task_set.names, by_name=task_set.is_named, owner=_OWNER
    )
    return {
        task.name: (codes_of(class_labels(column, owner=_OWNER), task.classes), column.observed)
        for task, column in zip(task_set.tasks, table.columns, strict=True)
        if task.classes is not None
    }


def _without(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Undo a temperature: the logits are multiplied by it."""
    layout = OutputLayout(["multiclass"], [probabilities.shape[1]])
    return temper(probabilities, np.array([1 / temperature]), layout)
