"""How to train on data: loss, metrics, optimizer, epochs and batch size, each with its reason.

Everything here is plain data, what does not fit included. Imports targets, document, layers, losses
and metrics.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasnb import layers, losses, metrics
from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.document import CONTAINERS, Document, Edge, Node
from kerasnb.notebook.builder.targets import (
    LARGE,
    End,
    Finding,
    Measure,
    broken,
    choose,
    fits,
    values_of,
)
from kerasnb.notebook.insight.checks import host
from kerasnb.spec import TensorSpec

__all__ = ["Chosen", "Places", "Preset", "places_in", "suggest", "suggest_for"]

STEPS = 2000  # of training, which are enough for most small tasks
MEASURES = {
    "accuracy": "accuracy is the part of the examples that are right.",
    "binary_accuracy": "binary_accuracy is the part of all marks that are right.",
    "mae": "mae is how far off a prediction is on average, in the unit of y.",
}


class Chosen(NamedTuple):
    """What is preset, and why.

    Attributes:
        value: a name, a configuration, a number, or a list of these.
        reason: a sentence.
    """

    value: Any
    reason: str


class Preset(NamedTuple):
    """How to train.

    Attributes:
        loss: a name or a configuration; a list or dictionary of them for several outputs. Its value
            is None where the data does not say.
        metrics: a list; a list or dictionary of lists for several outputs.
        optimizer: a name.
        epochs: a number.
        batch_size: a number.
        findings: what does not fit, errors first.
    """

    loss: Chosen
    metrics: Chosen
    optimizer: Chosen
    epochs: Chosen
    batch_size: Chosen
    findings: tuple[Finding, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether nothing stands against training."""
        return all(finding.level != "error" for finding in self.findings)

    def data(self) -> dict[str, Any]:
        """It as JSON has it."""
        found: dict[str, Any] = {name: getattr(self, name)._asdict() for name in self._fields[:-1]}
        findings = [{**f._asdict(), "changes": [dict(c) for c in f.changes]} for f in self.findings]
        return {**found, "findings": findings, "ready": self.ready}

    def arguments(self) -> dict[str, Any]:
        """The arguments of `compile`: names, and objects for configurations."""
        return {
            "optimizer": self.optimizer.value,
            "loss": _live(self.loss.value, losses.get),
            "metrics": _live(self.metrics.value, metrics.get),
        }


def _live(value: Any, get: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_live(item, get) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" in value:
        return get(value)
    return {name: _live(item, get) for name, item in value.items()}


class Places(NamedTuple):
    """Where in a document to change what does not fit.

    Attributes:
        units: for each output, the node and the argument that say how many numbers it has.
        activations: for each output, the node that has the argument ``activation``.
        inputs: for each input, its node.
        scaled: whether the first layers do not mind large numbers.
    """

    units: tuple[tuple[str, str] | None, ...]
    activations: tuple[str | None, ...]
    inputs: tuple[str, ...]
    scaled: bool = False


def suggest(
    y: Any,
    output_specs: Sequence[TensorSpec],
    last_activation: Any,
    x: Any = None,
    input_specs: Sequence[TensorSpec] = (),
    places: Places | None = None,
) -> Preset:
    """How to train a model on targets.

    Args:
        y: targets; a list or dictionary of them for several outputs, in their order.
        output_specs: of each output, with the batch.
        last_activation: the name of the activation that gives the output, ``"linear"`` or None for
            none; a list of them for several outputs.
        x: inputs; nothing is said of them if None.
        input_specs: of each input, with the batch.
        places: where to change what does not fit; from `places_in`.

    Returns:
        The choices. Whatever is wrong with the data is in their findings.
    """
    ends = _ends(output_specs, last_activation, places)
    findings: list[Finding] = []
    names, targets = _parts(y, len(ends), "y", "output", findings)
    targets = [host(values_of(item)) for item in targets]
    chosen = [choose(item, end) for item, end in zip(targets, ends, strict=bool(targets))]
    for choice in chosen:
        findings += choice.findings
    samples = len(targets[0]) if targets and targets[0].ndim else None
    if x is not None:
        findings += _about_inputs(x, input_specs, places, samples)
    findings.sort(key=lambda finding: finding.level != "error")  # stable
    loss, measured = _joined(chosen, names)
    size, epochs = _pace(samples or 1)
    optimizer = Chosen(
        "adam", "adam finds a step size for each weight by itself: a good one to begin with."
    )
    return Preset(loss, measured, optimizer, epochs, size, tuple(findings))


def suggest_for(document: Document, report: Any, x: Any, y: Any) -> Preset:
    """How to train the model of a document.

    Args:
        document: its graph.
        report: what `checking` says of it; complete.
        x: inputs.
        y: targets.

    Raises:
        ArgumentError: the model is not complete.
    """
    outputs = [node.reads[0] for node in document.outputs()]
    if not report.complete or not outputs or None in outputs:
        raise ArgumentError("The model is not complete yet: mend what is marked on the canvas.")
    specs = [report.nodes[edge.source].specs[edge.output] for edge in outputs]
    inputs = [report.nodes[node.id].specs[0] for node in document.inputs()]
    places, activations = places_in(document)
    return suggest(y, specs, activations, x, inputs, places)


def _ends(specs: Sequence[TensorSpec], activation: Any, places: Places | None) -> list[End]:
    several = isinstance(activation, (list, tuple))
    names = list(activation) if several else [activation] * len(specs)
    ends = []
    for i, (spec, name) in enumerate(zip(specs, names, strict=True)):
        end = End(spec.shape[1:] or (1,), name or "linear", (i + 1) * (len(specs) > 1))
        if places is not None:
            node = places.activations[i]
            place = None if node is None else (node,)
            end = end._replace(units=places.units[i], place=place)
        ends.append(end)
    return ends


def _joined(chosen: Sequence[Measure], names: list | None) -> tuple[Chosen, Chosen]:
    """Loss and metrics of all outputs, in the form that `compile` takes."""
    if not chosen:
        return Chosen(None, "The data does not fit yet."), Chosen([], "The data does not fit yet.")
    reasons = [choice.reason for choice in chosen]
    measures = [_why_measured(choice) for choice in chosen]
    if len(chosen) == 1:
        return Chosen(chosen[0].loss, reasons[0]), Chosen(chosen[0].metrics, measures[0])
    found = []
    for values, texts in (
        ([choice.loss for choice in chosen], reasons),
        ([choice.metrics for choice in chosen], measures),
    ):
        value = values if names is None else dict(zip(names, values, strict=True))
        text = " ".join(f"Output {i}: {text}" for i, text in enumerate(texts, 1))
        found.append(Chosen(value, text))
    return tuple(found)


def _why_measured(choice: Measure) -> str:
    if not choice.metrics:
        return "No metric: accuracy counts labels 0 and 1 only." if choice.loss else choice.reason
    first = choice.metrics[0]
    return MEASURES[first if isinstance(first, str) else first["config"]["name"]]


def _pace(samples: int) -> tuple[Chosen, Chosen]:
    """Batch size and epochs."""
    size, why = 32, "the usual choice"
    if samples < 200:
        size, why = 16, "so a small set gives enough steps"
    elif samples >= 10_000:
        size, why = 128, "faster than fewer, with so many examples"
    steps = math.ceil(samples / size)
    epochs = min(200, max(5, round(STEPS / steps)))
    text = f"{epochs} times through all examples are {epochs * steps:,} steps; stop when you like."
    return Chosen(size, f"{size} examples a step: {why}."), Chosen(epochs, text)


# Inputs


def _parts(
    value: Any, count: int, name: str, end: str, findings: list[Finding]
) -> tuple[list | None, list]:
    """The keys (None if it is no dictionary) and the arrays, one for each output or input.

    There are no arrays if that cannot be, but a finding.
    """
    if value is None:
        findings.append(Finding("error", f"Choose what is {name}."))
        return None, []
    keys = list(value) if isinstance(value, dict) else None
    parts = [value]
    if keys is not None:
        parts = list(value.values())
    elif type(value) in (list, tuple) and value and getattr(value[0], "shape", ()):
        parts = list(value)
    if len(parts) == count:
        return keys, parts
    wanted = "one array" if count == 1 else f"a list of {count} arrays, one for each"
    got = "one array" if len(parts) == 1 else f"{len(parts)} arrays"
    text = f"The model has {count} {end}{'s' * (count != 1)}, so {name} has to be {wanted}, not"
    findings.append(Finding("error", f"{text} {got}."))
    return None, []


def _about_inputs(
    x: Any, specs: Sequence[TensorSpec], places: Places | None, samples: int | None
) -> list[Finding]:
    """What is wrong with inputs."""
    findings: list[Finding] = []
    _, parts = _parts(x, len(specs) or 1, "x", "input", findings)
    for i, array in enumerate(map(values_of, parts)):
        title = f"x of input {i + 1}" if len(parts) > 1 else "x"
        found = broken(array, title)
        if found is not None:
            findings.append(found)
            continue
        if samples is not None and len(array) != samples:
            text = f"{title} has {len(array):,} examples, but y has {samples:,}: choose two that"
            findings.append(Finding("error", f"{text} belong together."))
        if specs:
            node = places.inputs[i] if places is not None else None
            findings += _about_shape(array.shape[1:], specs[i].shape[1:], title, node)
        if places is None or not places.scaled:
            findings += _about_scale(array, title)
    return findings


def _about_shape(shape: tuple, wanted: tuple, title: str, node: str | None) -> list[Finding]:
    # as models take them: an axis of length 1 at the end may be there or not
    forms = [wanted, (*wanted, 1)] + [wanted[:-1]] * (wanted[-1:] == (1,))
    if any(fits(shape, form) for form in forms):
        return []
    pictures = len(wanted) == 3 and len(shape) == 2
    value = [*shape, 1] if pictures or not shape else list(shape)
    text = (
        f"{title} has shape {shape or (1,)} for each example, but the Input takes {wanted}: set "
        f"its shape to {tuple(value)}."
    )
    return [Finding("error", text, ({"node": node, "argument": "shape", "value": value},))]


def _about_scale(array: Any, title: str) -> list[Finding]:
    whole = array.dtype.kind != "f" and array.dtype != np.uint8  # which may stand for words
    if whole or not isinstance(array, np.ndarray):
        return []
    low, high = float(array.min()), float(array.max())
    largest = max(abs(low), abs(high))
    if largest <= LARGE:
        return []
    unit = 255 if low >= 0 and 128 <= high <= 255 else 10 ** math.floor(math.log10(largest))
    text = (
        f"{title} goes from {low:.4g} to {high:.4g}: a network learns sooner if its numbers are "
        f"near 1. Divide by {unit:,}, or put a Rescaling layer first."
    )
    return [Finding("advice", text)]


# Where the ends of a document are

# layers that are an activation
_ACTIVATIONS = {"Softmax": "softmax", "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu"}
_POOLING = ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")
# what an activation gives is so still after these
_AFTER_ACTIVATION = ("Dropout", "Flatten", "Reshape", "Permute", *_POOLING)
# the last axis is as long still after these
_AFTER_UNITS = (
    "Activation", "BatchNormalization", "Dropout", "LayerNormalization", *_ACTIVATIONS, *_POOLING,
)  # fmt: skip
# layers that do not mind large numbers
_SCALING = ("BatchNormalization", "Embedding", "Normalization", "Rescaling")


def places_in(document: Document) -> tuple[Places, list[str]]:
    """Where to change what does not fit, and the name of each output's activation."""
    units, activations, names = [], [], []
    for output in document.outputs():
        name, place = _activation(_maker(document, output.reads[0], _AFTER_ACTIVATION))
        names.append(name)
        activations.append(place)
        maker = _maker(document, output.reads[0], _AFTER_UNITS)
        argument = next((a for a in ("units", "filters") if _takes(maker, a)), None)
        units.append(None if argument is None else (maker.id, argument))
    inputs = document.inputs()
    first = [reader.type for node in inputs for reader, _ in document.readers(node.id)]
    scaled = bool(first) and all(kind in _SCALING for kind in first)
    return Places(tuple(units), tuple(activations), tuple(n.id for n in inputs), scaled), names


def _maker(document: Document, edge: Edge | None, passing: tuple[str, ...]) -> Node | None:
    """The layer from which a tensor comes, before some kinds of layers; None if there is none."""
    while edge is not None:
        node = document[edge.source]
        if node.kind in CONTAINERS:
            edge = document.outputs(document.owner(node.id).id)[edge.output].reads[0]
        elif node.type in passing and len(node.reads) == 1:
            edge = node.reads[0]
        else:
            return document.owner(node.id) if node.kind == "layer" else None
    return None


def _takes(node: Node | None, argument: str) -> bool:
    return node is not None and (argument in node.settings or argument in _arguments(node))


def _arguments(node: Node) -> dict[str, Any]:
    cls = layers.LAYERS.get(node.type)
    return dict(inspect.signature(cls).parameters) if cls is not None else {}


def _activation(node: Node | None) -> tuple[str, str | None]:
    """The name of a layer's activation, and the node where it can be changed."""
    if node is None:
        return "linear", None
    if node.type in _ACTIVATIONS:
        return _ACTIVATIONS[node.type], None
    if not _takes(node, "activation"):
        return "linear", None
    parameter = _arguments(node).get("activation")
    usual = None if parameter is None or parameter.default is parameter.empty else parameter.default
    value = node.settings.get("activation", usual)
    if isinstance(value, dict):
        value = value.get("config")
    return value if isinstance(value, str) and value else "linear", node.id
