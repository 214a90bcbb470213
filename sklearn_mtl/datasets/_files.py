"""Files in a user's folder."""

from __future__ import annotations

import os
from pathlib import Path


def find_file(*names: str, folder: str | os.PathLike[str], owner: str) -> Path:
    """
    Find the first of several file names, at any depth.

    Parameters
    ----------
    *names : str
        File names, the preferred one first.
    folder : path
        Where to look.
    owner : str
        The loader, for the error.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the folder has none of them.
    """
    for name in names:
        if paths := sorted(Path(folder).rglob(name)):
            return paths[0]
    raise FileNotFoundError(f"{owner}: no file {' or '.join(names)} in {Path(folder).resolve()} or below.")
