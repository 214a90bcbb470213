"""A splitter for targets with several tasks, mixed kinds and missing labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from .tasks import LabelColumn, read_labels
from .training import assign_folds

__all__ = ["MultiTaskKFold"]

_MAX_CLASSES = 1_000  # above, a column is a quantity or an identifier


class MultiTaskKFold(BaseCrossValidator):
    """K folds in which every task has its share of labels, and of each of its classes.

    For ``cv=`` wherever ``y`` has several columns or missing labels; for a classifier an integer ``cv`` makes
    scikit-learn look for missing labels and refuse them. Folds come from iterative stratification [1]_:
    columns of text, booleans and whole numbers are balanced by class (up to 1,000 classes), all others by
    whether a label is observed.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=True
        False gives the same folds at every call.
    random_state : int, RandomState instance or None, default=None
        Seed; with ``shuffle=True`` only.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas: On the Stratification of Multi-Label Data. ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl.model_selection import MultiTaskKFold
    >>> X, y = np.zeros((6, 1)), [["a", 1], ["a", None], ["b", 0], ["b", 0], ["a", 1], ["b", None]]
    >>> for train, test in MultiTaskKFold(3, random_state=0).split(X, y):
    ...     print(sorted(y[row][0] for row in test))
    ['a', 'b']
    ['a', 'b']
    ['a', 'b']
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012  scikit-learn's protocol

    def __init__(self, n_splits: int = 5, *, shuffle: bool = True, random_state: Any = None) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002  scikit-learn's protocol
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object, optional
            Not read.

        Returns
        -------
        int
        """
        return self.n_splits

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows to train and to test on.

        Parameters
        ----------
        X : array-like of shape (B, C)
            Its length is read.
        y : array-like of shape (B,) or (B, T)
            Labels; missing ones are allowed anywhere.
        groups : array-like of shape (B,), optional
            Rows of one group are tested together.

        Yields
        ------
        train, test : ndarray of int
            Row indices in ascending order.

        Raises
        ------
        ValueError
            There are more folds than rows, or than groups; parameters do not go together.
        """
        yield from super().split(X, y, groups)

    def _iter_test_masks(self, X: Any, y: Any, groups: Any) -> Iterator[np.ndarray]:  # noqa: ARG002  its protocol
        self._check_parameters()
        labels, n_classes = _fold_labels(y)
        groups = None if groups is None else pd.factorize(np.asarray(groups))[0]
        n_units = len(labels) if groups is None else len(np.unique(groups))
        if n_units < self.n_splits:
            raise ValueError(
                f"MultiTaskKFold: n_splits={self.n_splits} is greater than the number of "
                f"{'rows' if groups is None else 'groups'}, {n_units}; use fewer folds."
            )
        seed = check_random_state(self.random_state).randint(2**31 - 1) if self.shuffle else 0
        folds = assign_folds(
            labels, n_classes=n_classes, n_folds=self.n_splits, rng=np.random.default_rng(seed), groups=groups
        )
        for fold in range(self.n_splits):
            yield folds == fold

    def _check_parameters(self) -> None:
        if np.dtype(type(self.n_splits)).kind not in "iu" or self.n_splits < 2:
            raise ValueError(f"MultiTaskKFold: n_splits is {self.n_splits!r}, expected an int of at least 2.")
        if not self.shuffle and self.random_state is not None:
            raise ValueError("MultiTaskKFold: random_state counts with shuffle=True only; leave it None.")


def _fold_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Labels as `assign_folds` reads them: (B, T) with NaN where missing, and the number of classes (T,)."""
    table = read_labels(y, owner="MultiTaskKFold")
    labels = np.full((table.n_rows, len(table.columns)), np.nan)  # (B, T)
    n_classes = np.zeros(len(table.columns), dtype=np.int64)  # (T,)
    for position, column in enumerate(table.columns):
        labels[column.observed, position], n_classes[position] = _class_codes(column)
    return labels, n_classes


def _class_codes(column: LabelColumn) -> tuple[np.ndarray, int]:
    codes, uniques = pd.factorize(column.labels)
    is_fraction = column.labels.dtype.kind == "f" and (column.labels != np.floor(column.labels)).any()
    is_quantity = is_fraction or len(uniques) > _MAX_CLASSES
    return codes, 0 if is_quantity else len(uniques)
