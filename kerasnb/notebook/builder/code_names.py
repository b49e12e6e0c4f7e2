"""The names of variables and functions in the code of a document. Imports code_order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kerasnb.layers import LAYERS
from kerasnb.naming import snake_case
from kerasnb.notebook.builder.code_order import Order
from kerasnb.notebook.builder.code_values import class_word, identifier, quoted
from kerasnb.notebook.builder.document import CONTAINERS, ROOT, Node
from kerasnb.notebook.builder.naming import own_name

__all__ = ["RUNNING", "Names"]

RUNNING = ("x", "y", "z")  # variables that one tensor after the other is given to
LOOPS = ("i", "j", "k")
_OWN_WORDS = ("keras", "layers", "ops", "model", "inputs", "outputs", "skip", *RUNNING, *LOOPS)


class Names:
    """Names for what a document holds, none of them twice.

    Attributes:
        classes: the user's own layers, as the code has them.
        fixed: by id, the names of functions, of layers that are kept in variables, and of models.
        same: by the id of a group, that of another one whose function it calls.
    """

    def __init__(self, order: Order):
        self.order = order
        self.document = order.document
        self.classes = {
            class_word(n.type)
            for n in self.document
            if n.kind == "layer" and not n.is_function and n.type not in LAYERS
        }
        self.fixed: dict[str, str] = {}
        self.same: dict[str, str] = {}

    def choose(self) -> None:
        """Choose the names of all functions first, then of all that is kept in variables."""
        self._name_functions(ROOT, {}, set())
        self._name_kept(ROOT, set())

    def _name_functions(self, key: str, known: dict[str, str], seen: set[str]) -> None:
        for node in self.order.steps(key):
            owner = self.document.owner(node.id)
            if node.kind not in CONTAINERS or owner.id in seen:
                continue
            seen.add(owner.id)
            form = self._form(node) if node.kind == "group" else None
            if form is not None and form in known:
                self.same[node.id] = known[form]
                continue
            self._name_functions(owner.id, known, seen)
            if node.kind == "group":
                self.fixed[node.id] = self.new(node.name or "part", "part")
                if form is not None:
                    known[form] = node.id

    def _name_kept(self, key: str, seen: set[str]) -> None:
        for node in self.order.steps(key):
            owner = self.document.owner(node.id)
            if owner.id not in self.fixed and owner.kind == "model":
                self.fixed[owner.id] = self.new(owner.name or "inner", "inner")
            if owner.id not in self.fixed and self.order.is_kept(owner):
                self.fixed[owner.id] = self.new(owner.name or "shared", "shared")
            if node.kind in CONTAINERS and owner.id not in seen and node.id not in self.same:
                seen.add(owner.id)
                self._name_kept(owner.id, seen)

    def new(self, text: str, fallback: str, taken: Iterable[str] = ()) -> str:
        """A name that nothing else has.

        Args:
            text: what it should remind of.
            fallback: what it is if that is not possible.
            taken: more names that it must not be.
        """
        reserved = frozenset((*_OWN_WORDS, *self.classes))
        base = identifier(text, fallback, reserved)
        used = {*self.fixed.values(), *taken}
        number, name = 1, base
        while name in used or name in reserved:
            number += 1
            name = f"{base}_{number}"
        return name

    def _form(self, group: Node) -> str | None:
        """A text that two groups have if one function will do for both; None if there is none."""
        data = self._form_of(group.id, {}, {n.id for n in self.document.within(group.id)})
        loops = self.loops(group.id) if self.is_numbered(group.id) else []
        return None if data is None else json.dumps([group.name, loops, data], sort_keys=True)

    def _form_of(self, key: str, seen: dict[str, int], inside: set[str]) -> Any:
        place: dict[str, int] = {}
        found = []
        for node in (*self.order.inputs(key), *self.order.steps(key)):
            owner = self.document.owner(node.id)
            if owner.id not in inside:
                return None  # it calls what is kept outside
            inner: Any = []
            if node.kind in CONTAINERS and owner.id not in seen:
                inner = self._form_of(owner.id, seen, inside)
            if inner is None:
                return None
            place[node.id] = len(place)
            reads = [None if e is None else [place[e.source], e.output] for e in node.reads]
            what = [owner.kind, owner.type, owner.name, owner.settings, node.call, node.count]
            who = seen.setdefault(owner.id, len(seen))
            found.append([who, what, reads, node.keywords, inner])
        return [found, [[place[e.source], e.output] for e in self.order.outputs(key)]]

    def word(self, node: Node, output: int) -> str:
        """What a tensor could be called."""
        owner = self.document.owner(node.id)
        if node.kind == "repeat":
            return "repeated"
        if node.kind in CONTAINERS:
            return f"{self.fixed[self.same.get(node.id, owner.id)]}_output"
        states = {"LSTM": ("state_h", "state_c")}.get(owner.type, ("state",))
        if output and "return_state" in owner.settings and output <= len(states):
            return states[output - 1]
        if output and node.call.get("return_attention_scores"):
            return "scores"
        type_ = LAYERS[owner.type].__name__ if owner.type in LAYERS else owner.type
        base = owner.name or snake_case(type_.split(".")[-1]) or "layer"
        return f"{base}_{output}" if output else base

    # Loops

    def loops(self, key: str) -> list[str]:
        """The variables of the repeats around a node, the outermost first, within its model."""
        around = [k for k in self.document.ancestors(key) if self.document[k].kind == "repeat"]
        depth = len(around)
        own = sum(self.document[k].kind == "repeat" for k in self._around(key))
        return [LOOPS[i] if i < len(LOOPS) else f"i{i}" for i in range(depth - own, depth)]

    def is_numbered(self, key: str) -> bool:
        """Whether names in a part must say which repetition it is."""
        owners = (self.document[k] for node in self.order.steps(key) for k in self.order.uses(node))
        return any(
            owner.name and owner.kind in ("layer", "model") and key in self._around(owner.id)
            for owner in owners
        )

    def _around(self, key: str) -> list[str]:
        """The parts in which a node lies within its model, the nearest first."""
        around = self.document.ancestors(key)
        models = [i for i, parent in enumerate(around) if self.document[parent].kind == "model"]
        return around[: models[0]] if models else around

    def argument(self, node: Node) -> dict[str, Any]:
        """The argument that names a layer, model or input, if it has a name."""
        name = own_name(node)
        if not name:
            return {}
        loops = self.loops(node.id)
        if not loops:
            return {"name": quoted(name)}
        text = quoted(name, braces=True)
        return {"name": f"f{text[:-1]}{''.join(f'_{{{v}}}' for v in loops)}{text[-1]}"}
