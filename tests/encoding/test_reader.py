import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.encoding import ColumnReader

EST = "MultiTaskAttentionRegressor"
NAN = np.nan


def fit(X, **options):
    return ColumnReader().fit(X, owner=EST, **options)


def fit_read(X):
    return fit(X).read(X, owner=EST)


def codes(X):
    return fit_read(X).categories.ravel().tolist()


def kinds(X):
    return [info.kind for info in fit(X).columns_]


def test_numbers_mean_the_same_in_every_container(number_table):
    X, expected = number_table
    columns = fit_read(X)
    assert columns.numbers.dtype in (np.float64, np.float32)
    np.testing.assert_array_equal(columns.numbers, expected)
    assert columns.categories.shape == (5, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_of_floats_is_not_copied(dtype):
    X = np.ones((5, 2), dtype=dtype)
    assert fit_read(X).numbers is X


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["float16", "int16"], np.float32),
        (["bool", "uint8"], np.float32),
        (["float32", "int32"], np.float64),
        (["float32", "float64"], np.float64),
        (["float32", "Float32"], np.float64),
    ],
)
@pytest.mark.parametrize("has_category", [False, True])
def test_numbers_are_float32_where_that_holds_all_their_values(dtypes, expected, has_category):
    X = pd.DataFrame({name: pd.Series([0, 1, 1]).astype(name) for name in dtypes})
    if has_category:
        X["colour"] = ["red", "blue", "red"]
    assert fit_read(X).numbers.dtype == expected


def test_categories_mean_the_same_in_every_container(colour_table):
    reader = fit(colour_table)
    columns = reader.read(colour_table, owner=EST)
    assert reader.columns_[0].levels == ("blue", "red")
    assert columns.categories.dtype == np.int64
    assert columns.categories.ravel().tolist() == [3, 2, 3, 0, 2]
    assert columns.numbers.shape == (5, 0)


@pytest.mark.parametrize("fitted", ["object", "category"])
def test_levels_are_matched_by_value_whatever_the_dtype(colour_table, fitted):
    reader = fit(pd.DataFrame({"colour": pd.Series(["red", "red", "blue", "blue"]).astype(fitted)}))
    assert reader.read(colour_table, owner=EST).categories.ravel().tolist() == [3, 2, 3, 0, 2]


def assert_rows_are_read_as_in_the_table(reader, X, n_rows=5):
    whole = reader.read(X, owner=EST)
    for row in range(n_rows):
        one = slice(row, row + 1)
        columns = reader.read(X.iloc[one] if isinstance(X, pd.DataFrame) else X[one], owner=EST)
        np.testing.assert_array_equal(columns.numbers, whole.numbers[one])
        np.testing.assert_array_equal(columns.categories, whole.categories[one])


def test_rows_of_numbers_are_read_one_by_one_as_at_once(number_table):
    X, _ = number_table
    assert_rows_are_read_as_in_the_table(fit(X), X)


def test_rows_of_categories_are_read_one_by_one_as_at_once(colour_table):
    assert_rows_are_read_as_in_the_table(fit(colour_table), colour_table)


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical([*"abca", None, "b"], categories=["b", "a", "c", *map(str, range(1000))]),
        pd.Categorical([1, 2.5, 1, None, 2.5, 7], categories=[1, 2.5, 7, *range(8, 1000)]),
        pd.Categorical([True, False, None, True, False, True]),
        pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01", None] * 2)),
        pd.array([1, "1", 1.0, None, np.nan, True], dtype=object),
        pd.array([{"k": 1}, "{'k': 1}", 2.5, 2.5, pd.NA, pd.NaT], dtype=object),
        pd.array([("a", 1), ("a", 1), frozenset("b"), None, Decimal("NaN"), b"b"], dtype=object),
    ],
    ids=["wide", "wide-mixed", "bools", "dates", "equal-numbers", "unhashable", "tuples"],
)
def test_unusual_categories_are_read_one_by_one_as_at_once(values):
    X = pd.DataFrame({"n": [1, 2, 3, 4, 5, 6], "c": values, "b": [True] * 6})
    reader = fit(X)
    assert [info.kind for info in reader.columns_] == ["number", "category", "number"]
    assert_rows_are_read_as_in_the_table(reader, X, n_rows=6)
    assert_rows_are_read_as_in_the_table(reader, pd.concat([X] * 200), n_rows=6)


def test_a_float64_array_is_not_copied_and_never_written_to():
    X = np.arange(6.0).reshape(3, 2)
    X.setflags(write=False)
    assert np.shares_memory(fit_read(X).numbers, X)


def test_columns_are_named_by_the_frame_or_by_their_place():
    assert [info.name for info in fit(pd.DataFrame({"a": [1.0], 7: ["x"]})).columns_] == ["a", "7"]
    assert [info.name for info in fit(np.ones((1, 2))).columns_] == ["x0", "x1"]


def test_kinds_keep_the_order_of_the_columns():
    X = pd.DataFrame({"c": ["u", "u"], "n": [1, 2], "d": ["v", "v"], "m": [3.0, NAN]})
    reader = fit(X)
    assert [(info.name, info.kind, info.index) for info in reader.columns_] == [
        ("c", "category", 0),
        ("n", "number", 1),
        ("d", "category", 2),
        ("m", "number", 3),
    ]
    np.testing.assert_array_equal(reader.read(X, owner=EST).numbers, [[1, 3], [2, NAN]])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5, None], "number"),
        ([True, False, None], "number"),
        ([True, 2, 0.5], "number"),
        ([Decimal("1.5"), Decimal(2), None], "number"),
        (["1", "2", "3"], "category"),
        ([1, "2", 3], "category"),
        ([None, None, None], "category"),
        ([{"a": 1}, 2.0, 3.0], "category"),
        ([b"a", b"b", None], "category"),
    ],
    ids=["numbers", "bools", "mixed", "decimal", "text-numbers", "beside-text", "holes", "dict", "bytes"],
)
def test_an_object_column_of_a_frame_is_a_number_if_all_values_are(values, kind):
    assert kinds(pd.DataFrame({"a": pd.Series(values, dtype=object)})) == [kind]


def test_text_that_reads_as_a_number_is_one_in_an_array():
    assert kinds(np.array([["1.5", "a"], ["2", "b"]])) == ["number", "category"]
    assert kinds(np.array([["1.5", "a"], [None, "b"]], dtype=object)) == ["number", "category"]


@pytest.mark.parametrize("rows", [[["1", 2.0], ["a", 3.0]], np.array([["1", "2"], ["a", "3"]])])
def test_columns_of_an_array_are_read_each_for_itself(rows):
    assert kinds(rows) == ["category", "number"]


def test_numbers_as_categories_stay_categories():
    X = pd.DataFrame({"a": pd.Categorical([3, 1, 3, 1])})
    assert codes(X) == [3, 2, 3, 2]


def test_a_category_of_fit_is_found_in_an_array_of_numbers():
    reader = fit(pd.DataFrame({"a": pd.Categorical([3, 1, 3, 1]), "b": [1.0, 2.0, 3.0, 4.0]}))
    columns = reader.read(np.array([[1.0, 5.0], [NAN, 6.0], [2.0, 7.0]]), owner=EST)
    assert columns.categories.ravel().tolist() == [2, 0, 1]
    assert columns.numbers.ravel().tolist() == [5.0, 6.0, 7.0]


def test_levels_follow_the_order_of_a_categorical():
    size = pd.Categorical(["S", "L", "S", "L"], categories=["S", "L"], ordered=True)
    assert fit(pd.DataFrame({"size": size})).columns_[0].levels == ("S", "L")


def test_levels_of_several_types_have_one_order_in_every_order_of_rows():
    values = np.array([1, "1", 2.5, "b"] * 2, dtype=object)
    levels = {
        fit(pd.DataFrame({"a": values[order]})).columns_[0].levels for order in (range(8), range(7, -1, -1))
    }
    assert len(levels) == 1
    assert len(levels.pop()) == 4


def test_rare_values_share_the_code_of_values_never_seen():
    reader = fit(pd.DataFrame({"a": ["u", "u", "rare", "v", "v"]}))
    read = reader.read(pd.DataFrame({"a": ["u", "rare", "new", "v", None]}), owner=EST)
    assert read.categories.ravel().tolist() == [2, 1, 1, 3, 0]


def test_a_column_of_unique_values_becomes_constant():
    assert set(codes(pd.DataFrame({"id": [f"row {i}" for i in range(6)]}))) == {1}


def test_all_missing_text_can_be_read_when_values_appear_later():
    reader = fit(pd.DataFrame({"a": pd.Series([None, None], dtype="str")}))
    assert reader.read(pd.DataFrame({"a": ["new", None]}), owner=EST).categories.ravel().tolist() == [1, 0]


def test_values_that_cannot_be_hashed_are_taken_as_text():
    assert codes(pd.DataFrame({"a": [{"k": 1}, {"k": 1}, [1, 2], None]})) == [2, 2, 1, 0]


def test_a_value_that_cannot_be_hashed_leaves_the_others_what_they_are():
    reader = fit(pd.DataFrame({"a": [{"k": 1}, {"k": 1}, 2.5, 2.5]}))
    assert set(reader.columns_[0].levels) == {"{'k': 1}", 2.5}
    assert reader.read(pd.DataFrame({"a": [2.5, None, "2.5"]}), owner=EST).categories[:, 0].tolist() == [
        2 + reader.columns_[0].levels.index(2.5),
        0,
        1,
    ]


def test_frames_with_other_categories_are_read_in_turn():
    reader = fit(pd.DataFrame({"a": pd.Categorical(["u", "v"] * 2)}))
    same_codes = [
        pd.DataFrame({"a": pd.Categorical.from_codes([0, 1, -1], names)})
        for names in (["u", "v"], ["v", "w"])
    ]
    for _ in range(2):
        read = [reader.read(X, owner=EST).categories.ravel().tolist() for X in same_codes]
        assert read == [[2, 3, 0], [3, 1, 0]]


def test_reading_does_not_make_a_pickled_reader_larger():
    reader = fit(pd.DataFrame({"a": ["u", "u"]}))
    size = len(pickle.dumps(reader))
    reader.read(pd.DataFrame({"a": pd.Categorical(map(str, range(1000)))}), owner=EST)
    assert len(pickle.dumps(reader)) == size


def test_dates_are_no_level_of_a_column_of_whole_numbers():
    day = pd.Timestamp("2020-01-01")
    reader = fit(pd.DataFrame({"a": pd.Categorical([day.value] * 2), "b": [1.0, 2.0]}))
    X = pd.DataFrame({"a": [day], "b": [1.0]}).astype({"a": "datetime64[ns]"})
    assert reader.read(X, owner=EST).categories.tolist() == [[1]]


def test_absent_rows_do_not_count_for_levels():
    X = pd.DataFrame({"a": ["once", "twice", "twice", "half", "half", "gone", "gone"]})
    reader = fit(X, is_present=[True, True, True, True, False, False, False])
    assert reader.columns_[0].levels == ("twice",)


def test_a_reader_survives_pickling():
    X = pd.DataFrame({"a": ["u", "u", "v"], "b": [1.0, 2.0, NAN]})
    reader = fit(X)
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.columns_ == reader.columns_
    np.testing.assert_array_equal(copy.read(X, owner=EST).categories, reader.read(X, owner=EST).categories)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda x: x, "x1"),
        (lambda x: x.astype(np.float32), "x1"),
        (lambda x: x.astype(object), "x1"),
        (lambda x: pd.DataFrame(x, columns=["a", "b"]), "b"),
        (lambda x: pd.DataFrame({"a": ["u", "v", "w"], "b": x[:, 1]}), "b"),
        (lambda x: np.where(np.isinf(x), np.longdouble("1e4000"), x), "x1"),
        (lambda x: np.where(np.isinf(x), 10**400, x.astype(object)), "x1"),
    ],
    ids=["float64", "float32", "object", "frame", "frame-with-text", "longdouble", "huge-int"],
)
@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinity_is_refused_with_column_and_row(make, name, infinity):
    X = make(np.array([[NAN, 1.0], [3.0, 4.0], [5.0, infinity]]))
    with pytest.raises(
        ValueError, match=rf"{EST}: Input X contains infinity.*'{name}' has -?inf in row 2; re"
    ):
        fit_read(X)


def test_infinity_is_found_in_any_row_of_a_long_table():
    X = np.zeros((20_000, 2))
    X[17_000:, 1] = np.inf
    with pytest.raises(ValueError, match=r"'x1' has inf in row 17000;"):
        fit_read(X)


@pytest.mark.parametrize(
    "X",
    [
        np.array([[1 + 2j], [3 + 0j]]),
        pd.DataFrame({"x0": [1 + 2j, 3 + 0j]}),
        np.array([[1 + 2j], [3 + 0j]], dtype=object),
    ],
    ids=["array", "frame", "object"],
)
def test_complex_numbers_are_refused_with_the_mend(X):
    with pytest.raises(ValueError, match=rf"{EST}: column 'x0' .*Complex data not supported.*two columns"):
        fit(X)


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_text_in_a_number_column_is_refused_with_its_value(dtype):
    reader = fit(pd.DataFrame({"age": [30, 40, 50]}))
    X = pd.DataFrame({"age": pd.Series([None, "31", "unknown"]).astype(dtype)})
    with pytest.raises(
        ValueError, match=rf"{EST}: column 'age' held numbers in fit, got 'unknown' in row 2; make"
    ):
        reader.read(X, owner=EST)


@pytest.mark.parametrize("n_columns", [1, 3])
def test_another_number_of_columns_is_refused_in_the_words_of_scikit_learn(n_columns):
    message = rf"X has {n_columns} features, but {EST} is expecting 2 features as input"
    with pytest.raises(ValueError, match=message):
        fit(np.ones((4, 2))).read(np.ones((4, n_columns)), owner=EST)
