"""The estimators: the scikit-learn face of the library."""

from ._classifier import MultiTaskAttentionClassifier
from ._mixed import MultiTaskAttentionEstimator
from ._regressor import MultiTaskAttentionRegressor

__all__ = ["MultiTaskAttentionClassifier", "MultiTaskAttentionEstimator", "MultiTaskAttentionRegressor"]
