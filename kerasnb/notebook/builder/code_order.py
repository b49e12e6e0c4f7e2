"""Which nodes of a document its outputs need, and in which order code computes them.

Imports document and signatures.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from functools import cached_property

from kerasnb.layers import LAYERS
from kerasnb.layers.merging import OfSeveral
from kerasnb.notebook.builder.document import CONTAINERS, ROOT, Document, Edge, Node, by_key
from kerasnb.notebook.builder.signatures import output_count, takes

__all__ = ["Order"]


class Order:
    """A document looked at as a computation.

    Args:
        document: the graph.
        known: classes of the user's own layers.
    """

    def __init__(self, document: Document, known: Mapping[str, type]):
        self.document = document
        self.known = known
        self._children: dict[str, list[Node]] = {ROOT: []}
        for node in document:
            self._children.setdefault(node.parent, []).append(node)
        self._complete: dict[str, bool] = {}
        self._made: dict[str, set[str]] = {}
        self._steps: dict[str, list[Node]] = {}
        self._outputs: dict[str, list[Node]] = {}
        self._uses: dict[str, tuple[str, ...]] = {}
        self._sequential: dict[str, bool] = {}

    def cls(self, node: Node) -> type | None:
        """The class of a layer; None if it is not known here."""
        return LAYERS.get(node.type) or self.known.get(node.type)

    def inputs(self, key: str) -> list[Node]:
        """What a container is given; of the document's own inputs those that it needs."""
        inputs = by_key(n for n in self._children.get(key, []) if n.kind == "input")
        return [n for n in inputs if n.id in self.needed] if key == ROOT else inputs

    def outputs(self, key: str) -> list[Edge]:
        """The tensors that a container gives; of the document's own outputs those that are made."""
        return [node.reads[0] for node in self.output_nodes(key)]

    def output_nodes(self, key: str) -> list[Node]:
        """The nodes of these outputs."""
        if key not in self._outputs:
            nodes = by_key(n for n in self._children.get(key, []) if n.kind == "output")
            nodes = [n for n in nodes if n.reads[0] is not None]
            if key == ROOT:
                nodes = [n for n in nodes if n.reads[0].source in self.made(ROOT)]
            self._outputs[key] = nodes
        return self._outputs[key]

    def steps(self, key: str) -> list[Node]:
        """The layers and parts in a container that its outputs need, in the order of the code.

        What reads the tensor that was made last comes next, so that a chain stays together.
        """
        if key not in self._steps:
            self._steps[key] = self._ordered(key)
        return self._steps[key]

    @cached_property
    def needed(self) -> set[str]:
        """The ids of all nodes that the code holds."""
        found: set[str] = set()
        seen, waiting = {ROOT}, [ROOT]
        while waiting:
            key = waiting.pop()
            found |= self._needed_in(key)
            within = {self.document.owner(n.id).id for n in self.steps(key) if n.kind in CONTAINERS}
            waiting += within - seen
            seen |= within
        return found

    @cached_property
    def _read(self) -> dict[str, int]:
        """How many outputs of a node must be named."""
        found: dict[str, int] = {}
        readers = (n for n in self.document if n.kind == "output" or n.id in self.needed)
        for edge in (e for node in readers for e in node.reads if e is not None):
            found[edge.source] = max(found.get(edge.source, 1), edge.output + 1)
        return found

    @cached_property
    def calls(self) -> dict[str, list[Node]]:
        """By the id of the node that owns a layer or model: the calls of it in the code."""
        found: dict[str, list[Node]] = {}
        for node in self.document:
            if node.id in self.needed and node.kind in ("layer", "model"):
                found.setdefault(self.document.owner(node.id).id, []).append(node)
        return found

    def is_kept(self, owner: Node) -> bool:
        """Whether code needs a variable for a layer: it is called twice, or from within a part."""
        calls = self.calls.get(owner.id, [])
        return len(calls) > 1 or any(node.parent != owner.parent for node in calls)

    def uses(self, node: Node) -> tuple[str, ...]:
        """The owners of the layers and models that a step calls, or parts within it call."""
        if node.id not in self._uses:
            owner = self.document.owner(node.id)
            self._uses[node.id] = (owner.id,)  # in case it holds itself
            steps = self.steps(owner.id) if node.kind in CONTAINERS else []
            found = [owner.id, *(key for step in steps for key in self.uses(step))]
            self._uses[node.id] = tuple(dict.fromkeys(found))
        return self._uses[node.id]

    def gives(self, node: Node) -> int:
        """How many tensors a step gives."""
        owner = self.document.owner(node.id)
        if node.kind in CONTAINERS:
            return len(self.outputs(owner.id))
        known = output_count(owner.type, owner.settings, node.call, self.cls(owner))
        return max(known or 1, self._read.get(node.id, 1))

    def is_sequential(self, key: str) -> bool:
        """Whether a `Sequential` does what is in a container, and is wanted there."""
        if key not in self._sequential:
            self._sequential[key] = self._can_be_sequential(key)
        return self._sequential[key]

    def _can_be_sequential(self, key: str) -> bool:
        type_ = self.document.type if key == ROOT else self.document[key].type
        if type_ != "Sequential" or not self.document.is_chain(key):
            return False
        steps = self.steps(key)
        if len(steps) + 2 != len(self._children[key]):
            return False
        for node in steps:
            cls = self.cls(node)
            alone = cls is None or (takes(cls) == "one" and not issubclass(cls, OfSeveral))
            shaped = node.kind != "model" or self.is_shaped(node.id)
            if not alone or not shaped or self.gives(node) != 1:
                return False
        return True

    def is_shaped(self, key: str) -> bool:
        """Whether a model within can be made before it is called."""
        return self.is_sequential(key) or all("shape" in n.settings for n in self.inputs(key))

    def made(self, key: str) -> set[str]:
        """The ids of the nodes of a container that can be computed."""
        if key not in self._made:
            self._made[key] = set()
            order = self._walk(key, lambda node: True)
            self._made[key] = {n.id for n in self._children.get(key, []) if n.kind == "input"}
            self._made[key] |= {n.id for n in order}
        return self._made[key]

    def _is_complete(self, node: Node) -> bool:
        """Whether all that a part gives can be computed from what it is given."""
        key = self.document.owner(node.id).id
        if key not in self._complete:
            self._complete[key] = False  # should it hold itself
            own = self._children.get(key, [])
            ends = [n.reads[0] for n in own if n.kind == "output"]
            made = self.made(key)
            self._complete[key] = bool(ends) and all(
                e is not None and e.source in made for e in ends
            )
        count = sum(n.kind == "input" for n in self._children.get(key, []))
        several = node.kind == "repeat" and (count, len(self.outputs(key))) != (1, 1)
        return self._complete[key] and count == len(node.reads) and not several

    def _needed_in(self, key: str) -> set[str]:
        made = self.made(key)
        found: set[str] = set()
        waiting = [e.source for e in self.outputs(key) if e.source in made]
        by_id = self.document.nodes
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += [e.source for e in by_id[key].reads if e is not None]
        return found

    def _ordered(self, key: str) -> list[Node]:
        needed = self._needed_in(key)
        return self._walk(key, lambda node: node.id in needed)

    def _walk(self, key: str, wanted) -> list[Node]:
        """Nodes that can be computed, in order; a reader of the last one first, if it is ready."""
        own = self._children.get(key, [])
        place = {node.id: i for i, node in enumerate(own)}
        ready: list[int] = []
        missing: dict[str, int] = {}
        readers: dict[str, list[Node]] = {}
        for node in own:
            if node.kind in ("input", "output") or not wanted(node):
                continue
            sources = {e.source if e is not None else None for e in node.reads}
            if not sources or None in sources:
                continue
            if node.kind in CONTAINERS and not self._is_complete(node):
                continue
            missing[node.id] = len(sources)
            for source in sources:
                readers.setdefault(source, []).append(node)
        found: list[Node] = []

        def tell(node: Node) -> list[int]:
            new = []
            for reader in readers.get(node.id, []):
                missing[reader.id] -= 1
                if not missing[reader.id]:
                    new.append(place[reader.id])
            return new

        for node in own:
            if node.kind == "input":
                ready += tell(node)
        heapq.heapify(ready)
        new: list[int] = []
        while ready or new:
            if new:
                chosen = min(new)
                new.remove(chosen)
                for other in new:
                    heapq.heappush(ready, other)
            else:
                chosen = heapq.heappop(ready)
            found.append(own[chosen])
            new = tell(own[chosen])
        return found
