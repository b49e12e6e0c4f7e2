"""`RemoteMonitor`. Imports callbacks.base."""

from __future__ import annotations

import json
import warnings

from kerasnb.callbacks.base import Callback

__all__ = ["RemoteMonitor"]

PATIENCE = 10.0  # seconds: a server that hangs must not hold up training for ever


class RemoteMonitor(Callback):
    """Sends the logs of every epoch to a server over HTTP, as JSON.

    They are posted as a form with one field, or as a body of JSON. A server that cannot be reached
    is a warning.

    Args:
        root: of the server.
        path: on it.
        field: the name of the form's field.
        headers: of the request.
        send_as_json: send a body of JSON instead of a form.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        from urllib import parse, request  # slow to import, and rarely needed

        text = json.dumps({"epoch": epoch, **(logs or {})})
        kind = "application/json"
        if not self.send_as_json:
            text, kind = parse.urlencode({self.field: text}), _FORM
        message = request.Request(
            self.root + self.path, text.encode(), {"Content-Type": kind, **(self.headers or {})}
        )
        try:
            request.urlopen(message, timeout=PATIENCE).close()
        except OSError as error:
            warnings.warn(
                f"RemoteMonitor: {self.root} could not be reached: {error}.", stacklevel=2
            )


_FORM = "application/x-www-form-urlencoded"
