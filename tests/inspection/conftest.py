import matplotlib
import numpy as np
import pandas as pd
import pytest

from sklearn_mtl import MultiTaskAttentionEstimator, MultiTaskAttentionRegressor

matplotlib.use("Agg")

SMALL = {
    "n_folds": 2, "n_views": 2, "n_bins": 4, "d_token": 4, "d_hidden": 8, "max_epochs": 6, "n_trees": 8,
    "learning_rate": 0.05, "random_state": 0,
}  # fmt: skip


@pytest.fixture
def regressor():
    """Make small regressors."""
    return lambda **options: MultiTaskAttentionRegressor(**{**SMALL, **options})


@pytest.fixture(scope="session")
def numbers():
    """60 rows; two tasks whose errors have a cause in common, one by itself; a fifth of labels missing."""
    rng = np.random.default_rng(0)
    X, hidden = rng.normal(size=(60, 3)), rng.normal(size=60)
    y = np.column_stack([X[:, 0] + hidden, X[:, 1] - 2 * hidden, X[:, 2]]) + 0.3 * rng.normal(size=(60, 3))
    y[rng.random(y.shape) < 0.2] = np.nan
    return X, y


@pytest.fixture(scope="session")
def fitted(numbers):
    return MultiTaskAttentionRegressor(**SMALL, sharing="each").fit(*numbers)


@pytest.fixture(scope="session")
def mixed(numbers):
    """An estimator of a number, two and three classes, with what it was fitted to."""
    X, y = numbers
    labels = np.column_stack([y[:, 0], y[:, 1] > 0, np.digitize(y[:, 2], [-0.5, 0.5])])
    labels[np.isnan(y)] = np.nan
    kinds = ["regression", "binary", "multiclass"]
    model = MultiTaskAttentionEstimator(**SMALL, task_types=kinds).fit(X, labels)
    return model, X, labels


HOSPITAL_OPTIONS = {
    "n_folds": 2,
    "n_views": 2,
    "n_bins": 4,
    "d_token": 4,
    "d_hidden": 8,
    "max_epochs": 4,
    "n_trees": 8,
}


@pytest.fixture(autouse=True)
def _close_figures():
    from matplotlib import pyplot

    yield
    pyplot.close("all")


@pytest.fixture(scope="session")
def hospital():
    """Numbers, a category and a column that never varies; numbers, flags and classes with holes."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    X["ward"] = pd.Categorical(rng.choice(["north", "south"], 120))
    X["same"] = 1.0
    y = pd.DataFrame(
        {
            "days": 3 * X["a"] + 0.1 * rng.normal(size=120),
            "ill": pd.array((X["ward"] == "north").to_numpy() ^ (rng.random(120) < 0.1), dtype="boolean"),
            "size": pd.cut(X["b"] + 0.3 * rng.normal(size=120), [-9, -0.5, 0.5, 9], labels=["S", "M", "L"]),
        }
    )
    y["size"] = y["size"].astype(pd.CategoricalDtype(["S", "M", "L"]))
    return X, y.mask(rng.random(y.shape) < 0.1)


@pytest.fixture(scope="session")
def hospital_model(hospital):
    X, y = hospital
    options = {
        **HOSPITAL_OPTIONS,
        "max_epochs": 28,
        "learning_rate": 0.02,
        "calibrate": True,
        "random_state": 0,
    }
    return MultiTaskAttentionEstimator(**options).fit(X, y)


@pytest.fixture(scope="session")
def hospital_regressor(hospital):
    X, y = hospital
    return MultiTaskAttentionRegressor(**HOSPITAL_OPTIONS, random_state=0).fit(
        X, y[["days"]].assign(twice=2 * y["days"])
    )
