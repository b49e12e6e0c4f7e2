"""Data to train on: the kernel's variables, sets that need no network, and CSV files.

Nothing that a person has is copied or changed here. Imports errors, backends, tensor and datasets.
pandas is never imported, but its tables are known if the person has done so.
"""

from __future__ import annotations

import csv
import io
import math
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasnb import backends
from kerasnb.datasets.small import SETS, SmallSet
from kerasnb.errors import ArgumentError, LoadError, unknown
from kerasnb.tensor import Tensor

__all__ = ["SETS", "Choice", "Data", "choices", "from_csv", "load", "parse_csv"]

SEED = 0
LARGEST = 50 * 2**20  # bytes of a CSV file
FEW = 20  # more whole numbers than these are no classes
OBJECTS = 100_000  # longer arrays of objects are no labels
GREATEST = float(np.finfo("float32").max)
TARGETS = ("label", "target", "class", "y")
STANDARD = "Each column has mean 0 and standard deviation 1."


class Choice(NamedTuple):
    """Data that a person can choose.

    Attributes:
        name: of the variable or the set.
        source: ``"variable"`` or ``"set"``.
        shape: with the axis of the samples.
        dtype: of the numbers; ``"mixed"`` for a table of several.
        targets: the name of the variable that seems to hold the targets; ``""`` if none does.
        validation: the names of what seems to be held back for validation, inputs and targets; or
            ``()``.
        about: what a set is, in one sentence.
    """

    name: str
    source: str
    shape: tuple[int, ...]
    dtype: str
    targets: str = ""
    validation: tuple[str, ...] = ()
    about: str = ""

    @property
    def samples(self) -> int:
        """How many there are."""
        return self.shape[0]

    def data(self) -> dict[str, Any]:
        """It as JSON has it."""
        lists = {"shape": list(self.shape), "validation": list(self.validation)}
        return {**self._asdict(), **lists, "samples": self.samples}


class Data(NamedTuple):
    """Inputs and targets, shuffled.

    Attributes:
        name: of the set or file.
        x: float32, scaled as `scaling` says.
        y: class numbers, int32, or numbers, float32.
        names: a text for each class; None if they have none, or there are no classes.
        task: ``"two_classes"``, ``"classes"``, ``"number"`` (one an example) or ``"labels"``
            (several classes at once); ``""`` if nobody has said.
        features: a text for each column of `x`; None for pictures.
        scaling: what was done to the numbers, in words.

    Shape:
        x ``(N, …)``, y ``(N,)``; ``(N, classes)`` for ``"labels"``.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    names: list[str] | None
    task: str
    features: list[str] | None = None
    scaling: str = ""


# Variables


def choices(namespace: Mapping[str, Any]) -> list[Choice]:
    """What can be trained on: the arrays among variables, inputs with targets first, and the sets.

    Args:
        namespace: variables by name, as `globals` gives them. NumPy and CuPy arrays, tensors,
            lists of numbers and tables of pandas are found; names that begin with ``_`` and single
            numbers are left out.
    """
    found: dict[str, Choice] = {}
    for name, value in list(namespace.items()):
        form = None if not isinstance(name, str) or name.startswith("_") else _form(value)
        if form is not None and form[0] and form[0][0]:
            found[name] = Choice(name, "variable", *form)
    paired = [_paired(choice, found) for choice in found.values()]
    paired.sort(key=lambda choice: not choice.targets)  # stable: the order of the variables stays
    return paired + [_choice(found) for found in SETS.values()]


def _form(value: Any) -> tuple[tuple[int, ...], str] | None:
    """The shape and dtype of data; None if it is none. Nothing is copied."""
    kind = type(value)
    if issubclass(kind, Tensor):
        return (tuple(value.shape), value.dtype) if value.data is not None else None
    on_device = backends.backend_of(value) is not None
    if issubclass(kind, np.ndarray) or on_device or hasattr(kind, "__cuda_array_interface__"):
        shape, dtype = tuple(value.shape), np.dtype(value.dtype)
        return (shape, _dtype_name(dtype)) if _can_be_data(dtype.kind, shape) else None
    if kind in (list, tuple):
        return _form_of_list(value)
    return _form_of_table(value)


def _can_be_data(kind: str, shape: tuple[int, ...]) -> bool:
    if kind in "US":  # labels as text: what to do about them is said when they are chosen
        return len(shape) == 1
    if kind == "O":
        return len(shape) == 1 and shape[0] <= OBJECTS
    return kind in "biuf"


def _dtype_name(dtype: Any) -> str:
    return "text" if dtype.kind in "US" else dtype.name


def _form_of_list(value: Any) -> tuple[tuple[int, ...], str] | None:
    """The form of nested lists, judged by their first and last items."""
    shape: list[int] = []
    first = last = value
    while type(first) in (list, tuple) and first and len(shape) < 8:
        if type(last) not in (list, tuple) or len(last) != len(first):
            return None
        shape.append(len(first))
        first, last = first[0], last[-1]
    kinds = {type(first), type(last)}
    if kinds <= {bool}:
        return tuple(shape), "bool"
    if kinds <= {bool, int}:
        return tuple(shape), "int"
    if kinds <= {bool, int, float}:
        return tuple(shape), "float"
    return None


def _form_of_table(value: Any) -> tuple[tuple[int, ...], str] | None:
    pandas = sys.modules.get("pandas")
    tables = tuple(filter(None, (getattr(pandas, n, None) for n in ("DataFrame", "Series"))))
    if not tables or not issubclass(type(value), tables):
        return None
    dtypes = getattr(value, "dtypes", None)
    names = {str(dtype) for dtype in ([dtypes] if len(value.shape) == 1 else dtypes)}
    return tuple(value.shape), names.pop() if len(names) == 1 else "mixed"


# what inputs are called, and what their targets then are
_TARGETS = {
    "x": ("y",), "X": ("y", "Y"), "xs": ("ys",), "images": ("labels", "targets"),
    "features": ("target", "targets", "labels", "label"), "data": ("target", "targets", "labels"),
    "inputs": ("targets", "outputs", "labels"), "input": ("target", "output", "label"),
    "samples": ("labels", "targets"), "texts": ("labels", "targets"), "points": ("labels",),
}  # fmt: skip
_HELD_BACK = ("test", "val", "valid", "validation")


def _paired(choice: Choice, found: Mapping[str, Choice]) -> Choice:
    """The choice with the names of the variables that belong to it."""
    targets = _targets_of(choice.name, choice.samples, found)
    if not targets:
        return choice
    for x, y in _held_back(choice.name, targets):
        fits = x in found and y in found and found[x].samples == found[y].samples
        if fits and found[x].shape[1:] == choice.shape[1:]:
            return choice._replace(targets=targets, validation=(x, y))
    return choice._replace(targets=targets)


def _targets_of(name: str, samples: int, found: Mapping[str, Choice]) -> str:
    parts = name.split("_")
    for place, part in enumerate(parts):
        for other in _TARGETS.get(part, ()):
            candidate = "_".join([*parts[:place], other, *parts[place + 1 :]])
            if candidate in found and found[candidate].samples == samples:
                return candidate
    return ""


def _held_back(x: str, y: str) -> list[tuple[str, str]]:
    """What the names of data for validation may be, if `x` and `y` are to train on."""
    if any(part in _HELD_BACK for part in x.split("_")):
        return []
    if "train" in x.split("_") and "train" in y.split("_"):
        forms = [[n.split("_") for n in (x, y)]]
        return [
            tuple("_".join(other if p == "train" else p for p in parts) for parts in form)
            for form in forms
            for other in _HELD_BACK
        ]
    return [(f"{x}_{other}", f"{y}_{other}") for other in _HELD_BACK]


# Sets


def load(name: str) -> Data:
    """A set by its name in `SETS`; the same numbers each time.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
        MissingDependency: the set comes with scikit-learn, which is not installed.
    """
    if name not in SETS:
        raise unknown("data set", name, SETS)
    return _shuffled(_PREPARED.get(name, _points)(SETS[name]))


def _choice(found: SmallSet) -> Choice:
    shape = (*found.shape, 1) if found.name == "digits" else found.shape
    return Choice(found.name, "set", shape, "float32", about=found.about)


def _digits(found: SmallSet) -> Data:
    whole = found.whole()
    x = (whole.x / 16).astype("float32")[..., np.newaxis]  # (N, 8, 8) -> (N, 8, 8, 1)
    return Data(
        found.name, x, whole.y, whole.class_names, found.task, None, "Pixels go from 0 to 1."
    )


def _table(found: SmallSet) -> Data:
    whole = found.whole()
    x, names = _standard(whole.x), whole.class_names
    return Data(found.name, x, whole.y, names, found.task, whole.feature_names, STANDARD)


def _number(found: SmallSet) -> Data:
    data = _table(found)
    return data._replace(y=data.y / 100, scaling=f"{STANDARD} The target is in hundreds.")


def _points(found: SmallSet) -> Data:
    whole = found.whole(SEED)
    scaling = "Both numbers go from about -1 to 1."
    return Data(found.name, whole.x, whole.y, None, found.task, whole.feature_names, scaling)


def _standard(columns: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and standard deviation 1; one that is all the same becomes 0."""
    columns = np.asarray(columns, "float64")
    center = columns - columns.mean(axis=0)
    spread = center.std(axis=0)
    constant = spread <= 1e-12 * np.abs(columns).max(axis=0)  # what rounding leaves
    return np.where(constant, 0, center / np.where(constant, 1, spread)).astype("float32")


def _shuffled(data: Data) -> Data:
    """In an order that is always the same: the last fraction can be held back for validation."""
    order = np.random.default_rng(SEED).permutation(len(data.x))
    return data._replace(x=data.x[order], y=data.y[order])


_PREPARED: dict[str, Callable[[SmallSet], Data]] = {"digits": _digits, "diabetes": _number}
_PREPARED |= dict.fromkeys(("iris", "wine", "breast_cancer"), _table)


# CSV


def from_csv(source: str | Path) -> Data:
    """Inputs and targets from a table of numbers; see `parse_csv`.

    Args:
        source: the text of the table if it has more than one line, else the path of a file.

    Raises:
        ArgumentError: there is no such file.
        LoadError: it is no such table, with row and column; or has more than 50 MiB.
    """
    if isinstance(source, str) and "\n" in source.strip():
        return parse_csv(source)
    if not isinstance(source, (str, Path)):
        kind = type(source).__name__
        raise ArgumentError(f"from_csv: expected the text of a table or a path, got {kind}.")
    path = Path(source)
    try:
        readable = path.is_file()
        if readable and path.stat().st_size > LARGEST:
            raise LoadError(f"{path.name}: it has more than {LARGEST // 2**20} MiB.")
        content = path.read_bytes() if readable else None
    except OSError:
        content = None
    if content is None:
        raise ArgumentError(
            "from_csv: there is no such file that can be read. Pass its path, or the text itself "
            "with more than one line."
        )
    try:
        return parse_csv(content.decode("utf-8-sig"), path.name)
    except UnicodeDecodeError:
        raise LoadError(f'{path.name}: it is not UTF-8. Save it as "CSV UTF-8".') from None


def parse_csv(text: str, name: str = "CSV text") -> Data:
    """Inputs and targets from the text of a table of numbers. No file is opened.

    Commas, semicolons or tabs stand between cells; between semicolons a comma may be the decimal
    point. A first row of names may be there. The targets are the column that is called label,
    target, class or y, else the last one. Texts as targets become class numbers in the order of the
    alphabet, and so do at most 20 different whole numbers if there are three of each on average.

    Args:
        text: the table.
        name: of the data, for errors too.

    Raises:
        LoadError: it is no such table, with row and column; or has more than 50 MiB.
    """
    if len(text) > LARGEST:
        raise LoadError(f"{name}: it has more than {LARGEST // 2**20} MiB.")
    text = text.removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    # commas last: they may be decimal points
    delimiter = next((mark for mark in "\t;" if mark in first), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    table = _Table(name, delimiter == ";")
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                table.take(row, rows.line_num)
    except csv.Error:
        raise LoadError(
            f"{name}: row {rows.line_num} cannot be read: a quotation mark may be missing."
        ) from None
    return table.result()


class _Table:
    """The rows of a table, read one after the other.

    Args:
        name: of the table, for the errors.
        commas: whether a decimal point may be a comma.
    """

    def __init__(self, name: str, commas: bool):
        self.name, self.commas = name, commas
        self.columns: list[str] | None = None
        self.target = -1
        self.numbers = array("d")  # of the features, row by row
        self.targets: list[str] = []
        self.lines: list[int] = []

    def take(self, row: Sequence[str], line: int) -> None:
        """Read the row of a line: the names, or numbers and the target."""
        if self.columns is None:
            names = [cell.strip() for cell in row]
            if self._begin(names):
                return
        if len(row) != len(self.columns):
            raise LoadError(
                f"{self.name}: row {line} has {len(row)} cell{'s' * (len(row) != 1)}, but the "
                f"first row has {len(self.columns)}."
            )
        for place, cell in enumerate(row):
            if place != self.target:
                self.numbers.append(self._number(cell, line, place))
        target = row[self.target].strip()
        if not target:
            raise LoadError(f"{self._place(line, self.target)}: the cell is empty.")
        self.targets.append(target)
        self.lines.append(line)

    def _begin(self, row: list[str]) -> bool:
        """Learn the columns from the first row; gives whether it holds their names."""
        if len(row) < 2:
            raise LoadError(
                f"{self.name}: expected two columns at least, one of them the targets, got one. "
                "Put commas, semicolons or tabs between cells."
            )
        named = [i for i, cell in enumerate(row) if cell.lower() in TARGETS]
        header = bool(named) or all(self._parsed(cell) is None for cell in row)
        self.target = named[0] if named else len(row) - 1
        last = len(row) - 1
        standing = ["y" if i == last else f"x{i}" for i in range(len(row))]
        self.columns = [c or s for c, s in zip(row, standing, strict=True)] if header else standing
        return header

    def _parsed(self, cell: str) -> float | None:
        for text in (cell, cell.replace(",", ".", 1)) if self.commas else (cell,):
            try:
                return float(text)
            except ValueError:
                continue
        return None

    def _number(self, cell: str, line: int, place: int) -> float:
        number = self._parsed(cell)
        if number is not None and abs(number) <= GREATEST:
            return number
        where = self._place(line, place)
        if not cell.strip():
            raise LoadError(f"{where}: the cell is empty. Fill it, or delete the row.")
        if number is None:
            fix = (
                "Write a number, as in other rows, or delete the row."
                if place == self.target
                else "Only targets may be text: write numbers for it, or delete the column."
            )
            raise LoadError(f"{where}: expected a number, got text. {fix}")
        raise LoadError(f"{where}: expected a finite number. Delete the row.")

    def _place(self, line: int, place: int) -> str:
        return f"{self.name}: row {line}, column {self.columns[place]!r:.40}"

    def result(self) -> Data:
        """All of it, shuffled."""
        if len(self.targets) < 2:
            raise LoadError(
                f"{self.name}: expected two rows of numbers at least, got {len(self.targets)}."
            )
        features = [c for i, c in enumerate(self.columns) if i != self.target]
        # (N * columns,) -> (N, columns)
        x = _standard(np.frombuffer(self.numbers).reshape(len(self.targets), len(features)))
        y, names = self._classes() or (self._amounts(), None)
        count = len(names or ())
        task = {0: "number", 2: "two_classes"}.get(count, "classes")
        return _shuffled(Data(self.name, x, y, names, task, features, STANDARD))

    def _classes(self) -> tuple[np.ndarray, list[str]] | None:
        """The targets as class numbers with their names; None if they are amounts."""
        different = sorted(set(self.targets))
        numbers = [self._parsed(target) for target in different]
        texts = numbers.count(None)
        if texts and len(different) > FEW and 2 * texts < len(different):
            return None  # numbers with a few slips, which are reported
        if not texts:
            whole = all(math.isfinite(number) and number == int(number) for number in numbers)
            count = len(set(numbers))
            if not whole or count > FEW or 3 * count > len(self.targets):
                return None
            values = {t: int(n) for t, n in zip(different, numbers, strict=True)}
            order = sorted(set(values.values()))
            names = [str(value) for value in order]
            numbered = {target: order.index(value) for target, value in values.items()}
        else:
            names = different
            numbered = {target: i for i, target in enumerate(different)}
        self._require_classes(names)
        return np.array([numbered[target] for target in self.targets], "int32"), names

    def _require_classes(self, names: list[str]) -> None:
        column = f"{self.name}: column {self.columns[self.target]!r:.40}"
        if len(names) == 1:
            raise LoadError(f"{column} is the same in each row: there is nothing to learn.")
        if len(names) > FEW and 2 * len(names) > len(self.targets):
            raise LoadError(
                f"{column} holds {len(names):,} different texts in {len(self.targets):,} rows, "
                "which are hardly classes. Call the column of the targets 'target'."
            )

    def _amounts(self) -> np.ndarray:
        found = [
            self._number(cell, line, self.target)
            for cell, line in zip(self.targets, self.lines, strict=True)
        ]
        return np.array(found, "float32")
