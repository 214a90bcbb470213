import pytest
import torch

from sklearn_mtl.nn._initial import dropout_mask, normal, zeros

DRAWS = {
    "normal": lambda generator: normal(50, 40, std=0.5, generator=generator),
    "dropout_mask": lambda generator: dropout_mask(50, 40, rate=0.3, generator=generator),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_draws_come_from_the_generator_alone(draw):
    state = torch.get_rng_state()
    first, again, other = (draw(torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_normal_has_mean_0_and_the_deviation_asked_for(generator):
    drawn = normal(200, 200, std=0.3, generator=generator)
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 0.3) < 0.01


def test_zeros_are_parameters_of_zeros():
    made = zeros(2, 3)
    assert isinstance(made, torch.nn.Parameter)
    assert made.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.9, 0.99, 0.999])
def test_dropout_drops_at_its_rate_and_preserves_the_mean(rate, generator):
    mask = dropout_mask(300, 300, rate=rate, generator=generator)
    assert abs((mask == 0).double().mean() - rate) < 0.01
    assert abs(mask.mean() - 1) < 0.15
    kept = mask[mask > 0].unique()
    assert len(kept) == 1
    assert abs(1 - 1 / kept.item() - rate) < 1 / 256  # to the next 256th


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_all_places_of_a_dropout_mask_are_dropped_equally_often_and_apart(rate, generator):
    mask = dropout_mask(20_000, 16, rate=rate, generator=generator)
    is_dropped = (mask == 0).double()  # eight places a random integer
    torch.testing.assert_close(is_dropped.mean(0), torch.full((16,), rate).double(), rtol=0, atol=0.02)
    correlation = torch.corrcoef(is_dropped.T) - torch.eye(16)
    assert correlation.abs().max() < 0.05


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2, 3, 1, 3)])
def test_a_dropout_mask_has_the_shape_asked_for(shape, generator):
    assert dropout_mask(*shape, rate=0.5, generator=generator).shape == shape
