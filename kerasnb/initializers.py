"""First values of weights: callables ``(shape, dtype)`` that return a tensor.

A custom one is a function, or a subclass of `Initializer` that defines `__call__`, and `get_config`
if it takes arguments. Imports random, ops and registry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import backends, config, random, registry
from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.naming import snake_case
from kerasnb.ops import creation
from kerasnb.tensor import Tensor

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity",
    "IdentityInitializer", "Initializer", "LecunNormal", "LecunUniform", "Ones", "Orthogonal",
    "OrthogonalInitializer", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
    "Zeros", "constant", "deserialize", "get", "glorot_normal", "glorot_uniform", "he_normal",
    "he_uniform", "identity", "lecun_normal", "lecun_uniform", "ones", "orthogonal",
    "random_normal", "random_uniform", "serialize", "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip


class Initializer:
    """A recipe for first values. Subclasses define `__call__`.

    Example:
        >>> class Alternating(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return creation.arange(math.prod(shape), dtype=dtype).reshape(shape) % 2
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        """The values: a tensor of `shape` and `dtype` (`floatx` if None)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype=None).")

    def get_config(self) -> dict:
        """The arguments to make it again."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Initializer:
        """An initializer from what `get_config` returned."""
        return cls(**config)

    def clone(self) -> Initializer:
        """Another of the same class and arguments."""
        return type(self).from_config(self.get_config())


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        return creation.zeros(shape, dtype)


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        return creation.ones(shape, dtype)


class Constant(Initializer):
    """The same value everywhere.

    Args:
        value: a number, or an array that broadcasts to the shape.
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        return creation.full(shape, self.value, dtype or config.floatx())

    def get_config(self) -> dict:
        return {"value": registry.serialize(self.value)}


class Identity(Initializer):
    """The identity matrix, scaled.

    Args:
        gain: the value on the diagonal.

    Shape: two axes; where they differ, the rest is 0.
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        if len(shape) != 2:
            raise ShapeError(f"Identity: expected a shape with two axes, got {tuple(shape)}.")
        return creation.eye(*shape, dtype=dtype or config.floatx()) * self.gain

    def get_config(self) -> dict:
        return {"gain": self.gain}


class RandomInitializer(Initializer):
    """The base of those that draw random numbers.

    Args:
        seed: an integer, or None for one drawn now: either way each call with one shape returns the
            same values. A `random.SeedGenerator` gives new ones every time.
    """

    def __init__(self, seed: int | random.SeedGenerator | None = None):
        self._given_seed = seed
        self.seed = random.default_seed() if seed is None else seed

    def get_config(self) -> dict:
        return {"seed": registry.serialize(self._given_seed)}

    @classmethod
    def from_config(cls, config: dict) -> RandomInitializer:
        seed = config.get("seed")
        if isinstance(seed, dict):
            choices = {"SeedGenerator": random.SeedGenerator}
            config = {**config, "seed": registry.deserialize(seed, choices, "seed generator")}
        return cls(**config)


class RandomNormal(RandomInitializer):
    """Numbers from a normal distribution.

    Args:
        mean: its centre.
        stddev: its standard deviation.
        seed: see `RandomInitializer`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Numbers from a normal distribution, none further than two `stddev` from `mean`.

    Args:
        mean: its centre.
        stddev: its standard deviation before truncation.
        seed: see `RandomInitializer`.
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class RandomUniform(RandomInitializer):
    """Numbers spread evenly over ``[minval, maxval)``.

    Args:
        minval: lower bound.
        maxval: upper bound.
        seed: see `RandomInitializer`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self) -> dict:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


class VarianceScaling(RandomInitializer):
    """Random numbers with variance `scale` over the number of connections of a unit.

    Args:
        scale: above 0.
        mode: which connections: ``"fan_in"``, ``"fan_out"``, or ``"fan_avg"``, their mean.
        distribution: ``"truncated_normal"`` (at two standard deviations; ``"normal"`` is the same),
            ``"untruncated_normal"``, or ``"uniform"``.
        seed: see `RandomInitializer`.
        input_axes: the axes of the weight whose product is the fan in; only with `output_axes`.
        output_axes: the axes whose product is the fan out. By default the last axis is the output,
            the one before the input, and the others, the window of a convolution, count for both.

    Raises:
        ArgumentError: `scale`, `mode` or `distribution` is none of these.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(seed)
        if scale <= 0:
            raise ArgumentError(f"VarianceScaling: scale must be above 0, got {scale}.")
        if mode not in MODES:
            raise unknown("mode", mode, MODES)
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in DISTRIBUTIONS:
            raise unknown("distribution", distribution, DISTRIBUTIONS)
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        fan_in, fan_out = _fans(tuple(shape), self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(fan, 1.0))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * stddev  # a uniform distribution over ±a has variance a²/3
            return random.uniform(shape, -limit, limit, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype, self.seed)
        return random.truncated_normal(shape, 0.0, stddev / _TRUNCATED, dtype, self.seed)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


# the standard deviation that is left of 1 after truncation at ±2:
# sqrt(1 - 4 φ(2) / (Φ(2) - Φ(-2))), φ and Φ the normal density and distribution function
_TRUNCATED = 0.87962566103423978


class _NamedScaling(VarianceScaling):
    """A `VarianceScaling` whose first three arguments are fixed."""

    fixed: tuple = ()

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(*self.fixed, seed, input_axes, output_axes)

    def get_config(self) -> dict:
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_NamedScaling):
    """Uniform over ±sqrt(6 / (fan_in + fan_out)).

    Source: X. Glorot and Y. Bengio (2010), "Understanding the difficulty of training deep
        feedforward neural networks", PMLR 9.
    """

    fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal with standard deviation sqrt(2 / (fan_in + fan_out)).

    Source: X. Glorot and Y. Bengio (2010), "Understanding the difficulty of training deep
        feedforward neural networks", PMLR 9.
    """

    fixed = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform over ±sqrt(6 / fan_in), for layers before a ReLU.

    Source: K. He, X. Zhang, S. Ren and J. Sun (2015), "Delving deep into rectifiers",
        arXiv:1502.01852.
    """

    fixed = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal with standard deviation sqrt(2 / fan_in), for layers before a ReLU.

    Source: K. He, X. Zhang, S. Ren and J. Sun (2015), "Delving deep into rectifiers",
        arXiv:1502.01852.
    """

    fixed = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform over ±sqrt(3 / fan_in).

    Source: Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller (1998), "Efficient BackProp".
    """

    fixed = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal with standard deviation sqrt(1 / fan_in).

    Source: Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller (1998), "Efficient BackProp".
    """

    fixed = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A random matrix whose rows (or columns, if fewer) are orthogonal and of length `gain`.

    Args:
        gain: factor on the matrix.
        seed: see `RandomInitializer`.

    Shape: two axes or more; all but the last count as the rows.

    Source: A. M. Saxe, J. L. McClelland and S. Ganguli (2013), "Exact solutions to the nonlinear
        dynamics of learning in deep linear neural networks", arXiv:1312.6120.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        if len(shape) < 2:
            raise ShapeError(f"Orthogonal: expected two axes or more, got shape {tuple(shape)}.")
        dtype = dtype or config.floatx()
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        work = "float64" if dtype == "float64" else "float32"
        q, r = np.linalg.qr(random.normal(tall, dtype=work, seed=self.seed).numpy())
        # without the signs, q would depend on how the factorization was done and not be uniform
        q *= np.where(np.diagonal(r) < 0, -self.gain, self.gain).astype(work)
        q = (q if rows >= columns else q.T).reshape(shape)
        return Tensor(backends.current().asarray(np.ascontiguousarray(q), dtype))

    def get_config(self) -> dict:
        return {**super().get_config(), "gain": self.gain}


def get(identifier: Any) -> Any:
    """The initializer that `identifier` names.

    Args:
        identifier: a name (``"he_normal"``), a configuration, a class, or a callable, returned as
            it is.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
    """
    return registry.resolve(identifier, _CHOICES, "initializer")


def serialize(initializer: Any) -> Any:
    """The initializer as plain data."""
    return registry.serialize(initializer)


def deserialize(config: Any) -> Any:
    """The initializer, or its class, from a configuration or a name."""
    return registry.deserialize(config, _CHOICES, "initializer")


def _fans(
    shape: tuple, input_axes: Sequence[int] | None, output_axes: Sequence[int] | None
) -> tuple[int, int]:
    """How many inputs feed one unit of a weight, and how many units one input feeds."""
    if input_axes is not None and output_axes is not None:
        return tuple(math.prod(shape[a] for a in axes) for axes in (input_axes, output_axes))
    if len(shape) < 2:
        return (shape[0],) * 2 if shape else (1, 1)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


_CLASSES = (
    Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, LecunNormal, LecunUniform,
    Ones, Orthogonal, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling, Zeros,
)  # fmt: skip
_CHOICES = {
    **{name: cls for cls in _CLASSES for name in (cls.__name__, snake_case(cls.__name__))},
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "normal": RandomNormal,
    "one": Ones,
    "uniform": RandomUniform,
    "zero": Zeros,
}

# the other names under which Keras has them
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
constant, identity, ones, orthogonal, zeros = Constant, Identity, Ones, Orthogonal, Zeros
random_normal, random_uniform = RandomNormal, RandomUniform
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
