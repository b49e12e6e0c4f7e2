"""A graph of layers as plain data: what the builder's canvas, code and model are made from.

A `Document` never changes: an edit (`edits`) makes another one, so undo is a list of documents.
Imports errors.

Some nodes contain others: a *group* is a part with a name of its own (a function, as code), a
*repeat* is passed several times, each time with layers of its own (a loop), a *model* is a model
within the model. What a container is given are its nodes of the kind ``"input"``, what it gives
those of the kind ``"output"``, both in order. The document itself is such a container, whose id is
``ROOT``. Tensors go from node to node within one container only.
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import pairwise
from typing import Any, NamedTuple

from kerasnb.errors import ArgumentError, LoadError

__all__ = [
    "CONTAINERS", "DEEPEST", "ROOT", "Document", "Edge", "Node", "by_key", "in_order", "is_word",
]  # fmt: skip

ROOT = ""
CONTAINERS = ("group", "repeat", "model")
DEEPEST = 16  # containers in containers: Python takes no more than 20 loops in loops
KINDS = ("input", "output", "layer", *CONTAINERS)


class Edge(NamedTuple):
    """Where a tensor comes from.

    Attributes:
        source: the id of the node that makes it.
        output: which of that node's outputs it is.
    """

    source: str
    output: int = 0


@dataclass(frozen=True)
class Node:
    """A box on the canvas.

    Attributes:
        id: its own, for as long as the document is edited.
        kind: one of `KINDS`.
        parent: the id of the container in which it lies.
        type: the name of a layer's class; ``"Sequential"`` or ``"Functional"`` for a model; for a
            function of ``keras.ops``, which is a layer without weights here, ``"ops.mean"``.
        name: the name of the layer, model or group; ``""`` lets Keras choose one.
        settings: the arguments that were given, as `get_config` has them: dictionaries, lists,
            texts, numbers, booleans and None. For an input: ``shape``, perhaps ``dtype`` and
            ``batch_size``; within a group or repeat it has none, and may have none in a model.
        reads: where each input comes from; None where it is not connected.
        keywords: the names under which the last of these are given to the call of a layer, such as
            ``initial_state``, in alphabetical order; several of one name are a list. Those before
            them, at least one, have no name.
        call: keyword arguments of the call that are no tensors, such as ``use_causal_mask``.
        shares: the id of the node whose layer this one calls once more; ``""`` for its own layer.
        count: how many times a repeat is passed.
        folded: whether a container is drawn as one box.
        key: of an input or output of a model that takes, or gives, a dictionary.
    """

    id: str
    kind: str = "layer"
    parent: str = ROOT
    type: str = ""
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    reads: tuple[Edge | None, ...] = ()
    keywords: tuple[str, ...] = ()
    call: Mapping[str, Any] = field(default_factory=dict)
    shares: str = ""
    count: int = 1
    folded: bool = False
    key: str = ""

    @property
    def is_function(self) -> bool:
        """Whether it calls a function of ``keras.ops``."""
        return self.kind == "layer" and self.type.startswith("ops.")

    @property
    def unnamed(self) -> int:
        """How many of its inputs have no name."""
        return len(self.reads) - len(self.keywords)

    def data(self) -> dict[str, Any]:
        """It as JSON has it, without what is as usual."""
        usual = Node(self.id)
        found = {"id": self.id, "kind": self.kind}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value != getattr(usual, name):
                found[name] = value
        if self.reads:
            found["reads"] = [None if edge is None else list(edge) for edge in self.reads]
        if self.keywords:
            found["keywords"] = list(self.keywords)
        return found

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Node:
        """The node that `data` describes.

        Raises:
            LoadError: it is not what `data` gives.
        """
        if not isinstance(data, Mapping) or not set(data) <= set(cls.__dataclass_fields__):
            raise LoadError("This is no node of a builder's document.")
        reads, keywords = data.get("reads", []), data.get("keywords", [])
        values = {**data, "reads": (), "keywords": ()}
        if not all(_fits(name, value) for name, value in values.items()) or "id" not in data:
            raise LoadError(f"Node {data.get('id')!r:.40} of a builder's document is malformed.")
        if not isinstance(reads, (list, tuple)) or not all(map(_is_edge, reads)):
            raise LoadError(f"Node {data['id']!r:.40} reads what is no tensor.")
        if not isinstance(keywords, (list, tuple)) or not all(map(is_word, keywords)):
            raise LoadError(f"Node {data['id']!r:.40} has inputs whose names are none.")
        edges = tuple(e if e is None else Edge(*e) for e in reads)
        return cls(**{**values, "reads": edges, "keywords": tuple(keywords)})


def _fits(name: str, value: Any) -> bool:
    if name in ("settings", "call"):
        return isinstance(value, Mapping) and is_plain(value)
    if name == "count":
        return type(value) is int and 1 <= value <= 1000
    if name == "kind":
        return value in KINDS
    return type(value) is type(getattr(Node(""), name))


def is_word(value: Any) -> bool:
    """Whether an argument can have this name."""
    return isinstance(value, str) and value.isidentifier() and not keyword.iskeyword(value)


def _is_edge(value: Any) -> bool:
    if value is None:
        return True
    fits = isinstance(value, (list, tuple)) and len(value) == 2
    return fits and isinstance(value[0], str) and type(value[1]) is int and value[1] >= 0


def is_plain(value: Any, depth: int = 16) -> bool:
    """Whether JSON can hold `value`, and it is not nested deeper than `depth`. NaN it cannot."""
    if depth == 0:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and is_plain(v, depth - 1) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return all(is_plain(v, depth - 1) for v in value)
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) in (bool, int, str)


@dataclass(frozen=True)
class Document:
    """A graph of layers.

    Attributes:
        nodes: by id; of the nodes of one container those that come first are listed first where
            nothing else says so: inputs, outputs, parallel branches.
        name: of the model; ``""`` lets Keras choose.
        type: ``"Sequential"`` or ``"Functional"``: which the code and the model should be. A graph
            that is no chain is always the latter.
        serial: the number of the next new node.
    """

    nodes: Mapping[str, Node] = field(default_factory=dict)
    name: str = ""
    type: str = "Sequential"
    serial: int = 1

    def __getitem__(self, key: str) -> Node:
        """The node of an id.

        Raises:
            ArgumentError: there is none.
        """
        if key not in self.nodes:
            raise ArgumentError(f"There is no box {key!r:.40}.")
        return self.nodes[key]

    def __contains__(self, key: object) -> bool:
        return key in self.nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    # Looking around

    def children(self, parent: str = ROOT) -> list[Node]:
        """The nodes that lie in a container, in their order."""
        return [node for node in self if node.parent == parent]

    def inputs(self, parent: str = ROOT) -> list[Node]:
        """What a container is given; of a dictionary in the order of the keys, as Keras has it."""
        return by_key(node for node in self.children(parent) if node.kind == "input")

    def outputs(self, parent: str = ROOT) -> list[Node]:
        """What a container gives, in the same way."""
        return by_key(node for node in self.children(parent) if node.kind == "output")

    def readers(self, key: str) -> list[tuple[Node, int]]:
        """The nodes that read outputs of a node, and as which of their inputs."""
        return [
            (node, position)
            for node in self
            for position, edge in enumerate(node.reads)
            if edge is not None and edge.source == key
        ]

    def sharers(self, key: str) -> list[Node]:
        """The nodes that call the layer of a node once more."""
        return [node for node in self if node.shares == key]

    def owner(self, key: str) -> Node:
        """The node whose layer a node calls: itself, unless it shares one."""
        node = self[key]
        return self[node.shares] if node.shares else node

    def within(self, key: str) -> list[Node]:
        """The nodes in a container, and in those in it."""
        found, waiting = [], [key]
        while waiting:
            own = self.children(waiting.pop())
            found += own
            waiting += [node.id for node in own if node.kind in CONTAINERS]
        return found

    def ancestors(self, key: str) -> list[str]:
        """The ids of the containers in which a node lies, the nearest first; without the root."""
        found = []
        while (key := self[key].parent) != ROOT:
            found.append(key)
        return found

    def ordered(self, parent: str = ROOT) -> list[Node]:
        """The nodes of a container so that each comes after all that it reads.

        Nodes on a cycle, and what depends on them, are left out; an edit makes none.
        """
        return in_order(self.children(parent))

    def is_chain(self, parent: str = ROOT) -> bool:
        """Whether the nodes of a container are one after the other, each with a layer or a model of
        its own: what a `Sequential` can be."""
        own = self.ordered(parent)
        if len(own) < 2 or own[0].kind != "input" or own[-1].kind != "output":
            return False
        if len(own) != len(self.children(parent)) or any(node.key for node in own):
            return False
        return all(
            node.kind in ("layer", "model", "output")
            and not node.is_function
            and not node.shares
            and not node.call
            and not self.sharers(node.id)
            and node.reads == (Edge(before.id),)
            for before, node in pairwise(own)
        )

    def gives(self, edge: Edge) -> bool:
        """Whether there is such a tensor. How many outputs a layer has is not known here."""
        node = self.nodes.get(edge.source)
        if node is None or node.kind == "output":
            return False
        if node.kind in CONTAINERS:
            return edge.output < len(self.outputs(self.owner(node.id).id))
        return node.kind == "layer" or edge.output == 0

    # Making another

    def put(self, *nodes: Node) -> Document:
        """The document with nodes added, or in the place of those with the same id."""
        return replace(self, nodes={**self.nodes, **{node.id: node for node in nodes}})

    def change(self, key: str, /, **values: Any) -> Document:
        """The document with other attributes of one node."""
        return self.put(replace(self[key], **values))

    def without(self, keys: Iterable[str]) -> Document:
        """The document without some nodes; what read them is not connected there."""
        gone = set(keys)
        nodes = {}
        for node in self:
            if node.id in gone:
                continue
            if any(edge is not None and edge.source in gone for edge in node.reads):
                reads = tuple(e if e is None or e.source not in gone else None for e in node.reads)
                node = replace(node, reads=reads)
            nodes[node.id] = node
        return replace(self, nodes=nodes)

    def new_id(self) -> tuple[str, Document]:
        """An id that no node of the document ever had, and the document that knows it."""
        return f"n{self.serial}", replace(self, serial=self.serial + 1)

    # As data

    def data(self) -> dict[str, Any]:
        """The document as JSON has it."""
        return {
            "name": self.name,
            "type": self.type,
            "serial": self.serial,
            "nodes": [node.data() for node in self],
        }

    @classmethod
    def of(cls, data: Any) -> Document:
        """The document that `data` gave.

        Raises:
            LoadError: it is none, or nodes are in it that cannot be together.
        """
        fits = (
            isinstance(data, Mapping)
            and isinstance(data.get("nodes"), list)
            and isinstance(data.get("name"), str)
            and data.get("type") in ("Sequential", "Functional")
            and type(data.get("serial")) is int
        )
        if not fits:
            raise LoadError("This is no document of a builder.")
        nodes = [Node.of(node) for node in data["nodes"]]
        document = cls({n.id: n for n in nodes}, data["name"], data["type"], data["serial"])
        document.check(len(nodes))
        return document

    def check(self, count: int | None = None) -> None:
        """See that the parts fit together: what every edit keeps, and a file may break.

        Args:
            count: how many nodes there should be.

        Raises:
            LoadError: they do not.
        """
        problems = [] if count in (None, len(self.nodes)) else ["two nodes have one id"]
        for node in self:
            problems += self._problems(node)
        if not problems:  # else there may be no order
            containers = [ROOT, *(n.id for n in self if n.kind in CONTAINERS)]
            if any(len(self.ordered(c)) != len(self.children(c)) for c in containers):
                problems.append("tensors go round in a circle")
        if problems:
            raise LoadError(f"A builder's document does not fit together: {problems[0]}.")

    def _ends_beside(self, node: Node) -> list[Node]:
        ends = {"input": self.inputs, "output": self.outputs}
        return ends[node.kind](node.parent) if node.kind in ends else []

    def _problems(self, node: Node) -> list[str]:
        found = []
        seen, parent = set(), node.parent
        while parent != ROOT and parent not in seen:
            seen.add(parent)
            if parent not in self.nodes or self.nodes[parent].kind not in CONTAINERS:
                return [f"{node.id} lies in {parent}, which is no container"]
            parent = self.nodes[parent].parent
        if parent != ROOT:
            return [f"{node.id} lies in itself"]
        for edge in node.reads:
            source = None if edge is None else self.nodes.get(edge.source)
            if edge is not None and (source is None or source.parent != node.parent):
                found.append(f"{node.id} reads {edge.source}, which is not beside it")
            elif edge is not None and not self.gives(edge):
                found.append(f"{node.id} reads output {edge.output} of {edge.source}")
        wanted = {"input": 0, "output": 1}.get(node.kind, len(node.reads))
        if node.kind in CONTAINERS:
            wanted = len(self.inputs(self.owner(node.id).id))
            if len(seen) >= DEEPEST:
                found.append(f"{node.id} lies in more than {DEEPEST} parts")
        if len(node.reads) != wanted:
            found.append(f"{node.id} is an end and does not read as one")
        if node.keywords:
            ordered = list(node.keywords) == sorted(node.keywords)
            if node.kind != "layer" or node.unnamed < 1 or not ordered:
                found.append(f"{node.id} has names for inputs that cannot have them")
        if node.key:
            box, ends = self.nodes.get(node.parent), self._ends_beside(node)
            keys = {end.key for end in ends}
            outer = box is None or box.kind == "model"
            if not outer or node not in ends or "" in keys or len(keys) < len(ends):
                found.append(f"{node.id} has a key that it cannot have")
        if node.shares:
            owner = self.nodes.get(node.shares)
            kinds = ("layer", "model") if not node.is_function else ()
            if owner is None or owner.shares or owner.kind != node.kind or node.kind not in kinds:
                found.append(
                    f"{node.id} shares the layer of {node.shares}, which has none to share"
                )
            elif owner.id in self.ancestors(node.id):
                found.append(f"{node.id} calls the model in which it lies")
            elif owner.parent not in (ROOT, *self.ancestors(node.id)) or node.settings:
                found.append(f"{node.id} shares the layer of {node.shares} from elsewhere")
        if not node.id.startswith("n") or not node.id[1:].isdecimal():
            found.append(f"{node.id!r:.40} is no id")
        elif int(node.id[1:]) >= self.serial:
            found.append(f"{node.id} is not below the serial {self.serial}")
        return found


def by_key(nodes: Iterable[Node]) -> list[Node]:
    """Inputs or outputs in the order in which they are given."""
    return sorted(nodes, key=lambda node: node.key)


def in_order(nodes: Iterable[Node]) -> list[Node]:
    """Nodes of one container so that each comes after all of them that it reads, and as they were
    where that leaves a choice. Nodes on a cycle, and what depends on them, are left out."""
    own = list(nodes)
    place = {node.id: i for i, node in enumerate(own)}
    waiting = [{e.source for e in node.reads if e and e.source in place} for node in own]
    readers: dict[str, list[int]] = {}
    for i, sources in enumerate(waiting):
        for source in sources:
            readers.setdefault(source, []).append(i)
    ready = [i for i, sources in enumerate(waiting) if not sources]  # a heap, as it is sorted
    found: list[Node] = []
    while ready:
        node = own[heappop(ready)]
        found.append(node)
        for i in readers.get(node.id, ()):
            waiting[i].discard(node.id)
            if not waiting[i]:
                heappush(ready, i)
    return found
