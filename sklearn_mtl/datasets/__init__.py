"""Tables with several tasks, as pandas frames."""

from ._movies import load_movies
from ._mulan import load_mulan

__all__ = ["load_movies", "load_mulan"]
