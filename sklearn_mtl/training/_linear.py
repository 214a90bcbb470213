"""The linear view: ridge and logistic regression, one for each fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..nn import OutputLayout, activate, prediction_losses, task_losses
from ._mixture import last_least
from ._rows import TrainingRows

RIDGE_STRENGTHS = np.logspace(-1, 5, 13)
LOGISTIC_STRENGTHS = (300.0, 30.0, 3.0)
_MOST_ITERATIONS = 40


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
        return cls(
            np.zeros((rows.design.shape[1], len(outputs))), outputs, np.tile(activated, (len(rows.fold), 1))
        )

    def where(self, chosen: NDArray[np.bool_], *, otherwise: LinearView) -> LinearView:
        """Take the chosen outputs from here and the others from another view; `chosen` has shape (O,)."""
        return LinearView(
            np.where(chosen, self.coefficients, otherwise.coefficients),
            np.where(chosen, self.intercept, otherwise.intercept),
            np.where(chosen, self.out_of_fold, otherwise.out_of_fold),
        )


def fit_linear_view(rows: TrainingRows) -> LinearView:
    """Fit each fold's linear model, with the strength that serves its task best out of fold.

    Parameters
    ----------
    rows : TrainingRows

    Returns
    -------
    LinearView
    """
    n_folds, n_columns = rows.n_folds, rows.design.shape[1]
    coefficients = np.zeros((n_folds, n_columns, rows.layout.n_outputs))
    intercept = np.zeros((n_folds, rows.layout.n_outputs))
    for tasks in _tasks_of_equal_weights(rows):
        outputs = rows.layout.outputs_of(tasks)
        coefficients[..., outputs], intercept[:, outputs] = _ridge(rows, tasks)
    total = rows.weights.sum(axis=0)  # (T,)
    classes = [task for task in (*rows.layout.binary, *rows.layout.multiclass) if total[task] > 0]
    if classes:
        outputs = np.concatenate([np.r_[rows.layout.slices[task]] for task in classes]).tolist()
        coefficients[..., outputs], intercept[:, outputs] = _logistic(rows, classes)
    out_of_fold = np.empty((len(rows.fold), rows.layout.n_outputs))
    for fold in range(n_folds):
        held_out = rows.held_out(fold)
        out_of_fold[held_out] = rows.design[held_out] @ coefficients[fold] + intercept[fold]
    activated = activate(torch.from_numpy(out_of_fold), rows.layout).numpy()
    return LinearView(coefficients.mean(axis=0), intercept.mean(axis=0), activated)


def _tasks_of_equal_weights(rows: TrainingRows) -> list[list[int]]:
    """Group regression tasks that share one Gram matrix."""
    groups: dict[bytes, list[int]] = {}
    for task in rows.layout.regression:
        groups.setdefault(rows.weights[:, task].tobytes(), []).append(task)
    return list(groups.values())


def _ridge(rows: TrainingRows, tasks: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit tasks of equal weights; (G, P, T'), (G, T')."""
    weights = rows.weights[:, tasks[0]]
    values = rows.values[:, tasks]
    paths = []
    errors = np.zeros((len(RIDGE_STRENGTHS), len(tasks)))
    for fold in range(rows.n_folds):
        train, held_out = rows.trained_on(fold), rows.held_out(fold)
        path, offset = ridge_path(rows.design[train], values[train], weights[train], RIDGE_STRENGTHS)
        predicted = rows.design[held_out] @ path + offset[:, None]  # (A, B, T')
        errors += (weights[held_out, None] * (predicted - values[held_out]) ** 2).sum(axis=1)
        if weights.any() and not weights[train].any():  # the fold holds out all labels of a scarce task
            offset = offset + np.average(values, axis=0, weights=weights)
        paths.append((path, offset))
    best = last_least(errors)  # (T',)
    each = np.arange(len(tasks))
    coefficients = np.stack([path[best, :, each].T for path, _ in paths])
    return coefficients, np.stack([offset[best, each] for _, offset in paths])


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
    design, values = design[kept], values[kept]
    n_rows, n_columns = design.shape
    if not n_rows:
        shape = len(strengths), n_columns, values.shape[1]
        return np.zeros(shape), np.zeros((shape[0], shape[2]))
    weights = weights[kept] / weights[kept].mean()
    column_mean, value_mean = (np.average(array, axis=0, weights=weights) for array in (design, values))
    root = np.sqrt(weights)[:, None]
    centred, target = root * (design - column_mean), root * (values - value_mean)
    if n_columns <= n_rows:
        eigenvalues, vectors = np.linalg.eigh(centred.T @ centred)
        rotated = vectors.T @ (centred.T @ target)  # (P, T)
    else:
        eigenvalues, vectors = np.linalg.eigh(centred @ centred.T)
        rotated, vectors = vectors.T @ target, centred.T @ vectors
    shrunk = rotated / (np.maximum(eigenvalues, 0) + strengths[:, None])[:, :, None]  # (A, ·, T)
    coefficients = vectors @ shrunk
    return coefficients, value_mean - column_mean @ coefficients


def _logistic(rows: TrainingRows, tasks: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit classification tasks; (G, P, O'), (G, O')."""
    layout = OutputLayout(
        [rows.layout.kinds[task] for task in tasks],
        [rows.layout.slices[task].stop - rows.layout.slices[task].start for task in tasks],
    )
    values = torch.from_numpy(rows.values[:, tasks])
    weights = torch.from_numpy(rows.weights[:, tasks])
    weights = weights / (weights.sum(0) / (weights > 0).sum(0))
    design = torch.from_numpy(np.hstack([rows.design, np.ones((len(rows.design), 1))]))
    fold = torch.from_numpy(rows.fold)
    parameters = torch.zeros(rows.n_folds, design.shape[1], layout.n_outputs, dtype=design.dtype)
    best, least = parameters.clone(), torch.full((len(tasks),), torch.inf, dtype=design.dtype)
    for strength in LOGISTIC_STRENGTHS:
        parameters = _minimise_logistic(parameters, design, values, weights, fold, layout, strength)
        predicted = activate(torch.einsum("rp,rpo->ro", design, parameters[fold]), layout)
        error = (weights * prediction_losses(predicted, values, layout)).sum(0)  # (T',)
        for task in torch.nonzero(error < least).flatten().tolist():
            best[..., layout.slices[task]] = parameters[..., layout.slices[task]]
        least = torch.minimum(error, least)
    return best[:, :-1].numpy(), best[:, -1].numpy()


def _minimise_logistic(
    start: Tensor,
    design: Tensor,
    values: Tensor,
    weights: Tensor,
    fold: Tensor,
    layout: OutputLayout,
    strength: float,
) -> Tensor:
    """Minimise the penalised loss of all folds and tasks at once, from the last solution on."""
    parameters = start.clone().requires_grad_()
    in_fold = weights * (fold != torch.arange(len(start))[:, None]).unsqueeze(2)  # (G, R, T')
    scale = 1 / weights.sum()
    optimizer = torch.optim.LBFGS(
        [parameters], max_iter=_MOST_ITERATIONS, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        losses = task_losses(design @ parameters, values, layout)  # (G, R, T')
        penalty = 0.5 * strength * parameters[:, :-1].square().sum()
        total = ((in_fold * losses).sum() + penalty) * scale
        torch.autograd.backward(total)
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch has no types here
    return parameters.detach()
