"""Tables with several tasks, read or drawn, as pandas frames."""

from ._infarction import load_myocardial_infarction
from ._movies import load_movies
from ._mulan import load_mulan
from ._multitask import make_multitask
from ._openml import load_openml

__all__ = ["load_movies", "load_mulan", "load_myocardial_infarction", "load_openml", "make_multitask"]
