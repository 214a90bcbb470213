"""Numbers by other losses than squared ones, scales of labels, ordered classes, smoothed labels."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    d2_absolute_error_score,
    d2_pinball_score,
    d2_tweedie_score,
)
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
    multitask_report,
)
from sklearn_mtl.exceptions import UnknownClassWarning
from sklearn_mtl.metrics import METRICS, make_multitask_scorer, multitask_score

from .conftest import SMALL

KINDS = {
    "median": "absolute_error",
    "robust": "huber",
    "range": "quantile",
    "visits": "poisson",
    "size": ("ordinal", ["S", "M", "L", "XL"]),
    "rating": "regression",
}
SIZES = KINDS["size"][1]


def make_table(n_rows, *, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    signal = X[:, 0] + 0.5 * np.abs(X[:, 1])
    spread = np.where(X[:, 2] > 0, 1.0, 0.3)
    y = pd.DataFrame(
        {
            "median": signal + 0.3 * rng.standard_t(2, n_rows),
            "robust": signal + 0.3 * rng.standard_t(2, n_rows),
            "range": signal + spread * rng.normal(size=n_rows),
            "visits": rng.poisson(np.exp(0.7 * X[:, 0])).astype(float),
            "size": np.array(SIZES)[np.digitize(signal + 0.5 * rng.logistic(size=n_rows), [-0.5, 0.5, 1.5])],
            "rating": signal + 0.3 * rng.normal(size=n_rows),
        }
    )
    return X, y


@pytest.fixture(scope="module")
def table():
    X, y = make_table(300, seed=0)
    return X, y.mask(np.random.default_rng(1).random(y.shape) < 0.3)


@pytest.fixture(scope="module")
def new():
    return make_table(400, seed=2)


@pytest.fixture(scope="module")
def fitted(table):
    options = {**SMALL, "d_hidden": 32, "max_epochs": 20}
    return MultiTaskAttentionEstimator(task_types=KINDS, **options).fit(*table)


@pytest.fixture(scope="module")
def of_many():
    X, y = make_table(1500, seed=3)
    loss = ("quantile", (0.1, 0.5, 0.9))
    return MultiTaskAttentionRegressor(loss=loss, preset="fast", random_state=0).fit(X, y["range"])


def test_tasks_are_of_the_kinds_that_were_given(fitted, table):
    kinds = {name: kind[0] if isinstance(kind, tuple) else kind for name, kind in KINDS.items()}
    assert fitted.tasks_["kind"].to_dict() == kinds
    assert fitted.tasks_["n_classes"]["size"] == 4
    assert fitted.tasks_["baseline"]["median"] == table[1]["median"].quantile(interpolation="lower")
    assert fitted.tasks_["baseline"]["visits"] == pytest.approx(table[1]["visits"].mean())


def test_every_task_is_learned_better_than_its_best_constant(fitted, new):
    report = multitask_report(fitted, *new)
    assert (report["gain"] > 0.15).all()
    assert (report["oof_score"] > 0.15).all()


def test_losses_in_the_history_start_near_that_of_the_best_constant(table):
    options = {"learning_rate": 1e-3, "max_epochs": 1, "n_trees": 0, "random_state": 0}
    model = MultiTaskAttentionEstimator(task_types=KINDS, **options).fit(*table)
    first = model.history_.filter(like="valid_loss_").iloc[0]
    assert first.between(0.3, 1.3).all(), first


def test_scores_are_those_of_scikit_learn_on_observed_labels(fitted, table):
    predicted, scores = fitted.oof_prediction_, fitted.oof_task_scores_
    for name, metric in {
        "median": d2_absolute_error_score,
        "robust": d2_absolute_error_score,
        "range": d2_absolute_error_score,
        "visits": lambda y, p: d2_tweedie_score(y, p, power=1),
        "size": lambda y, p: cohen_kappa_score(y, p, labels=SIZES, weights="quadratic"),
    }.items():
        seen = table[1][name].notna()
        assert scores[name] == pytest.approx(metric(table[1][name][seen], predicted[name][seen]))
    assert fitted.oof_score_ == pytest.approx(scores.mean())


def test_the_report_has_the_metrics_of_each_kind(fitted, new):
    X, y = new
    report, predicted = multitask_report(fitted, X, y), fitted.predict(X)
    assert report.loc["size", "kappa"] == pytest.approx(
        cohen_kappa_score(y["size"], predicted["size"], labels=SIZES, weights="quadratic")
    )
    assert report.loc["size", "accuracy"] == pytest.approx(accuracy_score(y["size"], predicted["size"]))
    quantiles = fitted.predict_quantiles(X)["range"]
    inside = (quantiles[:, 0] <= y["range"]) & (y["range"] <= quantiles[:, 2])
    assert report.loc["range", "coverage"] == pytest.approx(inside.mean())
    assert report["coverage"].notna().sum() == 1
    assert report.loc["visits", "d2_poisson"] == pytest.approx(
        d2_tweedie_score(y["visits"], predicted["visits"], power=1)
    )
    scores = [report.loc[name, METRICS[kind][0]] for name, kind in report["kind"].items()]
    assert fitted.score(X, y) == pytest.approx(np.mean(scores))


class TestQuantiles:
    @pytest.mark.parametrize("is_wide", [False, True])
    def test_shares_below_are_the_levels_on_new_rows_wherever_they_scatter(self, of_many, is_wide):
        X, y = make_table(2000, seed=6)
        seen = (X[:, 2] > 0) == is_wide
        below = (y[["range"]].to_numpy() <= of_many.predict_quantiles(X))[seen].mean(axis=0)
        np.testing.assert_allclose(below, [0.1, 0.5, 0.9], atol=0.06)

    def test_the_range_is_wider_where_labels_scatter_more(self, of_many, new):
        X, widths = new[0], np.ptp(of_many.predict_quantiles(new[0]), axis=1)
        assert widths[X[:, 2] > 0.3].mean() > 1.8 * widths[X[:, 2] < -0.3].mean()

    def test_they_ascend_and_the_middle_one_is_predicted(self, fitted, new):
        quantiles = fitted.predict_quantiles(new[0])["range"]
        assert (np.diff(quantiles, axis=1) >= 0).all()
        np.testing.assert_array_equal(quantiles[:, 1], fitted.predict(new[0])["range"])

    def test_out_of_fold_ones_have_the_form_of_predictions(self, fitted, table):
        quantiles = fitted.oof_quantiles_["range"]
        assert quantiles.shape == (300, 3)
        seen = table[1]["range"].notna().to_numpy()
        np.testing.assert_array_equal(quantiles[seen, 1], fitted.oof_prediction_["range"][seen])

    @pytest.mark.parametrize(
        ("loss", "shape"),
        [
            (("quantile", (0.2, 0.5, 0.8)), (60, 3, 3)),
            (("quantile", (0.9,)), (60, 3, 1)),
            (
                [("quantile", (0.1, 0.9)), "huber", "quantile"],
                {"task_0": (60, 2), "task_2": (60, 3)},
            ),
            (
                [("quantile", [0.5]), ("quantile", [0.7]), ("quantile", [0.1, 0.9])],
                {"task_0": (60, 1), "task_1": (60, 1), "task_2": (60, 2)},
            ),
        ],
        ids=["all", "one-level", "some", "of-different-widths"],
    )
    def test_tasks_that_are_alike_are_stacked(self, regressor, numbers, loss, shape):
        quantiles = regressor(loss=loss).fit(*numbers).predict_quantiles(numbers[0])
        if isinstance(shape, tuple):
            assert quantiles.shape == shape
        else:
            assert {name: array.shape for name, array in quantiles.items()} == shape

    def test_levels_are_searched(self, regressor, numbers):
        grid = {"loss": ["huber", ("quantile", (0.1, 0.9)), ("quantile", (0.5,)), ["quantile"] * 3]}
        search = GridSearchCV(regressor(max_epochs=1), grid, cv=2, error_score="raise").fit(*numbers)
        assert search.cv_results_["params"] == [{"loss": loss} for loss in grid["loss"]]
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_one_axis_stays_one_axis(self, regressor, both, numbers):
        X, y = numbers
        for model in (regressor(loss="quantile"), both(task_types="quantile")):
            model.fit(X, y[:, 0])
            assert (model.predict_quantiles(X).shape, model.predict(X).shape) == ((60, 3), (60,))
            assert model.oof_quantiles_.shape == (60, 3)

    def test_a_single_level_is_predicted_and_scored(self, regressor, numbers):
        X, y = numbers
        model = regressor(loss=("quantile", (0.8,))).fit(X, y[:, 0])
        seen = ~np.isnan(y[:, 0])
        expected = d2_pinball_score(y[seen, 0], model.predict(X)[seen], alpha=0.8)
        assert model.score(X, y[:, 0]) == pytest.approx(expected)
        report = multitask_report(model, X, y[:, 0])
        assert report["d2_pinball"].item() == pytest.approx(expected)
        assert np.isnan(report["coverage"].item())

    @pytest.mark.parametrize("make", ["regressor", "both"])
    def test_without_quantile_tasks_there_are_none(self, request, make, numbers):
        options = {"task_types": "regression"} if make == "both" else {}
        model = request.getfixturevalue(make)(**options)
        assert hasattr(model, "predict_quantiles")  # it may yet have some
        model.fit(*numbers)
        with pytest.raises(AttributeError, match="predict_quantiles"):
            _ = model.predict_quantiles
        assert not hasattr(model, "oof_quantiles_")

    def test_a_fit_without_them_forgets_those_of_the_one_before(self, regressor, numbers):
        model = regressor(loss="quantile").fit(*numbers)
        model.set_params(loss="huber").fit(*numbers)
        assert not hasattr(model, "oof_quantiles_")


def test_rates_are_positive_and_right_in_the_mean(fitted, new):
    predicted = fitted.predict(new[0])["visits"]
    assert (predicted > 0).all()
    assert predicted.mean() == pytest.approx(new[1]["visits"].mean(), rel=0.15)
    busy = new[0][:, 0] > 0.5
    assert predicted[busy].mean() == pytest.approx(new[1]["visits"][busy].mean(), rel=0.25)


def test_rates_do_not_depend_on_their_unit(regressor, table):
    X, y = table
    seen = y["visits"].notna()
    expected, scaled = (
        regressor(loss="poisson").fit(X[seen], factor * y["visits"][seen]).predict(X)
        for factor in (1.0, 1024.0)
    )
    np.testing.assert_allclose(scaled, 1024.0 * expected, rtol=1e-6)


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_extreme_labels_do_not_move_robust_predictions(regressor, loss):
    X, y = make_table(300, seed=4)
    wrong = y["rating"].where(np.arange(300) % 15 > 0, 1000.0)
    clean, squared, robust = (
        regressor(max_epochs=30, d_hidden=32, loss=its_loss).fit(X, labels).predict(X)
        for its_loss, labels in (("squared_error", y["rating"]), ("squared_error", wrong), (loss, wrong))
    )
    assert np.abs(robust - clean).mean() < 0.6
    assert np.abs(squared - clean).mean() > 10


ALL_LOSSES = ["absolute_error", "huber", "quantile", "poisson"]


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_a_label_of_weight_0_is_a_missing_one(regressor, numbers, loss):
    X, y = numbers
    y = np.abs(y)
    missing = np.isnan(y)
    rubbish = np.where(missing, 50.0, y)
    expected = regressor(loss=loss).fit(X, y)
    given = regressor(loss=loss).fit(X, rubbish, sample_weight=1.0 - missing)
    np.testing.assert_array_equal(given.predict(X), expected.predict(X))


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_a_weight_of_2_is_the_row_twice(regressor, numbers, loss):
    X, y = numbers[0], np.abs(numbers[1])
    weight = 1.0 + (np.arange(60) % 3 == 0)
    expected = regressor(loss=loss).fit(
        np.repeat(X, weight.astype(int), axis=0), np.repeat(y, weight.astype(int), axis=0)
    )
    given = regressor(loss=loss).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(given.predict(X), expected.predict(X))


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_a_task_that_never_varies_predicts_its_value(regressor, numbers, loss):
    X, y = numbers
    y = np.column_stack([np.abs(y[:, 0]), np.full(60, 3.0), np.zeros(60)])
    predicted = regressor(loss=loss).fit(X, y).predict(X)
    np.testing.assert_allclose(predicted[:, 1:], [[3.0, 0.0]] * 60, atol=1e-9)


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_a_task_of_weight_0_predicts_its_best_constant(regressor, numbers, loss):
    X, y = numbers[0], np.abs(numbers[1])
    model = regressor(loss=loss, task_weight=[1.0, 0.0, 1.0]).fit(X, y)
    np.testing.assert_allclose(model.predict(X)[:, 1], model.tasks_["baseline"]["task_1"], rtol=1e-9)


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_a_scarce_task_is_predicted(regressor, numbers, loss):
    X, y = numbers[0], np.abs(numbers[1])
    y[3:, 1] = np.nan
    model = regressor(loss=loss).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.oof_prediction_).all()


class TestTransforms:
    def test_a_unit_changes_no_prediction_within_the_range_of_the_labels(self, regressor, numbers):
        X, y = numbers
        twice = FunctionTransformer(lambda values: 2 * values, lambda values: values / 2)
        plain, given = regressor().fit(X, y), regressor(target_transform=twice).fit(X, y)
        expected = np.clip(plain.predict(X), np.nanmin(y, axis=0), np.nanmax(y, axis=0))
        np.testing.assert_allclose(given.predict(X), expected, rtol=1e-9)

    def test_skewed_labels_are_learned_better_on_a_scale_without_skew(self, regressor):
        X = make_table(300, seed=5)[0]
        skewed = np.exp(2 * X[:, 0] + np.abs(X[:, 1]))
        maes = [
            multitask_score(
                skewed,
                regressor(target_transform=transform, max_epochs=20).fit(X, skewed).oof_prediction_,
                metric="mae",
            )
            for transform in (None, "log1p", "yeo-johnson")
        ]
        assert max(maes[1:]) < 0.9 * maes[0]

    def test_quantiles_are_those_of_the_labels(self, regressor, table):
        X, y = table
        model = regressor(loss="quantile", target_transform={"y": "yeo-johnson"}, max_epochs=20)
        labels = np.exp(y["range"].dropna()).to_numpy()
        quantiles = model.fit(X[y["range"].notna()], labels).oof_quantiles_
        np.testing.assert_allclose((labels[:, None] <= quantiles).mean(axis=0), [0.05, 0.5, 0.95], atol=0.06)

    def test_scores_and_baselines_are_on_the_scale_of_the_labels(self, regressor, table):
        X, y = table
        labels = np.exp(y["rating"]).to_frame()
        model = regressor(target_transform={"rating": "log1p"}).fit(X, labels)
        assert model.tasks_["baseline"]["rating"] == pytest.approx(labels["rating"].mean())
        expected = multitask_score(labels, model.oof_prediction_.reshape(-1, 1), metric="r2")
        assert model.oof_score_ == pytest.approx(expected)


class TestOrder:
    def test_classes_keep_their_order_and_probabilities_sum_to_1(self, fitted, new):
        assert fitted.classes_["size"].tolist() == SIZES
        probabilities = fitted.predict_proba(new[0])["size"]
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
        assert (probabilities >= 0).all()
        predicted = fitted.predict(new[0])["size"]
        assert predicted.tolist() == np.array(SIZES)[probabilities.argmax(axis=1)].tolist()

    def test_names_of_classes_change_nothing_but_the_names(self, classifier, table):
        X, y = table
        names = dict(zip(SIZES, ["d", "a", "c", "b"], strict=True))
        models = [
            classifier(task_types=("ordinal", order)).fit(X, labels)
            for order, labels in ((SIZES, y["size"]), (list(names.values()), y["size"].map(names)))
        ]
        np.testing.assert_array_equal(models[0].predict_proba(X), models[1].predict_proba(X))
        assert [names[label] for label in models[0].predict(X)] == models[1].predict(X).tolist()

    def test_names_of_classes_without_order_change_nothing_but_the_names(self, classifier, table):
        X, y = table
        same = dict(zip(sorted(SIZES), "abcd", strict=True))
        models = [classifier().fit(X, labels) for labels in (y["size"], y["size"].map(same))]
        np.testing.assert_array_equal(models[0].predict_proba(X), models[1].predict_proba(X))

    def test_networks_and_linear_view_have_the_same_thresholds_for_all_rows(self, classifier, table):
        X, y = table
        seen = y["size"].notna()
        model = classifier(task_types=("ordinal", SIZES), n_trees=0, linear_view=False, n_views=1, n_folds=2)
        proba = model.fit(X[seen], y["size"][seen]).oof_proba_
        cumulative = proba.cumsum(axis=1)[:, :-1]
        logits = np.log(cumulative / (1 - cumulative))  # of one fold and view each: θ_k − f(x)
        steps = np.unique(np.round(np.diff(logits, axis=1), 3), axis=0)
        assert len(steps) <= 2 * 4  # one for each fold, but for rounding

    def test_a_search_scores_them_by_kappa(self, classifier, table):
        X, y = table
        model = classifier(task_types=("ordinal", SIZES))
        seen = y["size"].notna()
        scorer = make_multitask_scorer("kappa")
        model.fit(X[seen], y["size"][seen])
        assert scorer(model, X[seen], y["size"][seen]) == pytest.approx(model.score(X[seen], y["size"][seen]))


class TestSmoothing:
    @pytest.mark.parametrize("none", [0, {}, {"task_0": 0.0}], ids=str)
    def test_none_changes_no_bit(self, classifier, numbers, none):
        X, y = numbers[0], classifier.labels(numbers[1])
        expected, given = (
            classifier(**options).fit(X, y).predict_proba(X) for options in ({}, {"label_smoothing": none})
        )
        assert all(np.array_equal(a, b) for a, b in zip(expected, given, strict=True))

    def test_networks_are_less_sure(self, numbers):
        X = numbers[0]
        sure, smoothed = (
            MultiTaskAttentionClassifier(
                **{**SMALL, "max_epochs": 40, "n_trees": 0}, linear_view=False, label_smoothing=share
            )
            .fit(X, X[:, 0] > 0)
            .net_.history[:, "valid_task_losses"][-1]
            for share in (0.0, 0.8)
        )
        assert smoothed[0] > sure[0]

    def test_a_task_that_is_not_named_is_not_smoothed(self, numbers):
        X = numbers[0]
        labels = pd.DataFrame({"a": X[:, 0] > 0, "b": X[:, 1] > 0})
        plan = MultiTaskAttentionClassifier(**SMALL, label_smoothing={"b": 0.3}).fit(X, labels).net_
        assert plan.criterion_.smoothing == [0.0, 0.3]


MODELS = {
    "losses": lambda: MultiTaskAttentionRegressor(
        **SMALL, loss=["quantile", "huber", "absolute_error"], target_transform=PowerTransformer()
    ),
    "orders": lambda: MultiTaskAttentionClassifier(
        **SMALL, task_types=["ordinal", None, None], label_smoothing=0.1
    ),
}


@pytest.fixture(params=MODELS)
def model_and_table(request, numbers, classifier):
    X, y = numbers
    return MODELS[request.param](), X, classifier.labels(y) if request.param == "orders" else y


def test_copies_predict_the_same(model_and_table):
    model, X, y = model_and_table
    expected = model.fit(X, y).predict(X)
    for copy in (pickle.loads(pickle.dumps(model)), clone(model).fit(X, y)):
        np.testing.assert_array_equal(copy.predict(X), expected)


def test_losses_and_transforms_can_be_searched(numbers):
    X, y = numbers
    y = np.abs(y)
    grid = {
        "multitaskattentionregressor__loss": ["huber", {"task_1": "poisson"}],
        "multitaskattentionregressor__target_transform": [None, {"task_0": "log1p"}],
    }
    pipeline = make_pipeline(StandardScaler(), MultiTaskAttentionRegressor(**SMALL))
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert cross_val_predict(search.best_estimator_, X, y, cv=2).shape == y.shape


def test_a_report_reaches_quantiles_through_searches_and_pipelines(numbers):
    X, y = numbers
    model = MultiTaskAttentionRegressor(**SMALL, loss="quantile")
    search = GridSearchCV(make_pipeline(StandardScaler(), model), {}, cv=2).fit(X, y)
    expected = multitask_report(
        clone(model).fit(StandardScaler().fit_transform(X), y), StandardScaler().fit_transform(X), y
    )
    pd.testing.assert_frame_equal(multitask_report(search, X, y), expected)


def test_weights_by_gain_are_found_for_every_kind(table):
    model = MultiTaskAttentionEstimator(task_types=KINDS, task_weight="cv", **SMALL).fit(*table)
    assert np.isfinite(model.oof_task_scores_).all()


def test_a_class_that_fit_has_not_seen_is_wrong_by_kappa(classifier, table):
    X, y = table
    model = classifier(task_types=("ordinal", SIZES)).fit(X, y["size"])
    unknown = y["size"].where(np.arange(300) > 10, "XXS")
    with pytest.warns(UnknownClassWarning, match="XXS"):
        assert model.score(X, unknown) < model.score(X, y["size"])
