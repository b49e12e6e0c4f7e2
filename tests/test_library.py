"""Compiled kernels in memory and on disk: what is believed, and what is made anew."""

import _thread
import ctypes
import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb import config
from kerasnb.compile import library, llvm, store
from kerasnb.compile.kernel import Kernel
from kerasnb.compile.store import Store

DAY = 86400
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither owners nor modes")


def kernel(value):
    """Writes a number to its only operand."""
    return Kernel(
        f"write {value}",
        "define void @kernel(ptr noalias %operands, i64 %chunk, ptr noalias %scratch) {\n"
        "  %place = load ptr, ptr %operands\n"
        "  call void @kernel.write(ptr %place)\n"
        "  ret void\n"
        "}\n"
        "define internal void @kernel.write(ptr %place) noinline {\n"
        f"  store i64 {value}, ptr %place\n"
        "  ret void\n"
        "}\n",
    )


def written(address):
    """What the kernel there writes."""
    number = ctypes.c_int64()
    operands = (ctypes.c_void_p * 1)(ctypes.addressof(number))
    kinds = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    ctypes.CFUNCTYPE(None, *kinds)(address)(ctypes.addressof(operands), 0, None)
    return number.value


class Session:
    """The library as if in a new process, and what it compiles."""

    def __init__(self, monkeypatch, folder):
        self.monkeypatch, self.folder = monkeypatch, Path(folder)
        self.store = Store(str(folder))
        self.compiled = []
        make = llvm.Compiler.machine_code
        monkeypatch.setenv("KERASNB_CACHE", str(folder))
        monkeypatch.setattr(
            llvm.Compiler,
            "machine_code",
            lambda compiler, text: (self.compiled.append(text), make(compiler, text))[1],
        )
        self.restart()

    def restart(self):
        self.monkeypatch.setattr(library, "_known", {})
        self.compiled.clear()

    def written(self, *values):
        return [written(a) for a in library.addresses([kernel(v) for v in values])]

    def file(self, value):
        return Path(self.store.path(library.key(kernel(value).text)))

    def makes_anew(self, value):
        """Whether a new process compiles it; what it writes is right either way."""
        self.restart()
        assert self.written(value) == [value]
        return len(self.compiled) == 1

    def files(self):
        return sorted(p.name for p in self.folder.glob("*.o")) if self.folder.is_dir() else []


@pytest.fixture
def session(monkeypatch, tmp_path):
    return Session(monkeypatch, tmp_path / "cache")


def test_compiles_once_per_process(session):
    first = library.addresses([kernel(1), kernel(2), kernel(1)._replace(name="other")])
    assert first[0] == first[2] != first[1]
    assert len(session.compiled) == 2
    assert library.addresses([kernel(2), kernel(1)]) == [first[1], first[0]]
    assert len(session.compiled) == 2
    assert [written(a) for a in first] == [1, 2, 1]


def test_nothing_to_do(session):
    assert library.addresses([]) == []
    assert not session.folder.exists()


def test_the_next_process_compiles_nothing(session):
    assert session.written(1, 2) == [1, 2]
    session.restart()
    assert session.written(2, 1) == [2, 1]
    assert session.compiled == []
    assert session.written(3, 1) == [3, 1]
    assert len(session.compiled) == 1


def test_the_next_process_parses_nothing(session, monkeypatch):
    session.written(1)
    session.restart()
    monkeypatch.setattr(llvm.Compiler, "optimised", None)
    assert session.written(1) == [1]


@posix
def test_the_folder_and_its_files_are_closed_to_others(session):
    session.written(1)
    assert session.folder.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in session.folder.iterdir()} == {0o600}


def test_threads_that_ask_at_once_get_the_same(session):
    kernels = [kernel(v) for v in range(6)]
    answers, barrier = [], threading.Barrier(4)

    def ask():
        barrier.wait()
        answers.append(library.addresses(kernels))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [answers[0]] * 4
    assert len(session.compiled) == 6


def test_an_interrupt_does_not_reach_the_compiler(session, monkeypatch):
    make = llvm.Compiler.machine_code

    def machine_code(self, text):
        _thread.interrupt_main()
        time.sleep(0.01)
        return make(self, text)

    monkeypatch.setattr(llvm.Compiler, "machine_code", machine_code)
    with pytest.raises(KeyboardInterrupt):
        library.addresses([kernel(7)])
    monkeypatch.setattr(llvm.Compiler, "machine_code", make)
    # waits for the work, which went on, and does not do it again
    assert written(library.addresses([kernel(7)])[0]) == 7
    assert len(session.compiled) == 1


@pytest.mark.parametrize("threads", ["1", "3"])
def test_invalid_text(session, monkeypatch, threads):
    monkeypatch.setenv("KERASNB_NUM_THREADS", threads)
    wrong = kernel(1)._replace(text="define void @kernel() { ret i32 0 }")
    with pytest.raises(RuntimeError, match="value doesn't match function result type"):
        library.addresses([wrong, *(kernel(v) for v in range(9))])
    assert session.written(*range(9)) == list(range(9))


def test_code_is_the_same_with_and_without_llvmlites_lock(monkeypatch):
    text = kernel(7).text
    assert llvm._unlocked_emit() is not None
    code = llvm.Compiler().machine_code(text)
    monkeypatch.setattr(llvm, "_unlocked_emit", lambda: None)
    assert llvm.Compiler().machine_code(text) == code


def test_for_people():
    assert "store i64 77, ptr %place" in library.text(kernel(77))
    assert "77" in library.assembly(kernel(77))


# The key


def test_another_processor_is_another_key():
    text = kernel(1).text
    targets = [None, *llvm.TARGETS.values(), llvm.Target("x86-64", "+avx2"), llvm.Target("x86-64")]
    keys = [library.key(text, target) for target in targets]
    assert len(set(keys)) == len(targets) - 1  # the last is one of TARGETS
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (llvm, "_PASSES", ("sroa",)),
        (llvm, "_LEVEL", 1),
        (library, "FORMAT", 99),
        (llvm._binding(), "llvm_version_info", (1, 2, 3)),
        (llvm._binding(), "get_default_triple", lambda: "riscv64-unknown-linux-gnu"),
    ],
)
def test_all_that_has_a_say_in_the_code_is_in_the_key(monkeypatch, place, name, value):
    before = library.key("text")
    library._settings.cache_clear()
    monkeypatch.setattr(place, name, value)
    assert library.key("text") != before
    library._settings.cache_clear()


# Files that are not believed


def damaged(content):
    """Versions of a file cut short, changed or prolonged."""
    for at in range(0, len(content), 97):
        yield content[:at]
        yield content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        yield content[:at] + bytes(len(content) - at)  # of a file that was not written to the end
    yield content + b"\0"


def test_damaged_files_are_made_anew(session):
    session.written(1)
    file, key = session.file(1), library.key(kernel(1).text)
    good = file.read_bytes()
    for number, content in enumerate(v for v in damaged(good) if v != good):
        file.write_bytes(content)
        assert session.store.read([key]) == {}
        if number % 10 == 0:
            assert session.makes_anew(1)
            assert file.read_bytes() == good
    file.write_bytes(good)
    assert list(session.store.read([key])) == [key]


def test_another_kernels_file_under_this_name(session):
    session.written(1, 2)
    session.file(1).write_bytes(session.file(2).read_bytes())
    assert session.makes_anew(1)
    assert not session.makes_anew(1)


def test_a_folder_in_place_of_a_file(session):
    session.written(1)
    session.file(1).unlink()
    session.file(1).mkdir()
    assert session.makes_anew(1)


@posix
def test_a_link_in_place_of_a_file(session, tmp_path):
    session.written(1)
    elsewhere = tmp_path / "elsewhere"
    session.file(1).rename(elsewhere)
    content = elsewhere.read_bytes()
    session.file(1).symlink_to(elsewhere)
    assert session.makes_anew(1)
    assert not session.file(1).is_symlink()
    assert elsewhere.read_bytes() == content


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write(session, mode):
    session.written(1)
    session.file(1).chmod(mode)
    assert session.makes_anew(1)
    assert not session.makes_anew(1)


@posix
def test_a_file_of_another_user(session, monkeypatch):
    session.written(1)
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda file: of_another_user(real(file)))
    assert session.makes_anew(1)


def of_another_user(status):
    fields = list(status)
    fields[4] += 1
    return os.stat_result(fields)


# Folders that are not believed


@posix
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write(session, mode):
    session.written(1)
    session.folder.chmod(mode)
    assert session.makes_anew(1)
    assert session.makes_anew(2)
    assert len(session.files()) == 1


@posix
def test_a_folder_of_another_user(session, monkeypatch):
    session.written(1)
    real = os.lstat
    monkeypatch.setattr(
        os, "lstat", lambda p: of_another_user(real(p)) if p == str(session.folder) else real(p)
    )
    assert session.makes_anew(1)
    assert session.makes_anew(2)
    assert len(session.files()) == 1


@posix
def test_a_link_in_place_of_the_folder(session, tmp_path):
    session.written(1)
    elsewhere = tmp_path / "elsewhere"
    session.folder.rename(elsewhere)
    session.folder.symlink_to(elsewhere)
    assert session.makes_anew(1)
    assert session.makes_anew(2)
    assert len(list(elsewhere.glob("*.o"))) == 1


def test_a_file_in_place_of_the_folder(session):
    session.folder.write_text("mine")
    assert session.makes_anew(1)
    assert session.folder.read_text() == "mine"


# Writing


def full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


class FullDisk:
    """A file that takes half of what is written."""

    def __init__(self, file, mode):
        self.stream = open(file, mode)  # noqa: SIM115

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stream.close()

    def write(self, content):
        self.stream.write(content[: len(content) // 2])
        full_disk()


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (store, "open", FullDisk),
        (os, "replace", full_disk),
        (os, "mkdir", full_disk),
        (os, "makedirs", full_disk),
        (store.tempfile, "mkstemp", full_disk),
    ],
)
def test_a_full_disk(session, monkeypatch, place, name, value):
    with monkeypatch.context() as patch:
        patch.setattr(place, name, value, raising=False)
        assert session.written(1, 2) == [1, 2]
    assert session.files() == []
    assert not session.folder.exists() or list(session.folder.iterdir()) == []
    assert session.makes_anew(1)
    assert not session.makes_anew(1)


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from test_library import kernel, library, llvm, written
make, made = llvm.Compiler.machine_code, []
llvm.Compiler.machine_code = lambda *given: (made.append(1), make(*given))[1]
print(*(written(a) for a in library.addresses([kernel(v) for v in range(20)])), len(made))
"""


def test_two_processes_at_once(session):
    program = [sys.executable, "-c", PROGRAM.format(tests=str(Path(__file__).parent))]
    both = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        output, _ = process.communicate(timeout=60)
        assert output.split()[:-1] == [str(v) for v in range(20)]
    assert len(session.files()) == 20
    third = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    assert third.stdout.split() == [*(str(v) for v in range(20)), "0"]


# Bounds


def payloads(count, size=1000):
    return {bytes([n]) * 32: bytes([n + 1]) * size for n in range(count)}


def aged(kept, days):
    """Give the files the ages."""
    for key, age in days.items():
        os.utime(kept.path(key), (time.time() - age * DAY,) * 2)


@pytest.mark.parametrize(
    ("bounds", "left"),
    [
        ({"most": 8 * 1100}, 6),
        ({"most": 1 << 20, "count": 8}, 6),
        ({"most": 1 << 20, "count": 10}, 10),
    ],
)
def test_the_oldest_go_first(tmp_path, bounds, left):
    kept = Store(str(tmp_path / "cache"), **bounds)
    given = payloads(10)
    Store(kept.folder).write(given)
    aged(kept, {key: key[0] for key in given})  # the last are the oldest
    kept.sweep()
    assert list(kept.read(list(given))) == list(given)[:left]


def test_what_is_used_stays(tmp_path):
    kept, given = Store(str(tmp_path / "cache"), count=2), payloads(3)
    Store(kept.folder).write(given)
    keys = list(given)
    aged(kept, {keys[0]: 9, keys[1]: 5, keys[2]: 5})
    assert list(kept.read(keys[:1])) == keys[:1]
    kept.sweep()
    assert list(kept.read(keys)) == keys[:1]


def test_looks_after_its_size_once_a_day(tmp_path):
    kept, given = Store(str(tmp_path / "cache"), count=4), payloads(7)
    keys = list(given)
    kept.write({key: given[key] for key in keys[:2]})
    kept.write(given)
    assert len(kept.read(keys)) == 7
    os.utime(tmp_path / "cache" / "swept", (time.time() - 1.1 * DAY,) * 2)
    kept.write({keys[0]: given[keys[0]]})
    assert len(kept.read(keys)) == 3


def test_what_was_left_half_written_goes(tmp_path):
    kept = Store(str(tmp_path / "cache"))
    kept.write(payloads(1))
    old, new = (tmp_path / "cache" / f"{name}.partial" for name in ("old", "new"))
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * 3600,) * 2)
    kept.sweep()
    assert (old.exists(), new.exists()) == (False, True)


def test_sweeping_what_is_not_there(tmp_path):
    Store(str(tmp_path / "nothing")).sweep()
    assert not (tmp_path / "nothing").exists()


# The setting


@pytest.mark.parametrize("value", ["", " ", "0", "off", "False", "no"])
def test_cache_off(session, monkeypatch, tmp_path, value):
    monkeypatch.setenv("KERASNB_CACHE", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert config.cache_folder() is None
    assert session.makes_anew(1)
    assert session.makes_anew(1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/kerasnb"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/kerasnb"),
        ("darwin", {"XDG_CACHE_HOME": "xdg"}, "home/Library/Caches/kerasnb"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/kerasnb/cache"),
        ("linux", {"KERASNB_CACHE": "1"}, "home/.cache/kerasnb"),
        ("linux", {"KERASNB_CACHE": "here"}, "here"),
    ],
)
def test_folder(monkeypatch, tmp_path, platform, variables, expected):
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("KERASNB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value if value == "1" else str(tmp_path / value))
    assert config.cache_folder() == str(tmp_path / expected)


@posix
def test_folder_within_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERASNB_CACHE", "~/mine")
    assert config.cache_folder() == str(tmp_path / "mine")
