import pytest
import torch

from sklearn_mtl.nn import (
    BagBatch,
    BagTokens,
    ColumnAttention,
    ColumnAttentionModel,
    TaskHeads,
    TokenQueries,
    ViewNetwork,
)

N_FOLDS, N_TERMS, N_HEADS, D_TOKEN, SCALE = 2, 5, 3, 4, 1.7

# Three rows a fold: entries that repeat, none, and one; the second fold has other rows.
TERMS = [0, 3, 3, 1, 4, 2, 2, 0]
VALUES = [1.0, -0.5, 2.0, 0.3, -1.0, 0.7, 1.5, 0.2]
STARTS = [[0, 3, 3, 4], [4, 4, 6, 8]]


@pytest.fixture
def module(randomised, generator):
    sizes = {"n_folds": N_FOLDS, "n_heads": N_HEADS, "d_token": D_TOKEN}
    return randomised(BagTokens(N_TERMS, scale=SCALE, dropout=0.5, generator=generator, **sizes))


@pytest.fixture
def batch():
    return BagBatch(torch.tensor(TERMS), torch.tensor(VALUES, dtype=torch.float64), torch.tensor(STARTS))


@pytest.fixture
def same_rows():
    return BagBatch(
        torch.tensor(TERMS), torch.tensor(VALUES, dtype=torch.float64), torch.tensor([[0, 3, 3, 4, 8]])
    )


def share_by_loop(module, fold, terms, values):
    """Give each entry's attention of each head, (E, P)."""
    scores = 20 * torch.tanh(module.score.view(N_FOLDS, N_TERMS, N_HEADS)[fold, terms] / 20)
    powers = values.abs()[:, None] * scores.exp()
    return powers / powers.sum(0)


def tokens_by_loop(module, fold, terms, values):
    if not len(terms):
        return module.empty[fold, :, 0]
    value = module.value.view(N_FOLDS, N_TERMS, N_HEADS, D_TOKEN)[fold]
    token = torch.zeros(N_HEADS, D_TOKEN, dtype=torch.float64)
    for term, sign, shares in zip(
        terms, values.sign(), share_by_loop(module, fold, terms, values), strict=True
    ):
        for head, share in enumerate(shares):
            token[head] += share * sign * value[term, head]
    return token * values.abs().sum() / SCALE


def test_tokens_equal_a_loop(module, batch):
    tokens = module(batch)
    assert tokens.shape == (N_FOLDS, N_HEADS, 3, D_TOKEN)
    for fold, starts in enumerate(STARTS):
        for row in range(3):
            entries = slice(starts[row], starts[row + 1])
            expected = tokens_by_loop(module, fold, batch.terms[entries], batch.values[entries])
            torch.testing.assert_close(tokens[fold, :, row], expected)


def test_the_same_rows_for_all_folds_are_looked_up_in_each_folds_tables(module, same_rows):
    tokens = module(same_rows)
    for fold in range(N_FOLDS):
        torch.testing.assert_close(
            tokens[fold, :, 3], tokens_by_loop(module, fold, same_rows.terms[4:], same_rows.values[4:])
        )


def test_weights_equal_a_loop_and_sum_to_one(module, same_rows):
    weights = module.weights(same_rows)
    assert weights.shape == (N_FOLDS, len(TERMS), N_HEADS)
    for fold in range(N_FOLDS):
        for entries in (slice(0, 3), slice(3, 4), slice(4, 8)):
            expected = share_by_loop(module, fold, same_rows.terms[entries], same_rows.values[entries])
            torch.testing.assert_close(weights[fold, entries], expected)
            torch.testing.assert_close(weights[fold, entries].sum(0), torch.ones_like(expected[0]))


def test_pooling_ignores_the_order_of_entries(module, batch):
    order = torch.tensor([2, 0, 1, 3, 5, 4, 7, 6])
    other = BagBatch(batch.terms[order], batch.values[order], batch.starts)
    torch.testing.assert_close(module(other), module(batch))


def test_entries_of_one_term_are_one_entry_of_their_sum(module):
    terms, values = torch.tensor([1, 1, 4]), torch.tensor([0.5, 0.7, 2.0], dtype=torch.float64)
    split = BagBatch(terms, values, torch.tensor([[0, 3]]))
    joined = BagBatch(terms[1:], values[1:] + torch.tensor([0.5, 0.0]), torch.tensor([[0, 2]]))
    torch.testing.assert_close(module(split), module(joined))


def test_uniform_scores_give_a_linear_layer(module, batch):
    with torch.no_grad():
        module.score.fill_(0.4)
    value = module.value.view(N_FOLDS, N_TERMS, N_HEADS, D_TOKEN)[0]
    expected = (batch.values[:3, None, None] * value[batch.terms[:3]]).sum(0) / SCALE
    torch.testing.assert_close(module(batch)[0, :, 0], expected)


def test_gradients_are_those_of_finite_differences(module, batch):
    parameters = tuple(module.parameters())

    def tokens(*values):
        named = dict(zip([name for name, _ in module.named_parameters()], values, strict=True))
        return torch.func.functional_call(module, named, (batch,))

    assert torch.autograd.gradcheck(tokens, parameters)


def test_no_score_leaves_the_range_of_float32(module, batch):
    with torch.no_grad():
        module.score.copy_(1e4 * torch.randn_like(module.score).sign())
    narrow = BagBatch(batch.terms, batch.values.float(), batch.starts)
    tokens = module.float()(narrow)
    tokens.sum().backward()
    assert tokens.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in module.parameters())


def test_tokens_of_few_entries_are_those_of_many(module, batch):
    alone = BagBatch(batch.terms[:3], batch.values[:3], torch.tensor([[0, 3]]))
    many = BagBatch(alone.terms.repeat(9), alone.values.repeat(9), 3 * torch.arange(10)[None])
    assert N_FOLDS * 3 < len(module.score) <= N_FOLDS * 27
    torch.testing.assert_close(module(many)[:, :, :1], module(alone))


def test_folds_share_nothing(module, batch):
    module(batch)[0].sum().backward()
    assert module.value.grad.view(N_FOLDS, -1)[1].count_nonzero() == 0
    assert module.score.grad.view(N_FOLDS, -1)[1].count_nonzero() == 0


def test_entries_are_dropped_in_training_alone(module, batch, generator):
    assert torch.equal(module(batch), module(batch))
    assert not torch.equal(module(batch, generator), module(batch))


@pytest.fixture
def model(module, make_tokens, randomised, generator):
    shared = {"n_folds": N_FOLDS, "generator": generator}
    views = {**shared, "n_views": 2, "d_hidden": 4}
    columns = {"n_columns": 4 + N_HEADS, "d_token": D_TOKEN}
    attention = ColumnAttention(
        TokenQueries(n_views=2, n_slots=2, **columns, **shared),
        d_hidden=4,
        d_slot=2,
        generator=generator,
        **columns,
    )
    network = ViewNetwork(n_layers=2, dropout=0.0, **views)
    heads = TaskHeads((1, 3, 1), n_slots=2, **views)
    tokens = make_tokens(d_token=D_TOKEN)
    return randomised(ColumnAttentionModel(tokens, attention, network, heads, bags=[module]))


def test_attention_to_entries_is_that_to_tokens_times_their_shares(model, make_inputs, same_rows):
    numbers, categories = make_inputs(n_folds=1, n_rows=4)
    by_slot = model.attention.weights(model.all_tokens(numbers, categories, [same_rows]))
    shares, gates = model.bags[0].weights(same_rows), model.heads.gates()
    (given,) = model.entry_attention(numbers, categories, bags=[same_rows])
    for entry, row in enumerate(same_rows.row_of_entry()):
        for task in range(3):
            expected = sum(
                gates[fold, view, task, slot]
                * by_slot[fold, row, view, slot, 4 + head]
                * shares[fold, entry, head]
                for fold in range(N_FOLDS)
                for view in range(2)
                for slot in range(2)
                for head in range(N_HEADS)
            )
            torch.testing.assert_close(given[entry, task], expected / (2 * N_FOLDS))


def test_attention_to_entries_and_to_columns_sums_to_one(model, make_inputs, same_rows):
    numbers, categories = make_inputs(n_folds=1, n_rows=4)
    of_columns = model.task_attention(numbers, categories, bags=[same_rows])  # (B, T, C)
    (of_entries,) = model.entry_attention(numbers, categories, bags=[same_rows])
    sums = torch.zeros(4, 3, dtype=torch.float64).index_add(0, same_rows.row_of_entry(), of_entries)
    sums[1] = of_columns[1, :, 4:].sum(1)  # an empty bag has no entries
    torch.testing.assert_close(sums + of_columns[..., :4].sum(2), torch.ones_like(sums))
