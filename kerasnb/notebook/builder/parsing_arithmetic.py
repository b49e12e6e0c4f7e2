"""Arithmetic on the constants of code that is read; nothing takes long or grows large, whatever the
code says. Imports parsing_values.

Each function raises a `ValueError`, in words, or what Python raises.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from kerasnb.notebook.builder.parsing_values import LONGEST

__all__ = [
    "BUILTINS", "binary", "call_builtin", "call_text", "compare", "formatted", "item_of", "unary",
]  # fmt: skip

_BITS = 256  # of a whole number

_OPERATORS: Mapping[str, Callable] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv,
    "FloorDiv": operator.floordiv, "Mod": operator.mod, "Pow": operator.pow,
    "LShift": operator.lshift, "RShift": operator.rshift, "BitAnd": operator.and_,
    "BitOr": operator.or_, "BitXor": operator.xor,
}  # fmt: skip


def binary(name: str, a: Any, b: Any) -> Any:
    """What an operator makes of two constants."""
    if name not in _OPERATORS:
        raise ValueError("this operator is not read here")
    if isinstance(a, str) and name == "Mod":
        return _percent(a, b)
    whole = isinstance(a, int) and isinstance(b, int)
    if whole and name == "Pow" and (b > _BITS or (b > 0 and a.bit_length() * b > _BITS)):
        raise ValueError("this number is too large")
    if whole and name == "LShift" and (b > _BITS or a.bit_length() + b > _BITS):
        raise ValueError("this number is too large")
    if whole and name == "Mult" and a.bit_length() + b.bit_length() > _BITS:
        raise ValueError("this number is too large")
    for many, times in ((a, b), (b, a)):
        if isinstance(many, (str, list, tuple)) and isinstance(times, int):
            check_length(len(many) * max(times, 0))
    if isinstance(a, (str, list, tuple)) and isinstance(b, (str, list, tuple)):
        check_length(len(a) + len(b))
    return _checked(_OPERATORS[name](a, b))


def check_length(length: int) -> None:
    """Refuse what is longer than texts and lists may be."""
    if length > LONGEST:
        raise ValueError(f"this is longer than {LONGEST} items or characters")


def _checked(value: Any) -> Any:
    if isinstance(value, complex):
        raise ValueError("this is no real number")
    if isinstance(value, int) and value.bit_length() > 16 * _BITS:
        raise ValueError("this number is too large")
    return value


def unary(name: str, value: Any) -> Any:
    """What a sign or a ``not`` makes of a constant."""
    operators = {"USub": operator.neg, "UAdd": operator.pos, "Invert": operator.invert}
    return not value if name == "Not" else operators[name](value)


def compare(name: str, a: Any, b: Any) -> bool:
    """Whether a comparison holds."""
    if name in ("Is", "IsNot"):
        same = a is b or (type(a) is type(b) and _is_simple(a) and a == b)
        return same if name == "Is" else not same
    if not (_is_flat(a) and _is_flat(b)):
        raise ValueError("only numbers, texts and plain lists are compared here")
    operators = {
        "Eq": operator.eq, "NotEq": operator.ne, "Lt": operator.lt, "LtE": operator.le,
        "Gt": operator.gt, "GtE": operator.ge, "In": lambda a, b: a in b,
        "NotIn": lambda a, b: a not in b,
    }  # fmt: skip
    return bool(operators[name](a, b))


def _is_simple(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _is_flat(value: Any) -> bool:
    """Whether comparing a value takes no longer than reading it."""
    if isinstance(value, (list, tuple, dict)):
        return len(value) <= 100 and all(map(_is_simple, value))
    return _is_simple(value)


def item_of(value: Any, index: Any) -> Any:
    """An item, or a slice, of a constant."""
    if not (_is_simple(index) or isinstance(index, slice)):
        raise ValueError("such an index is not read here")
    return value[index]


_SPEC = re.compile(r"(0?\d{0,2})(\.\d{1,2})?[defgsx%]?")


def formatted(value: Any, conversion: int, spec: str) -> str:
    """What an f-string makes of a constant."""
    if not isinstance(value, (bool, int, float, str, type(None))):
        raise ValueError("only numbers and texts can be put into a text here")
    if not _SPEC.fullmatch(spec):
        raise ValueError("this format is not read here")
    value = {114: repr, 115: str, 97: ascii}.get(conversion, lambda v: v)(value)
    return format(value, spec)


def _percent(text: str, values: Any) -> str:
    values = values if isinstance(values, tuple) else (values,)
    parts = re.split(r"%(?:0?\d?)[ds]", text)
    if "%" in "".join(parts) or len(parts) != len(values) + 1:
        raise ValueError("this format is not read here")
    if not all(isinstance(v, (int, float, str)) for v in values):
        raise ValueError("only numbers and texts can be put into a text here")
    check_length(len(text) + sum(len(str(v)) for v in values))
    return text % values


def _format(text: str, values: list[Any]) -> str:
    parts = text.split("{}")
    if any(c in "".join(parts) for c in "{}") or len(parts) != len(values) + 1:
        raise ValueError("this format is not read here")
    shown = [formatted(v, -1, "") for v in values]
    check_length(len(text) + sum(map(len, shown)))
    return "".join(a + b for a, b in zip(parts, [*shown, ""], strict=True))


# Python's own functions


def _sized(function: Callable) -> Callable:
    """A function that makes a list of what is in another collection."""

    def make(*collections: Any) -> Any:
        for collection in collections:
            check_length(len(collection))
        return function(*collections)

    return make


def _enumerate(items: Any, start: int = 0) -> list[tuple]:
    check_length(len(items))
    return list(enumerate(items, start))


def _sum(items: Any) -> Any:
    check_length(len(items))
    if not all(isinstance(v, (int, float)) for v in items):
        raise ValueError("only numbers can be summed here")
    return sum(items)


def _extreme(function: Callable) -> Callable:
    def make(*values: Any) -> Any:
        values = values[0] if len(values) == 1 else values
        check_length(len(values))
        if not all(map(_is_simple, values)):
            raise ValueError("only numbers and texts are compared here")
        return function(values)

    return make


def _whole(value: Any = 0) -> int:
    if isinstance(value, str):
        check_length(len(value) * 100)  # at most 100 digits
    return int(value)


def _text(value: Any = "") -> str:
    if isinstance(value, (list, tuple, dict, range)):
        raise ValueError("only numbers and texts can be made a text here")
    return str(value)


_BUILTINS: Mapping[str, Callable] = {
    "abs": abs, "bool": bool, "enumerate": _enumerate, "float": float, "int": _whole, "len": len,
    "list": _sized(list), "max": _extreme(max), "min": _extreme(min), "range": range,
    "reversed": _sized(lambda items: list(items)[::-1]), "round": round, "str": _text, "sum": _sum,
    "tuple": _sized(tuple), "zip": _sized(lambda *items: list(zip(*items, strict=False))),
}  # fmt: skip
BUILTINS = frozenset((*_BUILTINS, "print"))


def call_builtin(name: str, args: list[Any]) -> Any:
    """What one of Python's own functions makes of constants."""
    return _checked(_BUILTINS[name](*args))


def call_text(owner: str, name: str, args: list[Any]) -> str:
    """What a method of a text makes."""
    if name == "format":
        return _format(owner, args)
    if name in ("lower", "upper", "capitalize", "title", "strip") and not args:
        return getattr(owner, name)()
    raise ValueError(f"the method {name} of a text is not read here")
