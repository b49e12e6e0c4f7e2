"""The layers in daily use: `Dense`, `Embedding`, `Masking`, `Activation`, `Lambda`, `Identity`.

Imports base, common, ops and the families of functions that layers name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnb import activations, constraints, initializers, ops, registry, regularizers
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import (
    attributes,
    check_rank,
    check_whole,
    label,
    refuse_quantization,
)
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["Activation", "Dense", "Embedding", "Identity", "Lambda", "Masking"]


class Dense(Layer):
    """A weighted sum of all features for each unit: ``activation(x @ kernel + bias)``.

    Args:
        units: the number of output features, at least 1.
        activation: a name or a function; none if not given.
        use_bias: whether to add a bias.
        kernel_initializer: of the ``(in, units)`` matrix.
        bias_initializer: of the ``(units,)`` vector.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the output.
        kernel_constraint: applied to the kernel after each update.
        bias_constraint: applied to the bias after each update.
        quantization_config: must be None; accepted because Keras writes it.

    Raises:
        ArgumentError: `units` is no positive whole number.
        ShapeError: the last axis of the input is unknown, or not the one it was built for.

    Shape:
        ``(N, ..., in) -> (N, ..., units)``

    Example:
        >>> import kerasnb
        >>> kerasnb.layers.Dense(3, kernel_initializer="ones")([[1.0, 2.0]]).numpy().tolist()
        [[3.0, 3.0, 3.0]]
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        quantization_config: None = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        refuse_quantization(self, quantization_config)
        self.units = check_whole(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: tuple) -> None:
        check_rank(self, input_shape, 2, "(batch, ..., features)", more=True)
        if input_shape[-1] is None:
            raise ShapeError(
                f"{label(self)}: the last axis of the input {tuple(input_shape)} must be known. "
                "Give its length in Input(shape=...)."
            )
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs: Tensor) -> Tensor:
        features = self.kernel.shape[0]
        if inputs.ndim < 2 or inputs.shape[-1] not in (features, None):
            raise ShapeError(
                f"{label(self)}: expected last axis {features}, got input {inputs.shape}. "
                "Change the preceding layer or units."
            )
        x = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            x = x + self.bias
        return self.activation(x)

    def get_config(self) -> dict:
        own = attributes(
            self,
            "units",
            "activation",
            "use_bias",
            "kernel_initializer",
            "bias_initializer",
            "kernel_regularizer",
            "bias_regularizer",
            "kernel_constraint",
            "bias_constraint",
        )
        return {**super().get_config(), **own, "quantization_config": None}


class Embedding(Layer):
    """The trained vector of each index: row ``i`` of a table where the input is ``i``.

    Args:
        input_dim: the number of rows; indices are ``0 ... input_dim - 1``.
        output_dim: the length of a vector.
        embeddings_initializer: of the ``(input_dim, output_dim)`` table.
        embeddings_regularizer: a penalty on the table.
        embeddings_constraint: applied to the table after each update.
        mask_zero: whether 0 is no index but padding: the output gets a mask that leaves it out.
        weights: the first values of the table.
        quantization_config: must be None; accepted because Keras writes it.

    Raises:
        ArgumentError: a size is no positive whole number.
        ShapeError: an index lies outside the table. Told where the indices are data on the host; in
            a compiled step they are not looked at.

    Shape:
        ``(N, ...) -> (N, ..., output_dim)``, indices of any dtype, converted to int32.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        quantization_config: None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.autocast = False  # float16 has no 2049: indices given as floats keep their digits
        refuse_quantization(self, quantization_config)
        self.input_dim = check_whole(self, "input_dim", input_dim)
        self.output_dim = check_whole(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = bool(mask_zero)
        if weights is not None:
            self.build(())
            alone = isinstance(weights, list) and len(weights) == 1
            self.set_weights(weights if alone else [weights])

    def build(self, input_shape: tuple) -> None:
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs: Tensor) -> Tensor:
        indices = as_tensor(inputs, "int32")
        self.check_indices(indices)
        return ops.cast(ops.take(self.embeddings, indices, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        """True where the index is not 0; None without `mask_zero`."""
        return as_tensor(inputs) != 0 if self.mask_zero else None

    def check_indices(self, indices: Tensor | np.ndarray) -> None:
        """Nothing, if all indices lie in the table, or cannot be looked at cheaply.

        Args:
            indices: only data on the host is looked at: none in a trace, none on a device.

        Raises:
            ShapeError: an index is negative, or at least `input_dim`.
        """
        array = indices.data if isinstance(indices, Tensor) else indices
        if not isinstance(array, np.ndarray) or array.size == 0:
            return
        low, high = array.min(), array.max()
        if low < 0 or high >= self.input_dim:
            raise ShapeError(
                f"{label(self)}: expected indices from 0 to {self.input_dim - 1}, got {low} to "
                f"{high}. Raise input_dim, or change the data."
            )

    def get_config(self) -> dict:
        own = attributes(
            self,
            "input_dim",
            "output_dim",
            "embeddings_initializer",
            "embeddings_regularizer",
            "activity_regularizer",
            "embeddings_constraint",
            "mask_zero",
        )
        return {**super().get_config(), **own, "quantization_config": None}


class Activation(Layer):
    """An activation function applied to each element.

    Args:
        activation: a name or a function.

    Shape:
        the input's.
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "activation")}


class Lambda(Layer):
    """Any function of ops as a layer without weights.

    Args:
        function: ``function(inputs, **arguments)``; it may also take `training` and `mask`.
        output_shape: accepted for Keras's sake; the shape is found by tracing the function.
        mask: the mask of the output, or ``mask(inputs, mask)`` that gives it; none if not given.
        arguments: more keyword arguments for the function.

    Raises:
        ArgumentError: `function` is not callable, or a configuration cannot name it.

    Example:
        >>> import kerasnb
        >>> kerasnb.layers.Lambda(lambda x: x**2)([[1.0, 3.0]]).numpy().tolist()
        [[1.0, 9.0]]
    """

    def __init__(
        self,
        function: Callable,
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise ArgumentError(f"{label(self)}: function must be callable, got {function!r:.80}.")
        self.function = function
        self.output_shape_hint = output_shape
        self.mask = mask
        self.supports_masking = mask is not None
        self.arguments = dict(arguments or {})
        self._passed = {"mask", "training"} & set(inspect.signature(function).parameters)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        given = {"mask": mask, "training": training}
        passed = {name: given[name] for name in self._passed}
        return self.function(inputs, **{**self.arguments, **passed})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """What `mask` says, as it was given or called with the inputs and their mask."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict:
        config = {**super().get_config(), **attributes(self, "function", "arguments")}
        if self.output_shape_hint is not None:
            config["output_shape"] = registry.serialize(self.output_shape_hint)
        if self.mask is not None:
            config["mask"] = registry.serialize(self.mask)
        return config

    @classmethod
    def from_config(cls, config: dict) -> Lambda:
        """A new layer from what `get_config` gave, if its function was registered."""
        config = dict(config)
        function = config["function"]
        if not callable(function):
            name = function.get("config") if isinstance(function, dict) else function
            if isinstance(function, dict) and "lambda" in f"{function['class_name']}{name}":
                raise ArgumentError(
                    f"Lambda {config.get('name')!r}: a configuration cannot hold a Python lambda. "
                    "Write it as a function under kerasnb.saving.register_keras_serializable()."
                )
            config["function"] = registry.deserialize(function, {}, "function")
        if isinstance(config.get("mask"), (dict, str)):
            config["mask"] = registry.deserialize(config["mask"], {}, "function")
        return cls(**config)


class Identity(Layer):
    """The input as it is.

    Shape:
        the input's.
    """

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs


class Masking(Layer):
    """The input with a mask that leaves out the steps at which every feature is `mask_value`.

    These steps become 0.

    Args:
        mask_value: the value that means padding.

    Shape:
        the input's, ``(N, T, ...)``; the mask is the input's shape without its last axis.

    Example:
        >>> import kerasnb
        >>> x = kerasnb.ops.ones((1, 2, 3)) * [[[1.0], [0.0]]]
        >>> kerasnb.layers.Masking().compute_mask(x).numpy().tolist()
        [[True, False]]
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: Tensor) -> Tensor:
        counts = ops.expand_dims(self.compute_mask(inputs), -1)
        return ops.where(counts, inputs, 0.0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor:
        """True where a feature differs from `mask_value`."""
        return ops.any(as_tensor(inputs) != self.mask_value, axis=-1)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "mask_value")}
