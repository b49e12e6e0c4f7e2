"""Loops made cheaper, graph to graph: for every engine. Imports pieces, passes and what lies below.

A scan does in each step only what a step has to do. What a step computes from outer tensors alone
moves out; sums over all steps, such as the gradients of weights, become one sum after the loop; the
loop of a gradient reads what the loop before it has computed, instead of computing it again; and
what nobody reads is not computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

from kerasnb.compile.passes import rebuilt, share_common
from kerasnb.compile.pieces import by_parts
from kerasnb.graph import Graph, Node, topological
from kerasnb.op import OPS
from kerasnb.tensor import Tensor, apply

__all__ = ["improve_loops"]

SCAN = OPS["scan"]
VIEWS = {OPS[name] for name in ("reshape", "transpose", "broadcast_in_dim", "slice")}
# computed again sooner than kept
CHEAP = {OPS[name] for name in ("add", "subtract", "multiply", "negate")}

Stacked = dict[int, Tensor]
Term = Callable[[Stacked], Tensor]


def improve_loops(graph: Graph) -> Graph:
    """The graph with cheaper loops; the same graph if it has none."""
    if not any(node.op is SCAN for node in graph.nodes):
        return graph
    graph = rebuilt(graph, _with_better_body)
    graph = without_unused(remembering(rebuilt(graph, _last_row)))
    graph = rebuilt(graph, lambda node, values: node.op is SCAN and _outside(Loop(node), values))
    return without_unused(share_common(graph))


def _with_better_body(node: Node, values: Stacked) -> Any:
    if node.op is not SCAN:
        return None
    loop = Loop(node)
    body = improve_loops(share_common(by_parts(node.attrs["body"])))
    n = len(loop.carries)
    loop.carry_out, loop.ys = list(body.outputs[:n]), list(body.outputs[n:])
    return loop.again(values)


class Loop:
    """A scan taken apart, to be changed and made again.

    A tensor that the body computes becomes an input of it just by being listed as one.

    Attributes:
        carries, xs, outer: pairs of a tensor from outside and the body's input for it.
        carry_out: the next carry, tensors of the body.
        ys: what is stacked, tensors of the body.
        last, stacked: the results of the scan: the last carry, and the stacked ys.
        made: by the id of a tensor of the body, the stacked one after `again`.
    """

    def __init__(self, node: Node):
        attrs = node.attrs
        self.length, self.reverse = attrs["length"], attrs["reverse"]
        body, n, m = attrs["body"], attrs["carries"], attrs["carries"] + attrs["xs"]
        pairs = list(zip(node.inputs, body.inputs, strict=True))
        self.carries, self.xs, self.outer = pairs[:n], pairs[n:m], pairs[m:]
        self.carry_out, self.ys = list(body.outputs[:n]), list(body.outputs[n:])
        self.last, self.stacked = list(node.outputs[:n]), list(node.outputs[n:])
        self.made: Stacked = {}

    @property
    def inputs(self) -> list[Tensor]:
        """The inputs of the body."""
        return [own for _, own in (*self.carries, *self.xs, *self.outer)]

    def nodes(self) -> list[Node]:
        """The nodes of the body, in order."""
        return topological([*self.carry_out, *self.ys], stop=self.inputs)

    def read(self) -> list[Any]:
        """What the nodes of the body read, and what it gives, as often as it does."""
        return [t for node in self.nodes() for t in node.inputs] + self.carry_out + self.ys

    def row(self, tensor: Tensor) -> None:
        """Have a tensor of the body stacked, if it is not one of the xs or stacked already."""
        known = [own for _, own in self.xs] + self.ys
        if not any(tensor is t for t in known):
            self.ys.append(tensor)
            self.stacked.append(tensor)

    def leave_out(self, results: Container[int]) -> None:
        """Neither carry nor stack what gives these results, by id."""
        carried = list(zip(self.carries, self.carry_out, self.last, strict=True))
        stacked = list(zip(self.ys, self.stacked, strict=True))
        carried = [c for c in carried if id(c[2]) not in results]
        stacked = [y for y in stacked if id(y[1]) not in results]
        self.carries, self.carry_out, self.last = ([c[i] for c in carried] for i in range(3))
        self.ys, self.stacked = ([y[i] for y in stacked] for i in range(2))

    def again(self, values: Stacked) -> list[Tensor]:
        """Make the scan; gives its results: `last`, then `stacked`.

        Args:
            values: what has become of the tensors outside, by id.
        """
        pairs = [*self.carries, *self.xs, *self.outer]
        outside = [values.get(id(t), t) for t, _ in pairs]
        n, m = len(self.carries), len(self.carries) + len(self.xs)
        results = apply(
            SCAN, *outside, body=Graph(self.inputs, [*self.carry_out, *self.ys]), carries=n,
            xs=m - n, length=self.length, reverse=self.reverse,
        )  # fmt: skip
        self.made = {id(own): t for (_, own), t in zip(self.xs, outside[n:m], strict=True)}
        self.made |= {id(own): t for own, t in zip(self.ys, results[n:], strict=True)}
        return list(results)


# What nobody reads


def without_unused(graph: Graph) -> Graph:
    """The graph with loops that compute only what is read."""
    used = {id(t) for t in graph.outputs}
    loops: dict[int, tuple] = {}
    for node in reversed(graph.nodes):
        if not any(id(t) in used for t in node.outputs):
            continue
        if node.op is SCAN:
            loop = Loop(node)
            before = [*loop.last, *loop.stacked]
            _drop(loop, used)
            loops[id(node)] = (loop, before)
            used.update(id(t) for t, _ in (*loop.carries, *loop.xs, *loop.outer))
        else:
            used.update(id(t) for t in node.inputs)

    def change(node: Node, values: Stacked) -> Any:
        if id(node) not in loops:
            return None
        loop, before = loops[id(node)]
        results = loop.again(values)
        named = zip((*loop.last, *loop.stacked), results, strict=True)
        made = {id(t): result for t, result in named}
        made |= {id(t): loop.made[id(own)] for t, own in loop.twice}
        return [made.get(id(t)) for t in before]

    return rebuilt(graph, change)


def _drop(loop: Loop, used: set[int]) -> None:
    """Leave out of `loop` what `used` does not need. `loop.twice` are results that are also made
    as another, or are one of the xs."""
    known = {id(own) for _, own in loop.xs}
    loop.twice, ys = [], []
    for result, own in zip(loop.stacked, loop.ys, strict=True):
        if id(result) not in used:
            continue
        (loop.twice if id(own) in known else ys).append((result, own))
        known.add(id(own))
    live = {i for i, t in enumerate(loop.last) if id(t) in used}
    while True:
        outputs = [*(loop.carry_out[i] for i in sorted(live)), *(own for _, own in ys)]
        needed = _reached(outputs, loop.inputs)
        more = {i for i, (_, own) in enumerate(loop.carries) if id(own) in needed}
        if more <= live:
            break
        live |= more
    needed |= {id(own) for _, own in loop.twice}
    order = sorted(live)
    loop.carries = [loop.carries[i] for i in order]
    loop.carry_out = [loop.carry_out[i] for i in order]
    loop.last = [loop.last[i] for i in order]
    loop.xs = [pair for pair in loop.xs if id(pair[1]) in needed]
    loop.outer = [pair for pair in loop.outer if id(pair[1]) in needed]
    loop.stacked, loop.ys = [t for t, _ in ys], [own for _, own in ys]


def _reached(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> set[int]:
    """The ids of what `outputs` are computed from, themselves included."""
    nodes = topological(outputs, stop=inputs)
    return {id(t) for t in (*outputs, *(t for node in nodes for t in node.inputs))}


def _last_row(node: Node, values: Stacked) -> list[Tensor] | None:
    """The row of the last step of what is stacked, if the carry holds it anyway."""
    scan = node.inputs[0].node if node.op is OPS["slice"] else None
    if scan is None or scan.op is not SCAN:
        return None
    loop, source = Loop(scan), node.inputs[0]
    last = 0 if loop.reverse else loop.length - 1
    if (node.attrs["start"][0], node.outputs[0].shape) != (last, (1, *source.shape[1:])):
        return None
    owns = [own for t, own in zip(loop.stacked, loop.ys, strict=True) if t is source]
    for result, own in zip(loop.last, loop.carry_out, strict=True):
        if owns and own is owns[0]:
            return [apply(OPS["reshape"], values.get(id(result), result), shape=(1, *own.shape))]
    return None


# What an earlier loop has computed


def remembering(graph: Graph) -> Graph:
    """The graph with loops that read what an earlier one has computed of the same rows."""
    loops: dict[int, Loop] = {}
    saved: dict[int, list] = {}
    for node in graph.nodes:
        if node.op is not SCAN:
            continue
        loop, saved[id(node)] = Loop(node), []
        for earlier in loops.values():
            if earlier.length == loop.length:
                saved[id(node)] += [(earlier, *pair) for pair in _remembered(loop, earlier)]
        loops[id(node)] = loop

    def change(node: Node, values: Stacked) -> Any:
        if id(node) not in loops:
            return None
        loop, count = loops[id(node)], len(node.outputs)
        known = {id(own): earlier.made[id(theirs)] for earlier, own, theirs in saved[id(node)]}
        loop.xs = [(known.get(id(own), t), own) for t, own in loop.xs]
        return loop.again(values)[:count]

    return rebuilt(graph, change)


def _remembered(loop: Loop, earlier: Loop) -> list[tuple[Tensor, Tensor]]:
    """Pairs of a tensor of the body of `loop` and of `earlier`, which has the latter stacked from
    now on."""
    same = _same(loop, earlier)
    given = {id(t) for t in loop.inputs}
    nodes = loop.nodes()
    read = [t for n in nodes if id(n.outputs[0]) not in same for t in n.inputs]
    wanted: dict[int, Tensor] = {}
    for tensor in (*read, *loop.carry_out, *loop.ys):
        if type(tensor) is Tensor:
            tensor = _origin(tensor, given)
            if id(tensor) in same and id(tensor) not in given:
                wanted[id(tensor)] = tensor
    kept = {key for key, t in wanted.items() if t.node.op not in CHEAP}

    def at_hand(tensor: Any) -> bool:
        if type(tensor) is not Tensor:
            return True
        tensor = _origin(tensor, given)
        return id(tensor) in given or id(tensor) in kept

    for node in nodes:
        key = id(node.outputs[0])
        if key in wanted and key not in kept and not all(map(at_hand, node.inputs)):
            kept.add(key)
    pairs = [(t, same[key]) for key, t in wanted.items() if key in kept]
    for own, theirs in pairs:
        earlier.row(theirs)
        loop.xs.append((own, own))  # until it is known what it is outside
    return pairs


def _same(loop: Loop, earlier: Loop) -> Stacked:
    """By the id of a tensor in the body of `loop`, the one of `earlier` with the same value in the
    step of the same row."""
    rows = {id(t): own for t, own in earlier.xs}
    rows |= {id(t): own for t, own in zip(earlier.stacked, earlier.ys, strict=True)}
    same = {id(own): rows[id(t)] for t, own in loop.xs if id(t) in rows}
    if not same:
        return {}
    outer = {id(t): own for t, own in earlier.outer}
    same |= {id(own): outer[id(t)] for t, own in loop.outer if id(t) in outer}
    themselves = {id(t): t for node in earlier.nodes() for t in node.inputs if type(t) is Tensor}
    made = {_key(node, themselves): node for node in earlier.nodes()}
    for node in loop.nodes():
        other = made.get(_key(node, same))
        if other is not None and node.single:
            same[id(node.outputs[0])] = other.outputs[0]
    return same


def _key(node: Node, names: Stacked) -> tuple:
    """What a node computes, its inputs given by those of which `names` knows that they are the
    same."""
    inputs = [
        id(names.get(id(t), node)) if type(t) is Tensor else (type(t), repr(t)) for t in node.inputs
    ]
    return (id(node.op), tuple(inputs), tuple(node.attrs.items()))


def _origin(tensor: Tensor, given: set[int]) -> Tensor:
    """What a view is taken of."""
    while id(tensor) not in given and tensor.node.op in VIEWS:
        tensor = tensor.node.inputs[0]
    return tensor


# What can be done outside


def _outside(loop: Loop, values: Stacked) -> list[Tensor]:
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
