"""Self-attention between the tokens of a row, before they are pooled."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import normal, ones, zeros


class TokenEncoder(nn.Module):
    r"""Layers of self-attention between columns, each with a feed-forward network [1]_.

    .. math:: e \leftarrow e + \mathrm{MHSA}(\mathrm{LN}(e)), \qquad
              e \leftarrow e + \mathrm{GELU}(\mathrm{LN}(e) W + b) W' + b'

    MHSA is softmax attention in N heads of width D / N, rounded up; hidden units of the feed-forward network
    are twice as many as a token is wide.

    Parameters
    ----------
    n_folds, n_layers, n_heads : int
        G, layers, N.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.

    References
    ----------
    .. [1] Gorishniy, Rubachev, Khrulkov, Babenko (2021). Revisiting deep learning models for tabular data.
       arXiv:2106.11959.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> encoder = TokenEncoder(n_folds=2, n_layers=1, n_heads=2, d_token=8, generator=generator)
    >>> encoder(torch.randn(2, 5, 7, 8)).shape
    torch.Size([2, 5, 7, 8])
    """

    def __init__(
        self, *, n_folds: int, n_layers: int, n_heads: int, d_token: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.n_heads = n_heads
        sizes = {"n_folds": n_folds, "n_heads": n_heads, "d_token": d_token}
        self.layers = nn.ModuleList(EncoderLayer(**sizes, generator=generator) for _ in range(n_layers))

    def forward(self, tokens: Tensor) -> Tensor:
        """Let tokens take from each other.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)

        Returns
        -------
        Tensor of shape (G, C, B, D)
        """
        by_row: Tensor = tokens.transpose(1, 2)  # (G, B, C, D)
        for layer in self.layers:
            by_row = layer(by_row)
        return by_row.transpose(1, 2)


class EncoderLayer(nn.Module):
    """One layer; both of its branches end in zeros, so that it starts as the identity."""

    # DIFFERS [1]_: zeros at the end of the branches, a norm before the first layer too, GELU for ReGLU, no
    # dropout of its own. So training starts from a model without an encoder.
    def __init__(self, *, n_folds: int, n_heads: int, d_token: int, generator: torch.Generator) -> None:
        super().__init__()
        self.n_heads = n_heads
        d_heads = n_heads * -(-d_token // n_heads)
        std = d_token**-0.5
        self.scale = nn.ParameterList(ones(n_folds, 1, 1, d_token) for _ in range(2))
        self.shift = nn.ParameterList(zeros(n_folds, 1, 1, d_token) for _ in range(2))
        self.inward = normal(n_folds, d_token, 3 * d_heads, std=std, generator=generator)
        self.outward = zeros(n_folds, d_heads, d_token)
        self.up = normal(n_folds, d_token, 2 * d_token, std=2**0.5 * std, generator=generator)
        self.up_bias = zeros(n_folds, 1, 2 * d_token)
        self.down = zeros(n_folds, 2 * d_token, d_token)
        self.down_bias = zeros(n_folds, 1, d_token)

    def forward(self, tokens: Tensor, seen: Tensor | None = None) -> Tensor:
        """Add both branches to tokens (G, B, C, D); `seen` (G or 1, B, C, C) says which each attends to."""
        tokens = tokens + self._attend(self._norm(tokens, 0), seen).view_as(tokens)
        hidden = functional.gelu(self._norm(tokens, 1).flatten(1, 2) @ self.up + self.up_bias)
        return tokens + (hidden @ self.down + self.down_bias).view_as(tokens)

    def _norm(self, tokens: Tensor, place: int) -> Tensor:
        normed = functional.layer_norm(tokens, tokens.shape[3:])
        scaled: Tensor = normed * self.scale[place] + self.shift[place]
        return scaled

    def _attend(self, tokens: Tensor, seen: Tensor | None) -> Tensor:
        n_folds, n_rows, n_columns, _ = tokens.shape
        parts = (tokens.flatten(1, 2) @ self.inward).view(n_folds, n_rows, n_columns, 3, self.n_heads, -1)
        queries, keys, values = parts.permute(3, 0, 1, 4, 2, 5).flatten(1, 2)  # (G B, N, C, d) each
        if seen is not None:
            seen = seen.expand(n_folds, *seen.shape[1:]).flatten(0, 1).unsqueeze(1)  # (G B, 1, C, C)
        pooled = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        return pooled.transpose(1, 2).reshape(n_folds, n_rows * n_columns, -1) @ self.outward
