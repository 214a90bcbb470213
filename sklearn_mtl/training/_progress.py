"""What training says while it runs: one live line, and lines above it that stay."""

from __future__ import annotations

from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback
from tqdm.auto import tqdm


def say(line: str) -> None:
    """Print a line that stays, on standard output; live lines on the screen move down.

    Parameters
    ----------
    line : str
    """
    tqdm.write(line)


class ProgressLine(Callback):
    """Show epoch, losses, and the time that is left at most."""

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Open the line."""
        del kwargs
        self.bar_ = tqdm(total=net.max_epochs, unit="epoch", desc="training")

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Renew the line."""
        del kwargs
        last = net.history[-1]
        self.bar_.set_postfix_str(
            f"train {last['train_loss']:.4f}, held out {last['valid_loss']:.4f}, "
            f"best {net.least_loss_:.4f} in epoch {net.best_epoch_}",
            refresh=False,
        )
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Close the line."""
        del net, kwargs
        self.bar_.close()
        del self.bar_
