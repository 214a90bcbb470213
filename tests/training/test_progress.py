import pytest
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from sklearn_mtl.training import say


class Interrupt(Callback):
    def on_epoch_end(self, net, **kwargs):
        del kwargs
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_the_line_shows_epochs_and_losses(make_rows, trained, capsys):
    net = trained(make_rows(), verbose=1)
    shown = capsys.readouterr().err.split("\r")[-1]
    assert "3/3" in shown
    assert f"train {net.history[-1, 'train_loss']:.4f}" in shown
    assert f"held out {net.history[-1, 'valid_loss']:.4f}" in shown
    assert f"best {min(net.history[:, 'valid_loss']):.4f} in epoch {net.best_epoch_}" in shown


def test_nothing_is_shown_unless_asked_for(make_rows, trained, capsys):
    trained(make_rows())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("callbacks", [[], [Interrupt()]], ids=["to the end", "ended early"])
def test_the_line_is_closed_at_the_end(callbacks, make_rows, trained, capsys):
    net = trained(make_rows(), verbose=1, callbacks=callbacks)
    assert capsys.readouterr().err.endswith("\n")
    assert not any(hasattr(callback, "bar_") for _, callback in net.callbacks_)


def test_a_line_that_stays_leaves_the_live_line_below_it(capsys):
    with tqdm(total=3) as bar:
        bar.update()
        say("two words")
        bar.update()
    shown = capsys.readouterr()
    assert shown.out == "two words\n"
    assert "2/3" in shown.err.split("\r")[-1]
