"""Every kind of X and of y that a table can hold."""

import numpy as np
import pandas as pd
import pytest

HOLE = 4  # the row and column in which some tables below have a missing value


def with_hole(X, hole):
    holed = X.astype(object)
    holed[HOLE, 1] = hole
    return holed


def rounded(X):
    return np.round(2 * X)


# Tables of whole numbers, all with the same content, and whether they have the hole.
NUMBER_TABLES = {
    "float64": (lambda X: X, False),
    "float64-fortran": (np.asfortranarray, False),
    "float64-read-only": (lambda X: np.frombuffer(X.tobytes()).reshape(X.shape), False),
    "float32": (lambda X: X.astype(np.float32), False),
    "float16": (lambda X: X.astype(np.float16), False),
    "int64": (lambda X: X.astype(np.int64), False),
    "int8": (lambda X: X.astype(np.int8), False),
    "object": (lambda X: X.astype(object), False),
    "list": (lambda X: X.tolist(), False),
    "frame": (pd.DataFrame, False),
    "frame-Int64": (lambda X: pd.DataFrame(X).astype("Int64"), False),
    "float64-nan": (lambda X: with_hole(X, np.nan).astype(float), True),
    "object-None": (lambda X: with_hole(X, None), True),
    "object-pd.NA": (lambda X: with_hole(X, pd.NA), True),
    "list-None": (lambda X: with_hole(X, None).tolist(), True),
    "frame-nan": (lambda X: pd.DataFrame(with_hole(X, np.nan).astype(float)), True),
    "frame-object-None": (lambda X: pd.DataFrame(with_hole(X, None), dtype=object), True),
    "frame-Int64-NA": (lambda X: pd.DataFrame(with_hole(X, pd.NA)).astype("Int64"), True),
    "frame-Float32-NA": (lambda X: pd.DataFrame(with_hole(X, pd.NA)).astype("Float32"), True),
}
COLOURS = np.array(["red", "blue", "green"], dtype=object)
CATEGORY_COLUMNS = {
    "object": lambda colours: pd.Series(colours, dtype=object),
    "str": lambda colours: pd.Series(colours, dtype="str"),
    "string": lambda colours: pd.Series(colours, dtype="string"),
    "category": lambda colours: pd.Series(pd.Categorical(colours)),
    "category-unused": lambda colours: pd.Series(
        pd.Categorical(colours, categories=["blue", "green", "grey", "red"])
    ),
}
FLAG_COLUMNS = {
    "bool": lambda flags: pd.Series(flags == 1),
    "boolean": lambda flags: pd.Series(flags == 1, dtype="boolean"),
    "uint8": lambda flags: pd.Series(flags, dtype=np.uint8),
    "object-bool": lambda flags: pd.Series(flags == 1, dtype=object),
}


@pytest.mark.parametrize("table", NUMBER_TABLES)
def test_containers_and_dtypes_of_numbers_make_no_difference(kind, numbers, table):
    X, y = rounded(numbers[0]), kind.labels(numbers[1])
    make, has_hole = NUMBER_TABLES[table]
    plain = X.copy()
    if has_hole:
        plain[HOLE, 1] = np.nan
    expected = kind().fit(plain, y).predict(plain)
    np.testing.assert_array_equal(kind().fit(make(X), y).predict(make(X)), expected)


@pytest.mark.parametrize("column", CATEGORY_COLUMNS)
@pytest.mark.parametrize("hole", [False, True], ids=["full", "hole"])
def test_kinds_of_category_columns_make_no_difference(kind, numbers, column, hole):
    X, y = numbers[0], kind.labels(numbers[1])
    colours = COLOURS[np.digitize(X[:, 0], [-0.5, 0.5])]
    if hole:
        colours[HOLE] = None

    def table(make):
        return pd.DataFrame({"size": X[:, 1], "colour": make(colours)})

    expected = kind().fit(table(CATEGORY_COLUMNS["object"]), y).predict(table(CATEGORY_COLUMNS["object"]))
    made = table(CATEGORY_COLUMNS[column])
    np.testing.assert_array_equal(kind().fit(made, y).predict(made), expected)


@pytest.mark.parametrize("column", FLAG_COLUMNS)
def test_flags_are_the_numbers_0_and_1(kind, numbers, column):
    X, y = numbers[0], kind.labels(numbers[1])
    flags = (X[:, 0] > 0).astype(float)
    made = pd.DataFrame({"size": X[:, 1], "flag": FLAG_COLUMNS[column](flags)})
    expected = kind().fit(made.astype(float), y).predict(made.astype(float))
    np.testing.assert_array_equal(kind().fit(made, y).predict(made), expected)


@pytest.mark.parametrize("other_columns", [["size"], []], ids=["beside-a-number", "alone"])
def test_a_category_column_is_learned_from(regressor, other_columns):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"colour": np.tile(COLOURS, 40), "size": rng.normal(size=120)})[
        ["colour", *other_columns]
    ]
    y = np.tile([-1.0, 0.0, 1.0], 40) + 0.1 * rng.normal(size=120)
    model = regressor(max_epochs=30).fit(X, y)
    np.testing.assert_allclose(model.predict(X), np.tile([-1.0, 0.0, 1.0], 40), atol=0.3)


def test_categories_never_seen_are_all_taken_alike(kind, mixed):
    X, y = mixed
    model = kind().fit(X, kind.labels(y))
    mauve, beige = (X.assign(colour=colour, city=city) for colour, city in [("mauve", "x"), ("beige", "y")])
    np.testing.assert_array_equal(model.predict(mauve), model.predict(beige))
    assert not pd.isna(model.predict(mauve)).any()


@pytest.mark.parametrize("hole", [np.nan, None, pd.NA], ids=["nan", "None", "NA"])
def test_every_value_may_be_missing_at_predict(kind, mixed, hole):
    X, y = mixed
    model = kind().fit(X, kind.labels(y))
    nothing = pd.DataFrame(hole, index=range(2), columns=X.columns, dtype=object)
    predicted = model.predict(nothing)
    np.testing.assert_array_equal(predicted[0], predicted[1])
    assert not pd.isna(predicted).any()


def test_constant_and_empty_columns_change_no_prediction_and_get_no_attention(kind, mixed):
    X, y = mixed
    labels = kind.labels(y)
    more = X.assign(one=1.0, nothing=np.nan, word="same", hole=pd.Series([None] * len(X), dtype=object))
    model = kind().fit(more, labels)
    dropped = model.feature_attention_[["one", "nothing", "word", "hole"]]
    assert (dropped == 0).all(axis=None)
    other = more.assign(one=7.0, nothing=3.0, word="other")
    np.testing.assert_array_equal(model.predict(more), model.predict(other))


@pytest.mark.parametrize(
    "X",
    [
        np.ones((20, 2)),
        np.full((20, 2), np.nan),
        pd.DataFrame({"word": ["same"] * 20, "one": 1}),
        pd.DataFrame({"hole": pd.Series([None] * 20, dtype=object)}),
    ],
    ids=["ones", "nan", "mixed", "None"],
)
def test_an_x_that_says_nothing_gives_one_prediction_for_all(kind, X):
    numbers = np.random.default_rng(0).normal(loc=3.0, size=(20, 2))
    y = kind.labels(numbers - (3.0 if kind.labels is not np.copy else 0.0))
    model = kind().fit(X, y)
    predicted = model.predict(X)
    assert (predicted == predicted[0]).all()
    if kind.labels is np.copy:
        np.testing.assert_allclose(predicted[0], y.mean(axis=0), atol=0.5)


@pytest.mark.parametrize("n_rows", [2, 3, 5])
@pytest.mark.parametrize("n_columns", [1, 3])
def test_a_handful_of_rows_is_enough(kind, n_rows, n_columns):
    X = np.arange(15.0).reshape(5, 3)[:n_rows, :n_columns]
    y = kind.labels(np.array([[1.0, -1.0], [-1.0, 1.0], [2.0, 3.0], [-3.0, -2.0], [1.0, 2.0]])[:n_rows])
    model = kind(n_folds="auto").fit(X, y)
    assert model.n_folds_ == n_rows
    assert model.predict(X).shape == y.shape
    assert np.isfinite(model.predict(X)).all()


def test_great_numbers_in_x_stay_finite(kind, numbers):
    X, y = numbers
    model = kind().fit(X * 1e300, kind.labels(y))
    assert np.isfinite(model.predict(X * 1e300)).all()
    assert np.isfinite(model.predict(-X * 1e307)).all()


def flags_and_animals():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 2))
    animals = np.array(["bee", "cat", "dog"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    return X, animals, X[:, 1] > 0


# Two columns of labels, "bee", "cat", "dog" and a flag: how they come, and the labels and dtype that go.
CLASS_TABLES = {
    "strings-and-bools": (
        lambda a, f: pd.DataFrame({"animal": a, "flag": f}),
        [["bee", "cat", "dog"], [False, True]],
        object,
    ),
    "strings-and-ints": (
        lambda a, f: np.array([a.astype(object), f.astype(int)], dtype=object).T,
        [["bee", "cat", "dog"], [0, 1]],
        object,
    ),
    "list": (
        lambda a, f: [list(row) for row in zip(a.tolist(), f.tolist(), strict=True)],
        [["bee", "cat", "dog"], [False, True]],
        object,
    ),
    "categories": (
        lambda a, f: pd.DataFrame({"animal": pd.Categorical(a), "flag": pd.Categorical(f.astype(int))}),
        [["bee", "cat", "dog"], [0, 1]],
        object,
    ),
    "ints": (
        lambda a, f: np.stack([np.searchsorted(["bee", "cat", "dog"], a) + 5, f], axis=1),
        [[5, 6, 7], [0, 1]],
        np.int64,
    ),
    "whole-floats": (
        lambda a, f: np.stack([np.searchsorted(["bee", "cat", "dog"], a), f], axis=1).astype(float),
        [[0.0, 1.0, 2.0], [0.0, 1.0]],
        np.float64,
    ),
    "nullable": (
        lambda a, f: pd.DataFrame(
            {"animal": pd.array(a, dtype="string"), "flag": pd.array(f, dtype="boolean")}
        ),
        [["bee", "cat", "dog"], [False, True]],
        object,
    ),
    "strings": (
        lambda a, f: np.stack([a, np.where(f, "yes", "no")], axis=1),
        [["bee", "cat", "dog"], ["no", "yes"]],
        np.str_,
    ),
}


@pytest.mark.parametrize("table", CLASS_TABLES)
def test_labels_of_any_type_come_back_as_they_came(classifier, table):
    X, animals, flags = flags_and_animals()
    make, classes, dtype = CLASS_TABLES[table]
    model = classifier(max_epochs=20).fit(X, make(animals, flags))
    assert [task_classes.tolist() for task_classes in model.classes_] == classes
    predicted = model.predict(X)
    assert predicted.shape == (30, 2)
    assert np.issubdtype(predicted.dtype, dtype)
    for position, task_classes in enumerate(classes):
        assert set(predicted[:, position].tolist()) <= set(task_classes)
    assert model.score(X, make(animals, flags)) > 0.6


@pytest.mark.parametrize("table", CLASS_TABLES)
def test_the_type_of_labels_does_not_change_what_is_learned(classifier, table):
    X, animals, flags = flags_and_animals()
    expected = classifier().fit(X, CLASS_TABLES["ints"][0](animals, flags)).predict_proba(X)
    probabilities = classifier().fit(X, CLASS_TABLES[table][0](animals, flags)).predict_proba(X)
    for task, expected_task in zip(probabilities, expected, strict=True):
        np.testing.assert_array_equal(task, expected_task)


HOLES = {
    "nan": lambda y: np.where(np.isnan(y), np.nan, y),
    "float32": lambda y: y.astype(np.float32).astype(np.float32),
    "None": lambda y: np.where(np.isnan(y), None, y.astype(object)),
    "NA": lambda y: np.where(np.isnan(y), pd.NA, y.astype(object)),
    "list-None": lambda y: np.where(np.isnan(y), None, y.astype(object)).tolist(),
    "masked": lambda y: np.ma.masked_array(np.nan_to_num(y), mask=np.isnan(y)),
    "frame": pd.DataFrame,
    "frame-Float64": lambda y: pd.DataFrame(y).astype("Float64"),
    "frame-object": lambda y: pd.DataFrame(np.where(np.isnan(y), None, y.astype(object)), dtype=object),
}


@pytest.mark.parametrize("hole", HOLES)
def test_holes_in_y_of_every_kind_are_the_same(kind, numbers, hole):
    X, y = numbers
    y = np.round(4 * y) / 4  # exact in float32
    labels = kind.labels(y)
    expected = kind().fit(X, labels).predict(X)
    predicted = kind().fit(X, HOLES[hole](labels)).predict(X)
    np.testing.assert_array_equal(predicted.astype(float), expected.astype(float))


def test_what_stands_in_a_hole_of_y_does_not_matter(kind, numbers):
    X, y = numbers
    labels = kind.labels(y)
    masks = np.isnan(labels)
    low, high = (np.ma.masked_array(np.where(masks, filler, labels), mask=masks) for filler in (-99.0, 1e9))
    np.testing.assert_array_equal(kind().fit(X, low).predict(X), kind().fit(X, high).predict(X))


@pytest.mark.parametrize(
    ("make", "names", "shape"),
    [
        (lambda y: y[:, 0], ["y"], (60,)),
        (lambda y: y[:, 0].tolist(), ["y"], (60,)),
        (lambda y: pd.Series(y[:, 0], name="size"), ["size"], (60,)),
        (lambda y: y[:, :1], ["task_0"], (60, 1)),
        (lambda y: y[:, :2].tolist(), ["task_0", "task_1"], (60, 2)),
        (lambda y: pd.DataFrame(y[:, :1], columns=["size"]), ["size"], (60, 1)),
        (lambda y: pd.DataFrame(y[:, :2], columns=["size", 3]), ["size", "3"], (60, 2)),
    ],
    ids=["1-D", "list", "Series", "one-column", "nested-list", "one-column-frame", "frame"],
)
def test_the_shape_and_names_of_y_are_kept(kind, numbers, make, names, shape):
    X, y = numbers[0], np.nan_to_num(numbers[1])
    model = kind().fit(X, make(kind.labels(y)))
    assert model.task_names_ == names
    assert model.predict(X).shape == shape
    assert model.oof_prediction_.shape == shape
    assert model.oof_task_scores_.index.tolist() == names
    assert model.view_shares_.index.tolist() == names
    assert model.feature_attention_.index.tolist() == names


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, bool])
def test_a_multilabel_indicator_keeps_its_dtype(classifier, numbers, dtype):
    X, y = numbers
    indicator = (np.nan_to_num(y) > 0).astype(dtype)
    model = classifier().fit(X, indicator)
    assert model.predict(X).dtype == indicator.dtype
    assert model.oof_prediction_.dtype == indicator.dtype
    assert [probabilities.shape for probabilities in model.predict_proba(X)] == [(60, 2)] * 3


def test_rows_without_any_label_change_nothing(kind, mixed):
    X, y = mixed
    y[::4] = np.nan
    labelled = ~np.isnan(y).all(axis=1)
    labels = kind.labels(y)
    with_them, without = kind().fit(X, labels), kind().fit(X[labelled], labels[labelled])
    np.testing.assert_array_equal(with_them.predict(X), without.predict(X))
    np.testing.assert_array_equal(with_them.oof_prediction_[labelled], without.oof_prediction_)
    np.testing.assert_array_equal(with_them.oof_prediction_[~labelled], without.predict(X[~labelled]))


def test_two_labels_are_enough_for_a_task(kind, numbers):
    X, y = numbers
    y[:, 2] = np.nan
    y[[3, 30], 2] = [10.0, -20.0]
    model = kind(n_folds=4).fit(X, kind.labels(y))
    assert np.isfinite(model.predict(X).astype(float)).all()
    assert np.isfinite(model.oof_score_)


@pytest.mark.parametrize("rows", [[3], [3, 3], [3, 9]], ids=["one", "one-row-twice", "two"])
def test_a_task_with_one_value_predicts_it(regressor, numbers, rows):
    X, y = numbers
    X, y = np.vstack([X, X[rows]]), np.vstack([y, np.full((len(rows), 3), np.nan)])
    y[:, 2] = np.nan
    y[-len(rows) :, 2] = 1000.0
    model = regressor(n_folds=4).fit(X, y)
    np.testing.assert_allclose(model.predict(X)[:, 2], 1000.0)


def test_a_constant_task_is_predicted_as_it_is(regressor, numbers):
    X, y = numbers
    y[~np.isnan(y[:, 1]), 1] = 3.0
    np.testing.assert_allclose(regressor().fit(X, y).predict(X)[:, 1], 3.0, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e30, 1e150])
def test_the_unit_of_a_regression_task_does_not_matter(regressor, numbers, scale):
    X, y = numbers
    expected = regressor().fit(X, y).predict(X)
    np.testing.assert_allclose(regressor().fit(X, scale * y).predict(X) / scale, expected, atol=1e-4)


def test_many_tasks_share_eight_slots(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ rng.normal(size=(3, 10)) + 0.1 * rng.normal(size=(60, 10))
    model = kind().fit(X, kind.labels(y))
    assert model.n_slots_ == 8
    assert model.predict(X).shape == (60, 10)
    attention = model.attention_weights(X)
    assert attention.shape == (60, 10, 3)
    np.testing.assert_allclose(attention.sum(axis=2), 1.0)
    # Mixed by gates of its own, no task attends as another does.
    assert len(np.unique(attention[0].round(9), axis=0)) == 10
