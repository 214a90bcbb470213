"""Which rows are held out together: iterative stratification over all tasks at once."""

from __future__ import annotations

import numpy as np

_MAX_ONE_BY_ONE = 20_000  # rows, about 15 µs each


def assign_folds(
    labels: np.ndarray,
    *,
    n_classes: np.ndarray,
    n_folds: int,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Deal rows to folds so that every fold gets its share of every label of every task.

    Rows are dealt one by one, those with the rarest labels first, to the fold that lacks their labels most,
    as in [1]_. That a row exists is a label, and so is "observed" in a regression task.

    Parameters
    ----------
    labels : ndarray of float64, shape (B, T)
        Class index, or any number for a regression task; NaN where missing.
    n_classes : ndarray of int, shape (T,)
        K of each task, 0 for regression.
    n_folds : int
        G.
    rng : numpy.random.Generator
        Breaks ties.
    groups : ndarray of shape (B,), optional
        Rows of one group land in one fold.

    Returns
    -------
    ndarray of int64, shape (B,)
        The fold of each row, 0 to G - 1. No fold is empty if there are at least G rows (or groups).

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas: On the Stratification of Multi-Label Data. ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.training import assign_folds
    >>> labels = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> folds = assign_folds(labels, n_classes=np.array([2]), n_folds=2, rng=np.random.default_rng(0))
    >>> sorted(folds[:2].tolist()), sorted(folds[2:].tolist())
    ([0, 1], [0, 1])
    """
    units = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    table = _Table(labels, n_classes, n_folds)
    is_single = np.bincount(units)[units] == 1  # (B,)
    singles = rng.permutation(np.flatnonzero(is_single))
    _deal_one_by_one(table, units, np.flatnonzero(~is_single), rng)
    # DIFFERS [1]_: of many rows all but some are dealt a label at a time, the others then even out the rest.
    _deal_label_by_label(table, singles[_MAX_ONE_BY_ONE:], rng)
    _deal_one_by_one(table, units, singles[:_MAX_ONE_BY_ONE], rng)
    return table.folds


class _Table:
    """The folds dealt so far, and how much of each label every fold still needs.

    Attributes
    ----------
    label_ids : ndarray of int, shape (T + 1, B)
        The label that a row has in each task, L where missing; the last entry is the label "is a row".
    task_of_label : ndarray of int, shape (L,)
        The entry that each label belongs to.
    totals : ndarray of int64, shape (L,)
        Rows of each label.
    needs : ndarray of float64, shape (G, L)
        Rows of each label that a fold should still get.
    folds : ndarray of int64, shape (B,)
        -1 where not dealt.
    """

    def __init__(self, labels: np.ndarray, n_classes: np.ndarray, n_folds: int) -> None:
        n_rows = len(labels)
        self.label_ids, self.task_of_label = _label_ids(labels, n_classes)
        self.folds = np.full(n_rows, -1, dtype=np.int64)
        self.totals = self.count(np.arange(n_rows))
        self.needs = np.tile(self.totals / n_folds, (n_folds, 1))

    def count(self, rows: np.ndarray) -> np.ndarray:
        """How often each label occurs in some rows, shape (L,)."""
        n_labels = len(self.task_of_label)
        return np.asarray(np.bincount(self.label_ids[:, rows].ravel(), minlength=n_labels + 1)[:n_labels])

    def deal(self, rows: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Put each row into its fold, both of shape (n,), and count the labels dealt, shape (L,)."""
        n_folds, n_labels = self.needs.shape
        cells = self.label_ids[:, rows] + folds * (n_labels + 1)  # (T + 1, n)
        counts = np.bincount(cells.ravel(), minlength=n_folds * (n_labels + 1))
        dealt = counts.reshape(n_folds, n_labels + 1)[:, :n_labels]
        self.folds[rows] = folds
        self.needs -= dealt
        return np.asarray(dealt.sum(axis=0))


def _label_ids(labels: np.ndarray, n_classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels_of_task = np.append(np.maximum(n_classes, 1), 1)  # (T + 1,), the last one is "is a row"
    task_of_label = np.repeat(np.arange(len(labels_of_task)), labels_of_task)  # (L,)
    offsets = np.cumsum(labels_of_task) - labels_of_task
    label_ids = np.full((len(labels_of_task), len(labels)), len(task_of_label), dtype=np.int32)
    label_ids[-1] = offsets[-1]
    for task, n in enumerate(n_classes):
        observed = ~np.isnan(labels[:, task])
        label_ids[task, observed] = offsets[task] + (labels[observed, task].astype(np.int64) if n else 0)
    return label_ids, task_of_label


def _deal_one_by_one(table: _Table, units: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Deal rows, or groups of them, the largest and then the rarest first, to the fold that lacks them."""
    if not len(rows):
        return
    rows = rows[np.argsort(units[rows], kind="stable")]
    _, starts, sizes = np.unique(units[rows], return_index=True, return_counts=True)
    label_ids = table.label_ids.T[rows]  # (n, T + 1)
    rarity = np.minimum.reduceat(np.append(table.totals, np.inf)[label_ids].min(axis=1), starts)
    prices = np.append(1.0 / np.maximum(table.totals / len(table.needs), 1.0), 0.0)  # (L + 1,)
    lacks = np.pad(table.needs, ((0, 0), (0, 1))) * prices  # (G, L + 1), shares of a label
    folds = np.empty(len(sizes), dtype=np.int64)
    for unit in np.lexsort((rng.random(len(sizes)), rarity, -sizes)):
        labels = label_ids[starts[unit] : starts[unit] + sizes[unit]].ravel()
        # A fold without rows lacks all of its shares, so it is chosen before any other: none stays empty.
        folds[unit] = fold = lacks[:, labels].sum(axis=1).argmax()
        np.subtract.at(lacks[fold], labels, prices[labels])
    table.deal(rows, np.repeat(folds, sizes))


def _deal_label_by_label(table: _Table, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Deal all free rows of one label at a time, the rarest label first."""
    remaining = table.count(rows)
    while len(rows):
        label = int(np.argmin(np.where(remaining > 0, remaining, np.inf)))
        has_label = table.label_ids[table.task_of_label[label], rows] == label
        chosen, rows = rows[has_label], rows[~has_label]
        quotas = _quotas(table.needs[:, label], len(chosen), rng)
        remaining = remaining - table.deal(chosen, np.repeat(np.arange(len(quotas)), quotas))


def _quotas(needs: np.ndarray, n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of one label for each fold: to the neediest first, until all need the same.

    Returns
    -------
    ndarray of int64, shape (G,)
        Sums to ``n_rows``.
    """
    descending = np.sort(needs)[::-1]
    levels = (np.cumsum(descending) - n_rows) / np.arange(1, len(needs) + 1)
    level = levels[np.flatnonzero(descending > levels)[-1]]
    shares = np.round(np.maximum(needs - level, 0.0), 9)  # (G,)
    quotas = np.asarray(np.floor(shares), dtype=np.int64)
    first = np.lexsort((rng.random(len(needs)), quotas - shares))
    quotas[first[: n_rows - quotas.sum()]] += 1
    return quotas
