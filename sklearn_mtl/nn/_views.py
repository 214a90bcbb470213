"""The network behind the attention, shared by the views of a fold."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import dropout_mask, normal


class ViewNetwork(nn.Module):
    r"""Hidden layers over what attention has pooled.

    Each layer but the first is

    .. math:: h \leftarrow \mathrm{SiLU}(h W + b_v)

    with weights :math:`W` shared by the views of a fold and biases of each view's own. The first one
    activates what the views have pooled. Before the last activation, what each slot has pooled is added to
    the last K of the H units: these are each slot's own, the others are shared by the slots. All layers
    before it are computed once a view, however many slots there are.

    Parameters
    ----------
    n_folds, n_views : int
        G, V.
    d_hidden : int
        H.
    n_layers : int
        Hidden layers, the pooled one counted.
    dropout : float
        Rate, from 0 to below 1.
    generator : torch.Generator
        Draws the initial values.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, d_hidden=16, n_layers=2)
    >>> network = ViewNetwork(**sizes, dropout=0.1, generator=generator)
    >>> shared, own = network(torch.randn(2, 3, 7, 16), torch.randn(2, 3, 7, 4, 5))
    >>> shared.shape, own.shape
    (torch.Size([2, 3, 7, 11]), torch.Size([2, 3, 7, 4, 5]))
    """

    def __init__(
        self,
        *,
        n_folds: int,
        n_views: int,
        d_hidden: int,
        n_layers: int,
        dropout: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        std = (2 / d_hidden) ** 0.5
        self.bias = nn.ParameterList(
            normal(n_folds, n_views, 1, d_hidden, std=0.1, generator=generator) for _ in range(n_layers)
        )
        self.weight = nn.ParameterList(
            normal(n_folds, d_hidden, d_hidden, std=std, generator=generator) for _ in range(n_layers - 1)
        )

    def forward(
        self, of_views: Tensor, of_slots: Tensor, dropout_generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Apply the layers.

        Parameters
        ----------
        of_views : Tensor of shape (G, V, B, H)
        of_slots : Tensor of shape (G, V, B, S, K)
            What each of them has pooled.
        dropout_generator : torch.Generator, optional
            Draws the dropout of a training step; without it nothing is dropped.

        Returns
        -------
        shared : Tensor of shape (G, V, B, H - K)
        own : Tensor of shape (G, V, B, S, K)
            Units that all slots read, and those of each.
        """
        hidden = of_views + self.bias[0]
        for weight, bias in zip(self.weight, self.bias[1:], strict=True):
            hidden = functional.silu(hidden)
            mask = self._mask(hidden, dropout_generator)
            hidden = hidden if mask is None else hidden * mask
            hidden = (hidden.flatten(1, 2) @ weight).view_as(hidden) + bias  # (G, V, B, H)
        widths = [hidden.shape[3] - of_slots.shape[4], of_slots.shape[4]]
        mask = self._mask(hidden, dropout_generator)
        shared, own = torch.split(hidden, widths, dim=3)
        shared, own = functional.silu(shared), functional.silu(own.unsqueeze(3) + of_slots)
        if mask is None:
            return shared, own
        # One mask for all slots of a view: the draw costs more than the multiplication.
        of_shared, of_own = torch.split(mask, widths, dim=3)
        return shared * of_shared, own * of_own.unsqueeze(3)

    def _mask(self, hidden: Tensor, generator: torch.Generator | None) -> Tensor | None:
        """Draw what is dropped, if anything is; (1, V, B, H)."""
        if generator is None or self.dropout == 0:
            return None
        # One mask for all folds, which have nothing in common that it could bring out of balance.
        return dropout_mask(1, *hidden.shape[1:], rate=self.dropout, generator=generator)
