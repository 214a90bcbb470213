"""Tables with several tasks, read or drawn, as pandas frames."""

from ._movies import load_movies
from ._mulan import load_mulan
from ._multitask import make_multitask

__all__ = ["load_movies", "load_mulan", "make_multitask"]
