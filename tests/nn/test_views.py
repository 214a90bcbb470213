import itertools

import pytest
import torch
from torch.nn.functional import silu

from sklearn_mtl.nn import ViewNetwork

SHAPE = 2, 5, 3, 2, 4  # G, B, V, S, H


@pytest.fixture
def make_network(generator, randomised):
    def make(*, n_layers=3, dropout=0.0):
        sizes = {"n_folds": 2, "n_views": 3, "d_hidden": 4, "n_layers": n_layers, "dropout": dropout}
        return randomised(ViewNetwork(**sizes, generator=generator))

    return make


@pytest.fixture
def pooled(generator):
    return torch.randn(SHAPE, generator=generator, dtype=torch.float64)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def network_by_loop(network, pooled):
    hidden = torch.empty_like(pooled)
    for fold, row, view, slot in itertools.product(*map(range, SHAPE[:4])):
        state = silu(pooled[fold, row, view, slot] + network.bias[0][fold, 0, view, 0])
        for layer, weight in enumerate(network.weight):
            adapted = network.adapter[layer][fold, 0, view, 0] * state
            state = silu(weight[fold].T @ adapted + network.bias[layer + 1][fold, 0, view, 0])
        hidden[fold, row, view, slot] = state.detach()
    return hidden


@pytest.mark.parametrize("n_layers", [1, 2, 4])
def test_layers_equal_a_loop(n_layers, make_network, pooled):
    network = make_network(n_layers=n_layers)
    torch.testing.assert_close(network(pooled), network_by_loop(network, pooled))


def test_nothing_is_dropped_without_a_generator(make_network, pooled):
    network = make_network(dropout=0.9).train()
    torch.testing.assert_close(network(pooled), network_by_loop(network, pooled))


def test_nothing_is_dropped_at_rate_0(make_network, pooled):
    network = make_network(dropout=0.0)
    assert torch.equal(network(pooled, seeded(0)), network(pooled))


@pytest.mark.parametrize("n_layers", [1, 3])
def test_dropout_depends_on_the_seed_alone(n_layers, make_network, pooled):
    network = make_network(n_layers=n_layers, dropout=0.5)
    state = torch.get_rng_state()
    first, again, other = (network(pooled, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_preserves_the_mean_of_what_leaves(make_network, pooled):
    network = make_network(n_layers=1, dropout=0.4)
    rows = pooled[:, :1].expand(-1, 20_000, -1, -1, -1)
    dropped = network(rows, seeded(0)).mean(1, keepdim=True)
    torch.testing.assert_close(dropped, network(pooled[:, :1]), rtol=0.05, atol=0)


def test_dropout_reaches_every_layer(make_network, pooled):
    network = make_network(n_layers=2, dropout=0.5)
    with torch.no_grad():
        network.weight[0].copy_(torch.eye(4).expand(2, -1, -1))
        network.adapter[0].fill_(1.0)
        network.bias[1].zero_()
    hidden = network(pooled.abs() + 1, seeded(0))
    inner = silu(2 * silu(pooled.abs() + 1 + network.bias[0])) * 2
    kept = torch.isclose(hidden, inner)
    assert (kept | (hidden == 0)).all()
    # Where both draws keep a unit it is kept: a quarter of them.
    assert 0.1 < kept.double().mean() < 0.4


def test_rows_and_folds_have_masks_of_their_own(make_network, pooled):
    network = make_network(n_layers=1, dropout=0.5)
    wide = pooled.expand(SHAPE).clone()
    is_dropped = network(wide, seeded(0)) == 0  # (G, B, V, S, H)
    for one, other in ((is_dropped[0], is_dropped[1]), (is_dropped[:, 0], is_dropped[:, 1])):
        assert not torch.equal(one, other)
    assert not torch.equal(is_dropped[:, :, 0], is_dropped[:, :, 1])


def test_adapters_start_as_signs_that_differ_between_views(generator):
    network = ViewNetwork(n_folds=1, n_views=2, d_hidden=32, n_layers=2, dropout=0.0, generator=generator)
    adapter = network.adapter[0]
    assert set(adapter.flatten().tolist()) == {-1.0, 1.0}
    assert not torch.equal(adapter[:, :, 0], adapter[:, :, 1])


def test_each_view_and_slot_is_computed_apart_from_the_others(make_network, pooled):
    network = make_network()
    changed = pooled.clone()
    changed[:, :, 1, 0] += 1.0
    differs = (network(changed) != network(pooled)).any(-1)  # (G, B, V, S)
    assert differs[:, :, 1, 0].all()
    differs[:, :, 1, 0] = False
    assert not differs.any()
