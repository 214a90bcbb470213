import itertools

import pytest
import torch

from sklearn_mtl.nn import TaskHeads

N_OUTPUTS = [1, 3, 1]
N_FOLDS, N_ROWS, N_VIEWS, D_SHARED, D_SLOT = 2, 5, 2, 3, 4


@pytest.fixture
def make_heads(generator, randomised):
    def make(n_slots, n_outputs=N_OUTPUTS):
        sizes = {"n_folds": N_FOLDS, "n_views": N_VIEWS, "n_slots": n_slots, "d_hidden": D_SHARED + D_SLOT}
        return randomised(TaskHeads(n_outputs, **sizes, generator=generator))

    return make


@pytest.fixture
def make_hidden(generator):
    """Give units that are shared and those of slots."""

    def make(n_slots):
        shapes = (N_FOLDS, N_VIEWS, N_ROWS, D_SHARED), (N_FOLDS, N_VIEWS, N_ROWS, n_slots, D_SLOT)
        return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]

    return make


def own_slot(heads, fold, view, task):
    del heads, fold, view
    return torch.eye(3, dtype=torch.float64)[task]


def only_slot(heads, fold, view, task):
    del heads, fold, view, task
    return torch.ones(1, dtype=torch.float64)


def gated_slots(heads, fold, view, task):
    powers = heads.gate[fold, view, task].exp()
    return powers / powers.sum()


SHARES = {1: only_slot, 2: gated_slots, 3: own_slot}


def heads_by_loop(heads, shared, own, shares):
    outputs = torch.empty(N_FOLDS, N_ROWS, N_VIEWS, sum(N_OUTPUTS), dtype=torch.float64)
    task_of_output = [task for task, width in enumerate(N_OUTPUTS) for _ in range(width)]
    for fold, row, view, output in itertools.product(*map(range, outputs.shape)):
        of_slot = shares(heads, fold, view, task_of_output[output])
        mixed = sum(share * state for share, state in zip(of_slot, own[fold, view, row], strict=True))
        units = torch.cat([shared[fold, view, row], mixed])
        bias = heads.bias[fold, view, 0, output]
        outputs[fold, row, view, output] = (units @ heads.weight[fold, view, :, output] + bias).detach()
    return outputs


@pytest.mark.parametrize(("n_slots", "shares"), SHARES.items(), ids=["one", "gated", "own"])
def test_outputs_equal_a_loop(n_slots, shares, make_heads, make_hidden):
    heads, hidden = make_heads(n_slots), make_hidden(n_slots)
    torch.testing.assert_close(heads(*hidden), heads_by_loop(heads, *hidden, shares))


@pytest.mark.parametrize(("n_slots", "shares"), SHARES.items(), ids=["one", "gated", "own"])
def test_gates_are_the_shares_of_slots_and_sum_to_1(n_slots, shares, make_heads):
    heads = make_heads(n_slots)
    gates = heads.gates()
    assert gates.shape == (N_FOLDS, N_VIEWS, 3, n_slots)
    torch.testing.assert_close(gates.sum(3), torch.ones_like(gates[..., 0]))
    for fold, view, task in itertools.product(range(N_FOLDS), range(N_VIEWS), range(3)):
        torch.testing.assert_close(gates[fold, view, task], shares(heads, fold, view, task))


def test_a_task_with_its_own_slot_reads_no_other(make_heads, make_hidden):
    heads, (shared, own) = make_heads(3), make_hidden(3)
    heads(shared, own.requires_grad_())[..., 1:4].sum().backward()
    is_read = own.grad.abs().sum((0, 1, 2, 4)) > 0
    assert is_read.tolist() == [False, True, False]


def test_each_view_has_heads_of_its_own(make_heads, make_hidden):
    heads, hidden = make_heads(2), make_hidden(2)
    heads(*(part.requires_grad_() for part in hidden))[:, :, 0].sum().backward()
    for part in hidden:
        assert part.grad[:, 0].any()
        assert not part.grad[:, 1].any()
    assert not heads.weight.grad[:, 1].any()
    assert not heads.gate.grad[:, 1].any()


def test_permuting_tasks_with_their_slots_permutes_the_outputs(make_heads, make_hidden):
    heads, (shared, own) = make_heads(3, n_outputs=[1, 1, 1]), make_hidden(3)
    expected = heads(shared, own)
    order = torch.tensor([2, 0, 1])
    with torch.no_grad():
        heads.weight.copy_(heads.weight[..., order].clone())
        heads.bias.copy_(heads.bias[..., order].clone())
    torch.testing.assert_close(heads(shared, own[:, :, :, order]), expected[..., order])


def test_one_task_has_one_slot_and_no_gate(make_heads):
    heads = make_heads(1, n_outputs=[3])
    assert heads.gate is None
    assert torch.equal(heads.gates(), torch.ones(N_FOLDS, N_VIEWS, 1, 1, dtype=torch.float64))
