"""Sequences in X: arrays of three axes, and cells of a DataFrame."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_mtl import SequenceColumns
from sklearn_mtl.encoding import ColumnReader
from sklearn_mtl.inspection import global_importance

from .conftest import GUESSES, outputs

ENCODERS = ["none", "self_attention", "convolution", "recurrent"]
POOLINGS = ["attention", "top_k", "mean", "max", "strides", "hybrid"]


@pytest.fixture
def series():
    """Series of two channels, and numbers that follow from them; some of both are missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 12, 2))
    y = np.column_stack([X[:, :, 0].mean(1), X[:, 3, 1], X[:, -1, 0] - X[:, -1, 1]])
    y[rng.random(y.shape) < 0.2] = np.nan
    X[2, 4, 1] = X[3, 0, 0] = np.nan
    return X, y


def cells(X):
    """The same sequences as lists and arrays without their padding."""
    column = np.empty(len(X), dtype=object)
    for row, steps in enumerate(X):
        there = np.flatnonzero(~np.isnan(steps).all(axis=1))
        column[row] = None if not len(there) else steps[: there[-1] + 1]
        if row % 2 and column[row] is not None:
            column[row] = column[row].tolist()
    return column


@GUESSES
def test_an_array_of_three_axes_is_a_table_of_sequences(kind, series):
    X, y = series
    model = kind().fit(X, kind.labels(y))
    assert outputs(model, X[:5]).shape[0] == 5
    assert np.isfinite(outputs(model, X)).all()
    assert model.columns_.loc["x0", ["kind", "cardinality", "channels"]].tolist() == ["sequence", 12, 2]
    assert model.n_features_in_ == 1
    assert not hasattr(model, "feature_names_in_")
    np.testing.assert_allclose(model.attention_weights(X[:4]).sum(-1), 1, atol=1e-6)


def test_padded_arrays_and_cells_of_other_lengths_are_the_same(regressor, series):
    X, y = series
    X[10:20, 7:] = np.nan
    X[20] = np.nan
    of_array, frame = regressor().fit(X, y), pd.DataFrame({"x0": cells(X)})
    of_cells = regressor().fit(frame, y)
    np.testing.assert_array_equal(of_array.predict(X), of_cells.predict(frame))
    assert of_cells.columns_.loc["x0", "missing"] == 1 / 80


def test_a_prediction_does_not_depend_on_the_rows_beside_it(regressor, series):
    X, y = series
    X[10:20, 7:] = np.nan
    model = regressor(sequences=SequenceColumns(encoder="self_attention")).fit(X, y)
    alone = np.concatenate([model.predict(X[row : row + 1, :7]) for row in range(10, 20)])
    np.testing.assert_allclose(alone, model.predict(X)[10:20], rtol=0, atol=1e-9)


def test_the_order_of_the_training_rows_does_not_matter(regressor, series):
    X, y = series
    order = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_array_equal(
        regressor().fit(X, y).predict(X), regressor().fit(X[order], y[order]).predict(X)
    )


@GUESSES
def test_sequences_stand_beside_columns_of_all_other_kinds(kind, series):
    X, y = series
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "walk": cells(X),
            "number": X[:, 0, 1],
            "text": [" ".join(rng.choice(list("abcdefgh"), 4)) for _ in X],
            "colour": rng.choice(["red", "blue"], len(X)),
            "short": cells(X[:, :3, :1]),
        }
    )
    model = kind().fit(frame, kind.labels(y))
    kinds = ["sequence", "number", "text", "category", "sequence"]
    assert model.columns_["kind"].tolist() == kinds
    assert model.columns_["channels"].tolist() == [2, 0, 0, 0, 1]
    assert (model.columns_["tokens"] > 0).all()
    np.testing.assert_allclose(model.attention_weights(frame).sum(-1), 1, atol=1e-6)
    words = model.word_attention(frame.head(3))
    assert words.groupby(["row", "task"])["weight"].sum().to_numpy() == pytest.approx(1)
    assert set(words["column"]) == {"text"}
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(outputs(again, frame), outputs(model, frame))


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_encoder_and_pooling_learns(encoder, pooling, regressor, series):
    X, y = series
    options = SequenceColumns(encoder=encoder, pooling=pooling)
    fit = {"linear_view": False, "n_trees": 0, "max_epochs": 15, "learning_rate": 0.02, "d_hidden": 16}
    model = regressor(sequences=options, **fit).fit(X, y)
    first, best = model.history_["train_loss"].iloc[[0, -1]]
    assert best < first
    assert np.isfinite(model.predict(X)).all()
    tokens = 1 if pooling in ("mean", "max") else 8
    n_numbers = model._ensemble.preparation.active_numbers.size
    assert model.columns_.loc["x0", "tokens"] == n_numbers + tokens


def test_pipelines_searches_and_copies_have_them(regressor, series, tmp_path):
    X, y = series
    pipeline = make_pipeline(FunctionTransformer(np.negative), regressor(sequences=SequenceColumns()))
    grid = {"multitaskattentionregressor__sequences__encoder": ["none", "convolution"]}
    search = GridSearchCV(pipeline, grid, cv=KFold(2), error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_
    joblib.dump(best, tmp_path / "model")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model").predict(X), best.predict(X))
    assert clone(best[-1]).sequences.get_params() == best[-1].sequences.get_params()


@pytest.fixture
def drifting():
    """Windows of walks, and the three values that follow them; those of the test are at another level."""
    rng = np.random.default_rng(0)
    walks = 0.3 * rng.normal(size=(140, 13)).cumsum(axis=1) + 3 * rng.normal(size=(140, 1))
    walks[100:] += 20
    return walks[:, :10, None], walks[:, 10:]


def test_tasks_that_continue_a_channel_are_learned_relative_to_its_last_value(regressor, drifting):
    X, y = drifting
    apart = np.column_stack([y, np.random.default_rng(1).normal(size=140)])
    model = regressor(linear_view=False).fit(X[:100], apart[:100])
    assert model.tasks_["continues"].iloc[:3].tolist() == ["x0", "x0", "x0"]
    assert pd.isna(model.tasks_["continues"].iloc[3])
    errors = ((model.predict(X[100:])[:, :3] - y[100:]) ** 2).mean()
    absolute = regressor(linear_view=False, sequences=SequenceColumns(relative_labels=False))
    absolute.fit(X[:100], y[:100])
    assert "continues" not in absolute.tasks_
    assert errors < 1
    assert ((absolute.predict(X[100:]) - y[100:]) ** 2).mean() > 50
    out_of_fold = ((model.oof_prediction_[:, :3] - y[:100]) ** 2).mean()
    assert out_of_fold < 1
    lower, upper = np.moveaxis(model.predict_interval(X[100:], coverage=0.8), -1, 0)[:, :, :3]
    assert ((lower <= y[100:]) & (y[100:] <= upper)).mean() > 0.6


def test_a_missing_sequence_has_the_middle_of_the_last_values_to_continue(regressor, drifting):
    X, y = drifting
    X[:10] = np.nan
    y[5:] += 100
    X[5:] += 100
    model = regressor().fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert abs(model.predict(X[:1]) - np.median(y)).max() < 30


def test_quantiles_continue_a_channel_too(regressor, drifting):
    X, y = drifting
    model = regressor(loss=("quantile", (0.1, 0.5, 0.9))).fit(X[:100], y[:100, 0])
    below = (y[100:, 0] < model.predict_quantiles(X[100:])[:, 1]).mean()
    assert 0.1 < below < 0.9


def test_counts_and_transformed_labels_are_left_as_they_are(regressor, drifting):
    X, y = drifting
    assert "continues" not in regressor(target_transform="yeo-johnson").fit(X, y).tasks_


def test_later_steps_may_be_missing_in_predict(regressor, series):
    X, y = series
    model = regressor().fit(X, y)
    assert np.isfinite(model.predict(X[:, :4])).all()
    assert np.isfinite(model.predict(np.full((2, 5, 2), np.nan))).all()


def test_what_is_no_sequence_is_refused_before_training(regressor, series):
    X, y = series
    frame = pd.DataFrame({"walk": cells(X)})
    frame.at[7, "walk"] = [[1.0, 2.0, 3.0]]
    with pytest.raises(
        ValueError, match="Regressor: column 'walk' has a sequence of 3 channels in row 7, others have 2"
    ):
        regressor().fit(frame, y)
    model = regressor().fit(X, y)
    with pytest.raises(ValueError, match="column 'x0' has a sequence of 1 channels in row 0"):
        model.predict(X[:, :, :1])
    with pytest.raises(ValueError, match="X has 4 axes"):
        regressor().fit(X[..., None], y)
    with pytest.raises(ValueError, match="has no sequence with any step"):
        regressor().fit(np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="X has three axes"):
        regressor(sequences=None).fit(X, y)
    with pytest.raises(ValueError, match=r"'pooling' parameter of .*sequences=SequenceColumns must be"):
        regressor(sequences=SequenceColumns(pooling="last")).fit(X, y)
    with pytest.raises(ValueError, match="there are sequences; use"):
        global_importance(model, X, method="gradient")


def test_sequences_that_are_cut_are_told(regressor, series, capsys):
    X, y = series
    regressor(verbose=1, sequences=SequenceColumns(max_length=5)).fit(X, y)
    assert "column 'x0' has longer sequences; of these the last 5 steps are read" in capsys.readouterr().out


def test_without_the_option_lists_are_categories(regressor):
    X = pd.DataFrame({"a": [[1, 2], [1, 2], [3], [3]] * 5})
    model = regressor(sequences=None).fit(X, np.arange(20.0))
    assert model.columns_.loc["a", "kind"] == "category"
    assert ColumnReader().fit(X, owner="Est").columns_[0].kind == "category"


def test_attention_to_steps_sums_to_one_over_those_that_are_there(kind, series):
    X, y = series
    X[1, 7:] = np.nan
    X[2] = np.nan
    frame = pd.DataFrame({"walk": cells(X), "number": X[:, 0, 0]}, index=range(10, 90))
    model = kind(sequences=SequenceColumns(pooling="top_k", top_k=3)).fit(frame, kind.labels(y))
    attention = model.step_attention(frame.head(3))
    assert attention.columns.tolist() == ["row", "column", "task", "step", "weight"]
    by_row = attention.groupby(["row", "task"])["weight"]
    assert by_row.sum().to_numpy() == pytest.approx(1)
    assert by_row.size().unstack()[model.task_names_[0]].to_dict() == {10: 12, 11: 7}
    assert attention.loc[attention["row"] == 11, "step"].unique().tolist() == [*range(-7, 0)]
    with pytest.raises(ValueError, match="no column was read as a sequence"):
        kind().fit(frame[["number"]], kind.labels(y)).step_attention(frame[["number"]])


def test_the_last_step_has_the_attention_of_a_task_that_is_all_about_it(regressor):
    X = np.random.default_rng(0).normal(size=(300, 8, 1))
    y = 3 * X[:, -1]
    fit = {"linear_view": False, "n_trees": 0, "max_epochs": 40, "learning_rate": 0.02, "d_token": 8}
    options = SequenceColumns(relative_labels=False)
    model = regressor(sequences=options, **fit).fit(X, y)
    by_step = model.step_attention(X).groupby("step")["weight"].mean()
    assert by_step[-1] > 1.5 / 8


def test_tasks_that_continue_a_channel_can_be_learned_alone_too(regressor, drifting):
    X, y = drifting
    model = regressor(sharing="each").fit(X[:100], y[:100])
    assert model.transfer_["alone"].notna().all()
    assert ((model.predict(X[100:]) - y[100:]) ** 2).mean() < 1


def test_permutation_importance_of_three_axes_is_that_of_one_column(regressor, drifting):
    X, y = drifting
    importance = global_importance(regressor().fit(X, y), X, y, method="permutation")
    assert importance.shape == (3, 1)
    assert (importance > 0.5).all(axis=None)


def test_sequences_stand_beside_many_sparse_columns(regressor, series):
    X, y = series
    counts = np.random.default_rng(0).random((len(X), 600))
    wide = pd.DataFrame(np.where(counts < 0.05, counts, 0.0)).add_prefix("n")
    wide.insert(0, "walk", pd.Series(cells(X)))
    model = regressor().fit(wide, y)
    assert model.columns_["kind"].value_counts().to_dict() == {"sequence": 1, "sparse": 1}
    sums = [of_task.sum(axis=1) for of_task in model.attention_weights(wide)]
    np.testing.assert_allclose(sums, 1, atol=1e-6)
    assert set(model.step_attention(wide[:3])["column"]) == {"walk"}
