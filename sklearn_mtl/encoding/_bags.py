"""Bag columns made ready for the network and the linear view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

_ROWS_AT_ONCE = 8192
_LEAST_ROWS = 2  # of a term that something can be learned from
MOST_TERMS = 2**18
_ABSENT = -1
_NORM = 10.0  # of the linear view's rows, as that of a hundred standardised columns


class BagTerms:
    r"""The terms of a bag column that something can be learned from, and the units of their values.

    A term has to be there in at least two rows; others are dropped, as are those never seen in ``fit``. More
    than 2¹⁸ terms share so many places, by a hash of their number.

    For the network a value is divided by the root mean square r of its term's values, and clipped smoothly as
    numbers are:

    .. math:: z = x / r, \qquad f(x) = z / \sqrt{1 + (z / 3)^2}

    The linear view has a sparse bag's values as they are, but for one factor for all that gives its rows a
    norm of about 10, and texts as TF-IDF: :math:`(1 + \log n) \log(2 B / (1 + b))` for a term that is n times
    in this row and in b of B rows, its rows brought to a norm of 10.

    Attributes
    ----------
    n_terms : int
        N, the places that terms have.
    scale : float
        Root mean square of the norms of the network's rows that are not empty.
    is_hashed : bool
        Terms share places.
    is_text : bool
        They are words.

    Examples
    --------
    >>> bag = csr_array([[0.0, 2.0, 1.0], [0.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    >>> terms = BagTerms().fit(bag)
    >>> terms.n_terms
    1
    >>> terms.transform(bag).toarray().round(3).tolist()
    [[0.9490000009536743], [0.9490000009536743], [0.0]]
    """

    def fit(
        self, bag: csr_array, *, rows: NDArray[np.int64] | None = None, is_text: bool = False
    ) -> BagTerms:
        """Learn terms and units.

        Parameters
        ----------
        bag : csr_array of shape (B, n)
        rows : ndarray of int64, default=None
            Learn from these rows; from all by default.
        is_text : bool, default=False
            Whether the linear view has TF-IDF in place of the values.

        Returns
        -------
        BagTerms
            Itself.
        """
        self.is_text = is_text
        n_rows = bag.shape[0] if rows is None else len(rows)
        in_rows, n_entries, largest = (np.zeros(bag.shape[1]) for _ in range(3))
        for part in _parts(bag, rows):
            in_rows += np.bincount(_without_repeats(part).indices, minlength=bag.shape[1])
            n_entries += np.bincount(part.indices, minlength=bag.shape[1])
            np.maximum.at(largest, part.indices, np.abs(part.data))
        kept = np.flatnonzero((in_rows >= _LEAST_ROWS) & (largest > 0))
        self._set_places(kept, bag.shape[1])
        self._largest = np.where(largest > 0, largest, 1.0)
        squares = np.zeros(bag.shape[1])
        for part in _parts(bag, rows):
            relative = part.data / self._largest[part.indices]  # squares of great values stay finite
            squares += np.bincount(part.indices, weights=relative**2, minlength=bag.shape[1])
        self._unit = np.ones(bag.shape[1])
        self._unit[kept] = (self._largest * np.sqrt(squares / np.maximum(n_entries, 1)))[kept]
        in_places = np.bincount(self._place[kept], weights=in_rows[kept], minlength=self.n_terms)
        self._rarity = np.log(2 * n_rows / (1 + np.minimum(in_places, n_rows)))
        self._common_unit = float(self._largest[kept].max(initial=0.0)) or 1.0
        self.scale = _norm(self.transform(part) for part in _parts(bag, rows))
        self._common_unit *= _norm(self.design(part) for part in _parts(bag, rows)) / _NORM
        return self

    def transform(self, bag: csr_array) -> csr_array:
        """Prepare rows for the network.

        Parameters
        ----------
        bag : csr_array of shape (B, n)

        Returns
        -------
        csr_array of shape (B, N), float32
            In the order of the entries that are kept.
        """
        kept = self.kept_entries(bag)
        terms = bag.indices[kept]
        z = self._clipped(bag.data[kept], terms) / self._unit[terms]
        z /= np.sqrt(1 + (z / 3) ** 2)
        return self._rebuilt(bag, kept, z.astype(np.float32))

    def design(self, bag: csr_array) -> csr_array:
        """Prepare rows for the linear view.

        Parameters
        ----------
        bag : csr_array of shape (B, n)

        Returns
        -------
        csr_array of shape (B, N), float64
        """
        kept = self.kept_entries(bag)
        if self.is_text:
            return self._frequencies(self._rebuilt(bag, kept, np.ones(np.count_nonzero(kept))))
        values = self._clipped(bag.data[kept], bag.indices[kept])
        return self._rebuilt(bag, kept, values / self._common_unit)

    def kept_entries(self, bag: csr_array) -> NDArray[np.bool_]:
        """Say which entries of rows `transform` keeps.

        Parameters
        ----------
        bag : csr_array of shape (B, n)

        Returns
        -------
        ndarray of shape (E,), bool
        """
        return np.asarray(self._place[bag.indices] != _ABSENT)

    def _set_places(self, kept: NDArray[np.int64], n_terms: int) -> None:
        self.is_hashed = len(kept) > MOST_TERMS
        self.n_terms = max(1, min(len(kept), MOST_TERMS))  # one place that nothing is in, at least
        places = np.arange(len(kept))
        if self.is_hashed:
            places = (pd.util.hash_array(kept.astype(np.uint64)) % np.uint64(MOST_TERMS)).astype(np.int64)
        self._place = np.full(n_terms, _ABSENT, dtype=np.int32)
        self._place[kept] = places

    def _clipped(self, values: NDArray[np.floating], terms: NDArray[np.integer]) -> NDArray[np.float64]:
        """Take values beyond twice their term's largest in fit for that."""
        most = 2 * self._largest[terms]
        return np.asarray(np.clip(values, -most, most), dtype=np.float64)

    def _rebuilt(self, bag: csr_array, kept: NDArray[np.bool_], values: NDArray[np.floating]) -> csr_array:
        """Give the kept entries other values, and the places of their terms."""
        starts = np.concatenate([[0], np.cumsum(kept)])[bag.indptr]
        return csr_array((values, self._place[bag.indices[kept]], starts), shape=(bag.shape[0], self.n_terms))

    def _frequencies(self, entries: csr_array) -> csr_array:
        """Make TF-IDF of single occurrences, (B, N)."""
        entries.sum_duplicates()
        entries.data = (1 + np.log(entries.data)) * self._rarity[entries.indices]
        norms = np.sqrt(_square_norms(entries))
        entries.data *= np.repeat(_NORM / np.where(norms > 0, norms, 1.0), np.diff(entries.indptr))
        return entries


def _parts(bag: csr_array, rows: NDArray[np.int64] | None) -> Iterator[csr_array]:
    """Cut a bag, or some rows of it, into blocks of rows."""
    for start in range(0, bag.shape[0] if rows is None else len(rows), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        yield bag[block if rows is None else rows[block]]


def _without_repeats(part: csr_array) -> csr_array:
    """Keep one entry of each term in a row."""
    part = part.copy()
    part.sum_duplicates()
    return part


def _square_norms(bag: csr_array) -> NDArray[np.float64]:
    rows = np.repeat(np.arange(bag.shape[0]), np.diff(bag.indptr))
    squares = bag.data.astype(np.float64) ** 2
    return np.bincount(rows, weights=squares, minlength=bag.shape[0]).astype(np.float64, copy=False)


def _norm(parts: Iterable[csr_array]) -> float:
    """Give the root mean square of the norms of rows that are not empty, 1 without any."""
    squares = np.concatenate([np.zeros(1), *map(_square_norms, parts)])
    squares = squares[squares > 0]
    return float(np.sqrt(squares.mean())) if len(squares) else 1.0
