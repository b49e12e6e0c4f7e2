"""Views: shape ops that move nothing, against NumPy's strides."""

import random

import numpy as np

from kerasnb import ops
from kerasnb.compile.views import Layout
from kerasnb.graph import Graph
from kerasnb.spec import TensorSpec
from kerasnb.tensor import placeholder


def seen(layout, tensor, arrays):
    """What the view of `tensor` shows, where the roots are `arrays`, by id."""
    view = layout[tensor]
    root = arrays[id(view.root)].reshape(-1)
    place = view.place
    steps = [s * root.itemsize for s in place.strides]
    if 0 in place.shape:
        return np.empty(place.shape, root.dtype)
    return np.lib.stride_tricks.as_strided(root[view.offset :], place.shape, steps)


def random_step(rng, x):
    """One shape op on `x`, drawn; on a tensor or an array alike."""
    kind = rng.choice(["reshape", "transpose", "broadcast", "slice", "reverse"])
    shape = tuple(x.shape)
    if kind == "reshape":
        left, new = int(np.prod(shape)), []
        while left > 1:
            new.append(rng.choice([k for k in range(1, left + 1) if left % k == 0]))
            left //= new[-1]
        new = tuple(new) or (1,)
        return lambda m, t: m.reshape(t, new)
    if kind == "transpose":
        axes = list(range(len(shape)))
        rng.shuffle(axes)
        return lambda m, t: m.transpose(t, axes)
    if kind == "broadcast":
        new = (rng.choice([1, 2]), *(3 if n == 1 else n for n in shape))
        return lambda m, t: m.broadcast_to(t, new)
    if kind == "reverse":
        axes = tuple(i for i in range(len(shape)) if rng.random() < 0.5)
        return lambda m, t: m.flip(t, axes)
    keys = tuple(slice(rng.randrange(n), n, rng.choice([1, 2])) for n in shape)
    return lambda m, t: t[keys]


def test_views_show_what_numpy_shows():
    rng, copies = random.Random(0), 0
    for _ in range(500):
        shape = tuple(rng.choice([1, 2, 3, 4]) for _ in range(rng.randint(1, 4)))
        x = np.arange(np.prod(shape), dtype="int32").reshape(shape)
        given = tensor = placeholder(TensorSpec(shape, "int32"), "x")
        array = x
        for _ in range(rng.randint(1, 4)):
            step = random_step(rng, array)
            tensor, array = step(ops, tensor), step(np, array)
            if array.size > 5000:
                break
        layout = Layout(Graph([given], [tensor]))
        arrays = {id(given): x}
        for node in layout.nodes:  # what could not be a view: copied in its own order
            arrays[id(node.outputs[0])] = np.ascontiguousarray(seen(layout, node.inputs[0], arrays))
            copies += 1
        np.testing.assert_array_equal(seen(layout, tensor, arrays), array)
    assert 0 < copies < 500


def test_an_empty_tensor_is_a_view():
    given = placeholder(TensorSpec((0, 4), "float32"), "x")
    layout = Layout(Graph([given], [ops.reshape(given, (2, 0, 2))]))
    assert layout.nodes == []
