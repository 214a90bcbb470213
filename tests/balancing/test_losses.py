"""Each weighting of losses against a plain loop."""

import numpy as np
import pytest
import torch

from sklearn_mtl.balancing._losses import (
    DynamicWeightAverage,
    FastAdaptive,
    GeometricMean,
    LearnedScales,
    RandomWeighting,
    SmoothTchebycheff,
)

CPU = torch.device("cpu")
SHAPE = 2, 4
TASK_WEIGHT = np.array([0.4, 0.3, 0.2, 0.1])
PRESENT = np.array([[True, True, True, False], [True, True, True, True]])
SHARES = TASK_WEIGHT * PRESENT


def batches(n):
    """Losses of batches; 0 where a fold has no label."""
    return np.random.default_rng(0).uniform(0.1, 2, (n, *SHAPE)) * PRESENT


def weigh(weighting, losses, shares=SHARES):
    return weighting.weigh(torch.from_numpy(losses), torch.from_numpy(shares)).numpy()


class PlainAdam:
    def __init__(self, learning_rate, decay=0.0):
        self.value, self.learning_rate, self.decay = np.zeros(SHAPE), learning_rate, decay
        self.first, self.second, self.step_number = 0.0, 0.0, 0

    def step(self, gradient):
        gradient = gradient + self.decay * self.value
        self.step_number += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        first, second = self.first / (1 - 0.9**self.step_number), self.second / (1 - 0.999**self.step_number)
        self.value = self.value - self.learning_rate * first / (np.sqrt(second) + 1e-8)


def test_learned_scales_follow_the_gradient_of_their_objective():
    weighting, adam = LearnedScales(SHAPE, learning_rate=0.1, device=CPU), PlainAdam(0.1)
    for losses in batches(5):
        np.testing.assert_allclose(weigh(weighting, losses), SHARES * np.exp(adam.value), rtol=1e-5)
        adam.step(np.where(PRESENT, np.exp(adam.value) * losses - 1, 0))


def test_learned_scales_end_at_one_over_the_loss():
    weighting, losses = LearnedScales(SHAPE, learning_rate=0.05, device=CPU), np.full(SHAPE, 0.25)
    for _ in range(500):
        weights = weigh(weighting, losses)
    np.testing.assert_allclose(weights[1], 4 * TASK_WEIGHT, rtol=0.02)


def test_dwa_is_a_softmax_of_the_rates_of_two_epochs():
    is_learned = torch.tensor([True, True, True, False])
    weighting, means = DynamicWeightAverage(is_learned, temperature=0.5), []
    for _epoch, losses in enumerate(np.split(batches(9), 3)):
        for of_batch in losses:
            given = weigh(weighting, of_batch)
        weighting.end_epoch()
        means.append(losses.mean(axis=0))
    rates = np.exp(means[1] / np.where(PRESENT, means[0], 1) / 0.5)[:, :3]
    factors = 3 * rates / rates.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(given[:, :3], SHARES[:, :3] * factors)


def test_dwa_starts_with_the_mean():
    weighting = DynamicWeightAverage(torch.ones(4, dtype=torch.bool), temperature=2.0)
    for losses in batches(2):
        np.testing.assert_array_equal(weigh(weighting, losses), SHARES)
        weighting.end_epoch()


def test_geometric_weights_are_the_derivatives_of_the_geometric_mean():
    (losses,) = batches(1)
    given = weigh(GeometricMean(), losses)
    for fold in range(2):
        there = PRESENT[fold]
        share = SHARES[fold, there]
        variable = torch.tensor(losses[fold, there], requires_grad=True)
        exponents = torch.from_numpy(share / share.sum())
        (share.sum() * torch.prod(variable**exponents)).backward()
        np.testing.assert_allclose(given[fold, there], variable.grad.numpy())


def test_stch_weights_are_the_derivatives_of_the_smooth_maximum():
    (losses,) = batches(1)
    given = weigh(SmoothTchebycheff(smoothing=0.05), losses)
    for fold in range(2):
        there = PRESENT[fold]
        share = torch.from_numpy(SHARES[fold, there])
        variable = torch.tensor(losses[fold, there], requires_grad=True)
        total = share.sum()
        smooth = 0.05 * torch.logsumexp(share / total * variable / 0.05, dim=0)
        (len(share) * total * smooth).backward()
        np.testing.assert_allclose(given[fold, there], variable.grad.numpy())


def test_famo_follows_the_changes_of_the_logarithms():
    weighting, adam = FastAdaptive(SHAPE, learning_rate=0.1, device=CPU), PlainAdam(0.1, decay=1e-3)
    for before, after in batches(8).reshape(4, 2, *SHAPE):
        mixture = SHARES * np.exp(adam.value)
        mixture /= mixture.sum(axis=1, keepdims=True)
        inverse = np.divide(mixture, before, out=np.zeros(SHAPE), where=PRESENT)
        expected = inverse / inverse.sum(axis=1, keepdims=True) * SHARES.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(weigh(weighting, before), expected, rtol=1e-4)
        weighting.compare(torch.from_numpy(after))
        change = np.where(PRESENT, np.log(np.where(PRESENT, before / np.where(PRESENT, after, 1), 1)), 0)
        adam.step(mixture * (change - (mixture * change).sum(axis=1, keepdims=True)))


def test_random_weights_are_a_softmax_of_normal_numbers():
    drawn = torch.randn(SHAPE, generator=torch.Generator().manual_seed(3), dtype=torch.float32).numpy()
    expected = SHARES * np.exp(drawn)
    expected *= SHARES.sum(axis=1, keepdims=True) / expected.sum(axis=1, keepdims=True)
    weighting = RandomWeighting(torch.Generator().manual_seed(3))
    np.testing.assert_allclose(weigh(weighting, batches(1)[0]), expected, rtol=1e-5)


def made():
    """Make each weighting."""
    return {
        "learned": LearnedScales(SHAPE, learning_rate=0.1, device=CPU),
        "dwa": DynamicWeightAverage(torch.tensor(TASK_WEIGHT > 0), temperature=2.0),
        "geometric": GeometricMean(),
        "famo": FastAdaptive(SHAPE, learning_rate=0.1, device=CPU),
        "random": RandomWeighting(torch.Generator()),
        "stch": SmoothTchebycheff(smoothing=0.1),
    }


@pytest.mark.parametrize("name", made())
def test_absent_tasks_and_empty_folds_get_no_weight(name):
    shares = SHARES.copy()
    shares[1] = 0
    weights = weigh(made()[name], batches(1)[0] * (shares > 0), shares)
    assert np.isfinite(weights).all()
    assert (weights[0, :3] > 0).all()
    assert not weights[0, 3]
    assert not weights[1].any()


@pytest.mark.parametrize("name", ["dwa", "geometric", "famo", "stch"])
def test_equal_losses_of_equal_tasks_get_the_mean(name):
    shares = np.full(SHAPE, 0.25)
    np.testing.assert_allclose(weigh(made()[name], np.full(SHAPE, 0.7), shares), shares, rtol=1e-5)


@pytest.mark.parametrize("name", made())
def test_a_loss_of_0_is_no_infinity(name):
    assert np.isfinite(weigh(made()[name], np.zeros(SHAPE))).all()
