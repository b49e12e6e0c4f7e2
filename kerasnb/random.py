"""Random tensors, each a composite of Philox bits and a seed. Imports ops, variable and config.

`seed` is an integer (the same numbers at every call), a `SeedGenerator` (new numbers at every call,
one sequence), or None (new numbers at every call, from Python's `random`, which
`utils.set_random_seed` seeds).
"""

from __future__ import annotations

import math
import numbers
import random as python_random
from collections.abc import Sequence
from typing import Any

from kerasnb import config
from kerasnb.errors import ArgumentError, DTypeError, ShapeError, UnknownDimension
from kerasnb.ops.creation import arange
from kerasnb.ops.elementwise import (
    cast,
    clip,
    exp,
    greater_equal,
    log,
    logical_and,
    maximum,
    rsqrt,
    sigmoid,
    sqrt,
    subtract,
    where,
)
from kerasnb.ops.index import argsort, take, take_along_axis
from kerasnb.ops.random import random_bits, shift_right_logical
from kerasnb.ops.reduce import argmax, sum
from kerasnb.ops.reshaping import broadcast_to, concatenate, expand_dims, reshape, stack
from kerasnb.ops.trigonometry import cos, sin
from kerasnb.spec import check_dtype, is_float, is_integer, normalize_axis, size_of
from kerasnb.tensor import Tensor, as_tensor
from kerasnb.variable import Variable, in_scope

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "default_seed",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

Seed = Any  # an integer, a SeedGenerator or None

WORD = 2**32  # values of one random word
PRECISION = {"float16": 11, "float32": 24, "float64": 53}  # bits of the significand


class SeedGenerator:
    """A source of random states, one for each call, all fixed by its seed.

    Its state is a variable, so it advances inside compiled training steps too.

    Args:
        seed: an integer; None takes one from `default_seed`.
        name: for people.

    Attributes:
        state: the `Variable` ``(seed, calls so far)``, uint32.

    Example:
        >>> generator = SeedGenerator(7)
        >>> first, second = uniform((), seed=generator), uniform((), seed=generator)
        >>> bool(first == second)
        False
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        if seed is not None and not _is_integer(seed):
            raise ArgumentError(f"SeedGenerator: seed must be an integer or None, got {seed!r}.")
        self.name = name or "seed_generator"
        self._initial_seed = None if seed is None else int(seed)
        first = default_seed() if seed is None else int(seed)
        self.state = Variable(_new_state(first), trainable=False, name="seed_generator_state")

    def next(self, ordered: bool = True) -> Tensor:
        """The state for the next call; the one after will be another."""
        state = self.state.value
        self.state.assign(state + as_tensor([0, 1], "uint32"))
        return state

    def get_config(self) -> dict:
        """The arguments to make it again."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict) -> SeedGenerator:
        """A generator from what `get_config` returned."""
        return cls(**config)


def default_seed() -> int:
    """A seed drawn from Python's `random` module."""
    return python_random.randrange(1, 2**31)


def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Tensor:
    """Numbers spread evenly over ``[minval, maxval)``.

    They lie on a grid of 2²⁴ steps in float32 (2⁵³ in float64). The grid stops before `maxval`,
    which only the last rounding can reach, when `minval` is not 0.

    Args:
        shape: of the result.
        minval: lower bound.
        maxval: upper bound.
        dtype: a float type; `floatx` if None.
        seed: see the module.

    Raises:
        DTypeError: `dtype` is no float type.
    """
    dtype = _float_dtype("uniform", dtype)
    bits = PRECISION[dtype]
    steps = _whole(_state(seed), _shape(shape), dtype, bits)
    return _shifted(steps * ((maxval - minval) * 2.0**-bits), minval)


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Tensor:
    """Numbers from the normal distribution.

    Args:
        shape: of the result.
        mean: centre of the distribution.
        stddev: its standard deviation.
        dtype: a float type; `floatx` if None.
        seed: see the module.

    Raises:
        DTypeError: `dtype` is no float type.

    Source: G. E. P. Box and M. E. Muller (1958), "A note on the generation of random normal
        deviates", doi:10.1214/aoms/1177706645.
    """
    dtype = _float_dtype("normal", dtype)
    if dtype == "float16":  # the radius needs more digits than float16 has
        return cast(normal(shape, mean, stddev, "float32", seed), dtype)
    shape = _shape(shape)
    size = size_of(shape)
    if size is None:
        raise UnknownDimension(f"normal: every dimension must be known, got {shape}.")
    bits = 32 if dtype == "float32" else 53
    steps = _whole(_state(seed), (2, (size + 1) // 2), dtype, bits)  # a pair of words for each two
    # half a step up, for log 0 is infinite; the largest radius is 6.8 with 32 bits, 8.6 with 53
    radius = sqrt(-2.0 * log(steps[0] * 2.0**-bits + 2.0 ** -(bits + 1))) * stddev
    angle = steps[1] * (2.0 * math.pi * 2.0**-bits)
    both = concatenate([radius * cos(angle), radius * sin(angle)], 0)
    return _shifted(reshape(both[:size] if size % 2 else both, shape), mean)


# The inverse of the normal distribution function as x P(-log(1 - x²)), x = 2p - 1: the variable of
# M. Giles (2012), "Approximating the erfinv function", doi:10.1016/B978-0-12-385963-1.00010-1. The
# coefficients interpolate at Chebyshev nodes over |x| <= erf(sqrt 2), that is ±2 standard
# deviations: relative error 3.3e-8 with the first row, 2e-16 with the second.
_QUANTILE = {
    "float32": (
        1.2533140958662676, 0.3281185615232346, 0.016321771376455334, -0.003272422264483343,
        -0.00021934955033211243, 9.208817006898174e-05, -6.557868454764138e-06,
    ),
    "float64": (
        1.2533141373155006, 0.3281168738691713, 0.016333236148415087, -0.003302332428121817,
        -0.0001810804555963079, 6.591812263760797e-05, 2.857701675657465e-06,
        -1.433654498440821e-06, -5.076783327202098e-08, 3.060179999194586e-08,
        2.0113320985696457e-09, -1.1095960435409115e-09, 6.396687613597062e-11,
        9.659958819982597e-12, -1.0625246412457396e-12,
    ),
}  # fmt: skip
_TWO_SIGMA = math.erf(math.sqrt(2.0))


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Tensor:
    """Numbers from the normal distribution, none further than two `stddev` from `mean`.

    Args:
        shape: of the result.
        mean: centre of the distribution.
        stddev: standard deviation before truncation; after it 0.8796 of that remains.
        dtype: a float type; `floatx` if None.
        seed: see the module.

    Raises:
        DTypeError: `dtype` is no float type.

    Source: inverse transform of a uniform number; see `_QUANTILE` for the inverse.
    """
    dtype = _float_dtype("truncated_normal", dtype)
    if dtype == "float16":
        return cast(truncated_normal(shape, mean, stddev, "float32", seed), dtype)
    x = _centred(_state(seed), _shape(shape), dtype) * _TWO_SIGMA
    w = -log(1.0 - x * x)
    coefficients = _QUANTILE[dtype]
    total = w * coefficients[-1] + coefficients[-2]
    for c in coefficients[-3::-1]:
        total = total * w + c
    return _shifted(total * (x * stddev), mean)


def randint(
    shape: Sequence[int], minval: int, maxval: int, dtype: str = "int32", seed: Seed = None
) -> Tensor:
    """Integers spread evenly over ``[minval, maxval)``.

    Args:
        shape: of the result.
        minval: lower bound, included.
        maxval: upper bound, excluded; at most `minval` + 2³². Each integer's probability is right
            to 2⁻³².
        dtype: an integer type.
        seed: see the module.

    Raises:
        DTypeError: `dtype` is no integer type.
        ArgumentError: there is no integer in the range, or too many.
    """
    dtype = check_dtype(dtype)
    if not is_integer(dtype):
        raise DTypeError(f"randint: expected an integer dtype, got {dtype}.")
    low, high = int(minval), int(maxval)
    if not 0 < high - low <= WORD:
        raise ArgumentError(
            f"randint: expected minval < maxval <= minval + 2**32, got minval={minval}, "
            f"maxval={maxval}."
        )
    words = cast(random_bits(_state(seed), _shape(shape)), "uint64")
    # the high word of word * span: no division, and no favour to the lower numbers
    offsets = shift_right_logical(words * (high - low), bits=32)
    return _shifted(cast(offsets, dtype), low)


def categorical(logits: Any, num_samples: int, dtype: str = "int32", seed: Seed = None) -> Tensor:
    """Class numbers drawn with the probabilities ``softmax(logits)``.

    Args:
        logits: unnormalised log-probabilities.
        num_samples: how many to draw for each row.
        dtype: an integer type.
        seed: see the module.

    Raises:
        ShapeError: `logits` has not two axes.

    Shape: (N, classes) -> (N, num_samples)

    Source: the Gumbel-max method: E. J. Gumbel (1954), "Statistical theory of extreme values and
        some practical applications".
    """
    logits = as_tensor(logits)
    if logits.ndim != 2:
        raise ShapeError(f"categorical: expected logits of shape (N, classes), got {logits.shape}.")
    rows, classes = logits.shape
    float_dtype = logits.dtype if logits.dtype in ("float32", "float64") else "float32"
    centred = _centred(_state(seed), (rows, num_samples, classes), float_dtype)
    exponential = -log(centred * 0.5 + 0.5)
    scores = subtract(expand_dims(logits, 1), log(exponential))
    return cast(argmax(scores, axis=-1), dtype)


def dropout(
    inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None
) -> Tensor:
    """`inputs` with a share `rate` of elements set to 0 and the others divided by ``1 - rate``.

    The expected value of each element stays as it is.

    Args:
        inputs: a float tensor.
        rate: between 0 and 1.
        noise_shape: of the choice, which broadcasts to `inputs`: 1 along an axis drops whole
            slices; None stands for the input's dimension.
        seed: see the module.

    Raises:
        ArgumentError: `rate` is not between 0 and 1.
        ShapeError: `noise_shape` does not broadcast to the shape of `inputs`.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), "Dropout: a simple way
        to prevent neural networks from overfitting", JMLR 15.
    """
    inputs = as_tensor(inputs)
    if not 0 <= rate <= 1:
        raise ArgumentError(f"dropout: rate must be between 0 and 1, got {rate}.")
    shape = _noise_shape(inputs.shape, noise_shape)
    if rate == 0:
        return inputs
    if rate == 1:
        return inputs * 0
    # words are compared as they are: no conversion to float, and a rate exact to 2⁻³²
    kept = greater_equal(random_bits(_state(seed), shape), min(round(rate * WORD), WORD - 1))
    return inputs * (cast(kept, inputs.dtype) * (1.0 / (1.0 - rate)))


def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> Tensor:
    """`x` with its slices along `axis` in random order; each slice stays whole.

    Args:
        x: a tensor with at least one axis.
        axis: along which to shuffle.
        seed: see the module.
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    # sorting 32-bit keys: two of n are equal, and keep their order, with probability n² / 2³³
    order = argsort(random_bits(_state(seed), (x.shape[axis],)))
    return take(x, order, axis)


def gamma(shape: Sequence[int], alpha: Any, dtype: str | None = None, seed: Seed = None) -> Tensor:
    """Numbers from the gamma distribution with scale 1, positive and of mean `alpha`.

    Args:
        shape: of the result.
        alpha: above 0; a number, or a tensor that broadcasts to `shape`.
        dtype: a float type; `floatx` if None.
        seed: see the module.

    Raises:
        DTypeError: `dtype` is no float type.

    Source: G. Marsaglia and W. W. Tsang (2000), "A simple method for generating gamma variables",
        doi:10.1145/358407.358414.
    """
    dtype = _float_dtype("gamma", dtype)
    return cast(exp(_log_gamma(_shape(shape), alpha, dtype, seed)), dtype)


def beta(
    shape: Sequence[int], alpha: Any, beta: Any, dtype: str | None = None, seed: Seed = None
) -> Tensor:
    """Numbers between 0 and 1 from the beta distribution, of mean ``alpha / (alpha + beta)``.

    Args:
        shape: of the result.
        alpha: above 0; a number, or a tensor that broadcasts to `shape`.
        beta: the same.
        dtype: a float type; `floatx` if None.
        seed: see the module.

    Raises:
        DTypeError: `dtype` is no float type.

    Source: as the share of one of two numbers from `gamma` in their sum, by their logarithms.
    """
    dtype = _float_dtype("beta", dtype)
    shape = _shape(shape)
    alphas, betas = (_as_wide(value, dtype) for value in (alpha, beta))
    both = stack([broadcast_to(alphas, shape), broadcast_to(betas, shape)])
    logs = _log_gamma((2, *shape), both, dtype, seed)
    return cast(sigmoid(logs[0] - logs[1]), dtype)


_DIRECT = 16  # trials that `binomial` makes one by one


def binomial(
    shape: Sequence[int],
    counts: Any,
    probabilities: Any,
    dtype: str | None = None,
    seed: Seed = None,
) -> Tensor:
    """How many of `counts` trials succeed, each with a probability of its own.

    Args:
        shape: of the result.
        counts: whole numbers below 2³¹; a number, or a tensor that broadcasts to `shape`.
        probabilities: from 0 to 1; the same.
        dtype: of the result; `floatx` if None.
        seed: see the module.

    Source: J. H. Ahrens and U. Dieter (1974), "Computer methods for sampling from gamma, beta,
        Poisson and binomial distributions": the middle of the sorted trials, which is from the beta
        distribution, tells of half of them at once.
    """
    dtype = check_dtype(dtype or config.floatx())
    shape = _shape(shape)
    counts = as_tensor(counts)
    most = 2**31 - 1 if counts.data is None else int(counts.numpy().max(initial=0))
    left = broadcast_to(cast(counts, "int32"), shape)
    share = broadcast_to(_as_wide(probabilities, "float32"), shape)
    halvings = 0
    while most > _DIRECT:
        most, halvings = most // 2, halvings + 1
    seeds = _seeds(seed, halvings + 1)
    found = left * 0
    for own in seeds[:halvings]:
        middle = left // 2 + 1
        rest = maximum(left + 1 - middle, 1)
        value = beta(shape, cast(middle, "float32"), cast(rest, "float32"), seed=own)
        below, many = value <= share, left > _DIRECT
        # below: the first `middle` trials succeed, and the others are spread above `value`
        next_share = where(below, (share - value) / maximum(1.0 - value, 1e-30), share / value)
        next_left = where(below, left - middle, middle - 1)
        found = where(logical_and(many, below), found + middle, found)
        share = where(many, clip(next_share, 0.0, 1.0), share)
        left = where(many, next_left, left)
    trials = uniform((*shape, _DIRECT), seed=seeds[-1]) < expand_dims(share, -1)
    counted = logical_and(trials, arange(_DIRECT) < expand_dims(left, -1))
    return cast(found + sum(cast(counted, "int32"), -1), dtype)


_ROUNDS = 8  # a try of `_log_gamma` fails with a probability of 0.05 at most: all, of 4e-11


def _log_gamma(shape: tuple, alpha: Any, dtype: str, seed: Seed) -> Tensor:
    """The logarithms of numbers from the gamma distribution: they can be small beyond the dtype."""
    wide = "float64" if dtype == "float64" else "float32"
    alpha = broadcast_to(_as_wide(alpha, dtype), shape)
    first, second, third = _seeds(seed, 3)
    # for alpha below 1: one more, and a power of a uniform number that takes it back
    small = alpha < 1.0
    d = where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    c = rsqrt(9.0 * d)
    tries = (_ROUNDS, *shape)
    x = normal(tries, dtype=wide, seed=first)
    v = 1.0 + c * x
    cube = where(v > 0.0, v * v * v, 1.0)
    limit = 0.5 * x * x + d * (1.0 - cube + log(cube))
    accepted = logical_and(v > 0.0, log(_positive(tries, wide, second)) < limit)
    # the first that is accepted; argmax gives the first of equals
    choice = expand_dims(argmax(cast(accepted, "int32"), 0), 0)
    found = take_along_axis(cube, choice, 0)[0]
    logs = log(d) + log(found)
    boost = log(_positive(shape, wide, third)) / where(small, alpha, 1.0)
    return where(small, logs + boost, logs)


def _positive(shape: tuple, dtype: str, seed: Seed) -> Tensor:
    """Numbers spread evenly over (0, 1), without its ends."""
    return _centred(_state(seed), shape, dtype) * 0.5 + 0.5


def _as_wide(value: Any, dtype: str) -> Tensor:
    return cast(value, "float64" if dtype == "float64" else "float32")


def _seeds(seed: Seed, count: int) -> list[Seed]:
    """Seeds for several calls: a generator gives each call a state of its own; integers are drawn
    apart by a step that no user's seeds have between them."""
    if not _is_integer(seed):
        return [seed] * count
    return [(int(seed) + i * 0x9E3779B9) % WORD for i in range(count)]


def _state(seed: Seed) -> Tensor:
    """The uint32 state of one call."""
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        # a constant would give every run of a compiled step the same numbers; a generator advances
        return SeedGenerator().next() if in_scope() else _new_state(default_seed())
    if not _is_integer(seed):
        raise ArgumentError(
            f"seed must be an integer, a SeedGenerator or None, got {type(seed).__name__}."
        )
    return _new_state(int(seed))


def _new_state(seed: int) -> Tensor:
    return as_tensor([seed % WORD, 0], "uint32")


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _whole(state: Tensor, shape: tuple, dtype: str, bits: int) -> Tensor:
    """Floats that are random whole numbers below 2 to the `bits`."""
    if dtype != "float64":
        words = random_bits(state, shape)
        return cast(shift_right_logical(words, bits=32 - bits) if bits < 32 else words, dtype)
    words = random_bits(state, (2, *shape))
    high = cast(shift_right_logical(words[0], bits=5), dtype)  # 27 bits
    low = cast(shift_right_logical(words[1], bits=59 - bits), dtype)
    return high * 2.0 ** (bits - 27) + low


def _centred(state: Tensor, shape: tuple, dtype: str) -> Tensor:
    """Numbers spread evenly and symmetrically over the open interval (-1, 1)."""
    # one bit fewer than the significand, so that whole number + 1/2 is exact and 1 is not reached
    bits = PRECISION[dtype] - 1
    return (_whole(state, shape, dtype, bits) + 0.5) * 2.0 ** (1 - bits) - 1.0


def _shifted(x: Tensor, offset: Any) -> Tensor:
    return x if isinstance(offset, (int, float)) and offset == 0 else x + offset


def _float_dtype(name: str, dtype: str | None) -> str:
    dtype = check_dtype(dtype or config.floatx())
    if not is_float(dtype):
        raise DTypeError(f"{name}: expected a float dtype, got {dtype}.")
    return dtype


def _shape(shape: Sequence[int]) -> tuple:
    return tuple(None if d is None else int(d) for d in shape)


def _noise_shape(shape: tuple, noise_shape: Sequence[int | None] | None) -> tuple:
    if noise_shape is None:
        return shape
    fits = len(noise_shape) == len(shape) and all(
        n in (None, 1, d) for n, d in zip(noise_shape, shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"dropout: expected in noise_shape 1, None or the input's dimension for each axis of "
            f"{shape}, got {tuple(noise_shape)}."
        )
    return tuple(d if n is None else n for n, d in zip(noise_shape, shape, strict=True))
