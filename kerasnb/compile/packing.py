"""Copies that make the numbers of a contraction neighbours in memory. Imports contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb.compile.contract import FLOAT, Axis, Cut, along, least, panels_of
from kerasnb.compile.ir import Lanes
from kerasnb.compile.kernel import Function, Index

__all__ = ["clear", "copy_lines", "pack", "transposed"]


def pack(
    f: Function,
    cut: Cut,
    reduced: Sequence[Axis],
    b: str,
    to: str,
    *,
    packed: int,
    panels: tuple[Any, Any] | None = None,
) -> list[Axis]:
    """Copy panels of B, each to be read from its beginning to its end; zeros fill the last vector.

    Args:
        f: the function.
        cut: the columns.
        reduced: the indices that are summed over, outermost first.
        b: the address of B's first element.
        to: where the first of `panels` goes.
        packed: the distance of panels there: at least `cut.width` for each value of `reduced`.
        panels: which panels, from and to; all if None.

    Returns:
        `reduced`, with the steps that B has in a packed panel.
    """
    first, last = panels or (0, cut.panels)
    step, moved = cut.width, []
    for axis in reversed(reduced):
        moved.insert(0, Axis(axis.extent, axis.a, step))
        step = step * axis.extent
    lines = [Axis(old.extent, old.b, new.b) for old, new in zip(reduced, moved, strict=True)]
    if cut.columns.b == 1:
        _pack_lines(f, cut, lines, b, to, packed, first, last)
    else:
        _pack_across(f, cut, lines, b, to, packed, first, last)
    return moved


def _pack_lines(
    f: Function, cut: Cut, lines: list[Axis], b: str, to: str, packed: int, first: Any, last: Any
) -> None:
    """Panels of a B whose columns are neighbours."""
    for number, columns in panels_of(f, cut, (first, last)):
        source = f.at(b, number * cut.width, FLOAT)
        with along(f, lines, source, f.at(to, (number - first) * packed, FLOAT)) as (x, y):
            for at in range(0, columns, cut.lanes):
                vector = f.load(f.at(x, at, FLOAT), FLOAT, cut.lanes, min(cut.lanes, columns - at))
                f.store(f.at(y, at, FLOAT), vector)


def _pack_across(
    f: Function, cut: Cut, lines: list[Axis], b: str, to: str, packed: int, first: Any, last: Any
) -> None:
    """Panels of a B whose columns are apart: squares are transposed in registers where one of the
    indices that are summed over has neighbours in memory, and else it goes number by number."""
    lanes, step = cut.lanes, cut.columns.b
    inner = next((axis for axis in lines if axis.a == 1), Axis(1))
    outer = [axis for axis in lines if axis is not inner]
    rest = inner.extent % 4 if inner.b else 1
    whole = inner.extent - rest
    vectors = cut._replace(vectors=1)
    last = least(last * cut.vectors, vectors.panels)
    for number, count in panels_of(f, vectors, (first * cut.vectors, last)):
        place = (number // cut.vectors - first) * packed + number % cut.vectors * lanes
        source, target = f.at(b, number * (lanes * step), FLOAT), f.at(to, place, FLOAT)
        with along(f, outer, source, target) as (x, y):
            if isinstance(whole, Index) or whole:
                with f.loop(0, whole, 4) as k:
                    near = f.at(x, k, FLOAT), f.at(y, k * inner.b, FLOAT)
                    _pack_four(f, cut, inner.b, *near, count, 4)
            if isinstance(rest, int) and rest > 1:
                near = f.at(x, whole, FLOAT), f.at(y, whole * inner.b, FLOAT)
                _pack_four(f, cut, inner.b, *near, count, rest)
            elif isinstance(rest, Index) or rest:
                with f.loop(whole, inner.extent) as k:
                    _pack_vector(f, cut, f.at(x, k, FLOAT), f.at(y, k * inner.b, FLOAT), count)


def _pack_four(f: Function, cut: Cut, step: int, x: str, y: str, count: int, depth: int) -> None:
    """`count` columns, at most as many as a vector has lanes, by up to 4 values of k. Values of k
    are neighbours at `x`, and at a distance of `step` at `y`.

    Four vectors of quarters, then squares of 4x4 within them. 16 columns by 16 values of k take
    16 ns, as if they were one square in registers; that takes 14 ms to compile, this 5.
    """
    quarters = [f.load(f.at(x, j * cut.columns.b, FLOAT), FLOAT, 4, depth) for j in range(count)]
    quarters += [f.block(4).constant(0.0, FLOAT)] * (cut.lanes - count)
    lines = [_joined(f, quarters[i::4]) for i in range(4)]
    for j, line in enumerate(_in_fours(lines, cut.lanes)[:depth]):
        f.store(f.at(y, j * step, FLOAT), line)


def _joined(f: Function, parts: list[Lanes]) -> Lanes:
    """Short vectors as a long one; a power of two of them."""
    while len(parts) > 1:
        width = 2 * parts[0].block.width
        block, order = f.block(width), ", ".join(f"i32 {i}" for i in range(width))
        parts = [
            block.emit(f"shufflevector {a.typed()}, {b.typed()}, <{width} x i32> <{order}>", FLOAT)
            for a, b in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]


def _pack_vector(f: Function, cut: Cut, x: str, y: str, count: int) -> None:
    """`count` columns for one value of k."""
    if count < cut.lanes:
        f.store(y, f.block(cut.lanes).constant(0.0, FLOAT))
    with f.loop(0, count) as j:
        f.store(f.at(y, j, FLOAT), f.load(f.at(x, j * cut.columns.b, FLOAT), FLOAT, 1))


def transposed(f: Function, lines: list[Lanes], lanes: int) -> list[Lanes]:
    """The columns of a square in registers; lines that are missing are zeros.

    First squares of 4x4 by interleaving lines twice, then these as a whole: from halves to single
    ones they change places across the diagonal. It is what processors have instructions for: a
    square of 16x16 takes 75 ns, and 14 ms to compile. By halves all the way it took 29 ms.
    """
    lines = lines + [f.block(lanes).constant(0.0, FLOAT)] * (lanes - len(lines))
    for i in range(0, lanes, 4):
        lines[i : i + 4] = _in_fours(lines[i : i + 4], lanes)
    half = lanes // 2
    while half >= 4:
        left = [j + (lanes - half if j & half else 0) for j in range(lanes)]
        right = [j + (lanes if j & half else half) for j in range(lanes)]
        for i in range(lanes):
            if not i & half:
                lines[i], lines[i + half] = _pair(lines[i], lines[i + half], left, right)
        half //= 2
    return lines


def _in_fours(lines: list[Lanes], lanes: int) -> list[Lanes]:
    """Four vectors with each square of 4x4 transposed where it is."""
    low = [j + i + x for j in range(0, lanes, 4) for i in (0, 1) for x in (0, lanes)]
    high = [j + 2 for j in low]
    a, b, c, d = lines
    even, odd = _pair(a, c, low, high), _pair(b, d, low, high)
    return [x for pair in zip(even, odd, strict=True) for x in _pair(*pair, low, high)]


def _pair(x: Lanes, y: Lanes, first: list[int], second: list[int]) -> tuple[Lanes, Lanes]:
    return _shuffle(x, y, first), _shuffle(x, y, second)


def _shuffle(x: Lanes, y: Lanes, order: list[int]) -> Lanes:
    numbers = ", ".join(f"i32 {i}" for i in order)
    return x.block.emit(
        f"shufflevector {x.typed()}, {y.typed()}, <{len(order)} x i32> <{numbers}>", FLOAT
    )


def copy_lines(
    f: Function, source: str, to: str, lines: Sequence[Axis], length: Any, lanes: int
) -> None:
    """Copy contiguous lines: `lines` says how many, and their distance there (a) and here (b)."""
    with along(f, lines, source, to) as (x, y):
        whole = length - length % lanes
        with f.loop(0, whole, lanes) as i:
            f.store(f.at(y, i, FLOAT), f.load(f.at(x, i, FLOAT), FLOAT, lanes))
        if isinstance(length, Index):
            with f.loop(whole, length) as i:
                f.store(f.at(y, i, FLOAT), f.load(f.at(x, i, FLOAT), FLOAT, 1))
        elif whole < length:
            rest = f.load(f.at(x, whole, FLOAT), FLOAT, lanes, length - whole)
            f.store(f.at(y, whole, FLOAT), rest, length - whole)


def clear(f: Function, to: str, length: int, lanes: int) -> None:
    """Write zeros to a multiple of `lanes` numbers."""
    with f.loop(0, length, lanes) as i:
        f.store(f.at(to, i, FLOAT), f.block(lanes).constant(0.0, FLOAT))
