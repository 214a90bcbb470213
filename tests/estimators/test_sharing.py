"""``sharing``: views that have learned one task alone."""

import pickle

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_mtl.estimators import _base
from sklearn_mtl.exceptions import FitInterruptedWarning

from .conftest import REGRESSOR, outputs

LONGER = {"max_epochs": 24, "d_hidden": 16}


@pytest.fixture(scope="module")
def unrelated():
    """500 rows, of which 60 have a label of the first task; the second task is noise."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(500, 4))
    y = np.column_stack([np.abs(X[:, 0]) + np.abs(X[:, 1]), rng.normal(size=500)])
    y[60:, 0] = np.nan
    return X, y


@pytest.fixture(scope="module")
def served(unrelated):
    return [REGRESSOR(**LONGER, sharing=sharing).fit(*unrelated) for sharing in ("joint", "auto")]


@pytest.fixture
def each(kind, numbers):
    """Fit all tasks with all labels: together, each alone as well, and the first one by itself."""
    X, labels = numbers[0], kind.labels(np.nan_to_num(numbers[1]))
    joint, with_alone = (kind(sharing=sharing).fit(X, labels) for sharing in ("joint", "each"))
    return X, joint, with_alone, [kind().fit(X, labels[:, [task]]) for task in range(3)]


def test_joint_views_alone_serve_joint_sharing(kind, numbers):
    model = kind(sharing="joint").fit(numbers[0], kind.labels(numbers[1]))
    assert (model.view_shares_["alone"] == 0).all()


def test_auto_is_joint_where_no_task_has_few_labels(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    joint, auto = (kind(sharing=sharing).fit(X, labels) for sharing in ("joint", "auto"))
    np.testing.assert_array_equal(outputs(auto, X), outputs(joint, X))
    np.testing.assert_array_equal(auto.oof_prediction_, joint.oof_prediction_)


def test_a_scarce_task_that_is_better_alone_is_served_alone(served):
    joint, auto = served
    assert auto.view_shares_.loc["task_0", "alone"] > 0
    assert auto.oof_task_scores_["task_0"] > joint.oof_task_scores_["task_0"]


def test_a_task_with_many_labels_is_served_as_before(served, unrelated):
    joint, auto = served
    X, _ = unrelated
    np.testing.assert_array_equal(auto.predict(X)[:, 1], joint.predict(X)[:, 1])
    np.testing.assert_array_equal(auto.oof_prediction_[:, 1], joint.oof_prediction_[:, 1])


def test_shares_are_those_of_the_joint_views_times_what_is_left(served):
    joint, auto = served
    alone = auto.view_shares_["alone"]
    left = auto.view_shares_.drop(columns="alone")
    expected = joint.view_shares_.drop(columns="alone").mul(1 - alone, axis="index")
    np.testing.assert_allclose(left, expected, atol=1e-12)


def test_predictions_are_mixed_from_those_of_both_fits(each):
    X, joint, with_alone, singles = each
    share = with_alone.view_shares_["alone"].to_numpy()
    assert share.any()  # or nothing would be shown
    by_task = [single._predict_outputs(X) for single in singles]
    share = np.repeat(share, [array.shape[1] for array in by_task])
    mixed = (1 - share) * joint._predict_outputs(X) + share * np.hstack(by_task)
    np.testing.assert_allclose(with_alone._predict_outputs(X), mixed)


def test_out_of_fold_predictions_are_mixed_from_those_of_both_fits(regressor, numbers):
    X, y = numbers[0], np.nan_to_num(numbers[1])
    joint, with_alone = (regressor(sharing=sharing).fit(X, y) for sharing in ("joint", "each"))
    share = with_alone.view_shares_["alone"].to_numpy()
    alone = np.hstack([regressor().fit(X, y[:, [task]]).oof_prediction_ for task in range(3)])
    assert share.any()
    np.testing.assert_allclose(
        with_alone.oof_prediction_, (1 - share) * joint.oof_prediction_ + share * alone
    )


def test_rows_without_the_label_are_predicted_by_all_folds_alone(served, unrelated):
    joint, auto = served
    X, _ = unrelated
    share = auto.view_shares_.loc["task_0", "alone"]
    alone = (auto.predict(X)[:, 0] - (1 - share) * joint.predict(X)[:, 0]) / share
    expected = (1 - share) * joint.oof_prediction_[:, 0] + share * alone
    np.testing.assert_allclose(auto.oof_prediction_[60:, 0], expected[60:])
    assert not np.allclose(auto.oof_prediction_[:60, 0], expected[:60])


def test_attention_is_that_of_the_networks_that_serve(unrelated):
    joint, auto = (
        REGRESSOR(max_epochs=40, d_hidden=16, n_trees=0, linear_view=False, sharing=sharing).fit(*unrelated)
        for sharing in ("joint", "auto")
    )
    X = unrelated[0][:20]
    shared, mixed = joint.attention_weights(X), auto.attention_weights(X)
    np.testing.assert_allclose(mixed.sum(axis=2), 1)
    np.testing.assert_array_equal(mixed[:, 1], shared[:, 1])
    assert not np.allclose(mixed[:, 0], shared[:, 0])


def test_views_alone_are_pickled_too(served, unrelated):
    X, _ = unrelated
    loaded = pickle.loads(pickle.dumps(served[1]))
    np.testing.assert_array_equal(loaded.predict(X), served[1].predict(X))


def test_one_row_is_predicted_as_beside_others(served, unrelated):
    X, _ = unrelated
    np.testing.assert_array_equal(served[1].predict(X[3:4]), served[1].predict(X[:10])[3:4])


def test_neither_the_order_of_rows_nor_their_repetition_matters(regressor, numbers):
    X, y = numbers
    weights = np.where(np.arange(60) < 30, 2.0, 1.0)
    weighted = regressor(sharing="each").fit(X, y, sample_weight=weights)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(60), weights.astype(int)))
    repeated = regressor(sharing="each").fit(X[order], y[order])
    assert weighted.view_shares_["alone"].any()
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))


@pytest.mark.parametrize("kept", [[0], [2]], ids=["first", "last"])
def test_a_task_that_cannot_be_learned_alone_is_left_out(regressor, numbers, kept):
    X, y = numbers[0], np.nan_to_num(numbers[1])
    other = 1 if kept == [0] else 0
    y[19:, other] = np.nan  # less than 20 labels
    task_weight = np.ones(3)
    task_weight[({0, 1, 2} - {*kept, other}).pop()] = 0.0
    shares = regressor(sharing="each", task_weight=task_weight).fit(X, y).view_shares_["alone"]
    assert not shares.drop(index=[f"task_{task}" for task in kept]).any()


def test_a_task_by_itself_is_not_learned_twice(regressor, numbers):
    X, y = numbers[0], np.nan_to_num(numbers[1][:, 0])
    joint, each = (regressor(sharing=sharing).fit(X, y) for sharing in ("joint", "each"))
    np.testing.assert_array_equal(joint.predict(X), each.predict(X))
    assert each.view_shares_.loc["y", "alone"] == 0


def test_an_interrupt_keeps_what_is_there(regressor, numbers, monkeypatch):
    X, y = numbers
    fit_alone = _base.BaseMultiTaskAttention._fit_alone
    calls = []

    def interrupted_second(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit_alone(*args, **kwargs)

    whole = regressor(sharing="each").fit(X, y)
    monkeypatch.setattr(_base.BaseMultiTaskAttention, "_fit_alone", interrupted_second)
    with pytest.warns(FitInterruptedWarning, match="alone, after 1 of 3") as caught:
        model = regressor(sharing="each").fit(X, y)
    assert caught[0].filename == __file__
    assert not model.view_shares_["alone"].iloc[1:].any()
    np.testing.assert_array_equal(model.predict(X)[:, 0], whole.predict(X)[:, 0])


def test_callbacks_see_the_joint_fit_only(regressor, numbers):
    class Count(Callback):
        n_fits = 0

        def on_train_begin(self, net, **kwargs):
            del net, kwargs
            self.n_fits += 1

    counter = Count()
    regressor(sharing="each", callbacks=[counter]).fit(*numbers)
    assert counter.n_fits == 1


def test_groups_are_held_out_together_alone_too(regressor):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 3)
    of_group = rng.normal(size=(20, 2))[groups]
    X = np.column_stack([groups, rng.normal(size=60)])  # the group says all of the labels
    alone = [
        regressor(sharing="each", max_epochs=24, n_trees=40).fit(X, of_group, groups=given).transfer_["alone"]
        for given in (groups, None)
    ]
    assert alone[0].mean() < alone[1].mean() - 0.1


def test_what_fit_knows_of_transfer_is_what_both_score_out_of_fold(regressor, numbers):
    X, y = numbers[0], np.nan_to_num(numbers[1])
    transfer = regressor(sharing="each").fit(X, y).transfer_
    joint = regressor(sharing="joint").fit(X, y)
    alone = [regressor().fit(X, y[:, task]) for task in range(3)]
    np.testing.assert_allclose(transfer["joint"], joint.oof_task_scores_)
    np.testing.assert_allclose(transfer["alone"], [model.oof_score_ for model in alone])
    np.testing.assert_allclose(transfer["difference"], transfer["joint"] - transfer["alone"])
    losses = [
        (y - joint.oof_prediction_) ** 2,
        (y - np.column_stack([m.oof_prediction_ for m in alone])) ** 2,
    ]
    error = (losses[0] - losses[1]).std(axis=0, ddof=1) / 60**0.5 / y.var(axis=0)
    np.testing.assert_allclose(transfer["standard_error"], error)
    assert (transfer["seconds"] > 0).all()
    assert joint.transfer_.isna().all(axis=None)
