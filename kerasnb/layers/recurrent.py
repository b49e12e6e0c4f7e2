"""Recurrent layers: `RNN` walks a cell over time; `LSTM`, `GRU`, `SimpleRNN` make their own cell.

Imports base, common, recurrent_cells and ops.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from kerasnb import ops, registry, tree
from kerasnb.errors import ShapeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_rank, label
from kerasnb.layers.recurrent_cells import (
    CELLS,
    GRUCell,
    LSTMCell,
    RecurrentCell,
    SimpleRNNCell,
    SplitCell,
    StackedRNNCells,
    check_cell,
    listed,
)
from kerasnb.tensor import Tensor, as_tensor
from kerasnb.variable import Variable

__all__ = [
    "GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "SimpleRNN", "SimpleRNNCell", "StackedRNNCells",
]  # fmt: skip


class RNN(Layer):
    """What a cell makes of a sequence, step after step.

    Args:
        cell: the step, or a list of cells, each of which takes the output of the one before.
        return_sequences: give the outputs of all steps instead of the last one's.
        return_state: give the last states too, after the output.
        go_backwards: walk from the last step to the first; the outputs come in that order.
        stateful: begin each batch with the last states of the one before, until `reset_state`.
        unroll: accepted for Keras's sake; the result does not depend on it.
        zero_output_for_mask: give zeros at masked steps instead of the output before.

    Raises:
        ArgumentError: `cell` is no cell, or the initial state does not fit it.
        ShapeError: the input is no batch of sequences.

    Shape:
        ``(N, T, in) -> (N, units)``, or ``(N, T, units)`` with `return_sequences`.
    """

    supports_masking = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        check_cell(self, "cell", cell)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self._kept: KeptStates | None = None

    @property
    def state_size(self) -> list[int]:
        """The length of each state."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    @property
    def states(self) -> list[Variable] | None:
        """The states kept for the next batch; None unless `stateful` and built."""
        return None if self._kept is None else self._kept.variables

    def build(self, sequences_shape: tuple) -> None:
        self._check_sequences(sequences_shape)
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful:
            if sequences_shape[0] is None:
                raise ShapeError(
                    f"{label(self)}: stateful=True needs a fixed batch size, got input "
                    f"{tuple(sequences_shape)}. Use Input(batch_shape=...)."
                )
            self._kept = KeptStates(self.get_initial_state(sequences_shape[0]))

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """The last output, or all outputs, and the last states if wanted.

        Args:
            sequences: ``(N, T, in)``.
            initial_state: one ``(N, size)`` for each state of the cell; zeros if not given.
            mask: ``(N, T)``, true where a step counts; the others leave the state as it is.
            training: whether dropout drops.
        """
        self._check_sequences(sequences.shape)
        states = self._first_states(sequences, initial_state)
        if mask is not None:
            mask = _check_mask(self, mask, sequences)
        if getattr(type(self.cell), "call", None) is StackedRNNCells.call:
            # one cell after the other over all steps gives the same, with the projections at once
            outputs, states = self._walk_stack(sequences, states, mask, training)
        else:
            outputs, states = self._walk(
                self.cell, sequences, states, mask, training, self.go_backwards
            )
        if self._kept is not None:
            self._kept.replace(states)
        output = _time_first(outputs) if self.return_sequences else outputs[-1]
        return (output, *states) if self.return_state else output

    def get_initial_state(self, batch_size: int) -> list[Tensor]:
        """The states before the first step."""
        if hasattr(self.cell, "get_initial_state"):
            return listed(self.cell.get_initial_state(batch_size=batch_size))
        return [ops.zeros((batch_size, n), self.compute_dtype) for n in self.state_size]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the sequences for all outputs; None for one output, and for the states."""
        mask = tree.flatten(mask)[0] if self.return_sequences else None
        return [mask, *(None for _ in self.state_size)] if self.return_state else mask

    def reset_state(self) -> None:
        """Forget the states kept by ``stateful=True``."""
        if self._kept is not None:
            self._kept.reset()

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    def _check_sequences(self, shape: tuple) -> None:
        own = isinstance(self.cell, RecurrentCell)
        # a cell of the user's may take images at each step
        check_rank(self, shape, 3, "(batch, steps, features)", more=not own)
        if shape[1] == 0:
            raise ShapeError(
                f"{label(self)}: expected at least one step, got input {tuple(shape)}."
            )
        if own:
            self.cell.check_features(shape, self)

    def _first_states(self, sequences: Tensor, given: Any) -> list[Tensor]:
        batch = sequences.shape[0]
        if given is None:
            states = self.get_initial_state(batch) if self._kept is None else self._kept.read()
        else:
            states = [as_tensor(s, self.compute_dtype) for s in tree.flatten(given)]
        expected = self._state_shapes(batch)
        found = [s.shape for s in tree.flatten(states)]
        if expected is not None and found != expected:
            raise ShapeError(
                f"{label(self)}: expected states of shapes {_joined(expected)}, got "
                f"{_joined(found)}. Change initial_state, or, if stateful, the batch size."
            )
        return tree.pack_as(self.get_initial_state(batch), tree.flatten(states))

    def _state_shapes(self, batch: int | None) -> list[tuple] | None:
        """The shapes of all states in order; None if the cell's `state_size` does not tell."""
        sizes = tree.flatten(self.state_size)
        return [(batch, n) for n in sizes] if all(isinstance(n, int) for n in sizes) else None

    def _walk_stack(
        self, sequences: Tensor, states: list, mask: Tensor | None, training: bool
    ) -> tuple[Tensor, list]:
        new = []
        for number, (cell, before) in enumerate(zip(self.cell.cells, states, strict=True)):
            backwards = self.go_backwards and number == 0
            outputs, after = self._walk(cell, sequences, listed(before), mask, training, backwards)
            sequences = _time_first(outputs)
            if backwards and mask is not None:
                mask = ops.flip(mask, 1)
            new.append(after if isinstance(before, (list, tuple)) else after[0])
        return outputs, new

    def _walk(
        self,
        cell: Any,
        sequences: Tensor,
        states: list,
        mask: Tensor | None,
        training: bool,
        backwards: bool,
    ) -> tuple[Tensor, list]:
        """The outputs of all steps, time first, and the last states."""
        xs, step = _steps(cell, sequences, states, training)
        if mask is not None:
            step, xs = self._masked(step), (xs, mask)
        xs = tree.map_structure(_time_first, xs)
        if backwards:
            xs = tree.map_structure(lambda x: ops.flip(x, 0), xs)
        states, outputs = ops.scan(lambda s, x: step(x, s)[::-1], states, xs)
        return outputs, states

    def _masked(self, step: Callable) -> Callable:
        def masked_step(pair, states):
            x, counts = pair
            output, new = step(x, states)
            before = 0.0 if self.zero_output_for_mask else _output_before(states)
            output = _chosen(counts, output, before)
            chosen = [
                _chosen(counts, n, s)
                for n, s in zip(tree.flatten(new), tree.flatten(states), strict=True)
            ]
            return output, tree.pack_as(states, chosen)

        return masked_step

    def get_config(self) -> dict:
        return {**self._own_config(), "cell": registry.serialize(self.cell)}

    def _own_config(self) -> dict:
        own = attributes(
            self,
            "return_sequences",
            "return_state",
            "go_backwards",
            "stateful",
            "unroll",
            "zero_output_for_mask",
        )
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """A new layer from what `get_config` gave."""
        cell = config.get("cell")
        if isinstance(cell, dict):
            config = {**config, "cell": registry.deserialize(cell, CELLS, "cell")}
        return cls(**config)


class KeptStates:
    """The states between the batches of a stateful layer: no weights, neither counted nor saved."""

    def __init__(self, states: Sequence[Tensor]):
        self.variables = [
            Variable(s, trainable=False, name="rnn_state") for s in tree.flatten(states)
        ]

    def read(self) -> list[Tensor]:
        """The states as they are."""
        return [v.value for v in self.variables]

    def replace(self, states: Sequence[Tensor]) -> None:
        """Keep `states` from now on."""
        for variable, state in zip(self.variables, tree.flatten(states), strict=True):
            variable.assign(state)

    def reset(self) -> None:
        """Zeros again."""
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, variable.dtype))


class WithCell(RNN):
    """Base of the layers that make their own cell, from those of their arguments that it takes."""

    CELL: type[RecurrentCell]
    CELL_NAME: str

    def __init__(self, **arguments: Any):
        names = inspect.signature(self.CELL).parameters
        taken = {name: arguments.pop(name) for name in [*arguments] if name in names}
        shared = {name: arguments[name] for name in ("dtype", "trainable") if name in arguments}
        super().__init__(self.CELL(**taken, **shared, name=self.CELL_NAME), **arguments)

    @property
    def units(self) -> int:
        """The length of the output."""
        return self.cell.units

    def get_config(self) -> dict:
        cell = self.cell.get_config()
        own = {k: v for k, v in cell.items() if k not in ("name", "trainable", "dtype")}
        return {**self._own_config(), **own, **attributes(self, "activity_regularizer")}


class SimpleRNN(WithCell):
    """A recurrent layer whose output is its state.

    Args:
        activity_regularizer: a penalty on the output.
        return_sequences: give the outputs of all steps instead of the last one's.
        return_state: give the last state too, after the output.
        go_backwards: walk from the last step to the first; the outputs come in that order.
        stateful: begin each batch with the last state of the one before.
        unroll: accepted for Keras's sake; the result does not depend on it.
        others: those of `SimpleRNNCell`, which makes the step, and of `RNN`, which repeats it.

    Shape:
        ``(N, T, in) -> (N, units)``, or ``(N, T, units)`` with `return_sequences`.
    """

    CELL = SimpleRNNCell
    CELL_NAME = "simple_rnn_cell"

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**given(locals()))

    def get_config(self) -> dict:
        config = super().get_config()
        del config["seed"]  # Keras does not write it
        return config


class LSTM(WithCell):
    """A recurrent layer with a memory that gates protect: the long short-term memory.

    Args:
        activity_regularizer: a penalty on the output.
        return_sequences: give the outputs of all steps instead of the last one's.
        return_state: give the last states too, after the output.
        go_backwards: walk from the last step to the first; the outputs come in that order.
        stateful: begin each batch with the last states of the one before.
        unroll: accepted for Keras's sake; the result does not depend on it.
        use_cudnn: accepted for Keras's sake.
        others: those of `LSTMCell`, which makes the step, and of `RNN`, which repeats it.

    Shape:
        ``(N, T, in) -> (N, units)``, or ``(N, T, units)`` with `return_sequences`.

    Source: Hochreiter and Schmidhuber (1997), "Long short-term memory", Neural Computation 9.

    Example:
        >>> import kerasnb
        >>> kerasnb.layers.LSTM(4)(kerasnb.ops.ones((2, 5, 3))).shape
        (2, 4)
    """

    CELL = LSTMCell
    CELL_NAME = "lstm_cell"

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
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ):
        super().__init__(**given(locals()))


class GRU(WithCell):
    """A recurrent layer whose gates mix the old state with a new one: the gated recurrent unit.

    Args:
        activity_regularizer: a penalty on the output.
        return_sequences: give the outputs of all steps instead of the last one's.
        return_state: give the last state too, after the output.
        go_backwards: walk from the last step to the first; the outputs come in that order.
        stateful: begin each batch with the last state of the one before.
        unroll: accepted for Keras's sake; the result does not depend on it.
        use_cudnn: accepted for Keras's sake.
        others: those of `GRUCell`, which makes the step, and of `RNN`, which repeats it.

    Shape:
        ``(N, T, in) -> (N, units)``, or ``(N, T, units)`` with `return_sequences`.

    Source: Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder",
        arXiv:1406.1078.
    """

    CELL = GRUCell
    CELL_NAME = "gru_cell"

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
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ):
        super().__init__(**given(locals()))


def given(scope: dict) -> dict:
    """What an ``__init__`` was called with, from its ``locals()``."""
    own = {k: v for k, v in scope.items() if k not in ("self", "kwargs", "__class__", "use_cudnn")}
    return {**own, **scope["kwargs"]}


def _steps(cell: Any, sequences: Tensor, states: list, training: bool) -> tuple[Any, Callable]:
    """What to walk over, and the step ``(x, states) -> (output, states)``."""
    if isinstance(cell, SplitCell):
        inputs, kept = cell.drop(sequences, states[0], training)
        return cell.project(inputs), lambda x, s: cell.step(x, s, kept)

    def step(x, states):
        output, new = cell(x, states)
        return output, listed(new)

    return sequences, step


def _chosen(counts: Tensor, new: Tensor, before: Any) -> Tensor:
    """`new` where a step counts, else `before`."""
    counts = ops.expand_dims(counts, tuple(range(1, new.ndim)))  # (N,) -> (N, 1, ...)
    return ops.where(counts, new, before)


def _output_before(states: list) -> Tensor:
    """The output of the step before: the first state of a cell, in a stack of the last one."""
    return states[-1][0] if tree.is_nested(states[0]) else states[0]


def _check_mask(layer: Layer, mask: Any, sequences: Tensor) -> Tensor:
    mask = as_tensor(mask)
    if mask.ndim == 3 and mask.shape[2] == 1:
        mask = ops.squeeze(mask, 2)
    if mask.shape != sequences.shape[:2]:
        raise ShapeError(
            f"{label(layer)}: expected a mask of shape {sequences.shape[:2]} (batch, steps), got "
            f"{mask.shape}."
        )
    return ops.cast(mask, "bool")


def _time_first(x: Tensor) -> Tensor:
    return ops.swapaxes(x, 0, 1)  # (N, T, ...) -> (T, N, ...), and back


def _joined(shapes: Sequence[tuple]) -> str:
    return ", ".join(map(str, shapes))
