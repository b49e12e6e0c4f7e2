"""What stays of a builder in a saved notebook: a picture and its code. Imports session, picture.

A reader without a kernel sees "model not found" where a widget was, whatever else lies in its
output. So picture and code are displayed after it, as an output of their own, folded while the
kernel lives. They are made anew a moment after the last change, not with each.
"""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

from IPython.display import display

from kerasnb.models.cost import CALL_ERRORS
from kerasnb.notebook.builder.code import to_code
from kerasnb.notebook.builder.picture import picture
from kerasnb.notebook.builder.session import Session
from kerasnb.notebook.figures import to_small_png
from kerasnb.notebook.labels import escape

__all__ = ["Kept", "bundle"]

REST = 1.5  # seconds without a change until picture and code are made


class Kept:
    """The output that stays, below the widget.

    Args:
        view: the widget's id, by which its script finds this output.
    """

    def __init__(self, view: str):
        self._mark = {"kerasnb_view": view}
        self._output: Any = None
        self._timer: threading.Timer | None = None

    def show(self, session: Session) -> None:
        """Display it in the running cell."""
        self._output = display(bundle(session), raw=True, metadata=self._mark, display_id=True)

    def soon(self, session: Session) -> None:
        """Make it anew when nothing has changed for a while."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(REST, self._update, [session])
        self._timer.daemon = True
        self._timer.start()

    def _update(self, session: Session) -> None:
        if self._output is not None:
            self._output.update(bundle(session), raw=True, metadata=self._mark)


def bundle(session: Session) -> dict[str, str]:
    """Picture and code as a MIME bundle, in which nothing is a script."""
    code = to_code(session.document)
    words = f"Picture and code of the model, kept at {time.strftime('%H:%M')}"
    shown = f"<pre>{escape(code)}</pre>"
    found = {"text/plain": code}
    try:
        image = base64.b64encode(to_small_png(picture(session))).decode("ascii")
        shown = f'<img alt="the model" src="data:image/png;base64,{image}">{shown}'
        found["image/png"] = image
    except (*CALL_ERRORS, OSError, Warning) as error:  # matplotlib's settings may lead anywhere
        shown += f"<p>{escape(f'No picture: {type(error).__name__}: {error}')}</p>"
    found["text/html"] = f"<details><summary>{escape(words)}</summary>{shown}</details>"
    return found
