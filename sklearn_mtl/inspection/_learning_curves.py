"""Losses of tasks over the epochs, as a picture."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ._draw import MOST_NAMED, axes_of, chosen_tasks, draw_lines, note_of_others, shorten


class LearningCurveDisplay:
    """Loss of each task over the epochs, on held-out rows and on those that were learned from.

    Losses are relative to predicting the best constant or the base rate: 1 means that nothing was learned.

    Parameters
    ----------
    train : DataFrame of shape (epochs, T)
        Losses while training, with dropout; the index is the epoch, from 1.
    valid : DataFrame of shape (epochs, T)
        Losses on held-out rows.
    best_epoch : int
        The epoch that was kept.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the picture.
    figure_ : matplotlib Figure
        Of the axes.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.datasets import make_multitask
    >>> from sklearn_mtl.inspection import LearningCurveDisplay
    >>> X, y = make_multitask(200, 8, 2, return_X_y=True, n_informative=2, random_state=0)
    >>> estimator = MultiTaskAttentionRegressor(preset="fast", max_epochs=5, random_state=0).fit(X, y)
    >>> LearningCurveDisplay.from_estimator(estimator).valid.columns.tolist()
    ['task_0', 'task_1']
    """

    def __init__(self, train: pd.DataFrame, valid: pd.DataFrame, best_epoch: int) -> None:
        self.train = train
        self.valid = valid
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator: Any, *, tasks: Any = None, ax: Any = None) -> Self:
        """Draw the history of an estimator.

        Parameters
        ----------
        estimator : estimator
            One of this package, fitted.
        tasks : str or list of str, optional
            Only these.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.

        Returns
        -------
        LearningCurveDisplay
        """
        check_is_fitted(estimator, "net_")
        history = estimator.history_.set_index("epoch")
        chosen = chosen_tasks(tasks, estimator.task_names_, owner=cls.__name__)
        train, valid = (
            history[[f"{part}_loss_{task}" for task in chosen]].set_axis(chosen, axis="columns")
            for part in ("train", "valid")
        )
        return cls(train, valid, estimator.best_epoch_).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw; of more than 8 tasks, the two best and the two worst ones are named.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.

        Returns
        -------
        LearningCurveDisplay
            This one, with `ax_` and `figure_`.
        """
        self.figure_, self.ax_ = axes_of(ax, size=(7.0, 4.2))
        ranked = pd.Series(self.valid.loc[self.best_epoch]).sort_values().index.tolist()
        edges = [*ranked[:2], *ranked[-2:]]
        lines = {task: (self.valid.index, self.valid[task]) for task in ranked}
        colours = draw_lines(self.ax_, lines, at_the_edges=edges)
        if len(ranked) <= MOST_NAMED:
            for task in ranked:
                self.ax_.plot(
                    self.train.index, self.train[task], color=colours[task], ls="--", lw=0.9, alpha=0.7
                )
        self.ax_.axhline(1, color="0.5", linewidth=1, linestyle=":")
        self.ax_.axvline(self.best_epoch, color="0.5", linewidth=1)
        side = "right" if self.best_epoch > self.valid.index[len(self.valid) // 2] else "left"
        self.ax_.annotate(
            f" kept: {self.best_epoch} ", (self.best_epoch, 1), xycoords=("data", "axes fraction"),
            xytext=(0, -3), textcoords="offset points", va="top", ha=side, fontsize="small",
        )  # fmt: skip
        note = note_of_others(len(edges), len(ranked), "tasks named") if len(ranked) > MOST_NAMED else ""
        named = "held-out rows" if len(ranked) > MOST_NAMED else "held-out rows; dashed: training rows"
        self.ax_.set_xlabel("epoch" + (f" ({note})" if note else ""))
        self.ax_.set_ylabel(f"loss, 1 = nothing learned\n{named}")
        top = float(self.valid.to_numpy().max())
        self.ax_.set_ylim(0, min(1.5, max(1.05, 1.05 * top)))
        legend = self.ax_.legend(fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        legend.set_title(shorten("best to worst"))
        for side in ("top", "right"):
            self.ax_.spines[side].set_visible(False)
        return self
