"""Calibrated probabilities and decision thresholds in the estimators."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionEstimator, MultiTaskAttentionRegressor
from sklearn_mtl.metrics import make_multitask_scorer, multitask_score
from sklearn_mtl.model_selection import MultiTaskKFold

SMALL = {"n_folds": 3, "n_views": 1, "d_hidden": 8, "max_epochs": 2, "n_trees": 4, "random_state": 0}
FITTED = ["classes_", "oof_proba_", "temperature_", "thresholds_"]


@pytest.fixture(scope="module")
def table():
    """A number, a rare flag and three sizes, with a fifth of the labels missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 3))
    noise = 0.5 * rng.normal(size=(160, 3))
    y = pd.DataFrame(
        {
            "rating": X[:, 0] + noise[:, 0],
            "rare": np.where(X[:, 1] + noise[:, 1] > 1.2, "yes", "no"),
            "size": pd.cut(X[:, 2] + noise[:, 2], [-9, -0.5, 0.5, 9], labels=["S", "M", "L"]),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.2)


@pytest.fixture(scope="module")
def fit(table):
    def fit(y=None, sample_weight=None, **options):
        model = MultiTaskAttentionEstimator(**{**SMALL, **options})
        return model.fit(table[0], table[1] if y is None else y, sample_weight=sample_weight)

    return fit


@pytest.fixture(scope="module")
def plain(fit):
    return fit()


@pytest.fixture(scope="module")
def calibrated(fit):
    return fit(calibrate=True)


def log_loss(y, proba, model):
    return multitask_score(y, proba, metric="log_loss", average=None, classes=model.classes_)


def test_calibration_does_not_change_accuracy(table, plain, calibrated):
    X, y = table
    pd.testing.assert_frame_equal(calibrated.predict(X), plain.predict(X))
    pd.testing.assert_frame_equal(calibrated.oof_prediction_, plain.oof_prediction_)
    pd.testing.assert_series_equal(calibrated.oof_task_scores_, plain.oof_task_scores_)
    assert calibrated.score(X, y) == plain.score(X, y)


def test_calibration_lowers_the_log_loss_out_of_fold(table, plain, calibrated):
    names = ["rare", "size"]
    before, after = (log_loss(table[1], model.oof_proba_, model)[names] for model in (plain, calibrated))
    assert (calibrated.temperature_[names] != 1).all()
    assert (after < before).all()


def test_probabilities_of_new_rows_are_divided_by_the_same_temperature(table, plain, calibrated):
    for name in ("rare", "size"):
        for before, after in [
            (plain.predict_proba(table[0])[name], calibrated.predict_proba(table[0])[name]),
            (plain.oof_proba_[name], calibrated.oof_proba_[name]),
        ]:
            powers = before ** (1 / calibrated.temperature_[name])
            np.testing.assert_allclose(after, powers / powers.sum(axis=1, keepdims=True), rtol=1e-9)


def test_without_them_temperatures_are_1_and_thresholds_a_half(plain):
    pd.testing.assert_series_equal(
        plain.temperature_, pd.Series({"rating": np.nan, "rare": 1.0, "size": 1.0}, name="temperature")
    )
    pd.testing.assert_series_equal(
        plain.thresholds_, pd.Series({"rating": np.nan, "rare": 0.5, "size": np.nan}, name="threshold")
    )


def test_only_named_tasks_are_calibrated(plain, calibrated, fit):
    named = fit(calibrate={"size": True})
    assert named.temperature_["rare"] == 1
    assert named.temperature_["size"] == calibrated.temperature_["size"]
    np.testing.assert_array_equal(named.oof_proba_["rare"], plain.oof_proba_["rare"])
    in_order = fit(calibrate=[False, False, True])
    pd.testing.assert_series_equal(in_order.temperature_, named.temperature_)


@pytest.mark.parametrize("calibrate", [False, True], ids=["raw", "calibrated"])
@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1"])
def test_no_threshold_scores_better_out_of_fold(table, fit, metric, calibrate):
    model = fit(thresholds=metric, calibrate=calibrate)
    seen = table[1]["rare"].notna().to_numpy()
    probability, true = model.oof_proba_["rare"][seen, 1], table[1]["rare"][seen].to_numpy()
    chosen = multitask_score(true, model.oof_prediction_["rare"][seen].to_numpy(), metric=metric)
    others = [
        multitask_score(true, np.where(probability > cut, "yes", "no"), metric=metric)
        for cut in [0.0, *probability]
    ]
    assert chosen == pytest.approx(max(others))


def test_predictions_are_above_the_threshold(table, fit):
    X, y = table
    model = fit(thresholds="f1_second", calibrate=True)
    threshold = model.thresholds_["rare"]
    assert threshold < 0.5
    for proba, predicted in [
        (model.predict_proba(X)["rare"], model.predict(X)["rare"]),
        (model.oof_proba_["rare"], model.oof_prediction_["rare"]),
    ]:
        np.testing.assert_array_equal(predicted == "yes", proba[:, 1] > threshold)
    accuracy = multitask_score(y["rare"], model.oof_prediction_["rare"], metric="accuracy")
    assert model.oof_task_scores_["rare"] == pytest.approx(accuracy)


def test_thresholds_change_predictions_alone(table, plain, fit):
    X, y = table
    model = fit(thresholds={"rare": 0.2})
    assert model.thresholds_["rare"] == 0.2
    for name in ("rare", "size"):
        np.testing.assert_array_equal(model.predict_proba(X)[name], plain.predict_proba(X)[name])
    others = ["rating", "size"]
    pd.testing.assert_frame_equal(model.predict(X)[others], plain.predict(X)[others])
    assert (model.predict(X)["rare"] == "yes").sum() > (plain.predict(X)["rare"] == "yes").sum()
    only = y.assign(rating=np.nan, size=None).astype({"size": y["size"].dtype})
    accuracy = multitask_score(y["rare"], model.predict(X)["rare"], metric="accuracy")
    assert model.score(X, only) == pytest.approx(accuracy)


@pytest.mark.parametrize(("threshold", "label"), [(0, "yes"), (1, "no")])
def test_the_ends_decide_for_one_class(table, fit, threshold, label):
    assert (fit(thresholds=threshold).predict(table[0])["rare"] == label).all()


def test_a_label_of_weight_2_is_the_row_twice(table):
    X, y = table
    weight = np.random.default_rng(1).integers(1, 3, len(X))
    again = np.repeat(np.arange(len(X)), weight)
    options = {**SMALL, "calibrate": True, "thresholds": "f1", "class_weight": "balanced"}
    weighted = MultiTaskAttentionEstimator(**options).fit(X, y, sample_weight=weight)
    repeated = MultiTaskAttentionEstimator(**options).fit(X[again], y.iloc[again])
    pd.testing.assert_series_equal(weighted.temperature_, repeated.temperature_)
    pd.testing.assert_series_equal(weighted.thresholds_, repeated.thresholds_)


def test_labels_of_weight_0_do_not_choose(table, fit):
    y, weight = table[1].copy(), np.ones(160)
    rows = y.index[y["rare"].notna()][:30]
    weight[rows] = 0.0
    y.loc[rows, "rare"] = np.where(y.loc[rows, "rare"] == "yes", "no", "yes")
    options = {"calibrate": True, "thresholds": "balanced_accuracy", "sample_weight": weight}
    first, second = fit(**options), fit(y, **options)
    pd.testing.assert_series_equal(first.temperature_, second.temperature_)
    pd.testing.assert_series_equal(first.thresholds_, second.thresholds_)


def test_a_task_of_weight_0_keeps_its_base_rates_and_most_frequent_class(table, fit):
    model = fit(task_weight={"rare": 0}, calibrate=True, thresholds="f1_second")
    assert model.temperature_["rare"] == 1
    assert model.thresholds_["rare"] == 0.5
    assert (model.predict(table[0])["rare"] == "no").all()


def test_the_chosen_fit_is_the_one_that_is_calibrated(table, fit):
    model = fit(task_weight="cv", calibrate=True, thresholds="f1")
    again = fit(task_weight=model.task_weight_, calibrate=True, thresholds="f1")
    pd.testing.assert_series_equal(model.temperature_, again.temperature_)
    pd.testing.assert_frame_equal(model.predict(table[0]), again.predict(table[0]))


def test_the_classifier_has_both_for_one_task_and_for_many(table):
    X, y = table
    one = MultiTaskAttentionClassifier(**SMALL, calibrate=True, thresholds="f1").fit(X, y["rare"])
    assert one.temperature_.index.tolist() == one.thresholds_.index.tolist() == ["rare"]
    predicted = np.where(one.predict_proba(X)[:, 1] > one.thresholds_["rare"], "yes", "no")
    np.testing.assert_array_equal(one.predict(X), predicted)
    labels = y[["rare", "size"]].astype(object)
    two = MultiTaskAttentionClassifier(**SMALL, calibrate=[True, False], thresholds={"rare": 0.1}).fit(
        X, labels
    )
    np.testing.assert_array_equal(two.predict(X)[:, 0] == "yes", two.predict_proba(X)[0][:, 1] > 0.1)
    assert two.temperature_["size"] == 1
    assert two.temperature_["rare"] != 1


def test_rows_without_labels_are_predicted_as_new_rows_are(table, fit):
    X, y = table
    y = y.copy()
    y.iloc[:9] = None
    model = fit(y, calibrate=True, thresholds="f1_second")
    np.testing.assert_allclose(model.oof_proba_["size"][:9], model.predict_proba(X[:9])["size"])
    assert model.oof_prediction_["rare"][:9].tolist() == model.predict(X[:9])["rare"].tolist()


def test_both_survive_pickling_and_cloning(table, fit):
    model = fit(calibrate=True, thresholds="f1")
    loaded = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(loaded.predict(table[0]), model.predict(table[0]))
    assert clone(model).get_params()["thresholds"] == "f1"


def test_a_search_chooses_among_thresholds(table):
    X, y = table
    search = GridSearchCV(
        MultiTaskAttentionClassifier(**SMALL),
        {"thresholds": [None, 1.0, "balanced_accuracy"]},
        cv=MultiTaskKFold(2, random_state=0),
        scoring=make_multitask_scorer("balanced_accuracy"),
        error_score="raise",
    ).fit(X, y["rare"])
    assert search.best_params_ == {"thresholds": "balanced_accuracy"}


def test_a_fit_without_classes_has_neither(table, fit):
    model = fit()
    model.fit(table[0], table[1][["rating"]])
    assert [name for name in FITTED if hasattr(model, name)] == []
    assert not {"calibrate", "thresholds"} & set(MultiTaskAttentionRegressor().get_params())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"calibrate": "yes"}, "'calibrate' parameter.*'yes'"),
        ({"calibrate": {"rare": 2}}, "calibrate of task 'rare' is 2, expected True or False"),
        (
            {"calibrate": {"fare": True}},
            r"calibrate names unknown tasks \['fare'\]; the tasks are \['rating'",
        ),
        ({"calibrate": [True]}, r"calibrate has 1 items, expected 3, one for each of the tasks \['rating'"),
        ({"calibrate": {"rating": True}}, "calibrate gives True to task 'rating', which is regression; only"),
        (
            {"thresholds": "roc_auc"},
            r"thresholds of task 'rare' is 'roc_auc', expected a number from 0 to 1, or",
        ),
        ({"thresholds": 1.5}, "thresholds of task 'rare' is 1.5, expected a number from 0 to 1, or one of"),
        ({"thresholds": True}, "thresholds of task 'rare' is True, expected a number"),
        ({"thresholds": {"rare": np.nan}}, "thresholds of task 'rare' is nan, expected a number"),
        ({"thresholds": {"fare": 0.3}}, r"thresholds names unknown tasks \['fare'\]"),
        (
            {"thresholds": {"size": "f1"}},
            "thresholds gives 'f1' to task 'size', which is multiclass; only tasks",
        ),
        ({"thresholds": [None, 0.3]}, "thresholds has 2 items, expected 3"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_refused_and_changes_nothing(table, fit, options, message):
    model = fit(thresholds={"rare": 0.3})
    before = dict(vars(model))
    with pytest.raises(ValueError, match=f"(?s){message}") as caught:
        model.set_params(**options).fit(*table)
    assert "MultiTaskAttentionEstimator" in str(caught.value)
    assert {name for name in before if before[name] is not vars(model)[name]} == set(options)
    assert vars(model).keys() == before.keys()


@pytest.mark.parametrize(
    ("options", "column", "message"),
    [
        ({"thresholds": "f1"}, "size", r"thresholds is 'f1', but none of the tasks \['size'\] is binary"),
        (
            {"calibrate": True},
            "rating",
            r"calibrate is True, but none of the tasks \['rating'\] is binary or mul",
        ),
    ],
    ids=["thresholds", "calibrate"],
)
def test_what_no_task_can_have_is_refused(table, fit, options, column, message):
    with pytest.raises(ValueError, match=message):
        fit(table[1][[column]], **options)
