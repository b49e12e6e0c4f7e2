"""Models made by calling layers on inputs: a graph of layer calls and ops that is replayed.

Imports model and layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasnb import naming, tree
from kerasnb.errors import ArgumentError, DTypeError, GraphError, ShapeError
from kerasnb.graph import Node, topological
from kerasnb.layers.base import Layer
from kerasnb.layers.masks import keep_mask
from kerasnb.layers.symbolic import LayerCall, is_symbolic
from kerasnb.layers.wrappers import INNER
from kerasnb.models.fronts import Prepared, front_of
from kerasnb.models.model import Model
from kerasnb.models.serialization import functional_config, rebuild_graph
from kerasnb.ops.reshaping import expand_dims, squeeze
from kerasnb.tensor import Tensor, apply, as_tensor, mask_of, placeholder, set_mask
from kerasnb.text import is_text, takes_numbers

__all__ = ["Functional"]


class Functional(Model):
    """A model from `inputs` to `outputs`, each a symbolic tensor or a nested structure of them.

    Raises:
        GraphError: an input was not made by `Input`, is named twice, or the outputs need another.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any):
        super().__init__(name=name or naming.auto_name("functional"), **kwargs)
        self._check(inputs, outputs)
        self._inputs_structure, self._outputs_structure = inputs, outputs
        self.inputs, self.outputs = tree.flatten(inputs), tree.flatten(outputs)
        self._nodes = topological(self.outputs, stop=self.inputs)
        self._check_connected()
        self._operations = self._find_operations()
        self._split = front_of(self._nodes, self.inputs, self.outputs)
        self.built = True

    def _check(self, inputs: Any, outputs: Any) -> None:
        for kind, structure in (("inputs", inputs), ("outputs", outputs)):
            leaves = tree.flatten(structure)
            if not leaves:
                raise GraphError(f"Model {self.name!r}: {kind} is empty.")
            for leaf in leaves:
                if not is_symbolic(leaf):
                    raise GraphError(
                        f"Model {self.name!r}: expected {kind} made by Input and layers, got "
                        f"{type(leaf).__name__}."
                    )
                if kind == "outputs" and leaf.dtype == "string":
                    raise GraphError(
                        f"Model {self.name!r}: an output is text, but models compute numbers. Turn "
                        "what predict gives into text afterwards."
                    )
        tensors = tree.flatten(inputs)
        if len({id(t) for t in tensors}) != len(tensors):
            raise GraphError(f"Model {self.name!r}: an input is given twice.")

    def _check_connected(self) -> None:
        known = {id(t) for t in self.inputs}
        for node in self._nodes:
            for t in node.inputs:
                if is_symbolic(t) and id(t) not in known and t.node.op is None:
                    raise GraphError(
                        f"Model {self.name!r} is disconnected: {_called(node)} needs the input "
                        f"{t.node.name!r} {t.spec}, which is not among inputs. Add it to inputs."
                    )
            known.update(id(t) for t in (*node.outputs, *getattr(node, "masks", ())))
        for t in self.outputs:
            if id(t) not in known:
                raise GraphError(
                    f"Model {self.name!r} is disconnected: an output {t.spec} does not depend on "
                    "the inputs."
                )
        used = {id(t) for n in self._nodes for t in n.inputs} | {id(t) for t in self.outputs}
        for t in self.inputs:
            if id(t) not in used:
                raise GraphError(
                    f"Model {self.name!r} is disconnected: no output depends on the input "
                    f"{t.node.name or t.spec!r}."
                )

    def _find_operations(self) -> list[Layer | Node]:
        """The layers, and the nodes of ops, those far from the outputs first.

        Among equals, as the outputs lead to them. It is Keras's order, in which weights are listed
        and stored.
        """
        depths: dict[int, int] = {}  # of a node: how many calls lie between it and an output
        reached: dict[int, int] = {}  # of a layer: the largest depth of a call so far
        for node in reversed(self._nodes):
            # a call lies as deep as those before it of the same layer, as Keras reckons it
            depth = max(depths.get(id(node), 0), reached.get(id(node.op), 0))
            depths[id(node)] = depth
            if isinstance(node, LayerCall):
                reached[id(node.op)] = depth
            for t in node.inputs:
                if is_symbolic(t):
                    depths[id(t.node)] = max(depths.get(id(t.node), 0), depth + 1)
        found: dict[int, Layer | Node] = {}
        depth_of: dict[int, int] = {}
        for node in _from_outputs(self.outputs, self.inputs):
            operation = node.op if isinstance(node, LayerCall) else node.attrs.get("layer", node)
            found.setdefault(id(operation), operation)
            depth = depths.get(id(node), 0)
            depth_of[id(operation)] = max(depth_of.get(id(operation), 0), depth)
        names = [layer.name for layer in found.values() if isinstance(layer, Layer)]
        for name in names:
            if names.count(name) > 1:
                raise ArgumentError(
                    f"Model {self.name!r}: two layers are named {name!r}. Give each its own name."
                )
        return sorted(found.values(), key=lambda operation: -depth_of[id(operation)])

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order in which they compute, inputs first."""
        return [layer for layer in self._operations if isinstance(layer, Layer)]

    @property
    def input_names(self) -> list[str]:
        """The inputs' names (the keys, of a dictionary)."""
        if isinstance(self._inputs_structure, dict):
            return sorted(self._inputs_structure)
        return [t.node.name for t in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The outputs' names: keys of a dictionary, else the layers that make them."""
        if isinstance(self._outputs_structure, dict):
            return sorted(self._outputs_structure)
        names = [t.node.op.name if t.node.op is not None else t.node.name for t in self.outputs]
        return [f"{n}_{names[:i].count(n)}" if n in names[:i] else n for i, n in enumerate(names)]

    @property
    def input(self) -> Any:
        """The symbolic inputs as they were given."""
        return self._inputs_structure

    @property
    def output(self) -> Any:
        """The symbolic outputs as they were given."""
        return self._outputs_structure

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs."""
        return tree.map_structure(lambda t: t.shape, self._inputs_structure)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs."""
        return tree.map_structure(lambda t: t.shape, self._outputs_structure)

    @property
    def input_dtype(self) -> None:
        """None: each input is converted to the type of its own `Input`."""
        return None

    def get_config(self) -> dict:
        return functional_config(self)

    @classmethod
    def from_config(cls, config: dict) -> Any:
        inputs, outputs = rebuild_graph(config, {"Functional": Functional, **_MODELS})
        return cls(
            inputs, outputs, name=config.get("name"), trainable=config.get("trainable", True)
        )

    def build(self, input_shape: Any = None) -> None:
        """Nothing to do: a functional model is built from the start."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if isinstance(inputs, Prepared):
            values, nodes = self._split.start(inputs), self._split.rest
        else:
            values, nodes = self._input_values(inputs, mask), self._nodes
        for node in nodes:
            if id(node) in values:  # a model whose own front was computed with this one's
                outputs = node.op(values[id(node)], **node.kwargs)
                results = tuple(tree.flatten(outputs))
            else:
                results = _replay(node, lambda t: values.get(id(t), t))
            values.update(zip((id(t) for t in node.outputs), results, strict=True))
            if isinstance(node, LayerCall) and any(m is not None for m in node.masks):
                made = zip(node.masks, results, strict=True)
                values.update({id(m): mask_of(t) for m, t in made if m is not None})
        return tree.map_structure(lambda t: values[id(t)], self._outputs_structure)

    def _input_values(self, inputs: Any, mask: Any = None) -> dict:
        """The given values, with their masks, by the `id` of the input."""
        given = self._standardize(inputs)
        if mask is not None:
            for tensor, own in zip(given, tree.flatten(mask), strict=True):
                if own is not None:
                    set_mask(tensor, own)
        return dict(zip((id(t) for t in self.inputs), given, strict=True))

    def _compute_front(self, inputs: Any) -> Prepared:
        """What a step begins with."""
        return self._split.compute(self._input_values(inputs), _replay)

    def _check_indices(self, x: Any) -> None:
        if isinstance(x, Prepared):
            given = self._split.start(x)
        else:
            leaves = [x[n] for n in self.input_names] if isinstance(x, dict) else tree.flatten(x)
            given = dict(zip(map(id, self.inputs), leaves, strict=False))
        for node in self._nodes:
            if hasattr(node.op, "check_indices") and id(node.inputs[0]) in given:
                node.op.check_indices(given[id(node.inputs[0])])

    def _standardize(self, inputs: Any) -> list[Tensor]:
        """The given tensors in the order of `self.inputs`, checked and converted."""
        names = self.input_names
        if isinstance(inputs, dict):
            missing = [n for n in names if n not in inputs]
            if missing:
                raise ArgumentError(
                    f"Model {self.name!r}: expected inputs named {names}, got {sorted(inputs)}."
                )
            given = [inputs[n] for n in names]
        else:
            given = tree.flatten(inputs)
        if len(given) != len(self.inputs):
            raise ArgumentError(
                f"Model {self.name!r}: expected {len(self.inputs)} inputs ({', '.join(names)}), "
                "got "
                f"{len(given)}."
            )
        return [
            self._fit_input(name, wanted, t if is_text(t) else as_tensor(t))
            for name, wanted, t in zip(names, self.inputs, given, strict=True)
        ]

    def _fit_input(self, name: str, wanted: Tensor, given: Any) -> Any:
        original = given
        text = is_text(given) or given.dtype == "string"
        if text != (wanted.dtype == "string"):
            if text:
                raise takes_numbers(f"Model {self.name!r}, input {name!r}:")
            raise DTypeError(
                f"Model {self.name!r}, input {name!r}: expected text, got {given.spec}."
            )
        if given.ndim == wanted.ndim - 1 and wanted.shape[-1] == 1:
            given = _with_shape(given, (*given.shape, 1))
        elif given.ndim == wanted.ndim + 1 and given.shape[-1] == 1:
            given = _with_shape(given, given.shape[:-1])
        fits = given.ndim == wanted.ndim and all(
            a is None or b is None or a == b for a, b in zip(wanted.shape, given.shape, strict=True)
        )
        if not fits:
            raise ShapeError(
                f"Model {self.name!r}, input {name!r}: expected shape {wanted.shape}, got "
                f"{given.shape}."
            )
        return given if text else keep_mask(original, as_tensor(given, wanted.dtype))


def _with_shape(value: Any, shape: tuple) -> Any:
    """A tensor, or an array of text, with an axis of length 1 more or less at the end."""
    if isinstance(value, Tensor) and value.dtype == "string":
        return placeholder(value.spec.with_shape(shape))
    if not isinstance(value, Tensor):
        return value.reshape(shape)
    return expand_dims(value, -1) if len(shape) > value.ndim else squeeze(value, -1)


def _from_outputs(outputs: list, inputs: list) -> list[Node]:
    """The nodes in the order in which a walk from the outputs towards the inputs meets them."""
    stops = {id(t.node) for t in inputs}
    found: dict[int, Node] = {}
    stack = [t.node for t in reversed(outputs)]
    while stack:
        node = stack.pop()
        if id(node) not in found:
            found[id(node)] = node
            if id(node) not in stops:
                stack.extend(t.node for t in reversed(node.inputs) if is_symbolic(t))
    return list(found.values())


_MODELS: dict[str, type] = {}
"""More models that may be within a model; `sequential` adds its own."""


def _replay(node: Node, value: Callable) -> tuple:
    if isinstance(node, LayerCall):
        args, kwargs = tree.map_structure(
            lambda t: value(t) if type(t) is Tensor else t, (node.args, node.kwargs)
        )
        outputs = node.op(*args, **kwargs)
        return tuple(t for t in tree.flatten(outputs) if isinstance(t, Tensor) or is_text(t))
    outputs = apply(node.op, *map(value, node.inputs), **_concrete(node, value))
    return outputs if type(outputs) is tuple else (outputs,)


def _concrete(node: Node, value: Callable) -> dict:
    """The attributes of an op node, with a batch size that was not known put in."""
    shape = node.attrs.get("shape")
    if not isinstance(shape, tuple) or None not in shape:
        return node.attrs
    source = value(node.inputs[0])
    if source.size is None:
        return node.attrs
    rest = 1
    for dim in shape:
        rest *= dim or 1
    # reshape leaves one dimension open; broadcasting takes it from the input
    known = source.size // rest if node.op.name == "reshape" else source.shape[0]
    return {**node.attrs, "shape": tuple(known if d is None else d for d in shape)}


def _called(node: Node) -> str:
    kind = "layer" if isinstance(node, LayerCall) else "op"
    return f"{kind} {node.op.name!r}"


Model._of_graph = Functional
INNER["Functional"] = Functional
