"""Random bits as native kernels: the words that NumPy gives, whatever they are fused with."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from native_calls import function_in
from test_fusion import check
from test_mathematics import runs
from test_random import plain_philox

from kerasnb import ops, random
from kerasnb.compile import llvm, philox
from kerasnb.compile.kernel import Function
from kerasnb.compile.step import Step
from kerasnb.variable import Variable

STATES = ((0, 0), (7, 3), (2**32 - 1, 2**32 - 1))


def state(seed=7, call=3):
    return np.array([seed, call], "uint32")


@pytest.mark.parametrize("pair", STATES)
@pytest.mark.parametrize(
    "shape",
    [(), (1,), (7,), (17,), (64,), (1000,), (3, 5), (33, 17), (5, 1, 3), (2, 3, 4), (70001,)],
)
def test_words_are_those_of_numpy(shape, pair):
    check(lambda s: ops.random_bits(s, shape), state(*pair), groups=1, tolerance=0)


@pytest.mark.parametrize("size", [1, 7, 17, 32, 33])
def test_rows_may_begin_within_a_block(size):
    def build(s):
        bits = ops.random_bits(s, (19, size))
        return [ops.sum(ops.cast(bits > 2**31, "float32"), 1), bits]

    check(build, state(), groups=1)


@pytest.mark.parametrize("name", [*llvm.TARGETS, "host"])
@pytest.mark.parametrize("first", [0, 1, 2, 3, 2**34 - 8])
def test_words_are_the_same_on_every_processor(first, name):
    """The numbers of the last blocks do not fit in one word."""
    target = llvm.TARGETS.get(name)
    if target is not None and not runs(target):
        pytest.skip(f"this processor has no {name}")
    seed, result = state(), np.empty(16, "uint32")
    f = Function()
    key = philox.keys(f, f.operand(0), 1)
    f.store(f.operand(1), philox.words(f, key, first, 16, aligned=first % 4 == 0))
    operands = np.array([seed.ctypes.data, result.ctypes.data], np.uintp)
    function_in(f.text(), target)(operands.ctypes.data, 0, None)
    blocks = range(first // 4, first // 4 + 5)
    expected = np.ravel([plain_philox([b % 2**32, b >> 32, 3, 0], [7, 0]) for b in blocks])
    np.testing.assert_array_equal(result, expected[first % 4 :][:16])


def test_words_multiply_halves_on_arm():
    """The code that this test has no processor for takes one instruction for two products."""
    binding = llvm._binding()
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    machine = binding.Target.from_triple(triple).create_target_machine(features="+neon", opt=3)
    f = Function()
    key = philox.keys(f, f.operand(0), 1)
    f.store(f.operand(1), philox.words(f, key, 0, 16, aligned=True))
    module = binding.parse_assembly(f.text())
    module.triple = triple
    assert machine.emit_assembly(module).count("umull") >= 4 * 10  # 8 products in each of 10 rounds


def test_dropout_is_one_kernel():
    x = np.random.default_rng(0).normal(size=(33, 17)).astype("float32")
    runner = check(lambda x: ops.relu(random.dropout(x * 2.0, 0.4, seed=5)), x, groups=1)
    assert len(runner.units) == 1


@pytest.mark.parametrize("noise_shape", [(9, 1, 7), (9, 5, 1), (1, 5, 7), (1, 1, 1)])
def test_noise_that_is_the_same_along_an_axis(noise_shape):
    x = np.random.default_rng(1).normal(size=(9, 5, 7)).astype("float32")
    check(lambda x: random.dropout(x, 0.3, noise_shape, seed=2) + x, x)


def test_bits_are_used_in_several_places_and_in_another_order():
    def build(s, x):
        bits = ops.random_bits(s, (33, 17))
        mask = ops.cast(bits > 2**30, "float32")
        return [bits, x * mask, ops.transpose(mask) * 2.0, mask / ops.sum(mask, 1, keepdims=True)]

    check(build, state(), np.ones((33, 17), "float32"))


def test_a_state_is_in_memory_before_the_bits_of_it():
    """Bits, their own state and another one, all of one shape: they cannot be one kernel."""

    def build(s):
        bits = ops.random_bits(s, (2,))
        following = s + np.array([0, 1], "uint32")
        more = ops.random_bits(following, (2,))
        return [bits + following, more + following, ops.random_bits(more + bits, (2,)) + more]

    check(build, state(), tolerance=0)


def test_two_choices_in_one_kernel():
    def build(s, t, x):
        one, two = (ops.cast(ops.random_bits(k, (50, 40)) > 2**31, "float32") for k in (s, t))
        return x * one * two

    x = np.random.default_rng(3).normal(size=(50, 40)).astype("float32")
    check(build, state(), state(8), x, groups=1)


def test_a_state_may_lie_in_another_array():
    states = np.arange(12, dtype="uint32").reshape(2, 6)
    check(lambda s: ops.random_bits(ops.transpose(s)[1], (9, 5)), states, groups=1, tolerance=0)


def test_a_step_goes_on_with_the_sequence():
    generators = [random.SeedGenerator(11), random.SeedGenerator(11)]
    steps = [
        Step(lambda g=g: (random.uniform((5, 7), seed=g), random.normal((5,), seed=g)), native=n)
        for g, n in zip(generators, (True, False), strict=True)
    ]
    for _ in range(3):
        for a, b in zip(*(step() for step in steps), strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5)
    np.testing.assert_array_equal(*(g.state.numpy() for g in generators))
    assert isinstance(generators[0].state, Variable)
    assert "random_bits" in steps[0].program().plan.explain()
