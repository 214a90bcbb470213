import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, mean_squared_error

from sklearn_mtl.nn import OutputLayout, activate, prediction_losses, task_losses

KINDS = ["multiclass", "regression", "binary", "multiclass", "regression", "binary"]
N_OUTPUTS = [3, 1, 1, 4, 1, 1]
N_CLASSES = [3, 0, 2, 4, 0, 2]


@pytest.fixture
def layout():
    return OutputLayout(KINDS, N_OUTPUTS)


@pytest.fixture
def outputs(generator):
    return 2 * torch.randn(40, 11, generator=generator, dtype=torch.float64)


@pytest.fixture
def targets(generator):
    columns = [
        torch.randint(n, (40,), generator=generator).double()
        if n
        else torch.randn(40, generator=generator, dtype=torch.float64)
        for n in N_CLASSES
    ]
    return torch.stack(columns, dim=1)


def test_slices_cut_the_outputs_in_the_order_of_tasks(layout):
    places = [list(range(outputs.start, outputs.stop)) for outputs in layout.slices]
    assert places == [[0, 1, 2], [3], [4], [5, 6, 7, 8], [9], [10]]
    assert layout.n_outputs == 11
    assert (layout.multiclass, layout.regression, layout.binary) == ([0, 3], [1, 4], [2, 5])
    assert layout.outputs_of(layout.binary) == [4, 10]


def test_activations_equal_a_loop(layout, outputs):
    expected = outputs.clone()
    for row, output in enumerate(outputs.tolist()):
        for kind, place in zip(KINDS, layout.slices, strict=True):
            if kind == "binary":
                expected[row, place] = 1 / (1 + math.exp(-output[place.start]))
            elif kind == "multiclass":
                powers = [math.exp(logit) for logit in output[place]]
                expected[row, place] = torch.tensor([power / sum(powers) for power in powers])
    torch.testing.assert_close(activate(outputs, layout), expected, rtol=1e-6, atol=1e-7)


def test_activation_leaves_its_argument_alone(layout, outputs):
    before = outputs.clone()
    activate(outputs, layout)
    assert torch.equal(outputs, before)


@pytest.mark.parametrize("size", [1e3, -1e3])
def test_activations_of_great_logits_are_probabilities(size, layout):
    outputs = torch.full((1, 11), size)
    outputs[0, 0] = -size
    activated = activate(outputs, layout)
    assert activated.isfinite().all()
    torch.testing.assert_close(activated[0, :3].sum(), torch.tensor(1.0))


def test_losses_average_to_the_metrics_of_scikit_learn(layout, outputs, targets):
    activated = activate(outputs, layout).numpy()
    means = task_losses(outputs, targets, layout).mean(0).tolist()
    for task, (kind, place) in enumerate(zip(KINDS, layout.slices, strict=True)):
        truth, predicted = targets[:, task].numpy(), activated[:, place]
        if kind == "regression":
            expected = mean_squared_error(truth, predicted[:, 0])
        else:
            if kind == "binary":
                predicted = np.hstack([1 - predicted, predicted])
            expected = log_loss(truth, predicted, labels=range(N_CLASSES[task]))
        assert means[task] == pytest.approx(expected, rel=1e-9)


def test_losses_of_predictions_equal_those_of_their_outputs(layout, outputs, targets):
    by_output = task_losses(outputs, targets, layout)
    by_prediction = prediction_losses(activate(outputs, layout), targets, layout)
    torch.testing.assert_close(by_prediction, by_output)


@pytest.mark.parametrize("kinds", [["regression", "regression"], ["binary", "regression"], ["multiclass"]])
def test_targets_are_shared_by_views(kinds, generator):
    layout = OutputLayout(kinds, [3 if kind == "multiclass" else 1 for kind in kinds])
    outputs = torch.randn(2, 5, 4, layout.n_outputs, generator=generator)  # (G, B, V, O)
    targets = torch.randint(2, (2, 5, len(kinds)), generator=generator).float()
    losses = task_losses(outputs, targets.unsqueeze(2), layout)
    assert losses.shape == (2, 5, 4, len(kinds))
    for view in range(4):
        torch.testing.assert_close(losses[:, :, view], task_losses(outputs[:, :, view], targets, layout))


def test_labels_of_weight_0_get_no_gradient(layout, outputs, targets, generator):
    outputs = (1e3 * outputs).requires_grad_()
    weights = torch.randint(2, targets.shape, generator=generator).double()
    (task_losses(outputs, targets, layout) * weights).sum().backward()
    width = torch.tensor(N_OUTPUTS)
    is_weighed = weights.repeat_interleave(width, dim=1) > 0
    assert (outputs.grad[~is_weighed] == 0).all()
    assert outputs.grad[:, layout.outputs_of([1, 4])][weights[:, [1, 4]] > 0].all()


def test_a_label_thought_impossible_costs_a_finite_loss():
    layout = OutputLayout(["binary", "multiclass"], [1, 2])
    predictions = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    losses = prediction_losses(predictions, torch.tensor([1.0, 1.0]), layout)
    torch.testing.assert_close(losses, torch.full((2,), -math.log(np.finfo(float).eps), dtype=torch.float64))
