"""The vectors that a pretrained encoder gives for texts, and their units."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ._scaling import mean_and_deviation

NO_TEXT = 0  # the place of missing texts
_TOKENS_AT_ONCE = 65536
_NORM = 10.0  # of the linear view's rows


class TextEncoder(Protocol):
    """What gives texts their vectors, each of ``max_length`` tokens at most."""

    max_length: int

    def encode(self, texts: Collection[str | None]) -> TextVectors:
        """Encode a column's texts; None is a missing one."""


@dataclass(frozen=True, eq=False)
class TextVectors:
    """A text column as vectors of its tokens; each different text is there once.

    Attributes
    ----------
    texts : ndarray of shape (B,), int64
        Which text each row has; 0 is a missing one.
    starts : ndarray of shape (N + 1,), int64
        Where the tokens of each text start, and where those of the last one end; text 0 has none.
    tokens : ndarray of shape (E, d), float16
        Vectors of all texts' tokens.
    sentences : ndarray of shape (N, d), float32
        A vector of each whole text; 0 for a missing one.
    hashes : ndarray of shape (N,), uint64
        Of the texts themselves, the same in every process.

    Examples
    --------
    >>> tokens, sentences = np.ones((3, 2), dtype=np.float16), np.ones((3, 2), dtype=np.float32)
    >>> starts, hashes = np.array([0, 0, 2, 3]), np.arange(3, dtype=np.uint64)
    >>> vectors = TextVectors(np.array([1, 0, 1, 2]), starts, tokens, sentences, hashes)
    >>> vectors[2:].n_tokens.tolist()
    [2, 1]
    """

    texts: NDArray[np.int64]
    starts: NDArray[np.int64]
    tokens: NDArray[np.float16]
    sentences: NDArray[np.float32]
    hashes: NDArray[np.uint64]

    def __getitem__(self, rows: Any) -> TextVectors:
        """Give some rows (indices, a mask or a slice); vectors are not copied."""
        return replace(self, texts=self.texts[rows])

    @property
    def n_tokens(self) -> NDArray[np.int64]:
        """How many tokens each row has; (B,)."""
        return np.diff(self.starts)[self.texts]


class VectorUnits:
    """Means and deviations of a text column's vectors.

    The design of the linear view has the standardised vectors of whole texts, but for one factor that gives
    its rows a norm of about 10, as that of TF-IDF.

    Attributes
    ----------
    mean, deviation : ndarray of shape (d,), float64
        Of the vectors of tokens, those of a text counted once; 1 for a constant.
    n_outputs : int
        d.

    Examples
    --------
    >>> tokens, sentences = np.ones((3, 2), dtype=np.float16), np.array([[0, 0], [1, 2], [3, 2.0]])
    >>> starts, hashes = np.array([0, 0, 2, 3]), np.arange(3, dtype=np.uint64)
    >>> vectors = TextVectors(np.array([1, 0, 2]), starts, tokens, sentences, hashes)
    >>> VectorUnits().fit(vectors).design(vectors).round(2).tolist()
    [[-7.07, 0.0], [0.0, 0.0], [7.07, 0.0]]
    """

    def fit(self, vectors: TextVectors, *, rows: NDArray[np.int64] | None = None) -> VectorUnits:
        """Learn them.

        Parameters
        ----------
        vectors : TextVectors
        rows : ndarray of int64, default=None
            Learn from the texts of these rows; from all by default.

        Returns
        -------
        VectorUnits
            Itself.
        """
        texts = vectors.texts if rows is None else vectors.texts[rows]
        used = np.unique(texts)
        used = used[used != NO_TEXT]
        self.mean, self.deviation = _moments(vectors, used)
        present = vectors.sentences[texts[texts != NO_TEXT]].astype(np.float64)  # (·, d)
        moments = np.array([mean_and_deviation(values) for values in present.T])  # (d, 2)
        self._mean, self._deviation = moments.T.copy()
        self._deviation[self._deviation == 0] = np.inf  # a constant says nothing
        return self

    @property
    def n_outputs(self) -> int:
        """How many columns `design` gives."""
        return len(self._mean)

    def design(self, vectors: TextVectors) -> NDArray[np.float64]:
        """Standardise the vectors of whole texts, for the linear view and the forest.

        Parameters
        ----------
        vectors : TextVectors
            B rows.

        Returns
        -------
        ndarray of shape (B, d), float64
            0, the mean, for missing texts.
        """
        standard = (vectors.sentences[vectors.texts] - self._mean) / self._deviation
        standard[vectors.texts == NO_TEXT] = 0
        return np.asarray(standard * (_NORM / np.sqrt(self.n_outputs)), dtype=np.float64)


def _moments(
    vectors: TextVectors, texts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give mean and deviation of the tokens of some texts, each of them counted once; (d,)."""
    total, squares, n_tokens = np.zeros(vectors.tokens.shape[1]), np.zeros(vectors.tokens.shape[1]), 0
    for part in _parts(vectors, texts):
        total += part.sum(axis=0)
        n_tokens += len(part)
    mean = total / max(n_tokens, 1)
    for part in _parts(vectors, texts):
        squares += ((part - mean) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / max(n_tokens, 1))
    return mean, np.where(deviation > 0, deviation, 1.0)


def _parts(vectors: TextVectors, texts: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    """Give the tokens of some texts, in blocks that do not depend on the others."""
    is_used = np.zeros(len(vectors.starts) - 1, dtype=bool)
    is_used[texts] = True
    places = np.flatnonzero(np.repeat(is_used, np.diff(vectors.starts)))
    for start in range(0, len(places), _TOKENS_AT_ONCE):
        yield vectors.tokens[places[start : start + _TOKENS_AT_ONCE]].astype(np.float64)
