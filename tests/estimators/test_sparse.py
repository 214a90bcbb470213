"""Sparse X, and dense X that is wide and mostly zeros: read alike, as one bag."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_mtl import MultiTaskAttentionEstimator, MultiTaskAttentionRegressor
from sklearn_mtl.inspection import global_importance, task_affinity

SHORT = {"n_folds": 2, "n_views": 1, "d_hidden": 16, "max_epochs": 3, "n_trees": 4, "random_state": 0}
N_ROWS, N_COLUMNS = 60, 540
CONTAINERS = [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix]


@pytest.fixture(scope="module")
def wide():
    """Give a table of mostly zeros, with one column of its own, and two tasks of which one has holes."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((N_ROWS, N_COLUMNS)) < 0.9, 0.0, rng.integers(1, 4, (N_ROWS, N_COLUMNS)))
    X[:, 7] = rng.normal(size=N_ROWS)
    X[5, np.arange(N_COLUMNS) != 7] = 0.0
    y = np.column_stack([X[:, 3] + X[:, 7], (X[:, 11] > 0).astype(float)])
    y[::9, 0] = np.nan
    return X, y


@pytest.fixture(scope="module")
def dense_fit(wide):
    return MultiTaskAttentionRegressor(**SHORT).fit(*wide)


@pytest.mark.parametrize("container", CONTAINERS)
def test_sparse_and_dense_forms_are_the_same_table(wide, dense_fit, container):
    X, y = wide
    model = MultiTaskAttentionRegressor(**SHORT).fit(container(X), y)
    np.testing.assert_allclose(model.predict(container(X)), dense_fit.predict(X), rtol=0, atol=1e-5)
    np.testing.assert_allclose(model.predict(X), dense_fit.predict(container(X)), rtol=0, atol=1e-5)
    assert model.n_features_in_ == N_COLUMNS


def test_columns_that_are_mostly_zero_are_one_bag(dense_fit):
    kinds = [(info.name, info.kind, info.n_terms) for info in dense_fit._reader.columns_]
    assert kinds == [("x7", "number", 0), ("x0..x539", "sparse", N_COLUMNS - 1)]


def test_few_columns_are_never_a_bag(wide):
    X, y = wide[0][:, :20], wide[1]
    models = [MultiTaskAttentionRegressor(**SHORT).fit(given, y) for given in (X, sparse.csr_array(X))]
    assert models[1]._reader.columns_ == models[0]._reader.columns_
    assert np.array_equal(models[0].predict(X), models[1].predict(sparse.csr_array(X)))


def test_columns_with_holes_stay_columns(wide):
    X, y = wide[0].copy(), wide[1]
    X[3, 20] = np.nan
    model = MultiTaskAttentionRegressor(**SHORT).fit(X, y)
    names = [info.name for info in model._reader.columns_ if info.kind == "number"]
    assert names == ["x7", "x20"]


def test_the_order_of_rows_does_not_matter(wide, dense_fit):
    X, y = wide
    order = np.random.default_rng(1).permutation(N_ROWS)
    model = MultiTaskAttentionRegressor(**SHORT).fit(sparse.csr_array(X[order]), y[order])
    assert np.array_equal(model.predict(X), dense_fit.predict(X))


def test_weight_2_is_the_row_twice(wide):
    X, y = sparse.csr_array(wide[0]), wide[1]
    weights = np.where(np.arange(N_ROWS) < 20, 2, 1)
    twice = np.repeat(np.arange(N_ROWS), weights)
    weighted = MultiTaskAttentionRegressor(**SHORT).fit(X, y, sample_weight=weights)
    repeated = MultiTaskAttentionRegressor(**SHORT).fit(X[twice], y[twice])
    assert np.array_equal(weighted.predict(X), repeated.predict(X))


def test_a_rows_prediction_does_not_depend_on_the_rows_beside_it(wide, dense_fit):
    X = sparse.csr_array(wide[0])
    alone = np.concatenate([dense_fit.predict(X[[row]]) for row in range(8)])
    np.testing.assert_allclose(alone, dense_fit.predict(X)[:8], rtol=1e-12, atol=1e-12)


def test_attention_is_sparse_and_sums_to_one(wide, dense_fit):
    X = sparse.csr_array(wide[0])
    weights = dense_fit.attention_weights(X)
    assert [of_task.shape for of_task in weights] == [X.shape] * 2
    for of_task in weights:
        sums = np.delete(of_task.sum(axis=1), 5)  # that row's bag is empty
        np.testing.assert_allclose(sums, 1.0)
        assert ((of_task.toarray() > 0) <= (wide[0] != 0)).all()
    mean = dense_fit.feature_attention_
    assert mean.columns.tolist() == [f"x{place}" for place in range(N_COLUMNS)]
    np.testing.assert_allclose(mean.to_numpy(), [of_task.mean(axis=0) for of_task in weights], atol=1e-6)


def test_importance_is_that_of_the_columns_of_x(wide, dense_fit):
    X = sparse.csr_array(wide[0])
    importance = global_importance(dense_fit, X)
    np.testing.assert_allclose(importance, dense_fit.feature_attention_, atol=1e-6)
    with pytest.raises(ValueError, match=r"are bags of terms.*use 'attention' or 'permutation'"):
        global_importance(dense_fit, X, method="gradient")


def test_views_of_sparse_attention_are_not_kept_apart(wide, dense_fit):
    with pytest.raises(ValueError, match=r"per_view=True, but attention .* is sparse"):
        dense_fit.attention_weights(wide[0], per_view=True)


def test_spread_and_affinity_take_bags(wide, dense_fit):
    assert np.isfinite(dense_fit._ensemble.spread(dense_fit._read_columns(wide[0]))).all()
    affinity = task_affinity(dense_fit, wide[0], wide[1], method="gradient")
    assert np.isfinite(affinity.to_numpy()).all()


def test_attention_to_very_many_columns_stays_sparse(wide, monkeypatch):
    monkeypatch.setattr("sklearn_mtl.estimators._attending._MOST_COLUMNS_NAMED", 500)
    model = MultiTaskAttentionRegressor(**SHORT).fit(sparse.csr_array(wide[0]), wide[1])
    assert isinstance(model.feature_attention_, sparse.csr_array)
    assert model.feature_attention_.shape == (2, N_COLUMNS)


def test_a_pickled_model_predicts_the_same(wide, dense_fit):
    assert np.array_equal(pickle.loads(pickle.dumps(dense_fit)).predict(wide[0]), dense_fit.predict(wide[0]))


def test_another_number_of_columns_is_refused(wide, dense_fit):
    with pytest.raises(ValueError, match=r"X has 539 features, but .* is expecting 540"):
        dense_fit.predict(sparse.csr_array(wide[0][:, 1:]))


def test_sparse_rows_do_not_fit_a_table_with_categories():
    X = np.array([[place, colour] for place, colour in enumerate(["red", "blue"] * 10)], dtype=object)
    model = MultiTaskAttentionRegressor(**SHORT).fit(X, np.arange(20.0))
    with pytest.raises(TypeError, match="X is sparse, but column 'x1' was read as category"):
        model.predict(sparse.csr_array(np.ones((2, 2))))


def test_words_of_a_vectorizer_are_learned_and_searched():
    rng = np.random.default_rng(0)
    words = np.array([f"word{place}" for place in range(700)])
    texts = [" ".join(rng.choice(words, 40)) + (" good" if row % 2 else " bad") for row in range(120)]
    y = pd.DataFrame({"mood": np.where(np.arange(120) % 2, "up", "down"), "length": rng.normal(size=120)})
    model = MultiTaskAttentionEstimator(**SHORT | {"max_epochs": 10})
    pipeline = make_pipeline(TfidfVectorizer(), model).fit(texts, y)
    assert pipeline[-1]._reader.columns_[-1].kind == "sparse"
    assert (pipeline.predict(texts)["mood"] == y["mood"]).mean() > 0.9
    grid = {"multitaskattentionestimator__linear_view": [True, False]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(texts, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
