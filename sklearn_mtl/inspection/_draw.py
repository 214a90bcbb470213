"""What the displays have in common: axes, colours for light and dark backgrounds, names that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

MOST_NAMED = 8  # lines with a colour and a name of their own


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

    def light(colour: Any) -> float:
        return float(np.dot(to_rgba(colour)[:3], [0.299, 0.587, 0.114]))

    # A transparent background says nothing; the text that is to stand out from it does.
    colour = ax.get_facecolor()
    return light(colour) < 0.5 if to_rgba(colour)[3] > 0.5 else light(ax.xaxis.label.get_color()) > 0.5


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


def draw_lines(
    ax: Any,
    lines: Mapping[str, tuple[Any, Any]],
    *,
    at_the_edges: Sequence[str],
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
        ax.plot(*lines[task], color=colours[task], label=shorten(task) if is_named else "_others", **options)
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
