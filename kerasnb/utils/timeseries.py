"""Windows of a series as examples, and data sets in two parts. Imports errors and utils.dataset."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.utils.dataset import Dataset

__all__ = ["split_dataset", "timeseries_dataset_from_array"]


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Batches of windows of a series, each with the target that belongs to its start.

    Args:
        data: the series, one row a step.
        targets: ``targets[i]`` belongs to the window that starts at row i of `data`; None for none.
        sequence_length: rows in a window.
        sequence_stride: rows from the start of one window to that of the next.
        sampling_rate: rows from one of a window to the next.
        batch_size: windows in a batch; None for no batches.
        shuffle: whether to mix the windows, and anew in every pass.
        seed: of the order.
        start_index: the first row that is used.
        end_index: the row before which use ends.
        format: ``"tf"`` or ``"grain"``, accepted so that code for Keras runs.

    Returns:
        A `Dataset` of ``(x, y)``, or of ``x`` without targets.

    Shape:
        x ``(N, sequence_length, …)``.

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> import numpy as np
        >>> windows = timeseries_dataset_from_array(np.arange(6), np.arange(3, 6), 3)
        >>> [(x.tolist(), y.tolist()) for x, y in windows]
        [([[0, 1, 2], [1, 2, 3], [2, 3, 4]], [3, 4, 5])]
    """
    if format not in ("tf", "grain"):
        raise unknown("format", format, ("tf", "grain"))
    size = len(data)
    for name, value, least, most in (
        ("sequence_length", sequence_length, 1, size),
        ("sequence_stride", sequence_stride, 1, size - 1),
        ("sampling_rate", sampling_rate, 1, size - 1),
        ("start_index", start_index or 0, 0, size - 1),
        ("end_index", end_index or size, (start_index or 0) + 1, size),
    ):
        if not isinstance(value, (int, np.integer)) or not least <= value <= most:
            raise ArgumentError(
                f"timeseries_dataset_from_array: expected {name} from {least} to {most} for a "
                f"series of {size} rows, got {value!r}."
            )
    series = np.asarray(data)[start_index:end_index]
    windows = len(series) - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = np.asarray(targets)[start_index:end_index]
        windows = min(windows, len(targets))
    starts = np.arange(0, max(windows, 0), sequence_stride)
    if not len(starts):
        raise ArgumentError(
            f"timeseries_dataset_from_array: {len(series)} rows hold no window of "
            f"{sequence_length} rows, each {sampling_rate} after the one before."
        )
    offsets = np.arange(sequence_length) * sampling_rate

    def window(start: int) -> Any:
        x = series[start + offsets]
        return x if targets is None else (x, targets[start])

    windows = Dataset(lambda: starts.tolist(), len(starts))
    if shuffle:
        windows = windows.shuffle(len(starts), seed)
    windows = windows.map(window)
    return windows if batch_size is None else windows.batch(batch_size)


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """The examples of a small data set in two parts.

    Args:
        dataset: a `Dataset`, an array, or a list or tuple of arrays of one length. All of it is
            read into memory.
        left_size: how many come first, or which part of all if it is a float.
        right_size: how many come last, in the same manner; the rest if not given.
        shuffle: whether to mix the examples first.
        seed: of the order.
        preferred_backend: accepted so that code for Keras runs.

    Returns:
        Two data sets of single examples; of batches as large as those of `dataset`, if it has them.

    Raises:
        ArgumentError: the sizes are missing, or do not fit.

    Example:
        >>> import numpy as np
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), [int(x) for x in right]
        (8, [8, 9])
    """
    batch_size = getattr(dataset, "batch_size", None)
    examples = _examples(dataset, batch_size)
    left, right = _sizes(left_size, right_size, len(examples))
    if shuffle:
        seed = random.randint(0, 10**6) if seed is None else seed
        random.Random(seed).shuffle(examples)
    parts = [_of_examples(examples[:left]), _of_examples(examples[len(examples) - right :])]
    for part in parts:
        part.class_names = getattr(dataset, "class_names", None)
    if batch_size is not None:
        parts = [part.batch(batch_size) for part in parts]
    return parts[0], parts[1]


def _examples(dataset: Any, batch_size: int | None) -> list:
    if isinstance(dataset, Dataset):
        return list(dataset if batch_size is None else dataset.unbatch())
    if isinstance(dataset, (list, tuple)):
        arrays = [np.asarray(array) for array in dataset]
        if not arrays or any(a.shape[:1] != arrays[0].shape[:1] for a in arrays):
            shapes = [a.shape for a in arrays]
            raise ShapeError(f"split_dataset: expected arrays of one length, got {shapes}.")
        return list(zip(*arrays, strict=True))
    if isinstance(dataset, np.ndarray):
        return list(dataset)
    raise ArgumentError(
        "split_dataset: expected a Dataset, an array, or a list or tuple of arrays, got "
        f"{type(dataset).__name__}."
    )


def _of_examples(examples: Sequence) -> Dataset:
    return Dataset(lambda: iter(examples), len(examples))


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    if left is None and right is None:
        raise ArgumentError("split_dataset: give left_size, right_size or both.")
    counts = []
    for name, size in (("left_size", left), ("right_size", right)):
        part = isinstance(size, float)
        if size is not None and (
            type(size) not in (int, float) or not 0 < size < (1 if part else total)
        ):
            raise ArgumentError(
                f"split_dataset: expected {name} from 1 to {total - 1}, or as a part between 0.0 "
                f"and 1.0, got {size!r}."
            )
        counts.append(round(size * total) if part else size)
    first, last = counts
    first = total - last if first is None else first
    last = total - first if last is None else last
    if not first or not last or first + last > total:
        raise ArgumentError(
            f"split_dataset: {first} and {last} of {total} examples are no two parts of them."
        )
    return first, last
