"""Kernels as functions in memory: each text is compiled once per process, and kept on disk.

Imports config, llvm, store, cores and kernel.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import cache, partial
from typing import Any

from kerasnb import config
from kerasnb.compile import cores, llvm
from kerasnb.compile.kernel import Kernel
from kerasnb.compile.store import FORMAT, Store

__all__ = ["addresses", "assembly", "key", "text"]

_lock = threading.Lock()
_known: dict[bytes, int] = {}  # addresses by key
_kept: list[Any] = []  # what holds their code, for the life of the process


def addresses(kernels: Sequence[Kernel]) -> list[int]:
    """Where the machine code of each kernel lies: ``void kernel(ptr operands, i64 chunk, ptr
    scratch)``, for the processor that this runs on.

    Kernels of the same text have the same. Code that is not yet in memory comes from the folder
    `config.cache_folder()`, or is made by as many threads as there are cores.

    Raises:
        MissingDependency: llvmlite is not installed.
        RuntimeError: the text of a kernel is not valid; LLVM's message says where.
    """
    keys = {text: key(text) for text in {k.text for k in kernels}}
    wanted = {key: text for text, key in keys.items()}
    if not wanted.keys() <= _known.keys():
        _undisturbed(partial(_load_missing, wanted))
    return [_known[keys[k.text]] for k in kernels]


def text(kernel: Kernel) -> str:
    """A kernel in LLVM's language, optimised."""
    return llvm.Module(kernel.text).text()


def assembly(kernel: Kernel) -> str:
    """A kernel in the processor's language."""
    return llvm.Module(kernel.text).assembly()


def key(text: str, target: llvm.Target | None = None) -> bytes:
    """32 bytes that are the same only for the same machine code: of the text, the processor and
    all that has a say in the compilation."""
    return hashlib.sha256(_settings(target or llvm.host()) + text.encode()).digest()


@cache
def _settings(target: llvm.Target) -> bytes:
    # its length comes first: where it ends and the text begins cannot be mistaken
    made = f"{FORMAT}\n{llvm.settings(target)}".encode()
    return b"%d\n" % len(made) + made


def _undisturbed(work: Callable[[], None]) -> None:
    """Run `work` in a thread of its own, where no interrupt comes: it would come between LLVM's
    taking of an object and llvmlite's note of that, and such an object is freed twice. Who is
    interrupted leaves the thread to its work."""
    ends: list[BaseException | None] = []

    def run() -> None:
        with ExitStack() as stack:
            stack.push(lambda kind, error, trace: ends.append(error) or True)
            work()

    thread = threading.Thread(target=run)
    try:
        thread.start()
    except RuntimeError:  # at the end of Python there are no more threads
        work()
        return
    thread.join()
    if ends[0] is not None:
        raise ends[0]


def _load_missing(wanted: dict[bytes, str]) -> None:
    """Put what is not there yet into memory."""
    with _lock:
        new = {key: text for key, text in wanted.items() if key not in _known}
        if new:
            _load(new)


def _load(new: dict[bytes, str]) -> None:
    """Put code into memory. The lock is held."""
    folder = config.cache_folder()
    store = Store(folder) if folder else None
    objects = store.read(list(new)) if store else {}
    missing = {key: _named(text, key) for key, text in new.items() if key not in objects}
    made = _compiled(missing)
    keeper, places = llvm.load([*objects.values(), *made.values()], [_name(key) for key in new])
    _kept.append(keeper)
    _known.update(zip(new, places, strict=True))
    if store and made:
        store.write(made)


def _name(key: bytes) -> str:
    return f"kernel_{key.hex()}"


def _named(text: str, key: bytes) -> str:
    """A kernel's text under a name of its own, so that many can be in memory."""
    return text.replace("@kernel", f"@{_name(key)}")


def _compiled(texts: dict[bytes, str]) -> dict[bytes, bytes]:
    """Object files, by key. Long texts come first, so that threads end at about the same time."""
    waiting = iter(sorted(texts, key=lambda key: -len(texts[key])))
    made: dict[bytes, bytes] = {}
    errors: list[RuntimeError] = []  # LLVM's

    def work() -> None:
        try:
            compiler = llvm.Compiler()
            for key in waiting:
                made[key] = compiler.machine_code(texts[key])
        except RuntimeError as error:
            errors.append(error)
        finally:
            deque(waiting, 0)  # after an error or an interrupt no thread begins another

    helpers = [threading.Thread(target=work) for _ in range(min(cores.threads(), len(texts)) - 1)]
    with suppress(RuntimeError):  # at the end of Python there are no more threads
        for helper in helpers:
            helper.start()
    work()
    for helper in helpers:
        if helper.ident is not None:
            helper.join()
    if errors:
        raise errors[0]
    return made
