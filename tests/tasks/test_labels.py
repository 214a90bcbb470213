import decimal

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.tasks import check_comparable, class_labels, read_labels, real_numbers


def column(y, name="rain"):
    return read_labels(pd.DataFrame({name: y}), owner="Test").columns[0]


@pytest.mark.parametrize(
    "y",
    [[1, 0], [True, False], [1.0, 0.0], [decimal.Decimal(1), decimal.Decimal(0)]],
    ids=["int", "bool", "float", "Decimal"],
)
def test_real_numbers_are_float64(y):
    numbers = real_numbers(column(y), owner="Test")
    assert numbers.dtype == np.float64
    assert numbers.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "y",
    [["1.5", "2"], pd.to_datetime(["2020-01-01", "2020-01-02"]), pd.to_timedelta([1, 2], unit="s")],
    ids=["text", "date", "duration"],
)
def test_regression_labels_that_are_no_numbers_are_refused(y):
    with pytest.raises(ValueError, match=r"Test: task 'rain' has labels like .* expected numbers"):
        real_numbers(column(y), owner="Test")


@pytest.mark.parametrize("y", [[(1, 2), (3, 4)], [10**400, 1]], ids=["tuple", "huge-int"])
def test_objects_without_a_float_are_refused(y):
    with pytest.raises(ValueError, match="Test: task 'rain' has labels that are no numbers"):
        real_numbers(column(y), owner="Test")


@pytest.mark.parametrize("read", [real_numbers, class_labels])
def test_infinity_is_refused_with_its_row(read):
    message = (
        r"Test: Input y contains infinity or a value too large for dtype\('float64'\)\. Task 'rain'.*row 2"
    )
    with pytest.raises(ValueError, match=message):
        read(column([0.0, np.nan, -np.inf]), owner="Test")


@pytest.mark.parametrize("read", [real_numbers, class_labels])
def test_complex_labels_are_refused(read):
    with pytest.raises(ValueError, match="Complex data not supported: task 'rain'"):
        read(column([1 + 1j, 2]), owner="Test")


def test_fractions_are_no_classes():
    with pytest.raises(ValueError, match=r"Unknown label type: continuous\. Task 'rain' .* 0\.5.* regressor"):
        class_labels(column([1.0, 0.5]), owner="Test")


def test_whole_floats_are_classes_in_their_dtype():
    labels = class_labels(column(np.array([2, np.nan, 1], dtype=np.float32)), owner="Test")
    assert labels.dtype == np.float32
    assert labels.tolist() == [2.0, 1.0]


def test_mixed_types_are_named():
    with pytest.raises(ValueError, match=r"task 'rain' mixes labels of the types \['int', 'str'\]"):
        class_labels(column(np.array([1, "a"], dtype=object)), owner="Test")


def test_text_cannot_be_compared_with_numbers():
    with pytest.raises(ValueError, match="task 'rain' has labels like 'a', expected labels like 0"):
        check_comparable(np.array(["a"]), np.array([0, 1]), name="rain", owner="Test")
