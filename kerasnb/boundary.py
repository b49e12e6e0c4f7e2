"""Where state may be moved: between two steps, never within one. Imports nothing of the package.

Loops that read and change variables are *inside*; whoever moves every variable (`backends.use`)
waits until all others rest. A loop rests where it says so: after each step.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Boundary", "boundary"]


class Boundary:
    """Lets many loops run at once, and one mover alone; a mover that waits goes first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: dict[int, int] = {}  # thread -> how deep it is inside
        self._movers = 0

    def forget_others(self) -> None:
        """In a new process, the threads that were inside or held the lock are gone."""
        me = threading.get_ident()
        self._changed, self._movers = threading.Condition(), 0
        self._inside = {me: self._inside[me]} if me in self._inside else {}

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Keep movers away for the block, except where `rest` is called. Blocks may be nested."""
        self._enter(1)
        try:
            yield
        finally:
            self._leave(1)

    def rest(self) -> None:
        """Let those who wait move everything now. Costs a look at a number when nobody waits."""
        if self._movers:
            with self.outside():
                pass

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Let movers in for the block; called within a block that is inside."""
        levels = self._inside[threading.get_ident()]
        self._leave(levels)
        try:
            yield
        finally:
            self._enter(levels)

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Wait until every other thread rests, and keep them there for the block."""
        me = threading.get_ident()
        with self._changed:
            self._movers += 1
            try:
                # one mover at a time: the condition's lock is held throughout
                self._changed.wait_for(lambda: self._inside.keys() <= {me})
                yield
            finally:
                self._movers -= 1
                self._changed.notify_all()

    def _enter(self, levels: int) -> None:
        me = threading.get_ident()
        with self._changed:
            if me not in self._inside:  # who is inside already goes on, or would wait for itself
                self._changed.wait_for(lambda: not self._movers)
            self._inside[me] = self._inside.get(me, 0) + levels

    def _leave(self, levels: int) -> None:
        me = threading.get_ident()
        with self._changed:
            self._inside[me] -= levels
            if not self._inside[me]:
                del self._inside[me]
            self._changed.notify_all()


boundary = Boundary()
"""The one of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=boundary.forget_others)
