"""Which backend computes, and switching it: ``kerasnb.backend``. Imports absence, config, naming.

Under the names that Keras users know; `use` is what Keras cannot do.
"""

from __future__ import annotations

from typing import Any

from kerasnb import backends, naming
from kerasnb.absence import guard
from kerasnb.backends import Switch, use, using
from kerasnb.config import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)

__all__ = [
    "Switch",
    "backend",
    "clear_session",
    "device",
    "epsilon",
    "floatx",
    "image_data_format",
    "image_dim_ordering",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "use",
    "using",
]


def backend() -> str:
    """The name of the backend on which new arrays are made."""
    return backends.current().name


def device() -> str:
    """The device of that backend in words."""
    return backends.current().device()


def image_dim_ordering() -> str:
    """Keras 1's word for `image_data_format`: ``"tf"`` or ``"th"``."""
    return "tf" if image_data_format() == "channels_last" else "th"


def clear_session(free_memory: bool = True) -> None:
    """Begin to count the names of layers anew; models that exist stay as they are."""
    naming.reset_names()


def __getattr__(name: str) -> Any:
    if name == "_BACKEND":  # Keras 1's variable; a function of the present state here
        return backend()
    return guard(__name__)(name)
