"""The parameter ``text_encoder`` of the estimators."""

from __future__ import annotations

from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from ._encoder import LoadedEncoder


class PretrainedEncoder(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Which pretrained encoder reads texts, and how: the parameter ``text_encoder`` of the estimators.

    Its weights stay as they are. It gives each different text one vector a token, in float16, of which
    networks learn to pool those that each task needs, and one vector for the whole text, pooled as the
    encoder itself does, for linear view and forest. Terms of the same texts stay beside them.

    Nothing is downloaded. The extra ``text`` brings what reads encoders: ``pip install 'sklearn_mtl[text]'``.

    Parameters
    ----------
    path : str or path-like
        A folder that transformers or sentence-transformers has written, or the name of a model that is in the
        local cache of the Hugging Face hub.
    max_length : int or None, default=None
        Most tokens of a text; what follows is cut off, and ``verbose`` says how often. None: what the encoder
        was made for, but not more than 512.
    max_gigabytes : float, default=4.0
        Memory that the vectors of one column may take in a call; beyond is an error that says how much it
        would be. A token of an encoder of width 384 takes 768 bytes, 10,000 texts of 25 tokens 0.2 GB.

    See Also
    --------
    TextColumns : Which columns are texts.

    Examples
    --------
    >>> from sklearn_mtl import MultiTaskAttentionRegressor, PretrainedEncoder
    >>> encoder = PretrainedEncoder("models/all-MiniLM-L6-v2", max_length=64)
    >>> MultiTaskAttentionRegressor(text_encoder=encoder)
    MultiTaskAttentionRegressor(text_encoder=PretrainedEncoder(max_length=64,
                                                               path='models/all-MiniLM-L6-v2'))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "path": [str, PathLike],
        "max_length": [Interval(Integral, 2, None, closed="left"), None],
        "max_gigabytes": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self, path: str | PathLike[str], *, max_length: int | None = None, max_gigabytes: float = 4.0
    ) -> None:
        self.path = path
        self.max_length = max_length
        self.max_gigabytes = max_gigabytes

    def check(self, *, owner: str) -> None:
        """Refuse parameters that cannot be used.

        Parameters
        ----------
        owner : str
            The estimator's class name, for error messages.

        Raises
        ------
        ValueError
            The message names the parameter.
        """
        params = self.get_params(deep=False)
        validate_parameter_constraints(
            self._parameter_constraints, params, f"{owner}: text_encoder=PretrainedEncoder"
        )


def load_encoder(
    text_encoder: str | PathLike[str] | PretrainedEncoder | None, *, device: str, owner: str
) -> LoadedEncoder | None:
    """Load the encoder that the user asks for.

    Parameters
    ----------
    text_encoder : str, path-like, PretrainedEncoder or None
        A path or name is a `PretrainedEncoder` with its defaults.
    device : str
        Where it computes.
    owner : str
        Who asks; errors start with it.

    Returns
    -------
    LoadedEncoder or None

    Raises
    ------
    ValueError
        There is no such encoder here, or it cannot be used; the message says how to get one.
    ImportError
        transformers is not installed.
    """
    if text_encoder is None:
        return None
    options = text_encoder if isinstance(text_encoder, PretrainedEncoder) else PretrainedEncoder(text_encoder)
    options.check(owner=owner)
    return LoadedEncoder(
        options.path,
        max_length=options.max_length,
        max_gigabytes=options.max_gigabytes,
        device=device,
        owner=owner,
    )
