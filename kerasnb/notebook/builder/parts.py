"""Parts of a document: groups, repeats and models made and taken apart, copies and their way back.

As in `edits`, each function makes a document from another. Imports edits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.document import CONTAINERS, DEEPEST, ROOT, Document, Edge, Node
from kerasnb.notebook.builder.edits import REPEATED, add, depends, further_key

__all__ = ["apart", "copy", "expose", "paste", "unwrap", "wrap"]


def wrap(
    document: Document, keys: Iterable[str], kind: str = "group", name: str = "", count: int = 2
) -> tuple[Document, str]:
    """Make nodes that lie beside each other a part.

    Returns:
        The new document, and the id of the new container.

    Raises:
        ArgumentError: they do not lie beside each other, a path leads out of them and back, or they
            are repeated and have not one input and one output.
    """
    chosen = [document[k] for k in dict.fromkeys(keys) if k in document]
    chosen = [node for node in chosen if node.kind not in ("input", "output")]
    own = {node.id for node in chosen}
    if not chosen or len({node.parent for node in chosen}) != 1:
        raise ArgumentError("Choose boxes that lie beside each other.")
    _require_convex(document, own)
    _require_seen(document, chosen)
    given = list(dict.fromkeys(e for n in chosen for e in n.reads if e and e.source not in own))
    made = [
        edge
        for reader in document
        for edge in reader.reads
        if edge is not None and edge.source in own and reader.id not in own
    ]
    made += [
        Edge(n.id) for n in chosen if document.gives(Edge(n.id)) and not document.readers(n.id)
    ]
    made = list(dict.fromkeys(made))
    if kind == "repeat" and (len(given) != 1 or len(made) != 1):
        raise ArgumentError(REPEATED)
    parent = chosen[0].parent
    if _depth(document, chosen) >= DEEPEST:
        raise ArgumentError(f"Parts lie at most {DEEPEST} deep in each other.")
    key, document = document.new_id()
    type_ = "Functional" if kind == "model" else ""
    count = count if kind == "repeat" else 1
    box = Node(key, kind, parent, type_, name, reads=tuple(given), count=count)
    inner: dict[Edge, Edge] = {}
    nodes = [box]
    for edge in given:
        port, document = document.new_id()
        nodes.append(Node(port, "input", key))
        inner[edge] = Edge(port)
    for node in chosen:
        reads = tuple(inner.get(e, e) if e is not None else None for e in node.reads)
        nodes.append(replace(node, parent=key, reads=reads))
    outer = {}
    for place, edge in enumerate(made):
        port, document = document.new_id()
        nodes.append(Node(port, "output", key, reads=(edge,)))
        outer[edge] = Edge(key, place)
    for reader in document:
        if reader.id not in own and any(edge in outer for edge in reader.reads):
            nodes.append(replace(reader, reads=tuple(outer.get(e, e) for e in reader.reads)))
    first = min(list(document.nodes).index(node.id) for node in chosen)
    return _placed(document.put(*nodes), key, first), key


def _placed(document: Document, key: str, place: int) -> Document:
    """The document with a node at another place of its order."""
    others = [node for node in document if node.id != key]
    others.insert(place, document[key])
    return replace(document, nodes={node.id: node for node in others})


def _depth(document: Document, nodes: Sequence[Node]) -> int:
    """How many containers the deepest of some nodes lies in, with what is in them."""
    inside = [n.id for node in nodes for n in (node, *document.within(node.id))]
    return max(len(document.ancestors(key)) for key in inside)


def _require_convex(document: Document, own: set[str]) -> None:
    for key in own:
        for edge in document[key].reads:
            if edge is None or edge.source in own:
                continue
            if any(depends(document, edge.source, other) for other in own):
                raise ArgumentError("A path leads out of these boxes and back into them.")


def _require_seen(document: Document, chosen: Sequence[Node]) -> None:
    """Nobody outside may share a layer that would lie inside."""
    inside = {n.id for n in chosen} | {i.id for n in chosen for i in document.within(n.id)}
    for key in inside:
        if any(sharer.id not in inside for sharer in document.sharers(key)):
            raise ArgumentError("A layer of these is shared with boxes outside.")


def unwrap(document: Document, key: str) -> Document:
    """Take a container away and leave what is in it, as often as it was passed.

    Raises:
        ArgumentError: it is no container, or a model that is called more than once.
    """
    box = document[key]
    if box.kind not in CONTAINERS or box.shares or document.sharers(key):
        raise ArgumentError("Choose a part that is used once.")
    reads = box.reads
    for number in range(box.count):
        inside = document.within(key)
        if number < box.count - 1:
            document, names = _copied(document, inside, {key: box.parent}, box.parent)
        else:
            names = {node.id: node.id for node in inside}
            for child in document.children(key):
                document = document.change(child.id, parent=box.parent)
        ends = [document[names[n.id]] for n in inside if n.parent == key]
        reads, document = _dissolved(document, ends, reads)
    for reader, _ in document.readers(key):
        new = tuple(reads[e.output] if e and e.source == key else e for e in reader.reads)
        document = document.change(reader.id, reads=new)
    return document.without([key])


def _dissolved(
    document: Document, nodes: Sequence[Node], reads: Sequence[Edge | None]
) -> tuple[list[Edge | None], Document]:
    """Take away the ends of what was a container; what its outputs were."""
    given = dict(zip([n.id for n in nodes if n.kind == "input"], reads, strict=True))
    for node in nodes:
        new = tuple(given.get(e.source, e) if e is not None else None for e in node.reads)
        document = document.change(node.id, reads=new)
    made = [document[n.id].reads[0] for n in nodes if n.kind == "output"]
    ends = [n.id for n in nodes if n.kind in ("input", "output")]
    return made, replace(document, nodes={n.id: n for n in document if n.id not in ends})


def expose(document: Document, key: str, edge: Edge | None) -> tuple[Document, str]:
    """Give a container one more input, which reads `edge` outside."""
    box = document[key]
    if box.kind not in ("group", "model") or box.shares:
        raise ArgumentError("Only a group or a model can have one more input.")
    document, port = add(document, Node("", "input"), parent=key)
    for outer in (box, *document.sharers(key)):
        reads = (*outer.reads, edge if outer.id == key else None)
        document = document.change(outer.id, reads=reads)
    return document, port


# Copies


def copy(document: Document, keys: Iterable[str]) -> dict[str, Any]:
    """Nodes with what is in them as data for `paste`, here or in another notebook.

    Of nodes in several containers those are taken that lie beside the first.

    Raises:
        ArgumentError: a model is shared, and its owner not among them.
    """
    chosen = [document[k] for k in dict.fromkeys(keys) if k in document]
    chosen = [node for node in chosen if node.parent == chosen[0].parent]
    inside = {n.id: n for node in chosen for n in (node, *document.within(node.id))}
    own = set(inside)
    tops = {node.id for node in chosen}
    nodes = []
    for node in inside.values():
        if node.shares and node.shares not in own:
            owner = document[node.shares]
            if owner.kind == "model":
                raise ArgumentError("Copy the model together with the box that shares it.")
            node = replace(node, shares="", settings=owner.settings)
        reads = tuple(e if e is not None and e.source in own else None for e in node.reads)
        parent = ROOT if node.id in tops else node.parent
        nodes.append(replace(node, reads=reads, parent=parent, name=node.name))
    return Document({n.id: n for n in nodes}, serial=document.serial).data()


def paste(
    document: Document, data: Mapping[str, Any], after: Edge | None = None, parent: str = ROOT
) -> tuple[Document, list[str]]:
    """Put what `copy` gave into the graph, behind a tensor if one is given.

    Returns:
        The new document, and the ids of the new nodes on the top.

    Raises:
        LoadError: it is not what `copy` gives.
    """
    fragment = Document.of(data)
    if after is not None and not document.gives(after):
        after, parent = None, document[after.source].parent
    if after is not None:
        parent = document[after.source].parent
    nodes = list(fragment)
    if parent != ROOT or any(n.kind == "input" for n in document.children(parent)):
        ends = [n.id for n in fragment.children() if n.kind in ("input", "output")]
        fragment = fragment.without(ends)
        nodes = list(fragment)
    if not nodes:
        return document, []
    document, names = _copied(document, nodes, {ROOT: parent}, parent)
    tops = [names[n.id] for n in fragment.children()]
    if after is not None:
        document = _spliced(document, tops, after)
    return document, tops


def _spliced(document: Document, keys: Sequence[str], after: Edge) -> Document:
    """Connect new nodes: those without an input read a tensor, and what read it reads the last."""
    own = set(keys)
    readers = [(r, i) for r, i in document.readers(after.source) if r.reads[i] == after]
    for key in keys:
        reads = tuple(after if e is None else e for e in document[key].reads)
        document = document.change(key, reads=reads)
    ends = [k for k in keys if not any(r.id in own for r, _ in document.readers(k))]
    if len(ends) == 1 and document.gives(Edge(ends[0])) and document[ends[0]].kind != "input":
        for reader, _ in readers:
            reads = tuple(Edge(ends[0]) if e == after else e for e in document[reader.id].reads)
            document = document.change(reader.id, reads=reads)
    return document


def apart(document: Document, key: str) -> Document:
    """Give a node that shares a layer one of its own, with the same arguments.

    Raises:
        ArgumentError: it shares none.
    """
    node = document[key]
    if not node.shares:
        raise ArgumentError("This layer is shared with no other.")
    owner = document[node.shares]
    inside = document.within(owner.id)
    document = document.change(key, shares="", settings=owner.settings, folded=owner.folded)
    document, _ = _copied(document, inside, {owner.id: key})
    return document


def _copied(
    document: Document, nodes: Sequence[Node], homes: Mapping[str, str], parent: str = ROOT
) -> tuple[Document, dict[str, str]]:
    """The document with copies of nodes that may belong to it, without names that are taken.

    Args:
        document: to be added to.
        nodes: with all that they read and share, but for what is in `document`.
        homes: the new parents of those nodes whose parent is not copied.
        parent: the new parent of those of which `homes` says nothing.

    Returns:
        The new document, and the new id of each node.
    """
    names = {}
    for node in nodes:
        names[node.id], document = document.new_id()
    taken = {node.name for node in document if node.name}
    ends = {(node.parent, node.kind) for node in document if node.kind in ("input", "output")}
    for node in nodes:
        reads = tuple(
            e if e is None else Edge(names[e.source], e.output) if e.source in names else None
            for e in node.reads
        )
        name = "" if node.name in taken and node.kind not in ("group", "repeat") else node.name
        home = names.get(node.parent) or homes.get(node.parent, parent)
        shares = names.get(node.shares, node.shares)
        key = further_key(document, node.kind, home) if (home, node.kind) in ends else node.key
        new = replace(
            node, id=names[node.id], name=name, reads=reads, parent=home, shares=shares, key=key
        )
        document = document.put(new)
    return document, names
