"""Numbers and classes in one model: kinds read or given, predictions in the dtypes of y."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mtl.exceptions import TaskTypeWarning, UnknownClassWarning
from sklearn_mtl.metrics import make_multitask_scorer, multitask_score
from sklearn_mtl.model_selection import MultiTaskKFold

from .conftest import GUESSES, MIXED, SMALL
from .test_bad_inputs import NoTraining

SIZES = ["S", "M", "L", "XL"]
KINDS = {"rating": "regression", "size": "multiclass", "seen": "binary", "year": "regression"}


def make_labels(numbers, *, holes):
    """Cut three tasks of numbers into four of all kinds, in an index of their own."""
    u, v, w = numbers.T
    y = pd.DataFrame(
        {
            "rating": u,
            "size": pd.Categorical(pd.cut(v, [-99, -1, 1, 99], labels=SIZES[:3]), categories=SIZES),
            "seen": pd.array(w > 0, dtype="boolean"),
            "year": pd.array(np.round(2000 + 10 * u), dtype="Int64"),
        },
        index=[f"film {row}" for row in range(len(u))],
    )
    return y.mask(holes)


@pytest.fixture
def labels(numbers):
    rng = np.random.default_rng(3)
    X = numbers[0]
    y = np.stack([3 * np.abs(X[:, 0]), X[:, 0] + 2 * X[:, 1] ** 2 - 2, 3 * np.cos(2 * X[:, 2])], axis=1)
    return make_labels(y, holes=rng.random((60, 4)) < 0.3)


@pytest.fixture
def table(mixed):
    return mixed[0].set_index(pd.Index(np.arange(60)[::-1] + 100))


@pytest.fixture
def fitted(both, table, labels):
    return both(task_types=KINDS).fit(table, labels), table, labels


def test_tasks_say_what_was_understood(fitted):
    model, _, labels = fitted
    tasks = model.tasks_
    assert tasks["kind"].to_dict() == KINDS
    assert tasks["n_classes"].fillna(0).to_dict() == {"rating": 0, "size": 3, "seen": 2, "year": 0}
    assert tasks["n_labelled"].tolist() == labels.notna().sum().tolist()
    np.testing.assert_allclose(tasks["missing"], labels.isna().mean())
    assert tasks.loc["rating", "baseline"] == pytest.approx(labels["rating"].mean())
    assert tasks.loc["size", "baseline"] == labels["size"].mode()[0]
    assert tasks.loc["seen", "baseline"] == labels["seen"].mode()[0]


def test_all_estimators_describe_their_tasks(kind, numbers):
    X, y = numbers
    model = kind().fit(X, kind.labels(y))
    assert model.tasks_.index.tolist() == model.task_names_
    assert model.tasks_["n_labelled"].tolist() == (~np.isnan(y)).sum(axis=0).tolist()
    assert (model.tasks_["n_classes"].isna() == (model.tasks_["kind"] == "regression")).all()


@pytest.mark.parametrize("what", ["prediction", "out-of-fold"])
def test_predictions_are_a_frame_of_the_dtypes_of_y_and_the_index_of_x(fitted, what):
    model, X, labels = fitted
    predicted = model.predict(X) if what == "prediction" else model.oof_prediction_
    expected = {**labels.dtypes, "rating": np.dtype(float), "year": np.dtype(float)}
    assert dict(predicted.dtypes) == expected
    assert predicted["size"].cat.categories.tolist() == SIZES
    assert predicted.index.equals(X.index)
    assert predicted.notna().all(axis=None)


def test_without_an_index_of_x_out_of_fold_predictions_have_that_of_y(both, numbers, labels):
    model = both(task_types=KINDS).fit(numbers[0], labels)
    assert model.oof_prediction_.index.equals(labels.index)
    assert model.predict(numbers[0]).index.equals(pd.RangeIndex(60))


def test_probabilities_are_a_dict_of_the_classification_tasks(fitted):
    model, X, _ = fitted
    assert {name: classes.tolist() for name, classes in model.classes_.items()} == {
        "size": ["L", "M", "S"],
        "seen": [False, True],
    }
    for probabilities, predicted in (
        (model.predict_proba(X), model.predict(X)),
        (model.oof_proba_, model.oof_prediction_),
    ):
        assert list(probabilities) == ["size", "seen"]
        for name, array in probabilities.items():
            assert array.shape == (60, len(model.classes_[name]))
            np.testing.assert_allclose(array.sum(axis=1), 1.0, rtol=1e-6)
            assert predicted[name].tolist() == model.classes_[name][array.argmax(axis=1)].tolist()


def test_scores_are_r2_of_numbers_and_accuracy_of_classes(fitted):
    model, X, labels = fitted
    for predicted, mean in ((model.predict(X), model.score(X, labels)), (model.oof_prediction_, None)):
        scores = {}
        for name, kind in KINDS.items():
            seen = labels[name].notna().to_numpy()
            score = r2_score if kind == "regression" else accuracy_score
            scores[name] = score(labels[name][seen].tolist(), predicted[name][seen].tolist())
        if mean is None:
            assert model.oof_task_scores_.to_dict() == pytest.approx(scores)
            mean = model.oof_score_
        assert mean == pytest.approx(np.mean(list(scores.values())))


@pytest.mark.parametrize("container", ["object", "list", "masked"])
def test_arrays_give_arrays_of_the_labels_as_they_are(both, numbers, labels, container):
    objects = labels.astype(object).where(labels.notna(), None).to_numpy()
    y = {
        "object": objects,
        "list": objects.tolist(),
        "masked": np.ma.masked_array(objects, mask=labels.isna().to_numpy()),
    }[container]
    kinds = list(KINDS.values())
    model = both(task_types=kinds).fit(numbers[0], y)
    predicted = model.predict(numbers[0])
    assert predicted.dtype == object
    assert [type(label) for label in predicted[0]] == [float, str, bool, float]
    assert list(model.predict_proba(numbers[0])) == ["task_1", "task_2"]
    frame = both(task_types=KINDS).fit(numbers[0], labels).predict(numbers[0])
    assert predicted[:, 1].tolist() == frame["size"].tolist()
    np.testing.assert_array_equal(predicted[:, 0].astype(float), frame["rating"])


@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize("make", [lambda y: y, lambda y: y.to_numpy(dtype=object)], ids=["series", "array"])
def test_one_axis_of_y_gives_one_axis_of_everything(both, numbers, labels, name, make):
    X, y = numbers[0], make(labels[name])
    model = both(task_types=[KINDS[name]]).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == model.oof_prediction_.shape == (60,)
    if KINDS[name] == "regression":
        assert predicted.dtype == np.float64
        assert not hasattr(model, "classes_")
        return
    assert model.predict_proba(X).shape == model.oof_proba_.shape == (60, len(model.classes_))
    assert predicted.tolist() == model.classes_[model.predict_proba(X).argmax(axis=1)].tolist()


def test_without_classes_there_are_no_probabilities(both, numbers, labels):
    model = both(task_types=KINDS).fit(numbers[0], labels)
    assert hasattr(both(), "predict_proba")  # it may yet have classes
    model.set_params(task_types="regression").fit(numbers[0], labels[["rating", "year"]])
    assert [name for name in ("predict_proba", "classes_", "oof_proba_") if hasattr(model, name)] == []
    with pytest.raises(AttributeError, match="has no attribute 'predict_proba'") as caught:
        _ = model.predict_proba
    assert "none of the tasks ['rating', 'year'] is a classification" in str(caught.value.__cause__)


@pytest.mark.parametrize("task_types", ["regression", ["regression"] * 3])
def test_numbers_alone_are_learned_as_by_the_regressor(both, regressor, mixed, task_types):
    X, y = mixed
    model, other = both(task_types=task_types).fit(X, y), regressor().fit(X, y)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    np.testing.assert_array_equal(model.oof_prediction_, other.oof_prediction_)
    pd.testing.assert_series_equal(model.oof_task_scores_, other.oof_task_scores_)
    pd.testing.assert_frame_equal(model.tasks_, other.tasks_)


def test_classes_alone_are_learned_as_by_the_classifier(both, classifier, mixed):
    X, labels = mixed[0], classifier.labels(mixed[1])
    model = both(task_types="classification", class_weight="balanced").fit(X, labels)
    other = classifier(class_weight="balanced").fit(X, labels)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    np.testing.assert_array_equal(np.hstack(list(model.oof_proba_.values())), np.hstack(other.oof_proba_))
    pd.testing.assert_series_equal(model.oof_task_scores_, other.oof_task_scores_)
    pd.testing.assert_frame_equal(model.tasks_, other.tasks_)


@pytest.fixture(scope="module")
def signal():
    """A linear, a bent, a linearly and a not linearly separable task, and one of three classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = pd.DataFrame(
        {
            "line": X[:, 0] + X[:, 1],
            "bend": np.abs(X[:, 2]) + 0.1 * rng.normal(size=300),
            "half": X[:, 0] > X[:, 3],
            "ring": np.where(np.abs(X[:, 2]) > 0.7, "out", "in"),
            "thirds": pd.cut(X[:, 1], [-9, -0.5, 0.5, 9], labels=["low", "mid", "high"]),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.3)


def test_tasks_of_all_kinds_are_learned_together(both, signal):
    X, y = signal
    model = both(n_folds=4, d_token=8, d_hidden=32, n_bins=12, max_epochs=40, learning_rate=0.01).fit(X, y)
    assert model.oof_task_scores_.min() > 0.75
    assert model.view_shares_.loc["line", "linear"] > 0.8
    assert model.view_shares_.loc[["bend", "ring"], "linear"].max() < 0.5


@pytest.mark.parametrize(
    "options", [{"linear_view": False}, {"n_trees": 0}, {"linear_view": False, "n_trees": 0}]
)
def test_every_view_takes_tasks_of_all_kinds(both, signal, options):
    X, y = signal
    model = both(max_epochs=20, d_hidden=32, n_trees=20).set_params(**options).fit(X, y)
    assert model.oof_task_scores_.min() > 0.4
    assert model.oof_task_scores_["half"] > 0.75


def test_the_unit_of_a_number_does_not_matter_to_the_classes_beside_it(both, signal):
    X, y = signal
    model, scaled = (both().fit(X, y.assign(line=factor * y["line"])) for factor in (1.0, 1e6))
    for name, probabilities in model.predict_proba(X).items():
        np.testing.assert_allclose(scaled.predict_proba(X)[name], probabilities, atol=1e-4)
    np.testing.assert_allclose(scaled.predict(X)["line"] / 1e6, model.predict(X)["line"], atol=1e-4)


def test_names_of_classes_do_not_matter_but_for_their_order(both, signal):
    X, y = signal
    names = {"low": "a", "mid": "b", "high": "c"}
    orders = [["high", "low", "mid"], ["a", "b", "c"]]  # sorted, as in classes_
    renamed = y.assign(thirds=y["thirds"].cat.rename_categories(names))
    options = {"max_epochs": 20, "learning_rate": 0.01, "n_trees": 40}
    model, other = both(**options).fit(X, y), both(**options).fit(X, renamed)
    assert [model.classes_["thirds"].tolist(), other.classes_["thirds"].tolist()] == orders
    before, after = model.predict_proba(X)["thirds"], other.predict_proba(X)["thirds"]
    assert np.abs(before[:, [1, 2, 0]] - after).mean() < 0.1
    assert (
        model.predict(X)["thirds"].map(names).astype(str) == other.predict(X)["thirds"].astype(str)
    ).mean() > 0.9


SAME = {
    "names-in-the-same-order": {"thirds": {"low": "b", "mid": "c", "high": "a"}, "ring": {"in": 0, "out": 7}},
    "order-of-categories": ["mid", "high", "low"],
    "names-of-tasks": {"line": "a", "bend": "line", "half": 3, "ring": "y", "thirds": "b"},
}


@pytest.mark.parametrize("change", SAME)
def test_names_that_leave_the_order_change_no_bit(both, signal, change):
    X, y = signal
    other = y
    if change == "names-in-the-same-order":
        classes = {name: y[name].map(names).astype("category") for name, names in SAME[change].items()}
        other = y.assign(**classes)
    elif change == "order-of-categories":
        other = y.assign(thirds=y["thirds"].cat.reorder_categories(SAME[change]))
    else:
        other = y.rename(columns=SAME[change])
    model, again = both().fit(X, y), both().fit(X, other)
    for before, after in zip(model.predict_proba(X).values(), again.predict_proba(X).values(), strict=True):
        np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(again.predict(X).iloc[:, 0], model.predict(X).iloc[:, 0])
    assert again.oof_score_ == model.oof_score_


def test_an_order_given_is_that_of_the_dtype_to_the_bit(both, signal):
    X, y = signal
    order = ["low", "mid", "high"]
    by_dtype = both(task_types={"thirds": "ordinal"}).fit(X, y)
    given = both(task_types={"thirds": ("ordinal", order)})
    given.fit(X, y.assign(thirds=y["thirds"].astype(object)))
    assert by_dtype.classes_["thirds"].tolist() == given.classes_["thirds"].tolist() == order
    np.testing.assert_array_equal(by_dtype.oof_proba_["thirds"], given.oof_proba_["thirds"])


def test_class_weights_change_classes_alone(both, signal):
    X, y = signal
    weight = {"half": {True: 20.0}}
    plain, weighted = (both(n_trees=0, class_weight=given).fit(X, y) for given in (None, weight))
    shift = weighted.predict_proba(X)["half"] - plain.predict_proba(X)["half"]
    assert shift[:, 1].mean() > 0.1
    assert weighted.tasks_.equals(plain.tasks_)
    both(class_weight="balanced").fit(X, y)  # says nothing of the numbers


def test_guesses_are_told_once_and_before_training(both, numbers, labels):
    y = labels.astype({"year": "Int64"}).assign(seen=labels["seen"].astype("Float64").astype(float))
    message = r"(?s)task 'seen' as binary.*task 'year' as regression"
    with (
        pytest.warns(TaskTypeWarning, match=message) as caught,
        pytest.raises(AssertionError, match="training has begun"),
    ):
        both(callbacks=[NoTraining()]).fit(numbers[0], y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both(task_types={"seen": "binary", "year": "regression"}).fit(numbers[0], y)


BAD_TASK_TYPES = {
    "unknown-kind": ("numbers", "task_types"),
    "unknown-kind-of-a-task": (
        {"size": "ordered"},
        "task_types says that task 'size' is 'ordered', expected",
    ),
    "unknown-task": ({"colour": "binary"}, r"task_types names unknown tasks \['colour'\]; the tasks are"),
    "too-few": (["regression"], "task_types has 1 items, expected 4, one for each of the tasks"),
    "text-as-number": ({"size": "regression"}, "task 'size' has labels like .*expected numbers"),
    "three-as-binary": ({"size": "binary"}, "task 'size' is 'binary', but it has 3 classes"),
    "fractions-as-classes": ({"rating": "multiclass"}, "Task 'rating' has labels like .*expected classes"),
    "number": (3, "task_types"),
    "level-0": (
        {"rating": ("quantile", (0, 0.5))},
        r"task_types gives task 'rating' the levels \(0, 0.5\), expected levels between 0 and 1",
    ),
    "level-1": ({"rating": ("quantile", [0.5, 1])}, "task_types gives task 'rating' the levels"),
    "levels-of-text": ({"size": ("quantile", (0.1, 0.9))}, "task 'size' has labels like .*expected numbers"),
    "order-without-a-class": (
        {"size": ("ordinal", ["S", "L"])},
        r"task_types gives task 'size' the order \['S', 'L'\], which misses \['M'\]; name all",
    ),
    "order-of-fractions": ({"rating": "ordinal"}, "Task 'rating' has labels like .*expected classes"),
}


@pytest.mark.parametrize("case", BAD_TASK_TYPES)
def test_unusable_task_types_are_refused_and_change_nothing(fitted, case):
    model, X, labels = fitted
    task_types, message = BAD_TASK_TYPES[case]
    before, predicted = dict(vars(model)), model.predict(X)
    with pytest.raises(ValueError, match=f"(?s){message}") as caught:
        model.set_params(task_types=task_types, callbacks=[NoTraining()]).fit(X, labels)
    assert "MultiTaskAttentionEstimator" in str(caught.value)
    assert [name for name in before if name.endswith("_") and vars(model)[name] is not before[name]] == []
    pd.testing.assert_frame_equal(model.predict(X), predicted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": "M"}, "task 'size' has only one class, 'M', in 60 observed labels"),
        ({"rating": np.inf}, "infinity.*Task 'rating' has it in row 0"),
        ({"seen": None}, "task 'seen' has no observed label in 60 rows"),
        ({"rating": pd.Timestamp("2020-01-01")}, "task 'rating' has labels like .*expected numbers"),
        ({"born": pd.Timestamp("2020-01-01")}, "task 'born' has labels like .*convert them to numbers"),
        ({"size": ["a", 1] * 30}, r"task 'size' mixes labels of the types \['int', 'str'\]"),
    ],
)
def test_unusable_labels_are_refused(both, numbers, labels, change, message):
    with pytest.raises(ValueError, match=f"(?s)MultiTaskAttentionEstimator.*{message}"):
        both(task_types=KINDS, callbacks=[NoTraining()]).fit(numbers[0], labels.assign(**change))


def test_negative_counts_are_refused(both, numbers, labels):
    model = both(task_types=KINDS | {"rating": "poisson"}, callbacks=[NoTraining()])
    with pytest.raises(ValueError, match="task 'rating' is 'poisson', and its label in row 0 is -2; counts"):
        model.fit(numbers[0], labels.assign(rating=[-2.0, *range(59)]))


@pytest.mark.parametrize("task_types", ["regression", "poisson", ("quantile", (0.1, 0.9))])
def test_a_sparse_y_is_refused_where_it_should_be_numbers(both, numbers, task_types):
    y = sparse.csr_array(np.eye(60, 3))
    with pytest.raises(TypeError, match="y is sparse, a dense table of numbers is expected"):
        both(task_types=task_types, callbacks=[NoTraining()]).fit(numbers[0], y)


def test_a_sparse_y_of_flags_has_no_holes(both, numbers):
    y = np.eye(60, 3)
    y[3, 1] = np.nan
    with pytest.raises(
        ValueError, match=r"y is sparse and has nan in row 3, column 1; .* give y dense, with"
    ):
        both(callbacks=[NoTraining()]).fit(numbers[0], sparse.csr_array(y))


def test_class_weights_of_numbers_are_refused(both, numbers, labels):
    model = both(task_types=KINDS, class_weight={"rating": "balanced"}, callbacks=[NoTraining()])
    with pytest.raises(
        ValueError, match="class_weight gives 'balanced' to task 'rating', which is regression"
    ):
        model.fit(numbers[0], labels)


def test_classes_that_were_not_there_in_fit_are_named_and_count_as_wrong(fitted):
    model, X, labels = fitted
    right = labels.assign(size=model.predict(X)["size"].to_numpy())
    wrong = right.assign(size=["XL", *right["size"][1:]])
    with pytest.warns(
        UnknownClassWarning, match=r"classes that were not there in fit.*{'size': \['XL'\]}"
    ) as caught:
        score = model.score(X, wrong)
    assert caught[0].filename == __file__
    assert model.score(X, right) - score == pytest.approx(1 / 60 / 4)


def test_text_to_score_where_there_were_numbers_is_refused(fitted):
    model, X, labels = fitted
    with pytest.raises(ValueError, match="MultiTaskAttentionEstimator: task 'rating' has labels like 'good'"):
        model.score(X, labels.assign(rating="good"))


def test_rows_to_score_must_be_as_many_as_labels(fitted):
    model, X, labels = fitted
    with pytest.raises(ValueError, match="X has 60 rows and y has 59; both must have one row"):
        model.score(X, labels[:-1])


def test_pickles_and_clones_keep_tasks_and_dtypes(fitted):
    model, X, labels = fitted
    for again in (pickle.loads(pickle.dumps(model)), clone(model).fit(X, labels)):
        pd.testing.assert_frame_equal(again.predict(X), model.predict(X))
        pd.testing.assert_frame_equal(again.tasks_, model.tasks_)
        pd.testing.assert_frame_equal(again.oof_prediction_, model.oof_prediction_)
    assert clone(model).task_types == KINDS


def test_a_search_runs_in_parallel_with_a_plain_number_of_folds(both, table, labels):
    grid = {"d_hidden": [4, 8], "task_weight": [None, {"rating": 2.0}]}
    search = GridSearchCV(both(task_types=KINDS), grid, cv=2, n_jobs=2, error_score="raise").fit(
        table, labels
    )
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(table).columns.tolist() == list(KINDS)
    alone = GridSearchCV(both(task_types=KINDS), grid, cv=2, error_score="raise").fit(table, labels)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_task_types_are_searched(both, numbers, labels):
    y = labels[["rating", "year"]].astype({"year": "Int64"})
    y["year"] = y["year"].clip(2000, 2003)
    grid = {"task_types": [{"year": "regression"}, {"year": "multiclass"}]}
    search = GridSearchCV(both(), grid, cv=MultiTaskKFold(2, random_state=0), error_score="raise")
    assert np.isfinite(search.fit(numbers[0], y).cv_results_["mean_test_score"]).all()


def test_a_pipeline_predicts_frames(both, numbers, labels):
    pipeline = make_pipeline(StandardScaler(), both(task_types=KINDS)).fit(numbers[0], labels)
    assert pipeline.predict(numbers[0])["size"].dtype == labels["size"].dtype
    assert list(pipeline.predict_proba(numbers[0])) == ["size", "seen"]
    assert np.isfinite(pipeline.score(numbers[0], labels))


def test_cross_validation_predicts_every_row(both, numbers, labels):
    predicted = cross_val_predict(both(task_types=KINDS), numbers[0], labels, cv=3)
    assert predicted.shape == (60, 4)
    expected = both(task_types=KINDS).fit(numbers[0][20:], labels[20:]).predict(numbers[0][:20])
    assert predicted[:20].tolist() == expected.to_numpy().tolist()


def test_cross_validation_predicts_probabilities_of_one_axis(both, numbers, labels):
    y = labels["size"].cat.remove_unused_categories().dropna()  # scikit-learn takes a hole for a class
    model, X = both(task_types="classification"), numbers[0][labels["size"].notna()]
    cv = MultiTaskKFold(3, random_state=0)
    probabilities = cross_val_predict(model, X, y, cv=cv, method="predict_proba")
    assert probabilities.shape == (len(y), 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc", "average_precision"])
def test_scorers_of_probabilities_score_the_tasks_that_have_them(both, numbers, labels, metric):
    model = both(task_types=KINDS).fit(numbers[0], labels)
    score = make_multitask_scorer(metric)(model, numbers[0], labels)
    per_task = [
        multitask_score(
            labels[name], model.predict_proba(numbers[0])[name], metric=metric, classes=model.classes_[name]
        )
        for name in ("size", "seen")
    ]
    assert abs(score) == pytest.approx(np.mean(per_task))
    results = cross_validate(
        both(task_types=KINDS),
        numbers[0],
        labels,
        cv=MultiTaskKFold(2, random_state=0),
        scoring=make_multitask_scorer(metric),
        error_score="raise",
    )
    assert np.isfinite(results["test_score"]).all()


@GUESSES
def test_a_plain_array_of_numbers_and_flags_is_told_apart(numbers):
    X, y = numbers
    y = np.column_stack([y[:, 0], y[:, 1] > 0, np.round(y[:, 2])])
    model = MIXED.estimator(**SMALL).fit(X, np.where(np.isnan(numbers[1]), np.nan, y))
    assert model.tasks_["kind"].tolist() == ["regression", "binary", "regression"]
    assert model.predict(X).dtype == np.float64
