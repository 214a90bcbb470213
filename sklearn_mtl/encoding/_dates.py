"""Dates and durations as numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from ._table import Values

_OF_OBJECTS = {"datetime64", "datetime", "date", "period"}
_DURATIONS_OF_OBJECTS = {"timedelta64", "timedelta"}
_DAY = pd.Timedelta(days=1)

# The parts of a date, each of a DatetimeIndex without time zone.
_PARTS: dict[str, Callable[[pd.DatetimeIndex], Any]] = {
    "year": lambda when: when.year,
    "month": lambda when: when.month,
    "weekday": lambda when: when.day_of_week,
    "hour": lambda when: when.hour,
}


def is_date(values: Values) -> bool:
    """Say whether a column holds dates: by its dtype, or as objects all of which are dates or missing."""
    dtype = values.dtype
    if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return True
    return dtype.kind == "O" and _inferred(values) in _OF_OBJECTS


def is_duration(values: Values) -> bool:
    """Say whether a column holds durations: by its dtype, or as objects all of which are some or missing."""
    if types.is_timedelta64_dtype(values.dtype):
        return True
    return values.dtype.kind == "O" and _inferred(values) in _DURATIONS_OF_OBJECTS


def to_days(values: Values) -> NDArray[np.float64]:
    """Read a column of durations as days.

    Parameters
    ----------
    values : ndarray or ExtensionArray of shape (B,)
        Durations; None, NaN, pd.NA and NaT are missing.

    Returns
    -------
    ndarray of shape (B,), float64
        NaN where missing.

    Raises
    ------
    TypeError
        For what is no duration.
    """
    if not is_duration(values) and not pd.isna(values).all():
        raise TypeError(f"held durations in fit, got {_first(values)}; give durations, or NaT where missing.")
    return np.asarray(pd.to_timedelta(pd.Series(values)) / _DAY, dtype=np.float64)


class DateParts:
    """The parts of a date that are numbers: those of the calendar that vary, and the days since 1970.

    Calendar and clock are those of the dates' time zone; the days are counted in UTC.

    Attributes
    ----------
    parts : tuple of str
        Of ``"year"``, ``"month"``, ``"weekday"`` (from 0 for Monday) and ``"hour"`` those that vary in
        ``fit``, and ``"elapsed"``, the days since 1970 with their fractions, always.

    Examples
    --------
    >>> days = pd.array(["2024-01-31", "2024-03-01", None], dtype="datetime64[ns]")
    >>> dates = DateParts().fit(days)
    >>> dates.parts
    ('month', 'weekday', 'elapsed')
    >>> dates.read(days)
    array([[1.0000e+00, 2.0000e+00, 1.9753e+04],
           [3.0000e+00, 4.0000e+00, 1.9783e+04],
           [       nan,        nan,        nan]])
    """

    parts: tuple[str, ...]

    def fit(self, values: Values) -> DateParts:
        """Find the parts that vary.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Dates of any kind; None, NaN, pd.NA and NaT are missing.

        Returns
        -------
        DateParts
            Itself.
        """
        dates = _to_dates(values)
        self._zone = dates.tz
        local = dates.dropna().tz_localize(None)
        varying = [name for name, part in _PARTS.items() if part(local).nunique() > 1]
        self.parts = (*varying, "elapsed")
        return self

    def read(self, values: Values) -> NDArray[np.float64]:
        """Read a column.

        Parameters
        ----------
        values : ndarray or ExtensionArray of shape (B,)
            Dates of any kind, with a time zone if those of ``fit`` had one.

        Returns
        -------
        ndarray of shape (B, P), float64
            In the order of `parts`; NaN where missing.

        Raises
        ------
        TypeError
            For what is no date, and for dates with a time zone where those of ``fit`` had none, or the other
            way round.
        """
        if not is_date(values) and not pd.isna(values).all():
            raise TypeError(f"held dates in fit, got {_first(values)}; give dates, or NaT where missing.")
        dates = _to_dates(values)
        if not dates.isna().all() and (dates.tz is None) != (self._zone is None):
            raise TypeError(
                f"had dates {_describe_zone(self._zone)} in fit, got some {_describe_zone(dates.tz)}; "
                "use tz_localize or tz_convert."
            )
        local = dates.tz_convert(self._zone).tz_localize(None) if dates.tz else dates
        utc = dates.tz_convert("UTC").tz_localize(None) if dates.tz else dates
        read = np.empty((len(dates), len(self.parts)))
        for place, name in enumerate(self.parts[:-1]):
            read[:, place] = _PARTS[name](local)
        read[:, -1] = (utc - pd.Timestamp(0)) / _DAY
        return read


def _to_dates(values: Values) -> pd.DatetimeIndex:
    if isinstance(values.dtype, pd.PeriodDtype) or (
        values.dtype.kind == "O" and types.infer_dtype(values, skipna=True) == "period"
    ):
        return pd.PeriodIndex(values).to_timestamp()
    try:
        return pd.DatetimeIndex(pd.to_datetime(pd.Series(values)))
    except ValueError as error:
        raise TypeError(f"has dates that cannot be read: {error}") from error


def _inferred(values: Values) -> str:
    return types.infer_dtype(values, skipna=True)


def _first(values: Values) -> str:
    """Show the first value that is there."""
    objects = np.asarray(values, dtype=object)
    row = int(np.flatnonzero(~pd.isna(objects))[0])
    return f"{objects[row]!r} in row {row}"


def _describe_zone(zone: Any) -> str:
    return "without time zone" if zone is None else f"of the time zone {zone}"
