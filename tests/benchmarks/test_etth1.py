import numpy as np
import pandas as pd
import pytest

from benchmarks import etth1, records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Seven walks of 3,000 hours."""
    walks = np.random.default_rng(0).normal(size=(3000, 7)).cumsum(axis=0)
    frame = pd.DataFrame(walks, columns=["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"])
    frame.insert(0, "date", pd.date_range("2016-07-01", periods=3000, freq="h"))
    frame.to_csv(tmp_path / "ETTh1.csv", index=False)
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


def test_no_training_window_reaches_into_the_test(folder):
    X, y, X_test, y_test = etth1._windows(folder)
    assert X.shape == (1800 - 119, 96, 7)
    assert y.shape == (1800 - 119, 24)
    assert len(X_test) == len(y_test) == 600 - 23
    hours = pd.read_csv(folder / "ETTh1.csv")["OT"].to_numpy()
    standard = (hours - hours[:1800].mean()) / hours[:1800].std()
    np.testing.assert_allclose(y[-1], standard[1776:1800])
    np.testing.assert_allclose(y_test[0], standard[2400:2424])
    np.testing.assert_allclose(X_test[0][:, -1], standard[2304:2400])


def test_every_method_is_measured_and_reported(folder, monkeypatch):
    def quick():
        options = {"max_epochs": 2, "n_folds": 2, "n_views": 1, "n_trees": 0, "d_hidden": 16}
        return etth1._InBlocks(etth1.MultiTaskAttentionRegressor(**options, random_state=0))

    ours = [method for method in etth1.METHODS if method.startswith("sklearn_mtl")]
    for method in ours:
        monkeypatch.setitem(etth1.METHODS, method, quick)
    etth1.run(folder=folder, datasets=etth1.DATASETS, methods=list(etth1.METHODS))
    measured = {record["method"]: record for record in records.read("etth1")}
    assert set(measured) == {*ours, "ridge", "repeat_last"}
    _, _, X_test, y_test = etth1._windows(folder)
    expected = ((X_test[:, -1:, -1] - y_test) ** 2).mean()
    assert measured["repeat_last"]["mse"] == pytest.approx(expected)
    assert measured["sklearn_mtl"]["mse"] < 2 * expected
    assert "| sklearn_mtl |" in etth1.report()
