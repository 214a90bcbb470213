from pathlib import Path

import pandas as pd
import pytest

from sklearn_mtl.datasets._arff import read_arff

HEADER = """\
% A comment.
@RELATION toy

@attribute width NUMERIC
@attribute 'the colour' {red, 'light blue', grey}
@attribute "flag" {0,1}
@attribute size real
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_rows(rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "toy.arff"
        path.write_text(f"{header}@data\n{rows}\n", encoding="utf-8")
        return path

    return write_rows


def test_dense_rows_become_typed_columns(write):
    frame = read_arff(write("1.5, red, 0, 3\n% between rows\n?, 'light blue', 1, -2e3\n4, ?, 1, ?"))
    colours = pd.CategoricalDtype(["red", "light blue", "grey"])
    expected = pd.DataFrame(
        {
            "width": [1.5, None, 4.0],
            "the colour": pd.Categorical(["red", "light blue", None], dtype=colours),
            "flag": [0, 1, 1],
            "size": [3.0, -2000.0, None],
        }
    )
    pd.testing.assert_frame_equal(frame, expected)


def test_sparse_rows_equal_the_same_dense_rows(write):
    dense = read_arff(write("0,red,0,2.5\n1,'light blue',1,0\n0,red,0,0\n?,red,0,0"))
    sparse = read_arff(write("{3 2.5}\n{0 1, 1 'light blue', 2 1}\n{}\n{ 0 ? }"))
    pd.testing.assert_frame_equal(sparse, dense)


def test_flags_with_holes_stay_categories(write):
    frame = read_arff(write("1,red,?,1\n1,red,1,1"))
    assert frame["flag"].isna().tolist() == [True, False]
    assert frame["flag"].cat.categories.tolist() == ["0", "1"]


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ("1,green,0,1", HEADER, r"toy.arff: attribute 'the colour' declares .*, but holds \['green'\]"),
        ("wide,red,0,1", HEADER, "toy.arff: attribute 'width': .*wide"),
        ("1", "@attribute born date\n", "attribute 'born' is of type 'date'; expected numeric or nominal"),
        ("1,1", "@attribute a real\n@attribute a real\n", "two attributes have one name"),
        ("1", "@attribute a\n", "cannot read '@attribute a'"),
    ],
    ids=["unknown level", "text in a number", "date", "duplicate name", "no type"],
)
def test_errors_name_the_file_and_the_attribute(write, rows, header, message):
    with pytest.raises(ValueError, match=message):
        read_arff(write(rows, header))
