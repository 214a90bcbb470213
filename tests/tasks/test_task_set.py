import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.exceptions import UnknownClassWarning
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


def test_encode_marks_unknown_classes_and_names_them():
    task_set, _ = read(pd.DataFrame({"size": ["a", "b"], "flag": [0, 1]}))
    y = pd.DataFrame({"size": ["b", "c", None], "flag": [0, None, 1]})
    with pytest.warns(UnknownClassWarning, match=r"Test: y has classes .*: {'size': \['c'\]}, by task"):
        targets = task_set.encode(y, owner="Test")
    assert targets.values.tolist() == [[1, 0], [-1, 0], [0, 1]]
    assert targets.observed.tolist() == [[1, 1], [1, 0], [0, 1]]


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


TEXT = ["b", "a", None, "c"]
COLUMNS = {
    "float64": [1.5, None, 2.0, 3.0],
    "bool": [True, False, False, True],
    "boolean": pd.array([True, None, False, True], dtype="boolean"),
    "bool-object": np.array([True, None, False, True], dtype=object),
    "float64-as-classes": np.array([3.0, np.nan, 7.0, 3.0]),
    "float32": np.array([3.0, np.nan, 7.0, 3.0], dtype=np.float32),
    "Float64": pd.array([3.0, None, 7.0, 3.0], dtype="Float64"),
    "int8": np.array([1, 0, 1, 1], dtype=np.int8),
    "uint64": np.array([2**63, 7, 2**63, 8], dtype=np.uint64),
    "UInt8": pd.array([255, None, 7, 255], dtype="UInt8"),
    "int-object": np.array([3, None, 7, 7], dtype=object),
    "int64": [3, 7, 3, 7],
    "Int16": pd.array([3, None, 7, 7], dtype="Int16"),
    "str": TEXT,
    "object": pd.Series(TEXT, dtype=object),
    "text-of-other-scripts": ["ß", "", None, "語"],
    "string": pd.array(TEXT, dtype="string"),
    "category": pd.Categorical(TEXT, categories=["d", "c", "b", "a"], ordered=True),
    "category-of-numbers": pd.Categorical([3, None, 7, 5]),
    "category-of-floats": pd.Categorical([3.0, None, 7.0, 5.0]),
    "category-of-bools": pd.Categorical([True, None, False, True]),
    "category-of-intervals": pd.cut([1, np.nan, 5, 9], [0, 3, 6, 10]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_observed_labels_come_back_as_they_were_in_every_dtype(name):
    check_labels_come_back(pd.Series(COLUMNS[name]))


@pytest.mark.parametrize("dtype", ["bool[pyarrow]", "uint8[pyarrow]", "string[pyarrow]", "float[pyarrow]"])
def test_observed_labels_come_back_as_arrow_has_them(dtype):
    pytest.importorskip("pyarrow")
    check_labels_come_back(pd.Series([True, None, False, True], dtype="boolean").astype(dtype))


def check_labels_come_back(column):
    y = pd.DataFrame({"other": [0.5, 1.5, 2.5, 3.5]}, index=[4, 2, 9, 7])
    y["task"] = column.array
    kind = "regression" if (column == 1.5).any() else "classification"
    task_set, targets = read(y, {"task": kind})
    again = task_set.encode(y, owner="Test")
    np.testing.assert_array_equal(again.values, targets.values)
    back = task_set.decode_frame(again.values, index=y.index)
    observed = y["task"].notna()
    assert again.observed[:, 1].tolist() == observed.tolist()
    pd.testing.assert_series_equal(back.loc[observed, "task"], y.loc[observed, "task"])
    pd.testing.assert_series_equal(back["other"], y["other"])


def test_numbers_come_back_as_float64_from_a_frame_of_any_dtype():
    y = pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int8"), "b": np.array([1, 2, 3], dtype=np.float32)})
    task_set, targets = read(y, "regression")
    assert (task_set.decode_frame(targets.values).dtypes == np.float64).all()


def test_probabilities_are_those_of_classification_tasks_in_the_order_of_their_classes():
    y = pd.DataFrame({"n": [0.5, 1.5, 2.5], "flag": [True, False, True], "size": ["S", "M", "L"]})
    task_set, _ = read(y, None)
    outputs = np.array(
        [[7.0, 0.2, 0.5, 0.2, 0.3], [-7.0, 0.9, 0.1, 0.2, 0.7]]
    )  # n, P(True), P(L), P(M), P(S)
    probabilities = task_set.probabilities(outputs)
    assert {name: classes.tolist() for name, classes in task_set.classes.items()} == {
        "flag": [False, True],
        "size": ["L", "M", "S"],
    }
    np.testing.assert_allclose(probabilities["flag"], [[0.8, 0.2], [0.1, 0.9]])
    np.testing.assert_array_equal(probabilities["size"], outputs[:, 2:])
    assert task_set.decide(outputs).tolist() == [[7.0, 0, 0], [-7.0, 1, 2]]
    assert task_set.decode_frame(task_set.decide(outputs))["size"].tolist() == ["L", "S"]
