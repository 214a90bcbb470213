"""From ``y`` as it comes to tasks and their targets."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..exceptions import TaskTypeWarning
from ._columns import LabelColumn, LabelTable, check_known_tasks, read_labels
from ._infer import infer_kind
from ._labels import class_labels, real_numbers
from ._task_set import Targets, Task, TaskSet
from ._transform import fit_transform, transform_of_each

# Kinds that say how many classes there are, or whether they have an order.
CLASS_KINDS = ("classification", "binary", "multiclass", "ordinal")
# Kinds that say by which loss numbers are learned; "regression" is another word for the first.
NUMBER_KINDS = ("squared_error", "absolute_error", "huber", "quantile", "poisson")
_ALL_KINDS = ("regression", *CLASS_KINDS, *NUMBER_KINDS, "tagging")  # the last is for `split_tags`
_LEVELS = (0.05, 0.5, 0.95)


def read_tasks(
    y: Any,
    *,
    kind: Any,
    owner: str,
    among: Sequence[str] | None = None,
    argument: str = "task_types",
    target_transform: Any = None,
) -> tuple[TaskSet, Targets]:
    """Read ``y``: one task a column, with labels missing anywhere.

    Parameters
    ----------
    y : array-like or sparse array of shape (B,) or (B, T), or LabelTable
        Array, list, Series or DataFrame; NaN, None, ``pd.NA`` and NaT are missing labels. Classes may be
        text, booleans, whole numbers or categoricals, and each task may have its own type; flags may be a
        sparse indicator of 0 and 1.
    kind : str, ("ordinal", list of classes), ("quantile", list of levels), mapping, sequence or None
        How all columns are read, or each of them by its name or in order: one of `among`. "classification" is
        binary or multiclass by the number of classes; the order of an ordinal task is the one given, else
        that of an ordered categorical dtype, else that of sorted classes; the levels of a quantile task are
        those given, else 0.05, 0.5 and 0.95. None, and a name that a mapping leaves out, is the first of
        `among` if that are numbers or classes only; else it is inferred, see `infer_kind`.
    owner : str
        Who asks; errors start with it.
    among : sequence of str, optional
        The kinds that there are for this owner; None is all.
    argument : str, default="task_types"
        What kinds are called in errors.
    target_transform : str, transformer or mapping from task name to one of them, optional
        Scales on which numbers are learned; see `fit_transform`.

    Returns
    -------
    TaskSet
        Names, kinds and classes.
    Targets
        The labels as numbers.

    Warns
    -----
    TaskTypeWarning
        Kinds were guessed.

    Raises
    ------
    ValueError
        A task has no observed label, or one class only; labels are not finite, or not of the kind asked
        for; two tasks have one name; ``y`` is None or not a table; a kind or a task is unknown; an order
        misses a class; levels of quantiles do not ascend between 0 and 1; a transform does not fit.
    TypeError
        ``y`` is sparse and its columns are to be numbers.

    Examples
    --------
    >>> from sklearn_mtl.tasks import read_tasks
    >>> task_set, targets = read_tasks([[1.5, None], [2.5, "a"], [0.5, "b"]], kind=None, owner="Example")
    >>> [task.kind for task in task_set.tasks]
    ['regression', 'binary']
    >>> targets.values.tolist()
    [[1.5, 0.0], [2.5, 0.0], [0.5, 1.0]]
    """
    among = among or _ALL_KINDS
    are_numbers = _cut_kind(kind)[0] in ("regression", *NUMBER_KINDS) or set(among) <= set(NUMBER_KINDS)
    if sparse.issparse(y) and are_numbers:
        raise TypeError(
            f"{owner}: y is sparse, a dense table of numbers is expected; use y.toarray() if what is not "
            "stored is 0, and NaN in a dense table if it is missing."
        )
    table = y if isinstance(y, LabelTable) else read_labels(y, owner=owner)
    kinds = _kind_of_each(kind, table.names, among, argument, owner)
    values = np.zeros((table.n_rows, len(table.columns)))  # (B, T)
    observed = np.zeros(values.shape, dtype=bool)  # (B, T)
    tasks, guesses = [], {}
    for position, (column, its_kind) in enumerate(zip(table.columns, kinds, strict=True)):
        if not len(column.labels):
            raise ValueError(
                f"{owner}: task {column.name!r} has no observed label in {table.n_rows} rows; "
                f"drop the column or label at least one row."
            )
        kind_read, doubt = infer_kind(column, owner=owner) if its_kind is None else (its_kind, None)
        task, numbers = _read_column(column, kind_read, argument, owner)
        tasks.append(task)
        observed[:, position] = column.observed
        values[column.observed, position] = numbers
        if doubt is not None:
            guesses[task.name] = task.kind, doubt
    if guesses:
        _warn_of_guesses(guesses, owner)
    tasks = _with_transforms(tasks, target_transform, table.columns, values, owner)
    task_set = TaskSet(tuple(tasks), table.is_1d, table.is_named, _label_dtype(tasks))
    return task_set, Targets(values, observed)


def _kind_of_each(
    kind: Any, names: Sequence[str], among: Sequence[str], argument: str, owner: str
) -> list[Any]:
    kinds: list[Any]
    if isinstance(kind, Mapping):
        check_known_tasks(kind, names, argument=argument, owner=owner)
        kinds = [kind.get(name) for name in names]
    else:
        is_one = kind is None or isinstance(kind, str) or _has_more(kind)
        kinds = [kind] * len(names) if is_one else list(kind)
    if len(kinds) != len(names):
        raise ValueError(
            f"{owner}: {argument} has {len(kinds)} items, expected {len(names)}, one for each of the tasks "
            f"{list(names)}; or give a dict by task name."
        )
    is_given = not {"regression", "classification"} <= set(among)
    kinds = [among[0] if its_kind is None and is_given else its_kind for its_kind in kinds]
    for name, its_kind in zip(names, kinds, strict=True):
        word, _ = _cut_kind(its_kind)
        if word is not None and word not in list(among):
            raise ValueError(
                f"{owner}: {argument} says that task {name!r} is {its_kind!r}, expected one of "
                f"{list(among)}, or None{'' if is_given else ' to infer it'}."
            )
    return kinds


def _cut_kind(kind: Any) -> tuple[Any, Any]:
    """Tell the word of a kind from the order or the levels that it comes with; None if it comes alone."""
    return kind if _has_more(kind) else (kind, None)


def _has_more(kind: Any) -> bool:
    """Tell one kind that comes with an order or levels, such as ("quantile", (0.1, 0.9)), from two kinds."""
    is_pair = isinstance(kind, tuple) and len(kind) == 2 and isinstance(kind[0], str)
    if not is_pair or kind[0] not in ("ordinal", "quantile"):
        return False
    return not (kind[1] is None or isinstance(kind[1], str) or _has_more(kind[1]))


def _read_column(column: LabelColumn, kind: Any, argument: str, owner: str) -> tuple[Task, np.ndarray]:
    """Read the labels of a task of a given kind, which may be one with an order or levels."""
    word, more = _cut_kind(kind)
    if word == "quantile":
        task, numbers = _number_task(column, word, owner)
        return replace(task, levels=_read_levels(more, column.name, argument, owner)), numbers
    if word in ("regression", *NUMBER_KINDS):
        return _number_task(column, word, owner)
    if word == "ordinal":
        return _ordinal_task(column, more, owner)
    return _binary_task(column, owner) if word == "binary" else _class_task(column, owner)


def _number_task(column: LabelColumn, kind: Any, owner: str) -> tuple[Task, np.ndarray]:
    numbers = real_numbers(column, owner=owner)
    if kind == "poisson" and numbers.min() < 0:
        row = np.flatnonzero(column.observed)[numbers.argmin()]
        raise ValueError(
            f"{owner}: task {column.name!r} is 'poisson', and its label in row {row} is {numbers.min():g}; "
            "counts and rates are not negative: choose another loss, or mark the label as missing."
        )
    kind = "regression" if kind == "squared_error" else kind
    return Task(column.name, kind, dtype=np.dtype(np.float64)), numbers


# A multiclass or ordinal task of which two classes occur is a binary one.
def _class_task(column: LabelColumn, owner: str) -> tuple[Task, np.ndarray]:
    labels = class_labels(column, owner=owner)
    codes, uniques = pd.factorize(labels, sort=True)
    classes = np.asarray(uniques).astype(labels.dtype, copy=False)
    if len(classes) < 2:
        raise ValueError(
            f"{owner}: task {column.name!r} has only one class, {classes.tolist()[0]!r}, in {len(labels)} "
            f"observed labels; a classifier needs two, so drop the column or label rows of another class."
        )
    return Task(column.name, "binary" if len(classes) == 2 else "multiclass", classes, column.dtype), codes


def _binary_task(column: LabelColumn, owner: str) -> tuple[Task, np.ndarray]:
    task, codes = _class_task(column, owner)
    if task.kind != "binary":
        classes = [] if task.classes is None else task.classes.tolist()
        raise ValueError(
            f"{owner}: task_types says that task {task.name!r} is 'binary', but it has {len(classes)} "
            f"classes, {classes[:5]}{' and more' * (len(classes) > 5)}; use 'multiclass' or 'classification'."
        )
    return task, codes


def _ordinal_task(column: LabelColumn, given: Any, owner: str) -> tuple[Task, np.ndarray]:
    """Put classes into their order; those that no label has are left out."""
    task, codes = _class_task(column, owner)
    found = [] if task.classes is None else task.classes.tolist()
    order = _order_of(column, found, given, owner)
    places = np.array([found.index(label) for label in order if label in found])
    rank = np.argsort(places)  # of sorted classes
    classes = None if task.classes is None else task.classes[places]
    return replace(task, kind="binary" if len(places) == 2 else "ordinal", classes=classes), rank[codes]


def _order_of(column: LabelColumn, found: list[Any], given: Any, owner: str) -> list[Any]:
    """Take the order that is given, else that of the dtype, else that of sorted classes."""
    if given is None:
        is_ordered = isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered
        return column.dtype.categories.tolist() if is_ordered else found
    said = f"{owner}: task_types gives task {column.name!r} the order {given}"
    if not pd.api.types.is_list_like(given, allow_sets=False):
        raise ValueError(f"{said}, expected a list of its classes {found}, from the least to the greatest.")
    order = list(given)
    missing = [label for label in found if label not in order]
    if missing or len(set(order)) < len(order):
        what = f"misses {missing}" if missing else "names a class more than once"
        raise ValueError(
            f"{said}, which {what}; name all of its classes {found} once, from the least to the greatest."
        )
    return order


def _read_levels(levels: Any, name: str, argument: str, owner: str) -> tuple[float, ...]:
    if levels is None:
        return _LEVELS
    try:
        numbers = np.asarray(levels, dtype=np.float64)
        is_usable = numbers.ndim == 1 and len(numbers) > 0 and numbers.min() > 0 and numbers.max() < 1
        is_usable = bool(is_usable and (np.diff(numbers) > 0).all())
    except (TypeError, ValueError):
        is_usable = False
    if not is_usable:
        raise ValueError(
            f"{owner}: {argument} gives task {name!r} the levels {levels!r}, expected levels between 0 and 1 "
            f"that ascend, such as {_LEVELS}."
        )
    return tuple(numbers.tolist())


def _with_transforms(
    tasks: list[Task], target_transform: Any, columns: Sequence[LabelColumn], values: np.ndarray, owner: str
) -> list[Task]:
    """Fit the transforms of tasks of numbers."""
    names = [task.name for task in tasks]
    can_be = [task.classes is None and task.kind != "poisson" for task in tasks]
    transforms = transform_of_each(target_transform, names, can_be, owner=owner)
    return [
        task
        if transform is None
        else replace(task, transform=fit_transform(transform, column, value[column.observed], owner=owner))
        for task, transform, column, value in zip(tasks, transforms, columns, values.T, strict=True)
    ]


def _warn_of_guesses(guesses: Mapping[str, tuple[str, str]], owner: str) -> None:
    said = "; ".join(f"task {name!r} as {kind} ({doubt})" for name, (kind, doubt) in guesses.items())
    explicit = {name: kind for name, (kind, _) in guesses.items()}
    warnings.warn(
        f"{owner}: y is read as follows, which is a guess: {said}. Say what is meant, 'regression' or "
        f"'classification', by task_types={explicit}.",
        TaskTypeWarning,
        stacklevel=5,  # where fit was called
    )


def _label_dtype(tasks: list[Task]) -> np.dtype[Any]:
    dtypes = [np.dtype(np.float64) if task.classes is None else task.classes.dtype for task in tasks]
    if not dtypes:
        return np.dtype(object)
    if len(set(dtypes)) == 1:
        return dtypes[0]
    kinds = {dtype.kind for dtype in dtypes}
    share_a_kind = kinds <= set("iuf") or kinds == {"U"}
    return np.result_type(*dtypes) if share_a_kind else np.dtype(object)
