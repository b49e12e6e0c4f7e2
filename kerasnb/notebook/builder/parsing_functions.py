"""Functions that code defines, and their calls: those that are given tensors become groups.

Imports parsing_expressions.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from kerasnb.notebook.builder.parsing_expressions import Expressions
from kerasnb.notebook.builder.parsing_values import (
    Env,
    Flatten,
    Function,
    Made,
    Scope,
    Stuck,
    Tensor,
    Unknown,
    tensors_in,
)

__all__ = ["Functions", "site_of"]

_CALLS = 20  # functions that call each other


def site_of(node: ast.AST) -> tuple:
    """Where something stands in the code, so that no two things have the same place."""
    return (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)


class Functions(Expressions):
    """Says what calls of functions stand for."""

    calls = 0  # that are being read, one within the other

    def run(self, statements: Sequence[ast.stmt]) -> Any:
        """Read statements."""
        raise NotImplementedError("Functions does not define run(statements).")

    def defaults(self, arguments: ast.arguments) -> dict[str, Any]:
        """The values that arguments of a function have unless they are given."""
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
        pairs = list(zip(reversed(names), reversed(arguments.defaults), strict=False))
        pairs += [
            (a.arg, d)
            for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if d is not None
        ]
        return {name: self.attempt(value) for name, value in pairs}

    def call_function(
        self, function: Function, args: list[Any], kwargs: dict[str, Any], node: ast.Call
    ) -> Any:
        """What a function of the code gives; one that is given tensors becomes a group."""
        given = self._given(function, args, kwargs, node.lineno)
        if self.calls >= _CALLS:
            raise Stuck(node.lineno, f"{function.name or 'A function'} calls itself too often.")
        self.calls += 1
        try:
            site = site_of(node)
            is_group = function.name and any(tensors_in(v) for v in given.values())
            if is_group and site not in self.flat:
                before = self.snapshot()
                try:
                    return self._group(function, given, site, node.lineno)
                except Flatten as flatten:
                    self.restore(before)
                    if site not in flatten.sites:
                        raise
                    self.flat.add(site)
            return self._body(function, given)
        finally:
            self.calls -= 1

    def _given(
        self, function: Function, args: list[Any], kwargs: dict[str, Any], line: int
    ) -> dict[str, Any]:
        """The arguments of a function by name."""
        arguments, name = function.node.args, function.name or "lambda"
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
        rest = tuple(args[len(names) :])
        if rest and arguments.vararg is None:
            text = f"{name} is given {len(args)} arguments by position and takes {len(names)}."
            raise Stuck(line, text)
        only = [a.arg for a in arguments.kwonlyargs]
        more = {k: v for k, v in kwargs.items() if k not in names and k not in only}
        kwargs = {k: v for k, v in kwargs.items() if k not in more}
        if more and arguments.kwarg is None:
            raise Stuck(line, f"{name} has no argument {next(iter(more))!r}.")
        found = {**function.defaults, **dict(zip(names, args, strict=False)), **kwargs}
        missing = [n for n in (*names, *only) if n not in found]
        if missing:
            raise Stuck(line, f"{name} needs a value for {missing[0]!r}.")
        if arguments.vararg is not None:
            found[arguments.vararg.arg] = rest
        if arguments.kwarg is not None:
            found[arguments.kwarg.arg] = more
        return found

    def _body(self, function: Function, given: Mapping[str, Any]) -> Any:
        """What the statements of a function give."""
        outer, self.env = self.env, Env(function.env)
        self.env.values = dict(given)
        try:
            if isinstance(function.node, ast.Lambda):
                return self.evaluate(function.node.body)
            signal = self.run(function.node.body)
        finally:
            self.env = outer
        value = signal[1] if isinstance(signal, tuple) else None
        if isinstance(value, Unknown):
            reason = self.reason(value)
            if isinstance(reason, Stuck):
                reason.makes_model = value.reason.makes_model
            raise reason
        return value

    def _group(self, function: Function, given: Mapping[str, Any], site: tuple, line: int) -> Any:
        """A call of a function as a group.

        Raises:
            Flatten: it gives something else than tensors.
        """
        outer, scope = self.scope, Scope("group", self.scope, site)
        reads: list[Tensor] = []

        def passed(value: Any) -> Any:
            if isinstance(value, Tensor):
                reads.append(self.seen(value))
                scope.inputs.append(Made("input", scope, line, self.count))
                return Tensor(scope.inputs[-1])
            if isinstance(value, (list, tuple)) and tensors_in(value):
                return type(value)(map(passed, value))
            return value

        inside = {name: passed(value) for name, value in given.items()}
        self.scope = scope
        try:
            result = self._body(function, inside)
            tensors = result if isinstance(result, (list, tuple)) else [result]
            for item in tensors:
                if isinstance(item, Unknown):
                    raise self.reason(item)
            if not tensors or not all(isinstance(t, Tensor) for t in tensors):
                raise Flatten([site])
            scope.outputs = [self.seen(t) for t in tensors]
        finally:
            self.scope = outer
        made = self.make(
            "group", line, reads=(*reads, *scope.imported), name=function.name, inner=scope
        )
        if isinstance(result, Tensor):
            return Tensor(made)
        return tuple(Tensor(made, k) for k in range(len(scope.outputs)))

    def snapshot(self) -> tuple:
        """What must be as it was if something is read once more."""
        scopes = [(s, len(s.inputs), dict(s.imports), len(s.imported)) for s in self.scope.chain()]
        return self.scope, self.env, self.count, scopes

    def restore(self, before: tuple) -> None:
        """Go back to what `snapshot` gave."""
        self.scope, self.env, self.count, scopes = before
        for scope, inputs, imports, imported in scopes:
            del scope.inputs[inputs:], scope.imported[imported:]
            scope.imports = imports
