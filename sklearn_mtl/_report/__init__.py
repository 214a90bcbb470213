"""A page about a fitted estimator."""

from ._report import report

__all__ = ["report"]
