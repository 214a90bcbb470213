"""What an estimator shows of itself in a notebook."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline

from sklearn_mtl import MultiTaskAttentionEstimator

OPTIONS = {"n_folds": 2, "n_views": 1, "d_hidden": 8, "max_epochs": 3, "n_trees": 8, "random_state": 0}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 2)), columns=["age", "<crp>"]).assign(same=1.0)
    return X, pd.DataFrame({"days & nights": X["age"], "ill": X["<crp>"] > 0})


@pytest.fixture(scope="module")
def model(table):
    return MultiTaskAttentionEstimator(**OPTIONS).fit(*table)


def test_before_fit_there_is_the_diagram_alone():
    assert "out of fold" not in MultiTaskAttentionEstimator()._repr_html_()


def test_scores_out_of_fold_are_shown_by_task(model):
    text = re.sub(r"<[^>]+>", " ", model._repr_html_().split("<details open>")[1])
    said = " ".join(text.split())
    scores = model.oof_task_scores_
    assert f"mean {model.oof_score_:.3f}" in said
    assert f"days &amp; nights regression 80 r2 {scores.iloc[0]:.3f}" in said
    assert f"ill binary 80 accuracy {scores['ill']:.3f}" in said


def test_surprises_have_a_line_each(model):
    assert "<b>Column &#x27;same&#x27;</b> has the same value in all rows" in model._repr_html_()
    assert "<crp>" not in model._repr_html_()


def test_many_tasks_are_folded_away(table):
    X, y = table
    labels = np.column_stack([y["days & nights"]] * 11)
    html = MultiTaskAttentionEstimator(**OPTIONS).fit(X, labels)._repr_html_()
    assert "<details><summary>Scores out of fold" in html


def test_text_display_stays_text(model):
    with config_context(display="text"):
        assert not hasattr(model, "_repr_html_")


def test_a_pipeline_shows_its_own_diagram(table):
    pipeline = make_pipeline(MultiTaskAttentionEstimator(**OPTIONS)).fit(*table)
    assert "MultiTaskAttentionEstimator" in pipeline._repr_html_()
