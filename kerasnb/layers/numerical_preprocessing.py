"""Layers that prepare numbers: normalization, bins, and categories as vectors.

They are written in ops, so that they run within compiled models; `adapt` is plain NumPy. Imports
base, common, host and ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import config, ops
from kerasnb.errors import ArgumentError, DTypeError, GraphError, ShapeError, unknown
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_between, check_whole, label
from kerasnb.layers.host import array_of, batches_of
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["CategoryEncoding", "Discretization", "Normalization"]


class Normalization(Layer):
    """Shifts and scales numbers so that they have mean 0 and variance 1.

    What to subtract and divide by is learned from data by `adapt`, or given.

    Args:
        axis: the axis, or axes, of which each place has a mean of its own; None for one mean.
        mean: what to subtract, instead of `adapt`.
        variance: the square of what to divide by, instead of `adapt`.
        invert: undo a normalization instead.

    Shape:
        that of the input.

    Raises:
        ArgumentError: only one of `mean` and `variance` is given, or their shapes do not fit.

    Example:
        >>> import numpy as np
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
        >>> layer(np.array([[0.0, 10.0]])).numpy()
        array([[-1.,  2.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self.supports_masking = True
        self.adapt_mean = self.adapt_variance = self.count = None
        if (mean is None) != (variance is None):
            missing = "mean" if mean is None else "variance"
            raise ArgumentError(
                f"{label(self)}: mean and variance go together; give {missing} too."
            )
        if mean is not None:
            self._check_given(np.shape(mean), np.shape(variance))

    def _check_given(self, mean: tuple, variance: tuple) -> None:
        if mean != variance:
            raise ArgumentError(
                f"{label(self)}: mean and variance must have one shape, got {mean} and {variance}."
            )
        if len(mean) > len(self.axis):
            raise ArgumentError(
                f"{label(self)}: mean and variance may have at most {len(self.axis)} axes, as many "
                f"as axis={self.axis} names, got shape {mean}."
            )

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ShapeError(
                f"{label(self)}: axis={self.axis} does not exist in an input of shape "
                f"{tuple(input_shape)}; expected {-rank} to {rank - 1}."
            )
        self._kept = tuple(sorted(a % rank for a in self.axis))
        unknown_axes = [a for a in self._kept if input_shape[a] is None]
        if unknown_axes:
            raise ShapeError(
                f"{label(self)}: axis {unknown_axes[0]} of the input {tuple(input_shape)} must be "
                "known, as each of its places has a mean of its own. Give its size in Input."
            )
        self._wide = tuple(input_shape[a] if a in self._kept else 1 for a in range(rank))
        if self.input_mean is None:
            shape = tuple(input_shape[a] for a in self._kept)
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            # as in Keras, which keeps it for the sake of old files
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")

    def adapt(self, data: Any) -> None:
        """Learn the mean and the variance of data; what was learned before is forgotten.

        Args:
            data: an array, a list or other iterable of batches, or a `PyDataset`.

        Raises:
            ShapeError: there is no data, or its shape is not the one the layer was built for.
            DTypeError: it is not numbers.
        """
        total, mean, variance = 0, 0.0, 0.0
        for batch in batches_of(data, None, lists_are_batches=True):
            values = self._numbers(batch)
            if not self.built:
                self.build(values.shape)
            self._check_batch(values.shape)
            reduced = tuple(a for a in range(values.ndim) if a not in self._kept)
            count = int(np.prod([values.shape[a] for a in reduced]))
            total += count
            # the mean and variance of all values so far, from those of two parts
            share = count / max(total, 1)
            centre, spread = values.mean(reduced), values.var(reduced)
            moved = mean + share * (centre - mean)
            variance = (1 - share) * (variance + (mean - moved) ** 2)
            variance = variance + share * (spread + (centre - moved) ** 2)
            mean = moved
        if not total:
            raise ShapeError(f"{label(self)}: adapt got no data.")
        if self.input_mean is None:
            self.adapt_mean.assign(np.asarray(mean, self.adapt_mean.dtype))
            self.adapt_variance.assign(np.asarray(variance, self.adapt_variance.dtype))

    def _numbers(self, batch: Any) -> np.ndarray:
        if not hasattr(batch, "shape"):
            raise DTypeError(
                f"{label(self)}: adapt expected an array, or batches that are arrays, got "
                f"{type(batch).__name__} in a list. Pass np.array(data)."
            )
        values = array_of(batch, f"{label(self)}, adapt")
        if values.dtype.kind not in "biuf":
            raise DTypeError(f"{label(self)}: adapt takes numbers, got strings.")
        return values.astype("float64")

    def _check_batch(self, shape: tuple) -> None:
        wanted = self._wide
        if len(shape) != len(wanted) or any(shape[a] != wanted[a] for a in self._kept):
            shown = tuple(n if a in self._kept else None for a, n in enumerate(wanted))
            raise ShapeError(
                f"{label(self)}: was built for inputs of shape {shown}, but adapt got {shape}."
            )

    def finalize_state(self) -> None:
        """Nothing to do: `call` reads the weights."""

    @property
    def mean(self) -> Tensor | None:
        """What is subtracted, with one axis for each of the input; None before the first data."""
        return self._spread(self.adapt_mean, self.input_mean) if self.built else None

    @property
    def variance(self) -> Tensor | None:
        """The square of the divisor, like `mean`."""
        return self._spread(self.adapt_variance, self.input_variance) if self.built else None

    def _spread(self, learned: Any, given: Any) -> Tensor:
        """A statistic with the axes of the input."""
        if given is None:
            return ops.cast(ops.reshape(learned, self._wide), self.compute_dtype)
        given = np.asarray(given, self.compute_dtype)
        shape = [1] * len(self._wide)
        for axis, size in zip(reversed(self._kept), reversed(given.shape), strict=False):
            shape[axis] = size
        return as_tensor(np.broadcast_to(given.reshape(shape), self._wide).copy())

    def call(self, inputs: Any) -> Any:
        inputs = ops.cast(inputs, self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(self.variance), config.epsilon())
        if self.invert:
            return self.mean + inputs * deviation
        return (inputs - self.mean) / deviation

    def get_config(self) -> dict:
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return {
            **super().get_config(),
            **attributes(self, "axis", "invert"),
            **{name: np.array(value).tolist() for name, value in given.items()},
        }


class Discretization(Layer):
    """Puts numbers into bins, and gives the number of the bin.

    The boundaries are given, or learned from data by `adapt` so that each bin has as many.

    Args:
        bin_boundaries: where one bin ends and the next begins, in ascending order.
        num_bins: the number of bins, for `adapt`.
        epsilon: how exact the learned boundaries are: 0.01 keeps 100 quantiles.
        output_mode: ``"int"`` for numbers of bins; ``"one_hot"`` for a vector for each;
            ``"multi_hot"`` and ``"count"`` for one vector for each sample.
        sparse: must not be true: sparse tensors are not supported.

    Shape:
        that of the input, or as for `CategoryEncoding`.

    Example:
        >>> import numpy as np
        >>> Discretization(bin_boundaries=[0.0, 1.0, 2.0])(np.array([[-1.5, 1.0, 3.4]])).numpy()
        array([[0, 2, 3]], dtype=int32)
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        refuse_sparse(self, sparse)
        check_mode(self, output_mode, ("int", "one_hot", "multi_hot", "count"))
        if (bin_boundaries is None) == (num_bins is None):
            raise ArgumentError(
                f"{label(self)}: give either bin_boundaries or num_bins, got "
                f"{'neither' if num_bins is None else 'both'}."
            )
        if num_bins is not None:
            check_whole(self, "num_bins", num_bins)
        check_between(self, "epsilon", epsilon)
        self.num_bins, self.epsilon = num_bins, epsilon
        self.output_mode, self.sparse = output_mode, sparse
        self.bin_boundaries = None
        if bin_boundaries is not None:
            self._use(bin_boundaries)
        self.reset_state()

    def _use(self, boundaries: Sequence[float]) -> None:
        values = np.asarray(boundaries)
        if values.ndim != 1 or values.dtype.kind not in "iuf" or (np.diff(values) < 0).any():
            raise ArgumentError(
                f"{label(self)}: bin_boundaries must be a list of numbers in ascending order, got "
                f"{boundaries!r:.80}."
            )
        self.bin_boundaries = values.tolist()

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the boundaries from data; what was learned before is forgotten.

        Args:
            data: an array, a list or other iterable of batches.
            steps: so many batches at most.

        Raises:
            ArgumentError: the boundaries were given.
        """
        if self.num_bins is None:
            raise ArgumentError(
                f"{label(self)}: adapt learns boundaries, but bin_boundaries were given. Make the "
                "layer with num_bins instead."
            )
        self.reset_state()
        for batch in batches_of(data, steps, lists_are_batches=True):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take one more batch into account."""
        values = array_of(data, f"{label(self)}, adapt")
        if values.dtype.kind not in "biuf":
            raise DTypeError(f"{label(self)}: adapt takes numbers, got strings.")
        new = _summary(values.astype("float32"), self.epsilon)
        both = np.concatenate([new, self.summary], axis=1)
        self.summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Make boundaries of the batches so far."""
        if self.num_bins is None:
            return
        if not self.summary.shape[1]:
            raise ShapeError(f"{label(self)}: adapt got no data.")
        self._use(_compressed(self.summary, 1.0 / self.num_bins)[0, :-1])
        self._note_adaptation()

    def reset_state(self) -> None:
        """Forget the batches so far."""
        self.summary = np.zeros((2, 0), "float32")

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise GraphError(
                f"{label(self)}: has no boundaries yet; call adapt(data) first, or give "
                "bin_boundaries."
            )
        inputs = ops.cast(inputs, config.floatx())
        boundaries = np.asarray(self.bin_boundaries, config.floatx())
        dtype = "int32" if self.output_mode == "int" else self.compute_dtype
        depth = len(boundaries) + 1
        return encode(self, not_above(boundaries, inputs), self.output_mode, depth, dtype)

    def get_config(self) -> dict:
        names = ("bin_boundaries", "num_bins", "epsilon", "output_mode", "sparse", "name", "dtype")
        return attributes(self, *names)

    @classmethod
    def from_config(cls, config: dict) -> Any:
        learned = config.get("bin_boundaries") if config.get("num_bins") is not None else None
        layer = cls(**{**config, "bin_boundaries": None} if learned is not None else config)
        if learned is not None:
            layer._use(learned)
        return layer


class CategoryEncoding(Layer):
    """Makes vectors of whole numbers: which categories are there, or how often.

    Args:
        num_tokens: the number of categories; inputs are from 0 to one less.
        output_mode: ``"multi_hot"`` for one vector of zeros and ones for each sample;
            ``"count"`` for how often each category comes; ``"one_hot"`` for a vector for each
            number.
        sparse: must not be true: sparse tensors are not supported.

    Shape:
        ``(N, T) -> (N, num_tokens)``; with ``"one_hot"`` ``(N, T) -> (N, T, num_tokens)``, and
        ``(N, 1) -> (N, num_tokens)``.

    Example:
        >>> import numpy as np
        >>> CategoryEncoding(4)(np.array([[0, 1], [3, 3]])).numpy()
        array([[1., 1., 0., 0.],
               [0., 0., 0., 1.]], dtype=float32)
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        check_mode(self, output_mode, ("one_hot", "multi_hot", "count"))
        if num_tokens is None:
            raise ArgumentError(
                f"{label(self)}: num_tokens must be given. If the number of categories is not "
                "known, use IntegerLookup."
            )
        refuse_sparse(self, sparse)
        self.num_tokens = check_whole(self, "num_tokens", num_tokens)
        self.output_mode, self.sparse = output_mode, sparse

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None:
            if self.output_mode != "count":
                raise ArgumentError(
                    f"{label(self)}: count_weights needs output_mode='count', got "
                    f"{self.output_mode!r}."
                )
            count_weights = ops.cast(count_weights, self.compute_dtype)
        inputs = ops.cast(inputs, "int32")
        return encode(
            self, inputs, self.output_mode, self.num_tokens, self.compute_dtype, count_weights
        )

    def get_config(self) -> dict:
        return {**super().get_config(), **attributes(self, "num_tokens", "output_mode")}


def refuse_sparse(layer: Any, sparse: Any) -> None:
    """Nothing, if no sparse output is asked for.

    Raises:
        ArgumentError: it is.
    """
    if sparse:
        raise ArgumentError(
            f"{label(layer)}: sparse must be false: sparse tensors are not supported."
        )


def check_mode(layer: Any, mode: Any, modes: Sequence[str]) -> None:
    """Nothing, if `mode` is one of `modes`.

    Raises:
        ArgumentError: it is not; close ones are listed.
    """
    if mode not in modes:
        raise unknown(f"output_mode of {label(layer)}:", mode, modes)


def encode(
    layer: Any, indices: Tensor, mode: str, depth: int, dtype: str, weights: Any = None
) -> Tensor:
    """Whole numbers as they are, or as vectors of `depth`; a number that is out of range is none.

    Raises:
        ShapeError: more than two axes, where samples become vectors.
    """
    if mode == "int":
        return ops.cast(indices, dtype)
    if indices.ndim == 0:
        indices = ops.reshape(indices, (1,))
    if mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = ops.squeeze(indices, -1)
        return ops.one_hot(indices, depth, dtype=dtype)
    check_samples(layer, indices.shape, mode)
    vectors = ops.one_hot(indices, depth, dtype=dtype)  # (N, T) -> (N, T, depth)
    if mode == "multi_hot":
        return ops.max(vectors, axis=-2)
    if weights is not None:
        vectors = vectors * ops.expand_dims(ops.reshape(weights, indices.shape), -1)
    return ops.sum(vectors, axis=-2)


def check_samples(layer: Any, shape: Sequence, mode: str) -> None:
    """Nothing, if `shape` is that of one sample or of a batch of them.

    Raises:
        ShapeError: it has more axes.
    """
    if len(shape) > 2:
        raise ShapeError(
            f"{label(layer)}: output_mode={mode!r} makes a vector of each sample, and expects "
            f"inputs (samples, values), got {tuple(shape)}. Reshape them, or use "
            "output_mode='one_hot'."
        )


def not_above(boundaries: np.ndarray, x: Any) -> Tensor:
    """For each number of `x` how many of the ascending `boundaries` are not above it.

    NaN counts as above all. A search by halving, in as many steps as the number has bits.
    """
    count = len(boundaries)
    bits = count.bit_length()
    kind = boundaries.dtype
    most = np.inf if kind.kind == "f" else np.iinfo(kind).max
    padded = np.full(2**bits - 1, most, kind)  # so that no step leads outside
    padded[:count] = boundaries
    table = as_tensor(padded)
    found = ops.zeros_like(x, dtype="int32")
    for bit in reversed(range(bits)):
        further = found + 2**bit
        found = ops.where(x < ops.take(table, further - 1, axis=0), found, further)
    return ops.minimum(found, count)


def _summary(values: np.ndarray, epsilon: float) -> np.ndarray:
    """About ``1 / epsilon`` of the values, evenly spaced in order, and how many each stands for."""
    values = np.sort(values, axis=None)
    step = max(values.size / (1.0 / epsilon), 1)
    chosen = values[int(step - 1) :: int(step)]
    return np.stack([chosen, np.full_like(chosen, step)])


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """A summary of ``1 / epsilon`` values, interpolated between those of a longer one."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    counts = summary[1].cumsum()
    known = counts / counts[-1]
    values, reached = (np.interp(shares, known, y) for y in (summary[0], counts))
    return np.stack([values, np.diff(reached, prepend=0)]).astype("float32")
