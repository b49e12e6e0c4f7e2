"""The walk through a document with shapes alone, as a call of its model would go.

Imports calls, palette and troubles.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from kerasnb import config
from kerasnb.layers.merging import Merge
from kerasnb.notebook.builder.calls import Calls, Form, Outcome, machine_bytes, too_large
from kerasnb.notebook.builder.document import ROOT, Document, Node, in_order
from kerasnb.notebook.builder.naming import shown_names
from kerasnb.notebook.builder.palette import Entry
from kerasnb.notebook.builder.troubles import Trouble, origin, reached
from kerasnb.spec import DTYPES, TensorSpec

__all__ = ["Sums", "Walk", "input_spec", "sample"]

_LONGEST_AXIS = 2**31

Specs = tuple[TensorSpec | None, ...]


class Sums(NamedTuple):
    """Sizes of a part. None is what an axis of open length makes of a number."""

    parameters: int = 0
    trainable: int = 0
    cost: int | None = 0
    memory: int | None = 0
    bytes: int = 0

    def plus(self, other: Sums, times: int = 1) -> Sums:
        """Both together, the other one several times."""
        pairs = zip(self, other, strict=True)
        return Sums(*(None if None in (a, b) else a + times * b for a, b in pairs))


class _Frame:
    """One passage of a container: what the layers that lie directly in it were made for."""

    def __init__(self, container: str):
        self.container = container
        self.forms: dict[str, Form] = {}  # of a layer's first call
        self.models: dict[str, _Within] = {}
        self.counted: set[str] = set()  # the layers whose weights are in the sums


class _Within:
    """A model within, made for its own inputs."""

    def __init__(self, frame: _Frame, given: Specs, outputs: Specs, sums: Sums):
        self.frame, self.given = frame, given
        self.passes: dict[Specs, tuple[Specs, Sums]] = {given: (outputs, sums)}


def sample(spec: TensorSpec) -> str:
    """The shape of one sample, as it is written: ``(26, 26, 32)``."""
    return str(spec.shape[1:])


def input_spec(node: Node) -> TensorSpec | None:
    """What an input with a shape of its own gives; None if it has none."""
    shape, dtype = node.settings.get("shape"), node.settings.get("dtype")
    if shape is None:
        return None
    return TensorSpec((node.settings.get("batch_size"), *shape), dtype or config.floatx())


class Walk:
    """A walk through a document.

    Args:
        document: the graph.
        palette: the layers there are.
        calls: tries layers out.
        troubles: what is known to be wrong, by node; more is added.

    Attributes:
        specs: what each node gives, by id, where it is known: the first time, if it is repeated.
        own: the sizes of each node.
        sums: those of the model, or, without an output, of all there is.
        live: the nodes on which an output depends; all, without an output.
    """

    def __init__(
        self,
        document: Document,
        palette: Mapping[str, Entry],
        calls: Calls,
        troubles: dict[str, Trouble],
    ):
        self.document, self.palette, self.troubles = document, palette, troubles
        self.specs: dict[str, tuple[TensorSpec, ...]] = {}
        self.own: dict[str, Sums] = {}
        self.sums = Sums()
        outputs = [e for n in document.outputs() for e in n.reads if e is not None]
        every = frozenset(document.nodes)
        self.live = frozenset(reached(document, outputs)) | _ids(document.outputs())
        self.live = self.live if document.outputs() else every
        self._used = {document.owner(key).id for key in self.live}
        self._calls = calls
        self._passing = 0  # of how many repetitions and further calls this is one
        self._parts: dict[str, list[Node]] = {}
        for node in document:
            self._parts.setdefault(node.parent, []).append(node)
        self._parts = {key: in_order(nodes) for key, nodes in self._parts.items()}
        self._ends = {key: _ends(document, key) for key in (ROOT, *self._parts)}

    @cached_property
    def names(self) -> dict[str, str]:
        """The nodes' names as shown."""
        return shown_names(self.document)

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """By id, the nodes that read what a node gives."""
        found: dict[str, list[Node]] = {}
        for node in self.document:
            for edge in node.reads:
                if edge is not None:
                    found.setdefault(edge.source, []).append(node)
        return found

    def run(self) -> None:
        """Walk."""
        _, self.sums = self._pass(ROOT, (), [_Frame(ROOT)])
        for node in self.document:
            own, shared = self.own.get(node.id), self.own.get(node.shares)
            if shared is not None and own is not None and own.parameters:  # called before its owner
                count = {"parameters": own.parameters, "trainable": own.trainable}
                self.own[node.shares] = shared._replace(**count)
                self.own[node.id] = own._replace(parameters=0, trainable=0)

    # One container

    def _pass(self, key: str, given: Specs, frames: list[_Frame]) -> tuple[Specs, Sums]:
        """What a container gives for what it is given, and its sizes."""
        made: dict[str, Specs] = {}
        sums = Sums()
        inputs, outputs = self._ends.get(key, ({}, {}))
        for node in self._parts.get(key, ()):
            if node.kind == "input":
                place = inputs[node.id]
                specs = (given[place] if place < len(given) else self._input(node),)
                own = Sums()
            elif node.kind == "output":
                specs, own = self._reads(node, made) or (None,), Sums()
            else:
                specs, own = self._node(node, made, frames)
            made[node.id] = specs
            self._note(node, specs, own)
            if node.id in self.live:
                sums = sums.plus(own)
        self._weigh(key, sums)
        return tuple(spec for end in outputs for spec in made.get(end, (None,))), sums

    def _note(self, node: Node, specs: Specs, own: Sums) -> None:
        if self._passing or not specs or None in specs:
            return
        self.specs[node.id] = specs
        self.own[node.id] = own

    def _weigh(self, key: str, sums: Sums) -> None:
        """See whether all weights together are too large, and say so at the largest layer."""
        if key == ROOT and sums.bytes > machine_bytes():
            largest = max(self.own, key=lambda k: self.own[k].bytes)
            self._trouble(largest, "weights", f"All {too_large(sums.bytes)[4:]}")

    def _reads(self, node: Node, made: Mapping[str, Specs]) -> Specs | None:
        """What a node reads; None if it is not known, or what is wrong with it is."""
        found = []
        for place, edge in enumerate(node.reads or (None,)):
            if edge is None:
                self._trouble(node.id, "open", self._nothing(node, place), about=(place,))
                continue
            specs = made.get(edge.source, ())
            if specs and edge.output >= len(specs):
                name, count = self.names[edge.source], len(specs)
                outputs = "only one output" if count == 1 else f"{count} outputs"
                text = f"{name} has {outputs}, and this reads number {edge.output + 1}."
                self._trouble(node.id, "output", text, about=(place,))
            elif specs and specs[edge.output] is not None:
                found.append(specs[edge.output])
        return tuple(found) if len(found) == len(node.reads) and found else None

    def _nothing(self, node: Node, place: int) -> str:
        if len(node.reads) < 2:
            return "Nothing is connected to this output." if node.kind == "output" else (
                "Nothing is connected: draw a line to what this is to read."
            )  # fmt: skip
        return f"Nothing is connected to input {place + 1}."

    def _node(self, node: Node, made: Mapping[str, Specs], frames: list) -> tuple[Specs, Sums]:
        given = self._reads(node, made)
        if node.kind == "layer":
            return self._layer(node, given, frames)
        if self.troubles.get(node.id) and self.troubles[node.id].kind in ("nesting", "ends"):
            return (), Sums()
        if node.kind == "model":
            return self._model(node, given, frames)
        known = given if given is not None else (None,) * max(len(node.reads), 1)
        if node.kind == "group":
            return self._pass(node.id, known, [*frames, _Frame(node.id)])
        return self._repeat(node, known, frames)

    def _trouble(
        self, key: str, kind: str, text: str, level: str = "error", about: Sequence[Any] = ()
    ) -> None:
        known = self.troubles.get(key, _FINE)
        if known.level != "error" or known.kind in ("", "end"):
            number = self._repetition
            text = f"In repetition {number}: {text}" if number > 1 else text
            self.troubles[key] = Trouble(kind, text, level, tuple(about))

    _repetition = 1

    # Inputs

    def _input(self, node: Node) -> TensorSpec | None:
        wrong = _wrong_input(node)
        if wrong is not None:
            self._trouble(node.id, "shape of input", wrong)
            return None
        return input_spec(node)

    # Layers

    def _layer(self, node: Node, given: Specs | None, frames: list) -> tuple[Specs, Sums]:
        owner = self.document.owner(node.id)
        entry = self.palette.get(owner.type)
        if entry is None or entry.kind != "layer":
            self._trouble(node.id, "class", f"There is no layer {owner.type!r} here.")
            return (), Sums()
        missing = [a.name for a in entry.arguments if a.required and a.name not in owner.settings]
        if missing:
            self._trouble(owner.id, "missing", f"{entry.type} {_needs(missing)}.", about=missing)
            return (), Sums()
        if given is None or self._too_few(node, entry) or self._too_many(node, entry):
            return (), Sums()
        form = Form(given, json.dumps(node.call, sort_keys=True), node.keywords)
        frame = _home(owner, frames)
        first = frame.forms.setdefault(owner.id, form)
        outcome = self._calls.of(entry, owner.settings, first, form)
        if outcome.error is not None:
            self._failed(node, owner, entry, first.unnamed, form.unnamed, outcome)
            return (), Sums()
        weights = outcome if self._counts(node, owner, frame) else Outcome()
        memory = _memory(outcome.specs)
        own = Sums(weights.parameters, weights.trainable, outcome.cost, memory, weights.bytes)
        self._beside_chain(node, outcome.specs)
        return outcome.specs, own

    def _counts(self, node: Node, owner: Node, frame: _Frame) -> bool:
        """Whether a layer's weights are counted at this call: the first that belongs to the model,
        or, if none does, the first."""
        if owner.id in frame.counted or (node.id not in self.live and owner.id in self._used):
            return False
        frame.counted.add(owner.id)
        return True

    def _too_few(self, node: Node, entry: Entry) -> bool:
        """Whether a layer whose tensors differ does not get all that it needs, or more."""
        ports = [port for port in entry.ports if port not in node.settings]
        least = entry.needed - (len(entry.ports) - len(ports))
        if not entry.ports or max(least, 1) <= node.unnamed <= len(ports):
            return False
        needed, further = ports[: max(least, 1)], ports[max(least, 1) :]
        more = f", perhaps {_and(further)}" if further else ""
        count = f"{len(needed)} tensor{'s' * (len(needed) > 1)}"
        text = f"{entry.type} reads {_and(needed)}{more}: connect {count}."
        self._trouble(node.id, "few", text)
        return True

    def _too_many(self, node: Node, entry: Entry) -> bool:
        """Whether a layer of one tensor is to read several; one of the user's own gets a list."""
        if entry.takes != "one" or entry.custom or node.unnamed < 2 or entry.type in _ANY:
            return False
        text = f"{entry.type} reads one tensor, but {node.unnamed} are connected."
        self._trouble(node.id, "surplus", text)
        return True

    def _beside_chain(self, node: Node, specs: Specs) -> None:
        """In a `Sequential`, each layer gives one tensor to the next."""
        if len(specs) < 2:
            return
        box = self.document.nodes.get(node.parent)
        kind = self.document.type if box is None else box.type
        if kind == "Sequential" and self.document.is_chain(node.parent):
            text = f"{node.type} gives {len(specs)} tensors, but in a Sequential a layer gives one."
            self._trouble(node.id, "sequential", text)

    def _failed(
        self,
        node: Node,
        owner: Node,
        entry: Entry,
        first: Specs,
        given: Specs,
        outcome: Outcome,
    ) -> None:
        text = outcome.error or ""
        if outcome.making:
            self._trouble(owner.id, "argument", text, about=_named_in(text, owner.settings))
        elif "would take" in text or "cannot have the shape" in text:
            self._trouble(node.id, "weights", text, about=_named_in(text, owner.settings))
        else:
            text = (
                self._about_rank(node, entry, given)
                or _about_merge(owner, entry, given)
                or self._about_sharing(owner, entry, first, given)
                or text
            )
            self._trouble(node.id, "shape", text, about=_named_in(text, owner.settings))

    def _about_rank(self, node: Node, entry: Entry, given: Specs) -> str | None:
        """That an input has another number of axes than the layer needs; None if it has not."""
        wrong = [i for i, s in enumerate(given) if entry.rank not in (None, len(s.shape))]
        several = "Attention" in entry.type and len(given[0].shape) > 3
        if not wrong or entry.custom or several:
            return None
        place = wrong[0]
        spec, source = given[place], origin(self.document, node.reads[place])
        first = "channels_first" in (
            node.settings.get("data_format"), config.image_data_format()
        ) and entry.argument("data_format") is not None  # fmt: skip
        said = f"{entry.type} needs {_RANKS[first][entry.rank]}, but {self.names[source.source]}"
        before = self.document.owner(source.source)
        last = entry.rank == 3 and before.type in ("LSTM", "GRU", "SimpleRNN") and spec.ndim == 2
        return f"{said} gives {'only its last step, ' if last else ''}{sample(spec)}."

    def _about_sharing(self, owner: Node, entry: Entry, first: Specs, given: Specs) -> str | None:
        """That a layer has weights for tensors of another shape; None if it has not."""
        if first == given or entry.custom:
            return None
        made, called = (_and([sample(spec) for spec in specs]) for specs in (first, given))
        return f"{self.names[owner.id]} was made for {made}, so it cannot be called on {called}."

    # Containers

    def _repeat(self, node: Node, given: Specs, frames: list) -> tuple[Specs, Sums]:
        trouble = self.troubles.get(node.id)
        count = 1 if trouble is not None and trouble.kind == "many" else node.count
        total, before, outer = Sums(), None, self._repetition
        for number in range(count):
            self._repetition = max(outer, number + 1)
            self._passing += number > 0
            new, sums = self._pass(node.id, given, [*frames, _Frame(node.id)])
            self._passing -= number > 0
            # from the second on, those that are given the same are the same
            rest = count - number - 1
            total = total.plus(sums)
            if given == before or None in new:
                total, given = total.plus(sums, rest), new
                break
            before, given = given, new
        self._repetition = outer
        return given, total

    def _model(self, node: Node, given: Specs | None, frames: list) -> tuple[Specs, Sums]:
        owner = self.document.owner(node.id)
        if self.troubles.get(owner.id, _FINE).kind in ("nesting", "empty"):
            return (), Sums()
        home = _home(owner, frames)
        within = home.models.get(owner.id)
        sums = Sums()
        if within is None:
            outer = frames[: frames.index(home) + 1]
            within, sums = self._made(owner, given, outer)
            home.models[owner.id] = within
        if given is None:
            return (), sums._replace(cost=0, memory=0)
        fitted = self._fitted(node, within.given, given)
        if fitted is None:
            return (), sums._replace(cost=0, memory=0)
        if fitted not in within.passes:
            self._passing += 1
            outer = frames[: frames.index(home) + 1]
            within.passes[fitted] = self._pass(owner.id, fitted, [*outer, within.frame])
            self._passing -= 1
        outputs, called = within.passes[fitted]
        sums = sums._replace(cost=called.cost, memory=called.memory)
        return (outputs, sums) if None not in outputs else ((), sums)

    def _made(self, owner: Node, given: Specs | None, outer: list) -> tuple[_Within, Sums]:
        """A model within for its own inputs, or for the tensors it is called on first."""
        own = []
        for place, node in enumerate(self.document.inputs(owner.id)):
            called = given[place] if given is not None and place < len(given) else None
            own.append(self._input(node) or called)
        frame = _Frame(owner.id)
        outputs, sums = self._pass(owner.id, tuple(own), [*outer, frame])
        if owner.settings.get("trainable") is False:
            sums = sums._replace(trainable=0)
        return _Within(frame, tuple(own), outputs, sums), sums

    def _fitted(self, node: Node, own: Specs, given: Specs) -> Specs | None:
        """What a model makes of the tensors it is called on; None if they do not fit."""
        found = []
        for place, (wanted, spec) in enumerate(zip(own, given, strict=True)):
            if wanted is None:
                return None
            shape = _fit(wanted.shape, spec.shape)
            if shape is None:
                name = self.names[origin(self.document, node.reads[place]).source]
                text = f"This model takes {sample(wanted)}, but {name} gives {sample(spec)}."
                self._trouble(node.id, "fit", text, about=(place,))
                return None
            found.append(TensorSpec(shape, wanted.dtype))
        return tuple(found)


_FINE = Trouble("", "")
_ANY = ("Identity", "Lambda")  # they take whatever comes

_RANKS = {
    False: {
        2: "a vector (features,)", 3: "a sequence (steps, features)",
        4: "images (height, width, channels)", 5: "volumes (depth, height, width, channels)",
    },
    True: {
        3: "a sequence (features, steps)", 4: "images (channels, height, width)",
        5: "volumes (channels, depth, height, width)",
    },
}  # fmt: skip


def _ids(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset(node.id for node in nodes)


def _ends(document: Document, key: str) -> tuple[dict[str, int], dict[str, int]]:
    """The inputs and the outputs of a container, with their numbers."""
    return tuple(
        {node.id: place for place, node in enumerate(nodes)}
        for nodes in (document.inputs(key), document.outputs(key))
    )


def _home(owner: Node, frames: list[_Frame]) -> _Frame:
    """The passage of the container in which a layer lies."""
    return next(frame for frame in reversed(frames) if frame.container == owner.parent)


def _memory(specs: Iterable[TensorSpec]) -> int | None:
    sizes = [spec.with_shape((1, *spec.shape[1:])).nbytes for spec in specs]
    return None if None in sizes else sum(sizes)


def _fit(wanted: tuple, given: tuple) -> tuple | None:
    """`given` as a model takes it that was made for `wanted`, as `Functional` does it."""
    if len(given) == len(wanted) - 1 and wanted[-1] == 1:
        given = (*given, 1)
    elif len(given) == len(wanted) + 1 and given[-1] == 1:
        given = given[:-1]
    same = len(given) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(wanted, given, strict=True)
    )
    return given if same else None


def _wrong_input(node: Node) -> str | None:
    """What is wrong with the settings of an input; None if nothing is."""
    settings = node.settings
    shape, dtype, size = (settings.get(k) for k in ("shape", "dtype", "batch_size"))
    if shape is None and node.parent == ROOT:
        return "Give this input a shape, such as (28, 28, 1)."
    sizes = [*(shape if isinstance(shape, (list, tuple)) else ()), size]
    if shape is not None and not isinstance(shape, (list, tuple)):
        return f"The shape must be several numbers, such as (8,), got {shape!r:.40}."
    for axis in sizes:
        if axis is not None and (type(axis) is not int or not 0 < axis < _LONGEST_AXIS):
            return f"The lengths of axes must be whole numbers above 0, got {axis!r:.40}."
    if dtype is not None and dtype not in (*DTYPES, "string"):
        return f"There is no dtype {dtype!r:.40}. Use float32 or int32."
    return None


def _needs(missing: Sequence[str]) -> str:
    return f"needs a value for {missing[0]}" if len(missing) == 1 else f"needs {_and(missing)}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _named_in(text: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The arguments of which a text speaks first, then the others."""
    return tuple(sorted(settings, key=lambda name: name not in text))


def _about_merge(owner: Node, entry: Entry, given: Specs) -> str | None:
    """That tensors do not fit together; None if something else is wrong."""
    shapes = _and([sample(spec) for spec in given])
    if len({spec.shape[1:] for spec in given}) < 2:
        return None
    if issubclass(entry.cls, Merge) and (entry.type != "Subtract" or len(given) == 2):
        return f"{entry.type} needs tensors of one shape, but they are {shapes}."
    if entry.type == "Concatenate" and owner.settings.get("axis", -1) == -1:
        said = "Concatenate needs tensors that differ in the last axis only"
        return f"{said}, but they are {shapes}."
    return None
