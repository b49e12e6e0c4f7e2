"""Gradients of functions, the tape, and the errors they give."""

import numpy as np
import pytest

from kerasnb import ops
from kerasnb.autodiff import GradientTape, grad, value_and_grad
from kerasnb.errors import ArgumentError, DTypeError, ShapeError
from kerasnb.variable import Variable


def test_grad_differentiates_again():
    third = grad(grad(grad(lambda x: x**4)))
    assert float(third(2.0)) == pytest.approx(48.0)


def test_value_and_grad_of_several_arguments():
    value, (gx, gy) = value_and_grad(lambda x, y: x * y, argnums=(0, 1))(3.0, 5.0)
    assert (float(value), float(gx), float(gy)) == (15.0, 5.0, 3.0)


def test_nested_arguments_give_nested_gradients():
    parameters = {"w": np.ones((2, 3)), "b": [np.zeros(3)]}
    gradient = grad(lambda p: ops.sum(ops.ones((4, 2)) @ p["w"] + p["b"][0]))(parameters)
    np.testing.assert_array_equal(gradient["w"], np.full((2, 3), 4.0))
    np.testing.assert_array_equal(gradient["b"][0], np.full(3, 4.0))


def test_aux_is_handed_through():
    (value, aux), gradient = value_and_grad(lambda x: (x * x, "seen"), has_aux=True)(3.0)
    assert (float(value), aux, float(gradient)) == (9.0, "seen", 6.0)


def test_variables_as_sources_and_zero_where_unused():
    used, unused = Variable(2.0), Variable(np.ones(3, "float32"))
    value, (g, zero) = value_and_grad(lambda: used * used, variables=[used, unused])()
    assert (float(value), float(g)) == (4.0, 4.0)
    np.testing.assert_array_equal(zero, np.zeros(3))


def test_tape_gives_none_for_what_the_target_does_not_depend_on():
    x, y = Variable(1.0), Variable(1.0)
    with GradientTape() as tape:
        z = x * 3.0
    assert tape.gradient(z, y) is None


def test_source_used_twice_adds_up():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x + x
    assert float(tape.gradient(y, x)) == 7.0


def test_tapes_nest():
    x = Variable(2.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = x**3
        first = inner.gradient(y, x)
    assert float(outer.gradient(first, x)) == 12.0


def test_stop_gradient():
    assert float(grad(lambda x: x * ops.stop_gradient(x))(3.0)) == 3.0


def test_no_gradient_through_integers():
    x = Variable(2.5)
    with GradientTape() as tape:
        y = ops.cast(ops.cast(x, "int32"), "float32") * 2.0
    assert tape.gradient(y, x) is None


def test_vector_valued_function_is_refused():
    with pytest.raises(ShapeError) as caught:
        grad(lambda x: x * 2.0)(np.ones(3, "float32"))
    assert str(caught.value) == (
        "Expected a scalar to differentiate, got f32[3]. Reduce it with kerasnb.ops.sum or "
        "kerasnb.ops.mean."
    )


def test_integer_argument_is_refused():
    with pytest.raises(DTypeError) as caught:
        grad(lambda x: x * 2.0)(3)
    assert str(caught.value) == "Only float arguments have gradients, got i32[]."


def test_source_that_is_no_tensor_is_refused():
    with GradientTape() as tape:
        y = ops.square(Variable(1.0))
    with pytest.raises(ArgumentError) as caught:
        tape.gradient(y, "x")
    assert str(caught.value) == (
        "Gradients are taken with respect to tensors and variables, got str. Make it a tensor with "
        "kerasnb.ops.convert_to_tensor before the tape starts."
    )


def test_scan_without_a_carry():
    from kerasnb.compile.step import Step

    def squares(xs):
        def total(xs):
            return ops.sum(ops.scan(lambda carry, x: (carry, x * x), [], xs)[1])

        return total(xs), grad(total)(xs)

    total, slope = Step(squares)(np.array([1.0, 2.0, 3.0]))
    assert float(total) == 14.0
    np.testing.assert_array_equal(slope, [2.0, 4.0, 6.0])


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_gradient_eager_traced_and_numeric(reverse):
    from kerasnb.graph import Graph, inner_level
    from kerasnb.interpret import function_of
    from kerasnb.tensor import as_tensor, placeholder

    rng = np.random.default_rng(0)
    w, xs, h0 = rng.normal(size=(3, 3)), rng.normal(size=(5, 2, 3)), rng.normal(size=(2, 3))

    def loss(w, xs, h0):
        def body(carry, x):
            h, count = carry
            h = ops.tanh(h @ w + x)
            return (h, count + 1.0), h * count

        (h, _), ys = ops.scan(
            body, (as_tensor(h0), as_tensor(np.array(1.0))), as_tensor(xs), reverse=reverse
        )
        return ops.sum(h * h) + ops.sum(ops.sin(ys))

    def second(w, xs, h0):
        return ops.sum(ops.cos(grad(loss, 0)(w, xs, h0)) * 2.0)

    for function in (loss, second):
        eager = grad(function, (0, 1, 2))(w, xs, h0)
        with inner_level():
            symbols = [placeholder(as_tensor(a).spec) for a in (w, xs, h0)]
            outputs = grad(function, (0, 1, 2))(*symbols)
        graph = Graph(symbols, outputs)
        graph.check()
        for a, b in zip(eager, function_of(graph, np)(w, xs, h0), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        direction, step = rng.normal(size=w.shape), 1e-6
        up = float(function(w + step * direction, xs, h0))
        down = float(function(w - step * direction, xs, h0))
        assert float(ops.sum(eager[0] * direction)) == pytest.approx(
            (up - down) / (2 * step), rel=1e-6
        )


def test_gradients_at_zero():
    np.testing.assert_array_equal(grad(ops.prod)(np.array([0.0, 2.0, 3.0])), [6.0, 0.0, 0.0])
    np.testing.assert_array_equal(grad(ops.prod)(np.array([0.0, 0.0, 3.0])), [0.0, 0.0, 0.0])
    assert float(grad(lambda x: x**0)(0.0)) == 0.0
    assert float(grad(grad(lambda x: x**1))(0.0)) == 0.0


def test_sigmoid_keeps_its_tail():
    x = np.array([-30.0, -15.0, 0.0, 15.0], "float32")
    expected = 1 / (1 + np.exp(-x.astype("float64")))
    np.testing.assert_allclose(ops.sigmoid(x), expected, rtol=3e-7)


def test_small_integers_and_halves_do_not_overflow():
    assert int(ops.sum(np.full(10, 200, "uint8"))) == 2000
    np.testing.assert_array_equal(ops.cumsum(np.array([True, True])), [1, 2])
    assert float(ops.mean(np.ones(100_000, "float16"))) == 1.0


def test_not_a_number_can_be_traced():
    from kerasnb.compile.step import Step

    step = Step(lambda x: ops.where(x > 2, x, float("nan")))
    np.testing.assert_array_equal(step(np.array([1.0, 3.0], "f4")), [np.nan, 3.0])


def test_negative_zero_is_not_zero():
    from kerasnb.compile.step import Step

    step = Step(lambda x: (ops.arctan2(x * 0.0, -1.0), ops.arctan2(x * -0.0, -1.0)))
    up, down = step(np.array(1.0, "f4"))
    assert float(up) == pytest.approx(np.pi)
    assert float(down) == pytest.approx(-np.pi)


def test_what_a_variable_gives_and_takes_is_a_copy():
    mine = np.ones(2, "float32")
    variable = Variable(ops.convert_to_tensor(mine))
    mine[:] = 7.0
    variable.numpy()[:] = 9.0
    np.testing.assert_array_equal(variable.numpy(), [1.0, 1.0])


def test_gradients_flow_through_lists_of_tensors():
    x = Variable(np.array([2.0, 3.0], "float32"))
    with GradientTape() as tape:
        y = ops.sum([x[0] * x[0], x[1]])
    np.testing.assert_array_equal(tape.gradient(y, x), [4.0, 1.0])


def test_a_loop_may_draw_and_assign():
    from kerasnb.compile.step import Step
    from kerasnb.random import SeedGenerator, uniform

    def run(step_of):
        seed, count = SeedGenerator(3), Variable(0.0)

        def function(xs):
            def body(carry, x):
                count.assign_add(x)
                return carry + count, uniform((2,), seed=seed)

            return ops.scan(body, ops.convert_to_tensor(0.0), ops.convert_to_tensor(xs))

        total, rows = step_of(function)(np.array([1.0, 2.0, 3.0], "float32"))
        return float(total), rows.numpy(), float(count), seed.state.numpy()

    eager, traced = run(lambda f: f), run(Step)
    assert eager[0] == traced[0] == 1.0 + 3.0 + 6.0
    assert eager[2] == traced[2] == 6.0
    np.testing.assert_array_equal(eager[1], traced[1])
    np.testing.assert_array_equal(eager[3], traced[3])
    assert len(np.unique(traced[1])) == 6
