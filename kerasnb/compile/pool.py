"""Threads that share the work of a step. Imports cores, driver and llvm.

The threads are Python's, and wait in Python until a job is to be done; then they are in native code
until it is finished, and take pieces of it without Python's lock.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from functools import cache
from typing import Any

import numpy as np

from kerasnb.compile import cores
from kerasnb.compile.arena import aligned
from kerasnb.compile.driver import DRIVER, JOB, LINE, SHARED
from kerasnb.compile.library import addresses

__all__ = ["Pool", "pool", "run", "seconds"]

_SHARED_WORD, _TIMES_WORD = JOB.index("shared"), JOB.index("times")
_YIELD = "SwitchToThread", "sched_yield"  # lets others have the core
_CLOCK = "QueryPerformanceCounter", "clock_gettime"
_KINDS = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)


class Pool:
    """Threads beside the one that leads a job.

    Args:
        workers: how many; 0 leaves all to the leader.
    """

    def __init__(self, workers: int):
        self.workers = workers
        self._busy = threading.Lock()
        self._shared = aligned(4 * LINE)
        self._shared[:] = 0
        self._scratch = [aligned(0) for _ in range(workers)]
        self._scratches = np.zeros(max(workers, 1), np.uintp)
        self._put("yield", _address(*_YIELD))
        self._put("clock", _address(*_CLOCK))
        self._put("scratches", self._scratches.ctypes.data)
        self._wake = [threading.Lock() for _ in range(workers)]
        for number, wake in enumerate(self._wake):
            wake.acquire()
            threading.Thread(
                target=self._work, args=(number, wake), name=f"kerasnb {number + 1}", daemon=True
            ).start()

    def run(self, job: np.ndarray, place: int, steps: int, scratch: int, size: int) -> None:
        """Run a job, so many steps of it, with all threads, or alone if they are at work.

        Args:
            job: its words, as `driver.JOB` names them.
            place: their address.
            steps: how many.
            scratch: the address of the leader's memory.
            size: bytes of it; as many as each worker needs.
        """
        if not self.workers or not self._busy.acquire(blocking=False):
            _alone(job, place, steps, scratch)
            return
        try:
            self._lead(job, place, steps, scratch, size)
        finally:
            self._busy.release()

    def time(
        self, job: np.ndarray, place: int, steps: int, scratch: int, size: int, times: np.ndarray
    ) -> None:
        """Run a job with all threads, and note when each segment of the last step ended.

        Args:
            job, place, steps, scratch, size: as for `run`.
            times: int64 (1 + segments, 2), which `seconds` understands; the first is the start.
        """
        with self._busy:
            job[_TIMES_WORD] = times.ctypes.data
            try:
                self._lead(job, place, steps, scratch, size)
            finally:
                job[_TIMES_WORD] = 0

    def _lead(self, job: np.ndarray, place: int, steps: int, scratch: int, size: int) -> None:
        self._provide(size)
        shared = self._shared.ctypes.data
        job[_SHARED_WORD] = shared
        _functions().open(shared, 0, place)
        for wake in self._wake:
            if wake.locked():  # else it has not even noticed the last job
                wake.release()
        _functions().lead(place, steps, scratch)

    def _provide(self, size: int) -> None:
        """Give each worker as much memory; none is within a job now."""
        for number, memory in enumerate(self._scratch):
            if memory.size < size:
                self._scratch[number] = memory = aligned(size)
                self._scratches[number] = memory.ctypes.data

    def _work(self, number: int, wake: Any) -> None:
        work, shared = _functions().work, self._shared.ctypes.data
        while True:
            wake.acquire()
            work(shared, number, None)

    def _put(self, name: str, value: int) -> None:
        self._shared[SHARED[name] :][:8].view(np.uintp)[0] = value


def run(job: np.ndarray, place: int, steps: int, scratch: int, size: int, divided: bool) -> None:
    """Run a job: `divided` among the threads of the process, or by this one alone."""
    if divided:
        pool().run(job, place, steps, scratch, size)
    else:
        _alone(job, place, steps, scratch)


def seconds(times: np.ndarray) -> np.ndarray:
    """What the system's clock wrote, int64 (..., 2), in seconds from some moment."""
    if sys.platform == "win32":
        frequency = ctypes.c_int64()
        ctypes.windll.kernel32.QueryPerformanceFrequency(ctypes.byref(frequency))
        return times[..., 0] / frequency.value
    return times[..., 0] + times[..., 1] * 1e-9


def pool(alone: bool = False) -> Pool:
    """The threads of this process, as many as `cores.threads` says now; or none but the leader."""
    workers = 0 if alone else cores.threads() - 1
    with _making:
        made = _pools.get(workers)
        if made is None:
            made = _pools[workers] = Pool(workers)
    return made


def _alone(job: np.ndarray, place: int, steps: int, scratch: int) -> None:
    job[_SHARED_WORD] = 0
    _functions().lead(place, steps, scratch)


class _Functions:
    """The native code of `driver`."""

    def __init__(self) -> None:
        kind = ctypes.CFUNCTYPE(None, *_KINDS)
        self.lead, self.work, self.open = map(kind, addresses(DRIVER))


@cache
def _functions() -> _Functions:
    return _Functions()


def _address(windows: str, others: str) -> int:
    """Where a function of the system is."""
    if sys.platform == "win32":
        function = getattr(ctypes.windll.kernel32, windows)
    else:
        function = getattr(ctypes.CDLL(None), others)
    return ctypes.cast(function, ctypes.c_void_p).value


def _forget() -> None:
    """In a new process there are no threads but one, and locks may be as others held them."""
    global _making
    _making = threading.Lock()
    _pools.clear()


_making = threading.Lock()
_pools: dict[int, Pool] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
