"""The two libraries behind one small interface: tensors in, arrays out, and gradients."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["Own", "Peer"]


class Side:
    """A library that the table runs under; `keras` is its namespace."""

    def __init__(self, keras: Any):
        self.keras = keras

    def tensor(self, array: Any) -> Any:
        """Return `array` as a tensor of the library."""
        return self.keras.ops.convert_to_tensor(array)

    def array(self, tensor: Any) -> np.ndarray:
        """Return a tensor, a variable or a number as a NumPy array."""
        return np.array(self.keras.ops.convert_to_numpy(tensor))

    def dtype(self, tensor: Any) -> str:
        """Return the name of the data type of a tensor."""
        return str(tensor.dtype).removeprefix("torch.")

    def mask(self, tensor: Any) -> Any:
        """Return the mask that lies on a tensor, or None."""
        raise NotImplementedError

    def gradients(
        self, function: Callable[..., Any], tensors: Sequence[Any], variables: Sequence[Any] = ()
    ) -> list[np.ndarray]:
        """Return the gradients of ``function(*tensors)``, zeros where it depends on nothing."""
        sources = [*tensors, *variables]
        found = self._gradients(function, list(tensors), list(variables))
        return [
            np.zeros(tuple(source.shape), "float32") if g is None else self.array(g)
            for source, g in zip(sources, found, strict=True)
        ]

    def _gradients(self, function: Callable[..., Any], tensors: list, variables: list) -> list:
        raise NotImplementedError


class Own(Side):
    """kerasnb."""

    def __init__(self):
        super().__init__(importlib.import_module("kerasnb"))

    def mask(self, tensor):
        return importlib.import_module("kerasnb.tensor").mask_of(tensor)

    def _gradients(self, function, tensors, variables):
        with self.keras.GradientTape() as tape:
            loss = function(*tensors)
        return tape.gradient(loss, tensors + variables)


class Peer(Side):
    """Keras 3 on torch or jax, as the environment variable KERAS_BACKEND says."""

    def __init__(self):
        super().__init__(importlib.import_module("keras"))
        self.backend = self.keras.backend.backend()
        self.library = importlib.import_module(self.backend)
        self._gradients = {"torch": self._torch_gradients, "jax": self._jax_gradients}[self.backend]

    def array(self, tensor):
        if self.backend == "torch" and hasattr(tensor, "detach"):
            tensor = tensor.detach()
        return super().array(tensor)

    def mask(self, tensor):
        return importlib.import_module("keras.src.backend").get_keras_mask(tensor)

    def _torch_gradients(self, function, tensors, variables):
        tensors = [tensor.clone().detach().requires_grad_(True) for tensor in tensors]
        loss = function(*tensors)
        sources = tensors + [variable.value for variable in variables]
        if not loss.requires_grad:
            return [None] * len(sources)
        return self.library.autograd.grad(loss, sources, allow_unused=True)

    def _jax_gradients(self, function, tensors, variables):
        def stateless(tensors, values):
            mapping = list(zip(variables, values, strict=True))
            with self.keras.StatelessScope(state_mapping=mapping):
                return function(*tensors)

        values = [variable.value for variable in variables]
        grads = self.library.grad(stateless, argnums=(0, 1))(tensors, values)
        return [*grads[0], *grads[1]]
