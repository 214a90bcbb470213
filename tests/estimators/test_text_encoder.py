"""A pretrained encoder end to end, on texts whose words occur once each, so that their pieces alone tell."""

import re

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_mtl import PretrainedEncoder
from sklearn_mtl.inspection import WordAttentionDisplay

from .conftest import outputs


@pytest.fixture(scope="module")
def coined():
    """120 texts of a known word and two coined ones; the first task is how many of these begin with an x."""
    rng = np.random.default_rng(0)
    first = rng.choice(["x", "q"], size=(120, 2))
    rest = np.array([f"{row:03d}".translate(str.maketrans("0123456789", "abcdefghij")) for row in range(240)])
    words = np.char.add(first, rest.reshape(120, 2))
    X = pd.DataFrame({"review": [f"the {a} dress {b}" for a, b in words], "age": rng.normal(size=120)})
    y = np.column_stack([(first == "x").sum(axis=1) - 1.0, X["age"]])
    X.loc[3, "review"] = None
    X.loc[4, "review"] = ""
    return X, y


@pytest.fixture
def fitted(regressor, coined, bert):
    X, y = coined
    return regressor(text_encoder=bert).fit(X, y)


@pytest.mark.parametrize(
    "options",
    [
        {"n_trees": 0, "linear_view": False, "max_epochs": 60},
        {"n_trees": 0, "max_epochs": 1},
        {"n_trees": 64, "linear_view": False, "max_epochs": 1},
    ],
    ids=["network", "linear", "forest"],
)
def test_each_view_learns_from_pieces_of_unknown_words(regressor, coined, bert, options):
    X, y = coined
    assert regressor(**options).fit(X, y).oof_task_scores_["task_0"] < 0.1
    assert regressor(text_encoder=bert, **options).fit(X, y).oof_task_scores_["task_0"] > 0.3


def test_all_estimators_take_an_encoder(kind, coined, bert):
    X, y = coined
    model = kind(text_encoder=PretrainedEncoder(bert)).fit(X, kind.labels(y))
    assert np.isfinite(outputs(model, X)).all()
    np.testing.assert_allclose(model.attention_weights(X).sum(axis=2), 1, atol=1e-6)
    assert model.columns_.loc["review", "tokens"] == 2 * model.columns_["tokens"].drop("review").max() * 8


def test_attention_to_words_is_that_to_terms_and_to_joined_pieces(fitted, coined):
    X, _ = coined
    table = fitted.word_attention(X.iloc[[0, 3, 4]])
    assert table.columns.tolist() == ["row", "column", "task", "word", "position", "weight", "source"]
    np.testing.assert_allclose(table.groupby(["row", "task"])["weight"].sum(), 1, atol=1e-6)
    table = table[table["task"] == "task_0"]
    by_source = table[table["row"] == 0].groupby("source")
    assert by_source["word"].apply(list).to_dict() == {
        "encoder": ["[CLS]", *X.loc[0, "review"].split(), "[SEP]"],
        "terms": ["the", "dress"],
    }
    assert by_source["position"].apply(list).to_dict() == {"encoder": [0, 1, 2, 3, 4, 5], "terms": [0, 1]}
    assert table.loc[table["row"] == 4, "word"].tolist() == ["[CLS]", "[SEP]"]
    assert 3 not in set(table["row"])


def test_a_display_shades_the_words_of_the_encoder(fitted, coined):
    X, _ = coined
    display = WordAttentionDisplay.from_estimator(fitted, X, task="task_0", row=1)
    assert "".join(display.words) == X.loc[1, "review"]
    assert [weight > 0 for weight in display.weights] == [not word.isspace() for word in display.words]


def test_words_and_columns_get_the_same_attention(regressor, coined, bert):
    X, y = coined
    model = regressor(text_encoder=bert).fit(X[["review"]], y)
    columns = model._read_columns(X[["review"]])
    of_terms, of_tokens = model._ensemble.entry_attention(columns)
    total = np.zeros((len(X), 2))
    np.add.at(total, np.repeat(np.arange(len(X)), np.diff(columns.bags[0].indptr)), of_terms)
    np.add.at(total, np.repeat(np.arange(len(X)), columns.vectors[0].n_tokens), of_tokens)
    has_both = np.setdiff1d(np.arange(len(X)), [3, 4])
    np.testing.assert_allclose(total[has_both], 1, atol=1e-6)


def test_rows_are_predicted_one_by_one_as_at_once(fitted, coined):
    X, _ = coined
    one_by_one = np.concatenate([fitted.predict(X[row : row + 1]) for row in range(6)])
    np.testing.assert_allclose(one_by_one, fitted.predict(X)[:6], rtol=1e-9)


def test_the_order_of_rows_and_rows_without_labels_do_not_matter(regressor, fitted, coined, bert):
    X, y = coined
    order = np.random.default_rng(1).permutation(len(X))
    expected = fitted.predict(X[:20])
    turned = regressor(text_encoder=bert).fit(X.iloc[order], y[order])
    np.testing.assert_array_equal(turned.predict(X[:20]), expected)
    more = pd.concat([X, X[:9].assign(review=[f"new {text}" for text in X["review"][:9]])])
    with_more = regressor(text_encoder=bert).fit(more, np.vstack([y, np.full((9, 2), np.nan)]))
    np.testing.assert_array_equal(with_more.predict(X[:20]), expected)


def test_clones_files_and_searches_work(regressor, fitted, coined, bert, tmp_path):
    X, y = coined
    joblib.dump(fitted, tmp_path / "model")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model").predict(X), fitted.predict(X))
    np.testing.assert_array_equal(clone(fitted).fit(X, y).predict(X), fitted.predict(X))
    estimator = regressor(text_encoder=PretrainedEncoder(str(bert)), n_trees=0)
    search = GridSearchCV(estimator, {"text_encoder__max_length": [4, 8]}, cv=2, n_jobs=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_several_texts_stand_beside_many_sparse_columns(regressor, coined, bert):
    X, y = coined
    counts = sparse.random_array((len(X), 600), density=0.05, rng=np.random.default_rng(0)).toarray()
    wide = pd.concat([X, X["review"].str[::-1].rename("title"), pd.DataFrame(counts).add_prefix("n")], axis=1)
    model = regressor(text_encoder=bert, sharing="each").fit(wide, y)
    assert model.columns_["kind"].value_counts().to_dict() == {"text": 2, "number": 1, "sparse": 1}
    sums = [of_task.sum(axis=1) for of_task in model.attention_weights(wide)]
    np.testing.assert_allclose(sums, 1, atol=1e-6)
    assert set(model.word_attention(wide[:2])["column"]) == {"review", "title"}


def test_verbose_says_what_the_vectors_take(regressor, coined, bert, capsys):
    X, y = coined
    regressor(text_encoder=PretrainedEncoder(bert, max_length=8), verbose=1).fit(X, y)
    said = "".join(capsys.readouterr())
    assert re.search(
        r"119 different texts of \d+ tokens have vectors of 0\.00 GB; 118 of them fill all 8", said
    )


def test_a_wrong_encoder_is_refused_before_training(kind, coined, bert):
    X, y = coined
    with pytest.raises(ValueError, match=r"text_encoder='nobody' is no folder here"):
        kind(text_encoder="nobody").fit(X, kind.labels(y))
    with pytest.raises(ValueError, match=r"The 'text_encoder' parameter of MultiTaskAttention"):
        kind(text_encoder=3).fit(X, kind.labels(y))
    with pytest.raises(ValueError, match="no column of X was read as text"):
        kind(text_encoder=bert).fit(X[["age"]], kind.labels(y))
