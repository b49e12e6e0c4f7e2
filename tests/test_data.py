"""Batches from arrays, sequences and iterators, and every error and warning about data."""

import warnings
from collections import Counter

import numpy as np
import pytest

from kerasnb import backends
from kerasnb.errors import ArgumentError, DTypeError, ShapeError
from kerasnb.models.arrays import EVALUATE, VALIDATION, DataWarning
from kerasnb.models.data import (
    ArrayData,
    IteratorData,
    SequenceData,
    make_data,
    split_validation,
)
from kerasnb.utils import PyDataset, set_random_seed


def raises(error, text):
    """`pytest.raises` that compares the whole text."""
    return pytest.raises(error, match=rf"\A{_escape(text)}\Z")


def warns(text):
    return pytest.warns(DataWarning, match=rf"\A{_escape(text)}\Z")


def _escape(text):
    return "".join("\\" + c if c in r"\.^$*+?{}[]|()" else c for c in text)


def rng(seed=0):
    return np.random.default_rng(seed)


def columns(n, width=2, dtype="float32"):
    return np.arange(n * width, dtype=dtype).reshape(n, width)


# --- arrays: batches ----------------------------------------------------------------------------


def test_batches_in_order_are_views():
    x, y = columns(70), np.arange(70)
    data = make_data(x, y)
    batches = list(data.epoch())
    assert [len(b[0]) for b in batches] == [32, 32, 6]
    assert (data.steps, data.batch_size, data.num_samples) == (3, 32, 70)
    assert all(w is None for *_, w in batches)
    assert all(np.shares_memory(b[0], x) for b in batches)
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), y)


def test_shuffle_keeps_samples_together_and_follows_the_generator():
    x, y = columns(50), np.arange(50)
    data = make_data(x, y, batch_size=8, shuffle=True)
    draw = rng()
    first, second = (list(data.epoch(draw)) for _ in range(2))
    for epoch in (first, second):
        xs, ys = (np.concatenate([b[i] for b in epoch]) for i in range(2))
        np.testing.assert_array_equal(np.sort(ys), y)
        np.testing.assert_array_equal(xs, x[ys])
    orders = [[b[1].tolist() for b in e] for e in (first, second)]
    assert orders[0] != orders[1]
    assert [b[1].tolist() for b in data.epoch(rng())] == orders[0]
    assert [b[1].tolist() for b in data.epoch(rng(1))] != orders[0]


def test_shuffle_without_a_generator_follows_the_seed():
    data = make_data(np.arange(50), batch_size=50, shuffle=True)
    orders = []
    for _ in range(2):
        set_random_seed(3)
        orders.append([x.tolist() for x, *_ in data.epoch()])
    assert orders[0] == orders[1] != [list(range(50))]


def test_shuffle_of_batches_takes_contiguous_pieces():
    x = columns(50)
    data = make_data(x, batch_size=8, shuffle="batch")
    batches = [b[0] for b in data.epoch(rng())]
    assert all(np.shares_memory(b, x) for b in batches)
    starts = [int(b[0, 0]) // 2 for b in batches]
    assert sorted(starts) == list(range(0, 50, 8)) != starts


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_nested_structures_keep_their_form(shuffle):
    x = {"b": columns(10), "a": [np.arange(10), (np.arange(10) * 2,)]}
    y = [np.arange(10), None]
    data = make_data(x, y, np.ones(10), batch_size=4, shuffle=shuffle)
    for bx, by, bw in data.epoch(rng()):
        assert list(bx) == ["b", "a"]
        n = len(by[0])
        assert bx["b"].shape == (n, 2)
        assert isinstance(bx["a"][1], tuple)
        np.testing.assert_array_equal(bx["a"][1][0], bx["a"][0] * 2)
        np.testing.assert_array_equal(by[0], bx["a"][0])
        assert by[1] is None
        assert bw[0].shape == (n,)
    assert data.first()[0]["b"].shape == (4, 2)


def test_steps_without_batch_size_spread_the_samples():
    data = make_data(np.arange(100), steps=7)
    assert (data.batch_size, data.steps) == (15, 7)
    assert len(list(data.epoch())) == 7
    data = make_data(np.arange(10), steps=6)  # 2 samples a batch make 5 batches
    assert len(list(data.epoch())) == data.steps == 5


def test_fewer_steps_than_batches_go_on_in_the_next_epoch():
    data = make_data(np.arange(10), batch_size=2, steps=3)
    epochs = [[b[0].tolist() for b in data.epoch()] for _ in range(2)]
    assert epochs == [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [0, 1]]]
    assert data.steps == 3
    shuffled = make_data(np.arange(10), batch_size=2, steps=4, shuffle=True)
    draw = rng()
    seen = Counter(int(i) for _ in range(5) for b in shuffled.epoch(draw) for i in b[0])
    assert seen == Counter(dict.fromkeys(range(10), 4))  # 20 batches are 4 whole passes


def test_more_steps_than_batches():
    with warns(
        "steps_per_epoch=9, but x has only 5 batches. Your input runs out of data: "
        "each epoch ends after 5 steps."
    ):
        data = make_data(np.arange(10), batch_size=2, steps=9)
    assert data.steps == 5
    assert [len(list(data.epoch())) for _ in range(2)] == [5, 5]


def test_data_passes_through():
    data = make_data(np.arange(3))
    assert make_data(data) is data


# --- arrays: data types -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (np.zeros((2, 3), "float64"), "float32", (2, 3)),
        (np.zeros(2, "float16"), "float32", (2,)),
        (np.zeros(2, ">f4"), "float32", (2,)),
        (np.zeros(2, ">i2"), "int16", (2,)),
        (np.zeros(2, "int64"), "int64", (2,)),
        (np.zeros(2, "uint8"), "uint8", (2,)),
        (np.zeros(2, bool), "bool", (2,)),
        ([1, 2], "int32", (2,)),
        ([2**40, 2], "int64", (2,)),
        ([1, 2.5], "float32", (2,)),
        ([True, False], "bool", (2,)),
        ([[1, 2], [3, 4], [5, 6]], "int32", (3, 2)),
        ((1.0, 2.0), "float32", (2,)),
        ([np.float64(1), np.float64(2)], "float32", (2,)),
    ],
)
def test_dtypes(value, dtype, shape):
    x, *_ = make_data(value).first()
    assert (x.dtype, x.shape) == (dtype, shape)
    assert x.dtype.isnative


def test_arrays_are_contiguous_and_converted_once():
    data = make_data(np.asfortranarray(columns(8, 3, "float64")), batch_size=2)
    batches = [b[0] for b in data.epoch()]
    assert all(b.flags.c_contiguous for b in batches)
    assert all(np.shares_memory(b, data.first()[0].base) for b in batches)


class Frame:
    """Stands in for a table of pandas."""

    def __init__(self, **columns):
        self.data = {name: np.asarray(column) for name, column in columns.items()}
        self.columns = list(columns)
        self.dtypes = [column.dtype for column in self.data.values()]
        self.shape = (len(next(iter(self.data.values()))), len(columns))

    def __array__(self, dtype=None, copy=None):
        kinds = [column.astype(object) for column in self.data.values()]
        mixed = len(set(self.dtypes)) > 1
        return np.stack(kinds if mixed else list(self.data.values()), 1)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, name):
        return Column(self.data[name])


class Column:
    def __init__(self, data):
        self.data, self.shape, self.dtype = data, data.shape, data.dtype

    def to_numpy(self):
        return self.data

    def __array__(self, dtype=None, copy=None):
        return self.data


def test_tables_and_columns():
    frame = Frame(a=[1.0, 2.0], b=[3.0, 4.0])
    x, y, weight = make_data(frame, frame["b"], frame["a"]).first()
    np.testing.assert_array_equal(x, np.array([[1, 3], [2, 4]], "float32"))
    np.testing.assert_array_equal(y, [[3], [4]])  # (N, 1), as Keras does
    np.testing.assert_array_equal(weight, [1, 2])
    assert make_data({"a": frame["a"]}).first()[0]["a"].shape == (2, 1)


class DeviceArray:
    """An array that refuses what CuPy refuses: to become a NumPy array unasked."""

    def __init__(self, host):
        self.host, self.dtype, self.shape, self.ndim = host, host.dtype, host.shape, host.ndim

    def __len__(self):
        return len(self.host)

    def __getitem__(self, index):
        return DeviceArray(self.host[index])

    def astype(self, dtype):
        return DeviceArray(self.host.astype(dtype))

    def take(self, index, axis):
        assert isinstance(index, DeviceArray)
        return DeviceArray(self.host.take(index.host, axis))

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion")


class Device:
    array_type = DeviceArray

    def asarray(self, value, dtype=None):
        return DeviceArray(np.asarray(value, dtype))

    def to_numpy(self, array):
        return array.host


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_arrays_of_a_device_stay_there(monkeypatch, shuffle):
    device = Device()
    monkeypatch.setattr(
        backends, "backend_of", lambda a: device if isinstance(a, DeviceArray) else None
    )
    x, y = DeviceArray(columns(10, 2, "float64")), DeviceArray(np.arange(10) % 2)
    data = make_data(x, y, batch_size=4, shuffle=shuffle, class_weight={0: 1.0, 1: 3.0})
    total = 0
    for bx, by, bw in data.epoch(rng()):
        assert {type(a) for a in (bx, by, bw)} == {DeviceArray}
        assert bx.dtype == "float32"
        np.testing.assert_array_equal(bw.host, 1 + 2 * by.host)
        total += len(bx)
    assert total == 10


# --- arrays: errors, all before any work --------------------------------------------------------


def test_lengths_differ():
    with raises(ShapeError, "Expected as many samples in each array, but x has 10, y has 9."):
        make_data(np.zeros((10, 2)), np.zeros(9))
    with raises(
        ShapeError,
        "Expected as many samples in each array, but x['age'] has 10, x['income'] has 8, "
        "y[0] has 10, sample_weight has 7.",
    ):
        make_data({"age": np.zeros(10), "income": np.zeros(8)}, [np.zeros(10)], np.zeros(7))
    with raises(
        ShapeError,
        "Expected as many samples in each array, but validation_data[0] has 3, "
        "validation_data[1] has 2.",
    ):
        make_data(np.zeros(3), np.zeros(2), names=VALIDATION)


def test_a_list_of_samples_is_taken_for_inputs():
    with raises(
        ShapeError,
        "Expected as many samples in each array, but x[0] has 4, x[1] has 4, x[2] has 4, "
        "x[3] has 4, x[4] has 4, x[5] has 4, …, y has 20. x is a list of 20 arrays, which means "
        "20 inputs; np.stack(x) makes one array of 20 samples.",
    ):
        make_data([np.zeros((4, 4))] * 20, np.zeros(20))


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        (None, ArgumentError, "x is None: pass arrays, a generator or a PyDataset."),
        (np.zeros((0, 3)), ShapeError, "x is empty: its shape is (0, 3)."),
        ([], ShapeError, "x is empty: its shape is (0,)."),
        ({}, ShapeError, "x is empty: it holds no array."),
        (3.5, ShapeError, "x: expected an array of samples, got a single number."),
        (
            [[1, 2], [3, 4], [5]],
            ShapeError,
            "x: expected rows of one length, but row 0 has 2 and row 2 has 1. "
            "Pad them, for example with kerasnb.utils.pad_sequences.",
        ),
        (
            [[1, 2], 3],
            ShapeError,
            "x: expected rows of one length, but row 0 has 2 and row 1 is a number. "
            "Pad them, for example with kerasnb.utils.pad_sequences.",
        ),
        (
            [[[1], [2, 3]], [[4], [5]]],
            ShapeError,
            "x: its rows do not form one array. Give the lists in them the same length.",
        ),
        (
            {"a": np.array([None, 1.0])},
            DTypeError,
            "x['a']: expected numbers, got objects (dtype object). "
            "If they are all numbers, pass np.array(x['a'], dtype='float32').",
        ),
        (
            [1, None],
            DTypeError,
            "x: expected numbers, got objects (dtype object). "
            "If they are all numbers, pass np.array(x, dtype='float32').",
        ),
        (
            ["good", "bad"],
            DTypeError,
            "x: expected numbers, got text (dtype <U4). Turn them into numbers first, with "
            "TextVectorization or StringLookup.",
        ),
        (
            "text",
            DTypeError,
            "x: expected numbers, got text (dtype <U4). Turn them into numbers first, with "
            "TextVectorization or StringLookup.",
        ),
        (
            np.array(["2020-01-01"], "datetime64[D]"),
            DTypeError,
            "x: expected numbers, got dates (dtype datetime64[D]). Turn them into numbers first.",
        ),
        (
            np.zeros(2, complex),
            DTypeError,
            "x: expected numbers, got complex numbers (dtype complex128). "
            "Turn them into numbers first.",
        ),
        (
            Frame(age=[1, 2], name=["a", "b"], city=["c", "d"]),
            DTypeError,
            "x: expected numbers, got objects (dtype object). "
            "These columns are not numbers: 'name', 'city'.",
        ),
    ],
)
def test_unusable_data(x, error, text):
    with raises(error, text):
        make_data(x)


def test_object_array_of_lists_is_ragged():
    x = np.empty(2, object)
    x[:] = [[1, 2, 3], [4]]
    with raises(
        ShapeError,
        "x: expected rows of one length, but row 0 has 3 and row 1 has 1. "
        "Pad them, for example with kerasnb.utils.pad_sequences.",
    ):
        make_data(x)


def test_sparse_matrix():
    class csr_matrix:
        shape = (2, 3)

        def toarray(self):
            return np.zeros(self.shape)

    with raises(
        DTypeError,
        "x is a sparse csr_matrix. Pass x.toarray(), or a generator that makes each batch dense.",
    ):
        make_data(csr_matrix())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"batch_size": 0}, "batch_size: expected a positive integer, got 0."),
        ({"batch_size": 2.0}, "batch_size: expected a positive integer, got 2.0."),
        ({"steps": -1}, "steps_per_epoch: expected a positive integer, got -1."),
        ({"steps": 0, "names": EVALUATE}, "steps: expected a positive integer, got 0."),
        ({"shuffle": "batches"}, "Unknown shuffle 'batches'. Did you mean 'batch'?"),
    ],
)
def test_wrong_arguments(options, text):
    with raises(ArgumentError, text):
        make_data(np.zeros(4), **options)


# --- arrays: NaN --------------------------------------------------------------------------------


def test_nan_is_named():
    age = np.ones(1000)
    age[:3] = np.nan
    with warns(
        "x['age'] holds 3 NaN among 1000 values, which makes the loss NaN. "
        "Remove those samples or replace the values."
    ):
        make_data({"age": age}, np.ones(1000))
    with warns(
        "y holds 1 NaN and 2 infinite among 4 values, which makes the loss NaN. "
        "Remove those samples or replace the values."
    ):
        make_data(np.ones(4), np.array([np.nan, np.inf, -np.inf, 1.0]))
    with warns(
        "x holds 1 infinite among 2 values, which makes the loss NaN. "
        "Remove those samples or replace the values."
    ):
        make_data(np.array([1e300, 1.0]))  # beyond float32


def test_large_sums_are_not_nan():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_data(np.full(100, 3e38, "float32"))


# --- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y",
    [
        np.array([0, 2, 1, 0]),
        np.array([[0], [2], [1], [0]], "uint8"),
        np.array([0.0, 2.0, 1.0, 0.0]),
        [0, 2, 1, 0],
        np.eye(3)[[0, 2, 1, 0]],
        np.eye(3)[[0, 2, 1, 0]] * 0.9 + 0.05,  # label smoothing
    ],
    ids=["integer", "column", "float", "list", "one-hot", "smoothed"],
)
def test_class_weight(y):
    weights = {0: 1.0, 1: 2.0, 2: 4.0}
    *_, weight = make_data(np.zeros(4), y, class_weight=weights).first()
    assert weight.dtype == "float32"
    np.testing.assert_array_equal(weight, [1, 4, 2, 1])
    *_, weight = make_data(np.zeros(4), y, [1, 2, 3, 0.5], class_weight=weights).first()
    np.testing.assert_array_equal(weight, [1, 8, 6, 0.5])


def test_class_weight_of_binary_targets_and_time_steps():
    y = np.array([[True], [False]])
    *_, weight = make_data(np.zeros(2), y, class_weight={True: 3, False: 1}).first()
    np.testing.assert_array_equal(weight, [3, 1])
    y = np.eye(2)[[[0, 1, 1], [1, 0, 0]]]  # (N, T, C)
    *_, weight = make_data(np.zeros(2), y, [1, 10], class_weight={0: 1, 1: 2}).first()
    np.testing.assert_array_equal(weight, [[1, 2, 2], [20, 10, 10]])


def test_a_label_without_a_class_weight_counts_as_1():
    *_, weight = make_data(np.zeros(3), [0, 1, 2], class_weight={1: 5.0}).first()
    np.testing.assert_array_equal(weight, [1, 5, 1])


@pytest.mark.parametrize(
    ("y", "class_weight", "text"),
    [
        (
            [0, 1, 2],
            {"0": 1},
            "class_weight: expected whole numbers as labels of y, got '0'.",
        ),
        (None, {0: 1}, "class_weight needs targets, but y is None."),
        (
            [0, 1, 2],
            [1.0, 2.0],
            "class_weight: expected a dictionary of label -> weight, got list. "
            "For weights in the order of the labels, pass dict(enumerate(weights)).",
        ),
        (
            {"a": np.zeros(3), "b": np.zeros(3)},
            {0: 1},
            "class_weight needs a single array of targets, got a dictionary with keys 'a', 'b' "
            "as y. Pass sample_weight with one array per output.",
        ),
    ],
)
def test_class_weight_errors(y, class_weight, text):
    with raises(ArgumentError, text):
        make_data(np.zeros(3), y, class_weight=class_weight)


def test_sample_weight_for_several_outputs():
    y = {"a": np.zeros(3), "b": np.zeros(3)}
    *_, weight = make_data(np.zeros(3), y, np.ones((3, 1))).first()
    assert {name: w.shape for name, w in weight.items()} == {"a": (3,), "b": (3,)}
    *_, weight = make_data(np.zeros(3), y, {"a": None, "b": np.ones(3)}).first()
    assert weight["a"] is None
    with raises(
        ArgumentError,
        "sample_weight: expected the structure of y, a dictionary with keys 'a', 'b', "
        "got a dictionary with keys 'a'.",
    ):
        make_data(np.zeros(3), y, {"a": np.ones(3)})
    with raises(
        ArgumentError,
        "sample_weight: expected the structure of y, a list of 1, got a list of 2.",
    ):
        make_data(np.zeros(3), [np.zeros(3)], [np.ones(3), np.ones(3)])
    with raises(
        ShapeError,
        "sample_weight: expected one weight per sample, (N,), as y is a dictionary with keys "
        "'a', 'b'; got shape (3, 2). Pass one array per output instead.",
    ):
        make_data(np.zeros(3), y, np.ones((3, 2)))


# --- validation_split ---------------------------------------------------------------------------


def test_split_takes_the_last_samples():
    x, y = {"a": np.arange(10)}, list(range(10))
    train, validation = split_validation(x, y, None, 0.3)
    assert train[0]["a"].tolist() == list(range(7))
    assert validation[1].tolist() == [7, 8, 9]
    assert train[2] is None
    assert validation[2] is None


@pytest.mark.parametrize("split", [0, 1, 1.0, -0.1, 2, "0.2", True])
def test_split_out_of_range(split):
    text = f"validation_split: expected a number between 0 and 1, got {split!r}."
    with raises(ArgumentError, text):
        split_validation(np.zeros(10), None, None, split)


def test_split_errors():
    with raises(ArgumentError, "validation_split=0.9 of 1 samples leaves none for training."):
        split_validation(np.zeros(1), None, None, 0.9)
    with raises(
        ArgumentError,
        "validation_split needs arrays, got x of type generator. Pass validation_data instead.",
    ):
        split_validation((i for i in range(3)), None, None, 0.5)
    with raises(
        ArgumentError,
        "validation_split needs arrays, got x of type Squares. Pass validation_data instead.",
    ):
        split_validation(Squares(3), None, None, 0.5)
    with raises(ShapeError, "Expected as many samples in each array, but x has 4, y has 5."):
        split_validation(np.zeros(4), np.zeros(5), None, 0.5)


# --- sequences ----------------------------------------------------------------------------------


class Squares(PyDataset):
    """Batch i is 4 times i, and its square."""

    def __init__(self, count, **options):
        super().__init__(**options)
        self.count = count
        self.events = []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        x = np.full((4, 1), index, "float64")
        return x, x**2

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


def order(data, generator=None):
    return [int(b[0][0, 0]) for b in data.epoch(generator)]


@pytest.mark.parametrize("workers", [1, 3])
def test_sequence(workers):
    source = Squares(20, workers=workers, max_queue_size=4)
    data = make_data(source)
    assert isinstance(data, SequenceData)
    x, y, weight = data.first()
    assert (x.dtype, y.dtype, weight) == ("float32", "float32", None)
    assert source.events == []
    assert (data.steps, data.num_samples, data.batch_size) == (20, None, None)
    assert order(data) == list(range(20))
    assert source.events == ["begin", "end"]


def test_shuffled_sequence():
    data = make_data(Squares(20), shuffle=True)
    first = order(data, rng())
    assert sorted(first) == list(range(20)) != first
    assert order(data, rng()) == first
    assert order(data, rng(1)) != first


def test_sequence_without_the_base_class_and_with_class_weight():
    class Plain:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.zeros((3, 1)), [0, 1, 1], [1, 1, 2]

    batches = list(make_data(Plain(), class_weight={0: 5, 1: 2}).epoch())
    assert len(batches) == 2
    assert batches[0][2].tolist() == [5, 2, 4]


def test_sequence_with_steps():
    data = make_data(Squares(5), steps=3)
    assert [order(data) for _ in range(3)] == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]
    with warns(
        "steps_per_epoch=9, but x has only 5 batches. Your input runs out of data: "
        "each epoch ends after 5 steps."
    ):
        data = make_data(Squares(5), steps=9)
    assert order(data) == list(range(5))


def test_sequence_that_changes_its_length():
    source = Squares(3)
    data = make_data(source)
    assert len(order(data)) == 3
    source.count = 5
    assert data.steps == 5
    assert len(order(data)) == 5


def test_endless_sequence():
    class Endless(Squares):
        num_batches = None

    data = make_data(Endless(0), steps=2)
    assert [order(data) for _ in range(2)] == [[0, 1], [2, 3]]
    with raises(
        ArgumentError,
        "x has no end: say how many batches make an epoch with steps_per_epoch.",
    ):
        make_data(Endless(0))


def test_stopping_early_stops_the_workers():
    source = Squares(1000, workers=2)
    epoch = make_data(source).epoch()
    next(epoch)
    epoch.close()
    assert source.events == ["begin"]


def test_sequence_errors():
    with raises(ShapeError, "x is empty: its length, the number of batches, is 0."):
        make_data(Squares(0))
    for name, arguments in (
        ("y", {"y": np.zeros(4)}),
        ("sample_weight", {"sample_weight": np.zeros(4)}),
    ):
        with raises(
            ArgumentError,
            f"x is a sequence, so {name} must not be given: "
            "let x give (x, y) or (x, y, sample_weight).",
        ):
            make_data(Squares(2), **arguments)


# --- generators and other iterables -------------------------------------------------------------


def pairs(count, start=0):
    for i in range(start, start + count):
        yield np.full((2, 1), i, "float64"), [i, i]


def test_generator_peeks_without_loss():
    data = make_data(pairs(3))
    assert isinstance(data, IteratorData)
    assert data.steps is None
    x, y, weight = data.first()
    assert (x.dtype, y.dtype, weight) == ("float32", "int32", None)
    assert data.first()[0] is x
    assert data.ready()
    assert order(data) == [0, 1, 2]
    assert not data.ran_out


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (np.zeros((2, 1)), (True, False, False)),
        ((np.zeros((2, 1)),), (True, False, False)),
        ({"a": np.zeros((2, 1))}, (True, False, False)),
        ((np.zeros((2, 1)), np.zeros(2)), (True, True, False)),
        ([np.zeros((2, 1)), np.zeros(2)], (True, True, False)),
        ((np.zeros((2, 1)), np.zeros(2), np.ones(2)), (True, True, True)),
        ((np.zeros((2, 1)), None, None), (True, False, False)),
    ],
)
def test_items_of_a_generator(item, expected):
    batch = make_data(iter([item])).first()
    assert tuple(part is not None for part in batch) == expected


def test_generator_runs_out_between_epochs():
    data = make_data(pairs(6), steps=3)
    for expected in ([0, 1, 2], [3, 4, 5]):
        assert data.ready()
        assert order(data) == expected
    with warns(
        "Your input ran out of data after 6 batches; interrupting training. "
        "x has to yield 3 batches for each epoch. "
        "Arrays and a PyDataset can be read again, a generator cannot."
    ):
        assert not data.ready()
    assert data.ran_out


def test_generator_runs_out_within_an_epoch():
    data = make_data(pairs(4), steps=3, names=VALIDATION)
    assert order(data) == [0, 1, 2]
    assert data.ready()
    with warns(
        "Your input ran out of data after 4 batches; interrupting validation. "
        "validation_data[0] has to yield 3 batches for each epoch. "
        "Arrays and a PyDataset can be read again, a generator cannot."
    ):
        assert order(data) == [3]
    assert data.ran_out
    data = make_data(pairs(1), steps=3, names=EVALUATE)
    with warns(
        "Your input ran out of data after 1 batch; interrupting evaluation. "
        "x has to yield 3 batches. "
        "Arrays and a PyDataset can be read again, a generator cannot."
    ):
        order(data)


def test_generator_without_steps_serves_one_epoch():
    data = make_data(pairs(2))
    assert order(data) == [0, 1]
    with warns(
        "Your input ran out of data after 2 batches; interrupting training. "
        "x has to yield new batches for each epoch. "
        "Arrays and a PyDataset can be read again, a generator cannot."
    ):
        assert not data.ready()


class Loader:
    """Starts anew each time it is iterated over."""

    def __init__(self, count):
        self.count, self.starts = count, 0

    def __iter__(self):
        self.starts += 1
        return pairs(self.count)


def test_iterable_starts_anew_for_each_epoch():
    source = Loader(3)
    data = make_data(source)
    data.first()
    for _ in range(3):
        assert data.ready()
        assert order(data) == [0, 1, 2]
        assert data.steps == 3
    assert source.starts == 3


def test_iterable_after_an_epoch_that_was_cut():
    data = make_data(Loader(3))
    next(data.epoch())
    assert data.ready()
    assert order(data) == [0, 1, 2]


def test_iterable_with_steps():
    data = make_data(Loader(5), steps=3)
    assert [order(data) for _ in range(3)] == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]
    data = make_data(Loader(2), steps=3)
    with pytest.warns(DataWarning, match="ran out of data after 2 batches"):
        assert order(data) == [0, 1]
    assert not data.ran_out
    assert data.ready()


def test_errors_of_batches():
    with raises(ShapeError, "x is empty: it yields no batch."):
        make_data(iter(())).first()
    with raises(
        ArgumentError,
        "Batch 0 of x: Expected x, (x,), (x, y) or (x, y, sample_weight), got a tuple of 4 items.",
    ):
        make_data(iter([(1, 2, 3, 4)])).first()
    with raises(
        ShapeError,
        "Expected as many samples in each array, but batch 1 of x, x has 2, batch 1 of x, y has 3.",
    ):
        list(make_data(iter([np.zeros(2), (np.zeros(2), np.zeros(3))])).epoch())
    with raises(
        DTypeError,
        "batch 0 of x, y: expected numbers, got text (dtype <U1). Turn them into numbers first, "
        "with TextVectorization or StringLookup.",
    ):
        make_data(iter([(np.zeros(2), ["a", "b"])])).first()
    with raises(ArgumentError, "x is the function 'pairs'. Call it: x=pairs()."):
        make_data(pairs)
    with raises(ArgumentError, "x: expected arrays, a generator or a PyDataset, got object."):
        make_data(object())
    with raises(
        ArgumentError,
        "x is a generator, so y must not be given: let x give (x, y) or (x, y, sample_weight).",
    ):
        make_data(pairs(2), np.zeros(4))


def test_nan_in_a_batch_warns_once():
    bad = np.array([[np.nan], [1.0]])
    with warns(
        "batch 1 of x, x holds 1 NaN among 2 values, which makes the loss NaN. "
        "Remove those samples or replace the values."
    ) as caught:
        list(make_data(iter([np.ones((2, 1)), bad, bad])).epoch())
    assert len(caught) == 1


def test_sources_can_be_made_directly():
    assert ArrayData(np.zeros(3)).steps == 1
    assert SequenceData(Squares(2)).steps == 2
    assert IteratorData(pairs(2), steps=2).steps == 2
