"""Attention to the words of a text, as shaded text."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from ._draw import axes_of, chosen_tasks, is_dark

_OWNER = "WordAttentionDisplay"
_RED, _GREEN, _BLUE = 255, 127, 14
_STRONGEST = 0.75  # opacity of the word with the most attention
_WIDTH = 7.0
_FONT_SIZE = 11
# Fonts that have Chinese, Japanese and Korean characters, the first that is installed is taken.
_WIDE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Arial Unicode MS", "Droid Sans Fallback",
)  # fmt: skip


class WordAttentionDisplay:
    """A text, each word shaded by its weight.

    In a notebook it shows itself as HTML, which selects and copies as text, on light and dark backgrounds.

    Parameters
    ----------
    words : sequence of str
        In the order of the text.
    weights : array-like of shape (L,)
        Not negative; shades are relative to the greatest one.
    title : str, default=""
        What stands above, such as the task.
    spaced : bool, default=True
        Put spaces between words, but for those of scripts without. False: `words` are all pieces of a text,
        its spaces among them.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the picture, after `plot`.
    figure_ : matplotlib Figure
        Of the axes.

    Raises
    ------
    ValueError
        There are not as many weights as words, or one is negative or NaN.

    Examples
    --------
    >>> from sklearn_mtl.inspection import WordAttentionDisplay
    >>> display = WordAttentionDisplay(["no", "chest", "pain"], [0.1, 0.3, 0.6], title="infarction")
    >>> "chest" in display._repr_html_()
    True
    """

    def __init__(
        self, words: Sequence[str], weights: ArrayLike, title: str = "", *, spaced: bool = True
    ) -> None:
        self.words = [str(word) for word in words]
        self.weights = np.asarray(weights, dtype=np.float64)
        self.title = title
        self.spaced = spaced
        if self.weights.shape != (len(self.words),):
            raise ValueError(
                f"{_OWNER}: weights have the shape {self.weights.shape}, expected ({len(self.words)},), one "
                "for each word."
            )
        if not (self.weights >= 0).all():
            raise ValueError(f"{_OWNER}: weights must not be negative or NaN, got {self.weights.min()}.")

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, *, task: str, row: int = 0, column: str | None = None
    ) -> Self:
        """Take a text as it is written, and the attention to its words.

        Terms that are sequences of characters overlap: each gives its weight to its characters in equal
        parts. What fit does not know has no shade. With a pretrained encoder, shades are the attention to its
        words.

        Parameters
        ----------
        estimator : estimator
            One of this package, fitted to texts.
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``.
        task : str
            Whose attention.
        row : int, default=0
            Which of the rows.
        column : str, optional
            The text column; needed if there are several.

        Returns
        -------
        WordAttentionDisplay
            Not drawn yet: a notebook shows it as HTML, `plot` draws.

        Raises
        ------
        ValueError
            There is no such task, or the row has no text with words that are known.
        """
        check_is_fitted(estimator, "net_")
        chosen_tasks(task, estimator._task_set.names, owner=_OWNER)
        of_row = _safe_indexing(X, [row])
        attention = estimator.word_attention(of_row)
        has_encoder = "source" in attention
        if has_encoder:
            attention = attention[attention["source"] == "encoder"]
        of_task = cls.from_frame(attention, row=next(iter(attention["row"]), None), task=task, column=column)
        place = estimator._reader.names().index(attention["column"].iloc[0] if column is None else column)
        are_of_characters = estimator._reader.texts[place].are_of_characters and not has_encoder
        text = pd.DataFrame(of_row).iloc[0, place]
        words, weights = (_by_letter if are_of_characters else _by_word)(text, of_task.words, of_task.weights)
        return cls(words, weights, str(task), spaced=False)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, row: Any, task: str, column: str | None = None) -> Self:
        """Take the words of one row and task from a tidy table.

        Parameters
        ----------
        frame : DataFrame
            With columns ``row``, ``column``, ``task``, ``word``, ``weight`` and ``position``.
        row : object
            One of those in ``row``.
        task : str
            One of those in ``task``.
        column : str, optional
            The text column; needed if there are several.

        Returns
        -------
        WordAttentionDisplay

        Raises
        ------
        ValueError
            There are no such words, or they are of several text columns.
        """
        chosen = frame[(frame["row"] == row) & (frame["task"] == task)]
        chosen = chosen if column is None else chosen[chosen["column"] == column]
        if chosen["column"].nunique() != 1:
            raise ValueError(
                f"{_OWNER}: row {row!r} and task {task!r} have words of the text columns "
                f"{chosen['column'].unique().tolist()}, expected one; choose it by column=."
            )
        chosen = chosen.sort_values("position")
        return cls(chosen["word"].tolist(), chosen["weight"].to_numpy(), title=str(task))

    def _shades(self) -> np.ndarray:
        greatest = self.weights.max(initial=0.0)
        return _STRONGEST * self.weights / greatest if greatest > 0 else np.zeros(len(self.words))

    def _begins_apart(self, place: int) -> bool:
        """Say whether a space is put before a word."""
        return self.spaced and place > 0 and _needs_space(*self.words[place - 1 : place + 1])

    def _repr_html_(self) -> str:
        parts = []
        for place, (word, shade) in enumerate(zip(self.words, self._shades(), strict=True)):
            space = " " if self._begins_apart(place) else ""
            style = f"background:rgba({_RED},{_GREEN},{_BLUE},{shade:.2f});border-radius:3px;padding:1px 0"
            weight = f"{self.weights[place]:.3g}"
            parts.append(f'{space}<span style="{style}" title="{weight}">{escape(word)}</span>')
        title = f'<div style="font-weight:600">{escape(self.title)}</div>' if self.title else ""
        style = "line-height:1.7;overflow-wrap:anywhere;white-space:pre-wrap"
        text = f'<div style="{style}">{"".join(parts)}</div>'
        return f'<div style="color:inherit;max-width:48em">{title}{text}</div>'

    def plot(self, ax: Any = None) -> Self:
        """Draw with matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a new figure.

        Returns
        -------
        WordAttentionDisplay
            This one, with `ax_` and `figure_`.
        """
        n_letters = sum(map(_letters, self.words)) + len(self.words)
        size = (_WIDTH, 0.7 + 0.3 * (1 + n_letters // 80))
        self.figure_, self.ax_ = axes_of(ax, size=size)
        self.ax_.set_axis_off()
        fonts = _fonts([*self.words, self.title])
        self.ax_.set_title(self.title, loc="left", fontweight="bold", fontsize="medium", family=fonts)
        self._write(fonts)
        return self

    def _write(self, fonts: list[str]) -> None:
        """Put word after word, and begin a line where the next would leave the axes."""
        renderer = self.figure_.canvas.get_renderer()
        self.figure_.draw_without_rendering()  # so that a layout has given the axes their size
        frame = self.ax_.get_window_extent(renderer)
        orange = _RED / 255, _GREEN / 255, _BLUE / 255
        colour = "white" if is_dark(self.ax_) else "black"
        pad = 1.5 * self.spaced  # shades of parts of a word must not overlap
        letter = _FONT_SIZE * self.figure_.dpi / 72
        space, line = 0.45 * letter, 1.9 * letter
        x, y = 0.0, 1.1 * letter  # from the upper left corner to the baseline
        for place, (word, shade) in enumerate(zip(self.words, self._shades(), strict=True)):
            box = {"facecolor": (*orange, shade), "edgecolor": "none", "pad": pad}
            text = self.ax_.text(
                0, 0, word.replace("$", r"\$"), va="baseline", color=colour, family=fonts,
                fontsize=_FONT_SIZE, transform=None, bbox=box,
            )  # fmt: skip
            extent = text.get_window_extent(renderer)
            if self._begins_apart(place):
                x += space
            if x and x + extent.width > frame.width:
                x, y = 0.0, y + line
            text.set_transform(self.ax_.transAxes)
            text.set_position((x / frame.width, 1 - y / frame.height))
            x += max(extent.width, len(word) * space if word.isspace() else 0) + 0.15 * space * self.spaced


def _by_letter(
    text: str, terms: Sequence[str], weights: NDArray[np.float64]
) -> tuple[list[str], list[float]]:
    """Give each character of a text its part of the weights of the sequences that it is in."""
    text = re.sub(r"\s\s+", " ", text)  # as scikit-learn's analyzers see it
    letters, of_letters = _lowered(text), np.zeros(len(text))
    starts: dict[int, int] = defaultdict(int)  # sequences of one length are in the order of the text
    for term, weight in zip(terms, weights, strict=True):
        core = term.strip() or term
        start = letters.find(core, starts[len(term)])
        if start >= 0:
            starts[len(term)] = start + (not term[0].isspace())  # one that begins before it begins earlier
            of_letters[start : start + len(core)] += weight / len(core)
    return list(text), of_letters.tolist()


def _by_word(text: str, terms: Sequence[str], weights: NDArray[np.float64]) -> tuple[list[str], list[float]]:
    """Cut a text into its words, those that are known with their weights, and what is between them."""
    letters, end = _lowered(text), 0
    pieces: list[str] = []
    of_pieces: list[float] = []
    for term, weight in zip(map(_lowered, terms), weights, strict=True):
        whole = re.compile(rf"(?<!\w){re.escape(term)}(?!\w)").search(letters, end)
        start = letters.find(term, end) if whole is None else whole.start()
        if start < 0:
            continue
        between = re.findall(r"\s+|\S+", text[end:start])
        end = start + len(term)
        pieces += [*between, text[start:end]]
        of_pieces += [*[0.0] * len(between), float(weight)]
    rest = re.findall(r"\s+|\S+", text[end:])
    return [*pieces, *rest], [*of_pieces, *[0.0] * len(rest)]


def _lowered(text: str) -> str:
    """Write a text in lower case, letter by letter, so that places stay."""
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def _is_wide(letter: str) -> bool:
    """Say whether a character is of a script that is written without spaces."""
    return unicodedata.east_asian_width(letter) in "WF"


def _letters(word: str) -> int:
    return sum(1 + _is_wide(letter) for letter in word)


def _needs_space(before: str, after: str) -> bool:
    if before and after and _is_wide(before[-1]) and _is_wide(after[0]):
        return False
    return not all(unicodedata.category(letter).startswith("P") for letter in after)


def _fonts(words: Sequence[str]) -> list[str]:
    """Give the families to write with: the usual one, and one for wide characters if there are some."""
    from matplotlib import font_manager, rcParams

    usual = list(rcParams["font.family"])
    if not any(_is_wide(letter) for word in words for letter in word):
        return usual
    installed = set(font_manager.get_font_names())
    return [*usual, *[name for name in _WIDE_FONTS if name in installed][:1]]
