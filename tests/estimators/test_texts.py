"""Texts, dates and frames of polars end to end, and what a fit says of the columns of X."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mtl import TextColumns

from .conftest import outputs

GOOD, BAD = ["lovely", "great", "comfy"], ["awful", "poor", "itchy"]
FILLERS = ["the", "dress", "shirt", "is", "a", "and", "it"]


@pytest.fixture(scope="module")
def reviews():
    """Texts of which single words decide, beside a number, a category and a date, with holes; two tasks."""
    rng = np.random.default_rng(0)
    n_rows = 120
    is_good = rng.random(n_rows) < 0.5
    words = [
        [*rng.choice(FILLERS, 4), rng.choice(GOOD if good else BAD), *rng.choice(FILLERS, 2)]
        for good in is_good
    ]
    X = pd.DataFrame(
        {
            "review": [" ".join(rng.permutation(row)) for row in words],
            "age": rng.normal(size=n_rows),
            "shop": rng.choice(["a", "b"], n_rows),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D"),
        }
    )
    X.loc[3, ["review", "age", "shop", "when"]] = None
    X.loc[[5, 6], "review"] = None
    X.loc[4, "review"] = ""
    y = np.column_stack([2.0 * is_good, X["age"].fillna(0)])
    return X, y


def test_words_decide_and_the_task_that_needs_them_attends_to_them(regressor, reviews):
    X, y = reviews
    model = regressor(max_epochs=40, n_trees=0, linear_view=False).fit(X, y)
    assert model.oof_task_scores_["task_0"] > 0.6
    table = model.word_attention(X)
    sums = table.groupby(["row", "column", "task"])["weight"].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-6)
    assert set(table["row"]) == {*X.index} - {3, 4, 5, 6}
    first = table[(table["task"] == "task_0") & (table["row"] == 0)]
    assert first.sort_values("position")["word"].tolist() == X.loc[0, "review"].split()
    by_word = table[table["task"] == "task_0"].groupby("word")["weight"].mean()
    assert by_word[[*GOOD, *BAD]].mean() > 1.2 * by_word[FILLERS].mean()


def test_the_linear_view_has_words_too(regressor, reviews):
    X, y = reviews
    model = regressor(max_epochs=1, n_trees=0).fit(X, y)
    assert model.view_shares_.loc["task_0", "linear"] > 0.5
    assert model.oof_task_scores_["task_0"] > 0.8


def test_attention_to_columns_counts_all_tokens_of_a_text_and_a_date(kind, reviews):
    X, y = reviews
    model = kind().fit(X, kind.labels(y))
    weights = model.attention_weights(X)
    assert weights.shape == (len(X), 2, 4)
    np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-6)
    assert model.feature_attention_.columns.tolist() == X.columns.tolist()


def test_missing_and_empty_texts_and_texts_of_unknown_words_are_predicted(kind, reviews):
    X, y = reviews
    model = kind().fit(X, kind.labels(y))
    rows = pd.concat([X.iloc[:1]] * 3).assign(review=[None, "", "never seen before"])
    predicted = outputs(model, rows)
    assert np.isfinite(predicted).all()
    assert not np.array_equal(predicted[0], predicted[1])
    np.testing.assert_array_equal(predicted[1], predicted[2])


def test_columns_says_what_was_understood(regressor, reviews):
    X, y = reviews
    X = X.assign(one=1, number=range(len(X)), wait=X["when"] - X["when"].min())
    table = regressor().fit(X, y).columns_
    assert table.index.tolist() == X.columns.tolist()
    assert table["kind"].tolist() == ["text", "number", "category", "date", "number", "number", "duration"]
    assert table["cardinality"].drop("when").tolist() == [13, 119, 2, 1, 120, X["wait"].nunique()]
    np.testing.assert_allclose(table["missing"], [3 / 120] + [1 / 120] * 3 + [0, 0, 1 / 120])
    assert table["tokens"].drop("review").tolist() == [1, 1, 3, 0, 1, 1]
    assert table.loc["review", "tokens"] > 0


def test_a_verbose_fit_says_what_is_surprising(regressor, capsys):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "id": rng.permutation(200) + 1000,
            "name": [f"person{i}" for i in range(200)],
            "one": "same",
            "hole": None,
            "rare": [1.0, 2.0, *[np.nan] * 198],
            "x": rng.normal(size=200),
            "text": [" ".join(row) for row in rng.choice([f"w{i}" for i in range(40)], (200, 4))],
        }
    )
    regressor(verbose=1, text=TextColumns(max_terms=16)).fit(X, X["x"])
    said = [line for line in "".join(capsys.readouterr()).splitlines() if "column '" in line]
    assert [line.split("column ")[1].split("'")[1] for line in said] == [
        "id",
        "name",
        "one",
        "hole",
        "rare",
        "text",
    ]
    for line, words in zip(
        said,
        [
            "numbers the rows from 1000 to 1199",
            "200 different values in as many rows",
            "same value in all",
            "missing everywhere",
            "99.0% of 200",
            "has 40 terms; the 12 most",
        ],
        strict=True,
    ):
        assert words in line


def test_texts_work_in_pipelines_searches_and_files(regressor, reviews, tmp_path):
    X, y = reviews
    columns = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipeline = make_pipeline(columns, regressor(text=TextColumns(), n_trees=0))
    name = pipeline.steps[-1][0]
    search = GridSearchCV(pipeline, {f"{name}__text__ngram_range": [(1, 1), (1, 2)]}, cv=2, n_jobs=2).fit(
        X, y
    )
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    joblib.dump(search, tmp_path / "search")
    np.testing.assert_array_equal(joblib.load(tmp_path / "search").predict(X), search.predict(X))


def test_a_clone_with_text_options_fits_the_same(regressor, reviews):
    X, y = reviews
    model = regressor(text=TextColumns(columns=["review"])).fit(X, y)
    np.testing.assert_array_equal(clone(model).fit(X, y).predict(X), model.predict(X))


def test_the_order_of_rows_does_not_matter_for_texts(regressor, reviews):
    X, y = reviews
    order = np.random.default_rng(1).permutation(len(X))
    expected = regressor().fit(X, y).predict(X[:20])
    np.testing.assert_array_equal(regressor().fit(X.iloc[order], y[order]).predict(X[:20]), expected)


def test_rows_of_texts_are_predicted_one_by_one_as_at_once(regressor, reviews):
    X, y = reviews
    model = regressor().fit(X, y)
    one_by_one = np.concatenate([model.predict(X[row : row + 1]) for row in range(6)])
    np.testing.assert_allclose(one_by_one, model.predict(X)[:6], rtol=1e-9)


def test_without_texts_there_are_no_words(regressor, reviews):
    X, y = reviews
    model = regressor(text=None).fit(X, y)
    assert model.columns_.loc["review", "kind"] == "category"
    with pytest.raises(
        ValueError, match=r"MultiTaskAttentionRegressor: no column was read as text in fit; columns_"
    ):
        model.word_attention(X)


def test_options_of_texts_are_checked_before_training(kind, reviews):
    X, y = reviews
    with pytest.raises(ValueError, match=r"text=TextColumns\(columns=\['nothing'\]\) names \['nothing'\]"):
        kind(text=TextColumns(columns=["nothing"])).fit(X, kind.labels(y))


def test_frames_of_polars_are_read_as_those_of_pandas(kind, reviews):
    polars = pytest.importorskip("polars")
    X, y = reviews
    labels = kind.labels(y)
    expected = outputs(kind().fit(X, labels), X)
    frame = polars.DataFrame(
        {name: column.astype(object).where(column.notna(), None).tolist() for name, column in X.items()}
    )
    assert [str(dtype).split("(")[0] for dtype in frame.dtypes] == ["String", "Float64", "String", "Datetime"]
    model = kind().fit(frame, polars.DataFrame(labels, schema=["task_0", "task_1"]))
    assert model.feature_names_in_.tolist() == X.columns.tolist()
    np.testing.assert_array_equal(outputs(model, frame), expected)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename({"age": "years"}))


def test_a_memory_mapped_array_is_read_as_any_other(kind, numbers, tmp_path):
    X, y = numbers
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = outputs(kind().fit(X, kind.labels(y)), X)
    np.testing.assert_array_equal(outputs(kind().fit(mapped, kind.labels(y)), mapped), expected)
