"""Columns of ``y`` whose cells hold one tag for each word of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ._columns import LabelColumn, LabelTable, check_known_tasks

Tags = list[str | None]

UNLABELLED = -1
_UNKNOWN = -2


@dataclass(frozen=True, eq=False)
class TagTask:
    """A task with a tag for each word.

    Parameters
    ----------
    name : str
        The column's name.
    place : int
        Which column of ``y`` it is.
    tags : ndarray of shape (K,), object
        Sorted.
    column : str or None
        The text column of ``X`` whose words have the tags; None for the only one.
    """

    name: str
    place: int
    tags: np.ndarray
    column: str | None

    def codes(self, cells: Sequence[Tags | None], n_words: np.ndarray, *, owner: str) -> np.ndarray:
        """Give the code of every word's tag.

        Parameters
        ----------
        cells : sequence of length B
            The tags of each row, None where the row has none.
        n_words : ndarray of int, shape (B,)
            Words of each row's text.
        owner : str
            Who asks; errors start with it.

        Returns
        -------
        ndarray of int64, shape (E,)
            Row after row; -1 where a word has no tag, -2 where it has one that fit has not seen.

        Raises
        ------
        ValueError
            A row has more or fewer tags than words.
        """
        code_of = {tag: code for code, tag in enumerate(self.tags.tolist())} | {None: UNLABELLED}
        codes: list[int] = []
        for row, (cell, n) in enumerate(zip(cells, n_words.tolist(), strict=True)):
            if cell is None:
                codes.extend([UNLABELLED] * n)
                continue
            if len(cell) != n:
                raise ValueError(
                    f"{owner}: task {self.name!r} has {len(cell)} tags in row {row}, whose text has {n} "
                    "words; give one tag for each word, None for a word without one, and texts as lists of "
                    "words if they are not to be divided at spaces."
                )
            codes.extend(code_of.get(tag, _UNKNOWN) for tag in cell)
        return np.array(codes, dtype=np.int64)

    def decode(self, codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Give the tags of each row.

        Parameters
        ----------
        codes : ndarray of int, shape (E,)
            Of every word, row after row.
        starts : ndarray of int, shape (B + 1,)
            Where the words of each row start.

        Returns
        -------
        ndarray of shape (B,), object
            Lists of tags.
        """
        tags = self.tags[codes].tolist()
        rows = np.empty(len(starts) - 1, dtype=object)
        for row, (start, end) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)):
            rows[row] = tags[start:end]
        return rows


@dataclass(frozen=True, eq=False)
class TagColumn:
    """A column of ``y`` with tags, as it came.

    Parameters
    ----------
    task : TagTask
    cells : list of length B
        The tags of each row, None where the row has none.
    """

    task: TagTask
    cells: list[Tags | None]

    def sequence_codes(self) -> np.ndarray:
        """Give each different cell a number that does not depend on the rows' order; (B,), 0 if missing."""
        keys = [None if cell is None else tuple(tag or "" for tag in cell) for cell in self.cells]
        codes = {key: code for code, key in enumerate(sorted({key for key in keys if key is not None}), 1)}
        return np.array([0 if key is None else codes[key] for key in keys], dtype=np.float64)


def split_tags(
    table: LabelTable, kind: Any, *, is_allowed: bool, owner: str
) -> tuple[LabelTable, Any, tuple[TagColumn, ...]]:
    """Take the columns with tags out of a table of labels.

    Parameters
    ----------
    table : LabelTable
        All columns of ``y``.
    kind : object
        Kinds as given to `read_tasks`; ``"tagging"``, or ``("tagging", {"column": name})`` with the text
        column whose words have the tags. Of columns whose kind is not given, those have tags whose cells are
        lists, tuples or arrays.
    is_allowed : bool
        Whether this owner learns tags.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    LabelTable
        The other columns.
    object
        Their kinds.
    tuple of TagColumn
        The columns with tags.

    Raises
    ------
    ValueError
        Tags are not allowed, a cell cannot be read, a task has no or a single tag.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_mtl.tasks import read_labels, split_tags
    >>> y = pd.DataFrame({"intent": ["fly", "ask"], "slots": [["O", "B-city"], None]})
    >>> table = read_labels(y, owner="Example")
    >>> rest, _, (slots,) = split_tags(table, None, is_allowed=True, owner="Example")
    >>> rest.names, slots.task.tags.tolist(), slots.cells
    (['intent'], ['B-city', 'O'], [['O', 'B-city'], None])
    """
    kinds = _kind_of_each(kind, table.names)
    found = [
        _is_tagging(its_kind) or ((its_kind is None or not is_allowed) and _holds_lists(column))
        for its_kind, column in zip(kinds, table.columns, strict=True)
    ]
    if not any(found):
        return table, kind, ()
    if isinstance(kind, Mapping):
        check_known_tasks(kind, table.names, argument="task_types", owner=owner)
    if not is_allowed:
        name = table.names[found.index(True)]
        raise ValueError(
            f"{owner}: task {name!r} has a list in a cell, like one tag for each word; tags of words are "
            f"learned by MultiTaskAttentionEstimator(task_types={{{name!r}: 'tagging'}})."
        )
    columns = tuple(
        _read_column(table.columns[place], kinds[place], place, owner)
        for place in np.flatnonzero(found).tolist()
    )
    rest = [place for place, is_tagged in enumerate(found) if not is_tagged]
    rest_kinds = {table.names[place]: kinds[place] for place in rest if kinds[place] is not None}
    rest_table = replace(table, columns=tuple(table.columns[place] for place in rest))
    return rest_table, rest_kinds or None, columns


def read_tag_cells(column: LabelColumn, *, owner: str) -> list[Tags | None]:
    """Read the cells of a column with tags.

    Parameters
    ----------
    column : LabelColumn
        Lists of tags, or texts of tags with spaces between them.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    list of length B
        The tags of each row, None where the row has none.

    Raises
    ------
    ValueError
        A cell is neither, or a tag is no text.
    """
    cells: list[Tags | None] = [None] * len(column.observed)
    for row, cell in zip(np.flatnonzero(column.observed).tolist(), column.labels, strict=True):
        cells[row] = _read_cell(cell, f"{owner}: task {column.name!r} has in row {row}")
    return cells


def _read_cell(cell: Any, said: str) -> Tags:
    if isinstance(cell, str):
        return [*cell.split()]
    if not _is_list(cell):
        raise ValueError(
            f"{said} {cell!r}, expected a list of tags, or one text of tags with spaces between them."
        )
    tags: Tags = []
    for tag in cell:
        if isinstance(tag, str):
            tags.append(str(tag))
        elif tag is None or pd.isna(tag):
            tags.append(None)
        else:
            raise ValueError(f"{said} the tag {tag!r}, expected a text, or None for a word without a tag.")
    return tags


def _read_column(column: LabelColumn, kind: Any, place: int, owner: str) -> TagColumn:
    cells = read_tag_cells(column, owner=owner)
    found = sorted({tag for cell in cells if cell is not None for tag in cell if tag is not None})
    if len(found) < 2:
        raise ValueError(
            f"{owner}: task {column.name!r} has {f'only one tag, {found[0]!r},' if found else 'no tag'} in "
            f"{len(column.labels)} observed cells; tags of words need two different ones, so drop the column "
            "or label more."
        )
    task = TagTask(column.name, place, np.array(found, dtype=object), _column_of(kind, column.name, owner))
    return TagColumn(task, cells)


def _column_of(kind: Any, name: str, owner: str) -> str | None:
    """Read the text column that a kind comes with."""
    if not isinstance(kind, tuple):
        return None
    options = kind[1]
    if set(options) != {"column"} or options["column"] is None:
        raise ValueError(
            f"{owner}: task_types says that task {name!r} is {kind!r}, expected "
            "('tagging', {'column': name of a text column of X})."
        )
    return str(options["column"])


def _kind_of_each(kind: Any, names: Sequence[str]) -> list[Any]:
    """Give each column's kind; what is wrong with them is for `read_tasks` to say."""
    if isinstance(kind, Mapping):
        return [kind.get(name) for name in names]
    if kind is None or isinstance(kind, str) or _is_tagging(kind) or len(kind) != len(names):
        return [kind] * len(names)
    return list(kind)


def _is_tagging(kind: Any) -> bool:
    is_pair = isinstance(kind, tuple) and len(kind) == 2 and isinstance(kind[1], Mapping)
    return bool((kind[0] if is_pair else kind) == "tagging") if is_pair or isinstance(kind, str) else False


def _holds_lists(column: LabelColumn) -> bool:
    return column.labels.dtype == object and len(column.labels) > 0 and all(map(_is_list, column.labels))


def _is_list(cell: Any) -> bool:
    return isinstance(cell, list | tuple) or (isinstance(cell, np.ndarray) and cell.ndim == 1)
