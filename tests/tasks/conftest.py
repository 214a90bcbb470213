import numpy as np
import pandas as pd
import pytest

ANIMALS = ["cat", "dog", None, "bee", "cat"]
FLAGS = [1, None, 0, 1, 0]


def rows(hole=None):
    return [[hole if a is None else a, hole if f is None else f] for a, f in zip(ANIMALS, FLAGS, strict=True)]


# The same five rows of two tasks, (bee, cat, dog) and (0, 1), each with one hole.
CLASS_TABLES = {
    "list-None": rows,
    "list-nan": lambda: rows(np.nan),
    "list-pd.NA": lambda: rows(pd.NA),
    "object": lambda: np.array(rows(), dtype=object),
    "object-NaT": lambda: np.array(rows(pd.NaT), dtype=object),
    "masked": lambda: np.ma.masked_array(
        np.array([["cat", 1], ["dog", 1], ["cat", 0], ["bee", 1], ["cat", 0]], dtype=object),
        mask=[[0, 0], [0, 1], [1, 0], [0, 0], [0, 0]],
    ),
    "frame": lambda: pd.DataFrame({"animal": ANIMALS, "flag": FLAGS}),
    "frame-object": lambda: pd.DataFrame(rows(), columns=["animal", "flag"], dtype=object),
    "frame-nullable": lambda: pd.DataFrame(
        {"animal": pd.array(ANIMALS, dtype="string"), "flag": pd.array(FLAGS, dtype="Int8")}
    ),
    "frame-boolean": lambda: pd.DataFrame({"animal": ANIMALS, "flag": pd.array(FLAGS, dtype="boolean")}),
    "frame-category": lambda: pd.DataFrame(
        {"animal": pd.Categorical(ANIMALS), "flag": pd.Categorical(FLAGS)}
    ),
}

NUMBERS = np.array([[1.5, np.nan], [2.5, 7.0], [np.nan, 8.0]])

# The same three rows of two regression tasks, each with one hole.
NUMBER_TABLES = {
    "float64": NUMBERS.copy,
    "float32": lambda: NUMBERS.astype(np.float32),
    "fortran": lambda: np.asfortranarray(NUMBERS),
    "list-None": lambda: [[1.5, None], [2.5, 7.0], [None, 8.0]],
    "object-pd.NA": lambda: np.array([[1.5, pd.NA], [2.5, 7], [pd.NA, 8]], dtype=object),
    "masked": lambda: np.ma.masked_array(np.nan_to_num(NUMBERS), mask=np.isnan(NUMBERS)),
    "frame": lambda: pd.DataFrame(NUMBERS, columns=["a", "b"]),
    "frame-nullable": lambda: pd.DataFrame(
        {"a": pd.array([1.5, 2.5, None], dtype="Float64"), "b": pd.array([None, 7, 8], dtype="Int64")}
    ),
    "frame-category": lambda: pd.DataFrame(
        {"a": pd.Categorical([1.5, 2.5, None]), "b": pd.Categorical([None, 7, 8])}
    ),
}


@pytest.fixture(params=CLASS_TABLES.values(), ids=list(CLASS_TABLES))
def class_table(request):
    return request.param()


@pytest.fixture(params=NUMBER_TABLES.values(), ids=list(NUMBER_TABLES))
def number_table(request):
    return request.param()
