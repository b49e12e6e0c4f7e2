"""Zip files that say two things, or that unpack to more than they are: each is refused."""

import io
import struct
import time
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from kerasnb.errors import LoadError
from kerasnb.files import archive
from kerasnb.files.archive import pack, unpack


class Member:
    """A member of a hand-made zip file, whose header and entry can say anything."""

    def __init__(self, name, data=b"data", method=0, **said):
        self.name = name if isinstance(name, bytes) else name.encode()
        self.packed = said.pop("packed", None)
        if self.packed is None:
            deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
            self.packed = deflate.compress(data) + deflate.flush() if method == 8 else data
        self.local = {
            "flags": 0x800, "method": method, "crc": zlib.crc32(data), "extra": b"",
            "packed": len(self.packed), "size": len(data), "name": self.name,
        }  # fmt: skip
        self.local |= said
        self.entry = self.local | {"system": 3, "mode": 0, "note": b"", "disk": 0, "offset": None}

    def in_header(self, **said):
        self.local |= said
        return self

    def in_directory(self, **said):
        self.entry |= said
        return self

    def header(self):
        told = self.local
        numbers = (told["crc"], told["packed"], told["size"], len(told["name"]), len(told["extra"]))
        head = struct.pack("<4s5H", b"PK\3\4", 20, told["flags"], told["method"], 0, 33)
        return head + struct.pack("<3L2H", *numbers) + told["name"] + told["extra"]

    def in_list(self, offset):
        told = self.entry
        offset = offset if told["offset"] is None else told["offset"]
        head = struct.pack("<4s2B5H", b"PK\1\2", 20, told["system"], 20, told["flags"],
                           told["method"], 0, 33)  # fmt: skip
        head += struct.pack("<3L", told["crc"], told["packed"], told["size"])
        sizes = (len(told["name"]), len(told["extra"]), len(told["note"]), told["disk"])
        head += struct.pack("<5H2L", *sizes, 0, told["mode"] << 16, offset)
        return head + told["name"] + told["extra"] + told["note"]


def zip_of(*members, before=b"", between=b"", after=b"", last=b"", **end):
    body, listed = before, b""
    for member in members:
        listed += member.in_list(len(body))
        body += member.header() + member.packed + between
    body += after
    said = {"count": len(members), "here": len(members), "start": len(body)}
    said |= {"size": len(listed), "disk": 0, "note": b""} | end
    numbers = (said["disk"], 0, said["here"], said["count"], said["size"], said["start"])
    record = struct.pack("<4s4H2LH", b"PK\5\6", *numbers, len(said["note"])) + said["note"]
    return body + listed + record + last


BOMB = zip_of(Member("a", bytes(100_000_000), 8))
MANY = [Member(f"{i}") for i in range(10_001)]
DIFFER = "its header and the directory differ"
NAME = "it names no file within a folder"
TWICE = "two members have this name"
HIDDEN = "something lies between the members, or they lie in each other"
LOOSE = "something lies between the last member and the directory"
ELSEWHERE = "its directory does not lie where its end says"
FOLLOWS = "something follows the zip directory, or the file is cut short"
BEGINS = "it is no zip file, or something comes before the first member"
UNFIT = "it is damaged: its size or check sum does not fit"
OTHER = "its further fields are damaged, or hold another name"

HOSTILE = {
    # two programs would read two files
    "two of one name": (zip_of(Member("a"), Member("a", b"evil")), "'a'", TWICE),
    "two that differ in case": (zip_of(Member("Config"), Member("cONFIG")), "'config'", TWICE),
    "two that Unicode makes one": (
        zip_of(Member("\u00e9"), Member("e\u0301")), "'é'", TWICE,
    ),
    "a file that is a folder": (zip_of(Member("a"), Member("a/b")), "'a/b'", TWICE),
    "another name in the header": (zip_of(Member("a").in_header(name=b"b")), "'a'", DIFFER),
    "another method in the header": (zip_of(Member("a").in_header(method=8)), "'a'", DIFFER),
    "another size in the header": (
        zip_of(Member("a").in_header(size=3)), "'a'", DIFFER + " in size or check sum",
    ),
    "a second name in a field": (
        zip_of(Member("a").in_directory(extra=struct.pack("<2HBLs", 0x7075, 6, 1, 0, b"b"))),
        "'a'", OTHER,
    ),
    "a field twice": (
        zip_of(Member("a").in_directory(extra=struct.pack("<4H", 9, 0, 9, 0))), "'a'", OTHER,
    ),
    "half a field": (
        zip_of(Member("a").in_header(extra=b"\1\2\3")), "'a'", "its further fields are damaged",
    ),
    "a name that is not UTF-8": (
        zip_of(Member(b"\xff")), "'\ufffd'", "its name is not of the encoding that it says",
    ),
    "a name of an encoding that is not told": (
        zip_of(Member("é", flags=0)), "'é'",
        "its name is not of the encoding that it says",
    ),
    # polyglots
    "a program before it": (zip_of(Member("a"), before=b"#!/bin/sh\n"), None, BEGINS),
    "a picture after it": (zip_of(Member("a"), last=b"GIF89a"), None, FOLLOWS),
    "something between members": (
        zip_of(Member("a"), Member("b"), between=b"hidden"), "'b'", HIDDEN,
    ),
    "something before the directory": (zip_of(Member("a"), after=b"hidden"), None, LOOSE),
    "a comment": (zip_of(Member("a"), note=b"hello"), None, FOLLOWS),
    "a comment of a member": (
        zip_of(Member("a").in_directory(note=b"x")), "'a'",
        "its entry has a comment, or is of another part of an archive",
    ),
    "a member that is not listed": (
        zip_of(Member("a"), after=Member("b").header() + b"data"), None, LOOSE,
    ),
    "a member within another": (
        zip_of(Member("a", Member("b").header() + b"data"), Member("b").in_directory(offset=31)),
        "'b'", HIDDEN,
    ),
    "a zip within a zip's tail": (zip_of(Member("a"), last=zip_of(Member("b"))), None, ELSEWHERE),
    # places outside
    "an absolute name": (zip_of(Member("/etc/passwd")), "'/etc/passwd'", NAME),
    "a name that leads upward": (zip_of(Member("a/../../b")), "'a/../../b'", NAME),
    "a name that leads nowhere": (zip_of(Member("./a")), "'./a'", NAME),
    "a name for Windows": (zip_of(Member("a\\b")), "'a\\\\b'", NAME),
    "a drive": (zip_of(Member("C:a")), "'C:a'", NAME),
    "a name that ends early": (zip_of(Member("a.json\0.png")), "'a.json\\x00.png'", NAME),
    "no name": (zip_of(Member("")), "''", "its entry in the directory is damaged"),
    "a name of a megabyte": (
        zip_of(Member("a" * 1001)), repr("a" * 60), NAME,
    ),
    "a link": (
        zip_of(Member("a").in_directory(mode=0o120777)), "'a'",
        "it is no plain file: a link, say",
    ),
    "a device": (
        zip_of(Member("a").in_directory(mode=0o060666)), "'a'",
        "it is no plain file: a link, say",
    ),
    "a folder with contents": (zip_of(Member("a/")), "'a/'", "it is no plain file: a link, say"),
    # what is not read
    "an encrypted member": (zip_of(Member("a", flags=0x801)), "'a'", "it is encrypted"),
    "a patch": (zip_of(Member("a", flags=0x820)), "'a'", "it has the flags 0x820"),
    "bzip2": (zip_of(Member("a", method=12)), "'a'", "it is packed by method 12, not 0 or 8"),
    "stored in two sizes": (
        zip_of(Member("a", size=9)), "'a'", "it is stored, but its two sizes differ",
    ),
    "several disks": (
        zip_of(Member("a"), disk=1), None, "it is one of several parts of an archive",
    ),
    # bombs
    "a member of zeros": (
        BOMB, None, f"it unpacks to 100,000,000 bytes, the most are {(64 << 20) + 2 * len(BOMB):,}",
    ),
    "a member that is longer than it says": (
        zip_of(Member("a", b"x" * 9000, 8, size=10)), "'a'",
        "it has more or less bytes than the directory says",
    ),
    "ten thousand members": (
        zip_of(*MANY), None, "it has 10,001 members, the most are 10,000",
    ),
    "more members than it says": (
        zip_of(Member("a"), Member("b"), count=1, here=1), None,
        "its directory has 2 entries, and says 1",
    ),
    "one member's bytes as many members": (
        zip_of(Member("a", bytes(9000), 8), *[Member(f"{i}", bytes(9000), 8, packed=b"")
               .in_directory(offset=0, packed=9) for i in range(9)]), "'0'", HIDDEN,
    ),
    # damage
    "a wrong check sum": (zip_of(Member("a", crc=1)), "'a'", UNFIT),
    "a damaged stream": (
        zip_of(Member("a", b"data", 8, packed=b"\xff\xff")), "'a'",
        "it is damaged: it cannot be unpacked",
    ),
    "nothing": (b"", None, BEGINS),
    "half of it": (zip_of(Member("a"))[:50], None, FOLLOWS),
    "a directory elsewhere": (
        zip_of(Member("a"), start=3), None, ELSEWHERE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_zip_file_is_refused(case):
    data, member, why = HOSTILE[case]
    text = f"x.keras, member {member}: {why}." if member else f"x.keras: {why}."
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(LoadError) as error:
        unpack(data, "x.keras")
    assert str(error.value) == text
    assert time.perf_counter() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 3 * len(data) + 20e6
    tracemalloc.stop()


class Pipe(io.BytesIO):
    """Cannot go back, so that sizes follow the members."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise OSError

    tell = seek


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("kind", [io.BytesIO, Pipe])
@pytest.mark.parametrize("wide", [False, True])
def test_what_python_writes_is_read(method, kind, wide):
    buffer = kind()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("config.json", "{}" * 500)
        file.writestr("assets/", "")
        with file.open("assets/é.txt", "w", force_zip64=wide) as member:
            member.write(b"words")
    found = unpack(buffer.getvalue(), "x")
    assert found == {"config.json": b"{}" * 500, "assets/é.txt": b"words"}


def test_a_directory_of_large_numbers_is_read_and_must_agree():
    data = zip_of(Member("a"))
    end = data.rindex(b"PK\5\6")
    start, size = data.index(b"PK\1\2"), end - data.index(b"PK\1\2")
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, start)
    place = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert unpack(data[:end] + wide + place + last, "x") == {"a": b"data"}
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, size, start, 0)
    with pytest.raises(LoadError, match=r"\Ax: the two records at its end differ\.\Z"):
        unpack(data[:end] + wide + place + last, "x")


def test_every_changed_byte_of_ours_is_found():
    data = pack({"config.json": b'{"units": 3}', "model.weights.h5": bytes(100)})
    assert set(zipfile.ZipFile(io.BytesIO(data)).namelist()) == set(unpack(data, "x"))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        with pytest.raises(LoadError):
            unpack(bytes(changed), "x")


def test_the_text_says_that_it_was_changed():
    data = pack({"a": bytes(100)})
    text = r"\Ax: it was changed after it was saved: its digest does not fit\.\Z"
    with pytest.raises(LoadError, match=text):
        unpack(data.replace(bytes(100), bytes(99) + b"1"), "x")


def test_reading_takes_no_more_than_three_times_the_file():
    data = pack({"model.weights.h5": np.random.default_rng(0).bytes(30_000_000)})
    tracemalloc.start()
    unpack(data, "x")
    assert tracemalloc.get_traced_memory()[1] < 2 * len(data)
    tracemalloc.stop()


def test_names_of_many_members_are_checked_in_little_time():
    began = time.perf_counter()
    names = [("/".join("ab" * 200) + str(i), False) for i in range(10_000)]
    archive.check_names(names, "x")
    assert time.perf_counter() - began < 2
