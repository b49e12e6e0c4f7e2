"""Archives unpacked with nothing taken on trust. Imports errors.

An archive that names a place outside its folder, holds a link or a device, or grows beyond all
measure is refused as a whole; what was written of it is taken away again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from kerasnb.errors import KerasnbError, LoadError

__all__ = ["FORMATS", "unpack"]

FREE = 2**30  # bytes that any archive may hold,
GROWTH = 200  # and as many times its own size: texts and tables stay below 50
CHUNK = 2**20


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
        for member in _limited(archive, _members(archive, formats)):
            _write(archive, member, partial)
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


def _tar(archive: Path) -> Iterator[_Member] | None:
    import tarfile

    return _tar_members(archive) if tarfile.is_tarfile(archive) else None


def _tar_members(archive: Path) -> Iterator[_Member]:
    import tarfile

    with tarfile.open(archive) as file:
        for info in file:
            if info.isdir():
                yield _Member(info.name, 0, None)
            elif info.isfile():
                yield _Member(info.name, info.size, lambda i=info: file.extractfile(i))
            else:
                what = "a link" if info.issym() or info.islnk() else "no file"
                raise _unsafe(archive, info.name, f"is {what}")


def _zip(archive: Path) -> Iterator[_Member] | None:
    import zipfile

    return _zip_members(archive) if zipfile.is_zipfile(archive) else None


def _zip_members(archive: Path) -> Iterator[_Member]:
    import zipfile

    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            if (info.external_attr >> 28) == 0xA:  # a symbolic link, as Unix writes it
                raise _unsafe(archive, info.filename, "is a link")
            if info.is_dir():
                yield _Member(info.filename, 0, None)
            else:
                yield _Member(info.filename, info.file_size, lambda i=info: file.open(i))


FORMATS: dict[str, Callable[[Path], Iterator[_Member] | None]] = {"tar": _tar, "zip": _zip}


def _limited(archive: Path, members: Iterator[_Member]) -> Iterator[_Member]:
    """The members, as long as they are not larger together than an honest archive's."""
    limit = max(FREE, GROWTH * archive.stat().st_size)
    for member in members:
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
