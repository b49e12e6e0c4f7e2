"""HDF5 files that a stranger wrote, read strictly; and such files written, with digests.

Reading does not use HDF5's own library, which follows links to other files, and fills in what is
declared but not stored. Of its format this module knows what Keras's files use:
groups as symbol tables, data sets of numbers in one piece or in chunks with gzip, attributes of
numbers and text. All else is refused: links of any kind, virtual and external storage, references,
compound and object types, other filters. No byte of a file belongs to two parts of it, and every
value that is declared is stored, so what is read is about as large as the file.

A file of ours begins with a block of 512 bytes, which HDF5 passes over: it holds the SHA-256 of all
that follows. Each data set has the SHA-256 of its values as an attribute, too.

Imports hdf5_messages and plain; h5py lazily, to write.
Source: The HDF Group, HDF5 File Format Specification 3.0 (2022).
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import math
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from kerasnb.files import hdf5_messages as messages
from kerasnb.files.hdf5_messages import UNDEFINED, Layout, TextType, Type
from kerasnb.files.plain import refusal, shown

__all__ = ["Contents", "Dataset", "pack", "unpack"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
BLOCK = 512  # bytes in front of a file of ours
SEALED = b"kerasnb sha256 "
DIGEST = "sha256"  # the attribute of a data set
MOST_OBJECTS, MOST_CHUNKS, MOST_ATTRIBUTES, MOST_LEVELS = 50_000, 200_000, 300_000, 64
MOST_LETTERS = 1_000  # of a path, in bytes
# of what is compressed, unpacked: this, and the file's own size as often
MOST_BYTES, MOST_GROWTH = 64 << 20, 2
MOST_HEIGHT = 8  # of a tree, whose nodes have dozens of members
# kinds of messages in the header of an object
_SHAPE, _TYPE, _LAYOUT, _FILTERS, _ATTRIBUTE, _CONTINUED, _TABLE = 1, 3, 8, 0xB, 0xC, 0x10, 0x11
_READ = frozenset((_SHAPE, _TYPE, _LAYOUT, _FILTERS, _TABLE))
# none, the value of what is not stored (all is), and times
_PASSED = frozenset((0, 4, 5, 0xE, 0x12))
_REFUSED = {
    2: "it is a group of HDF5's later format",
    6: "it holds a link",
    7: "its values are in other files",
}


class Dataset(NamedTuple):
    """Values of a file: of what kind they are is known, they are read by `array`.

    Attributes:
        path: of the data set within the file.
        shape: of the values.
        dtype: of the values, or the type of text.
        attributes: its attributes: arrays of numbers, texts, or lists of texts.
        array: a function without arguments that gives the values.
    """

    path: str
    shape: tuple[int, ...]
    dtype: Type
    attributes: dict[str, Any]
    array: Any


class Contents(NamedTuple):
    """All of a file: the attributes of each group and the data sets by path.

    The path of the root is empty.
    """

    groups: dict[str, dict[str, Any]]
    datasets: dict[str, Dataset]


def pack(
    values: Mapping[str, np.ndarray], attributes: Mapping[str, Mapping[str, str]] | None = None
) -> memoryview:
    """An HDF5 file of `values` by path, with the digest of all of it in front.

    Args:
        values: arrays of numbers by their paths.
        attributes: texts by name, by the path of a group, which is made if it is not there; the
            root is ``""``.
    """
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=BLOCK, libver="earliest") as file:
        for path, value in values.items():
            value = np.asarray(value, np.asarray(value).dtype.newbyteorder("<"))
            file[path] = value
            file[path].attrs[DIGEST] = np.bytes_(_digest(value))
        for path, texts in (attributes or {}).items():
            group = file.require_group(path or "/")
            for name, text in texts.items():
                group.attrs[name] = text
    data = buffer.getbuffer()
    data[:BLOCK] = _seal(data)
    return data


def unpack(data: Any, what: str, worth: int | None = None) -> Contents:
    """What is in an HDF5 file. The values of data sets are read when they are asked for.

    Args:
        data: the file: bytes of any kind, which must stay as they are.
        what: its name, which begins every error.
        worth: the size of the file that it is a member of, if it is one: what it may unpack to
            goes by that.

    Raises:
        LoadError: it is no HDF5 file, was changed after it was written, holds what weights never
            hold, or declares more than it stores.
    """
    view = memoryview(data).cast("B")
    base = 0
    if view[: len(SEALED)] == SEALED:
        base = BLOCK
        if view[:BLOCK] != _seal(view):
            raise refusal(what, "it was changed after it was saved: its digest does not fit")
    if view[base : base + 8] != SIGNATURE:
        raise refusal(what, "it cannot be read: no HDF5 file begins like this")
    try:
        return _Reader(view, base, what, len(view) if worth is None else worth).read()
    except (struct.error, IndexError, OverflowError):
        raise refusal(what, "it is damaged: a part of it is cut short") from None


def _seal(data: memoryview) -> bytes:
    """What a file of ours begins with."""
    digest = hashlib.sha256(data[BLOCK:]).hexdigest()
    return (SEALED + digest.encode() + b"\n").ljust(BLOCK, b"\0")


def _digest(value: np.ndarray) -> str:
    """Of an array's type, shape and values."""
    digest = hashlib.sha256(f"{value.dtype.str} {value.shape} ".encode())
    digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()


class _Reader:
    """Goes through a file once. Every part that it reads is claimed, so that none is read twice."""

    def __init__(self, data: memoryview, base: int, what: str, worth: int):
        self.data, self.base, self.what = data, base, what
        self.claims: list[tuple[int, int, str]] = []
        self.left = len(data)  # bytes that can still be claimed
        self.budget = MOST_BYTES + MOST_GROWTH * worth  # bytes that chunks may unpack to
        self.chunks, self.attributes = MOST_CHUNKS, MOST_ATTRIBUTES
        self.heaps: dict[int, dict[int, tuple[str, int]]] = {}
        self.found = Contents({}, {})

    def read(self) -> Contents:
        root = self._superblock()
        waiting = [("", root, 0)]
        for count in itertools.count():
            if not waiting:
                break
            if count == MOST_OBJECTS:
                raise refusal(self.what, f"it has more than {MOST_OBJECTS:,} objects")
            path, address, level = waiting.pop()
            waiting += ((p, a, level + 1) for p, a in self._object(path, address))
            if level > MOST_LEVELS:
                raise refusal(self.what, f"its groups are nested deeper than {MOST_LEVELS} levels")
        self._check_claims()
        return self.found

    def take(self, form: str, address: int) -> tuple:
        """Numbers at an address of the file, little end first."""
        return struct.unpack_from("<" + form, self.data, self.base + address)

    def claim(self, address: int, size: int, place: str) -> None:
        """Mark a part of the file as used; if all parts were longer than the file, stop."""
        begin = self.base + address
        self.left -= size
        if begin + size > len(self.data) or self.left < 0:
            raise refusal(place, "a part of it is outside the file, or within another part")
        if size:
            self.claims.append((begin, begin + size, place))

    def _check_claims(self) -> None:
        self.claims.sort()
        for (_, end, _), (begin, _, place) in itertools.pairwise(self.claims):
            if begin < end:
                raise refusal(place, "a part of it is also another part of the file")

    def _superblock(self) -> int:
        """The address of the root's header."""
        if self.data[self.base + 8] != 0:
            raise refusal(
                self.what,
                f"it has the superblock {self.data[self.base + 8]}, not 0 of HDF5's earliest "
                "format. Write it again with h5py's default settings",
            )
        versions = self.take("8B", 8)
        base, _, end, driver = self.take("4Q", 24)
        if versions != (0, 0, 0, 0, 0, 8, 8, 0) or base != self.base or driver != UNDEFINED:
            raise refusal(self.what, "it is not of HDF5's usual kind")
        if end != len(self.data):
            raise refusal(self.what, "it is cut short, or something follows its end")
        self.claim(0, 96, self.what)
        _, root, *_ = self._entry(56, self.what)
        return root

    def _entry(self, address: int, place: str) -> tuple[int, int, tuple[int, int] | None]:
        """A member of a group: place of its name, address of its header; tree and heap if told."""
        name, header, kind, _ = self.take("2Q2L", address)
        if kind not in (0, 1):
            raise refusal(place, "it holds a soft link, which is refused")
        return name, header, self.take("2Q", address + 24) if kind else None

    # Headers of objects

    def _object(self, path: str, address: int) -> list[tuple[str, int]]:
        """Read a group or a data set; the paths and addresses of a group's members."""
        place = f"{self.what}, {shown(path)}" if path else self.what
        said: dict[int, bytes] = {}
        attributes: dict[str, Any] = {}
        for kind, body in self._messages(address, place):
            if kind == _ATTRIBUTE:
                name, value = self._attribute(body, place)
                if name in attributes:
                    raise refusal(place, f"the attribute {name[:60]!r} comes twice")
                attributes[name] = value
            elif kind in _REFUSED:
                raise refusal(place, f"{_REFUSED[kind]}, which is refused")
            elif kind in _READ:
                if kind in said:
                    raise refusal(place, "its header says something twice")
                said[kind] = body
            elif kind not in _PASSED:
                raise refusal(place, f"a message of the kind {kind:#x} in its header is refused")
        if _TABLE in said:
            if len(said) > 1:
                raise refusal(place, "it is both a group and a data set")
            self.found.groups[path] = attributes
            return self._members(path, said[_TABLE], place)
        self.found.datasets[path] = self._dataset(path, said, attributes, place)
        return []

    def _messages(self, address: int, place: str) -> Iterator[tuple[int, bytes]]:
        """Kind and contents of each message of a header, which may go on elsewhere."""
        version, _, count, links, size = self.take("2BH2L", address)
        if version != 1:
            raise refusal(
                place,
                "it has no header of HDF5's earliest format. If h5py can read the file, write it "
                "again with h5py's default settings",
            )
        if links != 1:
            raise refusal(place, "several links lead to it, which is refused")
        self.claim(address, 16 + size, place)
        blocks, seen = [(address + 16, size)], 0
        for at, length in blocks:  # grows as the header goes on
            end = at + length
            while at + 8 <= end:
                kind, size, flags = self.take("2HB", at)
                at += 8 + size
                seen += 1
                if at > end or flags & 2 or size % 8:
                    raise refusal(place, "its header is damaged, or parts of it are elsewhere")
                body = bytes(self.data[self.base + at - size : self.base + at])
                if kind == _CONTINUED:
                    block = struct.unpack_from("<2Q", body)
                    self.claim(*block, place)
                    blocks.append(block)
                else:
                    yield kind, body
        if seen != count:
            raise refusal(place, f"its header has {seen} messages, and says {count}")

    # Groups

    def _members(self, path: str, table: bytes, place: str) -> list[tuple[str, int]]:
        tree, heap = struct.unpack_from("<2Q", table)
        names = self._names(heap, place)
        found: list[tuple[str, int]] = []
        before = b""
        for _, node in self._leaves(tree, 0, "Q", place, None):
            sign, version, _, count = self.take("4s2BH", node)
            if (sign, version) != (b"SNOD", 1):
                raise refusal(place, "its list of members is damaged")
            self.claim(node, 8 + 40 * count, place)
            for number in range(count):
                start, address, _ = self._entry(node + 8 + 40 * number, place)
                name = names[start : names.find(b"\0", start, start + MOST_LETTERS)]
                # also finds a name that comes twice
                if name <= before:
                    raise refusal(place, "its members are not in order")
                before = name
                found.append((_joined(path, name, place), address))
        return found

    def _names(self, heap: int, place: str) -> bytes:
        sign, version, _, size, _, address = self.take("4sB3s3Q", heap)
        if (sign, version) != (b"HEAP", 0):
            raise refusal(place, "its list of names is damaged")
        self.claim(heap, 32, place)
        self.claim(address, size, place)
        return bytes(self.data[self.base + address : self.base + address + size])

    def _leaves(
        self, address: int, kind: int, key: str, place: str, level: int | None
    ) -> Iterator[tuple[tuple, int]]:
        """What the leaves of a tree hold, in order: the key before each child, and its address."""
        sign, found, height, count = self.take("4s2BH", address)
        expected = height <= MOST_HEIGHT if level is None else height == level
        if (sign, found) != (b"TREE", kind) or not expected:
            raise refusal(place, "a tree of its parts is damaged")
        step = struct.calcsize("<" + key)
        self.claim(address, 24 + count * (step + 8) + step, place)
        for number in range(count):
            at = address + 24 + number * (step + 8)
            (child,) = self.take("Q", at + step)
            if height:
                yield from self._leaves(child, kind, key, place, height - 1)
            else:
                yield self.take(key, at), child

    # Attributes

    def _attribute(self, body: bytes, place: str) -> tuple[str, Any]:
        name, kind, shape, value = messages.attribute(body, place)
        place = f"{place}, attribute {name[:60]!r}"
        if shape is None:
            return name, None
        size = kind.size or 16 if isinstance(kind, TextType) else kind.itemsize
        count = _count(shape, place)
        if count * size > len(value):
            raise refusal(place, "it is cut short")
        self.attributes -= 1 + (count if isinstance(kind, TextType) else 0)
        if self.attributes < 0:
            raise refusal(place, f"the file has more than {MOST_ATTRIBUTES:,} attributes and texts")
        if isinstance(kind, TextType):
            items = [value[i * size : (i + 1) * size] for i in range(count)]
            texts = [self._text(item, kind, place) for item in items]
            return name, texts if shape else texts[0]
        array = np.frombuffer(value, kind, count).reshape(shape)
        return name, array if shape else array[()]

    def _text(self, item: bytes, kind: TextType, place: str) -> str:
        if kind.size is not None:
            return _decoded(item.rstrip(b"\0"), place)
        length, address, index = struct.unpack("<LQL", item)
        if not length:
            return ""
        if address not in self.heaps:
            self.heaps[address] = self._heap(address, place)
        text, size = self.heaps[address].get(index, ("", -1))
        if size != length:
            raise refusal(place, "its text is not where it should be")
        return text

    def _heap(self, address: int, place: str) -> dict[int, tuple[str, int]]:
        """The texts of a heap, and how many bytes they have, by their numbers."""
        sign, version, _, size = self.take("4sB3sQ", address)
        if (sign, version) != (b"GCOL", 1):
            raise refusal(place, "its text is not where it should be")
        self.claim(address, size, place)
        found: dict[int, tuple[str, int]] = {}
        at, end = address + 16, address + size
        while at + 16 <= end:
            index, _, _, length = self.take("2HLQ", at)
            if index == 0:  # what is left is free
                break
            at += 16
            if index in found or at + length > end:
                raise refusal(place, "a heap of texts is damaged")
            text = bytes(self.data[self.base + at : self.base + at + length])
            found[index] = _decoded(text.rstrip(b"\0"), place), length
            at += -(-length // 8) * 8
        return found

    # Data sets

    def _dataset(
        self, path: str, said: dict[int, bytes], attributes: dict[str, Any], place: str
    ) -> Dataset:
        if not {_SHAPE, _TYPE, _LAYOUT} <= said.keys():
            raise refusal(place, "it is neither a group nor a whole data set")
        dtype = messages.datatype(said[_TYPE], place)
        shape = messages.shape(said[_SHAPE], place)
        if shape is None or isinstance(dtype, TextType):
            raise refusal(place, "it holds no numbers")
        size = _count(shape, place) * dtype.itemsize
        layout = messages.layout(said[_LAYOUT], len(shape), dtype.itemsize, place)
        filters = messages.filters(said[_FILTERS], place) if _FILTERS in said else ()
        if layout.chunk is not None:
            pieces = self._pieces(shape, layout, bool(filters), place)
            read = functools.partial(
                self._from_chunks, shape, dtype, layout, pieces, filters, place
            )
        else:
            stored = layout.size if layout.compact is None else len(layout.compact)
            if stored != size or filters:
                raise refusal(place, f"it declares {size:,} bytes, and stores {stored:,}")
            if layout.compact is None and size:
                self.claim(layout.address, size, place)
            read = functools.partial(self._in_one, shape, dtype, layout)
        digest = attributes.get(DIGEST)
        array = functools.partial(_checked, read, digest, place)
        return Dataset(path, shape, dtype, attributes, array)

    def _in_one(self, shape: tuple[int, ...], dtype: np.dtype, layout: Layout) -> np.ndarray:
        if 0 in shape:
            return np.empty(shape, dtype)
        if layout.compact is not None:
            return np.frombuffer(layout.compact, dtype, math.prod(shape)).reshape(shape)
        begin = self.base + layout.address
        return np.frombuffer(self.data, dtype, math.prod(shape), begin).reshape(shape)

    def _pieces(
        self, shape: tuple[int, ...], layout: Layout, packed: bool, place: str
    ) -> list[tuple[tuple[int, ...], int, int]]:
        """Each chunk: where it begins among the values, and its address and size in the file."""
        chunk = layout.chunk
        count = math.prod(-(-n // c) for n, c in zip(shape, chunk, strict=True))
        self.chunks -= count
        if self.chunks < 0:
            raise refusal(place, f"the file has more than {MOST_CHUNKS:,} chunks")
        if packed:
            self.budget -= count * layout.size
            if self.budget < 0:
                raise refusal(place, "it unpacks to far more than the file's size")
        pieces: list[tuple[tuple[int, ...], int, int]] = []
        if not count:
            return pieces
        form = f"2L{len(shape) + 1}Q"
        for (size, mask, *begin, rest), address in self._leaves(
            layout.address, 1, form, place, None
        ):
            at = tuple(begin)
            fits = all(b % c == 0 and b < n for b, c, n in zip(at, chunk, shape, strict=True))
            # in order, so that none comes twice
            if not fits or rest or mask or (pieces and at <= pieces[-1][0]):
                raise refusal(place, "its chunks are damaged")
            if not packed and size != layout.size:
                raise refusal(place, f"a chunk declares {layout.size:,} bytes, and stores {size:,}")
            self.claim(address, size, place)
            pieces.append((at, address, size))
        if len(pieces) != count:
            raise refusal(place, f"it declares {count:,} chunks, and stores {len(pieces):,}")
        return pieces

    def _from_chunks(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        layout: Layout,
        pieces: list[tuple[tuple[int, ...], int, int]],
        filters: tuple[int, ...],
        place: str,
    ) -> np.ndarray:
        array = np.empty(shape, dtype)
        for begin, address, size in pieces:
            raw = self.data[self.base + address : self.base + address + size]
            if messages.DEFLATE in filters:
                raw = _inflated(raw, layout.size, place)
            values = np.frombuffer(raw, np.uint8)
            if messages.SHUFFLE in filters:  # (itemsize, N) -> (N, itemsize)
                values = np.ascontiguousarray(values.reshape(dtype.itemsize, -1).T)
            values = values.reshape(-1).view(dtype).reshape(layout.chunk)
            ends = [min(c, n - b) for b, c, n in zip(begin, layout.chunk, shape, strict=True)]
            inside = tuple(slice(b, b + e) for b, e in zip(begin, ends, strict=True))
            array[inside] = values[tuple(slice(e) for e in ends)]
        return array


def _joined(path: str, raw_name: bytes, place: str) -> str:
    name = _decoded(raw_name, place)
    if name in ("", ".", "..") or "/" in name or not name.isprintable():
        raise refusal(place, f"a member has the name {shown(name)}")
    joined = f"{path}/{name}" if path else name
    if len(joined.encode()) > MOST_LETTERS:
        raise refusal(place, "the path of a member is too long")
    return joined


def _decoded(text: bytes, place: str) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise refusal(place, "a text is not UTF-8") from None


def _count(shape: tuple[int, ...], place: str) -> int:
    """How many values a shape has, which NumPy must be able to count."""
    if math.prod(n for n in shape if n) >= 1 << 56:
        raise refusal(place, "its shape is damaged")
    return math.prod(shape)


def _inflated(packed: memoryview, size: int, place: str) -> bytes:
    """`packed` bytes as they were, of which there must be `size`."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(packed, size + 1)
    except zlib.error:
        raise refusal(place, "a chunk is damaged: it cannot be unpacked") from None
    if len(found) != size or not unpacker.eof or unpacker.unused_data:
        raise refusal(place, f"a chunk does not unpack to its {size:,} bytes")
    return found


def _checked(read: Callable[[], np.ndarray], digest: Any, place: str) -> np.ndarray:
    """Values that are those that were saved, if the file says so; bfloat16 becomes float32."""
    array = read()
    if digest is not None and not (isinstance(digest, str) and digest == _digest(array)):
        raise refusal(place, "its values were changed after they were saved")
    if array.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise refusal(place, "a value is neither true nor false")
    if array.dtype.kind == "V":
        # the upper half of a float32
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
