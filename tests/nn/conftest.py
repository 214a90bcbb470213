import pytest
import torch

from sklearn_mtl.nn import (
    AttentionInteraction,
    ColumnAttention,
    ColumnAttentionModel,
    ColumnTokens,
    ContextQueries,
    MultiHeadQueries,
    ResidualInteraction,
    SuperposedQueries,
    TaskHeads,
    TaskQueries,
    TokenEncoder,
    TokenQueries,
    ViewNetwork,
)

QUERIES = {
    "token": TokenQueries,
    "superposed": SuperposedQueries,
    "context": ContextQueries,
    "multihead": MultiHeadQueries,
    "task": TaskQueries,
}
INTERACTIONS = {"residual": ResidualInteraction, "attention": AttentionInteraction}

# Two number columns, of 3 bins and of 2 with one left unused, and two category columns.
LEFT = [[-1.0, 0.0, 0.5], [0.5, 1.0, 0.0]]
WIDTH = [[1.0, 0.5, 2.0], [0.5, 2.0, 0.0]]
CARDINALITIES = [3, 4]


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def randomised(generator):
    """Give a module in float64, with none of its parameters left at 0 or 1."""

    def randomise(module):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(0.7 * torch.randn(parameter.shape, generator=generator))
        return module.double()

    return randomise


@pytest.fixture
def make_tokens(randomised, generator):
    def make(*, n_folds=2, d_token=3):
        left, width = torch.tensor(LEFT), torch.tensor(WIDTH)
        sizes = {"n_folds": n_folds, "d_token": d_token}
        return randomised(ColumnTokens(left, width, CARDINALITIES, **sizes, generator=generator))

    return make


@pytest.fixture
def make_queries(generator):
    """Give queries of one of the kinds, for 2 folds, 2 views, 4 columns; of 2 heads where there are heads."""

    def make(kind, *, n_slots=2, d_token=3):
        own = {"n_heads": 2} if kind in ("multihead", "task") else {"n_columns": 4}
        sizes = {"n_folds": 2, "n_views": 2, "n_slots": n_slots, "d_token": d_token}
        return QUERIES[kind](**sizes, **own, generator=generator)

    return make


@pytest.fixture
def make_model(make_tokens, make_queries, randomised, generator):
    """Give a model of 4 columns, with heads of widths 1, 3 and 1."""

    def make(*, n_slots=2, dropout=0.0, n_outputs=(1, 3, 1), queries=None, encoder=False, interaction=None):
        shared = {"n_folds": 2, "generator": generator}
        views = {**shared, "n_views": 2, "d_hidden": 4}
        attention = ColumnAttention(
            make_queries(queries or "token", n_slots=n_slots),
            n_columns=4, d_token=3, d_hidden=4, d_slot=2, generator=generator,
            superposed=queries == "superposed",
        )  # fmt: skip
        network = ViewNetwork(n_layers=2, dropout=dropout, **views)
        heads = TaskHeads(n_outputs, n_slots=n_slots, **views)
        parts = {}
        if encoder:
            parts["encoder"] = TokenEncoder(n_layers=2, n_heads=2, d_token=3, **shared)
        if interaction:
            parts["interaction"] = INTERACTIONS[interaction](n_slots=n_slots, d_slot=2, **shared)
        return randomised(ColumnAttentionModel(make_tokens(), attention, network, heads, **parts))

    return make


@pytest.fixture
def make_inputs(generator):
    """Give numbers and codes of 5 rows; some numbers are missing, some lie outside of all bins."""

    def make(*, n_folds=2, n_rows=5):
        numbers = 2 * torch.randn(n_folds, n_rows, 2, generator=generator, dtype=torch.float64)
        numbers[:, 1, 0] = numbers[:, 2, 1] = torch.nan
        codes = [torch.randint(n, (n_folds, n_rows), generator=generator) for n in CARDINALITIES]
        return numbers, torch.stack(codes, dim=2)

    return make
