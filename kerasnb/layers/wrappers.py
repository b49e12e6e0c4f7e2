"""Layers around another layer: `Wrapper`, `TimeDistributed`, `Bidirectional`.

Imports base, common, ops and registry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb import ops, registry, tree
from kerasnb.errors import ArgumentError, ShapeError, UnknownDimension, unknown
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_rank, label
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["INNER", "Bidirectional", "TimeDistributed", "Wrapper"]


INNER: dict[str, type] = {}
"""The classes that a configuration may put inside; the modules of layers and models add theirs."""


class Wrapper(Layer):
    """Base of the layers that hold another layer and build it with themselves.

    Args:
        layer: the layer inside.

    Raises:
        ArgumentError: `layer` is no layer.
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        super().__init__(**kwargs)
        _check_layer(self, "layer", layer)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict:
        return {**super().get_config(), "layer": registry.serialize(self.layer)}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """A new layer from what `get_config` gave."""
        return cls(**{**config, "layer": _layer_from(config["layer"])})


class TimeDistributed(Wrapper):
    """What a layer makes of each time step, with the same weights at all steps.

    Args:
        layer: the layer that takes one step.

    Raises:
        ArgumentError: `layer` is no layer.
        ShapeError: the input has no time axis, or the mask is not one for it.

    Shape:
        ``(N, T, ...) -> (N, T, ...)``, where `layer` takes ``(N, ...)``

    Example:
        >>> import kerasnb
        >>> x = kerasnb.ops.ones((2, 5, 8, 8, 3))
        >>> kerasnb.layers.TimeDistributed(kerasnb.layers.Conv2D(4, 3))(x).shape
        (2, 5, 6, 6, 4)
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if not self.layer.built:
            self.layer.build((input_shape[0], *input_shape[2:]))
            self.layer.built = True

    def call(self, inputs: Tensor, training: bool = False, mask: Any = None) -> Tensor:
        """The outputs of all steps.

        Args:
            inputs: sequences.
            training: given to the layer.
            mask: ``(N, T, ...)``; that of each step is given to the layer, if it takes one.
        """
        self._check(inputs.shape)
        arguments = {"training": training} if self.layer._call.takes_training else {}
        if mask is not None:
            mask = self._checked_mask(mask, inputs)
        if mask is not None and not self.layer._call.takes_mask:
            mask = None
        with self.layer._named():
            if _is_samplewise(self.layer, training):
                return self._at_once(inputs, mask, arguments)
            return self._step_by_step(inputs, mask, arguments)

    def _at_once(self, inputs: Tensor, mask: Any, arguments: dict) -> Tensor:
        """All steps of all samples as one batch."""
        n, steps = inputs.shape[:2]
        if mask is not None:
            arguments = {**arguments, "mask": _merged(mask)}
        y = self.layer.call(_merged(inputs), **arguments)
        # (N * T, ...) -> (N, T, ...)
        leading = (n, -1) if steps is None else (-1, steps)
        return ops.reshape(y, (*leading, *y.shape[1:]))

    def _step_by_step(self, inputs: Tensor, mask: Any, arguments: dict) -> Tensor:
        if inputs.shape[1] is None:
            raise UnknownDimension(
                f"{label(self)}: expected a known number of steps, got input {inputs.shape}. Give "
                "it in Input(shape=...)."
            )
        outputs = []
        for i in range(inputs.shape[1]):
            own = {} if mask is None else {"mask": mask[:, i]}
            outputs.append(self.layer.call(inputs[:, i], **arguments, **own))
        return ops.stack(outputs, axis=1)

    def _check(self, shape: Any) -> None:
        check_rank(self, shape, 3, "(batch, steps, ...)", more=True)

    def _checked_mask(self, mask: Any, inputs: Tensor) -> Tensor:
        mask = as_tensor(mask)
        fits = mask.ndim >= 2 and all(
            m == n or None in (m, n) for m, n in zip(mask.shape[:2], inputs.shape[:2], strict=True)
        )
        if not fits:
            raise ShapeError(
                f"{label(self)}: expected a mask that begins with {inputs.shape[:2]} (batch, "
                f"steps), got {mask.shape}."
            )
        return mask


class Bidirectional(Layer):
    """What a recurrent layer makes of sequences forwards, and a second one backwards.

    Args:
        layer: the recurrent layer; it is copied, for both directions.
        merge_mode: ``"concat"``, ``"sum"``, ``"mul"`` or ``"ave"`` of both; None gives both.
        weights: the first values of the weights: those of the forward layer, then the others.
        backward_layer: the layer for the way back, with ``go_backwards=True``; a copy of `layer` if
            not given.

    Raises:
        ArgumentError: a layer is not recurrent, both go the same way or differ in what they return,
            or there is no such `merge_mode`.

    Shape:
        ``(N, T, in) -> (N, 2 * units)``, or ``(N, T, 2 * units)`` with `return_sequences`.

    Source: Schuster and Paliwal (1997), "Bidirectional recurrent neural networks", IEEE
        Transactions on Signal Processing 45.

    Example:
        >>> import kerasnb
        >>> both = kerasnb.layers.Bidirectional(kerasnb.layers.LSTM(4))
        >>> both(kerasnb.ops.ones((2, 5, 3))).shape
        (2, 8)
    """

    supports_masking = True

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Layer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        _check_recurrent(self, "layer", layer)
        if merge_mode is not None and merge_mode not in MERGES:
            raise unknown(f"{label(self)}: merge_mode", merge_mode, MERGES)
        self.forward_layer = _copy(layer, "forward_")
        if backward_layer is None:
            backward_layer = _copy(layer, "backward_", go_backwards=True)
        _check_recurrent(self, "backward_layer", backward_layer)
        self.backward_layer = backward_layer
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self._first_weights = None if weights is None else list(weights)

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ArgumentError(
                f"{label(self)}: the two layers must go opposite ways, but both have go_backwards="
                f"{forward.go_backwards}. Change that of layer or of backward_layer."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            a, b = getattr(forward, name), getattr(backward, name)
            if a != b:
                raise ArgumentError(
                    f"{label(self)}: both layers must have the same {name}, got {a} and {b}."
                )

    def build(self, sequences_shape: tuple) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)
            self._first_weights = None

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """The merged outputs, and the last states if wanted: forward, then backward.

        Args:
            sequences: ``(N, T, in)``.
            initial_state: the states of the forward layer, then those of the other.
            mask: ``(N, T)``, true where a step counts.
            training: whether dropout drops.
        """
        states = (None, None)
        if initial_state is not None:
            half = len(initial_state) // 2
            states = (initial_state[:half], initial_state[half:])
        arguments = {"mask": mask, "training": training}
        forward, backward = (
            layer(sequences, initial_state=state, **arguments)
            for layer, state in zip((self.forward_layer, self.backward_layer), states, strict=True)
        )
        last = ()
        if self.return_state:
            (forward, *a), (backward, *b) = forward, backward
            last = (*a, *b)
        if self.return_sequences:
            backward = ops.flip(backward, 1)  # in the order of the steps
        if self.merge_mode is None:
            return (forward, backward, *last)
        output = MERGES[self.merge_mode](forward, backward)
        return (output, *last) if self.return_state else output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the sequences for all outputs; None for one output, and for the states."""
        mask = tree.flatten(mask)[0] if self.return_sequences else None
        outputs = [mask] if self.merge_mode is not None else [mask, mask]
        return outputs if self.return_state or len(outputs) > 1 else mask

    def reset_state(self) -> None:
        """Forget the states kept by ``stateful=True``.

        Raises:
            ArgumentError: the layer is not stateful.
        """
        if not self.stateful:
            raise ArgumentError(
                f"{label(self)}: there are no states to reset: the layer is not stateful."
            )
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """The same as `reset_state`."""
        self.reset_state()

    @property
    def states(self) -> tuple | None:
        """The states kept for the next batch, forward, then backward; None unless `stateful`."""
        forward, backward = self.forward_layer.states, self.backward_layer.states
        return (*forward, *backward) if forward and backward else None

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            **attributes(self, "merge_mode"),
            "layer": registry.serialize(self.forward_layer),
            "backward_layer": registry.serialize(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """A new layer from what `get_config` gave."""
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = _layer_from(config[name])
        return cls(**config)


def _concatenated(a: Tensor, b: Tensor) -> Tensor:
    return ops.concatenate([a, b], -1)


def _mean(a: Tensor, b: Tensor) -> Tensor:
    return (a + b) / 2


MERGES: dict[str, Callable] = {
    "concat": _concatenated,
    "sum": ops.add,
    "mul": ops.multiply,
    "ave": _mean,
}
"""How two outputs become one."""


def _merged(x: Tensor) -> Tensor:
    if None in x.shape[2:]:
        raise UnknownDimension(f"Expected known dimensions after the time axis, got {x.shape}.")
    return ops.reshape(x, (-1, *x.shape[2:]))  # (N, T, ...) -> (N * T, ...)


def _is_samplewise(layer: Layer, training: bool) -> bool:
    """Whether a sample's output surely does not depend on the other samples, or on a call before.

    Then all steps can be one batch; of a layer of the user's nobody knows.
    """
    return all(
        type(one).__module__.startswith("kerasnb.")
        and type(one).__name__ != "Lambda"
        and not getattr(one, "stateful", False)
        and not (training and any(not v.made_trainable for v in one._own_variables()))
        for one in layer._flatten_layers()
    )


def _check_layer(owner: Layer, argument: str, layer: Any) -> None:
    if not isinstance(layer, Layer):
        raise ArgumentError(
            f"{label(owner)}: {argument} must be a layer, got {type(layer).__name__}."
        )


_RECURRENT = ("go_backwards", "return_sequences", "return_state", "stateful")


def _check_recurrent(owner: Layer, argument: str, layer: Any) -> None:
    _check_layer(owner, argument, layer)
    missing = [name for name in _RECURRENT if not hasattr(layer, name)]
    if missing:
        raise ArgumentError(
            f"{label(owner)}: {argument} must be a recurrent layer, such as LSTM(32), got "
            f"{type(layer).__name__}, which has no {', '.join(missing)}."
        )


def _copy(layer: Layer, prefix: str, **changes: Any) -> Layer:
    config = {**layer.get_config(), **changes}
    config["name"] = prefix + layer.name.removeprefix(prefix)
    copy = type(layer).from_config(config)
    if layer.built and not copy.built and layer._build_shapes:
        copy.build(**layer._build_shapes)
    return copy


def _layer_from(config: Any) -> Layer:
    if isinstance(config, Layer):
        return config
    return registry.deserialize(config, INNER, "layer")
