import pytest
import torch

from sklearn_mtl.nn._initial import dropout_mask, normal, signs, zeros

DRAWS = {
    "normal": lambda generator: normal(50, 40, std=0.5, generator=generator),
    "signs": lambda generator: signs(50, 40, generator=generator),
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


def test_signs_are_minus_one_and_one_equally_often(generator):
    drawn = signs(200, 200, generator=generator)
    assert set(drawn.flatten().tolist()) == {-1.0, 1.0}
    assert abs(drawn.mean()) < 0.02


def test_zeros_are_parameters_of_zeros():
    made = zeros(2, 3)
    assert isinstance(made, torch.nn.Parameter)
    assert made.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_at_its_rate_and_preserves_the_mean(rate, generator):
    mask = dropout_mask(300, 300, rate=rate, generator=generator)
    assert abs((mask == 0).double().mean() - rate) < 0.01
    assert abs(mask.mean() - 1) < 0.05
    torch.testing.assert_close(mask[mask > 0].unique(), torch.tensor([1 / (1 - rate)]))
