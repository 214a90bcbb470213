"""The page: one file, nothing from elsewhere, and what it says."""

import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pandas as pd
import pytest

import sklearn_mtl
from sklearn_mtl import MultiTaskAttentionClassifier, MultiTaskAttentionRegressor, multitask_report

from .conftest import HOSPITAL_OPTIONS

VOID = {"meta", "link", "br", "img", "path", "use", "rect", "image"}


class Page(HTMLParser):
    """Reads headings, tables and warnings; fails where tags do not close."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.requests, self.ids = [], {}, [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.requests += [values[name] for name in ("src", "href", "xlink:href", "srcset") if name in values]
        if "id" in values:
            self.ids.append(values["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)


@pytest.fixture
def page(tmp_path):
    def write(estimator, X, y, **options):
        path = sklearn_mtl.report(estimator, X, y, path=tmp_path / "report.html", **options)
        return path.read_text(encoding="utf-8")

    return write


def test_the_page_has_all_sections_and_needs_nothing_else(page, hospital_model, hospital):
    html = page(hospital_model, *hospital)
    read = Page(html)
    assert read.text["h2"] == ["Worth a look", "Scores", "Data", "Learning", "Attention", "How sure"]
    assert all(request.startswith(("#", "data:")) for request in read.requests)
    assert not re.search(r"url\((?!#)|@import|<script", html)
    assert html.count("<svg") == 3


def test_links_lead_to_sections(page, hospital_model, hospital):
    read = Page(page(hospital_model, *hospital))
    links = [request[1:] for request in read.requests if request.startswith("#")]
    assert set(links) <= set(read.ids)
    assert {"worth-a-look", "how-sure"} <= set(links)


def test_scores_are_those_of_the_multitask_report(page, hospital_model, hospital):
    scores, html = multitask_report(hospital_model, *hospital), page(hospital_model, *hospital)
    for task in hospital_model.task_names_:
        row = re.search(rf"<tr><th>{task}</th>(.*?)</tr>", html)[1]
        assert f"<td>{scores.loc[task, 'oof_score']:.3f}</td>" in row
        assert f"<td>{scores.loc[task, 'gain']:.3f}</td>" in row


def test_coverage_is_counted_on_the_rows(page, hospital_model, hospital):
    X, y = hospital
    bounds, seen = hospital_model.predict_interval(X)["days"], y["days"].notna()
    inside = y["days"].between(bounds["lower"], bounds["upper"])[seen].mean()
    section = page(hospital_model, X, y).split('id="how-sure"')[1]
    row = re.search(r"<tr><th>days</th>(.*?)</tr>", section)[1]
    assert f"<td>{seen.sum()}</td><td>{inside:.3f}</td>" in row


def test_the_same_page_twice_whatever_the_style(page, hospital_model, hospital):
    first = page(hospital_model, *hospital)
    with matplotlib.pyplot.style.context("dark_background"):
        assert page(hospital_model, *hospital) == first


def test_no_figure_stays_open(page, hospital_model, hospital):
    page(hospital_model, *hospital)
    assert matplotlib.pyplot.get_fignums() == []


def test_names_are_escaped(page, hospital):
    X, y = hospital[0][["a", "b"]], hospital[1][["days"]]
    X, y = (
        X.set_axis(["<i>", "x & $y$ $"], axis="columns"),
        y.set_axis(["<script>alert(1)</script>"], axis="columns"),
    )
    html = page(MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(X, y), X, y, title="<b>")
    assert "<script" not in html
    assert "<title>&lt;b&gt;</title>" in html
    Page(html)


@pytest.mark.parametrize("as_array", [False, True], ids=["frame", "array"])
def test_one_axis_of_numbers_or_classes_has_a_page(page, hospital, as_array):
    X, days = hospital[0][["a", "b"]], hospital[1]["days"].fillna(0)
    flags = days > 0
    if as_array:
        X, days, flags = X.to_numpy(), days.to_numpy(), flags.to_numpy()
    for estimator, y in ((MultiTaskAttentionRegressor, days), (MultiTaskAttentionClassifier, flags)):
        model = estimator(**HOSPITAL_OPTIONS, random_state=0).fit(X, y)
        assert "1 task<" in page(model, X, y)


def test_many_columns_are_folded_away(page):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 45)), rng.normal(size=60)
    html = page(MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(X, y), X, y)
    assert "<summary>25 more</summary>" in html


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"score": lambda X: X.sample(frac=1, random_state=0)}, "No better than a constant: days"),
        ({"X": lambda X: X}, "Columns that never vary: same."),
        ({"y": lambda y: y.mask(np.arange(len(y))[:, None] >= 40)}, "Less than 50 labels"),
        ({"score": lambda X: X.assign(a=-X["a"])}, "Much worse here than out of fold: days"),
        ({"score": lambda X: X.assign(a=-X["a"])}, "hold too few labels: days"),
    ],
    ids=["noise", "constant", "few", "drift", "coverage"],
)
def test_what_stands_out_is_said(page, hospital, change, warning):
    X, y = hospital[0], hospital[1][["days"]]
    y = change.get("y", lambda y: y)(y)
    options = {**HOSPITAL_OPTIONS, "max_epochs": 20, "learning_rate": 0.02, "random_state": 0}
    model = MultiTaskAttentionRegressor(**options).fit(X, y)
    assert warning in page(model, change.get("score", lambda X: X)(X), y)


def test_a_page_needs_no_task_with_enough_labels_for_intervals(page, hospital):
    X, y = hospital[0], hospital[1][["days"]].mask(np.arange(120)[:, None] >= 6)
    html = page(MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(X, y), X, y)
    assert "too few labels for intervals" in html


def test_labels_of_other_tasks_are_refused(hospital_model, hospital, tmp_path):
    with pytest.raises(ValueError, match="columns of y are not the tasks"):
        sklearn_mtl.report(
            hospital_model, hospital[0], pd.DataFrame({"age": range(120)}), path=tmp_path / "report.html"
        )
    assert list(tmp_path.iterdir()) == []
