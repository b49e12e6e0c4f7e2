"""What the widgets share: their scripts, and the check of what a browser sends.

Imports squeezing. A widget is an `anywidget` whose script is a standard ES module in ``static/``.
Scripts import functions from one another by ``import { a, b } from "./other.js";``: in the browser
each widget needs one text, so `script` joins and shortens them, and Node runs the same files
unchanged in tests.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import anywidget

from kerasnb.notebook.squeezing import squeezed

__all__ = ["Widget", "script", "style"]

_STATIC = Path(__file__).parent / "static"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class|let)", re.MULTILINE)


@cache
def script(name: str) -> str:
    """The text of ``static/<name>`` with all that it imports in front, each once, squeezed: pages
    need not be sent what is there for readers."""
    seen: dict[str, str] = {}

    def visit(file: str) -> None:
        if file in seen:
            return
        seen[file] = ""
        text = (_STATIC / file).read_text(encoding="utf-8")
        for other in _IMPORT.findall(text):
            visit(other)
        seen[file] = seen.pop(file) or _IMPORT.sub("", text)  # after what it imports

    visit(name)
    parts = [text if file == name else _EXPORT.sub("", text) for file, text in seen.items()]
    return squeezed("\n".join(parts))


@cache
def style(*names: str) -> str:
    """The texts of ``static/<name>``, behind that of ``page.css``, which all widgets share."""
    return "\n".join((_STATIC / file).read_text(encoding="utf-8") for file in ("page.css", *names))


class Widget(anywidget.AnyWidget):
    """An `anywidget` that takes from the browser only messages of a known form.

    A message is a dictionary ``{"op": name, ...}``. A subclass lists in `operations` what it takes:
    name -> function of the message that says whether its values are valid. What is unknown,
    invalid, too large or too frequent is dropped and counted in `dropped`. A message may come on
    two ways; one with an ``"id"`` that was there before is passed over.
    """

    operations: ClassVar[Mapping[str, Callable[[dict], bool]]] = {}
    LARGEST = 100_000  # characters of a message as text; a drawn picture is the largest
    FASTEST = 50  # messages within a second
    REMEMBERED = 256  # newest ids

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.dropped = 0
        self._ids: deque[str] = deque(maxlen=self.REMEMBERED)
        self._times: deque[float] = deque(maxlen=self.FASTEST)
        self.on_msg(lambda _, content, buffers: self.receive(content))

    def receive(self, message: Any) -> None:
        """Take a message from a page, whatever it is."""
        if not self.accepts(message):
            self.dropped += 1
            return
        identity = message.get("id")
        if identity is not None:
            if identity in self._ids:
                return
            self._ids.append(identity)
        now = time.monotonic()
        if len(self._times) == self.FASTEST and now - self._times[0] < 1:
            self.dropped += 1
            return
        self._times.append(now)
        self.handle(message)

    def accepts(self, message: Any) -> bool:
        """Whether `message` has a form that this widget takes."""
        if not isinstance(message, dict) or len(repr(message)) > self.LARGEST:
            return False
        op, identity = message.get("op"), message.get("id", "")
        if not isinstance(op, str) or not isinstance(identity, str) or len(identity) > 64:
            return False
        check = self.operations.get(op)
        return check is not None and check(message) is True

    def handle(self, message: dict) -> None:
        """Do what a valid message asks for."""
        raise NotImplementedError
