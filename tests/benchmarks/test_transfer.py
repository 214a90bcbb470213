import numpy as np
import pytest
from scipy.stats import t

from benchmarks import records, transfer


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")


@pytest.mark.parametrize("name", transfer.PLANTED)
def test_only_the_helped_task_has_few_labels(name):
    X, y, X_test, y_test = transfer.draw(name, 1)
    assert len(X) == len(y) == 300
    assert y.iloc[:, 0].notna().sum() == (60 if name == "helpful" else 300)
    assert y.iloc[:, 1:].notna().all(axis=None)
    assert y_test.notna().all(axis=None)
    assert not X.index.intersection(X_test.index).size


def test_what_reports_find_is_held_against_other_rows():
    for seed, (verdict, difference) in enumerate([("helped", 0.2), ("no difference", -0.1), ("hurt", -0.2)]):
        key = {"dataset": "helpful", "seed": seed}
        found = {"seconds": 3.0, "difference": difference, "standard_error": 0.1, "verdict": verdict}
        records.append("transfer", key | {"method": "quick"} | found)
        for method, score in {"alone": 0.5, "joint": 0.6 + seed / 10, "auto": 0.7, "each": 0.8}.items():
            records.append("transfer", key | {"method": method, "fit_seconds": 1.5, "score": score})
    report = transfer.report()
    # Other rows say 0.1, 0.2 and 0.3: the first of the two that are sure has the sign.
    assert "| helpful, quick | 3.000 | 0.333 | 0.333 | -0.033 | 0.200 | 3.000 | 0.058 | 0.500 |" in report
    assert "| helpful | 2.000 |" in report
    assert "| helpful | 0.200 | 0.058 | 0.200 | 0.000 | 0.300 | 0.000 |" in report


def test_tasks_of_real_tables_are_counted_by_their_intervals():
    alone = np.tile([0.5, 0.5, 0.5], (5, 1))
    noise = np.array([-0.01, 0.0, 0.01, 0.02, -0.02])[:, None]
    joint = alone + np.array([0.1, 0.0, -0.2]) + noise
    for method, scores in {"alone": alone, "joint": joint}.items():
        for fold in range(5):
            record = {"dataset": "jura", "method": method, "fold": fold, "scores": scores[fold].tolist()}
            records.append("transfer", record | {"tasks": ["Cd", "Co", "Cu"]})
    half = t.ppf(0.975, 4) * np.sqrt(1 / 5 + 1 / 4) * noise.std(ddof=1)
    assert f"| jura, Cu | 0.500 | -0.200 | {-0.2 - half:.3f} | {-0.2 + half:.3f} |" in transfer.report()
    assert "| jura, joint | 5.000 | 3.000 | 1.000 | 1.000 | -0.033 | -0.200 | 0.100 |" in transfer.report()
