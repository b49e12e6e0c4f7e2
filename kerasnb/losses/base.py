"""`Loss`: one number from targets, predictions and weights; and how shapes are brought together.

Imports ops and what lies below. Metrics use the same rules for shapes and weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, ClassVar

from kerasnb import config, naming, ops, registry, tree
from kerasnb.config.policy import policy_of
from kerasnb.errors import ShapeError, unknown
from kerasnb.spec import broadcast_shapes, check_dtype
from kerasnb.tensor import Operators, Tensor, as_tensor, mask_of

__all__ = [
    "Loss",
    "LossFunctionWrapper",
    "broadcasts_to",
    "comparable",
    "convert",
    "dtype_name",
    "match_ranks",
    "reduce_values",
    "same_shape",
    "serialize_function",
    "spread_weights",
    "weights_from_mask",
]

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


class Loss:
    """A function to minimise: the mean over the batch of what `call` gives for each sample.

    A subclass defines ``call(y_true, y_pred)``, written in `kerasnb.ops`, with one value per sample
    (and per time step or pixel, where there are such). Its gradient needs nothing more.

    Args:
        name: for logs; made from the class name if not given.
        reduction: ``"sum_over_batch_size"`` or ``"mean"`` (the sum divided by the number of
            values), ``"sum"``, ``"mean_with_sample_weight"`` (the weighted sum divided by the sum
            of the weights), or ``"none"`` or None (all values).
        dtype: of the computation; `floatx` if not given.

    Raises:
        ArgumentError: `reduction` is none of these.

    Example:
        >>> import kerasnb
        >>> class Quartic(kerasnb.losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return kerasnb.ops.mean((y_true - y_pred) ** 4, axis=-1)
        >>> float(Quartic()([[0.0, 1.0]], [[2.0, 1.0]]))
        8.0
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ):
        if reduction is not None and reduction not in REDUCTIONS:
            raise unknown(f"reduction of {type(self).__name__}", reduction, REDUCTIONS)
        self.name = name or naming.auto_name(naming.snake_case(type(self).__name__))
        self.reduction = reduction
        self._dtype = dtype_name(dtype)

    @property
    def dtype(self) -> str:
        """The data type in which the loss is computed."""
        return self._dtype

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The loss of each sample. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define call(y_true, y_pred).")

    def compute_mask(self, y_true: Any, y_pred: Any) -> Tensor | None:
        """Which values of `call` count; None for all. The mean is taken over those that count."""
        return None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The reduced loss.

        Args:
            y_true: targets.
            y_pred: predictions; the mask that a layer left on them leaves values out.
            sample_weight: one weight per sample, or per value that `call` gives.

        Raises:
            ShapeError: the shapes do not fit together.
        """
        masks = [mask_of(y_pred)]
        y_true, y_pred = convert(y_true, self._dtype), convert(y_pred, self._dtype)
        values = as_tensor(self.call(y_true, y_pred), self._dtype)
        if sample_weight is not None:
            sample_weight = as_tensor(sample_weight, self._dtype)
        masks = [m for m in (*masks, self.compute_mask(y_true, y_pred)) if m is not None]
        if masks:
            mask = reduce(ops.logical_and, masks)
            sample_weight = weights_from_mask(mask, sample_weight, self.reduction, self._dtype)
        if sample_weight is not None:
            values, sample_weight = spread_weights(values, sample_weight, f"Loss {self.name!r}")
            values = values * sample_weight
        return reduce_values(values, sample_weight, self.reduction)

    def get_config(self) -> dict:
        """The arguments that make a loss like this one, as data that JSON can hold."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict) -> Loss:
        """A new loss from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class LossFunctionWrapper(Loss):
    """The loss that a function ``fn(y_true, y_pred, **kwargs)`` gives for each sample.

    Args:
        fn: gives one value per sample.
        reduction: as in `Loss`.
        name: for logs; the function's name if not given.
        dtype: of the computation; `floatx` if not given.
        kwargs: passed on to `fn`.
    """

    # arguments that Keras leaves out of the configuration: written only where they differ
    _unwritten: ClassVar[dict] = {}

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self._kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The function's value."""
        if isinstance(y_true, Operators) and isinstance(y_pred, Operators):
            y_true, y_pred = match_ranks(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._kwargs)

    def get_config(self) -> dict:
        own = {
            key: value
            for key, value in self._kwargs.items()
            if key not in self._unwritten or value != self._unwritten[key]
        }
        if type(self) is LossFunctionWrapper:
            own = {"fn": serialize_function(self.fn), **own}
        return {**super().get_config(), **own}


# How shapes and weights are brought together


def dtype_name(dtype: Any) -> str:
    """The name of a data type given as a name, a type or a policy; `floatx` for None."""
    if isinstance(dtype, str) and dtype.startswith("mixed_"):
        dtype = policy_of(dtype)
    return check_dtype(config.floatx() if dtype is None else getattr(dtype, "compute_dtype", dtype))


def serialize_function(fn: Callable) -> Any:
    """A function as data that JSON can hold; Keras writes those of its own like this."""
    if fn.__module__.split(".")[0] != "kerasnb":
        return registry.serialize(fn)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": fn.__name__,
        "registered_name": "function",
    }


def convert(value: Any, dtype: str) -> Any:
    """`value` as a tensor; dictionaries, and lists that hold arrays, leaf by leaf.

    A list of numbers is one array, as in ``loss([0, 1], [0.2, 0.9])``.
    """
    if isinstance(value, dict):
        return {key: convert(item, dtype) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and any(hasattr(v, "shape") for v in tree.flatten(value)):
        items = [convert(item, dtype) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return as_tensor(value, dtype)


def match_ranks(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """`a` and `b` with ranks made equal, where one has a last axis of length 1 more than the other.

    **Shape**: (N, 1) and (N,) -> (N, 1) both; (N, T, 1) and (N, T) -> (N, T) both.
    """
    if b.ndim > a.ndim:
        return match_ranks(b, a)[::-1]
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, ops.expand_dims(b, -1)) if b.ndim == 1 else (ops.squeeze(a, -1), b)
    return a, b


def same_shape(a: tuple, b: tuple) -> bool:
    """Whether two shapes are equal, or may turn out to be where a dimension is unknown."""
    return len(a) == len(b) and all(m == n or None in (m, n) for m, n in zip(a, b, strict=True))


def broadcasts_to(shape: tuple, target: tuple) -> bool:
    """Whether a tensor of `shape` can be repeated to fill `target`."""
    try:
        return broadcast_shapes(shape, target) == target
    except ShapeError:
        return False


def comparable(a: tuple, b: tuple) -> bool:
    """Whether targets and predictions of these shapes can be compared element by element.

    Shapes of one rank may broadcast. Ranks that differ would broadcast samples against features, so
    only a single number may have another.
    """
    try:
        broadcast_shapes(a, b)
    except ShapeError:
        return False
    return len(a) == len(b) or not a or not b


def spread_weights(values: Tensor, weights: Tensor, what: str) -> tuple[Tensor, Tensor]:
    """`values` and `weights` of one rank, ready to be multiplied.

    Weights with fewer axes belong to the leading ones: (N,) weights each sample of (N, T).

    Args:
        values: one per sample, time step, …
        weights: one per sample, or one per value, or anything that broadcasts to the values.
        what: whose weights they are, for the error.

    Raises:
        ShapeError: the weights do not broadcast to the values.
    """
    values, weights = match_ranks(values, weights)
    if values.ndim == 0:  # one value for the whole batch: every weight multiplies it, as in Keras
        return values, weights
    leading = weights.shape + (1,) * (values.ndim - weights.ndim)
    for shape in (leading, weights.shape):
        if broadcasts_to(shape, values.shape):
            return values, ops.reshape(weights, shape)
    raise ShapeError(
        f"{what}: expected sample_weight of shape {values.shape[:1]} (one per sample) or "
        f"{values.shape} (one per value), got {weights.shape}."
    )


def weights_from_mask(
    mask: Any, sample_weight: Tensor | None, reduction: str | None, dtype: str
) -> Tensor:
    """Weights that leave out what `mask` leaves out, and keep a mean the mean of the rest.

    Args:
        mask: true where a value counts.
        sample_weight: other weights, or None.
        reduction: of the loss; a mean divides by the number of all values: the weights undo that.
        dtype: of the result.
    """
    mask = ops.cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        mask = mask * ops.divide_no_nan(float(mask.size or 1), ops.sum(mask))
    if sample_weight is None:
        return mask
    mask, sample_weight = spread_weights(mask, sample_weight, "mask")
    return mask * sample_weight


def reduce_values(values: Tensor, weights: Tensor | None, reduction: str | None) -> Tensor:
    """Weighted `values` reduced to one number; all of them for ``"none"`` and None."""
    if reduction in (None, "none") or values.ndim == 0:
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and weights is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(weights))
    return ops.mean(values)
