"""Helpers around training: seeds, labels, padding, batch sequences and tuples, model pictures.

Plain NumPy; imports errors, config and screen only.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasnb import config, screen
from kerasnb.errors import ArgumentError, DTypeError, ShapeError, unknown

__all__ = [
    "PyDataset",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


class PyDataset:
    """A data set that makes its batches on demand, in any order and again for every epoch.

    Subclass it, give it `__len__` (the number of batches) and `__getitem__` (batch number -> `x`,
    `(x, y)` or `(x, y, sample_weight)`), and pass it to `fit`, `evaluate` or `predict`.

    Args:
        workers: how many threads make batches ahead of the training loop; 1 makes each when due.
        use_multiprocessing: accepted so that code for Keras runs; threads are used either way.
        max_queue_size: the most batches that are made ahead.

    Example:
        >>> import numpy as np
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.arange(4) + 4 * index
        ...         return x, x**2
        >>> [int(y[0]) for x, y in Squares()]
        [0, 16, 64]
    """

    # class attributes, so that a subclass need not call super().__init__
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __getitem__(self, index) that returns batch "
            "number index as x, (x, y) or (x, y, sample_weight)."
        )

    def __iter__(self) -> Iterator:
        """The batches of one epoch in order."""
        index, count = 0, self.num_batches
        while count is None or index < count:
            yield self[index]
            index += 1

    @property
    def num_batches(self) -> int | None:
        """The number of batches in an epoch; None if there is no end."""
        return len(self) if hasattr(self, "__len__") else None

    def on_epoch_begin(self) -> None:
        """Called before the first batch of each epoch."""

    def on_epoch_end(self) -> None:
        """Called after the last batch of each epoch."""


def set_random_seed(seed: int) -> None:
    """Seed everything random: Python's `random`, NumPy's global state, and with them this package.

    After the same seed, the same program gives the same weights and results, bit for bit.

    Args:
        seed: from 0 to 2**32 - 1.

    Raises:
        ArgumentError: `seed` is not such an integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ArgumentError(
            f"set_random_seed: expected an integer from 0 to 2**32 - 1 as seed, got {seed!r}."
        )
    random.seed(int(seed))
    np.random.seed(int(seed))


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


def plot_model(model: Any, to_file: Any = "model.svg", **kwargs: Any) -> None:
    """Write a picture of the graph of `model` to an SVG file, which browsers and editors show.

    It always has the names, classes, settings, parameters and cost of the layers, and the shapes
    between them; models within it are one box each. In a notebook, `model` at the end of a cell
    shows the same.

    Args:
        model: any model, also one that is not built.
        to_file: the path, which ends in ``.svg``.
        kwargs: Keras's arguments `show_shapes`, `show_dtype`, `show_layer_names`, `rankdir`,
            `expand_nested`, `dpi`, `show_layer_activations` and `show_trainable` are accepted for
            Keras's sake and change nothing.

    Raises:
        ArgumentError: another kind of file is asked for, or `model` is no model.
    """
    for name in kwargs:
        if name not in _PLOT_ARGUMENTS:
            raise unknown("argument of plot_model:", name, _PLOT_ARGUMENTS)
    path = Path(to_file)
    if path.suffix.lower() != ".svg":
        raise ArgumentError(
            f"plot_model: expected a path that ends in .svg as to_file, got {str(to_file)!r}. "
            f"Pass to_file={path.stem + '.svg'!r}; a browser or Inkscape makes other formats of it."
        )
    path.write_text(screen.view("svg").model_svg(model), encoding="utf-8")


_PLOT_ARGUMENTS = (
    "dpi", "expand_nested", "rankdir", "show_dtype", "show_layer_activations", "show_layer_names",
    "show_shapes", "show_trainable",
)  # fmt: skip


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """A batch or data set as the triple `(x, y, sample_weight)`, with None for what is missing.

    Args:
        data: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`; a list counts as a tuple.

    Raises:
        ArgumentError: a tuple of another length.
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ArgumentError(
            "Expected x, (x,), (x, y) or (x, y, sample_weight), "
            f"got a {type(data).__name__} of {len(data)} items."
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The inverse of `unpack_x_y_sample_weight`: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    A list or tuple `x` without `y` comes as `(x,)`, so that its items are not taken for targets.
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x


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
