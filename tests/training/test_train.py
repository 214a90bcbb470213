import random

import numpy as np
import pytest
import torch

from sklearn_mtl.training import ModelSizes, build_model

SIZES = ModelSizes(n_views=2, n_slots=2, n_bins=3, d_token=4, d_hidden=8, n_layers=3, dropout=0.2)


def build(*, seed=0, prior=None):
    return build_model(
        left=np.zeros((2, 3), np.float32),
        width=np.ones((2, 3), np.float32),
        cardinalities=[4, 5],
        n_outputs=[1, 3, 1],
        prior=np.zeros((3, 5)) if prior is None else prior,
        sizes=SIZES,
        seed=seed,
    )


def states_are_equal(one, other):
    one, other = one.state_dict(), other.state_dict()
    return all(torch.equal(one[name], other[name]) for name in one)


def test_initial_values_depend_on_the_seed_alone():
    state = torch.get_rng_state()
    first = build()
    torch.manual_seed(1)
    assert states_are_equal(first, build())
    assert not states_are_equal(first, build(seed=1))
    torch.set_rng_state(state)


def test_the_model_has_the_sizes_asked_for():
    model = build()
    outputs = model(torch.zeros(1, 7, 2), torch.zeros(1, 7, 2, dtype=torch.long))
    assert outputs.shape == (3, 7, 2, 5)
    assert model.attention.value.shape == (3, 4, 4, 8)
    assert model.attention.sizes == (3, 2, 2)
    assert len(model.network.weight) == 2
    assert model.network.dropout == 0.2


def test_heads_start_at_the_prior_of_their_fold():
    prior = np.arange(15.0).reshape(3, 5)
    bias = build(prior=prior).heads.bias.detach()  # (G, V, 1, O)
    assert torch.equal(bias, torch.from_numpy(prior).float()[:, None, None].expand(-1, 2, 1, -1))


def test_training_depends_on_the_seed_alone(make_rows, trained):
    rows = make_rows()
    first, again, other = (trained(rows, seed=seed) for seed in (3, 3, 4))
    assert states_are_equal(first.module_, again.module_)
    assert np.array_equal(first.out_of_fold_, again.out_of_fold_)
    assert not np.array_equal(first.out_of_fold_, other.out_of_fold_)


def test_training_leaves_the_global_rngs_alone(make_rows, trained):
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002  the global state is the point
    trained(make_rows())
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002  the global state is the point
    assert random.getstate() == before[2]


def test_training_leaves_its_rows_alone(make_rows, trained):
    rows, same = make_rows(), make_rows()
    trained(rows)
    for name in ("numbers", "categories", "design", "values", "weights", "task_weight", "fold"):
        assert np.array_equal(getattr(rows, name), getattr(same, name))


def test_only_the_proportions_of_task_weights_matter(make_rows, trained):
    one = trained(make_rows(task_weight=np.array([1.0, 2.0, 1.0])))
    two = trained(make_rows(task_weight=np.array([4.0, 8.0, 4.0])))
    assert np.array_equal(one.out_of_fold_, two.out_of_fold_)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_training_leaves_the_number_of_threads_alone(n_threads, make_rows, trained):
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        trained(make_rows(), max_epochs=1)
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)


def test_missing_inputs_and_all_kinds_of_tasks_train_to_finite_parameters(make_rows, trained):
    rows = make_rows()
    rows.numbers[::3] = np.nan
    net = trained(rows)
    assert all(parameter.isfinite().all() for parameter in net.module_.parameters())
    assert np.isfinite(net.out_of_fold_).all()
