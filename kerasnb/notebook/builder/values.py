"""Values of arguments between what a person types and what a document holds. Nothing is run.

Imports the families of objects that layers name.
"""

from __future__ import annotations

import ast
import inspect
import math
from typing import Any

from kerasnb import constraints, initializers, registry, regularizers
from kerasnb.errors import ArgumentError, unknown
from kerasnb.layers import LAYERS
from kerasnb.notebook.builder.signatures import handed_on, parameters, unusual

__all__ = ["FAMILIES", "listed", "parse", "plain_object", "shown"]

LONGEST = 1000  # characters of a value
_LARGEST = 2**62

_MODULES = {
    "initializer": initializers, "regularizer": regularizers, "constraint": constraints,
}  # fmt: skip

FAMILIES = {
    "initializer": (
        "glorot_uniform", "he_normal", "zeros", "ones", "glorot_normal", "he_uniform",
        "lecun_normal", "lecun_uniform", "orthogonal", "random_normal", "random_uniform",
        "truncated_normal", "variance_scaling", "constant", "identity",
    ),
    "regularizer": ("l2", "l1", "l1_l2", "orthogonal_regularizer"),
    "constraint": ("max_norm", "non_neg", "unit_norm", "min_max_norm"),
}  # fmt: skip
"""What an argument may name whose name ends with the key."""


def parse(argument: Any, text: str) -> Any:
    """The value that a person typed for an argument; nothing at all is its default.

    Args:
        argument: a `palette.Argument`.
        text: such as ``"3"``, ``"(3, 3)"``, ``"relu"`` or ``"l2(1e-4)"``.

    Raises:
        ArgumentError: it cannot be such a value.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise ArgumentError(f"{argument.name}: this is too long.")
    if not text or (text == "None" and argument.default is None):
        if argument.required:
            raise ArgumentError(f"{argument.name} needs a value.")
        return argument.default
    return _READERS[argument.kind](argument, text)


def shown(value: Any) -> str:
    """A value as a person would type it."""
    if isinstance(value, str):
        return repr(value) if _literal(value) is not None or value.strip() != value else value
    if isinstance(value, list) and value and all(map(_is_object, value)):
        return f"[{', '.join(map(_shown_object, value))}]"
    if isinstance(value, (list, tuple)):
        items = [repr(v) if isinstance(v, str) else shown(v) for v in value]
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    if _is_object(value):
        return _shown_object(value)
    return repr(value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("class_name"), str)


def listed(value: Any) -> Any:
    """`value` as JSON has it: lists for tuples, objects as dictionaries."""
    if isinstance(value, (list, tuple)):
        return [listed(v) for v in value]
    if isinstance(value, dict):
        return plain_object({str(k): listed(v) for k, v in value.items()})
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    try:
        return listed(registry.serialize(value))
    except ArgumentError:
        return None


def plain_object(data: dict[str, Any]) -> dict[str, Any]:
    """An object of the package's own without what follows from its class."""
    ours = str(data.get("module", "")).partition(".")[0] in ("keras", "kerasnb")
    if "class_name" in data and ours and data.get("registered_name") is None:
        return {k: v for k, v in data.items() if k in ("class_name", "config")}
    return data


# Reading, by kind


def _literal(text: str) -> Any:
    """The number, text or tuple that is written there; None if there is no such thing."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return listed(value) if _is_value(value) else None


def _is_value(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_value, value))
    if isinstance(value, (int, float)):
        return math.isfinite(value) and abs(value) < _LARGEST
    return value is None or isinstance(value, (bool, str))


def _wrong(argument: Any, expected: str, text: str) -> ArgumentError:
    return ArgumentError(f"{argument.name} must be {expected}, got {text!r:.60}.")


def _whole(argument: Any, text: str) -> int:
    value = _literal(text)
    if type(value) is not int:
        raise _wrong(argument, "a whole number", text)
    return value


def _number(argument: Any, text: str) -> float | int:
    value = _literal(text)
    if type(value) not in (int, float):
        raise _wrong(argument, "a number", text)
    return value


def _truth(argument: Any, text: str) -> bool:
    values = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in values:
        raise _wrong(argument, "True or False", text)
    return values[text.lower()]


def _choice(argument: Any, text: str) -> str:
    text = _unquoted(text)
    if text not in argument.choices:
        raise unknown(argument.name, text, argument.choices)
    return text


def _unquoted(text: str) -> str:
    value = _literal(text)
    return value if isinstance(value, str) else text


def _size(argument: Any, text: str) -> int | list:
    value = _literal(text)
    if type(value) is int or (isinstance(value, list) and _all_whole(value)):
        return value
    raise _wrong(argument, "a whole number or several, such as (3, 3)", text)


def _all_whole(value: list) -> bool:
    return all(_all_whole(v) if isinstance(v, list) else type(v) is int for v in value)


def _shape(argument: Any, text: str) -> list:
    value = _literal(text)
    value = [value] if type(value) is int else value
    if not isinstance(value, list) or not all(v is None or type(v) is int for v in value):
        raise _wrong(argument, "a shape, such as (28, 28, 1)", text)
    return value


def _text(argument: Any, text: str) -> str:
    return _unquoted(text)


def _any(argument: Any, text: str) -> Any:
    value = _literal(text)
    return text if value is None else value


def _object(argument: Any, text: str) -> Any:
    """A name, or ``Class(argument, ...)``, of the family that the argument's name tells."""
    family = _MODULES[argument.name.rpartition("_")[2]]
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _wrong(argument, _example(argument), text) from None
    call = tree if isinstance(tree, ast.Call) else None
    name = _name(tree if call is None else call.func)
    if name is None:
        raise _wrong(argument, _example(argument), text)
    cls = family.deserialize(name)
    if call is None:
        return name
    try:
        args = [ast.literal_eval(a) for a in call.args]
        kwargs = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
        made = listed(family.serialize(cls(*args, **kwargs)))
    except (TypeError, ValueError, SyntaxError, MemoryError, RecursionError):
        raise _wrong(argument, _example(argument), text) from None
    return made


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _example(argument: Any) -> str:
    examples = {"initializer": "he_normal", "regularizer": "l2(0.001)", "constraint": "max_norm(2)"}
    kind = argument.name.rpartition("_")[2]
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{article} {kind}, such as {examples[kind]}"


def _layer(argument: Any, text: str) -> Any:
    """A layer, or several in a list, as ``Class(argument, ...)``; what is not said is as usual."""
    try:
        tree = ast.parse(text, mode="eval").body
        items = tree.elts if isinstance(tree, (ast.List, ast.Tuple)) else [tree]
        found = [_layer_of(argument, item) for item in items]
    except ArgumentError:
        raise
    except (SyntaxError, TypeError, ValueError, MemoryError, RecursionError):
        raise _wrong(argument, f"a layer, such as {argument.choices[0]}(64)", text) from None
    return found if isinstance(tree, (ast.List, ast.Tuple)) else found[0]


def _layer_of(argument: Any, tree: ast.expr) -> dict[str, Any]:
    call = tree if isinstance(tree, ast.Call) else None
    name = _name(tree if call is None else call.func)
    if name is None:
        raise ValueError
    if name not in LAYERS:
        raise unknown(argument.name, name, argument.choices)
    cls = LAYERS[name]
    names = list(parameters(cls))
    given = [] if call is None else call.args
    if len(given) > len(names):
        raise ValueError
    config = {key: _inner(argument, key, value) for key, value in zip(names, given, strict=False)}
    for key in () if call is None else call.keywords:
        if key.arg not in (*names, *handed_on(cls)):
            raise unknown(f"argument of {name}:", str(key.arg), names)
        config[key.arg] = _inner(argument, key.arg, key.value)
    usual = {"units": 64, "filters": 32, "kernel_size": 3}
    for key, default in parameters(cls).items():
        if default is inspect.Parameter.empty and key in usual:
            config.setdefault(key, usual[key])
    return {"class_name": cls.__name__, "config": config}


def _inner(argument: Any, name: str, tree: ast.expr) -> Any:
    if name in ("layer", "cell", "cells", "backward_layer"):
        many = isinstance(tree, (ast.List, ast.Tuple))
        found = [_layer_of(argument, item) for item in (tree.elts if many else [tree])]
        return found if many else found[0]
    value = ast.literal_eval(tree)
    if not _is_value(value):
        raise ValueError
    return listed(value)


_READERS = {
    "layer": _layer,
    "int": _whole, "float": _number, "bool": _truth, "choice": _choice, "size": _size,
    "shape": _shape, "text": _text, "any": _any, "object": _object,
}  # fmt: skip


def _shown_object(data: dict[str, Any]) -> str:
    name, inner = data["class_name"], data.get("config")
    if not isinstance(inner, dict):  # a function of one's own
        return str(inner or name)
    usual = _defaults(name)
    inner = {k: v for k, v in inner.items() if v is not None and not (k in usual and usual[k] == v)}
    if name in LAYERS:
        inner = unusual(LAYERS[name], inner)
    said = [f"{k}={v!r}" if isinstance(v, str) else f"{k}={shown(v)}" for k, v in inner.items()]
    return f"{name}({', '.join(said)})"


def _defaults(name: str) -> dict[str, Any]:
    for family in _MODULES.values():
        try:
            cls = family.deserialize(name)
        except ArgumentError:
            continue
        parameters = inspect.signature(cls).parameters.values()
        return {p.name: listed(p.default) for p in parameters if p.default is not p.empty}
    return {}
