"""Layer calls on symbolic tensors: the nodes that a functional model replays.

A call of a layer outside any trace, on symbolic tensors, becomes one node; its output specs come
from tracing the layer's `call`. Imports graph, tensor, variable and tree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnb import tree
from kerasnb.errors import GraphError, UnknownDimension
from kerasnb.graph import Node, inner_level
from kerasnb.layers.masks import call_with_masks
from kerasnb.ops.operation import Operation
from kerasnb.spec import TensorSpec
from kerasnb.tensor import Tensor, mask_of, placeholder, set_mask
from kerasnb.tracebacks import filtered
from kerasnb.variable import StateScope, in_scope

__all__ = ["LayerCall", "is_building", "is_symbolic", "map_shapes", "record_call", "shapes_of"]

# Stand-ins for an unknown dimension where a call cannot cope with None: traced with both, what
# differs between the two results is unknown. Primes, so that products and quotients differ too.
_PROBES = (83, 89)


class LayerCall(Node):
    """The call of a layer in a graph of layers.

    Attributes:
        args: the positional arguments, symbolic tensors in place.
        kwargs: the keyword arguments.
        structure: the outputs as the call returned them.
        masks: the masks on the outputs, None where there is none.
    """

    __slots__ = ("args", "kwargs", "masks", "structure")

    def __init__(self, layer: Any, args: tuple, kwargs: dict):
        tensors = tuple(t for t in tree.flatten((args, kwargs)) if is_symbolic(t))
        super().__init__(layer, tensors)
        self.args, self.kwargs, self.structure, self.masks = args, kwargs, None, ()


def is_symbolic(value: Any) -> bool:
    """Whether `value` is a tensor without data."""
    return type(value) is Tensor and value.data is None


def is_building(arguments: Any) -> bool:
    """Whether a call with these arguments is part of a model under construction."""
    return not in_scope() and any(map(is_symbolic, tree.flatten(arguments)))


def shapes_of(value: Any) -> Any:
    """The shapes of the tensors in a nested structure; None for anything else."""
    return tree.map_structure(lambda t: getattr(t, "shape", None), value)


def map_shapes(function: Callable, shape: Any) -> Any:
    """`function` on each shape of a nested structure of shapes."""
    if isinstance(shape, dict):
        return {k: map_shapes(function, v) for k, v in shape.items()}
    if all(d is None or isinstance(d, (int, np.integer)) for d in shape):
        return function(tuple(shape))
    return [map_shapes(function, s) for s in shape]


@filtered
def record_call(layer: Any, args: tuple, kwargs: dict, only_specs: bool = False) -> Any:
    """Add a call of `layer` to the graph of layers, and give its symbolic outputs.

    Args:
        layer: whose `call` is traced for the output specs.
        args: positional arguments, with symbolic tensors (or specs).
        kwargs: keyword arguments.
        only_specs: give the specs and record nothing.
    """
    specs, masks = _output_specs(layer, args, kwargs)
    if only_specs:
        return specs
    node = LayerCall(layer, args, kwargs)
    node.structure = tree.map_structure(
        lambda s: Tensor(None, s, node) if isinstance(s, TensorSpec) else s, specs
    )
    node.outputs = tuple(t for t in tree.flatten(node.structure) if is_symbolic(t))
    if not node.outputs:
        raise GraphError(f"{type(layer).__name__} {layer.name!r} gave no tensor.")
    masks = [None if spec is None else Tensor(None, spec, node) for spec in masks]
    for output, mask in zip(node.outputs, masks, strict=True):
        if mask is not None:
            set_mask(output, mask)
    node.masks = tuple(masks)
    layer._calls.append(node)
    return node.structure


def _output_specs(layer: Any, args: tuple, kwargs: dict) -> tuple[Any, list]:
    """The specs of the outputs as they are nested, and those of the masks on them."""
    try:
        return _trace_call(layer, args, kwargs, None)
    except (TypeError, UnknownDimension) as error:
        # an op that says so needs the length; a function of it, perhaps not
        refused = isinstance(layer, Operation) and isinstance(error, UnknownDimension)
        if refused or not any(None in s.shape for s in _specs(args, kwargs)):
            raise
    first, second = (_trace_call(layer, args, kwargs, size) for size in _PROBES)
    return tree.map_structure(_merge_specs, first, second)


def _specs(args: tuple, kwargs: dict) -> list[TensorSpec]:
    leaves = tree.flatten((args, kwargs))
    return [t if isinstance(t, TensorSpec) else t.spec for t in leaves if _has_spec(t)]


def _has_spec(leaf: Any) -> bool:
    return isinstance(leaf, TensorSpec) or is_symbolic(leaf)


def _merge_specs(a: Any, b: Any) -> Any:
    if not isinstance(a, TensorSpec):
        return a
    return a.with_shape(tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)))


def _trace_call(layer: Any, args: tuple, kwargs: dict, size: int | None) -> tuple[Any, list]:
    """As `_output_specs`, from one trace, with unknown dimensions taken as `size`."""

    def stand_in(leaf: Any) -> Any:
        if not _has_spec(leaf):
            return leaf
        spec = leaf if isinstance(leaf, TensorSpec) else leaf.spec
        shape = tuple(size if d is None else d for d in spec.shape)
        tensor = placeholder(spec.with_shape(shape))
        mask = mask_of(leaf)
        return tensor if mask is None else set_mask(tensor, stand_in(mask))

    with inner_level(), StateScope().active():
        args, kwargs = tree.map_structure(stand_in, (args, kwargs))
        own = isinstance(layer, Operation)
        outputs = layer(*args) if own else call_with_masks(layer, args, kwargs)
        masks = [mask_of(t) for t in tree.flatten(outputs) if isinstance(t, Tensor)]
        return tree.map_structure(_spec_of, outputs), [_spec_of(m) for m in masks]


def _spec_of(leaf: Any) -> Any:
    return leaf.spec if isinstance(leaf, Tensor) else leaf


Operation._record = staticmethod(record_call)
