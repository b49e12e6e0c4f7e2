"""What the functions of this folder ask of their arguments, before any work. Plain Python.

Imports errors, random state, layers, models and labels.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from kerasnb import backends, tree
from kerasnb.errors import ArgumentError, GraphError, ShapeError, unknown
from kerasnb.layers.base import Layer
from kerasnb.models.arrays import Names, common_length, convert, is_array_like
from kerasnb.models.model import Model
from kerasnb.notebook.labels import showable

__all__ = [
    "batch_size_for",
    "check_count",
    "class_names_for",
    "example_count",
    "feature_names_for",
    "host",
    "input_shape_of",
    "kept_seeds",
    "layers_of",
    "require_built",
    "require_one_example",
    "select_layers",
    "shorten",
    "shown_names",
    "spread",
    "take",
    "to_arrays",
]

_NAMES = Names(work="looking inside")


def require_built(model: Any, function: str) -> None:
    """Nothing, if `model` is a model with weights.

    Raises:
        ArgumentError: it is no model.
        GraphError: it has no weights yet.
    """
    if not isinstance(model, Model):
        raise ArgumentError(f"{function}: expected a kerasnb model, got {type(model).__name__}.")
    if not model.built:
        raise GraphError(
            f"{function}: model {model.name!r} has no weights yet. Fit it, or call it on data, "
            "first."
        )


def to_arrays(x: Any, y: Any, function: str) -> tuple[Any, Any]:
    """`x` and `y` as NumPy arrays of equal length, as `fit` takes them; `y` may be None.

    Raises:
        ArgumentError: `x` gives batches instead of being arrays.
        ShapeError: the lengths differ, or there are no examples.
        DTypeError: they are not numbers.
    """
    for value, name in ((x, "x"), (y, "y")):
        if value is not None and not is_array_like(value):
            raise ArgumentError(
                f"{function}: expected {name} as arrays, got {type(value).__name__}. Take some "
                "batches out of it first."
            )
    x, y, _ = convert(x, y, None, _NAMES)
    common_length((x, y, None), _NAMES)
    return tree.map_structure(host, x), None if y is None else tree.map_structure(host, y)


def example_count(x: Any) -> int:
    """How many examples arrays from `to_arrays` hold."""
    return len(tree.flatten(x)[0])


def take(x: Any, index: Any) -> Any:
    """The examples at `index`, in the structure of `x`."""
    return tree.map_structure(lambda array: array[index], x)


def host(array: Any) -> np.ndarray:
    """An array of any backend, or a tensor, as a NumPy array."""
    if hasattr(array, "numpy"):
        return array.numpy()
    backend = backends.backend_of(array)
    return np.asarray(array) if backend is None else backend.to_numpy(array)


def spread(total: int, count: int) -> np.ndarray:
    """Up to `count` places spread evenly over `total`: sorted data is not judged by its start."""
    if total <= count:
        return np.arange(total)
    return np.linspace(0, total - 1, count).astype(np.int64)


def check_count(value: Any, name: str, function: str, least: int = 1, most: int = 10**9) -> int:
    """`value` as an int.

    Raises:
        ArgumentError: it is no whole number from `least` to `most`.
    """
    number = operator.index(value) if hasattr(value, "__index__") else None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        upper = "" if most == 10**9 else f" to {most}"
        raise ArgumentError(
            f"{function}: {name} must be a whole number from {least}{upper}, got {value!r}."
        )
    return number


def class_names_for(names: Any, classes: int, function: str) -> list[str]:
    """One name a class as text; the numbers from 0 if none are given.

    Raises:
        ArgumentError: there are not `classes` names, or they are no list.
    """
    return _names_for(names, classes, "class_names", "class of the output", function)


def feature_names_for(names: Any, features: int, function: str) -> list[str]:
    """One name a column of `x` as text; ``x0``, ``x1``, … if none are given.

    Raises:
        ArgumentError: there are not `features` names, or they are no list.
    """
    if names is None:
        return [f"x{i}" for i in range(features)]
    return _names_for(names, features, "feature_names", "column of x", function)


def _names_for(names: Any, count: int, argument: str, each: str, function: str) -> list[str]:
    if names is None:
        return [str(i) for i in range(count)]
    if isinstance(names, (str, bytes, dict)) or not hasattr(names, "__len__"):
        raise ArgumentError(
            f"{function}: expected {argument} as a list of names, got {type(names).__name__}."
        )
    if len(names) != count:
        raise ArgumentError(
            f"{function}: expected {count} {argument}, one for each {each}, got {len(names)}."
        )
    return [showable(name) for name in names]


# Layers


def layers_of(model: Model) -> list[tuple[str, Layer]]:
    """The layers with their names, those of models within the model as ``"inner/name"``."""
    found = []
    for layer in model.layers:
        if isinstance(layer, Model):
            found += [(f"{layer.name}/{name}", inner) for name, inner in layers_of(layer)]
        else:
            found.append((layer.name, layer))
    return found


def select_layers(model: Model, layer: Any, function: str) -> list[tuple[str, Layer]]:
    """The layers that `layer` names: all for None; by name, place in ``model.layers``, or itself.

    Raises:
        ArgumentError: the model has no such layer.
    """
    every = layers_of(model)
    if layer is None:
        return every
    if isinstance(layer, int) and not isinstance(layer, bool):
        layer = model.get_layer(index=layer)
    if isinstance(layer, Model):
        inside = {id(inner) for _, inner in layers_of(layer)}
        chosen = [pair for pair in every if id(pair[1]) in inside]
    else:
        chosen = [(name, each) for name, each in every if each is layer or name == layer]
    if chosen:
        return chosen
    if isinstance(layer, str):
        by_own_name = [(name, each) for name, each in every if each.name == layer]
        if by_own_name:
            return by_own_name
        raise unknown(f"layer of model {model.name!r} in {function}:", layer, [n for n, _ in every])
    raise ArgumentError(
        f"{function}: expected layer as a name, a place or a layer of model {model.name!r}, got "
        f"{layer!r:.80}."
    )


def require_one_example(x: Any, shape: tuple | None, function: str) -> np.ndarray:
    """`x` as a batch of one.

    Args:
        x: an example, with or without an axis for the batch.
        shape: of one example, as the model takes it, if that is known.
        function: who asks.

    Raises:
        ShapeError: there are more examples, or the shape does not fit.
    """
    array = host(convert(x, None, None, _NAMES)[0])
    if shape is None:
        batch = array if len(array) == 1 else array[None]
        return batch
    forms = [shape, (*shape, 1)] + [shape[:-1]] * (shape[-1:] == (1,))  # as models take them
    if any(_fits(array.shape, form) for form in forms):
        return array[None]
    if not any(_fits(array.shape[1:], form) for form in forms):
        raise ShapeError(
            f"{function}: expected one example of shape {shape}, got shape {array.shape}."
        )
    if len(array) != 1:
        raise ShapeError(f"{function}: expected one example, got {len(array)}. Pass x[0].")
    return array


def _fits(shape: tuple, wanted: tuple) -> bool:
    pairs = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(w in (None, d) for d, w in pairs)


def input_shape_of(model: Any, function: str) -> tuple | None:
    """The shape of one example of the model's one input; None if that is not known.

    Raises:
        GraphError: the model has several inputs.
    """
    try:
        inputs = model.inputs
    except (AttributeError, GraphError):
        return None
    if len(inputs) != 1:
        raise GraphError(
            f"{function}: expected a model with one input, but {model.name!r} has {len(inputs)}."
        )
    return inputs[0].shape[1:]


@contextmanager
def kept_seeds() -> Iterator[None]:
    """Give Python's and NumPy's random states back after the block.

    A prediction draws an order of batches; whoever looks inside must not change the next `fit`.
    """
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def batch_size_for(x: Any) -> int:
    """How many examples at once: 256 small ones, fewer large ones (2¹⁸ numbers, 8 at least)."""
    size = sum(int(np.prod(array.shape[1:])) for array in tree.flatten(x))
    return max(8, min(256, 2**18 // max(size, 1)))


def shown_names(names: Sequence[str], length: int) -> list[str]:
    """Names for a figure: on one line, and no longer than `length`."""
    return [shorten(name, length) for name in names]


def shorten(text: str, length: int) -> str:
    """`text` on one line of at most `length` characters."""
    line = " ".join(showable(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
