"""Tables with several tasks, as pandas frames."""

from sklearn_mtl.datasets._movies import load_movies
from sklearn_mtl.datasets._mulan import load_mulan

__all__ = ["load_movies", "load_mulan"]
