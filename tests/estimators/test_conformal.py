"""Intervals and sets: the quantile of out-of-fold errors, and how many labels are inside."""

from math import ceil

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor
from sklearn_mtl.estimators._conformal import Scores, widths

NUMBERS = {"days": "regression", "visits": "poisson"}


def quantile(values, coverage, weights=None):
    weights = np.ones(len(values)) if weights is None else weights
    return Scores.of("days", np.asarray(values, float), weights).quantile(coverage, owner="Example")


def noisy(n_rows, rng):
    """One column, and two tasks whose noise is ten times as great on the right as on the left."""
    X = rng.uniform(-1, 1, (n_rows, 2))
    deviation = np.where(X[:, 0] > 0, 1.0, 0.1)[:, None]
    return X, np.sin(4 * X) + deviation * rng.normal(size=(n_rows, 2)), deviation


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"], index=[f"row {row}" for row in range(80)])
    y = pd.DataFrame(
        {
            "days": X["a"] + 0.1 * rng.normal(size=80),
            "visits": rng.poisson(np.exp(X["b"])).astype(float),
            "ill": X["a"] + rng.normal(size=80) > 0,
            "size": pd.cut(X["b"] + rng.normal(size=80), [-9, -0.5, 0.5, 9], labels=["S", "M", "L"]).astype(
                object
            ),
        }
    )
    return X, y


@pytest.mark.parametrize("n", [9, 10, 19, 37, 100])
@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_the_quantile_is_that_of_one_label_more(n, coverage):
    values = np.random.default_rng(n).normal(size=n)
    k = ceil(round(coverage * (n + 1), 9))
    assert quantile(values, coverage) == sorted(values)[k - 1]


def test_new_scores_are_below_the_quantile_as_often_as_said():
    draws = np.random.default_rng(0).normal(size=(4000, 20))
    inside = [draw[-1] <= quantile(draw[:-1], 0.9) for draw in draws]
    assert np.mean(inside) == pytest.approx(18 / 20, abs=0.015)


def test_the_size_of_weights_does_not_matter_and_great_weights_count_as_few_labels():
    values = np.arange(40.0)
    assert quantile(values, 0.9, np.full(40, 1e-3)) == quantile(values, 0.9) == 36
    weights = np.where(values < 20, 1.0, 1e-9)
    assert quantile(values, 0.9, weights) == quantile(values[:20], 0.9) == 18


def test_mapie_finds_the_same_intervals():
    regression = pytest.importorskip("mapie.regression")
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 2)), rng.normal(size=90)
    ridge = Ridge().fit(X[:30], y[:30])
    mapie = regression.SplitConformalRegressor(ridge, confidence_level=0.8, prefit=True)
    _, bounds = mapie.conformalize(X[30:], y[30:]).predict_interval(X)
    margin = quantile(np.abs(y[30:] - ridge.predict(X[30:])), 0.8)
    np.testing.assert_allclose(bounds[:, 1, 0] - ridge.predict(X), margin, rtol=1e-12)


def test_mapie_finds_the_same_sets():
    classification = pytest.importorskip("mapie.classification")
    from sklearn.linear_model import LogisticRegression

    from sklearn_mtl.estimators._conformal import likely_classes

    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    y = np.digitize(X[:, 0] + rng.normal(size=150), [-0.5, 0.5])
    logistic = LogisticRegression().fit(X[:50], y[:50])
    mapie = classification.SplitConformalClassifier(
        logistic, confidence_level=0.8, prefit=True, conformity_score="lac"
    )
    _, sets = mapie.conformalize(X[50:], y[50:]).predict_set(X)
    proba = logistic.predict_proba(X)
    scores = Scores.of("size", 1 - proba[50:][np.arange(100), y[50:]], np.ones(100))
    ours = likely_classes(proba, scores, 0.8, owner="Example")
    np.testing.assert_array_equal(ours, sets[:, :, 0] | (proba == proba.max(axis=1, keepdims=True)))


def test_intervals_cover_as_said_and_are_wider_where_there_is_more_noise():
    covered, ratios = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        (X, y, _), (new_X, new_y, deviation) = noisy(400, rng), noisy(2000, rng)
        model = MultiTaskAttentionRegressor(preset="fast", max_epochs=8, random_state=seed).fit(X, y)
        bounds = model.predict_interval(new_X)
        covered.append(((bounds[..., 0] <= new_y) & (new_y <= bounds[..., 1])).mean())
        width, is_noisy = (bounds[..., 1] - bounds[..., 0]).mean(axis=1), deviation[:, 0] > 0.5
        ratios.append(width[is_noisy].mean() / width[~is_noisy].mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.025)
    assert min(ratios) > 1.2


def test_sets_cover_as_said():
    covered = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(1200, 2))
        y = np.digitize(X[:, 0] + rng.normal(size=1200), [-0.5, 0.5])
        model = MultiTaskAttentionClassifier(preset="fast", max_epochs=8, random_state=seed)
        sets = model.fit(X[:200], y[:200]).predict_set(X[200:])
        covered.append(sets[np.arange(1000), y[200:]].mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.02)


def test_intervals_are_the_plain_formula_on_out_of_fold_errors(numbers):
    X, y = numbers
    model = MultiTaskAttentionRegressor(n_folds=2, max_epochs=3, n_trees=8, random_state=0).fit(X, y)
    columns = model._read_columns(X)
    spread = model._ensemble.spread(columns)
    bounds, predicted = model.predict_interval(X, coverage=0.8), model.predict(X)
    for task, interval in enumerate(model._intervals_by_task.values()):
        seen = ~np.isnan(y[:, task])
        errors = sorted(np.abs(y[seen, task] - model.oof_prediction_[seen, task]))
        width = widths(spread[:, task], interval.share, interval.mean_square)
        if interval.share == 0:
            k = ceil(0.8 * (len(errors) + 1))
            np.testing.assert_allclose(bounds[:, task, 1] - predicted[:, task], errors[k - 1])
        inside = interval.scores.quantile(0.8, owner="Example") * width
        np.testing.assert_allclose(bounds[:, task].mean(axis=1), predicted[:, task])
        np.testing.assert_allclose(bounds[:, task, 1] - predicted[:, task], inside)


@pytest.mark.parametrize(
    "options", [{}, {"n_trees": 0}, {"n_trees": 0, "n_views": 1}], ids=["trees", "views", "one"]
)
def test_intervals_contain_the_prediction_and_grow_with_coverage(regressor, numbers, options):
    X, y = numbers
    model = regressor(**options).fit(X, y)
    narrow, wide = model.predict_interval(X, coverage=0.5), model.predict_interval(X, coverage=0.9)
    predicted = model.predict(X)
    assert (narrow[..., 0] <= predicted).all()
    assert (narrow[..., 1] >= predicted).all()
    assert (wide[..., 0] <= narrow[..., 0]).all()
    assert (wide[..., 1] >= narrow[..., 1]).all()


def test_a_row_has_the_same_interval_alone(regressor, numbers):
    X, y = numbers
    model = regressor().fit(X, y)
    alone = model.predict_interval(X[5:6])
    np.testing.assert_allclose(model.predict_interval(X)[5:6], alone, rtol=1e-12)
    np.testing.assert_allclose(model.predict_std(X)[5:6], model.predict_std(X[5:6]), rtol=1e-12)


def test_one_axis_of_labels_has_one_axis_of_intervals(kind, numbers):
    X, y = numbers
    model = kind().fit(X, kind.labels(y)[:, 0])
    if hasattr(model, "predict_set"):
        assert model.predict_set(X).shape == model.predict_proba(X).shape
    else:
        assert model.predict_interval(X).shape == (60, 2)
        assert model.predict_std(X).shape == (60,)


def test_the_estimator_of_both_names_tasks_and_rows(both, table):
    X, y = table
    model = both(task_types=NUMBERS).fit(X, y)
    bounds = model.predict_interval(X)
    assert bounds.columns.tolist() == [(name, bound) for name in NUMBERS for bound in ("lower", "upper")]
    assert bounds.index.equals(X.index)
    assert (bounds["visits", "lower"] >= 0).all()
    assert model.predict_std(X).columns.tolist() == ["days", "visits"]
    assert {name: sets.shape for name, sets in model.predict_set(X).items()} == {
        "ill": (80, 2),
        "size": (80, 3),
    }


@pytest.mark.parametrize(
    ("method", "tasks"), [("predict_interval", ["ill"]), ("predict_std", ["ill"]), ("predict_set", ["days"])]
)
def test_the_estimator_of_both_has_what_its_tasks_have(both, table, method, tasks):
    X, y = table
    assert not hasattr(both().fit(X, y[tasks]), method)


def test_sets_hold_the_most_probable_class_and_grow_with_coverage(classifier, table):
    X, y = table
    model = classifier().fit(X, y[["ill", "size"]])
    for proba, narrow, wide in zip(
        model.predict_proba(X), model.predict_set(X, 0.2), model.predict_set(X, 0.95), strict=True
    ):
        assert narrow[np.arange(80), proba.argmax(axis=1)].all()
        assert (wide >= narrow).all()
        assert wide.mean() > narrow.mean()


def test_quantiles_are_moved_to_cover(regressor):
    rng = np.random.default_rng(0)
    X, y, _ = noisy(400, rng)
    model = regressor(loss=("quantile", (0.25, 0.5, 0.75))).fit(X[:200], y[:200])
    bounds, quantiles = model.predict_interval(X[200:], 0.9), model.predict_quantiles(X[200:])
    assert (bounds[..., 0] <= quantiles[..., 0]).all()
    assert (bounds[..., 1] >= quantiles[..., 2]).all()
    assert ((bounds[..., 0] <= y[200:]) & (y[200:] <= bounds[..., 1])).mean() > 0.85
    narrow = model.predict_interval(X[200:], 0.01)
    assert (narrow[..., 0] <= narrow[..., 1]).all()


def test_transformed_tasks_have_intervals_on_the_scale_of_their_labels(regressor, numbers):
    X, y = numbers
    skewed = np.exp(y)
    plain = regressor().fit(X, y).predict_interval(X)
    bounds = regressor(target_transform="log1p").fit(X, skewed).predict_interval(X)
    width = bounds[..., 1] - bounds[..., 0]
    assert plain.shape == bounds.shape
    assert (bounds >= 0).all()
    assert (width.max(axis=0) > 2 * width.min(axis=0)).all()


def test_labels_without_weight_do_not_count(regressor, numbers):
    X, y = numbers
    weight = np.ones(y.shape)
    wrong = y.copy()
    wrong[:5], weight[:5] = 1e3, 0.0
    bounds = regressor().fit(X, wrong, sample_weight=weight).predict_interval(X)
    missing = y.copy()
    missing[:5] = np.nan
    np.testing.assert_allclose(bounds, regressor().fit(X, missing).predict_interval(X))


def test_too_few_labels_are_named(regressor, numbers):
    X, y = numbers
    y = y.copy()
    y[7:, 1] = np.nan
    model = regressor().fit(X, y)
    with pytest.raises(ValueError, match=r"task 'task_1' has \d labels.*coverage of 0\.9 needs 9"):
        model.predict_interval(X)
    assert model.predict_interval(X, coverage=0.5).shape == (60, 3, 2)


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90, "much", None])
def test_a_coverage_that_is_no_probability_is_refused(kind, numbers, coverage):
    X, y = numbers
    model = kind().fit(X, kind.labels(y))
    method = model.predict_interval if hasattr(model, "predict_interval") else model.predict_set
    with pytest.raises(ValueError, match="coverage is"):
        method(X, coverage=coverage)


def test_deviations_are_those_of_the_networks(regressor, numbers):
    X, y = numbers
    model = regressor(linear_view=False, n_trees=0).fit(X, y)
    serving, ensemble = model._ensemble._serving(len(X)), model._ensemble
    inputs = *ensemble.preparation.network_inputs(model._read_columns(X)), (), ()

    def module(*tensors, bags, words):
        return serving.module(*tensors, bags=bags, words=words)

    parts = serving.compute(module, *inputs, axis=1)  # (G, B, V, O)
    parts = parts * ensemble.scales.deviation[:, None, None] + ensemble.scales.mean[:, None, None]
    np.testing.assert_allclose(model.predict_std(X), parts.std(axis=(0, 2)), rtol=1e-9)
    np.testing.assert_allclose(model.predict(X), parts.mean(axis=(0, 2)), rtol=1e-9)
