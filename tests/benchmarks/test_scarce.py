import numpy as np
import pytest

from benchmarks import records, scarce


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Tables of 200 rows and two targets, numbers and flags, and a place of its own for results."""
    numbers = np.random.default_rng(0).normal(size=(200, 2))
    rows = [f"{a:.3f},{b:.3f},{a + b:.3f},{a - b:.3f}" for a, b in numbers]
    header = "@relation toy\n@attribute a real\n@attribute b real\n@attribute y1 real\n@attribute y2 real\n"
    (tmp_path / "enb.arff").write_text("\n".join([f"{header}@data", *rows]))
    rows = [f"{a:.3f},{b:.3f},{int(a > 0)},{int(b > 0)}" for a, b in numbers]
    header = header.replace("y1 real", "y1 {0,1}").replace("y2 real", "y2 {0,1}")
    (tmp_path / "yeast.arff").write_text("\n".join([f"{header}@data", *rows]))
    (tmp_path / "yeast.xml").write_text('<labels><label name="y1"/><label name="y2"/></labels>')
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


@pytest.fixture
def few_rows(monkeypatch):
    monkeypatch.setattr(scarce, "N_ROWS", 200)
    monkeypatch.setattr(scarce, "_N_TEST_ROWS", 100)


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("name", [*scarce.DRAWN, "enb", "yeast"])
def test_only_the_first_task_is_scarce_and_only_in_the_training_rows(folder, name):
    X, y, X_test, y_test = scarce.draw(name, 1, folder=folder)
    assert y.iloc[:, 0].notna().sum() == scarce.N_LABELS
    assert y.iloc[:, 1:].notna().all(axis=None)
    assert y_test.notna().all(axis=None)
    assert not X.index.intersection(X_test.index).size


def test_each_seed_takes_the_next_target(folder):
    first = [scarce.draw("enb", seed, folder=folder)[1].columns[0] for seed in range(3)]
    assert first == ["y1", "y2", "y1"]


@pytest.mark.usefixtures("few_rows")
def test_alone_is_the_scarce_task_only(folder):
    methods = ["sklearn_mtl", "sklearn_mtl_alone", "rf_alone"]
    for row in (
        {"dataset": "enb", "method": method, "seed": seed, "r2": r2 + seed / 10}
        for method, r2 in zip(methods, (0.7, 0.5, 0.4), strict=True)
        for seed in range(2)
    ):
        records.append("scarce", row)
    report = scarce.report()
    assert "| enb | 0.750 | 0.550 | 0.450 | 0.200 | 0.000 | 0.300 | 0.000 |" in report
    scarce.run(folder=folder, datasets=["unrelated"], methods=["rf_alone"])
    assert len([row for row in records.read("scarce") if row["dataset"] == "unrelated"]) == 5


def test_flags_are_scored_by_their_probabilities(folder):
    scarce.run(folder=folder, datasets=["yeast"], methods=["rf_alone"])
    scores = [row["roc_auc"] for row in records.read("scarce")]
    assert len(scores) == 5
    assert min(scores) > 0.8  # one column says it
