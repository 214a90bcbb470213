import itertools
import math

import pytest
import torch

from sklearn_mtl.nn import ColumnAttention

N_FOLDS, N_VIEWS, N_SLOTS, N_COLUMNS, D_TOKEN, D_HIDDEN, N_ROWS = 2, 3, 2, 4, 5, 6, 7


@pytest.fixture
def fresh(generator):
    return ColumnAttention(
        n_folds=N_FOLDS, n_views=N_VIEWS, n_slots=N_SLOTS, n_columns=N_COLUMNS,
        d_token=D_TOKEN, d_hidden=D_HIDDEN, generator=generator,
    ).double()  # fmt: skip


@pytest.fixture
def attention(fresh, randomised):
    return randomised(fresh)


@pytest.fixture
def tokens(generator):
    return torch.randn(N_FOLDS, N_COLUMNS, N_ROWS, D_TOKEN, generator=generator, dtype=torch.float64)


def weights_by_loop(attention, tokens):
    weights = torch.empty(N_FOLDS, N_ROWS, N_VIEWS, N_SLOTS, N_COLUMNS, dtype=torch.float64)
    for fold, row, view, slot in itertools.product(*map(range, weights.shape[:4])):
        powers = []
        for column in range(N_COLUMNS):
            query = (
                attention.view_query[fold, column, :, view, 0]
                + attention.slot_query[fold, column, :, 0, slot]
            )
            bias = (
                attention.view_bias[fold, column, 0, view, 0] + attention.slot_bias[fold, column, 0, 0, slot]
            )
            powers.append(math.exp((query * tokens[fold, column, row]).sum().item() + bias.item()))
        weights[fold, row, view, slot] = torch.tensor(powers, dtype=torch.float64) / sum(powers)
    return weights


def pooled_by_loop(attention, tokens):
    weights = weights_by_loop(attention, tokens)
    pooled = torch.zeros(N_FOLDS, N_ROWS, N_VIEWS, N_SLOTS, D_HIDDEN, dtype=torch.float64)
    for fold, row, view, slot in itertools.product(*map(range, pooled.shape[:4])):
        for column in range(N_COLUMNS):
            value = tokens[fold, column, row] @ attention.value[fold, column].detach()
            pooled[fold, row, view, slot] += N_COLUMNS * weights[fold, row, view, slot, column] * value
    return pooled


def test_weights_equal_a_loop(attention, tokens):
    torch.testing.assert_close(attention.weights(tokens), weights_by_loop(attention, tokens))


def test_pooled_tokens_equal_a_loop(attention, tokens):
    torch.testing.assert_close(attention(tokens), pooled_by_loop(attention, tokens))


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_weights_are_not_negative_and_sum_to_1(size, attention, tokens):
    weights = attention.weights(size * tokens)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))


def test_uniform_attention_is_the_first_layer_of_a_perceptron_on_joined_tokens(attention, tokens):
    with torch.no_grad():
        for part in ("view_query", "view_bias", "slot_query", "slot_bias"):
            getattr(attention, part).zero_()
    joined = tokens.transpose(1, 2).flatten(2)  # (G, B, C D)
    layer = joined @ attention.value.flatten(1, 2)  # (G, B, H)
    expected = layer[:, :, None, None].expand(-1, -1, N_VIEWS, N_SLOTS, -1)
    torch.testing.assert_close(attention(tokens), expected)


def test_permuting_columns_permutes_the_weights_and_leaves_the_pooled_tokens(attention, tokens):
    weights, pooled = attention.weights(tokens), attention(tokens)
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.copy_(parameter[:, order].clone())
    torch.testing.assert_close(attention.weights(tokens[:, order]), weights[..., order])
    torch.testing.assert_close(attention(tokens[:, order]), pooled)


def test_views_start_apart_and_slots_alike(fresh, tokens):
    weights = fresh.weights(tokens)  # (G, B, V, S, C)
    assert torch.equal(weights[:, :, :, 0], weights[:, :, :, 1])
    apart = (weights[:, :, :1] - weights[:, :, 1:]).abs().amax((1, 3, 4))  # (G, V - 1)
    assert (apart > 0.01).all()


def test_pooled_tokens_start_with_the_variance_of_two_over_the_tokens(generator):
    sizes = {"n_folds": 1, "n_views": 8, "n_slots": 1, "n_columns": 30, "d_token": 8, "d_hidden": 64}
    attention = ColumnAttention(**sizes, generator=generator)
    with torch.no_grad():
        attention.view_query.zero_()
        attention.view_bias.zero_()
    pooled = attention(torch.randn(1, 30, 200, 8, generator=generator))
    torch.testing.assert_close(pooled.var(), torch.tensor(2.0), rtol=0.1, atol=0)
