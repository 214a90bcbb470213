"""What a fitted estimator says: predictions, out-of-fold predictions, history, attention."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, r2_score
from skorch.callbacks import Callback

from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
)
from sklearn_mtl.estimators import _fit as fit_module
from sklearn_mtl.training._cycles import Cycles, cycle_lengths

from .conftest import outputs

N_ROWS, TASKS = 60, ["u", "v", "w"]


@pytest.fixture
def fitted(kind, mixed):
    X, y = mixed
    labels = pd.DataFrame(kind.labels(y), columns=TASKS)
    return kind().fit(X, labels), X, labels


def metric_of(model, name):
    return r2_score if model.tasks_.loc[name, "kind"] == "regression" else accuracy_score


def test_regression_predictions_are_float64(regressor, numbers):
    X, y = numbers
    model = regressor().fit(X.astype(np.float32), y.astype(np.float32))
    assert model.predict(X).dtype == np.float64
    assert model.oof_prediction_.dtype == np.float64


@pytest.mark.parametrize("n_rows", [1, 60, 600], ids=["one-row", "float64", "float32"])
def test_probabilities_are_distributions_and_predictions_their_maxima(classifier, numbers, n_rows):
    X, y = numbers
    model = classifier().fit(X, classifier.labels(y))
    rows = np.resize(X, (n_rows, 3))
    probabilities, predicted = model.predict_proba(rows), model.predict(rows)
    assert [task.shape for task in probabilities] == [(n_rows, 3), (n_rows, 2), (n_rows, 2)]
    for position, task in enumerate(probabilities):
        assert task.dtype == np.float64
        assert ((task >= 0) & (task <= 1)).all()
        np.testing.assert_allclose(task.sum(axis=1), 1.0, rtol=1e-6)
        np.testing.assert_array_equal(predicted[:, position], model.classes_[position][task.argmax(axis=1)])


def test_one_axis_of_y_gives_one_axis_of_everything(classifier, numbers):
    X, y = numbers
    model = classifier().fit(X, np.where(np.nan_to_num(y[:, 0]) > 0, "high", "low"))
    assert model.classes_.tolist() == ["high", "low"]
    assert model.predict_proba(X).shape == (N_ROWS, 2)
    assert model.oof_proba_.shape == (N_ROWS, 2)
    np.testing.assert_array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])


def test_few_rows_are_predicted_as_in_a_table_of_many(kind, numbers):
    X, y = numbers
    model = kind().fit(X, kind.labels(y))
    few, many = (outputs(model, rows) for rows in (X, np.tile(X, (20, 1))))
    np.testing.assert_allclose(many[:N_ROWS], few, atol=1e-5)


def test_a_rows_prediction_does_not_depend_on_the_rows_beside_it(kind, mixed):
    X, y = mixed
    model = kind().fit(X, kind.labels(y))
    together = model.predict(X)
    for row in range(0, N_ROWS, 13):
        np.testing.assert_allclose(
            model.predict(X[row : row + 1]).astype(float), together[[row]].astype(float), rtol=1e-12
        )


def test_out_of_fold_probabilities_decide_out_of_fold_predictions(classifier, numbers):
    X, y = numbers
    model = classifier().fit(X, classifier.labels(y))
    for position, probabilities in enumerate(model.oof_proba_):
        assert probabilities.shape == (N_ROWS, len(model.classes_[position]))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
        best = model.classes_[position][probabilities.argmax(axis=1)]
        np.testing.assert_array_equal(model.oof_prediction_[:, position], best)


def test_out_of_fold_scores_are_those_of_out_of_fold_predictions(fitted):
    model, _, labels = fitted
    predicted = np.asarray(model.oof_prediction_)
    for position, name in enumerate(TASKS):
        observed = labels[name].notna()
        expected = metric_of(model, name)(labels[name][observed], predicted[observed, position])
        assert model.oof_task_scores_[name] == pytest.approx(expected)
    assert model.oof_task_scores_.index.tolist() == TASKS
    assert model.oof_score_ == pytest.approx(model.oof_task_scores_.mean())


def test_score_is_the_mean_over_tasks_of_observed_labels(fitted):
    model, X, labels = fitted
    predicted = np.asarray(model.predict(X))
    scores = [
        metric_of(model, name)(labels[name].dropna(), predicted[labels[name].notna(), position])
        for position, name in enumerate(TASKS)
    ]
    assert model.score(X, labels) == pytest.approx(np.mean(scores))


def test_score_finds_the_columns_of_y_by_name(fitted):
    model, X, labels = fitted
    assert model.score(X, labels[["w", "u", "v"]]) == pytest.approx(model.score(X, labels))


def test_score_refuses_other_tasks(fitted):
    model, X, labels = fitted
    with pytest.raises(ValueError, match=r"missing \['u'\], unexpected \['z'\]"):
        model.score(X, labels.rename(columns={"u": "z"}))


def test_score_refuses_another_number_of_tasks(fitted):
    model, X, labels = fitted
    with pytest.raises(ValueError, match=r"expected 3"):
        model.score(X, labels.to_numpy()[:, :2])


def test_out_of_fold_predictions_are_honest_about_noise(regressor):
    scores = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(300, 8)), rng.normal(size=(300, 2))
        model = regressor(n_folds=4, d_token=8, d_hidden=32, max_epochs=14, learning_rate=1e-2).fit(X, y)
        scores.extend(model.oof_task_scores_)
    assert np.mean(scores) < 0.02  # shares and the best epoch are chosen by the same rows
    assert np.max(scores) < 0.1


@pytest.mark.parametrize("seed", range(2))
def test_out_of_fold_predictions_are_honest_about_repeated_rows(regressor, seed):
    rng = np.random.default_rng(seed)
    X = np.repeat(rng.normal(size=(60, 8)), 4, axis=0)
    y = np.repeat(rng.normal(size=(60, 1)), 4, axis=0) + 0.01 * rng.normal(size=(240, 1))
    model = regressor(n_folds=4, d_hidden=64, max_epochs=40, learning_rate=1e-2).fit(X, y)
    assert model.oof_score_ < 0.3  # of 60 different labels, chance makes up to 0.2


def test_out_of_fold_predictions_find_a_signal(regressor):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = np.stack([np.abs(X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
    model = regressor(n_folds=4, d_token=8, d_hidden=64, max_epochs=60, n_bins=16).fit(X, y)
    assert model.oof_task_scores_.min() > 0.6


def test_history_has_a_row_an_epoch_and_losses_of_each_task(fitted):
    model, _, _ = fitted
    history = model.history_
    assert history.columns[:3].tolist() == ["epoch", "train_loss", "valid_loss"]
    expected = {f"{part}_loss_{name}" for part in ("train", "valid") for name in TASKS} | {"seconds"}
    assert expected <= set(history.columns)
    assert history["epoch"].tolist() == list(range(1, model.n_iter_ + 1))
    assert np.isfinite(history[[*expected, "train_loss", "valid_loss"]].to_numpy()).all()
    assert (history["seconds"] > 0).all()


def test_total_losses_are_means_of_the_tasks(fitted):
    history = fitted[0].history_
    for part in ("train", "valid"):
        by_task = history[[f"{part}_loss_{name}" for name in TASKS]].mean(axis=1)
        np.testing.assert_allclose(history[f"{part}_loss"], by_task, rtol=1e-5)


def test_total_losses_weigh_the_tasks(kind, numbers):
    X, y = numbers
    history = kind(task_weight=[3.0, 0.0, 1.0]).fit(X, kind.labels(y)).history_
    expected = 0.75 * history["valid_loss_task_0"] + 0.25 * history["valid_loss_task_2"]
    np.testing.assert_allclose(history["valid_loss"], expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["best", "epoch", "y", "train_loss"])
def test_a_task_of_any_name_has_its_losses_in_the_history(regressor, numbers, name):
    X, y = numbers
    plain = regressor().fit(X, pd.DataFrame(y, columns=["u", "v", "w"])).history_
    named = regressor().fit(X, pd.DataFrame(y, columns=[name, "v", "w"])).history_
    for part in ("train", "valid"):
        np.testing.assert_array_equal(named[f"{part}_loss_{name}"], plain[f"{part}_loss_u"])


def test_the_best_epoch_is_that_of_the_least_held_out_loss(kind, numbers):
    X, y = numbers
    model = kind(max_epochs=35, learning_rate=0.05).fit(X, kind.labels(y))
    losses = model.history_["valid_loss"]
    assert model.best_epoch_ == losses.argmin() + 1
    assert model.n_iter_ == len(losses)


class StopAfter(Callback):
    """Ends training in good order after an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        del kwargs
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_training_ends_with_a_cycle_that_brought_nothing_better(regressor, numbers):
    X, y = numbers[0], np.random.default_rng(0).normal(size=(60, 1))  # nothing can be learned for long
    model = regressor(max_epochs=35, learning_rate=0.1, linear_view=False, n_trees=0).fit(X, y)
    cycles = Cycles(35)
    for n_epochs, loss in enumerate(model.history_["valid_loss"], start=1):
        cycles.record(loss)
        assert cycles.is_over == (n_epochs == model.n_iter_)
    assert model.n_iter_ < 35
    assert model.max_epochs_ == 35


def test_a_network_that_brings_nothing_to_a_linear_view_is_not_trained_for_long(regressor, numbers):
    X, options = numbers[0], {"max_epochs": 84, "n_trees": 0}
    y = X @ np.arange(1.0, 1 + X.shape[1])
    alone = regressor(**options, linear_view=False).fit(X, y)
    beside = regressor(**options).fit(X, y)
    assert beside.view_shares_.loc[:, "network"].tolist() == [0.0]
    assert beside.n_iter_ <= sum(cycle_lengths(84)[:3]) < alone.n_iter_


def test_the_best_epoch_is_kept(regressor, numbers):
    X, y = numbers[0], np.random.default_rng(0).normal(size=(60, 1))
    options = {"max_epochs": 35, "learning_rate": 0.1, "linear_view": False, "n_trees": 0}
    long = regressor(**options).fit(X, y)
    short = regressor(**options, callbacks=[StopAfter(long.best_epoch_)]).fit(X, y)
    assert long.n_iter_ > short.n_iter_ == short.best_epoch_
    np.testing.assert_array_equal(long.predict(X), short.predict(X))
    np.testing.assert_array_equal(long.oof_prediction_, short.oof_prediction_)


def test_shares_of_the_views_are_shares(fitted):
    model, _, _ = fitted
    shares = model.view_shares_
    assert shares.index.tolist() == TASKS
    assert shares.columns.tolist() == ["network", "linear", "forest", "alone"]
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_the_linear_view_takes_a_linear_task_and_leaves_another(regressor):
    rng = np.random.default_rng(0)
    X = rng.standard_t(2, size=(200, 3))
    y = np.stack([X.sum(axis=1), np.cos(2 * X[:, 0])], axis=1)
    model = regressor(max_epochs=40, d_hidden=32, n_bins=16).fit(X, y)
    assert model.view_shares_.loc["task_0", "linear"] > 0.9
    assert model.view_shares_.loc["task_1", "linear"] < 0.5
    assert model.oof_task_scores_["task_0"] > 0.99


def test_the_forest_takes_a_task_of_steps(regressor):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = np.where(X[:, 0] > 0, np.where(X[:, 1] > 0.3, 3.0, -1.0), np.where(X[:, 2] > -0.2, -3.0, 2.0))
    with_forest, without = (regressor(n_trees=n_trees).fit(X, y) for n_trees in (40, 0))
    assert with_forest.view_shares_.loc["y", "forest"] > 0.5
    assert with_forest.oof_score_ > without.oof_score_ + 0.1


def test_without_the_linear_view_it_has_no_share(kind, numbers):
    X, y = numbers
    model = kind(linear_view=False).fit(X, kind.labels(y))
    assert (model.view_shares_["linear"] == 0).all()
    assert (model.view_shares_["forest"] > 0).any()


def test_without_trees_the_forest_has_no_share(kind, numbers):
    X, y = numbers
    model = kind(n_trees=0).fit(X, kind.labels(y))
    assert model.n_trees_ == 0
    assert (model.view_shares_["forest"] == 0).all()
    np.testing.assert_allclose(model.view_shares_[["network", "linear"]].sum(axis=1), 1)


def test_without_linear_view_and_trees_the_network_is_alone(kind, numbers):
    X, y = numbers
    shares = kind(linear_view=False, n_trees=0).fit(X, kind.labels(y)).view_shares_
    assert (shares == [1, 0, 0, 0]).all(axis=None)


@pytest.mark.parametrize("n_trees", [0, 8])
def test_predictions_of_training_rows_are_not_those_out_of_fold(kind, numbers, n_trees):
    X, y = numbers
    model = kind(n_trees=n_trees, linear_view=False, max_epochs=20).fit(X, kind.labels(y))
    assert model.oof_score_ < model.score(X, kind.labels(y))  # which has seen the labels


def test_attention_sums_to_1_and_its_mean_is_that_of_the_training_rows(fitted):
    model, X, _ = fitted
    attention = model.attention_weights(X)
    assert attention.shape == (N_ROWS, 3, 5)
    assert (attention >= 0).all()
    np.testing.assert_allclose(attention.sum(axis=2), 1.0)
    assert model.feature_attention_.columns.tolist() == X.columns.tolist()
    assert model.feature_attention_.index.tolist() == TASKS
    labelled = ~np.isnan(fitted[2].to_numpy()).all(axis=1)
    np.testing.assert_allclose(model.feature_attention_, attention[labelled].mean(axis=0), rtol=1e-6)


def test_attention_has_its_columns_in_the_order_of_x(regressor):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "word": "same",
            "noise": rng.normal(size=200),
            "colour": rng.choice(["red", "green", "blue"], size=200),
            "nothing": np.nan,
            "flag": rng.random(200) > 0.5,
            "size": rng.normal(size=200),
        }
    )
    y = np.stack([3.0 * (X["colour"] == "red"), 3.0 * X["size"]], axis=1)
    model = regressor(max_epochs=40, d_hidden=32, learning_rate=0.02, linear_view=False).fit(X, y)
    attention = model.attention_weights(X).mean(axis=0)
    assert X.columns[attention.argmax(axis=1)].tolist() == ["colour", "size"]
    assert model.feature_attention_.idxmax(axis=1).tolist() == ["colour", "size"]
    assert (attention[:, [0, 3]] == 0).all()


def test_auto_is_resolved_and_shown(regressor, numbers):
    X, y = numbers
    auto = ["n_folds", "n_views", "n_slots", "n_bins", "d_token", "batch_size"]
    model = regressor(**dict.fromkeys(auto, "auto")).fit(X, y)
    assert [getattr(model, f"{name}_") for name in auto] == [8, 4, 3, 8, 12, 16]
    assert (model.max_epochs_, model.n_trees_) == (6, 8)
    assert model.device_ in ("cpu", "cuda", "mps")
    chosen = regressor(n_folds=3, n_slots=2, batch_size=5, device="cpu").fit(X, y)
    assert (chosen.n_folds_, chosen.n_slots_, chosen.batch_size_, chosen.device_) == (3, 2, 5, "cpu")


def test_presets_and_trees_and_epochs_of_the_default_are_resolved(numbers):
    X, y = numbers
    fast = MultiTaskAttentionRegressor(preset="fast", n_folds=2, random_state=0).fit(X, y)
    assert (fast.n_views_, fast.max_epochs_, fast.n_trees_) == (1, 28, 80)
    assert fast.n_iter_ <= 28
    assert len(fast._ensemble.forest.trees.first) - 1 == 80


def test_attention_of_many_rows_is_averaged_over_some_of_them(regressor, numbers, monkeypatch):
    X, y = numbers[0], np.nan_to_num(numbers[1])
    monkeypatch.setattr(fit_module, "_MOST_ROWS_ATTENDED", 20)
    model = regressor().fit(X, y)
    attention = model.attention_weights(X)  # (B, T, C)
    mean = model.feature_attention_.to_numpy()
    assert not np.allclose(mean, attention.mean(axis=0), rtol=1e-6)
    # The rows of the canonical order are the same in each fit, whatever the order of the table.
    order = np.random.default_rng(0).permutation(60)
    again = regressor().fit(X[order], y[order]).feature_attention_
    np.testing.assert_array_equal(again, mean)


@pytest.mark.parametrize(
    ("n_rows", "n_attended"), [(1_999, 1_999), (2_000, 2_000), (2_001, 1_001), (9_000, 1_800)]
)
def test_attention_is_averaged_over_at_most_2000_rows(n_rows, n_attended):
    merged = SimpleNamespace(
        first=np.arange(n_rows), weights=np.ones((n_rows, 1)), tag_weights=np.zeros((n_rows, 0))
    )
    rows, weights = fit_module.attended_rows(merged)
    assert len(rows) == len(weights) == n_attended
    assert len(set(np.diff(rows).tolist())) == 1


def test_names_and_number_of_features_are_kept(fitted):
    model, X, _ = fitted
    assert model.n_features_in_ == 5
    assert model.feature_names_in_.tolist() == X.columns.tolist()


def test_the_net_is_a_skorch_net_with_its_history(fitted):
    model, _, _ = fitted
    assert [row["epoch"] for row in model.net_.history] == model.history_["epoch"].tolist()
    assert model.net_.history[:, "valid_loss"] == model.history_["valid_loss"].tolist()
    assert not any(parameter.requires_grad for parameter in model.net_.module_.parameters())


def test_the_estimators_are_public():
    for estimator in (
        MultiTaskAttentionRegressor,
        MultiTaskAttentionClassifier,
        MultiTaskAttentionEstimator,
    ):
        assert estimator.__module__.startswith("sklearn_mtl.")


def test_history_of_many_tasks_comes_without_a_warning():
    X = np.random.default_rng(0).normal(size=(12, 2))
    model = MultiTaskAttentionRegressor(n_folds=2, max_epochs=1).fit(X, np.tile(X, (1, 40)))
    assert len([name for name in model.history_.columns if "_loss_task_" in name]) == 2 * 80


def test_predictions_take_the_threads_of_today(numbers):
    X, y = numbers[:2]
    model = MultiTaskAttentionRegressor(n_folds=2, max_epochs=1, n_threads=2).fit(X, y)
    expected = model.predict(X[:9])
    np.testing.assert_allclose(model.set_params(n_threads=1).predict(X[:9]), expected)


def test_the_default_dtype_of_torch_is_left_to_the_user(numbers):
    X, y = numbers[:2]
    model = MultiTaskAttentionRegressor(n_folds=2, max_epochs=2, random_state=0)
    expected = model.fit(X, y).predict(X)
    torch.set_default_dtype(torch.float64)
    try:
        np.testing.assert_array_equal(model.fit(X, y).predict(X), expected)
    finally:
        torch.set_default_dtype(torch.float32)
