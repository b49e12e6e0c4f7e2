"""What `fit`, `evaluate` and `predict` take, turned into batches `(x, y, sample_weight)`.

Plain NumPy: batches are nested lists, tuples and dictionaries of arrays; arrays of a device stay
there. `make_data` checks everything and picks one of three sources: arrays, a sequence of batches,
an iterator. Imports errors, backends, utils and models.arrays.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from kerasnb import backends
from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.models.arrays import (
    FIT,
    Batch,
    Names,
    apply_weights,
    common_length,
    convert,
    is_array_like,
    warn,
    warn_not_finite,
)
from kerasnb.utils.batches import unpack_x_y_sample_weight

__all__ = [
    "ArrayData",
    "Data",
    "IteratorData",
    "SequenceData",
    "make_data",
    "split_validation",
]


class Data:
    """Batches for any number of epochs.

    Attributes:
        num_samples: samples in one pass over the data; None if unknown.
        batch_size: samples in a full batch; None if the source makes its own batches.
        check: called with each batch, if batches are not known in advance.
        ran_out: an iterator ended before its time, and a warning said so: training has to stop.
    """

    num_samples: int | None = None
    batch_size: int | None = None
    check: Callable[[Batch], None] | None = None
    ran_out: bool = False

    def __init__(self, limit: int | None):
        self._limit = limit
        self._running: Iterator[Batch] | None = None  # with a limit, a pass may outlast an epoch

    @property
    def steps(self) -> int | None:
        """Batches in an epoch; None as long as that is unknown."""
        return self._limit or self._length()

    def ready(self) -> bool:
        """Whether another epoch has a batch; warns if not. Ask before each epoch."""
        return True

    def first(self) -> Batch:
        """A batch to build a model with. It is not lost: the first epoch has it again."""
        raise NotImplementedError

    def known(self) -> Batch | None:
        """Everything in one batch, where it is known in advance; else None."""
        return None

    def order(self, rng: np.random.Generator) -> np.ndarray | None:
        """The rows of `known` in the order in which the next epoch takes them, where that is all
        there is to say about it; else None, and `epoch` gives its batches.
        """
        return None

    def epoch(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """The batches of the next epoch.

        Args:
            rng: draws the order; if not given, one seeded from Python's `random`.
        """
        if rng is None:
            rng = np.random.default_rng(random.getrandbits(64))
        return self._pass(rng) if self._limit is None else self._limited(rng)

    def _length(self) -> int | None:
        """Batches in one pass."""
        raise NotImplementedError

    def _pass(self, rng: np.random.Generator) -> Iterator[Batch]:
        """All batches once."""
        raise NotImplementedError

    def _limited(self, rng: np.random.Generator) -> Iterator[Batch]:
        """As many batches as the limit says, going on where the epoch before ended."""
        for _ in range(self._limit):
            batch = None if self._running is None else next(self._running, None)
            if batch is None:
                self._running = self._pass(rng)
                batch = next(self._running)
            yield batch

    def _shorten(self, names: Names) -> None:
        """Drop a limit that one pass cannot reach."""
        length = self._length()
        if self._limit is not None and length is not None and length <= self._limit:
            if length < self._limit:
                warn(
                    f"{names.steps}={self._limit}, but {names.x} has only {length} batches. "
                    f"Your input runs out of data: each epoch ends after {length} steps."
                )
            self._limit = None


class ArrayData(Data):
    """Batches cut from arrays.

    Args:
        x: an array, or a list, tuple or dictionary of arrays; lists of numbers count as arrays.
        y: targets, in any of these forms.
        sample_weight: one weight per sample, or in the structure of `y`.
        batch_size: 32 if neither it nor `steps` is given.
        steps: batches in an epoch.
        shuffle: True for another order of samples in every epoch, ``"batch"`` for another order of
            batches, each a contiguous piece of the arrays.
        class_weight: weights of the labels in `y`; they multiply `sample_weight`.
        names: of the arguments, for errors.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
        class_weight: dict | None = None,
        names: Names = FIT,
    ):
        if isinstance(shuffle, str) and shuffle != "batch":
            raise unknown("shuffle", shuffle, ["batch"])
        _check_count(batch_size, names.batch_size)
        super().__init__(_check_count(steps, names.steps))
        self._shuffle = shuffle if shuffle == "batch" else bool(shuffle)
        x, y, weight = convert(x, y, sample_weight, names)
        self.num_samples = common_length((x, y, weight), names)
        warn_not_finite((x, y, weight), names)
        weight = apply_weights(y, weight, class_weight, names)
        spread = batch_size is None and steps is not None
        self.batch_size = batch_size or (math.ceil(self.num_samples / steps) if steps else 32)
        if spread and steps <= self.num_samples:
            self._limit = None  # the batch size was chosen so that one pass is one epoch
        self._shorten(names)
        self._arrays, self._build = _flat((x, y, weight))
        self._takers = [_taker(array) for array in self._arrays]

    def first(self) -> Batch:
        return self._build([array[: self.batch_size] for array in self._arrays])

    def known(self) -> Batch:
        return self._build(self._arrays)

    def order(self, rng: np.random.Generator) -> np.ndarray | None:
        on_host = all(isinstance(array, np.ndarray) for array in self._arrays)
        if self._shuffle == "batch" or self._limit is not None or self.check or not on_host:
            return None
        return rng.permutation(self.num_samples) if self._shuffle else np.arange(self.num_samples)

    def replace_inputs(self, x: Any) -> None:
        """Have other inputs for the same samples."""
        _, y, weight = self.known()
        self._arrays, self._build = _flat((x, y, weight))
        self._takers = [_taker(array) for array in self._arrays]

    def take(self, rows: np.ndarray) -> Batch:
        """The batch of some rows."""
        return self._build([take(rows, 0) for take in self._takers])

    def _length(self) -> int:
        return math.ceil(self.num_samples / self.batch_size)

    def _pass(self, rng: np.random.Generator) -> Iterator[Batch]:
        if self._shuffle is True:
            return self._gathered(rng.permutation(self.num_samples))
        starts = np.arange(0, self.num_samples, self.batch_size)
        if self._shuffle == "batch":
            rng.shuffle(starts)
        return self._sliced(starts.tolist())

    def _sliced(self, starts: Iterable[int]) -> Iterator[Batch]:
        arrays, build, size = self._arrays, self._build, self.batch_size
        for start in starts:
            stop = start + size
            yield build([array[start:stop] for array in arrays])

    def _gathered(self, order: np.ndarray) -> Iterator[Batch]:
        for start in range(0, len(order), self.batch_size):
            yield self.take(order[start : start + self.batch_size])


class _BatchSource(Data):
    """Batches that come ready-made from the user's object."""

    def __init__(self, source: Any, limit: int | None, class_weight: dict | None, names: Names):
        super().__init__(limit)
        self._source = source
        self._class_weight = class_weight
        self._names = names
        self._warned = False

    def _standard(self, item: Any, number: int) -> Batch:
        """What the source gave as a checked triple of arrays."""
        plain = self._names
        names = plain._replace(
            x=f"batch {number} of {plain.x}, x",
            y=f"batch {number} of {plain.x}, y",
            sample_weight=f"batch {number} of {plain.x}, sample_weight",
        )
        try:
            x, y, weight = unpack_x_y_sample_weight(item)
        except ArgumentError as error:
            raise ArgumentError(f"Batch {number} of {plain.x}: {error}") from None
        x, y, weight = convert(x, y, weight, names)
        common_length((x, y, weight), names)
        if not self._warned:
            self._warned = warn_not_finite((x, y, weight), names)
        return x, y, apply_weights(y, weight, self._class_weight, names)


class SequenceData(_BatchSource):
    """Batches of an object with `__getitem__` and `__len__`, such as a `PyDataset`.

    Args:
        source: gives batch number i as ``source[i]``.
        steps: batches in an epoch, if not all.
        shuffle: whether each epoch takes the batches in another order.
        class_weight: weights of the labels in `y`; they multiply the batch's `sample_weight`.
        names: of the arguments, for errors.
    """

    def __init__(
        self,
        source: Any,
        *,
        steps: int | None = None,
        shuffle: bool | str = False,
        class_weight: dict | None = None,
        names: Names = FIT,
    ):
        super().__init__(source, _check_count(steps, names.steps), class_weight, names)
        self._shuffle = bool(shuffle)
        length = self._length()
        if length == 0:
            raise ShapeError(f"{names.x} is empty: its length, the number of batches, is 0.")
        if length is None and steps is None:
            raise ArgumentError(
                f"{names.x} has no end: say how many batches make an epoch with {names.steps}."
            )
        self._shorten(names)

    def first(self) -> Batch:
        return self._standard(self._source[0], 0)

    def epoch(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        getattr(self._source, "on_epoch_begin", _nothing)()
        yield from super().epoch(rng)
        getattr(self._source, "on_epoch_end", _nothing)()

    def _length(self) -> int | None:
        has_count = hasattr(self._source, "num_batches")  # None there means without end
        return self._source.num_batches if has_count else len(self._source)

    def _pass(self, rng: np.random.Generator) -> Iterator[Batch]:
        length = self._length()
        if length is None:
            order: Iterable[int] = iter(range(2**63))
        else:
            order = rng.permutation(length).tolist() if self._shuffle else range(length)
        for number, item in self._items(order):
            yield self._standard(item, number)

    def _items(self, order: Iterable[int]) -> Iterator[tuple[int, Any]]:
        workers = getattr(self._source, "workers", 1) or 1
        if workers == 1:
            for number in order:
                yield number, self._source[number]
            return
        ahead = max(workers, getattr(self._source, "max_queue_size", 10))
        waiting: deque = deque()
        from concurrent.futures import ThreadPoolExecutor  # slow to import, and rarely needed

        with ThreadPoolExecutor(workers) as pool:
            try:
                for number in order:
                    waiting.append((number, pool.submit(self._source.__getitem__, number)))
                    if len(waiting) >= ahead:
                        number, future = waiting.popleft()
                        yield number, future.result()
                while waiting:
                    number, future = waiting.popleft()
                    yield number, future.result()
            finally:  # the consumer stopped early: what has not begun need not begin
                for _, future in waiting:
                    future.cancel()


class IteratorData(_BatchSource):
    """Batches of a generator, an iterator, or an iterable that starts anew for each pass.

    Args:
        source: gives `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)` each time.
        steps: batches in an epoch; up to the end of `source` if not given.
        class_weight: weights of the labels in `y`; they multiply the batch's `sample_weight`.
        names: of the arguments, for errors.
    """

    def __init__(
        self,
        source: Iterable,
        *,
        steps: int | None = None,
        class_weight: dict | None = None,
        names: Names = FIT,
    ):
        super().__init__(source, _check_count(steps, names.steps), class_weight, names)
        self._iterator = iter(source)
        self._restarts = self._iterator is not source
        self._peeked: deque = deque(maxlen=1)
        self._given = 0  # batches since the source last started
        self._seen_length: int | None = None

    def first(self) -> Batch:
        if not self._peek():
            raise ShapeError(f"{self._names.x} is empty: it yields no batch.")
        return self._peeked[0]

    def ready(self) -> bool:
        if self._peek() or self._restart():
            return True
        self._run_out()
        return False

    def epoch(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        if self._limit is None and self._given and self._restarts:
            self._restart()
        taken = 0
        while self._limit is None or taken < self._limit:
            if not self._peek():
                if self._limit is None:
                    self._seen_length = self._given
                    return
                if self._given < self._limit or not self._restart():
                    self._run_out()
                    return
            self._given += 1
            taken += 1
            yield self._peeked.pop()

    def _length(self) -> int | None:
        try:
            return len(self._source)
        except TypeError:  # generators have no length, some loaders refuse to tell it
            return self._seen_length if self._restarts else None

    def _peek(self) -> bool:
        """Whether there is a next batch; it waits in `_peeked` if so."""
        if not self._peeked:
            for item in self._iterator:
                self._peeked.append(self._standard(item, self._given))
                break
        return bool(self._peeked)

    def _restart(self) -> bool:
        """Start the source anew; whether that gave a batch."""
        if not self._restarts:
            return False
        self._peeked.clear()
        self._iterator = iter(self._source)
        self._given = 0
        return self._peek()

    def _run_out(self) -> None:
        self.ran_out = not self._restarts
        names = self._names
        given = "1 batch" if self._given == 1 else f"{self._given} batches"
        each = " for each epoch" if names.work in ("training", "validation") else ""
        warn(
            f"Your input ran out of data after {given}; interrupting {names.work}. "
            f"{names.x} has to yield {self._limit or 'new'} batches{each}. Arrays and a PyDataset "
            "can be read again, a generator cannot."
        )


def make_data(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict | None = None,
    names: Names = FIT,
) -> Data:
    """The batches of whatever a user passes to `fit`, `evaluate` or `predict`.

    Args:
        x: arrays, a generator or other iterable of batches, or a sequence of batches.
        y: targets; part of the batches if `x` is not arrays.
        sample_weight: weights; part of the batches if `x` is not arrays.
        batch_size: for arrays; what makes its own batches ignores it.
        steps: batches in an epoch.
        shuffle: for arrays and sequences; an iterator keeps its order.
        class_weight: label -> weight.
        names: of the arguments, for errors.

    Raises:
        ShapeError: no data, rows or arrays of different lengths.
        DTypeError: something that is not numbers.
        ArgumentError: an argument that does not fit the others.
    """
    if isinstance(x, Data):
        return x
    if x is None:
        raise ArgumentError(f"{names.x} is None: pass arrays, a generator or a PyDataset.")
    if is_array_like(x):
        return ArrayData(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps=steps,
            shuffle=shuffle,
            class_weight=class_weight,
            names=names,
        )
    kind = _source_kind(x, names)
    for name, value in ((names.y, y), (names.sample_weight, sample_weight)):
        if value is not None:
            raise ArgumentError(
                f"{names.x} is a {kind}, so {name} must not be given: let {names.x} give "
                "(x, y) or (x, y, sample_weight)."
            )
    if kind == "sequence":
        return SequenceData(x, steps=steps, shuffle=shuffle, class_weight=class_weight, names=names)
    return IteratorData(x, steps=steps, class_weight=class_weight, names=names)


def split_validation(
    x: Any, y: Any, sample_weight: Any, validation_split: float, names: Names = FIT
) -> tuple[Batch, Batch]:
    """The first part of the arrays for training and the last for validation, as two triples.

    Args:
        x: arrays, as for `ArrayData`.
        y: targets or None.
        sample_weight: weights or None.
        validation_split: the fraction for validation, between 0 and 1.
        names: of the arguments, for errors.

    Raises:
        ArgumentError: the fraction is out of range or leaves a part empty, or `x` is not arrays.
    """
    if not isinstance(validation_split, (int, float)) or not 0 < validation_split < 1:
        raise ArgumentError(
            f"validation_split: expected a number between 0 and 1, got {validation_split!r}."
        )
    if x is None or not is_array_like(x):
        raise ArgumentError(
            f"validation_split needs arrays, got {names.x} of type {type(x).__name__}. "
            "Pass validation_data instead."
        )
    whole = convert(x, y, sample_weight, names)
    size = common_length(whole, names)
    cut = math.floor(size * (1 - validation_split))
    if cut in (0, size):
        raise ArgumentError(
            f"validation_split={validation_split} of {size} samples leaves "
            f"{'none for training' if cut == 0 else 'none for validation'}."
        )
    arrays, build = _flat(whole)
    return build([array[:cut] for array in arrays]), build([array[cut:] for array in arrays])


def _nothing() -> None:
    """Stands in for a hook that the source lacks."""


def _check_count(value: Any, name: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"{name}: expected a positive integer, got {value!r}.")
    return int(value)


def _source_kind(x: Any, names: Names) -> str:
    if hasattr(x, "__getitem__") and (hasattr(x, "__len__") or hasattr(x, "num_batches")):
        return "sequence"
    if hasattr(x, "__next__"):
        return "generator"
    if hasattr(x, "__iter__"):
        return "iterable"
    if callable(x):
        name = getattr(x, "__name__", type(x).__name__)
        raise ArgumentError(f"{names.x} is the function {name!r}. Call it: {names.x}={name}().")
    raise ArgumentError(
        f"{names.x}: expected arrays, a generator or a PyDataset, got {type(x).__name__}."
    )


def _flat(batch: Batch) -> tuple[list, Callable[[list], Batch]]:
    """The arrays of a triple as a list, and the function that makes the triple from such a list."""
    arrays: list = []
    x, y, weight = (_rebuilder(part, arrays) for part in batch)
    return arrays, lambda flat: (x(flat), y(flat), weight(flat))


def _rebuilder(part: Any, arrays: list) -> Callable[[list], Any]:
    if part is None:
        return lambda flat: None
    if isinstance(part, dict):
        kind = type(part)
        items = [(key, _rebuilder(item, arrays)) for key, item in part.items()]
        return lambda flat: kind((key, build(flat)) for key, build in items)
    if isinstance(part, (list, tuple)):
        kind, builders = type(part), [_rebuilder(item, arrays) for item in part]
        return lambda flat: kind([build(flat) for build in builders])
    arrays.append(part)
    index = len(arrays) - 1
    return lambda flat: flat[index]


def _taker(array: Any) -> Callable[[np.ndarray, int], Any]:
    """``take(index, axis)`` for an array, with the index moved to where the array lies."""
    backend = None if isinstance(array, np.ndarray) else backends.backend_of(array)
    if backend is None:
        return array.take
    return lambda index, axis: array.take(backend.asarray(index), axis)
