import pandas as pd
import pytest

from benchmarks import ablation_attention, records


@pytest.fixture(autouse=True)
def own_results(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")


def write(dataset, method, fold, **measured):
    records.append("ablation_attention", {"dataset": dataset, "method": method, "fold": fold, **measured})


def test_losses_are_compared_fold_by_fold_on_whole_sets_alone():
    for fold in range(5):
        write("jura", "default", fold, loss=0.5 * (fold + 1), network_loss=1.0)
        write("jura", "born", fold, loss=0.51 * (fold + 1), network_loss=0.9 + 0.1 * (fold % 2))
    write("jura", "encoder", 0, loss=9.0, network_loss=9.0)
    report = ablation_attention.report()
    assert "| born | 2.000 | 0.000 | 2.000 |" in report
    assert "| born | -6.000 | 2.449 | -6.000 |" in report
    assert "encoder" not in report


def test_gains_are_over_the_same_task_alone():
    tasks = [f"task_{place}" for place in range(6)]
    for method, related, own in (("alone", 0.5, 0.8), ("default", 0.6, 0.72)):
        for seed in range(2):
            r2 = {name: related if place < 3 else own for place, name in enumerate(tasks)}
            write("conflict", method, seed, r2=r2, network_r2=r2)
    assert "| default | 0.100 | 0.000 | -0.080 | 0.000 | 0.900 | 2.000 |" in ablation_attention.report()


def test_time_and_memory_are_parts_of_the_defaults():
    for size, seconds in (("T=3", 1.0), ("T=16", 2.0)):
        write(size, "default", 0, epoch_seconds=1.0, fit_mb=100.0)
        write(size, "encoder", 0, epoch_seconds=seconds, fit_mb=150.0)
    assert "| encoder | 1.000 | 2.000 | 1.500 | 1.500 |" in ablation_attention.report()


def test_a_drawn_case_scores_every_task(monkeypatch):
    monkeypatch.setattr(ablation_attention, "_N_ROWS", 60)
    monkeypatch.setattr(ablation_attention, "_N_TEST_ROWS", 50)
    measured = ablation_attention._measure_drawn("sharing shared", 0)
    assert [len(measured[name]) for name in ("r2", "network_r2")] == [6, 6]
    assert measured["r2"] != measured["network_r2"]


def test_rows_without_labels_are_there_or_left_out(monkeypatch):
    seen = []
    monkeypatch.setattr(
        ablation_attention, "_measure", lambda make, X, y, *_: seen.append((make(), X, y)) or {}
    )
    X = pd.DataFrame({"x": range(100)})
    y = pd.DataFrame({"a": range(100), "b": range(100)})
    for method in ablation_attention.WITH_FEW:
        ablation_attention._measure_few(lambda of=method: ablation_attention._with_few(of), X, y, X, y)
    (plain, *_), (vat, all_rows, few), (same, left, labelled) = seen
    assert plain == {}
    assert vat == same
    assert few.notna().all(axis="columns").sum() == 60
    assert few.dropna().sort_index().equals(labelled.astype(float).sort_index())
    assert (len(all_rows), len(left)) == (100, 60)
