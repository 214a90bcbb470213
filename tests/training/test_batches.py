from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_mtl.nn import ColumnTokens, task_losses
from sklearn_mtl.training import FoldBatches, FoldDataset, target_scales
from sklearn_mtl.training._batches import held_out_blocks


def dataset_of(rows):
    return FoldDataset(rows, target_scales(rows), device="cpu")


def labels_of(dataset):
    """Targets and weights of all rows as each fold sees them; (G, R, T)."""
    return dataset[torch.arange(len(dataset)).expand(3, -1)][1][:2]


@pytest.fixture
def marked(make_rows):
    """Give a data set whose first number is the row's own."""
    rows = make_rows()
    numbers = rows.numbers.copy()
    numbers[:, 0] = np.arange(60)
    return dataset_of(replace(rows, numbers=numbers))


def epoch(batches):
    """Rows of each fold in the order of an epoch; (G, B')."""
    return np.concatenate([numbers[..., 0].numpy() for (numbers, *_), _ in batches], axis=1).astype(int)


def test_a_batch_gathers_what_belongs_to_its_rows(marked):
    rows = torch.tensor([[3, 5], [8, 3], [0, 1]])
    (numbers, categories, *_), (targets, weights) = marked[rows]
    for fold, row in [(0, 3), (0, 5), (1, 8), (1, 3), (2, 1)]:
        place = rows[fold].tolist().index(row)
        assert torch.equal(numbers[fold, place], marked.numbers[row])
        assert torch.equal(categories[fold, place], marked.categories[row])
        of_fold = (marked.values[row] - marked.mean[fold]) / marked.deviation[fold]
        expected = torch.where(marked.weights[row] > 0, of_fold, 0.0)
        assert torch.equal(targets[fold, place], expected.float())
        assert torch.equal(weights[fold, place], marked.weights[row].float() * marked.weight_scale[fold])


def test_a_batch_of_rows_encoded_once_is_the_encoding_of_a_batch(make_rows):
    left, width = torch.tensor([[-1.0, 0.0]] * 2), torch.tensor([[1.0, 0.5]] * 2)
    tokens = ColumnTokens(left, width, [4], n_folds=3, d_token=2, generator=torch.Generator())
    rows, once, each = (
        torch.tensor([[3, 5], [8, 3], [0, 1]]),
        dataset_of(make_rows()),
        dataset_of(make_rows()),
    )
    once.encode_once(tokens)
    (encoded, *_), _ = once[rows]
    (numbers, *_), _ = each[rows]
    assert encoded.shape == (3, 2, 2, 4)
    assert torch.equal(encoded, tokens.encode(numbers))


def test_many_rows_are_not_encoded_at_once(make_rows, monkeypatch):
    monkeypatch.setattr("sklearn_mtl.training._batches._MOST_FLOATS_ENCODED", 60 * 2 * 4 - 1)
    left = torch.zeros(2, 2)
    tokens = ColumnTokens(left, left + 1, [4], n_folds=3, d_token=2, generator=torch.Generator())
    dataset = dataset_of(make_rows())
    dataset.encode_once(tokens)
    assert dataset.numbers.shape == (60, 2)


def test_labels_are_standardised_by_what_their_fold_trains_on(make_rows):
    rows = make_rows()
    dataset = dataset_of(rows)
    for fold in range(3):
        used = rows.trained_on(fold)
        value, weight = labels_of(dataset)[0][fold, used, 0].double().numpy(), rows.weights[used, 0]
        assert np.average(value, weights=weight) == pytest.approx(0, abs=1e-6)
        assert np.average(value**2, weights=weight) == pytest.approx(1, rel=1e-6)


def test_missing_labels_are_finite_and_of_weight_0(make_rows):
    rows = make_rows()
    targets, weights = labels_of(dataset_of(rows))
    is_missing = torch.from_numpy(rows.weights == 0)
    assert is_missing.any()
    assert not targets[:, is_missing].any()
    assert not weights[:, is_missing].any()


def test_great_numbers_are_standardised_before_they_are_rounded(make_rows):
    rows = make_rows(["regression"], missing=0.0)
    shifted = replace(rows, values=rows.values + 1e9)
    expected, given = (labels_of(dataset_of(these))[0] for these in (rows, shifted))
    np.testing.assert_allclose(given, expected, atol=1e-5)


def test_labels_are_not_copied(make_rows):
    rows = make_rows()
    dataset = dataset_of(rows)
    assert np.shares_memory(dataset.values.numpy(), rows.values)
    assert np.shares_memory(dataset.weights.numpy(), rows.weights)


def test_classes_stay_as_they_are(make_rows):
    rows = make_rows(missing=0.0)
    expected = torch.from_numpy(rows.values[:, 1:]).float().expand(3, -1, -1)
    assert torch.equal(labels_of(dataset_of(rows))[0][..., 1:], expected)


def test_averages_of_weight_times_loss_are_weighted_means_in_units_of_the_base_rate(make_rows):
    rows = make_rows()
    scales, dataset = target_scales(rows), dataset_of(rows)
    outputs = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    for fold in range(3):
        used = rows.trained_on(fold)
        targets, weights = _fold_labels(dataset, fold, used)
        losses = task_losses(outputs[used], targets, rows.layout)
        means = (weights * losses).mean(0).numpy()
        expected = np.average(losses.numpy(), axis=0, weights=rows.weights[used])
        expected[1:] /= scales.fold_loss[fold, 1:]
        np.testing.assert_allclose(means, expected, rtol=1e-5)


def _fold_labels(dataset, fold, used):
    """Gather the labels and weights of these rows as one fold sees them."""
    _, labels = dataset[torch.from_numpy(used).expand(3, -1)]
    return [part[fold] for part in labels[:2]]


def test_a_task_that_a_fold_never_trains_on_weighs_nothing_there(make_rows):
    rows = make_rows()
    weights = rows.weights.copy()
    weights[rows.fold != 1, 2] = 0.0
    scale = dataset_of(replace(rows, weights=weights)).weight_scale
    assert scale[1, 2] == 0
    assert (scale[:, :2] > 0).all()
    assert scale.isfinite().all()


@pytest.mark.parametrize("batch_size", [1, 7, 16, 1000])
def test_an_epoch_has_each_row_at_most_once_and_none_that_is_held_out(batch_size, marked):
    order = epoch(FoldBatches(marked, batch_size=batch_size, rng=np.random.default_rng(0)))
    for fold, rows in enumerate(order):
        assert len(set(rows)) == len(rows)
        assert set(rows) <= set(marked.trained_on[fold])


@pytest.mark.parametrize("batch_size", [7, 16, 31, 1000])
def test_an_epoch_leaves_out_fewer_rows_of_the_smallest_fold_than_it_has_steps(batch_size, marked):
    batches = FoldBatches(marked, batch_size=batch_size, rng=np.random.default_rng(0))
    fewest = min(map(len, marked.trained_on))
    assert len(list(batches)) == len(batches)
    assert fewest - len(batches) < epoch(batches).shape[1] <= fewest


def test_every_row_has_its_turn_in_some_epoch(marked):
    batches = FoldBatches(marked, batch_size=16, rng=np.random.default_rng(0))
    seen = np.concatenate([epoch(batches) for _ in range(60)], axis=1)
    for fold, rows in enumerate(seen):
        assert set(rows) == set(marked.trained_on[fold])


def test_order_depends_on_the_rng_alone_and_is_new_in_each_epoch(marked):
    state = np.random.get_state()[1].copy()  # noqa: NPY002  the global state is the point
    first, again = (FoldBatches(marked, batch_size=16, rng=np.random.default_rng(3)) for _ in range(2))
    one = epoch(first)
    assert np.array_equal(one, epoch(again))
    assert not np.array_equal(one, epoch(first))
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002  the global state is the point


@pytest.mark.parametrize("block_size", [1, 7, 1000])
def test_blocks_cover_all_held_out_rows_of_each_fold_and_no_others(block_size, marked):
    blocks = list(held_out_blocks(marked, block_size=block_size))
    assert max(block.shape[1] for block in blocks) <= block_size
    for fold, rows in enumerate(torch.cat(blocks, dim=1).tolist()):
        assert set(rows) == set(marked.held_out[fold])
        assert max(Counter(rows).values()) <= 2  # one fold holds out a half, the others a quarter
