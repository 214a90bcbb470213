"""Attention means something: each task attends to the columns that it is made of."""

import numpy as np
import pytest

from sklearn_mtl import MultiTaskAttentionRegressor

TRUE_COLUMNS = [{0, 1}, {0, 1}, {5, 6}]  # of each task


def draw(n_rows, rng):
    """12 columns; two tasks made of the first two columns, and one of the product of two others."""
    X = rng.normal(size=(n_rows, 12))
    signal = np.stack([X[:, 0] + X[:, 1], X[:, 0] - X[:, 1], X[:, 5] * X[:, 6]], axis=1)
    return X, signal + 0.1 * rng.normal(size=signal.shape)


def two_largest(model):
    order = np.argsort(-model.feature_attention_.to_numpy(), axis=1)
    return [set(row[:2].tolist()) for row in order]


@pytest.mark.parametrize("seed", range(2))
def test_each_task_attends_to_its_own_columns(regressor, seed):
    X, y = draw(800, np.random.default_rng(seed))
    sizes = {"d_token": 8, "d_hidden": 64, "n_bins": 16, "max_epochs": 40, "learning_rate": 0.01}
    model = regressor(**sizes, random_state=seed).fit(X, y)
    assert two_largest(model) == TRUE_COLUMNS
    others = np.delete(model.feature_attention_.to_numpy()[2], [5, 6])
    assert model.feature_attention_.to_numpy()[2, [5, 6]].min() > 1.5 * others.max()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_each_task_attends_to_its_own_columns_with_default_parameters(seed):
    X, y = draw(800, np.random.default_rng(seed))
    model = MultiTaskAttentionRegressor(random_state=seed).fit(X, y)
    assert two_largest(model) == TRUE_COLUMNS


@pytest.mark.slow
def test_attention_of_its_own_serves_the_task_that_needs_other_columns():
    gains = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        (X, y), (new_X, new_y) = draw(800, rng), draw(2000, rng)
        own, shared = (
            1
            - np.var(
                new_y[:, 2]
                - MultiTaskAttentionRegressor(n_slots=n_slots, random_state=seed)
                .fit(X, y)
                .predict(new_X)[:, 2]
            )
            / np.var(new_y[:, 2])
            for n_slots in ("auto", 1)
        )
        gains.append(own - shared)
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(len(gains))


def test_attention_shared_by_all_tasks_is_the_same_for_all(regressor):
    X, y = draw(100, np.random.default_rng(0))
    model = regressor(n_slots=1).fit(X, y)
    attention = model.attention_weights(X)
    np.testing.assert_array_equal(attention[:, 0], attention[:, 2])
    own = regressor().fit(X, y).attention_weights(X)
    assert (own[:, 0] != own[:, 2]).any()


def test_attention_depends_on_the_row(regressor):
    X, y = draw(100, np.random.default_rng(0))
    attention = regressor().fit(X, y).attention_weights(X)
    assert attention.std(axis=0).min() > 0
