"""Loops whose body is a graph of its own. Imports autodiff, interpret, reshaping and tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasnb import tree
from kerasnb.autodiff import GradientTape, pullback, zeros_like
from kerasnb.errors import ShapeError, UnknownDimension
from kerasnb.graph import Graph, inner_level
from kerasnb.interpret import function_of
from kerasnb.op import primitive
from kerasnb.ops.reshaping import stack
from kerasnb.spec import TensorSpec, is_float
from kerasnb.tensor import Tensor, apply, as_tensor, placeholder
from kerasnb.variable import StateScope, Variable, current_scope

__all__ = ["scan"]


def scan(
    f: Callable,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Any, Any]:
    """Run ``carry, y = f(carry, x)`` over the leading axis of `xs`, and stack the ys.

    Args:
        f: the body; it may use tensors and variables from outside.
        init: the first carry, a tensor or nested structure.
        xs: what to walk over, a tensor or nested structure with a common first axis.
        length: the number of steps, needed where `xs` is None.
        reverse: walk from the end; the ys still come in the order of the xs.
        unroll: accepted for Keras's sake; the result does not depend on it.

    Returns:
        The last carry, and the ys along a new first axis.

    Raises:
        UnknownDimension: neither `xs` nor `length` is given.
        ShapeError: the carry changes its shape or dtype from one step to the next.
    """
    init = tree.map_structure(as_tensor, init)
    xs = tree.map_structure(as_tensor, xs) if xs is not None else None
    leaves = tree.flatten(xs) if xs is not None else []
    count = leaves[0].shape[0] if leaves else length
    if count is None:
        raise UnknownDimension("scan: give length, or xs whose first axis has a known length.")
    if count and all(t.data is not None for t in (*leaves, *tree.flatten(init))):
        return _scan_eagerly(f, init, xs, count, reverse)
    return _scan_traced(f, init, xs, count, reverse)


def _scan_eagerly(f: Callable, carry: Any, xs: Any, count: int, reverse: bool) -> tuple[Any, Any]:
    ys = []
    for i in range(count)[:: -1 if reverse else 1]:
        x = None if xs is None else tree.map_structure(lambda t, i=i: t[i], xs)
        carry, y = f(carry, x)
        ys.append(y)
    if reverse:
        ys.reverse()
    return carry, tree.map_structure(lambda *steps: stack(steps), *ys)


class LoopScope(StateScope):
    """What the body of a loop reads and assigns: its own variables are carried from step to step.

    Args:
        outer: the scope around the loop, which gives all other variables.
        carried: the placeholders of the variables that the body assigns.
    """

    def __init__(self, outer: StateScope | None, carried: dict[Variable, Tensor]):
        super().__init__()
        self.outer, self.carried = outer, carried

    def read(self, variable: Variable) -> Tensor:
        """The value of `variable` at this point of the body."""
        if variable in self.writes:
            return self.writes[variable]
        if variable in self.carried:
            return self.carried[variable]
        return variable._value if self.outer is None else self.outer.read(variable)


class Body:
    """One trace of a loop's body with the variables that it is known to assign.

    Attributes:
        inputs: the placeholders of the carry, of the variables and of the xs.
        carry: the tensors of the next carry, then the next values of the variables.
        y: what the body gave to be stacked.
        writes: the variables that it assigned.
    """

    def __init__(self, f: Callable, init: Any, xs: Any, variables: list[Variable]):
        with inner_level() as self.level:
            carry = [placeholder(t.spec, f"carry{i}") for i, t in enumerate(tree.flatten(init))]
            state = [placeholder(v.spec, v.path) for v in variables]
            leaves = [] if xs is None else tree.flatten(xs)
            steps = [
                placeholder(t.spec.with_shape(t.shape[1:]), f"x{i}") for i, t in enumerate(leaves)
            ]
            scope = LoopScope(current_scope(), dict(zip(variables, state, strict=True)))
            x = None if xs is None else tree.pack_as(xs, steps)
            with scope.active():
                after, self.y = f(tree.pack_as(init, carry), x)
        self.inputs = [*carry, *state, *steps]
        self.carry = [as_tensor(t) for t in tree.flatten(after)]
        self.carry += [scope.writes[v] for v in variables]
        self.writes = list(scope.writes)


def _scan_traced(f: Callable, init: Any, xs: Any, count: int, reverse: bool) -> tuple[Any, Any]:
    body = Body(f, init, xs, [])
    if body.writes:  # only now is it known which variables have to be carried along
        body = Body(f, init, xs, body.writes)
    carries = tree.flatten(init) + [v.value for v in body.writes]
    leaves = tree.flatten(xs) if xs is not None else []
    for before, after in zip(carries, body.carry, strict=True):
        if before.spec != after.spec:
            raise ShapeError(
                f"scan: the carry starts as {before.spec} and becomes {after.spec}; the body must "
                "keep its shape and dtype."
            )
    y_out = [as_tensor(t) for t in tree.flatten(body.y)]
    outer = outer_tensors([*body.carry, *y_out], body.level, tuple(body.inputs))
    # the carry before each step is an output too: the gradient walks back from it
    own = body.inputs[: len(carries)]
    results = apply(
        _scan,
        *carries,
        *leaves,
        *outer,
        body=Graph([*body.inputs, *outer], [*body.carry, *y_out, *own]),
        carries=len(carries),
        xs=len(leaves),
        length=count,
        reverse=reverse,
    )
    last = results[: len(carries)]
    given = len(carries) - len(body.writes)
    for variable, value in zip(body.writes, last[given:], strict=True):
        variable.assign(value)
    ys = results[len(carries) : len(carries) + len(y_out)]
    return tree.pack_as(init, last[:given]), tree.pack_as(body.y, ys)


def outer_tensors(outputs: list, level: int, own: tuple) -> list:
    """The tensors from outside the body that `outputs` depend on, constants included."""
    found: dict[int, Tensor] = {}
    seen = {id(t) for t in own}
    stack_ = list(outputs)
    while stack_:
        tensor = stack_.pop()
        if type(tensor) is not Tensor or id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if tensor.data is not None or tensor.node.level < level:
            found[id(tensor)] = tensor
        else:
            stack_.extend(tensor.node.inputs)
    return list(found.values())


def _scan_spec(
    *specs: TensorSpec, body: Graph, carries: int, xs: int, length: int, reverse: bool
) -> tuple[TensorSpec, ...]:
    made = [t.spec for t in body.outputs]
    return (
        *made[:carries],
        *(s.with_shape((length, *s.shape)) for s in made[carries:]),
    )


def _scan_vjp(g, y, *inputs, body, carries, xs, length, reverse):
    """Walk back: each step repeats the body from its saved carry, and pulls the cotangents
    through."""
    leaves, outer = inputs[carries : carries + xs], inputs[carries + xs :]
    ys = len(y) - carries
    given = [i for i in range(ys) if g[carries + i] is not None]
    floats = [i for i, t in enumerate(outer) if is_float(t.dtype)]

    def back(carry, step):
        cotangents, totals = carry
        x, before, g_y = step
        g_ys = dict(zip(given, g_y, strict=True))
        with GradientTape() as tape:
            body_inputs = [*before, *x, *outer]
            outputs = replay(body, body_inputs)
        cotangents = [*cotangents, *(g_ys.get(i) for i in range(ys))]
        pulled = pullback(tape.nodes, outputs, cotangents, body_inputs)
        g_outer = pulled[carries + xs :]
        totals = [
            t if g_outer[i] is None else t + g_outer[i] for t, i in zip(totals, floats, strict=True)
        ]
        new = _or_zeros(pulled[:carries], before)
        return (new, totals), _or_zeros(pulled[carries : carries + xs], x)

    start = (_or_zeros(g[:carries], y[:carries]), [zeros_like(outer[i]) for i in floats])
    steps = (list(leaves), list(y[len(y) - carries :]), [g[carries + i] for i in given])
    (g_init, totals), g_xs = scan(back, start, steps, length=length, reverse=not reverse)
    g_outer = dict(zip(floats, totals, strict=True))
    return [*g_init, *g_xs, *(g_outer.get(i) for i in range(len(outer)))]


def _or_zeros(cotangents: Sequence, like: Sequence) -> list:
    return [zeros_like(t) if c is None else c for c, t in zip(cotangents, like, strict=True)]


def replay(graph: Graph, inputs: list) -> list:
    """Apply the nodes of `graph` again, to other inputs."""
    values = dict(zip((id(t) for t in graph.inputs), inputs, strict=True))
    for node in graph.nodes:
        arguments = [values.get(id(t), t) for t in node.inputs]
        result = apply(node.op, *arguments, **node.attrs)
        results = result if type(result) is tuple else (result,)
        values.update(zip((id(t) for t in node.outputs), results, strict=True))
    return [values.get(id(t), t) for t in graph.outputs]


@primitive("scan", kind="control", infer=_scan_spec, vjp=_scan_vjp)
def _scan(xp, *arrays, body, carries, xs, length, reverse):
    step = function_of(body, xp)
    carry, leaves, outer = arrays[:carries], arrays[carries : carries + xs], arrays[carries + xs :]
    ys = [xp.empty((length, *t.shape), t.dtype) for t in body.outputs[carries:]]
    for i in range(length)[:: -1 if reverse else 1]:
        results = step(*carry, *(x[i] for x in leaves), *outer)
        carry = results[:carries]
        for stacked, y in zip(ys, results[carries:], strict=True):
            stacked[i] = y
    return (*carry, *ys)
