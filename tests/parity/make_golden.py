"""Run the tables under Keras 3 and write the golden files, or compare with those there are.

    KERAS_BACKEND=jax python -m tests.parity.make_golden            writes golden/<table>.npz
    KERAS_BACKEND=torch python -m tests.parity.make_golden          then this: see below
    KERAS_BACKEND=jax python -m tests.parity.make_golden --check    compares a backend with them
    python -m tests.parity.make_golden --table layers attention     only these tables
    python -m tests.parity.make_golden --output FOLDER              writes other files

Needs `keras` 3 with torch or jax, and runs in the repository's top folder. Where Keras fails
under a backend (`Case.needs`), what a file holds already is kept: so write with both, and last
with the one that most numbers are to come from.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from .cases import CASES, TABLES
from .record import Record, fact_differences, load, save, value_differences
from .sides import Peer

__all__ = ["GOLDEN", "load_all", "main"]

GOLDEN = Path(__file__).with_name("golden")


def load_all(folder: Path) -> dict[str, Record]:
    """Return the records of every table that has a file in `folder`."""
    return {
        name: record
        for table in TABLES
        if (folder / f"{table}.npz").exists()
        for name, record in load(folder / f"{table}.npz").items()
    }


def main() -> int:
    """Return 0, or 1 if a case failed or differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=GOLDEN, help="the folder to write to")
    parser.add_argument("--check", action="store_true", help="compare with the golden files")
    parser.add_argument("--table", nargs="+", choices=TABLES, default=[*TABLES], metavar="TABLE")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    arguments = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with tempfile.TemporaryDirectory() as home:
        # importing Keras writes a configuration file: not into the home of whoever runs this
        os.environ["KERAS_HOME"] = home
        side = Peer()
    failures = 0
    for table in arguments.table:
        records, failed = _run(side, table, arguments.only)
        failures += failed
        if arguments.check:
            failures += _compare(records, load(GOLDEN / f"{table}.npz"))
        elif not failed:
            _write(arguments.output / f"{table}.npz", table, records)
    return 1 if failures else 0


def _run(side: Peer, table: str, only: str) -> tuple[dict[str, Record], int]:
    records, failures = {}, 0
    for case in TABLES[table]:
        if only not in case.name or case.needs not in (None, side.backend):
            continue
        try:
            records[case.name] = case.record(side)
        except Exception as error:
            # every case is tried, so that one run shows all that fail
            failures += 1
            print(f"{case.name}: {type(error).__name__}: {error}", file=sys.stderr)
    return records, failures


def _write(path: Path, table: str, records: dict[str, Record]) -> None:
    kept = (load(path) if path.exists() else {}) | records
    names = [case.name for case in TABLES[table]]
    path.parent.mkdir(exist_ok=True)
    save(path, {name: kept[name] for name in names if name in kept})
    missing = [name for name in names if name not in kept]
    if missing:
        print(f"{table}: {len(missing)} cases are still to be written, see --only and Case.needs")
    print(f"{table}: {len(records)} cases, {path.stat().st_size / 1e6:.2f} MB")


def _compare(records: dict[str, Record], golden: dict[str, Record]) -> int:
    failures = 0
    for name, record in records.items():
        lines = value_differences(record, golden[name], CASES[name].tolerance)
        lines += fact_differences(record, golden[name])
        failures += bool(lines)
        for line in lines:
            print(f"{name}: {line}")
    print(f"{len(records)} cases, {failures} differ")
    return failures


if __name__ == "__main__":
    sys.exit(main())
