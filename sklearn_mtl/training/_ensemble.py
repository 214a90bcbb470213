"""A trained ensemble: the network's folds and views beside the linear view."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from ..encoding import (
    BagTerms,
    Columns,
    Continuation,
    FrequentTerms,
    LinearDesign,
    NumberScaling,
    Sequences,
    StepScaling,
    VectorUnits,
    Words,
)
from ..nn import (
    BagBatch,
    ColumnAttentionModel,
    OutputLayout,
    StepBatch,
    StepTokens,
    VectorBatch,
    WordStates,
    activate,
)
from ._batches import WordRows, rows_on_device
from ._forest import ForestView
from ._net import FoldNet
from ._rows import Entries, TargetScales
from ._temperature import temper

_FLOATS_AT_ONCE = 2**20  # of the network
_ROWS_AT_ONCE, _ROWS_OF_TAGS = 8192, 256
_MOST_ROWS_IN_FLOAT64 = 512


@dataclass(frozen=True, eq=False)
class Preparation:
    """What turns columns into the inputs of the network and of the linear view.

    Attributes
    ----------
    active_numbers : ndarray of int64
        Number columns that vary.
    active_categories : ndarray of int64
        Category columns that vary.
    scaling : NumberScaling
        Of the active number columns.
    design : LinearDesign
        Of all columns.
    bags : tuple of BagTerms, default=()
        Of all bag columns.
    steps : tuple of StepScaling, default=()
        Of all sequence columns.
    vectors : tuple of VectorUnits, default=()
        Of all text columns that have vectors.
    word_bags : tuple of int, default=()
        Which of them has the terms of each text column with tags.
    """

    active_numbers: NDArray[np.int64]
    active_categories: NDArray[np.int64]
    scaling: NumberScaling
    design: LinearDesign
    bags: tuple[BagTerms, ...] = ()
    steps: tuple[StepScaling, ...] = ()
    vectors: tuple[VectorUnits, ...] = ()
    word_bags: tuple[int, ...] = ()

    def network_inputs(self, columns: Columns) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Prepare rows for the network; (B, N) and (B, M)."""
        numbers = self.scaling.transform(columns.numbers[:, self.active_numbers])
        return numbers, columns.categories[:, self.active_categories]

    def network_bags(self, columns: Columns) -> tuple[csr_array, ...]:
        """Prepare rows of bags for the network; each (B, ·)."""
        return tuple(terms.transform(bag) for terms, bag in zip(self.bags, columns.bags, strict=True))

    def forest_vectors(self, columns: Columns) -> list[NDArray[np.float32]]:
        """Prepare the vectors of whole texts for the forest; each (B, ·)."""
        of_texts = zip(self.vectors, columns.vectors, strict=True)
        return [units.design(vectors).astype(np.float32) for units, vectors in of_texts]

    def network_sequences(self, columns: Columns) -> tuple[Sequences, ...]:
        """Prepare rows of sequences for the network; each (B,)."""
        pairs = zip(self.steps, columns.sequences, strict=True)
        return tuple(scaling.transform(sequences) for scaling, sequences in pairs)


class _Serving:
    """A module that predicts, and what one has to know of it."""

    def __init__(self, module: ColumnAttentionModel) -> None:
        value = module.attention.value
        n_folds, n_columns, d_token, _ = value.shape
        _, n_views, n_slots = module.attention.sizes
        d_slot = module.attention.slot_value.shape[2]
        self.module, self.device, self.dtype = module, value.device, value.dtype
        n_heads = module.attention.n_heads
        # A row's greatest tensor.
        floats = n_folds * n_views * max(n_heads * n_columns * d_token, n_slots * d_slot)
        if module.encoder is not None:
            floats = max(floats, n_folds * module.encoder.n_heads * n_columns**2)
        self.block_size = max(1, _FLOATS_AT_ONCE // floats)

    @torch.inference_mode()
    def compute(
        self,
        outputs: Callable[..., Tensor],
        numbers: NDArray[np.float32],
        categories: NDArray[np.int64],
        bags: Sequence[Entries],
        words: Sequence[Words],
        *,
        axis: int,
    ) -> NDArray[np.float64]:
        """Compute outputs of rows, the same ones for all folds, in blocks; `axis` is that of rows."""
        inputs = self._inputs(numbers, categories, bags, words)
        blocks = [
            outputs(*tensors, bags=batches, words=states).double().cpu().numpy()
            for *tensors, batches, states in inputs
        ]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=axis)

    @torch.inference_mode()
    def entry_attention(
        self,
        numbers: NDArray[np.float32],
        categories: NDArray[np.int64],
        bags: Sequence[Entries],
        words: Sequence[Words],
    ) -> list[NDArray[np.float64]]:
        """Compute the tasks' attention to the entries of each bag, (E, T)."""
        inputs = self._inputs(numbers, categories, bags, words)
        blocks = [
            self.module.entry_attention(*tensors, bags=batches, words=states)
            for *tensors, batches, states in inputs
        ]
        return [torch.cat(of_bag).double().cpu().numpy() for of_bag in zip(*blocks, strict=True)]

    @torch.inference_mode()
    def tags(self, words: Sequence[Words]) -> list[NDArray[np.float64]]:
        """Compute the probabilities of words' tags, the mean over folds; (E, K) of each task of tags."""
        n_rows = len(words[0].starts) - 1
        blocks = []
        for start in range(0, n_rows, _ROWS_OF_TAGS):
            of_block = [
                WordRows(of.take(slice(start, start + _ROWS_OF_TAGS)), device=self.device) for of in words
            ]
            proba = self.module.predict_tags([rows.all() for rows in of_block])
            layouts = [of_block[column].layout(of_block[column].rows) for column in self.module.tag_columns]
            blocks.append(
                [
                    layout.gather(of.mean(0, keepdim=True)).double().cpu().numpy()
                    for of, layout in zip(proba, layouts, strict=True)
                ]
            )
        return [np.concatenate(of_task) for of_task in zip(*blocks, strict=True)]

    def _inputs(
        self,
        numbers: NDArray[np.float32],
        categories: NDArray[np.int64],
        bags: Sequence[Entries],
        words: Sequence[Words],
    ) -> Iterator[tuple[Tensor, Tensor, list[StepBatch | BagBatch | VectorBatch], list[WordStates]]]:
        """Give rows to the device block by block."""
        block_size = self._block_size(bags)
        for start in range(0, len(numbers), block_size):
            rows = slice(start, start + block_size)
            yield (
                torch.from_numpy(numbers[rows]).to(self.device, self.dtype).unsqueeze(0),
                torch.from_numpy(categories[rows]).to(self.device).unsqueeze(0),
                [rows_on_device(bag[rows], device=self.device, dtype=self.dtype).all() for bag in bags],
                self.module.encode([WordRows(of.take(rows), device=self.device).all() for of in words]),
            )

    def _block_size(self, bags: Sequence[Entries]) -> int:
        """Choose how many rows are computed at once, fewer of long sequences."""
        floats = [1]
        for module, bag in zip(self.module.bags, bags, strict=True):
            if isinstance(module, StepTokens) and isinstance(bag, Sequences):
                floats.append(module.floats(int(bag.lengths.max(initial=1))))
        return min(self.block_size, max(1, _FLOATS_AT_ONCE // max(floats)))


@dataclass(eq=False)
class Ensemble:
    """Predicts with all that has been trained: the network, the linear view and the forest.

    Attributes
    ----------
    net : FoldNet
        The network.
    preparation : Preparation
        Of columns.
    scales : TargetScales
        How each fold standardised numbers.
    coefficients, intercept : ndarray of shape (P, O), (O,)
        The linear view.
    forest : ForestView or None
        The forest, if there is one.
    shares : ndarray of shape (3, O)
        What network, linear view and forest contribute to each output; they sum to 1, with those of the
        views in `alone`.
    layout : OutputLayout
        The tasks.
    temperatures : ndarray of shape (T,)
        What the logits of the mixture are divided by.
    frequent : FrequentTerms or None, default=None
        What the forest sees of bags, if there are any.
    continuation : Continuation or None, default=None
        What tasks are learned relative to.
    alone : dict from int to Ensemble
        Views that know one task alone, by that task; see `serve`.
    """

    net: FoldNet
    preparation: Preparation
    scales: TargetScales
    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]
    forest: ForestView | None
    shares: NDArray[np.float64]
    layout: OutputLayout
    temperatures: NDArray[np.float64]
    frequent: FrequentTerms | None = None
    continuation: Continuation | None = None
    alone: dict[int, Ensemble] = field(default_factory=dict, init=False)
    _in_float64: _Serving | None = field(default=None, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_in_float64": None}

    def serve(self, task: int, views: Ensemble, share: float) -> None:
        """Give views of a task alone a share in it.

        Parameters
        ----------
        task : int
        views : Ensemble
            Of this task. Its shares change, too.
        share : float
            Above 0; all views of this ensemble have the rest.
        """
        self.shares[:, self.layout.slices[task]] *= 1 - share
        if not self.shares[2].any():
            self.forest = None
        views.shares *= share
        self.alone[task] = views

    def predict(self, columns: Columns) -> NDArray[np.float64]:
        """Predict all tasks.

        Parameters
        ----------
        columns : Columns
            B rows. Up to 512 of them are computed in float64, so that a row's prediction does not depend
            on the rows beside it; more of them in float32.

        Returns
        -------
        ndarray of shape (B, O)
            Numbers and probabilities.
        """
        serving = self._serving(columns.n_rows)
        predicted = np.concatenate([self._predict_block(serving, block) for block in _blocks(columns)])
        for task, views in self.alone.items():
            predicted[:, self.layout.slices[task]] += views.predict(columns)
        return temper(predicted, self.temperatures, self.layout) + self.offsets(columns)

    def offsets(self, columns: Columns) -> NDArray[np.float64] | float:
        """Give what outputs are relative to, (B, O); 0 where that is nothing."""
        if self.continuation is None:
            return 0.0
        widths = [outputs.stop - outputs.start for outputs in self.layout.slices]
        return np.repeat(self.continuation.offsets(columns), widths, axis=1)

    def predict_tags(self, columns: Columns) -> list[NDArray[np.float64]]:
        """Predict the probabilities of the tags of all words.

        Parameters
        ----------
        columns : Columns
            B rows, computed as in `predict`.

        Returns
        -------
        list of ndarray of shape (E, K)
            For each task of tags; the words are those of `columns`, row after row.
        """
        return self._serving(columns.n_rows).tags(columns.words)

    def spread(self, columns: Columns) -> NDArray[np.float64]:
        """Say how far apart the members of a fold are: its trees, or its views where no task has a forest.

        Parameters
        ----------
        columns : Columns
            B rows, computed as in `predict`.

        Returns
        -------
        ndarray of shape (B, O)
            Standard deviations, the mean over folds: what one fold says of a row that it has not seen.
        """
        if self.forest is None:
            return np.asarray(self._network_moments(columns)[2])
        trees, n_groups = self.forest.trees, self.forest.n_folds
        inputs = map(self._forest_inputs, _blocks(columns))
        return np.concatenate([trees.deviation(*block, n_groups=n_groups) for block in inputs])

    def take_out_of_fold_spread(self) -> NDArray[np.float64]:
        """Give what `spread` is of training rows, by the folds that have not seen them, and let go of it.

        Returns
        -------
        ndarray of shape (R, O)
        """
        for views in self.alone.values():
            views.take_out_of_fold_spread()
        of_views = self.net.take_spread()
        if self.forest is None:
            return of_views
        of_trees = self.forest.spread
        self.forest = replace(self.forest, spread=of_trees[:0])
        return of_trees

    def deviation(self, columns: Columns) -> NDArray[np.float64]:
        """Give the standard deviation of the networks over all folds and views.

        Parameters
        ----------
        columns : Columns
            B rows, computed as in `predict`.

        Returns
        -------
        ndarray of shape (B, O)
        """
        deviation = np.asarray(np.sqrt(self._network_moments(columns)[:2].sum(axis=0)))
        for task, views, weight in self._networks_alone():
            outputs = self.layout.slices[task]
            deviation[:, outputs] += weight * (views.deviation(columns) - deviation[:, outputs])
        return deviation

    def _network_moments(self, columns: Columns) -> NDArray[np.float64]:
        """Give the variance over views and that over folds, and the deviation over views; (3, B, O)."""
        serving = self._serving(columns.n_rows)

        def moments(*inputs: Tensor, **more: Any) -> Tensor:
            outputs = activate(serving.module(*inputs, **more), self.layout)
            return torch.stack([outputs.mean(2), outputs.var(2, correction=0)])

        parts = []
        for block in _blocks(columns):
            mean, variance = serving.compute(moments, *self._inputs(block), axis=2)
            mean = mean * self.scales.deviation[:, None] + self.scales.mean[:, None]  # (G, B, O)
            variance = variance * self.scales.deviation[:, None] ** 2
            parts.append(np.stack([variance.mean(axis=0), mean.var(axis=0), np.sqrt(variance).mean(axis=0)]))
        return np.concatenate(parts, axis=1)

    def attention(self, columns: Columns, *, per_view: bool = False) -> NDArray[np.float64]:
        """Give each task's attention over the columns that vary.

        Parameters
        ----------
        columns : Columns
            B rows, computed as in `predict`.
        per_view : bool, default=False
            Keep the views of all folds apart.

        Returns
        -------
        ndarray of shape (B, T, C), or (B, G V, T, C)
            Active numbers, then active categories, sequences and bags, each of the latter two with the sum
            over its tokens; sums to 1 over C. Of a task with views of its own, both networks' attention by
            their shares, or, if views are kept apart, that of the shared ones.
        """
        serving = self._serving(columns.n_rows)
        inputs = map(self._inputs, _blocks(columns))
        of_module = partial(serving.module.task_attention, per_view=per_view)
        attention = np.concatenate([serving.compute(of_module, *block, axis=0) for block in inputs])
        if widths := [*serving.module.bag_widths, *serving.module.word_widths]:
            starts = np.cumsum([serving.module.tokens.n_columns, *widths])
            of_bags = [attention[..., first : first + n] for first, n in zip(starts, widths, strict=False)]
            of_bags = [of_bag.sum(axis=-1, keepdims=True) for of_bag in of_bags]
            n_sequences, n_bags = len(columns.sequences), len(columns.bags)
            for text in range(len(columns.vectors)):  # a text's vectors count with its terms
                of_bags[n_sequences + text] += of_bags.pop(n_sequences + n_bags)
            for bag, _ in zip(self.preparation.word_bags, serving.module.word_widths, strict=False):
                of_bags[n_sequences + bag] += of_bags.pop(n_sequences + n_bags)  # and so do its words
            attention = np.concatenate([attention[..., : starts[0]], *of_bags], axis=-1)
        if not per_view:
            for task, views, weight in self._networks_alone():
                attention[:, task] += weight * (views.attention(columns)[:, 0] - attention[:, task])
        return attention

    def _networks_alone(self) -> Iterator[tuple[int, Ensemble, float]]:
        """Give tasks with views of their own, these, and the share of their networks in what networks say."""
        for task, views in self.alone.items():
            own, shared = views.shares[0, 0], self.shares[0, self.layout.slices[task].start]
            if own:
                yield task, views, float(own / (own + shared))

    def column_effects(self, columns: Columns) -> NDArray[np.float64]:
        """Say what each column that varies changes in the outputs of the network, to first order.

        Parameters
        ----------
        columns : Columns
            B rows, computed at once.

        Returns
        -------
        ndarray of shape (B, O, C)
            Active numbers and then active categories; in units of the training labels, and of logits.
        """
        serving = self._serving(columns.n_rows)
        numbers, categories = (
            torch.from_numpy(array).to(serving.device).unsqueeze(0)
            for array in self.preparation.network_inputs(columns)
        )
        of_module = serving.module.column_effects(numbers.to(serving.dtype), categories)
        effects: NDArray[np.float64] = of_module.double().cpu().numpy()
        for task, views, weight in self._networks_alone():
            outputs = self.layout.slices[task]
            effects[:, outputs] += weight * (views.column_effects(columns) - effects[:, outputs])
        return effects

    def entry_attention(self, columns: Columns) -> list[NDArray[np.float64]]:
        """Give each task's attention over the steps of sequences, the entries of bags, and texts' vectors.

        Parameters
        ----------
        columns : Columns
            B rows, computed as in `predict`.

        Returns
        -------
        list of ndarray of shape (E, T)
            In the order of the steps of each of the sequences of `columns`, then of the entries of each bag,
            such as words, then of the tokens of each text with vectors; 0 for terms that were left out
            in fit. In a row, what a task gives to a column that has entries is the sum over these.
        """
        serving = self._serving(columns.n_rows)
        parts: list[list[NDArray[np.float64]]] = []
        for block in _blocks(columns):
            of_block = serving.entry_attention(*self._inputs(block))
            first = len(block.sequences)
            for place, (terms, bag) in enumerate(zip(self.preparation.bags, block.bags, strict=True), first):
                of_all = np.zeros((bag.nnz, len(self.layout.kinds)))
                of_all[terms.kept_entries(bag)] = of_block[place]
                of_block[place] = of_all
            parts.append(of_block)
        attention = [np.concatenate(of_column) for of_column in zip(*parts, strict=True)]
        for task, views, weight in self._networks_alone():
            for of_all, of_task in zip(attention, views.entry_attention(columns), strict=True):
                of_all[:, task] += weight * (of_task[:, 0] - of_all[:, task])
        return attention

    def network_tensors(
        self, columns: Columns
    ) -> tuple[Tensor, Tensor, list[StepBatch | BagBatch | VectorBatch], list[WordStates]]:
        """Give rows to the network's device, in float32.

        Parameters
        ----------
        columns : Columns
            B rows.

        Returns
        -------
        numbers, categories : Tensor of shape (1, B, N), (1, B, M)
        bags : list of StepBatch, BagBatch and VectorBatch
        words : list of WordStates
        """
        numbers, categories, bags, words = self._inputs(columns)
        device = self.net.device
        return (
            torch.from_numpy(numbers)[None].to(device),
            torch.from_numpy(categories)[None].to(device),
            [rows_on_device(bag, device=device).all() for bag in bags],
            self.net.module_.encode([WordRows(of, device=device).all() for of in words]),
        )

    def _inputs(
        self, columns: Columns
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], tuple[Entries, ...], tuple[Words, ...]]:
        """Prepare rows for the network; one without tags has no use for words."""
        preparation = self.preparation
        sequences, bags = preparation.network_sequences(columns), preparation.network_bags(columns)
        entries: tuple[Entries, ...] = (*sequences, *bags, *columns.vectors)
        words = columns.words if self.net.module_.tag_columns else ()
        return *preparation.network_inputs(columns), entries, words

    def _forest_inputs(self, columns: Columns) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Prepare rows for the forest, with vectors of texts and frequent terms of bags among the numbers."""
        numbers, categories = self.preparation.network_inputs(columns)
        if self.frequent is not None:
            bags, vectors = self.preparation.network_bags(columns), self.preparation.forest_vectors(columns)
            numbers = np.hstack([numbers, *vectors, self.frequent.transform(bags)])
        return numbers, categories

    def _predict_block(self, serving: _Serving, columns: Columns) -> NDArray[np.float64]:
        predicted = np.zeros((columns.n_rows, self.layout.n_outputs))
        if self.shares[1].any():
            linear = self.preparation.design.transform(columns) @ self.coefficients + self.intercept
            predicted += self.shares[1] * activate(torch.from_numpy(linear), self.layout).numpy()
        if self.shares[0].any():
            outputs = serving.compute(
                lambda *tensors, **more: activate(serving.module(*tensors, **more), self.layout).mean(2),
                *self._inputs(columns),
                axis=1,
            )  # (G, B, O)
            outputs = outputs * self.scales.deviation[:, None] + self.scales.mean[:, None]
            predicted += self.shares[0] * outputs.mean(axis=0)
        if self.forest is not None:
            predicted += self.shares[2] * self.forest.predict(*self._forest_inputs(columns))
        return predicted

    def _serving(self, n_rows: int) -> _Serving:
        if n_rows > _MOST_ROWS_IN_FLOAT64 or self.net.device == "mps":  # which has no float64
            return _Serving(self.net.module_)
        if self._in_float64 is None:
            self._in_float64 = _Serving(copy.deepcopy(self.net.module_).double())
        return self._in_float64


def _blocks(columns: Columns) -> Iterator[Columns]:
    for start in range(0, columns.n_rows, _ROWS_AT_ONCE):
        yield columns.take(slice(start, start + _ROWS_AT_ONCE))
