"""Films and how they were received: mixed inputs, and targets with many holes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ._bunch import make_bunch

_DESCRIPTION = """\
17,472 films released from 1940 through 2014, from Wikidata (CC0) by way of the package bokeh_sampledata.

Tasks: `critics_meter` (Rotten Tomatoes, percent), `metacritic` (0 to 100, 61 % missing) and
`log10_box_office` (US dollars, 84 % missing).{more}

Inputs: what was settled before the first review{but}. Left out because they come later or tell the targets:
review counts (with `Fresh` and `Rotten` the meter itself), critics' average rating, awards and Oscars.
Left out because the catalogue records them better for films that became famous: exact release days{cast}.
"""

_TEXTS = """
`title` and `cast` are texts. Take what `cast` says with care: the catalogue lists the casts of films that
became famous better.
"""

_MORE = """ Then `mpaa_rating` (85 % missing; M, GP and M/PG are
PG by now, X is NC-17) and one flag a genre (missing for the 443 films without any)."""

_QUERY = """
    SELECT Year, Runtime, Language, Country, omdb.Rating AS Rating, Production, Director, Genre,
           omdb.Title AS Title, omdb."Cast" AS "Cast", Meter, Metacritic, BoxOffice
    FROM omdb JOIN tomatoes USING (ID) ORDER BY ID
"""

_MIN_FILMS_OF_GENRE = 200
_RATINGS = ["G", "PG", "PG-13", "R", "NC-17"]
_FORMER_RATINGS = {"M": "PG", "GP": "PG", "M/PG": "PG", "X": "NC-17"}


def load_movies(
    *, tasks: Literal["reception", "all"] = "reception", texts: bool = False, return_X_y: bool = False
) -> Bunch | tuple[pd.DataFrame, pd.DataFrame]:
    """
    Load 17,472 films with partly observed tasks: three regressions, or 25 of all kinds.

    The table comes with the package ``bokeh_sampledata``; nothing is downloaded.

    Parameters
    ----------
    tasks : {"reception", "all"}, default="reception"
        How the films were received, or that and what they are: MPAA rating and genres, which are then no
        inputs.
    texts : bool, default=False
        Title and cast as well, columns of strings. Casts are listed better of films that became famous.
    return_X_y : bool, default=False
        Return ``(X, y)`` instead of a bunch.

    Returns
    -------
    Bunch or (DataFrame, DataFrame)
        ``data`` of shape (17472, 28): year, runtime, language, country, number of countries, MPAA
        rating, studio, director and one flag a genre, strings as ``category``; ``target`` of shape
        (17472, 3): ``critics_meter``, ``metacritic``, ``log10_box_office``, NaN where missing; and
        ``frame``, ``feature_names``, ``target_names``, ``DESCR``. With ``tasks="all"`` the inputs are of
        shape (17472, 7) and the targets of shape (17472, 25): ``mpaa_rating`` as ``category`` of five
        classes and 21 genres as ``boolean`` come to them.

    Raises
    ------
    ImportError
        If ``bokeh_sampledata`` is not installed.
    ValueError
        If there are no such tasks.

    Examples
    --------
    >>> from sklearn_mtl.datasets import load_movies
    >>> X, y = load_movies(return_X_y=True)
    >>> y.notna().sum().to_dict()
    {'critics_meter': 17453, 'metacritic': 6811, 'log10_box_office': 2760}
    >>> X, y = load_movies(tasks="all", return_X_y=True)
    >>> y.dtypes.astype(str).value_counts().to_dict()
    {'boolean': 21, 'float64': 3, 'category': 1}
    """
    if tasks not in ("reception", "all"):
        raise ValueError(f'load_movies: tasks must be "reception" or "all", got {tasks!r}.')
    films = _read_films()
    inputs, targets = _inputs(films), _reception(films)
    if texts:
        inputs = inputs.join(_texts(films))
    if tasks == "all":
        inputs = inputs.drop(columns=["mpaa_rating", *_frequent(_genre_flags(films["Genre"]))])
        targets = targets.join(_mpaa_rating(films["Rating"])).join(_genres(films["Genre"]))
    if return_X_y:
        return inputs, targets
    more, but = (_MORE, ", but for rating and genres") if tasks == "all" else ("", "")
    description = _DESCRIPTION.format(more=more, but=but, cast="" if texts else " and cast lists")
    return make_bunch(inputs, targets, description=description + (_TEXTS if texts else ""))


def _read_films() -> pd.DataFrame:
    try:
        from bokeh_sampledata.movies_data import movie_path
    except ImportError as error:
        raise ImportError(
            "load_movies: the films come with the package bokeh_sampledata, which is not installed; "
            "run `pip install bokeh_sampledata`."
        ) from error
    with closing(sqlite3.connect(movie_path)) as connection:
        return pd.read_sql(_QUERY, connection)


def _inputs(films: pd.DataFrame) -> pd.DataFrame:
    columns = pd.DataFrame(
        {
            "year": films["Year"],
            "runtime": films["Runtime"],
            "language": _only(films["Language"]),
            "country": _only(films["Country"]),
            "n_countries": films["Country"].str.count(", ") + 1.0,
            "mpaa_rating": films["Rating"].astype("category"),
            "studio": _first(films["Production"]),
            "director": _first(films["Director"]),
        }
    )
    return columns.join(_frequent(_genre_flags(films["Genre"])))


def _texts(films: pd.DataFrame) -> pd.DataFrame:
    columns = films[["Title", "Cast"]].rename(columns=str.lower).astype("string")
    return columns.mask(columns == "")


def _reception(films: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "critics_meter": films["Meter"],
            "metacritic": films["Metacritic"],
            "log10_box_office": np.log10(films["BoxOffice"]),
        }
    )


def _only(lists: pd.Series) -> pd.Series:
    """Keep the entry of a comma-separated list if it is alone: the lists are in no order of weight."""
    return lists.where(~lists.str.contains(", ", na=False), "several").astype("category")


def _first(lists: pd.Series) -> pd.Series:
    first = lists.str.split(", ").str[0]
    return first.where(first != "").astype("category")


def _genre_flags(lists: pd.Series) -> pd.DataFrame:
    flags = lists.str.get_dummies(", ").astype(bool)
    flags = flags.drop(columns="", errors="ignore")  # of films without a genre, where pandas has pyarrow
    return flags.rename(columns=lambda genre: f"genre_{genre.lower()}")


def _frequent(flags: pd.DataFrame) -> pd.DataFrame:
    return flags.loc[:, flags.sum() >= _MIN_FILMS_OF_GENRE]


def _genres(lists: pd.Series) -> pd.DataFrame:
    return _genre_flags(lists).astype("boolean").mask(lists == "")


def _mpaa_rating(ratings: pd.Series) -> pd.Series:
    present = ratings.replace(_FORMER_RATINGS).astype(pd.CategoricalDtype(_RATINGS))
    return present.rename("mpaa_rating")
