from dataclasses import replace

import numpy as np
import pytest

from sklearn_mtl.nn import OutputLayout
from sklearn_mtl.training import ModelSizes, TrainingPlan, TrainingRows, target_scales, train

KINDS = ("regression", "binary", "multiclass")
WIDTHS = {"multiclass": 3, "ordinal": 3, "quantile": 3}
LEVELS = (0.1, 0.5, 0.9)


@pytest.fixture
def make_rows():
    """Give rows whose labels depend on their inputs, with holes, weights, and folds of unequal size."""

    def make(kinds=KINDS, *, n_rows=60, n_numbers=2, n_folds=3, missing=0.2, seed=0, **changes):
        rng = np.random.default_rng(seed)
        numbers = rng.normal(size=(n_rows, n_numbers)).astype(np.float32)
        categories = rng.integers(0, 4, (n_rows, 1))
        signal = numbers[:, 0] - numbers[:, -1] + (categories[:, 0] == 2) + 0.5 * rng.normal(size=n_rows)
        values = {
            "regression": 5 + 3 * signal,
            "binary": (signal > 0.3).astype(float),
            "multiclass": np.digitize(signal, [-0.5, 0.8]).astype(float),
            "ordinal": np.digitize(signal, [-0.5, 0.8]).astype(float),
            "poisson": np.floor(np.exp(1 + 0.5 * signal)),
        }
        values |= dict.fromkeys(("absolute_error", "huber", "quantile"), 5 + 3 * signal)
        weights = rng.uniform(0.5, 2, (n_rows, len(kinds))) * (rng.random((n_rows, len(kinds))) >= missing)
        rows = TrainingRows(
            numbers=numbers,
            categories=categories,
            design=np.hstack([numbers, categories == np.arange(4)]).astype(float),
            values=np.where(weights > 0, np.stack([values[kind] for kind in kinds], axis=1), 0.0),
            weights=weights,
            task_weight=np.ones(len(kinds)),
            fold=rng.permutation(np.minimum(np.arange(n_rows) % (n_folds + 1), n_folds - 1)),
            layout=OutputLayout(
                kinds,
                [WIDTHS.get(kind, 1) for kind in kinds],
                levels={task: LEVELS for task, kind in enumerate(kinds) if kind == "quantile"},
            ),
        )
        return replace(rows, **changes)

    return make


@pytest.fixture
def relabelled():
    """Give the same rows with other labels, holes and weights where fold 0 is held out."""

    def relabel(rows):
        values, weights, held_out = rows.values.copy(), rows.weights.copy(), rows.held_out(0)
        for task in range(len(rows.layout.kinds)):
            other = 0.0 if task in rows.layout.classes else 100 - values[held_out, task]
            values[held_out, task], weights[held_out, task] = other, 1.5
        weights[held_out[:2]] = 0.0
        return replace(rows, values=values, weights=weights)

    return relabel


@pytest.fixture
def trained():
    """Train a small net; options are those of the plan, `dropout` and `n_slots` apart."""

    def fit(rows, *, dropout=0.1, n_slots=2, others=(), **options):
        sizes = ModelSizes(
            n_views=2, n_slots=n_slots, n_bins=4, d_token=4, d_hidden=8, n_layers=2, dropout=dropout
        )
        plan = {"batch_size": 6, "max_epochs": 3, "learning_rate": 0.02}
        rest = {"weight_decay": 0.01, "device": "cpu", "seed": 0, "verbose": 0, "callbacks": ()}
        return train(
            rows,
            target_scales(rows),
            owner="Example",
            cardinalities=[4],
            task_names=list(rows.layout.kinds),
            sizes=sizes,
            plan=TrainingPlan(**{**plan, **rest, **options}),
            others=others,
        )

    return fit
