"""The CuPy backend: arrays on an NVIDIA GPU.

Imports protocol only; CuPy itself is imported when the backend is first asked for.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

from kerasnb.backends.protocol import Backend

__all__ = ["BACKEND", "diagnose"]

# what the CUDA runtime answers (cudaError_t)
INSUFFICIENT_DRIVER = 35
NO_DEVICE = 100


class CuPyBackend(Backend):
    """Arrays in the memory of the current CUDA device."""

    name = "cupy"
    title = "CuPy"

    def unusable(self) -> str | None:
        try:
            cupy = _load()
        except ImportError as error:
            return f"CuPy is installed but cannot be imported: {_one_line(error)}"
        reason = diagnose(cupy, os.environ.get("CUDA_VISIBLE_DEVICES"))
        if reason is None:
            self.xp, self.array_type = cupy, cupy.ndarray
        return reason

    def device(self) -> str:
        runtime = self.xp.cuda.runtime
        number = runtime.getDevice()
        card = runtime.getDeviceProperties(number)
        return f"GPU {number} ({card['name'].decode()}, {card['totalGlobalMem'] / 2**30:.0f} GiB)"

    def asarray(self, value: Any, dtype: str | None = None) -> Any:
        if not hasattr(value, "__cuda_array_interface__"):
            value = np.asarray(
                value, dtype
            )  # converted before the transfer, which is the slow part
        return self.xp.asarray(value, dtype)

    def to_numpy(self, array: Any) -> np.ndarray:
        return self.xp.asnumpy(array)

    def synchronize(self) -> None:
        self.xp.cuda.Device().synchronize()


BACKEND = CuPyBackend


def diagnose(cupy: Any, visible: str | None = None) -> str | None:
    """Why CuPy cannot compute on this machine, in one sentence, or None if it can.

    Args:
        cupy: the module, or None if it is not installed.
        visible: the value of ``CUDA_VISIBLE_DEVICES``.
    """
    if cupy is None:
        return (
            'CuPy is not installed: pip install "kerasnb[gpu]", which brings cupy-cuda13x, or '
            "cupy-cuda12x for an older NVIDIA driver."
        )
    runtime = cupy.cuda.runtime
    driver, built = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if driver == 0:  # the runtime's own text is "driver version is insufficient"
        return "This machine has no NVIDIA driver, which the cupy backend needs; install one."
    if driver // 1000 < built // 1000:
        return _too_old(cupy, driver, built)
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        if error.status == INSUFFICIENT_DRIVER:
            return _too_old(cupy, driver, built)
        if error.status != NO_DEVICE:
            return f"The CUDA runtime does not start (status {error.status}): {_one_line(error)}"
        count = 0
    if count == 0:
        if visible is not None:
            return (
                f"No GPU is visible: CUDA_VISIBLE_DEVICES is {visible!r}; unset it, or set it to "
                "the number of a GPU, and start Python again."
            )
        return "The NVIDIA driver is there, but it finds no GPU in this machine."
    return _first_kernel(cupy)


def _first_kernel(cupy: Any) -> str | None:
    try:
        cupy.ones(1)  # compiles, so it needs the CUDA libraries as well as the GPU
    except (ImportError, OSError, RuntimeError) as error:
        return (
            "CuPy finds a GPU but cannot compute on it (where CUDA libraries are missing: pip "
            f'install "cupy-cuda13x[ctk]"): {_one_line(error)}'
        )
    return None


def _load() -> Any:
    """The module `cupy`, or None if it is not installed."""
    try:
        return importlib.import_module("cupy")
    except ModuleNotFoundError as error:
        if error.name == "cupy":
            return None
        raise


def _too_old(cupy: Any, driver: int, built: int) -> str:
    return (
        f"The NVIDIA driver is too old: it supports CUDA {_version(driver)}, and CuPy "
        f"{cupy.__version__} is built for CUDA {_version(built)}; update the driver, or install "
        f"cupy-cuda{driver // 1000}x in place of this CuPy."
    )


def _version(number: int) -> str:
    """13020 -> "13.2", as CUDA counts"""
    return f"{number // 1000}.{number % 1000 // 10}"


def _one_line(error: BaseException) -> str:
    """The cause of an error on one line: CuPy wraps it in a page of advice."""
    cause = error.__cause__ or error
    return " ".join(str(cause).split()).rstrip(".") + "."
