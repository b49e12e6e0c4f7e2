"""A file is written whole, or the one that was there stays; and read only if it is a file.

The bytes go to a file beside it, and onto the disk; they are read again and checked; only then the
new file takes the name. Whoever kills the process, or pulls the plug, finds one of the two.
Imports errors.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kerasnb.errors import LoadError

try:
    import fcntl
except ImportError:  # Windows, which removes no file that is open
    fcntl = None  # type: ignore[assignment]

__all__ = ["read_whole", "write_whole"]

_SUFFIX = ".partial"
_CHUNK = 16 << 20
# seconds in which a file that is being written may be without a lock: at its begin and end
_PATIENCE = 60.0


def read_whole(path: str | os.PathLike, who: str) -> bytes:
    """All bytes of a file.

    Args:
        path: of a file on disk; a pipe or a device, which may never end, is refused.
        who: what reads, which begins every error.

    Raises:
        LoadError: there is no such file, or it cannot be read.
    """
    path = os.fspath(path)
    try:
        # a pipe would make `open` wait
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise LoadError(f"{who}: expected a file, got a folder or a device: {path}.")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise LoadError(f"{who}: there is no file {path}.") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        if isinstance(error, LoadError):
            raise
        raise LoadError(f"{who}: {path} cannot be read: {_reason(error)}.") from None


def write_whole(
    path: str | os.PathLike, data: Any, check: Callable[[Path], None] | None = None
) -> None:
    """Write a file, or leave all as it was.

    Args:
        path: where; a link stays a link, and the file that it points to is replaced.
        data: all of the file: bytes of any kind, or a list of such.
        check: reads the new file once more, by another name, and raises if it is not what it
            should be; by default the bytes are compared.

    Raises:
        OSError: there is no space, no folder, or no right to write; the old file is untouched.
    """
    path = Path(os.path.realpath(path))
    parts = [memoryview(part).cast("B") for part in (data if isinstance(data, list) else [data])]
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file, and is not replaced", str(path))
    _sweep(path)
    partial = path.with_name(f"{_begin(path)}{os.urandom(6).hex()}{_SUFFIX}")
    try:
        _write(partial, parts)
        if check is not None:
            check(partial)
        else:
            _compare(partial, parts)
        _keep_rights(path, partial)
        os.replace(partial, path)
    except OSError as error:
        reason = f"{_reason(error)}. It was not saved, and what was there before is untouched"
        raise OSError(error.errno or errno.EIO, reason, str(path)) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
    _flush_folder(path.parent)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _write(partial: Path, parts: list[memoryview]) -> None:
    """The bytes are on the disk afterwards. The file has the rights that any new file gets."""
    with open(partial, "xb") as file:
        if fcntl is not None:
            # marks the file as in use; the system takes the mark away when the process ends
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for part in parts:
            for start in range(0, len(part), _CHUNK):
                file.write(part[start : start + _CHUNK])
        file.flush()
        os.fsync(file.fileno())


def _compare(partial: Path, parts: list[memoryview]) -> None:
    with open(partial, "rb") as file:
        for part in parts:
            for start in range(0, len(part), _CHUNK):
                wanted = part[start : start + _CHUNK]
                if file.read(len(wanted)) != wanted:
                    raise OSError(errno.EIO, "the disk gave other bytes back")
        if file.read(1):
            raise OSError(errno.EIO, "the disk gave other bytes back")


def _keep_rights(path: Path, partial: Path) -> None:
    if not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    # only where they differ: some file systems know no rights, and refuse to change them
    if mode != stat.S_IMODE(partial.stat().st_mode):
        os.chmod(partial, mode)


def _flush_folder(folder: Path) -> None:
    """Put the new name onto the disk; Windows does so by itself, and opens no folder."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        # some network file systems cannot; the name is right, if not yet safe from a power cut
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(number)


def _begin(path: Path) -> str:
    """How the names of files that are written for `path` begin; names are of limited length."""
    return f".{path.name[:40]}."


def _sweep(path: Path) -> None:
    """Remove what writers of this file left that were killed."""
    begin = _begin(path)
    with contextlib.suppress(FileNotFoundError), os.scandir(path.parent) as found:
        for entry in found:
            if entry.name.startswith(begin) and entry.name.endswith(_SUFFIX):
                with contextlib.suppress(OSError):  # it is in use, or not ours to remove
                    if _is_left(Path(entry.path)):
                        os.unlink(entry.path)


def _is_left(found: Path) -> bool:
    """Whether no process writes to the file any more."""
    if time.time() - found.stat().st_mtime < _PATIENCE:
        return False
    if fcntl is None:
        return True
    with open(found, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error if another holds it
    return True
