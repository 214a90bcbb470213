from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from sklearn_mtl.encoding import BagTerms
from sklearn_mtl.training import _sparse as sparse
from sklearn_mtl.training import fit_linear_view, target_scales
from sklearn_mtl.training._batches import BagRows, FoldDataset


@pytest.fixture
def sparse_rows(make_rows):
    """Give the rows with a sparse design of the same values, and with a dense one."""

    def make(kinds):
        rows = make_rows(kinds, n_numbers=4)
        design = np.where(np.abs(rows.numbers) < 0.5, 0.0, rows.numbers).astype(float)
        return replace(rows, design=csr_array(design)), replace(rows, design=design)

    return make


def test_ridge_solves_the_normal_equations(sparse_rows, monkeypatch):
    monkeypatch.setattr(sparse, "SPARSE_RIDGE_STRENGTHS", np.array([30.0, 3.0]))
    monkeypatch.setattr(sparse, "_TOLERANCE", 1e-12)
    rows, dense = sparse_rows(("regression",))
    coefficients, intercept = sparse.sparse_ridge(rows, [0])
    solutions = {}
    for strength in (30.0, 3.0):
        errors, of_folds = 0.0, []
        for fold in range(rows.n_folds):
            weights = rows.weights[:, 0] * (rows.fold != fold)
            weights = weights / weights[weights > 0].mean()
            ones = np.column_stack([dense.design, np.ones(len(weights))])
            penalty = strength * np.diag([1.0] * 4 + [0.0])
            right = ones.T @ (weights * rows.values[:, 0])
            of_folds.append(np.linalg.solve(ones.T @ (weights[:, None] * ones) + penalty, right))
            held_out = rows.fold == fold
            residuals = ones[held_out] @ of_folds[-1] - rows.values[held_out, 0]
            errors += rows.weights[held_out, 0] @ residuals**2
        solutions[errors] = np.array(of_folds)
    best = solutions[min(solutions)]
    np.testing.assert_allclose(coefficients[..., 0], best[:, :-1], rtol=1e-6)
    np.testing.assert_allclose(intercept[:, 0], best[:, -1], rtol=1e-6)


def test_tasks_cut_into_groups_are_fitted_alike(sparse_rows, monkeypatch):
    rows, _ = sparse_rows(("regression", "regression", "binary", "multiclass"))
    rows.weights[:, 1] = rows.weights[:, 0]
    whole = fit_linear_view(rows)
    monkeypatch.setattr(sparse, "_MOST_FLOATS", 1)
    np.testing.assert_allclose(fit_linear_view(rows).coefficients[:, :2], whole.coefficients[:, :2])


@pytest.mark.parametrize("kinds", [("binary", "multiclass"), ("ordinal",), ("poisson",)])
def test_generalised_models_of_sparse_rows_are_those_of_dense_ones(sparse_rows, kinds):
    given, expected = map(fit_linear_view, sparse_rows(kinds))
    np.testing.assert_allclose(given.coefficients, expected.coefficients, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(given.out_of_fold, expected.out_of_fold, rtol=1e-4, atol=1e-5)


def test_gradients_of_products_are_those_of_finite_differences():
    rng = np.random.default_rng(0)
    matrix = csr_array(np.where(rng.random((5, 4)) < 0.5, 0.0, rng.normal(size=(5, 4))))
    parameters = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: sparse.sparse_product(given, matrix=matrix), parameters)
    torch.testing.assert_close(
        sparse.sparse_product(parameters, matrix=matrix), torch.from_numpy(matrix.toarray()) @ parameters
    )


def test_a_fold_learns_nothing_from_what_it_holds_out(sparse_rows, relabelled):
    rows, _ = sparse_rows(("regression",))
    matrix = sparse.with_ones(rows.design)
    solutions = []
    for given in (rows, relabelled(rows)):
        equations = sparse._NormalEquations(given, matrix, [0])
        solutions.append((equations.solve(3.0, np.zeros(equations.right.shape)), equations.centre))
    (one, its_centre), (other, other_centre) = solutions
    assert np.array_equal(one[:, 0], other[:, 0])
    assert np.array_equal(its_centre[0], other_centre[0])
    assert not np.array_equal(one[:, 1], other[:, 1])


def test_a_fold_without_labels_predicts_the_mean_of_the_others(sparse_rows):
    rows, _ = sparse_rows(("regression",))
    rows.weights[rows.fold != 0] = 0.0
    coefficients, intercept = sparse.sparse_ridge(rows, [0])
    assert not coefficients[0].any()
    expected = np.average(rows.values[:, 0], weights=rows.weights[:, 0])
    assert intercept[0, 0] == pytest.approx(expected)


@pytest.fixture
def bag():
    rng = np.random.default_rng(0)
    return csr_array(np.where(rng.random((60, 7)) < 0.6, 0.0, rng.random((60, 7))).astype(np.float32))


def test_a_batch_of_a_bag_gathers_the_entries_of_its_rows(bag):
    rows = torch.tensor([[3, 5, 3], [59, 0, 1]])
    batch = BagRows(bag, device="cpu")[rows]
    assert len(batch) == 2
    for place, row in enumerate(rows.flatten().tolist()):
        fold, column = divmod(place, 3)
        entries = slice(batch.starts[fold, column], batch.starts[fold, column + 1])
        expected = bag[[row]]
        assert batch.terms[entries].tolist() == expected.indices.tolist()
        assert batch.values[entries].tolist() == expected.data.tolist()
    assert batch.starts[1, 0] == batch.starts[0, -1]


def test_bags_are_trained_on(make_rows, bag, trained):
    rows = make_rows(("binary",), missing=0.0)
    signal = bag[:, [2]].toarray()[:, 0] > 0
    terms = BagTerms().fit(bag)
    rows = replace(
        rows,
        numbers=np.zeros((60, 0), np.float32),
        categories=rows.categories * 0,
        values=signal[:, None].astype(float),
        bags=(terms.transform(bag),),
        bag_scales=(terms.scale,),
    )
    net = trained(rows, max_epochs=40)
    assert net.least_loss_ < 0.5
    assert FoldDataset(rows, target_scales(rows), device="cpu").bags[0].terms.shape == (bag.nnz,)
