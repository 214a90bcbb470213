import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from sklearn_mtl.metrics import _spans, make_multitask_scorer, multitask_score, tag_score

RNG = np.random.default_rng(0)
N_ROWS, N_TASKS, N_CLASSES = 60, 3, 4
WEIGHTS = RNG.uniform(0.5, 2, N_ROWS)
OBSERVED = RNG.random((N_ROWS, N_TASKS)) < 0.7

NUMBERS = RNG.normal(size=(N_ROWS, N_TASKS))
GUESSED_NUMBERS = NUMBERS + RNG.normal(size=NUMBERS.shape)
CLASSES = RNG.integers(0, N_CLASSES, (N_ROWS, N_TASKS))
GUESSED_CLASSES = np.where(
    RNG.random(CLASSES.shape) < 0.5, CLASSES, RNG.integers(0, N_CLASSES, CLASSES.shape)
)
FLAGS = CLASSES % 2
PROBABILITIES = [p / p.sum(axis=1, keepdims=True) for p in RNG.uniform(0.1, 1, (N_TASKS, N_ROWS, N_CLASSES))]
FLAG_PROBABILITIES = [np.column_stack([1 - p, p]) for p in RNG.uniform(0.1, 0.9, (N_TASKS, N_ROWS))]


def relative_rmse(y, p, sample_weight):
    constant = np.full(len(y), np.average(y, weights=sample_weight))
    mse = sklearn.metrics.mean_squared_error
    return np.sqrt(mse(y, p, sample_weight=sample_weight) / mse(y, constant, sample_weight=sample_weight))


def f1(y, p, sample_weight):
    return sklearn.metrics.f1_score(y, p, average="macro", sample_weight=sample_weight)


def roc_auc(y, p, sample_weight):
    if p.shape[1] == 2:
        return sklearn.metrics.roc_auc_score(y, p[:, 1], sample_weight=sample_weight)
    return sklearn.metrics.roc_auc_score(y, p, multi_class="ovr", sample_weight=sample_weight)


def average_precision(y, p, sample_weight):
    return sklearn.metrics.average_precision_score(
        y, p[:, 1] if p.shape[1] == 2 else p, sample_weight=sample_weight
    )


OF_NUMBERS = {
    "r2": sklearn.metrics.r2_score,
    "rmse": sklearn.metrics.root_mean_squared_error,
    "mae": sklearn.metrics.mean_absolute_error,
    "arrmse": relative_rmse,
    "d2_absolute_error": sklearn.metrics.d2_absolute_error_score,
    "d2_pinball": sklearn.metrics.d2_pinball_score,
}
OF_RATES = {"d2_poisson": partial(sklearn.metrics.d2_tweedie_score, power=1)}
OF_CLASSES = {
    "kappa": partial(sklearn.metrics.cohen_kappa_score, weights="quadratic"),
    "accuracy": sklearn.metrics.accuracy_score,
    "balanced_accuracy": sklearn.metrics.balanced_accuracy_score,
    "f1": f1,
}
OF_PROBABILITIES = {
    "log_loss": sklearn.metrics.log_loss,
    "brier": sklearn.metrics.brier_score_loss,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
}
CASES = {
    **{m: (f, NUMBERS, GUESSED_NUMBERS) for m, f in OF_NUMBERS.items()},
    **{m: (f, CLASSES, 0.5 + GUESSED_CLASSES) for m, f in OF_RATES.items()},
    **{m: (f, CLASSES, GUESSED_CLASSES) for m, f in OF_CLASSES.items()},
    **{m: (f, CLASSES, PROBABILITIES) for m, f in OF_PROBABILITIES.items()},
    **{f"{m}-binary": (f, FLAGS, FLAG_PROBABILITIES) for m, f in OF_PROBABILITIES.items()},
}


def task_of(predictions, task):
    return predictions[task] if isinstance(predictions, list) else predictions[:, task]


@pytest.fixture(params=CASES.items(), ids=list(CASES))
def case(request):
    name, (score, y_true, y_pred) = request.param
    return name.removesuffix("-binary"), score, y_true, y_pred


@pytest.mark.parametrize("holes", [False, True], ids=["full", "holes"])
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_scores_are_those_of_scikit_learn_on_observed_rows(case, holes, weighted):
    metric, score, y_true, y_pred = case
    sample_weight = WEIGHTS if weighted else np.ones(N_ROWS)
    observed = OBSERVED if holes else np.ones_like(OBSERVED)
    expected = [
        score(y_true[rows, t], task_of(y_pred, t)[rows], sample_weight=sample_weight[rows])
        for t, rows in enumerate(observed.T)
    ]
    with_holes = np.where(observed, y_true, np.nan)
    options = {"metric": metric, "sample_weight": sample_weight if weighted else None}
    per_task = multitask_score(with_holes, y_pred, average=None, **options)
    np.testing.assert_allclose(per_task, expected, rtol=1e-12)
    assert multitask_score(with_holes, y_pred, **options) == pytest.approx(np.mean(expected))


def test_label_weight_zero_is_a_missing_label(case):
    metric, _, y_true, y_pred = case
    weighted = multitask_score(y_true, y_pred, metric=metric, sample_weight=OBSERVED.astype(float))
    assert weighted == pytest.approx(
        multitask_score(np.where(OBSERVED, y_true, np.nan), y_pred, metric=metric)
    )


def test_task_without_labels_is_nan_and_left_out_of_the_mean(case):
    metric, _, y_true, y_pred = case
    y_true = y_true.astype(float)
    y_true[:, 1] = np.nan
    per_task = multitask_score(
        y_true, y_pred, metric=metric, average=None, classes=[np.unique(y_true[:, 0])] * N_TASKS
    )
    assert per_task.isna().tolist() == [False, True, False]
    score = multitask_score(y_true, y_pred, metric=metric, classes=[np.unique(y_true[:, 0])] * N_TASKS)
    assert score == pytest.approx(per_task.mean())


def test_mean_of_no_task_is_nan():
    assert np.isnan(multitask_score([[None, None]], [[1.0, 2.0]], metric="rmse"))


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_ranking_of_one_class_is_nan(metric):
    scores = multitask_score(
        [[0, 1], [0, 0]],
        [np.full((2, 2), 0.5)] * 2,
        metric=metric,
        average=None,
        classes=[np.array([0, 1])] * 2,
    )
    assert scores.isna().tolist() == [True, False]


def test_classes_absent_from_the_labels_do_not_count_in_ranking():
    y, p = CLASSES[:, 0] % 3, PROBABILITIES[0]
    expected = [sklearn.metrics.roc_auc_score(y == k, p[:, k]) for k in range(3)]
    score = multitask_score(y, p, metric="roc_auc", classes=np.arange(4))
    assert score == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("metric", "expected"), [("log_loss", -np.log(np.finfo(float).eps) / 2), ("brier", 0.125)]
)
def test_class_that_the_estimator_does_not_know_has_probability_zero(metric, expected):
    score = multitask_score(["a", "c"], [[1.0, 0.0], [0.5, 0.5]], metric=metric, classes=np.array(["a", "b"]))
    assert score == pytest.approx(expected)


def test_task_of_weight_zero_is_nan():
    scores = multitask_score(
        NUMBERS, GUESSED_NUMBERS, metric="r2", average=None, sample_weight=np.ones_like(NUMBERS) * [1, 0, 1]
    )
    assert scores.isna().tolist() == [False, True, False]


def test_predicted_classes_that_are_no_labels_have_no_recall():
    assert multitask_score([0, 0, 1], [0, 2, 1], metric="balanced_accuracy") == pytest.approx(0.75)


def test_constant_task_has_no_relative_error():
    assert np.isnan(multitask_score([1.0, 1.0], [1.0, 2.0], metric="arrmse"))


def test_one_label_has_no_r2():
    assert np.isnan(multitask_score([1.0, None], [1.0, 2.0], metric="r2"))


@pytest.mark.parametrize("baseline", [{"task_0": 1.0, "task_1": 2.0}, [1.0, 2.0]], ids=["dict", "list"])
def test_relative_error_is_against_the_given_baseline(baseline):
    y_true, y_pred = np.array([[1.0, 4.0], [3.0, 2.0]]), np.array([[2.0, 4.0], [3.0, 3.0]])
    scores = multitask_score(y_true, y_pred, metric="arrmse", average=None, baseline=baseline)
    np.testing.assert_allclose(scores, [np.sqrt(1 / 4), np.sqrt(1 / 4)])


def test_weighted_mean_follows_task_weight():
    y_true, y_pred = np.zeros((2, 2)), np.array([[1.0, 3.0], [1.0, 3.0]])
    options = {"metric": "mae", "average": "weighted"}
    assert multitask_score(y_true, y_pred, **options, task_weight={"task_1": 3}) == pytest.approx(2.5)
    assert multitask_score(y_true, y_pred, **options) == pytest.approx(2.0)


def test_frames_are_matched_by_name():
    y_true = pd.DataFrame({"a": [0, 1], "b": ["x", None]})
    y_pred = pd.DataFrame({"b": ["x", "y"], "a": [0, 0]})
    scores = multitask_score(y_true, y_pred, metric="accuracy", average=None)
    assert scores.to_dict() == {"a": 0.5, "b": 1.0}


@pytest.mark.parametrize(
    "y_true",
    [
        [["x", 1], ["y", None], [None, 0]],
        pd.DataFrame({"a": pd.array(["x", "y", None], "string"), "b": pd.array([1, None, 0], "Int64")}),
        pd.DataFrame({"a": pd.Categorical(["x", "y", None]), "b": pd.array([True, None, False], "boolean")}),
    ],
    ids=["list", "nullable", "categorical"],
)
def test_containers_of_labels_score_alike(y_true):
    y_pred = np.array([["x", 1], ["x", 1], ["x", 1]], dtype=object)
    assert multitask_score(y_true, y_pred, metric="accuracy", average=None).tolist() == [0.5, 0.5]


def test_column_of_a_positive_class_is_a_probability_each():
    columns = np.column_stack([p[:, 1] for p in FLAG_PROBABILITIES])
    assert multitask_score(FLAGS, columns, metric="roc_auc") == multitask_score(
        FLAGS, FLAG_PROBABILITIES, metric="roc_auc"
    )


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "message"),
    [
        ([1, 2], [1, 2], {"metric": "mse"}, "unknown metric 'mse'; expected one of"),
        ([1, 2], [1, 2], {"metric": "r2", "average": "micro"}, "average is 'micro'"),
        ([1, 2], [1, 2], {"metric": "r2", "task_weight": [1]}, "task_weight counts with average='weighted'"),
        ([1, 2], [1, None], {"metric": "r2"}, "y_pred has no value for task 'y' in row 1"),
        ([1, 2], [1, 2, 3], {"metric": "r2"}, "y_pred has 3 rows, y_true has 2"),
        ([1, 2], [[1, 2], [1, 2]], {"metric": "r2"}, r"y_pred has 2 column\(s\), expected 1"),
        ([1, 2], ["a", "b"], {"metric": "accuracy"}, "task 'y' has labels like 'a', expected labels like 1"),
        ([1, 2], [0.5, 1], {"metric": "accuracy"}, "Unknown label type: continuous"),
        ([1, 2], [[0.5, 0.5, 0]] * 2, {"metric": "log_loss"}, r"3 columns for task 'y'.*classes="),
        ([[1, 2]] * 2, np.ones((2, 3)), {"metric": "log_loss"}, r"y_pred has shape \(2, 3\)"),
        ([1, 2], [1, 2], {"metric": "r2", "sample_weight": [1, -1]}, "sample_weight contains -1"),
        ([1, 2], [1, 2], {"metric": "arrmse", "baseline": {"x": 1}}, "expected one number for each task"),
        (None, [1, 2], {"metric": "r2"}, "y_true is None"),
    ],
)
def test_unusable_input_is_refused(y_true, y_pred, options, message):
    with pytest.raises(ValueError, match=message):
        multitask_score(y_true, y_pred, **options)


X = RNG.normal(size=(N_ROWS, 2))


@pytest.mark.parametrize("metric", list(OF_NUMBERS))
def test_scorer_is_the_score_with_its_sign(metric):
    ridge = Ridge().fit(X, NUMBERS)
    sign = 1 if metric.startswith(("r2", "d2")) else -1
    score = multitask_score(NUMBERS, ridge.predict(X), metric=metric)
    assert make_multitask_scorer(metric)(ridge, X, NUMBERS) == pytest.approx(sign * score)


@pytest.mark.parametrize("metric", list(OF_PROBABILITIES))
def test_scorer_reads_probabilities_in_the_order_of_classes(metric):
    forest = RandomForestClassifier(5, random_state=0).fit(X, CLASSES.astype(str))
    few = slice(0, 12)
    score = multitask_score(
        CLASSES[few].astype(str), forest.predict_proba(X[few]), metric=metric, classes=forest.classes_
    )
    scorer_says = make_multitask_scorer(metric)(forest, X[few], CLASSES[few].astype(str))
    assert abs(scorer_says) == pytest.approx(score)


def test_scorer_serves_one_task():
    logistic = LogisticRegression().fit(X, FLAGS[:, 0])
    expected = sklearn.metrics.roc_auc_score(FLAGS[:, 0], logistic.predict_proba(X)[:, 1])
    assert make_multitask_scorer("roc_auc")(logistic, X, FLAGS[:, 0]) == pytest.approx(expected)


def test_scorer_survives_pickle_and_clone():
    scorer = make_multitask_scorer("rmse", average="weighted", task_weight=[1, 2, 3])
    ridge = Ridge().fit(X, NUMBERS)
    expected = scorer(ridge, X, NUMBERS)
    assert pickle.loads(pickle.dumps(scorer))(ridge, X, NUMBERS) == expected
    assert clone(scorer)(ridge, X, NUMBERS) == expected


class HoleBlindRidge(Ridge):
    """A ridge that takes missing labels for zero, to have an estimator for labels with holes."""

    def fit(self, X, y):
        return super().fit(X, np.nan_to_num(y))


@pytest.mark.parametrize("metric", list(OF_NUMBERS))
def test_search_over_labels_with_holes_is_finite(metric):
    y = np.where(OBSERVED, NUMBERS, np.nan)
    search = GridSearchCV(HoleBlindRidge(), {"alpha": [1, 10]}, scoring=make_multitask_scorer(metric), cv=3)
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()


def test_search_over_several_scorers():
    scoring = {"auc": make_multitask_scorer("roc_auc"), "accuracy": make_multitask_scorer("accuracy")}
    scores = cross_validate(RandomForestClassifier(5, random_state=0), X, FLAGS, scoring=scoring, cv=KFold(3))
    assert {key for key in scores if key.startswith("test_")} == {"test_auc", "test_accuracy"}
    assert np.isfinite(scores["test_auc"]).all()


def test_scorer_takes_routed_sample_weight():
    sample_weight = np.where(np.arange(N_ROWS) % 2, 1.0, 0.0)
    y = np.where(sample_weight > 0, "a", "b")
    guess = DummyClassifier(strategy="constant", constant="a")
    with config_context(enable_metadata_routing=True):
        scorer = make_multitask_scorer("accuracy").set_score_request(sample_weight=True)
        scores = cross_validate(
            guess.set_fit_request(sample_weight=False),
            X,
            y,
            scoring=scorer,
            cv=KFold(3),
            params={"sample_weight": sample_weight},
        )
        assert set(scorer.get_metadata_routing().score.requests) == {"sample_weight"}
    assert scores["test_score"].tolist() == [1.0, 1.0, 1.0]


def test_scorer_needs_one_number():
    with pytest.raises(ValueError, match="average is None"):
        make_multitask_scorer("r2", average=None)
    with pytest.raises(ValueError, match="unknown metric"):
        make_multitask_scorer("neg_rmse")


@pytest.mark.parametrize(("labels", "classes"), [(bool, int), (int, bool)])
def test_booleans_and_their_numbers_are_the_same_classes(labels, classes):
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    y = np.array([0, 1]).astype(labels)
    loss = multitask_score(y, probabilities, metric="log_loss", classes=np.array([0, 1]).astype(classes))
    assert loss == pytest.approx(-np.log([0.9, 0.8]).mean())


@pytest.mark.parametrize("metric", OF_PROBABILITIES)
def test_tasks_without_probabilities_in_a_dict_are_nan(metric):
    y = pd.DataFrame(CLASSES, columns=["a", "b", "c"]).assign(b=NUMBERS[:, 1])
    given = {"c": PROBABILITIES[2], "a": PROBABILITIES[0]}
    classes = {"a": np.arange(N_CLASSES), "c": np.arange(N_CLASSES)}
    scores = multitask_score(y, given, metric=metric, average=None, classes=classes)
    expected = multitask_score(y[["a", "c"]], [given["a"], given["c"]], metric=metric, average=None)
    assert scores.isna().tolist() == [False, True, False]
    pd.testing.assert_series_equal(scores[["a", "c"]], expected)
    assert multitask_score(y, given, metric=metric, classes=classes) == pytest.approx(expected.mean())


def test_a_dict_of_probabilities_of_unknown_tasks_is_refused():
    with pytest.raises(
        ValueError, match=r"y_pred names unknown tasks \['d'\]; the tasks are \['a', 'b', 'c'\]"
    ):
        multitask_score(
            pd.DataFrame(CLASSES, columns=["a", "b", "c"]), {"d": PROBABILITIES[0]}, metric="log_loss"
        )


def test_quantiles_are_scored_at_their_level():
    expected = [
        sklearn.metrics.d2_pinball_score(NUMBERS[:, task], GUESSED_NUMBERS[:, task], alpha=level)
        for task, level in enumerate((0.9, 0.5, 0.2))
    ]
    options = {"metric": "d2_pinball", "average": None, "quantile": {"task_0": 0.9, "task_2": 0.2}}
    np.testing.assert_allclose(multitask_score(NUMBERS, GUESSED_NUMBERS, **options), expected)
    with pytest.raises(ValueError, match=r"quantile of task 'y' is 1\.5, expected a level between 0 and 1"):
        multitask_score([1.0, 2.0], [1.0, 2.0], metric="d2_pinball", quantile=1.5)


def test_kappa_counts_ranks_in_the_order_that_is_given():
    true, guess = ["low", "mid", "high", "high"], ["low", "high", "mid", "high"]
    order = ["low", "mid", "high"]
    expected = sklearn.metrics.cohen_kappa_score(true, guess, labels=order, weights="quadratic")
    assert multitask_score(true, guess, metric="kappa", classes=order) == pytest.approx(expected)
    assert multitask_score(true, guess, metric="kappa") != pytest.approx(expected)  # sorted


def test_a_rate_of_0_where_something_was_counted_has_a_finite_score():
    score = multitask_score([0.0, 2.0, 4.0], [0.0, 0.0, 4.0], metric="d2_poisson")
    assert np.isfinite(score)
    assert score < 0


TAGS = pd.Series([["O", "B-a", "I-a", "O"], None, ["B-a", "B-b", None]], index=[3, 1, 2])
GUESSES_OF_TAGS = pd.Series([["O", "B-a", "I-a", "B-b"], ["O"], ["B-a", "I-b", "O"]], index=[3, 1, 2])


def test_accuracy_of_tags_is_over_words_that_have_one():
    assert tag_score(TAGS, GUESSES_OF_TAGS) == pytest.approx(4 / 6)
    assert tag_score(TAGS, GUESSES_OF_TAGS, sample_weight=[2, 1, 1]) == pytest.approx(7 / 10)


def test_spans_have_to_be_right_in_words_and_type():
    # Right: (1, 2, a), (0, 0, a), and (1, 1, b), which begins with another type; wrong: (3, 3, b).
    assert tag_score(TAGS, GUESSES_OF_TAGS, metric="span_f1") == pytest.approx(2 * 3 / (3 + 4))


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["B-a", "I-a", "I-b"], {(0, 1, "a"), (2, 2, "b")}),
        (["I-a", "O", "I-a"], {(0, 0, "a"), (2, 2, "a")}),
        (["S-a", "S-a", "B-a", "E-a"], {(0, 0, "a"), (1, 1, "a"), (2, 3, "a")}),
        (["B-a", "B-a"], {(0, 0, "a"), (1, 1, "a")}),
        (["O", "O"], set()),
    ],
)
def test_spans_begin_where_prefix_or_type_say_so(tags, spans):
    assert _spans(tags) == spans


def test_rows_of_tags_have_to_be_as_long():
    with pytest.raises(ValueError, match="row 0 has 4 tags in y_true and 1 in y_pred"):
        tag_score(TAGS, pd.Series([["O"], ["O"], ["O"] * 3]))
    with pytest.raises(ValueError, match=r"\['NOUN'\] are no tags of spans"):
        tag_score(pd.Series([["NOUN"]]), pd.Series([["NOUN"]]), metric="span_f1")
