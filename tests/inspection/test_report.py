"""The page: one file, nothing from elsewhere, and what it says."""

import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import random_array

import sklearn_mtl
from sklearn_mtl import (
    MultiTaskAttentionClassifier,
    MultiTaskAttentionEstimator,
    MultiTaskAttentionRegressor,
    TextColumns,
    multitask_report,
)
from sklearn_mtl.inspection import AttentionDisplay, transfer_report

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
    assert read.text["h2"] == [
        "Worth a look", "Scores", "Data", "Learning", "Attention", "What tasks have in common",
        "Together or alone", "How sure",
    ]  # fmt: skip
    assert all(request.startswith(("#", "data:")) for request in read.requests)
    assert not re.search(r"url\((?!#)|@import|<script", html)
    assert html.count("<svg") == 4


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
        ({"X": lambda X: X}, "Column &#x27;same&#x27;</strong> has the same value in all rows"),
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


def tables_of(html, section):
    """All rows of the tables of a section: name and cells."""
    part = html.split(f'id="{section}"')[1].split("</section>")[0]
    rows = re.findall(r"<tr><th>([^<]*)</th>((?:<td>[^<]*</td>)*)</tr>", part)
    return {name: re.findall(r"<td>([^<]*)</td>", cells) for name, cells in rows}


def sparse_table(n_columns, density):
    rng = np.random.default_rng(0)
    X = random_array((90, n_columns), density=density, rng=rng, format="csr")
    return X, X @ rng.normal(size=(n_columns, 2))


def test_a_sparse_table_has_a_page(page):
    X, y = sparse_table(600, 0.05)
    html = page(MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(X[:60], y[:60]), X, y)
    assert "of 600 columns" in html
    assert tables_of(html, "data")["x0..x599"][0] == "sparse"


def test_so_many_columns_that_their_attention_is_sparse_have_a_page(page):
    X, y = sparse_table(10_500, 0.003)
    model = MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(X, y)
    assert not isinstance(model.feature_attention_, pd.DataFrame)
    assert "40 of 10,500 columns" in page(model, X, y)
    assert AttentionDisplay.from_estimator(model).attention.shape == (2, 10_500)


def test_texts_dates_and_holes_are_described_as_they_were_read(page, hospital):
    rng = np.random.default_rng(0)
    X, y = hospital
    X = X.assign(
        note=[" ".join(rng.choice(["chest", "pain", "fever", "none"], 3)) for _ in range(120)],
        seen=pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 99, 120), unit="D"),
    )
    X.loc[:9, "note"] = None
    text = TextColumns(columns=["note"])
    model = MultiTaskAttentionEstimator(**HOSPITAL_OPTIONS, text=text, random_state=0).fit(X, y)
    rows = tables_of(page(model, X[:20], y[:20]), "data")
    assert rows["note"][:4] == ["text", "4", "0.083", "0.500"]
    assert rows["seen"][0] == "date"
    assert rows["same"] == ["number", "1", "0.000", "0.000", "0"]


def test_two_hundred_tasks_have_a_page(page):
    rng = np.random.default_rng(0)
    X, hidden = rng.normal(size=(60, 3)), rng.normal(size=(60, 1))
    y = X @ rng.normal(size=(3, 200)) + hidden * (np.arange(200) < 100) + rng.normal(size=(60, 200))
    html = page(MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(X[:40], y[:40]), X, y)
    assert html.count("<summary>180 more</summary>") == 3
    assert html.count("<svg") == 3


def test_transfer_is_what_the_fit_knows_or_what_is_given(page, hospital):
    X, y = hospital
    model = MultiTaskAttentionEstimator(**HOSPITAL_OPTIONS, sharing="each", random_state=0).fit(X, y)
    known = transfer_report(model)
    rows = tables_of(page(model, X, y), "together-or-alone")
    assert rows["ill"][:2] == [f"{known.loc['ill', way]:.3f}" for way in ("joint", "alone")]
    other = known.assign(difference=-1.0, verdict=["hurt", "no difference", "not compared"])
    html = page(model, X, y, transfer=other)
    assert "Worse together than alone: days." in html
    assert set(tables_of(html, "together-or-alone")) == {"days", "ill"}


def test_errors_that_go_together_are_named(page):
    rng = np.random.default_rng(0)
    X, hidden = rng.normal(size=(120, 3)), rng.normal(size=120)
    y = pd.DataFrame({"a": X[:, 0] + hidden, "b": hidden + 0.1 * X[:, 1], "c": X[:, 2]})
    html = page(MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(X[:80], y[:80]), X, y)
    assert "in the mean: a, b." in html


def test_tasks_without_common_rows_have_no_picture_of_what_they_share(page, hospital):
    X, y = hospital[0], hospital[1][["days"]].assign(other=hospital[1]["days"])
    y.loc[:59, "days"], y.loc[60:, "other"] = np.nan, np.nan
    html = page(MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(X, y), X, y)
    assert "No two tasks have three rows here" in html
