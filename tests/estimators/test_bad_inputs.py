"""What cannot be used is refused before training, by an error that names it and says how to mend it."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from skorch.callbacks import Callback

from .conftest import GUESSES

TASKS = ["u", "v", "w"]


class NoTraining(Callback):
    """Fails when training begins."""

    def on_train_begin(self, net, **kwargs):
        del net, kwargs
        raise AssertionError("training has begun")


def named(y):
    return pd.DataFrame(y, columns=TASKS)


def frame(X):
    return pd.DataFrame(X, columns=["a", "b", "c"])


def put(table, row, column, value):
    table = np.array(table, dtype=object if isinstance(value, str | complex) else float)
    table[row, column] = value
    return table


# What is wrong: arguments of fit from good X and y, and what the error says.
BAD_FITS = {
    "fewer-rows-in-y": (lambda X, y: {"X": X, "y": y[:-1]}, "X has 60 rows and y has 59"),
    "fewer-rows-in-x": (lambda X, y: {"X": X[:-2], "y": named(y)}, "X has 58 rows and y has 60"),
    "task-without-label": (
        lambda X, y: {"X": X, "y": named(y).assign(v=np.nan)},
        "task 'v' has no observed label in 60 rows; drop the column or label",
    ),
    "no-label-at-all": (
        lambda X, y: {"X": X, "y": np.full(y.shape, np.nan)},
        "'task_0' has no observed label",
    ),
    "inf-in-y": (lambda X, y: {"X": X, "y": named(put(y, 3, 1, np.inf))}, "infinity.* 'v' .*row 3; use NaN"),
    "minus-inf-in-y": (lambda X, y: {"X": X, "y": put(y, 5, 2, -np.inf)}, "infinity.* 'task_2' .*row 5"),
    "inf-in-x": (
        lambda X, y: {"X": frame(put(X, 3, 1, np.inf)), "y": y},
        "infinity.*column 'b'.*row 3; replace",
    ),
    "minus-inf-in-x": (lambda X, y: {"X": put(X, 3, 1, -np.inf), "y": y}, "column 'x1' has -inf in row 3"),
    "complex-x": (lambda X, y: {"X": X.astype(complex), "y": y}, "Complex data not supported"),
    "complex-y": (
        lambda X, y: {"X": X, "y": y.astype(complex)},
        "Complex data not supported.*'task_0'.*as two tasks",
    ),
    "times-in-x": (
        lambda X, y: {"X": frame(X).assign(b=pd.Timestamp("2020-01-01").time()), "y": y},
        "column 'b' has times of day without a date; make numbers",
    ),
    "sparse-x-with-holes": (
        lambda X, y: {"X": sparse.csr_array(put(X, 3, 1, np.nan)), "y": y},
        r"column 'x1' of the sparse X has nan in row 3.*leave the entry out",
    ),
    "sparse-x-with-infinity": (
        lambda X, y: {"X": sparse.csc_array(put(X, 3, 1, np.inf)), "y": y},
        r"column 'x1' of the sparse X has inf in row 3",
    ),
    "sparse-y-with-holes": (
        lambda X, y: {"X": X, "y": sparse.csr_array(put(np.eye(*y.shape), 3, 1, np.nan))},
        r"y is sparse.*y\.toarray\(\)",
    ),
    "two-columns-of-one-name": (
        lambda X, y: {"X": frame(X).rename(columns={"c": "a"}), "y": y},
        r"X has several columns named \['a'\]; rename or drop",
    ),
    "1-D-x": (lambda X, y: {"X": X[:, 0], "y": y}, "Expected 2D array, got 1D array.*[Rr]eshape"),
    "4-D-x": (lambda X, y: {"X": X[:, :, None, None], "y": y}, "X has 4 axes"),
    "no-column-in-x": (lambda X, y: {"X": X[:, :0], "y": y}, r"0 feature\(s\)"),
    "no-row": (lambda X, y: {"X": X[:0], "y": y[:0]}, r"0 sample\(s\)"),
    "one-row": (
        lambda X, y: {"X": X[:1], "y": np.nan_to_num(y[:1])},
        "at least 2 different rows|only one class",
    ),
    "equal-rows": (
        lambda X, y: {"X": np.ones_like(X), "y": np.ones_like(y)},
        "at least 2 different rows|only one class",
    ),
    "no-y": (lambda X, _: {"X": X, "y": None}, "requires y to be passed"),
    "3-D-y": (lambda X, y: {"X": X, "y": y[:, :, None]}, r"y has 3 axes, shape \(60, 3, 1\).*reshape"),
    "no-column-in-y": (lambda X, y: {"X": X, "y": y[:, :0]}, "y has no column.*at least one task"),
    "two-tasks-of-one-name": (
        lambda X, y: {"X": X, "y": named(y).rename(columns={"w": "u"})},
        r"more than once: \['u'\]; give every task a name of its own",
    ),
    "negative-weight": (
        lambda X, y: {"X": X, "y": y, "sample_weight": [-2.0, *[1.0] * 59]},
        "sample_weight contains -2; weights must not be negative",
    ),
    "zero-weights": (
        lambda X, y: {"X": X, "y": y, "sample_weight": np.zeros(60)},
        "sample_weight is zero in all 60 rows; some must weigh more",
    ),
    "nan-weight": (
        lambda X, y: {"X": X, "y": y, "sample_weight": [np.nan, *[1.0] * 59]},
        "sample_weight contains NaN or infinity; every weight must be finite",
    ),
    "too-few-weights": (
        lambda X, y: {"X": X, "y": y, "sample_weight": np.ones(59)},
        r"sample_weight has shape \(59,\), expected \(60,\), or \(60, 3\)",
    ),
    "zero-weights-of-a-task": (
        lambda X, y: {"X": X, "y": named(y), "sample_weight": np.array([1.0, 0.0, 1.0]) * np.ones((60, 1))},
        "all observed labels of task 'v' have sample_weight zero; drop the task or",
    ),
}
BAD_TASK_WEIGHTS = {
    "unknown-task": ({"x": 1.0}, r"task_weight names unknown tasks \['x'\]; the tasks are \['u', 'v', 'w'\]"),
    "negative": ({"u": -1.0}, "task_weight contains -1; weights must not be negative"),
    "zero": ([0.0, 0.0, 0.0], r"task_weight is zero for all tasks.*some must weigh more"),
    "nan": ([1.0, np.nan, 1.0], "task_weight contains NaN or infinity; every weight must be finite"),
    "too-few": ([1.0, 2.0], r"task_weight has shape \(2,\), expected \(3,\).*or give a dict"),
    "text": (["a", "b", "c"], "task_weight must hold numbers"),
    "number": (2.0, "task_weight"),
}
BAD_CLASS_LABELS = {
    "one-class": (
        lambda y: pd.DataFrame(y, columns=TASKS).assign(v=1.0),
        "task 'v' has only one class, 1.0, in 60 observed labels; a classifier needs two, so drop",
    ),
    "one-class-beside-holes": (
        lambda y: pd.DataFrame(y, columns=TASKS).assign(v=[*[None] * 50, *["a"] * 10]),
        "task 'v' has only one class, 'a', in 10 observed labels",
    ),
    "continuous": (lambda y: y + 0.25, "Unknown label type: continuous.*'task_0'.*use the regressor"),
    "mixed-types": (
        lambda y: pd.DataFrame(y, columns=TASKS).assign(v=["a", 1] * 30),
        r"task 'v' mixes labels of the types \['int', 'str'\]; convert",
    ),
}
BAD_PARAMETERS = [
    ("n_folds", 1),
    ("n_folds", "many"),
    ("n_folds", 2.5),
    ("n_views", 0),
    ("n_slots", 0),
    ("n_slots", "all"),
    ("n_bins", 0),
    ("d_token", -3),
    ("d_token", "wide"),
    ("d_hidden", 1.5),
    ("n_layers", 0),
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("learning_rate", 0),
    ("learning_rate", np.inf),
    ("learning_rate", "fast"),
    ("weight_decay", -1e-3),
    ("batch_size", 0),
    ("batch_size", None),
    ("max_epochs", 0),
    ("max_epochs", 1.0),
    ("max_epochs", "many"),
    ("preset", "slow"),
    ("preset", None),
    ("n_trees", -1),
    ("n_trees", 10.0),
    ("n_trees", "many"),
    ("linear_view", "yes"),
    ("task_weight", "balanced"),
    ("callbacks", "early"),
    ("callbacks", [3]),
    ("callbacks", [("name", "early")]),
    ("device", 0),
    ("device", "abacus"),
    ("n_threads", 0),
    ("random_state", -1),
    ("random_state", "seed"),
    ("verbose", -1),
    ("verbose", "loud"),
]


@pytest.fixture
def refuses(kind, numbers):
    """Say that fit refuses, before training, by a message, and leaves a fitted estimator as it was."""
    X, y = numbers
    fitted = kind().fit(X, named(kind.labels(y)))

    good = {"X": X, "y": named(kind.labels(y)), "sample_weight": None}

    def check(message, *, options=None, owner=kind.estimator.__name__, **arguments):
        before, predicted = dict(vars(fitted)), fitted.predict(numbers[0])
        parameters = fitted.get_params(deep=False)
        fitted.set_params(**{"callbacks": [NoTraining()], **(options or {})})
        with pytest.raises((ValueError, TypeError), match=f"(?s){message}") as caught:
            fitted.fit(**{**good, **arguments})
        assert owner in str(caught.value)
        after = vars(fitted)
        assert after.keys() == before.keys()
        assert [name for name in before if name.endswith("_") and after[name] is not before[name]] == []
        np.testing.assert_array_equal(fitted.set_params(**parameters).predict(numbers[0]), predicted)

    return check


@pytest.mark.parametrize("case", BAD_FITS)
def test_unusable_data_is_refused(kind, numbers, refuses, case):
    make, message = BAD_FITS[case]
    X, y = numbers
    refuses(message, **make(X, kind.labels(y)))


def test_column_names_of_two_types_are_refused_in_scikit_learns_words(numbers, refuses):
    refuses(
        "only supported if all input features have string names",
        owner="",
        X=frame(numbers[0]).rename(columns={"b": 1}),
    )


@pytest.mark.parametrize("case", BAD_TASK_WEIGHTS)
def test_unusable_task_weights_are_refused(refuses, case):
    task_weight, message = BAD_TASK_WEIGHTS[case]
    refuses(message, options={"task_weight": task_weight})


@pytest.mark.parametrize(("parameter", "value"), BAD_PARAMETERS)
def test_parameters_of_wrong_type_or_range_are_refused(refuses, parameter, value):
    refuses(f"{parameter}.*{value!r}" if parameter != "callbacks" else parameter, options={parameter: value})


@pytest.mark.parametrize("kind", ["classifier"], indirect=True)
@pytest.mark.parametrize("case", BAD_CLASS_LABELS)
def test_unusable_class_labels_are_refused(kind, numbers, refuses, case):
    make, message = BAD_CLASS_LABELS[case]
    refuses(message, y=make(kind.labels(numbers[1])))


@pytest.mark.parametrize("kind", ["classifier"], indirect=True)
@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("even", "class_weight"),
        (3, "class_weight"),
        ({"x": "balanced"}, r"class_weight names unknown tasks \['x'\]; the tasks are"),
        ({"v": {7: 1.0}}, r"class_weight names classes \[7\] that task 'v' does not have; its classes are"),
        ({"v": {1.0: -1.0}}, "class_weight of task 'v' contains -1; weights must not be negative"),
        ([None, None], "class_weight has 2 items, expected 3, one for each of the tasks"),
    ],
)
def test_unusable_class_weights_are_refused(refuses, class_weight, message):
    refuses(message, options={"class_weight": class_weight})


@pytest.mark.parametrize("kind", ["classifier"], indirect=True)
def test_weights_that_leave_one_class_are_refused(kind, numbers, refuses):
    labels = kind.labels(numbers[1])
    weight = np.where(labels[:, 1] == 1, 0.0, 1.0)
    refuses(
        "task 'task_1' has only one class, 0.0, with a sample_weight above 0", y=labels, sample_weight=weight
    )


@pytest.mark.parametrize("kind", ["regressor"], indirect=True)
def test_numbers_whose_squares_are_infinite_are_refused(numbers, refuses):
    y = named(numbers[1]) * [1.0, 1e160, 1.0]
    refuses("task 'v' has the label .*e[+]160, whose square is infinite; give it in greater units", y=y)


@pytest.mark.parametrize("kind", ["regressor"], indirect=True)
def test_a_sparse_y_is_refused_by_the_regressor(numbers, refuses):
    y = sparse.csr_array(np.eye(*numbers[1].shape))
    refuses(r"y is sparse, a dense table of numbers is expected; use y\.toarray\(\)", y=y)


@pytest.mark.parametrize("kind", ["regressor"], indirect=True)
def test_text_is_refused_by_the_regressor(numbers, refuses):
    y = named(numbers[1]).assign(v="high")
    refuses("task 'v' has labels like 'high'.*use the classifier", y=y)


BAD_LOSSES = {
    "unknown": ({"loss": "cosine"}, "loss.*'cosine'"),
    "unknown-by-name": (
        {"loss": {"v": "cosine"}},
        r"loss says that task 'v' is 'cosine', expected one of \['sq",
    ),
    "class": ({"loss": {"v": "binary"}}, "loss says that task 'v' is 'binary', expected one of"),
    "unknown-task": ({"loss": {"x": "huber"}}, r"loss names unknown tasks \['x'\]; the tasks are"),
    "too-few": ({"loss": ["huber"]}, r"loss has 1 items, expected 3, one for each of the tasks"),
    "negative-counts": ({"loss": {"w": "poisson"}}, "task 'w' is 'poisson', and its label in row .* is -"),
    "level-0": (
        {"loss": ("quantile", (0, 0.5))},
        r"loss gives task 'u' the levels \(0, 0.5\), expected",
    ),
    "level-1": (
        {"loss": {"v": ("quantile", [1.0])}},
        r"loss gives task 'v' the levels \[1.0\], expected",
    ),
    "descending": (
        {"loss": ("quantile", (0.9, 0.1))},
        "expected levels between 0 and 1 that ascend",
    ),
    "levels-of-means": ({"loss": ("huber", (0.1, 0.9))}, r"loss has 2 items, expected 3|loss says that"),
    "transform": ({"target_transform": "log"}, "target_transform.*'log'"),
    "transform-by-name": ({"target_transform": {"v": "log"}}, "target_transform of task 'v' is 'log'"),
    "log-of-negative": (
        {"target_transform": "log1p"},
        "task 'u', 'log1p', needs labels above -1, and there is -",
    ),
}


@pytest.mark.parametrize("kind", ["regressor"], indirect=True)
@pytest.mark.parametrize("case", BAD_LOSSES)
def test_unusable_losses_are_refused(refuses, case):
    options, message = BAD_LOSSES[case]
    refuses(message, options=options)


BAD_CLASS_OPTIONS = {
    "order": (
        {"task_types": {"u": ("ordinal", [0.0, 2.0])}},
        r"task_types gives task 'u' the order \[0.0, 2.0\], which misses \[1.0\]; name all",
    ),
    "number": ({"task_types": "poisson"}, "task_types.*'poisson'"),
    "number-by-name": ({"task_types": {"u": "huber"}}, "task_types says that task 'u' is 'huber', expected"),
    "smoothing": ({"label_smoothing": 1.0}, "label_smoothing.*1.0"),
    "smoothing-by-name": ({"label_smoothing": {"u": -0.5}}, "label_smoothing of task 'u' is -0.5, expected"),
    "smoothing-of-no-task": ({"label_smoothing": {"x": 0.5}}, r"label_smoothing names unknown tasks \['x'\]"),
}


@pytest.mark.parametrize("kind", ["classifier"], indirect=True)
@pytest.mark.parametrize("case", BAD_CLASS_OPTIONS)
def test_unusable_options_of_classes_are_refused(refuses, case):
    options, message = BAD_CLASS_OPTIONS[case]
    refuses(message, options=options)


@pytest.mark.parametrize("kind", [pytest.param("both", marks=GUESSES)], indirect=True)
def test_numbers_and_classes_are_not_taken_for_each_other(numbers, refuses, both):
    y = named(both.labels(numbers[1])).assign(u=["a", "b", "c"] * 20)
    refuses("task 'u' has labels like 'a'.*expected numbers", y=y, options={"task_types": {"u": "poisson"}})
    refuses(
        "label_smoothing gives 0.1 to task 'v', which is regression", options={"label_smoothing": {"v": 0.1}}
    )
    refuses(
        "target_transform gives 'log1p' to task 'u', which has classes",
        options={"target_transform": {"u": "log1p"}},
    )


@pytest.mark.parametrize("method", ["predict", "attention_weights"])
class TestPredict:
    def test_missing_and_extra_columns_are_both_named(self, kind, mixed, method):
        X, y = mixed
        model = kind().fit(X, kind.labels(y))
        with pytest.raises(ValueError, match=r"(?s)unseen at fit time:\n- town\n.*now missing:\n- city\n"):
            getattr(model, method)(X.rename(columns={"city": "town"}))

    def test_columns_with_numbers_for_names_are_compared(self, kind, numbers, method):
        X, y = numbers
        model = kind().fit(pd.DataFrame(X), kind.labels(y))
        with pytest.raises(ValueError, match=r"X has the columns \[2, 1, 0\], fit had \[0, 1, 2\]"):
            getattr(model, method)(pd.DataFrame(X)[[2, 1, 0]])

    def test_a_missing_column_is_named(self, kind, mixed, method):
        X, y = mixed
        model = kind().fit(X, kind.labels(y))
        with pytest.raises(ValueError, match=r"now missing:\n- colour\n"):
            getattr(model, method)(X.drop(columns="colour"))

    def test_columns_in_another_order_are_refused(self, kind, mixed, method):
        X, y = mixed
        model = kind().fit(X, kind.labels(y))
        with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
            getattr(model, method)(X[X.columns[::-1]])

    def test_another_number_of_columns_is_refused(self, kind, numbers, method):
        X, y = numbers
        model = kind().fit(X, kind.labels(y))
        with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting 3 features"):
            getattr(model, method)(X[:, :2])

    def test_text_in_a_number_column_is_named(self, kind, mixed, method):
        X, y = mixed
        model = kind().fit(X, kind.labels(y))
        bad = X.astype({"c": object})
        bad.loc[2, "c"] = "tall"
        with pytest.raises((TypeError, ValueError), match=r"column 'c' .*'tall'"):
            getattr(model, method)(bad)

    @pytest.mark.parametrize("value", [np.inf, -np.inf])
    def test_infinity_is_named(self, kind, mixed, method, value):
        X, y = mixed
        model = kind().fit(X, kind.labels(y))
        bad = X.copy()
        bad.loc[2, "c"] = value
        with pytest.raises(ValueError, match=f"infinity.*column 'c' has {value} in row 2; replace"):
            getattr(model, method)(bad)

    def test_no_rows_are_refused(self, kind, numbers, method):
        X, y = numbers
        model = kind().fit(X, kind.labels(y))
        with pytest.raises(ValueError, match=r"0 sample\(s\)"):
            getattr(model, method)(X[:0])


def test_training_that_diverges_says_so(kind, numbers):
    X, y = numbers
    with pytest.raises((ValueError, FloatingPointError), match="learning_rate"):
        kind(learning_rate=1e30).fit(X, kind.labels(y))
