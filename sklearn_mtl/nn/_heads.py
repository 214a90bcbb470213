"""From representations to outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._initial import normal, zeros


class TaskHeads(nn.Module):
    """A linear head for each task and view, on units that all tasks share and on those of slots.

    With as many slots as tasks, task t reads slot t. With fewer, or if gates are asked for, a task reads all
    slots, mixed by learned gates, as the tasks of a multi-gate mixture of experts [1]_ mix its experts.

    Parameters
    ----------
    n_outputs : sequence of int, length T
        Width of each task's head.
    n_folds, n_views, n_slots : int
        G, V, S.
    d_hidden : int
        H.
    generator : torch.Generator
        Draws the initial values.
    constant : sequence of int, default=()
        Outputs that are the same for all rows: biases alone.
    gated : bool, default=False
        Gates for as many slots as tasks, too.

    References
    ----------
    .. [1] Ma, Zhao, Yi, Chen, Hong, Chi (2018). Modeling task relationships in multi-task learning with
       multi-gate mixture-of-experts. KDD.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> heads = TaskHeads([1, 3], n_folds=2, n_views=3, n_slots=2, d_hidden=16, generator=generator)
    >>> heads(torch.randn(2, 3, 7, 12), torch.randn(2, 3, 7, 2, 4)).shape
    torch.Size([2, 7, 3, 4])
    """

    task_of_output: Tensor
    own_slot: Tensor
    reads: Tensor | None

    def __init__(
        self,
        n_outputs: Sequence[int],
        *,
        n_folds: int,
        n_views: int,
        n_slots: int,
        d_hidden: int,
        generator: torch.Generator,
        constant: Sequence[int] = (),
        gated: bool = False,
    ) -> None:
        super().__init__()
        self.n_tasks = n_tasks = len(n_outputs)
        tasks = torch.arange(n_tasks).repeat_interleave(torch.tensor(n_outputs, dtype=torch.int64))
        self.register_buffer("task_of_output", tasks)
        self.register_buffer("own_slot", torch.eye(n_slots, dtype=torch.float32))
        self.gate = None
        if n_slots > 1 and (gated or n_slots != n_tasks):
            self.gate = normal(n_folds, n_views, n_tasks, n_slots, std=0.5, generator=generator)
        self.weight = normal(n_folds, n_views, d_hidden, len(tasks), std=d_hidden**-0.5, generator=generator)
        self.bias = zeros(n_folds, n_views, 1, len(tasks))
        reads = None
        if constant:
            reads = torch.ones(len(tasks), dtype=torch.float32)
            reads[list(constant)] = 0.0
        self.register_buffer("reads", reads)

    def gates(self) -> Tensor:
        """Give the share of each slot in each task.

        Returns
        -------
        Tensor of shape (G, V, T, S)
            Sums to 1 over S.
        """
        if self.gate is not None:
            return torch.softmax(self.gate, dim=3)
        n_tasks = self.n_tasks
        own = self.own_slot if len(self.own_slot) == n_tasks else self.own_slot.expand(n_tasks, 1)
        return own.expand(*self.weight.shape[:2], -1, -1)

    def forward(self, shared: Tensor, own: Tensor) -> Tensor:
        """Apply the heads.

        Parameters
        ----------
        shared : Tensor of shape (G, V, B, H - K)
        own : Tensor of shape (G, V, B, S, K)

        Returns
        -------
        Tensor of shape (G, B, V, O)
            Outputs of all tasks side by side: numbers in training units, logits of classes.
        """
        of_shared, of_slots = self._effective(shared.shape[3])
        return (shared @ of_shared + own.flatten(3) @ of_slots + self.bias).transpose(1, 2)

    def gramian(self, of_outputs: Tensor, *, n_shared: int) -> Tensor:
        """Give the inner products of the tasks' gradients with respect to what the heads read.

        Row by row and view by view such a gradient is the product of a derivative and the head's weights,
        so it need not be computed.

        Parameters
        ----------
        of_outputs : Tensor of shape (G, B, V, O)
            Derivatives of each task's loss by its own outputs.
        n_shared : int
            H - K.

        Returns
        -------
        Tensor of shape (G, T, T)
        """
        weight = torch.cat(self._effective(n_shared), dim=2)  # (G, V, H - K + S K, O)
        by_view = of_outputs.transpose(1, 2)  # (G, V, B, O)
        products = ((weight.mT @ weight) * (by_view.mT @ by_view)).sum(1)  # (G, O, O)
        n_tasks = self.n_tasks
        of_task = nn.functional.one_hot(self.task_of_output, n_tasks).to(products.dtype)  # (O, T)
        return of_task.T @ products @ of_task

    def learned_weight(self) -> Tensor:
        """Give the weights, 0 for outputs that are the same for all rows.

        Returns
        -------
        Tensor of shape (G, V, H, O)
        """
        return self.weight if self.reads is None else self.weight * self.reads

    def _effective(self, n_shared: int) -> tuple[Tensor, Tensor]:
        """Give the weights of shared units (G, V, H - K, O) and of all slots' own (G, V, S K, O)."""
        weight = self.learned_weight()
        of_shared, of_own = torch.split(weight, [n_shared, weight.shape[2] - n_shared], dim=2)
        shares = self.gates()[:, :, self.task_of_output].transpose(2, 3)  # (G, V, S, O)
        return of_shared, (shares.unsqueeze(3) * of_own.unsqueeze(2)).flatten(2, 3)
