"""Labels reach nothing but the losses of the folds that may see them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor


@pytest.mark.parametrize("weighted_by", ["class_weight", "sample_weight"])
def test_an_identifier_does_not_tell_random_labels_through_weights_that_depend_on_them(weighted_by):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"id": [f"id {row}" for row in range(200)], "noise": rng.normal(size=200)})
    y = (rng.random(200) < 0.15).astype(int)
    classifier = MultiTaskAttentionClassifier(n_folds=4, max_epochs=10, random_state=0)
    if weighted_by == "class_weight":
        classifier.set_params(class_weight="balanced").fit(X, y)
    else:
        classifier.fit(X, y, sample_weight=compute_sample_weight("balanced", y))
    assert balanced_accuracy_score(y, classifier.oof_prediction_) < 0.6


def test_the_forest_does_not_see_a_row_that_it_predicts_out_of_fold():
    X = np.random.default_rng(0).normal(size=(160, 2))
    y = np.random.default_rng(1).normal(size=160)
    model = MultiTaskAttentionRegressor(
        n_folds=2, n_trees=80, linear_view=False, max_epochs=1, random_state=0
    )
    assert model.fit(X, y).view_shares_["forest"].item() > 0
    assert model.oof_score_ < 0.02 < model.score(X, y)
