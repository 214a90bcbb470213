import pytest

from benchmarks import ablation, balancing_cost, records


@pytest.fixture(autouse=True)
def own_results(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")


def write(method, fold, error):
    key = {"dataset": "wq", "method": method, "fold": fold}
    records.append("ablation", key | {"errors": [error], "fit_seconds": 2.0 if method == "default" else 3.0})


def test_sets_and_methods_that_lack_a_fold_are_left_out():
    write("default", 0, 0.5)
    assert ablation.report() == "No set is measured on all folds yet."
    for fold in range(1, 5):
        write("default", fold, 0.5)
    for fold in range(5):
        write("balancing=dwa", fold, 0.51 if fold else 0.56)
    write("balancing=mgda", 0, 0.1)
    report = ablation.report()
    assert "| balancing=dwa | 4.00 | 2.00 |" in report
    assert "| balancing=dwa | 1.50 |" in report
    assert "mgda" not in report


def test_time_and_memory_are_multiples_of_the_means():
    for method, ratio, megabytes in (("mean", 1.0, 50.0), ("cagrad", 1.25, 60.0)):
        key = {"dataset": "T=16", "method": method}
        records.append("balancing_cost", key | {"ratio": ratio, "fit_mb": megabytes})
    report = balancing_cost.report()
    assert "| cagrad | 1.25 |" in report
    assert "| cagrad | 1.20 |" in report
