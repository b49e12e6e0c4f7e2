"""Widgets in a page that is reloaded while a cell runs.

Imports nothing of the package. Before such a page shows a widget it asks the kernel three things,
all on the main shell, which the cell keeps busy: what it is (`kernel_info_request`), which widgets
there are (`comm_info_request`), and their states (a comm of its own). `Answering` has them answered
at once. Everything else waits for its turn as before, in its order.

There is no public way to this. What is used of ipykernel's inside is looked for first, and where it
is not as expected nothing is touched: the page then shows the widget when the cell has ended. Tried
with ipykernel 6.31, 7.3 and 7.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zmq
from IPython import get_ipython

__all__ = ["Answering"]

_AT_ONCE = {"kernel_info_request", "comm_info_request"}
_COMM = {"comm_open", "comm_msg", "comm_close"}
_STATES = "jupyter.widget.control"  # the target of the comm through which states are asked for
_NEEDED = ("shell_stream", "shell_handlers", "session", "_publish_status")


class Answering:
    """Answers a reloaded page from `start` to `stop`, while a cell runs in the main thread.

    Kernels from ipykernel 7 on receive in a thread of their own. Older ones receive only when the
    main thread does: there `poll` must be called, a few times a second.
    """

    def __init__(self) -> None:
        self._kernel = getattr(get_ipython(), "kernel", None)
        self._apart = getattr(self._kernel, "shell_channel_thread", None)
        self._pass_on: Callable | None = None
        self._comms: set[str] = set()

    @property
    def able(self) -> bool:
        """Whether this kernel is built as expected."""
        kernel = self._kernel
        inner = "shell_channel_thread_main" if self._apart is not None else "schedule_dispatch"
        return all(hasattr(kernel, name) for name in (*_NEEDED, inner))

    def start(self) -> None:
        """Begin to look at what arrives."""
        if not self.able:
            return
        kernel = self._kernel
        if self._apart is not None:
            self._pass_on = kernel.shell_channel_thread_main
            self._receive_with(self._route_apart)
        else:
            self._pass_on = lambda frames: kernel.schedule_dispatch(kernel.dispatch_shell, frames)
            self._receive_with(self._route)

    def stop(self) -> None:
        """Leave everything as it was."""
        if self._pass_on is not None:
            self.poll()
            self._receive_with(self._pass_on)
            self._pass_on = None

    def poll(self) -> None:
        """Receive what has arrived, where that is not done by another thread."""
        if self._pass_on is not None and self._apart is None:
            self._kernel.shell_stream.flush(zmq.POLLIN)
            self._kernel.shell_stream.flush(zmq.POLLOUT)

    def _receive_with(self, callback: Callable) -> None:
        receive = self._kernel.shell_stream.on_recv
        if self._apart is None:
            receive(callback, copy=False)
        else:  # a stream belongs to its thread
            self._apart.io_loop.add_callback(receive, callback, copy=False)

    def _route(self, frames: Any) -> None:
        mine = self._wanted(frames)
        if mine is None:
            self._pass_on(frames)
            return
        answer = self._answer(*mine)
        try:
            answer.send(None)
        except StopIteration:  # the handlers have nothing to wait for: it ran to its end
            self._kernel._publish_status("busy", "shell")  # as the cell still is
        else:
            answer.close()
            self._kernel.log.error("A handler waits, and cannot while a cell runs.")

    async def _route_apart(self, frames: Any) -> None:
        mine = self._wanted(frames)
        if mine is None:
            await (self._pass_on or self._kernel.shell_channel_thread_main)(frames)
        else:
            await self._answer(*mine)

    def _wanted(self, frames: Any) -> tuple | None:
        """The parts of a message that is to be answered at once; None for any other.

        The message is not opened as a whole: its signature counts once only.
        """
        session = self._kernel.session
        identities, parts = session.feed_identities(frames, copy=False)
        header = session.unpack(parts[1].bytes)
        kind = header.get("msg_type")
        if header.get("subshell_id") is not None:  # it is not for the main shell
            return None
        if kind in _AT_ONCE:
            return identities, parts
        if kind not in _COMM:
            return None
        content = session.unpack(parts[4].bytes)
        if content.get("target_name") == _STATES:
            self._comms.add(content["comm_id"])
        return (identities, parts) if content.get("comm_id") in self._comms else None

    async def _answer(self, identities: Any, parts: Any) -> None:
        kernel = self._kernel
        message = kernel.session.deserialize(parts, content=True, copy=False)
        # a page takes an answer for complete when it is followed by "idle"
        kernel._publish_status("busy", "shell", parent=message)
        handler = kernel.shell_handlers[message["header"]["msg_type"]]
        try:
            result = handler(kernel.shell_stream, identities, message)
            if hasattr(result, "__await__"):
                await result
        finally:
            kernel._publish_status("idle", "shell", parent=message)
