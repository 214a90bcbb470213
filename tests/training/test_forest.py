import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.tree import ExtraTreeRegressor

from sklearn_mtl.nn import OutputLayout
from sklearn_mtl.training import _forest as forest
from sklearn_mtl.training import fit_forest_view, target_scales


def fit(rows, *, n_trees=12, seed=0):
    return fit_forest_view(rows, target_scales(rows), n_trees=n_trees, seed=seed)


def same(view, other, outputs=slice(None)):
    """Whether two views have the same bits in these outputs."""
    return np.array_equal(view.out_of_fold[:, outputs], other.out_of_fold[:, outputs]) and np.array_equal(
        view.trees.values[:, outputs], other.trees.values[:, outputs]
    )


def grown_on(rows, fold=0, n_trees=1):
    of_fold = forest._Fold(rows, target_scales(rows), fold)
    return of_fold, forest._grow(of_fold, n_trees, forest._Columns(rows, 0), np.random.SeedSequence(0))


def loop_reference(rows, fold, tree, strength):
    """Shrink node by node; a dict from leaves to values, (O,)."""
    values, weights = (labels.T for labels in fold.labels(tree.rows))
    inputs = forest._inputs(rows.numbers[tree.rows], rows.categories[tree.rows])
    leaves = {}

    def visit(node, inside, n_parent, mean_parent, value_parent):
        mean, value, n = mean_parent.copy(), value_parent.copy(), np.zeros(len(mean_parent))
        for output, task in enumerate(fold.task_of):
            n[output] = sum(weights[row, task] for row in inside)
            if n[output] > 0:
                total = sum(weights[row, task] * values[row, output] for row in inside)
                mean[output] = total / n[output]
                shrinkage = 1 + strength[task] / n_parent[output]
                value[output] += (mean[output] - mean_parent[output]) / shrinkage
        left = tree.left[node]
        if left == node:
            leaves[node] = value
            return
        goes_left = inputs[inside, tree.column[node]] <= tree.threshold[node]
        visit(left, inside[goes_left], n, mean, value)
        visit(left + 1, inside[~goes_left], n, mean, value)

    visit(0, np.arange(len(tree.rows)), np.full(len(fold.base), np.inf), fold.base, fold.base)
    return leaves


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.9])
def test_values_of_leaves_are_those_of_a_recursion(missing, make_rows):
    rows = make_rows(missing=missing)
    fold, (tree,) = grown_on(rows)
    strength = np.array([0.0, 3.0, 40.0])
    values = forest._leaf_values(tree, fold, *forest._measured(tree, fold, fold.labels(tree.rows)), strength)
    expected = loop_reference(rows, fold, tree, strength)
    assert sorted(expected) == tree.leaves.tolist()
    assert len(expected) > (10 if missing < 0.9 else 4)
    for leaf, value in zip(tree.leaves, values.T, strict=True):
        np.testing.assert_allclose(value, expected[leaf], rtol=1e-10, atol=1e-12)


def test_a_task_without_labels_in_a_fold_gets_its_base(make_rows):
    rows = make_rows(["regression", "binary", "multiclass"])
    rows.weights[rows.fold != 0] = 0.0
    view, scales = fit(rows), target_scales(rows)
    held_out = rows.held_out(0)
    np.testing.assert_allclose(view.out_of_fold[held_out, 0], scales.mean[0, 0])
    np.testing.assert_allclose(view.out_of_fold[held_out, 1], 0.5)
    np.testing.assert_allclose(view.out_of_fold[held_out, 2:], 1 / 3)


def test_unshrunk_trees_predict_as_those_of_scikit_learn(make_rows, monkeypatch):
    monkeypatch.setattr(forest, "STRENGTHS", (0.0,))
    rows = make_rows(["regression"], missing=0.0, n_rows=200)
    rows.numbers[::7, 1] = np.nan
    fitted = []

    class Kept(ExtraTreeRegressor):
        def fit(self, *args, **options):
            fitted.append(super().fit(*args, **options))
            return self

    monkeypatch.setattr(forest, "ExtraTreeRegressor", Kept)
    view, scales = fit(rows, n_trees=6), target_scales(rows)
    inputs = np.hstack([np.nan_to_num(rows.numbers, nan=-4.0), rows.categories]).astype(np.float32)
    predicted = 0.0
    for place, tree in enumerate(fitted):
        fold = place // 2
        # scikit-learn has grown them on standardised numbers, scaled by a positive factor.
        train = rows.trained_on(fold)
        standardised = (rows.values[train, 0] - scales.mean[fold, 0]) / scales.deviation[fold, 0]
        factor = np.linalg.lstsq(tree.predict(inputs[train])[:, None], standardised)[0]
        predicted = predicted + factor * tree.predict(inputs) * scales.deviation[fold, 0]
        predicted = predicted + scales.mean[fold, 0]
    # It has seen them rounded to float32.
    np.testing.assert_allclose(view.predict(rows.numbers, rows.categories)[:, 0], predicted / 6, atol=1e-5)


def test_one_row_many_rows_and_their_order_give_the_same_bits(make_rows, monkeypatch):
    rows = make_rows(n_rows=300)
    rows.numbers[::5, 0] = np.nan
    view = fit(rows, n_trees=30)
    expected = view.predict(rows.numbers, rows.categories)
    order = np.random.default_rng(0).permutation(300)
    assert np.array_equal(view.predict(rows.numbers[order], rows.categories[order]), expected[order])
    for n_rows in (1, 7, 64):
        given = view.predict(rows.numbers[:n_rows], rows.categories[:n_rows])
        assert np.array_equal(given, expected[:n_rows])
    monkeypatch.setattr(forest, "_BLOCK_ROWS", 90)
    assert np.array_equal(view.predict(rows.numbers, rows.categories), expected)
    assert view.predict(rows.numbers[:0], rows.categories[:0]).shape == (0, 5)


def test_one_output_of_one_row_has_the_bits_of_many_rows(make_rows):
    rows = make_rows(["regression"], n_rows=300)
    view = fit(rows, n_trees=300)
    expected = view.predict(rows.numbers, rows.categories)
    for row in range(0, 300, 10):
        one = slice(row, row + 1)
        assert np.array_equal(view.predict(rows.numbers[one], rows.categories[one]), expected[one])


def test_probabilities_are_a_simplex(make_rows):
    rows = make_rows(["binary", "multiclass", "binary"], n_rows=400)
    view = fit(rows, n_trees=40)
    for predicted in (view.out_of_fold, view.predict(rows.numbers, rows.categories), view.trees.values):
        assert predicted.min() >= 0
        assert predicted.max() <= 1
        np.testing.assert_allclose(predicted[:, 1:4].sum(axis=1), 1.0, rtol=1e-12)


def test_held_out_labels_have_no_influence_on_their_fold(make_rows, relabelled, monkeypatch):
    monkeypatch.setattr(forest, "STRENGTHS", (3.0,))
    rows = make_rows(n_rows=90)
    before, after = fit(rows), fit(relabelled(rows))
    held_out = rows.held_out(0)
    assert np.array_equal(before.out_of_fold[held_out], after.out_of_fold[held_out])
    others = rows.fold != 0
    assert (np.abs(before.out_of_fold - after.out_of_fold)[others].max(axis=0) > 0.05).all()


def test_missing_labels_have_no_influence(make_rows):
    rows = make_rows()
    other = replace(rows, values=np.where(rows.weights > 0, rows.values, 1.0))
    assert not np.array_equal(rows.values, other.values)
    assert same(fit(rows), fit(other))


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_a_task_without_weight_changes_nothing_for_the_others(kind, make_rows):
    rows = replace(make_rows([kind, "regression"]), task_weight=np.array([1.0, 0.0]))
    rows.weights[:5, 0] = 0.0  # rows that only the other task labels
    relabelled = replace(rows, values=rows.values * [1, -2] + [0, 5], weights=rows.weights[::-1] * [0, 3])
    relabelled.weights[:, 0] = rows.weights[:, 0]
    alone = replace(
        rows,
        values=rows.values[:, :1],
        weights=rows.weights[:, :1],
        task_weight=np.ones(1),
        layout=OutputLayout([kind], [1]),
    )
    expected = fit(alone)
    assert same(fit(rows), expected, slice(1))
    assert same(fit(relabelled), expected, slice(1))


def test_weights_of_tasks_decide_what_trees_are_grown_on(make_rows):
    rows = make_rows(["regression", "regression"], n_rows=300, missing=0.0)
    rows.values[:, 1] = rows.numbers[:, 1] * 2
    errors = []
    for weight in (0.01, 1.0, 100.0):
        view = fit(replace(rows, task_weight=np.array([1.0, weight])))
        errors.append(((view.out_of_fold[:, 1] - rows.values[:, 1]) ** 2).mean())
    assert errors[0] > errors[1] > errors[2]


def test_scales_of_labels_weights_and_task_weights_do_not_matter(make_rows):
    rows = make_rows(["regression", "binary"])
    scaled = replace(
        rows,
        values=rows.values * [1024, 1],
        weights=rows.weights * [4, 0.5],
        task_weight=rows.task_weight * 8,
    )
    view, other = fit(rows), fit(scaled)
    np.testing.assert_allclose(other.out_of_fold, view.out_of_fold * [1024, 1], rtol=1e-9)


@pytest.mark.parametrize(("n_trees", "expected"), [(1, 3), (12, 12), (14, 12)])
def test_trees_are_shared_out_to_folds(n_trees, expected, make_rows):
    view = fit(make_rows(), n_trees=n_trees)
    assert len(view.trees.first) - 1 == expected


def test_out_of_fold_rows_are_predicted_by_the_trees_of_their_fold(make_rows):
    rows = make_rows(n_rows=100)
    view = fit(rows, n_trees=9)
    trees = view.trees
    for fold in range(3):
        held_out = rows.held_out(fold)
        alone = replace(trees, first=trees.first[3 * fold : 3 * fold + 4])
        predicted = alone.predict(rows.numbers[held_out], rows.categories[held_out])
        assert np.array_equal(predicted, view.out_of_fold[held_out])


def test_noise_is_shrunk_and_a_clean_signal_is_not(make_rows):
    rows = make_rows(["regression", "regression", "binary", "binary"], n_rows=400, missing=0.1)
    rng = np.random.default_rng(1)
    rows.values[:, 0], rows.values[:, 2] = rng.normal(size=400), rng.integers(0, 2, 400)
    rows.values[:, 1], rows.values[:, 3] = rows.numbers[:, 0] * 5, rows.numbers[:, 0] > 0
    strength = fit(rows, n_trees=60).strength
    assert (strength[[0, 2]] >= 30).all()
    assert (strength[[1, 3]] == 0).all()


def test_errors_are_those_expected_of_all_trees(make_rows):
    rows = make_rows(["regression", "binary", "multiclass"], n_rows=400)
    rows.values[:, 0] += np.random.default_rng(0).normal(size=400) * 6
    fold, grown = grown_on(rows, n_trees=160)
    expected = [forest._errors(fold, grown[8 * part : 8 * part + 8], 160) for part in range(20)]
    uncorrected = [forest._errors(fold, grown[8 * part : 8 * part + 8], 8) for part in range(20)]
    for place, strength in enumerate(forest.STRENGTHS):
        trees = forest._shrunk(fold, grown, np.full(3, strength))
        compared = forest._compared_rows(fold)
        predicted = trees.predict(rows.numbers[compared], rows.categories[compared])
        labels = fold.labels(compared)[0].T * fold.deviation + fold.mean
        squares = rows.weights[compared][:, fold.task_of] * (predicted - labels) ** 2
        errors = np.array([squares[:, 0].sum(), squares[:, 1].sum(), squares[:, 2:].sum()])
        np.testing.assert_allclose(np.mean(expected, axis=0)[place], errors, rtol=0.02)
        assert strength > 0 or (np.mean(uncorrected, axis=0)[place] > 1.05 * errors).all()


def test_many_outputs_are_mixed_differently_for_each_tree(make_rows, monkeypatch):
    rows = make_rows(["regression"] * 12)
    seen = []

    class Spy(ExtraTreeRegressor):
        def fit(self, inputs, targets, *args, **options):
            seen.append(targets)
            return super().fit(inputs, targets, *args, **options)

    monkeypatch.setattr(forest, "ExtraTreeRegressor", Spy)
    fit(rows, n_trees=6)
    assert [targets.shape[1] for targets in seen] == [8] * 6
    assert not np.allclose(seen[0], seen[1])


def test_trees_of_many_rows_each_draw_some(make_rows, monkeypatch):
    monkeypatch.setattr(forest, "_MOST_ROWS", 50)
    rows = make_rows(n_rows=300)
    _, grown = grown_on(rows, n_trees=3)
    train = set(rows.trained_on(0))
    for tree in grown:
        assert len(tree.rows) == 50
        assert (np.diff(tree.rows) > 0).all()
        assert set(tree.rows) <= train
    assert not np.array_equal(grown[0].rows, grown[1].rows)
    assert fit(rows).out_of_fold.shape == (300, 5)


def test_leaves_of_large_tables_are_larger(make_rows, monkeypatch):
    monkeypatch.setattr(forest, "_MOST_LEAVES", 20)
    _, (tree,) = grown_on(make_rows(n_rows=300))
    assert np.bincount(tree.reached)[tree.leaves].min() >= len(tree.rows) / 20


def test_some_of_many_held_out_rows_are_compared(make_rows, monkeypatch):
    rows = make_rows(n_rows=300)
    rows.weights[:100] = 0.0
    fold, _ = grown_on(rows)
    labelled = np.flatnonzero((rows.fold == 0) & rows.weights.any(axis=1))
    assert np.array_equal(forest._compared_rows(fold), labelled)
    monkeypatch.setattr(forest, "_MOST_COMPARED_FLOATS", 20 * 5 * len(forest.STRENGTHS))
    drawn = forest._compared_rows(fold)
    assert len(drawn) == 20
    assert set(drawn) <= set(labelled)


def test_rounding_down_keeps_every_float32_on_its_side():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=1000).astype(np.float32)
    thresholds = numbers.astype(np.float64) + rng.choice([-1e-9, 0, 1e-9], 1000)
    rounded = forest._rounded_down(thresholds)
    for shift in (-np.inf, 0, np.inf):
        near = numbers if shift == 0 else np.nextafter(numbers, np.float32(shift))
        assert np.array_equal(near <= rounded, near <= thresholds)


def test_a_table_without_columns_is_predicted_by_means(make_rows):
    rows = make_rows(["regression"], missing=0.0)
    empty = replace(rows, numbers=rows.numbers[:, :0], categories=rows.categories[:, :0])
    view, scales = fit(empty), target_scales(rows)
    np.testing.assert_allclose(view.predict(empty.numbers, empty.categories), scales.mean.mean())


def test_the_seed_decides_alone(make_rows):
    rows = make_rows()
    state = np.random.get_state()[1].copy()  # noqa: NPY002  the global state is the point
    view, again, other = fit(rows, seed=3), fit(rows, seed=3), fit(rows, seed=4)
    assert same(view, again)
    assert not np.array_equal(view.out_of_fold, other.out_of_fold)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002  the global state is the point


def test_a_view_can_be_pickled(make_rows):
    rows = make_rows()
    view = fit(rows)
    loaded = pickle.loads(pickle.dumps(view))
    expected = view.predict(rows.numbers, rows.categories)
    assert np.array_equal(loaded.predict(rows.numbers, rows.categories), expected)


def test_neither_rows_nor_scales_are_changed(make_rows):
    rows = make_rows()
    scales = target_scales(rows)
    before = pickle.dumps((rows, scales))
    fit_forest_view(rows, scales, n_trees=6, seed=0)
    assert pickle.dumps((rows, scales)) == before


def test_means_are_moved_to_quantiles_and_medians(make_rows):
    rows = make_rows(["quantile", "absolute_error", "regression"], n_rows=300, missing=0.0)
    view = fit(rows)
    quantiles = view.out_of_fold[:, :3]
    assert (np.diff(quantiles, axis=1) > 0).all()
    np.testing.assert_allclose((rows.values[:, :1] <= quantiles).mean(axis=0), [0.1, 0.5, 0.9], atol=0.05)
    assert (rows.values[:, 1] <= view.out_of_fold[:, 3]).mean() == pytest.approx(0.5, abs=0.05)
    served = view.predict(rows.numbers, rows.categories)
    assert (np.diff(served[:, :3], axis=1) > 0).all()


def test_rates_are_positive_where_nothing_was_counted(make_rows):
    rows = make_rows(["poisson"], n_rows=200, missing=0.0)
    rows.values[:, 0] = np.where(rows.numbers[:, 0] > 0.5, 3.0, 0.0)
    view = fit(rows)
    least = 1e-3 * target_scales(rows).deviation.min()
    assert view.out_of_fold.min() == pytest.approx(least, rel=1.0)
    assert view.predict(rows.numbers, rows.categories).min() >= least


def test_ordered_classes_are_averaged_like_others(make_rows):
    ordered, others = make_rows(["ordinal"]), make_rows(["multiclass"])
    np.testing.assert_allclose(fit(ordered).out_of_fold, fit(others).out_of_fold, atol=1e-6)


@pytest.mark.parametrize("n_groups", [1, 3])
def test_the_deviation_is_that_of_single_trees_within_their_groups(make_rows, n_groups):
    rows = make_rows()
    forest = fit_forest_view(rows, target_scales(rows), n_trees=12, seed=0)
    trees = forest.trees
    each = np.stack(
        [
            replace(trees, first=trees.first[place : place + 2]).predict(rows.numbers, rows.categories)
            for place in range(12)
        ]
    )
    groups = each.reshape(n_groups, -1, *each.shape[1:])
    expected = groups.std(axis=1, ddof=1).mean(axis=0)
    deviation = trees.deviation(rows.numbers, rows.categories, n_groups=n_groups)
    np.testing.assert_allclose(deviation, expected, rtol=1e-9, atol=1e-12)


def test_the_spread_of_a_training_row_is_that_of_its_fold(make_rows):
    rows = make_rows()
    forest = fit_forest_view(rows, target_scales(rows), n_trees=12, seed=0)
    first = forest.trees.first
    for fold in range(3):
        held_out = rows.held_out(fold)
        its_trees = replace(forest.trees, first=first[4 * fold : 4 * fold + 5])
        spread = its_trees.deviation(rows.numbers[held_out], rows.categories[held_out])
        np.testing.assert_allclose(forest.spread[held_out], spread, rtol=1e-9, atol=1e-12)


def test_beside_other_columns_a_tree_sees_some_of_the_terms(make_rows):
    rng = np.random.default_rng(0)
    rows = make_rows(n_numbers=300)
    columns = forest._Columns(rows, 280)
    draws = [columns.draw(rng) for _ in range(50)]
    others = np.setdiff1d(np.arange(300 + rows.categories.shape[1]), np.arange(20, 300))
    assert not columns.are_all
    assert all(len(drawn) == len(others) + 128 and np.isin(others, drawn).all() for drawn in draws)
    assert len(np.unique(np.concatenate(draws))) == 300 + rows.categories.shape[1]
    assert forest._Columns(rows, 100).are_all  # no more than a tree would see
    assert forest._Columns(rows, 295).are_all  # of few others, which texts are not beside


def test_terms_beside_the_others_are_found_by_their_place(make_rows):
    rows = make_rows(["regression"], n_numbers=300, n_rows=80)
    numbers = rows.numbers.copy()
    numbers[:, 20:] = 0.0  # what is not seen and what says nothing
    rows = replace(
        rows, numbers=numbers, values=10 * numbers[:, [3]].astype(np.float64), weights=np.ones((80, 1))
    )
    view = fit_forest_view(rows, target_scales(rows), n_trees=12, seed=0, n_terms=280)
    assert np.isin(view.trees.column, np.append(np.arange(20), 300)).all()
    error = (view.out_of_fold[:, 0] - rows.values[:, 0]) ** 2
    assert error.mean() < 0.5 * rows.values.var()
