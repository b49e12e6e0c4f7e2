"""``python -m kerasnb coverage``: which of Keras's names are here, and how many cases compare them.

Imports absence, which knows Keras's names. How many cases of ``tests/parity`` examine a name is in
``parity_counts.json``.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kerasnb import absence
from kerasnb.errors import unknown

__all__ = ["Row", "add_arguments", "report", "rows", "totals"]

CLASSES = ("core", "occasional", "rest")


@dataclass(frozen=True)
class Row:
    """One public name of Keras."""

    namespace: str
    name: str
    use: str
    present: bool
    cases: int
    why: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that may follow ``kerasnb coverage``."""
    parser.add_argument("namespace", nargs="*", help="only these, for example layers; else all")
    parser.add_argument("--absent", action="store_true", help="only names that are not here")
    parser.add_argument("--use", choices=CLASSES, help="only names that are used as much as this")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as tables in Markdown")


def report(words: argparse.Namespace) -> str:
    """What the command prints.

    Raises:
        ArgumentError: Keras has no namespace of that name.
    """
    known = absence.keras_names()
    for space in words.namespace:
        if space not in known:
            raise unknown("namespace", space, known)
    every = rows(words.namespace or known)
    listed = [
        row
        for row in every
        if not (words.absent and row.present) and words.use in (None, row.use)
    ]  # fmt: skip
    if words.json:
        return _json(listed, every)
    return _tables(listed, every, _markdown if words.markdown else _plain)


def rows(spaces: Iterable[str]) -> list[Row]:
    """The names of these namespaces of Keras, by use and then by the alphabet."""
    cases = _cases()
    found = []
    for space in spaces:
        for use, names in absence.keras_names()[space].items():
            for name in names:
                value = _value(space, name)
                why = absence.reason(f"{space}.{name}") if value is None else None
                count = 0 if value is None else cases.get(id(value), 0)
                found.append(Row(space, name, use, value is not None, count, why))
    return found


def totals(every: Sequence[Row]) -> list[list[str]]:
    """For each namespace and for all: how many names are here by use, and how many are compared."""
    spaces = list(dict.fromkeys(row.namespace for row in every))
    groups = {space: [row for row in every if row.namespace == space] for space in spaces}
    if len(groups) > 1:
        groups["all"] = list(every)
    return [
        [
            title,
            *(_share([row.present for row in group if row.use == use]) for use in CLASSES),
            _share([row.present for row in group]),
            str(sum(row.cases > 0 for row in group)),
        ]
        for title, group in groups.items()
    ]


def _share(flags: list[bool]) -> str:
    return f"{sum(flags)} of {len(flags)}" if flags else ""


def _cases() -> dict[int, int]:
    """How many cases examine an object, by its identity: it may have several names."""
    file = Path(__file__).with_name("parity_counts.json")
    cases: dict[int, int] = {}
    for full, count in json.loads(file.read_text("utf-8")).items():
        space, _, name = full.rpartition(".")
        value = _value(space, name)
        if value is not None:
            cases[id(value)] = cases.get(id(value), 0) + count
    return cases


def _value(space: str, name: str) -> Any:
    """What kerasnb has under a name of Keras; None if nothing."""
    module = "kerasnb" if space == "keras" else f"kerasnb.{space}"
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if not module.startswith(str(error.name)):  # a package that one of ours needs
            raise
        return None


TOTALS = ["namespace", *CLASSES, "all", "compared"]


def _tables(listed: list[Row], every: list[Row], write: Any) -> str:
    parts = []
    for space in dict.fromkeys(row.namespace for row in listed):
        body = [
            [row.name, row.use, "yes" if row.present else "no", _note(row)]
            for row in listed
            if row.namespace == space
        ]
        parts.append(write(space, ["name", "use", "here", "parity cases"], body))
    title = f"Keras {absence.keras_version()}: what is here, by use"
    return "\n\n".join([*parts, write(title, TOTALS, totals(every))])


def _note(row: Row) -> str:
    return str(row.cases or "") if row.present else row.why or ""


def _plain(title: str, head: list[str], body: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *body)
    ]
    return "\n".join([title, "", *(f"  {line}" for line in lines)])


def _markdown(title: str, head: list[str], body: list[list[str]]) -> str:
    lines = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)]
    return "\n".join([f"## {title}", "", *lines])


def _json(listed: list[Row], every: list[Row]) -> str:
    content = {
        "keras": absence.keras_version(),
        "names": [asdict(row) for row in listed],
        "totals": [dict(zip(TOTALS, line, strict=True)) for line in totals(every)],
    }
    return json.dumps(content, indent=1)
