"""What ``"auto"`` means, and whether parameters fit together."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from skorch.callbacks import Callback

Auto = Literal["auto"]

MOST_SLOTS = 8
_STEPS_PER_EPOCH = 8
_LEAST_BATCH, _MOST_BATCH = 16, 1024


def resolve_folds(n_folds: int | Auto, *, n_units: int) -> int:
    """Choose the number of folds.

    Parameters
    ----------
    n_folds : int or "auto"
        8 up to 10,000 rows, 4 up to 100,000, 2 beyond, for ``"auto"``.
    n_units : int
        Rows that can be held out apart from each other; there are no more folds than these.

    Returns
    -------
    int
    """
    if n_folds == "auto":
        n_folds = 8 if n_units <= 10_000 else 4 if n_units <= 100_000 else 2
    return min(n_folds, n_units)


def resolve_slots(n_slots: int | Auto, *, n_tasks: int) -> int:
    """Choose the number of attentions in a view.

    Parameters
    ----------
    n_slots : int or "auto"
        One a task, but at most 8, for ``"auto"``.
    n_tasks : int
        T; there are no more slots than tasks.

    Returns
    -------
    int
    """
    return min(MOST_SLOTS if n_slots == "auto" else n_slots, n_tasks)


def resolve_views(n_views: int | Auto, *, n_rows: int, n_slots: int) -> int:
    """Choose the number of views a fold.

    Parameters
    ----------
    n_views : int or "auto"
        4 up to 5,000 rows and 4 slots, 2 beyond, for ``"auto"``.
    n_rows : int
        Training rows.
    n_slots : int
        S.

    Returns
    -------
    int
    """
    if n_views != "auto":
        return n_views
    return 4 if n_rows <= 5_000 and n_slots <= 4 else 2


def resolve_bins(n_bins: int | Auto, *, n_rows: int) -> int:
    """Choose the number of bins of a number column.

    Parameters
    ----------
    n_bins : int or "auto"
        One for 40 rows, but 8 to 16, for ``"auto"``.
    n_rows : int
        Training rows.

    Returns
    -------
    int
    """
    return int(np.clip(n_rows // 40, 8, 16)) if n_bins == "auto" else n_bins


def resolve_batch_size(batch_size: int | Auto, *, n_rows: int, n_folds: int) -> int:
    """Choose the rows a fold and step.

    Parameters
    ----------
    batch_size : int or "auto"
        An eighth of the rows that a fold trains on, but 16 to 1024, for ``"auto"``.
    n_rows : int
        Training rows.
    n_folds : int
        G.

    Returns
    -------
    int
    """
    if batch_size != "auto":
        return batch_size
    per_fold = n_rows - n_rows // n_folds
    return int(np.clip(-(-per_fold // _STEPS_PER_EPOCH), _LEAST_BATCH, _MOST_BATCH))


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
    """Refuse what skorch cannot call.

    Parameters
    ----------
    callbacks : sequence of skorch callbacks, or of pairs of a name and one, or None
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    TypeError
        Something else is among them.
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
