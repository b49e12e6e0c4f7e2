"""How masks go through layers: taken from the inputs, given to `call`, and put on the outputs.

A mask lies on the tensor to which it belongs (`kerasnb.tensor.mask_of`), be it data or symbolic, so
that it goes the same way in eager code, in traces and in functional models. Imports
tree and tensor.
"""

from __future__ import annotations

import warnings
from typing import Any

from kerasnb import tree
from kerasnb.tensor import Tensor, mask_of, set_mask

__all__ = ["call_with_masks", "keep_mask"]


def call_with_masks(layer: Any, args: tuple, kwargs: dict) -> Any:
    """What ``layer.call(*args, **kwargs)`` gives, with masks.

    The masks on the inputs go to `mask`, where one argument holds tensors, and else to
    ``<argument>_mask``, if `call` takes these and the caller gave none. Outputs get the mask that
    `compute_mask` makes of that of the first argument.
    """
    given = kwargs.get("mask") is not None
    if not (given or any(map(_is_masked, args)) or any(map(_is_masked, kwargs.values()))):
        outputs = layer._call_in_dtype(args, kwargs)
        if layer.supports_masking and _makes_masks(layer):
            first = args[0] if args else next(iter(kwargs.values()), None)
            _put_on(layer, first, outputs, tree.map_structure(mask_of, first))
        return outputs
    arguments = {**dict(zip(layer._call.names, args, strict=False)), **kwargs}
    if args or arguments:
        kwargs = {**kwargs, **_masks_for(layer._call, arguments)}
    first = args[0] if args else next(iter(arguments.values()), None)
    previous = kwargs.get("mask")
    if previous is None:
        previous = tree.map_structure(mask_of, first)
    outputs = layer._call_in_dtype(args, kwargs)
    if layer.supports_masking:
        _put_on(layer, first, outputs, previous)
    elif any(m is not None for m in tree.flatten(previous)) and not layer._sublayers():
        warnings.warn(
            f"{type(layer).__name__} {layer.name!r} got an input with a mask, does not support "
            "masking, and drops it: the layers that follow see no mask. Take a layer that supports "
            "masking, or set supports_masking = True if the steps stay in their places.",
            stacklevel=3,
        )
    return outputs


def keep_mask(source: Tensor, tensor: Tensor) -> Tensor:
    """`tensor`, which is `source` in another form, with the mask of `source`."""
    mask = mask_of(source)
    return tensor if mask is None else set_mask(tensor, mask)


def _is_masked(value: Any) -> bool:
    if type(value) is Tensor:
        return mask_of(value) is not None
    if isinstance(value, (list, tuple, dict)):
        return any(mask_of(leaf) is not None for leaf in tree.flatten(value))
    return False


def _makes_masks(layer: Any) -> bool:
    """Whether outputs may have masks where inputs have none."""
    return type(layer).compute_mask.__module__ != _BASE


_BASE = "kerasnb.layers.base"


def _masks_for(signature: Any, arguments: dict) -> dict:
    """The mask arguments to fill in, by name."""
    holding = {name: value for name, value in arguments.items() if _holds_tensors(value)}
    if len(holding) == 1:
        if not signature.takes_mask or arguments.get("mask") is not None:
            return {}
        (value,) = holding.values()
        return {"mask": tree.map_structure(mask_of, value)}
    return {
        f"{name}_mask": tree.map_structure(mask_of, holding[name])
        for name in signature.masked
        if name in holding and arguments.get(f"{name}_mask") is None
    }


def _holds_tensors(value: Any) -> bool:
    if not tree.is_nested(value):
        return type(value) is Tensor
    leaves = tree.flatten(value)
    tensors = [leaf for leaf in leaves if type(leaf) is Tensor]
    return bool(tensors) and all(type(v) is Tensor or v is None for v in leaves)


def _put_on(layer: Any, inputs: Any, outputs: Any, previous: Any) -> None:
    leaves = tree.flatten(outputs)
    if all(mask_of(leaf) is not None for leaf in leaves):
        return
    masks = layer.compute_mask(inputs, previous)
    for tensor, mask in zip(leaves, tree.flatten(masks), strict=False):
        if mask is not None and type(tensor) is Tensor and mask_of(tensor) is None:
            set_mask(tensor, mask)
