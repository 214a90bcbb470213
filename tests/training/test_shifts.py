import numpy as np
import pytest

from sklearn_mtl.training._shifts import residual_shifts


def test_shifts_are_the_residuals_quantiles_over_the_rows_of_other_folds(make_rows):
    rows = make_rows(["quantile", "regression", "absolute_error"], missing=0.0)
    rows.weights[:] = 1.0
    predicted = np.random.default_rng(1).normal(5, 3, (60, 1)) * np.ones(5)
    shifts = residual_shifts(predicted, rows)
    for fold in range(3):
        others = rows.fold != fold
        for outputs, task, levels in ((slice(0, 3), 0, (0.1, 0.5, 0.9)), (slice(4, 5), 2, (0.5,))):
            residuals = (rows.values[:, task] - predicted[:, 0])[others]
            expected = np.quantile(residuals, levels, method="inverted_cdf")
            np.testing.assert_array_equal(shifts[fold, outputs], expected)
    assert not shifts[:, 3].any()


def test_labels_that_a_fold_holds_out_do_not_shift_it(make_rows, relabelled):
    rows = make_rows(["quantile", "huber"])
    predicted = np.full((60, 4), 5.0)
    before, after = residual_shifts(predicted, rows), residual_shifts(predicted, relabelled(rows))
    assert np.array_equal(before[0], after[0])
    assert (before[1:] != after[1:]).any()


@pytest.mark.parametrize("kind", ["quantile", "absolute_error"])
def test_a_task_without_labels_is_not_shifted(kind, make_rows):
    rows = make_rows([kind])
    rows.weights[:] = 0.0
    assert not residual_shifts(np.zeros((60, rows.layout.n_outputs)), rows).any()
