"""Whole training steps as native kernels, against the reference plan."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

import kerasnb
from kerasnb import layers, ops, optimizers
from kerasnb.compile import library, llvm
from kerasnb.compile.arena import Lifetime, arrange
from kerasnb.compile.native import NativePlan
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError, GraphError
from kerasnb.graph import Graph
from kerasnb.spec import TensorSpec
from kerasnb.tensor import placeholder
from kerasnb.variable import Variable

RNG = np.random.default_rng(4)


def images(rows, seed=4):
    return np.random.default_rng(seed).normal(size=(rows, 9, 9, 2)).astype("float32")


def words(rows, seed=4):
    return np.random.default_rng(seed).integers(0, 20, (rows, 6)).astype("int32")


def features(rows, seed=4):
    return np.random.default_rng(seed).normal(size=(rows, 7)).astype("float32")


# name: input shape, maker of inputs, layers before the three classes, optimizer
MODELS = {
    "dense": (
        (7,), features, lambda: [layers.Dense(17, "relu"), layers.Dropout(0.3)], optimizers.Adam,
    ),
    "convolution": (
        (9, 9, 2), images,
        lambda: [
            layers.Conv2D(5, 3, padding="same"), layers.BatchNormalization(), layers.ReLU(),
            layers.MaxPooling2D(2), layers.Conv2D(4, 2, activation="tanh"), layers.Flatten(),
        ],
        lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    ),
    "recurrent": (
        (6,), words, lambda: [layers.Embedding(20, 5), layers.LSTM(9)], optimizers.RMSprop,
    ),
    "normalized": (
        (7,), features,
        lambda: [layers.Dense(33, "gelu"), layers.LayerNormalization(), layers.Dense(8, "selu")],
        lambda: optimizers.AdamW(0.01, weight_decay=0.02, clipnorm=1.0),
    ),
    "average": (
        (9, 9, 2), images,
        lambda: [layers.DepthwiseConv2D(3), layers.AveragePooling2D(2),
                 layers.GlobalAveragePooling2D()],
        optimizers.Nadam,
    ),
}  # fmt: skip


def trained(name, jit_compile, rows=33, epochs=3):
    """A model after some epochs, its history, predictions and scores."""
    shape, make, hidden, optimizer = MODELS[name]
    kerasnb.utils.set_random_seed(3)
    model = kerasnb.Sequential(
        [kerasnb.Input(shape), *hidden(), layers.Dense(3, activation="softmax")]
    )
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer(), loss, metrics=["accuracy"], jit_compile=jit_compile)
    x, y = make(rows), np.random.default_rng(5).integers(0, 3, rows)
    history = model.fit(x, y, batch_size=10, epochs=epochs, verbose=0).history
    return model, history, model.predict(x, verbose=0), model.evaluate(x, y, verbose=0)


@pytest.mark.parametrize("name", MODELS)
def test_training_is_that_of_the_reference(name):
    native, reference = trained(name, True), trained(name, False)
    assert "native" in native[0].explain()
    assert "native" not in reference[0].explain()
    # 12 steps, each a little off in the last place of float32
    for key, values in reference[1].items():
        np.testing.assert_allclose(native[1][key], values, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(native[2], reference[2], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(native[3], reference[3], rtol=1e-3, atol=1e-5)
    for a, b in zip(native[0].weights, reference[0].weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=1e-4)


def test_one_seed_gives_the_same_bits():
    first, second = trained("dense", True), trained("dense", True)
    assert first[1] == second[1]
    np.testing.assert_array_equal(first[2], second[2])


def test_results_are_the_callers_own():
    step = Step(lambda x: (x, ops.transpose(x), x + 1.0, ops.reshape(x * 2.0, (-1,))), native=True)
    x = np.arange(6, dtype="float32").reshape(2, 3)
    first = [t.numpy() for t in step(x)]
    kept = [a.copy() for a in first]
    step(x + 10)
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.shares_memory(a, x)


def test_inputs_may_lie_in_any_order():
    step = Step(lambda x: ops.tanh(x) + ops.sum(x, 0), native=True)
    x = RNG.normal(size=(17, 7)).astype("float32").T
    expected = np.tanh(x) + x.sum(0)
    np.testing.assert_allclose(step(x).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_an_error_in_between_leaves_what_was():
    total = Variable(1.0)

    def take(x, i):
        total.assign_add(ops.sum(x))
        return ops.take(x * 2.0, i, axis=0) + 1.0

    step = Step(take, native=True)
    x = np.ones((4, 3), "float32")
    assert step(x, np.array([0, 3])).shape == (2, 3)
    with pytest.raises(IndexError):
        step(x, np.array([0, 4]))
    assert total.item() == 13.0
    step(x, np.array([1, 2]))
    assert total.item() == 25.0


def test_large_results_go_past_the_caches():
    def function(x):
        y = ops.exp(x)
        return x * 2.0 + 1.0, y, y[0] * 3.0, y + x[:, :1]

    for columns in (1024, 1031):  # rows that begin at lines of the cache, and others
        step = Step(function, native=True)
        x = RNG.normal(size=(1031, columns)).astype("float32")
        expected = [x * np.float32(2) + np.float32(1), np.exp(x)]
        expected += [expected[1][0] * np.float32(3), expected[1] + x[:, :1]]
        for result, value in zip(step(x), expected, strict=True):
            np.testing.assert_allclose(result.numpy(), value, rtol=1e-6, atol=2e-6)
        plan = step.program().plan
        code = "".join(library.text(call.kernel) for call in plan.steps)
        assert code.count("!nontemporal") == (2 if columns % 16 == 0 else 1)
        assert NativePlan(plan.graph)([x])[0].ctypes.data % 64 == 0
    small = Step(function, native=True)
    small(x[:100])
    assert all("!nontemporal" not in library.text(c.kernel) for c in small.program().plan.steps)


def test_empty_and_scalar_tensors():
    step = Step(lambda x, y: (ops.exp(x), ops.sum(x, 0), y * 2.0), native=True)
    empty, total, scalar = step(np.ones((0, 3), "float32"), np.float32(4))
    assert empty.shape == (0, 3)
    assert total.numpy().tolist() == [0, 0, 0]
    assert scalar.item() == 8.0


@pytest.mark.parametrize(("given", "wanted"), [("float32", "float16"), ("float16", "float32")])
def test_what_has_no_native_type_goes_through_numpy(given, wanted):
    step = Step(lambda x: ops.cast(ops.cast(x, wanted) + 1.0, "float32") * 2.0, native=True)
    x = np.arange(4, dtype=given)
    np.testing.assert_array_equal(step(x).numpy(), (x + 1) * 2)


def test_numbers_of_numpy_have_no_memory_of_their_own():
    given = [placeholder(TensorSpec((), "int64"), f"x{i}") for i in range(5)]
    plan = NativePlan(Graph(given, [abs(x) for x in given]))
    for n in (3, 10, 77):
        assert [a.item() for a in plan([np.int64(n + i) for i in range(5)])] == [*range(n, n + 5)]


def test_threads_take_turns():
    step = Step(lambda x: ops.sum(ops.tanh(x), 1), native=True)
    inputs = [RNG.normal(size=(100, 50)).astype("float32") for _ in range(8)]
    expected = [step(x).numpy() for x in inputs]
    results = [None] * 8

    def work(i):
        for _ in range(50):
            results[i] = step(inputs[i]).numpy()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_explain_before_any_step():
    model = kerasnb.Sequential([kerasnb.Input((2,)), layers.Dense(1)], name="fresh")
    model.compile("sgd", "mse")
    with pytest.raises(GraphError) as error:
        model.explain()
    assert str(error.value) == "Model 'fresh' has not run a compiled step yet: fit it first."


def test_explain_says_why():
    step = Step(lambda x: ops.argsort(x) * 2, native=True)
    step(np.ones(3, "float32"))
    lines = step.program().plan.explain().splitlines()
    assert lines == ["NumPy   argsort: there is no native argsort", "native  multiply"]


def test_contractions_are_native_however_their_operands_lie():
    def function(x, w, images, kernel):
        maps = ops.conv(images, kernel, strides=2, padding="same")
        return x @ w, ops.matmul(x, ops.transpose(w)), x[0] @ w, ops.swapaxes(maps, 1, 2) @ w

    step = Step(function, native=True)
    x, w = features(5)[:, :9], RNG.normal(size=(7, 7)).astype("float32")
    kernel = RNG.normal(size=(3, 3, 2, 7)).astype("float32")
    maps = ops.conv(images(2), kernel, strides=2, padding="same").numpy()
    expected = x @ w, x @ w.T, x[0] @ w, maps.swapaxes(1, 2) @ w
    for result, value in zip(step(x, w, images(2), kernel), expected, strict=True):
        np.testing.assert_allclose(result.numpy(), value, rtol=1e-5, atol=1e-5)
    assert "NumPy" not in step.program().plan.explain()


def test_a_kernel_can_be_read():
    model = trained("dense", True, rows=35)[0]
    name = "matmul 3x7x17"  # of the last batch that was evaluated
    assert f"native  {name}" in model.explain().splitlines()
    code = model.explain(kernel=name)
    assert "define void @kernel(" in code
    assert "@llvm.fm" in code  # fma, or fmuladd where a processor has none
    with pytest.raises(ArgumentError) as error:
        model.explain(kernel="matmul 3x7x71")
    assert str(error.value) == (
        "Unknown kernel 'matmul 3x7x71'. Did you mean 'matmul 3x7x17' or 'matmul 3x17x3'?"
    )
    reference = trained("dense", False, epochs=1)[0]
    with pytest.raises(ArgumentError) as error:
        reference.explain(kernel=name)
    assert str(error.value) == (
        "explain: there is no kernel 'matmul 3x7x17': each operation runs through NumPy."
    )


def test_a_profile_says_what_each_kernel_takes():
    model = trained("convolution", True, epochs=1)[0]
    before = [w.numpy() for w in model.weights]
    x, y = images(10), np.arange(10) % 3
    start = time.perf_counter()
    profile = model.profile(x, y)
    assert profile.seconds * 5 < time.perf_counter() - start  # it runs five times and more
    for a, b in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
    assert sum(r.count for r in profile.rows) > 30
    assert profile.seconds == sum(r.seconds for r in profile.rows) > 0
    assert [r.seconds for r in profile.rows] == sorted(r.seconds for r in profile.rows)[::-1]
    (row,) = [r for r in profile.rows if r.name == "convolution 10x9x9x2 3x3x2x5"]
    assert row.flops == 2 * 10 * 81 * 18 * 5
    assert row.moved == 4 * (10 * 81 * 2 + 90 + 10 * 81 * 5)
    assert 0 < profile.share(row) < 2
    text = str(profile)
    assert text.startswith(f"train step of {model.name}, batch of 10: ")
    assert "convolution 10x9x9x2 3x3x2x5" in text
    assert str(model.profile(x)).startswith(f"predict step of {model.name}, batch of 10: ")
    model.fit(x, y, batch_size=7, verbose=0)
    assert str(model.profile()).startswith(f"train step of {model.name}, batch of 10: ")


def test_a_profile_needs_native_steps():
    model = trained("dense", False, epochs=1)[0]
    with pytest.raises(GraphError) as error:
        model.profile(features(4), np.array([0, 1, 2, 0]))
    assert str(error.value) == (
        f"profile: the steps of model {model.name!r} are not native. That needs llvmlite, "
        "the NumPy backend, and compile without run_eagerly or jit_compile=False."
    )


def test_without_llvmlite_it_warns_and_works(monkeypatch):
    monkeypatch.setattr(llvm, "available", lambda: False)
    model = kerasnb.Sequential([kerasnb.Input((2,)), layers.Dense(1)])
    with pytest.warns(UserWarning, match="jit_compile=True needs llvmlite"):
        model.compile("sgd", "mse", jit_compile=True)
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    assert model.explain().endswith("operations, each through NumPy")


def test_buffers_that_live_together_do_not_overlap():
    rng = np.random.default_rng(6)
    buffers = []
    for _ in range(200):
        first = int(rng.integers(0, 50))
        buffers.append(Lifetime(int(rng.integers(1, 5000)), first, first + int(rng.integers(0, 9))))
    offsets, total = arrange(buffers)
    for i, a in enumerate(buffers):
        assert offsets[i] % 64 == 0
        assert offsets[i] + a.size <= total
        for j, b in enumerate(buffers[:i]):
            apart = a.last < b.first or b.last < a.first
            below = offsets[i] + a.size <= offsets[j] or offsets[j] + b.size <= offsets[i]
            assert apart or below
    alive = max(sum(b.size for b in buffers if b.first <= t <= b.last) for t in range(60))
    assert total < 1.2 * alive
