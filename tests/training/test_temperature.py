"""Temperatures: what they minimise, what they leave alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, softmax

from sklearn_mtl.training import fit_temperatures, mean_losses, temper

ALL, CLASSES = np.array([False, True, True]), [1, 2]


@pytest.fixture
def predicted():
    """Draw labels, and give the probabilities of logits `sharpness` times as large; a number comes first."""

    def make(rows, sharpness, *, seed=0):
        rng = np.random.default_rng(seed)
        n_rows = len(rows.values)
        logit, logits = 1.5 * rng.normal(size=n_rows), 1.5 * rng.normal(size=(n_rows, 3))
        values = rows.values.copy()
        values[:, 1] = rng.random(n_rows) < expit(logit)
        cumulated = softmax(logits, axis=1).cumsum(axis=1)
        values[:, 2] = (rng.random((n_rows, 1)) > cumulated).sum(axis=1)
        outputs = [values[:, :1], expit(sharpness * logit)[:, None], softmax(sharpness * logits, axis=1)]
        return replace(rows, values=values), np.hstack(outputs)

    return make


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_the_temperature_is_what_logits_were_multiplied_by(make_rows, predicted, sharpness):
    rows, outputs = predicted(make_rows(n_rows=4000), sharpness)
    temperatures = fit_temperatures(outputs, rows, is_calibrated=ALL)
    np.testing.assert_allclose(temperatures[CLASSES], sharpness, rtol=0.1)
    assert temperatures[0] == 1


def test_no_other_temperature_has_a_lower_loss(make_rows, predicted):
    rows, outputs = predicted(make_rows(n_rows=4000), 2.0)
    best = fit_temperatures(outputs, rows, is_calibrated=ALL)
    losses = [
        mean_losses(temper(outputs, np.where(ALL, factor * best, 1.0), rows.layout), rows)[CLASSES]
        for factor in (1.0, 0.95, 1.05, 1 / best)
    ]
    assert (losses[0] < losses[1:]).all()


def test_few_labels_change_less(make_rows, predicted):
    rows, outputs = predicted(make_rows(n_rows=4000, missing=0.0), 3.0)
    shrunk = []
    for n_labels in (10, 100, 4000):
        few = replace(rows, weights=(np.arange(4000)[:, None] < n_labels) * np.ones(3))
        shrunk.append(np.log(fit_temperatures(outputs, few, is_calibrated=ALL)[CLASSES]))
    assert (np.diff(shrunk, axis=0) > 0).all()


def test_the_scale_of_weights_does_not_matter(make_rows, predicted):
    rows, outputs = predicted(make_rows(), 2.0)
    scaled = replace(rows, weights=rows.weights * 8)
    first, second = (fit_temperatures(outputs, each, is_calibrated=ALL) for each in (rows, scaled))
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_missing_labels_do_not_count(make_rows, predicted):
    rows, outputs = predicted(make_rows(), 2.0)
    other = replace(rows, values=np.where(rows.weights > 0, rows.values, 1.0))
    assert (rows.weights == 0).any()
    first, second = (fit_temperatures(outputs, each, is_calibrated=ALL) for each in (rows, other))
    np.testing.assert_array_equal(first, second)


def test_tasks_that_are_not_asked_for_or_not_learned_keep_their_probabilities(make_rows, predicted):
    rows, outputs = predicted(make_rows(), 3.0)
    only = fit_temperatures(outputs, rows, is_calibrated=np.array([False, True, False]))
    assert only[1] != 1
    assert only[2] == 1
    unlearned = replace(rows, task_weight=np.array([1.0, 0.0, 1.0]))
    assert fit_temperatures(outputs, unlearned, is_calibrated=ALL)[1] == 1
    assert temper(outputs, np.ones(3), rows.layout) is outputs
    np.testing.assert_array_equal(
        temper(outputs, only, rows.layout)[:, [0, 2, 3, 4]], outputs[:, [0, 2, 3, 4]]
    )


@pytest.mark.parametrize("temperature", [0.1, 0.7, 10.0])
def test_tempering_keeps_the_order_of_classes_and_the_sum_of_1(make_rows, predicted, temperature):
    rows, outputs = predicted(make_rows(n_rows=500), 4.0)
    tempered = temper(outputs, np.array([1.0, temperature, temperature]), rows.layout)
    np.testing.assert_array_equal(tempered[:, 2:].argsort(axis=1), outputs[:, 2:].argsort(axis=1))
    np.testing.assert_array_equal(tempered[:, 1] > 0.5, outputs[:, 1] > 0.5)
    np.testing.assert_allclose(tempered[:, 2:].sum(axis=1), 1)


def test_a_half_stays_a_half_and_certainty_stays_finite(make_rows):
    rows = make_rows(n_rows=3)
    outputs = np.array(
        [[0.0, 0.5, 1 / 3, 1 / 3, 1 / 3], [0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.5, 0.5]]
    )
    tempered = temper(outputs, np.array([1.0, 2.0, 2.0]), rows.layout)
    np.testing.assert_allclose(tempered[0], outputs[0])
    np.testing.assert_allclose(tempered[1:], outputs[1:], atol=1e-7)
