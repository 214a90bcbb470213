"""Each method against a direct application of its formula to gradients in float64."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.optimize import minimize, nnls

from sklearn_mtl.balancing import _gramian
from sklearn_mtl.balancing._gradnorm import GradNorm
from sklearn_mtl.balancing._gramian import Surgery, aligned, cagrad, imtl_g, mgda, nash, upgrad
from sklearn_mtl.balancing._torchjd import METHODS, FoldByFold

STRENGTH, MOMENTUM = 0.4, 0.3


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


SOLVERS = {
    "pcgrad": lambda: Surgery(None, generator=generator()),
    "gradvac": lambda: Surgery(MOMENTUM, generator=generator()),
    "cagrad": lambda: partial(cagrad, strength=STRENGTH),
    "mgda": lambda: mgda,
    "aligned": lambda: aligned,
    "imtl_g": lambda: imtl_g,
    "upgrad": lambda: upgrad,
    "nash": lambda: nash,
}
each_solver = pytest.mark.parametrize("make", SOLVERS.values(), ids=SOLVERS)


def solve(weigh, gradients, present=None):
    """Weigh gradients of shape (G, T, P)."""
    rows = torch.from_numpy(gradients)
    is_there = torch.ones(rows.shape[:2], dtype=torch.bool) if present is None else torch.as_tensor(present)
    return weigh(rows @ rows.mT, is_there).numpy()


def test_mgda_of_two_is_the_nearest_point_of_their_segment_to_0(make_gradients):
    for (first, second), weights in zip(g := make_gradients(2, n_folds=8), solve(mgda, g), strict=True):
        share = np.clip((second - first) @ second / ((first - second) @ (first - second)), 0, 1)
        np.testing.assert_allclose(weights, [share, 1 - share], atol=1e-7)


def test_mgda_of_many_has_no_shorter_neighbour(make_gradients):
    for rows, weights in zip(g := make_gradients(6), solve(mgda, g), strict=True):
        shortest = weights @ rows
        assert weights.sum() == pytest.approx(1)
        products = rows @ shortest
        assert (products >= shortest @ shortest - 1e-8).all()
        np.testing.assert_allclose(products[weights > 1e-6], shortest @ shortest, atol=1e-6)


def test_cagrad_is_the_papers_dual_problem(make_gradients):
    for rows, weights in zip(g := make_gradients(), solve(SOLVERS["cagrad"](), g), strict=True):
        mean, n_tasks = rows.mean(axis=0), len(rows)
        radius = STRENGTH * np.linalg.norm(mean)
        found = minimize(
            lambda w, rows=rows, mean=mean, radius=radius: (
                w @ rows @ mean + radius * np.linalg.norm(w @ rows)
            ),
            np.full(n_tasks, 1 / n_tasks),
            bounds=[(0, 1)] * n_tasks,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        direction = found.x @ rows
        expected = (mean + radius * direction / np.linalg.norm(direction)) / (1 + STRENGTH)
        np.testing.assert_allclose(weights @ rows, expected, atol=2e-5)


def test_cagrad_without_strength_is_the_mean(make_gradients):
    np.testing.assert_allclose(solve(partial(cagrad, strength=0.0), make_gradients(4)), 0.25)


def test_nash_solves_the_bargaining_equation(make_gradients):
    for rows, weights in zip(g := make_gradients(6), solve(nash, g), strict=True):
        assert (weights > 0).all()
        assert weights.sum() == pytest.approx(1)
        gains = weights * (rows @ rows.T @ weights)  # alpha (G alpha) is 1 for each, up to one scale
        np.testing.assert_allclose(gains, gains.mean())


def test_imtl_g_is_the_papers_closed_form(make_gradients):
    for rows, weights in zip(g := make_gradients(), solve(imtl_g, g), strict=True):
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        apart, turned = rows[:1] - rows[1:], units[:1] - units[1:]
        others = rows[0] @ turned.T @ np.linalg.inv(apart @ turned.T)
        np.testing.assert_allclose(weights, [1 - others.sum(), *others], rtol=1e-8)


def test_aligned_makes_the_singular_values_alike(make_gradients):
    for rows, weights in zip(g := make_gradients(), solve(aligned, g), strict=True):
        left, values, right = np.linalg.svd(rows, full_matrices=False)
        expected = values.min() * (left @ right).mean(axis=0)
        np.testing.assert_allclose(weights @ rows, expected, rtol=1e-8)


def test_aligned_leaves_out_directions_that_are_not_there(make_gradients):
    rows = make_gradients(3, n_folds=1)
    doubled = np.concatenate([rows, rows[:, :1]], axis=1)
    left, values, right = np.linalg.svd(doubled[0], full_matrices=False)
    expected = values[2] * (left[:, :3] @ right[:3]).mean(axis=0)
    np.testing.assert_allclose(solve(aligned, doubled)[0] @ doubled[0], expected, rtol=1e-6)


def test_upgrad_projects_each_gradient_on_the_cone_without_conflicts(make_gradients, monkeypatch):
    monkeypatch.setattr(_gramian, "_RIDGE", 1e-10)
    for rows, weights in zip(g := make_gradients(), solve(upgrad, g), strict=True):
        projected = [row + rows.T @ nnls(rows.T, -row)[0] for row in rows]
        np.testing.assert_allclose(weights @ rows, np.mean(projected, axis=0), atol=1e-5)


def plain_surgery(rows, order, target):
    """Treat the gradients of one fold one after the other; the target is changed, None for PCGrad."""
    treated = rows.copy()
    for task in range(len(rows)):
        for other in order[task]:
            if other == task:
                continue
            own, its = treated[task], rows[other]
            if target is None:
                if own @ its < 0:
                    treated[task] = own - own @ its / (its @ its) * its
                continue
            cosine = own @ its / np.linalg.norm(own) / np.linalg.norm(its)
            aim = target[task, other]
            if cosine < aim:
                sine, its_sine = np.sqrt(1 - cosine**2), np.sqrt(1 - aim**2)
                factor = np.linalg.norm(own) * (aim * sine - cosine * its_sine)
                treated[task] = own + factor / (np.linalg.norm(its) * its_sine) * its
            target[task, other] = (1 - MOMENTUM) * aim + MOMENTUM * cosine
    return treated.mean(axis=0)


@pytest.mark.parametrize("name", ["pcgrad", "gradvac"])
def test_surgery_is_the_papers_loop(name, make_gradients):
    weigh, drawn = SOLVERS[name](), generator()
    targets = np.zeros((3, 4, 4))
    for seed in range(3):  # gradvac remembers
        gradients = make_gradients(seed=seed)
        orders = torch.rand(3, 4, 4, generator=drawn, dtype=torch.float32).argsort(2).numpy()
        weights = solve(weigh, gradients)
        for fold, rows in enumerate(gradients):
            expected = plain_surgery(rows, orders[fold], targets[fold] if name == "gradvac" else None)
            np.testing.assert_allclose(weights[fold] @ rows, expected, rtol=1e-6, atol=1e-7)


def test_gradnorm_is_the_papers_loop(make_gradients):
    gradients = make_gradients()
    lengths = np.linalg.norm(gradients, axis=2)
    losses = np.random.default_rng(1).uniform(0.2, 2, lengths.shape)
    weigh = GradNorm(lengths.shape, asymmetry=1.5, learning_rate=0.01, device=torch.device("cpu"))
    weight = np.ones_like(lengths)
    first, second = np.zeros_like(weight), np.zeros_like(weight)
    rows, is_there = torch.from_numpy(gradients), torch.ones(lengths.shape, dtype=torch.bool)
    for step in range(1, 5):
        given = weigh(rows @ rows.mT, is_there, torch.from_numpy(losses)).numpy()
        np.testing.assert_allclose(given, weight / 4, rtol=1e-5)
        scaled = weight * lengths
        relative = losses / losses.mean(axis=1, keepdims=True)
        wanted = scaled.mean(axis=1, keepdims=True) * relative**1.5
        gradient = np.sign(scaled - wanted) * lengths
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weight -= 0.01 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        weight /= weight.mean(axis=1, keepdims=True)


def with_losses(make):
    """Let GradNorm be called as the others are."""
    weigh = make()
    return lambda gramian, present: weigh(gramian, present, torch.ones(present.shape))


ALL = {
    **SOLVERS,
    "gradnorm": lambda: with_losses(
        lambda: GradNorm((3, 3), asymmetry=1.5, learning_rate=0.01, device=torch.device("cpu"))
    ),
}
each_method = pytest.mark.parametrize("make", ALL.values(), ids=ALL)


@each_method
def test_one_task_alone_is_what_it_is(make, make_gradients):
    present = np.array([[True, False, False], [False, False, True], [False, True, False]])
    np.testing.assert_allclose(solve(make(), make_gradients(3), present), present, atol=1e-3)


@each_solver
def test_an_absent_task_changes_nothing(make, make_gradients):
    gradients = make_gradients(3)
    expected = solve(make(), gradients[:, [0, 2]])
    weights = solve(make(), gradients, np.tile([True, False, True], (3, 1)))
    np.testing.assert_allclose(weights[:, [0, 2]], expected, rtol=1e-6, atol=1e-6)
    assert not weights[:, 1].any()


@each_method
def test_a_fold_without_labels_or_gradients_gets_no_weights_and_spoils_no_other(make, make_gradients):
    gradients = make_gradients(3)
    expected = solve(make(), gradients)
    gradients[1] = 0
    weights = solve(make(), gradients, np.array([[True], [False], [True]]) & np.ones((3, 3), bool))
    assert not weights[1].any()
    np.testing.assert_allclose(weights[[0, 2]], expected[[0, 2]], rtol=1e-6)


@each_solver
@pytest.mark.parametrize("n_tasks", [2, 12])
def test_many_equal_and_opposite_gradients_stay_finite(make, n_tasks):
    rows = np.tile([[1.0, 2.0], [-1.0, -2.0]], (n_tasks // 2, 1))[None]
    assert np.isfinite(solve(make(), rows)).all()


LOOSE = {"mgda": 2e-2, "cagrad": 1e-3, "nash": 2e-2, "upgrad": 1e-4}


@pytest.mark.filterwarnings("ignore:You are solving a parameterized problem:UserWarning")  # cvxpy, of torchjd
@pytest.mark.parametrize("name", METHODS)
def test_torchjd_says_the_same(name, make_gradients):
    pytest.importorskip("torchjd")
    gradients = make_gradients(2)  # of two, the order of surgery does not matter
    present = np.array([[True, True], [True, True], [True, False]])
    try:
        weigh = FoldByFold(name, strength=STRENGTH, momentum=MOMENTUM, generator=generator())
    except ImportError as error:
        pytest.skip(str(error))
    expected, weights = solve(weigh, gradients, present), solve(SOLVERS[name](), gradients, present)
    sums = [np.einsum("gt,gtp->gp", of, gradients) for of in (expected, weights)]
    np.testing.assert_allclose(*sums, atol=LOOSE.get(name, 1e-7))


def test_torchjd_leaves_the_global_generator_alone(make_gradients):
    pytest.importorskip("torchjd")
    weigh = FoldByFold("pcgrad", strength=0.5, momentum=0.5, generator=generator())
    before = torch.random.get_rng_state()
    solve(weigh, make_gradients())
    assert torch.equal(torch.random.get_rng_state(), before)
