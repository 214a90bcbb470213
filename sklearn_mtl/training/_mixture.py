"""How much of each task the network says, and how much the linear view."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ..nn import prediction_losses
from ._rows import TrainingRows

_SHARES = np.linspace(0, 1, 21)


def network_shares(
    network: NDArray[np.float64], linear: NDArray[np.float64], rows: TrainingRows
) -> NDArray[np.float64]:
    """Find the share of the network in each task's prediction that has the least out-of-fold loss.

    Parameters
    ----------
    network, linear : ndarray of shape (R, O)
        Out-of-fold numbers and probabilities.
    rows : TrainingRows
        The labels.

    Returns
    -------
    ndarray of shape (T,)
        From 0 to 1; the linear view has the rest.
    """
    losses = np.stack([mean_losses(share * network + (1 - share) * linear, rows) for share in _SHARES])
    return np.asarray(_SHARES[last_least(losses)])


def last_least(losses: NDArray[np.float64]) -> NDArray[np.intp]:
    """Find the last of the rows whose loss is least but for rounding, column by column.

    Parameters
    ----------
    losses : ndarray of shape (A, T)
        Not negative.

    Returns
    -------
    ndarray of shape (T,)
    """
    is_least = losses <= losses.min(axis=0) * (1 + 1e-9)
    return np.asarray(len(losses) - 1 - is_least[::-1].argmax(axis=0))


def mean_losses(predictions: NDArray[np.float64], rows: TrainingRows) -> NDArray[np.float64]:
    """Average each task's loss over its observed labels.

    Parameters
    ----------
    predictions : ndarray of shape (R, O)
        Numbers and probabilities.
    rows : TrainingRows
        The labels.

    Returns
    -------
    ndarray of shape (T,)
        0 for a task without weight.
    """
    losses = prediction_losses(torch.from_numpy(predictions), torch.from_numpy(rows.values), rows.layout)
    totals = rows.weights.sum(axis=0)
    return np.asarray((rows.weights * losses.numpy()).sum(axis=0) / np.where(totals > 0, totals, 1.0))
