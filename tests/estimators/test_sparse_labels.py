"""A multilabel indicator may be sparse: the same as the dense one, from fit to score."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.inspection import permutation_importance
from sklearn.metrics import f1_score
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_mtl.metrics import make_multitask_scorer
from sklearn_mtl.model_selection import MultiTaskKFold

SHORT = {"max_epochs": 2, "n_views": 1}
CONTAINERS = [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix, sparse.coo_array]


@pytest.fixture
def flags(numbers):
    """60 rows of three numbers, and three flags of each."""
    X, y = numbers
    return X, (np.nan_to_num(y) > 0).astype(np.int64)


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.__name__)
def test_a_sparse_y_is_learned_and_scored_as_the_dense_one(classifier, flags, container):
    X, y = flags
    dense, from_sparse = classifier(**SHORT).fit(X, y), classifier(**SHORT).fit(X, container(y))
    np.testing.assert_array_equal(from_sparse.predict_proba(X), dense.predict_proba(X))
    np.testing.assert_array_equal(from_sparse.oof_prediction_, dense.oof_prediction_)
    assert from_sparse.score(X, container(y)) == dense.score(X, y)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float64])
def test_predictions_are_dense_in_the_dtype_of_y(classifier, flags, dtype):
    X, y = flags
    predicted = classifier(**SHORT).fit(X, sparse.csr_array(y.astype(dtype))).predict(X)
    assert isinstance(predicted, np.ndarray)
    assert predicted.dtype == dtype
    assert set(np.unique(predicted)) <= {0, 1}


def test_scikit_learns_scores_take_sparse_labels_and_our_predictions(classifier, flags):
    X, y = flags
    predicted = classifier(**SHORT).fit(X, sparse.csr_array(y)).predict(X)
    expected = f1_score(y, predicted, average="macro")
    assert f1_score(sparse.csr_array(y), predicted, average="macro") == expected


@pytest.mark.parametrize("cv", [2, MultiTaskKFold(2, random_state=0)], ids=["int", "MultiTaskKFold"])
def test_a_sparse_y_is_searched_as_the_dense_one(classifier, flags, cv):
    X, y = flags
    scores = [
        GridSearchCV(classifier(**SHORT), {"d_hidden": [4, 8]}, cv=cv, error_score="raise")
        .fit(X, labels)
        .cv_results_["mean_test_score"]
        for labels in (y, sparse.csr_array(y))
    ]
    np.testing.assert_array_equal(*scores)


def test_scorers_take_a_sparse_y(classifier, flags):
    X, y = flags
    scorer, model = make_multitask_scorer("roc_auc"), classifier(**SHORT).fit(X, y)
    assert scorer(model, X, sparse.csr_array(y)) == scorer(model, X, y)


def test_cross_val_predict_takes_a_sparse_y(classifier, flags):
    X, y = flags
    predicted = cross_val_predict(classifier(**SHORT), X, sparse.csr_array(y), cv=2)
    np.testing.assert_array_equal(predicted, cross_val_predict(classifier(**SHORT), X, y, cv=2))


@pytest.mark.parametrize("tool", [cross_validate, cross_val_score, learning_curve, permutation_importance])
def test_some_tools_of_scikit_learn_refuse_a_sparse_y(classifier, flags, tool):
    X, y = flags
    with pytest.raises(
        InvalidParameterError, match=f"'y' parameter of {tool.__name__} must be an array-like"
    ):
        tool(classifier(**SHORT).fit(X, y), X, sparse.csr_array(y))


def test_a_frame_of_sparse_columns_may_have_holes(classifier, flags):
    X, y = flags
    frame = pd.DataFrame(y, columns=["u", "v", "w"], dtype=float).mask(
        np.arange(60)[:, None] % 5 == [0, 1, 2]
    )
    dense, from_sparse = (
        classifier(**SHORT).fit(X, labels)
        for labels in (frame, frame.astype(pd.SparseDtype(float, fill_value=0.0)))
    )
    np.testing.assert_array_equal(from_sparse.predict_proba(X), dense.predict_proba(X))
