"""Gradients of one's own, and derivatives forward. Imports autodiff, op and tensor."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from kerasnb import tree
from kerasnb.autodiff import GradientTape, pullback, zeros_like
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.op import primitive
from kerasnb.ops.elementwise import stop_gradient
from kerasnb.ops.reduce import sum
from kerasnb.spec import TensorSpec, is_float
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = ["custom_gradient", "jvp"]


def _own_gradient_vjp(g, y, *inputs, grad, outputs):
    cotangents = [zeros_like(t) if c is None else c for c, t in zip(g, y, strict=True)]
    found = grad(*cotangents)
    found = list(found) if isinstance(found, (list, tuple)) else [found]
    given = inputs[outputs:]
    if len(found) != len(given):
        raise ArgumentError(
            f"custom_gradient: expected a gradient for each of {len(given)} arguments, got "
            f"{len(found)}."
        )
    return [None] * outputs + [None if c is None else as_tensor(c) for c in found]


def _own_gradient_spec(*specs: TensorSpec, grad: Callable, outputs: int) -> tuple:
    return specs[:outputs]


@primitive("custom_gradient", kind="control", infer=_own_gradient_spec, vjp=_own_gradient_vjp)
def _own_gradient(xp, *arrays, grad, outputs):
    """The first arrays as they are; the others are here for the gradient."""
    return arrays[:outputs]


def custom_gradient(f: Callable) -> Callable:
    """A function like `f`, with the gradient that `f` gives along with its result.

    Args:
        f: gives ``(result, grad)``. `grad` takes the cotangent of the result, or of each if there
            are several (by position, or as ``upstream``), and gives that of each argument.

    Returns:
        A function that gives the result. Nothing but its arguments gets a gradient.

    Example:
        >>> import kerasnb
        >>> @custom_gradient
        ... def doubled_slope(x):
        ...     return x * x, lambda upstream: upstream * 4 * x
        >>> float(kerasnb.grad(doubled_slope)(3.0))
        12.0
    """

    @wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        tensors = [as_tensor(a) for a in args]
        result, grad = f(*tensors, **kwargs)
        leaves = [stop_gradient(t) for t in tree.flatten(result)]
        by_name = _takes_only_upstream(grad)

        def pulled(*cotangents: Tensor) -> Any:
            return grad(upstream=cotangents[0]) if by_name else grad(*cotangents)

        outputs = apply(_own_gradient, *leaves, *tensors, grad=pulled, outputs=len(leaves))
        return tree.pack_as(result, outputs)

    return function


def _takes_only_upstream(grad: Callable) -> bool:
    """Whether the function has to be given its cotangent by the name Keras uses."""
    parameters = inspect.signature(grad).parameters.values()
    positional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    first = next(iter(parameters), None)
    named = any(p.name == "upstream" for p in parameters)
    return named and (first.kind not in positional or first.kind is first.VAR_POSITIONAL)


def jvp(fun: Callable, primals: Sequence, tangents: Sequence, has_aux: bool = False) -> tuple:
    """The value of `fun`, and how fast it changes where its arguments do.

    Args:
        fun: a function of tensors, or of nested structures of them.
        primals: its arguments.
        tangents: for each the direction of change, of the same structure and shapes.
        has_aux: whether `fun` gives ``(value, anything)``.

    Returns:
        The value and its derivative in that direction; then what else `fun` gave.

    Raises:
        ShapeError: a tangent has not the shape of its argument.
    """
    arguments = [as_tensor(t) for t in tree.flatten(list(primals))]
    directions = [as_tensor(t) for t in tree.flatten(list(tangents))]
    if [t.shape for t in arguments] != [t.shape for t in directions]:
        raise ShapeError(
            f"jvp: expected tangents of the shapes {[t.shape for t in arguments]}, got "
            f"{[t.shape for t in directions]}."
        )
    # the pullback is linear in the cotangent: its own derivative is the forward one
    with GradientTape() as outer:
        with GradientTape() as inner:
            result = fun(*tree.pack_as(list(primals), arguments))
        value = result[0] if has_aux else result
        outputs = [as_tensor(t) for t in tree.flatten(value)]
        cotangents = [zeros_like(t) for t in outputs]
        pulled = pullback(inner.nodes, outputs, cotangents, arguments)
        total = as_tensor(0.0)
        for cotangent, direction in zip(pulled, directions, strict=True):
            if cotangent is not None:
                total = total + sum(cotangent * direction)
    found = outer.gradient(total, cotangents)
    moved = [
        zeros_like(t) if c is None or not is_float(t.dtype) else c
        for c, t in zip(found, outputs, strict=True)
    ]
    answer = tree.pack_as(value, outputs), tree.pack_as(value, moved)
    return (*answer, result[1]) if has_aux else answer
