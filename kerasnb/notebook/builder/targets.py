"""Which loss and metrics suit the targets of one output, and what does not fit. Plain NumPy.

Imports backends. `choose` looks at the numbers, the shape of the output and its last activation,
and tells everything in words, with the changes of arguments that would mend it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kerasnb import backends
from kerasnb.notebook.insight.checks import host

__all__ = ["LARGE", "End", "Finding", "Measure", "broken", "choose", "fits", "values_of"]

FEW = 20  # more whole numbers than these are hardly classes
LARGE = 20.0  # numbers beyond this are better divided first
LOOKED_AT = 2**21  # targets that are counted by their values
# what activations can give
RANGES = {
    "sigmoid": (0, 1), "hard_sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1),
    "relu": (0, math.inf), "softplus": (0, math.inf), "relu6": (0, 6), "exponential": (0, math.inf),
    "log_sigmoid": (-math.inf, 0),
}  # fmt: skip
SPARSE, ONE_HOT, BINARY = (
    "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy",
)  # fmt: skip


class Finding(NamedTuple):
    """What does not fit, or could be better.

    Attributes:
        level: ``"error"`` or ``"advice"``.
        text: what, and what to do, in words.
        changes: what would mend it, all together: ``{"node", "argument", "value"}``; the node is an
            id, or None for the layer that is meant if ids are not known.
    """

    level: str
    text: str
    changes: tuple[Mapping[str, Any], ...] = ()


class End(NamedTuple):
    """An output of a model.

    Attributes:
        shape: for one example, with one axis at least.
        activation: the name of what gives it; ``"linear"`` for none.
        number: from 1, if there are several outputs; else 0.
        units: the node and the argument that say how many numbers it has; None if none does.
        place: the node that has the argument ``activation``, as a tuple of one; None if none has.
    """

    shape: tuple[int | None, ...]
    activation: str = "linear"
    number: int = 0
    units: tuple[str | None, str] | None = (None, "units")
    place: tuple[str | None] | None = (None,)

    @property
    def width(self) -> int | None:
        """How many numbers it has in its last axis."""
        return self.shape[-1]

    @property
    def title(self) -> str:
        """What the layer is called in a sentence."""
        return f"the layer of output {self.number}" if self.number else "the last layer"

    @property
    def targets(self) -> str:
        """What the targets are called in a sentence."""
        return f"y of output {self.number}" if self.number else "y"

    @property
    def size(self) -> str:
        """How many units it has, in words."""
        if self.width == 1:
            return "one unit"
        return f"{self.width} units" if self.width else "several units"

    def set(self, units: int | None = None, activation: str | None = None) -> tuple:
        """The changes that give it other units and another activation; () if one cannot be."""
        found = []
        if units is not None and units != self.width:
            if self.units is None:
                return ()
            node, argument = self.units
            found.append({"node": node, "argument": argument, "value": units})
        if activation is not None and activation != self.activation:
            if self.place is None:
                return ()
            found.append({"node": self.place[0], "argument": "activation", "value": activation})
        return tuple(found)

    def asked(self, units: int | None = None, activation: str | None = None) -> str:
        """The end of a sentence that asks for them."""
        units = None if units == self.width else units
        activation = None if activation == self.activation else activation
        if units is not None and self.units is None:
            return (
                f"end with a Dense layer of {units} units{f' and {activation}' * bool(activation)}."
            )
        set_to = [f"{self.units[1]} to {units}"] if units is not None else []
        also = ""
        if activation is not None and self.place is not None:
            set_to.append(f"the activation to {activation}")
        elif activation is not None:
            also = f"end with an Activation layer of {activation}"
            if activation == "linear":
                also = f"take out the layer of {self.activation}"
        return (
            " and ".join([f"set {' and '.join(set_to)}"] * bool(set_to) + [also] * bool(also)) + "."
        )

    def wants(
        self, level: str, text: str, units: int | None = None, activation: str | None = None
    ) -> Finding:
        """The finding that it should be different, with a sentence that ends with how."""
        return Finding(
            level, f"{text}: {self.asked(units, activation)}", self.set(units, activation)
        )


class Measure(NamedTuple):
    """How to measure what one output gives, in training and for people.

    Attributes:
        loss: a name or a configuration; None if the targets do not say.
        metrics: names or configurations.
        reason: a sentence.
        findings: what does not fit.
    """

    loss: Any
    metrics: list
    reason: str
    findings: list[Finding]


class _Facts(NamedTuple):
    """What targets of one output are.

    Attributes:
        shape: with the examples.
        low: the least number.
        high: the greatest.
        whole: whether all are whole numbers.
        integer: whether the dtype says so, too.
        count: how many different whole numbers there are.
        rows: ``"one_hot"``, ``"labels"`` (several marks a row), ``"chances"`` (they add up to 1) or
            ``""``.
    """

    shape: tuple[int, ...]
    low: float
    high: float
    whole: bool
    integer: bool
    count: int
    rows: str

    @property
    def reach(self) -> str:
        return f"{self.low:.4g} to {self.high:.4g}"

    @property
    def classes(self) -> str:
        count = int(self.high) + 1
        return f"{count} classes (0 to {count - 1})"

    @property
    def signs(self) -> bool:
        """Whether they are -1 and 1."""
        return self.whole and self.count == 2 and (self.low, self.high) == (-1, 1)

    @property
    def counted(self) -> bool:
        """Whether all whole numbers from 0 to a few occur, as they do where they are classes."""
        return self.low == 0 and self.count == self.high + 1 <= FEW


def values_of(value: Any) -> Any:
    """An array of the host, or one that stays on its device; of objects, if all are numbers or
    texts, one of these."""
    if not isinstance(value, np.ndarray) and backends.backend_of(value) is not None:
        return value
    try:
        array = host(value)
        return np.array(array.tolist()) if array.dtype.kind == "O" else array
    except ValueError:  # rows of different lengths
        return np.array(None, object)


def broken(array: Any, name: str) -> Finding | None:
    """What makes an array useless; None if nothing does."""
    if array.dtype.kind in "US":
        fix = "Turn it into numbers first."
        if name.startswith("y"):
            fix = "Turn it into class numbers: names, y = np.unique(y, return_inverse=True)."
        return Finding("error", f"{name} holds text. {fix}")
    if array.dtype.kind not in "biuf" or not array.ndim:
        return Finding("error", f"{name} is no array of numbers with one row for each example.")
    if not array.size:
        return Finding("error", f"{name} is empty: its shape is {array.shape}.")
    if array.dtype.kind == "f" and isinstance(array, np.ndarray):
        with np.errstate(all="ignore"):
            finite = np.isfinite(array.sum(dtype="float64"))
        bad = 0 if finite else int((~np.isfinite(array)).sum())
        if bad:
            text = f"{name} holds {bad:,} NaN or infinite values among {array.size:,}, which make"
            fix = "Remove those examples or replace the values."
            return Finding("error", f"{text} the loss NaN. {fix}")
    return None


def fits(shape: tuple, wanted: tuple) -> bool:
    """Whether a shape is as wanted, where None stands for any length."""
    pairs = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(w in (None, d) for d, w in pairs)


def choose(y: np.ndarray, end: End) -> Measure:
    """How to train one output on its targets.

    Args:
        y: targets on the host.
        end: the output.
    """
    found = broken(y, end.targets)
    if found is not None:
        return Measure(None, [], "The targets have to be mended first.", [found])
    facts = _facts(y)
    shape, steps = facts.shape[1:], end.shape[:-1]
    if fits(shape, steps) or (shape[-1:] == (1,) and fits(shape[:-1], steps)):
        choice = _one_unit(facts, end) if end.width == 1 else _labels(facts, end)
        return choice._replace(findings=choice.findings + _about_order(y, facts, end))
    if fits(shape[:-1], steps):
        return _rows(facts, end)
    text = f"The model gives {_size(end.shape)} for each example, but {end.targets} has"
    fix = "change the last layers, or the shape of y."
    if len(end.shape) > 1 and math.prod(shape) == 1:
        fix = (
            "put a Flatten or a GlobalAveragePooling before the last layer, or return_sequences="
            "False in a recurrent one."
        )
    finding = Finding("error", f"{text} {_size(shape)}: {fix}")
    return Measure(None, [], "The shapes do not fit.", [finding])


def _about_order(y: np.ndarray, facts: _Facts, end: End) -> list[Finding]:
    """Advice for classes that come one after the other, of which validation would see the last."""
    labels = y.reshape(-1)
    classes = 1 < facts.count <= FEW and len(labels) == len(y) >= 2 * FEW
    if not classes or not (labels[1:] >= labels[:-1]).all():
        return []
    text = (
        f"{end.targets} is sorted, so the last examples, which are held back for validation, are "
        "not like the others. Shuffle x and y in the same order first."
    )
    return [Finding("advice", text)]


def _size(shape: tuple) -> str:
    if shape in ((), (1,)):
        return "one number"
    return f"{' × '.join('?' if d is None else str(d) for d in shape)} numbers"


def _facts(y: np.ndarray) -> _Facts:
    low, high = float(y.min()), float(y.max())
    integer = y.dtype.kind in "biu"
    whole = integer or bool((y == np.rint(y)).all())
    some = y.reshape(-1)[:: max(1, y.size // LOOKED_AT)]
    count = len(np.unique(some)) if whole and high - low < 10_000 else 0
    rows = ""
    if y.ndim > 1 and y.shape[-1] > 1 and low >= 0 and high <= 1:
        total = y.sum(axis=-1, dtype="float64")
        one = bool(np.isclose(total, 1, atol=1e-3).all())
        rows = "one_hot" if whole and one else "labels" if whole else "chances" if one else ""
    return _Facts(y.shape, low, high, whole, integer, count, rows)


def _config(name: str, /, **values: Any) -> dict[str, Any]:
    return {"class_name": name, "config": values}


def _output(end: End) -> str:
    """An output in the words of a reason."""
    if end.activation == "linear":
        return f"{end.size} without an activation"
    if end.activation == "softmax":
        return f"a softmax over {end.size}"
    return f"{end.size} with {end.activation}"


# One number a target


def _one_unit(facts: _Facts, end: End) -> Measure:
    """One number a prediction, too."""
    if facts.signs:
        return _signs(end)
    if facts.whole and facts.low >= 0 and facts.high <= 1:
        return _yes_or_no(end)
    classes = int(facts.high) + 1
    if facts.counted and end.activation in ("sigmoid", "softmax"):
        text = f"{end.targets} has {facts.classes}, but {end.title} has one unit"
        finding = end.wants("error", text, classes, "softmax")
        end = end._replace(shape=(*end.shape[:-1], classes), activation="softmax")
        return _sparse(facts, end, [finding])
    choice = _numbers(facts, end)
    if facts.counted and facts.integer:
        text = f"If the numbers {facts.reach} in {end.targets} are classes, not amounts"
        choice.findings.append(end.wants("advice", text, classes, "softmax"))
    return choice


def _signs(end: End) -> Measure:
    findings = []
    if end.activation not in ("linear", "tanh", "softsign"):
        text = (
            f"{end.targets} has the labels -1 and 1, which {end.activation} does not give (a "
            "sigmoid would suit (y + 1) / 2)"
        )
        findings.append(end.wants("error", text, activation="tanh"))
        end = end._replace(activation="tanh")
    reason = f"Labels -1 and 1 and {_output(end)}: hinge, which asks for the right sign."
    return Measure("hinge", [], reason, findings)


def _yes_or_no(end: End) -> Measure:
    if end.activation == "linear":
        return Measure(
            _config("BinaryCrossentropy", from_logits=True),
            [_config("BinaryAccuracy", threshold=0.0, name="accuracy")],
            f"Labels 0 and 1 and {_output(end)}: {BINARY} with from_logits=True.",
            [_are_logits(end, "sigmoid")],
        )
    findings = []
    if end.activation == "softmax":
        text = "A softmax over one unit always gives 1"
        findings.append(end.wants("error", text, activation="sigmoid"))
    elif end.activation not in ("sigmoid", "hard_sigmoid"):
        text = f"{end.targets} has the labels 0 and 1, but {end.activation} gives no probability"
        findings.append(end.wants("error", text, activation="sigmoid"))
    if findings:
        end = end._replace(activation="sigmoid")
    reason = f"Labels 0 and 1 and {_output(end)}: {BINARY}."
    return Measure(BINARY, ["accuracy"], reason, findings)


def _are_logits(end: End, name: str) -> Finding:
    text = "Without an activation the outputs are logits; for probabilities"
    return end.wants("advice", text, activation=name)


def _numbers(facts: _Facts, end: End) -> Measure:
    """Amounts, not classes."""
    findings = []
    least, most = RANGES.get(end.activation, (-math.inf, math.inf))
    if end.activation == "softmax":
        text = f"A softmax gives numbers that add up to 1, which {end.targets} does not"
        findings.append(end.wants("error", text, activation="linear"))
    elif facts.low < least or facts.high > most:
        given = f"{least} to {most}"
        if math.inf in (-least, most):
            given = f"numbers from {least}" if most == math.inf else f"numbers up to {most}"
        text = f"{end.targets} goes from {facts.reach}, but {end.activation} gives only {given}"
        findings.append(end.wants("error", text, activation="linear"))
    largest = max(abs(facts.low), abs(facts.high))
    if largest > LARGE:
        text = (
            f"{end.targets} goes from {facts.reach}: a network learns sooner if its numbers are "
            f"near 1. Divide by {10 ** math.floor(math.log10(largest)):,}."
        )
        findings.append(Finding("advice", text))
    reason = f"Real numbers and {end.size}: mse, the mean of the squared errors."
    return Measure("mse", ["mae"], reason, findings)


def _labels(facts: _Facts, end: End) -> Measure:
    """Several units a prediction: the target is the number of the class."""
    if not facts.whole:
        activation = "linear" if end.activation == "softmax" else None
        text = (
            f"{end.targets} has one number with fractions for each example, but {end.title} has "
            f"{end.size}"
        )
        finding = end.wants("error", text, 1, activation)
        activation = activation or end.activation
        choice = _numbers(facts, end._replace(shape=(1,), activation=activation))
        return choice._replace(findings=[finding, *choice.findings])
    findings = _about_range(facts, end)
    if any(finding.level == "error" and finding.changes for finding in findings):
        end = end._replace(shape=(*end.shape[:-1], int(facts.high) + 1))
    if end.activation == "linear":
        reason = f"Integer labels {facts.reach} and {_output(end)}: {SPARSE} with from_logits=True."
        loss = _config("SparseCategoricalCrossentropy", from_logits=True)
        return Measure(loss, ["accuracy"], reason, [*findings, _are_logits(end, "softmax")])
    if end.activation != "softmax":
        findings.append(_no_softmax(end))
    return _sparse(facts, end, findings)


def _sparse(facts: _Facts, end: End, findings: list[Finding]) -> Measure:
    reason = f"Integer labels {facts.reach} and {_output(end)}: {SPARSE}."
    return Measure(SPARSE, ["accuracy"], reason, findings)


def _no_softmax(end: End) -> Finding:
    text = (
        f"{end.targets} has one class for each example, but {end.activation} gives no "
        "probabilities that add up to 1"
    )
    return end.wants("advice", text, activation="softmax")


def _about_range(facts: _Facts, end: End) -> list[Finding]:
    """What is wrong with class numbers."""
    width, classes = end.width, int(facts.high) + 1
    if facts.signs:
        text = f"{end.targets} has the labels -1 and 1, but class numbers begin at 0"
        return [Finding("error", f"{text}: use (y + 1) // 2 as y.")]
    more = width is not None and classes > width
    if facts.low < 0 or (more and facts.low > 0 and 0 < facts.count <= width):
        text = f"{end.targets} goes from {facts.reach}, but class numbers begin at 0"
        fix = "renumber them with y = np.unique(y, return_inverse=True)[1]."
        return [Finding("error", f"{text}: {fix}")]
    text = f"{end.targets} has {facts.classes}, but {end.title} has {end.size}"
    if more:
        return [end.wants("error", text, classes)]
    if width is None or classes in (1, width):
        return []
    spare = width - classes
    text += f", {spare} of which {'stands' if spare == 1 else 'stand'} for none"
    return [end.wants("advice", text, classes)]


# Several numbers a target


def _rows(facts: _Facts, end: End) -> Measure:
    """One-hot rows, several labels, or amounts."""
    findings, width = [], facts.shape[-1]
    one_hot = facts.rows == "one_hot"
    if end.width not in (None, width):
        what = f"is one-hot with {width} classes" if one_hot else f"has {width} numbers a row"
        activation = "softmax" if one_hot and end.width == 1 else None
        text = f"{end.targets} {what}, but {end.title} has {end.size}"
        findings.append(end.wants("error", text, width, activation))
        end = end._replace(activation=activation or end.activation)
    end = end._replace(shape=(*end.shape[:-1], width))
    if one_hot or (facts.rows == "chances" and end.activation == "softmax"):
        choice = _one_hot(facts, end)
    elif facts.rows == "labels":
        choice = _several_labels(end)
    else:
        choice = _numbers(facts, end)
    return choice._replace(findings=findings + choice.findings)


def _one_hot(facts: _Facts, end: End) -> Measure:
    rows = "One-hot rows" if facts.rows == "one_hot" else "Rows of probabilities"
    if end.activation == "linear":
        loss = _config("CategoricalCrossentropy", from_logits=True)
        reason = f"{rows} and {_output(end)}: {ONE_HOT} with from_logits=True."
        return Measure(loss, ["accuracy"], reason, [_are_logits(end, "softmax")])
    findings = [] if end.activation == "softmax" else [_no_softmax(end)]
    return Measure(ONE_HOT, ["accuracy"], f"{rows} and {_output(end)}: {ONE_HOT}.", findings)


def _several_labels(end: End) -> Measure:
    rows = "Marks 0 and 1, several a row,"
    if end.activation == "linear":
        return Measure(
            _config("BinaryCrossentropy", from_logits=True),
            [_config("BinaryAccuracy", threshold=0.0, name="binary_accuracy")],
            f"{rows} and {_output(end)}: {BINARY} with from_logits=True.",
            [_are_logits(end, "sigmoid")],
        )
    findings = []
    if end.activation not in ("sigmoid", "hard_sigmoid"):
        text = f"{end.targets} marks several classes at once, each with a yes or no of its own"
        findings.append(end.wants("error", text, activation="sigmoid"))
        end = end._replace(activation="sigmoid")
    reason = f"{rows} and {_output(end)}: {BINARY}."
    return Measure(BINARY, ["binary_accuracy"], reason, findings)
