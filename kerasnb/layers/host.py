"""Layers that compute on the host, with NumPy, before the compiled step: text and hashes.

Also what layers that learn by `adapt` read their data with. Imports base and text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from kerasnb import tree
from kerasnb.errors import ArgumentError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import label
from kerasnb.layers.symbolic import is_symbolic
from kerasnb.spec import TensorSpec
from kerasnb.tensor import Operators, Tensor, as_tensor, placeholder
from kerasnb.text import as_text, is_text, looks_like_text

__all__ = ["HostLayer", "array_of", "batches_of"]


class HostLayer(Layer):
    """A layer whose computation is no part of a compiled step.

    Subclasses define `_compute(arrays)`, NumPy in and NumPy out, and `_output_spec(specs)`. In a
    functional model such layers are computed batch by batch before the step, which begins with
    what they give.
    """

    on_host = True

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        return super().__call__(self._arrays(inputs), **kwargs)

    def call(self, inputs: Any) -> Any:
        leaves = tree.flatten(inputs)
        if any(map(is_symbolic, leaves)):
            return placeholder(self._output_spec(tree.map_structure(_spec_of, inputs)))
        result = self._compute(inputs)
        return as_tensor(result) if result.dtype.kind in "biuf" else result

    def _arrays(self, inputs: Any) -> Any:
        """The inputs as NumPy arrays; symbolic tensors stay."""
        return array_of(inputs, label(self))

    def _convert(self, value: Any) -> Any:
        return value

    def _compute(self, inputs: Any) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} does not define _compute(inputs).")

    def _output_spec(self, specs: Any) -> TensorSpec:
        raise NotImplementedError(f"{type(self).__name__} does not define _output_spec(specs).")


def array_of(value: Any, name: str) -> Any:
    """A value of the user's as a NumPy array: text or numbers. Symbolic tensors stay.

    Args:
        value: a tensor, an array, a number, a string, or nested lists of such.
        name: what it is called in errors.
    """
    if is_symbolic(value):
        return value
    if looks_like_text(value):
        return as_text(value, name)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value
    if isinstance(value, (list, tuple)) and any(isinstance(v, Operators) for v in value):
        value = [array_of(v, name) for v in value]
    elif isinstance(value, Operators):
        return as_tensor(value).numpy()
    array = np.asarray(value)
    return array if array.dtype.kind in "biuf" else as_text(value, name)


def batches_of(data: Any, steps: int | None, lists_are_batches: bool = False) -> Iterator[Any]:
    """What `adapt` reads: the inputs of each batch; arrays are one batch.

    Args:
        data: an array, a list, or an iterable of batches `x`, `(x, y)` or `(x, y, sample_weight)`.
        steps: so many batches at most.
        lists_are_batches: whether a list holds batches, or is itself one array.

    Raises:
        ArgumentError: there is nothing to learn from.
    """
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise ArgumentError(f"adapt: steps must be a positive whole number, got {steps!r}.")
    if isinstance(data, (str, bytes)):
        raise ArgumentError(
            "adapt: expected a list of strings, an array or batches of them, got one string. Put "
            "it into a list."
        )
    whole = hasattr(data, "__array__") or isinstance(data, Tensor)
    if whole or (isinstance(data, (list, tuple)) and not lists_are_batches):
        yield data
        return
    if not isinstance(data, Iterable):
        raise ArgumentError(
            f"adapt: expected an array, a list or batches, got {type(data).__name__}."
        )
    for batch in islice(iter(data), steps):
        yield batch[0] if isinstance(batch, tuple) else batch


def _spec_of(value: Any) -> TensorSpec:
    if isinstance(value, Tensor):
        return value.spec
    return TensorSpec(value.shape, "string" if is_text(value) else value.dtype.name)
