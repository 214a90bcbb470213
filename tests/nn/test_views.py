import itertools

import pytest
import torch
from torch.nn.functional import silu

from sklearn_mtl.nn import ViewNetwork

N_FOLDS, N_VIEWS, N_ROWS, N_SLOTS, D_HIDDEN, D_SLOT = 2, 3, 5, 2, 6, 4


@pytest.fixture
def make_network(generator, randomised):
    def make(*, n_layers=3, dropout=0.0):
        sizes = {"n_folds": N_FOLDS, "n_views": N_VIEWS, "d_hidden": D_HIDDEN, "n_layers": n_layers}
        return randomised(ViewNetwork(**sizes, dropout=dropout, generator=generator))

    return make


@pytest.fixture
def pooled(generator):
    """What views and what slots have pooled."""
    shapes = (N_FOLDS, N_VIEWS, N_ROWS, D_HIDDEN), (N_FOLDS, N_VIEWS, N_ROWS, N_SLOTS, D_SLOT)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def many_rows(pooled, n_rows):
    """The first row, so many times."""
    return pooled[0][:, :, :1].expand(-1, -1, n_rows, -1), pooled[1][:, :, :1].expand(-1, -1, n_rows, -1, -1)


def joined(parts):
    """All units in one axis, (G, V, B, ·)."""
    shared, own = parts
    return torch.cat([shared, own.flatten(3)], dim=3)


def network_by_loop(network, of_views, of_slots):
    shared = torch.empty(N_FOLDS, N_VIEWS, N_ROWS, D_HIDDEN - D_SLOT, dtype=torch.float64)
    own = torch.empty_like(of_slots)
    for fold, view, row in itertools.product(range(N_FOLDS), range(N_VIEWS), range(N_ROWS)):
        state = of_views[fold, view, row] + network.bias[0][fold, view, 0]
        for layer, weight in enumerate(network.weight):
            state = weight[fold].T @ silu(state) + network.bias[layer + 1][fold, view, 0]
        shared[fold, view, row] = silu(state[:-D_SLOT]).detach()
        for slot in range(N_SLOTS):
            own[fold, view, row, slot] = silu(state[-D_SLOT:] + of_slots[fold, view, row, slot]).detach()
    return shared, own


@pytest.mark.parametrize("n_layers", [1, 2, 4])
def test_layers_equal_a_loop(n_layers, make_network, pooled):
    network = make_network(n_layers=n_layers)
    for part, expected in zip(network(*pooled), network_by_loop(network, *pooled), strict=True):
        torch.testing.assert_close(part, expected)


def test_nothing_is_dropped_without_a_generator(make_network, pooled):
    network = make_network(dropout=0.9).train()
    torch.testing.assert_close(joined(network(*pooled)), joined(network_by_loop(network, *pooled)))


def test_nothing_is_dropped_at_rate_0(make_network, pooled):
    network = make_network(dropout=0.0)
    assert torch.equal(joined(network(*pooled, seeded(0))), joined(network(*pooled)))


@pytest.mark.parametrize("n_layers", [1, 3])
def test_dropout_depends_on_the_seed_alone(n_layers, make_network, pooled):
    network = make_network(n_layers=n_layers, dropout=0.5)
    state = torch.get_rng_state()
    first, again, other = (joined(network(*pooled, seeded(seed))) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_preserves_the_mean_of_what_leaves(make_network, pooled):
    network = make_network(n_layers=1, dropout=0.4)
    dropped = joined(network(*many_rows(pooled, 20_000), seeded(0))).mean(2, keepdim=True)
    torch.testing.assert_close(dropped, joined(network(*many_rows(pooled, 1))), rtol=0.05, atol=0)


def test_dropout_preserves_the_mean_of_what_enters_a_layer(make_network, pooled):
    network = make_network(n_layers=2, dropout=0.5)
    with torch.no_grad():
        network.weight[0].copy_(torch.eye(D_HIDDEN))
        network.bias[1].fill_(100.0)  # where the last activation is the identity
        dropped = joined(network(*many_rows(pooled, 20_000), seeded(0)))
        network.dropout = 0.0
        expected = joined(network(*many_rows(pooled, 1)))
    mean = dropped.sum(2) / (dropped != 0).sum(2) / 2 - 100  # what the last mask has kept, unscaled
    torch.testing.assert_close(mean, expected[:, :, 0] - 100, rtol=0.1, atol=0.05)


def test_dropout_reaches_every_layer_and_not_the_slots_alone(make_network, pooled):
    network = make_network(n_layers=2, dropout=0.5)
    with torch.no_grad():
        network.weight[0].copy_(torch.eye(D_HIDDEN))
        network.bias[1].zero_()
    of_views, of_slots = (part.abs() + 1 for part in pooled)
    _, own = network(of_views, of_slots, seeded(0))
    inner = silu(of_views + network.bias[0])[..., -D_SLOT:].unsqueeze(3)
    kept_by_both = torch.isclose(own, 2 * silu(2 * inner + of_slots))
    kept_by_the_last = torch.isclose(own, 2 * silu(of_slots))
    dropped = own == 0
    assert (kept_by_both | kept_by_the_last | dropped).all()
    for share, expected in ((kept_by_both, 0.25), (kept_by_the_last, 0.25), (dropped, 0.5)):
        assert abs(share.double().mean() - expected) < 0.15


@pytest.mark.parametrize("n_layers", [1, 3])
def test_slots_of_a_view_share_their_masks(n_layers, make_network, pooled):
    network = make_network(n_layers=n_layers, dropout=0.5)
    of_views, of_slots = pooled
    alike = of_slots[:, :, :, :1].expand_as(of_slots)
    _, own = network(of_views, alike, seeded(0))
    assert torch.equal(own[..., 0, :], own[..., 1, :])
    is_dropped = network(of_views, of_slots, seeded(0))[1] == 0
    assert torch.equal(is_dropped[..., 0, :], is_dropped[..., 1, :])
    assert is_dropped.any()


def test_views_and_rows_have_masks_of_their_own_and_folds_share_them(make_network, pooled):
    network = make_network(n_layers=1, dropout=0.5)
    is_dropped = joined(network(*pooled, seeded(0))) == 0  # (G, V, B, ·)
    is_shared = [torch.equal(*is_dropped.unbind(axis)[:2]) for axis in range(3)]
    assert is_shared == [True, False, False]


def test_a_slot_changes_its_own_units_alone(make_network, pooled):
    network = make_network()
    of_views, of_slots = pooled
    changed = of_slots.clone()
    changed[:, 1, :, 0] += 1.0
    (shared, own), (shared_before, own_before) = network(of_views, changed), network(of_views, of_slots)
    assert torch.equal(shared, shared_before)
    differs = (own != own_before).any(-1)  # (G, V, B, S)
    assert differs[:, 1, :, 0].all()
    differs[:, 1, :, 0] = False
    assert not differs.any()


def test_a_view_changes_its_own_units_alone(make_network, pooled):
    network = make_network()
    of_views, of_slots = pooled
    changed = of_views.clone()
    changed[:, 1] += 1.0
    differs = joined(network(changed, of_slots)) != joined(network(of_views, of_slots))  # (G, V, B, ·)
    assert differs[:, 1].any(-1).all()
    differs[:, 1] = False
    assert not differs.any()


def test_all_units_may_be_those_of_slots(generator):
    network = ViewNetwork(n_folds=1, n_views=1, d_hidden=3, n_layers=1, dropout=0.5, generator=generator)
    shared, own = network(torch.ones(1, 1, 2, 3), torch.ones(1, 1, 2, 4, 3), seeded(0))
    assert shared.shape == (1, 1, 2, 0)
    assert own.shape == (1, 1, 2, 4, 3)
