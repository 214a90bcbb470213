"""How much tasks have in common, and groups of those that have much."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ..nn import task_losses
from ..tasks import Targets

Method = Literal["residuals", "test_residuals", "attention", "gradient"]
Floats = NDArray[np.float64]

_METHODS = ("residuals", "test_residuals", "attention", "gradient")
_MOST_ROWS = 2_000  # of which gradients are taken
_ROWS_AT_ONCE = 256
_LEAST_ROWS = 3  # with labels of two tasks


def task_affinity(
    estimator: Any, X: Any = None, y: Any = None, *, method: Method = "residuals"
) -> pd.DataFrame:
    r"""Measure how much each two tasks have in common, by what one fit knows.

    ================ =======================================================================================
    method           affinity of tasks t and u
    ================ =======================================================================================
    "residuals"      correlation of their out-of-fold residuals over the rows with both labels: errors of
                     numbers on the scale on which they are learned, labels less probabilities of two classes;
                     of more classes the root mean square of the canonical correlations, which has no sign
    "test_residuals" the same of predictions of other rows than those of ``fit``
    "attention"      overlap :math:`\sum_j \min(a_{tj}, a_{uj})` of their attention, 1 if it is the same
    "gradient"       cosine of the gradients of their losses with respect to what the views pool from a row,
                     which all tasks share; over at most 2,000 rows with both labels, folds and views [1]_
    ================ =======================================================================================

    None of them says whether learning both together pays: `transfer_report` does. Residuals correlate if
    the tasks share causes that `X` does not have, or that were not learned. Gradients that point in opposite
    directions want opposite changes of the shared representation.

    Parameters
    ----------
    estimator : estimator
        One of this package, fitted.
    X, y : array-like of shape (B, C) and (B, T), optional
        What it was fitted to, `y` for the residuals, both for the gradients; other rows for the
        test residuals.
    method : {"residuals", "test_residuals", "attention", "gradient"}, default="residuals"
        What is compared.

    Returns
    -------
    DataFrame of shape (T, T)
        Symmetric, 1 on the diagonal; NaN for tasks that no three rows have labels of both, or of which one
        has residuals or gradients of 0.

    Raises
    ------
    ValueError
        For another method, or if `X` or `y` is missing, or has not the rows of ``fit`` where it should.

    References
    ----------
    .. [1] Fifty et al. (2021). Efficiently identifying task groupings for multi-task learning.
       arXiv:2109.04617, which takes gradients during training instead.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.inspection import task_affinity, task_groups
    >>> rng = np.random.default_rng(0)
    >>> X, hidden = rng.normal(size=(200, 3)), rng.normal(size=200)
    >>> y = np.column_stack([X[:, 0] + hidden, X[:, 1] + hidden, X[:, 2] + rng.normal(size=200)])
    >>> estimator = MultiTaskAttentionRegressor(preset="fast", random_state=0).fit(X, y)
    >>> affinity = task_affinity(estimator, y=y)
    >>> bool(affinity.loc["task_0", "task_1"] > 0.7)
    True
    >>> task_groups(affinity)
    [['task_0', 'task_1'], ['task_2']]
    """
    check_is_fitted(estimator, "net_")
    if method not in _METHODS:
        raise ValueError(f"task_affinity: method={method!r} is none of {list(_METHODS)}.")
    if method == "attention":
        affinity = _overlap(estimator.feature_attention_.to_numpy())
    elif method == "residuals":
        targets = _targets_of_fit(estimator, y)
        predicted = np.asarray(estimator.oof_prediction_).reshape(targets.values.shape)
        affinity = _correlations(_residuals(estimator, targets, predicted, _probabilities(estimator)))
    elif method == "test_residuals":
        affinity = _correlations(_test_residuals(estimator, X, y))
    else:
        affinity = _cosines(estimator, X, _targets_of_fit(estimator, y))
    np.fill_diagonal(affinity, 1.0)
    names = estimator._task_set.names
    return pd.DataFrame(affinity, index=names, columns=names)


def task_groups(
    affinity: pd.DataFrame, *, n_groups: int | None = None, least_affinity: float = 0.25
) -> list[list[str]]:
    """Find groups of tasks that are alike, by hierarchical clustering with average linkage.

    Parameters
    ----------
    affinity : DataFrame of shape (T, T)
        As `task_affinity` gives it; NaN counts as 0.
    n_groups : int, optional
        How many. Default: groups are joined as long as their mean affinity is at least `least_affinity`.
    least_affinity : float, default=0.25
        Without `n_groups`.

    Returns
    -------
    list of list of str
        Groups in the order of their first tasks, tasks in the order of `affinity`.

    Raises
    ------
    ValueError
        `n_groups` is not between 1 and T.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_mtl.inspection import task_groups
    >>> names = ["a", "b", "c"]
    >>> affinity = pd.DataFrame([[1, 0.1, 0.8], [0.1, 1, 0.2], [0.8, 0.2, 1]], names, names)
    >>> task_groups(affinity)
    [['a', 'c'], ['b']]
    >>> task_groups(affinity, n_groups=1)
    [['a', 'b', 'c']]
    """
    names = affinity.index.tolist()
    if n_groups is not None and n_groups not in range(1, len(names) + 1):
        raise ValueError(f"task_groups: n_groups={n_groups!r}; expected 1 to {len(names)}, the tasks.")
    if len(names) == 1:
        return [names]
    tree = clustering(affinity)
    if n_groups is None:
        labels = fcluster(tree, 1 - least_affinity, criterion="distance")
    else:
        labels = fcluster(tree, n_groups, criterion="maxclust")
    return [
        [name for name, label in zip(names, labels, strict=True) if label == group]
        for group in dict.fromkeys(labels.tolist())
    ]


def clustering(affinity: pd.DataFrame) -> Floats:
    """Give the linkage matrix of tasks by 1 less their affinity; average linkage.

    Parameters
    ----------
    affinity : DataFrame of shape (T, T)
        T at least 2; NaN counts as 0.

    Returns
    -------
    ndarray of shape (T - 1, 4)
        As :func:`scipy.cluster.hierarchy.linkage` gives it.
    """
    distance = 1 - np.nan_to_num(affinity.to_numpy(dtype=np.float64))
    np.fill_diagonal(distance, 0.0)
    return np.asarray(linkage(squareform((distance + distance.T) / 2, checks=False), method="average"))


def _targets_of_fit(estimator: Any, y: Any) -> Targets:
    if y is None:
        raise ValueError("task_affinity: y is missing; give the labels that the estimator was fitted to.")
    targets: Targets = estimator._task_set.encode(y, owner="task_affinity")
    n_rows = len(estimator.oof_prediction_)
    if len(targets.values) != n_rows:
        raise ValueError(
            f"task_affinity: y has {len(targets.values)} rows, fit had {n_rows}; give what it was fitted to."
        )
    return targets


def _overlap(attention: Floats) -> Floats:
    """Sum the lesser of two tasks' attention; (T, C) to (T, T)."""
    return np.stack([np.minimum(attention, of_task).sum(axis=1) for of_task in attention])


def _test_residuals(estimator: Any, X: Any, y: Any) -> list[Floats]:
    """Give residuals of predictions of X, (B, ·) of each task."""
    if X is None or y is None:
        raise ValueError(
            "task_affinity: X or y is missing; give rows that were not in fit, and their labels."
        )
    outputs, targets = estimator._predict_outputs(X), estimator._task_set.encode(y, owner="task_affinity")
    if len(outputs) != len(targets.values):
        raise ValueError(f"task_affinity: X has {len(outputs)} rows and y has {len(targets.values)}.")
    task_set = estimator._task_set
    return _residuals(estimator, targets, task_set.decide(outputs), task_set.probabilities(outputs))


def _residuals(
    estimator: Any, targets: Targets, predicted: NDArray[Any], probabilities: dict[str, Floats]
) -> list[Floats]:
    """Give residuals of each task, (B, ·), NaN where labels are missing."""
    residuals = []
    for place, task in enumerate(estimator._task_set.tasks):
        is_observed = targets.observed[:, place]
        values = targets.values[is_observed, place]
        if task.classes is None:
            numbers = predicted[is_observed, place].astype(np.float64)
            errors = (task.forward(values) - task.forward(numbers))[:, None]
        else:  # the first class is what the others leave
            indicators = values[:, None] == np.arange(1, len(task.classes))
            errors = indicators - probabilities[task.name][is_observed, 1:]
        of_task = np.full((len(is_observed), errors.shape[1]), np.nan)
        of_task[is_observed] = errors
        residuals.append(of_task)
    return residuals


def _probabilities(estimator: Any) -> dict[str, Floats]:
    """Give out-of-fold probabilities of tasks with classes, by name."""
    given, names = getattr(estimator, "oof_proba_", {}), list(estimator._task_set.classes)
    if isinstance(given, dict):
        return given
    return dict(zip(names, given if isinstance(given, list) else [given], strict=True))


def _correlations(residuals: list[Floats]) -> Floats:
    """Correlate the residuals of each two tasks over the rows that both have; (T, T)."""
    affinity = np.full((len(residuals), len(residuals)), np.nan)
    single = [place for place, of_task in enumerate(residuals) if of_task.shape[1] == 1]
    if single:
        columns = pd.DataFrame(np.column_stack([residuals[place] for place in single]))
        affinity[np.ix_(single, single)] = columns.corr(min_periods=_LEAST_ROWS)
    for t, first in enumerate(residuals):
        for u, second in enumerate(residuals[:t]):
            if first.shape[1] == 1 == second.shape[1]:
                continue
            both = ~np.isnan(first[:, 0]) & ~np.isnan(second[:, 0])
            if both.sum() >= _LEAST_ROWS:
                affinity[t, u] = affinity[u, t] = _correlation(first[both], second[both])
    return affinity


def _correlation(first: Floats, second: Floats) -> float:
    """Give the root mean square of canonical correlations."""
    first, second = _whitened(first), _whitened(second)
    if not first.shape[1] or not second.shape[1]:
        return float("nan")
    products = first.T @ second
    return float(min(1.0, np.linalg.norm(products) / min(products.shape) ** 0.5))


def _whitened(residuals: Floats) -> Floats:
    """Give centred columns of length 1 that are orthogonal to each other; fewer if some depend on others."""
    centred = residuals - residuals.mean(axis=0)
    vectors, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(vectors[:, lengths > 1e-9 * max(lengths[0], 1e-300)])


def _cosines(estimator: Any, X: Any, targets: Targets) -> Floats:
    """Give the cosines of the tasks' gradients with respect to what the views pool; (T, T)."""
    if X is None:
        raise ValueError("task_affinity: X is missing; give what the estimator was fitted to.")
    columns = estimator._read_columns(X)
    if columns.n_rows != len(targets.values):
        raise ValueError(f"task_affinity: X has {columns.n_rows} rows and y has {len(targets.values)}.")
    values = np.column_stack(
        [
            np.where(is_observed, task.forward(value), 0.0)
            for task, value, is_observed in zip(
                estimator._task_set.tasks, targets.values.T, targets.observed.T, strict=True
            )
        ]
    )
    rows = np.arange(0, columns.n_rows, -(-columns.n_rows // _MOST_ROWS))
    n_tasks = values.shape[1]
    products, squares = np.zeros((n_tasks, n_tasks)), np.zeros((n_tasks, n_tasks))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[start : start + _ROWS_AT_ONCE]
        is_observed = targets.observed[block]
        gradients = _gradients(estimator._ensemble, columns.take(block), values[block])
        gradients *= is_observed.T[:, :, None]  # (T, B, F)
        products += np.einsum("tbf,ubf->tu", gradients, gradients)
        squares += np.square(gradients).sum(axis=2) @ is_observed  # of t where u has labels, too
    lengths = np.sqrt(squares * squares.T)
    holes = np.full_like(products, np.nan)
    return np.asarray(np.divide(products, lengths, out=holes, where=lengths > 0))


def _gradients(ensemble: Any, columns: Any, values: Floats) -> Floats:
    """Give the gradients of the tasks' losses of rows, of all folds and views; (T, B, G V H)."""
    module, scales = ensemble.net.module_, ensemble.scales
    numbers, categories, bags, words = ensemble.network_tensors(columns)
    starts = [outputs.start for outputs in ensemble.layout.slices]
    standardised = (values - scales.mean[:, None, starts]) / scales.deviation[:, None, starts]  # (G, B, T)
    targets = torch.from_numpy(standardised).to(numbers).unsqueeze(2)
    with torch.enable_grad():
        of_views, of_slots = module.attention(module.all_tokens(numbers, categories, bags, words=words))
        of_views = of_views.detach().requires_grad_()
        outputs = module.heads(*module.network(of_views, of_slots.detach()))
        losses = task_losses(outputs, targets, ensemble.layout).sum(dim=(0, 1, 2))  # (T,)
        gradients = [_gradient(loss, of_views) for loss in losses]
    return np.stack(gradients)


def _gradient(loss: Tensor, of_views: Tensor) -> Floats:
    (gradient,) = torch.autograd.grad(loss, of_views, retain_graph=True)  # (G, V, B, H)
    return np.asarray(gradient.permute(2, 0, 1, 3).flatten(1).double().cpu().numpy())
