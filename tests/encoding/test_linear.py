import numpy as np
import pytest

from sklearn_mtl.encoding import Columns, DesignRows, LinearDesign
from sklearn_mtl.encoding import _linear as linear_module

NAN = np.nan


def columns_of(*, numbers=None, categories=None):
    n_rows = len(numbers if numbers is not None else categories)
    return Columns(
        np.empty((n_rows, 0)) if numbers is None else np.array(numbers, dtype=np.float64),
        np.empty((n_rows, 0), dtype=np.int64) if categories is None else np.array(categories),
    )


def design(columns):
    return LinearDesign().fit(columns).transform(columns)


def test_numbers_have_mean_0_and_deviation_1():
    numbers = np.random.default_rng(0).lognormal(size=(500, 3)) * [1, 1e-12, 1e200]
    matrix = design(columns_of(numbers=numbers))
    np.testing.assert_allclose(matrix.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(matrix.std(axis=0), 1)


def test_a_linear_relation_stays_linear():
    x = np.random.default_rng(0).standard_cauchy(size=(200, 1))
    matrix = design(columns_of(numbers=np.hstack([x, 3 * x + 2])))
    np.testing.assert_allclose(matrix[:, 0], matrix[:, 1], atol=1e-10)


def test_missing_numbers_are_the_mean_and_marked():
    matrix = design(columns_of(numbers=[[1.0, 4.0], [3.0, NAN], [NAN, 8.0]]))
    np.testing.assert_allclose(matrix, [[-1, -1, 0, 0], [1, 0, 0, 1], [0, 1, 1, 0]])


def test_a_hole_in_a_column_that_had_none_is_the_mean():
    linear = LinearDesign().fit(columns_of(numbers=[[1.0], [3.0]]))
    assert linear.transform(columns_of(numbers=[[NAN]])).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("column", "n_outputs"),
    [([2.0, 2.0, 2.0], 0), ([0.3, 0.1 + 0.2, 0.3], 0), ([NAN, NAN, NAN], 0), ([2.0, NAN, 2.0], 1)],
    ids=["constant", "rounding-noise", "all-missing", "constant-with-hole"],
)
def test_constant_numbers_are_left_out(column, n_outputs):
    columns = columns_of(numbers=np.array([column]).T)
    linear = LinearDesign().fit(columns)
    assert linear.n_outputs == n_outputs
    assert linear.transform(columns).shape == (3, n_outputs)


def test_each_code_has_one_indicator_missing_and_unseen_too():
    matrix = design(columns_of(categories=[[2], [0], [1], [2]]))
    assert matrix.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_code_that_was_not_there_in_fit_has_no_indicator():
    linear = LinearDesign().fit(columns_of(categories=[[2], [3]]))
    assert linear.transform(columns_of(categories=[[1], [0], [9]])).tolist() == [[0, 0]] * 3


def test_constant_categories_are_left_out():
    assert design(columns_of(categories=[[2, 5], [3, 5]])).shape == (2, 2)


def test_the_most_frequent_codes_are_kept():
    codes = np.repeat(np.arange(2, 152), np.arange(1, 151))
    columns = columns_of(categories=codes[:, None])
    matrix = design(columns)
    assert matrix.shape[1] == 100
    np.testing.assert_array_equal(matrix.sum(axis=1) == 1, codes >= 52)


def test_values_far_outside_of_the_training_range_are_bounded():
    column = np.full(1000, 5.0)
    column[0] += 1e-9
    linear = LinearDesign().fit(columns_of(numbers=column[:, None]))
    assert np.abs(linear.transform(columns_of(numbers=[[-1e9], [6.0], [1e300]]))).max() < 100


def test_values_within_one_range_of_the_training_range_are_extrapolated():
    linear = LinearDesign().fit(columns_of(numbers=[[0.0], [1.0], [2.0]]))
    matrix = linear.transform(columns_of(numbers=[[-2.0], [0.0], [2.0], [4.0], [5.0]])).ravel()
    np.testing.assert_allclose(matrix / matrix[2], [-3, -1, 1, 3, 3])


def test_the_matrix_is_finite_and_as_wide_as_announced():
    rng = np.random.default_rng(0)
    numbers = np.where(rng.random((20_001, 4)) < 0.2, NAN, rng.normal(size=(20_001, 4)))
    columns = Columns(numbers, rng.integers(0, 5, size=(20_001, 2)))
    linear = LinearDesign().fit(columns)
    matrix = linear.transform(columns)
    assert matrix.shape == (20_001, linear.n_outputs)
    assert np.isfinite(matrix).all()
    np.testing.assert_array_equal(matrix[[8191, 8192]], linear.transform(columns.take([8191, 8192])))


def some_columns(dtype=np.float64, n_rows=500):
    rng = np.random.default_rng(0)
    numbers = np.where(rng.random((n_rows, 11)) < 0.2, NAN, rng.normal(size=(n_rows, 11))).astype(dtype)
    return Columns(numbers, rng.integers(0, 5, size=(n_rows, 2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fitting_some_rows_in_some_order_is_fitting_a_table_of_them(dtype):
    columns = some_columns(dtype)
    rows = np.random.default_rng(1).permutation(500)[:300]
    given = LinearDesign().fit(columns, rows=rows).transform(columns)
    np.testing.assert_array_equal(given, LinearDesign().fit(columns.take(rows)).transform(columns))


def test_float32_is_measured_in_float64():
    columns = some_columns(np.float32)
    wide = Columns(columns.numbers.astype(np.float64), columns.categories)
    np.testing.assert_array_equal(design(columns), design(wide))


@pytest.mark.parametrize("most", [0, 10**9], ids=["built-in-blocks", "kept"])
@pytest.mark.parametrize("chosen", [np.array([7, 3]), slice(20, 40), np.arange(300) % 3 == 0])
def test_design_rows_are_rows_of_the_matrix(most, chosen, monkeypatch):
    monkeypatch.setattr(linear_module, "_MOST_FLOATS_KEPT", most)
    columns = some_columns()
    rows = np.random.default_rng(1).permutation(500)[:300]
    linear = LinearDesign().fit(columns)
    given = DesignRows(linear, columns, rows)
    assert given.shape == (300, linear.n_outputs)
    np.testing.assert_array_equal(given[chosen], linear.transform(columns)[rows][chosen])
