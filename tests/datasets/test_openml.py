import gzip
import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from sklearn_mtl.datasets import load_openml

COLUMNS = {"a": "numeric", "b": ["x", "y"], "c": ["0", "1"], "d": "numeric", "e": "numeric"}
ROWS = "1,x,0,0.5,7\n2,?,1,1.5,8\n3,y,0,?,9\n"
ATTRIBUTES = "".join(
    f"@attribute {name} {kind if kind == 'numeric' else '{' + ','.join(kind) + '}'}\n"
    for name, kind in COLUMNS.items()
)
ARFF = f"@relation toy\n{ATTRIBUTES}@data\n{ROWS}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "toy.arff").write_text(ARFF, encoding="utf-8")
    (tmp_path / "toy.csv").write_text("p,q\n1,2\n", encoding="utf-8")
    (tmp_path / "table.csv").write_text(f"a,b,c,d,e\n{ROWS}", encoding="utf-8")
    return tmp_path


@pytest.fixture
def downloaded(tmp_path: Path, monkeypatch) -> None:
    """Where scikit-learn keeps what it has from OpenML: data set 7, `toy`, whose targets are a and e."""
    features = [
        {
            "index": str(index), "name": name, "data_type": "numeric" if kind == "numeric" else "nominal",
            "is_target": str(name in "ae").lower(), "is_ignore": "false", "is_row_identifier": "false",
            "number_of_missing_values": str(int(name in "bd")),
        } | ({} if kind == "numeric" else {"nominal_value": kind})
        for index, (name, kind) in enumerate(COLUMNS.items())
    ]  # fmt: skip
    url = "https://www.openml.org/data/v1/download/70/toy.arff"
    description = {
        "id": "7", "name": "toy", "version": "1", "description": "A toy.", "format": "ARFF",
        "status": "active", "url": url, "file_id": "70",
        "md5_checksum": hashlib.md5(ARFF.encode()).hexdigest(),
    }  # fmt: skip
    answers = {
        "data/list/data_name/toy/limit/2/status/active/": {"data": {"dataset": [{"did": 7, "version": 1}]}},
        "data/7": {"data_set_description": description},
        "data/features/7": {"data_features": {"feature": features}},
        "data/qualities/7": {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "3"}]}},
    }
    home = tmp_path / "openml" / "openml.org"
    files = {f"api/v1/json/{path}": json.dumps(answer) for path, answer in answers.items()}
    for path, text in (files | {"data/v1/download/70/toy.arff": ARFF}).items():
        target = home / f"{path}.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress(text.encode()))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))


@pytest.mark.usefixtures("downloaded")
@pytest.mark.parametrize("name", ["toy", 7], ids=["name", "id"])
def test_targets_of_openml_are_the_declared_ones(name):
    table = load_openml(name)
    assert table.feature_names == ["b", "c", "d"]
    assert table.target_names == ["a", "e"]
    assert table.data.isna().sum().to_dict() == {"b": 1, "c": 0, "d": 1}
    assert table.DESCR.startswith("A toy.")


@pytest.mark.usefixtures("downloaded")
def test_targets_of_both_kinds_and_with_holes_can_be_chosen():
    X, y = load_openml("toy", target=["b", "d"], return_X_y=True)
    assert list(X) == ["a", "c", "e"]
    assert y.isna().to_numpy().tolist() == [[False, False], [True, False], [False, True]]


@pytest.mark.usefixtures("downloaded")
def test_one_target_is_a_frame_of_one_column():
    assert load_openml("toy", target="d").target.shape == (3, 1)


@pytest.mark.usefixtures("downloaded")
def test_a_file_gives_the_table_that_openml_gives(folder):
    there, here = (load_openml("toy", target=["c", "d"], folder=place) for place in (None, folder))
    assert list(here.frame) == list(there.frame)
    for name in "abcde":
        pd.testing.assert_series_equal(
            here.frame[name].astype(str),
            there.frame[name].astype(float if name in "ade" else str).astype(str),
        )


def test_csv_files_have_holes_where_a_question_mark_stands(folder):
    X, y = load_openml("table", target=["d", "c"], folder=folder, return_X_y=True)
    assert X["b"].isna().tolist() == [False, True, False]
    assert list(y) == ["d", "c"]
    assert y["d"].dtype == "float64"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {},
            r"which columns of 'toy' are to be predicted\? Set target to some of them, \['a', 'b',",
        ),
        ({"target": "f"}, r"target \['f'\] is not in 'toy'"),
        ({"target": []}, "which columns of 'toy' are to be predicted"),
    ],
    ids=["none declared", "unknown", "none"],
)
def test_targets_must_be_columns_of_the_file(folder, options, message):
    with pytest.raises(ValueError, match=message):
        load_openml("toy", folder=folder, **options)


def test_missing_file_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"load_openml: no file 7.arff or 7.csv in"):
        load_openml(7, target="c", folder=folder)
