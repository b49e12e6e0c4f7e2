"""Native copies and padding, and reversal, which moves nothing, against NumPy."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from native_calls import Memory, Native, call, check

from kerasnb import ops
from kerasnb.compile.ir import Declined
from kerasnb.compile.moving import copy_of, fill_of
from kerasnb.compile.views import Layout, dense
from kerasnb.graph import Graph
from kerasnb.op import OPS
from kerasnb.spec import TensorSpec
from kerasnb.tensor import apply, placeholder


def numbers(*shape, dtype="float32"):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("sample", OPS["pad"].samples, ids=str)
def test_samples_of_padding(sample):
    x = numbers(*sample.inputs[0])
    check(lambda x: apply(OPS["pad"], x, **sample.attrs), x)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
@pytest.mark.parametrize("size", [1, 7, 17, 33])
@pytest.mark.parametrize("pairs", [((3, 0), (0, 2)), ((0, 0), (5, 17)), ((1, 4), (1, 0))])
def test_padding(pairs, size, dtype):
    check(lambda x: ops.pad(x, pairs, constant_values=1), numbers(3, size, dtype=dtype))


def test_padding_of_images():
    native = check(lambda x: ops.pad(x, ((0, 0), (1, 2), (3, 1), (0, 0))), numbers(3, 7, 5, 17))
    assert len(native.calls) == 5  # the four edges, and the copy


def test_padding_of_views():
    check(lambda x: ops.pad(ops.transpose(x), ((1, 1), (2, 0))), numbers(33, 7))
    check(lambda x: ops.pad(x[:, ::2], ((1, 1), (2, 0))), numbers(7, 33))
    check(lambda x: ops.pad(ops.broadcast_to(x, (5, 17)), ((1, 1), (2, 0))), numbers(5, 1))


def test_the_gradient_of_a_slice():
    attrs = {"low": (0, 79, 0), "high": (0,) * 3, "interior": (0,) * 3, "value": 0.0}
    native = check(lambda x: apply(OPS["pad"], x, **attrs), numbers(32, 1, 128))
    assert native.calls[0].kernel.chunks > 1


def test_padding_that_cuts_is_declined():
    attrs = {"low": (-1,), "high": (2,), "interior": (0,), "value": 0.0}
    with pytest.raises(Declined, match="a padding that takes elements away"):
        Native(lambda x: apply(OPS["pad"], x, **attrs), numbers(4))


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (0, 1, 2), ()])
def test_reversal_moves_nothing(axes):
    x = numbers(5, 7, 17)
    reverse = {"axes": axes}
    assert Native(lambda x: apply(OPS["reverse"], x, **reverse), x).calls == []
    check(lambda x: apply(OPS["reverse"], x, **reverse), x)
    check(lambda x: ops.expand_dims(apply(OPS["reverse"], x[1:, ::2], **reverse), 1), x)
    check(lambda x: ops.pad(apply(OPS["reverse"], x, **reverse), ((1, 0),) * 3), x)


def test_nothing_reversed():
    check(lambda x: apply(OPS["reverse"], x, axes=(0, 1)), numbers(0, 3))


@pytest.mark.parametrize("shape", [(9, 7, 33), (20, 32, 50), (40, 100, 17)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_copies(shape, dtype):
    tensor, x = placeholder(TensorSpec(shape, dtype)), numbers(*shape, dtype=dtype)
    for change in (
        lambda t: t,
        lambda t: ops.transpose(t, (2, 0, 1)),
        lambda t: ops.transpose(t, (0, 2, 1)),
        lambda t: ops.transpose(t),
        lambda t: ops.flip(t[::2, 3:, ::3], 2),
        lambda t: ops.broadcast_to(t[:, :1, 5:6], (shape[0], 40, 2)),
        lambda t: t[3, 2, 1],
    ):
        changed = change(tensor)
        view = Layout(Graph([tensor], [changed]))[changed]
        to = dense(placeholder(TensorSpec(changed.shape, dtype)))
        for order in (iter, reversed):
            memory = {id(tensor): Memory(x.size, x.dtype, x)}
            call(copy_of(view, to), memory, order)
            copied = memory[id(to.root)].array.reshape(changed.shape)
            np.testing.assert_array_equal(copied, change(ops.array(x)).numpy())


def test_filling_a_part():
    whole = placeholder(TensorSpec((40, 20, 30), "int32"))
    part = whole[3:33, ::3, 2:23]
    memory = {}
    call(fill_of(Layout(Graph([whole], [part]))[part], 5), memory, reversed)
    expected = np.full((40, 20, 30), 7)
    expected[3:33, ::3, 2:23] = 5
    np.testing.assert_array_equal(memory[id(whole)].array.reshape(40, 20, 30), expected)


def test_convolutions_copy_what_lies_otherwise():
    x, w = numbers(3, 5, 9, 8), numbers(3, 3, 5, 7)  # channels first
    attrs = {"strides": (1, 1), "padding": ((1, 1),) * 2, "dilation": (1, 1), "groups": 1}
    last = (0, 2, 3, 1)

    def all_three(x, w, g):
        x, g = ops.transpose(x, last), ops.broadcast_to(g, (3, 9, 8, 7))
        return [
            apply(OPS["convolution"], x, w, **attrs),
            apply(OPS["convolution_input_grad"], g, w, shape=(9, 8), **attrs),
            apply(OPS["convolution_kernel_grad"], x, g, window=(3, 3), **attrs),
        ]

    native = Native(all_three, x, w, numbers(3, 1, 1, 1))
    assert sum(each.kernel.name.startswith("copy") for each in native.calls) == 4
    for result, value in zip(native(), native.exact(), strict=True):
        np.testing.assert_array_equal(result, value)  # whole numbers: nothing is rounded
