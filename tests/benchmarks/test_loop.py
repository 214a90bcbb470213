import numpy as np
import pytest

from benchmarks import loop, records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rows = [
        f"{a:.3f},{b:.3f},{a + b:.3f},{a * b:.3f}" for a, b in np.random.default_rng(0).normal(size=(40, 2))
    ]
    header = "@relation toy\n@attribute a real\n@attribute b real\n@attribute y1 real\n@attribute y2 real\n"
    (tmp_path / "enb.arff").write_text("\n".join([f"{header}@data", *rows]))
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    for name, few in {"N_EPOCHS": 2, "N_ROUNDS": 1, "N_CALLS": 3}.items():
        monkeypatch.setattr(loop, name, few)
    return tmp_path


def test_every_time_has_a_bare_one_beside_it(folder):
    loop.run(folder=folder, datasets=["enb"], methods=["sklearn_mtl"])
    (record,) = records.read("loop")
    for name in ("epoch_ms", "one_row_ms"):
        assert record[name] > 0
        assert record[f"bare_{name}"] > 0
    assert loop.report().count("| enb |") == 2
