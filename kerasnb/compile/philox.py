"""Philox 4x32-10 as straight-line code: the words of `ops.random_bits`. Imports kernel and ir.

A vector of 64-bit numbers holds two of the four words of each block side by side, words 0 and 2 in
one vector and 1 and 3 in the other; a round is one multiplication of such a vector. In the end the
two vectors together are the words in order. Zen 4, one core, words in memory: 1.5 G words a second,
NumPy 0.17.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kerasnb.compile.ir import Block, Lanes
from kerasnb.compile.kernel import Function
from kerasnb.ops.random import LOW, MULTIPLIERS, ROUNDS, WEYL

__all__ = ["BLOCK", "keys", "words"]

BLOCK = 4  # words of a block


def keys(f: Function, state: str, step: int) -> tuple[Lanes, Lanes]:
    """Seed and call, which are the same for all words.

    Args:
        f: the kernel.
        state: the address of the seed.
        step: how far the call is from it, in elements.
    """
    wide = f.block(1)
    seed, call = (f.load(f.at(state, i * step, "uint32"), "uint32", 1) for i in range(2))
    return wide.convert(seed, "uint64"), wide.convert(call, "uint64")


def words(f: Function, key: tuple[Lanes, Lanes], first: Any, width: int, aligned: bool) -> Lanes:
    """uint32 lanes: the words of `width` elements that follow each other.

    Args:
        f: the kernel.
        key: what `keys` gives.
        first: the number of the first element, an `Index` or a whole number.
        width: how many there are, 1 or a multiple of 4.
        aligned: whether `first` is known to be a multiple of 4.
    """
    first = f.index(first) if isinstance(first, int) else first
    if aligned and width % BLOCK == 0:
        return _blocks(f, key, first // BLOCK, width // BLOCK)
    # a block more, of which as many words are needed as the first one lacks
    found = _blocks(f, key, first // BLOCK, 1 << (width // BLOCK).bit_length())
    result, start = _part(f, found, 0, width), first % BLOCK
    for i in range(1, BLOCK):
        part = _part(f, found, i, width)
        code = f"select i1 {start.equals(i)}, {part.typed()}, {result.typed()}"
        result = part.block.emit(code, part.dtype)
    return result


def _blocks(f: Function, key: tuple[Lanes, Lanes], first: Any, count: int) -> Lanes:
    """The words of `count` blocks, from the block with number `first` on."""
    b = f.block(2 * count)
    seed, call = (_in_all(b, k) for k in key)
    number = f.block(1).emit(f"insertelement <1 x i64> poison, i64 {first.name}, i64 0", "uint64")
    # the number of a lane's block; of the words of the counter it gives the first two
    block = _in_all(b, number) + _constants(b, [i // 2 for i in range(2 * count)])
    of_first = _constants(b, [LOW, 0] * count)
    even = (block & of_first) | (call & _constants(b, [0, LOW] * count))
    odd = (block >> 32) & of_first
    factors = _constants(b, list(MULTIPLIERS) * count)
    for i in range(ROUNDS):
        added = [i * w & LOW for w in WEYL]
        round_key = (seed & of_first) + _constants(b, added * count)
        product = (even & LOW) * factors
        crossed = _shuffled(b, product, [i ^ 1 for i in range(b.width)])
        # the high halves of the vectors carry what does not matter: multiplication drops it
        even, odd = (crossed >> 32) ^ odd ^ round_key, crossed
    pairs = (even & LOW) | (odd << 32)
    return f.block(BLOCK * count).bits(pairs, "uint32")


def _part(f: Function, vector: Lanes, start: int, width: int) -> Lanes:
    return _shuffled(f.block(width), vector, range(start, start + width))


def _in_all(b: Block, one: Lanes) -> Lanes:
    return _shuffled(b, one, [0] * b.width)


def _shuffled(b: Block, x: Lanes, lanes: Iterable[int]) -> Lanes:
    """For each lane another one of `x`."""
    kind, places = x.block.type(x.dtype), ", ".join(f"i32 {i}" for i in lanes)
    code = f"shufflevector {x.typed()}, {kind} poison, <{b.width} x i32> <{places}>"
    return b.emit(code, x.dtype)


def _constants(b: Block, values: list[int]) -> Lanes:
    return Lanes(b, f"<{', '.join(f'i64 {v}' for v in values)}>", "uint64")
