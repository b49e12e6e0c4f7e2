"""Convolutions in float32 as native kernels: the three partial derivatives. Imports winograd_grad.

Channels last, one to three spatial axes. What is computed is defined in `ops.convolution`, whose
primitives these are. All arrays are read where they lie: a row of a tile is a position, or a place
in the window, which is one more step in memory. Images that need zeros around them are copied with
these into scratch memory, one or a few at a time, so that they are read from the L2. Windows of
3x3 over many channels are computed otherwise, by `winograd` and `winograd_grad`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from kerasnb.compile import llvm
from kerasnb.compile.contract import (
    FLOAT,
    Axis,
    Contraction,
    Cut,
    along,
    merged,
    registers_of,
    sum_of_parts,
    sweep,
    text_of,
    total,
)
from kerasnb.compile.ir import Declined
from kerasnb.compile.kernel import Function, Index, Kernel, Place
from kerasnb.compile.packing import clear, copy_lines, pack
from kerasnb.compile.winograd import suits_winograd, winograd
from kerasnb.compile.winograd_grad import suits_winograd_grad, winograd_grad

__all__ = ["convolution", "convolution_input_grad", "convolution_kernel_grad"]

_CHUNKS = 32  # of the images, at most; so many parts of the sum over them is a gradient
_PARTS = 16
_WORKSPACE = 1 << 20  # float32 numbers that those parts may take together
_SMALL = 1 << 18  # multiplications of a chunk that is worth it
_NEAR = 1 << 16  # float32 numbers of images that are used again while they are in the L2

Pairs = Sequence[Sequence[int]]


def convolution(
    x: Place, w: Place, y: Place, *,
    strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int = 1,
    target: llvm.Target | None = None,
) -> Contraction:  # fmt: skip
    """(N, *spatial, C), (*window, C/groups, F) -> (N, *positions, F).

    Args:
        x, w: the input (``"a"``) and the kernel (``"b"``), dense.
        y: where the result goes (``"c"``), dense.
        strides, padding, dilation: per spatial axis.
        groups: of channels.
        target: the processor; the one that this runs on if None.

    Raises:
        Declined: an array is not of float32, or not dense.
    """
    _check(x, w, y)
    if suits_winograd(w, y, strides, padding, dilation, groups):
        low = [low for low, _ in padding]
        return winograd("convolution", x, w, y, low=low, target=target)
    taps = [
        _Taps(positions, size, -low, stride, step, 0, 1)
        for positions, size, (low, _), stride, step in zip(
            y.shape[1:-1], w.shape[:-2], padding, strides, dilation, strict=True
        )
    ]
    image = _Image.around(x.shape, taps)
    share, filters = w.shape[-2], w.shape[-1] // groups
    writer = _Windows(
        image, taps,
        kernel=w.strides[:-2], inner=Axis(share, 1, w.strides[-2]), columns=Axis(filters, 0, 1, 1),
        group=Axis(groups, share, filters, filters),
        result=(y.strides[0], y.strides[1:-1], 0), target=target,
    )  # fmt: skip
    return Contraction([(writer.kernel("convolution", x, w, y), ("a", "b", "c"))])


def convolution_input_grad(
    g: Place, w: Place, x: Place, *,
    strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int = 1,
    target: llvm.Target | None = None,
) -> Contraction:  # fmt: skip
    """(N, *positions, F), (*window, C/groups, F) -> (N, *spatial, C).

    It is a convolution of `g` with the kernel turned round. With strides it is one for each
    remainder of the position by the stride, with every so-manieth place of the window.

    Args:
        g, w: the gradient (``"a"``) and the kernel (``"b"``), dense.
        x: where the result goes (``"c"``), dense.
        strides, padding, dilation: of the convolution, per spatial axis.
        groups: of channels.
        target: the processor; the one that this runs on if None.

    Raises:
        Declined: an array is not of float32, or not dense.
    """
    _check(g, w, x)
    if suits_winograd(w, x, strides, padding, dilation, groups):
        low = [2 - low for low, _ in padding]
        return winograd("input gradient", g, w, x, low=low, turned=True, target=target)
    share, filters = w.shape[-2], w.shape[-1] // groups
    kernels = []
    phases = itertools.product(*(range(s) for s in strides))
    for phase in phases:
        taps = [
            _Taps.of_phase(*axis)
            for axis in zip(
                phase, x.shape[1:-1], w.shape[:-2], strides, padding, dilation, strict=True
            )
        ]
        if not all(t.positions for t in taps):
            continue
        start = sum(p * step for p, step in zip(phase, x.strides[1:-1], strict=True))
        steps = [s * step for s, step in zip(strides, x.strides[1:-1], strict=True)]
        writer = _Windows(
            _Image.around(g.shape, taps), taps,
            kernel=w.strides[:-2], inner=Axis(filters, 1, 1),
            columns=Axis(share, 0, w.strides[-2], 1), group=Axis(groups, filters, filters, share),
            result=(x.strides[0], steps, start), target=target,
        )  # fmt: skip
        kernels.append((writer.kernel("input gradient", g, w, x), ("a", "b", "c")))
    return Contraction(kernels)


def convolution_kernel_grad(
    x: Place, g: Place, w: Place, *,
    strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int = 1,
    target: llvm.Target | None = None,
) -> Contraction:  # fmt: skip
    """(N, *spatial, C), (N, *positions, F) -> (*window, C/groups, F).

    The images are divided into a fixed number of parts, whose sums a last kernel adds.

    Args:
        x, g: the input (``"a"``) and the gradient (``"b"``), dense.
        w: where the result goes (``"c"``), dense.
        strides, padding, dilation: of the convolution, per spatial axis.
        groups: of channels.
        target: the processor; the one that this runs on if None.

    Raises:
        Declined: an array is not of float32, or not dense.
    """
    _check(x, g, w)
    if suits_winograd_grad(w, g, strides, padding, dilation, groups):
        return winograd_grad(x, g, w, low=[low for low, _ in padding], target=target)
    # position and place change parts: here the sum is over positions
    taps = [
        _Taps(size, positions, -low, step, stride, 0, 1)
        for positions, size, (low, _), stride, step in zip(
            g.shape[1:-1], w.shape[:-2], padding, strides, dilation, strict=True
        )
    ]
    writer = _Places(_Image.around(x.shape, taps), taps, g, w, groups, target)
    return writer.contraction(x)


def _check(*places: Place) -> None:
    for place in places:
        if place.dtype != FLOAT:
            raise Declined(f"a convolution of {place.dtype}")
        if 0 not in place.shape and not place.is_dense:
            raise Declined("a convolution of arrays with gaps")


class _Taps(NamedTuple):
    """One spatial axis: position p sees ``image[start + p * stride + t * step]`` for each tap t,
    which belongs to place ``first + t * every`` of the window.

    Attributes:
        positions: how many there are.
        taps: how many each sees.
    """

    positions: int
    taps: int
    start: int
    stride: int
    step: int
    first: int
    every: int

    @classmethod
    def of_phase(
        cls, phase: int, length: int, window: int, stride: int, padding: Sequence[int],
        dilation: int,
    ) -> _Taps:  # fmt: skip
        """What contributes to the positions ``phase + j * stride`` of a convolution's input.

        Output o meets input h at place k if ``o * stride + k * dilation == h + low``. So the places
        are those with ``k * dilation = phase + low`` up to multiples of the stride, and one of them
        after another lies ``dilation / common`` outputs before. The last comes first here.
        """
        common = math.gcd(dilation, stride)
        every, step = stride // common, dilation // common
        places = [k for k in range(window) if (phase + padding[0] - k * dilation) % stride == 0]
        start = first = 0
        if places:
            first = places[-1]
            start = (phase + padding[0] - first * dilation) // stride
        return cls(-(-(length - phase) // stride), len(places), start, 1, step, first, -every)

    @property
    def stop(self) -> int:
        """The place after the last one that is seen."""
        last = (self.positions - 1) * self.stride + (self.taps - 1) * self.step
        return self.start + last + 1


class _Image(NamedTuple):
    """What the windows look at: an image, with zeros around it where they reach beyond.

    Attributes:
        count: how many images.
        spatial: lengths of the spatial axes.
        channels: how many.
        low, high: zeros before and after, per axis.
    """

    count: int
    spatial: tuple[int, ...]
    channels: int
    low: tuple[int, ...]
    high: tuple[int, ...]

    @classmethod
    def around(cls, shape: Sequence[int], taps: Sequence[_Taps]) -> _Image:
        """With as many zeros as `taps` need."""
        spatial = tuple(shape[1:-1])
        seen = all(t.taps and t.positions for t in taps)
        low = tuple(max(0, -t.start) * seen for t in taps)
        high = tuple(max(0, t.stop - n) * seen for n, t in zip(spatial, taps, strict=True))
        return cls(shape[0], spatial, shape[-1], low, high)

    @property
    def is_padded(self) -> bool:
        return any(self.low) or any(self.high)

    @property
    def steps(self) -> tuple[int, ...]:
        """The distance of neighbours along the spatial axes, zeros included; last the size."""
        lengths = [sum(n) for n in zip(self.low, self.spatial, self.high, strict=True)]
        return self._steps(lengths)

    @property
    def size(self) -> int:
        """Numbers of one image, zeros included."""
        return math.prod(
            (sum(n) for n in zip(self.low, self.spatial, self.high, strict=True)),
            start=self.channels,
        )

    def _steps(self, lengths: Sequence[int]) -> tuple[int, ...]:
        steps, step = [], self.channels
        for length in reversed(lengths):
            steps.insert(0, step)
            step *= length
        return tuple(steps)

    def offset(self, place: Sequence[int]) -> int:
        """Where a place of the image lies, from the first number there is."""
        return sum(
            (p + low) * step for p, low, step in zip(place, self.low, self.steps, strict=True)
        )

    def copy(self, f: Function, images: Any, source: str, to: str, lanes: int) -> None:
        """Copy images between their zeros."""
        here = self._steps(self.spatial)
        lines = [
            Axis(images, math.prod(self.spatial) * self.channels, self.size),
            *(Axis(*axis) for axis in zip(self.spatial, here, self.steps, strict=True)),
        ][:-1]
        to = f.at(to, self.offset([0] * len(self.spatial)), FLOAT)
        copy_lines(f, source, to, lines, self.spatial[-1] * self.channels, lanes)


def _lines(numbers: int) -> int:
    """So many float32 numbers, and what is missing to a line of the cache."""
    return -(-numbers // 16) * 16


class _Windows:
    """Writes the kernel in which a row of a tile is a position: both directions of images.

    A chunk is some images; it packs the kernel's panels where they are not lines in memory.

    Args:
        image: what the windows look at.
        taps: per spatial axis.
        kernel: the steps of the places in the window in B.
        inner: the channels that are summed over.
        columns: the channels of the result.
        group: the groups of channels.
        result: the distance of images in C, of positions per axis, and where the first lies.
        target: the processor.
    """

    def __init__(
        self, image: _Image, taps: Sequence[_Taps], *, kernel: Sequence[int], inner: Axis,
        columns: Axis, group: Axis, result: tuple[int, Sequence[int], int],
        target: llvm.Target | None,
    ):  # fmt: skip
        self.image, self.registers = image, registers_of(target)
        self.lanes, self.f = self.registers.lanes, Function()
        self.c_image, c_steps, self.c_start = result
        self.a_start = (
            image.offset([t.start for t in taps])
            if image.is_padded or all(t.taps for t in taps)
            else 0
        )
        self.b_start = sum(t.first * step for t, step in zip(taps, kernel, strict=True))
        rows = [
            Axis(t.positions, t.stride * a, 0, c)
            for t, a, c in zip(taps, image.steps, c_steps, strict=True)
        ]
        reduced = [
            Axis(t.taps, t.step * a, t.every * b)
            for t, a, b in zip(taps, image.steps, kernel, strict=True)
        ]
        if inner.extent == columns.extent == 1 and group.extent > 1:
            # one channel a group: the groups are columns, of which each has its own number of A
            columns, group = Axis(group.extent, 1, group.b, 1), Axis(1)
        self.group, self.reduced = group, merged([*reduced, inner]) or [Axis(1)]
        self.cut = Cut.best(rows, columns, self.registers)
        depth = total(self.reduced)
        self.flops = 2 * image.count * total(rows) * depth * columns.extent * group.extent
        self.packs = columns.b != 1 or (self.cut.panels > 1 and columns.a == 0)
        self.packed = _lines(depth * self.cut.width)
        self._divide(total(rows) * columns.extent * group.extent * max(depth, 16))

    def _divide(self, image_size: int) -> None:
        """Images of a chunk; or if there are few images, the rows of positions of a chunk."""
        count, outer = self.image.count, self.cut.outer
        worth = -(-_SMALL // image_size)
        self.each = max(1, min(count, max(worth, -(-count // _CHUNKS))))
        self.band = outer[0].extent if outer else 1
        if outer and count * 4 <= _CHUNKS:
            bands = min(_CHUNKS // (2 * max(count, 1)), image_size // _SMALL)
            self.band = -(-outer[0].extent // max(bands, 1))
        self.bands = -(-outer[0].extent // self.band) if outer else 1

    def kernel(self, name: str, *places: Place) -> Kernel:
        """The kernel, with a name that says what it does."""
        f, image = self.f, self.image
        a, b, c = (f.operand(i) for i in range(3))
        b, c = f.at(b, self.b_start, FLOAT), f.at(c, self.c_start, FLOAT)
        used, reduced = 0, self.reduced
        if self.packs:
            used = self.group.extent * self.cut.panels * self.packed
            with along(
                f, [Axis(self.group.extent, self.group.b, used // self.group.extent)], b, f.scratch
            ) as (x, y):
                reduced = merged(pack(f, self.cut, reduced, x, y, packed=self.packed)) or [Axis(1)]
            b = f.scratch
        padded = f.at(f.scratch, used, FLOAT)
        if image.is_padded:
            clear(f, padded, _lines(image.size), self.lanes)
            used += _lines(image.size)
        start, band = f.chunk // self.bands * self.each, f.chunk % self.bands * self.band
        with f.loop(start, (start + self.each).least(image.count)) as number:
            here = f.at(a, number * (math.prod(image.spatial) * image.channels), FLOAT)
            if image.is_padded:
                image.copy(f, 1, here, padded, self.lanes)
                here = padded
            here = f.at(here, self.a_start, FLOAT)
            self._rows(reduced, here, b, f.at(c, number * self.c_image, FLOAT), band)
        sizes = " ".join("x".join(map(str, p.shape)) for p in places[:2])
        moved = 4 * sum(math.prod(p.shape) for p in places)
        chunks = -(-image.count // self.each) * self.bands
        return Kernel(f"{name} {sizes}", text_of(f), chunks, self.flops, moved, 4 * used)

    def _rows(self, reduced: list[Axis], a: str, b: str, c: str, band: Index) -> None:
        """One image, or some rows of it."""
        f, cut = self.f, self.cut
        if self.bands > 1:
            first, *others = cut.outer
            a, c = f.at(a, band * first.a, FLOAT), f.at(c, band * first.c, FLOAT)
            rows = (first.extent - band).least(self.band)
            cut = cut._replace(outer=(first._replace(extent=rows), *others))
        step = cut.panels * self.packed if self.packs else self.group.b
        with along(f, [self.group._replace(b=step)], a, b, c) as pointers:
            sweep(f, cut, reduced, *pointers, packed=self.packed if self.packs else 0)


class _Places:
    """Writes the kernels in which a row of a tile is a place in the window and a channel.

    A chunk is some images, with all of the result or some panels of it. Its sums over a few images
    at a time are added to what it has in C, or in the workspace if there are several parts.

    Args:
        image: what the windows look at.
        taps: per spatial axis, with places as positions and positions as taps.
        g: the gradient.
        w: the result.
        groups: of channels.
        target: the processor.
    """

    def __init__(
        self, image: _Image, taps: Sequence[_Taps], g: Place, w: Place, groups: int,
        target: llvm.Target | None,
    ):  # fmt: skip
        self.image, self.registers, self.f = image, registers_of(target), Function()
        self.g, self.w = g, w
        share, filters = w.shape[-2], w.shape[-1] // groups
        rows = [
            Axis(t.positions, t.stride * a, 0, c)
            for t, a, c in zip(taps, image.steps, w.strides[:-2], strict=True)
        ]
        rows.append(Axis(share, 1, 0, w.shape[-1]))
        columns, self.group = Axis(filters, 0, 1, 1), Axis(groups, share, filters, filters)
        if share == filters == 1 and groups > 1:
            columns, self.group = Axis(groups, 1, 1, 1), Axis(1)
        self.reduced = [
            Axis(t.taps, t.step * a, b)
            for t, a, b in zip(taps, image.steps, g.strides[1:-1], strict=True)
        ]
        self.a_start = image.offset([t.start for t in taps])
        self.cut = Cut.best(rows, columns, self.registers)
        self.size = math.prod(w.shape)
        self.flops = 2 * self.size * total(self.reduced) * image.count
        self._divide()

    def _divide(self) -> None:
        """Images of a part and panels of a chunk."""
        count, cut = self.image.count, self.cut
        most = min(_PARTS, _WORKSPACE // self.size, self.flops // (2 * _SMALL), count)
        self.each = -(-count // max(1, most))
        self.parts = -(-count // self.each) if count else 1
        across = max(1, min(_PARTS // self.parts, cut.panels, self.flops // (2 * _SMALL)))
        self.panels = -(-cut.panels // across)
        self.across = -(-cut.panels // self.panels)
        near = self.image.size + math.prod(self.g.shape[1:])
        self.few = max(1, min(self.each, _NEAR // near))

    def contraction(self, x: Place) -> Contraction:
        """The kernels."""
        sizes = " ".join("x".join(map(str, p.shape)) for p in (x, self.g))
        moved = 4 * (math.prod(x.shape) + math.prod(self.g.shape) + self.parts * self.size)
        scratch = 4 * _lines(self.few * self.image.size) if self.image.is_padded else 0
        text = self._text()
        kernel = Kernel(
            f"kernel gradient {sizes}", text, self.parts * self.across, self.flops, moved, scratch
        )
        if self.parts == 1:
            return Contraction([(kernel, ("a", "b", "c"))])
        added = sum_of_parts(self.parts, self.size, self.registers)
        return Contraction(
            [(kernel, ("a", "b", "workspace")), (added, ("workspace", "c"))],
            self.parts * self.size,
        )

    def _text(self) -> str:
        f, image, lanes = self.f, self.image, self.registers.lanes
        a, b, c = (f.operand(i) for i in range(3))
        part, panel = f.chunk // self.across, f.chunk % self.across * self.panels
        c = f.at(c, part * self.size, FLOAT)
        panels = (panel, (panel + self.panels).least(self.cut.panels)) if self.across > 1 else None
        if not image.count:
            self._groups([Axis(0)], a, b, c, False, panels)
            return text_of(f)
        if image.is_padded:
            clear(f, f.scratch, _lines(self.few * image.size), lanes)
        start = part * self.each
        stop = (start + self.each).least(image.count)
        with f.loop(start, stop, self.few) as number:
            images = (stop - number).least(self.few) if self.few > 1 else 1
            here = f.at(a, number * (math.prod(image.spatial) * image.channels), FLOAT)
            if image.is_padded:
                image.copy(f, images, here, f.scratch, lanes)
                here = f.scratch
            here = f.at(here, self.a_start, FLOAT)
            g_here = f.at(b, number * self.g.strides[0], FLOAT)
            reduced = [Axis(images, image.size, self.g.strides[0]), *merged(self.reduced)]
            self._groups(reduced[self.few == 1 :], here, g_here, c, number > start, panels)
        return text_of(f)

    def _groups(self, reduced: list[Axis], a: str, b: str, c: str, more: Any, panels: Any) -> None:
        """What some images add."""
        with along(self.f, [self.group], a, b, c) as pointers:
            sweep(self.f, self.cut, reduced or [Axis(1)], *pointers, more=more, panels=panels)
