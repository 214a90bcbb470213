"""Losses and activations of tasks whose outputs stand side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


class OutputLayout:
    """Which outputs belong to which task, and what they mean.

    Parameters
    ----------
    kinds : sequence of {"regression", "binary", "multiclass"}, length T
        The tasks.
    n_outputs : sequence of int, length T
        Width of each task's head.

    Examples
    --------
    >>> layout = OutputLayout(["regression", "multiclass", "binary"], [1, 3, 1])
    >>> layout.slices[1], layout.n_outputs
    (slice(1, 4, None), 5)
    """

    def __init__(self, kinds: Sequence[str], n_outputs: Sequence[int]) -> None:
        self.kinds = tuple(kinds)
        ends = torch.tensor(n_outputs).cumsum(0).tolist()
        self.slices = tuple(slice(end - width, end) for end, width in zip(ends, n_outputs, strict=True))
        self.n_outputs = int(ends[-1])
        self.regression = self._tasks("regression")
        self.binary = self._tasks("binary")
        self.multiclass = self._tasks("multiclass")

    def _tasks(self, kind: str) -> list[int]:
        return [task for task, its_kind in enumerate(self.kinds) if its_kind == kind]

    def outputs_of(self, tasks: Sequence[int]) -> list[int]:
        """Give the outputs of tasks that have one each."""
        return [self.slices[task].start for task in tasks]


def activate(outputs: Tensor, layout: OutputLayout) -> Tensor:
    """Turn outputs into numbers and probabilities.

    Parameters
    ----------
    outputs : Tensor of shape (..., O)
        Numbers and logits.
    layout : OutputLayout
        The tasks.

    Returns
    -------
    Tensor of shape (..., O)
        Numbers as they are; for a binary task the probability of its second class; for a multiclass
        task the probabilities of its classes.

    Examples
    --------
    >>> layout = OutputLayout(["regression", "binary"], [1, 1])
    >>> activate(torch.tensor([3.0, 0.0]), layout)
    tensor([3.0000, 0.5000])
    """
    if len(layout.regression) == len(layout.kinds):
        return outputs
    activated = outputs.clone()
    if layout.binary:
        columns = layout.outputs_of(layout.binary)
        activated[..., columns] = torch.sigmoid(outputs[..., columns])
    for task in layout.multiclass:
        activated[..., layout.slices[task]] = torch.softmax(outputs[..., layout.slices[task]], dim=-1)
    return activated


def task_losses(outputs: Tensor, targets: Tensor, layout: OutputLayout) -> Tensor:
    """Compute the loss of every label: squared error, or negative log likelihood.

    Parameters
    ----------
    outputs : Tensor of shape (..., O)
        Numbers and logits.
    targets : Tensor of shape (..., T)
        Numbers and class indices, any finite ones where labels are missing.
    layout : OutputLayout
        The tasks.

    Returns
    -------
    Tensor of shape (..., T)
        In nats for classes.

    Examples
    --------
    >>> layout = OutputLayout(["regression", "multiclass"], [1, 2])
    >>> task_losses(torch.tensor([3.0, 0.0, 0.0]), torch.tensor([1.0, 1.0]), layout)
    tensor([4.0000, 0.6931])
    """
    if len(layout.regression) == len(layout.kinds):
        return (outputs - targets).square()
    targets = targets.expand(*outputs.shape[:-1], -1)
    losses: list[Tensor | None] = [None] * len(layout.kinds)
    for task, kind in enumerate(layout.kinds):
        output, target = outputs[..., layout.slices[task]], targets[..., task]
        if kind == "regression":
            losses[task] = (output[..., 0] - target).square()
        elif kind == "multiclass":
            log_probability = torch.log_softmax(output, dim=-1)
            losses[task] = -log_probability.gather(-1, target.long().unsqueeze(-1)).squeeze(-1)
    if layout.binary:
        logits = outputs[..., layout.outputs_of(layout.binary)]
        binary = functional.binary_cross_entropy_with_logits(
            logits, targets[..., layout.binary], reduction="none"
        )
        for task, loss in zip(layout.binary, binary.unbind(-1), strict=True):
            losses[task] = loss
    return torch.stack([loss for loss in losses if loss is not None], dim=-1)


def prediction_losses(predictions: Tensor, targets: Tensor, layout: OutputLayout) -> Tensor:
    """Compute `task_losses` of numbers and probabilities, as `activate` returns them.

    Parameters
    ----------
    predictions : Tensor of shape (..., O)
        Numbers and probabilities.
    targets : Tensor of shape (..., T)
        Numbers and class indices, any finite ones where labels are missing.
    layout : OutputLayout
        The tasks.

    Returns
    -------
    Tensor of shape (..., T)
        In nats for classes, with probabilities of at least the dtype's smallest step.

    Examples
    --------
    >>> layout = OutputLayout(["regression", "binary"], [1, 1])
    >>> prediction_losses(torch.tensor([3.0, 0.5]), torch.tensor([1.0, 0.0]), layout)
    tensor([4.0000, 0.6931])
    """
    least = torch.finfo(predictions.dtype).eps
    losses = []
    for task, kind in enumerate(layout.kinds):
        prediction, target = predictions[..., layout.slices[task]], targets[..., task]
        if kind == "regression":
            losses.append((prediction[..., 0] - target).square())
            continue
        if kind == "binary":
            prediction = torch.cat([1 - prediction, prediction], dim=-1)
        probability = prediction.gather(-1, target.long().unsqueeze(-1)).squeeze(-1)
        losses.append(-probability.clamp_min(least).log())
    return torch.stack(losses, dim=-1)
