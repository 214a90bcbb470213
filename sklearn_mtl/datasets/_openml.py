"""Any table of OpenML, from there or from a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from sklearn.datasets import fetch_openml
from sklearn.utils import Bunch

from ._arff import read_arff
from ._bunch import make_bunch
from ._files import find_file


def load_openml(
    name: str | int,
    *,
    target: str | Sequence[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    return_X_y: bool = False,
) -> Bunch | tuple[pd.DataFrame, pd.DataFrame]:
    """
    Load a table of OpenML [1]_, or an ARFF or CSV file, with one target or several.

    Parameters
    ----------
    name : str or int
        Name of the data set on OpenML, where the oldest active version is taken, or its number there. With a
        folder, the name of the file without ``.arff`` or ``.csv``.
    target : str, sequence of str or None, default=None
        The columns to predict. None: those that OpenML declares, if none has holes and all are numbers or
        all classes; a file declares none.
    folder : path or None, default=None
        Where the file is, at any depth; an ARFF file goes before a CSV file. None: OpenML, through
        :func:`sklearn.datasets.fetch_openml`, which keeps what it has downloaded.
    return_X_y : bool, default=False
        Return ``(X, y)`` instead of a bunch.

    Returns
    -------
    Bunch or (DataFrame, DataFrame)
        ``data`` of shape (B, C) and ``target`` of shape (B, T), with missing values where the file has ``?``
        or nothing; and ``frame``, ``feature_names``, ``target_names``, ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If the folder has no such file.
    ValueError
        If no target is given or declared, one is no column of the table, or scikit-learn refuses the set.

    References
    ----------
    .. [1] Vanschoren, van Rijn, Bischl, Torgo, "OpenML: networked science in machine learning", SIGKDD
       Explorations 15, 2013. https://www.openml.org

    Examples
    --------
    >>> from sklearn_mtl.datasets import load_openml
    >>> X, y = load_openml(40597, return_X_y=True)  # doctest: +SKIP
    >>> y.shape  # yeast  # doctest: +SKIP
    (2417, 14)
    >>> X, y = load_openml("turbine", target=["CO", "NOX"], folder="data", return_X_y=True)  # doctest: +SKIP
    """
    names = [target] if isinstance(target, str) else target
    if folder is None:
        frame, names, description = _fetch(name, names)
    else:
        path = find_file(f"{name}.arff", f"{name}.csv", folder=folder, owner="load_openml")
        frame, description = _read(path), f"{path.name}."
    names = _check_target(names, frame, name)
    inputs, targets = frame.drop(columns=names), frame[names]
    if return_X_y:
        return inputs, targets
    return make_bunch(inputs, targets, description=description)


def _fetch(name: str | int, target: Sequence[str] | None) -> tuple[pd.DataFrame, Sequence[str], str]:
    which = {"name": name} if isinstance(name, str) else {"data_id": name}
    # It refuses targets with holes, and numbers beside classes; so it is asked for the declared ones only.
    declared = "default-target" if target is None else None
    try:
        # Its pandas parser fails on classes that look like numbers (scikit-learn 1.9 with pandas 3.1).
        table = fetch_openml(**which, target_column=declared, as_frame=True, parser="liac-arff")
    except ValueError as error:
        raise ValueError(f"load_openml: {name!r}: {error} Naming the columns in target may help.") from error
    return table.frame, table.target_names if target is None else target, table.DESCR


def _read(path: Path) -> pd.DataFrame:
    return read_arff(path) if path.suffix == ".arff" else pd.read_csv(path, na_values="?")


def _check_target(target: Sequence[str] | None, frame: pd.DataFrame, name: str | int) -> list[str]:
    if not target:
        raise ValueError(
            f"load_openml: which columns of {name!r} are to be predicted? Set target to some of them, "
            f"{list(frame)}."
        )
    if unknown := [column for column in target if column not in frame]:
        raise ValueError(
            f"load_openml: target {unknown} is not in {name!r}, whose columns are {list(frame)}; mend target."
        )
    return list(target)
