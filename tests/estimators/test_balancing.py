"""``balancing=`` of the estimators."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import (
    check_dict_unchanged,
    check_estimators_dtypes,
    check_estimators_pickle,
    check_fit2d_1sample,
    check_fit_idempotent,
)

from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.balancing import GradientBalancing, LossBalancing
from sklearn_mtl.training._net import FoldNet

from .conftest import SMALL, outputs

OPTIONS = {
    name: name
    for name in (
        "uncertainty", "dwa", "geometric", "imtl_l", "famo", "random", "stch",
        "pcgrad", "gradvac", "cagrad", "mgda", "aligned", "imtl_g", "upgrad", "nash", "gradnorm",
    )
}  # fmt: skip
OPTIONS |= {f"cagrad on {on}": GradientBalancing("cagrad", on=on) for on in ("pooled", "parameters")}
each_option = pytest.mark.parametrize("balancing", OPTIONS.values(), ids=OPTIONS)
GRADIENTS = list(OPTIONS)[7:]
CHECKS = (
    check_dict_unchanged,
    check_estimators_dtypes,
    check_estimators_pickle,
    check_fit2d_1sample,
    check_fit_idempotent,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@each_option
def test_scikit_learns_checks_pass(balancing, check):
    small = {**SMALL, "max_epochs": 2, "n_views": 1}
    check("MultiTaskAttentionRegressor", MultiTaskAttentionRegressor(**small, balancing=balancing))


@each_option
def test_fits_are_the_same_each_time_and_survive_pickle_and_clone(kind, numbers, balancing):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind(balancing=balancing).fit(X, labels)
    before = torch.random.get_rng_state()
    again = clone(model).fit(X, labels)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.isfinite(model.history_["valid_loss"]).all()
    for other in (again, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(outputs(model, X), outputs(other, X))
    assert not hasattr(model.net_, "balancer_")


@each_option
def test_balancing_changes_what_is_learned(numbers, regressor, balancing):
    X, y = numbers
    plain, balanced = (regressor(balancing=given).fit(X, y) for given in ("mean", balancing))
    assert not np.array_equal(plain.predict(X), balanced.predict(X))


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_one_task_need_no_balancing(numbers, regressor, name):
    X, y = numbers[0], np.nan_to_num(numbers[1][:, 0])
    plain, balanced = (regressor(balancing=given).fit(X, y) for given in ("mean", OPTIONS[name]))
    np.testing.assert_allclose(balanced.predict(X), plain.predict(X), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", ["dwa", "geometric", "famo", "random", "stch"])
def test_losses_of_one_task_need_no_balancing(numbers, regressor, name):
    X, y = numbers[0], np.nan_to_num(numbers[1][:, 0])
    plain, balanced = (regressor(balancing=given).fit(X, y) for given in ("mean", name))
    np.testing.assert_allclose(balanced.predict(X), plain.predict(X), rtol=1e-2, atol=1e-2)


@each_option
def test_a_task_of_weight_0_is_left_out(numbers, regressor, balancing):
    X, y = numbers
    other = y.copy()
    other[:, 1] = 100 * np.cos(7 * X[:, 0])
    weight = {"task_1": 0}
    one, two = (
        regressor(balancing=balancing, task_weight=weight).fit(X, of).predict(X)[:, [0, 2]]
        for of in (y, other)
    )
    np.testing.assert_array_equal(one, two)


@each_option
def test_weights_of_labels_are_repeated_rows(numbers, regressor, balancing):
    X, y = numbers
    weighted = regressor(balancing=balancing).fit(X, y, sample_weight=np.where(np.arange(60) < 20, 2, 1))
    repeated = regressor(balancing=balancing).fit(np.vstack([X, X[:20]]), np.vstack([y, y[:20]]))
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))


def test_balancing_is_searched(numbers, regressor):
    X, y = numbers
    grid = [
        {"balancing": ["mean", "stch", LossBalancing("dwa", temperature=1.0)]},
        {"balancing": [GradientBalancing("mgda")], "balancing__on": ["representation", "parameters"]},
    ]
    search = GridSearchCV(regressor(), grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_bad_value_is_named_before_anything_is_trained(numbers, kind, monkeypatch):
    monkeypatch.setattr(FoldNet, "fit", lambda *_: pytest.fail("trained"))
    X, labels = numbers[0], kind.labels(numbers[1])
    name = kind.estimator.__name__
    with pytest.raises(ValueError, match=f"^{name}: balancing='median' is none of 'mean', 'uncertainty', "):
        kind(balancing="median").fit(X, labels)


def test_shares_of_a_task_count_in_gradients(numbers, regressor):
    X, y = numbers
    plain, weighted = (
        regressor(balancing="upgrad", task_weight=weight).fit(X, y).predict(X)
        for weight in (None, {"task_0": 5.0})
    )
    assert not np.array_equal(plain, weighted)


def test_balancing_one_task_at_a_time_is_refused():
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = MultiTaskAttentionRegressor(**SMALL, balancing="dwa", schedule="alternating")
    with pytest.raises(ValueError, match="balancing='dwa' and schedule='alternating' cannot be combined"):
        model.fit(X, X)
