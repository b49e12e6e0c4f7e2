"""The decorator under which elementwise functions are written. Imports op and tensor."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from kerasnb import op as declarations
from kerasnb.tensor import apply

__all__ = ["elementwise"]


def elementwise(name: str, **facts: Any) -> Callable[[Callable], Callable]:
    """Declare an elementwise op and give back its public function.

    The formula ``f(m, x, ...)`` becomes a function of ``(x, ...)``; its op is the attribute ``op``.
    See `kerasnb.op.elementwise` for the facts.
    """

    def declare(formula: Callable) -> Callable:
        op = declarations.elementwise(name, **facts)(formula)
        parameters = list(inspect.signature(formula).parameters.values())[1:]
        named = {p.name: i for i, p in enumerate(parameters) if p.kind is not p.KEYWORD_ONLY}

        @wraps(formula)
        def function(*inputs: Any, **attrs: Any) -> Any:
            if attrs and len(inputs) < len(named):  # inputs given by keyword
                inputs = inputs + tuple(attrs.pop(n) for n, i in named.items() if i >= len(inputs))
            return apply(op, *inputs, **attrs)

        function.__signature__ = inspect.Signature(parameters)
        function.op = op
        return function

    return declare
