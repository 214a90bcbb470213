"""Groups of rows that are held out together."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.model_selection import GroupKFold, cross_validate

from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor
from sklearn_mtl.encoding import Columns, merge_rows
from sklearn_mtl.estimators._groups import joined_groups, read_groups

SMALL = {"d_hidden": 8, "max_epochs": 2, "n_trees": 4, "random_state": 0}


@pytest.fixture
def patients():
    """120 rows of 30 patients, who can be recognised by three columns that say nothing of new patients."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 4)
    level = rng.normal(size=30)[groups]
    X = rng.normal(size=(30, 3))[groups] + rng.normal(scale=0.01, size=(120, 3))
    return X, np.column_stack([level, -level]), groups


def test_out_of_fold_scores_are_about_new_groups(patients):
    X, y, groups = patients
    model = MultiTaskAttentionRegressor(n_folds=4, n_trees=50, max_epochs=5, d_hidden=16, random_state=0)
    of_rows = model.fit(X, y).oof_task_scores_.iloc[0]
    of_groups = model.fit(X, y, groups=groups).oof_task_scores_.iloc[0]
    assert of_rows > 0.6
    assert of_groups < 0.2


def test_names_of_groups_and_order_of_rows_do_not_matter(patients):
    X, y, groups = patients
    model = MultiTaskAttentionRegressor(n_folds=3, **SMALL)
    expected = model.fit(X, y, groups=groups).predict(X)
    names = pd.Series([f"patient {(7 * number) % 30}" for number in groups])
    assert np.array_equal(model.fit(X, y, groups=names).predict(X), expected)
    order = np.random.default_rng(1).permutation(len(X))
    model.fit(X[order], y[order], groups=groups[order])
    assert np.array_equal(model.predict(X), expected)


def test_a_group_for_each_row_is_as_no_groups(patients):
    X, y, _ = patients
    model = MultiTaskAttentionRegressor(n_folds=3, **SMALL)
    expected = model.fit(X, y).oof_prediction_
    assert np.array_equal(model.fit(X, y, groups=np.arange(len(X))).oof_prediction_, expected)


def test_there_are_no_more_folds_than_groups(patients):
    X, y, groups = patients
    model = MultiTaskAttentionRegressor(**SMALL).fit(X, y, groups=groups % 3)
    assert model.n_folds_ == 3


def test_groups_that_share_an_x_are_one():
    X = np.array([[0.0], [1.0], [1.0], [2.0], [3.0]])
    y = np.arange(5.0)[:, None]
    columns = Columns(X, np.empty((5, 0), dtype=np.int64))
    merged = merge_rows(columns, y, np.ones_like(y, dtype=bool), np.ones_like(y))
    joined = joined_groups(merged, np.array([0, 0, 1, 1, 2]))[merged.inverse]
    assert len(set(joined[:4])) == 1
    assert joined[4] not in joined[:4]


def test_rows_without_labels_join_nothing():
    X = np.array([[0.0], [1.0], [1.0]])
    y = np.array([[1.0], [2.0], [0.0]])
    observed = np.array([[True], [True], [False]])
    columns = Columns(X, np.empty((3, 0), dtype=np.int64))
    merged = merge_rows(columns, y, observed, observed.astype(float))
    joined = joined_groups(merged, np.array([0, 1, 0]))
    assert len(set(joined)) == 2


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros(120), r"groups has one group in 120 rows.*at least 2"),
        (np.arange(119), r"groups has the shape \(119,\); expected one group a row, \(120,\)"),
        (np.zeros((120, 2)), r"groups has the shape \(120, 2\)"),
        ([None, *range(119)], r"groups is missing in row 0; name the group of each row"),
    ],
    ids=["one", "short", "2-D", "missing"],
)
def test_bad_groups_are_refused_before_training(patients, groups, message):
    X, y, _ = patients
    model = MultiTaskAttentionRegressor(**SMALL)
    with pytest.raises(ValueError, match=f"MultiTaskAttentionRegressor: {message}"):
        model.fit(X, y, groups=groups)
    assert not hasattr(model, "net_")


def test_groups_are_numbered_from_0_whatever_they_are():
    assert read_groups(["b", "a", "b"], n_rows=3, owner="X").tolist() == [0, 1, 0]


def test_scikit_learn_passes_groups_on(patients):
    X, y, groups = patients
    y = (y > 0).astype(int)
    with config_context(enable_metadata_routing=True):
        model = MultiTaskAttentionClassifier(n_folds=3, **SMALL).set_fit_request(groups=True)
        scores = cross_validate(model, X, y, cv=GroupKFold(3), params={"groups": groups})
    assert np.isfinite(scores["test_score"]).all()
    alone = MultiTaskAttentionClassifier(n_folds=3, **SMALL)
    train, test = next(GroupKFold(3).split(X, y, groups))
    alone.fit(X[train], y[train], groups=groups[train])
    assert scores["test_score"][0] == alone.score(X[test], y[test])
