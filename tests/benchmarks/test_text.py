import numpy as np
import pandas as pd
import pytest

from benchmarks import records, text


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Reviews of which single words decide, as the three sets have them."""
    rng = np.random.default_rng(0)
    good = rng.random(150) < 0.5
    words = [" ".join([*rng.choice(list("abcdef"), 4), "nice" if g else "poor"]) for g in good]
    kind = np.where(good, "tops", "skirts")
    pd.DataFrame(
        {
            "Title": ["", *words[1:]],
            "Review Text": words,
            "Age": rng.integers(20, 60, 150),
            "Rating": 1 + 4 * good + 0.01 * rng.normal(size=150),
            "Recommended IND": good.astype(int),
            "Department Name": kind,
            "Class Name": np.where(np.arange(150) < 3, "rare", kind),
        }
    ).to_csv(tmp_path / "womens_clothing.csv")
    emotions = dict.fromkeys("VAD", good + 0.01 * rng.normal(size=150))
    split = np.where(np.arange(150) < 100, "train", "test")
    pd.DataFrame({"text": words, "split": split, **emotions}).to_csv(tmp_path / "emobank.csv")
    jokes = {"is_humor": good.astype(int), "humor_rating": np.where(good, rng.normal(size=150), np.nan)}
    jokes = pd.DataFrame({"id": range(150), "text": words, **jokes})
    jokes[:100].to_csv(tmp_path / "hahackathon_train.csv", index=False)
    jokes[100:].to_csv(tmp_path / "hahackathon_dev.csv", index=False)
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


def test_every_set_is_scored_on_its_own_split(folder, monkeypatch):
    def quick():
        return text.MultiTaskAttentionEstimator(max_epochs=5, n_folds=2, n_trees=0, random_state=0)

    monkeypatch.setitem(text.METHODS, "sklearn_mtl", quick)
    text.run(folder=folder, datasets=text.DATASETS, methods=["sklearn_mtl", "tfidf_linear"])
    measured = pd.DataFrame(records.read("text"))
    assert measured.groupby("dataset")["fold"].nunique().to_dict() == text._N_SPLITS
    scores = measured["score"].tolist()
    assert min(score[name] for score in scores for name in score if name != "humor_rating") > 0.8
    assert "| womens_clothing rating |" in text.report()
    assert "| emobank V |" in text.report()


def test_rare_classes_count_as_missing(folder):
    _, y, _ = text._womens_clothing(folder)
    assert y["class"].isna().sum() == 3
    assert "rare" not in y["class"].cat.categories
