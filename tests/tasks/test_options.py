"""Options of tasks: for all, by name, in order."""

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.tasks import options_by_task, read_tasks


def digit(value):
    if value is None or value in range(10):
        return value
    raise ValueError("a digit")


@pytest.fixture
def read():
    y = pd.DataFrame({"u": [0.5, 1.5, 2.5], "v": ["a", "b", "a"], "w": ["a", "b", "c"]})
    task_set, _ = read_tasks(y, kind=None, owner="Example")

    def by_task(given, kinds=("binary", "multiclass")):
        options = {"read": digit, "off": None, "kinds": kinds, "argument": "spice", "owner": "Example"}
        return options_by_task(given, task_set, **options)

    return by_task


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, [None, None, None]),
        (3, [None, 3, 3]),
        ({"w": 3}, [None, None, 3]),
        ({"u": None, "v": 1}, [None, 1, None]),
        ([None, 1, 2], [None, 1, 2]),
    ],
    ids=["none", "all", "dict", "dict-with-none", "list"],
)
def test_each_task_gets_its_own(read, given, expected):
    assert read(given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": 1}, r"Example: spice names unknown tasks \['x'\]; the tasks are \['u', 'v', 'w'\]"),
        ([1, 2], r"spice has 2 items, expected 3, .*\['u', 'v', 'w'\]; or give a dict"),
        ({"v": 77}, "spice of task 'v' is 77, expected a digit"),
        (77, "spice of task 'v' is 77, expected a digit"),
        (
            {"u": 1},
            "spice gives 1 to task 'u', which is regression; only tasks that are binary or multiclass",
        ),
    ],
    ids=["unknown-task", "too-few", "bad-value", "bad-value-of-all", "wrong-kind"],
)
def test_what_cannot_be_is_refused(read, given, message):
    with pytest.raises(ValueError, match=message):
        read(given)


def test_an_option_that_no_task_can_have_is_refused(read):
    with pytest.raises(ValueError, match=r"spice is 1, but none of the tasks .* is ordinal; leave it out"):
        read(1, kinds=("ordinal",))
    assert read(None, kinds=("ordinal",)) == [None] * 3
    assert np.shape(read([None] * 3, kinds=("ordinal",))) == (3,)
