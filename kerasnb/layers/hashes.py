"""Hash functions of text as TensorFlow computes them: FarmHash64, SipHash, and hashes of crosses.

Each works on all strings of one length at once, as arrays of 64-bit words that wrap around.
Imports text's plain data only: lists of bytes in, uint64 arrays out.

**Source**: Pike and Alakuijala, *FarmHash* (2014), the variant ``farmhashna``; Aumasson and
Bernstein, *SipHash: a fast short-input PRF* (2012), SipHash-2-4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["buckets", "cross", "farmhash64", "siphash64"]

Words = np.ndarray  # uint64: one word for each string

_K0, _K1, _K2 = (np.uint64(k) for k in (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))
_CROSS_KEY, _CROSS_FACTOR = np.uint64(0xDECAFCAFFE), np.uint64(0xC6A4A7935BD1E995)


def buckets(strings: Sequence[bytes], count: int, salt: Sequence[int] | None = None) -> np.ndarray:
    """For each string a number from 0 to ``count - 1``: FarmHash64's, or with a salt SipHash's."""
    words = farmhash64(strings) if salt is None else siphash64(strings, salt)
    return (words % np.uint64(count)).astype("int64")


def farmhash64(strings: Sequence[bytes]) -> Words:
    """The FarmHash64 fingerprint of each string."""
    return _by_length(strings, _farmhash)


def siphash64(strings: Sequence[bytes], key: Sequence[int]) -> Words:
    """The SipHash-2-4 of each string under a key of two 64-bit numbers."""
    first, second = (np.uint64(k % 2**64) for k in key)
    return _by_length(strings, lambda s: _siphash(s, first, second))


def cross(columns: Sequence[Words], count: int) -> np.ndarray:
    """For each row of several columns a number from 0 to ``count - 1``.

    Args:
        columns: integers as they are, strings as their FarmHash64.
        count: how many numbers there are.
    """
    result = np.broadcast_to(_CROSS_KEY, columns[0].shape)
    with np.errstate(over="ignore"):
        for words in columns:
            result = result ^ _CROSS_FACTOR
            result = (result ^ (_mix(words * _CROSS_FACTOR) * _CROSS_FACTOR)) * _CROSS_FACTOR
            result = _mix(_mix(result) * _CROSS_FACTOR)
    return (result % np.uint64(count)).astype("int64")


def _by_length(strings: Sequence[bytes], function: Callable[[np.ndarray], Words]) -> Words:
    """`function` on the strings of each length, given as bytes (strings, length)."""
    result = np.empty(len(strings), "uint64")
    lengths = np.fromiter(map(len, strings), "int64", len(strings))
    with np.errstate(over="ignore"):
        for length in np.unique(lengths):
            where = np.flatnonzero(lengths == length)
            joined = b"".join(strings[i] for i in where)
            result[where] = function(np.frombuffer(joined, "uint8").reshape(len(where), length))
    return result


def _word(s: np.ndarray, at: int, size: int = 8) -> Words:
    """The little-endian number in the `size` bytes from `at` on."""
    part = np.ascontiguousarray(s[:, at : at + size])
    return part.view(f"<u{size}")[:, 0].astype("uint64")


def _rotate_right(x: Words, by: int) -> Words:
    return (x >> np.uint64(by)) | (x << np.uint64(64 - by))


def _mix(x: Words) -> Words:
    return x ^ (x >> np.uint64(47))


def _fold(u: Words, v: Words, factor: Words) -> Words:
    a = _mix((u ^ v) * factor)
    return _mix((v ^ a) * factor) * factor


def _farmhash(s: np.ndarray) -> Words:
    count, length = s.shape
    if length == 0:
        return np.broadcast_to(_K2, (count,))
    if length < 4:
        return _up_to_3(s)
    if length <= 16:
        return _up_to_16(s)
    if length <= 32:
        return _up_to_32(s)
    return _up_to_64(s) if length <= 64 else _long(s)


def _up_to_3(s: np.ndarray) -> Words:
    length = s.shape[1]
    first, middle, last = (s[:, i].astype("uint64") for i in (0, length >> 1, length - 1))
    y, z = first + (middle << np.uint64(8)), np.uint64(length) + (last << np.uint64(2))
    return _mix(y * _K2 ^ z * _K0) * _K2


def _up_to_16(s: np.ndarray) -> Words:
    length = s.shape[1]
    factor = _K2 + np.uint64(2 * length)
    if length < 8:
        first = np.uint64(length) + (_word(s, 0, 4) << np.uint64(3))
        return _fold(first, _word(s, length - 4, 4), factor)
    a, b = _word(s, 0) + _K2, _word(s, length - 8)
    c, d = _rotate_right(b, 37) * factor + a, (_rotate_right(a, 25) + b) * factor
    return _fold(c, d, factor)


def _halves(s: np.ndarray, first: Words, factor: Words) -> tuple[Words, Words, Words]:
    """What strings of 17 to 64 bytes begin with: two words, and the first of the string."""
    length = s.shape[1]
    a, b = _word(s, 0) * first, _word(s, 8)
    c, d = _word(s, length - 8) * factor, _word(s, length - 16) * _K2
    u = _rotate_right(a + b, 43) + _rotate_right(c, 30) + d
    return u, a + _rotate_right(b + _K2, 18) + c, a


def _up_to_32(s: np.ndarray) -> Words:
    factor = _K2 + np.uint64(2 * s.shape[1])
    u, v, _ = _halves(s, _K1, factor)
    return _fold(u, v, factor)


def _up_to_64(s: np.ndarray) -> Words:
    length = s.shape[1]
    factor = _K2 + np.uint64(2 * length)
    y, v, a = _halves(s, _K2, factor)
    z = _fold(y, v, factor)
    e, f = _word(s, 16) * factor, _word(s, 24)
    g, h = (y + _word(s, length - 32)) * factor, (z + _word(s, length - 24)) * factor
    u = _rotate_right(e + f, 43) + _rotate_right(g, 30) + h
    return _fold(u, e + _rotate_right(f + a, 18) + g, factor)


def _weak(s: np.ndarray, at: int, a: Words, b: Words) -> tuple[Words, Words]:
    """Two words from 32 bytes and two seeds."""
    w, x, y, z = (_word(s, at + i) for i in (0, 8, 16, 24))
    a = a + w
    b = _rotate_right(b + a + z, 21)
    c = a
    a = a + x + y
    return a + z, b + _rotate_right(a, 44) + c


def _long(s: np.ndarray) -> Words:
    """Strings of more than 64 bytes: 64 at a time, the last 64 once more with another factor."""
    count, length = s.shape
    seed = np.full(count, 81, "uint64")
    y = seed * _K1 + np.uint64(113)
    z = _mix(y * _K2 + np.uint64(113)) * _K2
    x = seed * _K2 + _word(s, 0)
    zero = np.zeros(count, "uint64")
    v, w = (zero, zero), (zero, zero)
    for at in range(0, (length - 1) // 64 * 64, 64):
        x = _rotate_right(x + y + v[0] + _word(s, at + 8), 37) * _K1 ^ w[1]
        y = _rotate_right(y + v[1] + _word(s, at + 48), 42) * _K1 + v[0] + _word(s, at + 40)
        z = _rotate_right(z + w[0], 33) * _K1
        v = _weak(s, at, v[1] * _K1, x + w[0])
        w = _weak(s, at + 32, z + w[1], y + _word(s, at + 16))
        z, x = x, z
    factor = _K1 + ((z & np.uint64(0xFF)) << np.uint64(1))
    at, nine = length - 64, np.uint64(9)
    w = (w[0] + np.uint64((length - 1) & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x = _rotate_right(x + y + v[0] + _word(s, at + 8), 37) * factor ^ w[1] * nine
    y = _rotate_right(y + v[1] + _word(s, at + 48), 42) * factor + v[0] * nine + _word(s, at + 40)
    z = _rotate_right(z + w[0], 33) * factor
    v = _weak(s, at, v[1] * factor, x + w[0])
    w = _weak(s, at + 32, z + w[1], y + _word(s, at + 16))
    z, x = x, z
    first = _fold(v[0], w[0], factor) + _mix(y) * _K0 + z
    return _fold(first, _fold(v[1], w[1], factor) + x, factor)


def _siphash(s: np.ndarray, first: Words, second: Words) -> Words:
    count, length = s.shape
    padded = np.zeros((count, length // 8 * 8 + 8), "uint8")  # the last byte is the length
    padded[:, :length] = s
    padded[:, -1] = length % 256
    text = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    keys = (first, second, first, second)
    state = [np.full(count, np.uint64(t) ^ k, "uint64") for t, k in zip(text, keys, strict=True)]
    for at in range(0, padded.shape[1], 8):
        word = _word(padded, at)
        state[3] = state[3] ^ word
        state = _sip_round(_sip_round(state))
        state[0] = state[0] ^ word
    state[2] = state[2] ^ np.uint64(0xFF)
    for _ in range(4):
        state = _sip_round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_round(state: list[Words]) -> list[Words]:
    a, b, c, d = state
    a, c = a + b, c + d
    b, d = _rotate_right(b, 51) ^ a, _rotate_right(d, 48) ^ c
    a, c = _rotate_right(a, 32) + d, c + b
    d, b = _rotate_right(d, 43) ^ a, _rotate_right(b, 47) ^ c
    return [a, b, _rotate_right(c, 32), d]
