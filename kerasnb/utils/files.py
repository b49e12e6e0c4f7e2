"""Files from the network: `get_file`. Imports config, errors, screen and utils.archives.

A file has its final name only when all of it is there and its hash is right.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kerasnb import config, screen
from kerasnb.errors import ArgumentError, DownloadError, LoadError, unknown
from kerasnb.utils.archives import FORMATS, unpack

__all__ = ["cache_folder", "get_file", "hash_of", "open_url"]

CHUNK = 2**18
TIMEOUT = 60.0  # seconds without a byte
HASHES = ("auto", "md5", "sha256")


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: Any = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """The path of a file from the network, which is fetched once and kept.

    Args:
        fname: its name here; that at `origin` if not given. With `extract`, the name of the folder
            that is made: ``name`` itself if it holds no dot, else ``name_extracted`` with what
            stands before the first dot.
        origin: its address: ``https:``, ``file:``, or ``http:`` together with a hash.
        untar: older word for ``extract=True, archive_format="tar"``.
        md5_hash: older word for `file_hash` with MD5.
        file_hash: the hash that the file must have, in hexadecimal digits.
        cache_subdir: the folder within `cache_dir`; may be an absolute path.
        hash_algorithm: ``"sha256"``, ``"md5"`` or ``"auto"``, which tells them by their length.
        extract: unpack the archive, and return the folder.
        archive_format: ``"tar"`` (also compressed), ``"zip"``, several, or ``"auto"`` for both.
        cache_dir: where files are kept; `KERASNB_HOME`, else ``~/.kerasnb``.
        force_download: fetch it again, whatever is there.

    Returns:
        The path of the file or, with `extract`, of the folder.

    Raises:
        ArgumentError: an argument is missing or unknown.
        DownloadError: the file is not here and cannot be fetched.
        LoadError: the file has another hash, or the archive is damaged or not safe to unpack. The
            file is not kept.
    """
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    check = _hash_name(hash_algorithm, file_hash)
    _check_origin(origin, file_hash)
    folder = cache_folder(cache_subdir, cache_dir)
    target, unpacked = _places(folder, fname, origin, bool(extract or untar))
    formats = None if unpacked is None else _formats("tar" if untar else archive_format)
    fetched = force_download or not _is_here(target, file_hash, check)
    if fetched:
        _download(origin, target, file_hash, check)
    if unpacked is None:
        return str(target)
    if fetched or not unpacked.is_dir():
        unpack(target, unpacked, formats)
    return str(unpacked)


def cache_folder(cache_subdir: Any = "datasets", cache_dir: Any = None) -> Path:
    """The folder where `get_file` keeps files; it need not exist yet."""
    base = config.home() if cache_dir is None else os.path.expanduser(os.fspath(cache_dir))
    return Path(base) / os.fspath(cache_subdir)


def open_url(url: str) -> Any:
    """What the server sends, as a file to read, with `headers` and `geturl`."""
    from urllib import request

    asked = request.Request(url, headers={"User-Agent": "kerasnb"})
    return request.urlopen(asked, timeout=TIMEOUT)


def hash_of(path: Path, algorithm: str) -> str:
    """The hash of a file in hexadecimal digits."""
    digest = _hasher(algorithm)
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _hasher(algorithm: str) -> Any:
    # MD5 tells damage here, not malice: many published hashes are of this kind
    return hashlib.sha256() if algorithm == "sha256" else hashlib.md5(usedforsecurity=False)


def _hash_name(algorithm: str, file_hash: str | None) -> str:
    if algorithm not in HASHES:
        raise unknown("hash_algorithm", algorithm, HASHES)
    if file_hash is None:
        return ""
    if algorithm == "auto":
        algorithm = "sha256" if len(file_hash) == 64 else "md5"
    digits = 64 if algorithm == "sha256" else 32
    if len(file_hash) != digits or set(file_hash.lower()) - set("0123456789abcdef"):
        raise ArgumentError(
            f"get_file: expected {digits} hexadecimal digits as the {algorithm} hash, got "
            f"{len(file_hash)} characters."
        )
    return algorithm


def _check_origin(origin: Any, file_hash: str | None) -> None:
    if not isinstance(origin, str) or not origin:
        raise ArgumentError("get_file: expected an address as origin, such as https://…, got none.")
    scheme = origin.partition(":")[0].lower()
    if scheme not in ("https", "http", "file"):
        raise unknown("kind of address in get_file:", scheme, ("https", "http", "file"))
    if scheme == "http" and file_hash is None:
        raise ArgumentError(
            f"get_file: {origin} can be changed on its way. Use its https address, or pass "
            "file_hash."
        )


def _places(folder: Path, fname: Any, origin: str, extract: bool) -> tuple[Path, Path | None]:
    """Where the file is kept, and the folder that is made of it: named as Keras names them."""
    _, _, page = origin.partition("?")[0].partition("#")[0].partition("://")
    name = os.fspath(fname) if fname else page.partition("/")[2].rpartition("/")[2]
    if not name:
        raise ArgumentError(f"get_file: {origin} names no file. Pass fname.")
    if name != os.path.basename(name) or name in (".", ".."):
        raise ArgumentError(
            f"get_file: expected a name without folders as fname, got {name!r}. The folder is "
            "chosen with cache_dir and cache_subdir."
        )
    if not extract:
        return folder / name, None
    if fname and "." in name:
        return folder / name, folder / f"{name.partition('.')[0]}_extracted"
    return folder / f"{name}_archive", folder / name


def _formats(archive_format: Any) -> list[str]:
    names = list(FORMATS) if archive_format == "auto" else archive_format or ()
    names = [names] if isinstance(names, str) else list(names)
    if not names:
        raise ArgumentError(
            "get_file: expected 'auto', 'tar' or 'zip' as archive_format, got none."
        )
    for name in names:
        if name not in FORMATS:
            raise unknown("archive_format", name, FORMATS)
    return names


def _is_here(path: Path, file_hash: str | None, algorithm: str) -> bool:
    if not path.is_file():
        return False
    if file_hash is None or hash_of(path, algorithm) == file_hash.lower():
        return True
    print(f"{path} has another {algorithm} hash than expected; it is fetched again.")
    return False


def _download(origin: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    _make_folder(target.parent)
    with _partial(target) as partial:
        digest = _hasher(algorithm)
        with open(partial, "xb") as file:
            for chunk in _chunks(origin, file_hash is not None, target.name):
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
        if file_hash is not None and digest.hexdigest() != file_hash.lower():
            raise LoadError(
                f"{origin}: expected the {algorithm} hash {file_hash}, got {digest.hexdigest()}. "
                "The file is not the one that was meant, and is not kept."
            )
        os.replace(partial, target)


def _make_folder(folder: Path) -> None:
    why = "is not ours to write to"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"cannot be made: {error.strerror}"
    else:
        if os.access(folder, os.W_OK):
            return
    raise LoadError(
        f"{folder}: this folder for downloads {why}. Choose another with cache_dir or the variable "
        "KERASNB_HOME."
    )


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """A name beside `target` to write to; whatever is there afterwards is removed."""
    partial = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def _chunks(origin: str, hashed: bool, name: str) -> Iterator[bytes]:
    """The bytes from `origin` piece by piece, with a bar that shows how many have come."""
    from http.client import HTTPException

    try:
        with open_url(origin) as response:
            end = response.geturl()
            safe = end.lower().startswith(("https:", "file:"))
            if not safe and not hashed:
                raise DownloadError(f"{origin} leads to {end}, which can be changed on its way.")
            said = response.headers.get("Content-Length")
            total, count = int(said) if said and said.isdecimal() else None, 0
            with _bar(name, total) as bar:
                for chunk in iter(lambda: response.read(CHUNK), b""):
                    count += len(chunk)
                    bar.update(len(chunk))
                    yield chunk
            if total is not None and count != total:
                raise DownloadError(f"{origin}: expected {total} bytes, but {count} came.")
    except (OSError, HTTPException) as error:  # no network, no such file, or a time-out
        reason = getattr(error, "reason", None) or error
        raise DownloadError(f"{origin} cannot be fetched: {reason}.") from None


def _bar(name: str, total: int | None) -> Any:
    from tqdm import tqdm

    # a notebook paints standard error red
    file = sys.stdout if screen.in_notebook() else sys.stderr
    watched = screen.in_notebook() or file.isatty()
    return tqdm(
        desc=f"Downloading {name}", total=total, unit="B", unit_scale=True, unit_divisor=1024,
        file=file, dynamic_ncols=True, disable=not watched,
    )  # fmt: skip
