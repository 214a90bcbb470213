"""What tasks have in common, as a picture."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from ._affinity import Method, clustering, task_affinity
from ._draw import axes_of, heat_map, is_dark, step_of_names

_MOST_NUMBERS = 12  # tasks, for numbers in cells
_ON_DARK = ("#5aa9ff", "#16191d", "#ff7a66")


class TaskAffinityDisplay:
    """How much each two tasks have in common: a heat map in which tasks that are alike stand together.

    Parameters
    ----------
    affinity : DataFrame of shape (T, T)
        As `task_affinity` gives it.

    Attributes
    ----------
    affinity : DataFrame of shape (T, T)
        As given, in the order of the picture.
    ax_ : matplotlib Axes
        With the picture.
    figure_ : matplotlib Figure
        Of the axes.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_mtl.inspection import TaskAffinityDisplay
    >>> names = ["a", "b", "c"]
    >>> affinity = pd.DataFrame([[1, 0.1, 0.8], [0.1, 1, 0.2], [0.8, 0.2, 1]], names, names)
    >>> display = TaskAffinityDisplay.from_affinity(affinity)
    >>> order = display.affinity.index.tolist()
    >>> abs(order.index("a") - order.index("c"))  # tasks that are alike stand side by side
    1
    """

    def __init__(self, affinity: pd.DataFrame) -> None:
        order = _order(affinity)
        self.affinity = affinity.iloc[order, order]

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        method: Method = "residuals",
        ax: Any = None,
    ) -> Self:
        """Measure by `task_affinity`, and draw.

        Parameters
        ----------
        estimator, X, y, method : object
            As for `task_affinity`.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.

        Returns
        -------
        TaskAffinityDisplay
        """
        return cls(task_affinity(estimator, X, y, method=method)).plot(ax=ax)

    @classmethod
    def from_affinity(cls, affinity: pd.DataFrame, *, ax: Any = None) -> Self:
        """Draw what `task_affinity` gave.

        Parameters
        ----------
        affinity : DataFrame of shape (T, T)
            Symmetric.
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.

        Returns
        -------
        TaskAffinityDisplay
        """
        return cls(affinity).plot(ax=ax)

    def plot(self, ax: Any = None, *, cmap: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.
        cmap : str or Colormap, optional
            From -1 to 1. Default: one for a light or for a dark background.

        Returns
        -------
        TaskAffinityDisplay
            This one, with `ax_` and `figure_`.
        """
        from matplotlib.colors import LinearSegmentedColormap, Normalize

        n_tasks = len(self.affinity)
        side = float(np.clip(2.5 + 0.3 * n_tasks, 4.0, 11.0))
        self.figure_, self.ax_ = axes_of(ax, size=(side + 1.0, side))
        dark = LinearSegmentedColormap.from_list("affinity", _ON_DARK)
        heat_map(
            self.ax_,
            self.affinity.to_numpy(dtype=np.float64),
            names=(self.affinity.index, self.affinity.index),
            cmap=cmap or (dark if is_dark(self.ax_) else "RdBu_r"),
            norm=Normalize(-1, 1),
            label="affinity",
            number=".2f" if n_tasks <= _MOST_NUMBERS else None,
            aspect="auto",  # constrained layout cuts names beside axes of a fixed aspect
        )
        step = step_of_names(n_tasks)
        if step > 1:
            self.ax_.set_xlabel(f"{n_tasks} tasks, one name in {step}")
        return self


def _order(affinity: pd.DataFrame) -> np.ndarray:
    """Put tasks that are alike beside each other."""
    if len(affinity) < 3:
        return np.arange(len(affinity))
    distance = 1 - np.nan_to_num(affinity.to_numpy(dtype=np.float64))
    np.fill_diagonal(distance, 0.0)
    return np.asarray(
        leaves_list(optimal_leaf_ordering(clustering(affinity), squareform(distance, checks=False)))
    )
