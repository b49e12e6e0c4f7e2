"""Running results along an axis, in as many steps as the length has binary digits. Imports
reshaping.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb import tree
from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension
from kerasnb.ops.elementwise import cast, multiply
from kerasnb.ops.reshaping import _take_range, concatenate, flip, ravel
from kerasnb.spec import normalize_axis
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["associative_scan", "cumprod"]


def associative_scan(f: Callable, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """What `f` makes of the first element, the first two, the first three and so on.

    Args:
        f: an associative function of two structures like `elems`, that works on many elements at
            once.
        elems: a tensor, or a nested structure of tensors of one length along `axis`.
        reverse: whether to begin at the end.
        axis: along which to walk.

    Returns:
        A structure like `elems`.

    Raises:
        ArgumentError: `f` is no function.
        ShapeError: the lengths along `axis` differ.
        UnknownDimension: the length is not known yet.

    Source: W. D. Hillis and G. L. Steele (1986), "Data parallel algorithms",
        doi:10.1145/7902.7903.

    Example:
        >>> import kerasnb
        >>> sums = associative_scan(kerasnb.ops.add, kerasnb.ops.arange(5))
        >>> sums.numpy().tolist()
        [0, 1, 3, 6, 10]
    """
    if not callable(f):
        raise ArgumentError(f"associative_scan: expected a function, got {type(f).__name__}.")
    elems = tree.map_structure(as_tensor, elems)
    leaves = tree.flatten(elems)
    lengths = {t.shape[normalize_axis(axis, t.ndim)] for t in leaves}
    if len(lengths) != 1:
        raise ShapeError(
            f"associative_scan: expected one length along axis {axis}, got {sorted(lengths)}."
        )
    (length,) = lengths
    if length is None:
        raise UnknownDimension(f"associative_scan: the length of axis {axis} is not known yet.")

    def part(start: int, stop: int) -> Any:
        return tree.map_structure(
            lambda t: _take_range(t, normalize_axis(axis, t.ndim), start, stop), elems
        )

    def turned(structure: Any) -> Any:
        return tree.map_structure(lambda t: flip(t, axis), structure) if reverse else structure

    elems, step = turned(elems), 1
    while step < length:  # each element knows of the `step` elements up to it
        later = f(part(0, length - step), part(step, length))
        elems = tree.map_structure(
            lambda a, b: concatenate([a, b], axis),
            part(0, step),
            tree.pack_as(elems, tree.flatten(later)),
        )
        step *= 2
    return turned(elems)


def cumprod(x: Any, axis: int | None = None, dtype: str | None = None) -> Tensor:
    """The running product along `axis` (of the flattened tensor if None)."""
    x = as_tensor(x)
    if dtype is not None:
        x = cast(x, dtype)
    elif x.dtype == "bool":
        x = cast(x, "int32")
    if axis is None:
        x, axis = ravel(x), 0
    return associative_scan(multiply, x, axis=axis)
