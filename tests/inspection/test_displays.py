"""Pictures: their arrays, and what is drawn of them."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl.inspection import TaskAffinityDisplay, TransferDisplay, task_affinity, transfer_report

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def axes():
    from matplotlib import pyplot

    figure, ax = pyplot.subplots()
    yield ax
    pyplot.close(figure)


@pytest.fixture(autouse=True)
def closed():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def report_of(n_tasks):
    rng = np.random.default_rng(0)
    alone, difference = rng.uniform(0.1, 0.8, n_tasks), rng.normal(0, 0.1, n_tasks)
    return pd.DataFrame(
        {
            "joint": alone + difference,
            "alone": alone,
            "difference": difference,
            "standard_error": 0.05,
            "low": difference - 0.1,
            "high": difference + 0.1,
            "verdict": np.select([difference > 0.1, difference < -0.1], ["helped", "hurt"], "no difference"),
        },
        index=[f"t{task}" for task in range(n_tasks)],
    )


def names_on(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_tasks_that_gained_most_stand_first(axes):
    report = report_of(6)
    display = TransferDisplay.from_report(report, ax=axes)
    assert display.ax_ is axes
    assert display.figure_ is axes.figure
    assert display.report is report
    assert names_on(axes.yaxis) == report.sort_values("difference", ascending=False).index.tolist()


def test_of_many_tasks_those_that_differ_most_are_shown(axes):
    report = report_of(200)
    TransferDisplay(report).plot(ax=axes, max_tasks=10)
    assert sorted(names_on(axes.yaxis)) == sorted(report["difference"].abs().nlargest(10).index)
    assert "10 of 200 tasks" in axes.get_xlabel()


def test_tasks_that_were_not_compared_are_drawn_without_scores(axes):
    report = report_of(3)
    report.iloc[1, :6], report.iloc[1, 6] = np.nan, "not compared"
    assert names_on(TransferDisplay.from_report(report, ax=axes).ax_.yaxis)[-1] == "t1"


def test_dots_are_at_the_scores(axes):
    report = report_of(4).assign(verdict="no difference")
    TransferDisplay.from_report(report, ax=axes)
    ordered = report.sort_values("difference", ascending=False)
    alone, joint = (dots.get_offsets()[:, 0] for dots in axes.collections[-2:])
    np.testing.assert_allclose(alone, ordered["alone"])
    np.testing.assert_allclose(joint, ordered["joint"])


def test_transfer_from_estimator_is_its_report(fitted):
    display = TransferDisplay.from_estimator(fitted)
    pd.testing.assert_frame_equal(display.report, transfer_report(fitted))


@pytest.mark.parametrize("n_tasks", [2, 3, 200])
def test_tasks_that_are_alike_stand_together(axes, n_tasks):
    group = np.arange(n_tasks) % 2
    values = np.where(group[:, None] == group, 0.8, -0.1)
    np.fill_diagonal(values, 1.0)
    names = [f"t{task}" for task in range(n_tasks)]
    display = TaskAffinityDisplay.from_affinity(pd.DataFrame(values, names, names), ax=axes)
    order = [int(name[1:]) % 2 for name in display.affinity.index]
    assert np.count_nonzero(np.diff(order)) == 1
    np.testing.assert_array_equal(axes.images[0].get_array(), display.affinity)
    assert len(names_on(axes.xaxis)) <= 50
    assert ("200 tasks" in axes.get_xlabel()) == (n_tasks == 200)
    assert len(axes.texts) == (n_tasks**2 if n_tasks < 10 else 0)


def test_affinity_from_estimator_is_that_of_the_method(fitted, numbers):
    display = TaskAffinityDisplay.from_estimator(fitted, *numbers, method="gradient")
    expected = task_affinity(fitted, *numbers, method="gradient")
    pd.testing.assert_frame_equal(display.affinity.sort_index().sort_index(axis=1), expected)


def test_holes_are_left_empty(axes):
    values = pd.DataFrame([[1, np.nan, 0.2], [np.nan, 1, 0.3], [0.2, 0.3, 1]])
    TaskAffinityDisplay.from_affinity(values, ax=axes)
    assert len(axes.texts) == 7


def test_matplotlib_is_imported_by_plot_alone():
    code = "import sys, sklearn_mtl.inspection; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
