"""The torch modules: tokens, attention over columns, view networks, heads, losses. Torch only."""

from ._attention import ColumnAttention
from ._heads import TaskHeads
from ._losses import HUBER_DELTA, OutputLayout, activate, ordinal_outputs, prediction_losses, task_losses
from ._model import ColumnAttentionModel
from ._tokens import ColumnTokens
from ._views import ViewNetwork

__all__ = [
    "HUBER_DELTA",
    "ColumnAttention",
    "ColumnAttentionModel",
    "ColumnTokens",
    "OutputLayout",
    "TaskHeads",
    "ViewNetwork",
    "activate",
    "ordinal_outputs",
    "prediction_losses",
    "task_losses",
]
