"""A document as Keras code that runs as it stands.

What a document says of names, texts and classes is written as values and checked identifiers only,
so that nothing in a loaded document can become code. Imports code_order and code_values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kerasnb.errors import unknown
from kerasnb.layers import LAYERS
from kerasnb.layers.merging import OfSeveral
from kerasnb.notebook.builder.code_functions import function_call
from kerasnb.notebook.builder.code_names import RUNNING, Names
from kerasnb.notebook.builder.code_order import Order
from kerasnb.notebook.builder.code_values import (
    Call,
    Items,
    arguments,
    call_arguments,
    class_word,
    lines,
    quoted,
    value_of,
)
from kerasnb.notebook.builder.document import ROOT, Document, Edge, Node
from kerasnb.notebook.builder.naming import own_name, shown_names
from kerasnb.notebook.builder.operations import SPLITS, form_of
from kerasnb.notebook.builder.signatures import takes

__all__ = ["to_code"]

LIBRARIES = {"kerasnb": "import kerasnb as keras", "keras": "import keras"}

_MODEL_WORDS = ("inputs", "outputs", "layers", "name")


def to_code(
    document: Document, library: str = "kerasnb", known: Mapping[str, type] | None = None
) -> str:
    """Keras code for a graph.

    Args:
        document: the graph.
        library: ``"kerasnb"`` or ``"keras"``: which one the code imports.
        known: classes of the user's own layers by name, whose signatures are then respected.

    Raises:
        ArgumentError: there is no such library.
    """
    if library not in LIBRARIES:
        raise unknown("library", library, LIBRARIES)
    return _Writer(document, known or {}).text(library)


@dataclass
class _Scope:
    """A module or a function while its statements are written.

    Attributes:
        taken: the names that it has used for tensors it keeps.
    """

    taken: set[str] = field(default_factory=set)


@dataclass
class _Part:
    """A container while its statements are written.

    Attributes:
        key: its id.
        scope: where its variables live.
        indent: of its statements.
        busy: names that hold what is needed outside it.
        reads: at which statements each tensor is read.
        names: of its tensors, as far as they are made.
        held: at which statement what a variable holds is read last.
        defined: the owners whose variables have been written.
    """

    key: str
    scope: _Scope
    indent: int
    busy: frozenset[str]
    reads: dict[Edge, list[int]]
    names: dict[Edge, str] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)

    def give(self, edge: Edge, name: str) -> None:
        """Let a variable hold a tensor."""
        self.names[edge] = name
        self.held[name] = self.reads.get(edge, [-1])[-1]

    def live(self, place: int) -> set[str]:
        """The names of tensors that a statement at `place`, or a later one, reads."""
        return {name for name, last in self.held.items() if last >= place}


class _Writer:
    """The code of a document, in the making."""

    def __init__(self, document: Document, known: Mapping[str, type]):
        self.document = document
        self.known = known
        self.order = Order(document, known)
        self.names = Names(self.order)
        self.written: set[str] = set()  # the groups whose functions are written
        self.functions: dict[str, list[list[str]]] = {}  # by where they stand
        self.lines: list[str] = []

    def text(self, library: str) -> str:
        """All of it."""
        left_out = self._left_out()
        used, functions = {"layers"}, []
        if self.order.outputs(ROOT):
            self.names.choose()
            body = self._taken_lines(self._write_root)
            functions = self.functions.get(ROOT, [])
            lines_ = [line for text in (body, *functions) for line in text]
            used = {word for word in ("layers", "ops") if any(f"{word}." in s for s in lines_)}
        elif self.document.nodes:
            body = ["# Connect an output: then the code of the model is here."]
        else:
            body = ["# Put a layer on the canvas: then the code of the model is here."]
        header = [LIBRARIES[library]]
        if used:
            header.append(f"from {library} import {', '.join(sorted(used))}")
        parts = ["\n".join(header)]
        parts += ["\n" + "\n".join(function) for function in functions]
        gap = "\n" if functions else ""
        parts.append(gap + "\n".join(body))
        if left_out:
            parts.append("\n".join(left_out))
        return "\n\n".join(parts) + "\n"

    def _left_out(self) -> list[str]:
        names = shown_names(self.document)
        found = []
        for node in self.document:
            inside = node.parent == ROOT or self._holder(node.parent) in self.order.needed
            if inside and node.id not in self.order.needed and not self._is_end(node):
                kind = node.type or node.kind
                found.append(f"# not connected: {_plain(names[node.id])} ({_plain(kind)})")
        return found

    def _holder(self, key: str) -> str:
        """The id of a container, or of a needed call of it, if it is a model that is shared."""
        calls = [n.id for n in self.order.calls.get(key, [])]
        return calls[0] if calls else key

    def _is_end(self, node: Node) -> bool:
        """Whether a node is an end of a container that is written."""
        if node.kind == "output":
            edge = node.reads[0]
            return edge is not None and edge.source in self.order.made(node.parent)
        return node.kind == "input" and node.parent != ROOT

    def _running(self, part: _Part, place: int) -> str:
        """A variable that holds nothing that is still needed."""
        live = part.live(place) | part.busy | self.names.classes
        free = [name for name in RUNNING if name not in live]
        return free[0] if free else self._kept(part, "tensor", "tensor")

    def _kept(self, part: _Part, text: str, fallback: str) -> str:
        """A variable of its own for a tensor."""
        name = self.names.new(text, fallback, part.scope.taken | part.busy)
        part.scope.taken.add(name)
        return name

    def _target(self, part: _Part, node: Node, place: int, output: int, last: bool) -> str:
        """The variable for what a step gives."""
        edge = Edge(node.id, output)
        reads = part.reads.get(edge)
        if not reads:
            return "_"
        end = len(self.order.steps(part.key))
        several = len(self.order.outputs(part.key)) > 1
        outermost = part.key == ROOT or self.document[part.key].kind == "model"
        if outermost and end in reads and several:
            return self._kept(part, self.names.word(node, output), "output")
        if reads[-1] <= place + 1:
            free = "outputs" not in part.live(place + 1) | part.busy | self.names.classes
            if part.key == ROOT and last and node.kind != "repeat" and free:
                return "outputs"
            return self._running(part, place + 1)
        readers = (self.order.steps(part.key)[at] for at in reads if at < end)
        merged = any(map(self._merges, readers))
        free = "skip" not in part.live(place + 1) | part.busy | self.names.classes
        if merged and len(set(reads)) > 1 and free:
            return "skip"
        return self._kept(part, self.names.word(node, output), "tensor")

    def _merges(self, node: Node) -> bool:
        if node.is_function:
            return len(node.reads) > 1
        cls = self.order.cls(node)
        return node.kind == "layer" and cls is not None and issubclass(cls, OfSeveral)

    # Statements

    def _taken_lines(self, write: Any, *args: Any) -> list[str]:
        """The lines that a function writes, apart from all others."""
        kept, self.lines = self.lines, []
        write(*args)
        kept, self.lines = self.lines, kept
        return kept

    def _part(self, key: str, scope: _Scope, indent: int, busy: Iterable[str] = ()) -> _Part:
        """A container whose statements are to be written."""
        steps = self.order.steps(key)
        reads: dict[Edge, list[int]] = {}
        for place, node in enumerate(steps):
            for edge in node.reads:
                reads.setdefault(edge, []).append(place)
        for edge in self.order.outputs(key):
            reads.setdefault(edge, []).append(len(steps))
        return _Part(key, scope, indent, frozenset(busy), reads)

    def _say(self, part: _Part, prefix: str, piece: Any, suffix: str = "") -> None:
        self.lines += lines(prefix, piece, suffix, part.indent)

    def _write_root(self) -> None:
        part = self._part(ROOT, _Scope(), 0)
        self._write_shaped(part)
        if self.lines:
            self.lines.append("")
        self._write_model(part, "model", {})

    def _write_model(self, part: _Part, variable: str, shapes: Mapping[str, str]) -> None:
        """Write a model and give it to a variable.

        Args:
            part: its container.
            variable: where it is kept.
            shapes: for each input without a shape, the variable of a tensor that has it.
        """
        key = part.key
        if key == ROOT:
            extra = {"name": quoted(self.document.name)} if self.document.name else {}
        else:
            owner = self.document[key]
            own = {k: v for k, v in owner.settings.items() if k not in _MODEL_WORDS}
            extra = call_arguments(own, self.known) | self.names.argument(owner)
        if self.order.is_sequential(key):
            inputs = [self._shaped(n) for n in self.order.inputs(key)]
            items = [("", self._input(n, "")) for n in inputs if "shape" in n.settings]
            items += [("", self._maker(node)) for node in self.order.steps(key)]
            layers = Items("[", tuple(items), "]", broken=True)
            self._say(part, f"{variable} = ", Call("keras.Sequential").on(layers, **extra))
            return
        self._write_inputs(part, variable, shapes)
        self._write_steps(part, None)
        inputs, outputs = self.order.inputs(key), self.order.output_nodes(key)
        starts = _gathered(inputs, [part.names[Edge(n.id)] for n in inputs])
        ends = _gathered(outputs, [part.names[n.reads[0]] for n in outputs])
        self._say(part, f"{variable} = ", Call("keras.Model").on(starts, ends, **extra))

    def _shaped(self, node: Node) -> Node:
        """The input of a `Sequential`; the model's own may have its shape from the first within."""
        inner = node
        while node.parent == ROOT and "shape" not in inner.settings:
            steps = self.order.steps(inner.parent)
            if not steps or steps[0].kind != "model":
                return node
            inner = self.order.inputs(self.document.owner(steps[0].id).id)[0]
        return replace(node, settings=inner.settings)

    def _write_inputs(self, part: _Part, variable: str, shapes: Mapping[str, str]) -> None:
        inputs = self.order.inputs(part.key)
        prefix = "" if part.key == ROOT else f"{variable}_"
        for number, node in enumerate(inputs, 1):
            if part.key == ROOT and len(inputs) == 1 and "inputs" not in self.names.classes:
                name = "inputs"
            elif len(inputs) == 1:
                name = self._kept(part, f"{prefix}inputs", "inputs")
            else:
                text = f"{prefix}{own_name(node) or f'input_{number}'}"
                name = self._kept(part, text, f"input_{number}")
            part.give(Edge(node.id), name)
            self._say(part, f"{name} = ", self._input(node, shapes.get(node.id, "")))

    def _input(self, node: Node, like: str) -> Call:
        settings = {k: v for k, v in node.settings.items() if v is not None and k != "name"}
        keywords = {}
        if "shape" in settings:
            keywords["shape"] = value_of("shape", settings.pop("shape"), self.known)
        elif like:
            keywords["shape"] = f"{like}.shape[1:]"
        order = sorted(settings)
        keywords |= call_arguments({k: settings[k] for k in order}, self.known)
        return Call("keras.Input").on(**keywords, **self.names.argument(node))

    def _write_steps(self, part: _Part, final: str | None) -> None:
        """Write the statements of a container.

        Args:
            part: the container.
            final: the variable for what it gives, if it must be a certain one.
        """
        for place, node in enumerate(self.order.steps(part.key)):
            self._define(part, node, place)
            if node.kind == "repeat":
                self._write_repeat(part, node, place, final)
            else:
                self._write_call(part, node, place, final)

    def _targets(self, part: _Part, node: Node, place: int, final: str | None) -> list[str]:
        last = place == len(self.order.steps(part.key)) - 1
        found: list[str] = []
        for output in range(self.order.gives(node)):
            edge = Edge(node.id, output)
            ends = last and edge in self.order.outputs(part.key)
            name = final if final and ends else self._target(part, node, place, output, last)
            found.append(name)
            part.give(edge, name)  # so that the next output has another one
        return found

    def _write_call(self, part: _Part, node: Node, place: int, final: str | None) -> None:
        read = [part.names[edge] for edge in node.reads]
        tensors, named = read[: node.unnamed], _by_name(node.keywords, read[node.unnamed :])
        if node.is_function:
            targets = self._targets(part, node, place, final)
            call = function_call(form_of(node.type), node.settings, read, self.known)
            self._say(part, f"{_unpacked(node, targets)} = ", call)
            return
        if node.kind == "model" and any(n.key for n in self._outputs_of(node)):
            self._write_keyed(part, node, tensors, (place, final))
            return
        targets = self._targets(part, node, place, final)
        owner = self.document.owner(node.id)
        maker = self._maker(owner) if node.kind == "layer" else None
        if node.kind == "group":
            maker = Call(self._function(node))
            loops = self.names.loops(node.id) if self.names.is_numbered(node.id) else []
            self._say(part, f"{', '.join(targets)} = ", maker.on(*tensors, *loops))
            return
        maker = Call(self.names.fixed[owner.id]) if owner.id in self.names.fixed else maker
        cls = self.order.cls(owner)
        if node.kind == "layer" and isinstance(takes(cls), int):
            given = tensors
        elif node.kind == "model":
            given = [_gathered(self.order.inputs(owner.id), tensors)]
        elif self._merges(owner) or len(tensors) > 1:
            given = [_one(tensors, always=True)]
        else:
            given = tensors
        call = maker.on(*given, **named, **call_arguments(node.call, self.known))
        self._say(part, f"{', '.join(targets)} = ", call)

    def _outputs_of(self, node: Node) -> list[Node]:
        return self.order.output_nodes(self.document.owner(node.id).id)

    def _write_keyed(
        self, part: _Part, node: Node, tensors: list[str], where: tuple[int, str | None]
    ) -> None:
        """Write the call of a model that gives a dictionary, and take what is needed out of it."""
        owner = self.document.owner(node.id)
        name = self.names.fixed[owner.id]
        given = _gathered(self.order.inputs(owner.id), tensors)
        held = self._kept(part, f"{name}_outputs", "outputs")
        self._say(part, f"{held} = ", Call(name).on(given))
        targets = self._targets(part, node, *where)
        for target, output in zip(targets, self._outputs_of(node), strict=True):
            if target != "_":
                self._say(part, "", f"{target} = {held}[{quoted(output.key)}]")

    def _maker(self, owner: Node) -> Call:
        """What makes a layer, or the variable in which it is."""
        if owner.kind == "model" or owner.id in self.names.fixed:
            return Call(self.names.fixed[owner.id])
        return self._new_layer(owner)

    def _new_layer(self, owner: Node) -> Call:
        ours = LAYERS.get(owner.type)
        head = class_word(owner.type) if ours is None else f"layers.{ours.__name__}"
        positional, keywords = arguments(self.order.cls(owner), owner.settings, self.known)
        return Call(head).on(*positional, **keywords, **self.names.argument(owner))

    def _write_repeat(self, part: _Part, node: Node, place: int, final: str | None) -> None:
        given = part.names[node.reads[0]]
        (variable,) = self._targets(part, node, place, final)
        if variable != given:
            self._say(part, "", f"{variable} = {given}")
        index = self.names.loops(self.order.inputs(node.id)[0].id)[-1]
        index = index if self.names.is_numbered(node.id) else "_"
        self._say(part, "", f"for {index} in range({node.count}):")
        before = len(self.lines)
        needed = part.live(place + 1) - {variable}
        inner = self._part(node.id, part.scope, part.indent + 4, part.busy | needed)
        inner.give(Edge(self.order.inputs(node.id)[0].id), variable)
        self._write_shaped(inner)
        self._write_steps(inner, variable)
        if len(self.lines) == before:  # what is repeated does nothing
            self._say(inner, "", f"{variable} = {variable}")

    # What is defined before it is used

    def _write_shaped(self, part: _Part) -> None:
        """Write the models of a container that need not wait for a tensor."""
        for node in self.order.steps(part.key):
            for key in self.order.uses(node):
                if self.document[key].kind == "model" and self.order.is_shaped(key):
                    self._define_owner(part, key, None)

    def _define(self, part: _Part, node: Node, place: int) -> None:
        """Write what a step uses and nothing has made yet."""
        for key in self.order.uses(node):
            self._define_owner(part, key, place)

    def _define_owner(self, part: _Part, key: str, place: int | None) -> None:
        owner = self.document[key]
        if owner.parent != part.key or key in part.defined or key not in self.names.fixed:
            return
        if owner.kind not in ("layer", "model"):
            return
        part.defined.add(key)
        variable = self.names.fixed[key]
        if owner.kind == "layer":
            self._say(part, f"{variable} = ", self._new_layer(owner))
            return
        for step in self.order.steps(key):
            for other in self.order.uses(step):
                self._define_owner(part, other, place)
        busy = part.busy | part.live(-1 if place is None else place)
        inner = self._part(key, part.scope, part.indent, busy)
        self._write_shaped(inner)
        shapes = {}
        calls = [n for n in self.order.calls[key] if n.parent == part.key]
        if place is not None and calls:
            reads = zip(self.order.inputs(key), calls[0].reads, strict=False)
            shapes = {n.id: part.names[e] for n, e in reads if e in part.names}
        self._write_model(inner, variable, shapes)

    def _function(self, node: Node) -> str:
        """The name of a group's function, which is written if it has not been."""
        key = self.names.same.get(node.id, node.id)
        if key not in self.written:
            self.written.add(key)
            text = self._taken_lines(self._write_function, self.document[key])
            self.functions.setdefault(self._home(node), []).append(text)
        return self.names.fixed[key]

    def _home(self, group: Node) -> str:
        """The group in whose function that of another one must stand, to see a layer that is kept
        there; the root if anywhere will do."""
        around = [key for key in self.document.ancestors(group.id) if self._is_function(key)]
        inside = {node.id for node in self.document.within(group.id)}
        kept = [k for k in self.order.uses(group) if k not in inside and k != group.id]
        homes = set()
        for key in kept:
            homes |= {next(filter(self._is_function, self.document.ancestors(key)), ROOT)}
        return next((key for key in around if key in homes), ROOT)

    def _is_function(self, key: str) -> bool:
        return self.document[key].kind == "group"

    def _write_function(self, node: Node) -> None:
        part = self._part(node.id, _Scope(), 4)
        free = [name for name in RUNNING if name not in self.names.classes]
        for number, given in enumerate(self.order.inputs(node.id)):
            name = free[number] if number < len(free) else self._kept(part, "tensor", "tensor")
            part.give(Edge(given.id), name)
        parameters = [("", name) for name in part.names.values()]
        if self.names.is_numbered(node.id):
            parameters += [("", loop) for loop in self.names.loops(node.id)]
        head = Call(f"def {self.names.fixed[node.id]}", (Items("(", tuple(parameters), ")"),))
        self.lines += lines("", head, ":")
        start = len(self.lines)
        self._write_shaped(part)
        self._write_steps(part, None)
        ends = [part.names[e] for e in self.order.outputs(node.id)]
        piece: Any = ", ".join(ends)
        if len(piece) > 80:
            piece = Items("(", tuple(("", name) for name in ends), ")", broken=True)
        self._say(part, "return ", piece)
        for function in self.functions.pop(node.id, []):
            inner = [f"    {line}" if line else "" for line in function]
            self.lines[start:start] = [*inner, ""]
            start += len(inner) + 1


def _one(names: list[str], always: bool = False) -> Any:
    """One name as it is, several as a list."""
    if len(names) == 1 and not always:
        return names[0]
    return Items("[", tuple(("", name) for name in names), "]")


def _unpacked(node: Node, targets: list[str]) -> str:
    """The names for what a function gives; a list of one tensor is a list, too."""
    alone = len(targets) == 1 and node.type.split(".")[-1] in SPLITS
    return f"({targets[0]},)" if alone else ", ".join(targets)


def _gathered(ends: list[Node], names: list[str]) -> Any:
    """What a model is given, or gives: a name, a list, or a dictionary."""
    if not any(node.key for node in ends):
        return _one(names)
    pairs = ((f"{quoted(n.key)}: ", name) for n, name in zip(ends, names, strict=True))
    return Items("{", tuple(pairs), "}")


def _by_name(keywords: Sequence[str], names: list[str]) -> dict[str, Any]:
    """Tensors that a call is given by name; several of one name as a list."""
    found: dict[str, list[str]] = {}
    for keyword, name in zip(keywords, names, strict=True):
        found.setdefault(keyword, []).append(name)
    return {keyword: _one(own) for keyword, own in found.items()}


def _plain(text: str) -> str:
    """A text as it can stand in a comment."""
    return "".join(c if c.isprintable() else "?" for c in text)[:60]
