"""The linear view: ridge, logistic, ordinal and Poisson regression, one for each fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from ..encoding import DesignRows
from ..nn import OutputLayout, activate, prediction_losses, task_losses
from ._mixture import last_least, mean_losses
from ._rows import TrainingRows
from ._shifts import residual_shifts
from ._sparse import cut_tasks, sparse_product, sparse_ridge, with_ones

RIDGE_STRENGTHS = np.logspace(-1, 5, 13)
LOGISTIC_STRENGTHS = (300.0, 30.0, 3.0)
_MOST_ITERATIONS = 40
_MOST_LOGISTIC_ROWS, _LEAST_LOGISTIC_ROWS = 100_000, 20_000  # the latter for wide designs
_MOST_FLOATS = 2**25  # kept at once, 256 MiB
_BLOCK_FLOATS = 2**20  # computed at once


@dataclass(frozen=True, eq=False)
class LinearView:
    """A linear model of all tasks.

    Attributes
    ----------
    coefficients : ndarray of shape (P, O)
        Mean over folds.
    intercept : ndarray of shape (O,)
        Mean over folds.
    out_of_fold : ndarray of shape (R, O)
        Numbers and probabilities for each training row, from the fold that has not seen it.
    """

    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]
    out_of_fold: NDArray[np.float64]

    @classmethod
    def constant(cls, rows: TrainingRows, outputs: NDArray[np.float64]) -> LinearView:
        """Predict the same outputs for every row; `outputs` has shape (O,)."""
        activated = activate(torch.from_numpy(outputs), rows.layout).numpy()
        of_rows = np.broadcast_to(activated, (len(rows.fold), len(outputs)))
        return cls(np.zeros((rows.design.shape[1], len(outputs))), outputs, of_rows)

    def where(self, chosen: NDArray[np.bool_], *, otherwise: LinearView) -> LinearView:
        """Take the chosen outputs from here and the others from another view; `chosen` has shape (O,)."""
        if chosen.all():
            return self
        return LinearView(
            np.where(chosen, self.coefficients, otherwise.coefficients),
            np.where(chosen, self.intercept, otherwise.intercept),
            np.where(chosen, self.out_of_fold, otherwise.out_of_fold),
        )


def fit_linear_view(rows: TrainingRows) -> LinearView:
    """Fit each fold's linear model, with the strength that serves its task best out of fold.

    Numbers with an absolute error or Huber's loss, and quantiles, are served by a ridge regression, too, that
    is moved by the best constant of its out-of-fold residuals.

    The matrix of all rows is never held where it is large: ridge regression reads it in blocks, logistic
    regression learns from at most 100,000 labelled rows of each task (20,000 where the matrix is wide). A
    sparse matrix stays sparse: :func:`sparse_ridge` is asked in place of a decomposition. Beside bags,
    numbers and categories are tried alone as well, and each task has what serves it better out of fold: one
    penalty for all columns may suit neither.

    Parameters
    ----------
    rows : TrainingRows

    Returns
    -------
    LinearView
    """
    view = _fit(rows)
    if not isinstance(rows.design, csr_array) or not 0 < rows.n_dense * len(rows.fold) <= _MOST_FLOATS:
        return view
    alone = _fit(replace(rows, design=rows.design[:, : rows.n_dense].toarray()))
    others = np.zeros((len(view.coefficients) - rows.n_dense, rows.layout.n_outputs))
    alone = replace(alone, coefficients=np.concatenate([alone.coefficients, others]))
    is_better = mean_losses(alone.out_of_fold, rows) < mean_losses(view.out_of_fold, rows)  # (T,)
    return alone.where(is_better[_task_of_output(rows.layout, range(len(is_better)))], otherwise=view)


def _fit(rows: TrainingRows) -> LinearView:
    """Fit each fold's linear model of all columns."""
    ridge = sparse_ridge if isinstance(rows.design, csr_array) else _ridge
    n_folds, n_columns = rows.n_folds, rows.design.shape[1]
    coefficients = np.zeros((n_folds, n_columns, rows.layout.n_outputs))
    intercept = np.zeros((n_folds, rows.layout.n_outputs))
    for tasks in _tasks_of_equal_weights(rows):
        outputs, task_of = rows.layout.places(tasks), _task_of_output(rows.layout, tasks)
        slopes, offset = ridge(rows, tasks)
        coefficients[..., outputs], intercept[:, outputs] = slopes[..., task_of], offset[:, task_of]
    total = rows.weights.sum(axis=0)  # (T,)
    for group in (rows.layout.classes, rows.layout.poisson):
        learned = [task for task in group if total[task] > 0]
        for together in _fitted_together(rows, learned):
            outputs = rows.layout.places(together)
            coefficients[..., outputs], intercept[:, outputs] = _generalised(rows, together)
    out_of_fold = np.empty((len(rows.fold), rows.layout.n_outputs))
    for fold in range(n_folds):
        for block in _blocks(rows.held_out(fold), n_columns + rows.layout.n_outputs):
            linear = rows.design[block] @ coefficients[fold] + intercept[fold]
            out_of_fold[block] = activate(torch.from_numpy(linear), rows.layout).numpy()
    if rows.layout.shifted:
        shifts = residual_shifts(out_of_fold, rows)  # (G, O)
        intercept += shifts
        out_of_fold += shifts[rows.fold]
    return LinearView(coefficients.mean(axis=0), intercept.mean(axis=0), out_of_fold)


def _blocks(rows: NDArray[np.int64], n_floats: int) -> Iterator[NDArray[np.int64]]:
    """Cut rows into blocks that take so many floats a row."""
    step = max(256, _BLOCK_FLOATS // max(1, n_floats))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def _tasks_of_equal_weights(rows: TrainingRows) -> list[list[int]]:
    """Group tasks of ridge regression that share their Gram matrices."""
    groups: list[list[int]] = []
    for task in rows.layout.located:
        for group in groups:
            if np.array_equal(rows.weights[:, group[0]], rows.weights[:, task]):
                group.append(task)
                break
        else:
            groups.append([task])
    return groups


def _fitted_together(rows: TrainingRows, tasks: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut tasks where the matrix is sparse and may be very wide."""
    if isinstance(rows.design, csr_array):
        n_each = max((len(rows.layout.outputs_of([task])) for task in tasks), default=1)
        yield from cut_tasks(tasks, n_floats=n_each * rows.n_folds * rows.design.shape[1])
    elif tasks:
        yield tasks


def _task_of_output(layout: OutputLayout, tasks: Sequence[int]) -> NDArray[np.int64]:
    """Say which of some tasks each of their outputs is of."""
    return np.repeat(
        np.arange(len(tasks)), [layout.slices[task].stop - layout.slices[task].start for task in tasks]
    )


def _ridge(rows: TrainingRows, tasks: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit tasks of equal weights; (G, P, T'), (G, T')."""
    n_folds, n_columns, n_strengths = rows.n_folds, rows.design.shape[1], len(RIDGE_STRENGTHS)
    errors = np.zeros((n_strengths, len(tasks)))
    all_paths: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    is_small = n_folds * n_strengths * n_columns * len(tasks) <= _MOST_FLOATS
    for fold, solution in enumerate(_ridge_paths(rows, tasks)):
        errors += _errors(rows, tasks, fold, *solution)
        if is_small:  # else they are found again below
            all_paths.append(solution)
    best = last_least(errors)  # (T',)
    each = np.arange(len(tasks))
    coefficients = np.empty((n_folds, n_columns, len(tasks)))
    intercept = np.empty((n_folds, len(tasks)))
    for fold, (path, offset) in enumerate(all_paths or _ridge_paths(rows, tasks)):
        coefficients[fold], intercept[fold] = path[best, :, each].T, offset[best, each]
    weights = rows.weights[:, tasks[0]]
    for fold in range(n_folds):
        if weights.any() and not weights[rows.fold != fold].any():
            # The fold holds out all labels of a scarce task.
            intercept[fold] += np.average(rows.values[:, tasks], axis=0, weights=weights)
    return coefficients, intercept


def _errors(
    rows: TrainingRows,
    tasks: Sequence[int],
    fold: int,
    path: NDArray[np.float64],
    offset: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum weighted squared errors over the rows that a fold holds out, for each strength; (A, T')."""
    n_strengths, n_columns, n_tasks = path.shape
    flat = path.transpose(1, 0, 2).reshape(n_columns, n_strengths * n_tasks)
    errors = np.zeros((n_strengths, n_tasks))
    held_out = np.flatnonzero((rows.fold == fold) & (rows.weights[:, tasks[0]] > 0))
    for block in _blocks(held_out, n_columns + n_strengths * n_tasks):
        predicted = (rows.design[block] @ flat).reshape(-1, n_strengths, n_tasks) + offset  # (B, A, T')
        squares = (predicted - rows.values[block][:, tasks][:, None]) ** 2
        errors += np.tensordot(rows.weights[block, tasks[0]], squares, axes=1)
    return errors


def _ridge_paths(
    rows: TrainingRows, tasks: Sequence[int]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Solve for all strengths, fold by fold; tasks have equal weights."""
    n_folds, n_columns = rows.n_folds, rows.design.shape[1]
    is_labelled = rows.weights[:, tasks[0]] > 0
    used = [np.flatnonzero(is_labelled & (rows.fold != fold)) for fold in range(n_folds)]
    if n_columns > max(map(len, used)):
        for train in used:
            weights = rows.weights[train, tasks[0]]
            yield ridge_path(
                np.asarray(rows.design[train]), rows.values[train][:, tasks], weights, RIDGE_STRENGTHS
            )
        return
    of_folds: list[_Moments] = []
    if n_folds * n_columns**2 <= _MOST_FLOATS:
        held_out = (np.flatnonzero(is_labelled & (rows.fold == fold)) for fold in range(n_folds))
        of_folds = [_moments_of(rows, tasks, these) for these in held_out]
    for fold, train in enumerate(used):
        # Not the total less the fold's own: what a fold holds out would have a part in its rounding.
        others = _joined([*of_folds[:fold], *of_folds[fold + 1 :]]) if of_folds else None
        yield _solved(others or _moments_of(rows, tasks, train), RIDGE_STRENGTHS)


def ridge_path(
    design: NDArray[np.float64],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    strengths: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve weighted ridge regression for several strengths by one eigendecomposition.

    Parameters
    ----------
    design : ndarray of shape (B, P)
    values : ndarray of shape (B, T)
    weights : ndarray of shape (B,)
        Rows of weight 0 have no influence.
    strengths : ndarray of shape (A,)
        Factors of the squared norm of the coefficients, beside the weighted sum of squared errors
        with weights of mean 1.

    Returns
    -------
    coefficients : ndarray of shape (A, P, T)
    intercept : ndarray of shape (A, T)
    """
    kept = weights > 0
    design, values, weights = design[kept], values[kept], weights[kept]
    if design.shape[1] <= len(weights) or not len(weights):
        return _solved(_measured(design, values, weights), strengths)
    weights = weights / weights.mean()
    centred, target, column_mean, value_mean = _centred(design, values, weights)
    eigenvalues, vectors = np.linalg.eigh(centred @ centred.T)
    shrunk = _shrunk(vectors.T @ target, eigenvalues, strengths)
    coefficients = (centred.T @ vectors) @ shrunk
    return coefficients, value_mean - column_mean @ coefficients


@dataclass(frozen=True, eq=False)
class _Moments:
    """Weighted moments of rows, from which ridge regression is solved.

    Attributes
    ----------
    n_rows, weight : int, float
        The rows' number and total weight.
    column_mean, value_mean : ndarray of shape (P,), (T,)
    gram, cross : ndarray of shape (P, P), (P, T)
        Weighted sums of products of columns with columns, and with values, both about their means.
    """

    n_rows: int
    weight: float
    column_mean: NDArray[np.float64]
    value_mean: NDArray[np.float64]
    gram: NDArray[np.float64]
    cross: NDArray[np.float64]


def _moments_of(rows: TrainingRows, tasks: Sequence[int], chosen: NDArray[np.int64]) -> _Moments:
    """Measure rows block by block."""
    moments = None
    for block in _blocks(chosen, rows.design.shape[1]):
        values, weights = rows.values[block][:, tasks], rows.weights[block, tasks[0]]
        measured = _measured(np.asarray(rows.design[block]), values, weights)
        moments = measured if moments is None else _joined([moments, measured])
    empty = np.zeros((0, rows.design.shape[1])), np.zeros((0, len(tasks))), np.zeros(0)
    return moments or _measured(*empty)


def _measured(
    design: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> _Moments:
    if not len(weights):
        n_columns, n_tasks = design.shape[1], values.shape[1]
        sums = np.zeros((n_columns, n_columns)), np.zeros((n_columns, n_tasks))
        return _Moments(0, 0.0, np.zeros(n_columns), np.zeros(n_tasks), *sums)
    centred, target, column_mean, value_mean = _centred(design, values, weights)
    sums = centred.T @ centred, centred.T @ target
    return _Moments(len(weights), float(weights.sum()), column_mean, value_mean, *sums)


def _centred(
    design: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Subtract weighted means and multiply by roots of weights; also return the means."""
    shares = weights / weights.sum()
    column_mean, value_mean = shares @ design, shares @ values
    root = np.sqrt(weights)[:, None]
    return root * (design - column_mean), root * (values - value_mean), column_mean, value_mean


def _joined(parts: Sequence[_Moments]) -> _Moments:
    """Give the moments of all rows together, by sums that do not cancel."""
    weights = np.array([part.weight for part in parts])  # (F,)
    total = float(weights.sum())
    shares = weights / (total or 1.0)
    column_means, value_means = (
        np.stack([getattr(part, name) for part in parts]) for name in ("column_mean", "value_mean")
    )
    column_mean, value_mean = shares @ column_means, shares @ value_means
    root = np.sqrt(weights)[:, None]
    shifts = root * (column_means - column_mean)  # (F, P)
    gram, cross = shifts.T @ shifts, shifts.T @ (root * (value_means - value_mean))
    for part in parts:
        gram += part.gram
        cross += part.cross
    return _Moments(sum(part.n_rows for part in parts), total, column_mean, value_mean, gram, cross)


def _solved(
    moments: _Moments, strengths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve for all strengths as `ridge_path` does."""
    scale = moments.n_rows / (moments.weight or 1.0)  # to weights of mean 1
    eigenvalues, vectors = np.linalg.eigh(scale * moments.gram)
    shrunk = _shrunk(vectors.T @ (scale * moments.cross), eigenvalues, strengths)
    coefficients = vectors @ shrunk
    return coefficients, moments.value_mean - moments.column_mean @ coefficients


def _shrunk(
    rotated: NDArray[np.float64], eigenvalues: NDArray[np.float64], strengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    shrunk = rotated / (np.maximum(eigenvalues, 0) + strengths[:, None])[:, :, None]  # (A, ·, T)
    return np.asarray(shrunk)


def _generalised(rows: TrainingRows, tasks: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit tasks whose outputs are no numbers, all of classes or all of rates; (G, P, O'), (G, O')."""
    layout = rows.layout.of(tasks)
    chosen, their_weights = _logistic_sample(rows, tasks)
    units = np.ones(len(tasks))
    if layout.poisson:  # in units of the mean, so that the penalty means the same for all
        means = (their_weights * rows.values[chosen][:, tasks]).sum(axis=0) / their_weights.sum(axis=0)
        units = np.where(means > 0, means, 1.0)
    values = torch.from_numpy(rows.values[chosen][:, tasks] / units)
    weights = torch.from_numpy(their_weights)
    n_columns = rows.design.shape[1]
    times = _products(rows.design, chosen)
    fold = torch.from_numpy(rows.fold[chosen])
    parameters = torch.zeros(rows.n_folds, n_columns + 1, layout.n_outputs, dtype=values.dtype)
    best, least = parameters.clone(), torch.full((len(tasks),), torch.inf, dtype=values.dtype)
    for strength in LOGISTIC_STRENGTHS:
        parameters = _minimise_logistic(parameters, times, values, weights, fold, layout, strength)
        predicted = torch.empty(len(chosen), layout.n_outputs, dtype=values.dtype)
        for place, of_fold in enumerate(parameters):
            held_out = torch.nonzero(fold == place).flatten()
            predicted[held_out] = activate(times(held_out)(of_fold), layout)
        error = (weights * prediction_losses(predicted, values, layout)).sum(0)  # (T',)
        for task in torch.nonzero(error < least).flatten().tolist():
            best[..., layout.slices[task]] = parameters[..., layout.slices[task]]
        least = torch.minimum(error, least)
    offset = np.log(units) if layout.poisson else 0.0
    return best[:, :-1].numpy(), best[:, -1].numpy() + offset


def _products(
    design: DesignRows | NDArray[np.float64] | csr_array, chosen: NDArray[np.int64]
) -> Callable[[Tensor | slice], Callable[[Tensor], Tensor]]:
    """Give what takes some of the chosen rows, and then parameters to their product with these rows."""
    if isinstance(design, csr_array):
        matrix = with_ones(design[chosen])
        return lambda rows: partial(
            sparse_product, matrix=matrix[rows if isinstance(rows, slice) else rows.numpy()]
        )
    dense = torch.ones(len(chosen), design.shape[1] + 1, dtype=torch.float64)
    dense[:, :-1] = torch.from_numpy(design[chosen])
    return lambda rows: partial(torch.matmul, dense[rows])


def _logistic_sample(
    rows: TrainingRows, tasks: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw the labelled rows that logistic regression learns from; all of them if they are not too many.

    All tasks take their rows from one random order, so that together they need few rows. It is the same
    in each fit: rows are in canonical order.

    Returns
    -------
    rows : ndarray of shape (R',), int64
        Ascending.
    weights : ndarray of shape (R', T'), float64
        0 for a row that a task did not draw; a task's weights have the sum of the weights, scaled to mean
        1, of all its labelled rows.
    """
    n_rows, n_columns = rows.design.shape
    n_floats = 0 if isinstance(rows.design, csr_array) else n_columns
    most = int(np.clip(_MOST_FLOATS // max(1, n_floats), _LEAST_LOGISTIC_ROWS, _MOST_LOGISTIC_ROWS))
    if n_rows <= most:
        weights = rows.weights[:, tasks]
        return np.arange(n_rows), weights / (weights.sum(axis=0) / (weights > 0).sum(axis=0))
    order = np.random.default_rng(0).permutation(n_rows)
    is_drawn = np.zeros((n_rows, len(tasks)), dtype=bool)
    for place, task in enumerate(tasks):
        is_drawn[order[np.flatnonzero(rows.weights[order, task])[:most]], place] = True
    chosen = np.flatnonzero(is_drawn.any(axis=1))
    weights = np.where(is_drawn[chosen], rows.weights[chosen][:, tasks], 0.0)
    n_labelled = np.array([np.count_nonzero(rows.weights[:, task]) for task in tasks])
    return chosen, weights * (n_labelled / weights.sum(axis=0))


def _minimise_logistic(
    start: Tensor,
    times: Callable[[Tensor | slice], Callable[[Tensor], Tensor]],
    values: Tensor,
    weights: Tensor,
    fold: Tensor,
    layout: OutputLayout,
    strength: float,
) -> Tensor:
    """Minimise the penalised loss of all folds and tasks at once, from the last solution on."""
    parameters = start.clone().requires_grad_()
    folds = torch.arange(len(start))[:, None]
    scale = 1 / weights.sum()
    optimizer = torch.optim.LBFGS(
        [parameters], max_iter=_MOST_ITERATIONS, history_size=10, line_search_fn="strong_wolfe"
    )
    step = max(256, _BLOCK_FLOATS // (len(start) * layout.n_outputs))
    blocks = [slice(first, first + step) for first in range(0, len(values), step)]
    products = [times(rows) for rows in blocks]

    def loss() -> Tensor:
        optimizer.zero_grad()
        penalty = 0.5 * strength * parameters[:, :-1].square().sum() * scale
        torch.autograd.backward(penalty)
        total = penalty.detach()
        for rows, product in zip(blocks, products, strict=True):
            in_fold = weights[rows] * (fold[rows] != folds).unsqueeze(2)  # (G, B, T')
            losses = task_losses(product(parameters), values[rows], layout)  # (G, B, T')
            part = (in_fold * losses).sum() * scale
            torch.autograd.backward(part)
            total = total + part.detach()
        if layout.thresholds and parameters.grad is not None:
            parameters.grad[:, :-1, layout.thresholds] = 0.0  # they are the same for all rows
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch has no types here
    return parameters.detach()
