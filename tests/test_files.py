"""`get_file`: what is kept, under which name, and what is refused."""

import gzip
import hashlib
import io
import os
import re
import tarfile
import zipfile
from pathlib import Path
from urllib.error import HTTPError

import pytest

from kerasnb.errors import ArgumentError, DownloadError, LoadError
from kerasnb.utils import archives, get_file

URL = "https://example.org/files/data.bin"
CONTENT = b"some bytes\n" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=rf"\A{re.escape(text)}\Z"):
        function(*args, **kwargs)


def held(folder):
    """Every file and folder there is, by its path within `folder`."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def tar_of(*members, mode="w:gz"):
    """An archive of pairs of a name and contents, or of ready-made headers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as file:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                file.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            file.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def zip_of(*members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


# Fetching


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"file_hash": SHA},
        {"file_hash": SHA.upper(), "hash_algorithm": "sha256"},
        {"file_hash": MD5},
        {"md5_hash": MD5},
    ],
)
def test_a_file_is_fetched_once(network, tmp_path, arguments):
    network.pages[URL] = CONTENT
    path = get_file(origin=URL, **arguments)
    assert path == str(tmp_path / "home" / "datasets" / "data.bin")
    assert Path(path).read_bytes() == CONTENT
    assert get_file(origin=URL, **arguments) == path
    assert network.asked == [URL]
    assert held(tmp_path / "home") == ["datasets", "datasets/data.bin"]


def test_names_and_folders_are_keras_s(network, tmp_path):
    network.pages[URL + "?v=1"] = CONTENT
    assert get_file(origin=URL + "?v=1", cache_dir=tmp_path, cache_subdir="a/b") == str(
        tmp_path / "a" / "b" / "data.bin"
    )
    inside = str(tmp_path / "elsewhere")
    path = get_file("mine.txt", URL + "?v=1", cache_subdir=inside)
    assert path == os.path.join(inside, "mine.txt")


def test_force_download_fetches_again(network):
    network.pages[URL] = CONTENT
    path = get_file(origin=URL)
    network.pages[URL] = b"new"
    assert Path(get_file(origin=URL)).read_bytes() == CONTENT
    assert Path(get_file(origin=URL, force_download=True)).read_bytes() == b"new"
    assert path == get_file(origin=URL)


def test_a_file_here_that_has_another_hash_is_fetched_again(network, tmp_path, capsys):
    network.pages[URL] = CONTENT
    path = tmp_path / "home" / "datasets" / "data.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half of")
    get_file(origin=URL, file_hash=SHA)
    assert path.read_bytes() == CONTENT
    said = f"{path} has another sha256 hash than expected; it is fetched again.\n"
    assert capsys.readouterr().out == said


def test_a_file_of_another_hash_is_not_kept(network, tmp_path):
    network.pages[URL] = b"something else"
    got = hashlib.sha256(b"something else").hexdigest()
    refused(
        LoadError,
        f"{URL}: expected the sha256 hash {SHA}, got {got}. The file is not the one that was "
        "meant, and is not kept.",
        get_file, origin=URL, file_hash=SHA,
    )  # fmt: skip
    assert held(tmp_path / "home") == ["datasets"]


def test_a_file_that_is_cut_off_is_not_kept(network, tmp_path):
    network.pages[URL], network.lengths[URL] = CONTENT[:700], 11_000
    text = f"{URL}: expected 11000 bytes, but 700 came."
    refused(DownloadError, text, get_file, origin=URL)
    assert held(tmp_path / "home") == ["datasets"]


def test_an_interrupt_leaves_nothing(network, tmp_path, monkeypatch):
    class Slow(io.BytesIO):
        def __init__(self):
            super().__init__()
            self.headers = {}

        def geturl(self):
            return URL

        def read(self, size=-1):
            raise KeyboardInterrupt

    monkeypatch.setattr("kerasnb.utils.files.open_url", lambda url: Slow())
    with pytest.raises(KeyboardInterrupt):
        get_file(origin=URL)
    assert held(tmp_path / "home") == ["datasets"]


def test_without_a_network_the_error_says_why(network):
    text = f"{URL} cannot be fetched: Name or service not known."
    refused(DownloadError, text, get_file, origin=URL)
    network.pages[URL] = HTTPError(URL, 404, "Not Found", None, None)
    refused(DownloadError, f"{URL} cannot be fetched: Not Found.", get_file, origin=URL)
    network.pages[URL] = TimeoutError("timed out")
    refused(DownloadError, f"{URL} cannot be fetched: timed out.", get_file, origin=URL)


def test_a_way_that_is_not_safe_needs_a_hash(network):
    plain = URL.replace("https", "http")
    network.pages[plain] = network.pages[URL] = CONTENT
    refused(
        ArgumentError,
        f"get_file: {plain} can be changed on its way. Use its https address, or pass file_hash.",
        get_file, origin=plain,
    )  # fmt: skip
    get_file(origin=plain, file_hash=SHA)
    network.redirects[URL] = plain
    text = f"{URL} leads to {plain}, which can be changed on its way."
    refused(DownloadError, text, get_file, "other", URL)


def test_a_file_of_this_computer_is_copied(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASNB_HOME", str(tmp_path / "home"))
    (tmp_path / "source.txt").write_bytes(CONTENT)
    path = get_file(origin=(tmp_path / "source.txt").as_uri(), file_hash=SHA)
    assert Path(path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "get_file: expected an address as origin, such as https://…, got none."),
        (
            {"origin": "ftp://example.org/x"},
            "Unknown kind of address in get_file: 'ftp'. Known: file, http, https.",
        ),
        (
            {"origin": URL, "fname": "../x"},
            "get_file: expected a name without folders as fname, got '../x'. The folder is chosen "
            "with cache_dir and cache_subdir.",
        ),
        (
            {"origin": "https://example.org/"},
            "get_file: https://example.org/ names no file. Pass fname.",
        ),
        (
            {"origin": URL, "file_hash": "abc"},
            "get_file: expected 32 hexadecimal digits as the md5 hash, got 3 characters.",
        ),
        (
            {"origin": URL, "hash_algorithm": "sha265"},
            "Unknown hash_algorithm 'sha265'. Did you mean 'sha256'?",
        ),
        (
            {"origin": URL, "extract": True, "archive_format": "rar"},
            "Unknown archive_format 'rar'. Did you mean 'tar'?",
        ),
        (
            {"origin": URL, "extract": True, "archive_format": None},
            "get_file: expected 'auto', 'tar' or 'zip' as archive_format, got none.",
        ),
    ],
)
def test_arguments_that_make_no_sense_are_refused(network, tmp_path, arguments, text):
    network.pages[URL] = CONTENT
    refused(ArgumentError, text, get_file, **arguments)


def test_a_folder_that_cannot_be_used_is_said(network, tmp_path, monkeypatch):
    network.pages[URL] = CONTENT
    (tmp_path / "home").write_text("a file in its place")
    hint = "Choose another with cache_dir or the variable KERASNB_HOME."
    folder = tmp_path / "home" / "datasets"
    text = f"{folder}: this folder for downloads cannot be made: Not a directory. {hint}"
    refused(LoadError, text, get_file, origin=URL)
    monkeypatch.setattr(os, "access", lambda *_: False)
    text = f"{tmp_path / 'other'}: this folder for downloads is not ours to write to. {hint}"
    refused(LoadError, text, get_file, origin=URL, cache_dir=tmp_path, cache_subdir="other")


# Archives

FILES = (("set/a.txt", b"A"), ("set/deep/b.txt", b"B" * 5000))
TREE = ["set", "set/a.txt", "set/deep", "set/deep/b.txt"]


@pytest.mark.parametrize("make", [tar_of, zip_of, lambda *m: tar_of(*m, mode="w:xz")])
def test_an_archive_is_unpacked(network, tmp_path, make):
    network.pages[URL] = make(*FILES)
    path = get_file("pets", URL, extract=True)
    assert path == str(tmp_path / "home" / "datasets" / "pets")
    assert held(tmp_path / "home" / "datasets" / "pets") == TREE
    assert Path(f"{path}/set/deep/b.txt").read_bytes() == b"B" * 5000
    assert sorted(os.listdir(tmp_path / "home" / "datasets")) == ["pets", "pets_archive"]


@pytest.mark.parametrize(
    ("fname", "names"),
    [
        ("pets.tar.gz", ["pets.tar.gz", "pets_extracted"]),
        (None, ["data.bin", "data.bin_archive"]),
        ("pets", ["pets", "pets_archive"]),
    ],
)
def test_what_is_unpacked_is_named_as_in_keras(network, tmp_path, fname, names):
    network.pages[URL] = tar_of(*FILES)
    path = get_file(fname, URL, untar=True)
    assert sorted(os.listdir(tmp_path / "home" / "datasets")) == names
    assert os.path.isdir(path)


def test_an_archive_that_is_here_is_unpacked_once(network, tmp_path):
    network.pages[URL] = tar_of(*FILES)
    path = get_file("pets", URL, extract=True)
    os.remove(f"{path}/set/a.txt")
    get_file("pets", URL, extract=True)
    assert not os.path.exists(f"{path}/set/a.txt")
    get_file("pets", URL, extract=True, force_download=True)
    assert held(tmp_path / "home" / "datasets" / "pets") == TREE
    assert sorted(os.listdir(tmp_path / "home" / "datasets")) == ["pets", "pets_archive"]


def symbolic_link_in_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        info = zipfile.ZipInfo("out")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc")
    return buffer.getvalue()


OUTSIDE = "is outside the folder"


@pytest.mark.parametrize(
    ("archive", "member", "why"),
    [
        (tar_of(("ok", b"1"), ("../evil", b"2")), "../evil", OUTSIDE),
        (tar_of(("/evil", b"2")), "/evil", OUTSIDE),
        (tar_of(("a/../../evil", b"2")), "a/../../evil", OUTSIDE),
        (tar_of(("..\\evil", b"2")), "..\\evil", OUTSIDE),
        (tar_of(("C:\\evil", b"2")), "C:\\evil", OUTSIDE),
        (tar_of(link("out", "/tmp"), ("out/evil", b"2")), "out", "is a link"),
        (tar_of(("ok", b"1"), link("same", "ok", tarfile.LNKTYPE)), "same", "is a link"),
        (tar_of(link("pipe", "", tarfile.FIFOTYPE)), "pipe", "is no file"),
        (tar_of(link("disk", "", tarfile.BLKTYPE)), "disk", "is no file"),
        (tar_of(("a", b"1"), ("a", b"2")), "a", "is there twice"),
        (zip_of(("../evil", b"2")), "../evil", OUTSIDE),
        (zip_of(("/evil", b"2")), "/evil", OUTSIDE),
        (symbolic_link_in_zip(), "out", "is a link"),
    ],
    ids=lambda value: "archive" if isinstance(value, bytes) else value,  # it holds the time
)
def test_an_archive_that_is_not_safe_is_refused_whole(network, tmp_path, archive, member, why):
    network.pages[URL] = archive
    text = f"x_archive: its member {member!r} {why}: it is refused, and nothing of it is kept."
    refused(LoadError, text, get_file, "x", URL, extract=True)
    assert held(tmp_path) == ["home", "home/datasets", "home/datasets/x_archive"]


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_a_bomb_is_refused(network, tmp_path, monkeypatch, make):
    monkeypatch.setattr(archives, "FREE", 10_000)
    network.pages[URL] = make(("zeros", bytes(2_000_000)))
    assert len(network.pages[URL]) < 10_000
    text = (
        "x_archive: it holds more than 200 times its own size: it is refused as a bomb, and "
        "nothing of it is kept."
    )
    refused(LoadError, text, get_file, "x", URL, extract=True)
    assert held(tmp_path) == ["home", "home/datasets", "home/datasets/x_archive"]


def test_what_is_no_archive_is_refused(network, tmp_path):
    network.pages[URL] = CONTENT
    text = "x_archive: it is no archive of the format tar or zip."
    refused(LoadError, text, get_file, "x", URL, extract=True)
    network.pages[URL] = zip_of(*FILES)
    text = "y_archive: it is no archive of the format tar."
    refused(LoadError, text, get_file, "y", URL, untar=True)


def test_a_damaged_archive_leaves_nothing(network, tmp_path):
    network.pages[URL] = gzip.compress(gzip.decompress(tar_of(*FILES))[:3000])
    with pytest.raises(LoadError, match=r"\Ax_archive: cannot be unpacked: "):
        get_file("x", URL, extract=True)
    assert held(tmp_path / "home" / "datasets") == ["x_archive"]
