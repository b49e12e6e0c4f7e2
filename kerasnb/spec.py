"""Shapes and data types without data: `TensorSpec`, broadcasting, promotion.

Imports errors only. A dimension is an int, or None where it is not known yet (the batch of a model
under construction).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import ClassVar

from kerasnb.errors import DTypeError, ShapeError

__all__ = [
    "DTYPES",
    "FLOATS",
    "TensorSpec",
    "broadcast_shapes",
    "check_dtype",
    "is_float",
    "is_integer",
    "normalize_axes",
    "normalize_axis",
    "promote",
    "size_of",
]

FLOATS = ("float16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
DTYPES = ("bool", *SIGNED, *UNSIGNED, *FLOATS)
_ABBREVIATIONS = {"bool": "bool"} | {
    name: name[0] + name.lstrip("abcdefghijklmnopqrstuvwxyz") for name in DTYPES if name != "bool"
}
_TEXT = "string"  # of inputs that are text: a spec may say so, but no op computes with it

Shape = tuple  # of int or None


class TensorSpec:
    """The shape and data type of a tensor: ``f32[32,10]``.

    Interned: equal specs are one object, so that they compare and hash at the cost of a pointer.
    """

    __slots__ = ("dtype", "shape")
    _interned: ClassVar[dict] = {}

    shape: Shape
    dtype: str

    def __new__(cls, shape: Shape, dtype: str) -> TensorSpec:
        key = (shape, dtype)
        spec = cls._interned.get(key)
        if spec is None:
            spec = object.__new__(cls)
            object.__setattr__(spec, "shape", tuple(shape))
            object.__setattr__(spec, "dtype", dtype if dtype == _TEXT else check_dtype(dtype))
            spec = cls._interned.setdefault(key, spec)
        return spec

    def __setattr__(self, name, value):
        raise AttributeError(
            f"A TensorSpec cannot change; make a new one instead of setting {name}."
        )

    def __reduce__(self):
        return TensorSpec, (self.shape, self.dtype)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def nbytes(self) -> int | None:
        """The size of the data in bytes; None while a dimension is not known."""
        size = size_of(self.shape)
        bits = self.dtype.lstrip("abcdefghijklmnopqrstuvwxyz") or "8"  # a bool takes a byte
        return None if size is None else size * int(bits) // 8

    def with_shape(self, shape: Shape) -> TensorSpec:
        """The same data type with another shape."""
        return TensorSpec(tuple(shape), self.dtype)

    def with_dtype(self, dtype: str) -> TensorSpec:
        """The same shape with another data type."""
        return TensorSpec(self.shape, dtype)

    def __repr__(self) -> str:
        dims = ",".join("?" if d is None else str(d) for d in self.shape)
        return f"{_ABBREVIATIONS.get(self.dtype, _TEXT)}[{dims}]"


def check_dtype(dtype: object) -> str:
    """The name of a data type given as a string or NumPy type.

    Raises:
        DTypeError: it is none of `DTYPES`.
    """
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if name is None:
        name = {bool: "bool", int: "int32", float: "float32"}.get(dtype) or getattr(
            dtype, "__name__", str(dtype)
        )
    if name not in _ABBREVIATIONS:
        raise DTypeError(f"Unknown dtype {name!r}. Known: {', '.join(DTYPES)}.")
    return name


def is_float(dtype: str) -> bool:
    """Whether `dtype` is a floating-point type (the types that have gradients)."""
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    """Whether `dtype` is a signed or unsigned integer type."""
    return dtype in SIGNED or dtype in UNSIGNED


@cache
def promote(*dtypes: str) -> str:
    """The narrowest data type that holds a mix of `dtypes`, as Keras promotes.

    Floats win over integers without widening: int64 with float32 is float32. A signed integer with
    an unsigned one of the same or greater width takes the next wider signed type.
    """
    kinds = set(dtypes)
    floats = [d for d in FLOATS if d in kinds]
    if floats:
        return floats[-1]
    signed = [d for d in SIGNED if d in kinds]
    unsigned = [d for d in UNSIGNED if d in kinds]
    if signed and unsigned:
        rank = max(SIGNED.index(signed[-1]), UNSIGNED.index(unsigned[-1]) + 1)
        return SIGNED[rank] if rank < len(SIGNED) else "float32"
    return (signed or unsigned or ["bool"])[-1]


@lru_cache(maxsize=4096)
def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that `shapes` broadcast to, by NumPy's rules.

    An unknown dimension against a known one other than 1 is taken to be that one.

    Raises:
        ShapeError: two dimensions differ and neither is 1.
    """
    rank = max(map(len, shapes))
    result = []
    for axis in range(-rank, 0):
        dims = {s[axis] for s in shapes if len(s) >= -axis} - {1}
        known = dims - {None}
        if len(known) > 1:
            raise ShapeError(f"Shapes {' and '.join(map(str, shapes))} do not broadcast together.")
        result.append(known.pop() if known else (None if dims else 1))
    return tuple(result)


def normalize_axis(axis: int, ndim: int, name: str = "axis") -> int:
    """`axis` counted from the front.

    Raises:
        ShapeError: there is no such axis.
    """
    if not -ndim <= axis < ndim:
        raise ShapeError(f"{name}={axis} is out of range for a tensor with {ndim} dimensions.")
    return axis % ndim


def normalize_axes(axis: int | tuple | list | None, ndim: int) -> tuple[int, ...]:
    """`axis` (None means all) as a sorted tuple of axes counted from the front.

    Raises:
        ShapeError: an axis does not exist, or is named twice.
    """
    return _axes(tuple(axis) if isinstance(axis, list) else axis, ndim)


@lru_cache(maxsize=4096)
def _axes(axis: int | tuple | None, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    if not isinstance(axis, tuple):
        return (normalize_axis(int(axis), ndim),)
    axes = tuple(sorted(normalize_axis(int(a), ndim) for a in axis))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"axis={axis} names an axis twice.")
    return axes


def size_of(shape: Shape) -> int | None:
    """The number of elements of `shape`, None where a dimension is unknown."""
    size = 1
    for dim in shape:
        if dim is None:
            return None
        size *= dim
    return size
