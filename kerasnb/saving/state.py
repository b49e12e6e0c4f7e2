"""Everything that training changes in one file: weights, optimizer, metrics, and a note.

Imports saving.weights; h5py lazily. Weights lie where ``.weights.h5`` files have them, so such a
file is also one of weights.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from kerasnb.errors import LoadError
from kerasnb.saving.weights import every_variable, write_whole
from kerasnb.variable import Variable

__all__ = ["load_state", "save_state"]


def save_state(model: Any, filepath: str | os.PathLike, note: dict) -> None:
    """Write the state of `model`; a file that is there stays whole until the new one is.

    Args:
        model: a built and compiled model.
        filepath: where.
        note: data that JSON can hold, given back by `load_state`.
    """

    def write(file: Any) -> None:
        for name, variable in _places(model):
            file[name] = variable.numpy()
        file.attrs["training"] = json.dumps(note)

    write_whole(Path(filepath), write)


def load_state(model: Any, filepath: str | os.PathLike) -> dict:
    """Read the state of `model`; either all changes or, on an error, nothing. Gives the note.

    Raises:
        LoadError: the file is no such file, or does not fit the model and its optimizer.
    """
    import h5py

    path = Path(filepath)
    values: list[tuple[Variable, np.ndarray]] = []
    try:
        with h5py.File(path, "r") as file:
            note = json.loads(file.attrs["training"])
            for name, variable in _places(model):
                data = file.get(name)
                if not isinstance(data, h5py.Dataset) or data.shape != variable.shape:
                    found = f"shape {data.shape}" if isinstance(data, h5py.Dataset) else "nothing"
                    raise LoadError(
                        f"{path} holds {found} at {name!r}, where {variable.path!r} needs shape "
                        f"{variable.shape}: it is of another model, optimizer or list of metrics. "
                        "Remove it, or use another folder."
                    )
                values.append((variable, data[()]))
    except LoadError:
        raise
    except (OSError, KeyError, ValueError) as error:
        raise LoadError(f"{path} cannot be read as the state of a training: {error}") from None
    for variable, value in values:
        variable.assign(value)
    return note


def _places(model: Any) -> list[tuple[str, Variable]]:
    """Each variable that training changes, with its place in the file."""
    named = every_variable(model)
    named += [(f"optimizer/vars/{i}", v) for i, v in enumerate(model.optimizer.variables)]
    states = [v for metric in model.metrics for v in metric.variables]
    return named + [(f"metrics/vars/{i}", v) for i, v in enumerate(states)]
