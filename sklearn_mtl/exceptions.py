"""Warnings that a caller may want to filter or catch by their class."""

__all__ = ["FitInterruptedWarning", "TaskTypeWarning", "UnknownClassWarning"]


class FitInterruptedWarning(UserWarning):
    """Training was stopped by hand; the estimator keeps the best epoch it had reached.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_mtl.exceptions import FitInterruptedWarning
    >>> warnings.simplefilter("error", FitInterruptedWarning)
    """


class TaskTypeWarning(UserWarning):
    """Whether tasks are numbers or classes was guessed; ``task_types`` says it.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_mtl.exceptions import TaskTypeWarning
    >>> warnings.simplefilter("error", TaskTypeWarning)
    """


class UnknownClassWarning(UserWarning):
    """Labels to score against have classes that were not there in fit; every prediction of them is wrong.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_mtl.exceptions import UnknownClassWarning
    >>> warnings.simplefilter("error", UnknownClassWarning)
    """
