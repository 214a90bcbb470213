"""The values of one column: read as numbers, as levels, or as the codes of known levels."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from ._columns import FIRST_LEVEL, MISSING, UNSEEN
from ._table import Values

_FEW_LEVELS = 200  # looked up in the time in which pandas makes objects of any categorical


def is_number(values: Values, *, parse_text: bool) -> bool:
    """Decide whether a column holds numbers.

    Parameters
    ----------
    values : ndarray or ExtensionArray of shape (B,)
        One column; with nothing in it but holes it is a number only if its dtype says so.
    parse_text : bool
        Whether text such as ``"1.5"`` is a number. An array has one dtype for all of its columns, so
        there it is; in a DataFrame text is meant as text.

    Returns
    -------
    bool

    Raises
    ------
    TypeError, ValueError
        For times of day and complex numbers.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return False
    _refuse_complex(values.dtype)
    if types.is_bool_dtype(values.dtype) or types.is_numeric_dtype(values.dtype):
        return True
    objects = _objects(values)
    present = objects[~pd.isna(objects)]
    inferred = types.infer_dtype(present, skipna=False)
    if inferred == "time":
        raise TypeError(
            "has times of day without a date; make numbers of them, for example the hours since midnight."
        )
    if inferred == "complex":
        raise ValueError(
            "is complex: Complex data not supported; pass its real and imaginary part as two columns."
        )
    if present.size == 0 or (not parse_text and _has_text(present, inferred)):
        return False
    return _converts(present)


def to_numbers(values: Values) -> NDArray[np.float64]:
    """Read a column as numbers.

    Parameters
    ----------
    values : ndarray or ExtensionArray of shape (B,)
        Numbers, booleans, None, NaN, pd.NA, and text that reads as a number.

    Returns
    -------
    ndarray of shape (B,), float64
        NaN where missing.

    Raises
    ------
    ValueError
        For a value that is no number, which the message shows.
    """
    if values.dtype.kind in "biuf":
        if isinstance(values, np.ndarray):
            return values.astype(np.float64, copy=False)
        numbers: NDArray[np.float64] = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers
    _refuse_complex(values.dtype)
    _refuse_dates(values)
    objects = _objects(values)
    try:
        return objects.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return _to_numbers_one_by_one(objects)


def to_levels(values: Values) -> tuple[NDArray[np.int64], list[Hashable]]:
    """Read a column as indices into a list of its distinct values.

    Parameters
    ----------
    values : ndarray or ExtensionArray of shape (B,)
        Anything; values that cannot be hashed (a dict) are taken as their text.

    Returns
    -------
    codes : ndarray of shape (B,), int64
        Index of each value in ``levels``, -1 where missing.
    levels : list of hashable
        A categorical's categories in their order, else the distinct values, sorted if they can be.
    """
    if isinstance(values, pd.Categorical):
        return values.codes.astype(np.int64), values.categories.tolist()
    objects = _objects(values)
    try:
        codes, levels = pd.factorize(objects)
    except TypeError:
        codes, levels = pd.factorize(_hashable_objects(objects))
    order = _sorted_order(levels.tolist())
    rank = np.empty(len(order) + 1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    rank[-1] = -1
    return rank[codes], [levels[index] for index in order]


class LevelCodes:
    """The codes of a column's levels.

    Parameters
    ----------
    levels : iterable of hashable
        They get the codes 2, 3, ... in this order.

    Examples
    --------
    >>> LevelCodes(["blue", "red"]).read(np.array(["red", None, "pink"], dtype=object))
    array([3, 0, 1])
    """

    def __init__(self, levels: Iterable[Hashable]) -> None:
        self._code_of = {level: code for code, level in enumerate(levels, FIRST_LEVEL)}
        self._latest: tuple[pd.Index, NDArray[np.int64]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_latest": None}

    def read(self, values: Values) -> NDArray[np.int64]:
        """Read a column.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Anything; values that cannot be hashed (a dict) are taken as their text.

        Returns
        -------
        ndarray of shape (B,), int64
            0 where missing, 1 for a value that is no level.
        """
        if isinstance(values, pd.Categorical) and len(values.categories) <= len(values) + _FEW_LEVELS:
            codes = self._of_categories(values.categories)
            return codes[np.asarray(values.codes)]
        objects = _objects(values)
        try:
            codes = self._look_up(objects)
        except TypeError:
            codes = self._look_up(_hashable_objects(objects))
        unseen = codes == UNSEEN
        if unseen.any():
            codes[unseen] = np.where(pd.isna(objects[unseen]), MISSING, UNSEEN)
        return codes

    def _of_categories(self, categories: pd.Index) -> NDArray[np.int64]:
        """Look up all categories, the same ones only once: rows of one frame may come one by one."""
        latest = self._latest
        if latest is None or latest[0] is not categories:
            codes = self._look_up(np.asarray(categories, dtype=object))
            latest = self._latest = categories, np.append(codes, MISSING)  # the last is that of -1
        return latest[1]

    def _look_up(self, objects: NDArray[Any]) -> NDArray[np.int64]:
        found = map(self._code_of.get, objects, repeat(UNSEEN))
        return np.fromiter(found, dtype=np.int64, count=len(objects))


def _objects(values: Values) -> NDArray[Any]:
    return np.asarray(values, dtype=object)


def _hashable_objects(objects: NDArray[Any]) -> NDArray[Any]:
    return np.fromiter(map(_hashable, objects), dtype=object, count=len(objects))


def _hashable(value: Any) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value  # type: ignore[no-any-return]  # hash has just shown it


def _has_text(present: NDArray[Any], inferred: str) -> bool:
    if inferred.startswith("mixed"):
        return any(isinstance(value, (str, bytes)) for value in present)
    return inferred in {"string", "bytes"}


def _converts(present: NDArray[Any]) -> bool:
    try:
        present.astype(np.float64)
    except OverflowError:
        return True
    except (TypeError, ValueError):
        return False
    return True


def _to_numbers_one_by_one(objects: NDArray[Any]) -> NDArray[np.float64]:
    """Read what the fast conversion cannot, pd.NA for one, and name the value that is no number."""
    numbers = np.full(len(objects), np.nan)
    for row in np.flatnonzero(~pd.isna(objects)):
        try:
            numbers[row] = float(objects[row])
        except OverflowError:
            numbers[row] = np.inf
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"held numbers in fit, got {objects[row]!r} in row {row}; "
                "make it a number, or mark it missing with NaN."
            ) from error
    return numbers


def _sorted_order(levels: list[Hashable]) -> list[int]:
    try:
        return sorted(range(len(levels)), key=levels.__getitem__)  # type: ignore[arg-type]  # or TypeError
    except TypeError:  # numbers beside text
        return sorted(range(len(levels)), key=lambda i: (type(levels[i]).__name__, str(levels[i])))


def _refuse_complex(dtype: Any) -> None:
    if types.is_complex_dtype(dtype):
        raise ValueError(
            "is complex: Complex data not supported; pass its real and imaginary part as two columns."
        )


def _refuse_dates(values: Values) -> None:
    """Refuse what numpy would make numbers of."""
    if values.dtype.kind in "mM":
        raise TypeError(f"held numbers in fit, got dates or durations ({values.dtype}).")
