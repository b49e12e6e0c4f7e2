"""Tensors joined, cut and turned, in NumPy's and in einops' words. Imports reshaping."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension, unknown
from kerasnb.ops.reshaping import (
    _take_range,
    concatenate,
    expand_dims,
    flip,
    ravel,
    reshape,
    split,
    swapaxes,
    transpose,
)
from kerasnb.spec import normalize_axes, normalize_axis, size_of
from kerasnb.tensor import Tensor, as_tensor

__all__ = [
    "append", "array_split", "depth_to_space", "dsplit", "dstack", "fliplr", "flipud", "hsplit",
    "hstack", "rearrange", "rot90", "space_to_depth", "vsplit", "vstack",
]  # fmt: skip


def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """`x1` and after it `x2` along `axis` (both flattened if None)."""
    if axis is None:
        return concatenate([ravel(x1), ravel(x2)], 0)
    return concatenate([x1, x2], axis)


def hstack(xs: Sequence[Any]) -> Tensor:
    """Tensors side by side: along the second axis, or the first of vectors."""
    tensors = [_of_rank(x, 1) for x in xs]
    return concatenate(tensors, 0 if tensors[0].ndim == 1 else 1)


def vstack(xs: Sequence[Any]) -> Tensor:
    """Tensors below each other: along the first axis; vectors become rows."""
    return concatenate([_of_rank(x, 2) for x in xs], 0)


def dstack(xs: Sequence[Any]) -> Tensor:
    """Tensors behind each other: along the third axis, which those without one get."""
    return concatenate([_of_rank(x, 3) for x in xs], 2)


def _of_rank(x: Any, rank: int) -> Tensor:
    """The tensor with at least so many axes: (M,) -> (1, M) -> (1, M, 1)"""
    x = as_tensor(x)
    if x.ndim == 0:
        x = expand_dims(x, 0)
    if x.ndim == 1 and rank > 1:
        x = expand_dims(x, 0)
    return expand_dims(x, 2) if x.ndim == 2 and rank > 2 else x


def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """The tensor cut along `axis` into parts of nearly one length, the longer ones first.

    Args:
        x: a tensor.
        indices_or_sections: how many parts, or before which positions to cut.
        axis: along which to cut.

    Raises:
        ArgumentError: there are to be fewer than 1 part.
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    length = x.shape[axis]
    if isinstance(indices_or_sections, int):
        if length is None:
            raise UnknownDimension(f"array_split: axis {axis} of {x.spec} is not known yet.")
        if indices_or_sections < 1:
            raise ArgumentError(f"array_split: expected 1 part or more, got {indices_or_sections}.")
        short, longer = divmod(length, indices_or_sections)
        cuts = [i * short + min(i, longer) for i in range(1, indices_or_sections)]
    else:
        # positions as Python's slices take them
        cuts = [slice(int(i), None).indices(length)[0] for i in indices_or_sections]
    pairs = zip([0, *cuts], [*cuts, length], strict=True)
    return [_take_range(x, axis, a, max(a, b)) for a, b in pairs]


def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """The tensor cut along its second axis, or the first of a vector; see `split`."""
    x = as_tensor(x)
    return split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """The tensor cut along its first axis; see `split`."""
    return split(x, indices_or_sections, 0)


def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """The tensor cut along its third axis; see `split`."""
    return split(x, indices_or_sections, 2)


def fliplr(x: Any) -> Tensor:
    """The tensor with its second axis reversed."""
    return flip(x, 1)


def flipud(x: Any) -> Tensor:
    """The tensor with its first axis reversed."""
    return flip(x, 0)


def rot90(array: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """The tensor turned by `k` quarters from the first of two axes to the second.

    Raises:
        ShapeError: there are fewer than two axes, or the two are one.
    """
    x = as_tensor(array)
    if x.ndim < 2 or len(axes) != 2 or len(set(normalize_axes(tuple(axes), x.ndim))) != 2:
        raise ShapeError(f"rot90: expected two axes of a tensor, got axes={axes} and {x.spec}.")
    first, second = axes
    if k % 4 == 2:
        return flip(x, (first, second))
    if k % 4 == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if k % 4 else x


# Channels as blocks of pixels


def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Channels laid out as blocks of pixels: (N, H, W, C b²) -> (N, H b, W b, C).

    Args:
        x: images.
        block_size: b, how many pixels a block is high and wide.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Raises:
        ShapeError: `x` has not four axes, or its channels do not divide by b².

    Source: W. Shi et al. (2016), "Real-time single image and video super-resolution using an
        efficient sub-pixel convolutional neural network", arXiv:1609.05158.
    """
    x, last = _images("depth_to_space", x, data_format)
    channels = x.shape[-1 if last else 1]
    if channels % block_size**2:
        raise ShapeError(
            f"depth_to_space: {channels} channels do not divide by block_size ** 2 = "
            f"{block_size**2}."
        )
    pattern = "n h w (p q c) -> n (h p) (w q) c" if last else "n (c p q) h w -> n c (h p) (w q)"
    return rearrange(x, pattern, p=block_size, q=block_size)


def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Blocks of pixels as channels: (N, H b, W b, C) -> (N, H, W, C b²); see `depth_to_space`.

    Raises:
        ShapeError: `x` has not four axes, or its height or width does not divide by b.
    """
    x, last = _images("space_to_depth", x, data_format)
    height, width = x.shape[1:3] if last else x.shape[2:]
    if height % block_size or width % block_size:
        raise ShapeError(
            f"space_to_depth: {height} x {width} pixels do not divide by block_size={block_size}."
        )
    pattern = "n (h p) (w q) c -> n h w (p q c)" if last else "n c (h p) (w q) -> n (c p q) h w"
    return rearrange(x, pattern, p=block_size, q=block_size)


def _images(name: str, x: Any, data_format: str) -> tuple[Tensor, bool]:
    x = as_tensor(x)
    if data_format not in ("channels_last", "channels_first"):
        raise unknown(f"data_format of {name}", data_format, ["channels_first", "channels_last"])
    if x.ndim != 4:
        raise ShapeError(f"{name}: expected images with four axes, got {x.spec}.")
    return x, data_format == "channels_last"


# Patterns


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """The tensor with its axes ordered, joined and split as a pattern says.

    Args:
        tensor: the tensor.
        pattern: names of its axes, ``->``, and the names in their new order. Names in brackets are
            one axis; ``1`` stands for an axis of length 1, and ``...`` for any others.
        axes_lengths: the lengths of names in brackets that do not follow from the shape.

    Raises:
        ArgumentError: the pattern cannot be read, or does not fit the tensor.

    Example:
        >>> import kerasnb
        >>> kerasnb.ops.rearrange(kerasnb.ops.zeros((2, 6)), "n (h w) -> w n h", w=3).shape
        (3, 2, 2)

    Source: A. Rogozhnikov (2022), "Einops: clear and reliable tensor manipulations with
        Einstein-like notation".
    """
    x = as_tensor(tensor)
    left, right = _sides(pattern)
    left, right = _spelled_out(pattern, left, right, x)
    lengths = dict(axes_lengths)
    for names, length in zip(left, x.shape, strict=True):
        _find_lengths(pattern, names, length, lengths, x)
    before = [name for names in left for name in names]
    after = [name for names in right for name in names]
    if sorted(before) != sorted(after) or len(set(before)) != len(before):
        raise ArgumentError(f"rearrange: {pattern!r} must name each axis once on either side.")
    apart = reshape(x, [lengths[name] for name in before])
    ordered = transpose(apart, [before.index(name) for name in after])
    return reshape(ordered, [size_of(tuple(lengths[n] for n in names)) for names in right])


def _sides(pattern: str) -> list[list[list[str]]]:
    """For each side its axes, each a list of names; an axis of length 1 has none."""
    sides = []
    for side in pattern.split("->"):
        words = re.findall(r"\([^()]*\)|\.\.\.|\w+|\S", side)
        for word in words:
            if not re.fullmatch(r"\([\w\s]*\)|\.\.\.|\w+", word):
                raise ArgumentError(f"rearrange: {pattern!r} cannot be read at {word!r}.")
        names = [word.strip("()").split() for word in words]
        sides.append([[name for name in axis if name != "1"] for axis in names])
    if len(sides) != 2:
        raise ArgumentError(f"rearrange: expected one '->' in {pattern!r}.")
    return sides


def _spelled_out(pattern: str, left: list, right: list, x: Tensor) -> tuple[list, list]:
    """The sides with names for the axes that `...` stands for."""
    dots = left.count(["..."])
    count = x.ndim - (len(left) - dots)
    if dots > 1 or right.count(["..."]) != dots or count < 0 or (not dots and count):
        raise ArgumentError(f"rearrange: {pattern!r} does not fit {x.spec}.")
    names = [[f"...{i}"] for i in range(count)]
    sides = []
    for side in (left, right):
        at = side.index(["..."]) if dots else len(side)
        sides.append(side[:at] + names + side[at + 1 :] if dots else side)
    return sides[0], sides[1]


def _find_lengths(pattern: str, names: list, length: int, lengths: dict, x: Tensor) -> None:
    open_names = [name for name in names if name not in lengths]
    known = math.prod(lengths[name] for name in names if name in lengths)
    if len(open_names) == 1 and known and length is not None and length % known == 0:
        lengths[open_names[0]] = length // known
    elif len(names) == 1 and open_names and length is None:
        lengths[names[0]] = None
    elif open_names or length != known:
        raise ArgumentError(
            f"rearrange: an axis of length {length} of {x.spec} is not ({' '.join(names)}) in "
            f"{pattern!r} with the lengths {lengths}."
        )
