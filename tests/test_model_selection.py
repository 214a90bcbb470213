import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate

from sklearn_mtl.model_selection import MultiTaskKFold, _fold_labels

N_ROWS = 60
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 2))
MIXED = pd.DataFrame(
    {
        "text": pd.Series(RNG.choice(["a", "b", "c"], N_ROWS)).mask(RNG.random(N_ROWS) < 0.3),
        "flag": pd.array(RNG.integers(0, 2, N_ROWS), dtype="Int64"),
        "number": np.where(RNG.random(N_ROWS) < 0.5, RNG.normal(size=N_ROWS), np.nan),
    }
)


def test_every_row_is_tested_once_and_never_trained_on_then():
    splits = list(MultiTaskKFold(4, random_state=0).split(X, MIXED))
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(N_ROWS))
    assert all(sorted([*train, *test]) == list(range(N_ROWS)) for train, test in splits)


@pytest.mark.parametrize(
    "y",
    [MIXED, MIXED.to_numpy(dtype=object), MIXED.to_numpy(dtype=object).tolist()],
    ids=["frame", "object", "list"],
)
def test_labels_of_mixed_tasks_are_shared_out(y):
    tests = [test for _, test in MultiTaskKFold(3, random_state=0).split(X, y)]
    for column in (MIXED["text"], MIXED["flag"], MIXED["number"].notna()):
        counts = pd.DataFrame([column.iloc[test].value_counts() for test in tests]).fillna(0)
        assert (counts.max() - counts.min() <= 2).all()


def test_fractions_and_columns_of_very_many_labels_are_no_classes():
    y = np.column_stack([np.arange(3000), np.arange(3000) / 2, np.arange(3000) % 7])
    assert _fold_labels(y)[1].tolist() == [0, 0, 7]


def test_task_without_labels_is_no_obstacle():
    y = np.column_stack([np.arange(10) % 2, np.full(10, np.nan)])
    assert [len(test) for _, test in MultiTaskKFold(5, random_state=0).split(y, y)] == [2] * 5


def test_groups_are_tested_together():
    groups = np.array([f"group {row // 5}" for row in range(N_ROWS)])
    for train, test in MultiTaskKFold(3, random_state=0).split(X, MIXED, groups):
        assert not set(groups[train]) & set(groups[test])


def splits_of(splitter):
    return [test.tolist() for _, test in splitter.split(X, MIXED)]


def test_seed_decides_the_folds():
    assert splits_of(MultiTaskKFold(random_state=3)) == splits_of(clone_of(MultiTaskKFold(random_state=3)))
    assert splits_of(MultiTaskKFold(random_state=3)) != splits_of(MultiTaskKFold(random_state=4))
    generator = np.random.RandomState(0)
    assert splits_of(MultiTaskKFold(random_state=generator)) != splits_of(
        MultiTaskKFold(random_state=generator)
    )


def clone_of(splitter):
    return clone(splitter, safe=False)


def test_without_shuffle_folds_are_the_same_at_every_call():
    assert splits_of(MultiTaskKFold(shuffle=False)) == splits_of(MultiTaskKFold(shuffle=False))


@pytest.mark.parametrize(
    ("options", "y", "message"),
    [
        ({"n_splits": 1}, [0, 1, 0], "n_splits is 1, expected an int of at least 2"),
        ({"n_splits": 2.5}, [0, 1, 0], r"n_splits is 2\.5"),
        ({"n_splits": 4}, [0, 1, 0], "n_splits=4 is greater than the number of rows, 3"),
        ({"shuffle": False, "random_state": 0}, [0, 1], "random_state counts with shuffle=True"),
        ({}, None, "MultiTaskKFold requires y to be passed"),
        ({}, pd.DataFrame([[1, 2]] * 3, columns=["a", "a"]), r"more than once: \['a'\]"),
    ],
)
def test_unusable_parameters_are_refused(options, y, message):
    with pytest.raises(ValueError, match=message):
        next(MultiTaskKFold(**options).split(np.zeros((3 if y is None else len(y), 1)), y))


def test_more_folds_than_groups_are_refused():
    with pytest.raises(ValueError, match="n_splits=5 is greater than the number of groups, 2"):
        next(MultiTaskKFold().split(X, MIXED, np.arange(N_ROWS) % 2))


def test_number_of_splits_is_known_before():
    assert MultiTaskKFold(7).get_n_splits(X, MIXED) == 7


def test_repr_names_the_parameters():
    assert repr(MultiTaskKFold(3)) == "MultiTaskKFold(n_splits=3, random_state=None, shuffle=True)"


Y = RNG.integers(0, 3, (N_ROWS, 2)).astype(float)


def test_search_takes_it_for_cv():
    search = GridSearchCV(Ridge(), {"alpha": [1, 10]}, cv=MultiTaskKFold(3, random_state=0)).fit(X, Y)
    assert search.n_splits_ == 3
    assert np.isfinite(search.best_score_)


def test_predictions_are_those_of_the_fold_that_did_not_see_the_row():
    splitter = MultiTaskKFold(3, random_state=0)
    predictions = cross_val_predict(Ridge(), X, Y, cv=splitter)
    for train, test in splitter.split(X, Y):
        np.testing.assert_allclose(predictions[test], Ridge().fit(X[train], Y[train]).predict(X[test]))


def test_groups_are_routed_without_asking():
    groups = np.arange(N_ROWS) // 5
    with config_context(enable_metadata_routing=True):
        scores = cross_validate(
            Ridge(),
            X,
            Y,
            cv=MultiTaskKFold(3, random_state=0),
            params={"groups": groups},
            return_indices=True,
        )
    for train, test in zip(*scores["indices"].values(), strict=True):
        assert not set(groups[train]) & set(groups[test])
