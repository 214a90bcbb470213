"""Measure a suite and write its tables: ``python -m benchmarks.run mtr --methods ridge rf``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    ablation,
    ablation_attention,
    atis,
    attention,
    balancing_cost,
    coverage,
    etth1,
    growth,
    holes,
    importance,
    kinds,
    loop,
    mi,
    mixed,
    mtr,
    multilabel,
    predict,
    records,
    rows,
    scarce,
    sparse,
    speed,
    text,
    tox21,
    transfer,
)
from benchmarks.tables import write_to_readme

SUITES = {
    suite.SUITE: suite
    for suite in (
        mtr,
        rows,
        multilabel,
        tox21,
        holes,
        scarce,
        kinds,
        mi,
        mixed,
        text,
        etth1,
        atis,
        speed,
        predict,
        growth,
        loop,
        attention,
        transfer,
        importance,
        coverage,
        ablation,
        balancing_cost,
        ablation_attention,
        sparse,
    )
}


def main() -> None:
    """Run what has no record yet, then rewrite the tables of benchmarks/README.md."""
    args = parse()
    suite = SUITES[args.suite]
    if args.again:
        records.forget(args.suite, datasets=args.datasets, methods=args.methods)
    suite.run(folder=args.folder, datasets=args.datasets, methods=args.methods)
    if records.read(args.suite):
        write_to_readme(args.suite, suite.report())


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; the suite says which methods there are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=main.__doc__)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--folder", type=Path, default=Path("../shared/data"), help="where the tables are")
    parser.add_argument("--datasets", nargs="+", help="default: all of the suite")
    parser.add_argument("--methods", nargs="+", help="default: all of the suite")
    parser.add_argument("--again", action="store_true", help="measure anew what has records already")
    args = parser.parse_args(arguments)
    suite = SUITES[args.suite]
    args.datasets = args.datasets or list(suite.DATASETS)
    args.methods = args.methods or list(suite.METHODS)
    if unknown := [method for method in args.methods if method not in suite.METHODS]:
        parser.error(f"{args.suite} has no methods {unknown}; choose from {list(suite.METHODS)}")
    return args


if __name__ == "__main__":
    main()
