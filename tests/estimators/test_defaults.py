"""What ``"auto"`` means."""

import numpy as np
import pytest

from sklearn_mtl.estimators._defaults import (
    resolve_batch_size,
    resolve_bins,
    resolve_device,
    resolve_folds,
    resolve_seed,
    resolve_slots,
    resolve_views,
)


@pytest.mark.parametrize(
    ("n_units", "expected"), [(2, 2), (5, 5), (8, 8), (10_000, 8), (10_001, 4), (100_000, 4), (100_001, 2)]
)
def test_folds_go_down_with_the_rows(n_units, expected):
    assert resolve_folds("auto", n_units=n_units) == expected


def test_there_are_no_more_folds_than_rows():
    assert resolve_folds(10, n_units=7) == 7
    assert resolve_folds(10, n_units=70) == 10


@pytest.mark.parametrize(
    ("n_rows", "n_folds", "expected"), [(10, 2, 16), (800, 8, 88), (1_000, 2, 63), (10**6, 2, 1024)]
)
def test_a_batch_is_an_eighth_of_a_folds_rows_within_limits(n_rows, n_folds, expected):
    assert resolve_batch_size("auto", n_rows=n_rows, n_folds=n_folds) == expected


@pytest.mark.parametrize(
    ("n_rows", "n_slots", "expected"), [(5, 1, 4), (5_000, 4, 4), (5_001, 1, 2), (5, 5, 2)]
)
def test_many_rows_or_slots_need_fewer_views(n_rows, n_slots, expected):
    assert resolve_views("auto", n_rows=n_rows, n_slots=n_slots) == expected
    assert resolve_views(3, n_rows=n_rows, n_slots=n_slots) == 3


@pytest.mark.parametrize(
    ("given", "n_tasks", "expected"), [("auto", 3, 3), ("auto", 30, 8), (2, 3, 2), (5, 3, 3)]
)
def test_there_are_no_more_slots_than_tasks(given, n_tasks, expected):
    assert resolve_slots(given, n_tasks=n_tasks) == expected


@pytest.mark.parametrize(("n_rows", "expected"), [(5, 8), (400, 10), (10_000, 16)])
def test_more_rows_bear_more_bins(n_rows, expected):
    assert resolve_bins("auto", n_rows=n_rows) == expected
    assert resolve_bins(3, n_rows=n_rows) == 3


def test_a_batch_size_that_is_given_is_taken():
    assert resolve_batch_size(7, n_rows=1_000, n_folds=2) == 7


def test_a_seed_is_itself():
    assert resolve_seed(7) == 7
    assert resolve_seed(np.int64(7)) == 7


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_source_of_seeds_gives_another_each_time(make):
    source, same = make(0), make(0)
    seeds = [resolve_seed(source) for _ in range(3)]
    assert len(set(seeds)) == 3
    assert seeds == [resolve_seed(same) for _ in range(3)]


def test_no_seed_does_not_come_from_global_state():
    seeds = set()
    for _ in range(3):
        np.random.seed(0)  # noqa: NPY002  that it does not matter is the point
        seeds.add(resolve_seed(None))
    assert len(seeds) == 3


def test_an_unknown_device_is_refused_by_the_owners_name():
    with pytest.raises(ValueError, match="Owner: device='abacus' cannot be used here"):
        resolve_device("abacus", owner="Owner")
