"""A second backend for tests without a GPU: CuPy's stand-in, under CuPy's name."""

import weakref

import pytest
from cupy_standin import cupy

from kerasnb import backends
from kerasnb.backends import cupy as cupy_backend

__all__ = ["alone", "gpu", "no_gpu", "offer"]

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
