from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from benchmarks import holes, records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of numbers and one of labels, 60 rows each, and a place of its own for results."""
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    header = "@relation toy\n@attribute a real\n@attribute b real\n"
    rows = [f"{a:.3f},{b:.3f},{a + b:.3f}" + f",{a:.3f}" * 13 for a, b in numbers]
    targets = "".join(f"@attribute y{i} real\n" for i in range(14))
    (tmp_path / "wq.arff").write_text("\n".join([f"{header}{targets}@data", *rows]))
    rows = [f"{a:.3f},{b:.3f},{int(a > 0)},{int(i == 0)}" for i, (a, b) in enumerate(numbers)]
    targets = "@attribute y0 {0,1}\n@attribute y1 {0,1}\n"
    (tmp_path / "yeast.arff").write_text("\n".join([f"{header}{targets}@data", *rows]))
    (tmp_path / "yeast.xml").write_text('<labels><label name="y0"/><label name="y1"/></labels>')
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


def test_greater_shares_remove_what_smaller_ones_do_and_more():
    y = pd.DataFrame(np.arange(4000.0).reshape(1000, 4))
    gone = [holes.hide(y, share, n_samples=1000).isna() for share in holes.SHARES]
    np.testing.assert_allclose([holed.to_numpy().mean() for holed in gone], holes.SHARES, atol=0.03)
    assert all((less <= more).all(axis=None) for less, more in pairwise(gone))


def test_a_row_loses_the_same_labels_in_every_fold():
    y = pd.DataFrame(np.arange(400.0).reshape(100, 4))
    whole, part = holes.hide(y, 0.5, n_samples=100), holes.hide(y.iloc[::3], 0.5, n_samples=100)
    pd.testing.assert_frame_equal(part, whole.iloc[::3])


@pytest.mark.parametrize("name", ["wq", "yeast"])
def test_methods_are_measured_at_every_share(folder, name):
    holes.run(folder=folder, datasets=[name], methods=["linear_per_task"])
    rows = records.read("holes")
    assert sorted({row["share"] for row in rows}) == list(holes.SHARES)
    assert len(rows) == 20
    report = holes.report()
    assert report.count("| 90% |") == 2
    assert "| 0% | 0.000 |" in report  # nothing is lost without holes


def test_all_shares_have_the_errors_of_one_mean(folder):
    holes.run(folder=folder, datasets=["wq"], methods=["linear_per_task"])
    rows = pd.DataFrame(records.read("holes"))
    assert rows.groupby("fold")["sse_of_mean"].agg(lambda sums: len({tuple(s) for s in sums})).eq(1).all()


@pytest.mark.usefixtures("folder")
def test_tables_are_of_the_folds_that_all_methods_have_at_all_shares():
    errors = {"dataset": "wq", "sse": [1.0], "sse_of_mean": [1.0]}
    for share in holes.SHARES:
        for method, fold in [("sklearn_mtl", 0), ("sklearn_mtl", 1), ("et_per_task", 1), ("et_per_task", 2)]:
            records.append("holes", errors | {"method": method, "share": share, "fold": fold})
    records.append("holes", errors | {"method": "rf_per_task", "share": 0.0, "fold": 1})
    report = holes.report()
    assert "1 of 5 folds" in report
    assert "|  | sklearn_mtl | et_per_task |" in report
