from itertools import pairwise

import numpy as np
import pytest
import torch

from sklearn_mtl.nn import VectorBatch, VectorTokens

N_FOLDS, N_HEADS, D_TOKEN, WIDTH = 2, 3, 4, 5

# Three rows a fold: three vectors, none, and one; the second fold has other rows.
STARTS = [[0, 3, 3, 4], [4, 4, 6, 8]]
SAME_ROWS = [[0, 3, 3, 4, 8]]


@pytest.fixture
def module(randomised, generator):
    mean, deviation = torch.arange(WIDTH) / 10, 1 + torch.arange(WIDTH) / 5
    sizes = {"n_folds": N_FOLDS, "n_heads": N_HEADS, "d_token": D_TOKEN}
    return randomised(VectorTokens(mean, deviation, dropout=0.5, generator=generator, **sizes))


@pytest.fixture
def vectors():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(8, WIDTH)))


def shares_by_loop(module, fold, rows):
    """Give each vector's attention of each head, (E, P)."""
    standard = (rows - module.mean) / module.deviation
    powers = (20 * torch.tanh(standard @ module.key[fold] / 20)).exp()
    return powers / powers.sum(0)


def tokens_by_loop(module, fold, rows):
    if not len(rows):
        return module.empty[fold, :, 0]
    standard, shares = (rows - module.mean) / module.deviation, shares_by_loop(module, fold, rows)
    return torch.stack(
        [
            (shares[:, head, None] * standard).sum(0) @ module.value[fold, head] + module.bias[fold, head, 0]
            for head in range(N_HEADS)
        ]
    )


@pytest.mark.parametrize("starts", [STARTS, SAME_ROWS], ids=["own-rows", "same-rows"])
def test_tokens_and_their_gradients_equal_a_loop(module, vectors, starts):
    tokens = module(VectorBatch(vectors, torch.tensor(starts)))
    expected = torch.stack(
        [
            torch.stack([tokens_by_loop(module, fold, vectors[a:b]) for a, b in pairwise(rows)], 1)
            for fold, rows in enumerate(starts * (N_FOLDS // len(starts)))
        ]
    )
    torch.testing.assert_close(tokens, expected)
    slope = torch.randn(tokens.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    parameters = list(module.parameters())
    given, wanted = (torch.autograd.grad((of * slope).sum(), parameters) for of in (tokens, expected))
    torch.testing.assert_close(given, wanted)


def test_weights_are_the_attention_and_sum_to_one(module, vectors):
    batch = VectorBatch(vectors, torch.tensor(SAME_ROWS))
    weights = module.weights(batch)  # (G, E, P)
    for fold in range(N_FOLDS):
        for first, last in ((0, 3), (3, 4), (4, 8)):
            expected = shares_by_loop(module, fold, vectors[first:last])
            torch.testing.assert_close(weights[fold, first:last], expected)


def test_dropped_vectors_get_no_attention_and_a_row_without_any_is_empty(module, vectors):
    module.dropout = 255 / 256
    tokens = module(VectorBatch(vectors, torch.tensor(STARTS)), torch.Generator().manual_seed(0))
    torch.testing.assert_close(tokens, module.empty.expand_as(tokens))


def test_no_vectors_at_all_are_empty(module, vectors):
    tokens = module(VectorBatch(vectors[:0], torch.zeros(1, 3, dtype=torch.int64)))
    torch.testing.assert_close(tokens, module.empty.expand_as(tokens))
