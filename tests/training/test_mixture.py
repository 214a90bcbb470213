from dataclasses import replace

import numpy as np
import pytest

from sklearn_mtl.training import mean_losses, network_shares


def test_mean_losses_equal_a_loop_over_observed_labels(make_rows):
    rows = make_rows()
    rng = np.random.default_rng(1)
    predictions = np.column_stack(
        [rng.normal(5, 3, 60), rng.uniform(0.1, 0.9, 60), rng.dirichlet([2, 2, 2], 60)]
    )
    expected = np.zeros(3)
    for row in range(60):
        number, second, *three = predictions[row]
        value, is_second, which = rows.values[row]
        losses = (
            (number - value) ** 2,
            -np.log(second if is_second else 1 - second),
            -np.log(three[int(which)]),
        )
        expected += rows.weights[row] * losses
    np.testing.assert_allclose(mean_losses(predictions, rows), expected / rows.weights.sum(axis=0))


def test_a_task_without_weight_has_no_loss(make_rows):
    rows = make_rows()
    losses = mean_losses(np.full((60, 5), 0.3), replace(rows, weights=rows.weights * [1, 0, 1]))
    assert losses[1] == 0
    assert (losses[[0, 2]] > 0).all()


@pytest.mark.parametrize("share", [0.0, 0.25, 0.75, 1.0])
def test_the_share_is_found_where_the_best_is_known(share, make_rows):
    rows = make_rows(["regression"])
    error = np.random.default_rng(1).normal(size=(60, 1))
    # The errors of both cancel at the share.
    network, linear = rows.values + (1 - share) * error, rows.values - share * error
    assert network_shares(network, linear, rows).tolist() == pytest.approx([share])


def test_each_task_has_the_share_it_has_alone(make_rows):
    rows = make_rows(["regression", "binary"])
    rng = np.random.default_rng(1)
    probable = np.clip(rows.values[:, 1], 0.2, 0.8)
    network = np.column_stack([rng.normal(size=60), probable])
    linear = np.column_stack([rows.values[:, 0], 1 - probable])
    assert network_shares(network, linear, rows).tolist() == [0.0, 1.0]


def test_views_that_are_equal_leave_all_to_the_network(make_rows):
    rows = make_rows()
    predictions = np.tile([0.5, 0.5, 0.25, 0.25, 0.5], (60, 1))
    assert network_shares(predictions, predictions, rows).tolist() == [1.0, 1.0, 1.0]


def test_missing_labels_have_no_influence_on_shares(make_rows):
    rows = make_rows(["regression"], missing=0.5)
    error = np.random.default_rng(1).normal(size=(60, 1))
    network, linear = rows.values + 0.6 * error, rows.values - 0.4 * error
    network[rows.weights == 0] = 1e6
    assert network_shares(network, linear, rows).tolist() == pytest.approx([0.4])
