"""Linear models on sparse rows: all folds and tasks at once, by products with the matrix alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from torch import Tensor

from ._rows import TrainingRows

# Bags have rows of a norm of about 10, which makes 100 of a strength of 1.
SPARSE_RIDGE_STRENGTHS = np.logspace(4, 0, 9)
_MOST_ITERATIONS = 50
_TOLERANCE = 1e-4  # of the residual of the normal equations, relative
_MOST_FLOATS = 2**22  # of a vector of all folds and tasks
_LEAST = 1e-300


class _SparseProduct(torch.autograd.Function):
    """A product of sparse rows, to which nothing flows back, and the parameters of all folds."""

    @staticmethod
    def forward(ctx: Any, parameters: Tensor, matrix: csr_array) -> Tensor:
        """Multiply; (G, P, O) to (G, B, O)."""
        ctx.matrix = matrix
        n_folds, n_columns, n_outputs = parameters.shape
        flat = parameters.transpose(0, 1).reshape(n_columns, -1).numpy()
        return torch.from_numpy(matrix @ flat).view(-1, n_folds, n_outputs).transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Multiply by the transposed rows; (G, B, O) to (G, P, O)."""
        n_folds, n_rows, n_outputs = gradient.shape
        flat = gradient.transpose(0, 1).reshape(n_rows, -1).numpy()
        product = torch.from_numpy(ctx.matrix.T @ flat)
        return product.view(-1, n_folds, n_outputs).transpose(0, 1), None


def sparse_product(parameters: Tensor, *, matrix: csr_array) -> Tensor:
    """Multiply sparse rows by parameters of one fold, or of all.

    Parameters
    ----------
    parameters : Tensor of shape (P, O) or (G, P, O)
    matrix : csr_array of shape (B, P)

    Returns
    -------
    Tensor of shape (B, O) or (G, B, O)
    """
    if parameters.ndim == 2:
        return torch.from_numpy(matrix @ parameters.numpy())
    product: Tensor = _SparseProduct.apply(parameters, matrix)  # type: ignore[no-untyped-call]  # of torch
    return product


def with_ones(matrix: csr_array) -> csr_array:
    """Append a column of ones, for the intercept."""
    return csr_array(hstack([matrix, csr_array(np.ones((matrix.shape[0], 1)))], format="csr"))


def cut_tasks(tasks: Sequence[int], *, n_floats: int, most: int = _MOST_FLOATS) -> Iterator[Sequence[int]]:
    """Cut tasks, each of which takes so many floats, into groups."""
    step = max(1, most // max(1, n_floats))
    for start in range(0, len(tasks), step):
        yield tasks[start : start + step]


def sparse_ridge(rows: TrainingRows, tasks: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Fit ridge regression of each fold and task, with the strength that serves the task best out of fold.

    The normal equations are solved by conjugate gradients with a diagonal preconditioner, from the strongest
    penalty to the weakest, each from the solution of the one before.

    Parameters
    ----------
    rows : TrainingRows
        Their design is sparse.
    tasks : sequence of int, length T'
        Of equal weights.

    Returns
    -------
    coefficients : ndarray of shape (G, P, T')
    intercept : ndarray of shape (G, T')
    """
    assert isinstance(rows.design, csr_array)  # who calls has seen to it
    n_floats = rows.n_folds * max(rows.design.shape)
    matrix = with_ones(rows.design)
    parts = [_solve(rows, matrix, some) for some in cut_tasks(tasks, n_floats=n_floats)]
    solution = np.concatenate(parts, axis=2)  # (P + 1, G, T')
    return np.ascontiguousarray(solution[:-1].transpose(1, 0, 2)), solution[-1]


class _NormalEquations:
    """Ridge regression of all folds on some tasks of equal weights.

    Attributes
    ----------
    centre : ndarray of shape (G, T')
        What is subtracted from the labels: their means, fold by fold.
    right : ndarray of shape (P + 1, G, T')
        The right-hand side.
    """

    def __init__(self, rows: TrainingRows, matrix: csr_array, tasks: Sequence[int]) -> None:
        weights = rows.weights[:, tasks[0]]  # (R,)
        self._matrix, self._rows, self._weights = matrix, rows, weights
        in_fold = weights[:, None] * (rows.fold[:, None] != np.arange(rows.n_folds))  # (R, G)
        totals = in_fold.sum(axis=0)
        factor = (in_fold > 0).sum(axis=0) / np.where(totals > 0, totals, 1.0)  # to weights of mean 1
        self._in_fold = (in_fold * factor)[:, :, None]
        self._values = rows.values[:, tasks]
        # A fold that holds out all labels of a scarce task takes over their mean.
        of_labels = np.where(totals > 0, in_fold, weights[:, None])  # (R, G)
        self.centre = (
            of_labels.T @ self._values / np.maximum(of_labels.sum(axis=0), _LEAST)[:, None]
        )  # (G, T')
        self.right = self._times_transposed(self._in_fold * (self._values[:, None] - self.centre))
        self._diagonal = (matrix.multiply(matrix).T @ self._in_fold[:, :, 0])[:, :, None]

    def solve(self, strength: float, start: NDArray[np.float64]) -> NDArray[np.float64]:
        """Solve by conjugate gradients; (P + 1, G, T')."""
        penalty = np.full((len(start), 1, 1), strength)
        penalty[-1] = 0.0  # of the intercept
        inverse = 1 / np.maximum(self._diagonal + penalty, _LEAST)
        solution = start.copy()
        residual = self.right - self._apply(solution, penalty)
        bound = _TOLERANCE**2 * (self.right * inverse * self.right).sum(axis=0)
        direction = preconditioned = inverse * residual
        size = (residual * preconditioned).sum(axis=0)  # (G, T')
        for _ in range(_MOST_ITERATIONS):
            if (size <= bound).all():
                break
            applied = self._apply(direction, penalty)
            curvature = (direction * applied).sum(axis=0)
            step = np.divide(size, curvature, out=np.zeros_like(size), where=(size > bound) & (curvature > 0))
            solution += step * direction
            residual -= step * applied
            preconditioned = inverse * residual
            previous, size = size, (residual * preconditioned).sum(axis=0)
            direction = preconditioned + size / np.maximum(previous, _LEAST) * direction
        return solution

    def errors(self, solution: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum weighted squared errors of each task over held-out rows, (T',)."""
        predicted = self._times(solution)[np.arange(len(self._values)), self._rows.fold]  # (R, T')
        return np.asarray(self._weights @ (predicted + self.centre[self._rows.fold] - self._values) ** 2)

    def _apply(self, vectors: NDArray[np.float64], penalty: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._times_transposed(self._in_fold * self._times(vectors)) + penalty * vectors

    def _times(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply by the rows; (P + 1, G, T') to (R, G, T')."""
        return np.asarray(self._matrix @ vectors.reshape(len(vectors), -1)).reshape(-1, *vectors.shape[1:])

    def _times_transposed(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply by the transposed rows; (R, G, T') to (P + 1, G, T')."""
        return np.asarray(self._matrix.T @ vectors.reshape(len(vectors), -1)).reshape(-1, *vectors.shape[1:])


def _solve(rows: TrainingRows, matrix: csr_array, tasks: Sequence[int]) -> NDArray[np.float64]:
    """Fit some tasks; (P + 1, G, T')."""
    equations = _NormalEquations(rows, matrix, tasks)
    solution = np.zeros(equations.right.shape)
    best, least = solution, equations.errors(solution)
    for strength in SPARSE_RIDGE_STRENGTHS:
        solution = equations.solve(strength, solution)
        errors = equations.errors(solution)
        is_better = errors < least
        best, least = np.where(is_better, solution, best), np.minimum(errors, least)
    best = best.copy()
    best[-1] += equations.centre
    return best
