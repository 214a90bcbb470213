import numpy as np
import pytest

from sklearn_mtl.encoding import ColumnInfo, Columns, active_columns

NO_CATEGORIES = np.empty((3, 0), dtype=np.int64)
NO_NUMBERS = np.empty((3, 0))
NAN = np.nan


@pytest.mark.parametrize(
    ("values", "varies"),
    [
        ([1.0, 2.0, 1.0], True),
        ([1.0, 1.0, 1.0], False),
        ([1.0, NAN, 1.0], True),
        ([NAN, NAN, NAN], False),
        ([0.0, -0.0, 0.0], False),
        ([-1e308, 1e308, 1e308], True),
    ],
    ids=["varies", "constant", "constant-with-hole", "all-missing", "signed-zeros", "extremes"],
)
def test_a_number_column_is_active_when_values_or_holes_vary(values, varies):
    numbers, categories = active_columns(Columns(np.array([values]).T, NO_CATEGORIES))
    assert numbers.tolist() == [varies]
    assert categories.tolist() == []


@pytest.mark.parametrize(
    ("codes", "varies"), [([2, 2, 2], False), ([0, 0, 0], False), ([1, 1, 1], False), ([2, 0, 2], True)]
)
def test_a_category_column_is_active_when_its_codes_vary(codes, varies):
    numbers, categories = active_columns(Columns(NO_NUMBERS, np.array([codes]).T))
    assert numbers.tolist() == []
    assert categories.tolist() == [varies]


@pytest.mark.parametrize("rows", [[2, 0], np.array([True, False, True]), slice(1, None)])
def test_take_takes_the_same_rows_of_numbers_and_categories(rows):
    columns = Columns(np.arange(3.0)[:, None], np.arange(3)[:, None])
    taken = columns.take(rows)
    assert taken.numbers.ravel().tolist() == taken.categories.ravel().tolist()
    assert taken.n_rows == len(np.arange(3)[rows])


def test_codes_are_counted_with_those_of_missing_and_unseen_values():
    assert ColumnInfo("colour", "category", 0, levels=("blue", "red")).n_codes == 4


@pytest.mark.parametrize("n_rows", [3, 20_000])
def test_active_columns_of_some_rows_are_those_of_a_table_of_them(n_rows):
    rng = np.random.default_rng(0)
    numbers = np.where(rng.random((n_rows, 4)) < [0, 0, 0.5, 1], NAN, [[0.0, 1.0, 2.0, 3.0]])
    numbers[-1, 0] = 5.0
    columns = Columns(numbers, (np.arange(n_rows) == n_rows - 1)[:, None].astype(np.int64))
    for rows in (np.arange(n_rows)[::-1], np.arange(n_rows - 1)):
        given, expected = active_columns(columns, rows=rows), active_columns(columns.take(rows))
        np.testing.assert_array_equal(given[0], expected[0])
        np.testing.assert_array_equal(given[1], expected[1])
        assert given[0][0] == given[1][0] == (len(rows) == n_rows)
