import numpy as np
import pytest

from sklearn_mtl.encoding import ColumnInfo, Columns, find_continuation

INFOS = (
    ColumnInfo("age", "number", 0),
    ColumnInfo("load", "sequence", 1, parts=("last 0", "last 1", "length"), n_channels=2),
    ColumnInfo("wind", "sequence", 2, parts=("mean", "last", "length"), n_channels=1),
)


@pytest.fixture
def columns():
    numbers = np.random.default_rng(0).normal(size=(50, 7))
    return Columns(numbers, np.empty((50, 0), dtype=np.int64))


def test_each_task_continues_the_channel_it_is_nearest_to(columns):
    numbers, rng = columns.numbers, np.random.default_rng(1)
    near = [numbers[:, place] + 0.1 * rng.normal(size=50) for place in (2, 5, 1)]
    labels = np.column_stack([*near, rng.normal(size=50), numbers[:, 0], -numbers[:, 1]])
    found = find_continuation(INFOS, columns, labels, np.ones_like(labels))
    assert found.names(INFOS) == ["load[1]", "wind", "load[0]", None, None, None]
    assert found.columns(INFOS) == [1, 2]
    assert found.of([1]).names(INFOS) == ["wind"]
    np.testing.assert_array_equal(found.offsets(columns)[:, :3], numbers[:, [2, 5, 1]])
    assert not found.offsets(columns)[:, 3:].any()


@pytest.mark.parametrize(("left", "name"), [(0.4, "wind"), (0.6, None)])
def test_less_than_half_of_the_variance_may_be_left(columns, left, name):
    last = columns.numbers[:, 5]
    noise = np.random.default_rng(1).normal(size=50)
    noise -= noise.mean() + last * np.cov(noise, last)[0, 1] / last.var(ddof=1)
    noise -= noise.mean()
    label = last + noise * last.std() / noise.std() * np.sqrt(left / (1 - left))
    found = find_continuation(INFOS, columns, label[:, None], np.ones((50, 1)))
    assert found.names(INFOS) == [name]


def test_labels_without_weight_and_constants_say_nothing(columns):
    labels = np.column_stack([columns.numbers[:, 5], np.ones(50), columns.numbers[:, 5]])
    weights = np.ones_like(labels)
    weights[:, 0] = 0
    weights[10:, 2] = 0
    labels[10:, 2] = np.nan
    assert find_continuation(INFOS, columns, labels, weights).names(INFOS) == [None, None, "wind"]


def test_what_stands_for_a_missing_sequence_depends_on_neither_order_nor_weights(columns):
    columns.numbers[:4, 5] = np.nan
    labels = np.nan_to_num(columns.numbers[:, [5]])
    weights = np.ones((50, 1))
    found = find_continuation(INFOS, columns, labels, weights)
    middle = np.median(columns.numbers[4:, 5])
    np.testing.assert_array_equal(found.offsets(columns)[:4, 0], middle)
    order = np.random.default_rng(2).permutation(50)
    other = find_continuation(INFOS, columns.take(order), labels[order], 1 + weights)
    np.testing.assert_array_equal(other.otherwise, found.otherwise)
