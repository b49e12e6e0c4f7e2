"""What a page must not do: reach outside this machine, complain, or open a dialogue."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["Watch"]

INSIDE = re.compile(r"(https?|wss?)://127\.0\.0\.1[:/]|(data|blob|about|devtools):")
OUTSIDE = re.compile(rf"^(?!{INSIDE.pattern})")

# What Jupyter itself complains of, in notebooks without anything of ours: pattern -> when.
NOISE = {
    r"^console: Could not restore the debugger state: Canceled future": (
        "the kernel has ended, and the debugger's panel has not heard of it"
    ),
    r"^uncaught: Command 'filebrowser:open-path' not registered.*/static/notebook/notebook_core": (
        "Notebook 7.6 at a slow start: it goes to the address before the plugin for that is there"
    ),
    r"^uncaught: .*reading 'schema'\).*/static/notebook/notebook_core": (
        "Notebook 7.6 at each start: a plugin asks for settings that another has not read yet"
    ),
}


class Watch:
    """Refuses requests to other machines in all pages of a browser profile, and takes notes.

    Args:
        context: the profile.
        findings: where each finding is added, as a sentence: requests to other machines, errors on
            the console, uncaught errors of scripts, and dialogues.
    """

    def __init__(self, context, findings: list[str]):
        self.findings = findings
        context.route(OUTSIDE, lambda route: route.abort())
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("weberror", self._uncaught)
        context.on("dialog", self._dialog)
        context.on("page", lambda page: page.on("websocket", self._request))

    def _request(self, request) -> None:
        if not INSIDE.match(request.url):
            self.findings.append(f"asked for {request.url}")

    def _console(self, message) -> None:
        if message.type == "error":
            path = urlsplit(message.location["url"]).path if message.location else ""
            self._complain(f"console: {message.text} ({path})")

    def _uncaught(self, event) -> None:
        error = event.error
        places = [line.strip() for line in (error.stack or "").splitlines() if " at " in line]
        self._complain(f"uncaught: {error.message} {' '.join(places[:2])}")

    def _dialog(self, dialog) -> None:
        if dialog.type == "beforeunload":  # a page that is left with unsaved changes asks
            dialog.accept()
            return
        self._complain(f"dialogue: {dialog.message}")
        dialog.dismiss()

    def _complain(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in NOISE):
            self.findings.append(text)
