"""The labels of one column, read as real numbers or as classes; every error names the task."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ._columns import LabelColumn

_GREATEST = 1e152  # sums of its square are finite


def real_numbers(column: LabelColumn, *, owner: str) -> np.ndarray:
    """Observed labels of a regression task.

    Parameters
    ----------
    column : LabelColumn
        Numbers or booleans.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of float64, shape (n_observed,)

    Raises
    ------
    ValueError
        The labels are text, dates, complex, or not finite.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_labels, real_numbers
    >>> real_numbers(read_labels([1, None, 3], owner="Example").columns[0], owner="Example")
    array([1., 3.])
    """
    labels = column.labels
    _check_not_complex(column, owner)
    if labels.dtype.kind not in "biufO" or _is_text(labels):
        raise ValueError(
            f"{owner}: task {column.name!r} has labels like {labels[0]!r} ({labels.dtype}), expected "
            f"numbers; convert them to float, or use the classifier, or MultiTaskAttentionEstimator with "
            f"task_types={{{column.name!r}: 'classification'}}, for classes."
        )
    try:
        numbers = labels.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{owner}: task {column.name!r} has labels that are no numbers: {error}.") from error
    _check_finite(numbers, column, owner)
    if len(numbers) and np.abs(numbers).max() > _GREATEST:
        raise ValueError(
            f"{owner}: task {column.name!r} has the label {numbers[np.abs(numbers).argmax()]:g}, "
            "whose square is infinite; give it in greater units."
        )
    return numbers


def codes_of(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Find labels among classes.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        As `class_labels` gives them.
    classes : ndarray of shape (K,)
        Sorted, in any dtype that compares with that of the labels.

    Returns
    -------
    ndarray of int, shape (n,)
        Index of the class; -1 where it is not among them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.tasks import codes_of
    >>> codes_of(np.array([1, 0, 7]), np.array([False, True]))
    array([ 1,  0, -1])
    """
    # pandas holds True and 1 for different labels; numpy and scikit-learn do not.
    known, came = (array.astype(np.int8) if array.dtype == bool else array for array in (classes, labels))
    return np.asarray(pd.Index(known).get_indexer(pd.Index(came)))


def class_labels(column: LabelColumn, *, owner: str) -> np.ndarray:
    """Observed labels of a classification task.

    Parameters
    ----------
    column : LabelColumn
        Text, booleans, whole numbers, or anything else that can be hashed and sorted.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of shape (n_observed,)
        In the labels' own dtype.

    Raises
    ------
    ValueError
        The labels are continuous, complex, not finite, or mix text with numbers.

    Examples
    --------
    >>> from sklearn_mtl.tasks import class_labels, read_labels
    >>> class_labels(read_labels([True, None, False], owner="Example").columns[0], owner="Example")
    array([ True, False])
    """
    labels = column.labels
    _check_not_complex(column, owner)
    if labels.dtype == object and pd.api.types.infer_dtype(labels).startswith("mixed"):
        kinds = sorted({type(label).__name__ for label in labels})
        raise ValueError(
            f"{owner}: Unknown label type: task {column.name!r} mixes labels of the types {kinds}; "
            f"convert the column to one type."
        )
    if labels.dtype.kind == "f":
        _check_finite(labels, column, owner)
        fractions = labels[labels != np.floor(labels)]
        if len(fractions):
            raise ValueError(
                f"{owner}: Unknown label type: continuous. Task {column.name!r} has labels like "
                f"{fractions[0]}, expected classes; cut the numbers into classes, or use the regressor, or "
                f"MultiTaskAttentionEstimator with task_types={{{column.name!r}: 'regression'}}."
            )
    return labels


def check_comparable(labels: np.ndarray, expected: np.ndarray, *, name: str, owner: str) -> None:
    """Refuse text where a task's labels are not text, and the other way round.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        What came.
    expected : ndarray of shape (m,)
        Labels of the right type.
    name : str
        The task.
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    ValueError
        One of the two is text.
    """
    if len(labels) and len(expected) and _is_text(labels) != _is_text(expected):
        raise ValueError(
            f"{owner}: task {name!r} has labels like {labels.tolist()[0]!r}, expected labels like "
            f"{expected.tolist()[0]!r}; convert one of them."
        )


def _is_text(labels: np.ndarray) -> bool:
    return pd.api.types.infer_dtype(labels) == "string"


def _check_not_complex(column: LabelColumn, owner: str) -> None:
    if column.labels.dtype.kind == "c":
        raise ValueError(
            f"{owner}: Complex data not supported: task {column.name!r} has labels like {column.labels[0]}; "
            f"give the real and the imaginary part as two tasks."
        )


def _check_finite(numbers: np.ndarray, column: LabelColumn, owner: str) -> None:
    infinite = ~np.isfinite(numbers)
    if infinite.any():
        row = np.flatnonzero(column.observed)[np.argmax(infinite)]
        raise ValueError(
            f"{owner}: Input y contains infinity or a value too large for dtype('float64'). "
            f"Task {column.name!r} has it in row {row}; use NaN to mark a missing label."
        )
