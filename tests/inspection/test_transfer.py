import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold

from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)
from sklearn_mtl.inspection import task_affinity, task_groups, transfer_report

from .conftest import SMALL

CV = KFold(3, shuffle=True, random_state=1)


def r2(model, y, X_test, y_test, task):
    """Score one task against the mean of its training labels."""
    seen = ~np.isnan(y_test[:, task])
    true, predicted = y_test[seen, task], model.predict(X_test)[seen, task]
    return 1 - np.sum((true - predicted) ** 2) / np.sum((true - np.nanmean(y[:, task])) ** 2)


@pytest.fixture(scope="module")
def by_loop(numbers):
    """Scores of each split, jointly and alone; (3, 2, T)."""
    X, y = numbers
    scores = np.empty((3, 2, 3))
    for split, (train, test) in enumerate(CV.split(X)):
        joint = MultiTaskAttentionRegressor(**SMALL).fit(X[train], y[train])
        for task in range(3):
            scores[split, 0, task] = r2(joint, y[train], X[test], y[test], task)
            rows = train[~np.isnan(y[train, task])]
            alone = MultiTaskAttentionRegressor(**SMALL).fit(X[rows], y[rows][:, [task]])
            scores[split, 1, task] = r2(alone, y[rows][:, [task]], X[test], y[test][:, [task]], 0)
    return scores


def test_scores_are_those_of_a_loop_over_splits_and_tasks(regressor, numbers, by_loop):
    report = transfer_report(regressor(), *numbers, cv=CV)
    assert report.index.tolist() == ["task_0", "task_1", "task_2"]
    np.testing.assert_allclose(report[["joint", "alone"]].T, by_loop.mean(axis=0))
    np.testing.assert_allclose(report["difference"], report["joint"] - report["alone"])


@pytest.mark.parametrize("coverage", [0.5, 0.95])
def test_intervals_are_corrected_for_training_rows_that_overlap(regressor, numbers, by_loop, coverage):
    report = transfer_report(regressor(), *numbers, cv=CV, coverage=coverage)
    differences = by_loop[:, 0] - by_loop[:, 1]
    error = np.sqrt((1 / 3 + 20 / 40) * differences.var(axis=0, ddof=1))
    half = t(2).ppf((1 + coverage) / 2) * error
    np.testing.assert_allclose(report["standard_error"], error)
    np.testing.assert_allclose(report["low"], report["difference"] - half)
    np.testing.assert_allclose(report["high"], report["difference"] + half)
    expected = np.select([report["low"] > 0, report["high"] < 0], ["helped", "hurt"], "no difference")
    assert report["verdict"].tolist() == expected.tolist()


def test_classes_are_scored_by_the_share_of_log_loss_that_is_explained(numbers):
    X, y = numbers[0], (np.nan_to_num(numbers[1]) > 0).astype(int)
    classifier = MultiTaskAttentionClassifier(**SMALL)
    report = transfer_report(classifier, X, y, cv=CV)
    scores = []
    for train, test in CV.split(X):
        rates = (np.bincount(y[train, 1]) + 0.5) / (len(train) + 1)
        base = log_loss(y[test, 1], np.tile(rates, (len(test), 1)))
        probabilities = classifier.fit(X[train], y[train]).predict_proba(X[test])[1]
        scores.append(1 - log_loss(y[test, 1], probabilities) / base)
    assert report.loc["task_1", "joint"] == pytest.approx(np.mean(scores))


@pytest.mark.parametrize("as_dict", [True, False], ids=["dict", "list"])
def test_what_parameters_say_of_each_task_is_kept(mixed, as_dict):
    _, X, labels = mixed
    frame = pd.DataFrame(labels, columns=list("abc"))
    kinds, weights = ["regression", "binary", "multiclass"], [1.0, 2.0, 1.0]
    given = {"task_types": kinds, "task_weight": weights, "calibrate": [False, True, False]}
    if as_dict:
        given = {name: dict(zip("abc", values, strict=True)) for name, values in given.items()}
        given |= {"thresholds": {"b": 0.4}}
    report = transfer_report(MultiTaskAttentionEstimator(**SMALL, **given), X, frame, cv=CV)
    assert report[["joint", "alone"]].notna().all(axis=None)
    scores = []
    for train, test in CV.split(X):
        rows = train[~np.isnan(labels[train, 1])]
        alone = MultiTaskAttentionClassifier(**SMALL, calibrate=True).fit(X[rows], labels[rows][:, [1]])
        seen = test[~np.isnan(labels[test, 1])]
        rates = (np.bincount(labels[rows, 1].astype(int)) + 0.5) / (len(rows) + 1)
        base = log_loss(labels[seen, 1], np.tile(rates, (len(seen), 1)))
        scores.append(1 - log_loss(labels[seen, 1], alone.predict_proba(X[seen])[0]) / base)
    assert report.loc["b", "alone"] == pytest.approx(np.mean(scores))


def test_groups_are_learned_together(regressor, numbers, by_loop):
    report = transfer_report(regressor(), *numbers, cv=CV, groups=[["task_0", "task_1"]])
    np.testing.assert_allclose(report.loc["task_2", "in_groups"], by_loop[:, 1, 2].mean())
    assert not np.isclose(report.loc["task_0", "in_groups"], report.loc["task_0", "joint"])
    together = transfer_report(regressor(), *numbers, cv=CV, groups=[report.index.tolist()])
    np.testing.assert_allclose(together["in_groups"], together["joint"])


def test_groups_are_suggested_by_residuals_of_the_joint_fit(regressor, numbers):
    X, y = numbers
    auto = transfer_report(regressor(), X, y, cv=[next(CV.split(X))] * 2, groups="auto")
    train, _ = next(CV.split(X))
    groups = task_groups(task_affinity(regressor().fit(X[train], y[train]), y=y[train]))
    given = transfer_report(regressor(), X, y, cv=[next(CV.split(X))] * 2, groups=groups)
    np.testing.assert_array_equal(auto["in_groups"], given["in_groups"])


def test_the_report_of_a_fit_says_what_the_fit_knows(fitted):
    report, known = transfer_report(fitted), fitted.transfer_
    for column in ("joint", "alone", "difference", "standard_error"):
        np.testing.assert_array_equal(report[column], known[column])
    np.testing.assert_allclose(report["high"] - report["low"], 2 * norm.ppf(0.975) * known["standard_error"])


def test_tasks_that_were_not_learned_alone_are_not_compared(regressor, numbers):
    report = transfer_report(regressor().fit(*numbers))
    assert (report["verdict"] == "not compared").all()


def test_quick_is_the_report_of_one_small_fit(regressor, numbers):
    quick = transfer_report(regressor(), *numbers, cv="quick")
    changed = {"sharing": "each", "n_views": 1, "d_hidden": 32, "n_trees": 8, "max_epochs": 4}
    by_hand = transfer_report(regressor(**changed).fit(*numbers))
    columns = ["joint", "alone", "standard_error", "verdict"]
    pd.testing.assert_frame_equal(quick[columns], by_hand[columns])


def test_the_estimator_is_not_fitted(regressor, numbers):
    model = regressor()
    transfer_report(model, *numbers, cv="quick")
    assert not hasattr(model, "net_")


def test_wrong_arguments_are_refused(regressor, numbers):
    X, y = numbers
    with pytest.raises(TypeError, match="expected an estimator of sklearn_mtl; got LinearRegression"):
        transfer_report(LinearRegression(), X, y)
    with pytest.raises(ValueError, match="cv='fast'; expected \"quick\""):
        transfer_report(regressor(), X, y, cv="fast")
    with pytest.raises(ValueError, match="y has one task only"):
        transfer_report(regressor(), X, y[:, [0]])
    labels = y.copy()
    labels[1:, 1] = np.nan
    with pytest.raises(ValueError, match="'task_1'"):
        transfer_report(regressor(), X, labels, cv=CV)
