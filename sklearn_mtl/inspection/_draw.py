"""What the displays have in common: axes, colours for light and dark backgrounds, names that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST_NAMED = 8  # lines with a colour and a name of their own
MOST_NAMES = 50  # along an axis
_MOST_UPRIGHT = 6
_MOST_LARGE = 30


def axes_of(ax: Any, *, size: tuple[float, float]) -> tuple[Any, Any]:
    """Give figure and axes: those of `ax`, or new ones of some size in inches.

    Parameters
    ----------
    ax : matplotlib Axes or None
    size : tuple of float
        Width and height of a new figure.

    Returns
    -------
    tuple of Figure and Axes
    """
    from matplotlib import pyplot

    if ax is not None:
        return ax.figure, ax
    return pyplot.subplots(figsize=size, layout="constrained")


def is_dark(ax: Any) -> bool:
    """Say whether axes have a dark background.

    Parameters
    ----------
    ax : matplotlib Axes

    Returns
    -------
    bool
    """
    from matplotlib.colors import to_rgba

    # A transparent background says nothing; the text that is to stand out from it does.
    colour = ax.get_facecolor()
    return _light(colour) < 0.5 if to_rgba(colour)[3] > 0.5 else _light(ax.xaxis.label.get_color()) > 0.5


def _light(colour: Any) -> float:
    """Say how light a colour is, from 0 to 1."""
    from matplotlib.colors import to_rgba

    return float(np.dot(to_rgba(colour)[:3], [0.299, 0.587, 0.114]))


def shorten(name: Any, most: int = 28) -> str:
    """Cut a long name.

    Parameters
    ----------
    name : object
    most : int, default=28
        Letters.

    Returns
    -------
    str
        Without the dollar signs that matplotlib takes for mathematics.
    """
    text = " ".join(str(name).split()).replace("$", r"\$")
    return text if len(text) <= most else f"{text[: most - 1]}…"


def heat_map(
    ax: Any,
    values: NDArray[np.float64],
    *,
    names: tuple[pd.Index[Any], pd.Index[Any]],
    cmap: Any,
    norm: Any,
    label: str,
    number: str | None,
    **style: Any,
) -> None:
    """Draw a matrix: its cells, the names of its sides, a bar of colours, and perhaps numbers.

    Parameters
    ----------
    ax : matplotlib Axes
    values : ndarray of shape (R, C)
        NaN is left empty.
    names : (Index of length R, Index of length C)
        Of rows and columns.
    cmap : str or Colormap
    norm : Normalize
        From values to colours.
    label : str
        Of the bar.
    number : str or None
        How a number is written into its cell, as for `format`; none are without.
    **style : object
        As for ``imshow``.
    """
    image = ax.imshow(values, cmap=cmap, norm=norm, interpolation="nearest", **style)
    name_ticks(ax.yaxis, names[0])
    name_ticks(ax.xaxis, names[1])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02)
    bar.set_label(label)
    bar.outline.set_visible(False)
    if number is None:
        return
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if _light(image.cmap(norm(value))) < 0.5 else "black"
            ax.text(
                column, row, format(value, number), ha="center", va="center", color=colour, fontsize="small"
            )


def name_ticks(axis: Any, names: pd.Index[Any]) -> None:
    """Write names along an axis, at 0, 1, …: of more than 50 one in so many.

    Parameters
    ----------
    axis : matplotlib Axis
    names : Index
    """
    places = range(0, len(names), step_of_names(len(names)))
    style: dict[str, Any] = {"fontsize": "medium" if len(places) <= _MOST_LARGE else "small"}
    if axis.axis_name == "x":
        few = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
        style |= few if len(places) <= _MOST_UPRIGHT else {"rotation": 90}
    axis.set_ticks(places, [shorten(names[place], 24) for place in places], **style)


def step_of_names(n_names: int) -> int:
    """Say that one name in so many is written.

    Parameters
    ----------
    n_names : int

    Returns
    -------
    int
    """
    return -(-n_names // MOST_NAMES)


def draw_lines(
    ax: Any,
    lines: Mapping[str, tuple[Any, Any]],
    *,
    at_the_edges: Sequence[str],
    longest_name: int = 28,
    **style: Any,
) -> dict[str, Any]:
    """Draw a line a task: in colours with a legend for few, in grey with the outermost ones named for many.

    Parameters
    ----------
    ax : matplotlib Axes
    lines : dict from str to tuple of arrays
        The places of each task.
    at_the_edges : sequence of str
        Tasks that are named where there are many.
    longest_name : int, default=28
        Letters of a name in the legend.
    **style : object
        Of all lines.

    Returns
    -------
    dict from str to colour
        Of each task.
    """
    if len(lines) <= MOST_NAMED:
        colours = {task: f"C{place}" for place, task in enumerate(lines)}
    else:
        grey = "0.6" if is_dark(ax) else "0.65"
        colours = dict.fromkeys(lines, grey) | {task: f"C{place}" for place, task in enumerate(at_the_edges)}
    for task in sorted(lines, key=lambda task: task in at_the_edges):  # what is named lies on top
        is_named = len(lines) <= MOST_NAMED or task in at_the_edges
        options = {"linewidth": 1.8 if is_named else 0.7, "alpha": 1.0 if is_named else 0.6} | style
        label = shorten(task, longest_name) if is_named else "_others"
        ax.plot(*lines[task], color=colours[task], label=label, **options)
    return colours


def note_of_others(n_shown: int, n_all: int, what: str) -> str:
    """Say how many lines have no name.

    Parameters
    ----------
    n_shown, n_all : int
    what : str
        Plural.

    Returns
    -------
    str
        Empty if all are shown.
    """
    return "" if n_shown >= n_all else f"{n_shown} of {n_all:,} {what}"


def chosen_tasks(tasks: Any, names: Sequence[str], *, owner: str) -> list[str]:
    """Check names of tasks.

    Parameters
    ----------
    tasks : str, sequence of str or None
        None: all.
    names : sequence of str
        All tasks.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        There is no such task.
    """
    chosen = list(names) if tasks is None else [tasks] if isinstance(tasks, str) else list(tasks)
    if unknown := [task for task in chosen if task not in names]:
        raise ValueError(f"{owner}: there are no tasks {unknown}; the tasks are {list(names)}.")
    return chosen


def order_of_columns(attention: pd.DataFrame) -> pd.Index:
    """Put columns in order, those first on which some task looks most.

    Parameters
    ----------
    attention : DataFrame of shape (T, C)

    Returns
    -------
    Index of length C
        Positions, not names, which may repeat.
    """
    greatest = attention.to_numpy().max(axis=0)
    return pd.Index(np.argsort(-greatest, kind="stable"))
