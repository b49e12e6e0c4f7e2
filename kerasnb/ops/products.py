"""Products of matrices and tensors, all of one primitive. Imports reshaping, op and tensor."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.op import Sample, primitive
from kerasnb.ops.elementwise import cast, sqrt, square
from kerasnb.ops.half import through_float32
from kerasnb.ops.reduce import sum
from kerasnb.ops.reshaping import (
    broadcast_to,
    expand_dims,
    moveaxis,
    reshape,
    squeeze,
    stack,
    transpose,
)
from kerasnb.spec import TensorSpec, broadcast_shapes, normalize_axis, size_of
from kerasnb.tensor import Operators, Tensor, apply, as_tensor

__all__ = [
    "cdist", "cross", "dot", "einsum", "inner", "kron", "matmul", "outer", "tensordot", "vdot",
]  # fmt: skip


def _dot_spec(a: TensorSpec, b: TensorSpec, *, contract: tuple, batch: tuple) -> TensorSpec:
    for left, right in zip((*batch[0], *contract[0]), (*batch[1], *contract[1]), strict=True):
        m, n = a.shape[left], b.shape[right]
        if m != n and None not in (m, n):
            raise ShapeError(
                f"Product of {a.shape} and {b.shape}: axis {left} of the first has length {m}, "
                f"axis {right} of the second {n}; they must be equal."
            )
    shared = tuple(
        a.shape[i] if a.shape[i] is not None else b.shape[j] for i, j in zip(*batch, strict=True)
    )
    free = tuple(a.shape[i] for i in _free(a.ndim, contract[0], batch[0]))
    return a.with_shape(
        shared + free + tuple(b.shape[i] for i in _free(b.ndim, contract[1], batch[1]))
    )


def _free(ndim: int, contract: tuple, batch: tuple) -> tuple:
    return tuple(i for i in range(ndim) if i not in contract and i not in batch)


def _dot_vjp_a(g, y, a, b, *, contract, batch):
    # g is (batch, free a, free b): contract it with b's free axes, and put the axes back in place
    free_a, free_b = _free(a.ndim, contract[0], batch[0]), _free(b.ndim, contract[1], batch[1])
    k = len(batch[0])
    g_batch = tuple(range(k))
    g_free_b = tuple(range(k + len(free_a), g.ndim))
    # what is left of b are the contracted axes, in the order of b
    summed = tuple(i for _, i in sorted(zip(contract[1], contract[0], strict=True)))
    return _placed(g, b, (g_free_b, free_b), (g_batch, batch[1]), batch[0], free_a, summed)


def _dot_vjp_b(g, y, a, b, *, contract, batch):
    free_a, free_b = _free(a.ndim, contract[0], batch[0]), _free(b.ndim, contract[1], batch[1])
    k = len(batch[0])
    g_batch = tuple(range(k))
    g_free_a = tuple(range(k, k + len(free_a)))
    summed = tuple(i for _, i in sorted(zip(contract[0], contract[1], strict=True)))
    return _placed(a, g, (free_a, g_free_a), (batch[0], g_batch), batch[1], summed, free_b)


def _placed(
    left: Tensor,
    right: Tensor,
    contract: tuple,
    batch: tuple,
    shared: tuple,
    own: tuple,
    rest: tuple,
) -> Tensor:
    """A product with its axes in places that are known: `shared` of the batch, `own` of `left`,
    `rest` of `right`."""
    if own and rest and own[-1] > rest[-1]:
        # the other way round, so that neighbours along the last axis are neighbours in memory
        left, right, own, rest = right, left, rest, own
        contract, batch = contract[::-1], batch[::-1]
    product = apply(_dot_general, left, right, contract=contract, batch=batch)
    places = (*shared, *own, *rest)
    return transpose(product, [places.index(i) for i in range(len(places))])


@primitive(
    "dot_general",
    kind="contract",
    infer=_dot_spec,
    vjp=[_dot_vjp_a, _dot_vjp_b],
    casts="promote",
    samples=[
        Sample(((3, 4), (4, 5)), {"contract": ((1,), (0,)), "batch": ((), ())}),
        Sample(((4, 3), (5, 4)), {"contract": ((0,), (1,)), "batch": ((), ())}),
        Sample(((2, 3, 4), (4, 5)), {"contract": ((2,), (0,)), "batch": ((), ())}),
        Sample(((2, 3, 4), (2, 5, 4)), {"contract": ((2,), (2,)), "batch": ((0,), (0,))}),
        Sample(((3, 4, 2), (2, 4, 3)), {"contract": ((1, 0), (1, 2)), "batch": ((), ())}),
        Sample(((2, 3, 4, 2), (4, 2, 2)), {"contract": ((2,), (0,)), "batch": ((0, 3), (2, 1))}),
    ],
)
@through_float32
def _dot_general(xp, a, b, *, contract, batch):
    """Sum over the axes `contract`, keep the axes `batch` in step; the result is (batch, a, b)."""
    (ca, cb), (ba, bb) = contract, batch
    if not ba and len(ca) == 1 and a.ndim == 2 and b.ndim == 2:  # what a Dense layer does
        return xp.matmul(a if ca[0] else a.T, b.T if cb[0] else b)
    free_a, free_b = _free(a.ndim, ca, ba), _free(b.ndim, cb, bb)
    shared = tuple(a.shape[i] for i in ba)
    rows, columns = tuple(a.shape[i] for i in free_a), tuple(b.shape[i] for i in free_b)
    inner = size_of(tuple(a.shape[i] for i in ca))
    left = xp.transpose(a, (*ba, *free_a, *ca)).reshape((*shared, size_of(rows), inner))
    right = xp.transpose(b, (*bb, *cb, *free_b)).reshape((*shared, inner, size_of(columns)))
    return xp.matmul(left, right).reshape(shared + rows + columns)


def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product over the last two axes; the leading ones broadcast. That of int8 is int32.

    Raises:
        ShapeError: the inner dimensions differ, or one input is a scalar.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(f"matmul: expected at least one axis each, got {a.spec} and {b.spec}.")
    if a.dtype == b.dtype == "int8":  # as Keras has it: 16 products overflow
        a, b = cast(a, "int32"), cast(b, "int32")
    if b.ndim <= 2:
        return apply(_dot_general, a, b, contract=((a.ndim - 1,), (0,)), batch=((), ()))
    if a.ndim == 1:
        return squeeze(matmul(expand_dims(a, 0), b), -2)
    lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = broadcast_to(a, (*lead, *a.shape[-2:]))
    b = broadcast_to(b, (*lead, *b.shape[-2:]))
    axes = tuple(range(len(lead)))
    return apply(_dot_general, a, b, contract=((len(lead) + 1,), (len(lead),)), batch=(axes, axes))


def dot(x1: Any, x2: Any) -> Tensor:
    """The sum over the last axis of the first and the second-to-last of the second (NumPy's
    dot)."""
    a, b = as_tensor(x1), as_tensor(x2)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    axis = 0 if b.ndim == 1 else b.ndim - 2
    return apply(_dot_general, a, b, contract=((a.ndim - 1,), (axis,)), batch=((), ()))


def tensordot(x1: Any, x2: Any, axes: int | Sequence = 2) -> Tensor:
    """The sum of products over `axes`: a number of axes, or a pair of lists of them."""
    a, b = as_tensor(x1), as_tensor(x2)
    if isinstance(axes, int):
        left, right = range(a.ndim - axes, a.ndim), range(axes)
    else:
        left, right = ((s,) if isinstance(s, int) else s for s in axes)
    left = tuple(normalize_axis(i, a.ndim) for i in left)
    right = tuple(normalize_axis(i, b.ndim) for i in right)
    return apply(_dot_general, a, b, contract=(left, right), batch=((), ()))


def outer(x1: Any, x2: Any) -> Tensor:
    """Every product of an element of the first with one of the second."""
    a, b = reshape(x1, (-1,)), reshape(x2, (-1,))
    return expand_dims(a, 1) * expand_dims(b, 0)


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Einstein's summation, for example ``einsum("bij,bjk->bik", a, b)``.

    Operands are multiplied from left to right. A letter that occurs twice in one operand is not
    supported; an ellipsis stands for leading axes.

    Raises:
        ArgumentError: the subscripts do not fit the operands.
    """
    tensors = [as_tensor(t) for t in operands]
    terms, output = _parse_einsum(subscripts, tensors)
    result, letters = tensors[0], terms[0]
    for i, (tensor, term) in enumerate(zip(tensors[1:], terms[1:], strict=True), 1):
        later = set(output).union(*terms[i + 1 :])
        result, letters = _einsum_pair(result, letters, tensor, term, later)
    gone = [i for i, c in enumerate(letters) if c not in output]
    if gone:
        result, letters = sum(result, gone), [c for c in letters if c in output]
    return transpose(result, [letters.index(c) for c in output])


def _einsum_pair(a: Tensor, la: list, b: Tensor, lb: list, later: set) -> tuple[Tensor, list]:
    for tensor, own, other in (
        (a, la, lb),
        (b, lb, la),
    ):  # letters of one side only, summed at once
        gone = [i for i, c in enumerate(own) if c not in other and c not in later]
        if gone:
            kept = [c for c in own if c in other or c in later]
            if own is la:
                a, la = sum(tensor, gone), kept
            else:
                b, lb = sum(tensor, gone), kept
    shared = [c for c in la if c in lb and c in later]
    inner = [c for c in la if c in lb and c not in later]
    product = apply(
        _dot_general,
        a,
        b,
        contract=(tuple(la.index(c) for c in inner), tuple(lb.index(c) for c in inner)),
        batch=(tuple(la.index(c) for c in shared), tuple(lb.index(c) for c in shared)),
    )
    rest = [c for c in la if c not in lb] + [c for c in lb if c not in la]
    return product, shared + rest


def _parse_einsum(subscripts: str, tensors: list) -> tuple[list, list]:
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ArgumentError(
            f"einsum {subscripts!r}: {len(terms)} terms for {len(tensors)} tensors."
        )
    dots = 0
    for term, tensor in zip(terms, tensors, strict=True):
        if "..." in term:
            dots = builtins.max(dots, tensor.ndim - (len(term) - 3))
    lead = [chr(ord("α") + i) for i in range(dots)]
    parsed = []
    for term, tensor in zip(terms, tensors, strict=True):
        head, ellipsis, tail = term.partition("...")
        count = tensor.ndim - len(head) - len(tail)
        letters = [*head, *(lead[dots - count :] if ellipsis else []), *tail]
        if len(letters) != tensor.ndim or len(set(letters)) != len(letters):
            raise ArgumentError(f"einsum {subscripts!r}: term {term!r} does not fit {tensor.spec}.")
        parsed.append(letters)
    if arrow:
        head, ellipsis, tail = right.partition("...")
        output = [*head, *(lead if ellipsis else []), *tail]
    else:
        every = [c for term in parsed for c in term]
        output = lead + sorted(c for c in set(every) if every.count(c) == 1 and c not in lead)
    return parsed, output


def inner(x1: Any, x2: Any) -> Tensor:
    """The sums of products over the last axis of both."""
    a, b = as_tensor(x1), as_tensor(x2)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return tensordot(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of the products of all elements, in order."""
    return tensordot(reshape(x1, (-1,)), reshape(x2, (-1,)), 1)


def kron(x1: Any, x2: Any) -> Tensor:
    """Kronecker's product: the second tensor in place of each element of the first, times it."""
    a, b = as_tensor(x1), as_tensor(x2)
    rank = builtins.max(a.ndim, b.ndim)
    m = (1,) * (rank - a.ndim) + a.shape
    n = (1,) * (rank - b.ndim) + b.shape
    # (m1, m2, ..) and (n1, n2, ..) -> (m1, n1, m2, n2, ..) -> (m1 n1, m2 n2, ..)
    wide = reshape(a, [d for i in m for d in (i, 1)]) * reshape(b, [d for i in n for d in (1, i)])
    return reshape(wide, [i * j for i, j in zip(m, n, strict=True)])


def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The cross product of vectors of length 3; one of length 2 lies in the plane of the others.

    Args:
        x1: a tensor.
        x2: a tensor; the two broadcast, but for the vectors.
        axisa: where the vectors of `x1` lie.
        axisb: where the vectors of `x2` lie.
        axisc: where those of the result are to lie. If all have length 2, there is no such axis,
            and only the third element is given.
        axis: in place of all three.

    Raises:
        ShapeError: the vectors are neither of length 2 nor 3.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    if {a.shape[-1], b.shape[-1]} - {2, 3}:
        raise ShapeError(f"cross: expected vectors of length 2 or 3, got {a.shape} and {b.shape}.")
    flat = a.shape[-1] == b.shape[-1] == 2
    (a1, a2, a3), (b1, b2, b3) = _components(a), _components(b)
    third = a1 * b2 - a2 * b1
    if flat:
        return third
    return moveaxis(stack([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, third], -1), -1, axisc)


def _components(x: Tensor) -> list[Tensor]:
    """The three components of vectors along the last axis; the third may be 0."""
    parts = [x[..., i] for i in range(x.shape[-1])]
    return parts if len(parts) == 3 else [*parts, parts[0] * 0]


def cdist(x: Any, y: Any) -> Tensor:
    """The distance of each row of `x` from each row of `y`: (.., M, F), (.., N, F) -> (.., M, N).

    Raises:
        ShapeError: there are no rows, or they are of different lengths.
    """
    x, y = as_tensor(x), as_tensor(y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"cdist: expected rows of one length, got {x.shape} and {y.shape}.")
    apart = expand_dims(x, -2) - expand_dims(y, -3)
    return sqrt(sum(square(apart), -1))


Operators._matmul = staticmethod(matmul)
