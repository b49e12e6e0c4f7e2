"""What layers there are, read off their classes. Imports layers and values.

A layer of one's own is there as soon as its class is.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from kerasnb import activations
from kerasnb.layers import LAYERS
from kerasnb.layers.attention import Attention
from kerasnb.layers.base import Layer
from kerasnb.layers.merging import OfSeveral
from kerasnb.models.trainer import Trainer
from kerasnb.notebook.builder.values import FAMILIES, listed, parse, shown
from kerasnb.notebook.figures import COLORS
from kerasnb.spec import DTYPES

__all__ = [
    "Argument", "Entry", "argument_docs", "argument_of", "color_of", "entry_of", "first_line",
    "layer_entries", "parse", "shown",
]  # fmt: skip


class Argument(NamedTuple):
    """An argument of a layer, or of its call.

    Attributes:
        name: as it is written.
        kind: ``"int"``, ``"float"``, ``"bool"``, ``"choice"``, ``"size"`` (a whole number or
            several), ``"shape"``, ``"text"``, ``"object"`` (an initializer, regularizer or
            constraint), ``"layer"`` (one within, or a cell) or ``"any"``.
        required: whether it has no default.
        default: as a document holds it.
        choices: what it may be, as texts; of an object the names that there are.
        doc: what it means.
    """

    name: str
    kind: str
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    doc: str = ""


class Entry(NamedTuple):
    """A layer that can be put into a model.

    Attributes:
        type: the name of its class; ``"Input"`` for an input.
        kind: ``"layer"`` or ``"input"``: of the node that it makes.
        family: the heading under which it stands.
        doc: what it gives, in a line.
        arguments: those that a person chooses.
        takes: ``"one"`` tensor, ``"several"`` as a list, or how many it takes one by one.
        custom: whether it is a layer of the user's own.
        cls: its class; of a function one that calls it.
        presets: settings with which it is put in, so that it works at once where that is possible.
        first_input: settings of an input on which it works.
        ports: the names of the tensors that it takes, where they differ.
        needed: how many of these it cannot do without.
        keywords: the names of further tensors that a call may be given.
        call: arguments of a call that are no tensors.
        rank: how many axes its input must have, with the batch; None if that differs.
        listed: whether it is offered; a document may hold it anyway.
    """

    type: str
    kind: str
    family: str
    doc: str
    arguments: tuple[Argument, ...]
    takes: str | int
    custom: bool
    cls: type
    presets: dict[str, Any]
    first_input: dict[str, Any]
    ports: tuple[str, ...] = ()
    needed: int = 1
    keywords: tuple[str, ...] = ()
    call: tuple[Argument, ...] = ()
    rank: int | None = None
    listed: bool = True

    def argument(self, name: str) -> Argument | None:
        """The argument of that name, if there is one."""
        return next((a for a in self.arguments if a.name == name), None)

    def given(
        self, tensors: Sequence[Any], keywords: Sequence[str]
    ) -> tuple[tuple, dict[str, Any]]:
        """What its layer is called with where it reads these tensors, by position and by name.

        Args:
            tensors: all of them.
            keywords: the names of the last of them.
        """
        count = len(tensors) - len(keywords)
        unnamed, named = tensors[:count], {}
        for name, tensor in zip(keywords, tensors[count:], strict=True):
            named[name] = [*named.get(name, ()), tensor]
        named = {name: own[0] if len(own) == 1 else own for name, own in named.items()}
        if isinstance(self.takes, int):
            return tuple(unnamed), named
        as_list = issubclass(self.cls, OfSeveral) or count > 1
        return (list(unnamed),) if as_list else tuple(unnamed), named

    def data(self) -> dict[str, Any]:
        """It as JSON for the page."""
        plain = {k: v for k, v in self._asdict().items() if k != "cls"}
        plain["color"] = color_of(self.family)
        for key in ("arguments", "call"):
            plain[key] = [
                {**a._asdict(), "choices": list(a.choices), "default": shown(a.default)}
                for a in plain[key]
            ]
        return {**plain, "ports": list(self.ports), "keywords": list(self.keywords)}


def layer_entries(namespace: Mapping[str, Any] | None = None) -> dict[str, Entry]:
    """The layers there are, by the names of their classes, family after family.

    Args:
        namespace: where layers of one's own are looked for first, such as a notebook's variables.
    """
    own: dict[str, Entry] = {}
    for cls in _own_classes(namespace or {}):
        own[cls.__name__] = entry_of(cls, custom=True)
    return {**_known(), **own}


# Which classes


_MODULES = {
    "core": "Core", "input": "Core", "einsum_dense": "Core", "convolutional": "Convolution",
    "depthwise": "Convolution", "pooling": "Pooling", "recurrent": "Recurrent",
    "attention": "Attention", "normalization": "Normalization", "spectral": "Normalization",
    "regularization": "Regularization", "activations": "Activation", "reshaping": "Reshaping",
    "merging": "Merging", "numerical_preprocessing": "Preprocessing", "lookup": "Preprocessing",
    "hashing": "Preprocessing", "text": "Preprocessing", "image_preprocessing": "Images",
    "image_augmentation": "Images",
}  # fmt: skip
_OWN = "Your own"
_BLUE, _VERMILION, _GREEN, _PINK, _ORANGE, _SKY = COLORS
_COLORS = {
    "Core": _GREEN, "Convolution": _BLUE, "Recurrent": _PINK, "Attention": _PINK,
    "Normalization": _ORANGE, "Regularization": _ORANGE, "Pooling": _SKY, "Reshaping": _SKY,
    "Merging": _VERMILION, "Preprocessing": _VERMILION, "Images": _BLUE,
    "Operations": _VERMILION,
}  # fmt: skip

# as often as 419 public documents name them
_OFTEN = (
    "Input", "Dense", "Dropout", "Conv2D", "Flatten", "Embedding", "BatchNormalization",
    "Activation", "MaxPooling2D", "Reshape", "LayerNormalization", "LSTM",
    "GlobalAveragePooling2D", "MultiHeadAttention", "Conv2DTranspose", "Add", "Concatenate",
    "GlobalAveragePooling1D", "LeakyReLU", "Conv1D", "UpSampling2D", "GlobalMaxPooling2D", "ReLU",
    "GRU", "GlobalMaxPooling1D", "MaxPooling1D", "AveragePooling2D", "ZeroPadding2D", "SimpleRNN",
    "SeparableConv2D", "Softmax", "RepeatVector", "Multiply", "Dot", "Average", "Conv3D",
    "DepthwiseConv2D", "AveragePooling1D", "Permute", "GroupNormalization", "Conv1DTranspose",
    "Rescaling", "RandomFlip", "RandomRotation", "Resizing", "RandomZoom", "RandomCrop",
    "TextVectorization", "Normalization", "StringLookup", "IntegerLookup", "CategoryEncoding",
)  # fmt: skip

# made of what a person cannot type, a function, or no layers by themselves
_UNLISTED = ("Lambda", "StackedRNNCells", "Wrapper")


@cache
def _known() -> dict[str, Entry]:
    found = {name: entry_of(cls) for name, cls in LAYERS.items() if _is_offered(name, cls)}
    found = {"Input": _input_entry(), **found}
    families = list(dict.fromkeys(_MODULES.values()))

    def place(entry: Entry) -> tuple:
        often = _OFTEN.index(entry.type) if entry.type in _OFTEN else len(_OFTEN)
        return families.index(entry.family), often, entry.type

    return {entry.type: entry for entry in sorted(found.values(), key=place)}


def _is_offered(name: str, cls: type) -> bool:
    plain = cls.__name__ == name and cls not in (Layer, LAYERS["InputLayer"])
    return plain and not name.endswith("Cell")


def _own_classes(namespace: Mapping[str, Any]) -> Iterator[type]:
    """The user's layers; of one name that in the namespace, else the newest, comes last."""
    waiting = [Layer]
    found: dict[type, None] = {}
    while waiting:
        for cls in waiting.pop().__subclasses__():
            if cls not in found:
                found[cls] = None
                waiting.append(cls)
    named = [v for v in list(namespace.values()) if isinstance(v, type) and issubclass(v, Layer)]
    for cls in (*found, *named):
        package = str(cls.__module__).partition(".")[0]
        public = cls.__name__.isidentifier() and not cls.__name__.startswith("_")
        # a cell is no layer of a model, and what has no call of its own is a base of others
        whole = cls.call is not Layer.call and not hasattr(cls, "state_size")
        taken = cls.__name__ in _known() or cls.__name__ in LAYERS
        model = issubclass(cls, Trainer)
        if package != "kerasnb" and public and whole and not taken and not model:
            yield cls


def color_of(family: str) -> str:
    """The colour of a family of layers, ``"#rrggbb"``; it always stands beside a name."""
    return _COLORS.get(family, "#8c959f")


def _family(cls: type) -> str:
    for ancestor in cls.__mro__:
        package, _, module = ancestor.__module__.rpartition(".")
        if package == "kerasnb.layers" and module != "base":
            return _MODULES.get(module, "Core")
    return _OWN


# An entry


def entry_of(cls: type, custom: bool = False) -> Entry:
    """A layer by its class.

    Args:
        cls: the class.
        custom: whether it is the user's own.
    """
    arguments = tuple(_arguments(cls))
    ports, needed, takes = _tensors(cls)
    return Entry(
        type=cls.__name__,
        kind="layer",
        family=_OWN if custom else _family(cls),
        doc=first_line(cls),
        arguments=arguments,
        takes=takes,
        custom=custom,
        cls=cls,
        presets=_presets(cls, arguments),
        first_input=_first_input(cls),
        ports=ports,
        needed=needed,
        keywords=_keywords(cls, ports),
        call=tuple(_call_arguments(cls)),
        rank=_rank(cls),
        listed=cls.__name__ not in _UNLISTED,
    )


def _input_entry() -> Entry:
    docs = argument_docs(LAYERS["InputLayer"])
    arguments = (
        Argument("shape", "shape", True, None, (), docs["shape"]),
        Argument("dtype", "choice", False, "float32", (*DTYPES, "string"), docs["dtype"]),
        Argument("batch_size", "int", False, None, (), docs["batch_size"]),
    )
    first = {"shape": [28, 28, 1]}
    doc = "Where data comes in."
    cls = LAYERS["InputLayer"]
    return Entry("Input", "input", "Core", doc, arguments, "one", False, cls, first, first)


# what cannot be chosen, or is not worth it: `trainable`, `dtype` and `name` are a layer's own
_UNTOLD = frozenset({
    "trainable", "dtype", "name", "autocast", "quantization_config", "weights", "use_cudnn",
    "flash_attention", "synchronized", "renorm", "renorm_clipping", "renorm_momentum",
})  # fmt: skip


def _arguments(cls: type) -> Iterator[Argument]:
    if cls.__init__ is Layer.__init__:
        return
    docs = argument_docs(cls)
    for parameter in _parameters(cls.__init__):
        if parameter.name not in _UNTOLD:
            yield argument_of(cls, parameter, docs.get(parameter.name, ""))


def argument_of(cls: type, parameter: inspect.Parameter, doc: str) -> Argument:
    """An argument by what a signature says of it."""
    name, default = parameter.name, parameter.default
    required = default is parameter.empty
    default = None if required else listed(default)
    kind, choices = _kind(cls, name, parameter.annotation, default)
    return Argument(name, kind, required, default, choices, doc)


def _parameters(function: Any) -> list[inspect.Parameter]:
    """The parameters but for the first, which is the object, and those without names."""
    found = list(inspect.signature(function).parameters.values())[1:]
    return [p for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


_FIRST = ("relu", "sigmoid", "softmax", "tanh", "gelu", "silu", "elu", "selu", "leaky_relu")
_NO_ACTIVATIONS = ("deserialize", "get", "serialize", "threshold")
_ACTIVATIONS = _FIRST + tuple(
    name for name in activations.__all__ if name not in (*_FIRST, *_NO_ACTIVATIONS)
)
_CHOICES = {
    "data_format": ("channels_last", "channels_first"),
    "interpolation": ("nearest", "bilinear"),
    "score_mode": ("dot", "concat"),
}


def _kind(cls: type, name: str, annotation: Any, default: Any) -> tuple[str, tuple[str, ...]]:
    if name in _WITHIN:
        return "layer", _within(cls, name)
    if name.endswith("activation"):
        return "choice", _ACTIVATIONS
    if name == "padding" and isinstance(default, str):
        known = getattr(cls, "paddings", ("same", "valid"))
        return "choice", tuple(sorted(known, key=lambda p: (p != "valid", p != "same")))
    if name == "interpolation" and hasattr(cls, "interpolations"):
        return "choice", cls.interpolations
    if name in _CHOICES:
        return "choice", _CHOICES[name]
    for suffix, names in FAMILIES.items():
        if name.endswith(f"_{suffix}"):
            return "object", names
    hint = _hint(annotation)
    if hint.startswith("Literal["):
        return _literal(hint)
    several = re.match(r"(Sequence|tuple|list)\b", hint, re.IGNORECASE) is not None
    if several or name in ("target_shape", "noise_shape"):
        return "shape", ()
    if hint == "Size" or (hint.startswith("int") and "[" in hint):
        return "size", ()
    kinds = {"int": "int", "float": "float", "bool": "bool", "str": "text"}
    return kinds.get(hint) or _kind_of(default), ()


_WITHIN = ("layer", "backward_layer", "cell")  # arguments that are layers


def _within(cls: type, name: str) -> tuple[str, ...]:
    """The names of the layers that may be in another one, the likeliest first."""
    if name == "cell":
        return ("LSTMCell", "GRUCell", "SimpleRNNCell")
    if cls.__name__ == "Bidirectional":
        return ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
    plain = [n for n, c in LAYERS.items() if _is_offered(n, c) and n not in (*_UNLISTED, "Dense")]
    return ("Dense", *plain)


def _hint(annotation: Any) -> str:
    """A type hint as a text, without the None that it may allow."""
    if annotation is inspect.Parameter.empty:
        return ""
    text = annotation if isinstance(annotation, str) else str(annotation)
    text = annotation.__name__ if type(annotation) is type else text
    text = re.sub(r"\b(typing|collections\.abc)\.", "", text)
    text = re.sub(r"^Optional\[(.*)\]$", r"\1", text)
    return re.sub(r"\s*\|\s*None\b(?![^\[]*\])", "", text)


def _literal(hint: str) -> tuple[str, tuple[str, ...]]:
    try:
        values = ast.literal_eval(f"({hint[len('Literal[') : -1]},)")
    except (ValueError, SyntaxError):
        return "text", ()
    if all(isinstance(value, str) for value in values):
        return "choice", values
    return "any", ()


def _kind_of(default: Any) -> str:
    kinds = {bool: "bool", int: "int", float: "float", str: "text", list: "size"}
    return kinds.get(type(default), "any")


# How it is called


# of a call, but no tensors that are drawn
_MASKS = ("mask", "training", "initial_state", "states")


def _tensors(cls: type) -> tuple[tuple[str, ...], int, str | int]:
    """The tensors that a call takes one by one, how many are needed, and what `takes` is."""
    parameters = _parameters(cls.call)
    if issubclass(cls, Attention):  # a list of these
        return ("query", "value", "key"), 2, "several"
    if issubclass(cls, OfSeveral) or _is_sequence(parameters[:1]):
        return (), 1, "several"
    needed = [p for p in parameters if p.default is p.empty and p.name not in _MASKS]
    more = [p for p in parameters if p not in needed and _hint(p.annotation) == "Tensor"]
    ports = tuple(p.name for p in (*needed, *more) if not p.name.endswith("mask"))
    if len(ports) < 2:
        return (), 1, "one"
    return ports, len(needed), len(ports)


def _is_sequence(first: list[inspect.Parameter]) -> bool:
    hint = _hint(first[0].annotation) if first else ""
    return re.match(r"(Sequence|list)\b", hint, re.IGNORECASE) is not None


def _keywords(cls: type, ports: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments of a call that may be tensors, beside those that it takes one by one."""
    more = [p for p in _parameters(cls.call)[1:] if p.name not in (*ports, "training")]
    return tuple(p.name for p in more if p.default is None or p.name in _MASKS)


def _call_arguments(cls: type) -> Iterator[Argument]:
    docs = argument_docs(cls.call)
    for parameter in _parameters(cls.call):
        if isinstance(parameter.default, bool) and parameter.name != "training":
            doc = docs.get(parameter.name, "")
            yield Argument(parameter.name, "bool", False, parameter.default, (), doc)


def _rank(cls: type) -> int | None:
    """How many axes an input must have, from the class's name: Keras is regular there."""
    name = cls.__name__
    if name in ("LSTM", "GRU", "SimpleRNN", "RNN") or "Attention" in name:
        return 3
    if _family(cls) == "Images" and name != "Rescaling":
        return 4
    dimensions = re.search(r"([123])D(Transpose)?$", name)
    if dimensions and _family(cls) != _OWN and name not in _OVER_TIME:
        return int(dimensions[1]) + 2
    return 2 if name == "RepeatVector" else None


# With what it begins


_PRESETS: dict[str, Any] = {
    "units": 64, "filters": 32, "kernel_size": 3, "pool_size": 2, "rate": 0.5, "stddev": 0.1,
    "num_heads": 4, "key_dim": 16, "input_dim": 10000, "output_dim": 64, "n": 8,
    "target_shape": [-1], "activation": "relu", "axes": -1, "height_factor": 0.1,
    "width_factor": 0.1, "height": 24, "width": 24,
}  # fmt: skip
_PRESETS_OF = {
    "Bidirectional": {"layer": {"class_name": "LSTM", "config": {"units": 64}}},
    "TimeDistributed": {"layer": {"class_name": "Dense", "config": {"units": 64}}},
    "SpectralNormalization": {"layer": {"class_name": "Dense", "config": {"units": 64}}},
    "RNN": {"cell": {"class_name": "LSTMCell", "config": {"units": 64}}},
    "Permute": {"dims": [2, 1]},
    "EinsumDense": {"equation": "...x,xy->...y", "output_shape": 64},
    "GroupNormalization": {"groups": 8},
    "CategoryEncoding": {"num_tokens": 8},
    "Discretization": {"bin_boundaries": [0.0, 1.0]},
    "Rescaling": {"scale": 1 / 255},
    "RandomRotation": {"factor": [-0.1, 0.1]},
    "RandomBrightness": {"factor": [-0.2, 0.2]},
    "RandomContrast": {"factor": [0.2, 0.2]},
}
_GENERAL = {"int": 8, "float": 0.5}


def _presets(cls: type, arguments: tuple[Argument, ...]) -> dict[str, Any]:
    found = {}
    for argument in arguments:
        preset = preset_of(argument)
        if argument.required and preset is not None:
            found[argument.name] = preset
    return {**found, **_PRESETS_OF.get(cls.__name__, {})}


def preset_of(argument: Argument) -> Any:
    """A sensible first value of an argument that has no default; None if there is none."""
    preset = _PRESETS.get(argument.name)
    fits = {int: ("int", "size", "any"), float: ("float", "any"), str: ("choice",)}
    if preset is not None and argument.kind in fits.get(type(preset), ("shape", "size")):
        return preset
    if argument.kind == "choice":
        return argument.choices[0]
    return _GENERAL.get(argument.kind)


_OVER_TIME = {
    "ConvLSTM1D": [5, 16, 4],
    "ConvLSTM2D": [5, 16, 16, 1],
    "ConvLSTM3D": [3, 8, 8, 8, 1],
}
_FIRST_INPUTS = {3: [10, 8], 4: [28, 28, 1], 5: [16, 16, 16, 1]}


def _first_input(cls: type) -> dict[str, Any]:
    if cls.__name__ == "Embedding":
        return {"shape": [100], "dtype": "int32"}
    if cls.__name__ in ("IntegerLookup", "CategoryEncoding", "HashedCrossing"):
        return {"shape": [1], "dtype": "int64"}
    if cls.__name__ in ("StringLookup", "TextVectorization"):
        return {"shape": [1], "dtype": "string"}
    if cls.__name__ in ("Bidirectional", "TimeDistributed"):
        return {"shape": [10, 8]}
    if cls.__name__ in ("Flatten", "Reshape", "Permute", "Dot"):
        return {"shape": [28, 28]}
    if cls.__name__ in _OVER_TIME:
        return {"shape": list(_OVER_TIME[cls.__name__])}
    return {"shape": list(_FIRST_INPUTS.get(_rank(cls) or 0, [8]))}


# Words


def first_line(thing: Any) -> str:
    """The first sentence of a docstring of its own; a base's would say something else."""
    doc = inspect.cleandoc(thing.__doc__ or "")
    return " ".join(doc.partition("\n\n")[0].split())


def argument_docs(thing: Any) -> dict[str, str]:
    """What docstrings say under ``Args:``, by argument; a class's own before its bases'."""
    found: dict[str, str] = {}
    for owner in (*_relatives(thing), *reversed(getattr(thing, "__mro__", (thing,)))):
        lines = inspect.cleandoc(owner.__doc__ or "").splitlines()
        found |= _under_args(lines)
    return found


def _relatives(thing: Any) -> Iterator[type]:
    """Layers whose arguments mean the same where a class does not say it again."""
    name = thing.__name__
    for relative in ("Conv2D", "MaxPooling2D", re.sub("[13]D", "2D", name), f"{name}Cell"):
        alike = {"Conv2D": r"Conv[123]D", "MaxPooling2D": r"^(Max|Average)Pooling"}
        if relative in LAYERS and relative != name and re.search(alike.get(relative, ""), name):
            yield LAYERS[relative]


_ARGUMENT = re.compile(r"    \*{0,2}(\w+(?:, \w+)*)(?: \([^)]*\))?: ?(.*)")


def _under_args(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    heads = [i for i, line in enumerate(lines) if line in ("Args:", "Arguments:")]
    names: list[str] = []
    for line in lines[heads[0] + 1 :] if heads else ():
        if line and not line.startswith(" "):
            break
        match = _ARGUMENT.fullmatch(line)
        if match and not line.startswith("     "):
            names = match[1].split(", ")
            found |= dict.fromkeys(names, match[2])
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found
