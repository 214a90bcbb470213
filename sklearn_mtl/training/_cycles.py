"""Cycles of training, in each of which learning rate and dropout fall to nothing."""

from __future__ import annotations

import math
from itertools import pairwise

_LEAST_PATIENCE = 3


def cycle_lengths(max_epochs: int) -> list[int]:
    """Divide epochs into four cycles, each twice as long as the one before; fewer of very few epochs.

    Parameters
    ----------
    max_epochs : int

    Returns
    -------
    list of int
        Sums to `max_epochs`.

    Examples
    --------
    >>> cycle_lengths(84), cycle_lengths(1)
    ([6, 11, 22, 45], [1])
    """
    ends = [round(max_epochs * share / 15) for share in (0, 1, 3, 7, 15)]
    return [end - begin for begin, end in pairwise(ends) if end > begin]


class Cycles:
    """Where training stands in its cycles [1]_.

    A cycle ends early when a quarter of its epochs, but at least 3, have brought nothing better than the
    best of the same cycle. A cycle that has brought nothing better than those before it is the last.

    Parameters
    ----------
    max_epochs : int
        Of all cycles.
    single : bool, default=False
        One cycle of all epochs, which does not end early.

    Attributes
    ----------
    is_over : bool
        There is nothing left to do.

    References
    ----------
    .. [1] Loshchilov, Hutter (2017). SGDR: stochastic gradient descent with warm restarts.
       arXiv:1608.03983.

    Examples
    --------
    >>> cycles = Cycles(max_epochs=84)
    >>> cycles.share
    1.0
    >>> for loss in (0.5, 0.4, 0.4, 0.4, 0.4):  # the cycle ends with the last of these
    ...     cycles.record(loss)
    >>> cycles.share, cycles.is_over
    (1.0, False)
    """

    def __init__(self, max_epochs: int, *, single: bool = False) -> None:
        self.is_over, self._is_single = False, single
        self._lengths = [max_epochs] if single else cycle_lengths(max_epochs)
        self._least_before = math.inf
        self._begin()

    def _begin(self) -> None:
        self._n_epochs, self._n_since_least, self._least = 0, 0, math.inf

    @property
    def share(self) -> float:
        """What the next epoch has of the full learning rate and dropout; falls along half a cosine."""
        return 0.5 * (1 + math.cos(math.pi * self._n_epochs / self._lengths[0]))

    @property
    def is_at_a_begin(self) -> bool:
        """The next epoch is the first of its cycle."""
        return self._n_epochs == 0

    def record(self, loss: float) -> None:
        """Take note of an epoch's loss on held-out rows."""
        self._n_epochs += 1
        self._n_since_least += 1
        if loss < self._least:
            self._n_since_least, self._least = 0, loss
        length = self._lengths[0]
        is_patient = self._is_single or self._n_since_least < max(_LEAST_PATIENCE, length / 4)
        if self._n_epochs < length and is_patient:
            return
        self.is_over = len(self._lengths) == 1 or not self._least < self._least_before
        if not self.is_over:
            self._lengths, self._least_before = self._lengths[1:], self._least
            self._begin()
