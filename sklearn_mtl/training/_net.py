"""The skorch net that trains all folds and views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import EpochTimer, PassthroughScoring
from torch import Tensor, nn

from ..nn import OutputLayout, activate, task_losses
from ._batches import Batch, FoldDataset, held_out_blocks
from ._cycles import Cycles
from ._mixture import mean_losses, mixture_loss

# Epochs: a network that has seen fewer may serve the mixture later, even if it does not yet.
_YOUNG = 16


class StopTraining(KeyboardInterrupt):
    """Raised to end training in good order; skorch ends its loop on a KeyboardInterrupt."""


class MeanTaskLoss(nn.Module):
    """The mean of the tasks' losses, summed over folds.

    Parameters
    ----------
    layout : OutputLayout
        The tasks.
    task_weight : Tensor of shape (T,)
        Share of each task; sums to 1.
    smoothing : sequence of float, length T, optional
        Of the labels of tasks of classes, as in `task_losses`.
    """

    task_weight: Tensor

    def __init__(
        self, layout: OutputLayout, task_weight: Tensor, smoothing: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.layout, self.smoothing = layout, smoothing
        self.register_buffer("task_weight", task_weight)

    def forward(self, outputs: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the loss of a batch, each view on its own.

        Parameters
        ----------
        outputs : Tensor of shape (G, B, V, O)
        targets, weights : Tensor of shape (G, B, T)

        Returns
        -------
        loss : Tensor of shape ()
        by_task : Tensor of shape (T,)
            Means over folds.
        """
        losses = task_losses(outputs, targets.unsqueeze(2), self.layout, self.smoothing).mean(2)  # (G, B, T)
        by_task = (losses * weights).mean(1)  # (G, T)
        return (by_task @ self.task_weight).sum(), by_task.mean(0).detach()


class FoldNet(NeuralNet):
    """A skorch net whose batches hold rows for each fold, and which scores each fold on its held-out rows.

    Training goes in `Cycles`, in each of which learning rate and dropout fall to nothing; from epoch 16 on,
    one that brings nothing to the mixture with the other views of the dataset is the last. After every epoch
    the out-of-fold loss is measured; the parameters of the best epoch are kept, one epoch for all folds.

    Parameters
    ----------
    *args, **kwargs
        As of :class:`skorch.NeuralNet`.
    task_names : list of str
        For the history.
    dropout : float
        Rate at the start of a cycle.
    dropout_seed : int
        Of the generator that draws the dropout.

    Attributes
    ----------
    best_epoch_ : int
        The epoch whose parameters were kept, from 1; 0 before the first has ended.
    out_of_fold_ : ndarray of shape (R, O)
        Numbers and probabilities for each training row from the fold that has not seen it.
    was_interrupted_ : bool
        Training was ended from the keyboard.
    """

    def __init__(
        self,
        *args: Any,
        task_names: list[str],
        dropout: float,
        dropout_seed: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.task_names = task_names
        self.dropout = dropout
        self.dropout_seed = dropout_seed

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        train_loss = PassthroughScoring(name="train_loss", on_train=True)
        return [("epoch_timer", EpochTimer()), ("train_loss", train_loss)]

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Start with nothing kept."""
        super().on_train_begin(net, X=X, y=y, **kwargs)
        self.dataset_: FoldDataset = X
        self.dataset_.encode_once(self.module_.tokens)
        self.dropout_generator_ = torch.Generator(self.device).manual_seed(self.dropout_seed)
        self.best_epoch_, self.least_loss_ = 0, np.inf
        self.was_interrupted_ = False
        self.cycles_ = Cycles(self.max_epochs)
        self.mixture_loss_ = np.inf

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Go back to the best epoch, and let go of what only training needs."""
        super().on_train_end(net, X=X, y=y, **kwargs)
        if self.best_epoch_:
            self.module_.load_state_dict(self.best_state_)
        self.module_.requires_grad_(requires_grad=False)
        self.optimizer_.state.clear()
        self.optimizer_.zero_grad()
        for name in (
            "dataset_",
            "cycles_",
            "dropout_generator_",
            "best_state_",
            "train_task_loss_",
            "mixture_loss_",
        ):
            self.__dict__.pop(name, None)

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **fit_params: Any) -> FoldNet:
        """Train until the cycles are over, or until the user interrupts."""
        try:
            super().fit_loop(X, y, epochs, **fit_params)
        except StopTraining:
            pass
        except KeyboardInterrupt:
            self.was_interrupted_ = True
        return self

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call the callbacks; after each epoch, stop if one of them or the cycles say so."""
        if method_name != "on_epoch_end":
            super().notify(method_name, **cb_kwargs)
            return
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as interrupt:  # as skorch's EarlyStopping does
            raise StopTraining from interrupt
        self.cycles_.record(self.history[-1, "valid_loss"])
        if self.cycles_.is_over or (self.cycles_.is_at_a_begin and not self._serves_mixture()):
            raise StopTraining

    def _anneal(self) -> None:
        """Set learning rate and dropout for the epoch that begins."""
        share = self.cycles_.share
        for group in self.optimizer_.param_groups:
            group["lr"] = self.lr * share
        self.module_.network.dropout = self.dropout * share

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        """Compute the loss of a batch and its gradients."""
        self._set_training(training=True)
        (numbers, categories), (targets, weights) = batch
        outputs = self.module_(numbers, categories, self.dropout_generator_, **fit_params)
        loss, by_task = self.criterion_(outputs, targets, weights)
        loss.backward()
        self.train_task_loss_ += by_task  # no tensor a step is kept: many small ones scatter the heap
        return {"loss": loss / len(outputs), "y_pred": outputs}

    def run_single_epoch(self, iterator: Any, training: bool, *args: Any, **kwargs: Any) -> None:
        """Train on all batches, or measure the out-of-fold loss."""
        if not training:
            self._set_training(training=False)
            self._keep_if_best(self._predict_out_of_fold())
            return
        self._anneal()
        self.train_task_loss_ = torch.zeros_like(self.criterion_.task_weight)  # (T,)
        super().run_single_epoch(iterator, training, *args, **kwargs)
        self.history.record("train_task_losses", (self.train_task_loss_ / len(iterator)).tolist())

    @torch.no_grad()
    def _predict_out_of_fold(self) -> NDArray[np.float64]:
        """Predict each row by its fold, the mean over views; (R, O)."""
        dataset, rows, scales = self.dataset_, self.dataset_.rows, self.dataset_.scales
        predicted = dataset.numbers.new_empty(len(dataset), rows.layout.n_outputs)
        for block in held_out_blocks(dataset, block_size=max(64, 1024 // len(dataset.held_out))):
            outputs = self.module_(dataset.numbers[block], dataset.categories[block])
            predicted[block] = activate(outputs, rows.layout).mean(2)
        return predicted.double().cpu().numpy() * scales.deviation[rows.fold] + scales.mean[rows.fold]

    def _keep_if_best(self, out_of_fold: NDArray[np.float64]) -> None:
        rows, scales = self.dataset_.rows, self.dataset_.scales
        losses = mean_losses(out_of_fold, rows) / scales.base_loss  # (T,)
        loss = float(np.average(losses, weights=rows.task_weight))
        is_best = loss < self.least_loss_ or not np.isfinite(self.least_loss_)
        epoch = len(self.history)
        self.history.record("valid_loss", loss)
        self.history.record("valid_loss_best", is_best)
        self.history.record("valid_task_losses", losses.tolist())
        if is_best:
            state = {name: value.clone() for name, value in self.module_.state_dict().items()}
            self.__dict__ |= {  # at once: the user may interrupt at any time
                "best_epoch_": epoch,
                "best_state_": state,
                "least_loss_": loss,
                "out_of_fold_": out_of_fold,
            }

    def _serves_mixture(self) -> bool:
        """Say whether the cycle that has just ended brought something to the mixture with the other views."""
        dataset = self.dataset_
        if not dataset.others or not np.isfinite(self.least_loss_):
            return True
        views, before = [self.out_of_fold_, *dataset.others], self.mixture_loss_
        self.mixture_loss_ = mixture_loss(views, dataset.rows, dataset.scales)
        return len(self.history) < _YOUNG or self.mixture_loss_ < before
