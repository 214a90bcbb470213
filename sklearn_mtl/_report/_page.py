"""HTML of a page that needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from io import StringIO
from typing import Any

import pandas as pd

_CSS = """
:root { color-scheme: light dark; --text: #1c1f23; --soft: #5c6570; --line: #d8dde3; --page: #fff; --card:
  #f5f7f9;
  --warn: #8a5300; --warn-card: #fff5e2; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7eb; --soft: #9aa4af; --line: #3a414a; --page:
  #15181c;
  --card: #1e2328; --warn: #ffc871; --warn-card: #33270f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem clamp(0.8rem, 3vw, 2.5rem) 4rem; background:
  var(--page);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: clamp(1.2rem, 5vw, 1.7rem); line-height: 1.2; margin: 0 0 0.3rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 0.5rem; padding-top: 0.8rem; border-top: 1px solid var(--line); }
p { margin: 0.5rem 0; max-width: 46rem; } .soft { color: var(--soft); }
nav a { color: inherit; margin-right: 1rem; white-space: nowrap; }
.scroll { overflow-x: auto; margin: 0.8rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid
  var(--line); }
th { color: var(--soft); font-weight: 600; } tbody th { color: var(--text); text-align: left; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--page); white-space: normal;
  min-width: 6rem; }
figure { margin: 0.8rem 0; padding: 0.6rem; background: #fff; border: 1px solid var(--line); border-radius:
  6px;
  overflow-x: auto; width: fit-content; max-width: 100%; }
figure svg { display: block; max-width: 100%; height: auto; }
ul.warnings { list-style: none; padding: 0; } ul.warnings li { margin: 0.4rem 0; padding: 0.5rem 0.8rem;
  background: var(--warn-card); border-left: 4px solid var(--warn); border-radius: 0 4px 4px 0; }
ul.warnings strong { color: var(--warn); }
details { margin: 0.8rem 0; } summary { cursor: pointer; }
@media print { :root { color-scheme: light; --text: #000; --soft: #444; --line: #bbb; --page: #fff;
  --warn-card: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  h2 { break-after: avoid; } figure, tr, li { break-inside: avoid; } .scroll { overflow: visible; }
  table { font-size: 8pt; } th, td { padding: 0.1rem 0.35rem; white-space: normal; } figure svg {
  max-height: 22cm; } }
"""


def page(title: str, lead: str, sections: Sequence[tuple[str, str]]) -> str:
    """Put sections on a page.

    Parameters
    ----------
    title : str
    lead : str
        HTML below the title.
    sections : sequence of (str, str)
        Heading and HTML.

    Returns
    -------
    str
        HTML.
    """
    links = " ".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections)
    body = "\n".join(
        f'<section><h2 id="{_anchor(name)}">{escape(name)}</h2>\n{html}</section>' for name, html in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{lead}\n<nav>{links}</nav>\n{body}\n</body>\n</html>\n"
    )


def paragraph(text: str, *, soft: bool = False) -> str:
    """Write a paragraph of plain text.

    Parameters
    ----------
    text : str
    soft : bool, default=False
        In a weaker colour.

    Returns
    -------
    str
        HTML.
    """
    return f'<p class="soft">{escape(text)}</p>' if soft else f"<p>{escape(text)}</p>"


def table(frame: pd.DataFrame) -> str:
    """Write a table; numbers with three digits, nothing where nothing is.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    str
        HTML.
    """
    head = "".join(f"<th>{escape(str(name))}</th>" for name in ["", *frame.columns])
    rows = [
        f"<tr><th>{escape(str(name))}</th>"
        + "".join(f"<td>{escape(said(value))}</td>" for value in row)
        + "</tr>"
        for name, row in zip(frame.index, frame.itertuples(index=False), strict=True)
    ]
    body = "".join(rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def details(summary: str, html: str) -> str:
    """Fold something away.

    Parameters
    ----------
    summary : str
        What is seen.
    html : str
        What is not.

    Returns
    -------
    str
        HTML.
    """
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def said(value: Any) -> str:
    """Write a value.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
    """
    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.1e}"
    return str(value)


def picture(display: Any) -> str:
    """Write the figure of a display as SVG, and close it.

    Parameters
    ----------
    display : object
        With ``figure_``.

    Returns
    -------
    str
        HTML.
    """
    from matplotlib import pyplot

    file = StringIO()
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    display.figure_.savefig(file, format="svg", metadata=no_metadata)
    pyplot.close(display.figure_)
    svg = re.sub(r"^.*?(?=<svg)", "", file.getvalue(), count=1, flags=re.DOTALL)
    return f"<figure>{svg}</figure>"


def _anchor(name: str) -> str:
    return re.sub(r"\W+", "-", name.lower())
