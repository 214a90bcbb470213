import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
    multitask_report,
)

SMALL = {"n_folds": 2, "n_views": 1, "d_hidden": 8, "max_epochs": 4, "n_trees": 8, "random_state": 0}
REGRESSION = ["r2", "rmse", "mae"]
CLASSIFICATION = ["accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier"]
TRAIN, TEST = slice(0, 80), slice(80, 120)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = pd.DataFrame(
        {
            "rating": X[:, 0] + X[:, 1] + 0.5 * rng.normal(size=120),
            "size": pd.cut(X[:, 1] + 0.5 * rng.normal(size=120), [-9, -0.5, 0.5, 9], labels=["S", "M", "L"]),
            "sold": pd.array(X[:, 2] + 0.5 * rng.normal(size=120) > 0.3, dtype="boolean"),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.2)


@pytest.fixture(scope="module")
def fitted(table):
    X, y = table
    return MultiTaskAttentionEstimator(**SMALL).fit(X[TRAIN], y[TRAIN])


def test_metrics_are_those_of_scikit_learn_on_observed_labels(fitted, table):
    X, y = table[0][TEST], table[1][TEST]
    report = multitask_report(fitted, X, y)
    seen = y["rating"].notna().to_numpy()
    true, predicted = y["rating"][seen], fitted.predict(X)["rating"][seen]
    expected = [f(true, predicted) for f in (r2_score, root_mean_squared_error, mean_absolute_error)]
    np.testing.assert_allclose(report.loc["rating", REGRESSION].astype(float), expected)
    for name in ("size", "sold"):
        seen = y[name].notna().to_numpy()
        true, predicted = y[name][seen].tolist(), fitted.predict(X)[name][seen].tolist()
        proba, classes = fitted.predict_proba(X)[name][seen], fitted.classes_[name]
        auc = [roc_auc_score(np.equal(true, label), proba[:, k]) for k, label in enumerate(classes)]
        expected = [
            accuracy_score(true, predicted),
            balanced_accuracy_score(true, predicted),
            np.mean(auc),
            log_loss(true, proba, labels=classes),
            brier_score_loss(true, proba, labels=classes),
        ]
        np.testing.assert_allclose(report.loc[name, CLASSIFICATION].astype(float), expected)


def test_metrics_that_do_not_fit_a_task_are_nan(fitted, table):
    report = multitask_report(fitted, table[0][TEST], table[1][TEST])
    assert report["kind"].to_dict() == {"rating": "regression", "size": "multiclass", "sold": "binary"}
    assert report.columns[2:-3].tolist() == REGRESSION + CLASSIFICATION
    assert report["n_labelled"].tolist() == table[1][TEST].notna().sum().tolist()
    assert report.loc["rating", CLASSIFICATION].isna().all()
    assert report.loc[["size", "sold"], REGRESSION].isna().all(axis=None)
    assert report.loc["rating", REGRESSION].notna().all()
    assert report.loc[["size", "sold"], CLASSIFICATION].notna().all(axis=None)


def test_the_main_metrics_have_the_mean_that_score_gives(fitted, table):
    X, y = table
    report = multitask_report(fitted, X[TEST], y[TEST])
    assert report["r2"].fillna(report["accuracy"]).mean() == pytest.approx(fitted.score(X[TEST], y[TEST]))
    pd.testing.assert_series_equal(report["oof_score"], fitted.oof_task_scores_, check_names=False)


def test_the_baseline_predicts_the_mean_and_the_most_frequent_class_of_the_training_labels(fitted, table):
    X, y = table
    report = multitask_report(fitted, X[TEST], y[TEST])
    rating = y["rating"][TEST].dropna()
    mean = np.full(len(rating), y["rating"][TRAIN].mean())
    assert report.loc["rating", "baseline"] == pytest.approx(r2_score(rating, mean))
    assert report.loc["rating", "baseline"] < 0  # the mean of other rows
    for name in ("size", "sold"):
        frequent = y[name][TRAIN].mode()[0]
        expected = (y[name][TEST].dropna() == frequent).mean()
        assert report.loc[name, "baseline"] == pytest.approx(expected)
    gain = report["r2"].fillna(report["accuracy"]) - report["baseline"]
    np.testing.assert_allclose(report["gain"], gain)


def test_the_baseline_counts_the_weights_of_fit():
    X, y = np.arange(30.0).reshape(-1, 1), np.array([0.0, 0.0, 3.5] * 10)
    model = MultiTaskAttentionRegressor(**SMALL).fit(X, y, sample_weight=np.where(y > 0, 2.0, 1.0))
    assert model.tasks_.loc["y", "baseline"] == pytest.approx(1.75)
    balanced = MultiTaskAttentionClassifier(**SMALL, class_weight={3.0: 10.0}).fit(X, np.floor(y))
    assert balanced.tasks_.loc["y", "baseline"] == 0.0  # weights of classes do not make it more frequent


@pytest.mark.parametrize("wrap", ["alone", "pipeline", "search", "search-of-pipelines"])
def test_pipelines_and_searches_are_reported_as_what_they_hold(table, wrap):
    X, y = table
    scaled = StandardScaler().fit(X[TRAIN])
    model = MultiTaskAttentionEstimator(**SMALL)
    expected = multitask_report(
        MultiTaskAttentionEstimator(**SMALL).fit(scaled.transform(X[TRAIN]), y[TRAIN]),
        scaled.transform(X[TEST]),
        y[TEST],
    )
    wrapped = {
        "alone": model,
        "pipeline": make_pipeline(StandardScaler(), model),
        "search": GridSearchCV(model, {"dropout": [0.1]}, cv=2),
        "search-of-pipelines": GridSearchCV(make_pipeline(StandardScaler(), model), {}, cv=2),
    }[wrap]
    if "pipeline" not in wrap:
        X = scaled.transform(X)
    report = multitask_report(wrapped.fit(X[TRAIN], y[TRAIN]), X[TEST], y[TEST])
    pd.testing.assert_frame_equal(report, expected)


@pytest.mark.parametrize("is_1d", [False, True], ids=["2-D", "1-D"])
@pytest.mark.parametrize("estimator", [MultiTaskAttentionRegressor, MultiTaskAttentionClassifier])
def test_estimators_of_one_kind_are_reported_without_the_metrics_of_the_other(table, estimator, is_1d):
    X, y = table
    is_classifier = estimator is MultiTaskAttentionClassifier
    labels = y[["size", "sold"]] if is_classifier else y[["rating"]].assign(double=2 * y["rating"])
    labels = labels.iloc[:, 0] if is_1d else labels
    model = estimator(**SMALL).fit(X[TRAIN], labels[TRAIN])
    report = multitask_report(model, X[TEST], labels[TEST])
    metrics = CLASSIFICATION if is_classifier else REGRESSION
    assert report.columns.tolist() == ["kind", "n_labelled", *metrics, "baseline", "gain", "oof_score"]
    assert report.index.tolist() == model.task_names_
    assert report.drop(columns="kind").notna().all(axis=None)
    assert report[metrics[0]].mean() == pytest.approx(model.score(X[TEST], labels[TEST]))


def test_columns_of_y_are_found_by_name(fitted, table):
    X, y = table[0][TEST], table[1][TEST]
    swapped = multitask_report(fitted, X, y[["sold", "rating", "size"]])
    pd.testing.assert_frame_equal(swapped, multitask_report(fitted, X, y))


@pytest.mark.parametrize("shape", ["rows", "labels"])
def test_weights_count_as_repetitions(fitted, table, shape):
    X, y = table[0][TEST], table[1][TEST]
    counts = np.random.default_rng(0).integers(0, 3, len(y))
    repeated = np.repeat(np.arange(len(y)), counts)
    expected = multitask_report(fitted, X[repeated], y.iloc[repeated])
    weight = counts if shape == "rows" else np.repeat(counts[:, None], 3, axis=1)
    report = multitask_report(fitted, X, y, sample_weight=weight)
    pd.testing.assert_frame_equal(report.drop(columns="n_labelled"), expected.drop(columns="n_labelled"))


def test_a_task_without_labels_is_nan_beside_the_others(fitted, table):
    X, y = table[0][TEST], table[1][TEST]
    report = multitask_report(fitted, X, y.assign(sold=pd.NA))
    assert report.loc["sold", "n_labelled"] == 0
    assert report.loc["sold", [*CLASSIFICATION, "baseline", "gain"]].isna().all()
    expected = multitask_report(fitted, X, y)
    pd.testing.assert_frame_equal(report.drop(index="sold"), expected.drop(index="sold"))


def test_a_regressor_of_scikit_learn_is_scored_beside_the_mean(table):
    X, y = table[0], table[1][["rating"]].assign(double=2 * table[1]["rating"])
    known = y["rating"].notna()
    model = Ridge().fit(X[known], y[known])
    report = multitask_report(model, X, y)
    assert report["r2"].tolist() == pytest.approx([model.score(X[known], y[known])] * 2)
    np.testing.assert_allclose(report["baseline"], 0, atol=1e-12)
    assert report["oof_score"].isna().all()


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=0),
        MultiOutputClassifier(LogisticRegression()),
        MLPClassifier((4,), max_iter=5, solver="lbfgs", random_state=0),
    ],
    ids=["list-of-probabilities", "list-of-classes", "indicator"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_classifier_of_scikit_learn_is_scored_beside_the_most_frequent_class(table, model):
    X = table[0]
    y = pd.DataFrame({"a": (X[:, 0] > 0).astype(int), "b": (X[:, 1] > -0.5).astype(int)})
    report = multitask_report(model.fit(X, y), X, y)
    predicted = model.predict(X)
    assert report["kind"].tolist() == ["binary", "binary"]
    for position, name in enumerate(y):
        assert report.loc[name, "accuracy"] == pytest.approx((predicted[:, position] == y[name]).mean())
        assert report.loc[name, "baseline"] == pytest.approx(max(y[name].mean(), 1 - y[name].mean()))
    assert (report["roc_auc"] > 0.8).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:-1], "multitask_report: X has 40 rows and y has 39; both must"),
        (lambda y: y.drop(columns="sold"), r"missing \['sold'\]"),
        (lambda y: y.to_numpy()[:, :2], r"y has 2 column\(s\), expected 3"),
        (lambda y: y.assign(rating="good"), "task 'rating' has labels like 'good'"),
        (lambda y: y.assign(size=3), "task 'size' has labels like"),
    ],
    ids=["rows", "missing-task", "columns", "text", "number"],
)
def test_unusable_labels_are_refused(fitted, table, change, message):
    with pytest.raises(ValueError, match=message):
        multitask_report(fitted, table[0][TEST], change(table[1][TEST]))


def test_labels_of_another_number_of_tasks_are_refused_for_any_estimator(table):
    X = table[0]
    with pytest.raises(ValueError, match=r"multitask_report: y has 2 column\(s\), .* 1"):
        multitask_report(Ridge().fit(X, X[:, 0]), X, X[:, :2])


def test_nothing_is_reported_before_fit(table):
    with pytest.raises(NotFittedError):
        multitask_report(MultiTaskAttentionEstimator(), *table)
