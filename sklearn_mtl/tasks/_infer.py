"""What kind of task a column of labels is, where nobody has said it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from ._columns import LabelColumn

_MOST_CLASSES = 10
_LABELS_A_CLASS = 3
_NUMBERS = {"decimal", "integer", "mixed-integer-float"}
_TIMES = {"date", "datetime", "datetime64", "period", "time", "timedelta", "timedelta64"}


def infer_kind(
    column: LabelColumn, *, owner: str
) -> tuple[Literal["regression", "classification"], str | None]:
    """Tell numbers from classes.

    Categories, text and booleans are classes; numbers with a fraction are numbers. Of whole numbers, two
    different ones are classes, and so are up to 10 of an integer type that occur three times each or more
    in the mean; all others are numbers.

    Parameters
    ----------
    column : LabelColumn
        Has at least one label.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    kind : {"regression", "classification"}
    doubt : str or None
        What a guess was made from; None where there is no other way to read the labels.

    Raises
    ------
    ValueError
        The labels are dates or durations.

    Examples
    --------
    >>> from sklearn_mtl.tasks import infer_kind, read_labels
    >>> table = read_labels([["a", 1.5, 3], ["b", 2.0, 4], ["a", 2.5, 5]], owner="Example")
    >>> for column in table.columns:
    ...     print(infer_kind(column, owner="Example"))
    ('classification', None)
    ('regression', None)
    ('regression', '3 different whole numbers')
    """
    labels = column.labels
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "classification", _doubt_of_names(labels)
    if labels.dtype.kind == "f":
        return _kind_of_floats(column)
    if labels.dtype.kind in "iu":
        return _kind_of_integers(labels)
    inferred = pd.api.types.infer_dtype(labels)
    if inferred in _TIMES:
        raise ValueError(
            f"{owner}: task {column.name!r} has labels like {labels[0]!r}, which are neither numbers nor "
            "classes; convert them to numbers, such as days, or drop the column."
        )
    if inferred in _NUMBERS or labels.dtype.kind == "c":
        return "regression", None
    return "classification", _doubt_of_names(labels)


def _kind_of_floats(column: LabelColumn) -> tuple[Literal["regression", "classification"], str | None]:
    if (column.labels != np.floor(column.labels)).any():
        return "regression", None
    n_values = len(np.unique(column.labels))
    if n_values == 2:
        return "classification", "two different whole numbers, as floats"
    # A hole makes floats of integers, so that the dtype says nothing.
    is_code = n_values <= _MOST_CLASSES and not column.observed.all()
    return "regression", _whole_numbers(n_values) + ", as floats beside holes" if is_code else None


def _kind_of_integers(labels: np.ndarray) -> tuple[Literal["regression", "classification"], str | None]:
    n_values = len(np.unique(labels))
    if n_values <= 2:
        return "classification", None
    is_class = n_values <= min(_MOST_CLASSES, len(labels) / _LABELS_A_CLASS)
    return "classification" if is_class else "regression", _whole_numbers(n_values)


def _whole_numbers(n_values: int) -> str:
    return f"{n_values} different whole number{'s' * (n_values > 1)}"


def _doubt_of_names(labels: np.ndarray) -> str | None:
    n_values = len(pd.unique(labels))
    if n_values <= max(_MOST_CLASSES, len(labels) / 2):
        return None
    return f"{n_values} different ones in {len(labels)} labels, as identifiers have; drop the column if so"
