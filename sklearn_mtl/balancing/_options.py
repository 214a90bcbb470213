"""What ``balancing`` may be."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import torch
from sklearn.base import BaseEstimator

from . import _torchjd

LOSS_METHODS = ("uncertainty", "dwa", "geometric", "imtl_l", "famo", "random", "stch")
GRADIENT_METHODS = (*_torchjd.METHODS, "gradnorm")
METHODS = ("mean", *LOSS_METHODS, *GRADIENT_METHODS)
_ON = ("representation", "pooled", "parameters")
_SOLVERS = ("batched", "torchjd")
_IS_WITHIN: dict[str, Callable[[float], bool]] = {
    "> 0": lambda value: 0 < value < float("inf"),
    ">= 0": lambda value: 0 <= value < float("inf"),
    "from 0 to 1": lambda value: 0 <= value <= 1,
}


class LossBalancing(BaseEstimator):
    """Weights for the tasks' losses that change during training.

    An option of the estimators' ``balancing``; each fold has weights of its own. A plain string is the same
    with the defaults.

    Parameters
    ----------
    method : str, default="uncertainty"
        - ``"uncertainty"``: learned log-variances [1]_;
        - ``"dwa"``: the more, the slower a loss fell over the last two epochs [2]_;
        - ``"geometric"``: the geometric mean of the losses [3]_;
        - ``"imtl_l"``: learned scales that make all losses 1 [4]_; with Adam the same updates as
          ``"uncertainty"``;
        - ``"famo"``: equal rates of descent, at the cost of a second forward pass [5]_;
        - ``"random"``: drawn for each batch [6]_;
        - ``"stch"``: a smooth maximum of the losses [7]_.
    temperature : float, default=2.0
        Of ``"dwa"``: larger ones make weights more alike.
    smoothing : float, default=0.1
        Of ``"stch"``: towards 0 the greatest loss alone, towards infinity the mean.
    learning_rate : float, default=0.025
        Of the weights of ``"uncertainty"``, ``"imtl_l"`` and ``"famo"``, by Adam.

    References
    ----------
    .. [1] Kendall, Gal, Cipolla (2018). Multi-task learning using uncertainty to weigh losses for scene
       geometry and semantics. CVPR. arXiv:1705.07115.
    .. [2] Liu, Johns, Davison (2019). End-to-end multi-task learning with attention. CVPR. arXiv:1803.10704.
    .. [3] Chennupati, Sistu, Yogamani, Rawashdeh (2019). MultiNet++: multi-stream feature aggregation and
       geometric loss strategy for multi-task learning. CVPR workshops. arXiv:1904.08492.
    .. [4] Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang (2021). Towards impartial multi-task learning. ICLR.
    .. [5] Liu, Feng, Stone, Liu (2023). FAMO: fast adaptive multitask optimization. arXiv:2306.03792.
    .. [6] Lin, Ye, Zhang, Tsang (2022). Reasonable effectiveness of random weighting. arXiv:2111.10603.
    .. [7] Lin, Zhang, Yang, Liu, Wang, Zhang (2024). Smooth Tchebycheff scalarization for multi-objective
       optimization. arXiv:2402.19078.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.balancing import LossBalancing
    >>> model = MultiTaskAttentionRegressor(balancing=LossBalancing("dwa", temperature=1.0))
    >>> model.set_params(balancing__temperature=3.0).balancing
    LossBalancing(method='dwa', temperature=3.0)
    """

    def __init__(
        self,
        method: str = "uncertainty",
        *,
        temperature: float = 2.0,
        smoothing: float = 0.1,
        learning_rate: float = 0.025,
    ) -> None:
        self.method = method
        self.temperature = temperature
        self.smoothing = smoothing
        self.learning_rate = learning_rate


class GradientBalancing(BaseEstimator):
    """Weights for the tasks' gradients, solved for at each step so that tasks do not undo each other.

    An option of the estimators' ``balancing``; each fold solves its own problem, over the tasks that have a
    label in the batch. The weighted gradients train what tasks share; each head follows its own loss. A plain
    string is the same with the defaults.

    Parameters
    ----------
    method : str, default="pcgrad"
        - ``"pcgrad"``: each gradient is projected away from those it conflicts with [1]_;
        - ``"gradvac"``: the same, towards the cosines seen so far [2]_;
        - ``"cagrad"``: the best of the worst improvement near the mean [3]_;
        - ``"mgda"``: the shortest convex combination [4]_;
        - ``"aligned"``: equally long principal components [5]_;
        - ``"imtl_g"``: equal projections on all gradients [6]_;
        - ``"upgrad"``: the mean of the gradients after each is freed of conflicts [7]_;
        - ``"nash"``: the bargaining solution [8]_;
        - ``"gradnorm"``: learned weights that make gradients alike in length [9]_.
    on : {"representation", "pooled", "parameters"}, default="representation"
        What gradients are compared with respect to: what the heads read, which costs next to nothing; what
        the attention has pooled, at the cost of one way back through the view network for each task; or all
        parameters that tasks share, one through the whole network for each.
    strength : float, default=0.5
        Of ``"cagrad"``: how far from the mean; 0 is the mean itself.
    momentum : float, default=0.5
        Of ``"gradvac"``: weight of the newest cosine, from 0 to 1.
    asymmetry : float, default=1.5
        Of ``"gradnorm"``: how much longer the gradients of tasks that lag behind are to be.
    learning_rate : float, default=0.025
        Of the weights of ``"gradnorm"``, by Adam.
    solver : {"batched", "torchjd"}, default="batched"
        ``"batched"`` solves all folds at once. ``"torchjd"`` calls the implementations of torchjd, for all
        methods but ``"gradnorm"``, fold by fold; it needs ``pip install 'sklearn_mtl[torchjd]'``.

    References
    ----------
    .. [1] Yu, Kumar, Gupta, Levine, Hausman, Finn (2020). Gradient surgery for multi-task learning.
       arXiv:2001.06782.
    .. [2] Wang, Tsvetkov, Firat, Cao (2021). Gradient vaccine. arXiv:2010.05874.
    .. [3] Liu, Liu, Jin, Stone, Liu (2021). Conflict-averse gradient descent for multi-task learning.
       arXiv:2110.14048.
    .. [4] Sener, Koltun (2018). Multi-task learning as multi-objective optimization. arXiv:1810.04650.
    .. [5] Senushkin, Patakin, Kuznetsov, Konushin (2023). Independent component alignment for multi-task
       learning. CVPR. arXiv:2305.19000.
    .. [6] Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang (2021). Towards impartial multi-task learning. ICLR.
    .. [7] Quinton, Rey (2024). Jacobian descent for multi-objective optimization. arXiv:2406.16232.
    .. [8] Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik, Fetaya (2022). Multi-task learning as a
       bargaining game. arXiv:2202.01017.
    .. [9] Chen, Badrinarayanan, Lee, Rabinovich (2018). GradNorm: gradient normalization for adaptive loss
       balancing in deep multitask networks. arXiv:1711.02257.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> from sklearn_mtl.balancing import GradientBalancing
    >>> model = MultiTaskAttentionRegressor(balancing=GradientBalancing("cagrad", on="parameters"))
    >>> model.get_params()["balancing__strength"]
    0.5
    """

    def __init__(
        self,
        method: str = "pcgrad",
        *,
        on: str = "representation",
        strength: float = 0.5,
        momentum: float = 0.5,
        asymmetry: float = 1.5,
        learning_rate: float = 0.025,
        solver: str = "batched",
    ) -> None:
        self.method = method
        self.on = on
        self.strength = strength
        self.momentum = momentum
        self.asymmetry = asymmetry
        self.learning_rate = learning_rate
        self.solver = solver


Balancing = LossBalancing | GradientBalancing | None


def read_balancing(balancing: Any, *, owner: str) -> Balancing:
    """Check what the user has given, and make options of a string.

    Parameters
    ----------
    balancing : str, LossBalancing or GradientBalancing
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    LossBalancing, GradientBalancing or None
        None for the mean.

    Raises
    ------
    TypeError
        It is something else.
    ValueError
        An option cannot be used; the message names it and the choices.
    ImportError
        A package is missing that the solver needs.
    """
    if isinstance(balancing, str):
        _check_choice("balancing", balancing, METHODS, owner=owner)
        if balancing == "mean":
            return None
        return LossBalancing(balancing) if balancing in LOSS_METHODS else GradientBalancing(balancing)
    if isinstance(balancing, LossBalancing):
        _check_choice("balancing__method", balancing.method, LOSS_METHODS, owner=owner)
        _check_numbers(
            balancing, {"temperature": "> 0", "smoothing": "> 0", "learning_rate": "> 0"}, owner=owner
        )
        return balancing
    if isinstance(balancing, GradientBalancing):
        _check_gradient_balancing(balancing, owner=owner)
        return balancing
    raise TypeError(
        f"{owner}: balancing={balancing!r} is none of {_quoted(METHODS)}, nor LossBalancing(...) or "
        "GradientBalancing(...) of sklearn_mtl.balancing."
    )


def _check_gradient_balancing(balancing: GradientBalancing, *, owner: str) -> None:
    _check_choice("balancing__method", balancing.method, GRADIENT_METHODS, owner=owner)
    _check_choice("balancing__on", balancing.on, _ON, owner=owner)
    _check_choice("balancing__solver", balancing.solver, _SOLVERS, owner=owner)
    bounds = {"strength": ">= 0", "momentum": "from 0 to 1", "asymmetry": ">= 0", "learning_rate": "> 0"}
    _check_numbers(balancing, bounds, owner=owner)
    if balancing.solver == "batched":
        return
    if balancing.method not in _torchjd.METHODS:
        raise ValueError(
            f"{owner}: balancing__method={balancing.method!r} and balancing__solver='torchjd' do not go "
            f"together; choose balancing__solver='batched', or a method of {_quoted(_torchjd.METHODS)}."
        )
    try:
        _torchjd.FoldByFold(balancing.method, strength=1.0, momentum=0.5, generator=torch.Generator())
    except ImportError as error:
        raise ImportError(f"{owner}: balancing: {error}") from error


def _check_choice(name: str, value: Any, choices: tuple[str, ...], *, owner: str) -> None:
    if value not in choices:
        raise ValueError(f"{owner}: {name}={value!r} is none of {_quoted(choices)}.")


def _quoted(choices: tuple[str, ...]) -> str:
    return ", ".join(map(repr, choices))


def _check_numbers(options: Any, bounds: dict[str, str], *, owner: str) -> None:
    for name, bound in bounds.items():
        value = getattr(options, name)
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if not is_number or not _IS_WITHIN[bound](float(value)):
            raise ValueError(f"{owner}: balancing__{name}={value!r}; expected a number {bound}.")
