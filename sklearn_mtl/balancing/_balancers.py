"""From the losses of a batch to the gradients of one update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from ..nn import ColumnAttentionModel
from ._gradnorm import GradNorm
from ._gramian import Surgery, aligned, cagrad, imtl_g, mgda, nash, upgrad
from ._losses import (
    DynamicWeightAverage,
    FastAdaptive,
    GeometricMean,
    LearnedScales,
    LossWeighting,
    RandomWeighting,
    SmoothTchebycheff,
)
from ._options import Balancing, GradientBalancing, LossBalancing
from ._torchjd import FoldByFold

Weigh = Callable[[Tensor, Tensor, Tensor], Tensor]


class Balancer(ABC):
    """Balances the tasks of each fold during one training; made anew for each."""

    compares = False

    @abstractmethod
    def backward(self, losses: Tensor, outputs: Tensor, observed: Tensor) -> None:
        """Add the gradients of a batch to the parameters.

        Parameters
        ----------
        losses : Tensor of shape (G, T)
            Of the tasks, each from its own outputs alone.
        outputs : Tensor of shape (G, B, V, O)
        observed : Tensor of bool, shape (G, T)
            Whether the batch has a label of the task.
        """

    def compare(self, losses: Tensor) -> None:  # noqa: B027  most have nothing to do
        """Learn from the losses (G, T) of the same batch after the update, if `compares` asks for them."""

    def end_epoch(self) -> None:  # noqa: B027  most have nothing to do
        """Take note that all batches have been seen."""

    def close(self) -> None:  # noqa: B027  most have nothing to do
        """Let go of the model."""


class LossBalancer(Balancer):
    """Weighs losses; all parameters get the gradient of the weighted sum.

    Parameters
    ----------
    weighting : LossWeighting
    task_weight : Tensor of shape (T,)
        Sums to 1.
    """

    def __init__(self, weighting: LossWeighting, task_weight: Tensor) -> None:
        self.weighting, self.task_weight = weighting, task_weight
        self.compares = weighting.compares

    def backward(self, losses: Tensor, outputs: Tensor, observed: Tensor) -> None:  # noqa: ARG002  of others
        """Go back from the weighted sum."""
        weights = self.weighting.weigh(losses.detach(), self.task_weight * observed)
        torch.autograd.backward((losses * weights).sum())

    def compare(self, losses: Tensor) -> None:
        """Tell the weighting."""
        self.weighting.compare(losses)

    def end_epoch(self) -> None:
        """Tell the weighting."""
        self.weighting.end_epoch()


class GradientBalancer(Balancer):
    """Weighs the tasks' gradients in what they share; each head gets the gradient of its own loss.

    Parameters
    ----------
    weigh : callable
        Takes inner products (G, T, T), which tasks are present (G, T), and losses (G, T); gives weights
        (G, T).
    task_weight : Tensor of shape (T,)
        Sums to 1.
    model : ColumnAttentionModel
    on : {"representation", "pooled", "parameters"}
        What gradients are compared with respect to: what the heads read, what the attention has pooled, or
        all parameters but those of the heads.
    """

    def __init__(self, weigh: Weigh, task_weight: Tensor, model: ColumnAttentionModel, *, on: str) -> None:
        self.weigh, self.task_weight, self.on = weigh, task_weight, on
        self.heads = model.heads
        self.of_heads = list(model.heads.parameters())
        known = {id(parameter) for parameter in self.of_heads}
        self.shared = [parameter for parameter in model.parameters() if id(parameter) not in known]
        self.hooks = [
            module.register_forward_pre_hook(partial(self._remember, name))
            for name, module in (("pooled", model.network), ("representation", model.heads))
        ]
        self.seen: dict[str, list[Tensor]] = {}

    def _remember(self, name: str, _: torch.nn.Module, inputs: tuple[Tensor | None, ...]) -> None:
        self.seen[name] = [tensor for tensor in inputs if isinstance(tensor, Tensor)]

    def close(self) -> None:
        """Watch the model no longer."""
        for hook in self.hooks:
            hook.remove()

    def backward(self, losses: Tensor, outputs: Tensor, observed: Tensor) -> None:
        """Solve each fold, then go back once with the weights, and once into the heads without."""
        (of_outputs,) = torch.autograd.grad(losses.sum(), outputs)
        shares = self.task_weight * observed  # (G, T)
        weights = self._weights(self._gramian(outputs, of_outputs), losses.detach(), shares)
        for coefficients, inputs in ((weights, self.shared), (shares, self.of_heads)):
            by_output = coefficients[:, self.heads.task_of_output][:, None, None]  # (G, 1, 1, O)
            torch.autograd.backward(outputs, of_outputs * by_output, inputs=inputs, retain_graph=True)
        self.seen = {}

    def _gramian(self, outputs: Tensor, of_outputs: Tensor) -> Tensor:
        """Give the inner products of the tasks' gradients; (G, T, T)."""
        if self.on == "representation":
            with torch.no_grad():
                return self.heads.gramian(of_outputs, n_shared=self.seen["representation"][0].shape[3])
        on = self.seen["pooled"] if self.on == "pooled" else self.shared
        rows = [self._gradient(outputs, of_outputs, task, on) for task in range(len(self.task_weight))]
        jacobian = torch.stack(rows, dim=1)
        return jacobian @ jacobian.mT

    def _gradient(self, outputs: Tensor, of_outputs: Tensor, task: int, on: Sequence[Tensor]) -> Tensor:
        """Give the gradient of a task's loss in each fold; (G, P)."""
        of_task = of_outputs * (self.heads.task_of_output == task)
        gradients = torch.autograd.grad(
            outputs, on, of_task, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        return torch.cat([gradient.reshape(len(outputs), -1) for gradient in gradients], dim=1)

    def _weights(self, gramian: Tensor, losses: Tensor, shares: Tensor) -> Tensor:
        """Weigh losses; tasks without a gradient are left out."""
        gramian = gramian.to(_solved_in(gramian))
        present = (shares > 0) & (gramian.diagonal(dim1=1, dim2=2) > 0)
        total = (shares * present).sum(1, keepdim=True)
        count = present.sum(1, keepdim=True)
        scale = shares * present * count / torch.where(total > 0, total, 1.0)  # (G, T), of mean 1
        balanced = self.weigh(gramian * scale.unsqueeze(1) * scale.unsqueeze(2), present, losses)
        return (total * scale * balanced).to(losses.dtype)


def make_balancer(
    balancing: Balancing, model: ColumnAttentionModel, *, task_weight: Tensor, n_folds: int, seed: int
) -> Balancer | None:
    """Make what balances one training.

    Parameters
    ----------
    balancing : LossBalancing, GradientBalancing or None
        None is the mean, for which there is nothing to make.
    model : ColumnAttentionModel
        That is trained.
    task_weight : Tensor of shape (T,)
        Sums to 1.
    n_folds : int
        G.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    Balancer or None
    """
    if balancing is None:
        return None
    generator = torch.Generator().manual_seed(seed)
    shape = n_folds, len(task_weight)
    if isinstance(balancing, LossBalancing):
        return LossBalancer(_loss_weighting(balancing, shape, task_weight, generator), task_weight)
    weigh = _gradient_weighting(balancing, shape, generator, device=task_weight.device)
    return GradientBalancer(weigh, task_weight, model, on=balancing.on)


def _loss_weighting(
    balancing: LossBalancing, shape: tuple[int, int], task_weight: Tensor, generator: torch.Generator
) -> LossWeighting:
    scales, famo = (
        partial(kind, shape, learning_rate=balancing.learning_rate, device=task_weight.device)
        for kind in (LearnedScales, FastAdaptive)
    )
    makers: dict[str, Callable[[], LossWeighting]] = {
        "uncertainty": scales,
        "dwa": partial(DynamicWeightAverage, task_weight > 0, temperature=balancing.temperature),
        "geometric": GeometricMean,
        "imtl_l": scales,
        "famo": famo,
        "random": partial(RandomWeighting, generator),
        "stch": partial(SmoothTchebycheff, smoothing=balancing.smoothing),
    }
    return makers[balancing.method]()


def _gradient_weighting(
    balancing: GradientBalancing, shape: tuple[int, int], generator: torch.Generator, *, device: torch.device
) -> Weigh:
    if balancing.method == "gradnorm":
        return GradNorm(
            shape, asymmetry=balancing.asymmetry, learning_rate=balancing.learning_rate, device=device
        )
    weigh: Callable[[Tensor, Tensor], Tensor]
    if balancing.solver == "torchjd":
        weigh = FoldByFold(
            balancing.method, strength=balancing.strength, momentum=balancing.momentum, generator=generator
        )
    else:
        solvers: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
            "pcgrad": Surgery(None, generator=generator),
            "gradvac": Surgery(balancing.momentum, generator=generator),
            "cagrad": partial(cagrad, strength=balancing.strength),
            "mgda": mgda,
            "aligned": aligned,
            "imtl_g": imtl_g,
            "upgrad": upgrad,
            "nash": nash,
        }
        weigh = solvers[balancing.method]
    return lambda gramian, present, _: weigh(gramian, present)


def _solved_in(tensor: Tensor) -> torch.dtype:
    """Small systems are solved in float64, where the device has it."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64
