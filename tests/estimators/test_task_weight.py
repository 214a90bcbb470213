"""Task weights: as given, searched by grid, or chosen by out-of-fold losses."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sklearn_mtl.estimators._task_weight import weights_by_gain
from sklearn_mtl.exceptions import FitInterruptedWarning
from sklearn_mtl.metrics import make_multitask_scorer
from sklearn_mtl.model_selection import MultiTaskKFold

TASKS = ["u", "v", "w"]
LARGER = {"max_epochs": 40, "d_hidden": 32, "learning_rate": 0.02, "n_trees": 0, "linear_view": False}


class InterruptFit(Callback):
    """Interrupts the n-th fit that it sees, in its second epoch."""

    def __init__(self, n):
        self.n = n
        self.n_fits = 0

    def on_train_begin(self, net, **kwargs):
        del net, kwargs
        self.n_fits += 1

    def on_batch_end(self, net, training=True, **kwargs):
        del kwargs
        if training and self.n_fits == self.n and len(net.history) == 2:
            raise KeyboardInterrupt


@pytest.fixture
def table(kind, numbers):
    return numbers[0], pd.DataFrame(kind.labels(numbers[1]), columns=TASKS)


@pytest.fixture
def noisy():
    """One task with a signal beside eight without; a third of all labels missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 3))
    y = np.column_stack([X[:, 0] + np.abs(X[:, 1]), rng.normal(size=(160, 8))])
    return X, np.where(rng.random(y.shape) < 1 / 3, np.nan, y)


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        (None, [1.0, 1.0, 1.0]),
        ({"w": 3}, [1.0, 1.0, 3.0]),
        ([2, 0, 1], [2.0, 0.0, 1.0]),
        (pd.Series({"v": 0.5, "w": 2.0}), [1.0, 0.5, 2.0]),
    ],
    ids=["none", "dict", "list", "series"],
)
def test_task_weight_shows_what_was_given(kind, table, given, weights):
    model = kind(task_weight=given, max_epochs=1).fit(*table)
    expected = pd.Series(weights, index=TASKS, name="task_weight")
    pd.testing.assert_series_equal(model.task_weight_, expected)


def test_task_weight_names_the_tasks_of_an_array(kind, numbers):
    model = kind(max_epochs=1).fit(numbers[0], kind.labels(numbers[1]))
    assert model.task_weight_.index.tolist() == ["task_0", "task_1", "task_2"]


@pytest.mark.parametrize("make", [dict, lambda pairs: list(dict(pairs).values())], ids=["dict", "list"])
def test_a_search_finds_the_weights_that_serve_its_scorer(regressor, noisy, make):
    X, y = noisy
    names = [f"task_{task}" for task in range(9)]
    first, others = ([(name, float((name == "task_0") == is_first)) for name in names] for is_first in (1, 0))
    search = GridSearchCV(
        regressor(max_epochs=30, n_trees=0),
        {"task_weight": [make(others), make(first)]},
        scoring=make_multitask_scorer("rmse", average="weighted", task_weight=dict(first)),
        cv=MultiTaskKFold(2, random_state=0),
        error_score="raise",
    ).fit(X, y)
    assert search.best_index_ == 1
    assert search.best_estimator_.task_weight_["task_0"] == 1
    assert search.best_estimator_.task_weight_.sum() == 1


def test_weights_by_gain_ascend_with_the_gain_and_have_mean_1():
    weights = weights_by_gain(np.array([1.3, 1.0, 0.7, 0.2, 0.0]))
    assert weights.mean() == pytest.approx(1)
    assert weights[0] == weights[1]
    assert (np.diff(weights[1:]) > 0).all()
    assert weights[-1] / weights[0] == pytest.approx(11)


def test_cv_turns_to_the_task_that_can_be_learned(regressor, noisy):
    X, y = noisy
    options = LARGER
    equal, chosen = (regressor(task_weight=weight, **options).fit(X, y) for weight in (None, "cv"))
    assert chosen.task_weight_.idxmax() == "task_0"
    assert chosen.task_weight_["task_0"] > 1.5 * chosen.task_weight_.drop("task_0").max()
    assert chosen.oof_score_ > equal.oof_score_


@pytest.mark.parametrize("case", ["numbers", "noisy"])
def test_the_fit_that_cv_keeps_is_that_of_its_weights(kind, request, case):
    X, y = request.getfixturevalue(case)
    labels = kind.labels(y)
    chosen = kind(task_weight="cv").fit(X, labels)
    again = kind(task_weight=chosen.task_weight_).fit(X, labels)
    np.testing.assert_allclose(chosen.task_weight_.mean(), 1)
    np.testing.assert_array_equal(chosen.predict(X), again.predict(X))
    pd.testing.assert_series_equal(chosen.oof_task_scores_, again.oof_task_scores_)
    pd.testing.assert_frame_equal(
        chosen.history_.drop(columns="seconds"), again.history_.drop(columns="seconds")
    )


@pytest.mark.parametrize(("case", "winner"), [("numbers", "equal"), ("noisy", "by gain")])
def test_cv_keeps_the_better_of_equal_weights_and_weights_by_gain(regressor, request, case, winner):
    X, y = request.getfixturevalue(case)
    options = {**LARGER, "random_state": 3}  # where the two are not close
    equal = regressor(**options).fit(X, y)
    weights = weights_by_gain(1 - equal.oof_task_scores_.to_numpy())
    by_gain = regressor(**options, task_weight=weights).fit(X, y)
    chosen = regressor(**options, task_weight="cv").fit(X, y)
    assert winner == ("by gain" if by_gain.oof_score_ > equal.oof_score_ else "equal")
    expected = by_gain if winner == "by gain" else equal
    np.testing.assert_allclose(chosen.task_weight_, expected.task_weight_)
    assert chosen.oof_score_ == pytest.approx(expected.oof_score_)


def test_cv_costs_two_fits_and_one_for_a_single_task(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    fits = []
    for y in (labels, labels[:, :1]):
        callback = InterruptFit(None)
        kind(task_weight="cv", max_epochs=1, callbacks=[callback]).fit(X, y)
        fits.append(callback.n_fits)
    assert fits == [2, 1]


def test_an_interrupted_second_fit_leaves_the_first(kind, table):
    callback = InterruptFit(2)
    model = kind(task_weight="cv", callbacks=[callback])
    with pytest.warns(
        FitInterruptedWarning, match="tried other task weights; .* equal weights is kept"
    ) as caught:
        model.fit(*table)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(model.predict(table[0]), kind().fit(*table).predict(table[0]))
    assert (model.task_weight_ == 1).all()


def test_an_interrupted_first_fit_is_the_last(kind, table):
    callback = InterruptFit(1)
    with pytest.warns(FitInterruptedWarning, match="the best so far, is kept"):
        kind(task_weight="cv", callbacks=[callback]).fit(*table)
    assert callback.n_fits == 1


def test_cv_is_searched_beside_given_weights(kind, table):
    grid = {"task_weight": [None, "cv", {"u": 0.1}]}
    cv = MultiTaskKFold(2, random_state=0)
    search = GridSearchCV(kind(max_epochs=2), grid, cv=cv, error_score="raise").fit(*table)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
