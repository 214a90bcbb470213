import numpy as np
import pytest

from sklearn_mtl.training._folds import _MAX_ONE_BY_ONE, assign_folds


def folds_of(labels, n_classes, n_folds, *, seed=0, groups=None):
    labels, n_classes = np.asarray(labels, dtype=float), np.asarray(n_classes)
    rng = np.random.default_rng(seed)
    return assign_folds(labels, n_classes=n_classes, n_folds=n_folds, rng=rng, groups=groups)


def binary_tasks(n_rows, n_tasks, *, seed=0, missing=0.3):
    rng = np.random.default_rng(seed)
    labels = (rng.random((n_rows, n_tasks)) < np.geomspace(0.02, 0.5, n_tasks)).astype(float)
    labels[rng.random(labels.shape) < missing] = np.nan
    return labels


def spread(is_label, folds, n_folds):
    """Difference between the fold with most and the fold with fewest of these rows."""
    return int(np.ptp(np.bincount(folds[is_label], minlength=n_folds)))


def largest_spread(labels, folds, n_folds):
    return max(spread(column == label, folds, n_folds) for column in labels.T for label in (0, 1))


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("n_rows", [40, 41, 1000])
def test_classes_of_one_task_are_balanced_to_one_row(n_rows, n_classes):
    labels = np.random.default_rng(0).integers(0, n_classes, n_rows).astype(float)
    folds = folds_of(labels[:, None], [n_classes], 5)
    assert max(spread(labels == label, folds, 5) for label in range(n_classes)) <= 1


@pytest.mark.parametrize("n_rows", [200, 2000])
def test_labels_of_many_tasks_are_balanced_to_a_few_rows(n_rows):
    tables = [binary_tasks(n_rows, 14, seed=seed) for seed in range(10)]
    spreads = [largest_spread(labels, folds_of(labels, [2] * 14, 8), 8) for labels in tables]
    assert max(spreads) <= 6
    assert np.mean(spreads) <= 4.5


def test_more_rows_than_are_dealt_one_by_one_are_balanced():
    labels = binary_tasks(3 * _MAX_ONE_BY_ONE, 6)
    labels[:, 0] = np.random.default_rng(1).permutation(len(labels)) < 41
    folds = folds_of(labels, [2] * 6, 5)
    assert largest_spread(labels, folds, 5) <= 10
    assert spread(labels[:, 0] == 1, folds, 5) == 1


def test_observed_labels_of_a_regression_task_are_balanced():
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((100, 2)) < 0.2, rng.normal(size=(100, 2)), np.nan)
    folds = folds_of(labels, [0, 0], 5)
    assert max(spread(~np.isnan(column), folds, 5) for column in labels.T) <= 1


def test_mixed_tasks_are_balanced_together():
    rng = np.random.default_rng(0)
    labels = np.column_stack([rng.integers(0, 3, 90), np.where(rng.random(90) < 0.3, 1.5, np.nan)])
    folds = folds_of(labels, [3, 0], 3)
    assert max(spread(labels[:, 0] == label, folds, 3) for label in range(3)) <= 1
    assert spread(~np.isnan(labels[:, 1]), folds, 3) <= 1


@pytest.mark.parametrize("n_tasks", [1, 5, 20])
@pytest.mark.parametrize(("n_rows", "n_folds"), [(5, 5), (8, 8), (9, 8), (20, 8)])
def test_no_fold_is_empty(n_rows, n_folds, n_tasks):
    for seed in range(20):
        labels = binary_tasks(n_rows, n_tasks, seed=seed, missing=0.5)
        folds = folds_of(labels, [2] * n_tasks, n_folds, seed=seed)
        assert set(folds) == set(range(n_folds))


def test_rows_without_labels_are_dealt_evenly():
    assert np.bincount(folds_of(np.full((20, 2), np.nan), [2, 0], 5)).tolist() == [4] * 5


def test_fewer_rows_than_folds_get_a_fold_each():
    assert len(set(folds_of([[0.0], [1.0], [1.0]], [2], 5))) == 3


def test_groups_stay_together_and_are_balanced():
    rng = np.random.default_rng(0)
    groups, labels = rng.integers(0, 100, 3000), binary_tasks(3000, 4)
    folds = folds_of(labels, [2] * 4, 5, groups=groups)
    assert all(len(set(folds[groups == group])) == 1 for group in range(100))
    assert spread(np.ones(3000, dtype=bool), folds, 5) <= 30
    assert largest_spread(labels, folds, 5) <= 45  # one and a half groups


def test_no_fold_is_empty_of_groups():
    groups = np.array([0] * 50 + [1] * 2 + [2] * 2)
    assert len(set(folds_of(binary_tasks(54, 2), [2, 2], 3, groups=groups))) == 3


def test_groups_of_one_row_are_no_groups():
    labels = binary_tasks(300, 4)
    ungrouped, grouped = (folds_of(labels, [2] * 4, 5, groups=groups) for groups in (None, np.arange(300)))
    np.testing.assert_array_equal(ungrouped, grouped)


def test_same_seed_same_folds():
    labels = binary_tasks(300, 4)
    np.testing.assert_array_equal(folds_of(labels, [2] * 4, 5), folds_of(labels, [2] * 4, 5))
    assert (folds_of(labels, [2] * 4, 5) != folds_of(labels, [2] * 4, 5, seed=1)).any()


def test_dealing_leaves_the_global_generator_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002  the global state is the point
    folds_of(binary_tasks(50, 2), [2, 2], 5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002  the global state is the point
