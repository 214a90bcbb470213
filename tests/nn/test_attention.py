import itertools
import math

import pytest
import torch

from sklearn_mtl.nn import (
    ATTENTION_FUNCTIONS,
    ColumnAttention,
    MultiHeadQueries,
    SuperposedQueries,
    TokenQueries,
)
from sklearn_mtl.nn._initial import dropout_mask

N_FOLDS, N_VIEWS, N_SLOTS, N_COLUMNS, D_TOKEN, D_HIDDEN, D_SLOT, N_ROWS = 2, 3, 2, 4, 5, 6, 3, 7


SIZES = {"n_folds": N_FOLDS, "n_views": N_VIEWS, "n_slots": N_SLOTS, "d_token": D_TOKEN}


@pytest.fixture
def make(generator):
    def make(queries, *, n_columns=N_COLUMNS, d_token=D_TOKEN, d_hidden=D_HIDDEN, d_slot=D_SLOT, **options):
        sizes = {"n_columns": n_columns, "d_token": d_token, "d_hidden": d_hidden, "d_slot": d_slot}
        return ColumnAttention(queries, **sizes, generator=generator, **options)

    return make


@pytest.fixture
def fresh(make, generator):
    return make(TokenQueries(**SIZES, n_columns=N_COLUMNS, generator=generator)).double()


@pytest.fixture
def attention(fresh, randomised):
    return randomised(fresh)


@pytest.fixture
def tokens(generator):
    return torch.randn(N_FOLDS, N_COLUMNS, N_ROWS, D_TOKEN, generator=generator, dtype=torch.float64)


def softmax(scores):
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]


def view_weights_by_loop(attention, tokens):
    weights = torch.empty(N_FOLDS, N_VIEWS, N_ROWS, N_COLUMNS, dtype=torch.float64)
    for fold, view, row in itertools.product(*map(range, weights.shape[:3])):
        scores = []
        for column in range(N_COLUMNS):
            query = attention.queries.view_query[fold, column, :, view, 0]
            bias = attention.queries.view_bias[fold, column, 0, view, 0]
            scores.append((query @ tokens[fold, column, row] + bias).item())
        weights[fold, view, row] = torch.tensor(softmax(scores), dtype=torch.float64)
    return weights


def slot_weights_by_loop(attention, tokens):
    weights = torch.empty(N_FOLDS, N_ROWS, N_VIEWS, N_SLOTS, N_COLUMNS, dtype=torch.float64)
    for fold, row, view, slot in itertools.product(*map(range, weights.shape[:4])):
        scores = []
        for column in range(N_COLUMNS):
            query = (
                attention.queries.view_query[fold, column, :, view, 0]
                + attention.queries.slot_query[fold, column, :, 0, slot]
            )
            bias = (
                attention.queries.view_bias[fold, column, 0, view, 0]
                + attention.queries.slot_bias[fold, column, 0, 0, slot]
            )
            scores.append((query @ tokens[fold, column, row] + bias).item())
        weights[fold, row, view, slot] = torch.tensor(softmax(scores), dtype=torch.float64)
    return weights


def pooled_by_loop(attention, tokens, masks=(1.0, 1.0)):
    """What views pool and what slots pool, by the formulas of the docstring."""
    by_view, by_slot = view_weights_by_loop(attention, tokens), slot_weights_by_loop(attention, tokens)
    by_view, by_slot = by_view * masks[0], by_slot * masks[1]
    of_views = torch.zeros(N_FOLDS, N_VIEWS, N_ROWS, D_HIDDEN, dtype=torch.float64)
    of_slots = torch.zeros(N_FOLDS, N_VIEWS, N_ROWS, N_SLOTS, D_SLOT, dtype=torch.float64)
    for fold, view, row, column in itertools.product(*map(range, by_view.shape)):
        token = tokens[fold, column, row]
        value = token @ attention.value[fold, column].detach()
        of_views[fold, view, row] += N_COLUMNS * by_view[fold, view, row, column] * value
        for slot in range(N_SLOTS):
            share = math.sqrt(N_COLUMNS) * by_slot[fold, row, view, slot, column]
            of_slots[fold, view, row, slot] += share * (token @ attention.slot_value[fold].detach())
    return of_views, of_slots


def test_weights_equal_a_loop(attention, tokens):
    torch.testing.assert_close(attention.weights(tokens), slot_weights_by_loop(attention, tokens))


def test_pooled_tokens_equal_a_loop(attention, tokens):
    of_views, of_slots = attention(tokens)
    expected_of_views, expected_of_slots = pooled_by_loop(attention, tokens)
    torch.testing.assert_close(of_views, expected_of_views)
    torch.testing.assert_close(of_slots, expected_of_slots)


def test_dropped_weights_equal_a_loop(attention, tokens):
    attention.dropout = 0.4
    pooled = attention(tokens, torch.Generator().manual_seed(3))
    again = torch.Generator().manual_seed(3)
    of_views, of_slots = (
        dropout_mask(N_COLUMNS, N_ROWS, n_weights, rate=0.4, generator=again)
        for n_weights in (N_VIEWS, N_VIEWS * N_SLOTS)
    )
    by_slot = of_slots.view(N_COLUMNS, N_ROWS, N_VIEWS, N_SLOTS).permute(1, 2, 3, 0)
    expected = pooled_by_loop(attention, tokens, (of_views.permute(2, 1, 0), by_slot))
    for one, other in zip(pooled, expected, strict=True):
        torch.testing.assert_close(one, other)
    assert (of_views == 0).any()


def test_nothing_is_dropped_without_a_generator(attention, tokens):
    before = attention(tokens)
    attention.dropout = 0.4
    for one, other in zip(attention(tokens), before, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_weights_of_views_equal_a_loop(attention, tokens):
    expected = view_weights_by_loop(attention, tokens).transpose(1, 2)
    torch.testing.assert_close(attention.view_weights(tokens), expected)


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_weights_are_not_negative_and_sum_to_1(size, attention, tokens):
    weights = attention.weights(size * tokens)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))


def test_uniform_attention_is_the_first_layer_of_a_perceptron_on_joined_tokens(attention, tokens):
    with torch.no_grad():
        for part in ("view_query", "view_bias"):
            getattr(attention.queries, part).zero_()
    joined = tokens.transpose(1, 2).flatten(2)  # (G, B, C D)
    layer = joined @ attention.value.flatten(1, 2)  # (G, B, H)
    of_views, _ = attention(tokens)
    torch.testing.assert_close(of_views, layer[:, None].expand(-1, N_VIEWS, -1, -1))


def test_slots_with_uniform_attention_pool_the_mean_token(attention, tokens):
    with torch.no_grad():
        for part in ("view_query", "view_bias", "slot_query", "slot_bias"):
            getattr(attention.queries, part).zero_()
    mean = tokens.mean(1)  # (G, B, D)
    pooled = N_COLUMNS**0.5 * mean @ attention.slot_value
    _, of_slots = attention(tokens)
    torch.testing.assert_close(of_slots, pooled[:, None, :, None].expand(-1, N_VIEWS, -1, N_SLOTS, -1))


def test_the_parts_of_slots_leave_what_views_pool(attention, tokens):
    before, _ = attention(tokens)
    with torch.no_grad():
        for part in ("queries.slot_query", "queries.slot_bias", "slot_value"):
            attention.get_parameter(part).add_(1.0)
    torch.testing.assert_close(attention(tokens)[0], before, rtol=0, atol=0)


def test_permuting_columns_permutes_the_weights_and_leaves_the_pooled_tokens(attention, tokens):
    weights, pooled = attention.weights(tokens), attention(tokens)
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        for name, parameter in attention.named_parameters():
            if name != "slot_value":  # of all columns
                parameter.copy_(parameter[:, order].clone())
    torch.testing.assert_close(attention.weights(tokens[:, order]), weights[..., order])
    for permuted, expected in zip(attention(tokens[:, order]), pooled, strict=True):
        torch.testing.assert_close(permuted, expected)


def test_views_start_apart_and_slots_alike(fresh, tokens):
    weights = fresh.weights(tokens)  # (G, B, V, S, C)
    assert torch.equal(weights[:, :, :, 0], weights[:, :, :, 1])
    apart = (weights[:, :, :1] - weights[:, :, 1:]).abs().amax((1, 3, 4))  # (G, V - 1)
    assert (apart > 0.01).all()


def test_slots_start_with_the_attention_of_their_view(fresh, tokens):
    weights = fresh.weights(tokens)
    of_views = view_weights_by_loop(fresh, tokens).transpose(1, 2)  # (G, B, V, C)
    torch.testing.assert_close(weights[:, :, :, 0], of_views)


@pytest.mark.parametrize("n_heads", [1, 4])
def test_pooled_tokens_start_with_the_variance_of_two_and_of_one_over_the_tokens(n_heads, make, generator):
    sizes = {"n_folds": 1, "n_views": 8, "n_slots": 1, "d_token": 8, "n_heads": n_heads}
    queries = MultiHeadQueries(**sizes, generator=generator)
    uniform = ATTENTION_FUNCTIONS["uniform"]
    attention = make(queries, n_columns=30, d_token=8, d_hidden=64, d_slot=64, function=uniform)
    of_views, of_slots = attention(torch.randn(1, 30, 200, 8, generator=generator))
    torch.testing.assert_close(of_views.var(), torch.tensor(2.0), rtol=0.1, atol=0)
    torch.testing.assert_close(of_slots.var(), torch.tensor(1.0), rtol=0.15, atol=0)


def test_heads_pool_each_its_part_of_the_units_and_slots_all_of_theirs(make, randomised, generator, tokens):
    queries = MultiHeadQueries(**SIZES, n_heads=2, generator=generator)
    attention = randomised(make(queries))
    weights = torch.softmax(queries(tokens), dim=1)  # (G, C, B, N V + N V S)
    of_views, of_slots = attention(tokens)
    expected_of_views, expected_of_slots = torch.zeros_like(of_views), torch.zeros_like(of_slots)
    for fold, view, row, column, head in itertools.product(
        range(N_FOLDS), range(N_VIEWS), range(N_ROWS), range(N_COLUMNS), range(2)
    ):
        token, units = tokens[fold, column, row], slice(3 * head, 3 * head + 3)
        weight = weights[fold, column, row, head * N_VIEWS + view]
        value = token @ attention.value[fold, column][:, units]
        expected_of_views[fold, view, row, units] += (N_COLUMNS * weight * value).detach()
        for slot in range(N_SLOTS):
            place = 2 * N_VIEWS + (head * N_VIEWS + view) * N_SLOTS + slot
            share = math.sqrt(N_COLUMNS) * weights[fold, column, row, place]
            value = token @ attention.slot_value[fold, D_TOKEN * head : D_TOKEN * (head + 1)]
            expected_of_slots[fold, view, row, slot] += (share * value).detach()
    torch.testing.assert_close(of_views, expected_of_views)
    torch.testing.assert_close(of_slots, expected_of_slots)


def test_the_weights_of_several_heads_are_their_mean(make, randomised, generator, tokens):
    queries = MultiHeadQueries(**SIZES, n_heads=2, generator=generator)
    attention = randomised(make(queries))
    by_head = torch.softmax(queries(tokens), dim=1)[..., 2 * N_VIEWS :]
    expected = by_head.unflatten(3, (2, N_VIEWS, N_SLOTS)).mean(3).permute(0, 2, 3, 4, 1)
    torch.testing.assert_close(attention.weights(tokens), expected)


def test_superposed_values_are_one_matrix_between_two_vectors_of_each_slot(
    make, randomised, generator, tokens
):
    queries = SuperposedQueries(**SIZES, n_columns=N_COLUMNS, generator=generator)
    attention = randomised(make(queries, superposed=True))
    weights = attention.weights(tokens)  # (G, B, V, S, C)
    pooled = math.sqrt(N_COLUMNS) * torch.einsum("gbvsc,gcbd->gvbsd", weights, tokens)
    _, of_slots = attention(tokens)
    for fold, slot in itertools.product(range(N_FOLDS), range(N_SLOTS)):
        outer = torch.outer(attention.slot_in[fold, 0, 0, slot], attention.slot_out[fold, 0, 0, slot])
        expected = pooled[fold, :, :, slot] @ (attention.slot_value[fold] * outer)
        torch.testing.assert_close(of_slots[fold, :, :, slot], expected)


@pytest.mark.parametrize("name", ATTENTION_FUNCTIONS)
def test_any_function_pools_by_its_weights(name, make, randomised, generator, tokens):
    queries = TokenQueries(**SIZES, n_columns=N_COLUMNS, generator=generator)
    attention = randomised(make(queries, function=ATTENTION_FUNCTIONS[name]))
    weights = attention.weights(tokens)
    expected = ATTENTION_FUNCTIONS[name](queries(tokens)[..., N_VIEWS:], 1)
    torch.testing.assert_close(weights.permute(0, 4, 1, 2, 3).flatten(3), expected)
    _, of_slots = attention(tokens)
    pooled = math.sqrt(N_COLUMNS) * torch.einsum("gbvsc,gcbd->gvbsd", weights, tokens)
    torch.testing.assert_close(of_slots, torch.einsum("gvbsd,gdk->gvbsk", pooled, attention.slot_value))
