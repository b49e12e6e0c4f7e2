"""What dtype functions of `keras.ops` give for inputs of each dtype, and of each two of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from .case import Case
from .record import Record
from .sides import Side

__all__ = ["OPS_DTYPES"]

WHOLE = ("bool", "int8", "uint8", "int16", "int32")
FLOATS = ("float16", "float32")
ALL = (*WHOLE, *FLOATS)


def _result(side: Side, function: Any, *inputs: Any) -> str:
    with np.errstate(all="ignore"):  # what comes out of ones does not matter
        made = function(*inputs)
    return side.dtype(made[0] if isinstance(made, (list, tuple)) else made)


def _case(name: str, count: int, refused: tuple[str, ...], shape: tuple[int, ...]) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        function = getattr(side.keras.ops, name)
        for dtypes in product(ALL, repeat=count):
            if not set(dtypes) & set(refused) and " ".join(dtypes) not in refused:
                tensors = [side.tensor(np.ones(shape, dtype)) for dtype in dtypes]
                record.facts[" ".join(dtypes)] = _result(side, function, *tensors)

    return Case(f"ops dtypes/{name}/{count}", run)


def _with_number(name: str, refused: tuple[str, ...] = ()) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        for dtype, number in product(ALL, (1, 1.5, True)):
            if f"{dtype} {number}" not in refused:
                function, x = getattr(side.keras.ops, name), side.tensor(np.ones(2, dtype))
                record.facts[f"{dtype} {number}"] = _result(side, function, x, number)

    return Case(f"ops dtypes/{name}/number", run)


PLAIN = "abs all angle any arccos arcsin arctan arctanh argmax argsort average cbrt ceil copy"
PLAIN += " conj cos cosh count_nonzero cumprod cumsum deg2rad diag diagonal diff erf erfinv exp"
PLAIN += (
    " exp2 expm1 fabs flip floor i0 isfinite isinf isnan isreal log log10 log1p log2 logical_not"
)
PLAIN += " logsumexp max mean median min nan_to_num nancumsum nanmax nanmean nanprod nansum norm"
PLAIN += " ones_like prod rad2deg real reciprocal rsqrt sigmoid signbit sin sinc sinh sort sqrt"
PLAIN += " square std sum tan tanh trace trapezoid tril trunc unique var zeros_like corrcoef"
PAIRED = "add arctan2 append divide dot equal fmax fmin fmod inner isclose kron less logaddexp"
PAIRED += " logical_and matmul maximum minimum mod multiply outer"
BOOLS = ("bool bool",)
# what one of the two does not take
REFUSED = {"negative": ("bool",), "round": ("bool",), "sign": ("bool",), "ptp": ("bool",),
           "relu": ("bool",), "softplus": WHOLE, "silu": WHOLE, "gelu": WHOLE, "softmax": WHOLE,
           "bincount": ("bool", *FLOATS)}  # fmt: skip
REFUSED_PAIRS = {"subtract": BOOLS, "power": BOOLS, "floor_divide": BOOLS, "hypot": BOOLS,
                 "cross": BOOLS, "bitwise_and": FLOATS, "left_shift": (*BOOLS, *FLOATS),
                 "gcd": (*BOOLS, *FLOATS)}  # fmt: skip

OPS_DTYPES = [_case(name, 1, (), (2, 2)) for name in PLAIN.split()]
OPS_DTYPES += [
    _case(name, 1, refused, (3,) if name == "bincount" else (2, 2))
    for name, refused in REFUSED.items()
]
OPS_DTYPES += [_case(name, 2, (), (2, 2)) for name in PAIRED.split()]
OPS_DTYPES += [_case("vdot", 2, (), (3,))]
OPS_DTYPES += [
    _case(name, 2, refused, (3, 3) if name == "cross" else (2, 2))
    for name, refused in REFUSED_PAIRS.items()
]
OPS_DTYPES += [
    _with_number(name) for name in ("add", "multiply", "divide", "maximum", "mod", "equal", "fmax")
]
OPS_DTYPES += [_with_number("power", ("bool True",))]
