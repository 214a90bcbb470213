"""From training rows to a trained ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..balancing import Balancing
from ..encoding import quantile_bins
from ..nn import (
    BagTokens,
    ColumnAttention,
    ColumnAttentionModel,
    ColumnTokens,
    StepDesign,
    StepTokens,
    TagHead,
    TaskHeads,
    TokenEncoder,
    VectorTokens,
    ViewNetwork,
    WordColumn,
)
from ._batches import FoldBatches, FoldDataset
from ._design import ModelDesign
from ._net import FoldNet, MeanTaskLoss
from ._progress import ProgressLine
from ._regular import Regularizing
from ._rows import TargetScales, TrainingRows, tag_scales
from ._schedule import Schedule, together

_BAG_DROPOUT = 0.5
_STEP_WIDTH, _FEW_FEATURES, _WIDE_STEP = 16, 8, 32
_VECTOR_DROPOUT = 0.5
_WORD_WIDTH, _WORD_LAYERS, _WORD_TOKENS, _WORD_DROPOUT = 64, 3, 4, 0.2
_WORD_RATE = 0.5  # of the learning rate


@dataclass(frozen=True)
class ModelSizes:
    """Sizes of the network.

    Attributes
    ----------
    n_views, n_slots, n_bins : int
        V, S, and bins a number column.
    d_token, d_hidden, n_layers : int
        D, H, and hidden layers.
    dropout : float
        Rate.
    n_bag_heads : int, default=1
        Tokens of each bag column, and of each text with vectors.
    steps : StepDesign, optional
        How steps of sequence columns become tokens; without one, by attention alone.
    """

    n_views: int
    n_slots: int
    n_bins: int
    d_token: int
    d_hidden: int
    n_layers: int
    dropout: float
    n_bag_heads: int = 1
    steps: StepDesign | None = None

    @property
    def d_slot(self) -> int:
        """K, units of the last hidden layer that each slot has for itself: together twice a layer at most."""
        return max(1, round(self.d_hidden * min(0.5, 2 / self.n_slots)))


@dataclass(frozen=True)
class TrainingPlan:
    """How the network is trained.

    Attributes
    ----------
    batch_size : int
        Rows a fold and step.
    max_epochs : int
        Epochs at most.
    learning_rate, weight_decay : float
        Of AdamW; the rate at the start of a cycle.
    device : str
        Where the network lives.
    seed : int
        Of everything that is drawn.
    verbose : int
        0 is silent, 1 shows a live line.
    callbacks : sequence of skorch callbacks, or of pairs of name and callback
        The user's own.
    label_smoothing : sequence of float, length T, optional
        Of tasks of classes, in the loss that is minimised alone.
    balancing : LossBalancing or GradientBalancing, optional
        How the tasks' losses become one update; else their mean.
    schedule : Schedule, optional
        Which tasks are trained when; without one, all of them all the time.
    regularizing : Regularizing, optional
        What keeps networks from learning too well, beside dropout and weight decay.
    """

    batch_size: int
    max_epochs: int
    learning_rate: float
    weight_decay: float
    device: str
    seed: int
    verbose: int
    callbacks: Sequence[Any]
    label_smoothing: Sequence[float] | None = None
    balancing: Balancing = None
    schedule: Schedule | None = None
    regularizing: Regularizing | None = None


def build_model(
    *,
    left: NDArray[np.float32],
    width: NDArray[np.float32],
    cardinalities: Sequence[int],
    n_outputs: Sequence[int],
    prior: NDArray[np.float64],
    sizes: ModelSizes,
    seed: int,
    constant: Sequence[int] = (),
    design: ModelDesign | None = None,
    bags: Sequence[tuple[int, float]] = (),
    step_features: Sequence[int] = (),
    vectors: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]] = (),
    n_word_codes: Sequence[int] = (),
    tags: Sequence[tuple[int, NDArray[np.float64]]] = (),
) -> ColumnAttentionModel:
    """Build the network with its initial values.

    Parameters
    ----------
    left, width : ndarray of shape (N, n_bins)
        Bins of number columns.
    cardinalities : sequence of int, length M
        Codes of category columns.
    n_outputs : sequence of int, length T
        Width of each task's head.
    prior : ndarray of shape (G, O)
        Initial biases of the heads.
    sizes : ModelSizes
    seed : int
        Of the initial values.
    constant : sequence of int, default=()
        Outputs that are the same for all rows.
    design : ModelDesign, optional
        Without one, that of the default parameters.
    bags : sequence of pairs of int and float, default=()
        How many terms each bag column has, and the norm of its rows.
    step_features : sequence of int, default=()
        How many features a step of each sequence column has.
    vectors : sequence of pairs of ndarray of shape (d,), default=()
        Mean and deviation of the vectors of each text column that has them.
    n_word_codes : sequence of int, default=()
        How many codes the features of words have, for each text column with tags.
    tags : sequence of pairs of int and ndarray of shape (G, K), default=()
        The column of each task of tags, and the logarithms of the tags' rates.

    Returns
    -------
    ColumnAttentionModel
    """
    design = design or ModelDesign.default()
    generator = torch.Generator().manual_seed(seed)
    shared: dict[str, Any] = {"n_folds": len(prior), "generator": generator}
    views: dict[str, Any] = {**shared, "n_views": sizes.n_views, "d_hidden": sizes.d_hidden}
    tokens = ColumnTokens(
        torch.from_numpy(left), torch.from_numpy(width), cardinalities, d_token=sizes.d_token, **shared
    )
    of_entries = _build_entries(bags, vectors, step_features, sizes=sizes, shared=shared)
    n_columns = tokens.n_columns + sum(module.n_heads for module in of_entries)
    n_columns += _WORD_TOKENS * len(n_word_codes)
    attention = _build_attention(design, sizes, n_columns=n_columns, shared=shared)
    network = ViewNetwork(n_layers=sizes.n_layers, dropout=sizes.dropout, **views)
    heads = TaskHeads(
        n_outputs, n_slots=sizes.n_slots, constant=constant, gated=design.sharing == "gated", **views
    )
    with torch.no_grad():
        heads.bias.add_(torch.from_numpy(prior)[:, None, None])
    encoder = None
    if design.n_encoder_layers:
        n_layers, n_heads = design.n_encoder_layers, design.n_encoder_heads
        encoder = TokenEncoder(n_layers=n_layers, n_heads=n_heads, d_token=sizes.d_token, **shared)
    interaction = design.build_interaction(n_slots=sizes.n_slots, d_slot=sizes.d_slot, **shared)
    return ColumnAttentionModel(
        tokens,
        attention,
        network,
        heads,
        encoder=encoder,
        interaction=interaction,
        bags=of_entries,
        words=[_build_words(n_codes, sizes, shared=shared) for n_codes in n_word_codes],
        tag_heads=[
            TagHead(torch.from_numpy(prior).float(), column=column, d_word=_WORD_WIDTH, generator=generator)
            for column, prior in tags
        ],
    )


def _build_entries(
    bags: Sequence[tuple[int, float]],
    vectors: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    step_features: Sequence[int],
    *,
    sizes: ModelSizes,
    shared: dict[str, Any],
) -> list[StepTokens | BagTokens | VectorTokens]:
    """Build what makes tokens of sequences, of bags and of vectors; the arguments are as of `build_model`."""
    of_bags = [
        BagTokens(
            n_terms,
            scale=scale,
            dropout=_BAG_DROPOUT,
            n_heads=sizes.n_bag_heads,
            d_token=sizes.d_token,
            **shared,
        )
        for n_terms, scale in bags
    ]
    of_vectors = [
        VectorTokens(
            *(torch.from_numpy(moment).float() for moment in moments),
            dropout=_VECTOR_DROPOUT,
            n_heads=sizes.n_bag_heads,
            d_token=sizes.d_token,
            **shared,
        )
        for moments in vectors
    ]
    of_steps = [
        StepTokens(
            n_features,
            d_step=_STEP_WIDTH if n_features <= _FEW_FEATURES else _WIDE_STEP,
            d_token=sizes.d_token,
            design=sizes.steps,
            **shared,
        )
        for n_features in step_features
    ]
    return [*of_steps, *of_bags, *of_vectors]


def _build_words(n_codes: int, sizes: ModelSizes, *, shared: dict[str, Any]) -> WordColumn:
    return WordColumn(
        n_codes,
        n_tokens=_WORD_TOKENS,
        d_word=_WORD_WIDTH,
        d_token=sizes.d_token,
        n_layers=_WORD_LAYERS,
        dropout=_WORD_DROPOUT,
        **shared,
    )


def _build_attention(
    design: ModelDesign, sizes: ModelSizes, *, n_columns: int, shared: dict[str, Any]
) -> ColumnAttention:
    columns = {**shared, "n_columns": n_columns, "d_token": sizes.d_token}
    queries = design.build_queries(n_views=sizes.n_views, n_slots=sizes.n_slots, **columns)
    del columns["n_folds"]  # of the queries
    return ColumnAttention(
        queries,
        d_hidden=sizes.d_hidden,
        d_slot=sizes.d_slot,
        function=design.function,
        superposed=design.sharing == "superposed",
        **columns,
    )


def train(
    rows: TrainingRows,
    scales: TargetScales,
    *,
    owner: str,
    cardinalities: Sequence[int],
    task_names: Sequence[str],
    sizes: ModelSizes,
    plan: TrainingPlan,
    others: Sequence[NDArray[np.float64]] = (),
    design: ModelDesign | None = None,
) -> FoldNet:
    """Train a net.

    Parameters
    ----------
    rows : TrainingRows
    scales : TargetScales
        Of the same rows.
    owner : str
        Who asks; errors start with it.
    cardinalities : sequence of int, length M
        Codes of category columns.
    task_names : sequence of str, length T + T'
        For the history; those of tags last.
    sizes : ModelSizes
    plan : TrainingPlan
    others : sequence of ndarray of shape (R, O), default=()
        Out-of-fold numbers and probabilities of the views that will stand beside the network.
    design : ModelDesign, optional
        Without one, that of the default parameters.

    Returns
    -------
    FoldNet
        With the parameters of its best epoch.

    Raises
    ------
    KeyboardInterrupt
        The user interrupted before the first epoch had ended.
    ValueError
        No epoch has had a finite loss.
    """
    seeds = np.random.SeedSequence(plan.seed).generate_state(5).tolist()
    init_seed, dropout_seed, order_seed, balancing_seed, regularizing_seed = seeds
    left, width = quantile_bins(rows.numbers, n_bins=sizes.n_bins)
    n_outputs = [outputs.stop - outputs.start for outputs in rows.layout.slices]
    net = FoldNet(
        build_model,
        module__left=left,
        module__width=width,
        module__cardinalities=cardinalities,
        module__n_outputs=n_outputs,
        module__constant=rows.layout.thresholds,
        module__n_word_codes=rows.n_word_codes,
        module__tags=[(tags.column, of.prior) for tags, of in zip(rows.tags, tag_scales(rows), strict=True)],
        module__bags=[(bag.shape[1], scale) for bag, scale in zip(rows.bags, rows.bag_scales, strict=True)],
        module__step_features=[sequences.values.shape[1] for sequences in rows.sequences],
        module__vectors=[(units.mean, units.deviation) for units in rows.vector_units],
        module__prior=scales.prior,
        module__sizes=sizes,
        module__design=design,
        module__seed=init_seed,
        criterion=MeanTaskLoss,
        criterion__layout=rows.layout,
        criterion__smoothing=plan.label_smoothing,
        criterion__task_weight=torch.from_numpy(rows.task_weight / rows.total_task_weight).float(),
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=plan.weight_decay,
        # A short memory of squared gradients: it converges in half the epochs where many are needed.
        optimizer__betas=(0.9, 0.95),
        optimizer__fused=True,
        optimizer__param_groups=[
            (name, {"share": _WORD_RATE}) for name in ("words.*", "tag_heads.*") if rows.tags
        ],
        lr=plan.learning_rate,
        max_epochs=plan.max_epochs,
        dropout=sizes.dropout,
        batch_size=plan.batch_size,
        iterator_train=FoldBatches,
        iterator_train__rng=np.random.default_rng(order_seed),
        train_split=None,
        callbacks=[*([ProgressLine()] if plan.verbose else []), *plan.callbacks],
        device=plan.device,
        verbose=0,
        task_names=list(task_names),
        dropout_seed=dropout_seed,
        balancing=plan.balancing,
        balancing_seed=balancing_seed,
        schedule=plan.schedule or together(range(len(n_outputs)), max_epochs=plan.max_epochs),
        regularizing=plan.regularizing,
        regularizing_seed=regularizing_seed,
    )
    net.fit(FoldDataset(rows, scales, device=plan.device, others=others), None)
    if not net.best_epoch_:
        raise KeyboardInterrupt
    if not np.isfinite(net.least_loss_):
        raise ValueError(
            f"{owner}: training diverged in its first epoch; choose a learning_rate below "
            f"{plan.learning_rate:g}, or bring y nearer to 1."
        )
    return net
