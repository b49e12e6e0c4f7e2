"""Rules that hold for every shape, axis and dtype, tried on many of them: hypothesis draws them.

What a spec infers is what comes out, and that is NumPy's; a graph gives what eager execution gives.
"""

import math

import numpy as np
import pytest

hypothesis = pytest.importorskip("hypothesis", reason="needs hypothesis: pip install hypothesis")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as hnp  # noqa: E402

from kerasnb import ops  # noqa: E402
from kerasnb.errors import ShapeError  # noqa: E402
from kerasnb.graph import Graph, inner_level  # noqa: E402
from kerasnb.interpret import function_of  # noqa: E402
from kerasnb.spec import DTYPES, TensorSpec, broadcast_shapes, is_float, promote  # noqa: E402
from kerasnb.tensor import as_tensor, placeholder  # noqa: E402

# one sequence of examples, whoever runs it; no time limit for one, which a busy machine may break
seeded = settings(derandomize=True, deadline=None, max_examples=40, database=None)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
FULL = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5)
NUMBERS = ("int8", "uint8", "int32", "int64", "float32", "float64")


def numbers(shape, dtype="float32", seed=0):
    """An array of numbers that are not 0 and not large."""
    rng = np.random.default_rng([seed, *shape])
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    return rng.integers(1, 7, shape).astype(dtype)


def leaves(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def check(function, *arrays, expected=None, exact=True):
    """Eager, inferred and traced results are one, and `expected` if given."""
    eager = leaves(function(*map(as_tensor, arrays)))
    with inner_level():
        symbols = [placeholder(as_tensor(a).spec) for a in arrays]
        outputs = leaves(function(*symbols))
    graph = Graph(symbols, outputs)
    graph.check()
    traced = function_of(graph, np)(*arrays)
    for result, symbol, array in zip(eager, outputs, traced, strict=True):
        assert symbol.spec == result.spec
        assert result.data.shape == result.shape
        assert result.data.dtype.name == result.dtype
        np.testing.assert_array_equal(result.numpy(), array)
    if expected is not None:
        for result, wanted in zip(eager, leaves(expected), strict=True):
            assert result.shape == wanted.shape
            if exact:
                np.testing.assert_array_equal(result.numpy(), wanted)
            else:
                np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-5, atol=1e-5)


# Specs


@seeded
@given(st.lists(SHAPES, min_size=1, max_size=4))
def test_shapes_broadcast_as_in_numpy(shapes):
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ShapeError):
            broadcast_shapes(*shapes)
    else:
        assert broadcast_shapes(*shapes) == expected


@seeded
@given(st.lists(st.sampled_from(DTYPES), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_promotion_does_not_depend_on_the_order(dtypes, random):
    shuffled = random.sample(dtypes, len(dtypes))
    result = promote(*dtypes)
    assert promote(*shuffled) == result
    assert promote(result, *dtypes) == result
    assert is_float(result) or not any(map(is_float, dtypes))


@seeded
@given(SHAPES, st.sampled_from(DTYPES))
def test_a_spec_is_one_object(shape, dtype):
    spec = TensorSpec(shape, dtype)
    assert TensorSpec(tuple(shape), dtype) is spec
    assert spec.nbytes == np.empty(shape, dtype).nbytes


# Element by element


@seeded
@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4),
    st.sampled_from(NUMBERS),
    st.sampled_from(NUMBERS),
    st.sampled_from(("add", "subtract", "multiply", "maximum", "minimum", "equal", "less_equal")),
)
def test_two_tensors(shapes, one, two, name):
    a, b = numbers(shapes.input_shapes[0], one), numbers(shapes.input_shapes[1], two, 1)
    dtype = promote(one, two)
    wanted = getattr(np, name)(a.astype(dtype), b.astype(dtype))
    check(getattr(ops, name), a, b, expected=wanted)
    result = getattr(ops, name)(a, b)
    assert result.dtype == ("bool" if name in ("equal", "less_equal") else dtype)


@seeded
@given(
    hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=4),
    st.sampled_from(NUMBERS),
)
def test_where(shapes, dtype):
    c, a, b = shapes.input_shapes
    arrays = numbers(c, "bool"), numbers(a, dtype, 1), numbers(b, dtype, 2)
    check(ops.where, *arrays, expected=np.where(*arrays))


@seeded
@given(
    SHAPES, st.sampled_from(("exp", "sqrt", "log1p", "tanh", "square", "negative", "reciprocal"))
)
def test_one_tensor(shape, name):
    x = numbers(shape)
    check(getattr(ops, name), x, expected=getattr(np, name)(x), exact=False)


@seeded
@given(SHAPES, st.sampled_from(DTYPES), st.sampled_from(DTYPES))
def test_conversion(shape, old, new):
    x = numbers(shape, old)
    check(lambda t: ops.cast(t, new), x, expected=x.astype(new))


# Reductions


@st.composite
def shape_and_axes(draw, shapes=FULL, one=False):
    shape = draw(shapes)
    places = st.integers(-len(shape), len(shape) - 1)
    if one:
        return shape, draw(places)
    axes = draw(st.lists(places, unique_by=lambda a: a % len(shape), max_size=len(shape)))
    return shape, draw(st.sampled_from((None, tuple(axes))))


@seeded
@given(
    shape_and_axes(),
    st.sampled_from(("int32", "float32", "float64")),
    st.sampled_from(("sum", "max", "min", "prod", "mean", "var", "any", "all", "count_nonzero")),
    st.booleans(),
)
def test_reductions(given_, dtype, name, keepdims):
    shape, axes = given_
    x = numbers(shape, dtype)
    options = {} if name == "count_nonzero" else {"keepdims": keepdims}
    # of no axes NumPy's count takes none either
    expected = np.asarray(getattr(np, name)(x, axis=axes, **options))
    if (dtype, name) == ("int32", "prod"):  # which NumPy computes in int64
        expected = expected.astype(dtype)
    check(lambda t: getattr(ops, name)(t, axes, **options), x, expected=expected, exact=False)


@seeded
@given(shape_and_axes(one=True), st.sampled_from(("argmax", "argmin", "cumsum", "argsort", "sort")))
def test_along_one_axis(given_, name):
    shape, axis = given_
    x = numbers(shape)
    options = {"kind": "stable"} if name == "argsort" else {}
    expected = getattr(np, name)(x, axis=axis, **options)
    check(lambda t: getattr(ops, name)(t, axis), x, expected=expected, exact=False)


@seeded
@given(shape_and_axes(one=True))
def test_running_products_are_numpys(given_):
    shape, axis = given_
    x = numbers(shape, "float64") - 3.0  # zeros, too
    check(lambda t: ops.cumprod(t, axis), x, expected=np.cumprod(x, axis), exact=False)


@seeded
@given(
    shape_and_axes(),
    st.sampled_from(("linear", "lower", "higher", "midpoint", "nearest")),
    st.floats(0.0, 1.0),
    st.booleans(),
)
def test_quantiles(given_, method, q, keepdims):
    shape, axes = given_
    x = np.random.default_rng(list(shape)).normal(size=shape)
    if axes == ():
        axes = None
    count = math.prod(
        shape[a] for a in range(len(shape)) if axes is None or a in _front(axes, shape)
    )
    place = q * (count - 1)
    if method != "linear" and abs(place - round(2 * place) / 2) < 1e-6 * max(count, 1):
        return  # which neighbour is nearer depends on the last digit of q
    expected = np.quantile(x, q, axis=axes, method=method, keepdims=keepdims)
    check(
        lambda t: ops.quantile(t, q, axes, method, keepdims),
        x,
        expected=np.asarray(expected),
        exact=False,
    )


def _front(axes, shape):
    return {a % len(shape) for a in axes}


# Shapes


@st.composite
def two_shapes_of_one_size(draw):
    shape = draw(FULL)
    size = math.prod(shape)
    result = []
    while size > 1 and len(result) < 3:
        part = draw(st.sampled_from([d for d in range(1, size + 1) if size % d == 0]))
        result.append(part)
        size //= part
    return shape, (*result, size)


@seeded
@given(two_shapes_of_one_size(), st.data())
def test_reshape(shapes, data):
    old, new = shapes
    open_ = data.draw(st.integers(0, len(new) - 1))
    wanted = tuple(-1 if i == open_ else d for i, d in enumerate(new))
    x = numbers(old)
    check(lambda t: ops.reshape(t, wanted), x, expected=x.reshape(new))


@seeded
@given(FULL, st.data())
def test_orders_of_axes(shape, data):
    x = numbers(shape)
    axes = data.draw(st.permutations(range(len(shape))))
    check(lambda t: ops.transpose(t, axes), x, expected=x.transpose(axes))
    one, two = (data.draw(st.integers(-len(shape), len(shape) - 1)) for _ in range(2))
    check(lambda t: ops.swapaxes(t, one, two), x, expected=x.swapaxes(one, two))
    check(lambda t: ops.moveaxis(t, one, two), x, expected=np.moveaxis(x, one, two))
    check(lambda t: ops.flip(t, one), x, expected=np.flip(x, one))
    check(lambda t: ops.roll(t, 3, one), x, expected=np.roll(x, 3, one))
    check(lambda t: ops.repeat(t, 2, one), x, expected=np.repeat(x, 2, one))


@seeded
@given(shape_and_axes(one=True), st.integers(1, 4), st.data())
def test_joining_and_cutting(given_, count, data):
    shape, axis = given_
    xs = [numbers(shape, seed=i) for i in range(count)]
    check(lambda *ts: ops.concatenate(ts, axis), *xs, expected=np.concatenate(xs, axis))
    check(lambda *ts: ops.stack(ts, axis), *xs, expected=np.stack(xs, axis))
    joined = np.concatenate(xs, axis)
    check(lambda t: ops.split(t, count, axis), joined, expected=np.split(joined, count, axis))
    parts = np.array_split(joined, count + 1, axis)
    check(lambda t: ops.array_split(t, count + 1, axis), joined, expected=parts)


@seeded
@given(FULL, st.data())
def test_padding(shape, data):
    x = numbers(shape)
    pairs = [data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3))) for _ in shape]
    check(lambda t: ops.pad(t, pairs), x, expected=np.pad(x, pairs))
    short = [(min(a, d - 1), min(b, d - 1)) for (a, b), d in zip(pairs, shape, strict=True)]
    for mode in ("reflect", "symmetric"):
        check(lambda t, m=mode: ops.pad(t, short, m), x, expected=np.pad(x, short, mode))


# Indices


@st.composite
def shape_and_key(draw):
    shape = draw(FULL)
    keys = [
        draw(st.one_of(st.slices(d), st.integers(-d, d - 1)))
        for d in shape[: draw(st.integers(0, len(shape)))]
    ]
    if len(keys) < len(shape) and draw(st.booleans()):
        keys.append(Ellipsis)
    if draw(st.booleans()):
        keys.append(None)
    return shape, tuple(keys)


@seeded
@given(shape_and_key())
def test_slices_of_tensors(given_):
    shape, key = given_
    x = numbers(shape)
    check(lambda t: t[key], x, expected=x[key])


@seeded
@given(shape_and_axes(one=True), hnp.array_shapes(max_dims=3, max_side=4), st.data())
def test_rows_by_number(given_, places, data):
    shape, axis = given_
    n = shape[axis]
    numbers_ = st.integers(-n, n - 1)
    indices = data.draw(hnp.arrays("int32", places, elements=numbers_))
    x = numbers(shape)
    check(lambda t: ops.take(t, indices, axis), x, expected=x.take(indices, axis, mode="wrap"))


@seeded
@given(shape_and_axes(one=True), st.integers(1, 4), st.data())
def test_elements_by_number(given_, count, data):
    shape, axis = given_
    lead = list(shape)
    lead[axis] = count
    elements = st.integers(0, shape[axis] - 1)
    indices = data.draw(hnp.arrays("int32", tuple(lead), elements=elements))
    x = numbers(shape)
    expected = np.take_along_axis(x, indices, axis)
    check(lambda t: ops.take_along_axis(t, indices, axis), x, expected=expected)


@seeded
@given(FULL, st.data())
def test_blocks_are_put_where_they_were_taken(shape, data):
    starts = [data.draw(st.integers(0, d - 1)) for d in shape]
    sizes = [data.draw(st.integers(1, d - s)) for s, d in zip(starts, shape, strict=True)]
    x = numbers(shape)
    place = tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))
    check(lambda t: ops.slice(t, starts, sizes), x, expected=x[place])
    block = -x[place]
    changed = x.copy()
    changed[place] = block
    check(lambda t, b: ops.slice_update(t, starts, b), x, block, expected=changed)
    # a start that is known only later
    check(lambda t, s: ops.slice(t, s, sizes), x, np.array(starts, "int32"), expected=x[place])


@seeded
@given(hnp.array_shapes(max_dims=3, max_side=4), st.data())
def test_updates_by_number(shape, data):
    depth = data.draw(st.integers(1, len(shape)))
    count = data.draw(st.integers(1, 5))
    indices = np.stack(
        [
            data.draw(hnp.arrays("int32", count, elements=st.integers(0, d - 1)))
            for d in shape[:depth]
        ],
        -1,
    )
    x, updates = numbers(shape), numbers((count, *shape[depth:]), seed=1)
    places = tuple(indices.T)
    changed = x.copy()
    changed[places] = updates
    check(lambda t, u: ops.scatter_update(t, indices, u), x, updates, expected=changed)
    for how, function in (("add", np.add), ("max", np.maximum), ("mul", np.multiply)):
        changed = x.copy()
        function.at(changed, places, updates)
        check(
            lambda t, u, how=how: ops.scatter_update(t, indices, u, how),
            x,
            updates,
            expected=changed,
        )


# Products


@seeded
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=4))
def test_products_of_matrices(shapes):
    a, b = (numbers(s, seed=i) for i, s in enumerate(shapes.input_shapes))
    check(ops.matmul, a, b, expected=np.matmul(a, b))


@st.composite
def einsum_terms(draw):
    sizes = {c: draw(st.integers(1, 4)) for c in "abcde"}
    letters = st.lists(st.sampled_from("abcde"), unique=True, max_size=4)
    terms = draw(st.lists(letters, min_size=1, max_size=3))
    used = sorted({c for term in terms for c in term})
    output = draw(st.lists(st.sampled_from(used), unique=True)) if used else []
    text = ",".join("".join(t) for t in terms) + "->" + "".join(output)
    return text, [tuple(sizes[c] for c in term) for term in terms]


@seeded
@given(einsum_terms())
def test_einsum(given_):
    text, shapes = given_
    arrays = [numbers(s, seed=i) for i, s in enumerate(shapes)]
    check(lambda *ts: ops.einsum(text, *ts), *arrays, expected=np.asarray(np.einsum(text, *arrays)))


@seeded
@given(hnp.array_shapes(max_dims=3, max_side=3), hnp.array_shapes(max_dims=3, max_side=3))
def test_products_of_all_with_all(one, two):
    a, b = numbers(one), numbers(two, seed=1)
    check(ops.outer, a, b, expected=np.outer(a, b))
    check(ops.kron, a, b, expected=np.kron(a, b))


# Windows


@st.composite
def windows(draw):
    rank = draw(st.integers(1, 2))
    window = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    strides = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    dilation = tuple(1 if max(strides) > 1 else draw(st.integers(1, 2)) for _ in range(rank))
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    spatial = tuple(draw(st.integers(r, r + 4)) for r in reach)
    return spatial, window, strides, dilation, draw(st.sampled_from(("valid", "same")))


def counts(spatial, window, strides, dilation, padding):
    """How many windows there are along each axis."""
    if padding == "same":
        return tuple(-(-n // s) for n, s in zip(spatial, strides, strict=True))
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    return tuple((n - r) // s + 1 for n, r, s in zip(spatial, reach, strides, strict=True))


@seeded
@given(windows(), st.integers(1, 3), st.integers(1, 3))
def test_convolutions(given_, channels, filters):
    spatial, window, strides, dilation, padding = given_
    x = numbers((2, *spatial, channels))
    kernel = numbers((*window, channels, filters), seed=1)
    step = {"strides": strides, "dilation_rate": dilation, "padding": padding}
    check(lambda t, k: ops.conv(t, k, **step, data_format="channels_last"), x, kernel)
    result = ops.conv(x, kernel, **step, data_format="channels_last")
    assert result.shape == (2, *counts(*given_), filters)
    if padding == "valid":  # the first window, by hand
        first = tuple(slice(0, (k - 1) * d + 1, d) for k, d in zip(window, dilation, strict=True))
        axes = tuple(range(1, len(window) + 2))
        wanted = np.tensordot(x[(slice(None), *first)], kernel, (axes, range(len(window) + 1)))
        place = (slice(None), *(0 for _ in window))
        np.testing.assert_allclose(result.numpy()[place], wanted, rtol=1e-5)


@seeded
@given(windows(), st.sampled_from(("max_pool", "average_pool")))
def test_pooling(given_, name):
    spatial, window, strides, _, padding = given_
    plain = (spatial, window, strides, (1,) * len(window), padding)
    x = numbers((2, *spatial, 3))
    pool = getattr(ops, name)
    check(lambda t: pool(t, window, strides, padding, "channels_last"), x)
    result = pool(x, window, strides, padding, "channels_last")
    assert result.shape == (2, *counts(*plain), 3)


@seeded
@given(windows())
def test_columns_are_laid_back_where_they_were(given_):
    spatial, window, strides, dilation, _ = given_
    if len(spatial) != 2:
        return
    x = numbers((2, 3, *spatial), "float64")

    def there_and_back(images):
        columns = ops.unfold(images, window, dilation, 0, strides)
        return ops.fold(columns, spatial, window, dilation, 0, strides).numpy()

    # as often as there are windows over it
    np.testing.assert_allclose(there_and_back(x), x * there_and_back(np.ones_like(x)))


# Transforms


@seeded
@given(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=9), st.integers(1, 12))
def test_fourier_transforms(shape, length):
    x = np.random.default_rng(list(shape)).normal(size=shape)
    y = np.fft.rfft(x, length)
    check(lambda t: ops.rfft(t, length), x, expected=[y.real, y.imag], exact=False)
    if length > 1:
        back = np.fft.irfft(y, length)
        check(lambda a, b: ops.irfft((a, b), length), y.real, y.imag, expected=back, exact=False)
