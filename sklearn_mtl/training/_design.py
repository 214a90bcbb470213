"""What the network is composed of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..nn import (
    ATTENTION_FUNCTIONS,
    AttentionFunction,
    AttentionInteraction,
    ContextQueries,
    MultiHeadQueries,
    Queries,
    ResidualInteraction,
    SuperposedQueries,
    TaskQueries,
    TokenQueries,
)

_INTERACTIONS: dict[str, type[ResidualInteraction | AttentionInteraction]] = {
    "residual": ResidualInteraction,
    "attention": AttentionInteraction,
}


@dataclass(frozen=True)
class ModelDesign:
    """The parts of a network; those that are not named are always there.

    Attributes
    ----------
    function : callable
        Turns scores into attention.
    query : {"token", "context", "multihead", "task"}
        How scores come about.
    n_heads : int
        Of ``"multihead"`` and ``"task"``.
    n_encoder_layers, n_encoder_heads : int
        Self-attention before pooling; 0 layers for none.
    sharing : {"own", "shared", "gated", "superposed"}
        Of attention, between tasks.
    interaction : {"residual", "attention"} or None
        Between the units of slots, where there are several.
    """

    function: AttentionFunction
    query: str
    n_heads: int
    n_encoder_layers: int
    n_encoder_heads: int
    sharing: str
    interaction: str | None

    @classmethod
    def default(cls) -> ModelDesign:
        """Give the design of the estimators' default parameters."""
        return cls(ATTENTION_FUNCTIONS["softmax"], "token", 1, 0, 1, "own", None)

    def build_queries(self, *, n_columns: int, **sizes: Any) -> Queries:
        """Build what gives the scores."""
        if self.query == "multihead":
            return MultiHeadQueries(n_heads=self.n_heads, **sizes)
        if self.query == "task":
            return TaskQueries(n_heads=self.n_heads, **sizes)
        if self.query == "context":
            return ContextQueries(n_columns=n_columns, **sizes)
        kind = SuperposedQueries if self.sharing == "superposed" else TokenQueries
        return kind(n_columns=n_columns, **sizes)

    def build_interaction(
        self, *, n_slots: int, **sizes: Any
    ) -> ResidualInteraction | AttentionInteraction | None:
        """Build what slots take from each other by; None if there is one slot only."""
        if self.interaction is None or n_slots == 1:
            return None
        return _INTERACTIONS[self.interaction](n_slots=n_slots, **sizes)
