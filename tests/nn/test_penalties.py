"""What is added to losses, against plain loops in float64."""

import math

import numpy as np
import pytest
import torch

from sklearn_mtl.nn import (
    OutputLayout,
    activate,
    attention_entropy,
    attention_overlap,
    head_distances,
    perturbation,
    task_divergences,
)

KINDS = ("regression", "absolute_error", "quantile", "poisson", "binary", "multiclass", "ordinal")
WIDTHS = (1, 1, 2, 1, 1, 3, 3)
LAYOUT = OutputLayout(KINDS, WIDTHS, levels={2: (0.1, 0.9)})


@pytest.fixture
def drawn(generator):
    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return draw


def test_a_perturbation_is_along_the_gradient_and_of_the_radius(drawn):
    gradient, tokens = drawn(2, 4, 5, 3), drawn(2, 4, 5, 3)
    gradient[1, :, 2] = 0
    moved = perturbation(gradient, tokens, radius=0.3)
    for fold in range(2):
        for row in range(5):
            length = math.sqrt(sum(float(value) ** 2 for value in tokens[fold, :, row].flatten()))
            steep = math.sqrt(sum(float(value) ** 2 for value in gradient[fold, :, row].flatten()))
            expected = 0.3 * length * gradient[fold, :, row] / steep if steep else torch.zeros(4, 3).double()
            torch.testing.assert_close(moved[fold, :, row], expected)


def divergence_by_loop(kind, one, other):
    """Of two outputs of one task."""
    if kind in ("regression", "absolute_error", "quantile"):
        return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) / len(one)
    if kind == "poisson":
        p, q = math.exp(one[0]), math.exp(other[0])
        return p * math.log(p / q) - p + q
    layout = OutputLayout([kind], [len(one)])
    p, q = (activate(torch.tensor(given, dtype=torch.float64), layout).tolist() for given in (one, other))
    if kind == "binary":
        p, q = [1 - p[0], p[0]], [1 - q[0], q[0]]
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def test_divergences_equal_a_loop(drawn):
    outputs, others = drawn(2, 4, sum(WIDTHS)), drawn(2, 4, sum(WIDTHS))
    computed = task_divergences(outputs, others, LAYOUT)
    for fold, row in np.ndindex(2, 4):
        for task, (kind, place) in enumerate(zip(KINDS, LAYOUT.slices, strict=True)):
            one, other = outputs[fold, row, place].tolist(), others[fold, row, place].tolist()
            expected = divergence_by_loop(kind, one, other)
            assert computed[fold, row, task].item() == pytest.approx(expected, rel=1e-9), kind


def test_outputs_do_not_diverge_from_themselves_and_have_no_slope_there(drawn):
    outputs = drawn(6, sum(WIDTHS))
    others = outputs.clone().requires_grad_()
    divergences = task_divergences(outputs, others, LAYOUT)
    torch.testing.assert_close(divergences, torch.zeros_like(divergences))
    (slope,) = torch.autograd.grad(divergences.sum(), others)
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-12, rtol=0)


@pytest.fixture
def attention(drawn):
    """Give the weights of two folds, five rows, three attentions, four columns; one has zeros."""
    weights = torch.softmax(2 * drawn(2, 5, 3, 4), dim=3)
    weights[0, 0, 0] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    return weights


def test_entropy_equals_a_loop(attention):
    for fold, of_fold in enumerate(attention.tolist()):
        entropies = [
            -sum(weight * math.log(weight) for weight in weights if weight) / math.log(4)
            for row in of_fold
            for weights in row
        ]
        assert attention_entropy(attention)[fold].item() == pytest.approx(np.mean(entropies), abs=1e-9)


def test_entropy_is_of_shares_and_between_0_and_1():
    assert attention_entropy(torch.full((1, 1, 1, 5), 0.7)).item() == pytest.approx(1)
    assert attention_entropy(torch.eye(5)[None, None]).item() == pytest.approx(0, abs=1e-6)
    assert attention_entropy(torch.ones(1, 2, 1, 1)).item() == 0


def test_overlap_equals_a_loop(attention):
    for fold, of_fold in enumerate(attention.numpy()):
        squares = [
            (row[one] @ row[other] / np.linalg.norm(row[one]) / np.linalg.norm(row[other])) ** 2
            for row in of_fold
            for one in range(3)
            for other in range(3)
            if one != other
        ]
        assert attention_overlap(attention)[fold].item() == pytest.approx(np.mean(squares), rel=1e-9)


@pytest.mark.parametrize("penalty", [attention_entropy, attention_overlap])
def test_slopes_of_penalties_are_finite_where_weights_are_0(penalty):
    weights = torch.eye(3, dtype=torch.float64)[None, None].requires_grad_()
    (slope,) = torch.autograd.grad(penalty(weights).sum(), weights)
    assert slope.isfinite().all()


def test_distances_of_heads_equal_a_loop(drawn):
    weight = drawn(2, 3, 4, 3)
    graph = np.array([[0, 2, -1], [2, 0, 0], [-1, 0, 0]], dtype=float)
    laplacian = torch.from_numpy(np.diag(np.abs(graph).sum(axis=1)) - graph)
    computed = head_distances(weight, laplacian)
    for fold in range(2):
        expected = 0.0
        for view in range(3):
            of_tasks = weight[fold, view].T.numpy()
            expected += 2 * ((of_tasks[0] - of_tasks[1]) ** 2).sum() / 3
            expected += 1 * ((of_tasks[0] + of_tasks[2]) ** 2).sum() / 3
        assert computed[fold].item() == pytest.approx(expected, rel=1e-9)
