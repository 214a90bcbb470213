"""Labels of a task of numbers on a scale on which they are easier to learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer, PowerTransformer

from ._columns import LabelColumn, check_known_tasks

NAMED_TRANSFORMS = ("log1p", "yeo-johnson")


@dataclass(frozen=True, eq=False)
class LabelTransform:
    """A fitted transformer of scikit-learn, for one column.

    Parameters
    ----------
    transformer : transformer
        Fitted.
    least, greatest : float
        Transformed labels lie between them. Outside, where an inverse may be infinite or not exist, nothing
        is predicted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.tasks import LabelTransform, fit_transform, read_labels
    >>> column = read_labels([0.0, 9.0, None], owner="Example").columns[0]
    >>> transform = fit_transform("log1p", column, column.labels, owner="Example")
    >>> transform.inverse(np.array([1.0, 50.0])).round(2)
    array([1.72, 9.  ])
    """

    transformer: Any
    least: float
    greatest: float

    def forward(self, labels: np.ndarray) -> np.ndarray:
        """Transform labels of shape (n,), or (n, Q)."""
        return _by_column(self.transformer.transform, labels)

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Bring predictions of shape (n,), or (n, Q), back to the scale of the labels."""
        return _by_column(self.transformer.inverse_transform, np.clip(values, self.least, self.greatest))


def fit_transform(transform: Any, column: LabelColumn, labels: np.ndarray, *, owner: str) -> LabelTransform:
    """Fit a transform to a task's observed labels.

    Parameters
    ----------
    transform : {"log1p", "yeo-johnson"} or transformer
        Of scikit-learn's kind: with ``fit``, ``transform`` and ``inverse_transform``, for one column.
    column : LabelColumn
        The task.
    labels : ndarray of shape (n,)
        Its labels as numbers.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    LabelTransform

    Raises
    ------
    ValueError
        The labels cannot be transformed, or do not come back.
    """
    said = f"{owner}: target_transform of task {column.name!r}, {transform!r},"
    if isinstance(transform, str) and transform == "log1p" and labels.min() <= -1:
        raise ValueError(
            f"{said} needs labels above -1, and there is {labels.min():g}; use 'yeo-johnson', or None."
        )
    try:
        fitted = _made(transform).fit(labels[:, None])
        transformed = _by_column(fitted.transform, labels)
        back = _by_column(fitted.inverse_transform, transformed)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{said} cannot be used: {error}") from error
    if not np.isfinite(transformed).all():
        label = labels[~np.isfinite(transformed)][0]
        raise ValueError(f"{said} makes the label {label:g} infinite or NaN; choose another one.")
    if np.abs(back - labels).mean() > 0.01 * float(labels.std()) + 1e-9 * float(np.abs(labels).max()):
        worst = int(np.abs(back - labels).argmax())
        raise ValueError(
            f"{said} cannot be undone: the label {labels[worst]:g} comes back as {back[worst]:g}; choose one "
            "whose inverse_transform gives the labels."
        )
    return LabelTransform(fitted, float(transformed.min()), float(transformed.max()))


def transform_of_each(
    target_transform: Any, names: Sequence[str], is_transformed: Sequence[bool], *, owner: str
) -> list[Any]:
    """Say which transform each task has.

    Parameters
    ----------
    target_transform : None, str, transformer or mapping from task name to one of them
        One that is not a mapping is for all tasks that can have one.
    names : sequence of str, length T
        The tasks.
    is_transformed : sequence of bool, length T
        Which of them can have one: numbers without a link of their own.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    list of str, transformer or None, length T

    Raises
    ------
    ValueError
        A task or a transform is unknown, or a task cannot have one.
    """
    if not isinstance(target_transform, Mapping):
        given = [target_transform if can else None for can in is_transformed]
    else:
        check_known_tasks(target_transform, names, argument="target_transform", owner=owner)
        given = [target_transform.get(name) for name in names]
    for name, transform, can in zip(names, given, is_transformed, strict=True):
        if isinstance(transform, str) and transform not in NAMED_TRANSFORMS:
            raise ValueError(
                f"{owner}: target_transform of task {name!r} is {transform!r}, expected one of "
                f"{list(NAMED_TRANSFORMS)}, a transformer, or None."
            )
        if transform is not None and not can:
            raise ValueError(
                f"{owner}: target_transform gives {transform!r} to task {name!r}, which has classes or, for "
                "'poisson', a logarithm of its own; leave it out."
            )
    return given


def _made(transform: Any) -> Any:
    if not isinstance(transform, str):
        return clone(transform)
    if transform == "yeo-johnson":
        return PowerTransformer("yeo-johnson")
    return FunctionTransformer(np.log1p, np.expm1, check_inverse=False)


def _by_column(function: Any, values: np.ndarray) -> np.ndarray:
    flat = np.asarray(function(values.reshape(-1, 1)), dtype=np.float64)
    if flat.size != values.size:
        raise ValueError(f"it makes {flat.shape} of shape {(values.size, 1)}")
    return flat.reshape(values.shape)
