"""Tasks with a tag for each word, beside others and alone."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
    TextColumns,
    multitask_report,
    report,
)
from sklearn_mtl.metrics import tag_score
from sklearn_mtl.training._batches import WordRows

from .conftest import SMALL

CITIES = ("boston", "dallas", "new york", "denver", "oakland")
# Shallow, but with steps enough to learn that what follows "to" is another city than what follows "from".
QUICK = {**SMALL, "n_views": 1, "max_epochs": 15, "learning_rate": 0.02, "linear_view": False}


def trips(n_rows, seed):
    rng = np.random.default_rng(seed)
    texts, slots, intents = [], [], []
    for _ in range(n_rows):
        start, end = (CITIES[place].split() for place in rng.choice(len(CITIES), 2, replace=False))
        intent = rng.choice(["fly", "fare"])
        words, tags = [intent, "from"], ["O", "O"]
        for city, role in ((start, "from"), (end, "to")):
            words += [*city, "to" if role == "from" else "please"]
            tags += [f"B-{role}", *[f"I-{role}"] * (len(city) - 1), "O"]
        texts.append(" ".join(words))
        slots.append(tags)
        intents.append(intent)
    X = pd.DataFrame(
        {"query": texts, "size": rng.normal(size=n_rows)}, index=[f"row {i}" for i in range(n_rows)]
    )
    return X, pd.DataFrame({"slots": slots, "intent": intents}, index=X.index)


X, Y = trips(90, seed=0)
X_NEW, Y_NEW = trips(25, seed=1)


@pytest.fixture(scope="module")
def fitted():
    holes = Y.copy()
    holes.loc["row 3", "slots"] = None
    holes.loc["row 4", "intent"] = None
    holes.loc["row 5"] = None
    return MultiTaskAttentionEstimator(**QUICK).fit(X, holes)


def test_tags_are_learned_beside_a_class(fitted):
    predicted = fitted.predict(X_NEW)
    assert predicted.columns.tolist() == ["slots", "intent"]
    assert predicted.index.equals(X_NEW.index)
    assert [len(tags) for tags in predicted["slots"]] == [len(tags) for tags in Y_NEW["slots"]]
    assert tag_score(Y_NEW["slots"], predicted["slots"], metric="span_f1") > 0.9
    assert fitted.score(X_NEW, Y_NEW) > 0.95


def test_what_was_understood_is_visible(fitted):
    assert fitted.task_names_ == ["slots", "intent"]
    assert fitted.tasks_.loc["slots"].to_dict() == {
        "kind": "tagging",
        "n_classes": 5,
        "n_labelled": 88,
        "missing": pytest.approx(2 / 90),
        "baseline": "O",
    }
    assert fitted.view_shares_.loc["slots"].tolist() == [1, 0, 0, 0]
    assert fitted.classes_["slots"].tolist() == ["B-from", "B-to", "I-from", "I-to", "O"]
    assert {"train_loss_slots", "valid_loss_slots"} <= set(fitted.history_)
    assert fitted.feature_attention_.index.tolist() == ["intent"]


def test_probabilities_are_those_of_the_predicted_tags(fitted):
    probabilities, predicted = fitted.predict_proba(X_NEW), fitted.predict(X_NEW)["slots"]
    assert list(probabilities) == ["intent", "slots"]
    for of_row, tags in zip(probabilities["slots"], predicted, strict=True):
        assert of_row.shape == (len(tags), 5)
        np.testing.assert_allclose(of_row.sum(axis=1), 1)
        assert fitted.classes_["slots"][of_row.argmax(axis=1)].tolist() == tags


def test_a_text_without_words_has_no_tags(fitted):
    new = X_NEW.copy()
    new.iloc[0, 0], new.iloc[1, 0] = None, ""
    predicted = fitted.predict(new)
    assert predicted["slots"].iloc[:2].tolist() == [[], []]
    assert predicted["slots"].iloc[2:].tolist() == fitted.predict(X_NEW)["slots"].iloc[2:].tolist()


def test_every_row_has_tags_out_of_fold(fitted):
    guessed = fitted.oof_prediction_
    assert [len(tags) for tags in guessed["slots"]] == [len(tags) for tags in Y["slots"]]
    seen = ~Y.index.isin(["row 3", "row 5"])
    accuracy = tag_score(Y["slots"][seen], guessed["slots"][seen])
    assert fitted.oof_task_scores_["slots"] == pytest.approx(accuracy)
    assert len(fitted.oof_proba_["slots"]) == len(X)


def test_out_of_fold_tags_of_a_row_are_those_of_one_fold(fitted):
    columns = fitted._read_columns(X)
    module = fitted.net_.module_
    words = WordRows(columns.words[0], device="cpu")
    by_fold = module.predict_tags([words.all()])[0].numpy()  # (G, S, K)
    places, n_words = words.layout(words.rows).places[0].numpy(), np.diff(columns.words[0].starts)
    folds = set()
    for row, proba in enumerate(fitted.oof_proba_["slots"]):
        if row == 5:  # without labels: all folds predict it
            continue
        of_row = by_fold[:, places[row, : n_words[row]]]
        distance = np.abs(of_row - proba).max(axis=(1, 2))
        assert distance.min() < 1e-5
        folds.add(int(distance.argmin()))
    assert folds == {0, 1}


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(len(X))
    forward = MultiTaskAttentionEstimator(**QUICK).fit(X, Y)
    shuffled = MultiTaskAttentionEstimator(**QUICK).fit(X.iloc[order], Y.iloc[order])
    for one, other in zip(
        forward.predict_proba(X_NEW)["slots"], shuffled.predict_proba(X_NEW)["slots"], strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_tags_alone_are_learned_too():
    model = MultiTaskAttentionEstimator(**QUICK).fit(X, Y[["slots"]])
    assert tag_score(Y_NEW["slots"], model.predict(X_NEW)["slots"]) > 0.9
    series = MultiTaskAttentionEstimator(**QUICK, task_types="tagging").fit(X, Y["slots"].str.join(" "))
    assert series.predict(X_NEW).tolist() == model.predict(X_NEW)["slots"].tolist()
    assert series.score(X_NEW, Y_NEW["slots"]) == model.score(X_NEW, Y_NEW[["slots"]])


def test_lists_of_words_are_learned_like_their_texts():
    lists, new = (frame.assign(query=frame["query"].str.split()) for frame in (X, X_NEW))
    of_lists = MultiTaskAttentionEstimator(**QUICK).fit(lists, Y).predict(new)
    assert of_lists.equals(MultiTaskAttentionEstimator(**QUICK).fit(X, Y).predict(X_NEW))


def test_arrays_of_labels_give_arrays_of_predictions():
    labels = np.empty((len(Y), 2), dtype=object)
    labels[:, 0], labels[:, 1] = Y["intent"], Y["slots"]
    model = MultiTaskAttentionEstimator(**QUICK).fit(X, labels)
    predicted = model.predict(X_NEW)
    assert predicted.shape == (25, 2)
    assert len(predicted[0, 1]) == len(Y_NEW["slots"].iloc[0])


def test_tags_of_one_of_several_texts_name_their_column():
    both = X.assign(other=X["query"].str.upper())
    kind = {"slots": ("tagging", {"column": "other"})}
    model = MultiTaskAttentionEstimator(**QUICK, task_types=kind).fit(both, Y)
    assert tag_score(Y["slots"], model.predict(both)["slots"]) > 0.9
    with pytest.raises(ValueError, match=r"task 'slots' .* \['query', 'other'\]; name the one"):
        text = TextColumns(columns=["query", "other"])
        MultiTaskAttentionEstimator(**QUICK, text=text).fit(both, Y)


def test_copies_pipelines_and_searches_keep_tags(fitted):
    assert pickle.loads(pickle.dumps(fitted)).predict(X_NEW).equals(fitted.predict(X_NEW))
    assert clone(fitted).get_params() == fitted.get_params()
    piped = make_pipeline(FunctionTransformer(lambda frame: frame[["query"]]), clone(fitted)).fit(X, Y)
    assert piped.score(X_NEW, Y_NEW) > 0.9
    search = GridSearchCV(clone(fitted), {"learning_rate": [0.02, 1e-6]}, cv=2).fit(X, Y)
    assert search.best_params_ == {"learning_rate": 0.02}


def test_the_report_has_the_scores_of_tags(fitted):
    scores = multitask_report(fitted, X_NEW, Y_NEW[["intent", "slots"]]).loc["slots"]
    predicted = fitted.predict(X_NEW)["slots"]
    assert scores["accuracy"] == tag_score(Y_NEW["slots"], predicted)
    assert scores["span_f1"] == tag_score(Y_NEW["slots"], predicted, metric="span_f1")
    assert 0.4 < scores["baseline"] < 0.7
    assert scores["oof_score"] == fitted.oof_task_scores_["slots"]


def test_a_page_says_that_it_has_no_tags(fitted, tmp_path):
    with pytest.raises(ValueError, match=r"tasks of tags, such as \['slots'\], cannot be shown"):
        report(fitted, X_NEW, Y_NEW, path=tmp_path / "report.html")


def test_weights_of_rows_count_for_tags():
    wrong = Y.copy()
    wrong["slots"] = [["B-to"] * len(tags) for tags in Y["slots"]]
    twice = pd.concat([X, X]), pd.concat([Y, wrong])
    weight = np.repeat([1.0, 1e-6], len(X))
    model = MultiTaskAttentionEstimator(**QUICK).fit(*twice, sample_weight=weight)
    assert tag_score(Y_NEW["slots"], model.predict(X_NEW)["slots"]) > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"balancing": "pcgrad"}, "balancing='pcgrad' cannot be combined with tasks of tags"),
        ({"schedule": "sequential"}, "schedule='sequential' cannot be combined with tasks of tags"),
        ({"task_weight": "cv"}, "task_weight='cv' cannot be combined with tasks of tags"),
        ({"task_weight": {"slots": 0}}, "task_weight of task 'slots' is 0"),
        ({"task_types": {"slots": ("tagging", {"column": "size"})}}, r"'slots' .* 'size', but .*\['query'\]"),
    ],
)
def test_what_cannot_be_combined_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskAttentionEstimator(**{**QUICK, **options}).fit(X, Y)


def test_tags_need_a_text_of_their_length():
    with pytest.raises(
        ValueError, match="task 'slots' has a tag for each word, but X has no column of texts"
    ):
        MultiTaskAttentionEstimator(**QUICK).fit(X[["size"]], Y)
    short = Y.copy()
    short.at["row 2", "slots"] = ["O"]
    with pytest.raises(ValueError, match=r"task 'slots' has 1 tags in row 2, whose text has \d words"):
        MultiTaskAttentionEstimator(**QUICK).fit(X, short)


@pytest.mark.parametrize("estimator", [MultiTaskAttentionClassifier, MultiTaskAttentionRegressor])
def test_other_estimators_say_who_learns_tags(estimator):
    with pytest.raises(ValueError, match=r"task 'slots' .* MultiTaskAttentionEstimator\(task_types"):
        estimator(**SMALL).fit(X, Y)
