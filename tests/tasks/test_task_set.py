import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.tasks import read_tasks


def read(y, kind="classification"):
    return read_tasks(y, kind=kind, owner="Test")


def test_decode_undoes_reading_of_classes(class_table):
    task_set, targets = read(class_table)
    labels = np.where(targets.observed, task_set.decode(targets.values), None)
    assert labels.tolist() == [["cat", 1], ["dog", None], [None, 0], ["bee", 1], ["cat", 0]]


def test_encode_repeats_reading_of_classes(class_table):
    task_set, targets = read(class_table)
    again = task_set.encode(class_table, owner="Test")
    np.testing.assert_array_equal(again.values, targets.values)
    np.testing.assert_array_equal(again.observed, targets.observed)


def test_encode_repeats_reading_of_numbers(number_table):
    task_set, targets = read(number_table, "regression")
    again = task_set.encode(number_table, owner="Test")
    np.testing.assert_array_equal(again.values, targets.values)


@pytest.mark.parametrize("y", [[1.0, 2.0], [[1.0], [2.0]], [[1.0, 3.0], [2.0, 4.0]]], ids=["1d", "n1", "n2"])
def test_decode_keeps_the_axes_of_y(y):
    task_set, targets = read(y, "regression")
    decoded = task_set.decode(targets.values)
    assert decoded.dtype == np.float64
    np.testing.assert_array_equal(decoded, y)


def test_multilabel_indicator_comes_back_in_its_dtype():
    y = np.array([[0, 1], [1, 0], [1, 1]], dtype=np.int8)
    task_set, targets = read(y)
    decoded = task_set.decode(targets.values)
    assert decoded.dtype == np.int8
    np.testing.assert_array_equal(decoded, y)


def test_encode_matches_frames_by_name_and_arrays_by_position():
    task_set, _ = read(pd.DataFrame({"a": [0, 1], "b": ["x", "y"]}))
    named = task_set.encode(pd.DataFrame({"b": ["y"], "a": [0]}), owner="Test")
    placed = task_set.encode([[0, "y"]], owner="Test")
    assert named.values.tolist() == placed.values.tolist() == [[0.0, 1.0]]


def test_encode_places_frames_by_position_where_fit_had_no_names():
    task_set, _ = read([[0, 5], [1, 6]])
    assert task_set.encode(pd.DataFrame({"b": [1], "a": [5]}), owner="Test").values.tolist() == [[1.0, 0.0]]


def test_encode_marks_unknown_classes():
    task_set, _ = read(["a", "b"])
    assert task_set.encode(["b", "c", None], owner="Test").values.ravel().tolist() == [1.0, -1.0, 0.0]


def test_encode_takes_true_and_one_for_the_same_class():
    task_set, _ = read([True, False])
    assert task_set.encode([1, 0, 1.0], owner="Test").values.ravel().tolist() == [1.0, 0.0, 1.0]


def test_encode_allows_a_task_without_labels():
    task_set, _ = read([[1, 0], [0, 1]])
    assert not task_set.encode([[1, None], [0, None]], owner="Test").observed[:, 1].any()


def test_encode_refuses_text_for_numbers():
    task_set, _ = read([0, 1])
    with pytest.raises(ValueError, match="Test: task 'y' has labels like 'a'"):
        task_set.encode(["a"], owner="Test")


def test_encode_refuses_another_number_of_tasks():
    task_set, _ = read([[1, 0], [0, 1]])
    with pytest.raises(ValueError, match=r"y has 1 column\(s\), expected 2"):
        task_set.encode([1, 0], owner="Test")
