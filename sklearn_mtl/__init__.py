"""Multi-task attention estimators for scikit-learn."""

from ._multitask_report import multitask_report
from ._report import report
from .estimators import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)

__all__ = [
    "MultiTaskAttentionClassifier",
    "MultiTaskAttentionEstimator",
    "MultiTaskAttentionRegressor",
    "multitask_report",
    "report",
]
__version__ = "0.1.0"
