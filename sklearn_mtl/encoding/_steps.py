"""Sequence columns: cells that hold the steps of a series, of one or several channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from ._columns import ColumnInfo, Columns, Sequences
from ._continuation import Continuation, find_continuation
from ._scaling import NumberScaling, observed_columns
from ._table import Values

_VALUES_AT_ONCE = 2**20
_MOST_WINDOW = 1024  # columns of the linear view, of one sequence column
_SUMMARIES = ("mean", "deviation", "least", "greatest", "first", "last", "slope")
_RELATIVE = {"mean", "least", "greatest", "first"}  # to a centre; the last value tells the level
_AUTO_TOKENS = 8


class SequenceColumns(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Which columns of ``X`` are sequences, and how the networks read them: the parameter ``sequences``.

    Parameters
    ----------
    columns : list of str or int, or None, default=None
        Names of the sequence columns, places in an array. None finds them: a column is one where any cell is
        a list, tuple or array of numbers.
    centre : {"auto", "none", "last", "mean"}, default="auto"
        What each channel is seen relative to, row by row: its last value or its mean, which is there as a
        number beside. ``"auto"``: the last value in columns that tasks are learned relative to, else nothing.
    relative_labels : bool, default=True
        Learn tasks of numbers that continue a channel, as in forecasting, relative to its last value. These
        are the tasks of which less than half of the variance is left when the last value of a channel is
        subtracted; ``tasks_`` says which.
    encoder : {"none", "self_attention", "convolution", "recurrent"}, default="none"
        What lets steps take from each other before they are pooled: self-attention, a convolution, or gated
        recurrent units from both ends.
    n_layers : int, default=1
        Of the encoder.
    window : int or None, default=None
        How far away a step may be that another one sees in a layer. None: any distance in self-attention, two
        steps in a convolution. Recurrent units have none.
    pooling : {"attention", "top_k", "mean", "max", "strides", "hybrid"}, default="attention"
        How steps become the column's tokens: each by an attention of its own, over all steps or the ``top_k``
        with the greatest weights; their mean or maximum; the means of equal parts, in order; or mean, maximum
        and such parts.
    n_tokens : int or "auto", default="auto"
        Tokens of a column, 3 or more for ``"hybrid"``. ``"auto"``: 8, but 1 for ``"mean"`` and ``"max"``.
    top_k : int, default=8
        Steps of each token of ``pooling="top_k"``.
    max_length : int or None, default=1024
        Of a longer sequence the last steps are read; ``verbose`` says so. None reads all.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl import MultiTaskAttentionRegressor, SequenceColumns
    >>> X = np.random.default_rng(0).normal(size=(60, 20, 2)).cumsum(axis=1)  # rows, steps, channels
    >>> y = X[:, -1]
    >>> sequences = SequenceColumns(encoder="convolution", window=1)
    >>> model = MultiTaskAttentionRegressor(sequences=sequences, max_epochs=3, random_state=0).fit(X, y)
    >>> model.columns_[["kind", "cardinality", "channels"]]
            kind  cardinality  channels
    x0  sequence           20         2
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "columns": [list, tuple, None],
        "centre": [StrOptions({"auto", "none", "last", "mean"})],
        "relative_labels": ["boolean"],
        "encoder": [StrOptions({"none", "self_attention", "convolution", "recurrent"})],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "window": [Interval(Integral, 0, None, closed="left"), None],
        "pooling": [StrOptions({"attention", "top_k", "mean", "max", "strides", "hybrid"})],
        "n_tokens": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "top_k": [Interval(Integral, 1, None, closed="left")],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        columns: Sequence[Any] | None = None,
        centre: str = "auto",
        relative_labels: bool = True,
        encoder: str = "none",
        n_layers: int = 1,
        window: int | None = None,
        pooling: str = "attention",
        n_tokens: int | str = "auto",
        top_k: int = 8,
        max_length: int | None = 1024,
    ) -> None:
        self.columns = columns
        self.centre = centre
        self.relative_labels = relative_labels
        self.encoder = encoder
        self.n_layers = n_layers
        self.window = window
        self.pooling = pooling
        self.n_tokens = n_tokens
        self.top_k = top_k
        self.max_length = max_length

    def check(self, *, owner: str) -> None:
        """Refuse parameters that cannot be used.

        Parameters
        ----------
        owner : str
            The estimator's class name, for error messages.

        Raises
        ------
        ValueError
            The message names the parameter.
        """
        where = f"{owner}: sequences=SequenceColumns"
        validate_parameter_constraints(self._parameter_constraints, self.get_params(deep=False), where)
        if self.window is not None and self.encoder in ("none", "recurrent"):
            raise ValueError(
                f"{where}(encoder={self.encoder!r}, window={self.window}): this encoder has no window; "
                "choose 'self_attention' or 'convolution', or leave window=None."
            )
        if self.pooling == "hybrid" and self.n_tokens != "auto" and int(self.n_tokens) < 3:
            raise ValueError(
                f"{where}(pooling='hybrid', n_tokens={self.n_tokens}): expected 3 or more: mean, "
                "maximum, and the parts."
            )

    @property
    def n_tokens_of_each(self) -> int:
        """How many tokens a column has."""
        if self.n_tokens != "auto":
            return int(self.n_tokens)
        return 1 if self.pooling in ("mean", "max") else _AUTO_TOKENS

    def of_networks(self) -> dict[str, Any]:
        """Give what networks make of steps: encoder, pooling, and their options.

        Returns
        -------
        dict
        """
        return {
            "encoder": self.encoder,
            "n_layers": self.n_layers,
            "window": self.window,
            "pooling": self.pooling,
            "n_tokens": self.n_tokens_of_each,
            "top_k": self.top_k,
        }

    def find_continuation(
        self,
        infos: Iterable[ColumnInfo],
        columns: Columns,
        labels: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> Continuation | None:
        """Find the channels that tasks are learned relative to, as :func:`find_continuation` does.

        Parameters
        ----------
        infos, columns, labels, weights
            As there.

        Returns
        -------
        Continuation or None
            None if no task continues any.
        """
        if not self.relative_labels:
            return None
        found = find_continuation(infos, columns, labels, weights)
        return found if found else None


def holds_sequences(values: Values, *, is_present: NDArray[np.bool_]) -> bool:
    """Say whether any cell of a column is a list, tuple or array of numbers.

    Parameters
    ----------
    values : ndarray or ExtensionArray of shape (B,)
        One column.
    is_present : ndarray of bool, shape (B,)
        Rows that count.

    Returns
    -------
    bool
    """
    if values.dtype.kind != "O" or isinstance(values.dtype, pd.CategoricalDtype):
        return False
    objects = np.asarray(values, dtype=object)[is_present]
    return any(isinstance(cell, list | tuple | np.ndarray) and _starts_with_number(cell) for cell in objects)


def _starts_with_number(cell: Any) -> bool:
    while isinstance(cell, list | tuple | np.ndarray):
        if isinstance(cell, np.ndarray) and cell.dtype.kind in "biuf":
            return True
        if not len(cell):
            return True
        cell = cell[0]
    return cell is None or types.is_number(cell)


class SequenceReader:
    """One sequence column: its steps, and the numbers that sum them up.

    A sequence is a list or array of numbers, or of steps each of which has a number for each channel. NaN is
    a missing value; steps at the end that are NaN in all channels are not there: they pad. A cell that is
    missing or has no steps is a missing sequence.

    The numbers are mean, standard deviation, least and greatest value, first, last and slope of each channel,
    and the length. Steps and numbers but deviation, slope, length and the centre itself, and the last value,
    are relative to the centre.

    Parameters
    ----------
    max_length : int or None
        Of a longer sequence the last steps are read; of all, all with None.
    centre : {"none", "last", "mean"}, default="none"
        Of each row and channel. It can be changed after ``fit``.

    Attributes
    ----------
    n_channels : int
    length : int
        Most steps that are read of any sequence.
    is_cut : bool
        Some sequence has more.
    parts : tuple of str
        The numbers.

    Examples
    --------
    >>> cells = np.array([[1.0, 2.0, 4.0], None, [3.0, np.nan]], dtype=object)
    >>> reader = SequenceReader(max_length=None).fit(cells, is_present=np.ones(3, dtype=bool))
    >>> sequences, numbers = reader.read(cells)
    >>> sequences.lengths.tolist(), sequences.values.ravel().tolist()
    ([3, 0, 1], [1.0, 2.0, 4.0, 3.0, nan])
    >>> dict(zip(reader.parts, numbers[0].tolist(), strict=True))["slope"]
    1.5
    """

    n_channels: int
    length: int
    is_cut: bool
    parts: tuple[str, ...]

    def __init__(self, *, max_length: int | None, centre: str = "none") -> None:
        self.max_length, self.centre = max_length, centre

    def fit(self, values: Values, *, is_present: NDArray[np.bool_]) -> SequenceReader:
        """Learn the number of channels.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Cells.
        is_present : ndarray of bool, shape (B,)
            Rows that count.

        Returns
        -------
        SequenceReader
            Itself.

        Raises
        ------
        TypeError, ValueError
            A cell is no sequence, has another number of channels, or none has any step.
        """
        cells = _cells(values)
        self.n_channels = next((cell.shape[1] for cell in cells if cell is not None and len(cell)), 0)
        longest = int(self._joined(cells).lengths[is_present].max(initial=0))
        if not longest:
            raise ValueError("has no sequence with any step in its rows; drop the column.")
        self.length = longest if self.max_length is None else min(longest, self.max_length)
        self.is_cut = self.length < longest
        channels = [""] if self.n_channels == 1 else [f" {place}" for place in range(self.n_channels)]
        of_channels = (f"{name}{channel}" for name in _SUMMARIES for channel in channels)
        self.parts = (*of_channels, "length")
        return self

    def read(self, values: Values) -> tuple[Sequences, NDArray[np.float64]]:
        """Read a column.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Cells.

        Returns
        -------
        sequences : Sequences
        numbers : ndarray of shape (B, number of parts)
            NaN of a missing sequence, and of a channel that is missing in all of its steps.

        Raises
        ------
        TypeError, ValueError
            A cell is no sequence, or has another number of channels than in ``fit``.
        """
        sequences = self._joined(_cells(values))
        if self.max_length is not None:
            sequences = sequences.last(self.max_length)
        summaries = np.full((len(sequences), len(_SUMMARIES), self.n_channels), np.nan)
        for rows, block in _padded_blocks(sequences):
            summaries[rows] = _summaries(block)
        if self.centre != "none":
            centres = summaries[:, _SUMMARIES.index(self.centre)].copy()  # (B, C)
            relative = [place for place, name in enumerate(_SUMMARIES) if name in _RELATIVE - {self.centre}]
            summaries[:, relative] -= centres[:, None]
            sequences = _relative_to(sequences, np.nan_to_num(centres, nan=0.0))
        lengths = np.where(sequences.lengths > 0, sequences.lengths, np.nan)
        return sequences, np.column_stack([summaries.reshape(len(sequences), -1), lengths])

    def _joined(self, cells: list[NDArray[np.float64] | None]) -> Sequences:
        for row, cell in enumerate(cells):
            if cell is not None and len(cell) and cell.shape[1] != self.n_channels:
                raise ValueError(
                    f"has a sequence of {cell.shape[1]} channels in row {row}, others have "
                    f"{self.n_channels}; give each step as many numbers."
                )
        there = [cell for cell in cells if cell is not None and len(cell)]
        values = np.concatenate(there) if there else np.empty((0, self.n_channels))
        lengths = np.array([0 if cell is None else len(cell) for cell in cells], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        if np.isinf(values).any():
            step = int(np.argmax(np.isinf(values).any(axis=1)))
            row = int(np.searchsorted(starts, step, side="right")) - 1
            raise ValueError(
                f"contains infinity or a value too large in row {row}, step {step - starts[row]}; replace it "
                "by NaN, which means missing, or by a finite number."
            )
        return Sequences(values, starts, _without_padding(values, lengths))


class StepScaling:
    """Sequences made ready for the network and the linear view.

    For the network each channel is scaled as :class:`NumberScaling` does, by the steps of the training rows;
    missing values become 0, and a channel with some gets a flag of them beside. The linear view has the last
    steps as they are, as many as the shortest of the training sequences has, up to 1,024 values.

    Attributes
    ----------
    n_features : int
        Channels and flags.
    n_window : int
        Steps of the linear view.

    Examples
    --------
    >>> values = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [2.0]])
    >>> sequences = Sequences(values, np.array([0, 2]), np.array([2, 4]))
    >>> scaling = StepScaling().fit(sequences)
    >>> scaling.transform(sequences).values.astype(float).round(2).ravel().tolist()
    [-1.54, -0.86, 0.0, 0.86, 1.54, 0.0]
    >>> scaling.window(sequences).tolist()
    [[0.0, 1.0], [4.0, 2.0]]
    """

    def fit(self, sequences: Sequences, *, rows: NDArray[np.int64] | None = None) -> StepScaling:
        """Learn scales, missing values and the length of the window.

        Parameters
        ----------
        sequences : Sequences
            B rows.
        rows : ndarray of int64, default=None
            Learn from these rows, in this order; from all by default.

        Returns
        -------
        StepScaling
            Itself.
        """
        seen = sequences if rows is None else sequences[rows]
        values = seen.gathered().values
        self._scaling = NumberScaling().fit(values)
        self._flagged = np.flatnonzero(np.isnan(values).any(axis=0))
        n_channels = values.shape[1]
        self.n_features = n_channels + len(self._flagged)
        shortest = int(min(seen.lengths[seen.lengths > 0], default=1))
        self.n_window = min(shortest, _MOST_WINDOW // n_channels)
        return self

    def transform(self, sequences: Sequences) -> Sequences:
        """Prepare rows for the network.

        Parameters
        ----------
        sequences : Sequences
            B rows.

        Returns
        -------
        Sequences
            With `n_features` channels in float32, and nothing but the steps of these rows.
        """
        gathered = sequences.gathered()
        flags = np.isnan(gathered.values[:, self._flagged])
        scaled = np.nan_to_num(self._scaling.transform(gathered.values), nan=0.0)
        return replace(gathered, values=np.hstack([scaled, flags], dtype=np.float32))

    def window(self, sequences: Sequences) -> NDArray[np.floating]:
        """Give the last steps of rows for the linear view, one after the other.

        Parameters
        ----------
        sequences : Sequences
            B rows.

        Returns
        -------
        ndarray of shape (B, n_window * n_channels)
            NaN where missing.
        """
        return sequences.last(self.n_window).padded(self.n_window).reshape(len(sequences), -1)

    def window_columns(
        self, sequences: Sequences, *, rows: NDArray[np.int64] | None = None
    ) -> Iterator[NDArray[np.floating]]:
        """Yield the observed values of each column of `window`, of some rows or all.

        Parameters
        ----------
        sequences : Sequences
            B rows.
        rows : ndarray of int64, default=None

        Yields
        ------
        ndarray of float64
        """
        return observed_columns(self.window(sequences if rows is None else sequences[rows]))


def _cells(values: Values) -> list[NDArray[np.float64] | None]:
    """Read each cell as steps and channels, (L, C); None where missing."""
    return [_cell(cell, row) for row, cell in enumerate(np.asarray(values, dtype=object))]


def _cell(cell: Any, row: int) -> NDArray[np.float64] | None:
    if isinstance(cell, pd.Series | pd.api.extensions.ExtensionArray):
        cell = cell.to_numpy()
    if not isinstance(cell, list | tuple | np.ndarray):
        if pd.isna(cell):
            return None
        raise TypeError(
            f"has sequences and, in row {row}, {cell!r}, which is of type {type(cell).__name__}; make it a "
            "list or array of numbers, or mark it missing with None."
        )
    try:
        steps = np.asarray(cell)
        if steps.dtype.kind not in "biufO":
            raise ValueError
        steps = np.where(pd.isna(steps), np.nan, steps) if steps.dtype.kind == "O" else steps
        steps = steps.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"has a sequence that is no list or array of numbers in row {row}: {_shortened(cell)}; give each "
            "step a number, or as many numbers as there are channels."
        ) from error
    if steps.ndim not in (1, 2):
        raise ValueError(
            f"has a sequence with {steps.ndim} axes in row {row}, of shape {steps.shape}; expected (steps,) "
            "or (steps, channels)."
        )
    return steps[:, None] if steps.ndim == 1 else steps


def _shortened(cell: Any) -> str:
    shown = repr(cell)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def _without_padding(values: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the steps of each row up to the last that is not NaN in all channels."""
    starts = np.cumsum(lengths) - lengths
    order = np.arange(len(values)) - np.repeat(starts, lengths)
    reached = np.where(np.isnan(values).all(axis=1), 0, order + 1)
    found = np.zeros_like(lengths)
    there = np.flatnonzero(lengths)
    if len(there):
        found[there] = np.maximum.reduceat(reached, starts[there])
    return found


def _relative_to(sequences: Sequences, centres: NDArray[np.float64]) -> Sequences:
    """Subtract a centre (B, C) from the steps of each row."""
    gathered = sequences.gathered()
    return replace(gathered, values=gathered.values - np.repeat(centres, gathered.lengths, axis=0))


def _padded_blocks(sequences: Sequences) -> Iterator[tuple[NDArray[np.intp], NDArray[np.floating]]]:
    """Cut rows that have steps into blocks, sorted by length; each padded with NaN, (b, L, C)."""
    order = np.argsort(sequences.lengths, kind="stable")
    order = order[sequences.lengths[order] > 0]
    n_channels = sequences.values.shape[1]
    while len(order):
        n_rows = max(1, _VALUES_AT_ONCE // (int(sequences.lengths[order[-1]]) * n_channels))
        rows, order = order[-n_rows:], order[:-n_rows]
        yield rows, sequences[rows].padded(int(sequences.lengths[rows[-1]]))


def _summaries(block: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sum up each channel of sequences that end where the block ends; (b, L, C) to (b, 7, C)."""
    there = ~np.isnan(block)
    n = there.sum(axis=1)  # (b, C)
    some = np.maximum(n, 1)
    filled = np.where(there, block, 0.0)
    step = np.arange(block.shape[1], dtype=np.float64)[:, None]
    mean = filled.sum(axis=1) / some
    mean_step = (there * step).sum(axis=1) / some
    away = np.where(there, block - mean[:, None], 0.0)
    along = np.where(there, step - mean_step[:, None], 0.0)
    varied = (along**2).sum(axis=1)
    slope = (away * along).sum(axis=1) / np.where(varied > 0, varied, 1.0)
    first = np.take_along_axis(block, there.argmax(axis=1)[:, None], axis=1)[:, 0]
    last = np.take_along_axis(block, -1 - there[:, ::-1].argmax(axis=1)[:, None], axis=1)[:, 0]
    summaries = [
        mean,
        np.sqrt((away**2).sum(axis=1) / some),
        np.where(there, block, np.inf).min(axis=1),
        np.where(there, block, -np.inf).max(axis=1),
        first,
        last,
        slope,
    ]
    return np.where(n[:, None] > 0, np.stack(summaries, axis=1), np.nan)
