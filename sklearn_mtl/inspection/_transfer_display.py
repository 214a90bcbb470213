"""Scores of tasks learned together and alone, as a picture."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from ._draw import axes_of, name_ticks
from ._transfer import transfer_report

_COLOURS = {"helped": "C0", "hurt": "C3", "no difference": "0.55", "not compared": "0.8"}


class TransferDisplay:
    """Each task's score alone and learned together: a dumbbell a task, with the interval of the difference.

    Parameters
    ----------
    report : DataFrame
        As `transfer_report` gives it.

    Attributes
    ----------
    report : DataFrame
        As given.
    ax_ : matplotlib Axes
        With the picture.
    figure_ : matplotlib Figure
        Of the axes.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.datasets import make_multitask
    >>> from sklearn_mtl.inspection import TransferDisplay
    >>> X, y = make_multitask(200, 8, 2, return_X_y=True, n_informative=2, random_state=0)
    >>> estimator = MultiTaskAttentionRegressor(preset="fast", sharing="each", random_state=0).fit(X, y)
    >>> display = TransferDisplay.from_estimator(estimator)
    >>> display.report["verdict"].isin(["helped", "hurt", "no difference"]).all()
    np.True_
    """

    def __init__(self, report: pd.DataFrame) -> None:
        self.report = report

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        cv: Any = 5,
        ax: Any = None,
        max_tasks: int = 40,
    ) -> Self:
        """Compare by `transfer_report`, and draw.

        Parameters
        ----------
        estimator, X, y, cv : object
            As for `transfer_report`.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.
        max_tasks : int, default=40
            Tasks that are shown, at most: those with the greatest differences, in relation to their errors.

        Returns
        -------
        TransferDisplay
        """
        return cls(transfer_report(estimator, X, y, cv=cv)).plot(ax=ax, max_tasks=max_tasks)

    @classmethod
    def from_report(cls, report: pd.DataFrame, *, ax: Any = None, max_tasks: int = 40) -> Self:
        """Draw what `transfer_report` gave.

        Parameters
        ----------
        report : DataFrame
            One row a task.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.
        max_tasks : int, default=40
            Tasks that are shown, at most.

        Returns
        -------
        TransferDisplay
        """
        return cls(report).plot(ax=ax, max_tasks=max_tasks)

    def plot(self, ax: Any = None, *, max_tasks: int = 40) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.
        max_tasks : int, default=40
            Tasks that are shown, at most: those with the greatest differences, in relation to their errors.

        Returns
        -------
        TransferDisplay
            This one, with `ax_` and `figure_`.
        """
        shown = self._shown(max_tasks)
        self.figure_, self.ax_ = axes_of(ax, size=(7.0, 1.8 + 0.27 * len(shown)))
        places = np.arange(len(shown))
        for verdict, colour in _COLOURS.items():
            chosen = (shown["verdict"] == verdict).to_numpy()
            if chosen.any():
                self._dumbbells(places[chosen], shown[chosen], colour, verdict)
        name_ticks(self.ax_.yaxis, shown.index)
        self.ax_.set_ylim(len(shown) - 0.4, -0.6)
        self.ax_.grid(axis="x", alpha=0.3)
        n_others = len(self.report) - len(shown)
        note = f"\n{len(shown)} of {len(self.report)} tasks, those that differ most" if n_others else ""
        self.ax_.set_xlabel(f"score: hollow alone, filled together; bar: interval of the difference{note}")
        self.ax_.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)
        return self

    def _shown(self, max_tasks: int) -> pd.DataFrame:
        """Choose tasks, those that gained most first."""
        size = (self.report["difference"] / self.report["standard_error"]).abs().fillna(-1)
        chosen = size.sort_values(ascending=False, kind="stable").index[:max_tasks]
        return self.report.loc[chosen].sort_values("difference", ascending=False, kind="stable")

    def _dumbbells(self, places: np.ndarray, rows: pd.DataFrame, colour: str, verdict: str) -> None:
        alone, joint = rows["alone"].to_numpy(), rows["joint"].to_numpy()
        low, high = (alone + rows[edge].to_numpy() for edge in ("low", "high"))
        self.ax_.hlines(places, low, high, color=colour, linewidth=7, alpha=0.25)
        self.ax_.hlines(places, alone, joint, color=colour, linewidth=2)
        self.ax_.scatter(alone, places, s=36, facecolor=self.ax_.get_facecolor(), edgecolor=colour, zorder=3)
        self.ax_.scatter(joint, places, s=36, color=colour, zorder=3, label=verdict)
