"""The multi-target and multi-label tables of the Mulan collection."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
from sklearn.utils import Bunch

from ._arff import read_arff
from ._bunch import make_bunch
from ._files import find_file

# The files do not say how many of the last columns are targets.
_N_TARGETS = {
    "andro": 6, "atp1d": 6, "atp7d": 6, "edm": 2, "enb": 2, "jura": 3, "oes10": 16, "oes97": 16, "osales": 12,
    "rf1": 8, "rf2": 8, "scm1d": 16, "scm20d": 16, "scpf": 3, "sf1": 3, "sf2": 3, "slump": 3, "wq": 14,
}  # fmt: skip


def load_mulan(
    name: str,
    *,
    folder: str | os.PathLike[str],
    n_targets: int | None = None,
    return_X_y: bool = False,
) -> Bunch | tuple[pd.DataFrame, pd.DataFrame]:
    """
    Load a table of the Mulan collection from ARFF files [1]_.

    Parameters
    ----------
    name : str
        Name of the file without ``.arff``, such as ``"jura"`` or ``"yeast"``.
    folder : path
        Where the file is, at any depth. With a file ``name.xml`` beside it the table is multi-label and
        the targets are the labels named there; otherwise they are the last columns.
    n_targets : int or None, default=None
        How many of the last columns are targets; None for the known number of the collection's own tables.
    return_X_y : bool, default=False
        Return ``(X, y)`` instead of a bunch.

    Returns
    -------
    Bunch or (DataFrame, DataFrame)
        ``data`` of shape (B, C): float64 numbers, int64 flags and ``category`` for nominal inputs, NaN
        where missing; ``target`` of shape (B, T); and ``frame``, ``feature_names``, ``target_names``,
        ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If no file of that name is in the folder.
    ValueError
        If the number of targets is not known, or the file is not as it should be.

    References
    ----------
    .. [1] Tsoumakas, Spyromitros-Xioufis, Vilcek, Vlahavas, "MULAN: A Java Library for Multi-Label
       Learning", JMLR 12, 2011. https://mulan.sourceforge.net

    Examples
    --------
    >>> X, y = load_mulan("jura", folder="data", return_X_y=True)  # doctest: +SKIP
    >>> list(y)  # doctest: +SKIP
    ['Cd', 'Co', 'Cu']
    """
    path = find_file(f"{name}.arff", folder=folder, owner="load_mulan")
    frame = read_arff(path)
    target_names = _target_names(frame, path, n_targets)
    inputs, targets = frame.drop(columns=target_names), frame[target_names]
    if return_X_y:
        return inputs, targets
    return make_bunch(
        inputs, targets, description=f"Mulan's {name}: {inputs.shape[0]} rows, {len(target_names)} tasks."
    )


def _target_names(frame: pd.DataFrame, path: Path, n_targets: int | None) -> list[str]:
    labels = path.with_suffix(".xml")
    if n_targets is None and labels.exists():
        return [str(label.get("name")) for label in ElementTree.parse(labels).findall(".//{*}label")]
    n_targets = _N_TARGETS.get(path.stem) if n_targets is None else n_targets
    if n_targets is None:
        raise ValueError(
            f"load_mulan: how many of the last columns of {path.stem!r} are targets? Set n_targets."
        )
    if not 1 <= n_targets < frame.shape[1]:
        raise ValueError(
            f"load_mulan: n_targets must be from 1 to {frame.shape[1] - 1} for {path.stem!r}, "
            f"got {n_targets!r}."
        )
    return list(frame.columns[-n_targets:])
