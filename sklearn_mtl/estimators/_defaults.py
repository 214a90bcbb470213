"""What ``"auto"`` means, and whether parameters fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from skorch.callbacks import Callback, LRScheduler

from ..encoding import SequenceColumns, TextColumns
from ..nn import StepDesign

Auto = Literal["auto"]

Preset = Literal["fast", "default", "best"]

_WIDE, _VERY_WIDE = 128, 512  # columns
_MOST_SLOTS, _MOST_SLOTS_OF_VERY_WIDE = 8, 2
_BAG_HEADS, _LEAST_BAG_HEADS = 8, 2
_MOST_TERM_FLOATS = 2**24  # of the tables of terms of all folds
_STEPS_PER_EPOCH = 8
_LEAST_BATCH, _MOST_BATCH = 16, 256
_MANY_TERMS, _MOST_BATCH_OF_MANY_TERMS = 2**16, 1024  # terms of all folds; a step passes through all of them
_BATCH_OF_TAGS = 64
_LEAST_EPOCHS = 10
_FEW_ROWS = 2_000
_FOREST_PARTS, _MOST_ROWS_IN_PARTS = 8, 10_000


@dataclass(frozen=True)
class Sizes:
    """What ``"auto"`` may stand for.

    Attributes
    ----------
    n_folds, n_views, n_slots, n_bins, d_token, batch_size, max_epochs, n_trees : int
        As the parameters of the estimators.
    """

    n_folds: int
    n_views: int
    n_slots: int
    n_bins: int
    d_token: int
    batch_size: int
    max_epochs: int
    n_trees: int


@dataclass(frozen=True)
class _Factors:
    """What a preset makes of the folds, views, epochs and trees of the default."""

    folds: float
    views: float
    epochs: float
    trees: float


_PRESETS: dict[Preset, _Factors] = {
    "fast": _Factors(folds=0.5, views=0.25, epochs=1 / 3, trees=0.4),
    "default": _Factors(folds=1, views=1, epochs=1, trees=1),
    "best": _Factors(folds=2, views=2, epochs=2, trees=2.5),
}


def resolve_sizes(
    given: Mapping[str, int | Auto],
    *,
    preset: Preset,
    n_rows: int,
    n_units: int,
    n_columns: int,
    n_tasks: int,
    n_terms: Sequence[int] = (),
    n_encoded: int = 0,
    n_step_tokens: int = 0,
    has_tags: bool = False,
) -> Sizes:
    """Choose the sizes that the user has left open, from those of the table.

    Parameters
    ----------
    given : mapping from str to int or "auto"
        The parameters of the estimator, one for each field of `Sizes`.
    preset : {"fast", "default", "best"}
    n_rows : int
        Different training rows.
    n_units : int
        Rows that can be held out apart from each other; there are no more folds than these.
    n_columns : int
        C, columns that vary.
    n_tasks : int
        T; there are no more slots than these.
    n_terms : sequence of int, default=()
        Terms of each bag column.
    n_encoded : int, default=0
        Text columns that have vectors, too.
    n_step_tokens : int, default=0
        Tokens of all sequence columns.
    has_tags : bool, default=False
        Whether there are tasks of tags.

    Returns
    -------
    Sizes
    """
    factors = _PRESETS[preset]
    n_columns += _BAG_HEADS * (len(n_terms) + n_encoded) + n_step_tokens

    def choose(name: str, automatic: float, least: int = 1) -> int:
        value = given[name]
        return max(least, round(automatic)) if value == "auto" else int(value)

    is_wide, is_very_wide = n_columns > _WIDE, n_columns > _VERY_WIDE
    n_folds = 2 if n_rows > 100_000 else 4 if n_rows > _FEW_ROWS or is_very_wide else 8
    n_folds = min(choose("n_folds", n_folds * factors.folds, least=2), n_units)
    per_fold = n_rows - n_rows // n_folds
    is_large = n_folds * max(n_terms, default=0) > _MANY_TERMS
    most_batch = _MOST_BATCH_OF_MANY_TERMS if is_large else _MOST_BATCH
    most_batch = _BATCH_OF_TAGS if has_tags else most_batch  # a row has many labels
    batch_size = np.clip(-(-per_fold // _STEPS_PER_EPOCH), _LEAST_BATCH, most_batch)
    batch_size = choose("batch_size", batch_size)
    # Where an epoch has more steps than in a small table, fewer epochs do.
    n_steps = max(_STEPS_PER_EPOCH, per_fold / batch_size)
    n_epochs = max(_LEAST_EPOCHS, (42 if has_tags else 84) * (_STEPS_PER_EPOCH / n_steps) ** 0.5)
    return Sizes(
        n_folds=n_folds,
        n_views=choose("n_views", (1 if is_wide else 2 if n_rows > 500 else 4) * factors.views),
        n_slots=min(choose("n_slots", _MOST_SLOTS_OF_VERY_WIDE if is_very_wide else _MOST_SLOTS), n_tasks),
        n_bins=choose("n_bins", 4 if is_very_wide else np.clip(n_rows // 40, 8, 16)),
        d_token=choose("d_token", min(_token_width(n_columns), _width_of_terms(n_folds, n_terms))),
        batch_size=batch_size,
        max_epochs=choose("max_epochs", n_epochs * factors.epochs),
        n_trees=choose(
            "n_trees", (200 if n_rows <= 20_000 else 100 if n_rows <= 100_000 else 0) * factors.trees, least=0
        ),
    )


def forest_parts(n_folds: int, *, n_rows: int, n_units: int) -> int:
    """Choose in how many parts the forest divides each fold.

    Its trees are cheap and, more than networks, want to have seen each row's neighbours.

    Parameters
    ----------
    n_folds : int
        G.
    n_rows : int
        Different training rows.
    n_units : int
        Rows that can be held out apart from each other.

    Returns
    -------
    int
        So many that there are about 8 in all, up to 10,000 rows; else 1.
    """
    n_parts = max(1, _FOREST_PARTS // n_folds)
    return n_parts if n_rows <= _MOST_ROWS_IN_PARTS and n_folds * n_parts <= n_units else 1


def resolve_bag_heads(sizes: Sizes, n_terms: Sequence[int], *, n_beside: int = 0) -> int:
    """Choose how many tokens each bag column has.

    Parameters
    ----------
    sizes : Sizes
    n_terms : sequence of int
        Terms of each bag column.
    n_beside : int, default=0
        Columns of numbers and categories beside texts.

    Returns
    -------
    int
        8, fewer where tables of so many terms would be large, or texts stand beside more than 8 columns.
    """
    n_floats = sizes.n_folds * sizes.d_token * max(n_terms, default=1)
    most = min(_MOST_TERM_FLOATS // n_floats, _BAG_HEADS**2 // max(1, n_beside))
    return int(np.clip(most, _LEAST_BAG_HEADS, _BAG_HEADS))


def _width_of_terms(n_folds: int, n_terms: Sequence[int]) -> int:
    """Choose the most that D may be for tables of terms of two heads at least."""
    return max(4, _MOST_TERM_FLOATS // (_LEAST_BAG_HEADS * n_folds * max(n_terms, default=1)))


def _token_width(n_columns: int) -> int:
    """Choose D: what a row costs grows with C D."""
    for most_columns, width in ((64, 12), (256, 6), (_VERY_WIDE, 4)):
        if n_columns <= most_columns:
            return width
    return 2


def resolve_text(text: TextColumns | Auto | None, *, owner: str) -> TextColumns | None:
    """Choose which columns are texts, and check what the user says of them.

    Parameters
    ----------
    text : TextColumns, "auto" or None
        ``"auto"`` is `TextColumns` with its defaults.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    TextColumns or None

    Raises
    ------
    ValueError
        One of its parameters cannot be used.
    """
    options = TextColumns() if isinstance(text, str) else text
    if options is not None:
        options.check(owner=owner)
    return options


def resolve_sequences(sequences: SequenceColumns | Auto | None, *, owner: str) -> SequenceColumns | None:
    """Choose which columns are sequences, and check what the user says of them.

    Parameters
    ----------
    sequences : SequenceColumns, "auto" or None
        ``"auto"`` is `SequenceColumns` with its defaults.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    SequenceColumns or None

    Raises
    ------
    ValueError
        One of its parameters cannot be used.
    """
    options = SequenceColumns() if isinstance(sequences, str) else sequences
    if options is not None:
        options.check(owner=owner)
    return options


def step_design(options: SequenceColumns | None) -> StepDesign | None:
    """Say how the networks read steps, if there may be any."""
    return None if options is None else StepDesign(**options.of_networks())


def resolve_device(device: str, *, owner: str) -> str:
    """Choose the device.

    Parameters
    ----------
    device : str
        ``"auto"`` is CUDA, then Apple's GPU, then the CPU, whichever is there first.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        There is no such device here.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{owner}: device={device!r} cannot be used here: {reason}") from error
    return device


def check_callbacks(callbacks: Any, *, owner: str) -> None:
    """Refuse what skorch cannot call, and what training would override.

    Parameters
    ----------
    callbacks : sequence of skorch callbacks, or of pairs of a name and one, or None
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    TypeError
        Something else is among them.
    ValueError
        A learning rate scheduler is among them: the cycles of training set the rate.
    """
    for callback in callbacks or ():
        named = isinstance(callback, tuple) and len(callback) == 2
        candidate = callback[1] if named else callback
        kind = candidate if isinstance(candidate, type) else type(candidate)
        if not issubclass(kind, Callback):
            raise TypeError(
                f"{owner}: callbacks contains {callback!r}; expected skorch callbacks, or pairs of a name "
                "and one."
            )
        if issubclass(kind, LRScheduler):
            raise ValueError(
                f"{owner}: callbacks contains {callback!r}, but fit sets the learning rate of each epoch "
                "itself, in cycles; choose learning_rate, where each begins, and max_epochs."
            )


def resolve_seed(random_state: Any) -> int:
    """Draw a seed without touching any global state.

    Parameters
    ----------
    random_state : None, int, RandomState or Generator
        None is a new seed each time.

    Returns
    -------
    int
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(random_state)
