"""A folder of machine code that outlives the process. Imports nothing of the package.

What lies in it is run, so it is believed only where nobody else can have written: the folder and
its files are ours, closed to others, and no links. A file says for what it was made and carries a
checksum; whatever does not fit is passed over, and written anew. No error leaves this module: a
full disk or a folder that cannot be written only mean that the code is made again next time.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import time
from contextlib import suppress
from typing import NamedTuple

__all__ = ["FORMAT", "Store"]

FORMAT = 1  # of a file; other formats are other keys
_MAGIC = b"kerasnb\n" + FORMAT.to_bytes(4, "little")
_HEADER = len(_MAGIC) + 64
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_DAY, _HOUR = 86400, 3600
_PARTIAL = ".partial"
_STAMP = "swept"  # its age tells when the folder was last swept


class Store:
    """Files of `folder`, by key.

    Args:
        folder: where; it is made, closed to others, when something is first written.
        most: bytes that the files may take together, and
        count: how many there may be. Those not used for longest go when it is more, which is
            looked after once a day.
    """

    def __init__(self, folder: str, most: int = 256 << 20, count: int = 20_000):
        self.folder, self.most, self.count = folder, most, count

    def read(self, keys: list[bytes]) -> dict[bytes, bytes]:
        """What is kept under those of the keys (32 bytes each) that are there."""
        found = {}
        if self._trusted():
            for key in keys:
                payload = self._payload(key)
                if payload is not None:
                    found[key] = payload
        return found

    def write(self, payloads: dict[bytes, bytes]) -> None:
        """Keep values under keys of 32 bytes, each wholly or not at all."""
        try:
            os.makedirs(os.path.dirname(self.folder), exist_ok=True)
            if not os.path.lexists(self.folder):
                os.mkdir(self.folder, 0o700)
        except OSError:
            return
        if not self._trusted():
            return
        for key, payload in payloads.items():
            if not self._put(key, payload):
                return
        if self._due():
            self.sweep()

    def sweep(self) -> None:
        """Remove what was not used for longest, down to three quarters of the bounds, and what
        was left half written."""
        files, now = self._files(), time.time()
        for file in files:
            if file.name.endswith(_PARTIAL) and file.used < now - _HOUR:
                _remove(file.path)
        files = sorted((f for f in files if f.name.endswith(".o")), key=lambda f: f.used)
        size, count = sum(f.size for f in files), len(files)
        if size <= self.most and count <= self.count:
            return
        for file in files:
            if size <= self.most * 3 // 4 and count <= self.count * 3 // 4:
                return
            _remove(file.path)
            size, count = size - file.size, count - 1

    def path(self, key: bytes) -> str:
        """The file of a key."""
        return os.path.join(self.folder, key.hex() + ".o")

    def _trusted(self) -> bool:
        try:
            status = os.lstat(self.folder)
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and _is_ours(status)

    def _payload(self, key: bytes) -> bytes | None:
        try:
            file = os.open(self.path(key), os.O_RDONLY | _NOFOLLOW)
        except OSError:
            return None
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode) or not _is_ours(status):
                return None
            with open(file, "rb", buffering=0, closefd=False) as stream:
                content = stream.readall()
            if status.st_mtime < time.time() - _DAY and os.utime in os.supports_fd:
                os.utime(file)
        except OSError:
            return None
        finally:
            os.close(file)
        payload = content[_HEADER:]
        return payload if payload and content[:_HEADER] == _header(key, payload) else None

    def _put(self, key: bytes, payload: bytes) -> bool:
        partial = None
        try:
            file, partial = tempfile.mkstemp(_PARTIAL, dir=self.folder)  # 0600, and ours alone
            with open(file, "wb") as stream:
                stream.write(_header(key, payload) + payload)
            os.replace(partial, self.path(key))
        except OSError:
            if partial is not None:
                _remove(partial)
            return False
        return True

    def _due(self) -> bool:
        """Whether the folder was not swept for a day; it counts as swept from now on."""
        stamp = os.path.join(self.folder, _STAMP)
        with suppress(OSError):
            if os.lstat(stamp).st_mtime > time.time() - _DAY:
                return False
        try:
            os.close(os.open(stamp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NOFOLLOW, 0o600))
            os.utime(stamp)
        except OSError:
            return False
        return True

    def _files(self) -> list[_File]:
        found = []
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(OSError):  # another process may sweep too
                    status = entry.stat(follow_symlinks=False)
                    found.append(_File(entry.name, entry.path, status.st_size, status.st_mtime))
        return found


class _File(NamedTuple):
    name: str
    path: str
    size: int
    used: float


def _header(key: bytes, payload: bytes) -> bytes:
    return _MAGIC + key + hashlib.sha256(payload).digest()


def _is_ours(status: os.stat_result) -> bool:
    """Whether only this user can have written; Windows keeps others out of the folder by itself."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.remove(path)
