"""The same seed gives the same bits, and nothing outside of the estimator changes."""

import json
import pickle
import random
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import GridSearchCV, KFold
from skorch.callbacks import Callback
from threadpoolctl import threadpool_info

from .conftest import outputs


def test_the_same_seed_gives_the_same_bits(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    first, second = kind().fit(X, labels), kind().fit(X, labels)
    np.testing.assert_array_equal(outputs(first, X), outputs(second, X))
    pd.testing.assert_frame_equal(
        first.history_.drop(columns="seconds"), second.history_.drop(columns="seconds"), check_exact=True
    )
    for name, value in first.net_.module_.state_dict().items():
        assert torch.equal(value, second.net_.module_.state_dict()[name])


def test_another_seed_gives_another_model(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    first, second = (outputs(kind(random_state=seed).fit(X, labels), X) for seed in (0, 1))
    assert (first != second).any()


@pytest.mark.parametrize(
    "make", [np.random.RandomState, np.random.default_rng], ids=["RandomState", "Generator"]
)
def test_a_random_state_that_is_drawn_from_gives_the_same_bits_again(kind, numbers, make):
    X, labels = numbers[0], kind.labels(numbers[1])
    first, second = (outputs(kind(random_state=make(7)).fit(X, labels), X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    state = make(7)
    drawn = [outputs(kind(random_state=state).fit(X, labels), X) for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()


def test_no_seed_gives_another_model_each_time_whatever_the_global_seed(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    drawn = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002  that it does not matter is the point
        torch.manual_seed(0)
        drawn.append(outputs(kind(random_state=None).fit(X, labels), X))
    assert (drawn[0] != drawn[1]).any()


REPEAT = """
import pickle, sys
import joblib, numpy as np
from pathlib import Path
import sklearn_mtl

def outputs(model, X):
    if not hasattr(model, "predict_proba"):
        return model.predict(X)
    probabilities = model.predict_proba(X)
    if isinstance(probabilities, list):
        return np.hstack(probabilities)
    return np.hstack([model.predict(X), *probabilities.values()])

folder = Path(sys.argv[1])
for estimator, options, X, y, many in pickle.loads((folder / "fits.pkl").read_bytes()):
    name = estimator.__name__
    model = estimator(**options).fit(X, y)
    pickled = pickle.loads((folder / f"{name}.pkl").read_bytes())
    dumped = joblib.load(folder / f"{name}.joblib")
    np.savez(
        folder / f"{name}.npz",
        fitted=outputs(model, X),
        pickled=outputs(pickled, X),
        dumped=outputs(dumped, X),
        attention=dumped.attention_weights(X),
        many=outputs(dumped, many),
        oof=dumped.oof_prediction_,
    )
"""


@pytest.mark.filterwarnings("ignore::sklearn_mtl.exceptions.TaskTypeWarning")
def test_another_process_fits_and_loads_the_same_bits(
    regressor, classifier, both, mixed, tmp_path, run_python
):
    X, y = mixed
    many = X.iloc[np.arange(600) % len(X)]
    kinds = {kind.estimator.__name__: kind for kind in (regressor, classifier, both)}
    models = {name: kind().fit(X, kind.labels(y)) for name, kind in kinds.items()}
    fits = [(kind.estimator, kind().get_params(), X, kind.labels(y), many) for kind in kinds.values()]
    (tmp_path / "fits.pkl").write_bytes(pickle.dumps(fits))
    for name, model in models.items():
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(model))
        joblib.dump(model, tmp_path / f"{name}.joblib")
    run_python(REPEAT, tmp_path, PYTHONHASHSEED="12345", OMP_NUM_THREADS="2")
    for name, model in models.items():
        out = np.load(tmp_path / f"{name}.npz")
        for way in ("fitted", "pickled", "dumped"):
            np.testing.assert_array_equal(out[way], outputs(model, X), err_msg=f"{name} {way}")
        np.testing.assert_array_equal(out["attention"], model.attention_weights(X))
        np.testing.assert_array_equal(out["many"], outputs(model, many))
        np.testing.assert_array_equal(out["oof"], model.oof_prediction_)


def test_pickling_changes_no_bit(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    model = kind().fit(X, labels)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(outputs(again, X), outputs(model, X))
    np.testing.assert_array_equal(again.attention_weights(X), model.attention_weights(X))
    pd.testing.assert_frame_equal(again.history_, model.history_)
    assert again.score(X, labels) == model.score(X, labels)


def test_a_pickle_does_not_grow_by_predicting(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind().fit(X, labels)
    before = len(pickle.dumps(model))
    outputs(model, X)
    assert len(pickle.dumps(model)) == before


def test_parallel_search_finds_the_same_bits(regressor, numbers):
    X, y = numbers
    grid = {"d_hidden": [4, 8]}
    searches = [
        GridSearchCV(regressor(), grid, cv=KFold(2), n_jobs=n_jobs, error_score="raise").fit(X, y)
        for n_jobs in (1, 2)
    ]
    alone, parallel = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(alone, parallel)
    np.testing.assert_array_equal(searches[0].predict(X), searches[1].predict(X))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_training_rows_does_not_matter(kind, mixed, seed):
    X, labels = mixed[0], kind.labels(mixed[1])
    order = np.random.default_rng(seed).permutation(len(X))
    model, other = kind().fit(X, labels), kind().fit(X.iloc[order], labels[order])
    np.testing.assert_array_equal(outputs(model, X), outputs(other, X))
    np.testing.assert_array_equal(model.oof_prediction_[order], other.oof_prediction_)
    pd.testing.assert_frame_equal(model.feature_attention_, other.feature_attention_, check_exact=True)


def test_the_order_of_repeated_rows_of_different_weights_does_not_matter(kind, mixed):
    X, labels = mixed[0], kind.labels(mixed[1])
    rows = np.repeat(np.arange(len(X)), 3)
    weight = np.random.default_rng(0).random(len(rows))
    order = np.random.default_rng(1).permutation(len(rows))
    model = kind().fit(X.iloc[rows], labels[rows], sample_weight=weight)
    rows, weight = rows[order], weight[order]
    other = kind().fit(X.iloc[rows], labels[rows], sample_weight=weight)
    np.testing.assert_array_equal(outputs(model, X), outputs(other, X))


# Columns and tasks have initial values of their own, so that another order is another draw of these: it
# may change predictions as another seed does, and no more.
LARGER = {"d_token": 8, "d_hidden": 32, "n_bins": 8, "max_epochs": 40, "learning_rate": 0.01, "n_trees": 0}
TRUE_COLUMNS = [{0, 1}, {2}, {1, 3}]  # of each task


@pytest.fixture(scope="module")
def signal():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, np.stack([X[:, 0] + X[:, 1], np.abs(X[:, 2]), X[:, 1] * X[:, 3]], axis=1)


@pytest.fixture
def of_three_seeds(regressor, signal):
    """Predictions by three seeds, and how much they differ, task by task."""
    X, y = signal
    predictions = [regressor(**LARGER, random_state=seed).fit(X, y).predict(X) for seed in range(3)]
    return predictions[0], np.std(predictions, axis=0, ddof=1).mean(axis=0)


def most_attended(model):
    order = np.argsort(-model.feature_attention_.to_numpy(), axis=1)
    return [set(row[: len(true)]) for row, true in zip(order, TRUE_COLUMNS, strict=True)]


def test_permuting_columns_changes_no_more_than_another_seed(regressor, signal, of_three_seeds):
    X, y = signal
    expected, spread = of_three_seeds
    order = [2, 0, 3, 1]
    model = regressor(**LARGER).fit(X[:, order], y)
    difference = np.abs(model.predict(X[:, order]) - expected).mean(axis=0)
    assert (difference < 2.5 * spread).all()
    assert (difference < 0.25 * y.std(axis=0)).all()
    model.feature_attention_ = model.feature_attention_.iloc[:, np.argsort(order)]
    assert most_attended(model) == TRUE_COLUMNS


def test_permuting_tasks_changes_no_more_than_another_seed(regressor, signal, of_three_seeds):
    X, y = signal
    expected, spread = of_three_seeds
    order = [2, 0, 1]
    model = regressor(**LARGER).fit(X, y[:, order])
    difference = np.abs(model.predict(X)[:, np.argsort(order)] - expected).mean(axis=0)
    assert (difference < 2.5 * spread).all()
    assert (difference < 0.25 * y.std(axis=0)).all()
    model.feature_attention_ = model.feature_attention_.iloc[np.argsort(order)]
    assert most_attended(model) == TRUE_COLUMNS


def test_permuting_classes_permutes_probabilities(classifier, numbers):
    X, y = numbers
    labels = classifier.labels(y)[:, 0]
    known = ~np.isnan(labels)
    X, codes = X[known], labels[known].astype(int)
    names = np.array(["a", "b", "c"])
    first, second = (
        classifier(max_epochs=20, learning_rate=0.01).fit(X, names[order][codes]).predict_proba(X)[:, order]
        for order in ([0, 1, 2], [2, 0, 1])
    )
    assert np.abs(first - second).mean() < 0.1


def global_state():
    libraries = {info["filepath"]: info["num_threads"] for info in threadpool_info()}
    return {
        "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002  the global state is the point
        "torch": torch.get_rng_state().tolist(),
        "random": random.getstate(),
        "torch threads": torch.get_num_threads(),
        "torch threads between operations": torch.get_num_interop_threads(),
        "threads": libraries,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "gradients": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "numpy errors": np.geterr(),
        "warnings": list(warnings.filters),
    }


@pytest.fixture(params=[1, 2])
def torch_threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_fit_and_predict_leave_global_state_alone(kind, mixed, torch_threads, n_threads):
    X, labels = mixed[0], kind.labels(mixed[1])
    before = global_state()
    assert before["torch threads"] == torch_threads
    model = kind(n_threads=n_threads, max_epochs=1).fit(X, labels)
    assert global_state() == before
    outputs(model, X)
    model.attention_weights(X)
    model.score(X, labels)
    pickle.loads(pickle.dumps(model))
    assert global_state() == before


class Refuse(Callback):
    def on_epoch_end(self, net, **kwargs):
        del net, kwargs
        raise ValueError("callback says no")


def test_a_fit_that_fails_leaves_global_state_alone(kind, numbers, torch_threads):
    X, labels = numbers[0], kind.labels(numbers[1])
    before = global_state()
    with pytest.raises(ValueError, match="callback says no"):
        kind(n_threads=3 - torch_threads, callbacks=[("no", Refuse())]).fit(X, labels)
    assert global_state() == before


@pytest.mark.parametrize("n_threads", [1, 2])
def test_so_many_threads_are_used(regressor, numbers, n_threads):
    seen = []

    class Look(Callback):
        def on_epoch_end(self, net, **kwargs):
            del net, kwargs
            blas = {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}
            seen.append((torch.get_num_threads(), max(blas)))

    regressor(n_threads=n_threads, callbacks=[Look()], max_epochs=1).fit(*numbers)
    assert seen == [(n_threads, n_threads)]


def test_history_can_be_written_as_json(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    history = kind().fit(X, labels).history_
    assert len(json.loads(history.to_json(orient="records"))) == len(history)
