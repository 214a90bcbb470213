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


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh_sampledata.movies_data", None)
    with pytest.raises(ImportError, match="pip install bokeh_sampledata"):
        load_movies()
