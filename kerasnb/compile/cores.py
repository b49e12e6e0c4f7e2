"""How many threads are of use here. Imports config.

In a container the machine's cores are not all ours: a pod of Binder sees 16 and may use one.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from kerasnb import config

__all__ = ["available", "threads"]

# what the kernel grants to a control group, version 2: "quota period", and version 1
_SHARE = "/sys/fs/cgroup/cpu.max"
_SHARE_1 = ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us")
_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def threads() -> int:
    """Threads that a step is divided among: `KERASNB_NUM_THREADS`, or else `available()`."""
    return config.num_threads() or available()


@cache
def available() -> int:
    """Cores that this process may use, at least 1.

    Two threads of one core count once: they share the units that multiply. In a control group the
    whole cores of its quota count, and ``CPU_LIMIT``, which JupyterHub sets.
    """
    return max(1, min(_cores(), *(int(share) for share in _shares())))


def _cores() -> int:
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
    return len({_text(_SIBLINGS.format(number)) or str(number) for number in allowed})


def _shares() -> list[float]:
    """The limits that are set, in cores."""
    found = [_quotient(*f"{_text(_SHARE)} max max".split()[:2])]
    found.append(_quotient(*(_text(name) for name in _SHARE_1)))
    found.append(_quotient(os.environ.get("CPU_LIMIT", ""), "1"))
    return [share for share in found if share > 0] or [float("1e9")]


def _quotient(quota: str, period: str) -> float:
    """0 where there is none: no file, "max" or -1."""
    try:
        return float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return 0.0


def _text(name: str) -> str:
    path = Path(name)
    return path.read_text(encoding="ascii").strip() if path.is_file() else ""
