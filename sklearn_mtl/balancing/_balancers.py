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

    def compare(self, losses: Tensor) -> None:
        """Learn from the losses (G, T) of the same batch after the update, if `compares` asks for them."""

    def end_epoch(self) -> None:
        """Take note that all batches have been seen."""

    def close(self) -> None:
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

    def backward(self, losses: Tensor, outputs: Tensor, observed: Tensor) -> None:  # noqa: ARG002
        """Go back from the weighted sum."""
        weights = self.weighting.weigh(losses.detach(), self.task_weight * observed)
        (losses * weights).sum().backward()

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
        Takes inner products (G, T, T), which tasks are present (G, T), and losses (G, T); gives weights (G, T).
    task_weight : Tensor of shape (T,)
        Sums to 1.
    model : ColumnAttentionModel
    on : {"representation", "parameters"}
        What gradients are compared with respect to: what the attention gives to the view network, or all
        parameters but those of the heads.
    """

    def __init__(self, weigh: Weigh, task_weight: Tensor, model: ColumnAttentionModel, *, on: str) -> None:
        self.weigh, self.task_weight, self.on = weigh, task_weight, on
        self.heads = list(model.heads.parameters())
        of_heads = {id(parameter) for parameter in self.heads}
        self.shared = [parameter for parameter in model.parameters() if id(parameter) not in of_heads]
        self.task_of_output = model.heads.task_of_output
        self.pooled: tuple[Tensor, ...] = ()
        self.hook = model.network.register_forward_pre_hook(self._remember)

    def _remember(self, network: torch.nn.Module, inputs: tuple[Tensor | None, ...]) -> None:  # noqa: ARG002
        self.pooled = tuple(tensor for tensor in inputs if isinstance(tensor, Tensor))

    def close(self) -> None:
        """Watch the model no longer."""
        self.hook.remove()

    def backward(self, losses: Tensor, outputs: Tensor, observed: Tensor) -> None:
        """Solve each fold, and go back once with the weights."""
        (of_outputs,) = torch.autograd.grad(losses.sum(), outputs)
        on = self.pooled if self.on == "representation" else self.shared
        jacobian = self._jacobian(outputs, of_outputs, on)
        shares = self.task_weight * observed  # (G, T)
        weights = self._weights(jacobian, losses.detach(), shares)
        if self.on == "representation":
            weighted = of_outputs * weights[:, self.task_of_output][:, None, None]
            torch.autograd.backward(outputs, weighted, inputs=self.shared, retain_graph=True)
        else:
            self._set_gradients(jacobian, weights)
        own = of_outputs * shares[:, self.task_of_output][:, None, None]
        torch.autograd.backward(outputs, own, inputs=self.heads)
        self.pooled = ()

    def _jacobian(self, outputs: Tensor, of_outputs: Tensor, on: Sequence[Tensor]) -> Tensor:
        """Give the gradient of each task in each fold, as rows; (G, T, P)."""
        rows = []
        for task in range(len(self.task_weight)):
            of_task = of_outputs * (self.task_of_output == task)
            gradients = torch.autograd.grad(
                outputs, on, of_task, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            rows.append(torch.cat([gradient.reshape(len(outputs), -1) for gradient in gradients], dim=1))
        return torch.stack(rows, dim=1)

    def _weights(self, jacobian: Tensor, losses: Tensor, shares: Tensor) -> Tensor:
        """Weigh losses; tasks without a gradient are left out."""
        gramian = (jacobian @ jacobian.mT).to(_solved_in(jacobian))
        present = (shares > 0) & (gramian.diagonal(dim1=1, dim2=2) > 0)
        total = (shares * present).sum(1, keepdim=True)
        count = present.sum(1, keepdim=True)
        scale = shares * present * count / torch.where(total > 0, total, 1.0)  # (G, T), of mean 1
        balanced = self.weigh(gramian * scale.unsqueeze(1) * scale.unsqueeze(2), present, losses)
        return (total * scale * balanced).to(losses.dtype)

    def _set_gradients(self, jacobian: Tensor, weights: Tensor) -> None:
        """Give each shared parameter its part of the weighted sum of rows."""
        balanced = (weights.unsqueeze(1) @ jacobian).squeeze(1)  # (G, P)
        sizes = [parameter.numel() // len(balanced) for parameter in self.shared]
        for parameter, gradient in zip(self.shared, balanced.split(sizes, dim=1), strict=True):
            parameter.grad = gradient.reshape(parameter.shape).contiguous()


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
    learned = {"learning_rate": balancing.learning_rate, "device": task_weight.device}
    makers: dict[str, Callable[[], LossWeighting]] = {
        "uncertainty": partial(LearnedScales, shape, **learned),
        "dwa": partial(DynamicWeightAverage, task_weight > 0, temperature=balancing.temperature),
        "geometric": GeometricMean,
        "imtl_l": partial(LearnedScales, shape, **learned),
        "famo": partial(FastAdaptive, shape, **learned),
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
        weigh = {
            "pcgrad": Surgery(None, generator=generator),
            "gradvac": Surgery(balancing.momentum, generator=generator),
            "cagrad": partial(cagrad, strength=balancing.strength),
            "mgda": mgda,
            "aligned": aligned,
            "imtl_g": imtl_g,
            "upgrad": upgrad,
            "nash": nash,
        }[balancing.method]
    return lambda gramian, present, _: weigh(gramian, present)


def _solved_in(tensor: Tensor) -> torch.dtype:
    """Small systems are solved in float64, where the device has it."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64
