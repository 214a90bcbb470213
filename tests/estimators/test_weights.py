"""Weights of rows, labels, classes and tasks."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)

from .conftest import outputs


def assert_same_fit(model, other, X):
    """The two fits are equal bit for bit."""
    np.testing.assert_array_equal(outputs(model, X), outputs(other, X))
    pd.testing.assert_frame_equal(
        model.history_.drop(columns="seconds"), other.history_.drop(columns="seconds"), check_exact=True
    )
    pd.testing.assert_frame_equal(model.view_shares_, other.view_shares_, check_exact=True)
    pd.testing.assert_frame_equal(model.feature_attention_, other.feature_attention_, check_exact=True)


@pytest.fixture
def counts(numbers):
    return np.random.default_rng(5).integers(1, 4, size=len(numbers[0]))


def test_weight_2_is_the_same_as_having_a_row_twice(kind, mixed, counts):
    X, labels = mixed[0], kind.labels(mixed[1])
    repeated = np.repeat(np.arange(len(X)), counts)
    weighted = kind().fit(X, labels, sample_weight=counts)
    twice = kind().fit(X.iloc[repeated], labels[repeated])
    assert_same_fit(weighted, twice, X)
    has_label = ~np.isnan(labels).all(axis=1)  # rows without are predicted, together, when all is done
    np.testing.assert_array_equal(
        weighted.oof_prediction_[repeated][has_label[repeated]], twice.oof_prediction_[has_label[repeated]]
    )


def test_weight_2_is_the_same_as_having_a_row_twice_with_balanced_classes(classifier, mixed, counts):
    X, labels = mixed[0], classifier.labels(mixed[1])
    repeated = np.repeat(np.arange(len(X)), counts)
    weighted = classifier(class_weight="balanced").fit(X, labels, sample_weight=counts)
    assert_same_fit(weighted, classifier(class_weight="balanced").fit(X.iloc[repeated], labels[repeated]), X)


def test_out_of_fold_scores_count_weights(kind, mixed, counts):
    X, labels = mixed[0], kind.labels(mixed[1])
    repeated = np.repeat(np.arange(len(X)), counts)
    weighted = kind().fit(X, labels, sample_weight=counts)
    twice = kind().fit(X.iloc[repeated], labels[repeated])
    assert weighted.oof_score_ == pytest.approx(twice.oof_score_)


def test_weight_0_is_the_same_as_no_row(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    weight = np.arange(len(X)) % 3 % 2 + 0.0
    kept = weight > 0
    weighted, fewer = kind().fit(X, labels, sample_weight=weight), kind().fit(X[kept], labels[kept])
    assert_same_fit(weighted, fewer, X)
    has_label = ~np.isnan(labels).all(axis=1)  # rows without are predicted, together, when all is done
    np.testing.assert_array_equal(
        weighted.oof_prediction_[kept & has_label], fewer.oof_prediction_[has_label[kept]]
    )


def test_out_of_fold_scores_leave_out_what_weighs_nothing(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    weight = np.arange(len(X)) % 3 % 2 + 0.0
    kept = weight > 0
    weighted, fewer = kind().fit(X, labels, sample_weight=weight), kind().fit(X[kept], labels[kept])
    assert weighted.oof_score_ == pytest.approx(fewer.oof_score_)


def test_a_label_of_weight_0_is_a_missing_label(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    weight = np.ones(labels.shape)
    weight[::5, 1] = 0.0
    holes = np.where(weight > 0, labels, np.nan)
    assert_same_fit(kind().fit(X, labels, sample_weight=weight), kind().fit(X, holes), X)


def test_weights_of_labels_that_are_missing_do_not_matter(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    weight = np.where(np.isnan(labels), 17.0, 1.0)
    assert_same_fit(kind().fit(X, labels, sample_weight=weight), kind().fit(X, labels), X)


def test_one_weight_a_row_is_the_same_weight_for_all_of_its_labels(kind, numbers, counts):
    X, labels = numbers[0], kind.labels(numbers[1])
    by_label = np.repeat(counts[:, None], 3, axis=1)
    a, b = (kind().fit(X, labels, sample_weight=weight) for weight in (counts, by_label))
    assert_same_fit(a, b, X)


def test_weights_of_labels_pull_their_task_alone(regressor, numbers):
    X = numbers[0]
    y = np.where(np.arange(60)[:, None] % 2 == 0, [0.0, 0.0], [1.0, 1.0])
    weight = np.ones((60, 2))
    weight[1::2, 1] = 9.0
    predicted = regressor().fit(X, y, sample_weight=weight).predict(X).mean(axis=0)
    np.testing.assert_allclose(predicted, [0.5, 0.9], atol=0.1)


@pytest.mark.parametrize("factor", [2.0**-20, 3.0, 1e6, 1e-30, 1e30, 1e100])
def test_scaling_all_weights_changes_nothing(kind, mixed, counts, factor):
    X, labels = mixed[0], kind.labels(mixed[1])
    model = kind().fit(X, labels, sample_weight=counts)
    scaled = kind().fit(X, labels, sample_weight=factor * counts)
    np.testing.assert_allclose(outputs(scaled, X), outputs(model, X), atol=1e-5)
    np.testing.assert_allclose(scaled.history_["train_loss"], model.history_["train_loss"], rtol=1e-4)


def test_ones_are_no_weights(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    assert_same_fit(kind().fit(X, labels, sample_weight=np.ones(len(X))), kind().fit(X, labels), X)


def test_weights_may_be_a_series_of_another_index(kind, numbers, counts):
    X, labels = numbers[0], kind.labels(numbers[1])
    series = pd.Series(counts, index=np.arange(len(counts))[::-1])
    a, b = (kind().fit(X, labels, sample_weight=weight) for weight in (counts, series))
    assert_same_fit(a, b, X)


@pytest.mark.parametrize("table", ["numbers", "mixed"])
def test_labels_of_a_task_of_weight_0_change_nothing_for_the_others(kind, request, table):
    X, y = request.getfixturevalue(table)
    other = y.copy()
    other[:, 1] = y[::-1, 1]  # other values, other holes
    others = {
        MultiTaskAttentionRegressor: [0, 2],
        MultiTaskAttentionClassifier: [0, 1, 2, 5, 6],
        MultiTaskAttentionEstimator: [0, 2, 3, 4],
    }[kind.estimator]
    first, second = (kind(task_weight=[1, 0, 1]).fit(X, kind.labels(target)) for target in (y, other))
    np.testing.assert_array_equal(outputs(first, X)[:, others], outputs(second, X)[:, others])
    pd.testing.assert_series_equal(first.history_["valid_loss"], second.history_["valid_loss"])
    np.testing.assert_array_equal(first.oof_prediction_[:, [0, 2]], second.oof_prediction_[:, [0, 2]])


def test_a_task_of_weight_0_predicts_its_mean(regressor, numbers):
    X, y = numbers
    model = regressor(task_weight={"task_1": 0}).fit(X, y)
    np.testing.assert_allclose(model.predict(X)[:, 1], np.nanmean(y[:, 1]))
    assert model.view_shares_.loc["task_1"].tolist() == [0, 1, 0, 0]


def test_a_task_of_weight_0_predicts_its_most_frequent_class(classifier, numbers):
    X = numbers[0]
    y = np.array([["a", "u"], ["a", "v"], ["b", "w"], ["a", "w"], ["b", "w"], ["a", "w"]])[np.arange(60) % 6]
    model = classifier(task_weight=[1, 0]).fit(X, y)
    assert set(model.predict(X)[:, 1]) == {"w"}
    np.testing.assert_allclose(model.predict_proba(X)[1], np.tile([1 / 6, 1 / 6, 4 / 6], (60, 1)))


def test_task_weights_by_name_and_in_order_are_the_same(kind, numbers):
    X, labels = numbers[0], pd.DataFrame(kind.labels(numbers[1]), columns=["u", "v", "w"])
    by_name, in_order = (
        kind(task_weight=weight).fit(X, labels) for weight in ({"w": 5.0, "u": 2.0}, [2.0, 1.0, 5.0])
    )
    assert_same_fit(by_name, in_order, X)


def test_scaling_all_task_weights_changes_nothing(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    model, scaled = (kind(task_weight=weight).fit(X, labels) for weight in ([1, 2, 4], [1e3, 2e3, 4e3]))
    np.testing.assert_allclose(outputs(scaled, X), outputs(model, X), atol=1e-6)


def test_a_greater_task_weight_lowers_the_tasks_training_loss(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    light, heavy = (
        kind(task_weight={"task_2": weight}, max_epochs=40).fit(X, labels).history_["train_loss_task_2"]
        for weight in (0.01, 100.0)
    )
    last = min(len(light), len(heavy)) - 1
    assert heavy[last] < light[last]


def test_a_greater_class_weight_raises_the_classs_probability(classifier, numbers):
    X, labels = numbers[0], classifier.labels(numbers[1])
    light, heavy = (
        classifier(class_weight={"task_1": {1.0: weight}}, n_trees=0).fit(X, labels).predict_proba(X)
        for weight in (0.1, 10.0)
    )
    assert light[1][:, 1].max() < heavy[1][:, 1].min()
    np.testing.assert_allclose(light[2].mean(axis=0), heavy[2].mean(axis=0), atol=0.1)


@pytest.mark.parametrize("n_trees", [0, 40])
def test_a_greater_class_weight_raises_the_classs_probability_out_of_fold(classifier, numbers, n_trees):
    X, labels = numbers[0], classifier.labels(numbers[1])
    light, heavy = (
        classifier(class_weight={"task_1": {1.0: weight}}, n_trees=n_trees).fit(X, labels).oof_proba_[1]
        for weight in (0.1, 10.0)
    )
    assert (light[:, 1] < heavy[:, 1]).mean() > 0.95
    assert heavy[:, 1].mean() > light[:, 1].mean() + 0.3


def test_balanced_classes_are_equally_probable_without_a_signal(classifier):
    X = np.random.default_rng(0).normal(size=(100, 2))
    y = np.array(["rare", *["common"] * 9])[np.arange(100) % 10]
    plain, balanced = (
        classifier(class_weight=weight).fit(X, y).predict_proba(X).mean(axis=0)
        for weight in (None, "balanced")
    )
    np.testing.assert_allclose(plain, [0.9, 0.1], atol=0.07)
    np.testing.assert_allclose(balanced, [0.5, 0.5], atol=0.07)


def test_class_weights_are_sample_weights(classifier, numbers):
    X, labels = numbers[0], classifier.labels(numbers[1])[:, 1:]
    by_class = classifier(class_weight={0.0: 3.0}).fit(X, labels)
    by_label = classifier().fit(X, labels, sample_weight=np.where(labels == 0, 3.0, 1.0))
    assert_same_fit(by_class, by_label, X)


def test_score_takes_weights(kind, numbers, counts):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind().fit(X, labels)
    repeated = np.repeat(np.arange(len(X)), counts)
    expected = model.score(X[repeated], labels[repeated])
    assert model.score(X, labels, sample_weight=counts) == pytest.approx(expected)
    by_label = np.repeat(counts[:, None], 3, axis=1)
    assert model.score(X, labels, sample_weight=by_label) == pytest.approx(expected)


def test_weights_are_routed_through_a_pipeline(kind, numbers, counts):
    X, labels = numbers[0], kind.labels(numbers[1])
    scaled = StandardScaler().fit_transform(X)
    expected = kind().fit(scaled, labels, sample_weight=counts)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = kind().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, estimator).fit(X, labels, sample_weight=counts)
    np.testing.assert_array_equal(pipeline.predict(X), expected.predict(scaled))
    assert (outputs(pipeline[-1], scaled) != outputs(kind().fit(scaled, labels), scaled)).any()
