import math

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from sklearn_mtl.encoding import BagTerms, Columns, FrequentTerms, LinearDesign, merge_rows
from sklearn_mtl.encoding import _bags as bags

COUNTS = [[1.0, 2.0, 0.0, 0.0], [0.0, 4.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]]


@pytest.fixture
def counts():
    return csr_array(np.array(COUNTS))


def entries(rows, n_terms=4):
    """Make a bag of rows, each a list of pairs of term and value, in this order."""
    starts = np.cumsum([0, *map(len, rows)])
    terms, values = zip(*[pair for row in rows for pair in row], strict=True)
    return csr_array((np.array(values), np.array(terms), starts), shape=(len(rows), n_terms))


def test_terms_of_one_row_are_dropped(counts):
    terms = BagTerms().fit(counts)
    assert terms.n_terms == 2
    assert terms.kept_entries(counts).tolist() == [True, True, True, False, True, False]


def test_a_term_twice_in_one_row_is_in_one_row():
    assert BagTerms().fit(entries([[(0, 1.0), (0, 1.0)], [(1, 1.0)], [(1, 1.0)]])).n_terms == 1


def test_values_are_divided_by_their_root_mean_square_and_clipped_smoothly(counts):
    transformed = BagTerms().fit(counts).transform(counts).toarray()
    for column in range(2):
        values = [row[column] for row in COUNTS if row[column]]
        unit = math.sqrt(sum(value**2 for value in values) / len(values))
        expected = [row[column] / unit / math.sqrt(1 + (row[column] / unit / 3) ** 2) for row in COUNTS]
        np.testing.assert_allclose(transformed[:, column], expected, rtol=1e-6)


def test_the_order_of_entries_is_kept():
    rows = entries([[(3, 1.0), (0, 1.0), (3, 1.0)], [(0, 1.0), (3, 1.0)]])
    assert BagTerms().fit(rows).transform(rows).indices.tolist() == [1, 0, 1, 0, 1]


def test_scale_is_the_norm_of_rows_that_are_not_empty(counts):
    terms = BagTerms().fit(counts)
    norms = np.square(terms.transform(counts).toarray()).sum(axis=1)
    assert terms.scale == pytest.approx(math.sqrt(norms[:3].mean()), rel=1e-6)


def test_learns_from_the_given_rows(counts):
    chosen = np.array([2, 0, 1])
    some, whole = BagTerms().fit(counts, rows=chosen), BagTerms().fit(counts[chosen])
    assert np.array_equal(some.transform(counts).toarray(), whole.transform(counts).toarray())


@pytest.mark.parametrize("factor", [1e-250, 1e250])
def test_units_of_values_do_not_matter(counts, factor):
    given, scaled = BagTerms().fit(counts), BagTerms().fit(counts * factor)
    np.testing.assert_allclose(
        scaled.transform(counts * factor).toarray(), given.transform(counts).toarray(), rtol=1e-6
    )
    np.testing.assert_allclose(scaled.design(counts * factor).toarray(), given.design(counts).toarray())


def test_the_linear_view_has_values_as_they_are_but_for_one_factor(counts):
    design = BagTerms().fit(counts).design(counts).toarray()
    ratio = design[:3] / np.array(COUNTS)[:3, :2].clip(1e-9)
    np.testing.assert_allclose(ratio[design[:3] > 0], ratio[0, 0])
    assert np.square(design[:3]).sum(axis=1).mean() == pytest.approx(100)


def test_values_far_beyond_those_of_fit_do_not_count_more(counts):
    terms, far, further = BagTerms().fit(counts), counts * 100, counts * 1e6
    assert np.array_equal(terms.design(far).toarray(), terms.design(further).toarray())
    assert np.array_equal(terms.transform(far).toarray(), terms.transform(further).toarray())


def test_texts_are_tf_idf_for_the_linear_view():
    rows = [[(0, 1.0), (1, 1.0), (0, 1.0)], [(1, 1.0)], [(0, 1.0), (2, 1.0)], []]
    terms = BagTerms().fit(entries(rows), is_text=True)
    rarity = math.log(2 * 4 / (1 + 2))  # of both terms
    row = np.array([(1 + math.log(2)) * rarity, rarity])
    expected = [10 * row / np.linalg.norm(row), [0, 10], [10, 0], [0, 0]]
    np.testing.assert_allclose(terms.design(entries(rows)).toarray(), expected)


def test_many_terms_share_places(monkeypatch):
    monkeypatch.setattr(bags, "MOST_TERMS", 16)
    rng = np.random.default_rng(0)
    rows = csr_array(random_array((50, 200), density=0.2, rng=rng))
    terms = BagTerms().fit(rows)
    assert terms.is_hashed
    assert terms.transform(rows).shape == terms.design(rows).shape == (50, 16)
    assert np.array_equal(np.diff(terms.transform(rows).indptr), np.diff(rows.indptr))


def test_without_any_term_one_place_is_left_that_nothing_is_in():
    rows = csr_array(np.eye(3))
    terms = BagTerms().fit(rows)
    assert terms.n_terms == 1
    assert terms.transform(rows).nnz == terms.design(rows).nnz == 0


def test_bags_stand_beside_the_columns_of_the_linear_design(counts):
    columns = Columns(np.arange(4.0)[:, None], np.array([[2], [3], [2], [3]]), (counts,))
    terms = BagTerms().fit(counts)
    design = LinearDesign().fit(columns, bags=[terms])
    without = Columns(columns.numbers, columns.categories)
    expected = np.hstack([LinearDesign().fit(without).transform(without), terms.design(counts).toarray()])
    assert design.n_outputs == expected.shape[1]
    np.testing.assert_array_equal(design.transform(columns).toarray(), expected)


def merge(bag):
    n_rows = bag.shape[0]
    columns = Columns(np.empty((n_rows, 0)), np.empty((n_rows, 0), dtype=np.int64), (bag,))
    return merge_rows(columns, np.zeros((n_rows, 1)), np.ones((n_rows, 1), bool), np.ones((n_rows, 1)))


def test_equal_rows_of_a_bag_are_one_row():
    merged = merge(entries([[(1, 2.0), (3, 1.0)], [], [(1, 2.0), (3, 1.0)], [(1, 2.0)], []]))
    assert merged.inverse[0] == merged.inverse[2] != merged.inverse[3]
    assert merged.inverse[1] == merged.inverse[4]
    assert len(merged.first) == 3


def test_rows_with_the_same_entries_in_another_order_stay_apart():
    assert len(merge(entries([[(1, 2.0), (3, 1.0)], [(3, 1.0), (1, 2.0)]])).first) == 2


def test_a_row_is_hashed_alike_wherever_it_stands(monkeypatch):
    rows = csr_array(random_array((40, 9), density=0.3, rng=np.random.default_rng(0)))
    whole = merge(rows)
    monkeypatch.setattr("sklearn_mtl.encoding._rows._VALUES_AT_ONCE", 7)
    in_blocks = merge(rows)
    assert np.array_equal(whole.first, in_blocks.first)
    assert np.array_equal(merge(rows[::-1]).inverse[::-1], whole.inverse)


def test_the_forest_sees_the_terms_of_most_rows(monkeypatch):
    monkeypatch.setattr("sklearn_mtl.encoding._frequent._MOST_TERMS", 4)
    first = csr_array(np.array([[0, 1, 2, 3], [0, 1, 0, 1], [1, 1, 0, 0]], dtype=np.float32))
    second = csr_array(np.array([[1, 1, 1], [0, 1, 1], [0, 1, 0]], dtype=np.float32))
    dense = FrequentTerms([first, second]).transform([first, second])
    expected = np.hstack([first.toarray()[:, [1, 3]], second.toarray()[:, [1, 2]]])
    assert np.array_equal(dense, expected)
