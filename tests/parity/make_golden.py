"""Run the table under Keras 3 and write the golden file, or compare with the one there is.

    KERAS_BACKEND=jax python -m tests.parity.make_golden            writes golden.npz
    KERAS_BACKEND=torch python -m tests.parity.make_golden          then this: see below
    KERAS_BACKEND=jax python -m tests.parity.make_golden --check    compares a backend with it
    python -m tests.parity.make_golden --output FILE                writes another file

Needs `keras` 3 with torch or jax, and runs in the repository's top folder. Where Keras fails
under a backend (`Case.needs`), what the file holds already is kept: so write with both, and last
with the one that most numbers are to come from.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from .cases import CASES
from .record import Record, fact_differences, load, save, value_differences
from .sides import Peer

__all__ = ["GOLDEN", "main"]

GOLDEN = Path(__file__).with_name("golden.npz")


def main() -> int:
    """Return 0, or 1 if a case failed or differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=GOLDEN, help="the file to write")
    parser.add_argument("--check", action="store_true", help="compare with the golden file")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    arguments = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with tempfile.TemporaryDirectory() as home:
        # importing Keras writes a configuration file: not into the home of whoever runs this
        os.environ["KERAS_HOME"] = home
        side = Peer()
    records, failures = _run(side, arguments.only)
    if arguments.check:
        failures += _compare(records)
    elif not failures:
        _write(arguments.output, records)
    return 1 if failures else 0


def _run(side: Peer, only: str) -> tuple[dict[str, Record], int]:
    records, failures = {}, 0
    for name, case in CASES.items():
        if only not in name or case.needs not in (None, side.backend):
            continue
        try:
            records[name] = case.record(side)
        except Exception as error:
            # every case is tried, so that one run shows all that fail
            failures += 1
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    return records, failures


def _write(path: Path, records: dict[str, Record]) -> None:
    kept = load(path) if path.exists() else {}
    save(path, {name: (kept | records)[name] for name in CASES if name in kept | records})
    missing = len(CASES.keys() - kept.keys() - records.keys())
    if missing:
        print(f"{missing} cases are still to be written, see --only and Case.needs")
    print(f"{len(records)} cases, {path.stat().st_size / 1e6:.2f} MB")


def _compare(records: dict[str, Record]) -> int:
    golden, failures = load(GOLDEN), 0
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
