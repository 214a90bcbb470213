"""The most frequent terms of bags as dense columns, for the forest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_MOST_TERMS = 2048
_MOST_FLOATS = 2**25  # 128 MiB


class FrequentTerms:
    """The terms of each bag that are in most rows.

    At most 2,048 of all bags together, fewer above 16,384 rows, so that the dense columns of all rows are no
    more than 2²⁵ numbers.

    Parameters
    ----------
    bags : sequence of csr_array of shape (R, ·), float32
        Bags as the network sees them. Of terms in equally many rows, the first are taken.

    Attributes
    ----------
    places : tuple of ndarray of int64
        Of the terms in each bag, ascending.

    Examples
    --------
    >>> bag = csr_array(np.array([[0, 1, 2], [0, 3, 0]], dtype=np.float32))
    >>> FrequentTerms([bag]).transform([bag]).tolist()
    [[0.0, 1.0, 2.0], [0.0, 3.0, 0.0]]
    """

    def __init__(self, bags: Sequence[csr_array]) -> None:
        n_rows = max((bag.shape[0] for bag in bags), default=1)
        most = min(_MOST_TERMS, _MOST_FLOATS // n_rows) // max(1, len(bags))
        n_entries = [np.bincount(bag.indices, minlength=bag.shape[1]) for bag in bags]
        self.places = tuple(np.sort(np.argsort(-n, kind="stable")[:most]) for n in n_entries)

    def transform(self, bags: Sequence[csr_array]) -> NDArray[np.float32]:
        """Take these terms of rows as columns.

        Parameters
        ----------
        bags : sequence of csr_array of shape (B, ·), float32

        Returns
        -------
        ndarray of shape (B, K), float32
        """
        parts = [bag[:, places].toarray() for places, bag in zip(self.places, bags, strict=True)]
        return np.hstack(parts)
