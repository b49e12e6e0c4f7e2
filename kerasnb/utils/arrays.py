"""Arrays before training: one-hot labels, vectors of length one, padded sequences.

Plain NumPy; imports errors and config.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ArgumentError, DTypeError, ShapeError, unknown

__all__ = ["normalize", "pad_sequences", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Integer labels as one-hot vectors.

    Args:
        x: labels from 0 to ``num_classes - 1``.
        num_classes: the number of classes; one more than the largest label if not given.

    Returns:
        An array of `floatx`.

    Shape:
        `(N,)` or `(N, 1)` -> `(N, num_classes)`; further dimensions are kept: `(N, T)` ->
        `(N, T, num_classes)`.

    Raises:
        DTypeError: the labels are not whole numbers.
        ShapeError: no labels and no `num_classes`.
        ArgumentError: a label is out of range.

    Example:
        >>> to_categorical([0, 2], num_classes=3)
        array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    labels = _whole_numbers(x, "to_categorical")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]  # (N, 1) -> (N,)
    if not num_classes:
        if labels.size == 0:
            raise ShapeError("to_categorical: x is empty; pass num_classes or at least one label.")
        num_classes = int(labels.max()) + 1
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        raise ArgumentError(
            f"to_categorical: expected labels from 0 to {num_classes - 1} "
            f"(num_classes={num_classes}), got labels from {labels.min()} to {labels.max()}."
        )
    return np.eye(num_classes, dtype=config.floatx())[labels]


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """`x` divided by its norms along `axis`; vectors of zeros stay zeros.

    Args:
        x: numbers. Integers and lists give `floatx`; an array of floats keeps its dtype.
        axis: the axis along which norms are taken.
        order: of the norm, 2 for the Euclidean length.

    Shape:
        that of `x`.

    Example:
        >>> normalize([[3.0, 4.0]])
        array([[0.6, 0.8]], dtype=float32)
    """
    array = np.asarray(x)
    if array.dtype.kind != "f" or not hasattr(x, "dtype"):
        array = array.astype(config.floatx())
    norm = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(norm == 0, np.ones_like(norm), norm)


def pad_sequences(
    sequences: Sequence,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences of different lengths as one array, padded and cut to one length.

    Args:
        sequences: a list of sequences.
        maxlen: the length of each row; that of the longest sequence if not given.
        dtype: of the result.
        padding: where to fill up, ``"pre"`` or ``"post"``.
        truncating: where to cut, ``"pre"`` or ``"post"``.
        value: what to fill up with.

    Shape:
        N sequences of T_i items -> `(N, maxlen)`; items of shape `s` -> `(N, maxlen, *s)`.

    Raises:
        ArgumentError: `maxlen` is not positive, or `padding`, `truncating` or `value` is unknown.
        ShapeError: an item is no sequence, or its items have another shape than those before.

    Example:
        >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
        array([[0, 1],
               [3, 4]], dtype=int32)
    """
    dtype = np.dtype(dtype)
    _check_padding(maxlen, dtype, padding, truncating, value)
    lengths = [_length(sequence, position) for position, sequence in enumerate(sequences)]
    maxlen = max(lengths, default=0) if maxlen is None else maxlen
    first = next((s for s, length in zip(sequences, lengths, strict=True) if length), ())
    item_shape = np.asarray(first).shape[1:]
    result = np.full((len(lengths), maxlen, *item_shape), value, dtype)
    for position, sequence in enumerate(sequences):
        part = sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen]
        if not len(part):
            continue
        part = np.asarray(part, dtype)
        if part.shape[1:] != item_shape:
            raise ShapeError(
                f"pad_sequences: expected items of shape {item_shape} as in the first sequence, "
                f"got {part.shape[1:]} in sequence {position}."
            )
        where = slice(-len(part), None) if padding == "pre" else slice(len(part))
        result[position, where] = part
    return result


def _whole_numbers(x: Any, function: str) -> np.ndarray:
    """`x` as an integer array; whole floats count as integers."""
    array = np.asarray(x)
    if array.size == 0:
        return array.astype("int64")
    if array.dtype.kind not in "buif" or (array.dtype.kind == "f" and (array % 1 != 0).any()):
        raise DTypeError(
            f"{function}: expected whole numbers as labels, got dtype {array.dtype}"
            f"{' with fractions' if array.dtype.kind == 'f' else ''}."
        )
    return array.astype("int64")


def _check_padding(maxlen: Any, dtype: np.dtype, padding: Any, truncating: Any, value: Any) -> None:
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise unknown(f"{name} in pad_sequences", choice, ("pre", "post"))
    if maxlen is not None and (not isinstance(maxlen, (int, np.integer)) or maxlen < 1):
        raise ArgumentError(
            f"pad_sequences: expected a positive integer as maxlen, got {maxlen!r}."
        )
    if isinstance(value, str) and dtype.kind not in "OUS":
        raise ArgumentError(
            f"pad_sequences: value={value!r} is text and does not fit dtype {dtype}; "
            "pass dtype=object."
        )


def _length(sequence: Any, position: int) -> int:
    try:
        return len(sequence)
    except TypeError:
        raise ShapeError(
            "pad_sequences: expected a list of sequences, "
            f"got {type(sequence).__name__} at position {position}."
        ) from None
