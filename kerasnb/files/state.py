"""Everything that training changes in one file: weights, optimizer, metrics, and a note.

Imports files.weights and files.hdf5. Weights lie where ``.weights.h5`` files have them, so such a
file is also one of weights.
"""

from __future__ import annotations

import json
import os
from typing import Any

from kerasnb.errors import LoadError
from kerasnb.files import hdf5
from kerasnb.files.plain import parse, refusal
from kerasnb.files.weights import assigned, every_variable
from kerasnb.files.whole import read_whole, write_whole
from kerasnb.variable import Variable

__all__ = ["load_state", "save_state"]

_NOTE = "training"  # the attribute of the root that holds the note


def save_state(model: Any, filepath: str | os.PathLike, note: dict) -> None:
    """Write the state of `model`; a file that is there stays whole until the new one is.

    Args:
        model: a built and compiled model.
        filepath: where.
        note: data that JSON can hold, given back by `load_state`.
    """

    values = {name: variable.numpy() for name, variable in _places(model)}
    write_whole(filepath, hdf5.pack(values, {"": {_NOTE: json.dumps(note)}}))


def load_state(model: Any, filepath: str | os.PathLike) -> dict:
    """Read the state of `model`; either all changes or, on an error, nothing. Gives the note.

    Raises:
        LoadError: the file is no such file, was changed after it was saved, or does not fit the
            model and its optimizer.
    """
    what = os.fspath(filepath)
    contents = hdf5.unpack(read_whole(filepath, "BackupAndRestore"), what)
    note = contents.groups.get("", {}).get(_NOTE)
    if not isinstance(note, str):
        raise refusal(what, "it holds weights, but not the state of a training")
    pairs: list[tuple[Variable, str, hdf5.Dataset]] = []
    for name, variable in _places(model):
        data = contents.datasets.get(name)
        if data is None or data.shape != variable.shape:
            found = f"shape {data.shape}" if data is not None else "nothing"
            raise LoadError(
                f"{what} holds {found} at {name!r}, where {variable.path!r} needs shape "
                f"{variable.shape}: it is of another model, optimizer or list of metrics. "
                "Remove it, or use another folder."
            )
        pairs.append((variable, name, data))
    note = parse(note, f"{what}, note")
    assigned(pairs, what)
    return note


def _places(model: Any) -> list[tuple[str, Variable]]:
    """Each variable that training changes, with its place in the file."""
    named = every_variable(model)
    named += [(f"optimizer/vars/{i}", v) for i, v in enumerate(model.optimizer.variables)]
    states = [v for metric in model.metrics for v in metric.variables]
    return named + [(f"metrics/vars/{i}", v) for i, v in enumerate(states)]
