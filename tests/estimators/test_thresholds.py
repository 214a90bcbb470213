"""The choice of a threshold: exact, whatever ties and weights there are."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from sklearn_mtl.estimators._thresholds import METRICS_OF_COUNTS, best_threshold
from sklearn_mtl.metrics import multitask_score

BY_SKLEARN = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "f1": lambda true, pred, **options: f1_score(true, pred, average="macro", **options),
    "f1_second": f1_score,
}
each_metric = pytest.mark.parametrize("metric", BY_SKLEARN)


@pytest.fixture(params=["continuous", "ties", "certain"])
def task(request):
    """Probabilities, labels and weights of 80 rows."""
    rng = np.random.default_rng(0)
    probability = rng.random(80)
    is_second = rng.random(80) < probability**2
    if request.param == "ties":
        probability = np.round(probability, 1)
    if request.param == "certain":
        probability = np.clip(np.round(1.5 * probability - 0.25, 2), 0, 1)
    return probability, is_second, rng.integers(0, 4, 80).astype(float)


def scores(task, metric):
    """Score every threshold that can make a difference, one by one."""
    probability, is_second, weight = task
    seen = weight > 0
    cuts = np.unique(np.concatenate([[0.0], probability, np.nextafter(probability[probability > 0], 0)]))
    return {
        cut: BY_SKLEARN[metric](is_second[seen], probability[seen] > cut, sample_weight=weight[seen])
        for cut in cuts
    }


def test_every_metric_has_a_reference():
    assert METRICS_OF_COUNTS.keys() == BY_SKLEARN.keys()


@each_metric
def test_no_threshold_has_a_better_score(task, metric):
    probability, is_second, weight = task
    threshold = best_threshold(probability, is_second, weight, metric=metric)
    score = BY_SKLEARN[metric](is_second, probability > threshold, sample_weight=weight)
    assert 0 <= threshold <= 1
    assert score == pytest.approx(max(scores(task, metric).values()), abs=1e-12)


@each_metric
def test_weight_2_is_the_row_twice(task, metric):
    probability, is_second, weight = task
    repeated = np.repeat(np.arange(80), weight.astype(int))
    assert best_threshold(probability, is_second, weight, metric=metric) == best_threshold(
        probability[repeated], is_second[repeated], np.ones(len(repeated)), metric=metric
    )


@each_metric
def test_the_order_of_rows_does_not_matter(task, metric):
    backwards = [part[::-1] for part in task]
    assert best_threshold(*task, metric=metric) == best_threshold(*backwards, metric=metric)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1"])
def test_the_metrics_are_those_of_multitask_score(task, metric):
    probability, is_second, weight = task
    predicted = probability > best_threshold(*task, metric=metric)
    score = multitask_score(is_second, predicted, metric=metric, sample_weight=weight)
    assert score == pytest.approx(max(scores(task, metric).values()))


@each_metric
def test_the_threshold_lies_midway_between_classes(metric):
    probability, is_second = np.array([0.7, 0.1, 0.2, 0.9]), np.array([True, False, False, True])
    assert best_threshold(probability, is_second, np.ones(4), metric=metric) == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("probability", "nearest"), [([0.1, 0.3, 0.8, 0.9], 0.2), ([0.1, 0.2, 0.6, 0.8], 0.7)]
)
def test_of_equal_scores_the_nearest_to_a_half_is_taken(probability, nearest):
    is_second = np.array([False, True, False, True])
    threshold = best_threshold(np.array(probability), is_second, np.ones(4), metric="accuracy")
    assert threshold == pytest.approx(nearest)


def test_all_rows_may_be_of_the_second_class():
    probability, is_second = np.array([0.1, 0.2, 0.3]), np.array([True, False, True])
    assert best_threshold(probability, is_second, np.ones(3), metric="f1_second") == pytest.approx(0.05)


def test_a_row_of_probability_0_is_never_of_the_second_class():
    probability, is_second = np.array([0.0, 0.2, 0.3]), np.array([True, False, True])
    threshold = best_threshold(probability, is_second, np.ones(3), metric="f1_second")
    assert threshold == pytest.approx(0.25)


def test_neighbouring_floats_are_told_apart():
    low = 0.3
    probability = np.array([low, np.nextafter(low, 1)])
    threshold = best_threshold(probability, np.array([False, True]), np.ones(2), metric="accuracy")
    assert (probability > threshold).tolist() == [False, True]


@each_metric
@pytest.mark.parametrize(
    ("probability", "is_second", "weight"),
    [
        ([0.2, 0.3, 0.4], [True, True, True], [1, 1, 1]),
        ([0.2, 0.3, 0.4], [False, False, False], [1, 1, 1]),
        ([0.2, 0.3, 0.4], [True, False, False], [0, 1, 1]),
        ([0.2, 0.2, 0.2], [True, False, True], [1, 1, 1]),
        ([0.2, 0.3, 0.4], [True, False, True], [0, 0, 0]),
        ([], [], []),
    ],
    ids=["all-second", "all-first", "one-class-of-weight", "constant", "no-weight", "no-rows"],
)
def test_what_says_nothing_leaves_the_threshold_at_a_half(probability, is_second, weight, metric):
    arrays = np.array(probability), np.array(is_second, dtype=bool), np.array(weight, dtype=float)
    assert best_threshold(*arrays, metric=metric) == 0.5
