"""The model that joins tokens, attention, views and heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._attention import ColumnAttention
from ._heads import TaskHeads
from ._tokens import ColumnTokens
from ._views import ViewNetwork


class ColumnAttentionModel(nn.Module):
    """All folds and views of an estimator in one module.

    Nothing that is learned is shared between folds, so a fold's outputs on rows that it was not
    trained on are honest.

    Parameters
    ----------
    tokens : ColumnTokens
    attention : ColumnAttention
    network : ViewNetwork
    heads : TaskHeads
        For the same numbers of folds, views and slots.
    """

    def __init__(
        self, tokens: ColumnTokens, attention: ColumnAttention, network: ViewNetwork, heads: TaskHeads
    ) -> None:
        super().__init__()
        self.tokens = tokens
        self.attention = attention
        self.network = network
        self.heads = heads

    def forward(
        self, numbers: Tensor, categories: Tensor, dropout_generator: torch.Generator | None = None
    ) -> Tensor:
        """Compute the outputs of all folds, views and tasks.

        Parameters
        ----------
        numbers : Tensor of shape (G, B, N) or (1, B, N)
            Scaled numbers, NaN where missing; with 1 in front, all folds get the same rows.
        categories : Tensor of int64, shape (G, B, M) or (1, B, M)
            Codes.
        dropout_generator : torch.Generator, optional
            Draws the dropout of a training step; without it nothing is dropped.

        Returns
        -------
        Tensor of shape (G, B, V, O)
            Numbers in training units, logits of classes.
        """
        of_views, of_slots = self.attention(self.tokens(numbers, categories))
        outputs: Tensor = self.heads(*self.network(of_views, of_slots, dropout_generator))
        return outputs

    def task_attention(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Give each task's attention over columns, the mean over folds and views.

        Parameters
        ----------
        numbers, categories : Tensor
            As in `forward`.

        Returns
        -------
        Tensor of shape (B, T, C)
            Sums to 1 over C.
        """
        by_slot = self.attention.weights(self.tokens(numbers, categories))  # (G, B, V, S, C)
        return torch.einsum("gbvsc,gvts->btc", by_slot, self.heads.gates()) / by_slot[:, 0, :, 0, 0].numel()
