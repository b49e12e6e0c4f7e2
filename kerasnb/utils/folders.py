"""Data sets of the files in a folder: ``*_dataset_from_directory``.

Which files belong to which part depends on the seed alone, as in Keras. Imports errors,
utils.dataset and utils.images.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasnb.errors import ArgumentError, LoadError, unknown
from kerasnb.utils.dataset import Dataset
from kerasnb.utils.images import (
    INTERPOLATIONS,
    MODES,
    check_data_format,
    img_to_array,
    load_img,
    resize,
)

__all__ = [
    "audio_dataset_from_directory",
    "image_dataset_from_directory",
    "text_dataset_from_directory",
]

WORKERS = 8  # threads that read files; they mostly wait for the disk or in code that frees the lock
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
LABEL_MODES = ("binary", "categorical", "int")


class _Request(NamedTuple):
    """The arguments that all three functions have."""

    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Sequence[str] | None
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool


class _Files(NamedTuple):
    """Some files, their labels and the names of these."""

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of the pictures in a folder, with labels by the folders in it.

    Args:
        directory: the folder.
        labels: ``"inferred"`` from the names of the folders in it, None for no labels, or a label
            for each file in the order of their paths.
        label_mode: ``"int"`` for numbers, ``"categorical"`` for one-hot vectors, ``"binary"`` for
            0 or 1 in a column, None for no labels.
        class_names: the folders to take, in the order of their labels; all by their names if not
            given.
        color_mode: ``"rgb"``, ``"rgba"`` or ``"grayscale"``.
        batch_size: pictures in a batch; None for no batches.
        image_size: height and width to make each picture.
        shuffle: whether to mix the files, and anew in every pass.
        seed: of the order.
        validation_split: the part of the files that is for validation.
        subset: ``"training"``, ``"validation"`` or ``"both"``, for a pair.
        interpolation: how pictures become smaller or larger: ``"bilinear"``, ``"nearest"``,
            ``"bicubic"``, ``"area"``, ``"lanczos3"``, ``"lanczos5"``, ``"gaussian"`` or
            ``"mitchellcubic"``.
        follow_links: whether to look into linked folders.
        crop_to_aspect_ratio: cut off at the sides what does not fit, instead of distorting it.
        pad_to_aspect_ratio: fill up with black at the sides, instead of distorting it.
        data_format: ``"channels_last"`` or ``"channels_first"``; the setting if not given.
        format: ``"tf"`` or ``"grain"``, accepted so that code for Keras runs.
        verbose: whether to print how many files were found.

    Returns:
        A `Dataset` of ``(x, y)``, or of ``x`` without labels; two with ``subset="both"``. It has
        `class_names` and `file_paths`.

    Shape:
        x ``(N, H, W, C)`` from 0 to 255, float32, or uint8 with ``"nearest"``.

    Raises:
        ArgumentError: arguments that are unknown or do not fit each other.
        LoadError: there is no such folder, or no picture in it.
        MissingDependency: Pillow is not installed.
    """
    for kind, word, known in (
        ("color_mode", color_mode, MODES),
        ("interpolation", interpolation.lower(), INTERPOLATIONS),
        ("format", format, ("tf", "grain")),
    ):
        if word not in known:
            raise unknown(kind, word, known)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError("Choose one of crop_to_aspect_ratio and pad_to_aspect_ratio, not both.")
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, (list, tuple)) or [type(n) for n in size] != [int, int]:
        raise ArgumentError(f"image_size: expected height and width, got {image_size!r}.")
    fit = _cropped if crop_to_aspect_ratio else _padded if pad_to_aspect_ratio else resize
    read = partial(
        _picture, color_mode=color_mode, size=tuple(size), interpolation=interpolation.lower(),
        fit=fit, first=check_data_format(data_format) == "channels_first",
    )  # fmt: skip
    request = _Request(
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
        subset, follow_links, verbose,
    )  # fmt: skip
    return _dataset(request, "pictures", PICTURES, read)


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of the texts in a folder, with labels by the folders in it.

    Args:
        directory: the folder; its texts are UTF-8 in files that end in ``.txt``.
        labels: ``"inferred"`` from the names of the folders in it, None for no labels, or a label
            for each file in the order of their paths.
        label_mode: ``"int"`` for numbers, ``"categorical"`` for one-hot vectors, ``"binary"`` for
            0 or 1 in a column, None for no labels.
        class_names: the folders to take, in the order of their labels; all by their names if not
            given.
        batch_size: texts in a batch; None for no batches.
        max_length: characters of a text that are kept.
        shuffle: whether to mix the files, and anew in every pass.
        seed: of the order.
        validation_split: the part of the files that is for validation.
        subset: ``"training"``, ``"validation"`` or ``"both"``, for a pair.
        follow_links: whether to look into linked folders.
        format: ``"tf"`` or ``"grain"``, accepted so that code for Keras runs.
        verbose: whether to print how many files were found.

    Returns:
        A `Dataset` of ``(x, y)``, or of ``x`` without labels; two with ``subset="both"``. It has
        `class_names` and `file_paths`.

    Shape:
        x ``(N,)``, an array of Python's texts.

    Raises:
        ArgumentError: arguments that are unknown or do not fit each other.
        LoadError: there is no such folder, or no text in it.
    """
    if format not in ("tf", "grain"):
        raise unknown("format", format, ("tf", "grain"))
    request = _Request(
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
        subset, follow_links, verbose,
    )  # fmt: skip
    return _dataset(request, "texts", (".txt",), partial(_text, max_length=max_length))


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """Batches of the sounds in a folder, with labels by the folders in it.

    Args:
        directory: the folder; its sounds are of 16 bits in files that end in ``.wav``.
        labels: ``"inferred"`` from the names of the folders in it, None for no labels, or a label
            for each file in the order of their paths.
        label_mode: ``"int"`` for numbers, ``"categorical"`` for one-hot vectors, ``"binary"`` for
            0 or 1 in a column, None for no labels.
        class_names: the folders to take, in the order of their labels; all by their names if not
            given.
        batch_size: sounds in a batch; None for no batches.
        sampling_rate: must be None: sounds keep their rate.
        output_sequence_length: samples to which each sound is cut or filled up; those of a batch
            are filled up to the longest if it is None.
        ragged: must be False: there are no ragged arrays here.
        shuffle: whether to mix the files, and anew in every pass.
        seed: of the order.
        validation_split: the part of the files that is for validation.
        subset: ``"training"``, ``"validation"`` or ``"both"``, for a pair.
        follow_links: whether to look into linked folders.
        verbose: whether to print how many files were found.

    Returns:
        A `Dataset` of ``(x, y)``, or of ``x`` without labels; two with ``subset="both"``. It has
        `class_names` and `file_paths`.

    Shape:
        x ``(N, T, C)`` from -1 to 1, float32.

    Raises:
        ArgumentError: arguments that are unknown or do not fit each other.
        LoadError: there is no such folder, or no sound in it.
    """
    if sampling_rate is not None or ragged:
        name = "ragged" if ragged else "sampling_rate"
        raise ArgumentError(
            f"audio_dataset_from_directory: {name} is not supported. Sounds keep their rate, and "
            "those of a batch are filled up to one length."
        )
    request = _Request(
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
        subset, follow_links, verbose,
    )  # fmt: skip
    read = partial(_sound, length=output_sequence_length)
    return _dataset(request, "sounds", (".wav",), read, pad=output_sequence_length is None)


# Which files


def _dataset(
    request: _Request, what: str, endings: tuple, read: Callable, pad: bool = False
) -> Any:
    """One data set, or two for both parts, of the files that `read` reads."""
    request = _checked(request)
    files = _indexed(request, what, endings)
    if request.label_mode == "binary" and len(files.class_names) != 2:
        raise ArgumentError(
            "label_mode='binary': expected two classes, got "
            f"{len(files.class_names)}. Use 'int' or 'categorical'."
        )
    if request.subset is None:
        return _of_files(request, files, read, request.shuffle, pad)
    training, validation = _split(request, files, what)
    sets = {
        "training": lambda: _of_files(request, training, read, request.shuffle, pad),
        # in Keras, the validation part of a pair keeps its order, but one asked for alone is mixed
        "validation": lambda: _of_files(
            request, validation, read, request.shuffle and request.subset != "both", pad
        ),
    }
    if request.subset == "both":
        return [make() for make in sets.values()]
    return sets[request.subset]()


def _checked(request: _Request) -> _Request:
    labels, split, subset = request.labels, request.validation_split, request.subset
    if labels is not None and labels != "inferred" and not isinstance(labels, (list, tuple)):
        raise ArgumentError(
            "labels: expected 'inferred', None, or a list with a label for each file, got "
            f"{labels!r}."
        )
    if request.class_names is not None and labels != "inferred":
        raise ArgumentError("class_names needs labels='inferred': it chooses among the folders.")
    if request.label_mode is not None and request.label_mode not in LABEL_MODES:
        raise unknown("label_mode", request.label_mode, LABEL_MODES)
    if subset is not None and subset not in ("training", "validation", "both"):
        raise unknown("subset", subset, ("training", "validation", "both"))
    if (not split) != (subset is None):
        raise ArgumentError("validation_split and subset belong together: give both, or neither.")
    if split and not 0 < split < 1:
        raise ArgumentError(f"validation_split: expected a number between 0 and 1, got {split!r}.")
    if split and request.shuffle and request.seed is None:
        raise ArgumentError(
            "validation_split with shuffle needs a seed: without it, the two parts would be drawn "
            "from different orders, and share files."
        )
    if labels is None or request.label_mode is None:
        request = request._replace(labels=None, label_mode=None)
    seed = request.seed
    return request._replace(seed=int(np.random.randint(10**6)) if seed is None else seed)


def _indexed(request: _Request, what: str, endings: tuple) -> _Files:
    """All files in the order that the seed says."""
    root = os.fspath(request.directory)
    if not os.path.isdir(root):
        raise LoadError(f"{root}: expected a folder of {what}, but there is none.")
    names = _folders(request, root) if request.labels == "inferred" else [""]
    paths, numbers = [], []
    for number, name in enumerate(names):
        found = _files_in(os.path.join(root, name), endings, request.follow_links)
        paths += found
        numbers += [number] * len(found)
    if not paths:
        raise LoadError(f"{root}: expected {what} in files that end in {', '.join(endings)}.")
    labels: np.ndarray | None = np.array(numbers, "int32")
    if request.labels is None:
        labels = names = None
    elif request.labels != "inferred":
        labels = np.asarray(request.labels)
        if len(labels) != len(paths):
            raise ArgumentError(
                f"labels: expected one for each of {len(paths)} files, got {len(labels)}."
            )
        names = [str(label) for label in sorted(set(request.labels))]
    if request.verbose:
        classes = "" if names is None else f" of {len(names)} classes"
        print(f"Found {len(paths)} {what}{classes} in {root}.")
    if request.shuffle:
        order = np.random.RandomState(request.seed).permutation(len(paths))
        paths = [paths[i] for i in order]
        labels = None if labels is None else labels[order]
    return _Files(paths, labels, names)


def _folders(request: _Request, root: str) -> list[str]:
    with os.scandir(root) as entries:
        found = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    if request.class_names is None:
        return found
    for name in request.class_names:
        if name not in found:
            raise unknown(f"folder of {root} in class_names:", name, found)
    return list(request.class_names)


def _files_in(folder: str, endings: tuple, follow_links: bool) -> list[str]:
    return [
        os.path.join(place, name)
        for place, _, names in sorted(os.walk(folder, followlinks=follow_links))
        for name in sorted(names)
        if name.lower().endswith(endings)
    ]


def _split(request: _Request, files: _Files, what: str) -> tuple[_Files, _Files]:
    """The first files for training, and the last for validation."""
    cut = len(files.paths) - int(request.validation_split * len(files.paths))
    if cut in (0, len(files.paths)):
        raise ArgumentError(
            f"validation_split={request.validation_split} of {len(files.paths)} {what} leaves none "
            f"for {'validation' if cut else 'training'}."
        )
    if request.verbose:
        print(f"{cut} are for training, {len(files.paths) - cut} for validation.")
    labels = (None, None) if files.labels is None else (files.labels[:cut], files.labels[cut:])
    return (
        _Files(files.paths[:cut], labels[0], files.class_names),
        _Files(files.paths[cut:], labels[1], files.class_names),
    )


# How they are read


def _of_files(
    request: _Request, files: _Files, read: Callable, shuffle: bool, pad: bool
) -> Dataset:
    paths, size = files.paths, request.batch_size
    if files.labels is None:
        data, load = Dataset(lambda: paths, len(paths)), read
    else:
        data = Dataset(lambda: zip(paths, files.labels, strict=True), len(paths))
        encode = _encoder(request.label_mode, len(files.class_names))
        load = partial(_with_label, read, encode)
    if shuffle:
        data = data.shuffle(len(paths), request.seed)
    # while a batch is used, the next one is read
    data = data.map_ahead(load, WORKERS, 2 * (size or WORKERS))
    if size is not None:
        data = data.padded_batch(size) if pad else data.batch(size)
    data.class_names, data.file_paths = files.class_names, paths
    return data


def _with_label(read: Callable, encode: Callable, path: str, label: Any) -> tuple:
    return read(path), encode(label)


def _encoder(mode: str, classes: int) -> Callable:
    """From the number of a label to what a model learns."""
    if mode == "binary":
        return lambda label: np.array([label], "float32")
    if mode == "categorical":
        return lambda label: (np.arange(classes) == label).astype("float32")
    return np.int32


def _picture(
    path: str, color_mode: str, size: tuple, interpolation: str, fit: Callable, first: bool
) -> np.ndarray:
    image = img_to_array(load_img(path, color_mode), "channels_last", "uint8")
    found = fit(image, size, interpolation)
    return found.transpose(2, 0, 1) if first else found


def _cropped(image: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    """The largest part in the middle that has the proportions of `size`, in that size."""
    height, width = image.shape[:2]
    tall = max(min(height, int(width * size[0] / size[1])), 1)
    wide = max(min(width, int(height * size[1] / size[0])), 1)
    top, left = (height - tall) // 2, (width - wide) // 2
    return resize(image[top : top + tall, left : left + wide], size, interpolation)


def _padded(image: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    """The whole picture as large as it fits, with black around it."""
    height, width = image.shape[:2]
    ratio = max(height / size[0], width / size[1])
    tall, wide = max(int(height / ratio), 1), max(int(width / ratio), 1)
    found = resize(image, (tall, wide), interpolation)
    whole = np.zeros((*size, image.shape[2]), found.dtype)
    # as TensorFlow's resize_with_pad: halves of what is left before the sizes are rounded down
    top, left = int((size[0] - height / ratio) / 2), int((size[1] - width / ratio) / 2)
    whole[top : top + tall, left : left + wide] = found
    return whole


def _text(path: str, max_length: int | None) -> str:
    data = Path(path).read_bytes()
    try:
        return data.decode("utf-8")[:max_length]
    except UnicodeDecodeError as error:
        raise LoadError(f"{path}: expected UTF-8 text, but byte {error.start} is not.") from None


def _sound(path: str, length: int | None) -> np.ndarray:
    try:
        with wave.open(path) as file:
            if file.getsampwidth() != 2:
                raise LoadError(
                    f"{path}: expected sound of 16 bits, got {8 * file.getsampwidth()}."
                )
            channels, data = file.getnchannels(), file.readframes(file.getnframes())
    except (EOFError, wave.Error) as error:
        raise LoadError(f"{path}: it is no sound in a .wav file: {error}.") from None
    samples = np.frombuffer(data, "<i2").astype("float32").reshape(-1, channels) / 32768
    if length is None:
        return samples
    whole = np.zeros((length, channels), "float32")
    whole[: len(samples)] = samples[:length]
    return whole
