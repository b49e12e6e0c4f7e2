"""Statements of code that is read, loops among them. Imports parsing_functions.

A statement that cannot be read leaves the variables it sets unknown, and is passed over.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from kerasnb.notebook.builder.parsing_functions import Functions, site_of
from kerasnb.notebook.builder.parsing_names import canonical, everything, member
from kerasnb.notebook.builder.parsing_values import (
    Flatten,
    Function,
    LayerClass,
    LayerValue,
    LoopIndex,
    Made,
    ModelValue,
    Module,
    Scope,
    Stuck,
    Tensor,
    Unknown,
)

__all__ = ["Reader"]


_IDLE = 20  # passes through a loop that makes nothing, such as one that trains


class Reader(Functions):
    """Reads code from its first statement to its last.

    Attributes:
        models: the models that got a name at the top level, and why others could not be read, in
            order.
    """

    def __init__(self, known: Mapping[str, type], flat: set[tuple]):
        super().__init__(known, flat)
        self.models: list[ModelValue | Unknown] = []

    def run(self, statements: Sequence[ast.stmt]) -> Any:
        """Read statements.

        Returns:
            None at their end; ``("return", value)``, ``"break"`` or ``"continue"`` if they end so.
        """
        for statement in statements:
            self.spend(statement.lineno)
            signal = self._read_statement(statement)
            if signal is not None:
                return signal
        return None

    def _read_statement(self, node: ast.stmt) -> Any:
        if self.depth >= 60:
            self.poison([node], Stuck(node.lineno, "This is nested too deeply to be read."))
            return None
        self.depth += 1
        try:
            handler = getattr(self, f"do_{type(node).__name__.lower()}", None)
            if handler is not None:
                return handler(node)
            self.poison([node], Stuck(node.lineno, "Such a statement is not read here."))
        except Stuck as stuck:
            self.poison([node], stuck)
        finally:
            self.depth -= 1
        return None

    def snapshot(self) -> tuple:
        return (super().snapshot(), dict(self.env.values), len(self.models))

    def restore(self, before: tuple) -> None:
        graph, values, models = before
        super().restore(graph)
        self.env.values = values
        del self.models[models:]

    # Variables

    def assign(self, target: ast.expr, value: Any) -> None:
        """Give a value to what stands on the left of ``=``."""
        if isinstance(target, ast.Name):
            self.env.values[target.id] = value
            if self.env is self.module:
                self._note(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target.elts, value, target.lineno)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value)
            if isinstance(owner, (LayerValue, ModelValue)) and target.attr == "trainable":
                self.guard(owner.scope)
                owner.settings["trainable"] = self.plain(value, target.lineno, "trainable")
        elif isinstance(target, ast.Subscript):
            owner = self.evaluate(target.value)
            if isinstance(owner, (list, dict)):
                self.guard(self.birth(owner))
                index = self.constant(self.evaluate(target.slice), target.lineno)
                if not isinstance(index, (str, int)):
                    raise Stuck(target.lineno, "Such an index is not read here.")
                self.computed(target.lineno, owner.__setitem__, index, value)

    def _note(self, value: Any) -> None:
        if isinstance(value, ModelValue):
            self.models = [m for m in self.models if m is not value]
            self.models.append(value)
        elif isinstance(value, Unknown) and value.reason.makes_model:
            self.models.append(value)

    def _unpack(self, targets: Sequence[ast.expr], value: Any, line: int) -> None:
        if isinstance(value, Unknown):
            for target in targets:
                self.assign(target, value)
            return
        starred = [i for i, t in enumerate(targets) if isinstance(t, ast.Starred)]
        if isinstance(value, Tensor):
            items: list[Any] = list(self.outputs_of(value, len(targets), line))
        else:
            items = self.passes(value, line)
        if starred:
            place, after = starred[0], len(targets) - starred[0] - 1
            end = len(items) - after
            if end < place:
                raise Stuck(line, f"There are {len(items)} values for {len(targets)} names.")
            items = [*items[:place], items[place:end], *items[end:]]
        if len(items) != len(targets):
            raise Stuck(line, f"There are {len(items)} values for {len(targets)} names.")
        for target, item in zip(targets, items, strict=True):
            self.assign(target.value if isinstance(target, ast.Starred) else target, item)

    def poison(self, nodes: Sequence[ast.AST], reason: Stuck) -> None:
        """Forget what statements would have set, and the models that they would have changed."""
        unknown = Unknown(reason)
        for node in (inner for outer in nodes for inner in ast.walk(outer)):
            self.spend(reason.line)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.env.values[node.id] = unknown
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                self.env.values[node.name] = unknown
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                self._spoil(node.func, reason)
        if reason.makes_model and self.env is self.module:
            self.models.append(unknown)

    def _spoil(self, method: ast.Attribute, reason: Stuck) -> None:
        """Let a model, or a list, be unknown on which a method is called that changes it."""
        owner = self.env.find(method.value.id) if isinstance(method.value, ast.Name) else None
        if isinstance(owner, ModelValue) and method.attr in ("add", "pop"):
            self.guard(owner.scope)
            owner.broken = owner.broken or reason
        elif isinstance(owner, list) and method.attr in ("append", "extend", "insert", "pop"):
            self.guard(self.birth(owner))
            owner[:] = [Unknown(reason)]

    # Simple statements

    def do_assign(self, node: ast.Assign) -> None:
        value = self.attempt(node.value)
        for target in node.targets:
            self.assign(target, value)

    def do_annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.attempt(node.value))

    def do_augassign(self, node: ast.AugAssign) -> None:
        if not isinstance(node.target, ast.Name):
            raise Stuck(node.lineno, "Such an assignment is not read here.")
        name = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        left, right = self.evaluate(name), self.evaluate(node.value)
        self.assign(node.target, self.operate(type(node.op).__name__, left, right, node.lineno))

    def do_expr(self, node: ast.Expr) -> None:
        value = self.evaluate(node.value)
        if self.env is self.module and value not in self.models:
            self._note(value)

    def do_return(self, node: ast.Return) -> tuple:
        return ("return", None if node.value is None else self.attempt(node.value))

    def do_pass(self, node: ast.stmt) -> None:
        """Nothing."""

    do_global = do_nonlocal = do_assert = do_raise = do_delete = do_pass

    def do_break(self, node: ast.Break) -> str:
        return "break"

    def do_continue(self, node: ast.Continue) -> str:
        return "continue"

    def do_import(self, node: ast.Import) -> None:
        for alias in node.names:
            path = canonical(alias.name)
            if alias.asname:
                self.env.values[alias.asname] = Module(path)
            else:
                first = alias.name.split(".")[0]
                self.env.values[first] = Module(canonical(first))

    def do_importfrom(self, node: ast.ImportFrom) -> None:
        path = canonical(node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.env.values |= everything(path)
                continue
            value = member(path, alias.name)
            own = self.known.get(alias.name)
            if own is not None and isinstance(value, Module):
                value = LayerClass(own)
            self.env.values[alias.asname or alias.name] = value

    # Definitions

    def do_functiondef(self, node: ast.FunctionDef) -> None:
        inner = (n for statement in node.body for n in ast.walk(statement))
        if any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in inner):
            raise Stuck(node.lineno, f"{node.name} is a generator, which is not read here.")
        defaults = self.defaults(node.args)
        self.env.values[node.name] = Function(node, self.env, node.name, defaults)

    def do_classdef(self, node: ast.ClassDef) -> None:
        if node.name not in self.known:
            text = f"{node.name} is a class of your own: run the cell that defines it first."
            self.env.values[node.name] = Unknown(Stuck(node.lineno, text))

    # Branches

    def do_if(self, node: ast.If) -> Any:
        try:
            holds = self.truth(self.evaluate(node.test), node.lineno)
        except Stuck as stuck:
            self.poison([*node.body, *node.orelse], stuck)
            return None
        return self.run(node.body if holds else node.orelse)

    def do_with(self, node: ast.With) -> Any:
        for item in node.items:
            if item.optional_vars is not None:
                self.poison([item.optional_vars], Stuck(node.lineno, "This is not run here."))
        return self.run(node.body)

    def do_try(self, node: ast.Try) -> Any:
        for statements in (node.body, node.orelse, node.finalbody):
            signal = self.run(statements)
            if signal is not None:
                return signal
        return None

    # Loops

    def do_for(self, node: ast.For) -> Any:
        site = site_of(node)
        steps = self.attempt(node.iter)
        count = len(steps) if isinstance(steps, range) and len(steps[:1001]) <= 1000 else 0
        can_repeat = count and isinstance(node.target, ast.Name) and not node.orelse
        if can_repeat and site not in self.flat:
            before = self.snapshot()
            try:
                self._repeat(node, count, site)
                return None
            except Flatten as flatten:
                self.restore(before)
                if site not in flatten.sites:
                    raise
                self.flat.add(site)
        if isinstance(steps, Unknown):
            raise Stuck(steps.reason.line, steps.reason.text)
        changes = self.changes
        for number, step in enumerate(self.passes(steps, node.lineno)):
            if number == _IDLE and self.changes == changes:
                raise Stuck(node.lineno, "This loop makes no layers, so it is not read to its end.")
            self.assign(node.target, step)
            signal = self.run(node.body)
            if signal == "break":
                return None
            if isinstance(signal, tuple):
                return signal
        return self.run(node.orelse)

    def _repeat(self, node: ast.For, count: int, site: tuple) -> None:
        """Read a loop as a repeat.

        Raises:
            Flatten: it is none.
        """
        first, stored = _first_reads(node.body)
        carried = [n for n in sorted(first & stored) if self.env.has(n)]
        if len(carried) != 1 or not isinstance(self.env.find(carried[0]), Tensor):
            raise Flatten([site])
        (name,) = carried
        outer, given = self.scope, self.seen(self.env.find(name))
        scope = Scope("repeat", outer, site)
        scope.inputs.append(Made("input", scope, node.lineno, self.count))
        self.env.values[name] = Tensor(scope.inputs[0])
        self.env.values[node.target.id] = LoopIndex(site)
        self.scope = scope
        if self.run(node.body) is not None:
            raise Flatten([site])
        made = self.env.find(name)
        if isinstance(made, Tensor):
            scope.outputs = [self.seen(made)]
            self.scope = outer
            repeat = self.make("repeat", node.lineno, reads=(given,), inner=scope, count=count)
            made = Tensor(repeat)
        elif not isinstance(made, Unknown):
            raise Flatten([site])
        self.scope = outer
        gone = Unknown(Stuck(node.lineno, "This was made in a loop."), site)
        for other in (*stored, node.target.id):
            self.env.values[other] = gone
        self.env.values[name] = made

    def do_while(self, node: ast.While) -> None:
        raise Stuck(node.lineno, "How often this loop is passed is not known.")


def _first_reads(statements: Sequence[ast.stmt]) -> tuple[set[str], set[str]]:
    """The names that statements read before they set them, and all that they set."""
    reads = _Reads()
    reads.all(statements)
    return reads.first, reads.stored


class _Reads:
    """Looks at statements in the order in which they are carried out."""

    def __init__(self) -> None:
        self.first: set[str] = set()
        self.stored: set[str] = set()
        self.sure: set[str] = set()  # what has been set by then, whatever happened

    def all(self, nodes: Sequence[ast.AST]) -> None:
        """Look at several, one after the other."""
        for node in nodes:
            self.at(node)

    def at(self, node: ast.AST) -> None:
        """Look at a statement or an expression."""
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                self.stored.add(node.id)
                self.sure.add(node.id)
            elif node.id not in self.sure:
                self.first.add(node.id)
        elif isinstance(node, ast.Assign):
            self.all([node.value, *node.targets])
        elif isinstance(node, ast.AugAssign):
            self.at(node.value)
            if isinstance(node.target, ast.Name) and node.target.id not in self.sure:
                self.first.add(node.target.id)
            self.at(node.target)
        elif isinstance(node, ast.For):
            self.all([node.iter, node.target, *node.body, *node.orelse])
        elif isinstance(node, ast.If):
            self.at(node.test)
            before = set(self.sure)
            self.all(node.body)
            after, self.sure = self.sure, before
            self.all(node.orelse)
            self.sure &= after
        else:
            self.all(list(ast.iter_child_nodes(node)))
            if isinstance(node, ast.FunctionDef):
                self.stored.add(node.name)
                self.sure.add(node.name)
