from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.encoding import ColumnReader, Columns, TextColumns, TextVectors, VectorUnits, merge_rows

TEXTS = ["good dress", "bad dress", None, "good dress", "bad", "good"]


class Letters:
    """Encode a text as its letters: a token each, of which the second number is constant."""

    max_length = 10

    def encode(self, texts):
        different = sorted({text for text in texts if text is not None})
        starts = np.cumsum([0, 0, *map(len, different)])
        tokens = np.array([[ord(letter), 1] for text in different for letter in text], np.float16).reshape(
            -1, 2
        )
        sentences = [tokens[first:last].mean(axis=0) for first, last in pairwise(starts[1:])]
        return TextVectors(
            np.array([0 if text is None else 1 + different.index(text) for text in texts]),
            starts,
            tokens,
            np.array([np.zeros(2), *sentences], dtype=np.float32),
            np.array([0, *map(hash, different)]).astype(np.uint64),
        )


@pytest.fixture
def vectors():
    return Letters().encode(TEXTS)


def test_units_count_each_text_once_and_only_those_of_the_rows(vectors):
    tokens = np.array([[ord(letter), 1] for text in ("bad", "good") for letter in text], dtype=float)
    units = VectorUnits().fit(vectors, rows=np.array([5, 2, 4, 5]))
    np.testing.assert_allclose(units.mean, tokens.mean(axis=0))
    np.testing.assert_allclose(units.deviation, [tokens[:, 0].std(), 1])


def test_other_rows_change_no_bit_of_the_units(vectors):
    rows = np.array([0, 1, 2])
    fewer = VectorUnits().fit(Letters().encode(TEXTS[:3]))
    more = VectorUnits().fit(vectors, rows=rows)
    np.testing.assert_array_equal(more.mean, fewer.mean)
    np.testing.assert_array_equal(more.design(vectors[rows]), fewer.design(vectors[rows]))


def test_the_design_is_standard_but_for_one_factor_and_missing_texts_are_the_mean(vectors):
    design = VectorUnits().fit(vectors).design(vectors)
    sentences = vectors.sentences[vectors.texts[[0, 1, 3, 4, 5]], 0].astype(float)
    expected = (sentences - sentences.mean()) / sentences.std() * 10 / np.sqrt(2)
    np.testing.assert_allclose(design[[0, 1, 3, 4, 5], 0], expected)
    assert not design[2].any()
    assert not design[:, 1].any()


def test_texts_that_are_all_missing_have_units():
    vectors = Letters().encode([None, None])
    assert not VectorUnits().fit(vectors).design(vectors).any()


def test_texts_that_differ_in_unknown_words_alone_are_different_rows():
    vectors = Letters().encode(["a", "b", "a"])
    columns = Columns(np.zeros((3, 1)), np.zeros((3, 0), np.int64), vectors=(vectors,))
    y = np.zeros((3, 1))
    assert len(merge_rows(columns, y, y == 0, np.ones((3, 1))).first) == 2


def test_a_reader_gives_vectors_of_its_text_columns(vectors):
    X = pd.DataFrame({"review": TEXTS * 8, "x": range(48), "title": [f"the {i} th" for i in range(10, 58)]})
    reader = ColumnReader().fit(X, owner="Owner", text=TextColumns(), encoder=Letters())
    columns = reader.read(X[40:], owner="Owner")
    assert [info.kind for info in reader.columns_] == ["category", "number", "text"]
    (of_titles,) = columns.vectors
    assert of_titles.n_tokens.tolist() == [9] * 8
    assert columns.take([1, 0]).vectors[0].texts.tolist() == of_titles.texts[[1, 0]].tolist()
    assert not np.shares_memory(vectors.texts, vectors[[0, 1]].texts)
    assert vectors[[0, 1]].tokens is vectors.tokens


def test_an_encoder_without_texts_is_refused():
    with pytest.raises(
        ValueError, match=r"Owner: text_encoder is given, but no column of X was read as text"
    ):
        ColumnReader().fit(np.zeros((3, 2)), owner="Owner", encoder=Letters())
