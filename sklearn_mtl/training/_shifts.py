"""From views that predict means to medians and quantiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._constants import best_constants
from ._rows import TrainingRows


def residual_shifts(out_of_fold: NDArray[np.float64], rows: TrainingRows) -> NDArray[np.float64]:
    """Find what is added to predicted means, so that they serve an absolute error, Huber's loss or quantiles.

    It is the constant that predicts the residuals best: their median, or their quantiles. So all rows have
    the same distribution about their mean; how it differs from row to row is left to the network.

    Parameters
    ----------
    out_of_fold : ndarray of shape (R, O)
        Means for each training row from the fold that has not seen it.
    rows : TrainingRows

    Returns
    -------
    ndarray of shape (G, O)
        For each fold from the residuals of the rows that it does not hold out; 0 for other tasks.
    """
    shifts = np.zeros((rows.n_folds, rows.layout.n_outputs))
    for task in rows.layout.shifted:
        outputs, layout = rows.layout.slices[task], rows.layout.of([task])
        residuals = rows.values[:, task] - out_of_fold[:, outputs.start]  # (R,)
        for fold in range(rows.n_folds):
            weights = np.where(rows.fold != fold, rows.weights[:, task], 0.0)
            if not weights.any():  # the fold holds out all labels of a scarce task
                weights = rows.weights[:, task]
            if weights.any():
                shifts[fold, outputs] = best_constants(layout, residuals, weights)
    return shifts
