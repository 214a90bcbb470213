import numpy as np
import pandas as pd
import pytest

from benchmarks import mi, per_task, records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of the form of MI.data, whose outcomes follow the first input, and a place for results."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(160, 112)).round(3)).astype(object)
    first = table[1].astype(float)
    table[0] = np.arange(160)
    for t in range(11):
        table[112 + t] = (first > t / 10).astype(int)
    table[123] = first.rank(method="first").floordiv(20.001).astype(int)
    table = table.mask(
        rng.random(table.shape) < np.where(np.arange(124) < 2, 0, 0.1) * (np.arange(124) < 112)
    )
    table.to_csv(tmp_path / "MI.data", header=False, index=False, na_rep="?")
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    monkeypatch.setitem(mi.METHODS, "rf_per_task", per_task.linear_per_task)
    return tmp_path


def test_all_twelve_tasks_are_scored(folder):
    mi.run(folder=folder, datasets=["mi"], methods=["rf_per_task"])
    rows = records.read("mi")
    assert [row["fold"] for row in rows] == [0, 1, 2, 3, 4]
    scores = pd.DataFrame(row["scores"] for row in rows).mean()
    assert len(scores) == 12
    assert scores.drop("LET_IS").min() > 0.7
    assert scores["LET_IS"] > 0.6
    assert "| LET_IS |" in mi.report()
