"""Looking inside fitted estimators: which tasks are alike, and whether learning them together has paid."""

from ._affinity import task_affinity, task_groups
from ._affinity_display import TaskAffinityDisplay
from ._transfer import transfer_report
from ._transfer_display import TransferDisplay

__all__ = [
    "TaskAffinityDisplay",
    "TransferDisplay",
    "task_affinity",
    "task_groups",
    "transfer_report",
]
