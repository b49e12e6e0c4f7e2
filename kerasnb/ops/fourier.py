"""Fourier transforms, windows and frames of signals. Imports index, reshaping, reduce and tensor.

A complex tensor is a pair: its real part and its imaginary part, of one shape and dtype.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ArgumentError, DTypeError, ShapeError, unknown
from kerasnb.op import OPS, Sample, primitive
from kerasnb.ops.creation import ones, zeros_like
from kerasnb.ops.elementwise import cast, where
from kerasnb.ops.index import take
from kerasnb.ops.reshaping import concatenate, flip, moveaxis, pad, ravel, reshape
from kerasnb.ops.special import i0
from kerasnb.spec import TensorSpec, is_float
from kerasnb.tensor import Tensor, apply, as_tensor

__all__ = [
    "bartlett", "blackman", "extract_sequences", "fft", "fft2", "hamming", "hanning", "ifft2",
    "irfft", "istft", "kaiser", "rfft", "stft",
]  # fmt: skip

Pair = tuple[Any, Any]


def _same(real: TensorSpec, imaginary: TensorSpec, *, axes: tuple, inverse: bool) -> tuple:
    if real != imaginary:
        raise ShapeError(
            f"fft: expected a real and an imaginary part of one shape, got {real} and {imaginary}."
        )
    return real, imaginary


def _fourier_vjp(g, y, real, imaginary, *, axes, inverse):
    # the transform is linear, and its transpose is the one in the other direction
    parts = [zeros_like(y[i]) if part is None else part for i, part in enumerate(g)]
    return list(apply(_fourier, *parts, axes=axes, inverse=not inverse))


@primitive(
    "fft",
    kind="library",
    infer=_same,
    vjp=_fourier_vjp,
    casts="float",
    samples=[
        Sample(((3, 5), (3, 5)), {"axes": (1,), "inverse": False}),
        Sample(((2, 3, 4), (2, 3, 4)), {"axes": (1, 2), "inverse": True}),
    ],
)
def _fourier(xp, real, imaginary, *, axes, inverse):
    """The sums of the elements times exp(-2πi jk/n), or exp(2πi jk/n), without any factor."""
    wide = real.dtype if real.dtype.itemsize > 2 else "float32"  # there is no half complex number
    whole = xp.asarray(real, wide) + xp.asarray(imaginary, wide) * xp.asarray(1j, "complex64")
    transform, norm = (xp.fft.ifftn, "forward") if inverse else (xp.fft.fftn, "backward")
    result = transform(whole, axes=axes, norm=norm)
    return xp.asarray(result.real, real.dtype), xp.asarray(result.imag, real.dtype)


def _pair(name: str, x: Any, axes: int) -> tuple[Tensor, Tensor]:
    """The two parts.

    Raises:
        ArgumentError: `x` is no pair.
        ShapeError: they are not of one shape, or have too few axes.
    """
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ArgumentError(f"{name}: expected a pair (real, imaginary), got {type(x).__name__}.")
    parts = as_tensor(x[0]), as_tensor(x[1])
    if parts[0].shape != parts[1].shape or parts[0].ndim < axes:
        raise ShapeError(
            f"{name}: expected two parts of one shape with at least {axes} axes, got "
            f"{parts[0].shape} and {parts[1].shape}."
        )
    for part in parts:
        if not is_float(part.dtype):
            raise DTypeError(f"{name}: expected float parts, got {part.spec}.")
    return parts


def fft(x: Pair) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform along the last axis.

    Args:
        x: real and imaginary part.

    Returns:
        Real and imaginary part.

    Raises:
        ArgumentError: `x` is no pair.
        ShapeError: its parts are not of one shape.
        DTypeError: its parts are not floats.
    """
    real, imaginary = _pair("fft", x, 1)
    return apply(_fourier, real, imaginary, axes=(real.ndim - 1,), inverse=False)


def fft2(x: Pair) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform along the last two axes; see `fft`."""
    real, imaginary = _pair("fft2", x, 2)
    axes = (real.ndim - 2, real.ndim - 1)
    return apply(_fourier, real, imaginary, axes=axes, inverse=False)


def ifft2(x: Pair) -> tuple[Tensor, Tensor]:
    """What `fft2` gave `x` for, up to rounding."""
    real, imaginary = _pair("ifft2", x, 2)
    axes = (real.ndim - 2, real.ndim - 1)
    parts = apply(_fourier, real, imaginary, axes=axes, inverse=True)
    share = 1.0 / (real.shape[-2] * real.shape[-1])
    return parts[0] * share, parts[1] * share


def rfft(x: Any, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform of real numbers along the last axis, without its second half,
    which is that of the first, reversed and conjugated.

    Args:
        x: a tensor of floats.
        fft_length: to which the last axis is cut, or filled with zeros; its own length if None.

    Returns:
        Real and imaginary part, ``fft_length // 2 + 1`` long.
    """
    x = as_tensor(x)
    x = x if is_float(x.dtype) else cast(x, config.floatx())
    x = _of_length(x, x.shape[-1] if fft_length is None else fft_length)
    kept = x.shape[-1] // 2 + 1
    real, imaginary = fft((x, zeros_like(x)))
    return real[..., :kept], imaginary[..., :kept]


def irfft(x: Pair, fft_length: int | None = None) -> Tensor:
    """The real numbers whose `rfft` is `x`.

    Args:
        x: real and imaginary part.
        fft_length: how many numbers; ``2 (n - 1)`` for a last axis of n if None.
    """
    real, imaginary = _pair("irfft", x, 1)
    n = 2 * (real.shape[-1] - 1) if fft_length is None else fft_length
    kept = n // 2 + 1
    real, imaginary = _of_length(real, kept), _of_length(imaginary, kept)
    # the imaginary parts of 0 and of n / 2 have no partner, and count for nothing
    own = np.ones(kept, bool)
    own[0], own[-1] = False, own[-1] and n % 2 == 1
    imaginary = where(as_tensor(own), imaginary, 0.0)
    mirrored = slice(1, kept - 1 if n % 2 == 0 else kept)
    whole = (
        concatenate([real, flip(real[..., mirrored], -1)], -1),
        concatenate([imaginary, -flip(imaginary[..., mirrored], -1)], -1),
    )
    return apply(_fourier, *whole, axes=(real.ndim - 1,), inverse=True)[0] * (1.0 / n)


def _of_length(x: Tensor, length: int) -> Tensor:
    """The last axis cut, or filled with zeros."""
    if x.shape[-1] >= length:
        return x[..., :length]
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(0, length - x.shape[-1])])


# Frames


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Parts of the last axis, each beginning `sequence_stride` after the one before.

    Shape: (.., T) -> (.., parts, sequence_length)
    """
    x = as_tensor(x)
    count = max(0, 1 + (x.shape[-1] - sequence_length) // sequence_stride)
    return take(x, _places(count, sequence_length, sequence_stride), -1)


def _places(count: int, length: int, stride: int) -> np.ndarray:
    """The position of each element of each part."""
    starts = np.arange(count, dtype="int32") * stride
    return starts[:, None] + np.arange(length, dtype="int32")


def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Tensor, Tensor]:
    """The Fourier transforms of parts of a signal (short-time Fourier transform).

    Args:
        x: ``(.., T)`` of float32 or float64.
        sequence_length: how long the window is.
        sequence_stride: how far one part begins after the other.
        fft_length: how long a part is; the window lies in its middle.
        window: ``"hann"``, ``"hamming"``, a vector of `sequence_length`, or None for all of a part.
        center: whether the signal is mirrored at its ends, so that part i has its middle at
            ``i * sequence_stride``.

    Returns:
        Real and imaginary part, ``(.., parts, fft_length // 2 + 1)``.

    Raises:
        ArgumentError: `fft_length` is less than `sequence_length`, or there is no such window.
        DTypeError: `x` is neither float32 nor float64.
    """
    x = as_tensor(x)
    if x.dtype not in ("float32", "float64"):
        raise DTypeError(f"stft: expected float32 or float64, got {x.spec}.")
    weights = _weights("stft", window, sequence_length, fft_length, x.dtype)
    if center:
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2,) * 2], mode="reflect")
    return rfft(extract_sequences(x, fft_length, sequence_stride) * weights)


def istft(
    x: Pair,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """The signal whose `stft` is nearest to `x`.

    Args:
        x: real and imaginary part, ``(.., parts, fft_length // 2 + 1)``.
        sequence_length: see `stft`, as for the others.
        sequence_stride: see `stft`.
        fft_length: see `stft`.
        length: how many numbers to give; all but those that `center` added if None.
        window: see `stft`.
        center: see `stft`.

    Raises:
        ArgumentError: `fft_length` is less than `sequence_length`, or there is no such window.

    Source: D. W. Griffin and J. S. Lim (1984), "Signal estimation from modified short-time Fourier
        transform", doi:10.1109/TASSP.1984.1164317.
    """
    real, imaginary = _pair("istft", x, 2)
    weights = _weights("istft", window, sequence_length, fft_length, real.dtype)
    parts = irfft((real, imaginary), fft_length) * weights  # (.., parts, fft_length)
    count = parts.shape[-2]
    places = ravel(_places(count, fft_length, sequence_stride))
    total = fft_length + sequence_stride * (count - 1)

    def overlapped(values: Tensor) -> Tensor:  # (.., parts, fft_length) -> (.., total)
        flat = reshape(values, (*values.shape[:-2], count * fft_length))
        rows = apply(OPS["scatter_add"], moveaxis(flat, -1, 0), places, axis=0, length=total)
        return moveaxis(rows, 0, -1)

    weight = overlapped(as_tensor(np.ones((count, 1)), real.dtype) * weights * weights)
    signal = overlapped(parts) / where(weight > 1e-10, weight, 1.0)
    start = fft_length // 2 if center else 0
    if length is not None:
        return signal[..., start : start + length]
    return signal[..., start : total - start]


def _weights(name: str, window: Any, length: int, fft_length: int, dtype: str) -> Tensor:
    """The window, with zeros on both sides as far as a part goes."""
    if fft_length < length:
        raise ArgumentError(
            f"{name}: expected a fft_length of at least sequence_length={length}, got {fft_length}."
        )
    if window is None:
        return ones((fft_length,), dtype)
    if isinstance(window, str):
        if window not in _PERIODIC:
            raise unknown(f"window of {name}", window, _PERIODIC)
        window = _PERIODIC[window](np.arange(length) * (2.0 * math.pi / length))
    weights = as_tensor(window, dtype)
    if weights.shape != (length,):
        raise ShapeError(f"{name}: expected a window of shape ({length},), got {weights.shape}.")
    before = (fft_length - length) // 2
    return pad(weights, ((before, fft_length - length - before),))


_PERIODIC = {
    "hann": lambda angle: 0.5 - 0.5 * np.cos(angle),
    "hamming": lambda angle: 0.54 - 0.46 * np.cos(angle),
}


# Windows


def _cosines(n: Any, *coefficients: float) -> Tensor:
    """Sums of cosines over one period, ends included."""
    n = int(n)
    if n <= 1:
        return ones((max(n, 0),))
    angle = np.arange(n) * (2.0 * math.pi / (n - 1))
    return as_tensor(
        np.sum([c * np.cos(k * angle) for k, c in enumerate(coefficients)], 0), config.floatx()
    )


def bartlett(x: int) -> Tensor:
    """The triangular window of length `x`, 0 at its ends."""
    n = int(x)
    values = 1.0 - np.abs(2.0 * np.arange(n) / max(n - 1, 1) - 1.0) if n > 1 else np.ones(n)
    return as_tensor(values, config.floatx())


def blackman(x: int) -> Tensor:
    """Blackman's window of length `x`: a sum of three cosines."""
    return _cosines(x, 0.42, -0.5, 0.08)


def hamming(x: int) -> Tensor:
    """Hamming's window of length `x`: a cosine on a step."""
    return _cosines(x, 0.54, -0.46)


def hanning(x: int) -> Tensor:
    """The Hann window of length `x`: a cosine, 0 at its ends."""
    return _cosines(x, 0.5, -0.5)


def kaiser(x: int, beta: float) -> Tensor:
    """Kaiser's window of length `x`; the larger `beta`, the narrower."""
    n = int(x)
    place = 2.0 * np.arange(n) / max(n - 1, 1) - 1.0 if n > 1 else np.zeros(n)
    top = i0(as_tensor(float(beta), "float64"))
    shape = i0(as_tensor(float(beta) * np.sqrt(np.maximum(1.0 - place * place, 0.0)), "float64"))
    return cast(shape / top, config.floatx())
