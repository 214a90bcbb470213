"""Gradient balancing: from the inner products of the tasks' gradients to the weights of their sum.

All folds are solved at once; each has its own problem. `gramian` of shape (G, T, T) holds the inner products
of the gradients of a fold's tasks, `present` of shape (G, T) says which tasks take part: the others have
weight 0 and change nothing for the rest. For n tasks without conflicts, weights are about 1 / n.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_N_INTERIOR_STEPS = 16
_N_NEWTON_STEPS = 25
_EPSILON = 1e-8
# As in torchjd: below this norm, relative to all gradients, a point counts as Pareto stationary.
_STATIONARY = 1e-4
_RIDGE = 1e-4  # as in torchjd, of the Gram matrix with trace 1: it makes the quadratic programs definite


def mgda(gramian: Tensor, present: Tensor) -> Tensor:
    """Weigh by the shortest vector in the convex hull of the gradients [1]_.

    Parameters
    ----------
    gramian : Tensor of shape (G, T, T)
    present : Tensor of bool, shape (G, T)

    Returns
    -------
    Tensor of shape (G, T)
        Not negative; sums to 1.

    References
    ----------
    .. [1] Sener, Koltun (2018). Multi-task learning as multi-objective optimization. arXiv:1810.04650.

    Examples
    --------
    >>> mgda(torch.tensor([[[1.0, 0.0], [0.0, 4.0]]]), torch.tensor([[True, True]]))
    tensor([[0.8000, 0.2000]])
    """
    matrix = _with_trace_1(gramian)

    def derivatives(weights: Tensor) -> tuple[Tensor, Tensor]:
        return _times(matrix, weights), matrix

    return _on_simplex(derivatives, present, matrix.dtype)


def cagrad(gramian: Tensor, present: Tensor, *, strength: float) -> Tensor:
    """Weigh by the best of the worst improvement in a ball around the mean [1]_.

    Parameters
    ----------
    gramian : Tensor of shape (G, T, T)
    present : Tensor of bool, shape (G, T)
    strength : float
        Radius of the ball in units of the mean's length.

    Returns
    -------
    Tensor of shape (G, T)
        Sums to 1, or to 1 / (1 + strength) or less near stationary points.

    References
    ----------
    .. [1] Liu, Liu, Jin, Stone, Liu (2021). Conflict-averse gradient descent for multi-task learning.
       arXiv:2110.14048.
    """
    matrix = _with_trace_1(gramian)
    mean = _uniform(present, matrix.dtype)
    of_mean = _times(matrix, mean)
    radius = strength * _length(matrix, mean)  # (G, 1)

    def derivatives(weights: Tensor) -> tuple[Tensor, Tensor]:
        product, length = _times(matrix, weights), _length(matrix, weights).clamp_min(_EPSILON)
        unit = (product / length).unsqueeze(2)
        hessian = (matrix - unit * unit.mT) * (radius / length).unsqueeze(2)
        return of_mean + radius * product / length, hessian

    weights = _on_simplex(derivatives, present, matrix.dtype)
    length = _length(matrix, weights)
    whole = mean + radius / length.clamp_min(_EPSILON) * weights
    # DIFFERS [1]_: divided by 1 + strength, so that one task alone is what it is without balancing.
    return torch.where(length < _STATIONARY, 0.0, whole / (1 + strength))


def nash(gramian: Tensor, present: Tensor) -> Tensor:
    r"""Weigh as in Nash's bargaining solution [1]_: :math:`G \alpha = 1 / \alpha`.

    It is the minimum of :math:`\alpha^\top G \alpha / 2 - \sum_t \log \alpha_t`, which is convex.

    Parameters
    ----------
    gramian : Tensor of shape (G, T, T)
    present : Tensor of bool, shape (G, T)

    Returns
    -------
    Tensor of shape (G, T)
        Above 0 for tasks that are present; sums to 1.

    References
    ----------
    .. [1] Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik, Fetaya (2022). Multi-task learning as a
       bargaining game. arXiv:2202.01017.

    Examples
    --------
    >>> nash(torch.tensor([[[1.0, 0.0], [0.0, 4.0]]]), torch.tensor([[True, True]]))
    tensor([[0.6667, 0.3333]])
    """
    length = gramian.diagonal(dim1=1, dim2=2).sqrt()  # (G, T)
    unit = torch.where(present, 1 / length, 0.0)
    cosines = gramian * unit.unsqueeze(1) * unit.unsqueeze(2) + torch.diag_embed((~present).to(length.dtype))
    alpha = torch.ones_like(length)
    for _ in range(_N_NEWTON_STEPS):
        gradient = _times(cosines, alpha) - 1 / alpha
        hessian = cosines + torch.diag_embed(alpha**-2)
        step = torch.linalg.solve(hessian, gradient)
        decrement = (step * gradient).sum(1, keepdim=True).clamp_min(0).sqrt()
        alpha = alpha - step / torch.where(decrement < 0.25, 1.0, 1 + decrement)  # damped: stays above 0
    # DIFFERS [1]_: scaled to a sum of 1, where the paper leaves the length to the learning rate.
    return _share(alpha * unit)


def imtl_g(gramian: Tensor, present: Tensor) -> Tensor:
    """Weigh so that the sum projects equally on the direction of each gradient [1]_.

    Parameters
    ----------
    gramian : Tensor of shape (G, T, T)
    present : Tensor of bool, shape (G, T)

    Returns
    -------
    Tensor of shape (G, T)
        Sums to 1; may be negative.

    References
    ----------
    .. [1] Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang (2021). Towards impartial multi-task learning. ICLR.

    Examples
    --------
    >>> imtl_g(torch.tensor([[[1.0, 0.0], [0.0, 4.0]]]), torch.tensor([[True, True]]))
    tensor([[0.6667, 0.3333]])
    """
    masked = gramian * (present.unsqueeze(1) & present.unsqueeze(2))
    length = masked.diagonal(dim1=1, dim2=2).sqrt()
    weights = _times(torch.linalg.pinv(masked, hermitian=True), length)
    total = weights.sum(1, keepdim=True)
    return torch.where(total.abs() < _EPSILON**2, 0.0, weights / total) * present


def aligned(gramian: Tensor, present: Tensor) -> Tensor:
    """Weigh so that the principal components of the gradients are equally long [1]_.

    Parameters
    ----------
    gramian : Tensor of shape (G, T, T)
    present : Tensor of bool, shape (G, T)

    Returns
    -------
    Tensor of shape (G, T)

    References
    ----------
    .. [1] Senushkin, Patakin, Kuznetsov, Konushin (2023). Independent component alignment for multi-task
       learning. CVPR. arXiv:2305.19000.
    """
    masked = gramian * (present.unsqueeze(1) & present.unsqueeze(2))
    values, vectors = torch.linalg.eigh(masked)  # (G, T), (G, T, T)
    # The entries come from float32 sums, whatever the dtype they are solved in.
    rounding = values[:, -1:] * masked.shape[1] * torch.finfo(torch.float32).eps
    is_there = values > rounding
    least = torch.where(is_there, values, torch.inf).amin(1, keepdim=True)
    scale = torch.where(is_there, (least / values).sqrt(), 0.0)
    transformed = _times(vectors.mT, _uniform(present, masked.dtype))
    return _times(vectors, scale * transformed) * present


def upgrad(gramian: Tensor, present: Tensor) -> Tensor:
    """Weigh by the mean of the gradients after each is projected on the cone that conflicts with none [1]_.

    Parameters
    ----------
    gramian : Tensor of shape (G, T, T)
    present : Tensor of bool, shape (G, T)

    Returns
    -------
    Tensor of shape (G, T)
        Not negative.

    References
    ----------
    .. [1] Quinton, Rey (2024). Jacobian descent for multi-objective optimization. arXiv:2406.16232.
    """
    n_tasks = present.shape[1]
    diagonal = torch.where(present, _RIDGE, 1.0).to(gramian.dtype)
    matrix = _with_trace_1(gramian * (present.unsqueeze(1) & present.unsqueeze(2))) + torch.diag_embed(
        diagonal
    )
    matrix = matrix.unsqueeze(1)  # (G, 1, T, T), alike for the projection of each gradient
    least = torch.diag_embed(_uniform(present, gramian.dtype))  # (G, T, T): what is projected, one a row

    def derivatives(added: Tensor) -> tuple[Tensor, Tensor]:
        return _times(matrix, least + added), matrix

    start = least.new_full(least.shape, 1 / n_tasks)
    added = _interior_point(derivatives, start, equality=None)
    projected = (least + added) * (present.unsqueeze(1) & present.unsqueeze(2))
    return projected.sum(1)


class Surgery:
    """Project each gradient away from those it conflicts with, in random order [1]_; or turn it towards them.

    With a `momentum`, the cosine of two gradients that is aimed at is not 0 but the mean of those seen, as
    in gradient vaccine [2]_.

    Parameters
    ----------
    momentum : float or None
        Weight of the newest cosine in their mean; None for [1]_.
    generator : torch.Generator
        Draws the orders.

    References
    ----------
    .. [1] Yu, Kumar, Gupta, Levine, Hausman, Finn (2020). Gradient surgery for multi-task learning.
       arXiv:2001.06782.
    .. [2] Wang, Tsvetkov, Firat, Cao (2021). Gradient vaccine. arXiv:2010.05874.
    """

    def __init__(self, momentum: float | None, *, generator: torch.Generator) -> None:
        self.momentum, self.generator = momentum, generator
        self.target: Tensor | None = None  # (G, T, T), cosine aimed at

    def __call__(self, gramian: Tensor, present: Tensor) -> Tensor:
        """Weigh.

        Parameters
        ----------
        gramian : Tensor of shape (G, T, T)
        present : Tensor of bool, shape (G, T)

        Returns
        -------
        Tensor of shape (G, T)
        """
        if self.target is None:
            self.target = torch.zeros_like(gramian)
        n_tasks = gramian.shape[1]
        order = torch.rand(gramian.shape, generator=self.generator).argsort(2).to(gramian.device)
        length = gramian.diagonal(dim1=1, dim2=2).clamp_min(0).sqrt()  # (G, T)
        made_of = torch.eye(n_tasks, dtype=gramian.dtype, device=gramian.device).repeat(len(gramian), 1, 1)
        products = gramian.clone()  # of each gradient as it now is with all as they were
        for other in order.unbind(2):  # (G, T): the next one for each gradient
            place = other.unsqueeze(2)
            product = products.gather(2, place)[..., 0]
            own_length = (products * made_of).sum(2).clamp_min(0).sqrt()
            its_length = length.gather(1, other)
            is_pair = (
                present & present.gather(1, other) & (other != torch.arange(n_tasks, device=other.device))
            )
            change = self._change(product, own_length, its_length, place, is_pair)
            made_of.scatter_add_(2, place, change.unsqueeze(2))
            rows = gramian.gather(1, place.expand(-1, -1, n_tasks))
            products = products + change.unsqueeze(2) * rows
        return (made_of * present.unsqueeze(2)).sum(1) / present.sum(1, keepdim=True).clamp_min(1)

    def _change(
        self, product: Tensor, own_length: Tensor, its_length: Tensor, place: Tensor, is_pair: Tensor
    ) -> Tensor:
        """Say how much of the other gradient is added; all (G, T)."""
        assert self.target is not None
        if self.momentum is None:
            change = -product / its_length.square()
            return torch.where(is_pair & (product < 0), change, 0.0)
        cosine = product / (own_length * its_length + _EPSILON)
        target = self.target.gather(2, place)[..., 0]
        sine, target_sine = ((1 - value.square()).clamp_min(0).sqrt() for value in (cosine, target))
        change = own_length * (target * sine - cosine * target_sine) / (its_length * target_sine + _EPSILON)
        mean = torch.where(is_pair, torch.lerp(target, cosine, self.momentum), target)
        self.target.scatter_(2, place, mean.unsqueeze(2))
        return torch.where(is_pair & (cosine < target), change, 0.0)


def _interior_point(
    derivatives: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, *, equality: Tensor | None
) -> Tensor:
    """Minimise convex functions over x ≥ 0, and Σ equality · x = 1 where it is given; (..., T).

    A primal-dual method: Newton's steps on the gradient less z, x z = μ, with μ falling towards 0. The
    square of the equality is added to the functions: it is constant, and makes them strictly convex along it.
    """
    x, z = start, torch.ones_like(start)
    for _ in range(_N_INTERIOR_STEPS):
        gradient, hessian = derivatives(x)
        central = 0.1 * (x * z).mean(-1, keepdim=True)
        matrix = hessian + torch.diag_embed(z / x)
        wanted = (central / x - gradient).unsqueeze(-1)
        if equality is None:
            step = torch.linalg.solve(matrix, wanted)[..., 0]
        else:
            column = equality.unsqueeze(-1)
            both = torch.linalg.solve(matrix + column * column.mT, torch.cat([wanted, column], dim=-1))
            free, along = both.unbind(-1)
            lack = 1 - (equality * (x + free)).sum(-1, keepdim=True)
            step = free + along * lack / (equality * along).sum(-1, keepdim=True)
        step_z = central / x - z - z / x * step
        length = torch.minimum(_longest(x, step), _longest(z, step_z))
        x, z = x + length * step, z + length * step_z
    return x


def _longest(value: Tensor, step: Tensor) -> Tensor:
    """Give the share of a step, at most 1, that leaves values above 0."""
    return (0.99 / (-step / value).amax(-1, keepdim=True).clamp_min(0.99)).clamp_max(1.0)


def _on_simplex(
    derivatives: Callable[[Tensor], tuple[Tensor, Tensor]], present: Tensor, dtype: torch.dtype
) -> Tensor:
    """Minimise over weights of the tasks that are present; the others are pulled to 1 by themselves."""

    def with_absent(x: Tensor) -> tuple[Tensor, Tensor]:
        gradient, hessian = derivatives(x * present)
        both = present.unsqueeze(1) & present.unsqueeze(2)
        hessian = torch.where(both, hessian, 0.0) + torch.diag_embed((~present).to(x.dtype))
        return torch.where(present, gradient, x - 1), hessian

    uniform = _uniform(present, dtype)
    # A fold in which no task is present has nothing to sum up; any equality does.
    equality = torch.where(present.any(1, keepdim=True), present, True).to(dtype)
    start = torch.where(present, uniform, 1.0)
    return _interior_point(with_absent, start, equality=equality) * present


def _with_trace_1(gramian: Tensor) -> Tensor:
    trace = gramian.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
    return gramian / torch.where(trace > 0, trace, 1.0)


def _uniform(present: Tensor, dtype: torch.dtype) -> Tensor:
    return present.to(dtype) / present.sum(1, keepdim=True).clamp_min(1)


def _share(weights: Tensor) -> Tensor:
    total = weights.sum(1, keepdim=True)
    return weights / torch.where(total > 0, total, 1.0)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def _length(matrix: Tensor, weights: Tensor) -> Tensor:
    """Give the length of a sum of gradients; (G, 1)."""
    return (_times(matrix, weights) * weights).sum(-1, keepdim=True).clamp_min(0).sqrt()
