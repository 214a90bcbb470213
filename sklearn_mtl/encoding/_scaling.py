"""Numbers made ready for the network: robust scaling and quantile bins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_LEAST_WIDTH = 1e-6
_NOISE = 64 * float(np.finfo(np.float64).eps)  # relative spread of rounding errors
_ROWS_AT_ONCE = 8192
_COLUMNS_AT_ONCE = 8


class NumberScaling:
    r"""Robust scaling with a smooth clip [1]_.

    .. math:: z = (x - \mathrm{median}) / s, \qquad f(x) = z / \sqrt{1 + (z / 3)^2}

    so that f is z near the median and never leaves (-3, 3). The scale s is the interquartile range
    over 1.349, the standard deviation of a normal column; for a column with half of its values at
    one point it is the standard deviation, and 1 for a constant one. Missing values stay missing.

    Attributes
    ----------
    median_ : ndarray of shape (N,)
        0 for a column that is missing everywhere.
    scale_ : ndarray of shape (N,)
        Positive.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn, Steinwart (2024). Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data. arXiv:2407.04491.

    Examples
    --------
    >>> import numpy as np
    >>> scaling = NumberScaling().fit(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]))
    >>> scaling.transform(np.array([[2.0], [np.nan], [1e9]])).ravel().tolist()
    [0.0, nan, 3.0]
    """

    median_: NDArray[np.float64]
    scale_: NDArray[np.float64]

    def fit(
        self,
        numbers: NDArray[np.floating],
        *,
        rows: NDArray[np.int64] | None = None,
        places: NDArray[np.int64] | None = None,
    ) -> NumberScaling:
        """Learn median and scale of each column from its observed values.

        Parameters
        ----------
        numbers : ndarray of shape (B, N)
            NaN is missing.
        rows : ndarray of int64, default=None
            Learn from these rows, in this order; from all by default.
        places : ndarray of int64, default=None
            Learn these columns alone; all by default.

        Returns
        -------
        NumberScaling
            Itself.
        """
        # DIFFERS [1]_: the scale is that of a standard deviation, and falls back to it.
        centres = [
            _centre_and_scale(values) for values in observed_columns(numbers, rows=rows, places=places)
        ]
        self.median_, self.scale_ = np.array(centres).reshape(-1, 2).T.copy()
        return self

    def transform(self, numbers: NDArray[np.floating]) -> NDArray[np.float32]:
        """Scale and clip.

        Parameters
        ----------
        numbers : ndarray of shape (B, N)
            NaN is missing.

        Returns
        -------
        ndarray of shape (B, N), float32
            Between -3 and 3, NaN where missing.
        """
        scaled = np.empty(numbers.shape, dtype=np.float32)
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            with np.errstate(over="ignore"):
                z = (numbers[rows] - self.median_) / self.scale_
            np.clip(z, -1e9, 1e9, out=z)  # its square stays finite
            scaled[rows] = z / np.sqrt(1 + (z / 3) ** 2)
        return scaled


def quantile_bins(
    scaled: NDArray[np.floating], *, n_bins: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut each column at its quantiles, for the piecewise-linear encoding [1]_.

    A value x is encoded as ``clip((x - left) / width, 0, 1)``, and as 0 by a bin of width 0.

    Parameters
    ----------
    scaled : ndarray of shape (B, N)
        Scaled numbers; NaN is left out.
    n_bins : int
        At most so many bins a column. One with few distinct values has one bin between each two.

    Returns
    -------
    left : ndarray of shape (N, n_bins), float32
        Left edge of each bin, ascending.
    width : ndarray of shape (N, n_bins), float32
        0 for bins that are not used, which come last. No used bin is narrower than 1e-6.

    References
    ----------
    .. [1] Gorishniy, Rubachev, Babenko (2022). On embeddings for numerical features in tabular deep
       learning. arXiv:2203.05556.

    Examples
    --------
    >>> import numpy as np
    >>> left, width = quantile_bins(np.array([[0.0], [1.0], [3.0], [np.nan]]), n_bins=4)
    >>> left.tolist(), width.tolist()
    ([[0.0, 1.0, 0.0, 0.0]], [[1.0, 2.0, 0.0, 0.0]])
    """
    left = np.zeros((scaled.shape[1], n_bins), dtype=np.float32)
    width = np.zeros((scaled.shape[1], n_bins), dtype=np.float32)
    for column, values in enumerate(observed_columns(scaled)):
        edges = _edges(values, n_bins)
        gaps = np.diff(edges)
        used = gaps > _LEAST_WIDTH
        left[column, : used.sum()] = edges[:-1][used]
        width[column, : used.sum()] = gaps[used]
    return left, width


def observed_columns(
    numbers: NDArray[np.floating],
    *,
    rows: NDArray[np.int64] | None = None,
    places: NDArray[np.int64] | None = None,
) -> Iterator[NDArray[np.floating]]:
    """Yield the observed values of each column, or of those at some places, in some order of rows.

    A few columns are copied at a time.
    """
    n_columns = numbers.shape[1] if places is None else len(places)
    for start in range(0, n_columns, _COLUMNS_AT_ONCE):
        block = slice(start, start + _COLUMNS_AT_ONCE)
        columns = numbers[:, block if places is None else places[block]]
        for values in np.ascontiguousarray((columns if rows is None else columns[rows]).T):
            missing = np.isnan(values)
            yield values[~missing] if missing.any() else values


def mean_and_deviation(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return mean and standard deviation; a deviation of 0 for mere rounding noise."""
    if not values.size:
        return 0.0, 0.0
    values = values.astype(np.float64, copy=False)
    largest = max(-float(values.min()), float(values.max())) or 1.0
    relative = values / largest  # squares of great values stay finite
    deviation = float(relative.std())
    return largest * float(relative.mean()), largest * deviation if deviation > _NOISE else 0.0


def _centre_and_scale(values: NDArray[np.floating]) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, median, high = _quartiles(np.sort(values))
    spread = high - low
    if spread > _NOISE * max(-low, high):
        return median, spread / 1.349
    return median, mean_and_deviation(values)[1] or 1.0


def _quartiles(ordered: NDArray[np.floating]) -> list[float]:
    """Interpolate between neighbours, as numpy's default; much faster for sorted values."""
    last = len(ordered) - 1
    quartiles = []
    for place in (0.25 * last, 0.5 * last, 0.75 * last):
        below = int(place)
        part = place - below
        quartiles.append(float(ordered[below]) * (1 - part) + float(ordered[min(below + 1, last)]) * part)
    return quartiles


def _edges(values: NDArray[np.floating], n_bins: int) -> NDArray[np.floating]:
    """Cut at quantiles, ascending; (<= n_bins + 1,)."""
    distinct, counts = np.unique(np.round(values, 6), return_counts=True)
    if len(distinct) <= n_bins + 1:
        return distinct
    # DIFFERS [1]_: a value counts for one bin's share of the rows at most, so that a column with a
    # spike, at zero for one, keeps its bins for the rest of its values.
    reached = np.cumsum(np.minimum(counts, len(values) / n_bins))
    wanted = np.linspace(0, reached[-1], n_bins + 1)
    return np.unique(distinct[np.minimum(np.searchsorted(reached, wanted), len(distinct) - 1)])
