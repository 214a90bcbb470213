"""From any table to arrays of numbers and category codes, and bags of terms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import compress
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse, vstack

from ._columns import ColumnInfo, Columns
from ._dates import DateParts, is_date, is_duration, to_days
from ._rows import hash_bag, hash_rows
from ._steps import SequenceColumns, SequenceReader, holds_sequences
from ._table import DenseTable, Values, check_table, column_names, column_values, is_number_array
from ._text import TextColumns, TextTerms, holds_texts, to_texts
from ._values import LevelCodes, is_number, to_levels, to_numbers
from ._vectors import TextEncoder
from ._words import WordFeatures, holds_word_lists

_ROWS_AT_ONCE = 8192

_FLOAT64 = np.dtype(np.float64)
_LEAST_ROWS = 2  # of a level with a code of its own
_MOST_SPARSE_NUMBERS = 512  # more columns that are mostly 0 become one bag


_ColumnReader = DateParts | LevelCodes | SequenceReader | TextTerms


class ColumnReader:
    """Read ``X``, whatever its container, into :class:`Columns`.

    Numbers, booleans and their nullable kinds are numbers; categoricals and strings are categories, but for
    strings that are texts by the rule of :class:`TextColumns`. Dates become their parts, durations days. An
    object column is a number if all of its values are. In an array, which has one dtype for all of
    its columns, text that reads as a number is one too. Any of NaN, None and pd.NA is a hole. Columns whose
    cells are lists or arrays of numbers are sequences by the rule of :class:`SequenceColumns`; an array of
    three axes is a single one.

    A category's level gets a code of its own when it occurs in at least two rows, whatever they
    weigh: weights may depend on labels, and the codes must not. The rarer ones share a code with the
    values never seen in ``fit``: that code is trained by them.

    Number columns that are 0 in more than half of the distinct rows, and nowhere missing, become one bag of
    terms if there are more than 512 of them, whether ``X`` is sparse or dense: both forms of a table are
    read alike. All other columns of a sparse ``X`` are few or hold much, and become dense.

    Attributes
    ----------
    columns_ : tuple of ColumnInfo
        The columns in the order of ``X``; the bag that stands for many is the last.
    n_columns_ : int
        C.
    encoder : TextEncoder or None
        What gives texts their vectors.
    terms_ : ndarray of int64
        The columns of ``X`` that this bag stands for, ascending; empty without one.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"size": [1.5, None, 3.0, 2.0], "colour": ["red", "red", "blue", None]})
    >>> reader = ColumnReader().fit(X, owner="MultiTaskAttentionRegressor")
    >>> reader.columns_[1].levels
    ('red',)
    >>> columns = reader.read(X, owner="MultiTaskAttentionRegressor")
    >>> columns.categories.ravel().tolist()
    [2, 2, 1, 0]
    """

    columns_: tuple[ColumnInfo, ...]

    def fit(
        self,
        X: Any,
        *,
        owner: str,
        is_present: ArrayLike | None = None,
        text: TextColumns | None = None,
        encoder: TextEncoder | None = None,
        sequences: SequenceColumns | None = None,
        tagged: Collection[str] = (),
    ) -> ColumnReader:
        """Learn the kind of each column, the levels of categories and the terms of texts.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            The training table.
        owner : str
            The estimator's class name, for error messages.
        is_present : array-like of bool, shape (B,), default=None
            Rows that count as present where levels and terms are counted; all by default.
        text : TextColumns, default=None
            Which columns are texts, and what their terms are; none is by default.
        encoder : TextEncoder, default=None
            Gives texts vectors, beside their terms.
        sequences : SequenceColumns, default=None
            Which columns are sequences; none is by default.
        tagged : collection of str, default=()
            Columns that are texts because their words have tags.

        Returns
        -------
        ColumnReader
            Itself.

        Raises
        ------
        TypeError, ValueError
            For what cannot be read; the message names the column.
        """
        table = check_table(X, owner=owner)
        present = np.ones(table.shape[0], bool) if is_present is None else np.asarray(is_present, bool)
        self.n_columns_, self._is_term, self.terms_ = table.shape[1], None, np.empty(0, dtype=np.int64)
        self._infos: tuple[ColumnInfo, ...] | None = None
        self._readers: dict[int, _ColumnReader] = {}
        self.encoder = encoder
        self._words: dict[int, WordFeatures] = {}
        of_numbers, are_plain = np.arange(self.n_columns_), np.ones(self.n_columns_, dtype=bool)
        if not issparse(table):
            text = TextColumns(columns=()) if text is None else text
            sequences = SequenceColumns(columns=()) if sequences is None else sequences
            self._infos, self._readers = _describe_all(table, present, text, tagged, sequences, owner)
            of_numbers = np.array(
                [info.index for info in self._infos for _ in range(info.n_numbers)], np.int64
            )
            are_plain = np.array([self._infos[index].kind == "number" for index in of_numbers], bool)
        if encoder is not None and not self.texts:
            raise ValueError(
                f"{owner}: text_encoder is given, but no column of X was read as text; name those that "
                "are by text=TextColumns(columns=[...]), or leave text_encoder=None."
            )
        if len(of_numbers) > _MOST_SPARSE_NUMBERS:
            numbers = table if issparse(table) else self._read_dense(table, owner).numbers
            is_term = _is_mostly_zero(numbers, present) & are_plain
            if is_term.sum() > _MOST_SPARSE_NUMBERS:
                self._is_term, self.terms_ = is_term, of_numbers[is_term]
        stand_alone = np.setdiff1d(np.arange(self.n_columns_), self.terms_, assume_unique=True)
        self.columns_ = tuple(self._column(index) for index in stand_alone.tolist())
        if len(self.terms_):
            first, last = (self._column(int(index)).name for index in self.terms_[[0, -1]])
            bag = ColumnInfo(
                f"{first}..{last}",
                "sparse",
                int(self.terms_[0]),
                n_terms=len(self.terms_),
                cardinality=len(self.terms_),
            )
            self.columns_ = (*self.columns_, bag)
        return self

    @property
    def texts(self) -> dict[int, TextTerms]:
        """The terms of the text columns, by their places in ``X``."""
        return {index: reader for index, reader in self._readers.items() if isinstance(reader, TextTerms)}

    @property
    def sequences(self) -> dict[int, SequenceReader]:
        """What reads the sequence columns, by their places in ``X``."""
        return {
            place: reader for place, reader in self._readers.items() if isinstance(reader, SequenceReader)
        }

    def centre(self, places: Iterable[int]) -> None:
        """Read sequence columns relative to their last values from now on.

        Parameters
        ----------
        places : iterable of int
            In ``X``.
        """
        for place in places:
            self.sequences[place].centre = "last"

    def fit_words(self, X: Any, places: Sequence[int], *, owner: str, is_present: ArrayLike) -> None:
        """Learn the features of the words of some text columns: `read` then gives them, too.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            The training table.
        places : sequence of int
            Which of its columns, in the order in which `read` gives them.
        owner : str
            The estimator's class name, for error messages.
        is_present : array-like of bool, shape (B,)
            Rows that count as present.
        """
        table = check_table(X, owner=owner)
        values = [] if isinstance(table, csr_array) else [*column_values(table)]
        present = np.asarray(is_present, bool)
        self._words = {place: WordFeatures().fit(values[place], is_present=present) for place in places}

    @property
    def words(self) -> dict[int, WordFeatures]:
        """What is known of the words of columns with tags, by their places in ``X``."""
        return self._words

    def names(self) -> list[str]:
        """Name all columns of ``X``, those that a bag stands for, too."""
        return [info.name for info in self._all_columns()]

    def _all_columns(self) -> Iterable[ColumnInfo]:
        return self._infos or map(self._column, range(self.n_columns_))

    def _column(self, index: int) -> ColumnInfo:
        """Describe a column of ``X``; the names of a million columns are not kept."""
        return self._infos[index] if self._infos else ColumnInfo(f"x{index}", "number", index)

    def read(self, X: Any, *, owner: str) -> Columns:
        """Read a table with the columns of ``fit``.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            The table.
        owner : str
            The estimator's class name, for error messages.

        Returns
        -------
        Columns
            B rows. Its numbers are ``X`` itself where that is an array of float64 or float32; they are
            float32 where that holds all values of the number columns' dtypes, else float64.

        Raises
        ------
        TypeError, ValueError
            For a value that its column cannot hold; the message names column and value.
        """
        table = check_table(X, owner=owner)
        if table.shape[1] != self.n_columns_:
            raise ValueError(
                f"X has {table.shape[1]} features, but {owner} is expecting "
                f"{self.n_columns_} features as input."
            )
        if isinstance(table, csr_array):
            return self._read_sparse(table, owner)
        columns = self._read_dense(table, owner)
        if self._is_term is not None:
            bag = _to_bag(columns.numbers, self._is_term)
            columns = replace(columns, numbers=columns.numbers[:, ~self._is_term], bags=(*columns.bags, bag))
        if not self._words:
            return columns
        values = [*column_values(table)]
        return replace(
            columns, words=tuple(words.read(values[place]) for place, words in self._words.items())
        )

    def _read_sparse(self, table: csr_array, owner: str) -> Columns:
        unlike = next((info for info in self._infos or () if info.kind != "number"), None)
        if unlike is not None:
            raise TypeError(
                f"{owner}: X is sparse, but column {unlike.name!r} was read as {unlike.kind} in fit; give "
                "the same kind of table as there."
            )
        if not np.isfinite(table.data).all():
            place = int(np.argmin(np.isfinite(table.data)))
            row = int(np.searchsorted(table.indptr, place, side="right")) - 1
            name = self._column(int(table.indices[place])).name
            raise ValueError(
                f"{owner}: Input X contains NaN or infinity: column {name!r} of the sparse X has "
                f"{table.data[place]} in row {row}; leave the entry out, which means 0, or pass a dense X, "
                "in which NaN means missing."
            )
        table = table.astype(_number_dtype([table.dtype]), copy=False)
        no_categories = np.empty((table.shape[0], 0), dtype=np.int64)
        if self._is_term is None:
            return Columns(table.toarray(), no_categories)
        if self._is_term.all():
            return Columns(np.empty((table.shape[0], 0), dtype=table.dtype), no_categories, (table,))
        stand_alone = csr_array(table[:, np.flatnonzero(~self._is_term)])
        bag = csr_array(table[:, np.flatnonzero(self._is_term)])
        return Columns(stand_alone.toarray(), no_categories, (bag,))

    def _read_dense(self, table: DenseTable, owner: str) -> Columns:
        """Read numbers, those that a bag stands for, too, and categories."""
        with np.errstate(over="ignore"):  # what becomes infinite is refused below
            columns = _whole_table(table) if self._has_numbers_alone() else None
            if columns is None:
                columns = self._read_one_by_one(table, owner)
        self._check_finite(columns.numbers, owner)
        return columns

    def _has_numbers_alone(self) -> bool:
        return not self._readers and all(info.kind == "number" for info in self._infos or ())

    def _read_one_by_one(self, table: DenseTable, owner: str) -> Columns:
        infos = list(self._all_columns())
        given = list(column_values(table))
        dtype = _number_dtype({given[info.index].dtype for info in infos if info.n_numbers})
        n_categories = sum(info.kind == "category" for info in infos)
        numbers = np.empty((len(table), sum(info.n_numbers for info in infos)), dtype=dtype)  # (B, N)
        categories = np.empty((len(table), n_categories), dtype=np.int64)  # (B, M)
        bags, sequences, vectors, place, of_categories = [], [], [], 0, iter(categories.T)
        for info, values in zip(infos, given, strict=True):
            with _ColumnContext(owner, info.name):
                read = self._read_column(info, values)
            if info.kind == "text":
                bags.append(read)
                if self.encoder is not None:
                    vectors.append(self.encoder.encode(to_texts(values)))
            elif info.kind == "category":
                next(of_categories)[:] = read
            else:
                if info.kind == "sequence":
                    steps, read = read
                    sequences.append(steps)
                numbers[:, place : place + info.n_numbers] = read.reshape(len(table), -1)
                place += info.n_numbers
        return Columns(numbers, categories, tuple(bags), tuple(sequences), tuple(vectors))

    def _read_column(self, info: ColumnInfo, values: Values) -> Any:
        if info.kind == "number":
            return to_numbers(values)
        if info.kind == "duration":
            return to_days(values)
        return self._readers[info.index].read(values)

    def _check_finite(self, numbers: NDArray[np.floating], owner: str) -> None:
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            infinite = np.isinf(numbers[start : start + _ROWS_AT_ONCE])
            if infinite.any():
                row, place = np.argwhere(infinite)[0]
                names = [info.name for info in self._all_columns() for _ in range(info.n_numbers)]
                raise ValueError(
                    f"{owner}: Input X contains infinity or a value too large for dtype('float64'): column "
                    f"{names[place]!r} has {numbers[start + row, place]} in row {start + row}; replace it by "
                    "NaN, which means missing, or by a finite number."
                )


class _ColumnContext:
    """Put the owner and the column's name before an error's message."""

    def __init__(self, owner: str, name: str) -> None:
        self.where = f"{owner}: column {name!r}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (TypeError, ValueError)):
            raise type(error)(f"{self.where} {error}") from error


def _describe_all(
    table: DenseTable,
    is_present: NDArray[np.bool_],
    text: TextColumns,
    tagged: Collection[str],
    sequences: SequenceColumns,
    owner: str,
) -> tuple[tuple[ColumnInfo, ...], dict[int, _ColumnReader]]:
    """Describe all columns; also give what reads those that are no plain numbers, by their places."""
    names = column_names(table)
    named_texts = _named("text=TextColumns", text.columns, table, owner=owner) | {*tagged}
    named_sequences = _named("sequences=SequenceColumns", sequences.columns, table, owner=owner)
    if is_number_array(table) and not named_texts and not named_sequences:
        return tuple(ColumnInfo(name, "number", index) for index, name in enumerate(names)), {}
    if _is_array_of_sequences(table) and sequences.columns is not None and not named_sequences:
        raise ValueError(
            f"{owner}: X has three axes, so that it holds sequences, but sequences=None or names no "
            "column; leave sequences='auto', or pass a table."
        )
    describe = _Description(
        is_present,
        text=text,
        named_texts=named_texts,
        sequences=sequences,
        named_sequences=named_sequences,
        parse_text=not isinstance(table, pd.DataFrame),
    )
    infos, readers = [], {}
    for index, (name, values) in enumerate(zip(names, column_values(table), strict=True)):
        with _ColumnContext(owner, name):
            info, reader = describe(values, name, index)
        infos.append(info)
        if reader is not None:
            readers[index] = reader
    return tuple(infos), readers


def _is_array_of_sequences(table: DenseTable) -> bool:
    """Tell what was an array of three axes."""
    if isinstance(table, pd.DataFrame) or table.dtype.kind != "O" or table.shape[1] != 1:
        return False
    return isinstance(table[0, 0], np.ndarray) and table[0, 0].ndim == 2


def _is_mostly_zero(
    numbers: NDArray[np.floating] | csr_array, is_present: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Say which columns are 0 in more than half of the distinct present rows, and never missing; (N,).

    Equal rows count once, as a row of weight 2 is the same as the row twice.
    """
    hashes = hash_bag(numbers, seed=0) if isinstance(numbers, csr_array) else hash_rows(numbers, seed=0)
    present = np.flatnonzero(is_present)
    rows = np.sort(present[np.unique(hashes[present], return_index=True)[1]])
    n_filled, has_hole = np.zeros(numbers.shape[1], np.int64), np.zeros(numbers.shape[1], bool)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        these = rows[start : start + _ROWS_AT_ONCE]
        if isinstance(numbers, csr_array):
            n_filled += np.bincount(numbers[these].indices, minlength=numbers.shape[1])
        else:
            block = numbers[these]
            n_filled += np.count_nonzero(block, axis=0)
            has_hole |= np.isnan(block).any(axis=0)
    return np.asarray((2 * n_filled < len(rows)) & ~has_hole)


def _to_bag(numbers: NDArray[np.floating], is_term: NDArray[np.bool_]) -> csr_array:
    """Take columns as a bag; what is missing, though nothing was in fit, counts as 0."""
    blocks = []
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        block = numbers[start : start + _ROWS_AT_ONCE, is_term]
        blocks.append(csr_array(np.where(np.isnan(block), 0, block)))
    return csr_array(vstack(blocks, format="csr"))


class _Description:
    """Describe columns, and fit what reads those that are no plain numbers.

    Parameters
    ----------
    is_present : ndarray of bool, shape (B,)
        Rows that count.
    text : TextColumns
        Which columns are texts.
    named_texts : set of str
        The columns that it names.
    sequences : SequenceColumns
        Which columns are sequences.
    named_sequences : set of str
        The columns that it names.
    parse_text : bool
        Whether text that reads as a number is one.
    """

    def __init__(
        self,
        is_present: NDArray[np.bool_],
        *,
        text: TextColumns,
        named_texts: set[str],
        sequences: SequenceColumns,
        named_sequences: set[str],
        parse_text: bool,
    ) -> None:
        self.is_present, self.text, self.parse_text = is_present, text, parse_text
        self.named_texts, self.sequences, self.named_sequences = named_texts, sequences, named_sequences

    def __call__(self, values: Values, name: str, index: int) -> tuple[ColumnInfo, _ColumnReader | None]:
        if name in self.named_texts:
            return self._named_text(values, name, index)
        if name in self.named_sequences or (
            self.sequences.columns is None and holds_sequences(values, is_present=self.is_present)
        ):
            return self._sequence(values, name, index)
        if holds_word_lists(values):
            return self._named_text(values, name, index)
        if is_date(values):
            dates = DateParts().fit(values[self.is_present])
            return ColumnInfo(name, "date", index, parts=dates.parts), dates
        if is_duration(values):
            return ColumnInfo(name, "duration", index), None
        if is_number(values, parse_text=self.parse_text):
            return ColumnInfo(name, "number", index), None
        if self.text.columns is None and holds_texts(values, is_present=self.is_present):
            terms = TextTerms(self.text).fit(values, is_present=self.is_present)
            if terms.n_terms:
                return _text_info(name, index, terms), terms
        return self._category(values, name, index)

    def _named_text(self, values: Values, name: str, index: int) -> tuple[ColumnInfo, TextTerms]:
        terms = TextTerms(self.text).fit(values, is_present=self.is_present)
        if not terms.n_terms:
            raise ValueError(
                "is a text by text=TextColumns(columns=...), but no term is in at least "
                f"{terms.options.min_df} of its {np.count_nonzero(self.is_present)} rows; drop the column, "
                "or lower min_df."
            )
        return _text_info(name, index, terms), terms

    def _sequence(self, values: Values, name: str, index: int) -> tuple[ColumnInfo, SequenceReader]:
        centre = "none" if self.sequences.centre == "auto" else self.sequences.centre
        reader = SequenceReader(max_length=self.sequences.max_length, centre=centre)
        reader.fit(values, is_present=self.is_present)
        info = ColumnInfo(
            name,
            "sequence",
            index,
            parts=reader.parts,
            cardinality=reader.length,
            n_channels=reader.n_channels,
        )
        return info, reader

    def _category(self, values: Values, name: str, index: int) -> tuple[ColumnInfo, LevelCodes]:
        codes, levels = to_levels(values)
        counts = np.bincount(codes[self.is_present & (codes >= 0)], minlength=len(levels))
        kept = tuple(compress(levels, counts >= _LEAST_ROWS))
        cardinality = int(np.count_nonzero(counts))
        return ColumnInfo(name, "category", index, kept, cardinality=cardinality), LevelCodes(kept)


def _text_info(name: str, index: int, terms: TextTerms) -> ColumnInfo:
    return ColumnInfo(name, "text", index, n_terms=terms.n_codes, cardinality=terms.n_distinct)


def _named(parameter: str, columns: Sequence[Any] | None, table: DenseTable, *, owner: str) -> set[str]:
    """Find the columns that a parameter names; an array's may be named by their places."""
    if columns is None:
        return set()
    is_frame = isinstance(table, pd.DataFrame)
    named = {str(name) if is_frame or not isinstance(name, Integral) else f"x{name}" for name in columns}
    unknown = sorted(named.difference(column_names(table)))
    if unknown:
        raise ValueError(
            f"{owner}: {parameter}(columns={list(columns)!r}) names {unknown}, but X has the "
            f"columns {column_names(table)}."
        )
    return named


def _number_dtype(dtypes: Iterable[Any]) -> np.dtype[Any]:
    """Choose float32 where it holds all values of the columns' dtypes, else float64."""
    known = [dtype if isinstance(dtype, np.dtype) and dtype.kind in "biuf" else _FLOAT64 for dtype in dtypes]
    return np.dtype(np.float32) if np.result_type(np.float32, *known) == np.float32 else _FLOAT64


def _whole_table(table: DenseTable) -> Columns | None:
    """Read a table of numbers at once; None if its columns need to be looked at one by one."""
    if isinstance(table, pd.DataFrame):
        if not all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in table.dtypes):
            return None
        numbers = np.ascontiguousarray(table.to_numpy(dtype=_number_dtype(table.dtypes)))
    elif is_number_array(table):
        numbers = table.astype(_number_dtype([table.dtype]), copy=False)
    else:
        return None
    return Columns(numbers, np.empty((len(numbers), 0), dtype=np.int64))
