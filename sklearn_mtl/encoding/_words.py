"""The words of texts in their order, each by what it is and what it looks like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse

from ._columns import Words
from ._table import Values, column_names, column_values, is_number_array

_LEAST_WORDS = 2  # with a feature that has a code of its own
_MOST_CODES = 2**16
_MOST_AFFIX = 4
_FIRST_CODE = 1


class WordFeatures:
    """What is known of the words of a text column: the word, its first and last letters, and its shape.

    Of a text the words are what stands between spaces; a list of words is taken as it is. Case counts for
    the shape alone. A feature has a code of its own when two or more rows have a word with it; of the words
    that fit has not seen, what they begin and end with and what they look like is still known.

    Attributes
    ----------
    n_codes : int
        How many codes there are, with 0 for nothing.

    Examples
    --------
    >>> texts = np.array(["fly to Boston", "fly to Dallas", None], dtype=object)
    >>> features = WordFeatures().fit(texts, is_present=np.ones(3, dtype=bool))
    >>> words = features.read(texts)
    >>> words.starts.tolist()
    [0, 3, 6, 6]
    >>> bool((words.features[0] == words.features[3]).all())
    True
    """

    n_codes: int

    def fit(self, values: Values, *, is_present: NDArray[np.bool_]) -> WordFeatures:
        """Count features, without looking at labels.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Texts or lists of words; None, NaN and pd.NA are missing.
        is_present : ndarray of bool, shape (B,)
            Rows that count.

        Returns
        -------
        WordFeatures
            Itself.
        """
        n_rows: Counter[str] = Counter()
        for words, is_there in zip(split_words(values), is_present.tolist(), strict=True):
            if is_there:
                n_rows.update({feature for word in words for feature in _features(word)})
        frequent = sorted(feature for feature, n in n_rows.items() if n >= _LEAST_WORDS)
        if len(frequent) > _MOST_CODES:
            by_rows = sorted(frequent, key=n_rows.__getitem__, reverse=True)  # stable: ties by the alphabet
            frequent = sorted(islice(by_rows, _MOST_CODES))
        self._code_of = {feature: code for code, feature in enumerate(frequent, _FIRST_CODE)}
        self.n_codes = _FIRST_CODE + len(frequent)
        return self

    def read(self, values: Values) -> Words:
        """Read a column.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Texts or lists of words; None, NaN and pd.NA are missing and have no words.

        Returns
        -------
        Words
        """
        rows = split_words(values)
        code_of, known = self._code_of.get, {}
        for word in {word for words in rows for word in words}:
            known[word] = [code_of(feature, 0) for feature in _features(word)]
        entries = [known[word] for words in rows for word in words]
        features = np.array(entries, dtype=np.int32).reshape(len(entries), len(_features("")))
        starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return Words(features, starts)


def split_words(values: Values) -> list[Sequence[str]]:
    """Give the words of each row, none where it is missing; length B."""
    rows: list[Sequence[str]] = []
    for value in np.asarray(values, dtype=object):
        if isinstance(value, str):
            rows.append(value.split())
        else:
            rows.append(value if is_word_list(value) else ())
    return rows


def is_word_list(value: Any) -> bool:
    """Say whether a cell is a list of words."""
    if not isinstance(value, list | tuple | np.ndarray):
        return False
    return np.ndim(value) == 1 and all(isinstance(word, str) for word in value)


def holds_word_lists(values: Values) -> bool:
    """Say whether a column has a list of words in its first cell that is not missing."""
    objects = np.asarray(values, dtype=object)
    present = np.flatnonzero(~pd.isna(objects))
    return len(present) > 0 and is_word_list(objects[present[0]])


def string_columns(table: Any) -> list[str]:
    """Name the columns of a table that hold texts or lists of words, by their first value that is there.

    Parameters
    ----------
    table : DataFrame, ndarray or csr_array of shape (B, C)

    Returns
    -------
    list of str
    """
    if issparse(table) or is_number_array(table):
        return []
    named = zip(column_names(table), column_values(table), strict=True)
    return [name for name, values in named if _holds_strings(values)]


def _holds_strings(values: Values) -> bool:
    if values.dtype.kind in "biufcmM" or isinstance(values.dtype, pd.CategoricalDtype):
        return False
    objects = np.asarray(values, dtype=object)
    present = np.flatnonzero(~pd.isna(objects))
    return len(present) > 0 and (isinstance(objects[present[0]], str) or is_word_list(objects[present[0]]))


def _features(word: str) -> list[str]:
    """Name what is known of a word; as many for every word."""
    lower = word.lower()
    plain = re.sub(r"\d", "0", lower)
    named = [f"w {lower}", f"s {_shape(word)}"]
    for length in range(1, _MOST_AFFIX + 1):
        named += [f"< {plain[:length]} {length}", f"> {plain[-length:]} {length}"]
    return named


def _shape(word: str) -> str:
    """Write X for capitals, x for other letters, 0 for digits; runs of one count as one."""
    marks = ("0" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in word)
    return re.sub(r"(.)\1+", r"\1", "".join(marks))
