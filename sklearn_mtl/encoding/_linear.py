"""The design matrix of the linear view."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from ._bags import BagTerms
from ._columns import Columns
from ._scaling import mean_and_deviation, observed_columns
from ._steps import StepScaling
from ._vectors import VectorUnits

_ROWS_AT_ONCE = 8192
_MOST_LEVELS = 100
_MOST_FLOATS_KEPT = 2**24  # 128 MiB


class LinearDesign:
    """Columns as a matrix for linear models.

    Numbers are standardised and not squashed, so that a linear relation stays one; only what lies
    further outside of the training range than this is wide is taken as if it lay there, for a
    nearly constant column would send predictions anywhere. Missing numbers become 0, the mean, and
    columns with holes get an indicator of them. Each category column gets
    one indicator a code, of its at most 100 most frequent ones. Constant columns are left out. Sequences are
    the numbers of :meth:`StepScaling.window`, without indicators of holes. Vectors of texts and bags follow
    as :meth:`VectorUnits.design` and :meth:`BagTerms.design` give them; bags make the matrix a sparse one.

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

    def fit(
        self,
        columns: Columns,
        *,
        rows: NDArray[np.int64] | None = None,
        bags: Sequence[BagTerms] = (),
        steps: Sequence[StepScaling] = (),
        vectors: Sequence[VectorUnits] = (),
    ) -> LinearDesign:
        """Learn means, deviations, holes and levels.

        Parameters
        ----------
        columns : Columns
            Training rows.
        rows : ndarray of int64, default=None
            Learn from these rows, in this order; from all by default.
        bags : sequence of BagTerms, default=()
            Fitted, one for each bag column.
        steps : sequence of StepScaling, default=()
            Fitted, one for each sequence column.
        vectors : sequence of VectorUnits, default=()
            Fitted, one for each text column with vectors.

        Returns
        -------
        LinearDesign
            Itself.
        """
        self._bags, self._steps, self._vectors = tuple(bags), tuple(steps), tuple(vectors)
        windows = (
            values
            for scaling, sequences in zip(steps, columns.sequences, strict=True)
            for values in scaling.window_columns(sequences, rows=rows)
        )
        observed = chain(observed_columns(columns.numbers, rows=rows), windows)
        moments = np.array([_moments(values) for values in observed])
        mean, deviation, low, high, n_observed = moments.reshape(-1, 5).T
        kept = np.flatnonzero(deviation)
        self._numbers, self._mean, self._deviation = kept, mean[kept], deviation[kept]
        with np.errstate(over="ignore"):
            width = high - low
            self._low, self._high = (low - width)[kept], (high + width)[kept]
        n_rows = columns.n_rows if rows is None else len(rows)
        has_hole = (n_observed > 0) & (n_observed < n_rows)
        self._holes = np.flatnonzero(has_hole[: columns.numbers.shape[1]])
        codes = [_frequent_codes(codes if rows is None else codes[rows]) for codes in columns.categories.T]
        self._codes = np.concatenate([np.empty(0, dtype=np.int64), *codes])  # (K,), of all columns
        self._places = np.repeat(np.arange(len(codes)), [len(its_codes) for its_codes in codes])
        return self

    @property
    def n_outputs(self) -> int:
        """Width P of the matrix."""
        n_of_vectors = sum(units.n_outputs for units in self._vectors)
        return self.n_dense + n_of_vectors + sum(terms.n_terms for terms in self._bags)

    @property
    def n_dense(self) -> int:
        """How many of the columns, the first ones, are of numbers, categories and sequences."""
        return len(self._numbers) + len(self._holes) + len(self._codes)

    def transform(self, columns: Columns) -> NDArray[np.float64] | csr_array:
        """Build the matrix.

        Parameters
        ----------
        columns : Columns
            B rows with the columns of ``fit``.

        Returns
        -------
        ndarray or csr_array of shape (B, P), float64
            Without NaN; sparse if there are bags.
        """
        design = self.transform_dense(columns)
        if not self._bags:
            return design
        bags = [terms.design(bag) for terms, bag in zip(self._bags, columns.bags, strict=True)]
        of_texts = zip(self._vectors, columns.vectors, strict=True)
        vectors = [csr_array(units.design(each)) for units, each in of_texts]
        return csr_array(hstack([csr_array(design), *vectors, *bags], format="csr"))

    def transform_dense(self, columns: Columns) -> NDArray[np.float64]:
        """Build the part of the matrix that is not from bags.

        Parameters
        ----------
        columns : Columns
            B rows with the columns of ``fit``.

        Returns
        -------
        ndarray of shape (B, ·), float64
        """
        design = np.empty((columns.n_rows, self.n_dense))
        for start in range(0, columns.n_rows, _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            numbers: NDArray[np.floating] = columns.numbers[rows]
            for scaling, sequences in zip(self._steps, columns.sequences, strict=True):
                numbers = np.hstack([numbers, scaling.window(sequences[rows])])
            design[rows] = self._transform_block(numbers, columns.categories[rows])
        return design

    def _transform_block(
        self, numbers: NDArray[np.floating], categories: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        clipped = np.clip(numbers[:, self._numbers], self._low, self._high)  # (B, P')
        standard = (clipped - self._mean) / self._deviation
        standard[np.isnan(standard)] = 0
        indicators = categories[:, self._places] == self._codes  # (B, K)
        return np.hstack([standard, np.isnan(numbers[:, self._holes]), indicators])


class DesignRows:
    """The dense matrix of a table's rows, built a block at a time where it would be large.

    Parameters
    ----------
    design : LinearDesign
        Fitted, without bags.
    columns : Columns
        The table.
    rows : ndarray of int64, shape (R,)
        Its rows that are those of the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> columns = Columns(np.array([[1.0], [3.0], [5.0]]), np.empty((3, 0), dtype=np.int64))
    >>> design = DesignRows(LinearDesign().fit(columns), columns, np.array([2, 0]))
    >>> design.shape
    (2, 1)
    >>> design[[1]].round(2)
    array([[-1.22]])
    """

    def __init__(self, design: LinearDesign, columns: Columns, rows: NDArray[np.int64]) -> None:
        self._design, self._columns, self._rows = design, columns, rows
        self.shape = len(rows), design.n_outputs
        is_small = len(rows) * design.n_outputs <= _MOST_FLOATS_KEPT
        self._matrix = design.transform_dense(columns.take(rows)) if is_small else None

    def __getitem__(self, rows: Any) -> NDArray[np.float64]:
        """Give some rows (indices, a mask or a slice); (B, P)."""
        if self._matrix is not None:
            return np.asarray(self._matrix[rows])
        return self._design.transform_dense(self._columns.take(self._rows[rows]))


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
