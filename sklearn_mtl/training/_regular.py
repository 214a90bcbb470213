"""What keeps networks from learning too well: noise on tokens and attention, and penalties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..nn import (
    ColumnAttentionModel,
    OutputLayout,
    attention_entropy,
    attention_overlap,
    head_distances,
    perturbation,
    task_divergences,
)
from ._batches import Batch, FoldDataset

# Of a row's tokens: how far VAT moves to find the direction in which outputs change most.
_LOOK = 1e-2


@dataclass(frozen=True, eq=False)
class Regularizing:
    """What is asked for.

    Attributes
    ----------
    token_dropout, attention_dropout : float, default=0.0
        Rates at the start of a cycle.
    mixup : float, default=0.0
        Both parameters of the beta distribution of shares; 0 for none.
    adversarial : {"fgm", "vat"} or None, default=None
    radius : float, default=0.0
        Of the perturbation, in units of the length of a row's tokens.
    graph : ndarray of shape (T, T) or None, default=None
        Symmetric; how strongly the heads of tasks are joined.
    view_orthogonality, attention_entropy : float, default=0.0
        Strengths of penalties.
    """

    token_dropout: float = 0.0
    attention_dropout: float = 0.0
    mixup: float = 0.0
    adversarial: str | None = None
    radius: float = 0.0
    graph: NDArray[np.float64] | None = None
    view_orthogonality: float = 0.0
    attention_entropy: float = 0.0


class Regularizer:
    """Regularises one training; made anew for each.

    Parameters
    ----------
    regularizing : Regularizing
        What is asked for.
    model : ColumnAttentionModel
        That is trained.
    criterion : MeanTaskLoss
        The loss; its weights of tasks may change.
    dataset : FoldDataset
        Of which batches are made; VAT draws from its rows without labels.
    dropout_generator : Generator
        Draws dropout.
    seed : int
        Of everything else that is drawn.
    """

    def __init__(
        self,
        regularizing: Regularizing,
        model: ColumnAttentionModel,
        criterion: Any,
        dataset: FoldDataset,
        *,
        dropout_generator: torch.Generator,
        seed: int,
    ) -> None:
        self.asked, self.model, self.criterion, self.dataset = regularizing, model, criterion, dataset
        self.dropout_generator = dropout_generator
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator(dropout_generator.device).manual_seed(seed)
        like = model.heads.weight
        self.inverse_loss = torch.from_numpy(1 / dataset.scales.fold_loss).to(like)  # (G, T)
        self.laplacian: Tensor | None = None
        if regularizing.graph is not None and regularizing.graph.any():
            of_outputs = graph_laplacian(regularizing.graph, dataset.rows.layout)
            self.laplacian = torch.from_numpy(of_outputs).to(like)

    def anneal(self, share: float) -> None:
        """Set dropout for the epoch that begins, to a share of the rates that are asked for."""
        self.model.token_dropout = self.asked.token_dropout * share
        self.model.attention.dropout = self.asked.attention_dropout * share

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Compute what is minimised of a batch, but for penalties.

        Parameters
        ----------
        batch : Batch

        Returns
        -------
        outputs : Tensor of shape (G, B, V, O), or (G, 2 B, V, O) with adversarial tokens behind the others
        loss : Tensor of shape ()
        by_fold : Tensor of shape (G, T)
        """
        (numbers, categories, bags, _), (targets, weights) = batch
        tokens = self.model.all_tokens(numbers, categories, bags, self.dropout_generator)
        labels = [(1.0, targets, weights)]
        if self.asked.mixup:
            tokens, labels = self._mixed(tokens, targets, weights)
        if self.asked.adversarial == "fgm":
            away = tokens + self._gradient_step(tokens, labels)
            tokens = torch.cat([tokens, away], dim=2)
            # DIFFERS Miyato et al. 2017: the mean of both losses, not their sum; with Adam the same updates.
            labels = [(share, y.repeat(1, 2, 1), weight.repeat(1, 2, 1)) for share, y, weight in labels]
        outputs = self.model.outputs_of(tokens, self.dropout_generator)
        return outputs, *self._loss(outputs, labels)

    def _loss(self, outputs: Tensor, labels: list[tuple[float, Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Average the loss over sets of labels, each with its share."""
        parts = [(share, *self.criterion(outputs, *these)) for share, *these in labels]
        if len(parts) == 1:
            return parts[0][1], parts[0][2]
        loss, by_fold = (sum(part[0] * part[place] for part in parts) for place in (1, 2))
        return loss, by_fold

    def _mixed(
        self, tokens: Tensor, targets: Tensor, weights: Tensor
    ) -> tuple[Tensor, list[tuple[float, Tensor, Tensor]]]:
        """Mix each row's tokens with another's; the loss is mixed, too, so that labels may be missing."""
        share = float(self.rng.beta(self.asked.mixup, self.asked.mixup))
        order = torch.from_numpy(self.rng.permutation(tokens.shape[2])).to(tokens.device)
        mixed = share * tokens + (1 - share) * tokens[:, :, order]
        return mixed, [(share, targets, weights), (1 - share, targets[:, order], weights[:, order])]

    def _gradient_step(self, tokens: Tensor, labels: list[tuple[float, Tensor, Tensor]]) -> Tensor:
        """Find the perturbation of tokens that makes the loss larger, to first order."""
        fixed = tokens.detach().requires_grad_()
        loss, _ = self._loss(self.model.outputs_of(fixed, self.dropout_generator), labels)
        (gradient,) = torch.autograd.grad(loss, fixed)
        return perturbation(gradient, fixed.detach(), radius=self.asked.radius)

    def add_gradients(self, batch: Batch) -> None:
        """Add the gradients of the penalties to those of the parameters.

        Parameters
        ----------
        batch : Batch
        """
        penalty = self.penalty(batch)
        if penalty is not None and penalty.requires_grad:  # which a frozen trunk may not
            torch.autograd.backward(penalty)

    def penalty(self, batch: Batch) -> Tensor | None:
        """Compute what is added to the loss of a batch.

        Parameters
        ----------
        batch : Batch

        Returns
        -------
        Tensor of shape (), or None
            The sum over folds; None if no penalty is asked for.
        """
        asked, parts = self.asked, []
        if self.laplacian is not None:
            parts.append(head_distances(self.model.heads.learned_weight(), self.laplacian))
        if asked.view_orthogonality or asked.attention_entropy:
            attention = self.model.view_attention(self.model.all_tokens(*batch[0][:3]))
            if asked.view_orthogonality:
                parts.append(asked.view_orthogonality * attention_overlap(attention))
            if asked.attention_entropy:
                parts.append(asked.attention_entropy * attention_entropy(attention))
        if asked.adversarial == "vat":
            parts.append(self._change_nearby(batch))
        return torch.stack(parts).sum() if parts else None

    def _change_nearby(self, batch: Batch) -> Tensor:
        """Say how far outputs change at most within the radius; (G,).

        Batches hold labelled rows; as many without labels come with them, if there are any.
        """
        tokens = self.model.all_tokens(*batch[0][:3])
        unlabelled = self.dataset.unlabelled
        if unlabelled is not None:
            drawn = self.rng.integers(len(unlabelled), size=(1, tokens.shape[2]))
            rows = torch.from_numpy(drawn).to(tokens.device)
            tokens = torch.cat([tokens, self.model.all_tokens(*unlabelled[rows][:3])], dim=2)
        fixed = tokens.detach()
        with torch.no_grad():
            outputs = self.model.outputs_of(fixed)
        direction = torch.randn(fixed.shape, generator=self.generator, device=fixed.device)
        step = perturbation(direction, fixed, radius=_LOOK).requires_grad_()
        divergence = self._divergence(outputs, self.model.outputs_of(fixed + step)).sum()
        (gradient,) = torch.autograd.grad(divergence, step)
        away = tokens + perturbation(gradient, fixed, radius=self.asked.radius)
        return self._divergence(outputs, self.model.outputs_of(away))

    def _divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Give the mean over tasks, rows and views, in units of the base rates' losses; (G,)."""
        by_task = task_divergences(outputs, others, self.dataset.rows.layout).mean((1, 2))  # (G, T)
        task_weight: Tensor = self.criterion.task_weight
        return (by_task * self.inverse_loss) @ task_weight


def graph_laplacian(graph: NDArray[np.float64], layout: OutputLayout) -> NDArray[np.float64]:
    """Make the Laplacian of the outputs from the graph of the tasks.

    Parameters
    ----------
    graph : ndarray of shape (T, T)
        Symmetric, A; 0 between tasks of different widths.
    layout : OutputLayout

    Returns
    -------
    ndarray of shape (O, O)
        The sums of ``|A|`` less A; outputs of two tasks are joined one by one.

    Examples
    --------
    >>> import numpy as np
    >>> graph_laplacian(np.array([[0.0, -2.0], [-2.0, 0.0]]), OutputLayout(["regression"] * 2, [1, 1]))
    array([[2., 2.],
           [2., 2.]])
    """
    joined = np.zeros((layout.n_outputs, layout.n_outputs))
    for one, other in np.argwhere(graph):
        width = layout.slices[one].stop - layout.slices[one].start
        joined[layout.slices[one], layout.slices[other]] = graph[one, other] * np.eye(width)
    np.fill_diagonal(joined, 0.0)
    return np.diag(np.abs(joined).sum(axis=1)) - joined
