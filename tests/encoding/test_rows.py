import subprocess
import sys

import numpy as np
import pytest

from sklearn_mtl.encoding import Columns, merge_rows

NAN = np.nan


def table(n=400, seed=0):
    """A table with many equal rows, holes, two tasks with missing labels, and weights."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 3, size=(n, 2)).astype(float)
    numbers[rng.random((n, 2)) < 0.2] = NAN
    values = rng.integers(0, 2, size=(n, 2)).astype(float)
    observed = rng.random((n, 2)) < 0.8
    weights = rng.choice([0.0, 0.1, 0.3, 1.0], size=(n, 2)) * observed
    return (
        Columns(numbers, rng.integers(0, 2, size=(n, 1))),
        np.where(observed, values, 0.0),
        observed,
        weights,
    )


def take(rows_of, rows):
    columns, *targets = rows_of
    return columns.take(rows), *(array[rows] for array in targets)


def content(rows_of, merged):
    """The merged table itself: inputs, labels that count, weights, groups."""
    columns, values, _, _ = rows_of
    labels = np.where(merged.weights > 0, values[merged.first], NAN)
    first = columns.take(merged.first)
    return np.column_stack([first.numbers, first.categories, labels, merged.weights, merged.group])


def numbers_only(*rows):
    columns = Columns(np.array(rows, dtype=float), np.empty((len(rows), 0), dtype=np.int64))
    ones = np.ones((len(rows), 1))
    return columns, ones, ones.astype(bool), ones


def test_merging_ignores_the_order_of_rows_exactly():
    rows_of = table()
    expected = content(rows_of, merge_rows(*rows_of))
    for seed in range(5):
        shuffled = take(rows_of, np.random.default_rng(seed).permutation(400))
        np.testing.assert_array_equal(content(shuffled, merge_rows(*shuffled)), expected)


def test_weight_2_is_the_row_twice_exactly():
    columns, values, observed, weights = rows_of = table()
    repeats = np.random.default_rng(1).integers(0, 4, size=len(values))
    weighted = columns, values, observed, np.where(weights > 0, 1.0, 0.0) * repeats[:, None]
    repeated = take(
        (columns, values, observed, np.where(weights > 0, 1.0, 0.0)), np.repeat(np.arange(400), repeats)
    )
    assert len(rows_of[1]) < len(repeated[1])
    np.testing.assert_array_equal(
        content(weighted, merge_rows(*weighted)), content(repeated, merge_rows(*repeated))
    )


def test_each_row_stands_for_rows_with_the_same_inputs_and_labels():
    columns, values, _, weights = rows_of = table()
    merged = merge_rows(*rows_of)
    rows = np.flatnonzero(merged.inverse >= 0)
    stands_for = merged.first[merged.inverse[rows]]
    np.testing.assert_array_equal(columns.numbers[rows], columns.numbers[stands_for])
    np.testing.assert_array_equal(columns.categories[rows], columns.categories[stands_for])
    counts = weights[rows] > 0
    np.testing.assert_array_equal(values[rows][counts], values[stands_for][counts])
    np.testing.assert_array_equal(merged.weights[merged.inverse[rows]] > 0, counts)


def test_weights_are_summed_and_none_is_lost():
    rows_of = table()
    merged = merge_rows(*rows_of)
    np.testing.assert_allclose(merged.weights.sum(axis=0), rows_of[3].sum(axis=0))
    rows = merged.inverse >= 0
    for task in range(2):
        summed = np.bincount(merged.inverse[rows], weights=rows_of[3][rows, task])
        np.testing.assert_allclose(merged.weights[:, task], summed)


def test_rows_without_any_weight_are_dropped():
    rows_of = table()
    merged = merge_rows(*rows_of)
    np.testing.assert_array_equal(merged.inverse == -1, (rows_of[3] == 0).all(axis=1))
    assert set(merged.inverse) - {-1} == set(range(len(merged.first)))


def test_a_label_of_weight_0_is_as_good_as_missing():
    columns, values, observed, weights = table()
    heard = observed & (weights > 0)
    other = np.where(heard, values, 1 - values)
    merged, again = (
        merge_rows(columns, y, seen, weights) for y, seen in ((values, heard), (other, observed))
    )
    np.testing.assert_array_equal(merged.first, again.first)
    np.testing.assert_array_equal(merged.weights, again.weights)


def test_groups_are_the_distinct_inputs():
    columns, *_ = rows_of = table()
    merged = merge_rows(*rows_of)
    first = columns.take(merged.first)
    inputs = np.nan_to_num(np.column_stack([first.numbers, first.categories]), nan=-1)
    distinct = np.unique(inputs, axis=0, return_inverse=True)[1]
    assert len(set(zip(distinct, merged.group, strict=True))) == distinct.max() + 1 == merged.group.max() + 1
    assert set(np.diff(merged.group)) <= {0, 1}


def test_missing_labels_differ_from_labels_of_0():
    columns = Columns(np.ones((2, 1)), np.empty((2, 0), dtype=np.int64))
    observed = np.array([[True, True], [True, False]])
    assert len(merge_rows(columns, np.zeros((2, 2)), observed, observed.astype(float)).first) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([NAN, 1.0], [NAN, 1.0]),
        ([0.0, 1.0], [-0.0, 1.0]),
        ([NAN, 1.0], [np.uint64(0xFFF8_0000_0000_0001).view(np.float64), 1.0]),
    ],
    ids=["nan", "signed-zero", "nan-payload"],
)
def test_equal_values_are_equal_whatever_their_bits(one, other):
    assert len(merge_rows(*numbers_only(one, other)).first) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1.0, 2.0], [2.0, 1.0]),
        ([0.0, NAN], [NAN, 0.0]),
        ([1.0, 1.0], [2.0, 2.0]),
        ([1.0, 0.0], [1.0, 5e-324]),
    ],
)
def test_different_rows_stay_apart(one, other):
    assert len(merge_rows(*numbers_only(one, other)).first) == 2


def test_a_grid_of_small_numbers_has_no_collisions():
    grid = np.stack(np.meshgrid(*[np.arange(-10.0, 10.0)] * 4), axis=-1).reshape(-1, 4)
    assert len(merge_rows(*numbers_only(*grid)).first) == 20**4


def test_memory_order_does_not_matter():
    rows_of = table()
    columns = Columns(np.asfortranarray(rows_of[0].numbers), np.asfortranarray(rows_of[0].categories))
    np.testing.assert_array_equal(merge_rows(columns, *rows_of[1:]).first, merge_rows(*rows_of).first)


def test_float32_and_float64_of_the_same_values_have_the_same_order():
    columns, *targets = table()
    narrow = Columns(columns.numbers.astype(np.float32), columns.categories)
    np.testing.assert_array_equal(merge_rows(narrow, *targets).first, merge_rows(columns, *targets).first)


def test_rows_without_columns_are_merged_by_their_labels():
    columns = Columns(np.empty((3, 0)), np.empty((3, 0), dtype=np.int64))
    ones = np.ones((3, 1))
    merged = merge_rows(columns, np.array([[1.0], [2.0], [1.0]]), ones.astype(bool), ones)
    assert sorted(merged.weights.ravel()) == [1.0, 2.0]
    assert merged.group.tolist() == [0, 0]


def test_no_row_with_weight_gives_no_rows():
    columns, values, observed, weights = table()
    merged = merge_rows(columns, values, observed, np.zeros_like(weights))
    assert merged.first.shape == merged.group.shape == (0,)
    assert merged.weights.shape == (0, 2)
    assert (merged.inverse == -1).all()


def test_the_order_is_the_same_in_another_process():
    program = (
        "import numpy as np; from sklearn_mtl.encoding import Columns, merge_rows;"
        "x = np.arange(40.0)[:, None];"
        "print(merge_rows(Columns(x, x.astype(np.int64)), x, x >= 0, np.ones_like(x)).first.tolist())"
    )
    x = np.arange(40.0)[:, None]
    here = merge_rows(Columns(x, x.astype(np.int64)), x, x >= 0, np.ones_like(x)).first.tolist()
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert there.strip() == str(here)
    assert here != sorted(here)
