"""Classification tasks."""

from __future__ import annotations

from numbers import Real
from os import PathLike
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions

from ..balancing import GradientBalancing, LossBalancing
from ..encoding import SequenceColumns, TextColumns
from ..pretrained import PretrainedEncoder
from ..regularization import Regularization
from ..tasks import CLASS_KINDS
from ._alone import Sharing
from ._base import BaseMultiTaskAttention
from ._defaults import Auto, Preset
from ._docs import describe_parameters
from ._thresholds import Threshold


@describe_parameters
class MultiTaskAttentionClassifier(ClassifierMixin, BaseMultiTaskAttention):
    """Learn several classifications at once, from a table with holes and labels with holes.

    Every column becomes a token; each task pools the tokens by attention of its own; folds of small
    networks learn all tasks together, stop on rows that they have not seen, and stand beside a logistic
    model and a forest, each with the share in a task that its out-of-fold predictions earn.

    Parameters
    ----------
    {parameters}
    task_types : None, str, tuple, dict or list, default=None
        Kinds of the tasks: of all, by name, or in order. ``"classification"``, which None is, too, is
        ``"binary"`` or ``"multiclass"`` by the number of classes; ``"binary"`` refuses a third class. Classes
        of an ``"ordinal"`` task have an order: that of an ordered categorical dtype, else of their sorted
        labels; or the one given, as in ``{"size": ("ordinal", ["S", "M", "L"])}``.
    {of_classes}
    class_weight : None, "balanced", dict or list, default=None
        Weights of classes: ``"balanced"`` gives class k of a task the weight n / (K n_k); a dict from class
        to weight serves every task that has these classes; a dict from task name, or a list in task order,
        gives each task its own.
    {decision_parameters}

    Attributes
    ----------
    {attributes}
    {decision_attributes}
    classes_ : list of ndarray, or ndarray if y had one axis
        The classes of each task, sorted; those of an ordinal task in their order.
    oof_prediction_ : ndarray of shape (B, T) or (B,)
        Prediction for each training row by the folds that were not trained on it; by all of them for a row
        without labels.
    oof_proba_ : list of ndarray of shape (B, K), or ndarray of shape (B, K) if y had one axis
        Probabilities for each training row by the folds that were not trained on it.

    See Also
    --------
    MultiTaskAttentionRegressor : The same for numbers.
    MultiTaskAttentionEstimator : Numbers and classes in one model.

    References
    ----------
    {references}
    {decision_reference}

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl import MultiTaskAttentionClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> y = np.array([["low", "high"], ["no", "yes"]], dtype=object)
    >>> y = np.stack([y[0, (X[:, 0] > 0).astype(int)], y[1, (X[:, 1] > X[:, 2]).astype(int)]], axis=1)
    >>> y[rng.random(y.shape) < 0.3] = None
    >>> classifier = MultiTaskAttentionClassifier(random_state=0).fit(X, y)
    >>> [classes.tolist() for classes in classifier.classes_]
    [['high', 'low'], ['no', 'yes']]
    >>> [probability.shape for probability in classifier.predict_proba(X)]
    [(200, 2), (200, 2)]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMultiTaskAttention._parameter_constraints,
        "task_types": [StrOptions(set(CLASS_KINDS)), dict, list, tuple, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left"), dict],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "calibrate": ["boolean", dict, list],
        "thresholds": [str, Real, dict, list, None],
    }
    score = BaseMultiTaskAttention.score  # the mixin has one, too

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
        task_types: Any = None,
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
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.calibrate = calibrate
        self.thresholds = thresholds

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of all tasks: the most probable one, or by `thresholds_`.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        ndarray of shape (B, T), or (B,) if y had one axis
            In the dtype that the tasks' classes share, object if they share none.
        """
        outputs = self._predict_outputs(X)
        return self._task_set.decode(self._decide(outputs))

    def predict_proba(self, X: Any) -> list[NDArray[np.float64]] | NDArray[np.float64]:
        """Predict the probability of every class.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        list of ndarray of shape (B, K), or one ndarray if y had one axis
            For each task, in the order of ``classes_``.
        """
        outputs = self._predict_outputs(X)
        probabilities: list[NDArray[np.float64]] | NDArray[np.float64]
        probabilities = self._by_task(self._task_set.probabilities(outputs))
        return probabilities

    def predict_set(self, X: Any, coverage: float = 0.9) -> list[NDArray[np.bool_]] | NDArray[np.bool_]:
        """Predict the set of classes in which a new label is with a given probability.

        A class is in the set of a row if its probability is at least 1 - q, with q the
        ceil(coverage · (n + 1))-th of what the classes of n training labels lacked to a probability of 1 out
        of fold [1]_; the most probable class is always in it. Of new rows like those of ``fit``, the class of
        about `coverage` is in their set, on average over rows and classes; as to what is proven, see
        `MultiTaskAttentionRegressor.predict_interval`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``.
        coverage : float, default=0.9
            Share of labels that are to be in their sets, between 0 and 1.

        Returns
        -------
        list of ndarray of bool of shape (B, K), or one ndarray if y had one axis
            For each task, whether a class is in the set, in the order of ``classes_``.

        Raises
        ------
        ValueError
            A task has too few labels for `coverage`: n labels allow at most n / (n + 1).

        References
        ----------
        .. [1] Sadinle, Lei, Wasserman (2019). Least ambiguous set-valued classifiers with bounded error
           levels. JASA 114, 223-234.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mtl import MultiTaskAttentionClassifier
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(100, 2))
        >>> y = np.digitize(X[:, 0] + 0.3 * rng.normal(size=100), [-0.5, 0.5])
        >>> classifier = MultiTaskAttentionClassifier(preset="fast", random_state=0).fit(X, y)
        >>> sets = classifier.predict_set(X)
        >>> sets.shape, bool(sets.any(axis=1).all())
        ((100, 3), True)
        """
        sets: list[NDArray[np.bool_]] | NDArray[np.bool_] = self._by_task(self._sets(X, coverage))
        return sets

    def _kind_of_tasks(self) -> Any:
        return self.task_types

    def _reading_options(self) -> dict[str, Any]:
        return {"among": CLASS_KINDS, "label_smoothing": self.label_smoothing}

    def _class_weight(self) -> Any:
        return self.class_weight

    def _calibrate(self) -> Any:
        return self.calibrate

    def _thresholds(self) -> Any:
        return self.thresholds

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
