"""`Metric`: state that batches are added to, and its result; and means and sums of values.

Imports losses.base (for the rules of shapes and weights), ops and what lies below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from kerasnb import initializers, naming, ops
from kerasnb.errors import ShapeError
from kerasnb.losses.base import (
    broadcasts_to,
    dtype_name,
    match_ranks,
    serialize_function,
    weights_from_mask,
)
from kerasnb.tensor import Tensor, as_tensor, mask_of
from kerasnb.variable import Variable, eager_scope

__all__ = ["Mean", "MeanMetricWrapper", "Metric", "Sum", "samplewise"]


class Metric:
    """A quantity that is followed over batches.

    A subclass makes its state with `add_variable` in `__init__`, adds a batch to it in
    `update_state`, and computes `result` from it, both in `kerasnb.ops` (they run inside the
    compiled step, where tensors have no values yet: no `if` on them).

    Args:
        dtype: of the state and the computation; `floatx` if not given.
        name: for logs; made from the class name if not given.

    Example:
        >>> import kerasnb
        >>> class Largest(kerasnb.metrics.Metric):
        ...     def __init__(self, name="largest"):
        ...         super().__init__(name=name)
        ...         self.top = self.add_variable(shape=(), initializer="zeros", name="top")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.top.assign(kerasnb.ops.maximum(self.top, kerasnb.ops.max(y_pred)))
        ...     def result(self):
        ...         return self.top.value
        >>> float(Largest()([0.0, 0.0], [1.0, 3.0]))
        3.0
    """

    # "up" if more is better, "down" if less is, None if nothing tells; callbacks ask it
    _direction: str | None = None

    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = name or naming.auto_name(naming.snake_case(type(self).__name__))
        self._dtype = dtype_name(dtype)
        self._state: list[tuple[Variable, np.ndarray]] = []  # with the value to go back to

    @property
    def dtype(self) -> str:
        """The data type of the state and the computation."""
        return self._dtype

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A new variable of the metric's state.

        Args:
            shape: its shape, () for a number.
            initializer: its first value, to which `reset_state` goes back.
            dtype: its data type; the metric's if not given.
            name: for people.
        """
        initializer = initializers.get("zeros" if initializer is None else initializer)
        dtype = self._dtype if dtype is None else dtype_name(dtype)
        variable = Variable(initializer, tuple(shape), dtype, trainable=False, name=name)
        variable.path = f"{self.name}/{variable.name}"
        with eager_scope():  # a metric may make its state in its first batch, within a trace
            self._state.append((variable, variable.numpy().copy()))
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """The same as `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name)

    @property
    def variables(self) -> list[Variable]:
        """The state: what `add_variable` made, and what attributes and metrics in them hold."""
        found = {id(variable): variable for variable, _ in self._state}
        for item in _within(vars(self)):
            for variable in item.variables if isinstance(item, Metric) else [item]:
                found.setdefault(id(variable), variable)
        return list(found.values())

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch. Subclasses define it, with ``(y_true, y_pred, sample_weight=None)``."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_state.")

    def result(self) -> Any:
        """The value over all batches so far. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define result().")

    def reset_state(self) -> None:
        """Forget all batches."""
        first = {id(variable): value for variable, value in self._state}
        for item in _within(vars(self)):
            if isinstance(item, Metric):
                item.reset_state()
            elif id(item) not in first:
                item.assign(np.zeros(item.shape, item.dtype))
        for variable, value in self._state:
            variable.assign(value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch, and give the value over all batches so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict:
        """The arguments that make a metric like this one, as data that JSON can hold."""
        return {"name": self.name, "dtype": self._dtype}

    @classmethod
    def from_config(cls, config: dict) -> Metric:
        """A new metric from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class Sum(Metric):
    """The weighted sum of values.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.
    """

    def __init__(self, name: str = "sum", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values.

        Args:
            values: a number, or one or more per sample.
            sample_weight: one weight per sample, or per value.
        """
        values, _ = samplewise(values, sample_weight, ops.sum, self._dtype, self.name)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Tensor:
        """The sum so far; 0 before any batch."""
        return self.total.value


class Mean(Metric):
    """The weighted mean of values.

    Args:
        name: for logs.
        dtype: of the state and the computation; `floatx` if not given.

    Example:
        >>> import kerasnb
        >>> mean = kerasnb.metrics.Mean()
        >>> mean.update_state([1.0, 3.0, 5.0])
        >>> float(mean.result())
        3.0
    """

    def __init__(self, name: str = "mean", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")
        self.count = self.add_variable((), name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values.

        Args:
            values: a number, or one or more per sample; those of one sample count as their mean.
            sample_weight: one weight per sample, or per value.

        Raises:
            ShapeError: the weights do not fit the values.
        """
        values, weights = samplewise(values, sample_weight, ops.mean, self._dtype, self.name)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.sum(ops.ones_like(values) if weights is None else weights))

    def result(self) -> Tensor:
        """The mean so far; 0 before any batch."""
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean over samples of what a function ``fn(y_true, y_pred, **kwargs)`` gives for each.

    Args:
        fn: gives one value per sample, or several.
        name: for logs; made from the class name if not given.
        dtype: of the state and the computation; `floatx` if not given.
        kwargs: passed on to `fn`.
    """

    # arguments that Keras leaves out of the configuration: written only where they differ
    _unwritten: ClassVar[dict] = {}

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ):
        name = name or naming.auto_name(naming.snake_case(type(self).__name__))
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._kwargs = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets.
            y_pred: predictions; the mask that a layer left on them leaves values out.
            sample_weight: one weight per sample, or per value that the function gives.

        Raises:
            ShapeError: the shapes do not fit together.
        """
        mask = mask_of(y_pred)
        if mask is not None:
            if sample_weight is not None:
                sample_weight = as_tensor(sample_weight, self._dtype)
            sample_weight = weights_from_mask(mask, sample_weight, None, self._dtype)
        super().update_state(self._fn(y_true, y_pred, **self._kwargs), sample_weight)

    def get_config(self) -> dict:
        own = {
            key: value
            for key, value in self._kwargs.items()
            if key not in self._unwritten or value != self._unwritten[key]
        }
        if type(self) is MeanMetricWrapper:
            own = {"fn": serialize_function(self._fn), **own}
        return {**super().get_config(), **own}


def samplewise(
    values: Any, weights: Any, reduce: Callable[..., Tensor], dtype: str, name: str
) -> tuple[Tensor, Tensor | None]:
    """Weighted values, and weights, both reduced to one per sample.

    Args:
        values: a number, or one or more per sample.
        weights: for the leading axes of `values`, or None.
        reduce: `ops.mean` or `ops.sum`.
        dtype: of the results.
        name: of the metric, for the error.

    **Shape**: (N, …) with weights of (N, …) or fewer axes -> (N,) and (N,); a single weight takes
    all values for one.

    Raises:
        ShapeError: the weights do not fit.
    """
    values = as_tensor(values, dtype)
    if weights is not None:
        values, weights = match_ranks(values, as_tensor(weights, dtype))
        fitting = values.shape[: weights.ndim]
        if weights.ndim > values.ndim or not broadcasts_to(weights.shape, fitting):
            raise ShapeError(
                f"Metric {name!r}: expected sample_weight of shape {values.shape[:1]} (one per "
                f"sample) or {values.shape} (one per value), got {weights.shape}."
            )
        values = _reduced(values, weights.ndim, reduce) * weights
        weights = _reduced(ops.broadcast_to(weights, values.shape), 1, reduce)
    return _reduced(values, 1, reduce), weights


def _reduced(x: Tensor, kept: int, reduce: Callable[..., Tensor]) -> Tensor:
    """`x` with only its first `kept` axes."""
    return reduce(x, axis=tuple(range(kept, x.ndim))) if x.ndim > kept else x


def _within(value: Any) -> Iterator[Any]:
    """The variables and metrics in attributes, lists and dictionaries."""
    if isinstance(value, (Variable, Metric)):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "_state":
                yield from _within(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _within(item)
