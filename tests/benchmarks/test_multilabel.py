import numpy as np
import pytest

from benchmarks import multilabel, records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of 60 rows, two numbers, two labels and one label with a single positive row."""
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    rows = [f"{a:.3f},{b:.3f},{int(a > 0)},{int(b > 0)},{int(i == 0)}" for i, (a, b) in enumerate(numbers)]
    labels = [f"y{i}" for i in range(3)]
    header = ["@relation toy", "@attribute a real", "@attribute b real"]
    header += [f"@attribute {name} {{0,1}}" for name in labels]
    (tmp_path / "yeast.arff").write_text("\n".join([*header, "@data", *rows]))
    xml = "".join(f'<label name="{name}"></label>' for name in labels)
    (tmp_path / "yeast.xml").write_text(f"<labels>{xml}</labels>")
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


@pytest.mark.parametrize("method", ["logistic", "chain", "rf"])
def test_labels_without_both_classes_are_learnt_and_not_ranked(folder, method):
    multilabel.run(folder=folder, datasets=["yeast"], methods=[method])
    ranked = [record["roc_auc"] for record in records.read("multilabel")]
    assert np.mean([auc[:2] for auc in ranked]) > 0.9
    assert [auc[2] for auc in ranked].count(None) == 4
    assert "| yeast |" in multilabel.report()


def test_holes_are_not_scored():
    y = np.array([[0.0], [1.0], [np.nan], [1.0]])
    scores = multilabel._score(y, np.array([[0.2], [0.5], [0.9], [0.8]]))
    assert scores["roc_auc"] == [1.0]
    np.testing.assert_allclose(scores["log_loss"], [-np.log([0.8, 0.5, 0.8]).mean()])


def test_sure_mistakes_cost_what_the_clip_says():
    scores = multilabel._score(np.array([[1.0]]), np.array([[0.0]]))
    assert scores["roc_auc"] == [None]
    np.testing.assert_allclose(scores["log_loss"], [-np.log(1e-7)])
