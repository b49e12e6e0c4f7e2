"""Whether a step fits into the memory of the machine. Imports interpret and what lies below.

In a container the limit is what the container may use, far less than the machine has; who exceeds
it is ended without a word. So the need of a step is known before it runs.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

from kerasnb.graph import Graph
from kerasnb.interpret import last_uses

__all__ = ["limit", "peak_bytes", "used", "warn_if_short"]

# where the kernel states limits, version 2 and 1 of control groups; in bytes, or "max"
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_UNLIMITED = 1 << 60  # version 1 says "no limit" with a number near 2**63


def limit() -> int | None:
    """Bytes that this process may use in its container; None if nothing limits it.

    Read from ``MEM_LIMIT``, which JupyterHub and Binder set, and from the control group.
    """
    found = [os.environ.get("MEM_LIMIT", "")]
    for name in _LIMITS:
        if Path(name).is_file():
            found.append(Path(name).read_text(encoding="ascii").strip())
    numbers = [int(float(text)) for text in found if text.replace(".", "", 1).isdigit()]
    return min((n for n in numbers if 0 < n < _UNLIMITED), default=None)


def used() -> int | None:
    """Bytes of memory that this process uses; None where it is not known (not on Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def peak_bytes(graph: Graph) -> int:
    """Bytes of what a run of `graph` makes and holds at one time, at most; inputs not counted.

    What an operation needs for itself while it runs is not known here.
    """
    dead, sizes = last_uses(graph), {}
    live = peak = 0
    for i, node in enumerate(graph.nodes):
        for tensor in node.outputs:
            sizes[id(tensor)] = tensor.spec.nbytes
            live += tensor.spec.nbytes
        peak = max(peak, live)
        live -= sum(sizes[key] for key in dead.get(i, ()))
    return peak


def warn_if_short(need: int, name: str) -> None:
    """Warn if a step of the model `name`, which needs so many bytes, would exceed the limit."""
    most, now = limit(), used()
    if most is None or now is None:
        return
    if now + need > most:
        warnings.warn(
            f"A training step of {name!r} needs about {_size(need)} beside the {_size(now)} in "
            f"use, and the limit here is {_size(most)}: the kernel may be ended. Use a smaller "
            "batch_size, or a smaller model.",
            stacklevel=2,
        )


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e9:.1f} GB" if nbytes >= 1e8 else f"{nbytes / 1e6:.0f} MB"
