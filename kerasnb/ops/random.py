"""Random bits: the Philox generator as one op. Imports declare, op and tensor.

Everything random is a composite of these bits (`kerasnb.random`), so one seed gives one sequence on
every backend. The counter is explicit: a call is a pure function of its state, and can be replayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb.errors import DTypeError, ShapeError
from kerasnb.op import Sample, primitive
from kerasnb.ops.declare import elementwise
from kerasnb.spec import TensorSpec
from kerasnb.tensor import Tensor, apply

__all__ = ["random_bits", "shift_right_logical"]

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # what each round adds to the two key words
LOW = 0xFFFFFFFF

# Blocks of 4 words that NumPy works on together: six buffers of 128 KiB stay in the second-level
# cache. 4 million words take 5.7 ns a word; in pieces of 1024 blocks 21 (calls), in one piece 11.5.
CHUNK = 2**13


def random_bits(state: Any, shape: Sequence[int]) -> Tensor:
    """Uniform random 32-bit words, a pure function of `state` and `shape`.

    Args:
        state: uint32 tensor ``(seed, call)``; another seed or another call gives another sequence.
        shape: of the result.

    Returns:
        uint32 tensor of `shape`. In row-major order, element ``e`` is word ``e % 4`` of the block
        with key ``(seed, 0)`` and counter ``(e // 4 low, e // 4 high, call, 0)``.

    Raises:
        ShapeError: `state` does not have shape ``(2,)``.
        DTypeError: `state` is not uint32.

    Source: Philox 4x32-10 of Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy
        as 1, 2, 3", doi:10.1145/2063384.2063405.
    """
    return apply(_random_bits, state, shape=tuple(shape))


@elementwise(
    "shift_right_logical",
    inputs="any",
    vjp=[None],
    samples=[Sample((np.array([0, 1, 2**31, 2**32 - 1], "uint32"),), {"bits": 8})],
)
def shift_right_logical(m, x, *, bits):
    """Unsigned integers shifted right by `bits`, zeros coming in from the left."""
    return m.right_shift(x, bits)


def _infer(state: TensorSpec, *, shape: tuple) -> TensorSpec:
    if state.shape != (2,):
        raise ShapeError(f"random_bits: expected a state of shape (2,), got {state.shape}.")
    if state.dtype != "uint32":
        raise DTypeError(f"random_bits: expected a uint32 state, got {state.dtype}.")
    return TensorSpec(shape, "uint32")


@primitive(
    "random_bits",
    kind="random",
    infer=_infer,
    vjp=[None],
    samples=[
        Sample((np.array([7, 3], "uint32"),), {"shape": (3, 5)}),
        Sample((np.array([7, 4], "uint32"),), {"shape": ()}),
        Sample((np.array([0, 0], "uint32"),), {"shape": (0, 2)}),
    ],
)
def _random_bits(xp: Any, state: Any, *, shape: tuple) -> Any:
    size = 1
    for dim in shape:
        size *= dim
    blocks = -(-size // 4)
    # only NumPy gains from chunks; a GPU would pay for the many small kernels
    chunk = min(CHUNK, blocks) if xp is np else blocks
    keys = _key_schedule(xp, state)
    call = state[1:].astype("uint64")
    words = xp.empty((blocks, 4), "uint32")
    for start in range(0, blocks, max(chunk, 1)):
        stop = min(start + chunk, blocks)
        block = xp.arange(start, stop, dtype="uint64")
        even, odd = (xp.zeros((2, stop - start), "uint64") for _ in range(2))
        even[0], even[1] = block & LOW, call
        odd[0] = block >> 32
        even, odd = philox(xp, even, odd, keys)
        part = words[start:stop]
        # storing in uint32 drops the high half that `odd` still carries
        part[:, 0], part[:, 1], part[:, 2], part[:, 3] = even[0], odd[0], even[1], odd[1]
    return words.reshape(-1)[:size].reshape(shape)


def philox(xp: Any, even: Any, odd: Any, keys: Any) -> tuple[Any, Any]:
    """The ten rounds, in place, on counters given as words 0, 2 (`even`) and 1, 3 (`odd`).

    Args:
        xp: the array module.
        even: uint64 (2, blocks), each below 2³².
        odd: the same.
        keys: uint64 (ROUNDS, 2, 1), the key words of every round.

    Returns:
        Output words 0, 2 and 1, 3; of the latter only the low 32 bits count.
    """
    factors = xp.asarray([[MULTIPLIERS[0]], [MULTIPLIERS[1]]], dtype="uint64")
    spare = xp.empty_like(even)
    for key in keys:
        product = xp.multiply(even, factors, out=spare)
        crossed = product[::-1]  # word 0 takes the product of word 2, and the reverse
        xp.right_shift(crossed, 32, out=even)
        xp.bitwise_xor(even, odd, out=even)
        xp.bitwise_xor(even, key, out=even)
        # masking here also clears what the unmasked `odd` put into the high half
        xp.bitwise_and(even, LOW, out=even)
        odd, spare = crossed, odd
    return even, odd


def _key_schedule(xp: Any, state: Any) -> Any:
    rounds = xp.arange(ROUNDS, dtype="uint64")
    keys = xp.empty((ROUNDS, 2, 1), "uint64")
    keys[:, 0, 0] = (rounds * WEYL[0] + state[:1].astype("uint64")) & LOW
    keys[:, 1, 0] = (rounds * WEYL[1]) & LOW
    return keys
