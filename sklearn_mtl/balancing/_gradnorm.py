"""GradNorm: weights of losses that are learned from the lengths of gradients."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Adam


class GradNorm:
    r"""Learn weights with which all gradients have lengths that fit how far their tasks are [1]_.

    With lengths :math:`l_t` of the gradients, weights w of mean 1 and losses :math:`L_t` relative to
    predicting the base rate, w follows the gradient of

    .. math:: \sum_t |w_t l_t - c_t|, \quad c_t = \overline{w l}\, (L_t / \overline{L})^\alpha

    with c held fixed, by Adam.

    Parameters
    ----------
    shape : tuple of int
        (G, T).
    asymmetry : float
        Of the formula; 0 asks for equal lengths.
    learning_rate : float
        Of Adam, for w.
    device : torch.device
        Of the gradients.

    References
    ----------
    .. [1] Chen, Badrinarayanan, Lee, Rabinovich (2018). GradNorm: gradient normalization for adaptive loss
       balancing in deep multitask networks. arXiv:1711.02257.
    """

    def __init__(
        self, shape: tuple[int, int], *, asymmetry: float, learning_rate: float, device: torch.device
    ) -> None:
        self.asymmetry = asymmetry
        self.weight = torch.ones(shape, device=device)
        self.optimizer = Adam([self.weight], lr=learning_rate)

    def __call__(self, gramian: Tensor, present: Tensor, losses: Tensor) -> Tensor:
        """Weigh, then learn.

        Parameters
        ----------
        gramian : Tensor of shape (G, T, T)
        present : Tensor of bool, shape (G, T)
        losses : Tensor of shape (G, T)

        Returns
        -------
        Tensor of shape (G, T)
            Not negative; sums to 1 over the tasks that are present.
        """
        # DIFFERS [1]_: losses are relative to the base rate and not to the first batch, lengths are those
        # of the gradients that are balanced and not of the last shared layer.
        count = present.sum(1, keepdim=True).clamp_min(1)
        weight = self.weight * present
        weights = weight / weight.sum(1, keepdim=True).clamp_min(1e-8)
        length = gramian.diagonal(dim1=1, dim2=2).clamp_min(0).sqrt()
        scaled = weights * count * length
        relative = losses * present
        relative = relative / (relative.sum(1, keepdim=True) / count).clamp_min(1e-8)
        wanted = scaled.sum(1, keepdim=True) / count * relative**self.asymmetry
        self.weight.grad = (torch.sign(scaled - wanted) * length * present).float()
        self.optimizer.step()
        self.weight.clamp_min_(1e-3)
        self.weight.div_(self.weight.mean(1, keepdim=True))
        return weights
