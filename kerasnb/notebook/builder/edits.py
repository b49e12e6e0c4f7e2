"""What can be done to a document: one function for each action, from a document to another.

An edit keeps what `Document.check` asks for. It is refused with an `ArgumentError`, in words for
the person who tried it, where that is not possible. Imports document.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.document import CONTAINERS, ROOT, Document, Edge, Node, is_word

__all__ = [
    "REPEATED", "add", "again", "append_output", "connect", "depends", "disconnect", "fold",
    "further_key", "give", "move", "name_input", "relink", "remove", "rename", "set_call",
    "set_count", "set_key", "set_setting", "swap_inputs", "unset_setting",
]  # fmt: skip


REPEATED = "What is repeated has one input and one output."


# Adding and removing


def add(
    document: Document,
    node: Node,
    after: Sequence[Edge] = (),
    several: bool = False,
    branch: bool = False,
    parent: str = ROOT,
) -> tuple[Document, str]:
    """Put a new node into the graph.

    Args:
        document: the graph.
        node: what is new; its id, parent and reads are chosen here.
        after: what it is to read: all of it if it takes `several` tensors, else the last.
        several: whether the node takes more than one tensor.
        branch: whether to begin a branch; else what read the last of `after` reads the new node.
        parent: the container, if `after` is empty.

    Returns:
        The new document, and the new node's id.
    """
    after = [edge for edge in after if document.gives(edge)]
    if after:
        parent = document[after[0].source].parent
        after = [edge for edge in after if document[edge.source].parent == parent]
    last = _last(document, after) if after else None
    reads = () if node.kind == "input" else tuple(after if several else filter(None, [last]))
    if not reads and node.kind != "input":
        reads = (None,)
    key, document = document.new_id()
    word = further_key(document, node.kind, parent)
    document = document.put(replace(node, id=key, parent=parent, reads=reads, key=word))
    if last is not None and not branch and node.kind not in ("input", "output"):
        document = _redirected(document, last, Edge(key), key)
    return document, key


def further_key(document: Document, kind: str, parent: str) -> str:
    """The key of one more input or output, so that it is the last; "" if they have none."""
    keys = [n.key for n in document.children(parent) if n.kind == kind and n.key]
    return f"{max(keys)}_2" if keys else ""


def _last(document: Document, edges: Sequence[Edge]) -> Edge:
    """The one of some edges of one container that is made last."""
    place = {n.id: i for i, n in enumerate(document.ordered(document[edges[0].source].parent))}
    return max(edges, key=lambda edge: place.get(edge.source, -1))


def _redirected(document: Document, old: Edge, new: Edge, but: str) -> Document:
    """Let all that reads one tensor read another, but for one node."""
    for reader, _ in document.readers(old.source):
        if reader.id != but:
            reads = tuple(new if edge == old else edge for edge in reader.reads)
            document = document.change(reader.id, reads=reads)
    return document


def append_output(document: Document, edge: Edge) -> tuple[Document, str]:
    """Let a tensor be one of the outputs of the container in which it is.

    Raises:
        ArgumentError: it is one already, or there is no such tensor.
    """
    parent = document[edge.source].parent
    if not document.gives(edge):
        raise ArgumentError("Choose a box that gives something.")
    if parent != ROOT and document[parent].kind == "repeat":
        raise ArgumentError(REPEATED)
    if any(node.reads == (edge,) for node in document.outputs(parent)):
        raise ArgumentError("This is an output already.")
    return add(document, Node("", "output"), [edge], branch=True)


def remove(document: Document, keys: Iterable[str]) -> Document:
    """Take nodes out, with what is in them. What read one reads what that one read first.

    Raises:
        ArgumentError: one is the input or output of a repeat that stays.
    """
    gone = [key for key in keys if key in document]
    for key in gone:
        if _ends_repeat(document, key) and not {*document.ancestors(key)} & {*gone}:
            raise ArgumentError(REPEATED)
    for key in gone:
        if key in document:  # else it was within another
            document = _removed(document, key)
    return document


def _ends_repeat(document: Document, key: str) -> bool:
    node = document[key]
    end = node.kind in ("input", "output") and node.parent != ROOT
    return end and document[node.parent].kind == "repeat"


def _removed(document: Document, key: str) -> Document:
    inside = [key, *(node.id for node in document.within(key))]
    for own in inside:
        document = _inherited(document, own, set(inside))
    inside = [key, *(node.id for node in document.within(key))]  # some may have been inherited
    node = document[key]
    if node.kind in CONTAINERS or node.kind == "layer":
        before = next((edge for edge in node.reads if edge is not None), None)
        for reader, _ in document.readers(key):
            reads = tuple(before if e and e.source == key else e for e in reader.reads)
            document = document.change(reader.id, reads=reads)
    document = _without_end(document, node)
    return document.without(inside)


def _inherited(document: Document, key: str, gone: set[str]) -> Document:
    """Give the layer of a node that goes to the first that shares it and stays."""
    heirs = [node for node in document.sharers(key) if node.id not in gone]
    if not heirs:
        return document
    heir, node = heirs[0], document[key]
    document = document.change(heir.id, settings=node.settings, name=node.name, shares="")
    for child in document.children(key):
        document = document.change(child.id, parent=heir.id)
    for other in document.sharers(key):
        sees_it = heir.parent in (ROOT, other.parent, *document.ancestors(other.id))
        if other.id in gone or sees_it:
            document = document.change(other.id, shares=heir.id)
        else:  # it cannot see the heir from where it is
            document = document.change(other.id, shares="", settings=node.settings)
    return document


def _without_end(document: Document, node: Node) -> Document:
    """Let the container of an input or output that goes lose that end on its outside, too."""
    if node.kind not in ("input", "output") or node.parent == ROOT:
        return document
    for outer in (document[node.parent], *document.sharers(node.parent)):
        if node.kind == "input":
            place = document.inputs(node.parent).index(node)
            reads = outer.reads[:place] + outer.reads[place + 1 :]
            document = document.change(outer.id, reads=reads)
        else:
            place = document.outputs(node.parent).index(node)
            document = _without_output(document, outer.id, place)
    return document


def _without_output(document: Document, key: str, place: int) -> Document:
    def after(edge: Edge | None) -> Edge | None:
        if edge is None or edge.source != key or edge.output < place:
            return edge
        return None if edge.output == place else Edge(key, edge.output - 1)

    for reader, _ in document.readers(key):
        document = document.change(reader.id, reads=tuple(map(after, reader.reads)))
    return document


# Connections


def connect(document: Document, edge: Edge, target: str, position: int | None = None) -> Document:
    """Let a node read a tensor, as one of its inputs or as a further one without a name.

    Raises:
        ArgumentError: they are not beside each other, or tensors would go round in a circle.
    """
    node = document[target]
    if not document.gives(edge) or node.kind == "input":
        raise ArgumentError("Connect what a box gives with what another one takes.")
    if document[edge.source].parent != node.parent:
        raise ArgumentError("Only boxes that lie in the same part can be connected.")
    if edge.source == target or depends(document, edge.source, target):
        raise ArgumentError("Tensors would go round in a circle.")
    reads = list(node.reads)
    if position is None:
        free = [i for i, read in enumerate(reads) if read is None]
        position = free[0] if free else 0 if node.kind == "output" else len(reads)
    if not 0 <= position <= len(reads):
        raise ArgumentError(f"There is no input number {position}.")
    if position < len(reads):
        reads[position] = edge
    elif node.kind in (*CONTAINERS, "output"):
        raise ArgumentError("All inputs of this box are connected: take one off first.")
    else:
        reads.insert(node.unnamed, edge)
    return document.change(target, reads=tuple(reads))


def depends(document: Document, key: str, other: str) -> bool:
    """Whether a node reads another one, directly or through others."""
    seen, waiting = set(), [key]
    while waiting:
        for edge in document[waiting.pop()].reads:
            if edge is not None and edge.source not in seen:
                seen.add(edge.source)
                waiting.append(edge.source)
    return other in seen


def relink(
    document: Document, edge: Edge, target: str, position: int | None, old: tuple[str, int]
) -> Document:
    """Let another node, or another of its inputs, read a tensor, in one step.

    Args:
        document: the graph.
        edge: the tensor.
        target: the node that is to read it.
        position: as which of its inputs; None for a further one.
        old: the node and the number of its input that read it before.

    Raises:
        ArgumentError: as `connect` and `disconnect`.
    """
    before = document[old[0]].reads
    new = connect(document, edge, target, position)
    if old[0] == target and new[target].reads[: len(before)] != before:
        return new  # it was the input itself that was given something else
    return disconnect(new, *old)


def disconnect(document: Document, target: str, position: int) -> Document:
    """Take a connection away. One of several inputs goes with it, the only one waits for another.

    Raises:
        ArgumentError: there is no such connection.
    """
    node = document[target]
    reads = list(node.reads)
    if not 0 <= position < len(reads) or (reads[position] is None and len(reads) == 1):
        raise ArgumentError("There is no such connection.")
    named = position - node.unnamed
    if named >= 0:
        del reads[position]
        keywords = node.keywords[:named] + node.keywords[named + 1 :]
        return document.change(target, reads=tuple(reads), keywords=keywords)
    if node.unnamed > 1 and node.kind == "layer":
        del reads[position]
    else:
        reads[position] = None
    return document.change(target, reads=tuple(reads))


def give(document: Document, edge: Edge, target: str, name: str) -> Document:
    """Let a layer be given a tensor, or one more, under a name.

    Raises:
        ArgumentError: as `connect` and `name_input`.
    """
    node = document[target]
    connect(document, edge, target, len(node.reads))  # refuses what cannot be connected
    names = [*[""] * node.unnamed, *node.keywords, name]
    return _named(document, target, names, [*node.reads, edge])


def name_input(document: Document, target: str, position: int, name: str) -> Document:
    """Let a layer be given one of its inputs under a name.

    Args:
        document: the graph.
        target: the node that calls the layer.
        position: which of its inputs.
        name: of an argument of the call; ``""`` for none.

    Raises:
        ArgumentError: there is no such input, or no other one would be without a name.
    """
    node = document[target]
    if not 0 <= position < len(node.reads):
        raise ArgumentError("There is no such input.")
    names = [*[""] * node.unnamed, *node.keywords]
    names[position] = name
    return _named(document, target, names, node.reads)


def _named(
    document: Document, target: str, names: Sequence[str], reads: Sequence[Edge | None]
) -> Document:
    """Let a layer be given inputs under names, which are put in order."""
    wrong = [name for name in names if name and not is_word(name)]
    if wrong or document[target].kind != "layer":
        raise ArgumentError(f"This box is given nothing as {(wrong or names)[-1]!r:.60}.")
    if "" not in names:
        raise ArgumentError("The first input of a layer has no name.")
    pairs = sorted(zip(names, reads, strict=True), key=lambda pair: pair[0])
    keywords = tuple(word for word, _ in pairs if word)
    return document.change(target, reads=tuple(edge for _, edge in pairs), keywords=keywords)


def swap_inputs(document: Document, target: str, first: int, second: int) -> Document:
    """Exchange two inputs of a node.

    Raises:
        ArgumentError: it has none of that number.
    """
    reads = list(document[target].reads)
    if not (0 <= first < len(reads) and 0 <= second < len(reads)):
        raise ArgumentError("There is no such input.")
    reads[first], reads[second] = reads[second], reads[first]
    return document.change(target, reads=tuple(reads))


def move(document: Document, key: str, target: str, position: int) -> Document:
    """Take a node out of its place and put it on a connection.

    Raises:
        ArgumentError: it cannot stand there.
    """
    node, reads = document[key], document[target].reads
    edge = reads[position] if position < len(reads) else None
    gives = document.gives(Edge(key))
    if edge is None or len(node.reads) != 1 or node.kind == "output" or not gives:
        raise ArgumentError("Only a box with one input can be moved on to a connection.")
    if key in (target, edge.source) or target in [n.id for n in document.within(key)]:
        return document
    if document[target].parent != node.parent:
        raise ArgumentError("A box stays in its part: cut it and paste it there.")
    before = node.reads[0]
    if before is None and any(e and e.source == key for r in document for e in r.reads):
        raise ArgumentError("Connect this box first.")
    for reader, _ in document.readers(key):
        reads = tuple(before if e and e.source == key else e for e in reader.reads)
        document = document.change(reader.id, reads=reads)
    document = document.change(key, reads=(edge,))
    new = list(document[target].reads)
    new[position] = Edge(key)
    return document.change(target, reads=tuple(new))


# A node's own


def set_setting(document: Document, key: str, name: str, value: Any) -> Document:
    """Give an argument of a layer a value; a shared layer's wherever it is called."""
    owner = document.owner(key)
    return document.change(owner.id, settings={**owner.settings, name: value})


def unset_setting(document: Document, key: str, name: str) -> Document:
    """Let an argument of a layer be as usual."""
    owner = document.owner(key)
    settings = {k: v for k, v in owner.settings.items() if k != name}
    return document.change(owner.id, settings=settings)


def set_call(document: Document, key: str, name: str, value: Any) -> Document:
    """Give an argument of a call a value; None takes it away.

    Raises:
        ArgumentError: the node is no layer.
    """
    if document[key].kind != "layer":
        raise ArgumentError("Only a layer takes arguments in its call.")
    call = {k: v for k, v in document[key].call.items() if k != name}
    return document.change(key, call=call if value is None else {**call, name: value})


def rename(document: Document, key: str, name: str) -> Document:
    """Name a layer, a group, a model within, or (`key` is the root) the model.

    Raises:
        ArgumentError: another one has the name, or it cannot be one.
    """
    if name and ("/" in name or not name.isprintable() or len(name) > 60 or name != name.strip()):
        raise ArgumentError("A name has 1 to 60 characters, and '/' is none of them.")
    if key == ROOT:
        return replace(document, name=name)
    owner = document.owner(key)
    if owner.is_function:
        raise ArgumentError("A function has no name.")
    for other in document:
        if name and other.name == name and other.id != owner.id and not other.shares:
            raise ArgumentError(f"There is something named {name!r} already.")
    return document.change(owner.id, name=name)


def set_key(document: Document, key: str, word: str) -> Document:
    """Give an input or output of the model a key, so that they are a dictionary; none of them has
    one if `word` is "".

    Raises:
        ArgumentError: it is no input or output of the whole model, or another one has the key.
    """
    node = document[key]
    if node.kind not in ("input", "output") or node.parent != ROOT:
        raise ArgumentError("Only what the model is given, or gives, has a key.")
    if not word.isprintable() or len(word) > 60:
        raise ArgumentError("A key has 1 to 60 characters that can be printed.")
    ends = [n for n in document.children() if n.kind == node.kind]
    if word and any(n.key == word for n in ends if n.id != key):
        raise ArgumentError(f"There is an {node.kind} with the key {word!r} already.")
    taken = {word, *(n.key for n in ends)}
    for number, end in enumerate(ends, 1):
        own = word if end.id == key else end.key if word else ""
        if word and not own:
            own = next(w for i in itertools.count(number) if (w := f"{node.kind}_{i}") not in taken)
            taken.add(own)
        document = document.change(end.id, key=own)
    return document


def set_count(document: Document, key: str, count: int) -> Document:
    """Say how many times a repeat is passed.

    Raises:
        ArgumentError: it is no repeat, or no number from 1 to 1000.
    """
    if document[key].kind != "repeat" or type(count) is not int or not 1 <= count <= 1000:
        raise ArgumentError("A part is repeated 1 to 1000 times.")
    return document.change(key, count=count)


def fold(document: Document, key: str, folded: bool) -> Document:
    """Draw a container as one box, or with what is in it."""
    return document.change(document.owner(key).id, folded=folded)


def again(
    document: Document, key: str, after: Sequence[Edge], branch: bool = True
) -> tuple[Document, str]:
    """Call the layer of a node once more, on another tensor.

    Raises:
        ArgumentError: the node has no layer of its own, or it cannot be seen from there.
    """
    owner = document.owner(key)
    after = [edge for edge in after if document.gives(edge)]
    if owner.kind not in ("layer", "model") or owner.is_function or not after:
        raise ArgumentError("Choose a layer or a model, and what it is to be called on.")
    home = document[after[0].source]
    around = document.ancestors(home.id)
    if owner.parent not in (ROOT, home.parent, *around):
        raise ArgumentError("This layer lies within another part.")
    if owner.id in around:
        raise ArgumentError("A model cannot be called within itself.")
    node = Node("", owner.kind, type=owner.type, shares=owner.id)
    document, key = add(document, node, after, several=len(after) > 1, branch=branch)
    if owner.kind == "model":
        count = len(document.inputs(owner.id))
        reads = (*document[key].reads, *[None] * count)[:count]
        document = document.change(key, reads=reads)
    return document, key
