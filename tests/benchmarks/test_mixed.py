import numpy as np
import pandas as pd
import pytest

from benchmarks import mixed, per_task, records


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """A place for results, and 90 films to predict quickly."""

    def few_films(*, tasks, return_X_y):
        assert (tasks, return_X_y) == ("all", True)
        rng = np.random.default_rng(0)
        X = pd.DataFrame({"year": rng.normal(size=90), "studio": pd.Categorical(list("abc") * 30)})
        y = pd.DataFrame(
            {
                "metacritic": 3 * X["year"],
                "mpaa_rating": pd.cut(X["year"], [-9, -0.5, 0.5, 9], labels=["G", "PG", "R"]),
                "genre_war": pd.array(X["year"] > 0, dtype="boolean"),
            }
        )
        return X, y.mask(rng.random(y.shape) < 0.2)

    monkeypatch.setattr(mixed, "load_movies", few_films)
    monkeypatch.setattr(records, "RESULTS", tmp_path)


def test_ours_is_scored_on_every_kind_of_task_beside_one_model_each(monkeypatch):
    def quick():
        return mixed.MultiTaskAttentionEstimator(preset="fast", max_epochs=10, n_trees=10, random_state=0)

    monkeypatch.setitem(mixed.METHODS, "sklearn_mtl", quick)
    monkeypatch.setitem(mixed.METHODS, "rf_per_task", per_task.linear_per_task)
    mixed.run(datasets=["movies"], methods=["sklearn_mtl", "rf_per_task"])
    rows = records.read("mixed")
    assert [row["fold"] for row in rows] == [0, 0, 1, 1, 2, 2]
    assert min(score for row in rows for score in row["scores"].values()) > 0.8
    report = mixed.report()
    assert "of 3 tasks" in report
    assert [line.split("|")[1].strip() for line in report.splitlines() if line.startswith("| ")][1:5] == [
        "---", "metacritic", "mpaa_rating", "genre_war",
    ]  # fmt: skip


def test_ours_is_the_estimator_of_mixed_tasks_with_its_defaults():
    ours = mixed.METHODS["sklearn_mtl"]()
    defaults = mixed.MultiTaskAttentionEstimator().get_params()
    assert ours.get_params() == defaults | {"random_state": 0}
