"""The torch modules: tokens, attention over columns, view networks, heads, losses. Torch only."""

from ._attention import ColumnAttention
from ._bags import BagBatch, BagTokens
from ._encoder import TokenEncoder
from ._functions import ATTENTION_FUNCTIONS, AttentionFunction, with_temperature
from ._heads import TaskHeads
from ._interaction import AttentionInteraction, ResidualInteraction
from ._losses import HUBER_DELTA, OutputLayout, activate, ordinal_outputs, prediction_losses, task_losses
from ._model import ColumnAttentionModel
from ._penalties import (
    attention_entropy,
    attention_overlap,
    head_distances,
    perturbation,
    task_divergences,
)
from ._queries import ContextQueries, MultiHeadQueries, Queries, SuperposedQueries, TaskQueries, TokenQueries
from ._sequences import StepBatch, StepDesign, StepTokens
from ._steps import (
    STEP_ENCODERS,
    STEP_POOLINGS,
    StepEncoder,
    StepPooling,
    StepPositions,
    build_step_encoder,
)
from ._tags import WORD_GAP, TagHead, WordBatch, WordColumn, WordStates, tag_losses
from ._tokens import ColumnTokens
from ._vectors import VectorBatch, VectorTokens
from ._views import ViewNetwork

__all__ = [
    "ATTENTION_FUNCTIONS",
    "HUBER_DELTA",
    "STEP_ENCODERS",
    "STEP_POOLINGS",
    "WORD_GAP",
    "AttentionFunction",
    "AttentionInteraction",
    "BagBatch",
    "BagTokens",
    "ColumnAttention",
    "ColumnAttentionModel",
    "ColumnTokens",
    "ContextQueries",
    "MultiHeadQueries",
    "OutputLayout",
    "Queries",
    "ResidualInteraction",
    "StepBatch",
    "StepDesign",
    "StepEncoder",
    "StepPooling",
    "StepPositions",
    "StepTokens",
    "SuperposedQueries",
    "TagHead",
    "TaskHeads",
    "TaskQueries",
    "TokenEncoder",
    "TokenQueries",
    "VectorBatch",
    "VectorTokens",
    "ViewNetwork",
    "WordBatch",
    "WordColumn",
    "WordStates",
    "activate",
    "attention_entropy",
    "attention_overlap",
    "build_step_encoder",
    "head_distances",
    "ordinal_outputs",
    "perturbation",
    "prediction_losses",
    "tag_losses",
    "task_divergences",
    "task_losses",
    "with_temperature",
]
