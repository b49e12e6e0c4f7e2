"""Layers that convolve each channel by itself. Imports windowed and ops."""

from __future__ import annotations

from typing import Any

from kerasnb import constraints, initializers, regularizers
from kerasnb.layers.common import attributes, check_whole
from kerasnb.layers.windowed import Size, Windowed, named_errors
from kerasnb.ops.convolution import depthwise_conv, separable_conv
from kerasnb.tensor import Tensor

__all__ = [
    "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
    "SeparableConvolution1D", "SeparableConvolution2D",
]  # fmt: skip


class _WithDepthwiseKernel(Windowed):
    """A `Windowed` with a kernel for each channel by itself."""

    def __init__(self, depth_multiplier, initializer, regularizer, constraint, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.depth_multiplier = check_whole(self, "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = initializers.get(initializer)
        self.depthwise_regularizer = regularizers.get(regularizer)
        self.depthwise_constraint = constraints.get(constraint)

    def _add_depthwise_kernel(self, channels: int, name: str) -> Any:
        return self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name=name,
        )

    def get_config(self) -> dict:
        names = (
            "depth_multiplier",
            "depthwise_initializer",
            "depthwise_regularizer",
            "depthwise_constraint",
        )
        return {**super().get_config(), **attributes(self, *names)}


class _DepthwiseConv(_WithDepthwiseKernel):
    """The layers that convolve each channel by itself."""

    def __init__(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint,
            kernel_size, strides, padding, data_format, dilation_rate, activation,
            use_bias, bias_initializer, bias_regularizer, bias_constraint,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    def build(self, input_shape: tuple) -> None:
        channels = self._learn_channels(input_shape)
        self.kernel = self._add_depthwise_kernel(channels, "kernel")
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs)
        with named_errors(self):
            outputs = depthwise_conv(
                inputs, self.kernel, self.strides, self.padding, self.data_format,
                self.dilation_rate,
            )  # fmt: skip
        return self._finish(outputs)


class DepthwiseConv1D(_DepthwiseConv):
    """The convolution of each channel of sequences with kernels of its own.

    Args:
        kernel_size: the length of the window; see `DepthwiseConv2D`, as for all other arguments.

    Shape:
        ``(N, steps, channels) -> (N, positions, channels * depth_multiplier)``, or channels second.
    """

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """The convolution of each channel of images with kernels of its own.

    Args:
        kernel_size: the height and width of the window; one number for both.
        strides: how far the window moves; one number for both axes.
        padding: ``"valid"`` or ``"same"``.
        depth_multiplier: how many output channels come of each input channel.

    The other arguments are those of `Conv2D`, with ``depthwise_`` in place of ``kernel_``.

    Shape:
        ``(N, height, width, channels) -> (N, rows, columns, channels * depth_multiplier)``, or
        with the channels second.
    """

    rank = 2


class _SeparableConv(_WithDepthwiseKernel):
    """The layers that convolve each channel by itself and then mix the channels."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint,
            kernel_size, strides, padding, data_format, dilation_rate, activation,
            use_bias, bias_initializer, bias_regularizer, bias_constraint,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.filters = check_whole(self, "filters", filters)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: tuple) -> None:
        channels = self._learn_channels(input_shape)
        self.depthwise_kernel = self._add_depthwise_kernel(channels, "depthwise_kernel")
        self.pointwise_kernel = self.add_weight(
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
            name="pointwise_kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs)
        with named_errors(self):
            outputs = separable_conv(
                inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, self.padding,
                self.data_format, self.dilation_rate,
            )  # fmt: skip
        return self._finish(outputs)

    def get_config(self) -> dict:
        names = (
            "filters",
            "pointwise_initializer",
            "pointwise_regularizer",
            "pointwise_constraint",
        )
        return {**super().get_config(), **attributes(self, *names)}


class SeparableConv1D(_SeparableConv):
    """The convolution of each channel of sequences by itself, then one that mixes the channels.

    Args:
        filters: the number of output channels; see `SeparableConv2D`, as for all other arguments.

    Shape:
        ``(N, steps, channels) -> (N, positions, filters)``, or channels second.
    """

    rank = 1


class SeparableConv2D(_SeparableConv):
    """The convolution of each channel of images by itself, then one that mixes the channels.

    Args:
        filters: the number of output channels.
        kernel_size: the height and width of the window; one number for both.
        strides: how far the window moves; one number for both axes.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window; one number for both axes.
        depth_multiplier: how many channels the first convolution makes of each.

    The other arguments are those of `Conv2D`, with ``depthwise_`` for the first kernel and
    ``pointwise_`` for the second in place of ``kernel_``.

    Shape:
        ``(N, height, width, channels) -> (N, rows, columns, filters)``, or channels second.
    """

    rank = 2


# The other names under which Keras has them
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
