"""The methods that are measured: each function makes one estimator, with its defaults.

``fit(X, y)`` takes the frames as the loaders give them (numbers, flags, categories, NaN), ``predict(X)``
returns (B, T). Nobody is tuned; each method gets the preprocessing it needs and no more, and methods that
add up errors over targets get standardised targets. Packages are imported where they are used, so that one
may be missing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from sklearn_mtl import MultiTaskAttentionRegressor

OURS = "sklearn_mtl"
N_THREADS = int(os.environ["OMP_NUM_THREADS"])
CATEGORIES = make_column_selector(dtype_include="category")


def sklearn_mtl() -> Any:
    """Make ours."""
    return MultiTaskAttentionRegressor(random_state=0)


def sklearn_mtl_fast() -> Any:
    """Make ours for a quick answer."""
    return MultiTaskAttentionRegressor(preset="fast", random_state=0)


def sklearn_mtl_best() -> Any:
    """Make ours for the least error."""
    return MultiTaskAttentionRegressor(preset="best", random_state=0)


def ridge() -> Any:
    """Make a ridge regression; its strength is chosen by leave-one-out errors."""
    return make_pipeline(dense(), _joint(RidgeCV(np.logspace(-3, 3, 13))))


def mlp() -> Any:
    """Make two layers of 256 with early stopping; the default 100 units stop far too early on `enb`."""
    model = MLPRegressor(
        hidden_layer_sizes=(256, 256), early_stopping=True, n_iter_no_change=30, max_iter=2000, random_state=0
    )
    return make_pipeline(dense(), _joint(model))


def rf() -> Any:
    """Make one forest for all targets."""
    return make_pipeline(codes(), _joint(RandomForestRegressor(200, random_state=0)))


def et() -> Any:
    """Make one forest of extremely randomised trees for all targets."""
    return make_pipeline(codes(), _joint(ExtraTreesRegressor(200, random_state=0)))


def st() -> Any:
    """Make one forest per target."""
    return make_pipeline(codes(), MultiOutputRegressor(RandomForestRegressor(random_state=0)))


def erc() -> Any:
    """Make ten chains of forests in random orders and average them (Spyromitros-Xioufis et al. 2016)."""
    forest = RandomForestRegressor(random_state=0)
    chains = [RegressorChain(forest, order="random", random_state=seed) for seed in range(10)]
    return make_pipeline(dense(), _Mean(chains))  # scikit-learn's chains refuse holes


def catboost(n_trees: int = 1000) -> Any:
    """Make boosted oblivious trees for all targets at once."""
    return make_pipeline(codes(), _joint(catboost_model(n_trees)))


def catboost_model(n_trees: int) -> Any:
    """Make the model alone, for arrays."""
    from catboost import CatBoostRegressor

    return CatBoostRegressor(
        iterations=n_trees, loss_function="MultiRMSE", thread_count=N_THREADS, random_seed=0,
        verbose=0, allow_writing_files=False,
    )  # fmt: skip


def catboost_500() -> Any:
    """Make half as many trees as is CatBoost's default, for its speed."""
    return catboost(n_trees=500)


def xgb() -> Any:
    """Make boosted trees that split for all targets at once."""
    from xgboost import XGBRegressor

    model = XGBRegressor(multi_strategy="multi_output_tree", n_jobs=N_THREADS, random_state=0)
    return make_pipeline(codes(), _joint(model))  # such trees know no categories


def realmlp() -> Any:
    """Make RealMLP with its tuned defaults."""
    from pytabkit import RealMLP_TD_Regressor

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    return make_pipeline(_imputed(), RealMLP_TD_Regressor(device="cpu", n_threads=N_THREADS, random_state=0))


def tabm() -> Any:
    """Make TabM with piecewise-linear embeddings."""
    from benchmarks._tabm import TabMRegressor

    return make_pipeline(_imputed(), _joint(TabMRegressor()))


METHODS: dict[str, Callable[[], Any]] = {
    make.__name__: make
    for make in (
        sklearn_mtl, sklearn_mtl_fast, sklearn_mtl_best,
        ridge, rf, et, st, erc, mlp, xgb, catboost, catboost_500, realmlp, tabm,
    )
}  # fmt: skip


def importable(
    methods: Iterable[str], makers: Mapping[str, Callable[[], Any]] = METHODS
) -> dict[str, Callable[[], Any]]:
    """Return the makers of the methods whose packages are installed, and say which are not."""
    found = {}
    for method in methods:
        try:
            makers[method]()
        except ImportError as error:
            print(f"{method} is left out: {error}")
        else:
            found[method] = makers[method]
    return found


def dense() -> Any:
    """Make standardised numbers without holes and one-hot categories."""
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
        remainder=make_pipeline(SimpleImputer(), StandardScaler()),
    )


def codes() -> Any:
    """Make category codes, and leave numbers with their holes as they are."""
    return make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), CATEGORIES),
        remainder="passthrough",
    )


def _imputed() -> Any:
    """Make numbers without holes, and leave categories as they are."""
    return make_column_transformer(
        (FunctionTransformer(), CATEGORIES), remainder=SimpleImputer(), verbose_feature_names_out=False
    ).set_output(transform="pandas")


def _joint(model: Any) -> Any:
    return TransformedTargetRegressor(model, transformer=StandardScaler())


class _Mean(RegressorMixin, BaseEstimator):
    """The mean prediction of several models."""

    def __init__(self, models: list[Any]) -> None:
        self.models = models

    def fit(self, X: np.ndarray, y: pd.DataFrame) -> _Mean:
        self.models_ = [clone(model).fit(X, y) for model in self.models]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.mean([model.predict(X) for model in self.models_], axis=0)
