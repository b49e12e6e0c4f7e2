"""Op declarations: what an operation is, once, as data. Imports spec, text, config and errors.

Everything else is an interpreter of a declaration: eager execution calls `Op.impl`, tracing adds a
node, differentiation reads `Op.vjp`, a compiler renders `Op.impl` of an elementwise op with symbols
in place of arrays. To add an op, write one function under `elementwise` or `primitive`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from kerasnb import config
from kerasnb.errors import DTypeError, GraphError, ShapeError
from kerasnb.spec import TensorSpec, broadcast_shapes, is_float, promote
from kerasnb.text import takes_numbers

__all__ = [
    "KINDS", "OPS", "Op", "Sample", "Signature", "common_dtype", "elementwise", "primitive",
    "scalar_like",
]  # fmt: skip

KINDS = (
    "elementwise", "reduce", "shape", "contract", "window", "index", "random", "control", "library",
)  # fmt: skip

OPS: dict[str, Op] = {}
"""Every declared op by name."""

_MEMO_LIMIT = 4096  # entries per op: bounds memory when shapes never repeat


class Sample(NamedTuple):
    """One example of an op's use, from which the generic op tests are built.

    Attributes:
        inputs: a shape per input (filled with seeded random numbers), an array, or a Python scalar.
        attrs: the keyword attributes.
        low: smallest random value of an input.
        high: largest random value of an input.
    """

    inputs: tuple
    attrs: Mapping = MappingProxyType({})
    low: float = -2.0
    high: float = 2.0


class Signature(NamedTuple):
    """What an op makes of given input specs.

    Attributes:
        outputs: one `TensorSpec`, or a tuple of them.
        casts: for each input the dtype to which it is converted first, or None.
    """

    outputs: TensorSpec | tuple[TensorSpec, ...]
    casts: tuple[str | None, ...] | None


class Op:
    """A primitive operation on arrays.

    Attributes:
        name: its name in graphs; StableHLO's where that has the operation.
        kind: one of `KINDS`; compilers and tests ask this, never the name.
        impl: ``impl(xp, *arrays, **attrs)``, the computation on arrays of the module `xp`. Of an
            elementwise op it is also the formula: `xp` may be any namespace of mathematics.
        infer: ``infer(*specs, **attrs)``, the output spec; raises before any work.
        vjp: one formula ``(g, y, *inputs, **attrs)`` per input, or None where there is no gradient;
            or a single callable that returns the list of all.
        samples: examples for the generic tests.
    """

    __slots__ = ("_memo", "impl", "infer", "kind", "name", "resolve", "samples", "vjp")

    def __init__(
        self,
        name: str,
        kind: str,
        impl: Callable,
        infer: Callable | None = None,
        vjp: Sequence[Callable | None] | Callable | None = None,
        samples: Sequence[Sample] = (),
        resolve: Callable | None = None,
    ):
        if kind not in KINDS:
            raise GraphError(f"Op {name!r}: kind {kind!r} is none of {', '.join(KINDS)}.")
        if name in OPS:
            raise GraphError(f"Op {name!r} is declared twice.")
        self.name, self.kind, self.impl, self.infer = name, kind, impl, infer
        self.vjp, self.samples = vjp, tuple(samples)
        self.resolve = resolve or self._resolve_plain
        self._memo: dict = {}
        OPS[name] = self

    def signature(self, specs: tuple, attrs: dict) -> Signature:
        """The memoised signature for input specs (or the types of Python scalars) and attributes.

        Raises:
            ShapeError: the shapes do not fit.
            DTypeError: the data types do not fit.
        """
        key = (specs, *attrs.items()) if attrs else specs
        found = self._memo.get(key)
        if found is None:
            if any(isinstance(s, TensorSpec) and s.dtype == "string" for s in specs):
                raise takes_numbers(self.name)
            found = self.resolve(specs, attrs)
            if len(self._memo) >= _MEMO_LIMIT:
                self._memo.clear()
            self._memo[key] = found
        return found

    def __reduce__(self) -> tuple:
        return op_named, (self.name,)  # a copy of a declaration is the declaration

    def _resolve_plain(self, specs: tuple, attrs: dict) -> Signature:
        return Signature(self.infer(*specs, **attrs), None)

    def __repr__(self) -> str:
        return f"Op({self.name})"


def op_named(name: str) -> Op:
    """The declared op of this name."""
    return OPS[name]


def _forget_signatures() -> None:
    for op in OPS.values():
        op._memo.clear()


config.on_floatx_change(_forget_signatures)


def elementwise(
    name: str,
    *,
    inputs: str = "promote",
    output: str = "same",
    vjp: Sequence[Callable | None],
    samples: Sequence[Sample] = (),
) -> Callable[[Callable], Op]:
    """Declare an elementwise op by its formula ``f(m, *x, **attrs)`` over a namespace `m`.

    Args:
        name: the op's name.
        inputs: what the inputs are converted to: ``"promote"`` (their common dtype), ``"number"``
            (the same, bool becoming int32), ``"float"`` (the same, integers becoming `floatx`),
            ``"bool"``, ``"any"`` (left alone), or ``"select"`` (bool, then two promoted).
        output: ``"same"`` as the converted inputs, ``"bool"``, or ``"attr"`` (the attribute
            `dtype`).
        vjp: the formula of each input's gradient; sums over broadcast axes are added by itself.
        samples: examples for the generic tests.
    """

    def declare(impl: Callable) -> Op:
        def resolve(specs: tuple, attrs: dict) -> Signature:
            return _resolve_elementwise(name, inputs, output, specs, attrs)

        return Op(name, "elementwise", impl, None, tuple(vjp), samples, resolve)

    return declare


def primitive(
    name: str,
    *,
    kind: str,
    infer: Callable,
    vjp: Sequence[Callable | None] | Callable | None = None,
    samples: Sequence[Sample] = (),
    casts: str | None = None,
) -> Callable[[Callable], Op]:
    """Declare an op by its implementation ``impl(xp, *arrays, **attrs)`` and its shape rule.

    Args:
        name: the op's name.
        kind: one of `KINDS`.
        infer: ``infer(*specs, **attrs)`` gives the output spec or raises.
        vjp: one formula per input, or one callable for all.
        samples: examples for the generic tests.
        casts: ``"promote"`` or ``"float"`` to convert all inputs to a common dtype first.
    """

    def declare(impl: Callable) -> Op:
        resolve = None
        if casts is not None:

            def resolve(specs: tuple, attrs: dict) -> Signature:
                dtype = common_dtype(specs, casts)
                outputs = infer(*(s.with_dtype(dtype) for s in specs), **attrs)
                return Signature(outputs, _needed_casts(specs, (dtype,) * len(specs)))

        rules = vjp if vjp is None or callable(vjp) else tuple(vjp)
        return Op(name, kind, impl, infer, rules, samples, resolve)

    return declare


def _resolve_elementwise(
    name: str, inputs: str, output: str, specs: tuple, attrs: dict
) -> Signature:
    tensors = [s for s in specs if isinstance(s, TensorSpec)]
    try:
        shape = broadcast_shapes(*(s.shape for s in tensors)) if tensors else ()
    except ShapeError as error:
        raise ShapeError(f"{name}: {error}") from None
    if inputs == "select":
        dtypes = ("bool", *(common_dtype(specs[1:], "promote"),) * 2)
    elif inputs == "any":
        dtypes = tuple(s.dtype if isinstance(s, TensorSpec) else _scalar_dtype(s) for s in specs)
    else:
        dtypes = (common_dtype(specs, inputs),) * len(specs)
    result = {"same": dtypes[-1], "bool": "bool"}.get(output) or attrs["dtype"]
    casts = _needed_casts(specs, dtypes)
    if inputs == "select" and not any(isinstance(s, TensorSpec) for s in specs[1:]):
        # NumPy makes float64 of two Python floats: one of them has to carry the dtype
        casts = (casts[0] if casts else None, dtypes[1], None)
    return Signature(TensorSpec(shape, result), casts)


def common_dtype(specs: tuple, rule: str) -> str:
    """The dtype to which inputs are converted.

    Args:
        specs: of the inputs; Python scalars, given as types, never widen it.
        rule: ``"promote"``, ``"number"`` (bool becomes int32), ``"float"`` (all that is no float
            becomes `floatx`) or ``"bool"``.
    """
    if rule == "bool":
        return "bool"
    tensors = [s.dtype for s in specs if isinstance(s, TensorSpec)]
    scalars = [s for s in specs if not isinstance(s, TensorSpec)]
    dtype = promote(*tensors) if tensors else promote(*map(_scalar_dtype, scalars))
    if float in scalars and not is_float(dtype):
        dtype = config.floatx()
    if dtype == "bool" and (int in scalars or rule == "number"):
        dtype = "int32"
    if rule == "float" and not is_float(dtype):
        dtype = config.floatx()
    return dtype


def _scalar_dtype(kind: type) -> str:
    if kind is float:
        return config.floatx()
    if kind is int or kind is bool:
        return {int: "int32", bool: "bool"}[kind]
    raise DTypeError(f"Expected a tensor or a Python number, got {kind}.")


def _needed_casts(specs: tuple, dtypes: tuple) -> tuple | None:
    casts = tuple(
        d if isinstance(s, TensorSpec) and s.dtype != d else None
        for s, d in zip(specs, dtypes, strict=True)
    )
    return casts if any(casts) else None


def scalar_like(value: Any, dtype: str) -> Any:
    """The Python scalar `value` as the Python type that belongs to `dtype`."""
    if is_float(dtype):
        return float(value)
    return bool(value) if dtype == "bool" else int(value)
