import numpy as np
import pytest

from sklearn_mtl.nn import OutputLayout
from sklearn_mtl.training import best_constants, spread, weighted_quantiles
from sklearn_mtl.training._constants import loss_of_constants

LAYOUTS = {
    "regression": OutputLayout(["regression"], [1]),
    "absolute_error": OutputLayout(["absolute_error"], [1]),
    "huber": OutputLayout(["huber"], [1], units={0: 0.7}),
    "quantile": OutputLayout(["quantile"], [2], levels={0: (0.2, 0.9)}),
    "poisson": OutputLayout(["poisson"], [1]),
}


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    return rng.gamma(1.0, 2.0, 41), rng.uniform(0.5, 2, 41) * (rng.random(41) < 0.8)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_no_other_constant_has_a_lower_loss(kind, labels):
    layout, (values, weights) = LAYOUTS[kind], labels
    best = best_constants(layout, values, weights)
    least = loss_of_constants(best, layout, values, weights)
    for step in (-0.3, -1e-3, 1e-3, 0.3):
        for place in range(len(best)):
            other = best + step * (np.arange(len(best)) == place)
            assert loss_of_constants(other, layout, values, weights) >= least - 1e-12


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_weight_of_2_is_the_label_twice(kind, labels):
    values, weights = labels[0], np.where(np.arange(41) % 3, 1.0, 2.0)
    twice = np.repeat(values, weights.astype(int))
    expected = best_constants(LAYOUTS[kind], twice, np.ones(len(twice)))
    np.testing.assert_allclose(best_constants(LAYOUTS[kind], values, weights), expected)


def test_quantiles_of_equal_weights_are_those_of_numpy(labels):
    levels = (0.01, 0.25, 0.5, 0.9)
    expected = np.quantile(labels[0], levels, method="inverted_cdf")
    assert weighted_quantiles(labels[0], np.ones(41), levels).tolist() == expected.tolist()


def test_extreme_labels_do_not_change_the_spread():
    values = np.random.default_rng(0).normal(3, 2, 2001)
    extreme = np.where(np.arange(2001) < 20, 1e9, values)
    ones = np.ones(2001)
    assert spread(values, ones) == pytest.approx((3, 2), rel=0.1)
    assert spread(extreme, ones) == pytest.approx(spread(values, ones), rel=0.05)


def test_labels_of_which_most_are_equal_have_a_spread_too():
    assert spread(np.array([0.0, 0, 0, 8]), np.ones(4)) == (0.0, pytest.approx(2.5066))
    assert spread(np.full(4, 7.0), np.ones(4)) == (7.0, 1.0)
