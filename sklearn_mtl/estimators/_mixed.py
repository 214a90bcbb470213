"""Tasks of any kind, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from ..balancing import GradientBalancing, LossBalancing
from ..encoding import SequenceColumns, TextColumns
from ..pretrained import PretrainedEncoder
from ..regularization import Regularization
from ..tasks import CLASS_KINDS, NUMBER_KINDS
from ..training import torch_threads
from ._alone import Sharing
from ._base import BaseMultiTaskAttention
from ._classifier import MultiTaskAttentionClassifier
from ._defaults import Auto, Preset
from ._docs import describe_parameters
from ._quantiles import NUMBER_CONSTRAINTS, has_quantiles
from ._tagging import TagPrediction, insert_tags
from ._thresholds import Threshold


def _has_classes(estimator: BaseMultiTaskAttention) -> bool:
    """Say whether there is, or may yet be, a task with probabilities."""
    if hasattr(estimator, "net_") and not hasattr(estimator, "classes_"):
        raise AttributeError(
            f"{type(estimator).__name__}: none of the tasks {estimator.task_names_} is a classification; "
            "there are probabilities of classes only."
        )
    return True


def _has_numbers(estimator: BaseMultiTaskAttention) -> bool:
    """Say whether there is, or may yet be, a task of numbers."""
    if hasattr(estimator, "net_") and not estimator._intervals_by_task:
        raise AttributeError(
            f"{type(estimator).__name__}: none of the tasks {estimator.task_names_} is a number; there are "
            "intervals of numbers only."
        )
    return True


@describe_parameters
class MultiTaskAttentionEstimator(BaseMultiTaskAttention):
    """Learn numbers and classes at once, from a table with holes and labels with holes.

    Every column becomes a token; each task pools the tokens by attention of its own; folds of small
    networks learn all tasks together, stop on rows that they have not seen, and stand beside a linear
    model and a forest, each with the share in a task that its out-of-fold predictions earn.

    What kind of task a column of y is, ``task_types`` says, or its labels:

    - lists are tags of words;
    - categories, text and booleans are classes;
    - numbers, one of which has a fraction, are numbers;
    - two different whole numbers are classes;
    - other whole numbers are classes where their dtype is an integer, there are at most 10 different ones,
      and three labels of each in the mean; else they are numbers.

    A ``TaskTypeWarning`` names the tasks of which this is a guess: two whole numbers as floats, more than two
    of an integer dtype, at most 10 as floats beside missing labels, and text that looks like an
    identifier. Dates are refused.

    Parameters
    ----------
    task_types : None, str, tuple, dict or list, default=None
        Kinds of the tasks: of all, by name, or in order. None, and a task that a dict does not name, is
        inferred.

        - ``"regression"``, and with another loss ``"absolute_error"``, ``"huber"``, ``"quantile"`` or
          ``"poisson"``: numbers, learned as with the ``loss`` of that name by `MultiTaskAttentionRegressor`
          (``"squared_error"`` is ``"regression"``), and levels of quantiles as in
          ``{"price": ("quantile", (0.1, 0.5, 0.9))}``;
        - ``"classification"``, which is ``"binary"`` or ``"multiclass"`` by the number of classes;
          ``"binary"`` refuses a third class;
        - ``"ordinal"``: classes with an order, that of an ordered categorical dtype, else of their sorted
          labels; or the one given, as in ``{"size": ("ordinal", ["S", "M", "L"])}``;
        - ``"tagging"``: a tag for each word of a text, as lists of tags or texts of tags with spaces between
          them; of the words of the only text column, or of the one given, as in
          ``{"slots": ("tagging", {"column": "query"})}``.
    {parameters}
    {of_numbers}
    {of_classes}
    class_weight : None, "balanced", dict or list, default=None
        Weights of classes, for the tasks that have classes: ``"balanced"`` gives class k of a task the
        weight n / (K n_k); a dict from class to weight serves every task that has these classes; a dict
        from task name, or a list in task order, gives each task its own.
    {decision_parameters}

    Attributes
    ----------
    {attributes}
    {decision_attributes}
    classes_ : dict from str to ndarray, or ndarray if y had one axis
        The classes of each classification task, sorted, those of an ordinal task in their order, and the tags
        of each task of tags; not there without any.
    oof_prediction_ : DataFrame or ndarray of shape (B, T), or ndarray of shape (B,)
        Prediction for each training row by the folds that were not trained on it, as ``predict`` gives it; by
        all folds for a row without labels. A DataFrame has the index of X, or that of y if X has none.
    oof_proba_ : dict from str to ndarray of shape (B, K), or ndarray of shape (B, K) if y had one axis
        Probabilities for each training row by the folds that were not trained on it, as ``predict_proba``
        gives them, for a task of tags a list of arrays; not there without classification tasks or tags.
    oof_quantiles_ : dict from str to ndarray of shape (B, Q), or ndarray of shape (B, Q) if y had one axis
        Quantiles for each training row by the folds that were not trained on it, as ``predict_quantiles``
        gives them; not there without quantile tasks.

    See Also
    --------
    MultiTaskAttentionRegressor : The same for numbers alone.
    MultiTaskAttentionClassifier : The same for classes alone.
    multitask_report : Scores of each task beside those of a baseline.

    Notes
    -----
    For scikit-learn this is neither a classifier nor a regressor: scorers that it names by a string, such as
    ``"roc_auc"``, expect one of the two. `make_multitask_scorer` has scorers for both.

    References
    ----------
    {references}
    {decision_reference}

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_mtl import MultiTaskAttentionEstimator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> Y = pd.DataFrame({
    ...     "rating": X[:, 0] + X[:, 1],
    ...     "genre": pd.cut(X[:, 1], [-9, -0.5, 0.5, 9], labels=["art", "drama", "action"]),
    ...     "sold": pd.array(X[:, 2] > 0, dtype="boolean"),
    ... })
    >>> Y = Y.mask(rng.random(Y.shape) < 0.3)
    >>> estimator = MultiTaskAttentionEstimator(random_state=0).fit(X, Y)
    >>> estimator.tasks_[["kind", "n_classes", "n_labelled"]]
                  kind  n_classes  n_labelled
    rating  regression       <NA>         140
    genre   multiclass          3         137
    sold        binary          2         141
    >>> estimator.predict(X).dtypes.astype(str).to_dict()
    {'rating': 'float64', 'genre': 'category', 'sold': 'boolean'}
    >>> {name: proba.shape for name, proba in estimator.predict_proba(X).items()}
    {'genre': (200, 3), 'sold': (200, 2)}
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MultiTaskAttentionClassifier._parameter_constraints,
        "task_types": [
            StrOptions({"regression", *NUMBER_KINDS, *CLASS_KINDS, "tagging"}),
            dict,
            list,
            tuple,
            None,
        ],
        **NUMBER_CONSTRAINTS,
    }

    def __init__(
        self,
        *,
        task_types: Any = None,
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
        target_transform: Any = None,
        label_smoothing: float | dict[str, float] = 0.0,
        task_weight: dict[str, float] | ArrayLike | Literal["cv"] | None = None,
        balancing: str | LossBalancing | GradientBalancing = "mean",
        class_weight: Any = None,
        calibrate: bool | dict[str, bool] | list[bool] = False,
        thresholds: Threshold | dict[str, Threshold | None] | list[Threshold | None] | None = None,
        callbacks: list[Any] | tuple[Any, ...] | None = None,
        device: str = "auto",
        n_threads: int = 1,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            preset=preset,
            n_folds=n_folds,
            n_views=n_views,
            n_slots=n_slots,
            n_bins=n_bins,
            d_token=d_token,
            d_hidden=d_hidden,
            n_layers=n_layers,
            attention=attention,
            attention_sharing=attention_sharing,
            task_interaction=task_interaction,
            schedule=schedule,
            dropout=dropout,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            regularization=regularization,
            batch_size=batch_size,
            max_epochs=max_epochs,
            linear_view=linear_view,
            n_trees=n_trees,
            sharing=sharing,
            text=text,
            text_encoder=text_encoder,
            sequences=sequences,
            task_weight=task_weight,
            balancing=balancing,
            callbacks=callbacks,
            device=device,
            n_threads=n_threads,
            random_state=random_state,
            verbose=verbose,
        )
        self.task_types = task_types
        self.target_transform = target_transform
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.calibrate = calibrate
        self.thresholds = thresholds

    def predict(self, X: Any) -> pd.DataFrame | NDArray[Any]:
        """Predict numbers, and the most probable classes or those by `thresholds_`.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        DataFrame or ndarray of shape (B, T), or ndarray of shape (B,) if y had one axis
            If y was a DataFrame, one with its columns in their dtypes, numbers as float64, tags as lists as
            long as the text has words, and with the index of X. If y was an array, one in the dtype that all
            tasks share, object if they share none.
        """
        columns = self._read_columns(X)
        with torch_threads(self.n_threads):
            outputs = self._ensemble.predict(columns)
        index = X.index if isinstance(X, pd.DataFrame) else None
        labels: pd.DataFrame | NDArray[Any]
        labels = self._labels(self._decide(outputs), index=index, tags=self._predict_tags(columns))
        return labels

    @available_if(_has_classes)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of every class of the classification tasks.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        dict from str to ndarray of shape (B, K), or one ndarray if y had one axis
            By the names of the tasks, in the order of ``classes_``; of a task of tags a list with an array
            (words of the row, K) for each row.

        Raises
        ------
        AttributeError
            None of the tasks is a classification.
        """
        columns = self._read_columns(X)
        with torch_threads(self.n_threads):
            outputs = self._ensemble.predict(columns)
        of_tags = {of.task.name: of.by_row() for of in self._predict_tags(columns)}
        return self._by_task({**self._task_set.probabilities(outputs), **of_tags})

    @available_if(_has_classes)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_set(self, X: Any, coverage: float = 0.9) -> dict[str, NDArray[np.bool_]] | NDArray[np.bool_]:
        """Predict the set of classes in which a new label is with a given probability.

        As `MultiTaskAttentionClassifier.predict_set` does.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``.
        coverage : float, default=0.9
            Share of labels that are to be in their sets, between 0 and 1.

        Returns
        -------
        dict from str to ndarray of bool of shape (B, K), or one ndarray if y had one axis
            By the names of the tasks, whether a class is in the set, in the order of ``classes_``.

        Raises
        ------
        AttributeError
            None of the tasks is a classification.
        ValueError
            A task has too few labels for `coverage`: n labels allow at most n / (n + 1).
        """
        sets: dict[str, NDArray[np.bool_]] | NDArray[np.bool_] = self._by_task(self._sets(X, coverage))
        return sets

    @available_if(_has_numbers)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_interval(self, X: Any, coverage: float = 0.9) -> pd.DataFrame | NDArray[np.float64]:
        """Predict, for tasks of numbers, an interval in which a new label lies with a given probability.

        As `MultiTaskAttentionRegressor.predict_interval` does.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``.
        coverage : float, default=0.9
            Share of labels that are to be inside, between 0 and 1.

        Returns
        -------
        DataFrame of shape (B, 2 T), or ndarray of shape (B, 2) if y had one axis
            Two columns for each task that is a number, ``(name, "lower")`` and ``(name, "upper")``; the index
            of X, if it has one.

        Raises
        ------
        AttributeError
            None of the tasks is a number.
        ValueError
            A task has too few labels for `coverage`: n labels allow at most n / (n + 1).
        """
        bounds = self._bounds(X, coverage)
        if self._task_set.is_1d:
            return next(iter(bounds.values()))
        columns = pd.MultiIndex.from_product([bounds, ["lower", "upper"]], names=["task", "bound"])
        return pd.DataFrame(
            np.hstack(list(bounds.values())), index=getattr(X, "index", None), columns=columns
        )

    @available_if(_has_numbers)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_std(self, X: Any) -> pd.DataFrame | NDArray[np.float64]:
        """Say how far apart the networks are in tasks of numbers: their deviation over folds and views.

        As `MultiTaskAttentionRegressor.predict_std` does.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        DataFrame of shape (B, T), or ndarray of shape (B,) if y had one axis
            A column for each task that is a number; the index of X, if it has one.

        Raises
        ------
        AttributeError
            None of the tasks is a number.
        """
        deviations = self._deviations(X)
        if self._task_set.is_1d:
            return next(iter(deviations.values()))
        return pd.DataFrame(deviations, index=getattr(X, "index", None))

    def _kind_of_tasks(self) -> Any:
        return self.task_types

    def _reading_options(self) -> dict[str, Any]:
        return {
            "target_transform": self.target_transform,
            "label_smoothing": self.label_smoothing,
            "learns_tags": True,
        }

    @available_if(has_quantiles)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_quantiles(self, X: Any) -> dict[str, NDArray[np.float64]] | NDArray[np.float64]:
        """Predict the quantiles of tasks whose kind is ``"quantile"``.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        dict from str to ndarray of shape (B, Q), or one ndarray if y had one axis
            By the names of the tasks, in the order of their levels, ascending.

        Raises
        ------
        AttributeError
            No task has quantiles.
        """
        quantiles: dict[str, NDArray[np.float64]] | NDArray[np.float64]
        quantiles = self._quantiles(self._predict_outputs(X))
        return quantiles

    def _class_weight(self) -> Any:
        return self.class_weight

    def _calibrate(self) -> Any:
        return self.calibrate

    def _thresholds(self) -> Any:
        return self.thresholds

    def _labels(
        self, values: NDArray[np.float64], *, index: pd.Index | None, tags: Sequence[TagPrediction] = ()
    ) -> Any:
        if tags and self._task_set.is_1d:
            return tags[0].tags()
        of_others = (
            self._task_set.decode_frame(values, index=index)
            if self._task_set.is_frame
            else self._task_set.decode(values)
        )
        return insert_tags(of_others, tags)

    def _by_task(self, arrays: dict[str, Any]) -> Any:
        return next(iter(arrays.values())) if self._task_set.is_1d else arrays

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # Neither kind of estimator, but there may be probabilities: scikit-learn's checks then ask for these.
        tags.classifier_tags = ClassifierTags(multi_label=True)
        return tags
