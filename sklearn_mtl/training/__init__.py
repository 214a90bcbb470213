"""Training: folds and views, the linear view, the forest view, and how their predictions are mixed."""

from ._batches import FoldBatches, FoldDataset
from ._constants import best_constants, class_outputs, spread, weighted_quantiles
from ._design import ModelDesign
from ._ensemble import Ensemble, Preparation
from ._folds import assign_folds
from ._forest import ForestView, fit_forest_view
from ._linear import LinearView, fit_linear_view, ridge_path
from ._mixture import (
    Comparison,
    compare,
    mean_losses,
    mixture_loss,
    share_alone,
    view_shares,
)
from ._net import FoldNet, MeanTaskLoss
from ._progress import say
from ._regular import Regularizing
from ._rows import TagRows, TargetScales, TrainingRows, UnlabelledRows, target_scales
from ._schedule import Schedule, Stage, by_affinity, label_affinity, one_by_one, together
from ._temperature import fit_temperatures, temper
from ._threads import all_threads, torch_threads
from ._train import ModelSizes, TrainingPlan, build_model, train

__all__ = [
    "Comparison",
    "Ensemble",
    "FoldBatches",
    "FoldDataset",
    "FoldNet",
    "ForestView",
    "LinearView",
    "MeanTaskLoss",
    "ModelDesign",
    "ModelSizes",
    "Preparation",
    "Regularizing",
    "Schedule",
    "Stage",
    "TagRows",
    "TargetScales",
    "TrainingPlan",
    "TrainingRows",
    "UnlabelledRows",
    "all_threads",
    "assign_folds",
    "best_constants",
    "build_model",
    "by_affinity",
    "class_outputs",
    "compare",
    "fit_forest_view",
    "fit_linear_view",
    "fit_temperatures",
    "label_affinity",
    "mean_losses",
    "mixture_loss",
    "one_by_one",
    "ridge_path",
    "say",
    "share_alone",
    "spread",
    "target_scales",
    "temper",
    "together",
    "torch_threads",
    "train",
    "view_shares",
    "weighted_quantiles",
]
