"""Pooling layers: the largest element or the mean of windows, or of all. Imports windowed, ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb import ops
from kerasnb.errors import unknown
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_rank, label
from kerasnb.layers.windowed import Size, axis_names, named_errors
from kerasnb.ops.pool import average_pool, max_pool
from kerasnb.ops.reduce import max as reduce_max
from kerasnb.ops.reduce import mean
from kerasnb.ops.window import channels_first, per_axis
from kerasnb.tensor import Tensor

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D",
    "AvgPool3D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
    "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D", "GlobalMaxPool1D", "GlobalMaxPool2D",
    "GlobalMaxPool3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D",
    "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
]  # fmt: skip


class _Pooling(Layer):
    """The layers that pool windows; `pool` is the op."""

    rank: int
    pool: Callable

    def __init__(
        self,
        pool_size: Size,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        who = label(self)
        self.pool_size = per_axis(who, "pool_size", pool_size, self.rank)
        self.strides = (
            self.pool_size if strides is None else per_axis(who, "strides", strides, self.rank)
        )
        self.padding = padding.lower() if isinstance(padding, str) else padding
        if self.padding not in ("same", "valid"):
            raise unknown(f"padding of {who}", padding, ("same", "valid"))
        self.channels_first = channels_first(who, data_format)
        self.data_format = "channels_first" if self.channels_first else "channels_last"

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, self.rank + 2, axis_names(self.rank, self.channels_first))
        with named_errors(self):
            return self.pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def get_config(self) -> dict:
        names = (
            "pool_size",
            "padding",
            "strides",
            "data_format",
        )
        return {**super().get_config(), **attributes(self, *names)}


class _MaxPooling(_Pooling):
    """The largest element of each window."""

    pool = staticmethod(max_pool)

    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling1D(_MaxPooling):
    """The largest element of each window of sequences, per channel.

    Args:
        pool_size: the length of the window.
        strides: how far the window moves; `pool_size` if None.
        padding: ``"valid"`` (only whole windows) or ``"same"`` (what lies outside is left out).
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        name: of the layer.
        kwargs: those of `Layer`.

    Shape:
        ``(N, steps, channels) -> (N, positions, channels)``, or with the channels second.

    Raises:
        ArgumentError: an argument is none of those above.
        ShapeError: the input has another rank, or is smaller than the window.
    """

    rank = 1


class MaxPooling2D(_MaxPooling):
    """The largest element of each window of images, per channel.

    Args:
        pool_size: the height and width of the window; one number for both.
        strides: how far the window moves, one number for both axes; `pool_size` if None.
        padding: ``"valid"`` (only whole windows) or ``"same"`` (what lies outside is left out).
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        name: of the layer.
        kwargs: those of `Layer`.

    Shape:
        ``(N, height, width, channels) -> (N, rows, columns, channels)``, or channels second.

    Raises:
        ArgumentError: an argument is none of those above.
        ShapeError: the input has another rank, or is smaller than the window.

    Example:
        >>> import kerasnb
        >>> kerasnb.layers.MaxPooling2D()(kerasnb.ops.ones((2, 28, 28, 8))).shape
        (2, 14, 14, 8)
    """

    rank = 2


class MaxPooling3D(_MaxPooling):
    """The largest element of each window of volumes, per channel.

    Args:
        pool_size: the lengths of the window; see `MaxPooling2D`, as for all other arguments.

    Shape:
        ``(N, depth, height, width, channels) -> (N, *positions, channels)``, or channels second.
    """

    rank = 3


class _AveragePooling(_Pooling):
    """The mean of each window."""

    pool = staticmethod(average_pool)


class AveragePooling1D(_AveragePooling):
    """The mean of each window of sequences, per channel.

    Args:
        pool_size: the length of the window; see `MaxPooling1D`, as for all other arguments. With
            ``padding="same"`` the mean is over what lies inside.

    Shape:
        ``(N, steps, channels) -> (N, positions, channels)``, or with the channels second.
    """

    rank = 1


class AveragePooling2D(_AveragePooling):
    """The mean of each window of images, per channel.

    Args:
        pool_size: the height and width of the window; see `MaxPooling2D`, as for all other
            arguments. With ``padding="same"`` the mean is over what lies inside.

    Shape:
        ``(N, height, width, channels) -> (N, rows, columns, channels)``, or channels second.
    """

    rank = 2


class AveragePooling3D(_AveragePooling):
    """The mean of each window of volumes, per channel.

    Args:
        pool_size: the lengths of the window; see `AveragePooling2D`, as for all other arguments.

    Shape:
        ``(N, depth, height, width, channels) -> (N, *positions, channels)``, or channels second.
    """

    rank = 3


class _GlobalPooling(Layer):
    """The layers that pool all positions; `pool` is the reduction."""

    rank: int
    pool: Callable

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.channels_first = channels_first(label(self), data_format)
        self.data_format = "channels_first" if self.channels_first else "channels_last"
        self.keepdims = keepdims

    def call(self, inputs: Tensor) -> Tensor:
        check_rank(self, inputs.shape, self.rank + 2, axis_names(self.rank, self.channels_first))
        first = 2 if self.channels_first else 1
        with named_errors(self):
            return self.pool(inputs, tuple(range(first, first + self.rank)), self.keepdims)

    def get_config(self) -> dict:
        names = (
            "data_format",
            "keepdims",
        )
        return {**super().get_config(), **attributes(self, *names)}


class _GlobalMaxPooling(_GlobalPooling):
    """The largest element of all positions."""

    pool = staticmethod(reduce_max)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest element of each channel of sequences.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        keepdims: keep the other axes, with length 1.
        kwargs: those of `Layer`.

    Shape:
        ``(N, steps, channels) -> (N, channels)``, or with the channels second.
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest element of each channel of images.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        keepdims: keep the other axes, with length 1.
        kwargs: those of `Layer`.

    Shape:
        ``(N, height, width, channels) -> (N, channels)``, or with the channels second.
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest element of each channel of volumes.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        keepdims: keep the other axes, with length 1.
        kwargs: those of `Layer`.

    Shape:
        ``(N, depth, height, width, channels) -> (N, channels)``, or with the channels second.
    """

    rank = 3


class _GlobalAveragePooling(_GlobalPooling):
    """The mean of all positions."""

    pool = staticmethod(mean)


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of each channel of sequences.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        keepdims: keep the other axes, with length 1.
        kwargs: those of `Layer`.

    Shape:
        ``(N, steps, channels) -> (N, channels)``, or with the channels second.
    """

    rank = 1

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The mean of each channel.

        Args:
            inputs: sequences.
            mask: ``(N, steps)``, true where a step counts.
        """
        if mask is None:
            return super().call(inputs)
        check_rank(self, inputs.shape, 3, axis_names(1, self.channels_first))
        # (N, T) -> (N, T, 1), or (N, 1, T) with the channels second
        counts = ops.expand_dims(ops.cast(mask, "bool"), 1 if self.channels_first else 2)
        steps = 2 if self.channels_first else 1
        total = ops.sum(ops.where(counts, inputs, 0.0), steps, self.keepdims)
        return total / ops.sum(ops.cast(counts, inputs.dtype), steps, self.keepdims)

    def compute_mask(self, inputs: Tensor, mask: Any = None) -> None:
        """None: no steps are left."""


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel of images.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        keepdims: keep the other axes, with length 1.
        kwargs: those of `Layer`.

    Shape:
        ``(N, height, width, channels) -> (N, channels)``, or with the channels second.
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of each channel of volumes.

    Args:
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        keepdims: keep the other axes, with length 1.
        kwargs: those of `Layer`.

    Shape:
        ``(N, depth, height, width, channels) -> (N, channels)``, or with the channels second.
    """

    rank = 3


# The other names under which Keras has them
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
