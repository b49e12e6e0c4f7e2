"""`SpectralNormalization`: a layer that stretches no vector. Imports wrappers and ops."""

from __future__ import annotations

from typing import Any

from kerasnb import initializers, ops
from kerasnb.errors import ArgumentError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import check_whole, label
from kerasnb.layers.wrappers import Wrapper
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = ["SpectralNormalization"]


class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided by its largest singular value at each training step.

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: how often the estimate of the singular value is bettered at each step.

    Raises:
        ArgumentError: `layer` is no layer, or has neither of these.

    Shape:
        as the layer's.

    Source: Miyato, Kataoka, Koyama and Yoshida (2018), "Spectral normalization for generative
        adversarial networks", arXiv:1802.05957.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.power_iterations = check_whole(self, "power_iterations", power_iterations)

    def build(self, input_shape: tuple) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
        self.kernel = self._kernel()
        self.vector_u = self.add_weight(
            shape=(1, self.kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            dtype=self.kernel.dtype,
            name="vector_u",
        )

    def _kernel(self) -> Variable:
        """The variable of `layer` that is to be normalised."""
        for name in ("kernel", "embeddings"):
            if isinstance(getattr(self.layer, name, None), Variable):
                return getattr(self.layer, name)
        raise ArgumentError(
            f"{label(self)}: {label(self.layer)} has neither a kernel nor embeddings, so there is "
            "nothing to normalise."
        )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if training:
            self._normalize()
        return ops.cast(self.layer(inputs), self.compute_dtype)

    def _normalize(self) -> None:
        present = self.kernel.stored
        matrix = ops.reshape(present, (-1, present.shape[-1]))
        before = u = self.vector_u.stored
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, ops.transpose(matrix)))
            u = _unit(ops.matmul(v, matrix))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.reshape(ops.matmul(ops.matmul(v, matrix), ops.transpose(u)), ())
        nothing = ops.all(ops.equal(present, 0.0))  # a kernel of zeros stays as it is
        self.vector_u.assign(ops.where(nothing, before, u))
        self.kernel.assign(ops.where(nothing, present, present / ops.where(nothing, 1.0, sigma)))

    def get_config(self) -> dict:
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(x: Tensor) -> Tensor:
    """`x` with length 1."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x)), 1e-12))
