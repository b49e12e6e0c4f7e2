"""`Hashing` and `HashedCrossing`: categories to numbers of bins, without a vocabulary.

Computed on the host; the numbers are TensorFlow's. Imports hashes, host and
numerical_preprocessing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import config, tree
from kerasnb.errors import ArgumentError, DTypeError, ShapeError
from kerasnb.layers.common import attributes, check_whole, label
from kerasnb.layers.hashes import buckets, cross, farmhash64
from kerasnb.layers.host import HostLayer, array_of
from kerasnb.layers.numerical_preprocessing import check_mode, encode, refuse_sparse
from kerasnb.layers.vocabulary import checked_salt
from kerasnb.spec import TensorSpec
from kerasnb.tensor import as_tensor
from kerasnb.text import as_bytes, is_text

__all__ = ["HashedCrossing", "Hashing"]


class Hashing(HostLayer):
    """Puts strings or whole numbers into bins by a hash: the same value always into the same bin.

    Args:
        num_bins: the number of bins; different values may share one.
        mask_value: a value that gets bin 0 for itself.
        salt: two whole numbers, or one, for another hash (SipHash64 instead of FarmHash64).
        output_mode: ``"int"`` for numbers of bins; ``"one_hot"`` for a vector for each value;
            ``"multi_hot"`` and ``"count"`` for one vector for each sample.
        sparse: must not be true: sparse tensors are not supported.

    Shape:
        that of the input, or as for `CategoryEncoding`.

    Example:
        >>> Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).numpy()[:, 0]
        array([1, 0, 1, 1, 2])
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ):
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else config.floatx()
        super().__init__(**kwargs)
        self.num_bins = check_whole(self, "num_bins", num_bins)
        check_mode(self, output_mode, ("int", "one_hot", "multi_hot", "count"))
        refuse_sparse(self, sparse)
        if output_mode == "int" and self.dtype not in ("int32", "int64"):
            raise ArgumentError(
                f"{label(self)}: output_mode='int' needs dtype 'int32' or 'int64', got "
                f"{self.dtype!r}."
            )
        self.mask_value, self.salt = mask_value, checked_salt(self, salt)
        self.output_mode, self.sparse = output_mode, sparse

    def _compute(self, inputs: np.ndarray) -> np.ndarray:
        bins = self.num_bins
        masked = None
        if self.mask_value is not None and bins > 1:
            bins -= 1
            masked = self._masked(inputs)
        found = buckets(_strings(inputs), bins, self.salt).reshape(inputs.shape)
        if masked is not None:
            found = np.where(masked, 0, found + 1)
        return encode(self, as_tensor(found), self.output_mode, self.num_bins, self.dtype).numpy()

    def _masked(self, inputs: np.ndarray) -> np.ndarray:
        if is_text(inputs) != isinstance(self.mask_value, (str, bytes)):
            kind = "strings" if is_text(inputs) else "numbers"
            raise DTypeError(
                f"{label(self)}: mask_value={self.mask_value!r} never is among {kind}; give one "
                "of the kind of the input."
            )
        if not is_text(inputs):
            return inputs == self.mask_value
        (mask,) = as_bytes(np.array([self.mask_value], dtype=object))
        return np.reshape([key == mask for key in as_bytes(inputs)], inputs.shape)

    def _output_spec(self, specs: TensorSpec) -> TensorSpec:
        return self._encoded(specs.shape, self.dtype)

    def _encoded(self, shape: tuple, dtype: str) -> TensorSpec:
        if self.output_mode == "int":
            return TensorSpec(shape, dtype)
        if self.output_mode == "one_hot":
            shape = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape or (1,)
            return TensorSpec((*shape, self.num_bins), dtype)
        return TensorSpec((*shape[:-1], self.num_bins), dtype)

    def get_config(self) -> dict:
        names = ("num_bins", "salt", "mask_value", "output_mode", "sparse")
        return {**super().get_config(), **attributes(self, *names)}


class HashedCrossing(HostLayer):
    """Puts combinations of categories into bins by a hash.

    Args:
        num_bins: the number of bins; different combinations may share one.
        output_mode: ``"int"`` for numbers of bins, ``"one_hot"`` for vectors.
        sparse: must not be true: sparse tensors are not supported.

    Shape:
        two or more inputs ``()``, ``(N,)`` or ``(N, 1)`` -> the same, or vectors.

    Example:
        >>> layer = HashedCrossing(num_bins=5)
        >>> layer((["A", "B", "A"], [101, 101, 102])).numpy()
        array([1, 4, 3])
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        if output_mode == "int" and dtype is None:
            dtype = "int64"
        super().__init__(name=name, dtype=dtype, **kwargs)
        refuse_sparse(self, sparse)
        check_mode(self, output_mode, ("int", "one_hot"))
        self.num_bins = check_whole(self, "num_bins", num_bins)
        self.output_mode, self.sparse = output_mode, sparse

    def _arrays(self, inputs: Any) -> tuple:
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ArgumentError(
                f"{label(self)}: expected a list of two or more inputs, got "
                f"{type(inputs).__name__}."
            )
        return tuple(array_of(value, label(self)) for value in inputs)

    def call(self, inputs: Sequence) -> Any:
        return super().call(inputs)

    def _compute(self, inputs: tuple) -> np.ndarray:
        self._check_shapes([value.shape for value in inputs])
        columns = []
        for value in inputs:
            if is_text(value):
                columns.append(farmhash64(as_bytes(value)))
            elif value.dtype.kind in "iu":
                columns.append(value.astype("int64").view("uint64").ravel())
            else:
                raise DTypeError(
                    f"{label(self)}: expected strings or whole numbers, got {value.dtype.name}. "
                    "Use Discretization for numbers with fractions."
                )
        found = cross(columns, self.num_bins).reshape(inputs[0].shape)
        return encode(self, as_tensor(found), self.output_mode, self.num_bins, self.dtype).numpy()

    def _check_shapes(self, shapes: Sequence[tuple]) -> None:
        first = tuple(shapes[0])
        if len(first) > 2 or (len(first) == 2 and first[-1] != 1):
            raise ShapeError(
                f"{label(self)}: expected inputs of shape (), (N,) or (N, 1), got {first}."
            )
        for other in shapes[1:]:
            if tuple(other) != first:
                raise ShapeError(
                    f"{label(self)}: expected inputs of one shape, got {first} and {tuple(other)}."
                )

    def _output_spec(self, specs: Any) -> TensorSpec:
        shapes = [spec.shape for spec in tree.flatten(specs)]
        self._check_shapes(shapes)
        return Hashing._encoded(self, shapes[0], self.dtype)

    def get_config(self) -> dict:
        return attributes(self, "num_bins", "output_mode", "sparse", "name", "dtype")


def _strings(values: np.ndarray) -> list[bytes]:
    """What is hashed of each value: text as it is, of numbers the digits of the whole part."""
    if is_text(values):
        return as_bytes(values)
    if values.dtype.kind == "f":
        values = values.astype("int64")
    return [str(value).encode() for value in values.ravel().tolist()]
