"""Multi-task attention estimators for scikit-learn."""

from .estimators import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)

__all__ = ["MultiTaskAttentionClassifier", "MultiTaskAttentionEstimator", "MultiTaskAttentionRegressor"]
__version__ = "0.1.0"
