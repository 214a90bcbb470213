import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_mtl.encoding import ColumnReader, TextColumns, TextTerms

EST = "MultiTaskAttentionRegressor"
WORDS = ["red", "blue", "dress", "shirt", "nice", "bad", "size", "fits"]
CHARACTERS = "我你他好不大小人天上下中"


def many(words=WORDS, *, n_rows=80, n_words=4, between=" "):
    rng = np.random.default_rng(0)
    return np.array([between.join(rng.choice(list(words), n_words)) for _ in range(n_rows)], dtype=object)


def fit(X, text=None, **options):
    return ColumnReader().fit(X, owner=EST, text=TextColumns() if text is None else text, **options)


def kind(values, **options):
    return fit(pd.DataFrame({"a": values}), **options).columns_[0].kind


def entries(bag):
    return [
        bag.indices[start:end].tolist() for start, end in zip(bag.indptr[:-1], bag.indptr[1:], strict=True)
    ]


def terms(texts, **options):
    values = np.array(texts, dtype=object)
    return TextTerms(TextColumns(**options)).fit(values, is_present=np.ones(len(values), dtype=bool))


@pytest.mark.parametrize("dtype", [object, "string", "str"])
def test_many_different_texts_of_several_words_are_texts(dtype):
    assert kind(pd.Series(many()).astype(dtype)) == "text"


@pytest.mark.parametrize(
    "values",
    [
        many(n_words=2),
        many()[np.arange(80) % 19],
        [f"id{i}" for i in range(80)],
        pd.Categorical(many()),
        many(CHARACTERS, n_words=5, between=""),
        np.array([f"{i} {i + 1} {i + 2}" for i in range(0, 800, 10)], dtype=object),
    ],
    ids=["two-words", "few-values", "ids", "categorical", "names", "nothing-shared"],
)
def test_other_strings_are_categories(values):
    assert kind(values) == "category"


def test_holes_and_repeated_texts_do_not_matter_for_what_a_text_is():
    assert kind([None, "", *many(), *many()]) == "text"


def test_numbers_as_text_in_an_array_stay_numbers():
    assert fit(np.array([[str(i)] for i in range(50)])).columns_[0].kind == "number"


def test_columns_that_are_named_are_texts_and_no_others():
    X = pd.DataFrame({"a": many(), "b": ["u v", "v w"] * 40, "c": pd.Categorical(many())})
    assert [info.kind for info in fit(X, TextColumns(columns=["b", "c"])).columns_] == [
        "category",
        "text",
        "text",
    ]
    assert [info.kind for info in fit(X, TextColumns(columns=[])).columns_] == ["category"] * 3
    assert [info.kind for info in fit(X.to_numpy(), TextColumns(columns=[1])).columns_] == [
        "category",
        "text",
        "category",
    ]


def test_terms_are_in_their_order_and_missing_and_empty_texts_differ():
    fitted = terms(["b a b", "a b c", None, "", "A, c"])
    bag = fitted.read(np.array(["c unknown b c", None, "", "A"], dtype=object))
    assert entries(bag) == [[3, 2, 3], [0], [], [1]]
    assert bag.shape == (4, fitted.n_codes) == (4, 4)
    assert (bag.data == 1).all() and bag.dtype == np.float32


@pytest.mark.parametrize(
    "options",
    [
        {"analyzer": "word", "ngram_range": (1, 2)},
        {"analyzer": "char_wb", "ngram_range": (2, 3)},
        {"analyzer": str.split},
    ],
    ids=["bigrams", "char_wb", "callable"],
)
def test_counts_are_those_of_scikit_learn(options):
    texts = many()
    peer = CountVectorizer(**options, min_df=2)
    if options["analyzer"] == "word":
        peer.set_params(token_pattern=r"(?u)\b\w+\b|[^\w\s]")
    expected = peer.fit_transform(texts).toarray()
    fitted = terms(texts, **options)
    counts = fitted.read(texts).toarray()
    np.testing.assert_array_equal(counts[:, 1:], expected)


def test_a_script_without_spaces_is_read_by_characters():
    texts = many(CHARACTERS, n_words=10, between="")
    fitted = terms(texts)
    assert max(map(len, fitted.words(texts[:1]))) == 2
    assert kind(texts) == "text"
    assert fitted.words(texts[:1])[:10] == list(texts[0])


def test_rare_terms_have_no_code():
    fitted = terms(["a once", "a b", "b b"])
    assert fitted.words(np.array(["a once b"], dtype=object)) == ["a", "b"]
    assert terms(["a once", "a b", "b b"], min_df=1).words(np.array(["a once b"], dtype=object)) == [
        "a",
        "once",
        "b",
    ]


def test_absent_rows_count_for_no_term():
    values = np.array(["a b", "a b", "c", "c"], dtype=object)
    fitted = TextTerms(TextColumns()).fit(values, is_present=np.array([True, True, True, False]))
    assert fitted.words(np.array(["a b c"], dtype=object)) == ["a", "b"]


def test_of_too_many_terms_the_most_frequent_have_codes_of_their_own():
    texts = [" ".join(f"w{i}" for i in range(100) if row % (i + 1) == 0 or row < 2) for row in range(60)]
    fitted = terms(texts, max_terms=40)
    assert (fitted.n_distinct, fitted.n_terms, fitted.n_shared, fitted.n_codes) == (100, 30, 10, 41)
    counts = Counter(word for text in texts for word in set(text.split()))
    frequent = {word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:30]}
    codes = {word: fitted.read(np.array([word], dtype=object)).indices.item() for word in counts}
    own = {word for word, code in codes.items() if code <= 30}
    assert own == frequent
    assert len({codes[word] for word in own}) == 30
    assert fitted.read(np.array(["never seen"], dtype=object)).indices.min() > 30


def test_codes_do_not_depend_on_the_order_of_rows_and_survive_pickling():
    texts = many()
    read = [
        entries(fitted.read(texts))
        for fitted in (terms(texts), terms(texts[::-1]), pickle.loads(pickle.dumps(terms(texts))))
    ]
    assert read[0] == read[1] == read[2]


def test_words_are_those_of_the_entries():
    texts = np.array([*many(), None, ""], dtype=object)
    fitted = terms(texts, max_terms=8)
    by_row = [len(fitted.words(texts[[row]])) for row in range(len(texts))]
    assert [len(row) for row in entries(fitted.read(texts))] == by_row
    assert len(fitted.words(texts)) == sum(by_row)


@pytest.mark.parametrize("value", [3.5, {"a": 1}, b"bytes", True], ids=["number", "dict", "bytes", "bool"])
@pytest.mark.parametrize("named", [True, False], ids=["named", "found"])
def test_a_value_of_another_type_is_refused_with_row_and_type(value, named):
    values = many()
    values[7] = value
    text = TextColumns(columns=["a"]) if named else TextColumns()
    with pytest.raises(
        TypeError, match=rf"{EST}: column 'a' has texts and, in row 7, .*of type {type(value).__name__}; make"
    ):
        fit(pd.DataFrame({"a": values}), text)


def test_a_value_of_another_type_is_refused_at_predict():
    reader = fit(pd.DataFrame({"a": many()}))
    with pytest.raises(
        TypeError, match=rf"{EST}: column 'a' has texts and, in row 1, 3, which is of type int"
    ):
        reader.read(pd.DataFrame({"a": pd.Series(["red", 3], dtype=object)}), owner=EST)


@pytest.mark.parametrize(
    "values", [[""] * 8, [None] * 8, [f"w{i}" for i in range(8)]], ids=["empty", "None", "once"]
)
def test_a_named_text_without_words_is_refused(values):
    X = pd.DataFrame({"a": pd.Series(values, dtype=object), "n": range(8)})
    with pytest.raises(
        ValueError, match=rf"{EST}: column 'a' is a text .* no term is in at least 2 of its 8 rows; drop"
    ):
        fit(X, TextColumns(columns=["a"]))


def test_a_named_text_that_is_not_there_is_refused():
    with pytest.raises(
        ValueError, match=rf"{EST}: text=TextColumns\(columns=\['b'\]\) names \['b'\], but X has .*\['a'\]"
    ):
        fit(pd.DataFrame({"a": many()}), TextColumns(columns=["b"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_df": 0}, "'min_df' parameter of MultiTaskAttentionRegressor: text=TextColumns must be an int"),
        ({"analyzer": "words"}, "'analyzer' parameter"),
        ({"ngram_range": (2, 1)}, r"ngram_range=\(2, 1\).*expected two whole numbers"),
        ({"ngram_range": "most"}, "'ngram_range' parameter"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TextColumns(**options).check(owner=EST)
