import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from benchmarks import per_task
from benchmarks.classifiers import positive
from benchmarks.per_task import METHODS, PerTask, hgb_per_task


def test_each_task_has_a_model_of_its_observed_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = pd.DataFrame((X > 0).astype(float), index=np.arange(80)[::-1])
    seen = rng.random(y.shape) < 0.5
    whole = y.where(seen)
    model = PerTask(classifier=LogisticRegression()).fit(X, whole)
    alone = LogisticRegression().fit(X[seen[:, 1]], y.to_numpy()[seen[:, 1], 1])
    np.testing.assert_allclose(positive(model, X)[:, 1], alone.predict_proba(X)[:, 1])


def _films(n_rows: int = 120) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers, many categories, holes in both; a number, a flag and three classes to predict."""
    rng = np.random.default_rng(0)
    number = rng.normal(size=n_rows)
    many = pd.Series(rng.integers(300, size=n_rows)).map("c{}".format).astype("category")
    X = pd.DataFrame({"number": number, "many": many.mask(rng.random(n_rows) < 0.1), "flag": number > 0.3})
    y = pd.DataFrame(
        {
            "size": 2 * number,
            "kind": pd.cut(number, [-9, -0.5, 0.5, 9], labels=["low", "mid", "high"]),
            "good": pd.array(number > 0, dtype="boolean"),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.2)


@pytest.mark.parametrize("method", METHODS)
def test_every_kind_of_task_is_learnt_from_every_kind_of_column(method):
    X, y = _films()
    record = per_task.measure(METHODS[method], X[:80], y[:80], X[80:].assign(number=X["number"][80:]), y[80:])
    assert list(record["scores"]) == ["size", "kind", "good"]
    assert min(record["scores"].values()) > 0.8
    assert record["fit_seconds"] > 0


def test_boosted_trees_take_more_categories_than_they_have_bins():
    X, y = _films(3000)
    assert X["many"].nunique() > 255
    model = hgb_per_task().fit(X[:1500], y[["size"]][:1500])
    assert model.predict(X[1500:]).shape == (1500, 1)


def test_floats_are_classes_where_there_are_classifiers_only():
    X = pd.DataFrame({"a": np.arange(20.0)})
    y = pd.DataFrame({"t": (X["a"] > 9).astype(float)})
    assert PerTask(classifier=LogisticRegression()).fit(X, y).classes_["t"].tolist() == [0, 1]
    assert PerTask(regressor=LinearRegression()).fit(X, y).classes_ == {}


def test_tasks_without_both_classes_have_no_score():
    X, y = _films()
    test = y[80:].assign(good=pd.array([True] * 40, dtype="boolean"))
    record = per_task.measure(METHODS["rf_per_task"], X[:80], y[:80], X[80:], test)
    assert record["scores"]["good"] is None


def test_tables_count_the_tasks_on_which_ours_is_ahead():
    machine = {"cpu": "toy", "cores": 1, "threads": 1}
    rows = [
        {"dataset": "d", "method": method, "fold": fold, "fit_seconds": 1.0, "machine": machine}
        | {"scores": {"a": score + fold / 10, "b": None if fold else 0.5}}
        for method, score in (("sklearn_mtl", 0.8), ("rf_per_task", 0.7))
        for fold in range(2)
    ]
    methods = ["sklearn_mtl", "rf_per_task"]
    report = per_task.task_tables(rows, caption="Scores.", n_folds=2, methods=methods, mean=True)
    assert "ahead of the best other on 1 of 2 tasks; its least difference is 0.000" in report
    assert "| a | 0.850 | 0.750 | 0.100 |" in report
    assert "| mean | 0.675 | 0.625 | · |" in report
    assert "yet" in per_task.task_tables(rows[:1], caption="", n_folds=2, methods=methods, mean=True)
