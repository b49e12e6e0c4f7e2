"""Archives unpacked with nothing taken on trust. Imports errors and files.archive.

An archive that names a place outside its folder, holds a link or a device, or grows beyond all
measure is refused as a whole; what was written of it is taken away again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from kerasnb.errors import KerasnbError, LoadError
from kerasnb.files.archive import check_names

__all__ = ["FORMATS", "open_tar", "unpack"]

FREE = 2**30  # bytes that any archive may hold,
GROWTH = 200  # and as many times its own size: texts and tables stay below 50
CHUNK = 2**20
MEMBERS = 300_000
END = 2**16 + 200  # bytes in which a zip file's last records lie
DIRECTORY = 2**24  # bytes of the list of a zip file's members, who have some 100 each
HEADER = 2**20  # bytes of what stands before a tar file's member: its long name, say


class _Member(NamedTuple):
    """A file or, without `open`, a folder of an archive."""

    name: str
    size: int
    open: Callable[[], Any] | None


def unpack(archive: Path, folder: Path, formats: Sequence[str]) -> None:
    """Unpack `archive` as `folder`, which appears when all of it is there.

    A folder that was there before is replaced.

    Args:
        archive: the file.
        folder: what to make.
        formats: which formats to try, of ``"tar"`` (also compressed) and ``"zip"``.

    Raises:
        LoadError: it is of none of these formats, damaged, or not safe to unpack.
    """
    partial = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}.part")
    partial.mkdir(parents=True)
    try:
        names: list[tuple[str, bool]] = []
        for member in _limited(archive, _members(archive, formats)):
            _write(archive, member, partial)
            names.append((_inside(archive, member.name).as_posix(), member.open is None))
        check_names((pair for pair in names if pair[0] != "."), archive.name)
        _replace(partial, folder)
    except KerasnbError:
        raise
    except Exception as error:  # each format and compression has errors of its own
        raise LoadError(f"{archive.name}: cannot be unpacked: {error}.") from error
    finally:
        if partial.exists():
            shutil.rmtree(partial)


def _members(archive: Path, formats: Sequence[str]) -> Iterator[_Member]:
    for name in formats:
        found = FORMATS[name](archive)
        if found is not None:
            return found
    raise LoadError(f"{archive.name}: it is no archive of the format {' or '.join(formats)}.")


def open_tar(archive: Path) -> Any:
    """A tar file, compressed or not, whose headers cannot fill the memory.

    Raises:
        tarfile.ReadError: it is none.
    """
    import bz2
    import gzip
    import lzma
    import tarfile

    with open(archive, "rb") as file:
        begin = file.read(6)
    opens: dict[bytes, Callable] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
    file: Any = _Bounded(opens.get(begin[:2], open)(archive, "rb"))
    try:
        return tarfile.open(fileobj=file, mode="r:")
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        file.close()
        raise tarfile.ReadError(str(error)) from None


class _Bounded:
    """A file of which only so much is read at once that no header becomes a bomb."""

    def __init__(self, file: Any):
        self.seek, self.tell, self.close, self._read = file.seek, file.tell, file.close, file.read

    def read(self, size: int) -> bytes:
        # members are read in pieces of CHUNK
        if not 0 <= size <= max(HEADER, CHUNK):
            raise LoadError(f"a header of the archive has {size:,} bytes: it is refused as a bomb.")
        return self._read(size)


def _tar(archive: Path) -> Iterator[_Member] | None:
    import tarfile

    try:
        file = open_tar(archive)
    except tarfile.ReadError:
        return None
    return _tar_members(archive, file)


def _tar_members(archive: Path, file: Any) -> Iterator[_Member]:
    with contextlib.closing(file), contextlib.closing(file.fileobj):
        while (info := file.next()) is not None:
            file.members.clear()  # it keeps them all
            if info.isdir():
                yield _Member(info.name, 0, None)
            # one with holes says that it is larger than it is
            elif info.isfile() and not info.issparse():
                yield _Member(info.name, info.size, lambda i=info: file.extractfile(i))
            else:
                what = "a link" if info.issym() or info.islnk() else "no file"
                raise _unsafe(archive, info.name, f"is {what}")


def _zip(archive: Path) -> Iterator[_Member] | None:
    import zipfile

    if not zipfile.is_zipfile(archive):
        return None
    _check_directory(archive)
    return _zip_members(archive)


def _check_directory(archive: Path) -> None:
    """Refuse a zip file whose list of members would fill the memory."""
    with open(archive, "rb") as file:
        file.seek(-min(archive.stat().st_size, END), os.SEEK_END)
        end = file.read()
    at = end.rfind(b"PK\5\6")
    size = int.from_bytes(end[at + 12 : at + 16], "little")
    if size == 0xFFFFFFFF:  # a larger number stands in the record before it
        at = end.rfind(b"PK\6\6")
        size = int.from_bytes(end[at + 40 : at + 48], "little")
    if size > DIRECTORY:
        raise LoadError(
            f"{archive.name}: the list of its members has {size:,} bytes: it is refused as a bomb."
        )


def _zip_members(archive: Path) -> Iterator[_Member]:
    import zipfile

    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            if (info.external_attr >> 28) == 0xA:  # a symbolic link, as Unix writes it
                raise _unsafe(archive, info.filename, "is a link")
            if info.flag_bits & 1:
                raise _unsafe(archive, info.filename, "is encrypted")
            if info.is_dir():
                yield _Member(info.filename, 0, None)
            else:
                yield _Member(info.filename, info.file_size, lambda i=info: file.open(i))


FORMATS: dict[str, Callable[[Path], Iterator[_Member] | None]] = {"tar": _tar, "zip": _zip}


def _limited(archive: Path, members: Iterator[_Member]) -> Iterator[_Member]:
    """The members, as long as they are not larger together than an honest archive's."""
    limit = max(FREE, GROWTH * archive.stat().st_size)
    for count, member in enumerate(members):
        if count == MEMBERS:
            raise LoadError(f"{archive.name}: it has more than {MEMBERS:,} members.")
        limit -= member.size
        if limit < 0:
            raise LoadError(
                f"{archive.name}: it holds more than {GROWTH} times its own size: it is refused "
                "as a bomb, and nothing of it is kept."
            )
        yield member


def _write(archive: Path, member: _Member, folder: Path) -> None:
    """Write one member; readers give no more bytes than the size that was counted."""
    path = folder / _inside(archive, member.name)
    if member.open is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with member.open() as source, open(path, "xb") as target:
            shutil.copyfileobj(source, target, CHUNK)
    except FileExistsError:
        raise _unsafe(archive, member.name, "is there twice") from None


def _inside(archive: Path, name: str) -> PurePosixPath:
    """The path within the folder; none that leaves it on any system."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = PureWindowsPath(name).drive
    if path.is_absolute() or drive or ".." in path.parts or "\0" in name:
        raise _unsafe(archive, name, "is outside the folder")
    return path


def _unsafe(archive: Path, name: str, why: str) -> LoadError:
    return LoadError(
        f"{archive.name}: its member {name!r} {why}: it is refused, and nothing of it is kept."
    )


def _replace(new: Path, folder: Path) -> None:
    old = folder.with_name(f"{new.name}.old")
    if folder.exists():
        os.replace(folder, old)
    os.replace(new, folder)
    if old.exists():
        shutil.rmtree(old)
