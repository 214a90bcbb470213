import numpy as np
import pandas as pd
import pytest

from benchmarks import coverage


@pytest.fixture
def table():
    """One task that the inputs say all of, and one of nothing but noise."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(1200, 2)), columns=["a", "b"])
    y = pd.DataFrame({"sum": X["a"], "noise": rng.normal(size=1200)})
    return X[:800], y[:800], X[800:], y[800:]


def test_split_forests_cover_as_said(table):
    record = coverage.measure_intervals(coverage.SplitRegressor, *table)
    assert record["covered"] == pytest.approx([0.9, 0.9], abs=0.05)
    assert record["width"][0] < 0.5
    assert record["width"][1] == pytest.approx(2 * 1.645, abs=0.5)


def test_sets_of_flags_hold_one_class_where_it_is_sure(table):
    X, y, new_X, new_y = table
    record = coverage.measure_sets(
        coverage.SplitClassifier, X, (y > 0).astype(int), new_X, (new_y > 0).astype(int)
    )
    assert record["covered"][1] == pytest.approx(0.9, abs=0.08)
    assert record["width"][0] < 1.1
    assert record["width"][1] > 1.6


MARGIN = np.array([1, 3])


class Exact:
    """Intervals that hold every label, and sets that hold class 1."""

    def fit(self, *_):
        return self

    def predict_interval(self, X, **_):
        centre = X.to_numpy()[:, :1]
        return np.stack([centre - MARGIN, centre + MARGIN], axis=2)

    def predict_set(self, X, **_):
        return [np.tile([False, True], (len(X), 1))] * 2


def test_widths_are_in_deviations_of_training_labels_and_in_classes():
    X, y = pd.DataFrame({"a": np.zeros(4)}), pd.DataFrame({"one": [0, 0, 2, 4], "two": [0, 4, 0, 4]})
    record = coverage.measure_intervals(Exact, X, y, X, y)
    assert record["covered"] == [0.5, 0.5]
    np.testing.assert_allclose(record["width"], [2 / y["one"].std(ddof=0), 6 / 2])
    flags = y.clip(upper=1)
    record = coverage.measure_sets(Exact, X, flags, X, flags)
    assert (record["covered"], record["width"]) == ([0.5, 0.5], [1.0, 1.0])
