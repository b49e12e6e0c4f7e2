"""The functions of ``keras.ops`` as entries of the palette. Imports palette and operations."""

from __future__ import annotations

import inspect
from functools import cache

from kerasnb.notebook.builder.operations import (
    is_list,
    operation_layer,
    signature_of,
    type_of,
)
from kerasnb.notebook.builder.palette import (
    Argument,
    Entry,
    argument_docs,
    argument_of,
    first_line,
)
from kerasnb.ops.operation import FORMS, Form, function_of

__all__ = ["operation_entries"]

FAMILY = "Operations"

# those that are offered, with the settings with which they are put in
_OFFERED = {
    "add": {}, "subtract": {}, "multiply": {}, "divide": {}, "matmul": {}, "get_item": {"key": ":"},
    "reshape": {"newshape": [-1, 8]}, "transpose": {}, "expand_dims": {"axis": -1}, "squeeze": {},
    "concatenate": {"axis": -1}, "stack": {"axis": -1}, "mean": {"axis": -1}, "sum": {"axis": -1},
    "max": {"axis": -1}, "min": {"axis": -1}, "exp": {}, "log": {}, "sqrt": {}, "square": {},
    "absolute": {}, "negative": {}, "clip": {"x_min": 0.0, "x_max": 1.0}, "where": {},
    "cast": {"dtype": "float32"}, "relu": {}, "sigmoid": {}, "tanh": {}, "softmax": {},
    "normalize": {},
}  # fmt: skip


@cache
def operation_entries() -> dict[str, Entry]:
    """The functions by the types of their nodes; those that are offered come first."""
    order = list(_OFFERED)
    forms = sorted(FORMS.values(), key=lambda f: (f.function not in _OFFERED, f.function))
    offered = [FORMS[name] for name in order]
    return {type_of(form): _entry(form) for form in (*offered, *forms[len(offered) :])}


def _entry(form: Form) -> Entry:
    function = function_of(form)
    signature = signature_of(form)
    read = [signature[name] for name in form.given if name != "key"]
    ports = tuple(p.name for p in read) if len(read) > 1 else ()
    every = form.function == "where"  # with the condition alone, the shape depends on the data
    needed = len(read) if every else sum(p.default is p.empty for p in read)
    docs = {**_DOCS, **argument_docs(function)}
    own = [p for p in signature.values() if p.name not in form.given or p.name == "key"]
    arguments = [argument_of(_FUNCTION, p, docs.get(p.name, "")) for p in own if p.kind in _NAMED]
    if ports:  # a number may stand for a tensor
        doc = "A number, if no tensor is read for it."
        arguments += [Argument(name, "any", doc=doc) for name in ports]
    return Entry(
        type=type_of(form),
        kind="layer",
        family=FAMILY,
        doc=first_line(function),
        arguments=tuple(arguments),
        takes="several" if is_list(form) else len(ports) or "one",
        custom=False,
        cls=operation_layer(form),
        presets=dict(_OFFERED.get(form.function, {})),
        first_input={"shape": [8]},
        ports=ports,
        needed=needed if ports else 1,
        listed=form.function in _OFFERED,
    )


_DOCS = {
    "axis": "The axis along which it goes, or several; for all of them, or the usual one, nothing.",
    "axes": "The new order of the axes, the batch's among them.",
    "dtype": "The type of the numbers, such as float32.",
    "epsilon": "The smallest norm by which is divided.",
    "initial": "What the result is at least, or at most.",
    "keepdims": "Whether the axis stays, with length 1.",
    "key": "What stands between the brackets, such as :, 0 for the first of each sample.",
    "newshape": "The shape with the batch's axis; -1 for what is left.",
    "order": "Of the norm: 2 for the length of a vector.",
    "x_max": "The largest value that stays.",
    "x_min": "The smallest value that stays.",
}
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class _FUNCTION:
    """Stands for the class of a layer where the kind of an argument is found."""
