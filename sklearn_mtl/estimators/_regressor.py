"""Regression tasks."""

from __future__ import annotations

from os import PathLike
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from ..balancing import GradientBalancing, LossBalancing
from ..encoding import SequenceColumns, TextColumns
from ..pretrained import PretrainedEncoder
from ..regularization import Regularization
from ..tasks import NUMBER_KINDS
from ._alone import Sharing
from ._base import BaseMultiTaskAttention
from ._defaults import Auto, Preset
from ._docs import describe_parameters
from ._quantiles import NUMBER_CONSTRAINTS, has_quantiles


@describe_parameters
class MultiTaskAttentionRegressor(RegressorMixin, BaseMultiTaskAttention):
    """Learn several numbers at once, from a table with holes and labels with holes.

    Every column becomes a token; each task pools the tokens by attention of its own; folds of small
    networks learn all tasks together, stop on rows that they have not seen, and stand beside a linear
    model and a forest, each with the share in a task that its out-of-fold predictions earn.

    Parameters
    ----------
    {parameters}
    loss : str, tuple, dict or list, default="squared_error"
        Loss of all tasks, by name, or in order; ``"squared_error"`` for one that a dict does not name. What
        is predicted is with

        - ``"squared_error"`` the mean;
        - ``"absolute_error"`` the median;
        - ``"huber"`` something between them: errors above 1.35 times the spread of the labels count as with
          ``"absolute_error"``, smaller ones as with ``"squared_error"``;
        - ``"quantile"`` the quantiles of the levels 0.05, 0.5 and 0.95, or of those that come with it, as in
          ``("quantile", (0.1, 0.5, 0.9))``, ascending between 0 and 1; ``predict`` gives that nearest to 0.5,
          ``predict_quantiles`` all;
        - ``"poisson"`` the rate of counts, or any mean of labels that are not negative, as the exponential of
          what the network and the linear view say.
    {of_numbers}

    Attributes
    ----------
    {attributes}
    oof_prediction_ : ndarray of shape (B, T) or (B,)
        Prediction for each training row by the folds that were not trained on it; by all of them for a row
        without labels.
    oof_quantiles_ : ndarray of shape (B, T, Q) or (B, Q), or dict from str to ndarray of shape (B, Q)
        Quantiles for each training row by the folds that were not trained on it, as ``predict_quantiles``
        gives them; not there without quantile tasks.

    See Also
    --------
    MultiTaskAttentionClassifier : The same for classes.
    MultiTaskAttentionEstimator : Numbers and classes in one model.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mtl import MultiTaskAttentionRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> y = np.stack([X[:, 0] + X[:, 1], X[:, 1] * X[:, 2]], axis=1)
    >>> y[rng.random(y.shape) < 0.3] = np.nan
    >>> regressor = MultiTaskAttentionRegressor(random_state=0).fit(X, y)
    >>> regressor.predict(X[:2]).shape
    (2, 2)
    >>> bool(regressor.oof_score_ > 0.5)
    True

    An interval for the second task:

    >>> loss = {"task_1": ("quantile", (0.1, 0.5, 0.9))}
    >>> regressor = MultiTaskAttentionRegressor(loss=loss, random_state=0)
    >>> regressor.fit(X, y).predict_quantiles(X[:2])["task_1"].shape
    (2, 3)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMultiTaskAttention._parameter_constraints,
        "loss": [StrOptions(set(NUMBER_KINDS)), dict, list, tuple],
        **NUMBER_CONSTRAINTS,
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
        loss: str | tuple[str, Any] | dict[str, Any] | list[Any] = "squared_error",
        target_transform: Any = None,
        task_weight: dict[str, float] | ArrayLike | Literal["cv"] | None = None,
        balancing: str | LossBalancing | GradientBalancing = "mean",
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
        self.loss = loss
        self.target_transform = target_transform

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict all tasks: means, medians, rates, or of quantiles that nearest to the median.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        ndarray of shape (B, T), or (B,) if y had one axis, float64
        """
        outputs = self._predict_outputs(X)
        return self._task_set.decode(self._task_set.decide(outputs))

    def predict_interval(self, X: Any, coverage: float = 0.9) -> NDArray[np.float64]:
        """Predict an interval in which a new label lies with a given probability.

        The bounds are the prediction, plus and minus a multiple of a width of the row. The multiple is the
        quantile of the errors that the folds made on rows they had not seen, the
        ceil(coverage · (n + 1))-th of n; the width grows with the spread of the trees of a fold (where no
        task has a forest: of its views), as far as that made intervals better out of fold. Of quantile tasks
        the outermost quantiles are moved, outwards or inwards [1]_.

        Of new rows like those of ``fit``, about `coverage` are inside, on average over rows, not for each
        kind of row. A bound that holds for any data is known for CV+ [2]_, whose intervals are around the
        single folds: at least 1 - 2 · (1 - coverage), less about sqrt(2 / n). It holds here if both sides
        are widened by the distance from the mean of the folds to the farthest one, and but for what is
        chosen by all out-of-fold errors together: epoch, shares and widths.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``.
        coverage : float, default=0.9
            Share of labels that are to be inside, between 0 and 1.

        Returns
        -------
        ndarray of shape (B, T, 2), or (B, 2) if y had one axis
            Lower and upper bounds. With a ``target_transform`` they do not leave the range of the labels.

        Raises
        ------
        ValueError
            A task has too few labels for `coverage`: n labels allow at most n / (n + 1).

        References
        ----------
        .. [1] Romano, Patterson, Candès (2019). Conformalized quantile regression. NeurIPS.
        .. [2] Barber, Candès, Ramdas, Tibshirani (2021). Predictive inference with the jackknife+. Annals of
           Statistics 49, 486-507. arXiv:1905.02928.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_mtl import MultiTaskAttentionRegressor
        >>> X = np.random.default_rng(0).normal(size=(100, 2))
        >>> regressor = MultiTaskAttentionRegressor(preset="fast", random_state=0).fit(X, X[:, :1] * X)
        >>> bounds = regressor.predict_interval(X, coverage=0.8)
        >>> bounds.shape, bool((bounds[..., 0] <= bounds[..., 1]).all())
        ((100, 2, 2), True)
        """
        bounds = np.stack(list(self._bounds(X, coverage).values()), axis=1)  # (B, T, 2)
        return bounds[:, 0] if self._task_set.is_1d else bounds

    def predict_std(self, X: Any) -> NDArray[np.float64]:
        """Say how far apart the networks are: their standard deviation over folds and views.

        It grows where there were few rows like these. It is not the deviation of a label, which also has
        noise: for that, see `predict_interval`.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        ndarray of shape (B, T), or (B,) if y had one axis
            On the scale of the labels; with a ``target_transform``, half of the distance between one
            deviation above and below the prediction.
        """
        deviations = np.stack(list(self._deviations(X).values()), axis=1)  # (B, T)
        return deviations[:, 0] if self._task_set.is_1d else deviations

    @available_if(has_quantiles)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def predict_quantiles(self, X: Any) -> NDArray[np.float64] | dict[str, NDArray[np.float64]]:
        """Predict the quantiles of tasks with ``loss="quantile"``.

        Parameters
        ----------
        X : DataFrame, array-like or sparse array of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        ndarray of shape (B, T, Q), (B, Q) if y had one axis, or dict from str to ndarray of shape (B, Q)
            In the order of their levels, ascending; a dict by task if only some tasks have quantiles or they
            have different numbers of levels.

        Raises
        ------
        AttributeError
            No task has quantiles.
        """
        quantiles: NDArray[np.float64] | dict[str, NDArray[np.float64]]
        quantiles = self._quantiles(self._predict_outputs(X))
        return quantiles

    def _quantiles(self, outputs: NDArray[np.float64]) -> Any:
        quantiles = super()._quantiles(outputs)
        if isinstance(quantiles, np.ndarray) or len(quantiles) < len(self.task_names_):
            return quantiles
        widths = {array.shape[1] for array in quantiles.values()}
        return np.stack(list(quantiles.values()), axis=1) if len(widths) == 1 else quantiles  # (B, T, Q)

    def _kind_of_tasks(self) -> Any:
        return self.loss

    def _reading_options(self) -> dict[str, Any]:
        return {
            "among": NUMBER_KINDS,
            "argument": "loss",
            "target_transform": self.target_transform,
        }
