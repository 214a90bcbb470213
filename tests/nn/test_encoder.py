import math

import pytest
import torch
from torch import nn

from sklearn_mtl.nn import TokenEncoder

N_FOLDS, N_COLUMNS, N_ROWS, D_TOKEN = 2, 4, 3, 5


@pytest.fixture
def tokens(generator):
    return torch.randn(N_FOLDS, N_COLUMNS, N_ROWS, D_TOKEN, generator=generator, dtype=torch.float64)


@pytest.fixture
def make(generator):
    sizes = {"n_folds": N_FOLDS, "d_token": D_TOKEN}
    return lambda n_layers=2, n_heads=2: TokenEncoder(
        n_layers=n_layers, n_heads=n_heads, **sizes, generator=generator
    )


def normed(token, scale, shift):
    mean = sum(token) / len(token)
    variance = sum((unit - mean) ** 2 for unit in token) / len(token)
    return (token - mean) / torch.sqrt(variance + 1e-5) * scale + shift


def attend(row, layer, fold, n_heads):
    """Self-attention between the tokens (C, D) of one row, head by head and pair by pair."""
    parts = (row @ layer.inward[fold]).view(len(row), 3, n_heads, -1)
    pooled = torch.zeros_like(parts[:, 0])  # (C, N, d)
    for head in range(n_heads):
        for asks in range(len(row)):
            scores = [
                parts[asks, 0, head] @ parts[j, 1, head] / math.sqrt(parts.shape[3]) for j in range(len(row))
            ]
            powers = [math.exp(score) for score in scores]
            for j, power in enumerate(powers):
                pooled[asks, head] += power / sum(powers) * parts[j, 2, head]
    return pooled.flatten(1) @ layer.outward[fold]


def gelu(x):
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


@pytest.mark.parametrize("n_heads", [1, 2])
@torch.no_grad()
def test_tokens_equal_a_loop(n_heads, make, randomised, tokens):
    encoder = randomised(make(n_heads=n_heads))
    encoded = encoder(tokens)
    for fold in range(N_FOLDS):
        for at in range(N_ROWS):
            row = tokens[fold, :, at]
            for layer in encoder.layers:
                norms = [(layer.scale[i][fold, 0, 0], layer.shift[i][fold, 0, 0]) for i in range(2)]
                row = row + attend(torch.stack([normed(t, *norms[0]) for t in row]), layer, fold, n_heads)
                hidden = (
                    torch.stack([normed(t, *norms[1]) for t in row]) @ layer.up[fold] + layer.up_bias[fold]
                )
                row = row + gelu(hidden) @ layer.down[fold] + layer.down_bias[fold]
            torch.testing.assert_close(encoded[fold, :, at], row, rtol=1e-6, atol=1e-9)


@torch.no_grad()
def test_a_layer_is_the_one_of_torch(randomised, generator, tokens):
    encoder = randomised(TokenEncoder(n_folds=1, n_layers=1, n_heads=1, d_token=D_TOKEN, generator=generator))
    own = encoder.layers[0]
    torchs = nn.TransformerEncoderLayer(
        D_TOKEN,
        1,
        2 * D_TOKEN,
        dropout=0,
        activation="gelu",
        norm_first=True,
        batch_first=True,
        dtype=torch.float64,
    )
    for norm, place in ((torchs.norm1, 0), (torchs.norm2, 1)):
        norm.weight.copy_(own.scale[place][0, 0, 0])
        norm.bias.copy_(own.shift[place][0, 0, 0])
    torchs.self_attn.in_proj_weight.copy_(own.inward[0].T)
    torchs.self_attn.in_proj_bias.zero_()
    torchs.self_attn.out_proj.weight.copy_(own.outward[0].T)
    torchs.self_attn.out_proj.bias.zero_()
    torchs.linear1.weight.copy_(own.up[0].T)
    torchs.linear1.bias.copy_(own.up_bias[0, 0])
    torchs.linear2.weight.copy_(own.down[0].T)
    torchs.linear2.bias.copy_(own.down_bias[0, 0])
    expected = torchs(tokens[0].transpose(0, 1)).transpose(0, 1)
    torch.testing.assert_close(encoder(tokens[:1])[0], expected)


def test_it_starts_as_the_identity_and_does_not_stay_so(make, tokens):
    encoder = make().double()
    assert torch.equal(encoder(tokens), tokens)
    encoder(tokens).square().sum().backward()
    assert all(layer.outward.grad.any() and layer.down.grad.any() for layer in encoder.layers)


def test_permuting_columns_permutes_tokens(make, randomised, tokens):
    encoder, order = randomised(make()), torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(encoder(tokens[:, order]), encoder(tokens)[:, order])
