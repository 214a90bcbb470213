"""Regression tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from ._base import BaseMultiTaskAttention
from ._docs import describe_parameters


@describe_parameters
class MultiTaskAttentionRegressor(RegressorMixin, BaseMultiTaskAttention):
    """Learn several numbers at once, from a table with holes and labels with holes.

    Every column becomes a token; each task pools the tokens by attention of its own; folds of small
    networks learn all tasks together, stop on rows that they have not seen, and stand beside a linear
    model and a forest, each with the share in a task that its out-of-fold predictions earn.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}
    oof_prediction_ : ndarray of shape (B, T) or (B,)
        Prediction for each training row by the folds that were not trained on it; by all of them for a row
        without labels.

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
    """

    score = BaseMultiTaskAttention.score  # the mixin has one, too

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict all tasks.

        Parameters
        ----------
        X : DataFrame or array-like of shape (B, C)
            Rows with the columns of ``fit``.

        Returns
        -------
        ndarray of shape (B, T), or (B,) if y had one axis, float64
        """
        outputs = self._predict_outputs(X)
        return self._task_set.decode(outputs)

    def _kind_of_tasks(self) -> str:
        return "regression"
