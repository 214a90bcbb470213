"""Every form of attention, sharing, interaction and schedule, from the outside."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_mtl import MultiTaskAttentionEstimator, MultiTaskAttentionRegressor
from sklearn_mtl.attention import (
    FUNCTIONS,
    INTERACTIONS,
    QUERIES,
    SHARINGS,
    AttentionPooling,
    SelfAttentionEncoder,
)
from sklearn_mtl.schedules import SCHEDULES, SequentialSchedule

from .conftest import GUESSES, SMALL, outputs

POOLING = AttentionPooling


def cube(scores, dim):
    """Weigh by cubes; a function of a user's own."""
    powers = scores.abs() ** 3 + 1e-6
    return powers / powers.sum(dim, keepdim=True)


OPTIONS = {
    **{function: {"attention": function} for function in FUNCTIONS[1:]},
    "callable": {"attention": cube},
    "temperature": {"attention": AttentionPooling(function="entmax15", temperature=0.5)},
    **{query: {"attention": AttentionPooling(query=query)} for query in QUERIES[1:]},
    "heads": {"attention": AttentionPooling(query="task", n_heads=2)},
    "encoder": {"attention": AttentionPooling(encoder=SelfAttentionEncoder(n_layers=2))},
    **{sharing: {"attention_sharing": sharing} for sharing in SHARINGS[1:]},
    **{f"interaction {kind}": {"task_interaction": kind} for kind in INTERACTIONS},
    **{schedule: {"schedule": schedule} for schedule in SCHEDULES[1:]},
    "by affinity": {"schedule": SequentialSchedule(order="affinity")},
    "not frozen": {"schedule": SequentialSchedule(frozen=False)},
    "several": {
        "attention": AttentionPooling(function="born", query="multihead", encoder=SelfAttentionEncoder()),
        "attention_sharing": "gated",
        "task_interaction": "attention",
        "schedule": "alternating",
    },
}
each_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
# What each of them could break; those left out are of inputs and labels, which no option reads.
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
    "check_sample_weights_shape",
)
TINY = {"n_folds": 2, "n_views": 1, "d_hidden": 8, "max_epochs": 3, "n_trees": 4, "random_state": 0}


CASES = {
    f"{name}-{check.func.__name__}": (estimator, check)
    for name, options in OPTIONS.items()
    for estimator, check in estimator_checks_generator(MultiTaskAttentionEstimator(**TINY, **options))
    if check.func.__name__ in CHECKS
}


@GUESSES
@pytest.mark.parametrize(("estimator", "check"), CASES.values(), ids=CASES)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


def test_no_check_has_another_name():
    assert len(CASES) == len(CHECKS) * len(OPTIONS)


@each_option
def test_every_option_predicts_all_kinds_of_tasks_and_is_pickled(options, kind, mixed):
    X, y = mixed
    model = kind(**options).fit(X, kind.labels(y))
    predicted = outputs(model, X)
    assert np.isfinite(predicted).all()
    assert np.array_equal(outputs(pickle.loads(pickle.dumps(model)), X), predicted)


@each_option
def test_every_option_changes_the_networks_and_depends_on_the_seed_alone(options, regressor, numbers):
    X, y = numbers
    network = {"linear_view": False, "n_trees": 0}
    plain = regressor(**network).fit(X, y).predict(X)
    model = regressor(**network, **options).fit(X, y)
    assert not np.array_equal(model.predict(X), plain)
    assert np.array_equal(clone(model).fit(X, y).predict(X), model.predict(X))


@each_option
def test_every_option_serves_a_single_task(options, regressor, numbers):
    X, y = numbers[0], np.nan_to_num(numbers[1][:, 0])
    assert np.isfinite(regressor(**options).fit(X, y).predict(X)).all()


@each_option
def test_every_option_serves_more_tasks_than_slots(options, regressor, numbers):
    X, y = numbers
    if options.get("attention_sharing") == "shared":
        options = {**options, "n_slots": 1}
    else:
        options = {**options, "n_slots": 2}
    model = regressor(**options).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert model.feature_attention_.shape == (3, 3)


@each_option
def test_attention_sums_to_1_but_with_sigmoid(options, regressor, numbers):
    X, y = numbers
    attention = regressor(**options).fit(X, y).attention_weights(X)
    assert (attention >= 0).all()
    sums = attention.sum(axis=2)
    if options.get("attention") == "sigmoid":
        assert (np.abs(sums - 1) > 1e-3).any()
        assert attention.max() <= 1
    else:
        np.testing.assert_allclose(sums, 1)


def test_uniform_attention_is_the_same_for_all_columns(regressor, numbers):
    X, y = numbers
    np.testing.assert_allclose(regressor(attention="uniform").fit(X, y).attention_weights(X), 1 / 3)


def test_sparse_attention_leaves_columns_out(regressor, numbers):
    X, y = numbers
    sharp = AttentionPooling(function="sparsemax", temperature=0.1)
    assert (regressor(attention=sharp, n_folds=2, n_views=1).fit(X, y).attention_weights(X) == 0).any()


def test_shared_attention_is_one_slot(regressor, numbers):
    X, y = numbers
    shared, one = regressor(attention_sharing="shared").fit(X, y), regressor(n_slots=1).fit(X, y)
    assert shared.n_slots_ == 1
    assert np.array_equal(shared.predict(X), one.predict(X))


@pytest.mark.parametrize(
    ("named", "same"),
    [
        ({"attention": AttentionPooling()}, {}),
        ({"attention": torch.softmax}, {}),
        ({"attention": AttentionPooling(function="sparsemax")}, {"attention": "sparsemax"}),
        (
            {"attention": AttentionPooling(query="task")},
            {"attention": AttentionPooling(query="task", n_heads=4)},
        ),
        ({"schedule": SequentialSchedule()}, {"schedule": "sequential"}),
    ],
    ids=["options", "callable", "function", "heads", "schedule"],
)
def test_what_a_name_stands_for(named, same, regressor, numbers):
    X, y = numbers
    one, other = (regressor(**options).fit(X, y).predict(X) for options in (named, same))
    assert np.array_equal(one, other)


def test_the_order_of_tasks_is_as_given_or_by_affinity(regressor, numbers):
    X = numbers[0]
    y = pd.DataFrame({"far": X[:, 0], "middle": X[:, 1] + X[:, 2], "near": X[:, 1]})
    assert not hasattr(regressor().fit(X, y), "task_order_")
    assert regressor(schedule="sequential").fit(X, y).task_order_ == ["far", "middle", "near"]
    given = regressor(schedule=SequentialSchedule(order=["near", "far", "middle"]))
    assert given.fit(X, y).task_order_ == ["near", "far", "middle"]
    by_affinity = regressor(schedule=SequentialSchedule(order="affinity")).fit(X, y).task_order_
    assert by_affinity == ["middle", "near", "far"]
    assert not hasattr(given.set_params(schedule="joint").fit(X, y), "task_order_")


def test_tasks_of_weight_0_are_in_no_order(regressor, numbers):
    X, y = numbers
    model = regressor(schedule="sequential", task_weight=[1, 0, 2]).fit(X, y)
    assert model.task_order_ == ["task_0", "task_2"]


def test_options_are_searched(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    grid = [
        {"attention": ["softmax", "entmax15"], "attention_sharing": ["shared", "superposed"]},
        {
            "attention": [AttentionPooling(encoder=SelfAttentionEncoder())],
            "attention__temperature": [0.5, 2.0],
            "attention__encoder__n_layers": [1, 2],
        },
        {"schedule": [SequentialSchedule()], "schedule__frozen": [True, False]},
    ]
    small = kind(n_views=1, max_epochs=4, linear_view=False, n_trees=0, sharing="joint")
    search = GridSearchCV(small, grid, cv=KFold(2), error_score="raise").fit(X, labels)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.predict(X).shape == (60, 3)


BAD_VALUES = {
    "function": (
        {"attention": "softmx"},
        "attention is 'softmx'; choose from 'softmax', 'sigmoid', 'sparsemax', 'entmax15', 'born', "
        "'uniform', or a callable of scores and an axis, or an AttentionPooling",
    ),
    "no function": ({"attention": 3}, "attention is 3; choose from 'softmax'"),
    "function of options": (
        {"attention": POOLING(function="max")},
        "attention.function is 'max'; choose from",
    ),
    "query": (
        {"attention": POOLING(query="row")},
        "attention.query is 'row'; choose from 'token', 'context', 'multihead', 'task'",
    ),
    "temperature": (
        {"attention": POOLING(temperature=0)},
        "attention.temperature is 0, expected 'auto' or a",
    ),
    "heads": (
        {"attention": POOLING(query="task", n_heads=0)},
        "attention.n_heads is 0, expected a whole number",
    ),
    "layers": (
        {"attention": POOLING(encoder=SelfAttentionEncoder(n_layers=1.5))},
        "attention.encoder.n_layers is 1.5, expected a whole number from 1 on",
    ),
    "encoder": ({"attention": POOLING(encoder=2)}, "attention.encoder is 2; expected a SelfAttentionEncoder"),
    "sharing": (
        {"attention_sharing": "all"},
        "attention_sharing is 'all'; choose from 'own', 'shared', 'gated', 'superposed'",
    ),
    "interaction": (
        {"task_interaction": "mix"},
        "task_interaction is 'mix'; choose from 'residual', 'attention', or None",
    ),
    "schedule": (
        {"schedule": "later"},
        "schedule is 'later'; choose from 'joint', 'sequential', 'alternating', or a SequentialSchedule",
    ),
    "order": (
        {"schedule": SequentialSchedule(order=["task_0", "task_9", "task_2"])},
        r"schedule.order is \['task_0', 'task_9', 'task_2'\]; expected each of the tasks "
        r"\['task_0', 'task_1', 'task_2'\] once",
    ),
    "no order": (
        {"schedule": SequentialSchedule(order="size")},
        "schedule.order is 'size'; choose from 'affinity'",
    ),
    "frozen": (
        {"schedule": SequentialSchedule(frozen="yes")},
        "schedule.frozen is 'yes', expected True or False",
    ),
    "callable that fails": ({"attention": lambda scores: scores}, "failed on scores of shape .* and axis 1"),
    "callable of no weights": (
        {"attention": lambda scores, _: scores},
        "must return .* none of them negative",
    ),
    "callable of a shape": ({"attention": lambda s, dim: s.sum(dim)}, r"returned a tensor of shape \(2, 4\)"),
}
BAD_PAIRS = {
    "heads of no use": (
        {"attention": POOLING(n_heads=2)},
        "attention.n_heads=2 is of no use with attention.query='token'.*'multihead', 'task'",
    ),
    "heads and width": (
        {"attention": POOLING(query="multihead", n_heads=3)},
        "d_hidden=8 is not a multiple of attention.n_heads=3; choose d_hidden=9",
    ),
    "temperature of no use": (
        {"attention": POOLING(function="born", temperature=2)},
        "attention.temperature=2.0 changes nothing with attention.function='born'",
    ),
    "shared and slots": (
        {"attention_sharing": "shared", "n_slots": 2},
        "attention_sharing='shared' is one attention for all tasks, n_slots=2 asks for more; leave one",
    ),
    "shared and interaction": (
        {"attention_sharing": "shared", "task_interaction": "residual"},
        "task_interaction='residual' is between tasks .* attention_sharing='shared' does not leave; leave",
    ),
    "one slot and interaction": (
        {"n_slots": 1, "task_interaction": "residual"},
        "task_interaction='residual' is between tasks .* n_slots=1 does not leave",
    ),
    "shared and task queries": (
        {"attention_sharing": "shared", "attention": POOLING(query="task")},
        "attention.query='task' asks once for each task, attention_sharing='shared' for all at once; chan",
    ),
    "superposed and query": (
        {"attention_sharing": "superposed", "attention": POOLING(query="context")},
        "attention_sharing='superposed' superposes .* attention.query='context' .*set attention.query",
    ),
    "stages and epochs": (
        {"schedule": "sequential", "max_epochs": 2},
        "max_epochs is 2, but a sequential schedule needs an epoch for each of the 3 tasks; choose max_epo",
    ),
}


@pytest.mark.parametrize(
    ("options", "message"), (BAD_VALUES | BAD_PAIRS).values(), ids=BAD_VALUES | BAD_PAIRS
)
def test_errors_name_what_is_wrong_and_what_there_is(options, message, regressor, numbers):
    model = regressor(**options)
    with pytest.raises((ValueError, TypeError), match=f"MultiTaskAttentionRegressor: .*{message}"):
        model.fit(*numbers)
    assert not hasattr(model, "net_")


def test_the_default_is_softmax_for_each_task_and_all_tasks_at_once():
    params = MultiTaskAttentionRegressor(**SMALL).get_params()
    names = "attention", "attention_sharing", "task_interaction", "schedule"
    assert [params[name] for name in names] == ["softmax", "own", None, "joint"]
