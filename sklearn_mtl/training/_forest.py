"""The forest view: randomised trees that serve all tasks, each shrunk as its task needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.tree import ExtraTreeRegressor

from ..nn import activate
from ._rows import TargetScales, TrainingRows
from ._shifts import residual_shifts

STRENGTHS = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_MISSING = np.float32(-4.0)  # below all scaled numbers
_MOST_ROWS = 20_000  # of a tree
_MOST_LEAVES, _MOST_VALUES = 4_000, 2**16  # of a tree
_MOST_TARGETS = 8
_MOST_INPUTS_ASKED = 2**19  # of all columns, at a tree's root
_LEAST_TERMS, _LEAST_BESIDE = 128, 9  # terms that a tree sees beside so many other columns
_MOST_COMPARED_TREES, _LEAST_COMPARED_TREES = 8, 2  # of each fold; the latter for many outputs
_MOST_COMPARED_FLOATS = 2**22
_BLOCK_ROWS = 8192
_FEW_ROWS = 64
_LEAST_WEIGHT = 1e-300
_LEAST_RATE = 1e-3  # of the mean

_Labels: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]  # (O, n), (T, n)


@dataclass(frozen=True, eq=False)
class ForestView:
    """A forest for all tasks.

    Attributes
    ----------
    out_of_fold : ndarray of shape (R, O)
        Numbers and probabilities for each training row, from the trees that have not seen it.
    spread : ndarray of shape (R, O)
        Standard deviation over the trees that have not seen the row.
    strength : ndarray of shape (T,)
        How strongly the trees are shrunk for each task.
    trees : Trees
        Of all folds, of each as many.
    n_folds : int
        Of the forest.
    """

    out_of_fold: NDArray[np.float64]
    spread: NDArray[np.float64]
    strength: NDArray[np.float64]
    trees: Trees
    n_folds: int

    def predict(self, numbers: NDArray[np.float32], categories: NDArray[np.int64]) -> NDArray[np.float64]:
        """Average all trees.

        Parameters
        ----------
        numbers : ndarray of shape (B, N), float32
            Scaled numbers, NaN where missing.
        categories : ndarray of shape (B, M), int64
            Codes.

        Returns
        -------
        ndarray of shape (B, O)
            Numbers and probabilities; those of a row do not depend on the rows beside it.
        """
        return self.trees.predict(numbers, categories)


def fit_forest_view(
    rows: TrainingRows, scales: TargetScales, *, n_trees: int, seed: int, n_terms: int = 0
) -> ForestView:
    r"""Grow each fold's extremely randomised trees [1]_ and shrink them [2]_ as serves each task best.

    Trees are grown on all tasks at once: on standardised numbers, and on indicators of classes less their
    base rates, where missing labels count as the mean. The outputs of a task are scaled to a variance that
    is its share of the tasks' weights; more than 8 outputs are replaced by 8 random mixtures of them,
    which differ from tree to tree. What a node then says of a task is the mean of the labels observed in
    it, moved towards what its parent says: :math:`v = v_p + (m - m_p) / (1 + \lambda / n_p)`, with
    :math:`n_p` the weight of the task's labels in the parent, in units of their mean weight.

    A task's strength :math:`\lambda` is the one of the least out-of-fold squared error (for classes: Brier
    score). Few trees see each row there, of which at most 8 are compared (fewer for
    more than 8 outputs), and the errors are those that all
    trees are expected to have: the variance of a mean of few trees, which weak shrinkage has more of, is
    replaced by that of a mean of all. Where rows times outputs are many, a sample of the rows is compared.

    A tree learns from at most 20,000 rows, drawn for it, and has at most 4,000 leaves; fewer for more than
    16 outputs. Rows without labels of a task with weight are left out. A task of weight 0 has no part in
    how trees grow, but its labels are averaged in them.

    Trees predict means; for an absolute error, Huber's loss and quantiles these are moved by the best
    constant of their out-of-fold residuals. A rate of a Poisson task is at least a thousandth of the mean.

    Parameters
    ----------
    rows : TrainingRows
        Their design is not used.
    scales : TargetScales
        How each fold standardises labels.
    n_trees : int
        Of all folds together; each has at least one.
    seed : int
    n_terms : int, default=0
        The last of the number columns are terms. Beside 9 other columns or more, a tree sees only 128 of the
        terms, or as many as there are others, drawn for it: among thousands, the others would not be asked.

    Returns
    -------
    ForestView

    References
    ----------
    .. [1] Geurts et al., "Extremely randomized trees", Machine Learning 63, 2006.
    .. [2] Agarwal et al., "Hierarchical Shrinkage: improving the accuracy and interpretability of
       tree-based methods", ICML 2022. https://arxiv.org/abs/2202.00858
    """
    n_folds = rows.n_folds
    n_each = max(1, n_trees // n_folds)
    folds = [_Fold(rows, scales, fold) for fold in range(n_folds)]
    seeds = np.random.SeedSequence(seed).spawn(n_folds)
    seen = _Columns(rows, n_terms)
    grown = [_grow(fold, n_each, seen, its_seed) for fold, its_seed in zip(folds, seeds, strict=True)]
    errors = sum(
        _errors(fold, its_trees, n_folds * n_each) for fold, its_trees in zip(folds, grown, strict=True)
    )
    strength = np.asarray(STRENGTHS)[np.argmin(errors, axis=0)]  # (T,)
    out_of_fold = np.empty((len(rows.fold), rows.layout.n_outputs))
    spread = np.empty_like(out_of_fold)
    served = []
    for fold, its_trees in zip(folds, grown, strict=True):
        served.append(_shrunk(fold, its_trees, strength))
        for block in _blocks(rows.held_out(fold.place)):
            out_of_fold[block] = served[-1].predict(rows.numbers[block], rows.categories[block])
            spread[block] = served[-1].deviation(rows.numbers[block], rows.categories[block])
    if rows.layout.shifted:
        shifts = residual_shifts(out_of_fold, rows)  # (G, O)
        served = [
            replace(trees, values=trees.values + shift) for trees, shift in zip(served, shifts, strict=True)
        ]
        out_of_fold += shifts[rows.fold]
    return ForestView(out_of_fold, spread, strength, Trees.joined(served), n_folds)


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees side by side, each of them level by level, so that a right child follows its left sibling.

    Attributes
    ----------
    first : ndarray of shape (n_trees + 1,), int64
        The root of each tree, and the number of nodes.
    left : ndarray of shape (n_nodes,), int32
        Left child; a leaf points to itself.
    column : ndarray of shape (n_nodes,), int32
        What an inner node asks for.
    threshold : ndarray of shape (n_nodes,), float32
        The most that goes left; infinite for a leaf.
    leaf : ndarray of shape (n_nodes,), int32
        Number of a leaf.
    values : ndarray of shape (n_leaves, O)
        Numbers and probabilities.
    depth : int
        Of the deepest tree.
    """

    first: NDArray[np.int64]
    left: NDArray[np.int32]
    column: NDArray[np.int32]
    threshold: NDArray[np.float32]
    leaf: NDArray[np.int32]
    values: NDArray[np.float64]
    depth: int

    @classmethod
    def joined(cls, parts: Sequence[Trees]) -> Trees:
        """Put trees side by side."""
        nodes = np.cumsum([0, *(part.first[-1] for part in parts)])
        leaves = np.cumsum([0, *(len(part.values) for part in parts)])
        first = [part.first[:-1] + start for part, start in zip(parts, nodes[:-1], strict=True)]
        return cls(
            np.concatenate([*first, nodes[-1:]]),
            np.concatenate([part.left + np.int32(start) for part, start in zip(parts, nodes, strict=False)]),
            np.concatenate([part.column for part in parts]),
            np.concatenate([part.threshold for part in parts]),
            np.concatenate([part.leaf + np.int32(start) for part, start in zip(parts, leaves, strict=False)]),
            np.concatenate([part.values for part in parts]),
            max(part.depth for part in parts),
        )

    def predict(self, numbers: NDArray[np.float32], categories: NDArray[np.int64]) -> NDArray[np.float64]:
        """Average over trees; (B, O)."""
        if len(numbers) <= _FEW_ROWS:
            return self._predict_few(_inputs(numbers, categories))
        predicted = np.empty((len(numbers), self.values.shape[1]))
        for block in _blocks(np.arange(len(numbers))):
            predicted[block] = self._predict_many(_inputs(numbers[block], categories[block]))
        return predicted

    def _predict_few(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Let rows walk through all trees at once."""
        n_rows, n_columns = inputs.shape
        flat, start = inputs.ravel(), n_columns * np.arange(n_rows)  # (B,)
        node = np.repeat(self.first[:-1, None], n_rows, axis=1)  # (n_trees, B)
        for _ in range(self.depth):
            node = self.left.take(node) + (
                flat.take(self.column.take(node) + start) > self.threshold.take(node)
            )
        values = self.values.take(self.leaf.take(node), axis=0)  # (n_trees, B, O)
        # Added tree by tree, as those of many rows are, so that both give the same bits; a sum is not.
        return np.asarray(np.add.accumulate(values, axis=0)[-1] / len(values))

    def _predict_many(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Let rows walk through one tree after the other."""
        total = np.zeros((len(inputs), self.values.shape[1]))
        for first, end in zip(self.first[:-1], self.first[1:], strict=True):
            total += self._say(inputs, first, end)
        return total / (len(self.first) - 1)

    def deviation(
        self, numbers: NDArray[np.float32], categories: NDArray[np.int64], *, n_groups: int = 1
    ) -> NDArray[np.float64]:
        """Give the standard deviation over trees within groups of them, the mean over groups; (B, O).

        Parameters
        ----------
        numbers : ndarray of shape (B, N), float32
            Scaled numbers, NaN where missing.
        categories : ndarray of shape (B, M), int64
            Codes.
        n_groups : int, default=1
            Trees that follow each other and are as many make a group, such as a fold.

        Returns
        -------
        ndarray of shape (B, O)
            0 for groups of one tree.
        """
        deviation = np.empty((len(numbers), self.values.shape[1]))
        for block in _blocks(np.arange(len(numbers))):
            deviation[block] = self._deviation(_inputs(numbers[block], categories[block]), n_groups)
        return deviation

    def _deviation(self, inputs: NDArray[np.float32], n_groups: int) -> NDArray[np.float64]:
        trees = np.stack([self.first[:-1], self.first[1:]], axis=1)
        deviation = np.zeros((len(inputs), self.values.shape[1]))
        n_others = max(1, len(trees) // n_groups - 1)
        for group in np.split(trees, n_groups):
            origin = self._say(inputs, *group[0])  # so that sums of squares do not cancel
            total, squares = np.zeros_like(deviation), np.zeros_like(deviation)
            for first, end in group[1:]:
                offset = self._say(inputs, first, end) - origin
                total += offset
                squares += offset**2
            squares -= total**2 / len(group)
            deviation += np.sqrt(np.maximum(squares, 0.0) / n_others)
        return np.asarray(deviation / n_groups)

    def _say(self, inputs: NDArray[np.float32], first: int, end: int) -> NDArray[np.float64]:
        """Give what the tree of some nodes says of rows; (B, O)."""
        reached = _walk(
            inputs, self.left[first:end] - first, self.column[first:end], self.threshold[first:end]
        )
        return self.values.take(self.leaf[first:end].take(reached), axis=0)


def _walk(
    inputs: NDArray[np.float32],
    left: NDArray[np.integer],
    column: NDArray[np.int32],
    threshold: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Find the leaves of a tree that rows reach, (B,)."""
    n_rows, n_columns = inputs.shape
    flat, start = inputs.ravel(), n_columns * np.arange(n_rows)
    walking, node, reached = np.arange(n_rows), np.zeros(n_rows, np.int64), np.empty(n_rows, np.int64)
    while len(walking):
        for _ in range(4):  # only then leave out what has reached a leaf
            node = left.take(node) + (flat.take(column.take(node) + start) > threshold.take(node))
        reached[walking] = node
        goes_on = np.flatnonzero(left.take(node) != node)
        walking, start, node = walking[goes_on], start[goes_on], node[goes_on]
    return reached


def _blocks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), _BLOCK_ROWS):
        yield rows[start : start + _BLOCK_ROWS]


def _inputs(numbers: NDArray[np.float32], categories: NDArray[np.int64]) -> NDArray[np.float32]:
    """Put numbers and codes side by side, (B, C); a constant if there are none."""
    (n_rows, n_numbers), n_categories = numbers.shape, categories.shape[1]
    inputs = np.zeros((n_rows, max(1, n_numbers + n_categories)), np.float32)
    inputs[:, :n_numbers] = np.where(np.isnan(numbers), _MISSING, numbers)
    inputs[:, n_numbers : n_numbers + n_categories] = categories
    return inputs


class _Fold:
    """What the trees of a fold learn from.

    Parameters
    ----------
    rows : TrainingRows
    scales : TargetScales
    place : int
        Which fold.

    Attributes
    ----------
    base : ndarray of shape (O,)
        Values where nothing is known: 0 for standardised numbers, 1 for rates, base rates for classes.
    deviation, mean : ndarray of shape (O,)
        From standardised numbers to numbers; the mean and 0 for rates, 1 and 0 for classes.
    task_of : ndarray of shape (O,), int64
        The task of each output.
    is_class : ndarray of shape (O,), bool
        Whether an output is a probability.
    tasks : list of int
        Those with weight, which decide how trees grow.
    """

    def __init__(self, rows: TrainingRows, scales: TargetScales, place: int) -> None:
        layout = rows.layout
        self.rows, self.place = rows, place
        self.mean, self.deviation = scales.mean[place], scales.deviation[place]
        self.base = activate(torch.from_numpy(scales.prior[place]), layout).numpy().copy()
        self.base[layout.places(layout.located)] = 0.0
        self.task_of = np.concatenate([[task] * len(self.base[of]) for task, of in enumerate(layout.slices)])
        self.is_class = np.isin(self.task_of, layout.classes)
        self.tasks = np.flatnonzero(rows.task_weight > 0).tolist()
        in_fold = rows.fold != place
        self._unit = np.ones(len(layout.kinds))  # (T,)
        for task in range(len(layout.kinds)):
            weights = rows.weights[in_fold, task]
            if weights.any():
                self._unit[task] = weights.sum() / np.count_nonzero(weights)

    def train(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give the rows that trees are grown on, and their weights.

        A row's weight is the mean over tasks, by their weight, of the weights of its labels, where a task's
        labels have weights of mean 1. Rows without weight are left out.
        """
        train = self.rows.trained_on(self.place)
        row_weight = np.zeros(len(train))
        for task in self.tasks:
            row_weight += self.rows.task_weight[task] / self._unit[task] * self.rows.weights[train, task]
        if not row_weight.any():  # the fold holds out all labels
            row_weight[:] = 1.0
        is_used = row_weight > 0
        return train[is_used], _rounded(row_weight[is_used] / row_weight.max())

    def labels(self, chosen: NDArray[np.int64]) -> _Labels:
        """Give standardised numbers and indicators of classes, (O, n), and weights of labels, (T, n)."""
        values = np.ascontiguousarray(self.rows.values[chosen].T)  # (T, n)
        weights = self.rows.weights[chosen].T / self._unit[:, None]
        encoded = (values[self.task_of] - self.mean[:, None]) / self.deviation[:, None]
        for task in self.rows.layout.one_hot:
            outputs = self.rows.layout.slices[task]
            encoded[outputs] = values[task] == np.arange(outputs.stop - outputs.start)[:, None]
        return encoded, np.ascontiguousarray(weights)

    def targets(self, chosen: NDArray[np.int64], row_weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what trees are grown on, for the outputs of tasks with weight; (n, O')."""
        encoded, weights = self.labels(chosen)
        encoded = np.where(weights[self.task_of] > 0, encoded - self.base[:, None], 0.0)
        targets = []
        for task in self.tasks:
            target = encoded[self.rows.layout.slices[task]]
            variance = float((target**2 @ row_weight).sum())
            share = self.rows.task_weight[task] / self.rows.task_weight.sum()
            scale = share * row_weight.sum() / variance if variance > 0 else 0.0
            targets.append(np.sqrt(scale) * target)
        return _rounded(np.ascontiguousarray(np.concatenate(targets).T))


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to float32: last bits, which the units of labels and weights decide, must not choose a split."""
    return values.astype(np.float32).astype(np.float64)


@dataclass(frozen=True, eq=False)
class _Grown:
    """A tree without values, level by level.

    Attributes
    ----------
    left, column, threshold : ndarray of shape (n_nodes,)
        As those of `Trees`.
    inner : ndarray of int64
        Inner nodes; the children of the i-th are the nodes 2 i + 1 and 2 i + 2.
    levels : list of slice
        The inner nodes of each level among the inner nodes.
    rows : ndarray of shape (n,), int64
        What the tree was grown on.
    reached : ndarray of shape (n,), int32
        The leaf of each of these rows.
    """

    left: NDArray[np.int32]
    column: NDArray[np.int32]
    threshold: NDArray[np.float32]
    inner: NDArray[np.int64]
    levels: list[slice]
    rows: NDArray[np.int64]
    reached: NDArray[np.int32]

    @property
    def leaves(self) -> NDArray[np.int64]:
        """Nodes that are leaves."""
        return np.flatnonzero(self.left == np.arange(len(self.left)))


class _Columns:
    """Which columns each tree sees: where there are others beside terms, only some terms, drawn for it.

    Parameters
    ----------
    rows : TrainingRows
    n_terms : int
        The last of the numbers are terms.
    """

    def __init__(self, rows: TrainingRows, n_terms: int) -> None:
        n_numbers, n_categories = rows.numbers.shape[1], rows.categories.shape[1]
        is_term = np.zeros(max(1, n_numbers + n_categories), dtype=bool)
        is_term[n_numbers - n_terms : n_numbers] = True
        self._terms, self._others = np.flatnonzero(is_term), np.flatnonzero(~is_term)
        self._n_drawn = max(_LEAST_TERMS, len(self._others))
        self.are_all = len(self._others) < _LEAST_BESIDE or len(self._terms) <= self._n_drawn

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw those of a tree."""
        drawn = rng.choice(self._terms, self._n_drawn, replace=False, shuffle=False)
        return np.sort(np.concatenate([self._others, drawn]))


def _grow(fold: _Fold, n_trees: int, columns: _Columns, seed: np.random.SeedSequence) -> list[_Grown]:
    """Grow a fold's trees."""
    train, its_weight = fold.train()
    most_leaves = max(1, min(_MOST_LEAVES, _MOST_VALUES // len(fold.base)))
    grown: list[_Grown] = []
    for tree_seed in seed.spawn(n_trees):
        rng = np.random.default_rng(tree_seed)
        if not grown or len(train) > _MOST_ROWS:
            rows, row_weight = train, its_weight
            if len(train) > _MOST_ROWS:
                drawn = np.sort(rng.choice(len(train), _MOST_ROWS, replace=False, shuffle=False))
                rows, row_weight = train[drawn], its_weight[drawn]
            inputs = _inputs(fold.rows.numbers[rows], fold.rows.categories[rows])
            targets = fold.targets(rows, row_weight)
        mixed = targets
        if targets.shape[1] > _MOST_TARGETS:
            mixed = targets @ rng.choice([-1.0, 1.0], (targets.shape[1], _MOST_TARGETS))
        seen = slice(None) if columns.are_all else columns.draw(rng)
        its_inputs = np.ascontiguousarray(inputs[:, seen])
        tree = ExtraTreeRegressor(
            max_features=_n_asked(its_inputs.shape[1], n_rows=len(rows)),
            min_samples_leaf=math.ceil(len(rows) / most_leaves),
            random_state=int(rng.integers(2**31)),
        )
        tree.fit(its_inputs, mixed, row_weight, check_input=False)
        places = np.arange(inputs.shape[1], dtype=np.int32)[seen]
        grown.append(_by_level(tree.tree_, places, rows, tree.tree_.apply(its_inputs)))
    return grown


def _n_asked(n_columns: int, *, n_rows: int) -> int:
    """Give how many columns compete for a split: all where that is affordable, else 2 √C, but 32 or more."""
    if n_rows * n_columns <= _MOST_INPUTS_ASKED:
        return n_columns
    return min(n_columns, max(32, int(2 * n_columns**0.5)))


def _by_level(
    tree: Any, places: NDArray[np.int32], rows: NDArray[np.int64], reached: NDArray[np.int64]
) -> _Grown:
    """Put the nodes of a tree of scikit-learn in order; it saw the columns at some places."""
    children = np.stack([tree.children_left, tree.children_right], axis=1)
    level, nodes, levels, n_inner = np.zeros(1, np.int64), [], [], 0
    while len(level):
        nodes.append(level)
        inner = level[children[level, 0] >= 0]
        levels.append(slice(n_inner, n_inner + len(inner)))
        n_inner += len(inner)
        level = children[inner].ravel()
    order = np.concatenate(nodes)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    inner = np.flatnonzero(children[order, 0] >= 0)
    left = np.arange(len(order), dtype=np.int32)
    left[inner] = 2 * np.arange(n_inner, dtype=np.int32) + 1
    column = np.zeros(len(order), np.int32)
    column[inner] = places[tree.feature[order[inner]]]
    threshold = np.full(len(order), np.inf, np.float32)
    threshold[inner] = _rounded_down(tree.threshold[order[inner]])
    return _Grown(left, column, threshold, inner, levels[:-1], rows, place[reached])


def _rounded_down(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """Give the greatest float32 that is not above: whatever is float32 stays on its side of it."""
    rounded = numbers.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > numbers, below, rounded).astype(np.float32)


def _node_sums(tree: _Grown, summands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over the rows of each node; (K, n) to (K, n_nodes)."""
    n_nodes = len(tree.left)
    sums = np.empty((len(summands), n_nodes))
    for place, row in enumerate(summands):
        sums[place] = np.bincount(tree.reached, weights=row, minlength=n_nodes)
    for level in reversed(tree.levels):
        of_left, of_right = (sums[:, 2 * level.start + side : 2 * level.stop + side : 2] for side in (1, 2))
        sums[:, tree.inner[level]] = of_left + of_right
    return sums


def _measured(tree: _Grown, fold: _Fold, labels: _Labels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the weight of each task's labels in each node, (T, n_nodes), and their means, (O, n_nodes)."""
    values, weights = labels
    n = _node_sums(tree, weights)
    n_labels, sums = n[fold.task_of], _node_sums(tree, values * weights[fold.task_of])
    is_labelled = n_labels > 0
    means = np.divide(sums, n_labels, out=np.zeros_like(sums), where=is_labelled)
    if not is_labelled.all():  # a node without labels takes over the mean of its parent
        means[:, 0] = np.where(is_labelled[:, 0], means[:, 0], fold.base)
        for level in tree.levels:
            children = slice(2 * level.start + 1, 2 * level.stop + 1)
            of_parents = np.repeat(means[:, tree.inner[level]], 2, axis=1)
            means[:, children] = np.where(is_labelled[:, children], means[:, children], of_parents)
    return n, means


def _leaf_values(
    tree: _Grown,
    fold: _Fold,
    n: NDArray[np.float64],
    means: NDArray[np.float64],
    strength: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Shrink what leaves say.

    Parameters
    ----------
    tree : _Grown
    fold : _Fold
    n, means : ndarray of shape (T, n_nodes), (O, n_nodes)
        Weights of labels, and their means.
    strength : ndarray of shape (T,)

    Returns
    -------
    ndarray of shape (O, n_leaves)
        Standardised numbers, and probabilities.
    """
    # Written as a sum over the path: v = sum_p (share_p - share_of_children_p) m_p + share m. Shares do not
    # grow on the way down, so that probabilities cannot become negative, not even by rounding.
    of_children = 1 / (1 + strength[:, None] / np.maximum(n[:, tree.inner], _LEAST_WEIGHT))  # (T, I)
    share = np.ones(n.shape)
    share[:, 1:] = np.repeat(of_children, 2, axis=1)
    kept = (share[:, tree.inner] - of_children)[fold.task_of] * means[:, tree.inner]  # (O, I)
    above = np.zeros(means.shape)
    for level in tree.levels:
        so_far = above[:, tree.inner[level]] + kept[:, level]
        above[:, 2 * level.start + 1 : 2 * level.stop + 1] = np.repeat(so_far, 2, axis=1)
    leaves = tree.leaves
    shrunk = above[:, leaves] + share[:, leaves][fold.task_of] * means[:, leaves]
    shrunk[fold.is_class] = np.minimum(shrunk[fold.is_class], 1.0)
    return np.asarray(shrunk)


def _errors(fold: _Fold, grown: Sequence[_Grown], n_trees: int) -> NDArray[np.float64]:
    """Sum, for each strength, the errors expected of `n_trees` over rows that the fold holds out; (A, T)."""
    compared = _compared_rows(fold)
    n_compared = _MOST_COMPARED_TREES * _MOST_TARGETS // len(fold.base)
    grown = grown[: int(np.clip(n_compared, _LEAST_COMPARED_TREES, _MOST_COMPARED_TREES))]
    inputs = _inputs(fold.rows.numbers[compared], fold.rows.categories[compared])
    sums = np.zeros((len(STRENGTHS), len(fold.base), len(compared)))
    squares = np.zeros_like(sums)
    for tree, labels in _with_labels(fold, grown):
        leaf = np.searchsorted(tree.leaves, _walk(inputs, tree.left, tree.column, tree.threshold))
        n, means = _measured(tree, fold, labels)
        for place, strength in enumerate(STRENGTHS):
            predicted = _leaf_values(tree, fold, n, means, np.full(len(n), strength))[:, leaf]  # (O, B)
            sums[place] += predicted
            squares[place] += predicted**2
    n_grown = len(grown)
    mean = sums / n_grown
    variance = (squares / n_grown - mean**2) * (n_grown / max(1, n_grown - 1))
    errors = (mean - fold.labels(compared)[0]) ** 2 - variance * (1 / n_grown - 1 / n_trees)
    weights = fold.rows.weights[compared].T[fold.task_of] * fold.deviation[:, None] ** 2
    of_outputs = (weights * errors).sum(axis=-1)  # (A, O)
    return np.asarray(
        np.add.reduceat(of_outputs, [outputs.start for outputs in fold.rows.layout.slices], axis=1)
    )


def _shrunk(fold: _Fold, grown: Sequence[_Grown], strength: NDArray[np.float64]) -> Trees:
    """Give trees the values of their leaves; `strength` has shape (T,)."""
    scale, shift = fold.deviation[:, None], fold.mean[:, None]
    rates = fold.rows.layout.outputs_of(fold.rows.layout.poisson)
    parts = []
    for tree, labels in _with_labels(fold, grown):
        values = _leaf_values(tree, fold, *_measured(tree, fold, labels), strength)
        numbers = np.ascontiguousarray((scale * values + shift).T)
        if rates:
            numbers[:, rates] = np.maximum(numbers[:, rates], _LEAST_RATE * fold.deviation[rates])
        first, leaf = np.array([0, len(tree.left)]), np.zeros(len(tree.left), np.int32)
        leaf[tree.leaves] = np.arange(len(numbers), dtype=np.int32)
        parts.append(Trees(first, tree.left, tree.column, tree.threshold, leaf, numbers, len(tree.levels)))
    return Trees.joined(parts)


def _with_labels(fold: _Fold, grown: Sequence[_Grown]) -> Iterator[tuple[_Grown, _Labels]]:
    """Give each tree the labels of its rows, which trees that are grown on all rows share."""
    rows = None
    for tree in grown:
        if tree.rows is not rows:
            rows, labels = tree.rows, fold.labels(tree.rows)
        yield tree, labels


def _compared_rows(fold: _Fold) -> NDArray[np.int64]:
    """Give the labelled rows that a fold holds out, or some of them where they are many."""
    rows = fold.rows.held_out(fold.place)
    rows = rows[fold.rows.weights[rows].any(axis=1)]
    most = max(1, _MOST_COMPARED_FLOATS // (len(STRENGTHS) * len(fold.base)))
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
