"""Random graphs of layers for the builder's tests, made by its own edits. Shapes always fit."""

from __future__ import annotations

import random

from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder import edits, parts
from kerasnb.notebook.builder.document import Document, Edge, Node

__all__ = ["random_document", "random_edit"]

# by the rank of a sample: class, arguments, and what becomes of the shape (None: stays)
LAYERS = {
    1: [
        ("Dense", lambda r: {"units": r.choice([3, 4, 8])}, lambda s, a: (a["units"],)),
        ("Dense", lambda r: {"units": 4, "activation": "relu", "use_bias": False},
         lambda s, a: (4,)),
        ("Dropout", lambda r: {"rate": r.choice([0.2, 0.5])}, None),
        ("BatchNormalization", lambda r: {}, None),
        ("Activation", lambda r: {"activation": r.choice(["relu", "tanh", "gelu"])}, None),
        ("LeakyReLU", lambda r: {"negative_slope": 0.1}, None),
        ("ops.tanh", lambda r: {}, None),
        ("ops.multiply", lambda r: {"x2": r.choice([2, 0.5])}, None),
        ("ops.subtract", lambda r: {"x1": 1}, None),
        ("ops.clip", lambda r: {"x_min": -1.0, "x_max": 1.0}, None),
    ],
    2: [
        ("LSTM", lambda r: {"units": 4, "return_sequences": True}, lambda s, a: (s[0], 4)),
        ("GRU", lambda r: {"units": 3}, lambda s, a: (3,)),
        ("Conv1D", lambda r: {"filters": 4, "kernel_size": 3, "padding": "same"},
         lambda s, a: (s[0], 4)),
        ("LayerNormalization", lambda r: {}, None),
        ("GlobalAveragePooling1D", lambda r: {}, lambda s, a: (s[1],)),
        ("Dense", lambda r: {"units": 5}, lambda s, a: (s[0], 5)),
        ("ops.get_item", lambda r: {"key": r.choice([":, 0", ":, -1", "..., 0, :"])},
         lambda s, a: (s[1],)),
        ("ops.mean", lambda r: {"axis": -2}, lambda s, a: (s[1],)),
        ("ops.negative", lambda r: {}, None),
        ("ops.transpose", lambda r: {"axes": [0, 2, 1]}, lambda s, a: s[::-1]),
    ],
    3: [
        ("Conv2D", lambda r: {"filters": r.choice([4, 6]), "kernel_size": 3, "padding": "same"},
         lambda s, a: (*s[:2], a["filters"])),
        ("Conv2D", lambda r: {"filters": 4, "kernel_size": [3, 1], "padding": "same",
                              "activation": "relu"}, lambda s, a: (*s[:2], 4)),
        ("BatchNormalization", lambda r: {}, None),
        ("SpatialDropout2D", lambda r: {"rate": 0.25}, None),
        ("Flatten", lambda r: {}, lambda s, a: (s[0] * s[1] * s[2],)),
        ("GlobalAveragePooling2D", lambda r: {}, lambda s, a: (s[2],)),
    ],
}  # fmt: skip
INPUTS = [(4,), (8,), (6, 4), (8, 8, 4)]


class _Growing:
    """A document, and the shape of each tensor in it."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.document = Document(type="Functional")
        self.shapes: dict[Edge, tuple] = {}
        for _ in range(self.random.choice([1, 1, 1, 2])):
            shape = self.random.choice(INPUTS)
            node = Node("", "input", type="InputLayer", settings={"shape": list(shape)})
            self.document, key = edits.add(self.document, node)
            self.shapes[Edge(key)] = shape

    def grow(self) -> None:
        """One more layer somewhere."""
        edge = self.random.choice([e for e in self.shapes if e.source in self.document])
        shape = self.shapes[edge]
        same = [e for e, s in self.shapes.items() if s == shape and e != edge]
        if same and self.random.random() < 0.3:
            name = self.random.choice(
                ["Add", "Concatenate", "Multiply", "ops.add", "ops.maximum", "ops.concatenate"]
            )
            ends = [edge, self.random.choice(same)]
            settings = {"axis": -1} if name == "ops.concatenate" else {}
            node = Node("", type=name, settings=settings)
            self.document, key = edits.add(self.document, node, ends, several=True, branch=True)
            last = 2 * shape[-1] if name.endswith("oncatenate") else shape[-1]
            self.shapes[Edge(key)] = (*shape[:-1], last)
            return
        owners = [n for n in self.document if n.kind == "layer" and not n.shares]
        owners = [n for n in owners if not n.is_function]
        owners = [n for n in owners if n.reads and self.shapes.get(n.reads[0]) == shape]
        owners = [n for n in owners if len(n.reads) == 1]
        if owners and self.random.random() < 0.15:
            owner = self.random.choice(owners)
            self.document, key = edits.again(self.document, owner.id, [edge])
            self.shapes[Edge(key)] = self.shapes[Edge(owner.id)]
            return
        name, arguments, becomes = self.random.choice(LAYERS[len(shape)])
        settings = arguments(self.random)
        node = Node("", type=name, settings=settings)
        if self.random.random() < 0.2 and not node.is_function:
            node = Node("", type=name, settings=settings, name=f"own_{self.document.serial}")
        self.document, key = edits.add(self.document, node, [edge], branch=True)
        self.shapes[Edge(key)] = shape if becomes is None else becomes(shape, settings)
        if name in ("LSTM", "GRU"):
            self.give_state(key, settings["units"], 2 if name == "LSTM" else 1)

    def give_state(self, key: str, units: int, count: int) -> None:
        """Begin a recurrent layer with states that other layers make."""
        own = [e for e, s in self.shapes.items() if s == (units,) and e.source in self.document]
        own = [e for e in own if not edits.depends(self.document, e.source, key)]
        own = [e for e in own if e.source != key]
        if own and self.random.random() < 0.7:
            for _ in range(count):
                edge = self.random.choice(own)
                self.document = edits.give(self.document, edge, key, "initial_state")

    def wrap(self) -> None:
        """Make some neighbours a part."""
        layers = [n for n in self.document if n.kind == "layer" and n.parent == ""]
        if not layers:
            return
        chosen = [self.random.choice(layers)]
        while len(chosen) < 4:
            after = [r for r, _ in self.document.readers(chosen[-1].id) if r.kind == "layer"]
            if not after:
                break
            chosen.append(self.random.choice(after))
        kind = self.random.choice(["group", "repeat", "model"])
        reads = chosen[0].reads
        keeps = len(reads) == 1 and self.shapes.get(reads[0]) == self.shapes[Edge(chosen[-1].id)]
        if kind == "repeat" and not keeps:
            kind = "group"
        name = (
            f"part_{self.document.serial}" if kind == "group" or self.random.random() < 0.5 else ""
        )
        try:
            self.document, _ = parts.wrap(
                self.document, [n.id for n in chosen], kind, name, self.random.choice([2, 3])
            )
        except ArgumentError:
            return  # not every choice can be one

    def end(self) -> Document:
        """Let all that nobody reads be an output, and all inputs be read."""
        for node in list(self.document):
            if node.kind != "output" and node.parent == "" and not self.document.readers(node.id):
                if node.kind == "input":
                    dense = Node("", type="Activation", settings={"activation": "relu"})
                    self.document, key = edits.add(self.document, dense, [Edge(node.id)])
                    self.document, _ = edits.append_output(self.document, Edge(key))
                else:
                    self.document, _ = edits.append_output(self.document, Edge(node.id))
        self.name_ends()
        return self.document

    def name_ends(self) -> None:
        """Let some models take, or give, dictionaries: the whole one, and those within."""
        for parent in ["", *(n.id for n in self.document if n.kind == "model")]:
            for ends in (self.document.inputs(parent), self.document.outputs(parent)):
                if self.random.random() < 0.2:
                    for number, end in enumerate(ends):
                        self.document = self.document.change(end.id, key=f"key_{number:02}")


def random_document(seed: int, size: int = 8) -> Document:
    """A graph of about `size` layers, with branches, shared layers and parts."""
    growing = _Growing(seed)
    for _ in range(growing.random.randint(1, size)):
        growing.grow()
    for _ in range(growing.random.choice([0, 0, 1, 2])):
        growing.wrap()
    return growing.end()


def random_edit(document: Document, chance: random.Random) -> Document:
    """The document after an edit, whatever it makes of it.

    Raises:
        ArgumentError: the edit is refused.
    """
    keys = list(document.nodes) or [""]
    key, other = chance.choice(keys), chance.choice(keys)
    some = chance.sample(keys, min(len(keys), chance.randint(1, 4)))
    places = [(n.id, i) for n in document for i in range(len(n.reads))] or [(key, 0)]
    place = chance.choice(places)
    layer = Node("", type=chance.choice(["Dense", "Add", "ReLU"]), settings={"units": 4})
    several = layer.type == "Add"
    choices = [
        lambda: edits.add(document, layer, [Edge(k) for k in some], several, chance.random() < 0.5),
        lambda: edits.add(document, Node("", "input", settings={"shape": [4]})),
        lambda: edits.remove(document, some),
        lambda: edits.connect(document, Edge(key), other, chance.choice([None, 0, 1])),
        lambda: edits.disconnect(document, *place),
        lambda: edits.give(document, Edge(other), key, chance.choice(["mask", "initial_state"])),
        lambda: edits.name_input(document, *place, chance.choice(["", "mask", "query_mask"])),
        lambda: edits.swap_inputs(document, key, 0, chance.choice([0, 1])),
        lambda: edits.move(document, key, *place),
        lambda: edits.append_output(document, Edge(key)),
        lambda: edits.again(document, key, [Edge(other)]),
        lambda: edits.rename(document, key, chance.choice(["", "a", "b", "c"])),
        lambda: edits.set_setting(document, key, "units", chance.randint(1, 9)),
        lambda: edits.unset_setting(document, key, "units"),
        lambda: edits.set_call(document, key, "use_causal_mask", chance.choice([True, None])),
        lambda: edits.set_key(document, key, chance.choice(["", "a", "b"])),
        lambda: edits.set_count(document, key, chance.randint(0, 4)),
        lambda: edits.fold(document, key, chance.random() < 0.5),
        lambda: parts.wrap(document, some, chance.choice(["group", "repeat", "model"])),
        lambda: parts.unwrap(document, key),
        lambda: parts.apart(document, key),
        lambda: parts.expose(document, key, None),
        lambda: parts.paste(document, parts.copy(document, some), Edge(key)),
        lambda: parts.paste(document, parts.copy(document, some)),
    ]
    made = chance.choice(choices)()
    return made[0] if isinstance(made, tuple) else made
