import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.tasks import infer_kind, read_labels


def infer(y):
    kind, doubt = infer_kind(read_labels(pd.DataFrame({"rain": y}), owner="Test").columns[0], owner="Test")
    return kind, doubt is not None


REGRESSION, CLASSIFICATION = ("regression", False), ("classification", False)
GUESSED_REGRESSION, GUESSED_CLASSIFICATION = ("regression", True), ("classification", True)
HOLE = [None]
CASES = {
    "bool": ([True, False], CLASSIFICATION),
    "boolean": (pd.array([True, None, False], dtype="boolean"), CLASSIFICATION),
    "object-bool": (np.array([True, None, False], dtype=object), CLASSIFICATION),
    "text": (["a", "b", "a"], CLASSIFICATION),
    "string": (pd.array(["a", None, "b"], dtype="string"), CLASSIFICATION),
    "text-of-numbers": (["1.5", "2.5"], CLASSIFICATION),
    "category-of-text": (pd.Categorical(["a", "b"]), CLASSIFICATION),
    "category-of-many-numbers": (pd.Categorical(list(range(9)) * 2), CLASSIFICATION),
    "identifiers": ([f"id {row}" for row in range(20)], GUESSED_CLASSIFICATION),
    "identifiers-as-category": (pd.Categorical([f"id {row}" for row in range(20)]), GUESSED_CLASSIFICATION),
    "many-classes": ([f"class {row % 20}" for row in range(40)], CLASSIFICATION),
    "fractions": ([0.5, 1.0, 2.0], REGRESSION),
    "two-fractions": ([0.5, 1.0, 0.5, 1.0], REGRESSION),
    "Float64": (pd.array([0.5, None, 2.0], dtype="Float64"), REGRESSION),
    "decimals": ([decimal.Decimal(1), decimal.Decimal(2)], REGRESSION),
    "zeros-and-ones": ([0, 1, 0], CLASSIFICATION),
    "two-integers": ([3, 7], CLASSIFICATION),
    "Int64-with-holes": (pd.array([0, None, 1], dtype="Int64"), CLASSIFICATION),
    "object-integers-with-holes": (np.array([0, None, 1], dtype=object), CLASSIFICATION),
    "zeros-and-ones-as-floats": ([0.0, 1.0], GUESSED_CLASSIFICATION),
    "zeros-and-ones-with-holes": ([0, 1, None], GUESSED_CLASSIFICATION),
    "ratings": ([1, 2, 3, 4, 5] * 3, GUESSED_CLASSIFICATION),
    "ratings-Int64": (pd.array([1, 2, 3, 4, 5] * 3 + HOLE, dtype="Int64"), GUESSED_CLASSIFICATION),
    "ratings-with-holes": ([1, 2, 3, 4, 5] * 3 + HOLE, GUESSED_REGRESSION),
    "ratings-as-floats": ([1.0, 2.0, 3.0, 4.0, 5.0] * 3, REGRESSION),
    "few-integers-each-once": (list(range(8)), GUESSED_REGRESSION),
    "ten-integers": (list(range(10)) * 3, GUESSED_CLASSIFICATION),
    "eleven-integers": (list(range(11)) * 3, GUESSED_REGRESSION),
    "years": (list(range(2000, 2025)), GUESSED_REGRESSION),
    "counts-with-holes": (list(range(40)) + HOLE, REGRESSION),
    "one-float": ([1.0, 1.0], REGRESSION),
}


@pytest.mark.parametrize("case", CASES)
def test_kind_follows_the_documented_rule(case):
    y, expected = CASES[case]
    assert infer(y) == expected


@pytest.mark.parametrize(
    "y",
    [
        pd.to_datetime(["2020-01-01", "2020-01-02"]),
        pd.to_datetime(["2020-01-01", "2020-01-02"]).tz_localize("UTC"),
        pd.to_timedelta([1, 2], unit="s"),
        pd.period_range("2020", periods=2, freq="D"),
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)],
    ],
    ids=["date", "zoned", "duration", "period", "object"],
)
def test_dates_are_refused(y):
    with pytest.raises(ValueError, match=r"Test: task 'rain' has labels like .* convert them to numbers"):
        infer(y)


@pytest.mark.parametrize("case", CASES)
def test_kind_does_not_depend_on_the_order_of_labels(case):
    y, expected = CASES[case]
    assert infer(pd.Series(y)[::-1]) == expected
