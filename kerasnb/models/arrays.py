"""From what users pass as `x`, `y` and `sample_weight` to checked arrays of numbers.

Every check on data is here, and runs before any training work. Plain NumPy; arrays of a device stay
where they are. Imports errors, config, backends, text and tree.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from kerasnb import backends, config, tree
from kerasnb.errors import ArgumentError, DTypeError, ShapeError
from kerasnb.text import as_text, looks_like_text

__all__ = [
    "EVALUATE",
    "FIT",
    "PREDICT",
    "PREDICT_BATCH",
    "VALIDATION",
    "Batch",
    "DataWarning",
    "Names",
    "apply_weights",
    "common_length",
    "convert",
    "is_array_like",
    "warn",
    "warn_not_finite",
]

Batch = tuple[Any, Any, Any]


class DataWarning(UserWarning):
    """Data that can be used, but hardly as meant: NaN, or fewer batches than asked for."""


class Names(NamedTuple):
    """What the caller's arguments are called, for the texts of errors; and what they may be.

    Attributes:
        takes_text: whether `x` may be text.
        warns_of_nan: whether numbers that are none are looked for.
    """

    x: str = "x"
    y: str = "y"
    sample_weight: str = "sample_weight"
    steps: str = "steps_per_epoch"
    batch_size: str = "batch_size"
    work: str = "training"
    takes_text: bool = False
    warns_of_nan: bool = True


FIT = Names()
EVALUATE = Names(steps="steps", work="evaluation")
PREDICT = Names(steps="steps", work="prediction")
PREDICT_BATCH = Names(work="prediction", warns_of_nan=False)  # a look takes longer than a layer
VALIDATION = Names(
    x="validation_data[0]",
    y="validation_data[1]",
    sample_weight="validation_data[2]",
    steps="validation_steps",
    batch_size="validation_batch_size",
    work="validation",
)


def warn(text: str) -> None:
    """Issue a `DataWarning`."""
    warnings.warn(text, DataWarning, stacklevel=3)


def is_array_like(x: Any) -> bool:
    """Whether `x` is arrays, not something that gives batches."""
    if isinstance(x, (dict, list, tuple, int, float, str, bytes)):
        return True
    return hasattr(x, "__array__") or hasattr(x, "toarray") or _on_device(x)


def convert(x: Any, y: Any, weight: Any, names: Names) -> Batch:
    """The three arguments with arrays as leaves: floats as `floatx`, other numbers as they are.

    Raises:
        ArgumentError: `x` is None.
        ShapeError: rows of different lengths, or no sample axis.
        DTypeError: something that is not numbers.
    """
    if x is None:
        raise ArgumentError(f"{names.x} is None: pass arrays, a generator or a PyDataset.")
    weight = _convert(weight, names.sample_weight)
    if getattr(weight, "ndim", 0) == 2 and weight.shape[1] == 1:
        weight = weight[:, 0]  # (N, 1) -> (N,): one weight per sample
    return _convert(x, names.x, names.takes_text), _convert(y, names.y), weight


def common_length(batch: Batch, names: Names) -> int:
    """The number of samples that all arrays have.

    Raises:
        ShapeError: there are none, or the arrays differ.
    """
    leaves = [
        leaf for part, name in zip(batch, names[:3], strict=True) for leaf in _named(part, name)
    ]
    if not any(True for _ in _named(batch[0], names.x)):
        raise ShapeError(f"{names.x} is empty: it holds no array.")
    lengths = [len(array) for _, array in leaves]
    if len(set(lengths)) > 1:
        raise ShapeError(_lengths_differ(leaves, batch[0], names))
    if lengths[0] == 0:
        raise ShapeError(f"{leaves[0][0]} is empty: its shape is {leaves[0][1].shape}.")
    return lengths[0]


def warn_not_finite(batch: Batch, names: Names) -> bool:
    """Warn of NaN and infinite values in arrays of the host; whether there were any."""
    found = False
    if not names.warns_of_nan:
        return found
    for part, part_name in zip(batch, names[:3], strict=True):
        for name, array in _named(part, part_name):
            if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
                continue
            with np.errstate(all="ignore"):
                total = array.sum()
            if np.isfinite(total):  # one pass, no temporary array; only other sums are looked into
                continue
            nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
            counts = [f"{nan} NaN"] * bool(nan) + [f"{infinite} infinite"] * bool(infinite)
            if counts:
                found = True
                warn(
                    f"{name} holds {' and '.join(counts)} among {array.size} values, which makes "
                    "the loss NaN. Remove those samples or replace the values."
                )
    return found


def apply_weights(y: Any, weight: Any, class_weight: dict | None, names: Names) -> Any:
    """The sample weights in the structure of `y`, times the class weights; None if there are none.

    Raises:
        ArgumentError: the structures differ, or `class_weight` does not fit `y`.
        ShapeError: a single array of weights for several targets that is not `(N,)`.
    """
    if weight is not None and tree.is_nested(y):
        weight = _like_targets(y, weight, names)
    if class_weight is None:
        return weight
    if not isinstance(class_weight, dict):
        raise ArgumentError(
            "class_weight: expected a dictionary of label -> weight, "
            f"got {type(class_weight).__name__}. For weights in the order of the labels, "
            "pass dict(enumerate(weights))."
        )
    if y is None:
        raise ArgumentError(f"class_weight needs targets, but {names.y} is None.")
    if tree.is_nested(y):
        raise ArgumentError(
            f"class_weight needs a single array of targets, got {_form(y)} as {names.y}. "
            "Pass sample_weight with one array per output."
        )
    by_class = _by_class(y, class_weight, names)
    if weight is None:
        return by_class
    ndim = max(by_class.ndim, weight.ndim)
    by_class, weight = (a.reshape(a.shape + (1,) * (ndim - a.ndim)) for a in (by_class, weight))
    return by_class * weight


def _convert(value: Any, name: str, text: bool = False) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: _convert(item, f"{name}[{key!r}]", text) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and _holds_arrays(value):
        items = [_convert(item, f"{name}[{i}]", text) for i, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    return _text(value, name) if text and looks_like_text(value) else _array(value, name)


def _holds_arrays(items: list | tuple) -> bool:
    """Whether a list is a structure of arrays, not itself the rows of one array."""
    first: Any = items
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    return _is_part(first) or any(map(_is_part, items))


def _is_part(item: Any) -> bool:
    return isinstance(item, dict) or getattr(item, "shape", ()) != ()


def _array(value: Any, name: str) -> Any:
    """One array with a sample axis, of a data type that the package has."""
    if hasattr(value, "spec") and getattr(value, "data", None) is not None:
        value = value.data  # a tensor of this package
    plain = type(value) is np.ndarray and value.dtype.kind != "O"
    if not plain and not _on_device(value):
        value = _to_numpy(value, name)
    if value.dtype.kind not in "biuf":
        raise DTypeError(_not_numbers(value, name))
    if value.ndim == 0:
        raise ShapeError(f"{name}: expected an array of samples, got a single number.")
    dtype = config.floatx() if value.dtype.kind == "f" else value.dtype
    if value.dtype != dtype or not value.dtype.isnative:
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes inf; a warning tells
            value = value.astype(np.dtype(dtype).newbyteorder("="))
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value


def _text(value: Any, name: str) -> np.ndarray:
    """One array of text with a sample axis."""
    array = as_text(value, name)
    if array.ndim == 0:
        raise ShapeError(f"{name}: expected an array of texts, got a single one. Put it in a list.")
    return array[:, None] if array.ndim == 1 and hasattr(value, "to_numpy") else array


def _on_device(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return False
    return backends.backend_of(value) is not None or hasattr(value, "__cuda_array_interface__")


def _to_numpy(value: Any, name: str) -> np.ndarray:
    if hasattr(value, "toarray"):
        raise DTypeError(
            f"{name} is a sparse {type(value).__name__}. Pass {name}.toarray(), or a generator "
            "that makes each batch dense."
        )
    try:
        array = np.asarray(value)
    except ValueError:
        raise ShapeError(_ragged(value, name)) from None
    if array.dtype.kind == "O":
        rows = (list, tuple, np.ndarray)
        if array.ndim and any(isinstance(item, rows) for item in array.flat[:1000]):
            raise ShapeError(_ragged(value, name))
        raise DTypeError(_not_numbers(value, name))
    if isinstance(value, (list, tuple)) and array.dtype == np.int64:
        small = array.astype("int32")
        return small if (small == array).all() else array
    if array.ndim == 1 and hasattr(value, "to_numpy"):
        return array[:, None]  # a column of a table: (N,) -> (N, 1), as Keras does
    return array


def _ragged(value: Any, name: str) -> str:
    lengths = [len(row) if isinstance(row, (list, tuple, np.ndarray)) else None for row in value]
    other = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    if other is None:
        return f"{name}: its rows do not form one array. Give the lists in them the same length."
    rows = [
        f"row {i} is a number" if lengths[i] is None else f"row {i} has {lengths[i]}"
        for i in (0, other)
    ]
    return (
        f"{name}: expected rows of one length, but {' and '.join(rows)}. "
        "Pad them, for example with kerasnb.utils.pad_sequences."
    )


_KINDS = {"U": "text", "S": "text", "M": "dates", "m": "time spans", "c": "complex numbers"}


def _not_numbers(value: Any, name: str) -> str:
    dtype = getattr(value, "dtype", "object")
    kind = _KINDS.get(getattr(dtype, "kind", "O"), "objects")
    text = f"{name}: expected numbers, got {kind} (dtype {dtype})."
    if hasattr(value, "columns"):
        types = zip(value.columns, value.dtypes, strict=True)
        bad = [repr(c) for c, t in types if getattr(t, "kind", "O") not in "biuf"]
        if bad:
            return f"{text} These columns are not numbers: {', '.join(bad)}."
    if kind == "objects":
        return f"{text} If they are all numbers, pass np.array({name}, dtype='float32')."
    if kind == "text":
        return f"{text} Turn them into numbers first, with TextVectorization or StringLookup."
    return f"{text} Turn them into numbers first."


def _named(structure: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Each array with the name by which the user knows it."""
    if isinstance(structure, dict):
        for key, item in structure.items():
            yield from _named(item, f"{name}[{key!r}]")
    elif isinstance(structure, (list, tuple)):
        for i, item in enumerate(structure):
            yield from _named(item, f"{name}[{i}]")
    elif structure is not None:
        yield name, structure


def _lengths_differ(leaves: list, x: Any, names: Names) -> str:
    shown = [f"{name} has {len(array)}" for name, array in leaves]
    if len(shown) > 8:  # a list of samples given as a list of inputs may be thousands long
        shown = [*shown[:6], "…", shown[-1]]
    text = f"Expected as many samples in each array, but {', '.join(shown)}."
    if isinstance(x, (list, tuple)) and len(x) == len(leaves[-1][1]):
        text += (
            f" {names.x} is a list of {len(x)} arrays, which means {len(x)} inputs; "
            f"np.stack({names.x}) makes one array of {len(x)} samples."
        )
    return text


def _by_class(y: Any, class_weight: dict, names: Names) -> Any:
    """The weight of each label in `y`: integers, one-hot vectors or one binary column."""
    backend = None if isinstance(y, np.ndarray) else backends.backend_of(y)
    labels = y if backend is None else backend.to_numpy(y)
    if labels.ndim > 1:  # (N, 1) -> (N,); one-hot (N, C) -> (N,)
        labels = labels[..., 0] if labels.shape[-1] == 1 else labels.argmax(-1)
    present, index = np.unique(np.rint(labels).astype("int64"), return_inverse=True)
    odd = [repr(label) for label in class_weight if not isinstance(label, (int, np.integer))]
    if odd:
        raise ArgumentError(
            f"class_weight: expected whole numbers as labels of {names.y}, got {', '.join(odd)}."
        )
    # as in Keras, a label that is not listed counts as 1
    table = np.array([class_weight.get(label, 1.0) for label in present.tolist()], config.floatx())
    weights = table[index.reshape(labels.shape)]
    return weights if backend is None else backend.asarray(weights)


def _like_targets(y: Any, weight: Any, names: Names) -> Any:
    """One array of weights per output; a single one serves all."""
    if not tree.is_nested(weight):
        if weight.ndim != 1:
            raise ShapeError(
                f"{names.sample_weight}: expected one weight per sample, (N,), as {names.y} is "
                f"{_form(y)}; got shape {weight.shape}. Pass one array per output instead."
            )
        return tree.map_structure(lambda _: weight, y)
    if not _same_structure(y, weight):
        raise ArgumentError(
            f"{names.sample_weight}: expected the structure of {names.y}, {_form(y)}, "
            f"got {_form(weight)}."
        )
    return weight


def _same_structure(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        same = isinstance(b, dict) and a.keys() == b.keys()
        return same and all(_same_structure(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        same = isinstance(b, (list, tuple)) and len(a) == len(b)
        return same and all(map(_same_structure, a, b))
    return not tree.is_nested(b)


def _form(structure: Any) -> str:
    if isinstance(structure, dict):
        return f"a dictionary with keys {', '.join(map(repr, structure))}"
    if isinstance(structure, (list, tuple)):
        return f"a {type(structure).__name__} of {len(structure)}"
    return "one array"
