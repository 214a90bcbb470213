"""Tables of the README, made from the records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

README = Path(__file__).parent / "README.md"


def complete(measured: pd.DataFrame, *, n_folds: int) -> pd.DataFrame:
    """Keep the records of the sets and methods that are measured on all folds."""
    return measured.groupby(["dataset", "method"]).filter(lambda folds: len(folds) == n_folds)


def lay_out(values: pd.Series, *, datasets: Sequence[str], methods: Iterable[str]) -> pd.DataFrame:
    """Lay out values by set and method, both in the order in which they are declared; other sets last."""
    table = values.unstack("method")
    sets = sorted(table.index, key=lambda name: (name not in datasets, (*datasets, name).index(name), name))
    return table.loc[sets, [method for method in methods if method in table]]


def compare(
    values: pd.DataFrame, *, ours: str, ranked: bool = True, higher_is_better: bool = False
) -> pd.DataFrame:
    """
    Summarise a table of values.

    Parameters
    ----------
    values : DataFrame of shape (sets, methods)
        NaN where a method was not measured; positive, where lower is better.
    ours : str
        The method that the others are compared with, where it was measured. ``f"{ours}_x"`` is a variant of
        it and no other method.
    ranked : bool, default=True
        Add mean ranks.
    higher_is_better : bool, default=False
        Compare by differences in place of ratios.

    Returns
    -------
    DataFrame
        The values; one more column, ours divided by the best other method of each set; and more rows: the
        mean rank over the sets that all methods have, and, if some lack a set, the mean rank over the sets
        that a method has; and the geometric mean, over the sets that both have, of ours divided by this
        method. Where higher is better, differences and their plain mean.
    """
    ranks = _ranks(-values if higher_is_better else values, ours=ours)
    table = values.copy()
    if ranked:
        table.loc["mean rank"] = ranks[values.notna().all(axis="columns")].mean()
    if ranked and values.isna().any(axis=None):
        table.loc["mean rank where measured"] = ranks.mean()
    if ours in values:
        others = values[_others(values, ours=ours)]
        sign, contrast, mean = (
            ("−", pd.DataFrame.rsub, pd.DataFrame.mean)
            if higher_is_better
            else ("/", pd.DataFrame.rdiv, geometric_mean)
        )
        best = (others.max if higher_is_better else others.min)(axis="columns").to_frame()
        best = contrast(best, values[ours], axis="index")
        table[f"{ours} {sign} best other"] = best
        table.loc[f"{ours} {sign} it"] = mean(contrast(values, values[ours], axis="index"))
        table.loc[f"{ours} {sign} it", f"{ours} {sign} best other"] = mean(best).item()
    return table


def explain_ranks(values: pd.DataFrame, *, ours: str) -> str:
    """Say in a caption what the mean ranks of a table are."""
    common = values.index[values.notna().all(axis="columns")]
    note = f"Mean rank: over the sets that all methods shown have ({', '.join(common) or 'none yet'})"
    if values.isna().any(axis=None):
        note += "; where measured: over all sets that a method has, among the methods measured there"
    if len(_variants(values, ours=ours)) > 1:
        note += f"; each variant of {ours} is ranked in its place, against the peers"
    return f"{note}."


def _ranks(values: pd.DataFrame, *, ours: str) -> pd.DataFrame:
    """Rank the methods of each set; no variant of ours takes a place from another or from a peer."""
    others = _others(values, ours=ours)
    ranks = values[[*others, *values.columns.intersection([ours])]].rank(axis="columns")
    for variant in _variants(values, ours=ours):
        ranks[variant] = values[[*others, variant]].rank(axis="columns")[variant]
    return ranks[values.columns]


def _variants(values: pd.DataFrame, *, ours: str) -> list[str]:
    return [method for method in values if method == ours or method.startswith(f"{ours}_")]


def _others(values: pd.DataFrame, *, ours: str) -> list[str]:
    return [method for method in values if method not in _variants(values, ours=ours)]


def geometric_mean(ratios: pd.DataFrame) -> pd.Series:
    """Return the geometric mean down the rows, of what is there."""
    return np.exp(np.log(ratios).mean())


def markdown(table: pd.DataFrame, *, caption: str, n_digits: int = 3) -> str:
    """Write a table under its caption."""
    header = ["", *table.columns]
    lines = [header, ["---", *["---:"] * table.shape[1]]]
    lines += [[str(name), *_cells(row, n_digits)] for name, row in table.iterrows()]
    return "\n".join([f"{caption}\n", *("| " + " | ".join(line) + " |" for line in lines)])


def _cells(row: pd.Series, n_digits: int) -> list[str]:
    return ["·" if np.isnan(value) else f"{value:.{n_digits}f}" for value in row]


def machines(measured: pd.DataFrame) -> str:
    """Say where records were measured."""
    names = {f"{m['cpu']} ({m['cores']} cores, {m['threads']} threads used)" for m in measured["machine"]}
    return f"Measured on {' and '.join(sorted(names))}; versions are in the records."


def write_to_readme(suite: str, report: str) -> None:
    """Replace what stands between the two marks of the suite."""
    begin, end = f"<!-- {suite}: made by benchmarks.run -->", f"<!-- end of {suite} -->"
    text = README.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not between.search(text):
        raise ValueError(
            f"{README}: the marks {begin!r} and {end!r} are missing; put them where the tables belong."
        )
    README.write_text(between.sub(lambda _: f"{begin}\n\n{report}\n\n{end}", text), encoding="utf-8")
