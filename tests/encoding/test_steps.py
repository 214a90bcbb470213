"""Sequence columns against plain loops."""

import pickle

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.encoding import (
    ColumnReader,
    LinearDesign,
    NumberScaling,
    SequenceColumns,
    SequenceReader,
    StepScaling,
    merge_rows,
)

EST = "MultiTaskAttentionRegressor"
NAN = float("nan")


def objects(cells):
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def fit(cells, *, max_length=None, centre="none"):
    column = objects(cells)
    return SequenceReader(max_length=max_length, centre=centre).fit(
        column, is_present=np.ones(len(column), dtype=bool)
    )


def read(cells, **options):
    return fit(cells, **options).read(objects(cells))[0]


def steps(sequences, row):
    start = sequences.starts[row]
    return sequences.values[start : start + sequences.lengths[row]]


def many(n_rows=40, n_channels=2, longest=9):
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(rng.integers(1, longest + 1), n_channels)) for _ in range(n_rows)]
    cells[3][0, 0] = NAN
    cells[5] = None
    return cells


@pytest.mark.parametrize(
    "cell",
    [[1, 2.5], (1, 2.5), np.array([1, 2.5]), [[1], [2.5]], pd.Series([1, 2.5]), np.array([1, 2.5], object)],
    ids=["list", "tuple", "array", "nested", "series", "objects"],
)
def test_cells_of_any_container_are_read_alike(cell):
    sequences = read([cell, [3.0]])
    assert steps(sequences, 0).tolist() == [[1.0], [2.5]]
    assert steps(sequences, 1).tolist() == [[3.0]]


@pytest.mark.parametrize("missing", [None, NAN, pd.NA, [], [NAN, NAN], np.full((3, 1), NAN)])
def test_a_cell_without_steps_is_missing(missing):
    reader = fit([[1.0, 2.0], missing])
    sequences, numbers = reader.read(objects([[1.0, 2.0], missing]))
    assert sequences.lengths.tolist() == [2, 0]
    assert np.isnan(numbers[1]).all()


def test_missing_values_inside_stay_and_those_at_the_end_pad():
    sequences = read([[1.0, None, 3.0, None], [NAN, 2.0]])
    assert sequences.lengths.tolist() == [3, 2]
    np.testing.assert_array_equal(steps(sequences, 0)[:, 0], [1.0, NAN, 3.0])


def test_of_long_sequences_the_last_steps_are_read():
    reader = fit([[1.0, 2.0, 3.0, 4.0], [5.0]], max_length=3)
    sequences, _ = reader.read(objects([[1.0, 2.0, 3.0, 4.0], [5.0]]))
    assert steps(sequences, 0)[:, 0].tolist() == [2.0, 3.0, 4.0]
    assert reader.is_cut
    assert reader.length == 3
    assert not fit([[1.0, 2.0, 3.0], [5.0]], max_length=3).is_cut


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        ([[[1, 2]], [[1, 2, 3]]], ValueError, "sequence of 3 channels in row 1, others have 2"),
        ([[1.0], ["a", "b"]], ValueError, r"no list or array of numbers in row 1: \['a', 'b'\]"),
        ([[1.0], [1.0, "b"]], ValueError, "no list or array of numbers in row 1"),
        ([[1.0], [[1.0], [1.0, 2.0]]], ValueError, "no list or array of numbers in row 1"),
        ([[1.0], [1j]], ValueError, "no list or array of numbers in row 1"),
        ([[1.0], "1.0"], TypeError, "sequences and, in row 1, '1.0', which is of type str"),
        ([[1.0], 3.0], TypeError, "in row 1, 3.0, which is of type float"),
        ([[1.0], np.ones((2, 2, 2))], ValueError, r"3 axes in row 1, of shape \(2, 2, 2\)"),
        ([[1.0], [2.0, np.inf]], ValueError, "contains infinity .* in row 1, step 1"),
        ([[], None, [NAN]], ValueError, "has no sequence with any step"),
    ],
    ids=[
        "channels",
        "texts",
        "text-inside",
        "ragged",
        "complex",
        "text",
        "number",
        "axes",
        "infinite",
        "empty",
    ],
)
def test_what_is_no_sequence_is_refused_by_row_and_column(cells, error, message):
    X = pd.DataFrame({"a": objects(cells)})
    with pytest.raises(error, match=f"{EST}: column 'a' .*{message}"):
        ColumnReader().fit(X, owner=EST, sequences=SequenceColumns(columns=["a"]))


def test_numbers_sum_up_each_channel_as_loops_do():
    cells = many()
    reader = fit(cells)
    _, numbers = reader.read(objects(cells))
    for row, cell in enumerate(cells):
        if cell is None:
            assert np.isnan(numbers[row]).all()
            continue
        expected = []
        for channel in cell.T:
            place = np.flatnonzero(~np.isnan(channel))
            seen = channel[place]
            slope = np.polyfit(place, seen, 1)[0] if len(seen) > 1 else 0.0
            expected.append(
                [*(f(seen) for f in (np.mean, np.std, min, max)), seen[0], seen[-1], slope]
                if len(seen)
                else [NAN] * 7
            )
        expected = np.array(expected).T.ravel()
        np.testing.assert_allclose(numbers[row], [*expected, len(cell)], rtol=0, atol=1e-9)


def test_scaling_is_that_of_all_training_steps_with_flags_of_holes():
    sequences = read(many())
    rows = np.arange(0, 40, 2)
    scaling = StepScaling().fit(sequences, rows=rows)
    scaled = scaling.transform(sequences)
    reference = NumberScaling().fit(np.concatenate([steps(sequences, row) for row in rows]))
    assert scaling.n_features == 2  # the row with a hole is none of them
    for row in range(40):
        expected = np.nan_to_num(reference.transform(steps(sequences, row)))
        np.testing.assert_allclose(steps(scaled, row), expected, atol=1e-6)
    flagged = StepScaling().fit(sequences).transform(sequences)
    assert flagged.values.shape[1] == 3
    assert steps(flagged, 3)[0, 2] == 1
    assert flagged.values[:, 2].sum() == 1


@pytest.mark.parametrize("centre", ["last", "mean"])
def test_channels_are_relative_to_what_the_row_says(centre):
    cells = many()
    plain, parts = read(cells), fit(cells).read(objects(cells))[1]
    centred, relative = fit(cells, centre=centre).read(objects(cells))
    names = ["mean", "deviation", "least", "greatest", "first", "last", "slope"]
    of_centre = parts[:, :14].reshape(-1, 7, 2)[:, names.index(centre)]  # (B, C)
    for row in range(40):
        expected = steps(plain, row) - of_centre[row]
        np.testing.assert_allclose(steps(centred, row), expected, atol=1e-12)
    for place, name in enumerate(names):
        is_relative = name in {"mean", "least", "greatest", "first"} - {centre}
        expected = parts[:, 2 * place : 2 * place + 2] - is_relative * of_centre
        np.testing.assert_allclose(relative[:, 2 * place : 2 * place + 2], expected, atol=1e-12)


def test_the_window_has_the_last_steps_that_all_rows_have():
    sequences = read([[1.0, 2.0, 3.0], [4.0, 5.0], None])
    scaling = StepScaling().fit(sequences)
    np.testing.assert_array_equal(scaling.window(sequences), [[2.0, 3.0], [4.0, 5.0], [NAN, NAN]])


def test_the_linear_view_has_the_flattened_window_of_equal_lengths():
    X = np.random.default_rng(0).normal(size=(30, 5, 2))
    reader = ColumnReader().fit(X, owner=EST, sequences=SequenceColumns())
    columns = reader.read(X, owner=EST)
    scaling = StepScaling().fit(columns.sequences[0])
    design = LinearDesign().fit(columns, steps=[scaling]).transform(columns)
    flat = X.reshape(30, -1)
    np.testing.assert_allclose(design[:, -10:], (flat - flat.mean(0)) / flat.std(0), atol=1e-9)


def test_rows_are_merged_by_their_steps_and_order():
    cells = [[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [1.0, 2.0, NAN], None, [], [0.0, 1.0, 2.0], [1.0, NAN, 2.0]]
    X = pd.DataFrame({"a": objects(cells)})
    columns = ColumnReader().fit(X, owner=EST, sequences=SequenceColumns()).read(X, owner=EST)
    y = np.zeros((len(cells), 1))
    inverse = merge_rows(columns, y, np.ones_like(y, dtype=bool), np.ones_like(y)).inverse
    groups = [set(np.flatnonzero(inverse == place).tolist()) for place in inverse]
    assert groups == [{0, 2, 3}, {1}, {0, 2, 3}, {0, 2, 3}, {4, 5}, {4, 5}, {6}, {7}]


def test_columns_of_lists_and_arrays_of_numbers_are_found():
    X = pd.DataFrame(
        {
            "lists": objects([[1, 2], [3], None, [4.5]]),
            "arrays": objects([np.ones((2, 3)), None, np.ones((1, 3)), np.empty((0, 3))]),
            "tags": objects([["a"], ["b"], ["a"], ["b", "c"]]),
            "number": [1.0, 2.0, 3.0, 4.0],
        }
    )
    reader = ColumnReader().fit(X, owner=EST, sequences=SequenceColumns())
    assert [info.kind for info in reader.columns_] == ["sequence", "sequence", "text", "number"]
    assert [info.n_channels for info in reader.columns_] == [1, 3, 0, 0]
    assert [info.cardinality for info in reader.columns_][:2] == [2, 2]
    assert [info.kind for info in ColumnReader().fit(X[["lists"]], owner=EST).columns_] == ["category"]


def test_a_named_column_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match=r"sequences=SequenceColumns\(columns=\['b'\]\) names \['b'\]"):
        ColumnReader().fit(
            pd.DataFrame({"a": [1.0, 2.0]}), owner=EST, sequences=SequenceColumns(columns=["b"])
        )


def test_three_axes_need_sequences():
    with pytest.raises(ValueError, match=r"X has three axes.*leave sequences='auto'"):
        ColumnReader().fit(np.ones((4, 3, 2)), owner=EST)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "lstm"}, "'encoder' parameter"),
        ({"encoder": "none", "window": 3}, r"\(encoder='none', window=3\): this encoder has no window"),
        ({"pooling": "hybrid", "n_tokens": 2}, r"\(pooling='hybrid', n_tokens=2\): expected 3 or more"),
        ({"max_length": 0}, "'max_length' parameter"),
        ({"centre": "first"}, "'centre' parameter"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, message):
    with pytest.raises(ValueError, match=f"Est: sequences=SequenceColumns.*{message}|{message}"):
        SequenceColumns(**options).check(owner="Est")


def test_a_fitted_reader_survives_pickling():
    X = pd.DataFrame({"a": objects(many())})
    reader = ColumnReader().fit(X, owner=EST, sequences=SequenceColumns())
    again = pickle.loads(pickle.dumps(reader)).read(X, owner=EST)
    np.testing.assert_array_equal(again.numbers, reader.read(X, owner=EST).numbers)
