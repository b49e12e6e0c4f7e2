"""Tracebacks of the user's own frames, without those of this package. Imports config."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any

from kerasnb.config.switches import is_traceback_filtering_enabled

__all__ = ["filtered", "shortened"]

PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


def filtered(method: Callable) -> Callable:
    """`method`, whose errors have short tracebacks."""

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            raise shortened(error)  # noqa: B904 - the same error, and no new one

    return call


def shortened(error: Exception) -> Exception:
    """`error` without the frames of this package in its traceback, unless filtering is off.

    `config.disable_traceback_filtering()` brings them back, and then a debugger can walk them.
    """
    if not is_traceback_filtering_enabled():
        return error
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    kept: TracebackType | None = None
    for frame in reversed(frames):
        if not frame.tb_frame.f_code.co_filename.startswith(PACKAGE):
            kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return error.with_traceback(kept)
