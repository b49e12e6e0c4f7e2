"""Weights in ``.weights.h5`` files, laid out as Keras 3 lays them out. Imports layers; h5py lazily.

A layer's own variables are the data sets ``vars/0``, ``vars/1``, … of its group; the layers of a
model lie under ``layers``, each group named after the layer's class, numbered where a class comes
again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kerasnb import naming, tree
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.layers.base import NOT_SEARCHED, Layer
from kerasnb.random import SeedGenerator
from kerasnb.variable import Variable

__all__ = ["every_variable", "load_weights", "save_weights", "write_whole"]


def save_weights(model: Layer, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights of `model`; a file that is there stays whole until the new one is.

    Raises:
        ArgumentError: the name does not end in ``.weights.h5``, the file exists and `overwrite` is
            false, or the model has no weights yet.
    """
    path = Path(filepath)
    if not path.name.endswith(".weights.h5"):
        raise ArgumentError(
            f"save_weights: expected a name ending in .weights.h5, got {path.name!r}."
        )
    if path.exists() and not overwrite:
        raise ArgumentError(f"save_weights: {path} exists; pass overwrite=True to replace it.")
    if not model.built:
        raise ArgumentError(
            f"save_weights: model {model.name!r} has no weights yet; call it on data first."
        )

    def write(file: Any) -> None:
        for name, variable in every_variable(model):
            file[name] = variable.numpy()

    write_whole(path, write)


def write_whole(path: Path, write: Callable[[Any], None]) -> None:
    """Make an HDF5 file with `write`: a crash leaves the old file or the new one, never a half."""
    import h5py

    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with h5py.File(partial, "w") as file:
            write(file)
        with open(partial, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_weights(model: Layer, filepath: Any, skip_mismatch: bool = False) -> None:
    """Read the weights of `model`; either all change or, on an error, none.

    Args:
        model: a built model.
        filepath: a ``.weights.h5`` file.
        skip_mismatch: leave variables alone that the file lacks or holds in another shape.

    Raises:
        LoadError: the file is missing, is no HDF5 file, or does not fit the model.
    """
    import h5py

    if not model.built:
        raise LoadError(
            f"load_weights: model {model.name!r} has no weights yet; call it on data first."
        )
    if not Path(filepath).exists():
        raise LoadError(f"load_weights: there is no file {filepath}.")
    try:
        file = h5py.File(filepath, "r")
    except OSError as error:
        raise LoadError(f"load_weights: {filepath} cannot be read as HDF5: {error}") from None
    values: list[tuple[Variable, np.ndarray]] = []
    seeds = {
        id(seed.state)
        for layer in model._flatten_layers()
        for seed in layer._children(SeedGenerator)
    }
    with file:
        for name, variable in every_variable(model):
            data = file.get(name)
            if data is None and id(variable) in seeds:
                continue  # some of Keras's backends keep no counter of random numbers
            if not isinstance(data, h5py.Dataset) or data.shape != variable.shape:
                if skip_mismatch:
                    continue
                found = f"shape {data.shape}" if isinstance(data, h5py.Dataset) else "nothing"
                raise LoadError(
                    f"load_weights: {Path(filepath).name} holds {found} at {name!r}, where "
                    f"{variable.path!r} needs shape {variable.shape}."
                )
            values.append((variable, data[()]))
    for variable, value in values:
        variable.assign(value)


def _named_variables(layer: Layer, prefix: str = "") -> Iterator[tuple[str, Variable]]:
    own = sorted(layer._own_variables(), key=lambda v: not v.made_trainable)
    for i, variable in enumerate(own):
        yield f"{prefix}vars/{i}", variable
    for attribute, value in sorted(vars(layer).items()):
        if isinstance(value, SeedGenerator):
            yield f"{prefix}{attribute}/vars/0", value.state
        elif isinstance(value, Layer) and attribute not in ("_functional",):
            yield from _named_variables(value, f"{prefix}{attribute}/")
        elif attribute in ("_operations", "_stack"):
            yield from _group(value, f"{prefix}layers/")
        elif attribute not in NOT_SEARCHED and isinstance(value, (list, tuple, dict)):
            yield from _group(tree.flatten(value), f"{prefix}{attribute}/")


def _group(layers: Any, prefix: str) -> Iterator[tuple[str, Variable]]:
    counts: dict[str, int] = {}
    for layer in layers:
        if not isinstance(layer, Layer):
            continue
        name = naming.snake_case(type(layer).__name__)
        count = counts.get(name, 0)
        counts[name] = count + 1
        yield from _named_variables(
            layer, f"{prefix}{name}_{count}/" if count else f"{prefix}{name}/"
        )


def every_variable(model: Layer) -> list[tuple[str, Variable]]:
    """Each variable of `model` once, with its place in the file.

    Raises:
        ArgumentError: a variable has no place, so that it would be lost.
    """
    named, seen = [], set()
    for name, variable in _named_variables(model):
        if id(variable) not in seen:
            seen.add(id(variable))
            named.append((name, variable))
    lost = [v.path for v in model.variables if id(v) not in seen]
    if lost:
        raise ArgumentError(
            f"The weights {', '.join(lost)} have no place in a file: keep their layers as "
            "attributes, or in lists or dictionaries, of the model."
        )
    return named
