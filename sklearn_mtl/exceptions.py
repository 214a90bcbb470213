"""Warnings that a caller may want to filter or catch by their class."""

__all__ = ["FitInterruptedWarning"]


class FitInterruptedWarning(UserWarning):
    """Training was stopped by hand; the estimator keeps the best epoch it had reached.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_mtl.exceptions import FitInterruptedWarning
    >>> warnings.simplefilter("error", FitInterruptedWarning)
    """
