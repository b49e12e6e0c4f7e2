"""Differentiation: pullbacks over a list of nodes, the gradient tape, `grad` and `value_and_grad`.

The vector-Jacobian products are written in ops, so the same code runs on arrays, adds nodes to a
trace, and differentiates again. Imports tensor, variable and what lies below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasnb import tree
from kerasnb.errors import ArgumentError, DTypeError, ShapeError
from kerasnb.graph import Node, recorders
from kerasnb.op import OPS
from kerasnb.spec import is_float
from kerasnb.tensor import Operators, Tensor, apply, as_tensor
from kerasnb.variable import Variable

__all__ = ["GradientTape", "grad", "pullback", "value_and_grad"]


def pullback(
    nodes: Sequence[Node],
    outputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    sources: Sequence[Tensor],
) -> list[Tensor | None]:
    """Carry `cotangents` of `outputs` back to `sources`.

    Args:
        nodes: what was computed, in order.
        outputs: tensors made by the nodes.
        cotangents: for each output a tensor of its shape, or None for zero.
        sources: the tensors whose cotangents are wanted.

    Returns:
        For each source its cotangent, or None where no output depends on it.
    """
    useful = {id(s) for s in sources}
    path = []
    for node in nodes:
        if _passes(node, useful):
            path.append(node)
            useful.update(id(t) for t in node.outputs if is_float(t.spec.dtype))
    found = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if cotangent is not None:
            _accumulate(found, output, cotangent)
    wanted = {id(s) for s in sources}
    for node in reversed(path):
        # a node's outputs are made once: behind it their cotangents are complete, and no longer
        # needed
        g = [found.get(id(t)) if id(t) in wanted else found.pop(id(t), None) for t in node.outputs]
        if all(v is None for v in g):
            continue
        for tensor, cotangent in _node_cotangents(node, g, useful):
            _accumulate(found, tensor, cotangent)
    return [found.get(id(s)) for s in sources]


def _passes(node: Node, useful: set) -> bool:
    """Whether a cotangent can go through a node to what is useful."""
    rules = node.op.vjp
    if rules is None or callable(rules):
        return rules is not None and any(id(t) in useful for t in node.inputs)
    pairs = zip(node.inputs, rules, strict=True)
    return any(rule is not None and id(t) in useful for t, rule in pairs)


def _node_cotangents(node: Node, g: list, useful: set) -> list[tuple[Tensor, Any]]:
    op, inputs = node.op, node.inputs
    y = node.outputs
    if node.single:
        g, y = g[0], y[0]
    elif not callable(op.vjp):
        g = tuple(zeros_like(t) if v is None else v for v, t in zip(g, y, strict=True))
    if callable(op.vjp):
        pairs = zip(inputs, op.vjp(g, y, *inputs, **node.attrs), strict=True)
        return [(t, c) for t, c in pairs if c is not None and id(t) in useful]
    pairs = []
    for tensor, rule in zip(inputs, op.vjp, strict=True):
        if rule is None or id(tensor) not in useful:
            continue
        cotangent = rule(g, y, *inputs, **node.attrs)
        if op.kind == "elementwise":
            cotangent = _sum_to(cotangent, tensor)
        pairs.append((tensor, cotangent))
    return pairs


def _accumulate(found: dict, tensor: Tensor, cotangent: Any) -> None:
    present = found.get(id(tensor))
    found[id(tensor)] = cotangent if present is None else apply(OPS["add"], present, cotangent)


def _sum_to(cotangent: Any, tensor: Tensor) -> Tensor:
    """Undo broadcasting: sum over the axes along which `tensor` was repeated."""
    if type(cotangent) is not Tensor:  # a formula may come out as a plain number
        cotangent = as_tensor(cotangent, tensor.dtype)
    shape = tensor.spec.shape
    if cotangent.spec.shape == shape:
        return cotangent
    extra = cotangent.ndim - len(shape)
    if extra < 0 or any(
        d != 1 and d != c for d, c in zip(shape, cotangent.shape[extra:], strict=True)
    ):
        return apply(OPS["broadcast_in_dim"], cotangent, shape=shape)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, d in enumerate(shape) if d == 1 and cotangent.shape[extra + i] != 1
    )
    total = apply(OPS["reduce_sum"], cotangent, axes=axes)
    return total if total.spec.shape == shape else apply(OPS["reshape"], total, shape=shape)


def zeros_like(tensor: Tensor) -> Tensor:
    """Zeros of the shape and dtype of `tensor`."""
    zero = as_tensor(0.0, tensor.dtype)
    return apply(OPS["broadcast_in_dim"], zero, shape=tensor.spec.shape)


class GradientTape:
    """Records the ops that run inside a ``with`` block, and differentiates them.

    Example:
        >>> import kerasnb
        >>> x = kerasnb.Variable(3.0)
        >>> with kerasnb.GradientTape() as tape:
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._tokens: list = []

    def __enter__(self) -> GradientTape:
        self._tokens.append(recorders.set((*recorders.get(), self.nodes)))
        return self

    def __exit__(self, *_: object) -> None:
        recorders.reset(self._tokens.pop())

    def watch(self, tensor: Any) -> None:
        """Does nothing: every tensor is watched. Here because TensorFlow's tape has it."""

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None) -> Any:
        """The gradient of `target` with respect to each of `sources`.

        Args:
            target: a float tensor, or a nested structure of them, of which the sum is meant.
            sources: a tensor or variable, or a nested structure of them.
            output_gradients: the cotangent of each target; ones if not given.

        Returns:
            A structure like `sources`; None where the target does not depend on a source.

        Raises:
            DTypeError: a target is not of a float type.
        """
        targets = [as_tensor(t) for t in tree.flatten(target)]
        for t in targets:
            if not is_float(t.dtype):
                raise DTypeError(f"Only float tensors have gradients, got the target {t.spec}.")
        if output_gradients is None:
            cotangents = [ones_like(t) for t in targets]
        else:
            cotangents = [as_tensor(g) for g in tree.flatten(output_gradients)]
        tensors = [_tensor_of(s) for s in tree.flatten(sources)]
        return tree.pack_as(sources, pullback(list(self.nodes), targets, cotangents, tensors))


def ones_like(tensor: Tensor) -> Tensor:
    """Ones of the shape and dtype of `tensor`."""
    one = as_tensor(1.0, tensor.dtype)
    return apply(OPS["broadcast_in_dim"], one, shape=tensor.spec.shape) if tensor.ndim else one


def _tensor_of(source: Any) -> Tensor:
    if isinstance(source, Operators):
        return source.value if isinstance(source, Variable) else source
    raise ArgumentError(
        f"Gradients are taken with respect to tensors and variables, got {type(source).__name__}. "
        "Make it a tensor with kerasnb.ops.convert_to_tensor before the tape starts."
    )


def value_and_grad(
    fun: Callable,
    argnums: int | Sequence[int] = 0,
    *,
    variables: Sequence[Variable] | None = None,
    has_aux: bool = False,
) -> Callable:
    """A function that gives the value of `fun` and its gradient.

    Args:
        fun: a function of ops that returns a scalar float tensor.
        argnums: the position, or positions, of the arguments (nested structures allowed) with
            respect to which to differentiate.
        variables: differentiate with respect to these instead.
        has_aux: `fun` returns ``(value, anything)``; only the value is differentiated.

    Returns:
        A function of the same arguments: ``(value, gradient)``, or ``((value, aux), gradient)``. A
        gradient is zeros where the value does not depend on the argument or variable.

    Raises:
        ShapeError: the value is not a scalar.

    Example:
        >>> import kerasnb
        >>> value, slope = kerasnb.value_and_grad(lambda x: x ** 3)(2.0)
        >>> float(value), float(slope)
        (8.0, 12.0)
    """

    def wrapped(*args: Any, **kwargs: Any) -> tuple:
        positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        args = list(args)
        if variables is None:
            for i in positions:
                args[i] = tree.map_structure(_float_tensor, args[i])
        with GradientTape() as tape:
            result = fun(*args, **kwargs)
        value = as_tensor(result[0] if has_aux else result)
        if value.shape != ():
            raise ShapeError(
                f"Expected a scalar to differentiate, got {value.spec}. Reduce it with "
                "kerasnb.ops.sum or kerasnb.ops.mean."
            )
        if variables is not None:
            sources = list(variables)
        else:
            sources = (
                args[argnums] if isinstance(argnums, int) else tuple(args[i] for i in positions)
            )
        gradients = tape.gradient(value, sources)
        filled = [
            zeros_like(_tensor_of(s)) if g is None else g
            for g, s in zip(tree.flatten(gradients), tree.flatten(sources), strict=True)
        ]
        return result, tree.pack_as(sources, filled)

    return wrapped


def grad(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable:
    """A function that gives the gradient of the scalar function `fun`; see `value_and_grad`.

    Example:
        >>> import kerasnb
        >>> float(kerasnb.grad(kerasnb.grad(lambda x: x ** 3))(2.0))
        12.0
    """

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result, gradient = value_and_grad(fun, argnums, has_aux=has_aux)(*args, **kwargs)
        return (gradient, result[1]) if has_aux else gradient

    return wrapped


def _float_tensor(value: Any) -> Tensor:
    tensor = as_tensor(value)
    if not is_float(tensor.dtype):
        raise DTypeError(f"Only float arguments have gradients, got {tensor.spec}.")
    return tensor
