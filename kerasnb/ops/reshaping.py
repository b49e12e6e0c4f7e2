"""Ops that move, repeat or rearrange elements without computing on them. Imports op and tensor."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension
from kerasnb.op import OPS, Sample, primitive
from kerasnb.spec import TensorSpec, broadcast_shapes, normalize_axes, normalize_axis, size_of
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "broadcast_to", "concatenate", "expand_dims", "flip", "moveaxis", "ndim", "pad", "ravel",
    "repeat", "reshape", "roll", "shape", "size", "split", "squeeze", "stack", "swapaxes",
    "tile", "transpose", "unstack",
]  # fmt: skip


# The primitives


def _reshape_spec(spec: TensorSpec, *, shape: tuple) -> TensorSpec:
    known, wanted = size_of(spec.shape), size_of(shape)
    if known is not None and wanted is not None and known != wanted:
        raise ShapeError(f"Cannot reshape {spec.shape} ({known} elements) to {shape} ({wanted}).")
    return spec.with_shape(shape)


@primitive(
    "reshape",
    kind="shape",
    infer=_reshape_spec,
    vjp=[lambda g, y, x, *, shape: apply(_reshape, g, shape=x.shape)],
    samples=[Sample(((3, 4),), {"shape": (2, 6)}), Sample(((1,),), {"shape": ()})],
)
def _reshape(xp, x, *, shape):
    return xp.reshape(x, shape)


def _broadcast_spec(spec: TensorSpec, *, shape: tuple) -> TensorSpec:
    if broadcast_shapes(spec.shape, shape) != shape:
        raise ShapeError(f"Cannot broadcast {spec.shape} to {shape}.")
    return spec.with_shape(shape)


def _broadcast_vjp(g, y, x, *, shape):
    extra = g.ndim - x.ndim
    repeated = tuple(extra + i for i, d in enumerate(x.shape) if d == 1 and g.shape[extra + i] != 1)
    axes = tuple(range(extra)) + repeated
    total = apply(OPS["reduce_sum"], g, axes=axes) if axes else g
    return total if total.shape == x.shape else apply(_reshape, total, shape=x.shape)


@primitive(
    "broadcast_in_dim",
    kind="shape",
    infer=_broadcast_spec,
    vjp=[_broadcast_vjp],
    samples=[Sample(((3, 1),), {"shape": (2, 3, 4)}), Sample(((),), {"shape": (2,)})],
)
def _broadcast(xp, x, *, shape):
    return xp.broadcast_to(x, shape)


def _transpose_spec(spec: TensorSpec, *, axes: tuple) -> TensorSpec:
    if sorted(axes) != list(range(spec.ndim)):
        raise ShapeError(f"transpose: axes={axes} is no order of the {spec.ndim} axes of {spec}.")
    return spec.with_shape(tuple(spec.shape[a] for a in axes))


@primitive(
    "transpose",
    kind="shape",
    infer=_transpose_spec,
    vjp=[
        lambda g, y, x, *, axes: apply(
            _transpose, g, axes=tuple(axes.index(i) for i in range(len(axes)))
        )
    ],
    samples=[Sample(((2, 3, 4),), {"axes": (2, 0, 1)})],
)
def _transpose(xp, x, *, axes):
    return xp.transpose(x, axes)


def _concatenate_spec(*specs: TensorSpec, axis: int) -> TensorSpec:
    first = specs[0]
    for spec in specs[1:]:
        same = spec.ndim == first.ndim and builtins.all(
            i == axis or a == b or None in (a, b)
            for i, (a, b) in enumerate(zip(first.shape, spec.shape, strict=True))
        )
        if not same:
            shapes = ", ".join(str(s.shape) for s in specs)
            raise ShapeError(f"concatenate: shapes {shapes} differ in more than axis {axis}.")
    dims = [s.shape[axis] for s in specs]
    total = None if None in dims else builtins.sum(dims)
    shape = tuple(
        total if i == axis else next((s.shape[i] for s in specs if s.shape[i] is not None), None)
        for i in range(first.ndim)
    )
    return first.with_shape(shape)


def _concatenate_vjp(g, y, *inputs, axis):
    parts, start = [], 0
    for x in inputs:
        parts.append(_take_range(g, axis, start, start + x.shape[axis]))
        start += x.shape[axis]
    return parts


@primitive(
    "concatenate",
    kind="shape",
    infer=_concatenate_spec,
    vjp=_concatenate_vjp,
    casts="promote",
    samples=[Sample(((2, 3), (2, 1), (2, 2)), {"axis": 1})],
)
def _concatenate(xp, *arrays, axis):
    return xp.concatenate(arrays, axis)


def _slice_length(start: int, stop: int, step: int) -> int:
    return builtins.max(0, -(-(stop - start) // step))


def _slice_spec(spec: TensorSpec, *, start: tuple, stop: tuple, step: tuple) -> TensorSpec:
    """A stop of None on an axis means the whole axis, whatever its length."""
    for axis, (d, b, e) in enumerate(zip(spec.shape, start, stop, strict=True)):
        if e is not None and (b < 0 or e < b or (d is not None and e > d)):
            raise ShapeError(f"slice: {b} to {e} is out of range for axis {axis} of {spec.shape}.")
    return spec.with_shape(
        tuple(
            d if e is None else _slice_length(b, e, s)
            for d, b, e, s in zip(spec.shape, start, stop, step, strict=True)
        )
    )


def _slice_vjp(g, y, x, *, start, stop, step):
    low, high, interior = [], [], []
    for n, b, e, s, m in zip(x.shape, start, stop, step, g.shape, strict=True):
        whole = e is None
        low.append(0 if whole else b)
        interior.append(0 if whole else s - 1)
        high.append(0 if whole else n - b - (builtins.max(m - 1, 0) * s + builtins.min(m, 1)))
    return apply(_pad, g, low=tuple(low), high=tuple(high), interior=tuple(interior), value=0.0)


@primitive(
    "slice",
    kind="shape",
    infer=_slice_spec,
    vjp=[_slice_vjp],
    samples=[
        Sample(((5, 7),), {"start": (1, 0), "stop": (4, 7), "step": (1, 3)}),
        Sample(((5, 7),), {"start": (0, 2), "stop": (None, 2), "step": (1, 1)}),
    ],
)
def _slice(xp, x, *, start, stop, step):
    return x[tuple(builtins.slice(b, e, s) for b, e, s in zip(start, stop, step, strict=True))]


def _pad_spec(spec: TensorSpec, *, low: tuple, high: tuple, interior: tuple, value) -> TensorSpec:
    return spec.with_shape(
        tuple(
            None if d is None else b + d + e + builtins.max(d - 1, 0) * i
            for d, b, e, i in zip(spec.shape, low, high, interior, strict=True)
        )
    )


def _pad_vjp(g, y, x, *, low, high, interior, value):
    stop = tuple(
        b + d + builtins.max(d - 1, 0) * i for d, b, i in zip(x.shape, low, interior, strict=True)
    )
    return apply(_slice, g, start=low, stop=stop, step=tuple(i + 1 for i in interior))


@primitive(
    "pad",
    kind="shape",
    infer=_pad_spec,
    vjp=[_pad_vjp],
    samples=[
        Sample(((2, 3),), {"low": (1, 0), "high": (0, 2), "interior": (0, 2), "value": 0.0}),
        Sample(((0, 3),), {"low": (1, 0), "high": (0, 0), "interior": (0, 0), "value": 1.5}),
    ],
)
def _pad(xp, x, *, low, high, interior, value):
    shape = tuple(
        b + d + e + builtins.max(d - 1, 0) * i
        for d, b, e, i in zip(x.shape, low, high, interior, strict=True)
    )
    result = xp.full(shape, value, x.dtype)
    inside = tuple(
        builtins.slice(b, b + d + builtins.max(d - 1, 0) * i, i + 1)
        for d, b, i in zip(x.shape, low, interior, strict=True)
    )
    result[inside] = x
    return result


@primitive(
    "reverse",
    kind="shape",
    infer=lambda spec, *, axes: spec,
    vjp=[lambda g, y, x, *, axes: apply(_reverse, g, axes=axes)],
    samples=[Sample(((2, 3, 4),), {"axes": (0, 2)})],
)
def _reverse(xp, x, *, axes):
    return xp.flip(x, axes)


# Shape questions


def shape(x: Any) -> tuple:
    """The shape as a tuple; None where a model under construction does not know a dimension yet."""
    return as_tensor(x).shape


def ndim(x: Any) -> int:
    """The number of dimensions."""
    return as_tensor(x).ndim


def size(x: Any) -> int | None:
    """The number of elements; None where it is not known yet."""
    return as_tensor(x).size


# Composites


def reshape(x: Any, newshape: int | Sequence[int]) -> Tensor:
    """The same elements, in order, in another shape; one dimension may be -1 (or None): the rest.

    Raises:
        ShapeError: the number of elements differs, or two dimensions are left open.
    """
    x = as_tensor(x)
    wanted = (newshape,) if isinstance(newshape, int) else tuple(newshape)
    wanted = tuple(-1 if d is None else int(d) for d in wanted)
    if wanted.count(-1) > 1:
        raise ShapeError(f"reshape: only one dimension may be left open, got {tuple(newshape)}.")
    if -1 in wanted:
        rest = size_of(tuple(d for d in wanted if d != -1))
        total = x.size
        if total is None:
            open_dim = None
        elif rest == 0 or total % rest:
            raise ShapeError(f"Cannot reshape {x.shape} ({total} elements) to {wanted}.")
        else:
            open_dim = total // rest
        wanted = tuple(open_dim if d == -1 else d for d in wanted)
    return x if wanted == x.shape else apply(_reshape, x, shape=wanted)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The tensor with its axes in the order `axes` (reversed if None)."""
    x = as_tensor(x)
    if axes is None:
        axes = range(x.ndim)[::-1]
    axes = tuple(normalize_axis(int(a), x.ndim, "axes") for a in axes)
    return x if axes == tuple(range(x.ndim)) else apply(_transpose, x, axes=axes)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The tensor with axes moved to new places, the others staying in order."""
    x = as_tensor(x)
    source = (source,) if isinstance(source, int) else source
    destination = (destination,) if isinstance(destination, int) else destination
    moved = {
        normalize_axis(d, x.ndim, "destination"): normalize_axis(s, x.ndim, "source")
        for s, d in zip(source, destination, strict=True)
    }
    rest = iter(a for a in range(x.ndim) if a not in moved.values())
    return transpose(x, [moved[i] if i in moved else next(rest) for i in range(x.ndim)])


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """The tensor with two axes exchanged."""
    x = as_tensor(x)
    order = list(range(x.ndim))
    a, b = normalize_axis(axis1, x.ndim, "axis1"), normalize_axis(axis2, x.ndim, "axis2")
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def broadcast_to(x: Any, shape: Sequence[int]) -> Tensor:
    """The tensor repeated along axes of length 1 to fill `shape`."""
    x, shape = as_tensor(x), tuple(shape)
    return x if x.shape == shape else apply(_broadcast, x, shape=shape)


def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """The tensor with new axes of length 1 at the places `axis` of the result."""
    x = as_tensor(x)
    count = 1 if isinstance(axis, int) else len(axis)
    places = normalize_axes(axis, x.ndim + count)
    dims = iter(x.shape)
    return apply(
        _reshape, x, shape=tuple(1 if i in places else next(dims) for i in range(x.ndim + count))
    )


def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """The tensor without its axes of length 1 (or without `axis`, which must have length 1)."""
    x = as_tensor(x)
    if axis is None:
        axes = tuple(i for i, d in enumerate(x.shape) if d == 1)
    else:
        axes = normalize_axes(axis, x.ndim)
    for a in axes:
        if x.shape[a] not in (1, None):
            raise ShapeError(f"squeeze: axis {a} of shape {x.shape} is not of length 1.")
    return apply(_reshape, x, shape=tuple(d for i, d in enumerate(x.shape) if i not in axes))


def ravel(x: Any) -> Tensor:
    """All elements in one axis."""
    return reshape(x, (-1,))


def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """The tensors joined along `axis`."""
    if not xs:
        raise ArgumentError("concatenate: expected at least one tensor, got none.")
    xs = [as_tensor(x) for x in xs]
    if xs[0].ndim == 0:
        raise ShapeError("concatenate: scalars have no axis to join along; use stack.")
    return apply(_concatenate, *xs, axis=normalize_axis(axis, xs[0].ndim))


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    xs = [as_tensor(t) for t in x]
    axis = normalize_axis(axis, xs[0].ndim + 1)
    return concatenate([expand_dims(t, axis) for t in xs], axis)


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices of the tensor along `axis`, without that axis."""
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    count = num if x.shape[axis] is None else x.shape[axis]
    if count is None:
        raise UnknownDimension(f"unstack: axis {axis} of {x.spec} is not known yet; give num.")
    return [squeeze(_take_range(x, axis, i, i + 1), axis) for i in range(count)]


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """The tensor cut along `axis` into equal parts, or before each of the given positions.

    Raises:
        ShapeError: the axis does not divide into so many parts.
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    length = x.shape[axis]
    if isinstance(indices_or_sections, int):
        if length is None:
            raise UnknownDimension(f"split: axis {axis} of {x.spec} is not known yet.")
        if length % indices_or_sections:
            raise ShapeError(
                f"split: axis {axis} of {x.shape} does not divide into {indices_or_sections} parts."
            )
        part = length // indices_or_sections
        cuts = [part * i for i in range(1, indices_or_sections)]
    else:
        cuts = [int(i) for i in indices_or_sections]
    return [_take_range(x, axis, a, b) for a, b in zip([0, *cuts], [*cuts, length], strict=True)]


def _take_range(x: Tensor, axis: int, start: int, stop: int, step: int = 1) -> Tensor:
    if (start, stop, step) == (0, x.shape[axis], 1):
        return x
    whole = [(0, None, 1)] * x.ndim
    whole[axis] = (start, stop, step)
    starts, stops, steps = zip(*whole, strict=True)
    return apply(_slice, x, start=starts, stop=stops, step=steps)


def pad(
    x: Any,
    pad_width: int | Sequence[Sequence[int]],
    mode: str = "constant",
    constant_values: float | None = None,
) -> Tensor:
    """The tensor with elements added around it.

    Args:
        x: the tensor.
        pad_width: for each axis how many elements to add before and after.
        mode: ``"constant"``, ``"reflect"`` (without repeating the edge) or ``"symmetric"``.
        constant_values: what to add in constant mode; 0 if None.
    """
    x = as_tensor(x)
    if isinstance(pad_width, int):
        pad_width = ((pad_width, pad_width),) * x.ndim
    pairs = [tuple(p) if not isinstance(p, int) else (p, p) for p in pad_width]
    pairs = pairs * x.ndim if len(pairs) == 1 else pairs
    if mode == "constant":
        value = constant_values or 0
        low, high = zip(*pairs, strict=True)
        return apply(_pad, x, low=low, high=high, interior=(0,) * x.ndim, value=float(value))
    if mode not in ("reflect", "symmetric"):
        raise ArgumentError(f"pad: unknown mode {mode!r}. Known: constant, reflect, symmetric.")
    skip = 1 if mode == "reflect" else 0
    for axis, (low, high) in enumerate(pairs):
        n = x.shape[axis]
        before = flip(_take_range(x, axis, skip, skip + low), axis) if low else None
        after = flip(_take_range(x, axis, n - skip - high, n - skip), axis) if high else None
        parts = [p for p in (before, x, after) if p is not None]
        x = concatenate(parts, axis) if len(parts) > 1 else x
    return x


def flip(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """The tensor with the order of elements reversed along `axis` (all axes if None)."""
    x = as_tensor(x)
    return apply(_reverse, x, axes=normalize_axes(axis, x.ndim))


def roll(x: Any, shift: int, axis: int | None = None) -> Tensor:
    """The tensor with its elements moved on by `shift` along `axis`, those at the end coming
    first."""
    x = as_tensor(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axis = normalize_axis(axis, x.ndim)
    n = x.shape[axis]
    cut = (n - shift) % n if n else 0
    if cut == 0:
        return x
    return concatenate([_take_range(x, axis, cut, n), _take_range(x, axis, 0, cut)], axis)


def repeat(x: Any, repeats: int, axis: int | None = None) -> Tensor:
    """The tensor with each element repeated `repeats` times along `axis` (flattened if None)."""
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    wide = expand_dims(x, axis + 1)
    wide = broadcast_to(wide, (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :]))
    dims = list(x.shape)
    dims[axis] = None if dims[axis] is None else dims[axis] * repeats
    return apply(_reshape, wide, shape=tuple(dims))


def tile(x: Any, repeats: int | Sequence[int]) -> Tensor:
    """The whole tensor repeated, `repeats` times along each axis."""
    x = as_tensor(x)
    repeats = (repeats,) if isinstance(repeats, int) else tuple(repeats)
    rank = builtins.max(x.ndim, len(repeats))
    x = reshape(x, (1,) * (rank - x.ndim) + x.shape)
    repeats = (1,) * (rank - len(repeats)) + repeats
    for axis, count in enumerate(repeats):
        if count != 1:
            x = concatenate([x] * count, axis)
    return x
