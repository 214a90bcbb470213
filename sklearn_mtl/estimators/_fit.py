"""What ``fit`` does between the user's tables and a trained ensemble."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from ..encoding import (
    BagTerms,
    ColumnReader,
    Columns,
    Continuation,
    DesignRows,
    FrequentTerms,
    LinearDesign,
    MergedRows,
    NumberScaling,
    SequenceColumns,
    StepScaling,
    TextColumns,
    TextEncoder,
    VectorUnits,
    active_columns,
    check_table,
    merge_rows,
)
from ..nn import OutputLayout
from ..tasks import (
    TagColumn,
    Targets,
    Task,
    TaskSet,
    options_by_task,
    read_labels,
    read_tasks,
    row_weights,
    sample_weight_table,
    smoothing_of_each,
    split_tags,
    task_weights,
)
from ..training import (
    Ensemble,
    FoldNet,
    ForestView,
    LinearView,
    Preparation,
    TargetScales,
    TrainingRows,
    UnlabelledRows,
    assign_folds,
    best_constants,
    class_outputs,
    fit_forest_view,
    fit_linear_view,
    say,
    spread,
    target_scales,
    view_shares,
)
from ._defaults import forest_parts
from ._groups import joined_groups, read_groups
from ._tagging import (
    TagInput,
    names_in_order,
    place_of_words,
    read_tags,
    split_sample_weight,
    split_task_weight,
    tag_rows,
    tagged_columns,
)
from ._thresholds import Threshold, read_threshold

# Of fewer different X, each is so frequent that a network has to see all of them.
_LEAST_GROUPS = 32
_ROWS_AT_ONCE = 8192
_LEAST_RATE = 1e-300
_CONTINUING = ("regression", "absolute_error", "huber", "quantile")
_MOST_ROWS_ATTENDED = 2_000


@dataclass(frozen=True, eq=False)
class FitInput:
    """The arguments of ``fit``, read and checked.

    Attributes
    ----------
    reader : ColumnReader
    columns : Columns
        B rows.
    task_set : TaskSet
    targets : Targets
    weights : ndarray of shape (B, T)
        Of labels; 0 where missing.
    task_weight : ndarray of shape (T,)
    sample_weight : ndarray of shape (B, T)
        Weights of labels without those of their classes; 0 where missing.
    index : Index of length B, or None
        Of the rows, if X or y is a DataFrame.
    is_calibrated : ndarray of bool, shape (T,)
        Tasks whose probabilities are calibrated.
    thresholds : list of float, str or None, length T
        The threshold of each task, or the metric by which it is chosen.
    label_smoothing : list of float, length T, or None
    groups : ndarray of int64, shape (B,), or None
        Rows of one group are held out together.
    unlabelled : Columns or None
        Different rows without labels, in canonical order, if they are of use.
    continuation : Continuation or None
        What tasks are learned relative to, if any is.
    names : list of str
        All tasks in the order of y, those of tags, which `task_set` is without, among them.
    tags : tuple of TagInput, default=()
        The tasks of tags.
    """

    reader: ColumnReader
    columns: Columns
    task_set: TaskSet
    targets: Targets
    weights: NDArray[np.float64]
    task_weight: NDArray[np.float64]
    sample_weight: NDArray[np.float64]
    index: pd.Index | None
    is_calibrated: NDArray[np.bool_]
    thresholds: list[Threshold | None]
    label_smoothing: list[float] | None
    groups: NDArray[np.int64] | None
    names: list[str]
    unlabelled: Columns | None = None
    continuation: Continuation | None = None
    tags: tuple[TagInput, ...] = ()

    @property
    def training_names(self) -> list[str]:
        """All tasks in the order of training: those of tags are last."""
        return [*self.task_set.names, *(of.task.name for of in self.tags)]


def read_fit_input(
    X: Any,
    y: Any,
    *,
    kind: Any,
    sample_weight: Any,
    class_weight: Any,
    task_weight: Any,
    calibrate: Any,
    thresholds: Any,
    owner: str,
    text: TextColumns | None = None,
    encoder: TextEncoder | None = None,
    sequences: SequenceColumns | None = None,
    label_smoothing: Any = 0.0,
    groups: Any = None,
    uses_unlabelled: bool = False,
    learns_tags: bool = False,
    **reading: Any,
) -> FitInput:
    """Read and check everything that comes from the user.

    Parameters
    ----------
    X, y, sample_weight : array-like
        As given to ``fit``.
    kind : str, mapping, sequence or None
        Of the tasks, as in `read_tasks`.
    class_weight, task_weight, calibrate, thresholds : object
        As given to the estimator.
    owner : str
        Who asks; errors start with it.
    text : TextColumns, default=None
        Which columns are texts.
    encoder : TextEncoder, default=None
        Gives texts their vectors.
    sequences : SequenceColumns, default=None
        Which columns are sequences.
    label_smoothing : object, default=0.0
        As given to the estimator.
    groups : array-like of shape (B,), default=None
        As given to ``fit``.
    uses_unlabelled : bool, default=False
        Rows without labels are of use.
    learns_tags : bool, default=False
        Whether a column of y may have tags of words.
    **reading : object
        Further options of `read_tasks`.

    Returns
    -------
    FitInput

    Raises
    ------
    ValueError, TypeError
        Something is wrong with any of them.
    """
    table = check_table(X, owner=owner)
    labels = y
    tags: tuple[TagColumn, ...] = ()
    if not issparse(y):
        labels, kind, tags = split_tags(
            read_labels(y, owner=owner), kind, is_allowed=learns_tags, owner=owner
        )
    task_set, targets = read_tasks(labels, kind=kind, owner=owner, **reading)
    check_rows(table.shape[0], len(targets.values), owner=owner)
    if table.shape[0] < 2:
        raise ValueError(f"{owner}: n_samples=1 is too few; fit needs at least 2 different rows.")
    names, tag_weights = task_set.names, np.empty((table.shape[0], 0))
    weight_of_tags: list[float] = []
    if tags:
        names = names_in_order(task_set, tags)
        sample_weight, tag_weights = split_sample_weight(
            sample_weight, tags, n_rows=table.shape[0], names=names, is_named=task_set.is_named, owner=owner
        )
        task_weight, weight_of_tags = split_task_weight(task_weight, tags, names=names, owner=owner)
    weights = row_weights(
        task_set, targets, sample_weight=sample_weight, class_weight=class_weight, owner=owner
    )
    smoothing = smoothing_of_each(task_set, label_smoothing, owner=owner)
    weight_of_task = task_weights(task_set, task_weight, owner=owner) if task_set.tasks else np.empty(0)
    is_present = ((weights > 0) & (weight_of_task > 0)).any(axis=1) | (tag_weights > 0).any(axis=1)
    is_calibrated = _calibrated_tasks(calibrate, task_set, owner)
    asked_thresholds = _asked_thresholds(thresholds, task_set, weight_of_task, owner)
    reader = ColumnReader().fit(
        table,
        owner=owner,
        is_present=is_present,
        text=text,
        encoder=encoder,
        sequences=sequences,
        tagged=tagged_columns(table, tags, text=text, owner=owner),
    )
    of_words = [place_of_words(reader, of.task, owner=owner) for of in tags]
    places = sorted(set(of_words))
    if tags:
        reader.fit_words(table, places, owner=owner, is_present=is_present)
    columns = reader.read(table, owner=owner)  # texts are encoded here, which may take long
    continuation = None
    if sequences is not None and reader.sequences:
        counted = weights * (weight_of_task > 0)
        continuation = _find_continuation(sequences, reader, columns, task_set, targets, counted)
        if continuation is not None and sequences.centre == "auto":
            reader.centre(continuation.columns(reader.columns_))
            columns = reader.read(table, owner=owner)
    plain = weights
    if class_weight is not None:
        plain = row_weights(task_set, targets, sample_weight=sample_weight, owner=owner)
    unlabelled = None
    if uses_unlabelled:
        is_asked = _has_weight(sample_weight, task_set, n_rows=len(weights), owner=owner)
        unlabelled = _different(columns.take(~is_present & is_asked))
    index = next((frame.index for frame in (X, y) if isinstance(frame, pd.DataFrame)), None)
    return FitInput(
        reader,
        columns,
        task_set,
        targets,
        weights,
        weight_of_task,
        plain,
        index,
        label_smoothing=smoothing,
        continuation=continuation,
        groups=None if groups is None else read_groups(groups, n_rows=table.shape[0], owner=owner),
        names=names,
        tags=read_tags(
            tags,
            columns,
            places=[places.index(place) for place in of_words],
            weights=tag_weights,
            task_weights=weight_of_tags,
            owner=owner,
        ),
        is_calibrated=is_calibrated,
        thresholds=asked_thresholds,
        unlabelled=unlabelled,
    )


def _find_continuation(
    sequences: SequenceColumns,
    reader: ColumnReader,
    columns: Columns,
    task_set: TaskSet,
    targets: Targets,
    weights: NDArray[np.float64],
) -> Continuation | None:
    """Find the channels that tasks of numbers continue, if any does."""
    may_continue = [task.kind in _CONTINUING and task.transform is None for task in task_set.tasks]
    return sequences.find_continuation(reader.columns_, columns, targets.values, weights * may_continue)


def _has_weight(sample_weight: Any, task_set: TaskSet, *, n_rows: int, owner: str) -> NDArray[np.bool_]:
    """Say which rows have a weight above 0, whether they have labels or not; (B,)."""
    table = sample_weight_table(
        sample_weight, n_rows=n_rows, names=task_set.names, is_named=task_set.is_named, owner=owner
    )
    return np.asarray((table > 0).any(axis=1))


def _different(columns: Columns) -> Columns | None:
    """Keep one of equal rows, in an order that depends on their content alone; None if there is none."""
    no_labels = np.zeros((columns.n_rows, 1))
    first = merge_rows(columns, no_labels, no_labels == 0, np.ones_like(no_labels)).first
    return columns.take(first) if len(first) else None


def _calibrated_tasks(calibrate: Any, task_set: TaskSet, owner: str) -> NDArray[np.bool_]:
    asked = options_by_task(
        calibrate,
        task_set,
        read=_read_switch,
        off=False,
        kinds=("binary", "multiclass", "ordinal"),
        argument="calibrate",
        owner=owner,
    )
    return np.array(asked, dtype=bool)


def _read_switch(given: Any) -> bool:
    if isinstance(given, bool | np.bool_):
        return bool(given)
    raise ValueError("True or False")


def _asked_thresholds(
    thresholds: Any, task_set: TaskSet, task_weight: NDArray[np.float64], owner: str
) -> list[Threshold | None]:
    asked = options_by_task(
        thresholds,
        task_set,
        read=read_threshold,
        off=None,
        kinds=("binary",),
        argument="thresholds",
        owner=owner,
    )
    # A task of weight 0 has nothing to choose by.
    return [
        None if isinstance(wanted, str) and weight == 0 else wanted
        for wanted, weight in zip(asked, task_weight, strict=True)
    ]


def check_rows(n_rows: int, n_labelled: int, *, owner: str) -> None:
    """Refuse labels of another number of rows.

    Parameters
    ----------
    n_rows : int
        Of X.
    n_labelled : int
        Of y.
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    ValueError
        They differ.
    """
    if n_rows != n_labelled:
        raise ValueError(
            f"{owner}: X has {n_rows} rows and y has {n_labelled}; both must have one row for each sample."
        )


def say_what_is_left_out(read: FitInput, *, owner: str) -> None:
    """Print how many rows have no label at all, if there are any.

    Parameters
    ----------
    read : FitInput
    owner : str
        Who says so.
    """
    n_rows = len(read.targets.observed)
    is_labelled = read.targets.observed.any(axis=1)
    for of in read.tags:
        is_labelled = is_labelled | (of.weights > 0)
    n_left_out = n_rows - np.count_nonzero(is_labelled)
    use = "no task learns from them" if read.unlabelled is None else "adversarial training uses them"
    if n_left_out:
        say(f"{owner}: {n_left_out} of {n_rows} rows have no label; {use}.")


def say_what_is_hashed(preparation: Preparation, *, owner: str) -> None:
    """Print that terms of a bag share places, if they do.

    Parameters
    ----------
    preparation : Preparation
    owner : str
        Who says so.
    """
    for terms in preparation.bags:
        if terms.is_hashed:
            say(f"{owner}: a bag has so many terms that they share {terms.n_terms} places, by a hash.")


def say_what_is_encoded(read: FitInput, *, owner: str) -> None:
    """Print how many tokens the vectors of texts are of, if there are any.

    Parameters
    ----------
    read : FitInput
    owner : str
        Who says so.
    """
    encoder = read.reader.encoder
    if encoder is None:
        return
    for vectors in read.columns.vectors:
        n_tokens, most = np.diff(vectors.starts)[1:], encoder.max_length
        say(
            f"{owner}: {len(n_tokens)} different texts of {n_tokens.sum()} tokens have vectors of "
            f"{vectors.tokens.nbytes / 1e9:.2f} GB; {np.count_nonzero(n_tokens >= most)} of them fill all "
            f"{most} tokens of max_length and may be cut."
        )


def distinct_rows(read: FitInput, *, owner: str) -> MergedRows:
    """Merge equal rows; labels of tasks of weight 0 count as missing.

    Parameters
    ----------
    read : FitInput
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    MergedRows

    Raises
    ------
    ValueError
        There are less than two, or less than two groups.
    """
    is_learned = read.task_weight > 0
    weights = read.weights if is_learned.all() else read.weights * is_learned
    values, observed = read.targets.values, read.targets.observed
    if read.tags:
        of_tags = np.column_stack([of.weights * (of.task_weight > 0) for of in read.tags])
        values = np.column_stack([values, *(of.sequence for of in read.tags)])
        weights = np.column_stack([weights, of_tags])
        observed = np.column_stack([observed, of_tags > 0])
    merged = merge_rows(read.columns, values, observed, weights, n_tags=len(read.tags))
    if len(merged.first) < 2:
        raise ValueError(
            f"{owner}: all rows with labels are the same, of {len(read.weights)}; "
            "fit needs at least 2 different rows."
        )
    if read.groups is None:
        return merged
    group = joined_groups(merged, read.groups)
    if not group.any():
        raise ValueError(
            f"{owner}: groups has one group in {len(read.groups)} rows, those with the same X counted "
            "together; fit holds out groups in turn and needs at least 2."
        )
    return replace(merged, group=group)


def n_units(read: FitInput, merged: MergedRows) -> int:
    """Count the rows that can be held out apart from each other.

    Parameters
    ----------
    read : FitInput
    merged : MergedRows
        Of the same input.

    Returns
    -------
    int
        The user's groups, where there are any; else rows of different X, if there are many.
    """
    n_groups = int(merged.group.max()) + 1
    return n_groups if read.groups is not None or n_groups >= _LEAST_GROUPS else len(merged.first)


def prepare(read: FitInput, rows: NDArray[np.int64]) -> Preparation:
    """Fit what turns columns into the inputs of network and linear view.

    Parameters
    ----------
    read : FitInput
    rows : ndarray of int64, shape (R,)
        The distinct training rows among them, in canonical order.

    Returns
    -------
    Preparation
    """
    columns = read.columns
    numbers, categories = (np.flatnonzero(mask) for mask in active_columns(columns, rows=rows))
    kinds = [info.kind for info in read.reader.columns_ if info.n_terms]
    bags = tuple(
        BagTerms().fit(bag, rows=rows, is_text=kind == "text")
        for kind, bag in zip(kinds, columns.bags, strict=True)
    )
    steps = tuple(StepScaling().fit(sequences, rows=rows) for sequences in columns.sequences)
    if (
        not len(numbers) and not len(categories) and not bags and not steps
    ):  # one column that says nothing is needed
        numbers = np.arange(min(1, columns.numbers.shape[1]))
        categories = np.arange(1 - len(numbers))
    scaling = NumberScaling().fit(columns.numbers, rows=rows, places=numbers)
    vectors = tuple(VectorUnits().fit(each, rows=rows) for each in columns.vectors)
    design = LinearDesign().fit(columns, rows=rows, bags=bags, steps=steps, vectors=vectors)
    texts = list(read.reader.texts)
    word_bags = tuple(texts.index(place) for place in read.reader.words)
    return Preparation(numbers, categories, scaling, design, bags, steps, vectors, word_bags)


def training_rows(
    read: FitInput, merged: MergedRows, preparation: Preparation, *, n_folds: int, seed: int
) -> TrainingRows:
    """Gather all that training reads, in the canonical order of rows.

    Parameters
    ----------
    read : FitInput
    merged : MergedRows
        Of the same input.
    preparation : Preparation
        Fitted on the distinct rows.
    n_folds : int
        G.
    seed : int
        Breaks ties where rows are dealt to folds.

    Returns
    -------
    TrainingRows
    """
    tasks = read.task_set.tasks
    is_observed = merged.weights > 0
    values = np.where(is_observed, _learned_values(read)[merged.first], 0.0)
    n_classes = [0 if task.classes is None else len(task.classes) for task in tasks]
    n_parts = forest_parts(n_folds, n_rows=len(values), n_units=n_units(read, merged))
    part = assign_folds(
        np.where(is_observed, values, np.nan),
        n_classes=np.array(n_classes, dtype=np.int64),
        n_folds=n_folds * n_parts,
        rng=np.random.default_rng(seed),
        groups=merged.group if n_units(read, merged) < len(merged.first) else None,
    )
    numbers, categories, bags = _network_inputs(read.columns, merged.first, preparation)
    in_order = replace(read.columns, sequences=tuple(each[merged.first] for each in read.columns.sequences))
    return TrainingRows(
        numbers=numbers,
        categories=categories,
        bags=bags,
        sequences=preparation.network_sequences(in_order),
        bag_scales=tuple(terms.scale for terms in preparation.bags),
        vectors=tuple(vectors[merged.first] for vectors in read.columns.vectors),
        vector_units=preparation.vectors,
        design=_design(read.columns, merged.first, preparation.design),
        n_dense=preparation.design.n_dense,
        values=values,
        # To below 1, by a power of two that changes no bit: float32 holds them.
        weights=np.ldexp(merged.weights, -np.frexp(merged.weights.max(axis=0))[1]),
        task_weight=read.task_weight,
        words=tuple(words.take(merged.first) for words in read.columns.words) if read.tags else (),
        n_word_codes=tuple(of.n_codes for of in read.reader.words.values()) if read.tags else (),
        tags=tag_rows(read.tags, read.columns, merged),
        fold=part // n_parts,
        unlabelled=None if read.unlabelled is None else _unlabelled_rows(read.unlabelled, preparation),
        part=part if n_parts > 1 else None,
        layout=_layout(read.task_set, values, merged.weights),
    )


def _unlabelled_rows(columns: Columns, preparation: Preparation) -> UnlabelledRows:
    """Prepare rows without labels."""
    return UnlabelledRows(
        *_network_inputs(columns, np.arange(columns.n_rows), preparation),
        sequences=preparation.network_sequences(columns),
        vectors=columns.vectors,
    )


def _layout(task_set: TaskSet, values: NDArray[np.float64], weights: NDArray[np.float64]) -> OutputLayout:
    """Say where the outputs of each task are, from labels and their weights, (R, T)."""
    tasks = task_set.tasks
    return OutputLayout(
        [task.kind for task in tasks],
        task_set.n_outputs,
        levels={place: task.levels for place, task in enumerate(tasks) if task.levels},
        units={
            place: spread(values[:, place], weights[:, place])[1]
            for place, task in enumerate(tasks)
            if task.kind == "huber" and weights[:, place].any()
        },
    )


def _learned_values(read: FitInput) -> NDArray[np.float64]:
    """Bring labels to the scales on which they are learned, and make them relative; (B, T)."""
    if read.continuation is None and all(task.transform is None for task in read.task_set.tasks):
        return read.targets.values
    values = read.targets.values.copy()
    if read.continuation is not None:
        values -= read.continuation.offsets(read.columns)
    for task, value, is_observed in zip(read.task_set.tasks, values.T, read.targets.observed.T, strict=True):
        value[is_observed] = task.forward(value[is_observed])
    return values


def attended_rows(merged: MergedRows) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose the rows over which attention is averaged: at most 2,000, evenly spaced in canonical order.

    Parameters
    ----------
    merged : MergedRows

    Returns
    -------
    rows : ndarray of int64, shape (B,)
        Rows of the table.
    weights : ndarray of shape (B,)
        The greatest of each row's tasks.
    """
    n_rows = len(merged.first)
    places = np.arange(0, n_rows, -(-n_rows // _MOST_ROWS_ATTENDED))
    weights = np.column_stack([merged.weights, merged.tag_weights])
    return merged.first[places], weights[places].max(axis=1)


def _network_inputs(
    columns: Columns, rows: NDArray[np.int64], preparation: Preparation
) -> tuple[NDArray[np.float32], NDArray[np.int64], tuple[csr_array, ...]]:
    """Prepare rows for the network block by block; (R, N), (R, M), and bags."""
    numbers = np.empty((len(rows), len(preparation.active_numbers)), dtype=np.float32)
    categories = np.empty((len(rows), len(preparation.active_categories)), dtype=np.int64)
    of_bags: list[list[csr_array]] = [[] for _ in columns.bags]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        part = columns.take(rows[block])
        numbers[block], categories[block] = preparation.network_inputs(part)
        for blocks, bag in zip(of_bags, preparation.network_bags(part), strict=True):
            blocks.append(bag)
    return numbers, categories, tuple(_stacked(blocks) for blocks in of_bags)


def _design(columns: Columns, rows: NDArray[np.int64], design: LinearDesign) -> DesignRows | csr_array:
    """Give the linear view's matrix of the rows; a sparse one is built at once."""
    if not columns.bags:
        return DesignRows(design, columns, rows)
    blocks = (rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE))
    return _stacked([csr_array(design.transform(columns.take(block))) for block in blocks])


def _stacked(blocks: list[csr_array]) -> csr_array:
    """Stack rows, and empty the list on the way: memory for all of them is needed once, not twice."""
    n_entries, n_columns = np.cumsum([0, *(block.nnz for block in blocks)]), blocks[0].shape[1]
    values = np.empty(n_entries[-1], dtype=blocks[0].dtype)
    terms = np.empty(n_entries[-1], dtype=blocks[0].indices.dtype)
    starts = [np.zeros(1, dtype=np.int64)]
    for start, end in pairwise(n_entries):
        block = blocks.pop(0)
        values[start:end], terms[start:end] = block.data, block.indices
        starts.append(block.indptr[1:] + start)
    places = np.concatenate(starts)
    return csr_array((values, terms, places), shape=(len(places) - 1, n_columns))


@dataclass(frozen=True, eq=False)
class OtherViews:
    """The linear view and the forest, which stand beside the network.

    Attributes
    ----------
    linear : LinearView
        Constants for outputs that are not learned, and for all if it was not asked for.
    forest : ForestView or None
        The forest, if it was asked for.
    out_of_fold : dict of int to ndarray of shape (R, O)
        Out-of-fold numbers and probabilities of those that were asked for: 1 is linear, 2 the forest.
    is_learned : ndarray of bool, shape (O,)
        Outputs of tasks that have weight and are not numbers with one value.
    frequent : FrequentTerms or None
        What the forest sees of bags, if there are any.
    """

    linear: LinearView
    forest: ForestView | None
    out_of_fold: dict[int, NDArray[np.float64]]
    is_learned: NDArray[np.bool_]
    frequent: FrequentTerms | None


def fit_other_views(
    rows: TrainingRows,
    scales: TargetScales,
    *,
    linear_view: bool,
    n_trees: int,
    seed: int,
    constants: NDArray[np.float64],
) -> OtherViews:
    """Fit what stands beside the network.

    Parameters
    ----------
    rows : TrainingRows
    scales : TargetScales
        Of the same rows.
    linear_view : bool
        Fit one.
    n_trees : int
        Trees of the forest; 0 for none.
    seed : int
        Of the forest.
    constants : ndarray of shape (O,)
        What tasks of weight 0 and numbers with one value predict; they learn nothing.

    Returns
    -------
    OtherViews
    """
    is_learned = np.repeat((rows.task_weight > 0) & ~_is_constant(rows), _widths(rows.layout))
    linear = LinearView.constant(rows, constants)
    out_of_fold: dict[int, NDArray[np.float64]] = {}
    if not rows.layout.n_outputs:  # all tasks are of tags
        return OtherViews(linear, None, out_of_fold, is_learned, None)
    if linear_view:
        linear = fit_linear_view(rows).where(is_learned, otherwise=linear)
        out_of_fold[1] = linear.out_of_fold
    forest = frequent = None
    n_terms = 0
    if n_trees:
        parts = rows.in_parts()
        if rows.bags:
            frequent = FrequentTerms(rows.bags)
            of_texts = zip(rows.vector_units, rows.vectors, strict=True)
            vectors = [units.design(each).astype(np.float32) for units, each in of_texts]
            terms = frequent.transform(rows.bags)
            parts, n_terms = (
                replace(parts, numbers=np.hstack([rows.numbers, *vectors, terms])),
                terms.shape[1],
            )
        scales_of_parts = scales if parts.fold is rows.fold else target_scales(parts)
        forest = fit_forest_view(parts, scales_of_parts, n_trees=n_trees, seed=seed, n_terms=n_terms)
        out_of_fold[2] = forest.out_of_fold
    return OtherViews(linear, forest, out_of_fold, is_learned, frequent)


def combine(
    net: FoldNet, others: OtherViews, rows: TrainingRows, scales: TargetScales, preparation: Preparation
) -> tuple[Ensemble, NDArray[np.float64]]:
    """Mix the trained network with what stands beside it.

    Parameters
    ----------
    net : FoldNet
        Trained on `rows`.
    others : OtherViews
        Fitted on the same rows.
    rows : TrainingRows
    scales : TargetScales
        Of the same rows.
    preparation : Preparation
        Of columns.

    Returns
    -------
    Ensemble
    ndarray of shape (R, O)
        Out-of-fold numbers and probabilities.
    """
    views = {0: net.out_of_fold_, **others.out_of_fold}
    shares = np.zeros((3, rows.layout.n_outputs))
    by_task = view_shares(list(views.values()), rows, scales)
    shares[list(views)] = np.repeat(by_task, _widths(rows.layout), axis=1)
    shares[:, ~others.is_learned] = np.array([0.0, 1.0, 0.0])[:, None]
    ensemble = Ensemble(
        net=net,
        preparation=preparation,
        scales=scales,
        coefficients=others.linear.coefficients,
        intercept=others.linear.intercept,
        forest=others.forest if shares[2].any() else None,
        shares=shares,
        layout=rows.layout,
        temperatures=np.ones(len(rows.task_weight)),
        frequent=others.frequent,
    )
    out_of_fold = shares[1] * others.linear.out_of_fold
    for place in views.keys() - {1}:
        out_of_fold += shares[place] * views[place]
    return ensemble, out_of_fold


def _widths(layout: OutputLayout) -> NDArray[np.int64]:
    """Count the outputs of each task."""
    return np.array([outputs.stop - outputs.start for outputs in layout.slices], dtype=np.int64)


def _is_constant(rows: TrainingRows) -> NDArray[np.bool_]:
    """Say which tasks are numbers whose observed labels are all the same; (T,)."""
    least = np.min(rows.values, axis=0, where=rows.weights > 0, initial=np.inf)
    greatest = np.max(rows.values, axis=0, where=rows.weights > 0, initial=-np.inf)
    is_number = ~np.isin(np.arange(len(rows.layout.kinds)), rows.layout.classes)
    return np.asarray(is_number & (least >= greatest))


def constant_outputs(read: FitInput) -> NDArray[np.float64]:
    """Find outputs of each task that predict its best constant or base rates; (O,)."""
    constants: list[float] = []
    columns = zip(read.task_set.tasks, _learned_values(read).T, read.weights.T, strict=True)
    for task, value, weight in columns:
        if task.kind == "regression":
            constants.append(float(np.average(value, weights=weight)))
        elif task.classes is None:
            best = best_constants(_layout_of(task, value, weight), value, weight)
            constants.extend(np.log(np.maximum(best, _LEAST_RATE)) if task.kind == "poisson" else best)
        else:
            counts = np.bincount(value.astype(np.intp), weights=weight, minlength=len(task.classes))
            rates = np.maximum(counts, 1e-9 * counts.sum())
            constants.extend(class_outputs(task.kind, rates))
    return np.array(constants)


def _layout_of(task: Task, value: NDArray[np.float64], weight: NDArray[np.float64]) -> OutputLayout:
    """Give the layout of a task of numbers alone."""
    levels = {0: task.levels} if task.levels else {}
    units = {0: spread(value, weight)[1]} if task.kind == "huber" else {}
    return OutputLayout([task.kind], [task.n_outputs], levels=levels, units=units)


def best_number(task: Task, value: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Find the constant that predicts a task of numbers best, at its middle level if it has levels.

    Parameters
    ----------
    task : Task
    value, weight : ndarray of shape (n,)
        Labels and their weights, not all 0.

    Returns
    -------
    float
        On the scale of the labels.
    """
    return float(best_constants(_layout_of(task, value, weight), value, weight)[task.middle])
