"""Layers that bring features to one scale. Imports base, common and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb import config, constraints, initializers, ops, regularizers
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_axis, check_between, check_whole, label
from kerasnb.spec import promote
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

__all__ = [
    "BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization",
    "UnitNormalization",
]  # fmt: skip

SCALE_AND_CENTER = (
    "epsilon", "center", "scale", "beta_initializer", "gamma_initializer", "beta_regularizer",
    "gamma_regularizer", "beta_constraint", "gamma_constraint",
)  # fmt: skip


class Normalization(Layer):
    """Base of the layers that end with a trained scale `gamma` and offset `beta`."""

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma = self.beta = None

    def add_scale_and_center(self, shape: tuple) -> None:
        """Make `gamma` and `beta`, as far as they are wanted."""
        if None in shape:
            raise ShapeError(
                f"{label(self)}: the normalised axes must be known, got lengths {shape}. "
                "Give them in Input(shape=...)."
            )
        if self.scale:
            self.gamma = self.add_weight(
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
                name="beta",
            )

    def normalize(self, x: Tensor, mean: Any, variance: Any, shape: Sequence[int]) -> Tensor:
        """``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, the weights in `shape`."""
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * _as_wide(self.gamma, x, shape)
        y = (x - mean) * factor
        return y if self.beta is None else y + _as_wide(self.beta, x, shape)


class BatchNormalization(Normalization):
    """Each channel with mean 0 and variance 1 over the batch, then scaled and shifted by weights.

    In training with the statistics of the batch, which also move the moving averages; otherwise,
    and whenever `trainable` is False, with the moving averages.

    Args:
        axis: of the channels.
        momentum: how much of the moving averages is kept at each step, 0 to 1.
        epsilon: added to the variance.
        center: whether to add `beta`.
        scale: whether to multiply by `gamma`.
        beta_initializer: of `beta`.
        gamma_initializer: of `gamma`.
        moving_mean_initializer: of the moving mean.
        moving_variance_initializer: of the moving variance.
        beta_regularizer: a penalty on `beta`.
        gamma_regularizer: a penalty on `gamma`.
        beta_constraint: applied to `beta` after each update.
        gamma_constraint: applied to `gamma` after each update.
        renorm: must be False: batch renormalisation is not supported.
        renorm_clipping: accepted because Keras writes it.
        renorm_momentum: accepted because Keras writes it.
        synchronized: makes no difference: there is one device.

    Raises:
        ArgumentError: `momentum` is out of range, or `renorm` is true.
        ShapeError: the input has no such axis, or other channels than the layer was built for.

    Shape:
        the input's.

    Source: Ioffe and Szegedy (2015), "Batch normalization: accelerating deep network training by
        reducing internal covariate shift", arXiv:1502.03167.
    """

    supports_masking = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        if renorm:
            raise ArgumentError(
                f"{label(self)}: renorm must be False: batch renormalisation is not supported."
            )
        self.axis = axis
        self.momentum = check_between(self, "momentum", momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm, self.renorm_clipping = False, renorm_clipping
        self.renorm_momentum, self.synchronized = renorm_momentum, synchronized

    def build(self, input_shape: tuple) -> None:
        shape = (input_shape[check_axis(self, "axis", self.axis, input_shape)],)
        self.add_scale_and_center(shape)
        self.moving_mean = self.add_weight(
            shape=shape,
            initializer=self.moving_mean_initializer,
            trainable=False,
            autocast=False,
            name="moving_mean",
        )
        self.moving_variance = self.add_weight(
            shape=shape,
            initializer=self.moving_variance_initializer,
            trainable=False,
            autocast=False,
            name="moving_variance",
        )

    def call(self, inputs: Tensor, training: bool = False, mask: Any = None) -> Tensor:
        """The normalised input.

        Args:
            inputs: of any rank.
            training: whether to take the statistics of the batch.
            mask: of the input's shape without its last axis: the statistics leave out the rest.
        """
        axis = check_axis(self, "axis", self.axis, inputs.shape)
        if mask is not None and len(mask.shape) != inputs.ndim - 1:
            raise ShapeError(
                f"{label(self)}: expected a mask with one axis less than the input "
                f"{inputs.shape}, got {tuple(mask.shape)}."
            )
        channels = self.moving_mean.shape[0]
        if inputs.shape[axis] not in (channels, None):
            raise ShapeError(
                f"{label(self)}: expected {channels} channels in axis {axis}, got input "
                f"{inputs.shape}. Change the preceding layer or axis."
            )
        x = _wide(inputs)
        # (C,) -> (1, ..., C, ..., 1)
        shape = tuple(channels if i == axis else 1 for i in range(x.ndim))
        if training and self.trainable:
            others = [i for i in range(x.ndim) if i != axis]
            mean, variance = (
                ops.moments(x, others, keepdims=True)
                if mask is None
                else _masked_moments(x, mask, others)
            )
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance)
        else:
            mean = _as_wide(self.moving_mean, x, shape)
            variance = _as_wide(self.moving_variance, x, shape)
        return ops.cast(self.normalize(x, mean, variance, shape), self.compute_dtype)

    def _move(self, average: Variable, value: Tensor) -> None:
        value = ops.reshape(value, average.shape)
        average.assign(average * self.momentum + value * (1.0 - self.momentum))

    def get_config(self) -> dict:
        own = attributes(
            self,
            "axis",
            "momentum",
            *SCALE_AND_CENTER,
            "moving_mean_initializer",
            "moving_variance_initializer",
            "synchronized",
            "renorm",
            "renorm_clipping",
            "renorm_momentum",
        )
        return {**super().get_config(), **own}


def _masked_moments(x: Tensor, mask: Any, axes: list[int]) -> tuple[Tensor, Tensor]:
    """Mean and variance of what `mask` leaves; with Keras's epsilon, so that nothing gives 0."""
    counts = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), x.shape)
    number = ops.sum(ops.cast(counts, x.dtype), axes, keepdims=True) + config.epsilon()
    mean = ops.sum(ops.where(counts, x, 0.0), axes, keepdims=True) / number
    squares = ops.where(counts, (x - mean) ** 2, 0.0)
    return mean, ops.sum(squares, axes, keepdims=True) / number


class LayerNormalization(Normalization):
    """Each sample with mean 0 and variance 1 over `axis`, then scaled and shifted by weights.

    Args:
        axis: over which, or several axes.
        epsilon: added to the variance.
        center: whether to add `beta`.
        scale: whether to multiply by `gamma`.
        beta_initializer: of `beta`.
        gamma_initializer: of `gamma`.
        beta_regularizer: a penalty on `beta`.
        gamma_regularizer: a penalty on `gamma`.
        beta_constraint: applied to `beta` after each update.
        gamma_constraint: applied to `gamma` after each update.
        rms_scaling: must be False; accepted because Keras writes it.

    Raises:
        ArgumentError: `rms_scaling` is true.
        ShapeError: the input has no such axis.

    Shape:
        the input's.

    Source: Ba, Kiros and Hinton (2016), "Layer normalization", arXiv:1607.06450.
    """

    supports_masking = True

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        if rms_scaling:
            raise ArgumentError(f"{label(self)}: rms_scaling must be False: it is not supported.")
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.rms_scaling = False
        self.autocast = False  # inputs keep their digits; the result is converted

    def build(self, input_shape: tuple) -> None:
        # from here on a sorted list, as in Keras
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        axes = [check_axis(self, "axis", a, input_shape) for a in self.axis]
        self.add_scale_and_center(tuple(input_shape[a] for a in axes))

    def call(self, inputs: Tensor) -> Tensor:
        axes = [check_axis(self, "axis", a, inputs.shape) for a in self.axis]
        x = _wide(inputs)
        mean, variance = ops.moments(x, axes, keepdims=True)
        shape = tuple(d if i in axes else 1 for i, d in enumerate(x.shape))
        return ops.cast(self.normalize(x, mean, variance, shape), self.compute_dtype)

    def get_config(self) -> dict:
        own = attributes(self, "axis", *SCALE_AND_CENTER, "rms_scaling")
        return {**super().get_config(), **own}


class GroupNormalization(Normalization):
    """Each group of channels of a sample with mean 0 and variance 1, then scaled and shifted.

    Args:
        groups: the number of groups, a divisor of the channels; -1 makes each channel one.
        axis: of the channels.
        epsilon: added to the variance.
        center: whether to add `beta`.
        scale: whether to multiply by `gamma`.
        beta_initializer: of `beta`.
        gamma_initializer: of `gamma`.
        beta_regularizer: a penalty on `beta`.
        gamma_regularizer: a penalty on `gamma`.
        beta_constraint: applied to `beta` after each update.
        gamma_constraint: applied to `gamma` after each update.

    Raises:
        ShapeError: the channels do not divide into so many groups.

    Shape:
        the input's.

    Source: Wu and He (2018), "Group normalization", arXiv:1803.08494.
    """

    supports_masking = True

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.autocast = False  # inputs keep their digits; the result is converted
        self.groups = -1 if groups == -1 else check_whole(self, "groups", groups)
        self.axis = axis

    def build(self, input_shape: tuple) -> None:
        channels = input_shape[check_axis(self, "axis", self.axis, input_shape)]
        self.add_scale_and_center((channels,))
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ShapeError(
                f"{label(self)}: expected channels that divide into groups={self.groups}, got "
                f"{channels} in an input of shape {tuple(input_shape)}."
            )

    def call(self, inputs: Tensor) -> Tensor:
        axis = check_axis(self, "axis", self.axis, inputs.shape)
        x, members = _wide(inputs), inputs.shape[axis] // self.groups
        # (N, ..., C, ...) -> (N, ..., groups, members, ...)
        split = (*x.shape[:axis], self.groups, members, *x.shape[axis + 1 :])
        x = ops.reshape(x, split)
        inside = [i for i in range(1, x.ndim) if i != axis]
        mean, variance = ops.moments(x, inside, keepdims=True)
        shape = tuple(d if i in (axis, axis + 1) else 1 for i, d in enumerate(split))
        y = self.normalize(x, mean, variance, shape)
        # (N, ..., groups, members, ...) -> (N, ..., C, ...)
        return ops.cast(ops.reshape(y, inputs.shape), self.compute_dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "groups", "axis", *SCALE_AND_CENTER)}


class RMSNormalization(Layer):
    """Each sample divided by the root of its mean square over `axis`, then scaled by weights.

    Args:
        axis: over which, or several axes.
        epsilon: added to the mean square.

    Shape:
        the input's.

    Source: Zhang and Sennrich (2019), "Root mean square layer normalization", arXiv:1910.07467.
    """

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.epsilon = epsilon

    def build(self, input_shape: tuple) -> None:
        # from here on a sorted list, as in Keras
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        axes = [check_axis(self, "axis", a, input_shape) for a in self.axis]
        shape = tuple(input_shape[a] for a in axes)
        if None in shape:
            raise ShapeError(
                f"{label(self)}: the normalised axes must be known, got lengths {shape}. "
                "Give them in Input(shape=...)."
            )
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale")

    def call(self, inputs: Tensor) -> Tensor:
        axes = [check_axis(self, "axis", a, inputs.shape) for a in self.axis]
        x = _wide(inputs)
        mean = ops.mean(ops.square(x), axis=axes, keepdims=True)
        shape = tuple(d if i in axes else 1 for i, d in enumerate(x.shape))
        y = x * ops.rsqrt(mean + self.epsilon) * _as_wide(self.scale, x, shape)
        return ops.cast(y, inputs.dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "axis", "epsilon")}


class UnitNormalization(Layer):
    """Each sample divided by its Euclidean length over `axis`.

    Args:
        axis: over which, or several axes.

    Shape:
        the input's.
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis

    def call(self, inputs: Tensor) -> Tensor:
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "axis")}


def _wide(x: Tensor) -> Tensor:
    """`x` in at least float32: sums of squares overflow float16 above 65504."""
    return ops.cast(x, promote(x.dtype, "float32"))


def _as_wide(weight: Variable, x: Tensor, shape: Sequence[int]) -> Tensor:
    return ops.reshape(ops.cast(weight, x.dtype), shape)
