import pytest

from sklearn_mtl.tasks import read_tasks, smoothing_of_each


def read(label_smoothing):
    task_set, _ = read_tasks([[1.5, "a", 0], [2.5, "b", 1]], kind=None, owner="Test")
    return smoothing_of_each(task_set, label_smoothing, owner="Test")


@pytest.mark.parametrize("nothing", [0.0, 0, {}, {"task_1": 0.0}], ids=str)
def test_no_smoothing_is_none(nothing):
    assert read(nothing) is None


def test_a_number_is_for_all_tasks_of_classes():
    assert read(0.2) == [0.0, 0.2, 0.2]
    assert read({"task_2": 0.3}) == [0.0, 0.0, 0.3]


@pytest.mark.parametrize(
    ("label_smoothing", "message"),
    [
        ({"task_7": 0.1}, r"label_smoothing names unknown tasks \['task_7'\]"),
        ({"task_0": 0.1}, "gives 0.1 to task 'task_0', which is regression and has no classes; leave it out"),
        ({"task_1": 1.0}, "of task 'task_1' is 1.0, expected a number from 0 to below 1"),
        ({"task_1": -0.1}, "of task 'task_1' is -0.1, expected"),
        ({"task_1": "a"}, "of task 'task_1' is 'a', expected"),
        ({"task_1": float("nan")}, "of task 'task_1' is nan, expected"),
    ],
)
def test_unusable_shares_are_refused(label_smoothing, message):
    with pytest.raises(ValueError, match=f"Test: label_smoothing.*{message.removeprefix('label_smoothing')}"):
        read(label_smoothing)
