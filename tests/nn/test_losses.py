import math

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from sklearn_mtl.nn import OutputLayout, activate, ordinal_outputs, prediction_losses, task_losses

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


ALL_KINDS = [
    "absolute_error",
    "ordinal",
    "huber",
    "poisson",
    "quantile",
    "multiclass",
    "binary",
    "regression",
]
LEVELS = (0.1, 0.5, 0.75)


@pytest.fixture
def of_all_kinds(generator):
    """Give a layout of all kinds, and 40 rows of outputs and labels."""
    layout = OutputLayout(ALL_KINDS, [1, 4, 1, 1, 3, 3, 1, 1], levels={4: LEVELS})
    outputs = 2 * torch.randn(40, layout.n_outputs, generator=generator, dtype=torch.float64)
    targets = 2 * torch.randn(40, 8, generator=generator, dtype=torch.float64)
    for task, n in ((1, 4), (3, 5), (5, 3), (6, 2)):
        targets[:, task] = torch.randint(n, (40,), generator=generator)
    return layout, outputs, targets


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def ordinal_probabilities(output):
    """Differences of cumulative probabilities, by a loop; thresholds keep a distance of 1e-6 at least."""
    location, threshold, *steps = output
    cumulative = [0.0, sigmoid(threshold - location)]
    for step in steps:
        threshold += math.log1p(math.exp(step)) + 1e-6
        cumulative.append(sigmoid(threshold - location))
    return np.diff([*cumulative, 1.0])


def loss_by_loop(kind, output, label):
    error = label - output[0]
    if kind == "absolute_error":
        return abs(error)
    if kind == "huber":
        return error**2 / 2 if abs(error) <= 1.35 else 1.35 * (abs(error) - 1.35 / 2)
    if kind == "poisson":
        ratio = label * math.log(label / math.exp(output[0])) if label else 0.0
        return ratio - label + math.exp(output[0])
    if kind == "quantile":
        errors = [label - guess for guess in output]
        return np.mean(
            [e * level if e > 0 else e * (level - 1) for e, level in zip(errors, LEVELS, strict=True)]
        )
    if kind == "ordinal":
        return -math.log(ordinal_probabilities(output)[int(label)])
    return None


@pytest.mark.parametrize("kind", ["absolute_error", "huber", "poisson", "quantile", "ordinal"])
def test_each_loss_equals_a_loop(kind, of_all_kinds):
    layout, outputs, targets = of_all_kinds
    task = ALL_KINDS.index(kind)
    expected = [
        loss_by_loop(kind, output, label)
        for output, label in zip(
            outputs[:, layout.slices[task]].tolist(), targets[:, task].tolist(), strict=True
        )
    ]
    np.testing.assert_allclose(task_losses(outputs, targets, layout)[:, task], expected, rtol=1e-9)


def test_losses_of_predictions_of_all_kinds_equal_those_of_their_outputs(of_all_kinds):
    layout, outputs, targets = of_all_kinds
    place = layout.slices[4]
    outputs[:, place] = outputs[:, place].sort(dim=-1).values  # crossing quantiles cost more
    by_prediction = prediction_losses(activate(outputs, layout), targets, layout)
    torch.testing.assert_close(by_prediction, task_losses(outputs, targets, layout))


def test_losses_of_numbers_average_to_the_metrics_of_scikit_learn(of_all_kinds):
    layout, outputs, targets = of_all_kinds
    predicted, losses = (
        activate(outputs, layout),
        prediction_losses(activate(outputs, layout), targets, layout),
    )
    for kind, expected in {
        "absolute_error": lambda y, p: mean_absolute_error(y, p[:, 0]),
        "poisson": lambda y, p: mean_poisson_deviance(y, p[:, 0]) / 2,
        "quantile": lambda y, p: np.mean(
            [mean_pinball_loss(y, p[:, i], alpha=a) for i, a in enumerate(LEVELS)]
        ),
    }.items():
        task = ALL_KINDS.index(kind)
        guess, truth = predicted[:, layout.slices[task]].numpy(), targets[:, task].numpy()
        assert losses[:, task].mean().item() == pytest.approx(expected(truth, guess), rel=1e-9)


def test_putting_quantiles_in_order_never_costs(of_all_kinds):
    layout, outputs, targets = of_all_kinds
    of_outputs = task_losses(outputs, targets, layout)[:, 4]
    in_order = prediction_losses(activate(outputs, layout), targets, layout)[:, 4]
    assert (in_order <= of_outputs + 1e-12).all()
    assert (in_order < of_outputs - 1e-3).any()
    assert (activate(outputs, layout)[:, layout.slices[4]].diff(dim=-1) >= 0).all()


def test_hubers_loss_of_predictions_turns_at_its_unit():
    layout = OutputLayout(["huber"], [1], units={0: 10.0})
    losses = prediction_losses(torch.zeros(2, 1), torch.tensor([[13.0], [14.0]]), layout)
    torch.testing.assert_close(losses[:, 0], torch.tensor([13.0**2 / 2, 13.5 * (14.0 - 13.5 / 2)]))


def test_ordinal_probabilities_equal_a_loop_and_sum_to_1(of_all_kinds):
    layout, outputs, _ = of_all_kinds
    probabilities = activate(outputs, layout)[:, layout.slices[1]]
    expected = [ordinal_probabilities(output) for output in outputs[:, layout.slices[1]].tolist()]
    np.testing.assert_allclose(probabilities, expected, atol=1e-12)
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-12)


def test_a_greater_location_makes_all_greater_classes_more_probable(of_all_kinds):
    layout, outputs, _ = of_all_kinds
    moved = outputs.clone()
    moved[:, layout.slices[1].start] += 0.5
    before, after = (
        activate(these, layout)[:, layout.slices[1]].cumsum(-1)[:, :-1] for these in (outputs, moved)
    )
    assert (after < before).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_outputs_that_predict_given_rates_are_found(dtype):
    rates = torch.tensor([[0.2, 0.5, 0.3], [1e-6, 0.5, 0.499999], [0.98, 0.01, 0.01]], dtype=dtype)
    predicted = activate(ordinal_outputs(rates), OutputLayout(["ordinal"], [3]))
    torch.testing.assert_close(predicted, rates, rtol=1e-3, atol=1e-6)
    assert not ordinal_outputs(rates)[:, 0].any()


@pytest.mark.parametrize("size", [1e3, -1e3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_great_outputs_have_finite_losses_and_gradients(size, dtype, of_all_kinds):
    layout, outputs, targets = of_all_kinds
    outputs = torch.full_like(outputs, size, dtype=dtype).requires_grad_()
    losses = task_losses(outputs, targets.to(dtype), layout)
    losses.sum().backward()
    assert losses.isfinite().all()
    assert outputs.grad.isfinite().all()
    assert activate(outputs, layout).isfinite().all()


def test_missing_labels_of_any_kind_get_no_gradient(of_all_kinds, generator):
    layout, outputs, targets = of_all_kinds
    outputs = (100 * outputs).requires_grad_()
    weights = torch.randint(2, targets.shape, generator=generator).double()
    (task_losses(outputs, targets * weights, layout, [0.1] * 8) * weights).sum().backward()
    widths = torch.tensor([place.stop - place.start for place in layout.slices])
    is_weighed = weights.repeat_interleave(widths, dim=1) > 0
    assert (outputs.grad[~is_weighed] == 0).all()
    of_numbers = layout.outputs_of([0, 2, 3, 7])
    assert outputs.grad[:, of_numbers][weights[:, [0, 2, 3, 7]] > 0].all()


def test_no_smoothing_changes_no_bit(of_all_kinds):
    plain, none = task_losses(*of_all_kinds[1:], of_all_kinds[0]), [0.0] * 8
    assert torch.equal(task_losses(*of_all_kinds[1:], of_all_kinds[0], none), plain)


def test_smoothing_shares_a_label_among_all_classes(of_all_kinds):
    layout, outputs, targets = of_all_kinds
    smoothed = task_losses(outputs, targets, layout, [0.3] * 8)
    plain = task_losses(outputs, targets, layout)
    for task in layout.classes:
        n_classes = (
            2 if layout.kinds[task] == "binary" else layout.slices[task].stop - layout.slices[task].start
        )
        of_classes = []
        for label in range(n_classes):
            targets[:, task] = label
            of_classes.append(task_losses(outputs, targets, layout)[:, task])
        expected = 0.7 * plain[:, task] + 0.3 * torch.stack(of_classes).mean(0)
        torch.testing.assert_close(smoothed[:, task], expected)
    numbers = [task for task in range(8) if task not in layout.classes]
    assert torch.equal(smoothed[:, numbers], plain[:, numbers])


def test_a_layout_of_some_tasks_keeps_their_levels_and_units():
    layout = OutputLayout(["huber", "binary", "quantile"], [1, 1, 2], levels={2: (0.1, 0.9)}, units={0: 3.0})
    part = layout.of([2, 0])
    assert (part.kinds, part.levels, part.units) == (("quantile", "huber"), {0: (0.1, 0.9)}, {1: 3.0})
    assert part.n_outputs == 3
