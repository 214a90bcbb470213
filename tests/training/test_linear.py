from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from sklearn_mtl.nn import OutputLayout
from sklearn_mtl.training import LinearView, fit_linear_view, mean_losses, ridge_path, target_scales
from sklearn_mtl.training import _linear as linear

STRENGTHS = np.array([0.01, 1.0, 300.0])


@pytest.fixture
def one_strength(monkeypatch):
    """Leave nothing to choose: 3 for ridge and for logistic regression."""
    monkeypatch.setattr(linear, "RIDGE_STRENGTHS", np.array([3.0]))
    monkeypatch.setattr(linear, "LOGISTIC_STRENGTHS", (3.0,))


def problem(n_rows, n_columns, *, seed=0):
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(n_rows, n_columns)) + rng.normal(size=n_columns)
    values = design[:, :2] @ rng.normal(size=(2, 3)) + rng.normal(size=(n_rows, 3)) + 7
    weights = rng.uniform(0.5, 2, n_rows) * (rng.random(n_rows) < 0.8)
    return design, values, weights


def scikit_learn_ridge(rows, fold, task, strength):
    used = rows.trained_on(fold)
    used = used[rows.weights[used, task] > 0]
    weight = rows.weights[used, task]
    return Ridge(strength).fit(
        rows.design[used], rows.values[used, task], sample_weight=weight / weight.mean()
    )


def scikit_learn_logistic(rows, fold, task, strength):
    weights = rows.weights[:, task] / rows.weights[rows.weights[:, task] > 0, task].mean()
    used = rows.trained_on(fold)
    model = LogisticRegression(C=1 / strength, tol=1e-10, max_iter=10_000)
    return model.fit(rows.design[used], rows.values[used, task], sample_weight=weights[used])


@pytest.mark.parametrize(("n_rows", "n_columns"), [(40, 5), (12, 30)], ids=["tall", "wide"])
def test_ridge_path_equals_ridge_of_scikit_learn_at_every_strength(n_rows, n_columns):
    design, values, weights = problem(n_rows, n_columns)
    coefficients, intercept = ridge_path(design, values, weights, STRENGTHS)
    mean_1 = weights / weights[weights > 0].mean()
    for place, strength in enumerate(STRENGTHS):
        ridge = Ridge(strength, solver="svd").fit(design, values, sample_weight=mean_1)
        np.testing.assert_allclose(coefficients[place], ridge.coef_.T, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(intercept[place], ridge.intercept_, rtol=1e-7)


@pytest.mark.parametrize("n_columns", [5, 60], ids=["tall", "wide"])
def test_ridge_path_ignores_rows_of_weight_0_and_the_scale_of_weights(n_columns):
    design, values, weights = problem(40, n_columns)
    expected = ridge_path(design, values, weights, STRENGTHS)
    other = np.where(weights[:, None] > 0, values, 1e9)
    given = ridge_path(design, other, 50 * weights, STRENGTHS)
    for part, expected_part in zip(given, expected, strict=True):
        np.testing.assert_allclose(part, expected_part, rtol=1e-9, atol=1e-12)


def test_ridge_path_without_weight_is_zero():
    design, values, weights = problem(10, 4)
    coefficients, intercept = ridge_path(design, values, 0 * weights, STRENGTHS)
    assert coefficients.shape == (3, 4, 3)
    assert intercept.shape == (3, 3)
    assert not coefficients.any()
    assert not intercept.any()


def test_ridge_path_survives_columns_that_repeat_each_other():
    design, values, weights = problem(40, 5)
    coefficients, intercept = ridge_path(np.hstack([design, design]), values, weights, np.array([1.0]))
    alone, offset = ridge_path(np.sqrt(2) * design, values, weights, np.array([1.0]))
    np.testing.assert_allclose(coefficients[:, :5], coefficients[:, 5:], atol=1e-9)
    np.testing.assert_allclose(coefficients[:, :5], alone / np.sqrt(2), atol=1e-9)
    np.testing.assert_allclose(intercept, offset)


@pytest.mark.usefixtures("one_strength")
def test_a_fold_predicts_its_held_out_numbers_by_ridge_of_the_others(make_rows):
    rows = make_rows(["regression", "regression"])
    view = fit_linear_view(rows)
    coefficients = np.zeros((6, 2))
    for fold in range(3):
        for task in range(2):
            ridge = scikit_learn_ridge(rows, fold, task, 3.0)
            held_out = rows.held_out(fold)
            np.testing.assert_allclose(view.out_of_fold[held_out, task], ridge.predict(rows.design[held_out]))
            coefficients[:, task] += ridge.coef_ / 3
    np.testing.assert_allclose(view.coefficients, coefficients, atol=1e-9)


@pytest.mark.usefixtures("one_strength")
@pytest.mark.parametrize(("kind", "outputs"), [("binary", [1]), ("multiclass", [0, 1, 2])])
def test_a_fold_predicts_its_held_out_classes_by_logistic_regression_of_the_others(kind, outputs, make_rows):
    rows = make_rows([kind], n_rows=90)
    view = fit_linear_view(rows)
    for fold in range(3):
        held_out = rows.held_out(fold)
        expected = scikit_learn_logistic(rows, fold, 0, 3.0).predict_proba(rows.design[held_out])
        np.testing.assert_allclose(view.out_of_fold[held_out], expected[:, outputs], atol=0.003)


@pytest.mark.usefixtures("one_strength")
def test_held_out_labels_have_no_influence_on_their_fold(make_rows, relabelled):
    rows = make_rows(n_rows=90)
    held_out = rows.held_out(0)
    before, after = (fit_linear_view(these).out_of_fold for these in (rows, relabelled(rows)))
    assert np.array_equal(before[held_out, 0], after[held_out, 0])
    # Folds are solved side by side, and end as soon as all of them are nearly there.
    np.testing.assert_allclose(before[held_out, 1:], after[held_out, 1:], atol=0.01)
    others = rows.fold != 0
    assert (np.abs(before - after)[others].max(axis=0) > 0.1).all()


def test_the_strength_of_a_number_is_that_of_the_least_error_out_of_fold(make_rows):
    rows = make_rows(["regression"])
    errors = []
    for strength in linear.RIDGE_STRENGTHS:
        predicted = np.empty((60, 1))
        for fold in range(3):
            held_out = rows.held_out(fold)
            ridge = scikit_learn_ridge(rows, fold, 0, strength)
            predicted[held_out, 0] = ridge.predict(rows.design[held_out])
        errors.append(mean_losses(predicted, rows).item())
    assert np.argmin(errors) not in (0, len(errors) - 1)
    assert mean_losses(fit_linear_view(rows).out_of_fold, rows).item() == pytest.approx(min(errors))


def test_the_strength_of_a_class_is_that_of_the_least_loss_out_of_fold(make_rows, monkeypatch):
    rows = make_rows(["binary", "multiclass"])
    rows.values[:, 1] = np.random.default_rng(4).integers(0, 3, 60)  # nothing to learn
    chosen = mean_losses(fit_linear_view(rows).out_of_fold, rows)
    losses = []
    for strength in linear.LOGISTIC_STRENGTHS:
        monkeypatch.setattr(linear, "LOGISTIC_STRENGTHS", (strength,))
        losses.append(mean_losses(fit_linear_view(rows).out_of_fold, rows))
    np.testing.assert_allclose(chosen, np.min(losses, axis=0), rtol=1e-3)
    assert np.argmin(losses, axis=0).tolist() == [2, 0]  # the weakest, the strongest


def test_each_task_is_fitted_as_it_is_alone(make_rows):
    rows = make_rows(["regression", "binary", "regression"])
    view = fit_linear_view(rows)
    for task, kind in enumerate(rows.layout.kinds):
        alone = replace(
            rows,
            values=rows.values[:, [task]],
            weights=rows.weights[:, [task]],
            task_weight=np.ones(1),
            layout=OutputLayout([kind], [1]),
        )
        predicted = fit_linear_view(alone).out_of_fold[:, 0]
        np.testing.assert_allclose(view.out_of_fold[:, task], predicted, atol=1e-9 if task != 1 else 0.01)


@pytest.mark.parametrize(
    "kind",
    ["regression", "binary"],
)
def test_a_task_without_weight_changes_nothing_for_the_others(kind, make_rows):
    rows = make_rows([kind, kind])
    without = replace(rows, weights=rows.weights * [1, 0])
    expected, view = (fit_linear_view(these).out_of_fold[:, 0] for these in (rows, without))
    np.testing.assert_allclose(view, expected, atol=1e-9 if kind == "regression" else 0.01)


def test_the_view_predicts_by_the_mean_over_folds(make_rows):
    rows = make_rows(["regression"], missing=0.0)
    same = replace(rows, fold=np.arange(60) % 2, design=np.repeat(rows.design[::2], 2, axis=0))
    same = replace(same, values=np.repeat(rows.values[::2], 2, axis=0), weights=np.ones((60, 1)))
    view = fit_linear_view(same)  # both folds train on the same rows
    np.testing.assert_allclose(same.design @ view.coefficients + view.intercept, view.out_of_fold)


def test_where_takes_whole_outputs_of_one_view_or_the_other():
    views = [
        LinearView(np.full((2, 3), value), np.full(3, value), np.full((4, 3), value)) for value in (1.0, 2.0)
    ]
    chosen = np.array([True, False, True])
    joined = views[0].where(chosen, otherwise=views[1])
    for part in (joined.coefficients, joined.intercept, joined.out_of_fold):
        assert np.array_equal(part, np.broadcast_to([1.0, 2.0, 1.0], part.shape))


def test_a_constant_view_says_the_same_of_every_row(make_rows):
    rows = make_rows()
    view = LinearView.constant(rows, np.array([4.0, 0.0, 0.0, 0.0, np.log(2)]))
    assert view.coefficients.shape == (6, 5)
    assert not view.coefficients.any()
    assert view.intercept.tolist() == [4.0, 0.0, 0.0, 0.0, np.log(2)]
    np.testing.assert_allclose(view.out_of_fold, np.tile([4.0, 0.5, 0.25, 0.25, 0.5], (60, 1)))


def loop_reference(rows, tasks):
    """Ridge of scikit-learn for every fold and strength, the strength of the least error; (R, T')."""
    predicted = np.empty((len(rows.fold), len(tasks)))
    for place, task in enumerate(tasks):
        out_of_fold = np.empty((len(linear.RIDGE_STRENGTHS), len(rows.fold)))
        for fold in range(rows.n_folds):
            held_out = rows.held_out(fold)
            for row, strength in zip(out_of_fold, linear.RIDGE_STRENGTHS, strict=True):
                row[held_out] = scikit_learn_ridge(rows, fold, task, strength).predict(rows.design[held_out])
        errors = ((out_of_fold - rows.values[:, task]) ** 2) @ rows.weights[:, task]
        predicted[:, place] = out_of_fold[errors.argmin()]
    return predicted


def wide_design(rows, n_columns, seed=0):
    return np.random.default_rng(seed).normal(size=(len(rows.fold), n_columns)) + 3 * rows.design[:, :1]


@pytest.mark.parametrize(
    "limits",
    [{}, {"_BLOCK_FLOATS": 1}, {"_MOST_FLOATS": 0}, {"_MOST_FLOATS": 0, "_BLOCK_FLOATS": 1}],
    ids=["at-once", "blocks", "each-fold-alone", "each-fold-alone-in-blocks"],
)
@pytest.mark.parametrize("n_columns", [6, 500, 1300], ids=["tall", "square", "wide"])
def test_out_of_fold_numbers_are_those_of_a_loop_over_folds_and_strengths(
    n_columns, limits, make_rows, monkeypatch
):
    for name, value in limits.items():
        monkeypatch.setattr(linear, name, value)
    monkeypatch.setattr(linear, "RIDGE_STRENGTHS", np.array([0.1, 10.0, 1e3]))
    rows = make_rows(["regression", "regression"], n_rows=1500 if n_columns < 1000 else 900)
    rows = replace(rows, design=wide_design(rows, n_columns))
    np.testing.assert_allclose(
        fit_linear_view(rows).out_of_fold, loop_reference(rows, [0, 1]), rtol=1e-7, atol=1e-7
    )


def test_tasks_of_equal_weights_are_fitted_together_and_others_on_their_own(make_rows):
    rows = make_rows(["regression"] * 3, n_rows=300)
    rows.weights[:, 2] = rows.weights[:, 0]
    assert linear._tasks_of_equal_weights(rows) == [[0, 2], [1]]
    np.testing.assert_allclose(
        fit_linear_view(rows).out_of_fold, loop_reference(rows, [0, 1, 2]), rtol=1e-8, atol=1e-8
    )


def test_moments_of_blocks_do_not_cancel():
    design, values, weights = problem(3000, 4)
    design, values = design + 1e6, values - 1e8
    kept = weights > 0
    parts = [
        linear._measured(design[block], values[block], weights[block])
        for block in np.split(np.flatnonzero(kept), [7, 1000])
    ]
    joined = linear._joined(parts)
    whole = linear._measured(design[kept], values[kept], weights[kept])
    for name in ("n_rows", "weight", "column_mean", "value_mean", "gram", "cross"):
        np.testing.assert_allclose(getattr(joined, name), getattr(whole, name), rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_blocks_of_rows_give_the_same_classes(kind, make_rows, monkeypatch):
    rows = make_rows([kind, kind], n_rows=1500)
    expected = fit_linear_view(rows).out_of_fold
    monkeypatch.setattr(linear, "_BLOCK_FLOATS", 1)
    np.testing.assert_allclose(fit_linear_view(rows).out_of_fold, expected, atol=0.002)


def test_classes_are_learned_from_some_of_many_rows(make_rows, monkeypatch):
    rows = make_rows(["binary", "multiclass"], n_rows=6000)
    expected = fit_linear_view(rows)
    monkeypatch.setattr(linear, "_MOST_LOGISTIC_ROWS", 1500)
    monkeypatch.setattr(linear, "_LEAST_LOGISTIC_ROWS", 1500)
    given = fit_linear_view(rows)
    assert given.out_of_fold.shape == expected.out_of_fold.shape
    assert 1e-4 < np.abs(given.out_of_fold - expected.out_of_fold).mean() < 0.03


def test_each_task_draws_as_many_labelled_rows_as_it_may_and_keeps_its_weight(make_rows, monkeypatch):
    rows = make_rows(["binary"] * 3, n_rows=900)
    rows.weights[40:, 1] = 0.0  # a scarce task
    for name in ("_MOST_LOGISTIC_ROWS", "_LEAST_LOGISTIC_ROWS"):
        monkeypatch.setattr(linear, name, 100)
    chosen, weights = linear._logistic_sample(rows, [0, 1, 2])
    n_labelled = (rows.weights > 0).sum(axis=0)
    assert (weights > 0).sum(axis=0).tolist() == [100, n_labelled[1], 100]
    np.testing.assert_allclose(weights.sum(axis=0), n_labelled)
    assert (np.diff(chosen) > 0).all()
    assert ((rows.weights[chosen] > 0) | (weights == 0)).all()
    assert len(chosen) < 250  # not three times as many: tasks share their rows
    np.testing.assert_array_equal(chosen, linear._logistic_sample(rows, [0, 1, 2])[0])


def test_a_rate_is_fitted_as_by_scikit_learn(make_rows, monkeypatch):
    rows = make_rows(["poisson"], missing=0.0, n_rows=90)
    monkeypatch.setattr(linear, "LOGISTIC_STRENGTHS", (3.0,))
    view = fit_linear_view(rows)
    for fold in range(3):
        used, held_out = rows.trained_on(fold), rows.held_out(fold)
        weights = rows.weights[:, 0] / rows.weights[:, 0].mean()
        unit = np.average(rows.values[:, 0], weights=weights)
        # scikit-learn divides the loss by the weights' sum, and adds half of alpha times the squared norm.
        theirs = PoissonRegressor(alpha=3.0 / weights[used].sum(), max_iter=1000, tol=1e-9)
        theirs.fit(rows.design[used], rows.values[used, 0] / unit, sample_weight=weights[used])
        expected = unit * theirs.predict(rows.design[held_out])
        np.testing.assert_allclose(view.out_of_fold[held_out, 0], expected, rtol=2e-2)


def test_thresholds_of_an_ordinal_task_are_the_same_for_all_rows(make_rows):
    rows = make_rows(["ordinal", "binary"])
    view = fit_linear_view(rows)
    assert not view.coefficients[:, 1:3].any()
    assert view.coefficients[:, 0].any()
    np.testing.assert_allclose(view.out_of_fold[:, :3].sum(axis=1), 1)
    losses = mean_losses(view.out_of_fold, rows)
    assert losses[0] < 0.9 * target_scales(rows).base_loss[0]


def test_quantiles_lie_about_the_line_in_their_order(make_rows):
    rows = make_rows(["quantile", "regression"], missing=0.0, n_rows=200)
    view = fit_linear_view(rows)
    quantiles, number = view.out_of_fold[:, :3], view.out_of_fold[:, 3]
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert np.corrcoef(quantiles[:, 1], number)[0, 1] > 0.95
    below = (rows.values[:, :1] <= quantiles).mean(axis=0)
    np.testing.assert_allclose(below, [0.1, 0.5, 0.9], atol=0.07)


def test_beside_terms_numbers_are_tried_alone(make_rows):
    rows = make_rows(["regression", "binary"], n_rows=120)
    n_dense = rows.design.shape[1]
    terms = 30 * np.random.default_rng(0).random((120, 300))  # noise that no penalty fits beside the numbers
    beside = replace(rows, design=csr_array(np.hstack([rows.design, terms])), n_dense=n_dense)
    with_terms, alone = fit_linear_view(replace(beside, n_dense=0)), fit_linear_view(rows)
    assert (mean_losses(alone.out_of_fold, rows) < mean_losses(with_terms.out_of_fold, rows)).all()
    view = fit_linear_view(beside)
    np.testing.assert_array_equal(view.out_of_fold, alone.out_of_fold)
    np.testing.assert_array_equal(view.coefficients[:n_dense], alone.coefficients)
    assert not view.coefficients[n_dense:].any()


def test_terms_that_serve_a_task_stay(make_rows):
    rows = make_rows(["regression"], n_rows=120)
    n_dense = rows.design.shape[1]
    terms = np.random.default_rng(0).normal(size=(120, 3))
    rows = replace(rows, values=rows.values + 20 * terms[:, :1] * (rows.weights > 0))
    beside = replace(rows, design=csr_array(np.hstack([rows.design, terms])), n_dense=n_dense)
    assert np.abs(fit_linear_view(beside).coefficients[n_dense]).max() > 5
