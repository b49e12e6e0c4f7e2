"""Loops and choices: `while_loop`, `fori_loop`, `map`, `cond`, `switch`. Imports control and what
lies below.

On data they run as Python does. On symbolic tensors a loop is an op whose body is a graph, and of a
choice every branch is computed.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasnb import tree
from kerasnb.errors import ArgumentError, GraphError, ShapeError
from kerasnb.graph import Graph, inner_level
from kerasnb.interpret import function_of
from kerasnb.op import primitive
from kerasnb.ops.control import Body, LoopScope, outer_tensors, scan
from kerasnb.ops.elementwise import cast, clip, equal, logical_and, where
from kerasnb.ops.reshaping import broadcast_to, reshape
from kerasnb.spec import TensorSpec, broadcast_shapes, size_of
from kerasnb.tensor import Tensor, apply, as_tensor, placeholder
from kerasnb.variable import Variable, current_scope

__all__ = ["cond", "fori_loop", "map", "switch", "vectorize", "vectorized_map", "while_loop"]


# Choices


def cond(pred: Any, true_fn: Callable, false_fn: Callable) -> Any:
    """What one of two functions gives, as a condition says.

    Args:
        pred: a truth value. If it is symbolic, both functions are run and the results chosen by
            `where`: a NaN in the gradient of one that is not chosen is NaN all the same.
        true_fn: a function without arguments.
        false_fn: the same; it gives a structure, shapes and dtypes like the other's.
    """
    pred = as_tensor(pred)
    if pred.data is not None:
        return true_fn() if bool(pred) else false_fn()
    return switch(cast(pred, "int32"), [false_fn, true_fn])


def switch(index: Any, branches: Sequence[Callable], *operands: Any) -> Any:
    """What one of several functions gives, as a number says.

    Args:
        index: which function; below 0 it is the first, beyond the end the last. If it is symbolic,
            all are run and the results chosen by `where`, as in `cond`.
        branches: functions of `operands`, which all give one structure, shapes and dtypes.
        operands: the arguments.

    Raises:
        ArgumentError: there is no branch, or their structures differ.
    """
    if not branches:
        raise ArgumentError("switch: expected at least one branch, got none.")
    index = clip(cast(index, "int32"), 0, len(branches) - 1)
    if index.data is not None:
        return branches[int(index)](*operands)
    runs = [_run_apart(branch, operands) for branch in branches]
    first = runs[0][0]
    if builtins.any(tree.form(result) != tree.form(first) for result, _ in runs):
        raise ArgumentError("switch: the branches must give results of one structure.")
    for variable in dict.fromkeys(v for _, writes in runs for v in writes):
        values = [writes.get(variable, variable.value) for _, writes in runs]
        variable.assign(_chosen(index, values))
    leaves = [tree.flatten(result) for result, _ in runs]
    chosen = [_chosen(index, group) for group in zip(*leaves, strict=True)]
    return tree.pack_as(first, chosen)


def _run_apart(branch: Callable, operands: Sequence) -> tuple[Any, dict[Variable, Tensor]]:
    """What a branch gives, and what it assigns to variables, which keep their values."""
    scope = LoopScope(current_scope(), {})
    with scope.active():
        result = branch(*operands)
    return result, dict(scope.writes)


def _chosen(index: Tensor, values: Sequence) -> Any:
    if builtins.all(v is None for v in values):
        return None
    tensors = [as_tensor(v) for v in values]
    specs = {t.spec for t in tensors}
    if len(specs) > 1:
        found = ", ".join(sorted(str(s) for s in specs))
        raise ShapeError(f"switch: the branches must give one shape and dtype, got {found}.")
    result = tensors[0]
    for i, tensor in enumerate(tensors[1:], 1):
        result = where(equal(index, i), tensor, result)
    return result


# Loops


def while_loop(
    cond: Callable, body: Callable, loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Repeat `body` as long as `cond` holds.

    Args:
        cond: a function of the loop's variables that gives a truth value.
        body: a function of them that gives their next values, of the same shapes and dtypes.
        loop_vars: a list or tuple of tensors or nested structures, or a single one.
        maximum_iterations: how often at most; without end if None.

    Returns:
        The last values. There is no gradient through a loop on symbolic tensors, whose number of
        steps is not known; there is one through `fori_loop` and `scan`.

    Raises:
        ShapeError: a value changes its shape or dtype.
    """
    single = not isinstance(loop_vars, (list, tuple))
    state = (loop_vars,) if single else tuple(loop_vars)
    state = tree.map_structure(as_tensor, state)
    count = 0

    def result(state: tuple) -> Any:
        return state[0] if single else type(loop_vars)(state)

    while builtins.all(t.data is not None for t in tree.flatten(state)):
        if maximum_iterations is not None and count >= maximum_iterations:
            return result(state)
        going = as_tensor(cond(*state))
        if going.data is None:
            break
        if not bool(going):
            return result(state)
        state = _next(body, state, single)
        count += 1
    left = None if maximum_iterations is None else maximum_iterations - count
    return result(_while_traced(cond, body, state, left, single))


def _next(body: Callable, state: tuple, single: bool) -> tuple:
    made = body(*state)
    made = (made,) if single or not isinstance(made, (list, tuple)) else tuple(made)
    if tree.form(made) != tree.form(state):
        raise ArgumentError("while_loop: the body must give a structure like its arguments.")
    return tree.map_structure(as_tensor, made)


def _while_traced(
    cond: Callable, body: Callable, state: tuple, limit: int | None, single: bool
) -> tuple:
    counted = (as_tensor(0), state)

    def step(carry: tuple, x: Any) -> tuple:
        number, values = carry
        return (number + 1, _next(body, values, single)), []

    traced = Body(step, counted, None, [])
    if traced.writes:  # only now is it known which variables have to be carried along
        traced = Body(step, counted, None, traced.writes)
    carries = tree.flatten(counted) + [v.value for v in traced.writes]
    for before, after in zip(carries, traced.carry, strict=True):
        if before.spec != after.spec:
            raise ShapeError(
                f"while_loop: a variable starts as {before.spec} and becomes {after.spec}; the "
                "body must keep its shape and dtype."
            )
    test = _Condition(cond, counted, traced.writes, limit)
    outer = outer_tensors(traced.carry, traced.level, tuple(traced.inputs))
    results = apply(
        _while,
        *carries,
        *test.outer,
        *outer,
        cond=Graph([*test.inputs, *test.outer], [test.output]),
        body=Graph([*traced.inputs, *outer], traced.carry),
        carries=len(carries),
        tested=len(test.outer),
    )
    given = len(carries) - len(traced.writes)
    for variable, value in zip(traced.writes, results[given:], strict=True):
        variable.assign(value)
    return tree.pack_as(counted, results[:given])[1]


class _Condition:
    """One trace of a loop's condition.

    Attributes:
        inputs: the placeholders of the carry and of the variables.
        output: the truth value.
        outer: the tensors from outside that it depends on.
    """

    def __init__(self, cond: Callable, init: tuple, variables: list[Variable], limit: int | None):
        with inner_level() as level:
            carry = [placeholder(t.spec) for t in tree.flatten(init)]
            own = [placeholder(v.spec) for v in variables]
            scope = LoopScope(current_scope(), dict(zip(variables, own, strict=True)))
            number, state = tree.pack_as(init, carry)
            with scope.active():
                going = cast(cond(*state), "bool")
            self.output = going if limit is None else logical_and(number < limit, going)
        self.inputs = [*carry, *own]
        self.outer = outer_tensors([self.output], level, tuple(self.inputs))


def _while_spec(
    *specs: TensorSpec, cond: Graph, body: Graph, carries: int, tested: int
) -> tuple[TensorSpec, ...]:
    if cond.outputs[0].shape != ():
        raise ShapeError(f"while_loop: expected one truth value, got {cond.outputs[0].spec}.")
    return specs[:carries]


def _no_gradient(g: Any, y: Any, *inputs: Any, **attrs: Any) -> list:
    raise GraphError(
        "while_loop has no gradient on symbolic tensors: how many steps there will be is not "
        "known. Use ops.fori_loop or ops.scan."
    )


@primitive("while", kind="control", infer=_while_spec, vjp=_no_gradient)
def _while(xp, *arrays, cond, body, carries, tested):
    going, step = function_of(cond, xp), function_of(body, xp)
    carry, own, outer = (
        arrays[:carries],
        arrays[carries : carries + tested],
        arrays[carries + tested :],
    )
    while bool(going(*carry, *own)[0]):
        carry = step(*carry, *outer)
    return tuple(carry)


def fori_loop(lower: Any, upper: Any, body_fun: Callable, init_val: Any) -> Any:
    """Run ``value = body_fun(i, value)`` for the whole numbers from `lower` to before `upper`.

    Args:
        lower: the first number.
        upper: the number after the last.
        body_fun: gives a value of the same structure, shapes and dtypes.
        init_val: the first value, a tensor or nested structure.

    Returns:
        The last value. It has a gradient unless `lower` or `upper` is symbolic.
    """
    lower, upper = as_tensor(lower), as_tensor(upper)
    value = tree.map_structure(as_tensor, init_val)
    if lower.data is None or upper.data is None:
        lower, upper = cast(lower, "int32"), cast(upper, "int32")
        _, value = while_loop(
            lambda i, value: i < upper, lambda i, value: (i + 1, body_fun(i, value)), (lower, value)
        )
        return value
    numbers = np.arange(int(lower), int(upper), dtype="int32")
    if not len(numbers):
        return value
    return scan(lambda value, i: (body_fun(i, value), []), value, as_tensor(numbers))[0]


def map(f: Callable, xs: Any) -> Any:
    """What `f` gives for each slice along the first axis, stacked.

    Args:
        f: a function of a structure like `xs`, without its first axis.
        xs: a tensor, or a nested structure of tensors of one length.
    """
    return scan(lambda carry, x: (carry, f(x)), [], xs)[1]


def vectorized_map(function: Callable, elements: Any) -> Any:
    """What `function` gives for each slice along the first axis, stacked; the same as `map`."""
    return map(function, elements)


def vectorize(pyfunc: Callable, *, excluded: Any = None, signature: str | None = None) -> Callable:
    """A function that applies `pyfunc` to the elements of tensors, which broadcast together.

    Args:
        pyfunc: a function of scalars, or of tensors with the axes that `signature` names.
        excluded: positions or names of arguments that are given to it as they are.
        signature: axes that belong to one call, for example ``"(n),(n)->()"``.

    Returns:
        A function of tensors with any axes before.

    Raises:
        ArgumentError: `signature` cannot be read, or names another number of arguments.
    """
    apart = set(excluded or ())
    cores = None if signature is None else _core_ranks(signature)

    def vectorized(*args: Any, **kwargs: Any) -> Any:
        places = [i for i in range(len(args)) if i not in apart]
        names = [k for k in kwargs if k not in apart]
        tensors = [as_tensor(args[i]) for i in places] + [as_tensor(kwargs[k]) for k in names]
        ranks = [0] * len(tensors) if cores is None else cores
        if len(ranks) != len(tensors):
            raise ArgumentError(
                f"vectorize: {signature!r} names {len(ranks)} arguments, got {len(tensors)}."
            )
        lead = broadcast_shapes((), *(t.shape[: t.ndim - r] for t, r in zip(tensors, ranks)))  # noqa: B905
        flat = [
            reshape(
                broadcast_to(t, (*lead, *t.shape[t.ndim - r :])),
                (size_of(lead), *t.shape[t.ndim - r :]),
            )
            for t, r in zip(tensors, ranks, strict=True)
        ]

        def once(slices: list) -> Any:
            given, named = list(args), dict(kwargs)
            for i, value in zip(places, slices, strict=False):
                given[i] = value
            for k, value in zip(names, slices[len(places) :], strict=True):
                named[k] = value
            return tree.map_structure(as_tensor, pyfunc(*given, **named))

        made = map(once, flat)
        return tree.map_structure(lambda t: reshape(t, (*lead, *t.shape[1:])), made)

    return vectorized


def _core_ranks(signature: str) -> list[int]:
    """How many axes of each argument belong to one call: "(n,m),()->(n)" gives [2, 0]"""
    left, arrow, _ = signature.replace(" ", "").partition("->")
    terms = left[1:-1].split("),(")
    if not arrow or not left.startswith("(") or not left.endswith(")"):
        raise ArgumentError(f"vectorize: {signature!r} cannot be read; expected '(n),(n)->()'.")
    return [len([name for name in term.split(",") if name]) for term in terms]
