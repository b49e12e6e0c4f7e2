"""A second backend: CuPy's stand-in under CuPy's name, so that tests need no GPU.

With KERASNB_TEST_GPU=1 it is CuPy itself, on the GPU of this machine.
"""

import importlib
import os
import weakref

import cupy_standin
import pytest

from kerasnb import backends
from kerasnb.backends import cupy as cupy_backend

__all__ = ["ON_GPU", "alone", "cupy", "gpu", "no_gpu", "offer", "only_standin"]

ON_GPU = os.environ.get("KERASNB_TEST_GPU") == "1"
cupy = importlib.import_module("cupy") if ON_GPU else cupy_standin.cupy
only_standin = pytest.mark.skipif(ON_GPU, reason="about the stand-in, not about CuPy")

DEVICE = "GPU 0 (Stand-in, 8 GiB)"
REASON = (
    'CuPy is not installed: pip install "kerasnb[gpu]", which brings cupy-cuda13x, or '
    "cupy-cuda12x for an older NVIDIA driver."
)


@pytest.fixture
def gpu(monkeypatch):
    """CuPy is installed and has a GPU, for one test; NumPy is in use."""
    yield from offer(monkeypatch, cupy)


@pytest.fixture
def no_gpu(monkeypatch):
    """CuPy is not installed, for one test."""
    yield from offer(monkeypatch, None)


@pytest.fixture
def alone(monkeypatch):
    """Only what the test itself makes counts as alive."""
    monkeypatch.setattr(backends, "models", weakref.WeakSet())
    monkeypatch.setattr(backends, "live", weakref.WeakSet())


def offer(monkeypatch, module):
    """The body of a fixture: `module` is what ``import cupy`` gives."""
    monkeypatch.setattr(cupy_backend, "_load", lambda: module)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    backends.use("numpy")
    known = backends._loaded.pop("cupy", None)
    yield module
    backends.use("numpy")
    for registered in (backends._loaded.pop("cupy", None), known):
        if registered is not None:
            backends._by_type.pop(registered.array_type, None)
    if known is not None:
        backends._loaded["cupy"] = known
        backends._by_type[known.array_type] = known
