import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from sklearn_mtl.encoding import (
    ColumnReader,
    Columns,
    WordFeatures,
    Words,
    entries_of,
    merge_rows,
    string_columns,
)

TEXTS = np.array(["Fly to Boston", None, "fly to Austin 757", ""], dtype=object)


def fitted(texts=TEXTS):
    return WordFeatures().fit(texts, is_present=np.ones(len(texts), dtype=bool))


def test_words_are_read_in_their_order():
    words = fitted().read(TEXTS)
    assert words.starts.tolist() == [0, 3, 3, 7, 7]
    assert (words.features[1] == words.features[4]).all()  # "to"


def test_case_counts_for_the_shape_alone():
    words = fitted().read(np.array(["fly Fly"], dtype=object))
    assert (words.features[0] != words.features[1]).sum() == 1


def test_lists_of_words_are_as_good_as_texts():
    lists = np.array([None, None, None, None], dtype=object)
    lists[:] = [["Fly", "to", "Boston"], None, ["fly", "to", "Austin", "757"], []]
    of_lists, of_texts = fitted(lists).read(lists), fitted().read(TEXTS)
    np.testing.assert_array_equal(of_lists.features, of_texts.features)
    np.testing.assert_array_equal(of_lists.starts, of_texts.starts)


def test_new_words_are_known_by_their_ends():
    features = fitted()
    new = features.read(np.array(["Houston"], dtype=object)).features
    known = features.read(np.array(["Boston"], dtype=object)).features
    assert new.any()
    assert set(new[new > 0]) <= set(known[known > 0]) | set(range(features.n_codes))
    assert (new[0] == known[0]).sum() >= 2  # "-n", "-on"


def test_rows_that_do_not_count_change_nothing():
    texts = np.append(TEXTS, np.array(["other words", "other words"], dtype=object))
    alone = fitted().n_codes
    assert WordFeatures().fit(texts, is_present=np.arange(6) < 4).n_codes == alone
    assert fitted(texts).n_codes > alone


@pytest.mark.parametrize("rows", [[2, 0], np.array([True, False, True, False]), slice(1, 3)])
def test_taken_rows_are_the_same_rows(rows):
    words = fitted().read(TEXTS)
    taken = words.take(rows)
    expected = [words.features[start:end] for start, end in zip(words.starts, words.starts[1:], strict=False)]
    expected = [expected[row] for row in np.arange(4)[rows]]
    np.testing.assert_array_equal(taken.features, np.concatenate(expected))
    assert np.diff(taken.starts).tolist() == [len(of_row) for of_row in expected]


def test_entries_of_no_rows_are_none():
    entries, starts = entries_of(np.array([0, 2, 5]), np.array([], dtype=np.int64))
    assert entries.tolist() == []
    assert starts.tolist() == [0]


def test_rows_that_differ_in_words_alone_stay_apart():
    words = Words(np.array([[1], [2], [1], [2], [1]], dtype=np.int32), np.array([0, 2, 4, 5]))
    columns = Columns(
        np.zeros((3, 1)), np.empty((3, 0), dtype=np.int64), (csr_array((3, 2)),), words=(words,)
    )
    labels = np.ones((3, 1))
    merged = merge_rows(columns, labels, labels > 0, labels)
    assert len(merged.first) == 2
    assert merged.inverse[0] == merged.inverse[1] != merged.inverse[2]


def test_columns_with_words_are_found():
    X = pd.DataFrame(
        {"a": ["x", None], "b": [1.0, 2.0], "c": [["x", "y"], None], "d": pd.Categorical(["u", "v"])}
    )
    assert string_columns(X) == ["a", "c"]
    assert string_columns(X[["b"]].to_numpy()) == []


def test_a_reader_gives_words_of_the_columns_that_it_was_asked_for():
    X = pd.DataFrame({"b": [1.0, 2.0, 3.0, 4.0], "query": TEXTS})
    reader = ColumnReader().fit(X, owner="Example", tagged=["query"])
    assert reader.columns_[1].kind == "text"
    assert reader.read(X, owner="Example").words == ()
    reader.fit_words(X, [1], owner="Example", is_present=np.ones(4, dtype=bool))
    assert reader.read(X, owner="Example").words[0].starts.tolist() == [0, 3, 3, 7, 7]
