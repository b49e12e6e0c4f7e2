"""What layers that slide a window over their input share, and how they name their errors.

Imports base and ops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kerasnb import activations, constraints, initializers, regularizers
from kerasnb.errors import ShapeError, UnknownDimension, unknown
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_rank, label
from kerasnb.ops.reshaping import reshape
from kerasnb.ops.window import channels_first, per_axis
from kerasnb.tensor import Tensor

__all__ = ["Size", "Windowed", "axis_names", "named_errors"]

Size = int | Sequence[int]


@contextmanager
def named_errors(layer: Layer) -> Iterator[None]:
    """Put the layer's name in place of the op's at the head of a `ShapeError`."""
    try:
        yield
    except UnknownDimension:
        raise
    except ShapeError as error:
        head, _, rest = str(error).partition(": ")
        text = rest if head.isidentifier() else str(error)
        raise ShapeError(f"{label(layer)}: {text}") from None


def axis_names(rank: int, first: bool) -> str:
    """What the axes of an input are called in errors."""
    spatial = ("steps", "height, width", "depth, height, width")[rank - 1]
    return f"(N, channels, {spatial})" if first else f"(N, {spatial}, channels)"


class Windowed(Layer):
    """What convolutional layers share: the window, the bias and the activation.

    Args:
        kernel_size: the length of the window, once or per spatial axis.
        strides: how far it moves, once or per spatial axis.
        padding: ``"valid"``, ``"same"``, and in `Conv1D` ``"causal"``: no output sees later inputs.
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window, once or per spatial axis.
        activation: applied to the result.
        use_bias: whether a bias per filter is added.
        bias_initializer: of the bias.
        bias_regularizer: of the bias.
        bias_constraint: of the bias.
        kwargs: those of `Layer`.
    """

    rank: int
    paddings: tuple[str, ...] = ("same", "valid")

    def __init__(
        self,
        kernel_size: Size,
        strides: Size,
        padding: str,
        data_format: str | None,
        dilation_rate: Size,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        name = label(self)
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, self.rank)
        self.strides = per_axis(name, "strides", strides, self.rank)
        self.dilation_rate = per_axis(name, "dilation_rate", dilation_rate, self.rank)
        self.channels_first = channels_first(name, data_format)
        self.data_format = "channels_first" if self.channels_first else "channels_last"
        self.padding = padding.lower() if isinstance(padding, str) else padding
        if self.padding not in self.paddings:
            raise unknown(f"padding of {name}", padding, self.paddings)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.channels: int | None = None
        self.bias = None

    def _check_rank(self, shape: tuple) -> None:
        check_rank(self, shape, self.rank + 2, axis_names(self.rank, self.channels_first))

    def _learn_channels(self, shape: tuple) -> int:
        """The number of channels of an input of this shape, kept for later calls."""
        self._check_rank(shape)
        self.channels = shape[1 if self.channels_first else -1]
        if self.channels is None:
            raise ShapeError(
                f"{label(self)}: the number of channels must be known, got input shape {shape}."
            )
        return self.channels

    def _check(self, inputs: Tensor) -> None:
        self._check_rank(inputs.shape)
        axis = 1 if self.channels_first else -1
        if inputs.shape[axis] not in (None, self.channels):
            raise ShapeError(
                f"{label(self)}: expected {self.channels} channels on axis {axis}, got input "
                f"{inputs.shape}. Change the preceding layer, or make a new layer."
            )

    def _add_bias(self, filters: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                (filters,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _finish(self, outputs: Tensor) -> Tensor:
        if self.use_bias:
            shape = (1, -1, *(1,) * self.rank)  # (F,) -> (1, F, 1, ...)
            bias = reshape(self.bias, shape) if self.channels_first else self.bias
            outputs = outputs + bias
        return self.activation(outputs)

    def get_config(self) -> dict:
        names = (
            "kernel_size",
            "strides",
            "padding",
            "data_format",
            "dilation_rate",
            "activation",
            "use_bias",
            "bias_initializer",
            "bias_regularizer",
            "activity_regularizer",
            "bias_constraint",
        )
        return {**super().get_config(), **attributes(self, *names)}
