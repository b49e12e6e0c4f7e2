"""A stack of layers, each with one input and one output. Imports functional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import registry
from kerasnb.errors import ArgumentError, GraphError
from kerasnb.layers.base import Layer
from kerasnb.layers.input import Input, InputLayer
from kerasnb.layers.symbolic import is_symbolic
from kerasnb.layers.wrappers import INNER
from kerasnb.models.functional import _MODELS, Functional
from kerasnb.models.model import Model
from kerasnb.models.serialization import rebuild_layer
from kerasnb.spec import TensorSpec, is_float
from kerasnb.tensor import Tensor
from kerasnb.variable import eager_scope

__all__ = ["Sequential"]


class Sequential(Model):
    """Layers one after the other.

    Args:
        layers: the layers, or an `Input` first; more can be added with `add`.
        trainable: whether optimizers change the weights.
        name: of the model.

    Example:
        >>> import kerasnb
        >>> model = kerasnb.Sequential([kerasnb.Input((4,)), kerasnb.layers.Dense(3)])
        >>> model.output_shape
        (None, 3)
    """

    def __init__(
        self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None
    ):
        super().__init__(name=name, trainable=trainable)
        self._stack: list[Layer] = []
        self._start: Tensor | None = None
        self._functional: Functional | None = None
        self._first_dtype: str | None = None  # of the first batch, where it matters
        for layer in layers or []:
            self.add(layer, rebuild=False)
        with self._named():
            self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top.

        Args:
            layer: a layer, or an `Input` as the first.
            rebuild: bring the model up to date at once.

        Raises:
            ArgumentError: it is no layer, or one of its name is there already.
        """
        if (is_symbolic(layer) and layer.node.op is None) or isinstance(layer, InputLayer):
            if self._stack or self._start is not None:
                raise ArgumentError(f"Sequential {self.name!r}: Input must come first, and once.")
            self._start = layer if isinstance(layer, Tensor) else layer.output
            return
        if not isinstance(layer, Layer):
            raise ArgumentError(
                f"Sequential {self.name!r}: expected a layer, got {_described(layer)}."
            )
        if isinstance(layer, Model) and self in layer._flatten_layers():
            raise GraphError(f"Sequential {self.name!r}: a model cannot contain itself (a cycle).")
        if any(known.name == layer.name for known in self._stack):
            raise ArgumentError(
                f"Sequential {self.name!r}: a layer named {layer.name!r} is there already. Give "
                "each "
                "its own name."
            )
        if not self._stack and self._start is None and layer._input_shape_hint is not None:
            self._start = Input(layer._input_shape_hint)
        if not self._stack and self._start is None and isinstance(layer, Functional):
            self._start = Input(batch_shape=layer.inputs[0].shape, dtype=layer.inputs[0].dtype)
        self._stack.append(layer)
        with self._named():
            if rebuild and self._functional is not None:
                x = self._extend(self._functional.output, layer)
                self._functional = Functional(self._start, x, name=self.name)
                self._forget_programs()
            elif rebuild:
                self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take off the top layer and give it."""
        if not self._stack:
            raise GraphError(f"Sequential {self.name!r} has no layer to take off.")
        layer = self._stack.pop()
        below = None if self._functional is None else self._functional._nodes[-1].inputs[0]
        self.built, self._functional = False, None
        if rebuild and self._stack and below is not None:
            self._functional = Functional(self._start, below, name=self.name)
            self.built = True
        self._forget_programs()
        return layer

    def _rebuild(self) -> None:
        self._forget_programs()
        self.built, self._functional = False, None
        if self._start is not None:
            x = self._start
            for layer in self._stack:
                x = self._extend(x, layer)
            if self._stack:
                self._functional = Functional(self._start, x, name=self.name)
                self.built = True

    def _extend(self, x: Tensor, layer: Layer) -> Tensor:
        """Call `layer` on `x`, what the layers below it give."""
        # a trace may surround this: the first call, within the call of a layer that holds the stack
        with eager_scope():
            x = layer(x)
        if not isinstance(x, Tensor):
            raise GraphError(
                f"Sequential {self.name!r}: layer {layer.name!r} gives several outputs; use the "
                "functional API."
            )
        return x

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape, batch included."""
        if input_shape is not None and self._functional is None:
            if not self._stack:
                raise GraphError(f"Sequential {self.name!r} is empty: add a layer first.")
            first = self._stack[0]
            dtype = self._first_dtype or first.expected_dtype or first.compute_dtype
            known = self._first_dtype or first.expected_dtype or is_float(dtype)
            self._start = Input(
                batch_shape=(None, *tuple(input_shape)[1:]), dtype=dtype if known else None
            )
            self._rebuild()

    def _specs_for(self, specs: Any) -> Any:
        if isinstance(specs, TensorSpec) and self._stack and self._stack[0].on_host:
            self._first_dtype = specs.dtype  # text, or numbers that floats would round
        return super()._specs_for(specs)

    @property
    def _split(self) -> Any:
        return None if self._functional is None else self._functional._split

    def _compute_front(self, inputs: Any) -> Any:
        return self._functional._compute_front(inputs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if self._functional is not None:
            return self._functional.call(inputs, training=training, mask=mask)
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    def _check_indices(self, x: Any) -> None:
        if self._functional is not None:
            self._functional._check_indices(x)

    @property
    def layers(self) -> list[Layer]:
        """The layers from bottom to top, without the input."""
        return list(self._stack)

    @property
    def input_dtype(self) -> str | None:
        """None where there is an `Input`, which says it; else the type of the computation."""
        return super().input_dtype if self._start is None else None

    def get_config(self) -> dict:
        start = [] if self._start is None else [self._start.node.attrs["layer"]]
        config = {
            **Layer.get_config(self),
            "layers": [registry.serialize(layer) for layer in (*start, *self._stack)],
        }
        if self._start is not None:
            config["build_input_shape"] = list(self._start.shape)
        return config

    @classmethod
    def from_config(cls, config: dict) -> Any:
        models = {"Sequential": Sequential, "Functional": Functional}
        layers = [rebuild_layer(c, models) for c in config["layers"]]
        return cls(layers, trainable=config.get("trainable", True), name=config.get("name"))

    def _require_functional(self) -> Functional:
        if self._functional is None:
            raise GraphError(
                f"Sequential {self.name!r} does not know its input yet: begin with an Input, call "
                "it on "
                "data, or build(input_shape)."
            )
        return self._functional

    @property
    def inputs(self) -> list[Tensor]:
        """The symbolic input in a list."""
        return self._require_functional().inputs

    @property
    def outputs(self) -> list[Tensor]:
        """The symbolic output in a list."""
        return self._require_functional().outputs

    @property
    def input(self) -> Tensor:
        """The symbolic input."""
        return self._require_functional().input

    @property
    def output(self) -> Tensor:
        """The symbolic output."""
        return self._require_functional().output

    @property
    def input_shape(self) -> Any:
        """The shape of the input."""
        return self._require_functional().input_shape

    @property
    def output_shape(self) -> Any:
        """The shape of the output."""
        return self._require_functional().output_shape

    @property
    def input_names(self) -> list[str]:
        """The input's name in a list."""
        return self._require_functional().input_names

    @property
    def output_names(self) -> list[str]:
        """The output's name in a list."""
        return self._require_functional().output_names


def _described(thing: Any) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__}; write {thing.__name__}(...)"
    return type(thing).__name__


_MODELS["Sequential"] = INNER["Sequential"] = Sequential
