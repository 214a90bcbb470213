import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from benchmarks import mtr, records, tables


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of 30 rows, one nominal input, two targets, and a place of its own for results."""
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{'xy'[i % 2]},{2 * a:.3f},{-a:.3f}" for i, a in enumerate(rng.normal(size=30))]
    header = "@relation toy\n@attribute a real\n@attribute b {x,y}\n@attribute y1 real\n@attribute y2 real\n"
    (tmp_path / "enb.arff").write_text("\n".join([f"{header}@data", *rows]))
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


def test_run_goes_on_where_it_was_cut(folder):
    mtr.run(folder=folder, datasets=["enb"], methods=["ridge"])
    whole = records.read("mtr")
    path = folder / "results" / "mtr.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    mtr.run(folder=folder, datasets=["enb"], methods=["ridge"])
    resumed = records.read("mtr")
    assert [r["fold"] for r in resumed] == [0, 1, 2, 3, 4]
    assert [r["sse"] for r in resumed] == [r["sse"] for r in whole]


def test_forgotten_records_are_of_that_set_and_method_only(folder):
    mtr.run(folder=folder, datasets=["enb"], methods=["ridge", "et"])
    records.forget("mtr", datasets=["enb"], methods=["et"])
    assert {r["method"] for r in records.read("mtr")} == {"ridge"}


def test_records_hold_versions_and_machine(folder):
    mtr.run(folder=folder, datasets=["enb"], methods=["ridge"])
    record = records.read("mtr")[0]
    assert record["versions"]["numpy"] == np.__version__
    assert record["machine"]["threads"] >= 1
    assert record["machine"]["cpu"]


def test_arrmse_is_pooled_over_folds(folder):
    rows = [
        {"dataset": "enb", "method": "ridge", "fold": fold, "fit_seconds": 1.0, "machine": records.machine()}
        | {"sse": sse, "sse_of_mean": sse_of_mean}
        for fold, (sse, sse_of_mean) in enumerate([([1, 9], [4, 9])] * 4 + [([0, 0], [4, 9])])
    ]
    (folder / "results").mkdir()
    (folder / "results" / "mtr.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    expected = np.mean([np.sqrt(4 / 20), np.sqrt(36 / 45)])
    assert f"| enb | {expected:.3f} |" in mtr.report()
    assert "| enb | 1.000 |" in mtr.report()  # seconds


def test_incomplete_sets_stay_out_of_the_tables(folder):
    mtr.run(folder=folder, datasets=["enb"], methods=["ridge", "et"])
    path = folder / "results" / "mtr.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))  # the last fold of et
    header = mtr.report().splitlines()[2]
    assert "ridge" in header
    assert "et" not in header


def test_comparison_ranks_complete_sets_and_takes_geometric_means():
    values = pd.DataFrame(
        {"ours": [1.0, 2.0, 1.0], "a": [2.0, 1.0, 4.0], "b": [4.0, 4.0, np.nan]}, index=list("xyz")
    )
    table = tables.compare(values, ours="ours")
    assert table.loc["mean rank", ["ours", "a", "b"]].tolist() == [1.5, 1.5, 3.0]
    np.testing.assert_allclose(
        table.loc["ours / it", ["ours", "a", "b"]].astype(float), [1, (1 / 4) ** (1 / 3), 8**-0.5]
    )
    np.testing.assert_allclose(table["ours / best other"][["x", "y", "z"]].astype(float), [0.5, 2.0, 0.25])


def test_ranks_of_all_sets_stand_beside_those_of_common_sets():
    values = pd.DataFrame({"ours": [1.0, 2.0], "a": [2.0, 1.0], "b": [3.0, np.nan]}, index=list("xy"))
    table = tables.compare(values, ours="ours")
    assert table.loc["mean rank", ["ours", "a", "b"]].tolist() == [1, 2, 3]
    assert table.loc["mean rank where measured", ["ours", "a", "b"]].tolist() == [1.5, 1.5, 3]
    assert "(x); where measured" in tables.explain_ranks(values, ours="ours")


def test_variants_of_ours_take_no_place_and_are_no_other_method():
    values = pd.DataFrame({"ours": [2.0], "ours_best": [1.0], "a": [3.0], "b": [1.5]}, index=["x"])
    table = tables.compare(values, ours="ours")
    assert table.loc["mean rank"].dropna().tolist() == [2, 1, 3, 1]
    assert table.loc["x", "ours / best other"] == 2 / 1.5


def test_values_where_higher_is_better_are_compared_by_differences():
    values = pd.DataFrame({"ours": [0.75, 0.5], "a": [0.5, 0.75], "b": [0.25, 0.0]}, index=list("xy"))
    table = tables.compare(values, ours="ours", higher_is_better=True)
    assert table.loc["mean rank", ["ours", "a", "b"]].tolist() == [1.5, 1.5, 3.0]
    assert table.loc[["x", "y", "ours − it"], "ours − best other"].tolist() == [0.25, -0.25, 0]
    assert table.loc["ours − it", ["ours", "a", "b"]].tolist() == [0, 0, 0.5]


@pytest.mark.usefixtures("folder")
def test_honesty_is_how_far_out_of_fold_scores_are_off():
    sums = {"sse": [1.0], "sse_of_mean": [4.0], "oof_sse": [9.0], "oof_sse_of_mean": [16.0]}
    rows = [
        {"dataset": "enb", "method": "sklearn_mtl", "fold": fold, "fit_seconds": 1.0} | sums
        for fold in range(5)
    ]
    for row in rows:
        records.append("mtr", row)
    assert "| enb | 0.500 | 0.750 | 0.500 |\n| mean | · | · | 0.500 |" in mtr.report()


def test_tables_replace_what_stood_between_the_marks(tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- mtr: made by benchmarks.run -->\nold\n<!-- end of mtr -->\nafter\n")
    monkeypatch.setattr(tables, "README", readme)
    tables.write_to_readme("mtr", r"new \1")
    expected = "before\n<!-- mtr: made by benchmarks.run -->\n\nnew \\1\n\n<!-- end of mtr -->\nafter\n"
    assert readme.read_text() == expected
    with pytest.raises(ValueError, match="the marks"):
        tables.write_to_readme("loop", "new")


def test_a_missing_package_leaves_the_others_running(monkeypatch, capsys):
    from benchmarks import peers

    def broken():
        raise ImportError("no module named boost")

    monkeypatch.setitem(peers.METHODS, "boost", broken)
    monkeypatch.setitem(peers.METHODS, "linear", LinearRegression)
    assert peers.importable(["boost", "linear"]) == {"linear": LinearRegression}
    assert "boost is left out: no module named boost" in capsys.readouterr().out
