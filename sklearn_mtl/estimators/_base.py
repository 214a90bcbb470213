"""What the estimators have in common."""

from __future__ import annotations

import copy
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from .._validation import as_table
from ..attention import read_design
from ..balancing import GradientBalancing, LossBalancing, read_balancing
from ..encoding import Columns, MergedRows, SequenceColumns, TextColumns, check_table
from ..exceptions import FitInterruptedWarning
from ..pretrained import PretrainedEncoder, load_encoder
from ..regularization import (
    Regularization,
    check_regularization,
    check_several_views,
    read_regularization,
    uses_unlabelled,
    without_graph,
)
from ..schedules import check_schedule, read_schedule
from ..tasks import Task, sample_weight_table
from ..training import (
    Ensemble,
    FoldNet,
    ModelDesign,
    ModelSizes,
    Preparation,
    Regularizing,
    Schedule,
    TargetScales,
    TrainingPlan,
    TrainingRows,
    all_threads,
    fit_temperatures,
    say,
    target_scales,
    temper,
    torch_threads,
    train,
)
from ._alone import Fitted, Sharing, serve_tasks_alone, tasks_to_try, transfer_table
from ._attending import AttentionMethods
from ._conformal import check_coverage, fit_intervals, fit_sets, likely_classes
from ._defaults import (
    Auto,
    Preset,
    Sizes,
    check_callbacks,
    resolve_bag_heads,
    resolve_device,
    resolve_seed,
    resolve_sequences,
    resolve_sizes,
    resolve_text,
    step_design,
)
from ._essentials import essentials
from ._fit import (
    FitInput,
    attended_rows,
    check_rows,
    combine,
    constant_outputs,
    distinct_rows,
    fit_other_views,
    n_units,
    prepare,
    read_fit_input,
    say_what_is_encoded,
    say_what_is_hashed,
    say_what_is_left_out,
    training_rows,
)
from ._summary import column_table, surprises_of, task_scores, task_table
from ._tagging import (
    TagPrediction,
    out_of_fold_tags,
    score_tags,
    split_known_tags,
    tag_predictions,
    with_tag_scores,
)
from ._task_weight import fit_equal_or_by_gain
from ._thresholds import choose_thresholds

_MOST_ROWS_PREDICTED = 65_536
_OF_CLASSES = ("classes_", "oof_proba_", "temperature_", "thresholds_")


class BaseMultiTaskAttention(AttentionMethods, BaseEstimator, metaclass=ABCMeta):
    """Fit, and all that does not depend on the kind of the tasks; see the classes derived from it."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "preset": [StrOptions({"fast", "default", "best"})],
        "n_folds": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "n_views": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "n_slots": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "n_bins": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "d_token": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "d_hidden": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_epochs": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "linear_view": ["boolean"],
        "n_trees": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "sharing": [StrOptions({"joint", "auto", "each"})],
        "text": [StrOptions({"auto"}), TextColumns, None],
        "text_encoder": [str, PathLike, PretrainedEncoder, None],
        "sequences": [StrOptions({"auto"}), SequenceColumns, None],
        "task_weight": [StrOptions({"cv"}), dict, "array-like", None],
        "balancing": "no_validation",  # read_balancing names the choices in a stable order
        "regularization": "no_validation",  # check_regularization says what is expected
        "callbacks": [list, tuple, None],
        "device": [str],
        "n_threads": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        preset: Preset = "default",
        n_folds: int | Auto = "auto",
        n_views: int | Auto = "auto",
        n_slots: int | Auto = "auto",
        n_bins: int | Auto = "auto",
        d_token: int | Auto = "auto",
        d_hidden: int = 128,
        n_layers: int = 2,
        attention: Any = "softmax",
        attention_sharing: str = "own",
        task_interaction: str | None = None,
        schedule: Any = "joint",
        dropout: float = 0.1,
        learning_rate: float = 1e-2,
        weight_decay: float = 1e-2,
        regularization: Regularization | None = None,
        batch_size: int | Auto = "auto",
        max_epochs: int | Auto = "auto",
        linear_view: bool = True,
        n_trees: int | Auto = "auto",
        sharing: Sharing = "auto",
        text: TextColumns | Auto | None = "auto",
        text_encoder: str | PathLike[str] | PretrainedEncoder | None = None,
        sequences: SequenceColumns | Auto | None = "auto",
        task_weight: dict[str, float] | ArrayLike | Literal["cv"] | None = None,
        balancing: str | LossBalancing | GradientBalancing = "mean",
        callbacks: list[Any] | tuple[Any, ...] | None = None,
        device: str = "auto",
        n_threads: int = 1,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        verbose: int = 0,
    ) -> None:
        self.preset = preset
        self.n_folds = n_folds
        self.n_views = n_views
        self.n_slots = n_slots
        self.n_bins = n_bins
        self.d_token = d_token
        self.d_hidden = d_hidden
        self.n_layers = n_layers
        self.attention = attention
        self.attention_sharing = attention_sharing
        self.task_interaction = task_interaction
        self.schedule = schedule
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.regularization = regularization
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.linear_view = linear_view
        self.n_trees = n_trees
        self.sharing = sharing
        self.text = text
        self.text_encoder = text_encoder
        self.sequences = sequences
        self.task_weight = task_weight
        self.balancing = balancing
        self.callbacks = callbacks
        self.device = device
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Learn all tasks together.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C), or ndarray of shape (B, L, channels)
            Columns of all kinds, or an array of sequences; NaN, None and ``pd.NA`` are missing values, but
            not in sparse arrays.
        y : DataFrame, Series or array-like of shape (B,) or (B, T)
            One column a task; NaN, None and ``pd.NA`` are missing labels. A row without any label is left
            out, unless ``regularization`` asks for ``"vat"``.
        sample_weight : array-like of shape (B,) or (B, T), default=None
            Weights of rows, or of single labels. Weight 2 is the same as having a row twice.
        groups : array-like of shape (B,), default=None
            Rows of one group, such as a patient's or a day's, are held out together, so that out-of-fold
            predictions and what is chosen by them are about new groups. By default, rows with the same X are.

        Returns
        -------
        object
            The estimator itself.

        Raises
        ------
        ValueError, TypeError
            For input or parameters that cannot be used, before anything is trained or changed; the message
            names the task, the column or the parameter.
        """
        self._validate_params()
        owner = type(self).__name__
        self._design(owner)
        check_schedule(self.schedule, owner=owner)
        check_regularization(
            self.regularization,
            attention=self.attention,
            schedule=self.schedule,
            balancing=self.balancing,
            owner=owner,
        )
        device = resolve_device(self.device, owner=owner)
        check_callbacks(self.callbacks, owner=owner)
        self._check_balancing(owner)
        X = as_table(X)
        with torch_threads(self.n_threads):
            read = read_fit_input(
                X,
                y,
                kind=self._kind_of_tasks(),
                sample_weight=sample_weight,
                class_weight=self._class_weight(),
                task_weight=None if self._chooses_task_weight() else self.task_weight,
                calibrate=self._calibrate(),
                thresholds=self._thresholds(),
                groups=groups,
                text=resolve_text(self.text, owner=owner),
                sequences=self._sequences(),
                encoder=load_encoder(self.text_encoder, device=device, owner=owner),
                owner=owner,
                uses_unlabelled=uses_unlabelled(self.regularization),
                **self._reading_options(),
            )
        if read.tags:
            self._check_can_learn_tags(owner)
        self._regularizing(read, owner)
        features = BaseEstimator()  # takes what scikit-learn remembers of X, until all has gone well
        validate_data(features, X, skip_check_array=True)
        fitted = copy.copy(self)  # changed only when all has gone well
        for name in (
            "feature_names_in_",
            "oof_quantiles_",
            "task_order_",
            *_OF_CLASSES,
        ):  # which not every fit has
            fitted.__dict__.pop(name, None)
        fitted.columns_ = column_table(read.columns, read.reader.columns_)
        fitted._surprises = surprises_of(read, fitted.columns_)
        if self.verbose:
            say_what_is_left_out(read, owner=owner)
            for name, surprise in fitted._surprises:
                say(f"{owner}: column {name!r} {surprise}")
            say_what_is_encoded(read, owner=owner)
        with all_threads(self.n_threads):
            fitted._train(read, device)
        labels = X.columns.tolist() if isinstance(X, pd.DataFrame) else None
        self.__dict__ = vars(fitted) | vars(features) | {"_column_labels": labels}
        if self.net_.was_interrupted_:
            warnings.warn(
                f"{owner}: fit was interrupted in epoch {self.n_iter_ + 1} of at most {self.max_epochs_}; "
                f"the state of epoch {self.best_epoch_}, the best so far, is kept.",
                FitInterruptedWarning,
                stacklevel=2,
            )
        return self

    def _design(self, owner: str) -> ModelDesign:
        """Read what the networks are composed of, and check it."""
        return read_design(
            self.attention,
            sharing=self.attention_sharing,
            interaction=self.task_interaction,
            n_slots=self.n_slots,
            d_hidden=self.d_hidden,
            owner=owner,
        )

    def _regularizing(self, read: FitInput, owner: str, *, alone: bool = False) -> Regularizing | None:
        """Read what keeps the networks from learning too well, and check it."""
        return read_regularization(
            without_graph(self.regularization) if alone else self.regularization,
            names=read.task_set.names,
            n_outputs=read.task_set.n_outputs,
            task_weight=read.task_weight,
            owner=owner,
        )

    def _sequences(self) -> SequenceColumns | None:
        """Read which columns are sequences, and check it."""
        return resolve_sequences(self.sequences, owner=type(self).__name__)

    def _check_balancing(self, owner: str) -> None:
        """Refuse what is no way of balancing, or has nothing to balance."""
        is_mean = read_balancing(self.balancing, owner=owner) is None
        if not is_mean and not (isinstance(self.schedule, str) and self.schedule == "joint"):
            raise ValueError(
                f"{owner}: balancing={self.balancing!r} and schedule={self.schedule!r} cannot be combined: "
                "one task at a time leaves nothing to balance; choose balancing='mean' or schedule='joint'."
            )

    def _check_can_learn_tags(self, owner: str) -> None:
        """Refuse what cannot be combined with tags of words."""
        wanted = {"balancing": "mean", "schedule": "joint", "regularization": None}
        for name, only in wanted.items():
            if getattr(self, name) != only:
                raise ValueError(
                    f"{owner}: {name}={getattr(self, name)!r} cannot be combined with tasks of tags; choose "
                    f"{name}={only!r}."
                )
        if self._chooses_task_weight():
            raise ValueError(
                f"{owner}: task_weight='cv' cannot be combined with tasks of tags; give weights by task name."
            )

    def _train(self, read: FitInput, device: str) -> None:
        """Train, and set all fitted attributes."""
        merged = distinct_rows(read, owner=type(self).__name__)
        seed = resolve_seed(self.random_state)
        preparation = prepare(read, merged.first)
        if self.verbose:
            say_what_is_hashed(preparation, owner=type(self).__name__)
        sizes = self._resolve_sizes(read, merged, preparation)
        rows = training_rows(read, merged, preparation, n_folds=sizes.n_folds, seed=seed)
        attended, attended_weights = attended_rows(merged)
        first, inverse = merged.first, merged.inverse
        alone = tasks_to_try(read, merged, self.sharing)
        del merged  # its weights are as large as the labels
        options: dict[str, Any] = {"preparation": preparation, "device": device, "seed": seed}
        rows, ensemble, out_of_fold = self._fit_joint(read, rows, sizes=sizes, **options)
        self._serve_alone(ensemble, out_of_fold, read, tasks=alone, first=first, inverse=inverse, **options)
        ensemble.temperatures = fit_temperatures(out_of_fold, rows, is_calibrated=read.is_calibrated)
        ensemble.continuation = read.continuation
        out_of_fold = temper(out_of_fold, ensemble.temperatures, rows.layout)
        if read.continuation is not None:
            out_of_fold += ensemble.offsets(read.columns.take(first))
        self._set_resolved(sizes, device=device, task_weight=_all_weights(read, rows), names=read.names)
        del rows  # their numbers are as large as X
        self._set_fitted(read, ensemble)
        of_tags = out_of_fold_tags(
            read.tags,
            ensemble.net.take_tags(),
            read.columns,
            first=first,
            inverse=inverse,
            predict=ensemble.predict_tags,
        )
        self._set_out_of_fold(read, out_of_fold, inverse, of_tags)
        self._set_feature_attention(read.columns, attended, weights=attended_weights)

    def _fit_joint(
        self,
        read: FitInput,
        rows: TrainingRows,
        *,
        preparation: Preparation,
        sizes: Sizes,
        device: str,
        seed: int,
    ) -> tuple[TrainingRows, Ensemble, NDArray[np.float64]]:
        """Fit all tasks together; give the rows with the task weights that were chosen, too."""
        scales = target_scales(rows)
        schedule = self._schedule(rows, sizes, names=read.task_set.names)
        fit_views = partial(
            self._fit_views,
            read=read,
            scales=scales,
            preparation=preparation,
            sizes=sizes,
            plan=self._plan(
                sizes,
                device=device,
                seed=seed,
                label_smoothing=read.label_smoothing,
                schedule=schedule,
                regularizing=self._regularizing(read, type(self).__name__),
            ),
        )
        if self._chooses_task_weight():
            return fit_equal_or_by_gain(fit_views, rows, scales, owner=type(self).__name__)
        return rows, *fit_views(rows)

    def _serve_alone(
        self,
        ensemble: Ensemble,
        out_of_fold: NDArray[np.float64],
        read: FitInput,
        *,
        tasks: list[int],
        first: NDArray[np.int64],
        inverse: NDArray[np.int64],
        preparation: Preparation,
        device: str,
        seed: int,
    ) -> None:
        """Let tasks be served by views of their own where these are better; changes the first two."""
        tasks = [] if ensemble.net.was_interrupted_ else tasks
        owner = type(self).__name__
        compared = serve_tasks_alone(
            ensemble,
            out_of_fold,
            read,
            tasks=tasks,
            first=first,
            inverse=inverse,
            fit=partial(self._fit_alone, preparation=preparation, device=device, seed=seed),
            owner=owner,
        )
        self.transfer_ = transfer_table(compared, read.task_set.names).reindex(read.names)
        if self.verbose and tasks:
            say(f"{owner}: {len(tasks)} of {len(read.task_weight)} tasks were learned alone, too.")

    def _fit_alone(self, read: FitInput, *, preparation: Preparation, device: str, seed: int) -> Fitted:
        """Fit one task as if there were no other."""
        merged = distinct_rows(read, owner=type(self).__name__)
        sizes = self._resolve_sizes(read, merged, preparation)
        rows = training_rows(read, merged, preparation, n_folds=sizes.n_folds, seed=seed)
        scales = target_scales(rows)
        plan = self._plan(
            sizes,
            device=device,
            seed=seed,
            label_smoothing=read.label_smoothing,
            regularizing=self._regularizing(read, type(self).__name__, alone=True),
        )
        ensemble, out_of_fold = self._fit_views(
            rows,
            read=read,
            scales=scales,
            preparation=preparation,
            sizes=sizes,
            plan=replace(plan, verbose=0, callbacks=()),
        )
        if ensemble.net.was_interrupted_:
            raise KeyboardInterrupt
        return Fitted(merged, rows, scales, ensemble, out_of_fold)

    def _fit_views(
        self,
        rows: TrainingRows,
        *,
        read: FitInput,
        scales: TargetScales,
        preparation: Preparation,
        sizes: Sizes,
        plan: TrainingPlan,
    ) -> tuple[Ensemble, NDArray[np.float64]]:
        """Fit network, linear view and forest; give their out-of-fold outputs, too."""
        others = fit_other_views(
            rows,
            scales,
            linear_view=self.linear_view,
            n_trees=sizes.n_trees,
            seed=plan.seed,
            constants=constant_outputs(read),
        )
        categories = [info for info in read.reader.columns_ if info.kind == "category"]
        net = train(
            rows,
            scales,
            owner=type(self).__name__,
            cardinalities=[categories[place].n_codes for place in preparation.active_categories],
            task_names=read.training_names,
            sizes=self._model_sizes(sizes, preparation),
            plan=plan,
            others=list(others.out_of_fold.values()),
            design=self._design(type(self).__name__),
        )
        return combine(net, others, rows, scales, preparation)

    def _resolve_sizes(self, read: FitInput, merged: MergedRows, preparation: Preparation) -> Sizes:
        given = {field.name: getattr(self, field.name) for field in fields(Sizes)}
        if self.attention_sharing == "shared":
            given["n_slots"] = 1
        owner, options = type(self).__name__, self._sequences()
        sizes = resolve_sizes(
            given,
            preset=self.preset,
            n_rows=len(merged.first),
            n_units=n_units(read, merged),
            n_columns=len(preparation.active_numbers) + len(preparation.active_categories),
            n_terms=[terms.n_terms for terms in preparation.bags],
            n_encoded=len(preparation.vectors),
            n_step_tokens=len(preparation.steps) * (options.n_tokens_of_each if options else 0),
            n_tasks=max(1, len(read.task_weight)),
            has_tags=bool(read.tags),
        )
        n_attentions = sizes.n_views * self._design(owner).n_heads
        check_several_views(self.regularization, n_views=n_attentions, owner=owner)
        return sizes

    def _schedule(self, rows: TrainingRows, sizes: Sizes, *, names: list[str]) -> Schedule:
        owner = type(self).__name__
        schedule = read_schedule(self.schedule, rows, names=names, max_epochs=sizes.max_epochs, owner=owner)
        if len(schedule.stages) > 1:
            self.task_order_ = [names[stage.tasks[0]] for stage in schedule.stages]
        return schedule

    def _chooses_task_weight(self) -> bool:
        return isinstance(self.task_weight, str)  # "cv", the only word there is

    def _model_sizes(self, sizes: Sizes, preparation: Preparation) -> ModelSizes:
        n_beside = 0
        if any(terms.is_text for terms in preparation.bags):
            n_beside = len(preparation.active_numbers) + len(preparation.active_categories)
        n_terms = [terms.n_terms for terms in preparation.bags]
        return ModelSizes(
            n_views=sizes.n_views,
            n_slots=sizes.n_slots,
            n_bins=sizes.n_bins,
            d_token=sizes.d_token,
            d_hidden=self.d_hidden,
            n_layers=self.n_layers,
            dropout=self.dropout,
            n_bag_heads=resolve_bag_heads(sizes, n_terms, n_beside=n_beside),
            steps=step_design(self._sequences()),
        )

    def _plan(
        self,
        sizes: Sizes,
        *,
        device: str,
        seed: int,
        label_smoothing: list[float] | None,
        schedule: Schedule | None = None,
        regularizing: Regularizing | None = None,
    ) -> TrainingPlan:
        return TrainingPlan(
            batch_size=sizes.batch_size,
            max_epochs=sizes.max_epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            device=device,
            seed=seed,
            verbose=int(self.verbose),
            callbacks=self.callbacks or (),
            label_smoothing=label_smoothing,
            balancing=read_balancing(self.balancing, owner=type(self).__name__),
            schedule=schedule,
            regularizing=regularizing,
        )

    def _set_resolved(
        self, sizes: Sizes, *, device: str, task_weight: NDArray[np.float64], names: list[str]
    ) -> None:
        """Set what ``"auto"`` and ``"cv"`` have become."""
        for field in fields(Sizes):
            setattr(self, f"{field.name}_", getattr(sizes, field.name))
        self.device_ = device
        self.task_weight_ = pd.Series(task_weight, index=names, name="task_weight")

    def _set_fitted(self, read: FitInput, ensemble: Ensemble) -> None:
        self._reader, self._task_set, self._ensemble = read.reader, read.task_set, ensemble
        self.net_: FoldNet = ensemble.net
        self.task_names_ = read.names
        self._tags = tuple((of.task, of.column) for of in read.tags)
        self.tasks_ = task_table(read)
        self.columns_: pd.DataFrame = self.columns_.assign(tokens=self._token_counts())
        self.history_ = _history_frame(self.net_)
        self.n_iter_, self.best_epoch_ = len(self.history_), self.net_.best_epoch_
        widths = read.task_set.n_outputs
        starts = [outputs.start for outputs in ensemble.layout.slices]
        shares = ensemble.shares[:, starts].T
        alone = [
            float(ensemble.alone[task].shares[:, 0].sum()) if task in ensemble.alone else 0.0
            for task in range(len(widths))
        ]
        self.view_shares_ = pd.DataFrame(
            np.column_stack([shares, alone]),
            index=read.task_set.names,
            columns=["network", "linear", "forest", "alone"],
        ).reindex(read.names)
        of_tags = [of.task.name for of in read.tags]
        self.view_shares_.loc[of_tags] = [1.0, 0.0, 0.0, 0.0]  # which the network alone learns

    def _set_out_of_fold(
        self,
        read: FitInput,
        out_of_fold: NDArray[np.float64],
        inverse: NDArray[np.int64],
        of_tags: list[TagPrediction],
    ) -> None:
        outputs = out_of_fold[inverse]  # (B, O)
        unseen = inverse < 0
        if unseen.any():  # rows without labels: no fold has trained on them
            rows = np.flatnonzero(unseen)
            for start in range(0, len(rows), _MOST_ROWS_PREDICTED):
                block = rows[start : start + _MOST_ROWS_PREDICTED]
                outputs[block] = self._ensemble.predict(read.columns.take(block))
        if read.task_set.classes or of_tags:
            self._set_decisions(read, read.task_set.probabilities(outputs), of_tags)
        if self._has_quantiles():
            self.oof_quantiles_ = self._quantiles(outputs)
        spread = self._ensemble.take_out_of_fold_spread()[inverse]
        self._intervals_by_task = fit_intervals(read, outputs, spread, is_used=~unseen)
        self._scores_of_classes = fit_sets(read, read.task_set.probabilities(outputs), is_used=~unseen)
        predicted = self._decide(outputs)
        self.oof_prediction_ = self._labels(predicted, index=read.index, tags=of_tags)
        scores = task_scores(read.task_set, read.targets, predicted, sample_weight=read.sample_weight)
        self.oof_task_scores_ = with_tag_scores(scores, of_tags, read.tags, names=read.names)
        self.oof_score_ = float(self.oof_task_scores_.mean())

    def _set_decisions(
        self, read: FitInput, probabilities: dict[str, NDArray[np.float64]], of_tags: list[TagPrediction]
    ) -> None:
        """Set what tasks with classes have beside the others, by their out-of-fold probabilities."""
        has_classes = [task.classes is not None for task in read.task_set.tasks]
        temperatures = np.where(has_classes, self._ensemble.temperatures, np.nan)
        thresholds = choose_thresholds(
            read.thresholds, probabilities, read.task_set, read.targets, weights=read.sample_weight
        )
        names = read.task_set.names
        tags: dict[str, Any] = {of.task.name: of.task.tags for of in of_tags}
        self.classes_ = self._by_task({**read.task_set.classes, **tags})
        self.oof_proba_ = self._by_task({**probabilities, **_by_row(of_tags)})
        self.temperature_ = pd.Series(temperatures, index=names, name="temperature")
        self.thresholds_ = pd.Series(thresholds, index=names, name="threshold")

    def _decide(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predict numbers and classes' indices; (B, T)."""
        thresholds = self.thresholds_.to_numpy() if hasattr(self, "thresholds_") else None
        return self._task_set.decide(outputs, thresholds=thresholds)

    def _class_weight(self) -> Any:
        """Weights of classes, where there are classes."""
        return None

    def _calibrate(self) -> Any:
        """Say which tasks are calibrated, where there are classes."""
        return False

    def _thresholds(self) -> Any:
        """Thresholds of binary tasks, where there are classes."""
        return None

    @abstractmethod
    def _kind_of_tasks(self) -> Any:
        """Say which kinds `read_tasks` is asked for."""

    @abstractmethod
    def _reading_options(self) -> dict[str, Any]:
        """Give what else `read_fit_input` is told of the tasks."""

    def _has_quantiles(self) -> bool:
        return any(task.kind == "quantile" for task in self._task_set.tasks)

    def _quantiles(self, outputs: NDArray[np.float64]) -> Any:
        """Turn outputs of shape (B, O) into what ``predict_quantiles`` gives."""
        by_task = self._task_set.quantiles(outputs)
        return next(iter(by_task.values())) if self._task_set.is_1d else by_task

    def _labels(
        self,
        values: NDArray[np.float64],
        *,
        index: pd.Index | None,  # noqa: ARG002  rows of arrays have no names
        tags: Sequence[TagPrediction] = (),  # noqa: ARG002  only tasks of any kind have tags among them
    ) -> Any:
        """Turn numbers and classes' indices of shape (B, T) into what ``predict`` gives."""
        return self._task_set.decode(values)

    def _by_task(self, arrays: dict[str, NDArray[Any]]) -> Any:
        """Give one array a classification task; the array itself where ``y`` had one axis."""
        return next(iter(arrays.values())) if self._task_set.is_1d else list(arrays.values())

    def _bounds(self, X: Any, coverage: float) -> dict[str, NDArray[np.float64]]:
        """Give lower and upper bounds of each task of numbers; (B, 2)."""
        owner, columns = type(self).__name__, self._read_columns(X)
        check_coverage(coverage, owner=owner)
        with torch_threads(self.n_threads):
            outputs, spread = self._ensemble.predict(columns), self._ensemble.spread(columns)
        return {
            task.name: self._intervals_by_task[task.name].bounds(
                outputs[:, place], spread[:, place.start + task.middle], coverage, owner=owner
            )
            for task, place in self._numbers()
        }

    def _deviations(self, X: Any) -> dict[str, NDArray[np.float64]]:
        """Give how far the networks are apart in each task of numbers; (B,)."""
        columns = self._read_columns(X)
        with torch_threads(self.n_threads):
            outputs, spread = self._ensemble.predict(columns), self._ensemble.deviation(columns)
        deviations = {}
        for task, place in self._numbers():
            middle, apart = outputs[:, place][:, task.middle], spread[:, place][:, task.middle]
            if task.transform is not None:
                apart = (task.numbers(middle + apart) - task.numbers(middle - apart)) / 2
            deviations[task.name] = apart
        return deviations

    def _sets(self, X: Any, coverage: float) -> dict[str, NDArray[np.bool_]]:
        """Tell which classes of each task are in a row's set; (B, K)."""
        owner, outputs = type(self).__name__, self._predict_outputs(X)
        check_coverage(coverage, owner=owner)
        return {
            name: likely_classes(probabilities, self._scores_of_classes[name], coverage, owner=owner)
            for name, probabilities in self._task_set.probabilities(outputs).items()
        }

    def _numbers(self) -> list[tuple[Task, slice]]:
        """List the tasks of numbers and where their outputs are."""
        slices = self._ensemble.layout.slices
        return [pair for pair in zip(self._task_set.tasks, slices, strict=True) if pair[0].classes is None]

    def _predict_outputs(self, X: Any) -> NDArray[np.float64]:
        """Predict numbers and probabilities; (B, O)."""
        columns = self._read_columns(X)
        with torch_threads(self.n_threads):
            return self._ensemble.predict(columns)

    def _predict_tags(self, columns: Columns) -> list[TagPrediction]:
        """Predict the tags of words, for each task of tags."""
        if not self._tags:
            return []
        with torch_threads(self.n_threads):
            proba = self._ensemble.predict_tags(columns)
        return tag_predictions(self._tags, proba, columns)

    def _read_columns(self, X: Any) -> Columns:
        if not hasattr(self, "net_"):  # a tenth of the time that scikit-learn takes to say so
            check_is_fitted(self, "net_")
        X = as_table(X)
        table = check_table(X, owner=type(self).__name__)
        if not self._has_columns_of_fit(X):
            validate_data(self, X, reset=False, skip_check_array=True)
            self._check_labels_of_columns(X)
        with torch_threads(self.n_threads):
            return self._reader.read(table, owner=type(self).__name__)

    def _has_columns_of_fit(self, X: Any) -> bool:
        """Say whether X is a frame with the very columns of fit; scikit-learn's own check takes longer."""
        return isinstance(X, pd.DataFrame) and X.columns.tolist() == self._column_labels

    def _check_labels_of_columns(self, X: Any) -> None:
        """Compare labels that are no strings, which scikit-learn does not."""
        labels = self._column_labels
        if isinstance(X, pd.DataFrame) and labels is not None and not hasattr(self, "feature_names_in_"):
            raise ValueError(
                f"{type(self).__name__}: X has the columns {X.columns.tolist()}, fit had {labels}; "
                "give the same columns in the same order."
            )

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Score predictions on the labels that are there, the mean over tasks.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.
        y : DataFrame, Series or array-like of shape (B,) or (B, T)
            Labels; missing ones do not count.
        sample_weight : array-like of shape (B,) or (B, T), default=None
            Weights of rows, or of single labels.

        Returns
        -------
        float
            R² of numbers (D² of absolute, pinball or Poisson errors for other losses), accuracy of classes
            (quadratic kappa of ordered ones) and of the tags of words.

        Warns
        -----
        UnknownClassWarning
            Labels are of classes that were not there in ``fit``; they count as predicted wrongly.
        """
        owner, columns = type(self).__name__, self._read_columns(X)
        with torch_threads(self.n_threads):
            outputs = self._ensemble.predict(columns)
        task_set, names = self._task_set, self.task_names_
        labels, cells = split_known_tags(y, self._tags, names=names, task_set=task_set, owner=owner)
        targets = task_set.encode(labels, owner=owner)
        check_rows(len(outputs), len(targets.values), owner=owner)
        weights = sample_weight_table(
            sample_weight, n_rows=len(outputs), names=names, is_named=task_set.is_named, owner=owner
        )
        of_others = [names.index(name) for name in task_set.names]
        weights = np.broadcast_to(weights, (len(weights), len(names)))
        scores = task_scores(task_set, targets, self._decide(outputs), sample_weight=weights[:, of_others])
        predicted = self._predict_tags(columns)
        of_tags = [names.index(of.task.name) for of in predicted]
        of_words = score_tags(predicted, cells, weights=weights[:, of_tags], owner=owner)
        return float(np.nanmean([*scores, *of_words.values()]))

    def _html_repr(self) -> str:
        """Give scikit-learn's diagram, and after a fit the essentials below it."""
        diagram: str = super()._html_repr()
        return diagram + essentials(self) if hasattr(self, "net_") else diagram

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _all_weights(read: FitInput, rows: TrainingRows) -> NDArray[np.float64]:
    """Give the weights of all tasks, in the order of y."""
    by_name = dict(
        zip(read.training_names, [*rows.task_weight, *(of.task_weight for of in read.tags)], strict=True)
    )
    return np.array([by_name[name] for name in read.names])


def _by_row(tags: Sequence[TagPrediction]) -> dict[str, Any]:
    """Give the probabilities of tags by task: an array for each row."""
    return {of.task.name: of.by_row() for of in tags}


def _history_frame(net: FoldNet) -> pd.DataFrame:
    """Make a table of a net's history: epoch, losses in total and per task, seconds."""
    finished = [epoch for epoch in net.history.to_list() if "valid_loss_best" in epoch]
    unwanted = ["batches", "train_batch_count", "train_loss_best", "valid_loss_best"]
    frame = pd.DataFrame(finished).drop(columns=unwanted).rename(columns={"dur": "seconds"})
    by_task = [
        pd.DataFrame(
            frame.pop(f"{part}_task_losses").to_list(),
            columns=[f"{part}_loss_{name}" for name in net.task_names],
        )
        for part in ("train", "valid")
    ]
    frame = pd.concat([frame, *by_task], axis=1)
    first = ["epoch", "train_loss", "valid_loss"]
    losses = [name for name in frame.columns if "_loss_" in name]
    others = [name for name in frame.columns if name not in (*first, *losses, "seconds")]
    return frame[[*first, *losses, "seconds", *others]]
