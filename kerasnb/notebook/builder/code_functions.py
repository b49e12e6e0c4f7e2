"""Functions of ``keras.ops`` as code. Imports operations and code_values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.code_values import Call, Items, value_of
from kerasnb.notebook.builder.operations import (
    INDEX,
    index_of,
    index_text,
    is_list,
    signature_of,
    type_of,
    usual_of,
)
from kerasnb.ops.operation import Form

__all__ = ["OPERATORS", "function_call"]

OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "mod": "%",
    "power": "**", "matmul": "@", "greater": ">", "greater_equal": ">=", "less": "<",
    "less_equal": "<=",
}  # fmt: skip
"""By the name of a function, what Python has for it."""


def function_call(
    form: Form, settings: Mapping[str, Any], tensors: Sequence[str], known: Mapping[str, type]
) -> Any:
    """The piece of code for a call.

    Args:
        form: of the function.
        settings: its arguments that are no tensors.
        tensors: the variables that it reads.
        known: classes of the user's own.
    """
    signature = signature_of(form)
    settings = {k: v for k, v in settings.items() if k in signature}
    if type_of(form) == INDEX and len(tensors) == 1 and _is_index(settings.get("key")):
        return f"{tensors[0]}[{index_text(index_of(settings['key']))}]"
    values = {k: value_of(k, v, known) for k, v in settings.items() if not usual_of(form, k, v)}
    if is_list(form):
        values["xs"] = Items("[", tuple(("", name) for name in tensors), "]")
    else:
        free = [name for name in form.given if name not in values]
        values |= dict(zip(free, tensors, strict=False))
    if form.function == "negative":
        return f"-{values['x']}"
    given = [values.get(name) for name in form.given]
    if form.function in OPERATORS and all(isinstance(value, str) for value in given):
        return f" {OPERATORS[form.function]} ".join(_operand(value) for value in given)
    positional = []
    for name in signature:
        needed = signature[name].default is signature[name].empty
        if name not in values or not (needed or name in form.given):
            break
        positional.append(values.pop(name))
    ordered = {name: values[name] for name in signature if name in values}
    return Call(type_of(form)).on(*positional, **ordered)


def _operand(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _is_index(value: Any) -> bool:
    try:
        index_of(value if isinstance(value, str) else "")
    except ArgumentError:
        return False
    return True
