"""Attention of tasks to columns, as a picture."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ._draw import (
    axes_of,
    chosen_tasks,
    heat_map,
    is_dark,
    name_ticks,
    order_of_columns,
    shorten,
    step_of_names,
)
from ._importance import global_importance

_STRONG = 8.0  # times uniform attention
_MOST_NUMBERS = 80  # written into cells
_MOST_WIDTH = 15.0


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
        if not isinstance(attention, pd.DataFrame):  # sparse, of very many columns
            names = estimator._task_set.names, estimator._reader.names()
            attention = pd.DataFrame(attention.toarray(), *names)
        chosen = chosen_tasks(tasks, estimator._task_set.names, owner=cls.__name__)
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
        width = min(_MOST_WIDTH, 3.4 + max(1.6, 0.3 * n_tasks))
        size = (6.0, height) if n_tasks == 1 else (width, height + 1.0)
        self.figure_, self.ax_ = axes_of(ax, size=size)
        if n_tasks == 1:
            self._bars(relative[0], shown.columns, _note(shown, n_columns))
        else:
            self._heat_map(relative, shown.columns, _note(shown, n_columns), cmap)
        return self

    def _bars(self, relative: np.ndarray, names: pd.Index, note: str) -> None:
        self.ax_.barh(np.arange(len(names)), relative, color="C0", height=0.7)
        self.ax_.axvline(1, color="0.5", linewidth=1, linestyle=":")
        name_ticks(self.ax_.yaxis, names)
        self.ax_.invert_yaxis()
        self.ax_.set_title(shorten(self.attention.index[0], 60))
        self.ax_.set_xlabel("\n".join(filter(None, ["attention, 1 = as much as every other column", note])))
        for side in ("top", "right"):
            self.ax_.spines[side].set_visible(False)

    def _heat_map(self, relative: np.ndarray, names: pd.Index, note: str, cmap: Any) -> None:
        from matplotlib.colors import PowerNorm

        greatest = max(2.0, float(relative.max()))
        heat_map(
            self.ax_,
            relative.T,
            names=(names, self.attention.index),
            cmap=cmap or ("magma" if is_dark(self.ax_) else "Blues"),
            norm=PowerNorm(0.5 if greatest > _STRONG else 1.0, 0, greatest),  # weak shows beside strong
            label="attention, 1 = uniform",
            number=".1f" if relative.size <= _MOST_NUMBERS else None,
            aspect="auto",
        )
        step = step_of_names(len(relative))
        named = f"{len(relative)} tasks, one name in {step}" if step > 1 else ""
        self.ax_.set_xlabel("\n".join(filter(None, [named, note])))


def _note(shown: pd.DataFrame, n_columns: int) -> str:
    """Say what is not shown."""
    if shown.shape[1] == n_columns:
        return ""
    rest = 1 - float(shown.to_numpy().sum(axis=1).mean())
    return f"{shown.shape[1]} of {n_columns:,} columns; the others have {rest:.0%} of the attention"
