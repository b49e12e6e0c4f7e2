"""Seeds, labels, padding, normalisation, batch tuples and PyDataset."""

import random
import re

import numpy as np
import pytest

from kerasnb.errors import ArgumentError, DTypeError, ShapeError
from kerasnb.utils import (
    Progbar,
    PyDataset,
    normalize,
    pack_x_y_sample_weight,
    pad_sequences,
    set_random_seed,
    to_categorical,
    unpack_x_y_sample_weight,
)


def raises(error, text):
    """`pytest.raises` that compares the whole text."""
    return pytest.raises(error, match=rf"\A{_escape(text)}\Z")


def _escape(text):
    return "".join("\\" + c if c in r"\.^$*+?{}[]|()" else c for c in text)


# --- set_random_seed ----------------------------------------------------------------------------


def test_seed_governs_random_and_numpy():
    set_random_seed(7)
    first = random.random(), np.random.rand()
    set_random_seed(np.int64(7))
    assert (random.random(), np.random.rand()) == first


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True])
def test_seed_must_be_an_integer_in_range(seed):
    text = f"set_random_seed: expected an integer from 0 to 2**32 - 1 as seed, got {seed!r}."
    with raises(ArgumentError, text):
        set_random_seed(seed)


# --- to_categorical -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "num_classes", "expected"),
    [
        ([0, 2], None, [[1, 0, 0], [0, 0, 1]]),
        ([0, 2], 4, [[1, 0, 0, 0], [0, 0, 1, 0]]),
        ([[0], [1]], None, [[1, 0], [0, 1]]),
        ([[0, 1], [1, 1]], None, [[[1, 0], [0, 1]], [[0, 1], [0, 1]]]),
        (np.array([1.0, 0.0]), None, [[0, 1], [1, 0]]),
        ([True, False], None, [[0, 1], [1, 0]]),
        (2, 3, [0, 0, 1]),
        ([], 3, np.zeros((0, 3))),
    ],
)
def test_to_categorical(x, num_classes, expected):
    result = to_categorical(x, num_classes)
    assert result.dtype == "float32"
    np.testing.assert_array_equal(result, expected)


def test_to_categorical_errors():
    with raises(
        ArgumentError,
        "to_categorical: expected labels from 0 to 2 (num_classes=3), got labels from -1 to 5.",
    ):
        to_categorical([-1, 5], 3)
    with raises(
        DTypeError,
        "to_categorical: expected whole numbers as labels, got dtype float64 with fractions.",
    ):
        to_categorical([0.5])
    with raises(DTypeError, "to_categorical: expected whole numbers as labels, got dtype <U3."):
        to_categorical(["cat"])
    with raises(ShapeError, "to_categorical: x is empty; pass num_classes or at least one label."):
        to_categorical([])


# --- normalize ----------------------------------------------------------------------------------


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]], "float32")
    result = normalize(x)
    assert result.dtype == "float32"
    np.testing.assert_allclose(result, [[0.6, 0.8], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(normalize(x, axis=0), [[1, 1], [0, 0]])
    np.testing.assert_allclose(normalize(x, order=1), [[3 / 7, 4 / 7], [0, 0]], rtol=1e-6)


def test_normalize_keeps_the_float_type_of_an_array():
    assert normalize(np.ones((2, 2), "float64")).dtype == "float64"
    assert normalize(np.ones((2, 2), "int64")).dtype == "float32"
    assert normalize([[1, 2]]).dtype == "float32"


# --- pad_sequences ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5]]),
        ({"maxlen": 4, "value": -1}, [[-1, -1, -1, 1], [-1, -1, 2, 3], [-1, 4, 5, 6]]),
    ],
)
def test_pad_sequences(options, expected):
    result = pad_sequences([[1], [2, 3], [4, 5, 6]], **options)
    assert result.dtype == "int32"
    np.testing.assert_array_equal(result, expected)


def test_pad_sequences_of_vectors_text_and_nothing():
    result = pad_sequences([[], [[1, 2]]], dtype="float32")
    np.testing.assert_array_equal(result, np.array([[[0, 0]], [[1, 2]]], "float32"))
    assert pad_sequences([["a"], ["b", "c"]], dtype=object, value="-").tolist() == [
        ["-", "a"],
        ["b", "c"],
    ]
    assert pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"sequences": [[1]], "padding": "past"},
            ArgumentError,
            "Unknown padding in pad_sequences 'past'. Did you mean 'post'?",
        ),
        (
            {"sequences": [[1]], "truncating": "per"},
            ArgumentError,
            "Unknown truncating in pad_sequences 'per'. Did you mean 'pre'?",
        ),
        (
            {"sequences": [[1]], "maxlen": 0},
            ArgumentError,
            "pad_sequences: expected a positive integer as maxlen, got 0.",
        ),
        (
            {"sequences": [[1], 2]},
            ShapeError,
            "pad_sequences: expected a list of sequences, got int at position 1.",
        ),
        (
            {"sequences": [[[1, 2]], [[1, 2, 3]]]},
            ShapeError,
            "pad_sequences: expected items of shape (2,) as in the first sequence, "
            "got (3,) in sequence 1.",
        ),
        (
            {"sequences": [[1]], "value": "-"},
            ArgumentError,
            "pad_sequences: value='-' is text and does not fit dtype int32; pass dtype=object.",
        ),
    ],
)
def test_pad_sequences_errors(arguments, error, text):
    with raises(error, text):
        pad_sequences(**arguments)


# --- batch tuples -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (1, (1, None, None)),
        ((1,), (1, None, None)),
        ((1, 2), (1, 2, None)),
        ([1, 2, 3], (1, 2, 3)),
        ({"a": 1}, ({"a": 1}, None, None)),
    ],
)
def test_unpack(data, expected):
    assert unpack_x_y_sample_weight(data) == expected


def test_unpack_error():
    text = "Expected x, (x,), (x, y) or (x, y, sample_weight), got a tuple of 4 items."
    with raises(ArgumentError, text):
        unpack_x_y_sample_weight((1, 2, 3, 4))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1,), 1),
        (([1],), ([1],)),
        ((1, 2), (1, 2)),
        ((1, 2, 3), (1, 2, 3)),
        ((1, None, 3), (1, None, 3)),
    ],
)
def test_pack(arguments, expected):
    assert pack_x_y_sample_weight(*arguments) == expected
    unpacked = unpack_x_y_sample_weight(pack_x_y_sample_weight(*arguments))
    assert unpacked == (*arguments, None, None)[:3]


# --- PyDataset ----------------------------------------------------------------------------------


class Numbers(PyDataset):
    def __init__(self, count):
        self.count = count  # on purpose without super().__init__()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return index


def test_pydataset():
    data = Numbers(3)
    assert list(data) == [0, 1, 2]
    assert data.num_batches == 3
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (1, False, 10)
    assert PyDataset(workers=4).workers == 4
    assert PyDataset().num_batches is None


def test_pydataset_without_getitem():
    text = (
        "PyDataset needs a method __getitem__(self, index) that returns batch number index "
        "as x, (x, y) or (x, y, sample_weight)."
    )
    with raises(NotImplementedError, text):
        PyDataset()[0]


# --- Progbar ------------------------------------------------------------------------------------


def progress(capsys, **arguments):
    """What a bar of three steps says at the end."""
    bar = Progbar(3, verbose=2, **arguments)
    for step, value in enumerate((1.0, 3.0)):
        bar.update(step + 1, [("mean", value), ("last", value)])
    bar.add(1)
    return capsys.readouterr().out


def test_progbar_shows_means(capsys):
    said = progress(capsys, unit_name="row")
    assert re.fullmatch(
        r"3/3 - \d+\.\d s - [\d.e-]+ ms/row - mean: 2\.0000 - last: 2\.0000\n", said
    )
    assert "mean: 2.0000 - last: 3.0000" in progress(capsys, stateful_metrics=["last"])
    assert "mean: 2.0000 - last: 3.0000" in progress(capsys, stateless_metrics=["mean"])


def test_progbar_counts_a_number_for_its_steps(capsys):
    bar = Progbar(None, verbose=2)
    bar.update(3, [("loss", 1.0)])
    bar.update(4, [("loss", 5.0)])
    bar.update(4, finalize=True)
    said = capsys.readouterr().out
    assert said.startswith("4 - ")
    assert said.endswith(" - loss: 2.0000\n")  # (3 * 1 + 1 * 5) / 4


def test_progbar_draws_a_bar(capsys):
    bar = Progbar(2, width=8, interval=0)
    bar.add(1, [("loss", 1.0)])
    bar.add(1, [("loss", 0.5)])
    last = capsys.readouterr().out.replace("\n", "").split("\r")[-1]
    assert re.match(r"2/2 \|█{8}\| .*, loss: 0\.5000", last)
    Progbar(2, verbose=0).add(2)
    assert capsys.readouterr() == ("", "")


def test_progbar_takes_one_kind_of_names():
    with raises(ArgumentError, "Progbar: give stateful_metrics or stateless_metrics, not both."):
        Progbar(2, stateful_metrics=[], stateless_metrics=[])
