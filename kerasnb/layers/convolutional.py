"""Convolutional layers in one, two and three dimensions. Imports windowed and ops.

One class for each kind does the mathematics, and the public ones fix the number of spatial axes.
"""

from __future__ import annotations

from typing import Any

from kerasnb import constraints, initializers, regularizers
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.common import attributes, check_whole, label
from kerasnb.layers.windowed import Size, Windowed, named_errors
from kerasnb.ops.convolution import check_output_padding, conv, conv_transpose
from kerasnb.tensor import Tensor

__all__ = [
    "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose",
    "Convolution1D", "Convolution1DTranspose", "Convolution2D", "Convolution2DTranspose",
    "Convolution3D", "Convolution3DTranspose",
]  # fmt: skip


class _WithKernel(Windowed):
    """A `Windowed` with a number of filters and a kernel."""

    def __init__(
        self, filters, kernel_initializer, kernel_regularizer, kernel_constraint, *args, **kwargs
    ):
        super().__init__(*args, **kwargs)
        self.filters = check_whole(self, "filters", filters)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def _add_kernel(self, shape: tuple) -> None:
        self.kernel = self.add_weight(
            shape,
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )

    def get_config(self) -> dict:
        names = (
            "filters",
            "kernel_initializer",
            "kernel_regularizer",
            "kernel_constraint",
        )
        return {**super().get_config(), **attributes(self, *names)}


class _Conv(_WithKernel):
    """The layers that convolve."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_initializer, kernel_regularizer, kernel_constraint,
            kernel_size, strides, padding, data_format, dilation_rate, activation,
            use_bias, bias_initializer, bias_regularizer, bias_constraint,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.groups = check_whole(self, "groups", groups)
        if self.filters % self.groups:
            raise ArgumentError(
                f"{label(self)}: filters={filters} must be a multiple of groups={groups}."
            )

    def build(self, input_shape: tuple) -> None:
        channels = self._learn_channels(input_shape)
        if channels % self.groups:
            raise ShapeError(
                f"{label(self)}: the {channels} channels of input {input_shape} must be a multiple "
                f"of groups={self.groups}."
            )
        self._add_kernel((*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs)
        padding = self.padding
        if padding == "causal":  # all zeros before the first step
            padding = tuple(
                ((k - 1) * d, 0) for k, d in zip(self.kernel_size, self.dilation_rate, strict=True)
            )
        with named_errors(self):
            outputs = conv(
                inputs, self.kernel, self.strides, padding, self.data_format, self.dilation_rate
            )
        return self._finish(outputs)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "groups")}


class Conv1D(_Conv):
    """The convolution of sequences with a learned kernel, plus bias, through an activation.

    Args:
        filters: the number of output channels.
        kernel_size: the length of the window.
        strides: how far the window moves.
        padding: ``"valid"`` (none), ``"same"`` (as long as the input, over the stride) or
            ``"causal"`` (likewise, and no output sees a later input).
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window.
        groups: into how many groups channels and filters are divided, which do not mix.
        activation: applied to the result.
        use_bias: whether a bias per filter is added.
        kernel_initializer: of the kernel, shape (window, channels / groups, filters).
        bias_initializer: of the bias, shape (filters,).
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: applied to the kernel after each update.
        bias_constraint: applied to the bias after each update.
        kwargs: those of `Layer`.

    Shape:
        ``(N, steps, channels) -> (N, positions, filters)``, or channels second.

    Raises:
        ArgumentError: an argument is none of those above.
        ShapeError: the input has another rank, number of channels, or is smaller than the window.

    Example:
        >>> import kerasnb
        >>> kerasnb.layers.Conv1D(8, 3, padding="causal")(kerasnb.ops.ones((2, 10, 4))).shape
        (2, 10, 8)
    """

    rank = 1
    paddings = ("causal", "same", "valid")


class Conv2D(_Conv):
    """The convolution of images with a learned kernel, plus bias, through an activation.

    Args:
        filters: the number of output channels.
        kernel_size: the height and width of the window; one number for both.
        strides: how far the window moves; one number for both axes.
        padding: ``"valid"`` (none) or ``"same"`` (as large as the input, over the stride).
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window; one number for both axes.
        groups: into how many groups channels and filters are divided, which do not mix.
        activation: applied to the result.
        use_bias: whether a bias per filter is added.
        kernel_initializer: of the kernel, shape (height, width, channels / groups, filters).
        bias_initializer: of the bias, shape (filters,).
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: applied to the kernel after each update.
        bias_constraint: applied to the bias after each update.
        kwargs: those of `Layer`.

    Shape:
        ``(N, height, width, channels) -> (N, rows, columns, filters)``, or channels second.

    Raises:
        ArgumentError: an argument is none of those above.
        ShapeError: the input has another rank, number of channels, or is smaller than the window.

    Example:
        >>> import kerasnb
        >>> kerasnb.layers.Conv2D(8, 3)(kerasnb.ops.ones((2, 28, 28, 1))).shape
        (2, 26, 26, 8)
    """

    rank = 2


class Conv3D(_Conv):
    """The convolution of volumes with a learned kernel, plus bias, through an activation.

    Args:
        filters: the number of output channels; see `Conv2D`, as for all other arguments, of which
            those per axis take one number or three.

    Shape:
        ``(N, depth, height, width, channels) -> (N, *positions, filters)``, or channels second.
    """

    rank = 3


class _ConvTranspose(_WithKernel):
    """The layers that convolve the other way round."""

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        output_padding: Size | None = None,
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_initializer, kernel_regularizer, kernel_constraint,
            kernel_size, strides, padding, data_format, dilation_rate, activation,
            use_bias, bias_initializer, bias_regularizer, bias_constraint,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.output_padding = check_output_padding(label(self), output_padding, self.strides)

    def build(self, input_shape: tuple) -> None:
        channels = self._learn_channels(input_shape)
        self._add_kernel((*self.kernel_size, self.filters, channels))
        self._add_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs)
        with named_errors(self):
            outputs = conv_transpose(
                inputs, self.kernel, self.strides, self.padding, self.output_padding,
                self.data_format, self.dilation_rate,
            )  # fmt: skip
        return self._finish(outputs)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "output_padding")}


class Conv1DTranspose(_ConvTranspose):
    """The transposed convolution of sequences: each step adds its multiple of the kernel.

    Args:
        filters: the number of output channels; see `Conv2DTranspose`, as for all other arguments.

    Shape:
        ``(N, steps, channels) -> (N, positions, filters)``, or channels second.
    """

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """The transposed convolution of images: each pixel adds its multiple of the kernel.

    Args:
        filters: the number of output channels.
        kernel_size: the height and width of the window; one number for both.
        strides: how far apart neighbours of the input are set down; one number for both axes.
        padding: ``"valid"``, or ``"same"`` for outputs as large as the input times the stride.
        output_padding: how many elements to add at the end of each axis, fewer than the stride.

    The other arguments are those of `Conv2D`. Kernel shape: (height, width, filters, channels).

    Shape:
        ``(N, height, width, channels) -> (N, rows, columns, filters)``, or channels second.
    """

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """The transposed convolution of volumes: each element adds its multiple of the kernel.

    Args:
        filters: the number of output channels; see `Conv2DTranspose`, as for all other arguments.

    Shape:
        ``(N, depth, height, width, channels) -> (N, *positions, filters)``, or channels second.
    """

    rank = 3


# The other names under which Keras has them
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
