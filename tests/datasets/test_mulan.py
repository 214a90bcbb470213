from pathlib import Path

import pandas as pd
import pytest

from sklearn_mtl.datasets import load_mulan

ATTRIBUTES = "@attribute a real\n@attribute b {x,y}\n@attribute c {0,1}\n@attribute d {0,1}\n"
ROWS = f"@relation toy\n{ATTRIBUTES}@data\n1,x,0,1\n2,y,1,0\n"
LABELS = (
    '<labels xmlns="http://mulan.sourceforge.net/labels"><label name="d"></label><label name="c"/></labels>'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "toy.arff").write_text(ROWS, encoding="utf-8")
    return tmp_path


def test_targets_are_the_last_columns(folder):
    X, y = load_mulan("toy", folder=folder, n_targets=1, return_X_y=True)
    assert list(X) == ["a", "b", "c"]
    assert y["d"].tolist() == [1, 0]


def test_labels_of_the_xml_are_the_targets_in_its_order(folder):
    (folder / "deep" / "toy.xml").write_text(LABELS, encoding="utf-8")
    bunch = load_mulan("toy", folder=folder)
    assert bunch.feature_names == ["a", "b"]
    assert bunch.target_names == ["d", "c"]
    pd.testing.assert_frame_equal(bunch.frame[["d", "c"]], bunch.target)
    pd.testing.assert_frame_equal(bunch.frame[["a", "b"]], bunch.data)


def test_unknown_number_of_targets_asks_for_it(folder):
    with pytest.raises(ValueError, match="how many of the last columns of 'toy' are targets"):
        load_mulan("toy", folder=folder)


@pytest.mark.parametrize("n_targets", [0, 4])
def test_targets_leave_at_least_one_input(folder, n_targets):
    with pytest.raises(ValueError, match=f"n_targets must be from 1 to 3 for 'toy', got {n_targets}"):
        load_mulan("toy", folder=folder, n_targets=n_targets)


def test_missing_file_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"no file jura.arff in"):
        load_mulan("jura", folder=folder)


@pytest.mark.parametrize(
    ("name", "n_rows", "n_inputs", "n_targets", "n_missing"),
    [
        ("enb", 768, 8, 2, 0),
        ("jura", 359, 15, 3, 0),
        ("wq", 1060, 16, 14, 0),
        ("sf2", 1066, 10, 3, 0),
        ("scpf", 1137, 23, 3, 9255),
        ("atp1d", 337, 411, 6, 0),
        ("oes10", 403, 298, 16, 0),
        ("andro", 49, 30, 6, 0),
        ("rf1", 9125, 64, 8, 3264),
        ("yeast", 2417, 103, 14, 0),
        ("emotions", 593, 72, 6, 0),
        ("medical", 978, 1449, 45, 0),
    ],
)
def test_real_tables_have_their_published_shape(collection, name, n_rows, n_inputs, n_targets, n_missing):
    X, y = load_mulan(name, folder=collection, return_X_y=True)
    assert X.shape == (n_rows, n_inputs)
    assert y.shape == (n_rows, n_targets)
    assert X.isna().to_numpy().sum() == n_missing
    assert y.notna().to_numpy().all()
