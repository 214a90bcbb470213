"""Losses and activations of tasks whose outputs stand side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

# Where Huber's loss turns from a square to a line, in units of the labels' spread: there it loses 5 % of the
# efficiency of the mean where noise is normal.
HUBER_DELTA = 1.35
# Thresholds of an ordinal task are at least so far apart: logarithms of their differences stay finite.
_LEAST_GAP = 1e-6


class OutputLayout:
    """Which outputs belong to which task, and what they mean.

    ============== ============================= ==============================================
    kind           outputs                       predictions, as `activate` gives them
    ============== ============================= ==============================================
    regression     a number                      the same
    absolute_error a number                      the same
    huber          a number                      the same
    quantile       a number for each level       the same, ascending
    poisson        the logarithm of a rate       the rate
    binary         a logit                       probability of the second class
    multiclass     a logit for each class        probability of each class
    ordinal        location, first threshold,    probability of each class
                   what each other threshold
                   is ahead of the one before
    ============== ============================= ==============================================

    Parameters
    ----------
    kinds : sequence of str, length T
        The tasks, in the words of the table.
    n_outputs : sequence of int, length T
        Width of each task's head.
    levels : mapping from int to sequence of float, optional
        Levels of each quantile task.
    units : mapping from int to float, optional
        Spread of each Huber task's labels; 1 for one that is left out.

    Examples
    --------
    >>> layout = OutputLayout(["regression", "multiclass", "binary"], [1, 3, 1])
    >>> layout.slices[1], layout.n_outputs
    (slice(1, 4, None), 5)
    """

    def __init__(
        self,
        kinds: Sequence[str],
        n_outputs: Sequence[int],
        *,
        levels: Mapping[int, Sequence[float]] | None = None,
        units: Mapping[int, float] | None = None,
    ) -> None:
        self.kinds = tuple(kinds)
        self.levels, self.units = dict(levels or {}), dict(units or {})
        ends = torch.tensor(n_outputs).cumsum(0).tolist()
        self.slices = tuple(slice(end - width, end) for end, width in zip(ends, n_outputs, strict=True))
        self.n_outputs = sum(n_outputs)
        self.regression = self._tasks("regression")
        self.quantile = self._tasks("quantile")
        self.poisson = self._tasks("poisson")
        self.binary = self._tasks("binary")
        self.multiclass = self._tasks("multiclass")
        self.ordinal = self._tasks("ordinal")

    def _tasks(self, *kinds: str) -> list[int]:
        return [task for task, its_kind in enumerate(self.kinds) if its_kind in kinds]

    @property
    def located(self) -> list[int]:
        """Numbers whose outputs move with the labels: all but rates."""
        return self._tasks("regression", "absolute_error", "huber", "quantile")

    @property
    def shifted(self) -> list[int]:
        """Those of them of which the best constant is not the mean."""
        return self._tasks("absolute_error", "huber", "quantile")

    @property
    def one_hot(self) -> list[int]:
        """Tasks with an output for each class."""
        return self._tasks("multiclass", "ordinal")

    @property
    def classes(self) -> list[int]:
        """Tasks of classes."""
        return [*self.binary, *self.one_hot]

    @property
    def thresholds(self) -> list[int]:
        """Outputs that are the same for all rows: the thresholds of ordinal tasks."""
        return [place for task in self.ordinal for place in self.places([task])[1:]]

    def outputs_of(self, tasks: Sequence[int]) -> list[int]:
        """Give the outputs of tasks that have one each."""
        return [self.slices[task].start for task in tasks]

    def places(self, tasks: Sequence[int]) -> list[int]:
        """Give all outputs of tasks."""
        return [place for task in tasks for place in range(self.slices[task].start, self.slices[task].stop)]

    def of(self, tasks: Sequence[int]) -> OutputLayout:
        """Give the layout of some of the tasks alone."""
        return OutputLayout(
            [self.kinds[task] for task in tasks],
            [self.slices[task].stop - self.slices[task].start for task in tasks],
            levels={place: self.levels[task] for place, task in enumerate(tasks) if task in self.levels},
            units={place: self.units[task] for place, task in enumerate(tasks) if task in self.units},
        )


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
        Numbers and probabilities, as in the table of `OutputLayout`. Quantiles that cross are put in order
        [1]_, which never increases their loss.

    References
    ----------
    .. [1] Chernozhukov, Fernández-Val, Galichon (2010). Quantile and probability curves without crossing.
       Econometrica 78, 1093-1125.

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
    for task in layout.ordinal:
        activated[..., layout.slices[task]] = ordinal_log_probabilities(
            outputs[..., layout.slices[task]]
        ).exp()
    if layout.poisson:
        columns = layout.outputs_of(layout.poisson)
        activated[..., columns] = log_rate(outputs[..., columns]).exp()
    for task in layout.quantile:
        activated[..., layout.slices[task]] = outputs[..., layout.slices[task]].sort(dim=-1).values
    return activated


def ordinal_outputs(rates: Tensor) -> Tensor:
    """Find the outputs of an ordinal task that predict given rates of its classes at location 0.

    Parameters
    ----------
    rates : Tensor of shape (..., K)
        Above 0; they sum to 1.

    Returns
    -------
    Tensor of shape (..., K)

    Examples
    --------
    >>> rates = torch.tensor([0.2, 0.5, 0.3])
    >>> activate(ordinal_outputs(rates), OutputLayout(["ordinal"], [3]))
    tensor([0.2000, 0.5000, 0.3000])
    """
    below = rates.cumsum(-1)[..., :-1]
    above = rates.flip(-1).cumsum(-1).flip(-1)[..., 1:]
    thresholds = below.log() - above.log()  # (..., K - 1)
    gaps = (thresholds.diff(dim=-1) - _LEAST_GAP).clamp_min(_LEAST_GAP)
    steps = gaps + torch.log(-torch.expm1(-gaps))  # the inverse of softplus
    return torch.cat([torch.zeros_like(rates[..., :1]), thresholds[..., :1], steps], dim=-1)


def task_losses(
    outputs: Tensor, targets: Tensor, layout: OutputLayout, smoothing: Sequence[float] | None = None
) -> Tensor:
    r"""Compute the loss of every label.

    With the label :math:`y` and the prediction :math:`p` it is, by the task's kind,

    - ``"regression"``: :math:`(y - p)^2`;
    - ``"absolute_error"``: :math:`|y - p|`;
    - ``"huber"``: :math:`e^2 / 2` up to :math:`|e| = |y - p| = \delta`, :math:`\delta (|e| - \delta / 2)`
      beyond, :math:`\delta = 1.35` [1]_;
    - ``"quantile"``: :math:`\max(\tau (y - p_\tau), (\tau - 1) (y - p_\tau))` [2]_, the mean over levels;
    - ``"poisson"``: :math:`y \log(y / p) - y + p`, half of the deviance;
    - classes: the negative logarithm of the probability of :math:`y`, in ordinal tasks that of the
      proportional-odds model [3]_, :math:`P(y \le k) = \sigma(\theta_k - f)`.

    Parameters
    ----------
    outputs : Tensor of shape (..., O)
        Numbers and logits.
    targets : Tensor of shape (..., T)
        Numbers and class indices, any finite ones where labels are missing.
    layout : OutputLayout
        The tasks.
    smoothing : sequence of float, length T, optional
        For each task of classes the share of a label that all its classes have alike [4]_.

    Returns
    -------
    Tensor of shape (..., T)
        In nats for classes.

    References
    ----------
    .. [1] Huber (1964). Robust estimation of a location parameter. Annals of Mathematical Statistics 35,
       73-101.
    .. [2] Koenker, Bassett (1978). Regression quantiles. Econometrica 46, 33-50.
    .. [3] McCullagh (1980). Regression models for ordinal data. JRSS B 42, 109-142.
    .. [4] Szegedy et al. (2016). Rethinking the inception architecture for computer vision. CVPR.

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
        if kind == "poisson":
            losses[task] = _half_deviance(log_rate(output[..., 0]), target)
        elif kind in ("multiclass", "ordinal"):
            is_ordinal = kind == "ordinal"
            log_probability = (
                ordinal_log_probabilities(output) if is_ordinal else torch.log_softmax(output, dim=-1)
            )
            loss = -log_probability.gather(-1, target.long().unsqueeze(-1)).squeeze(-1)
            if smoothing is not None and smoothing[task]:
                loss = torch.lerp(loss, -log_probability.mean(-1), smoothing[task])
            losses[task] = loss
        elif kind != "binary":
            losses[task] = _located_loss(kind, output, target, HUBER_DELTA, layout.levels.get(task))
    if layout.binary:
        logits, labels = outputs[..., layout.outputs_of(layout.binary)], targets[..., layout.binary]
        if smoothing is not None:
            labels = torch.lerp(
                labels, torch.full_like(labels, 0.5), labels.new_tensor(smoothing)[layout.binary]
            )
        binary = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
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
        The tasks; Huber's loss turns to a line at 1.35 of its `units`.

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
        if kind == "poisson":
            rate = prediction[..., 0].clamp_min(torch.finfo(predictions.dtype).tiny)
            losses.append(_half_deviance(rate.log(), target))
            continue
        if kind not in ("binary", "multiclass", "ordinal"):
            delta = HUBER_DELTA * layout.units.get(task, 1.0)
            losses.append(_located_loss(kind, prediction, target, delta, layout.levels.get(task)))
            continue
        if kind == "binary":
            prediction = torch.cat([1 - prediction, prediction], dim=-1)
        probability = prediction.gather(-1, target.long().unsqueeze(-1)).squeeze(-1)
        losses.append(-probability.clamp_min(least).log())
    return torch.stack(losses, dim=-1) if losses else predictions


def _located_loss(
    kind: str, prediction: Tensor, target: Tensor, delta: float, levels: Sequence[float] | None
) -> Tensor:
    """Compute the loss of a number; (..., Q) and (...) to (...)."""
    if levels is not None:
        error = target.unsqueeze(-1) - prediction  # (..., Q)
        level = prediction.new_tensor(levels)
        return torch.maximum(level * error, (level - 1) * error).mean(-1)
    error = prediction[..., 0] - target
    if kind == "absolute_error":
        return error.abs()
    if kind == "huber":
        size = error.abs()
        near = size.clamp_max(delta)
        return near * (size - near / 2)
    return error.square()


def log_rate(output: Tensor) -> Tensor:
    """Give the logarithm of a rate, which grows by a logarithm only where the rate would be infinite."""
    beyond = (output - math.log(torch.finfo(output.dtype).max) / 2).clamp_min(0)
    return output - beyond + beyond.log1p()


def _half_deviance(log_rate: Tensor, count: Tensor) -> Tensor:
    return torch.xlogy(count, count) - count * (log_rate + 1) + log_rate.exp()


def ordinal_log_probabilities(outputs: Tensor) -> Tensor:
    r"""Give the logarithms of the probabilities of ordered classes; (..., K).

    That of a class between two thresholds is computed as the product
    :math:`\sigma(b) - \sigma(a) = \sigma(b) \sigma(-a) (1 - e^{a - b})`, which does not cancel.
    """
    gaps = functional.softplus(outputs[..., 2:]) + _LEAST_GAP  # (..., K - 2)
    first = outputs[..., 1:2] - outputs[..., :1]
    distances = torch.cat([first, first + gaps.cumsum(-1)], dim=-1)  # (..., K - 1), thresholds less location
    below, above = functional.logsigmoid(distances), functional.logsigmoid(-distances)
    between = below[..., 1:] + above[..., :-1] + torch.log(-torch.expm1(-gaps))
    return torch.cat([below[..., :1], between, above[..., -1:]], dim=-1)
