"""Layers and functions that make one tensor of several. Imports base, common and ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from kerasnb import ops
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_axis, label
from kerasnb.tensor import Operators, Tensor, as_tensor, mask_of

__all__ = [
    "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract", "add",
    "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip


class OfSeveral(Layer):
    """Base of the layers that take a list of tensors."""

    def build(self, input_shape: Sequence[tuple]) -> None:
        """Makes nothing; the shapes are kept for the configuration, as in Keras."""

    def compute_mask(self, inputs: Sequence[Tensor], mask: Any = None) -> Tensor | None:
        """True where a step of any input counts; None if one of the inputs has no mask."""
        if mask is None or any(m is None for m in mask):
            return None
        return reduce(ops.logical_or, mask)


class Merge(OfSeveral):
    """Base of the layers that take a list of tensors and combine them element by element.

    Tensors of lower rank get axes of length 1 after their batch axis; then all broadcast together.
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        tensors = _tensors(self, inputs)
        rank = max(t.ndim for t in tensors)
        # (N, C) -> (N, 1, ..., C)
        tensors = [
            ops.expand_dims(t, tuple(range(1, 1 + rank - t.ndim))) if t.ndim < rank else t
            for t in tensors
        ]
        _check_shapes(self, tensors)
        masks = [mask_of(t) for t in inputs]
        if any(m is not None for m in masks):
            return self.merge_masked(tensors, masks)
        return self.merge(tensors)

    def merge(self, tensors: list[Tensor]) -> Tensor:
        """The combination of tensors of one rank. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define merge(tensors).")

    def merge_masked(self, tensors: list[Tensor], masks: list) -> Tensor:
        """The combination where some inputs have masks; None stands for no mask."""
        return self.merge(tensors)


class Add(Merge):
    """The sum of the inputs.

    Shape:
        a list of shapes that broadcast together, with one batch size ``->`` the common shape.

    Example:
        >>> import kerasnb
        >>> x = kerasnb.ops.ones((1, 2))
        >>> kerasnb.layers.Add()([x, x, x]).numpy().tolist()
        [[3.0, 3.0]]
    """

    def merge(self, tensors: list[Tensor]) -> Tensor:
        return reduce(ops.add, tensors)


class Subtract(Merge):
    """The first of two inputs minus the second.

    Shape:
        a list of two shapes that broadcast together, with one batch size ``->`` the common shape.
    """

    def merge(self, tensors: list[Tensor]) -> Tensor:
        _check_two(self, tensors)
        return tensors[0] - tensors[1]


class Multiply(Merge):
    """The product of the inputs, element by element.

    Shape:
        a list of shapes that broadcast together, with one batch size ``->`` the common shape.
    """

    def merge(self, tensors: list[Tensor]) -> Tensor:
        return reduce(ops.multiply, tensors)

    def merge_masked(self, tensors: list[Tensor], masks: list) -> Tensor:
        """The product of what counts; 0 where nothing does."""
        spread = [None if m is None else _spread(m, t) for m, t in zip(masks, tensors, strict=True)]
        pairs = zip(spread, tensors, strict=True)
        product = self.merge([t if m is None else ops.where(m, t, 1.0) for m, t in pairs])
        if any(m is None for m in spread):
            return product
        return ops.where(reduce(ops.logical_or, spread), product, 0.0)


class Average(Merge):
    """The mean of the inputs, element by element.

    Shape:
        a list of shapes that broadcast together, with one batch size ``->`` the common shape.
    """

    def merge(self, tensors: list[Tensor]) -> Tensor:
        return reduce(ops.add, tensors) / len(tensors)


class _Extreme(Merge):
    """Base of the layers that take one of the elements: never one that is masked."""

    def merge_masked(self, tensors: list[Tensor], masks: list) -> Tensor:
        return self.merge(_others_where_masked(tensors, masks, self.merge))


class Maximum(_Extreme):
    """The largest of the inputs, element by element.

    Shape:
        a list of shapes that broadcast together, with one batch size ``->`` the common shape.
    """

    def merge(self, tensors: list[Tensor]) -> Tensor:
        return reduce(ops.maximum, tensors)


class Minimum(_Extreme):
    """The smallest of the inputs, element by element.

    Shape:
        a list of shapes that broadcast together, with one batch size ``->`` the common shape.
    """

    def merge(self, tensors: list[Tensor]) -> Tensor:
        return reduce(ops.minimum, tensors)


class Concatenate(OfSeveral):
    """The inputs joined along an axis.

    Args:
        axis: along which; 0 is the batch.

    Raises:
        ShapeError: the shapes differ in another axis.

    Shape:
        ``[(N, a), (N, b)] -> (N, a + b)``
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        tensors = _tensors(self, inputs)
        first = tensors[0]
        axis = check_axis(self, "axis", self.axis, first.shape)
        for t in tensors[1:]:
            same = t.ndim == first.ndim and all(
                i == axis or a == b or None in (a, b)
                for i, (a, b) in enumerate(zip(first.shape, t.shape, strict=True))
            )
            if not same:
                raise ShapeError(
                    f"{label(self)}: expected shapes that differ in axis {axis} only, got "
                    f"{_shapes(tensors)}. Change axis, or a preceding layer."
                )
        return ops.concatenate(tensors, axis)

    def compute_mask(self, inputs: Sequence[Tensor], mask: Any = None) -> Tensor | None:
        """The masks joined along the axis; inputs without one count whole."""
        if mask is None or all(m is None for m in mask):
            return None
        spread = [_spread(m, as_tensor(t)) for t, m in zip(inputs, mask, strict=True)]
        return ops.any(ops.concatenate(spread, self.axis), axis=-1)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "axis")}


class Dot(OfSeveral):
    """The products of two inputs, summed over one axis of each, sample by sample.

    Args:
        axes: the axis of both, or ``(of the first, of the second)``; not 0, the batch.
        normalize: divide by the Euclidean lengths along these axes first: the cosine.

    Raises:
        ArgumentError: `axes` is neither one whole number nor two, or names the batch.
        ShapeError: the two axes differ in length.

    Shape:
        ``[(N, a, b), (N, c, b)] -> (N, a, c)`` for ``axes=2``; ``[(N, a), (N, a)] -> (N, 1)``
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else axes
        if (
            not isinstance(pair, (list, tuple))
            or len(pair) != 2
            or not all(isinstance(a, int) and a != 0 for a in pair)
        ):
            raise ArgumentError(
                f"{label(self)}: axes must be a whole number or two, other than 0 (the batch), got "
                f"{axes!r}."
            )
        self.axes = axes
        self.normalize = normalize
        self._pair = tuple(pair)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        tensors = _tensors(self, inputs)
        _check_two(self, tensors)
        a, b = tensors
        i, j = (
            check_axis(self, "axes", axis, t.shape)
            for axis, t in zip(self._pair, tensors, strict=True)
        )
        for m, n, what in ((a.shape[0], b.shape[0], "batches"), (a.shape[i], b.shape[j], "axes")):
            if m != n and None not in (m, n):
                raise ShapeError(
                    f"{label(self)}: expected {what} of one length, got {m} and {n} in inputs of "
                    f"{a.shape} and {b.shape} with axes={self.axes}."
                )
        if self.normalize:
            a, b = ops.normalize(a, i), ops.normalize(b, j)
        return _batch_dot(a, b, i, j)

    def compute_mask(self, inputs: Sequence[Tensor], mask: Any = None) -> None:
        """None: what the product's axes stand for is not known."""

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "axes", "normalize")}


def _batch_dot(a: Tensor, b: Tensor, i: int, j: int) -> Tensor:
    letters = iter("abcdefghijklmnopqrstuvwxy")
    batch, summed = next(letters), "z"
    left = [batch] + [summed if k == i else next(letters) for k in range(1, a.ndim)]
    right = [batch] + [summed if k == j else next(letters) for k in range(1, b.ndim)]
    out = [c for c in left + right[1:] if c != summed]
    # (N, ..., z, ...), (N, ..., z, ...) -> (N, rest of a, rest of b)
    y = ops.einsum(f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b)
    return ops.expand_dims(y, 1) if y.ndim == 1 else y


def _spread(mask: Tensor | None, x: Tensor) -> Tensor:
    """A mask of the shape of `x`."""
    if mask is None:
        return ops.ones_like(x, "bool")
    if mask.ndim < x.ndim:
        mask = ops.expand_dims(mask, -1)  # (N, T) -> (N, T, 1)
    return ops.logical_or(mask, ops.zeros_like(x, "bool"))


def _others_where_masked(tensors: list[Tensor], masks: list, merge: Callable) -> list[Tensor]:
    """Two tensors: all but the last merged, and the last, each with the other's masked elements."""
    merged, known = tensors[0], masks[0]
    known = None if known is None else _spread(known, merged)
    for number, (x, mask) in enumerate(zip(tensors[1:], masks[1:], strict=True), 2):
        mask = None if mask is None else _spread(mask, x)
        if mask is not None:
            x = ops.where(mask, x, merged)
        if known is not None:
            merged = ops.where(known, merged, x)
        if number == len(tensors):
            return [merged, x]
        known = None if mask is None or known is None else ops.logical_or(known, mask)
        merged = merge([merged, x])
    return [merged]


def _tensors(layer: Layer, inputs: Any) -> list[Tensor]:
    if not isinstance(inputs, (list, tuple)) or not inputs:
        found = f"one input of shape {inputs.shape}" if isinstance(inputs, Operators) else "none"
        raise ArgumentError(f"{label(layer)}: expected a list of tensors, got {found}.")
    return [as_tensor(t) for t in inputs]


def _check_shapes(layer: Layer, tensors: Sequence[Tensor]) -> None:
    first = tensors[0].shape
    if all(t.shape == first for t in tensors):
        return
    for axis, dims in enumerate(zip(*(t.shape for t in tensors), strict=True)):
        lengths = {d for d in dims if d is not None and (d != 1 or axis == 0)}
        if len(lengths) > 1:
            raise ShapeError(
                f"{label(layer)}: expected shapes that broadcast together with one batch size, got "
                f"{_shapes(tensors)}; they differ in axis {axis}."
            )


def _check_two(layer: Layer, tensors: Sequence[Tensor]) -> None:
    if len(tensors) != 2:
        raise ArgumentError(f"{label(layer)}: expected two inputs, got {len(tensors)}.")


def _shapes(tensors: Sequence[Tensor]) -> str:
    return ", ".join(str(t.shape) for t in tensors)


def _function(layer: type) -> Callable:
    """The lowercase function beside a merging layer."""

    def merge(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
        return layer(**kwargs)(inputs)

    merge.__name__ = merge.__qualname__ = layer.__name__.lower()
    merge.__doc__ = (
        f"What a `{layer.__name__}` layer makes of `inputs`; `kwargs` are its arguments."
    )
    return merge


add, subtract, multiply = _function(Add), _function(Subtract), _function(Multiply)
average, maximum, minimum = _function(Average), _function(Maximum), _function(Minimum)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Tensor:
    """What a `Concatenate` layer makes of `inputs`; `kwargs` are its arguments."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(
    inputs: Sequence[Any], axes: int | Sequence[int] = -1, normalize: bool = False, **kwargs: Any
) -> Tensor:
    """What a `Dot` layer makes of `inputs`; `kwargs` are its arguments."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
