"""Multi-task attention estimators for scikit-learn."""

from .estimators import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor

__all__ = ["MultiTaskAttentionClassifier", "MultiTaskAttentionRegressor"]
__version__ = "0.1.0"
