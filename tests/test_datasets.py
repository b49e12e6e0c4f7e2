"""Public data sets as Keras gives them, sets that need no network, and files that do harm."""

import builtins
import gzip
import io
import json
import pickle
import re
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import upstream_files

import kerasnb
from kerasnb import config, datasets
from kerasnb.datasets import small
from kerasnb.datasets.npz import read_npz
from kerasnb.datasets.pickles import read_pickle
from kerasnb.errors import ArgumentError, DownloadError, LoadError, MissingDependency

RESULTS = json.loads(upstream_files.RESULTS.read_text("utf-8"))
GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
OFFLINE = sorted(small.SETS)


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=rf"\A{re.escape(text)}\Z"):
        function(*args, **kwargs)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upstream")
    upstream_files.write_files(folder)
    return folder


@pytest.fixture
def own_folder(written, monkeypatch):
    """The folder that `KERASNB_DATASETS` names, with small files of all sets."""
    monkeypatch.setenv("KERASNB_DATASETS", str(written))
    return written


# As in Keras


@pytest.mark.usefixtures("own_folder")
@pytest.mark.parametrize(
    ("call", "expected"), list(zip(upstream_files.CALLS, RESULTS, strict=True)),
    ids=[f"{c[0]}-{i}" for i, c in enumerate(upstream_files.CALLS)],
)  # fmt: skip
def test_the_same_file_gives_what_keras_gives(call, expected):
    name, function, arguments = call
    found = getattr(getattr(datasets, name), function)(**arguments)
    assert upstream_files.summary(found) == expected


@pytest.mark.usefixtures("own_folder")
def test_cifar10_is_put_together(monkeypatch):
    (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    assert (x_train.shape, x_train.dtype) == ((10, 32, 32, 3), "uint8")
    assert (y_train.shape, y_train.dtype) == ((10, 1), "uint8")
    assert (x_test.shape, y_test.shape, y_test.dtype) == ((3, 32, 32, 3), (3, 1), "uint8")
    monkeypatch.setattr(config, "image_data_format", lambda: "channels_first")
    first = datasets.cifar10.load_data()[0][0]
    assert first.shape == (10, 3, 32, 32)
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), x_train)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        (
            "cifar100",
            {"label_mode": "course"},
            "Unknown label_mode 'course'. Did you mean 'coarse'?",
        ),
        (
            "california_housing",
            {"version": "smal"},
            "Unknown version 'smal'. Did you mean 'small'?",
        ),
        (
            "boston_housing",
            {"test_split": 1},
            "load_data: expected test_split from 0 to below 1, got 1.",
        ),
        ("reuters", {"test_split": 2}, "load_data: expected test_split from 0 to 1, got 2."),
        (
            "imdb",
            {"maxlen": 2},
            "load_data: no sentence has fewer than maxlen=2 words. Increase maxlen.",
        ),
    ],
)
@pytest.mark.usefixtures("own_folder")
def test_arguments_that_make_no_sense_are_refused(name, arguments, text):
    refused(ArgumentError, text, getattr(datasets, name).load_data, **arguments)


# Where files are found


def test_without_a_network_one_error_says_it_all(network, tmp_path):
    text = (
        "The data set 'mnist' is not on this computer, and "
        f"{GOOGLE}mnist.npz cannot be fetched: Name or service not known. Fetch it elsewhere and "
        f"put it as mnist.npz into {tmp_path / 'home' / 'datasets'}, or name a folder that has it "
        "with the variable KERASNB_DATASETS. These sets need no network: breast_cancer, circles, "
        "diabetes, digits, iris, moons, spirals, wine, xor."
    )
    refused(DownloadError, text, datasets.mnist.load_data)
    text = (
        "The data set 'fashion_mnist' is not on this computer, and "
        f"{GOOGLE}train-images-idx3-ubyte.gz cannot be fetched: Name or service not known. Fetch "
        "it elsewhere and put it as train-images-idx3-ubyte.gz into "
        f"{tmp_path / 'home' / 'datasets' / 'fashion-mnist'}, or name a folder that has it in a "
        "folder fashion-mnist with the variable KERASNB_DATASETS. These sets need no network: "
        "breast_cancer, circles, diabetes, digits, iris, moons, spirals, wine, xor."
    )
    refused(DownloadError, text, datasets.fashion_mnist.load_data)
    assert network.asked == [GOOGLE + "mnist.npz", GOOGLE + "train-images-idx3-ubyte.gz"]


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("boston_housing", [GOOGLE + "boston_housing.npz"]),
        ("california_housing", [GOOGLE + "california_housing.npz"]),
        ("cifar10", ["https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"]),
        ("cifar100", ["https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"]),
        ("imdb", [GOOGLE + "imdb.npz", GOOGLE + "imdb_word_index.json"]),
        ("reuters", [GOOGLE + "reuters.npz", GOOGLE + "reuters_word_index.json"]),
    ],
)
def test_files_are_asked_for_where_keras_asks(network, name, addresses):
    for function in ("load_data", "get_word_index")[: len(addresses)]:
        with pytest.raises(DownloadError):
            getattr(getattr(datasets, name), function)()
    assert network.asked == addresses


def test_a_file_of_another_hash_is_refused(network, written, tmp_path):
    network.pages[GOOGLE + "mnist.npz"] = (written / "mnist.npz").read_bytes()
    with pytest.raises(LoadError, match=r"expected the sha256 hash 731c5ac602752760c8e48f.* got "):
        datasets.mnist.load_data()
    assert list((tmp_path / "home" / "datasets").iterdir()) == []


def test_a_file_of_the_right_hash_is_fetched_once(network, written, monkeypatch, tmp_path):
    content = (written / "mnist.npz").read_bytes()
    network.pages[GOOGLE + "mnist.npz"] = content
    digest = upstream_files.hashlib.sha256(content).hexdigest()
    module = kerasnb.datasets.mnist
    monkeypatch.setattr(module, "FILE", module.FILE._replace(hash=digest))
    for _ in range(2):
        assert datasets.mnist.load_data("mine.npz")[0][0].shape == (6, 28, 28)
    assert network.asked == [GOOGLE + "mnist.npz"]
    assert [p.name for p in (tmp_path / "home" / "datasets").iterdir()] == ["mine.npz"]


def test_a_folder_that_is_none_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASNB_DATASETS", str(tmp_path / "nowhere"))
    text = f"KERASNB_DATASETS: expected a folder, got {str(tmp_path / 'nowhere')!r}, which is none."
    refused(ArgumentError, text, datasets.mnist.load_data)


# Reduced sets


@pytest.fixture
def reduced(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASNB_DATASETS", str(tmp_path))

    def write(name, *arrays, named=True):
        names = ("x_train", "y_train", "x_test", "y_test") if named else ()
        if named:
            np.savez(tmp_path / name, **dict(zip(names, arrays, strict=True)))
        else:
            np.savez(tmp_path / name, *arrays)

    return write


def sentences(*rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def test_a_reduced_set_is_taken_and_said(reduced, capsys, tmp_path):
    x, y = np.arange(2 * 3072).reshape(2, 32, 32, 3).astype("uint8"), np.array([7, 1], "uint8")
    reduced("cifar10-tiny.npz", x, y, x[:1], y[:1])
    (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    np.testing.assert_array_equal(x_train, x)
    assert (y_train.tolist(), x_test.shape, y_test.tolist()) == ([[7], [1]], (1, 32, 32, 3), [[7]])
    said = f"cifar10: a reduced set, {tmp_path / 'cifar10-tiny.npz'}, with 2 + 1 rows.\n"
    assert capsys.readouterr().out == said


def test_the_whole_set_comes_before_a_reduced_one(reduced):
    x, y = np.ones((2, 28, 28), "uint8"), np.arange(2)
    reduced("mnist-small.npz", x, y, x, y)
    reduced("mnist.npz", x[:1], y[:1], x, y)
    assert datasets.mnist.load_data()[0][0].shape == (1, 28, 28)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_reduced_pictures_in_gray(reduced, name):
    x = np.ones((2, 28, 28), "uint8")
    reduced(f"{name}-2.npz", x, np.arange(2), x, np.arange(2))
    assert getattr(datasets, name).load_data()[1][0].shape == (2, 28, 28)


def test_reduced_reviews_have_their_numbers_already(reduced):
    x, y = sentences([1, 14, 22, 2], [1, 9, 300]), np.array([1, 0])
    reduced("imdb-small.npz", x, y, x, y, named=False)
    (x_train, y_train), _ = datasets.imdb.load_data(num_words=100, skip_top=10)
    assert x_train.tolist() == [[2, 14, 22, 2], [2, 2, 2]]
    assert y_train.tolist() == [1, 0]
    assert datasets.imdb.load_data(num_words=500, maxlen=4)[0][0].tolist() == [[1, 9, 300]]
    text = (
        "imdb.load_data: a reduced set has its numbers already. Leave start_char, oov_char and "
        "index_from as they are, or use the whole set."
    )
    refused(ArgumentError, text, datasets.imdb.load_data, oov_char=None)


def test_a_reduced_set_of_another_kind_is_refused(reduced, tmp_path):
    x, y = np.ones((2, 28, 28), "uint8"), np.arange(3)
    path = tmp_path / "mnist-odd.npz"
    reduced(path.name, x, y, x, y)
    text = (
        f"{path}: expected examples of shape (28, 28) with a label each, got arrays of shapes "
        "(2, 28, 28) and (3,)."
    )
    refused(LoadError, text, datasets.mnist.load_data)
    np.savez(path, a=x)
    text = f"{path}: expected the arrays x_train, y_train, x_test, y_test."
    refused(LoadError, text, datasets.mnist.load_data)


# Files that do harm


class Harmful:
    """What `pickle.load` makes of it creates a file."""

    def __init__(self, proof: Path):
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_acts_is_refused(tmp_path, protocol):
    proof = tmp_path / "proof"
    data = pickle.dumps([1, Harmful(proof)], protocol)
    with pytest.raises(LoadError, match="Only data is read; nothing of it was executed"):
        read_pickle(data, "file")
    assert not proof.exists()
    pickle.loads(data)  # as a naive reader does
    assert proof.exists()


def test_an_array_that_acts_is_refused(tmp_path):
    proof = tmp_path / "proof"
    np.savez(tmp_path / "imdb.npz", x_train=sentences(Harmful(proof)), y_train=np.zeros(1))
    with pytest.raises(LoadError, match="Only data is read; nothing of it was executed"):
        read_npz(tmp_path / "imdb.npz", ("x_train", "y_train"))
    assert not proof.exists()


def test_a_batch_that_acts_is_refused(tmp_path, monkeypatch):
    proof = tmp_path / "proof"
    monkeypatch.setenv("KERASNB_DATASETS", str(tmp_path))
    batch = pickle.dumps({b"data": Harmful(proof)}, 2)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    upstream_files.write_tar(
        tmp_path / "cifar-10-python.tar.gz", "cifar-10-batches-py", dict.fromkeys(names, batch)
    )
    with pytest.raises(LoadError, match="Only data is read; nothing of it was executed"):
        datasets.cifar10.load_data()
    assert not proof.exists()


ARRAY = pickle.dumps(np.arange(6, dtype="<i2").reshape(2, 3), 2)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x80\x02cposix\nsystem\n.", "the pickle names 'posix.system', which is refused."),
        (b"\x80\x02cnumpy\nload\n.", "the pickle names 'numpy.load', which is refused."),
        (b"\x80\x02c\x1b[2J\nx\n.", "the pickle names '\\x1b[2J.x', which is refused."),
        (b"\x80\x02(i__builtin__\neval\n.", "the instruction b'i' of the pickle is refused."),
        (b"\x80\x02Pabc\n.", "the instruction b'P' of the pickle is refused."),
        (b"\x80\x02\x82\x01.", "the instruction b'\\x82' of the pickle is refused."),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "the instruction b'\\x81' of the pickle is refused."),
        (b"\x80\x02cnumpy\nndarray\n)R.", "the pickle calls something, which is refused."),
        (b"\x80\x02}U\x01x}b.", "the pickle changes an object, which is refused."),
        (ARRAY.replace(b"i2", b"V2"), "the pickle holds an array of 'V2', which is refused."),
    ],
)
def test_what_is_not_data_is_refused(data, text):
    text = f"file: {text} Only data is read; nothing of it was executed."
    refused(LoadError, text, read_pickle, data, "file")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x02",
        b"\x80\x02.",
        b"\x80\x02K",
        b"\x80\x02X\xff\xff\xff\xffabc.",
        b"\x80\x02h\x05.",
        b"\x80\x02t.",
        b"\x80\x02K\x01a.",
        b"\x80\x02cnumpy\nndarray\n.",
        ARRAY.replace(b"K\x02K\x03", b"K\x09K\x09"),
        ARRAY[:-30] + b".",
    ],
)
def test_a_damaged_pickle_is_refused(data):
    refused(LoadError, "file: it is no pickle, or a damaged one.", read_pickle, data, "file")


@pytest.mark.parametrize(
    "value",
    [
        [1, -2, 3.5, None, True, False, "é", b"\xff", 2**40, -(10**30)],
        {"a": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], "b": {"c": []}},
        list(range(300)),
    ],
)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_data_is_read_as_pickle_reads_it(value, protocol):
    assert read_pickle(pickle.dumps(value, protocol), "file") == value


@pytest.mark.parametrize("dtype", ["<i8", ">i4", "u1", "f4", ">f8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_read_as_pickle_reads_them(dtype, order):
    array = np.arange(6).reshape(2, 3).astype(dtype, order=order)
    found = read_pickle(pickle.dumps([array, array], 3), "file")
    assert found[0].dtype == array.dtype
    assert found[0] is found[1]
    np.testing.assert_array_equal(found[0], array)
    found[0][0, 0] = 1  # it is no window on the file


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_of_nothing_are_read(protocol):
    found = read_pickle(pickle.dumps(np.zeros((0, 3), "f4"), protocol), "file")
    assert (found.shape, found.dtype) == ((0, 3), "float32")


def test_damage_of_any_kind_is_an_error_of_ours():
    rng = np.random.default_rng(0)
    whole = pickle.dumps([np.arange(6), sentences([1], [2, 3]), {"a": b"b", "c": (1, 2.5)}], 2)
    for _ in range(500):
        data = bytearray(whole)
        for place in rng.integers(len(data), size=4):
            data[place] = rng.integers(256)
        try:
            read_pickle(bytes(data), "file")
        except LoadError:
            continue


def test_arrays_within_arrays_are_read():
    array = sentences(np.arange(2), [3, 4], "x")
    found = read_pickle(pickle.dumps(array, 3), "file")
    assert found[0].tolist() == [0, 1]
    assert found[1:].tolist() == [[3, 4], "x"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\x93NUMPY\x09\x00", "{}, array x: it is no array as NumPy writes them."),
        (b"", "{}, array x: it is no array as NumPy writes them."),
    ],
)
def test_a_file_that_is_no_array_is_refused(tmp_path, content, text):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", content)
    refused(LoadError, text.format(path), read_npz, path, ("x",))


def test_an_array_that_says_to_be_large_is_refused(tmp_path):
    path, buffer = tmp_path / "x.npz", io.BytesIO()
    np.save(buffer, np.zeros((4, 4), "f4"))
    content = buffer.getvalue().replace(b"(4, 4), }     ", b"(9999, 99999)}")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", content)
    text = f"{path}, array x: expected (9999, 99999) of float32, got 64 bytes."
    refused(LoadError, text, read_npz, path, ("x",))
    path.write_bytes(b"nothing")
    text = f"{path}: it is no zip file, or something comes before the first member."
    refused(LoadError, text, read_npz, path, ("x",))


def test_damaged_archives_of_pictures_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASNB_DATASETS", str(tmp_path))
    path = tmp_path / "cifar-100-python.tar.gz"
    upstream_files.write_tar(path, "cifar-100-python", {"train": b"\x80\x02}."})
    text = f"{path}: expected a member cifar-100-python/test, which is not there."
    refused(LoadError, text, datasets.cifar100.load_data)
    upstream_files.write_tar(path, "cifar-100-python", {"train": b"\x80\x02}.", "test": b""})
    text = (
        f"{path}, cifar-100-python/train: expected pictures of 3 x 32 x 32 bytes with a label each."
    )
    refused(LoadError, text, datasets.cifar100.load_data)
    with tarfile.open(path, "w:gz") as file:  # a link in place of a batch is not followed
        info = tarfile.TarInfo("cifar-100-python/train")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(info)
    text = f"{path}: expected a member cifar-100-python/train, which is not there."
    refused(LoadError, text, datasets.cifar100.load_data)
    path.write_bytes(b"nothing")
    with pytest.raises(LoadError, match="cannot be unpacked: "):
        datasets.cifar100.load_data()


def test_damaged_pictures_of_clothes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASNB_DATASETS", str(tmp_path))
    path = tmp_path / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    path.parent.mkdir()
    for content in (b"", b"\0\0\x08", b"\0\0\x08\x01\0\0\0\x05abc", b"\0\0\x0d\x01\0\0\0\0"):
        path.write_bytes(gzip.compress(content))
        text = f"{path}: expected bytes in the format idx, got something else."
        refused(LoadError, text, datasets.fashion_mnist.load_data)
    path.write_bytes(b"nothing")
    with pytest.raises(LoadError, match="cannot be unpacked: "):
        datasets.fashion_mnist.load_data()


# Sets that need no network


@pytest.mark.parametrize("name", OFFLINE)
def test_a_set_that_needs_no_network(network, name):
    found = getattr(datasets, name)
    (x_train, y_train), (x_test, y_test) = found.load_data()
    assert (len(x_train) + len(x_test), *x_train.shape[1:]) == found.shape
    assert len(x_train) == int(0.8 * found.shape[0]) == len(y_train)
    assert len(x_test) == len(y_test)
    again = found.load_data(seed=113)[0]
    other = found.load_data(seed=5)[0]
    np.testing.assert_array_equal(again[0], x_train)
    assert (other[0] != x_train).any()
    features, classes = found.feature_names, found.class_names
    assert features is None or len(features) == x_train.shape[1]
    assert classes is None or len(classes) == y_train.max() + 1
    assert y_train.dtype == ("float32" if found.task == "number" else "int32")
    assert network.asked == []


def test_known_rows_of_small_sets():
    whole = datasets.iris.whole()
    assert whole.x[0].tolist() == [5.1, 3.5, 1.4, 0.2]
    assert whole.class_names == ["setosa", "versicolor", "virginica"]
    assert datasets.digits.whole().x.max() == 16
    (x, _), (x_test, _) = datasets.moons.load_data(test_split=0.25, seed=3)
    assert (x.shape, x_test.shape, x.dtype) == ((300, 2), (100, 2), "float32")
    assert repr(datasets.xor) == "<data set 'xor': Points in opposite corners belong together.>"


def test_a_set_of_scikit_learn_s_says_what_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    text = "The data set 'wine' comes with scikit-learn: pip install \"kerasnb[notebook]\""
    refused(MissingDependency, text, datasets.wine.load_data)
    assert datasets.circles.load_data()[0][0].shape == (320, 2)


@pytest.mark.parametrize("split", [1, 1.5, -0.1, True])
def test_a_split_that_leaves_nothing_is_refused(split):
    text = f"load_data: expected test_split from 0 to below 1, got {split!r}."
    refused(ArgumentError, text, datasets.moons.load_data, split)
