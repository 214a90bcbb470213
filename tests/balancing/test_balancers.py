"""What reaches the parameters of a small model."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from sklearn_mtl.balancing import GradientBalancing, LossBalancing, make_balancer
from sklearn_mtl.training import MeanTaskLoss, ModelSizes, build_model

TASK_WEIGHT = torch.tensor([0.5, 0.3, 0.2])
ON = ("representation", "pooled", "parameters")


@pytest.fixture(params=[3, 2], ids=["slot a task", "gates"])
def model(request):
    sizes = ModelSizes(
        n_views=2, n_slots=request.param, n_bins=3, d_token=3, d_hidden=8, n_layers=2, dropout=0.0
    )
    rng = np.random.default_rng(0)
    left = np.sort(rng.normal(size=(2, 3)), axis=1).astype(np.float32)
    return build_model(
        left=left,
        width=np.ones_like(left),
        cardinalities=[4],
        n_outputs=[1, 1, 3],
        prior=rng.normal(size=(2, 5)),
        sizes=sizes,
        seed=0,
    )


@pytest.fixture
def batch():
    """Two folds of nine rows; fold 0 has no label of the last task."""
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(2, 9, 2, generator=generator)
    categories = torch.randint(4, (2, 9, 1), generator=generator)
    targets = torch.randint(2, (2, 9, 3), generator=generator).float()
    weights = torch.rand(2, 9, 3, generator=generator)
    weights[0, :, 2] = 0
    return numbers, categories, targets, weights


def losses_of(model, batch, layout):
    numbers, categories, targets, weights = batch
    outputs = model(numbers, categories)
    return outputs, MeanTaskLoss(layout, TASK_WEIGHT)(outputs, targets, weights)[1]


@pytest.fixture
def layout(make_layout):
    return make_layout()


def gradients_of(scalar, tensors):
    found = torch.autograd.grad(scalar, tensors, retain_graph=True, allow_unused=True, materialize_grads=True)
    return [gradient.clone() for gradient in found]


def balanced(model, batch, layout, balancing):
    """Let a balancer fill the gradients of all parameters; return them by name."""
    model.zero_grad()
    balancer = make_balancer(balancing, model, task_weight=TASK_WEIGHT, n_folds=2, seed=0)
    outputs, losses = losses_of(model, batch, layout)
    balancer.backward(losses, outputs, (batch[3] > 0).any(1))
    balancer.close()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def weights_by_definition(model, batch, layout, on):
    """MGDA's weights of two or three tasks from gradients that are computed one by one."""
    seen = {}
    for name, module in (("pooled", model.network), ("representation", model.heads)):
        module.register_forward_pre_hook(lambda _, given, name=name: seen.update({name: given[:2]}))
    losses = losses_of(model, batch, layout)[1]
    shared = [p for name, p in model.named_parameters() if not name.startswith("heads")]
    weights = np.zeros((2, 3))
    for fold, tasks in enumerate([[0, 1], [0, 1, 2]]):
        share = TASK_WEIGHT[tasks] / TASK_WEIGHT[tasks].sum() * len(tasks)
        at = shared if on == "parameters" else seen[on]
        rows = [
            torch.cat([g.flatten() for g in gradients_of(factor * losses[fold, task], at)])
            for task, factor in zip(tasks, share, strict=True)
        ]
        jacobian = torch.stack(rows).double().numpy()
        gramian = jacobian @ jacobian.T
        alpha = minimize(
            lambda weights, gramian=gramian: weights @ gramian @ weights / np.trace(gramian),
            np.full(len(tasks), 1 / len(tasks)),
            bounds=[(0, 1)] * len(tasks),
            constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
            options={"ftol": 1e-14},
        ).x
        weights[fold, tasks] = alpha * share.numpy() * TASK_WEIGHT[tasks].sum().item()
    return weights


@pytest.mark.parametrize("on", ON)
def test_shared_parameters_follow_the_weights_and_heads_their_own_losses(model, batch, layout, on):
    given = balanced(model, batch, layout, GradientBalancing("mgda", on=on))
    weights = torch.from_numpy(weights_by_definition(model, batch, layout, on)).float()
    losses = losses_of(model, batch, layout)[1]
    for sums, is_head in (((losses * weights).sum(), False), ((losses * TASK_WEIGHT).sum(), True)):
        names = [name for name, _ in model.named_parameters() if name.startswith("heads") == is_head]
        expected = gradients_of(sums, [dict(model.named_parameters())[name] for name in names])
        for name, gradient in zip(names, expected, strict=True):
            np.testing.assert_allclose(given[name], gradient, rtol=2e-3, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("on", ON)
def test_a_strength_of_0_gives_the_gradients_of_the_mean(model, batch, layout, on):
    given = balanced(model, batch, layout, GradientBalancing("cagrad", strength=0.0, on=on))
    (losses,) = losses_of(model, batch, layout)[1:]
    expected = gradients_of((losses * TASK_WEIGHT).sum(), list(model.parameters()))
    for (name, gradient), wanted in zip(given.items(), expected, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-7, err_msg=name)


def test_weights_of_losses_reach_heads_and_shared_parameters_alike(model, batch, layout):
    given = balanced(model, batch, layout, LossBalancing("geometric"))
    (losses,) = losses_of(model, batch, layout)[1:]
    total = 0.0
    for fold, tasks in enumerate([[0, 1], [0, 1, 2]]):
        mass = TASK_WEIGHT[tasks].sum()
        total = total + mass * torch.prod(losses[fold, tasks] ** (TASK_WEIGHT[tasks] / mass))
    for (name, gradient), wanted in zip(
        given.items(), gradients_of(total, list(model.parameters())), strict=True
    ):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    "balancing", [LossBalancing("stch"), GradientBalancing("upgrad", on="pooled")], ids=str
)
def test_folds_do_not_mix(model, batch, layout, balancing):
    before = balanced(model, batch, layout, balancing)
    batch[2][1] += 1
    batch[3][1] *= 3
    after = balanced(model, batch, layout, balancing)
    for name, gradient in before.items():
        of_folds = [values.reshape(2, -1) for values in (gradient, after[name])]
        assert torch.equal(of_folds[0][0], of_folds[1][0]), name
    assert not torch.equal(before["heads.weight"][1], after["heads.weight"][1])


@pytest.mark.parametrize("on", ON)
def test_a_task_without_labels_moves_nothing_and_poisons_nothing(model, batch, layout, on):
    given = balanced(model, batch, layout, GradientBalancing("nash", on=on))
    of_last = given["heads.weight"][0, ..., 2:]
    assert not of_last.any()
    assert all(torch.isfinite(gradient).all() for gradient in given.values())
    assert given["network.weight.0"][0].any()


def test_a_closed_balancer_no_longer_watches(model, batch, layout):
    balanced(model, batch, layout, GradientBalancing("mgda", on="pooled"))
    assert not model.network._forward_pre_hooks
    assert not model.heads._forward_pre_hooks
