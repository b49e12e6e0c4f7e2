"""The NumPy backend: always there."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from kerasnb.backends.protocol import Backend

__all__ = ["BACKEND"]


class NumPyBackend(Backend):
    """Arrays in the main memory of this computer."""

    name = "numpy"
    title = "NumPy"
    xp = np
    array_type = np.ndarray

    def device(self) -> str:
        return f"CPU ({platform.machine()})"

    def asarray(self, value: Any, dtype: str | None = None) -> np.ndarray:
        return np.asarray(value, dtype)

    def to_numpy(self, array: np.ndarray) -> np.ndarray:
        return array


BACKEND = NumPyBackend
