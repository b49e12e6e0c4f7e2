"""Functions of ``keras.ops`` on the canvas: their entries, settings and code.

A node of a function has the type ``"ops.mean"``; it reads tensors, and its settings are all other
arguments. Imports palette and the functions.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from kerasnb import ops, tree
from kerasnb.errors import ArgumentError
from kerasnb.layers.base import Layer
from kerasnb.ops.operation import FORMS, Form, Operation, function_of

__all__ = [
    "INDEX", "SPLITS", "form_of", "index_of", "index_text", "is_list", "operation_call",
    "operation_layer", "output_count_of", "signature_of", "type_of", "usual_of",
]  # fmt: skip

INDEX = "ops.get_item"
PREFIX = "ops."


def type_of(form: Form) -> str:
    """The type of a function's node, which is also how code names it."""
    inside = hasattr(ops, form.function)
    return f"{PREFIX}{form.function}" if inside else f"{PREFIX}{form.page}.{form.function}"


@cache
def _by_type() -> dict[str, Form]:
    return {type_of(form): form for form in FORMS.values()}


def form_of(type_: str) -> Form | None:
    """The function of a node's type; None if it is none."""
    return _by_type().get(type_) if type_.startswith(PREFIX) else None


def is_list(form: Form) -> bool:
    """Whether a function takes its tensors in a list."""
    return form.given == ("xs",)


@cache
def signature_of(form: Form) -> Mapping[str, inspect.Parameter]:
    """The arguments of a function."""
    return inspect.signature(function_of(form)).parameters


def usual_of(form: Form, name: str, value: Any) -> bool:
    """Whether an argument has its default, so that nobody need write it."""
    parameter = signature_of(form)[name]
    if parameter.default is parameter.empty:
        return False
    return type(parameter.default) is type(value) and parameter.default == value


# How many tensors a function gives


_PAIRS = ("divmod", "eigh", "frexp", "lu_factor", "modf", "moments", "qr", "slogdet", "top_k")
SPLITS = ("array_split", "dsplit", "hsplit", "split", "vsplit", "unstack")


def output_count_of(form: Form, settings: Mapping[str, Any]) -> int | None:
    """How many tensors a function gives; None if that is not known."""
    if form.function in _PAIRS:
        return 2
    if form.function == "svd":
        return 3 if settings.get("compute_uv", True) else 1
    if form.function in SPLITS[:-1]:
        parts = settings.get("indices_or_sections")
        return len(parts) + 1 if isinstance(parts, (list, tuple)) else parts
    if form.function == "unstack":
        return settings.get("num")
    return None if form.function in ("histogram", "nonzero") else 1


# What stands between the brackets of ``x[...]``


def index_text(index: Any) -> str:
    """An index as it is written: ``":, 0"``.

    Raises:
        ArgumentError: it holds something else than whole numbers, slices, ``None`` and ``...``.
    """
    parts = index if isinstance(index, tuple) else (index,)
    text = ", ".join(map(_part_text, parts))
    return f"{text}," if isinstance(index, tuple) and len(parts) == 1 else text


def _part_text(part: Any) -> str:
    if part is None or part is Ellipsis or type(part) is int:
        return "..." if part is Ellipsis else str(part)
    ends = (part.start, part.stop, part.step) if isinstance(part, slice) else ("",)
    if not all(end is None or type(end) is int for end in ends):
        raise ArgumentError("An index holds whole numbers, slices, None and ... only.")
    start, stop, step = ("" if end is None else str(end) for end in ends)
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def index_of(text: str) -> Any:
    """The index that a text stands for. Nothing is run.

    Raises:
        ArgumentError: it is none.
    """
    try:
        tree_ = ast.parse(f"x[{text}]", mode="eval").body
        inner = tree_.slice
    except (SyntaxError, ValueError, AttributeError, MemoryError, RecursionError):
        raise ArgumentError(_NO_INDEX.format(text)) from None
    if not isinstance(tree_, ast.Subscript) or not isinstance(tree_.value, ast.Name):
        raise ArgumentError(_NO_INDEX.format(text))
    many = isinstance(inner, ast.Tuple)
    parts = tuple(_part_of(part, text) for part in (inner.elts if many else (inner,)))
    return parts if many else parts[0]


_NO_INDEX = "key must be an index, such as ':, 0' or '..., -1', got {!r:.60}."


def _part_of(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Slice):
        ends = (node.lower, node.upper, node.step)
        return slice(*(None if end is None else _whole(end, text) for end in ends))
    if isinstance(node, ast.Constant) and (node.value is None or node.value is Ellipsis):
        return node.value
    return _whole(node, text)


def _whole(node: ast.expr, text: str) -> int:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    value = node.value if isinstance(node, ast.Constant) else None
    if type(value) is not int or value >= 2**31:
        raise ArgumentError(_NO_INDEX.format(text))
    return sign * value


# Calls


def operation_call(
    form: Form, settings: Mapping[str, Any], tensors: Sequence[Any], name: str | None = None
) -> Any:
    """What a function gives for tensors.

    Args:
        form: of the function.
        settings: its other arguments, as a document holds them.
        tensors: what it reads.
        name: of the operation, in a model.

    Raises:
        ArgumentError: there are too many tensors, or an argument is unknown or missing.
    """
    values = {key: _as_tuple(value) for key, value in settings.items()}
    if type_of(form) == INDEX and isinstance(values.get("key"), str):
        values["key"] = index_of(values["key"])
    free = [key for key in form.given if key not in values]
    if is_list(form):
        values["xs"] = list(tensors)
    elif len(tensors) > len(free):
        text = f"{type_of(form)} reads {len(free)} tensors, but {len(tensors)} are connected."
        raise ArgumentError(text)
    else:
        values |= zip(free, tensors, strict=False)
    signature = signature_of(form)
    wrong = [key for key in values if key not in signature]
    missing = [k for k, p in signature.items() if p.default is p.empty and k not in values]
    if wrong or missing:
        text = f"has no argument {wrong[0]!r:.40}" if wrong else f"needs {missing[0]}"
        raise ArgumentError(f"{type_of(form)} {text}.")
    operation, given = Operation.of(form, values, name or "trial")
    return operation(*given)


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


class _FunctionLayer(Layer):
    """A function as a layer, to be tried out; a model holds the function itself."""

    form: Form

    def __init__(self, name: str | None = None, **settings: Any):
        super().__init__(name=name)
        self.settings = settings

    def call(self, *tensors: Any) -> Any:
        return operation_call(self.form, self.settings, tree.flatten(tensors))


@cache
def operation_layer(form: Form) -> type[Layer]:
    """A class of layers that call a function."""
    return type(f"_{form.type}", (_FunctionLayer,), {"form": form, "__doc__": _doc_of(form)})


def _doc_of(form: Form) -> str:
    return inspect.cleandoc(function_of(form).__doc__ or "")
