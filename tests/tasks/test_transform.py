import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer

from sklearn_mtl.tasks import fit_transform, read_labels, read_tasks

LABELS = np.array([0.0, 1.0, 3.5, 20.0, 400.0])


def read(transform, y=None, kind="regression"):
    y = pd.DataFrame({"a": LABELS, "b": -LABELS}) if y is None else y
    return read_tasks(y, kind=kind, target_transform=transform, owner="Test")[0]


def fitted(transform, labels=LABELS):
    column = read_labels(pd.Series(labels, name="a"), owner="Test").columns[0]
    return fit_transform(transform, column, labels, owner="Test")


@pytest.mark.parametrize(
    "transform",
    ["log1p", "yeo-johnson", PowerTransformer(), QuantileTransformer(n_quantiles=5)],
    ids=["log1p", "yeo-johnson", "power", "quantile"],
)
def test_labels_come_back(transform):
    fit = fitted(transform)
    np.testing.assert_allclose(fit.inverse(fit.forward(LABELS)), LABELS, atol=1e-6)
    assert fit.forward(LABELS).std() < LABELS.std()


@pytest.mark.parametrize("transform", ["log1p", "yeo-johnson"])
@pytest.mark.parametrize("size", [1e3, -1e3])
def test_predictions_do_not_leave_the_range_of_the_labels(transform, size):
    back = fitted(transform).inverse(np.array([size]))
    assert back[0] == pytest.approx(400.0 if size > 0 else 0.0, abs=1e-6)


def test_tables_of_quantiles_come_back_column_by_column():
    fit = fitted("log1p")
    table = np.log1p(np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_allclose(fit.inverse(table), [[1, 2], [3, 4]])


def test_a_transformer_is_not_changed():
    transformer = PowerTransformer()
    read({"a": transformer})
    assert not hasattr(transformer, "lambdas_")


def test_only_the_tasks_that_are_named_are_transformed():
    tasks = read({"a": "log1p"}).tasks
    assert [task.transform is None for task in tasks] == [False, True]


def test_one_transform_is_for_all_numbers_but_rates():
    y = pd.DataFrame({"a": LABELS, "b": LABELS, "c": list("xyxyx")})
    tasks = read("log1p", y, {"a": "quantile", "b": "poisson", "c": "classification"}).tasks
    assert [task.transform is None for task in tasks] == [False, True, True]


@pytest.mark.parametrize(
    ("transform", "kind", "message"),
    [
        ({"z": "log1p"}, "regression", r"target_transform names unknown tasks \['z'\]"),
        ({"a": "log"}, "regression", r"target_transform of task 'a' is 'log', expected one of \['log1p'"),
        ("log1p", "regression", "task 'b', 'log1p', needs labels above -1, and there is -400; use 'yeo"),
        ({"a": "log1p"}, {"a": "poisson"}, "gives 'log1p' to task 'a', which has classes or, for 'poisson'"),
        ({"a": 3}, "regression", "target_transform of task 'a', 3, cannot be used"),
        (
            {"a": FunctionTransformer(np.square, np.square, check_inverse=False)},
            "regression",
            "cannot be undone: the label 400 ",
        ),
        (
            {"a": FunctionTransformer(lambda y: np.where(y > 3, np.inf, y))},
            "regression",
            "makes the label 3.5 infinite or NaN",
        ),
    ],
)
def test_unusable_transforms_are_refused(transform, kind, message):
    with pytest.raises(ValueError, match=f"(?s)Test: .*{message}"):
        read(transform, kind=kind)
