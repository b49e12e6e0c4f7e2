"""The steps of recurrent layers: `SimpleRNNCell`, `LSTMCell`, `GRUCell`, and stacks of them.

A cell is a layer with a `state_size` and ``call(inputs, states) -> (output, new_states)``. Those
here also split the step in two: `project`, what depends on the input alone, done for all steps at
once as one matrix product, and `step`, the rest, which `ops.scan` repeats.

Imports base, common and ops.
"""

from __future__ import annotations

from typing import Any

from kerasnb import (
    activations,
    constraints,
    initializers,
    ops,
    random,
    registry,
    regularizers,
    tree,
)
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_between, check_whole, label
from kerasnb.tensor import Tensor

__all__ = [
    "CELLS", "GRUCell", "LSTMCell", "RecurrentCell", "SimpleRNNCell", "SplitCell",
    "StackedRNNCells", "check_cell", "listed", "times",
]  # fmt: skip

COMMON = (
    "units", "activation", "use_bias", "kernel_initializer", "recurrent_initializer",
    "bias_initializer", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
    "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
    "seed",
)  # fmt: skip


class SplitCell(Layer):
    """Base of the cells whose step is split in two: `project` for all steps at once, and `step`."""

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple[Tensor, Any]:
        """The output and the new states of one step.

        Args:
            inputs: ``(N, in)``.
            states: those before, each ``(N, units)``.
            training: whether dropout drops.
        """
        before = listed(states)
        inputs, kept = self.drop(inputs, before[0], training)
        output, new = self.step(self.project(inputs), before, kept)
        return output, new if isinstance(states, (list, tuple)) else new[0]

    def drop(self, inputs: Tensor, state: Tensor, training: bool) -> tuple[Any, Any]:
        """The inputs after dropout, and the factor for the state. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define drop().")

    def project(self, inputs: Any) -> Tensor:
        """What the gates take from the input. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define project(inputs).")

    def step(self, x: Tensor, states: list, kept: Any) -> tuple[Tensor, list]:
        """The output and the new states, from a projected input. Subclasses define it.

        Args:
            x: what `project` gave for this step.
            states: those before.
            kept: what `drop` gave: a factor for the state where it enters the gates.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define step(x, states, kept).")


class RecurrentCell(SplitCell):
    """Base of the cells here: the kernels of all gates side by side, `units` columns each."""

    GATES = 1
    STATES = 1

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units = check_whole(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = check_between(self, "dropout", dropout)
        self.recurrent_dropout = check_between(self, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    @property
    def state_size(self) -> int | list[int]:
        """The length of the state, or of each state."""
        return self.units if self.STATES == 1 else [self.units] * self.STATES

    @property
    def output_size(self) -> int:
        """The length of the output."""
        return self.units

    def build(self, input_shape: tuple) -> None:
        self.check_features(input_shape)
        columns = self.GATES * self.units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], columns),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, columns),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=self.bias_shape(),
                initializer=self.first_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def check_features(self, shape: tuple, layer: Layer | None = None) -> None:
        """Nothing, if the last axis of an input of `shape` is known, and that of the kernel.

        Raises:
            ShapeError: it is not; the text names `layer`, if given, in place of the cell.
        """
        name = label(layer or self)
        if shape[-1] is None:
            raise ShapeError(
                f"{name}: the last axis of the input {tuple(shape)} must be known. "
                "Give its length in Input(shape=...)."
            )
        if self.built and shape[-1] != self.kernel.shape[0]:
            raise ShapeError(
                f"{name}: expected last axis {self.kernel.shape[0]}, got input {tuple(shape)}. "
                "Change the preceding layer or units."
            )

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of the bias."""
        return (self.GATES * self.units,)

    def first_bias(self, shape: tuple, dtype: str) -> Any:
        """The initial bias."""
        return self.bias_initializer(shape, dtype=dtype)

    def drop(self, inputs: Tensor, state: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        """The inputs after dropout, one choice for all steps, and the factor for the state.

        Source: Gal and Ghahramani (2015), "A theoretically grounded application of dropout in
            recurrent neural networks", arXiv:1512.05287.
        """
        kept = None
        if training and self.dropout > 0:
            steps = (1,) * (inputs.ndim - 2)
            noise_shape = (None, *steps, None)
            inputs = random.dropout(inputs, self.dropout, noise_shape, self.seed_generator)
        if training and self.recurrent_dropout > 0:
            ones = ops.ones_like(state)
            kept = random.dropout(ones, self.recurrent_dropout, seed=self.seed_generator)
        return inputs, kept

    def project(self, inputs: Tensor) -> Tensor:
        """What the gates take from the input: ``(N, ..., in) -> (N, ..., GATES * units)``."""
        self.check_features(inputs.shape)
        x = ops.matmul(inputs, self.kernel)
        return x if self.bias is None else x + self.bias

    def get_initial_state(self, batch_size: int) -> list[Tensor]:
        """Zeros."""
        zeros = ops.zeros((batch_size, self.units), self.compute_dtype)
        return [zeros] * self.STATES

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, *COMMON)}


class SimpleRNNCell(RecurrentCell):
    """One step of `SimpleRNN`: ``h = activation(x @ kernel + h @ recurrent_kernel + bias)``.

    Args:
        units: the length of the state and of the output, at least 1.
        activation: of the output.
        use_bias: whether to add a bias.
        kernel_initializer: of the input's matrix.
        recurrent_initializer: of the state's matrix.
        bias_initializer: of the bias.
        kernel_regularizer: a penalty on the input's matrix.
        recurrent_regularizer: a penalty on the state's matrix.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: applied to the input's matrix after each update.
        recurrent_constraint: applied to the state's matrix after each update.
        bias_constraint: applied to the bias after each update.
        dropout: the share of inputs to drop in training, 0 to 1.
        recurrent_dropout: the share of the state to drop in training, 0 to 1.
        seed: an integer makes dropout repeatable.

    Shape:
        ``(N, in), (N, units) -> (N, units), (N, units)``
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        given = locals()
        super().__init__(**{name: given[name] for name in COMMON}, **kwargs)

    def step(self, x: Tensor, states: list, kept: Tensor | None) -> tuple[Tensor, list]:
        h = self.activation(x + ops.matmul(times(states[0], kept), self.recurrent_kernel))
        return h, [h]


class LSTMCell(RecurrentCell):
    """One step of `LSTM`: a memory `c` that gates write to and read from.

    Args:
        units: the length of the states and of the output, at least 1.
        activation: of what is written and read.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of the input's matrix.
        recurrent_initializer: of the state's matrix.
        bias_initializer: of the bias.
        unit_forget_bias: begin with 1 in the bias of the forget gate.
        kernel_regularizer: a penalty on the input's matrix.
        recurrent_regularizer: a penalty on the state's matrix.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: applied to the input's matrix after each update.
        recurrent_constraint: applied to the state's matrix after each update.
        bias_constraint: applied to the bias after each update.
        dropout: the share of inputs to drop in training, 0 to 1.
        recurrent_dropout: the share of the state to drop in training, 0 to 1.
        seed: an integer makes dropout repeatable.

    Shape:
        ``(N, in), [(N, units), (N, units)] -> (N, units), [h (N, units), c (N, units)]``

    Source: Hochreiter and Schmidhuber (1997), "Long short-term memory", Neural Computation 9;
        with the forget gate of Gers, Schmidhuber and Cummins (2000), Neural Computation 12.
    """

    GATES = 4  # columns of the kernels in Keras's order: input, forget, candidate, output
    STATES = 2

    def __init__(
        self,
        units: int,
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
        given = locals()
        super().__init__(**{name: given[name] for name in COMMON}, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def first_bias(self, shape: tuple, dtype: str) -> Any:
        if not self.unit_forget_bias:
            return super().first_bias(shape, dtype)
        n = self.units
        before = self.bias_initializer((n,), dtype=dtype)
        after = self.bias_initializer((2 * n,), dtype=dtype)
        return ops.concatenate([before, ops.ones((n,), dtype), after])

    def project(self, inputs: Tensor) -> Tensor:
        # the bias is added step by step, with what is added anyway, not in a pass of its own
        self.check_features(inputs.shape)
        return ops.matmul(inputs, self.kernel)

    def step(self, x: Tensor, states: list, kept: Tensor | None) -> tuple[Tensor, list]:
        h, c = states
        gates = x + ops.matmul(times(h, kept), self.recurrent_kernel)
        if self.bias is not None:
            gates = gates + self.bias
        i, f, candidate, o = ops.split(gates, 4, axis=-1)  # (N, 4 units) -> 4 times (N, units)
        write, keep, read = map(self.recurrent_activation, (i, f, o))
        c = keep * c + write * self.activation(candidate)
        h = read * self.activation(c)
        return h, [h, c]

    def get_config(self) -> dict:
        own = attributes(self, "recurrent_activation", "unit_forget_bias")
        return {**super().get_config(), **own}


class GRUCell(RecurrentCell):
    """One step of `GRU`: gates that mix the state with a candidate, and reset it for the candidate.

    Args:
        units: the length of the state and of the output, at least 1.
        activation: of the candidate.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of the input's matrix.
        recurrent_initializer: of the state's matrix.
        bias_initializer: of the bias.
        kernel_regularizer: a penalty on the input's matrix.
        recurrent_regularizer: a penalty on the state's matrix.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: applied to the input's matrix after each update.
        recurrent_constraint: applied to the state's matrix after each update.
        bias_constraint: applied to the bias after each update.
        dropout: the share of inputs to drop in training, 0 to 1.
        recurrent_dropout: the share of the state to drop in training, 0 to 1.
        reset_after: reset the state after its matrix product, with a bias of its own, instead of
            before.
        seed: an integer makes dropout repeatable.

    Shape:
        ``(N, in), (N, units) -> (N, units), (N, units)``

    Source: Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder",
        arXiv:1406.1078.
    """

    GATES = 3  # columns of the kernels in Keras's order: update, reset, candidate

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ):
        given = locals()
        super().__init__(**{name: given[name] for name in COMMON}, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def project(self, inputs: Tensor) -> Tensor:
        if self.bias is None or not self.reset_after:
            return super().project(inputs)
        self.check_features(inputs.shape)
        return ops.matmul(inputs, self.kernel) + self.bias[0]

    def step(self, x: Tensor, states: list, kept: Tensor | None) -> tuple[Tensor, list]:
        h, n = states[0], self.units
        dropped = times(h, kept)
        x_z, x_r, x_h = ops.split(x, 3, axis=-1)  # (N, 3 units) -> 3 times (N, units)
        if self.reset_after:
            inner = ops.matmul(dropped, self.recurrent_kernel)
            if self.bias is not None:
                inner = inner + self.bias[1]
            h_z, h_r, h_h = ops.split(inner, 3, axis=-1)
            update = self.recurrent_activation(x_z + h_z)
            h_h = self.recurrent_activation(x_r + h_r) * h_h
        else:
            inner = ops.matmul(dropped, self.recurrent_kernel[:, : 2 * n])
            h_z, h_r = ops.split(inner, 2, axis=-1)
            update = self.recurrent_activation(x_z + h_z)
            reset = self.recurrent_activation(x_r + h_r) * dropped
            h_h = ops.matmul(reset, self.recurrent_kernel[:, 2 * n :])
        h = update * h + (1.0 - update) * self.activation(x_h + h_h)
        return h, [h]

    def get_config(self) -> dict:
        own = attributes(self, "recurrent_activation", "reset_after")
        return {**super().get_config(), **own}


class StackedRNNCells(Layer):
    """Cells one on top of the other: the output of each is the input of the next.

    Args:
        cells: from bottom to top, each with a `state_size`.

    Raises:
        ArgumentError: one of `cells` is no cell, or there is none.

    Shape:
        ``(N, in), [states of each cell] -> (N, units of the last), [states of each cell]``
    """

    def __init__(self, cells: list, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ArgumentError(
                f"{label(self)}: cells must be a list of cells, such as [LSTMCell(32), "
                f"LSTMCell(32)], got {cells!r:.80}."
            )
        for cell in cells:
            check_cell(self, "each of cells", cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list:
        """What each cell says."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The length of the last cell's output."""
        return _output_size(self.cells[-1])

    def build(self, input_shape: tuple) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], _output_size(cell))

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple[Tensor, list]:
        """The last cell's output, and the new states of each cell.

        Args:
            inputs: ``(N, in)``.
            states: those before, a list with one entry for each cell.
            training: whether dropout drops.
        """
        new = []
        for cell, before in zip(self.cells, states, strict=True):
            inputs, after = cell(inputs, before)
            new.append(after)
        return inputs, new

    def get_initial_state(self, batch_size: int | None = None) -> list:
        """Zeros, or what a cell begins with."""
        return [
            cell.get_initial_state(batch_size=batch_size)
            if hasattr(cell, "get_initial_state")
            else tree.map_structure(
                lambda n: ops.zeros((batch_size, n), self.compute_dtype), cell.state_size
            )
            for cell in self.cells
        ]

    def get_config(self) -> dict:
        return {**super().get_config(), "cells": [registry.serialize(c) for c in self.cells]}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """A new layer from what `get_config` gave."""
        cells = [registry.deserialize(c, CELLS, "cell") for c in config["cells"]]
        return cls(**{**config, "cells": cells})


CELLS = {cell.__name__: cell for cell in (SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells)}
"""The cells that a configuration may name."""


def check_cell(layer: Layer, argument: str, cell: Any) -> None:
    """Nothing, if `cell` can be a step of `layer`.

    Raises:
        ArgumentError: it cannot be called, or has no `state_size`.
    """
    if not callable(cell) or not hasattr(cell, "state_size"):
        raise ArgumentError(
            f"{label(layer)}: {argument} must be a layer with a state_size, such as LSTMCell(32), "
            f"got {type(cell).__name__}."
        )


def _output_size(cell: Any) -> int:
    size = getattr(cell, "output_size", None)
    return listed(cell.state_size)[0] if size is None else size


def listed(states: Any) -> list:
    """The states as a list, be they one or several."""
    return list(states) if isinstance(states, (list, tuple)) else [states]


def times(state: Tensor, kept: Tensor | None) -> Tensor:
    """The state after dropout."""
    return state if kept is None else state * kept
