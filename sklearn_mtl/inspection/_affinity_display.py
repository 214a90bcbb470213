"""What tasks have in common, as a picture."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from ._affinity import clustering, task_affinity

_MOST_NUMBERS = 12  # tasks, for numbers in cells
_MOST_NAMES = 50


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
        method: Literal["residuals", "attention", "gradient"] = "residuals",
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

    def plot(self, ax: Any = None, *, cmap: Any = "RdBu_r") -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.
        cmap : str or Colormap, default="RdBu_r"
            From -1 to 1.

        Returns
        -------
        TaskAffinityDisplay
            This one, with `ax_` and `figure_`.
        """
        from matplotlib import pyplot

        n_tasks = len(self.affinity)
        if ax is None:
            size = float(np.clip(2.5 + 0.3 * n_tasks, 4.0, 11.0))
            _, ax = pyplot.subplots(figsize=(size + 1.0, size), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        values = self.affinity.to_numpy(dtype=np.float64)
        image = ax.imshow(values, cmap=cmap, vmin=-1, vmax=1, interpolation="nearest")
        self.figure_.colorbar(image, ax=ax, label="affinity", shrink=0.8)
        step = -(-n_tasks // _MOST_NAMES)
        places = list(range(0, n_tasks, step))
        names = [_shortened(self.affinity.index[place]) for place in places]
        size = 9 if len(places) <= 30 else 7
        ax.set_xticks(places, names, rotation=90, fontsize=size)
        ax.set_yticks(places, names, fontsize=size)
        if step > 1:
            ax.set_xlabel(f"{n_tasks} tasks, one name in {step}")
        if n_tasks <= _MOST_NUMBERS:
            self._numbers(values)
        return self

    def _numbers(self, values: np.ndarray) -> None:
        for place, value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = "white" if abs(value) > 0.6 else "black"
                self.ax_.text(place[1], place[0], f"{value:.2f}", ha="center", va="center", color=colour)


def _order(affinity: pd.DataFrame) -> np.ndarray:
    """Put tasks that are alike beside each other."""
    if len(affinity) < 3:
        return np.arange(len(affinity))
    distance = 1 - np.nan_to_num(affinity.to_numpy(dtype=np.float64))
    np.fill_diagonal(distance, 0.0)
    return np.asarray(
        leaves_list(optimal_leaf_ordering(clustering(affinity), squareform(distance, checks=False)))
    )


def _shortened(name: Any) -> str:
    text = " ".join(str(name).split()).replace("$", r"\$")
    return text if len(text) <= 20 else f"{text[:19]}…"
