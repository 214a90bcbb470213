"""``regularization=`` of the estimators."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_mtl import MultiTaskAttentionEstimator, MultiTaskAttentionRegressor
from sklearn_mtl.attention import AttentionPooling
from sklearn_mtl.inspection import transfer_report
from sklearn_mtl.nn import attention_entropy
from sklearn_mtl.regularization import Regularization
from sklearn_mtl.training._net import FoldNet

from .conftest import GUESSES, SMALL, outputs

# The last two tasks have heads of the same width in all kinds of estimators.
GRAPH = [("task_1", "task_2", 0.5)]
OPTIONS = {
    "token_dropout": Regularization(token_dropout=0.3),
    "attention_dropout": Regularization(attention_dropout=0.3),
    "mixup": Regularization(mixup=0.4),
    "fgm": Regularization(adversarial="fgm"),
    "vat": Regularization(adversarial="vat"),
    "task_graph": Regularization(task_graph=GRAPH, coupling=1.0),
    "view_orthogonality": Regularization(view_orthogonality=0.5),
    "attention_entropy": Regularization(attention_entropy=-0.5),
    "several": Regularization(
        token_dropout=0.1,
        attention_dropout=0.1,
        mixup=1.0,
        adversarial="vat",
        task_graph=GRAPH,
        view_orthogonality=0.1,
        attention_entropy=0.1,
    ),
}
each_option = pytest.mark.parametrize("regularization", OPTIONS.values(), ids=OPTIONS)
CHECKS = (
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_fit2d_1feature",
    "check_fit_idempotent",
    "check_get_params_invariance",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_parameters_default_constructible",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weights_shape",
)
TINY = {"n_folds": 2, "n_views": 2, "d_hidden": 8, "max_epochs": 3, "n_trees": 4, "random_state": 0}
NETWORK = {"linear_view": False, "n_trees": 0, "sharing": "joint"}
CASES = {
    f"{name}-{check.func.__name__}": (estimator, check)
    for name, options in OPTIONS.items()
    if options.task_graph is None  # scikit-learn's checks know nothing of tasks
    for estimator, check in estimator_checks_generator(
        MultiTaskAttentionEstimator(**TINY, regularization=options)
    )
    if check.func.__name__ in CHECKS
}


@GUESSES
@pytest.mark.parametrize(("estimator", "check"), CASES.values(), ids=CASES)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


def test_no_check_has_another_name():
    assert len(CASES) == len(CHECKS) * (len(OPTIONS) - 2)


def test_nothing_is_regularised_by_default(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    plain, off = (kind(regularization=given).fit(X, labels) for given in (None, Regularization()))
    assert MultiTaskAttentionRegressor().regularization is None
    np.testing.assert_array_equal(outputs(plain, X), outputs(off, X))
    np.testing.assert_array_equal(plain.history_["valid_loss"], off.history_["valid_loss"])


@each_option
def test_fits_are_the_same_each_time_and_survive_pickle_and_clone(kind, mixed, regularization):
    X, labels = mixed[0], kind.labels(mixed[1])
    model = kind(regularization=regularization).fit(X, labels)
    before = torch.random.get_rng_state()
    again = clone(model).fit(X, labels)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.isfinite(model.history_["valid_loss"]).all()
    for other in (again, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(outputs(model, X), outputs(other, X))
    assert not hasattr(model.net_, "regularizer_")


@each_option
def test_every_option_changes_the_networks(numbers, regressor, regularization):
    X, y = numbers
    plain, other = (
        regressor(**NETWORK, regularization=given).fit(X, y).predict(X) for given in (None, regularization)
    )
    assert not np.array_equal(plain, other)


@each_option
@pytest.mark.parametrize("balancing", ["uncertainty", "cagrad"])
def test_every_option_goes_with_balancing(numbers, regressor, regularization, balancing):
    X, y = numbers
    options = {**NETWORK, "balancing": balancing}
    plain, other = (
        regressor(**options, regularization=given).fit(X, y).predict(X) for given in (None, regularization)
    )
    assert np.isfinite(other).all()
    assert not np.array_equal(plain, other)


@each_option
def test_a_task_of_weight_0_is_left_out(numbers, regressor, regularization):
    X, y = numbers
    y = np.where(np.isnan(y).all(axis=1)[:, None], 0.5, y)
    other = y.copy()
    other[:, 1] = 100 * np.cos(7 * X[:, 0])
    one, two = (
        regressor(regularization=regularization, task_weight={"task_1": 0}).fit(X, of).predict(X)[:, [0, 2]]
        for of in (y, other)
    )
    np.testing.assert_array_equal(one, two)


@each_option
def test_weights_of_labels_are_repeated_rows(numbers, regressor, regularization):
    X, y = numbers
    weighted = regressor(regularization=regularization)
    weighted.fit(X, y, sample_weight=np.where(np.arange(60) < 20, 2, 1))
    repeated = regressor(regularization=regularization).fit(np.vstack([X, X[:20]]), np.vstack([y, y[:20]]))
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))


@pytest.mark.parametrize("name", [name for name in OPTIONS if OPTIONS[name].task_graph is None])
@pytest.mark.parametrize("schedule", ["alternating", "sequential"])
def test_options_but_the_graph_go_with_schedules(numbers, regressor, name, schedule):
    X, y = numbers
    model = regressor(**NETWORK, regularization=OPTIONS[name], schedule=schedule).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


@each_option
def test_tasks_alone_are_regularised_too(numbers, regressor, regularization):
    X, y = numbers
    model = regressor(regularization=regularization, sharing="each").fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert model.transfer_["alone"].notna().all()


def test_options_are_searched(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    grid = [
        {"regularization": [None, Regularization(adversarial="vat")]},
        {"regularization": [Regularization()], "regularization__mixup": [0.0, 0.5]},
        {"regularization": [Regularization(task_graph=GRAPH)], "regularization__coupling": [0.0, 10.0]},
    ]
    small = kind(**NETWORK, n_views=1, max_epochs=4)
    search = GridSearchCV(small, grid, cv=KFold(2), error_score="raise").fit(X, labels)
    assert len(set(search.cv_results_["mean_test_score"])) > 1


@pytest.fixture
def with_unlabelled(numbers):
    """The table with 20 rows before it that have no label."""
    X, y = numbers
    y = np.where(np.isnan(y).all(axis=1)[:, None], 0.5, y)
    extra = np.random.default_rng(7).normal(size=(20, 3))
    return np.vstack([extra, X]), np.vstack([np.full((20, 3), np.nan), y])


VAT = Regularization(adversarial="vat")


def test_vat_uses_rows_without_labels(kind, with_unlabelled):
    X, labels = with_unlabelled[0], kind.labels(with_unlabelled[1])
    with_all, without = (
        kind(**NETWORK, regularization=VAT).fit(X[first:], labels[first:]) for first in (0, 20)
    )
    assert not np.array_equal(outputs(with_all, X), outputs(without, X))
    assert with_all.oof_prediction_.shape[0] == 80


def test_rows_without_labels_and_of_weight_0_are_absent(regressor, with_unlabelled):
    X, y = with_unlabelled
    weight = np.where(np.arange(80) < 20, 0.0, 1.0)
    weighted = regressor(regularization=VAT).fit(X, y, sample_weight=weight)
    without = regressor(regularization=VAT).fit(X[20:], y[20:])
    np.testing.assert_array_equal(weighted.predict(X), without.predict(X))


def test_rows_without_labels_have_no_order_and_count_once(regressor, with_unlabelled):
    X, y = with_unlabelled
    order = np.random.default_rng(0).permutation(80)
    twice = np.concatenate([order, np.arange(5)])
    models = [regressor(regularization=VAT).fit(X[rows], y[rows]) for rows in (np.arange(80), order, twice)]
    for model in models[1:]:
        np.testing.assert_array_equal(model.predict(X), models[0].predict(X))


def test_vat_says_that_it_uses_them(regressor, with_unlabelled, capsys):
    regressor(regularization=VAT, verbose=1, max_epochs=2).fit(*with_unlabelled)
    assert "20 of 80 rows have no label; adversarial training uses them." in capsys.readouterr().out


def test_a_strong_graph_makes_heads_alike_or_opposite(regressor, numbers):
    X, y = numbers
    graph = [("task_0", "task_1"), ("task_1", "task_2", -1)]
    strong = Regularization(task_graph=graph, coupling=1000.0)
    model = regressor(**NETWORK, regularization=strong, weight_decay=0.0, max_epochs=40).fit(X, y)
    weight = model.net_.module_.heads.weight  # (G, V, H, T)
    plain = regressor(**NETWORK, max_epochs=40).fit(X, y).net_.module_.heads.weight

    def apart(weight):
        one, two, three = weight.unbind(3)
        return ((one - two).square().sum() + (two + three).square().sum()) / weight.square().sum()

    assert apart(weight) < 0.05 * apart(plain)


@pytest.mark.parametrize("names", [["task_0", "task_1", "task_2"], ["task_2", "task_0", "task_1"]])
def test_a_graph_is_given_by_edges_by_a_matrix_or_by_a_frame(regressor, numbers, names):
    X, y = numbers
    matrix = pd.DataFrame(0.0, index=names, columns=names)
    matrix.loc["task_0", "task_2"] = matrix.loc["task_2", "task_0"] = 2.0
    in_order = matrix.loc[["task_0", "task_1", "task_2"], ["task_0", "task_1", "task_2"]].to_numpy()
    fits = [
        regressor(regularization=Regularization(task_graph=graph, coupling=1.0)).fit(X, y).predict(X)
        for graph in (matrix, in_order, in_order.tolist(), [("task_2", "task_0", 2)])
    ]
    for other in fits[1:]:
        np.testing.assert_array_equal(fits[0], other)


def test_a_penalty_on_entropy_makes_the_attention_of_views_sharper(regressor, numbers):
    X, y = numbers
    spread = []
    for strength in (-0.5, 0.5):
        regularization = Regularization(attention_entropy=strength)
        model = regressor(**NETWORK, max_epochs=40, regularization=regularization).fit(X, y)
        module, inputs = model.net_.module_, model._ensemble.network_tensors(model._read_columns(X))
        spread.append(attention_entropy(module.view_attention(module.all_tokens(*inputs))).mean().item())
    assert spread[0] > spread[1] + 0.1


def test_a_penalty_on_overlap_makes_views_attend_to_other_columns(regressor, numbers):
    X, y = numbers
    overlap = []
    for strength in (0.0, 5.0):
        regularization = Regularization(view_orthogonality=strength)
        model = regressor(**NETWORK, max_epochs=40, n_folds=2, n_views=2, regularization=regularization)
        weights = model.fit(X, y).attention_weights(X, per_view=True)[:, :, 0]  # (B, G V, C)
        one, other = weights[:, 0], weights[:, 1]
        cosine = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
        overlap.append(cosine.mean())
    assert overlap[1] < overlap[0] - 0.1


def test_a_transfer_report_takes_the_part_of_the_graph_that_is_left(regressor, numbers):
    X, y = numbers[0], np.nan_to_num(numbers[1])
    model = regressor(**NETWORK, n_views=1, regularization=Regularization(task_graph=GRAPH))
    assert transfer_report(model, X, y, cv=2).shape[0] == 3


BAD_VALUES = {
    "kind": ({"regularization": "mixup"}, "regularization is 'mixup'; expected None or a Regularization"),
    "rate": (
        {"regularization": Regularization(token_dropout=1)},
        "regularization.token_dropout is 1, expected a number from 0 to below 1",
    ),
    "mixup": (
        {"regularization": Regularization(mixup=-0.1)},
        "regularization.mixup is -0.1, expected a number from 0 on",
    ),
    "switch": (
        {"regularization": Regularization(mixup=True)},
        "regularization.mixup is True, expected a number",
    ),
    "radius": ({"regularization": Regularization(radius=0)}, "regularization.radius is 0, expected a number"),
    "entropy": (
        {"regularization": Regularization(attention_entropy=np.inf)},
        "regularization.attention_entropy is inf, expected a number of either sign",
    ),
    "adversarial": (
        {"regularization": Regularization(adversarial="pgd")},
        "regularization.adversarial is 'pgd'; choose from 'fgm', 'vat', or None",
    ),
    "unknown task": (
        {"regularization": Regularization(task_graph=[("task_0", "task_9")])},
        r"task_graph joins 'task_9', which is no task; there are \['task_0', 'task_1', 'task_2'\]",
    ),
    "edge": (
        {"regularization": Regularization(task_graph=[("task_0", "task_0")])},
        r"regularization.task_graph has the edge \('task_0', 'task_0'\); expected two different tasks",
    ),
    "strength": (
        {"regularization": Regularization(task_graph=[("task_0", "task_1", "much")])},
        "has the edge .*'much'.*and at most a number",
    ),
    "shape": (
        {"regularization": Regularization(task_graph=np.eye(2))},
        r"task_graph is of shape \(2, 2\); expected a matrix of shape \(3, 3\), or pairs of tasks' names",
    ),
    "symmetry": (
        {"regularization": Regularization(task_graph=np.triu(np.ones((3, 3))))},
        "regularization.task_graph is not symmetric",
    ),
    "frame": (
        {"regularization": Regularization(task_graph=pd.DataFrame(np.eye(3)))},
        r"regularization.task_graph is of \[0, 1, 2\]; expected each of the tasks",
    ),
}
BAD_PAIRS = {
    "mixup and famo": (
        {"regularization": Regularization(mixup=0.2), "balancing": "famo"},
        "regularization.mixup=0.2 cannot be combined with balancing='famo'.*choose another balancing, or",
    ),
    "fgm and famo": (
        {"regularization": Regularization(adversarial="fgm"), "balancing": "famo"},
        "regularization.adversarial='fgm' cannot be combined with balancing='famo'",
    ),
    "graph and schedule": (
        {"regularization": Regularization(task_graph=GRAPH), "schedule": "alternating"},
        "regularization.task_graph=... cannot be combined with schedule='alternating'.*schedule='joint', or",
    ),
    "entropy and uniform": (
        {"regularization": Regularization(attention_entropy=0.1), "attention": "uniform"},
        "regularization.attention_entropy=0.1 cannot be combined with attention='uniform'",
    ),
    "overlap and uniform": (
        {
            "regularization": Regularization(view_orthogonality=0.1),
            "attention": AttentionPooling(function="uniform"),
        },
        "regularization.view_orthogonality=0.1 cannot be combined with attention='uniform'",
    ),
    "overlap and one view": (
        {"regularization": Regularization(view_orthogonality=0.1), "n_views": 1},
        "view_orthogonality=0.1 is between the views of a fold, and n_views is 1 here; choose n_views=2",
    ),
}


@pytest.mark.parametrize(
    ("options", "message"), (BAD_VALUES | BAD_PAIRS).values(), ids=BAD_VALUES | BAD_PAIRS
)
def test_errors_name_what_is_wrong_and_what_there_is(options, message, numbers, monkeypatch):
    monkeypatch.setattr(FoldNet, "fit", lambda *_: pytest.fail("trained"))
    model = MultiTaskAttentionRegressor(**{**SMALL, **options})
    with pytest.raises((ValueError, TypeError), match=f"MultiTaskAttentionRegressor: .*{message}"):
        model.fit(*numbers)
    assert not hasattr(model, "net_")


def test_tasks_of_other_widths_are_not_joined(classifier, numbers):
    X, labels = numbers[0], classifier.labels(numbers[1])
    graph = Regularization(task_graph=[("task_0", "task_1")])
    message = (
        "joins 'task_0' and 'task_1', whose heads have 3 and 1 outputs; join tasks of the same width, or"
    )
    with pytest.raises(ValueError, match=message):
        classifier(regularization=graph).fit(X, labels)


def test_several_heads_are_several_views(regressor, numbers):
    pooling = AttentionPooling(query="multihead", n_heads=2)
    model = regressor(n_views=1, attention=pooling, regularization=Regularization(view_orthogonality=0.1))
    assert np.isfinite(model.fit(*numbers).predict(numbers[0])).all()
