"""What regularises a training, against plain loops in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_mtl.nn import OutputLayout, attention_entropy, attention_overlap
from sklearn_mtl.training import (
    FoldDataset,
    MeanTaskLoss,
    ModelSizes,
    Regularizing,
    UnlabelledRows,
    build_model,
    target_scales,
)
from sklearn_mtl.training._regular import Regularizer, graph_laplacian

ROWS = torch.tensor([[3, 5, 7, 11], [8, 3, 0, 2], [0, 1, 4, 9]])
TASK_WEIGHT = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
SEED = 7


@pytest.fixture
def make_parts(make_rows):
    """Give a regulariser, its model in float64, and a batch of three folds and four rows."""

    def make(*, unlabelled=False, **asked):
        rows = make_rows()
        if unlabelled:
            drawn = np.random.default_rng(5).normal(size=(6, 2)).astype(np.float32)
            rows = replace(rows, unlabelled=UnlabelledRows(drawn, np.ones((6, 1), dtype=np.int64)))
        scales = target_scales(rows)
        dataset = FoldDataset(rows, scales, device="cpu")
        left = np.sort(np.random.default_rng(0).normal(size=(2, 3)), axis=1).astype(np.float32)
        sizes = ModelSizes(n_views=2, n_slots=3, n_bins=3, d_token=3, d_hidden=8, n_layers=2, dropout=0.0)
        model = build_model(
            left=left,
            width=np.ones_like(left),
            cardinalities=[4],
            n_outputs=[1, 1, 3],
            prior=scales.prior,
            sizes=sizes,
            seed=0,
        ).double()
        for part in (dataset, dataset.unlabelled):
            if part is not None:
                part.numbers = part.numbers.double()
        generator = torch.Generator().manual_seed(SEED)
        criterion = MeanTaskLoss(rows.layout, TASK_WEIGHT)
        regularizer = Regularizer(
            Regularizing(**asked), model, criterion, dataset, dropout_generator=generator, seed=SEED
        )
        inputs, (targets, weights) = dataset[ROWS]
        return regularizer, model, (inputs, (targets.double(), weights.double()))

    return make


def row_losses(outputs, targets, weights):
    """Give the losses of one row of outputs (V, O), the mean over views; (T,)."""
    of_views = []
    for output in outputs:
        probability = 1 / (1 + torch.exp(-output[1]))
        binary = -torch.log(probability if targets[1] else 1 - probability)
        classes = torch.exp(output[2:]) / torch.exp(output[2:]).sum()
        of_views.append(torch.stack([(output[0] - targets[0]) ** 2, binary, -classes[int(targets[2])].log()]))
    return weights * torch.stack(of_views).mean(0)


def test_nothing_asked_for_is_the_plain_loss(make_parts):
    regularizer, model, batch = make_parts()
    (numbers, categories, *_), (targets, weights) = batch
    outputs, loss, by_fold = regularizer.losses(batch)
    torch.testing.assert_close(outputs, model(numbers, categories), rtol=0, atol=0)
    for fold in range(3):
        rows = [row_losses(outputs[fold, row], targets[fold, row], weights[fold, row]) for row in range(4)]
        torch.testing.assert_close(by_fold[fold], sum(rows) / 4)
    torch.testing.assert_close(loss, (by_fold @ TASK_WEIGHT).sum())
    assert regularizer.penalty(batch) is None


def test_mixup_equals_a_loop(make_parts):
    regularizer, model, batch = make_parts(mixup=0.4)
    inputs, (targets, weights) = batch
    outputs, loss, by_fold = regularizer.losses(batch)
    rng = np.random.default_rng(SEED)
    share, order = rng.beta(0.4, 0.4), rng.permutation(4)
    tokens = model.all_tokens(*inputs)
    expected = torch.zeros(3, 3, dtype=torch.float64)
    for row in range(4):
        other = order[row]
        mixed = share * tokens[:, :, [row]] + (1 - share) * tokens[:, :, [other]]
        of_row = model.outputs_of(mixed)
        torch.testing.assert_close(outputs[:, [row]], of_row)
        for fold in range(3):
            for part, labels in ((share, row), (1 - share, other)):
                losses = row_losses(of_row[fold, 0], targets[fold, labels], weights[fold, labels])
                expected[fold] += part * losses / 4
    torch.testing.assert_close(by_fold, expected)
    torch.testing.assert_close(loss, (expected @ TASK_WEIGHT).sum())


def test_adversarial_tokens_equal_a_loop_and_have_a_larger_loss(make_parts):
    regularizer, model, batch = make_parts(adversarial="fgm", radius=0.05)
    inputs, (targets, weights) = batch
    outputs, loss, by_fold = regularizer.losses(batch)
    assert outputs.shape[1] == 8
    tokens = model.all_tokens(*inputs).detach()
    for fold in range(3):
        losses = torch.zeros(2, 3, dtype=torch.float64)
        for row in range(4):
            given = tokens[:, :, [row]].requires_grad_()
            labels = targets[fold, row], weights[fold, row]
            (slope,) = torch.autograd.grad(
                row_losses(model.outputs_of(given)[fold, 0], *labels) @ TASK_WEIGHT, given
            )
            length = torch.linalg.norm(given[fold].flatten())
            away = given + 0.05 * length * slope / torch.linalg.norm(slope[fold].flatten())
            for place, moved in enumerate((given, away)):
                of_row = model.outputs_of(moved)[fold, 0]
                torch.testing.assert_close(outputs[fold, row + 4 * place], of_row)
                losses[place] += row_losses(of_row, *labels) / 4
        assert losses[1] @ TASK_WEIGHT > losses[0] @ TASK_WEIGHT
        torch.testing.assert_close(by_fold[fold], losses.mean(0))
    torch.testing.assert_close(loss, (by_fold @ TASK_WEIGHT).sum())


def divergence(outputs, others):
    """From outputs (V, O) of a row to others: squares and Kullback-Leibler, the mean over views; (T,)."""
    total = torch.zeros(3, dtype=torch.float64)
    for one, other in zip(outputs, others, strict=True):
        p, q = (1 / (1 + torch.exp(-output[1])) for output in (one, other))
        binary = p * torch.log(p / q) + (1 - p) * torch.log((1 - p) / (1 - q))
        p, q = (torch.exp(output[2:]) / torch.exp(output[2:]).sum() for output in (one, other))
        total = total + torch.stack([(one[0] - other[0]) ** 2, binary, (p * torch.log(p / q)).sum()])
    return total / len(outputs)


@pytest.mark.parametrize("unlabelled", [False, True], ids=["labelled", "with rows without labels"])
def test_virtual_adversarial_loss_equals_a_loop(make_parts, unlabelled):
    regularizer, model, batch = make_parts(adversarial="vat", radius=0.05, unlabelled=unlabelled)
    penalty = regularizer.penalty(batch)
    tokens = model.all_tokens(*batch[0]).detach()
    if unlabelled:
        drawn = torch.from_numpy(np.random.default_rng(SEED).integers(6, size=(1, 4)))
        more = model.all_tokens(*regularizer.dataset.unlabelled[drawn])
        tokens = torch.cat([tokens, more.detach()], dim=2)
    start = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(SEED))
    base = torch.from_numpy(target_scales(regularizer.dataset.rows).fold_loss)
    expected, n_rows = 0.0, tokens.shape[2]
    for fold in range(3):
        share = TASK_WEIGHT / base[fold]
        for row in range(n_rows):
            given = tokens[:, :, [row]]
            length = torch.linalg.norm(given[fold].flatten())
            outputs = model.outputs_of(given)[fold, 0].detach()
            random = start[:, :, [row]].double()
            random = 0.01 * length * random / torch.linalg.norm(random[fold].flatten())
            random.requires_grad_()
            (slope,) = torch.autograd.grad(
                divergence(outputs, model.outputs_of(given + random)[fold, 0]) @ share, random
            )
            away = given + 0.05 * length * slope / torch.linalg.norm(slope[fold].flatten())
            expected += divergence(outputs, model.outputs_of(away)[fold, 0]) @ share / n_rows
    assert penalty.item() == pytest.approx(expected.item(), rel=1e-6)


def test_rows_without_labels_get_their_gradient(make_parts):
    regularizer, _, batch = make_parts(adversarial="vat", radius=0.05, unlabelled=True)
    regularizer.dataset.unlabelled.numbers.requires_grad_()
    regularizer.add_gradients(batch)
    assert regularizer.dataset.unlabelled.numbers.grad.any()


def test_the_direction_of_vat_changes_outputs_more_than_others_do(make_parts):
    regularizer, model, batch = make_parts(adversarial="vat", radius=0.05)
    found = regularizer.penalty(batch)
    tokens = model.all_tokens(*batch[0])
    random = torch.randn(tokens.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    lengths = [torch.linalg.vector_norm(each, dim=(1, 3), keepdim=True) for each in (tokens, random)]
    away = model.outputs_of(tokens + 0.05 * lengths[0] * random / lengths[1])
    assert found > 2 * regularizer._divergence(model.outputs_of(tokens), away).sum()


def test_penalties_are_added_with_their_strengths(make_parts):
    graph = np.array([[0.0, -0.5, 0.0], [-0.5, 0.0, 0.0], [0.0, 0.0, 0.0]])
    regularizer, model, batch = make_parts(graph=graph, view_orthogonality=0.3, attention_entropy=-0.2)
    attention = model.view_attention(model.all_tokens(*batch[0]))
    weight = model.heads.weight
    apart = 0.5 * (weight[..., 0] + weight[..., 1]).square().sum(2).mean(1)
    expected = apart + 0.3 * attention_overlap(attention) - 0.2 * attention_entropy(attention)
    torch.testing.assert_close(regularizer.penalty(batch), expected.sum())


def test_gradients_of_penalties_come_on_top(make_parts):
    regularizer, model, batch = make_parts(view_orthogonality=0.3)
    _, loss, _ = regularizer.losses(batch)
    loss.backward()
    before = [parameter.grad.clone() for parameter in model.parameters()]
    slopes = torch.autograd.grad(regularizer.penalty(batch), list(model.parameters()), materialize_grads=True)
    regularizer.add_gradients(batch)
    for parameter, old, slope in zip(model.parameters(), before, slopes, strict=True):
        torch.testing.assert_close(parameter.grad, old + slope)


def test_a_frozen_trunk_has_no_penalty(make_parts):
    regularizer, model, batch = make_parts(view_orthogonality=0.3)
    model.requires_grad_(requires_grad=False)
    regularizer.add_gradients(batch)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_dropout_falls_with_the_share_of_the_cycle(make_parts):
    regularizer, model, _ = make_parts(token_dropout=0.4, attention_dropout=0.2)
    regularizer.anneal(0.5)
    assert (model.token_dropout, model.attention.dropout) == (0.2, 0.1)


def test_the_laplacian_joins_classes_one_by_one():
    layout = OutputLayout(["multiclass", "regression", "multiclass"], [2, 1, 2])
    graph = np.zeros((3, 3))
    graph[0, 2] = graph[2, 0] = 3.0
    laplacian = graph_laplacian(graph, layout)
    expected = np.zeros((5, 5))
    for one, other in ((0, 3), (1, 4)):
        expected[one, one] = expected[other, other] = 3
        expected[one, other] = expected[other, one] = -3
    np.testing.assert_array_equal(laplacian, expected)
