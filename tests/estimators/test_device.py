"""Where the networks are trained, and where they can be loaded."""

import pickle

import joblib
import numpy as np
import pytest
import torch

LOAD = """
import json, pickle, sys, warnings
from pathlib import Path
import joblib, numpy as np, torch
folder = Path(sys.argv[1])
assert not torch.cuda.is_available()
X = np.load(folder / "X.npy")
loads = pickle.loads((folder / "model.pkl").read_bytes()), joblib.load(folder / "model.joblib")
np.save(folder / "predicted.npy", [model.predict(X) for model in loads])
np.save(folder / "attention.npy", loads[0].attention_weights(X))
loads[1].set_params(device="cpu", max_epochs=1).fit(X, X[:, :2])
"""


def test_auto_is_what_torch_finds(regressor, numbers):
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    model = regressor(device="auto").fit(*numbers)
    assert model.device_ == expected
    assert next(model.net_.module_.parameters()).device.type == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_a_device_that_is_not_here_is_refused(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    with pytest.raises(ValueError, match=f"{kind.estimator.__name__}: device='cuda' cannot be used here"):
        kind(device="cuda").fit(X, labels)


@pytest.mark.gpu
def test_a_model_fitted_on_cuda_loads_where_there_is_none(kind, numbers, tmp_path, run_python):
    X, labels = numbers[0], kind.labels(numbers[1])
    model = kind(device="cuda").fit(X, labels)
    assert next(model.net_.module_.parameters()).is_cuda
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    joblib.dump(model, tmp_path / "model.joblib")
    np.save(tmp_path / "X.npy", X)
    run_python(LOAD, tmp_path, CUDA_VISIBLE_DEVICES="")
    for predicted in np.load(tmp_path / "predicted.npy"):
        np.testing.assert_allclose(predicted, model.predict(X), atol=1e-6)
    np.testing.assert_allclose(np.load(tmp_path / "attention.npy"), model.attention_weights(X), atol=1e-6)


@pytest.mark.gpu
def test_cuda_and_cpu_learn_the_same(regressor, numbers):
    X, y = numbers
    on_cuda, on_cpu = (
        regressor(device=device, dropout=0.0).fit(X, y).predict(X) for device in ("cuda", "cpu")
    )
    np.testing.assert_allclose(on_cuda, on_cpu, atol=1e-3)


@pytest.mark.gpu
def test_the_same_seed_gives_the_same_bits_on_cuda(kind, numbers):
    X, labels = numbers[0], kind.labels(numbers[1])
    first, second = (kind(device="cuda").fit(X, labels).predict(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
