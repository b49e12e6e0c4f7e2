"""Recurrent layers over images: `ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`.

An `LSTM` whose matrix products are convolutions. Imports recurrent, windowed and ops.
"""

from __future__ import annotations

from typing import Any

from kerasnb import activations, constraints, initializers, ops, random, regularizers
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.common import attributes, check_between, check_rank, check_whole, label
from kerasnb.layers.recurrent import WithCell, given
from kerasnb.layers.recurrent_cells import SplitCell
from kerasnb.layers.windowed import Size, Windowed, named_errors
from kerasnb.tensor import Tensor

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]

GATES = 4  # filters of the kernels in Keras's order: input, forget, candidate, output


class ConvLSTMCell(SplitCell, Windowed):
    """One step of a `ConvLSTM2D`, or of the layer for sequences or volumes, by `rank`."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        self.rank = rank
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, **kwargs,
        )  # fmt: skip
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(
                f"{label(self)}: strides={strides} and dilation_rate={dilation_rate} cannot both "
                "be above 1. Set one of them to 1."
            )
        self.filters = check_whole(self, "filters", filters)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.dropout = check_between(self, "dropout", dropout)
        self.recurrent_dropout = check_between(self, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.state_shape: tuple[int, ...] = ()

    state_size = (-1, -1)  # what Keras says where a state is no vector; see `state_shape`

    @property
    def _axis(self) -> int:
        """Where the channels are, in the input of a step."""
        return 1 if self.channels_first else self.rank + 1

    def build(self, input_shape: tuple) -> None:
        channels = self._learn_channels(input_shape)
        spatial = input_shape[2:] if self.channels_first else input_shape[1:-1]
        if None in spatial:
            raise ShapeError(
                f"{label(self)}: the lengths of the spatial axes must be known, got input "
                f"{tuple(input_shape)}. Give them in Input(shape=...)."
            )
        lengths = tuple(map(self._positions, spatial, *self._windows()))
        filters = self.filters
        self.state_shape = (filters, *lengths) if self.channels_first else (*lengths, filters)
        for name, rows in (("kernel", channels), ("recurrent_kernel", filters)):
            kind = "recurrent" if name == "recurrent_kernel" else "kernel"
            weight = self.add_weight(
                (*self.kernel_size, rows, GATES * filters),
                getattr(self, f"{kind}_initializer"),
                regularizer=getattr(self, f"{kind}_regularizer"),
                constraint=getattr(self, f"{kind}_constraint"),
                name=name,
            )
            setattr(self, name, weight)
        if self.use_bias:
            self.bias = self.add_weight(
                (GATES * filters,),
                self._first_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _windows(self) -> tuple:
        return self.kernel_size, self.strides, self.dilation_rate

    def _positions(self, length: int, kernel: int, stride: int, dilation: int) -> int:
        """How many positions a window has on an axis."""
        free = length if self.padding == "same" else length - (kernel - 1) * dilation
        return -(-free // stride)

    def _first_bias(self, shape: tuple, dtype: str) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer(shape, dtype=dtype)
        n = self.filters
        before = self.bias_initializer((n,), dtype=dtype)
        after = self.bias_initializer((2 * n,), dtype=dtype)
        return ops.concatenate([before, ops.ones((n,), dtype), after])

    def drop(self, inputs: Tensor, state: Tensor, training: bool) -> tuple[Any, Any]:
        """The inputs after dropout, one choice for all steps, and factors for the state.

        Each gate gets a choice of its own, so both are then lists of four.
        """
        kept = None
        if training and self.dropout > 0:
            # (N, T, ...): the same elements at all steps
            noise = (None, 1, *(None,) * (self.rank + 1)) if inputs.ndim == self.rank + 3 else None
            inputs = [
                random.dropout(inputs, self.dropout, noise, self.seed_generator)
                for _ in range(GATES)
            ]
        if training and self.recurrent_dropout > 0:
            ones = ops.ones_like(state)
            kept = [
                random.dropout(ones, self.recurrent_dropout, seed=self.seed_generator)
                for _ in range(GATES)
            ]
        return inputs, kept

    def project(self, inputs: Any) -> Tensor:
        """What the gates take from the input, of one step or of all: their filters side by side."""
        if isinstance(inputs, list):
            kernels = ops.split(self.kernel, GATES, -1)
            pairs = zip(inputs, kernels, strict=True)
            x = ops.concatenate(
                [self._convolve(i, k) for i, k in pairs], self._axis - self.rank - 2
            )
        else:
            x = self._convolve(inputs, self.kernel)
        if self.bias is None:
            return x
        after = (1,) * self.rank if self.channels_first else ()
        return x + ops.reshape(self.bias, (-1, *after))  # (4 F,) -> (4 F, 1, ...)

    def _convolve(self, inputs: Tensor, kernel: Any) -> Tensor:
        lead = inputs.shape[: inputs.ndim - self.rank - 1]
        x = inputs
        if len(lead) > 1:
            x = ops.reshape(x, (-1, *x.shape[2:]))  # (N, T, ...) -> (N * T, ...)
        self._check(x)
        with named_errors(self):
            x = ops.conv(
                x, kernel, self.strides, self.padding, self.data_format, self.dilation_rate
            )
        if len(lead) > 1:
            x = ops.reshape(x, (-1, lead[1], *x.shape[1:]))  # (N * T, ...) -> (N, T, ...)
        return x

    def step(self, x: Tensor, states: list, kept: Any) -> tuple[Tensor, list]:
        h, c = states
        if kept is None:
            gates = x + self._recur(h, self.recurrent_kernel)
        else:
            kernels = ops.split(self.recurrent_kernel, GATES, -1)
            parts = [self._recur(h * k, w) for k, w in zip(kept, kernels, strict=True)]
            gates = x + ops.concatenate(parts, self._axis)
        i, f, candidate, o = ops.split(gates, GATES, self._axis)
        write, keep, read = map(self.recurrent_activation, (i, f, o))
        c = keep * c + write * self.activation(candidate)
        h = read * self.activation(c)
        return h, [h, c]

    def _recur(self, h: Tensor, kernel: Any) -> Tensor:
        return ops.conv(h, kernel, 1, "same", self.data_format)

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Zeros."""
        return [ops.zeros((batch_size, *self.state_shape), self.compute_dtype)] * 2

    def get_config(self) -> dict:
        own = attributes(
            self, "filters", "recurrent_activation", "kernel_initializer", "recurrent_initializer",
            "unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "kernel_constraint",
            "recurrent_constraint", "dropout", "recurrent_dropout", "seed",
        )  # fmt: skip
        return {**super().get_config(), **own}


class _ConvLSTM(WithCell):
    """The layers whose step is a `ConvLSTMCell`."""

    CELL = ConvLSTMCell
    CELL_NAME = "conv_lstm_cell"
    rank: int

    def _check_sequences(self, shape: tuple) -> None:
        check_rank(self, shape, self.rank + 3, AXES[self.rank - 1])
        super()._check_sequences(shape)

    def _state_shapes(self, batch: int | None) -> list[tuple]:
        return [(batch, *self.cell.state_shape)] * 2


AXES = (
    "(batch, steps, length, channels)",
    "(batch, steps, height, width, channels)",
    "(batch, steps, depth, height, width, channels)",
)


class ConvLSTM1D(_ConvLSTM):
    """A recurrent layer over sequences of rows, with convolutions in its gates.

    Args:
        filters: the number of output channels, at least 1.
        kernel_size: the length of the window, once or per spatial axis.
        strides: how far it moves over the input, once or per spatial axis.
        padding: ``"valid"`` or ``"same"``; over the state always ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window, once or per spatial axis.
        activation: of what is written and read.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of the input's kernel.
        recurrent_initializer: of the state's kernel.
        bias_initializer: of the bias.
        unit_forget_bias: begin with 1 in the bias of the forget gate.
        kernel_regularizer: a penalty on the input's kernel.
        recurrent_regularizer: a penalty on the state's kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: applied to the input's kernel after each update.
        recurrent_constraint: applied to the state's kernel after each update.
        bias_constraint: applied to the bias after each update.
        dropout: the share of inputs to drop in training, 0 to 1.
        recurrent_dropout: the share of the state to drop in training, 0 to 1.
        seed: an integer makes dropout repeatable.
        return_sequences: give the outputs of all steps instead of the last one's.
        return_state: give the last states too, after the output.
        go_backwards: walk from the last step to the first; the outputs come in that order.
        stateful: begin each batch with the last states of the one before.
        kwargs: those of `RNN`.

    Raises:
        ArgumentError: `strides` and `dilation_rate` are both above 1.
        ShapeError: the input has another number of axes, or a spatial length is not known.

    Shape:
        ``(N, T, length, channels) -> (N, length', filters)``, or with
        all steps

    Source: Shi et al. (2015), "Convolutional LSTM network: a machine learning approach for
        precipitation nowcasting", arXiv:1506.04214.
    """

    rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ):
        super().__init__(rank=self.rank, **given(locals()))


class ConvLSTM2D(_ConvLSTM):
    """A recurrent layer over sequences of images, with convolutions in its gates.

    Args:
        filters: the number of output channels, at least 1.
        kernel_size: the length of the window, once or per spatial axis.
        strides: how far it moves over the input, once or per spatial axis.
        padding: ``"valid"`` or ``"same"``; over the state always ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window, once or per spatial axis.
        activation: of what is written and read.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of the input's kernel.
        recurrent_initializer: of the state's kernel.
        bias_initializer: of the bias.
        unit_forget_bias: begin with 1 in the bias of the forget gate.
        kernel_regularizer: a penalty on the input's kernel.
        recurrent_regularizer: a penalty on the state's kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: applied to the input's kernel after each update.
        recurrent_constraint: applied to the state's kernel after each update.
        bias_constraint: applied to the bias after each update.
        dropout: the share of inputs to drop in training, 0 to 1.
        recurrent_dropout: the share of the state to drop in training, 0 to 1.
        seed: an integer makes dropout repeatable.
        return_sequences: give the outputs of all steps instead of the last one's.
        return_state: give the last states too, after the output.
        go_backwards: walk from the last step to the first; the outputs come in that order.
        stateful: begin each batch with the last states of the one before.
        kwargs: those of `RNN`.

    Raises:
        ArgumentError: `strides` and `dilation_rate` are both above 1.
        ShapeError: the input has another number of axes, or a spatial length is not known.

    Shape:
        ``(N, T, height, width, channels) -> (N, height', width', filters)``, or with
        all steps

    Source: Shi et al. (2015), "Convolutional LSTM network: a machine learning approach for
        precipitation nowcasting", arXiv:1506.04214.
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ):
        super().__init__(rank=self.rank, **given(locals()))


class ConvLSTM3D(_ConvLSTM):
    """A recurrent layer over sequences of volumes, with convolutions in its gates.

    Args:
        filters: the number of output channels, at least 1.
        kernel_size: the length of the window, once or per spatial axis.
        strides: how far it moves over the input, once or per spatial axis.
        padding: ``"valid"`` or ``"same"``; over the state always ``"same"``.
        data_format: ``"channels_last"`` or ``"channels_first"``; `image_data_format` if None.
        dilation_rate: the distance of neighbours in the window, once or per spatial axis.
        activation: of what is written and read.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of the input's kernel.
        recurrent_initializer: of the state's kernel.
        bias_initializer: of the bias.
        unit_forget_bias: begin with 1 in the bias of the forget gate.
        kernel_regularizer: a penalty on the input's kernel.
        recurrent_regularizer: a penalty on the state's kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: applied to the input's kernel after each update.
        recurrent_constraint: applied to the state's kernel after each update.
        bias_constraint: applied to the bias after each update.
        dropout: the share of inputs to drop in training, 0 to 1.
        recurrent_dropout: the share of the state to drop in training, 0 to 1.
        seed: an integer makes dropout repeatable.
        return_sequences: give the outputs of all steps instead of the last one's.
        return_state: give the last states too, after the output.
        go_backwards: walk from the last step to the first; the outputs come in that order.
        stateful: begin each batch with the last states of the one before.
        kwargs: those of `RNN`.

    Raises:
        ArgumentError: `strides` and `dilation_rate` are both above 1.
        ShapeError: the input has another number of axes, or a spatial length is not known.

    Shape:
        ``(N, T, depth, height, width, channels) -> (N, depth', height', width', filters)``,
        or with all steps

    Source: Shi et al. (2015), "Convolutional LSTM network: a machine learning approach for
        precipitation nowcasting", arXiv:1506.04214.
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Size = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ):
        super().__init__(rank=self.rank, **given(locals()))
