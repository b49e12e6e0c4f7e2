"""Downloads that would fill the memory or the disk, or hide what they are: each is refused."""

import gzip
import io
import re
import struct
import tarfile
import time
import tracemalloc
import zipfile

import pytest

from kerasnb.errors import DownloadError, LoadError
from kerasnb.utils import archives, files, get_file

URL = "https://example.org/set.bin"


class Response(io.BytesIO):
    """What a server sends, and from where."""

    def __init__(self, content, address=URL):
        super().__init__(content)
        self.headers, self.address = {}, address

    def geturl(self):
        return self.address


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """A function that unpacks `content` as it would come from the network."""

    def fetch(content, **arguments):
        monkeypatch.setenv("KERASNB_HOME", str(tmp_path))
        monkeypatch.setattr(files, "open_url", lambda url: Response(content))
        return get_file("x", URL, extract=True, **arguments)

    return fetch


def held(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def tar_of(*members, mode="w", **options):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, **options) as file:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, "data")
    return buffer.getvalue()


def header_of(kind, size, name="a"):
    """A member of a tar file without contents that says to have `size` bytes of them."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def sparse():
    """A file of 8 GB of which not a byte is stored, as GNU's tar describes it."""
    block = bytearray(header_of(tarfile.GNUTYPE_SPARSE, 0))
    block[483:495] = b"%011o\0" % (8 << 30)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(1024)


def paxed(**headers):
    info = tarfile.TarInfo("a")
    info.pax_headers = headers
    return tar_of((info, b"data"), format=tarfile.PAX_FORMAT)


KEPT = "it is refused, and nothing of it is kept"
BOMB = "a header of the archive has {:,} bytes: it is refused as a bomb"
REFUSED = {
    "a long name of a gigabyte": (
        gzip.compress(header_of(tarfile.GNUTYPE_LONGNAME, 1 << 30) + bytes(5 << 20)),
        BOMB.format(1 << 30)),
    "attributes of a gigabyte": (
        gzip.compress(header_of(tarfile.XHDTYPE, 1 << 30) + bytes(5 << 20)), BOMB.format(1 << 30)),
    "a file with holes": (sparse(), f"x_archive: its member 'a' is no file: {KEPT}"),
    "a name that attributes change": (
        paxed(path="../evil"), f"x_archive: its member '../evil' is outside the folder: {KEPT}"),
    "a size that attributes change": (
        paxed(size=str(1 << 40)),
        "x_archive: it holds more than 200 times its own size: it is refused as a bomb, and "
        "nothing of it is kept"),
    "names that differ in case": (
        tar_of(("README", b"1"), ("readme", b"2")),
        "x_archive, member 'readme': two members have this name"),
    "names that Unicode makes one": (
        tar_of(("\u00e9", b"1"), ("e\u0301", b"2")),
        "x_archive, member 'é': two members have this name"),
    "a name that steers a terminal": (
        tar_of(("a\x1b[2J", b"1")),
        "x_archive, member 'a\\x1b[2J': it names no file within a folder"),
    "zip names that differ in case": (
        zip_of("a/B", "A/b"), "x_archive, member 'a/b': two members have this name"),
    "an encrypted member": (
        # the flags in the header and in the directory
        zip_of("a").replace(struct.pack("<2H", 20, 0), struct.pack("<2H", 20, 1)),
        f"x_archive: its member 'a' is encrypted: {KEPT}"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_archive_is_refused(case, fetched, tmp_path):
    data, text = REFUSED[case]
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(LoadError, match=rf"\A{re.escape(text)}\.\Z"):
        fetched(data)
    assert time.perf_counter() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 3 * len(data) + 50e6
    tracemalloc.stop()
    assert held(tmp_path) == ["datasets", "datasets/x_archive"]


@pytest.mark.parametrize("make", [lambda: tar_of(*[(str(i), b"") for i in range(9)]),
                                  lambda: zip_of(*map(str, range(9)))])  # fmt: skip
def test_too_many_members_are_refused(fetched, monkeypatch, make):
    monkeypatch.setattr(archives, "MEMBERS", 5)
    with pytest.raises(LoadError, match=r"\Ax_archive: it has more than 5 members\.\Z"):
        fetched(make())


def test_a_long_list_of_members_is_refused_before_it_is_read(fetched, monkeypatch):
    monkeypatch.setattr(archives, "DIRECTORY", 100)
    text = "x_archive: the list of its members has 141 bytes: it is refused as a bomb."
    with pytest.raises(LoadError, match=rf"\A{re.escape(text)}\Z"):
        fetched(zip_of("a", "b", "c"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_honest_archives_are_unpacked(fetched, tmp_path, mode):
    folder = tarfile.TarInfo("./set")
    folder.type = tarfile.DIRTYPE
    long = "./set/" + "n" * 150
    fetched(tar_of((folder, b""), (folder, b""), (long, b"x" * 3_000_000), mode=mode))
    assert held(tmp_path / "datasets" / "x") == ["set", long[2:]]


@pytest.mark.parametrize("address", ["http://example.org/x", "ftp://example.org/x"])
def test_a_way_that_leads_elsewhere_is_refused(tmp_path, monkeypatch, address):
    monkeypatch.setenv("KERASNB_HOME", str(tmp_path))
    monkeypatch.setattr(files, "open_url", lambda url: Response(b"data", address))
    text = f"{URL} leads to {address}, which can be changed on its way."
    with pytest.raises(DownloadError, match=rf"\A{re.escape(text)}\Z"):
        get_file(origin=URL)
    assert held(tmp_path) == ["datasets"]


def test_no_final_name_exists_before_the_hash_is_right(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASNB_HOME", str(tmp_path))
    seen = []

    class Watched(Response):
        def read(self, size=-1):
            seen.append(held(tmp_path))
            return super().read(size)

    monkeypatch.setattr(files, "open_url", lambda url: Watched(b"data"))
    with pytest.raises(LoadError, match="is not kept"):
        get_file("x", URL, file_hash="0" * 64)
    assert len(seen) == 2
    assert not any("datasets/x" in names for names in seen)
    assert held(tmp_path) == ["datasets"]
