from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_mtl.nn import OutputLayout, activate
from sklearn_mtl.training import best_constants, target_scales
from sklearn_mtl.training._constants import loss_of_constants


def base_rates(values, weights, n_classes):
    """Shares of classes as if half of a mean row of each had been seen before, by a loop."""
    counts = np.full(n_classes, 0.5 * weights[weights > 0].mean())
    for value, weight in zip(values, weights, strict=True):
        counts[int(value)] += weight
    return counts / counts.sum()


def test_each_row_is_held_out_by_one_fold_and_trained_on_by_the_others(make_rows):
    rows = make_rows(n_folds=4)
    assert rows.n_folds == 4
    held_out = np.concatenate([rows.held_out(fold) for fold in range(4)])
    assert sorted(held_out) == list(range(60))
    for fold in range(4):
        assert sorted([*rows.held_out(fold), *rows.trained_on(fold)]) == list(range(60))


def test_held_out_labels_have_no_influence_on_their_fold(make_rows, relabelled):
    rows = make_rows()
    before, after = target_scales(rows), target_scales(relabelled(rows))
    for name in ("mean", "deviation", "prior"):
        assert np.array_equal(getattr(before, name)[0], getattr(after, name)[0])
        assert not np.array_equal(getattr(before, name)[1:], getattr(after, name)[1:])


def test_numbers_are_measured_by_weighted_moments_of_the_rows_trained_on(make_rows):
    rows = make_rows()
    scales = target_scales(rows)
    for fold in range(3):
        used = rows.trained_on(fold)
        value, weight = rows.values[used, 0], rows.weights[used, 0]
        mean = np.average(value, weights=weight)
        deviation = np.average((value - mean) ** 2, weights=weight) ** 0.5
        assert scales.mean[fold, 0] == pytest.approx(mean)
        assert scales.deviation[fold, 0] == pytest.approx(deviation)
    assert not scales.prior[:, 0].any()


def test_priors_predict_the_base_rates_of_the_rows_trained_on(make_rows):
    rows = make_rows()
    scales = target_scales(rows)
    for fold in range(3):
        used = rows.trained_on(fold)
        binary, three = (
            base_rates(rows.values[used, task], rows.weights[used, task], n) for task, n in ((1, 2), (2, 3))
        )
        odds = np.exp(scales.prior[fold, 1])
        powers = np.exp(scales.prior[fold, 2:])
        np.testing.assert_allclose(odds / (1 + odds), binary[1])
        np.testing.assert_allclose(powers / powers.sum(), three)
    assert (scales.mean[:, 1:] == 0).all()
    assert (scales.deviation[:, 1:] == 1).all()


def test_base_losses_are_the_variance_and_the_entropy_of_all_labels(make_rows):
    rows = make_rows()
    value, weight = rows.values[:, 0], rows.weights[:, 0]
    mean = np.average(value, weights=weight)
    expected = [np.average((value - mean) ** 2, weights=weight)]
    for task, n_classes in ((1, 2), (2, 3)):
        rates = base_rates(rows.values[:, task], rows.weights[:, task], n_classes)
        expected.append(-(rates * np.log(rates)).sum())
    np.testing.assert_allclose(target_scales(rows).base_loss, expected)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_scaling_all_weights_changes_nothing(factor, make_rows):
    rows = make_rows()
    before, after = target_scales(rows), target_scales(replace(rows, weights=factor * rows.weights))
    for name in ("mean", "deviation", "prior", "base_loss"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9])
def test_a_number_that_never_varies_is_not_scaled(constant, make_rows):
    rows = make_rows(["regression"])
    scales = target_scales(replace(rows, values=np.full((60, 1), constant)))
    np.testing.assert_allclose(scales.mean, constant)
    assert (scales.deviation == 1).all()
    assert (scales.base_loss == 1).all()


def test_a_fold_that_holds_out_all_labels_of_a_task_expects_the_mean_of_numbers_and_no_class(make_rows):
    rows = make_rows()
    weights = np.where(rows.fold[:, None] == 0, 1.0, 0.0) * np.ones(3)
    scales = target_scales(replace(rows, weights=weights))
    assert scales.mean[0, 0] == pytest.approx(np.average(rows.values[:, 0], weights=weights[:, 0]))
    assert (scales.deviation[0] == 1).all()
    np.testing.assert_allclose(scales.prior[0, 2:], scales.prior[0, 2])
    assert scales.prior[0, 1] == 0
    assert np.isfinite(scales.base_loss).all()


NUMBERS = ["absolute_error", "huber", "quantile", "poisson"]


@pytest.mark.parametrize("kind", NUMBERS)
def test_held_out_labels_have_no_influence_on_the_scales_of_any_loss(kind, make_rows, relabelled):
    rows = make_rows([kind])
    before, after = target_scales(rows), target_scales(relabelled(rows))
    for name in ("mean", "deviation", "prior", "fold_loss"):
        assert np.array_equal(getattr(before, name)[0], getattr(after, name)[0])


@pytest.mark.parametrize("kind", NUMBERS)
def test_the_prior_is_the_best_constant_and_has_the_losses_that_are_divided_by(kind, make_rows):
    rows = make_rows([kind])
    scales, layout = target_scales(rows), rows.layout
    values, weights = rows.values[:, 0], rows.weights[:, 0]
    assert scales.base_loss[0] == pytest.approx(
        loss_of_constants(best_constants(layout, values, weights), layout, values, weights)
    )
    for fold in range(3):
        used = rows.trained_on(fold)
        values, weights = rows.values[used, 0], rows.weights[used, 0]
        prior = activate(torch.from_numpy(scales.prior[fold]), layout).numpy()
        of_fold = OutputLayout(
            [kind], [layout.n_outputs], levels=layout.levels, units={0: scales.deviation[fold, 0]}
        )
        expected = best_constants(of_fold, values, weights)
        np.testing.assert_allclose(prior * scales.deviation[fold] + scales.mean[fold], expected, rtol=1e-9)
        targets = (values - scales.mean[fold, 0]) / scales.deviation[fold, 0]
        standard = OutputLayout([kind], [layout.n_outputs], levels=layout.levels)
        assert scales.fold_loss[fold, 0] == pytest.approx(
            loss_of_constants(prior, standard, targets, weights)
        )


def test_a_fold_that_holds_out_all_counts_above_0_takes_the_mean_of_all(make_rows):
    rows = make_rows(["poisson"], missing=0.0)
    rows.values[:, 0] = np.where(rows.fold == 0, 4.0, 0.0)
    scales = target_scales(rows)
    assert scales.deviation[0, 0] == pytest.approx(np.average(rows.values[:, 0], weights=rows.weights[:, 0]))
    assert np.isfinite(scales.fold_loss).all()
    assert (scales.fold_loss > 0).all()


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_a_number_that_never_varies_has_finite_scales_with_any_loss(kind, constant, make_rows):
    rows = make_rows([kind])
    rows.values[:] = constant
    scales = target_scales(rows)
    assert (scales.deviation > 0).all()
    assert (scales.base_loss == 1).all()
    assert (scales.fold_loss == 1).all()
