"""Loss balancing: weights of the tasks' losses from the losses themselves, each fold by itself.

`losses` of shape (G, T) are those of a batch; `shares` of shape (G, T) are the weights of the tasks, 0 where
a fold has no label of a task in the batch. With the shares as weights, the sum is the mean over tasks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.optim import Adam

# A loss below this, relative to predicting the base rate, counts as this: logarithms and ratios stay finite.
_LEAST_LOSS = 1e-8


class LossWeighting(ABC):
    """A way of weighing losses; `compares` says whether it asks for the losses after each update, too."""

    compares = False

    @abstractmethod
    def weigh(self, losses: Tensor, shares: Tensor) -> Tensor:
        """Give the weights of a batch's losses.

        Parameters
        ----------
        losses, shares : Tensor of shape (G, T)

        Returns
        -------
        Tensor of shape (G, T)
            0 where the share is 0.
        """

    def compare(self, losses: Tensor) -> None:  # noqa: B027  most have nothing to do
        """Learn from the losses of the same batch after the update.

        Parameters
        ----------
        losses : Tensor of shape (G, T)
        """

    def end_epoch(self) -> None:  # noqa: B027  most have nothing to do
        """Learn from the losses of an epoch."""


class LearnedScales(LossWeighting):
    r"""Learn a scale for each loss, by its uncertainty [1]_ or for equal sizes [2]_.

    .. math:: \sum_t p_t (e^{s_t} L_t - s_t)

    with p the shares. [1]_ has s of the other sign and half of the sum; with Adam, both are the same.

    Parameters
    ----------
    shape : tuple of int
        (G, T).
    learning_rate : float
        Of Adam, for s.
    device : torch.device
        Of the losses.

    References
    ----------
    .. [1] Kendall, Gal, Cipolla (2018). Multi-task learning using uncertainty to weigh losses for scene
       geometry and semantics. CVPR. arXiv:1705.07115.
    .. [2] Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang (2021). Towards impartial multi-task learning. ICLR.
    """

    def __init__(self, shape: tuple[int, int], *, learning_rate: float, device: torch.device) -> None:
        self.log_scale = torch.zeros(shape, device=device)
        self.optimizer = Adam([self.log_scale], lr=learning_rate)

    def weigh(self, losses: Tensor, shares: Tensor) -> Tensor:
        """Weigh by the scales, then move them."""
        scale = self.log_scale.exp()
        self.log_scale.grad = ((scale * losses - 1) * (shares > 0)).to(scale.dtype)
        self.optimizer.step()
        return shares * scale


class DynamicWeightAverage(LossWeighting):
    r"""Weigh losses the more, the slower they fell from one epoch to the next [1]_.

    .. math:: w_t = n\, p_t\, \mathrm{softmax}_t(r_t / \tau), \quad r_t = L_t(e - 1) / L_t(e - 2)

    with p the shares and n tasks; in the first two epochs r is 1.

    Parameters
    ----------
    is_learned : Tensor of bool, shape (T,)
        Tasks of a weight above 0.
    temperature : float
        τ.

    References
    ----------
    .. [1] Liu, Johns, Davison (2019). End-to-end multi-task learning with attention. CVPR. arXiv:1803.10704.
    """

    def __init__(self, is_learned: Tensor, *, temperature: float) -> None:
        self.is_learned, self.temperature = is_learned, temperature
        self.sum: Tensor | None = None  # (G, T), of this epoch; each has the same number of batches
        self.before: list[Tensor] = []

    def weigh(self, losses: Tensor, shares: Tensor) -> Tensor:
        """Weigh by the two epochs before."""
        self.sum = losses if self.sum is None else self.sum + losses
        if len(self.before) < 2:
            return shares
        older, newer = self.before
        rate = torch.where(older > 0, newer / older, 1.0)
        factor = torch.softmax((rate / self.temperature).masked_fill(~self.is_learned, -torch.inf), dim=1)
        return shares * factor * self.is_learned.sum()

    def end_epoch(self) -> None:
        """Keep the losses of the last two epochs."""
        if self.sum is not None:
            self.before = [*self.before, self.sum][-2:]
            self.sum = None


class GeometricMean(LossWeighting):
    """Minimise the geometric mean of the losses in place of the arithmetic one [1]_, by the shares.

    References
    ----------
    .. [1] Chennupati, Sistu, Yogamani, Rawashdeh (2019). MultiNet++: multi-stream feature aggregation and
       geometric loss strategy for multi-task learning. CVPR workshops. arXiv:1904.08492.
    """

    def weigh(self, losses: Tensor, shares: Tensor) -> Tensor:
        """Give the derivatives of the mean, as large as the tasks that are there make it."""
        losses, total = losses.clamp_min(_LEAST_LOSS), _total(shares)
        mean = (shares / total * losses.log()).sum(1, keepdim=True).exp()  # (G, 1)
        return shares * mean / losses


class FastAdaptive(LossWeighting):
    r"""Lower all losses at the same rate, by what the updates did to them: FAMO [1]_.

    .. math:: w_t \propto z_t / L_t, \quad z = \mathrm{softmax}(\xi + \log p)

    with p the shares; ξ follows the changes of the logarithms of the losses by Adam, as in [1]_.

    Parameters
    ----------
    shape : tuple of int
        (G, T).
    learning_rate : float
        Of Adam, for ξ.
    device : torch.device
        Of the losses.

    References
    ----------
    .. [1] Liu, Feng, Stone, Liu (2023). FAMO: fast adaptive multitask optimization. arXiv:2306.03792.
    """

    compares = True

    def __init__(self, shape: tuple[int, int], *, learning_rate: float, device: torch.device) -> None:
        self.logit = torch.zeros(shape, device=device)
        self.optimizer = Adam([self.logit], lr=learning_rate, weight_decay=1e-3)

    def weigh(self, losses: Tensor, shares: Tensor) -> Tensor:
        """Give weights with the sum of the shares."""
        self.losses, self.shares = losses.clamp_min(_LEAST_LOSS), shares
        return _as_large_as(shares, self._mixture() / self.losses)

    def compare(self, losses: Tensor) -> None:
        """Move the logits down where losses fell fast."""
        change = self.losses.log() - losses.clamp_min(_LEAST_LOSS).log()
        mixture = self._mixture()
        gradient = mixture * (change - (mixture * change).sum(1, keepdim=True))
        self.logit.grad = gradient.to(self.logit.dtype)
        self.optimizer.step()

    def _mixture(self) -> Tensor:
        mixture = self.shares * torch.softmax(self.logit, dim=1)
        return mixture / _total(mixture)


class RandomWeighting(LossWeighting):
    """Draw weights anew for each batch, the softmax of normal numbers times the shares [1]_.

    Parameters
    ----------
    generator : torch.Generator
        Draws them.

    References
    ----------
    .. [1] Lin, Ye, Zhang, Tsang (2022). Reasonable effectiveness of random weighting. arXiv:2111.10603.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def weigh(self, losses: Tensor, shares: Tensor) -> Tensor:
        """Give weights with the sum of the shares."""
        drawn = torch.randn(losses.shape, generator=self.generator).to(losses.device)
        return _as_large_as(shares, shares * torch.softmax(drawn, dim=1))


class SmoothTchebycheff(LossWeighting):
    r"""Minimise a smooth maximum of the losses [1]_.

    .. math:: n \mu \log \sum_t \exp(p_t L_t / \mu)

    with p the shares, scaled to sum to 1, and n tasks that are there.

    Parameters
    ----------
    smoothing : float
        μ; the maximum itself towards 0, the mean towards infinity.

    References
    ----------
    .. [1] Lin, Zhang, Yang, Liu, Wang, Zhang (2024). Smooth Tchebycheff scalarization for multi-objective
       optimization. arXiv:2402.19078.
    """

    def __init__(self, *, smoothing: float) -> None:
        self.smoothing = smoothing

    def weigh(self, losses: Tensor, shares: Tensor) -> Tensor:
        """Give the derivatives."""
        present = shares > 0
        height = (shares / _total(shares) * losses / self.smoothing).masked_fill(~present, -torch.inf)
        height = height - height.amax(1, keepdim=True).clamp_min(0)  # 0 where no task is there
        return shares * present.sum(1, keepdim=True) * height.exp() / _total(height.exp())


def _as_large_as(shares: Tensor, weights: Tensor) -> Tensor:
    return weights * (shares.sum(1, keepdim=True) / _total(weights))


def _total(values: Tensor) -> Tensor:
    """Sum up over tasks; 1 where no task is there."""
    total = values.sum(1, keepdim=True)
    return torch.where(total > 0, total, 1.0)
