"""The network behind the attention, shared by the views of a fold."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import dropout_mask, normal, signs


class ViewNetwork(nn.Module):
    r"""Hidden layers over pooled tokens.

    The first activation is applied to what attention has pooled; each further layer is

    .. math:: h \leftarrow \mathrm{SiLU}((r_v \circ h)\, W + b_v)

    with weights :math:`W` shared by the views of a fold, and adapters :math:`r_v`, -1 or 1 at the
    start, and biases of each view's own [1]_, [2]_.

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
    >>> network(torch.randn(2, 7, 3, 1, 16)).shape
    torch.Size([2, 7, 3, 1, 16])
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
        per_view = n_folds, 1, n_views, 1, d_hidden
        std = (2 / d_hidden) ** 0.5
        self.bias = nn.ParameterList(normal(*per_view, std=0.1, generator=generator) for _ in range(n_layers))
        self.adapter = nn.ParameterList(signs(*per_view, generator=generator) for _ in range(n_layers - 1))
        self.weight = nn.ParameterList(
            normal(n_folds, d_hidden, d_hidden, std=std, generator=generator) for _ in range(n_layers - 1)
        )

    def forward(self, pooled: Tensor, dropout_generator: torch.Generator | None = None) -> Tensor:
        """Apply the layers.

        Parameters
        ----------
        pooled : Tensor of shape (G, B, V, S, H)
        dropout_generator : torch.Generator, optional
            Draws the dropout of a training step; without it nothing is dropped.

        Returns
        -------
        Tensor of shape (G, B, V, S, H)
        """
        hidden = functional.silu(pooled + self.bias[0])
        for weight, adapter, bias in zip(self.weight, self.adapter, self.bias[1:], strict=True):
            hidden = hidden * self._drop(adapter, hidden, dropout_generator)
            mixed = hidden.flatten(1, 3) @ weight  # (G, B V S, H)
            hidden = functional.silu(mixed.view_as(hidden) + bias)
        if dropout_generator is not None and self.dropout > 0:
            hidden = hidden * self._drop(hidden.new_ones(()), hidden, dropout_generator)
        return hidden

    def _drop(self, factor: Tensor, hidden: Tensor, generator: torch.Generator | None) -> Tensor:
        if generator is None or self.dropout == 0:
            return factor
        n_folds, n_rows, n_views, _, d_hidden = hidden.shape
        # One mask for all slots of a view: the draw costs more than the multiplication.
        return factor * dropout_mask(
            n_folds, n_rows, n_views, 1, d_hidden, rate=self.dropout, generator=generator
        )
