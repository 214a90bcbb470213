import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import r2_score

from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.inspection import global_importance

METHODS = ["attention", "permutation", "gradient"]


@pytest.mark.parametrize("method", METHODS)
def test_tasks_by_columns(hospital_model, hospital, method):
    importance = global_importance(hospital_model, *hospital, method=method, n_repeats=2, random_state=0)
    assert importance.index.tolist() == ["days", "ill", "size"]
    assert importance.columns.tolist() == hospital[0].columns.tolist()
    assert (importance["same"] == 0).all()


@pytest.mark.parametrize("method", ["permutation", "gradient"])
def test_each_task_depends_on_its_column(hospital_model, hospital, method):
    importance = global_importance(hospital_model, *hospital, method=method, n_repeats=3, random_state=0)
    assert importance.idxmax(axis="columns").tolist() == ["a", "ward", "b"]


def test_attention_is_the_mean_over_rows(hospital_model, hospital):
    importance = global_importance(hospital_model, hospital[0])
    np.testing.assert_allclose(importance, hospital_model.attention_weights(hospital[0]).mean(axis=0))
    np.testing.assert_allclose(importance.sum(axis="columns"), 1)


def test_attention_of_views_has_the_mean_of_all(hospital_model, hospital):
    X = hospital[0][:7]
    of_views = hospital_model.attention_weights(X, per_view=True)
    assert of_views.shape == (7, hospital_model.n_folds_ * hospital_model.n_views_, 3, 5)
    np.testing.assert_allclose(of_views.sum(axis=-1), 1)
    np.testing.assert_allclose(of_views.mean(axis=1), hospital_model.attention_weights(X))
    assert of_views.std(axis=1).max() > 1e-3


def test_permutation_is_the_loss_of_score_over_shuffles(hospital_regressor, hospital):
    X, y = hospital[0], hospital[1][["days"]].assign(twice=2 * hospital[1]["days"])
    seen = y["days"].notna().to_numpy()
    X, y = X[seen], y[seen]
    importance = global_importance(
        hospital_regressor, X, y, method="permutation", n_repeats=1, random_state=3
    )

    def score(inputs):
        return r2_score(y["days"], hospital_regressor.predict(inputs)[:, 0])

    losses = []
    for seed in range(20):
        shuffled = X.assign(a=np.random.default_rng(seed).permutation(X["a"].to_numpy()))
        losses.append(score(X) - score(shuffled))
    assert abs(importance.loc["days", "a"] - np.mean(losses)) < 4 * np.std(losses)
    assert importance.loc["twice", "a"] == pytest.approx(importance.loc["days", "a"], rel=0.05)


def test_labels_of_other_orders_and_arrays_are_matched(hospital_model, hospital):
    X, y = hospital
    options = {"method": "permutation", "n_repeats": 1, "random_state": 0}
    swapped = global_importance(hospital_model, X, y[["size", "days", "ill"]], **options)
    pd.testing.assert_frame_equal(swapped, global_importance(hospital_model, X, y, **options))


def test_gradients_are_differences_of_outputs(hospital_regressor, hospital):
    """Of a token on its way to the mean one, in float64, against finite differences."""
    ensemble = hospital_regressor._ensemble
    module = ensemble._serving(5).module
    numbers, categories = ensemble.preparation.network_inputs(
        hospital_regressor._read_columns(hospital[0][:5])
    )
    numbers, categories = torch.from_numpy(numbers).double()[None], torch.from_numpy(categories)[None]
    effects = module.column_effects(numbers, categories)  # (B, O, C)
    with torch.no_grad():
        tokens = module.tokens(numbers, categories)
        step, column = 1e-6, 2
        moved = tokens.clone()
        moved[:, column] += step * (tokens[:, column] - tokens[:, column].mean(1, keepdim=True))
        outputs = [
            module.heads(*module.network(*module.attention(t), None)).mean((0, 2)) for t in (tokens, moved)
        ]
    difference = ((outputs[1] - outputs[0]) / step).abs()
    np.testing.assert_allclose(effects[:, :, column], difference, rtol=1e-4, atol=1e-8)


def test_many_rows_are_sampled_for_gradients(hospital_regressor, hospital):
    X = hospital[0]
    many = pd.concat([X] * 9, ignore_index=True)
    few = global_importance(hospital_regressor, X, method="gradient")
    np.testing.assert_allclose(
        global_importance(hospital_regressor, many, method="gradient"), few, rtol=0.2, atol=0.02
    )


def test_one_axis_of_labels_is_one_task(hospital):
    X, y = hospital[0][["a", "b"]], hospital[0]["a"].rename("days")
    model = MultiTaskAttentionRegressor(n_folds=2, max_epochs=2, n_trees=0, random_state=0).fit(X, y)
    for method in METHODS:
        importance = global_importance(model, X, y, method=method, n_repeats=1)
        assert importance.index.tolist() == ["days"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"method": "magic"}, "method is 'magic'"), ({"method": "permutation"}, "y is None")],
)
def test_what_cannot_be_measured_is_refused(hospital_regressor, hospital, options, message):
    with pytest.raises(ValueError, match=message):
        global_importance(hospital_regressor, hospital[0], **options)
