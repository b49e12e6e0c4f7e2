"""Functions of `keras.ops`: element by element, sums, orders and shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import bits, fixed, real, uniform, whole
from .ops_rows import I8, OPS, SPECIAL, U8, A, B, M, N, T, rows

__all__ = ["OPS"]

# Elementwise, of one tensor

ANY = "absolute abs arcsinh arctan cbrt cos cosh erf erfc exp exp2 expm1 fabs negative rad2deg"
ANY += " deg2rad sigmoid sin sinc sinh square tanh i0"
for _name in ANY.split():
    rows(_name, [A], [uniform(2, 1, 3, low=-0.8, high=0.8)], [whole(7, high=4)])
ROUGH = "ceil floor round sign trunc signbit isfinite isinf isnan isposinf isneginf isreal"
ROUGH += " logical_not nan_to_num real imag conj conjugate copy stop_gradient"
for _name in ROUGH.split():
    rows(_name, [A], [SPECIAL], [N], grad=_name in ("real", "conj", "conjugate", "copy"))
rows("round", [real(4, scale=30.0), 1], [A, 2], [real(3, scale=300.0), -1], grad=False)
UNIT, POSITIVE = uniform(3, 5, low=-0.9, high=0.9), uniform(3, 5, low=0.3, high=4.0)
for _name in ["arcsin", "arccos", "arctanh", "erfinv", "tan"]:
    rows(_name, [UNIT], [uniform(2, 1, 3, low=-0.5, high=0.5)], [uniform(4, low=0.1, high=0.7)])
for _name in ["log", "log10", "log1p", "log2", "sqrt", "rsqrt", "reciprocal"]:
    rows(_name, [POSITIVE], [uniform(2, 1, 3, low=3.0, high=9.0)], [fixed([1, 2, 5], "int32")])
rows(
    "arccosh",
    [uniform(3, 5, low=1.2, high=4.0)],
    [uniform(7, low=2.0, high=9.0)],
    [fixed([2, 3], "int32")],
)
rows("angle", [A], [fixed([1.0, -2.0, 3.0])], [B], grad=False)
rows("nan_to_num", [SPECIAL, 1.0], [SPECIAL, 0.5, 9.0], [SPECIAL, 0.0, 7.0, -7.0], grad=False)

SMOOTH = "celu elu gelu log_sigmoid selu silu softplus softsign squareplus swish tanh_shrink relu"
SMOOTH += " relu6 hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu sparse_plus sparse_sigmoid"
SMOOTH += " soft_shrink hard_shrink"
for _name in SMOOTH.split():
    rows(_name, [A], [B], [real(7, scale=4.0)])
rows("celu", [A, 0.5], [A, {"alpha": 2.0}])
rows("gelu", [A, False], [A, {"approximate": True}])
rows("glu", [real(3, 4)], [real(4, 3), 0], [real(2, 6, 3), {"axis": 1}])
rows("hard_shrink", [A, 1.0])
rows("threshold", [A, 0.1, 0.0], [B, -0.5, 9.0], [real(7), 0.0, -1.0])
for _name in ("softmax", "log_softmax"):
    rows(_name, [A], [B, 0], [real(2, 3, 4), {"axis": -2}])
rows("softmax", [real(2, 3, 4), (1, 2)])

# Elementwise, of two

PAIRS = ([real(3, 4), real(3, 4)], [B, real(3, 1)], [real(5), 1.5])
for _name in [
    "add",
    "subtract",
    "multiply",
    "maximum",
    "minimum",
    "logaddexp",
    "logaddexp2",
    "arctan2",
    "hypot",
]:
    rows(_name, *PAIRS, [whole(4, high=5), real(4)], [I8, whole(5, high=9)])
for _name in ["divide", "true_divide", "divide_no_nan"]:
    rows(_name, [A, uniform(5, low=0.5)], [B, 2.0], [N, fixed(3, "int32")])
rows("divide_no_nan", [A, fixed([0.0, 1.0, 2.0, 0.0, 4.0])], grad=False)
for _name in ["mod", "floor_divide", "fmod"]:
    rows(
        _name,
        [A, uniform(5, low=0.5)],
        [real(4, scale=9.0), -1.5],
        [whole(7, high=20), 3],
        grad=False,
    )
rows("power", [POSITIVE, real(5)], [A, 3], [N, 2])
for _name in ["fmax", "fmin"]:
    rows(_name, [A, real(5)], [SPECIAL, real(3)], [N, 3], grad=False)
COMPARED = "equal not_equal less less_equal greater greater_equal"
COMPARED += " logical_and logical_or logical_xor"
for _name in COMPARED.split():
    rows(_name, [whole(3, 4, high=3), whole(4, high=3)], [A, 0.5], [T, bits(3, 1, dtype="bool")])
for _name in ["isclose", "allclose"]:
    rows(
        _name,
        [A, A],
        [fixed([1.0, 2.0]), fixed([1.0, 2.001]), {"rtol": 1e-2}],
        [SPECIAL, SPECIAL, {"equal_nan": True}],
        [N, N],
    )
rows("heaviside", [A, 0.5], [fixed([-1.0, 0.0, 2.0]), real(3)], [real(2, 1), real(3)], grad=False)
rows(
    "ldexp",
    [A, whole(5, high=4)],
    [real(4), fixed([-3, 0, 2, 9], "int32")],
    [real(3), 2],
    grad=False,
)
rows("nextafter", [A, real(5)], [real(4), 9.0], [real(2, 3), real(3)], grad=False)
for _name in ["bitwise_and", "bitwise_or", "bitwise_xor"]:
    rows(_name, [N, 3], [I8, whole(5, high=9, dtype="int8")], [M, whole(3, high=7)])
    rows(_name, [T, bits(4, dtype="bool")])
for _name in ["bitwise_left_shift", "left_shift", "bitwise_right_shift", "right_shift"]:
    rows(_name, [N, 2], [U8, whole(2, high=3, dtype="uint8")], [fixed([-9, 8, 77], "int32"), 1])
for _name in ["bitwise_not", "bitwise_invert"]:
    rows(_name, [N], [U8], [T])
for _name in ["gcd", "lcm"]:
    rows(
        _name,
        [fixed([12, 18, 0, -9], "int32"), fixed([8, 27, 5, 6], "int32")],
        [N, 4],
        [M, whole(3, high=9)],
    )
rows("clip", [A, -0.5, 0.5], [N, 1, 3], [real(2, 3), real(3, shift=-1.0), 1.0])
rows(
    "where",
    [T, real(3, 4), 0.0],
    [bits(3, 1, dtype="bool"), real(4), real(3, 4)],
    [T, whole(4, high=3), real(1)],
    [T, whole(4, high=3), whole(4, high=3)],
)
rows(
    "select",
    [[T, bits(4, dtype="bool")], [real(3, 4), real(4)], 9.0],
    [[bits(5, dtype="bool")], [whole(5, high=4)]],
    [[T], [real(3, 4)], 0],
)

# Reductions

for _name in ["sum", "mean", "max", "min", "amax", "amin", "std", "var", "prod"]:
    rows(
        _name,
        [A],
        [B, 0],
        [real(2, 3, 4), (0, -1)],
        [real(3, 4), {"axis": 1, "keepdims": True}],
        [N],
        [U8, 0],
    )
rows("max", [A, 0, False, 0.5], [real(0, 3), {"axis": 0, "initial": 1.0}])
rows("min", [A, 0, False, 0.5], [real(0, 3), {"axis": 0, "initial": 1.0}])
rows("prod", [N, {"dtype": "float32"}])
for _name in ["all", "any", "count_nonzero"]:
    rows(_name, [T], [T, 0], [whole(2, 3, 4, high=2), (0, 2)], [A, -1])
for _name in ["all", "any"]:
    rows(_name, [T, 1, True])
for _name in ["argmax", "argmin"]:
    rows(_name, [A], [A, 0], [N, -1], [real(2, 3, 4), {"axis": 1, "keepdims": True}])
rows("argmax", [T, 1])
for _name in ["cumsum", "cumprod", "nancumsum", "nancumprod"]:
    rows(_name, [A], [A, 0], [real(2, 3, 4), -1], [N], [T, 1], [N, {"dtype": "float32"}])
rows("cumprod", [fixed([2.0, 0.0, 3.0, 0.0, 5.0])])
rows("logsumexp", [A], [A, 1], [B, (0, 2)], [A, {"axis": 0, "keepdims": True}])
rows("moments", [A, 0], [B, (0, 2)], [real(3, 4), {"axes": [1], "keepdims": True}], [N, 0])
rows("ptp", [A], [A, 0], [N], [real(2, 3, 4), (1, 2), True])
rows("average", [A], [A, 0], [A, 1], [N], [B, None])
rows("average", [A, 1, uniform(5)], [A, None, uniform(3, 5)], [A, 0, uniform(3, 5)])
for _name in ["median", "nanmedian"]:
    rows(_name, [A], [A, 0], [real(3, 4), 1, True], [real(2, 3, 4), (0, 2)], [N])
METHODS = ("linear", "lower", "higher", "midpoint", "nearest")
for _name, _q in (("quantile", 1.0), ("nanquantile", 1.0), ("percentile", 100.0)):
    rows(
        _name,
        *([A, 0.3 * _q, 0, m] for m in METHODS),
        [real(2, 3, 4), 0.6 * _q, (0, 2)],
        [A, fixed(np.array([0.1, 0.5, 0.9]) * _q), 1],
        [N, 0.25 * _q],
    )
    rows(_name, [A, fixed(np.array([0.2, 0.4]) * _q), None, "linear", True])
rows("nanpercentile", [A, 30.0, 0], [A, 50.0], [real(3, 4), 80.0, 1, "lower", True])
HOLES = fixed([[1.0, np.nan, 3.0], [np.nan, -5.0, 2.0], [0.5, np.nan, np.nan]])
for _name in [
    "nansum",
    "nanprod",
    "nanmax",
    "nanmin",
    "nanmean",
    "nanvar",
    "nanstd",
    "nanargmax",
    "nanargmin",
]:
    rows(
        _name,
        [HOLES],
        [HOLES, 0],
        [HOLES, 1, True] if "arg" not in _name else [HOLES, -1],
        [N],
        grad=False,
    )
    rows(_name, [A, 0])
for _name in ["nancumsum", "nancumprod"]:
    rows(_name, [HOLES, 1], grad=False)
for _name in ["nanmedian"]:
    rows(_name, [HOLES], [HOLES, 0], [HOLES, 1, True], grad=False)
rows("nanquantile", [HOLES, 0.4], [HOLES, 0.4, 0], [HOLES, 0.7, 1, "lower"], grad=False)
rows("bincount", [N], [N, {"minlength": 9}], [N, real(7)], [whole(2, 5, high=4)], grad=False)
rows(
    "histogram", [real(20)], [N, 4], [real(9), 3, (-1.0, 1.0)], [real(5), 2, (2.0, 2.0)], grad=False
)
rows("corrcoef", [real(3, 6)], [real(2, 4)], [real(4, 9)])
for _mode in ("valid", "same", "full"):
    rows(
        "correlate", [real(7), real(3), _mode], [real(2), real(5), _mode], [real(6), real(4), _mode]
    )
rows("diff", [A], [A, 2], [real(4, 3), 1, 0], [N])
rows("trapezoid", [A], [A, real(5)], [real(4, 3), None, 0.5, 0], [real(5), real(5)])
rows(
    "psnr",
    [uniform(4, 4), uniform(4, 4), 1.0],
    [real(2, 3, 3), real(2, 3, 3), 255.0],
    [uniform(5), uniform(5), 2.0],
)

# Order and membership

for _name in ["sort", "argsort"]:
    rows(_name, [A], [A, 0], [real(2, 3, 4), 1], [N])


def _partition(ops: Any, y: Any, given: list) -> Any:
    """The element in its place, and the smaller ones in order."""
    x, k = given[:2]
    first = ops.take_along_axis(x, y, -1)[..., : k + 1]
    return first[..., k], ops.sort(first, -1)


rows("argpartition", [A, 2], [real(4, 3), 1], [N, 3], shown=_partition)
rows("top_k", [A, 2], [real(2, 3, 4), 3], [N, 1])
rows(
    "in_top_k",
    [whole(3, high=5), A, 2],
    [whole(4, high=3), real(4, 3), 1],
    [whole(2, high=6), real(2, 6), 5],
)
RISING = fixed([-1.0, 0.0, 0.0, 2.0, 5.0])
rows(
    "searchsorted",
    [RISING, real(7)],
    [RISING, fixed([0.0, 9.0, -3.0]), "right"],
    [RISING, A],
    [fixed([1, 3, 5], "int32"), N],
)
rows("digitize", [A, RISING], [fixed([0.0, 2.0]), RISING], [N, fixed([1, 3, 4], "int32")])
rows(
    "isin",
    [N, fixed([1, 4], "int32")],
    [M, N, {"invert": True}],
    [fixed([0.5, 1.5]), fixed([1.5, 2.5])],
)
rows("nonzero", [N], [T], [whole(2, 3, 2, high=2)])
rows(
    "unique",
    [N],
    [M, {"return_inverse": True}],
    [fixed([3.0, 1.0, 3.0])],
    [fixed([[1, 2], [1, 2], [0, 5]], "int32"), {"axis": 0, "return_counts": True}],
    [N, {"return_index": True, "return_inverse": True, "return_counts": True}],
    [N, {"size": 9, "fill_value": -1}],
)
rows("unravel_index", [whole(5, high=12), (3, 4)], [whole(2, 2, high=24), (2, 3, 4)], [N, (7,)])

# Shapes

for _name, _arguments in {
    "reshape": ([A, (5, 3)], [real(2, 3, 4), (-1, 4)], [N, (7, 1)]),
    "transpose": ([A], [real(2, 3, 4), (2, 0, 1)], [real(2, 3, 4), (-1, 0, 1)]),
    "moveaxis": ([real(2, 3, 4), 0, -1], [real(2, 3, 4), (0, 1), (1, 0)], [A, -1, 0]),
    "swapaxes": ([real(2, 3, 4), 0, 2], [A, -1, 0], [real(2, 3, 4), 1, -1]),
    "broadcast_to": ([real(3, 1), (3, 4)], [real(4), (2, 3, 4)], [real(1), (5,)]),
    "expand_dims": ([A, 0], [A, -1], [A, (0, 2)]),
    "squeeze": ([B], [B, 1], [real(1, 3, 1), (0, 2)]),
    "ravel": ([A], [B], [N]),
    "flip": ([A], [A, 0], [real(2, 3, 4), (1, 2)]),
    "fliplr": ([A], [B], [M]),
    "flipud": ([A], [B], [N]),
    "roll": ([A, 2], [A, 1, 0], [N, -3], [A, -7, 1]),
    "rot90": ([A], [A, 2], [A, 3], [real(2, 3, 4), 1, (1, 2)], [real(2, 3, 4), -1, (0, 2)]),
    "repeat": ([A, 2], [A, 3, 0], [N, 2]),
    "tile": ([A, 2], [A, (2, 3)], [N, (2, 1)]),
    "pad": (
        [A, 1],
        [A, ((0, 2), (1, 0)), "constant", 3.0],
        [A, ((2, 1), (1, 2)), "reflect"],
        [A, ((2, 1), (1, 2)), "symmetric"],
    ),
    "concatenate": ([[A, real(3, 2)], 1], [[A, real(2, 5)]], [[N, real(3)]], [[B, B], -1]),
    "stack": ([[A, A]], [[N, N], -1], [[B, B, B], 1]),
    "hstack": ([[A, real(3, 2)]], [[N, N]], [[B, B]]),
    "vstack": ([[A, real(2, 5)]], [[N, N]], [[B, B]]),
    "dstack": ([[A, A]], [[N, N]], [[B, B]]),
    "append": ([A, real(4)], [A, real(2, 5), 0], [N, real(2)], [A, real(3, 1), -1]),
    "split": ([real(4, 3), 2], [A, [1, 3], 1], [real(2, 6), 3, -1]),
    "array_split": ([N, 3], [A, 2, 1], [real(3, 8), 3, -1]),
    "hsplit": ([real(3, 4), 2], [N, [2, 3]], [real(2, 6, 2), 3]),
    "vsplit": ([real(4, 3), 2], [real(5, 2), [1, 4]], [real(2, 3, 2), 2]),
    "dsplit": ([real(2, 3, 4), 2], [real(2, 2, 5), [1, 3]], [real(1, 2, 3), 3]),
    "unstack": ([A], [A, None, 1], [real(2, 3, 4), 4, -1]),
    "take": ([A, whole(2, 2, high=3)], [A, whole(4, high=5), 1], [A, fixed([-1, 0], "int32"), 0]),
    "take_along_axis": (
        [A, whole(3, 2, high=5), 1],
        [A, whole(2, 5, high=3), 0],
        [real(2, 3, 4), whole(2, 3, 1, high=4), -1],
    ),
    "get_item": ([A, 1], [A, (slice(None), -1)], [A, (slice(0, 3, 2), None)]),
    "diag": ([real(4)], [real(3), 1], [real(3), -2], [A], [A, 2], [A, -1], [N]),
    "diagflat": ([real(4)], [real(2, 2), 1], [N]),
    "diagonal": ([A], [A, 1], [real(2, 3, 4), -1, 1, 2], [real(2, 3, 4), 0, 2, 0]),
    "trace": ([A], [A, 1], [real(2, 3, 4), 0, 1, 2], [whole(3, 3, high=4)]),
    "tril": ([A], [A, 1], [real(2, 3, 3), -1], [M]),
    "triu": ([A], [A, 1], [real(2, 3, 3), -1], [M]),
    "vander": ([real(4)], [real(3), 5], [real(3), 2, True], [fixed([1, 2, 3], "int32")]),
    "depth_to_space": (
        [real(2, 3, 2, 8), 2],
        [real(1, 8, 2, 3), 2, "channels_first"],
        [real(1, 1, 2, 9), 3],
    ),
    "space_to_depth": (
        [real(2, 4, 6, 3), 2],
        [real(1, 3, 4, 2), 2, "channels_first"],
        [real(1, 3, 6, 1), 3],
    ),
    "rearrange": (
        [real(2, 3, 4), "a b c -> c (a b)"],
        [real(2, 6), "n (h w) -> w n h", {"w": 3}],
        [real(2, 3, 4, 2), "b h w c -> b c (h w)"],
    ),
    "meshgrid": ([real(3), real(4)], [real(2), real(3), {"indexing": "ij"}], [real(2), N, real(3)]),
    "view": (
        [fixed([1, 2], "int32"), "float32"],
        [A, "int32"],
        [fixed([[1, 2, 3, 4]], "uint8"), "int32"],
    ),
}.items():
    rows(_name, *_arguments, grad=_name != "view")
