"""Whole models in ``.keras`` files, laid out as Keras 3 lays them out: `save_model`, `load_model`.

A file is a zip archive: ``config.json`` describes the model, and how it was compiled;
``model.weights.h5`` holds its weights and those of its optimizer; under ``assets`` are the
vocabularies that layers learned.

Nothing in a file is run, and no class is found by a name of a module: a configuration chooses among
the package's own classes, and those that the user passes or registered. A model is first built
without memory for its weights; they are made of what the file holds, if all shapes agree.

Imports cloning, compiling, files, legacy and registry.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from kerasnb import backends, registry
from kerasnb.absence import keras_version
from kerasnb.errors import ArgumentError, KerasnbError, LoadError
from kerasnb.files import archive, hdf5, plain
from kerasnb.files.plain import refusal, shown
from kerasnb.files.weights import assigned, every_layer, every_variable, pairs_of
from kerasnb.files.whole import read_whole, write_whole
from kerasnb.layers.vocabulary import Vocabulary
from kerasnb.models.cloning import model_of
from kerasnb.models.compiling import arguments_of, config_of
from kerasnb.models.legacy import load_legacy_model
from kerasnb.models.model import Model
from kerasnb.variable import Variable, weightless

__all__ = ["load_model", "save_model"]

_CONFIG, _METADATA, _WEIGHTS, _ASSETS = (
    "config.json",
    "metadata.json",
    "model.weights.h5",
    "assets/",
)
_VOCABULARY, _FREQUENCIES = "vocabulary.txt", "vars/idf_weights"
_WITHIN = "_lookup_layer/"  # of a TextVectorization
_OPTIMIZER = "optimizer/vars/"
# what making an object of wrong arguments may raise
_FAULTS = (
    KerasnbError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError,
    RecursionError, MemoryError, NotImplementedError, RuntimeError,
)  # fmt: skip


def save_model(
    model: Model, filepath: str | os.PathLike, overwrite: bool = True, zipped: bool | None = None
) -> None:
    """Write all of a model to one file; a file that is there stays whole until the new one is.

    Args:
        model: a built model; sequential, functional, or of a class with `get_config`.
        filepath: where; the name ends in ``.keras``.
        overwrite: whether a file may be replaced.
        zipped: must not be False: Keras then makes a folder.

    Raises:
        ArgumentError: the name ends otherwise, the file exists and `overwrite` is false, the model
            has no weights yet, or something in it has no configuration.
        OSError: the disk is full, or the folder cannot be written to; the old file is untouched.
    """
    path = Path(filepath)
    if path.suffix != ".keras" or zipped is False:
        raise ArgumentError(
            f"save: expected a name ending in .keras, and one file, got {path.name!r}. For weights "
            "alone there is save_weights, with names ending in .weights.h5 or .safetensors."
        )
    if path.exists() and not overwrite:
        raise ArgumentError(f"save: {path} exists; pass overwrite=True to replace it.")
    if not model.built:
        raise ArgumentError(
            f"save: model {model.name!r} has no weights yet; call it on data first."
        )
    config = registry.serialize_object(model)
    if model.compiled:
        config["compile_config"] = config_of(model._compile_arguments)
    values = {name: variable.numpy() for name, variable in _stored_variables(model)}
    now = datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    members = {
        _METADATA: _json({"keras_version": keras_version(), "date_saved": now}),
        _CONFIG: _json(config),
        _WEIGHTS: hdf5.pack({**values, **_inverse_frequencies(model)}),
        **_vocabulary_files(model),
    }
    write_whole(path, archive.pack(members))


def load_model(
    filepath: str | os.PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model that a file holds, with its weights, and compiled as it was.

    Args:
        filepath: a ``.keras`` file, of this package or of Keras 3; or a whole model in an ``.h5``
            file of Keras 2 or 3, which is not compiled.
        custom_objects: the user's own classes and functions, by name.
        compile: whether to compile the model, and read the optimizer's state.
        safe_mode: accepted for Keras's sake. Code in a file is never run, whatever it says.

    Raises:
        LoadError: the file is missing, was changed after it was saved, holds anything but data, or
            describes what its weights do not fit.
    """
    path = Path(filepath)
    what = f"load_model: {path.name}"
    if path.suffix in (".h5", ".hdf5"):
        with _refusing(what):
            return load_legacy_model(path, dict(custom_objects or {}))
    data = read_whole(path, "load_model")
    members = archive.unpack(data, what)
    for name in (_CONFIG, _WEIGHTS):
        if name not in members:
            raise refusal(what, f"it has no member {name}")
    odd = [n for n in members if n not in (_CONFIG, _WEIGHTS, _METADATA) and n[:7] != _ASSETS]
    if odd:
        raise refusal(what, f"it has a member {shown(odd[0])}, which no file of Keras has")
    config = plain.parse(members[_CONFIG], f"{what}, {_CONFIG}")
    stored = hdf5.unpack(members[_WEIGHTS], f"{what}, {_WEIGHTS}", len(data)).datasets
    with registry.custom_object_scope(custom_objects or {}):
        with _refusing(f"{what}, {_CONFIG}"), weightless():
            model = model_of(config)
        with _refusing(what):
            _give_vocabularies(model, members, stored, what)
        _give_weights(model, stored, what)
        if compile and config.get("compile_config"):
            _compile(model, config["compile_config"], stored, what)
    return model


def _compile(model: Model, config: Any, stored: Mapping[str, Any], what: str) -> None:
    """Compile as the file says, and read the optimizer's state."""
    if isinstance(config, dict) and config.get("optimizer") is None:
        warnings.warn(
            f"{what}: it does not tell the optimizer, as Keras leaves out what it cannot write. "
            "The model is not compiled.",
            stacklevel=3,
        )
        return
    with _refusing(f"{what}, {_CONFIG}"):
        model.compile(**arguments_of(config))
    _give_optimizer(model, stored, what)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@contextmanager
def _refusing(place: str) -> Iterator[None]:
    """In the block, what goes wrong is the file's fault."""
    try:
        yield
    except LoadError as error:
        if str(error).startswith("load_model: "):
            raise
        raise refusal(place, _line(error)) from None
    except _FAULTS as error:
        raise refusal(place, f"no model can be made of it: {_line(error)}") from error


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return (text or type(error).__name__).rstrip(".")


def _stored_variables(model: Model) -> list[tuple[str, Variable]]:
    """Each variable that a file holds, with its place."""
    optimizer = model.optimizer if model.compiled else None
    kept = [] if optimizer is None else optimizer.variables
    return every_variable(model) + [(f"{_OPTIMIZER}{i}", v) for i, v in enumerate(kept)]


def _give_weights(model: Model, stored: Mapping[str, Any], what: str) -> None:
    """Weights that so far have no memory get what the file holds."""
    known = {id(v) for _, v in every_variable(model)}
    assigned(pairs_of(model, stored, what), what)
    backends.live.update(v for v in model.variables if id(v) in known)


def _give_optimizer(model: Model, stored: Mapping[str, Any], what: str) -> None:
    """The optimizer's state, if the file holds one."""
    held = sum(name.startswith(_OPTIMIZER) for name in stored)
    if held <= len(model.optimizer.variables) and not model.optimizer.built:
        return  # it has not taken a step
    model.optimizer.build(model.trainable_variables)
    variables = model.optimizer.variables
    if held != len(variables):
        kind = type(model.optimizer).__name__
        raise refusal(
            what,
            f"it holds {held} variables of the optimizer {kind}, which has {len(variables)}. Pass "
            "compile=False to read the model alone",
        )
    places = ((v, f"{_OPTIMIZER}{i}") for i, v in enumerate(variables))
    assigned(((v, name, stored[name]) for v, name in places), what)


# Vocabularies


def _vocabularies(model: Model) -> Iterator[tuple[str, Vocabulary]]:
    """Each layer that learns a vocabulary, and its place; not those that were given one, which
    their configuration holds."""
    for place, layer in every_layer(model):
        if isinstance(layer, Vocabulary) and layer.input_vocabulary is None:
            yield place, layer


def _vocabulary_files(model: Model) -> dict[str, bytes]:
    """The vocabularies that were learned, a token a line."""
    files: dict[str, bytes] = {}
    for place, layer in _vocabularies(model):
        tokens = list(map(str, layer.get_vocabulary()))
        if not layer.get_vocabulary(include_special_tokens=False):
            continue
        broken = [token for token in tokens if "\n" in token]
        if broken:
            raise ArgumentError(
                f"save: layer {layer.name!r} learned the token {broken[0]!r:.60}, but a file has a "
                "token a line. Take line breaks out of the data, and adapt again."
            )
        for name in {place, place.removesuffix(_WITHIN)}:  # Keras looks in both
            files[f"{_ASSETS}{name}{_VOCABULARY}"] = "\n".join(tokens).encode()
    return files


def _inverse_frequencies(model: Model) -> dict[str, np.ndarray]:
    """The weights of tokens, of layers that give them, with their places."""
    return {
        f"{place}{_FREQUENCIES}": layer._known.weights
        for place, layer in _vocabularies(model)
        if layer._known.weights is not None
    }


def _give_vocabularies(
    model: Model, members: Mapping[str, bytes], stored: Mapping[str, Any], what: str
) -> None:
    for place, layer in _vocabularies(model):
        name = f"{_ASSETS}{place}{_VOCABULARY}"
        if name not in members:
            continue
        try:
            lines = members[name].decode("utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise refusal(f"{what}, {name}", f"it is not UTF-8: {error.reason}") from None
        tokens = [layer._shown(layer._key_of_line(line)) for line in lines]
        weights = stored.get(f"{place}{_FREQUENCIES}")
        given = None if weights is None else weights.array()[: len(tokens)]
        layer.set_vocabulary(tokens, idf_weights=given)


Model._write = staticmethod(save_model)
