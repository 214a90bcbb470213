"""Looking inside fitted estimators: attention, learning, calibration, and what tasks have in common."""

from ._affinity import task_affinity, task_groups
from ._affinity_display import TaskAffinityDisplay
from ._attention_display import AttentionDisplay
from ._calibration import CalibrationDisplay
from ._importance import global_importance
from ._learning_curves import LearningCurveDisplay
from ._transfer import transfer_report
from ._transfer_display import TransferDisplay
from ._words import WordAttentionDisplay

__all__ = [
    "AttentionDisplay",
    "CalibrationDisplay",
    "LearningCurveDisplay",
    "TaskAffinityDisplay",
    "TransferDisplay",
    "WordAttentionDisplay",
    "global_importance",
    "task_affinity",
    "task_groups",
    "transfer_report",
]
