"""Rows whose labels are all missing are accepted, left out, and counted at ``verbose=1``."""

import numpy as np
import pytest

SHORT = {"max_epochs": 2, "n_views": 1}


@pytest.fixture
def with_unlabelled(numbers):
    """The table with 20 rows before it that have no label, and as many labels of those below as before."""
    X, y = numbers
    y = np.where(np.isnan(y).all(axis=1)[:, None], 0.5, y)
    extra = np.random.default_rng(7).normal(size=(20, 3))
    return np.vstack([extra, X]), np.vstack([np.full((20, 3), np.nan), y])


def test_rows_without_labels_change_nothing(kind, with_unlabelled):
    X, y = with_unlabelled
    labels = kind.labels(y)
    with_all, without = kind(**SHORT).fit(X, labels), kind(**SHORT).fit(X[20:], labels[20:])
    np.testing.assert_array_equal(with_all.predict(X), without.predict(X))
    np.testing.assert_array_equal(with_all.oof_prediction_[20:], without.oof_prediction_)
    np.testing.assert_array_equal(with_all.oof_prediction_[:20], without.predict(X[:20]))


@pytest.mark.parametrize("verbose", [1, 2])
def test_their_count_is_printed_when_asked_for(kind, with_unlabelled, capsys, verbose):
    X, y = with_unlabelled
    model = kind(**SHORT, verbose=verbose).fit(X, kind.labels(y))
    name = type(model).__name__
    assert capsys.readouterr().out == f"{name}: 20 of 80 rows have no label; no task learns from them.\n"


def test_nothing_is_printed_unless_asked_for(kind, with_unlabelled, capsys):
    X, y = with_unlabelled
    kind(**SHORT).fit(X, kind.labels(y))
    assert capsys.readouterr() == ("", "")


def test_nothing_is_said_where_every_row_has_a_label(kind, with_unlabelled, capsys):
    X, y = with_unlabelled
    kind(**SHORT, verbose=1).fit(X[20:], kind.labels(y)[20:])
    assert capsys.readouterr().out == ""
