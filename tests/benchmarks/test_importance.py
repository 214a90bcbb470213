import numpy as np
import pandas as pd
import pytest

from benchmarks import importance, records


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """One case of few rows, and a place for results."""
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(importance, "N_SEEDS", 1)
    case = {"n_samples": 60, "n_features": 6, "n_tasks": 2, "n_informative": 2, "relatedness": 1}
    monkeypatch.setitem(importance.CASES, "easy", case)


@pytest.mark.usefixtures("tiny")
def test_all_measures_are_compared_with_the_truth():
    importance.run(datasets=["easy"], methods=importance.METHODS)
    ours, forest = records.read("importance")
    assert ours["chance"] == pytest.approx(2 / 6)
    assert np.mean(ours["permutation_precision"]) > 0.8
    assert np.mean(forest["precision"]) > 0.8
    report = importance.report()
    for measure in importance.MEASURES:
        assert len(ours[f"{measure}_kept"]) == 2
        assert f" {measure} |" in report


def test_precision_is_1_where_the_columns_that_matter_come_first():
    relevant = pd.DataFrame([[True, False, True], [False, True, False]])
    found = pd.DataFrame([[0.5, 0.1, 0.4], [0.5, 0.1, 0.4]])
    assert importance._precision(relevant, found) == pytest.approx([1, 1 / 3])
