import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import d2_absolute_error_score, d2_tweedie_score, r2_score

from benchmarks import kinds, records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two tables of 60 rows, one target of whole numbers each, and a place of its own for results."""
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    rows = [f"{a:.3f},{b:.3f}," + ",".join([str(int(a > 0) + int(b > 0))] * 14) for a, b in numbers]
    header = "@relation toy\n@attribute a real\n@attribute b real\n"
    targets = "".join(f"@attribute y{i} real\n" for i in range(14))
    for name in ("wq", "jura"):
        (tmp_path / f"{name}.arff").write_text("\n".join([f"{header}{targets}@data", *rows]))
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


def test_kinds_of_classes_and_of_numbers_are_measured_on_their_tables(folder):
    kinds.run(folder=folder, datasets=["wq", "jura"], methods=["ordinal", "poisson"])
    rows = records.read("kinds")
    assert {(row["dataset"], row["method"]) for row in rows} == {("wq", "ordinal"), ("jura", "poisson")}
    report = kinds.report()
    assert "| ordinal |" in report
    assert "| poisson |" in report


def test_outliers_are_few_far_off_and_the_same_in_every_fold():
    y = pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 2)))
    moved = (kinds.spoil(y) - y).abs()
    assert (moved > 0).to_numpy().mean() == pytest.approx(0.05, abs=0.01)
    assert moved.to_numpy()[moved > 0].min() > 9
    part = y.iloc[1::2]
    np.testing.assert_array_equal(kinds.spoil(part) != part, (moved > 0).iloc[1::2])


def test_parts_are_the_scores_of_scikit_learn_where_constants_are_those_of_the_test_rows():
    rng = np.random.default_rng(0)
    y, predicted = rng.poisson(3, (51, 1)).astype(float), rng.uniform(1, 5, (51, 1))
    record = kinds._losses(y, predicted, y)
    expected = {
        "R²": r2_score(y, predicted),
        "D² absolute error": d2_absolute_error_score(y, predicted),
        "D² Poisson": d2_tweedie_score(y.ravel(), predicted.ravel(), power=1),
    }
    for name, score in expected.items():
        assert kinds._part_done_away_with(pd.Series([record[name]])) == pytest.approx(score)
