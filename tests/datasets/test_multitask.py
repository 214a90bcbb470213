import pickle

import numpy as np
import pandas as pd
import pytest

from sklearn_mtl import MultiTaskAttentionClassifier
from sklearn_mtl.datasets import make_multitask

MIXED = ["regression", "binary", "multiclass", "ordinal"]


def test_related_tasks_of_one_are_the_same_function_of_the_inputs():
    table = make_multitask(300, relatedness=1, noise=[0, 0, 0, 0], random_state=0)
    assert table.complete_target.nunique(axis="columns").eq(1).all()
    assert table.relatedness.eq(1).all(axis=None)
    assert table.relevant.nunique().eq(1).all()


def test_tasks_without_relatedness_share_no_column_and_no_correlation():
    table = make_multitask(20_000, relatedness=0, random_state=0)
    assert table.relevant.sum().max() == 1
    np.testing.assert_allclose(np.corrcoef(table.signal(table.data), rowvar=False), np.eye(4), atol=0.03)


def test_signals_correlate_as_they_say_and_targets_have_unit_variance():
    table = make_multitask(
        50_000,
        27,
        6,
        groups=list("aabbcc"),
        relatedness=[0.9, 0.4, 0.5, -0.5, 1, 1],
        noise=[0.5, 0, 0, 0.3, 0, 1],
        random_state=3,
    )
    signal = table.signal(table.data)
    expected = np.corrcoef(signal[:, :5], rowvar=False)
    np.testing.assert_allclose(table.relatedness.iloc[:5, :5], expected, atol=0.03)
    np.testing.assert_allclose(table.relatedness.iloc[0, 1], 0.6)
    np.testing.assert_allclose(table.relatedness.iloc[2, 3], -0.5)
    assert table.relatedness.iloc[5].eq(0).all()
    np.testing.assert_allclose(signal.var(axis=0), [0.5, 1, 1, 0.7, 1, 0], atol=0.03)
    np.testing.assert_allclose(table.complete_target.mean(), 0, atol=0.03)
    np.testing.assert_allclose(table.complete_target.var(), 1, atol=0.03)


def test_signal_is_the_target_without_noise():
    table = make_multitask(50, noise=0, random_state=0)
    np.testing.assert_allclose(table.signal(table.data), table.complete_target)


def test_relevant_names_exactly_the_columns_that_move_a_task():
    table = make_multitask(100, 20, groups=[0, 0, 1, 1], relatedness=[1, 0.5, 1, 0], random_state=1)
    signal = table.signal(table.data)
    for column in table.data:
        shuffled = table.data.assign(**{column: table.data[column].to_numpy()[::-1]})
        moved = (table.signal(shuffled) != signal).any(axis=0)
        assert moved.tolist() == table.relevant[column].tolist()


@pytest.mark.parametrize("missing", ["random", "not at random"])
def test_shares_of_missing_labels_are_met(missing):
    shares = [0.0, 0.125, 0.5, 0.998]
    table = make_multitask(
        1000, task_types=MIXED, missing_labels=shares, missing=missing, relatedness=1, random_state=0
    )
    assert table.target.isna().mean().tolist() == shares


def test_holes_depend_on_the_value_if_they_are_not_at_random():
    def gap(missing: str) -> pd.Series:
        table = make_multitask(5000, missing_labels=0.3, missing=missing, random_state=0)
        return table.complete_target.mean() - table.target.mean()

    assert gap("not at random").gt(0.3).all()
    assert gap("random").abs().lt(0.03).all()


def test_holes_change_no_other_label():
    whole = make_multitask(200, task_types=MIXED, relatedness=1, random_state=0)
    holed = make_multitask(200, task_types=MIXED, relatedness=1, missing_labels=0.4, random_state=0)
    pd.testing.assert_frame_equal(holed.data, whole.data)
    pd.testing.assert_frame_equal(holed.complete_target, whole.target)
    pd.testing.assert_frame_equal(holed.target, whole.target.mask(holed.target.isna()))


def test_other_relatedness_leaves_the_shared_function():
    weak, strong = (make_multitask(100, relatedness=r, noise=0, random_state=0) for r in (0.81, 1))

    def own_part(X: pd.DataFrame) -> np.ndarray:
        return weak.signal(X) - 0.9 * strong.signal(X)

    shared = strong.relevant.columns[strong.relevant.loc["task_0"]]
    shuffled = weak.data.assign(**{column: weak.data[column].to_numpy()[::-1] for column in shared})
    np.testing.assert_allclose(own_part(shuffled), own_part(weak.data), atol=1e-12)
    assert weak.relevant[shared].all(axis=None)


def test_classes_cut_the_score_into_equal_parts():
    table = make_multitask(
        900, task_types=MIXED, n_classes=3, relatedness=1, noise=0, missing_labels=0.1, random_state=0
    )
    score = table.complete_target.pop("task_0")
    for name, n_classes in {"task_1": 2, "task_2": 3, "task_3": 3}.items():
        labels = table.complete_target[name]
        ranges = score.groupby(labels.astype(int)).agg(["min", "max", "size"]).sort_values("min")
        assert ranges["size"].eq(900 // n_classes).all()
        assert ranges["max"].to_numpy()[:-1].tolist() < ranges["min"].to_numpy()[1:].tolist()
        assert name == "task_2" or ranges.index.tolist() == list(range(n_classes))
    assert table.target.dtypes.astype(str).tolist() == ["float64", "boolean", "category", "category"]
    assert [table.target[name].cat.ordered for name in ("task_2", "task_3")] == [False, True]


def test_classes_of_multiclass_tasks_are_in_no_order():
    orders = {
        tuple(
            make_multitask(
                90, 3, 2, task_types=["regression", "multiclass"], relatedness=1, random_state=seed
            )
            .complete_target.astype({"task_1": int})
            .groupby("task_1")["task_0"]
            .mean()
            .argsort()
        )
        for seed in range(10)
    }
    assert len(orders) > 2


def test_arrays_hold_what_the_frames_hold():
    options = {"task_types": MIXED, "relatedness": 1, "missing_labels": 0.2, "random_state": 0}
    frames, arrays = make_multitask(60, **options), make_multitask(60, **options, as_frame=False)
    for name in ("data", "target", "complete_target", "relevant", "relatedness"):
        expected = frames[name].astype(float)
        np.testing.assert_array_equal(arrays[name].astype(float), expected, strict=False)
    X, y = make_multitask(60, **options, return_X_y=True)
    pd.testing.assert_frame_equal(X, frames.data)
    pd.testing.assert_frame_equal(y, frames.target)


def test_shares_and_groups_may_be_arrays():
    options = {
        "groups": np.array(["a", "b"]),
        "noise": np.array([0.1, 0.2]),
        "task_types": np.array(MIXED[:2]),
    }
    expected = {name: list(values) for name, values in options.items()}
    drawn, again = (make_multitask(30, 12, 2, **o, random_state=0).frame for o in (options, expected))
    pd.testing.assert_frame_equal(drawn, again)


def test_seeds_reproduce_and_differ():
    tables = [make_multitask(30, missing_labels=0.3, random_state=seed).frame for seed in (0, 0, 1)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert tables[0].ne(tables[2]).all(axis=None)


def test_the_signal_survives_pickling():
    table = make_multitask(30, random_state=0)
    copy = pickle.loads(pickle.dumps(table))
    np.testing.assert_array_equal(copy.signal(table.data), table.signal(table.data))


def test_linear_models_explain_less_the_rougher_the_functions_are():
    def linear_share(roughness: float) -> float:
        table = make_multitask(5000, 12, relatedness=0, noise=0, roughness=roughness, random_state=0)
        X, y = table.data.to_numpy(), table.target.to_numpy()
        residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
        return 1 - residual.var() / y.var()

    shares = [linear_share(roughness) for roughness in (0.01, 1, 3)]
    assert shares[0] > 0.999
    assert 0.3 < shares[1] < 0.8
    assert shares[2] < 0.3


def test_drawn_labels_can_be_learnt():
    X, y = make_multitask(
        300, 10, 2, task_types=["binary", "multiclass"], relatedness=1, noise=0, missing_labels=0.2,
        roughness=0.1, return_X_y=True, random_state=0,
    )  # fmt: skip
    model = MultiTaskAttentionClassifier(preset="fast", max_epochs=5, random_state=0).fit(X, y)
    assert model.oof_task_scores_.min() > 0.75


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_features": 14}, r"5 functions of 3 columns each need 15 features, got n_features=14"),
        ({"noise": [0.1, 0.2]}, "noise must have one entry for each of the 4 tasks, got 2"),
        ({"groups": ["a", "b"]}, "groups must have one entry for each of the 4 tasks, got 2"),
        ({"relatedness": [1, 1, 1, 2]}, r"relatedness must be from -1 to 1, got \[1.0, 1.0, 1.0, 2.0\]"),
        ({"missing_labels": [0, 0, 0, 1]}, "missing_labels must be from 0 to below 1"),
        ({"missing_labels": [0, 0, 0, 0.9999]}, "leaves task 'task_3' none of 1000 labels"),
        ({"noise": [0, 0, 0, np.nan]}, "noise must be from 0 to 1"),
        ({"task_types": ["binary"] * 3 + ["count"]}, r"task_types must be among .*, got \['count'\]"),
        ({"missing": "sometimes"}, "'missing' parameter of make_multitask must be"),
        ({"n_samples": 2, "task_types": "multiclass"}, "n_samples must be at least 3"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_errors_say_what_is_wrong(options, message):
    with pytest.raises(ValueError, match=message):
        make_multitask(**options)
