"""The skorch net that trains all folds and views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import EpochTimer, PassthroughScoring
from torch import Tensor, nn

from ..balancing import Balancing, make_balancer
from ..nn import OutputLayout, WordStates, activate, tag_losses, task_losses
from ._batches import Batch, FoldDataset, TagBatch, held_out_blocks
from ._cycles import Cycles
from ._mixture import mean_losses, mixture_loss
from ._regular import Regularizer, Regularizing
from ._schedule import Schedule

_OF_TRAINING = (
    "dataset_", "stages_left_", "stage_", "is_first_of_stage_", "n_steps_", "full_task_weight_", "cycles_",
    "dropout_generator_", "balancer_", "regularizer_", "best_state_", "train_task_loss_", "mixture_loss_",
    "tag_weight_", "tag_scale_", "tag_loss_", "tag_state_",
)  # fmt: skip

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
        by_fold : Tensor of shape (G, T)
            Of each fold and task.
        """
        losses = task_losses(outputs, targets.unsqueeze(2), self.layout, self.smoothing).mean(2)  # (G, B, T)
        by_fold = (losses * weights).mean(1)  # (G, T)
        return (by_fold @ self.task_weight).sum(), by_fold


class FoldNet(NeuralNet):
    """A skorch net whose batches hold rows for each fold, and which scores each fold on its held-out rows.

    Training goes in `Cycles`, in each of which learning rate and dropout fall to nothing; from epoch 16 on,
    one that brings nothing to the mixture with the other views of the dataset is the last. After every epoch
    the out-of-fold loss is measured; the parameters of the best epoch are kept, one epoch for all folds. Each
    stage of a schedule has cycles of its own, and starts from the best epoch of the one before it.

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
    balancing : LossBalancing, GradientBalancing or None
        How the tasks' losses become one update; None for their mean.
    balancing_seed : int
        Of what balancing draws.
    schedule : Schedule
        Which tasks are trained when.
    regularizing : Regularizing or None
        What keeps networks from learning too well, beside dropout and weight decay.
    regularizing_seed : int
        Of what it draws.

    Attributes
    ----------
    best_epoch_ : int
        The epoch whose parameters were kept, from 1; 0 before the first has ended.
    out_of_fold_ : ndarray of shape (R, O)
        Numbers and probabilities for each training row from the fold that has not seen it.
    spread_ : ndarray of shape (R, O)
        Standard deviation of the same over the views of the fold, until `take_spread`.
    tags_out_of_fold_ : list of ndarray of shape (E, K)
        Probabilities of the tags of each training row's words from that fold, until `take_tags`.
    was_interrupted_ : bool
        Training was ended from the keyboard.
    """

    def __init__(
        self,
        *args: Any,
        task_names: list[str],
        dropout: float,
        dropout_seed: int,
        balancing: Balancing,
        balancing_seed: int,
        schedule: Schedule,
        regularizing: Regularizing | None,
        regularizing_seed: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.task_names = task_names
        self.dropout = dropout
        self.dropout_seed = dropout_seed
        self.balancing = balancing
        self.balancing_seed = balancing_seed
        self.schedule = schedule
        self.regularizing = regularizing
        self.regularizing_seed = regularizing_seed

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
        self.balancer_ = make_balancer(
            self.balancing,
            self.module_,
            task_weight=self.criterion_.task_weight,
            n_folds=self.dataset_.rows.n_folds,
            seed=self.balancing_seed,
        )
        self.regularizer_ = self._make_regularizer()
        self.best_epoch_, self.least_loss_, self.least_tag_error_ = 0, np.inf, np.inf
        self.was_interrupted_ = False
        self.full_task_weight_ = self.criterion_.task_weight  # (T,)
        self._set_tag_weights()
        self.stages_left_, self.n_steps_ = [*self.schedule.stages], 0
        self._begin_stage()

    def _make_regularizer(self) -> Regularizer | None:
        if self.regularizing is None:
            return None
        return Regularizer(
            self.regularizing,
            self.module_,
            self.criterion_,
            self.dataset_,
            dropout_generator=self.dropout_generator_,
            seed=self.regularizing_seed,
        )

    def _set_tag_weights(self) -> None:
        """Give tasks of tags their share of the loss, (T',), and its units, (G, T')."""
        like, tags = self.criterion_.task_weight, self.dataset_.rows.tags
        total = self.dataset_.rows.total_task_weight
        self.tag_weight_ = like.new_tensor([of.task_weight / total for of in tags])
        scales = [like.new_tensor(of.weight_scale) for of in self.dataset_.tag_scales]
        self.tag_scale_ = torch.stack(scales, dim=1) if scales else like.new_empty(0, 0)

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Go back to the best epoch, and let go of what only training needs."""
        super().on_train_end(net, X=X, y=y, **kwargs)
        if self.best_epoch_:
            self.module_.load_state_dict(self.best_state_)
            if self.dataset_.tags:
                self.module_.give_tags_words(self.tag_state_)
            self._set_training(training=False)
            self.spread_ = self._spread_out_of_fold()
            self.tags_out_of_fold_ = self._tags_out_of_fold()
        if self.balancer_ is not None:
            self.balancer_.close()
        self.module_.requires_grad_(requires_grad=False)
        self.optimizer_.state.clear()
        self.optimizer_.zero_grad()
        for name in _OF_TRAINING:
            self.__dict__.pop(name, None)

    def take_spread(self) -> NDArray[np.float64]:
        """Give the spread of training rows and let go of it: nothing but `fit` needs it; (R, O)."""
        spread: NDArray[np.float64] = self.__dict__.pop("spread_")
        return spread

    def take_tags(self) -> list[NDArray[np.float32]]:
        """Give the out-of-fold probabilities of tags and let go of them; (E, K) of each task of tags."""
        proba: list[NDArray[np.float32]] = self.__dict__.pop("tags_out_of_fold_")
        return proba

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
            if not self.stages_left_:
                raise StopTraining
            self._begin_next_stage()

    def _begin_stage(self) -> None:
        self.stage_ = self.stages_left_.pop(0)
        self.cycles_, self.is_first_of_stage_ = self._make_cycles(), True
        self.mixture_loss_ = np.inf
        if len(self.stage_.tasks) < len(self.full_task_weight_):
            self._weigh_only(self.stage_.tasks)

    def _begin_next_stage(self) -> None:
        """Go on from the best epoch; without momentum, parts of other tasks stay as they are."""
        self.module_.load_state_dict(self.best_state_)
        self._begin_stage()
        self.optimizer_.zero_grad()
        self.optimizer_.state.clear()
        for group in self.optimizer_.param_groups:
            group["weight_decay"] = 0.0
        self.module_.requires_grad_(self.stage_.trains_trunk)
        for parameter in self.module_.parameters_of_tasks():
            parameter.requires_grad_(requires_grad=True)

    def _weigh_only(self, tasks: Sequence[int]) -> None:
        """Minimise the loss of some tasks alone, with weights of the same sum."""
        weight = torch.zeros_like(self.full_task_weight_)
        weight[list(tasks)] = self.full_task_weight_[list(tasks)]
        self.criterion_.task_weight = weight / weight.sum()

    def _make_cycles(self) -> Cycles:
        # Spans come right long after the loss of words is least: tags are learned in one long cycle.
        return Cycles(self.stage_.n_epochs, single=bool(self.dataset_.tags))

    def _anneal(self) -> None:
        """Set learning rate and dropout for the epoch that begins."""
        share = self.cycles_.share
        for group in self.optimizer_.param_groups:
            group["lr"] = self.lr * share * group.get("share", 1.0)
        self.module_.network.dropout = self.dropout * share
        if self.regularizer_ is not None:
            self.regularizer_.anneal(share)

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        """Update once; then let the balancer look at the same batch with the same dropout, if it wants to."""
        if self.balancer_ is None or not self.balancer_.compares:
            return super().train_step(batch, **fit_params)  # type: ignore[no-any-return]  # of skorch
        dropout = self.dropout_generator_.get_state()
        step: dict[str, Tensor] = super().train_step(batch, **fit_params)
        self.dropout_generator_.set_state(dropout)
        with torch.no_grad():
            self.balancer_.compare(self._losses(batch)[2])
        return step

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        """Compute the loss of a batch and its gradients."""
        self._set_training(training=True)
        outputs, loss, by_fold = self._losses(batch, **fit_params)
        if self.balancer_ is None:
            torch.autograd.backward(loss)
        else:
            observed = (batch[1][1] > 0).any(1)  # (G, T)
            self.balancer_.backward(by_fold, outputs, observed)
        if self.regularizer_ is not None:
            self.regularizer_.add_gradients(batch)
        # No tensor a step is kept: many small ones scatter the heap.
        self.train_task_loss_ += by_fold.detach().mean(0)
        return {"loss": loss / len(outputs), "y_pred": outputs}

    def _losses(self, batch: Batch, **fit_params: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Give outputs, the loss, and that of each fold and task, those of tags last."""
        (numbers, categories, bags, words), (targets, weights, *tags) = batch
        if self.schedule.alternates:
            self._weigh_only([self.stage_.tasks[self.n_steps_ % len(self.stage_.tasks)]])
            self.n_steps_ += 1
        if self.regularizer_ is not None:
            return self.regularizer_.losses(batch)
        states = self.module_.encode(words, self.dropout_generator_)
        outputs = self.module_(
            numbers, categories, self.dropout_generator_, bags=bags, words=states, **fit_params
        )
        loss, by_fold = self.criterion_(outputs, targets, weights)
        if not tags:
            return outputs, loss, by_fold
        of_tags = self._tag_losses(states, tags) / targets.shape[1]  # (G, T')
        of_tags = of_tags * self.tag_scale_
        return outputs, loss + (of_tags @ self.tag_weight_).sum(), torch.cat([by_fold, of_tags], dim=1)

    def _tag_losses(self, states: Sequence[WordStates], tags: Sequence[TagBatch]) -> Tensor:
        """Add up weight times loss over the words of each fold, for each task of tags; (G, T')."""
        pairs = zip(self.module_.tag_logits(states), tags, strict=True)
        return torch.stack(
            [(weights * tag_losses(of, codes)).sum(1) for of, (codes, weights) in pairs], dim=1
        )

    def run_single_epoch(self, iterator: Any, training: bool, *args: Any, **kwargs: Any) -> None:
        """Train on all batches, or measure the out-of-fold loss."""
        if not training:
            self._set_training(training=False)
            self._keep_if_best(*self._predict_out_of_fold())
            return
        self._anneal()
        n_tasks = len(self.criterion_.task_weight) + len(self.dataset_.rows.tags)
        self.train_task_loss_ = self.criterion_.task_weight.new_zeros(n_tasks)
        super().run_single_epoch(iterator, training, *args, **kwargs)
        if self.balancer_ is not None:
            self.balancer_.end_epoch()
        self.history.record("train_task_losses", (self.train_task_loss_ / len(iterator)).tolist())

    def _predict_out_of_fold(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predict each row by its fold, the mean over views, (R, O), and measure tags, (T',)."""
        scales = self.dataset_.scales
        mean, of_tags = self._over_views(lambda outputs: outputs.mean(2))
        for fold, rows in enumerate(self.dataset_.held_out):  # not all at once: it is as large as the labels
            mean[rows] = mean[rows] * scales.deviation[fold] + scales.mean[fold]
        return mean, of_tags

    def _spread_out_of_fold(self) -> NDArray[np.float64]:
        deviation = self.dataset_.scales.deviation
        spread, _ = self._over_views(lambda outputs: outputs.std(2, correction=0))
        for fold, rows in enumerate(self.dataset_.held_out):
            spread[rows] *= deviation[fold]
        return spread

    @torch.no_grad()
    def _over_views(
        self, measure: Callable[[Tensor], Tensor]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Measure outputs (G, B, V, O) of each row's fold, (R, O), and its share of wrong tags, (T',)."""
        dataset, layout = self.dataset_, self.dataset_.rows.layout
        measured = dataset.numbers.new_empty(len(dataset), layout.n_outputs)
        of_tags = dataset.numbers.new_zeros(len(dataset), len(dataset.tags))
        for block in held_out_blocks(dataset, block_size=max(64, 1024 // len(dataset.held_out))):
            numbers, categories, bags, words = dataset.inputs(block)
            states = self.module_.encode(words)
            if layout.n_outputs:  # else all tasks are of tags
                outputs = self.module_(numbers, categories, bags=bags, words=states)
                measured[block] = measure(activate(outputs, layout))
            for task, errors in enumerate(self._tag_errors_of_rows(block, states)):
                of_tags[block, task] = errors
        totals = np.array([scales.total for scales in dataset.tag_scales])
        return measured.double().cpu().numpy(), of_tags.double().sum(0).cpu().numpy() / totals

    def _tag_errors_of_rows(self, block: Tensor, states: Sequence[WordStates]) -> Iterator[Tensor]:
        """Add up the weights of the words with a wrong tag of each row (G, B), for each task of tags."""
        pairs = zip(self.module_.tag_logits(states), self.dataset_.tags_of(block), strict=True)
        for column, (logits, (codes, weights)) in zip(self.module_.tag_columns, pairs, strict=True):
            errors = weights * (logits.argmax(2) != codes)  # (G, S)
            batch = states[column].batch
            yield (errors.gather(1, batch.places.flatten(1)).view_as(batch.places) * batch.is_there).sum(2)

    @torch.no_grad()
    def _tags_out_of_fold(self) -> list[NDArray[np.float32]]:
        """Predict the tags of each row's words by its fold; (E, K) of each task of tags."""
        dataset = self.dataset_
        proba = [np.empty((len(tags.codes), tags.n_tags), dtype=np.float32) for tags in dataset.rows.tags]
        for block in held_out_blocks(dataset, block_size=64):
            layouts = [words.layout(block) for words in dataset.words]
            predicted = self.module_.predict_tags([words[block] for words in dataset.words])
            for of_task, of_block, column in zip(proba, predicted, self.module_.tag_columns, strict=True):
                entries = layouts[column].entries.cpu().numpy()
                of_task[entries] = layouts[column].gather(of_block).cpu().numpy()
        return proba

    def _keep_if_best(self, out_of_fold: NDArray[np.float64], tag_error: NDArray[np.float64]) -> None:
        rows, scales = self.dataset_.rows, self.dataset_.scales
        losses = mean_losses(out_of_fold, rows) / scales.base_loss  # (T,)
        scored = np.isin(np.arange(len(losses)), self.stage_.scored)
        of_tags = tag_error / np.array([scales.base_error for scales in self.dataset_.tag_scales])  # (T',)
        task_weight = np.append(rows.task_weight * scored, [tags.task_weight for tags in rows.tags])
        losses = np.append(losses, of_tags)
        loss = float(np.average(losses, weights=task_weight))
        is_best = loss < self.least_loss_ or not np.isfinite(self.least_loss_) or self.is_first_of_stage_
        self.is_first_of_stage_ = False
        self._keep_if_best_of_tags(of_tags)
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
                "tag_loss_": of_tags,
            }

    def _keep_if_best_of_tags(self, errors: NDArray[np.float64]) -> None:
        """Keep what tags are read from, of the last of the epochs with the least errors (T',)."""
        if not len(errors):
            return
        error = float(np.average(errors, weights=[tags.task_weight for tags in self.dataset_.rows.tags]))
        if error <= self.least_tag_error_:
            state = self.module_.state_dict().items()
            of_tags = {
                name: value.clone() for name, value in state if name.startswith(("words.", "tag_heads."))
            }
            self.__dict__ |= {"least_tag_error_": error, "tag_state_": of_tags}

    def _serves_mixture(self) -> bool:
        """Say whether the cycle that has just ended brought something to the mixture with the other views."""
        dataset = self.dataset_
        if not dataset.others or not np.isfinite(self.least_loss_) or self.max_epochs <= _YOUNG:
            return True
        views, before = [self.out_of_fold_, *dataset.others], self.mixture_loss_
        self.mixture_loss_ = mixture_loss(views, dataset.rows, dataset.scales, tag_loss=self.tag_loss_)
        return len(self.history) < _YOUNG or self.mixture_loss_ < before
