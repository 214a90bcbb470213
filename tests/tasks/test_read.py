import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.tasks import read_tasks


def read(y, kind="classification"):
    return read_tasks(y, kind=kind, owner="Test")


def test_containers_of_classes_are_read_alike(class_table):
    task_set, targets = read(class_table)
    assert [task.kind for task in task_set.tasks] == ["multiclass", "binary"]
    assert [task.classes.tolist() for task in task_set.tasks] == [["bee", "cat", "dog"], [0, 1]]
    assert targets.values.tolist() == [[1, 1], [2, 0], [0, 0], [0, 1], [1, 0]]
    assert targets.observed.tolist() == [[1, 1], [1, 0], [0, 1], [1, 1], [1, 1]]


def test_containers_of_numbers_are_read_alike(number_table):
    task_set, targets = read(number_table, "regression")
    assert task_set.n_outputs == (1, 1)
    assert targets.values.tolist() == [[1.5, 0.0], [2.5, 7.0], [0.0, 8.0]]
    assert targets.observed.tolist() == [[True, False], [True, True], [False, True]]


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (np.array([[0, 1], [1, 0]], dtype=np.int8), np.int8),
        (np.array([[0, np.nan], [1, 0], [1, 1]]), np.float64),
        (np.array([["a", "bcd"], ["b", "c"]]), "<U3"),
        (pd.DataFrame({"a": [1, 0], "b": [1.0, 0.0]}), np.float64),
        (pd.DataFrame({"a": [1, 0], "b": [True, False]}), object),
        (pd.DataFrame({"a": [1, 0], "b": ["x", "y"]}), object),
    ],
    ids=["indicator", "holes", "text", "int-float", "int-bool", "int-text"],
)
def test_label_dtype_is_shared_or_object(y, dtype):
    assert read(y)[0].dtype == dtype


def test_numpy_classes_keep_their_dtype_and_order():
    task_set, _ = read(np.array([3, -1, 2], dtype=np.int16))
    assert task_set.tasks[0].classes.dtype == np.int16
    assert task_set.tasks[0].classes.tolist() == [-1, 2, 3]


def test_categories_that_never_occur_are_no_classes():
    task_set, _ = read(pd.Series(pd.Categorical(["b", "a"], categories=["c", "b", "a"])))
    assert task_set.tasks[0].classes.tolist() == ["a", "b"]


def test_task_without_labels_is_named():
    with pytest.raises(ValueError, match="Test: task 'toxicity' has no observed label in 3 rows; drop"):
        read(pd.DataFrame({"a": [0, 1, 0], "toxicity": [None] * 3}))


def test_task_with_one_class_is_named():
    with pytest.raises(ValueError, match="Test: task 'b' has only one class, 'x', in 2 observed labels"):
        read(pd.DataFrame({"a": [0, 1, 0], "b": ["x", None, "x"]}))


def test_rows_without_any_label_are_kept():
    _, targets = read([[0, "a"], [None, None], [1, "b"]])
    assert targets.observed.tolist() == [[True, True], [False, False], [True, True]]
