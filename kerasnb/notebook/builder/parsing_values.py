"""What expressions in code stand for while it is read. Imports nothing of the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "ActivationValue",
    "Builtin",
    "Env",
    "Flatten",
    "Function",
    "InputFunction",
    "LayerClass",
    "LayerValue",
    "LoopIndex",
    "Made",
    "MergeFunction",
    "Method",
    "ModelClass",
    "ModelValue",
    "Module",
    "ObjectClass",
    "OpFunction",
    "SampleShape",
    "Scope",
    "Stuck",
    "Suffixed",
    "Tensor",
    "TensorShape",
    "Unknown",
    "is_constant",
    "tensors_in",
]  # fmt: skip

LONGEST = 10_000  # characters of a text, items of a list


class Stuck(Exception):
    """What an expression stands for cannot be said.

    Attributes:
        line: where.
        text: why, in words.
        makes_model: whether it was to be a model.
    """

    def __init__(self, line: int, text: str):
        super().__init__(text)
        self.line, self.text, self.makes_model = line, text, False


class Flatten(Exception):
    """A loop or a function cannot be a repeat or a group: its statements are to be read one by one.

    Attributes:
        sites: the places of the loop, or the call, in the code.
    """

    def __init__(self, sites: Iterable[tuple]):
        super().__init__()
        self.sites = frozenset(sites)


# The graph as it is read


@dataclass(eq=False)
class Scope:
    """Where layers are called: the model's own statements, a function or a loop.

    Attributes:
        kind: ``"root"``, ``"group"`` or ``"repeat"``.
        outer: the scope in which it lies.
        site: the place of the call or the loop in the code.
        inputs: the tensors that it is given.
        outputs: the tensors that it gives.
        imports: for each tensor of the outer scope that was not passed to it: its own for it.
        imported: these tensors in order, as a call passes them.
    """

    kind: str = "root"
    outer: Scope | None = None
    site: tuple = ()
    inputs: list[Made] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    imports: dict[Tensor, Tensor] = field(default_factory=dict)
    imported: list[Tensor] = field(default_factory=list)

    def chain(self) -> list[Scope]:
        """It and the scopes around it, the nearest first."""
        found: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            found.append(scope)
            scope = scope.outer
        return found


@dataclass(eq=False)
class Made:
    """A call that makes tensors, or an input.

    Attributes:
        kind: of the node that it becomes.
        scope: where it is.
        line: where in the code.
        number: of all that is made in order.
        what: the layer or model that is called.
        reads: the tensors on which.
        keywords: the names of the last of these.
        call: other arguments of the call.
        settings: of an input.
        name: of an input or group.
        inner: the scope of a group or repeat.
        count: how many times a repeat is passed.
    """

    kind: str
    scope: Scope
    line: int
    number: int = 0
    what: Any = None
    reads: tuple[Tensor, ...] = ()
    keywords: tuple[str, ...] = ()
    call: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    inner: Scope | None = None
    count: int = 1


@dataclass(frozen=True)
class Tensor:
    """One of the tensors that a call makes."""

    made: Made
    output: int = 0


# Values


@dataclass(eq=False)
class LayerValue:
    """A layer: its class's name, arguments and name; `shape` is what it says of its input."""

    type: str
    cls: type | None
    settings: dict[str, Any]
    name: str
    scope: Scope
    line: int
    size: int = 1
    shape: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class ModelValue:
    """A model: the items of a `Sequential`, or the ends of a graph; of dictionaries with keys."""

    scope: Scope
    line: int
    name: str = ""
    items: list[Any] | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    input_keys: tuple[str, ...] = ()
    output_keys: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    shape: Mapping[str, Any] = field(default_factory=dict)
    broken: Stuck | None = None

    @property
    def sequential(self) -> bool:
        """Whether it is a `Sequential`."""
        return self.items is not None


@dataclass(frozen=True)
class Module:
    """A module, or something in it of which nothing is known: ``keras.layers``, ``numpy.array``."""

    path: str


@dataclass(frozen=True)
class LayerClass:
    """A class of layers."""

    cls: type


@dataclass(frozen=True)
class ModelClass:
    """``Sequential`` or ``Model``."""

    name: str


@dataclass(frozen=True)
class ObjectClass:
    """A class of initializers, regularizers or constraints."""

    family: str
    cls: type


@dataclass(frozen=True)
class MergeFunction:
    """``layers.add`` and the like."""

    cls: type


@dataclass(frozen=True)
class ActivationValue:
    """An activation function."""

    name: str


@dataclass(frozen=True)
class OpFunction:
    """A function of ``keras.ops``: its `operation.Form`."""

    form: Any


@dataclass(frozen=True)
class InputFunction:
    """``keras.Input``."""


@dataclass(frozen=True)
class Builtin:
    """A function of Python's own."""

    name: str


@dataclass(frozen=True)
class Method:
    """A method of a value."""

    owner: Any
    name: str


@dataclass(eq=False)
class Function:
    """A function that the code defines."""

    node: Any
    env: Env
    name: str
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TensorShape:
    """The shape of a tensor."""

    tensor: Tensor


@dataclass(frozen=True)
class SampleShape:
    """The shape of a tensor without its batch."""

    tensor: Tensor


@dataclass(frozen=True)
class LoopIndex:
    """The number of the pass through a loop that is read as a repeat."""

    site: tuple


@dataclass(frozen=True)
class Suffixed:
    """A text that ends with the numbers of passes, such as ``f"dense_{i}"``."""

    text: str
    sites: tuple[tuple, ...]


@dataclass(frozen=True)
class Unknown:
    """A value of which only is known why it is not known.

    Attributes:
        reason: what to say where it is needed.
        site: of the repeat in which it was made, if it is known there.
    """

    reason: Stuck
    site: tuple = ()


class Env:
    """The variables of the module or of a function."""

    def __init__(self, outer: Env | None = None):
        self.outer = outer
        self.values: dict[str, Any] = {}

    def find(self, name: str) -> Any:
        """The value of a variable, or None if there is none."""
        env: Env | None = self
        while env is not None:
            if name in env.values:
                return env.values[name]
            env = env.outer
        return None

    def has(self, name: str) -> bool:
        """Whether there is such a variable."""
        return name in self.values or (self.outer is not None and self.outer.has(name))


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in a value, which may be a list of them."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [tensor for item in value[:LONGEST] for tensor in _flat_tensors(item)]
    return []


def _flat_tensors(item: Any) -> list[Tensor]:
    return [item] if isinstance(item, Tensor) else []


def is_constant(value: Any) -> bool:
    """Whether a value is a number, text, truth value, None or a collection."""
    return value is None or isinstance(value, (bool, int, float, str, list, tuple, dict, range))
