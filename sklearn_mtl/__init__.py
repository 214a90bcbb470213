"""Multi-task attention estimators for scikit-learn."""

from ._multitask_report import multitask_report
from ._report import report
from .encoding import SequenceColumns, TextColumns
from .estimators import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)
from .pretrained import PretrainedEncoder

__all__ = [
    "MultiTaskAttentionClassifier",
    "MultiTaskAttentionEstimator",
    "MultiTaskAttentionRegressor",
    "PretrainedEncoder",
    "SequenceColumns",
    "TextColumns",
    "multitask_report",
    "report",
]
__version__ = "0.1.0"
