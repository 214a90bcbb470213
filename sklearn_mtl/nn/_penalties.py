"""What is added to the tasks' losses: functions of tokens, attention, heads and outputs."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ._losses import OutputLayout, log_rate, ordinal_log_probabilities

_LEAST = 1e-12


def perturbation(gradient: Tensor, tokens: Tensor, *, radius: float) -> Tensor:
    r"""Move each row's tokens along a gradient.

    .. math:: r = \rho\, \|e\|\, g / \|g\|

    with norms over all tokens e of a row in a fold. A row without a gradient stays where it is.

    Parameters
    ----------
    gradient, tokens : Tensor of shape (G, C, B, D)
    radius : float
        :math:`\rho`.

    Returns
    -------
    Tensor of shape (G, C, B, D)

    Examples
    --------
    >>> tokens = torch.full((1, 1, 1, 2), 3.0)
    >>> perturbation(torch.tensor([[[[0.0, 0.1]]]]), tokens, radius=0.5).flatten()
    tensor([0.0000, 2.1213])
    """
    length: Tensor
    of_tokens: Tensor
    length, of_tokens = (
        torch.linalg.vector_norm(each, dim=(1, 3), keepdim=True) for each in (gradient, tokens)
    )
    is_flat = length == 0
    factor = radius * of_tokens / length.masked_fill(is_flat, 1.0)
    return gradient * factor.masked_fill(is_flat, 0.0)


def task_divergences(outputs: Tensor, others: Tensor, layout: OutputLayout) -> Tensor:
    r"""Say how far other outputs are from given ones, in each task's own terms.

    For classes it is the Kullback-Leibler divergence :math:`\sum_k p_k \log (p_k / q_k)`, for rates p and q
    of a Poisson task :math:`p \log (p / q) - p + q`, and for other numbers the squared difference, the mean
    over levels of quantiles.

    Parameters
    ----------
    outputs, others : Tensor of shape (..., O)
        Numbers and logits.
    layout : OutputLayout

    Returns
    -------
    Tensor of shape (..., T)
        0 where they agree, and above elsewhere.

    Examples
    --------
    >>> layout = OutputLayout(["regression", "binary"], [1, 1])
    >>> task_divergences(torch.tensor([3.0, 0.0]), torch.tensor([1.0, 0.0]), layout)
    tensor([4., 0.])
    """
    divergences = []
    for kind, outputs_of in zip(layout.kinds, layout.slices, strict=True):
        one, other = outputs[..., outputs_of], others[..., outputs_of]
        if kind == "poisson":
            one, other = log_rate(one[..., 0]), log_rate(other[..., 0])
            divergences.append(one.exp() * (one - other - 1) + other.exp())
        elif kind in ("binary", "multiclass", "ordinal"):
            log_p, log_q = _log_probabilities(one, kind), _log_probabilities(other, kind)
            divergences.append((log_p.exp() * (log_p - log_q)).sum(-1))
        else:
            divergences.append((one - other).square().mean(-1))
    return torch.stack(divergences, dim=-1)


def _log_probabilities(outputs: Tensor, kind: str) -> Tensor:
    """Give the logarithms of the probabilities of classes; (..., K)."""
    if kind == "ordinal":
        return ordinal_log_probabilities(outputs)
    if kind == "binary":
        return functional.logsigmoid(torch.cat([-outputs, outputs], dim=-1))
    return torch.log_softmax(outputs, dim=-1)


def attention_entropy(weights: Tensor) -> Tensor:
    r"""Measure how widely attention is spread: :math:`-\sum_j a_j \log a_j / \log C`.

    Parameters
    ----------
    weights : Tensor of shape (G, B, A, C)
        Of A attentions; divided by their sum over C.

    Returns
    -------
    Tensor of shape (G,)
        From 0, all on one column, to 1; the mean over rows and attentions. 0 for a single column.

    Examples
    --------
    >>> attention_entropy(torch.tensor([[[[0.5, 0.5], [1.0, 0.0]]]]))
    tensor([0.5000])
    """
    n_columns = weights.shape[3]
    shares = weights / weights.sum(3, keepdim=True).clamp_min(_LEAST)
    entropy = -(shares * shares.clamp_min(_LEAST).log()).sum(3)
    return entropy.mean((1, 2)) / math.log(max(n_columns, 2))


def attention_overlap(weights: Tensor) -> Tensor:
    r"""Measure how alike attentions are: the mean of :math:`\cos^2(a_v, a_w)` over all pairs.

    It is the penalty :math:`\|A A^\top - I\|^2` of structured self-attention [1]_, A having a row for each
    attention, by the number of its terms.

    Parameters
    ----------
    weights : Tensor of shape (G, B, A, C)
        Of A attentions, at least two.

    Returns
    -------
    Tensor of shape (G,)
        From 0, no column in common, to 1; the mean over rows.

    References
    ----------
    .. [1] Lin, Feng, dos Santos, Yu, Xiang, Zhou, Bengio (2017). A structured self-attentive sentence
       embedding. arXiv:1703.03130.

    Examples
    --------
    >>> attention_overlap(torch.tensor([[[[1.0, 0.0], [0.6, 0.8]]]]))
    tensor([0.3600])
    """
    # DIFFERS [1]_: rows have length 1, so that sparse attention is not the only way to a small penalty.
    rows = functional.normalize(weights, dim=3, eps=_LEAST)
    products = (rows @ rows.mT).square()  # (G, B, A, A)
    n_pairs = weights.shape[2] * (weights.shape[2] - 1)
    total = products.sum((2, 3)) - products.diagonal(dim1=2, dim2=3).sum(2)
    return total.mean(1) / n_pairs


def head_distances(weight: Tensor, laplacian: Tensor) -> Tensor:
    r"""Measure how far the heads of tasks are apart that a graph joins [1]_.

    .. math:: \mathrm{tr}(W L W^\top) = \sum_{s < t} |A_{st}|\, \|w_s - \mathrm{sign}(A_{st})\, w_t\|^2

    Parameters
    ----------
    weight : Tensor of shape (G, V, H, O)
        W, a column for each output.
    laplacian : Tensor of shape (O, O)
        L, the diagonal of the sums of :math:`|A|` less A.

    Returns
    -------
    Tensor of shape (G,)
        The mean over views.

    References
    ----------
    .. [1] Evgeniou, Micchelli, Pontil (2005). Learning multiple tasks with kernel methods. JMLR 6, 615-637.

    Examples
    --------
    >>> laplacian = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    >>> head_distances(torch.tensor([[[[3.0, 1.0]]]]), laplacian)
    tensor([4.])
    """
    return ((weight @ laplacian) * weight).sum((2, 3)).mean(1)
