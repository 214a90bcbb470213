import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.exceptions import TaskTypeWarning
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


MIXED = pd.DataFrame(
    {
        "rating": [1.5, None, 3.0, 4.0],
        "genre": pd.Categorical(["a", "b", None, "c"]),
        "seen": pd.array([True, None, False, True], dtype="boolean"),
    }
)


@pytest.mark.parametrize(
    "kind",
    [
        None,
        {},
        {"rating": "regression"},
        {"genre": "multiclass", "seen": "binary", "rating": None},
        {"genre": "classification", "seen": "multiclass"},
        ["regression", "classification", None],
        ("regression", "multiclass", "binary"),
    ],
)
def test_inferred_and_given_kinds_stand_side_by_side(kind):
    task_set, targets = read(MIXED, kind)
    assert [task.kind for task in task_set.tasks] == ["regression", "multiclass", "binary"]
    assert task_set.n_outputs == (1, 3, 1)
    assert targets.values.tolist() == [[1.5, 0, 1], [0, 1, 0], [3, 0, 0], [4, 2, 1]]


def test_numbers_are_what_the_user_says_they_are():
    y = pd.DataFrame({"a": [0, 1, 2, 1], "b": [0, 1, 1, 0]})
    given = ("regression", "classification", {"a": "multiclass", "b": "regression"})
    kinds = [[task.kind for task in read(y, kind)[0].tasks] for kind in given]
    assert kinds == [["regression"] * 2, ["multiclass", "binary"], ["multiclass", "regression"]]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "ordinary",
            r"says that task 'rating' is 'ordinary', expected one of \['regression', 'cl",
        ),
        ({"genre": "class"}, "says that task 'genre' is 'class', expected one of"),
        ({"genre": ["binary"]}, r"says that task 'genre' is \['binary'\], expected one of"),
        (
            {"gerne": "binary"},
            r"names unknown tasks \['gerne'\]; the tasks are \['rating', 'genre', 'seen'\]",
        ),
        (
            ["regression"],
            r"has 1 items, expected 3, one for each of the tasks \['rating', 'genre', 'seen'\]; or",
        ),
        (
            {"genre": "binary"},
            r"says that task 'genre' is 'binary', but it has 3 classes, \['a', 'b', 'c'\]; use",
        ),
    ],
)
def test_unusable_kinds_are_refused(kind, message):
    with pytest.raises(ValueError, match=f"Test: task_types {message}"):
        read(MIXED, kind)


def test_text_is_no_number_whatever_the_user_says():
    with pytest.raises(ValueError, match=r"task 'genre' has labels like 'a' .*task_types={'genre': 'class"):
        read(MIXED, {"genre": "regression"})


def test_fractions_are_no_classes_whatever_the_user_says():
    with pytest.raises(ValueError, match=r"Task 'rating' has labels like 1\.5.*task_types={'rating': 'regr"):
        read(MIXED, {"rating": "classification"})


def test_one_warning_names_all_guesses_and_how_to_say_them():
    y = pd.DataFrame(
        {"stars": [1, 2, 3] * 3, "text": list("abc") * 3, "n": range(9), "flag": [0.0, 1, 1] * 3}
    )
    with pytest.warns(TaskTypeWarning) as caught:
        task_set, _ = read(y, None)
    assert [task.kind for task in task_set.tasks] == ["multiclass", "multiclass", "regression", "binary"]
    (message,) = [str(warning.message) for warning in caught]
    assert "task 'stars' as multiclass (3 different whole numbers)" in message
    assert "task 'n' as regression (9 different whole numbers)" in message
    assert "task 'flag' as binary (two different whole numbers, as floats)" in message
    said = {"stars": "multiclass", "n": "regression", "flag": "binary"}
    assert f"task_types={said}" in message
    again, _ = read(y, said)  # without a warning: they are errors here
    assert [task.kind for task in again.tasks] == [task.kind for task in task_set.tasks]
