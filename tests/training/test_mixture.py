import itertools
from dataclasses import replace

import numpy as np
import pytest

from sklearn_mtl.training import _mixture as mixture
from sklearn_mtl.training import (
    mean_losses,
    mixture_loss,
    share_alone,
    target_scales,
    view_shares,
)


def test_mean_losses_equal_a_loop_over_observed_labels(make_rows):
    rows = make_rows()
    rng = np.random.default_rng(1)
    predictions = np.column_stack(
        [rng.normal(5, 3, 60), rng.uniform(0.1, 0.9, 60), rng.dirichlet([2, 2, 2], 60)]
    )
    expected = np.zeros(3)
    for row in range(60):
        number, second, *three = predictions[row]
        value, is_second, which = rows.values[row]
        losses = (
            (number - value) ** 2,
            -np.log(second if is_second else 1 - second),
            -np.log(three[int(which)]),
        )
        expected += rows.weights[row] * losses
    np.testing.assert_allclose(mean_losses(predictions, rows), expected / rows.weights.sum(axis=0))


def test_a_task_without_weight_has_no_loss(make_rows):
    rows = make_rows()
    losses = mean_losses(np.full((60, 5), 0.3), replace(rows, weights=rows.weights * [1, 0, 1]))
    assert losses[1] == 0
    assert (losses[[0, 2]] > 0).all()


@pytest.fixture
def make_views():
    """Give views that predict with errors of their own."""

    def make(rows, n_views, *, seed=1):
        rng = np.random.default_rng(seed)
        n_rows, views = len(rows.fold), []
        for view in range(n_views):
            parts = []
            for task, kind in enumerate(rows.layout.kinds):
                value = rows.values[:, task]
                if kind == "regression":
                    parts.append(value + rng.normal(0, 2 + view, n_rows))
                elif kind == "binary":
                    parts.append(np.clip(0.6 * value + 0.2 + rng.uniform(-0.3, 0.3, n_rows), 0.02, 0.98))
                else:
                    odds = np.eye(3)[value.astype(int)] + rng.uniform(0.2, 1.5, (n_rows, 3))
                    parts.append((odds / odds.sum(axis=1, keepdims=True)).T)
            views.append(np.vstack(parts).T)
        return views

    return make


def shares_by_loop(views, rows, scales, *, all_weights=None):
    """Try all shares in steps of a twentieth for each task."""
    counts = itertools.product(range(21), repeat=len(views))
    candidates = [np.array(shares) / 20 for shares in counts if sum(shares) == 20]
    relative = np.array(
        [
            mean_losses(np.einsum("m,mro->ro", shares, np.stack(views)), rows) / scales.base_loss
            for shares in candidates
        ]
    )
    best = []
    for task in range(len(rows.task_weight)):
        n_labels = np.count_nonzero((rows.weights if all_weights is None else all_weights)[:, task])
        common = np.log(relative + 0.05) @ (rows.task_weight / rows.task_weight.sum())
        total = np.log(relative[:, task] + 1 / n_labels**2) + 200 / (200 + n_labels) * common
        best.append(candidates[int(np.argmin(total))])
    return np.array(best).T


@pytest.mark.parametrize("n_views", [2, 3])
@pytest.mark.parametrize("task_weight", [[1.0, 1.0, 1.0], [1.0, 0.0, 5.0]], ids=["equal", "weighted"])
def test_shares_equal_a_loop_over_all_of_them(n_views, task_weight, make_rows, make_views):
    rows = make_rows(task_weight=np.array(task_weight))
    views, scales = make_views(rows, n_views), target_scales(rows)
    shares = view_shares(views, rows, scales)
    np.testing.assert_allclose(shares, shares_by_loop(views, rows, scales), atol=1e-12)
    assert ((shares > 0) & (shares < 1)).any()  # or nothing would be shown


def test_shares_are_not_negative_and_sum_to_1_in_steps_of_a_twentieth(make_rows, make_views):
    rows = make_rows()
    shares = view_shares(make_views(rows, 3), rows, target_scales(rows))
    assert shares.shape == (3, 3)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    np.testing.assert_allclose(20 * shares, np.round(20 * shares), atol=1e-9)


def test_a_view_alone_has_all(make_rows, make_views):
    rows = make_rows()
    assert view_shares(make_views(rows, 1), rows, target_scales(rows)).tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize("share", [0.0, 0.25, 0.75, 1.0])
def test_the_share_is_found_where_the_best_is_known(share, make_rows):
    rows = make_rows(["regression"])
    error = np.random.default_rng(1).normal(size=(60, 1))
    # The errors of both cancel at the share.
    views = rows.values + (1 - share) * error, rows.values - share * error
    assert view_shares(views, rows, target_scales(rows))[:, 0].tolist() == pytest.approx([share, 1 - share])


@pytest.mark.parametrize("shares", [(0.2, 0.5, 0.3), (0.0, 0.4, 0.6), (0.7, 0.0, 0.3)], ids=str)
def test_the_shares_of_three_views_are_found_where_the_best_are_known(shares, make_rows):
    rows = make_rows(["regression"])
    share = np.array(shares)
    # Errors by directions that cancel at the shares alone.
    directions = np.eye(3) - share
    errors = np.random.default_rng(1).normal(size=(60, 3)) @ directions.T
    views = [rows.values + errors[:, [view]] for view in range(3)]
    np.testing.assert_allclose(view_shares(views, rows, target_scales(rows))[:, 0], share, atol=1e-12)


def test_each_task_leans_to_the_view_that_serves_it(make_rows):
    rows = make_rows(["regression", "binary"])
    rng = np.random.default_rng(1)
    probable = np.clip(rows.values[:, 1], 0.2, 0.8)
    network = np.column_stack([rng.normal(size=60), probable])
    linear = np.column_stack([rows.values[:, 0], 1 - probable])
    shares = view_shares([network, linear], rows, target_scales(rows))
    assert shares.argmax(axis=0).tolist() == [1, 0]
    assert shares.max(axis=0).min() >= 0.75  # its own loss counts more than the mean of all


def test_a_task_with_few_labels_follows_the_others(make_rows):
    rows = make_rows(["regression"] * 3, missing=0.0)
    error = np.random.default_rng(1).normal(size=(60, 3))
    # All tasks but the last are served best by a half; its only label by the first view alone.
    views = [rows.values + error, rows.values - error]
    views[0][0, 2], views[1][0, 2] = rows.values[0, 2], rows.values[0, 2] + 0.3
    rows.weights[1:, 2] = 0.0
    scales = replace(target_scales(rows), base_loss=np.array([1.0, 1.0, 1.0]))
    alone = replace(rows, task_weight=np.array([0.0, 0.0, 1.0]))
    assert view_shares(views, alone, scales)[0, 2] == 1.0
    pooled = view_shares(views, rows, scales)
    assert pooled[0, :2].tolist() == [0.5, 0.5]
    assert pooled[0, 2] < 0.6


def test_views_that_are_equal_leave_all_to_the_first(make_rows):
    rows = make_rows()
    predictions = np.tile([0.5, 0.5, 0.25, 0.25, 0.5], (60, 1))
    for n_views in (2, 3):
        shares = view_shares([predictions] * n_views, rows, target_scales(rows))
        assert shares[0].tolist() == [1.0, 1.0, 1.0]
        assert not shares[1:].any()


def test_of_later_views_that_are_equal_the_earlier_has_the_share(make_rows, make_views):
    rows = make_rows(["regression"])
    first, second = make_views(rows, 2)
    shares = view_shares([first, second, second], rows, target_scales(rows))[:, 0]
    assert 0 < shares[1] < 1
    assert shares[2] == 0


def test_missing_labels_have_no_influence_on_shares(make_rows):
    rows = make_rows(["regression"], missing=0.5)
    error = np.random.default_rng(1).normal(size=(60, 1))
    network, linear = rows.values + 0.6 * error, rows.values - 0.4 * error
    network[rows.weights == 0] = 1e6
    shares = view_shares([network, linear], rows, target_scales(rows))
    assert shares[:, 0].tolist() == pytest.approx([0.4, 0.6])


def test_of_many_labels_evenly_spaced_rows_are_looked_at(make_rows, make_views, monkeypatch):
    rows = make_rows()
    views, scales = make_views(rows, 3), target_scales(rows)
    monkeypatch.setattr(mixture, "_MOST_LABELS", 60)  # of 180
    shares = view_shares(views, rows, scales)
    third = replace(
        rows,
        values=rows.values[::3],
        weights=rows.weights[::3],
        fold=rows.fold[::3],
        numbers=rows.numbers[::3],
    )
    np.testing.assert_allclose(
        shares,
        shares_by_loop([view[::3] for view in views], third, scales, all_weights=rows.weights),
        atol=1e-12,
    )


@pytest.mark.parametrize("n_views", [1, 3])
def test_the_loss_of_a_mixture_is_that_of_the_views_in_their_shares(n_views, make_rows, make_views):
    rows = make_rows(task_weight=np.array([1.0, 2.0, 5.0]))
    views, scales = make_views(rows, n_views), target_scales(rows)
    of_outputs = np.repeat(view_shares(views, rows, scales), [1, 1, 3], axis=1)  # (M, O)
    losses = mean_losses(np.einsum("mo,mro->ro", of_outputs, np.stack(views)), rows) / scales.base_loss
    assert mixture_loss(views, rows, scales) == pytest.approx(losses @ [1, 2, 5] / 8)


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_the_share_of_views_alone_equals_a_loop(kind, make_rows, make_views):
    rows = make_rows([kind], n_rows=400, missing=0.5)
    alone, joint = make_views(rows, 2)
    scales, n_labels = target_scales(rows), np.count_nonzero(rows.weights)
    totals = []
    for step in range(21):
        mixed = (1 - step / 20) * joint + step / 20 * alone
        relative = mean_losses(mixed, rows)[0] / scales.base_loss[0]
        totals.append(np.log(relative + 1 / n_labels**2) + (2 / n_labels if step else 0))
    assert share_alone(joint, alone, rows, scales) == np.argmin(totals) / 20
    assert 0 < np.argmin(totals) < 20  # or nothing would be shown


def test_views_alone_that_gain_no_more_than_chance_have_no_share(make_rows):
    shares = []
    for seed in range(20):
        rows = make_rows(["regression"], missing=0.0, seed=seed)
        joint = rows.values + np.random.default_rng(seed).normal(size=(60, 1))
        # What is alone adds nothing but noise.
        alone = joint + 0.5 * np.random.default_rng(seed + 100).normal(size=(60, 1))
        shares.append(share_alone(joint, alone, rows, target_scales(rows)))
    assert np.mean(np.array(shares) == 0) >= 0.85


def test_views_alone_of_many_labels_are_judged_by_evenly_spaced_rows(make_rows, make_views, monkeypatch):
    rows = make_rows(["regression"], missing=0.0)
    joint, alone = make_views(rows, 2)
    joint[1::2] = np.nan
    monkeypatch.setattr(mixture, "_MOST_LABELS", 30)
    assert 0 < share_alone(joint, alone, rows, target_scales(rows)) < 1
