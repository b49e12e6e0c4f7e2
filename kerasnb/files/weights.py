"""Weights in files: ``.weights.h5`` as Keras 3 lays them out, ``.safetensors``, and older ones.

A layer's own variables are the data sets ``vars/0``, ``vars/1``, … of its group; the layers of a
model lie under ``layers``, each group named after the layer's class, numbered where a class comes
again. In ``.safetensors`` files, these paths are the tensors' names.

Imports layers, and the modules that know the formats.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasnb import naming, tree
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.files import archive, hdf5, legacy_h5, safetensors
from kerasnb.files.plain import refusal
from kerasnb.files.whole import read_whole, write_whole
from kerasnb.layers.base import NOT_SEARCHED, Layer
from kerasnb.random import SeedGenerator
from kerasnb.variable import Variable

__all__ = [
    "assigned", "every_layer", "every_variable", "fitted", "load_weights", "pairs_of",
    "save_weights",
]  # fmt: skip

_ENDINGS = (".weights.h5", ".safetensors")
_MEMBER = "model.weights.h5"  # of a .keras file


def save_weights(model: Layer, filepath: str | os.PathLike, overwrite: bool = True) -> None:
    """Write the weights of `model`; a file that is there stays whole until the new one is.

    Args:
        model: a built model.
        filepath: where; the name ends in ``.weights.h5`` or ``.safetensors``.
        overwrite: whether a file may be replaced.

    Raises:
        ArgumentError: the name ends otherwise, the file exists and `overwrite` is false, or the
            model has no weights yet.
        OSError: the disk is full, or the folder cannot be written to; the old file is untouched.
    """
    path = Path(filepath)
    if not path.name.endswith(_ENDINGS):
        raise ArgumentError(
            f"save_weights: expected a name ending in {' or '.join(_ENDINGS)}, got {path.name!r}."
        )
    if path.exists() and not overwrite:
        raise ArgumentError(f"save_weights: {path} exists; pass overwrite=True to replace it.")
    if not model.built:
        raise ArgumentError(
            f"save_weights: model {model.name!r} has no weights yet; call it on data first."
        )
    values = {name: variable.numpy() for name, variable in every_variable(model)}
    pack = safetensors.pack if path.suffix == ".safetensors" else hdf5.pack
    write_whole(path, pack(values))


def load_weights(
    model: Layer,
    filepath: str | os.PathLike,
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Read the weights of `model`; either all change or, on an error, none.

    Args:
        model: a built model.
        filepath: a file that ends in ``.weights.h5``, ``.safetensors`` or ``.keras``, or an
            ``.h5`` or ``.hdf5`` file of Keras 2.
        skip_mismatch: leave variables alone that the file lacks or holds in another shape.
        by_name: for a file of Keras 2: only those layers whose names are in it.

    Raises:
        LoadError: the file is missing, was changed after it was saved, is of no such kind, or does
            not fit the model.
    """
    if not model.built:
        raise LoadError(
            f"load_weights: model {model.name!r} has no weights yet; call it on data first."
        )
    path = Path(filepath)
    what = f"load_weights: {path.name}"
    stored = _stored(read_whole(path, "load_weights"), path, what)
    if isinstance(stored, hdf5.Contents) and legacy_h5.is_legacy(stored):
        pairs = legacy_h5.pairs(model, stored, what, by_name, skip_mismatch)
    elif by_name:
        raise ArgumentError(
            f"load_weights: by_name=True is for files of Keras 2, which {path.name} is not."
        )
    else:
        stored = stored.datasets if isinstance(stored, hdf5.Contents) else stored
        pairs = pairs_of(model, stored, what, skip_mismatch)
    assigned(pairs, what, skip_mismatch)


def _stored(data: bytes, path: Path, what: str) -> hdf5.Contents | Mapping[str, Any]:
    """What a file holds, by the kind that its name or its begin tells."""
    if path.suffix == ".safetensors":
        return safetensors.unpack(data, what)
    if data[:2] == b"PK":
        members = archive.unpack(data, what)
        if _MEMBER not in members:
            raise refusal(what, f"it has no member {_MEMBER}, and so no weights")
        return hdf5.unpack(members[_MEMBER], f"{what}, {_MEMBER}", len(data))
    return hdf5.unpack(data, what)


def pairs_of(
    model: Layer, stored: Mapping[str, Any], what: str, skip_mismatch: bool = False
) -> Iterator[tuple[Variable, str, Any]]:
    """Each variable of `model`, its place in the file, and what is there."""
    seeds = {
        id(seed.state)
        for layer in model._flatten_layers()
        for seed in layer._children(SeedGenerator)
    }
    for name, variable in every_variable(model):
        found = stored.get(name)
        if found is None and (skip_mismatch or id(variable) in seeds):
            continue  # some of Keras's backends keep no counter of random numbers
        if found is None:
            need = f"{variable.path!r} needs shape {variable.shape}"
            raise refusal(what, f"it holds nothing at {name!r}, where {need}")
        yield variable, name, found


def assigned(pairs: Any, what: str, skip_mismatch: bool = False) -> None:
    """Give each variable what the file holds for it, once all of it is read and fits.

    Args:
        pairs: variable, its place in the file, and what is stored there.
        what: the file's name, which begins every error.
        skip_mismatch: leave variables alone for which another shape is stored.
    """
    values: list[tuple[Variable, np.ndarray]] = []
    for variable, name, stored in pairs:
        if stored.shape != variable.shape:
            if skip_mismatch:
                continue
            raise refusal(
                what,
                f"it holds shape {stored.shape} at {name!r}, where {variable.path!r} needs shape "
                f"{variable.shape}",
            )
        values.append((variable, fitted(stored, variable, f"{what}, {name}")))
    for variable, value in values:
        variable.assign(value)


def fitted(stored: Any, variable: Variable, place: str) -> np.ndarray:
    """The stored values in the dtype of `variable`, if none of them is lost by that."""
    array = stored.array()
    wanted = np.dtype(variable.dtype)
    if array.dtype == wanted:
        return array
    kinds = {"f": "f", "i": "iu", "u": "iu", "b": "b"}
    if array.dtype.kind not in kinds.get(wanted.kind, ""):
        raise refusal(place, f"it holds {array.dtype}, where {variable.path!r} needs {wanted}")
    with np.errstate(over="ignore"):
        value = array.astype(wanted)
    same = np.isfinite(value) == np.isfinite(array) if wanted.kind == "f" else value == array
    if not same.all():
        raise refusal(place, f"a value is too large for {variable.path!r}, which is {wanted}")
    return value


def every_layer(model: Layer) -> Iterator[tuple[str, Layer | SeedGenerator]]:
    """`model`, each layer and seed generator within it, and where a file has what is theirs."""
    yield from _within(model, "")


def _within(layer: Layer, place: str) -> Iterator[tuple[str, Layer | SeedGenerator]]:
    yield place, layer
    for attribute, value in sorted(vars(layer).items()):
        if isinstance(value, SeedGenerator):
            yield f"{place}{attribute}/", value
        elif isinstance(value, Layer) and attribute not in ("_functional",):
            yield from _within(value, f"{place}{attribute}/")
        elif attribute in ("_operations", "_stack"):
            yield from _group(value, f"{place}layers/")
        elif attribute not in NOT_SEARCHED and isinstance(value, (list, tuple, dict)):
            yield from _group(tree.flatten(value), f"{place}{attribute}/")


def _group(layers: Any, place: str) -> Iterator[tuple[str, Layer | SeedGenerator]]:
    counts: dict[str, int] = {}
    for layer in layers:
        if not isinstance(layer, Layer):
            continue
        name = naming.snake_case(type(layer).__name__)
        count = counts.get(name, 0)
        counts[name] = count + 1
        yield from _within(layer, f"{place}{name}_{count}/" if count else f"{place}{name}/")


def _named_variables(model: Layer) -> Iterator[tuple[str, Variable]]:
    for place, part in every_layer(model):
        if isinstance(part, SeedGenerator):
            yield f"{place}vars/0", part.state
            continue
        own = sorted(part._own_variables(), key=lambda v: not v.made_trainable)
        for i, variable in enumerate(own):
            yield f"{place}vars/{i}", variable


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
