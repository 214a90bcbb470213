"""Reading ARFF, dense and sparse, into a DataFrame.

SciPy's reader knows the dense form only and gives nominal values as bytes.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

_QUOTED = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_QUOTED}|\S+)\s+(\{{.*\}}|\S+)\s*$", re.IGNORECASE)
_NUMBER_TYPES = frozenset({"numeric", "real", "integer"})


@dataclass(frozen=True)
class _Attribute:
    name: str
    levels: tuple[str, ...] | None  # None: a number

    @property
    def default(self) -> str:
        """What a sparse row means by leaving the attribute out."""
        return "0" if self.levels is None else self.levels[0]


def read_arff(path: Path) -> pd.DataFrame:
    """
    Read a file of numeric and nominal attributes.

    Parameters
    ----------
    path : Path
        The ``.arff`` file, dense or sparse.

    Returns
    -------
    DataFrame
        Numbers as float64; flags (nominal {0, 1} without holes) as int64; other nominal attributes as
        ``category``, the levels as declared. ``?`` is missing.

    Raises
    ------
    ValueError
        If an attribute is neither numeric nor nominal, or a value is not what its attribute declares.
    """
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and not line.startswith("%")]
    start = [line.lower() for line in lines].index("@data")
    attributes = [
        _read_attribute(line, path) for line in lines[:start] if line.lower().startswith("@attribute")
    ]
    cells = _read_rows(lines[start + 1 :], attributes)  # (B, C) of text
    columns = {a.name: _read_column(cells[:, c], a, path) for c, a in enumerate(attributes)}
    if len(columns) < len(attributes):
        raise ValueError(f"{path.name}: two attributes have one name; rename one of them.")
    return pd.DataFrame(columns)


def _read_attribute(line: str, path: Path) -> _Attribute:
    match = _ATTRIBUTE.match(line)
    if match is None:
        raise ValueError(f"{path.name}: cannot read {line!r}; expected `@attribute name type`.")
    name, kind = match[1], match[2]
    if name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].replace("\\", "")
    if kind.startswith("{"):
        return _Attribute(name, tuple(_split([kind[1:-1]])[0]))
    if kind.lower() not in _NUMBER_TYPES:
        raise ValueError(f"{path.name}: attribute {name!r} is of type {kind!r}; expected numeric or nominal.")
    return _Attribute(name, None)


def _split(rows: Sequence[str]) -> list[list[str]]:
    reader = csv.reader(rows, quotechar="'", escapechar="\\", skipinitialspace=True)
    return [[cell.strip() for cell in row] for row in reader]


def _read_rows(rows: Sequence[str], attributes: Sequence[_Attribute]) -> np.ndarray:
    if not rows[0].startswith("{"):
        return np.array(_split(rows), dtype=object)
    cells = np.tile(np.array([a.default for a in attributes], dtype=object), (len(rows), 1))
    for row, pairs in enumerate(_split([row.strip("{}") for row in rows])):
        for pair in filter(None, pairs):
            column, value = pair.split(maxsplit=1)
            cells[row, int(column)] = value.strip("'")
    return cells


def _read_column(cells: np.ndarray, attribute: _Attribute, path: Path) -> pd.Series:
    column = pd.Series(cells, dtype=object).replace("?", None)
    if attribute.levels is None:
        try:
            return pd.to_numeric(column).astype(float)
        except ValueError as error:
            raise ValueError(f"{path.name}: attribute {attribute.name!r}: {error}") from error
    unknown = sorted(set(column.dropna()) - set(attribute.levels))
    if unknown:
        raise ValueError(
            f"{path.name}: attribute {attribute.name!r} declares {list(attribute.levels)}, "
            f"but holds {unknown}; declare them, or mend the rows."
        )
    if set(attribute.levels) == {"0", "1"} and column.notna().all():
        return column.astype("int64")
    return column.astype(pd.CategoricalDtype(list(attribute.levels)))
