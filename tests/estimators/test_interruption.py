"""Ctrl-C, callbacks and the live line."""

import signal
import warnings

import numpy as np
import pytest
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler

from sklearn_mtl.exceptions import FitInterruptedWarning


class Interrupt(Callback):
    """Press Ctrl-C in an epoch, at some moment of it."""

    def __init__(self, epoch, moment="on_batch_end"):
        self.epoch, self.moment = epoch, moment

    def on_batch_begin(self, net, **kwargs):
        self.press(net, "on_batch_begin", **kwargs)

    def on_batch_end(self, net, **kwargs):
        self.press(net, "on_batch_end", **kwargs)

    def on_epoch_end(self, net, **kwargs):
        self.press(net, "on_epoch_end", **kwargs)

    def press(self, net, moment, training=True, **kwargs):
        del kwargs
        if training and (len(net.history), moment) == (self.epoch, self.moment):
            raise KeyboardInterrupt


@pytest.mark.parametrize("moment", ["on_batch_begin", "on_batch_end"])
def test_an_interrupted_fit_keeps_the_best_epoch_so_far_and_warns(kind, numbers, moment):
    X, labels = numbers[0], kind.labels(numbers[1])
    options = {"max_epochs": 20, "learning_rate": 1e-3}
    with pytest.warns(
        FitInterruptedWarning, match="interrupted in epoch 3 of at most 20; the state of epoch 2"
    ):
        model = kind(**options, callbacks=[Interrupt(3, moment)]).fit(X, labels)
    short = kind(**options, callbacks=[Interrupt(2, "on_epoch_end")]).fit(X, labels)
    assert model.best_epoch_ == short.best_epoch_ == 2
    np.testing.assert_array_equal(model.predict(X), short.predict(X))
    np.testing.assert_array_equal(model.oof_prediction_, short.oof_prediction_)


def test_the_history_of_an_interrupted_fit_has_the_epochs_that_ended(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    with pytest.warns(FitInterruptedWarning):
        model = kind(callbacks=[Interrupt(3)]).fit(X, labels)
    assert model.history_["epoch"].tolist() == [1, 2]
    assert model.n_iter_ == 2
    losses = [name for name in model.history_.columns if "_loss" in name and not name.endswith("_best")]
    assert model.history_[losses].notna().all(axis=None)
    plain = kind().fit(X, labels).history_
    assert model.history_.dtypes.to_dict() == plain.dtypes.to_dict()


def test_the_warning_points_at_the_line_that_called_fit(regressor, numbers):
    with pytest.warns(FitInterruptedWarning) as caught:
        regressor(callbacks=[Interrupt(3)]).fit(*numbers)
    assert caught[0].filename == __file__


def test_an_interrupt_before_the_first_epoch_has_ended_leaves_the_estimator_unfitted(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind(callbacks=[Interrupt(1)])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, labels)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_an_interrupt_before_the_first_epoch_has_ended_leaves_a_fitted_estimator_as_it_was(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind().fit(X, labels)
    expected = model.predict(X)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(random_state=1, callbacks=[Interrupt(1)]).fit(X, labels)
    np.testing.assert_array_equal(model.predict(X), expected)


def test_an_interrupted_fit_can_be_used_like_any_other(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    with pytest.warns(FitInterruptedWarning):
        model = kind(callbacks=[Interrupt(2)]).fit(X, labels)
    assert np.isfinite(model.oof_score_)
    assert model.attention_weights(X).shape == (60, 3, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FitInterruptedWarning)
        model.set_params(callbacks=None).fit(X, labels)
    assert model.n_iter_ == kind().fit(X, labels).n_iter_ > 2


CTRL_C = """
import os, signal, sys, threading, warnings
import numpy as np
from skorch.callbacks import Callback
from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.exceptions import FitInterruptedWarning

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

class Press(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

rng = np.random.default_rng(0)
X = rng.normal(size=(500, 5))
model = MultiTaskAttentionRegressor(max_epochs=100_000, n_trees=8, random_state=0, callbacks=[Press()])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(X, X[:, :2])
print([warning.category.__name__ for warning in caught], 2 <= model.n_iter_ < 1000, model.predict(X).shape)
"""


def test_a_real_ctrl_c_ends_fit_in_good_order(run_python):
    assert run_python(CTRL_C).strip() == "['FitInterruptedWarning'] True (500, 2)"


def test_skorchs_early_stopping_stops(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    stop = EarlyStopping(monitor="valid_loss", patience=3, threshold=10.0, sink=lambda _: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FitInterruptedWarning)
        model = kind(max_epochs=50, callbacks=[stop]).fit(X, labels)
    assert model.n_iter_ == 4


def test_a_scheduler_that_the_cycles_would_override_is_refused(regressor, numbers):
    X, y = numbers
    scheduler = LRScheduler("StepLR", step_size=1, gamma=0.5)
    for callback in (scheduler, ("rate", scheduler), LRScheduler):
        model = regressor(callbacks=[callback])
        with pytest.raises(ValueError, match="itself, in cycles; choose learning_rate"):
            model.fit(X, y)
        assert not hasattr(model, "net_")


@pytest.mark.parametrize("use_caching", [True, False])
def test_skorchs_epoch_scoring_scores(kind, numbers, use_caching):
    X, labels = numbers[0], kind.labels(numbers[1])

    def size(net, dataset, y):
        del dataset, y
        return sum(float(parameter.detach().square().sum()) for parameter in net.module_.parameters())

    scoring = EpochScoring(size, name="size", on_train=True, use_caching=use_caching)
    model = kind(callbacks=[("size", scoring)]).fit(X, labels)
    assert (model.history_["size"] > 0).all()
    assert model.history_["size"].nunique() == model.n_iter_


def test_callbacks_see_losses_of_each_epoch(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    seen = []

    class Look(Callback):
        def on_epoch_end(self, net, **kwargs):
            del kwargs
            seen.append((net.history[-1, "train_loss"], net.history[-1, "valid_loss"]))

    model = kind(callbacks=[Look()]).fit(X, labels)
    np.testing.assert_array_equal(seen, model.history_[["train_loss", "valid_loss"]])


def test_a_callback_that_looks_on_changes_no_bit(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    np.testing.assert_array_equal(
        kind(callbacks=[Callback()]).fit(X, labels).predict(X), kind().fit(X, labels).predict(X)
    )


def test_verbose_0_writes_nothing(kind, numbers, capfd):
    X, labels = numbers[0], kind.labels(numbers[1])
    kind(verbose=0).fit(X, labels).predict(X)
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.mark.parametrize("verbose", [1, True])
def test_verbose_1_writes_a_live_line(kind, numbers, capfd, verbose):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind(verbose=verbose).fit(X, labels)
    written = "".join(capfd.readouterr())
    assert "6/6" in written
    assert f"held out {model.history_['valid_loss'].iloc[-1]:.4f}" in written
    assert f"in epoch {model.best_epoch_}" in written


def test_verbosity_changes_no_bit(kind, numbers, capfd):
    X, labels = numbers[0], kind.labels(numbers[1])
    loud, silent = (kind(verbose=verbose).fit(X, labels).predict(X) for verbose in (1, 0))
    capfd.readouterr()
    np.testing.assert_array_equal(loud, silent)


def test_fit_leaves_the_handler_of_ctrl_c_alone(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    before = signal.getsignal(signal.SIGINT)
    kind().fit(X, labels)
    assert signal.getsignal(signal.SIGINT) is before
