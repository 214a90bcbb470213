"""Pretrained text encoders: which one is wanted, and the vectors it gives."""

from ._encoder import LoadedEncoder, PieceWords
from ._options import PretrainedEncoder, load_encoder

__all__ = ["LoadedEncoder", "PieceWords", "PretrainedEncoder", "load_encoder"]
