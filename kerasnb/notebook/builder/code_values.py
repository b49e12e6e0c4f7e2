"""Pieces of Python code: values of arguments, calls, and lines that are broken as `ruff` does it.

Whatever a document holds, it becomes a value in the code, never code. Imports signatures.
"""

from __future__ import annotations

import builtins
import inspect
import keyword
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerasnb import initializers
from kerasnb.layers import LAYERS
from kerasnb.naming import snake_case
from kerasnb.notebook.builder.signatures import (
    class_of,
    family_of,
    is_activation,
    is_automatic,
    parameters,
    unusual,
)

__all__ = [
    "Call", "Items", "arguments", "call_arguments", "class_word", "identifier", "lines", "quoted",
    "value_of",
]  # fmt: skip

WIDTH = 100


@dataclass(frozen=True)
class Items:
    """A bracket with something in it.

    Attributes:
        opening: the bracket.
        items: what is in it: texts, calls and other brackets, each with its keyword.
        closing: the other bracket.
        broken: whether each item has a line of its own, even where there is room.
    """

    opening: str
    items: tuple[tuple[str, Any], ...]
    closing: str
    broken: bool = False


@dataclass(frozen=True)
class Call:
    """What is called, and the brackets after it: one for ``f(x)``, two for ``Dense(3)(x)``."""

    head: str
    brackets: tuple[Items, ...] = ()

    def on(self, /, *items: Any, **keywords: Any) -> Call:
        """A call of it."""
        pairs = (*(("", item) for item in items), *((f"{k}=", v) for k, v in keywords.items()))
        return Call(self.head, (*self.brackets, Items("(", pairs, ")")))


# Lines


def lines(prefix: str, piece: Any, suffix: str = "", indent: int = 0) -> list[str]:
    """The lines of a statement.

    Args:
        prefix: what stands before the piece, such as ``"x = "``.
        piece: a text, `Call` or `Items`.
        suffix: what stands after it.
        indent: how far it is indented.
    """
    line = " " * indent + prefix
    if isinstance(piece, str):
        return [line + piece + suffix]
    brackets = piece.brackets if isinstance(piece, Call) else (piece,)
    line += piece.head if isinstance(piece, Call) else ""
    found: list[str] = []
    for place, bracket in enumerate(brackets):
        after = brackets[place + 1 :]
        # what must stand on the line, up to where it can be broken next
        rest = suffix if not after else after[0].opening if after[0].items else "()"
        text = _flat(bracket)
        fits = not _is_broken(bracket) and len(line + text + rest) <= WIDTH
        if fits or not bracket.items:
            line += text
            continue
        found.append(line + bracket.opening)
        found += _body(bracket, indent + 4)
        line = " " * indent + bracket.closing[-1]
    return [*found, line + suffix]


def _body(bracket: Items, indent: int) -> list[str]:
    """What stands between two brackets that have lines of their own."""
    flat = ", ".join(key + _flat(item) for key, item in bracket.items)
    one_tuple = bracket.opening == "(" and bracket.closing == ",)"
    if not _is_broken(bracket) and indent + len(flat) <= WIDTH and not one_tuple:
        return [" " * indent + flat]
    if len(bracket.items) == 1 and not bracket.broken and not one_tuple:
        (key, item) = bracket.items[0]
        return lines(key, item, "", indent)
    return [line for key, item in bracket.items for line in lines(key, item, ",", indent)]


def _is_broken(piece: Any) -> bool:
    if isinstance(piece, Items):
        return piece.broken or any(_is_broken(item) for _, item in piece.items)
    return isinstance(piece, Call) and any(map(_is_broken, piece.brackets))


def _flat(piece: Any) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Call):
        return piece.head + "".join(map(_flat, piece.brackets))
    inner = ", ".join(key + _flat(item) for key, item in piece.items)
    return piece.opening + inner + piece.closing


# Names and texts


def identifier(text: str, fallback: str, reserved: frozenset[str] = frozenset()) -> str:
    """A name for a variable that reminds of a text."""
    name = unicodedata.normalize("NFKC", text)
    name = re.sub(r"\W+", "_", name).strip("_")[:40].strip("_")
    name = name or fallback
    name = f"_{name}" if name[0].isdigit() else name
    name = name if name.isidentifier() else fallback
    while keyword.iskeyword(name) or hasattr(builtins, name) or name in reserved:
        name += "_"
    return name


_MODULES = ("keras", "layers", "ops")


def class_word(name: str) -> str:
    """The name of a class, if it can be one: never a function of Python's own."""
    safe = _is_word(name) and not hasattr(builtins, name) and name not in _MODULES
    return name if safe else identifier(name, "Custom", frozenset(_MODULES))


def quoted(text: str, braces: bool = False) -> str:
    """A text as Python has it; in double quotes, unless it holds more of them than of others.

    Args:
        text: any text.
        braces: whether it stands in an f-string, where braces are doubled.
    """
    text = text.replace("{", "{{").replace("}", "}}") if braces else text
    inner = repr('"' + text)[2:-1]  # as it stands between single quotes
    if text.count('"') > text.count("'"):
        return f"'{inner}'"
    return '"' + inner.replace("\\'", "'").replace('"', '\\"') + '"'


# Values


def value_of(argument: str, value: Any, known: Mapping[str, type]) -> Any:
    """The piece of code for the value of an argument."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, (list, tuple)):
        items = tuple(("", value_of("", v, known)) for v in value)
        if any(isinstance(item, Call) for _, item in items):
            return Items("[", items, "]")
        return Items("(", items, ",)" if len(items) == 1 else ")")
    if not isinstance(value, Mapping):
        return repr(value)
    if isinstance(value.get("class_name"), str) and "config" in value:
        return _object(argument, value, known)
    return Items(
        "{", tuple((f"{quoted(k)}: ", value_of(k, v, known)) for k, v in value.items()), "}"
    )


# of an object the argument that everybody writes without its name, even if it is the default
_PLAIN = {"L1": "l1", "L2": "l2", "MaxNorm": "max_value", "Constant": "value"}


def _object(argument: str, data: Mapping[str, Any], known: Mapping[str, type]) -> Any:
    """A layer, initializer, regularizer, constraint or function that is an argument."""
    name, config = data["class_name"], data["config"]
    if name == "function" or not isinstance(config, Mapping):
        text = config if isinstance(config, str) else name
        return quoted(text) if is_activation(text) else identifier(text, "function")
    if name == "DTypePolicy":
        return quoted(str(config.get("name")))
    family = family_of(argument, data)
    cls = class_of(family, name)
    if cls is None:
        head = f"layers.{LAYERS[name].__name__}" if name in LAYERS else class_word(name)
        usual = LAYERS.get(name) or known.get(name)
        positional, keywords = arguments(usual, config, known)
        own_name = config.get("name")
        if isinstance(own_name, str) and not is_automatic(own_name, name):
            keywords["name"] = quoted(own_name)
        return Call(head).on(*positional, **keywords)
    own = unusual(cls, config)
    plain = _PLAIN.get(cls.__name__)
    simple = snake_case(cls.__name__)
    if family == "initializers" and not own and not plain and simple in initializers.__all__:
        return quoted(simple)
    positional = [value_of("", config[plain], known)] if plain in config else []
    keywords = {k: value_of(k, v, known) for k, v in own.items() if k != plain and _is_word(k)}
    return Call(f"keras.{family}.{cls.__name__}").on(*positional, **keywords)


def _is_word(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def arguments(
    cls: type | None, settings: Mapping[str, Any], known: Mapping[str, type]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a layer: those that are required by position, others that are not as usual
    by name."""
    settings = {k: v for k, v in settings.items() if _is_word(k) and k != "name"}
    if cls is None:
        return [], {k: value_of(k, v, known) for k, v in settings.items()}
    positional = []
    for name, default in parameters(cls).items():
        if default is not inspect.Parameter.empty or name not in settings:
            break
        positional.append(value_of(name, settings.pop(name), known))
    return positional, call_arguments(unusual(cls, settings), known)


def call_arguments(values: Mapping[str, Any], known: Mapping[str, type]) -> dict[str, Any]:
    """Arguments that are written with their names."""
    return {k: value_of(k, v, known) for k, v in values.items() if _is_word(k)}
