"""What ``"auto"`` means."""

from dataclasses import asdict, fields

import numpy as np
import pytest

from sklearn_mtl.estimators._defaults import (
    Sizes,
    forest_parts,
    resolve_device,
    resolve_seed,
    resolve_sizes,
)

NAMES = [field.name for field in fields(Sizes)]
PRESETS = ["fast", "default", "best"]
ROWS = [20, 400, 5_000, 50_000, 1_000_000]
COLUMNS = [10, 100, 1_000]


def resolve(n_rows=400, n_columns=10, *, n_units=None, n_tasks=3, preset="default", **given):
    return resolve_sizes(
        {**dict.fromkeys(NAMES, "auto"), **given},
        preset=preset,
        n_rows=n_rows,
        n_units=n_rows if n_units is None else n_units,
        n_columns=n_columns,
        n_tasks=n_tasks,
    )


@pytest.mark.parametrize(
    ("n_rows", "n_folds", "n_views", "n_bins", "batch_size", "max_epochs", "n_trees"),
    [
        (20, 8, 4, 8, 16, 84, 200),
        (400, 8, 4, 10, 44, 84, 200),
        (2_000, 8, 2, 16, 219, 84, 200),
        (5_000, 4, 2, 16, 256, 62, 200),
        (50_000, 4, 2, 16, 256, 20, 100),
        (1_000_000, 2, 2, 16, 256, 10, 0),
    ],
)
def test_sizes_of_a_narrow_table(n_rows, n_folds, n_views, n_bins, batch_size, max_epochs, n_trees):
    assert resolve(n_rows) == Sizes(
        n_folds=n_folds,
        n_views=n_views,
        n_slots=3,
        n_bins=n_bins,
        d_token=12,
        batch_size=batch_size,
        max_epochs=max_epochs,
        n_trees=n_trees,
    )


@pytest.mark.parametrize(
    ("n_columns", "n_folds", "n_views", "n_slots", "n_bins", "d_token"),
    [
        (10, 8, 4, 8, 10, 12),
        (64, 8, 4, 8, 10, 12),
        (65, 8, 4, 8, 10, 6),
        (128, 8, 4, 8, 10, 6),
        (129, 8, 1, 8, 10, 6),
        (256, 8, 1, 8, 10, 6),
        (257, 8, 1, 8, 10, 4),
        (512, 8, 1, 8, 10, 4),
        (513, 4, 1, 2, 4, 2),
        (5_000, 4, 1, 2, 4, 2),
    ],
)
def test_wide_tables_need_fewer_networks_and_narrower_tokens(
    n_columns, n_folds, n_views, n_slots, n_bins, d_token
):
    sizes = asdict(resolve(400, n_columns, n_tasks=10))
    expected = {"n_folds": n_folds, "n_views": n_views, "n_slots": n_slots}
    expected |= {"n_bins": n_bins, "d_token": d_token}
    assert {name: sizes[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [(2, 2), (5, 5), (8, 8), (2_000, 8), (2_001, 4), (100_000, 4), (100_001, 2)],
)
def test_folds_go_down_with_the_rows(n_rows, expected):
    assert resolve(n_rows).n_folds == expected


def test_there_are_no_more_folds_than_rows_that_can_be_held_out_apart():
    assert resolve(400, n_units=7).n_folds == 7
    assert resolve(400, n_units=7, n_folds=10).n_folds == 7
    assert resolve(400, n_units=70, n_folds=10).n_folds == 10
    assert resolve(400, n_units=7, preset="best").n_folds == 7


@pytest.mark.parametrize(
    ("n_rows", "n_folds", "expected"), [(10, 2, 16), (800, 8, 88), (1_000, 2, 63), (10**6, 2, 256)]
)
def test_a_batch_is_an_eighth_of_a_folds_rows_within_limits(n_rows, n_folds, expected):
    assert resolve(n_rows, n_folds=n_folds).batch_size == expected


@pytest.mark.parametrize(("n_rows", "expected"), [(20_000, 200), (20_001, 100), (100_000, 100), (100_001, 0)])
def test_many_rows_need_fewer_trees(n_rows, expected):
    assert resolve(n_rows).n_trees == expected


def test_batches_that_are_given_decide_over_the_epochs():
    small, large = (resolve(5_000, batch_size=batch_size).max_epochs for batch_size in (16, 5_000))
    assert small < resolve(5_000).max_epochs < large == 84


@pytest.mark.parametrize(
    ("given", "n_tasks", "expected"), [("auto", 3, 3), ("auto", 30, 8), (2, 3, 2), (5, 3, 3)]
)
def test_there_are_no_more_slots_than_tasks(given, n_tasks, expected):
    assert resolve(n_tasks=n_tasks, n_slots=given).n_slots == expected


@pytest.mark.parametrize(("n_rows", "expected"), [(5, 8), (400, 10), (10_000, 16)])
def test_more_rows_bear_more_bins(n_rows, expected):
    assert resolve(n_rows).n_bins == expected


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("n_rows", [20, 1_000_000])
def test_what_is_given_is_taken_whatever_the_preset(preset, n_rows):
    given = {name: place + 3 for place, name in enumerate(NAMES)}
    assert asdict(resolve(n_rows, preset=preset, n_tasks=99, **given)) == given
    assert resolve(n_rows, preset=preset, n_trees=0).n_trees == 0


@pytest.mark.parametrize("n_columns", COLUMNS)
@pytest.mark.parametrize("n_rows", ROWS)
def test_presets_order_sizes(n_rows, n_columns):
    fast, default, best = (asdict(resolve(n_rows, n_columns, preset=preset)) for preset in PRESETS)
    for name in NAMES:
        assert fast[name] <= default[name] <= best[name], name
    assert fast["max_epochs"] < default["max_epochs"] < best["max_epochs"]
    assert default["n_views"] < best["n_views"]
    for name in ("n_slots", "n_bins", "d_token"):
        assert fast[name] == best[name], name


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("n_columns", COLUMNS)
@pytest.mark.parametrize("n_rows", [2, 3, *ROWS])
def test_sizes_are_whole_numbers_that_can_be_used(n_rows, n_columns, preset):
    sizes = asdict(resolve(n_rows, n_columns, n_tasks=1, preset=preset))
    assert all(type(size) is int for size in sizes.values())
    assert 2 <= sizes["n_folds"] <= n_rows
    assert sizes["n_trees"] >= 0
    assert all(size >= 1 for name, size in sizes.items() if name != "n_trees")


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


@pytest.mark.parametrize(
    ("n_folds", "n_rows", "n_units", "n_parts"),
    [
        (8, 500, 500, 1),
        (4, 500, 500, 2),
        (3, 500, 500, 2),
        (2, 10_000, 10_000, 4),
        (2, 10_001, 10_001, 1),
        (4, 500, 7, 1),
    ],
    ids=["eighths", "quarters", "thirds", "halves", "many rows", "few units"],
)
def test_the_forest_divides_few_folds_further(n_folds, n_rows, n_units, n_parts):
    assert forest_parts(n_folds, n_rows=n_rows, n_units=n_units) == n_parts
