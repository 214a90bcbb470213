import pytest

from benchmarks import growth, records


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RESULTS", tmp_path)


def _record(dataset, method, seconds):
    _, _, n_tasks = growth.SIZES[dataset]
    measured = {"fit_seconds": seconds, "n_epochs": 5, "epoch_seconds": 1.0, "peak_mb": 100.0 * n_tasks}
    sizes = {"imports_mb": 50.0, "input_mb": 200.0}
    records.append("growth", {"dataset": dataset, "method": method} | measured | sizes)


def test_slopes_are_of_logarithms():
    for n_tasks in (1, 4, 16):
        _record(f"T={n_tasks}", "sklearn_mtl", 3.0 * n_tasks**0.5)
    slopes = [line for line in growth.report().splitlines() if line.startswith("| slope")]
    assert slopes == ["| slope | 0.500 | · | 0.000 | 1.000 | · | · | · |"]


def test_one_model_per_task_is_computed_and_measured():
    _record("T=1", "sklearn_mtl", 10.0)
    _record("T=4", "sklearn_mtl", 20.0)
    _record("T=4", "one_model_per_task", 50.0)
    assert "| T=4 | 0.500 | · | 0.400 | · |" in growth.report()


def test_memory_stands_beside_its_bound():
    _record("n=1000000", "sklearn_mtl", 10.0)
    assert "| n=1000000 | 200.000 | 400.000 | 1100.000 | 0.364 |" in growth.report()


def test_a_fit_of_one_model_per_task_counts_the_epochs_of_all(monkeypatch):
    monkeypatch.setitem(growth.SIZES, "C=10", (60, 10, 3))
    monkeypatch.setattr(growth, "N_EPOCHS", 2)
    record = growth._measure("C=10", "one_model_per_task")
    assert record["n_epochs"] == 6
    assert record["peak_mb"] >= record["imports_mb"] > record["input_mb"] > 0
