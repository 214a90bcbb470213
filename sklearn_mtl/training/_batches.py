"""Rows on the device, and batches of them cut without a detour over single rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor
from torch.utils.data import Dataset

from ..encoding import Sequences, TextVectors, Words
from ..nn import WORD_GAP, BagBatch, ColumnTokens, StepBatch, VectorBatch, WordBatch
from ._rows import Entries, TagRows, TargetScales, TrainingRows, UnlabelledRows, tag_scales

_MOST_FLOATS_ENCODED = 2**24  # 64 MiB

Inputs = tuple[Tensor, Tensor, tuple[StepBatch | BagBatch | VectorBatch, ...], tuple[WordBatch, ...]]
# Codes and weights of the words of a batch, (G, S) each, for each task of tags.
TagBatch = tuple[Tensor, Tensor]
Batch = tuple[Inputs, tuple[Any, ...]]  # targets, weights and any number of TagBatch


class BagRows:
    """A bag column on the device.

    Parameters
    ----------
    bag : csr_array of shape (R, n_terms)
    device : str
    dtype : torch.dtype, default=torch.float32
        Of values.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from scipy.sparse import csr_array
    >>> rows = BagRows(csr_array([[0.0, 2.0], [3.0, 1.0]]), device="cpu")
    >>> rows[torch.tensor([[1], [0]])].terms.tolist()
    [0, 1, 1]
    """

    def __init__(
        self, bag: csr_array, *, device: str | torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self.starts = torch.from_numpy(bag.indptr.astype(np.int64, copy=False)).to(device)  # (R + 1,)
        self.terms = torch.from_numpy(bag.indices).to(device)  # (E,)
        self.values = torch.from_numpy(bag.data).to(device, dtype)  # (E,)

    def __getitem__(self, rows: Tensor) -> BagBatch:
        """Gather rows.

        Parameters
        ----------
        rows : Tensor of int64, shape (G, B)

        Returns
        -------
        BagBatch
            In this order.
        """
        entries, starts = _entries(self.starts[rows], self.starts[rows + 1])
        return BagBatch(self.terms[entries].long(), self.values[entries], starts)

    def all(self) -> BagBatch:
        """Give all rows, the same for all folds."""
        return BagBatch(self.terms.long(), self.values, self.starts[None])


class StepRows:
    """A sequence column on the device.

    Parameters
    ----------
    sequences : Sequences
        Scaled, without NaN, of R rows.
    device : str
    dtype : torch.dtype, default=torch.float32
        Of values.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn_mtl.encoding import Sequences
    >>> sequences = Sequences(np.array([[1.0], [2.0], [3.0]]), np.array([0, 2]), np.array([2, 1]))
    >>> rows = StepRows(sequences, device="cpu")
    >>> rows[torch.tensor([[1, 0]])].values.squeeze(-1).tolist()
    [[[3.0, 0.0], [1.0, 2.0]]]
    """

    def __init__(
        self, sequences: Sequences, *, device: str | torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self.starts = torch.from_numpy(sequences.starts).to(device)  # (R,)
        self.lengths = torch.from_numpy(sequences.lengths).to(device)  # (R,)
        values = torch.from_numpy(sequences.values).to(device, dtype)
        self.values = torch.cat([values, values.new_zeros(1, values.shape[1])])  # (S + 1, F), the last pads

    def __getitem__(self, rows: Tensor) -> StepBatch:
        """Gather rows.

        Parameters
        ----------
        rows : Tensor of int64, shape (G, B)

        Returns
        -------
        StepBatch
            In this order, as long as the longest of them.
        """
        lengths = self.lengths[rows].unsqueeze(-1)  # (G, B, 1)
        place = torch.arange(max(1, int(lengths.max())), device=rows.device)
        mask = place < lengths  # (G, B, L)
        steps = (self.starts[rows].unsqueeze(-1) + place).masked_fill(~mask, len(self.values) - 1)
        return StepBatch(self.values[steps], mask)

    def all(self) -> StepBatch:
        """Give all rows, the same for all folds."""
        return self[torch.arange(len(self.starts), device=self.starts.device)[None]]


class VectorRows:
    """The vectors of a text column on the device.

    Parameters
    ----------
    vectors : TextVectors
        Of R rows.
    device : str
    dtype : torch.dtype, default=torch.float32
        Of the vectors that are gathered; they are kept in float16.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> tokens, sentences = np.ones((3, 2), dtype=np.float16), np.ones((3, 2), dtype=np.float32)
    >>> starts, hashes = np.array([0, 0, 2, 3]), np.arange(3, dtype=np.uint64)
    >>> vectors = TextVectors(np.array([1, 0, 2]), starts, tokens, sentences, hashes)
    >>> VectorRows(vectors, device="cpu")[torch.tensor([[2], [0]])].starts.tolist()
    [[0, 1], [1, 3]]
    """

    def __init__(
        self, vectors: TextVectors, *, device: str | torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self.texts = torch.from_numpy(vectors.texts).to(device)  # (R,)
        self.starts = torch.from_numpy(vectors.starts).to(device)  # (N + 1,)
        self.tokens = torch.from_numpy(vectors.tokens).to(device)  # (E, d)
        self.dtype = dtype

    def __getitem__(self, rows: Tensor) -> VectorBatch:
        """Gather rows.

        Parameters
        ----------
        rows : Tensor of int64, shape (G, B)

        Returns
        -------
        VectorBatch
            In this order.
        """
        texts = self.texts[rows]
        entries, starts = _entries(self.starts[texts], self.starts[texts + 1])
        return VectorBatch(self.tokens[entries].to(self.dtype), starts)

    def all(self) -> VectorBatch:
        """Give all rows, the same for all folds."""
        return self[torch.arange(len(self.texts), device=self.texts.device)[None]]


def rows_on_device(
    entries: Entries, *, device: str | torch.device, dtype: torch.dtype = torch.float32
) -> StepRows | BagRows | VectorRows:
    """Put a column of any number of entries a row on the device."""
    if isinstance(entries, Sequences):
        return StepRows(entries, device=device, dtype=dtype)
    if isinstance(entries, TextVectors):
        return VectorRows(entries, device=device, dtype=dtype)
    return BagRows(entries, device=device, dtype=dtype)


class InputRows:
    """Rows without labels on the device.

    Parameters
    ----------
    rows : UnlabelledRows
    device : str
    """

    def __init__(self, rows: UnlabelledRows, *, device: str) -> None:
        self.numbers = torch.from_numpy(rows.numbers).to(device)
        self.categories = torch.from_numpy(rows.categories).to(device)
        self.bags = tuple(rows_on_device(each, device=device) for each in rows.entries)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Tensor) -> Inputs:
        """Gather numbers, categories and bags of rows (1, B), the same ones for all folds."""
        return self.numbers[rows], self.categories[rows], tuple(bag[rows] for bag in self.bags), ()


class WordRows:
    """The words of a text column on the device.

    Parameters
    ----------
    words : Words
        R rows.
    device : str

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn_mtl.encoding import Words
    >>> words = Words(np.array([[1], [2], [3]], dtype=np.int32), np.array([0, 2, 3]))
    >>> batch = WordRows(words, device="cpu")[torch.tensor([[1, 0]])]
    >>> batch.features[..., 0].tolist(), batch.places.tolist()
    ([[3, 0, 0, 1, 2, 0, 0]], [[[0, 0], [3, 4]]])
    """

    def __init__(self, words: Words, *, device: str | torch.device) -> None:
        self.starts = torch.from_numpy(words.starts.astype(np.int64, copy=False)).to(device)  # (R + 1,)
        self.features = torch.from_numpy(words.features).to(device)  # (E, F)
        self.rows = torch.arange(len(words.starts) - 1, device=device)[None]  # (1, R)

    def __getitem__(self, rows: Tensor) -> WordBatch:
        """Gather rows.

        Parameters
        ----------
        rows : Tensor of int64, shape (G, B)

        Returns
        -------
        WordBatch
            In this order.
        """
        layout = self.layout(rows)
        features = layout.spread(self.features, fill=0).long()
        is_word = layout.spread(torch.ones_like(self.features[:, 0], dtype=torch.bool), fill=0)
        return WordBatch(features, is_word, layout.places, layout.is_there)

    def layout(self, rows: Tensor) -> WordLayout:
        """Say where the words of rows (G, B) are laid out."""
        first = self.starts[rows]
        n_words = self.starts[rows + 1] - first  # (G, B)
        ends = (n_words + WORD_GAP).cumsum(1)
        steps = torch.arange(max(1, int(n_words.max())), device=rows.device)
        is_there = steps < n_words.unsqueeze(2)  # (G, B, L)
        places = ((ends - n_words - WORD_GAP).unsqueeze(2) + steps) * is_there
        return WordLayout((first.unsqueeze(2) + steps)[is_there], places, is_there, int(ends[:, -1].max()))

    def all(self) -> WordBatch:
        """Give all rows, the same for all folds."""
        return self[self.rows]


@dataclass(frozen=True, eq=False)
class WordLayout:
    """Where the words of a batch are.

    Attributes
    ----------
    entries : Tensor of int64, shape (N,)
        Which of all words they are.
    places, is_there : Tensor of shape (G, B, L)
        As those of `WordBatch`.
    n_places : int
        S.
    """

    entries: Tensor
    places: Tensor
    is_there: Tensor
    n_places: int

    def spread(self, of_words: Tensor, *, fill: float) -> Tensor:
        """Lay out what each word has; (E, ...) to (G, S, ...), `fill` where there is no word."""
        n_folds = len(self.places)
        folds = torch.arange(n_folds, device=of_words.device)[:, None, None]
        laid_out = of_words.new_full((n_folds * self.n_places, *of_words.shape[1:]), fill)
        laid_out[(self.places + folds * self.n_places)[self.is_there]] = of_words[self.entries]
        return laid_out.view(n_folds, self.n_places, *of_words.shape[1:])

    def gather(self, laid_out: Tensor) -> Tensor:
        """Give what each word has, in the order of `entries`; (G, S, ...) to (N, ...)."""
        folds = torch.arange(len(self.places), device=laid_out.device)[:, None, None]
        return laid_out.flatten(0, 1)[(self.places + folds * self.n_places)[self.is_there]]


def _entries(first: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """List the entries of rows that have those from `first` to `last`, and say where each row's now start.

    Both are of shape (G, B); (E,) and (G, B + 1).
    """
    n_entries = (last - first).flatten()
    ends = n_entries.cumsum(0)
    total = int(ends[-1]) if len(ends) else 0
    steps = torch.repeat_interleave(first.flatten() - ends + n_entries, n_entries, output_size=total)
    entries = steps + torch.arange(total, device=steps.device)
    ends = ends.view(first.shape)
    starts = torch.cat([(ends - n_entries.view(first.shape))[:, :1], ends], dim=1)
    return entries, starts


class FoldDataset(Dataset[Batch]):
    """Training rows as tensors; a batch of them has labels as each fold standardises them.

    Parameters
    ----------
    rows : TrainingRows
        The training rows.
    scales : TargetScales
        How each fold standardises labels.
    device : str
        Where all tensors are kept.
    others : sequence of ndarray of shape (R, O), default=()
        Out-of-fold numbers and probabilities of the views that will stand beside the network.

    Attributes
    ----------
    numbers : Tensor of shape (R, N), or (R, N, P) once they are encoded, float32
    categories : Tensor of shape (R, M), int64
    bags : tuple of StepRows, BagRows and VectorRows
        Of sequence columns, then of bag columns, then of texts with vectors.
    words : tuple of WordRows
    tags : list of pairs of Tensor of shape (E,)
        Codes and weights of the words of each task of tags.
    tag_scales : list of TagScales
    values, weights : Tensor of shape (R, T), float64
        As in `rows`; on the CPU where the device has no float64.
    mean, deviation : Tensor of shape (G, T), float64
        How each fold standardises numbers.
    weight_scale : Tensor of shape (G, T), float32
        Makes a label's weight times its loss, averaged over a fold's training rows, the task's loss in
        units of the loss of its base rate.
    trained_on, held_out : list of ndarray of int32, length G
        Rows of each fold.
    unlabelled : InputRows or None
        Rows without labels, if any are used.
    """

    def __init__(
        self,
        rows: TrainingRows,
        scales: TargetScales,
        *,
        device: str,
        others: Sequence[NDArray[np.float64]] = (),
    ) -> None:
        self.rows, self.scales, self.others = rows, scales, others
        self.numbers = torch.from_numpy(rows.numbers).to(device)
        self.categories = torch.from_numpy(rows.categories).to(device)
        self.bags = tuple(rows_on_device(each, device=device) for each in rows.entries)
        unlabelled = rows.unlabelled
        self.unlabelled = None if unlabelled is None else InputRows(unlabelled, device=device)
        self.words = tuple(WordRows(words, device=device) for words in rows.words)
        self.tag_scales = tag_scales(rows)
        self.tags = [
            (torch.from_numpy(tags.codes).to(device), _weights_of_words(rows, tags).to(device))
            for tags in rows.tags
        ]
        of_labels = "cpu" if torch.device(device).type == "mps" else device
        self.values = torch.from_numpy(rows.values).to(of_labels)
        self.weights = torch.from_numpy(rows.weights).to(of_labels)
        starts = [outputs.start for outputs in rows.layout.slices]
        self.mean = torch.from_numpy(scales.mean[:, starts]).to(of_labels)
        self.deviation = torch.from_numpy(scales.deviation[:, starts]).to(of_labels)
        self.weight_scale = torch.from_numpy(_weight_scale(rows, scales)).to(device)
        self.trained_on = [rows.trained_on(fold).astype(np.int32) for fold in range(rows.n_folds)]
        self.held_out = [rows.held_out(fold).astype(np.int32) for fold in range(rows.n_folds)]

    def __len__(self) -> int:
        return len(self.numbers)

    def encode_once(self, tokens: ColumnTokens) -> None:
        """Encode all numbers, if they take little memory then: else each batch is encoded by itself."""
        if self.numbers.numel() * (tokens.left.shape[1] + 2) <= _MOST_FLOATS_ENCODED:
            self.numbers = tokens.encode(self.numbers)

    def __getitem__(self, rows: Tensor) -> Batch:
        """Gather a batch.

        Parameters
        ----------
        rows : Tensor of int64, shape (G, B)
            Rows of each fold.

        Returns
        -------
        numbers : Tensor of shape (G, B, N) or (G, B, N, P)
        categories : Tensor of shape (G, B, M)
        bags : tuple of StepBatch, BagBatch and VectorBatch
        words : tuple of WordBatch
        targets, weights : Tensor of shape (G, B, T)
        *tags : pairs of Tensor of shape (G, S)
            Codes and weights of words.
        """
        labelled = rows.to(self.values.device)
        values, weights = self.values[labelled], self.weights[labelled]  # (G, B, T)
        targets = (values - self.mean[:, None]) / self.deviation[:, None]
        targets[weights == 0] = 0.0
        scaled = weights.float().to(rows.device) * self.weight_scale[:, None]
        # No tuple of tags where there are none: skorch's scoring makes one array of what stands here.
        return self.inputs(rows), (targets.float().to(rows.device), scaled, *self.tags_of(rows))

    def inputs(self, rows: Tensor) -> Inputs:
        """Gather numbers, categories, sequences, bags and words as `__getitem__` does, without labels."""
        bags, words = tuple(bag[rows] for bag in self.bags), tuple(words[rows] for words in self.words)
        return self.numbers[rows], self.categories[rows], bags, words

    def tags_of(self, rows: Tensor) -> tuple[TagBatch, ...]:
        """Gather codes and weights of words as `__getitem__` does."""
        layouts = [words.layout(rows) for words in self.words]
        return tuple(
            (layouts[of.column].spread(codes, fill=-1), layouts[of.column].spread(weights, fill=0))
            for of, (codes, weights) in zip(self.rows.tags, self.tags, strict=True)
        )


def _weights_of_words(rows: TrainingRows, tags: TagRows) -> Tensor:
    """Give the weight of each word's tag, 0 without one; (E,)."""
    of_words = np.repeat(tags.weights, np.diff(rows.words[tags.column].starts))
    return torch.from_numpy(np.where(tags.codes >= 0, of_words, 0.0)).float()


def _weight_scale(rows: TrainingRows, scales: TargetScales) -> np.ndarray:
    n_trained_on = len(rows.fold) - np.bincount(rows.fold)  # (G,)
    sums = np.array(
        [
            [np.sum(column, where=rows.fold != fold) for column in rows.weights.T]
            for fold in range(rows.n_folds)
        ]
    )
    mean_weight = sums / n_trained_on[:, None]  # (G, T)
    base_loss = scales.fold_loss * mean_weight  # (G, T)
    scale = np.divide(1.0, base_loss, out=np.zeros_like(base_loss), where=mean_weight > 0)
    return np.asarray(scale, dtype=np.float32)


class FoldBatches:
    """One epoch of batches, in each fold's own order: a permutation, then slices.

    All folds take the same number of steps with the same number of rows. What is left over, fewer rows than
    there are steps or folds differ by, is left out of the epoch, other rows each time.

    Parameters
    ----------
    dataset : FoldDataset
    batch_size : int
        Rows a fold and step, about: as it divides an epoch best.
    rng : numpy.random.Generator
        Draws the permutations.
    """

    def __init__(self, dataset: FoldDataset, *, batch_size: int, rng: np.random.Generator) -> None:
        self.dataset, self.rng = dataset, rng
        n_rows = min(len(rows) for rows in dataset.trained_on)
        self.n_steps = max(1, round(n_rows / batch_size))
        self.batch_size = n_rows // self.n_steps

    def __len__(self) -> int:
        return self.n_steps

    def __iter__(self) -> Iterator[Batch]:
        n_rows = self.n_steps * self.batch_size
        order = np.empty((len(self.dataset.trained_on), n_rows), dtype=np.int32)
        for fold, of_fold in enumerate(self.dataset.trained_on):
            order[fold] = self.rng.permutation(of_fold)[:n_rows]
        rows_of_epoch = torch.from_numpy(order).to(self.dataset.numbers.device)
        for rows in torch.split(rows_of_epoch, self.batch_size, dim=1):
            yield self.dataset[rows.long()]


def held_out_blocks(dataset: FoldDataset, *, block_size: int) -> Iterator[Tensor]:
    """Cut the rows that each fold never trains on into blocks.

    Parameters
    ----------
    dataset : FoldDataset
    block_size : int
        Rows a fold and block.

    Yields
    ------
    Tensor of int64, shape (G, B)
        A fold with fewer rows than others repeats some of its own.
    """
    n_rows = max(len(rows) for rows in dataset.held_out)
    padded = np.stack([np.resize(rows, n_rows) for rows in dataset.held_out])
    for rows in torch.split(torch.from_numpy(padded).to(dataset.numbers.device), block_size, dim=1):
        yield rows.long()
