"""Attention of tasks to columns, as a picture."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ._draw import axes_of, chosen_tasks, is_dark, order_of_columns, shorten
from ._importance import global_importance

_STRONG = 8.0  # times uniform attention
_MOST_NUMBERS = 80  # written into cells


class AttentionDisplay:
    """Which columns each task attends to: a heat map of tasks and columns, bars for one task.

    Parameters
    ----------
    attention : DataFrame of shape (T, C)
        Mean attention; each row sums to 1.

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
    >>> from sklearn_mtl.inspection import AttentionDisplay
    >>> X, y = make_multitask(200, 8, 2, return_X_y=True, n_informative=2, random_state=0)
    >>> estimator = MultiTaskAttentionRegressor(preset="fast", random_state=0).fit(X, y)
    >>> display = AttentionDisplay.from_estimator(estimator)
    >>> display.attention.shape
    (2, 8)
    """

    def __init__(self, attention: pd.DataFrame) -> None:
        self.attention = attention

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, *, tasks: Any = None, ax: Any = None, max_columns: int = 40
    ) -> Self:
        """Draw the attention of an estimator.

        Parameters
        ----------
        estimator : estimator
            One of this package, fitted.
        X : DataFrame or array-like of shape (B, C), optional
            Rows to take the mean over. Default: ``feature_attention_``, that of the training rows.
        tasks : str or list of str, optional
            Only these.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.
        max_columns : int, default=40
            Columns that are shown, at most: those with the most attention of some task.

        Returns
        -------
        AttentionDisplay
        """
        check_is_fitted(estimator, "net_")
        attention = estimator.feature_attention_ if X is None else global_importance(estimator, X)
        chosen = chosen_tasks(tasks, estimator.task_names_, owner=cls.__name__)
        return cls(attention.loc[chosen]).plot(ax=ax, max_columns=max_columns)

    @classmethod
    def from_predictions(
        cls,
        weights: Any,
        *,
        task_names: Any = None,
        column_names: Any = None,
        ax: Any = None,
        max_columns: int = 40,
    ) -> Self:
        """Draw what ``attention_weights`` gave.

        Parameters
        ----------
        weights : array-like of shape (B, T, C) or (T, C)
            Attention of rows, or its mean.
        task_names : sequence of str, optional
            Of length T.
        column_names : sequence of str, optional
            Of length C.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.
        max_columns : int, default=40
            Columns that are shown, at most.

        Returns
        -------
        AttentionDisplay
        """
        mean = np.asarray(weights, dtype=np.float64)
        mean = mean.mean(axis=0) if mean.ndim == 3 else mean
        frame = pd.DataFrame(mean, index=task_names, columns=column_names)
        return cls(frame).plot(ax=ax, max_columns=max_columns)

    def plot(self, ax: Any = None, *, max_columns: int = 40, cmap: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.
        max_columns : int, default=40
            Columns that are shown, at most: those with the most attention of some task.
        cmap : str or Colormap, optional
            Default: one for a light or for a dark background.

        Returns
        -------
        AttentionDisplay
            This one, with `ax_` and `figure_`.
        """
        n_tasks, n_columns = self.attention.shape
        order = order_of_columns(self.attention)[:max_columns]
        shown = self.attention.iloc[:, order]
        relative = shown.to_numpy() * n_columns  # (T, C'), 1 is uniform
        height = 1.3 + 0.25 * len(order)
        size = (6.0, height) if n_tasks == 1 else (3.4 + max(1.6, 0.3 * n_tasks), height + 1.0)
        self.figure_, self.ax_ = axes_of(ax, size=size)
        names = [shorten(name) for name in shown.columns]
        note = _note(shown, n_columns)
        if n_tasks == 1:
            self._bars(relative[0], names, note)
        else:
            self._heat_map(relative, names, note, cmap)
        return self

    def _bars(self, relative: np.ndarray, names: list[str], note: str) -> None:
        places = np.arange(len(names))
        self.ax_.barh(places, relative, color="C0", height=0.7)
        self.ax_.axvline(1, color="0.5", linewidth=1, linestyle=":")
        self.ax_.set_yticks(places, names)
        self.ax_.invert_yaxis()
        self.ax_.set_title(shorten(self.attention.index[0], 60))
        self.ax_.set_xlabel("\n".join(filter(None, ["attention, 1 = as much as every other column", note])))
        for side in ("top", "right"):
            self.ax_.spines[side].set_visible(False)

    def _heat_map(self, relative: np.ndarray, names: list[str], note: str, cmap: Any) -> None:
        from matplotlib.colors import PowerNorm

        dark = is_dark(self.ax_)
        greatest = max(2.0, float(relative.max()))
        colours = cmap or ("magma" if dark else "Blues")
        # Weak attention is to show beside strong.
        norm = PowerNorm(0.5 if greatest > _STRONG else 1.0, 0, greatest)
        image = self.ax_.imshow(relative.T, aspect="auto", cmap=colours, norm=norm)
        tasks = [shorten(task, 20) for task in self.attention.index]
        self.ax_.set_yticks(np.arange(len(names)), names)
        turned = (
            {"rotation": 90} if len(tasks) > 6 else {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
        )
        self.ax_.set_xticks(np.arange(len(tasks)), tasks, **turned)
        self.ax_.tick_params(length=0)
        for spine in self.ax_.spines.values():
            spine.set_visible(False)
        self.ax_.set_xlabel(note)
        bar = self.figure_.colorbar(image, ax=self.ax_, fraction=0.05, pad=0.02)
        bar.set_label("attention, 1 = uniform")
        bar.outline.set_visible(False)
        if relative.size <= _MOST_NUMBERS:
            for (task, column), value in np.ndenumerate(relative):
                is_strong = norm(value) > 0.55
                colour = ("black" if dark else "white") if is_strong else ("white" if dark else "black")
                self.ax_.text(
                    task, column, f"{value:.1f}", ha="center", va="center", color=colour, fontsize=8
                )


def _note(shown: pd.DataFrame, n_columns: int) -> str:
    """Say what is not shown."""
    if shown.shape[1] == n_columns:
        return ""
    rest = 1 - float(shown.to_numpy().sum(axis=1).mean())
    return f"{shown.shape[1]} of {n_columns:,} columns; the others have {rest:.0%} of the attention"
