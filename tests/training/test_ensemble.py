import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_mtl.encoding import Columns, LinearDesign, NumberScaling
from sklearn_mtl.nn import activate
from sklearn_mtl.training import Ensemble, Preparation, fit_forest_view, target_scales
from sklearn_mtl.training import _ensemble as ensemble_module

N_COLUMNS = 3  # two numbers, one category
NETWORK, LINEAR, FOREST = np.eye(3)[:, :, None] * np.ones(5)  # all outputs by one view; (3, O) each


def some_columns(n_rows, *, seed=1):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(2, 5, (n_rows, 2))
    numbers[rng.random((n_rows, 2)) < 0.1] = np.nan
    return Columns(numbers, rng.integers(0, 4, (n_rows, 1)))


@pytest.fixture
def ensemble(make_rows, trained):
    """An ensemble of all kinds of tasks, half network, and a quarter each linear view and forest."""
    columns = some_columns(60, seed=0)
    scaling, design = NumberScaling().fit(columns.numbers), LinearDesign().fit(columns)
    preparation = Preparation(np.arange(2), np.arange(1), scaling, design)
    numbers, categories = preparation.network_inputs(columns)
    rows = make_rows(numbers=numbers, categories=categories, design=design.transform(columns))
    rng, scales = np.random.default_rng(0), target_scales(rows)
    return Ensemble(
        net=trained(rows),
        preparation=preparation,
        scales=scales,
        coefficients=rng.normal(size=(design.n_outputs, 5)),
        intercept=rng.normal(size=5),
        forest=fit_forest_view(rows, scales, n_trees=6, seed=0),
        shares=0.5 * NETWORK + 0.25 * LINEAR + 0.25 * FOREST,
        layout=rows.layout,
        temperatures=np.ones(3),
    )


def test_the_network_predicts_the_mean_of_folds_and_views(ensemble):
    columns = some_columns(10)
    numbers, categories = map(torch.from_numpy, ensemble.preparation.network_inputs(columns))
    activated = activate(ensemble.net.module_(numbers[None], categories[None]), ensemble.layout).double()
    expected = np.zeros((10, 5))
    for fold in range(3):
        mean = activated[fold].mean(1).numpy()  # (B, O)
        expected += (mean * ensemble.scales.deviation[fold] + ensemble.scales.mean[fold]) / 3
    alone = replace(ensemble, shares=NETWORK)
    np.testing.assert_allclose(alone.predict(columns), expected, rtol=1e-4, atol=1e-5)


def test_the_linear_view_predicts_from_the_design(ensemble):
    columns = some_columns(10)
    linear = ensemble.preparation.design.transform(columns) @ ensemble.coefficients + ensemble.intercept
    predicted = replace(ensemble, shares=LINEAR).predict(columns)
    powers = np.exp(linear[:, 2:])
    np.testing.assert_allclose(predicted[:, 0], linear[:, 0])
    np.testing.assert_allclose(predicted[:, 1], 1 / (1 + np.exp(-linear[:, 1])))
    np.testing.assert_allclose(predicted[:, 2:], powers / powers.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("n_rows", [10, 600])
def test_the_forest_predicts_from_the_inputs_of_the_network(n_rows, ensemble):
    columns = some_columns(n_rows)
    expected = ensemble.forest.predict(*ensemble.preparation.network_inputs(columns))
    np.testing.assert_allclose(replace(ensemble, shares=FOREST).predict(columns), expected)


def test_each_output_is_mixed_by_its_own_shares(ensemble):
    columns = some_columns(10)
    shares = np.array([[0.0, 0.3, 1.0, 0.2, 0.5], [0.6, 0.3, 0.0, 0.8, 0.2], [0.4, 0.4, 0.0, 0.0, 0.3]])
    alone = [replace(ensemble, shares=view).predict(columns) for view in (NETWORK, LINEAR, FOREST)]
    mixed = replace(ensemble, shares=shares).predict(columns)
    np.testing.assert_allclose(mixed, sum(share * view for share, view in zip(shares, alone, strict=True)))


def test_an_ensemble_without_a_forest_predicts_by_the_others(ensemble):
    columns, shares = some_columns(10), 0.5 * NETWORK + 0.5 * LINEAR
    without = replace(ensemble, shares=shares, forest=None)
    expected = replace(ensemble, shares=shares).predict(columns)
    np.testing.assert_allclose(without.predict(columns), expected)


@pytest.mark.parametrize("n_rows", [20, 600])
@pytest.mark.parametrize("method", ["predict", "attention"])
def test_blocks_of_rows_give_what_all_rows_give_at_once(method, n_rows, ensemble, monkeypatch):
    columns = some_columns(n_rows)
    at_once = getattr(ensemble, method)(columns)
    monkeypatch.setattr(ensemble_module, "_FLOATS_AT_ONCE", 7 * 3 * 8 * 4)  # 7 rows
    in_blocks = getattr(ensemble, method)(columns)
    assert in_blocks.shape == at_once.shape
    tolerance = 1e-12 if n_rows == 20 else 1e-5
    np.testing.assert_allclose(in_blocks, at_once, rtol=tolerance, atol=tolerance)


def test_a_row_of_few_is_predicted_as_it_is_alone(ensemble):
    columns = some_columns(8)
    alone = np.concatenate([ensemble.predict(columns.take(slice(row, row + 1))) for row in range(8)])
    np.testing.assert_allclose(ensemble.predict(columns), alone, rtol=1e-12)


def test_few_rows_in_float64_are_predicted_as_in_float32_among_many(ensemble):
    columns = some_columns(600)
    few = ensemble.predict(columns.take(slice(0, 20)))
    np.testing.assert_allclose(few, ensemble.predict(columns)[:20], rtol=1e-4, atol=1e-5)
    assert not np.array_equal(few, ensemble.predict(columns)[:20])


@pytest.mark.parametrize("n_rows", [5, 600])
def test_attention_sums_to_1_over_columns(n_rows, ensemble):
    attention = ensemble.attention(some_columns(n_rows))
    assert attention.shape == (n_rows, 3, N_COLUMNS)
    assert (attention >= 0).all()
    np.testing.assert_allclose(attention.sum(axis=2), 1, rtol=1e-6)


def test_probabilities_sum_to_1(ensemble):
    predicted = ensemble.predict(some_columns(30))
    assert ((predicted[:, 1:] >= 0) & (predicted[:, 1:] <= 1)).all()
    np.testing.assert_allclose(predicted[:, 2:].sum(axis=1), 1, rtol=1e-6)


def test_the_copy_in_float64_is_not_pickled(ensemble):
    before = len(pickle.dumps(ensemble))
    predicted = ensemble.predict(some_columns(10))
    pickled = pickle.dumps(ensemble)
    assert len(pickled) == before
    assert np.array_equal(pickle.loads(pickled).predict(some_columns(10)), predicted)


def test_predicting_leaves_parameters_alone(ensemble):
    state = {name: value.clone() for name, value in ensemble.net.module_.state_dict().items()}
    ensemble.predict(some_columns(10))
    ensemble.predict(some_columns(600))
    for name, value in ensemble.net.module_.state_dict().items():
        assert value.dtype == state[name].dtype
        assert torch.equal(value, state[name])


def test_only_active_columns_reach_the_network():
    columns = some_columns(6)
    scaling = NumberScaling().fit(columns.numbers[:, [1]])
    design = LinearDesign().fit(columns)
    numbers, categories = Preparation(np.array([1]), np.array([], int), scaling, design).network_inputs(
        columns
    )
    assert np.array_equal(numbers, scaling.transform(columns.numbers[:, [1]]), equal_nan=True)
    assert categories.shape == (6, 0)


@pytest.fixture
def of_second(make_rows, trained, ensemble):
    """An ensemble of the second task alone, half network and half linear view."""
    numbers, categories = ensemble.preparation.network_inputs(some_columns(60, seed=0))
    rows = make_rows(["binary"], numbers=numbers, categories=categories)
    n_inputs = len(ensemble.coefficients)
    return replace(
        ensemble,
        net=trained(rows, learning_rate=0.1),
        scales=target_scales(rows),
        coefficients=np.random.default_rng(1).normal(size=(n_inputs, 1)),
        intercept=np.zeros(1),
        forest=None,
        shares=np.array([[0.5], [0.5], [0.0]]),
        layout=rows.layout,
        temperatures=np.ones(1),
    )


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_views_alone_have_their_share_of_one_task(share, ensemble, of_second):
    columns = some_columns(10)
    joint, alone = ensemble.predict(columns), of_second.predict(columns)
    ensemble.serve(1, of_second, share)
    expected = joint.copy()
    expected[:, 1] = (1 - share) * joint[:, 1] + share * alone[:, 0]
    np.testing.assert_allclose(ensemble.predict(columns), expected)


def test_attention_is_weighed_by_the_shares_of_both_networks(ensemble, of_second):
    columns = some_columns(10)
    joint, alone = ensemble.attention(columns), of_second.attention(columns)
    ensemble.serve(1, of_second, 0.25)
    expected = joint.copy()
    # Networks have 0.5 of 0.75 and 0.5 of 0.25.
    expected[:, 1] = 0.75 * joint[:, 1] + 0.25 * alone[:, 0]
    np.testing.assert_allclose(ensemble.attention(columns), expected)


def test_temperatures_are_those_of_the_mixture(ensemble, of_second):
    columns = some_columns(10)
    ensemble.serve(1, of_second, 0.4)
    plain = ensemble.predict(columns)[:, 1]
    ensemble.temperatures = np.array([1.0, 2.0, 1.0])
    odds = np.sqrt(plain / (1 - plain))
    np.testing.assert_allclose(ensemble.predict(columns)[:, 1], odds / (1 + odds))
