import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_mtl.tasks import match_columns, read_labels


def column(y):
    return read_labels(y, owner="Test").columns[0]


@pytest.mark.parametrize("hole", [None, np.nan, pd.NA, pd.NaT], ids=["None", "nan", "NA", "NaT"])
def test_every_mark_of_a_hole_is_a_missing_label(hole):
    assert column(["a", hole, "b"]).observed.tolist() == [True, False, True]


def test_numbers_beside_text_stay_numbers():
    table = read_labels([["a", 1], ["b", 2]], owner="Test")
    assert [c.labels.tolist() for c in table.columns] == [["a", "b"], [1, 2]]


def test_text_nan_is_a_label():
    assert column(["nan", "b"]).labels.tolist() == ["nan", "b"]


def test_nan_inside_a_nullable_column_is_missing():
    numbers = pd.Series([0.0, 1.0], dtype="Float64")
    assert column(numbers / numbers).labels.tolist() == [1.0]


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (np.array([1, 2], dtype=np.int8), np.int8),
        (np.array([1, None, 2], dtype=object), np.int64),
        (np.array([True, None, False], dtype=object), np.bool_),
        (pd.Series([1, None, 2], dtype="Int16"), np.int16),
        (pd.Series([True, None], dtype="boolean"), np.bool_),
        (pd.Series(["a", None], dtype="string"), object),
        (["a", "bc"], "<U2"),
    ],
)
def test_labels_have_their_own_dtype(y, dtype):
    assert column(y).labels.dtype == dtype


@pytest.mark.parametrize(
    ("y", "names", "is_1d", "is_named"),
    [
        ([1, 2], ["y"], True, False),
        (pd.Series([1, 2]), ["y"], True, False),
        (pd.Series([1, 2], name="rain"), ["rain"], True, True),
        (pd.Categorical([1, 2]), ["y"], True, False),
        ([[1], [2]], ["task_0"], False, False),
        (pd.DataFrame([[1, 2]], columns=["a", 7]), ["a", "7"], False, True),
    ],
)
def test_names_and_axes_are_kept(y, names, is_1d, is_named):
    table = read_labels(y, owner="Test")
    assert (table.names, table.is_1d, table.is_named) == (names, is_1d, is_named)


def test_reading_leaves_the_input_as_it_was():
    y = np.array([["a", None], ["b", 1]], dtype=object)
    before = y.copy()
    read_labels(y, owner="Test")
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, ValueError, "Test requires y to be passed, but the target y is None"),
        (np.zeros((2, 3, 4)), ValueError, r"y has 3 axes, shape \(2, 3, 4\)"),
        (5.0, ValueError, "y has 0 axes"),
        ([[1, 2], [3]], ValueError, "Test: y is not a table of labels"),
        (np.zeros((4, 0)), ValueError, r"y has no column \(shape \(4, 0\)\)"),
        (pd.DataFrame(index=[0, 1]), ValueError, "y has no column"),
        (
            sparse.csr_array([[1, 0], [0, np.nan]]),
            ValueError,
            r"Test: y is sparse and has nan in row 1, column 1; .* 0 and 1 only.* give y dense",
        ),
        (
            sparse.csc_matrix([[1, 0], [3, 1]]),
            ValueError,
            "has 3 in row 1, column 0.* other classes",
        ),
        (sparse.coo_array([0.0, -1.0]), ValueError, "has -1.0 in row 1, column 0"),
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), ValueError, r"more than once: \['a'\]"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), ValueError, r"more than once: \['1'\]"),
    ],
)
def test_what_is_no_table_is_refused(y, error, message):
    with pytest.raises(error, match=message):
        read_labels(y, owner="Test")


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("dtype", [bool, np.int8, float])
def test_a_sparse_indicator_is_read_as_the_same_dense_table(container, dtype):
    y = np.array([[1, 0, 0], [0, 1, 0]], dtype=dtype)
    table = read_labels(container(y), owner="Test")
    assert (table.names, table.is_1d, table.is_named) == (["task_0", "task_1", "task_2"], False, False)
    assert all(column.observed.all() and column.labels.dtype == dtype for column in table.columns)
    np.testing.assert_array_equal(np.transpose([column.labels for column in table.columns]), y)


def test_named_columns_are_matched_by_name():
    table = read_labels(pd.DataFrame({"b": [1], "a": [2]}), owner="Test")
    matched = match_columns(table, ["a", "b"], by_name=True, owner="Test")
    assert [c.labels.tolist() for c in matched.columns] == [[2], [1]]


def test_missing_and_unexpected_columns_are_both_named():
    table = read_labels(pd.DataFrame({"b": [1], "c": [2]}), owner="Test")
    with pytest.raises(ValueError, match=r"missing \['a'\], unexpected \['c'\]"):
        match_columns(table, ["a", "b"], by_name=True, owner="Test")


def test_arrays_are_matched_by_position_and_count():
    table = read_labels([[1, 2]], owner="Test")
    assert match_columns(table, ["a", "b"], by_name=True, owner="Test") is table
    with pytest.raises(ValueError, match=r"y has 2 column\(s\), expected 1"):
        match_columns(table, ["a"], by_name=True, owner="Test")
