"""Measure a suite and write its tables: ``python -m benchmarks.run mtr --methods ridge rf``."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import attention, loop, mtr, records
from benchmarks.peers import METHODS
from benchmarks.tables import write_to_readme

SUITES = {"mtr": mtr, "loop": loop, "attention": attention}


def main() -> None:
    """Run what has no record yet, then rewrite the tables of benchmarks/README.md."""
    args = _parse()
    suite = SUITES[args.suite]
    datasets = args.datasets or suite.DATASETS
    if args.again:
        records.forget(args.suite, datasets=datasets, methods=args.methods)
    suite.run(folder=args.folder, datasets=datasets, methods=args.methods)
    if records.read(args.suite):
        write_to_readme(args.suite, suite.report())


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=main.__doc__)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--folder", type=Path, default=Path("../shared/data"), help="where the tables are")
    parser.add_argument("--datasets", nargs="+", help="default: all of the suite")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all")
    parser.add_argument("--again", action="store_true", help="measure anew what has records already")
    return parser.parse_args()


if __name__ == "__main__":
    main()
