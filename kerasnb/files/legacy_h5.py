"""Files of Keras 2, read: whole models in ``.h5`` files, and weights by the names of layers.

Such a file has a group for each layer, whose attribute ``weight_names`` lists its data sets; the
attribute ``layer_names`` lists the layers. A whole model has these groups in ``model_weights``, and
its configuration as JSON in the attribute ``model_config``. Imports files.hdf5 and files.plain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kerasnb.files.hdf5 import Contents, Dataset
from kerasnb.files.plain import parse, refusal, shown

__all__ = ["Saved", "is_legacy", "pairs", "read_model"]

_WEIGHTS = "model_weights"
_OWN = "top_level_model_weights"  # what belongs to no layer


class Saved(NamedTuple):
    """A whole model's file.

    Attributes:
        config: of the model: plain data.
        training: how it was compiled: plain data, or None.
        contents: the file, for `pairs`.
    """

    config: Any
    training: Any
    contents: Contents


def is_legacy(contents: Contents) -> bool:
    """Whether a file has the groups of Keras 2."""
    return _list_of(contents, _root(contents), "layer_names", "") is not None


def read_model(contents: Contents, what: str) -> Saved:
    """The configurations of a whole model.

    Raises:
        LoadError: it holds weights alone, or the configuration is no JSON.
    """
    attributes = contents.groups[""]
    found = []
    for name in ("model_config", "training_config"):
        text = attributes.get(name)
        if text is not None and not isinstance(text, str):
            raise refusal(f"{what}, {name}", f"expected a text, got {shown(text)}")
        found.append(None if text is None else parse(text, f"{what}, {name}"))
    config, training = found
    if config is None:
        raise refusal(what, "it has no model_config: it holds weights, not a whole model")
    return Saved(config, training, contents)


def pairs(
    model: Any, contents: Contents, what: str, by_name: bool = False, skip_mismatch: bool = False
) -> Iterator[tuple[Any, str, Dataset]]:
    """Each variable of `model`, its place in the file, and what is there.

    Layers go by their names if the file and the model have the same, else by their order.

    Args:
        model: a built model.
        contents: of the file.
        what: its name, which begins every error.
        by_name: only the layers whose names are in the file.
        skip_mismatch: leave layers alone that hold another number of weights.

    Raises:
        LoadError: the file is damaged, or has other layers than the model.
    """
    stored = dict(_layers(contents, what))
    held = {layer.name: _weights(layer) for layer in model.layers}
    held[_OWN] = sorted(model._own_variables(), key=lambda v: not v.made_trainable)
    held = {name: weights for name, weights in held.items() if weights}
    if by_name:
        names = [(name, name) for name in held if name in stored]
    elif held.keys() == stored.keys():
        names = [(name, name) for name in held]
    elif len(held) == len(stored):
        names = list(zip(held, stored, strict=True))
    else:
        raise refusal(
            what,
            f"it holds weights of {len(stored)} layers, where {model.name!r} has {len(held)} with "
            "weights. Pass by_name=True to load those of the same names",
        )
    for name, other in names:
        if len(held[name]) != len(stored[other]):
            if skip_mismatch:
                continue
            raise refusal(
                f"{what}, layer {shown(other)}",
                f"it holds {len(stored[other])} weights, where {name!r} has {len(held[name])}",
            )
        for variable, (place, dataset) in zip(held[name], stored[other], strict=True):
            yield variable, place, dataset


def _weights(layer: Any) -> list[Any]:
    """A layer's variables in Keras 2's order."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _root(contents: Contents) -> str:
    return _WEIGHTS if _WEIGHTS in contents.groups else ""


def _layers(contents: Contents, what: str) -> Iterator[tuple[str, list[tuple[str, Dataset]]]]:
    """The name of each layer that has weights, and these with their places."""
    root = _root(contents)
    names = _list_of(contents, root, "layer_names", what) or []
    if len(set(names)) != len(names):
        raise refusal(what, "a name of a layer comes twice")
    for name in [*names, _OWN]:
        group = f"{root}/{name}" if root else name
        if name == _OWN and group not in contents.groups:
            continue
        if group not in contents.groups:
            raise refusal(what, f"it has no group for its layer {shown(name)}")
        weights = _list_of(contents, group, "weight_names", what) or []
        found = []
        for weight in weights:
            place = f"{group}/{weight}"
            if place not in contents.datasets:
                raise refusal(what, f"it holds nothing at {shown(place)}")
            found.append((place, contents.datasets[place]))
        if found:
            yield name, found


def _list_of(contents: Contents, group: str, name: str, what: str) -> list[str] | None:
    """A list of texts among a group's attributes, which may be in several parts."""
    attributes = contents.groups[group]
    if name in attributes:
        return _texts(attributes[name], name, what)
    parts = [attributes[f"{name}{i}"] for i in range(_parts(attributes, name))]
    return [text for part in parts for text in _texts(part, name, what)] if parts else None


def _parts(attributes: dict[str, Any], name: str) -> int:
    count = 0
    while f"{name}{count}" in attributes:
        count += 1
    return count


def _texts(value: Any, name: str, what: str) -> list[str]:
    if isinstance(value, list):
        return value
    # an empty list is one of numbers to HDF5
    if getattr(value, "size", 1) == 0:
        return []
    raise refusal(f"{what}, {name}", f"expected a list of texts, got {type(value).__name__}")
