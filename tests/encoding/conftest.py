from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

NUMBERS = np.array([[0.0, 1.0], [1.0, 3.0], [1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
COLOURS = ["red", "blue", "red", None, "blue"]


def with_holes(numbers, hole):
    rows = numbers.astype(object)
    rows[1, 1] = hole
    return rows


# Each makes the same five rows of two numbers; whether the second has a hole in row 1 is said.
NUMBER_TABLES = {
    "float64": (lambda: NUMBERS.copy(), False),
    "float64-hole": (lambda: with_holes(NUMBERS, np.nan).astype(float), True),
    "float64-fortran": (lambda: np.asfortranarray(NUMBERS), False),
    "float32": (lambda: NUMBERS.astype(np.float32), False),
    "float16": (lambda: NUMBERS.astype(np.float16), False),
    "int64": (lambda: NUMBERS.astype(np.int64), False),
    "uint8": (lambda: NUMBERS.astype(np.uint8), False),
    "object": (lambda: NUMBERS.astype(object), False),
    "object-none": (lambda: with_holes(NUMBERS, None), True),
    "object-pd.NA": (lambda: with_holes(NUMBERS, pd.NA), True),
    "masked": (lambda: np.ma.masked_array(NUMBERS, mask=np.arange(10).reshape(5, 2) == 3), True),
    "text-array": (lambda: NUMBERS.astype(str), False),
    "list": (lambda: NUMBERS.tolist(), False),
    "list-none": (lambda: with_holes(NUMBERS, None).tolist(), True),
    "frame": (lambda: pd.DataFrame(NUMBERS), False),
    "frame-float32": (lambda: pd.DataFrame(NUMBERS.astype(np.float32)), False),
    "frame-object": (lambda: pd.DataFrame(with_holes(NUMBERS, None), dtype=object), True),
    "frame-Int64": (lambda: pd.DataFrame(with_holes(NUMBERS, pd.NA)).astype("Int64"), True),
    "frame-Float32": (lambda: pd.DataFrame(with_holes(NUMBERS, pd.NA)).astype("Float32"), True),
    "frame-bool-int": (lambda: pd.DataFrame({"a": NUMBERS[:, 0] > 0, "b": NUMBERS[:, 1].astype(int)}), False),
    "frame-boolean": (
        lambda: pd.DataFrame({"a": pd.array(NUMBERS[:, 0] > 0, dtype="boolean"), "b": NUMBERS[:, 1]}),
        False,
    ),
    "frame-sparse": (lambda: pd.DataFrame(NUMBERS).astype(pd.SparseDtype(float, 0.0)), False),
}
CATEGORY_COLUMNS = {
    "object": lambda: pd.Series(COLOURS, dtype=object),
    "object-pd.NA": lambda: pd.Series([c or pd.NA for c in COLOURS], dtype=object),
    "str": lambda: pd.Series(COLOURS, dtype="str"),
    "string": lambda: pd.Series(COLOURS, dtype="string"),
    "category": lambda: pd.Series(pd.Categorical(COLOURS)),
    "category-unused": lambda: pd.Series(pd.Categorical(COLOURS, categories=["blue", "red", "violet"])),
}
if find_spec("pyarrow"):
    NUMBER_TABLES["frame-arrow"] = (
        lambda: pd.DataFrame(with_holes(NUMBERS, None)).astype("double[pyarrow]"),
        True,
    )
    CATEGORY_COLUMNS["arrow"] = lambda: pd.Series(COLOURS, dtype="string[pyarrow]")


@pytest.fixture(params=NUMBER_TABLES)
def number_table(request):
    """A table of numbers in some container, and the float64 array that it means."""
    make, has_hole = NUMBER_TABLES[request.param]
    expected = NUMBERS.copy()
    if has_hole:
        expected[1, 1] = np.nan
    return make(), expected


@pytest.fixture(params=CATEGORY_COLUMNS)
def colour_table(request):
    """A DataFrame with a column of colours: red, blue, red, a hole, blue."""
    return pd.DataFrame({"colour": CATEGORY_COLUMNS[request.param]()})
