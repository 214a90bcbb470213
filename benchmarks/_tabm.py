"""TabM with piecewise-linear embeddings, trained as the example of its authors does [1]_.

References
----------
.. [1] Gorishniy, Kotelnikov, Babenko, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient
   Ensembling", ICLR 2025, arXiv:2410.24210. https://github.com/yandex-research/tabm
"""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, QuantileTransformer
from tabm import TabM
from torch import Tensor
from torch.nn.functional import mse_loss

_BATCH_SIZE = 256
_PATIENCE = 16
_CATEGORIES = make_column_selector(dtype_include="category")


class TabMRegressor(RegressorMixin, BaseEstimator):
    """TabM with its recommended preprocessing, sizes and AdamW; early stopping on a fifth of the rows.

    X has no missing numbers, y is standardised, (B, T).
    """

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> TabMRegressor:
        torch.manual_seed(0)
        train, held_out = train_test_split(np.arange(len(X)), test_size=0.2, random_state=0)
        self._fit_encoders(X.iloc[train])
        inputs, targets = self._encode(X), torch.tensor(y, dtype=torch.float32)
        self.model_ = self._make_model(inputs["x_num"][train], n_targets=y.shape[1])
        self._train(_rows(inputs, train), targets[train], _rows(inputs, held_out), targets[held_out])
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self._forward(self._encode(X)).double().numpy()

    def _fit_encoders(self, X: pd.DataFrame) -> None:
        quantiles = QuantileTransformer(
            n_quantiles=max(min(len(X) // 30, 1000), 10), output_distribution="normal", random_state=0
        )
        self.numbers_ = make_column_transformer(
            ("drop", _CATEGORIES), remainder=make_pipeline(VarianceThreshold(), quantiles)
        ).fit(X)
        self.codes_ = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(
            X[_CATEGORIES(X)]
        )

    def _encode(self, X: pd.DataFrame) -> dict[str, Tensor]:
        codes = self.codes_.transform(X[_CATEGORIES(X)]) + 1  # 0: never seen
        return {
            "x_num": torch.tensor(self.numbers_.transform(X), dtype=torch.float32),
            "x_cat": torch.tensor(codes, dtype=torch.long),
        }

    def _make_model(self, numbers: Tensor, *, n_targets: int) -> TabM:
        embeddings = None
        if numbers.shape[1]:
            bins = compute_bins(numbers, n_bins=min(48, len(numbers) - 1))
            embeddings = PiecewiseLinearEmbeddings(bins, d_embedding=16, activation=False, version="B")
        return TabM.make(
            n_num_features=numbers.shape[1],
            cat_cardinalities=[len(levels) + 1 for levels in self.codes_.categories_],
            d_out=n_targets,
            num_embeddings=embeddings,
        )

    def _train(
        self, inputs: dict[str, Tensor], y: Tensor, held_out: dict[str, Tensor], y_held_out: Tensor
    ) -> None:
        optimizer = torch.optim.AdamW(self.model_.parameters(), lr=2e-3, weight_decay=3e-4)
        best, best_loss, n_worse = copy.deepcopy(self.model_.state_dict()), np.inf, 0
        while n_worse < _PATIENCE:
            self._train_epoch(inputs, y, optimizer)
            loss = mse_loss(self._forward(held_out), y_held_out).item()
            n_worse += 1
            if loss < best_loss:
                best, best_loss, n_worse = copy.deepcopy(self.model_.state_dict()), loss, 0
        self.model_.load_state_dict(best)

    def _train_epoch(self, inputs: dict[str, Tensor], y: Tensor, optimizer: torch.optim.Optimizer) -> None:
        self.model_.train()
        for rows in torch.randperm(len(y)).split(_BATCH_SIZE):
            outputs = self.model_(**_rows(inputs, rows))  # (B, V, T): every view has a loss of its own
            loss = mse_loss(outputs, y[rows, None].expand_as(outputs))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model_.parameters(), 1.0)
            optimizer.step()

    @torch.inference_mode()
    def _forward(self, inputs: dict[str, Tensor]) -> Tensor:
        self.model_.eval()
        n_rows = len(next(iter(inputs.values())))
        blocks = torch.arange(n_rows).split(8192)
        return torch.cat([self.model_(**_rows(inputs, rows)).mean(dim=1) for rows in blocks])


def _rows(inputs: dict[str, Tensor], rows: Tensor | np.ndarray) -> dict[str, Tensor]:
    """Take rows of the kinds of columns that are there."""
    return {kind: x[rows] for kind, x in inputs.items() if x.shape[1]}
