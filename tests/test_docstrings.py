"""Docstrings say of parameters what signatures say, and something reads every parameter of a constructor."""

import ast
import inspect
import pkgutil
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numpydoc.docscrape import NumpyDocString

import sklearn_mtl

PACKAGE = Path(sklearn_mtl.__file__).parent
USER_FACING = (
    "attention",
    "balancing",
    "regularization",
    "schedules",
    "metrics",
    "model_selection",
    "datasets",
    "inspection",
    "persistence",
)
NO_PARAMETER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def public_modules() -> list[ModuleType]:
    found = [module.name for module in pkgutil.walk_packages([str(PACKAGE)], prefix="sklearn_mtl.")]
    return [sklearn_mtl, *(import_module(name) for name in found if "._" not in name)]


def is_ours(thing: Any) -> bool:
    written = inspect.isclass(thing) or inspect.isfunction(thing)
    return written and thing.__module__.startswith("sklearn_mtl")


def public_names(module: ModuleType) -> dict[str, Any]:
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    things = {f"{module.__name__}.{name}": getattr(module, name) for name in names}
    return {name: thing for name, thing in things.items() if is_ours(thing)}


def is_for_users(name: str) -> bool:
    return name.count(".") == 1 or name.split(".")[1] in USER_FACING


PUBLIC = {name: thing for module in public_modules() for name, thing in public_names(module).items()}
FOR_USERS = {name: thing for name, thing in PUBLIC.items() if is_for_users(name)}
CLASSES = {name: thing for name, thing in FOR_USERS.items() if inspect.isclass(thing)}
METHODS = {
    f"{name}.{method}": function
    for name, thing in CLASSES.items()
    for method, function in inspect.getmembers(thing, inspect.isfunction)
    if not method.startswith("_") and is_ours(function)
}


def each_of(things: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "thing", things.values(), ids=[n.removeprefix("sklearn_mtl.") for n in things]
    )


def parameters_of(thing: Any) -> dict[str, inspect.Parameter]:
    if inspect.isclass(thing):
        own = [vars(base)["__init__"] for base in thing.__mro__ if is_ours(base) and "__init__" in vars(base)]
        thing = own[0] if own else lambda: None
    parameters = inspect.signature(thing).parameters
    return {name: p for name, p in parameters.items() if name != "self" and p.kind not in NO_PARAMETER}


def documented(thing: Any) -> dict[str, str]:
    """Read what stands behind the colon of each parameter; a dataclass may call its fields attributes."""
    doc = NumpyDocString(inspect.getdoc(thing) or "")
    entries = [*doc["Parameters"], *(doc["Attributes"] if inspect.isclass(thing) else [])]
    return {name.strip(): entry.type for entry in entries for name in entry.name.split(",")}


def says_default(text: str, default: Any) -> bool:
    """Tell whether `text` ends in `default=<the default>`; where it is None, `optional` or `None` will do."""
    match = re.search(r"(?<![\"'])default\s*[=:]?\s*(.+)$", text.replace("`", ""))  # not the word in quotes
    if match is None:
        return default is None and bool(re.search(r"\boptional\b", text))
    said = match[1].strip()
    try:
        value = ast.literal_eval(said)
    except (ValueError, SyntaxError):
        return said in {repr(default), getattr(default, "__name__", None)}
    return type(value) is type(default) and bool(value == default)


def faults_of(thing: Any) -> list[str]:
    parameters, said = parameters_of(thing), documented(thing)
    faults = [f"{name} is not documented" for name in parameters if name not in said]
    for name, parameter in parameters.items():
        has_default = parameter.default is not parameter.empty
        if name in said and has_default and not says_default(said[name], parameter.default):
            faults.append(f"{name} is documented as {said[name]!r}, its default is {parameter.default!r}")
    return faults + [f"{name} is documented and does not exist" for name in unknown(thing, parameters)]


def unknown(thing: Any, parameters: dict[str, inspect.Parameter]) -> list[str]:
    entries = NumpyDocString(inspect.getdoc(thing) or "")["Parameters"]
    names = [name.strip() for entry in entries for name in entry.name.split(",")]
    return [name for name in names if name not in parameters and not name.startswith("*")]


@each_of(PUBLIC | METHODS)
def test_parameters_and_defaults_are_documented_as_they_are(thing):
    assert faults_of(thing) == []


@each_of({name: thing for name, thing in FOR_USERS.items() if "Warning" not in name})
def test_what_is_for_users_has_an_example(thing):
    assert ">>> " in "\n".join(NumpyDocString(inspect.getdoc(thing) or "")["Examples"])


@cache
def attributes_read_in(part: str) -> frozenset[str]:
    paths = [*PACKAGE.glob(f"{part}.py"), *PACKAGE.glob(f"{part}/**/*.py")]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    return frozenset(n.attr for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load))


@each_of(CLASSES)
def test_every_constructor_parameter_is_read(thing):
    read = attributes_read_in(thing.__module__.split(".")[1])
    assert [name for name in parameters_of(thing) if name not in read] == []


def well_said(n_rows, *, scale=5e-3, mode="auto", seed=None):
    """Do nothing.

    Parameters
    ----------
    n_rows : int
        A number.
    scale : float, default=0.005
        A number.
    mode : {"auto", "fast"}, default="auto"
        A word.
    seed : int, optional
        A number.
    """


def badly_said(n_rows, *, scale=5e-3, mode="auto", seed=None):
    """Do nothing.

    Parameters
    ----------
    scale : float, default=0.05
        A number.
    mode : {"auto", "fast"}
        A word.
    seed : int, default=0
        A number.
    size : int
        A number.
    """


def test_a_true_docstring_has_no_faults():
    assert faults_of(well_said) == []


def test_every_kind_of_fault_is_found():
    assert [fault.split()[0] for fault in faults_of(badly_said)] == [
        "n_rows",
        "scale",
        "mode",
        "seed",
        "size",
    ]
