"""Results on disk: one JSON object a line, written as soon as it is measured, so a cut run loses nothing."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

_PACKAGES = (
    "sklearn_mtl", "numpy", "scipy", "pandas", "scikit-learn", "torch", "skorch",
    "catboost", "pytabkit", "rdkit", "skrub", "tabm", "xgboost-cpu",
)  # fmt: skip

Record = dict[str, Any]


def read(suite: str) -> list[Record]:
    """Return the records of a suite, in the order in which they were measured."""
    path = _path(suite)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def append(suite: str, record: Record) -> None:
    """Add one record, with the versions and the machine it was measured on."""
    with _path(suite).open("a") as file:
        file.write(json.dumps(record | {"machine": machine(), "versions": versions()}) + "\n")


def forget(suite: str, *, datasets: Collection[str], methods: Collection[str]) -> None:
    """Drop the records of these methods on these data sets."""
    kept = [r for r in read(suite) if not (r["dataset"] in datasets and r["method"] in methods)]
    _path(suite).write_text("".join(json.dumps(record) + "\n" for record in kept))


def machine() -> dict[str, Any]:
    """Return what a time depends on besides the code."""
    return {"cpu": _cpu(), "cores": os.cpu_count(), "threads": int(os.environ["OMP_NUM_THREADS"])}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed."""
    installed = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _path(suite: str) -> Path:
    RESULTS.mkdir(exist_ok=True)
    return RESULTS / f"{suite}.jsonl"


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
