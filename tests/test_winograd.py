"""Convolutions of 3x3 by fewer multiplications against NumPy in float64."""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from test_contract import TARGETS, computed, convolved, normal, place

from kerasnb.compile.convolve import (
    convolution,
    convolution_input_grad,
    convolution_kernel_grad,
)
from kerasnb.compile.kernel import Place
from kerasnb.compile.winograd import suits_winograd, winograd
from kerasnb.compile.winograd_grad import suits_winograd_grad, winograd_grad
from kerasnb.op import OPS

ONES = {"strides": (1, 1), "dilation": (1, 1), "groups": 1}
NONE, SAME, UNEVEN, WIDE = ((0, 0),) * 2, ((1, 1),) * 2, ((2, 0), (0, 2)), ((2, 2),) * 2


def positions(spatial: tuple, padding: tuple) -> tuple:
    return tuple(n + sum(pair) - 2 for n, pair in zip(spatial, padding, strict=True))


def assert_near(found: np.ndarray, exact: np.ndarray) -> None:
    # 1e-5 of the largest result is what the engine allows; 256 channels have 2e-6
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-5 * np.abs(exact).max())


def all_three(count: int, spatial: tuple, c: int, f: int, padding: tuple, target=None) -> None:
    """The convolution and both gradients, whatever the rule says about such sizes."""
    x, w = normal((count, *spatial, c)), normal((3, 3, c, f), 1)
    g = normal((count, *positions(spatial, padding), f), 2)
    attrs = {**ONES, "padding": padding}
    low = [low for low, _ in padding]
    turned = {"low": [2 - n for n in low], "turned": True}
    for name, a, b, more, make in (
        ("convolution", x, w, {}, partial(winograd, "", low=low)),
        ("convolution_input_grad", g, w, {"shape": spatial}, partial(winograd, "", **turned)),
        ("convolution_kernel_grad", x, g, {"window": (3, 3)}, partial(winograd_grad, low=low)),
    ):
        exact = OPS[name].impl(np, a.astype(float), b.astype(float), **attrs, **more)
        made = make(place(a), place(b), Place.dense("float32", exact.shape), target=target)
        assert_near(computed(made, target, exact.shape, a, b), exact)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "case",
    [
        (1, (1, 1), 16, 16, SAME),
        (3, (7, 9), 17, 33, SAME),
        (2, (4, 33), 8, 7, NONE),
        (5, (3, 3), 1, 1, NONE),
        (2, (1, 17), 19, 130, UNEVEN),
        (7, (5, 2), 33, 16, WIDE),
    ],
    ids=str,
)
def test_sizes(case, target):
    all_three(*case, target)


def test_many_images_and_channels():
    all_three(33, (8, 8), 64, 48, SAME)
    all_three(9, (7, 7), 130, 130, UNEVEN)
    all_three(70, (17, 14), 16, 16, SAME)


def test_one_large_image():
    all_three(1, (90, 113), 16, 16, SAME)


def test_the_sum_of_many_channels_is_exact_enough():
    all_three(4, (8, 8), 512, 128, SAME)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_seen_and_stays_in_the_squares_that_see_it(value):
    x, w = normal((4, 12, 12, 16)), normal((3, 3, 16, 17), 1)
    x[1, 5, 5, 2] = value
    found, _ = convolved("convolution", x, w, {**ONES, "padding": SAME})
    bad = ~np.isfinite(found)
    assert np.all(bad[1, 4:7, 4:7])
    # 4..6 are in the squares 4..5 and 6..7
    bad[1, 4:8, 4:8] = False
    assert not np.any(bad)
    if np.isnan(value):
        assert np.all(np.isnan(found[1, 4:7, 4:7]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_with_its_channel_in_the_gradient(value):
    x, g = normal((4, 12, 12, 16)), normal((4, 12, 12, 17), 1)
    x[1, 5, 5, 2] = value
    found, _ = convolved(
        "convolution_kernel_grad", x, g, {**ONES, "padding": SAME, "window": (3, 3)}
    )
    bad = np.zeros(found.shape, bool)
    bad[:, :, 2] = True
    np.testing.assert_array_equal(np.isfinite(found), ~bad)


def suits(w: tuple, c: tuple, **attrs) -> bool:
    places = (Place.dense("float32", shape) for shape in (w, c))
    return suits_winograd(*places, **{**ONES, "padding": SAME, **attrs})


def test_where_it_is_used():
    w, c = (3, 3, 16, 16), (8, 32, 32, 16)
    assert suits(w, c)
    assert suits((3, 3, 8, 40), (2, 8, 8, 40), padding=WIDE)
    for attrs in (
        {"strides": (1, 2)}, {"dilation": (2, 1)}, {"groups": 2}, {"padding": ((3, 1), (1, 1))},
    ):  # fmt: skip
        assert not suits(w, c, **attrs)
    for window in ((3, 3, 3, 64), (3, 5, 16, 16), (3, 16, 16), (3, 3, 512, 512), (1, 1, 16, 16)):
        assert not suits(window, c)
    # few patches, patches that reach far beyond, lines that are too long, nothing
    for result in ((1, 8, 8, 16), (99, 3, 3, 16), (8, 9, 600, 16), (0, 32, 32, 16), (8, 0, 9, 16)):
        assert not suits(w, result)


def test_where_it_is_used_for_the_gradient():
    c = Place.dense("float32", (8, 32, 32, 16))
    attrs = {**ONES, "padding": SAME}
    assert suits_winograd_grad(Place.dense("float32", (3, 3, 16, 16)), c, **attrs)
    assert not suits_winograd_grad(Place.dense("float32", (3, 5, 16, 16)), c, **attrs)
    assert not suits_winograd_grad(
        Place.dense("float32", (3, 3, 16, 16)), c, **attrs | {"groups": 2}
    )
    assert not suits_winograd_grad(Place.dense("float32", (3, 3, 200, 200)), c, **attrs)


def test_operations_are_those_of_the_definition():
    shapes = (8, 10, 10, 16), (3, 3, 16, 24), (8, 10, 10, 24)
    x, w, y = (Place.dense("float32", shape) for shape in shapes)
    attrs = {"strides": (1, 1), "dilation": (1, 1), "padding": SAME}
    for made, name in (
        (convolution(x, w, y, **attrs), "convolution 8x10x10x16 3x3x16x24, Winograd"),
        (convolution_input_grad(y, w, x, **attrs), "input gradient 8x10x10x24 3x3x16x24, Winograd"),
    ):
        assert sum(kernel.flops for kernel, _ in made.kernels) == 2 * 9 * 16 * 24 * 800
        assert made.kernels[-1][0].name == name
    kernel, _ = convolution_kernel_grad(x, y, w, **attrs).kernels[0]
    assert kernel.flops == 2 * 9 * 16 * 24 * 800
    assert kernel.name == "kernel gradient 8x10x10x16 8x10x10x24, Winograd"
