import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_mtl.inspection import task_affinity, task_groups
from sklearn_mtl.nn import task_losses

TASKS = ["task_0", "task_1", "task_2"]


def test_residuals_are_correlated_over_rows_with_both_labels(fitted, numbers):
    _, y = numbers
    affinity = task_affinity(fitted, y=y)
    assert affinity.index.tolist() == affinity.columns.tolist() == TASKS
    residuals = pd.DataFrame(y - fitted.oof_prediction_)
    np.testing.assert_allclose(affinity, residuals.corr())
    assert affinity.loc["task_0", "task_1"] < -0.5  # the hidden cause


def test_residuals_of_two_classes_are_labels_less_probabilities(mixed):
    model, _, labels = mixed
    affinity = task_affinity(model, y=labels)
    number = labels[:, 0] - model.oof_prediction_[:, 0].astype(float)
    binary = labels[:, 1] - model.oof_proba_["task_1"][:, 1]
    expected = pd.DataFrame([number, binary]).T.corr().iloc[0, 1]
    assert affinity.loc["task_0", "task_1"] == pytest.approx(expected)


def test_residuals_of_more_classes_have_their_canonical_correlation(mixed):
    model, _, labels = mixed
    both = ~np.isnan(labels[:, [0, 2]]).any(axis=1)
    number = labels[both, 0] - model.oof_prediction_[both, 0].astype(float)
    three = (labels[both, 2, None] == np.arange(3)) - model.oof_proba_["task_2"][both]
    # With one number, that is the multiple correlation: of the best linear prediction.
    design = np.column_stack([np.ones(both.sum()), three[:, 1:]])
    predicted = design @ np.linalg.lstsq(design, number, rcond=None)[0]
    expected = np.corrcoef(predicted, number)[0, 1]
    assert task_affinity(model, y=labels).loc["task_0", "task_2"] == pytest.approx(expected)


def test_test_residuals_are_those_of_predictions(mixed):
    model, X, labels = mixed
    X, labels = X[::2] + 0.01, labels[::2]
    affinity = task_affinity(model, X, labels, method="test_residuals")
    number = labels[:, 0] - model.predict(X)[:, 0].astype(float)
    binary = labels[:, 1] - model.predict_proba(X)["task_1"][:, 1]
    expected = pd.DataFrame([number, binary]).T.corr().iloc[0, 1]
    assert affinity.loc["task_0", "task_1"] == pytest.approx(expected)
    with pytest.raises(ValueError, match="X or y is missing"):
        task_affinity(model, y=labels, method="test_residuals")
    with pytest.raises(ValueError, match="X has 30 rows and y has 29"):
        task_affinity(model, X, labels[1:], method="test_residuals")


def test_numbers_are_compared_on_the_scale_on_which_they_are_learned(regressor, numbers):
    X, y = numbers
    y = np.exp(y)
    model = regressor(target_transform="log1p").fit(X, y)
    residuals = pd.DataFrame(np.log1p(y) - np.log1p(model.oof_prediction_))
    np.testing.assert_allclose(task_affinity(model, y=y), residuals.corr())


def test_overlap_of_attention_equals_a_loop(fitted):
    affinity, attention = task_affinity(fitted, method="attention"), fitted.feature_attention_.to_numpy()
    for t in range(3):
        for u in range(3):
            assert affinity.iloc[t, u] == pytest.approx(
                sum(min(attention[t, j], attention[u, j]) for j in range(3))
            )


def test_cosines_of_gradients_equal_a_loop_over_rows(mixed):
    model, X, labels = mixed
    ensemble = model._ensemble
    module, layout = ensemble.net.module_, ensemble.layout
    inputs = [torch.from_numpy(part) for part in ensemble.preparation.network_inputs(model._read_columns(X))]
    gradients = np.zeros((3, 60, 2 * 2 * 8))
    for task, row in np.argwhere(~np.isnan(labels.T)):
        views, slots = module.attention(module.tokens(*(part[None, [row]] for part in inputs)))
        views.requires_grad_()
        targets = torch.zeros(2, 1, 1, 3)
        for fold in range(2):
            start = layout.slices[task].start
            scaled = labels[row, task] - ensemble.scales.mean[fold, start]
            targets[fold, ..., task] = scaled / ensemble.scales.deviation[fold, start]
        task_losses(module.heads(*module.network(views, slots)), targets, layout)[..., task].sum().backward()
        gradients[task, row] = views.grad.numpy().ravel()
    affinity = task_affinity(model, X, labels, method="gradient")
    for t in range(3):
        for u in range(t):
            both = ~np.isnan(labels[:, [t, u]]).any(axis=1)
            first, second = gradients[t, both].ravel(), gradients[u, both].ravel()
            expected = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
            assert affinity.iloc[t, u] == affinity.iloc[u, t] == pytest.approx(expected, abs=1e-5)


def test_gradients_leave_the_estimator_as_it_was(mixed):
    model, X, labels = mixed
    before = model._predict_outputs(X)
    task_affinity(model, X, labels, method="gradient")
    np.testing.assert_array_equal(model._predict_outputs(X), before)
    assert all(parameter.grad is None for parameter in model.net_.module_.parameters())


def test_tasks_without_common_rows_have_no_affinity(regressor, numbers):
    X, y = numbers[0], np.nan_to_num(numbers[1])
    y[:30, 0], y[30:, 1] = np.nan, np.nan
    model = regressor().fit(X, y)
    for method in ("residuals", "gradient"):
        affinity = task_affinity(model, X, y, method=method)
        assert np.isnan(affinity.loc["task_0", "task_1"])
        assert affinity.notna().to_numpy().sum() == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "magic"}, "method='magic' is none of"),
        ({}, "y is missing; give the labels"),
        ({"y": np.zeros((5, 3))}, "y has 5 rows, fit had 60"),
        ({"y": np.zeros((60, 3)), "method": "gradient"}, "X is missing"),
        ({"X": np.zeros((5, 3)), "y": np.zeros((60, 3)), "method": "gradient"}, "X has 5 rows and y has 60"),
    ],
    ids=["method", "no-y", "other-y", "no-X", "other-X"],
)
def test_wrong_arguments_are_refused(fitted, arguments, message):
    with pytest.raises(ValueError, match=message):
        task_affinity(fitted, **arguments)


@pytest.fixture
def affinity():
    """Two pairs that are alike, one task that is like no other, and a hole."""
    values = np.full((5, 5), 0.1)
    values[[0, 3], [3, 0]], values[[1, 4], [4, 1]], values[[2, 0], [0, 2]] = 0.9, 0.6, np.nan
    np.fill_diagonal(values, 1.0)
    return pd.DataFrame(values, list("abcde"), list("abcde"))


@pytest.mark.parametrize(
    ("options", "groups"),
    [
        ({}, ["ad", "be", "c"]),
        ({"least_affinity": 0.7}, ["ad", "b", "c", "e"]),
        ({"least_affinity": 0.0}, ["abcde"]),
        ({"n_groups": 4}, ["ad", "b", "c", "e"]),
        ({"n_groups": 1}, ["abcde"]),
        ({"n_groups": 5}, list("abcde")),
    ],
    ids=str,
)
def test_groups_are_of_tasks_that_are_alike(affinity, options, groups):
    assert task_groups(affinity, **options) == [list(group) for group in groups]


def test_one_task_is_one_group():
    assert task_groups(pd.DataFrame([[1.0]], ["a"], ["a"])) == [["a"]]


@pytest.mark.parametrize("n_groups", [0, 6, 1.5])
def test_a_number_of_groups_that_cannot_be_is_refused(affinity, n_groups):
    with pytest.raises(ValueError, match="expected 1 to 5"):
        task_groups(affinity, n_groups=n_groups)
