"""Layers that disturb or punish what passes, in training only. Imports base, common and random."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops, random, regularizers
from kerasnb.errors import ArgumentError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, channels_last, check_between, check_rank, label
from kerasnb.tensor import Tensor

__all__ = [
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise",
    "SpatialDropout1D", "SpatialDropout2D",
]  # fmt: skip


class Dropout(Layer):
    """In training, the input with a share `rate` of elements set to 0 and the rest scaled up.

    The scale is ``1 / (1 - rate)``, so the expected value of an element stays as it is.

    Args:
        rate: the share to drop, 0 to 1.
        noise_shape: of the choice, which broadcasts to the input: 1 along an axis drops or keeps it
            as a whole; None stands for the input's dimension.
        seed: an integer makes the choices repeatable.

    Raises:
        ArgumentError: `rate` is out of range, or `noise_shape` holds no whole numbers.

    Shape:
        the input's.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), "Dropout: a simple
        way to prevent neural networks from overfitting", JMLR 15.
    """

    supports_masking = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.rate = check_between(self, "rate", rate)
        self.noise_shape = _noise_shape(self, noise_shape)
        self.seed = seed
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self.rate, self._choice_shape(inputs), self.seed_generator)

    def _choice_shape(self, inputs: Tensor) -> Sequence[int | None] | None:
        return self.noise_shape

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "rate", "seed", "noise_shape")}


class AlphaDropout(Dropout):
    """Dropout for networks with ``selu``: elements go to its least value, and the mean and the
    variance stay as they are.

    Args:
        rate: the share to drop, 0 to 1.
        noise_shape: of the choice, which broadcasts to the input; None stands for the input's
            dimension.
        seed: an integer makes the choices repeatable.

    Shape:
        the input's.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter (2017), "Self-normalizing neural networks",
        arXiv:1706.02515.
    """

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        shape = self.noise_shape or inputs.shape
        shape = [n if d is None else d for d, n in zip(shape, inputs.shape, strict=True)]
        kept = random.uniform(shape, seed=self.seed_generator) >= self.rate
        # of mean 0 and variance 1 again: a² ((1 - rate) + rate (1 - rate) least²) = 1
        a = ((1.0 - self.rate) * (1.0 + self.rate * SELU_LEAST**2)) ** -0.5
        return ops.where(kept, inputs, SELU_LEAST) * a - a * SELU_LEAST * self.rate


SELU_LEAST = -1.6732632423543772 * 1.0507009873554805  # what selu comes near to for small inputs


class _SpatialDropout(Dropout):
    """Dropout of whole feature maps."""

    def __init__(self, rate: float, seed: int | None, name: str | None, dtype: Any, **kwargs: Any):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)

    def get_config(self) -> dict:
        # Keras writes these four and no more
        return attributes(self, "rate", "seed", "name", "dtype")


class SpatialDropout1D(_SpatialDropout):
    """In training, sequences with a share `rate` of their channels set to 0 as a whole.

    Args:
        rate: the share to drop, 0 to 1.
        seed: an integer makes the choices repeatable.
        name: of the layer.
        dtype: of the computation.

    Shape:
        ``(N, T, C) -> (N, T, C)``

    Source: Tompson, Goroshin, Jain, LeCun and Bregler (2014), "Efficient object localization using
        convolutional networks", arXiv:1411.4280.
    """

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed, name, dtype, **kwargs)

    def _choice_shape(self, inputs: Tensor) -> Sequence[int | None]:
        check_rank(self, inputs.shape, 3, "(batch, steps, channels)")
        return (None, 1, None)


class SpatialDropout2D(_SpatialDropout):
    """In training, images with a share `rate` of their channels set to 0 as a whole.

    Args:
        rate: the share to drop, 0 to 1.
        data_format: where the channels are; as configured if not given.
        seed: an integer makes the choices repeatable.
        name: of the layer.
        dtype: of the computation.

    Shape:
        ``(N, H, W, C) -> (N, H, W, C)``

    Source: Tompson et al. (2014), arXiv:1411.4280.
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed, name, dtype, **kwargs)
        self.data_format = data_format or config.image_data_format()
        self._last = channels_last(self, self.data_format)

    def _choice_shape(self, inputs: Tensor) -> Sequence[int | None]:
        check_rank(self, inputs.shape, 4, "(batch, height, width, channels)")
        return (None, 1, 1, None) if self._last else (None, None, 1, 1)

    def get_config(self) -> dict:
        return {**super().get_config(), "data_format": self.data_format}


class GaussianNoise(Layer):
    """In training, the input plus normal noise of mean 0.

    Args:
        stddev: the standard deviation of the noise, 0 to 1.
        seed: an integer makes the noise repeatable.

    Shape:
        the input's.
    """

    supports_masking = True

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.stddev = check_between(self, "stddev", stddev)
        self.seed = seed
        if stddev > 0:
            self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.stddev == 0:
            return inputs
        noise = random.normal(inputs.shape, 0.0, self.stddev, inputs.dtype, self.seed_generator)
        return inputs + noise

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "stddev", "seed")}


class GaussianDropout(Layer):
    """In training, the input times normal noise of mean 1 and variance ``rate / (1 - rate)``.

    Args:
        rate: that of a `Dropout` which disturbs as much, 0 to 1.
        seed: an integer makes the noise repeatable.

    Shape:
        the input's.

    Source: Srivastava et al. (2014), section 10, JMLR 15.
    """

    supports_masking = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = check_between(self, "rate", rate)
        self.seed = seed
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        # at rate 1 the variance has no bound
        stddev = math.sqrt(self.rate / (1.0 - self.rate)) if self.rate < 1 else math.inf
        noise = random.normal(inputs.shape, 1.0, stddev, inputs.dtype, self.seed_generator)
        return inputs * noise

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "rate", "seed")}


class ActivityRegularization(Layer):
    """The input as it is, with a penalty on it added to the loss.

    Args:
        l1: weight of the sum of magnitudes, at least 0.
        l2: weight of the sum of squares, at least 0.

    Shape:
        the input's.
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Tensor) -> Tensor:
        return inputs

    def get_config(self) -> dict:
        base = super().get_config()
        base.pop("activity_regularizer", None)  # l1 and l2 say it
        return {**base, **attributes(self, "l1", "l2")}


def _noise_shape(layer: Layer, shape: Sequence[int | None] | None) -> tuple | None:
    if shape is None:
        return None
    if not isinstance(shape, (list, tuple)) or not all(
        d is None or (isinstance(d, int) and d > 0) for d in shape
    ):
        raise ArgumentError(
            f"{label(layer)}: noise_shape must be a tuple of positive whole numbers and None, got "
            f"{shape!r}."
        )
    return tuple(shape)
