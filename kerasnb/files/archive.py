"""Zip files that a stranger wrote: read only if all of their parts tell the same. Imports plain.

A zip file says twice what it holds, in front of each member and in the directory at its end, and
programs differ in which they believe. Here both must agree, and together fill the file to the last
byte: so nothing is hidden in it, no member is stored in another, and none is found in one way and
not in the other. What the directory says is not taken from `zipfile`, which reads more kinds of
files than there need be.

A file of ours ends with a comment that holds the SHA-256 of everything before it.
Source: PKWARE, APPNOTE.TXT 6.3.10 (2022).
"""

from __future__ import annotations

import hashlib
import io
import itertools
import stat
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kerasnb.files.plain import refusal, shown

__all__ = ["check_names", "pack", "unpack"]

MOST_MEMBERS = 10_000
MOST_LETTERS = 1_000  # of a name
# of all members together: this, and the file's own size as often
MOST_BYTES, MOST_GROWTH = 64 << 20, 2
_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_WIDE_END = struct.Struct("<4sQ2H2L4Q")
_WIDE_PLACE = struct.Struct("<4sLQL")
_LARGE, _MANY = 0xFFFFFFFF, 0xFFFF  # stand for numbers that are told elsewhere
_ENCRYPTED, _LATER, _UNICODE = 0x1, 0x8, 0x800
_FLAGS = _LATER | _UNICODE | 0x6  # 6: how hard it was packed
_STORED, _DEFLATED = 0, 8
_WIDE_FIELD = 1
_OTHER_NAME = 0x7075  # a second name, which only some programs read
_SEALED = b"kerasnb sha256 "


class _Member(NamedTuple):
    """What the directory says of a member."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


def pack(members: Mapping[str, bytes]) -> bytes:
    """A zip file of `members`, not compressed, with the digest of all of it in its comment."""
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data)
        file.comment = _SEALED + b"0" * 64
    data = buffer.getbuffer()
    data[-64:] = hashlib.sha256(data[:-64]).hexdigest().encode()
    del data
    return buffer.getvalue()


def unpack(data: bytes, what: str, growth: int = MOST_GROWTH) -> dict[str, bytes]:
    """The members of a zip file by name, without those that are folders.

    Args:
        data: the file.
        what: its name, which begins every error.
        growth: how many times the file's size its members may have together, besides 64 MiB.

    Raises:
        LoadError: it is no zip file, was changed after it was written, or is one that programs
            could read in different ways, that leads out of its folder, or that unpacks to far more
            than it is.
    """
    if data[:4] != b"PK\x03\x04":
        raise refusal(what, "it is no zip file, or something comes before the first member")
    end = _check_seal(data, what)
    start, stop, count = _directory(data, end, what)
    try:
        members = list(_entries(data, start, stop, what))
    except struct.error:
        raise refusal(what, "its directory is cut short") from None
    if len(members) != count:
        raise refusal(what, f"its directory has {len(members)} entries, and says {count}")
    check_names(((m.name, m.is_folder) for m in members), what)
    total, most = sum(m.size for m in members), MOST_BYTES + growth * len(data)
    if total > most:
        raise refusal(what, f"it unpacks to {total:,} bytes, the most are {most:,}")
    places = _places(data, members, start, what)
    return {
        member.name: _contents(data, member, place, what)
        for member, place in zip(members, places, strict=True)
        if not member.is_folder
    }


def check_names(members: Iterable[tuple[str, bool]], what: str) -> None:
    """Refuse members that leave their folder, or that another system takes for one another.

    Args:
        members: name, and whether it is a folder, of each.
        what: the archive's name, which begins every error.

    Raises:
        LoadError: a name is absolute, leads upward, is not portable, or comes twice.
    """
    keys: list[tuple[str, bool]] = []
    for name, is_folder in members:
        parts = name.removesuffix("/").split("/")
        if (
            "\\" in name
            or name[1:2] == ":"  # a drive; an absolute name begins with an empty part
            or any(part in ("", ".", "..") for part in parts)
            or any(ord(letter) < 32 or ord(letter) == 127 for letter in name)
            or len(name) > MOST_LETTERS
        ):
            raise refusal(f"{what}, member {shown(name)}", "it names no file within a folder")
        # what is within a folder is sorted behind it
        key = unicodedata.normalize("NFC", "\0".join(parts)).casefold()
        keys.append((key, is_folder))
    keys.sort()
    for (before, is_folder), (key, also_folder) in itertools.pairwise(keys):
        same = key == before and not (is_folder and also_folder)
        if same or (not is_folder and key.startswith(before + "\0")):
            name = shown(key.replace("\0", "/"))
            raise refusal(f"{what}, member {name}", "two members have this name")


def _check_seal(data: bytes, what: str) -> int:
    """Where the last record begins; it ends the file, but for a comment of ours that is right."""
    for length in (0, len(_SEALED) + 64):
        end = len(data) - _END.size - length
        comment = data[len(data) - length :]
        if end < 0 or data[end : end + 4] != b"PK\x05\x06":
            continue
        if data[end + _END.size - 2 : end + _END.size] != bytes([length, 0]):
            continue
        if length == 0:
            return end
        if comment.startswith(_SEALED):
            if hashlib.sha256(memoryview(data)[:-64]).hexdigest().encode() != comment[-64:]:
                raise refusal(what, "it was changed after it was saved: its digest does not fit")
            return end
    raise refusal(what, "something follows the zip directory, or the file is cut short")


def _directory(data: bytes, end: int, what: str) -> tuple[int, int, int]:
    """Where the directory begins and ends, and how many members it says there are."""
    _, disk, first, here, count, size, start, _ = _END.unpack_from(data, end)
    stop, wide = end, end - _WIDE_PLACE.size - _WIDE_END.size
    if wide >= 0 and data[end - _WIDE_PLACE.size : end][:4] == b"PK\x06\x07":
        _, other, place, disks = _WIDE_PLACE.unpack_from(data, end - _WIDE_PLACE.size)
        sign, length, _, _, *wide_disks, near, total, bytes_, at = _WIDE_END.unpack_from(data, wide)
        fits = (sign, length, place, other, disks) == (b"PK\x06\x06", 44, wide, 0, 1)
        pairs = ((here, near, _MANY), (count, total, _MANY), (size, bytes_, _LARGE))
        told = (*pairs, (start, at, _LARGE))
        if not fits or any(wide_disks) or any(a not in (b, most) for a, b, most in told):
            raise refusal(what, "the two records at its end differ")
        here, count, size, start, stop = near, total, bytes_, at, wide
    if disk or first or here != count:
        raise refusal(what, "it is one of several parts of an archive")
    if count > MOST_MEMBERS:
        raise refusal(what, f"it has {count:,} members, the most are {MOST_MEMBERS:,}")
    if start + size != stop:
        raise refusal(what, "its directory does not lie where its end says")
    return start, stop, count


def _entries(data: bytes, start: int, stop: int, what: str) -> Iterator[_Member]:
    """The members in the order of the directory."""
    for _ in range(MOST_MEMBERS + 1):  # one more than there may be: then the count is wrong
        if start == stop:
            return
        sign, made, _, flags, method, _, _, *sizes = _ENTRY.unpack_from(data, start)
        crc, packed, size, letters, extra, note, disk, _, outer, offset = sizes
        name = data[start + _ENTRY.size : start + _ENTRY.size + min(letters, 4 * MOST_LETTERS)]
        start += _ENTRY.size + letters
        place = f"{what}, member {shown(name.decode('utf-8', 'replace'))}"
        if sign != b"PK\x01\x02" or not name or start + extra + note > stop:
            raise refusal(place, "its entry in the directory is damaged")
        size, packed, offset = _wide(data[start : start + extra], (size, packed, offset), place)
        start += extra
        if note or disk:
            raise refusal(place, "its entry has a comment, or is of another part of an archive")
        member = _Member(_text(name, flags, place), name, flags, method, crc, packed, size, offset)
        _check_kind(member, made >> 8, outer, place)
        yield member


def _text(name: bytes, flags: int, place: str) -> str:
    try:
        return name.decode("utf-8" if flags & _UNICODE else "ascii")
    except UnicodeDecodeError:
        raise refusal(place, "its name is not of the encoding that it says") from None


def _wide(extra: bytes, numbers: tuple[int, ...], place: str) -> list[int]:
    """`numbers`, those that are too large from a field of `extra`, which is checked to its end."""
    found, at = list(numbers), 0
    kinds = []
    while at < len(extra):
        if at + 4 > len(extra):
            raise refusal(place, "its further fields are damaged")
        kind, length = struct.unpack_from("<2H", extra, at)
        field = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if len(field) != length or kind in kinds or kind == _OTHER_NAME:
            raise refusal(place, "its further fields are damaged, or hold another name")
        kinds.append(kind)
        if kind == _WIDE_FIELD:
            large = [i for i, number in enumerate(numbers) if number == _LARGE]
            if length != 8 * len(large):
                raise refusal(place, "its field of large numbers is damaged")
            for i, number in zip(large, struct.unpack(f"<{len(large)}Q", field), strict=True):
                found[i] = number
    return found


def _check_kind(member: _Member, system: int, attributes: int, place: str) -> None:
    if member.flags & _ENCRYPTED:
        raise refusal(place, "it is encrypted")
    if member.flags & ~_FLAGS:
        raise refusal(place, f"it has the flags {member.flags:#x}")
    if member.method not in (_STORED, _DEFLATED):
        raise refusal(place, f"it is packed by method {member.method}, not 0 or 8")
    if member.method == _STORED and member.packed != member.size:
        raise refusal(place, "it is stored, but its two sizes differ")
    kind = stat.S_IFMT(attributes >> 16) if system == 3 else 0  # 3: Unix
    folder = stat.S_IFDIR if member.is_folder else stat.S_IFREG
    if kind not in (0, folder) or (member.is_folder and member.size):
        raise refusal(place, "it is no plain file: a link, say")


def _places(data: bytes, members: list[_Member], end: int, what: str) -> list[int]:
    """Where the contents of each member begin.

    Each begins where the one before it ends, and is headed by what the directory says.
    """
    places = [0] * len(members)
    position = 0
    for index, member in sorted(enumerate(members), key=lambda pair: pair[1].offset):
        place = f"{what}, member {shown(member.name)}"
        if member.offset != position:
            raise refusal(place, "something lies between the members, or they lie in each other")
        if position + _LOCAL.size > end:
            raise refusal(place, "it has no header")
        places[index] = start = _headed(data, member, place)
        position = start + member.packed
        if member.flags & _LATER:
            position += _described(data, position, member)
        if not start <= position <= end:
            raise refusal(place, "it is cut short")
    if position != end:
        raise refusal(what, "something lies between the last member and the directory")
    return places


def _headed(data: bytes, member: _Member, place: str) -> int:
    """Where the header of a member ends, which must say what the directory says."""
    header = _LOCAL.unpack_from(data, member.offset)
    sign, _, flags, method, _, _, crc, packed, size, letters, extra = header
    start = member.offset + _LOCAL.size
    name = data[start : start + letters]
    start += letters
    told = (b"PK\x03\x04", member.flags, member.method, member.raw_name)
    if (sign, flags, method, name) != told:
        raise refusal(place, "its header and the directory differ")
    size, packed, _ = _wide(data[start : start + extra], (size, packed, 0), place)
    wanted = (member.crc, member.packed, member.size)
    if (crc, packed, size) != wanted and not (flags & _LATER and (crc, packed, size) == (0, 0, 0)):
        raise refusal(place, "its header and the directory differ in size or check sum")
    return start + extra


def _described(data: bytes, position: int, member: _Member) -> int:
    """How long the sizes after a member's contents are; they must be the directory's."""
    for sign in (b"PK\x07\x08", b""):
        for form in ("<L2L", "<L2Q"):
            try:
                told = sign + struct.pack(form, member.crc, member.packed, member.size)
            except struct.error:  # too large for this form
                continue
            if data[position : position + len(told)] == told:
                return len(told)
    return -(1 << 62)  # before every place: the member is refused


def _contents(data: bytes, member: _Member, start: int, what: str) -> bytes:
    """A member's bytes; their number and check sum must fit."""
    place = f"{what}, member {shown(member.name)}"
    found = data[start : start + member.packed]
    if member.method == _DEFLATED:
        found = _inflated(found, member.size, place)
    if len(found) != member.size or zlib.crc32(found) != member.crc:
        raise refusal(place, "it is damaged: its size or check sum does not fit")
    return found


def _inflated(packed: bytes, size: int, place: str) -> bytes:
    """`packed` bytes as they were, of which there are not more than `size`."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = unpacker.decompress(packed, size + 1)
    except zlib.error:
        raise refusal(place, "it is damaged: it cannot be unpacked") from None
    if not unpacker.eof or unpacker.unused_data or unpacker.unconsumed_tail:
        raise refusal(place, "it has more or less bytes than the directory says")
    return found
