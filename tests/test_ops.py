"""Every primitive op, by its own samples: specs, gradients, and eager against traced."""

import numpy as np
import pytest

import kerasnb.ops  # noqa: F401 - declares the ops
from kerasnb.autodiff import GradientTape, value_and_grad
from kerasnb.errors import ShapeError
from kerasnb.graph import Graph, inner_level
from kerasnb.interpret import function_of, source_of
from kerasnb.op import OPS
from kerasnb.ops.elementwise import cast, multiply
from kerasnb.ops.reduce import sum as op_sum
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor, apply, as_tensor, placeholder

CASES = [
    pytest.param(op, sample, id=f"{name}-{i}")
    for name, op in sorted(OPS.items())
    for i, sample in enumerate(op.samples)
]


def make_inputs(sample, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    return [_make_input(given, sample, rng, dtype) for given in sample.inputs]


def _make_input(given, sample, rng, dtype):
    if isinstance(given, (int, float)):
        return given
    if isinstance(given, tuple) and all(isinstance(d, int) for d in given):
        return np.asarray(rng.uniform(sample.low, sample.high, given), dtype)
    return np.asarray(given)


def outputs_of(op, inputs, attrs):
    result = apply(op, *inputs, **attrs)
    return list(result) if isinstance(result, tuple) else [result]


def traced(op, inputs, attrs):
    """The outputs through a graph, and the graph."""
    with inner_level():
        symbols = [
            x if isinstance(x, (int, float)) else placeholder(as_tensor(x).spec) for x in inputs
        ]
        outputs = outputs_of(op, symbols, attrs)
    graph = Graph([t for t in symbols if isinstance(t, Tensor)], outputs)
    graph.check()
    arrays = [x for x in inputs if not isinstance(x, (int, float))]
    return function_of(graph, np)(*arrays), graph


def projected(op, inputs, attrs, weights):
    """A scalar: the sum of all float outputs, each element times a fixed random weight."""
    total = as_tensor(0.0, "float64")
    for output, weight in zip(outputs_of(op, inputs, attrs), weights, strict=True):
        if is_float(output.dtype):
            total = total + op_sum(multiply(cast(output, "float64"), weight))
    return total


def random_weights(op, inputs, attrs, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=t.shape) for t in outputs_of(op, inputs, attrs)]


def differentiable(op, inputs):
    """The places of the float inputs that have a gradient."""
    rules = op.vjp if isinstance(op.vjp, tuple) else None
    return [
        i
        for i, x in enumerate(inputs)
        if isinstance(x, np.ndarray)
        and is_float(str(x.dtype))
        and op.vjp is not None
        and (rules is None or rules[i] is not None)
    ]


def central_difference(function, inputs, place, direction, step=1e-6):
    def at(sign):
        moved = list(inputs)
        moved[place] = np.asarray(inputs[place] + sign * step * direction)
        return float(function(moved))

    return (at(1) - at(-1)) / (2 * step)


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_inferred_specs_are_the_actual_ones(op, sample):
    for dtype in ("float32", "float64"):
        for output in outputs_of(op, make_inputs(sample, dtype=dtype), sample.attrs):
            assert isinstance(output.data, np.ndarray)
            assert output.data.shape == output.shape, "the shape rule and the result disagree"
            assert output.data.dtype.name == output.dtype, "the result has another dtype"


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_traced_equals_eager(op, sample):
    inputs = make_inputs(sample)
    results, graph = traced(op, inputs, sample.attrs)
    assert str(graph)
    assert source_of(graph)
    for eager, result in zip(outputs_of(op, inputs, sample.attrs), results, strict=True):
        np.testing.assert_array_equal(eager.numpy(), result)


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_non_contiguous_inputs(op, sample):
    inputs = make_inputs(sample)
    strided = [_strided(x) if isinstance(x, np.ndarray) else x for x in inputs]
    for plain, result in zip(
        outputs_of(op, inputs, sample.attrs), outputs_of(op, strided, sample.attrs), strict=True
    ):
        # sums may run in another order over another memory layout: a few units in the last place
        np.testing.assert_allclose(plain.numpy(), result.numpy(), rtol=1e-13, atol=1e-13)


def _strided(x):
    wide = np.empty(tuple(2 * d for d in x.shape), x.dtype)
    view = wide[(..., *(slice(None, None, 2) for _ in x.shape))]
    view[...] = x
    return np.asarray(view)


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_gradient_is_the_central_difference(op, sample):
    inputs = make_inputs(sample)
    weights = random_weights(op, inputs, sample.attrs)
    rng = np.random.default_rng(2)
    for place in differentiable(op, inputs):

        def function(moved):
            return projected(op, moved, sample.attrs, weights)

        _, gradient = value_and_grad(
            lambda x, place=place, f=function: f([*inputs[:place], x, *inputs[place + 1 :]])
        )(inputs[place])
        assert gradient.shape == inputs[place].shape
        direction = rng.normal(size=inputs[place].shape)
        expected = central_difference(function, inputs, place, direction)
        actual = float(np.sum(gradient.numpy() * direction))
        # central differences in float64 with step 1e-6 carry an error of about 1e-9 relative
        assert actual == pytest.approx(expected, rel=1e-6, abs=1e-7), f"input {place}"


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_second_derivative_is_the_central_difference(op, sample):
    inputs = make_inputs(sample)
    weights = random_weights(op, inputs, sample.attrs)
    places = differentiable(op, inputs)
    rng = np.random.default_rng(3)
    directions = [rng.normal(size=inputs[i].shape) for i in places]

    def slope(moved):
        """The derivative of the projection along all directions at once."""
        with GradientTape() as tape:
            tensors = [as_tensor(m) if isinstance(m, np.ndarray) else m for m in moved]
            value = projected(op, tensors, sample.attrs, weights)
        total = as_tensor(0.0, "float64")
        for g, d in zip(
            tape.gradient(value, [tensors[i] for i in places]), directions, strict=True
        ):
            total = total if g is None else total + op_sum(g * d)
        return total

    for place in places:
        _, gradient = value_and_grad(
            lambda x, place=place: slope([*inputs[:place], x, *inputs[place + 1 :]])
        )(as_tensor(inputs[place]))
        direction = rng.normal(size=inputs[place].shape)
        expected = central_difference(slope, inputs, place, direction)
        actual = float(np.sum(gradient.numpy() * direction))
        assert actual == pytest.approx(expected, rel=1e-5, abs=1e-6), f"input {place}"


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_traced_gradient_equals_the_eager_one(op, sample):
    inputs = make_inputs(sample)
    weights = random_weights(op, inputs, sample.attrs)
    for place in differentiable(op, inputs):

        def gradient(x, place=place):
            return value_and_grad(
                lambda x: projected(
                    op, [*inputs[:place], x, *inputs[place + 1 :]], sample.attrs, weights
                )
            )(x)[1]

        with inner_level():
            symbol = placeholder(as_tensor(inputs[place]).spec)
            graph = Graph([symbol], [gradient(symbol)])
        graph.check()
        result = function_of(graph, np)(inputs[place])[0]
        np.testing.assert_allclose(gradient(inputs[place]).numpy(), result, rtol=1e-12, atol=1e-12)


def test_every_primitive_has_a_sample():
    # these take graphs or functions, or a counter: they have tests of their own
    without = {name for name, op in OPS.items() if not op.samples}
    own = {"scan", "while", "custom_gradient", "random_bits"}
    assert without <= own, "give the op a Sample, so that it is tested"


def test_the_default_float_type_can_change_in_a_session():
    from kerasnb import config

    integers = as_tensor(np.array([1, 2], "int32"))
    assert apply(OPS["exponential"], integers).dtype == "float32"
    try:
        config.set_floatx("float64")
        assert apply(OPS["exponential"], integers).dtype == "float64"
    finally:
        config.set_floatx("float32")
    assert apply(OPS["exponential"], integers).dtype == "float32"


def reshaped(sample, change):
    """Inputs like the sample's with the shape of each random one changed."""
    return [
        np.full(change(i, given), sample.low + 0.7 * (sample.high - sample.low))
        if isinstance(given, tuple) and all(isinstance(d, int) for d in given)
        else (given if isinstance(given, (int, float)) else np.asarray(given))
        for i, given in enumerate(sample.inputs)
    ]


def check_specs_and_tracing(op, inputs, attrs):
    results, _ = traced(op, inputs, attrs)
    for eager, result in zip(outputs_of(op, inputs, attrs), results, strict=True):
        assert eager.data.shape == eager.shape
        assert eager.data.dtype.name == eager.dtype
        np.testing.assert_array_equal(eager.numpy(), result)


ELEMENTWISE = [case for case in CASES if case.values[0].kind == "elementwise"]
OTHERS = [case for case in CASES if case.values[0].kind not in ("elementwise", "index")]


@pytest.mark.parametrize(("op", "sample"), ELEMENTWISE)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_elementwise_ops_on_scalars_and_on_nothing(op, sample, shape):
    inputs = reshaped(sample, lambda i, given: shape)
    if all(getattr(x, "shape", ()) in ((), shape) for x in inputs):
        check_specs_and_tracing(op, inputs, sample.attrs)


@pytest.mark.parametrize(("op", "sample"), OTHERS)
def test_other_ops_on_an_empty_batch(op, sample):
    inputs = reshaped(sample, lambda i, given: (0, *given[1:]) if i == 0 and given else given)
    try:
        op.signature(tuple(as_tensor(x).spec for x in inputs), sample.attrs)
    except ShapeError:
        return  # refused by the shape rule, before any work
    check_specs_and_tracing(op, inputs, sample.attrs)
