import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.datasets import load_movies


@pytest.fixture(scope="module")
def movies():
    pytest.importorskip("bokeh_sampledata.movies_data")
    return load_movies()


def test_bunch_and_pair_hold_the_same_table(movies):
    X, y = load_movies(return_X_y=True)
    pd.testing.assert_frame_equal(X, movies.data)
    pd.testing.assert_frame_equal(y, movies.target)
    pd.testing.assert_frame_equal(movies.frame, pd.concat([X, y], axis=1))


def test_tasks_are_partly_observed(movies):
    share = movies.target.isna().mean()
    assert share.round(2).to_dict() == {"critics_meter": 0.0, "metacritic": 0.61, "log10_box_office": 0.84}
    assert np.isfinite(movies.target.to_numpy()).sum() == movies.target.notna().to_numpy().sum()


def test_no_number_among_the_inputs_follows_a_target(movies):
    numbers = movies.data.select_dtypes(["number", "bool"])
    correlation = numbers.apply(lambda column: movies.target.corrwith(column.astype(float)))
    assert (
        correlation.abs().to_numpy().max() < 0.5
    )  # Reviews and log10_box_office: 0.56; Fresh and meter: more


def test_text_columns_are_categories_with_holes(movies):
    categories = movies.data.select_dtypes("category")
    assert list(categories) == ["language", "country", "mpaa_rating", "studio", "director"]
    assert categories.isna().any().all()
    assert not any("" in column.cat.categories for _, column in categories.items())


@pytest.fixture(scope="module")
def all_tasks(movies):
    return movies, load_movies(tasks="all")


def test_all_tasks_are_beside_those_of_reception_and_not_among_the_inputs(all_tasks):
    movies, table = all_tasks
    pd.testing.assert_frame_equal(table.target.iloc[:, :3], movies.target)
    pd.testing.assert_frame_equal(table.data, movies.data[list(table.data)])
    assert list(table.data) == [
        "year", "runtime", "language", "country", "n_countries", "studio", "director",
    ]  # fmt: skip
    assert table.target.shape == (17472, 25)


def test_genres_are_missing_where_a_film_has_none(all_tasks):
    genres = all_tasks[1].target.filter(like="genre_")
    assert genres.shape[1] == 21
    assert genres.dtypes.eq("boolean").all()
    assert genres.isna().sum().eq(443).all()
    assert genres.dropna().any(axis="columns").all()


def test_former_ratings_are_what_they_became(all_tasks):
    movies, table = all_tasks
    now, then = table.target["mpaa_rating"], movies.data["mpaa_rating"]
    assert now.value_counts().to_dict() == {"R": 1124, "PG": 671, "PG-13": 525, "G": 205, "NC-17": 43 + 0}
    assert now.isna().equals(then.isna())
    assert now[then == "GP"].eq("PG").all()


def test_there_are_no_other_tasks():
    with pytest.raises(ValueError, match='tasks must be "reception" or "all", got \'genres\''):
        load_movies(tasks="genres")


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh_sampledata.movies_data", None)
    with pytest.raises(ImportError, match="pip install bokeh_sampledata"):
        load_movies()
