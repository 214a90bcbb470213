import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_mtl.encoding import check_table


class NotAnArray:
    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


def test_arrays_and_frames_are_handed_on_as_they_are():
    array, frame = np.ones((2, 3)), pd.DataFrame({"a": [1]})
    assert check_table(array, owner="E") is array
    assert check_table(frame, owner="E") is frame


def test_array_likes_become_arrays():
    array = np.ones((2, 3))
    assert check_table(NotAnArray(array), owner="E") is array


def test_numbers_beside_text_in_a_list_stay_numbers():
    assert check_table([[1, "a"]], owner="E").tolist() == [[1, "a"]]


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_tables_become_rows_without_zeros_or_repeats(container):
    dense = np.array([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]])
    rows = check_table(container(dense), owner="Est")
    assert isinstance(rows, sparse.csr_array)
    np.testing.assert_array_equal(rows.toarray(), dense)
    places = [0, 0, 0, 1, 1], [2, 1, 1, 0, 1]
    messy = sparse.coo_array(([1.0, 1.5, 0.5, 3.0, 0.0], places), shape=(2, 3))
    given = check_table(container(messy), owner="Est")
    assert given.indices.tolist() == [1, 2, 0]
    np.testing.assert_array_equal(given.toarray(), dense)


def test_sparse_rows_in_good_order_are_not_copied():
    X = sparse.csr_array(np.eye(3))
    assert np.shares_memory(check_table(X, owner="Est").data, X.data)


def test_the_users_sparse_rows_are_left_as_they_are():
    X = sparse.csr_array((np.array([0.0, 1.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    check_table(X, owner="Est")
    assert X.indices.tolist() == [1, 0]
    assert X.data.tolist() == [0.0, 1.0]


def test_sparse_complex_numbers_are_refused():
    with pytest.raises(
        ValueError, match=r"Est: X is sparse with dtype complex128.*Complex data not supported"
    ):
        check_table(sparse.csr_array(np.eye(2) * 1j), owner="Est")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(3), r"(?s)Est: Expected 2D array, got 1D array instead.*Reshape your data"),
        (pd.Series([1.0, 2.0]), r"(?s)Est: Expected 2D array, got 1D array instead"),
        (np.float64(3.0), r"Est: Expected 2D array, got scalar array instead"),
        (np.ones((2, 3, 4, 5)), r"Est: X has 4 axes, of shape \(2, 3, 4, 5\); expected rows and columns, or"),
        (np.ones((2, 3, 4)).tolist(), r"Est: X has 3 axes, of shape \(2, 3, 4\); expected"),
        (np.empty((0, 3)), r"Est: Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1"),
        (np.empty((12, 0)), r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum of 1 is required"),
        (pd.DataFrame({"a": []}), r"0 sample\(s\)"),
        (pd.DataFrame(index=range(3)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        ([[1.0, 2.0], [3.0]], r"Est: X is not a table: .*inhomogeneous"),
    ],
    ids=[
        "1d",
        "series",
        "scalar",
        "4d",
        "3d-list",
        "no-rows",
        "no-columns",
        "frame-no-rows",
        "frame-no-columns",
        "ragged",
    ],
)
def test_shapes_that_are_no_table_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        check_table(X, owner="Est")


def test_an_array_of_three_axes_is_one_column_of_sequences():
    X = np.arange(24.0).reshape(2, 3, 4)
    table = check_table(X, owner="Est")
    assert table.shape == (2, 1)
    assert all(np.shares_memory(cell, X) for cell in table[:, 0])
    np.testing.assert_array_equal(np.stack(table[:, 0]), X)
