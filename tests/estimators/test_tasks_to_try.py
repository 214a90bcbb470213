import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.estimators._alone import tasks_to_try
from sklearn_mtl.estimators._fit import distinct_rows, read_fit_input


def tried(n_labels, sharing, *, n_rows=2000, task_weight=None, constant=(), groups=None):
    """Choose of a table of tasks with so many labels each."""
    rng = np.random.default_rng(0)
    y = pd.DataFrame({f"t{place}": rng.normal(size=n_rows) for place in range(len(n_labels))})
    for place, n in enumerate(n_labels):
        y.iloc[n:, place] = np.nan
        if place in constant:
            y.iloc[:n, place] = 3.0
    options = dict.fromkeys(["sample_weight", "class_weight", "calibrate", "thresholds"])
    read = read_fit_input(
        rng.normal(size=(n_rows, 2)),
        y,
        kind="regression",
        task_weight=task_weight,
        groups=groups,
        owner="Example",
        **{**options, "calibrate": False},
    )
    return tasks_to_try(read, distinct_rows(read, owner="Example"), sharing)


@pytest.mark.parametrize(
    ("n_labels", "expected"),
    [
        # Half of the joint fit is 0.5 * (2000 + 300) = 1150, a task takes its labels + 300.
        ([50, 2000], [0]),
        ([2000, 2000], []),
        ([850, 2000], [0]),
        ([851, 2000], []),
        ([2000, 50, 1000, 60], [1, 3]),
        ([300, 400, 200, 2000], [0, 2]),
        ([10, 50, 2000], [1]),
    ],
    ids=str,
)
def test_auto_tries_the_tasks_with_the_fewest_labels_that_it_can_afford(n_labels, expected):
    assert tried(n_labels, "auto") == expected


def test_each_tries_all_that_can_be_learned():
    options = {"task_weight": [1, 0, 1, 1, 1], "constant": [2]}
    assert tried([2000, 2000, 2000, 19, 20], "each", **options) == [0, 4]


def test_joint_tries_none():
    assert tried([50, 2000], "joint") == []


def test_a_task_without_others_is_not_tried():
    assert tried([50], "each") == []
    assert tried([50, 2000], "each", task_weight=[1, 0]) == []


def test_a_task_with_labels_in_one_group_alone_is_not_tried():
    groups = np.repeat([0, 1, 2, 3], 500)
    assert tried([500, 501, 2000], "each", groups=groups) == [1, 2]
