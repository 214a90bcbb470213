import numpy as np
import pytest

from benchmarks import atis, records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Questions as ATIS has them, of two kinds and with one slot."""
    rng = np.random.default_rng(0)
    (tmp_path / "atis").mkdir()
    for part, n_rows in {"train": 50, "dev": 10, "test": 12}.items():
        asked = rng.choice(["fly", "fare"], n_rows)
        cities = rng.choice(["boston", "denver", "dallas"], n_rows)
        lines = {
            "seq.in": [f"{ask} to {city} please" for ask, city in zip(asked, cities, strict=True)],
            "seq.out": ["O O B-city O"] * n_rows,
            "label": [f"atis_{ask}" for ask in asked],
        }
        for kind, of_rows in lines.items():
            (tmp_path / "atis" / f"{part}.{kind}").write_text("\n".join(of_rows) + "\n")
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    return tmp_path


def test_one_model_and_two_are_scored_alike(folder, monkeypatch):
    def quick():
        return atis.MultiTaskAttentionEstimator(max_epochs=10, n_folds=2, n_trees=0, random_state=0)

    monkeypatch.setitem(atis.METHODS, "sklearn_mtl", quick)
    atis.run(folder=folder, datasets=["atis"], methods=list(atis.METHODS))
    measured = {record["method"]: record for record in records.read("atis")}
    assert list(measured) == ["sklearn_mtl", "tfidf_and_windows"]
    for record in measured.values():
        assert record["intent_accuracy"] == record["slot_accuracy"] == record["slot_span_f1"] == 1
    assert "slot_span_f1" in atis.report()
