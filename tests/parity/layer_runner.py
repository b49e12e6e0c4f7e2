"""How a layer is examined: outputs, gradients, weights, shapes and configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Case, config_facts, weighted_sum
from .draw import Draw, real, weight
from .record import Record
from .sides import Side

__all__ = ["layer"]

# weights that begin with the same numbers everywhere
FIXED = ("bias", "gamma", "beta", "moving_mean", "moving_variance")


def layer(
    name: str,
    make: Callable[[Any], Any],
    *inputs: Draw,
    call: Callable[..., Any] | None = None,
    training: bool | None = None,
    skip_config: tuple[str, ...] = (),
    symbolic: bool = True,
    gradients: bool = True,
    zero_gradients: tuple[str, ...] = (),
    needs: str | None = None,
) -> Case:
    """Return the case of a layer.

    Args:
        name: class and configuration.
        make: ``(keras) -> layer``.
        *inputs: drawings; several make a list.
        call: ``(layer, *tensors) -> outputs``, where a plain call is not what is meant.
        training: passed on if given.
        skip_config: entries of the configuration that are the library's own business.
        symbolic: whether shapes without a batch size are asked too.
        gradients: whether gradients are asked.
        zero_gradients: weights whose gradients are 0 but for rounding, which is taken off.
        needs: see `Case`.
    """

    def apply(thing: Any, tensors: list[Any]) -> Any:
        if call is not None:
            return call(thing, *tensors)
        arguments = {} if training is None else {"training": training}
        return thing(tensors if len(tensors) > 1 else tensors[0], **arguments)

    def run(side: Side, rng: Any, record: Record) -> None:
        arrays = [drawing(rng) for drawing in inputs]
        thing = make(side.keras)
        _values(side, thing, apply, arrays, rng, record, gradients)
        for key in record.values.keys() & {f"gradient of {tail}" for tail in zero_gradients}:
            record.values[key] = np.round(record.values[key], 4) + 0.0  # no -0.0
        _facts(side, thing, arrays, record, call is None and symbolic)
        config_facts(record, thing, skip_config, restore=not skip_config)

    return Case(f"layers/{name}", run, needs=needs)


def _values(
    side: Side,
    thing: Any,
    apply: Callable,
    arrays: list,
    rng: Any,
    record: Record,
    gradients: bool,
) -> None:
    first = _leaves(apply(thing, [side.tensor(array) for array in arrays]))
    for w, tail in _named(thing):
        if tail.endswith(FIXED):
            record.values[f"new {tail}"] = side.array(w)
    start = [weight(rng, tail, tuple(w.shape)) for w, tail in _named(thing)]
    projection = [side.tensor(real(*y.shape)(rng)) for y in first]
    floats = [at for at, array in enumerate(arrays) if array.dtype.kind == "f"]

    def function(*tensors: Any) -> Any:
        every = [side.tensor(array) for array in arrays]
        for at, tensor in zip(floats, tensors, strict=True):
            every[at] = tensor
        return weighted_sum(side, _leaves(apply(thing, every)), projection)

    thing.set_weights(start)
    trainable = list(thing.trainable_weights)
    sources = [side.tensor(arrays[at]) for at in floats]
    if gradients and (sources or trainable):
        grads = side.gradients(function, sources, trainable)
        tails = [f"input {at}" for at in floats] + [_tail(w) for w in trainable]
        for tail, g in zip(tails, grads, strict=True):
            record.values[f"gradient of {tail}"] = g

    # once more from the same weights, so that moving statistics move once
    thing.set_weights(start)
    outputs = _leaves(apply(thing, [side.tensor(array) for array in arrays]))
    for at, y in enumerate(outputs):
        record.values[f"output {at}"] = side.array(y)
    for w in thing.non_trainable_weights:
        record.values[f"after {_tail(w)}"] = side.array(w)
    for at, loss in enumerate(thing.losses):
        record.values[f"loss {at}"] = side.array(loss)
    record.facts["output dtypes"] = [side.dtype(y) for y in outputs]


def _facts(side: Side, thing: Any, arrays: list, record: Record, symbolic: bool) -> None:
    record.facts["name"] = {"name": thing.name}
    record.facts["weights"] = [
        [tail, list(w.shape), str(w.dtype), bool(w.trainable)] for w, tail in _named(thing)
    ]
    if not symbolic:
        return
    shapes = [(None, *array.shape[1:]) for array in arrays]
    whole = [array.shape for array in arrays]
    for key, given in {"output shape": shapes, "output shape, batch known": whole}.items():
        record.facts[key] = _shape(
            thing.compute_output_shape(given if len(given) > 1 else given[0])
        )
    symbols = [side.keras.Input(shape=array.shape[1:], dtype=array.dtype.name) for array in arrays]
    outputs = _leaves(thing(symbols if len(symbols) > 1 else symbols[0]))
    record.facts["symbolic shapes"] = [list(y.shape) for y in outputs]


def _named(thing: Any) -> list[tuple[Any, str]]:
    return [(w, _tail(w)) for w in thing.weights]


def _tail(variable: Any) -> str:
    # "dense_3/kernel" -> "kernel": the first part is the layer's automatic name
    return variable.path.partition("/")[2] or variable.path


def _leaves(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _shape(shape: Any) -> list:
    if shape and isinstance(shape[0], (list, tuple)):
        return [_shape(one) for one in shape]
    return [None if size is None else int(np.asarray(size)) for size in shape]
