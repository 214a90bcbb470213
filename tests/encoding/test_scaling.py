import numpy as np
import pytest

from sklearn_mtl.encoding import NumberScaling, quantile_bins

NAN = np.nan


def scale(values, at=None):
    scaling = NumberScaling().fit(np.array([values]).T)
    return scaling.transform(np.array([values if at is None else at]).T).ravel()


def piecewise(x, left, width):
    """The piecewise-linear encoding of one column, (B, n_bins)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ramps = np.clip((x[:, None] - left) / width, 0, 1)
    return np.where(width > 0, ramps, 0)


def columns_of(rng, n=2000):
    spike = np.where(rng.random(n) < 0.8, 0.0, rng.normal(size=n))
    return {
        "normal": rng.normal(size=n),
        "spike": spike,
        "counts": rng.poisson(3, size=n).astype(float),
        "heavy": rng.standard_cauchy(size=n),
        "few": rng.integers(0, 3, size=n).astype(float),
        "holes": np.where(rng.random(n) < 0.5, NAN, rng.normal(size=n)),
        "shifted": 1e6 + rng.normal(size=n),
    }


NAMES = list(columns_of(np.random.default_rng(0), 10))


@pytest.fixture(params=NAMES)
def values(request):
    return columns_of(np.random.default_rng(0))[request.param]


def test_scaling_is_monotone_and_bounded(values):
    grid = np.sort(np.concatenate([values[~np.isnan(values)], [-1e300, -1e9, 1e9, 1e300]]))
    scaled = scale(values, at=grid)
    assert scaled.dtype == np.float32
    assert (np.diff(scaled) >= 0).all()
    assert np.abs(scaled).max() <= 3


def test_missing_values_stay_missing_and_nothing_else_becomes_missing(values):
    np.testing.assert_array_equal(np.isnan(scale(values)), np.isnan(values))


def test_scaling_ignores_units(values):
    np.testing.assert_allclose(scale(values * 8 + 1024), scale(values), atol=1e-5)


def test_the_scale_of_a_normal_column_is_its_standard_deviation():
    values = 5 + 2 * np.random.default_rng(0).normal(size=(100_000, 1))
    scaling = NumberScaling().fit(values)
    assert scaling.median_ == pytest.approx(5, abs=0.03)
    assert scaling.scale_ == pytest.approx(2, rel=0.02)


def test_quartiles_are_those_of_numpy():
    values = np.random.default_rng(0).normal(size=(103, 1))
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    scaling = NumberScaling().fit(values)
    assert scaling.median_[0] == pytest.approx(median, rel=1e-12)
    assert scaling.scale_[0] == pytest.approx((high - low) / 1.349, rel=1e-12)


def test_a_far_outlier_leaves_the_rest_of_the_column_alone():
    values = np.random.default_rng(0).normal(size=1000)
    with_outlier = np.append(values, 1e12)
    np.testing.assert_allclose(scale(with_outlier)[:-1], scale(values), atol=0.01)


@pytest.mark.parametrize(
    ("values", "scale_"),
    [
        ([0.0, 0.0, 0.0, 0.0, 10.0], 4.0),
        ([7.0, 7.0, 7.0, 7.0, 7.0], 1.0),
        ([0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2, 0.3], 1.0),
        ([NAN, NAN, NAN, NAN, NAN], 1.0),
        ([NAN, 3.0, NAN, NAN, NAN], 1.0),
    ],
    ids=["spike", "constant", "rounding-noise", "all-missing", "one-value"],
)
def test_columns_without_quartile_range_fall_back(values, scale_):
    assert NumberScaling().fit(np.array([values]).T).scale_[0] == pytest.approx(scale_)


def test_scaling_ignores_the_order_of_rows(values):
    order = np.random.default_rng(1).permutation(len(values))
    np.testing.assert_array_equal(scale(values[order]), scale(values)[order])


def test_tables_longer_than_a_block_are_scaled_row_by_row():
    numbers = np.random.default_rng(0).normal(size=(20_001, 3))
    scaling = NumberScaling().fit(numbers)
    rows = [0, 8191, 8192, 20_000]
    np.testing.assert_array_equal(scaling.transform(numbers)[rows], scaling.transform(numbers[rows]))


def test_no_number_columns_are_no_trouble():
    none = np.empty((4, 0))
    assert NumberScaling().fit(none).transform(none).shape == (4, 0)
    assert quantile_bins(none, n_bins=3)[0].shape == (0, 3)


@pytest.mark.parametrize("n_bins", [1, 4, 16])
def test_bins_ascend_without_overlap_and_unused_ones_come_last(values, n_bins):
    left, width = (edges[0] for edges in quantile_bins(scale(values)[:, None], n_bins=n_bins))
    used = width > 0
    assert left.dtype == width.dtype == np.float32
    assert used.any()
    assert (np.diff(used.astype(int)) <= 0).all()
    assert (left[used][1:] - (left + width)[used][:-1] >= -1e-6).all()
    assert width[used].min() >= 1e-6


@pytest.mark.parametrize("n_bins", [1, 4, 16])
def test_encoding_climbs_from_0_to_1_over_the_training_values(values, n_bins):
    scaled = np.sort(scale(values)[~np.isnan(values)])
    left, width = (edges[0] for edges in quantile_bins(scaled[:, None], n_bins=n_bins))
    encoded = piecewise(scaled, left, width)
    used = width > 0
    assert (np.diff(encoded, axis=0) >= 0).all()
    np.testing.assert_allclose(encoded[0], 0, atol=0.01)
    np.testing.assert_allclose(encoded[-1, used], 1, atol=0.01)


def test_bins_of_a_continuous_column_hold_equal_shares():
    scaled = np.random.default_rng(0).random((10_000, 1))
    left, width = quantile_bins(scaled, n_bins=8)
    edges = np.append(left[0], left[0, -1] + width[0, -1])
    np.testing.assert_allclose(edges, np.quantile(scaled, np.linspace(0, 1, 9)), atol=2e-3)


def test_the_kth_training_quantile_fills_k_bins():
    scaled = np.random.default_rng(0).normal(size=(10_000, 1))
    left, width = quantile_bins(scaled, n_bins=10)
    encoded = piecewise(np.quantile(scaled, np.linspace(0, 1, 11)), left[0], width[0])
    np.testing.assert_allclose(encoded.sum(axis=1), np.arange(11), atol=0.05)


@pytest.mark.parametrize("noise", [0.0, 1e-8])
def test_a_spike_leaves_bins_for_the_rest_of_the_column(noise):
    rng = np.random.default_rng(0)
    spike = np.where(rng.random(2000) < 0.9, noise * rng.random(2000), rng.random(2000))
    assert (quantile_bins(spike[:, None], n_bins=10)[1] > 0).sum() >= 5


def test_few_distinct_values_have_one_bin_between_each_two():
    left, width = quantile_bins(np.array([[2.0, 0.0, 2.0, 0.5, NAN, 0.0]]).T, n_bins=8)
    assert left[0, :2].tolist() == [0.0, 0.5]
    assert width[0].tolist() == [0.5, 1.5, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "values",
    [[3.0, 3.0, 3.0], [3.0, 3.0 + 1e-8, 3.0 - 1e-8], [NAN, NAN, NAN], [NAN, 1.0, NAN], [0.0, 1e-6, NAN]],
    ids=["constant", "nearly-constant", "all-missing", "one-value", "narrow"],
)
def test_columns_without_range_have_no_bins(values):
    assert (quantile_bins(np.array([values]).T, n_bins=4)[1] == 0).all()


def test_a_nearly_constant_column_has_no_narrow_bins():
    rng = np.random.default_rng(0)
    column = np.where(np.arange(1000) < 990, 5 + 1e-9 * rng.random(1000), 6.0)[:, None]
    width = quantile_bins(column, n_bins=16)[1]
    assert width[width > 0].min() > 0.9


def test_bins_ignore_holes_and_the_order_of_rows(values):
    scaled = scale(values)[:, None]
    bins = quantile_bins(scaled, n_bins=8)
    np.testing.assert_array_equal(bins, quantile_bins(scaled[::-1], n_bins=8))
    np.testing.assert_array_equal(bins, quantile_bins(scaled[~np.isnan(scaled)][:, None], n_bins=8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling_of_some_rows_and_columns_is_that_of_a_table_of_them(dtype):
    rng = np.random.default_rng(0)
    numbers = np.where(rng.random((300, 20)) < 0.1, np.nan, rng.lognormal(size=(300, 20))).astype(dtype)
    numbers[:200, 3] = 0.0  # its scale is its deviation
    rows, places = rng.permutation(300)[:250], np.array([19, 3, 0, 7, 8, 9, 10, 11, 12, 2])
    given = NumberScaling().fit(numbers, rows=rows, places=places)
    expected = NumberScaling().fit(numbers[rows][:, places].astype(np.float64))
    np.testing.assert_array_equal(given.median_, expected.median_)
    np.testing.assert_array_equal(given.scale_, expected.scale_)
