import itertools
import math

import pytest
import torch

from sklearn_mtl.nn import ColumnAttention

N_FOLDS, N_VIEWS, N_SLOTS, N_COLUMNS, D_TOKEN, D_HIDDEN, D_SLOT, N_ROWS = 2, 3, 2, 4, 5, 6, 3, 7


@pytest.fixture
def fresh(generator):
    return ColumnAttention(
        n_folds=N_FOLDS, n_views=N_VIEWS, n_slots=N_SLOTS, n_columns=N_COLUMNS,
        d_token=D_TOKEN, d_hidden=D_HIDDEN, d_slot=D_SLOT, generator=generator,
    ).double()  # fmt: skip


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
            query = attention.view_query[fold, column, :, view, 0]
            bias = attention.view_bias[fold, column, 0, view, 0]
            scores.append((query @ tokens[fold, column, row] + bias).item())
        weights[fold, view, row] = torch.tensor(softmax(scores), dtype=torch.float64)
    return weights


def slot_weights_by_loop(attention, tokens):
    weights = torch.empty(N_FOLDS, N_ROWS, N_VIEWS, N_SLOTS, N_COLUMNS, dtype=torch.float64)
    for fold, row, view, slot in itertools.product(*map(range, weights.shape[:4])):
        scores = []
        for column in range(N_COLUMNS):
            query = (
                attention.view_query[fold, column, :, view, 0]
                + attention.slot_query[fold, column, :, 0, slot]
            )
            bias = (
                attention.view_bias[fold, column, 0, view, 0] + attention.slot_bias[fold, column, 0, 0, slot]
            )
            scores.append((query @ tokens[fold, column, row] + bias).item())
        weights[fold, row, view, slot] = torch.tensor(softmax(scores), dtype=torch.float64)
    return weights


def pooled_by_loop(attention, tokens):
    """What views pool and what slots pool, by the formulas of the docstring."""
    by_view, by_slot = view_weights_by_loop(attention, tokens), slot_weights_by_loop(attention, tokens)
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


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_weights_are_not_negative_and_sum_to_1(size, attention, tokens):
    weights = attention.weights(size * tokens)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))


def test_uniform_attention_is_the_first_layer_of_a_perceptron_on_joined_tokens(attention, tokens):
    with torch.no_grad():
        for part in ("view_query", "view_bias"):
            getattr(attention, part).zero_()
    joined = tokens.transpose(1, 2).flatten(2)  # (G, B, C D)
    layer = joined @ attention.value.flatten(1, 2)  # (G, B, H)
    of_views, _ = attention(tokens)
    torch.testing.assert_close(of_views, layer[:, None].expand(-1, N_VIEWS, -1, -1))


def test_slots_with_uniform_attention_pool_the_mean_token(attention, tokens):
    with torch.no_grad():
        for part in ("view_query", "view_bias", "slot_query", "slot_bias"):
            getattr(attention, part).zero_()
    mean = tokens.mean(1)  # (G, B, D)
    pooled = N_COLUMNS**0.5 * mean @ attention.slot_value
    _, of_slots = attention(tokens)
    torch.testing.assert_close(of_slots, pooled[:, None, :, None].expand(-1, N_VIEWS, -1, N_SLOTS, -1))


def test_the_parts_of_slots_leave_what_views_pool(attention, tokens):
    before, _ = attention(tokens)
    with torch.no_grad():
        for part in ("slot_query", "slot_bias", "slot_value"):
            getattr(attention, part).add_(1.0)
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


def test_pooled_tokens_start_with_the_variance_of_two_and_of_one_over_the_tokens(generator):
    sizes = {"n_folds": 1, "n_views": 8, "n_slots": 1, "n_columns": 30}
    attention = ColumnAttention(**sizes, d_token=8, d_hidden=64, d_slot=64, generator=generator)
    with torch.no_grad():
        attention.view_query.zero_()
        attention.view_bias.zero_()
    of_views, of_slots = attention(torch.randn(1, 30, 200, 8, generator=generator))
    torch.testing.assert_close(of_views.var(), torch.tensor(2.0), rtol=0.1, atol=0)
    torch.testing.assert_close(of_slots.var(), torch.tensor(1.0), rtol=0.15, atol=0)
