"""The arrows between the parts of the package: an import may only point left."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sklearn_mtl"

# What each part may import of the package, from left to right. A new part has to be placed here.
BASE = {"exceptions", "_validation"}
READING = {*BASE, "tasks", "encoding"}
MAY_IMPORT = {
    "exceptions": set(),
    "_validation": {"exceptions"},
    "datasets": BASE,
    "tasks": BASE,
    "metrics": {*BASE, "tasks"},
    "encoding": {*BASE, "tasks"},
    "pretrained": {*BASE, "encoding"},
    "nn": {"exceptions"},
    "balancing": {*BASE, "nn"},
    "training": {*READING, "nn", "balancing"},
    "attention": {*BASE, "nn", "training"},
    "schedules": {*BASE, "training"},
    "regularization": {*BASE, "training"},
    "estimators": {
        "attention",
        "schedules",
        "pretrained",
        "regularization",
        *READING,
        "nn",
        "balancing",
        "training",
        "metrics",
    },
}
LAST = (
    "inspection",
    "persistence",
    "model_selection",
    "_multitask_report",
)  # each may import all of the above
MAY_IMPORT |= {part: {*MAY_IMPORT} for part in LAST}
MAY_IMPORT["_report"] = {*MAY_IMPORT}
MAY_IMPORT[""] = {*MAY_IMPORT}  # sklearn_mtl/__init__.py: the public names

WITHOUT_TORCH = {"exceptions", "_validation", "tasks", "encoding", "metrics", "datasets", "_multitask_report"}
FOR_USERS = (
    "attention",
    "regularization",
    "schedules",
    "balancing",
    "metrics",
    "model_selection",
    "datasets",
    "exceptions",
    "inspection",
    "persistence",
)


class Import(NamedTuple):
    """One import: where it stands and what it names, absolute and with dots."""

    path: Path
    line: int
    target: str
    at_import_time: bool

    @property
    def part(self) -> str:
        return part_of(self.path)

    @property
    def library(self) -> str:
        return self.target.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.target}"


def part_of(path: Path) -> str:
    top = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if top == "__init__" else top


def imports_in(source: str, path: Path) -> Iterator[Import]:
    tree = ast.parse(source)
    package = ["sklearn_mtl", *path.relative_to(PACKAGE).parts[:-1]]
    deferred = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            targets = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            yield Import(path, node.lineno, target, id(node) not in deferred)


@cache
def all_imports() -> tuple[Import, ...]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple(found for path in paths for found in imports_in(path.read_text(encoding="utf-8"), path))


def inside() -> Iterator[tuple[Import, list[str]]]:
    for found in all_imports():
        if found.library == "sklearn_mtl":
            yield found, found.target.split(".")[1:]


def outside() -> Iterator[Import]:
    return (i for i in all_imports() if i.library not in {*sys.stdlib_module_names, "sklearn_mtl"})


def declared(extra: str | None = None) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = project["optional-dependencies"][extra] if extra else project["dependencies"]
    names = [re.match(r"[\w-]+", requirement)[0] for requirement in requirements]
    return {{"scikit-learn": "sklearn"}.get(name, name.replace("-", "_")) for name in names}


def test_every_part_has_its_place():
    parts = {part_of(path) for path in PACKAGE.rglob("*.py")}
    assert parts <= set(MAY_IMPORT)


def test_the_arrows_make_no_circle():
    order = list(MAY_IMPORT)
    assert [part for part in order if not MAY_IMPORT[part] <= set(order[: order.index(part)])] == []


def test_imports_only_point_left():
    def points_left(found: Import, names: list[str]) -> bool:
        return bool(names) and names[0] in {*MAY_IMPORT[found.part], found.part}

    assert [str(found) for found, names in inside() if not points_left(found, names)] == []


def test_no_part_reaches_into_the_private_files_of_another():
    def reaches_in(found: Import, names: list[str]) -> bool:
        return names[0] != found.part and any(name.startswith("_") for name in names[1:])

    assert [str(found) for found, names in inside() if names and reaches_in(found, names)] == []


def test_nn_knows_torch_only():
    assert [str(i) for i in outside() if i.part == "nn" and i.library != "torch"] == []


def test_reading_and_scoring_need_no_torch():
    assert [str(i) for i in outside() if i.part in WITHOUT_TORCH and i.library in {"torch", "skorch"}] == []


def test_importing_the_package_needs_the_core_dependencies_only():
    assert [str(i) for i in outside() if i.at_import_time and i.library not in declared()] == []


def test_every_import_is_a_declared_dependency():
    known = declared().union(*(declared(extra) for extra in ("plot", "examples", "text", "torchjd")))
    assert [str(i) for i in outside() if i.library not in known] == []


def test_every_core_dependency_is_imported():
    assert declared() - {i.library for i in outside()} == set()


def listed_in_api() -> set[str]:
    names, module = set(), ""
    for line in (ROOT / "docs" / "api.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule::"):
            module = line.split("::")[1].strip()
        elif line.startswith("   ") and not line.strip().startswith(":") and line.strip():
            names.add(f"{module}.{line.strip()}")
    return names


def exported() -> set[str]:
    parts = {part_of(path) for path in PACKAGE.rglob("*.py")}
    modules = ["sklearn_mtl", *(f"sklearn_mtl.{part}" for part in FOR_USERS if part in parts)]
    return {f"{module}.{name}" for module in modules for name in import_module(module).__all__}


def test_api_page_lists_exactly_the_public_names():
    assert listed_in_api() == exported()


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        ("import torch.nn as nn", ["torch.nn"]),
        ("from ..tasks import Task", ["sklearn_mtl.tasks.Task"]),
        ("from . import _folds", ["sklearn_mtl.training._folds"]),
        ("from ._net import Net, loss", ["sklearn_mtl.training._net.Net", "sklearn_mtl.training._net.loss"]),
    ],
)
def test_imports_are_read_as_absolute_names(source, targets):
    path = PACKAGE / "training" / "_loop.py"
    assert [found.target for found in imports_in(source, path)] == targets
