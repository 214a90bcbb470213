"""The estimators: the scikit-learn face of the library."""

from ._classifier import MultiTaskAttentionClassifier
from ._essentials import named, notes_of_fit
from ._mixed import MultiTaskAttentionEstimator
from ._regressor import MultiTaskAttentionRegressor
from ._summary import column_table

__all__ = [
    "MultiTaskAttentionClassifier",
    "MultiTaskAttentionEstimator",
    "MultiTaskAttentionRegressor",
    "column_table",
    "named",
    "notes_of_fit",
]
