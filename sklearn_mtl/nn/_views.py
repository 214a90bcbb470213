"""The network behind the attention, shared by the views of a fold."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import dropout_mask, normal, signs


class ViewNetwork(nn.Module):
    r"""Hidden layers over what attention has pooled.

    Each layer but the first is

    .. math:: h \leftarrow \mathrm{SiLU}((r_v \circ h)\, W + b_v)

    with weights :math:`W` shared by the views of a fold, and adapters :math:`r_v`, -1 or 1 at the
    start, and biases of each view's own [1]_, [2]_. The first one activates what the views have pooled.
    The slots are added before the last activation: all layers before it are computed once a view, however
    many slots there are.

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

    References
    ----------
    .. [1] Wen, Tran, Ba (2020). BatchEnsemble. arXiv:2002.06715.
    .. [2] Gorishniy, Kotelnikov, Babenko (2024). TabM. arXiv:2410.24210.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = dict(n_folds=2, n_views=3, d_hidden=16, n_layers=2)
    >>> network = ViewNetwork(**sizes, dropout=0.1, generator=generator)
    >>> network(torch.randn(2, 3, 7, 16), torch.randn(2, 3, 7, 4, 16)).shape
    torch.Size([2, 3, 7, 4, 16])
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
        self.adapter = nn.ParameterList(
            signs(n_folds, n_views, 1, d_hidden, generator=generator) for _ in range(n_layers - 1)
        )
        self.weight = nn.ParameterList(
            normal(n_folds, d_hidden, d_hidden, std=std, generator=generator) for _ in range(n_layers - 1)
        )

    def forward(
        self, of_views: Tensor, of_slots: Tensor, dropout_generator: torch.Generator | None = None
    ) -> Tensor:
        """Apply the layers.

        Parameters
        ----------
        of_views : Tensor of shape (G, V, B, H)
        of_slots : Tensor of shape (G, V, B, S, H)
            What each of them has pooled.
        dropout_generator : torch.Generator, optional
            Draws the dropout of a training step; without it nothing is dropped.

        Returns
        -------
        Tensor of shape (G, V, B, S, H)
        """
        hidden = of_views + self.bias[0]
        for weight, adapter, bias in zip(self.weight, self.adapter, self.bias[1:], strict=True):
            hidden = self._drop(functional.silu(hidden), dropout_generator)
            mixed = (adapter * hidden).flatten(1, 2) @ weight  # (G, V B, H)
            hidden = mixed.view_as(hidden) + bias
        by_slot = functional.silu(hidden.unsqueeze(3) + of_slots)
        # One mask for all slots of a view: the draw costs more than the multiplication.
        return self._drop(by_slot, dropout_generator, by_slot[..., :1, :].shape)

    def _drop(
        self, hidden: Tensor, generator: torch.Generator | None, shape: tuple[int, ...] | None = None
    ) -> Tensor:
        if generator is None or self.dropout == 0:
            return hidden
        return hidden * dropout_mask(*(shape or hidden.shape), rate=self.dropout, generator=generator)
