"""`Input`, where a functional model begins. Imports base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config
from kerasnb.errors import ArgumentError
from kerasnb.layers.base import Layer
from kerasnb.spec import TensorSpec
from kerasnb.tensor import Tensor, placeholder

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The layer behind an `Input`: gives the data as it comes.

    Args:
        shape: of one sample, without the batch; None for a dimension that varies.
        batch_size: the number of samples, if it is fixed.
        dtype: `floatx` if not given; ``"string"`` for text.
        batch_shape: the whole shape instead of `shape` and `batch_size`.
        name: of the input.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        optional: bool = False,
        name: str | None = None,
    ):
        self._is_text = dtype == "string"
        super().__init__(dtype=config.floatx() if dtype in (None, "string") else dtype, name=name)
        if sparse or ragged or optional:
            raise ArgumentError("Input: sparse, ragged and optional are not supported.")
        if (shape is None) == (batch_shape is None):
            raise ArgumentError("Input: give shape (of one sample) or batch_shape, and not both.")
        self.batch_shape = tuple(batch_shape if shape is None else (batch_size, *shape))
        for dim in self.batch_shape:
            if dim is not None and (not isinstance(dim, int) or dim < 0):
                raise ArgumentError(
                    f"Input: expected whole numbers or None, got {self.batch_shape}."
                )
        self.built = True
        self._tensor = placeholder(TensorSpec(self.batch_shape, self.dtype), self.name, level=0)
        self._tensor.node.attrs["layer"] = self

    @property
    def dtype(self) -> str:
        """The type of the data."""
        return "string" if self._is_text else super().dtype

    @property
    def input(self) -> Tensor:
        """The symbolic tensor."""
        return self._tensor

    @property
    def output(self) -> Tensor:
        """The symbolic tensor."""
        return self._tensor

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": False,
        }


def Input(
    shape: Sequence[int | None] | int | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    sparse: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> Tensor:
    """A symbolic tensor that stands for the data a model will be given.

    Args:
        shape: of one sample, without the batch; None for a dimension that varies.
        batch_size: the number of samples, if it is fixed.
        dtype: `floatx` if not given; ``"string"`` for text.
        sparse: must not be true: sparse tensors are not supported.
        batch_shape: the whole shape instead of `shape` and `batch_size`.
        name: of the input; dictionaries of data are matched by it.
        tensor: not supported.
        optional: not supported.

    Raises:
        ArgumentError: no shape, two shapes, or an argument that is not supported.
    """
    if sparse or tensor is not None or optional:
        raise ArgumentError("Input: sparse, tensor and optional are not supported.")
    if (shape is None) == (batch_shape is None):
        raise ArgumentError("Input: give shape (of one sample) or batch_shape, and not both.")
    if shape is not None:
        if isinstance(shape, int):
            raise ArgumentError(f"Input: expected a tuple such as ({shape},), got {shape}.")
        batch_shape = (batch_size, *shape)
    for dim in batch_shape:
        if dim is not None and (not isinstance(dim, int) or dim < 0):
            raise ArgumentError(f"Input: expected whole numbers or None, got {tuple(batch_shape)}.")
    return InputLayer(batch_shape=batch_shape, dtype=dtype, name=name).output
