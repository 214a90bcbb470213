from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_mtl.training import ModelDesign, by_affinity, label_affinity, one_by_one, together
from sklearn_mtl.training._cycles import cycle_lengths

ORDER = [2, 0, 1]


@pytest.mark.parametrize("max_epochs", [3, 10, 84])
def test_stages_share_the_epochs_evenly(max_epochs):
    stages = one_by_one(ORDER, max_epochs=max_epochs, frozen=True).stages
    n_epochs = [stage.n_epochs for stage in stages]
    assert sum(n_epochs) == max_epochs
    assert max(n_epochs) - min(n_epochs) <= 1


@pytest.mark.parametrize("frozen", [True, False])
def test_each_stage_trains_one_task_and_scores_all_so_far(frozen):
    stages = one_by_one(ORDER, max_epochs=9, frozen=frozen).stages
    assert [stage.tasks for stage in stages] == [(2,), (0,), (1,)]
    assert [stage.scored for stage in stages] == [(2,), (2, 0), (2, 0, 1)]
    assert [stage.trains_trunk for stage in stages] == [True, not frozen, not frozen]


def states_after(trained, rows, n_tasks, *, frozen=True, **options):
    """Parameters after the first stages of a sequential schedule of 9 epochs."""
    schedule = one_by_one(ORDER, max_epochs=9, frozen=frozen)
    first = replace(schedule, stages=schedule.stages[:n_tasks])
    return trained(rows, schedule=first, max_epochs=9, n_slots=3, **options)


def is_of_task(net, parameter):
    return any(parameter is own for own in net.module_.parameters_of_tasks())


def test_later_stages_leave_a_frozen_trunk_and_the_tasks_before_as_they_were(make_rows, trained):
    rows = make_rows()
    before, after = (states_after(trained, rows, n_tasks) for n_tasks in (1, 3))
    outputs = [rows.layout.slices[task] for task in ORDER]
    for (name, old), new in zip(before.module_.named_parameters(), after.module_.parameters(), strict=True):
        if not is_of_task(after, new):
            assert torch.equal(old, new), name
        elif name in ("heads.weight", "heads.bias"):
            assert torch.equal(old[..., outputs[0]], new[..., outputs[0]])
            assert not torch.equal(old[..., outputs[1]], new[..., outputs[1]])
            assert not torch.equal(old[..., outputs[2]], new[..., outputs[2]])
    first = outputs[0]
    np.testing.assert_array_equal(before.out_of_fold_[:, first], after.out_of_fold_[:, first])


def test_a_trunk_that_is_not_frozen_goes_on_and_heads_before_stay(make_rows, trained):
    rows = make_rows()
    before, after = (states_after(trained, rows, n_tasks, frozen=False) for n_tasks in (1, 3))
    first = rows.layout.slices[ORDER[0]]
    for name in ("weight", "bias"):
        old, new = (getattr(net.module_.heads, name)[..., first] for net in (before, after))
        assert torch.equal(old, new)
    assert not torch.equal(before.module_.attention.value, after.module_.attention.value)


def test_each_stage_keeps_its_best_epoch(make_rows, trained):
    rows = make_rows()
    net = states_after(trained, rows, 3, learning_rate=0.3)
    losses = np.array(net.history[:, "valid_loss"])
    assert len(losses) == 9
    assert net.best_epoch_ == 7 + losses[6:].argmin()
    assert net.least_loss_ == losses[6:].min()


def test_the_loss_of_a_stage_is_the_mean_of_the_tasks_so_far(make_rows, trained):
    net = states_after(trained, make_rows(task_weight=np.array([1.0, 2.0, 4.0])), 3)
    for epoch, by_task, loss in net.history[:, ("epoch", "valid_task_losses", "valid_loss")]:
        scored = ORDER[: (epoch - 1) // 3 + 1]
        weights = np.array([1.0, 2.0, 4.0])[scored]
        assert loss == pytest.approx(np.average(np.array(by_task)[scored], weights=weights))


def test_training_together_by_a_schedule_is_training_without_one(make_rows, trained):
    rows = make_rows()
    plain, scheduled = trained(rows), trained(rows, schedule=together(range(3), max_epochs=3))
    assert np.array_equal(plain.out_of_fold_, scheduled.out_of_fold_)


def test_alternating_with_one_task_is_training_it(make_rows, trained):
    rows = make_rows(("regression",))
    schedule = together([0], max_epochs=3, alternates=True)
    assert np.array_equal(trained(rows).out_of_fold_, trained(rows, schedule=schedule).out_of_fold_)


def test_alternating_minimises_the_loss_of_one_task_a_step(make_rows, trained, monkeypatch):
    weights = []
    original = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        done = original(self, *args, **kwargs)  # computes the gradients, too
        bias = next(each for each in self.param_groups[0]["params"] if each.shape[-2:] == (1, 5))
        weights.append([bool(bias.grad[..., place].any()) for place in (0, 1, 2)])  # of the heads
        return done

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    trained(make_rows(), schedule=together(range(3), max_epochs=2, alternates=True), max_epochs=2)
    assert weights[:4] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [True, False, False],
    ]


def test_affinity_of_numbers_is_their_squared_correlation_where_both_are_seen(make_rows):
    rows = make_rows(("regression", "poisson"))
    both = (rows.weights > 0).all(axis=1)
    assert 10 < both.sum() < len(both)
    expected = np.corrcoef(rows.values[both].T)[0, 1] ** 2
    assert label_affinity(rows) == pytest.approx(np.array([[1, expected], [expected, 1]]))


def test_affinity_of_classes_does_not_depend_on_their_order(make_rows):
    rows = make_rows(("regression", "multiclass"))
    values = rows.values.copy()
    values[:, 1] = np.array([2.0, 0.0, 1.0])[values[:, 1].astype(int)]
    seen = rows.weights[:, 1] > 0
    values[~seen, 1] = 0.0
    assert label_affinity(replace(rows, values=values)) == pytest.approx(label_affinity(rows))
    assert 0.1 < label_affinity(rows)[0, 1] < 1


def test_tasks_without_common_rows_have_no_affinity(make_rows):
    rows = make_rows(("regression", "poisson"))
    weights = rows.weights.copy()
    weights[::2, 0] = weights[1::2, 1] = 0
    assert np.array_equal(label_affinity(replace(rows, weights=weights)), np.eye(2))


def test_the_order_by_affinity_begins_in_the_middle_and_leaves_out_what_is_not_asked_for():
    affinity = np.array([[1, 0, 0.5, 0.1], [0, 1, 0.6, 0.2], [0.5, 0.6, 1, 0.3], [0.1, 0.2, 0.3, 1.0]])
    assert by_affinity(affinity, [0, 1, 2, 3]) == [2, 1, 0, 3]
    assert by_affinity(affinity, [0, 3]) == [0, 3]


def test_designs_of_one_slot_have_no_interaction():
    design = replace(ModelDesign.default(), interaction="attention")
    generator = torch.Generator()
    assert design.build_interaction(n_slots=1, n_folds=2, d_slot=3, generator=generator) is None
    assert design.build_interaction(n_slots=2, n_folds=2, d_slot=3, generator=generator) is not None


def test_each_stage_has_cycles_of_its_own_to_serve_the_mixture(make_rows, trained):
    rows = make_rows(["regression"] * 2)
    schedule = one_by_one([0, 1], max_epochs=168, frozen=True)
    net = trained(
        rows, schedule=schedule, max_epochs=168, others=[rows.values]
    )  # nothing can be added to these
    first, second, *_ = cycle_lengths(84)
    assert len(net.history) > (first + second) + first  # a second cycle for each of them
