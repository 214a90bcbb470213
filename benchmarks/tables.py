"""Tables of the README, made from the records."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

README = Path(__file__).parent / "README.md"


def compare(values: pd.DataFrame, *, ours: str, ranked: bool = True) -> pd.DataFrame:
    """
    Summarise a table of positive values, lower is better.

    Parameters
    ----------
    values : DataFrame of shape (sets, methods)
        NaN where a method was not measured.
    ours : str
        The method that the others are compared with, where it was measured.
    ranked : bool, default=True
        Add the mean rank.

    Returns
    -------
    DataFrame
        The values; one more column, ours divided by the best other method of each set; and two more rows,
        the mean rank over the sets that all methods have, and the geometric mean, over the sets that both
        have, of ours divided by this method.
    """
    table = values.copy()
    if ranked:
        table.loc["mean rank"] = values.dropna().rank(axis="columns").mean()
    if ours in values:
        ratios = values.rdiv(values[ours], axis="index")
        table.loc[f"{ours} / it"] = geometric_mean(ratios)
        best = values[ours] / values.drop(columns=ours).min(axis="columns")
        table[f"{ours} / best other"] = best
        table.loc[f"{ours} / it", f"{ours} / best other"] = geometric_mean(best)
    return table


def geometric_mean(ratios: pd.DataFrame | pd.Series) -> pd.Series | float:
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
