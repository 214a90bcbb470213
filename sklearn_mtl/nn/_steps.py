"""Ordered tokens, such as the steps of a sequence or the words of a text: positions, encoders, pooling.

Steps are (G, B, L, D), beside a mask (G or 1, B, L) that is True where a step is there. What is not there has
no influence on what is, and comes out as 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._encoder import EncoderLayer
from ._initial import normal, zeros

STEP_ENCODERS = ("none", "self_attention", "convolution", "recurrent")
STEP_POOLINGS = ("attention", "top_k", "mean", "max", "strides", "hybrid")
_N_WAVES, _LONGEST_WAVE = 8, 10_000.0
_N_SHARES = 4
_N_POSITION_FEATURES = 4 * _N_WAVES + _N_SHARES


class StepPositions(nn.Module):
    r"""Say where each step is, by a learned linear map of waves.

    The waves are sines and cosines [1]_ of the number of steps before this one and of those after it, and
    cosines of the share of the sequence that lies before it: so a model can tell the last step as well as the
    third, and the middle of a long sequence as well as that of a short one. Unlike a learned vector for each
    position, they hold for lengths that were not seen, and need few parameters.

    Parameters
    ----------
    n_folds : int
        G.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.

    References
    ----------
    .. [1] Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017). Attention is all you
       need. arXiv:1706.03762.

    Examples
    --------
    >>> positions = StepPositions(n_folds=2, d_token=8, generator=torch.Generator().manual_seed(0))
    >>> positions(torch.tensor([[[True, True, False], [True, True, True]]])).shape
    torch.Size([2, 2, 3, 8])
    """

    # DIFFERS [1]_: waves of both ends and of the share of the length, and a learned map of them.
    def __init__(self, *, n_folds: int, d_token: int, generator: torch.Generator) -> None:
        super().__init__()
        std = 0.5 * (2 / _N_POSITION_FEATURES) ** 0.5  # the mean square of a wave is a half
        self.weight = normal(n_folds, _N_POSITION_FEATURES, d_token, std=std, generator=generator)

    def forward(self, mask: Tensor) -> Tensor:
        """Give the positions.

        Parameters
        ----------
        mask : Tensor of bool, shape (G, B, L) or (1, B, L)

        Returns
        -------
        Tensor of shape (G, B, L, D)
            0 where no step is.
        """
        n_folds, n_rows, n_steps = len(self.weight), *mask.shape[1:]
        if mask.all():  # all rows are alike
            waves = position_features(mask[0, 0], self.weight.dtype)
            return (waves @ self.weight).unsqueeze(1).expand(n_folds, n_rows, n_steps, -1)
        waves = position_features(mask, self.weight.dtype)  # (G or 1, B, L, ·)
        return product(waves, self.weight)


def position_features(mask: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Give the waves of :class:`StepPositions`.

    Parameters
    ----------
    mask : Tensor of bool, shape (..., L)
    dtype : torch.dtype, default=torch.float32

    Returns
    -------
    Tensor of shape (..., L, 36)
        0 where no step is.
    """
    before = (mask.cumsum(-1) - 1).to(dtype)
    last = mask.sum(-1, keepdim=True) - 1
    share = before / last.clamp_min(1)
    wave = torch.arange(_N_WAVES, device=mask.device, dtype=dtype) / _N_WAVES
    phases = torch.stack([before, last - before], dim=-1).unsqueeze(-1) / _LONGEST_WAVE**wave
    phases = phases.flatten(-2)  # (..., L, 2 waves)
    cycles = share.unsqueeze(-1) * torch.arange(1, _N_SHARES + 1, device=mask.device, dtype=dtype)
    waves = torch.cat([phases.sin(), phases.cos(), (math.pi * cycles).cos()], dim=-1)
    return waves * mask.unsqueeze(-1)


def build_step_encoder(
    kind: str,
    *,
    n_folds: int,
    d_token: int,
    generator: torch.Generator,
    n_layers: int = 1,
    n_heads: int = 2,
    window: int | None = None,
) -> StepEncoder | None:
    """Build what lets steps take from each other before they are pooled.

    Parameters
    ----------
    kind : {"none", "self_attention", "convolution", "recurrent"}
    n_folds : int
        G.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.
    n_layers : int, default=1
        Layers of one kind, one after the other.
    n_heads : int, default=2
        Of self-attention.
    window : int, optional
        A step sees those at most so far away: in self-attention all by default, in a convolution 2. A
        recurrent encoder has none.

    Returns
    -------
    StepEncoder or None
        Called with steps (G, B, L, D) and mask (G or 1, B, L), it gives steps of the same shape, 0 where none
        is. It starts as the identity.
    """
    if kind == "none":
        return None
    layers: list[nn.Module] = []
    for _ in range(n_layers):
        sizes = {"n_folds": n_folds, "d_token": d_token}
        if kind == "self_attention":
            layers.append(SelfAttentionLayer(n_heads=n_heads, window=window, generator=generator, **sizes))
        elif kind == "convolution":
            reach = 2 if window is None else window
            layers.append(ConvolutionLayer(window=reach, generator=generator, **sizes))
        else:
            layers.append(RecurrentLayer(generator=generator, **sizes))
    return StepEncoder(layers)


class StepEncoder(nn.Module):
    """Layers over steps, one after the other.

    Parameters
    ----------
    layers : sequence of Module
        Each is called with steps and mask.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> encoder = build_step_encoder("recurrent", n_folds=2, d_token=8, generator=generator)
    >>> steps, mask = torch.randn(2, 5, 7, 8), torch.ones(1, 5, 7, dtype=torch.bool)
    >>> bool((encoder(steps, mask) == steps).all())
    True
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Let steps take from each other.

        Parameters
        ----------
        steps : Tensor of shape (G, B, L, D)
        mask : Tensor of bool, shape (G, B, L) or (1, B, L)

        Returns
        -------
        Tensor of shape (G, B, L, D)
            0 where no step is.
        """
        for layer in self.layers:
            steps = layer(steps, mask)
        return steps * mask.unsqueeze(-1)


class SelfAttentionLayer(nn.Module):
    """Self-attention and a feed-forward network, as in :class:`TokenEncoder`, over the steps that are there.

    Parameters
    ----------
    n_folds, n_heads : int
        G, N.
    d_token : int
        D.
    window : int or None
        A step attends to those at most so far away; to all with None.
    generator : torch.Generator
        Draws the initial values.
    """

    def __init__(
        self, *, n_folds: int, n_heads: int, d_token: int, window: int | None, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.window = window
        self.layer = EncoderLayer(n_folds=n_folds, n_heads=n_heads, d_token=d_token, generator=generator)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Add attention and feed-forward network to steps (G, B, L, D)."""
        steps_there: Tensor = self.layer(steps, self._seen(mask))
        return steps_there

    def _seen(self, mask: Tensor) -> Tensor:
        """Say which steps each step attends to, itself among them; (G or 1, B, L, L)."""
        place = torch.arange(mask.shape[-1], device=mask.device)
        distance = (place[:, None] - place).abs()
        seen = mask.unsqueeze(-2)
        if self.window is not None:
            seen = seen & (distance <= self.window)
        return seen | (distance == 0)  # a softmax over nothing would be NaN


class ConvolutionLayer(nn.Module):
    r"""Add to each step what a perceptron with one hidden layer makes of it and its neighbours.

    .. math:: e_i \leftarrow e_i + \mathrm{GELU}\Big(\sum_{|k| \le w} \mathrm{LN}(e_{i + k}) W_k + b\Big) W'

    Beyond the ends, and where no step is, LN(e) counts as 0. W' starts at zero; hidden units are twice as
    many as a token is wide.

    Parameters
    ----------
    n_folds : int
        G.
    d_token : int
        D.
    window : int
        w.
    generator : torch.Generator
        Draws the initial values.
    """

    def __init__(self, *, n_folds: int, d_token: int, window: int, generator: torch.Generator) -> None:
        super().__init__()
        self.window = window
        width = 2 * window + 1
        std = (2 / (width * d_token)) ** 0.5
        self.norm = _StepNorm(n_folds=n_folds, d_token=d_token)
        self.weight = normal(n_folds, width * d_token, 2 * d_token, std=std, generator=generator)
        self.bias = zeros(n_folds, 1, 2 * d_token)
        self.outward = zeros(n_folds, 2 * d_token, d_token)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Add it to steps (G, B, L, D)."""
        normed = functional.pad(self.norm(steps, mask), (0, 0, self.window, self.window))
        windows = normed.unfold(2, 2 * self.window + 1, 1).transpose(3, 4)  # (G, B, L, 2w + 1, D)
        hidden = functional.gelu(
            windows.reshape(len(steps), -1, self.weight.shape[1]) @ self.weight + self.bias
        )
        return steps + (hidden @ self.outward).view_as(steps)


class RecurrentLayer(nn.Module):
    """Add to each step a linear map of what gated recurrent units [1]_ have read up to it from both ends.

    Steps that are not there are passed over. The map starts at zero.

    Parameters
    ----------
    n_folds : int
        G.
    d_token : int
        D, and the units of each direction.
    generator : torch.Generator
        Draws the initial values.

    References
    ----------
    .. [1] Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio (2014). Learning phrase
       representations using RNN encoder-decoder for statistical machine translation. arXiv:1406.1078.
    """

    # DIFFERS [1]_: the reset gate acts after the product, as in torch.nn.GRU.
    def __init__(self, *, n_folds: int, d_token: int, generator: torch.Generator) -> None:
        super().__init__()
        std = d_token**-0.5
        self.norm = _StepNorm(n_folds=n_folds, d_token=d_token)
        self.inward = normal(n_folds, 2, d_token, 3 * d_token, std=std, generator=generator)
        self.inward_bias = zeros(n_folds, 2, 1, 3 * d_token)
        self.within = normal(n_folds, 2, d_token, 3 * d_token, std=std, generator=generator)
        self.within_bias = zeros(n_folds, 2, 1, 3 * d_token)
        self.outward = zeros(n_folds, 2 * d_token, d_token)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Add it to steps (G, B, L, D)."""
        n_folds, n_rows, n_steps, d_token = steps.shape
        normed = self.norm(steps, mask)
        both = torch.stack([normed, normed.flip(2)], dim=1)  # (G, 2, B, L, D)
        there = torch.stack([mask, mask.flip(2)], dim=1).to(steps.dtype)  # (G or 1, 2, B, L)
        there = there.expand(n_folds, -1, -1, -1).flatten(0, 1)
        gates = both.flatten(2, 3).flatten(0, 1) @ self.inward.flatten(0, 1) + self.inward_bias.flatten(0, 1)
        states = self._read(gates.view(2 * n_folds, n_rows, n_steps, -1), there)  # (2 G, B, L, D)
        states = states.view(n_folds, 2, n_rows, n_steps, d_token)
        read = torch.cat([states[:, 0], states[:, 1].flip(2)], dim=-1)
        return steps + (read.flatten(1, 2) @ self.outward).view_as(steps)

    def _read(self, gates: Tensor, there: Tensor) -> Tensor:
        """Pass through the steps in order; (2 G, B, L, 3 D) to (2 G, B, L, D)."""
        within, bias = self.within.flatten(0, 1), self.within_bias.flatten(0, 1)
        state = gates.new_zeros(*gates.shape[:2], within.shape[1])
        states = []
        for of_step, is_there in zip(gates.unbind(2), there.unsqueeze(-1).unbind(2), strict=True):
            reset, update, new = of_step.chunk(3, dim=-1)
            of_reset, of_update, of_new = (state @ within + bias).chunk(3, dim=-1)
            proposed = torch.tanh(new + torch.sigmoid(reset + of_reset) * of_new)
            change = is_there * (1 - torch.sigmoid(update + of_update))
            state = state + change * (proposed - state)
            states.append(state)
        return torch.stack(states, dim=2)


class _StepNorm(nn.Module):
    """Layer norm with a scale and a shift of each fold's own; 0 where no step is."""

    def __init__(self, *, n_folds: int, d_token: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(n_folds, 1, 1, d_token))
        self.shift = zeros(n_folds, 1, 1, d_token)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Normalise steps (G, B, L, D)."""
        normed = functional.layer_norm(steps, steps.shape[3:])
        scaled: Tensor = (normed * self.scale + self.shift) * mask.unsqueeze(-1)
        return scaled


class StepPooling(nn.Module):
    r"""Pool steps into a few tokens, with tables of each fold's own.

    Token p of a row is :math:`\sum_i a_{pi} \, e_i V_p`, with a distribution a over the steps i:

    - ``"attention"``: the softmax of the scores :math:`\langle u_p, e_i \rangle`;
    - ``"top_k"``: the same over the k steps with the largest scores;
    - ``"mean"``: all alike;
    - ``"strides"``: the p-th of P equal parts of the sequence, all alike;
    - ``"max"``: no distribution, but the greatest value of each unit;
    - ``"hybrid"``: the mean, the maximum, and the others by strides.

    A row without steps has learned tokens, and so has a part without any.

    Parameters
    ----------
    kind : {"attention", "top_k", "mean", "max", "strides", "hybrid"}
    n_folds : int
        G.
    n_tokens : int
        P; 3 or more for ``"hybrid"``.
    d_token : int
        D.
    generator : torch.Generator
        Draws the initial values.
    k : int, default=8
        Of ``"top_k"``.
    d_out : int, optional
        Width of the tokens; D by default.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> pooling = StepPooling("attention", n_folds=2, n_tokens=3, d_token=8, generator=generator)
    >>> steps, mask = torch.randn(2, 5, 7, 8), torch.ones(1, 5, 7, dtype=torch.bool)
    >>> pooling(steps, mask).shape
    torch.Size([2, 3, 5, 8])
    >>> bool((pooling.weights(steps, mask).sum(-1) - 1).abs().max() < 1e-6)
    True
    """

    def __init__(
        self,
        kind: str,
        *,
        n_folds: int,
        n_tokens: int,
        d_token: int,
        generator: torch.Generator,
        k: int = 8,
        d_out: int | None = None,
    ) -> None:
        super().__init__()
        d_out = d_out or d_token
        self.kind, self.n_tokens, self.k = kind, n_tokens, k
        std = d_token**-0.5
        self.query: nn.Parameter | None = None
        if kind in ("attention", "top_k"):
            self.query = normal(n_folds, n_tokens, d_token, std=std, generator=generator)
        self.value = normal(n_folds, n_tokens, d_token, d_out, std=std, generator=generator)
        self.empty = normal(n_folds, n_tokens, 1, d_out, std=0.5, generator=generator)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Pool.

        Parameters
        ----------
        steps : Tensor of shape (G, B, L, D)
        mask : Tensor of bool, shape (G, B, L) or (1, B, L)

        Returns
        -------
        Tensor of shape (G, P, B, D)
        """
        weights = self.weights(steps, mask)  # (G, B, P, L)
        is_empty = ~(weights > 0).any(-1).transpose(1, 2).unsqueeze(-1)  # (G, P, B, 1)
        pooled = (weights @ steps).transpose(1, 2)  # (G, P, B, D)
        if self.kind in ("max", "hybrid"):
            greatest = _maximum(steps, mask).unsqueeze(1)  # (G, 1, B, D)
            pooled = (
                greatest if self.kind == "max" else torch.cat([pooled[:, :1], greatest, pooled[:, 2:]], 1)
            )
        return torch.where(is_empty, self.empty, pooled @ self.value)

    def weights(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Give each step's share of each token.

        Parameters
        ----------
        steps : Tensor of shape (G, B, L, D)
        mask : Tensor of bool, shape (G, B, L) or (1, B, L)

        Returns
        -------
        Tensor of shape (G, B, P, L)
            Sums to 1 over the steps that are there, to 0 where the token is of none. For a maximum, all steps
            have the same.
        """
        if self.query is not None:
            return self._attend(steps, mask)
        if self.kind in ("mean", "max"):
            shares = _parts(mask, 1, steps.dtype).expand(-1, -1, self.n_tokens, -1)
        elif self.kind == "strides":
            shares = _parts(mask, self.n_tokens, steps.dtype)
        else:
            whole = _parts(mask, 1, steps.dtype)
            shares = torch.cat([whole, whole, _parts(mask, self.n_tokens - 2, steps.dtype)], dim=2)
        return shares.expand(len(steps), -1, -1, -1)

    def _attend(self, steps: Tensor, mask: Tensor) -> Tensor:
        assert self.query is not None  # who calls has seen to it
        there = mask.unsqueeze(2)  # (G or 1, B, 1, L)
        scores = (steps.flatten(1, 2) @ self.query.transpose(1, 2)).view(*steps.shape[:3], -1).transpose(2, 3)
        scores = scores.masked_fill(~there, torch.finfo(scores.dtype).min)
        if self.kind == "top_k" and self.k < scores.shape[-1]:
            greatest = scores.topk(self.k, dim=-1)
            kept = torch.zeros_like(scores).scatter(-1, greatest.indices, greatest.values.softmax(-1))
            return kept * there
        return scores.softmax(-1) * there


def _parts(mask: Tensor, n_parts: int, dtype: torch.dtype) -> Tensor:
    """Give the shares of steps in equal parts of their sequence, (G or 1, B, P, L)."""
    before = mask.cumsum(-1) - 1
    part = before * n_parts // mask.sum(-1, keepdim=True).clamp_min(1)
    parts = torch.arange(n_parts, device=mask.device)[:, None]
    in_part = (part.unsqueeze(2) == parts) & mask.unsqueeze(2)
    return in_part.to(dtype) / in_part.sum(-1, keepdim=True).clamp_min(1)


def _maximum(steps: Tensor, mask: Tensor) -> Tensor:
    """Give the greatest value of each unit over the steps that are there, 0 without any; (G, B, D)."""
    there = mask.unsqueeze(-1)
    greatest = steps.masked_fill(~there, -torch.inf).amax(2)
    return greatest.masked_fill(~there.any(2), 0.0)


def product(arrays: Tensor, weight: Tensor) -> Tensor:
    """Multiply (G or 1, B, L, F) by a matrix of each fold, (G, F, D); (G, B, L, D)."""
    if len(arrays) == len(weight):
        return (arrays.flatten(1, 2) @ weight).view(len(weight), *arrays.shape[1:3], -1)
    return torch.einsum("blf,gfd->gbld", arrays[0], weight)
