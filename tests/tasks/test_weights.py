import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight

from sklearn_mtl.tasks import named_weights, read_tasks, row_weights, sample_weight_table, task_weights

Y = pd.DataFrame({"a": ["x", "x", "y", None], "b": [0, 1, 1, 1]})


def weights(y=Y, kind="classification", **options):
    task_set, targets = read_tasks(y, kind=kind, owner="Test")
    return row_weights(task_set, targets, owner="Test", **options)


def test_missing_labels_weigh_nothing():
    assert weights().tolist() == [[1, 1], [1, 1], [1, 1], [0, 1]]


@pytest.mark.parametrize(
    "sample_weight",
    [[1, 2, 3, 4], np.array([1.0, 2, 3, 4]), pd.Series([1, 2, 3, 4], index=list("dcba"))],
    ids=["list", "numpy", "series"],
)
def test_row_weights_serve_all_tasks(sample_weight):
    assert weights(sample_weight=sample_weight).tolist() == [[1, 1], [2, 2], [3, 3], [0, 4]]


def test_label_weights_are_matched_by_name():
    table = pd.DataFrame({"b": [1, 2, 3, 4], "a": [5, 6, 7, 8]})
    assert weights(sample_weight=table).tolist() == [[5, 1], [6, 2], [7, 3], [0, 4]]
    assert weights(sample_weight=table.to_numpy()).tolist() == [[1, 5], [2, 6], [3, 7], [0, 8]]


def test_no_weights_are_ones():
    table = sample_weight_table(None, n_rows=3, names=["a", "b"], is_named=True, owner="Test")
    assert table.tolist() == [[1.0]] * 3


def test_sample_weight_is_left_as_it_was():
    sample_weight = np.ones((4, 2))
    weights(sample_weight=sample_weight, class_weight="balanced")
    np.testing.assert_array_equal(sample_weight, 1.0)


@pytest.mark.parametrize(
    ("sample_weight", "message"),
    [
        ([1, 1, 1], r"sample_weight has shape \(3,\), expected \(4,\), or \(4, 2\)"),
        (np.ones((4, 3)), r"sample_weight has shape \(4, 3\)"),
        ([1, 1, 1, -0.5], r"sample_weight contains -0\.5"),
        ([1, 1, 1, np.nan], "sample_weight contains NaN"),
        ([1, 1, 1, np.inf], "sample_weight contains NaN or infinity"),
        ([0, 0, 0, 0], "sample_weight is zero in all 4 rows"),
        (["a"] * 4, "sample_weight must hold numbers"),
        ([0, 0, 0, 1], "all observed labels of task 'a' have sample_weight zero"),
        ([1, 1, 0, 1], "task 'a' has only one class, 'x', with a sample_weight above 0"),
        (pd.DataFrame(np.ones((4, 2)), columns=["a", "c"]), r"sample_weight are \['a', 'c'\]"),
    ],
)
def test_unusable_sample_weights_are_refused(sample_weight, message):
    with pytest.raises(ValueError, match=f"Test: .*{message}"):
        weights(sample_weight=sample_weight)


def test_zero_weights_of_a_regression_task_are_refused():
    with pytest.raises(ValueError, match="task 'task_1' have sample_weight zero"):
        weights([[1.0, None], [2.0, 3.0]], kind="regression", sample_weight=[1, 0])


def test_balanced_weights_are_those_of_scikit_learn():
    y = np.array([0, 0, 0, 1, 2, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)[y]
    np.testing.assert_allclose(weights(y, class_weight="balanced").ravel(), expected)


def test_balanced_weights_count_sample_weights_as_repetitions():
    y, sample_weight = np.array([0, 0, 1, 2]), np.array([1, 3, 2, 1])
    repeated = weights(np.repeat(y, sample_weight), class_weight="balanced").ravel()
    weighted = weights(y, class_weight="balanced", sample_weight=sample_weight).ravel()
    np.testing.assert_allclose(np.bincount(np.repeat(y, sample_weight), repeated), np.bincount(y, weighted))


@pytest.mark.parametrize(
    ("class_weight", "expected"),
    [
        ({"x": 3}, [[3, 1], [3, 1], [1, 1], [0, 1]]),
        ({0: 2.0, 1: 0.5}, [[1, 2], [1, 0.5], [1, 0.5], [0, 0.5]]),
        ({"a": {"y": 4}}, [[1, 1], [1, 1], [4, 1], [0, 1]]),
        ({"a": None, "b": "balanced"}, [[1, 2], [1, 2 / 3], [1, 2 / 3], [0, 2 / 3]]),
        ([{"x": 3}, {0: 2}], [[3, 2], [3, 1], [1, 1], [0, 1]]),
        ({}, [[1, 1], [1, 1], [1, 1], [0, 1]]),
    ],
    ids=["classes-of-a", "classes-of-b", "by-name", "by-name-balanced", "list", "empty"],
)
def test_class_weights_reach_their_tasks(class_weight, expected):
    np.testing.assert_allclose(weights(class_weight=class_weight), expected)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("balance", "class_weight of task 'a' is 'balance'"),
        ({"x": 1, "z": 2}, r"class_weight names the classes \['x', 'z'\]"),
        ({"a": {"z": 2}}, r"class_weight names classes \['z'\] that task 'a' does not have"),
        ({"c": "balanced"}, r"class_weight names unknown tasks \['c'\]"),
        (["balanced"], "class_weight has 1 items, expected 2"),
        ({"x": -1}, "class_weight of task 'a' contains -1"),
        ({"x": 0}, "task 'a' has only one class"),
        ([3, None], "class_weight of task 'a' is 3"),
    ],
)
def test_unusable_class_weights_are_refused(class_weight, message):
    with pytest.raises(ValueError, match=f"Test: {message}"):
        weights(class_weight=class_weight)


@pytest.mark.parametrize(
    ("task_weight", "expected"),
    [
        (None, [1, 1]),
        ({"b": 3}, [1, 3]),
        ([0, 2], [0, 2]),
        (np.array([1.5, 2]), [1.5, 2]),
        (pd.Series({"b": 3, "a": 2}), [2, 3]),
        (pd.Series([2, 3]), [2, 3]),
    ],
    ids=["None", "dict", "list", "array", "named-series", "series"],
)
def test_task_weights_follow_the_tasks(task_weight, expected):
    task_set, _ = read_tasks(Y, kind="classification", owner="Test")
    assert task_weights(task_set, task_weight, owner="Test").tolist() == expected


@pytest.mark.parametrize(
    ("task_weight", "message"),
    [
        ({"c": 1}, r"task_weight names unknown tasks \['c'\]; the tasks are \['a', 'b'\]"),
        ({"a": -1}, "task_weight contains -1"),
        ([np.nan, 1], "task_weight contains NaN"),
        ([0, 0], r"task_weight is zero for all tasks \['a', 'b'\]"),
        ([1, 1, 1], r"task_weight has shape \(3,\), expected \(2,\)"),
        (2.0, r"task_weight has shape \(\), expected \(2,\)"),
    ],
)
def test_unusable_task_weights_are_refused(task_weight, message):
    with pytest.raises(ValueError, match=f"Test: {message}"):
        named_weights(["a", "b"], task_weight, owner="Test")


MIXED = pd.DataFrame({"a": ["x", "x", "y", None], "b": [0.5, 1.5, 2.5, 3.5]})


@pytest.mark.parametrize(
    "class_weight",
    ["balanced", {"a": "balanced"}, ["balanced", None], {"a": "balanced", "b": None}],
    ids=["all", "by-name", "list", "by-name-None"],
)
def test_class_weights_reach_tasks_with_classes_only(class_weight):
    expected = [[0.75, 1], [0.75, 1], [1.5, 1], [0, 1]]
    np.testing.assert_allclose(weights(MIXED, kind=None, class_weight=class_weight), expected)


@pytest.mark.parametrize("class_weight", [{"b": "balanced"}, [None, {"x": 2}]])
def test_class_weights_of_numbers_are_refused(class_weight):
    with pytest.raises(ValueError, match=r"Test: class_weight gives .* to task 'b', which is regression"):
        weights(MIXED, kind=None, class_weight=class_weight)
