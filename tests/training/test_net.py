import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping

from sklearn_mtl.nn import activate, task_losses
from sklearn_mtl.training import MeanTaskLoss, mean_losses, target_scales
from sklearn_mtl.training._cycles import Cycles, cycle_lengths


class Interrupt(Callback):
    """Raises a KeyboardInterrupt at one moment of one epoch."""

    def __init__(self, moment, epoch):
        self.moment, self.epoch = moment, epoch

    def _raise_if(self, moment, net):
        if moment == self.moment and len(net.history) == self.epoch:
            raise KeyboardInterrupt

    def on_batch_end(self, net, **kwargs):
        del kwargs
        self._raise_if("batch", net)

    def on_epoch_end(self, net, **kwargs):
        del kwargs
        self._raise_if("epoch", net)


def predict_out_of_fold(net, rows):
    """Predict each row by the fold that has not seen it, by the module alone."""
    scales = target_scales(rows)
    with torch.no_grad():
        outputs = net.module_(torch.from_numpy(rows.numbers)[None], torch.from_numpy(rows.categories)[None])
    means = activate(outputs, rows.layout).mean(2).double().numpy()  # (G, R, O)
    predicted = means * scales.deviation[:, None] + scales.mean[:, None]
    return predicted[rows.fold, np.arange(len(rows.fold))]


def parameters_of(net):
    return {name: value.clone() for name, value in net.module_.state_dict().items()}


def is_equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def outputs_and_labels():
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(2, 6, 3, 5, generator=generator, dtype=torch.float64)  # (G, B, V, O)
    targets = torch.randint(2, (2, 6, 3), generator=generator).double()  # (G, B, T)
    weights = torch.rand(2, 6, 3, generator=generator, dtype=torch.float64)
    return outputs, targets, weights * (weights > 0.3)


def test_the_loss_is_the_weighted_mean_of_tasks_summed_over_folds(make_rows, outputs_and_labels):
    layout, (outputs, targets, weights) = make_rows().layout, outputs_and_labels
    task_weight = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
    loss, by_fold = MeanTaskLoss(layout, task_weight)(outputs, targets, weights)
    expected = np.zeros((2, 3))
    for fold in range(2):
        for row in range(6):
            for view in range(3):
                losses = task_losses(outputs[fold, row, view], targets[fold, row], layout)
                expected[fold] += (weights[fold, row] * losses).numpy() / (6 * 3)
    np.testing.assert_allclose(by_fold.numpy(), expected)
    assert loss.item() == pytest.approx((expected @ task_weight.numpy()).sum())


def test_labels_and_tasks_of_weight_0_get_no_gradient(make_rows, outputs_and_labels):
    outputs, targets, weights = outputs_and_labels
    outputs = outputs.clone().requires_grad_()
    task_weight = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    MeanTaskLoss(make_rows().layout, task_weight)(outputs, targets, weights)[0].backward()
    is_weighed = (weights[..., :2] > 0).unsqueeze(2).expand(-1, -1, 3, -1)
    assert torch.equal(outputs.grad[..., :2] != 0, is_weighed)
    assert not outputs.grad[..., 2:].any()


def test_the_best_epoch_is_restored(make_rows, trained):
    rows = make_rows()
    net = trained(rows, max_epochs=30, learning_rate=0.05)
    losses = net.history[:, "valid_loss"]
    assert 1 < net.best_epoch_ < 30  # or nothing would be shown
    assert net.best_epoch_ == 1 + int(np.argmin(losses))
    predicted = predict_out_of_fold(net, rows)
    np.testing.assert_allclose(net.out_of_fold_, predicted, rtol=1e-4, atol=1e-5)
    loss = (mean_losses(predicted, rows) / target_scales(rows).base_loss).mean()
    assert loss == pytest.approx(min(losses), rel=1e-5)


def test_the_history_has_the_losses_of_all_tasks(make_rows, trained):
    rows = make_rows(task_weight=np.array([3.0, 0.0, 1.0]))
    history = trained(rows).history
    assert len(history) == 3
    for part in ("train", "valid"):
        for loss, by_task in history[:, (f"{part}_loss", f"{part}_task_losses")]:
            assert loss == pytest.approx(np.average(by_task, weights=rows.task_weight), rel=1e-5)
    losses = history[:, "valid_loss"]
    is_best = [all(loss < before for before in losses[:place]) for place, loss in enumerate(losses)]
    assert history[:, "valid_loss_best"] == is_best


def test_training_improves_on_the_base_rates(make_rows, trained):
    net = trained(make_rows(n_rows=200), max_epochs=10)
    assert min(net.history[:, "valid_loss"]) < 0.8
    assert net.history[-1, "train_loss"] < net.history[0, "train_loss"]


class Look(Callback):
    """Notes learning rate and dropout of each batch of each epoch."""

    def on_train_begin(self, net, **kwargs):
        del net, kwargs
        self.seen_ = []

    def on_batch_end(self, net, training, **kwargs):
        del kwargs
        if training:
            rates = {group["lr"] for group in net.optimizer_.param_groups}
            self.seen_.append((len(net.history), *rates, net.module_.network.dropout))


@pytest.mark.parametrize("max_epochs", [1, 7, 14, 40])
def test_learning_rate_and_dropout_have_the_shares_of_their_cycle(max_epochs, make_rows, trained):
    look = Look()
    net = trained(
        make_rows(n_rows=100), max_epochs=max_epochs, learning_rate=0.03, dropout=0.3, callbacks=[look]
    )
    cycles, shares = Cycles(max_epochs), []
    for loss in net.history[:, "valid_loss"]:
        shares.append(cycles.share)
        cycles.record(loss)
    assert cycles.is_over
    assert {epoch for epoch, *_ in look.seen_} == set(range(1, len(shares) + 1))
    for epoch, rate, dropout in look.seen_:
        assert rate == pytest.approx(0.03 * shares[epoch - 1])
        assert dropout == pytest.approx(0.3 * shares[epoch - 1])


def test_a_callback_that_interrupts_after_an_epoch_ends_training_in_good_order(make_rows, trained):
    rows = make_rows()
    net = trained(rows, max_epochs=20, callbacks=[Interrupt("epoch", 2)])
    assert len(net.history) == 2
    assert not net.was_interrupted_
    whole = trained(rows, max_epochs=20).history
    assert net.history[:, ("train_loss", "valid_loss")] == whole[:2, ("train_loss", "valid_loss")]
    np.testing.assert_allclose(net.out_of_fold_, predict_out_of_fold(net, rows), rtol=1e-4, atol=1e-5)


def test_early_stopping_of_skorch_ends_training(make_rows, trained):
    stopping = EarlyStopping(patience=2, load_best=False, sink=str)
    net = trained(make_rows(), max_epochs=210, learning_rate=0.05, callbacks=[("stop", stopping)])
    cycles = Cycles(210)
    for loss in net.history[:, "valid_loss"]:
        cycles.record(loss)
    assert not cycles.is_over
    assert len(net.history) < 210
    assert not net.was_interrupted_


def test_training_ends_when_a_cycle_has_brought_nothing_to_the_mixture(make_rows, trained):
    rows = make_rows(["regression"])
    alone, beside = trained(rows, max_epochs=84), trained(rows, max_epochs=84, others=[rows.values])
    assert len(beside.history) == sum(cycle_lengths(84)[:2]) < len(alone.history)
    losses = [net.history[: len(beside.history), "valid_loss"] for net in (alone, beside)]
    assert losses[0] == losses[1]
    assert beside.best_epoch_ == 1 + int(np.argmin(losses[1]))


def test_a_young_network_is_trained_although_it_does_not_serve_the_mixture(make_rows, trained):
    rows = make_rows(["regression"])
    assert sum(cycle_lengths(30)[:3]) < 16
    alone, beside = trained(rows, max_epochs=30), trained(rows, max_epochs=30, others=[rows.values])
    assert len(beside.history) == len(alone.history) > sum(cycle_lengths(30)[:2])


def test_training_goes_on_while_it_serves_the_mixture(make_rows, trained):
    rows = make_rows(["regression"])
    noise = [rows.values + np.random.default_rng(0).normal(0, 100, rows.values.shape)]
    assert len(trained(rows, max_epochs=84, others=noise).history) > sum(cycle_lengths(84)[:2])


def test_an_interrupt_in_a_batch_keeps_the_best_epoch(make_rows, trained):
    rows = make_rows()
    net = trained(rows, max_epochs=20, callbacks=[Interrupt("batch", 3)])
    assert net.was_interrupted_
    expected = trained(rows, max_epochs=20, callbacks=[Interrupt("epoch", 2)])
    assert net.best_epoch_ == expected.best_epoch_
    assert is_equal(parameters_of(net), parameters_of(expected))
    assert np.array_equal(net.out_of_fold_, expected.out_of_fold_)


def test_an_interrupt_before_the_first_epoch_has_ended_is_raised(make_rows, trained):
    with pytest.raises(KeyboardInterrupt):
        trained(make_rows(), callbacks=[Interrupt("batch", 1)])


def test_training_without_interrupt_says_so(make_rows, trained):
    assert not trained(make_rows()).was_interrupted_


@pytest.mark.parametrize("callbacks", [[], [Interrupt("batch", 2)]], ids=["to the end", "interrupted"])
def test_what_only_training_needs_is_released(callbacks, make_rows, trained):
    net = trained(make_rows(), callbacks=callbacks)
    assert not net.optimizer_.state
    assert all(parameter.grad is None for parameter in net.module_.parameters())
    assert not any(parameter.requires_grad for parameter in net.module_.parameters())
    for name in ("dataset_", "best_state_", "dropout_generator_", "train_task_loss_"):
        assert not hasattr(net, name)


def test_a_pickled_net_holds_no_training_rows(make_rows, trained):
    few, many = (
        trained(make_rows(["regression"], n_rows=n_rows, n_numbers=20), max_epochs=1, batch_size=400)
        for n_rows in (200, 1200)
    )
    few.take_spread(), many.take_spread()
    growth = len(pickle.dumps(many)) - len(pickle.dumps(few))
    predictions = many.out_of_fold_.nbytes - few.out_of_fold_.nbytes
    assert growth < predictions + 2000  # one number column of 1000 rows has 4000


def test_a_net_predicts_the_same_after_pickling(make_rows, trained):
    rows = make_rows()
    net = trained(rows)
    again = pickle.loads(pickle.dumps(net))
    assert np.array_equal(predict_out_of_fold(again, rows), predict_out_of_fold(net, rows))


def parameters_of_fold(net, fold):
    for name, parameter in net.module_.named_parameters():
        is_table = name.endswith("category_weight")  # (G K, D)
        yield name, parameter.unflatten(0, (3, -1))[fold] if is_table else parameter[fold]


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_held_out_labels_have_no_influence_on_the_parameters_of_their_fold(
    kind, make_rows, relabelled, trained
):
    rows = make_rows([kind, "regression"])
    nets = [trained(these, max_epochs=1) for these in (rows, relabelled(rows))]
    same, other = (zip(*(parameters_of_fold(net, fold) for net in nets), strict=True) for fold in (0, 1))
    for (name, before), (_, after) in same:
        assert torch.equal(before, after), name
    assert not any(torch.equal(before, after) for (_, before), (_, after) in other)


def test_a_task_of_weight_0_changes_nothing_for_the_others(make_rows, trained):
    rows = make_rows(["regression", "binary"], task_weight=np.array([1.0, 0.0]))
    other = replace(rows, values=rows.values * [1, 0] + [0, 1])
    one, two = (trained(these).out_of_fold_[:, 0] for these in (rows, other))
    assert np.array_equal(one, two)
