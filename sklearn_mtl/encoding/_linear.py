"""The design matrix of the linear view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._columns import Columns
from ._scaling import mean_and_deviation, observed_columns

_ROWS_AT_ONCE = 8192
_MOST_LEVELS = 100


class LinearDesign:
    """Columns as a matrix for linear models.

    Numbers are standardised and not squashed, so that a linear relation stays one; only what lies
    further outside of the training range than this is wide is taken as if it lay there, for a
    nearly constant column would send predictions anywhere. Missing numbers become 0, the mean, and
    columns with holes get an indicator of them. Each category column gets
    one indicator a code, of its at most 100 most frequent ones. Constant columns are left out.

    Attributes
    ----------
    n_outputs : int
        Width P of the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> columns = Columns(np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0]]), np.array([[2], [3], [3]]))
    >>> LinearDesign().fit(columns).transform(columns)
    array([[-1.,  0.,  1.,  0.],
           [ 1.,  0.,  0.,  1.],
           [ 0.,  1.,  0.,  1.]])
    """

    def fit(self, columns: Columns) -> LinearDesign:
        """Learn means, deviations, holes and levels.

        Parameters
        ----------
        columns : Columns
            Training rows.

        Returns
        -------
        LinearDesign
            Itself.
        """
        moments = np.array([_moments(values) for values in observed_columns(columns.numbers)])
        mean, deviation, low, high, n_observed = moments.reshape(-1, 5).T
        kept = np.flatnonzero(deviation)
        self._numbers, self._mean, self._deviation = kept, mean[kept], deviation[kept]
        with np.errstate(over="ignore"):
            width = high - low
            self._low, self._high = (low - width)[kept], (high + width)[kept]
        self._holes = np.flatnonzero((n_observed > 0) & (n_observed < columns.n_rows))
        codes = [_frequent_codes(codes) for codes in columns.categories.T]
        self._codes = np.concatenate([np.empty(0, dtype=np.int64), *codes])  # (K,), of all columns
        self._places = np.repeat(np.arange(len(codes)), [len(its_codes) for its_codes in codes])
        return self

    @property
    def n_outputs(self) -> int:
        """Width P of the matrix."""
        return len(self._numbers) + len(self._holes) + len(self._codes)

    def transform(self, columns: Columns) -> NDArray[np.float64]:
        """Build the matrix.

        Parameters
        ----------
        columns : Columns
            B rows with the columns of ``fit``.

        Returns
        -------
        ndarray of shape (B, P), float64
            Without NaN.
        """
        design = np.empty((columns.n_rows, self.n_outputs))
        for start in range(0, columns.n_rows, _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            design[rows] = self._transform_block(columns.take(rows))
        return design

    def _transform_block(self, columns: Columns) -> NDArray[np.float64]:
        numbers = np.clip(columns.numbers[:, self._numbers], self._low, self._high)  # (B, P')
        standard = (numbers - self._mean) / self._deviation
        standard[np.isnan(standard)] = 0
        indicators = columns.categories[:, self._places] == self._codes  # (B, K)
        return np.hstack([standard, np.isnan(columns.numbers[:, self._holes]), indicators])


def _moments(values: NDArray[np.floating]) -> tuple[float, float, float, float, int]:
    """Return mean, deviation, least, greatest and number of values."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return *mean_and_deviation(values), low, high, values.size


def _frequent_codes(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the most frequent codes, ascending; none for a constant column."""
    counts = np.bincount(codes)
    frequent = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
    frequent = np.sort(frequent[counts[frequent] > 0])
    return frequent if len(frequent) > 1 else frequent[:0]
