from datetime import date

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.encoding import ColumnReader

EST = "MultiTaskAttentionRegressor"
NAN = np.nan
DAYS = pd.Series(pd.to_datetime(["2020-01-01 06:00", "2021-03-01 18:00", None]))


def fit(X):
    return ColumnReader().fit(X, owner=EST)


def fit_read(X):
    return fit(X).read(X, owner=EST)


KINDS = {
    "datetime": lambda days: days,
    "seconds": lambda days: days.astype("datetime64[s]"),
    "object": lambda days: days.astype(object),
    "period": lambda days: days.dt.to_period("h"),
    "timezone": lambda days: days.dt.tz_localize("UTC"),
    "None": lambda days: days.astype(object).where(days.notna(), None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_dates_of_every_kind_are_the_same_numbers(kind):
    X = pd.DataFrame({"when": KINDS[kind](DAYS)})
    reader = fit(X)
    assert reader.columns_[0].kind == "date"
    assert reader.columns_[0].parts == ("year", "month", "weekday", "hour", "elapsed")
    read = reader.read(X, owner=EST)
    np.testing.assert_array_equal(
        read.numbers, [[2020, 1, 2, 6, 18262.25], [2021, 3, 0, 18, 18687.75], [NAN] * 5]
    )


def test_dates_without_times_have_no_hour():
    days = pd.Series([date(2020, 1, 1), None, date(2020, 2, 5)], dtype=object)
    assert fit(pd.DataFrame({"when": days})).columns_[0].parts == ("month", "elapsed")
    array = np.array([["2020-01-01"], ["2020-02-05"]], dtype="datetime64[D]")
    np.testing.assert_array_equal(fit_read(array).numbers, [[1, 18262], [2, 18297]])


def test_clocks_are_those_of_the_time_zone_of_fit():
    berlin = DAYS.dt.tz_localize("Europe/Berlin")
    reader = fit(pd.DataFrame({"when": berlin}))
    read = [
        reader.read(pd.DataFrame({"when": days}), owner=EST).numbers
        for days in (berlin, berlin.dt.tz_convert("UTC"))
    ]
    np.testing.assert_array_equal(read[0], read[1])
    assert read[0][:2, 3].tolist() == [6, 18]
    np.testing.assert_allclose(read[0][:2, 4], [18262.25 - 1 / 24, 18687.75 - 1 / 24])


def test_durations_are_days():
    X = pd.DataFrame({"wait": DAYS - DAYS[0], "n": [1, 2, 3]})
    reader = fit(X)
    assert [info.kind for info in reader.columns_] == ["duration", "number"]
    read = reader.read(X.astype({"wait": object}), owner=EST)
    np.testing.assert_array_equal(read.numbers, [[0, 1], [425.5, 2], [NAN, 3]])


def test_numbers_keep_the_order_of_the_columns_around_a_date():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "when": DAYS, "b": [4, 5, 6], "c": ["u", "u", "v"]})
    read = fit_read(X)
    np.testing.assert_array_equal(read.numbers[:, [0, -1]], [[1, 4], [2, 5], [3, 6]])
    assert read.numbers.shape == (3, 7)


def test_nothing_but_holes_may_come_at_predict():
    reader = fit(pd.DataFrame({"when": DAYS, "wait": DAYS - DAYS[0]}))
    read = reader.read(pd.DataFrame({"when": [None], "wait": [None]}, dtype=object), owner=EST)
    assert np.isnan(read.numbers).all()


def test_a_column_without_any_date_is_read():
    assert np.isnan(fit_read(pd.DataFrame({"when": pd.to_datetime([None, None])})).numbers).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2020-01-01", None], "held dates in fit, got '2020-01-01' in row 0; give dates"),
        ([None, 7], "held dates in fit, got 7.0"),
        (DAYS[:2].dt.tz_localize("UTC"), "had dates without time zone in fit, got some of the time zone UTC"),
    ],
    ids=["text", "number", "timezone"],
)
def test_what_is_no_date_is_refused_at_predict(values, message):
    with pytest.raises(TypeError, match=f"{EST}: column 'when' {message}"):
        fit(pd.DataFrame({"when": DAYS})).read(pd.DataFrame({"when": values}), owner=EST)


def test_what_is_no_duration_is_refused_at_predict():
    with pytest.raises(TypeError, match=f"{EST}: column 'wait' held durations in fit, got 3"):
        fit(pd.DataFrame({"wait": DAYS - DAYS[0]})).read(pd.DataFrame({"wait": [3, 4]}), owner=EST)


@pytest.mark.parametrize("values", [DAYS, DAYS - DAYS[0]], ids=["date", "duration"])
def test_a_date_in_a_number_column_is_refused(values):
    with pytest.raises(TypeError, match=f"{EST}: column 'age' held numbers in fit, got dates or durations"):
        fit(pd.DataFrame({"age": [1.0, 2.0]})).read(pd.DataFrame({"age": values}), owner=EST)


def test_times_of_day_are_refused():
    with pytest.raises(
        TypeError, match=f"{EST}: column 'when' has times of day without a date; make numbers"
    ):
        fit(pd.DataFrame({"when": DAYS.dt.time[:2]}))
