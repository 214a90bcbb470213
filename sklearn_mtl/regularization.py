"""Options of what keeps the networks from learning too well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from .training import Regularizing

__all__ = ["Regularization"]

ADVERSARIAL = ("fgm", "vat")

# Lowest and greatest value, and how an error says it.
_BOUNDS: dict[str, tuple[float, float, str]] = {
    "token_dropout": (0, 1 - 1e-9, "from 0 to below 1"),
    "attention_dropout": (0, 1 - 1e-9, "from 0 to below 1"),
    "mixup": (0, np.inf, "from 0 on"),
    "radius": (1e-9, np.inf, "above 0"),
    "coupling": (0, np.inf, "from 0 on"),
    "view_orthogonality": (0, np.inf, "from 0 on"),
    "attention_entropy": (-np.inf, np.inf, "of either sign"),
}


class Regularization(BaseEstimator):
    r"""What keeps the networks from learning too well, beside ``dropout`` and ``weight_decay``.

    What may stand for ``regularization`` of the estimators. All of it is off unless it is asked for, acts on
    the networks alone, while they are trained, and can be searched as ``regularization__mixup`` and so on.
    Strengths of penalties are in units of the mean loss, in which predicting the mean or the base rate is 1.

    Parameters
    ----------
    token_dropout : float, default=0.0
        Share of columns whose token is dropped from a row in each training step. Falls to nothing along each
        cycle, as ``dropout`` does.
    attention_dropout : float, default=0.0
        The same of the weights of attention [1]_, of each view and slot by itself.
    mixup : float, default=0.0
        Each row of a batch is mixed with another one, tokens and losses by the same share [2]_ [3]_, drawn in
        each step from a beta distribution of which this is both parameters: towards 0 rows are hardly mixed,
        1 draws any share alike.
    adversarial : {"fgm", "vat"} or None, default=None
        Train on tokens that are moved within a radius, too: ``"fgm"`` to where the loss grows fastest, with
        the same labels [4]_; ``"vat"`` to where the outputs change fastest, with the outputs before as labels
        [5]_. The latter needs no labels: rows of which no task has one are used as well, as many in a step as
        there are others. Either takes two to four times as long.
    radius : float, default=0.1
        Of the adversarial perturbation, in units of the Euclidean length of all tokens of a row.
    task_graph : DataFrame, array-like of shape (T, T), sequence of tuples or None, default=None
        Which tasks are alike, so that the weights of their heads w should be, too: the penalty is the
        coupling times :math:`\sum_{s<t} |A_{st}| \|w_s - \mathrm{sign}(A_{st}) w_t\|^2` [6]_. A symmetric
        matrix A in the order of the tasks (a DataFrame by their names), or pairs of names, a third element
        being the strength: ``[("ph", "acidity", -1), ("ph", "alcohol")]``. Tasks that go against each other
        are below 0. Tasks that are joined have heads of the same width: numbers, rates and binary tasks, or
        as many classes.
    coupling : float, default=0.01
        Strength of the graph's penalty.
    view_orthogonality : float, default=0.0
        Strength of a penalty on views that attend to the same columns: the mean squared cosine of all pairs
        of the views' attentions [7]_.
    attention_entropy : float, default=0.0
        Strength of a penalty on the entropy of the views' attention, by that of uniform attention. Above 0,
        few columns get most of the weight; below 0, columns get more alike.

    Notes
    -----
    A best epoch of each task's own is not among them: it was measured, and did not pay.

    References
    ----------
    .. [1] Vaswani et al. (2017). Attention is all you need. arXiv:1706.03762. (Its implementation.)
    .. [2] Zhang, Cisse, Dauphin, Lopez-Paz (2018). mixup: beyond empirical risk minimization.
       arXiv:1710.09412.
    .. [3] Verma et al. (2019). Manifold mixup: better representations by interpolating hidden states.
       arXiv:1806.05236.
    .. [4] Miyato, Dai, Goodfellow (2017). Adversarial training methods for semi-supervised text
       classification. arXiv:1605.07725.
    .. [5] Miyato, Maeda, Koyama, Ishii (2018). Virtual adversarial training: a regularization method for
       supervised and semi-supervised learning. arXiv:1704.03976.
    .. [6] Evgeniou, Micchelli, Pontil (2005). Learning multiple tasks with kernel methods. JMLR 6, 615-637.
    .. [7] Lin, Feng, dos Santos, Yu, Xiang, Zhou, Bengio (2017). A structured self-attentive sentence
       embedding. arXiv:1703.03130.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.regularization import Regularization
    >>> model = MultiTaskAttentionRegressor(regularization=Regularization(mixup=0.2))
    >>> model.set_params(regularization__token_dropout=0.1).regularization
    Regularization(mixup=0.2, token_dropout=0.1)
    """

    def __init__(
        self,
        *,
        token_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        mixup: float = 0.0,
        adversarial: str | None = None,
        radius: float = 0.1,
        task_graph: Any = None,
        coupling: float = 0.01,
        view_orthogonality: float = 0.0,
        attention_entropy: float = 0.0,
    ) -> None:
        self.token_dropout = token_dropout
        self.attention_dropout = attention_dropout
        self.mixup = mixup
        self.adversarial = adversarial
        self.radius = radius
        self.task_graph = task_graph
        self.coupling = coupling
        self.view_orthogonality = view_orthogonality
        self.attention_entropy = attention_entropy


def check_regularization(
    regularization: Any, *, attention: Any, schedule: Any, balancing: Any, owner: str
) -> None:
    """Refuse what is no regularisation, or does not go together with another option.

    Parameters
    ----------
    regularization, attention, schedule, balancing : object
        The parameters, the others checked.
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    TypeError, ValueError
        It is nothing that is known, or two of them do not go together.
    """
    if regularization is None:
        return
    if not isinstance(regularization, Regularization):
        raise TypeError(
            f"{owner}: regularization is {regularization!r}; expected None or a Regularization of "
            "sklearn_mtl.regularization."
        )
    _check_values(regularization, owner)
    if getattr(balancing, "method", balancing) == "famo":
        why = "which compares the losses of a batch before and after a step; choose another balancing"
        _refuse(regularization, ("mixup", "adversarial"), "balancing='famo'", why, owner)
    if not (isinstance(schedule, str) and schedule == "joint"):
        why = "which leaves the heads of other tasks as they are; choose schedule='joint'"
        _refuse(regularization, ("task_graph",), f"schedule={schedule!r}", why, owner)
    function = getattr(attention, "function", attention)
    if isinstance(function, str) and function == "uniform":
        why = "in which there is nothing to learn; choose another attention"
        names = "view_orthogonality", "attention_entropy"
        _refuse(regularization, names, "attention='uniform'", why, owner)


def _refuse(regularization: Regularization, names: Iterable[str], other: str, why: str, owner: str) -> None:
    """Raise an error if one of the options is on."""
    for name in names:
        value = getattr(regularization, name)
        if _is_on(name, value):
            shown = "..." if name == "task_graph" else repr(value)
            raise ValueError(
                f"{owner}: regularization.{name}={shown} cannot be combined with {other}, {why}, or leave "
                f"{name} out."
            )


def _is_on(name: str, value: Any) -> bool:
    if name == "adversarial":
        return bool(value == "fgm")
    return value is not None if name == "task_graph" else bool(value)


def _check_values(regularization: Regularization, owner: str) -> None:
    for name, (least, greatest, said) in _BOUNDS.items():
        value = getattr(regularization, name)
        if not (_is_finite(value) and least <= value <= greatest):
            raise ValueError(f"{owner}: regularization.{name} is {value!r}, expected a number {said}.")
    adversarial = regularization.adversarial
    if adversarial is not None and not (isinstance(adversarial, str) and adversarial in ADVERSARIAL):
        listed = ", ".join(map(repr, ADVERSARIAL))
        raise ValueError(
            f"{owner}: regularization.adversarial is {adversarial!r}; choose from {listed}, or None."
        )


def check_several_views(regularization: Regularization | None, *, n_views: int, owner: str) -> None:
    """Refuse orthogonal views where there is but one.

    Parameters
    ----------
    regularization : Regularization or None
    n_views : int
        Attentions of views in a fold.
    owner : str
        Who asks; errors start with it.

    Raises
    ------
    ValueError
        There is one.
    """
    if regularization is not None and regularization.view_orthogonality and n_views == 1:
        raise ValueError(
            f"{owner}: regularization.view_orthogonality={regularization.view_orthogonality!r} is between "
            "the views of a fold, and n_views is 1 here; choose n_views=2 or more, or leave "
            "view_orthogonality out."
        )


def uses_unlabelled(regularization: Any) -> bool:
    """Say whether rows without labels are of use.

    Parameters
    ----------
    regularization : Regularization or None

    Returns
    -------
    bool
    """
    return regularization is not None and regularization.adversarial == "vat"


def read_regularization(
    regularization: Regularization | None,
    *,
    names: Sequence[str],
    n_outputs: Sequence[int],
    task_weight: NDArray[np.float64],
    owner: str,
) -> Regularizing | None:
    """Make what training reads of the options.

    Parameters
    ----------
    regularization : Regularization or None
        The parameter, checked.
    names : sequence of str, length T
        Of the tasks.
    n_outputs : sequence of int, length T
        Widths of their heads.
    task_weight : ndarray of shape (T,)
        A task of weight 0 is joined with no other.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    Regularizing or None

    Raises
    ------
    ValueError
        The graph is not one of these tasks, or joins tasks of different widths.
    """
    if regularization is None:
        return None
    graph = None
    if regularization.task_graph is not None:
        graph = read_graph(regularization.task_graph, names=names, owner=owner)
        _check_widths(graph, names, n_outputs, owner)
        is_learned = task_weight > 0
        graph = regularization.coupling * graph * np.outer(is_learned, is_learned)
    return Regularizing(
        token_dropout=regularization.token_dropout,
        attention_dropout=regularization.attention_dropout,
        mixup=regularization.mixup,
        adversarial=regularization.adversarial,
        radius=regularization.radius,
        graph=graph,
        view_orthogonality=regularization.view_orthogonality,
        attention_entropy=regularization.attention_entropy,
    )


def read_graph(task_graph: Any, *, names: Sequence[str], owner: str) -> NDArray[np.float64]:
    """Read which tasks are alike.

    Parameters
    ----------
    task_graph : object
        As given.
    names : sequence of str, length T
        Of the tasks.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    ndarray of shape (T, T)
        Symmetric, 0 on the diagonal.

    Raises
    ------
    ValueError
        It is none of these tasks.

    Examples
    --------
    >>> read_graph([("a", "c"), ("b", "c", -0.5)], names=["a", "b", "c"], owner="Example")
    array([[ 0. ,  0. ,  1. ],
           [ 0. ,  0. , -0.5],
           [ 1. , -0.5,  0. ]])
    """
    if isinstance(task_graph, pd.DataFrame):
        task_graph = _by_name(task_graph, names, owner)
    elif _is_list_of_edges(task_graph):
        return _matrix_of(task_graph, names, owner)
    try:
        graph = np.array(task_graph, dtype=np.float64)
    except (TypeError, ValueError):
        graph = np.empty(0)
    if graph.shape != (len(names), len(names)):
        came = f"of shape {graph.shape}" if graph.size else repr(task_graph)
        raise ValueError(
            f"{owner}: regularization.task_graph is {came}; expected a matrix of shape "
            f"({len(names)}, {len(names)}), or pairs of tasks' names."
        )
    if not np.isfinite(graph).all() or not np.array_equal(graph, graph.T):
        raise ValueError(f"{owner}: regularization.task_graph is not symmetric, or not finite: {graph}.")
    np.fill_diagonal(graph, 0.0)
    return graph


def _is_list_of_edges(task_graph: Any) -> bool:
    if isinstance(task_graph, Mapping | str) or not isinstance(task_graph, Iterable):
        return False
    edges = list(task_graph)
    return all(
        isinstance(edge, list | tuple) and len(edge) > 1 and isinstance(edge[0], str) for edge in edges
    )


def _matrix_of(edges: Iterable[Sequence[Any]], names: Sequence[str], owner: str) -> NDArray[np.float64]:
    graph = np.zeros((len(names), len(names)))
    for edge in edges:
        one, other, *strength = edge
        for name in (one, other):
            if name not in names:
                raise ValueError(
                    f"{owner}: regularization.task_graph joins {name!r}, which is no task; there are "
                    f"{list(names)}."
                )
        if one == other or len(strength) > 1 or not all(_is_finite(value) for value in strength):
            raise ValueError(
                f"{owner}: regularization.task_graph has the edge {edge!r}; expected two different tasks, "
                "and at most a number."
            )
        places = names.index(one), names.index(other)
        graph[places] = graph[places[::-1]] = strength[0] if strength else 1.0
    return graph


def _is_finite(value: Any) -> bool:
    is_number = not isinstance(value, bool) and isinstance(value, Real)
    return is_number and abs(float(value)) < np.inf


def _by_name(frame: pd.DataFrame, names: Sequence[str], owner: str) -> NDArray[Any]:
    for axis in (frame.index, frame.columns):
        if sorted(map(str, axis)) != sorted(names):
            raise ValueError(
                f"{owner}: regularization.task_graph is of {axis.tolist()}; expected each of the tasks "
                f"{list(names)} once, in rows and columns."
            )
    by_name = frame.set_axis(frame.index.map(str)).set_axis(frame.columns.map(str), axis=1)
    return by_name.loc[list(names), list(names)].to_numpy()


def _check_widths(
    graph: NDArray[np.float64], names: Sequence[str], n_outputs: Sequence[int], owner: str
) -> None:
    for one, other in np.argwhere(graph):
        if n_outputs[one] != n_outputs[other]:
            raise ValueError(
                f"{owner}: regularization.task_graph joins {names[one]!r} and {names[other]!r}, whose heads "
                f"have {n_outputs[one]} and {n_outputs[other]} outputs; join tasks of the same width, or "
                "leave this edge out."
            )


def without_graph(regularization: Regularization | None) -> Regularization | None:
    """Give the same options for a task that has no other beside it.

    Parameters
    ----------
    regularization : Regularization or None

    Returns
    -------
    Regularization or None
    """
    if regularization is None or regularization.task_graph is None:
        return regularization
    changed: Regularization = clone(regularization).set_params(task_graph=None)
    return changed


def for_tasks(
    regularization: Regularization | None, *, names: Sequence[str], tasks: Sequence[int], owner: str
) -> Regularization | None:
    """Give the same options for some of the tasks.

    Parameters
    ----------
    regularization : Regularization or None
    names : sequence of str, length T
        Of all tasks.
    tasks : sequence of int
        Which of them are left.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    Regularization or None
    """
    if regularization is None or regularization.task_graph is None or len(tasks) == 1:
        return without_graph(regularization)
    graph = read_graph(regularization.task_graph, names=names, owner=owner)
    changed: Regularization = clone(regularization).set_params(task_graph=graph[np.ix_(tasks, tasks)])
    return changed
