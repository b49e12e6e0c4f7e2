"""Sums by index in one kernel with what reads them, against NumPy, to the last bit."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

import kerasnb
from kerasnb import layers, ops
from kerasnb.compile.step import Step
from kerasnb.op import OPS
from kerasnb.tensor import apply

FUSED = "scatter_add+multiply+subtract"


def moved(table, slices, indices):
    """A step of gradient descent for a table."""
    length = table.shape[0]
    return table - apply(OPS["scatter_add"], slices, indices, axis=0, length=length) * 0.5


def expected(table, slices, indices):
    sums = np.zeros_like(table)
    np.add.at(sums, indices, slices)
    return table - sums * table.dtype.type(0.5)


def data(shape, count, dtype="float32", seed=2):
    """A table, slices and their indices, many of them equal, some counted from the end."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=shape).astype(dtype)
    slices = rng.normal(size=(*count, *shape[1:])).astype(dtype)
    slices.reshape(-1)[:3] = np.nan, np.inf, -np.inf
    indices = rng.integers(-shape[0], shape[0], count)
    indices[..., 1::3] = indices[..., :1]
    return table, slices, indices


def names(step):
    return [call.kernel.name for call in step.program().plan.steps]


@pytest.mark.parametrize(
    ("shape", "count", "dtype"),
    [
        ((4099, 64), (7, 33), "float32"),  # the last chunk has fewer rows
        ((20000, 128), (33,), "float32"),  # chunks could be larger than they need to be
        ((70001, 33), (33,), "float32"),
        ((2741, 97), (33,), "float32"),  # vectors go across rows
        ((300001,), (65,), "float32"),
        ((1031, 7, 37), (3, 5), "float32"),
        ((2053, 65), (129,), "float64"),
    ],
)
def test_values_are_those_of_numpy(monkeypatch, shape, count, dtype):
    arrays = data(shape, count, dtype)
    for threads in (1, 3):
        monkeypatch.setenv("KERASNB_NUM_THREADS", str(threads))
        step = Step(moved, native=True)
        for _ in range(2):  # scratch memory is not clean any more
            np.testing.assert_array_equal(step(*arrays).numpy(), expected(*arrays))
        assert names(step) == [FUSED]


def test_an_index_out_of_bounds_raises():
    step = Step(moved, native=True)
    table, slices, indices = data((4099, 64), (33,))
    for bad in (4099, -4100):
        wrong = indices.copy()
        wrong[17] = bad
        step(table, slices, indices)
        with pytest.raises(IndexError) as error:
            step(table, slices, wrong)
        assert str(error.value) == f"index {bad} is out of bounds for axis 0 with size 4099"
    np.testing.assert_array_equal(
        step(table, slices, indices).numpy(), expected(table, slices, indices)
    )


def sums(table, slices, indices):
    return apply(OPS["scatter_add"], slices, indices, axis=0, length=table.shape[0])


def with_the_sums(*arrays):
    return moved(*arrays), sums(*arrays)


def with_their_norm(table, slices, indices):
    made = sums(table, slices, indices)
    return table - made * 0.5 / ops.sum(made * made)


def from_behind(table, slices, indices):
    return table - ops.flip(sums(table, slices, indices), 0) * 0.5


@pytest.mark.parametrize(
    ("function", "shape", "count"),
    [
        (with_the_sums, (4099, 64), 33),
        (with_their_norm, (4099, 64), 33),
        (from_behind, (4099, 64), 33),
        (moved, (1031, 17), 33),  # small
        (moved, (17000, 17), 120_001),  # so many indices that each chunk should not see all
    ],
)
def test_others_have_a_kernel_of_their_own(function, shape, count):
    table, slices, indices = data(shape, (count,))
    slices = np.ones_like(slices)  # sums are exact
    step, eager = Step(function, native=True), function(*map(ops.array, (table, slices, indices)))
    results = step(table, slices, indices)
    eager = eager if isinstance(eager, tuple) else (eager,)
    results = results if isinstance(results, tuple) else (results,)
    for result, value in zip(results, eager, strict=True):
        np.testing.assert_allclose(result.numpy(), value.numpy(), rtol=1e-6, atol=1e-6)
    assert "scatter_add" in names(step)


def test_a_model_with_a_table_trains_as_by_the_reference():
    def trained(jit_compile):
        kerasnb.utils.set_random_seed(3)
        model = kerasnb.Sequential(
            [
                kerasnb.Input((7,), dtype="int32"), layers.Embedding(4099, 65),
                layers.GlobalAveragePooling1D(), layers.Dense(1),
            ]
        )  # fmt: skip
        model.compile("adam", "mse", jit_compile=jit_compile)
        rng = np.random.default_rng(1)
        x, y = rng.integers(0, 4099, (33, 7)), rng.normal(size=(33, 1)).astype("float32")
        model.fit(x, y, batch_size=11, epochs=2, verbose=0)
        return model, [w.numpy() for w in model.weights]

    native, weights = trained(True)
    assert "native  scatter_add+" in native.explain()
    for a, b in zip(weights, trained(False)[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_slices_are_not_written_over():
    rng = np.random.default_rng(6)
    slices = rng.normal(size=(4099, 64)).astype("float32")
    indices = rng.integers(0, 4099, 4099)  # as many slices as rows

    def build(slices, indices):
        made = ops.cumsum(slices * 0.1, 1)  # in memory that is free afterwards
        table = apply(OPS["scatter_add"], made, indices, axis=0, length=4099)
        return ops.cumsum(table * 0.5 + 1.0, 1)

    step = Step(build, native=True)
    result = step(slices, indices).numpy()
    assert any(name.startswith("scatter_add+") for name in names(step))
    sums = np.zeros(slices.shape)
    np.add.at(sums, indices, np.cumsum(slices.astype(float) * 0.1, 1))
    # sums of 64 numbers around 1 and smaller
    np.testing.assert_allclose(result, np.cumsum(sums * 0.5 + 1.0, 1), rtol=1e-4, atol=1e-4)
