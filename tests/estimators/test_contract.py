"""What scikit-learn asks of every estimator."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)

from .conftest import GUESSES

SHORT = {"n_folds": 4, "d_hidden": 32, "max_epochs": 10, "n_trees": 8}
ESTIMATORS = MultiTaskAttentionRegressor, MultiTaskAttentionClassifier, MultiTaskAttentionEstimator


@GUESSES  # the checks leave it open whether their whole numbers are classes
@parametrize_with_checks([estimator(**SHORT) for estimator in ESTIMATORS])
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@GUESSES
@pytest.mark.slow
@parametrize_with_checks([estimator() for estimator in ESTIMATORS])
def test_scikit_learns_checks_pass_with_default_parameters(estimator, check):
    check(estimator)


def test_tags_tell_what_is_supported(kind):
    tags = get_tags(kind())
    assert tags.target_tags.multi_output
    assert tags.target_tags.required
    assert tags.input_tags.allow_nan
    assert tags.input_tags.string
    assert tags.input_tags.categorical
    assert tags.input_tags.sparse


def test_each_estimator_is_of_its_kind():
    assert is_regressor(MultiTaskAttentionRegressor())
    assert is_classifier(MultiTaskAttentionClassifier())
    assert not is_classifier(MultiTaskAttentionEstimator())
    assert not is_regressor(MultiTaskAttentionEstimator())
    assert get_tags(MultiTaskAttentionClassifier()).classifier_tags.multi_label


def test_the_classifier_has_the_regressors_parameters_but_those_of_numbers_and_its_own():
    names = set(MultiTaskAttentionClassifier().get_params())
    others = set(MultiTaskAttentionRegressor().get_params())
    of_classes = {"class_weight", "task_types", "label_smoothing", "calibrate", "thresholds"}
    assert names - others == of_classes
    assert others - names == {"loss", "target_transform"}


def test_the_estimator_of_both_has_the_parameters_of_both_and_task_types_for_losses():
    params, of_classes = (
        MultiTaskAttentionEstimator().get_params(),
        MultiTaskAttentionClassifier().get_params(),
    )
    of_numbers = MultiTaskAttentionRegressor().get_params()
    del of_numbers["loss"]
    assert params == of_numbers | of_classes
    assert params["task_types"] is None
    assert len(params) <= 37


def test_clone_copies_parameters_and_nothing_fitted(kind, numbers):
    X, y = numbers
    fitted = kind(task_weight={"task_1": 2.0}).fit(X, kind.labels(y))
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not [name for name in vars(copy) if name.endswith("_")]


def test_fit_leaves_parameters_as_they_were(kind, numbers):
    X, y = numbers
    estimator = kind(n_folds="auto", n_slots="auto", batch_size="auto", task_weight={"task_1": 2.0})
    before = dict(estimator.get_params())
    estimator.fit(X, kind.labels(y))
    after = estimator.get_params()
    assert {name for name in before if before[name] is not after[name]} == set()


def test_fit_leaves_its_arguments_as_they_were(kind, mixed):
    X, y = mixed
    labels, weight = kind.labels(y), np.ones(y.shape)
    given = X.copy(deep=True), labels.copy(), weight.copy()
    kind().fit(X, labels, sample_weight=weight)
    assert X.equals(given[0])
    np.testing.assert_array_equal(labels, given[1])
    np.testing.assert_array_equal(weight, given[2])


def test_fitting_again_forgets_the_first_fit(kind, mixed):
    X, y = mixed
    labels = kind.labels(y)
    again = kind().fit(X, labels).fit(X[["a", "b"]].to_numpy(), labels[:, :2])
    fresh = kind().fit(X[["a", "b"]].to_numpy(), labels[:, :2])
    assert vars(again).keys() == vars(fresh).keys()
    assert not hasattr(again, "feature_names_in_")
    rows = X[["a", "b"]].to_numpy()
    np.testing.assert_array_equal(again.predict(rows), fresh.predict(rows))


@pytest.mark.parametrize("method", ["predict", "attention_weights", "score"])
def test_nothing_works_before_fit(kind, numbers, method):
    X, y = numbers
    arguments = (X, kind.labels(y)) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match=f"{kind.estimator.__name__} instance is not fitted yet"):
        getattr(kind(), method)(*arguments)


def test_probabilities_need_a_fit_first(classifier, numbers):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        classifier().predict_proba(numbers[0])
