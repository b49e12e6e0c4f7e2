"""What widgets ask of the kernel: messages while a cell runs, and work at the end of a cell.

Imports nothing of the package.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import zmq
from IPython import get_ipython

__all__ = ["REQUEST", "at_end_of_cell", "connect", "present_cell", "read_what_waits"]

REQUEST = "kerasnb_request"
"""The type of the messages; the scripts use the same."""

_widgets: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_at_end: list[Callable[[], None]] = []


def connect(identity: str, widget: Any) -> None:
    """Let requests for `identity` reach ``widget.receive``, also while a cell runs.

    A kernel serves what widgets send on its main shell, which a running cell keeps busy. Its
    control channel has a thread of its own on every ipykernel, so scripts send requests there
    first. They are served in that thread: a widget may set flags and answer, nothing else. Where
    a kernel has no such channel, the scripts' requests come on the main shell, as all else.

    Args:
        identity: how the page names the widget.
        widget: has a method `receive` that takes any message and checks it.
    """
    handlers = getattr(getattr(get_ipython(), "kernel", None), "control_handlers", None)
    if handlers is not None:
        handlers[REQUEST] = _serve
        _widgets[identity] = widget


def _serve(stream: Any, identities: Any, parent: dict) -> None:
    content = parent.get("content")
    if isinstance(content, dict) and isinstance(content.get("model_id"), str):
        widget = _widgets.get(content["model_id"])
        if widget is not None:
            widget.receive(content.get("message"))


def at_end_of_cell(work: Callable[[], None]) -> None:
    """Call `work` when the running cell has ended; now, if none runs or this is another thread.

    So it costs what the cell measures nothing, and never runs beside the rest of the cell.
    """
    if present_cell() is None or threading.current_thread() is not threading.main_thread():
        work()
        return
    get_ipython().events.register("post_run_cell", _work_off)  # once, however often it is said
    _at_end.append(work)


def read_what_waits() -> None:
    """Have the kernel read the requests that have arrived. May be called from any thread.

    With ipykernel 7.0 to 7.3 a request can stay unread until the next connection if it arrives
    while another is answered (ipykernel issue 1554): a reloaded page would wait for its widgets.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    thread, stream = (getattr(kernel, n, None) for n in ("shell_channel_thread", "shell_stream"))
    if thread is not None and hasattr(stream, "flush"):
        thread.io_loop.add_callback(stream.flush, zmq.POLLIN)  # a stream belongs to its thread


def present_cell() -> str | None:
    """Names the run of a cell that the code that calls this belongs to; None outside of cells."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    header = parent.get("header", {})
    return header.get("msg_id") if header.get("msg_type") == "execute_request" else None


def _work_off(result: Any = None) -> None:
    get_ipython().events.unregister("post_run_cell", _work_off)
    with ExitStack() as every:  # also what comes after one that fails
        for work in reversed(_at_end):
            every.callback(work)
        _at_end.clear()
