"""What a loop need not do step by step: constants, products and sums. Imports loop_parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kerasnb.compile.loop_parts import Loop, Stacked
from kerasnb.graph import Node, topological
from kerasnb.op import OPS
from kerasnb.tensor import Tensor, apply

__all__ = ["outside"]

Term = Callable[[Stacked], Tensor]


def outside(loop: Loop, values: Stacked) -> list[Tensor]:
    """The loop without what does not depend on the step; with products of all steps at once, before
    it where they take no carry, after it where they only are results; and with sums after it."""
    given, before = [*loop.last, *loop.stacked], len(loop.stacked)
    _move_out(loop, values)
    for i in range(len(loop.carries)):
        _begin_with_first(loop, i, values)
    _multiply_before(loop, values)
    terms = {id(loop.last[i]): _sum_of(loop, i) for i in range(len(loop.carries))}
    terms |= {id(t): _product_after(loop, i, values) for i, t in enumerate(loop.stacked[:before])}
    terms = {key: term for key, term in terms.items() if term is not None}
    starts = {
        id(t): values.get(id(s), s) for t, (s, _) in zip(loop.last, loop.carries, strict=True)
    }
    loop.leave_out(terms)
    results = zip((*loop.last, *loop.stacked), loop.again(values), strict=True)
    found = {id(t): result for t, result in results}
    for key, term in terms.items():
        total = term(loop.made)
        found[key] = _added(starts[key], total) if key in starts else total
    return [found[id(t)] for t in given]


def _added(start: Tensor, total: Tensor) -> Tensor:
    zero = start.data is not None and not start.data.any()
    return total if zero else apply(OPS["add"], start, total)


def _move_out(loop: Loop, values: Stacked) -> None:
    """What depends on outer tensors alone is computed once."""
    fixed = {id(own) for _, own in loop.outer}
    moved: dict[int, Node] = {}
    read: list[Tensor] = []
    for node in loop.nodes():
        inputs = [t for t in node.inputs if type(t) is Tensor]
        if node.single and all(id(t) in fixed for t in inputs):
            fixed.add(id(node.outputs[0]))
            moved[id(node.outputs[0])] = node
        else:
            read += inputs
    known = {id(own): values.get(id(t), t) for t, own in loop.outer}
    inputs = [own for _, own in loop.outer]
    for tensor in {id(t): t for t in (*read, *loop.carry_out, *loop.ys)}.values():
        if id(tensor) not in moved:
            continue
        for node in topological([tensor], stop=inputs):
            if id(node.outputs[0]) not in known:
                given = [known.get(id(t), t) for t in node.inputs]
                known[id(node.outputs[0])] = apply(node.op, *given, **node.attrs)
        loop.outer.append((known[id(tensor)], tensor))


def _begin_with_first(loop: Loop, number: int, values: Stacked) -> None:
    """Where a carry only meets one of the xs, to be added to it, and that is zero in all steps but
    the first, the carry starts with the sum. So does the gradient of a loop's last output."""
    start, own = loop.carries[number]
    read = loop.read()
    for node in loop.nodes():
        if node.op is not OPS["add"] or not any(t is own for t in node.inputs):
            continue
        other = node.inputs[1] if node.inputs[0] is own else node.inputs[0]
        first = [t for t, x in loop.xs if x is other]
        first = _only_row(first[0], loop) if first else None
        once = sum(t is own or t is other for t in read) == 2
        if first is not None and once and other.spec == own.spec:
            row = apply(OPS["reshape"], values.get(id(first), first), shape=own.shape)
            start = _added(values.get(id(start), start), row)
            loop.carries[number] = (start, node.outputs[0])
        return


def _only_row(tensor: Tensor, loop: Loop) -> Tensor | None:
    """The row of the first step, if `tensor` is that with zeros for all others."""
    if tensor.node is None or tensor.node.op is not OPS["pad"] or tensor.node.attrs["value"] != 0:
        return None
    (source,), attrs = tensor.node.inputs, tensor.node.attrs
    first = loop.length - 1 if loop.reverse else 0
    whole = source.shape[1:] == tensor.shape[1:]
    return source if whole and source.shape[0] == 1 and attrs["low"][0] == first else None


def _multiply_before(loop: Loop, values: Stacked) -> None:
    """Products of the xs with outer tensors become xs themselves."""
    for node in loop.nodes():
        rows = {id(own): values.get(id(t), t) for t, own in loop.xs}
        needed: list[Tensor] = []
        term = _Sums(loop, needed).product_of_all(node, values)
        if term is not None and all(id(t) in rows for t in needed):
            loop.xs.append((term(rows), node.outputs[0]))


def _product_after(loop: Loop, number: int, values: Stacked) -> Term | None:
    """All rows of ys that are products with outer tensors, or sums of such, and nothing else reads;
    None if they are something else."""
    needed: list[Tensor] = []
    times = Counter(id(t) for t in loop.read())
    term = _Sums(loop, needed).every(loop.ys[number], values, times)
    for tensor in needed if term is not None else []:
        loop.row(tensor)
    return term


def _sum_of(loop: Loop, number: int) -> Term | None:
    """What a carry that only adds up comes to, beside its start; None if it does more."""
    own, after = loop.carries[number][1], loop.carry_out[number]
    read = loop.read()
    if sum(t is own for t in read) != 1 or after.node is None or after.node.op is not OPS["add"]:
        return None
    if sum(t is after for t in read) != 1 or id(after) in {id(t) for t in loop.inputs}:
        return None
    a, b = after.node.inputs
    if own is not a and own is not b:
        return None
    part = b if own is a else a
    if type(part) is not Tensor or part.spec != own.spec:
        return None
    needed: list[Tensor] = []
    term = _Sums(loop, needed).of(part)
    if term is not None:
        for tensor in needed:
            loop.row(tensor)
    return term


class _Sums:
    """Sums over the steps of what the body computes, as formulas of stacked tensors.

    Args:
        loop: the loop.
        needed: receives the tensors of the body that have to be stacked.
    """

    def __init__(self, loop: Loop, needed: list[Tensor]):
        self.needed, self.given = needed, {id(t) for t in loop.inputs}
        self.outer, self.fixed = loop.outer, {id(own) for _, own in loop.outer}

    def of(self, tensor: Tensor) -> Term | None:
        """The sum of `tensor` over all steps; None if it is no cheaper than adding step by step."""
        if id(tensor) in self.given:
            return None
        node = tensor.node
        rule = _RULES.get(node.op)
        return None if rule is None else rule(self, node)

    def stacked(self, tensor: Any) -> Term | None:
        """All rows of a tensor of the body; None if it is the same in every step."""
        if type(tensor) is not Tensor or id(tensor) in self.fixed:
            return None
        if id(tensor) not in self.given:
            node = tensor.node
            if node.op is OPS["transpose"] and self.stacked(node.inputs[0]) is not None:
                axes = (0, *_later(node.attrs["axes"]))
                return _applied(node.op, [self.stacked(node.inputs[0])], axes=axes)
            if node.op is OPS["reshape"] and self.stacked(node.inputs[0]) is not None:
                return self._reshaped(node)
        self.needed.append(tensor)
        return lambda rows: rows[id(tensor)]

    def _reshaped(self, node: Node) -> Term:
        source, shape = self.stacked(node.inputs[0]), node.attrs["shape"]
        return lambda rows: apply(node.op, (x := source(rows)), shape=(x.shape[0], *shape))

    def both(self, node: Node) -> Term | None:
        terms = [
            self.of(t) if type(t) is Tensor and t.spec == node.outputs[0].spec else None
            for t in node.inputs
        ]
        return None if None in terms else _applied(node.op, terms)

    def same(self, node: Node) -> Term | None:
        if node.attrs.get("value", 0) != 0:  # a pad with something else than zeros
            return None
        term = self.of(node.inputs[0])
        return None if term is None else _applied(node.op, [term], **node.attrs)

    def product(self, node: Node) -> Term | None:
        terms = [self.stacked(t) for t in node.inputs]
        if None in terms:
            return None
        contract, batch = node.attrs["contract"], node.attrs["batch"]
        contract = tuple((0, *_later(axes)) for axes in contract)
        batch = tuple(map(_later, batch))
        return _applied(node.op, terms, contract=contract, batch=batch)

    def every(self, tensor: Any, values: Stacked, times: Counter) -> Term | None:
        """A sum of products with outer tensors, for all steps at once.

        Args:
            tensor: the sum.
            values: what has become of the tensors outside, by id.
            times: how often the body reads each tensor, by id.

        Returns:
            None if it is something else, or is read by others, too.
        """
        if type(tensor) is not Tensor or id(tensor) in self.given or times[id(tensor)] != 1:
            return None
        node = tensor.node
        if node.op in _SUMS:
            terms = [self.every(t, values, times) for t in node.inputs]
            equal = all(type(t) is Tensor and t.spec == tensor.spec for t in node.inputs)
            return _applied(node.op, terms) if equal and None not in terms else None
        if node.op is OPS["transpose"]:
            term = self.every(node.inputs[0], values, times)
            axes = (0, *_later(node.attrs["axes"]))
            return None if term is None else _applied(node.op, [term], axes=axes)
        return self.product_of_all(node, values)

    def product_of_all(self, node: Node, values: Stacked) -> Term | None:
        """A product with an outer tensor, for all steps at once; None if it is something else."""
        if node.op is not OPS["dot_general"] or any(node.attrs["batch"]):
            return None
        a, b = node.inputs
        if (id(a) in self.fixed) == (id(b) in self.fixed):
            return None
        outer = {id(own): values.get(id(t), t) for t, own in self.outer}
        summed_a, summed_b = node.attrs["contract"]
        if id(b) in self.fixed:
            terms = [self.stacked(a), lambda _: outer[id(b)]]
            contract = (_later(summed_a), summed_b)
            return _applied(node.op, terms, contract=contract, batch=((), ()))
        terms = [lambda _: outer[id(a)], self.stacked(b)]
        contract = (summed_a, _later(summed_b))
        term = _applied(node.op, terms, contract=contract, batch=((), ()))
        rank, at = node.outputs[0].ndim, a.ndim - len(summed_a)  # where the steps are
        axes = (at, *(i for i in range(rank + 1) if i != at))
        return _applied(OPS["transpose"], [term], axes=axes)

    def total(self, node: Node) -> Term | None:
        term = self.stacked(node.inputs[0])
        axes = (0, *_later(node.attrs["axes"]))
        return None if term is None else _applied(node.op, [term], axes=axes)


def _later(axes: Sequence[int]) -> tuple[int, ...]:
    """Axes of a tensor as those of the stacked one."""
    return tuple(i + 1 for i in axes)


def _applied(op: Any, terms: Iterable[Term], **attrs: Any) -> Term:
    return lambda rows: apply(op, *(term(rows) for term in terms), **attrs)


_SUMS = {OPS[name] for name in ("add", "subtract", "negate")}
_RULES: dict[Any, Callable] = {
    OPS["add"]: _Sums.both,
    OPS["subtract"]: _Sums.both,
    OPS["negate"]: _Sums.same,
    OPS["reshape"]: _Sums.same,
    OPS["transpose"]: _Sums.same,
    OPS["pad"]: _Sums.same,
    OPS["dot_general"]: _Sums.product,
    OPS["reduce_sum"]: _Sums.total,
}
