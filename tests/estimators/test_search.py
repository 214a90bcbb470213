"""Search, pipelines and cross-validation on labels with holes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor
from sklearn_mtl.metrics import make_multitask_scorer, multitask_score
from sklearn_mtl.model_selection import MultiTaskKFold

GRID = {"d_hidden": [4, 8]}


def assert_finite(search, n_splits):
    scores = [search.cv_results_[f"split{split}_test_score"] for split in range(n_splits)]
    assert np.isfinite(scores).all()
    assert np.isfinite(search.best_score_)


def test_the_regressor_is_searched_with_a_plain_number_of_folds(regressor, numbers):
    X, y = numbers
    assert_finite(GridSearchCV(regressor(), GRID, cv=3, error_score="raise").fit(X, y), 3)


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame], ids=["array", "frame"])
@pytest.mark.parametrize("cv", [KFold(3), MultiTaskKFold(3, random_state=0)], ids=["KFold", "MultiTaskKFold"])
def test_both_are_searched_with_a_splitter(kind, numbers, make, cv):
    X, labels = numbers[0], make(kind.labels(numbers[1]))
    search = GridSearchCV(kind(), GRID, cv=cv, error_score="raise").fit(X, labels)
    assert_finite(search, 3)
    assert search.predict(X).shape == (60, 3)


def test_text_labels_with_holes_are_searched(classifier, numbers):
    X, y = numbers
    labels = np.where(np.isnan(y), None, np.where(np.nan_to_num(y) > 0, "high", "low").astype(object))
    search = GridSearchCV(classifier(), GRID, cv=MultiTaskKFold(3), error_score="raise").fit(X, labels)
    assert_finite(search, 3)
    assert set(search.predict(X).ravel()) <= {"high", "low"}


def test_search_scores_are_the_estimators_own(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    cv = KFold(2)
    search = GridSearchCV(kind(), {"d_hidden": [8]}, cv=cv, error_score="raise").fit(X, labels)
    for split, (train, test) in enumerate(cv.split(X)):
        model = kind().fit(X[train], labels[train])
        predicted, kinds = model.predict(X[test]), model.tasks_["kind"]
        scores = [
            multitask_score(y, p, metric="r2" if its_kind == "regression" else "accuracy")
            for y, p, its_kind in zip(labels[test].T, predicted.T, kinds, strict=True)
        ]
        assert search.cv_results_[f"split{split}_test_score"][0] == pytest.approx(np.mean(scores))


def test_search_finds_what_is_better(regressor):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    y = np.stack([np.abs(X[:, 0]), np.abs(X[:, 1])], axis=1)
    y[rng.random(y.shape) < 0.3] = np.nan
    search = GridSearchCV(regressor(linear_view=False, d_hidden=32), {"max_epochs": [1, 40]}, cv=3)
    assert search.fit(X, y).best_params_ == {"max_epochs": 40}


def test_task_weights_are_searched(kind, numbers):
    X, labels = numbers[0], pd.DataFrame(kind.labels(numbers[1]), columns=["u", "v", "w"])
    grid = {"task_weight": [None, {"u": 0.1}, [1.0, 0.0, 2.0]]}
    search = GridSearchCV(kind(), grid, cv=MultiTaskKFold(2, random_state=0), error_score="raise")
    assert_finite(search.fit(X, labels), 2)
    assert len(set(search.cv_results_["mean_test_score"])) > 1


@pytest.mark.parametrize("metric", ["rmse", "arrmse", "mae", "r2"])
def test_scorers_score_the_regressor(regressor, numbers, metric):
    X, y = numbers
    model = regressor().fit(X, y)
    score = make_multitask_scorer(metric)(model, X, y)
    sign = 1 if metric == "r2" else -1
    assert score == pytest.approx(sign * multitask_score(y, model.predict(X), metric=metric))
    scores = cross_val_score(
        regressor(), X, y, cv=2, scoring=make_multitask_scorer(metric), error_score="raise"
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1", "log_loss", "roc_auc", "average_precision"])
def test_scorers_score_the_classifier(classifier, numbers, metric):
    X, labels = numbers[0], classifier.labels(numbers[1])
    scores = cross_val_score(
        classifier(),
        X,
        labels,
        cv=MultiTaskKFold(2, random_state=0),
        scoring=make_multitask_scorer(metric),
        error_score="raise",
    )
    assert np.isfinite(scores).all()
    assert (scores < 0).all() if metric == "log_loss" else (scores > 0).all()


def test_several_scorers_score_at_once(regressor, numbers):
    X, y = numbers
    scoring = {metric: make_multitask_scorer(metric) for metric in ("rmse", "r2")}
    results = cross_validate(regressor(), X, y, cv=2, scoring=scoring, error_score="raise")
    assert np.isfinite([results["test_rmse"], results["test_r2"]]).all()


def test_a_pipeline_with_a_column_transformer_is_searched(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    transformer = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b", "c"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour"]),
        remainder="drop",
    )
    pipeline = make_pipeline(transformer, kind())
    step = kind.estimator.__name__.lower()
    grid = {f"{step}__d_hidden": [4, 8], f"{step}__dropout": [0.0, 0.3]}
    search = GridSearchCV(pipeline, grid, cv=KFold(2), error_score="raise").fit(X, labels)
    assert_finite(search, 2)
    assert search.best_estimator_[-1].n_features_in_ == 7  # three numbers; three colours and a hole
    assert search.predict(X).shape == (60, 3)


def test_a_transformer_that_gives_frames_names_the_columns(kind, mixed):
    X, labels = mixed[0][["a", "c"]], kind.labels(mixed[1])
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), kind()).fit(X, labels)
    assert pipeline[-1].feature_names_in_.tolist() == ["a", "c"]
    assert pipeline[-1].feature_attention_.columns.tolist() == ["a", "c"]


def test_cross_val_predict_predicts_every_row(regressor, numbers):
    X, y = numbers
    predicted = cross_val_predict(regressor(), X, y, cv=3)
    assert predicted.shape == y.shape
    assert np.isfinite(predicted).all()
    test = np.arange(20)  # the first of three folds
    expected = regressor().fit(X[20:], y[20:]).predict(X[test])
    np.testing.assert_array_equal(predicted[test], expected)


def test_cross_val_predict_predicts_classes(classifier, numbers):
    X, labels = numbers[0], classifier.labels(numbers[1])
    predicted = cross_val_predict(classifier(), X, labels, cv=MultiTaskKFold(3, random_state=0))
    assert predicted.shape == labels.shape
    assert set(np.unique(predicted)) <= {0.0, 1.0, 2.0}


def test_set_params_changes_the_next_fit(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind().fit(X, labels).set_params(max_epochs=2, n_views=1).fit(X, labels)
    np.testing.assert_array_equal(model.predict(X), kind(max_epochs=2, n_views=1).fit(X, labels).predict(X))
    assert model.n_iter_ == 2


def test_a_clone_fits_the_same(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind().fit(X, labels)
    np.testing.assert_array_equal(clone(model).fit(X, labels).predict(X), model.predict(X))


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [MultiTaskAttentionRegressor, MultiTaskAttentionClassifier])
def test_default_parameters_are_searched_in_five_folds(estimator, numbers):
    X, y = numbers
    is_classifier = estimator is MultiTaskAttentionClassifier
    labels = np.where(np.isnan(y), np.nan, y > 0) if is_classifier else y
    search = GridSearchCV(
        estimator(random_state=0),
        {"n_views": [1, 2]},
        cv=MultiTaskKFold(5, random_state=0) if is_classifier else 5,
        error_score="raise",
    )
    assert_finite(search.fit(X, labels), 5)
    assert search.best_score_ > 0.5
