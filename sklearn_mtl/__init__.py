"""Multi-task attention estimators for scikit-learn."""

from .estimators import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)
from .report import multitask_report

__all__ = [
    "MultiTaskAttentionClassifier",
    "MultiTaskAttentionEstimator",
    "MultiTaskAttentionRegressor",
    "multitask_report",
]
__version__ = "0.1.0"
