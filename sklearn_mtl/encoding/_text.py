"""Text columns: which columns are texts, and texts as bags of terms in their order."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Integral
from typing import Any, ClassVar
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from ._table import Values
from ._words import holds_word_lists, is_word_list

_LEAST_VALUES, _LEAST_SHARE, _LEAST_WORDS = 32, 0.25, 2.5
_CHARACTERS_A_WORD = 3  # of scripts without spaces
_LOOKED_AT = 200  # characters of a text that decide what it is
# Thai, Lao, Myanmar, Khmer; kana; Han; their extensions.
_WITHOUT_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
)
_PIECES = re.compile(rf"([{_WITHOUT_SPACES}])|[^\s{_WITHOUT_SPACES}]+")
_WORDS = r"(?u)\b\w+\b|[^\w\s]"  # single letters and signs say something, too: "I", "!", emoji
_NGRAMS = {"word": (1, 1), "char": (1, 2), "char_wb": (2, 4)}
_SHARED = 0.25  # of the terms, where not each can have a code of its own

MISSING_TEXT = 0
_FIRST_TERM = 1

Analyzer = Callable[[str], Sequence[str]]


class TextColumns(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Which columns of ``X`` are texts, and what their terms are: the parameter ``text`` of the estimators.

    Parameters
    ----------
    columns : list of str or int, or None, default=None
        Names of the text columns, places in an array; all others are categories. None finds them: a column of
        strings is a text where there are at least 32 different values, more than a quarter as many as rows
        that have one, and these have 2.5 words or more in the mean; of scripts without spaces, three
        characters count as a word.
    analyzer : {"auto", "word", "char", "char_wb"} or callable, default="auto"
        What a term is: words and signs, sequences of characters, or those inside words, in lower case as
        scikit-learn's `CountVectorizer` has them; or a function from a text to a list of terms. ``"auto"`` is
        ``"char"`` for columns most of whose words are of a script without spaces, else ``"word"``.
    ngram_range : tuple of (int, int) or "auto", default="auto"
        Least and greatest length of sequences of words or characters. ``"auto"``: (1, 1) for words,
        (1, 2) for ``"char"``, (2, 4) for ``"char_wb"``.
    min_df : int, default=2
        A term gets a code of its own when it is in at least so many rows.
    max_terms : int, default=65536
        Most terms of a column. Of more, the most frequent have codes of their own and the others share a
        quarter of all codes, by a hash; ``verbose`` says so.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_mtl import MultiTaskAttentionRegressor, TextColumns
    >>> rng = np.random.default_rng(0)
    >>> words = rng.choice(["good", "bad", "dress", "shirt"], size=(60, 3))
    >>> X = pd.DataFrame({"review": [" ".join(row) for row in words]})
    >>> y = (words == "good").sum(axis=1)
    >>> text = TextColumns(columns=["review"])
    >>> model = MultiTaskAttentionRegressor(text=text, max_epochs=3, random_state=0).fit(X, y)
    >>> model.columns_[["kind", "cardinality"]]
            kind  cardinality
    review  text            4
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "columns": [list, tuple, None],
        "analyzer": [StrOptions({"auto", "word", "char", "char_wb"}), callable],
        "ngram_range": [StrOptions({"auto"}), tuple, list],
        "min_df": [Interval(Integral, 1, None, closed="left")],
        "max_terms": [Interval(Integral, 8, None, closed="left")],
    }

    def __init__(
        self,
        *,
        columns: Sequence[Any] | None = None,
        analyzer: str | Callable[[str], Sequence[str]] = "auto",
        ngram_range: tuple[int, int] | str = "auto",
        min_df: int = 2,
        max_terms: int = 65536,
    ) -> None:
        self.columns = columns
        self.analyzer = analyzer
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.max_terms = max_terms

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
        params = self.get_params(deep=False)
        validate_parameter_constraints(self._parameter_constraints, params, f"{owner}: text=TextColumns")
        if not _are_lengths(self.ngram_range):
            raise ValueError(
                f"{owner}: text=TextColumns(ngram_range={self.ngram_range!r}): expected two whole numbers "
                "from 1, least and greatest length, or 'auto'."
            )


def holds_texts(values: Values, *, is_present: NDArray[np.bool_]) -> bool:
    """Decide whether a column of strings is one of texts, by the rule of :class:`TextColumns`.

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
    if isinstance(values.dtype, pd.CategoricalDtype):
        return False
    objects = np.asarray(values, dtype=object)[is_present]
    present = objects[~pd.isna(objects)]
    different = {value for value in present if isinstance(value, str)}
    if len(different) < _LEAST_VALUES or len(different) <= _LEAST_SHARE * len(present):
        return False
    n_words = sum(sum(_n_words(value)) for value in different)
    return n_words >= _LEAST_WORDS * len(different)


@dataclass(frozen=True)
class _Analysis:
    """How a column's texts become terms; resolved from a :class:`TextColumns` and the texts."""

    analyzer: str | Analyzer
    ngram_range: tuple[int, int]

    def build(self) -> Analyzer:
        if callable(self.analyzer):
            return self.analyzer
        vectorizer = CountVectorizer(analyzer=self.analyzer, ngram_range=self.ngram_range)
        if self.analyzer == "word":
            vectorizer.set_params(token_pattern=_WORDS)
        build: Analyzer = vectorizer.build_analyzer()
        return build


class TextTerms:
    """The terms of one text column.

    Terms in enough rows have a code of their own, by their alphabetical order; of too many, the rarer ones
    share some. What has no code is left out. A missing text is the single term of code 0, an empty one has
    none.

    Parameters
    ----------
    options : TextColumns

    Attributes
    ----------
    n_terms : int
        How many terms have a code of their own.
    n_distinct : int
        How many different terms are in enough rows.
    n_shared : int
        How many codes are shared by rarer terms; 0 if none is.
    n_codes : int
        How many codes there are, with that of missing texts and shared ones.

    Examples
    --------
    >>> texts = np.array(["a red dress", "red shirt, red dress", None, "", "shirt"], dtype=object)
    >>> terms = TextTerms(TextColumns()).fit(texts, is_present=np.ones(5, dtype=bool))
    >>> bag = terms.read(texts)
    >>> bag.shape
    (5, 4)
    >>> [bag.indices[start:end].tolist() for start, end in zip(bag.indptr, bag.indptr[1:], strict=False)]
    [[2, 1], [2, 3, 2, 1], [0], [], [3]]
    >>> terms.words(texts)[:2]
    ['red', 'dress']
    """

    n_terms: int
    n_distinct: int
    n_shared: int

    def __init__(self, options: TextColumns) -> None:
        self.options = options

    def fit(self, values: Values, *, is_present: NDArray[np.bool_]) -> TextTerms:
        """Count the terms, without looking at labels.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Strings; None, NaN and pd.NA are missing.
        is_present : ndarray of bool, shape (B,)
            Rows that count.

        Returns
        -------
        TextTerms
            Itself.

        Raises
        ------
        TypeError
            A value is no string; the message shows it.
        """
        texts = to_texts(values)
        counted = [text for text in texts[is_present] if text is not None]
        self._analysis = _resolve(self.options, counted)
        analyze = self._analysis.build()
        n_rows: Counter[str] = Counter()
        for text in counted:
            n_rows.update(set(analyze(text)))
        frequent = {term: n for term, n in n_rows.items() if n >= self.options.min_df}
        self.n_distinct = len(frequent)
        own, self.n_shared = sorted(frequent), 0
        if len(own) > self.options.max_terms:
            self.n_shared = int(self.options.max_terms * _SHARED)
            by_rows = sorted(own, key=frequent.__getitem__, reverse=True)  # stable: ties by the alphabet
            own = sorted(islice(by_rows, self.options.max_terms - self.n_shared))
        self._code_of = {term: code for code, term in enumerate(own, _FIRST_TERM)}
        self.n_terms = len(own)
        return self

    @property
    def n_codes(self) -> int:
        """How many codes there are."""
        return _FIRST_TERM + self.n_terms + self.n_shared

    @property
    def are_of_characters(self) -> bool:
        """Whether terms are sequences of characters, which overlap."""
        return self._analysis.analyzer in ("char", "char_wb")

    def read(self, values: Values) -> csr_array:
        """Read a column as bags of terms, in their order.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Strings; None, NaN and pd.NA are missing.

        Returns
        -------
        csr_array of shape (B, n_codes), float32
            A 1 for each term of each text, in its place in the text; a term that occurs twice is there twice.

        Raises
        ------
        TypeError
            A value is no string; the message shows it.
        """
        analyze, code_of = self._analysis.build(), self._code_of.get
        codes, ends = array("i"), array("q", [0])
        for text in to_texts(values):
            if text is None:
                codes.append(MISSING_TEXT)
            elif self.n_shared:
                codes.extend(map(self._code_or_shared, analyze(text)))
            else:
                codes.extend(filter(None, map(code_of, analyze(text))))  # no term has code 0
            ends.append(len(codes))
        indices = np.array(codes, dtype=np.int32)
        indptr = np.array(ends, dtype=np.int32 if len(codes) < 2**31 else np.int64)
        ones = np.ones(len(indices), dtype=np.float32)
        return csr_array((ones, indices, indptr), shape=(len(ends) - 1, self.n_codes))

    def words(self, values: Values) -> list[str | None]:
        """Give the terms behind the entries of all rows, one after the other; None for a missing text."""
        analyze = self._analysis.build()
        found: list[str | None] = []
        for text in to_texts(values):
            terms = [None] if text is None else analyze(text)
            found.extend(term for term in terms if term is None or self.n_shared or term in self._code_of)
        return found

    def _code_or_shared(self, term: str) -> int:
        code = self._code_of.get(term)
        if code is None:
            code = _FIRST_TERM + self.n_terms + crc32(term.encode()) % self.n_shared
        return code


def _resolve(options: TextColumns, texts: Sequence[str]) -> _Analysis:
    analyzer = options.analyzer
    if analyzer == "auto":
        n_words, n_of_characters = np.sum([_n_words(text) for text in texts] or [(0.0, 0.0)], axis=0)
        analyzer = "char" if n_of_characters > n_words else "word"
    lengths = options.ngram_range
    if isinstance(lengths, str):
        lengths = _NGRAMS["word" if callable(analyzer) else analyzer]
    return _Analysis(analyzer, (lengths[0], lengths[1]))


def _are_lengths(given: Any) -> bool:
    if isinstance(given, str):
        return True
    are_whole = len(given) == 2 and all(isinstance(length, Integral) for length in given)
    return are_whole and 1 <= given[0] <= given[1]


def _n_words(text: str) -> tuple[float, float]:
    """Count words between spaces, and characters of scripts without spaces as parts of a word."""
    characters = [match.group(1) is not None for match in _PIECES.finditer(text, 0, _LOOKED_AT)]
    n_characters = sum(characters)
    return len(characters) - n_characters, n_characters / _CHARACTERS_A_WORD


def to_texts(values: Values) -> NDArray[Any]:
    """Read strings as they are, lists of words as texts and holes as None; refuse all else.

    Parameters
    ----------
    values : ndarray or ExtensionArray of shape (B,)
        Strings or lists of them; None, NaN and pd.NA are missing.

    Returns
    -------
    ndarray of shape (B,), object

    Raises
    ------
    TypeError
        A value is no string; the message shows it.
    """
    objects = np.asarray(values, dtype=object)
    if holds_word_lists(objects):
        objects = np.array([" ".join(cell) if is_word_list(cell) else cell for cell in objects], dtype=object)
    is_missing = pd.isna(objects)
    if types.infer_dtype(objects, skipna=True) not in ("string", "empty"):
        for row in np.flatnonzero(~is_missing):
            if not isinstance(objects[row], str):
                raise TypeError(
                    f"has texts and, in row {row}, {objects[row]!r}, which is of type "
                    f"{type(objects[row]).__name__}; make it a text, or mark it missing with None."
                )
    return np.where(is_missing, np.array(None), objects)
