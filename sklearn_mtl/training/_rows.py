"""The training rows as arrays, and what each fold makes of their labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..encoding import DesignRows, Sequences, TextVectors, VectorUnits, Words
from ..nn import OutputLayout
from ._constants import best_constants, class_outputs, loss_of_constants, spread

Entries: TypeAlias = Sequences | csr_array | TextVectors


@dataclass(frozen=True, eq=False)
class UnlabelledRows:
    """Inputs of rows without labels, as those of `TrainingRows`.

    Attributes
    ----------
    numbers : ndarray of shape (U, N), float32
    categories : ndarray of shape (U, M), int64
    bags : tuple of csr_array of shape (U, ·), float32, default=()
    sequences : tuple of Sequences of U rows, float32, default=()
    vectors : tuple of TextVectors, default=()
    """

    numbers: NDArray[np.float32]
    categories: NDArray[np.int64]
    bags: tuple[csr_array, ...] = ()
    sequences: tuple[Sequences, ...] = ()
    vectors: tuple[TextVectors, ...] = ()

    @property
    def entries(self) -> tuple[Entries, ...]:
        """Columns of any number of entries a row: sequences, bags and vectors of texts."""
        return (*self.sequences, *self.bags, *self.vectors)


@dataclass(frozen=True, eq=False)
class TagRows:
    """The labels of a task of tags.

    Attributes
    ----------
    column : int
        Which of the text columns with tags it is of.
    codes : ndarray of int64, shape (E,)
        The tag of each word of that column, row after row; -1 where it has none.
    weights : ndarray of shape (R,), float64
        Weight of each row's tags; 0 where it has none.
    n_tags : int
        K.
    task_weight : float
        Weight of the task.
    """

    column: int
    codes: NDArray[np.int64]
    weights: NDArray[np.float64]
    n_tags: int
    task_weight: float


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Everything that training reads.

    Attributes
    ----------
    numbers : ndarray of shape (R, N), float32
        Scaled numbers, NaN where missing.
    categories : ndarray of shape (R, M), int64
        Codes.
    design : DesignRows, or ndarray or csr_array of shape (R, P), float64
        Columns of the linear view; sparse if there are bags.
    values : ndarray of shape (R, T), float64
        Numbers and class indices; 0 where missing.
    weights : ndarray of shape (R, T), float64
        Weight of each label; 0 where it is missing.
    task_weight : ndarray of shape (T,), float64
        Weight of each task, not all 0.
    fold : ndarray of shape (R,), int64
        The fold that never trains on the row.
    layout : OutputLayout
        The tasks.
    n_dense : int, default=0
        Of a sparse design: so many columns, the first ones, are of neither bags nor vectors.
    part : ndarray of shape (R,), int64, optional
        The same rows dealt to more folds, those of the forest; each lies in one fold.
    bags : tuple of csr_array of shape (R, ·), float32, default=()
        Terms and values of bag columns.
    bag_scales : tuple of float, default=()
        Of the rows' norms in each of them.
    sequences : tuple of Sequences of R rows, float32, default=()
        Scaled steps of sequence columns, without NaN.
    unlabelled : UnlabelledRows, optional
        Rows of which no task has a label.
    vectors : tuple of TextVectors, default=()
        Of R rows, for each text column that has them.
    vector_units : tuple of VectorUnits, default=()
        Fitted, one for each of them.
    words : tuple of Words, default=()
        Of the text columns with tags.
    n_word_codes : tuple of int, default=()
        How many codes their features have.
    tags : tuple of TagRows, default=()
        The tasks of tags.
    """

    numbers: NDArray[np.float32]
    categories: NDArray[np.int64]
    design: DesignRows | NDArray[np.float64] | csr_array
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    task_weight: NDArray[np.float64]
    fold: NDArray[np.int64]
    layout: OutputLayout
    n_dense: int = 0
    part: NDArray[np.int64] | None = None
    bags: tuple[csr_array, ...] = ()
    bag_scales: tuple[float, ...] = ()
    sequences: tuple[Sequences, ...] = ()
    unlabelled: UnlabelledRows | None = None
    vectors: tuple[TextVectors, ...] = ()
    vector_units: tuple[VectorUnits, ...] = ()
    words: tuple[Words, ...] = ()
    n_word_codes: tuple[int, ...] = ()
    tags: tuple[TagRows, ...] = ()

    @property
    def entries(self) -> tuple[Entries, ...]:
        """Columns of any number of entries a row: sequences, bags and vectors of texts."""
        return (*self.sequences, *self.bags, *self.vectors)

    @property
    def n_folds(self) -> int:
        """G."""
        return int(self.fold.max()) + 1

    @property
    def total_task_weight(self) -> float:
        """Weight of all tasks, those of tags among them."""
        return float(self.task_weight.sum() + sum(tags.task_weight for tags in self.tags))

    def in_parts(self) -> TrainingRows:
        """Give the rows with their parts as folds."""
        return self if self.part is None else replace(self, fold=self.part, part=None)

    def held_out(self, fold: int) -> NDArray[np.int64]:
        """Rows that a fold never trains on."""
        return np.flatnonzero(self.fold == fold)

    def trained_on(self, fold: int) -> NDArray[np.int64]:
        """Rows that a fold trains on."""
        return np.flatnonzero(self.fold != fold)


@dataclass(frozen=True, eq=False)
class TargetScales:
    """How each fold standardises labels, from the rows it trains on alone.

    Attributes
    ----------
    mean, deviation : ndarray of shape (G, O)
        Of numbers with a squared error; median and spread with other losses; 0 and the mean of the labels of
        Poisson tasks; 0 and 1 for the outputs of classes.
    prior : ndarray of shape (G, O)
        Outputs that predict the base rates, or the best constant of numbers: the initial biases of the heads.
    fold_loss : ndarray of shape (G, T)
        Loss of predicting them over the rows of each fold; 1 for a squared error, as labels are standardised.
    base_loss : ndarray of shape (T,)
        Loss of the best constant or the base rate, over all rows: dividing by it makes tasks comparable.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    prior: NDArray[np.float64]
    fold_loss: NDArray[np.float64]
    base_loss: NDArray[np.float64]


def target_scales(rows: TrainingRows) -> TargetScales:
    """Measure labels, fold by fold.

    Parameters
    ----------
    rows : TrainingRows

    Returns
    -------
    TargetScales
    """
    n_folds, layout = rows.n_folds, rows.layout
    mean = np.zeros((n_folds, layout.n_outputs))
    deviation = np.ones_like(mean)
    prior = np.zeros_like(mean)
    fold_loss = np.ones((n_folds, len(layout.kinds)))
    base_loss = np.ones(len(layout.kinds))
    for task, (kind, outputs) in enumerate(zip(layout.kinds, layout.slices, strict=True)):
        value, weight = rows.values[:, task], rows.weights[:, task]  # (R,)
        in_folds = (weight * (rows.fold != fold) for fold in range(n_folds))
        if kind == "regression":
            overall, spread = _moments(value, weight)
            base_loss[task] = spread**2
            for fold, in_fold in enumerate(in_folds):
                fold_mean, deviation[fold, outputs] = _moments(value, in_fold)
                # A fold may hold out all labels of a scarce task.
                mean[fold, outputs] = fold_mean if in_fold.any() else overall
            continue
        if task not in layout.classes:
            if not weight.any():  # a task that is not learned
                continue
            alone = layout.of([task])
            base_loss[task] = _loss_or_1(best_constants(alone, value, weight), alone, value, weight)
            for fold, in_fold in enumerate(in_folds):
                measured = _standardised(alone, value, in_fold if in_fold.any() else weight, weight)
                mean[fold, outputs], deviation[fold, outputs], prior[fold, outputs], fold_loss[fold, task] = (
                    measured
                )
            continue
        n_classes = max(2, outputs.stop - outputs.start)
        codes = value.astype(np.int32)
        rates = np.stack([_base_rates(in_fold, codes, n_classes) for in_fold in in_folds])  # (G, K)
        prior[:, outputs] = class_outputs(kind, rates)
        fold_loss[:, task] = -(rates * np.log(rates)).sum(axis=1)
        base_rates = _base_rates(weight, codes, n_classes)
        base_loss[task] = -(base_rates * np.log(base_rates)).sum()
    return TargetScales(mean, deviation, prior, fold_loss, base_loss)


@dataclass(frozen=True, eq=False)
class TagScales:
    """What each fold knows of a task of tags from the rows it trains on.

    Attributes
    ----------
    prior : ndarray of shape (G, K)
        Logarithms of the tags' rates.
    weight_scale : ndarray of shape (G,)
        Makes the sum over a batch's words of weight times loss, divided by its rows, the task's loss in units
        of the loss of these rates.
    base_error : float
        Share of words whose tag is not the most frequent one.
    total : float
        Weight of all words with a tag.
    """

    prior: NDArray[np.float64]
    weight_scale: NDArray[np.float64]
    base_error: float
    total: float


def tag_scales(rows: TrainingRows) -> list[TagScales]:
    """Measure tags, fold by fold; one for each task of tags.

    Parameters
    ----------
    rows : TrainingRows

    Returns
    -------
    list of TagScales
    """
    scales = []
    n_trained_on = len(rows.fold) - np.bincount(rows.fold)  # (G,)
    for tags in rows.tags:
        n_words = np.diff(rows.words[tags.column].starts)
        weight, fold = np.repeat(tags.weights, n_words) * (tags.codes >= 0), np.repeat(rows.fold, n_words)
        codes = np.maximum(tags.codes, 0).astype(np.int32)
        in_folds = [weight * (fold != place) for place in range(rows.n_folds)]
        rates = np.stack([_base_rates(in_fold, codes, tags.n_tags) for in_fold in in_folds])  # (G, K)
        totals = np.array([in_fold.sum() for in_fold in in_folds])
        fold_loss = -(rates * np.log(rates)).sum(axis=1) * totals / n_trained_on
        overall = _base_rates(weight, codes, tags.n_tags)
        scales.append(
            TagScales(
                np.log(rates),
                np.divide(1.0, fold_loss, out=np.zeros_like(fold_loss), where=fold_loss > 0),
                float(1 - overall.max()),
                float(weight.sum()),
            )
        )
    return scales


def _standardised(
    layout: OutputLayout,
    value: NDArray[np.float64],
    in_fold: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[float, float, NDArray[np.float64], float]:
    """Measure a number whose error is not squared: origin, unit, outputs of the best constant, their loss."""
    constants = best_constants(layout, value, in_fold)
    if layout.poisson:
        # A fold that holds out all that is above 0 takes over the mean of all labels.
        unit = constants[0] or best_constants(layout, value, weight)[0] or 1.0
        return 0.0, unit, np.zeros(1), _loss_or_1(np.array([unit]), layout, value, in_fold, unit=unit)
    origin, unit = spread(value, in_fold)
    if layout.kinds[0] == "huber":
        layout = OutputLayout(["huber"], [1], units={0: unit})
        constants = best_constants(layout, value, in_fold)
    unit_of_loss = unit**2 if layout.kinds[0] == "huber" else unit
    loss = _loss_or_1(constants, layout, value, in_fold, unit=unit_of_loss)
    return origin, unit, (constants - origin) / unit, loss


def _loss_or_1(
    constants: NDArray[np.float64],
    layout: OutputLayout,
    value: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    unit: float = 1.0,
) -> float:
    """Give the loss of constants in some unit, 1 if it is no more than rounding."""
    loss = loss_of_constants(constants, layout, value, weight)
    rounding = 1e-12 * constants[0] + 1e-300 if layout.poisson else 0.0
    return loss / unit if loss > rounding else 1.0


def _moments(value: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    total = float(weights.sum())
    shares = weights / (total if total > 0 else 1.0)
    mean = float((shares * value).sum())
    deviation = float(np.sqrt((shares * (value - mean) ** 2).sum()))
    return mean, deviation if deviation > 1e-12 * abs(mean) else 1.0


def _base_rates(
    weights: NDArray[np.float64], codes: NDArray[np.int32], n_classes: int
) -> NDArray[np.float64]:
    """Share of each class, (K,); as if half of a mean row of each had been seen before."""
    counts = np.bincount(codes, weights=weights, minlength=n_classes)
    counts += 0.5 * weights.sum() / max(np.count_nonzero(weights), 1)
    if not counts.any():  # a fold may hold out all labels of a scarce task: all classes are then alike
        counts[:] = 1.0
    return np.asarray(counts / counts.sum())
