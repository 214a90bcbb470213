import itertools
import math

import pytest
import torch

from .conftest import INTERACTIONS

N_FOLDS, N_VIEWS, N_ROWS, N_SLOTS, D_SLOT = 2, 2, 3, 3, 4


@pytest.fixture
def own(generator):
    shape = N_FOLDS, N_VIEWS, N_ROWS, N_SLOTS, D_SLOT
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.fixture
def make(generator):
    sizes = {"n_folds": N_FOLDS, "n_slots": N_SLOTS, "d_slot": D_SLOT}
    return lambda kind: INTERACTIONS[kind](**sizes, generator=generator).double()


def residual_shares(interaction, fold, slots, slot):
    del slots
    return interaction.share[fold, 0, 0, slot].tolist(), interaction.weight[fold]


def attention_shares(interaction, fold, slots, slot):
    asked = slots[slot] @ interaction.query[fold] + interaction.query_bias[fold, 0, 0, slot]
    powers = [math.exp(asked @ (other @ interaction.key[fold]) / math.sqrt(D_SLOT)) for other in slots]
    return [power / sum(powers) for power in powers], interaction.value[fold]


SHARES = {"residual": residual_shares, "attention": attention_shares}


@pytest.mark.parametrize("kind", INTERACTIONS)
@torch.no_grad()
def test_units_equal_a_loop(kind, make, randomised, own):
    interaction = randomised(make(kind))
    taken = interaction(own)
    for fold, view, row, slot in itertools.product(*map(range, own.shape[:4])):
        slots = own[fold, view, row]  # (S, K)
        shares, weight = SHARES[kind](interaction, fold, slots, slot)
        expected = slots[slot] + sum(
            share * (other @ weight) for share, other in zip(shares, slots, strict=True)
        )
        torch.testing.assert_close(taken[fold, view, row, slot], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", INTERACTIONS)
def test_it_starts_as_the_identity_and_does_not_stay_so(kind, make, own):
    interaction = make(kind)
    assert torch.equal(interaction(own), own)
    interaction(own).square().sum().backward()
    assert any(parameter.grad.any() for parameter in interaction.parameters())
