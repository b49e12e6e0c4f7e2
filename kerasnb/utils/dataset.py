"""`Dataset`: elements that come one by one, again and again. Imports config, cores and tree.

It has the methods that scripts use on the result of Keras's ``*_dataset_from_directory``.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from itertools import chain, count, islice
from typing import Any

import numpy as np

from kerasnb import config, tree
from kerasnb.compile.cores import threads
from kerasnb.errors import ArgumentError, ShapeError

__all__ = ["Dataset"]

WORKERS = 8  # threads at most: decoding a picture is quick, the disk is what is waited for


class Dataset:
    """Elements that are read when they are needed, and anew for every pass.

    An element is an array, a number, a text, or a tuple, list or dictionary of these; ``(x, y)`` of
    batches is what `fit` takes. Each method returns another data set and reads nothing.

    Args:
        read: called for each pass, gives the elements.
        length: how many there are; None if nobody knows, ``math.inf`` if there is no end.

    Attributes:
        class_names: of the labels, where they come from folders; kept by every method.
        file_paths: of the examples, where they come from files.
        batch_size: of `batch`, as long as the elements are its batches.

    Example:
        >>> import numpy as np
        >>> data = Dataset.from_tensor_slices((np.arange(5), np.arange(5) ** 2))
        >>> for x, y in data.map(lambda x, y: (10 * x, y)).batch(3):
        ...     print(x, y)
        [ 0 10 20] [0 1 4]
        [30 40] [ 9 16]
    """

    def __init__(self, read: Callable[[], Iterable], length: float | None = None):
        self._read = read
        self._length = length
        self.class_names: list[str] | None = None
        self.file_paths: list[str] | None = None
        self.batch_size: int | None = None

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """One element for each row of an array or list, or of a tuple or dictionary of several.

        Raises:
            ShapeError: the arrays have different lengths, or none.
        """
        arrays = _arrays(tensors)
        shapes = [array.shape for array in tree.flatten(arrays)]
        if not shapes or any(shape[:1] != shapes[0][:1] or not shape for shape in shapes):
            raise ShapeError(f"from_tensor_slices: expected arrays of one length, got {shapes}.")
        size = shapes[0][0]
        return Dataset(lambda: (_row(arrays, i) for i in range(size)), size)

    def __iter__(self) -> Iterator:
        return iter(self._read())

    def __len__(self) -> int:
        if self._length is None or self._length == math.inf:
            what = "has no end" if self._length else "is not known before it is read"
            raise TypeError(f"The length of this data set {what}.")
        return int(self._length)

    def __bool__(self) -> bool:
        return True  # also when its length is not known

    def __repr__(self) -> str:
        length = {None: "unknown length", math.inf: "no end"}.get(self._length)
        return f"<Dataset: {length or f'{self._length} elements'}>"

    def cardinality(self) -> int:
        """The number of elements; -1 if there is no end, -2 if it is not known."""
        return {None: -2, math.inf: -1}.get(self._length, self._length)

    def as_numpy_iterator(self) -> Iterator:
        """The elements of one pass with NumPy arrays as leaves."""
        return (tree.map_structure(_host, element) for element in self)

    # Each element

    def map(
        self, map_func: Callable, num_parallel_calls: int | None = None, deterministic: Any = None
    ) -> Dataset:
        """``map_func(element)`` for each element; those of a tuple come as several arguments.

        Args:
            map_func: called once for each element and pass.
            num_parallel_calls: how many threads call it ahead of need; -1 for one each core.
            deterministic: accepted so that code for Keras runs; the order is always kept.
        """
        if num_parallel_calls in (None, 1):
            return self._of(lambda: (_call(map_func, e) for e in self))
        workers = min(threads(), WORKERS) if num_parallel_calls == -1 else num_parallel_calls
        return self.map_ahead(map_func, workers, 2 * workers)

    def map_ahead(self, map_func: Callable, workers: int, ahead: int) -> Dataset:
        """As `map`, in some threads, which are up to `ahead` elements in advance."""
        return self._of(lambda: _in_threads(map_func, self, workers, ahead))

    def filter(self, predicate: Callable) -> Dataset:
        """The elements for which `predicate` is true."""
        return self._of(lambda: (e for e in self if bool(_call(predicate, e))), None)

    def enumerate(self, start: int = 0) -> Dataset:
        """Pairs of a number and an element."""
        return self._of(lambda: enumerate(self, start))

    # Which elements, and in which order

    def take(self, count: int) -> Dataset:
        """The first `count` elements; all if it is -1."""
        if count == -1:
            return self
        length = None if self._length is None else min(self._length, count)
        return self._of(lambda: islice(self, count), length, self.batch_size)

    def skip(self, count: int) -> Dataset:
        """The elements after the first `count`; none if it is -1."""
        if count == -1:
            return self.take(0)
        length = None if self._length is None else max(self._length - count, 0)
        return self._of(lambda: islice(self, count, None), length, self.batch_size)

    def repeat(self, count: int | None = None) -> Dataset:
        """The elements `count` times; without end if it is None or -1."""
        if count in (None, -1):
            return self._of(lambda: _endless(self), math.inf, self.batch_size)
        length = None if self._length is None else self._length * count
        passes = range(count)
        return self._of(lambda: chain.from_iterable(self for _ in passes), length, self.batch_size)

    def concatenate(self, dataset: Iterable) -> Dataset:
        """These elements, then those of `dataset`."""
        other = getattr(dataset, "_length", None)
        length = None if None in (self._length, other) else self._length + other
        return self._of(lambda: chain(self, dataset), length, self.batch_size)

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> Dataset:
        """The elements in random order.

        Args:
            buffer_size: the next element is drawn from so many; as many as there are for a perfect
                shuffle.
            seed: of the order. One from NumPy's global state if it is None, so that
                `set_random_seed` governs it.
            reshuffle_each_iteration: whether each pass has another order.
        """
        if buffer_size < 1:
            raise ArgumentError(f"shuffle: expected buffer_size from 1, got {buffer_size}.")
        seed = int(np.random.randint(2**31)) if seed is None else seed
        passes = count()

        def read() -> Iterator:
            number = next(passes) if reshuffle_each_iteration else 0
            return _shuffled(self, buffer_size, np.random.default_rng([seed, number]))

        return self._of(read, batch_size=self.batch_size)

    # Batches

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: Any = None,
    ) -> Dataset:
        """Stacks of `batch_size` elements.

        Args:
            batch_size: elements in a batch.
            drop_remainder: leave out a smaller last batch.
            num_parallel_calls: accepted so that code for Keras runs, as is `deterministic`.
            deterministic: see above.

        Raises:
            ArgumentError: `batch_size` is not a positive integer.
            ShapeError: while reading: elements have different shapes.
        """
        return self._batched(batch_size, drop_remainder, _stacked)

    def padded_batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """As `batch`, with zeros at the ends of what is shorter than the longest of its batch.

        Args:
            batch_size: elements in a batch.
            drop_remainder: leave out a smaller last batch.
        """
        return self._batched(batch_size, drop_remainder, _padded)

    def unbatch(self) -> Dataset:
        """The rows of each element, one by one."""
        return self._of(lambda: (row for e in self for row in _rows(e)), None)

    # How they are read

    def prefetch(self, buffer_size: int) -> Dataset:
        """The same elements: files are read ahead by threads anyway, and nothing else is slow."""
        return self

    def cache(self, filename: str = "") -> Dataset:
        """The same elements, kept in memory after the first whole pass.

        Raises:
            ArgumentError: they are to be kept in a file, which this does not do.
        """
        if filename:
            raise ArgumentError(
                "cache: elements are kept in memory only; call cache() without file."
            )
        kept: list[list] = []

        def read() -> Iterator:
            if kept:
                yield from kept[0]
                return
            seen = []
            for element in self:
                seen.append(element)
                yield element
            kept[:] = [seen]

        return self._of(read, batch_size=self.batch_size)

    def _batched(self, size: int, drop_remainder: bool, stack: Callable) -> Dataset:
        if not isinstance(size, (int, np.integer)) or size < 1:
            raise ArgumentError(f"batch: expected a positive integer as batch_size, got {size!r}.")
        length = self._length
        if length not in (None, math.inf):
            length = length // size if drop_remainder else math.ceil(length / size)
        return self._of(lambda: _batches(self, size, drop_remainder, stack), length, size)

    def _of(
        self, read: Callable[[], Iterable], length: Any = "same", batch_size: int | None = None
    ) -> Dataset:
        """A data set that is made of this one."""
        made = Dataset(read, self._length if length == "same" else length)
        made.class_names, made.batch_size = self.class_names, batch_size
        return made


def _call(function: Callable, element: Any) -> Any:
    return function(*element) if isinstance(element, tuple) else function(element)


def _arrays(tensors: Any) -> Any:
    """Arrays as leaves of tuples and dictionaries; a list is an array."""
    if isinstance(tensors, dict):
        return {key: _arrays(value) for key, value in tensors.items()}
    return tuple(map(_arrays, tensors)) if isinstance(tensors, tuple) else np.asarray(tensors)


def _row(structure: Any, i: int) -> Any:
    return tree.map_structure(lambda array: array[i], structure)


def _rows(element: Any) -> Iterator:
    return (_row(element, i) for i in range(len(tree.flatten(element)[0])))


def _host(leaf: Any) -> Any:
    return leaf if isinstance(leaf, (str, bytes)) else np.asarray(leaf)


def _endless(dataset: Iterable) -> Iterator:
    while True:
        empty = True
        for element in dataset:
            empty = False
            yield element
        if empty:
            return


def _shuffled(items: Iterable, size: int, rng: np.random.Generator) -> Iterator:
    items, waiting = iter(items), []
    for item in items:
        waiting.append(item)
        if len(waiting) == size:
            break
    for item in items:
        i = int(rng.integers(size))
        waiting[i], item = item, waiting[i]
        yield item
    yield from (waiting[i] for i in rng.permutation(len(waiting)))


def _batches(items: Iterable, size: int, drop_remainder: bool, stack: Callable) -> Iterator:
    items = iter(items)
    while elements := list(islice(items, size)):
        if len(elements) == size or not drop_remainder:
            yield tree.map_structure(lambda *leaves: stack(leaves), *elements)


def _stacked(leaves: tuple) -> np.ndarray:
    first = leaves[0]
    if isinstance(first, (str, bytes)):
        return np.array(leaves, object)
    if isinstance(first, (bool, int, float)):  # as a tensor of such numbers would be
        dtype = {bool: "bool", int: "int32"}.get(type(first), config.floatx())
        return np.array(leaves, dtype)
    arrays = [np.asarray(leaf) for leaf in leaves]
    other = next((a.shape for a in arrays if a.shape != arrays[0].shape), None)
    if other is not None:
        raise ShapeError(
            f"batch: expected elements of one shape, got {arrays[0].shape} and {other}. Make them "
            "equal with map first."
        )
    return np.stack(arrays)


def _padded(leaves: tuple) -> np.ndarray:
    if not np.ndim(leaves[0]):
        return _stacked(leaves)
    arrays = [np.asarray(leaf) for leaf in leaves]
    longest = np.max([array.shape for array in arrays], axis=0)
    return np.stack(
        [
            np.pad(
                array, [(0, int(most - n)) for most, n in zip(longest, array.shape, strict=True)]
            )
            for array in arrays
        ]
    )


def _in_threads(function: Callable, items: Iterable, workers: int, ahead: int) -> Iterator:
    """``function(item)`` in order, called by threads that are up to `ahead` items in advance."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import

    waiting: deque = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                # each with the settings of whoever reads
                waiting.append(pool.submit(copy_context().run, _call, function, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # the reader stopped early: what has not begun need not begin
            for future in waiting:
                future.cancel()
