"""Whatever happens while a file is written, the old one or the new one is there."""

import errno
import os
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

import kerasnb
from kerasnb import layers
from kerasnb.errors import LoadError
from kerasnb.files import whole
from kerasnb.files.whole import read_whole, write_whole

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals, rights or limits")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "a.bin"
    write_whole(path, b"one")
    write_whole(path, [b"tw", memoryview(b"o"), np.arange(3, dtype="u1")])
    assert read_whole(path, "test") == b"two\0\1\2"
    assert names(tmp_path) == ["a.bin"]


@POSIX
def test_rights_and_links_stay(tmp_path):
    path, link = tmp_path / "a.bin", tmp_path / "link"
    write_whole(path, b"one")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o640)
    link.symlink_to(path)
    write_whole(link, b"two")
    assert link.is_symlink()
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="it is no file, and is not replaced"):
        write_whole(tmp_path / "folder", b"")
    with pytest.raises(FileNotFoundError, match="It was not saved, and what was there before is"):
        write_whole(tmp_path / "none" / "a", b"")


@pytest.mark.parametrize("place", ["write", "fsync", "check", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"),
                                   KeyboardInterrupt()])  # fmt: skip
def test_an_error_at_any_point_leaves_the_old_file(tmp_path, monkeypatch, place, error):
    path = tmp_path / "a.bin"
    write_whole(path, b"old")

    def fail(*_):
        raise error

    if place == "write":
        monkeypatch.setattr(whole, "_write", fail)
    elif place in ("fsync", "replace"):
        monkeypatch.setattr(os, place, fail)
    check = fail if place == "check" else None
    with pytest.raises(type(error)) as caught:
        write_whole(path, b"new", check)
    monkeypatch.undo()
    if isinstance(error, OSError):
        assert caught.value.errno == errno.ENOSPC
        assert str(caught.value) == (
            "[Errno 28] No space left on device. It was not saved, and what was there before is "
            f"untouched: {str(path)!r}"
        )
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_disk_that_gives_other_bytes_back_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    write_whole(path, b"old")
    right = whole._write
    for wrong in (b"nex", b"new and more", b"n"):
        monkeypatch.setattr(whole, "_write", lambda p, parts, w=wrong: right(p, [memoryview(w)]))
        with pytest.raises(OSError, match="the disk gave other bytes back"):
            write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_what_killed_writers_left_is_removed_later(tmp_path):
    mine, fresh, other, used = (
        tmp_path / f".{name}.partial"
        for name in ("a.bin.0123", "a.bin.4567", "b.bin.0123", "a.bin.89ab")
    )
    for path in (mine, fresh, other, used):
        path.write_bytes(b"half")
    for path in (mine, other, used):
        os.utime(path, (time.time() - 100,) * 2)
    with open(used, "rb") as file:
        if os.name != "nt":
            whole.fcntl.flock(file, whole.fcntl.LOCK_EX)
        write_whole(tmp_path / "a.bin", b"new")
    assert names(tmp_path) == sorted(["a.bin", fresh.name, other.name, used.name])


@POSIX
def test_only_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        with pytest.raises(LoadError) as error:
            read_whole(path, "load")
        assert str(error.value) == f"load: expected a file, got a folder or a device: {path}."
    with pytest.raises(LoadError, match=r"\Aload: there is no file nowhere\.\Z"):
        read_whole("nowhere", "load")
    with pytest.raises(LoadError, match="cannot be read: "):
        read_whole("a\0b", "load")


def small_model():
    return kerasnb.Sequential([kerasnb.Input((256,)), layers.Dense(256)])


FULL = """
import resource, signal, sys
import test_whole_files
model = test_whole_files.small_model()
model.set_weights([w * 0 + 2 for w in model.get_weights()])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    model.save_weights(sys.argv[1])
except OSError as error:
    print(error)
"""


def run(code, *arguments):
    """What a Python process of its own prints that can import this module."""
    folders = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    environment = os.environ | {"PYTHONPATH": folders, "KERASNB_ANNOUNCE": "0"}
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


@POSIX
@pytest.mark.parametrize("name", ["a.weights.h5", "a.safetensors"])
def test_a_full_disk_leaves_the_old_file(tmp_path, name):
    path = tmp_path / name
    model = small_model()
    model.save_weights(path)
    said = run(FULL, path)
    assert said == (
        "[Errno 27] File too large. It was not saved, and what was there before is untouched: "
        f"{str(path)!r}\n"
    )
    other = small_model()
    other.load_weights(path)
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))
    assert names(tmp_path) == [name]


KILLED = """
import os, random, signal, sys, time
import numpy as np
import test_whole_files
path, count, rng = sys.argv[1], int(sys.argv[2]), random.Random(0)
model, kinds = test_whole_files.small_model(), set()

def fill(value):
    model.set_weights([np.full_like(w, value) for w in model.get_weights()])

fill(0)
model.save_weights(path)
began = time.perf_counter()
for value in range(20):
    model.save_weights(path)
once = (time.perf_counter() - began) / 20
for trial in range(count):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b"!")
        for value in range(1, 1 << 20):
            fill(value)
            model.save_weights(path)
    os.read(reader, 1)
    os.close(reader), os.close(writer)
    time.sleep(rng.uniform(0, 4 * once))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    model.load_weights(path)
    values = {v for w in model.get_weights() for v in np.unique(w)}
    assert len(values) == 1, values
    kinds |= values
left = [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".partial")]
print(count, len(kinds), len(left))
"""


def kill(path, count):
    trials, kinds, left = map(int, run(KILLED, path, count).split())
    print(f"{trials} killed, {kinds} different files found, {left} killed within a save")
    assert trials == count
    return left


@POSIX
@pytest.mark.parametrize("name", ["a.weights.h5", "a.safetensors"])
def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path, name):
    kill(tmp_path / name, 8)


@POSIX
@pytest.mark.soak
@pytest.mark.parametrize("name", ["a.weights.h5", "a.safetensors"])
def test_hundreds_of_kills_leave_the_old_file_or_the_new_one(tmp_path, name):
    # most of them come while a file is being written
    assert kill(tmp_path / name, 200) > 20
