"""A document while a person works on it: what has been done, and what the page may ask for.

Imports what lies below it in this folder; nothing of the screen. A message of the page is a
dictionary ``{"op": name, ...}``: `FIELDS` says what else is in it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kerasnb.errors import ArgumentError, KerasnbError, LoadError
from kerasnb.notebook.builder import edits, parts
from kerasnb.notebook.builder.checking import Checker
from kerasnb.notebook.builder.document import CONTAINERS, ROOT, Document, Edge, Node
from kerasnb.notebook.builder.naming import shown_names
from kerasnb.notebook.builder.palette import Entry, parse
from kerasnb.notebook.builder.parsing import from_code

__all__ = ["FIELDS", "Answer", "Effect", "Session", "accepts"]

SAME = 2.0  # seconds within which changes of one argument are one step
_KEY = re.compile(r"n\d{1,9}|")


class Answer(NamedTuple):
    """What comes of a message.

    Attributes:
        refused: why nothing came of it, in words; None if it was done.
        select: the ids of what is to be selected now; None leaves the selection.
        data: what was asked for.
    """

    refused: str | None = None
    select: list[str] | None = None
    data: Any = None


# What messages look like


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def _are_keys(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 2000 and all(map(_is_key, value))


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 1_000_000


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 50_000


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _are_edges(value: Any) -> bool:
    fits = isinstance(value, list) and len(value) <= 200
    return fits and all(
        isinstance(e, list) and len(e) == 2 and _is_key(e[0]) and _is_number(e[1]) for e in value
    )


def _is_input(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and _are_edges([value])


def _is_data(value: Any) -> bool:
    return isinstance(value, dict)  # `Document.of` looks at all that is in it


FIELDS: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "add": {
        "type": _is_text, "after": _are_edges, "branch": _is_flag, "parent": _is_key,
        "onto": lambda value: value is None or _is_input(value),
    },
    "remove": {"nodes": _are_keys},
    "set": {"node": _is_key, "name": _is_text, "text": _is_text},
    "call": {"node": _is_key, "name": _is_text, "text": _is_text},
    "rename": {"node": _is_key, "name": _is_text},
    "key": {"node": _is_key, "name": _is_text},
    "count": {"node": _is_key, "count": _is_number},
    "fold": {"node": _is_key, "folded": _is_flag},
    "connect": {
        "source": _is_key, "output": _is_number, "target": _is_key,
        "position": lambda value: value is None or _is_number(value),
    },
    "relink": {
        "source": _is_key, "output": _is_number, "target": _is_key, "old": _is_input,
        "position": lambda value: value is None or _is_number(value),
    },
    "disconnect": {"target": _is_key, "position": _is_number},
    "give": {"source": _is_key, "target": _is_key, "name": _is_text},
    "port": {"target": _is_key, "position": _is_number, "name": _is_text},
    "swap": {"target": _is_key, "first": _is_number, "second": _is_number},
    "move": {"node": _is_key, "target": _is_key, "position": _is_number},
    "output": {"source": _is_key, "output": _is_number},
    "again": {"node": _is_key, "after": _are_edges},
    "apart": {"node": _is_key},
    "wrap": {"nodes": _are_keys, "kind": lambda value: value in CONTAINERS},
    "unwrap": {"node": _is_key},
    "copy": {"nodes": _are_keys},
    "cut": {"nodes": _are_keys},
    "paste": {"data": _is_data, "after": _are_edges, "parent": _is_key},
    "duplicate": {"nodes": _are_keys},
    "fix": {"node": _is_key, "number": _is_number},
    "undo": {},
    "redo": {},
    "code": {"text": _is_text},
}  # fmt: skip


def accepts(message: Mapping[str, Any], fields: Mapping[str, Callable[[Any], bool]]) -> bool:
    """Whether a message has these fields, beside ``op`` and ``id``, and no others."""
    if set(message) - {"op", "id"} != set(fields):
        return False
    return all(check(message[name]) for name, check in fields.items())


def _boxes(count: int) -> str:
    return f"{count} box{'es' * (count != 1)}"


class Effect(NamedTuple):
    """How to take back what was done beside the document, and to do it again."""

    undo: Callable[[], None]
    redo: Callable[[], None]


class _Step(NamedTuple):
    """A document, and what led to it."""

    document: Document
    action: str
    effect: Effect | None = None


class Session:
    """A document, and all documents before it.

    Args:
        document: what to begin with.
        palette: the layers there are, by the names of their classes.
        refusal: says why a change from one document to another is not allowed; None if it is.

    Attributes:
        document: what is on the canvas now.
        report: what `checking` says of it.
        edits: how often something was done.
        first_input: settings of the input that comes with a first layer, to fit chosen data; None
            leaves it to the layer.
    """

    def __init__(
        self,
        document: Document,
        palette: Mapping[str, Entry],
        refusal: Callable[[Document, Document], str | None] | None = None,
    ):
        self.palette = palette
        self._checker = Checker(palette)
        self._refusal = refusal
        self._done: list[_Step] = [_Step(document, "")]
        self._undone: list[_Step] = []
        self._last: tuple[Any, float] = (None, 0.0)
        self.edits = 0
        self.first_input: dict[str, Any] | None = None
        self._check()

    def _check(self) -> None:
        self.report = self._checker.check(self.document)

    @property
    def document(self) -> Document:
        """What is on the canvas now."""
        return self._done[-1].document

    @property
    def undoable(self) -> str | None:
        """What the last action was; None if there was none."""
        return self._done[-1].action or None

    @property
    def redoable(self) -> str | None:
        """What was undone last; None if nothing was."""
        return self._undone[-1].action if self._undone else None

    def change(self, document: Document, action: str, same: Any = None) -> None:
        """Go on to another document.

        Args:
            document: that document.
            action: what was done, in a few words.
            same: names the argument that was changed; the next change of it soon after is part of
                the same action.

        Raises:
            ArgumentError: the change is not allowed.
            LoadError: the document does not fit together.
        """
        if document == self.document:
            return
        document.check()
        refusal = self._refusal and self._refusal(self.document, document)
        if refusal:
            raise ArgumentError(refusal)
        now = time.monotonic()
        if same is not None and self._last[0] == same and now - self._last[1] < SAME:
            self._done.pop()
        self._last = (same, now)
        self._done.append(_Step(document, action))
        self._undone.clear()
        self.edits += 1
        self._check()

    def did(self, action: str, effect: Effect) -> None:
        """Note what was done beside the document: to a weight, or to the data."""
        self._last = (None, 0.0)
        self._done.append(_Step(self.document, action, effect))
        self._undone.clear()
        self.edits += 1

    def take_palette(self, palette: Mapping[str, Entry]) -> None:
        """Go on with other layers."""
        self.palette, self._checker = palette, Checker(palette)
        self._check()

    def undo(self) -> None:
        """Go back to the document before the last action, if there is one."""
        if len(self._done) > 1:
            self._go(self._done, self._undone, "undo")

    def redo(self) -> None:
        """Do again what was undone last, if anything was."""
        if self._undone:
            self._go(self._undone, self._done, "redo")

    def _go(self, source: list[_Step], target: list[_Step], way: str) -> None:
        effect = source[-1].effect
        if effect is not None:
            getattr(effect, way)()
        target.append(source.pop())
        self._last = (None, 0.0)
        self._check()

    def obey(self, message: Mapping[str, Any]) -> Answer:
        """Do what a message asks for; what is not possible is refused in words."""
        try:
            return getattr(self, f"_do_{message['op']}")(message)
        except KerasnbError as reason:
            return Answer(refused=str(reason))

    def name(self, key: str) -> str:
        """A node's name as it is shown."""
        return shown_names(self.document).get(key, key) if key else "the model"

    # Adding

    def _do_add(self, message: Mapping[str, Any]) -> Answer:
        entry = self.palette.get(message["type"])
        if entry is None:
            raise ArgumentError(f"There is no layer {message['type']!r:.60}.")
        after = [self._readable(Edge(*edge)) for edge in message["after"]]
        parent = message["parent"]
        if parent and self.document[parent].kind not in CONTAINERS:
            parent = self.document[parent].parent
        onto = message["onto"]
        document, key = self._added(entry, after, parent, message["branch"] or onto is not None)
        if onto is not None:
            document = edits.connect(document, Edge(key), *onto)
        self.change(document, f"add {entry.type}")
        return Answer(select=[key])

    def _added(
        self, entry: Entry, after: list[Edge], parent: str, branch: bool
    ) -> tuple[Document, str]:
        document = self.document
        if entry.kind == "input":
            if parent:
                return parts.expose(document, parent, None)
            return edits.add(document, Node("", "input", type="InputLayer", settings=entry.presets))
        if not after and (end := self._end(parent)):
            after = [end]
        if not after and not document.children(parent) and not parent:
            settings = entry.first_input if self.first_input is None else self.first_input
            start = Node("", "input", type="InputLayer", settings=settings)
            document, first = edits.add(document, start)
            after = [Edge(first)]
        node = Node("", type=entry.type, settings=entry.presets)
        several = entry.takes != "one"
        document, key = edits.add(document, node, after, several, branch, parent)
        if not document.outputs(parent) and not parent:
            document, _ = edits.append_output(document, Edge(key))
        return document, key

    def _readable(self, edge: Edge) -> Edge:
        """The tensor that is meant where a node was chosen: of an output, what it reads."""
        node = self.document[edge.source]
        if node.kind == "output" and node.reads[0] is not None:
            return node.reads[0]
        return edge

    def _end(self, parent: str) -> Edge | None:
        """The tensor behind which a new node goes if nothing was chosen."""
        document = self.document
        for node in reversed(document.outputs(parent)):
            if node.reads[0] is not None:
                return node.reads[0]
        own = [n for n in document.ordered(parent) if document.gives(Edge(n.id))]
        return Edge(own[-1].id) if own else None

    def _do_output(self, message: Mapping[str, Any]) -> Answer:
        edge = Edge(message["source"], message["output"])
        document, key = edits.append_output(self.document, edge)
        self.change(document, "add an output")
        return Answer(select=[key])

    def _do_again(self, message: Mapping[str, Any]) -> Answer:
        after = [self._readable(Edge(*edge)) for edge in message["after"]]
        document, key = edits.again(self.document, message["node"], after)
        self.change(document, f"call {self.name(message['node'])} once more")
        return Answer(select=[key])

    # Taking away

    def _do_remove(self, message: Mapping[str, Any]) -> Answer:
        self._remove(message["nodes"], "remove")
        return Answer(select=[])

    def _remove(self, keys: list[str], verb: str) -> None:
        chosen = [key for key in keys if key in self.document]
        what = self.name(chosen[0]) if len(chosen) == 1 else _boxes(len(chosen))
        self.change(edits.remove(self.document, chosen), f"{verb} {what}")

    def _do_disconnect(self, message: Mapping[str, Any]) -> Answer:
        target = message["target"]
        document = edits.disconnect(self.document, target, message["position"])
        self.change(document, f"disconnect {self.name(target)}")
        return Answer()

    # Changing

    def _do_set(self, message: Mapping[str, Any]) -> Answer:
        key, name, text = message["node"], message["name"], message["text"]
        node = self.document.owner(key)
        entry = self.palette.get("Input" if node.kind == "input" else node.type)
        argument = None if entry is None else entry.argument(name)
        if argument is None:
            raise ArgumentError(f"{node.type or 'This box'} has no argument {name!r:.60}.")
        if text.strip():
            document = edits.set_setting(self.document, key, name, parse(argument, text))
        else:
            document = edits.unset_setting(self.document, key, name)
        self.change(document, f"{name} of {self.name(key)}", ("set", key, name))
        return Answer()

    def _do_call(self, message: Mapping[str, Any]) -> Answer:
        key, name, text = message["node"], message["name"], message["text"]
        values = {"": None, "True": True, "False": False}
        if not name.isidentifier() or text not in values:
            raise ArgumentError("An argument of a call is True or False here.")
        document = edits.set_call(self.document, key, name, values[text])
        self.change(document, f"{name} of {self.name(key)}")
        return Answer()

    def _do_rename(self, message: Mapping[str, Any]) -> Answer:
        key, name = message["node"], message["name"]
        document = edits.rename(self.document, key, name.strip())
        self.change(document, f"rename {self.name(key)}", ("rename", key))
        return Answer()

    def _do_key(self, message: Mapping[str, Any]) -> Answer:
        key = message["node"]
        document = edits.set_key(self.document, key, message["name"].strip())
        self.change(document, f"key of {self.name(key)}", ("key", key))
        return Answer()

    def _do_count(self, message: Mapping[str, Any]) -> Answer:
        key, count = message["node"], message["count"]
        document = edits.set_count(self.document, key, count)
        self.change(document, f"repeat {self.name(key)} {count} times", ("count", key))
        return Answer()

    def _do_fold(self, message: Mapping[str, Any]) -> Answer:
        key, folded = message["node"], message["folded"]
        if self.document[key].kind not in CONTAINERS:
            raise ArgumentError("Only a group, a repeat or a model can be folded.")
        document = edits.fold(self.document, key, folded)
        self.change(document, f"{'fold' if folded else 'unfold'} {self.name(key)}")
        return Answer(select=[key])

    def _do_connect(self, message: Mapping[str, Any]) -> Answer:
        edge, target = Edge(message["source"], message["output"]), message["target"]
        document = edits.connect(self.document, edge, target, message["position"])
        self.change(document, f"connect {self.name(edge.source)} to {self.name(target)}")
        return Answer(select=[target])

    def _do_relink(self, message: Mapping[str, Any]) -> Answer:
        edge, target = Edge(message["source"], message["output"]), message["target"]
        document = edits.relink(
            self.document, edge, target, message["position"], tuple(message["old"])
        )
        self.change(document, f"connect {self.name(edge.source)} to {self.name(target)}")
        return Answer(select=[target])

    def _do_swap(self, message: Mapping[str, Any]) -> Answer:
        target = message["target"]
        document = edits.swap_inputs(self.document, target, message["first"], message["second"])
        self.change(document, f"swap inputs of {self.name(target)}")
        return Answer()

    def _do_give(self, message: Mapping[str, Any]) -> Answer:
        source, target, name = message["source"], message["target"], message["name"]
        self._require_keyword(target, name)
        count = len(self.report.nodes[source].specs) if source in self.report.nodes else 0
        # of what gives its states, too, these are meant
        states = range(1, count) if name == "initial_state" and count > 1 else (0,)
        document = self.document
        for edge in [self._readable(Edge(source, output)) for output in states]:
            document = edits.give(document, edge, target, name)
        self.change(document, f"give {self.name(target)} its {name}")
        return Answer(select=[target])

    def _do_port(self, message: Mapping[str, Any]) -> Answer:
        target, name = message["target"], message["name"]
        if name:
            self._require_keyword(target, name)
        document = edits.name_input(self.document, target, message["position"], name)
        self.change(document, f"inputs of {self.name(target)}")
        return Answer()

    def _require_keyword(self, key: str, name: str) -> None:
        node = self.document[key]
        entry = self.palette.get(node.type) if node.kind == "layer" else None
        if entry is None or name not in entry.keywords:
            raise ArgumentError(f"{self.name(key)} is given nothing as {name!r:.60}.")

    def _do_move(self, message: Mapping[str, Any]) -> Answer:
        key = message["node"]
        document = edits.move(self.document, key, message["target"], message["position"])
        self.change(document, f"move {self.name(key)}")
        return Answer(select=[key])

    def _do_apart(self, message: Mapping[str, Any]) -> Answer:
        key = message["node"]
        document = parts.apart(self.document, key)
        self.change(document, f"own weights for {self.name(key)}")
        return Answer(select=[key])

    # Parts

    def _do_wrap(self, message: Mapping[str, Any]) -> Answer:
        kind = message["kind"]
        document, key = parts.wrap(self.document, message["nodes"], kind)
        names = {"group": "group", "repeat": "repeat", "model": "make a model of"}
        own = [n for n in document.children(key) if n.kind not in ("input", "output")]
        self.change(document, f"{names[kind]} {_boxes(len(own))}")
        return Answer(select=[key])

    def _do_unwrap(self, message: Mapping[str, Any]) -> Answer:
        key = message["node"]
        inside = [n.id for n in self.document.children(key)]
        self.change(parts.unwrap(self.document, key), f"ungroup {self.name(key)}")
        return Answer(select=[k for k in inside if k in self.document])

    # Copies

    def _do_copy(self, message: Mapping[str, Any]) -> Answer:
        return Answer(data=parts.copy(self.document, message["nodes"]))

    def _do_cut(self, message: Mapping[str, Any]) -> Answer:
        data = parts.copy(self.document, message["nodes"])
        self._remove(message["nodes"], "cut")
        return Answer(select=[], data=data)

    def _do_paste(self, message: Mapping[str, Any]) -> Answer:
        after = [self._readable(Edge(*edge)) for edge in message["after"]]
        end = after[-1] if after else self._end(message["parent"])
        self._paste(message["data"], end, message["parent"], "paste")
        return Answer(select=self._pasted)

    def _paste(self, data: Any, after: Edge | None, parent: str, verb: str) -> None:
        document, self._pasted = parts.paste(self.document, data, after, parent)
        unknown = [n.type for n in document if n.kind == "layer" and n.type not in self.palette]
        if unknown:
            raise LoadError(f"There is no layer {unknown[0]!r:.60}.")
        self.change(document, f"{verb} {_boxes(len(self._pasted))}")

    def _do_duplicate(self, message: Mapping[str, Any]) -> Answer:
        chosen = [n for n in message["nodes"] if n in self.document]
        if not chosen:
            raise ArgumentError("Choose boxes to duplicate.")
        data = parts.copy(self.document, chosen)
        ordered = [n.id for n in self.document.ordered(self.document[chosen[0]].parent)]
        last = max(chosen, key=lambda key: ordered.index(key) if key in ordered else -1)
        self._paste(data, self._readable(Edge(last)), ROOT, "duplicate")
        return Answer(select=self._pasted)

    # All of it

    def _do_fix(self, message: Mapping[str, Any]) -> Answer:
        checked = self.report.nodes.get(message["node"])
        fixes = checked.problem.fixes if checked is not None and checked.problem else ()
        if message["number"] >= len(fixes):
            raise ArgumentError("This is mended already.")
        fix = fixes[message["number"]]
        self.change(fix.apply(self.document), fix.text)
        return Answer()

    def _do_undo(self, message: Mapping[str, Any]) -> Answer:
        self.undo()
        return Answer()

    def _do_redo(self, message: Mapping[str, Any]) -> Answer:
        self.redo()
        return Answer()

    def _do_code(self, message: Mapping[str, Any]) -> Answer:
        self.read_code(message["text"])
        return Answer(select=[])

    def read_code(self, source: str) -> None:
        """Take the graph that Keras code makes.

        Raises:
            LoadError: it makes none, with the line.
        """
        custom = {entry.type: entry.cls for entry in self.palette.values() if entry.custom}
        self.change(from_code(source, custom), "edit the code")
