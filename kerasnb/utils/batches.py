"""Batches that a person's own class makes, and the tuples that batches are. Imports errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kerasnb.errors import ArgumentError

__all__ = ["PyDataset", "pack_x_y_sample_weight", "unpack_x_y_sample_weight"]


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
