"""Random numbers: Philox against published vectors, the distributions, and the seeds."""

import math
import random as python_random
import types
from statistics import NormalDist

import numpy as np
import pytest

from kerasnb import ops, random
from kerasnb.autodiff import GradientTape
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError, DTypeError, ShapeError, UnknownDimension
from kerasnb.ops import random as bits
from kerasnb.tensor import as_tensor

N = 200_000
# A sample's distribution function is further than 1.95 / sqrt(N) from the true one
# once in a thousand samples (Kolmogorov); the seeds are fixed, so what passes goes on passing.
GAP = 1.95 / math.sqrt(N)


def state(seed, call=0):
    return np.array([seed, call], "uint32")


def gap(sample, distribution_function):
    """Kolmogorov's distance of a sample from a distribution."""
    true = distribution_function(np.sort(sample.astype("float64").ravel()))
    grid = np.arange(true.size + 1) / true.size
    return max(np.abs(true - grid[1:]).max(), np.abs(true - grid[:-1]).max())


def normal_cdf(x):
    return 0.5 * (1 + ops.erf(as_tensor(x / math.sqrt(2), "float64")).numpy())


# Philox

# Salmon et al. publish these three with their code: counter, key, output
VECTORS = {
    "zeros": ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    "ones": (
        [0xFFFFFFFF] * 4,
        [0xFFFFFFFF] * 2,
        [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
    ),
    "pi": (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
}


def plain_philox(counter, key):
    """The definition, on Python integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b % 2**32, (a >> 32) ^ c[3] ^ k[1], a % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


@pytest.mark.parametrize("name", VECTORS)
def test_philox_gives_the_published_words(name):
    counter, key, expected = VECTORS[name]
    assert plain_philox(counter, key) == expected
    even, odd = (np.array([[counter[i]], [counter[i + 2]]], "uint64") for i in range(2))
    keys = np.array(
        [[[(k + i * w) % 2**32] for k, w in zip(key, bits.WEYL, strict=True)] for i in range(10)],
        "uint64",
    )
    even, odd = bits.philox(np, even, odd, keys)
    words = [even[0, 0], odd[0, 0], even[1, 0], odd[1, 0]]
    assert [int(w) & 0xFFFFFFFF for w in words] == expected


def test_an_element_is_its_word_of_its_block_whatever_the_shape():
    size = 4 * bits.CHUNK * 2 + 3  # three chunks, the last one with an unfinished block
    words = ops.random_bits(state(5, 9), (size,)).numpy()
    for e in (0, 1, 7, 4 * bits.CHUNK - 1, 4 * bits.CHUNK, 4 * bits.CHUNK + 2, size - 1):
        assert words[e] == plain_philox([e // 4, 0, 9, 0], [5, 0])[e % 4]
    np.testing.assert_array_equal(ops.random_bits(state(5, 9), (3, 5)).numpy().ravel(), words[:15])


def test_another_array_module_gives_the_same_bits():
    other = types.ModuleType("other")
    vars(other).update(vars(np))  # not NumPy itself, so everything is done in one piece
    size = 4 * bits.CHUNK + 5
    impl = bits._random_bits.impl
    np.testing.assert_array_equal(
        impl(other, state(3), shape=(size,)), impl(np, state(3), shape=(size,))
    )


def test_bits_are_balanced_and_calls_differ():
    words = ops.random_bits(state(1), (N,)).numpy()
    ones = np.unpackbits(words.view("uint8")).reshape(N, 32).mean(0)
    # a share of N coin tosses is off by more than 4 standard deviations once in 16,000
    assert np.abs(ones - 0.5).max() < 4 * 0.5 / math.sqrt(N)
    other = ops.random_bits(state(1, 1), (N,)).numpy()
    assert np.abs(np.unpackbits((words ^ other).view("uint8")).mean() - 0.5) < 1e-3
    assert len(np.unique(np.concatenate([words, other]))) > 2 * N - 100


@pytest.mark.parametrize(
    ("bad", "error", "text"),
    [
        (
            np.zeros(3, "uint32"),
            ShapeError,
            "random_bits: expected a state of shape (2,), got (3,).",
        ),
        (np.zeros(2, "int32"), DTypeError, "random_bits: expected a uint32 state, got int32."),
    ],
)
def test_a_wrong_state_is_told(bad, error, text):
    with pytest.raises(error) as caught:
        ops.random_bits(bad, (2,))
    assert str(caught.value) == text


# Distributions


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform(dtype):
    x = random.uniform((N,), 2.0, 5.0, dtype, seed=1)
    assert x.dtype == dtype
    assert x.shape == (N,)
    sample = x.numpy()
    assert sample.min() >= 2.0
    assert sample.max() <= 5.0
    if dtype != "float16":  # whose grid is too coarse for the distance
        assert gap(sample, lambda v: (v - 2) / 3) < GAP


@pytest.mark.parametrize(("dtype", "digits"), [("float16", 11), ("float32", 24), ("float64", 53)])
def test_unit_numbers_use_the_whole_significand_and_stay_below_1(dtype, digits):
    sample = random.uniform((1000,), dtype=dtype, seed=2).numpy().astype("float64")
    steps = sample * 2.0**digits
    assert (steps == np.floor(steps)).all()
    assert (steps % 2 == 1).any()
    assert sample.max() < 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal(dtype):
    x = random.normal((N + 1,), 1.0, 2.0, dtype, seed=3)
    assert x.dtype == dtype
    assert x.shape == (N + 1,)
    sample = x.numpy()
    assert gap(sample, lambda v: normal_cdf((v - 1) / 2)) < GAP
    half = (
        N + 2
    ) // 2  # both numbers of a pair have one radius: they must not depend on each other
    a, b = sample[: N // 2] - 1, sample[half : half + N // 2] - 1
    assert abs((a * b).mean()) < 4 * 4 / math.sqrt(N / 2)
    assert abs((a * a * b * b).mean() / 16 - 1) < 0.1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_normal_is_finite_at_the_ends_of_the_generator(dtype, monkeypatch):
    for word, size in ((0, 3), (2**32 - 1, 4)):
        monkeypatch.setattr(
            random, "random_bits", lambda s, shape, w=word: as_tensor(np.full(shape, w, "uint32"))
        )
        sample = random.normal((size,), dtype=dtype, seed=0).numpy()
        assert np.isfinite(sample).all()
    monkeypatch.setattr(
        random, "random_bits", lambda s, shape: as_tensor(np.zeros(shape, "uint32"))
    )
    largest = {"float16": 6.765, "float32": 6.764, "float64": 8.652}[dtype]
    assert float(random.normal((2,), dtype=dtype, seed=0)[0]) == pytest.approx(largest, abs=2e-3)


def test_normal_needs_a_known_shape():
    with pytest.raises(UnknownDimension) as caught:
        random.normal((None, 2), seed=0)
    assert str(caught.value) == "normal: every dimension must be known, got (None, 2)."


# float32: 1e-7 of the polynomial and roundings of 6e-8 each; x = 0.9545 has 6e-8 of its own, times
# the slope there, 18
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
def test_truncated_normal_is_the_exact_quantile(dtype, tolerance, monkeypatch):
    x = np.linspace(-1, 1, 2001)[1:-1]
    monkeypatch.setattr(random, "_centred", lambda state, shape, d: as_tensor(x.astype(d)))
    got = random.truncated_normal(x.shape, dtype=dtype, seed=0).numpy()
    two_sigma = math.erf(math.sqrt(2))
    given = x.astype(dtype).astype("float64")
    true = [NormalDist().inv_cdf(0.5 + 0.5 * v * two_sigma) for v in given]
    np.testing.assert_allclose(got, true, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_truncated_normal(dtype):
    x = random.truncated_normal((N,), 1.0, 2.0, dtype, seed=4)
    assert x.dtype == dtype
    sample = x.numpy()
    assert np.abs(sample - 1).max() <= 4
    low, high = normal_cdf(np.array([-2.0, 2.0]))
    assert gap(sample, lambda v: (normal_cdf((v - 1) / 2) - low) / (high - low)) < GAP
    assert random.truncated_normal((3,), dtype="float16", seed=4).dtype == "float16"


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64"])
def test_randint(dtype):
    low = 0 if dtype == "uint8" else -3
    x = random.randint((N,), low, low + 7, dtype, seed=5)
    assert x.dtype == dtype
    values, counts = np.unique(x.numpy(), return_counts=True)
    assert values.tolist() == list(range(low, low + 7))
    assert np.abs(counts / N - 1 / 7).max() < 4 * math.sqrt(6 / 49 / N)


def test_randint_over_the_whole_range():
    words = ops.random_bits(state(6), (8,)).numpy().astype("int64")
    whole = random.randint((8,), -(2**31), 2**31, "int64", seed=6).numpy()
    np.testing.assert_array_equal(whole, words - 2**31)


def test_categorical():
    probabilities = np.array([[0.1, 0.2, 0.7, 0.0], [0.25, 0.25, 0.25, 0.25]])
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities).astype("float32")
    drawn = random.categorical(logits, 50_000, seed=7)
    assert drawn.shape == (2, 50_000)
    assert drawn.dtype == "int32"
    for row, p in zip(drawn.numpy(), probabilities, strict=True):
        shares = np.bincount(row, minlength=4) / row.size
        assert np.abs(shares - p).max() < 4 * 0.5 / math.sqrt(row.size)
        assert shares[p == 0].sum() == 0
    assert random.categorical(logits, 2, "int64", seed=7).dtype == "int64"


def erlang_cdf(shape):
    """Of the gamma distribution with a whole number."""
    return lambda x: 1 - np.exp(-x) * sum(x**k / math.factorial(k) for k in range(shape))


@pytest.mark.parametrize(
    ("alpha", "cdf"),
    [
        (1.0, erlang_cdf(1)),
        (5.0, erlang_cdf(5)),
        (0.5, lambda x: ops.erf(as_tensor(np.sqrt(x), "float64")).numpy()),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gamma(alpha, cdf, dtype):
    sample = random.gamma((N,), alpha, dtype, seed=9)
    assert sample.dtype == dtype
    assert gap(sample.numpy(), cdf) < GAP


def test_gamma_of_many_shapes_at_once():
    alphas = np.float32([[0.01], [0.3], [2.0], [300.0]])
    sample = random.gamma((4, 50_000), alphas, seed=10).numpy()
    assert (sample >= 0).all()
    # a mean of 50,000 is off by 4 deviations of sqrt(alpha / 50,000) once in 16,000 times
    np.testing.assert_allclose(sample.mean(1), alphas[:, 0], atol=4 * np.sqrt(300 / 50_000))
    np.testing.assert_allclose(sample.mean(1)[:3], alphas[:3, 0], atol=4 * np.sqrt(2 / 50_000))


@pytest.mark.parametrize(
    ("a", "b", "cdf"),
    [
        (0.5, 0.5, lambda x: 2 / np.pi * np.arcsin(np.sqrt(x))),
        (2.0, 1.0, lambda x: x * x),
        (1.0, 3.0, lambda x: 1 - (1 - x) ** 3),
    ],
)
def test_beta(a, b, cdf):
    assert gap(random.beta((N,), a, b, seed=11).numpy(), cdf) < GAP


def test_beta_of_small_numbers_is_a_number():
    sample = random.beta((1000,), 1e-3, 1e-3, seed=12).numpy()
    assert np.isfinite(sample).all()
    assert 400 < (sample > 0.5).sum() < 600


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (16, 0.5), (17, 0.9), (100, 0.05), (500, 0.4)])
def test_binomial(n, p):
    sample = random.binomial((N,), n, p, seed=13).numpy()
    assert sample.dtype == "float32"
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        + k * math.log(p) + (n - k) * math.log(1 - p)
        for k in range(n + 1)
    ]  # fmt: skip
    found = np.bincount(sample.astype(int), minlength=n + 1) / N
    assert np.abs(np.cumsum(found) - np.cumsum(np.exp(logs))).max() < GAP


def test_binomial_of_many_numbers_at_once():
    counts, shares = np.int32([[0], [7], [2000]]), np.float32([0.0, 0.25, 1.0])
    sample = random.binomial((4000, 3, 3), counts, shares, dtype="int32", seed=14).numpy()
    assert sample.dtype == "int32"
    assert (sample[..., 0] == 0).all()
    assert (sample[..., 2] == counts[:, 0]).all()
    np.testing.assert_allclose(sample[..., 1].mean(0), [0, 1.75, 500], atol=4 * 20 / 63)


def test_dropout():
    x = as_tensor(np.linspace(1, 2, N).astype("float32"))
    with GradientTape() as tape:
        y = random.dropout(x, 0.3, seed=8)
    assert y.dtype == "float32"
    factor = y.numpy() / x.numpy()
    kept = factor > 0
    np.testing.assert_allclose(factor[kept], 1 / 0.7, rtol=1e-6)
    assert abs(kept.mean() - 0.7) < 4 * math.sqrt(0.21 / N)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), kept / 0.7, rtol=1e-6)


def test_dropout_of_whole_slices_and_at_the_ends():
    x = ops.ones((50, 4, 6))
    y = random.dropout(x, 0.5, noise_shape=(None, 1, 6), seed=9).numpy()
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert random.dropout(x, 0.0) is x
    assert (random.dropout(x, 1.0).numpy() == 0).all()


def test_shuffle():
    x = np.arange(40).reshape(10, 4)
    rows = random.shuffle(x, seed=10).numpy()
    assert not (rows == x).all()
    np.testing.assert_array_equal(rows[rows[:, 0].argsort()], x)
    columns = random.shuffle(x, axis=-1, seed=1).numpy()
    np.testing.assert_array_equal(columns[:, columns[0].argsort()], x)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: random.uniform((2,), dtype="int32"),
            DTypeError,
            "uniform: expected a float dtype, got int32.",
        ),
        (
            lambda: random.normal((2,), dtype="bool"),
            DTypeError,
            "normal: expected a float dtype, got bool.",
        ),
        (
            lambda: random.randint((2,), 0, 3, "float32"),
            DTypeError,
            "randint: expected an integer dtype, got float32.",
        ),
        (
            lambda: random.randint((2,), 3, 3),
            ArgumentError,
            "randint: expected minval < maxval <= minval + 2**32, got minval=3, maxval=3.",
        ),
        (
            lambda: random.categorical(np.zeros((2, 3, 4)), 1),
            ShapeError,
            "categorical: expected logits of shape (N, classes), got (2, 3, 4).",
        ),
        (
            lambda: random.dropout(ops.ones((2,)), 1.5),
            ArgumentError,
            "dropout: rate must be between 0 and 1, got 1.5.",
        ),
        (
            lambda: random.dropout(ops.ones((2, 3)), 0.5, noise_shape=(2, 2)),
            ShapeError,
            "dropout: expected in noise_shape 1, None or the input's dimension for each axis of "
            "(2, 3), got (2, 2).",
        ),
        (
            lambda: random.uniform((2,), seed=1.5),
            ArgumentError,
            "seed must be an integer, a SeedGenerator or None, got float.",
        ),
        (
            lambda: random.SeedGenerator("a"),
            ArgumentError,
            "SeedGenerator: seed must be an integer or None, got 'a'.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


# Seeds


def test_an_integer_gives_the_same_numbers_every_time():
    a, b, c = (random.normal((5,), seed=s).numpy() for s in (11, np.int64(11), 12))
    np.testing.assert_array_equal(a, b)
    assert (a != c).all()
    assert random.uniform((2,), seed=-1).shape == (2,)


def test_none_follows_pythons_random_module():
    def draw():
        return random.uniform((5,)).numpy()

    python_random.seed(3)
    first, second = draw(), draw()
    python_random.seed(3)
    np.testing.assert_array_equal(first, draw())
    assert (first != second).all()


def test_a_generator_advances():
    generator = random.SeedGenerator(13)
    assert generator.state.dtype == "uint32"
    assert not generator.state.trainable
    assert generator.next().numpy().tolist() == [13, 0]
    assert generator.next().numpy().tolist() == [13, 1]
    assert generator.state.numpy().tolist() == [13, 2]
    generator.state.assign([13, 2**32 - 1])
    generator.next()
    assert generator.state.numpy().tolist() == [13, 0]


def test_a_generator_is_made_again_from_its_configuration():
    generator = random.SeedGenerator(14, name="noise")
    assert generator.get_config() == {"seed": 14, "name": "noise"}
    again = random.SeedGenerator.from_config(generator.get_config())
    np.testing.assert_array_equal(
        random.uniform((3,), seed=generator).numpy(), random.uniform((3,), seed=again).numpy()
    )
    assert random.SeedGenerator().get_config() == {"seed": None, "name": "seed_generator"}


def test_a_traced_step_goes_on_in_the_eager_sequence():
    eager, traced = random.SeedGenerator(15), random.SeedGenerator(15)
    step = Step(lambda: (random.normal((3,), seed=traced), random.uniform((2,), seed=traced)))
    for _ in range(3):
        a, b = step()
        # the plan may fuse or reorder: same bits, but perhaps another last digit
        np.testing.assert_allclose(a.numpy(), random.normal((3,), seed=eager).numpy(), rtol=1e-6)
        np.testing.assert_array_equal(b.numpy(), random.uniform((2,), seed=eager).numpy())
    np.testing.assert_array_equal(eager.state.numpy(), traced.state.numpy())


def test_without_a_seed_each_run_of_a_traced_step_differs():
    def runs():
        python_random.seed(4)
        step = Step(lambda: (random.uniform((4,)), random.uniform((4,))))
        return [[t.numpy() for t in step()] for _ in range(2)]

    first = runs()
    numbers = np.concatenate([a for run in first for a in run])
    assert len(np.unique(numbers)) == 16
    np.testing.assert_array_equal(first, runs())
