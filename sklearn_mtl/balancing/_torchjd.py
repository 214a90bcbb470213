"""The adapter to torchjd: its gradient methods, one fold at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

METHODS = ("pcgrad", "gradvac", "cagrad", "mgda", "aligned", "imtl_g", "upgrad", "nash")


class FoldByFold:
    """Weigh by an implementation of torchjd (version 0.18), which knows one Gram matrix and no absent tasks.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    strength : float
        Of ``"cagrad"``.
    momentum : float
        Of ``"gradvac"``.
    generator : torch.Generator
        Draws the seeds of methods that draw.

    Raises
    ------
    ImportError
        torchjd is missing, or what it needs for the method.
    """

    def __init__(self, method: str, *, strength: float, momentum: float, generator: torch.Generator) -> None:
        self.method, self.strength, self.generator = method, strength, generator
        self.make = _maker(method, strength=strength, momentum=momentum)
        self.make(2)  # says at once what is missing
        self.weightings: dict[tuple[int, tuple[int, ...]], Callable[[Tensor], Tensor]] = {}

    def __call__(self, gramian: Tensor, present: Tensor) -> Tensor:
        """Weigh.

        Parameters
        ----------
        gramian : Tensor of shape (G, T, T)
        present : Tensor of bool, shape (G, T)

        Returns
        -------
        Tensor of shape (G, T)
            As large as those of the function of the same name in this package.
        """
        weights = torch.zeros(present.shape, dtype=gramian.dtype, device=gramian.device)
        seed = int(torch.randint(2**31, (), generator=self.generator))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)  # torchjd draws from the global generator
            for fold, is_there in enumerate(present):
                tasks = is_there.nonzero()[:, 0]
                if len(tasks) == 1:
                    weights[fold, tasks] = 1.0
                elif len(tasks):
                    raw = self._weighting(fold, tasks)(gramian[fold][tasks][:, tasks])
                    weights[fold, tasks] = self._scaled(raw)
        return weights

    def _weighting(self, fold: int, tasks: Tensor) -> Callable[[Tensor], Tensor]:
        """Give the object that remembers what this fold had with these tasks."""
        key = fold, tuple(tasks.tolist())
        if key not in self.weightings:
            self.weightings[key] = self.make(len(tasks))
        return self.weightings[key]

    def _scaled(self, raw: Tensor) -> Tensor:
        if self.method in ("pcgrad", "gradvac"):
            return raw / len(raw)
        if self.method == "cagrad":
            return raw / (1 + self.strength)
        return raw / raw.sum() if self.method == "nash" else raw


def _maker(method: str, *, strength: float, momentum: float) -> Callable[[int], Callable[[Tensor], Tensor]]:
    """Give what makes a weighting for a number of tasks."""
    try:
        from torchjd import aggregation
    except ImportError as error:
        raise ImportError(
            "solver='torchjd' needs torchjd 0.18; install it with: pip install 'sklearn_mtl[torchjd]'"
        ) from error
    if method == "nash":
        return partial(_nash, aggregation.NashMTL)
    makers: dict[str, Callable[[], Any]] = {
        "pcgrad": aggregation.PCGradWeighting,
        "gradvac": partial(aggregation.GradVacWeighting, beta=momentum),
        "cagrad": partial(aggregation.CAGradWeighting, c=strength),
        "mgda": aggregation.MGDAWeighting,
        "aligned": aggregation.AlignedMTLWeighting,
        "imtl_g": aggregation.IMTLGWeighting,
        "upgrad": aggregation.UPGradWeighting,
    }
    return lambda _: makers[method]()


def _nash(make: Callable[..., Any], n_tasks: int) -> Callable[[Tensor], Tensor]:
    """Give torchjd's only one that asks for gradients any with the same inner products."""
    weighting = make(n_tasks, max_norm=0.0).weighting

    def weigh(gramian: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(gramian)
        weights: Tensor = weighting(vectors * values.clamp_min(0).sqrt())
        return weights

    return weigh
