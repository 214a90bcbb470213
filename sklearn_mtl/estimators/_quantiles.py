"""When an estimator predicts quantiles."""

from __future__ import annotations

from typing import Any

from sklearn.utils._param_validation import HasMethods, StrOptions

from ..tasks import NAMED_TRANSFORMS
from ._base import BaseMultiTaskAttention

# Of the parameters that say how numbers are learned.
NUMBER_CONSTRAINTS: dict[str, list[Any]] = {
    "target_transform": [
        StrOptions(set(NAMED_TRANSFORMS)),
        HasMethods(["fit", "transform", "inverse_transform"]),
        dict,
        None,
    ],
}


def has_quantiles(estimator: BaseMultiTaskAttention) -> bool:
    """Say whether there is, or may yet be, a task of quantiles.

    Parameters
    ----------
    estimator : BaseMultiTaskAttention

    Returns
    -------
    bool

    Raises
    ------
    AttributeError
        There is none.
    """
    if hasattr(estimator, "net_") and not hasattr(estimator, "oof_quantiles_"):
        raise AttributeError(
            f"{type(estimator).__name__}: none of the tasks {estimator.task_names_} is of the kind "
            "'quantile'; there are quantiles of such tasks only."
        )
    return True
