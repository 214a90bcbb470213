"""scikit-learn's tools around the estimators, on labels with holes; and what those tools do not allow."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  HalvingGridSearchCV needs it
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklearn_mtl.metrics import make_multitask_scorer, multitask_score
from sklearn_mtl.model_selection import MultiTaskKFold

from .conftest import GUESSES

SHORT = {"max_epochs": 2, "n_views": 1, "linear_view": False, "n_trees": 2}
CV = MultiTaskKFold(2, random_state=0)
TASKS = ["u", "v", "w"]


@pytest.fixture(params=["regressor", "classifier", pytest.param("both", marks=GUESSES)])
def kind(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def holes(kind, numbers):
    """60 rows of three numbers, and three tasks with a hole in a third of their labels."""
    return numbers[0], kind.labels(numbers[1])


@pytest.fixture
def full(numbers):
    """Three numbers, and three tasks without a hole."""
    X, y = numbers
    return X, np.where(np.isnan(y), X, y)


def metric_of(kind):
    return "accuracy" if is_classifier(kind()) else "r2"


class TestSearch:
    def test_a_random_search_scores_every_candidate(self, kind, holes):
        search = RandomizedSearchCV(
            kind(**SHORT),
            {"dropout": [0.0, 0.5], "d_hidden": [4, 8, 16]},
            n_iter=3,
            cv=CV,
            random_state=0,
            error_score="raise",
        ).fit(*holes)
        assert len(set(map(str, search.cv_results_["params"]))) == 3
        assert search.best_score_ == max(search.cv_results_["mean_test_score"])

    @pytest.mark.parametrize("resource", ["n_samples", "max_epochs"])
    def test_a_halving_search_gives_more_to_fewer(self, kind, holes, resource):
        resources = {"n_samples": (30, 60), "max_epochs": (1, 3)}[resource]
        search = HalvingGridSearchCV(
            kind(**({} if resource == "max_epochs" else SHORT)),
            {"d_hidden": [4, 8, 16]},
            cv=CV,
            resource=resource,
            min_resources=resources[0],
            max_resources=resources[1],
            factor=2 if resource == "n_samples" else 3,
            random_state=0,
            error_score="raise",
        ).fit(*holes)
        assert search.n_resources_ == list(resources)
        assert search.n_candidates_[0] == 3 > search.n_candidates_[1]
        assert np.isfinite(search.best_score_)

    def test_a_halving_search_over_rows_of_a_classifier_needs_min_resources(self, classifier, numbers):
        X, labels = numbers[0], classifier.labels(numbers[1])
        search = HalvingGridSearchCV(classifier(**SHORT), {"d_hidden": [4, 8]}, cv=CV)
        with pytest.raises(ValueError, match="y should be a 1d array, got an array of shape"):
            search.fit(X, labels)

    @pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
    def test_an_integer_cv_refuses_classes_with_holes(self, classifier, numbers):
        X, labels = numbers[0], classifier.labels(numbers[1])
        with pytest.raises(ValueError, match="Input y contains NaN"):
            GridSearchCV(classifier(**SHORT), {"d_hidden": [4]}, cv=2).fit(X, labels)


class TestCrossValidation:
    def test_the_score_of_each_fold_is_that_of_its_estimator(self, kind, holes):
        X, labels = holes
        results = cross_validate(
            kind(**SHORT),
            X,
            labels,
            cv=CV,
            return_train_score=True,
            return_estimator=True,
            return_indices=True,
            error_score="raise",
        )
        for fold, model in enumerate(results["estimator"]):
            for part in ("train", "test"):
                rows = results["indices"][part][fold]
                assert results[f"{part}_score"][fold] == model.score(X[rows], labels[rows])

    def test_a_learning_curve_is_that_of_fits_to_the_first_rows(self, kind, holes):
        X, labels = holes
        sizes, _, scores = learning_curve(
            kind(**SHORT), X, labels, cv=CV, train_sizes=[0.6, 1.0], error_score="raise"
        )
        for fold, (train, test) in enumerate(CV.split(X, labels)):
            for size, score in zip(sizes, scores[:, fold], strict=True):
                model = kind(**SHORT).fit(X[train[:size]], labels[train[:size]])
                assert score == model.score(X[test], labels[test])

    def test_probabilities_of_estimators_that_cross_validate_returns_leave_holes_out(
        self, classifier, numbers
    ):
        X, labels = numbers[0], classifier.labels(numbers[1])
        results = cross_validate(
            classifier(**SHORT), X, labels, cv=CV, return_estimator=True, return_indices=True
        )
        for model, test in zip(results["estimator"], results["indices"]["test"], strict=True):
            assert [proba.shape for proba in model.predict_proba(X[test])] == [
                (len(test), k) for k in (3, 2, 2)
            ]

    def test_cross_val_predict_of_probabilities_makes_a_class_of_the_holes(self, classifier, numbers):
        X, labels = numbers[0], classifier.labels(numbers[1])
        probabilities = cross_val_predict(classifier(**SHORT), X, labels, cv=CV, method="predict_proba")
        assert [proba.shape for proba in probabilities] == [(60, 4), (60, 3), (60, 3)]

        assert all(proba[:, -1].mean() > 0.1 for proba in probabilities)  # learned, as a class is


class TestInspection:
    def test_permutation_importance_names_the_columns_that_are_used(self, kind):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(120, 3))
        y = np.where(rng.random((120, 2)) < 0.3, np.nan, X[:, :2])
        labels = y if metric_of(kind) == "r2" else np.where(np.isnan(y), np.nan, y > 0)
        importance = permutation_importance(kind().fit(X, labels), X, labels, n_repeats=3, random_state=0)
        assert (importance.importances_mean[:2] > 0.1).all()
        assert importance.importances_mean[2] < 0.1

    def test_permutation_importance_of_one_task_is_that_of_its_scorer(self, kind, holes):
        X, labels = holes
        frame = pd.DataFrame(labels, columns=TASKS)
        scorer = make_multitask_scorer(metric_of(kind), average="weighted", task_weight={"u": 0, "w": 0})
        model = kind(**SHORT).fit(X, frame)
        importance = permutation_importance(model, X, frame, scoring=scorer, n_repeats=2, random_state=0)
        alone = multitask_score(
            frame, pd.DataFrame(model.predict(X), columns=TASKS), metric=metric_of(kind), average=None
        )
        assert scorer(model, X, frame) == alone["v"]
        assert importance.importances.shape == (3, 2)

    def test_permutation_importance_takes_a_table_as_it_comes(self, kind, mixed):
        X, labels = mixed[0], kind.labels(mixed[1])
        importance = permutation_importance(kind(**SHORT).fit(X, labels), X, labels, n_repeats=2)
        assert importance.importances_mean.shape == (5,)

    def test_partial_dependence_has_one_row_a_regression_task(self, regressor, mixed):
        X, y = mixed
        model = regressor(**SHORT).fit(X, y)
        dependence = partial_dependence(model, X, ["a"], grid_resolution=4)
        for value, averages in zip(dependence["grid_values"][0], dependence["average"].T, strict=True):
            np.testing.assert_allclose(averages, model.predict(X.assign(a=value)).mean(axis=0), rtol=1e-5)

    def test_partial_dependence_of_a_single_classification_task_is_its_probability(self, classifier, mixed):
        X, labels = mixed[0], classifier.labels(mixed[1])[:, 1]
        model = classifier(**SHORT).fit(X, labels)
        dependence = partial_dependence(model, X, ["a"], grid_resolution=4)
        for value, average in zip(dependence["grid_values"][0], dependence["average"][0], strict=True):
            assert average == pytest.approx(model.predict_proba(X.assign(a=value))[:, 1].mean())

    def test_partial_dependence_refuses_the_estimator_of_both(self, both, mixed):
        X, y = mixed
        model = both(**SHORT, task_types="regression").fit(X, y)
        with pytest.raises(ValueError, match="must be a fitted regressor or classifier"):
            partial_dependence(model, X, ["a"])

    def test_partial_dependence_refuses_several_classification_tasks(self, classifier, mixed):
        X, labels = mixed[0], classifier.labels(mixed[1])
        with pytest.raises(ValueError, match="Multiclass-multioutput estimators are not supported"):
            partial_dependence(classifier(**SHORT).fit(X, labels), X, ["a"])


class TestTargets:
    def test_a_transformed_target_is_learned_and_transformed_back(self, regressor, full):
        X, y = full
        wrapped = TransformedTargetRegressor(regressor(**SHORT), func=np.sinh, inverse_func=np.arcsinh)
        expected = np.arcsinh(regressor(**SHORT).fit(X, np.sinh(y)).predict(X))
        np.testing.assert_array_equal(wrapped.fit(X, y).predict(X), expected)

    def test_a_transformed_target_must_have_no_holes(self, regressor, numbers):
        wrapped = TransformedTargetRegressor(regressor(**SHORT), func=np.sinh, inverse_func=np.arcsinh)
        with pytest.raises(ValueError, match="Input y contains NaN"):
            wrapped.fit(*numbers)

    def test_a_first_layer_gives_its_out_of_fold_predictions_to_the_second(self, regressor, full):
        X, y = full[0], full[1][:, 0]
        stack = StackingRegressor([("ours", regressor()), ("ridge", Ridge())], cv=CV).fit(X, y)
        folds = cross_val_predict(regressor(), X, y, cv=CV), cross_val_predict(Ridge(), X, y, cv=CV)
        second = stack.final_estimator_.fit(np.column_stack(folds), y)
        first = np.column_stack([regressor().fit(X, y).predict(X), Ridge().fit(X, y).predict(X)])
        np.testing.assert_allclose(stack.predict(X), second.predict(first))

    def test_a_stack_of_regressors_refuses_the_estimator_of_both(self, both, full):
        model = both(**SHORT, task_types="regression")
        with pytest.raises(ValueError, match="MultiTaskAttentionEstimator should be a regressor"):
            StackingRegressor([("ours", model)], cv=CV).fit(full[0], full[1][:, 0])

    @pytest.mark.parametrize(
        ("columns", "message"), [(0, "Input y contains NaN"), ([0, 1], "y should be a 1d array")]
    )
    def test_a_stack_needs_one_task_without_holes(self, regressor, numbers, columns, message):
        X, y = numbers
        with pytest.raises(ValueError, match=message):
            StackingRegressor([("ours", regressor(**SHORT))], cv=CV).fit(X, y[:, columns])


class TestTransformers:
    def test_a_union_of_features_is_read_under_its_names(self, kind, mixed):
        X, labels = mixed[0][["a", "c"]], kind.labels(mixed[1])
        union = FeatureUnion([("scaled", StandardScaler()), ("pca", PCA(1))])
        pipeline = make_pipeline(union, kind(**SHORT)).set_output(transform="pandas").fit(X, labels)
        names = ["scaled__a", "scaled__c", "pca__pca0"]
        assert pipeline[-1].feature_attention_.columns.tolist() == names
        plain = kind(**SHORT).fit(pipeline[:-1].transform(X), labels)
        np.testing.assert_array_equal(pipeline.predict(X), plain.predict(pipeline[:-1].transform(X)))

    def test_columns_that_pass_a_column_transformer_keep_their_kinds(self, kind, mixed):
        X, labels = mixed[0], kind.labels(mixed[1])
        columns = ColumnTransformer(
            [("scale", StandardScaler(), ["a", "b"]), ("as they are", "passthrough", ["colour", "city"])],
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        model = make_pipeline(columns, kind(**SHORT)).fit(X, labels)[-1]
        kinds = {info.name: info.kind for info in model._reader.columns_}
        assert kinds == {"a": "number", "b": "number", "colour": "category", "city": "category"}

    def test_sparse_columns_of_a_transformer_are_learned_as_dense_ones(self, kind, mixed):
        X, labels = mixed[0][["city"]], kind.labels(mixed[1])
        sparse, dense = (
            make_pipeline(OneHotEncoder(sparse_output=sparse), kind(**SHORT)) for sparse in (True, False)
        )
        np.testing.assert_array_equal(sparse.fit(X, labels).predict(X), dense.fit(X, labels).predict(X))

    def test_output_set_to_pandas_leaves_predictions_as_they_are(self, kind, holes):
        X, labels = holes
        pipelines = [make_pipeline(StandardScaler(), kind(**SHORT)) for _ in range(2)]
        pipelines[1].set_output(transform="pandas")
        plain, pandas = (pipeline.fit(X, labels).predict(X) for pipeline in pipelines)
        assert type(pandas) is np.ndarray
        np.testing.assert_array_equal(pandas, plain)

    def test_a_column_made_in_a_pipeline_is_learned(self, regressor):
        rng = np.random.default_rng(0)
        X = pd.DataFrame(rng.normal(size=(100, 2)), columns=["a", "b"])
        y = np.where(rng.random(100) < 0.3, np.nan, X["a"] * X["b"])
        product = FunctionTransformer(lambda X: X.assign(ab=X["a"] * X["b"]))
        plain, made = regressor(n_trees=0), make_pipeline(product, regressor(n_trees=0))
        assert made.fit(X, y).score(X, y) > plain.fit(X, y).score(X, y) + 0.2


@pytest.fixture(params=["rows", "labels"])
def weight(request):
    """Weights of rows, or of labels; some are 0."""
    rng = np.random.default_rng(3)
    return rng.integers(0, 4, size=60 if request.param == "rows" else (60, 3)).astype(float)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
class TestRouting:
    def test_cross_validate_weighs_fit_and_score(self, kind, holes, weight):
        X, labels = holes
        model = kind(**SHORT).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        results = cross_validate(
            model, X, labels, cv=CV, params={"sample_weight": weight}, error_score="raise"
        )
        for score, (train, test) in zip(results["test_score"], CV.split(X, labels), strict=True):
            fitted = kind(**SHORT).fit(X[train], labels[train], sample_weight=weight[train])
            assert score == fitted.score(X[test], labels[test], sample_weight=weight[test])

    def test_a_search_weighs_what_is_asked_for_alone(self, kind, holes, weight):
        X, labels = holes
        scores = {}
        for in_fit, in_score in [(True, True), (True, False), (False, True)]:
            model = kind(**SHORT).set_fit_request(sample_weight=in_fit)
            model.set_score_request(sample_weight=in_score)
            search = GridSearchCV(model, {"d_hidden": [8]}, cv=CV, error_score="raise")
            scores[in_fit, in_score] = search.fit(X, labels, sample_weight=weight).best_score_
        assert len(set(scores.values())) == 3

    @pytest.mark.parametrize("kind", ["regressor", "classifier"], indirect=True)
    def test_scorers_weigh_labels(self, kind, holes, weight):
        X, labels = holes
        scorer = make_multitask_scorer(metric_of(kind)).set_score_request(sample_weight=True)
        model = kind(**SHORT).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        own, scored = (
            cross_validate(model, X, labels, cv=CV, scoring=scoring, params={"sample_weight": weight})
            for scoring in (None, scorer)
        )
        np.testing.assert_allclose(scored["test_score"], own["test_score"])


class TestFramesOfMixedLabels:
    """A table of targets as users have it: numbers, categories, flags, text and counts, each with holes."""

    @pytest.fixture
    def table(self, numbers):
        X, rng = numbers[0], np.random.default_rng(4)
        sizes = pd.cut(X[:, 1], [-9, -0.5, 0.5, 9], labels=["S", "M", "L"])
        y = pd.DataFrame(
            {
                "rating": X[:, 0] + X[:, 1],
                "size": sizes,
                "seen": pd.array(X[:, 2] > 0, dtype="boolean"),
                "answer": np.where(X[:, 0] > 0, "yes", "no"),
                "visits": pd.array(rng.poisson(3, size=60), dtype="Int64"),
            }
        )
        return pd.DataFrame(X, columns=list("abc")), y.mask(rng.random(y.shape) < 0.2)

    @pytest.fixture
    def model(self, both):
        kinds = {"rating": ("quantile", (0.1, 0.5, 0.9)), "size": "ordinal", "visits": "poisson"}
        return both(**SHORT, task_types=kinds)

    @pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV])
    def test_a_search_scores_every_candidate(self, model, table, search):
        options = {"n_iter": 2} if search is RandomizedSearchCV else {}
        found = search(model, {"d_hidden": [4, 8]}, cv=2, error_score="raise", **options).fit(*table)
        assert np.isfinite(found.cv_results_["mean_test_score"]).all()
        assert found.predict(table[0]).columns.tolist() == table[1].columns.tolist()

    def test_validation_scores_are_those_of_its_fits(self, model, table):
        X, y = table
        results = cross_validate(
            model, X, y, cv=2, return_estimator=True, return_indices=True, error_score="raise"
        )
        _, _, curve = learning_curve(model, X, y, cv=2, train_sizes=[1.0], error_score="raise")
        for fold, test in enumerate(results["indices"]["test"]):
            score = results["estimator"][fold].score(X.iloc[test], y.iloc[test])
            assert results["test_score"][fold] == curve[0, fold] == score

    def test_cross_val_predict_gives_an_array_of_labels_as_they_are(self, model, table):
        X, y = table
        predicted = cross_val_predict(model, X, y, cv=2)
        assert predicted.dtype == object
        for place, labels in {1: {"S", "M", "L"}, 2: {True, False}, 3: {"yes", "no"}}.items():
            assert set(predicted[:, place]) <= labels

    def test_permutation_importance_of_the_tasks_that_have_probabilities(self, model, table):
        X, y = table
        scorer = make_multitask_scorer("roc_auc")
        importance = permutation_importance(model.fit(X, y), X, y, scoring=scorer, random_state=0)
        assert (importance.importances_mean > 0).all()  # each column serves one of them

    @pytest.mark.usefixtures("routing")
    def test_weights_of_single_labels_reach_fit_and_score(self, model, table, weight):
        X, y = table
        weight = weight if weight.ndim == 1 else np.tile(weight[:, :1], 5)
        asking = clone(model).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        results = cross_validate(
            asking,
            X,
            y,
            cv=2,
            params={"sample_weight": weight},
            return_estimator=True,
            return_indices=True,
            error_score="raise",
        )
        for fold, (train, test) in enumerate(zip(*results["indices"].values(), strict=True)):
            fitted = model.fit(X.iloc[train], y.iloc[train], sample_weight=weight[train])
            score = fitted.score(X.iloc[test], y.iloc[test], sample_weight=weight[test])
            assert results["test_score"][fold] == score
